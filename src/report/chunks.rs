//! The chunks of a container, one a row. Rows are made as they are written, so that millions take no room.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::style::{Paint, Role, one_line};
use super::summary::Header;
use super::{count, size};
use h4mk::container::Container;
use h4mk::index::{Chunk, State};
use h4mk::text;
use h4mk::time::format_us;
use h4mk::timeline::Timeline;
use h4mk::tracks::Tracks;

/// All chunks.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Chunks<'a> {
    /// Name of the file as given.
    pub file: &'a str,
    /// `percent` where the name isn't UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_encoding: Option<&'static str>,
    /// Size of the file.
    pub bytes: u64,
    /// `transport` or `mux`.
    pub layout: &'static str,
    /// The file header.
    pub header: Header,
    /// The chunks in file order.
    #[serde(serialize_with = "rows")]
    #[schemars(with = "Vec<Row<'a>>")]
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
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Row<'a> {
    /// Ordinal in the file.
    pub index: u64,
    /// Its tag; bytes outside printable ASCII as `\xNN`.
    pub tag: String,
    /// File offset of its header.
    pub offset: u64,
    /// File offset of its payload.
    pub payload_offset: u64,
    /// Payload bytes that are there.
    pub length: u64,
    /// What the header says, where that is not so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared_length: Option<u32>,
    /// The CRC as stored, 8 hex digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crc32: Option<String>,
    /// Whether the chunk is whole and its CRC right, where that was checked.
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
    pub kind: Option<&'static str>,
    /// Mux only: flags of the chunk header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<u32>,
}

fn rows<S: Serializer>(rows: &Rows<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    let index = rows.container.index();
    serializer.collect_seq(index.iter().map(|chunk| rows.row(&chunk)))
}

impl<'a> Rows<'a> {
    fn row(&self, chunk: &Chunk) -> Row<'a> {
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
            kind: named.map(|(_, block)| block.kind.name()),
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
            layout: container.layout().name(),
            header: container.header().into(),
            chunks: Rows { container, timeline, tracks },
        }
    }

    /// Writes it for people: a line a chunk, and one for every stretch of lost bytes.
    pub fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let container = self.chunks.container;
        let index = container.index();
        let chunks = count(index.len(), "chunk");
        let summary = format!("{chunks}, {}, {}, version {}", size(self.bytes), self.layout, self.header.version);
        writeln!(out, "{}  {summary}", paint.paint(Role::Heading, text::escape(self.file)))?;
        let digits = |n: u64, least: usize| n.to_string().len().max(least);
        let columns = Columns {
            index: digits(index.len(), 1),
            offset: digits(self.bytes, 6),
            length: digits(index.totals().iter().map(|total| total.bytes).max().unwrap_or(0), 6),
            block: digits(index.blocks(), 5),
        };
        let heading = format!(
            "{:>index$}  {:<4}  {:>offset$}  {:>length$}  {:<8}  {:<5}  {:>block$}  {:<15}  {}",
            "#",
            "TAG",
            "OFFSET",
            "LENGTH",
            "CRC32",
            "CHECK",
            "BLOCK",
            "TIME",
            "TRACK",
            index = columns.index,
            offset = columns.offset,
            length = columns.length,
            block = columns.block
        );
        writeln!(out, "{}", paint.paint(Role::Label, heading.trim_end()))?;
        let mut losses = container.walked().losses.iter().peekable();
        for chunk in index.iter() {
            while let Some(loss) = losses.next_if(|loss| loss.offset < chunk.offset) {
                write_loss(out, paint, columns, loss.offset, loss.length)?;
            }
            self.write_row(out, paint, columns, &chunk)?;
        }
        losses.try_for_each(|loss| write_loss(out, paint, columns, loss.offset, loss.length))
    }

    fn write_row(&self, out: &mut dyn Write, paint: Paint, columns: Columns, chunk: &Chunk) -> io::Result<()> {
        let row = self.chunks.row(chunk);
        let (check, role) = match self.chunks.container.state(chunk) {
            State::Unchecked => ("", Role::Label),
            State::Intact => ("ok", Role::Good),
            State::LengthRepaired => ("len", Role::Warning),
            State::TagRepaired => ("tag", Role::Warning),
            State::CrcMismatch => ("WRONG", Role::Error),
            State::Truncated => ("CUT", Role::Error),
        };
        let number = |n: Option<u64>| n.map_or_else(String::new, |n| n.to_string());
        let line = format!(
            "{:>index$}  {:<4}  {:>offset$}  {:>length$}  {:<8}  {}  {:>block$}  {:<15}  {}{}",
            row.index,
            row.tag,
            row.offset,
            row.length,
            row.crc32.as_deref().unwrap_or("-"),
            paint.paint(role, format_args!("{check:<5}")),
            number(row.block),
            row.pts_us.map_or_else(String::new, format_us),
            row.track.map_or_else(Default::default, |track| one_line(track, 40)),
            row.kind.map_or_else(String::new, |kind| format!(" {kind}")),
            index = columns.index,
            offset = columns.offset,
            length = columns.length,
            block = columns.block
        );
        writeln!(out, "{}", line.trim_end())
    }
}

#[derive(Debug, Clone, Copy)]
struct Columns {
    index: usize,
    offset: usize,
    length: usize,
    block: usize,
}

fn write_loss(out: &mut dyn Write, paint: Paint, columns: Columns, offset: u64, length: u64) -> io::Result<()> {
    let Columns { index, offset: offsets, length: lengths, .. } = columns;
    let lost = format!("{:>index$}  {:<4}  {offset:>offsets$}  {length:>lengths$}  lost bytes", "-", "-");
    writeln!(out, "{}", paint.paint(Role::Error, lost))
}
