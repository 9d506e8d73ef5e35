//! What is known of a chunk or a block, by everything that has looked at it so far: the walk, CRCs that were recomputed
//! since, an audit, VERI. Whoever shows or says whether something is in order asks here.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use super::container::Container;
use super::finding::{Code, Finding, Findings, Severity};
use super::index::{Chunk, State, Tag};
use super::veri::{Status, Verification};

/// What is known of a chunk. Ordered from the worst; of several chunks the least counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Known {
    /// Its CRC is wrong, it is cut, or an error was found in it.
    Wrong,
    /// Nothing is wrong with it, but bytes were lost beside it.
    NextToLoss,
    /// Its length or its tag was wrong; with the true one its CRC is right.
    Mended,
    /// A warning is about it, or it may be among findings that are counted and not listed.
    Doubtful,
    /// Nobody has recomputed its CRC.
    Unread,
    /// Its CRC is right, and nothing was found at it.
    Right,
}

impl Known {
    /// All, from the worst.
    pub const ALL: [Self; 6] = [Self::Wrong, Self::NextToLoss, Self::Mended, Self::Doubtful, Self::Unread, Self::Right];

    /// For people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::NextToLoss => "next to a loss",
            Self::Mended => "mended",
            Self::Doubtful => "doubtful",
            Self::Unread => "not checked",
            Self::Right => "right",
        }
    }

    /// Something is wrong with it or beside it.
    pub fn is_fault(self) -> bool {
        matches!(self, Self::Wrong | Self::NextToLoss | Self::Mended)
    }

    fn of_state(state: State) -> Self {
        match state {
            State::CrcMismatch | State::Truncated => Self::Wrong,
            State::LengthRepaired | State::TagRepaired => Self::Mended,
            State::Unchecked => Self::Unread,
            State::Intact => Self::Right,
        }
    }

    fn of_finding(finding: &Finding) -> Option<Self> {
        match (finding.code, finding.severity) {
            (Code::ChunkLengthRepaired | Code::ChunkTagRepaired, _) => Some(Self::Mended),
            (_, Severity::Error) => Some(Self::Wrong),
            (_, Severity::Warning) => Some(Self::Doubtful),
            (_, Severity::Info) => None,
        }
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.describe())
    }
}

/// How many blocks each thing is known of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally([u64; Known::ALL.len()]);

impl Tally {
    /// How many blocks that is known of.
    pub fn of(&self, known: Known) -> u64 {
        self.0.get(known as usize).copied().unwrap_or(0)
    }

    /// The worst that is known of any block; [`Known::Right`] where there are none.
    pub fn worst(&self) -> Known {
        Known::ALL.into_iter().find(|known| self.of(*known) > 0).unwrap_or(Known::Right)
    }

    /// How many of them someone has looked at, or knows something of all the same.
    pub fn looked_at(&self) -> u64 {
        Known::ALL.into_iter().filter(|known| *known != Known::Unread).map(|known| self.of(known)).sum()
    }

    fn add(&mut self, known: Known, count: u64) {
        if let Some(slot) = self.0.get_mut(known as usize) {
            *slot = slot.saturating_add(count);
        }
    }

    fn take(&mut self, known: Known, count: u64) {
        if let Some(slot) = self.0.get_mut(known as usize) {
            *slot = slot.saturating_sub(count);
        }
    }
}

/// `5 right, 2 wrong, 1 not looked at`.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = [Known::Right, Known::Wrong, Known::NextToLoss, Known::Mended, Known::Doubtful, Known::Unread];
        let counted = order.into_iter().filter(|known| self.of(*known) > 0);
        let words: Vec<String> = counted.map(|known| format!("{} {known}", self.of(known))).collect();
        f.pad(&if words.is_empty() { "none".to_owned() } else { words.join(", ") })
    }
}

/// What was found beyond CRCs, in an order in which it can be looked up: as long as findings are listed and losses are
/// there, whatever the size of the file. What CRCs came to is in the container.
#[derive(Debug, Clone, Default)]
pub struct Knowledge {
    /// By chunk, ascending.
    chunks: Vec<(u64, Known)>,
    /// The same by block.
    blocks: Vec<(u64, Known)>,
    /// From this chunk and this block on, findings of a code are counted and not listed.
    unlisted: Option<(u64, u64)>,
}

