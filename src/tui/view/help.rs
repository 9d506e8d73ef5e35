//! The help, made from the key map.

use ratatui::buffer::Buffer;

use super::Painter;
use crate::tui::keymap::{self, HelpLine};
use crate::tui::layout::PaneArea;
use crate::tui::rows::Window;
use crate::tui::state::State;
use crate::tui::text::{Align, fit};
use crate::tui::theme::Role;

/// The columns of the keys.
const KEY_COLUMNS: usize = 14;

pub(super) fn draw(state: &State, buffer: &mut Buffer, pane: PaneArea, window: &Window) {
    let mut painter = Painter::new(state, buffer);
    painter.frame(pane, "Help", true);
    let lines = keymap::help(state);
    let visible = window.visible(lines.len() as u64, pane.inner.height);
    let first = usize::try_from(visible.start).unwrap_or(usize::MAX);
    for (y, line) in (0..pane.inner.height).zip(lines.iter().skip(first)) {
        let spans = match line {
            HelpLine::Heading(title) => vec![painter.span(Role::Title, *title)],
            HelpLine::Blank => Vec::new(),
            HelpLine::Keys(keys, help, name) => {
                let name = if name.is_empty() { String::new() } else { format!("  :{name}") };
                vec![
                    painter.span(Role::HintKey, fit(keys, KEY_COLUMNS, Align::Left, painter.glyphs.ellipsis)),
                    painter.span(Role::HintText, *help),
                    painter.span(Role::Dim, name),
                ]
            }
        };
        painter.line(pane.inner, y, spans);
    }
    painter.scroll_bar(pane, window, lines.len() as u64);
}
