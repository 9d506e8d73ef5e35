//! Copying the selected bytes.

use super::shown::Shown;
use crate::hexdump::hex_digits;
use crate::tui::command::Level;
use crate::tui::state::copy::{copied, copied_raw};
use crate::tui::state::{Effect, State};
use h4mk::text::escape_bytes;

/// Bytes that are copied at most: terminals drop longer texts.
const COPY_BYTES: u64 = 32 << 10;

/// As what bytes are copied.
#[derive(Clone, Copy)]
pub(super) enum Copied {
    Hex,
    /// As it is shown.
    Text,
    /// As it is.
    Raw,
}

pub(super) fn copy(state: &mut State, shown: &Shown, form: Copied) -> Vec<Effect> {
    let range = state.hex.selected().unwrap_or(state.hex.cursor..state.hex.cursor.saturating_add(1));
    let len = range.end.min(shown.range.end).saturating_sub(range.start);
    if len == 0 || len > COPY_BYTES {
        let text = match len {
            0 => "there is no byte to copy".to_owned(),
            _ => format!("{len} bytes are too many to copy (at most {COPY_BYTES}); `e` writes a block to a file"),
        };
        state.say(Level::Warning, text);
        return Vec::new();
    }
    let bytes = shown.read(range.start, usize::try_from(len).unwrap_or_default());
    state.hex.anchor = None;
    match (form, String::from_utf8(bytes.into_owned())) {
        (Copied::Raw, Ok(text)) => copied_raw(state, text),
        (Copied::Raw, Err(_)) => {
            state.say(Level::Warning, "these bytes aren't UTF-8, so they can't be copied raw; `y` copies them as hex");
            Vec::new()
        }
        (Copied::Text, Ok(text)) => copied(state, &text),
        (Copied::Text, Err(error)) => copied(state, &escape_bytes(error.as_bytes())),
        (Copied::Hex, text) => {
            let bytes = text.map_or_else(|error| error.into_bytes(), String::into_bytes);
            let digits: Vec<String> =
                bytes.iter().map(|byte| hex_digits(*byte).map(char::from).iter().collect()).collect();
            copied(state, &digits.join(" "))
        }
    }
}
