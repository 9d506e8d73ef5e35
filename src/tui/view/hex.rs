//! The Hex view: bytes with the names of the fields they are. Where things stand is in
//! [`crate::tui::state::hex::geometry`].

mod grid;
mod inspector;
mod preview;
mod status;

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::known::look;
use super::{Painter, PaneArea, State, count_text};
use crate::tui::state::hex::geometry::PanelKind;
use crate::tui::state::hex::{Empty, Rows, Shown, chunk_name, shown};
use crate::tui::state::{JobKind, Pane, moment};
use crate::tui::text::{Keep, cut, width};
use crate::tui::theme::Role;
use h4mk::block::Reading;
use h4mk::container::Container;
use h4mk::explore::fields::{self, Field};
use h4mk::finding::{Finding, Severity};
use h4mk::index::Chunk;

pub(super) fn draw(state: &State, buffer: &mut Buffer, pane: PaneArea) {
    let mut painter = Painter::new(state, buffer);
    match shown(state) {
        Ok(shown) => draw_bytes(state, &mut painter, pane, &shown),
        Err(empty) => draw_empty(state, &mut painter, pane.inner, &empty),
    }
}

fn draw_bytes(state: &State, painter: &mut Painter<'_>, pane: PaneArea, shown: &Shown) {
    let title = title(state, painter, shown);
    let room = usize::from(pane.outer.width).saturating_sub(4);
    let title = cut(&title, room, Keep::Start, painter.glyphs.ellipsis).into_owned();
    painter.frame(pane, &title, state.focus == Pane::View);

    let Some(geometry) = state.hex_geometry(shown) else { return };
    let rows = Rows::new(&shown.range, &geometry.columns);
    if let Some(note) = &shown.note {
        let glyph = painter.glyphs.warning;
        painter.line(geometry.note, 0, vec![painter.span(Role::Warning, format!(" {glyph} {note}"))]);
    }
    let seen = Seen::new(state, shown, &rows, geometry.grid.height);
    if shown.range.is_empty() {
        painter.line(geometry.grid, 0, vec![painter.span(Role::Dim, format!(" {}", no_bytes(shown)))]);
    } else {
        grid::draw_ruler(painter, &geometry);
        grid::draw(state, painter, shown, &geometry, &rows, &seen);
    }
    status::draw(state, painter, shown, geometry.status, &seen);
    match geometry.panel {
        Some((PanelKind::Inspector, area)) => inspector::draw(state, painter, shown, area, &seen),
        Some((PanelKind::Preview, area)) => preview::draw(state, painter, shown, area),
        None => {}
    }
    let bar = Rect { y: geometry.grid.y, height: geometry.grid.height, ..pane.scroll_bar };
    painter.scroll_bar(PaneArea { scroll_bar: bar, ..pane }, state.hex.window(), rows.count());
}

fn no_bytes(shown: &Shown) -> &'static str {
    if shown.is_decoded() { "It decodes to nothing; r shows what is stored." } else { "There are no bytes here." }
}

fn draw_empty(state: &State, painter: &mut Painter<'_>, area: Rect, empty: &Empty) {
    let lines = match empty {
        Empty::NotIndexed if state.jobs.is_running(JobKind::Index) => {
            ["The file is being indexed.".to_owned(), String::new()]
        }
        Empty::NotIndexed => ["There is no container to show.".to_owned(), String::new()],
        Empty::NotRead(chunk, reading) => {
            let decoding = state.jobs.running().iter().find(|r| r.job.request.kind() == JobKind::Decode);
            let name = chunk_name(chunk);
            match decoding.map(|running| state.jobs.progress(running)) {
                Some(_) if *reading == Reading::Whole => {
                    [format!("Decoding {name}."), "r shows it as stored meanwhile.".to_owned()]
                }
                None if *reading == Reading::Whole => {
                    let text = format!("Decoding {name} was stopped.");
                    [text, "r shows it as stored, r again decodes.".to_owned()]
                }
                Some((done, total, _)) => {
                    let percent = u128::from(done) * 100 / u128::from(total.max(1));
                    let text = format!("Counting what {name} decodes to: {percent}%");
                    [text, "r shows it as stored meanwhile.".to_owned()]
                }
                None => {
                    let text = format!("Counting what {name} decodes to was stopped.");
                    [text, "r shows it as stored, r again counts.".to_owned()]
                }
            }
        }
    };
    for (line, text) in (0..).zip(lines) {
        painter.line(area, line, vec![painter.span(Role::Dim, format!(" {text}"))]);
    }
}

/// What is shown, in which form, from where its offsets count, the cursor's place and the length.
fn title(state: &State, painter: &Painter<'_>, shown: &Shown) -> String {
    let separator = format!(" {} ", painter.glyphs.separator);
    let (cursor, range) = (state.hex.cursor(), &shown.range);
    let len = format!("{} B", count_text(range.end - range.start));
    let parts = match &shown.chunk {
        Some(chunk) if shown.is_decoded() => {
            let name = chunk_name(chunk);
            [format!("Hex: {name} decoded"), format!("block offset {cursor:#x}"), len]
        }
        Some(chunk) if !state.hex.whole => {
            let name = chunk_name(chunk);
            [format!("Hex: {name} as stored"), format!("file offset {cursor:#x}"), len]
        }
        _ => ["Hex: whole file".to_owned(), format!("file offset {cursor:#x}"), len],
    };
    let [name, rest @ ..] = parts;
    let about = moment::about(state).filter(|_| !state.hex.whole).unwrap_or_default();
    [name + &about].into_iter().chain(rest).collect::<Vec<_>>().join(&separator)
}

