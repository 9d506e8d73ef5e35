//! The preview: what the content looks like, as structure only.

use ratatui::layout::Rect;
use ratatui::text::Span;

use super::heading::heading;
use crate::report::short_size;
use crate::tui::state::hex::chunk_name;
use crate::tui::state::hex::shown::Shown;
use crate::tui::state::{JobKind, State};
use crate::tui::text::count_text;
use crate::tui::theme::Role;
use crate::tui::view::painter::Painter;
use h4mk::explore::preview::{Preview, Text};

/// Rows of the histogram at most: taller bars say no more.
const HISTOGRAM_HEIGHT: u16 = 8;
/// Values that a column of the histogram stands for, by the room there is.
const VALUES_PER_COLUMN: [usize; 4] = [2, 4, 8, 16];

pub(super) fn draw(state: &State, painter: &mut Painter<'_>, shown: &Shown, area: Rect) {
    let content = shown.content();
    let what = match &shown.chunk {
        Some(chunk) if !state.hex.whole => {
            let form = if shown.is_decoded() { "decoded" } else { "as stored" };
            format!("preview of {} {form}", chunk_name(chunk))
        }
        _ => "preview of the whole file".to_owned(),
    };
    let Some(preview) = state.hex.preview(&content) else {
        heading(painter, area, &what);
        let running = state.jobs.is_running(JobKind::Preview);
        let text = if running { " Reading it." } else { " It was stopped; press p twice to read it again." };
        return painter.line(area, 1, vec![painter.span(Role::Dim, text)]);
    };
    let sampled = match preview.looked_at < preview.len {
        true => format!(", by samples: {} of {}", short_size(preview.looked_at), short_size(preview.len)),
        false => format!(", {} byte{}", count_text(preview.len), if preview.len == 1 { "" } else { "s" }),
    };
    heading(painter, area, &format!("{what}{sampled}"));
    let body = Rect { y: area.y.saturating_add(1), height: area.height.saturating_sub(1), ..area };
    if preview.len == 0 {
        return painter.line(body, 0, vec![painter.span(Role::Dim, " There is nothing in it.")]);
    }
    match &preview.text {
        Some(text) => draw_text(painter, body, &preview, text),
        None => draw_structure(painter, body, &preview),
    }
}

fn draw_text(painter: &mut Painter<'_>, area: Rect, preview: &Preview, text: &Text) {
    let kind = if text.json { "JSON" } else { "text" };
    let padding = match text.padding {
        0 => String::new(),
        zeros => format!(", then {} zero{}", count_text(zeros), if zeros == 1 { "" } else { "s" }),
    };
    let facts = format!("  {:.2} bits/byte", preview.overall);
    painter.line(
        area,
        0,
        vec![
            painter.span(Role::Strong, format!(" {kind}")),
            painter.span(Role::Text, format!(" of {} lines{padding}", count_text(text.lines.len() as u64))),
            painter.span(Role::Dim, facts),
        ],
    );
    let more = text.lines.len() > usize::from(area.height.saturating_sub(1));
    for (line, content) in (1..area.height).zip(&text.lines) {
        let spans = match more && line + 1 == area.height {
            true => {
                let left = text.lines.len() + 1 - usize::from(line);
                vec![painter.span(Role::Dim, format!(" {} {left} more lines", painter.glyphs.ellipsis))]
            }
            false if text.json => json_spans(painter, content),
            false => vec![painter.span(Role::Text, format!(" {content}"))],
        };
        painter.line(area, line, spans);
    }
}

