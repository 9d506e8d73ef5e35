//! Where everything stands on the screen. Geometry alone: the views draw into these areas, and `update` asks them which
//! pane a click meant and how long a page is.
//!
//! ```text
//! ┌──────────────────────────────────────────────────────────────────────────────┐
//! │ header   demo.h4mk · transport · 1.2 MiB · 300 blocks · 00:12.500 · not audited│
//! │ tabs     1 Summary  2 Manifest  3 Timeline  4 Blocks  5 Hex  6 Audit          │
//! │┌ tree ───────────────┐┌ view ────────────────────────────────────────────────┐│
//! ││▾ CORE  300   1.2 MiB ▐││                                                      ▐│
//! ││  ▸ 0–29              ││                                                      ││
//! ││▸ SEEK    1    180 B  ││                                                      ││
//! │└──────────────────────┘└──────────────────────────────────────────────────────┘│
//! │ strip    ▁▂▇▁▂▁▂▇▁▂▃▇▁▂   blocks against time, two lines: sizes, keyframes     │
//! │ message  what happened, or the prompt, or a job's progress                    │
//! │ footer   ? help  q quit  Tab pane  t time  / find                             │
//! └──────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! What gives way, first to last: the strip's second line (below 20 rows); the message line, which then shares the
//! footer's (below 16); the tree beside the view (below 70 columns; the pane with the keys is shown alone); the tabs (below
//! 10 rows); the frames (below 10 rows or 40 columns). Below 20×6 there is no layout, and the screen says so.

use std::ops::Range;

use ratatui::layout::{Position, Rect, Size};

use super::command::{Pane, View};

/// The least columns and rows that there is a layout for.
pub const MIN_SIZE: Size = Size { width: 20, height: 6 };

/// Where everything stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Areas {
    /// The file: one line.
    pub header: Rect,
    /// The names of the views: one line or none.
    pub tabs: Rect,
    /// The chunk tree, where it is shown.
    pub tree: Option<PaneArea>,
    /// The current view, where it is shown.
    pub view: Option<PaneArea>,
    /// Blocks against time: one or two lines.
    pub strip: Rect,
    /// Messages and prompts: one line, which may be the footer's.
    pub message: Rect,
    /// Key hints: one line.
    pub footer: Rect,
    /// Where an overlay (the help) is drawn, over the panes.
    pub overlay: PaneArea,
    /// All of the room that the panes have, for a list that needs it.
    pub body: PaneArea,
}

/// A pane with or without a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaneArea {
    /// The pane with its frame.
    pub outer: Rect,
    /// What is left for its content.
    pub inner: Rect,
    /// The column of its scroll bar: the right frame, or the last column of a pane without a frame.
    pub scroll_bar: Rect,
    /// Whether it has a frame.
    pub framed: bool,
}

impl PaneArea {
    fn new(outer: Rect, framed: bool) -> Self {
        if framed && outer.width > 2 && outer.height > 2 {
            let inner = Rect { x: outer.x + 1, y: outer.y + 1, width: outer.width - 2, height: outer.height - 2 };
            let scroll_bar = Rect { x: outer.right() - 1, width: 1, ..inner };
            Self { outer, inner, scroll_bar, framed: true }
        } else {
            let inner = Rect { width: outer.width.saturating_sub(1), ..outer };
            let scroll_bar = Rect { x: outer.right().saturating_sub(1), width: outer.width.min(1), ..outer };
            Self { outer, inner, scroll_bar, framed: false }
        }
    }

    /// The line of the content at a place on the screen, from 0.
    pub fn line_at(&self, at: Position) -> Option<u16> {
        self.inner.contains(at).then(|| at.y - self.inner.y)
    }
}

