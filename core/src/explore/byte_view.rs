//! Stretches of bytes that can be read window by window, however long they are: a part of the file, or a block's decoded
//! bytes. Of run lengths no more is decoded than is asked for; what needs a key or another engine is read as a whole.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use crate::block::{BlockError, Content, Reading, Stage};
use crate::bytes::{Bytes, available};
use crate::codec::rle::Steps;
use crate::container::Container;
use crate::index::Chunk;
use crate::task::{Cancelled, Task};

/// Bytes with consecutive positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByteView {
    /// Bytes of the file; positions are file offsets.
    Stored(Range<u64>),
    /// A block's content; positions are from its start on.
    Decoded {
        /// Its chunk.
        chunk: Chunk,
        /// What it is read from.
        coding: ByteSource,
    },
}

/// What a block's content is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByteSource {
    /// The stored bytes, which it is (mux): where they stand in the file.
    Plain(Range<u64>),
    /// The stored run lengths.
    Rle(Arc<Steps>),
    /// Itself, read before: it was decrypted, unmasked, or decoded by an engine of another kind.
    Content(Arc<Content>),
}

/// Why there is nothing to read a block's content from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ByteSourceError {
    /// Reading it was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// It can't be read.
    #[error(transparent)]
    Block(#[from] BlockError),
}

impl Container {
    /// Reads as much of a block as it takes to have any part of its content at once: its runs, or all of it, which is no
    /// more than [`Options::max_block_size`](crate::container::Options::max_block_size). A block that is read as a whole
    /// can't be cancelled once it was begun.
    pub fn coding(&self, block: u64, task: &Task) -> Result<ByteSource, ByteSourceError> {
        task.check()?;
        Ok(match self.reading(block)? {
            Reading::Stored => {
                ByteSource::Plain(self.index().block(block).map_or(0..0, |chunk| self.content_range(&chunk)))
            }
            Reading::Runs => {
                let stored = self.index().block(block).map_or_else(Bytes::default, |chunk| self.stored_bytes(&chunk));
                ByteSource::Rle(Arc::new(Steps::counted(stored, task)?))
            }
            Reading::Whole => ByteSource::Content(self.block(block)?),
        })
    }
}

impl ByteView {
    /// The positions there are. Reads nothing.
    pub fn range(&self) -> Range<u64> {
        match self {
            Self::Stored(range) => range.clone(),
            Self::Decoded { coding: ByteSource::Plain(content), .. } => 0..content.end.saturating_sub(content.start),
            Self::Decoded { coding: ByteSource::Rle(steps), .. } => 0..steps.decoded_len(),
            Self::Decoded { coding: ByteSource::Content(content), .. } => 0..content.len() as u64,
        }
    }

    /// What its bytes are.
    pub fn stage(&self, container: &Container) -> Stage {
        match self {
            Self::Stored(_) => Stage::Stored,
            Self::Decoded { coding: ByteSource::Content(content), .. } => content.stage,
            Self::Decoded { .. } if container.pipeline().masked => Stage::Masked,
            Self::Decoded { .. } => Stage::Plain,
        }
    }

    /// The bytes from `start` on: `len`, or fewer where they end before.
    pub fn read<'a>(&'a self, container: &'a Container, start: u64, len: usize) -> Cow<'a, [u8]> {
        match self {
            Self::Stored(range) => {
                let end = start.saturating_add(len as u64).min(range.end);
                container.bytes().range(start..end).read()
            }
            Self::Decoded { coding: ByteSource::Plain(content), .. } => {
                container.bytes().range(content.clone()).available(start, len as u64).read()
            }
            Self::Decoded { chunk, coding: ByteSource::Rle(steps) } => {
                Cow::Owned(steps.window(container.stored_bytes(chunk), start, len))
            }
            Self::Decoded { coding: ByteSource::Content(content), .. } => {
                Cow::Borrowed(available(content, start, len as u64))
            }
        }
    }

    /// Where a decoded byte comes from, as a file offset; `None` where there is no such byte, and in content that was read
    /// as a whole, whose bytes come from no single place. Reads the file only where content is
    /// [counted](Self::is_counted).
    pub fn file_offset(&self, container: &Container, position: u64) -> Option<u64> {
        if !self.range().contains(&position) {
            return None;
        }
        match self {
            Self::Stored(_) => Some(position),
            Self::Decoded { coding: ByteSource::Plain(content), .. } => content.start.checked_add(position),
            Self::Decoded { chunk, coding: ByteSource::Rle(steps) } => {
                let at = steps.stored_at(container.stored_bytes(chunk), position);
                container.content_range(chunk).start.checked_add(at)
            }
            Self::Decoded { coding: ByteSource::Content(_), .. } => None,
        }
    }

    /// The byte that the one at a file offset leads to; `None` where there is none. Reads the file only where content is
    /// [counted](Self::is_counted).
    pub fn position_of(&self, container: &Container, offset: u64) -> Option<u64> {
        let position = match self {
            Self::Stored(_) => offset,
            Self::Decoded { coding: ByteSource::Plain(content), .. } => offset.checked_sub(content.start)?,
            Self::Decoded { chunk, coding: ByteSource::Rle(steps) } => {
                let stored = container.stored_bytes(chunk);
                let at = offset.checked_sub(container.content_range(chunk).start)?;
                steps.decoded_at(stored, Some(at).filter(|at| *at < stored.len())?)
            }
            Self::Decoded { coding: ByteSource::Content(_), .. } => return None,
        };
        self.range().contains(&position).then_some(position)
    }

    /// Whether a byte's place in the file has to be counted from the runs before it.
    pub fn is_counted(&self) -> bool {
        matches!(self, Self::Decoded { coding: ByteSource::Rle(_), .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::Options;
    use crate::source::Source;
    use crate::walk::Depth;

    fn container(bytes: Vec<u8>) -> Container {
        let source = Arc::new(Source::from_bytes("x", bytes));
        Container::read(source, Options::default(), Depth::Headers, &Task::default()).unwrap()
    }

    fn rle() -> (Container, ByteView) {
        let payload = [7, 3, 9, 2, 5];
        let crc = crc32fast::hash(&payload).to_be_bytes();
        let bytes = [b"H4MK\0\x01\0\0CORE\0\0\0\x05".as_slice(), &crc, &payload].concat();
        let container = container(bytes);
        let chunk = container.index().chunk(0).unwrap();
        assert_eq!(container.reading(0), Ok(Reading::Runs));
        let coding = container.coding(0, &Task::default()).unwrap();
        (container, ByteView::Decoded { chunk, coding })
    }

    #[test]
    fn decoded_bytes_are_read_in_windows_and_lead_to_their_pairs() {
        let (container, byte_view) = rle();
        assert_eq!(byte_view.range(), 0..5, "half a pair decodes to nothing");
        assert_eq!(*byte_view.read(&container, 2, 2), [7, 9]);
        assert_eq!(*byte_view.read(&container, 4, 100), [9]);
        assert_eq!(byte_view.file_offset(&container, 3), Some(22));
        assert_eq!((byte_view.position_of(&container, 23), byte_view.position_of(&container, 19)), (Some(3), None));
    }

    #[test]
    fn bytes_of_the_file_are_themselves() {
        let (container, _) = rle();
        let byte_view = ByteView::Stored(4..12);
        assert_eq!(*byte_view.read(&container, 8, 100), *b"CORE");
        assert_eq!((byte_view.file_offset(&container, 8), byte_view.position_of(&container, 12)), (Some(8), None));
        assert_eq!(byte_view.read(&container, u64::MAX, usize::MAX).len(), 0);
    }
}
