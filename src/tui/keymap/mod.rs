//! Which key does what, and where: one table. The footer's hints, the help and the command line's names are made from
//! it, so none of them can say something else; the manual and docs/interface.md have all of it.

mod binding;
mod table;

pub use binding::{Binding, Context};
pub use table::BINDINGS;

use super::command::Command;
use super::input::Key;

/// What a key means in these contexts, the first that knows it.
pub fn command(contexts: &[Context], key: Key) -> Option<Command> {
    contexts
        .iter()
        .find_map(|context| BINDINGS.iter().find(|b| b.context == *context && b.keys.contains(&key)))
        .map(|binding| binding.command)
}

/// The key that does this, as read on the keyboard.
pub fn key_of(command: Command, ascii: bool) -> Option<String> {
    BINDINGS.iter().find(|binding| binding.command == command)?.keys.first().map(|key| key.label(ascii))
}

/// Every key on paper: for each context its title, and for each of its bindings the keys, the command's name (or nothing)
/// and what they do.
pub fn on_paper() -> Vec<(&'static str, Vec<[String; 3]>)> {
    let mut contexts: Vec<Context> = BINDINGS.iter().map(|binding| binding.context).collect();
    contexts.sort_unstable();
    contexts.dedup();
    let line = |binding: &Binding| {
        let keys: Vec<String> = binding.keys.iter().map(|key| key.label(true)).collect();
        [keys.join(" "), binding.name.to_owned(), binding.help.to_owned()]
    };
    let of = |context: Context| BINDINGS.iter().filter(|binding| binding.context == context).map(line).collect();
    contexts.into_iter().map(|context| (context.title(), of(context))).collect()
}

/// The names that the command line knows.
pub fn command_names() -> impl Iterator<Item = (&'static str, Command)> {
    BINDINGS.iter().filter(|binding| !binding.name.is_empty()).map(|binding| (binding.name, binding.command))
}

#[cfg(test)]
mod tests {
    use super::Context::{Always, Browse, Help, Prompt, Tree};
    use super::*;
    use crate::tui::command::Command::{Ask, Move, Show};
    use crate::tui::command::{PromptKind, View};
    use crate::tui::rows::Motion;
    use std::collections::HashMap;

    #[test]
    fn no_key_means_two_things_in_one_context() {
        let mut seen = HashMap::new();
        for binding in BINDINGS {
            for key in binding.keys {
                let earlier = seen.insert((binding.context, *key), binding.command);
                assert_eq!(earlier, None, "{key:?} in {:?}", binding.context);
            }
        }
    }

    /// The keys that users rely on, with what they do in every pane.
    const PROMISED: &[(&str, Command)] = &[
        ("?", Command::Help),
        ("q", Command::Quit),
        ("<Tab>", Command::NextPane),
        ("<BackTab>", Command::PreviousPane),
        ("1", Show(View::Summary)),
        ("2", Show(View::Manifest)),
        ("3", Show(View::Timeline)),
        ("4", Show(View::Blocks)),
        ("5", Show(View::Hex)),
        ("6", Show(View::Audit)),
        ("h<Left>", Move(Motion::Left)),
        ("j<Down>", Move(Motion::Down)),
        ("k<Up>", Move(Motion::Up)),
        ("l<Right>", Move(Motion::Right)),
        ("<PgUp>", Move(Motion::PageUp)),
        ("<PgDn>", Move(Motion::PageDown)),
        ("<Home>g", Move(Motion::Home)),
        ("<End>G", Move(Motion::End)),
        ("<Enter>", Command::Open),
        ("<Space>", Command::Fold),
        ("t", Ask(PromptKind::Time)),
        (":", Ask(PromptKind::Command)),
        ("/", Ask(PromptKind::Find)),
        ("n", Command::NextMatch),
        ("N", Command::PreviousMatch),
        ("F", Command::Follow),
        ("m", Command::Mouse),
        ("r", Command::Raw),
        ("v", Command::Verify),
        ("a", Command::Audit),
        ("e", Ask(PromptKind::Export)),
        ("y", Command::Copy),
        ("b", Command::Back),
        ("f", Command::Forward),
        ("<Esc>", Command::Close),
        ("<C-c>", Command::Quit),
        ("<C-z>", Command::Suspend),
    ];

    #[test]
    fn promised_keys_mean_the_same_in_every_pane() {
        let panes = View::ALL.map(Context::View).into_iter().chain([Tree]);
        for pane in panes {
            for (keys, expected) in PROMISED {
                for input in crate::tui::input::parse(keys).unwrap() {
                    let crate::tui::input::Input::Key(key) = input else { panic!("{keys}") };
                    assert_eq!(command(&[pane, Browse, Always], key), Some(*expected), "{key:?} in {pane:?}");
                }
            }
        }
    }

    #[test]
    fn always_is_always() {
        for context in [Prompt, Help, Browse, Tree] {
            for binding in BINDINGS.iter().filter(|b| b.context == Always) {
                assert_eq!(command(&[context, Always], binding.keys[0]), Some(binding.command));
            }
        }
    }

    #[test]
    fn names_are_unique_and_typed_easily() {
        let mut seen = HashMap::new();
        for (name, command) in command_names() {
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{name}");
            assert_eq!(seen.insert(name, command), None, "{name}");
        }
    }
}