impl Knowledge {
    /// What the walk over a container found or, where there was one, an audit of it; and VERI, once it was recomputed.
    pub fn new(container: &Container, audit: Option<&Findings>, veri: Option<&Verification>) -> Self {
        let findings = audit.unwrap_or(&container.walked().findings);
        let index = container.index();
        let mut known: BTreeMap<u64, Known> = BTreeMap::new();
        let mut learn = |chunk: Chunk, what: Known| {
            let slot = known.entry(chunk.index).or_insert(what);
            *slot = what.min(*slot);
        };
        for finding in findings.list() {
            if let Some((chunk, what)) = chunk_of(container, finding).zip(Known::of_finding(finding)) {
                learn(chunk, what);
            }
        }
        // A walk in progress counts what it has not seen as lost.
        for loss in container.walked().losses.iter().filter(|_| container.is_complete()) {
            let after = index.from_offset(loss.offset);
            let before = after.map_or(index.len(), |after| after.index).checked_sub(1).and_then(|at| index.chunk(at));
            // Where no block follows, the one before is the only one that the loss is beside.
            let beside = before.filter(|_| after.is_none_or(|after| after.block.is_none()));
            after.into_iter().chain(beside).for_each(|chunk| learn(chunk, Known::NextToLoss));
        }
        let verdict = veri.and_then(|veri| match veri.status {
            Status::Mismatch | Status::Malformed => Some(Known::Wrong),
            Status::Unsupported => Some(Known::Doubtful),
            Status::Verified | Status::Absent | Status::Unchecked => None,
        });
        if let Some((chunk, what)) = index.first(Tag::VERI).zip(verdict) {
            learn(chunk, what);
        }
        let block = |(chunk, known): (&u64, &Known)| Some((index.chunk(*chunk)?.block?, *known));
        let blocks = known.iter().filter_map(block).collect();
        let unlisted = unlisted(container, findings);
        Self { chunks: known.into_iter().collect(), blocks, unlisted }
    }

    /// What is known of a chunk.
    pub fn of_chunk(&self, container: &Container, chunk: &Chunk) -> Known {
        let found = self.chunks.binary_search_by_key(&chunk.index, |(chunk, _)| *chunk).ok();
        let found = found.and_then(|at| self.chunks.get(at)).map(|(_, known)| *known);
        let known = Known::of_state(container.state(chunk)).min(found.unwrap_or(Known::Right));
        match self.unlisted {
            Some((from, _)) if known == Known::Right && chunk.index >= from => Known::Doubtful,
            _ => known,
        }
    }

    /// The same once its CRC was recomputed, where nobody had done that.
    pub fn look(&self, container: &Container, chunk: &Chunk) -> Known {
        container.remember();
        _ = container.is_intact(chunk);
        self.of_chunk(container, chunk)
    }

    /// What is known of a block; `None` where there is none.
    pub fn of_block(&self, container: &Container, block: u64) -> Option<Known> {
        Some(self.of_chunk(container, &container.index().block(block)?))
    }

    /// The worst that is known of any of these blocks; `None` where there are none. Costs a 64th of a look at each.
    pub fn of_blocks(&self, container: &Container, blocks: Range<u64>) -> Option<Known> {
        let blocks = blocks.start..blocks.end.min(container.index().blocks());
        let len = blocks.end.checked_sub(blocks.start).filter(|len| *len > 0)?;
        let mut known = match container.looked().of_blocks(blocks.clone()) {
            (_, 1.., _) => return Some(Known::Wrong),
            (_, _, 1..) => Known::Mended,
            (looked, ..) if looked < len => Known::Unread,
            _ => Known::Right,
        };
        let first = self.blocks.partition_point(|(block, _)| *block < blocks.start);
        let found = self.blocks.iter().skip(first).take_while(|(block, _)| *block < blocks.end);
        known = found.map(|(_, known)| *known).min().unwrap_or(known).min(known);
        match self.unlisted {
            Some((_, from))
                if known > Known::Doubtful && self.right_by_crc(container, from.max(blocks.start)..blocks.end) > 0 =>
            {
                Some(Known::Doubtful)
            }
            _ => Some(known),
        }
    }

