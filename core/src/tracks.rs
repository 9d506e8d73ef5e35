//! Tracks: which block belongs to which, when it is shown, and what must be decoded to show it.
//!
//! In the transport layout META carries the index (`trak_b64`) and the seek tables (`seekm_b64`); in the mux layout TRAK
//! declares the tracks, each CORE chunk says whose it is, and a TSEK chunk holds each track's table.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::value::RawValue;

pub use super::kind::Kind;

use super::bytes::{be_u16, be_u32, slice};
use super::index::Chunk;
use super::json::{Document, Scan, elements, fields, scalar};
use super::meta::{track_id, whole};
use super::text::escape;
use super::timeline::Span;

/// What a track index says about a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
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
#[non_exhaustive]
pub struct Track {
    /// Its id; a number in the mux layout.
    pub id: String,
    /// It is in META.tracks or TRAK, or META's own track_id.
    pub declared: bool,
    /// An entry of the index that is its own can't be read, or names a block that does not exist.
    pub incomplete: bool,
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
    /// Its blocks, in the order they are stored in.
    pub blocks: Vec<TrackBlock>,
    /// Its seek table.
    pub table: Option<Table>,
}

/// Where a track's seek table is.
#[derive(Debug)]
pub struct Table {
    pub(crate) place: TableBytes,
    pub(crate) declared: u64,
    pub(crate) order: OnceLock<Option<Vec<u32>>>,
}

#[derive(Debug)]
pub(crate) enum TableBytes {
    /// In META, decoded from base64.
    Decoded(Vec<u8>),
    /// In a TSEK chunk: the file offsets of its rows.
    Stored(Chunk, Range<u64>),
}

/// Something wrong with a track index or table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The index can't be parsed.
    Index(String),
    /// An entry of the index can't be read, or not all of it.
    Entry(String),
    /// A text or key in the index isn't sound JSON; otherwise it can be read.
    Text(Oddity, String),
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

/// What is odd about JSON that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Oddity {
    /// Part of it is nested deeper than is read.
    Limit,
    /// An escape is half of a surrogate pair.
    Surrogate,
    /// A key occurs more than once in its object.
    DuplicateKey,
    /// It begins with a byte order mark.
    Bom,
}

/// All tracks of a container.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Tracks {
    /// In the order they are declared in, then those that are not, as they are met.
    pub list: Vec<Track>,
    /// Place in `list` by id.
    pub(crate) places: HashMap<String, usize>,
    /// Where each block is: place of its track in `list`, and place in that track's `blocks`.
    pub(crate) by_block: Vec<Option<(u32, u32)>>,
    /// What could not be read.
    pub faults: Vec<Fault>,
    /// The index of all blocks was read.
    pub indexed: bool,
    /// What declares tracks was read.
    pub declares: bool,
    /// Entries of the index that name a block that does not exist.
    pub out_of_range: u64,
    /// Entries of the index for a block of which an earlier one says something else.
    pub repeated: u64,
    /// Entries of the index, or of a mux container's TRAK, that can't be read.
    pub unreadable: u64,
    /// Some of those don't even say which track they are of.
    pub nameless: bool,
}

/// Which entry of an index names each block first.
#[derive(Debug, Default)]
struct NamedBy(Vec<Option<NonZeroU32>>);

impl NamedBy {
    /// The entry that names that block already; else it is the one at `at`.
    fn entry(&mut self, block: u64, at: usize) -> Option<usize> {
        let place = usize::try_from(block).ok()?;
        if place >= self.0.len() {
            self.0.resize(place.saturating_add(1), None);
        }
        let named = self.0.get_mut(place)?;
        if let Some(first) = named {
            return Some(first.get() as usize - 1);
        }
        *named = NonZeroU32::new(u32::try_from(at).ok()?.saturating_add(1));
        None
    }
}

/// How many faults are kept, of each container.
const MOST_FAULTS: usize = 10_000;

