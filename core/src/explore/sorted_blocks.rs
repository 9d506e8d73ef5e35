//! Blocks listed another way than they are stored: some of them, or in another order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;

use crate::container::Container;
use crate::index::{Chunk, Tag};
use crate::knowledge::Knowledge;
use crate::task::{Cancelled, Task};

/// What is known about each block, and what a list of them can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Column {
    /// Block index.
    #[default]
    Index,
    /// The track it belongs to.
    Track,
    /// I, P or B.
    Kind,
    /// File offset of its chunk.
    Offset,
    /// When it is shown.
    Pts,
    /// Decoding can begin at it.
    Keyframe,
    /// Payload bytes.
    Stored,
    /// Bytes it decodes to.
    Decoded,
    /// Decoded by stored bytes.
    Ratio,
    /// What is known of it: whether it is right.
    Known,
}

/// An order of blocks. Blocks that the column knows nothing about come last, equal ones by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Order {
    /// What they are ordered by.
    pub column: Column,
    /// The largest first.
    pub descending: bool,
}

/// Which blocks are listed: those that meet every condition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Filter {
    /// Keyframes only.
    pub keyframes: bool,
    /// Only blocks that something is wrong with or beside.
    pub damaged: bool,
    /// Only blocks of more stored bytes.
    pub larger_than: Option<u64>,
    /// Only blocks of fewer stored bytes.
    pub smaller_than: Option<u64>,
    /// Only blocks of the track with that id.
    pub track: Option<String>,
}

impl Filter {
    /// All blocks pass.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The conditions in the words of a person; text from the file is not escaped. `all` where there is none.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        words.extend(self.keyframes.then(|| "keyframes".to_owned()));
        words.extend(self.damaged.then(|| "damaged".to_owned()));
        words.extend(self.larger_than.map(|bytes| format!(">{bytes}")));
        words.extend(self.smaller_than.map(|bytes| format!("<{bytes}")));
        words.extend(self.track.as_ref().map(|id| format!("track={id}")));
        f.pad(&if words.is_empty() { "all".to_owned() } else { words.join(" ") })
    }
}

/// Blocks in an order.
#[derive(Debug, Clone)]
pub struct SortedBlocks {
    /// Which.
    pub filter: Filter,
    /// How they are ordered.
    pub order: Order,
    /// Stored bytes of all that are listed.
    pub stored: u64,
    /// Bytes they decode to, where that was counted and can be told of each.
    pub decoded: Option<u64>,
    blocks: Vec<u32>,
    /// The row of each block, [`NOT_LISTED`] for those that did not pass.
    rows: Vec<u32>,
}

const NOT_LISTED: u32 = u32::MAX;

/// Blocks that are sorted at once, between two looks at the cancel flag.
const RUN: usize = 1 << 16;

/// A block's key: known before unknown, then the value, then the block.
type SortKey = (bool, u64, u32);

impl SortedBlocks {
    /// Lists blocks. Those whose CRC nobody has looked at are read when the filter or the order asks for it. The task counts
    /// bytes of the file.
    pub fn new(
        container: &Container,
        filter: Filter,
        order: Order,
        knowledge: &Knowledge,
        task: &Task,
    ) -> Result<Self, Cancelled> {
        task.set_total(container.index().total(Tag::CORE).map_or(0, |total| total.bytes));
        let sizes = matches!(order.column, Column::Decoded | Column::Ratio);
        let (mut keys, mut stored, mut decoded) = (Vec::new(), 0u64, sizes.then_some(0u64));
        for chunk in container.index().with_tag(Tag::CORE) {
            task.advance(chunk.len)?;
            let Some(block) = chunk.block.filter(|_| passes(container, &filter, knowledge, &chunk)) else { continue };
            let decoded_len = sizes.then(|| container.decoded_len(&chunk)).flatten();
            let key = key(container, order.column, knowledge, &chunk, decoded_len);
            let value = key.map_or(0, |key| if order.descending { !key } else { key });
            keys.push((key.is_none(), value, block as u32));
            stored = stored.saturating_add(chunk.len);
            decoded = decoded.zip(decoded_len).and_then(|(sum, len)| sum.checked_add(len));
        }
        let blocks = sorted(keys, task)?;
        let mut rows = vec![NOT_LISTED; usize::try_from(container.index().blocks()).unwrap_or(0)];
        for (row, block) in (0u32..).zip(&blocks) {
            if let Some(slot) = rows.get_mut(*block as usize) {
                *slot = row;
            }
        }
        Ok(Self { filter, order, stored, decoded, blocks, rows })
    }

