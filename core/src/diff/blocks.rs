//! Which blocks two containers share, and what became of the others.
//!
//! Blocks are matched by length and checksum, in order, and every match is confirmed byte for byte. What is left over
//! on both sides under the same content has moved; what is left over at the same place has changed.

use std::collections::HashMap;
use std::ops::Range;

use super::align::{Hunk, align};
use super::{BlockDiff, BlockRef, Changed, ComparedAs, DiffError, Pair};
use crate::bytes::Bytes;
use crate::capped::Capped;
use crate::container::Container;
use crate::crc::crc32;
use crate::index::{Chunk, Tag};
use crate::task::{Cancelled, Task};

/// The most bytes a block may decode to, to be compared decoded.
const MOST_DECODED: u64 = 64 << 20;
/// Equal bytes between two differences that make them two ranges.
const GAP: usize = 8;

/// Which block of the second container has the content of which block of the first.
#[derive(Debug, Default)]
pub(super) struct Counterparts {
    /// Runs of blocks in the same order: first, first, length.
    runs: Vec<(u64, u64, u64)>,
    moved: HashMap<u64, u64>,
}

impl Counterparts {
    /// Both blocks have the same content.
    pub(super) fn are(&self, before: u64, after: u64) -> bool {
        if self.moved.get(&before) == Some(&after) {
            return true;
        }
        let at = self.runs.partition_point(|(start, ..)| *start <= before);
        let run = at.checked_sub(1).and_then(|at| self.runs.get(at));
        run.is_some_and(|(start, other, len)| before - start < *len && other + (before - start) == after)
    }
}

/// What identifies a block's content, but for its bytes.
type ContentKey = (u64, u32);

pub(super) fn compare(pair: Pair<&Container>, task: &Task) -> Result<(BlockDiff, Counterparts), DiffError> {
    for container in [pair.before, pair.after] {
        if container.index().blocks() >= i32::MAX as u64 {
            return Err(DiffError::TooManyBlocks(container.index().blocks()));
        }
    }
    let keys = Pair::new(keys(pair.before, task)?, keys(pair.after, task)?);
    let mut found =
        BlockDiff { counts: Pair::new(keys.before.len() as u64, keys.after.len() as u64), ..BlockDiff::default() };
    let hunks = align(&keys, task)?;
    let moved = moved(pair, &keys, &hunks);
    let counterparts = Counterparts { runs: runs(&hunks, &found.counts), moved };
    let is_target: std::collections::HashSet<u64> = counterparts.moved.values().copied().collect();
    for (start, other, len) in &counterparts.runs {
        for at in 0..*len {
            task.check()?;
            same_place(pair, start + at, other + at, &mut found);
        }
    }
    for hunk in &hunks {
        task.check()?;
        let mut before = hunk.before.clone().filter(|block| !counterparts.moved.contains_key(block));
        let mut after = hunk.after.clone().filter(|block| !is_target.contains(block));
        loop {
            match (before.next(), after.next()) {
                (None, None) => break,
                (Some(old), Some(new)) => found.changed.add(|| changed(pair, old, new)),
                (Some(old), None) => found.removed.add(|| block_ref(pair.before, old)),
                (None, Some(new)) => found.added.add(|| block_ref(pair.after, new)),
            }
        }
    }
    let mut moves: Vec<(u64, u64)> = counterparts.moved.iter().map(|(old, new)| (*old, *new)).collect();
    moves.sort_unstable();
    for (old, new) in moves {
        found.moved.add(|| Pair::new(block_ref(pair.before, old), block_ref(pair.after, new)));
    }
    Ok((found, counterparts))
}

/// A block as stored.
fn block_content(container: &Container, block: u64) -> Bytes<'_> {
    container.index().block(block).map_or_else(Bytes::default, |chunk| container.stored_bytes(&chunk))
}

fn keys(container: &Container, task: &Task) -> Result<Vec<ContentKey>, Cancelled> {
    let key = |chunk: Chunk| {
        let content = container.stored_bytes(&chunk);
        task.advance(chunk.end.saturating_sub(chunk.offset))?;
        Ok((content.len(), crc32(content)))
    };
    container.index().with_tag(Tag::CORE).map(key).collect()
}

