//! Checks that are asked for.

use super::{Effect, Level, Request, State};

/// Starts every check there is.
pub(super) fn audit(state: &mut State) -> Vec<Effect> {
    let request = Request::Audit { source: state.source.clone(), options: state.options.clone() };
    vec![Effect::Start(state.jobs.start(request))]
}

/// Recomputes VERI.
pub(super) fn verify(state: &mut State) -> Vec<Effect> {
    match state.container.clone().filter(|container| container.is_complete()) {
        Some(container) => vec![Effect::Start(state.jobs.start(Request::Verify(container)))],
        None => {
            state.say(Level::Warning, "wait for the index: VERI is at the end");
            Vec::new()
        }
    }
}