    /// How many blocks are listed.
    pub fn len(&self) -> u64 {
        self.blocks.len() as u64
    }

    /// No block at all.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The block in a row.
    pub fn block(&self, row: u64) -> Option<u64> {
        self.blocks.get(usize::try_from(row).ok()?).map(|block| u64::from(*block))
    }

    /// The row of a block; `None` where it is not listed.
    pub fn row(&self, block: u64) -> Option<u64> {
        let row = *self.rows.get(usize::try_from(block).ok()?)?;
        (row != NOT_LISTED).then_some(u64::from(row))
    }
}

fn passes(container: &Container, filter: &Filter, knowledge: &Knowledge, chunk: &Chunk) -> bool {
    let Some(block) = chunk.block else { return false };
    let of_track = |id: &String| container.tracks().and_then(|t| t.of_block(block)).is_some_and(|(t, _)| t.id == *id);
    filter.larger_than.is_none_or(|bytes| chunk.len > bytes)
        && filter.smaller_than.is_none_or(|bytes| chunk.len < bytes)
        && filter.track.as_ref().is_none_or(of_track)
        && (!filter.keyframes || container.is_keyframe(block))
        && (!filter.damaged || knowledge.look(container, chunk).is_fault())
}

/// What a column says of a block, as a number that orders like it; `None` where it says nothing.
fn key(
    container: &Container,
    column: Column,
    knowledge: &Knowledge,
    chunk: &Chunk,
    decoded_len: Option<u64>,
) -> Option<u64> {
    let block = chunk.block?;
    let track = || container.tracks()?.of_block(block);
    match column {
        Column::Index => Some(block),
        Column::Track => container.tracks()?.place_of_block(block).map(u64::from),
        Column::Kind => Some(track()?.1.kind as u64),
        Column::Offset => Some(chunk.offset),
        Column::Pts => container.pts_us(block),
        // Keyframes come first when ascending, as what is looked for.
        Column::Keyframe => Some(u64::from(!container.is_keyframe(block))),
        Column::Stored => Some(chunk.len),
        Column::Decoded => decoded_len,
        // Floats of one sign order like their bits.
        Column::Ratio => Some((decoded_len? as f64 / chunk.len.max(1) as f64).to_bits()),
        // The worst first.
        Column::Known => Some(knowledge.look(container, chunk) as u64),
    }
}

