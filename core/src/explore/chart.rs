//! Blocks along time, condensed: what a timeline of any width is drawn from without looking at every block again.
//!
//! One [`Chart`] costs one look at each block. After that the largest block, the bytes, the keyframes and the SEEK
//! entries of any stretch are found in logarithmic time.

use std::ops::Range;

use crate::container::{Container, Effort};
use crate::index::Tag;
use crate::layout::Layout;
use crate::seek::{Landing, Meaning, SeekTable};
use crate::task::{Cancelled, Task};
use crate::tracks::{Kind, Track};

/// Blocks looked at between two looks at the cancel flag.
const STRIDE: u64 = 4096;

/// What a position on the axis is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Timestamps in µs.
    Time,
    /// A block index: nothing in the file says when blocks are shown.
    Index,
}

/// The blocks of a container along its axis.
#[derive(Debug)]
pub struct Chart {
    /// What the axis counts.
    pub axis: Axis,
    /// Where the axis begins: where the first block does.
    pub start: u64,
    /// Where it ends, behind its start.
    pub end: u64,
    /// The blocks, those of each track apart.
    pub lanes: Vec<Lane>,
    /// Blocks that no track names; they have no time.
    pub untimed: u64,
    /// Keyframes by block index, ascending: of the lanes that have other blocks too, or of all where none has.
    keyframes: Vec<u32>,
}

/// The blocks of one track, or of a container without tracks. A *place* is a block's ordinal here, by time.
#[derive(Debug)]
pub struct Lane {
    /// Which of the container's tracks; `None` where there are none.
    pub track: Option<usize>,
    /// The usual distance between two blocks on the axis; at least 1.
    pub step: u64,
    /// Distances between keyframes, where there are two.
    pub spacing: Option<Spacing>,
    /// Stretches in which blocks should be and none are.
    pub gaps: Vec<Gap>,
    /// Blocks that begin before half of the one before them, as long as blocks of the lane usually are, is over.
    pub overlaps: u64,
    /// Mux: blocks stored after one that is later; of others nothing says that they should not be.
    pub unsorted: u64,
    /// The seek entries that can be placed on the axis, ascending.
    pub entries: Vec<Entry>,
    /// Seek entries that have no place on the axis.
    pub unplaced_entries: u64,
    places: Places,
    sizes: Pyramid,
    keyframes: Vec<u32>,
    entry_faults: Vec<u32>,
}

#[derive(Debug)]
enum Places {
    /// The block of that index stands at start + index × step.
    Even { start: u64, blocks: u64 },
    /// Position and block, ascending.
    Listed(Vec<(u64, u32)>),
}

/// Distances between neighbouring keyframes, in the axis's unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spacing {
    /// The shortest.
    pub min: u64,
    /// The mean.
    pub mean: u64,
    /// The longest.
    pub max: u64,
    /// The median: what the others are measured by.
    pub usual: u64,
    /// Places of the keyframes whose distance to the one before differs from the usual by more than a tenth.
    pub irregular: Vec<u64>,
}

/// A stretch in which blocks should be and none are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Where the block before it should have been followed by another.
    pub start: u64,
    /// Where the next block begins.
    pub end: u64,
    /// The place of that next block.
    pub before: u64,
}

/// Where a seek entry stands and where it leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its position on the axis: its pts, or without times the block it leads to.
    pub at: u64,
    /// Its pts in µs.
    pub pts_us: u64,
    /// Its place in the table as stored.
    pub row: u32,
    /// The block it leads to.
    pub block: Option<u32>,
    /// What is wrong with it.
    pub fault: Option<EntryFault>,
}

/// What can be wrong with a seek entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryFault {
    /// It leads to no block's start.
    Nowhere,
    /// Where it leads is unknown: bytes were lost, or decoded sizes are not known.
    Unknown,
    /// The block it leads to is shown at another time.
    OtherTime,
    /// The block it leads to isn't a keyframe of that track.
    NoKeyframe,
}

