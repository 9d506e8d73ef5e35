//! Which index blocks had when they were written, and how many of them there were.
//!
//! A block's index is its ordinal, so that a lost block moves all later ones. What says how many are lost: the index of
//! tracks, the older binary META, the counters of encrypted blocks, and SEEK, whose entries name blocks by their index, by
//! their place or by their time. What none of these settles is left unknown.

use crate::container::{Container, Effort};
use crate::index::{State, Tag};
use crate::layout::{Layout, SeekEntry};
use crate::meta::Meta;
use crate::seek::{Basis, BlockStarts, Fit, Landing, Meaning, SeekTable};
use crate::walk::Ending;

/// The least bytes that a block takes in a file: its chunk's header.
const LEAST_BYTES: u64 = 12;
/// How many lost blocks are tried for one gap, to find the number that places in the file bear out.
const MOST_TRIED: u64 = 1 << 12;
/// How many entries are looked at for that, all numbers together.
const MOST_LOOKS: u64 = 1 << 24;
/// That only one number fits says something only if so many were tried.
const LEAST_TRIED: u64 = 1 << 6;

/// How many guesses may be tried on so many entries, each of which may look at all of them; `None` if too few for that
/// only one fits to say something.
pub(super) fn guesses(entries: usize) -> Option<u64> {
    let affordable = MOST_LOOKS.checked_div(entries as u64).unwrap_or(MOST_TRIED).min(MOST_TRIED);
    (affordable >= LEAST_TRIED).then_some(affordable)
}

/// Blocks between two places where others may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// Index under which its first block is found.
    first: u64,
    /// How many are missing before it, in all.
    lost: Option<u64>,
    /// Bytes lost right before it.
    bytes: u64,
}

/// Which index blocks had before some were lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Numbering {
    /// In file order; the first begins with block 0.
    runs: Vec<Run>,
    /// How many blocks are found.
    found: u64,
    /// How many there were.
    total: Option<u64>,
    /// There were at least so many.
    least: u64,
    /// Blocks whose own number is known, with it, both ascending; others have none.
    counted: Option<Vec<(u64, u64)>>,
    /// The runs whose blocks' indices are known: first of them, one past the last, and how much lower they are found.
    known: Vec<(u64, u64, u64)>,
}

/// What is known of how many blocks there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bounds {
    least: u64,
    most: Option<u64>,
}

/// When each block is shown and which are keyframes, as META gives it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rhythm {
    pub(super) frame_us: u64,
    pub(super) gop: u64,
}

impl Rhythm {
    pub(super) fn of(meta: Option<&Meta>) -> Option<Self> {
        let (frame_us, gop) = (meta?.frame_us()?, meta?.gop?);
        (frame_us > 0).then_some(Self { frame_us, gop })
    }

    pub(super) fn has(self, pts_us: u64, original: u64) -> bool {
        original.is_multiple_of(self.gop) && original.checked_mul(self.frame_us) == Some(pts_us)
    }
}

/// What a SEEK entry says about the block it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) pts_us: u64,
    /// Its offset as stored.
    pub(super) offset: u64,
    /// The index the block had when it was written, where offset or time tell it.
    pub(super) original: Option<u64>,
}

/// The entries of SEEK in order of their time, with what they say about their blocks.
#[derive(Debug, Clone)]
pub(super) struct Entries {
    pub(super) list: Vec<Named>,
    pub(super) meaning: Meaning,
    pub(super) basis: Basis,
    /// All of them are where META's frame rate puts them.
    timed: bool,
    /// META's gop, where all entries there should be are there, and each is a multiple of it.
    gop: Option<u64>,
    /// Offsets fit several meanings that lead to different blocks, and nothing says which is right.
    pub(super) ambiguous: bool,
    /// A digest shows that all blocks are where the writer put them.
    pub(super) sealed: bool,
}

