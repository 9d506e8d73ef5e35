//! The help, made from the key map.

use ratatui::buffer::Buffer;
use ratatui::text::Span;

use super::painter::Painter;
use crate::tui::layout::PaneArea;
use crate::tui::rows::Window;
use crate::tui::state::State;
use crate::tui::state::help::{HelpLine, KEY_COLUMNS, help};
use crate::tui::text::{Align, fit};
use crate::tui::theme::Role;

pub(super) fn draw(state: &State, buffer: &mut Buffer, pane: PaneArea, window: &Window) {
    let mut painter = Painter::new(state, buffer);
    painter.frame(pane, "Help", true);
    let lines = help(state);
    let visible = window.visible(lines.len() as u64, pane.inner.height);
    let first = usize::try_from(visible.start).unwrap_or(usize::MAX);
    for (y, line) in (0..pane.inner.height).zip(lines.iter().skip(first)) {
        let spans = match line {
            HelpLine::Heading(title) => vec![painter.span(Role::Title, *title)],
            HelpLine::Blank => Vec::new(),
            HelpLine::Keys(keys, text, name) => {
                let keys = fit(keys, KEY_COLUMNS, Align::Left, painter.glyphs.ellipsis);
                explained(&painter, painter.span(Role::HintKey, keys), text, name)
            }
            HelpLine::Mark(glyph, role, text) => {
                let glyph = fit(glyph, KEY_COLUMNS, Align::Left, "");
                explained(&painter, painter.span(*role, glyph), text, "")
            }
            HelpLine::More(text, name) => explained(&painter, Span::raw(" ".repeat(KEY_COLUMNS)), text, name),
        };
        painter.line(pane.inner, y, spans);
    }
    painter.scroll_bar(pane, window, lines.len() as u64);
}

fn explained(painter: &Painter<'_>, what: Span<'static>, text: &str, name: &str) -> Vec<Span<'static>> {
    let name = if name.is_empty() { String::new() } else { format!("  :{name}") };
    vec![what, painter.span(Role::HintText, text.to_owned()), painter.span(Role::Dim, name)]
}