impl EntryFault {
    /// What is wrong, behind the name of the entry.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Nowhere => "leads to no block",
            Self::Unknown => "leads to an unknown place",
            Self::OtherTime => "leads to a block of another time",
            Self::NoKeyframe => "leads to no keyframe of its track",
        }
    }

    /// Where such entries lead, behind their number.
    pub fn landing(self) -> &'static str {
        match self {
            Self::Nowhere => "to no block",
            Self::Unknown => "to an unknown place",
            Self::OtherTime => "to another time",
            Self::NoKeyframe => "to no keyframe",
        }
    }
}

/// The blocks to decode for what is shown at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    /// The block it begins with.
    pub keyframe: u64,
    /// The block that it is decoded for: what plays at the position.
    pub last: u64,
    /// Where on the axis it begins.
    pub start: u64,
    /// Where on the axis its last block ends.
    pub end: u64,
    /// How many blocks.
    pub blocks: u64,
}

impl Chart {
    /// Looks at every block of a container. The task counts blocks.
    pub fn new(container: &Container, task: &Task) -> Result<Self, Cancelled> {
        let blocks = container.index().blocks();
        let indexed = container.tracks().filter(|tracks| tracks.indexed);
        task.set_total(blocks);
        let mut chart = match indexed {
            Some(tracks) => {
                let mut lanes = Vec::with_capacity(tracks.list.len());
                for (at, track) in tracks.list.iter().enumerate() {
                    lanes.push(Lane::of_track(container, at, track, task)?);
                }
                let named = tracks.blocks_named();
                let untimed = blocks.saturating_sub(named);
                Self { axis: Axis::Time, start: 0, end: 1, lanes, untimed, keyframes: Vec::new() }
            }
            None => {
                let timeline = container.timeline();
                let axis = if timeline.is_some() { Axis::Time } else { Axis::Index };
                let (start, step) = timeline.map_or((0, 1), |timeline| (timeline.start_us, timeline.frame_us));
                let lane = Lane::even(container, axis, start, step, task)?;
                Self { axis, start, end: 1, lanes: vec![lane], untimed: 0, keyframes: Vec::new() }
            }
        };
        let ends = chart.lanes.iter().filter_map(|lane| Some(lane.span(lane.len().checked_sub(1)?)?.end));
        let end = ends.max().unwrap_or(1);
        let starts = chart.lanes.iter().filter_map(|lane| lane.position(0));
        chart.start = starts.min().unwrap_or(0).min(u64::MAX - 1);
        chart.end = end.max(chart.start + 1);
        let mixed = |lane: &&Lane| lane.keyframes() < lane.len();
        let any_mixed = chart.lanes.iter().any(|lane| mixed(&lane));
        let telling = chart.lanes.iter().filter(|lane| !any_mixed || mixed(lane));
        let keyframes = telling
            .flat_map(|lane| lane.keyframes.iter().filter_map(|place| Some(lane.block(u64::from(*place))? as u32)));
        chart.keyframes = keyframes.collect();
        chart.keyframes.sort_unstable();
        Ok(chart)
    }

    /// How long the axis is; at least 1.
    pub fn axis_len(&self) -> u64 {
        self.end.saturating_sub(self.start).max(1)
    }

    /// The first keyframe among these blocks, of any track of which not every block is one.
    pub fn keyframe_in(&self, blocks: Range<u64>) -> Option<u64> {
        let at = self.keyframes.partition_point(|block| u64::from(*block) < blocks.start);
        self.keyframes.get(at).map(|block| u64::from(*block)).filter(|block| *block < blocks.end)
    }

    /// The lane and place of a block.
    pub fn find(&self, container: &Container, block: u64) -> Option<(usize, u64)> {
        match self.lanes.as_slice() {
            [lane] if lane.track.is_none() => Some((0, block)).filter(|_| block < lane.len()),
            lanes => {
                let tracks = container.tracks()?;
                let index = usize::try_from(tracks.place_of_block(block)?).ok();
                let at = lanes.binary_search_by_key(&index, |lane| lane.track).ok()?;
                let (_, named) = tracks.of_block(block)?;
                Some((at, lanes.get(at)?.find(named.pts_us, block)?))
            }
        }
    }

