//! The state, drawn: pure functions from `&State` onto a frame, one file per part of the screen. The screen as a whole is
//! drawn in the comment of [`crate::tui::layout`].

mod blocks;
mod comparison;
mod findings;
mod footer;
mod header;
mod help;
mod hex;
mod known;
mod manifest;
mod message;
mod popup;
mod strip;
mod summary;
mod timeline;
mod tree;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};

use super::layout::{Areas, MIN_SIZE, PaneArea};
use super::rows::Window;
use super::state::{Pane, State, View, moment};
use super::text::{Keep, cut, width};
use super::theme::{Glyphs, Role, Theme};

/// Draws the state onto a frame of any size.
pub fn draw(state: &State, frame: &mut Frame<'_>) {
    let area = frame.area();
    let Some(areas) = Areas::of(area.as_size(), state.focus) else {
        too_small(state, frame.buffer_mut(), area);
        return;
    };
    let buffer = frame.buffer_mut();
    header::draw(state, buffer, areas.header);
    header::draw_tabs(state, buffer, &areas);
    if let Some(pane) = areas.tree {
        tree::draw(state, buffer, pane);
    }
    if let Some(pane) = areas.view {
        let mut painter = Painter::new(state, buffer);
        let title = titled(state, &painter, state.view.title());
        painter.frame(pane, &title, state.focus == Pane::View);
        match state.view {
            View::Summary => summary::draw(state, buffer, pane),
            View::Manifest => manifest::draw(state, buffer, pane),
            View::Timeline => timeline::draw(state, buffer, pane),
            View::Blocks => blocks::draw(state, buffer, pane),
            View::Hex => hex::draw(state, buffer, pane),
            View::Audit => findings::draw(state, buffer, pane),
        }
    }
    strip::draw(state, buffer, areas.strip);
    footer::draw(state, buffer, areas.footer);
    if let Some(comparison) = state.comparison.as_ref().filter(|comparison| comparison.shown) {
        Clear.render(areas.body.outer, buffer);
        comparison::draw(state, buffer, areas.body, comparison);
    }
    if let Some(popup) = &state.popup {
        popup::draw(state, buffer, areas.overlay, popup);
    }
    let cursor = message::draw(state, buffer, areas.message);
    if let Some(window) = &state.help {
        Clear.render(areas.overlay.outer, buffer);
        help::draw(state, buffer, areas.overlay, window);
    } else if let Some(cursor) = cursor {
        frame.set_cursor_position(cursor);
    }
}

/// A pane's title, and the time that was asked for.
pub(super) fn titled(state: &State, painter: &Painter<'_>, title: &str) -> String {
    match moment::title(state) {
        Some(about) => format!("{title} {} {about}", painter.glyphs.separator),
        None => title.to_owned(),
    }
}

fn too_small(state: &State, buffer: &mut Buffer, area: Rect) {
    let needs = format!("{}x{}", MIN_SIZE.width, MIN_SIZE.height);
    let has = format!("{}x{}", area.width, area.height);
    let lines = [format!("too small: {has}"), format!("needs {needs}")];
    let mut painter = Painter::new(state, buffer);
    for (y, text) in (0..).zip(lines) {
        painter.line(area, y, vec![painter.span(Role::Warning, text)]);
    }
}

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

/// A count with its thousands apart: `1,000,000`.
pub(super) fn count_text(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

pub(super) use crate::report::short_size as size_text;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::headless;
    use crate::tui::testing::{played, sample, setup};
    use crate::tui::{keys, screen};
    use proptest::prelude::*;

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

    #[test]
    fn counts_and_sizes() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count_text), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([580, 1_258_291].map(size_text), ["580 B", "1.2 MiB"]);
    }

    #[test]
    fn a_screen_too_small_says_so() {
        assert_eq!(screen::text(&played(19, 2, "").frame()), "too small: 19x2\nneeds 20x6\n");
        for (cols, rows) in [(0, 0), (1, 1), (0, 9), (9, 0), (20, 6), (300, 100), (500, 200)] {
            for text in ["", "?", "t1", "a"] {
                _ = played(cols, rows, text).frame();
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_keys_at_any_size_draw(
            text in "([a-zA-Z0-9?:/#% ]|<(Enter|Esc|Tab|Up|Down|Left|Right|PgUp|PgDn|Home|End|Space|Backspace)>|<Click:[0-9]{1,2},[0-9]{1,2}>|<Wheel:[0-9],[0-9],-?[0-9]>|<Resize:[0-9]{1,2}x[0-9]{1,2}>){0,30}",
            cols in 0u16..130,
            rows in 0u16..50,
        ) {
            let mut player = headless::Player::new(setup(sample(), cols, rows));
            for input in keys::parse(&text).unwrap() {
                player.play([input]);
                _ = headless::draw(player.state(), player.state().size);
            }
        }
    }
}
