//! What the Summary view says of a state: what the file is, by groups, the worst findings first.

use super::{Line, Link, Tone};
use crate::report::info::{Glance, describe_blocks};
use crate::report::summary::{Describe, certainty};
use crate::report::{count, size};
use crate::tui::command::View;
use crate::tui::state::State;
use crate::tui::state::findings::words;
use h4mk::audit::Verdict;
use h4mk::finding::Severity;
use h4mk::index::Tag;
use h4mk::knowledge::Known;
use h4mk::report::info::TrackInfo;
use h4mk::report::summary::VeriSummary;
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
