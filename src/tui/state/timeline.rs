//! What part of the axis the Timeline view shows.

pub(in crate::tui::state) mod behaviour;
pub mod faults;
pub mod parts;
pub mod playhead;

use std::ops::Range;
use std::sync::Arc;

use crate::tui::command::Zoom;
use h4mk::container::Container;
use h4mk::explore::chart::{Chain, Chart};
use h4mk::knowledge::{Knowledge, Known};

/// The closest zoom shows so many blocks.
const CLOSEST_BLOCKS: u64 = 4;

/// How values become bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// Twice the value, twice the bar.
    #[default]
    Linear,
    /// Ten times the value, a constant more: small blocks beside large ones stay visible.
    Log,
}

/// What the Timeline view shows.
#[derive(Debug, Default)]
pub struct TimeWindow {
    /// How values become bars.
    pub scale: Scale,
    /// The lane that keys move in.
    pub lane: usize,
    start: u64,
    /// `None`: all of it.
    len: Option<u64>,
    chain: Option<Chain>,
    /// What the chain was looked up for.
    chain_of: Option<(Arc<Chart>, usize, u64)>,
    /// What the chart was asked for of.
    profile_of: Option<Arc<Container>>,
    /// What something is wrong with in each lane, by place.
    faults: Vec<Vec<(u64, Known)>>,
    /// What the faults were looked up for, and how many chunks had been looked at then.
    faults_of: Option<(Arc<Chart>, Arc<Knowledge>, u64)>,
}

impl TimeWindow {
    /// The part of the axis that is shown: never empty.
    pub fn shown(&self, chart: &Chart) -> Range<u64> {
        let len = self.len.map_or(chart.axis_len(), |len| len.clamp(closest(chart), chart.axis_len()));
        let start = self.start.clamp(chart.start, chart.end - len);
        start..start + len
    }

    /// What must be decoded for the playhead.
    pub fn chain(&self) -> Option<Chain> {
        self.chain
    }

    /// The places in a lane that something is wrong with, ascending.
    pub fn faults(&self, lane: usize) -> &[(u64, Known)] {
        self.faults.get(lane).map_or(&[], Vec::as_slice)
    }

    fn set(&mut self, chart: &Chart, start: u64, len: u64) {
        self.len = (len < chart.axis_len()).then_some(len);
        self.start = start;
    }

    /// Zooms around a position, which stays where it is on the screen; around the middle where it is not shown.
    fn zoom(&mut self, chart: &Chart, zoom: Zoom, around: Option<u64>) {
        let shown = self.shown(chart);
        let len = shown.end - shown.start;
        let new = match zoom {
            Zoom::In => (len / 2).max(closest(chart)),
            Zoom::Out => len.saturating_mul(2).min(chart.axis_len()),
            Zoom::Whole => chart.axis_len(),
        };
        let around = around.filter(|at| shown.contains(at)).unwrap_or(shown.start + len / 2);
        let before = u128::from(around - shown.start) * u128::from(new) / u128::from(len.max(1));
        let start = around.saturating_sub(u64::try_from(before).unwrap_or(u64::MAX));
        self.set(chart, start.min(chart.end - new.min(chart.axis_len())), new);
    }

    fn pan(&mut self, chart: &Chart, back: bool) {
        let shown = self.shown(chart);
        let (len, step) = (shown.end - shown.start, (shown.end - shown.start).div_ceil(2));
        let start = if back { shown.start.saturating_sub(step) } else { shown.start.saturating_add(step) };
        self.set(chart, start.min(chart.end - len), len);
    }

    /// Moves as little as shows a position with something on both sides of it.
    fn reveal(&mut self, chart: &Chart, at: u64) {
        let shown = self.shown(chart);
        if !shown.contains(&at) {
            let len = shown.end - shown.start;
            self.set(chart, at.saturating_sub(len / 2).min(chart.end - len), len);
        }
    }
}

/// The least of the axis that is shown.
fn closest(chart: &Chart) -> u64 {
    let step = chart.lanes.iter().map(|lane| lane.step).min().unwrap_or(1);
    step.saturating_mul(CLOSEST_BLOCKS).clamp(1, chart.axis_len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::played;
    use proptest::prelude::*;

    fn chart() -> Arc<Chart> {
        played(80, 24, "").state().chart.clone().unwrap()
    }

    #[test]
    fn zooming_keeps_the_playhead_where_it_is() {
        let chart = chart();
        let mut window = TimeWindow::default();
        assert_eq!(window.shown(&chart), 0..8 * 33_333);
        window.zoom(&chart, Zoom::In, Some(200_000));
        let shown = window.shown(&chart);
        assert_eq!(shown, 100_000..100_000 + 4 * 33_333);
        window.zoom(&chart, Zoom::In, Some(200_000));
        assert_eq!(window.shown(&chart), shown, "four blocks are the closest");
        window.pan(&chart, true);
        assert_eq!(window.shown(&chart).start, 100_000 - 2 * 33_333);
        window.pan(&chart, true);
        window.reveal(&chart, 250_000);
        assert!(window.shown(&chart).contains(&250_000));
        window.zoom(&chart, Zoom::Whole, None);
        assert_eq!(window.shown(&chart), 0..chart.end);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_part_of_the_whole(moves in prop::collection::vec((0u8..6, any::<u64>()), 0..40)) {
            let chart = chart();
            let mut window = TimeWindow::default();
            for (what, at) in moves {
                match what {
                    0 => window.zoom(&chart, Zoom::In, Some(at)),
                    1 => window.zoom(&chart, Zoom::Out, Some(at % chart.end)),
                    2 => window.zoom(&chart, Zoom::Whole, None),
                    3 => window.pan(&chart, true),
                    4 => window.pan(&chart, false),
                    _ => window.reveal(&chart, at % chart.end),
                }
                let shown = window.shown(&chart);
                prop_assert!(shown.start < shown.end && shown.end <= chart.end, "{shown:?}");
            }
        }
    }
}
