//! Tracks: which block belongs to which, when it is shown, and what must be decoded to show it.
//!
//! In the transport layout META carries the index (`trak_b64`) and the seek tables (`seekm_b64`); in the mux layout TRAK
//! declares the tracks, each CORE chunk says whose it is, and a TSEK chunk holds each track's table.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::bytes::{be_u16, be_u32, slice};
use super::container::Container;
use super::index::{Chunk, Tag};
use super::json::Document;
use super::layout::{Layout, SeekEntry, SeekRows, track_table};
use super::seek::SeekTable;
use super::timeline::Span;

/// What a block needs to be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing but itself: a keyframe.
    I,
    /// Blocks before it.
    P,
    /// Blocks before and after it.
    B,
    /// A value the format does not define.
    Reserved,
}

impl Kind {
    /// `I`, `P`, `B` or `?`.
    pub fn name(self) -> &'static str {
        match self {
            Self::I => "I",
            Self::P => "P",
            Self::B => "B",
            Self::Reserved => "?",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a track index says about a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackBlock {
    /// Block index.
    pub block: u64,
    /// Timestamp in µs.
    pub pts_us: u64,
    /// What it needs to be decoded.
    pub kind: Kind,
    /// Decoding can begin here.
    pub keyframe: bool,
}

/// One track.
#[derive(Debug, Default)]
pub struct Track {
    /// Its id; a number in the mux layout.
    pub id: String,
    /// It is in META.tracks or TRAK.
    pub declared: bool,
    /// What it is called.
    pub name: Option<String>,
    /// `audio`, `video`, `captions`…
    pub kind: Option<String>,
    /// Codec of its blocks, which are not looked into.
    pub codec: Option<String>,
    /// In Hz.
    pub sample_rate: Option<u64>,
    /// How many.
    pub channels: Option<u64>,
    /// Free text.
    pub note: Option<String>,
    /// Its blocks, as stored.
    pub blocks: Vec<TrackBlock>,
    /// Its seek table.
    pub table: Option<Table>,
}

/// Where a track's seek table is.
#[derive(Debug)]
pub struct Table {
    place: Place,
    declared: u64,
    order: OnceLock<Option<Vec<u32>>>,
}

#[derive(Debug)]
enum Place {
    /// In META, decoded from base64.
    Decoded(Vec<u8>),
    /// In a TSEK chunk: the file offsets of its rows.
    Stored(Chunk, Range<u64>),
}

/// Something wrong with a track index or table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The index can't be parsed.
    Index(String),
    /// An index entry names a block that does not exist.
    OutOfRange {
        /// The track.
        track: String,
        /// The block it names.
        block: u64,
    },
    /// A table can't be parsed; the TSEK chunk, where it is one.
    Table(String, Option<Chunk>),
    /// A field of TRAK has a value it can't have.
    Field(String, String),
    /// A reserved field of a TSEK chunk is set: offset in its payload, and value.
    Reserved(Chunk, u64, u16),
    /// A second table for the same track.
    SecondTable(String, Option<Chunk>),
}

/// All tracks of a container.
#[derive(Debug, Default)]
pub struct Tracks {
    /// In the order they are declared in, then those that are not, as they are met.
    pub list: Vec<Track>,
    /// Place in `list` by id.
    places: HashMap<String, usize>,
    /// Where each block is: place of its track in `list`, and place in that track's `blocks`.
    by_block: Vec<Option<(u32, u32)>>,
    /// What could not be read.
    pub faults: Vec<Fault>,
    /// The index of all blocks was read.
    pub indexed: bool,
}

/// How many faults are kept, of each container.
const MOST_FAULTS: usize = 10_000;

impl Tracks {
    /// Reads the tracks of a container; `None` where nothing speaks of tracks.
    pub(super) fn read(container: &Container) -> Option<Self> {
        let tracks = match container.layout() {
            Layout::Transport => Self::transport(container)?,
            Layout::Mux => Self::mux(container),
        };
        (!tracks.list.is_empty() || !tracks.faults.is_empty()).then_some(tracks)
    }

