//! The Timeline view's part of the update: what part of the axis is shown, and scrubbing along it.

use std::ops::Range;
use std::sync::Arc;

use ratatui::layout::{Position, Rect};

use super::moment::{self, Goal, Target};
use super::update::{follow_selection, show};
use super::views::Behaviour;
use super::{Command, Effect, JobKind, Level, Pane, Request, Selection, State, View};
use crate::tui::layout::strip_blocks;
use crate::tui::rows::Motion;
use h4mk::container::Container;
use h4mk::explore::profile::{Axis, Chain, Lane, Profile};
use h4mk::finding::Severity;
use h4mk::knowledge::{Knowledge, Known};
use h4mk::text::escape;
use h4mk::time::format_duration;

/// The closest zoom shows so many blocks.
const CLOSEST_BLOCKS: u64 = 4;

/// Parts of what is shown that PgUp and PgDn move by.
const PAGES: u64 = 10;

/// How much of the axis is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Zoom {
    /// Half as much.
    In,
    /// Twice as much.
    Out,
    /// All.
    Whole,
}

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
    chain_of: Option<(Arc<Profile>, usize, u64)>,
    /// What the profile was asked for of.
    profile_of: Option<Arc<Container>>,
    /// What something is wrong with in each lane, by place.
    faults: Vec<Vec<(u64, Known)>>,
    /// What the faults were looked up for, and how many chunks had been looked at then.
    faults_of: Option<(Arc<Profile>, Arc<Knowledge>, u64)>,
}

impl TimeWindow {
    /// The part of the axis that is shown: never empty.
    pub fn shown(&self, profile: &Profile) -> Range<u64> {
        let len = self.len.map_or(profile.extent(), |len| len.clamp(closest(profile), profile.extent()));
        let start = self.start.clamp(profile.start, profile.end - len);
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

    fn set(&mut self, profile: &Profile, start: u64, len: u64) {
        self.len = (len < profile.extent()).then_some(len);
        self.start = start;
    }

    /// Zooms around a position, which stays where it is on the screen; around the middle where it is not shown.
    fn zoom(&mut self, profile: &Profile, zoom: Zoom, around: Option<u64>) {
        let shown = self.shown(profile);
        let len = shown.end - shown.start;
        let new = match zoom {
            Zoom::In => (len / 2).max(closest(profile)),
            Zoom::Out => len.saturating_mul(2).min(profile.extent()),
            Zoom::Whole => profile.extent(),
        };
        let around = around.filter(|at| shown.contains(at)).unwrap_or(shown.start + len / 2);
        let before = u128::from(around - shown.start) * u128::from(new) / u128::from(len.max(1));
        let start = around.saturating_sub(u64::try_from(before).unwrap_or(u64::MAX));
        self.set(profile, start.min(profile.end - new.min(profile.extent())), new);
    }

    fn pan(&mut self, profile: &Profile, back: bool) {
        let shown = self.shown(profile);
        let (len, step) = (shown.end - shown.start, (shown.end - shown.start).div_ceil(2));
        let start = if back { shown.start.saturating_sub(step) } else { shown.start.saturating_add(step) };
        self.set(profile, start.min(profile.end - len), len);
    }

    /// Moves as little as shows a position with something on both sides of it.
    fn reveal(&mut self, profile: &Profile, at: u64) {
        let shown = self.shown(profile);
        if !shown.contains(&at) {
            let len = shown.end - shown.start;
            self.set(profile, at.saturating_sub(len / 2).min(profile.end - len), len);
        }
    }
}

/// The least of the axis that is shown.
fn closest(profile: &Profile) -> u64 {
    let step = profile.lanes.iter().map(|lane| lane.step).min().unwrap_or(1);
    step.saturating_mul(CLOSEST_BLOCKS).clamp(1, profile.extent())
}

/// Where on the axis the playhead stands.
pub fn playhead(state: &State, profile: &Profile) -> Option<u64> {
    let block = || {
        let (lane, place) = profile.find(state.container.as_ref()?, state.selection.block?)?;
        profile.lanes.get(lane)?.position(place)
    };
    match profile.axis {
        Axis::Time => state.selection.time_us.or_else(block),
        Axis::Index => block(),
    }
}

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
    fn at(&self, pane: Rect, at: Position) -> Option<(usize, u16)> {
        let (x, y) = (at.x.checked_sub(pane.x)?.checked_sub(self.gutter)?, at.y.checked_sub(pane.y)?);
        let last = self.lanes.iter().rfind(|lane| lane.head.unwrap_or(lane.sizes.start) <= y);
        let lane = last.or(self.lanes.first()).map_or(0, |lane| lane.lane);
        (x < self.chart_width(pane) && y < self.facts.start).then_some((lane, x))
    }
}

