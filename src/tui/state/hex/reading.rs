//! Reading what the Hex view shows: the block, its preview, and the blocks beside it, before they are asked for.

use std::sync::Arc;

use super::Goal;
use super::asked::{Ahead, Asked, ByteViewId};
use super::cursor::{catch_up, ends_at, follow, in_sight, settle_cursor, settle_goal, stop_waiting};
use super::geometry::Panel;
use super::pages::Missing;
use super::searching::begin_search;
use super::shown::{Empty, Shown, shown};
use crate::tui::command::View;
use crate::tui::state::{Effect, JobKind, Request, Running, State};
use h4mk::block::{BlockError, Reading};
use h4mk::container::Container;
use h4mk::explore::byte_view::{ByteSource, ByteView};
use h4mk::explore::page::{PAGE_LEN, Page};
use h4mk::explore::preview::Preview;
use h4mk::index::{Chunk, State as ChunkState};

/// Bytes that a value at the cursor has at most.
pub const VALUE_BYTES: u64 = 8;

/// What the bytes that are shown need, once it is known which they are: the cursor on them, and what reads them.
pub(super) fn wanted(state: &mut State) -> Vec<Effect> {
    if state.hex.seen != state.selection {
        follow(state);
    }
    let mut effects = ask_for_coding(state);
    let Ok(shown) = shown(state) else { return effects };
    effects.extend(settle_goal(state, &shown));
    settle_cursor(state, &shown);
    effects.extend(look_at_chunks(state, &shown));
    effects.extend(ask_for_pages(state, &shown));
    effects.extend(begin_search(state, &shown));
    effects.extend(ask_for_preview(state, &shown));
    effects.extend(ask_ahead(state, &shown));
    effects
}

/// To an offset in what is shown: from the chunk's start, from the block's.
pub(in crate::tui::state) fn go_within(state: &mut State, offset: u64) -> Result<Vec<Effect>, String> {
    catch_up(state);
    let effects = wanted(state);
    let position = match shown(state) {
        Ok(shown) => {
            let position = shown.range.start.checked_add(offset).filter(|position| shown.range.contains(position));
            position.ok_or_else(|| ends_at(&shown))?
        }
        // Of a block that is still to be read, whether it reaches so far will be seen.
        Err(Empty::NotRead(..)) => offset,
        Err(Empty::NotIndexed) => return Err("the file is not indexed yet".to_owned()),
    };
    state.show(View::Hex);
    state.hex.goal = Some(Goal::Position(position));
    Ok(effects)
}

/// Sees to it that the bytes in sight are read, with those beside them that a match on the screen may begin or end in, and
/// the ones that a key waits for.
fn ask_for_pages(state: &mut State, shown: &Shown) -> Vec<Effect> {
    let Some(in_sight) = in_sight(state, shown) else { return Vec::new() };
    let needle = state.hex.search.as_ref().map_or(0, |search| search.needle.bytes().len() as u64).min(PAGE_LEN);
    let first = in_sight.start.saturating_sub(needle).clamp(shown.range.start, shown.range.end);
    let last = in_sight.end.saturating_add(needle.max(VALUE_BYTES)).clamp(first, shown.range.end);
    let mut numbers: Vec<u64> = (Page::number_of(first)..=Page::number_of(last.saturating_sub(1).max(first))).collect();
    numbers.extend(state.hex.needs.map(|Missing(position)| Page::number_of(position)));
    let is_reading = state.jobs.is_running(JobKind::Read);
    let Some((byte_view, numbers)) = state.hex.pages.ask(shown, &numbers, is_reading) else { return Vec::new() };
    let request = Request::Read { container: shown.container.clone(), byte_view, numbers };
    vec![Effect::Start(state.jobs.start(request))]
}

/// A page was read.
pub(in crate::tui::state) fn read(state: &mut State, byte_view: &ByteView, number: u64, page: Arc<Page>) {
    state.hex.pages.keep(byte_view, number, page);
}

/// Chunks up to this size are looked at when their headers come into sight.
const LOOKED_AT_IN_PASSING: u64 = 1 << 20;

/// Has the CRC of the selected chunk recomputed, and in the whole file those of the small ones in sight. Whoever decodes a
/// block has done that before.
fn look_at_chunks(state: &mut State, shown: &Shown) -> Vec<Effect> {
    let (container, index) = (&shown.container, shown.container.index());
    let in_sight = in_sight(state, shown).filter(|_| state.hex.whole).into_iter().flat_map(|positions| {
        let first = index.at_offset(positions.start).or_else(|| index.from_offset(positions.start));
        let chunks = first.into_iter().flat_map(|first| (first.index()..).map_while(|at| index.chunk(at)));
        chunks.take_while(move |chunk| chunk.offset() < positions.end)
    });
    let small = in_sight.filter(|chunk| chunk.len() <= LOOKED_AT_IN_PASSING);
    let selected = state.selection.chunk.and_then(|chunk| index.chunk(chunk));
    let mut unchecked: Vec<Chunk> =
        selected.into_iter().chain(small).filter(|chunk| container.state(chunk) == ChunkState::Unchecked).collect();
    unchecked.dedup();
    let is_asked = |running: &Running| match &running.job.request {
        Request::Measure(_, of) => unchecked.iter().all(|chunk| of.contains(chunk)),
        _ => false,
    };
    if unchecked.is_empty() || state.jobs.running().iter().any(is_asked) {
        return Vec::new();
    }
    vec![Effect::Start(state.jobs.start(Request::Measure(container.clone(), unchecked)))]
}

