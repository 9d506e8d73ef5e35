//! All blocks in file order.

use super::Container;
use crate::block::{BlockError, Stage};
use crate::codec::engine::EngineError;
use crate::text::escape;

/// A block on its way to a player.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Block {
    /// Its index, from 0.
    pub index: u64,
    /// When it is shown, in µs, where that is known.
    pub pts_us: Option<u64>,
    /// Decoding can begin here.
    pub is_keyframe: bool,
    /// Its chunk is whole and has the CRC that it says.
    pub is_intact: bool,
    /// Its content, as far up as it can be read.
    pub bytes: Vec<u8>,
    /// How far that is.
    pub stage: Stage,
}

type Decompressor<'d> = Box<dyn FnMut(&[u8]) -> Result<Vec<u8>, String> + 'd>;

/// An iterator over blocks, see [`Container::blocks`]. A block that can't be had is an error in its place, and the next
/// ones follow. Skipping blocks costs nothing.
pub struct Blocks<'c> {
    container: &'c Container,
    next: u64,
    decompress: Option<Decompressor<'c>>,
}

impl Container {
    /// All blocks in file order, each read when it is asked for.
    ///
    /// ```
    /// let container = h4mk::Container::open("../sample-data/demo.h4mk")?;
    /// for block in container.blocks().skip(210).take(2) {
    ///     let block = block?;
    ///     assert!(block.is_intact && block.index >= 210);
    /// }
    /// # Ok::<(), h4mk::Error>(())
    /// ```
    pub fn blocks(&self) -> Blocks<'_> {
        Blocks { container: self, next: 0, decompress: None }
    }
}

impl<'c> Blocks<'c> {
    /// Decompresses by `decompress` whatever META says of the engine: it is given each block as the engine left it, that
    /// is decrypted, and what it returns is unmasked where there is a key.
    ///
    /// ```
    /// let container = h4mk::Container::open("../sample-data/demo.h4mk")?;
    /// let lens = container.blocks().decompress_with(|stored| Ok::<_, String>(stored.to_vec()));
    /// let stored: usize = lens.filter_map(Result::ok).map(|block| block.bytes.len()).sum();
    /// assert!(stored > 0);
    /// # Ok::<(), h4mk::Error>(())
    /// ```
    #[must_use]
    pub fn decompress_with<E: std::fmt::Display>(
        self,
        mut decompress: impl FnMut(&[u8]) -> Result<Vec<u8>, E> + 'c,
    ) -> Self {
        let decompress =
            move |stored: &[u8]| decompress(stored).map_err(|error| escape(&error.to_string()).into_owned());
        Self { decompress: Some(Box::new(decompress)), ..self }
    }

    fn read(&mut self, index: u64) -> Result<Block, BlockError> {
        let container = self.container;
        let stored = container.stored(index)?;
        let place = container.place(&stored.chunk);
        let content = match &mut self.decompress {
            None => container.reader().content(&place),
            Some(decompress) => container.reader().content_through(&place, |compressed| {
                decompress(&compressed).map_err(|why| BlockError::Decode {
                    block: index,
                    offset: stored.chunk.offset,
                    source: EngineError::Malformed(why),
                })
            }),
        }?;
        Ok(Block {
            index,
            pts_us: container.pts_us(index),
            is_keyframe: container.is_keyframe(index),
            is_intact: stored.is_intact(),
            bytes: content.bytes,
            stage: content.stage,
        })
    }
}

impl Iterator for Blocks<'_> {
    type Item = Result<Block, BlockError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.nth(0)
    }

    fn nth(&mut self, skipped: usize) -> Option<Self::Item> {
        let blocks = self.container.index().blocks();
        let index = self.next.saturating_add(skipped as u64).min(blocks);
        self.next = index.saturating_add(1).min(blocks);
        (index < blocks).then(|| self.read(index))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.container.index().blocks() - self.next).ok();
        (left.unwrap_or(usize::MAX), left)
    }
}

impl std::fmt::Debug for Blocks<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blocks").field("next", &self.next).finish_non_exhaustive()
    }
}
