//! The entries of the manifest's seek table.

use crate::tui::state::State;
use h4mk::layout::SeekEntry;

/// An entry of the seek table.
pub fn entry(state: &State, entry: u64) -> Option<SeekEntry> {
    state.container.as_ref()?.manifest_table()?.rows.get(entry)
}

/// The block that an entry of the manifest's seek table leads to.
pub fn entry_block(state: &State, entry: u64) -> Option<u64> {
    let container = state.container.as_ref()?;
    if container.seek_table().is_some_and(|table| !table.rows.is_empty()) {
        return container.entry_block(entry);
    }
    let track = container.tracks()?.list.first()?;
    track.entry_block(container, track.seek_table(container)?.rows.get(entry)?)
}
