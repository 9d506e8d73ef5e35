//! The cursor of the Hex view, and where it goes.

use std::ops::Range;

use ratatui::layout::Position;

use super::Goal;
use super::asked::ByteViewId;
use super::geometry::Geometry;
use super::rows::Rows;
use super::shown::{Shown, shown};
use crate::tui::command::{Command, Level};
use crate::tui::rows::Motion;
use crate::tui::state::{Effect, JobKind, Request, Selection, State};
use h4mk::block::Form;
use h4mk::container::Container;
use h4mk::explore::byte_view::ByteView;

/// Does something with the bytes that are shown, if any are.
pub(super) fn with_shown<T>(state: &mut State, act: impl FnOnce(&mut State, &Shown) -> T) -> Option<T> {
    let shown = shown(state).ok()?;
    Some(act(state, &shown))
}

pub(super) fn grid(state: &State, shown: &Shown) -> Option<(Geometry, Rows)> {
    let geometry = state.hex_geometry(shown)?;
    Some((geometry, Rows::new(&shown.range, &geometry.columns)))
}

/// The positions on the rows in sight, be there a byte or not; `None` while the pane is hidden.
pub(super) fn in_sight(state: &State, shown: &Shown) -> Option<Range<u64>> {
    let (geometry, rows) = grid(state, shown)?;
    let visible = state.hex.window.visible(rows.count(), geometry.grid.height);
    Some(rows.start(visible.start)..rows.start(visible.end))
}

/// The position at a place on the screen.
pub(super) fn position_at(state: &State, at: Position) -> Option<u64> {
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
    if state.selection.chunk != Some(chunk.index()) {
        state.walk_to(Selection::of_chunk(&container, &chunk));
        state.hex.seen = state.selection.clone();
        state.hex.leading = true;
    }
}

pub(super) fn settle_cursor(state: &mut State, shown: &Shown) {
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

pub(super) fn step(state: &mut State, shown: &Shown, motion: Motion) {
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

/// Forgets where the cursor was to go, and what was typed since.
pub(super) fn stop_waiting(state: &mut State) {
    state.jobs.cancel(JobKind::Locate);
    (state.hex.goal, state.hex.locating) = (None, None);
    drop_typed(state);
}

/// Forgets what was typed: it was about bytes that nobody waits for any more. How blocks are shown is about all of them.
pub(super) fn drop_typed(state: &mut State) {
    let toggles = state.hex.typed.drain(..).filter(|command| *command == Command::Raw).count();
    if toggles % 2 == 1 {
        state.form = if state.form == Form::Raw { Form::Decoded } else { Form::Raw };
    }
    state.hex.needs = None;
}

/// Puts the cursor where it was to go, or has that place found.
pub(super) fn settle_goal(state: &mut State, shown: &Shown) -> Vec<Effect> {
    let Some(goal) = state.hex.goal.take().map(|goal| known(state, shown, goal)) else { return Vec::new() };
    state.hex.goal = Some(goal.clone());
    let is_read = match goal {
        Goal::Start | Goal::Position(_) => false,
        Goal::FileOffset(_) => shown.byte_view.is_counted(),
        Goal::SameByte { .. } => true,
    };
    if !is_read {
        let position = locate(&shown.container, &goal, &shown.byte_view);
        arrive(state, shown, position);
        return Vec::new();
    }
    let locating = Some((goal.clone(), ByteViewId::of(&shown.byte_view)));
    if state.hex.locating == locating {
        return Vec::new();
    }
    state.hex.locating = locating;
    let request = Request::Locate { container: shown.container.clone(), goal, byte_view: shown.byte_view.clone() };
    vec![Effect::Start(state.jobs.start(request))]
}

/// The goal in place of the same byte elsewhere, where the file need not be read to know which that is.
fn known(state: &State, shown: &Shown, goal: Goal) -> Goal {
    let Goal::SameByte { byte_view, position, otherwise } = &goal else { return goal };
    if *byte_view == shown.byte_view {
        return Goal::Position(*position);
    }
    let offset = match byte_view.is_counted() {
        true => state.hex.pages.file_offset(byte_view, *position),
        false => Some(byte_view.file_offset(&shown.container, *position)),
    };
    offset.map_or(goal.clone(), |offset| offset.or(*otherwise).map_or(Goal::Start, Goal::FileOffset))
}

/// Finds the position that a goal leads to, reading whatever that takes.
pub fn locate(container: &Container, goal: &Goal, byte_view: &ByteView) -> Option<u64> {
    let of_offset = |offset: u64| byte_view.position_of(container, offset);
    match goal {
        Goal::Start => None,
        Goal::Position(position) => Some(*position),
        Goal::FileOffset(offset) => of_offset(*offset),
        Goal::SameByte { byte_view: from, position, otherwise } => {
            of_offset(from.file_offset(container, *position).or(*otherwise)?)
        }
    }
}

/// A place was found.
pub(in crate::tui::state) fn located(state: &mut State, byte_view: &ByteView, position: Option<u64>) {
    let Some((goal, about)) = state.hex.locating.take() else { return };
    let Ok(shown) = shown(state) else { return };
    if state.hex.goal.as_ref() == Some(&goal)
        && about == ByteViewId::of(byte_view)
        && about == ByteViewId::of(&shown.byte_view)
    {
        arrive(state, &shown, position);
    }
}

/// A place could not be found: the cursor stays where it is.
pub(in crate::tui::state) fn located_nowhere(state: &mut State) {
    (state.hex.goal, state.hex.locating) = (None, None);
}

fn arrive(state: &mut State, shown: &Shown, position: Option<u64>) {
    if let (Some(Goal::Position(_)), Some(position)) = (state.hex.goal.take(), position)
        && !shown.range.contains(&position)
    {
        state.say(Level::Warning, ends_at(shown));
    }
    state.hex.cursor = position.unwrap_or(shown.range.start);
}

/// Where what is shown ends, for whoever wants to go beyond.
pub(super) fn ends_at(shown: &Shown) -> String {
    format!("the bytes in Hex end at +{:#x}", shown.range.end - shown.range.start)
}

/// Goes where the selection leads.
pub(super) fn follow(state: &mut State) {
    state.hex.seen = state.selection.clone();
    state.hex.pointed = state.selection.bytes.clone();
    state.hex.whole = state.hex.pointed.is_some();
    state.hex.anchor = None;
    stop_waiting(state);
    state.hex.goal = Some(match &state.hex.pointed {
        Some(bytes) => Goal::FileOffset(bytes.start),
        None => Goal::Start,
    });
}

/// Whether the view shows what is selected.
pub(in crate::tui::state) fn has_followed(state: &State) -> bool {
    state.hex.seen == state.selection
}

/// Takes what is selected for what is shown: the cursor stays where it is.
pub(in crate::tui::state) fn stay(state: &mut State) {
    state.hex.seen = state.selection.clone();
    state.hex.leading = true;
}

/// Follows the selection at once where it was moved just now, so that what comes next is about what is selected.
pub(super) fn catch_up(state: &mut State) {
    if state.moved.views && !state.hex.leading {
        follow(state);
        state.hex.leading = true;
    }
}
