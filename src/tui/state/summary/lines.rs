//! What the Summary view says of a state: what the file is, by groups, the worst findings first.

use super::{Line, Link, Tone};
use crate::report::info::Info;
use crate::report::summary::VeriSummary;
use crate::report::{count, size};
use crate::tui::command::View;
use crate::tui::state::State;
use crate::tui::state::findings::words;
use h4mk::audit::Verdict;
use h4mk::finding::Severity;
use h4mk::index::Tag;
use h4mk::knowledge::Known;
use h4mk::veri::Status;

/// Findings that are shown here; the Audit view has all of them.
const SHOWN_FINDINGS: usize = 6;

/// Tracks that are shown: more than anyone reads in a summary.
const SHOWN_TRACKS: usize = 200;

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

/// The lines that a state makes.
pub(super) fn lines(state: &State) -> Vec<Line> {
    let mut lines = Lines::default();
    found(state, &mut lines);
    let info = state.description.as_ref().map(|description| &description.info);
    file(state, info, &mut lines);
    let Some(info) = info else { return lines.0 };
    container(info, &mut lines);
    blocks(state, info, &mut lines);
    seek_and_veri(state, info, &mut lines);
    tracks(info, &mut lines);
    lines.0
}

/// The worst of what was found, and what may be done where nobody looked.
fn found(state: &State, lines: &mut Lines) {
    lines.heading("Findings");
    match words::outcome(state) {
        Some((verdict, text)) => {
            let tone = match verdict {
                Verdict::Ok => Tone::Good,
                Verdict::Suspect => Tone::Found(Severity::Warning),
                Verdict::Damaged | Verdict::Unreadable => Tone::Found(Severity::Error),
            };
            lines.toned("Audit", text, tone, Link::View(View::Audit));
        }
        None => lines.toned("Audit", words::invitation(state), Tone::Remark, Link::View(View::Audit)),
    }
    let Some(list) = words::findings(state) else { return };
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

fn file(state: &State, info: Option<&Info>, lines: &mut Lines) {
    lines.heading("File");
    lines.fact("Name", state.name.clone(), Link::None);
    lines.fact("Size", size(state.source.len()), Link::None);
    if let Some(info) = info {
        lines.fact("Layout", info.describe_layout(), Link::View(View::Hex));
    }
}

fn container(info: &Info, lines: &mut Lines) {
    lines.heading("Container");
    lines.maybe("Title", info.title.as_ref(), Link::View(View::Manifest));
    lines.maybe("Project", info.project.as_ref(), Link::View(View::Manifest));
    lines.maybe("Version", info.version.as_ref(), Link::View(View::Manifest));
    lines.fact("Chunks", info.describe_tags(), Link::None);
}

fn blocks(state: &State, info: &Info, lines: &mut Lines) {
    let blocks = Link::View(View::Blocks);
    lines.heading("Blocks");
    lines.fact("Blocks", format!("{}, {} stored", info.blocks, size(info.compression.stored_bytes)), blocks);
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
    if let Some(bytes) = info.compression.decoded_bytes {
        lines.fact("Decoded", size(bytes), blocks);
    }
    if let Some(bytes) = info.block_size.value().copied() {
        lines.fact("Block size", size(bytes), Link::View(View::Manifest));
    }
    lines.heading("Time");
    lines.fact("Duration", info.describe_duration(), Link::View(View::Timeline));
    lines.fact("Timing", info.describe_timing(), Link::View(View::Timeline));
    lines.heading("Compression and protection");
    lines.fact("Compression", info.describe_compression(), Link::View(View::Manifest));
    lines.maybe("Engine", info.compression.engine_id.as_ref(), Link::View(View::Manifest));
    lines.maybe("Fingerprint", info.compression.fingerprint.as_ref(), Link::View(View::Manifest));
    lines.fact("Protection", info.describe_protection(), Link::View(View::Manifest));
}

fn seek_and_veri(state: &State, info: &Info, lines: &mut Lines) {
    lines.heading("SEEK");
    lines.fact("Entries", info.seek.describe(), Link::Tag(Tag::SEEK));
    if let Some(certainty) = info.seek.certainty() {
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
        None if info.tags.iter().any(|(tag, _)| *tag == Tag::VERI.to_string()) => {
            lines.toned("Status", "unchecked: v recomputes it", Tone::Remark, Link::Tag(Tag::VERI));
        }
        None => lines.fact("Status", info.describe_veri(), Link::View(View::Audit)),
    }
}

fn tracks(info: &Info, lines: &mut Lines) {
    if info.tracks.is_empty() {
        return;
    }
    lines.heading("Tracks");
    for (at, track) in info.tracks.iter().take(SHOWN_TRACKS).enumerate() {
        let is = track.describe();
        let is = if is.is_empty() { track.describe_blocks() } else { is };
        lines.fact(&track.id, is.clone(), Link::Track(at));
        let blocks = track.describe_blocks();
        if blocks != is {
            lines.toned("", blocks, Tone::Remark, Link::Track(at));
        }
    }
    if let Some(more) = info.tracks.len().checked_sub(SHOWN_TRACKS).filter(|more| *more > 0) {
        lines.toned("", format!("and {} more", count(more as u64, "track")), Tone::Remark, Link::None);
    }
}
