//! The bytes: rows of digits and text, and the ruler over them.

use ratatui::style::Style;

use super::seen::Seen;
use crate::hexdump::{ascii_glyph, hex_digits};
use crate::tui::state::State;
use crate::tui::state::hex::geometry::Geometry;
use crate::tui::state::hex::rows::Rows;
use crate::tui::state::hex::shown::Shown;
use crate::tui::theme::{Glyphs, Role};
use crate::tui::view::painter::Painter;
use h4mk::explore::fields::Kind;
use h4mk::finding::Severity;

/// Offsets count from 0 at the start of a row, so that an offset is read off row and column.
pub(super) fn draw_ruler(painter: &mut Painter<'_>, geometry: &Geometry) {
    if geometry.ruler.height == 0 {
        return;
    }
    let (area, columns) = (geometry.ruler, geometry.columns);
    if columns.digits >= 8 {
        painter.line(area, 0, vec![painter.span(Role::Dim, "  offset")]);
    }
    for place in 0..columns.bytes {
        let digits = format!("{place:x}");
        painter.cell(area.x + columns.hex(place) + 1, area.y, &digits, Role::Dim);
        if let Some(x) = columns.text(place) {
            painter.cell(area.x + x, area.y, &digits, Role::Dim);
        }
    }
}

pub(super) fn draw(
    state: &State,
    painter: &mut Painter<'_>,
    shown: &Shown,
    geometry: &Geometry,
    rows: &Rows,
    seen: &Seen<'_>,
) {
    let visible = state.hex.window().visible(rows.count(), geometry.grid.height);
    for (line, row) in (0..).zip(visible) {
        draw_row(state, painter, shown, geometry, rows, seen, (line, row));
    }
}

fn draw_row(
    state: &State,
    painter: &mut Painter<'_>,
    shown: &Shown,
    geometry: &Geometry,
    rows: &Rows,
    seen: &Seen<'_>,
    (line, row): (u16, u64),
) {
    let (area, columns) = (geometry.grid, geometry.columns);
    let (x, y) = (area.x, area.y + line);
    let positions = rows.positions(row);
    let has_cursor = positions.contains(&state.hex.cursor());
    let digits = format!("{:0width$x}", rows.start(row), width = usize::from(columns.digits));
    let offset_role = if has_cursor { Role::Strong } else { Role::Dim };
    for (at, digit) in (0..columns.digits).zip(digits.chars()) {
        painter.cell(x + at, y, digit.encode_utf8(&mut [0; 4]), offset_role);
    }
    if let Some((glyph, role)) = mark(state, painter, shown, seen, positions.clone()) {
        painter.cell(x + columns.digits, y, glyph, role);
    }
    if let Some(bar) = columns.bar_at() {
        painter.cell(x + bar, y, painter.glyphs.track, Role::Border);
    }
    let look = Look { state, shown, seen };
    for place in 0..columns.bytes {
        let position = rows.start(row).saturating_add(u64::from(place));
        if !positions.contains(&position) {
            continue;
        }
        let Some(byte) = seen.byte(position) else {
            let style = painter.style(if position == state.hex.cursor() { Role::Cursor } else { Role::Dim });
            let hex = x + columns.hex(place);
            (hex..hex + 2).for_each(|column| painter.styled(column, y, painter.glyphs.dot, style));
            continue;
        };
        let style = look.style(painter, position, byte);
        let [high, low] = hex_digits(byte).map(char::from);
        let hex = x + columns.hex(place);
        painter.styled(hex, y, high.encode_utf8(&mut [0; 4]), style);
        painter.styled(hex + 1, y, low.encode_utf8(&mut [0; 4]), style);
        // What spans bytes spans the gap between them.
        let next = positions.contains(&(position + 1)) && place + 1 < columns.bytes;
        if let Some(gap) = look.gap(painter, position).filter(|_| next) {
            for column in hex + 2..x + columns.hex(place + 1) {
                painter.styled(column, y, " ", gap);
            }
        }
        if let Some(text) = columns.text(place) {
            painter.styled(x + text, y, &text_glyph(painter.glyphs, byte), style);
        }
    }
}

