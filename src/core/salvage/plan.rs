//! What becomes of each chunk: copied, mended, replaced or dropped.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::report::{Dropped, Mend, Mended, Missing, Reason, Rebuilt, Report};
use crate::core::audit::{Audit, Proof, locate_flip};
use crate::core::block::Place as BlockPlace;
use crate::core::bytes::{available, le_u32};
use crate::core::container::Container;
use crate::core::finding::Flip;
use crate::core::hash::Overlay;
use crate::core::index::{Chunk, State, Tag};
use crate::core::layout::{CHUNK_HEADER_LEN, Layout};
use crate::core::walk::Ending;

/// A chunk that is made anew.
#[derive(Debug)]
pub(super) struct New {
    pub(super) tag: Tag,
    pub(super) payload: Vec<u8>,
}

/// What becomes of a chunk that is not copied as it is.
#[derive(Debug)]
pub(super) enum Fate {
    /// Copied, with the true tag and length and through the patches.
    Mend,
    /// Another chunk takes its place.
    Replace(New),
    /// Nothing does.
    Drop,
}

/// One chunk of the output.
pub(super) enum Part<'a> {
    Copy(Chunk),
    New(&'a New),
}

/// Where a new chunk goes.
pub(super) enum Place {
    /// In the place of that chunk.
    Of(Chunk),
    /// Before the chunk with that ordinal; the number of chunks is the end.
    Before(u64),
}

/// A chunk that can be relied on, or why it can't.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    Whole,
    Mended(Mend),
    Damaged(Reason),
}

/// The output, as far as it is decided. Holds only what differs from the source: its size follows the damage.
pub(super) struct Plan<'a> {
    pub(super) container: &'a Container,
    /// Some flipped bits are located and confirmed.
    confirmed_flips: bool,
    /// What confirms them.
    proof: Option<Proof>,
    /// Flips are mended: that was asked for, and they are confirmed.
    mends_flips: bool,
    fates: BTreeMap<u64, Fate>,
    /// New chunks, by the ordinal of the chunk they are written before.
    insertions: BTreeMap<u64, Vec<New>>,
    /// Source indices of blocks that are not in the output, ascending.
    dropped_blocks: Vec<u64>,
    patches: Overlay,
    pub(super) numbering: Numbering,
    /// The blocks that are kept are a chain from the first one on, which proves their indices.
    pub(super) chained: bool,
}

impl<'a> Plan<'a> {
    pub(super) fn new(container: &'a Container, audit: &Audit, repair: bool) -> Self {
        let confirmed = audit.findings.list().iter().any(|f| f.flip.is_some_and(|flip| flip.confirmed));
        Self {
            container,
            proof: audit.proof.clone(),
            confirmed_flips: confirmed,
            mends_flips: repair && confirmed,
            fates: BTreeMap::new(),
            insertions: BTreeMap::new(),
            dropped_blocks: Vec::new(),
            patches: Overlay::default(),
            numbering: Numbering::of(container),
            chained: false,
        }
    }

    /// Whether a chunk is whole, can be mended, or is damaged. Remembers the patch that mends it.
    pub(super) fn trust(&mut self, chunk: &Chunk) -> Trust {
        match chunk.state {
            State::Intact => Trust::Whole,
            State::LengthRepaired => Trust::Mended(Mend::Length),
            State::TagRepaired => Trust::Mended(Mend::Tag),
            State::Unchecked if self.container.is_intact(chunk) => Trust::Whole,
            State::Truncated => Trust::Damaged(Reason::Truncated),
            State::CrcMismatch if self.mends_flips => match self.confirmed_flip(chunk) {
                Some((flip, byte)) => {
                    self.patches.set(flip.offset, byte);
                    Trust::Mended(Mend::Flip { offset: flip.offset, bit: flip.bit })
                }
                None => Trust::Damaged(Reason::CrcMismatch),
            },
            State::CrcMismatch | State::Unchecked => Trust::Damaged(self.mismatch(chunk)),
        }
    }

