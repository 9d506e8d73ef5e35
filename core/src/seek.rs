//! SEEK: which entry answers a timestamp, and which block an entry's offset means.
//!
//! What an offset means is not stated in a file, so it is inferred: the meaning under which every entry lands exactly
//! on the start of a block.

use std::sync::OnceLock;

use super::index::{Chunk, Index, State, Tag};
use super::layout::{SeekEntry, SeekRows};
use super::numbering::{Found, Numbering};
use super::walk::Loss;

/// How many blocks away from its offset an entry's block is looked for at most.
const MOST_MOVED: usize = 64;
/// Blocks that may be missing where a few bytes are lost.
const MOST_TAKEN_OUT: u64 = 1 << 10;

/// What the offset of a SEEK entry is. In order of preference where several fit equally.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Meaning {
    /// Position in the concatenation of the decoded blocks: the reference writer's.
    Stream,
    /// Position in the concatenation of the stored CORE payloads.
    Stored,
    /// File offset of a CORE chunk header.
    Chunk,
    /// File offset of a CORE payload.
    Payload,
    /// Block index.
    Index,
}

impl Meaning {
    /// All meanings, in order of preference.
    pub const ALL: [Self; 5] = [Self::Stream, Self::Stored, Self::Chunk, Self::Payload, Self::Index];

    /// The name used in JSON and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Stored => "stored",
            Self::Chunk => "chunk",
            Self::Payload => "payload",
            Self::Index => "index",
        }
    }

    /// What it means, for people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Stream => "position in the decoded stream",
            Self::Stored => "position in the stored blocks",
            Self::Chunk => "file offset of a CORE chunk",
            Self::Payload => "file offset of a CORE payload",
            Self::Index => "block index",
        }
    }
}

/// Where an offset leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landing {
    /// Exactly to the start of that block.
    Block(u64),
    /// To no block's start.
    Nowhere,
    /// It can't be told: bytes were lost before it, or decoded sizes are not known.
    Unknown,
}

/// Where blocks start in a concatenation: `starts[i]` is block i's, the last is the total.
#[derive(Debug, Clone, Default)]
pub struct Starts {
    starts: Vec<u64>,
}

impl Starts {
    /// From the sizes of the blocks in order; ends early where a size is not known.
    pub fn new(sizes: impl Iterator<Item = Option<u64>>) -> Self {
        let mut at = 0u64;
        let mut starts = vec![0];
        for size in sizes {
            let Some(next) = size.and_then(|size| at.checked_add(size)) else { break };
            at = next;
            starts.push(at);
        }
        Self { starts }
    }

    /// How many blocks' starts and sizes are known.
    pub fn known(&self) -> u64 {
        self.starts.len().saturating_sub(1) as u64
    }

    /// Where the last known block ends.
    pub fn total(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Where that block starts.
    pub fn start(&self, block: u64) -> Option<u64> {
        self.starts.get(usize::try_from(block).ok()?).copied()
    }

    /// The first block that starts exactly there.
    fn find(&self, offset: u64) -> Option<u64> {
        let at = self.starts.partition_point(|start| *start < offset) as u64;
        (at < self.known() && self.start(at) == Some(offset)).then_some(at)
    }
}

/// All that is known about where blocks start, under every meaning.
#[derive(Debug)]
pub struct BlockStarts<'a> {
    /// The chunks.
    pub index: &'a Index,
    /// Where bytes were lost.
    pub losses: &'a [Loss],
    /// Size of the file.
    pub file_len: u64,
    /// META's block_size.
    pub grid: Option<u64>,
    /// Starts in the concatenation of the decoded blocks, where they were added up.
    pub decoded: Option<&'a Starts>,
    /// META's gop, and the duration of a frame in µs: what entries are expected to agree with.
    pub gop: Option<u64>,
    /// Duration of a frame in µs.
    pub frame_us: Option<u64>,
    /// Which numbers blocks had before bytes were lost.
    pub numbering: Option<&'a Numbering>,
    lost_bytes: u64,
    stored: OnceLock<Starts>,
}

