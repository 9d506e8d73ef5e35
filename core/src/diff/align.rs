//! Two sequences aligned: which elements they share in the same order, in near-linear time whatever they hold.
//!
//! imara-diff's histogram is near-linear as long as elements repeat little, and slow where many repeat a lot, as black
//! frames do. So the rare ones are aligned first, and what lies between them by itself: short stretches as well as can
//! be, long ones by position.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

use imara_diff::{Algorithm, Diff, Token};

use super::Pair;
use crate::task::{Cancelled, Task};

/// How often an element that repeats little occurs at most: as often as the histogram follows.
const RARE: u32 = 63;
/// Elements in a stretch that is short.
const SHORT: usize = 4096;

/// Elements without a counterpart, between two runs of elements with one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hunk {
    pub(super) before: Range<u64>,
    pub(super) after: Range<u64>,
}

/// Aligns two sequences; the same way whichever of the two is called the first.
pub(super) fn align<K: Hash + Ord + Copy>(keys: &Pair<Vec<K>>, task: &Task) -> Result<Vec<Hunk>, Cancelled> {
    let swapped = keys.before > keys.after;
    let (first, second) = if swapped { (&keys.after, &keys.before) } else { (&keys.before, &keys.after) };
    let mut alphabet = Alphabet::default();
    let mut tokens = |keys: &[K]| keys.iter().map(|key| alphabet.token(*key)).collect::<Vec<_>>();
    let (first, second) = (tokens(first), tokens(second));
    let mut counts = vec![[0u32; 2]; alphabet.tokens.len()];
    for (side, token) in first.iter().map(|token| (0, token)).chain(second.iter().map(|token| (1, token))) {
        let count = counts.get_mut(token.0 as usize).and_then(|counts| counts.get_mut(side));
        count.into_iter().for_each(|count| *count = count.saturating_add(1));
    }
    let is_rare = |token: &Token| counts.get(token.0 as usize).is_some_and(|sides| sides.iter().all(|n| *n <= RARE));
    let mut aligned = Aligned { task, first: &first, second: &second, hunks: Vec::new() };
    let whole = (0..first.len(), 0..second.len());
    if first.iter().chain(&second).all(is_rare) {
        aligned.by_content(whole);
    } else {
        let rare = |tokens: &[Token]| -> (Vec<usize>, Vec<Token>) {
            tokens.iter().enumerate().filter(|(_, token)| is_rare(token)).map(|(at, token)| (at, *token)).unzip()
        };
        aligned.between(whole, rare(&first), rare(&second))?;
    }
    let wide = |range: Range<usize>| range.start as u64..range.end as u64;
    let hunk = |(first, second): (Range<usize>, Range<usize>)| match swapped {
        false => Hunk { before: wide(first), after: wide(second) },
        true => Hunk { before: wide(second), after: wide(first) },
    };
    Ok(aligned.hunks.into_iter().map(hunk).collect())
}

/// Numbers for elements.
struct Alphabet<K> {
    tokens: HashMap<K, u32>,
}

impl<K> Default for Alphabet<K> {
    fn default() -> Self {
        Self { tokens: HashMap::new() }
    }
}

impl<K: Hash + Eq> Alphabet<K> {
    fn token(&mut self, key: K) -> Token {
        let next = self.tokens.len() as u32;
        Token(*self.tokens.entry(key).or_insert(next))
    }
}

type Stretch = (Range<usize>, Range<usize>);

struct Aligned<'a> {
    task: &'a Task,
    first: &'a [Token],
    second: &'a [Token],
    hunks: Vec<Stretch>,
}

