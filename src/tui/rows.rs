//! The window of a list: which row is under the cursor and which rows are on the screen. Everything is arithmetic on
//! `u64`, so a list of millions costs what its visible rows cost.

use std::ops::Range;

/// A movement in a list or a page of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Motion {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// One step left.
    Left,
    /// One step right.
    Right,
    /// One screen up.
    PageUp,
    /// One screen down.
    PageDown,
    /// To the first row (`g`, Home).
    Home,
    /// To the last row (`G`, End).
    End,
}

/// The cursor and the first visible row of a list. The list's length and the rows on the screen are given at each call,
/// since both change while the window stays: an index grows, a terminal is resized.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    cursor: u64,
    top: u64,
}

impl Window {
    /// The row under the cursor; 0 in an empty list.
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// The first visible row.
    pub fn top(&self) -> u64 {
        self.top
    }

    /// Moves the cursor in a list of `len` rows of which `height` are visible, and scrolls to keep it in sight. Left and
    /// right do nothing.
    pub fn step(&mut self, motion: Motion, len: u64, height: u16) {
        let page = u64::from(height.saturating_sub(1).max(1));
        let to = match motion {
            Motion::Up => self.cursor.saturating_sub(1),
            Motion::Down => self.cursor.saturating_add(1),
            Motion::PageUp => self.cursor.saturating_sub(page),
            Motion::PageDown => self.cursor.saturating_add(page),
            Motion::Home => 0,
            Motion::End => u64::MAX,
            Motion::Left | Motion::Right => return,
        };
        self.set_cursor(to, len, height);
    }

    /// Puts the cursor on a row, or the nearest there is, and scrolls as little as needed to keep it in sight.
    pub fn set_cursor(&mut self, row: u64, len: u64, height: u16) {
        self.cursor = row.min(len.saturating_sub(1));
        let height = u64::from(height.max(1));
        let lowest_top = self.cursor.saturating_sub(height - 1);
        self.top = self.top.clamp(lowest_top, self.cursor).min(len.saturating_sub(height));
    }

    /// Puts the cursor on a row that may be far away, with rows before and after it in sight: where a jump lands.
    pub fn jump(&mut self, row: u64, len: u64, height: u16) {
        let visible = self.visible(len, height);
        if !visible.contains(&row) {
            self.top = row.saturating_sub(u64::from(height) / 3);
        }
        self.set_cursor(row, len, height);
    }

    /// Scrolls by rows; the cursor stays in sight (the wheel).
    pub fn scroll(&mut self, rows: i64, len: u64, height: u16) {
        let lines = u64::from(height.max(1));
        self.top = self.top.saturating_add_signed(rows).min(len.saturating_sub(lines));
        let last = self.top.saturating_add(lines - 1).min(len.saturating_sub(1));
        self.cursor = self.cursor.clamp(self.top.min(last), last);
    }

    /// The row at a line of the screen, counted from the first visible one (a click).
    pub fn row_at(&self, line: u16, len: u64) -> Option<u64> {
        self.top.checked_add(u64::from(line)).filter(|row| *row < len)
    }

    /// The rows to draw. Never more than `height`, whatever happened to the list since the window was moved.
    pub fn visible(&self, len: u64, height: u16) -> Range<u64> {
        let height = u64::from(height);
        let top = self.top.min(len.saturating_sub(height));
        top..top.saturating_add(height).min(len)
    }

    /// The part of a scroll bar of `height` cells that stands for the visible rows; `None` when all are visible.
    pub fn thumb(&self, len: u64, height: u16) -> Option<Range<u16>> {
        let visible = self.visible(len, height);
        if height == 0 || visible.end - visible.start >= len {
            return None;
        }
        let cells = u128::from(height);
        let size = (cells * u128::from(visible.end - visible.start) / u128::from(len)).clamp(1, cells);
        let scrolled = u128::from(visible.start);
        let scrollable = u128::from(len.saturating_sub(u64::from(height)).max(1));
        let start = ((cells - size) * scrolled).div_ceil(scrollable).min(cells - size);
        // At most `cells`, which came from a u16.
        let cell = |n: u128| u16::try_from(n).unwrap_or(height);
        Some(cell(start)..cell(start + size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_cursor_moves_and_the_window_follows() {
        let mut window = Window::default();
        window.step(Motion::Up, 100, 10);
        assert_eq!((window.cursor(), window.top()), (0, 0));
        (0..10).for_each(|_| window.step(Motion::Down, 100, 10));
        assert_eq!((window.cursor(), window.top()), (10, 1));
        window.step(Motion::PageDown, 100, 10);
        assert_eq!((window.cursor(), window.top()), (19, 10));
        window.step(Motion::End, 100, 10);
        assert_eq!((window.cursor(), window.visible(100, 10)), (99, 90..100));
        window.step(Motion::Home, 100, 10);
        assert_eq!((window.cursor(), window.top()), (0, 0));
    }

    #[test]
    fn a_jump_shows_what_surrounds_it() {
        let mut window = Window::default();
        window.jump(500, 1_000_000, 30);
        assert_eq!((window.cursor(), window.top()), (500, 490));
        window.jump(505, 1_000_000, 30);
        assert_eq!(window.top(), 490, "what is visible already does not move");
        window.jump(999_999, 1_000_000, 30);
        assert_eq!(window.visible(1_000_000, 30), 999_970..1_000_000);
    }

    #[test]
    fn the_wheel_scrolls_and_takes_the_cursor_along() {
        let mut window = Window::default();
        window.scroll(3, 100, 10);
        assert_eq!((window.cursor(), window.top()), (3, 3));
        window.scroll(-30, 100, 10);
        assert_eq!((window.cursor(), window.top()), (3, 0));
        window.scroll(i64::MAX, 100, 10);
        assert_eq!((window.cursor(), window.top()), (90, 90));
        assert_eq!(window.row_at(9, 100), Some(99));
        assert_eq!(window.row_at(10, 100), None);
    }

    #[test]
    fn the_scroll_bar_touches_its_ends_only_at_the_ends() {
        let mut window = Window::default();
        assert_eq!(window.thumb(10, 10), None);
        assert_eq!(window.thumb(u64::MAX, 10), Some(0..1));
        window.step(Motion::Down, 1_000_000, 1);
        assert_eq!(window.thumb(1_000_000, 10), Some(1..2));
        window.step(Motion::End, 1_000_000, 10);
        assert_eq!(window.thumb(1_000_000, 10), Some(9..10));
    }

    fn motion() -> impl Strategy<Value = Motion> {
        use Motion::*;
        prop::sample::select(vec![Up, Down, PageUp, PageDown, Home, End, Left, Right])
    }

    proptest! {
        #[test]
        fn the_cursor_is_always_in_sight(
            moves in prop::collection::vec((motion(), -50i64..50, 0u64..200, 0u16..20), 1..40),
        ) {
            let mut window = Window::default();
            for (motion, wheel, len, height) in moves {
                window.step(motion, len, height);
                window.scroll(wheel, len, height);
                window.step(motion, len, height);
                if !matches!(motion, Motion::Left | Motion::Right) && height > 0 && len > 0 {
                    prop_assert!(window.visible(len, height).contains(&window.cursor()), "{window:?} {len} {height}");
                }
                let visible = window.visible(len, height);
                prop_assert!(visible.end - visible.start == len.min(u64::from(height)));
                if let Some(thumb) = window.thumb(len, height) {
                    prop_assert!(thumb.start < thumb.end && thumb.end <= height);
                }
            }
        }
    }
}
