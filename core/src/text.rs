//! Text from files made safe to show: nothing from a container may steer a terminal or reorder a line.

use std::borrow::Cow;
use std::fmt::Write;

/// Escapes control, format and bidirectional characters as `\u{…}` (C0 and DEL as `\xNN`, and `\n \r \t` by name); all
/// else, letters of any script and combining marks included, stays as it is.
///
/// ```
/// assert_eq!(h4mk::text::escape("a\u{1b}[31m\u{202e}b"), "a\\x1b[31m\\u{202e}b");
/// ```
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        push_escaped(&mut out, c);
    }
    Cow::Owned(out)
}

/// Escapes one character onto `out`, as [`escape`] does.
pub fn push_escaped(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if !is_unsafe(c) => out.push(c),
        c if (c as u32) < 0x80 => _ = write!(out, "\\x{:02x}", c as u32),
        c => _ = write!(out, "\\u{{{:x}}}", c as u32),
    }
}

/// `1 byte`, `2 bytes`.
pub(crate) fn count(n: u64, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

/// `1 entry`, `2 entries`.
pub(crate) fn count_entries(n: u64) -> String {
    if n == 1 { "1 entry".to_owned() } else { format!("{n} entries") }
}

/// Bytes that need not be UTF-8, escaped: what isn't UTF-8 is shown as `\xNN`. They are copied first, since those of a
/// mapped file may change after they were checked.
pub fn escape_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for part in bytes.to_vec().utf8_chunks() {
        part.valid().chars().for_each(|c| push_escaped(&mut out, c));
        part.invalid().iter().for_each(|b| _ = write!(out, "\\x{b:02x}"));
    }
    out
}

/// True for characters that steer a terminal, are invisible, or change the order of others: C0, DEL, C1, and Unicode's
/// format characters (Cf), line and paragraph separators, noncharacters, and the unassigned ones terminals disagree about.
pub fn is_unsafe(c: char) -> bool {
    // Two noncharacters end every plane.
    c as u32 & 0xfffe == 0xfffe
        || matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}'
        | '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}' | '\u{8e2}'
        | '\u{115f}'..='\u{1160}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{fdd0}'..='\u{fdef}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped_and_nothing_else() {
        assert_eq!(escape("HarmonyØ4 日本 é"), "HarmonyØ4 日本 é");
        assert_eq!(escape("\x1b]0;x\x07"), "\\x1b]0;x\\x07");
        assert_eq!(escape("\u{9b}1m\u{202e}\u{2066}\u{200f}"), "\\u{9b}1m\\u{202e}\\u{2066}\\u{200f}");
        assert_eq!(
            escape("\u{fffd}\u{fffe}\u{ffff}\u{1fffe}\u{fdd0}"),
            "\u{fffd}\\u{fffe}\\u{ffff}\\u{1fffe}\\u{fdd0}"
        );
        assert_eq!(escape_bytes(b"a\xffb\n"), "a\\xffb\\n");
    }
}