/// How the starts of decoded blocks are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Index × META's block_size.
    Grid,
    /// Added up from the blocks' own run lengths.
    Sums,
}

/// How one meaning fits the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fit {
    /// The meaning.
    pub meaning: Meaning,
    /// For [`Meaning::Stream`].
    pub basis: Basis,
    /// Entries that land on the start of a block.
    pub hits: u64,
    /// Entries that land on no block's start.
    pub misses: u64,
    /// Hits that also agree with META's gop and fps_hint, counted once each.
    pub agreement: u64,
    /// The same with entries in the order they are stored in: more where a wrong timestamp has changed that by time.
    pub stored_agreement: u64,
}

impl Fit {
    fn most_agreement(&self) -> u64 {
        self.agreement.max(self.stored_agreement)
    }
}

/// Which meaning the entries have.
#[derive(Debug, Clone, Default)]
pub struct Resolution {
    /// The best meaning; `None` for a table without entries, or when nothing lands.
    pub best: Option<Fit>,
    /// Meanings under which every entry fits.
    pub fits: Vec<Meaning>,
    /// Other meanings fit as well and lead to other blocks.
    pub ambiguous: bool,
    /// The user chose the meaning.
    pub chosen: bool,
    /// `stream` could not be tried: decoded sizes are not known.
    pub stream_untested: bool,
    /// Under some meaning no entry is wrong, but none can be told to be right either.
    pub undecided: bool,
}

impl Resolution {
    /// Decoded sizes that were not looked at would change nothing: every entry fits a meaning that places in the file or
    /// META's block_size bear out, or the meaning was chosen and needs none.
    pub fn is_settled(&self) -> bool {
        self.best.is_some_and(|fit| match fit.meaning {
            Meaning::Stream => fit.basis == Basis::Grid && fit.misses == 0 && fit.hits > 0,
            Meaning::Chunk | Meaning::Payload => self.chosen || fit.misses == 0 && fit.hits > 0,
            Meaning::Stored | Meaning::Index => self.chosen,
        })
    }
}

impl<'a> BlockStarts<'a> {
    /// Puts together what is known. `grid` is META's block_size, `decoded` the starts added up from the blocks.
    pub fn new(index: &'a Index, losses: &'a [Loss], file_len: u64) -> Self {
        let lost_bytes = losses.iter().map(|loss| loss.length).sum();
        let stored = OnceLock::new();
        let (grid, decoded, gop, frame_us, numbering) = (None, None, None, None, None);
        Self { index, losses, file_len, grid, decoded, gop, frame_us, numbering, lost_bytes, stored }
    }

    /// The first block whose index is provisional.
    pub fn first_provisional(&self) -> u64 {
        self.losses.first().map_or(u64::MAX, |loss| loss.block)
    }

    /// The most blocks there can have been, lost ones included.
    fn most_blocks(&self) -> u64 {
        if self.losses.last().is_some_and(|loss| loss.offset + loss.length >= self.file_len) {
            return u64::MAX;
        }
        // Each loss may be what is left of several, the rest of which was taken out.
        self.index.blocks() + self.lost_bytes / 12 + MOST_TAKEN_OUT * self.losses.len() as u64
    }

    /// That byte is among those that were lost. O(log losses): they are in file order.
    fn is_lost(&self, offset: u64) -> bool {
        let after = self.losses.partition_point(|loss| loss.offset <= offset);
        let before = after.checked_sub(1).and_then(|at| self.losses.get(at));
        before.is_some_and(|loss| offset - loss.offset < loss.length)
    }

    /// Of a damaged chunk that leads to lost bytes not even the length is known.
    fn has_doubtful_length(&self, chunk: &Chunk) -> bool {
        chunk.state.is_damaged() && self.is_lost(chunk.end)
    }

    fn stored(&self) -> &Starts {
        let certain = self.first_provisional();
        self.stored.get_or_init(|| {
            let cores = self.index.with_tag(Tag::CORE);
            let sized = |c: &Chunk| c.state != State::Truncated && !self.has_doubtful_length(c);
            let whole = |c: &Chunk| c.block.is_some_and(|block| block < certain) && sized(c);
            Starts::new(cores.map(|chunk| whole(&chunk).then_some(chunk.len)))
        })
    }

