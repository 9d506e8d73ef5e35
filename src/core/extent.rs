//! Stretches of bytes that can be read window by window, however long they are: a part of the file, or a block's decoded
//! bytes, of which no more is decoded than is asked for.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::block::EngineKind;
use super::bytes::available;
use super::codec::rle::Steps;
use super::container::Container;
use super::index::Chunk;
use super::task::{Cancelled, Task};

/// Stored blocks longer than this are counted in the background before they are shown decoded.
pub const COUNTED_AT_ONCE: u64 = 1 << 20;

/// Bytes with consecutive positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// Bytes of the file; positions are file offsets.
    Stored(Range<u64>),
    /// A block's content; positions are from its start on.
    Decoded {
        /// Its chunk.
        chunk: Chunk,
        /// How it is stored.
        coding: Coding,
    },
}

/// How a block's content is stored, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coding {
    /// As it is (mux).
    Plain,
    /// As run lengths.
    Rle(Arc<Steps>),
}

/// Why a block's content can't be read window by window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDecoded {
    /// It is not CORE.
    #[error("no block")]
    NoBlock,
    /// Encrypted: the cipher's name.
    #[error("encrypted ({0})")]
    Encrypted(String),
    /// By another engine than the one there is: its name.
    #[error("engine \"{0}\" is not known here")]
    Opaque(String),
}

impl Container {
    /// A block as stored: the payload, without the H4TB header in the mux layout.
    pub fn stored_block(&self, chunk: &Chunk) -> &[u8] {
        let content = self.routed(chunk).map_or(chunk.payload_offset..chunk.payload_offset + chunk.len, |r| r.1);
        available(self.bytes(), content.start, content.end - content.start)
    }

    /// Whether a block's content can be read, and whether as run lengths.
    pub fn readable_as_rle(&self, chunk: &Chunk) -> Result<bool, NotDecoded> {
        if chunk.block.is_none() {
            return Err(NotDecoded::NoBlock);
        }
        let pipeline = self.pipeline();
        match (pipeline.cipher, pipeline.engine) {
            (Some(cipher), _) => Err(NotDecoded::Encrypted(cipher)),
            (None, EngineKind::Opaque { name }) => Err(NotDecoded::Opaque(name)),
            (None, EngineKind::Rle { .. }) => Ok(true),
            (None, EngineKind::Stored) => Ok(false),
        }
    }

    /// Reads the runs of a block once, so that any window of it can be had at once.
    pub fn steps(&self, chunk: &Chunk, task: &Task) -> Result<Arc<Steps>, Cancelled> {
        Steps::counted(self.stored_block(chunk), task).map(Arc::new)
    }
}

impl Extent {
    /// The positions there are.
    pub fn range(&self, container: &Container) -> Range<u64> {
        match self {
            Self::Stored(range) => range.clone(),
            Self::Decoded { chunk, coding: Coding::Plain } => 0..container.stored_block(chunk).len() as u64,
            Self::Decoded { coding: Coding::Rle(steps), .. } => 0..steps.decoded_len(),
        }
    }

    /// The bytes from `start` on: `len`, or fewer where they end before.
    pub fn read<'a>(&self, container: &'a Container, start: u64, len: usize) -> Cow<'a, [u8]> {
        match self {
            Self::Stored(range) => {
                let end = start.saturating_add(len as u64).min(range.end);
                Cow::Borrowed(available(container.bytes(), start, end.saturating_sub(start)))
            }
            Self::Decoded { chunk, coding: Coding::Plain } => {
                Cow::Borrowed(available(container.stored_block(chunk), start, len as u64))
            }
            Self::Decoded { chunk, coding: Coding::Rle(steps) } => {
                Cow::Owned(steps.window(container.stored_block(chunk), start, len))
            }
        }
    }

    /// Where a decoded byte comes from, as a file offset; `None` where there is no such byte.
    pub fn file_offset(&self, container: &Container, position: u64) -> Option<u64> {
        match self {
            Self::Stored(range) => range.contains(&position).then_some(position),
            Self::Decoded { chunk, coding } => {
                let stored = container.stored_block(chunk);
                let content = container.routed(chunk).map_or(chunk.payload_offset, |route| route.1.start);
                let at = match coding {
                    Coding::Plain => position,
                    Coding::Rle(steps) => steps.stored_at(stored, position),
                };
                (at < stored.len() as u64).then(|| content.saturating_add(at))
            }
        }
    }

    /// The byte that the one at a file offset leads to; `None` where there is none.
    pub fn position_of(&self, container: &Container, offset: u64) -> Option<u64> {
        let position = match self {
            Self::Stored(_) => offset,
            Self::Decoded { chunk, coding } => {
                let content = container.routed(chunk).map_or(chunk.payload_offset, |route| route.1.start);
                let stored = container.stored_block(chunk);
                let at = offset.checked_sub(content).filter(|at| *at < stored.len() as u64)?;
                match coding {
                    Coding::Plain => at,
                    Coding::Rle(steps) => steps.decoded_at(stored, at),
                }
            }
        };
        self.range(container).contains(&position).then_some(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::container::Options;
    use crate::core::source::Source;
    use crate::core::walk::Depth;

    fn container(bytes: Vec<u8>) -> Container {
        let source = Arc::new(Source::from_bytes("x", bytes));
        Container::open(source, Options::default(), Depth::Headers, &Task::default()).unwrap()
    }

    fn rle() -> (Container, Extent) {
        let payload = [7, 3, 9, 2, 5];
        let crc = crc32fast::hash(&payload).to_be_bytes();
        let bytes = [b"H4MK\0\x01\0\0CORE\0\0\0\x05".as_slice(), &crc, &payload].concat();
        let container = container(bytes);
        let chunk = container.index().chunk(0).unwrap();
        let steps = container.steps(&chunk, &Task::default()).unwrap();
        assert_eq!(container.readable_as_rle(&chunk), Ok(true));
        (container, Extent::Decoded { chunk, coding: Coding::Rle(steps) })
    }

    #[test]
    fn decoded_bytes_are_read_in_windows_and_lead_to_their_pairs() {
        let (container, extent) = rle();
        assert_eq!(extent.range(&container), 0..5, "half a pair decodes to nothing");
        assert_eq!(*extent.read(&container, 2, 2), [7, 9]);
        assert_eq!(*extent.read(&container, 4, 100), [9]);
        assert_eq!(extent.file_offset(&container, 3), Some(22));
        assert_eq!((extent.position_of(&container, 23), extent.position_of(&container, 19)), (Some(3), None));
    }

    #[test]
    fn bytes_of_the_file_are_themselves() {
        let (container, _) = rle();
        let extent = Extent::Stored(4..12);
        assert_eq!(*extent.read(&container, 8, 100), *b"CORE");
        assert_eq!((extent.file_offset(&container, 8), extent.position_of(&container, 12)), (Some(8), None));
        assert_eq!(extent.read(&container, u64::MAX, usize::MAX).len(), 0);
    }
}