/// The job that looks at every block, where the container that is shown was not looked at yet.
pub(super) fn profile_wanted(state: &mut State) -> Vec<Effect> {
    let Some(container) = &state.container else { return Vec::new() };
    let asked = state.timeline.profile_of.as_ref().is_some_and(|of| Arc::ptr_eq(of, container));
    if asked || state.jobs.is_running(JobKind::Profile) {
        return Vec::new();
    }
    state.timeline.profile_of = Some(container.clone());
    vec![Effect::Start(state.jobs.start(Request::Profile(container.clone())))]
}

/// What a key may lead to along the lanes.
struct Stop {
    at: u64,
    lane: usize,
    place: u64,
    /// What is wrong; `None` for what was found at the block.
    what: Option<String>,
}

/// The view's behaviour.
pub(super) struct Timeline;

impl Behaviour for Timeline {
    fn run(&self, state: &mut State, command: Command) -> Option<Vec<Effect>> {
        let (container, profile) = state.container.clone().zip(state.profile.clone())?;
        let lane_at = state.timeline.lane.min(profile.lanes.len().saturating_sub(1));
        let head = playhead(state, &profile);
        match command {
            Command::Move(Motion::Up) => return Some(change_lane(state, &profile, lane_at.checked_sub(1), head)),
            Command::Move(Motion::Down) => return Some(change_lane(state, &profile, lane_at.checked_add(1), head)),
            _ => {}
        }
        let lane = profile.lanes.get(lane_at).filter(|lane| !lane.is_empty())?;
        let place = current(state, &profile, lane_at, head);
        let shown = state.timeline.shown(&profile);
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
            Command::NextMatch => next_fault(state, &container, &profile, at, false),
            Command::PreviousMatch => next_fault(state, &container, &profile, at, true),
            Command::Zoom(zoom) => state.timeline.zoom(&profile, zoom, head),
            Command::Pan { back } => state.timeline.pan(&profile, back),
            Command::Scale => {
                state.timeline.scale = match state.timeline.scale {
                    Scale::Linear => Scale::Log,
                    Scale::Log => Scale::Linear,
                };
            }
            Command::Open => show(state, View::Hex),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn follow(&self, state: &mut State) {
        let Some((container, profile)) = state.container.clone().zip(state.profile.clone()) else { return };
        if let Some((lane, _)) = state.selection.block.and_then(|block| profile.find(&container, block)) {
            state.timeline.lane = lane;
        }
        if let Some(at) = playhead(state, &profile) {
            state.timeline.reveal(&profile, at);
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
        let Some(profile) = state.profile.clone() else { return };
        let around = playhead(state, &profile);
        let zoom = if rows < 0 { Zoom::In } else { Zoom::Out };
        state.timeline.zoom(&profile, zoom, around);
    }

    fn wants(&self, state: &mut State) -> Vec<Effect> {
        let Some((container, profile)) = state.container.clone().zip(state.profile.clone()) else { return Vec::new() };
        find_faults(state, &container, &profile);
        let Some(at) = playhead(state, &profile) else {
            state.timeline.chain = None;
            return Vec::new();
        };
        let lane = state.timeline.lane;
        let known = state.timeline.chain_of.as_ref();
        if !known.is_some_and(|(of, l, t)| Arc::ptr_eq(of, &profile) && (*l, *t) == (lane, at)) {
            state.timeline.chain = profile.chain(&container, lane, at);
            state.timeline.chain_of = Some((profile, lane, at));
        }
        Vec::new()
    }
}

/// The place that keys move on from: the selected block's, or in another lane what is shown at the playhead.
fn current(state: &State, profile: &Profile, lane: usize, head: Option<u64>) -> u64 {
    let found = state.container.as_ref().zip(state.selection.block).and_then(|(c, block)| profile.find(c, block));
    let shown = || profile.lanes.get(lane)?.place_at(head?);
    found.filter(|(of, _)| *of == lane).map(|(_, place)| place).or_else(shown).unwrap_or(0)
}

/// Scrubbing leaves no trail in the history.
fn select(state: &mut State, container: &Container, lane: &Lane, at: usize, place: u64) {
    let chunk = lane.block(place).and_then(|block| container.index().block(block));
    if let Some(chunk) = chunk {
        state.selection = Selection::of_chunk(container, &chunk);
        follow_selection(state);
        state.timeline.lane = at;
    }
}

/// To another lane, at the same time: the playhead stays, and what plays there is selected.
fn change_lane(state: &mut State, profile: &Profile, to: Option<usize>, head: Option<u64>) -> Vec<Effect> {
    let Some((to, lane)) = to.and_then(|to| Some((to, profile.lanes.get(to)?))) else { return Vec::new() };
    let Some(container) = state.container.clone() else { return Vec::new() };
    let at = head.unwrap_or(0);
    select(state, &container, lane, to, lane.place_at(at).unwrap_or(0));
    state.timeline.lane = to;
    let track = lane.track.and_then(|track| container.tracks()?.list.get(track)).map(|track| track.id.clone());
    let Some(track) = track.filter(|_| profile.axis == Axis::Time) else { return Vec::new() };
    state.selection.time_us = Some(at);
    vec![moment::seek(state, &container, Target::Time(at, Some(track)), Goal::Follow)]
}

fn scrub(state: &mut State, at: Position) {
    let Some((container, profile)) = state.container.clone().zip(state.profile.clone()) else { return };
    let Some(pane) = state.areas().and_then(|areas| areas.pane(Pane::View)).map(|area| area.inner) else { return };
    let parts = Parts::of(pane, profile.lanes.len(), state.timeline.lane, profile.axis);
    let Some((at_lane, column)) = parts.at(pane, at) else { return };
    let Some(lane) = profile.lanes.get(at_lane) else { return };
    let stretch = stretch(&state.timeline.shown(&profile), parts.chart_width(pane), column);
    let places = lane.places_in(&stretch);
    let place = if places.is_empty() { lane.place_at(stretch.start).unwrap_or(0) } else { places.start };
    select(state, &container, lane, at_lane, place);
}

/// To the nearest place after (or before) the playhead where something is wrong: damage, seek entries that disagree,
/// irregular keyframes, gaps.
fn next_fault(state: &mut State, container: &Container, profile: &Arc<Profile>, at: u64, back: bool) {
    let beyond = |stop: &Stop| if back { stop.at < at } else { stop.at > at };
    find_faults(state, container, profile);
    let stops = faults(state, profile).filter(beyond);
    let next = if back { stops.max_by_key(|stop| stop.at) } else { stops.min_by_key(|stop| stop.at) };
    match (next, back) {
        (Some(stop), _) => {
            if let Some(lane) = profile.lanes.get(stop.lane) {
                select(state, container, lane, stop.lane, stop.place);
            }
            let block = profile.lanes.get(stop.lane).and_then(|lane| lane.block(stop.place)).unwrap_or(0);
            let what = stop.what.unwrap_or_else(|| found_at(state, container, block));
            state.say(Level::Warning, what);
        }
        (None, _) => {
            let place = if back { "before" } else { "after" };
            state.say(Level::Info, nothing_found(state, container, place));
        }
    }
}

/// Whether every check was made to its end, of all that is there.
pub fn is_checked(state: &State) -> bool {
    let complete = state.audit.as_ref().is_some_and(|audit| audit.complete);
    complete && state.tally.of(Known::Unread) == 0
}

/// That nothing is wrong before or after the playhead, as far as somebody has looked.
fn nothing_found(state: &State, container: &Container, place: &str) -> String {
    match (is_checked(state), state.tally.of(Known::Unread)) {
        (true, _) => format!("nothing is wrong {place} the playhead"),
        (_, 0) => format!("nothing was found {place} the playhead; CRCs are known, a makes all other checks"),
        (_, unread) => {
            let all = container.index().blocks();
            format!("nothing was found {place} the playhead; {unread} of {all} blocks were not looked at, a checks all")
        }
    }
}

/// What was found at a block, or before it.
fn found_at(state: &State, container: &Container, block: u64) -> String {
    let findings = state.audit.as_ref().map_or(&container.walked().findings, |audit| &audit.findings);
    let here = findings.list().iter().filter(|finding| finding.block == Some(block));
    let found = here.min_by_key(|finding| finding.severity).filter(|finding| finding.severity != Severity::Info);
    match (found, state.knowledge.of_block(container, block)) {
        (Some(finding), _) => format!("block {block}, {}: {}", finding.code.name(), escape(&finding.message)),
        (None, Some(Known::NextToLoss)) => format!("bytes were lost beside block {block}"),
        (None, Some(Known::Wrong)) => format!("block {block} has a wrong CRC"),
        (None, known) => format!("block {block} is {}", known.unwrap_or(Known::Doubtful)),
    }
}

/// Looks up what is wrong in each lane, where more is known than the last time.
fn find_faults(state: &mut State, container: &Container, profile: &Arc<Profile>) {
    let looked_at = container.looked_at();
    let known = state.timeline.faults_of.as_ref().is_some_and(|(of, knowledge, looked)| {
        Arc::ptr_eq(of, profile) && Arc::ptr_eq(knowledge, &state.knowledge) && *looked == looked_at
    });
    if known {
        return;
    }
    let mut faults = vec![Vec::new(); profile.lanes.len()];
    for (block, known) in state.knowledge.faults(container) {
        let Some((lane, place)) = profile.find(container, block) else { continue };
        if let Some(lane) = faults.get_mut(lane) {
            lane.push((place, known));
        }
    }
    faults.iter_mut().for_each(|lane| lane.sort_unstable());
    state.timeline.faults = faults;
    state.timeline.faults_of = Some((profile.clone(), state.knowledge.clone(), looked_at));
}

fn faults<'a>(state: &State, profile: &'a Profile) -> impl Iterator<Item = Stop> + 'a {
    let marked = state.timeline.faults.iter().enumerate().flat_map(|(lane, faults)| {
        faults.iter().filter_map(move |(place, _)| {
            let at = profile.lanes.get(lane)?.position(*place)?;
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
        let axis = profile.axis;
        let spacing = lane.spacing.iter().flat_map(move |spacing| {
            let usual = distance_text(axis, spacing.usual);
            spacing.irregular.iter().filter_map(move |place| {
                stop(*place, format!("keyframe {{}} is not {usual} after the one before, as usual"))
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
    marked.into_iter().chain(profile.lanes.iter().enumerate().flat_map(of_lane))
}

/// A distance on the axis, for people.
pub fn distance_text(axis: Axis, distance: u64) -> String {
    match axis {
        Axis::Time => format_duration(distance),
        Axis::Index => format!("{distance} block{}", if distance == 1 { "" } else { "s" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::played;
    use proptest::prelude::*;

    fn profile() -> Arc<Profile> {
        played(80, 24, "").state().profile.clone().unwrap()
    }

    #[test]
    fn zooming_keeps_the_playhead_where_it_is() {
        let profile = profile();
        let mut window = TimeWindow::default();
        assert_eq!(window.shown(&profile), 0..8 * 33_333);
        window.zoom(&profile, Zoom::In, Some(200_000));
        let shown = window.shown(&profile);
        assert_eq!(shown, 100_000..100_000 + 4 * 33_333);
        window.zoom(&profile, Zoom::In, Some(200_000));
        assert_eq!(window.shown(&profile), shown, "four blocks are the closest");
        window.pan(&profile, true);
        assert_eq!(window.shown(&profile).start, 100_000 - 2 * 33_333);
        window.pan(&profile, true);
        window.reveal(&profile, 250_000);
        assert!(window.shown(&profile).contains(&250_000));
        window.zoom(&profile, Zoom::Whole, None);
        assert_eq!(window.shown(&profile), 0..profile.end);
    }

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

        #[test]
        fn what_is_shown_is_part_of_the_whole(moves in prop::collection::vec((0u8..6, any::<u64>()), 0..40)) {
            let profile = profile();
            let mut window = TimeWindow::default();
            for (what, at) in moves {
                match what {
                    0 => window.zoom(&profile, Zoom::In, Some(at)),
                    1 => window.zoom(&profile, Zoom::Out, Some(at % profile.end)),
                    2 => window.zoom(&profile, Zoom::Whole, None),
                    3 => window.pan(&profile, true),
                    4 => window.pan(&profile, false),
                    _ => window.reveal(&profile, at % profile.end),
                }
                let shown = window.shown(&profile);
                prop_assert!(shown.start < shown.end && shown.end <= profile.end, "{shown:?}");
            }
        }
    }
}
