//! Blocks that were read lately, within a number of bytes.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::reader::PreparedBlock;
use super::{BlockError, Content};
use crate::recent::Recent;

/// What is kept of a block. Failures are kept too: a block that took long to fail should not do so at every look.
#[derive(Clone)]
enum Kept {
    Content(Arc<Content>),
    Part(Arc<PreparedBlock>),
    Failed(BlockError),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum KeptForm {
    Content,
    Part,
}

/// What a kept block costs beside its bytes.
const OVERHEAD: u64 = 256;

/// Keeps what was used last. Two threads that miss the same block at once both read it.
pub(crate) struct Cache {
    blocks: Mutex<Recent<CacheKey, Kept>>,
}

type CacheKey = (KeptForm, u64);

impl Cache {
    /// Keeps blocks of `budget` bytes in all.
    pub(crate) fn new(budget: u64) -> Self {
        Self { blocks: Mutex::new(Recent::new(budget)) }
    }

    /// The whole block: kept, or read now.
    pub(crate) fn content(
        &self,
        block: u64,
        read: impl FnOnce() -> Result<Content, BlockError>,
    ) -> Result<Arc<Content>, BlockError> {
        match self.get((KeptForm::Content, block)) {
            Some(Kept::Content(content)) => return Ok(content),
            Some(Kept::Failed(error)) => return Err(error),
            Some(Kept::Part(_)) | None => {}
        }
        let content = read().map(Arc::new);
        let (kept, weight) = match &content {
            Ok(content) => (Kept::Content(content.clone()), content.bytes.len() as u64),
            Err(error) => (Kept::Failed(error.clone()), 0),
        };
        self.put((KeptForm::Content, block), kept, weight);
        content
    }

    /// What windows of the block are read from: kept, or made now.
    pub(crate) fn part(&self, block: u64, make: impl FnOnce() -> PreparedBlock) -> Arc<PreparedBlock> {
        if let Some(Kept::Part(part)) = self.get((KeptForm::Part, block)) {
            return part;
        }
        let part = Arc::new(make());
        self.put((KeptForm::Part, block), Kept::Part(part.clone()), part.weight());
        part
    }

    fn get(&self, key: CacheKey) -> Option<Kept> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).get(key)
    }

    fn put(&self, key: CacheKey, kept: Kept, weight: u64) {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).put(key, kept, weight.saturating_add(OVERHEAD));
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
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
        assert_eq!(cache.blocks.lock().unwrap().total(), 3 * (1000 + OVERHEAD));
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