    /// How many of these blocks have a right CRC where they stand, whatever else was found at them.
    fn right_by_crc(&self, container: &Container, blocks: Range<u64>) -> u64 {
        let (looked, wrong, mended) = container.looked().of_blocks(blocks.start..blocks.end.max(blocks.start));
        looked.saturating_sub(wrong).saturating_sub(mended)
    }

    /// The worst that is known of any of these chunks; `None` where there are none.
    pub fn of_chunks(&self, container: &Container, chunks: impl Iterator<Item = Chunk>) -> Option<Known> {
        let mut worst = None;
        for chunk in chunks {
            let known = self.of_chunk(container, &chunk);
            worst = Some(worst.map_or(known, |worst: Known| worst.min(known)));
            if known == Known::Wrong {
                break;
            }
        }
        worst
    }

    /// How many blocks each thing is known of.
    pub fn tally(&self, container: &Container) -> Tally {
        let blocks = container.index().blocks();
        let (looked, wrong, mended) = container.looked().of_blocks(0..blocks);
        let right = looked.saturating_sub(wrong).saturating_sub(mended);
        let unlisted = self.unlisted.map_or(0, |(_, from)| self.right_by_crc(container, from..blocks));
        let mut tally = Tally::default();
        tally.add(Known::Wrong, wrong);
        tally.add(Known::Mended, mended);
        tally.add(Known::Doubtful, unlisted);
        tally.add(Known::Right, right.saturating_sub(unlisted));
        tally.add(Known::Unread, blocks.saturating_sub(looked));
        for (block, _) in &self.blocks {
            let Some(chunk) = container.index().block(*block) else { continue };
            let alone = Known::of_state(container.state(&chunk));
            let unlisted = alone == Known::Right && self.unlisted.is_some_and(|(_, from)| *block >= from);
            tally.take(if unlisted { Known::Doubtful } else { alone }, 1);
            tally.add(self.of_chunk(container, &chunk), 1);
        }
        tally
    }

    /// The blocks that are neither right nor unread, ascending.
    pub fn faults(&self, container: &Container) -> Vec<(u64, Known)> {
        let (wrong, mended) = container.looked().faulty_blocks();
        let mut faults: Vec<(u64, Known)> = self.blocks.clone();
        faults.extend(wrong.map(|block| (block, Known::Wrong)));
        faults.extend(mended.map(|block| (block, Known::Mended)));
        faults.sort_unstable();
        faults.dedup_by_key(|(block, _)| *block);
        faults
    }
}

/// The chunk that a finding is about.
fn chunk_of(container: &Container, finding: &Finding) -> Option<Chunk> {
    let index = container.index();
    finding.chunk.and_then(|chunk| index.chunk(chunk)).or_else(|| index.block(finding.block?))
}