/// What the visible bytes are: looked up once a frame.
struct Seen {
    /// Positions on the screen.
    positions: Range<u64>,
    /// Their bytes.
    bytes: Vec<u8>,
    /// The fields among them, where bytes are shown as stored.
    fields: Vec<Field>,
    /// The field under the cursor; of a decoded byte, that of the pair it came from.
    field: Option<Field>,
    /// What is wrong with bytes on the screen.
    faults: Vec<Fault>,
    /// Matches on the screen.
    matches: Vec<Range<u64>>,
}

/// Bytes that a finding is about.
struct Fault {
    positions: Range<u64>,
    severity: Severity,
    text: String,
}

impl Seen {
    fn new(state: &State, shown: &Shown, rows: &Rows, height: u16) -> Self {
        let visible = state.hex.window().visible(rows.count(), height);
        let first = rows.positions(visible.start).start;
        let last = visible.end.checked_sub(1).map_or(first, |row| rows.positions(row).end);
        let positions = first..last.max(first);
        let len = usize::try_from(positions.end - positions.start).unwrap_or_default();
        let bytes = shown.read(positions.start, len).into_owned();
        let stored = !shown.is_decoded();
        let fields = if stored { fields::fields_in(&shown.container, positions.clone()) } else { Vec::new() };
        let offset = shown.extent.file_offset(&shown.container, state.hex.cursor());
        let field = offset.and_then(|offset| fields::field_at(&shown.container, offset));
        let matches = matches(state, shown, &positions);
        Self { faults: faults(state, shown, &positions), positions, bytes, fields, field, matches }
    }

    fn byte(&self, position: u64) -> Option<u8> {
        let at = usize::try_from(position.checked_sub(self.positions.start)?).ok()?;
        self.bytes.get(at).copied()
    }

    fn fault(&self, position: u64) -> Option<&Fault> {
        self.faults.iter().filter(|fault| fault.positions.contains(&position)).min_by_key(|fault| fault.severity)
    }
}

/// Matches with bytes on the screen, also those that begin before it.
fn matches(state: &State, shown: &Shown, positions: &Range<u64>) -> Vec<Range<u64>> {
    let Some(search) = &state.hex.search else { return Vec::new() };
    let len = search.needle.bytes().len() as u64;
    let start = positions.start.saturating_sub(len - 1).max(shown.range.start);
    let around = usize::try_from((positions.end - start).saturating_add(len)).unwrap_or(usize::MAX);
    let bytes = shown.read(start, around);
    let places = search.needle.places(&bytes).map(|place| start + place as u64).map(|place| place..place + len);
    places.filter(|range| range.start < positions.end && range.end > positions.start).collect()
}

/// Findings about bytes on the screen that are fewer than a whole chunk.
fn faults(state: &State, shown: &Shown, positions: &Range<u64>) -> Vec<Fault> {
    let findings = state.audit.as_ref().map_or(&shown.container.walked().findings, |audit| &audit.findings);
    let mut faults = Vec::new();
    for finding in findings.list() {
        let flip = finding.flip.map(|flip| flip.offset..flip.offset.saturating_add(1));
        let Some(bytes) = flip.or_else(|| finding.focus.clone()) else { continue };
        let Some(start) = shown.extent.position_of(&shown.container, bytes.start) else { continue };
        let len = if shown.is_decoded() { 1 } else { bytes.end.saturating_sub(bytes.start) };
        let range = start..start.saturating_add(len);
        if range.start < positions.end && range.end > positions.start {
            let text = describe(&shown.container, finding);
            faults.push(Fault { positions: range, severity: finding.severity, text });
        }
    }
    faults
}

fn describe(container: &Container, finding: &Finding) -> String {
    let now = |offset: u64| container.bytes().get(offset);
    match finding.flip.and_then(|flip| Some((flip, now(flip.offset)?))) {
        Some((flip, now)) => {
            let before = now ^ 1u8.checked_shl(u32::from(flip.bit)).unwrap_or_default();
            let certain = if flip.confirmed { "confirmed" } else { "likely" };
            format!("bit {} flipped, {certain}: 0x{now:02x} now, 0x{before:02x} before", flip.bit)
        }
        None => format!("{}: {}", finding.code, h4mk::text::escape(&finding.message)),
    }
}

/// The chunk that a position of the file is in, for the status line.
fn owner(chunk: Option<&Chunk>) -> String {
    chunk.map(chunk_name).unwrap_or_default()
}

/// Draws a heading with a line up to the end of the area; several, where their columns begin.
fn heading(painter: &mut Painter<'_>, area: Rect, text: &str) {
    let room = usize::from(area.width);
    let line = painter.glyphs.line;
    let text = cut(text, room.saturating_sub(4), Keep::Start, painter.glyphs.ellipsis).into_owned();
    let rest = room.saturating_sub(width(&text) + 4);
    let spans = vec![
        painter.span(Role::Border, format!("{line} ")),
        painter.span(Role::Title, text),
        painter.span(Role::Border, format!(" {}", line.repeat(rest))),
    ];
    painter.line(area, 0, spans);
}
