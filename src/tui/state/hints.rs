//! The footer's hints.

use super::{State, moment};
use crate::tui::command::Command;
use crate::tui::keymap::{BINDINGS, Binding, Context};

/// The hints for what has the keys, the most particular first: the key as read on the keyboard, and what it does.
pub fn hints(state: &State) -> Vec<(String, &'static str)> {
    let contexts = state.contexts();
    let of = |context: &Context| {
        let context = *context;
        BINDINGS.iter().filter(move |b| b.context == context && !b.hint.is_empty())
    };
    let first_key = |b: &Binding| b.keys.first().map(|key| key.label(state.theme.ascii)).unwrap_or_default();
    contexts.iter().flat_map(of).filter(|b| is_offered(b, state)).map(|b| (first_key(b), b.hint)).collect()
}

/// Whether a key does more now than say why it does nothing.
fn is_offered(binding: &Binding, state: &State) -> bool {
    match binding.command {
        Command::Compare => state.comparison.is_some(),
        Command::Chain => leads_to_keyframe(state),
        _ => true,
    }
}

/// Whether a key goes to another block that decoding begins with, or back from there.
fn leads_to_keyframe(state: &State) -> bool {
    match moment::current(state) {
        Some(moment) => moment.keyframe.is_some() && moment.keyframe != moment.block(),
        None => {
            let container = state.container.as_ref();
            container.zip(state.selection.block).is_some_and(|(container, block)| !container.is_keyframe(block))
        }
    }
}
