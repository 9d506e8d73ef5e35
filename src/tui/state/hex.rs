//! What the Hex view keeps: which bytes are shown, the cursor on them, and what was asked about them.

mod asked;
pub(in crate::tui::state) mod behaviour;
pub(in crate::tui::state) mod copying;
mod cursor;
pub mod geometry;
mod pages;
pub(in crate::tui::state) mod reading;
pub mod rows;
pub mod search;
pub(in crate::tui::state) mod searching;
pub mod shown;

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::selection::Selection;
use crate::tui::command::Command;
use crate::tui::rows::Window;
use asked::{Ahead, Asked, ByteViewId, Read};
use geometry::Panel;
use h4mk::explore::byte_view::ByteView;
use h4mk::explore::preview::Preview;
use h4mk::index::{Chunk, Tag};
use pages::{Missing, Pages};
use search::Search;

pub use copying::CopyForm;
pub use cursor::locate;
pub(in crate::tui::state) use cursor::{has_followed, located, located_nowhere, stay};
pub use reading::VALUE_BYTES;

/// Where the cursor goes once the bytes it is on can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// To the first byte.
    Start,
    /// To the byte that this one of the file is, or leads to.
    FileOffset(u64),
    /// To a position.
    Position(u64),
    /// To the byte that comes from the same place as another one.
    SameByte {
        /// Where that one is.
        byte_view: ByteView,
        /// Its position there.
        position: u64,
        /// The file offset to go to where it comes from no single place.
        otherwise: Option<u64>,
    },
}

/// The Hex view's state.
#[derive(Debug, Default)]
pub struct Hex {
    /// The whole file is shown, and not only the selected chunk.
    pub whole: bool,
    /// What the panel was asked to show.
    pub panel: Panel,
    /// The search, while its matches are marked.
    pub search: Option<Search>,
    /// Bytes of the file that a finding or an offset pointed at.
    pub pointed: Option<Range<u64>>,
    cursor: u64,
    window: Window,
    anchor: Option<u64>,
    goal: Option<Goal>,
    /// What was selected when the view last followed.
    seen: Selection,
    /// This view is where the selection leads already, and need not follow it.
    leading: bool,
    /// What was typed since something is waited for, in order.
    typed: VecDeque<Command>,
    /// What the first of these waits for, where that is a page.
    needs: Option<Missing>,
    /// The goal that a job is finding the place of, and in what.
    locating: Option<(Goal, ByteViewId)>,
    pages: Pages,
    coding: Option<Asked<Read>>,
    ahead: Ahead,
    preview: Option<Asked<Arc<Preview>>>,
}

impl Hex {
    /// The position under the cursor.
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// The window over the rows.
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// The selected positions, while some are.
    pub fn selected(&self) -> Option<Range<u64>> {
        let anchor = self.anchor?;
        Some(anchor.min(self.cursor)..anchor.max(self.cursor).saturating_add(1))
    }

    /// How many keys wait for bytes.
    pub fn waiting(&self) -> usize {
        self.typed.len()
    }

    /// What that content looks like, once it is known.
    pub fn preview(&self, content: &ByteView) -> Option<Arc<Preview>> {
        Asked::answer_about(&self.preview, &ByteViewId::of(content))
    }
}

/// What a chunk is called: `block 3`, `SEEK chunk 8`.
pub fn chunk_name(chunk: &Chunk) -> String {
    match chunk.block() {
        Some(block) if chunk.tag() == Tag::CORE => format!("block {block}"),
        _ => format!("{} chunk {}", chunk.tag(), chunk.index()),
    }
}

#[cfg(test)]
mod tests;
