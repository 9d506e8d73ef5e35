//! The lines below the bytes: where the cursor is, what stands there, what is selected and found.

use ratatui::layout::Rect;
use ratatui::text::Span;

use super::seen::Seen;
use crate::tui::state::hex::chunk_name;
use crate::tui::state::hex::shown::Shown;
use crate::tui::state::{JobKind, State};
use crate::tui::text::{Keep, count_text, from_file};
use crate::tui::theme::Role;
use crate::tui::view::known::look;
use crate::tui::view::painter::Painter;
use h4mk::finding::Severity;
use h4mk::index::Chunk;
use h4mk::text::escape;

/// Columns of a search's text in the status line.
const NEEDLE_COLUMNS: usize = 24;

pub(super) fn draw(state: &State, painter: &mut Painter<'_>, shown: &Shown, area: Rect, seen: &Seen<'_>) {
    let mut place = place(state, painter, shown, seen);
    let field = field(state, painter, shown, seen);
    if area.height >= 2 {
        painter.line(area, 0, place);
        painter.line(area, 1, field);
    } else {
        // The title is gone or cut where there is one line: the cursor's place comes first.
        if !field.is_empty() {
            place.push(painter.span(Role::Dim, " "));
        }
        place.extend(field);
        painter.line(area, 0, place);
    }
}

/// The cursor, and what is known about it: what is missed most first, since lines are cut at their end.
fn place(state: &State, painter: &Painter<'_>, shown: &Shown, seen: &Seen<'_>) -> Vec<Span<'static>> {
    let cursor = state.hex.cursor();
    let selected = state.hex.selected().map(|selected| {
        let (len, last) = (selected.end - selected.start, selected.end.saturating_sub(1));
        let plural = if len == 1 { "" } else { "s" };
        (Role::Strong, format!("{} byte{plural} selected, {:#x}-{last:#x}", count_text(len), selected.start))
    });
    let byte = seen.byte(cursor).map(|byte| match byte {
        0x20..=0x7e => format!("0x{byte:02x} '{}'", char::from(byte)),
        _ => format!("0x{byte:02x}"),
    });
    let chunk = shown.chunk.filter(|_| !shown.is_decoded());
    let payload = chunk.map(|chunk| chunk.payload_offset()..chunk.payload_offset().saturating_add(chunk.len()));
    let within = payload.filter(|payload| payload.contains(&cursor)).map(|payload| cursor - payload.start);
    let known = shown.chunk.map(|chunk| {
        let known = state.knowledge.of_chunk(&shown.container, &chunk);
        let (glyph, role) = look(known, painter.glyphs);
        (role, format!("{glyph} {known}"))
    });
    let waiting = match state.hex.waiting() {
        0 => None,
        1 => Some((Role::Warning, "1 key is waiting for the file, Esc drops it".to_owned())),
        keys => Some((Role::Warning, format!("{keys} keys are waiting for the file, Esc drops them"))),
    };
    let facts = [
        waiting,
        selected,
        search(state, painter, shown).map(|text| (Role::Text, text)),
        known,
        byte.map(|text| (Role::Text, text)),
        within.map(|within| (Role::Dim, format!("payload +{within:#x}"))),
    ];
    let mut spans =
        vec![painter.span(Role::Strong, format!(" {cursor:#x}")), painter.span(Role::Dim, format!(" {cursor}"))];
    for (role, text) in facts.into_iter().flatten() {
        spans.push(painter.span(Role::Dim, format!(" {} ", painter.glyphs.separator)));
        spans.push(painter.span(role, text));
    }
    spans
}

/// What is searched for, and which of the matches the cursor is on.
fn search(state: &State, painter: &Painter<'_>, shown: &Shown) -> Option<String> {
    let search = state.hex.search.as_ref()?;
    let needle = from_file(&search.text, NEEDLE_COLUMNS, Keep::Start, painter.glyphs.ellipsis);
    let Some(matches) = search.matches(&shown.byte_view) else {
        let counting = state.jobs.is_running(JobKind::Find);
        return Some(format!("/{needle}: {}", if counting { "counting" } else { "n counts" }));
    };
    let total = count_text(matches.total);
    Some(match matches.ordinal_at(state.hex.cursor()) {
        Some(at) => format!("/{needle}: match {} of {total}", count_text(at + 1)),
        None if matches.total == 1 => format!("/{needle}: 1 match"),
        None => format!("/{needle}: {total} matches"),
    })
}

/// The field under the cursor and its value; what is wrong there comes first.
fn field(state: &State, painter: &Painter<'_>, shown: &Shown, seen: &Seen<'_>) -> Vec<Span<'static>> {
    let mut spans = vec![painter.span(Role::Text, " ")];
    if let Some(fault) = seen.fault(state.hex.cursor()) {
        let (role, glyph) = match fault.severity {
            Severity::Error => (Role::Damage, painter.glyphs.damage),
            Severity::Warning => (Role::Warning, painter.glyphs.warning),
            Severity::Info => (Role::Info, painter.glyphs.info),
        };
        spans.push(painter.span(role, format!("{glyph} {}  ", fault.text)));
    }
    let Some(spelled) = seen.field else { return spans };
    let field = &spelled.field;
    let role = super::grid::field_role(field.kind()).unwrap_or(Role::Strong);
    let value = &spelled.value;
    let of =
        if shown.is_decoded() { format!("stored at {:#x}", field.range.start) } else { owner(field.chunk.as_ref()) };
    spans.push(painter.span(role, field.name()));
    spans.push(painter.span(Role::Text, format!(": {}", escape(value))));
    if !of.is_empty() && !value.contains(&of) {
        spans.push(painter.span(Role::Dim, format!(" {} {of}", painter.glyphs.separator)));
    }
    spans
}

/// The chunk that a position of the file is in, for the status line.
fn owner(chunk: Option<&Chunk>) -> String {
    chunk.map(chunk_name).unwrap_or_default()
}
