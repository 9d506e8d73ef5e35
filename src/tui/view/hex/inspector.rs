//! The panel with the fields on the screen and the values that begin at the cursor.

use ratatui::layout::Rect;

use super::heading::heading;
use super::seen::Seen;
use crate::tui::state::State;
use crate::tui::state::hex::VALUE_BYTES;
use crate::tui::state::hex::shown::Shown;
use crate::tui::text::{Align, fit};
use crate::tui::theme::Role;
use crate::tui::view::painter::Painter;
use h4mk::text::push_escaped;

/// Columns of the values: labels, and two byte orders of at most 20 digits and a sign.
const VALUES_WIDTH: u16 = 49;
const ORDER_WIDTH: usize = 20;
/// Columns of the fields beside the values at least.
const FIELDS_WIDTH: u16 = 26;
/// Lines of the values, with their heading.
const VALUES_HEIGHT: u16 = 11;

pub(super) fn draw(state: &State, painter: &mut Painter<'_>, shown: &Shown, area: Rect, seen: &Seen<'_>) {
    let (fields, values) = if seen.fields.is_empty() || shown.is_decoded() {
        (None, area)
    } else if area.width >= VALUES_WIDTH + FIELDS_WIDTH {
        let width = area.width - VALUES_WIDTH;
        let right = Rect { x: area.x + width, width: VALUES_WIDTH, ..area };
        (Some(Rect { width: width - 1, ..area }), right)
    } else if area.height > VALUES_HEIGHT + 3 {
        let height = area.height - VALUES_HEIGHT;
        let below = Rect { y: area.y + height, height: VALUES_HEIGHT, ..area };
        (Some(Rect { height, ..area }), below)
    } else {
        (None, area)
    };
    if let Some(area) = fields {
        draw_fields(painter, area, seen);
    }
    draw_values(state, painter, shown, values);
}

fn draw_fields(painter: &mut Painter<'_>, area: Rect, seen: &Seen<'_>) {
    heading(painter, area, "fields");
    // Runs of a block are content: there are too many of them to be read as a list.
    let listed: Vec<_> = seen
        .fields
        .iter()
        .filter(|f| super::grid::field_role(f.field.kind()).is_some() || !f.field.is_value())
        .collect();
    let at = seen.field.and_then(|at| listed.iter().position(|f| f.field.range == at.field.range));
    let height = usize::from(area.height.saturating_sub(1));
    let first = at.map_or(0, |at| (at + 1).saturating_sub(height * 2 / 3));
    let first = first.min(listed.len().saturating_sub(height));
    let names = listed.iter().map(|spelled| spelled.field.name().len()).max().unwrap_or(0).min(20);
    for (line, (number, spelled)) in (1..area.height).zip(listed.iter().enumerate().skip(first)) {
        let (here, field) = (Some(number) == at, &spelled.field);
        let gutter = if here { painter.glyphs.selected } else { " " };
        let role = super::grid::field_role(field.kind()).unwrap_or(Role::Text);
        let spans = vec![
            painter.span(Role::Text, gutter),
            painter.span(Role::Dim, format!("{:>6x} ", field.range.start)),
            painter.span(role, fit(&field.name(), names, Align::Left, painter.glyphs.ellipsis)),
            painter.span(Role::Text, format!("  {}", spelled.value)),
        ];
        painter.line(area, line, spans);
        if here {
            painter.tint(area, line, Role::SelectionElsewhere);
        }
    }
}

fn draw_values(state: &State, painter: &mut Painter<'_>, shown: &Shown, area: Rect) {
    heading(painter, area, "values at the cursor");
    let cursor = state.hex.cursor();
    let end = cursor.saturating_add(VALUE_BYTES).min(shown.range.end);
    let bytes = state.hex.runs(shown, cursor..end).into_iter().find(|(start, _)| *start == cursor);
    let bytes = bytes.map(|(_, bytes)| bytes).unwrap_or_default();
    let header = ["", "little-endian", "big-endian"].map(str::to_owned);
    let order = ORDER_WIDTH.min(usize::from(area.width.saturating_sub(8) / 2));
    for (line, [label, little, big]) in (1..).zip(std::iter::once(header).chain(rows(&bytes))) {
        let role = if line == 1 { Role::Dim } else { Role::Text };
        let spans = vec![
            painter.span(Role::Dim, format!(" {label:<5}")),
            painter.span(role, fit(&little, order, Align::Right, painter.glyphs.ellipsis)),
            painter.span(role, fit(&big, order + 1, Align::Right, painter.glyphs.ellipsis)),
        ];
        painter.line(area, line, spans);
    }
}

