//! The Summary view's part of the update: its lines, and what each leads to.

use ratatui::layout::Position;

use super::findings::{self, findings as known_findings};
use super::views::Behaviour;
use super::{Command, Effect, JobKind, Level, Request, Selection, State, View, description, popup, update};
use crate::report::info::{Glance, describe_blocks};
use crate::report::summary::{Describe, certainty};
use crate::report::{count, size};
use crate::tui::rows::{Motion, Window};
use h4mk::audit::Verdict;
use h4mk::finding::Severity;
use h4mk::index::Tag;
use h4mk::knowledge::Known;
use h4mk::report::info::TrackInfo;
use h4mk::report::summary::VeriSummary;
use h4mk::time::format_us;
use h4mk::veri::Status;

/// The view's behaviour.
pub(super) struct Summary;

/// Findings that are shown here; the Audit view has all of them.
const SHOWN_FINDINGS: usize = 6;

/// Tracks that are shown: more than anyone reads in a summary.
const SHOWN_TRACKS: usize = 200;

/// How a value is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A fact.
    Plain,
    /// Something said about the fact above.
    Remark,
    /// As it should be.
    Good,
    /// A finding, or what comes to the same.
    Found(Severity),
}

/// Where a line leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Nowhere.
    None,
    /// To a view.
    View(View),
    /// To the first chunk of a tag.
    Tag(Tag),
    /// To a finding, by its place in the list.
    Finding(usize),
    /// To the first block of a track, by the track's place.
    Track(usize),
}

/// A line of the view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The name of a group of lines.
    Heading(&'static str),
    /// A fact: label, value as the file has it, how to take it, where it leads.
    Fact(String, String, Tone, Link),
    /// Between two groups.
    Blank,
}

/// What the view shows.
#[derive(Debug, Default)]
pub struct SummaryPane {
    /// The lines.
    pub lines: Vec<Line>,
    /// The cursor.
    pub window: Window,
}

impl SummaryPane {
    /// The line under the cursor.
    pub fn selected(&self) -> Option<&Line> {
        self.lines.get(usize::try_from(self.window.cursor()).ok()?)
    }

    /// The label of the line under the cursor, or of the one that it adds to.
    fn label(&self) -> &str {
        let upwards = (0..=self.window.cursor()).rev().filter_map(|at| self.lines.get(usize::try_from(at).ok()?));
        let mut labels = upwards.filter_map(|line| match line {
            Line::Fact(label, ..) if !label.is_empty() => Some(label.as_str()),
            _ => None,
        });
        labels.next().unwrap_or_default()
    }

    fn len(&self) -> u64 {
        self.lines.len() as u64
    }

    fn is_fact(&self, at: u64) -> bool {
        usize::try_from(at).is_ok_and(|at| matches!(self.lines.get(at), Some(Line::Fact(..))))
    }

    /// The fact nearest to a line, looked for first in the direction given.
    fn nearest(&self, at: u64, down: bool) -> Option<u64> {
        let after = (at..self.len()).find(|at| self.is_fact(*at));
        let before = (0..self.len().min(at.saturating_add(1))).rev().find(|at| self.is_fact(*at));
        if down { after.or(before) } else { before.or(after) }
    }
}

/// Collects lines.
#[derive(Default)]
struct Lines(Vec<Line>);

impl Lines {
    fn heading(&mut self, name: &'static str) {
        if !self.0.is_empty() {
            self.0.push(Line::Blank);
        }
        self.0.push(Line::Heading(name));
    }

    fn fact(&mut self, label: &str, value: impl Into<String>, link: Link) {
        self.toned(label, value, Tone::Plain, link);
    }

    fn toned(&mut self, label: &str, value: impl Into<String>, tone: Tone, link: Link) {
        self.0.push(Line::Fact(label.to_owned(), value.into(), tone, link));
    }

    fn maybe(&mut self, label: &str, value: Option<&String>, link: Link) {
        if let Some(value) = value {
            self.fact(label, value.clone(), link);
        }
    }
}

