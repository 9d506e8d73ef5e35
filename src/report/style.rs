//! Colours by meaning, and the pieces that text reports are laid out with.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::io::{self, Write};

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use h4mk::finding::Severity;
use h4mk::text;

/// What a piece of text is, which decides its colour. Nothing is said by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A file's name, a heading.
    Heading,
    /// The name of a value; explanations.
    Label,
    /// As it should be.
    Good,
    /// A warning.
    Warning,
    /// An error.
    Error,
    /// Worth knowing.
    Note,
}

impl Role {
    fn sgr(self) -> &'static str {
        match self {
            Self::Heading => "1",
            Self::Label => "2",
            Self::Good => "32",
            Self::Warning => "33",
            Self::Error => "1;31",
            Self::Note => "36",
        }
    }
}

impl From<Severity> for Role {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Error => Self::Error,
            Severity::Warning => Self::Warning,
            Severity::Info => Self::Note,
        }
    }
}

/// Colours, or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    /// Whether there are colours.
    pub colored: bool,
}

impl Paint {
    /// No colours.
    pub const PLAIN: Self = Self { colored: false };

    /// Text in the colour of its role.
    pub fn paint<T: Display>(self, role: Role, text: T) -> Painted<T> {
        Painted { role: self.colored.then_some(role), text }
    }
}

/// See [`Paint::paint`]. The width of a format applies to the text, not to the escapes around it.
#[derive(Debug, Clone, Copy)]
pub struct Painted<T> {
    role: Option<Role>,
    text: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(role) = self.role else { return self.text.fmt(f) };
        write!(f, "\x1b[{}m", role.sgr())?;
        self.text.fmt(f)?;
        f.write_str("\x1b[0m")
    }
}

/// Columns of the names of values.
const LABEL_COLUMNS: usize = 12;

/// `  Label       value`.
pub fn field(out: &mut dyn Write, paint: Paint, label: &str, value: impl Display) -> io::Result<()> {
    writeln!(out, "  {} {value}", paint.paint(Role::Label, format_args!("{label:<LABEL_COLUMNS$}")))
}

/// Text from a file on one line of at most `columns` columns: escaped, and cut with an ellipsis.
pub fn one_line(text: &str, columns: usize) -> Cow<'_, str> {
    // A character takes at most 10 columns escaped and at least none, so that this is more than enough to look at.
    let end = text.char_indices().nth(columns.saturating_mul(4)).map_or(text.len(), |(at, _)| at);
    let (head, tail) = text.split_at(end);
    let escaped = text::escape(head);
    if tail.is_empty() && escaped.width() <= columns {
        return escaped;
    }
    let mut used = 1;
    let mut cut: String = escaped
        .graphemes(true)
        .take_while(|grapheme| {
            used += grapheme.width();
            used <= columns
        })
        .collect();
    cut.push('…');
    cut.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stand_around_the_padding() {
        let paint = Paint { colored: true };
        assert_eq!(format!("{}|", paint.paint(Role::Good, format_args!("{:<4}", "ok"))), "\x1b[32mok  \x1b[0m|");
        assert_eq!(format!("{:<4}|", Paint::PLAIN.paint(Role::Error, "ok")), "ok  |");
    }

    #[test]
    fn long_text_is_cut_by_columns() {
        assert_eq!(one_line("short", 5), "short");
        assert_eq!(one_line("longer", 5), "long…");
        assert_eq!(one_line("日本語", 5), "日本…");
        assert_eq!(one_line("a\u{1b}b", 9), "a\\x1bb");
        assert_eq!(one_line(&"x".repeat(70_000), 3), "xx…");
        assert_eq!(one_line(&"\u{301}".repeat(70_000), 3).chars().count(), 13);
    }
}
