//! What an input means in a state.

use super::{Action, State};
use crate::tui::input::{Input, Key};
use crate::tui::keymap;

impl State {
    /// The action that an input means in this state, if any.
    pub fn action(&self, input: Input) -> Option<Action> {
        match input {
            Input::Key(key) => match keymap::command(&self.contexts(), key) {
                Some(command) => Some(Action::Do(command)),
                None => match key {
                    Key::Char(c) if self.prompt.is_some() && self.help.is_none() => Some(Action::Type(c)),
                    _ => None,
                },
            },
            Input::Paste(text) => Some(Action::Paste(text)),
            Input::Resize(size) => Some(Action::Resize(size)),
            Input::Click(at) => self.mouse.then_some(Action::Click(at)),
            Input::Drag { from, to } => self.mouse.then_some(Action::Drag { from, to }),
            Input::Wheel { at, notches } => self.mouse.then_some(Action::Wheel { at, notches }),
        }
    }
}
