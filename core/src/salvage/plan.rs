//! What becomes of each chunk: copied, mended, replaced or dropped.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use super::Settings;
use super::numbering::{Numbering, is_closed};
use super::report::{Dropped, Mend, Mended, Missing, Reason, Rebuilt, Report};
use crate::audit::{Audit, Proof, locate_flip};
use crate::block::StoredBlock as BlockPlace;
use crate::bytes::{Bytes, le_u32};
use crate::container::Container;
use crate::finding::Flip;
use crate::hash::Overlay;
use crate::index::{Chunk, State, Tag};
use crate::layout::{CHUNK_HEADER_LEN, Layout};
use crate::walk::Ending;

/// How many placeholders are written at most: the numbers of blocks may be as forged as anything.
pub(super) const MOST_PLACEHOLDERS: u64 = 1 << 20;

/// A chunk that is made anew.
#[derive(Debug)]
pub(super) struct New {
    pub(super) tag: Tag,
    /// Mux only.
    pub(super) flags: u32,
    pub(super) payload: Vec<u8>,
}

impl New {
    pub(super) fn of(tag: Tag, payload: Vec<u8>) -> Self {
        Self { tag, flags: 0, payload }
    }
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
pub(super) enum OutputChunk<'a> {
    Copy(Chunk),
    New(&'a New),
    /// A CORE chunk without payload, in place of a lost block.
    Empty,
}

/// Where a new chunk goes.
pub(super) enum Insertion {
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
    /// How many placeholders are written before the chunk with that ordinal.
    pads: BTreeMap<u64, u64>,
    /// Indices in the output of placeholders, in ranges, each with the source index of the block after it and how many
    /// there are up to there.
    stand_ins: Vec<StandIns>,
    patches: Overlay,
    pub(super) numbering: Numbering,
    /// The blocks that are kept are a chain from the first one on, which proves their indices.
    pub(super) chained: bool,
    /// A digest proves that nothing was lost but bytes between chunks.
    pub(super) is_proven: bool,
    /// What tables say that can't be with the blocks there are, where no digest shows that those are all.
    pub(super) contradiction: Option<String>,
    /// Transport: VERI, which the writer closes the output with and which isn't part of the plan.
    closing: Option<u64>,
    pub(super) settings: &'a Settings<'a>,
}

/// Placeholders that follow each other.
#[derive(Debug, Clone)]
struct StandIns {
    /// Source index of the block after them.
    before: u64,
    /// Their indices in the output.
    range: Range<u64>,
    /// How many there are up to here.
    count: u64,
}

impl<'a> Plan<'a> {
    pub(super) fn new(container: &'a Container, audit: &Audit, settings: &'a Settings<'a>) -> Self {
        let confirmed = audit.findings.list().iter().any(|f| f.flip.is_some_and(|flip| flip.confirmed));
        Self {
            container,
            proof: audit.proof.clone(),
            confirmed_flips: confirmed,
            mends_flips: settings.repair && confirmed,
            fates: BTreeMap::new(),
            insertions: BTreeMap::new(),
            dropped_blocks: Vec::new(),
            pads: BTreeMap::new(),
            stand_ins: Vec::new(),
            patches: Overlay::default(),
            numbering: Numbering::of(container),
            chained: false,
            is_proven: false,
            contradiction: None,
            closing: None,
            settings,
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
                Some(flip) => {
                    self.patches.set(flip.offset, flip.before());
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
    fn confirmed_flip(&self, chunk: &Chunk) -> Option<Flip> {
        let proof = self.proof.as_ref()?;
        locate_flip(self.container, chunk).filter(|flip| proof.covers(self.container, chunk, flip.offset))
    }

    /// The payload as it was before confirmed damage. Copied only where it is patched.
    pub(super) fn payload(&self, chunk: &Chunk) -> Cow<'a, [u8]> {
        self.patches.apply(chunk.payload_offset, self.container.payload(chunk).read())
    }

    /// The first `len` payload bytes, likewise.
    pub(super) fn payload_start(&self, chunk: &Chunk, len: u64) -> Cow<'a, [u8]> {
        self.patches.apply(chunk.payload_offset, self.container.payload(chunk).available(0, len).read())
    }

    /// What keys and engines read a block by, whose `stored` bytes are those of [`payload`](Self::payload).
    pub(super) fn place<'s>(&self, chunk: &Chunk, stored: impl Into<Bytes<'s>>) -> BlockPlace<'s> {
        BlockPlace { stored: stored.into(), block: chunk.block.unwrap_or(0), offset: chunk.offset, provisional: false }
    }

    /// How many bytes a block decodes to; `None` where that can't be told.
    pub(super) fn decoded_len(&self, chunk: &Chunk) -> Option<u64> {
        self.container.reader().decoded_len(&self.place(chunk, &self.payload(chunk)))
    }