    /// Why a chunk with a wrong CRC is left as it is.
    pub(super) fn mismatch(&self, chunk: &Chunk) -> Reason {
        let mendable = || self.confirmed_flip(chunk).is_some();
        match self.could_mend_flips() && chunk.state == State::CrcMismatch && mendable() {
            true => Reason::Mendable,
            false => Reason::CrcMismatch,
        }
    }

    /// The flipped bit that explains a chunk's CRC, where it is confirmed, and the byte it is in as it was before.
    fn confirmed_flip(&self, chunk: &Chunk) -> Option<(Flip, u8)> {
        let proof = self.proof.as_ref()?;
        locate_flip(self.container, chunk).filter(|(flip, _)| proof.covers(self.container, chunk, flip.offset))
    }

    /// The payload as it was before confirmed damage. Copied only where it is patched.
    pub(super) fn payload(&self, chunk: &Chunk) -> Cow<'a, [u8]> {
        self.patches.apply(chunk.payload_offset, self.container.payload(chunk))
    }

    /// The first `len` payload bytes, likewise.
    pub(super) fn payload_start(&self, chunk: &Chunk, len: u64) -> Cow<'a, [u8]> {
        self.patches.apply(chunk.payload_offset, available(self.container.payload(chunk), 0, len))
    }

    /// What keys and engines read a block by, whose `stored` bytes are those of [`payload`](Self::payload).
    pub(super) fn place<'s>(&self, chunk: &Chunk, stored: &'s [u8]) -> BlockPlace<'s> {
        BlockPlace { stored, block: chunk.block.unwrap_or(0), offset: chunk.offset, provisional: false }
    }

    /// How many bytes a block decodes to; `None` where that can't be told.
    pub(super) fn decoded_len(&self, chunk: &Chunk) -> Option<u64> {
        self.container.reader().decoded_len(&self.place(chunk, &self.payload(chunk)))
    }

    /// Mux: the flags of a chunk, likewise.
    pub(super) fn flags(&self, chunk: &Chunk) -> u32 {
        let header = available(self.container.bytes(), chunk.offset, CHUNK_HEADER_LEN);
        match self.container.layout() {
            Layout::Transport => 0,
            Layout::Mux => le_u32(&self.patches.apply(chunk.offset, header), 4).unwrap_or(0),
        }
    }

    /// Drops a chunk, and says so.
    pub(super) fn drop(&mut self, chunk: &Chunk, reason: Reason, lost: bool, report: &mut Report) {
        self.fates.insert(chunk.index, Fate::Drop);
        self.dropped_blocks.extend(chunk.block);
        let losses = &self.container.walked().losses;
        let loss = losses.binary_search_by_key(&chunk.offset, |loss| loss.offset).ok().and_then(|at| losses.get(at));
        let length = loss.map_or(chunk.end.saturating_sub(chunk.offset), |loss| loss.length);
        let (tag, offset, block) = (Some(chunk.tag), chunk.offset, chunk.block);
        report.drop(Dropped { tag, offset, length, block, reason, lost });
    }

    /// Leaves a chunk out because another one says the same anew.
    pub(super) fn supersede(&mut self, chunk: &Chunk) {
        self.fates.insert(chunk.index, Fate::Drop);
    }

    /// Copies a chunk with its damage mended, and says so.
    pub(super) fn mend(&mut self, chunk: &Chunk, mend: Mend, report: &mut Report) {
        self.fates.insert(chunk.index, Fate::Mend);
        report.mended.push(Mended { tag: chunk.tag, offset: chunk.offset, block: chunk.block, mend });
    }

    /// Writes another payload in the place of a chunk, and says so.
    pub(super) fn replace(&mut self, chunk: &Chunk, payload: Vec<u8>, how: String, lost: bool, report: &mut Report) {
        let tag = chunk.tag;
        self.fates.insert(chunk.index, Fate::Replace(New { tag, payload }));
        report.rebuild(Rebuilt { tag, replaces: Some(chunk.offset), how, lost });
    }

    /// Writes a new chunk before the one with the ordinal `before` (the number of chunks: at the end), and says so.
    pub(super) fn insert(&mut self, before: u64, new: New, how: String, report: &mut Report) {
        report.rebuild(Rebuilt { tag: new.tag, replaces: None, how, lost: false });
        self.insertions.entry(before).or_default().push(new);
    }

    /// Puts a chunk of that length into a place, so that the offsets of what follows are known. Gives back what
    /// [`release`](Self::release) needs.
    pub(super) fn reserve(&mut self, place: &Place, tag: Tag, len: usize) -> Option<Fate> {
        let new = New { tag, payload: vec![0; len] };
        match place {
            Place::Of(chunk) => self.fates.insert(chunk.index, Fate::Replace(new)),
            Place::Before(at) => {
                self.insertions.entry(*at).or_default().push(new);
                None
            }
        }
    }

    /// Takes it out again.
    pub(super) fn release(&mut self, place: &Place, before: Option<Fate>) {
        match (place, before) {
            (Place::Of(chunk), Some(fate)) => _ = self.fates.insert(chunk.index, fate),
            (Place::Of(chunk), None) => _ = self.fates.remove(&chunk.index),
            (Place::Before(at), _) => {
                if let Some(new) = self.insertions.get_mut(at) {
                    new.pop();
                }
            }
        }
    }

    /// The chunk is in the output, mended or not, under its own payload.
    pub(super) fn keeps(&self, chunk: &Chunk) -> bool {
        matches!(self.fates.get(&chunk.index), None | Some(Fate::Mend))
    }

    /// The chunk is in the output byte for byte.
    pub(super) fn copies(&self, chunk: &Chunk) -> bool {
        !self.fates.contains_key(&chunk.index)
    }

    /// The output is the source with nothing but mended bytes.
    pub(super) fn is_whole(&self) -> bool {
        let mends = |fate: &Fate| matches!(fate, Fate::Mend);
        self.insertions.values().all(Vec::is_empty)
            && self.container.walked().losses.is_empty()
            && self.fates.values().all(mends)
    }

    /// Flipped bits are mended.
    pub(super) fn mends_flips(&self) -> bool {
        self.mends_flips
    }

    /// Flipped bits are confirmed, and would be mended if that were asked for.
    pub(super) fn could_mend_flips(&self) -> bool {
        self.confirmed_flips && !self.mends_flips
    }

    /// The index in the output of a block of the source; `None` where it is dropped.
    pub(super) fn new_index(&self, block: u64) -> Option<u64> {
        let dropped_before = self.dropped_blocks.partition_point(|dropped| *dropped < block);
        let dropped = self.dropped_blocks.get(dropped_before) == Some(&block);
        (!dropped).then(|| block.saturating_sub(dropped_before as u64))
    }

    /// The index that a block of the source had before bytes were lost, where that is known.
    pub(super) fn original(&self, block: u64) -> Option<u64> {
        if self.chained { self.new_index(block) } else { self.numbering.original(block) }
    }

    /// The first block of the source that may have had a higher index.
    pub(super) fn first_uncertain(&self) -> Option<u64> {
        self.numbering.first_uncertain().filter(|_| !self.chained)
    }

    /// Blocks that stood in lost bytes: those that something counted, else as many as SEEK's last entry needs.
    pub(super) fn missing(&self) -> Missing {
        if let Some(blocks) = self.numbering.lost {
            return Missing { blocks, exact: true };
        }
        let found = self.container.index().blocks();
        let needed = self.container.last_keyframe().map_or(0, |last| last.saturating_add(1));
        Missing { blocks: needed.saturating_sub(found), exact: false }
    }

    /// How many blocks the output has.
    pub(super) fn blocks(&self) -> u64 {
        self.container.index().blocks().saturating_sub(self.dropped_blocks.len() as u64)
    }

    /// Every block has the index it had in the source, as far as that can be told.
    pub(super) fn keeps_indices(&self) -> bool {
        self.dropped_blocks.is_empty() && self.numbering.is_certain()
    }

    /// Blocks of the output, as chunks of the source.
    pub(super) fn kept_blocks(&self) -> impl Iterator<Item = Chunk> + '_ {
        self.container.index().with_tag(Tag::CORE).filter(|chunk| self.keeps(chunk))
    }

    /// The chunks of the output in order, without what closes it.
    pub(super) fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let index = self.container.index();
        (0..=index.len()).flat_map(move |at| {
            let new = self.insertions.get(&at).into_iter().flatten().map(Part::New);
            let chunk = match self.fates.get(&at) {
                None | Some(Fate::Mend) => index.chunk(at).map(Part::Copy),
                Some(Fate::Replace(new)) => Some(Part::New(new)),
                Some(Fate::Drop) => None,
            };
            new.chain(chunk)
        })
    }

    /// Bytes between chunks, after the last one, and what was not read.
    pub(super) fn report_regions(&self, report: &mut Report) {
        let (walked, len) = (self.container.walked(), self.container.source().len());
        let region = |offset, length, reason, lost| Dropped { tag: None, offset, length, block: None, reason, lost };
        for loss in &walked.losses {
            let begins = self.container.index().at_offset(loss.offset).is_some_and(|c| c.offset == loss.offset);
            if !begins {
                report.drop(region(loss.offset, loss.length, Reason::Region, true));
            }
        }
        let last = walked.index.len().checked_sub(1).and_then(|last| walked.index.chunk(last));
        match walked.ending {
            Ending::Trailing(at) => report.drop(region(at, len.saturating_sub(at), Reason::Trailing, false)),
            Ending::Appended(at) => report.drop(region(at, len.saturating_sub(at), Reason::Appended, true)),
            Ending::Limit => {
                let at = last.map_or(0, |chunk| chunk.end);
                report.drop(region(at, len.saturating_sub(at), Reason::Unread, true));
            }
            Ending::Clean | Ending::NoClosingCrc | Ending::Damaged => {}
        }
    }
}

