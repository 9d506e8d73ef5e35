//! The Hex view's part of the update: which bytes are shown, the cursor on them, and what is selected.

mod ahead;
mod behaviour;
pub mod geometry;
mod search;

use std::ops::Range;
use std::sync::Arc;

pub(super) use behaviour::{
    HexView, decoded, find_from_elsewhere, forget, forget_failures, go_within, previewed, read_ahead,
};
pub use search::Search;
pub(super) use search::{found, found_from};

use super::selection::Selection;
use super::{Pane, State};
use crate::tui::rows::Window;
use ahead::Ahead;
use geometry::Geometry;
use h4mk::block::{BlockError, Form, Reading, Stage};
use h4mk::container::Container;
use h4mk::explore::extent::{Coding, Extent};
use h4mk::explore::preview::Preview;
use h4mk::index::{Chunk, Tag};
use h4mk::text::escape;

/// What only this view does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HexCommand {
    /// Select bytes from the cursor on, or stop.
    Select,
    /// Show the whole file, or the chunk alone.
    Whole,
    /// Show or hide fields and values.
    Inspector,
    /// Show or hide the preview.
    Preview,
    /// Copy the selected bytes as text.
    CopyText,
    /// To the start of the row.
    RowStart,
    /// To the end of the row.
    RowEnd,
    /// To the next field.
    NextField,
    /// To the field before.
    PreviousField,
    /// To the next chunk.
    NextChunk,
    /// To the chunk before.
    PreviousChunk,
}

/// What the panel was asked to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Panel {
    /// Fields and values, where there is room.
    #[default]
    Auto,
    /// Fields and values.
    Inspector,
    /// What the content looks like.
    Preview,
    /// Nothing.
    Hidden,
}

/// Tells an extent from another, without looking at what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtentId {
    decoded: bool,
    range: Range<u64>,
}

impl ExtentId {
    /// That of an extent.
    pub fn of(extent: &Extent) -> Self {
        match extent {
            Extent::Stored(range) => Self { decoded: false, range: range.clone() },
            Extent::Decoded { chunk, .. } => Self::of_decoded(chunk),
        }
    }

    fn of_decoded(chunk: &Chunk) -> Self {
        Self { decoded: true, range: chunk.payload_offset..chunk.payload_offset.saturating_add(chunk.len) }
    }
}

/// Where the cursor goes once the bytes it is on can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// To the first byte.
    Start,
    /// To the byte that this one of the file is, or leads to.
    FileOffset(u64),
    /// To a position.
    Position(u64),
}

/// What a block's content is read from, or why it has none.
type Read = Result<Coding, BlockError>;

/// What a job was asked for, and its answer once it came.
#[derive(Debug, Clone)]
struct Asked<T> {
    about: ExtentId,
    answer: Option<T>,
}

impl<T: Clone> Asked<T> {
    fn answer_about(asked: &Option<Self>, about: &ExtentId) -> Option<T> {
        asked.as_ref().filter(|asked| asked.about == *about)?.answer.clone()
    }
}

/// The Hex view's state.
#[derive(Debug, Default)]
pub struct Hex {
    /// The whole file is shown, and not only the selected chunk.
    pub whole: bool,
    /// What the panel was asked to show.
    pub panel: Panel,
    /// The search, while its matches are marked.
    pub search: Option<Search>,
    /// Bytes of the file that a finding or an offset pointed at.
    pub pointed: Option<Range<u64>>,
    cursor: u64,
    window: Window,
    anchor: Option<u64>,
    goal: Option<Goal>,
    /// What was selected when the view last followed.
    seen: Selection,
    /// The selection is being moved by this view.
    leading: bool,
    coding: Option<Asked<Read>>,
    ahead: Ahead,
    preview: Option<Asked<Arc<Preview>>>,
}

/// The bytes that are shown.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The container.
    pub container: Arc<Container>,
    /// The selected chunk.
    pub chunk: Option<Chunk>,
    /// The bytes.
    pub extent: Extent,
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
        matches!(self.extent, Extent::Decoded { .. })
    }

    /// The bytes from a position on.
    pub fn read(&self, start: u64, len: usize) -> std::borrow::Cow<'_, [u8]> {
        self.extent.read(&self.container, start, len)
    }

    /// The content that the preview is about: without a chunk's header.
    pub fn content(&self) -> Extent {
        match (&self.extent, &self.chunk) {
            (Extent::Stored(range), Some(chunk)) if *range == (chunk.offset..chunk.end) => {
                Extent::Stored(chunk.payload_offset..chunk.payload_offset.saturating_add(chunk.len))
            }
            (extent, _) => extent.clone(),
        }
    }
}