fn lines(state: &State) -> Vec<Line> {
    let mut lines = Lines::default();
    found(state, &mut lines);
    let glance = state.description.as_ref().map(|description| &description.glance);
    file(state, glance, &mut lines);
    let Some(glance) = glance else { return lines.0 };
    container(glance, &mut lines);
    blocks(state, glance, &mut lines);
    seek_and_veri(state, glance, &mut lines);
    tracks(&glance.info.tracks, &mut lines);
    lines.0
}

/// The worst of what was found, and what may be done where nobody looked.
fn found(state: &State, lines: &mut Lines) {
    lines.heading("Findings");
    match findings::outcome(state) {
        Some((verdict, text)) => {
            let tone = match verdict {
                Verdict::Ok => Tone::Good,
                Verdict::Suspect => Tone::Found(Severity::Warning),
                Verdict::Damaged | Verdict::Unreadable => Tone::Found(Severity::Error),
            };
            lines.toned("Audit", text, tone, Link::View(View::Audit));
        }
        None => lines.toned("Audit", findings::invitation(state), Tone::Remark, Link::View(View::Audit)),
    }
    let Some(list) = known_findings(state) else { return };
    let mut worst: Vec<_> = list.list().iter().enumerate().collect();
    worst.sort_by_key(|(_, finding)| finding.severity);
    let shown = if worst.len() > SHOWN_FINDINGS { SHOWN_FINDINGS - 1 } else { SHOWN_FINDINGS };
    for (at, finding) in worst.iter().take(shown) {
        let text = format!("{}: {}", finding.code, finding.message);
        lines.toned(finding.severity.name(), text, Tone::Found(finding.severity), Link::Finding(*at));
    }
    let more = worst.len().saturating_sub(shown) as u64 + list.omitted().values().sum::<u64>();
    if more > 0 {
        lines.toned("", format!("and {more} more"), Tone::Remark, Link::View(View::Audit));
    }
}

fn file(state: &State, glance: Option<&Glance>, lines: &mut Lines) {
    lines.heading("File");
    lines.fact("Name", state.name.clone(), Link::None);
    lines.fact("Size", size(state.source.len()), Link::None);
    if let Some(glance) = glance {
        lines.fact("Layout", glance.describe_layout(), Link::View(View::Hex));
    }
}

fn container(glance: &Glance, lines: &mut Lines) {
    lines.heading("Container");
    lines.maybe("Title", glance.info.title.as_ref(), Link::View(View::Manifest));
    lines.maybe("Project", glance.info.project.as_ref(), Link::View(View::Manifest));
    lines.maybe("Version", glance.info.version.as_ref(), Link::View(View::Manifest));
    lines.fact("Chunks", glance.describe_tags(), Link::None);
}

fn blocks(state: &State, glance: &Glance, lines: &mut Lines) {
    let blocks = Link::View(View::Blocks);
    lines.heading("Blocks");
    lines.fact(
        "Blocks",
        format!("{}, {} stored", glance.info.blocks, size(glance.info.compression.stored_bytes)),
        blocks,
    );
    if state.container.as_ref().is_some_and(|container| container.index().blocks() > 0) {
        let tally = state.tally;
        let tone = match tally.worst() {
            Known::Wrong | Known::NextToLoss => Tone::Found(Severity::Error),
            Known::Mended | Known::Doubtful => Tone::Found(Severity::Warning),
            Known::Unread => Tone::Remark,
            Known::Right => Tone::Good,
        };
        lines.toned("State", tally.to_string(), tone, blocks);
    }
    if let Some(bytes) = glance.info.compression.decoded_bytes {
        lines.fact("Decoded", size(bytes), blocks);
    }
    if let Some(bytes) = glance.info.block_size.value().copied() {
        lines.fact("Block size", size(bytes), Link::View(View::Manifest));
    }
    lines.heading("Time");
    lines.fact("Duration", glance.describe_duration(), Link::View(View::Timeline));
    lines.fact("Timing", glance.describe_timing(), Link::View(View::Timeline));
    lines.heading("Compression and protection");
    lines.fact("Compression", glance.describe_compression(), Link::View(View::Manifest));
    lines.maybe("Engine", glance.info.compression.engine_id.as_ref(), Link::View(View::Manifest));
    lines.maybe("Fingerprint", glance.info.compression.fingerprint.as_ref(), Link::View(View::Manifest));
    lines.fact("Protection", glance.describe_protection(), Link::View(View::Manifest));
}

