//! The digest of what blocks decode to, window by window: no more of a block is in memory than its engine needs.

use std::sync::Arc;

use crate::block::{BlockError, Stage, StoredBlock};
use crate::codec::engine::EngineError;
use crate::container::Container;
use crate::hash::{Algorithm, Overlay};
use crate::index::{Chunk, Tag};
use crate::task::{Cancelled, Task};

/// Bytes decoded at a time.
const WINDOW: usize = 256 << 10;

/// What keeps blocks from being decoded.
#[derive(Debug)]
pub(super) struct Obstacle {
    /// A clause.
    pub(super) why: String,
    /// The blocks are not what the digest was made from. Otherwise it is a key, an engine or a limit.
    pub(super) is_damage: bool,
}

impl Obstacle {
    fn of(error: &BlockError, is_intact: bool) -> Self {
        let is_damage = match error {
            BlockError::Decode { source: EngineError::Malformed(_), .. } => true,
            BlockError::Decrypt { .. } => !is_intact,
            _ => false,
        };
        Self { why: error.to_string(), is_damage }
    }

    fn missing(why: String) -> Self {
        Self { why, is_damage: false }
    }
}

/// The digest of all blocks' content, one after the other. Progress counts stored bytes.
pub(super) fn digest(
    container: &Container,
    overlay: &Overlay,
    algorithm: Algorithm,
    task: &Task,
) -> Result<Result<Vec<u8>, Obstacle>, Cancelled> {
    let (reader, limit) = (container.reader(), container.options().max_block_size);
    if reader.pipeline().masked && !reader.can_unmask() {
        let why = "they are masked, and no key was given to unmask them";
        return Ok(Err(Obstacle::missing(why.to_owned())));
    }
    let mut hasher = algorithm.hasher();
    for chunk in container.index().with_tag(Tag::CORE) {
        task.check()?;
        let (stored, place) = stored(container, overlay, &chunk);
        let place = StoredBlock { stored: (&stored).into(), ..place };
        let is_intact = || container.is_intact(&chunk);
        if let Err(error) = reader.reading(place.block, place.offset) {
            return Ok(Err(Obstacle::of(&error, is_intact())));
        }
        let part = reader.part(&place, || reader.content(&place).map(Arc::new));
        let (mut start, mut counted) = (0u64, 0u64);
        loop {
            let window = reader.window((&stored).into(), &part, start, WINDOW);
            if let Some(error) = &window.problem {
                return Ok(Err(Obstacle::of(error, is_intact())));
            }
            if window.block_len > limit {
                let (block, offset, len) = (place.block, place.offset, window.block_len);
                let source = EngineError::TooLarge { decoded_len: len, limit };
                return Ok(Err(Obstacle::of(&BlockError::Decode { block, offset, source }, true)));
            }
            if window.stage != Stage::Plain {
                let why = format!("block {} is {}", place.block, window.stage.describe());
                return Ok(Err(Obstacle::missing(why)));
            }
            if window.bytes.is_empty() {
                break;
            }
            hasher.update(&window.bytes);
            start = start.saturating_add(window.bytes.len() as u64);
            let done = share(chunk.len, start, window.block_len);
            task.advance(done.saturating_sub(counted))?;
            counted = done;
        }
        task.advance(chunk.len.saturating_sub(counted))?;
    }
    Ok(Ok(hasher.finish()))
}

/// A block as stored, seen through the overlay, and where it is.
fn stored<'a>(
    container: &'a Container,
    overlay: &Overlay,
    chunk: &Chunk,
) -> (std::borrow::Cow<'a, [u8]>, StoredBlock<'a>) {
    let place = container.place(chunk);
    let start = container.routed(chunk).map_or(chunk.payload_offset, |(_, content)| content.start);
    (overlay.apply(start, place.stored.read()), place)
}

/// The part of `all` that `n` of `of` is.
fn share(all: u64, n: u64, of: u64) -> u64 {
    let share = u128::from(all) * u128::from(n.min(of)) / u128::from(of.max(1));
    u64::try_from(share).unwrap_or(all)
}