    /// Where `offset` leads under a meaning.
    pub fn landing(&self, meaning: Meaning, basis: Basis, offset: u64) -> Landing {
        match meaning {
            Meaning::Index => self.ordinal(offset),
            Meaning::Chunk => self.place(offset, |chunk| chunk.offset),
            Meaning::Payload => self.place(offset, |chunk| chunk.payload_offset),
            Meaning::Stored => self.position(self.stored(), offset, 1),
            Meaning::Stream => match (basis, self.grid, self.decoded) {
                (Basis::Grid, Some(grid), _) if grid > 0 => match offset % grid {
                    0 => self.ordinal(offset / grid),
                    _ => Landing::Nowhere,
                },
                (Basis::Sums, _, Some(starts)) => self.position(starts, offset, 128),
                _ => Landing::Unknown,
            },
        }
    }

    fn ordinal(&self, block: u64) -> Landing {
        if block < self.first_provisional().min(self.index.blocks()) {
            Landing::Block(block)
        } else if let Some(Found::At(found)) = self.numbering.map(|numbering| numbering.found(block)) {
            Landing::Block(found)
        } else if !self.losses.is_empty() && block < self.most_blocks() {
            Landing::Unknown
        } else {
            Landing::Nowhere
        }
    }

    fn place(&self, offset: u64, place: impl Fn(&Chunk) -> u64) -> Landing {
        let here = self.index.at_offset(offset);
        // An empty payload begins where the next chunk does.
        let before = here.map_or(self.index.len(), |chunk| chunk.index).checked_sub(1);
        let before = before.and_then(|before| self.index.chunk(before)).filter(|chunk| chunk.len == 0);
        match [here, before].into_iter().flatten().find(|chunk| place(chunk) == offset) {
            Some(chunk) => chunk.block.map_or(Landing::Nowhere, Landing::Block),
            None if self.is_lost(offset) => Landing::Unknown,
            // A chunk that it runs over may begin there.
            None if here.is_some_and(|chunk| self.has_doubtful_length(&chunk)) => Landing::Unknown,
            None => Landing::Nowhere,
        }
    }

    fn position(&self, starts: &Starts, offset: u64, growth: u64) -> Landing {
        match starts.find(offset) {
            Some(block) => Landing::Block(block),
            // Where a block starts is known as soon as the sizes of those before it are.
            None if offset == starts.total() && starts.known() < self.index.blocks().min(self.first_provisional()) => {
                Landing::Block(starts.known())
            }
            None if offset < starts.total() => Landing::Nowhere,
            None if starts.known() < self.index.blocks() => {
                let unknown = self.index.total(Tag::CORE).map_or(0, |t| t.bytes).saturating_add(self.lost_bytes);
                let bound = starts.total().saturating_add(unknown.saturating_mul(growth));
                if offset <= bound || self.most_blocks() == u64::MAX { Landing::Unknown } else { Landing::Nowhere }
            }
            None if !self.losses.is_empty() => Landing::Unknown,
            None => Landing::Nowhere,
        }
    }

    /// Where a block starts under a meaning.
    pub fn start(&self, meaning: Meaning, basis: Basis, block: u64) -> Option<u64> {
        match meaning {
            Meaning::Index => Some(block),
            Meaning::Chunk => self.index.block(block).map(|chunk| chunk.offset),
            Meaning::Payload => self.index.block(block).map(|chunk| chunk.payload_offset),
            Meaning::Stored => self.stored().start(block),
            Meaning::Stream if basis == Basis::Grid => block.checked_mul(self.grid?),
            Meaning::Stream => self.decoded?.start(block),
        }
    }

