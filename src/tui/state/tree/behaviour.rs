//! What happens to the chunk tree.

use ratatui::layout::Rect;

use super::{ChunkRow, Only};
use crate::tui::command::{Command, ListChange, Pane, View};
use crate::tui::rows::Motion;
use crate::tui::state::behaviour::{Behaviour, List};
use crate::tui::state::{Effect, Level, Selection, State, blocks};
use h4mk::text::escape;

/// The tree's behaviour.
pub(in crate::tui::state) struct ChunkTree;

impl Behaviour for ChunkTree {
    fn run(&self, state: &mut State, command: Command) -> Option<Vec<Effect>> {
        let container = state.container.clone()?;
        let index = container.index();
        let row = state.tree.row(index, state.tree_window.cursor())?;
        let open = state.tree.is_open(index, row);
        match command {
            Command::Move(Motion::Left) => {
                let fold = if open == Some(true) { row } else { state.tree.parent(index, row) };
                self.fold(state, fold);
            }
            Command::Move(Motion::Right) => state.tree.set_open(index, row, true),
            Command::Move(motion) => self.step(state, motion),
            Command::Fold | Command::Open if open.is_some() => state.tree.set_open(index, row, open == Some(false)),
            Command::Fold => {
                let parent = state.tree.parent(index, row);
                self.fold(state, parent);
            }
            Command::Open => state.show(View::Hex),
            Command::List(ListChange::NextTrack) => {
                let effects = blocks::behaviour::next_track(state);
                if container.tracks().is_some_and(|tracks| tracks.indexed) {
                    let text = match &state.blocks.filter.track {
                        Some(track) => format!("blocks of track {}", escape(track)),
                        None => "blocks of all tracks".to_owned(),
                    };
                    state.say(Level::Info, text);
                }
                return Some(effects);
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    fn list<'a>(&self, state: &'a mut State) -> Option<List<'a>> {
        let area = state.areas().and_then(|areas| areas.pane(Pane::Tree)).map_or(Rect::default(), |pane| pane.inner);
        let len = state.container.as_ref().map_or(0, |container| state.tree.len(container.index()));
        Some(List { window: &mut state.tree_window, len, area })
    }

    fn selects(&self, state: &mut State) {
        let Some(container) = state.container.clone() else { return };
        let index = container.index();
        let row = state.tree.row(index, state.tree_window.cursor());
        if let Some(chunk) = row.and_then(|row| state.tree.chunk(index, row)) {
            state.walk_below_tree(Selection::of_chunk(&container, &chunk));
        }
    }

    fn clicked_again(&self, state: &mut State) -> Vec<Effect> {
        self.run(state, Command::Fold).unwrap_or_default()
    }

    fn follow(&self, state: &mut State) {
        let Some(container) = state.container.clone() else { return };
        let index = container.index();
        if let Some(chunk) = state.selection.chunk.and_then(|chunk| index.chunk(chunk))
            && let Some(row) = state.tree.row_of(index, &chunk)
        {
            state.tree.reveal(index, row);
            let at = state.tree.place(index, row);
            self.jump(state, at);
        }
    }
}

impl ChunkTree {
    /// Folds a row that can be, with the cursor on it.
    fn fold(&self, state: &mut State, row: ChunkRow) {
        let Some(container) = state.container.clone() else { return };
        let index = container.index();
        state.tree.set_open(index, row, false);
        let at = state.tree.place(index, row);
        self.set_cursor(state, at);
        self.selects(state);
    }
}

/// The tree shows the blocks of the track whose blocks are listed.
pub(in crate::tui::state) fn filter(state: &mut State) {
    let Some(container) = state.container.clone() else { return };
    let only = match (&state.blocks.filter.track, state.tree.only()) {
        (None, None) => return,
        (Some(track), Some(only)) if only.is_of(&container, track) => return,
        (track, _) => track.as_deref().map(|track| Only::of_track(&container, track)),
    };
    state.tree.show_only(only);
    let index = container.index();
    let selected = state.selection.chunk.and_then(|chunk| state.tree.row_of(index, &index.chunk(chunk)?));
    let at = selected.map_or(0, |row| state.tree.place(index, row));
    ChunkTree.set_cursor(state, at);
}
