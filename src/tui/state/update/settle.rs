//! The last phase of an update: the panes are put right, once, whatever moved.

use crate::tui::command::View;
use crate::tui::state::{State, panes, popup};

/// Moves every pane to what is selected, and keeps the cursors in sight.
pub(super) fn settle(state: &mut State) {
    let moved = std::mem::take(&mut state.moved);
    if moved.tree {
        panes::TREE.follow(state);
    }
    if moved.views {
        View::ALL.into_iter().for_each(|view| panes::of(view).follow(state));
    }
    if moved.sizes {
        panes::TREE.refit(state);
        View::ALL.into_iter().for_each(|view| panes::of(view).refit(state));
        popup::behaviour::refit(state);
        panes::COMPARISON.refit(state);
    }
}
