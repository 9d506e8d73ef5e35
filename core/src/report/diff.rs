//! How two containers differ.

#[cfg(feature = "schema")]
use std::collections::BTreeMap;
use std::ops::Range;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::fields::{as_object, is_zero};
use crate::capped::Capped;
use crate::diff::{self, BlockRef, ComparedAs, Diff, Pair};
use crate::layout::SeekEntry;
use crate::name::{Encoding, FileName};
use crate::seek::Meaning;
use crate::tracks::Kind;

/// How two files differ.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Comparison<'a> {
    /// The first file as it was named.
    pub before: &'a str,
    /// `percent` where its name isn't UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_encoding: Option<Encoding>,
    /// The second.
    pub after: &'a str,
    /// `percent` where its name isn't UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_encoding: Option<Encoding>,
    /// No difference at all.
    pub same: bool,
    /// Header fields that differ.
    pub header: Vec<Header<'a>>,
    /// The blocks.
    pub blocks: Blocks<'a>,
    /// META, SAFE and TRAK, those that differ.
    pub documents: Vec<Document<'a>>,
    /// Seek tables that differ.
    pub tables: Vec<Table<'a>>,
    /// Other chunks that differ.
    pub chunks: Vec<Chunk>,
    /// How many chunks are not listed above.
    #[serde(serialize_with = "as_object")]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, u64>"))]
    pub omitted: Vec<(String, u64)>,
}

/// What was, and what is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Sides<T> {
    /// In the first container.
    pub before: T,
    /// In the second.
    pub after: T,
}

/// The two sides; a missing one is left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Either<T> {
    /// In the first container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<T>,
    /// In the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<T>,
}

/// A header field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Header<'a> {
    /// Its name.
    pub field: &'static str,
    /// What it was and is.
    #[serde(flatten)]
    pub values: Sides<&'a str>,
}

/// The blocks.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Blocks<'a> {
    /// How many each container has.
    #[serde(flatten)]
    pub counts: Sides<u64>,
    /// Same content in the same order.
    pub same: u64,
    /// Only in the second.
    pub added: Vec<Block<'a>>,
    /// Only in the first.
    pub removed: Vec<Block<'a>>,
    /// Other content in the same place.
    pub changed: Vec<Changed<'a>>,
    /// Same content, in another order.
    pub moved: Vec<Sides<Block<'a>>>,
    /// Same content in the same order, with another timestamp, track or kind.
    pub retimed: Vec<Sides<Block<'a>>>,
    /// Same content, but only one of the two is intact.
    pub integrity: Vec<Sides<Block<'a>>>,
    /// How many are not listed above, by list.
    #[serde(serialize_with = "as_object")]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, u64>"))]
    pub omitted: Vec<(String, u64)>,
}

/// A block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Block<'a> {
    /// Its index.
    pub block: u64,
    /// File offset of its chunk.
    pub offset: u64,
    /// Bytes as stored.
    pub bytes: u64,
    /// When it is shown, in µs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pts_us: Option<u64>,
    /// Its track.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track: Option<&'a str>,
    /// What it needs to be decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Complete, with a right CRC.
    pub intact: bool,
}

/// A block whose content changed.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Changed<'a> {
    /// The blocks.
    #[serde(flatten)]
    pub blocks: Sides<Block<'a>>,
    /// Which bytes were compared: `decoded` or `stored`.
    pub form: ComparedAs,
    /// How many bytes each has in that form.
    pub lengths: Sides<u64>,
    /// Where they differ, by offset in the block: first byte, and the one after the last.
    pub ranges: Vec<Sides<[u64; 2]>>,
    /// Ranges that are not listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub omitted: u64,
}

/// META, SAFE or TRAK.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Document<'a> {
    /// Which of them.
    pub tag: String,
    /// File offsets of the chunks.
    pub offsets: Either<u64>,
    /// Fields that differ; none if both hold the same fields, written differently.
    pub fields: Vec<Field<'a>>,
    /// Fields that are not listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub omitted: u64,
}

/// A field of a document.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Field<'a> {
    /// JSON Pointer.
    pub pointer: &'a str,
    /// What it was and is.
    #[serde(flatten)]
    pub values: Either<&'a Value>,
}

/// A seek table.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Table<'a> {
    /// The track; absent for SEEK.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track: Option<&'a str>,
    /// Whether there is a table.
    pub present: Sides<bool>,
    /// What offsets mean.
    pub meanings: Sides<Option<Meaning>>,
    /// Timestamps only the second has.
    pub added: Vec<Entry>,
    /// Timestamps only the first has.
    pub removed: Vec<Entry>,
    /// Same timestamp, another offset.
    pub changed: Vec<EntryChange>,
    /// How many are not listed above, by list.
    #[serde(serialize_with = "as_object")]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, u64>"))]
    pub omitted: Vec<(String, u64)>,
}

/// A seek entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Entry {
    /// Its timestamp.
    pub pts_us: u64,
    /// Where the keyframe is.
    pub offset: u64,
}

/// A seek entry with another offset.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct EntryChange {
    /// Its timestamp.
    pub pts_us: u64,
    /// What the offset was and is.
    pub offsets: Sides<u64>,
    /// The blocks it leads to.
    pub blocks: Either<u64>,
    /// Both lead to the same content.
    pub same_block: bool,
}

/// A chunk that is compared byte for byte.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Chunk {
    /// Its tag.
    pub tag: String,
    /// Its ordinal among those of its tag.
    pub nth: u64,
    /// Where each is.
    #[serde(flatten)]
    pub places: Either<ChunkPlace>,
}

