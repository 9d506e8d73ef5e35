//! Which number blocks had when they were written, after bytes were lost: each loss may have held blocks, and something
//! that counts them on both sides says how many.
#![forbid(unsafe_code)]

use super::walk::Loss;

/// How many blocks are missing before a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Unknown,
    Blocks(u64),
    /// What counts them disagrees: more was lost than shows.
    Disputed,
}

/// Blocks between two losses.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// The first of them, as it is found.
    start: u64,
    missing: Missing,
}

/// Where a block is that was written under a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Under this index.
    At(u64),
    /// Among the bytes that were lost.
    Lost,
    /// That can't be told.
    Unknown,
}

/// The numbers of blocks, as far as they are settled.
#[derive(Debug, Clone, Default)]
pub struct Numbering {
    runs: Vec<Run>,
    blocks: u64,
    /// Runs whose numbers are known: the first number, the one after the last, and how many are missing before them.
    known: Vec<(u64, u64, u64)>,
}

impl Numbering {
    /// Of a container with so many blocks; only those before the first loss are settled.
    pub fn new(losses: &[Loss], blocks: u64) -> Self {
        let mut runs = vec![Run { start: 0, missing: Missing::Blocks(0) }];
        for start in losses.iter().map(|loss| loss.block).take_while(|start| *start < blocks) {
            let run = Run { start, missing: Missing::Unknown };
            match runs.last_mut().filter(|last| last.start == start) {
                Some(last) => *last = run,
                None => runs.push(run),
            }
        }
        let mut numbering = Self { runs, blocks, known: Vec::new() };
        numbering.close();
        numbering
    }

    /// The first block of each run whose numbers aren't known.
    pub fn unsettled(&self) -> impl Iterator<Item = u64> + '_ {
        self.runs.iter().filter(|run| run.missing == Missing::Unknown).map(|run| run.start)
    }

    fn run(&self, block: u64) -> Option<usize> {
        self.runs.partition_point(|run| run.start <= block).checked_sub(1)
    }

    /// Notes that blocks that are found were written under these numbers.
    pub fn settle(&mut self, numbers: impl Iterator<Item = (u64, u64)>) {
        for (found, written) in numbers {
            let Some(run) = self.run(found).and_then(|at| self.runs.get_mut(at)) else { continue };
            run.missing = match (run.missing, written.checked_sub(found)) {
                (Missing::Unknown, Some(missing)) => Missing::Blocks(missing),
                (Missing::Blocks(known), Some(missing)) if known == missing => continue,
                _ => Missing::Disputed,
            };
        }
        self.close();
    }

    /// Blocks are missing in losses only, and no loss makes fewer of them.
    fn close(&mut self) {
        let mut most = 0;
        let mut before = Vec::with_capacity(self.runs.len());
        for run in &mut self.runs {
            before.push(most);
            match run.missing {
                Missing::Blocks(missing) if missing < most => run.missing = Missing::Disputed,
                Missing::Blocks(missing) => most = missing,
                Missing::Unknown | Missing::Disputed => {}
            }
        }
        let mut after = None;
        for (run, before) in self.runs.iter_mut().zip(before).rev() {
            match run.missing {
                Missing::Blocks(missing) => after = Some(missing),
                Missing::Unknown if after == Some(before) => run.missing = Missing::Blocks(before),
                Missing::Unknown | Missing::Disputed => {}
            }
        }
        let ends = self.runs.iter().skip(1).map(|run| run.start).chain([self.blocks]);
        let known = self.runs.iter().zip(ends).filter_map(|(run, end)| match run.missing {
            Missing::Blocks(missing) => Some((run.start.saturating_add(missing), end.saturating_add(missing), missing)),
            _ => None,
        });
        self.known = known.collect();
    }

    /// The number that a block had when it was written, where it is settled.
    pub fn written(&self, block: u64) -> Option<u64> {
        match self.runs.get(self.run(block)?)?.missing {
            Missing::Blocks(missing) => block.checked_add(missing),
            Missing::Unknown | Missing::Disputed => None,
        }
    }

    /// The least number that a block can have had.
    pub fn at_least(&self, block: u64) -> u64 {
        let after = self.known.partition_point(|(start, _, missing)| start - missing <= block);
        let missing = after.checked_sub(1).and_then(|at| self.known.get(at)).map_or(0, |(_, _, missing)| *missing);
        block.saturating_add(missing)
    }

    /// Where the block is that was written under that number.
    pub fn found(&self, written: u64) -> Found {
        let after = self.known.partition_point(|(start, _, _)| *start <= written);
        let Some((_, end, missing)) = after.checked_sub(1).and_then(|at| self.known.get(at)) else {
            return Found::Unknown;
        };
        if written < *end {
            return Found::At(written - missing);
        }
        // Between two runs of which nothing is in doubt.
        let found = end - missing;
        match self.known.get(after) {
            Some((start, _, missing)) if start - missing == found => Found::Lost,
            _ => Found::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbering(losses: &[u64], numbers: &[(u64, u64)]) -> Numbering {
        let losses: Vec<Loss> = losses.iter().map(|block| Loss { offset: 0, length: 1, block: *block }).collect();
        let mut numbering = Numbering::new(&losses, 20);
        numbering.settle(numbers.iter().copied());
        numbering
    }

    #[test]
    fn numbers_are_settled_run_by_run() {
        let none = numbering(&[], &[]);
        assert_eq!((none.written(19), none.found(19), none.found(20)), (Some(19), Found::At(19), Found::Unknown));
        let open = numbering(&[5, 10], &[]);
        assert_eq!(open.unsettled().collect::<Vec<_>>(), [5, 10]);
        assert_eq!((open.written(4), open.written(5), open.found(5)), (Some(4), None, Found::Unknown));
        let last = numbering(&[5, 10], &[(12, 15)]);
        assert_eq!((last.written(10), last.written(9), last.at_least(9)), (Some(13), None, 9));
        assert_eq!((last.found(4), last.found(5), last.found(13)), (Found::At(4), Found::Unknown, Found::At(10)));
        let both = numbering(&[5, 10], &[(12, 15), (6, 7)]);
        assert_eq!((both.found(5), both.found(6), both.found(11)), (Found::Lost, Found::At(5), Found::Lost));
        let whole = numbering(&[5, 10], &[(12, 12)]);
        assert_eq!((whole.written(7), whole.found(7)), (Some(7), Found::At(7)), "nothing is missing in between either");
        assert_eq!(numbering(&[0], &[(0, 3)]).written(1), Some(4));
        assert_eq!(numbering(&[20], &[]).written(19), Some(19));
    }

    #[test]
    fn what_disagrees_settles_nothing() {
        for numbers in [&[(6, 7), (7, 9)][..], &[(6, 5)], &[(6, 7), (7, 7)]] {
            assert_eq!(numbering(&[5], numbers).written(6), None, "{numbers:?}");
        }
        assert_eq!(numbering(&[5, 10], &[(6, 9), (11, 12)]).written(11), None, "later blocks can't be fewer");
    }
}
