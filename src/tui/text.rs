//! Text fitted into columns. What came from a file is [escaped](h4mk::text::escape) first; here it is cut and
//! padded between graphemes, so that a wide character never breaks a row and a combining mark never loses its letter.

use std::borrow::Cow;

use ratatui::buffer::CellWidth;
use unicode_segmentation::UnicodeSegmentation;

use h4mk::text::escape;

/// Combining marks beyond this many on one letter are dropped: they are a file's way to paint over its neighbours.
const MAX_MARKS: usize = 8;

/// The columns that the text takes.
pub fn width(text: &str) -> usize {
    text.graphemes(true).map(columns).sum()
}

/// The columns of one grapheme, as the screen's cells count them.
fn columns(grapheme: &str) -> usize {
    if grapheme.contains(char::is_control) { 0 } else { usize::from(grapheme.cell_width()) }
}

/// Which end of a text is kept when it is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The beginning, as in prose.
    Start,
    /// The end, as in paths.
    End,
    /// Both ends, as in hashes.
    Ends,
}

/// The text in at most `columns` columns; what is too long is cut at grapheme borders and `ellipsis` stands for it.
pub fn cut<'a>(text: &'a str, max: usize, keep: Keep, ellipsis: &str) -> Cow<'a, str> {
    if fits(text, max) {
        return Cow::Borrowed(text);
    }
    let mark = if fits(ellipsis, max) { ellipsis } else { "" };
    let room = max.saturating_sub(width(mark));
    Cow::Owned(match keep {
        Keep::Start => format!("{}{mark}", head(text, room)),
        Keep::End => format!("{mark}{}", tail(text, room)),
        Keep::Ends => format!("{}{mark}{}", head(text, room - room / 2), tail(text, room / 2)),
    })
}

/// Whether the text takes at most `max` columns; stops looking as soon as it does not.
fn fits(text: &str, max: usize) -> bool {
    let mut used = 0;
    text.graphemes(true).all(|g| {
        used += columns(g);
        used <= max
    })
}

/// The longest beginning that fits into `room` columns.
fn head(text: &str, room: usize) -> &str {
    let mut used = 0;
    let fits = text.grapheme_indices(true).take_while(|(_, g)| {
        used += columns(g);
        used <= room
    });
    let end = fits.last().map_or(0, |(at, g)| at + g.len());
    text.get(..end).unwrap_or_default()
}

/// The longest end that fits into `room` columns.
fn tail(text: &str, room: usize) -> &str {
    let mut used = 0;
    let fits = text.grapheme_indices(true).rev().take_while(|(_, g)| {
        used += columns(g);
        used <= room
    });
    let start = fits.last().map_or(text.len(), |(at, _)| at);
    text.get(start..).unwrap_or_default()
}

/// On which side a text stands in its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// The text in exactly `columns` columns: cut, or padded with spaces.
pub fn fit(text: &str, columns: usize, align: Align, ellipsis: &str) -> String {
    let shown = cut(text, columns, Keep::Start, ellipsis);
    let pad = columns.saturating_sub(width(&shown));
    match align {
        Align::Left => format!("{shown}{:pad$}", ""),
        Align::Right => format!("{:pad$}{shown}", ""),
    }
}

/// Text from a file, safe to draw and cut to `columns`. Looks at no more of it than can be shown.
pub fn from_file(text: &str, columns: usize, keep: Keep, ellipsis: &str) -> String {
    let bound = columns.saturating_add(1).saturating_mul(64).max(4096);
    let near = match keep {
        _ if text.len() <= bound.saturating_mul(2) => Cow::Borrowed(text),
        Keep::Start => Cow::Borrowed(clamp_end(text, bound)),
        Keep::End => Cow::Borrowed(clamp_start(text, bound)),
        Keep::Ends => Cow::Owned(format!("{}{}", clamp_end(text, bound), clamp_start(text, bound))),
    };
    let cut_already = near.len() < text.len();
    let escaped = escape(&near);
    let safe = tame_marks(&escaped);
    match cut(&safe, columns, keep, ellipsis) {
        // The part that was looked at fits whole only if it is almost all marks; say that there is more.
        Cow::Borrowed(all) if cut_already => {
            format!("{}{ellipsis}", head(all, columns.saturating_sub(width(ellipsis))))
        }
        shown => shown.into_owned(),
    }
}

