//! Batches that several threads make at the same time and one takes in order, with a bound on what is in memory.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// The batches between those who make them and the one who takes them.
pub(super) struct Lane<B> {
    state: Mutex<State<B>>,
    changed: Condvar,
    /// Batches begun and not yet taken, at most.
    ahead: u64,
    /// Bytes held by batches begun and not yet taken, at most: but for the batch that is due, which needs no leave, or
    /// those before it could keep it waiting for ever.
    budget: u64,
}

struct State<B> {
    /// Where the next batch begins.
    at: usize,
    begun: u64,
    /// The batch to be taken next, or being taken.
    due: u64,
    held: u64,
    done: BTreeMap<u64, (B, u64)>,
    /// Threads that still make batches.
    makers: usize,
    over: bool,
}

/// A thread that makes batches. Going, it lets the others know.
pub(super) struct Maker<'a, B> {
    lane: &'a Lane<B>,
}

/// Leave to make a batch.
pub(super) struct Turn {
    number: u64,
    held: u64,
}

impl<B> Lane<B> {
    /// For so many makers at most. Those who [`join`](Self::join) count, and nobody waits for others.
    pub(super) fn new(makers: usize, budget: u64) -> Self {
        let state = State { at: 0, begun: 0, due: 0, held: 0, done: BTreeMap::new(), makers: 0, over: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), ahead: 2 * makers as u64, budget }
    }

    /// One more maker. To be called before its thread starts: who takes ends when there are none.
    pub(super) fn join(&self) -> Maker<'_, B> {
        self.state().makers += 1;
        Maker { lane: self }
    }

    fn state(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<B>>) -> MutexGuard<'a, State<B>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands the batches on in their order, until there are no more or one fails. Then nobody makes any more.
    pub(super) fn take_all<E>(&self, mut take: impl FnMut(B) -> Result<(), E>) -> Result<(), E> {
        let mut outcome = Ok(());
        while outcome.is_ok() {
            let mut state = self.state();
            let due = state.due;
            let (batch, held) = loop {
                match state.done.remove(&due) {
                    Some(done) => break done,
                    None if state.makers == 0 => return Ok(()),
                    None => state = self.wait(state),
                }
            };
            drop(state);
            outcome = take(batch);
            let mut state = self.state();
            state.due += 1;
            state.held -= held;
            state.over |= outcome.is_err();
            drop(state);
            self.changed.notify_all();
        }
        outcome
    }
}

impl<B> Maker<'_, B> {
    /// The next batch to make, which `plan` chooses: given where it begins, what it is and where the one after it begins.
    pub(super) fn begin<P>(&self, plan: impl Fn(usize) -> Option<(P, usize)>) -> Option<(Turn, P)> {
        let lane = self.lane;
        let mut state = lane.state();
        while !state.over && state.begun >= state.due + lane.ahead {
            state = lane.wait(state);
        }
        let (planned, next) = plan(state.at).filter(|_| !state.over)?;
        state.at = next;
        let number = state.begun;
        state.begun += 1;
        Some((Turn { number, held: 0 }, planned))
    }

    /// Waits until there is room for `bytes`; false where nobody wants them any more.
    pub(super) fn reserve(&self, turn: &mut Turn, bytes: u64) -> bool {
        let lane = self.lane;
        let mut state = lane.state();
        while !state.over && turn.number != state.due && state.held.saturating_add(bytes) > lane.budget {
            state = lane.wait(state);
        }
        state.held = state.held.saturating_add(bytes);
        turn.held = bytes;
        !state.over
    }

    /// Hands over a batch that turned out to hold `bytes`.
    pub(super) fn finish(&self, turn: Turn, batch: B, bytes: u64) {
        let mut state = self.lane.state();
        state.held = (state.held - turn.held).saturating_add(bytes);
        state.done.insert(turn.number, (batch, bytes));
        drop(state);
        self.lane.changed.notify_all();
    }
}

