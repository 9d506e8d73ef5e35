//! Where somebody is, and what moved on the way there.

use super::selection::Selection;
use crate::tui::command::View;

/// A place to come back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The view shown.
    pub view: View,
    /// What was selected.
    pub selection: Selection,
}

/// What moved since the panes were put right. Whoever moves something says so here; the last phase of the update brings
/// the panes after, once, whatever moved and however often.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moved {
    /// Something else was selected: the tree shows it.
    pub(super) tree: bool,
    /// Something else was selected: the views show it.
    pub(super) views: bool,
    /// The screen, or what a pane lists, has another size.
    pub(super) sizes: bool,
}
