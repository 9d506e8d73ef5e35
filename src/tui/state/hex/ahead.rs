//! Blocks beside the one that is shown, read before they are asked for: whoever scrubs never waits for the next one.

use std::sync::Arc;

use super::{ExtentId, Read, Shown};
use crate::tui::state::{Effect, JobKind, Request, State};
use h4mk::block::Reading;
use h4mk::container::Container;
use h4mk::explore::extent::{COUNTED_AT_ONCE, Extent};
use h4mk::index::Chunk;

/// The share of the cache that the stored bytes of one block may have. What they decode to is bounded by
/// [`Options::max_block_size`](h4mk::container::Options::max_block_size) and mostly far below.
const SHARE: u64 = 64;

/// What was read beside the block that is shown.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// The block that is shown.
    of: Option<ExtentId>,
    read: Vec<(ExtentId, Read)>,
}

impl Ahead {
    /// What was read of a block; afterwards somebody else keeps it.
    pub(super) fn take(&mut self, about: &ExtentId) -> Option<Read> {
        let at = self.read.iter().position(|(id, _)| id == about)?;
        Some(self.read.swap_remove(at).1)
    }

    /// Keeps what was read of a block, as long as it stands beside the one that is shown.
    pub(super) fn keep(&mut self, about: ExtentId, read: Read) {
        self.take(&about);
        self.read.push((about, read));
    }
}

/// Reads on, where that takes noticeable time: the next block, and the one before.
pub(super) fn ask_ahead(state: &mut State, shown: &Shown) -> Vec<Effect> {
    let of = match &shown.extent {
        Extent::Decoded { chunk, .. } => chunk,
        Extent::Stored(_) => return Vec::new(),
    };
    let about = ExtentId::of_decoded(of);
    if state.hex.ahead.of.as_ref() == Some(&about) {
        return Vec::new();
    }
    let container = &shown.container;
    let block = of.block.unwrap_or_default();
    let beside = [block.checked_add(1), block.checked_sub(1)];
    let mut beside: Vec<Chunk> =
        beside.into_iter().flatten().filter_map(|block| container.index().block(block)).collect();
    state.hex.ahead.read.retain(|(id, _)| beside.iter().any(|chunk| ExtentId::of_decoded(chunk) == *id));
    let read = &state.hex.ahead.read;
    beside
        .retain(|chunk| takes_time(container, chunk) && read.iter().all(|(id, _)| *id != ExtentId::of_decoded(chunk)));
    state.hex.ahead.of = Some(about);
    state.jobs.cancel(JobKind::Ahead);
    if beside.is_empty() {
        return Vec::new();
    }
    let request = Request::Ahead(Arc::clone(container), beside);
    vec![Effect::Start(state.jobs.start(request))]
}

/// The block is not read at once when it is shown, and reading it costs no more memory than it may.
fn takes_time(container: &Container, chunk: &Chunk) -> bool {
    match chunk.block.map(|block| container.reading(block)) {
        Some(Ok(Reading::Runs)) => chunk.len > COUNTED_AT_ONCE,
        Some(Ok(Reading::Whole)) => chunk.len <= container.options().cache_bytes / SHARE,
        _ => false,
    }
}
