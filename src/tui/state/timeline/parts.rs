//! Where things stand in the Timeline view.

use std::ops::Range;

use ratatui::layout::{Position, Rect};

use crate::tui::layout::strip_blocks;
use h4mk::explore::chart::Axis;

/// The stretch of the axis that a column of the chart stands for: never empty.
pub fn stretch(shown: &Range<u64>, width: u16, column: u16) -> Range<u64> {
    let within = strip_blocks(shown.end - shown.start, width, column);
    shown.start.saturating_add(within.start)..shown.start.saturating_add(within.end)
}

/// The lines of a lane in the pane, from its first line on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaneLines {
    /// Which lane.
    pub lane: usize,
    /// Its name.
    pub head: Option<u16>,
    /// Bars of block sizes.
    pub sizes: Range<u16>,
    /// Bars of bit rates.
    pub rates: Range<u16>,
    /// Keyframes; where the three below have no line, their marks too.
    pub marks: Option<u16>,
    /// SEEK entries.
    pub seek: Option<u16>,
    /// Damage.
    pub damage: Option<u16>,
    /// What must be decoded.
    pub chain: Option<u16>,
}

/// The lines of the pane. What gives way, first to last: facts below the chart, separate lines for marks, bit rates, the
/// names of lanes, the ruler and the caption, bars.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// What is shown, and in which scale.
    pub caption: Option<u16>,
    /// The lanes that there is room for.
    pub lanes: Vec<LaneLines>,
    /// Positions along the axis.
    pub ruler: Option<u16>,
    /// What is known about the playhead and the whole.
    pub facts: Range<u16>,
    /// Columns left of the chart for labels.
    pub gutter: u16,
}

impl Parts {
    /// The parts of a pane for so many lanes, of which one must be in sight.
    pub fn of(pane: Rect, lanes: usize, selected: usize, axis: Axis) -> Self {
        let height = pane.height;
        let facts = match height {
            0..=2 => 0,
            3..=5 => 1,
            6..=7 => 2,
            8..=11 => 3,
            12..=15 => 4,
            16..=21 => 6,
            22.. => 9,
        };
        let (caption, ruler) = (u16::from(height >= 5), u16::from(height >= 5));
        let body = height - facts - caption - ruler;
        let count = u16::try_from(lanes.max(1)).unwrap_or(u16::MAX);
        let visible = count.min((body / 2).max(1));
        let each = body / visible;
        let first = u16::try_from(selected).unwrap_or(0).saturating_sub(visible / 2).min(count - visible);
        let named = lanes > 1 && each >= 3;
        let mut line = caption;
        let mut take = |lines: u16| {
            line += lines;
            line - lines..line
        };
        let single = |range: Range<u16>| range.clone().next();
        let lanes = (first..first + visible).map(|lane| {
            let head = take(u16::from(named));
            let rest = each - (head.end - head.start);
            let apart = u16::from(lanes <= 1 && rest >= 12);
            let rates = match (axis, rest) {
                (Axis::Index, _) | (_, 0..=6) => 0,
                (Axis::Time, 7..=11) => 2,
                (Axis::Time, 12..) => rest / 5,
            };
            LaneLines {
                lane: usize::from(lane),
                head: single(head),
                sizes: take(rest - 1 - rates - 3 * apart),
                rates: take(rates),
                marks: single(take(1)),
                seek: single(take(apart)),
                damage: single(take(apart)),
                chain: single(take(apart)),
            }
        });
        let lanes = if body == 0 { Vec::new() } else { lanes.collect() };
        let ruler = take(ruler);
        let caption = single(0..caption);
        let gutter = if pane.width >= 50 { 12 } else { 0 };
        Self { caption, lanes, ruler: single(ruler), facts: height - facts..height, gutter }
    }

    /// The columns of the chart.
    pub fn chart_width(&self, pane: Rect) -> u16 {
        pane.width.saturating_sub(self.gutter)
    }

    /// The lane and column of the chart under a place on the screen.
    pub(super) fn at(&self, pane: Rect, at: Position) -> Option<(usize, u16)> {
        let (x, y) = (at.x.checked_sub(pane.x)?.checked_sub(self.gutter)?, at.y.checked_sub(pane.y)?);
        let last = self.lanes.iter().rfind(|lane| lane.head.unwrap_or(lane.sizes.start) <= y);
        let lane = last.or(self.lanes.first()).map_or(0, |lane| lane.lane);
        (x < self.chart_width(pane) && y < self.facts.start).then_some((lane, x))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_give_way_in_order() {
        let of = |width, height, lanes| Parts::of(Rect::new(0, 0, width, height), lanes, 0, Axis::Time);
        let large = of(88, 32, 1);
        assert!(large.lanes[0].chain.is_some() && large.lanes[0].rates.len() == 4 && large.facts.len() == 9);
        let middle = of(52, 16, 1);
        assert!(middle.lanes[0].seek.is_none() && middle.lanes[0].rates.len() == 2 && middle.gutter > 0);
        let small = of(38, 6, 1);
        assert_eq!((small.lanes[0].sizes.len(), small.lanes[0].marks, small.gutter), (1, Some(2), 0));
        assert_eq!(of(88, 32, 9).lanes.len(), 9);
        let many = Parts::of(Rect::new(0, 0, 88, 16), 9, 8, Axis::Time);
        assert_eq!(many.lanes.last().map(|lane| lane.lane), Some(8), "the one with the keys is in sight");
    }

    proptest! {
        #[test]
        fn parts_stay_inside_and_apart(width in 0u16..300, height in 0u16..120, lanes in 0usize..40, selected in 0usize..40, time in any::<bool>()) {
            let axis = if time { Axis::Time } else { Axis::Index };
            let parts = Parts::of(Rect::new(0, 0, width, height), lanes, selected.min(lanes.saturating_sub(1)), axis);
            let mut lines: Vec<u16> = parts.caption.iter().chain(&parts.ruler).copied().chain(parts.facts).collect();
            for lane in &parts.lanes {
                lines.extend(lane.sizes.clone().chain(lane.rates.clone()));
                lines.extend([lane.head, lane.marks, lane.seek, lane.damage, lane.chain].into_iter().flatten());
            }
            let count = lines.len();
            lines.sort_unstable();
            lines.dedup();
            prop_assert_eq!(lines.len(), count, "no line is drawn twice");
            prop_assert!(lines.last().is_none_or(|last| *last < height));
        }
    }
}
