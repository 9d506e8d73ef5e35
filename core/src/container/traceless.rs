//! Blocks that are missing without a trace: no bytes were lost, and yet something counts more blocks than there are.

use super::Container;
use crate::codec::cipher;
use crate::layout::Layout;
use crate::tracks::{Fault, Tracks};
use crate::walk::Loss;

/// In more places than these, counters are wrong rather than blocks missing.
const MOST_GAPS: usize = 1 << 12;

impl Container {
    /// Where bytes were lost; where none were, where blocks are missing without a trace. Those losses have no length.
    pub fn losses(&self) -> &[Loss] {
        match self.walked.losses.as_slice() {
            [] => self.gaps.get_or_init(|| self.find_gaps()),
            losses => losses,
        }
    }

    fn find_gaps(&self) -> Vec<Loss> {
        if self.layout() == Layout::Mux || !self.complete || self.options.growing {
            return Vec::new();
        }
        let gap = |block: u64| Some(Loss { offset: self.index().block(block)?.offset, length: 0, block });
        let gaps = match self.pipeline().is_living_cipher() {
            true => self.gaps_of_counters().unwrap_or_default(),
            // Nothing says which block is missing.
            false if self.tracks().is_some_and(|tracks| names_more(tracks, self.index().blocks())) => vec![0],
            false => Vec::new(),
        };
        gaps.into_iter().filter_map(gap).collect()
    }

    /// The number in a cipher message, where its chunk is whole.
    pub(super) fn counter(&self, block: u64) -> Option<u64> {
        self.index().block(block).filter(|chunk| self.is_intact(chunk))?;
        self.stored_counter(block)
    }

    fn stored_counter(&self, block: u64) -> Option<u64> {
        cipher::counter(self.payload(&self.index().block(block)?))
    }

    /// The blocks before which counters leave numbers out; `None` where they can't be read, or go back. O(gaps · log blocks)
    /// for counters that ascend. Only CRCs of blocks beside gaps are computed.
    fn gaps_of_counters(&self) -> Option<Vec<u64>> {
        let missing = |block: u64| self.stored_counter(block)?.checked_sub(block);
        let last = self.index().blocks().checked_sub(1)?;
        let first_missing = missing(0)?;
        let mut gaps = if first_missing > 0 { vec![0] } else { Vec::new() };
        let mut open = vec![(0, first_missing, last, missing(last)?)];
        while let Some((low, before, high, after)) = open.pop() {
            if after < before || gaps.len() > MOST_GAPS {
                return None;
            }
            if after == before {
                continue;
            }
            if high - low == 1 {
                gaps.push(high);
                continue;
            }
            let middle = low + (high - low) / 2;
            let between = missing(middle)?;
            open.extend([(middle, between, high, after), (low, before, middle, between)]);
        }
        let is_sure = |gap: &u64| {
            let before = gap.checked_sub(1).is_none_or(|before| self.counter(before).is_some());
            before && self.counter(*gap).is_some()
        };
        gaps.iter().all(is_sure).then_some(gaps)
    }
}

/// The index of tracks names every block there is, and the ones that would follow, so that it isn't a single slip.
fn names_more(tracks: &Tracks, blocks: u64) -> bool {
    if !tracks.indexed || tracks.out_of_range == 0 || tracks.blocks_named() != blocks {
        return false;
    }
    let beyond = tracks.faults.iter().filter_map(|fault| match fault {
        Fault::OutOfRange { block, .. } => Some(*block),
        _ => None,
    });
    let mut beyond: Vec<u64> = beyond.collect();
    beyond.sort_unstable();
    beyond.len() as u64 == tracks.out_of_range && (blocks..).zip(&beyond).all(|(next, named)| *named == next)
}