    /// What must be decoded to show a lane at a position; `None` where nothing can be.
    pub fn chain(&self, container: &Container, lane: usize, at: u64) -> Option<Chain> {
        let lane = self.lanes.get(lane)?;
        let last = lane.place_at(at)?;
        if let Some(track) = lane.track.and_then(|track| container.tracks()?.list.get(track)) {
            let chain = track.chain(at);
            let keyframe = *chain.first()?;
            let start = container.tracks()?.of_block(keyframe)?.1.pts_us;
            let end = lane.span(last)?.end;
            return Some(Chain { keyframe, last: lane.block(last)?, start, end, blocks: chain.len() as u64 });
        }
        // A keyframe after what plays leads nowhere near it.
        let keyframe = lane.entry_at(at)?.block.map(u64::from).filter(|keyframe| *keyframe <= last)?;
        let (start, end) = (lane.position(keyframe)?, lane.span(last)?.end);
        Some(Chain { keyframe, last, start, end, blocks: last - keyframe + 1 })
    }
}

impl Lane {
    /// All blocks, one every `step`.
    fn even(container: &Container, axis: Axis, start: u64, step: u64, task: &Task) -> Result<Self, Cancelled> {
        let mut sizes = Vec::new();
        for chunk in container.index().with_tag(Tag::CORE) {
            sizes.push(chunk.len as u32);
            if (sizes.len() as u64).is_multiple_of(STRIDE) {
                task.advance(STRIDE)?;
            }
        }
        let mut lane = Self {
            track: None,
            step: step.max(1),
            spacing: None,
            gaps: Vec::new(),
            overlaps: 0,
            unsorted: 0,
            entries: Vec::new(),
            unplaced_entries: 0,
            places: Places::Even { start, blocks: sizes.len() as u64 },
            sizes: Pyramid::new(sizes),
            keyframes: Vec::new(),
            entry_faults: Vec::new(),
        };
        if let Some(table) = container.seek_table() {
            let (blocks, fit) = (container.starts(Effort::Cheap), container.resolution(Effort::Cheap));
            let untold = fit.stream_untested;
            lane.add_entries(axis, &table, task, |lane, entry| {
                let landing = match fit.best {
                    Some(fit) => blocks.landing(fit.meaning, fit.basis, entry.offset),
                    None if untold => Landing::Unknown,
                    None => Landing::Nowhere,
                };
                match landing {
                    Landing::Block(block) => {
                        let off_time = axis == Axis::Time && lane.position(block) != Some(entry.pts_us);
                        (Some(block), off_time.then_some(EntryFault::OtherTime))
                    }
                    Landing::Nowhere => (None, Some(EntryFault::Nowhere)),
                    Landing::Unknown => (None, Some(EntryFault::Unknown)),
                }
            })?;
        }
        // Without an index of the tracks their tables still name blocks.
        if lane.entries.is_empty() {
            for track in container.tracks().into_iter().flat_map(|tracks| &tracks.list) {
                let Some(table) = track.seek_table(container) else { continue };
                lane.add_entries(axis, &table, task, |_, entry| match track.entry_block(container, entry) {
                    Some(block) => (Some(block), None),
                    None => (None, Some(EntryFault::Nowhere)),
                })?;
            }
        }
        lane.keyframes = lane.entries.iter().filter_map(|entry| entry.block).collect();
        lane.finish();
        Ok(lane)
    }