impl Areas {
    /// The layout for a screen; `None` below [`MIN_SIZE`].
    pub fn of(size: Size, focus: Pane) -> Option<Self> {
        let Size { width, height } = size;
        if width < MIN_SIZE.width || height < MIN_SIZE.height {
            return None;
        }
        let mut next = 0;
        let mut line = |lines: u16| {
            let area = Rect { x: 0, y: next, width, height: lines };
            next += lines;
            area
        };
        let tabs = u16::from(height >= 10);
        let strip = if height >= 20 { 2 } else { 1 };
        let message = u16::from(height >= 16);
        let header = line(1);
        let tabs = line(tabs);
        let body = line(height - 1 - tabs.height - strip - message - 1);
        let strip = line(strip);
        let own_message = line(message);
        let footer = line(1);

        let framed = height >= 10 && width >= 40;
        let pane = |area| Some(PaneArea::new(area, framed));
        let (tree, view) = if width >= 70 {
            let tree_width = (width / 4).clamp(26, 44);
            let (left, right) = split(body, tree_width);
            (pane(left), pane(right))
        } else if focus == Pane::Tree {
            (pane(body), None)
        } else {
            (None, pane(body))
        };
        let message = if message == 0 { footer } else { own_message };
        Some(Self {
            header,
            tabs,
            tree,
            view,
            strip,
            message,
            footer,
            overlay: overlay(body, framed),
            body: PaneArea::new(body, framed),
        })
    }

    /// The pane under a place on the screen.
    pub fn pane_at(&self, at: Position) -> Option<(Pane, PaneArea)> {
        let hit = |pane, area: Option<PaneArea>| area.filter(|a| a.outer.contains(at)).map(|a| (pane, a));
        hit(Pane::Tree, self.tree).or_else(|| hit(Pane::View, self.view))
    }

    /// The area of a pane, where it is shown.
    pub fn pane(&self, pane: Pane) -> Option<PaneArea> {
        match pane {
            Pane::Tree => self.tree,
            Pane::View => self.view,
        }
    }

    /// The columns of each view's name in the tab line, its number first; short of room, only the current view's name is
    /// written and the others are numbers.
    pub fn tab_labels(&self, current: View) -> Vec<(View, Rect, String)> {
        let full: u16 = View::ALL.iter().map(|view| columns(view.title()) + 4).sum();
        let mut x = self.tabs.x;
        let mut labels = Vec::new();
        for view in View::ALL {
            let label = match full <= self.tabs.width || view == current {
                true => format!(" {} {} ", view.number(), view.title()),
                false => format!(" {} ", view.number()),
            };
            let width = columns(&label);
            let area = Rect { x, width, ..self.tabs }.intersection(self.tabs);
            x = x.saturating_add(width);
            if area.width == width && area.height > 0 {
                labels.push((view, area, label));
            }
        }
        labels
    }
}

/// The blocks that a column of the strip stands for: the columns divide the blocks evenly, and where there are fewer blocks
/// than columns, neighbours share one.
pub fn strip_blocks(blocks: u64, width: u16, column: u16) -> Range<u64> {
    if blocks == 0 || column >= width {
        return 0..0;
    }
    let at = |column: u16| {
        let block = u128::from(blocks) * u128::from(column) / u128::from(width);
        u64::try_from(block).unwrap_or(blocks)
    };
    let start = at(column);
    start..at(column + 1).max(start + 1)
}

/// The column of the strip in which a block stands.
pub fn strip_column(blocks: u64, width: u16, block: u64) -> Option<u16> {
    if block >= blocks {
        return None;
    }
    // The first column whose blocks end behind the block.
    let column = (u128::from(block) * u128::from(width)).div_ceil(u128::from(blocks));
    let column = u16::try_from(column).ok()?.min(width.checked_sub(1)?);
    let before = column.checked_sub(1).filter(|before| strip_blocks(blocks, width, *before).contains(&block));
    Some(before.unwrap_or(column))
}

/// The columns of an ASCII label.
fn columns(label: &str) -> u16 {
    u16::try_from(label.len()).unwrap_or(u16::MAX)
}

fn split(area: Rect, left: u16) -> (Rect, Rect) {
    let left = left.min(area.width);
    (Rect { width: left, ..area }, Rect { x: area.x + left, width: area.width - left, ..area })
}

