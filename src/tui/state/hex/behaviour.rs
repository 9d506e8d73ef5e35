//! What happens to the Hex view.

use std::sync::Arc;

use ratatui::layout::Position;

use super::ahead::{Ahead, ask_ahead};
use super::geometry::{Geometry, PanelKind};
use super::{Asked, Empty, ExtentId, Goal, HexCommand, Panel, Rows, Shown, chunk_name, search, shown};
use crate::hexdump::hex_digits;
use crate::tui::rows::Motion;
use crate::tui::state::update::{copied, copied_raw, follow_selection, select, show};
use crate::tui::state::views::Behaviour;
use crate::tui::state::{Command, Effect, JobKind, Level, Request, Running, Selection, State, View};
use h4mk::block::{BlockError, Form, Reading};
use h4mk::explore::extent::{COUNTED_AT_ONCE, Coding, Extent};
use h4mk::explore::fields::field_at;
use h4mk::explore::find::Needle;
use h4mk::explore::preview::Preview;
use h4mk::index::{Chunk, State as ChunkState};
use h4mk::task::Task;
use h4mk::text::escape_bytes;

/// Bytes that are copied at most: terminals drop longer texts.
const COPY_BYTES: u64 = 32 << 10;

/// The view's behaviour.
pub(in crate::tui::state) struct HexView;

