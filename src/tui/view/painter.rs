//! What everything is drawn with.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Widget};

use crate::tui::layout::PaneArea;
use crate::tui::rows::Window;
use crate::tui::state::{State, moment};
use crate::tui::text::{Keep, cut, width};
use crate::tui::theme::{Glyphs, Role, Theme};

/// Draws spans into areas, in the theme's styles, and never outside.
pub(super) struct Painter<'a> {
    /// The theme.
    pub(super) theme: Theme,
    /// Its glyphs.
    pub(super) glyphs: &'static Glyphs,
    buffer: &'a mut Buffer,
}

impl<'a> Painter<'a> {
    pub(super) fn new(state: &State, buffer: &'a mut Buffer) -> Self {
        Self { theme: state.theme, glyphs: state.theme.glyphs(), buffer }
    }

    /// A piece of text in a role.
    pub(super) fn span(&self, role: Role, text: impl Into<String>) -> Span<'static> {
        Span::styled(text.into(), self.theme.style(role))
    }

    /// A style.
    pub(super) fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    /// Draws spans on a line of an area, from 0; what does not fit is cut with an ellipsis.
    pub(super) fn line(&mut self, area: Rect, line: u16, spans: Vec<Span<'static>>) {
        let area = area.intersection(self.buffer.area);
        if line >= area.height {
            return;
        }
        let spans = fit_spans(spans, usize::from(area.width), self.glyphs.ellipsis);
        self.buffer.set_line(area.x, area.y + line, &Line::from(spans), area.width);
    }

    /// Draws one cell.
    pub(super) fn cell(&mut self, x: u16, y: u16, glyph: &str, role: Role) {
        self.styled(x, y, glyph, self.style(role));
    }

    /// Draws one cell in a style that is more than a role's.
    pub(super) fn styled(&mut self, x: u16, y: u16, glyph: &str, style: Style) {
        if let Some(cell) = self.buffer.cell_mut((x, y)) {
            cell.set_symbol(glyph).set_style(style);
        }
    }

    /// Lays a style over a whole line of an area.
    pub(super) fn tint(&mut self, area: Rect, line: u16, role: Role) {
        let row = Rect { y: area.y.saturating_add(line), height: 1, ..area };
        if line < area.height {
            self.buffer.set_style(row.intersection(self.buffer.area), self.theme.style(role));
        }
    }

    /// Draws a pane's frame and title, if it has a frame.
    pub(super) fn frame(&mut self, pane: PaneArea, title: &str, focused: bool) {
        if !pane.framed {
            return;
        }
        let border = self.style(if focused { Role::BorderFocus } else { Role::Border });
        let room = usize::from(pane.outer.width).saturating_sub(4);
        let title = cut(title, room, Keep::Start, self.glyphs.ellipsis);
        let title = self.span(if focused { Role::Title } else { Role::Dim }, format!(" {title} "));
        Block::bordered()
            .border_set(self.glyphs.border)
            .border_style(border)
            .title(title)
            .render(pane.outer.intersection(self.buffer.area), self.buffer);
    }

    /// Draws a pane's scroll bar, if its list is longer than the pane.
    pub(super) fn scroll_bar(&mut self, pane: PaneArea, window: &Window, len: u64) {
        let bar = pane.scroll_bar;
        let Some(thumb) = window.thumb(len, bar.height) else { return };
        for line in 0..bar.height {
            let (glyph, role) = match thumb.contains(&line) {
                true => (self.glyphs.thumb, Role::Dim),
                false => (self.glyphs.track, Role::Border),
            };
            self.cell(bar.x, bar.y.saturating_add(line), glyph, role);
        }
    }
}

/// A pane's title, and the time that was asked for.
pub(super) fn titled(state: &State, painter: &Painter<'_>, title: &str) -> String {
    match moment::title(state) {
        Some(about) => format!("{title} {} {about}", painter.glyphs.separator),
        None => title.to_owned(),
    }
}

/// The spans that fit into so many columns, the last one cut.
fn fit_spans(spans: Vec<Span<'static>>, columns: usize, ellipsis: &str) -> Vec<Span<'static>> {
    let total: usize = spans.iter().map(|span| width(&span.content)).sum();
    if total <= columns {
        return spans;
    }
    let mut room = columns;
    let mut fitted = Vec::with_capacity(spans.len());
    let mut spans = spans.into_iter().peekable();
    while let Some(span) = spans.next() {
        let wide = width(&span.content);
        let more = spans.peek().is_some();
        // The last span that fits whole must leave room for the ellipsis of what follows.
        if wide < room || (wide == room && !more) {
            room -= wide;
            fitted.push(span);
            continue;
        }
        let marked = if wide == room { format!("{}{ellipsis}", span.content) } else { span.content.into_owned() };
        fitted.push(Span::styled(cut(&marked, room, Keep::Start, ellipsis).into_owned(), span.style));
        break;
    }
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_cut_where_the_line_ends() {
        let fit = |texts: &[&str], columns| {
            let spans = texts.iter().map(|text| Span::raw((*text).to_owned())).collect();
            fit_spans(spans, columns, "…").iter().map(|span| span.content.as_ref()).collect::<String>()
        };
        assert_eq!(fit(&["ab", "cd"], 4), "abcd");
        assert_eq!(fit(&["ab", "cd"], 3), "ab…");
        assert_eq!(fit(&["ab", "cd"], 2), "a…");
        assert_eq!(fit(&["日", "本"], 3), "日…");
        assert_eq!(fit(&["ab"], 0), "");
    }
}