    fn transport(container: &Container) -> Option<Self> {
        let meta = container.meta()?;
        if meta.trak_b64.is_none() && meta.seekm_b64.is_none() {
            return None;
        }
        let mut tracks = Self::default();
        for id in meta.tracks.iter().flatten() {
            let at = tracks.place(id);
            if let Some(track) = tracks.list.get_mut(at) {
                track.declared = true;
            }
        }
        let all_declared = meta.tracks.is_none();
        if let Some(text) = &meta.trak_b64 {
            match index_entries(text) {
                Ok(entries) => tracks.add_entries(&entries, container.index().blocks()),
                Err(why) => tracks.fault(Fault::Index(format!("META /trak_b64 {why}"))),
            }
        }
        if let Some(Err(why)) = meta.seekm_b64.as_ref().map(|text| tracks.add_tables(text)) {
            tracks.fault(Fault::Table(format!("META /seekm_b64 {why}"), None));
        }
        if all_declared {
            tracks.list.iter_mut().for_each(|track| track.declared = true);
        }
        Some(tracks)
    }

    fn mux(container: &Container) -> Self {
        let mut tracks = Self::default();
        if let Some(chunk) = container.sidecar(Tag::TRAK) {
            let document = Document::parse(container.sidecar_payload(&chunk));
            if let Some(object) = document.object() {
                match object.get("tracks").and_then(Value::as_array) {
                    Some(list) => list.iter().enumerate().for_each(|(at, v)| tracks.declare(at, v)),
                    None => tracks.fault(Fault::Index("TRAK has no array \"tracks\"".to_owned())),
                }
            }
        }
        for chunk in container.index().with_tag(Tag::CORE) {
            let Some((id, block)) = container.routed(&chunk).map(|(id, _)| id).zip(mux_block(container, &chunk)) else {
                continue;
            };
            let at = tracks.place(&id.to_string());
            tracks.add(at, block);
        }
        tracks.indexed = true;
        // A table is read from the file's own bytes, so that one that was mended only in memory can't be.
        for chunk in container.index().with_tag(Tag::TSEK).filter(|chunk| container.is_intact(chunk)) {
            let payload = container.payload(&chunk);
            match track_table(payload) {
                Err(why) => tracks.fault(Fault::Table(format!("TSEK at {}: {why}", chunk.offset), Some(chunk))),
                Ok(table) => {
                    for (at, value) in table.reserved {
                        tracks.fault(Fault::Reserved(chunk, at, value));
                    }
                    let declared = table.rows.declared();
                    let end = chunk.payload_offset + chunk.len;
                    let rows = end - declared * 8..end;
                    let place = Place::Stored(chunk, rows);
                    let at = tracks.place(&table.track.to_string());
                    tracks.set_table(at, place, declared, Some(chunk));
                }
            }
        }
        tracks
    }