    /// Mux: the flags of a chunk, likewise.
    pub(super) fn flags(&self, chunk: &Chunk) -> u32 {
        let header = self.container.bytes().available(chunk.offset, CHUNK_HEADER_LEN).read();
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

    /// Leaves VERI out, since what closes the output is written after all else.
    pub(super) fn take_closing(&mut self, chunk: &Chunk) {
        self.fates.insert(chunk.index, Fate::Drop);
        self.closing = Some(chunk.index);
    }

    /// The chunk is the VERI that the output is closed with.
    pub(super) fn is_closing(&self, chunk: &Chunk) -> bool {
        self.closing == Some(chunk.index)
    }

    /// Copies a chunk with its damage mended, and says so.
    pub(super) fn mend(&mut self, chunk: &Chunk, mend: Mend, report: &mut Report) {
        self.fates.insert(chunk.index, Fate::Mend);
        report.mended.push(Mended { tag: chunk.tag, offset: chunk.offset, block: chunk.block, mend });
    }

    /// Writes another payload in the place of a chunk, and says so.
    pub(super) fn replace(&mut self, chunk: &Chunk, payload: Vec<u8>, how: String, lost: bool, report: &mut Report) {
        let tag = chunk.tag;
        self.fates.insert(chunk.index, Fate::Replace(New::of(tag, payload)));
        report.rebuild(Rebuilt { tag, replaces: Some(chunk.offset), how, lost });
    }

    /// Writes a new chunk before the one with the ordinal `before` (the number of chunks: at the end), and says so.
    pub(super) fn insert(&mut self, before: u64, new: New, how: String, lost: bool, report: &mut Report) {
        report.rebuild(Rebuilt { tag: new.tag, replaces: None, how, lost });
        self.insertions.entry(before).or_default().push(new);
    }

    /// Puts a chunk of that length into a place, so that the offsets of what follows are known. Gives back what
    /// [`release`](Self::release) needs.
    pub(super) fn reserve(&mut self, place: &Insertion, tag: Tag, len: usize) -> Option<Fate> {
        let new = New::of(tag, vec![0; len]);
        match place {
            Insertion::Of(chunk) => self.fates.insert(chunk.index, Fate::Replace(new)),
            Insertion::Before(at) => {
                self.insertions.entry(*at).or_default().push(new);
                None
            }
        }
    }

    /// Takes it out again.
    pub(super) fn release(&mut self, place: &Insertion, before: Option<Fate>) {
        match (place, before) {
            (Insertion::Of(chunk), Some(fate)) => _ = self.fates.insert(chunk.index, fate),
            (Insertion::Of(chunk), None) => _ = self.fates.remove(&chunk.index),
            (Insertion::Before(at), _) => {
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

    /// The output is the source with nothing but mended bytes, and VERI at its end.
    pub(super) fn is_whole(&self) -> bool {
        self.moves_nothing() && (self.is_proven || self.container.walked().losses.is_empty())
    }

    /// Every chunk is in the output, mended or not, and no other.
    pub(super) fn moves_nothing(&self) -> bool {
        let stays = |(at, fate): (&u64, &Fate)| matches!(fate, Fate::Mend) || Some(*at) == self.closing;
        self.insertions.values().all(Vec::is_empty) && self.pads.is_empty() && self.fates.iter().all(stays)
    }

    /// The same, but for a chunk that is made anew in that place.
    pub(super) fn moves_nothing_but(&self, place: &Insertion) -> bool {
        let stays = |(at, fate): (&u64, &Fate)| {
            matches!(fate, Fate::Mend)
                || Some(*at) == self.closing && self.container.index().len() == at + 1
                || matches!(place, Insertion::Of(chunk) if chunk.index == *at)
        };
        let inserts =
            |(at, new): (&u64, &Vec<New>)| new.is_empty() || matches!(place, Insertion::Before(own) if own == at);
        let losses = self.container.walked().losses.is_empty();
        losses && self.insertions.iter().all(inserts) && self.pads.is_empty() && self.fates.iter().all(stays)
    }

    /// What confirms repairs covers the payload of that chunk.
    pub(super) fn proves(&self, chunk: &Chunk) -> bool {
        self.proof.as_ref().is_some_and(|proof| proof.covers(self.container, chunk, chunk.payload_offset))
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
        (!dropped).then(|| self.place_of(block, dropped_before as u64))
    }

    /// The index that the next block of the output gets, if it is this one of the source.
    pub(super) fn next_index(&self, block: u64) -> u64 {
        self.place_of(block, self.dropped_blocks.partition_point(|dropped| *dropped < block) as u64)
    }

    fn place_of(&self, block: u64, dropped_before: u64) -> u64 {
        let after = self.stand_ins.partition_point(|stand_ins| stand_ins.before <= block);
        let padded = after.checked_sub(1).and_then(|at| self.stand_ins.get(at)).map_or(0, |stand_ins| stand_ins.count);
        block.saturating_sub(dropped_before).saturating_add(padded)
    }

    /// Where the block with that index before stands in the output, or a placeholder for it.
    pub(super) fn placed(&self, original: u64) -> Option<u64> {
        let found = self.numbering.found(original).filter(|found| *found < self.container.index().blocks());
        found.and_then(|found| self.new_index(found)).or_else(|| self.is_placeholder(original).then_some(original))
    }

    /// The block of the output with that index is a placeholder.
    pub(super) fn is_placeholder(&self, number: u64) -> bool {
        let at = self.stand_ins.partition_point(|stand_ins| stand_ins.range.end <= number);
        self.stand_ins.get(at).is_some_and(|stand_ins| stand_ins.range.contains(&number))
    }

    /// The block can have the index `original` in the output: it has it already, or placeholders before it give it that.
    pub(super) fn reaches(&self, block: u64, original: u64) -> bool {
        match original.checked_sub(self.next_index(block)) {
            Some(0) => true,
            Some(pads) => self.settings.placeholders && self.placeholders().saturating_add(pads) <= MOST_PLACEHOLDERS,
            None => false,
        }
    }

    /// Writes placeholders before the chunk with that ordinal until the next block of the output, which is `block` of the
    /// source, has the index `original`, and says so.
    pub(super) fn pad(&mut self, ordinal: u64, block: u64, original: u64, report: &mut Report) {
        let from = self.next_index(block);
        let Some(pads) = original.checked_sub(from).filter(|pads| *pads > 0 && self.reaches(block, original)) else {
            return;
        };
        *self.pads.entry(ordinal).or_default() += pads;
        let count = self.placeholders().saturating_add(pads);
        self.stand_ins.push(StandIns { before: block, range: from..original, count });
        (from..original).for_each(|number| report.placeholders.push(number));
    }

    /// Mux: writes a placeholder in the place of a block that was dropped, and says so.
    pub(super) fn stand_in(&mut self, chunk: &Chunk, flags: u32, payload: Vec<u8>, report: &mut Report) {
        let Some(block) = chunk.block.filter(|_| self.placeholders() < MOST_PLACEHOLDERS) else { return };
        let number = self.next_index(block);
        let count = self.placeholders().saturating_add(1);
        self.fates.insert(chunk.index, Fate::Replace(New { tag: Tag::CORE, flags, payload }));
        self.stand_ins.push(StandIns { before: block.saturating_add(1), range: number..number + 1, count });
        report.placeholders.push(number);
    }

    /// How many placeholders are written.
    pub(super) fn placeholders(&self) -> u64 {
        self.stand_ins.last().map_or(0, |stand_ins| stand_ins.count)
    }

    /// The index that a block of the source had before others were lost, where that is known.
    pub(super) fn original(&self, block: u64) -> Option<u64> {
        match self.chained && !self.settings.placeholders {
            true => self.new_index(block),
            false => self.numbering.original(block),
        }
    }

    /// The first block of the source that may have had a higher index.
    pub(super) fn first_uncertain(&self) -> Option<u64> {
        self.numbering.first_uncertain().filter(|_| !self.chained)
    }

    /// Blocks that are not among those found.
    pub(super) fn missing(&self) -> Missing {
        let (blocks, exact) = self.numbering.missing();
        Missing { blocks, exact }
    }

    /// How many blocks the output has.
    pub(super) fn blocks(&self) -> u64 {
        let kept = self.container.index().blocks().saturating_sub(self.dropped_blocks.len() as u64);
        kept.saturating_add(self.placeholders())
    }

    /// Every block has the index it had in the source, as far as that can be told.
    pub(super) fn keeps_indices(&self) -> bool {
        self.dropped_blocks.is_empty() && self.stand_ins.is_empty() && self.numbering.is_certain()
    }

    /// Blocks of the output, as chunks of the source.
    pub(super) fn kept_blocks(&self) -> impl Iterator<Item = Chunk> + '_ {
        self.container.index().with_tag(Tag::CORE).filter(|chunk| self.keeps(chunk))
    }

    /// The chunks of the output in order, without what closes it.
    pub(super) fn parts(&self) -> impl Iterator<Item = OutputChunk<'_>> {
        let index = self.container.index();
        (0..=index.len()).flat_map(move |at| {
            let pads = self.pads.get(&at).copied().unwrap_or(0);
            let empty = std::iter::repeat_n((), usize::try_from(pads).unwrap_or(0)).map(|()| OutputChunk::Empty);
            let new = empty.chain(self.insertions.get(&at).into_iter().flatten().map(OutputChunk::New));
            let chunk = match self.fates.get(&at) {
                None | Some(Fate::Mend) => index.chunk(at).map(OutputChunk::Copy),
                Some(Fate::Replace(new)) => Some(OutputChunk::New(new)),
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
                report.drop(region(loss.offset, loss.length, Reason::Region, !self.is_proven));
            }
        }
        let last = walked.index.len().checked_sub(1).and_then(|last| walked.index.chunk(last));
        match walked.ending {
            Ending::Trailing(at) => {
                // What a writer closed is whole; what it did not may go on in bytes that are now something else.
                let closed = is_closed(self.container);
                report.drop(region(at, len.saturating_sub(at), Reason::Trailing, !closed));
            }
            Ending::Appended(at) => report.drop(region(at, len.saturating_sub(at), Reason::Appended, true)),
            Ending::Limit => {
                let at = last.map_or(0, |chunk| chunk.end);
                report.drop(region(at, len.saturating_sub(at), Reason::Unread, true));
            }
            Ending::Clean | Ending::NoClosingCrc | Ending::Damaged => {}
        }
    }
}