impl Aligned<'_> {
    fn push(&mut self, stretch: Stretch) {
        if let Some((first, second)) = self.hunks.last_mut()
            && first.end == stretch.0.start
            && second.end == stretch.1.start
        {
            (first.end, second.end) = (stretch.0.end, stretch.1.end);
        } else if !stretch.0.is_empty() || !stretch.1.is_empty() {
            self.hunks.push(stretch);
        }
    }

    /// Aligns the stretches between the elements of a subsequence that is aligned by content. Each of its elements
    /// comes with its place.
    fn between(
        &mut self,
        whole: Stretch,
        first: (Vec<usize>, Vec<Token>),
        second: (Vec<usize>, Vec<Token>),
    ) -> Result<(), Cancelled> {
        let mut at = (0, 0);
        let mut anchors = (0, 0);
        let hunks = hunks(&first.1, &second.1);
        let end = (first.1.len()..first.1.len(), second.1.len()..second.1.len());
        for hunk in hunks.into_iter().chain(std::iter::once(end)) {
            // Up to the hunk, the elements of the subsequence are matched.
            while anchors.0 < hunk.0.start {
                let (Some(a), Some(b)) = (first.0.get(anchors.0), second.0.get(anchors.1)) else { break };
                self.stretch((at.0..*a, at.1..*b))?;
                at = (a + 1, b + 1);
                anchors = (anchors.0 + 1, anchors.1 + 1);
            }
            anchors = (hunk.0.end, hunk.1.end);
        }
        self.stretch((at.0..whole.0.end, at.1..whole.1.end))
    }

    fn stretch(&mut self, (mut first, mut second): Stretch) -> Result<(), Cancelled> {
        let same = |a: usize, b: usize| self.first.get(a) == self.second.get(b);
        while !first.is_empty() && !second.is_empty() && same(first.start, second.start) {
            (first.start, second.start) = (first.start + 1, second.start + 1);
        }
        while !first.is_empty() && !second.is_empty() && same(first.end - 1, second.end - 1) {
            (first.end, second.end) = (first.end - 1, second.end - 1);
        }
        if first.is_empty() || second.is_empty() {
            self.push((first, second));
        } else if first.len() + second.len() <= SHORT {
            self.task.check()?;
            self.by_content((first, second));
        } else {
            self.task.check()?;
            self.by_position((first, second));
        }
        Ok(())
    }

    fn by_content(&mut self, (first, second): Stretch) {
        let (Some(a), Some(b)) = (self.first.get(first.clone()), self.second.get(second.clone())) else { return };
        for (x, y) in hunks(a, b) {
            self.push((first.start + x.start..first.start + x.end, second.start + y.start..second.start + y.end));
        }
    }

    fn by_position(&mut self, (first, second): Stretch) {
        for (a, b) in first.clone().zip(second.clone()) {
            if self.first.get(a) != self.second.get(b) {
                self.push((a..a + 1, b..b + 1));
            }
        }
        let both = first.len().min(second.len());
        self.push((first.start + both..first.end, second.start + both..second.end));
    }
}

fn hunks(first: &[Token], second: &[Token]) -> Vec<Stretch> {
    let tokens = first.iter().chain(second).map(|token| token.0 + 1).max().unwrap_or(0);
    let mut diff = Diff::default();
    diff.compute_with(Algorithm::Histogram, first, second, tokens);
    let wide = |range: Range<u32>| range.start as usize..range.end as usize;
    diff.hunks().map(|hunk| (wide(hunk.before), wide(hunk.after))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn aligned(before: &[u32], after: &[u32]) -> Vec<Hunk> {
        align(&Pair::new(before.to_vec(), after.to_vec()), &Task::default()).unwrap()
    }

    /// What is between the hunks, of both.
    fn matched(before: &[u32], after: &[u32]) -> (Vec<u32>, Vec<u32>) {
        let hunks = aligned(before, after);
        let rest = |keys: &[u32], range: fn(&Hunk) -> Range<u64>| {
            let inside = |at: u64| hunks.iter().any(|hunk| range(hunk).contains(&at));
            (0..).zip(keys).filter(|(at, _)| !inside(*at)).map(|(_, key)| *key).collect()
        };
        (rest(before, |hunk| hunk.before.clone()), rest(after, |hunk| hunk.after.clone()))
    }

    #[test]
    fn many_repeats_take_no_quadratic_time() {
        let noise =
            |seed: u32| -> Vec<u32> { (0..200_000u32).map(|n| (n ^ seed).wrapping_mul(2_654_435_761) >> 29).collect() };
        let (before, after) = (noise(1), noise(77));
        let started = std::time::Instant::now();
        let hunks = aligned(&before, &after);
        assert!(started.elapsed().as_secs() < 20);
        let unmatched: u64 = hunks.iter().map(|hunk| hunk.before.end - hunk.before.start).sum();
        assert!(unmatched < 200_000);
    }

    #[test]
    fn an_edit_among_repeats_is_found_beside_what_is_rare() {
        // Black frames, with a scene now and then.
        let before: Vec<u32> = (0..20_000).map(|n| if n % 100 == 0 { n } else { 1 }).collect();
        let mut after = before.clone();
        after.remove(5_050);
        after.insert(12_345, 7);
        let hunks = aligned(&before, &after);
        let size = |range: &Range<u64>| range.end - range.start;
        let sizes: Vec<_> = hunks.iter().map(|hunk| (size(&hunk.before), size(&hunk.after))).collect();
        assert_eq!(sizes, [(1, 0), (0, 1)]);
    }

    proptest! {
        #[test]
        fn what_is_matched_is_the_same(
            before in prop::collection::vec(0..5u32, 0..300), after in prop::collection::vec(0..5u32, 0..300)
        ) {
            let (old, new) = matched(&before, &after);
            prop_assert_eq!(old, new);
            let back = aligned(&after, &before).into_iter().map(|h| Hunk { before: h.after, after: h.before });
            prop_assert_eq!(aligned(&before, &after), back.collect::<Vec<_>>());
        }
    }
}
