//! What is wrong along the lanes, and going from one such place to the next.

use std::sync::Arc;

use crate::tui::state::State;
use h4mk::container::Container;
use h4mk::explore::chart::{Axis, Chart, Lane};
use h4mk::finding::Severity;
use h4mk::knowledge::Known;
use h4mk::text::escape;
use h4mk::time::format_duration;

/// What a key may lead to along the lanes.
pub(super) struct Stop {
    pub(super) at: u64,
    pub(super) lane: usize,
    pub(super) place: u64,
    /// What is wrong; `None` for what was found at the block.
    pub(super) what: Option<String>,
}

/// Whether every check was made to its end, of all that is there.
pub fn is_checked(state: &State) -> bool {
    let complete = state.audit.as_ref().is_some_and(|audit| audit.complete);
    complete && state.tally.of(Known::Unread) == 0
}

/// That nothing is wrong before or after the playhead, as far as somebody has looked.
pub(super) fn nothing_found(state: &State, container: &Container, place: &str) -> String {
    match (is_checked(state), state.tally.of(Known::Unread)) {
        (true, _) => format!("nothing is wrong {place} the playhead"),
        (_, 0) => format!("nothing was found {place} the playhead; CRCs were checked, a runs all other checks"),
        (_, unread) => {
            let all = container.index().blocks();
            format!("nothing was found {place} the playhead; {unread} of {all} blocks were not checked, a checks all")
        }
    }
}

/// What was found at a block, or before it.
pub(super) fn found_at(state: &State, container: &Container, block: u64) -> String {
    let findings = state.audit.as_ref().map_or(&container.walked().findings, |audit| &audit.findings);
    let here = findings.list().iter().filter(|finding| finding.block == Some(block));
    let found = here.min_by_key(|finding| finding.severity).filter(|finding| finding.severity != Severity::Info);
    match (found, state.knowledge.of_block(container, block)) {
        (Some(finding), _) => format!("block {block}, {}: {}", finding.code.name(), escape(&finding.message)),
        (None, Some(Known::NextToLoss)) => format!("bytes were lost next to block {block}"),
        (None, Some(Known::Wrong)) => format!("block {block} has a wrong CRC"),
        (None, known) => format!("block {block} is {}", known.unwrap_or(Known::Doubtful)),
    }
}

/// Looks up what is wrong in each lane, where more is known than the last time.
pub(super) fn find_faults(state: &mut State, container: &Container, chart: &Arc<Chart>) {
    let looked_at = container.looked_at();
    let known = state.timeline.faults_of.as_ref().is_some_and(|(of, knowledge, looked)| {
        Arc::ptr_eq(of, chart) && Arc::ptr_eq(knowledge, &state.knowledge) && *looked == looked_at
    });
    if known {
        return;
    }
    let mut faults = vec![Vec::new(); chart.lanes.len()];
    for (block, known) in state.knowledge.faults(container) {
        let Some((lane, place)) = chart.find(container, block) else { continue };
        if let Some(lane) = faults.get_mut(lane) {
            lane.push((place, known));
        }
    }
    faults.iter_mut().for_each(|lane| lane.sort_unstable());
    state.timeline.faults = faults;
    state.timeline.faults_of = Some((chart.clone(), state.knowledge.clone(), looked_at));
}

pub(super) fn faults<'a>(state: &State, chart: &'a Chart) -> impl Iterator<Item = Stop> + 'a {
    let marked = state.timeline.faults.iter().enumerate().flat_map(|(lane, faults)| {
        faults.iter().filter_map(move |(place, _)| {
            let at = chart.lanes.get(lane)?.position(*place)?;
            Some(Stop { at, lane, place: *place, what: None })
        })
    });
    let marked: Vec<Stop> = marked.collect();
    let of_lane = move |(number, lane): (usize, &'a Lane)| {
        let stop = move |place: u64, what: String| {
            let (at, block) = (lane.position(place)?, lane.block(place)?);
            Some(Stop { at, lane: number, place, what: Some(what.replace("{}", &block.to_string())) })
        };
        let entries = lane.faulty_entries().filter_map(move |entry| {
            let fault = entry.fault?.describe();
            stop(lane.place_at(entry.at)?, format!("entry {} at {} us {fault}", entry.row, entry.pts_us))
        });
        let axis = chart.axis;
        let spacing = lane.spacing.iter().flat_map(move |spacing| {
            let usual = distance_text(axis, spacing.usual);
            spacing.irregular.iter().filter_map(move |place| {
                stop(*place, format!("keyframe {{}} is not the usual {usual} after the previous one"))
            })
        });
        let gaps = lane.gaps.iter().filter_map(move |gap| {
            stop(
                gap.before,
                format!("no block for {} before block {{}}", distance_text(axis, gap.end.saturating_sub(gap.start))),
            )
        });
        entries.chain(spacing).chain(gaps)
    };
    marked.into_iter().chain(chart.lanes.iter().enumerate().flat_map(of_lane))
}

/// A distance on the axis, for people.
pub fn distance_text(axis: Axis, distance: u64) -> String {
    match axis {
        Axis::Time => format_duration(distance),
        Axis::Index => format!("{distance} block{}", if distance == 1 { "" } else { "s" }),
    }
}