    /// The blocks of a track, by pts.
    fn of_track(container: &Container, at: usize, track: &Track, task: &Task) -> Result<Self, Cancelled> {
        let mut places: Vec<(u64, u32)> = track.blocks.iter().map(|block| (block.pts_us, block.block as u32)).collect();
        places.sort_unstable();
        let mut keyframes: Vec<(u64, u32)> =
            track.keyframes().map(|block| (block.pts_us, block.block as u32)).collect();
        keyframes.sort_unstable();
        let mut sizes = Vec::with_capacity(places.len());
        for (n, (_, block)) in (1u64..).zip(&places) {
            sizes.push(container.index().block(u64::from(*block)).map_or(0, |chunk| chunk.len as u32));
            if n.is_multiple_of(STRIDE) {
                task.advance(STRIDE)?;
            }
        }
        let distances: Vec<u64> = neighbours(places.iter().map(|(pts_us, _)| *pts_us)).collect();
        let step = median(distances.iter().copied().filter(|distance| *distance > 0).collect()).unwrap_or(1).max(1);
        let stored = || track.blocks.iter().map(|block| block.pts_us);
        let unsorted = match container.layout() {
            Layout::Mux => stored().zip(stored().skip(1)).filter(|(before, after)| before > after).count() as u64,
            Layout::Transport => 0,
        };
        // A block that is missing makes a distance of twice the usual; half of that is left to rounding.
        let gaps = (1u64..).zip(&distances).zip(&places);
        let gaps = gaps.filter(|((_, distance), _)| **distance / 3 >= step.div_ceil(2));
        let gaps = gaps.map(|((before, distance), (from, _))| Gap {
            start: from.saturating_add(step),
            end: from.saturating_add(*distance),
            before,
        });
        let mut lane = Self {
            track: Some(at),
            step,
            spacing: None,
            gaps: gaps.collect(),
            overlaps: distances.iter().filter(|distance| distance.saturating_mul(2) < step).count() as u64,
            unsorted,
            entries: Vec::new(),
            unplaced_entries: 0,
            keyframes: keyframes.iter().filter_map(|key| places.binary_search(key).ok().map(|at| at as u32)).collect(),
            places: Places::Listed(places),
            sizes: Pyramid::new(sizes),
            entry_faults: Vec::new(),
        };
        if let Some(table) = track.seek_table(container) {
            let named = |block: u64| {
                let (owner, named) = container.tracks()?.of_block(block)?;
                std::ptr::eq(owner, track).then_some(*named)
            };
            lane.add_entries(Axis::Time, &table, task, |_, entry| {
                let Some(block) = track.entry_block(container, entry) else { return (None, Some(EntryFault::Nowhere)) };
                let fault = match named(block) {
                    Some(named) if named.keyframe && named.pts_us == entry.pts_us => None,
                    Some(named) if named.keyframe => Some(EntryFault::OtherTime),
                    _ => Some(EntryFault::NoKeyframe),
                };
                (Some(block), fault)
            })?;
        }
        lane.finish();
        Ok(lane)
    }

    fn add_entries(
        &mut self,
        axis: Axis,
        table: &SeekTable<'_>,
        task: &Task,
        judge: impl Fn(&Self, crate::layout::SeekEntry) -> (Option<u64>, Option<EntryFault>),
    ) -> Result<(), Cancelled> {
        for row in 0..table.rows.len() {
            let Some(entry) = table.rows.get(row) else { break };
            if row.is_multiple_of(STRIDE) {
                task.check()?;
            }
            let (block, fault) = judge(self, entry);
            let block = block.map(|block| block as u32);
            match (axis, block) {
                (Axis::Index, None) => self.unplaced_entries += 1,
                (Axis::Index, Some(block)) => {
                    self.entries.push(Entry {
                        at: block.into(),
                        pts_us: entry.pts_us,
                        row: row as u32,
                        block: Some(block),
                        fault,
                    });
                }
                (Axis::Time, block) => {
                    self.entries.push(Entry { at: entry.pts_us, pts_us: entry.pts_us, row: row as u32, block, fault });
                }
            }
        }
        Ok(())
    }

    /// Puts in order what was collected.
    fn finish(&mut self) {
        self.entries.sort_by_key(|entry| entry.at);
        let faulty = (0u32..).zip(&self.entries).filter(|(_, entry)| entry.fault.is_some());
        self.entry_faults = faulty.map(|(at, _)| at).collect();
        self.keyframes.sort_unstable();
        self.keyframes.dedup();
        let at: Vec<u64> = self.keyframes.iter().filter_map(|place| self.position(u64::from(*place))).collect();
        let distances: Vec<u64> = neighbours(at.into_iter()).collect();
        self.spacing = Spacing::of(&distances, &self.keyframes);
    }