/// The worst that can be said about a row, beside its offset: colour is not needed to see it.
fn mark(
    state: &State,
    painter: &Painter<'_>,
    shown: &Shown,
    seen: &Seen<'_>,
    row: std::ops::Range<u64>,
) -> Option<(&'static str, Role)> {
    let on_row = seen.faults.iter().filter(|f| f.positions.start < row.end && f.positions.end > row.start);
    match on_row.map(|fault| fault.severity).min() {
        Some(Severity::Error) => return Some((painter.glyphs.damage, Role::Damage)),
        Some(_) => return Some((painter.glyphs.warning, Role::Warning)),
        None => {}
    }
    let pointed = state.hex.pointed.as_ref().filter(|_| !shown.is_decoded())?;
    (pointed.start < row.end && pointed.end > row.start).then_some((painter.glyphs.arrow, Role::Title))
}

/// How bytes look.
struct Look<'a> {
    state: &'a State,
    shown: &'a Shown,
    seen: &'a Seen<'a>,
}

impl Look<'_> {
    fn style(&self, painter: &Painter<'_>, position: u64, byte: u8) -> Style {
        if position == self.state.hex.cursor() {
            return painter.style(Role::Cursor);
        }
        if self.is_selected(position) {
            return painter.style(Role::Selection);
        }
        if let Some(role) = self.matched(position) {
            return painter.style(role);
        }
        let style = match self.seen.fault(position).map(|fault| fault.severity) {
            Some(Severity::Error) => painter.style(Role::Damage),
            Some(Severity::Warning) => painter.style(Role::Warning),
            _ => painter.style(self.field_role(position).unwrap_or(byte_role(byte))),
        };
        match self.is_pointed(position) {
            true => style.patch(painter.style(Role::SelectionElsewhere)),
            false => style,
        }
    }

    /// The style of the gap after a byte, where it and the next one belong together.
    fn gap(&self, painter: &Painter<'_>, position: u64) -> Option<Style> {
        let both = |test: &dyn Fn(u64) -> bool| test(position) && test(position + 1);
        if both(&|at| self.is_selected(at)) {
            return Some(painter.style(Role::Selection));
        }
        let matched = self.seen.matches.iter().find(|m| m.contains(&position) && m.contains(&(position + 1)));
        if matched.is_some() {
            return self.matched(position).map(|role| painter.style(role));
        }
        both(&|at| self.is_pointed(at)).then(|| painter.style(Role::SelectionElsewhere))
    }

    fn is_selected(&self, position: u64) -> bool {
        self.state.hex.selected().is_some_and(|selected| selected.contains(&position))
    }

    fn is_pointed(&self, position: u64) -> bool {
        let pointed = self.state.hex.pointed.as_ref().filter(|_| !self.shown.is_decoded());
        pointed.is_some_and(|pointed| pointed.contains(&position))
    }

    fn matched(&self, position: u64) -> Option<Role> {
        let mut on = self.seen.matches.iter().filter(|range| range.contains(&position)).peekable();
        on.peek()?;
        let current = on.any(|range| range.start == self.state.hex.cursor());
        Some(if current { Role::MatchCurrent } else { Role::Match })
    }

    fn field_role(&self, position: u64) -> Option<Role> {
        let at = self.seen.fields.partition_point(|spelled| spelled.field.range.end <= position);
        field_role(
            self.seen.fields.get(at).map(|spelled| &spelled.field).filter(|f| f.range.contains(&position))?.kind(),
        )
    }
}

/// How a field's bytes look; content looks like what its bytes are.
pub(super) fn field_role(kind: Kind) -> Option<Role> {
    match kind {
        Kind::Tag => Some(Role::FieldTag),
        Kind::Length => Some(Role::FieldLength),
        Kind::Crc => Some(Role::FieldCrc),
        Kind::Time => Some(Role::FieldTime),
        Kind::Flags => Some(Role::FieldFlags),
        Kind::Lost => Some(Role::Damage),
        Kind::Text | Kind::Data => None,
    }
}

fn byte_role(byte: u8) -> Role {
    match byte {
        0 => Role::ByteZero,
        0x20..=0x7e => Role::BytePrintable,
        0x01..=0x1f | 0x7f => Role::ByteControl,
        0x80..=0xfe => Role::ByteHigh,
        0xff => Role::ByteOnes,
    }
}

fn text_glyph(glyphs: &Glyphs, byte: u8) -> String {
    match byte_role(byte) {
        Role::ByteZero => glyphs.byte_zero.to_owned(),
        Role::ByteControl => glyphs.byte_control.to_owned(),
        Role::ByteHigh => glyphs.byte_high.to_owned(),
        Role::ByteOnes => glyphs.byte_ones.to_owned(),
        _ => char::from(ascii_glyph(byte)).to_string(),
    }
}