impl Entries {
    /// Those of a table whose meaning is known. `sealed` says that all blocks are where the writer put them: where an
    /// entry's time and place differ, both are then what they were meant to be.
    pub(super) fn read(container: &Container, meta: Option<&Meta>, sealed: bool) -> Option<Self> {
        let table = container.seek_table()?;
        let resolution = container.resolution(Effort::Full);
        let blocks = container.starts(Effort::Full);
        let doubtful = !sealed || !blocks.losses.is_empty();
        let (fit, ambiguous) = match resolution.ambiguous {
            true => settled(&blocks, &table, &resolution.fits),
            false => (resolution.best, false),
        };
        let fit =
            kept_time(&blocks, &table, container.options().meaning).filter(|_| doubtful).or(fit).or(resolution.best)?;
        let frame_us = meta.and_then(Meta::frame_us).filter(|us| *us > 0);
        let implied = |offset: u64| match (fit.meaning, fit.basis) {
            (Meaning::Index, _) => Some(offset),
            (Meaning::Stream, Basis::Grid) => {
                let grid = blocks.grid.filter(|grid| *grid > 0)?;
                offset.is_multiple_of(grid).then(|| offset / grid)
            }
            _ => None,
        };
        let by_time = |pts_us: u64| frame_us.filter(|us| pts_us.is_multiple_of(*us)).map(|us| pts_us / us);
        let certain = container.first_provisional().unwrap_or(u64::MAX);
        let agrees = |pts_us: u64, offset: u64| {
            let Some(timed) = by_time(pts_us) else { return false };
            match blocks.landing(fit.meaning, fit.basis, offset) {
                Landing::Block(block) if block < certain => block == timed,
                _ => implied(offset).is_none_or(|block| block == timed),
            }
        };
        // A table that keeps META's time throughout is not off by chance: its blocks have moved.
        let gop = meta.and_then(|meta| meta.gop);
        let on_beat = |(rank, entry): (u64, SeekEntry)| {
            let block = by_time(entry.pts_us);
            block.is_some()
                && gop.is_some_and(|gop| rank.checked_mul(gop) == block)
                && implied(entry.offset).is_none_or(|own| block == Some(own))
        };
        let keeps_time = !sealed && (0..).zip(table.in_order()).all(on_beat);
        let timed = keeps_time || table.rows.iter().all(|entry| agrees(entry.pts_us, entry.offset));
        let named = |pts_us: u64, offset: u64| {
            let original = if timed { by_time(pts_us) } else { implied(offset) };
            Named { pts_us, offset, original }
        };
        let list: Vec<Named> = table.in_order().map(|entry| named(entry.pts_us, entry.offset)).collect();
        let whole = table.rows.declared() == table.rows.len();
        let gop = gop.filter(|gop| {
            let on_beat = |(rank, entry): (u64, &Named)| rank.checked_mul(*gop) == entry.original;
            whole && (0..).zip(&list).all(on_beat)
        });
        Some(Self { list, meaning: fit.meaning, basis: fit.basis, timed, gop, ambiguous: ambiguous && !timed, sealed })
    }

    fn bounds(&self) -> Bounds {
        let least = self.list.iter().filter_map(|entry| entry.original).max().map_or(0, |last| last.saturating_add(1));
        let most = self.gop.and_then(|gop| gop.checked_mul(self.list.len() as u64));
        Bounds { least, most }
    }

    /// Offsets are places in the file, or in what it stores.
    fn are_places(&self) -> bool {
        matches!(self.meaning, Meaning::Chunk | Meaning::Payload | Meaning::Stored)
    }
}

/// Where blocks begin under a meaning by place, whatever was lost before them.
struct Places<'a> {
    container: &'a Container,
    meaning: Meaning,
    /// Where the meaning is a position in a concatenation.
    starts: Option<Vec<u64>>,
    /// They are offsets in the file.
    in_file: bool,
}

impl<'a> Places<'a> {
    fn of(container: &'a Container, entries: &Entries) -> Self {
        let add = |at: &mut u64, len: u64| Some(std::mem::replace(at, at.saturating_add(len)));
        let starts = match (entries.meaning, entries.basis) {
            (Meaning::Stored, _) => {
                Some(container.index().with_tag(Tag::CORE).map(|chunk| chunk.len).scan(0, add).collect())
            }
            (Meaning::Stream, Basis::Sums) if container.walked().losses.is_empty() => {
                let blocks = container.starts(Effort::Full);
                Some((0..container.index().blocks()).map_while(|block| blocks.decoded?.start(block)).collect())
            }
            _ => None,
        };
        let in_file = matches!(entries.meaning, Meaning::Chunk | Meaning::Payload);
        Self { container, meaning: entries.meaning, starts, in_file }
    }

    /// The meaning is one by place.
    fn are_known(&self) -> bool {
        self.in_file
            || self.starts.as_ref().is_some_and(|starts| starts.len() as u64 == self.container.index().blocks())
    }

