//! Reading what the Hex view shows: the block, its preview, and the blocks beside it, before they are asked for.

use std::sync::Arc;

use super::Goal;
use super::asked::{Ahead, Asked, ExtentId};
use super::cursor::{catch_up, follow, settle_cursor};
use super::geometry::Panel;
use super::shown::{Empty, Shown, shown};
use crate::tui::command::View;
use crate::tui::state::{Effect, JobKind, Request, Running, State};
use h4mk::block::{BlockError, Reading};
use h4mk::container::Container;
use h4mk::explore::extent::{COUNTED_AT_ONCE, Coding, Extent};
use h4mk::explore::preview::Preview;
use h4mk::index::{Chunk, State as ChunkState};
use h4mk::task::Task;

/// What the bytes that are shown need, once it is known which they are: the cursor on them, and what reads them.
pub(super) fn wanted(state: &mut State) -> Vec<Effect> {
    if state.hex.seen != state.selection {
        follow(state);
    }
    let mut effects = ask_for_coding(state);
    let Ok(shown) = shown(state) else { return effects };
    effects.extend(look_at_chunk(state));
    if let Some(goal) = state.hex.goal.take() {
        let position = match goal {
            Goal::Start => None,
            Goal::FileOffset(offset) => shown.extent.position_of(&shown.container, offset),
            Goal::Position(position) => Some(position),
        };
        state.hex.cursor = position.unwrap_or(shown.range.start);
    }
    settle_cursor(state, &shown);
    effects.extend(ask_for_preview(state, &shown));
    effects.extend(ask_ahead(state, &shown));
    effects
}

/// To an offset in what is shown: from the chunk's start, from the block's.
pub(in crate::tui::state) fn go_within(state: &mut State, offset: u64) -> Result<Vec<Effect>, String> {
    catch_up(state);
    let effects = wanted(state);
    let position = match shown(state) {
        Ok(Shown { range, .. }) => {
            let position = range.start.checked_add(offset).filter(|position| range.contains(position));
            position.ok_or_else(|| format!("what Hex shows ends at +{:#x}", range.end - range.start))?
        }
        // Of a block that is still to be read, whether it reaches so far will be seen.
        Err(Empty::NotRead(..)) => offset,
        Err(Empty::NotIndexed) => return Err("the file is not indexed yet".to_owned()),
    };
    state.show(View::Hex);
    state.hex.goal = Some(Goal::Position(position));
    Ok(effects)
}

/// Recomputes the CRC of the chunk that is shown: of a small one at once, else in the background. Whoever decodes a block
/// has done that before.
fn look_at_chunk(state: &mut State) -> Vec<Effect> {
    let Some(container) = state.container.clone() else { return Vec::new() };
    let chunk = state.selection.chunk.and_then(|chunk| container.index().chunk(chunk));
    let Some(chunk) = chunk.filter(|chunk| container.state(chunk) == ChunkState::Unchecked) else { return Vec::new() };
    // What a wrong CRC means a worker finds out: the length may hide other chunks.
    if chunk.len <= COUNTED_AT_ONCE && container.is_intact(&chunk) {
        return Vec::new();
    }
    let asked = |running: &Running| matches!(&running.job.request, Request::Measure(_, of) if of.contains(&chunk));
    match state.jobs.running().iter().any(asked) {
        true => Vec::new(),
        false => vec![Effect::Start(state.jobs.start(Request::Measure(container, vec![chunk])))],
    }
}

/// Sees to it that a block is read before it is shown decoded: few runs at once, all else in the background.
fn ask_for_coding(state: &mut State) -> Vec<Effect> {
    let Err(Empty::NotRead(chunk, reading)) = shown(state) else { return Vec::new() };
    let about = ExtentId::of_decoded(&chunk);
    let (Some(container), Some(block), false) =
        (&state.container, chunk.block, state.hex.coding.as_ref().is_some_and(|coding| coding.about == about))
    else {
        return Vec::new();
    };
    let read = state.hex.ahead.take(&about);
    let is_read = read.is_some();
    let before = state.hex.coding.replace(Asked { about, answer: read });
    if let Some((about, read)) = before.and_then(|before| Some((before.about, before.answer?))) {
        state.hex.ahead.keep(about, read);
    }
    // The length of a block with a wrong CRC may hide others: whoever reads it in the background looks for them.
    if is_read && !container.is_doubted(&chunk) {
        return Vec::new();
    }
    if reading == Reading::Runs && chunk.len <= COUNTED_AT_ONCE && !container.is_doubted(&chunk) {
        // Nobody can cancel a task that is not shared.
        if let Ok(coding) = container.coding(block, &Task::default()) {
            decoded(state, &chunk, Ok(coding));
        }
        return Vec::new();
    }
    let request = Request::Decode(container.clone(), chunk);
    vec![Effect::Start(state.jobs.start(request))]
}

/// A block was read.
pub(in crate::tui::state) fn decoded(state: &mut State, chunk: &Chunk, coding: Result<Coding, BlockError>) {
    let about = ExtentId::of_decoded(chunk);
    if let Some(asked) = state.hex.coding.as_mut().filter(|asked| asked.about == about) {
        asked.answer = Some(coding);
    }
}

/// A block beside the one that is shown was read.
pub(in crate::tui::state) fn read_ahead(state: &mut State, chunk: &Chunk, coding: Result<Coding, BlockError>) {
    state.hex.ahead.keep(ExtentId::of_decoded(chunk), coding);
}

/// Blocks are read in another way now: what was read of them counts no more.
pub(in crate::tui::state) fn forget(state: &mut State) {
    for kind in [JobKind::Decode, JobKind::Ahead, JobKind::Find, JobKind::Preview] {
        state.jobs.cancel(kind);
    }
    (state.hex.coding, state.hex.preview, state.hex.ahead) = (None, None, Ahead::default());
    if let Some(search) = &mut state.hex.search {
        search.forget();
    }
    if !state.hex.whole {
        (state.hex.anchor, state.hex.goal) = (None, Some(Goal::Start));
    }
}

/// More of the file is known: a block that could not be read gets another chance.
pub(in crate::tui::state) fn forget_failures(state: &mut State) {
    state.hex.coding = state.hex.coding.take().filter(|coding| !matches!(coding.answer, Some(Err(_))));
    state.hex.ahead = Ahead::default();
}

fn ask_for_preview(state: &mut State, shown: &Shown) -> Vec<Effect> {
    if state.hex.panel != Panel::Preview {
        state.jobs.cancel(JobKind::Preview);
        return Vec::new();
    }
    let content = shown.content();
    let about = ExtentId::of(&content);
    if state.hex.preview.as_ref().is_some_and(|preview| preview.about == about) {
        return Vec::new();
    }
    state.hex.preview = Some(Asked { about, answer: None });
    let request = Request::Preview(shown.container.clone(), content);
    vec![Effect::Start(state.jobs.start(request))]
}

/// Content was looked at.
pub(in crate::tui::state) fn previewed(state: &mut State, extent: &Extent, preview: Arc<Preview>) {
    let about = ExtentId::of(extent);
    if let Some(asked) = state.hex.preview.as_mut().filter(|asked| asked.about == about) {
        asked.answer = Some(preview);
    }
}

/// The share of the cache that the stored bytes of one block may have. What they decode to is bounded by
/// [`Options::max_block_size`](h4mk::container::Options::max_block_size) and mostly far below.
const SHARE: u64 = 64;

/// Reads on, where that takes noticeable time: the next block, and the one before.
fn ask_ahead(state: &mut State, shown: &Shown) -> Vec<Effect> {
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