impl<B> Drop for Maker<'_, B> {
    fn drop(&mut self) {
        let mut state = self.lane.state();
        state.makers -= 1;
        // Its batch never comes, and so none after it is ever taken.
        state.over |= thread::panicking();
        drop(state);
        self.lane.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Runs `count` batches of ten bytes through a lane of that budget; what was taken, and the most that was held.
    fn run(makers: usize, count: usize, budget: u64, fails_at: Option<usize>) -> (Vec<usize>, u64) {
        let lane = Lane::new(makers, budget);
        let (held, most) = (AtomicU64::new(0), AtomicU64::new(0));
        let mut taken = Vec::new();
        thread::scope(|scope| {
            for maker in (0..makers).map(|_| lane.join()) {
                scope.spawn(|| {
                    let maker = maker;
                    while let Some((mut turn, at)) = maker.begin(|at| (at < count).then_some((at, at + 1))) {
                        if !maker.reserve(&mut turn, 10) {
                            return;
                        }
                        most.fetch_max(held.fetch_add(10, Ordering::SeqCst) + 10, Ordering::SeqCst);
                        maker.finish(turn, at, 10);
                    }
                });
            }
            _ = lane.take_all(|at| {
                held.fetch_sub(10, Ordering::SeqCst);
                taken.push(at);
                if fails_at == Some(at) { Err(()) } else { Ok(()) }
            });
        });
        (taken, most.into_inner())
    }

    #[test]
    fn batches_are_taken_in_order_within_the_budget() {
        for makers in [1, 2, 8] {
            for budget in [0, 10, 35, 1000] {
                let (taken, most) = run(makers, 300, budget, None);
                assert!(taken.into_iter().eq(0..300), "{makers} {budget}");
                // The batch that is due needs no leave.
                assert!(most <= budget + 10, "{makers} {budget}: {most}");
            }
        }
        assert_eq!(run(3, 0, 10, None), (Vec::new(), 0));
    }

    #[test]
    fn nobody_waits_for_makers_that_never_came() {
        let lane: Lane<usize> = Lane::new(8, 100);
        let mut taken = Vec::new();
        thread::scope(|scope| {
            // Seven joined, and their threads did not start.
            let mut makers: Vec<_> = (0..8).map(|_| lane.join()).collect();
            let maker = makers.pop().unwrap();
            drop(makers);
            scope.spawn(move || {
                while let Some((turn, at)) = maker.begin(|at| (at < 5).then_some((at, at + 1))) {
                    maker.finish(turn, at, 0);
                }
            });
            let take = |at| {
                taken.push(at);
                Ok::<(), ()>(())
            };
            lane.take_all(take).unwrap();
        });
        assert_eq!(taken, [0, 1, 2, 3, 4]);
        assert_eq!(Lane::<usize>::new(8, 100).take_all(|_| Err(())), Ok(()), "nobody came at all");
    }

    #[test]
    fn a_failure_ends_all() {
        assert!(run(4, 1_000_000, 30, Some(7)).0.into_iter().eq(0..8));
    }

    #[test]
    fn a_maker_that_panics_ends_all() {
        let lane: Lane<usize> = Lane::new(2, 100);
        let ended = thread::scope(|scope| {
            let [first, second] = [lane.join(), lane.join()];
            let panicking = scope.spawn(|| {
                let maker = first;
                _ = maker.begin(|at| Some(((), at + 1)));
                std::panic::resume_unwind(Box::new(()));
            });
            scope.spawn(|| {
                let maker = second;
                while let Some((turn, at)) = maker.begin(|at| Some((at, at + 1))) {
                    maker.finish(turn, at, 0);
                }
            });
            let outcome = lane.take_all(|_| Ok::<(), ()>(()));
            (outcome, panicking.join().is_err())
        });
        assert_eq!(ended, (Ok(()), true));
    }
}
