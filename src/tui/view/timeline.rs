//! The Timeline view: bars of block sizes and bit rates against time, one lane a track, with keyframes, SEEK entries and
//! where they lead, damage in place, and what must be decoded for the playhead. Each column costs a few binary searches,
//! however many blocks it stands for.
//!
//! ```text
//! 00:00:00.000000 - 00:00:10.000000 · 10 s of 10 s · a column is 114.942 ms
//!     1.2 MiB│▇▁▁▁▁▁▁▁▇▁▁▁▁▁▁▁▇      block sizes; below them bit rates
//!           0│
//!      ◆ keys│◆───────◆───────◆      and lines for SEEK, damage and the chain, or all in one
//!            │00:00      │00:05
//!  playhead  00:00:07.500000 · 7500000 us
//!  block     #225 · …
//! ```

mod facts;
mod lane;
mod rate;
mod ruler;
mod scene;

use ratatui::buffer::Buffer;
use ratatui::text::Span;

use super::painter::Painter;
use crate::tui::layout::PaneArea;
use crate::tui::state::timeline::Scale;
use crate::tui::state::timeline::faults::distance_text;
use crate::tui::state::timeline::parts::Parts;
use crate::tui::state::timeline::playhead::playhead;
use crate::tui::state::{JobKind, State};
use crate::tui::theme::Role;
use h4mk::explore::chart::{Axis, Lane};
use h4mk::time::format_duration;
use scene::Scene;

pub(super) fn draw(state: &State, buffer: &mut Buffer, pane: PaneArea) {
    let mut painter = Painter::new(state, buffer);
    let pane = pane.inner;
    let Some(container) = &state.container else { return };
    let Some(chart) = &state.chart else {
        let running = state.jobs.running().iter().find(|running| running.job.request.kind() == JobKind::Chart);
        let (done, total, _) = running.map_or((0, 0, None), |running| state.jobs.progress(running));
        let percent = u128::from(done) * 100 / u128::from(total.max(1));
        painter.line(pane, 0, vec![painter.span(Role::Dim, format!(" reading every block: {percent}%"))]);
        return;
    };
    if chart.lanes.iter().all(Lane::is_empty) {
        painter.line(pane, 0, vec![painter.span(Role::Dim, " no blocks: there is nothing to show on a timeline")]);
        return;
    }
    let parts = Parts::of(pane, chart.lanes.len(), state.timeline.lane, chart.axis);
    let head = playhead(state, chart);
    let scene = Scene { state, container, chart, pane, parts: &parts, shown: state.timeline.shown(chart), head };
    if let Some(line) = parts.caption {
        let caption = scene.caption(&painter);
        painter.line(pane, line, caption);
    }
    for lines in &parts.lanes {
        if let Some(lane) = chart.lanes.get(lines.lane) {
            scene.lane(&mut painter, lane, lines);
        }
    }
    if let Some(line) = parts.ruler {
        scene.ruler(&mut painter, line);
    }
    let mut lines = parts.facts.clone();
    if lines.len() > 7
        && let Some(line) = lines.next()
    {
        let rule = painter.glyphs.line.repeat(usize::from(pane.width));
        painter.line(pane, line, vec![painter.span(Role::Border, rule)]);
    }
    for (line, fact) in lines.zip(scene.facts(&painter)) {
        painter.line(pane, line, fact);
    }
}

impl Scene<'_> {
    fn caption(&self, painter: &Painter<'_>) -> Vec<Span<'static>> {
        let len = self.shown.end - self.shown.start;
        let axis = self.chart.axis;
        let dot = format!(" {} ", painter.glyphs.separator);
        let whole = len == self.chart.axis_len();
        let mut texts = Vec::new();
        if self.pane.width >= 60 {
            texts.push(format!(
                "{} {} {}",
                self.at_text(self.shown.start),
                painter.glyphs.arrow,
                self.at_text(self.shown.end)
            ));
        }
        let of = match axis {
            Axis::Time => format_duration(self.container.duration_us().unwrap_or(0)),
            Axis::Index => distance_text(axis, self.chart.axis_len()),
        };
        texts.push(if whole { format!("all {of}") } else { format!("{} of {of}", distance_text(axis, len)) });
        let column = len as f64 / f64::from(self.parts.chart_width(self.pane).max(1));
        texts.push(match axis {
            Axis::Time => format!("column {}", format_duration(column.round() as u64)),
            Axis::Index => format!("column {column:.1} blocks"),
        });
        texts.push(match self.state.timeline.scale {
            Scale::Linear => "linear bars".to_owned(),
            Scale::Log => "log bars".to_owned(),
        });
        let hidden = self.chart.lanes.len() - self.parts.lanes.len().min(self.chart.lanes.len());
        if hidden > 0 {
            texts.push(format!("{hidden} more tracks"));
        }
        let mut spans = Vec::new();
        for (at, text) in texts.into_iter().enumerate() {
            let before = if at == 0 { " ".to_owned() } else { dot.clone() };
            spans.extend([painter.span(Role::Dim, before), painter.span(Role::Text, text)]);
        }
        spans
    }
}
