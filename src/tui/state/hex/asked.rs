//! What was asked about bytes, and the answers that came.

use std::ops::Range;

use h4mk::block::BlockError;
use h4mk::explore::byte_view::{ByteSource, ByteView};
use h4mk::index::Chunk;

/// Tells a byte view from another, without looking at what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ByteViewId {
    decoded: bool,
    range: Range<u64>,
}

impl ByteViewId {
    /// That of a byte view.
    pub(super) fn of(byte_view: &ByteView) -> Self {
        match byte_view {
            ByteView::Stored(range) => Self { decoded: false, range: range.clone() },
            ByteView::Decoded { chunk, .. } => Self::of_decoded(chunk),
        }
    }

    /// That of the pages that it is read in: the file's are the same whatever part of it is shown.
    pub(super) fn of_pages(byte_view: &ByteView) -> Self {
        match byte_view {
            ByteView::Stored(_) => Self { decoded: false, range: 0..0 },
            ByteView::Decoded { chunk, .. } => Self::of_decoded(chunk),
        }
    }

    /// That of a chunk's block, decoded.
    pub(super) fn of_decoded(chunk: &Chunk) -> Self {
        Self { decoded: true, range: chunk.payload_offset()..chunk.payload_offset().saturating_add(chunk.len()) }
    }
}

/// What a block's content is read from, or why it has none.
pub(super) type Read = Result<ByteSource, BlockError>;

/// What a job was asked for, and its answer once it came.
#[derive(Debug, Clone)]
pub(super) struct Asked<T> {
    pub(super) about: ByteViewId,
    pub(super) answer: Option<T>,
}

impl<T: Clone> Asked<T> {
    pub(super) fn answer_about(asked: &Option<Self>, about: &ByteViewId) -> Option<T> {
        asked.as_ref().filter(|asked| asked.about == *about)?.answer.clone()
    }
}

/// What was read beside the block that is shown.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// The block that is shown.
    pub(super) of: Option<ByteViewId>,
    pub(super) read: Vec<(ByteViewId, Read)>,
}

impl Ahead {
    /// What was read of a block; afterwards somebody else keeps it.
    pub(super) fn take(&mut self, about: &ByteViewId) -> Option<Read> {
        let at = self.read.iter().position(|(id, _)| id == about)?;
        Some(self.read.swap_remove(at).1)
    }

    /// Keeps what was read of a block, as long as it stands beside the one that is shown.
    pub(super) fn keep(&mut self, about: ByteViewId, read: Read) {
        self.take(&about);
        self.read.push((about, read));
    }
}