    /// How many blocks there are.
    pub fn len(&self) -> u64 {
        match &self.places {
            Places::Even { blocks, .. } => *blocks,
            Places::Listed(places) => places.len() as u64,
        }
    }

    /// No block at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The block at a place.
    pub fn block(&self, place: u64) -> Option<u64> {
        match &self.places {
            Places::Even { blocks, .. } => Some(place).filter(|place| place < blocks),
            Places::Listed(places) => places.get(usize::try_from(place).ok()?).map(|(_, block)| u64::from(*block)),
        }
    }

    /// Where on the axis the block at a place begins.
    pub fn position(&self, place: u64) -> Option<u64> {
        match &self.places {
            Places::Even { start, blocks } => {
                (place < *blocks).then(|| start.saturating_add(place.saturating_mul(self.step)))
            }
            Places::Listed(places) => places.get(usize::try_from(place).ok()?).map(|(at, _)| *at),
        }
    }

    /// From where to where on the axis the block at a place lasts: the usual time, or up to the next block.
    pub fn span(&self, place: u64) -> Option<Range<u64>> {
        let start = self.position(place)?;
        let next = self.position(place.saturating_add(1)).unwrap_or(u64::MAX);
        Some(start..start.saturating_add(self.step).min(next.max(start.saturating_add(1))))
    }

    /// The place of a block that begins at a position.
    pub fn find(&self, at: u64, block: u64) -> Option<u64> {
        match &self.places {
            Places::Even { blocks, .. } => Some(block).filter(|block| block < blocks),
            Places::Listed(places) => {
                let place = places.binary_search(&(at, u32::try_from(block).ok()?)).ok()?;
                Some(place as u64)
            }
        }
    }

    /// How many blocks begin before a position.
    fn before(&self, at: u64) -> u64 {
        match &self.places {
            Places::Even { start, blocks } => at.saturating_sub(*start).div_ceil(self.step).min(*blocks),
            Places::Listed(places) => places.partition_point(|(other, _)| *other < at) as u64,
        }
    }

    /// The place of the last block that begins at or before a position.
    pub fn place_at(&self, at: u64) -> Option<u64> {
        match at.checked_add(1) {
            Some(next) => self.before(next).checked_sub(1),
            None => self.len().checked_sub(1),
        }
    }

    /// The places of the blocks that begin in a stretch of the axis; where none begins, of the one that lasts into it.
    pub fn places_in(&self, stretch: &Range<u64>) -> Range<u64> {
        let (first, end) = (self.before(stretch.start), self.before(stretch.end));
        if first < end {
            return first..end;
        }
        let lasting = first.checked_sub(1).filter(|place| self.span(*place).is_some_and(|s| s.end > stretch.start));
        lasting.map_or(first..first, |place| place..place + 1)
    }

    /// The stored bytes of the largest of these blocks.
    pub fn largest(&self, places: &Range<u64>) -> u64 {
        self.sizes.largest(to_usize(places))
    }

    /// The stored bytes of these blocks.
    pub fn bytes(&self, places: &Range<u64>) -> u64 {
        self.sizes.sum(to_usize(places))
    }

    /// How many keyframes there are.
    pub fn keyframes(&self) -> u64 {
        self.keyframes.len() as u64
    }

    /// The first keyframe at one of these places.
    pub fn keyframe_in(&self, places: &Range<u64>) -> Option<u64> {
        let at = self.keyframes.partition_point(|place| u64::from(*place) < places.start);
        self.keyframes.get(at).map(|place| u64::from(*place)).filter(|place| *place < places.end)
    }

    /// The last keyframe before a place.
    pub fn keyframe_before(&self, place: u64) -> Option<u64> {
        let at = self.keyframes.partition_point(|other| u64::from(*other) < place);
        self.keyframes.get(at.checked_sub(1)?).map(|place| u64::from(*place))
    }

    /// The last entry at or before a position: the one that answers it.
    pub fn entry_at(&self, at: u64) -> Option<&Entry> {
        let after = self.entries.partition_point(|entry| entry.at <= at);
        self.entries.get(after.checked_sub(1)?)
    }