/// From which chunk and block on findings are counted and not listed, of those codes that CRCs say nothing of.
fn unlisted(container: &Container, findings: &Findings) -> Option<(u64, u64)> {
    const BY_CRC: [Code; 4] =
        [Code::ChunkCrcMismatch, Code::ChunkTruncated, Code::ChunkLengthRepaired, Code::ChunkTagRepaired];
    let mut first: Option<(u64, u64)> = None;
    for code in findings.omitted().into_keys().filter(|code| !BY_CRC.contains(code)) {
        let of_code = findings.list().iter().filter(|f| f.code == code && Known::of_finding(f).is_some());
        let Some(last) = of_code.filter_map(|f| chunk_of(container, f)).max_by_key(|chunk| chunk.index) else {
            continue;
        };
        let next =
            (last.index.saturating_add(1), container.index().blocks_before(&last) + u64::from(last.block.is_some()));
        first = Some(first.map_or(next, |first| first.min(next)));
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::Options;
    use crate::source::Source;
    use crate::task::Task;
    use crate::walk::Depth;
    use std::sync::Arc;

    /// So many blocks, some of them with a wrong CRC.
    fn container(blocks: u64, wrong: &[u64]) -> Container {
        let mut file = b"H4MK\0\x01\0\0".to_vec();
        for block in 0..blocks {
            let crc = crc32fast::hash(&[1, 9]) ^ u32::from(wrong.contains(&block));
            file.extend([b"CORE".as_slice(), &2u32.to_be_bytes(), &crc.to_be_bytes(), &[1, 9]].concat());
        }
        let source = Arc::new(Source::from_bytes("x", file));
        Container::read(source, Options::default(), Depth::Headers, &Task::default()).unwrap()
    }

    fn all(knowledge: &Knowledge, container: &Container) -> Vec<Known> {
        (0..container.index().blocks()).map(|block| knowledge.of_block(container, block).unwrap()).collect()
    }

    /// Ranges, the tally and the list of faults say what single blocks say.
    fn assert_agrees(knowledge: &Knowledge, container: &Container) {
        let all = all(knowledge, container);
        for start in 0..all.len() {
            for end in start + 1..=all.len() {
                let worst = all[start..end].iter().copied().min();
                assert_eq!(
                    knowledge.of_blocks(container, start as u64..end as u64),
                    worst,
                    "{start}..{end} of {all:?}"
                );
            }
        }
        let tally = knowledge.tally(container);
        for known in Known::ALL {
            assert_eq!(tally.of(known), all.iter().filter(|other| **other == known).count() as u64, "{known}: {tally}");
        }
        assert_eq!(knowledge.of_blocks(container, 3..3), None);
    }

    #[test]
    fn what_is_looked_at_is_known_from_then_on() {
        let container = container(5, &[1, 3]);
        let knowledge = Knowledge::new(&container, None, None);
        container.remember();
        assert_eq!(all(&knowledge, &container), [Known::Unread; 5]);
        for (block, known) in [(1, Known::Wrong), (2, Known::Right)] {
            let chunk = container.index().block(block).unwrap();
            assert_eq!(knowledge.look(&container, &chunk), known);
            assert_agrees(&knowledge, &container);
        }
        assert_eq!(knowledge.tally(&container).to_string(), "1 right, 1 wrong, 3 not checked");
        container.stored(3).unwrap();
        assert_eq!(knowledge.of_block(&container, 3), Some(Known::Wrong), "whoever reads a block has looked at it");
        container.look_at_all(&Task::default()).unwrap();
        assert_eq!(knowledge.tally(&container).to_string(), "3 right, 2 wrong");
        assert_eq!(knowledge.faults(&container), [(1, Known::Wrong), (3, Known::Wrong)]);
        let again = container.with_options(Options::default());
        assert_eq!(all(&knowledge, &again), all(&knowledge, &container), "another key changes nothing");
    }

    #[test]
    fn findings_count_also_where_they_are_not_listed() {
        let container = container(150, &[140]);
        container.look_at_all(&Task::default()).unwrap();
        let mut findings = Findings::default();
        for block in (0..130).filter(|block| block % 2 == 0 || *block > 40) {
            let chunk = container.index().block(block).unwrap();
            findings.push(Finding::on(Code::BlockOddLength, &chunk, "x"));
        }
        assert!(findings.omitted().contains_key(&Code::BlockOddLength));
        let knowledge = Knowledge::new(&container, Some(&findings), None);
        let known = all(&knowledge, &container);
        assert_eq!(
            (known[0], known[1], known[129], known[140]),
            (Known::Wrong, Known::Right, Known::Doubtful, Known::Wrong)
        );
        assert_agrees(&knowledge, &container);
    }

    #[test]
    fn blocks_beside_lost_bytes_are_next_to_a_loss() {
        let mut file = container(6, &[]).bytes().to_vec();
        file[8 + 14 * 3..8 + 14 * 4].fill(0);
        let source = Arc::new(Source::from_bytes("x", file));
        let container = Container::read(source, Options::default(), Depth::Headers, &Task::default()).unwrap();
        let knowledge = Knowledge::new(&container, None, None);
        assert_eq!(knowledge.of_block(&container, 3), Some(Known::NextToLoss));
        assert_agrees(&knowledge, &container);
    }
}
