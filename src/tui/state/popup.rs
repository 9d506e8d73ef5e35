//! A text that is too long for its row, opened over the panes.

pub(in crate::tui::state) mod behaviour;

use crate::tui::rows::Window;
use crate::tui::text::{Keep, from_file};
use crate::tui::wrap::wrap;

/// The most of a text that is shown, in bytes: more than anyone scrolls through.
const SHOWN_BYTES: usize = 1 << 20;

/// The most of a title, in columns.
const TITLE_COLUMNS: usize = 60;

/// An open text.
#[derive(Debug, Clone)]
pub struct Popup {
    /// What it is, safe to draw.
    pub title: String,
    /// The text as the file has it.
    text: String,
    /// The text in lines of [`columns`](Self::columns).
    lines: Vec<String>,
    columns: usize,
    /// The lines in sight. The first one moves; there is no cursor to see.
    pub window: Window,
}

impl Popup {
    fn new(title: &str, text: &str, columns: usize) -> Self {
        let title = from_file(title, TITLE_COLUMNS, Keep::End, "…");
        let mut popup = Self { title, text: text.to_owned(), lines: Vec::new(), columns: 0, window: Window::default() };
        popup.lay_out(columns);
        popup
    }

    /// The lines, safe to draw.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    fn lay_out(&mut self, columns: usize) {
        if columns == self.columns {
            return;
        }
        self.columns = columns;
        let end = (0..=SHOWN_BYTES.min(self.text.len())).rev().find(|at| self.text.is_char_boundary(*at));
        let shown = self.text.get(..end.unwrap_or(0)).unwrap_or_default();
        self.lines = wrap(shown, columns);
        if shown.len() < self.text.len() {
            self.lines.push(format!("({} of {} bytes)", shown.len(), self.text.len()));
        }
    }

    fn len(&self) -> u64 {
        self.lines.len() as u64
    }
}