    /// The first entry in a stretch of the axis, a faulty one before all others.
    pub fn entry_in(&self, stretch: &Range<u64>) -> Option<&Entry> {
        let entry = |at: &u32| self.entries.get(*at as usize);
        let faulty = self.entry_faults.partition_point(|at| entry(at).is_some_and(|e| e.at < stretch.start));
        let faulty = self.entry_faults.get(faulty).and_then(entry);
        let first = self.entries.partition_point(|entry| entry.at < stretch.start);
        let inside = |entry: &&Entry| entry.at < stretch.end;
        faulty.filter(inside).or_else(|| self.entries.get(first).filter(inside))
    }

    /// How many entries something is wrong with.
    pub fn entry_faults(&self) -> u64 {
        self.entry_faults.len() as u64
    }

    /// The entries that something is wrong with, ascending.
    pub fn faulty_entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entry_faults.iter().filter_map(|at| self.entries.get(*at as usize))
    }
}

impl Spacing {
    /// Whether one of these places holds a keyframe at an irregular distance.
    pub fn is_irregular(&self, places: &Range<u64>) -> bool {
        let at = self.irregular.partition_point(|place| *place < places.start);
        self.irregular.get(at).is_some_and(|place| *place < places.end)
    }

    /// From the distances between neighbours and the places of the keyframes.
    fn of(distances: &[u64], places: &[u32]) -> Option<Self> {
        let usual = median(distances.to_vec())?;
        let sum: u128 = distances.iter().map(|distance| u128::from(*distance)).sum();
        let mean = u64::try_from(sum / distances.len().max(1) as u128).unwrap_or(u64::MAX);
        let odd = |distance: u64| u128::from(distance.abs_diff(usual)) * 10 > u128::from(usual);
        let later = distances.iter().zip(places.iter().skip(1));
        let irregular = later.filter(|(distance, _)| odd(**distance)).map(|(_, place)| u64::from(*place)).collect();
        let (min, max) = (distances.iter().copied().min()?, distances.iter().copied().max()?);
        Some(Self { min, mean, max, usual, irregular })
    }
}

fn neighbours(ascending: impl Iterator<Item = u64> + Clone) -> impl Iterator<Item = u64> {
    ascending.clone().zip(ascending.skip(1)).map(|(a, b)| b.saturating_sub(a))
}

fn median(mut values: Vec<u64>) -> Option<u64> {
    let middle = values.len().checked_sub(1)? / 2;
    Some(*values.select_nth_unstable(middle).1)
}

fn to_usize(range: &Range<u64>) -> Range<usize> {
    let bound = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    bound(range.start)..bound(range.end)
}

/// How many values of a level one value of the next stands for.
const FAN: usize = 16;

/// Block sizes with the maxima of ever longer stretches, and sums.
#[derive(Debug)]
struct Pyramid {
    /// The sizes, then the largest of every [`FAN`], and so on up to one.
    levels: Vec<Vec<u32>>,
    /// The sum of the sizes before every [`FAN`]th.
    sums: Vec<u64>,
}

impl Pyramid {
    fn new(sizes: Vec<u32>) -> Self {
        let mut sum = 0u64;
        let mut sums = vec![0];
        for group in sizes.chunks(FAN) {
            sum = sum.saturating_add(group.iter().map(|size| u64::from(*size)).sum());
            sums.push(sum);
        }
        let mut levels = vec![sizes];
        while let Some(below) = levels.last().filter(|level| level.len() > FAN) {
            let above = below.chunks(FAN).map(|group| group.iter().copied().max().unwrap_or(0)).collect();
            levels.push(above);
        }
        Self { levels, sums }
    }

