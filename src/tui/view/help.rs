//! The help, made from the key map.

use ratatui::buffer::Buffer;
use ratatui::text::Span;

use super::Painter;
use crate::tui::keymap::{self, HelpLine, KEY_COLUMNS};
use crate::tui::layout::PaneArea;
use crate::tui::rows::Window;
use crate::tui::state::State;
use crate::tui::text::{Align, fit};
use crate::tui::theme::Role;

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
                let keys = fit(keys, KEY_COLUMNS, Align::Left, painter.glyphs.ellipsis);
                explained(&painter, painter.span(Role::HintKey, keys), help, name)
            }
            HelpLine::Mark(glyph, role, help) => {
                let glyph = fit(glyph, KEY_COLUMNS, Align::Left, "");
                explained(&painter, painter.span(*role, glyph), help, "")
            }
            HelpLine::More(help, name) => explained(&painter, Span::raw(" ".repeat(KEY_COLUMNS)), help, name),
        };
        painter.line(pane.inner, y, spans);
    }
    painter.scroll_bar(pane, window, lines.len() as u64);
}

fn explained(painter: &Painter<'_>, what: Span<'static>, help: &str, name: &str) -> Vec<Span<'static>> {
    let name = if name.is_empty() { String::new() } else { format!("  :{name}") };
    vec![what, painter.span(Role::HintText, help.to_owned()), painter.span(Role::Dim, name)]
}
