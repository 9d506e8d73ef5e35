//! Whether a block is a keyframe, or what else it needs.

use std::fmt;

/// What a block needs to be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing but itself: a keyframe.
    I,
    /// Blocks before it.
    P,
    /// Blocks before and after it.
    B,
    /// A value the format does not define.
    Reserved,
}

impl Kind {
    /// `I`, `P`, `B` or `?`.
    pub fn name(self) -> &'static str {
        match self {
            Self::I => "I",
            Self::P => "P",
            Self::B => "B",
            Self::Reserved => "?",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