    /// The values, of all levels, that cover a range: at most 2 × [`FAN`] of each.
    fn covering(&self, range: Range<usize>) -> impl Iterator<Item = u32> + '_ {
        let len = self.levels.first().map_or(0, Vec::len);
        let (mut start, mut end) = (range.start.min(len), range.end.min(len));
        let top = self.levels.len().saturating_sub(1);
        self.levels.iter().enumerate().flat_map(move |(level, values)| {
            let (inner_start, inner_end) = (start.div_ceil(FAN) * FAN, end / FAN * FAN);
            let (left, right) = match level == top || inner_start >= inner_end {
                true => (start..end, end..end),
                false => (start..inner_start, inner_end..end),
            };
            let whole = level == top || inner_start >= inner_end;
            (start, end) = if whole { (0, 0) } else { (inner_start / FAN, inner_end / FAN) };
            let values = |range: Range<usize>| values.get(range).unwrap_or_default();
            values(left).iter().chain(values(right)).copied()
        })
    }

    fn largest(&self, range: Range<usize>) -> u64 {
        self.covering(range).max().map_or(0, u64::from)
    }

    fn sum(&self, range: Range<usize>) -> u64 {
        self.sum_before(range.end).saturating_sub(self.sum_before(range.start))
    }

    fn sum_before(&self, end: usize) -> u64 {
        let sizes = self.levels.first().map_or(&[][..], Vec::as_slice);
        let end = end.min(sizes.len());
        let group = end / FAN;
        let rest: u64 = sizes.get(group * FAN..end).unwrap_or_default().iter().map(|size| u64::from(*size)).sum();
        self.sums.get(group).copied().unwrap_or(0).saturating_add(rest)
    }
}

/// The kind of a block, where tracks say it.
pub fn kind_of(container: &Container, block: u64) -> Option<Kind> {
    container.tracks()?.of_block(block).map(|(_, block)| block.kind)
}

