//! Which chunks' CRCs were looked at since the walk, and what they came to: three bits a chunk.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::index::{Chunk, Index, State};

/// Bits that any thread may set. What was set before a bit is seen by whoever sees the bit.
#[derive(Debug, Default)]
struct Bits(Vec<AtomicU64>);

impl Bits {
    fn new(len: u64) -> Self {
        let words = usize::try_from(len.div_ceil(64)).unwrap_or(0);
        Self(std::iter::repeat_with(AtomicU64::default).take(words).collect())
    }

    fn word(&self, at: u64) -> Option<&AtomicU64> {
        self.0.get(usize::try_from(at / 64).ok()?)
    }

    /// Sets a bit; true if it was not set before.
    fn set(&self, at: u64) -> bool {
        let bit = 1 << (at % 64);
        self.word(at).is_some_and(|word| word.fetch_or(bit, Ordering::AcqRel) & bit == 0)
    }

    fn get(&self, at: u64) -> bool {
        self.word(at).is_some_and(|word| word.load(Ordering::Acquire) >> (at % 64) & 1 == 1)
    }

    /// The words that hold a range: each with the place of its first bit, and without the bits outside the range.
    fn words(&self, range: Range<u64>) -> impl Iterator<Item = (u64, u64)> + '_ {
        let first = range.start / 64;
        let words = if range.is_empty() { first..first } else { first..range.end.div_ceil(64) };
        words.filter_map(move |number| {
            let start = number * 64;
            let mut word = self.0.get(usize::try_from(number).ok()?)?.load(Ordering::Acquire);
            word &= u64::MAX << range.start.saturating_sub(start).min(63);
            let beyond = (start + 64).saturating_sub(range.end).min(63);
            word &= u64::MAX >> beyond;
            Some((start, word))
        })
    }

    fn count(&self, range: Range<u64>) -> u64 {
        self.words(range).map(|(_, word)| u64::from(word.count_ones())).sum()
    }

    fn set_in(&self, range: Range<u64>) -> impl Iterator<Item = u64> + '_ {
        self.words(range).flat_map(|(start, word)| {
            let rest = std::iter::successors(Some(word), |word| Some(word & word.wrapping_sub(1)));
            rest.take_while(|word| *word != 0).map(move |word| start + u64::from(word.trailing_zeros()))
        })
    }

    fn adopt(&self, other: &Self, but: &Self) {
        for ((mine, others), but) in self.0.iter().zip(&other.0).zip(&but.0) {
            mine.fetch_or(others.load(Ordering::Acquire) & !but.load(Ordering::Acquire), Ordering::AcqRel);
        }
    }
}

/// What was seen of one kind of chunks, by their place among these.
#[derive(Debug, Default)]
struct Seen {
    looked: Bits,
    wrong: Bits,
    mended: Bits,
}

impl Seen {
    fn new(len: u64) -> Self {
        Self { looked: Bits::new(len), wrong: Bits::new(len), mended: Bits::new(len) }
    }

    fn set(&self, at: u64, state: State) -> bool {
        match state {
            State::Unchecked => return false,
            State::Intact => {}
            State::LengthRepaired | State::TagRepaired => _ = self.mended.set(at),
            State::CrcMismatch | State::Truncated => _ = self.wrong.set(at),
        }
        // Last, so that nobody takes for right what is about to be called wrong.
        self.looked.set(at)
    }

    /// What was mended there may stand here as it is in the file: that is left to be looked at again.
    fn adopt(&self, other: &Self) {
        self.wrong.adopt(&other.wrong, &other.mended);
        self.looked.adopt(&other.looked, &other.mended);
    }
}

/// What was seen of all chunks.
#[derive(Debug)]
pub(crate) struct Looked {
    blocks: Seen,
    others: Seen,
    count: AtomicU64,
}

impl Looked {
    /// What the walk saw. Looks at every entry of the index once.
    pub(crate) fn new(index: &Index) -> Self {
        let blocks = index.blocks();
        let others = index.len().saturating_sub(blocks);
        let looked = Self { blocks: Seen::new(blocks), others: Seen::new(others), count: AtomicU64::new(0) };
        for chunk in index.iter() {
            looked.record(index, &chunk, chunk.state);
        }
        looked
    }

    fn place(&self, index: &Index, chunk: &Chunk) -> (&Seen, u64) {
        match chunk.block {
            Some(block) => (&self.blocks, block),
            None => (&self.others, chunk.index.saturating_sub(index.blocks_before(chunk))),
        }
    }

    /// A chunk was looked at.
    pub(crate) fn record(&self, index: &Index, chunk: &Chunk, state: State) {
        let (seen, at) = self.place(index, chunk);
        if seen.set(at, state) {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What was seen of a chunk that the walk did not look at.
    pub(crate) fn state(&self, index: &Index, chunk: &Chunk) -> State {
        let (seen, at) = self.place(index, chunk);
        match (seen.looked.get(at), seen.wrong.get(at)) {
            (false, _) => State::Unchecked,
            (true, false) => State::Intact,
            (true, true) => State::CrcMismatch,
        }
    }

    /// Takes over what was seen of the same chunks, and of no more than there are.
    pub(crate) fn adopt(&self, other: &Self) {
        self.blocks.adopt(&other.blocks);
        self.others.adopt(&other.others);
        self.count.fetch_add(other.count(), Ordering::Relaxed);
    }

    /// Grows with every chunk that is looked at.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Of these blocks, how many were looked at, are wrong, had to be mended.
    pub(crate) fn of_blocks(&self, blocks: Range<u64>) -> (u64, u64, u64) {
        let seen = &self.blocks;
        (seen.looked.count(blocks.clone()), seen.wrong.count(blocks.clone()), seen.mended.count(blocks))
    }

    /// The blocks that are wrong, and those that had to be mended, each ascending.
    pub(crate) fn faulty_blocks(&self) -> (impl Iterator<Item = u64> + '_, impl Iterator<Item = u64> + '_) {
        let all = || 0..self.blocks.looked.0.len() as u64 * 64;
        (self.blocks.wrong.set_in(all()), self.blocks.mended.set_in(all()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_are_counted_and_found(set in prop::collection::btree_set(0u64..300, 0..60), a in 0u64..310, b in 0u64..310) {
            let bits = Bits::new(300);
            for at in &set {
                prop_assert!(bits.set(*at) && !bits.set(*at) && bits.get(*at));
            }
            let (start, end) = (a.min(b), a.max(b));
            let expected: Vec<u64> = set.range(start..end).copied().collect();
            prop_assert_eq!(bits.set_in(start..end).collect::<Vec<_>>(), expected.clone());
            prop_assert_eq!(bits.count(start..end), expected.len() as u64);
        }
    }
}
