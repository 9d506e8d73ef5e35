//! Copying a text, and saying so.

use super::{Effect, Level, State};
use crate::report::count;
use crate::tui::clip::Clip;
use h4mk::text::escape;

/// Copies a text as it is shown, and says so.
pub(super) fn copied(state: &mut State, text: &str) -> Vec<Effect> {
    let clip = Clip::shown(text);
    state.say(Level::Info, format!("copied: {}", clip.text()));
    vec![Effect::Copy(clip)]
}

/// Copies a text as it is, and says what that means.
pub(super) fn copied_raw(state: &mut State, text: String) -> Vec<Effect> {
    let shown = escape(&text).into_owned();
    let clip = Clip::raw(text);
    match clip.hazards() {
        0 => state.say(Level::Info, format!("copied raw: {shown}")),
        hazards => {
            let unseen = crate::report::count(hazards, "control or invisible character");
            state.say(Level::Warning, format!("copied raw, with {unseen} that a shell may obey: {shown}"));
        }
    }
    vec![Effect::Copy(clip)]
}

/// Copies what the selected chunk is. It holds nothing from the file that could be unsafe.
pub(super) fn selected_chunk(state: &mut State) -> Vec<Effect> {
    let chunk = state.container.as_ref().zip(state.selection.chunk).and_then(|(c, chunk)| c.index().chunk(chunk));
    match chunk {
        Some(chunk) => {
            let text = format!(
                "{} chunk {} at {:#x}, {}",
                chunk.tag(),
                chunk.index(),
                chunk.offset(),
                count(chunk.len(), "byte")
            );
            copied(state, &text)
        }
        None => {
            state.say(Level::Warning, "nothing is selected");
            Vec::new()
        }
    }
}