/// Sorts runs and merges them, so that it can be stopped in between.
fn sorted(mut keys: Vec<SortKey>, task: &Task) -> Result<Vec<u32>, Cancelled> {
    for run in keys.chunks_mut(RUN) {
        task.check()?;
        run.sort_unstable();
    }
    let mut runs: Vec<_> = keys.chunks(RUN).map(|run| run.iter().copied()).collect();
    let mut heads: BinaryHeap<Reverse<(SortKey, usize)>> =
        runs.iter_mut().enumerate().filter_map(|(at, run)| Some(Reverse((run.next()?, at)))).collect();
    let mut blocks = Vec::with_capacity(keys.len());
    while let Some(mut head) = heads.peek_mut() {
        let ((.., block), at) = head.0;
        blocks.push(block);
        match runs.get_mut(at).and_then(Iterator::next) {
            Some(next) => head.0 = (next, at),
            None => _ = std::collections::binary_heap::PeekMut::pop(head),
        }
        if blocks.len().is_multiple_of(RUN) {
            task.check()?;
        }
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::Options;
    use crate::finding::{Code, Finding, Findings};
    use crate::source::Source;
    use crate::walk::Depth;
    use std::sync::Arc;

    fn container(payloads: &[&[u8]], damage: Option<usize>) -> Container {
        let mut file = b"H4MK\0\x01\0\0".to_vec();
        for payload in payloads {
            file.extend(b"CORE");
            file.extend((payload.len() as u32).to_be_bytes());
            file.extend(crc32fast::hash(payload).to_be_bytes());
            file.extend(*payload);
        }
        if let Some(at) = damage {
            file[at] ^= 1;
        }
        let source = Arc::new(Source::from_bytes("x", file));
        Container::read(source, Options::default(), Depth::Headers, &Task::default()).unwrap()
    }

    /// With an error found at block 1.
    fn knowledge(container: &Container) -> Knowledge {
        let mut findings = Findings::default();
        let block = container.index().block(1);
        block.iter().for_each(|chunk| findings.push(Finding::on(Code::BlockOddLength, chunk, "x")));
        Knowledge::new(container, Some(&findings), None)
    }

    fn listed(container: &Container, filter: Filter, column: Column, descending: bool) -> Vec<u64> {
        let sorted =
            SortedBlocks::new(container, filter, Order { column, descending }, &knowledge(container), &Task::default())
                .unwrap();
        (0..sorted.len()).map(|row| sorted.block(row).unwrap()).collect()
    }

    #[test]
    fn every_column_orders() {
        let container = container(&[&[1, 9], &[1, 2, 3, 4], &[], &[1, 200]], Some(8 + 12));
        let by = |column, descending| listed(&container, Filter::default(), column, descending);
        assert_eq!(by(Column::Stored, false), [2, 0, 3, 1]);
        assert_eq!(by(Column::Stored, true), [1, 0, 3, 2], "equal ones stay in order");
        assert_eq!(by(Column::Decoded, true), [3, 0, 1, 2]);
        assert_eq!(by(Column::Ratio, false), [2, 1, 0, 3]);
        assert_eq!(by(Column::Known, true), [2, 3, 0, 1], "a wrong CRC, and an error found");
        assert_eq!(by(Column::Offset, true), [3, 2, 1, 0]);
        assert_eq!(by(Column::Track, true), [0, 1, 2, 3], "unknown");
        assert_eq!(by(Column::Pts, true), [0, 1, 2, 3], "unknown");
    }

    #[test]
    fn filters_are_conjunctions() {
        let container = container(&[&[1, 9], &[1, 2, 3, 4], &[], &[1, 200]], Some(8 + 12));
        let only = |filter| listed(&container, filter, Column::Index, false);
        assert_eq!(only(Filter { damaged: true, ..Filter::default() }), [0, 1], "a wrong CRC, and an error found");
        assert_eq!(only(Filter { larger_than: Some(2), damaged: true, ..Filter::default() }), [1]);
        assert_eq!(only(Filter { smaller_than: Some(2), ..Filter::default() }), [2]);
        assert_eq!(only(Filter { track: Some("a".into()), ..Filter::default() }), [0u64; 0]);
        assert_eq!(only(Filter { keyframes: true, ..Filter::default() }), [0u64; 0]);
    }

    #[test]
    fn sums_are_those_of_what_is_listed() {
        let container = container(&[&[1, 9], &[1, 2, 3, 4]], None);
        let filter = Filter { larger_than: Some(2), ..Filter::default() };
        let order = Order { column: Column::Ratio, descending: false };
        let sorted = SortedBlocks::new(&container, filter, order, &Knowledge::default(), &Task::default()).unwrap();
        assert_eq!((sorted.len(), sorted.stored, sorted.decoded), (1, 4, Some(6)));
        assert_eq!((sorted.row(0), sorted.row(1), sorted.row(2)), (None, Some(0), None));
    }

    #[test]
    fn a_cancelled_task_ends_it() {
        let task = Task::default();
        task.cancel();
        let container = container(&[&[1, 9]], None);
        assert!(
            SortedBlocks::new(&container, Filter::default(), Order::default(), &Knowledge::default(), &task).is_err()
        );
    }

    #[test]
    fn runs_are_merged_into_one() {
        let values = (0u32..RUN as u32 * 5 / 2).map(|at| (at, u64::from(at.wrapping_mul(2_654_435_761) >> 20)));
        let keys: Vec<SortKey> = values.map(|(at, value)| (value == 7, value, at)).collect();
        let mut expected = keys.clone();
        expected.sort_unstable();
        let expected: Vec<u32> = expected.into_iter().map(|(.., block)| block).collect();
        assert_eq!(sorted(keys, &Task::default()).unwrap(), expected);
    }
}