impl Tracks {
    pub(crate) fn fault(&mut self, fault: Fault) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(fault);
        }
    }

    pub(crate) fn place(&mut self, id: &str) -> usize {
        if let Some(at) = self.places.get(id) {
            return *at;
        }
        self.places.insert(id.to_owned(), self.list.len());
        self.list.push(Track { id: id.to_owned(), ..Track::default() });
        self.list.len() - 1
    }

    pub(crate) fn add(&mut self, at: usize, block: TrackBlock) {
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

    pub(crate) fn set_table(&mut self, at: usize, place: TableBytes, declared: u64, chunk: Option<Chunk>) {
        let Some(track) = self.list.get_mut(at) else { return };
        if track.table.is_some() {
            let fault = Fault::SecondTable(track.id.clone(), chunk);
            self.fault(fault);
            return;
        }
        track.table = Some(Table { place, declared, order: OnceLock::new() });
    }

    /// A track of a mux container's TRAK.
    pub(crate) fn declare(&mut self, at: usize, track: &RawValue) {
        const WHOLE: &str = "a whole number, 0 or more";
        let names = ["track_id", "name", "kind", "codec", "note", "sample_rate", "channels"];
        let found = fields(track.get(), names);
        let [id, name, kind, codec, note, sample_rate, channels] = found.unwrap_or_default();
        let Some(id) = id.and_then(|id| scalar(id).as_u64()).filter(|id| *id <= 0xffff) else {
            self.unreadable += 1;
            self.fault(match found {
                Some(_) => Fault::Field(
                    format!("/tracks/{at}/track_id"),
                    "expected a whole number, 0 or more to 65535".to_owned(),
                ),
                None => Fault::Field(format!("/tracks/{at}"), "expected an object".to_owned()),
            });
            return;
        };
        let mut odd = |key: &str, expected: &str| {
            self.fault(Fault::Field(format!("/tracks/{at}/{key}"), format!("expected {expected}")));
        };
        let mut text = |key: &str, raw: Option<&RawValue>| match scalar(raw?) {
            Value::String(text) => Some(text),
            _ => {
                odd(key, "a string");
                None
            }
        };
        let (name, kind) = (text("name", name), text("kind", kind));
        let (codec, note) = (text("codec", codec), text("note", note));
        let mut number = |key: &str, raw: Option<&RawValue>| {
            let number = scalar(raw?).as_u64();
            if number.is_none() {
                odd(key, WHOLE);
            }
            number
        };
        let (sample_rate, channels) = (number("sample_rate", sample_rate), number("channels", channels));
        let at = self.place(&id.to_string());
        let Some(track) = self.list.get_mut(at).filter(|track| !track.declared) else { return };
        let id = id.to_string();
        *track = Track { id, declared: true, name, kind, codec, note, sample_rate, channels, ..Track::default() };
    }

    /// The index in META: base64 of `{"trak": [...]}`, an entry for each block.
    pub(crate) fn add_index(&mut self, text: &str, blocks: u64) -> Result<(), String> {
        let bytes = decoded(text)?;
        let scan = Scan::new(&bytes);
        let document = &scan.document;
        if let Some(error) = document.error.as_ref().filter(|error| !error.beyond_limit) {
            return Err(format!("isn't JSON: {error}"));
        }
        let mut odd = |oddity, said: String| self.fault(Fault::Text(oddity, format!("META /trak_b64 {said}")));
        if let Some(error) = &document.error {
            odd(Oddity::Limit, format!("is {error} of its JSON"));
        }
        if let Some(at) = document.surrogate {
            odd(Oddity::Surrogate, format!("has half of a surrogate pair at byte {at} of its JSON"));
        }
        if document.bom {
            odd(Oddity::Bom, "begins with a byte order mark".to_owned());
        }
        for key in &document.duplicates {
            odd(Oddity::DuplicateKey, format!("{} occurs more than once", escape(key)));
        }
        let [list] = scan.fields(["trak"]);
        let mut named_by = NamedBy::default();
        if !list.is_some_and(|list| elements(list.get(), |at, entry| self.add_entry(at, entry, blocks, &mut named_by)))
        {
            return Err("has no \"trak\" array".to_owned());
        }
        self.sort();
        self.indexed = true;
        Ok(())
    }

    fn add_entry(&mut self, at: usize, entry: &RawValue, blocks: u64, named_by: &mut NamedBy) {
        let found = fields(entry.get(), ["track_id", "pts_us", "core_index", "kind", "keyframe"]);
        let [id, pts_us, block, kind, keyframe] = found.unwrap_or_default();
        let place = id.and_then(|id| track_id(&scalar(id))).map(|id| self.place(&id));
        let number = |raw: Option<&RawValue>| raw.and_then(|raw| whole(&scalar(raw)));
        let time = number(pts_us).filter(|pts_us| *pts_us <= MAX_PTS_US);
        let (Some(place), Some(pts_us), Some(block)) = (place, time, number(block)) else {
            self.unreadable += 1;
            self.nameless |= place.is_none();
            if let Some(track) = place.and_then(|place| self.list.get_mut(place)) {
                track.incomplete = true;
            }
            let (name, raw, expected) = match (place, time) {
                (None, _) => ("track_id", id, "a string or number"),
                (_, None) => ("pts_us", pts_us, "a whole number of microseconds, 0 or more"),
                _ => ("core_index", block, "a whole number, 0 or more"),
            };
            let why = match (found, raw) {
                (None, _) => "isn't an object".to_owned(),
                (_, None) => format!("lacks {name}"),
                (_, Some(raw)) => format!("has {name} {}, expected {expected}", shown(raw)),
            };
            self.fault(Fault::Entry(format!("META /trak_b64: entry {at} {why}")));
            return;
        };
        let kind = match kind.map(scalar).as_ref().and_then(Value::as_str) {
            Some("I") => Kind::I,
            Some("P") => Kind::P,
            Some("B") => Kind::B,
            _ => Kind::Reserved,
        };
        let flag = keyframe.map(|keyframe| scalar(keyframe).as_bool());
        if let (Some(None), Some(raw)) = (flag, keyframe) {
            let why = format!("entry {at} has keyframe {}, expected true or false", shown(raw));
            self.fault(Fault::Entry(format!("META /trak_b64: {why}")));
        }
        let keyframe = flag.flatten().unwrap_or(kind == Kind::I);
        if block < blocks {
            let named = TrackBlock { block, pts_us, kind, keyframe };
            match named_by.entry(block, at) {
                None => self.add(place, named),
                Some(first) => self.repeat(at, place, named, first),
            }
        } else if let Some(track) = self.list.get_mut(place) {
            track.incomplete = true;
            let track = track.id.clone();
            self.out_of_range += 1;
            self.fault(Fault::OutOfRange { track, block });
        }
    }

    /// An entry for a block that an earlier one names: the first counts.
    fn repeat(&mut self, at: usize, place: usize, named: TrackBlock, first: usize) {
        let owner = self.place_of_block(named.block).map(|owner| owner as usize);
        let same = owner == Some(place) && self.of_block(named.block).is_some_and(|(_, block)| *block == named);
        if let Some(track) = self.list.get_mut(place).filter(|_| !same) {
            // It may have been another block's.
            track.incomplete = true;
            self.repeated += 1;
        }
        let block = named.block;
        let why = match same {
            true => format!("entry {at} names block {block} again, after entry {first}; the first one counts"),
            false => {
                format!(
                    "entry {at} names block {block}, but entry {first} says something else about it; entry {first} counts"
                )
            }
        };
        self.fault(Fault::Entry(format!("META /trak_b64: {why}")));
    }

    /// Brings each track's blocks into the order they are stored in.
    fn sort(&mut self) {
        for (at, track) in self.list.iter_mut().enumerate() {
            if track.blocks.is_sorted_by_key(|block| block.block) {
                continue;
            }
            track.blocks.sort_by_key(|block| block.block);
            for (place, block) in track.blocks.iter().enumerate() {
                let named = usize::try_from(block.block).ok().and_then(|block| self.by_block.get_mut(block));
                if let Some(Some((owner, old))) = named
                    && *owner as usize == at
                {
                    *old = place as u32;
                }
            }
        }
    }

    /// SEEKM: u32 track count; per track u16 id length, id, u32 entry count, entries.
    pub(crate) fn add_tables(&mut self, text: &str) -> Result<(), String> {
        let bytes = decoded(text)?;
        let count = be_u32(&bytes, 0).ok_or("ends inside its track count")?;
        let mut at = 4u64;
        for track in 0..count {
            let short = || format!("ends inside track {track} of {count}");
            let id_len = u64::from(be_u16(&bytes, at).ok_or_else(short)?);
            let id = slice(&bytes, at + 2, id_len).ok_or_else(short)?;
            let id = std::str::from_utf8(id).map_err(|_| format!("has an id that isn't UTF-8 in track {track}"))?;
            at += 2 + id_len;
            let declared = u64::from(be_u32(&bytes, at).ok_or_else(short)?);
            let rows = slice(&bytes, at + 4, declared * 12).ok_or_else(short)?;
            at += 4 + declared * 12;
            let place = self.place(id);
            self.set_table(place, TableBytes::Decoded(rows.to_vec()), declared, None);
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

    /// Where the track of that block stands in the list.
    pub fn place_of_block(&self, block: u64) -> Option<u32> {
        let (track, _) = (*self.by_block.get(usize::try_from(block).ok()?)?)?;
        Some(track)
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

/// The latest timestamp there can be: later ones are negative to who reads them as signed.
pub const MAX_PTS_US: u64 = i64::MAX as u64;

fn decoded(text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text.trim()).map_err(|error| format!("isn't base64: {error}"))
}

/// The beginning of a value as it is written.
fn shown(raw: &RawValue) -> String {
    const SHOWN: usize = 40;
    let mut text: String = raw.get().chars().take(SHOWN).collect();
    if text.len() < raw.get().len() {
        text.push('…');
    }
    escape(&text).into_owned()
}

/// The entries of META's trak_b64, `{"trak": [...]}`, as values.
pub(crate) fn index_entries(text: &str) -> Result<Vec<Value>, String> {
    let document = Document::parse_whole(&decoded(text)?);
    let Some(mut value) = document.value else { return Err("isn't JSON".to_owned()) };
    match value.get_mut("trak").map(Value::take) {
        Some(Value::Array(entries)) => Ok(entries),
        _ => Err("has no \"trak\" array".to_owned()),
    }
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

    /// Its last keyframe at or before `pts_us`.
    pub fn keyframe_at(&self, pts_us: u64) -> Option<&TrackBlock> {
        self.keyframes().filter(|block| block.pts_us <= pts_us).max_by_key(|block| (block.pts_us, block.block))
    }

    /// Its earliest keyframe.
    pub fn first_keyframe(&self) -> Option<&TrackBlock> {
        self.keyframes().min_by_key(|block| (block.pts_us, block.block))
    }

    /// Blocks to decode for what is shown at `pts_us`, in the order they are stored: the last keyframe at or before it,
    /// then the track's blocks after that up to the next keyframe, as far as they are not later.
    pub fn chain(&self, pts_us: u64) -> Vec<u64> {
        self.keyframe_at(pts_us).map_or_else(Vec::new, |keyframe| self.chain_from(keyframe.block, pts_us))
    }

    /// The same from that block on.
    pub fn chain_from(&self, keyframe: u64, pts_us: u64) -> Vec<u64> {
        let after = self.blocks.partition_point(|block| block.block <= keyframe);
        let rest = self.blocks.iter().skip(after).take_while(|block| !block.keyframe);
        let rest = rest.filter(|block| block.pts_us <= pts_us).map(|block| block.block);
        std::iter::once(keyframe).chain(rest).collect()
    }

    /// The TSEK chunk that holds its table.
    pub fn table_chunk(&self) -> Option<Chunk> {
        match &self.table.as_ref()?.place {
            TableBytes::Stored(chunk, _) => Some(*chunk),
            TableBytes::Decoded(_) => None,
        }
    }

    /// File offsets of a row of its table, where it stands in the file as it is.
    pub fn row(&self, at: u64) -> Option<Range<u64>> {
        let TableBytes::Stored(_, rows) = &self.table.as_ref()?.place else { return None };
        Some(rows.start + at * 8..rows.start + at * 8 + 8)
    }
}