fn seek_and_veri(state: &State, glance: &Glance, lines: &mut Lines) {
    lines.heading("SEEK");
    lines.fact("Entries", glance.info.seek.describe(), Link::Tag(Tag::SEEK));
    if let Some(certainty) = certainty(&glance.info.seek, glance.info.layout) {
        lines.toned("", certainty, Tone::Remark, Link::Tag(Tag::SEEK));
    }
    lines.heading("VERI");
    match &state.verification {
        Some(verification) => {
            let tone = match verification.status {
                Status::Verified => Tone::Good,
                Status::Mismatch | Status::Malformed => Tone::Found(Severity::Error),
                Status::Absent | Status::Unsupported => Tone::Found(Severity::Warning),
                Status::Unchecked => Tone::Remark,
            };
            lines.toned("Status", VeriSummary::from(verification).describe(), tone, Link::View(View::Audit));
            lines.toned("", verification.info.clone(), Tone::Remark, Link::View(View::Audit));
        }
        None if glance.info.tags.iter().any(|(tag, _)| *tag == Tag::VERI.to_string()) => {
            lines.toned("Status", "unchecked: v recomputes it", Tone::Remark, Link::Tag(Tag::VERI));
        }
        None => lines.fact("Status", glance.describe_veri(), Link::View(View::Audit)),
    }
}

fn tracks(tracks: &[TrackInfo], lines: &mut Lines) {
    if tracks.is_empty() {
        return;
    }
    lines.heading("Tracks");
    for (at, track) in tracks.iter().take(SHOWN_TRACKS).enumerate() {
        let is = track.describe();
        let is = if is.is_empty() { describe_blocks(track) } else { is };
        lines.fact(&track.id, is.clone(), Link::Track(at));
        let blocks = describe_blocks(track);
        if blocks != is {
            lines.toned("", blocks, Tone::Remark, Link::Track(at));
        }
    }
    if let Some(more) = tracks.len().checked_sub(SHOWN_TRACKS).filter(|more| *more > 0) {
        lines.toned("", format!("and {} more", count(more as u64, "track")), Tone::Remark, Link::None);
    }
}

/// Makes the lines anew; blank ones go where the rest would fit without them.
fn list(state: &mut State) {
    let mut lines = lines(state);
    let selected = state.summary.selected().cloned();
    let blank = lines.iter().filter(|line| **line == Line::Blank).count();
    let height = usize::from(height(state));
    if lines.len() > height && lines.len() - blank <= height {
        lines.retain(|line| *line != Line::Blank);
    }
    let same = |line: &Line| Some(line) == selected.as_ref();
    let at = lines.iter().position(same).map_or(state.summary.window.cursor(), |at| at as u64);
    state.summary.lines = lines;
    set_cursor(state, at, true);
}

fn height(state: &State) -> u16 {
    state.areas().and_then(|areas| areas.view).map_or(0, |pane| pane.inner.height)
}

fn set_cursor(state: &mut State, at: u64, down: bool) {
    let height = height(state);
    let pane = &mut state.summary;
    let (at, len) = (pane.nearest(at.min(pane.len().saturating_sub(1)), down).unwrap_or(0), pane.len());
    pane.window.set_cursor(at, len, height);
    // The heading above comes into sight with its first line.
    let first = (0..at).rev().take_while(|at| !pane.is_fact(*at)).last();
    if let Some(first) = first.filter(|first| *first < pane.window.top() && at - *first < u64::from(height)) {
        pane.window.set_cursor(first, len, height);
        pane.window.set_cursor(at, len, height);
    }
}

