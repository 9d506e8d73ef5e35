//! What happens to the Summary view.

use ratatui::layout::{Position, Rect};

use super::lines::lines;
use super::{Line, Link};
use crate::tui::command::{Command, Level, View};
use crate::tui::rows::{Motion, Window};
use crate::tui::state::behaviour::{Behaviour, List};
use crate::tui::state::description::amount;
use crate::tui::state::{Effect, JobKind, Request, Selection, State, copy, findings, popup};
use h4mk::time::format_us;

/// The view's behaviour.
pub(in crate::tui::state) struct Summary;

impl Behaviour for Summary {
    fn run(&self, state: &mut State, command: Command) -> Option<Vec<Effect>> {
        let cursor = state.summary.window.cursor();
        match command {
            Command::Move(Motion::Up | Motion::PageUp | Motion::Home)
                if state.summary.nearest(0, true) == Some(cursor) =>
            {
                // Nothing stands above but a heading.
                state.summary.window = Window::default();
                put_on_fact(state, cursor, true);
            }
            Command::Move(motion) => {
                let (len, height) = (state.summary.len(), height(state));
                let mut window = state.summary.window;
                window.step(motion, len, height);
                let down = matches!(motion, Motion::Down | Motion::PageDown | Motion::End);
                put_on_fact(state, window.cursor(), down);
            }
            Command::Open => {
                if let Some(Line::Fact(.., link)) = state.summary.selected() {
                    follow_link(state, *link);
                }
            }
            Command::Fold => {
                if let Some(Line::Fact(_, value, ..)) = state.summary.selected().cloned() {
                    let label = state.summary.label().to_owned();
                    popup::behaviour::open(state, &label, &value);
                }
            }
            Command::Copy => match state.summary.selected().cloned() {
                Some(Line::Fact(_, value, ..)) => return Some(copy::copied(state, &value)),
                _ => return None,
            },
            Command::CopyRaw => match state.summary.selected().cloned() {
                Some(Line::Fact(_, value, ..)) => return Some(copy::copied_raw(state, value)),
                _ => return None,
            },
            _ => return None,
        }
        Some(Vec::new())
    }

    fn refresh(&self, state: &mut State) -> Vec<Effect> {
        relist(state);
        let Some(container) = state.container.clone() else { return Vec::new() };
        let known = state.description.as_ref();
        let is_told = known.is_some_and(|known| {
            let is_current = state.followed.is_none() || known.amount == amount(&container);
            is_current && (known.is_complete || !container.is_complete()) && (known.is_audited || state.audit.is_none())
        });
        if is_told || (!container.is_complete() && state.jobs.is_running(JobKind::Describe)) {
            return Vec::new();
        }
        let request = Request::Describe(container, state.audit.clone());
        if state.jobs.running().iter().any(|running| same_work(&running.job.request, &request)) {
            return Vec::new();
        }
        vec![Effect::Start(state.jobs.start(request))]
    }

    fn refit(&self, state: &mut State) {
        relist(state);
    }

    fn list<'a>(&self, state: &'a mut State) -> Option<List<'a>> {
        let area = state.areas().and_then(|areas| areas.view).map_or(Rect::default(), |pane| pane.inner);
        let len = state.summary.len();
        Some(List { window: &mut state.summary.window, len, area })
    }

    /// The cursor stands on facts only.
    fn click(&self, state: &mut State, at: Position) -> Vec<Effect> {
        let row = self.list(state).and_then(|list| list.row_at(at));
        let Some(row) = row.filter(|row| state.summary.is_fact(*row)) else { return Vec::new() };
        if row == state.summary.window.cursor() {
            return self.clicked_again(state);
        }
        put_on_fact(state, row, true);
        Vec::new()
    }

    fn wheel(&self, state: &mut State, rows: i64) {
        let (len, height) = (state.summary.len(), height(state));
        let mut window = state.summary.window;
        window.scroll(rows, len, height);
        state.summary.window = window;
        let cursor = window.cursor();
        if !state.summary.is_fact(cursor) {
            let visible = window.visible(len, height);
            let fact = visible.clone().find(|at| state.summary.is_fact(*at));
            state.summary.window.set_cursor(fact.unwrap_or(cursor), len, height);
        }
    }
}

/// Makes the lines anew; blank ones go where the rest would fit without them.
fn relist(state: &mut State) {
    let mut lines = lines(state);
    let selected = state.summary.selected().cloned();
    let blank = lines.iter().filter(|line| **line == Line::Blank).count();
    let height = usize::from(height(state));
    if lines.len() > height && lines.len() - blank <= height {
        lines.retain(|line| *line != Line::Blank);
    }
    let same = |line: &Line| Some(line) == selected.as_ref();
    let at = lines.iter().position(same).map_or(state.summary.window.cursor(), |at| at as u64);
    state.summary.lines = lines;
    put_on_fact(state, at, true);
}

fn height(state: &State) -> u16 {
    state.areas().and_then(|areas| areas.view).map_or(0, |pane| pane.inner.height)
}

