//! The Diff view's part of the update: how the file differs from another one, and where each difference is.

use std::sync::Arc;

use ratatui::layout::Position;

use super::update::{select, show};
use super::{Command, Effect, JobKind, Level, Request, Selection, State, View, hex};
use crate::report::diff::{Line, Place};
use crate::tui::rows::{Motion, Window};
use h4mk::block::Form;
use h4mk::container::Container;
use h4mk::source::Source;

/// What two files differ in.
#[derive(Debug, Clone)]
pub struct Differences {
    /// In one line.
    pub summary: String,
    /// No difference at all.
    pub same: bool,
    /// One by one.
    pub lines: Vec<Line>,
}

/// Whether the differences are known.
#[derive(Debug, Clone, Default)]
pub enum Progress {
    /// Nobody has asked.
    #[default]
    Waiting,
    /// They are being looked for.
    Comparing,
    /// They are known.
    Found(Arc<Differences>),
    /// They are not, and why; asked for once more, they are looked for again.
    Failed(String),
}

/// The Diff view's state.
#[derive(Debug)]
pub struct Comparison {
    /// The other file.
    pub other: Arc<Source>,
    /// Its name, not escaped.
    pub name: String,
    /// Whether the view is shown.
    pub shown: bool,
    /// What is known.
    pub progress: Progress,
    /// The lines in sight, and the one under the cursor.
    pub window: Window,
}

impl Comparison {
    /// A comparison that is shown and waits for the index.
    pub fn new(other: Arc<Source>, name: String) -> Self {
        Self { other, name, shown: true, progress: Progress::default(), window: Window::default() }
    }

    /// The lines, as far as they are known.
    pub fn lines(&self) -> &[Line] {
        match &self.progress {
            Progress::Found(differences) => &differences.lines,
            _ => &[],
        }
    }

    fn len(&self) -> u64 {
        self.lines().len() as u64
    }

    fn line(&self) -> Option<&Line> {
        self.lines().get(usize::try_from(self.window.cursor()).ok()?)
    }

    /// There is no answer, and why.
    pub(super) fn fail(&mut self, why: impl Into<String>) {
        self.progress = Progress::Failed(why.into());
    }
}

/// Shows the view or hides it.
pub(super) fn toggle(state: &mut State) {
    let Some(comparison) = &mut state.comparison else {
        return state.say(Level::Warning, "there is no other file: h4inspect FILE --diff OTHER opens two");
    };
    comparison.shown = !comparison.shown;
    if comparison.shown && matches!(comparison.progress, Progress::Failed(_)) {
        comparison.progress = Progress::Waiting;
    }
}

/// Keys change what blocks decode to: what was found before is found again when it is looked at.
pub(super) fn forget(state: &mut State) {
    state.jobs.cancel(JobKind::Diff);
    if let Some(comparison) = &mut state.comparison {
        comparison.progress = Progress::Waiting;
    }
}

/// Gives the screen back to the panes.
pub(super) fn hide(state: &mut State) {
    if let Some(comparison) = &mut state.comparison {
        comparison.shown = false;
    }
}

/// Whether the view is what has the keys, but for the help and the prompt.
pub(super) fn is_shown(state: &State) -> bool {
    state.comparison.as_ref().is_some_and(|comparison| comparison.shown)
}

/// Compares once the file is indexed and the view is shown.
pub(super) fn wanted(state: &mut State) -> Option<Effect> {
    let comparison = state.comparison.as_mut()?;
    let indexed = state.container.as_ref().is_some_and(|container| container.is_complete());
    if !indexed || !comparison.shown || !matches!(comparison.progress, Progress::Waiting) {
        return None;
    }
    comparison.progress = Progress::Comparing;
    let (source, other) = (state.source.clone(), comparison.other.clone());
    let request = Request::Diff { source, other, options: state.options.clone() };
    Some(Effect::Start(state.jobs.start(request)))
}

/// The differences were found.
pub(super) fn found(state: &mut State, differences: Arc<Differences>) {
    if let Some(comparison) = &mut state.comparison {
        comparison.progress = Progress::Found(differences);
    }
    refit(state);
}

/// The lines of content the view shows: all of the panes' room but the summary's.
fn height(state: &State) -> u16 {
    state.areas().map_or(0, |areas| areas.body.inner.height).saturating_sub(1)
}

/// What a command does while the view is shown; `None` where it has no meaning of its own here.
pub(super) fn run(state: &mut State, command: Command) -> Option<Vec<Effect>> {
    let height = height(state);
    let comparison = state.comparison.as_mut()?;
    match command {
        Command::Move(Motion::Left | Motion::Right) => {}
        Command::Move(motion) => {
            let len = comparison.len();
            comparison.window.step(motion, len, height);
        }
        Command::Open => return Some(open(state)),
        Command::Close if state.jobs.cancel(JobKind::Diff) => {
            comparison.fail("stopped");
            state.say(Level::Info, "stopped comparing");
        }
        Command::Close => comparison.shown = false,
        Command::NextPane | Command::PreviousPane => comparison.shown = false,
        _ => return None,
    }
    Some(Vec::new())
}

/// Keeps the cursor in sight after the screen or the lines changed.
pub(super) fn refit(state: &mut State) {
    let height = height(state);
    if let Some(comparison) = &mut state.comparison {
        let len = comparison.len();
        comparison.window.set_cursor(comparison.window.cursor(), len, height);
    }
}

/// A click on a line puts the cursor there; a second one opens it.
pub(super) fn click(state: &mut State, at: Position) -> Vec<Effect> {
    let line = state.areas().and_then(|areas| areas.body.line_at(at)).and_then(|line| line.checked_sub(1));
    let height = height(state);
    let Some((comparison, line)) = state.comparison.as_mut().zip(line) else { return Vec::new() };
    let len = comparison.len();
    let Some(row) = comparison.window.row_at(line, len) else { return Vec::new() };
    if row == comparison.window.cursor() {
        return open(state);
    }
    comparison.window.set_cursor(row, len, height);
    Vec::new()
}

/// The wheel was turned; positive towards the end.
pub(super) fn wheel(state: &mut State, rows: i64) {
    let height = height(state);
    if let Some(comparison) = &mut state.comparison {
        let len = comparison.len();
        comparison.window.scroll(rows, len, height);
    }
}

/// Goes to where the difference under the cursor is, in Hex.
fn open(state: &mut State) -> Vec<Effect> {
    let line = state.comparison.as_ref().and_then(Comparison::line).cloned();
    let Some((line, container)) = line.zip(state.container.clone()) else { return Vec::new() };
    let Some(place) = &line.place else {
        state.say(Level::Info, "this is nowhere in the first file");
        return Vec::new();
    };
    let effects = go_to(state, &container, place);
    state.say(Level::Info, line.text);
    effects
}

fn go_to(state: &mut State, container: &Container, place: &Place) -> Vec<Effect> {
    match place {
        Place::Decoded { block, at } => {
            let Some(chunk) = container.index().block(*block) else { return Vec::new() };
            state.form = Form::Decoded;
            select(state, Selection::of_chunk(container, &chunk));
            show(state, View::Hex);
            // What can't be decoded is shown from its start.
            hex::go_within(state, *at).unwrap_or_default()
        }
        Place::Bytes(bytes) => {
            select(state, Selection::of_bytes(container, bytes.clone()));
            show(state, View::Hex);
            Vec::new()
        }
    }
}
