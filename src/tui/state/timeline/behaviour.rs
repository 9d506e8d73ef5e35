//! What happens to the Timeline view: zooming, and scrubbing along the lanes.

use std::sync::Arc;

use ratatui::layout::Position;

use super::Scale;
use super::faults::{Stop, faults, find_faults, found_at, nothing_found};
use super::parts::{Parts, stretch};
use super::playhead::playhead;
use crate::tui::command::{Command, Level, Pane, View, Zoom};
use crate::tui::rows::Motion;
use crate::tui::state::behaviour::Behaviour;
use crate::tui::state::request::{Goal, JobKind, Request, Target};
use crate::tui::state::{Effect, Selection, State, moment};
use h4mk::container::Container;
use h4mk::explore::chart::{Axis, Chart, Lane};

/// Parts of what is shown that PgUp and PgDn move by.
const PAGES: u64 = 10;

/// The view's behaviour.
pub(in crate::tui::state) struct Timeline;

impl Behaviour for Timeline {
    fn run(&self, state: &mut State, command: Command) -> Option<Vec<Effect>> {
        let (container, chart) = state.container.clone().zip(state.chart.clone())?;
        let lane_at = state.timeline.lane.min(chart.lanes.len().saturating_sub(1));
        let head = playhead(state, &chart);
        match command {
            Command::Move(Motion::Up) => return Some(change_lane(state, &chart, lane_at.checked_sub(1), head)),
            Command::Move(Motion::Down) => return Some(change_lane(state, &chart, lane_at.checked_add(1), head)),
            _ => {}
        }
        let lane = chart.lanes.get(lane_at).filter(|lane| !lane.is_empty())?;
        let place = current(state, &chart, lane_at, head);
        let shown = state.timeline.shown(&chart);
        let page = ((shown.end - shown.start) / PAGES).max(1);
        let (at, last) = (head.unwrap_or(0), lane.len() - 1);
        let mut go = |place: u64| select(state, &container, lane, lane_at, place);
        match command {
            Command::Move(Motion::Left) => go(place.saturating_sub(1)),
            Command::Move(Motion::Right) => go(place.saturating_add(1).min(last)),
            Command::Move(Motion::PageUp) => {
                let to = lane.place_at(at.saturating_sub(page)).unwrap_or(0);
                go(to.min(place.saturating_sub(1)));
            }
            Command::Move(Motion::PageDown) => {
                let to = lane.place_at(at.saturating_add(page)).unwrap_or(0);
                go(to.max(place.saturating_add(1)).min(last));
            }
            Command::Move(Motion::Home) => go(0),
            Command::Move(Motion::End) => go(last),
            Command::Keyframe { back: true } => match lane.keyframe_before(place) {
                Some(keyframe) => go(keyframe),
                None => state.say(Level::Info, "no keyframe before this block"),
            },
            Command::Keyframe { back: false } => match lane.keyframe_in(&(place.saturating_add(1)..u64::MAX)) {
                Some(keyframe) => go(keyframe),
                None => state.say(Level::Info, "no keyframe after this block"),
            },
            Command::NextMatch => next_fault(state, &container, &chart, at, false),
            Command::PreviousMatch => next_fault(state, &container, &chart, at, true),
            Command::Zoom(zoom) => state.timeline.zoom(&chart, zoom, head),
            Command::Pan { back } => state.timeline.pan(&chart, back),
            Command::Scale => {
                state.timeline.scale = match state.timeline.scale {
                    Scale::Linear => Scale::Log,
                    Scale::Log => Scale::Linear,
                };
            }
            Command::Open => state.show(View::Hex),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn follow(&self, state: &mut State) {
        let Some((container, chart)) = state.container.clone().zip(state.chart.clone()) else { return };
        if let Some((lane, _)) = state.selection.block.and_then(|block| chart.find(&container, block)) {
            state.timeline.lane = lane;
        }
        if let Some(at) = playhead(state, &chart) {
            state.timeline.reveal(&chart, at);
        }
    }

    fn click(&self, state: &mut State, at: Position) -> Vec<Effect> {
        scrub(state, at);
        Vec::new()
    }

    fn drag(&self, state: &mut State, _from: Position, to: Position) {
        scrub(state, to);
    }

    fn wheel(&self, state: &mut State, rows: i64) {
        let Some(chart) = state.chart.clone() else { return };
        let around = playhead(state, &chart);
        let zoom = if rows < 0 { Zoom::In } else { Zoom::Out };
        state.timeline.zoom(&chart, zoom, around);
    }

    fn wants(&self, state: &mut State) -> Vec<Effect> {
        let Some((container, chart)) = state.container.clone().zip(state.chart.clone()) else { return Vec::new() };
        find_faults(state, &container, &chart);
        let Some(at) = playhead(state, &chart) else {
            state.timeline.chain = None;
            return Vec::new();
        };
        let lane = state.timeline.lane;
        let known = state.timeline.chain_of.as_ref();
        if !known.is_some_and(|(of, l, t)| Arc::ptr_eq(of, &chart) && (*l, *t) == (lane, at)) {
            state.timeline.chain = chart.chain(&container, lane, at);
            state.timeline.chain_of = Some((chart, lane, at));
        }
        Vec::new()
    }
}

/// The place that keys move on from: the selected block's, or in another lane what is shown at the playhead.
fn current(state: &State, chart: &Chart, lane: usize, head: Option<u64>) -> u64 {
    let found = state.container.as_ref().zip(state.selection.block).and_then(|(c, block)| chart.find(c, block));
    let shown = || chart.lanes.get(lane)?.place_at(head?);
    found.filter(|(of, _)| *of == lane).map(|(_, place)| place).or_else(shown).unwrap_or(0)
}

/// Scrubbing leaves no trail in the history.
fn select(state: &mut State, container: &Container, lane: &Lane, at: usize, place: u64) {
    let chunk = lane.block(place).and_then(|block| container.index().block(block));
    if let Some(chunk) = chunk {
        state.walk_to(Selection::of_chunk(container, &chunk));
        state.timeline.lane = at;
    }
}

/// To another lane, at the same time: the playhead stays, and what plays there is selected.
fn change_lane(state: &mut State, chart: &Chart, to: Option<usize>, head: Option<u64>) -> Vec<Effect> {
    let Some((to, lane)) = to.and_then(|to| Some((to, chart.lanes.get(to)?))) else { return Vec::new() };
    let Some(container) = state.container.clone() else { return Vec::new() };
    let at = head.unwrap_or(0);
    select(state, &container, lane, to, lane.place_at(at).unwrap_or(0));
    state.timeline.lane = to;
    let track = lane.track.and_then(|track| container.tracks()?.list.get(track)).map(|track| track.id.clone());
    let Some(track) = track.filter(|_| chart.axis == Axis::Time) else { return Vec::new() };
    state.selection.time_us = Some(at);
    vec![moment::seek(state, &container, Target::Time(at, Some(track)), Goal::Follow)]
}

fn scrub(state: &mut State, at: Position) {
    let Some((container, chart)) = state.container.clone().zip(state.chart.clone()) else { return };
    let Some(pane) = state.areas().and_then(|areas| areas.pane(Pane::View)).map(|area| area.inner) else { return };
    let parts = Parts::of(pane, chart.lanes.len(), state.timeline.lane, chart.axis);
    let Some((at_lane, column)) = parts.at(pane, at) else { return };
    let Some(lane) = chart.lanes.get(at_lane) else { return };
    let stretch = stretch(&state.timeline.shown(&chart), parts.chart_width(pane), column);
    let places = lane.places_in(&stretch);
    let place = if places.is_empty() { lane.place_at(stretch.start).unwrap_or(0) } else { places.start };
    select(state, &container, lane, at_lane, place);
}

/// To the nearest place after (or before) the playhead where something is wrong: damage, seek entries that disagree,
/// irregular keyframes, gaps.
fn next_fault(state: &mut State, container: &Container, chart: &Arc<Chart>, at: u64, back: bool) {
    let beyond = |stop: &Stop| if back { stop.at < at } else { stop.at > at };
    find_faults(state, container, chart);
    let stops = faults(state, chart).filter(beyond);
    let next = if back { stops.max_by_key(|stop| stop.at) } else { stops.min_by_key(|stop| stop.at) };
    match (next, back) {
        (Some(stop), _) => {
            if let Some(lane) = chart.lanes.get(stop.lane) {
                select(state, container, lane, stop.lane, stop.place);
            }
            let block = chart.lanes.get(stop.lane).and_then(|lane| lane.block(stop.place)).unwrap_or(0);
            let what = stop.what.unwrap_or_else(|| found_at(state, container, block));
            state.say(Level::Warning, what);
        }
        (None, _) => {
            let place = if back { "before" } else { "after" };
            state.say(Level::Info, nothing_found(state, container, place));
        }
    }
}

/// The job that looks at every block, where the container that is shown was not looked at yet.
pub(in crate::tui::state) fn chart_wanted(state: &mut State) -> Vec<Effect> {
    let Some(container) = &state.container else { return Vec::new() };
    let asked = state.timeline.profile_of.as_ref().is_some_and(|of| Arc::ptr_eq(of, container));
    if asked || state.jobs.is_running(JobKind::Chart) {
        return Vec::new();
    }
    state.timeline.profile_of = Some(container.clone());
    vec![Effect::Start(state.jobs.start(Request::Chart(container.clone())))]
}
