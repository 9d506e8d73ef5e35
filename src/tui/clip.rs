//! Text for the clipboard, which someone will put into a shell or an editor: a line break runs a command there, `ESC[201~`
//! ends what is taken as pasted, and marks of direction show another text than the one that runs.

use h4mk::text::{escape, is_unsafe};

/// Text for the clipboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip(String);

impl Clip {
    /// As it is shown: what steers a terminal or reorders a line is escaped.
    pub fn shown(text: &str) -> Self {
        Self(escape(text).into_owned())
    }

    /// As it is. Only for someone who asked for that.
    pub fn raw(text: String) -> Self {
        Self(text)
    }

    /// What is copied.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// How many of its characters are not as they look.
    pub fn hazards(&self) -> u64 {
        self.0.chars().filter(|c| is_unsafe(*c)).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_shown_is_what_is_copied() {
        assert_eq!(Clip::shown("a\x1b[201~\nrm -rf /\u{202e}").text(), "a\\x1b[201~\\nrm -rf /\\u{202e}");
        assert_eq!(Clip::shown("Harmony 日本 é").text(), "Harmony 日本 é");
        assert_eq!((Clip::raw("a\n\x07".into()).hazards(), Clip::shown("a\n\x07").hazards()), (2, 0));
    }

    proptest! {
        #[test]
        fn nothing_that_steers_a_terminal_is_copied_unasked(text in any::<String>()) {
            prop_assert_eq!(Clip::shown(&text).hazards(), 0);
        }
    }
}