    fn of_block(&self, found: u64) -> Option<u64> {
        if let Some(starts) = &self.starts {
            return starts.get(usize::try_from(found).ok()?).copied();
        }
        match self.meaning {
            Meaning::Chunk => Some(self.container.index().block(found)?.offset),
            Meaning::Payload => Some(self.container.index().block(found)?.payload_offset),
            _ => None,
        }
    }
}

/// The meaning under which all entries name the block of their time, where there are several. Where bytes were lost, most
/// land nowhere for certain under this one, and others fit by chance.
fn kept_time(blocks: &BlockStarts<'_>, table: &SeekTable<'_>, chosen: Option<Meaning>) -> Option<Fit> {
    let frame_us = blocks.frame_us.filter(|us| *us > 0 && table.rows.len() > 1)?;
    let grid = blocks.grid.filter(|grid| *grid > 0);
    let meanings = [(Meaning::Stream, grid), (Meaning::Index, Some(1))];
    let keeps = |size: u64| {
        let named = |entry: SeekEntry| (entry.pts_us / frame_us).checked_mul(size) == Some(entry.offset);
        table.rows.iter().all(|entry| entry.pts_us.is_multiple_of(frame_us) && named(entry))
    };
    let found = meanings
        .into_iter()
        .find(|(meaning, size)| chosen.is_none_or(|chosen| chosen == *meaning) && size.is_some_and(keeps));
    found.map(|(meaning, _)| Fit { meaning, basis: Basis::Grid, hits: 0, misses: 0, agreement: 0, stored_agreement: 0 })
}

/// Of meanings that fit equally, the one under which later entries lead to later blocks, and time 0 to block 0; and
/// whether several are left.
fn settled(blocks: &BlockStarts<'_>, table: &SeekTable<'_>, fits: &[Meaning]) -> (Option<Fit>, bool) {
    let in_order = |fit: &Fit| {
        let landings =
            table.in_order().map(|entry| (entry.pts_us, blocks.landing(fit.meaning, fit.basis, entry.offset)));
        let mut last = None;
        landings.into_iter().all(|(pts_us, landing)| {
            let Landing::Block(block) = landing else { return false };
            let right = last.is_none_or(|last| block > last) && (pts_us > 0 || block == 0);
            last = Some(block);
            right
        })
    };
    let fits = fits.iter().filter_map(|meaning| blocks.resolve(table, Some(*meaning)).best);
    let mut fits = fits.filter(in_order);
    let first = fits.next();
    (first, fits.next().is_some())
}

/// Blocks may have followed the last chunk: its writer did not close the container, and what is there now isn't a chunk, or
/// nothing. How many bytes there are.
fn open_end(container: &Container) -> Option<u64> {
    let (walked, len) = (container.walked(), container.source().len());
    let last = walked.index.len().checked_sub(1).and_then(|last| walked.index.chunk(last))?;
    match (container.layout(), walked.ending) {
        (_, Ending::Trailing(at)) => (!is_closed(container)).then(|| len.saturating_sub(at)),
        (Layout::Transport, _) => (last.tag == Tag::CORE).then_some(0),
        (Layout::Mux, Ending::NoClosingCrc) => (last.tag != Tag::TSEK).then_some(0),
        (Layout::Mux, _) => None,
    }
}

/// A chunk stands there that may have been a block: it is damaged, or its tag isn't known.
fn is_doubtful(container: &Container, offset: u64) -> bool {
    let chunk = container.index().at_offset(offset);
    chunk.is_some_and(|chunk| !chunk.tag.is_known() || chunk.state.is_damaged())
}

/// The writer closed the container: with VERI, or (mux) with a CRC.
pub(super) fn is_closed(container: &Container) -> bool {
    let index = container.index();
    match container.layout() {
        Layout::Transport => {
            let last = index.len().checked_sub(1).and_then(|last| index.chunk(last));
            last.is_some_and(|chunk| chunk.tag == Tag::VERI)
        }
        Layout::Mux => container.walked().closing_crc.is_some(),
    }
}

/// What other things than SEEK say about how many blocks there were.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Witness {
    /// Exactly so many.
    pub(super) exact: Option<u64>,
    /// At least this many.
    pub(super) least: u64,
    /// A digest of all blocks is right: none is missing, whatever SEEK or an index of tracks say.
    pub(super) sealed: bool,
}

