//! Going somewhere: what is selected, which view is shown, and the way back.

use super::{Pane, Selection, State, View, Visit};

impl State {
    /// The place the user is at.
    pub fn place(&self) -> Visit {
        Visit { view: self.view, selection: self.selection.clone() }
    }

    /// Selects something, from wherever; the place before is one to go back to.
    pub(super) fn select(&mut self, selection: Selection) {
        if selection != self.selection {
            self.history.leave(self.place());
        }
        self.hide_comparison();
        self.walk_to(selection);
    }

    /// Selects something without a trail in the history: a step on the way.
    pub(super) fn walk_to(&mut self, selection: Selection) {
        self.moved.tree = true;
        self.walk_below_tree(selection);
    }

    /// The same where the tree itself made the step, and stays as it is.
    pub(super) fn walk_below_tree(&mut self, selection: Selection) {
        self.selection = selection;
        self.moved.views = true;
    }

    /// Shows a view and gives it the keys; the place before is one to go back to.
    pub(super) fn show(&mut self, view: View) {
        if view != self.view {
            self.history.leave(self.place());
            self.view = view;
        }
        self.focus = Pane::View;
        self.hide_comparison();
        self.moved.sizes = true;
    }

    /// Goes to a place of the history; `false` where there is none.
    pub(super) fn revisit(&mut self, place: Option<Visit>) -> bool {
        let Some(place) = place else { return false };
        self.view = place.view;
        self.hide_comparison();
        self.walk_to(place.selection);
        true
    }

    /// Whether the differences from another file are what has the keys, but for the help and the prompt.
    pub fn is_comparing(&self) -> bool {
        self.comparison.as_ref().is_some_and(|comparison| comparison.shown)
    }

    /// Gives the screen back to the panes.
    pub(super) fn hide_comparison(&mut self) {
        if let Some(comparison) = &mut self.comparison {
            comparison.shown = false;
        }
    }
}
