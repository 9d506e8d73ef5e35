//! All panes, by what they are called.

use super::behaviour::Behaviour;
use super::{Pane, State, View, blocks, comparison, findings, hex, manifest, summary, timeline, tree};

/// The chunk tree.
pub(super) const TREE: &dyn Behaviour = &tree::behaviour::ChunkTree;

/// The list of differences, which stands over the other panes.
pub(super) const COMPARISON: &dyn Behaviour = &comparison::behaviour::Differing;

/// The part of the update that belongs to a view.
pub(super) fn of(view: View) -> &'static dyn Behaviour {
    match view {
        View::Summary => &summary::behaviour::Summary,
        View::Manifest => &manifest::behaviour::Manifest,
        View::Timeline => &timeline::behaviour::Timeline,
        View::Blocks => &blocks::behaviour::BlocksView,
        View::Hex => &hex::behaviour::HexView,
        View::Audit => &findings::behaviour::Findings,
    }
}

/// That of the pane with the keys.
pub(super) fn with_keys(state: &State) -> &'static dyn Behaviour {
    match state.focus {
        _ if state.is_comparing() => COMPARISON,
        Pane::Tree => TREE,
        Pane::View => of(state.view),
    }
}