/// The runs of matched blocks between hunks.
fn runs(hunks: &[Hunk], counts: &Pair<u64>) -> Vec<(u64, u64, u64)> {
    let mut runs = Vec::new();
    let (mut before, mut after) = (0, 0);
    for hunk in hunks {
        if hunk.before.start > before {
            runs.push((before, after, hunk.before.start - before));
        }
        (before, after) = (hunk.before.end, hunk.after.end);
    }
    if counts.before > before {
        runs.push((before, after, counts.before - before));
    }
    runs
}

/// Blocks in hunks whose content is in the other container's hunks, first to first of each content.
fn moved(pair: Pair<&Container>, keys: &Pair<Vec<ContentKey>>, hunks: &[Hunk]) -> HashMap<u64, u64> {
    let key = |keys: &[ContentKey], block: u64| keys.get(usize::try_from(block).ok()?).copied();
    let mut free: HashMap<ContentKey, std::collections::VecDeque<u64>> = HashMap::new();
    for block in hunks.iter().flat_map(|hunk| hunk.after.clone()) {
        if let Some(key) = key(&keys.after, block) {
            free.entry(key).or_default().push_back(block);
        }
    }
    let mut moved = HashMap::new();
    for block in hunks.iter().flat_map(|hunk| hunk.before.clone()) {
        let Some(candidates) = key(&keys.before, block).and_then(|key| free.get_mut(&key)) else { continue };
        let same = |new: &u64| block_content(pair.before, block).are(block_content(pair.after, *new));
        if candidates.front().is_some_and(same) {
            moved.extend(candidates.pop_front().map(|new| (block, new)));
        }
    }
    moved
}

/// Notes what is said about two matched blocks, if their bytes are really the same.
fn same_place(pair: Pair<&Container>, old: u64, new: u64, found: &mut BlockDiff) {
    if !block_content(pair.before, old).are(block_content(pair.after, new)) {
        found.changed.add(|| changed(pair, old, new));
        return;
    }
    found.same += 1;
    let blocks = Pair::new(block_ref(pair.before, old), block_ref(pair.after, new));
    if blocks.before.intact != blocks.after.intact {
        found.integrity.push(blocks.clone());
    }
    let time = retimed(pair, &blocks);
    let track = blocks.before.track.as_ref().zip(blocks.after.track.as_ref()).is_some_and(|(a, b)| a != b);
    let kind = blocks.before.kind.zip(blocks.after.kind).is_some_and(|(a, b)| a != b);
    if time || track || kind {
        found.retimed.push(blocks);
    }
}

/// Whether the same content is shown at another time. Where times follow from indices, a block that others were put before
/// is only moved on: what counts is whether both containers give its new place the same time.
fn retimed(pair: Pair<&Container>, blocks: &Pair<BlockRef>) -> bool {
    let even = |container: &Container| container.timeline().filter(|_| !is_indexed(container));
    let place = blocks.after.block;
    let is_moved_on = || match even(pair.before).zip(even(pair.after)) {
        Some((before, after)) => before.pts_us(place) == after.pts_us(place),
        None => false,
    };
    let times = blocks.before.pts_us.zip(blocks.after.pts_us);
    times.is_some_and(|(before, after)| before != after) && !is_moved_on()
}

fn is_indexed(container: &Container) -> bool {
    container.tracks().is_some_and(|tracks| tracks.indexed)
}

fn block_ref(container: &Container, block: u64) -> BlockRef {
    let chunk = container.index().block(block);
    let named = container.tracks().filter(|tracks| tracks.indexed).and_then(|tracks| tracks.of_block(block));
    BlockRef {
        block,
        offset: chunk.map_or(0, |chunk| chunk.offset),
        len: chunk.map_or(0, |chunk| container.stored_bytes(&chunk).len()),
        pts_us: match named {
            Some((_, named)) => Some(named.pts_us),
            None if container.timeline().is_some() => container.pts_us(block),
            None => container.keyframe(block).map(|keyframe| keyframe.entry.pts_us),
        },
        track: named.map(|(track, _)| track.id.clone()),
        kind: named.map(|(_, named)| named.kind),
        intact: chunk.is_some_and(|chunk| container.is_intact(&chunk)),
    }
}

