//! What contradicts a chain of headers without a look at payloads. A length that leads to a later chunk hides the ones
//! between, and nothing in the headers shows it; but other parts of the file count blocks, or know where they are.

use super::{CHEAP_BYTES, Container, Effort};
use crate::block::EngineKind;
use crate::codec::rle;
use crate::index::{Chunk, State, Tag};
use crate::layout::Layout;
use crate::tracks::{Fault, Tracks};
use crate::walk::{Depth, Walker};

/// With so few blocks, sizes that don't fit META's block_size are a chunk's fault as likely as META's.
const FEW_BLOCKS: u64 = 16;
/// How many chunks are looked into for others that their length hides.
const FEW_CHUNKS: usize = 16;

impl Container {
    /// Whether SEEK, META or the index of tracks knows of blocks that the chain doesn't have, a block can't be as large as
    /// it is stored, or a tag may be another with a flipped bit.
    pub(super) fn is_contradicted(&self) -> bool {
        let contradicts = match self.layout() {
            Layout::Transport => {
                self.has_neighbours() || self.seek_contradicts() || self.tracks_contradict() || self.sizes_contradict()
            }
            Layout::Mux => self.tables_contradict(),
        };
        contradicts || self.hides_chunks()
    }

    /// A tag is one bit from a known one. In the mux layout the CRC covers tags.
    fn has_neighbours(&self) -> bool {
        self.index().totals().iter().any(|total| total.tag.neighbours().next().is_some())
    }

    /// A sidecar, or a chunk before one where one is missing, hides chunks.
    fn hides_chunks(&self) -> bool {
        let index = self.index();
        let expected: &[Tag] = match self.layout() {
            Layout::Transport => &[Tag::META, Tag::SEEK, Tag::SAFE, Tag::VERI],
            Layout::Mux => &[Tag::TRAK],
        };
        let lacks_table = |tracks: &Tracks| tracks.list.iter().any(|track| track.seek_table(self).is_none());
        let is_missing = expected.iter().any(|tag| index.first(*tag).is_none())
            || self.layout() == Layout::Mux && self.tracks().is_some_and(lacks_table);
        let totals = index.totals().iter().filter(|total| total.tag != Tag::CORE).take(FEW_CHUNKS);
        let sidecars: Vec<Chunk> = totals.flat_map(|total| index.of_total(total)).take(FEW_CHUNKS).collect();
        let before = |chunk: &Chunk| index.chunk(chunk.index.checked_sub(1)?);
        let last = index.len().checked_sub(1).and_then(|last| index.chunk(last));
        let suspects = sidecars.iter().filter_map(before).chain(last).filter(|_| is_missing);
        let mut left = CHEAP_BYTES;
        sidecars.iter().copied().chain(suspects).any(|chunk| {
            let looked = chunk.len <= left;
            left -= if looked { chunk.len } else { 0 };
            looked && self.may_hide(&chunk)
        })
    }

    /// Whether the CRC of a chunk is wrong that the walk didn't look at: its length may lead over others.
    pub fn is_doubted(&self, chunk: &Chunk) -> bool {
        chunk.state == State::Unchecked && !self.is_intact(chunk)
    }

    /// Whether the length of a chunk that nobody has checked leads over others: its CRC is wrong, and right with a smaller
    /// length at which another chunk begins. Only the [checked](Self::checked) container has them. Costs what reading the
    /// chunk does.
    pub fn may_hide(&self, chunk: &Chunk) -> bool {
        if self.options().growing || !self.is_doubted(chunk) {
            return false;
        }
        let head = self.bytes().available(0, self.layout().file_header_len());
        let Some(whole) = self.bytes().slice(chunk.offset, chunk.end - chunk.offset) else { return false };
        let mut walker = Walker::new(self.layout(), Depth::Checked);
        walker.advance((&[head.read(), whole.read()].concat()).into(), 1, true);
        walker.index().chunk(0).is_some_and(|first| first.state == State::LengthRepaired && first.len < chunk.len)
    }

    /// Whether one of the chunks shortly before this one may hide others: the wanted one may be among those. How far back
    /// that is looked for is bounded, by their number and by what reading them costs.
    pub(crate) fn may_be_hidden(&self, chunk: &Chunk) -> bool {
        let mut left = CHEAP_BYTES;
        let is_affordable = |before: &Chunk| {
            let is_affordable = before.len <= left;
            left = left.saturating_sub(before.len);
            is_affordable
        };
        let before = (0..chunk.index).rev().take(FEW_CHUNKS).filter_map(|at| self.index().chunk(at));
        before.take_while(is_affordable).any(|before| self.may_hide(&before))
    }

    fn seek_contradicts(&self) -> bool {
        let Some(table) = self.seek_table().filter(|table| !table.rows.is_empty()) else { return false };
        let gop = self.meta().and_then(|meta| meta.gop).filter(|gop| *gop > 0);
        if gop.is_some_and(|gop| self.index().blocks().div_ceil(gop) < table.rows.len()) {
            return true;
        }
        let resolution = self.resolution(Effort::Cheap);
        resolution.best.map_or(!resolution.stream_untested && !resolution.undecided, |fit| fit.misses > 0)
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
        if self.index().total(Tag::CORE).is_none_or(|total| total.are_even_within(&possible)) {
            return false;
        }
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
