//! Two containers compared by content, whatever their layouts: blocks, what META, SAFE and TRAK say, seek tables, other
//! chunks, and the header.

mod align;
mod blocks;
mod json;
mod tables;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde_json::Value;

use super::container::Container;
use super::index::{Chunk, Tag};
use super::layout::SeekEntry;
use super::seek::Meaning;
use super::task::{Cancelled, Task};
use super::tracks::{Kind, Track};
use super::walk::Ending;
use crate::capped::Capped;

/// Why two containers can't be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    /// More blocks than are compared.
    #[error("{0} blocks are too many to compare")]
    TooManyBlocks(u64),
    /// The job was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// What was, and what is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Pair<T> {
    /// In the first container.
    pub before: T,
    /// In the second.
    pub after: T,
}

impl<T> Pair<T> {
    fn new(before: T, after: T) -> Self {
        Self { before, after }
    }
}

/// A block, where it is and what is said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockRef {
    /// Block index.
    pub block: u64,
    /// File offset of its chunk.
    pub offset: u64,
    /// Bytes of its content as stored; in the mux layout without the H4TB header.
    pub len: u64,
    /// When it is shown, in µs, where a track's index, its own flags, the frame rate or a SEEK entry says so.
    pub pts_us: Option<u64>,
    /// Its track, where there are tracks.
    pub track: Option<String>,
    /// What it needs to be decoded, where there are tracks.
    pub kind: Option<Kind>,
    /// Its chunk is whole and its CRC right.
    pub intact: bool,
}

/// Which bytes of a block are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComparedAs {
    /// What both decode to.
    Decoded,
    /// As stored, since one of them can't be decoded or is too large for that.
    Stored,
}

impl ComparedAs {
    /// The name used in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Decoded => "decoded",
            Self::Stored => "stored",
        }
    }
}

/// A block whose content is another one at the same place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changed {
    /// The blocks.
    pub blocks: Pair<BlockRef>,
    /// Which bytes were compared.
    pub form: ComparedAs,
    /// How many bytes each has in that form.
    pub lens: Pair<u64>,
    /// Where they differ, by offset in the block. Of blocks of unequal length, one range: from the first byte that
    /// differs to the last, counted from the end.
    pub ranges: Capped<Pair<Range<u64>>>,
}

/// How the blocks differ. A block that only stands at another index because of blocks added or removed before it is
/// the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BlockDiff {
    /// Blocks of the first and the second container.
    pub counts: Pair<u64>,
    /// Same content in the same order, whatever is said about them.
    pub same: u64,
    /// Only in the second.
    pub added: Capped<BlockRef>,
    /// Only in the first.
    pub removed: Capped<BlockRef>,
    /// Other content in the same place.
    pub changed: Capped<Changed>,
    /// Same content, in another order.
    pub moved: Capped<Pair<BlockRef>>,
    /// Same content in the same order, with another timestamp, track or kind.
    pub retimed: Capped<Pair<BlockRef>>,
    /// Same content, but only one of the two is intact.
    pub integrity: Capped<Pair<BlockRef>>,
}

/// A field of a JSON document that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// JSON Pointer; empty for the whole document.
    pub pointer: String,
    /// What it was and is; `None` where there is none.
    pub values: Pair<Option<Value>>,
}

/// How META, SAFE or TRAK differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentDiff {
    /// Which of them.
    pub tag: Tag,
    /// File offsets of the chunks; `None` where there is none that can be relied on.
    pub chunks: Pair<Option<u64>>,
    /// Fields that differ, in order of their pointers. None where both say the same in other words, such as another
    /// order of keys.
    pub fields: Capped<FieldChange>,
}

/// A seek entry with the same timestamp and another offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryChange {
    /// The entries.
    pub entries: Pair<SeekEntry>,
    /// The blocks they lead to.
    pub blocks: Pair<Option<u64>>,
    /// Both lead to the same content.
    pub same_block: bool,
}

/// How a seek table differs: SEEK, or a track's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDiff {
    /// The track; `None` for SEEK.
    pub track: Option<String>,
    /// Whether there is a table.
    pub present: Pair<bool>,
    /// What offsets mean.
    pub meanings: Pair<Option<Meaning>>,
    /// Timestamps only the second table has.
    pub added: Capped<SeekEntry>,
    /// Timestamps only the first table has.
    pub removed: Capped<SeekEntry>,
    /// Same timestamp, another offset.
    pub changed: Capped<EntryChange>,
}

/// A chunk that is neither a block nor compared by what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkDiff {
    /// Its tag.
    pub tag: Tag,
    /// Its ordinal among the chunks of that tag that are compared.
    pub nth: u64,
    /// File offset and payload length; `None` where there is none.
    pub chunks: Pair<Option<(u64, u64)>>,
}

/// Something about the files themselves that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderChange {
    /// Its name.
    pub field: &'static str,
    /// What it was and is, for people.
    pub values: Pair<String>,
}

