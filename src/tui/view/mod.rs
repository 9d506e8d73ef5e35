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
mod painter;
mod popup;
mod strip;
mod summary;
mod timeline;
mod tree;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use super::command::{Pane, View};
use super::layout::{Areas, MIN_SIZE};
use super::state::State;
use super::theme::Role;
use h4mk::source::without_reads;
use painter::{Painter, titled};

/// Draws the state onto a frame of any size.
pub fn draw(state: &State, frame: &mut Frame<'_>) {
    without_reads(|| draw_panes(state, frame));
}

fn draw_panes(state: &State, frame: &mut Frame<'_>) {
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

fn too_small(state: &State, buffer: &mut Buffer, area: Rect) {
    let needs = format!("{}x{}", MIN_SIZE.width, MIN_SIZE.height);
    let has = format!("{}x{}", area.width, area.height);
    let lines = [format!("too small: {has}"), format!("needs {needs}")];
    let mut painter = Painter::new(state, buffer);
    for (y, text) in (0..).zip(lines) {
        painter.line(area, y, vec![painter.span(Role::Warning, text)]);
    }
}

#[cfg(test)]
mod tests {
    use crate::tui::headless;
    use crate::tui::testing::assert_sound;
    use crate::tui::testing::{played, sample, setup};
    use crate::tui::{input, screen};
    use proptest::prelude::*;

    fn sound(player: &headless::Player, after: &str) {
        let (text, size) = (screen::text(&player.frame()), player.state().size);
        assert_sound(&text, (size.width, size.height), &player.state().name, after);
    }

    #[test]
    fn a_screen_too_small_says_so() {
        assert_eq!(screen::text(&played(19, 2, "").frame()), "too small: 19x2\nneeds 20x6\n");
        for (cols, rows) in [(0, 0), (1, 1), (0, 9), (9, 0), (20, 6), (300, 100), (500, 200)] {
            for text in ["", "?", "t1", "a"] {
                sound(&played(cols, rows, text), text);
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
            for input in input::parse(&text).unwrap() {
                player.play([input]);
                sound(&player, &text);
            }
        }
    }
}
