//! Key hints, as many as there is room for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::painter::Painter;
use crate::tui::state::State;
use crate::tui::state::hints::hints;
use crate::tui::text::width;
use crate::tui::theme::Role;

pub(super) fn draw(state: &State, buffer: &mut Buffer, area: Rect) {
    let mut painter = Painter::new(state, buffer);
    let mut room = usize::from(area.width).saturating_sub(1);
    let mut spans = vec![painter.span(Role::Text, " ")];
    for (key, hint) in hints(state) {
        let needs = width(&key) + 1 + width(hint);
        if needs > room {
            break;
        }
        spans.extend([painter.span(Role::HintKey, key), painter.span(Role::HintText, format!(" {hint}  "))]);
        room = room.saturating_sub(needs + 2);
    }
    painter.line(area, 0, spans);
}
