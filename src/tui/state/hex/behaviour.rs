//! What happens to the Hex view.

use std::collections::VecDeque;

use ratatui::layout::Position;

use super::copying::{CopyForm, copy};
use super::cursor::{drop_typed, follow, grid, move_to, position_at, step, stop_waiting, with_shown};
use super::geometry::{Panel, PanelKind};
use super::pages::Missing;
use super::reading::wanted;
use super::shown::{Empty, Shown, shown};
use super::{Goal, chunk_name, searching};
use crate::tui::command::{Command, HexCommand, Level, View};
use crate::tui::state::behaviour::Behaviour;
use crate::tui::state::{Effect, JobKind, Selection, State};
use h4mk::block::Form;

/// Keys that wait at most: a key that is held down does not fill the memory.
const MOST_TYPED: usize = 1000;

/// The view's behaviour.
pub(in crate::tui::state) struct HexView;

impl Behaviour for HexView {
    fn run(&self, state: &mut State, command: Command) -> Option<Vec<Effect>> {
        if command == Command::Close && is_waiting(state) {
            return stop(state);
        }
        if !has_meaning(state, command) {
            return None;
        }
        if is_decoding(state) && leaves_the_block(command) {
            drop_typed(state);
        } else if waits(state, command) {
            if state.hex.typed.len() < MOST_TYPED {
                state.hex.typed.push_back(command);
            }
            return Some(Vec::new());
        }
        Some(run_or_wait(state, command))
    }

    fn follow(&self, state: &mut State) {
        if !std::mem::take(&mut state.hex.leading) {
            follow(state);
        }
    }

    fn wants(&self, state: &mut State) -> Vec<Effect> {
        wanted(state)
    }

