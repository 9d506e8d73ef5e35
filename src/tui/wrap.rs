//! Long text on lines of a pane: broken at spaces where there are any, else between graphemes.

use unicode_segmentation::UnicodeSegmentation;

use super::text::{Keep, from_file, width};

/// Text from a file, whole and safe to draw.
pub fn safe(text: &str) -> String {
    from_file(text, usize::MAX, Keep::Start, "")
}

/// The lines of a text in at most `columns` columns each: what stands on a line of the text begins one here, and
/// everything is escaped. A grapheme that is wider than the columns is left out.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    lines.flat_map(|line| wrap_line(&safe(line), columns)).collect()
}

fn wrap_line(line: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = String::new();
    let mut used = 0;
    for word in line.split_word_bounds() {
        let wide = width(word);
        let is_blank = word.chars().all(char::is_whitespace);
        if used + wide <= columns {
            current.push_str(word);
            used += wide;
            continue;
        }
        if is_blank {
            // The space that the line was broken at.
            lines.push(std::mem::take(&mut current));
            used = 0;
            continue;
        }
        // Punctuation that belongs to a word is cut from it only where the two do not fit on a line.
        let carried =
            current.rfind(' ').filter(|at| wide + width(current.get(at + 1..).unwrap_or_default()) <= columns);
        let start = carried.map(|at| current.split_off(at + 1)).filter(|_| wide <= columns);
        if !current.is_empty() && (start.is_some() || wide <= columns) {
            lines.push(std::mem::take(&mut current).trim_end_matches(' ').to_owned());
            used = 0;
        }
        if let Some(start) = start {
            used = width(&start);
            current = start;
        }
        for grapheme in word.graphemes(true) {
            let wide = width(grapheme);
            if used + wide > columns {
                if !current.is_empty() {
                    lines.push(std::mem::take(&mut current));
                    used = 0;
                }
                if wide > columns {
                    continue;
                }
            }
            current.push_str(grapheme);
            used += wide;
        }
    }
    if !current.is_empty() || lines.is_empty() {
        lines.push(current);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_break_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrap("a chunk's bytes are not", 9), ["a chunk's", "bytes are", "not"]);
        assert_eq!(wrap("abcdefgh ij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("one\r\ntwo\n\nthree", 10), ["one", "two", "", "three"]);
        assert_eq!(wrap("日本語 a\u{1b}b", 4), ["日本", "語", "a\\", "x1bb"]);
        assert_eq!((wrap("", 4), wrap("日", 1)), (vec![String::new()], vec![String::new()]));
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_columns(text in any::<String>(), columns in 0usize..30) {
            prop_assert!(wrap(&text, columns).iter().all(|line| width(line) <= columns));
        }

        #[test]
        fn nothing_but_spaces_is_lost(text in "[a-z .,'-]{0,80}", columns in 1usize..30) {
            let joined: String = wrap(&text, columns).concat();
            prop_assert_eq!(joined.replace(' ', ""), text.replace(' ', ""));
        }
    }
}
