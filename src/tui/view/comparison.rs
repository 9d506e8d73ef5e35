//! The Diff view, in place of the panes: what differs in one line, then each difference.

use ratatui::buffer::Buffer;
use ratatui::text::Span;

use super::painter::Painter;
use crate::report::diff::{Line, Mark};
use crate::tui::layout::PaneArea;
use crate::tui::state::State;
use crate::tui::state::comparison::{Comparison, Progress};
use crate::tui::text::{Keep, from_file};
use crate::tui::theme::Role;

pub(super) fn draw(state: &State, buffer: &mut Buffer, pane: PaneArea, comparison: &Comparison) {
    let mut painter = Painter::new(state, buffer);
    let columns = usize::from(pane.inner.width).saturating_sub(12);
    let name = from_file(&comparison.name, columns, Keep::End, painter.glyphs.ellipsis);
    painter.frame(pane, &format!("Diff with {name}"), true);
    let glyphs = painter.glyphs;
    let (role, summary) = match &comparison.progress {
        Progress::Waiting => (Role::Dim, "waiting for the index".to_owned()),
        Progress::Comparing => (Role::Dim, "comparing".to_owned()),
        Progress::Failed(why) => (Role::Damage, format!("{} {}", glyphs.damage, h4mk::text::escape(why))),
        Progress::Found(found) if found.same => (Role::Good, format!("{} {}", glyphs.good, found.summary)),
        Progress::Found(found) => (Role::Warning, format!("{} {}", glyphs.warning, found.summary)),
    };
    painter.line(pane.inner, 0, vec![painter.span(role, summary)]);
    let lines = comparison.lines();
    let visible = comparison.window.visible(lines.len() as u64, pane.inner.height.saturating_sub(1));
    for (y, at) in (1..pane.inner.height).zip(visible) {
        let Some(line) = usize::try_from(at).ok().and_then(|at| lines.get(at)) else { break };
        let spans = spans(&painter, line);
        painter.line(pane.inner, y, spans);
        if at == comparison.window.cursor() {
            painter.tint(pane.inner, y, Role::Selection);
        }
    }
    painter.scroll_bar(pane, &comparison.window, lines.len() as u64);
}

fn spans(painter: &Painter<'_>, line: &Line) -> Vec<Span<'static>> {
    let role = match line.mark {
        Mark::Heading => return vec![painter.span(Role::Title, line.text.clone())],
        Mark::Added => Role::Good,
        Mark::Removed | Mark::Integrity => Role::Damage,
        Mark::Changed => Role::Warning,
        Mark::Moved | Mark::Retimed => Role::Block,
        Mark::More => Role::Dim,
    };
    let sign = if line.mark == Mark::More { painter.glyphs.ellipsis } else { line.mark.sign() };
    vec![painter.span(role, format!("  {sign} ")), painter.span(Role::Text, line.text.clone())]
}
