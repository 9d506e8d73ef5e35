//! The Audit view.
//!
//! ```text
//! ✗ damaged: 2 errors, 1 warning · by severity
//! ▾ ✗ 2 errors
//!     ✗ error    chunk-crc-mismatch   0x4c  block 2   chunk 2 at 76: …
//! ▸ ! 1 warning
//! ─ selected ────────────────────────────────────
//!   where  at 76, chunk 2, block 2 (0x4c), 48 bytes
//!   found  …
//! ─ VERI ────────────────────────────────────────
//!   ✓ verified (sha256, prefix): …
//!   ███████████████████████████████▒░
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::message;
use super::painter::Painter;
use super::summary::severity_look;
use crate::report::count;
use crate::report::summary::Describe;
use crate::tui::layout::PaneArea;
use crate::tui::state::findings::words::{details, findings, invitation, outcome, selected};
use crate::tui::state::findings::{FindingRow, Group, Parts, Shared, parts};
use crate::tui::state::{JobKind, Pane, State};
use crate::tui::text::{Align, Keep, fit, from_file, width};
use crate::tui::theme::Role;
use crate::tui::wrap::wrap;
use h4mk::audit::Verdict;
use h4mk::container::Container;
use h4mk::finding::{Finding, Severity};
use h4mk::index::Tag;
use h4mk::report::summary::VeriSummary;
use h4mk::veri::{Coverage, CoveredPart, Scheme, Status, Verification};

/// Columns of the names of details.
const NAME_COLUMNS: usize = 7;

/// Columns of the names of what VERI says.
const DIGEST_COLUMNS: usize = 10;

/// What an audit looks at.
const CHECKS: &str =
    "The checks cover the chain of chunks and their CRCs, META and SAFE, SEEK, blocks, tracks and VERI.";

/// Chunks of a column of the coverage bar that are looked at.
const SAMPLES: u64 = 8;

pub(super) fn draw(state: &State, buffer: &mut Buffer, pane: PaneArea) {
    let mut painter = Painter::new(state, buffer);
    let Parts { outcome, list, details, veri } = parts(pane.inner, state.findings.len());
    draw_outcome(state, &mut painter, outcome);
    draw_list(state, &mut painter, pane, list);
    draw_details(state, &mut painter, details);
    draw_veri(state, &mut painter, veri);
}

/// A line across the pane with a name in it.
fn rule(painter: &mut Painter<'_>, area: Rect, name: &str) {
    let line = painter.glyphs.line;
    let rest = usize::from(area.width).saturating_sub(width(name) + 3);
    let spans = vec![
        painter.span(Role::Border, format!("{line} ")),
        painter.span(Role::Title, name.to_owned()),
        painter.span(Role::Border, format!(" {}", line.repeat(rest))),
    ];
    painter.line(area, 0, spans);
}

/// The area below its first lines.
fn below(area: Rect, lines: u16) -> Rect {
    let lines = lines.min(area.height);
    Rect { y: area.y.saturating_add(lines), height: area.height - lines, ..area }
}

fn draw_outcome(state: &State, painter: &mut Painter<'_>, area: Rect) {
    if let Some(running) = state.jobs.running().iter().find(|r| r.job.request.kind() == JobKind::Audit) {
        let spans = message::progress(state, painter, running);
        return painter.line(area, 0, spans);
    }
    let glyphs = painter.glyphs;
    let (role, text) = match outcome(state) {
        Some((verdict, text)) => match verdict {
            Verdict::Ok => (Role::Good, format!(" {} {text}", glyphs.good)),
            Verdict::Suspect => (Role::Warning, format!(" {} {text}", glyphs.warning)),
            Verdict::Damaged | Verdict::Unreadable => (Role::Damage, format!(" {} {text}", glyphs.damage)),
        },
        // The list says so, and what to do about it.
        None if state.findings.is_empty() => (Role::Dim, String::new()),
        None => (Role::Dim, format!(" seen so far; {}", invitation(state))),
    };
    let mut spans = vec![painter.span(role, text)];
    if !state.findings.is_empty() {
        let by = format!(" {} by {}", glyphs.separator, state.findings.grouping.name());
        spans.push(painter.span(Role::Dim, by));
    }
    painter.line(area, 0, spans);
}