    fn fault(&mut self, fault: Fault) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(fault);
        }
    }

    fn place(&mut self, id: &str) -> usize {
        if let Some(at) = self.places.get(id) {
            return *at;
        }
        self.places.insert(id.to_owned(), self.list.len());
        self.list.push(Track { id: id.to_owned(), ..Track::default() });
        self.list.len() - 1
    }

    fn add(&mut self, at: usize, block: TrackBlock) {
        if let Some(track) = self.list.get_mut(at) {
            let place = usize::try_from(block.block).unwrap_or(usize::MAX);
            if place >= self.by_block.len() {
                self.by_block.resize(place.saturating_add(1), None);
            }
            if let Some(named) = self.by_block.get_mut(place) {
                named.get_or_insert((at as u32, track.blocks.len() as u32));
            }
            track.blocks.push(block);
        }
    }

    fn set_table(&mut self, at: usize, place: Place, declared: u64, chunk: Option<Chunk>) {
        let Some(track) = self.list.get_mut(at) else { return };
        if track.table.is_some() {
            let fault = Fault::SecondTable(track.id.clone(), chunk);
            self.fault(fault);
            return;
        }
        track.table = Some(Table { place, declared, order: OnceLock::new() });
    }

    /// A track of a mux container's TRAK.
    fn declare(&mut self, at: usize, value: &Value) {
        let mut field =
            |key: &str, why: &str| self.faults.push(Fault::Field(format!("/tracks/{at}/{key}"), why.to_owned()));
        let Some(id) = value.get("track_id").and_then(Value::as_u64).filter(|id| *id <= 0xffff) else {
            field("track_id", "expected a whole number from 0 to 65535");
            return;
        };
        let mut read = |key: &str, expected: &str, fits: fn(&Value) -> bool| {
            let value = value.get(key).filter(|value| !value.is_null())?;
            if !fits(value) {
                field(key, &format!("expected {expected}"));
                return None;
            }
            Some(value.clone())
        };
        let name = read("name", "a string", Value::is_string);
        let kind = read("kind", "a string", Value::is_string);
        let codec = read("codec", "a string", Value::is_string);
        let note = read("note", "a string", Value::is_string);
        let sample_rate = read("sample_rate", "a whole number from 0", Value::is_u64);
        let channels = read("channels", "a whole number from 0", Value::is_u64);
        let text = |value: Option<Value>| value.and_then(|v| v.as_str().map(str::to_owned));
        let at = self.place(&id.to_string());
        let Some(track) = self.list.get_mut(at).filter(|track| !track.declared) else { return };
        *track = Track {
            id: id.to_string(),
            declared: true,
            name: text(name),
            kind: text(kind),
            codec: text(codec),
            note: text(note),
            sample_rate: sample_rate.and_then(|v| v.as_u64()),
            channels: channels.and_then(|v| v.as_u64()),
            ..Track::default()
        };
    }

    fn add_entries(&mut self, entries: &[Value], blocks: u64) {
        self.indexed = true;
        for (at, entry) in entries.iter().enumerate() {
            let fields = (
                entry.get("track_id").and_then(Value::as_str),
                entry.get("pts_us").and_then(Value::as_u64),
                entry.get("core_index").and_then(Value::as_u64),
            );
            let (Some(id), Some(pts_us), Some(block)) = fields else {
                self.fault(Fault::Index(format!("META /trak_b64: entry {at} lacks track_id, pts_us or core_index")));
                continue;
            };
            let kind = match entry.get("kind").and_then(Value::as_str) {
                Some("I") => Kind::I,
                Some("P") => Kind::P,
                Some("B") => Kind::B,
                _ => Kind::Reserved,
            };
            let keyframe = entry.get("keyframe").and_then(Value::as_bool).unwrap_or(kind == Kind::I);
            let at = self.place(id);
            if block >= blocks {
                self.fault(Fault::OutOfRange { track: id.to_owned(), block });
            } else {
                self.add(at, TrackBlock { block, pts_us, kind, keyframe });
            }
        }
    }

    /// SEEKM: u32 track count; per track u16 id length, id, u32 entry count, entries.
    fn add_tables(&mut self, text: &str) -> Result<(), String> {
        let bytes = STANDARD.decode(text.trim()).map_err(|error| format!("is no base64: {error}"))?;
        let count = be_u32(&bytes, 0).ok_or("ends inside its track count")?;
        let mut at = 4u64;
        for track in 0..count {
            let short = || format!("ends inside track {track} of {count}");
            let id_len = u64::from(be_u16(&bytes, at).ok_or_else(short)?);
            let id = slice(&bytes, at + 2, id_len).ok_or_else(short)?;
            let id = std::str::from_utf8(id).map_err(|_| format!("has an id that is no UTF-8 in track {track}"))?;
            at += 2 + id_len;
            let declared = u64::from(be_u32(&bytes, at).ok_or_else(short)?);
            let rows = slice(&bytes, at + 4, declared * 12).ok_or_else(short)?;
            at += 4 + declared * 12;
            let place = self.place(id);
            self.set_table(place, Place::Decoded(rows.to_vec()), declared, None);
        }
        match bytes.len() as u64 - at {
            0 => Ok(()),
            more => Err(format!("has {more} bytes after its {count} tracks")),
        }
    }

    /// The track with that id.
    pub fn by_id(&self, id: &str) -> Option<&Track> {
        self.list.get(*self.places.get(id)?)
    }

    /// Whose a block is, and what the index says about it.
    pub fn of_block(&self, block: u64) -> Option<(&Track, &TrackBlock)> {
        let (track, place) = (*self.by_block.get(usize::try_from(block).ok()?)?)?;
        let track = self.list.get(track as usize)?;
        Some((track, track.blocks.get(place as usize)?))
    }

    /// How many blocks some track's index names.
    pub fn blocks_named(&self) -> u64 {
        self.by_block.iter().flatten().count() as u64
    }

    /// From the first to the last timestamp of any track. How long the last block lasts is not stored.
    pub fn span(&self) -> Option<Span> {
        self.list.iter().filter_map(Track::span).reduce(Span::and)
    }
}

/// The entries of META's trak_b64: `{"trak": [...]}`.
pub(crate) fn index_entries(text: &str) -> Result<Vec<Value>, String> {
    let bytes = STANDARD.decode(text.trim()).map_err(|error| format!("is no base64: {error}"))?;
    let document = Document::parse(&bytes);
    if let Some(error) = document.error {
        return Err(format!("is no JSON: {error}"));
    }
    match document.value.as_ref().and_then(|value| value.get("trak")) {
        Some(Value::Array(entries)) => Ok(entries.clone()),
        _ => Err("has no array \"trak\"".to_owned()),
    }
}

