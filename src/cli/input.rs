//! The files a command reads.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use h4mk::text;

/// A file to read, as named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// `-`. A file of that name is `./-`.
    Stdin,
    /// A file or folder.
    Path(PathBuf),
}

impl Input {
    /// The path, unless it is standard input.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Stdin => None,
            Self::Path(path) => Some(path),
        }
    }
}

impl From<OsString> for Input {
    fn from(argument: OsString) -> Self {
        if argument == OsStr::new("-") { Self::Stdin } else { Self::Path(argument.into()) }
    }
}

/// The name for messages and reports, escaped: `-` or the path as it was given.
impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("-"),
            Self::Path(path) => f.write_str(&text::escape_bytes(path.as_os_str().as_encoded_bytes())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dash_is_standard_input_and_names_are_escaped() {
        assert_eq!(Input::from(OsString::from("-")), Input::Stdin);
        assert_eq!(Input::from(OsString::from("./-")).to_string(), "./-");
        assert_eq!(Input::from(OsString::from("a\x1b[2J.h4mk")).to_string(), "a\\x1b[2J.h4mk");
    }
}
