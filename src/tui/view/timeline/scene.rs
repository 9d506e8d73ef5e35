//! What all parts of the Timeline view are drawn from.

use std::ops::Range;

use ratatui::layout::Rect;

use crate::tui::layout::strip_column;
use crate::tui::state::State;
use crate::tui::state::timeline::parts::Parts;
use crate::tui::text::{Align, fit};
use crate::tui::theme::Role;
use crate::tui::view::painter::Painter;
use h4mk::container::Container;
use h4mk::explore::chart::{Axis, Chart, Lane};
use h4mk::time::format_us;
use h4mk::tracks::Track;

/// All that the parts of the view are drawn from.
pub(super) struct Scene<'a> {
    pub(super) state: &'a State,
    pub(super) container: &'a Container,
    pub(super) chart: &'a Chart,
    pub(super) pane: Rect,
    pub(super) parts: &'a Parts,
    pub(super) shown: Range<u64>,
    pub(super) head: Option<u64>,
}

impl Scene<'_> {
    pub(super) fn chart(&self, lines: &Range<u16>) -> Rect {
        Rect {
            x: self.pane.x.saturating_add(self.parts.gutter),
            y: self.pane.y.saturating_add(lines.start),
            width: self.parts.chart_width(self.pane),
            height: lines.end.saturating_sub(lines.start),
        }
    }

    /// The column that the playhead stands in.
    pub(super) fn head_column(&self) -> Option<u16> {
        let at = self.head.filter(|at| self.shown.contains(at))?;
        strip_column(self.shown.end - self.shown.start, self.parts.chart_width(self.pane), at - self.shown.start)
    }

    pub(super) fn at_text(&self, at: u64) -> String {
        match self.chart.axis {
            Axis::Time => format_us(at),
            Axis::Index => format!("#{at}"),
        }
    }

    pub(super) fn gutter(&self, painter: &mut Painter<'_>, line: u16, text: &str, role: Role) {
        let columns = usize::from(self.parts.gutter).saturating_sub(1);
        if columns > 0 {
            let area = Rect { width: self.parts.gutter, ..self.pane };
            let label = fit(text, columns, Align::Right, painter.glyphs.ellipsis);
            let spans = vec![painter.span(role, label), painter.span(Role::Border, painter.glyphs.track)];
            painter.line(area, line, spans);
        }
    }

    pub(super) fn track(&self, lane: &Lane) -> Option<&Track> {
        self.container.tracks()?.list.get(lane.track?)
    }
}