/// Label, and value in both byte orders, of everything that can begin with these bytes.
fn rows(bytes: &[u8]) -> Vec<[String; 3]> {
    let mut rows = Vec::with_capacity(9);
    if let Some(&byte) = bytes.first() {
        let signed = byte.cast_signed();
        rows.push(["byte".to_owned(), format!("u8 {byte}   i8 {signed}"), character(bytes)]);
    }
    macro_rules! number {
        ($($type:ty),*) => { $(
            let (little, big) = match bytes.first_chunk() {
                Some(bytes) => (<$type>::from_le_bytes(*bytes).text(), <$type>::from_be_bytes(*bytes).text()),
                None => ("-".to_owned(), "-".to_owned()),
            };
            rows.push([stringify!($type).to_owned(), little, big]);
        )* };
    }
    number!(u16, i16, u32, i32, u64, i64, f32, f64);
    rows
}

/// A number as it is read best.
trait Text {
    fn text(self) -> String;
}

macro_rules! integers {
    ($($type:ty),*) => { $(impl Text for $type {
        fn text(self) -> String {
            self.to_string()
        }
    })* };
}

integers!(u16, i16, u32, i32, u64, i64);

macro_rules! floats {
    ($($type:ty),*) => { $(impl Text for $type {
        fn text(self) -> String {
            let plain = self == 0.0 || (1e-4..1e9).contains(&self.abs());
            let exact = if plain { self.to_string() } else { format!("{self:e}") };
            if exact.len() <= ORDER_WIDTH { exact } else { format!("{self:.11e}") }
        }
    })* };
}

floats!(f32, f64);

fn character(bytes: &[u8]) -> String {
    let Some(chunk) = bytes.utf8_chunks().next() else { return "-".to_owned() };
    let Some(c) = chunk.valid().chars().next() else {
        let inside = bytes.first().is_some_and(|byte| (0x80..0xc0).contains(byte));
        return if inside { "inside a character".to_owned() } else { "not UTF-8".to_owned() };
    };
    let mut shown = String::new();
    push_escaped(&mut shown, c);
    format!("'{shown}' U+{:04X}", u32::from(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(bytes: &[u8], label: &str) -> [String; 2] {
        let [_, little, big] = rows(bytes).into_iter().find(|row| row[0] == label).unwrap();
        [little, big]
    }

    #[test]
    fn numbers_in_both_orders() {
        let bytes = [0xff, 0xfe, 0, 0, 0, 0, 0, 1];
        assert_eq!(value(&bytes, "byte"), ["u8 255   i8 -1", "not UTF-8"]);
        assert_eq!(value(&bytes, "u16"), ["65279", "65534"]);
        assert_eq!(value(&bytes, "i16"), ["-257", "-2"]);
        assert_eq!(value(&bytes, "i64")[0], (1i64 << 56 | 0xfeff).to_string());
        assert_eq!(value(&bytes[..2], "u32"), ["-", "-"]);
        assert_eq!(value(&1.5f32.to_be_bytes(), "f32")[1], "1.5");
        assert_eq!(value(&1e300f64.to_le_bytes(), "f64")[0], "1e300");
        for bytes in [[0x80; 8], [0xff; 8], [0xc0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde]] {
            let rows = rows(&bytes);
            assert!(rows.iter().flatten().all(|text| text.len() <= ORDER_WIDTH), "{rows:?}");
        }
    }

    #[test]
    fn characters_are_named_and_escaped() {
        assert_eq!(character("é!".as_bytes()), "'é' U+00E9");
        assert_eq!(character("\u{202e}".as_bytes()), "'\\u{202e}' U+202E");
        assert_eq!(character(&[0]), "'\\x00' U+0000");
        assert_eq!(
            (character(&[0xa9]), character(&[0xff]), character(&[])),
            ("inside a character".into(), "not UTF-8".into(), "-".into())
        );
    }
}
