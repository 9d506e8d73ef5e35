//! What each view does with what happens to it. [`super::update`] asks the current view first, then falls back to what
//! is the same everywhere.

use ratatui::layout::Position;

use super::{Command, Effect, State, View, blocks, findings, hex, manifest, summary, timeline};

/// A view's own part of the update. Its state is a field of [`State`]; what it does not say means nothing special.
pub(super) trait Behaviour {
    /// A command while the view has the keys; `None` where it has no meaning of its own here.
    fn run(&self, _state: &mut State, _command: Command) -> Option<Vec<Effect>> {
        None
    }

    /// What is known about the file is more, or other: the container, the audit, VERI, the description.
    fn refresh(&self, _state: &mut State) -> Vec<Effect> {
        Vec::new()
    }

    /// Something else was selected: bring it into sight.
    fn follow(&self, _state: &mut State) {}

    /// The screen, or what the view lists, has another size: keep the cursor in sight.
    fn refit(&self, _state: &mut State) {}

    /// The left button was pressed inside the pane.
    fn click(&self, _state: &mut State, _at: Position) -> Vec<Effect> {
        Vec::new()
    }

    /// The left button was moved inside the pane while down.
    fn drag(&self, _state: &mut State, _from: Position, _to: Position) {}

    /// The wheel was turned over the pane; positive towards the end.
    fn wheel(&self, _state: &mut State, _rows: i64) {}

    /// Work that what is shown now needs and nobody has asked for yet. Asked after everything that happens, of the view
    /// that is shown.
    fn wants(&self, _state: &mut State) -> Vec<Effect> {
        Vec::new()
    }

    /// What may be entered to be found, as the prompt shows it.
    fn findable(&self) -> &'static str {
        "text, or bytes: 0x48 34 4d 4b, found in Hex"
    }

    /// Text to find was entered. A view that has nothing to search leaves that to Hex.
    fn find(&self, state: &mut State, text: &str) -> Result<Vec<Effect>, String> {
        hex::find_from_elsewhere(state, text)
    }
}

/// The part of the update that belongs to a view.
pub(super) fn of(view: View) -> &'static dyn Behaviour {
    match view {
        View::Summary => &summary::Summary,
        View::Manifest => &manifest::Manifest,
        View::Timeline => &timeline::Timeline,
        View::Blocks => &blocks::Blocks,
        View::Hex => &hex::HexView,
        View::Audit => &findings::Findings,
    }
}
