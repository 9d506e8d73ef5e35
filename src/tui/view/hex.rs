//! The Hex view.

use ratatui::buffer::Buffer;

use super::{PaneArea, State};

pub(super) fn draw(_state: &State, _buffer: &mut Buffer, _pane: PaneArea) {}