/// A line of JSON that is laid out one member a line: its key, and its value.
fn json_spans(painter: &Painter<'_>, line: &str) -> Vec<Span<'static>> {
    let (key, value) = match line.find("\": ").filter(|_| line.trim_start().starts_with('"')) {
        Some(end) => line.split_at(end + 2),
        None => ("", line),
    };
    let role = match value.trim_start().as_bytes().first() {
        Some(b'"') => Role::JsonString,
        Some(b'0'..=b'9' | b'-') => Role::JsonNumber,
        Some(b't' | b'f' | b'n') => Role::JsonLiteral,
        _ => Role::Text,
    };
    vec![painter.span(Role::JsonKey, format!(" {key}")), painter.span(role, value.to_owned())]
}

fn draw_structure(painter: &mut Painter<'_>, area: Rect, preview: &Preview) {
    let columns = usize::from(area.width).saturating_sub(2);
    let separator = painter.glyphs.separator;
    let (kind, bits) = (variety(preview.overall), preview.overall);
    painter.line(
        area,
        0,
        vec![
            painter.span(Role::Dim, " entropy  "),
            painter.span(Role::Strong, format!("{bits:.2}")),
            painter.span(Role::Text, format!(" of 8 bits/byte: {kind}")),
        ],
    );
    let runs = &preview.runs;
    let longest = format!(
        "longest {} {} 0x{:02x} at {:#x}",
        count_text(runs.longest),
        painter.glyphs.times,
        runs.value,
        runs.position
    );
    painter.line(
        area,
        1,
        vec![
            painter.span(Role::Dim, " runs     "),
            painter.span(Role::Strong, count_text(runs.count)),
            painter.span(
                Role::Text,
                format!(" {separator} {:.1} bytes on average {separator} {longest}", preview.mean_run()),
            ),
        ],
    );
    let (most, count) = (0u16..).zip(preview.histogram.iter()).max_by_key(|(_, count)| **count).unwrap_or((0, &0));
    let share = 100.0 * *count as f64 / preview.looked_at.max(1) as f64;
    let different = preview.histogram.iter().filter(|count| **count > 0).count();
    painter.line(
        area,
        2,
        vec![
            painter.span(Role::Dim, " bytes    "),
            painter.span(Role::Strong, different.to_string()),
            painter.span(Role::Text, format!(" of 256 values {separator} most often 0x{most:02x}, {share:.1}%")),
        ],
    );
    painter.line(area, 4, vec![painter.span(Role::Dim, " entropy from start to end, 0 to 8 bits")]);
    let along: Vec<f64> = spread(&preview.entropy, columns).into_iter().map(|bits| f64::from(bits) / 8.0).collect();
    draw_bars(
        painter,
        Rect { y: area.y.saturating_add(5), height: 1.min(area.height.saturating_sub(5)), ..area },
        &along,
    );

    let below = Rect { y: area.y.saturating_add(7), height: area.height.saturating_sub(7), ..area };
    if below.height < 3 {
        return;
    }
    let per = VALUES_PER_COLUMN.into_iter().find(|per| 256 / per <= columns).unwrap_or(16);
    painter.line(
        below,
        0,
        vec![painter.span(Role::Dim, format!(" how often each byte occurs, {per} values per column"))],
    );
    let sums: Vec<u64> = preview.histogram.chunks(per).map(|values| values.iter().sum()).collect();
    let max = sums.iter().copied().max().unwrap_or(0).max(1);
    let shares: Vec<f64> = sums.iter().map(|sum| *sum as f64 / max as f64).collect();
    let height = (below.height - 2).min(HISTOGRAM_HEIGHT);
    draw_bars(painter, Rect { y: below.y + 1, height, ..below }, &shares);
    let labels: String = ["00", "40", "80", "c0"].map(|label| format!("{label:<width$}", width = 64 / per)).concat();
    painter.line(below, height + 1, vec![painter.span(Role::Dim, format!(" {labels}"))]);
}

fn variety(bits: f32) -> &'static str {
    match bits {
        ..1.0 => "hardly any variety",
        1.0..4.0 => "few values make up most of it",
        4.0..6.5 => "mixed",
        6.5..7.9 => "close to even",
        _ => "every value is about as frequent",
    }
}

/// The values in at most so many columns, the largest of those that share one; fewer values are repeated.
fn spread(values: &[f32], columns: usize) -> Vec<f32> {
    let count = values.len();
    let at = |column: usize| column * count / columns.max(1);
    let column = |column: usize| {
        let shared = values.get(at(column)..at(column + 1).max(at(column) + 1)).unwrap_or_default();
        shared.iter().copied().fold(0.0, f32::max)
    };
    (0..columns).map(column).collect()
}

/// A bar a column, 0 to 1 of the area's height; what is more than nothing shows.
fn draw_bars(painter: &mut Painter<'_>, area: Rect, shares: &[f64]) {
    let steps = painter.glyphs.bars.len();
    for (column, share) in (1..area.width).zip(shares) {
        let eighths = (share * f64::from(area.height) * steps as f64).ceil() as usize;
        for line in 0..area.height {
            let below = usize::from(area.height - 1 - line) * steps;
            let Some(step) = eighths.saturating_sub(below).min(steps).checked_sub(1) else { continue };
            let glyph = painter.glyphs.bars.get(step).copied().unwrap_or(" ");
            painter.cell(area.x.saturating_add(column), area.y.saturating_add(line), glyph, Role::Block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_spread_and_shared() {
        assert_eq!(spread(&[1.0, 2.0], 4), [1.0, 1.0, 2.0, 2.0]);
        assert_eq!(spread(&[1.0, 3.0, 2.0, 0.0], 2), [3.0, 2.0]);
        assert_eq!(spread(&[], 2), [0.0, 0.0]);
        assert!(spread(&[1.0], 0).is_empty());
    }
}
