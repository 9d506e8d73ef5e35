//! Where things stand in the Hex view.
//!
//! ```text
//! ! block 0 at 8 is encrypted (living-cipher-v3)
//!  offset   0  1  2  3  4  5  6  7   8  9  a  b  c  d  e  f
//! 00000000  48 34 4d 4b 00 01 00 00  43 4f 52 45 00 00 02 38 │H4MK⋄•⋄⋄CORE⋄⋄•8
//! 00000010✗ 5f 2c 11 90 00 ff 00 ff                          │_,•×⋄■⋄■
//! ── fields ────────────────────────── values ─────────────────────────
//!  tag      CORE, block 0              u8    72 ...
//!  offset 0x10 (16) · 0x5f '_'
//!  CRC: 0x5f2c1190, does not match · CORE chunk 0
//! ```
//!
//! The panel stands beside the bytes where there is room for both, else below them. What gives way, first to last: the
//! second status line, the ruler, the ASCII column, half of the bytes on a row.

use ratatui::layout::{Position, Rect};

/// Columns that the panel beside the bytes takes at least, and at most.
const PANEL_WIDTH: (u16, u16) = (52, 72);
/// Rows of the panel below the bytes.
const INSPECTOR_HEIGHT: u16 = 11;
/// Rows of the pane from which the panel is shown unasked.
const AUTO_HEIGHT: u16 = 24;

/// What the panel was asked to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Panel {
    /// Fields and values, where there is room.
    #[default]
    Auto,
    /// Fields and values.
    Inspector,
    /// What the content looks like.
    Preview,
    /// Nothing.
    Hidden,
}

/// The columns of a row of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns {
    /// Digits of an offset.
    pub digits: u16,
    /// Bytes on a row: 16, 8, 4, 2 or 1.
    pub bytes: u16,
    /// The bytes are shown as text too.
    pub ascii: bool,
    /// A bar stands before the text.
    pub bar: bool,
}

impl Columns {
    /// The columns that fit into `width` for offsets below `end`.
    pub fn fit(width: u16, end: u64) -> Self {
        let needed = (u64::BITS - end.saturating_sub(1).leading_zeros()).div_ceil(4) as u16;
        let (wide, narrow) = (needed.max(8), needed.max(4));
        let of = |bytes: u16| {
            [(wide, true, true), (narrow, true, true), (narrow, true, false), (narrow, false, false)]
                .map(|(digits, ascii, bar)| Self { digits, bytes, ascii, bar })
        };
        // Fewer bytes with their text are read more easily than more bytes without.
        let with_text = [16, 8].into_iter().flat_map(|bytes| of(bytes).into_iter().take(3));
        let all = with_text.chain([4, 2, 1].into_iter().flat_map(of));
        let least = Self { digits: narrow, bytes: 1, ascii: false, bar: false };
        all.into_iter().find(|columns| columns.width() <= width).unwrap_or(least)
    }

    /// The column of a byte's two digits.
    pub fn hex(self, place: u16) -> u16 {
        self.digits + 2 + 3 * place + place / 8
    }

    /// The column of the bar.
    pub fn bar_at(self) -> Option<u16> {
        self.bar.then(|| self.hex(self.bytes - 1) + 3)
    }

    /// The column of a byte as text.
    pub fn text(self, place: u16) -> Option<u16> {
        self.ascii.then(|| self.hex(self.bytes - 1) + 3 + u16::from(self.bar) + place)
    }

    /// Columns of a row.
    pub fn width(self) -> u16 {
        self.text(self.bytes).unwrap_or(self.hex(self.bytes - 1) + 2)
    }

    /// The byte at a column, be it digits or text; the gap after a byte is its own.
    pub fn place_at(self, column: u16) -> Option<u16> {
        let places = 0..self.bytes;
        let text = |place: &u16| self.text(*place) == Some(column);
        let hex = |place: &u16| (self.hex(*place)..self.hex(*place) + 3).contains(&column);
        places.clone().find(text).or_else(|| places.clone().find(hex))
    }
}

/// What the panel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PanelKind {
    /// Fields and values at the cursor.
    Inspector,
    /// What the content looks like.
    Preview,
}

/// Where things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Why it is not shown as asked: one line or none.
    pub note: Rect,
    /// The ruler: one line or none.
    pub ruler: Rect,
    /// Rows of bytes.
    pub grid: Rect,
    /// The panel.
    pub panel: Option<(PanelKind, Rect)>,
    /// Two lines, one or none.
    pub status: Rect,
    /// The columns of a row.
    pub columns: Columns,
}