impl Numbering {
    /// What the losses alone say.
    pub(super) fn of(container: &Container) -> Self {
        let found = container.index().blocks();
        let mut runs = vec![Run { first: 0, lost: Some(0), bytes: 0 }];
        for loss in &container.walked().losses {
            match runs.last_mut().filter(|run| run.first == loss.block && run.bytes > 0) {
                Some(run) => run.bytes = run.bytes.saturating_add(loss.length),
                None => runs.push(Run { first: loss.block, lost: None, bytes: loss.length }),
            }
        }
        if let Some(bytes) = open_end(container) {
            runs.push(Run { first: found, lost: None, bytes });
        }
        let total = (runs.len() == 1).then_some(found);
        let mut numbering = Self { runs, found, total, least: found, counted: None, known: Vec::new() };
        numbering.note_known();
        numbering
    }

    /// No block is missing.
    pub(super) fn settle_whole(&mut self) {
        self.runs = vec![Run { first: 0, lost: Some(0), bytes: 0 }];
        (self.total, self.least) = (Some(self.found), self.found);
        self.note_known();
    }

    fn note_known(&mut self) {
        let ends = self.runs.iter().skip(1).map(|run| run.first).chain([self.found]);
        let known = self.runs.iter().zip(ends).filter_map(|(run, end)| {
            let lost = run.lost?;
            Some((run.first.checked_add(lost)?, end.checked_add(lost)?, lost))
        });
        self.known = known.collect();
    }

    /// Finds out as much as can be.
    pub(super) fn settle(&mut self, container: &Container, entries: Option<&Entries>, witness: Witness) {
        self.weigh(container, entries, witness);
        self.note_known();
    }

    fn weigh(&mut self, container: &Container, entries: Option<&Entries>, witness: Witness) {
        let by_seek = entries.map_or(Bounds { least: 0, most: None }, Entries::bounds);
        let exact = witness.exact.filter(|exact| *exact >= self.found);
        self.least = self.least.max(exact.unwrap_or(0)).max(witness.least).max(by_seek.least);
        let bounds = match exact {
            Some(exact) => Bounds { least: exact, most: Some(exact) },
            None => Bounds { least: self.least, most: by_seek.most.filter(|most| *most >= self.least) },
        };
        if witness.sealed && self.runs.len() == 1 {
            return;
        }
        if !witness.sealed {
            self.doubt_tags(container, bounds);
        }
        let sure = bounds.most.filter(|most| *most == bounds.least).and_then(|total| total.checked_sub(self.found));
        if self.runs.len() == 1 {
            // Blocks are missing, and nothing says where, unless entries that lead to places in the file do.
            let slipped = entries.and_then(|entries| self.slipped(container, entries, bounds));
            match slipped {
                Some(runs) => self.runs = runs,
                None if bounds.least > self.found => self.runs.iter_mut().for_each(|run| run.lost = None),
                None => {}
            }
            let by_places = self.runs.last().and_then(|run| run.lost).and_then(|lost| self.found.checked_add(lost));
            self.total = by_places.or(sure.map(|_| bounds.least));
            self.least = self.least.max(self.total.unwrap_or(0));
            return;
        }
        match sure {
            Some(0) => self.runs.iter_mut().for_each(|run| run.lost = Some(0)),
            Some(lost) => {
                if let Some(last) = self.runs.last_mut() {
                    last.lost = Some(lost);
                }
            }
            None => {}
        }
        if let Some(entries) = entries.filter(|entries| entries.timed && entries.are_places()) {
            self.anchor(container, entries, bounds);
        }
        self.total = self.runs.last().and_then(|run| run.lost).and_then(|lost| self.found.checked_add(lost));
        // What is known of the end says nothing about gaps before it, unless there is nothing left to lose in them.
        let mut most = self.runs.last().and_then(|run| run.lost).unwrap_or(u64::MAX);
        let mut least = 0;
        for run in &mut self.runs {
            least = run.lost.unwrap_or(least);
            if run.lost.is_none() && least == most {
                run.lost = Some(least);
            }
        }
        for run in self.runs.iter_mut().rev() {
            most = run.lost.unwrap_or(most).min(most);
            if run.lost.is_none() && most == 0 {
                run.lost = Some(0);
            }
        }
        self.least = self.least.max(self.total.unwrap_or(0));
    }