impl Behaviour for HexView {
    fn run(&self, state: &mut State, command: Command) -> Option<Vec<Effect>> {
        match command {
            Command::Move(motion) => {
                with_shown(state, |state, shown| step(state, shown, motion));
            }
            Command::Raw => {
                toggle_form(state);
            }
            Command::Copy => return with_shown(state, |state, shown| copy(state, shown, Copied::Hex)),
            Command::CopyRaw => return with_shown(state, |state, shown| copy(state, shown, Copied::Raw)),
            Command::Open => {
                with_shown(state, open);
            }
            Command::Close if state.hex.anchor.is_some() => state.hex.anchor = None,
            // A job that runs is what Esc stops first.
            Command::Close if state.hex.search.is_some() && !state.jobs.can_cancel() => {
                state.hex.search = None;
            }
            Command::NextMatch | Command::PreviousMatch => {
                return search::next(state, command == Command::NextMatch);
            }
            Command::Hex(command) => return Some(run_own(state, command)),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn follow(&self, state: &mut State) {
        if state.hex.leading {
            return;
        }
        state.hex.seen = state.selection.clone();
        state.hex.pointed = state.selection.bytes.clone();
        state.hex.whole = state.hex.pointed.is_some();
        state.hex.anchor = None;
        state.hex.goal = Some(match &state.hex.pointed {
            Some(bytes) => Goal::FileOffset(bytes.start),
            None => Goal::Start,
        });
    }

    fn wants(&self, state: &mut State) -> Vec<Effect> {
        if state.hex.seen != state.selection {
            self.follow(state);
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

    fn click(&self, state: &mut State, at: Position) -> Vec<Effect> {
        if let Some(position) = position_at(state, at) {
            state.hex.anchor = None;
            move_to(state, position);
        }
        Vec::new()
    }

    fn drag(&self, state: &mut State, from: Position, to: Position) {
        if let Some((from, to)) = position_at(state, from).zip(position_at(state, to)) {
            state.hex.anchor = (from != to).then_some(from);
            move_to(state, to);
        }
    }

    fn wheel(&self, state: &mut State, rows: i64) {
        with_shown(state, |state, shown| {
            let Some((geometry, grid)) = grid(state, shown) else { return };
            let column = state.hex.cursor - grid.start(grid.of(state.hex.cursor)).min(state.hex.cursor);
            state.hex.window.scroll(rows, grid.count(), geometry.grid.height);
            let position = grid.start(state.hex.window.cursor()).saturating_add(column);
            let on_row = grid.positions(state.hex.window.cursor());
            move_to(state, position.clamp(on_row.start, on_row.end.saturating_sub(1).max(on_row.start)));
        });
    }

    fn findable(&self) -> &'static str {
        "text, or bytes: 0x48 34 4d 4b"
    }

    fn find(&self, state: &mut State, text: &str) -> Result<Vec<Effect>, String> {
        search::start(state, text)
    }
}

/// Does something with the bytes that are shown, if any are.
fn with_shown<T>(state: &mut State, act: impl FnOnce(&mut State, &Shown) -> T) -> Option<T> {
    let shown = shown(state).ok()?;
    Some(act(state, &shown))
}

fn grid(state: &State, shown: &Shown) -> Option<(Geometry, Rows)> {
    let geometry = state.hex_geometry(shown)?;
    Some((geometry, Rows::new(&shown.range, &geometry.columns)))
}

/// The position at a place on the screen.
fn position_at(state: &State, at: Position) -> Option<u64> {
    let shown = shown(state).ok()?;
    let (geometry, grid) = grid(state, &shown)?;
    let (line, place) = geometry.byte_at(at)?;
    let row = state.hex.window.row_at(line, grid.count())?;
    let position = grid.start(row).saturating_add(u64::from(place));
    grid.positions(row).contains(&position).then_some(position)
}

/// Puts the cursor on a position; in the whole file, the chunk under it is what is selected.
pub(super) fn move_to(state: &mut State, position: u64) {
    state.hex.cursor = position;
    let Some(container) = state.container.clone().filter(|_| state.hex.whole) else { return };
    let Some(chunk) = container.index().at_offset(position) else { return };
    if state.selection.chunk != Some(chunk.index) {
        state.selection = Selection::of_chunk(&container, &chunk);
        state.hex.seen = state.selection.clone();
        state.hex.leading = true;
        follow_selection(state);
        state.hex.leading = false;
    }
}

fn settle_cursor(state: &mut State, shown: &Shown) {
    let last = shown.range.end.saturating_sub(1).max(shown.range.start);
    state.hex.cursor = state.hex.cursor.clamp(shown.range.start, last);
    state.hex.anchor = state.hex.anchor.map(|anchor| anchor.clamp(shown.range.start, last));
    if let Some((geometry, grid)) = grid(state, shown) {
        let row = grid.of(state.hex.cursor);
        let (count, height) = (grid.count(), geometry.grid.height);
        // A step scrolls by a row; whatever went further shows what surrounds it.
        let near = state.hex.window.visible(count, height);
        match row.saturating_add(1) >= near.start && row <= near.end {
            true => state.hex.window.set_cursor(row, count, height),
            false => state.hex.window.jump(row, count, height),
        }
    }
}

fn step(state: &mut State, shown: &Shown, motion: Motion) {
    let Some((geometry, grid)) = grid(state, shown) else { return };
    let (cursor, range) = (state.hex.cursor, &shown.range);
    let row = u64::from(geometry.columns.bytes);
    let page = u64::from(geometry.grid.height.saturating_sub(1).max(1)).saturating_mul(row);
    let last = range.end.saturating_sub(1).max(range.start);
    let up = |by: u64| cursor.checked_sub(by).filter(|to| *to >= range.start);
    let to = match motion {
        Motion::Left => cursor.saturating_sub(1).max(range.start),
        Motion::Right => cursor.saturating_add(1).min(last),
        Motion::Up => up(row).unwrap_or(cursor),
        Motion::Down if grid.of(cursor) + 1 < grid.count() => cursor.saturating_add(row).min(last),
        Motion::Down => cursor,
        Motion::PageUp => up(page).unwrap_or(range.start),
        Motion::PageDown => cursor.saturating_add(page).min(last),
        Motion::Home => range.start,
        Motion::End => last,
    };
    move_to(state, to);
}

fn run_own(state: &mut State, command: HexCommand) -> Vec<Effect> {
    match command {
        HexCommand::Select => {
            let cursor = state.hex.cursor;
            state.hex.anchor = if state.hex.anchor.is_some() { None } else { Some(cursor) };
        }
        HexCommand::Whole => {
            with_shown(state, toggle_whole);
        }
        HexCommand::Inspector => {
            let visible = with_shown(state, |state, shown| panel(state, shown)).flatten();
            let hide = visible == Some(PanelKind::Inspector);
            state.hex.panel = if hide { Panel::Hidden } else { Panel::Inspector };
        }
        HexCommand::Preview => {
            state.hex.panel = if state.hex.panel == Panel::Preview { Panel::Auto } else { Panel::Preview };
            // Asked for once more, what was stopped is started again.
            state.hex.preview = state.hex.preview.take().filter(|preview| preview.answer.is_some());
        }
        HexCommand::CopyText => {
            return with_shown(state, |state, shown| copy(state, shown, Copied::Text)).unwrap_or_default();
        }
        HexCommand::RowStart | HexCommand::RowEnd => {
            with_shown(state, |state, shown| {
                let Some((_, grid)) = grid(state, shown) else { return };
                let row = grid.positions(grid.of(state.hex.cursor));
                let start = command == HexCommand::RowStart;
                move_to(state, if start { row.start } else { row.end.saturating_sub(1).max(row.start) });
            });
        }
        HexCommand::NextField | HexCommand::PreviousField => {
            with_shown(state, |state, shown| step_field(state, shown, command == HexCommand::NextField));
        }
        HexCommand::NextChunk | HexCommand::PreviousChunk => step_chunk(state, command == HexCommand::NextChunk),
    }
    Vec::new()
}

fn panel(state: &State, shown: &Shown) -> Option<PanelKind> {
    state.hex_geometry(shown)?.panel.map(|(kind, _)| kind)
}

/// The file offset of the byte under the cursor, or of the pair it came from.
fn file_offset(state: &State, shown: &Shown) -> Option<u64> {
    shown.extent.file_offset(&shown.container, state.hex.cursor)
}

fn toggle_form(state: &mut State) {
    let before = with_shown(state, |state, shown| (file_offset(state, shown), shown.is_decoded()));
    let (offset, was_decoded) = before.unwrap_or((None, false));
    // The whole file is never decoded: what is decoded is the block under the cursor.
    let was_raw = state.form == Form::Raw || (state.hex.whole && !was_decoded);
    state.form = if was_raw { Form::Decoded } else { Form::Raw };
    state.hex.whole = false;
    state.hex.anchor = None;
    state.hex.goal = Some(offset.map_or(Goal::Start, Goal::FileOffset));
    // Asked for once more, what was stopped is started again.
    state.hex.coding = state.hex.coding.take().filter(|coding| coding.answer.is_some());
    let block = state.selection.block.is_some();
    let text = match state.form {
        Form::Raw => "blocks as stored",
        Form::Decoded if block => "blocks decoded",
        Form::Decoded => "blocks decoded; this chunk is no block",
    };
    state.say(Level::Info, text);
}

fn toggle_whole(state: &mut State, shown: &Shown) {
    let offset = file_offset(state, shown).or(shown.chunk.map(|chunk| chunk.offset));
    state.hex.whole = !state.hex.whole;
    state.hex.anchor = None;
    state.hex.goal = Some(offset.map_or(Goal::Start, Goal::FileOffset));
    let text = if state.hex.whole { "the whole file, as stored" } else { "the selected chunk alone" };
    state.say(Level::Info, text);
}

/// To the next value, or the one before; decoded, from run to run.
fn step_field(state: &mut State, shown: &Shown, forward: bool) {
    let Some(offset) = file_offset(state, shown) else {
        return state.say(Level::Info, "fields are of what is stored, which `r` shows");
    };
    let Some(field) = field_at(&shown.container, offset) else { return };
    let start = shown.extent.position_of(&shown.container, field.range.start).unwrap_or(shown.range.start);
    let to = if forward {
        shown.extent.position_of(&shown.container, field.range.end)
    } else if start < state.hex.cursor {
        Some(start)
    } else {
        let before = field.range.start.checked_sub(1).and_then(|before| field_at(&shown.container, before));
        before.and_then(|before| shown.extent.position_of(&shown.container, before.range.start))
    };
    match to {
        Some(position) => move_to(state, position),
        None => {
            state.say(Level::Info, if forward { "this is the last field here" } else { "this is the first field here" })
        }
    }
}

fn step_chunk(state: &mut State, forward: bool) {
    let Some(container) = state.container.clone() else { return };
    let present = state.selection.chunk.unwrap_or(0);
    let next = if forward { present.checked_add(1) } else { present.checked_sub(1) };
    let Some(chunk) = next.and_then(|next| container.index().chunk(next)) else {
        return state.say(Level::Info, if forward { "this is the last chunk" } else { "this is the first chunk" });
    };
    if state.hex.whole {
        move_to(state, chunk.offset);
    } else {
        // Walking from chunk to chunk leaves no trail in the history.
        state.selection = Selection::of_chunk(&container, &chunk);
        follow_selection(state);
    }
}

/// Follows what the field under the cursor leads to.
fn open(state: &mut State, shown: &Shown) {
    let field = if shown.is_decoded() { None } else { field_at(&shown.container, state.hex.cursor) };
    let led = field.and_then(|field| field.leads_to(&shown.container));
    match led.and_then(|offset| shown.container.index().at_offset(offset)) {
        Some(chunk) => {
            select(state, Selection::of_chunk(&shown.container, &chunk));
            state.say(Level::Info, format!("this entry leads to {}", chunk_name(&chunk)));
        }
        None => state.say(Level::Info, "nothing here leads elsewhere; SEEK entries do"),
    }
}

/// As what bytes are copied.
#[derive(Clone, Copy)]
enum Copied {
    Hex,
    /// As it is shown.
    Text,
    /// As it is.
    Raw,
}

fn copy(state: &mut State, shown: &Shown, form: Copied) -> Vec<Effect> {
    let range = state.hex.selected().unwrap_or(state.hex.cursor..state.hex.cursor.saturating_add(1));
    let len = range.end.min(shown.range.end).saturating_sub(range.start);
    if len == 0 || len > COPY_BYTES {
        let text = match len {
            0 => "there is no byte to copy".to_owned(),
            _ => format!("{len} bytes are too many to copy (at most {COPY_BYTES}); `e` writes a block to a file"),
        };
        state.say(Level::Warning, text);
        return Vec::new();
    }
    let bytes = shown.read(range.start, usize::try_from(len).unwrap_or_default());
    state.hex.anchor = None;
    match (form, String::from_utf8(bytes.into_owned())) {
        (Copied::Raw, Ok(text)) => copied_raw(state, text),
        (Copied::Raw, Err(_)) => {
            state.say(Level::Warning, "these bytes aren't UTF-8, so they can't be copied raw; `y` copies them as hex");
            Vec::new()
        }
        (Copied::Text, Ok(text)) => copied(state, &text),
        (Copied::Text, Err(error)) => copied(state, &escape_bytes(error.as_bytes())),
        (Copied::Hex, text) => {
            let bytes = text.map_or_else(|error| error.into_bytes(), String::into_bytes);
            let digits: Vec<String> =
                bytes.iter().map(|byte| hex_digits(*byte).map(char::from).iter().collect()).collect();
            copied(state, &digits.join(" "))
        }
    }
}

/// Searches what Hex shows, or is about to, for a text that was entered in another view.
pub(in crate::tui::state) fn find_from_elsewhere(state: &mut State, text: &str) -> Result<Vec<Effect>, String> {
    Needle::parse(text).map_err(|error| error.to_string())?;
    // What is started from here on has to be done, whatever else is said.
    let mut effects = HexView.wants(state);
    match search::start(state, text) {
        Ok(searches) => effects.extend(searches),
        Err(why) => state.say(Level::Warning, why),
    }
    show(state, View::Hex);
    Ok(effects)
}

/// To an offset in what is shown: from the chunk's start, from the block's.
pub(in crate::tui::state) fn go_within(state: &mut State, offset: u64) -> Result<Vec<Effect>, String> {
    let effects = HexView.wants(state);
    let position = match shown(state) {
        Ok(Shown { range, .. }) => {
            let position = range.start.checked_add(offset).filter(|position| range.contains(position));
            position.ok_or_else(|| format!("what Hex shows ends at +{:#x}", range.end - range.start))?
        }
        // Of a block that is still to be read, whether it reaches so far will be seen.
        Err(Empty::NotRead(..)) => offset,
        Err(Empty::NotIndexed) => return Err("the file is not indexed yet".to_owned()),
    };
    show(state, View::Hex);
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
