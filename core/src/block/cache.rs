//! Blocks that were read lately, within a number of bytes.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::reader::Part;
use super::{BlockError, Content};

/// What is kept of a block. Failures are kept too: a block that took long to fail should not do so at every look.
#[derive(Clone)]
enum Kept {
    Content(Arc<Content>),
    Part(Arc<Part>),
    Failed(BlockError),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    Content,
    Part,
}

/// What a kept block costs beside its bytes.
const OVERHEAD: u64 = 256;

/// Keeps what was used last. Two threads that miss the same block at once both read it.
pub(crate) struct Cache {
    budget: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    blocks: HashMap<Key, Entry>,
    /// By when they were used last.
    by_use: BTreeMap<u64, Key>,
    uses: u64,
    total: u64,
}

struct Entry {
    kept: Kept,
    weight: u64,
    used: u64,
}

type Key = (Form, u64);

impl Cache {
    /// Keeps blocks of `budget` bytes in all.
    pub(crate) fn new(budget: u64) -> Self {
        Self { budget, state: Mutex::default() }
    }

    /// The whole block: kept, or read now.
    pub(crate) fn content(
        &self,
        block: u64,
        read: impl FnOnce() -> Result<Content, BlockError>,
    ) -> Result<Arc<Content>, BlockError> {
        match self.get((Form::Content, block)) {
            Some(Kept::Content(content)) => return Ok(content),
            Some(Kept::Failed(error)) => return Err(error),
            Some(Kept::Part(_)) | None => {}
        }
        let content = read().map(Arc::new);
        let (kept, weight) = match &content {
            Ok(content) => (Kept::Content(content.clone()), content.bytes.len() as u64),
            Err(error) => (Kept::Failed(error.clone()), 0),
        };
        self.put((Form::Content, block), kept, weight);
        content
    }

    /// What windows of the block are read from: kept, or made now.
    pub(crate) fn part(&self, block: u64, make: impl FnOnce() -> Part) -> Arc<Part> {
        if let Some(Kept::Part(part)) = self.get((Form::Part, block)) {
            return part;
        }
        let part = Arc::new(make());
        self.put((Form::Part, block), Kept::Part(part.clone()), part.weight());
        part
    }

    fn get(&self, key: Key) -> Option<Kept> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).get(key)
    }

    fn put(&self, key: Key, kept: Kept, weight: u64) {
        let weight = weight.saturating_add(OVERHEAD);
        if weight > self.budget {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.put(key, kept, weight);
        while state.total > self.budget && state.drop_oldest() {}
    }
}

impl State {
    fn get(&mut self, key: Key) -> Option<Kept> {
        let entry = self.blocks.get_mut(&key)?;
        self.uses += 1;
        self.by_use.remove(&entry.used);
        self.by_use.insert(self.uses, key);
        entry.used = self.uses;
        Some(entry.kept.clone())
    }

    fn put(&mut self, key: Key, kept: Kept, weight: u64) {
        self.uses += 1;
        self.by_use.insert(self.uses, key);
        self.total = self.total.saturating_add(weight);
        if let Some(replaced) = self.blocks.insert(key, Entry { kept, weight, used: self.uses }) {
            self.by_use.remove(&replaced.used);
            self.total = self.total.saturating_sub(replaced.weight);
        }
    }

    /// Drops what was not used for longest; false if there is nothing.
    fn drop_oldest(&mut self) -> bool {
        let Some((_, key)) = self.by_use.pop_first() else { return false };
        self.total = self.total.saturating_sub(self.blocks.remove(&key).map_or(0, |entry| entry.weight));
        true
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("budget", &self.budget).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Stage;
    use super::*;

    fn content(len: usize) -> Content {
        Content { bytes: vec![0; len], stage: Stage::Plain, provisional: false }
    }

    #[test]
    fn the_least_recently_used_goes_first_and_the_budget_holds() {
        let cache = Cache::new(3 * (1000 + OVERHEAD));
        let mut reads = Vec::new();
        for block in [0, 1, 2, 0, 3, 0, 1] {
            let read = || {
                reads.push(block);
                Ok(content(1000))
            };
            assert_eq!(cache.content(block, read).unwrap().bytes.len(), 1000);
        }
        assert_eq!(reads, [0, 1, 2, 3, 1]);
        assert_eq!(cache.state.lock().unwrap().total, 3 * (1000 + OVERHEAD));
    }

    #[test]
    fn what_is_over_the_budget_is_given_and_not_kept() {
        let cache = Cache::new(1000);
        assert_eq!(cache.content(0, || Ok(content(5000))).unwrap().bytes.len(), 5000);
        assert_eq!(cache.content(0, || Ok(content(10))).unwrap().bytes.len(), 10);
    }

    #[test]
    fn a_failure_is_kept() {
        let cache = Cache::new(1000);
        let error = BlockError::OutOfRange { index: 9, blocks: 1 };
        assert_eq!(cache.content(9, || Err(error.clone())), Err(error.clone()));
        assert_eq!(cache.content(9, || Ok(content(1))), Err(error));
    }
}