fn changed(pair: Pair<&Container>, old: u64, new: u64) -> Changed {
    let blocks = Pair::new(block_ref(pair.before, old), block_ref(pair.after, new));
    let decode = |container: &Container, block: u64| {
        let stored = container.stored(block).ok()?;
        let small = container.decoded_len(&stored.chunk)? <= MOST_DECODED.min(container.options().max_block_size);
        small.then(|| container.decode(&stored).ok())?
    };
    match (decode(pair.before, old), decode(pair.after, new)) {
        // Other runs of the same bytes are told apart only as they are stored.
        (Some(before), Some(after)) if before != after => Changed {
            blocks,
            form: ComparedAs::Decoded,
            lens: Pair::new(before.len() as u64, after.len() as u64),
            ranges: ranges(&before, &after),
        },
        _ => {
            let (before, after) = (block_content(pair.before, old), block_content(pair.after, new));
            let lens = Pair::new(before.len(), after.len());
            Changed { blocks, form: ComparedAs::Stored, lens, ranges: ranges(&before.read(), &after.read()) }
        }
    }
}

/// Where two byte strings differ.
fn ranges(before: &[u8], after: &[u8]) -> Capped<Pair<Range<u64>>> {
    let differs = |(a, b): (&u8, &u8)| a != b;
    let start = before.iter().zip(after).position(differs).unwrap_or(before.len().min(after.len()));
    let rest = before.len().min(after.len()) - start;
    let from_end = before.iter().rev().zip(after.iter().rev()).take(rest).position(differs).unwrap_or(rest);
    let range = |range: Range<usize>| range.start as u64..range.end as u64;
    if before.len() != after.len() {
        let whole = Pair::new(range(start..before.len() - from_end), range(start..after.len() - from_end));
        return std::iter::once(whole).collect();
    }
    let mut found = Capped::default();
    let mut open: Option<Range<usize>> = None;
    let pairs = before.iter().zip(after).enumerate().take(before.len() - from_end).skip(start);
    for (at, _) in pairs.filter(|(_, pair)| differs(*pair)) {
        match &mut open {
            Some(range) if at - range.end < GAP => range.end = at + 1,
            _ => {
                let done = open.replace(at..at + 1);
                done.into_iter().for_each(|done| found.push(Pair::new(range(done.clone()), range(done))));
            }
        }
    }
    open.into_iter().for_each(|done| found.push(Pair::new(range(done.clone()), range(done))));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(before: &[u8], after: &[u8]) -> Vec<(Range<u64>, Range<u64>)> {
        ranges(before, after).list().iter().map(|pair| (pair.before.clone(), pair.after.clone())).collect()
    }

    #[test]
    fn differing_bytes_make_ranges() {
        let same = |range: Range<u64>| (range.clone(), range);
        assert_eq!(places(b"abcdef", b"abXdef"), [same(2..3)]);
        assert_eq!(places(b"abcdefghijklmnop", b"XbcXefghijklmnoX"), [same(0..4), same(15..16)]);
        assert_eq!(places(b"abcd", b"abXXcd"), [(2..2, 2..4)]);
        assert_eq!(places(b"aaaa", b"aa"), [(2..4, 2..2)]);
        assert_eq!(places(b"", b"x"), [(0..0, 0..1)]);
    }

    #[test]
    fn matched_blocks_are_counterparts() {
        let counterparts = Counterparts { runs: vec![(0, 0, 2), (4, 3, 2)], moved: HashMap::from([(2, 9)]) };
        let pairs: Vec<_> =
            (0..8).flat_map(|a| (0..10).map(move |b| (a, b))).filter(|(a, b)| counterparts.are(*a, *b)).collect();
        assert_eq!(pairs, [(0, 0), (1, 1), (2, 9), (4, 3), (5, 4)]);
    }
}
