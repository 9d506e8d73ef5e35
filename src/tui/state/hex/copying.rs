//! Copying the selected bytes.

use super::shown::shown;
use crate::hexdump::hex_digits;
use crate::tui::command::Level;
use crate::tui::state::copy::{copied, copied_raw};
use crate::tui::state::{Effect, Request, State};
use h4mk::text::escape_bytes;

/// Bytes that are copied at most: terminals drop longer texts.
const COPY_BYTES: u64 = 32 << 10;

/// As what bytes are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyForm {
    /// As hex digits.
    Hex,
    /// As it is shown.
    Text,
    /// As it is.
    Raw,
}

/// Has the selected bytes read, to be copied.
pub(super) fn copy(state: &mut State, form: CopyForm) -> Vec<Effect> {
    let Ok(shown) = shown(state) else { return Vec::new() };
    let range = state.hex.selected().unwrap_or(state.hex.cursor..state.hex.cursor.saturating_add(1));
    let len = range.end.min(shown.range.end).saturating_sub(range.start);
    if len == 0 || len > COPY_BYTES {
        let text = match len {
            0 => "there is no byte to copy".to_owned(),
            _ => format!("{len} bytes are too many to copy (the limit is {COPY_BYTES}); `e` writes a block to a file"),
        };
        state.say(Level::Warning, text);
        return Vec::new();
    }
    state.hex.anchor = None;
    let (container, byte_view) = (shown.container, shown.byte_view);
    let request = Request::ReadToCopy { container, byte_view, range: range.start..range.start + len, form };
    vec![Effect::Start(state.jobs.start(request))]
}

/// The bytes to copy were read.
pub(in crate::tui::state) fn read(state: &mut State, bytes: Vec<u8>, form: CopyForm) -> Vec<Effect> {
    match (form, String::from_utf8(bytes)) {
        (CopyForm::Raw, Ok(text)) => copied_raw(state, text),
        (CopyForm::Raw, Err(_)) => {
            state.say(Level::Warning, "these bytes aren't UTF-8, so they can't be copied raw; `y` copies them as hex");
            Vec::new()
        }
        (CopyForm::Text, Ok(text)) => copied(state, &text),
        (CopyForm::Text, Err(error)) => copied(state, &escape_bytes(error.as_bytes())),
        (CopyForm::Hex, text) => {
            let bytes = text.map_or_else(|error| error.into_bytes(), String::into_bytes);
            let digits: Vec<String> =
                bytes.iter().map(|byte| hex_digits(*byte).map(char::from).iter().collect()).collect();
            copied(state, &digits.join(" "))
        }
    }
}