/// What a mux CORE chunk's flags say: bits 0–27 pts in ms, 28–29 kind.
fn mux_block(container: &Container, chunk: &Chunk) -> Option<TrackBlock> {
    let (pts_ms, kind) = container.chunk_header(chunk)?.timing()?;
    Some(TrackBlock { block: chunk.block?, pts_us: u64::from(pts_ms) * 1000, kind, keyframe: kind == Kind::I })
}

impl Track {
    /// From its blocks' first to their last timestamp.
    pub fn span(&self) -> Option<Span> {
        Span::over(self.blocks.iter().map(|block| block.pts_us))
    }

    /// Its keyframes, as stored.
    pub fn keyframes(&self) -> impl Iterator<Item = &TrackBlock> {
        self.blocks.iter().filter(|block| block.keyframe)
    }

    /// Distances between neighbouring keyframes in µs: shortest, mean, longest.
    pub fn keyframe_interval_us(&self) -> Option<(u64, u64, u64)> {
        let mut times: Vec<u64> = self.keyframes().map(|block| block.pts_us).collect();
        times.sort_unstable();
        let gaps: Vec<u64> = times.iter().zip(times.iter().skip(1)).map(|(a, b)| b - a).collect();
        let mean = gaps.iter().sum::<u64>().checked_div(gaps.len() as u64)?;
        Some((gaps.iter().copied().min()?, mean, gaps.iter().copied().max()?))
    }

    /// Blocks to decode for what is shown at `pts_us`, in the order they are stored: the last keyframe at or before it,
    /// then the track's blocks after that up to the next keyframe, as far as they are not later.
    pub fn chain(&self, pts_us: u64) -> Vec<u64> {
        let due = |block: &&TrackBlock| block.pts_us <= pts_us;
        let keyframes = self.blocks.iter().enumerate().filter(|(_, block)| block.keyframe && due(block));
        let Some((start, keyframe)) = keyframes.max_by_key(|(at, block)| (block.pts_us, *at)) else {
            return Vec::new();
        };
        let rest = self.blocks.iter().skip(start + 1).take_while(|block| !block.keyframe).filter(due);
        std::iter::once(keyframe).chain(rest).map(|block| block.block).collect()
    }

    /// Its seek table, where it has one.
    pub fn seek_table<'a>(&'a self, container: &'a Container) -> Option<SeekTable<'a>> {
        let table = self.table.as_ref()?;
        let rows = match &table.place {
            Place::Decoded(rows) => SeekRows::seekm(rows, table.declared),
            Place::Stored(_, rows) => {
                SeekRows::mux(slice(container.bytes(), rows.start, table.declared * 8)?, table.declared)
            }
        };
        Some(SeekTable::new(rows, &table.order))
    }

    /// The TSEK chunk that holds its table.
    pub fn table_chunk(&self) -> Option<Chunk> {
        match &self.table.as_ref()?.place {
            Place::Stored(chunk, _) => Some(*chunk),
            Place::Decoded(_) => None,
        }
    }

    /// File offsets of a row of its table, where it stands in the file as it is.
    pub fn row(&self, at: u64) -> Option<Range<u64>> {
        let Place::Stored(_, rows) = &self.table.as_ref()?.place else { return None };
        Some(rows.start + at * 8..rows.start + at * 8 + 8)
    }

    /// The offset that an entry of its table for a keyframe of exactly that time should have; `None` where the track has no
    /// such keyframe. O(blocks of the track).
    pub fn keyframe_offset(&self, container: &Container, pts_us: u64) -> Option<u64> {
        let block = self.keyframes().find(|keyframe| keyframe.pts_us == pts_us)?.block;
        match &self.table.as_ref()?.place {
            Place::Decoded(_) => Some(block),
            Place::Stored(..) => container.index().block(block).map(|chunk| chunk.payload_offset),
        }
    }

    /// The block that an entry of its table names.
    pub fn entry_block(&self, container: &Container, entry: SeekEntry) -> Option<u64> {
        match &self.table.as_ref()?.place {
            Place::Decoded(_) => Some(entry.offset).filter(|block| *block < container.index().blocks()),
            Place::Stored(..) => {
                let before = entry.offset.checked_sub(1)?;
                container.index().at_offset(before).filter(|chunk| chunk.payload_offset == entry.offset)?.block
            }
        }
    }
}
