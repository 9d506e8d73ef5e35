//! The mouse: what a press, a move or a turn of the wheel does where it happens.

use ratatui::layout::{Position, Rect};

use crate::tui::command::Pane;
use crate::tui::layout::strip_blocks;
use crate::tui::state::{Effect, Selection, State, help, panes, popup};

/// Rows that a notch of the wheel scrolls.
const WHEEL_ROWS: i64 = 3;

/// The left button was pressed.
pub(super) fn click(state: &mut State, at: Position) -> Vec<Effect> {
    if state.help.is_none() && state.popup.take().is_some() {
        return Vec::new();
    }
    let Some(areas) = state.areas().filter(|_| state.help.is_none()) else { return Vec::new() };
    if let Some((view, ..)) = areas.tab_labels(state.view).into_iter().find(|(_, area, _)| area.contains(at)) {
        state.show(view);
        return Vec::new();
    }
    if areas.strip.contains(at) {
        scrub(state, areas.strip, at);
        return Vec::new();
    }
    if state.is_comparing() {
        return panes::COMPARISON.click(state, at);
    }
    let Some((pane, area)) = areas.pane_at(at) else { return Vec::new() };
    state.focus = pane;
    match pane {
        _ if state.container.is_none() || !area.inner.contains(at) => Vec::new(),
        Pane::Tree => panes::TREE.click(state, at),
        Pane::View => panes::of(state.view).click(state, at),
    }
}

/// The left button was moved while down.
pub(super) fn drag(state: &mut State, from: Position, to: Position) -> Vec<Effect> {
    let Some(areas) = state.areas().filter(|_| state.help.is_none() && state.popup.is_none()) else {
        return Vec::new();
    };
    if areas.strip.contains(from) {
        scrub(state, areas.strip, to);
    } else if !state.is_comparing()
        && let Some((Pane::View, area)) = areas.pane_at(from)
        && area.inner.contains(from)
    {
        panes::of(state.view).drag(state, from, to);
    }
    Vec::new()
}

/// Selects the block under a column of the strip.
fn scrub(state: &mut State, strip: Rect, at: Position) {
    let Some(container) = state.container.clone() else { return };
    let column = at.x.saturating_sub(strip.x);
    let blocks = strip_blocks(container.index().blocks(), strip.width, column);
    if let Some(chunk) = container.index().block(blocks.start).filter(|_| !blocks.is_empty()) {
        state.walk_to(Selection::of_chunk(&container, &chunk));
    }
}

/// The wheel was turned.
pub(super) fn wheel(state: &mut State, at: Position, notches: i16) -> Vec<Effect> {
    let rows = i64::from(notches) * WHEEL_ROWS;
    let Some(areas) = state.areas() else { return Vec::new() };
    let lines = help::help(state).len() as u64;
    if let Some(window) = &mut state.help {
        window.scroll(rows, lines, areas.overlay.inner.height);
        return Vec::new();
    }
    if state.popup.is_some() {
        popup::behaviour::scroll(state, rows);
        return Vec::new();
    }
    if state.is_comparing() {
        panes::COMPARISON.wheel(state, rows);
        return Vec::new();
    }
    match areas.pane_at(at) {
        _ if state.container.is_none() => {}
        Some((Pane::Tree, _)) => panes::TREE.wheel(state, rows),
        Some((Pane::View, _)) => panes::of(state.view).wheel(state, rows),
        None => {}
    }
    Vec::new()
}