    fn click(&self, state: &mut State, at: Position) -> Vec<Effect> {
        if let Some(position) = position_at(state, at) {
            state.hex.anchor = None;
            stop_waiting(state);
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

    fn find(&self, state: &mut State, text: &str) -> Option<Result<Vec<Effect>, String>> {
        Some(searching::start(state, text).map(|()| Vec::new()))
    }
}

/// Whether a command has a meaning of its own here.
fn has_meaning(state: &State, command: Command) -> bool {
    match command {
        Command::Move(_) | Command::Raw | Command::Copy | Command::CopyRaw | Command::Open | Command::Hex(_) => true,
        Command::Close if state.hex.anchor.is_some() => true,
        // A job that runs is what Esc stops first.
        Command::Close => state.hex.search.is_some() && !state.jobs.can_cancel(),
        Command::NextMatch | Command::PreviousMatch => state.hex.search.is_some(),
        _ => false,
    }
}

/// Waits for nothing any more; `None` where a job runs, which is what Esc stops first.
fn stop(state: &mut State) -> Option<Vec<Effect>> {
    if is_decoding(state) {
        drop_typed(state);
    } else {
        stop_waiting(state);
    }
    (!state.jobs.can_cancel()).then(Vec::new)
}

/// Whether what a key means is not known before something was read.
fn is_waiting(state: &State) -> bool {
    is_on_its_way(state) || !state.hex.typed.is_empty()
}

/// Whether the cursor is on its way to a place that is still being found.
fn is_on_its_way(state: &State) -> bool {
    state.hex.goal.is_some() && shown(state).is_ok()
}

/// Whether the block that is to be shown is still being read.
fn is_decoding(state: &State) -> bool {
    matches!(shown(state), Err(Empty::NotRead(..))) && state.jobs.is_running(JobKind::Decode)
}

/// What whoever doesn't want to wait for a block does: it is seen as it is stored, or another is.
fn leaves_the_block(command: Command) -> bool {
    use HexCommand::{NextChunk, PreviousChunk, Whole};
    matches!(command, Command::Raw | Command::Hex(Whole | NextChunk | PreviousChunk))
}

/// Whether a command has to wait, for what was typed before it or for what that is waiting for.
fn waits(state: &State, command: Command) -> bool {
    match command {
        Command::Close | Command::Hex(HexCommand::Inspector | HexCommand::Preview) => false,
        Command::NextMatch | Command::PreviousMatch if is_searching(state) => true,
        _ => is_waiting(state) || is_decoding(state),
    }
}

/// Whether a search is about to move the cursor.
fn is_searching(state: &State) -> bool {
    let Some(search) = &state.hex.search else { return false };
    let begins = search.begins && (is_on_its_way(state) || is_decoding(state));
    begins || search.then.is_some() && state.jobs.is_running(JobKind::Find)
}

fn run_or_wait(state: &mut State, command: Command) -> Vec<Effect> {
    run(state, command).unwrap_or_else(|missing| {
        state.hex.needs = Some(missing);
        state.hex.typed.push_front(command);
        Vec::new()
    })
}

/// What was typed before is done, one by one, once it need not wait any more; what is typed behind it goes on waiting.
pub(in crate::tui::state) fn go_on(state: &mut State) -> Option<(Vec<Effect>, VecDeque<Command>)> {
    let next = *state.hex.typed.front().filter(|_| state.view == View::Hex)?;
    let is_match = matches!(next, Command::NextMatch | Command::PreviousMatch);
    if is_on_its_way(state) || is_decoding(state) || (is_match && is_searching(state)) {
        return None;
    }
    if let (Some(Missing(position)), Ok(shown)) = (state.hex.needs, shown(state)) {
        state.hex.page(&shown, position)?;
    }
    state.hex.needs = None;
    state.hex.typed.pop_front();
    let rest = std::mem::take(&mut state.hex.typed);
    Some((run_or_wait(state, next), rest))
}

/// What goes on waiting, whatever the command before it has selected.
pub(in crate::tui::state) fn keep_waiting(state: &mut State, rest: VecDeque<Command>) {
    state.hex.typed.extend(rest);
}

fn run(state: &mut State, command: Command) -> Result<Vec<Effect>, Missing> {
    match command {
        Command::Move(motion) => {
            with_shown(state, |state, shown| step(state, shown, motion));
        }
        Command::Raw => toggle_form(state),
        Command::Copy => return Ok(copy(state, CopyForm::Hex)),
        Command::CopyRaw => return Ok(copy(state, CopyForm::Raw)),
        Command::Open => with_shown(state, open).unwrap_or(Ok(()))?,
        Command::Close if state.hex.anchor.is_some() => state.hex.anchor = None,
        Command::Close => state.hex.search = None,
        Command::NextMatch | Command::PreviousMatch => {
            return Ok(searching::next(state, command == Command::NextMatch).unwrap_or_default());
        }
        Command::Hex(command) => return run_own(state, command),
        _ => {}
    }
    Ok(Vec::new())
}

fn run_own(state: &mut State, command: HexCommand) -> Result<Vec<Effect>, Missing> {
    match command {
        HexCommand::Select => {
            let cursor = state.hex.cursor;
            state.hex.anchor = if state.hex.anchor.is_some() { None } else { Some(cursor) };
        }
        HexCommand::Whole => toggle_whole(state),
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
        HexCommand::CopyText => return Ok(copy(state, CopyForm::Text)),
        HexCommand::RowStart | HexCommand::RowEnd => {
            with_shown(state, |state, shown| {
                let Some((_, grid)) = grid(state, shown) else { return };
                let row = grid.positions(grid.of(state.hex.cursor));
                let start = command == HexCommand::RowStart;
                move_to(state, if start { row.start } else { row.end.saturating_sub(1).max(row.start) });
            });
        }
        HexCommand::NextField | HexCommand::PreviousField => {
            let forward = command == HexCommand::NextField;
            with_shown(state, |state, shown| step_field(state, shown, forward)).unwrap_or(Ok(()))?;
        }
        HexCommand::NextChunk | HexCommand::PreviousChunk => step_chunk(state, command == HexCommand::NextChunk),
    }
    Ok(Vec::new())
}

fn panel(state: &State, shown: &Shown) -> Option<PanelKind> {
    state.hex_geometry(shown)?.panel.map(|(kind, _)| kind)
}

/// To the byte under the cursor, in whatever is shown next; and whether that is decoded.
fn same_byte(state: &State) -> (Goal, bool) {
    match shown(state) {
        Ok(shown) => {
            let is_decoded = shown.is_decoded();
            let otherwise = shown.chunk.map(|chunk| chunk.offset());
            (Goal::SameByte { byte_view: shown.byte_view, position: state.hex.cursor, otherwise }, is_decoded)
        }
        // What its first byte was made from: others aren't known yet.
        Err(Empty::NotRead(chunk, _)) => (Goal::FileOffset(chunk.payload_offset()), false),
        Err(Empty::NotIndexed) => (Goal::Start, false),
    }
}

fn toggle_form(state: &mut State) {
    let (goal, was_decoded) = same_byte(state);
    // The whole file is never decoded: what is decoded is the block under the cursor.
    let was_raw = state.form == Form::Raw || (state.hex.whole && !was_decoded);
    state.form = if was_raw { Form::Decoded } else { Form::Raw };
    state.hex.whole = false;
    state.hex.anchor = None;
    state.hex.goal = Some(goal);
    // Asked for once more, what was stopped is started again.
    state.hex.coding = state.hex.coding.take().filter(|coding| coding.answer.is_some());
    let block = state.selection.block.is_some();
    let text = match state.form {
        Form::Raw => "blocks are shown as stored",
        Form::Decoded if block => "blocks are shown decoded",
        Form::Decoded => "blocks are shown decoded; this chunk isn't a block",
    };
    state.say(Level::Info, text);
}

fn toggle_whole(state: &mut State) {
    let (goal, _) = same_byte(state);
    state.hex.whole = !state.hex.whole;
    state.hex.anchor = None;
    state.hex.goal = Some(goal);
    let text = if state.hex.whole { "the whole file is shown, as stored" } else { "only the selected chunk is shown" };
    state.say(Level::Info, text);
}

/// To the next value, or the one before; decoded, from run to run.
fn step_field(state: &mut State, shown: &Shown, forward: bool) -> Result<(), Missing> {
    let cursor = state.hex.cursor;
    let page = state.hex.page_at(shown, cursor)?;
    let Some(spelled) = page.field(cursor) else {
        state.say(Level::Info, "fields are in the stored bytes, which `r` shows");
        return Ok(());
    };
    let of = page.positions_of(&spelled.field.range).unwrap_or(cursor..cursor);
    let to = if forward {
        Some(of.end)
    } else if of.start.max(shown.range.start) < cursor {
        Some(of.start.max(shown.range.start))
    } else if let Some(before) = cursor.checked_sub(1).filter(|before| shown.range.contains(before)) {
        let page = state.hex.page_at(shown, before)?;
        page.field(before).and_then(|spelled| page.positions_of(&spelled.field.range)).map(|of| of.start)
    } else {
        None
    };
    match to.filter(|to| shown.range.contains(to)) {
        Some(position) => move_to(state, position),
        None => {
            state.say(Level::Info, if forward { "this is the last field here" } else { "this is the first field here" })
        }
    }
    Ok(())
}

fn step_chunk(state: &mut State, forward: bool) {
    let Some(container) = state.container.clone() else { return };
    let present = state.selection.chunk.unwrap_or(0);
    let next = if forward { present.checked_add(1) } else { present.checked_sub(1) };
    let Some(chunk) = next.and_then(|next| container.index().chunk(next)) else {
        return state.say(Level::Info, if forward { "this is the last chunk" } else { "this is the first chunk" });
    };
    if state.hex.whole {
        move_to(state, chunk.offset());
    } else {
        // Walking from chunk to chunk leaves no trail in the history.
        state.walk_to(Selection::of_chunk(&container, &chunk));
    }
}

/// Follows what the field under the cursor leads to.
fn open(state: &mut State, shown: &Shown) -> Result<(), Missing> {
    let page = state.hex.page_at(shown, state.hex.cursor)?;
    let field = if shown.is_decoded() { None } else { page.field(state.hex.cursor) };
    let led = field.and_then(|field| field.leads_to);
    match led.and_then(|offset| shown.container.index().at_offset(offset)) {
        Some(chunk) => {
            state.select(Selection::of_chunk(&shown.container, &chunk));
            state.say(Level::Info, format!("this entry leads to {}", chunk_name(&chunk)));
        }
        None => state.say(Level::Info, "nothing here leads elsewhere; seek entries do"),
    }
    Ok(())
}
