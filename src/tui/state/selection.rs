//! What is selected, the same in every pane.

use std::ops::Range;

use h4mk::container::Container;
use h4mk::index::Chunk;

/// What is selected. The fields agree: the block is the chunk's, the bytes are in the file, and the time is the block's
/// unless a timestamp between two blocks was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Ordinal of the chunk.
    pub chunk: Option<u64>,
    /// The chunk's block index, if it is a CORE chunk.
    pub block: Option<u64>,
    /// Bytes of the file that something pointed at: a finding's, an offset's.
    pub bytes: Option<Range<u64>>,
    /// The playhead, in µs.
    pub time_us: Option<u64>,
}

impl Selection {
    /// A chunk.
    pub fn of_chunk(container: &Container, chunk: &Chunk) -> Self {
        let time_us = chunk.block().and_then(|block| container.pts_us(block));
        Self { chunk: Some(chunk.index()), block: chunk.block(), bytes: None, time_us }
    }

    /// Bytes of the file, and the chunk they are in, if they are in one.
    pub fn of_bytes(container: &Container, bytes: Range<u64>) -> Self {
        let chunk = container.index().at_offset(bytes.start);
        let within = chunk.map(|chunk| Self::of_chunk(container, &chunk)).unwrap_or_default();
        Self { bytes: Some(bytes), ..within }
    }
}