fn draw_list(state: &State, painter: &mut Painter<'_>, pane: PaneArea, list: Rect) {
    let Some(found) = findings(state).filter(|_| !state.findings.is_empty()) else {
        let (role, glyph) = match state.audit {
            Some(_) => (Role::Good, painter.glyphs.good),
            None => (Role::Text, painter.glyphs.info),
        };
        let columns = usize::from(list.width).saturating_sub(4);
        let first = wrap(&invitation(state), columns).into_iter().map(|line| (role, line));
        let checks = wrap(CHECKS, columns).into_iter().map(|line| (Role::Dim, line));
        for (y, (role, line)) in (0..list.height).zip(first.chain(checks)) {
            let glyph = if y == 0 { glyph } else { " " };
            painter.line(list, y, vec![painter.span(role, format!(" {glyph} {line}"))]);
        }
        return;
    };
    let rows = &state.findings;
    let container = state.container.as_deref();
    let columns = usize::from(list.width).saturating_sub(1);
    let visible = rows.window.visible(rows.len(), list.height);
    // Codes are aligned among the rows in sight.
    let code_of = |at: u64| match rows.row(at)? {
        FindingRow::Finding(finding) => found.list().get(finding).map(|finding| finding.code.name().len()),
        FindingRow::Group(_) => None,
    };
    let codes = visible.clone().filter_map(code_of).max().unwrap_or(0);
    for (y, at) in (0..).zip(visible) {
        let Some(row) = rows.row(at) else { break };
        let selected = at == rows.window.cursor();
        let mut spans = vec![painter.span(Role::Text, if selected { painter.glyphs.selected } else { " " })];
        spans.extend(
            match row {
                FindingRow::Group(at) => {
                    rows.groups().get(at).map(|group| group_spans(state, painter, container, at, group))
                }
                FindingRow::Finding(at) => {
                    found.list().get(at).map(|finding| finding_spans(painter, finding, codes, columns))
                }
            }
            .unwrap_or_default(),
        );
        painter.line(list, y, spans);
        if selected {
            let focused = state.focus == Pane::View;
            painter.tint(list, y, if focused { Role::Selection } else { Role::SelectionElsewhere });
        }
    }
    let bar = Rect { y: list.y, height: list.height, ..pane.scroll_bar };
    painter.scroll_bar(PaneArea { scroll_bar: bar, ..pane }, &rows.window, rows.len());
}

fn group_spans(
    state: &State,
    painter: &Painter<'_>,
    container: Option<&Container>,
    at: usize,
    group: &Group,
) -> Vec<Span<'static>> {
    let glyphs = painter.glyphs;
    let fold = if state.findings.is_open(at) { glyphs.open } else { glyphs.closed };
    let (role, glyph) = severity_look(group.worst, glyphs);
    let total = (group.members.len() as u64).saturating_add(group.omitted);
    let name = match group.shared {
        Shared::Severity(severity) => match severity {
            Severity::Error => count(total, "error"),
            Severity::Warning => count(total, "warning"),
            Severity::Info => format!("{total} info"),
        },
        Shared::Code(severity, code) => format!("{severity}: {code}, {}", count(total, "finding")),
        Shared::Chunk(None) => format!("the file as a whole, {}", count(total, "finding")),
        Shared::Chunk(Some(ordinal)) => {
            let chunk = container.and_then(|container| container.index().chunk(ordinal));
            let tag = chunk.map(|chunk| format!("{} ", chunk.tag())).unwrap_or_default();
            let block =
                chunk.and_then(|chunk| chunk.block()).map(|block| format!(", block {block}")).unwrap_or_default();
            format!("{tag}chunk {ordinal}{block}, {}", count(total, "finding"))
        }
    };
    let mut spans = vec![painter.span(Role::Dim, format!("{fold} ")), painter.span(role, format!("{glyph} {name}"))];
    if group.omitted > 0 {
        let listed = format!(" (the first {} listed)", group.members.len());
        spans.push(painter.span(Role::Dim, listed));
    }
    spans
}

