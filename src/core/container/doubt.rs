//! What contradicts a chain of headers without a look at payloads. A length that leads to a later chunk hides the ones
//! between, and nothing in the headers shows it; but other parts of the file count blocks, or know where they are.

use super::{Container, Effort};
use crate::core::block::EngineKind;
use crate::core::codec::rle;
use crate::core::index::{Chunk, Tag};
use crate::core::layout::Layout;
use crate::core::tracks::Fault;

/// With so few blocks, sizes that don't fit META's block_size are a chunk's fault as likely as META's.
const FEW_BLOCKS: u64 = 16;

impl Container {
    /// Whether SEEK, META or the index of tracks knows of blocks that the chain doesn't have, or a block can't be as large
    /// as it is stored.
    pub(super) fn is_contradicted(&self) -> bool {
        match self.layout() {
            Layout::Transport => self.seek_contradicts() || self.tracks_contradict() || self.sizes_contradict(),
            Layout::Mux => self.tables_contradict(),
        }
    }

    fn seek_contradicts(&self) -> bool {
        let Some(table) = self.seek_table().filter(|table| !table.rows.is_empty()) else { return false };
        let resolution = self.resolution(Effort::Cheap);
        let Some(fit) = resolution.best else { return !resolution.stream_untested && !resolution.undecided };
        let blocks = self.index().blocks();
        let gop = self.meta().and_then(|meta| meta.gop).filter(|gop| *gop > 0);
        fit.misses > 0 || gop.is_some_and(|gop| blocks.div_ceil(gop) < table.rows.len())
    }

    fn tracks_contradict(&self) -> bool {
        let Some(tracks) = self.tracks().filter(|tracks| tracks.indexed) else { return false };
        let out_of_range = tracks.faults.iter().any(|fault| matches!(fault, Fault::OutOfRange { .. }));
        out_of_range || tracks.blocks_named() > self.index().blocks()
    }

    /// Mux: a seek table leads to where no block begins.
    fn tables_contradict(&self) -> bool {
        let Some(tracks) = self.tracks() else { return false };
        tracks.list.iter().any(|track| {
            let table = track.seek_table(self);
            table.is_some_and(|table| table.rows.iter().any(|entry| track.entry_block(self, entry).is_none()))
        })
    }

    /// Of blocks that the reference engine made, some are stored in more or fewer bytes than META's block_size can take.
    fn sizes_contradict(&self) -> bool {
        let pipeline = self.pipeline();
        let countable = matches!(pipeline.engine, EngineKind::Rle { .. }) && pipeline.cipher.is_none();
        let Some(block_size) = self.meta().and_then(|meta| meta.block_size).filter(|_| countable) else { return false };
        let possible = rle::stored_lens(block_size);
        let blocks = self.index().blocks();
        let fits = |chunk: &Chunk| {
            let is_last = chunk.block == blocks.checked_sub(1);
            chunk.len.is_multiple_of(2) && chunk.len <= *possible.end() && (is_last || chunk.len >= *possible.start())
        };
        let odd = self.index().with_tag(Tag::CORE).filter(|chunk| !fits(chunk)).count() as u64;
        // Where hardly any block fits, block_size is what is wrong.
        odd > 0 && (odd.saturating_mul(2) <= blocks || blocks <= FEW_BLOCKS)
    }
}
