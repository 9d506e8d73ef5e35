//! Headings of the panel.

use ratatui::layout::Rect;

use crate::tui::text::{Keep, cut, width};
use crate::tui::theme::Role;
use crate::tui::view::painter::Painter;

/// Draws a heading with a line up to the end of the area; several, where their columns begin.
pub(super) fn heading(painter: &mut Painter<'_>, area: Rect, text: &str) {
    let room = usize::from(area.width);
    let line = painter.glyphs.line;
    let text = cut(text, room.saturating_sub(4), Keep::Start, painter.glyphs.ellipsis).into_owned();
    let rest = room.saturating_sub(width(&text) + 4);
    let spans = vec![
        painter.span(Role::Border, format!("{line} ")),
        painter.span(Role::Title, text),
        painter.span(Role::Border, format!(" {}", line.repeat(rest))),
    ];
    painter.line(area, 0, spans);
}