/// Which index blocks had before bytes were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbering {
    /// Blocks below have the index they are found under.
    first_lost: u64,
    /// Blocks from here on stand after the last loss.
    last_lost: u64,
    /// How many blocks were lost in all, where something says how many there were.
    lost: Option<u64>,
}

impl Numbering {
    fn of(container: &Container) -> Self {
        let losses = &container.walked().losses;
        let end = container.index().blocks();
        Self {
            first_lost: losses.first().map_or(end, |loss| loss.block),
            last_lost: losses.last().map_or(end, |loss| loss.block),
            lost: losses.is_empty().then_some(0),
        }
    }

    /// Blocks there were in all, from a witness other than the blocks themselves.
    pub(super) fn settle(&mut self, found: u64, original: Option<u64>) {
        self.lost = self.lost.or_else(|| original?.checked_sub(found));
    }

    /// Every block's index is known.
    pub(super) fn is_certain(&self) -> bool {
        self.lost == Some(0) || self.lost.is_some() && self.first_lost == self.last_lost
    }

    /// The index under which the block is found that had that index before.
    pub(super) fn found(&self, original: u64) -> Option<u64> {
        if original < self.first_lost || self.lost == Some(0) {
            return Some(original);
        }
        original.checked_sub(self.lost?).filter(|found| *found >= self.last_lost)
    }

    /// The index a block that is found had before.
    fn original(&self, found: u64) -> Option<u64> {
        match self.lost {
            _ if found < self.first_lost => Some(found),
            Some(lost) if found >= self.last_lost || lost == 0 => found.checked_add(lost),
            _ => None,
        }
    }

    /// The first block found that may have had a higher index.
    fn first_uncertain(&self) -> Option<u64> {
        (!self.is_certain()).then_some(self.first_lost)
    }
}
