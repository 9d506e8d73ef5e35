//! Where the playhead stands on the axis.

use crate::tui::state::State;
use h4mk::explore::chart::{Axis, Chart};

/// Where on the axis the playhead stands.
pub fn playhead(state: &State, chart: &Chart) -> Option<u64> {
    let block = || {
        let (lane, place) = chart.find(state.container.as_ref()?, state.selection.block?)?;
        chart.lanes.get(lane)?.position(place)
    };
    match chart.axis {
        Axis::Time => state.selection.time_us.or_else(block),
        Axis::Index => block(),
    }
}
