//! What a pane does with what happens to it. [`super::update`] asks the pane that it happens to first, then falls back to
//! what is the same everywhere.

use ratatui::layout::{Position, Rect};

use super::{Effect, State};
use crate::tui::command::Command;
use crate::tui::rows::{Motion, Window};

/// The list in a pane: the same keys, clicks and turns of the wheel move the cursor of each.
pub(super) struct List<'a> {
    /// The cursor, and the rows in sight.
    pub(super) window: &'a mut Window,
    /// How many rows there are.
    pub(super) len: u64,
    /// Where the rows stand on the screen; of no height while the pane is hidden.
    pub(super) area: Rect,
}

impl List<'_> {
    /// Moves the cursor.
    pub(super) fn step(&mut self, motion: Motion) {
        self.window.step(motion, self.len, self.area.height);
    }

    /// Puts the cursor on a row, or the nearest there is.
    pub(super) fn set_cursor(&mut self, row: u64) {
        self.window.set_cursor(row, self.len, self.area.height);
    }

    /// Puts the cursor on a row that may be far away.
    pub(super) fn jump(&mut self, row: u64) {
        self.window.jump(row, self.len, self.area.height);
    }

    /// Scrolls by rows; the cursor stays in sight.
    pub(super) fn scroll(&mut self, rows: i64) {
        self.window.scroll(rows, self.len, self.area.height);
    }

    /// The row at a place on the screen.
    pub(super) fn row_at(&self, at: Position) -> Option<u64> {
        let line = self.area.contains(at).then(|| at.y - self.area.y)?;
        self.window.row_at(line, self.len)
    }
}

/// A pane's own part of the update. Its state is a field of [`State`]; what it does not say means nothing special. A pane
/// that is a list says which one, and what its rows select: the rest follows.
pub(super) trait Behaviour {
    /// A command while the pane has the keys; `None` where it has no meaning of its own here.
    fn run(&self, _state: &mut State, _command: Command) -> Option<Vec<Effect>> {
        None
    }

    /// The list that the pane is, once there is one.
    fn list<'a>(&self, _state: &'a mut State) -> Option<List<'a>> {
        None
    }

    /// What is under the list's cursor becomes what is selected. Walking over rows leaves no trail in the history.
    fn selects(&self, _state: &mut State) {}

    /// The row under the list's cursor was clicked once more.
    fn clicked_again(&self, state: &mut State) -> Vec<Effect> {
        self.run(state, Command::Open).unwrap_or_default()
    }

    /// What is known about the file is more, or other: the container, the audit, VERI, the description.
    fn refresh(&self, _state: &mut State) -> Vec<Effect> {
        Vec::new()
    }

    /// Something else was selected: bring it into sight.
    fn follow(&self, _state: &mut State) {}

    /// The screen, or what the pane lists, has another size: keep the cursor in sight.
    fn refit(&self, state: &mut State) {
        if let Some(mut list) = self.list(state) {
            list.set_cursor(list.window.cursor());
        }
    }

    /// Puts the list's cursor on a row, or the nearest there is.
    fn set_cursor(&self, state: &mut State, row: u64) {
        if let Some(mut list) = self.list(state) {
            list.set_cursor(row);
        }
    }

    /// Puts the list's cursor on a row that may be far away.
    fn jump(&self, state: &mut State, row: u64) {
        if let Some(mut list) = self.list(state) {
            list.jump(row);
        }
    }

    /// Moves the list's cursor, and selects what is under it.
    fn step(&self, state: &mut State, motion: Motion) {
        if let Some(mut list) = self.list(state) {
            list.step(motion);
            self.selects(state);
        }
    }

    /// The left button was pressed inside the pane.
    fn click(&self, state: &mut State, at: Position) -> Vec<Effect> {
        self.click_row(state, at)
    }

    /// What a click on a row of the list does: the cursor goes there; once more, and the row opens.
    fn click_row(&self, state: &mut State, at: Position) -> Vec<Effect> {
        let Some(mut list) = self.list(state) else { return Vec::new() };
        let Some(row) = list.row_at(at) else { return Vec::new() };
        if row == list.window.cursor() {
            return self.clicked_again(state);
        }
        list.set_cursor(row);
        self.selects(state);
        Vec::new()
    }

    /// The left button was moved inside the pane while down.
    fn drag(&self, _state: &mut State, _from: Position, _to: Position) {}

    /// The wheel was turned over the pane; positive towards the end.
    fn wheel(&self, state: &mut State, rows: i64) {
        if let Some(mut list) = self.list(state) {
            list.scroll(rows);
            self.selects(state);
        }
    }

    /// Work that what is shown now needs and nobody has asked for yet. Asked after everything that happens, of the view
    /// that is shown.
    fn wants(&self, _state: &mut State) -> Vec<Effect> {
        Vec::new()
    }

    /// What may be entered to be found, as the prompt shows it.
    fn findable(&self) -> &'static str {
        "text, or bytes: 0x48 34 4d 4b, found in Hex"
    }

    /// Text to find was entered; `None` where there is nothing to search, which leaves that to Hex.
    fn find(&self, _state: &mut State, _text: &str) -> Option<Result<Vec<Effect>, String>> {
        None
    }
}