impl Geometry {
    /// The places in a pane's content, for offsets below `end`.
    pub fn of(inner: Rect, end: u64, panel: Panel, noted: bool) -> Self {
        let kind = match panel {
            Panel::Auto | Panel::Inspector => Some(PanelKind::Inspector),
            Panel::Preview => Some(PanelKind::Preview),
            Panel::Hidden => None,
        };
        let height = inner.height;
        let status_height = match height {
            0..3 => 0,
            3..12 => 1,
            _ => 2,
        };
        let (above, status) = split_below(inner, status_height);
        let full = Columns::fit(u16::MAX, end);
        let beside = inner.width.saturating_sub(full.width() + 1);
        let (bytes, panel) = match kind {
            None => (above, None),
            Some(kind) if beside >= PANEL_WIDTH.0 && above.height >= INSPECTOR_HEIGHT => {
                let width = beside.min(PANEL_WIDTH.1);
                let left = Rect { width: full.width() + 1, ..above };
                (left, Some((kind, Rect { x: left.right(), width, ..above })))
            }
            Some(_) if panel == Panel::Auto && height < AUTO_HEIGHT => (above, None),
            Some(kind) => {
                let wanted = match kind {
                    PanelKind::Inspector => INSPECTOR_HEIGHT,
                    PanelKind::Preview => INSPECTOR_HEIGHT.max(height / 2 + height / 10),
                };
                let (bytes, area) = split_below(above, wanted.min(above.height.saturating_sub(2)));
                (bytes, (area.height >= 2).then_some((kind, area)))
            }
        };
        let (note, bytes) = split_above(bytes, u16::from(noted && bytes.height >= 4));
        let (ruler, grid) = split_above(bytes, u16::from(bytes.height >= 4));
        Self { note, ruler, grid, panel, status, columns: Columns::fit(grid.width, end) }
    }

    /// The byte at a place on the screen: its line of the grid and its place on the row.
    pub fn byte_at(&self, at: Position) -> Option<(u16, u16)> {
        if !self.grid.contains(at) {
            return None;
        }
        Some((at.y - self.grid.y, self.columns.place_at(at.x - self.grid.x)?))
    }
}

fn split_above(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    (Rect { height, ..area }, Rect { y: area.y + height, height: area.height - height, ..area })
}

fn split_below(area: Rect, height: u16) -> (Rect, Rect) {
    split_above(area, area.height.saturating_sub(height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_on_a_row_follow_the_width() {
        let columns = |width, end| {
            let columns = Columns::fit(width, end);
            (columns.bytes, columns.digits, columns.ascii)
        };
        assert_eq!(columns(88, 0x1000), (16, 8, true));
        assert_eq!(columns(52, 0x1000), (8, 8, true));
        assert_eq!(columns(38, 0x1000), (8, 4, true));
        assert_eq!(columns(19, 0x1000), (4, 4, false));
        assert_eq!(columns(19, u64::MAX), (1, 16, false));
        assert_eq!(columns(0, 0), (1, 4, false));
    }

    #[test]
    fn the_panel_stands_where_there_is_room() {
        let panel = |width, height, panel| {
            let geometry = Geometry::of(Rect::new(0, 0, width, height), 0x1000, panel, false);
            geometry.panel.map(|(kind, area)| (kind, area.x > 0, area.height))
        };
        assert_eq!(panel(154, 50, Panel::Auto), Some((PanelKind::Inspector, true, 48)));
        assert_eq!(panel(88, 32, Panel::Auto), Some((PanelKind::Inspector, false, 11)));
        assert_eq!(panel(52, 16, Panel::Auto), None);
        assert_eq!(panel(52, 16, Panel::Inspector), Some((PanelKind::Inspector, false, 11)));
        assert_eq!(panel(88, 32, Panel::Hidden), None);
        assert_eq!(panel(38, 6, Panel::Preview), Some((PanelKind::Preview, false, 3)));
    }

    proptest! {
        #[test]
        fn parts_stay_inside_and_apart(
            width in 0u16..300,
            height in 0u16..100,
            end: u64,
            noted: bool,
            panel in prop::sample::select(vec![Panel::Auto, Panel::Inspector, Panel::Preview, Panel::Hidden]),
        ) {
            let inner = Rect::new(3, 5, width, height);
            let geometry = Geometry::of(inner, end, panel, noted);
            let mut parts = vec![geometry.note, geometry.ruler, geometry.grid, geometry.status];
            parts.extend(geometry.panel.map(|(_, area)| area));
            for (i, part) in parts.iter().enumerate() {
                prop_assert_eq!(inner.intersection(*part).area(), part.area());
                prop_assert!(parts[..i].iter().all(|other| other.intersection(*part).area() == 0));
            }
            prop_assert!(geometry.grid.height > 0 || height == 0);
            for (x, y) in [(0, 0), (3, 5), (width, height), (u16::MAX, u16::MAX)] {
                let byte = geometry.byte_at(Position { x, y });
                prop_assert!(byte.is_none_or(|(line, place)| line < height && place < geometry.columns.bytes));
            }
        }

        #[test]
        fn a_byte_is_found_where_it_is_drawn(width in 20u16..200, end: u64, place in 0u16..16) {
            let columns = Columns::fit(width, end);
            prop_assert!(columns.width() <= width.max(21));
            prop_assume!(place < columns.bytes);
            prop_assert_eq!(columns.place_at(columns.hex(place)), Some(place));
            prop_assert_eq!(columns.place_at(columns.hex(place) + 1), Some(place));
            if let Some(text) = columns.text(place) {
                prop_assert_eq!(columns.place_at(text), Some(place));
            }
        }
    }
}