/// What the offsets of a lane's seek entries are.
pub fn rule(container: &Container, lane: &Lane) -> Meaning {
    let best = container.resolution(Effort::Cheap).best.map(|fit| fit.meaning);
    match (lane.track, container.layout()) {
        (None, Layout::Transport) => best.unwrap_or(Meaning::Index),
        (_, Layout::Mux) => Meaning::Payload,
        (Some(_), Layout::Transport) => Meaning::Index,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::Options;
    use crate::source::Source;
    use crate::walk::Depth;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn push(file: &mut Vec<u8>, tag: &[u8; 4], payload: &[u8]) {
        file.extend(tag);
        file.extend((payload.len() as u32).to_be_bytes());
        file.extend(crc32fast::hash(payload).to_be_bytes());
        file.extend(payload);
    }

    fn container(blocks: &[usize], entries: &[(u64, u64)], meta: &str) -> Container {
        let mut file = b"H4MK\0\x01\0\0".to_vec();
        blocks.iter().for_each(|size| push(&mut file, b"CORE", &vec![1; *size]));
        let mut seek = (entries.len() as u32).to_be_bytes().to_vec();
        for (pts_us, offset) in entries {
            seek.extend(pts_us.to_be_bytes());
            seek.extend(offset.to_be_bytes());
        }
        push(&mut file, b"SEEK", &seek);
        push(&mut file, b"META", meta.as_bytes());
        let source = Arc::new(Source::from_bytes("x", file));
        Container::read(source, Options::default(), Depth::Headers, &Task::default()).unwrap()
    }

    fn chart(container: &Container) -> Chart {
        Chart::new(container, &Task::default()).unwrap()
    }

    #[test]
    fn blocks_of_a_constant_rate_stand_evenly() {
        let container = container(&[2, 4, 8, 2, 2], &[(0, 0), (200, 2), (450, 4)], r#"{"fps_hint":10000.0}"#);
        let chart = chart(&container);
        let lane = &chart.lanes[0];
        assert_eq!((chart.axis, chart.end, lane.len(), lane.keyframes()), (Axis::Time, 500, 5, 3));
        assert_eq!(lane.places_in(&(100..300)), 1..3);
        assert_eq!(lane.places_in(&(110..190)), 1..2, "none begins: the one that lasts");
        assert_eq!((lane.largest(&(0..2)), lane.bytes(&(0..3)), lane.largest(&(3..3))), (4, 14, 0));
        assert_eq!(lane.spacing.as_ref().map(|s| (s.min, s.mean, s.max)), Some((200, 200, 200)));
        let odd = lane.faulty_entries().next().unwrap();
        assert_eq!((odd.at, odd.block, odd.fault), (450, Some(4), Some(EntryFault::OtherTime)));
        let chain = chart.chain(&container, 0, 399).unwrap();
        assert_eq!((chain.keyframe, chain.last, chain.blocks), (2, 3, 2));
        assert_eq!((chain.start, chain.end), (200, 400));
        assert_eq!(chart.keyframe_in(3..9), Some(4));
    }

    #[test]
    fn without_a_time_base_blocks_stand_by_index() {
        let container = container(&[2; 9], &[(7, 3), (9, 99)], "{}");
        let chart = chart(&container);
        let lane = &chart.lanes[0];
        assert_eq!((chart.axis, chart.end, lane.unplaced_entries), (Axis::Index, 9, 1));
        assert_eq!(lane.entries.iter().map(|entry| (entry.at, entry.pts_us)).collect::<Vec<_>>(), [(3, 7)]);
        assert_eq!(chart.find(&container, 8), Some((0, 8)));
        assert_eq!(chart.find(&container, 9), None);
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let container = container(&[2; 5], &[(0, 0), (u64::MAX, 1)], r#"{"fps_hint":1e-300}"#);
        let chart = chart(&container);
        let lane = &chart.lanes[0];
        assert_eq!((chart.end, lane.step), (u64::MAX, u64::MAX));
        for at in [0, 1, u64::MAX - 1, u64::MAX] {
            let place = lane.place_at(at).unwrap();
            assert!(lane.span(place).is_some());
            _ = chart.chain(&container, 0, at);
        }
        assert_eq!(lane.entry_in(&(1..u64::MAX)), None);
    }

    #[test]
    fn spacing_flags_what_differs_by_more_than_a_tenth() {
        let spacing = Spacing::of(&[100, 109, 100, 250, 100], &[0, 1, 2, 3, 5, 6]).unwrap();
        assert_eq!((spacing.min, spacing.mean, spacing.max, spacing.usual), (100, 131, 250, 100));
        assert_eq!(spacing.irregular, [5]);
        assert_eq!(Spacing::of(&[], &[0]), None);
    }

    #[test]
    fn a_stretch_of_a_million_costs_what_its_levels_cost() {
        let pyramid = Pyramid::new((0..1_000_000).collect());
        for range in [0..1_000_000, 1..999_999, 17..500_001, 3..4, 5..5] {
            let looked_at = pyramid.covering(range.clone()).count();
            assert!(looked_at <= 2 * FAN * pyramid.levels.len(), "{range:?}: {looked_at}");
        }
    }

    proptest! {
        #[test]
        fn a_pyramid_says_what_its_values_say(
            sizes in prop::collection::vec(any::<u32>(), 0..700),
            a in 0usize..800,
            b in 0usize..800,
        ) {
            let (a, b) = (a.min(b), a.max(b));
            let inside = sizes.get(a.min(sizes.len())..b.min(sizes.len())).unwrap();
            let pyramid = Pyramid::new(sizes.clone());
            prop_assert_eq!(pyramid.largest(a..b), inside.iter().copied().max().map_or(0, u64::from));
            prop_assert_eq!(pyramid.sum(a..b), inside.iter().map(|size| u64::from(*size)).sum::<u64>());
        }

        #[test]
        fn every_block_is_in_some_column(blocks in 1usize..60, step in 1u64..50, width in 1u64..90) {
            let container = container(&vec![2; blocks], &[], &format!(r#"{{"fps_hint":{}}}"#, 1_000_000 / step));
            let chart = chart(&container);
            let lane = &chart.lanes[0];
            let mut seen = std::collections::BTreeSet::new();
            for column in 0..width {
                let start = chart.end * column / width;
                let end = (chart.end * (column + 1) / width).max(start + 1);
                seen.extend(lane.places_in(&(start..end)));
            }
            prop_assert_eq!(seen.len(), blocks);
        }
    }
}