/// Where a chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct ChunkPlace {
    /// File offset.
    pub offset: u64,
    /// Payload bytes.
    pub length: u64,
}

impl<T> Sides<T> {
    fn of<'a, S>(pair: &'a Pair<S>, side: impl Fn(&'a S) -> T) -> Self {
        Self { before: side(&pair.before), after: side(&pair.after) }
    }
}

impl<T: Clone> Either<T> {
    fn of(pair: &Pair<Option<T>>) -> Self {
        Self { before: pair.before.clone(), after: pair.after.clone() }
    }
}

impl<'a> Block<'a> {
    fn new(block: &'a BlockRef) -> Self {
        Self {
            block: block.block,
            offset: block.offset,
            bytes: block.len,
            pts_us: block.pts_us,
            track: block.track.as_deref(),
            kind: block.kind,
            intact: block.intact,
        }
    }
}

impl<'a> Changed<'a> {
    fn new(changed: &'a diff::Changed) -> Self {
        let range = |range: &Range<u64>| [range.start, range.end];
        Self {
            blocks: Sides::of(&changed.blocks, Block::new),
            form: changed.form,
            lengths: Sides::of(&changed.lens, |len| *len),
            ranges: changed.ranges.list().iter().map(|pair| Sides::of(pair, range)).collect(),
            omitted: changed.ranges.omitted(),
        }
    }
}

impl<'a> Blocks<'a> {
    fn new(blocks: &'a diff::BlockDiff) -> Self {
        let pairs = |list: &'a Capped<Pair<BlockRef>>| -> Vec<_> {
            list.list().iter().map(|pair| Sides::of(pair, Block::new)).collect()
        };
        Self {
            counts: Sides::of(&blocks.counts, |count| *count),
            same: blocks.same,
            added: blocks.added.list().iter().map(Block::new).collect(),
            removed: blocks.removed.list().iter().map(Block::new).collect(),
            changed: blocks.changed.list().iter().map(Changed::new).collect(),
            moved: pairs(&blocks.moved),
            retimed: pairs(&blocks.retimed),
            integrity: pairs(&blocks.integrity),
            omitted: omitted([
                ("added", blocks.added.omitted()),
                ("removed", blocks.removed.omitted()),
                ("changed", blocks.changed.omitted()),
                ("moved", blocks.moved.omitted()),
                ("retimed", blocks.retimed.omitted()),
                ("integrity", blocks.integrity.omitted()),
            ]),
        }
    }
}

impl<'a> Document<'a> {
    fn new(document: &'a diff::DocumentDiff) -> Self {
        let field = |field: &'a diff::FieldChange| Field {
            pointer: &field.pointer,
            values: Either { before: field.values.before.as_ref(), after: field.values.after.as_ref() },
        };
        Self {
            tag: document.tag.to_string(),
            offsets: Either::of(&document.chunks),
            fields: document.fields.list().iter().map(field).collect(),
            omitted: document.fields.omitted(),
        }
    }
}

impl<'a> Table<'a> {
    fn new(table: &'a diff::TableDiff) -> Self {
        let entry = |entry: &SeekEntry| Entry { pts_us: entry.pts_us, offset: entry.offset };
        let change = |change: &diff::EntryChange| EntryChange {
            pts_us: change.entries.before.pts_us,
            offsets: Sides::of(&change.entries, |entry| entry.offset),
            blocks: Either::of(&change.blocks),
            same_block: change.same_block,
        };
        Self {
            track: table.track.as_deref(),
            present: Sides::of(&table.present, |present| *present),
            meanings: Sides::of(&table.meanings, |meaning| *meaning),
            added: table.added.list().iter().map(entry).collect(),
            removed: table.removed.list().iter().map(entry).collect(),
            changed: table.changed.list().iter().map(change).collect(),
            omitted: omitted([
                ("added", table.added.omitted()),
                ("removed", table.removed.omitted()),
                ("changed", table.changed.omitted()),
            ]),
        }
    }
}

/// Those of which something is omitted.
fn omitted<const N: usize>(lists: [(&str, u64); N]) -> Vec<(String, u64)> {
    lists.into_iter().filter(|(_, n)| *n > 0).map(|(list, n)| (list.to_owned(), n)).collect()
}

impl<'a> Comparison<'a> {
    /// How two files of these names differ.
    pub fn new(names: Pair<&'a FileName>, diff: &'a Diff) -> Self {
        let place = |place: &(u64, u64)| ChunkPlace { offset: place.0, length: place.1 };
        let chunk = |chunk: &diff::ChunkDiff| Chunk {
            tag: chunk.tag.to_string(),
            nth: chunk.nth,
            places: Either {
                before: chunk.chunks.before.as_ref().map(place),
                after: chunk.chunks.after.as_ref().map(place),
            },
        };
        let header = |change: &'a diff::HeaderChange| Header {
            field: change.field,
            values: Sides::of(&change.values, String::as_str),
        };
        Self {
            before: names.before.as_str(),
            before_encoding: names.before.encoding(),
            after: names.after.as_str(),
            after_encoding: names.after.encoding(),
            same: diff.is_same(),
            header: diff.header.iter().map(header).collect(),
            blocks: Blocks::new(&diff.blocks),
            documents: diff.documents.iter().map(Document::new).collect(),
            tables: diff.tables.iter().map(Table::new).collect(),
            chunks: diff.chunks.list().iter().map(chunk).collect(),
            omitted: omitted([("chunks", diff.chunks.omitted())]),
        }
    }
}