fn finding_spans(painter: &Painter<'_>, finding: &Finding, codes: usize, columns: usize) -> Vec<Span<'static>> {
    let glyphs = painter.glyphs;
    let (role, glyph) = severity_look(finding.severity, glyphs);
    let word = if columns >= 60 { format!("{:<8}", finding.severity.name()) } else { String::new() };
    let code = fit(finding.code.name(), codes, Align::Left, glyphs.ellipsis);
    let at = format!("  {:>8}", format!("{:#x}", finding.offset));
    let place = match (finding.block, finding.chunk) {
        (Some(block), _) => format!("  block {block}"),
        (None, Some(chunk)) => format!("  chunk {chunk}"),
        (None, None) => String::new(),
    };
    let mut spans = vec![
        painter.span(role, format!("  {glyph} {word}{code}")),
        painter.span(Role::FieldTime, at),
        painter.span(Role::Text, fit(&place, 13.max(width(&place)), Align::Left, "")),
    ];
    let taken: usize = spans.iter().map(|span| width(&span.content)).sum();
    let room = columns.saturating_sub(taken + 1);
    if room >= 16 {
        let message = from_file(&finding.message, room, Keep::Start, glyphs.ellipsis);
        spans.push(painter.span(Role::Dim, format!(" {message}")));
    }
    spans
}

fn draw_details(state: &State, painter: &mut Painter<'_>, area: Rect) {
    if area.height == 0 {
        return;
    }
    let Some(finding) = selected(state) else {
        // A rule keeps the list apart from what VERI says, and from nothing.
        if !state.findings.is_empty() {
            rule(painter, area, "select a finding");
        }
        return;
    };
    let (role, glyph) = severity_look(finding.severity, painter.glyphs);
    let title = format!("{glyph} {}: {}", finding.severity, finding.code);
    rule(painter, area, &title);
    let area = below(area, 1);
    let columns = usize::from(area.width).saturating_sub(NAME_COLUMNS + 2);
    let parts = details(state, finding);
    let wrapped: Vec<(&str, Vec<String>)> = parts.iter().map(|(name, text)| (*name, wrap(text, columns))).collect();
    // Short of room, what the code means and how the flip was found give way to what was found and what to do.
    let lines: usize = wrapped.iter().map(|(_, lines)| lines.len()).sum();
    let short = lines > usize::from(area.height);
    let mut y = 0;
    for (name, lines) in wrapped {
        if short && (["means", "flip"].contains(&name) || (name == "where" && area.height < 3)) {
            continue;
        }
        for (at, line) in lines.into_iter().enumerate() {
            let shown = if at == 0 { name } else { "" };
            let role = if name == "found" { role } else { Role::Text };
            let spans = vec![
                painter.span(Role::Dim, format!(" {} ", fit(shown, NAME_COLUMNS - 1, Align::Left, ""))),
                painter.span(role, line),
            ];
            painter.line(area, y, spans);
            y = y.saturating_add(1);
        }
    }
    if y > area.height && area.height > 2 {
        let last = area.height.saturating_sub(1);
        let hint = format!(" {} Space shows all", painter.glyphs.ellipsis);
        let spans = vec![painter.span(Role::Dim, fit(&hint, usize::from(area.width), Align::Left, ""))];
        painter.line(area, last, spans);
    }
}

fn draw_veri(state: &State, painter: &mut Painter<'_>, area: Rect) {
    if area.height == 0 {
        return;
    }
    let running = state.jobs.running().iter().find(|r| r.job.request.kind() == JobKind::Verify);
    let status = match (running, &state.verification) {
        (Some(running), _) => message::progress(state, painter, running),
        (None, Some(verification)) => status_spans(painter, verification),
        (None, None) => {
            let veri = state.container.as_ref().map(|container| container.index().first(Tag::VERI));
            let text = match veri {
                Some(Some(chunk)) => {
                    format!(" {} bytes at {:#x}, not recomputed: press v", chunk.len(), chunk.offset())
                }
                Some(None) => " there is no VERI chunk".to_owned(),
                None => " no container".to_owned(),
            };
            vec![painter.span(Role::Dim, text)]
        }
    };
    if area.height == 1 {
        let mut spans = vec![painter.span(Role::Title, " VERI")];
        spans.extend(status);
        return painter.line(area, 0, spans);
    }
    rule(painter, area, "VERI");
    painter.line(below(area, 1), 0, status);
    let (Some(container), Some(verification)) = (&state.container, &state.verification) else { return };
    let mut y = 2;
    if area.height > 3 {
        let columns = usize::from(area.width).saturating_sub(DIGEST_COLUMNS + 2);
        let facts = [
            ("expected", verification.expected.clone()),
            ("computed", verification.computed.clone()),
            ("covers", verification.coverage.as_ref().map(Coverage::describe).or_else(|| tried(verification))),
        ];
        for (name, value) in facts {
            let Some(value) = value else { continue };
            let keep = if name == "covers" { Keep::Start } else { Keep::Ends };
            let value = from_file(&value, columns, keep, painter.glyphs.ellipsis);
            let spans = vec![
                painter.span(Role::Dim, format!(" {} ", fit(name, DIGEST_COLUMNS - 1, Align::Left, ""))),
                painter.span(Role::Text, value),
            ];
            painter.line(below(area, y), 0, spans);
            y += 1;
        }
    }
    if container.index().first(Tag::VERI).is_some() && verification.computed.is_some() {
        coverage_bar(painter, below(area, y), container, verification);
    }
}

/// What the digest that is shown was computed over, where it is not the one in VERI.
fn tried(verification: &Verification) -> Option<String> {
    let over = verification.computed_over.as_ref()?.describe();
    let declared = verification.status == Status::Mismatch && verification.scheme == Some(Scheme::Json);
    Some(if declared { over } else { format!("unknown; computed first over {over}") })
}

fn status_spans(painter: &Painter<'_>, verification: &Verification) -> Vec<Span<'static>> {
    let glyphs = painter.glyphs;
    let (role, glyph) = match verification.status {
        Status::Verified => (Role::Good, glyphs.good),
        Status::Mismatch | Status::Malformed => (Role::Damage, glyphs.damage),
        Status::Absent | Status::Unsupported => (Role::Warning, glyphs.warning),
        Status::Unchecked => (Role::Dim, glyphs.unknown),
    };
    let text = format!(" {glyph} {}", VeriSummary::from(verification).describe());
    let info = from_file(&verification.info, 200, Keep::Start, glyphs.ellipsis);
    vec![painter.span(role, text), painter.span(Role::Dim, format!(": {info}"))]
}

/// The file from its first byte to its last, and which of it VERI covers.
fn coverage_bar(painter: &mut Painter<'_>, area: Rect, container: &Container, verification: &Verification) {
    if area.height == 0 {
        return;
    }
    let coverage = verification.computed_over.as_ref().unwrap_or(&Coverage::Prefix);
    let role = match verification.status {
        Status::Verified => Role::Good,
        Status::Mismatch => Role::Damage,
        _ => Role::Dim,
    };
    let [_, _, _, half, .., full] = painter.glyphs.bars;
    let none = painter.glyphs.lost;
    let columns = area.width.saturating_sub(2);
    let cells: Vec<Share> = (0..columns).map(|column| share(container, coverage, column, columns)).collect();
    let mut spans = vec![painter.span(Role::Text, " ")];
    for cells in cells.chunk_by(|a, b| a == b) {
        let (glyph, role) = match cells.first() {
            Some(Share::All) => (full, role),
            Some(Share::Some) => (half, role),
            Some(Share::None) | None => (none, Role::Dim),
        };
        spans.push(painter.span(role, glyph.repeat(cells.len())));
    }
    painter.line(area, 0, spans);
    let legend = format!(" {full} covered  {half} in part  {none} not; from the first byte to the last");
    painter.line(area, 1, vec![painter.span(Role::Dim, legend)]);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Share {
    All,
    Some,
    None,
}

/// How much of a column's bytes is covered: by its first and last chunk and a few between, however many it stands for.
fn share(container: &Container, coverage: &Coverage, column: u16, columns: u16) -> Share {
    let index = container.index();
    let len = container.source().len();
    let at = |column: u16| {
        let at = u128::from(len) * u128::from(column) / u128::from(columns.max(1));
        u64::try_from(at).unwrap_or(len)
    };
    let (start, end) = (at(column), at(column + 1).max(at(column) + 1));
    let first = index.at_offset(start);
    let last = index.at_offset(end.saturating_sub(1));
    let (Some(from), Some(to)) = (first.or(last), last.or(first)) else {
        // The file header, or bytes that belong to no chunk.
        let header = end <= container.layout().file_header_len() && *coverage == Coverage::WholePrefix;
        return if header { Share::All } else { Share::None };
    };
    let count = to.index().saturating_sub(from.index());
    let step = (count / SAMPLES).max(1);
    let sampled = (from.index()..=to.index()).step_by(usize::try_from(step).unwrap_or(1)).chain([to.index()]);
    let mut shares = sampled.filter_map(|chunk| index.chunk(chunk)).map(|chunk| {
        let content = chunk.payload_offset() <= start && end <= chunk.payload_offset().saturating_add(chunk.len());
        match coverage.part_of(container, &chunk) {
            CoveredPart::Whole => Share::All,
            CoveredPart::Content if content => Share::All,
            CoveredPart::Content if end <= chunk.payload_offset() => Share::None,
            CoveredPart::Content => Share::Some,
            CoveredPart::Nothing => Share::None,
        }
    });
    let Some(one) = shares.next() else { return Share::None };
    let whole = first.is_some() && last.is_some();
    if shares.all(|other| other == one) && (whole || one == Share::None) { one } else { Share::Some }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::tui::headless;
    use crate::tui::screen;
    use crate::tui::state::update::update;
    use crate::tui::state::{Action, Command, Effect, JobKind, State};
    use crate::tui::testing::{sample, setup};
    use crate::tui::workers;

    #[test]
    fn a_running_audit_shows_its_progress_and_stops() {
        let (mut state, effects) = State::new(setup(sample(), 100, 30));
        for effect in effects {
            if let Effect::Start(job) = effect {
                workers::perform(&job, &mut |report| _ = update(&mut state, Action::Report(report)));
            }
        }
        update(&mut state, Action::Do(Command::Show(crate::tui::state::View::Audit)));
        let effects = update(&mut state, Action::Do(Command::Audit));
        let [Effect::Start(job)] = &effects[..] else { panic!("{effects:?}") };
        job.task.set_total(8 << 20);
        job.task.reach(4 << 20).unwrap();
        update(&mut state, Action::Tick(Duration::from_secs(2)));
        let drawn = |state: &State| screen::text(&headless::draw(state, state.size));
        let text = drawn(&state);
        let line = text.lines().nth(3).unwrap();
        assert!(["auditing", "50%", "2 MiB/s", "Esc stops it"].iter().all(|part| line.contains(part)), "{text}");
        update(&mut state, Action::Do(Command::Close));
        assert!(!state.jobs.is_running(JobKind::Audit) && job.task.check().is_err());
        assert!(drawn(&state).contains("not audited: a runs every check"));
    }
}
