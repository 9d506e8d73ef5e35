//! The message line: the prompt while one waits, else the progress of a job, else what happened last.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Span;
use ratatui::widgets::{Clear, Widget};

use super::painter::Painter;
use crate::report::short_size;
use crate::tui::state::{JobKind, Level, Prompt, Request, Running, State};
use crate::tui::text::{Align, fit, width};
use crate::tui::theme::Role;

/// The cells of a progress bar.
const BAR_CELLS: usize = 20;

/// Draws the line; leaves the footer's hints where they share a line and there is nothing to say. Returns where the cursor
/// of a prompt is.
pub(super) fn draw(state: &State, buffer: &mut Buffer, area: Rect) -> Option<Position> {
    let running = state.jobs.running().iter().rev().find(|running| {
        // The others show their progress in the header, or are too short to.
        let kind = running.job.request.kind();
        matches!(
            kind,
            JobKind::Audit
                | JobKind::Verify
                | JobKind::Export
                | JobKind::List
                | JobKind::Find
                | JobKind::SearchFields
                | JobKind::Diff
        )
    });
    if state.prompt.is_none() && running.is_none() && state.message.is_none() {
        return None;
    }
    Clear.render(area.intersection(buffer.area), buffer);
    let mut painter = Painter::new(state, buffer);
    if let Some(prompt) = &state.prompt {
        return Some(draw_prompt(&mut painter, prompt, area));
    }
    let spans = match (running, &state.message) {
        (Some(running), _) => progress(state, &painter, running),
        (None, Some(message)) => {
            let (role, glyph) = match message.level {
                Level::Info => (Role::Text, painter.glyphs.info),
                Level::Good => (Role::Good, painter.glyphs.good),
                Level::Warning => (Role::Warning, painter.glyphs.warning),
                Level::Error => (Role::Damage, painter.glyphs.damage),
            };
            vec![painter.span(role, format!(" {glyph} {}", message.text))]
        }
        (None, None) => Vec::new(),
    };
    painter.line(area, 0, spans);
    None
}

fn draw_prompt(painter: &mut Painter<'_>, prompt: &Prompt, area: Rect) -> Position {
    let label = format!(" {} ", prompt.kind.label());
    let taken = width(&label);
    let columns = usize::from(area.width).saturating_sub(taken + 1);
    let scroll = prompt.input.visual_scroll(columns.max(1));
    let shown = skip_columns(prompt.input.value(), scroll);
    let shown = if prompt.kind.is_hidden() { painter.glyphs.hidden.repeat(width(&shown)) } else { shown };
    let mut spans = vec![painter.span(Role::PromptLabel, label)];
    if prompt.input.value().is_empty() && prompt.error.is_none() {
        spans.push(painter.span(Role::Dim, prompt.example));
    } else {
        spans.push(painter.span(Role::Strong, shown));
    }
    if let Some(error) = &prompt.error {
        let text = h4mk::text::escape(error);
        spans.push(painter.span(Role::Damage, format!("  {} {text}", painter.glyphs.damage)));
    }
    painter.line(area, 0, spans);
    let column = taken + prompt.input.visual_cursor().saturating_sub(scroll);
    let column = u16::try_from(column).unwrap_or(u16::MAX).min(area.width.saturating_sub(1));
    Position { x: area.x.saturating_add(column), y: area.y }
}

/// The text behind its first columns.
fn skip_columns(text: &str, columns: usize) -> String {
    use unicode_segmentation::UnicodeSegmentation;
    let mut skipped = 0;
    let graphemes = text.graphemes(true).skip_while(|grapheme| {
        let skip = skipped < columns;
        skipped += width(grapheme);
        skip
    });
    graphemes.collect()
}

pub(super) fn progress(state: &State, painter: &Painter<'_>, running: &Running) -> Vec<Span<'static>> {
    let (done, total, rate) = state.jobs.progress(running);
    let share = |of: usize| {
        let cells = u128::from(done.min(total)) * of as u128 / u128::from(total.max(1));
        usize::try_from(cells).unwrap_or(of)
    };
    let full = share(BAR_CELLS);
    let percent = fit(&format!("{}%", share(100)), 4, Align::Right, "");
    // Fields and blocks are no bytes.
    let counts_bytes = !matches!(running.job.request, Request::SearchFields { .. } | Request::FindFrom { .. });
    let rate = rate.filter(|_| counts_bytes);
    let rate = rate.map(|rate| format!("  {}/s", short_size(rate))).unwrap_or_default();
    vec![
        painter.span(Role::Text, format!(" {} ", running.job.request.kind().title())),
        painter.span(Role::Progress, painter.glyphs.bars.last().copied().unwrap_or("#").repeat(full)),
        painter.span(Role::Dim, painter.glyphs.lost.repeat(BAR_CELLS - full.min(BAR_CELLS))),
        painter.span(Role::Text, format!("{percent}{rate}")),
        painter.span(Role::HintKey, "  Esc"),
        painter.span(Role::HintText, " stops it"),
    ]
}

#[cfg(test)]
mod tests {
    use crate::tui::screen;
    use crate::tui::testing::played;

    fn message_line(text: &str) -> String {
        let frame = screen::text(&played(80, 24, text).frame());
        frame.lines().nth(22).unwrap_or_default().to_owned()
    }

    #[test]
    fn prompts_show_answers_and_what_is_wrong_with_them() {
        assert!(message_line("t").starts_with(" time 1500000"));
        assert_eq!(message_line(":0x1f"), " : 0x1f");
        assert!(message_line(":zz<Enter>").starts_with(" : zz  ✗ no command is named `zz`"));
        assert_eq!(message_line(":zz<Enter><Backspace>"), " : z");
        assert!(message_line("4/").starts_with(" / a block: 45  #45; or show: keyframes"));
        assert!(message_line("5/").starts_with(" / text, or bytes: 0x48"));
        assert!(message_line("/").contains("found in Hex"));
        let long = message_line(&format!("5/{}end", "x".repeat(200)));
        assert!(long.ends_with("xend") && long.chars().count() <= 80, "{long}");
    }

    #[test]
    fn a_jump_says_what_led_there() {
        let text = message_line("t0.2s<Enter>");
        assert!(
            text.starts_with(" i 00:00:00.200000: block 6 plays; c goes to keyframe 4, entry 1 at 133332 us"),
            "{text}"
        );
    }
}