fn follow_link(state: &mut State, link: Link) {
    let Some(container) = state.container.clone() else { return };
    let index = container.index();
    match link {
        Link::None => state.say(Level::Info, "this line leads nowhere"),
        Link::View(view) => update::show(state, view),
        Link::Finding(at) => findings::show(state, at),
        Link::Tag(tag) => match index.first(tag) {
            Some(chunk) => {
                update::select(state, Selection::of_chunk(&container, &chunk));
                update::show(state, View::Hex);
            }
            None => state.say(Level::Info, format!("there is no {tag} chunk")),
        },
        Link::Track(at) => {
            let track = container.tracks().and_then(|tracks| tracks.list.get(at));
            let first = track.and_then(|track| track.blocks.first());
            match first.and_then(|first| index.block(first.block)) {
                Some(chunk) => {
                    update::select(state, Selection::of_chunk(&container, &chunk));
                    let at = state.selection.time_us.map(format_us).unwrap_or_default();
                    update::show(state, View::Blocks);
                    state.say(Level::Info, format!("the track's first block as stored, at {at}"));
                }
                None => state.say(Level::Info, "the track has no block"),
            }
        }
    }
}

impl Behaviour for Summary {
    fn run(&self, state: &mut State, command: Command) -> Option<Vec<Effect>> {
        let cursor = state.summary.window.cursor();
        match command {
            Command::Move(Motion::Up | Motion::PageUp | Motion::Home)
                if state.summary.nearest(0, true) == Some(cursor) =>
            {
                // Nothing stands above but a heading.
                state.summary.window = Window::default();
                set_cursor(state, cursor, true);
            }
            Command::Move(motion) => {
                let (len, height) = (state.summary.len(), height(state));
                let mut window = state.summary.window;
                window.step(motion, len, height);
                let down = matches!(motion, Motion::Down | Motion::PageDown | Motion::End);
                set_cursor(state, window.cursor(), down);
            }
            Command::Open => {
                if let Some(Line::Fact(.., link)) = state.summary.selected() {
                    follow_link(state, *link);
                }
            }
            Command::Fold => {
                if let Some(Line::Fact(_, value, ..)) = state.summary.selected().cloned() {
                    let label = state.summary.label().to_owned();
                    popup::open(state, &label, &value);
                }
            }
            Command::Copy => match state.summary.selected().cloned() {
                Some(Line::Fact(_, value, ..)) => return Some(update::copied(state, &value)),
                _ => return None,
            },
            Command::CopyRaw => match state.summary.selected().cloned() {
                Some(Line::Fact(_, value, ..)) => return Some(update::copied_raw(state, value)),
                _ => return None,
            },
            _ => return None,
        }
        Some(Vec::new())
    }

    fn refresh(&self, state: &mut State) -> Vec<Effect> {
        list(state);
        let Some(container) = state.container.clone() else { return Vec::new() };
        let known = state.description.as_ref();
        let is_told = known.is_some_and(|known| {
            let is_current = state.followed.is_none() || known.extent == description::extent(&container);
            is_current && (known.is_complete || !container.is_complete()) && (known.is_audited || state.audit.is_none())
        });
        if is_told || (!container.is_complete() && state.jobs.is_running(JobKind::Describe)) {
            return Vec::new();
        }
        let request = Request::Describe(container, state.audit.clone());
        if state.jobs.running().iter().any(|running| same_work(&running.job.request, &request)) {
            return Vec::new();
        }
        vec![Effect::Start(state.jobs.start(request))]
    }

    fn refit(&self, state: &mut State) {
        list(state);
    }