/// Over the middle of the panes: as wide as text reads well, as high as there is room.
fn overlay(body: Rect, framed: bool) -> PaneArea {
    let width = body.width.min(76);
    let x = body.x + (body.width - width) / 2;
    PaneArea::new(Rect { x, width, ..body }, framed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn panes_give_way_in_order() {
        let areas = |w, h| Areas::of(Size::new(w, h), Pane::View);
        let wide = areas(120, 40).unwrap();
        assert_eq!((wide.tabs.height, wide.strip.height, wide.tree.unwrap().outer.width), (1, 2, 30));
        assert_ne!(wide.message, wide.footer);
        let classic = areas(80, 24).unwrap();
        assert_eq!((classic.tree.unwrap().outer.width, classic.view.unwrap().outer.width), (26, 54));
        let small = areas(40, 12).unwrap();
        assert_eq!((small.tree, small.view.unwrap().framed, small.message), (None, true, small.footer));
        assert_eq!(Areas::of(Size::new(40, 12), Pane::Tree).unwrap().view, None);
        let least = areas(20, 6).unwrap();
        assert_eq!((least.tabs.height, least.view.unwrap().framed, least.view.unwrap().inner.height), (0, false, 3));
        assert_eq!((areas(19, 6), areas(20, 5), areas(0, 0)), (None, None, None));
    }

    #[test]
    fn a_click_finds_its_pane_and_line() {
        let areas = Areas::of(Size::new(80, 24), Pane::View).unwrap();
        let (pane, area) = areas.pane_at(Position { x: 3, y: 5 }).unwrap();
        assert_eq!((pane, area.line_at(Position { x: 3, y: 5 })), (Pane::Tree, Some(2)));
        assert_eq!(areas.pane_at(Position { x: 3, y: 0 }), None);
        let labels = areas.tab_labels(View::Hex);
        assert_eq!((labels.len(), labels[4].2.as_str()), (6, " 5 Hex "));
        let narrow = Areas::of(Size::new(40, 12), Pane::View).unwrap().tab_labels(View::Hex);
        assert_eq!(narrow.iter().map(|l| l.2.as_str()).collect::<String>(), " 1  2  3  4  5 Hex  6 ");
    }

    #[test]
    fn the_strip_divides_the_blocks() {
        assert_eq!(strip_blocks(8, 4, 1), 2..4);
        assert_eq!(strip_blocks(2, 4, 1), 0..1);
        assert_eq!(strip_blocks(2, 4, 4), 0..0);
        assert_eq!(strip_blocks(u64::MAX, u16::MAX, u16::MAX - 1).end, u64::MAX);
        assert_eq!((strip_column(8, 4, 3), strip_column(8, 4, 8), strip_column(8, 0, 0)), (Some(1), None, None));
    }

    proptest! {
        #[test]
        fn a_block_is_found_in_its_column(blocks in 1u64.., width in 1u16.., at in any::<prop::sample::Index>()) {
            let block = at.index(usize::try_from(blocks).unwrap()) as u64;
            let column = strip_column(blocks, width, block).unwrap();
            prop_assert!(strip_blocks(blocks, width, column).contains(&block), "{column}");
        }

        #[test]
        fn areas_stay_inside_and_apart(width in 0u16..320, height in 0u16..120, tree in any::<bool>()) {
            let focus = if tree { Pane::Tree } else { Pane::View };
            let Some(areas) = Areas::of(Size { width, height }, focus) else { return Ok(()) };
            let screen = Rect { x: 0, y: 0, width, height };
            let mut parts = vec![areas.header, areas.tabs, areas.strip, areas.footer];
            parts.extend([areas.tree, areas.view].into_iter().flatten().map(|pane| pane.outer));
            if areas.message != areas.footer {
                parts.push(areas.message);
            }
            let covered: u32 = parts.iter().map(|part| part.area()).sum();
            prop_assert_eq!(covered, screen.area());
            for (i, part) in parts.iter().enumerate() {
                prop_assert_eq!(screen.intersection(*part).area(), part.area());
                prop_assert!(parts[..i].iter().all(|other| other.intersection(*part).area() == 0));
            }
            let pane = areas.pane(focus).expect("the pane with the keys is shown");
            prop_assert!(pane.inner.width >= 19 && pane.inner.height >= 3);
        }
    }
}
