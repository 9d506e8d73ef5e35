//! A text that is too long for its row, opened over the panes.

use super::{Command, Effect, Level, State, update};
use crate::tui::clip::Clip;
use crate::tui::rows::{Motion, Window};
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

/// Opens a text over the panes.
pub(super) fn open(state: &mut State, title: &str, text: &str) {
    let columns = state.areas().map_or(0, |areas| areas.overlay.inner.width);
    state.popup = Some(Popup::new(title, text, usize::from(columns)));
}

/// Lays an open text out again for another screen.
pub(super) fn refit(state: &mut State) {
    let Some(inner) = state.areas().map(|areas| areas.overlay.inner) else { return };
    if let Some(popup) = &mut state.popup {
        popup.lay_out(usize::from(inner.width));
        let (window, len) = (popup.window, popup.len());
        popup.window.set_cursor(window.top(), len, inner.height);
        popup.window.scroll(0, len, inner.height);
    }
}

/// Scrolls an open text.
pub(super) fn scroll(state: &mut State, rows: i64) {
    let height = state.areas().map_or(0, |areas| areas.overlay.inner.height);
    if let Some(popup) = &mut state.popup {
        let len = popup.len();
        popup.window.scroll(rows, len, height);
    }
}

/// What a command does while a text is open.
pub(super) fn run(state: &mut State, command: Command) -> Vec<Effect> {
    let page = state.areas().map_or(1, |areas| i64::from(areas.overlay.inner.height.max(1)));
    match command {
        Command::Close => state.popup = None,
        Command::Help => state.help = Some(Window::default()),
        Command::Copy => {
            let text = state.popup.as_ref().map(|popup| popup.text.clone()).unwrap_or_default();
            let clip = Clip::shown(&text);
            state.say(Level::Info, format!("copied a text of {} bytes", clip.text().len()));
            return vec![Effect::Copy(clip)];
        }
        Command::CopyRaw => {
            let text = state.popup.as_ref().map(|popup| popup.text.clone()).unwrap_or_default();
            return update::copied_raw(state, text);
        }
        Command::Move(motion) => scroll(
            state,
            match motion {
                Motion::Up => -1,
                Motion::Down => 1,
                Motion::PageUp => -page,
                Motion::PageDown => page,
                Motion::Home => i64::MIN,
                Motion::End => i64::MAX,
                Motion::Left | Motion::Right => 0,
            },
        ),
        _ => {}
    }
    Vec::new()
}
