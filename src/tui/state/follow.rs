//! Following a file that is still being written: what was added is walked and shown, and a cursor at the end stays there.

use std::sync::{Arc, Mutex};

use super::request::Following;
use super::{Effect, JobKind, Level, Request, Selection, State, comparison, hex, knowledge, moment};
use h4mk::container::Container;
use h4mk::source::Source;
use h4mk::text::escape;

/// Follows the file or, where it is looked at by itself, stops that.
pub(super) fn toggle(state: &mut State) -> Vec<Effect> {
    if state.jobs.is_running(JobKind::Follow) { stop(state) } else { start(state) }
}

/// Looks at the file, again or from now on; opens it anew where it is no longer what is shown.
pub(super) fn start(state: &mut State) -> Vec<Effect> {
    if state.changed {
        return vec![Effect::Start(state.jobs.start(Request::Reopen(state.source.clone())))];
    }
    state.options.growing = true;
    let following = state.followed.get_or_insert_with(|| {
        let (source, options) = (state.source.clone(), state.options.clone());
        Arc::new(Following { source, options, loader: Mutex::default() })
    });
    let following = following.clone();
    state.jobs.cancel(JobKind::Index);
    let request = Request::Follow { following, every: state.polling.every };
    vec![Effect::Start(state.jobs.start(request))]
}

/// Takes the file as it is now; what is not whole is missing from now on.
pub(super) fn stop(state: &mut State) -> Vec<Effect> {
    end(state);
    state.say(Level::Info, "no longer following");
    let request = Request::Index { source: state.source.clone(), options: state.options.clone() };
    vec![Effect::Start(state.jobs.start(request))]
}

/// Following ended, by itself or because it was asked to.
pub(super) fn end(state: &mut State) {
    state.jobs.cancel(JobKind::Follow);
    state.followed = None;
    state.options.growing = false;
}

/// Following ended with an error: what is shown is no longer what is there.
pub(super) fn failed(state: &mut State, why: &str) {
    end(state);
    state.changed = true;
    state.say(Level::Error, format!("following: {}; `F` reads it again", escape(why)));
}

/// The file was opened anew. Nothing that was known of it counts any more.
pub(super) fn reopened(state: &mut State, source: Arc<Source>) -> Vec<Effect> {
    // They are about the file as it was.
    state.jobs.cancel_all_but(JobKind::Export);
    (state.source, state.changed) = (source, false);
    (state.container, state.audit, state.verification) = (None, None, None);
    (state.selection, state.moment, state.history) = Default::default();
    (state.knowledge, state.tally) = Default::default();
    hex::reading::forget(state);
    comparison::behaviour::forget(state);
    state.followed = None;
    let effects = start(state);
    state.say(Level::Info, "the file was read again and is being followed");
    effects
}

/// More of the file was walked.
pub(super) fn indexed(state: &mut State, container: Arc<Container>) -> Option<Effect> {
    if let Some(again) = knowledge::read_with_keys(state, &container) {
        return Some(again);
    }
    let Some(present) = state.container.clone().filter(|_| state.followed.is_some()) else {
        state.source = container.source().clone();
        knowledge::indexed(state, container);
        return None;
    };
    let (before, now) = (present.index(), container.index());
    if !container.is_complete() && now.len() < before.len() {
        return None;
    }
    if now.len() != before.len() || container.source().len() != present.source().len() {
        // They are about the file as it was.
        state.audit = None;
        state.verification = None;
    }
    let at_end = |count: u64, place: Option<u64>| place.is_some() && place == count.checked_sub(1);
    let end = if moment::is_timed(state) {
        None
    } else if at_end(before.blocks(), state.selection.block) {
        now.blocks().checked_sub(1).and_then(|last| now.block(last))
    } else if at_end(before.len(), state.selection.chunk) || state.selection.chunk >= Some(now.len()) {
        now.len().checked_sub(1).and_then(|last| now.chunk(last))
    } else {
        None
    };
    state.source = container.source().clone();
    knowledge::indexed(state, container.clone());
    if let Some(chunk) = end.filter(|chunk| state.selection.chunk != Some(chunk.index())) {
        state.walk_to(Selection::of_chunk(&container, &chunk));
    }
    moment::again(state)
}
