//! What happens to the Hex view.

use ratatui::layout::Position;

use super::copying::{Copied, copy};
use super::cursor::{follow, grid, move_to, position_at, step, with_shown};
use super::geometry::{Panel, PanelKind};
use super::reading::wanted;
use super::shown::Shown;
use super::{Goal, chunk_name, searching};
use crate::tui::command::{Command, HexCommand, Level};
use crate::tui::state::behaviour::Behaviour;
use crate::tui::state::{Effect, Selection, State};
use h4mk::block::Form;
use h4mk::explore::fields::field_at;

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
                return searching::next(state, command == Command::NextMatch);
            }
            Command::Hex(command) => return Some(run_own(state, command)),
            _ => return None,
        }
        Some(Vec::new())
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
        Some(searching::start(state, text))
    }
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
        state.walk_to(Selection::of_chunk(&container, &chunk));
    }
}

/// Follows what the field under the cursor leads to.
fn open(state: &mut State, shown: &Shown) {
    let field = if shown.is_decoded() { None } else { field_at(&shown.container, state.hex.cursor) };
    let led = field.and_then(|field| field.leads_to(&shown.container));
    match led.and_then(|offset| shown.container.index().at_offset(offset)) {
        Some(chunk) => {
            state.select(Selection::of_chunk(&shown.container, &chunk));
            state.say(Level::Info, format!("this entry leads to {}", chunk_name(&chunk)));
        }
        None => state.say(Level::Info, "nothing here leads elsewhere; SEEK entries do"),
    }
}
