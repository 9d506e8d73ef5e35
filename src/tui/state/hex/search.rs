//! A search, and what it found.

use std::sync::Arc;

use super::asked::ByteViewId;
use h4mk::explore::byte_view::ByteView;
use h4mk::explore::find::{Matches, Needle};

/// A search, and what it found.
#[derive(Debug)]
pub struct Search {
    /// What was typed, not escaped.
    pub text: String,
    /// What is looked for.
    pub needle: Arc<Needle>,
    /// It begins once the bytes that it is in can be read, and the cursor is where it was to go.
    pub(super) begins: bool,
    pub(super) found: Option<(ByteViewId, Matches)>,
    pub(super) then: Option<Then>,
}

/// What follows a search.
#[derive(Debug, Clone, Copy)]
pub(super) struct Then {
    pub(super) from: u64,
    pub(super) forward: bool,
    /// A match at `from` itself is one.
    pub(super) inclusive: bool,
    pub(super) wrapped: bool,
    /// No other block holds it, and so many of them could not be searched.
    pub(super) alone: Option<u64>,
}

impl Search {
    /// It was stopped: nobody goes to what it would have found.
    pub(in crate::tui::state) fn stop(&mut self) {
        (self.begins, self.then) = (false, None);
    }

    /// The bytes are no longer what they were.
    pub(super) fn forget(&mut self) {
        (self.begins, self.found, self.then) = (false, None, None);
    }

    /// The matches in a byte view, once they are counted.
    pub fn matches(&self, byte_view: &ByteView) -> Option<&Matches> {
        let about = ByteViewId::of(byte_view);
        self.found.as_ref().filter(|(found, _)| *found == about).map(|(_, matches)| matches)
    }
}
