//! Which bytes a state shows.

use std::ops::Range;
use std::sync::Arc;

use super::asked::{Asked, ByteViewId};
use super::geometry::Geometry;
use crate::tui::command::Pane;
use crate::tui::state::State;
use h4mk::block::{BlockError, Form, Reading, Stage};
use h4mk::container::Container;
use h4mk::explore::byte_view::{ByteSource, ByteView};
use h4mk::index::Chunk;
use h4mk::text::escape;

/// The bytes that are shown.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The container.
    pub container: Arc<Container>,
    /// The selected chunk.
    pub chunk: Option<Chunk>,
    /// The bytes.
    pub byte_view: ByteView,
    /// Their positions.
    pub range: Range<u64>,
    /// Why they are not what was asked for.
    pub note: Option<String>,
}

/// Why no bytes are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Empty {
    /// The file is not indexed yet.
    NotIndexed,
    /// A block is being read, or that was stopped.
    NotRead(Chunk, Reading),
}

impl Shown {
    /// Whether decoded bytes are shown.
    pub fn is_decoded(&self) -> bool {
        matches!(self.byte_view, ByteView::Decoded { .. })
    }

    /// The content that the preview is about: without a chunk's header.
    pub fn content(&self) -> ByteView {
        match (&self.byte_view, &self.chunk) {
            (ByteView::Stored(range), Some(chunk)) if *range == (chunk.offset()..chunk.end()) => {
                ByteView::Stored(chunk.payload_offset()..chunk.payload_offset().saturating_add(chunk.len()))
            }
            (byte_view, _) => byte_view.clone(),
        }
    }
}

/// What is shown of this state.
pub fn shown(state: &State) -> Result<Shown, Empty> {
    let container = state.container.clone().ok_or(Empty::NotIndexed)?;
    let chunk = state.selection.chunk.and_then(|chunk| container.index().chunk(chunk));
    let stored = |range: Range<u64>, note| {
        let range = range.start..range.end.min(container.source().len());
        Shown { container: container.clone(), chunk, byte_view: ByteView::Stored(range.clone()), range, note }
    };
    let Some(chunk) = chunk.filter(|_| !state.hex.whole) else {
        return Ok(stored(0..container.source().len(), None));
    };
    let Some(block) = chunk.block().filter(|_| state.form == Form::Decoded) else {
        return Ok(stored(chunk.offset()..chunk.end(), None));
    };
    let coding = match container.reading(block) {
        Ok(reading) => {
            let answer = Asked::answer_about(&state.hex.coding, &ByteViewId::of_decoded(&chunk));
            answer.ok_or(Empty::NotRead(chunk, reading))?
        }
        Err(why) => Err(why),
    };
    match coding {
        Ok(coding) => {
            let byte_view = ByteView::Decoded { chunk, coding };
            let (range, note) = (byte_view.range(), note_about(&container, &chunk, &byte_view));
            Ok(Shown { container, chunk: Some(chunk), byte_view, range, note })
        }
        Err(why) => {
            let note = not_decoded(&container, &why);
            Ok(stored(chunk.offset()..chunk.end(), Some(escape(&note).into_owned())))
        }
    }
}

/// Why a block is shown as stored. Its number and place are in sight already; what may be done comes first.
fn not_decoded(container: &Container, why: &BlockError) -> String {
    match why {
        BlockError::Encrypted { cipher, .. } if container.pipeline().is_living_cipher() => {
            format!("encrypted: :secret decrypts it ({cipher})")
        }
        BlockError::Encrypted { cipher, .. } => format!("encrypted ({cipher}), which can't be decrypted here"),
        BlockError::Opaque { engine, .. } => format!("not decoded: engine \"{engine}\" is unknown here"),
        BlockError::Decrypt { source, .. } => format!("not decrypted: {source}"),
        BlockError::Decode { source, .. } => format!("not decoded: {source}"),
        other => other.to_string(),
    }
}

/// What should be known about decoded bytes.
fn note_about(container: &Container, chunk: &Chunk, byte_view: &ByteView) -> Option<String> {
    let stage = byte_view.stage(container);
    match byte_view {
        ByteView::Decoded { coding: ByteSource::Rle(_), .. } if !chunk.len().is_multiple_of(2) => {
            Some("odd length: half a pair at the end is left out".to_owned())
        }
        _ if stage == Stage::Masked => Some(format!("{}; :mask-key unmasks it", stage.describe())),
        ByteView::Decoded { coding: ByteSource::Content(content), .. } if content.provisional => {
            let number = chunk.block().unwrap_or_default();
            Some(format!("unmasked as block {number}, which is uncertain: bytes were lost before it"))
        }
        _ => None,
    }
}

impl State {
    /// Where things stand in the Hex view, where it is shown.
    pub fn hex_geometry(&self, shown: &Shown) -> Option<Geometry> {
        let pane = self.areas()?.pane(Pane::View)?;
        Some(Geometry::of(pane.inner, shown.range.end, self.hex.panel, shown.note.is_some()))
    }
}
