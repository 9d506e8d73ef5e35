//! [`update`]: the one function that changes the state. What happened is done first, by the room that it belongs to; then
//! all panes are brought after, and what they need now is asked for.

mod answers;
mod commands;
mod pointer;
mod reports;
mod settle;

use super::{Action, Effect, State, comparison, hex, knowledge, panes, timeline, tree, unlock};
use commands::run;
use h4mk::source::without_reads;
use pointer::{click, drag, wheel};
use reports::reported;
use settle::settle;

/// Changes the state; returns what must be done about the world.
pub fn update(state: &mut State, action: Action) -> Vec<Effect> {
    if let Action::Tick(now) = action {
        state.jobs.tick(now);
        return Vec::new();
    }
    without_reads(|| changed(state, action))
}

fn changed(state: &mut State, action: Action) -> Vec<Effect> {
    let mut effects = act(state, action);
    if !effects.iter().any(|effect| matches!(effect, Effect::Quit)) {
        settle(state);
        tree::behaviour::filter(state);
        effects.extend(timeline::behaviour::chart_wanted(state));
        effects.extend(panes::of(state.view).wants(state));
        while let Some((more, rest)) = hex::behaviour::go_on(state) {
            settle(state);
            effects.extend(more);
            effects.extend(panes::of(state.view).wants(state));
            hex::behaviour::keep_waiting(state, rest);
        }
        effects.extend(comparison::behaviour::wanted(state));
        knowledge::count(state);
    }
    effects
}

fn act(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Do(command) => run(state, command),
        Action::Type(c) => {
            unlock::given_up(state);
            if let Some(prompt) = &mut state.prompt {
                prompt.insert(std::iter::once(c));
            }
            Vec::new()
        }
        Action::Paste(text) => {
            unlock::given_up(state);
            if let Some(prompt) = &mut state.prompt {
                prompt.insert(text.chars());
            }
            Vec::new()
        }
        Action::Click(at) => click(state, at),
        Action::Drag { from, to } => drag(state, from, to),
        Action::Wheel { at, notches } => wheel(state, at, notches),
        Action::Resize(size) => {
            state.size = size;
            state.moved.sizes = true;
            Vec::new()
        }
        Action::Report(report) => reported(state, report),
        // Done before: nothing else depends on it.
        Action::Tick(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
