//! What the bytes on the screen are.

use std::ops::Range;

use crate::tui::state::State;
use crate::tui::state::hex::rows::Rows;
use crate::tui::state::hex::shown::Shown;
use h4mk::explore::page::Spelled;
use h4mk::finding::{Finding, Severity};

/// What the visible bytes are: looked up once a frame.
pub(super) struct Seen<'a> {
    /// Bytes on the screen, as far as they were read: runs of them, each with its first position.
    pub(super) bytes: Vec<(u64, Vec<u8>)>,
    /// The fields among them, where bytes are shown as stored.
    pub(super) fields: Vec<&'a Spelled>,
    /// The field under the cursor; of a decoded byte, that of the pair it came from.
    pub(super) field: Option<&'a Spelled>,
    /// What is wrong with bytes on the screen.
    pub(super) faults: Vec<Fault>,
    /// Matches on the screen.
    pub(super) matches: Vec<Range<u64>>,
}

/// Bytes that a finding is about.
pub(super) struct Fault {
    pub(super) positions: Range<u64>,
    pub(super) severity: Severity,
    pub(super) text: String,
}

impl<'a> Seen<'a> {
    pub(super) fn new(state: &'a State, shown: &Shown, rows: &Rows, height: u16) -> Self {
        let visible = state.hex.window().visible(rows.count(), height);
        let first = rows.positions(visible.start).start;
        let last = visible.end.checked_sub(1).map_or(first, |row| rows.positions(row).end);
        let positions = first..last.max(first);
        let bytes = state.hex.runs(shown, positions.clone());
        let fields = if shown.is_decoded() { Vec::new() } else { state.hex.fields(shown, &positions) };
        let field = state.hex.field(shown, state.hex.cursor());
        let matches = matches(state, shown, &positions);
        Self { faults: faults(state, shown, &positions), bytes, fields, field, matches }
    }

    pub(super) fn byte(&self, position: u64) -> Option<u8> {
        let at = |start: &u64| usize::try_from(position.checked_sub(*start)?).ok();
        self.bytes.iter().find_map(|(start, bytes)| bytes.get(at(start)?).copied())
    }

    pub(super) fn fault(&self, position: u64) -> Option<&Fault> {
        self.faults.iter().filter(|fault| fault.positions.contains(&position)).min_by_key(|fault| fault.severity)
    }
}

/// Matches with bytes on the screen, also those that begin before it.
fn matches(state: &State, shown: &Shown, positions: &Range<u64>) -> Vec<Range<u64>> {
    let Some(search) = &state.hex.search else { return Vec::new() };
    let len = search.needle.bytes().len() as u64;
    let start = positions.start.saturating_sub(len - 1).max(shown.range.start);
    let end = positions.end.saturating_add(len).min(shown.range.end);
    let runs = state.hex.runs(shown, start..end);
    let places = runs.iter().flat_map(|(start, bytes)| search.needle.places(bytes).map(move |at| start + at as u64));
    let ranges = places.map(|place| place..place + len);
    ranges.filter(|range| range.start < positions.end && range.end > positions.start).collect()
}

/// Findings about bytes on the screen that are fewer than a whole chunk.
fn faults(state: &State, shown: &Shown, positions: &Range<u64>) -> Vec<Fault> {
    let findings = state.audit.as_ref().map_or(&shown.container.walked().findings, |audit| &audit.findings);
    let mut faults = Vec::new();
    for finding in findings.list() {
        let flip = finding.flip.map(|flip| flip.offset..flip.offset.saturating_add(1));
        let Some(bytes) = flip.or_else(|| finding.focus.clone()) else { continue };
        let Some(made) = state.hex.positions_of(shown, bytes.start, positions) else { continue };
        let start = made.start;
        let len = if shown.is_decoded() { 1 } else { bytes.end.saturating_sub(bytes.start) };
        let range = start..start.saturating_add(len);
        if range.start < positions.end && range.end > positions.start {
            let text = describe(finding);
            faults.push(Fault { positions: range, severity: finding.severity, text });
        }
    }
    faults
}

fn describe(finding: &Finding) -> String {
    match finding.flip {
        Some(flip) => {
            let certain = if flip.confirmed { "confirmed" } else { "likely" };
            let (now, before) = (flip.byte, flip.before());
            format!("bit {} flipped, {certain}: 0x{now:02x} now, 0x{before:02x} before", flip.bit)
        }
        None => format!("{}: {}", finding.code, h4mk::text::escape(&finding.message)),
    }
}