    /// Chunks with an unknown tag may be blocks: those one bit from CORE, and those that no writer would write.
    fn doubt_tags(&mut self, container: &Container, bounds: Bounds) {
        let index = container.index();
        if container.layout() == Layout::Mux || bounds.most == Some(self.found) {
            return;
        }
        let doubtful = |tag: Tag| !tag.is_known() && (tag.distance(Tag::CORE) == 1 || !tag.is_printable());
        let odd: Vec<u64> = index
            .totals()
            .iter()
            .filter(|total| doubtful(total.tag))
            .flat_map(|total| index.with_tag(total.tag))
            .filter(|chunk| chunk.state.is_intact() || chunk.state == State::CrcMismatch)
            .map(|chunk| index.blocks_before(&chunk))
            .collect();
        if odd.is_empty() {
            return;
        }
        let missing = bounds.least.saturating_sub(self.found);
        let all = self.runs.len() == 1 && missing == odd.len() as u64;
        self.runs.extend(odd.into_iter().map(|first| Run { first, lost: None, bytes: LEAST_BYTES }));
        self.runs.sort_by_key(|run| run.first);
        if all {
            (0..).zip(&mut self.runs).for_each(|(lost, run)| run.lost = Some(lost));
        }
    }

    /// Numbers the blocks behind gaps by where SEEK's entries say that blocks stood.
    fn anchor(&mut self, container: &Container, entries: &Entries, bounds: Bounds) {
        let blocks = container.starts(Effort::Cheap);
        let mut anchors: Vec<(usize, Option<u64>)> = Vec::new();
        let mut right = true;
        if entries.meaning != Meaning::Stored {
            for entry in &entries.list {
                let found = match blocks.landing(entries.meaning, entries.basis, entry.offset) {
                    Landing::Block(found) => found,
                    // Bytes were taken out or put in: where others land they may land by chance.
                    Landing::Nowhere => {
                        right &= is_doubtful(container, entry.offset);
                        continue;
                    }
                    Landing::Unknown => continue,
                };
                let run = self.runs.partition_point(|run| run.first <= found).saturating_sub(1);
                let lost = entry.original.and_then(|original| original.checked_sub(found));
                match anchors.last_mut().filter(|(last, _)| *last == run) {
                    Some((_, known)) if *known != lost => *known = None,
                    Some(_) => {}
                    None => anchors.push((run, lost)),
                }
            }
        }
        let all = self.runs.iter().fold(0u64, |all, run| all.saturating_add(run.bytes));
        let mut before = 0;
        for (run, lost) in &anchors {
            let room = lost.and_then(|lost| lost.checked_mul(LEAST_BYTES)).is_some_and(|bytes| bytes <= all);
            right &= room && lost.is_some_and(|lost| lost >= before) && (*run > 0 || *lost == Some(0));
            before = lost.unwrap_or(before);
        }
        if right {
            for (run, lost) in &anchors {
                if let Some(run) = self.runs.get_mut(*run).filter(|run| run.lost.is_none()) {
                    run.lost = *lost;
                }
            }
        }
        if let [_, run] = self.runs.as_slice()
            && run.lost.is_none()
            && let Some(lost) = self.shifted(container, entries, bounds, *run)
            && let Some(run) = self.runs.last_mut()
        {
            run.lost = Some(lost);
        }
    }

    /// How many blocks are missing before the second of two runs, where only one number puts all entries on blocks.
    fn shifted(&self, container: &Container, entries: &Entries, bounds: Bounds, run: Run) -> Option<u64> {
        let later = entries.list.iter().filter(|entry| entry.original.is_some_and(|original| original >= run.first));
        let places = Places::of(container, entries);
        self.only(&places, later, bounds, run.first, Some(run.bytes))
    }

