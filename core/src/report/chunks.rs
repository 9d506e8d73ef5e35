//! The chunks of a container, one a row. Rows are made as they are written, so that millions take no room.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::summary::Header;
use crate::container::Container;
use crate::index::{Chunk, State};
use crate::layout::Layout;
use crate::name::Encoding;
use crate::timeline::Timeline;
use crate::tracks::{Kind, Tracks};

/// All chunks.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Chunks<'a> {
    /// Name of the file as given.
    pub file: &'a str,
    /// `percent` where the name isn't UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_encoding: Option<Encoding>,
    /// Size of the file.
    pub bytes: u64,
    /// `transport` or `mux`.
    pub layout: Layout,
    /// The file header.
    pub header: Header,
    /// The chunks in file order.
    #[serde(serialize_with = "rows")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<Row<'a>>"))]
    pub chunks: Rows<'a>,
}

/// Makes rows.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    container: &'a Container,
    timeline: Option<Timeline>,
    tracks: Option<&'a Tracks>,
}

/// One chunk.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Row<'a> {
    /// Ordinal in the file.
    pub index: u64,
    /// Its tag; bytes outside printable ASCII as `\xNN`.
    pub tag: String,
    /// File offset of its header.
    pub offset: u64,
    /// File offset of its payload.
    pub payload_offset: u64,
    /// Payload bytes that are present.
    pub length: u64,
    /// What the header says, if that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared_length: Option<u32>,
    /// The CRC as stored, 8 hex digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crc32: Option<String>,
    /// Whether the chunk is complete and its CRC is right, if that was checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crc_ok: Option<bool>,
    /// Block index, of a CORE chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
    /// Id of the track the block belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track: Option<&'a str>,
    /// When the block is shown, in µs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pts_us: Option<u64>,
    /// `I`, `P`, `B` or `?`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Mux only: flags of the chunk header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<u32>,
}

fn rows<S: Serializer>(rows: &Rows<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    let index = rows.container.index();
    serializer.collect_seq(index.iter().map(|chunk| rows.row(&chunk)))
}

impl<'a> Rows<'a> {
    /// The row of one of the container's chunks.
    pub fn row(&self, chunk: &Chunk) -> Row<'a> {
        let header = self.container.chunk_header(chunk);
        let named = chunk.block.and_then(|block| self.tracks?.of_block(block));
        let by_rate = || self.container.pts_us(chunk.block.filter(|_| self.timeline.is_some())?);
        let declared = header.map(|header| header.len).filter(|len| u64::from(*len) != chunk.len);
        let state = self.container.state(chunk);
        Row {
            index: chunk.index,
            tag: chunk.tag.to_string(),
            offset: chunk.offset,
            payload_offset: chunk.payload_offset,
            length: chunk.len,
            declared_length: declared,
            crc32: self.container.stored_crc(chunk).map(|crc| format!("{crc:08x}")),
            crc_ok: (state != State::Unchecked).then(|| state.is_intact()),
            block: chunk.block,
            track: named.map(|(track, _)| track.id.as_str()),
            pts_us: named.map(|(_, block)| block.pts_us).or_else(by_rate),
            kind: named.map(|(_, block)| block.kind),
            flags: header.and_then(|header| header.flags),
        }
    }
}

impl<'a> Chunks<'a> {
    /// The chunks of a container; CRCs are judged if it was opened with all of them checked.
    pub fn new(container: &'a Container) -> Self {
        let tracks = container.tracks().filter(|tracks| tracks.indexed);
        let timeline = if tracks.is_some() { None } else { container.timeline() };
        Self {
            file: container.source().name(),
            file_encoding: container.source().file_name().encoding(),
            bytes: container.source().len(),
            layout: container.layout(),
            header: container.header().into(),
            chunks: Rows { container, timeline, tracks },
        }
    }
}
