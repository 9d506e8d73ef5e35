//! The cursor of the Hex view, and where it goes.

use ratatui::layout::Position;

use super::Goal;
use super::geometry::Geometry;
use super::rows::Rows;
use super::shown::{Shown, shown};
use crate::tui::rows::Motion;
use crate::tui::state::{Selection, State};

/// Does something with the bytes that are shown, if any are.
pub(super) fn with_shown<T>(state: &mut State, act: impl FnOnce(&mut State, &Shown) -> T) -> Option<T> {
    let shown = shown(state).ok()?;
    Some(act(state, &shown))
}

pub(super) fn grid(state: &State, shown: &Shown) -> Option<(Geometry, Rows)> {
    let geometry = state.hex_geometry(shown)?;
    Some((geometry, Rows::new(&shown.range, &geometry.columns)))
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
    if state.selection.chunk != Some(chunk.index) {
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

/// Goes where the selection leads.
pub(super) fn follow(state: &mut State) {
    state.hex.seen = state.selection.clone();
    state.hex.pointed = state.selection.bytes.clone();
    state.hex.whole = state.hex.pointed.is_some();
    state.hex.anchor = None;
    state.hex.goal = Some(match &state.hex.pointed {
        Some(bytes) => Goal::FileOffset(bytes.start),
        None => Goal::Start,
    });
}

/// Follows the selection at once where it was moved just now, so that what comes next is about what is selected.
pub(super) fn catch_up(state: &mut State) {
    if state.moved.views && !state.hex.leading {
        follow(state);
        state.hex.leading = true;
    }
}