    /// The number of missing blocks, if there is only one, under which all `entries` of blocks from `first` on are off by
    /// one distance. `bytes` were lost there, where any were: what stood there had room for the blocks.
    fn only<'e>(
        &self,
        places: &Places<'_>,
        entries: impl Iterator<Item = &'e Named> + Clone,
        bounds: Bounds,
        first: u64,
        bytes: Option<u64>,
    ) -> Option<u64> {
        let room = i128::from(bytes.unwrap_or(0));
        let fits = |lost: u64| {
            let mut shift = None;
            for entry in entries.clone() {
                let Some(found) = entry.original?.checked_sub(lost).filter(|found| *found >= first) else { continue };
                let moved = i128::from(places.of_block(found)?) - i128::from(entry.offset);
                if *shift.get_or_insert(moved) != moved {
                    return None;
                }
            }
            // The blocks of all these entries may be the missing ones.
            let Some(shift) = shift else { return Some(()) };
            let least = if places.in_file { i128::from(LEAST_BYTES) * i128::from(lost) } else { 0 };
            // Chunks that aren't blocks may have been taken out, or put in, without a trace.
            let room = if bytes.is_none() && lost == 0 { i128::MAX - shift.abs() } else { room };
            (!places.in_file || room - shift >= least).then_some(())
        };
        let least = bounds.least.saturating_sub(self.found);
        let most = bounds.most.map_or(u64::MAX, |most| most.saturating_sub(self.found));
        let tried = guesses(entries.clone().count())?;
        let mut fitting = (least..=most.min(least.saturating_add(tried))).filter(|lost| fits(*lost).is_some());
        fitting.next().filter(|_| fitting.next().is_none())
    }

    /// No bytes are lost, but from some entry on none leads to a block: chunks were taken out, or put in, before that.
    fn slipped(&self, container: &Container, entries: &Entries, bounds: Bounds) -> Option<Vec<Run>> {
        if !entries.timed {
            return None;
        }
        let places = Places::of(container, entries);
        let lands = |entry: &Named| entry.original.and_then(|block| places.of_block(block)) == Some(entry.offset);
        let at = entries.list.iter().position(|entry| !lands(entry))?;
        let (before, after) = entries.list.split_at(at);
        if !places.are_known() || after.iter().any(lands) {
            return None;
        }
        // The block at its place may be the one after it: then it is the one that is gone.
        let last_right = before.last().and_then(|entry| entry.original).unwrap_or(0);
        let next = after.first()?.original?;
        let lost = self.only(&places, after.iter(), bounds, last_right, None);
        let mut runs = vec![Run { first: 0, lost: Some(0), bytes: 0 }];
        match lost {
            Some(0) => {}
            Some(lost) => {
                runs.push(Run { first: last_right, lost: None, bytes: 0 });
                runs.push(Run { first: next.checked_sub(lost)?.max(last_right), lost: Some(lost), bytes: 0 });
            }
            None => runs.push(Run { first: last_right, lost: None, bytes: 0 }),
        }
        Some(runs)
    }

    /// Numbers blocks by the counters in them: `numbers` holds found index and number of each that has one.
    pub(super) fn count(&mut self, numbers: Vec<(u64, u64)>) {
        let last = numbers.last().map_or(0, |(_, number)| number.saturating_add(1));
        self.least = self.least.max(last);
        self.counted = Some(numbers);
    }

    /// There were so many more than those found, at least.
    pub(super) fn note_missing(&mut self, more: u64) {
        self.least = self.least.max(self.found.saturating_add(more));
    }

    /// Every block's index is known.
    pub(super) fn is_certain(&self) -> bool {
        self.counted.is_some()
            || self.runs.iter().all(|run| run.lost.is_some() || run.first >= self.found && run.first > 0)
    }

    /// Blocks are missing without a trace of where.
    pub(super) fn is_adrift(&self) -> bool {
        let nowhere = self.runs.iter().any(|run| run.lost.is_none() && run.bytes == 0 && run.first < self.found);
        nowhere && self.counted.is_none()
    }

    /// The index under which the block is found that had that index before.
    pub(super) fn found(&self, original: u64) -> Option<u64> {
        if let Some(counted) = &self.counted {
            let at = counted.binary_search_by_key(&original, |(_, number)| *number).ok()?;
            return counted.get(at).map(|(found, _)| *found);
        }
        // Empty runs are in no one's way: they end where they begin.
        let at = self.known.partition_point(|(_, end, _)| *end <= original);
        let (first, _, lost) = self.known.get(at).copied()?;
        (first <= original).then(|| original.checked_sub(lost))?
    }

    /// The index a block that is found had before.
    pub(super) fn original(&self, found: u64) -> Option<u64> {
        if let Some(counted) = &self.counted {
            let at = counted.binary_search_by_key(&found, |(found, _)| *found).ok()?;
            return counted.get(at).map(|(_, number)| *number);
        }
        let at = self.runs.partition_point(|run| run.first <= found).checked_sub(1)?;
        found.checked_add(self.runs.get(at)?.lost?)
    }

    /// The first block found that may have had a higher index.
    pub(super) fn first_uncertain(&self) -> Option<u64> {
        let uncertain = || self.runs.iter().find(|run| run.lost.is_none()).map(|run| run.first);
        if self.counted.is_some() { None } else { uncertain() }
    }

    /// How many blocks there were, where that is known.
    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    /// How many are missing beside those found, and whether there can't be more.
    pub(super) fn missing(&self) -> (u64, bool) {
        match self.total {
            Some(total) => (total.max(self.least).saturating_sub(self.found), true),
            None => (self.least.saturating_sub(self.found), false),
        }
    }
}
