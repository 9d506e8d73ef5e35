//! The Summary view: what the file is, by groups, the worst findings first.

use ratatui::buffer::Buffer;

use super::painter::Painter;
use crate::tui::layout::PaneArea;
use crate::tui::state::summary::{Line, Tone};
use crate::tui::state::{Pane, State};
use crate::tui::text::{Align, Keep, fit, from_file};
use crate::tui::theme::{Glyphs, Role};
use h4mk::finding::Severity;

/// Columns of the labels where there is room.
const LABEL_COLUMNS: usize = 12;

pub(super) fn draw(state: &State, buffer: &mut Buffer, pane: PaneArea) {
    let mut painter = Painter::new(state, buffer);
    let lines = &state.summary.lines;
    let len = lines.len() as u64;
    let columns = usize::from(pane.inner.width);
    let labels = LABEL_COLUMNS.min(columns / 3);
    let visible = state.summary.window.visible(len, pane.inner.height);
    let first = usize::try_from(visible.start).unwrap_or(usize::MAX);
    for (y, (at, line)) in (0..pane.inner.height).zip((visible.start..).zip(lines.iter().skip(first))) {
        match line {
            Line::Blank => {}
            Line::Heading(name) => painter.line(pane.inner, y, vec![painter.span(Role::Title, format!(" {name}"))]),
            Line::Fact(label, value, tone, _) => {
                let selected = at == state.summary.window.cursor();
                let (role, glyph) = look(*tone, painter.glyphs);
                let mark = if glyph.is_empty() { String::new() } else { format!("{glyph} ") };
                let room = columns.saturating_sub(labels + 4 + mark.chars().count());
                let ellipsis = painter.glyphs.ellipsis;
                let label = from_file(label, labels, Keep::Start, ellipsis);
                let spans = vec![
                    painter.span(Role::Text, if selected { painter.glyphs.selected } else { " " }),
                    painter.span(Role::Dim, format!(" {} ", fit(&label, labels, Align::Left, ellipsis))),
                    painter.span(role, format!("{mark}{}", from_file(value, room, Keep::Start, ellipsis))),
                ];
                painter.line(pane.inner, y, spans);
                if selected {
                    let focused = state.focus == Pane::View;
                    painter.tint(pane.inner, y, if focused { Role::Selection } else { Role::SelectionElsewhere });
                }
            }
        }
    }
    painter.scroll_bar(pane, &state.summary.window, len);
}

fn look(tone: Tone, glyphs: &Glyphs) -> (Role, &'static str) {
    match tone {
        Tone::Plain => (Role::Text, ""),
        Tone::Remark => (Role::Dim, ""),
        Tone::Good => (Role::Good, glyphs.good),
        Tone::Found(severity) => severity_look(severity, glyphs),
    }
}

/// The role and the glyph of a severity.
pub(super) fn severity_look(severity: Severity, glyphs: &Glyphs) -> (Role, &'static str) {
    match severity {
        Severity::Error => (Role::Damage, glyphs.damage),
        Severity::Warning => (Role::Warning, glyphs.warning),
        Severity::Info => (Role::Info, glyphs.info),
    }
}