/// What is shown of this state.
pub fn shown(state: &State) -> Result<Shown, Empty> {
    let container = state.container.clone().ok_or(Empty::NotIndexed)?;
    let chunk = state.selection.chunk.and_then(|chunk| container.index().chunk(chunk));
    let stored = |range: Range<u64>, note| {
        let range = range.start..range.end.min(container.source().len());
        Shown { container: container.clone(), chunk, extent: Extent::Stored(range.clone()), range, note }
    };
    let Some(chunk) = chunk.filter(|_| !state.hex.whole) else {
        return Ok(stored(0..container.source().len(), None));
    };
    let Some(block) = chunk.block.filter(|_| state.form == Form::Decoded) else {
        return Ok(stored(chunk.offset..chunk.end, None));
    };
    let coding = match container.reading(block) {
        Ok(Reading::Stored) => Ok(Coding::Plain),
        Ok(reading) => {
            let answer = Asked::answer_about(&state.hex.coding, &ExtentId::of_decoded(&chunk));
            answer.ok_or(Empty::NotRead(chunk, reading))?
        }
        Err(why) => Err(why),
    };
    match coding {
        Ok(coding) => {
            let extent = Extent::Decoded { chunk, coding };
            let (range, note) = (extent.range(&container), note_about(&container, &chunk, &extent));
            Ok(Shown { container, chunk: Some(chunk), extent, range, note })
        }
        Err(why) => {
            let note = not_decoded(&container, &why);
            Ok(stored(chunk.offset..chunk.end, Some(escape(&note).into_owned())))
        }
    }
}

/// Why a block is shown as stored. Its number and place are in sight already; what may be done comes first.
fn not_decoded(container: &Container, why: &BlockError) -> String {
    match why {
        BlockError::Encrypted { cipher, .. } if container.pipeline().is_living_cipher() => {
            format!("encrypted: :secret decrypts it ({cipher})")
        }
        BlockError::Encrypted { cipher, .. } => format!("encrypted ({cipher}), which is not read here"),
        BlockError::Opaque { engine, .. } => format!("not decoded: engine \"{engine}\" is not known here"),
        BlockError::Decrypt { source, .. } => format!("not decrypted: {source}"),
        BlockError::Decode { source, .. } => format!("not decoded: {source}"),
        other => other.to_string(),
    }
}

/// What should be known about decoded bytes.
fn note_about(container: &Container, chunk: &Chunk, extent: &Extent) -> Option<String> {
    let stage = extent.stage(container);
    match extent {
        Extent::Decoded { coding: Coding::Rle(_), .. } if !chunk.len.is_multiple_of(2) => {
            Some("odd length: the last byte is half a pair, left out".to_owned())
        }
        _ if stage == Stage::Masked => Some(format!("{}; :mask-key unmasks it", stage.describe())),
        Extent::Decoded { coding: Coding::Content(content), .. } if content.provisional => {
            let number = chunk.block.unwrap_or_default();
            Some(format!("unmasked as block {number}, which is not certain: bytes were lost before it"))
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

/// The rows that bytes stand on: each begins at a multiple of the bytes on a row, whatever the first byte's position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    range: Range<u64>,
    bytes: u64,
}

impl Rows {
    /// The rows of what is shown.
    pub fn new(range: &Range<u64>, columns: &geometry::Columns) -> Self {
        Self { range: range.clone(), bytes: u64::from(columns.bytes.max(1)) }
    }

    fn first(&self) -> u64 {
        self.range.start / self.bytes
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        match self.range.is_empty() {
            true => 0,
            false => (self.range.end - 1) / self.bytes - self.first() + 1,
        }
    }

    /// The row of a position.
    pub fn of(&self, position: u64) -> u64 {
        (position / self.bytes).saturating_sub(self.first())
    }

    /// Where a row begins, be there a byte or not.
    pub fn start(&self, row: u64) -> u64 {
        self.first().saturating_add(row).saturating_mul(self.bytes)
    }

    /// The positions on a row that there are.
    pub fn positions(&self, row: u64) -> Range<u64> {
        let start = self.start(row);
        start.max(self.range.start)..start.saturating_add(self.bytes).min(self.range.end)
    }
}

impl Hex {
    /// The position under the cursor.
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// The window over the rows.
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// The selected positions, while some are.
    pub fn selected(&self) -> Option<Range<u64>> {
        let anchor = self.anchor?;
        Some(anchor.min(self.cursor)..anchor.max(self.cursor).saturating_add(1))
    }

    /// What that content looks like, once it is known.
    pub fn preview(&self, content: &Extent) -> Option<Arc<Preview>> {
        Asked::answer_about(&self.preview, &ExtentId::of(content))
    }
}

/// What a chunk is called: `block 3`, `SEEK chunk 8`.
pub fn chunk_name(chunk: &Chunk) -> String {
    match chunk.block {
        Some(block) if chunk.tag == Tag::CORE => format!("block {block}"),
        _ => format!("{} chunk {}", chunk.tag, chunk.index),
    }
}

#[cfg(test)]
mod tests;
