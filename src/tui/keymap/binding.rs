//! What a row of the table says.

use crate::tui::command::{Command, View};
use crate::tui::input::Key;

/// Where a key means what the table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// Whatever is on the screen.
    Always,
    /// In all panes.
    Browse,
    /// In the chunk tree.
    Tree,
    /// In one of the views.
    View(View),
    /// While a prompt waits.
    Prompt,
    /// While a long text is open.
    Popup,
    /// While the help is shown.
    Help,
    /// In all panes, where there is another file to compare with.
    Compared,
    /// In the list of differences.
    Diff,
}

impl Context {
    /// The heading of its part of the help.
    pub fn title(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::Browse => "Everywhere",
            Self::Tree => "Chunk tree",
            Self::View(view) => view.title(),
            Self::Prompt => "Prompt",
            Self::Popup => "Open text",
            Self::Help => "Help",
            Self::Compared => "With --diff",
            Self::Diff => "Diff",
        }
    }
}

/// Keys and what they do.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// Where.
    pub context: Context,
    /// Which keys; each does the same.
    pub keys: &'static [Key],
    /// What they do.
    pub command: Command,
    /// Its name on the command line, if it has one.
    pub name: &'static str,
    /// Two words at most for the footer; empty keeps it out.
    pub hint: &'static str,
    /// One line for the help.
    pub help: &'static str,
}

/// A row.
pub(super) const fn bind(
    context: Context,
    keys: &'static [Key],
    command: Command,
    name: &'static str,
    hint: &'static str,
    help: &'static str,
) -> Binding {
    Binding { context, keys, command, name, hint, help }
}
