//! Positions along the axis.

use std::ops::Range;

use ratatui::layout::Rect;

use super::scene::Scene;
use crate::tui::layout::strip_column;
use crate::tui::text::{count_text, width};
use crate::tui::theme::Role;
use crate::tui::view::painter::Painter;
use h4mk::explore::chart::Axis;
use h4mk::time::format_us;

const SECOND: u64 = 1_000_000;

impl Scene<'_> {
    pub(super) fn ruler(&self, painter: &mut Painter<'_>, line: u16) {
        let chart = self.chart(&(line..line + 1));
        let len = self.shown.end - self.shown.start;
        let Some((step, label_width)) = tick_step(self.chart.axis, &self.shown, chart.width) else { return };
        let mut at = self.shown.start.div_ceil(step).saturating_mul(step);
        while at < self.shown.end {
            if let Some(x) = strip_column(len, chart.width, at - self.shown.start)
                && usize::from(x) + label_width < usize::from(chart.width)
            {
                let area = Rect { x: chart.x.saturating_add(x), width: chart.width - x, ..chart };
                let label = tick_text(self.chart.axis, at, step, self.shown.end);
                let spans = vec![painter.span(Role::Border, painter.glyphs.track), painter.span(Role::Dim, label)];
                painter.line(area, 0, spans);
            }
            let Some(next) = at.checked_add(step) else { break };
            at = next;
        }
    }
}

/// Distances between marks of the ruler that people count in.
fn steps(axis: Axis) -> impl Iterator<Item = u64> {
    let decimal =
        |from: u64, to: u32| (0..to).flat_map(move |power| [1, 2, 5].map(|digit| digit * from * 10u64.pow(power)));
    let clock = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200];
    let clock = clock.into_iter().map(|seconds| seconds * SECOND);
    let (below, clock, above) = match axis {
        Axis::Time => (decimal(1, 6), Some(clock), decimal(86_400 * SECOND, 8)),
        Axis::Index => (decimal(1, 18), None, decimal(1, 0)),
    };
    below.chain(clock.into_iter().flatten()).chain(above)
}

/// The distance between marks, and the columns of a mark.
fn tick_step(axis: Axis, shown: &Range<u64>, columns: u16) -> Option<(u64, usize)> {
    let len = shown.end - shown.start;
    steps(axis).find_map(|step| {
        let label = 1 + width(&tick_text(axis, shown.end, step, shown.end));
        let apart = u128::from(step) * u128::from(columns) / u128::from(len.max(1));
        (apart >= label as u128 + 2).then_some((step, label))
    })
}

/// A position on the ruler, as exact as the distance between marks needs; hours only where `end` reaches one.
fn tick_text(axis: Axis, at: u64, step: u64, end: u64) -> String {
    if axis == Axis::Index {
        return format!("#{}", count_text(at));
    }
    let clock = format_us(at);
    let digits = match step {
        SECOND.. => 0,
        step => 6 - (1..6).take_while(|power| step.is_multiple_of(10u64.pow(*power))).count(),
    };
    let cut = if digits == 0 { 7 } else { 6 - digits };
    let text = clock.get(..clock.len().saturating_sub(cut)).unwrap_or(&clock);
    text.strip_prefix("00:").filter(|_| end < 3600 * SECOND).unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_as_exact_as_they_are_close() {
        let text = |at, step| tick_text(Axis::Time, at, step, at);
        assert_eq!(text(61_500_000, SECOND), "01:01");
        assert_eq!(text(61_500_000, 500_000), "01:01.5");
        assert_eq!(text(3_661_000_020, 20), "01:01:01.00002");
        assert_eq!(text(7, 1), "00:00.000007");
        assert_eq!(tick_text(Axis::Index, 12_345, 5, 12_345), "#12,345");
    }

    #[test]
    fn steps_ascend_and_reach_every_length() {
        for axis in [Axis::Time, Axis::Index] {
            assert!(steps(axis).is_sorted());
            for shown in [0..1, 0..7, 5..1_000_000, u64::MAX - 10..u64::MAX] {
                assert!(tick_step(axis, &shown, 80).is_some(), "{shown:?}");
            }
        }
    }
}