/// How two containers differ.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Diff {
    /// Layout, header fields, lost bytes and bytes after the container.
    pub header: Vec<HeaderChange>,
    /// The blocks.
    pub blocks: BlockDiff,
    /// META, SAFE and TRAK, those that differ.
    pub documents: Vec<DocumentDiff>,
    /// Seek tables, those that differ.
    pub tables: Vec<TableDiff>,
    /// All other chunks that differ.
    pub chunks: Capped<ChunkDiff>,
}

impl Diff {
    /// No difference at all.
    pub fn is_same(&self) -> bool {
        self.header.is_empty()
            && self.blocks.is_same()
            && self.documents.is_empty()
            && self.tables.is_empty()
            && self.chunks.is_empty()
    }
}

impl BlockDiff {
    /// No difference at all.
    pub fn is_same(&self) -> bool {
        self.added.is_empty()
            && self.removed.is_empty()
            && self.changed.is_empty()
            && self.moved.is_empty()
            && self.retimed.is_empty()
            && self.integrity.is_empty()
    }
}

/// Compares two containers. Reads every block of both, once for its checksum and once against its counterpart; memory
/// is some 50 bytes a block. Progress counts bytes of both files.
pub fn diff(before: &Container, after: &Container, task: &Task) -> Result<Diff, DiffError> {
    task.set_total(before.source().len().saturating_add(after.source().len()));
    let pair = Pair::new(before, after);
    let (blocks, counterparts) = blocks::compare(pair, task)?;
    let tables = tables::compare(pair, &counterparts);
    let documents = [Tag::META, Tag::SAFE, Tag::TRAK].into_iter().filter_map(|tag| json::compare(pair, tag)).collect();
    Ok(Diff { header: header(pair), blocks, documents, tables, chunks: others(pair) })
}

/// The field of a [`HeaderChange`] that counts bytes that are lost between chunks.
pub const LOST_BYTES: &str = "lost bytes";

/// The field of a [`HeaderChange`] that counts bytes that follow the container.
pub const REST: &str = "bytes after the container";

fn header(pair: Pair<&Container>) -> Vec<HeaderChange> {
    let fields = |container: &Container| {
        let header = container.header();
        let rest = match container.walked().ending {
            Ending::Trailing(at) | Ending::Appended(at) => container.source().len().saturating_sub(at),
            _ => 0,
        };
        let lost: u64 = container.walked().losses.iter().map(|loss| loss.length).sum();
        let optional = |value: Option<u64>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
        [
            ("layout", header.layout.to_string()),
            ("version", header.version.to_string()),
            ("flags", optional(header.flags.map(u64::from))),
            ("reserved", header.reserved.to_string()),
            ("timestamp_ms", optional(header.timestamp_ms)),
            (LOST_BYTES, lost.to_string()),
            (REST, rest.to_string()),
        ]
    };
    let pairs = fields(pair.before).into_iter().zip(fields(pair.after));
    let differing = pairs.filter(|((_, before), (_, after))| before != after);
    differing.map(|((field, before), (_, after))| HeaderChange { field, values: Pair::new(before, after) }).collect()
}

/// Chunks that are compared byte for byte, tag by tag in order of appearance.
fn others(pair: Pair<&Container>) -> Capped<ChunkDiff> {
    let mut differing = Capped::default();
    let read = Pair::new(read_chunks(pair.before), read_chunks(pair.after));
    let mut seen = HashSet::from([Tag::CORE]);
    for total in pair.before.index().totals().iter().chain(pair.after.index().totals()) {
        let tag = total.tag;
        if !seen.insert(tag) {
            continue;
        }
        let mut before =
            pair.before.index().with_tag(tag).filter(|chunk| read.before.get(&chunk.offset) != Some(chunk));
        let mut after = pair.after.index().with_tag(tag).filter(|chunk| read.after.get(&chunk.offset) != Some(chunk));
        for nth in 0.. {
            let chunks = Pair::new(before.next(), after.next());
            let same = match (chunks.before, chunks.after) {
                (None, None) => break,
                (Some(old), Some(new)) => {
                    pair.before.payload(&old).are(pair.after.payload(&new))
                        && pair.before.is_intact(&old) == pair.after.is_intact(&new)
                }
                _ => false,
            };
            if !same {
                let place = |chunk: Option<Chunk>| chunk.map(|chunk| (chunk.offset, chunk.len));
                let chunks = Pair::new(place(chunks.before), place(chunks.after));
                differing.push(ChunkDiff { tag, nth, chunks });
            }
        }
    }
    differing
}

/// The chunks that are compared by what they say, by file offset.
fn read_chunks(container: &Container) -> HashMap<u64, Chunk> {
    let sidecars = [Tag::META, Tag::SAFE, Tag::TRAK, Tag::SEEK].into_iter().filter_map(|tag| container.sidecar(tag));
    let tracks = container.tracks().map_or([].as_slice(), |tracks| &tracks.list);
    let tables = tracks.iter().filter_map(Track::table_chunk);
    sidecars.chain(tables).map(|chunk| (chunk.offset, chunk)).collect()
}