/// Sees to it that a block is read before it is shown decoded.
fn ask_for_coding(state: &mut State) -> Vec<Effect> {
    let Err(Empty::NotRead(chunk, _)) = shown(state) else { return Vec::new() };
    let about = ByteViewId::of_decoded(&chunk);
    let (Some(container), false) =
        (&state.container, state.hex.coding.as_ref().is_some_and(|coding| coding.about == about))
    else {
        return Vec::new();
    };
    let read = state.hex.ahead.take(&about);
    let is_read = read.is_some();
    let before = state.hex.coding.replace(Asked { about, answer: read });
    if let Some((about, read)) = before.and_then(|before| Some((before.about, before.answer?))) {
        state.hex.ahead.keep(about, read);
    }
    if is_read {
        return Vec::new();
    }
    let request = Request::Decode(container.clone(), chunk);
    vec![Effect::Start(state.jobs.start(request))]
}

/// A block was read.
pub(in crate::tui::state) fn decoded(state: &mut State, chunk: &Chunk, coding: Result<ByteSource, BlockError>) {
    let about = ByteViewId::of_decoded(chunk);
    if let Some(asked) = state.hex.coding.as_mut().filter(|asked| asked.about == about) {
        asked.answer = Some(coding);
    }
}

/// A block beside the one that is shown was read.
pub(in crate::tui::state) fn read_ahead(state: &mut State, chunk: &Chunk, coding: Result<ByteSource, BlockError>) {
    state.hex.ahead.keep(ByteViewId::of_decoded(chunk), coding);
}

/// Blocks are read in another way now: what was read of them counts no more.
pub(in crate::tui::state) fn forget(state: &mut State) {
    for kind in [JobKind::Read, JobKind::Decode, JobKind::Ahead, JobKind::Find, JobKind::Preview] {
        state.jobs.cancel(kind);
    }
    (state.hex.coding, state.hex.preview, state.hex.ahead) = (None, None, Ahead::default());
    state.hex.pages.forget();
    stop_waiting(state);
    if let Some(search) = &mut state.hex.search {
        search.forget();
    }
    if !state.hex.whole {
        (state.hex.anchor, state.hex.goal) = (None, Some(Goal::Start));
    }
}

/// More of the file is known: a block that could not be read gets another chance.
pub(in crate::tui::state) fn forget_failures(state: &mut State) {
    outdate(state);
    state.hex.coding = state.hex.coding.take().filter(|coding| !matches!(coding.answer, Some(Err(_))));
    state.hex.ahead = Ahead::default();
}

/// What is said of bytes may be more now: those in sight are read once more.
pub(in crate::tui::state) fn outdate(state: &mut State) {
    state.hex.pages.outdate();
}

fn ask_for_preview(state: &mut State, shown: &Shown) -> Vec<Effect> {
    if state.hex.panel != Panel::Preview {
        state.jobs.cancel(JobKind::Preview);
        return Vec::new();
    }
    let content = shown.content();
    let about = ByteViewId::of(&content);
    if state.hex.preview.as_ref().is_some_and(|preview| preview.about == about) {
        return Vec::new();
    }
    state.hex.preview = Some(Asked { about, answer: None });
    let request = Request::Preview(shown.container.clone(), content);
    vec![Effect::Start(state.jobs.start(request))]
}

/// Content was looked at.
pub(in crate::tui::state) fn previewed(state: &mut State, byte_view: &ByteView, preview: Arc<Preview>) {
    let about = ByteViewId::of(byte_view);
    if let Some(asked) = state.hex.preview.as_mut().filter(|asked| asked.about == about) {
        asked.answer = Some(preview);
    }
}

/// The share of the cache that the stored bytes of one block may have. What they decode to is bounded by
/// [`Options::max_block_size`](h4mk::container::Options::max_block_size) and mostly far below.
const SHARE: u64 = 64;

/// Reads on: the next block, and the one before.
fn ask_ahead(state: &mut State, shown: &Shown) -> Vec<Effect> {
    let of = match &shown.byte_view {
        ByteView::Decoded { chunk, .. } => chunk,
        ByteView::Stored(_) => return Vec::new(),
    };
    let about = ByteViewId::of_decoded(of);
    if state.hex.ahead.of.as_ref() == Some(&about) {
        return Vec::new();
    }
    let container = &shown.container;
    let block = of.block().unwrap_or_default();
    let beside = [block.checked_add(1), block.checked_sub(1)];
    let mut beside: Vec<Chunk> =
        beside.into_iter().flatten().filter_map(|block| container.index().block(block)).collect();
    state.hex.ahead.read.retain(|(id, _)| beside.iter().any(|chunk| ByteViewId::of_decoded(chunk) == *id));
    let read = &state.hex.ahead.read;
    beside.retain(|chunk| {
        is_affordable(container, chunk) && read.iter().all(|(id, _)| *id != ByteViewId::of_decoded(chunk))
    });
    state.hex.ahead.of = Some(about);
    state.jobs.cancel(JobKind::Ahead);
    if beside.is_empty() {
        return Vec::new();
    }
    let request = Request::Ahead(Arc::clone(container), beside);
    vec![Effect::Start(state.jobs.start(request))]
}

/// Reading the block costs no more memory than it may.
fn is_affordable(container: &Container, chunk: &Chunk) -> bool {
    match chunk.block().map(|block| container.reading(block)) {
        Some(Ok(Reading::Stored | Reading::Runs)) => true,
        Some(Ok(Reading::Whole)) => chunk.len() <= container.options().cache_bytes / SHARE,
        _ => false,
    }
}
