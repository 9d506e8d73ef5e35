//! What happens to the list of differences: the Diff view's part of the update.

use std::sync::Arc;

use ratatui::layout::Rect;

use super::{Comparison, Differences, Progress};
use crate::report::diff::LineTarget;
use crate::tui::command::{Command, Level, View};
use crate::tui::rows::Motion;
use crate::tui::state::behaviour::{Behaviour, List};
use crate::tui::state::{Effect, JobKind, Request, Selection, State, hex};
use h4mk::block::Form;
use h4mk::container::Container;

/// The view's behaviour.
pub(in crate::tui::state) struct Differing;

impl Behaviour for Differing {
    fn run(&self, state: &mut State, command: Command) -> Option<Vec<Effect>> {
        let comparison = state.comparison.as_mut()?;
        match command {
            Command::Move(Motion::Left | Motion::Right) => {}
            Command::Move(motion) => self.step(state, motion),
            Command::Open => return Some(open(state)),
            Command::Close if state.jobs.cancel(JobKind::Diff) => {
                comparison.fail("stopped");
                state.say(Level::Info, "stopped comparing");
            }
            Command::Close | Command::NextPane | Command::PreviousPane => comparison.shown = false,
            _ => return None,
        }
        Some(Vec::new())
    }

    /// All of the panes' room but the summary's line.
    fn list<'a>(&self, state: &'a mut State) -> Option<List<'a>> {
        let body = state.areas().map_or(Rect::default(), |areas| areas.body.inner);
        let area = Rect { y: body.y.saturating_add(1), height: body.height.saturating_sub(1), ..body };
        let comparison = state.comparison.as_mut()?;
        Some(List { len: comparison.len(), window: &mut comparison.window, area })
    }
}

/// Shows the view or hides it.
pub(in crate::tui::state) fn toggle(state: &mut State) {
    let Some(comparison) = &mut state.comparison else {
        return state.say(Level::Warning, "there is no other file; `h4inspect FILE --diff OTHER` opens two");
    };
    comparison.shown = !comparison.shown;
    if comparison.shown && matches!(comparison.progress, Progress::Failed(_)) {
        comparison.progress = Progress::Waiting;
    }
}

/// Keys change what blocks decode to: what was found before is found again when it is looked at.
pub(in crate::tui::state) fn forget(state: &mut State) {
    state.jobs.cancel(JobKind::Diff);
    if let Some(comparison) = &mut state.comparison {
        comparison.progress = Progress::Waiting;
    }
}

/// Compares once the file is indexed and the view is shown.
pub(in crate::tui::state) fn wanted(state: &mut State) -> Option<Effect> {
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
pub(in crate::tui::state) fn found(state: &mut State, differences: Arc<Differences>) {
    if let Some(comparison) = &mut state.comparison {
        comparison.progress = Progress::Found(differences);
    }
    Differing.refit(state);
}

/// Goes to where the difference under the cursor is, in Hex.
fn open(state: &mut State) -> Vec<Effect> {
    let line = state.comparison.as_ref().and_then(Comparison::line).cloned();
    let Some((line, container)) = line.zip(state.container.clone()) else { return Vec::new() };
    let Some(place) = &line.place else {
        state.say(Level::Info, "the first file doesn't have this");
        return Vec::new();
    };
    let effects = go_to(state, &container, place);
    state.say(Level::Info, line.text);
    effects
}

fn go_to(state: &mut State, container: &Container, place: &LineTarget) -> Vec<Effect> {
    match place {
        LineTarget::Decoded { block, at } => {
            let Some(chunk) = container.index().block(*block) else { return Vec::new() };
            state.form = Form::Decoded;
            state.select(Selection::of_chunk(container, &chunk));
            state.show(View::Hex);
            // What can't be decoded is shown from its start.
            hex::reading::go_within(state, *at).unwrap_or_default()
        }
        LineTarget::Bytes(bytes) => {
            state.select(Selection::of_bytes(container, bytes.clone()));
            state.show(View::Hex);
            Vec::new()
        }
    }
}
