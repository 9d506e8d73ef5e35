//! What happens to an open text.

use super::Popup;
use crate::tui::clip::Clip;
use crate::tui::command::{Command, Level};
use crate::tui::rows::{Motion, Window};
use crate::tui::state::{Effect, State, copy};

/// Opens a text over the panes.
pub(in crate::tui::state) fn open(state: &mut State, title: &str, text: &str) {
    let columns = state.areas().map_or(0, |areas| areas.overlay.inner.width);
    state.popup = Some(Popup::new(title, text, usize::from(columns)));
}

/// Lays an open text out again for another screen.
pub(in crate::tui::state) fn refit(state: &mut State) {
    let Some(inner) = state.areas().map(|areas| areas.overlay.inner) else { return };
    if let Some(popup) = &mut state.popup {
        popup.lay_out(usize::from(inner.width));
        let (window, len) = (popup.window, popup.len());
        popup.window.set_cursor(window.top(), len, inner.height);
        popup.window.scroll(0, len, inner.height);
    }
}

/// Scrolls an open text.
pub(in crate::tui::state) fn scroll(state: &mut State, rows: i64) {
    let height = state.areas().map_or(0, |areas| areas.overlay.inner.height);
    if let Some(popup) = &mut state.popup {
        let len = popup.len();
        popup.window.scroll(rows, len, height);
    }
}

/// What a command does while a text is open.
pub(in crate::tui::state) fn run(state: &mut State, command: Command) -> Vec<Effect> {
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
            return copy::copied_raw(state, text);
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