fn clamp_end(text: &str, len: usize) -> &str {
    text.get(..text.floor_char_boundary_at(len)).unwrap_or_default()
}

fn clamp_start(text: &str, len: usize) -> &str {
    text.get(text.floor_char_boundary_at(text.len().saturating_sub(len))..).unwrap_or_default()
}

/// `str::floor_char_boundary`, which is younger than the crate's Rust.
trait FloorCharBoundary {
    fn floor_char_boundary_at(&self, index: usize) -> usize;
}

impl FloorCharBoundary for str {
    fn floor_char_boundary_at(&self, index: usize) -> usize {
        (0..=index.min(self.len())).rev().find(|i| self.is_char_boundary(*i)).unwrap_or(0)
    }
}

/// At most [`MAX_MARKS`] characters of no width after a visible one; those with nothing to stand on get a dotted circle.
fn tame_marks(text: &str) -> Cow<'_, str> {
    use unicode_width::UnicodeWidthChar;
    let is_mark = |c: char| c.width() == Some(0);
    if text.is_ascii() || !text.chars().any(is_mark) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut marks = 0;
    for c in text.chars() {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        if marks == 1 && out.is_empty() {
            out.push('\u{25cc}');
        }
        if marks <= MAX_MARKS {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// A count with its thousands apart: `1,000,000`.
pub fn count_text(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cut_between_graphemes_by_columns() {
        assert_eq!(cut("abcdef", 6, Keep::Start, "…"), "abcdef");
        assert_eq!(cut("abcdefg", 6, Keep::Start, "…"), "abcde…");
        assert_eq!(cut("abcdefg", 6, Keep::End, "…"), "…cdefg");
        assert_eq!(cut("0123456789abcdef", 7, Keep::Ends, "…"), "012…def");
        assert_eq!(cut("日本語", 5, Keep::Start, "…"), "日本…");
        assert_eq!(cut("日本語", 4, Keep::Start, "…"), "日…");
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2, Keep::Start, "…"), "e\u{301}…");
        assert_eq!(cut("abc", 1, Keep::Start, "..."), "a");
        assert_eq!(cut("abc", 0, Keep::Start, "…"), "");
        assert_eq!(cut("日", 1, Keep::Start, "…"), "…");
    }

    #[test]
    fn fit_is_exact() {
        assert_eq!(fit("7", 3, Align::Right, "…"), "  7");
        assert_eq!(fit("日本語", 4, Align::Left, "…"), "日… ");
        assert_eq!(fit("", 2, Align::Left, "…"), "  ");
    }

    #[test]
    fn text_from_files_is_escaped_before_it_is_cut() {
        assert_eq!(from_file("a\x1b[31mb", 80, Keep::Start, "…"), "a\\x1b[31mb");
        assert_eq!(from_file("a\x1b[31mb", 4, Keep::Start, "…"), "a\\x…");
        let title = "x".repeat(65536);
        assert_eq!(from_file(&title, 4, Keep::Start, "…"), "xxx…");
        assert_eq!(from_file(&title, 4, Keep::End, "…"), "…xxx");
        assert_eq!(from_file(&title, 4, Keep::Ends, "…"), "xx…x");
        let marks = format!("a{}", "\u{301}".repeat(65536));
        assert_eq!(from_file(&marks, 4, Keep::Start, "…"), format!("a{}…", "\u{301}".repeat(MAX_MARKS)));
        assert_eq!(from_file("\u{301}x", 4, Keep::Start, "…"), "\u{25cc}\u{301}x");
    }

    proptest! {
        #[test]
        fn what_is_fitted_has_the_width(text in any::<String>(), columns in 0usize..40, right in any::<bool>()) {
            let align = if right { Align::Right } else { Align::Left };
            let safe = from_file(&text, columns, Keep::Ends, "…");
            prop_assert!(width(&safe) <= columns);
            prop_assert_eq!(width(&fit(&safe, columns, align, "…")), columns);
        }
    }

    #[test]
    fn counts_have_their_thousands_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count_text), ["0", "999", "1,000", "1,234,567"]);
    }
}
