//! The header: one line about the file, and the names of the views.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::known::look;
use super::painter::Painter;
use crate::report::short_size;
use crate::tui::layout::Areas;
use crate::tui::state::{JobKind, Pane, State};
use crate::tui::text::{Keep, count_text, from_file, width};
use crate::tui::theme::Role;
use h4mk::audit::Verdict;
use h4mk::knowledge::Known;
use h4mk::time::format_duration;
use h4mk::veri::Status;

/// The fewest columns that the file's name is given up to, before facts are left out.
const NAME_COLUMNS: usize = 16;

pub(super) fn draw(state: &State, buffer: &mut Buffer, area: Rect) {
    let mut painter = Painter::new(state, buffer);
    painter.tint(area, 0, Role::Header);
    let columns = usize::from(area.width).saturating_sub(1);
    let (verdict_role, verdict) = match (verdict(state, &painter), &state.followed) {
        ((role, verdict), None) => (role, verdict),
        ((Role::Dim, _), Some(_)) => (Role::Text, format!("{} following", painter.glyphs.following)),
        ((role, verdict), Some(_)) => (role, format!("{} {verdict}", painter.glyphs.following)),
    };
    let separator = format!(" {} ", painter.glyphs.separator);
    let mut facts = facts(state);
    // In order of what is missed least.
    let mut taken = width(&verdict) + width(&separator);
    let mut order = [1, 2, 0, 3].into_iter();
    let mut kept = [false; 4];
    let least_name = width(&state.name).min(NAME_COLUMNS);
    for at in order.by_ref() {
        let Some(fact) = facts.get(at).filter(|fact| !fact.is_empty()) else { continue };
        let needs = width(fact) + width(&separator);
        if taken + needs + least_name > columns {
            break;
        }
        taken += needs;
        if let Some(kept) = kept.get_mut(at) {
            *kept = true;
        }
    }
    let mut keep = kept.iter();
    facts.retain(|_| keep.next() == Some(&true));

    let name = from_file(&state.name, columns.saturating_sub(taken), Keep::End, painter.glyphs.ellipsis);
    let mut spans = vec![Span::raw(" "), painter.span(Role::Strong, name)];
    for fact in facts {
        spans.extend([painter.span(Role::Dim, separator.clone()), painter.span(Role::Text, fact)]);
    }
    spans.extend([painter.span(Role::Dim, separator), painter.span(verdict_role, verdict)]);
    painter.line(area, 0, spans);
}

/// Layout, size, blocks, duration; empty where unknown.
fn facts(state: &State) -> Vec<String> {
    let size = short_size(state.source.len());
    let Some(container) = &state.container else { return vec![String::new(), size] };
    let blocks = container.index().blocks();
    let blocks = format!("{} block{}", count_text(blocks), if blocks == 1 { "" } else { "s" });
    let duration = container.duration_us().map(format_duration).unwrap_or_default();
    vec![container.layout().name().to_owned(), size, blocks, duration]
}

/// What is known about whether the file is in order.
fn verdict(state: &State, painter: &Painter<'_>) -> (Role, String) {
    let glyphs = painter.glyphs;
    for kind in [JobKind::Audit, JobKind::Verify, JobKind::Index] {
        if let Some(running) = state.jobs.running().iter().find(|r| r.job.request.kind() == kind) {
            let (done, total, _) = state.jobs.progress(running);
            let percent = u128::from(done) * 100 / u128::from(total.max(1));
            return (Role::Text, format!("{} {percent}%", kind.title()));
        }
    }
    if state.changed {
        return (Role::Warning, format!("{} file changed", glyphs.warning));
    }
    if let Some(audit) = &state.audit {
        let (role, glyph) = match audit.verdict {
            Verdict::Ok => (Role::Good, glyphs.good),
            Verdict::Suspect => (Role::Warning, glyphs.warning),
            Verdict::Damaged | Verdict::Unreadable => (Role::Damage, glyphs.damage),
        };
        let partly = if audit.complete { "" } else { " (not complete)" };
        return (role, format!("{glyph} {}{partly}", audit.verdict.name()));
    }
    let verified = state.verification.as_ref().map(|verification| verification.status);
    let worst = state.tally.worst();
    match verified {
        Some(Status::Verified) if worst < Known::Unread => {
            let (glyph, role) = look(worst, glyphs);
            (role, format!("{glyph} VERI verified, but not everything is right"))
        }
        Some(Status::Verified) => (Role::Good, format!("{} VERI verified", glyphs.good)),
        Some(status) => (Role::Warning, format!("{} VERI {}", glyphs.warning, status.name())),
        None if worst < Known::Unread => {
            let (glyph, role) = look(worst, glyphs);
            (role, format!("{glyph} not audited"))
        }
        None => (Role::Dim, "not audited".to_owned()),
    }
}

pub(super) fn draw_tabs(state: &State, buffer: &mut Buffer, areas: &Areas) {
    let mut painter = Painter::new(state, buffer);
    for (view, area, label) in areas.tab_labels(state.view) {
        let role = match (view == state.view, state.focus) {
            (true, Pane::View) => Role::Selection,
            (true, Pane::Tree) => Role::SelectionElsewhere,
            (false, _) => Role::Dim,
        };
        painter.line(area, 0, vec![painter.span(role, label)]);
    }
}

#[cfg(test)]
mod tests {
    use crate::tui::headless::Player;
    use crate::tui::testing::{damaged, played, setup};
    use crate::tui::{input, screen};

    fn first_line(cols: u16, text: &str) -> String {
        screen::text(&played(cols, 24, text).frame()).lines().next().unwrap_or_default().to_owned()
    }

    #[test]
    fn facts_give_way_and_the_verdict_stays() {
        assert_eq!(first_line(120, ""), " sample.h4mk · transport · 357 B · 8 blocks · 266.664 ms · not audited");
        assert_eq!(first_line(40, ""), " sample.h4mk · 357 B · not audited");
        assert_eq!(first_line(20, ""), " …h4mk · not audited");
        assert_eq!(first_line(120, "a").rsplit(" · ").next(), Some("✓ ok"));
        assert_eq!(first_line(120, "v").rsplit(" · ").next(), Some("✓ VERI verified"));
    }

    #[test]
    fn damage_is_said() {
        let mut player = Player::new(setup(damaged(), 80, 24));
        player.play(input::parse("a").unwrap());
        let text = screen::text(&player.frame());
        assert!(text.lines().next().unwrap().ends_with("✗ damaged"), "{text}");
    }
}
