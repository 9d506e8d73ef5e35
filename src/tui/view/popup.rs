//! A long text, opened over the panes.

use ratatui::buffer::Buffer;
use ratatui::widgets::{Clear, Widget};

use super::painter::Painter;
use crate::tui::layout::PaneArea;
use crate::tui::state::{Popup, State};
use crate::tui::theme::Role;

pub(super) fn draw(state: &State, buffer: &mut Buffer, pane: PaneArea, popup: &Popup) {
    Clear.render(pane.outer.intersection(buffer.area), buffer);
    let mut painter = Painter::new(state, buffer);
    painter.frame(pane, &popup.title, true);
    let len = popup.lines().len() as u64;
    let visible = popup.window.visible(len, pane.inner.height);
    let first = usize::try_from(visible.start).unwrap_or(usize::MAX);
    for (y, line) in (0..pane.inner.height).zip(popup.lines().iter().skip(first)) {
        painter.line(pane.inner, y, vec![painter.span(Role::Text, line.clone())]);
    }
    painter.scroll_bar(pane, &popup.window, len);
}