    fn click(&self, state: &mut State, at: Position) -> Vec<Effect> {
        let line = state.areas().and_then(|areas| areas.view).and_then(|pane| pane.line_at(at));
        let row = line.and_then(|line| state.summary.window.row_at(line, state.summary.len()));
        let Some(row) = row.filter(|row| state.summary.is_fact(*row)) else { return Vec::new() };
        if row == state.summary.window.cursor() {
            return self.run(state, Command::Open).unwrap_or_default();
        }
        set_cursor(state, row, true);
        Vec::new()
    }

    fn wheel(&self, state: &mut State, rows: i64) {
        let (len, height) = (state.summary.len(), height(state));
        let mut window = state.summary.window;
        window.scroll(rows, len, height);
        state.summary.window = window;
        let cursor = window.cursor();
        if !state.summary.is_fact(cursor) {
            let visible = window.visible(len, height);
            let fact = visible.clone().find(|at| state.summary.is_fact(*at));
            state.summary.window.set_cursor(fact.unwrap_or(cursor), len, height);
        }
    }
}

/// Whether two requests describe the same container with the same audit.
fn same_work(a: &Request, b: &Request) -> bool {
    match (a, b) {
        (Request::Describe(a, x), Request::Describe(b, y)) => {
            std::sync::Arc::ptr_eq(a, b) && x.is_some() == y.is_some()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::headless::Player;
    use crate::tui::testing::{damaged, played, played_with};

    fn label(player: &Player) -> String {
        match player.state().summary.selected() {
            Some(Line::Fact(label, ..)) => label.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn value(player: &Player, label: &str) -> String {
        let of_label = |line: &Line| match line {
            Line::Fact(name, value, ..) if name == label => Some(value.clone()),
            _ => None,
        };
        player.state().summary.lines.iter().find_map(of_label).unwrap_or_default()
    }

    #[test]
    fn the_cursor_moves_from_fact_to_fact() {
        assert_eq!(label(&played(80, 24, "")), "Audit");
        assert_eq!(label(&played(80, 24, "j")), "Name");
        assert_eq!(label(&played(80, 24, "jk")), "Audit");
        assert_eq!(label(&played(40, 12, "G")), "Status");
        let top = played(40, 12, "Ggg");
        assert_eq!((label(&top), top.state().summary.window.top()), ("Audit".into(), 0), "with its heading");
    }

    #[test]
    fn the_numbers_are_those_of_info() {
        let player = played(80, 24, "");
        let glance = &player.state().description.as_ref().unwrap().glance;
        assert_eq!(value(&player, "Duration"), glance.describe_duration());
        assert_eq!(value(&player, "Entries"), glance.info.seek.describe());
        assert_eq!(value(&player, "State"), "8 not looked at");
        assert_eq!(value(&played(80, 24, "a"), "State"), "8 right");
        assert_eq!(value(&played(80, 24, "a"), "Decoded"), "2 KiB (2048 bytes)");
        assert_eq!(value(&played(80, 24, "v"), "Status"), "verified (sha256, prefix)");
    }

    #[test]
    fn findings_come_first_and_lead_to_the_audit() {
        let player = played_with(damaged(), "a");
        assert_eq!(value(&player, "Audit"), "damaged: 2 errors");
        let opened = played_with(damaged(), "ajj<Enter>");
        assert_eq!(opened.state().view, View::Audit);
        assert_eq!(opened.state().selection.chunk, Some(11), "the second finding's");
        assert_eq!(value(&played(80, 24, ""), "Audit"), "not audited: a runs every check");
    }

    #[test]
    fn lines_lead_to_what_they_are_about() {
        let to = |line: &str, steps: usize| {
            let player = played(80, 24, &"j".repeat(steps));
            assert_eq!(label(&player), line);
            let there = played(80, 24, &format!("{}<Enter>", "j".repeat(steps)));
            (there.state().view, there.state().selection.chunk)
        };
        assert_eq!(to("Duration", 8), (View::Timeline, Some(0)));
        assert_eq!(to("Entries", 12), (View::Hex, Some(8)));
        let whole = played(80, 24, "jjj<Space>");
        assert_eq!(whole.state().popup.as_ref().unwrap().title, "Layout");
    }
}