    /// The offset that an entry should have: of the block of its time, or of its keyframe by META's gop where there is no
    /// fps_hint. `rank` is the entry's place by pts, where it has one. `None` where the offset isn't known for certain.
    pub fn right_offset(&self, fit: &Fit, rank: Option<u64>, pts_us: u64) -> Option<u64> {
        let by_time = self.frame_us.filter(|us| *us > 0).map(|us| pts_us / us);
        let block = by_time.or_else(|| rank?.checked_mul(self.gop?))?;
        let certain = block < self.index.blocks().min(self.first_provisional());
        self.start(fit.meaning, fit.basis, block).filter(|_| certain)
    }

    /// An offset that lands nowhere may be right all the same: it is a place in the file, and bytes were lost before it.
    pub fn may_have_moved(&self, meaning: Meaning, offset: u64) -> bool {
        let is_place = matches!(meaning, Meaning::Chunk | Meaning::Payload);
        is_place && self.losses.first().is_some_and(|loss| loss.offset <= offset)
    }

    /// The distance by which all of `offsets` must be moved to land on blocks, if there is one for all.
    pub fn common_shift(&self, fit: &Fit, offsets: impl Iterator<Item = u64> + Clone) -> Option<i64> {
        let first = offsets.clone().next()?;
        let (mut low, mut high) = (0, self.index.blocks());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.start(fit.meaning, fit.basis, middle) {
                Some(start) if start < first => low = middle + 1,
                _ => high = middle,
            }
        }
        // Nearest first: what was lost before may have been longer than many blocks.
        let below = (0..low).rev().take(MOST_MOVED);
        let shifts = below.clone().take(1).chain([low]).chain(below.skip(1));
        let shifts = shifts.filter_map(|block| self.start(fit.meaning, fit.basis, block));
        let mut shifts = shifts.filter_map(|start| i64::try_from(i128::from(start) - i128::from(first)).ok());
        let lands = |shift: i64, offset: u64| {
            let moved = offset.checked_add_signed(shift);
            moved.is_some_and(|at| matches!(self.landing(fit.meaning, fit.basis, at), Landing::Block(_)))
        };
        shifts.find(|shift| offsets.clone().all(|offset| lands(*shift, offset)))
    }

    fn fit(&self, table: &SeekTable<'_>, meaning: Meaning, basis: Basis, most_misses: u64) -> Fit {
        let mut fit = Fit { meaning, basis, hits: 0, misses: 0, agreement: 0, stored_agreement: 0 };
        let is_sorted = table.is_sorted();
        for (rank, entry) in table.in_order().enumerate() {
            match self.landing(meaning, basis, entry.offset) {
                Landing::Block(block) => {
                    fit.hits += 1;
                    fit.agreement += u64::from(self.agrees(rank as u64, entry, block));
                    let place = if is_sorted { None } else { table.place(rank as u64) };
                    fit.stored_agreement += u64::from(place.is_some_and(|at| self.agrees(at, entry, block)));
                }
                Landing::Nowhere if !self.may_have_moved(meaning, entry.offset) => fit.misses += 1,
                Landing::Nowhere | Landing::Unknown => {}
            }
            if fit.misses > most_misses {
                break;
            }
        }
        fit
    }

    /// Whether an entry is where META's gop and fps_hint put it, as far as they are given.
    pub fn agrees(&self, rank: u64, entry: SeekEntry, block: u64) -> bool {
        let block = self.numbering.and_then(|numbering| numbering.written(block)).unwrap_or(block);
        self.gop.is_none_or(|gop| rank.checked_mul(gop) == Some(block))
            && self.frame_us.is_none_or(|frame| block.checked_mul(frame) == Some(entry.pts_us))
    }

    /// Finds the meaning of a table's offsets, or measures how the one that was chosen fits.
    pub fn resolve(&self, table: &SeekTable<'_>, chosen: Option<Meaning>) -> Resolution {
        let stream_untested = self.grid.is_none() && self.decoded.is_none();
        let mut resolution = Resolution { chosen: chosen.is_some(), stream_untested, ..Resolution::default() };
        if table.rows.is_empty() {
            return resolution;
        }
        let mut fits: Vec<Fit> = Vec::new();
        for meaning in Meaning::ALL {
            let most = fits.iter().map(|fit| fit.misses).min().unwrap_or(u64::MAX);
            let fit = match meaning {
                Meaning::Stream if stream_untested => continue,
                Meaning::Stream => self.fit_stream(table),
                _ => self.fit(table, meaning, Basis::Grid, if chosen == Some(meaning) { u64::MAX } else { most }),
            };
            fits.push(fit);
        }
        resolution.fits = fits.iter().filter(|f| f.misses == 0 && f.hits > 0).map(|f| f.meaning).collect();
        let rank =
            |fit: &Fit| (fit.misses, std::cmp::Reverse(fit.hits), std::cmp::Reverse(fit.most_agreement()), fit.meaning);
        fits.sort_by_key(rank);
        resolution.undecided = fits.first().is_some_and(|fit| fit.misses == 0 && fit.hits == 0);
        resolution.best = match chosen {
            Some(meaning) => fits.iter().find(|fit| fit.meaning == meaning).copied(),
            // An entry or two may land by chance under any meaning, where the likeliest could not be tried.
            None => {
                let best = fits.first().copied();
                let usual = || best.filter(|fit| fit.hits > if stream_untested { fit.misses } else { 0 });
                best.and_then(|best| self.anchored_instead(table, &fits, &best)).or_else(usual)
            }
        };
        if let (Some(best), None) = (resolution.best, chosen) {
            let equal = |fit: &&Fit| {
                let same = (fit.misses, fit.hits, fit.most_agreement()) == (0, best.hits, best.most_agreement());
                same && fit.meaning != best.meaning
            };
            let differs = |fit: &Fit| {
                let lands = |f: &Fit, entry: &SeekEntry| self.landing(f.meaning, f.basis, entry.offset);
                table.rows.iter().any(|entry| lands(fit, &entry) != lands(&best, &entry))
            };
            resolution.ambiguous = best.misses == 0 && fits.iter().filter(equal).any(differs);
        }
        resolution
    }

    /// Time 0 does not lead to the first block, or a later time leads to an earlier one: entries that land may do so by
    /// chance.
    fn is_disordered(&self, table: &SeekTable<'_>, fit: &Fit) -> bool {
        let mut before = 0;
        table.in_order().any(|entry| match self.landing(fit.meaning, fit.basis, entry.offset) {
            Landing::Block(block) => {
                let wrong = entry.pts_us == 0 && block > 0 || block < before;
                before = block;
                wrong
            }
            Landing::Nowhere => entry.pts_us == 0,
            Landing::Unknown => false,
        })
    }

    /// Time 0 leads to the first block, and all entries from the first that is wrong on are off by one distance: a chunk was
    /// taken out, or put in, before them. One entry alone is off by some distance whatever it means.
    fn is_anchored(&self, table: &SeekTable<'_>, fit: &Fit) -> bool {
        let land = |entry: &SeekEntry| self.landing(fit.meaning, fit.basis, entry.offset);
        let lands = |entry: &SeekEntry| matches!(land(entry), Landing::Block(_));
        let moved = || table.in_order().skip_while(lands).map(|entry| entry.offset);
        let first = table.in_order().next();
        first.is_some_and(|first| first.pts_us == 0 && land(&first) == Landing::Block(0))
            && !self.is_disordered(table, fit)
            && moved().nth(1).is_some()
            && self.common_shift(fit, moved()).is_some()
    }

    /// A meaning that explains why entries are wrong, where the best by number doesn't and is no better, or can't be right.
    /// Where bytes were lost, those explain it.
    fn anchored_instead(&self, table: &SeekTable<'_>, fits: &[Fit], best: &Fit) -> Option<Fit> {
        if best.misses == 0 || !self.losses.is_empty() || self.is_anchored(table, best) {
            return None;
        }
        let is_wrong = self.is_disordered(table, best);
        let no_worse = |fit: &&Fit| is_wrong || (fit.misses, fit.hits) == (best.misses, best.hits);
        let fit = fits.iter().filter(no_worse).find(|fit| self.is_anchored(table, fit))?;
        Some(self.fit(table, fit.meaning, fit.basis, u64::MAX))
    }

    /// `stream` by META's grid, or where that does not fit by the blocks' own sizes.
    fn fit_stream(&self, table: &SeekTable<'_>) -> Fit {
        let grid = self.grid.map(|_| self.fit(table, Meaning::Stream, Basis::Grid, u64::MAX));
        if let Some(grid) = grid.filter(|fit| fit.misses == 0 || self.decoded.is_none()) {
            return grid;
        }
        let sums = self.fit(table, Meaning::Stream, Basis::Sums, u64::MAX);
        grid.filter(|grid| (grid.misses, sums.hits) <= (sums.misses, grid.hits)).unwrap_or(sums)
    }
}