/// Puts the cursor on a line, or on the fact nearest to it.
fn put_on_fact(state: &mut State, at: u64, down: bool) {
    let height = height(state);
    let pane = &mut state.summary;
    let (at, len) = (pane.nearest(at.min(pane.len().saturating_sub(1)), down).unwrap_or(0), pane.len());
    pane.window.set_cursor(at, len, height);
    // The heading above comes into sight with its first line.
    let first = (0..at).rev().take_while(|at| !pane.is_fact(*at)).last();
    if let Some(first) = first.filter(|first| *first < pane.window.top() && at - *first < u64::from(height)) {
        pane.window.set_cursor(first, len, height);
        pane.window.set_cursor(at, len, height);
    }
}

fn follow_link(state: &mut State, link: Link) {
    let Some(container) = state.container.clone() else { return };
    let index = container.index();
    match link {
        Link::None => state.say(Level::Info, "this line has nothing to open"),
        Link::View(view) => state.show(view),
        Link::Finding(at) => findings::behaviour::show(state, at),
        Link::Tag(tag) => match index.first(tag) {
            Some(chunk) => {
                state.select(Selection::of_chunk(&container, &chunk));
                state.show(View::Hex);
            }
            None => state.say(Level::Info, format!("there is no {tag} chunk")),
        },
        Link::Track(at) => {
            let track = container.tracks().and_then(|tracks| tracks.list.get(at));
            let first = track.and_then(|track| track.blocks.first());
            match first.and_then(|first| index.block(first.block)) {
                Some(chunk) => {
                    state.select(Selection::of_chunk(&container, &chunk));
                    let at = state.selection.time_us.map(format_us).unwrap_or_default();
                    state.show(View::Blocks);
                    state.say(Level::Info, format!("the track's first block as stored, at {at}"));
                }
                None => state.say(Level::Info, "the track has no blocks"),
            }
        }
    }
}

/// Whether two requests describe the same container with the same audit.
fn same_work(a: &Request, b: &Request) -> bool {
    match (a, b) {
        (Request::Describe(a, x), Request::Describe(b, y)) => {
            std::sync::Arc::ptr_eq(a, b) && x.is_some() == y.is_some()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::summary::Describe;
    use crate::tui::headless::Player;
    use crate::tui::testing::{damaged, played, played_with};

    fn label(player: &Player) -> String {
        match player.state().summary.selected() {
            Some(Line::Fact(label, ..)) => label.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn value(player: &Player, label: &str) -> String {
        let of_label = |line: &Line| match line {
            Line::Fact(name, value, ..) if name == label => Some(value.clone()),
            _ => None,
        };
        player.state().summary.lines.iter().find_map(of_label).unwrap_or_default()
    }

    #[test]
    fn the_cursor_moves_from_fact_to_fact() {
        assert_eq!(label(&played(80, 24, "")), "Audit");
        assert_eq!(label(&played(80, 24, "j")), "Name");
        assert_eq!(label(&played(80, 24, "jk")), "Audit");
        assert_eq!(label(&played(40, 12, "G")), "Status");
        let top = played(40, 12, "Ggg");
        assert_eq!((label(&top), top.state().summary.window.top()), ("Audit".into(), 0), "with its heading");
    }

    #[test]
    fn the_numbers_are_those_of_info() {
        let player = played(80, 24, "");
        let glance = &player.state().description.as_ref().unwrap().glance;
        assert_eq!(value(&player, "Duration"), glance.describe_duration());
        assert_eq!(value(&player, "Entries"), glance.info.seek.describe());
        assert_eq!(value(&player, "State"), "8 not checked");
        assert_eq!(value(&played(80, 24, "a"), "State"), "8 right");
        assert_eq!(value(&played(80, 24, "a"), "Decoded"), "2 KiB (2048 bytes)");
        assert_eq!(value(&played(80, 24, "v"), "Status"), "verified (sha256, prefix)");
    }

    #[test]
    fn findings_come_first_and_lead_to_the_audit() {
        let player = played_with(damaged(), "a");
        assert_eq!(value(&player, "Audit"), "damaged: 2 errors");
        let opened = played_with(damaged(), "ajj<Enter>");
        assert_eq!(opened.state().view, View::Audit);
        assert_eq!(opened.state().selection.chunk, Some(11), "the second finding's");
        assert_eq!(value(&played(80, 24, ""), "Audit"), "not audited: a runs every check");
    }

    #[test]
    fn lines_lead_to_what_they_are_about() {
        let to = |line: &str, steps: usize| {
            let player = played(80, 24, &"j".repeat(steps));
            assert_eq!(label(&player), line);
            let there = played(80, 24, &format!("{}<Enter>", "j".repeat(steps)));
            (there.state().view, there.state().selection.chunk)
        };
        assert_eq!(to("Duration", 8), (View::Timeline, Some(0)));
        assert_eq!(to("Entries", 12), (View::Hex, Some(8)));
        let whole = played(80, 24, "jjj<Space>");
        assert_eq!(whole.state().popup.as_ref().unwrap().title, "Layout");
    }
}