/// A seek table with what makes it searchable. Sorted tables, the normal ones, are searched in place.
#[derive(Debug)]
pub struct SeekTable<'a> {
    /// The rows as stored.
    pub rows: SeekRows<'a>,
    order: &'a OnceLock<Option<Vec<u32>>>,
}

impl<'a> SeekTable<'a> {
    /// A table over `rows`; `order` keeps the order of an unsorted one from one call to the next.
    pub fn new(rows: SeekRows<'a>, order: &'a OnceLock<Option<Vec<u32>>>) -> Self {
        Self { rows, order }
    }

    /// Places as stored, in order of pts; `None` for a sorted table.
    fn order(&self) -> Option<&'a [u32]> {
        let order = self.order.get_or_init(|| {
            if self.rows.iter().map(|entry| entry.pts_us).is_sorted() {
                return None;
            }
            let mut order: Vec<u32> = (0..u32::try_from(self.rows.len()).unwrap_or(u32::MAX)).collect();
            order.sort_by_cached_key(|at| self.rows.get(u64::from(*at)).map(|entry| entry.pts_us));
            Some(order)
        });
        order.as_deref()
    }

    /// Timestamps ascend.
    pub fn is_sorted(&self) -> bool {
        self.order().is_none()
    }

    /// The place as stored of the entry with that rank by pts.
    pub fn place(&self, rank: u64) -> Option<u64> {
        match self.order() {
            None => Some(rank).filter(|rank| *rank < self.rows.len()),
            Some(order) => order.get(usize::try_from(rank).ok()?).map(|at| u64::from(*at)),
        }
    }

    /// The entries by ascending pts.
    pub fn in_order(&self) -> impl DoubleEndedIterator<Item = SeekEntry> + Clone + '_ {
        (0..self.rows.len()).filter_map(|rank| self.rows.get(self.place(rank)?))
    }

    fn pts_at(&self, rank: u64) -> Option<u64> {
        self.rows.get(self.place(rank)?).map(|entry| entry.pts_us)
    }

    /// The rank by pts of the last entry at or before `pts_us`, or of the first entry where all are later.
    ///
    /// Keyframes are nearly evenly spaced, so the search begins where the entry would be if they were, and looks farther
    /// from there in steps that double: of a large table, one or two cache lines are read instead of one a halving.
    pub fn rank_at(&self, pts_us: u64) -> Option<u64> {
        let last = self.rows.len().checked_sub(1)?;
        let is_after = |rank: u64| self.pts_at(rank).is_none_or(|pts| pts > pts_us);
        let (first_pts, last_pts) = (self.pts_at(0)?, self.pts_at(last)?);
        if pts_us < first_pts {
            return Some(0);
        }
        if pts_us >= last_pts {
            return Some(last);
        }
        let share = u128::from(pts_us - first_pts) * u128::from(last) / u128::from(last_pts - first_pts);
        // The entry at `low` is not after `pts_us`, the one at `high` is.
        let (mut low, mut high, mut step) = (0, last, 1);
        let mut next = u64::try_from(share).unwrap_or(last);
        while high - low > 1 {
            let probe = next.clamp(low + 1, high - 1);
            let after = is_after(probe);
            *(if after { &mut high } else { &mut low }) = probe;
            step *= 2;
            next = match high - low {
                left if left <= 2 * step => low + left / 2,
                _ if after => high - step,
                _ => low + step,
            };
        }
        Some(low)
    }

    /// The first entry that is later than the one at that place as stored, by pts.
    pub fn next_after(&self, place: u64) -> Option<SeekEntry> {
        let entry = self.rows.get(place)?;
        let next = self.rank_at(entry.pts_us)?.checked_add(1)?;
        self.rows.get(self.place(next)?).filter(|next| next.pts_us > entry.pts_us)
    }

    /// The entry that answers `pts_us`, and its place as stored.
    pub fn at(&self, pts_us: u64) -> Option<(u64, SeekEntry)> {
        let place = self.place(self.rank_at(pts_us)?)?;
        Some((place, self.rows.get(place)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn payload(entries: &[(u64, u64)]) -> Vec<u8> {
        let mut out = (entries.len() as u32).to_be_bytes().to_vec();
        for (pts, offset) in entries {
            out.extend(pts.to_be_bytes());
            out.extend(offset.to_be_bytes());
        }
        out
    }

    fn index(sizes: &[u32]) -> Index {
        let mut index = Index::default();
        let mut at = 8;
        for size in sizes {
            index.push(Tag::CORE, at, *size, 0, State::Intact);
            at += 12 + u64::from(*size);
        }
        index
    }

    #[test]
    fn each_meaning_is_found_by_where_entries_land() {
        let index = index(&[22; 9]);
        let starts = Starts::new((0..9).map(|_| Some(1024)));
        let mut blocks = BlockStarts::new(&index, &[], 500);
        (blocks.gop, blocks.frame_us, blocks.decoded) = (Some(3), Some(33333), Some(&starts));
        for meaning in Meaning::ALL {
            let start = |block: u64| match meaning {
                Meaning::Stream => block * 1024,
                Meaning::Stored => block * 22,
                Meaning::Chunk => 8 + block * 34,
                Meaning::Payload => 20 + block * 34,
                Meaning::Index => block,
            };
            let offsets = [0, 3, 6].map(|block| (block * 33333, start(block)));
            let (payload, order) = (payload(&offsets), OnceLock::new());
            let table = SeekTable::new(SeekRows::transport(&payload).unwrap(), &order);
            let found = blocks.resolve(&table, None);
            assert_eq!((found.best.map(|f| f.meaning), found.ambiguous), (Some(meaning), false), "{found:?}");
        }
    }

    #[test]
    fn meanings_that_lead_elsewhere_are_ambiguous() {
        let index = index(&[1; 9]);
        let mut blocks = BlockStarts::new(&index, &[], 500);
        blocks.grid = Some(2);
        let (payload, order) = (payload(&[(0, 0), (10, 2)]), OnceLock::new());
        let table = SeekTable::new(SeekRows::transport(&payload).unwrap(), &order);
        let found = blocks.resolve(&table, None);
        assert!(found.ambiguous);
        assert_eq!(found.fits, [Meaning::Stream, Meaning::Stored, Meaning::Index]);
        assert!(!blocks.resolve(&table, Some(Meaning::Index)).ambiguous);
    }

    proptest! {
        #[test]
        fn any_table_answers_like_a_linear_search(
            mut entries in prop::collection::vec((0u64..500, any::<u64>()), 0..400),
            sorted: bool,
            steep: bool,
            t in 0u64..600,
        ) {
            if steep {
                entries.iter_mut().for_each(|entry| entry.0 = if entry.0 % 5 > 0 { entry.0 % 9 } else { entry.0 << 40 });
            }
            if sorted {
                entries.sort();
            }
            let (payload, order) = (payload(&entries), OnceLock::new());
            let table = SeekTable::new(SeekRows::transport(&payload).unwrap(), &order);
            let best = entries.iter().filter(|e| e.0 <= t).map(|e| e.0).max();
            let expected = best.or_else(|| entries.iter().map(|e| e.0).min());
            prop_assert_eq!(table.at(t).map(|(_, e)| e.pts_us), expected);
            if let Some((place, entry)) = table.at(t) {
                prop_assert_eq!(table.rows.get(place), Some(entry));
            }
        }
    }
}
