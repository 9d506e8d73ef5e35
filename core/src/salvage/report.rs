//! What a salvage did to each part of a container.

use std::collections::HashMap;

use super::note::Note;
use crate::capped::Capped;
use crate::index::Tag;
use crate::layout::Layout;

/// Why something of the source is not in the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Its CRC is wrong, and no repair is confirmed.
    CrcMismatch,
    /// Its CRC is wrong, and a repair is confirmed that was not asked for.
    Mendable,
    /// Its CRC is right, but its tag isn't text, and the chunk before it doesn't show that one starts here.
    Tag,
    /// Only its beginning is there.
    Truncated,
    /// Bytes that belong to no chunk.
    Region,
    /// Its CRC is right, but it is not what META says blocks are: half a (value, run) pair is missing, or the cipher's
    /// header.
    Undecodable,
    /// Its CRC is right, but it is not the message that follows the encrypted ones that are kept: it names another number,
    /// or does not carry the digest of what stands before it.
    OutOfChain,
    /// Its CRC is right, but it is masked under the index it was written with, and would get another one.
    IndexMoved,
    /// Mux: its CRC is right, but no H4TB header says which track it belongs to.
    Unrouted,
    /// Its CRC is right, but it isn't a JSON object, which it must be.
    NotJson,
    /// A second chunk of a kind that occurs once; the first counts.
    Duplicate,
    /// Its digest is not that of what was written.
    StaleDigest,
    /// A table that can't be parsed, of a track that is not known.
    Unreadable,
    /// Mux: a table of a track that neither TRAK nor a block names.
    Undeclared,
    /// Bytes after the last chunk that aren't a chunk.
    Trailing,
    /// Another container in the same file.
    Appended,
    /// Chunks beyond the number that is read.
    Unread,
}

impl Reason {
    /// The name used in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::CrcMismatch | Self::Mendable => "crc-mismatch",
            Self::Tag => "tag-invalid",
            Self::Truncated => "truncated",
            Self::Region => "region",
            Self::Undecodable => "undecodable",
            Self::OutOfChain => "out-of-chain",
            Self::IndexMoved => "index-moved",
            Self::Unrouted => "unrouted",
            Self::NotJson => "not-json",
            Self::Duplicate => "duplicate",
            Self::StaleDigest => "stale-digest",
            Self::Unreadable => "unreadable",
            Self::Undeclared => "undeclared",
            Self::Trailing => "trailing",
            Self::Appended => "appended",
            Self::Unread => "unread",
        }
    }

    /// For people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::CrcMismatch => "its CRC is wrong, and no repair is confirmed",
            Self::Mendable => "its CRC is wrong because of a flipped bit; mending it was not requested",
            Self::Tag => "its tag isn't text, and nothing else shows that it is a chunk",
            Self::Truncated => "only its beginning is there",
            Self::Region => "the bytes belong to no chunk",
            Self::Undecodable => "its CRC is right, but it can't be decoded the way META says",
            Self::OutOfChain => "its CRC is right, but it does not follow the encrypted blocks that are kept",
            Self::IndexMoved => "its CRC is right, but it can be unmasked only under the index it was written with",
            Self::Unrouted => "its CRC is right, but it does not say which track it belongs to",
            Self::NotJson => "its CRC is right, but it isn't a JSON object",
            Self::Duplicate => "it should occur only once, and the first one counts",
            Self::StaleDigest => "its digest does not match what was written",
            Self::Unreadable => "its CRC is right, but it can't be parsed",
            Self::Undeclared => "it is the table of an undeclared track",
            Self::Trailing => "the bytes follow the last chunk and aren't a chunk",
            Self::Appended => "it is another container",
            Self::Unread => "it is beyond the number of chunks that are read",
        }
    }
}

/// Something of the source that is not in the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The chunk's tag; `None` for bytes that aren't a chunk.
    pub tag: Option<Tag>,
    /// File offset in the source; of a chunk that of its header.
    pub offset: u64,
    /// Bytes from there.
    pub length: u64,
    /// Index of the block in the source.
    pub block: Option<u64>,
    /// Why.
    pub reason: Reason,
    /// Content is gone with it: it is neither empty of meaning, nor rebuilt, nor there twice.
    pub lost: bool,
}

/// What was wrong with a chunk that is right in the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mend {
    /// A flipped bit: file offset of the byte, and the bit in it.
    Flip {
        /// File offset in the source.
        offset: u64,
        /// 0 is the least significant.
        bit: u8,
    },
    /// The length field; its CRC proves the true one.
    Length,
    /// The tag; VERI proves the true one.
    Tag,
    /// VERI's own CRC or digest: the digest is that of what is written before it.
    Crc,
}

impl Mend {
    /// The name used in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flip { .. } => "flip",
            Self::Length => "length",
            Self::Tag => "tag",
            Self::Crc => "crc",
        }
    }
}

/// A chunk of the source that is in the output as it was before its damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mended {
    /// The chunk's tag.
    pub tag: Tag,
    /// File offset of its header in the source.
    pub offset: u64,
    /// Index of the block in the source.
    pub block: Option<u64>,
    /// What was wrong.
    pub mend: Mend,
}

/// A chunk of the output that is not a copy of one of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// Its tag.
    pub tag: Tag,
    /// File offset of the chunk it replaces; `None` where there was none.
    pub replaces: Option<u64>,
    /// What it was made from, and what could not be.
    pub how: String,
    /// Some of the content of the source's chunk is lost.
    pub lost: bool,
}

/// Blocks of which only the fact that they existed is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// At least this many.
    pub blocks: u64,
    /// It is exactly that many.
    pub exact: bool,
}

/// What a salvage did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Layout of both files.
    pub layout: Layout,
    /// Size of the source.
    pub bytes_before: u64,
    /// Size of the output.
    pub bytes_after: u64,
    /// CORE chunks found in the source, damaged ones included. Lost regions may have held more.
    pub blocks_before: u64,
    /// CORE chunks in the output.
    pub blocks_after: u64,
    /// How many chunks are copies of the source's, byte for byte, by tag in order of appearance.
    pub kept: Vec<(Tag, u64)>,
    /// Chunks that were damaged and are repaired.
    pub mended: Capped<Mended>,
    /// What is not in the output.
    pub dropped: Capped<Dropped>,
    /// What was rebuilt.
    pub rebuilt: Vec<Rebuilt>,
    /// Bytes of what was dropped and is lost.
    pub bytes_lost: u64,
    /// Indices in the output of empty blocks, each in place of a lost one.
    pub placeholders: Capped<u64>,
    /// Blocks that are not among those found: they stood in lost bytes, or something names them.
    pub missing: Missing,
    /// The first block of the output that may have had a higher index, since an unknown number of blocks was lost before
    /// it.
    pub provisional_from: Option<u64>,
    /// What else users of the output should know.
    pub notes: Vec<Note>,
    /// Something is missing or was changed, and it can't be told what.
    pub unexplained: bool,
    pub(super) lossless: bool,
    /// Where each tag is in `kept`.
    pub(super) kept_at: HashMap<Tag, usize>,
}

impl Report {
    /// All that the source held, when it was whole, is in the output: each block, and each word of its other chunks. Not
    /// so, if
    /// - a chunk or bytes were dropped that may have been content: a damaged chunk, a region, what follows a container
    ///   that its writer did not close, another container, a second META or SEEK that says something else;
    /// - a block is missing that SEEK, an index of tracks, or a cipher's counter names;
    /// - META, SAFE or (mux) TRAK are not there, and no digest shows that they never were;
    /// - an entry of a table is gone, or a table says that it had more;
    /// - VERI, or the mux layout's closing CRC, is not that of what was written, and nothing else explains it.
    ///
    /// Where the digest of what was written is the one that VERI holds, nothing was lost, whatever was between the chunks.
    /// Bytes after a closed container, a copy of a chunk, or a digest that is made anew aren't a loss.
    pub fn nothing_lost(&self) -> bool {
        self.lossless && self.missing.blocks == 0
    }

    /// Something is missing or was changed, and nothing says what.
    pub(super) fn doubt(&mut self, why: String) {
        self.lossless = false;
        self.unexplained = true;
        self.notes.push(why.into());
    }

    /// A digest proves that what was written is what there was: only what follows it may be lost.
    pub(super) fn prove(&mut self) {
        let follows =
            |dropped: &Dropped| matches!(dropped.reason, Reason::Appended | Reason::Unread | Reason::Trailing);
        let mut found = self.bytes_lost;
        for dropped in self.dropped.list_mut().iter_mut().filter(|dropped| dropped.lost && !follows(dropped)) {
            dropped.lost = false;
            found = found.saturating_sub(dropped.length);
        }
        self.bytes_lost = found;
        self.rebuilt.iter_mut().for_each(|rebuilt| rebuilt.lost = false);
        self.lossless = !self.dropped.list().iter().any(|dropped| dropped.lost);
        (self.missing, self.provisional_from) = (Missing { blocks: 0, exact: true }, None);
    }

    /// How many chunks were copied, of all tags.
    pub fn kept_count(&self) -> u64 {
        self.kept.iter().map(|(_, count)| count).sum()
    }

    pub(super) fn drop(&mut self, dropped: Dropped) {
        if dropped.lost {
            self.bytes_lost = self.bytes_lost.saturating_add(dropped.length);
            self.lossless = false;
        }
        self.dropped.push(dropped);
    }

    pub(super) fn rebuild(&mut self, rebuilt: Rebuilt) {
        self.lossless &= !rebuilt.lost;
        self.rebuilt.push(rebuilt);
    }

    pub(super) fn keep(&mut self, tag: Tag) {
        let at = *self.kept_at.entry(tag).or_insert(self.kept.len());
        match self.kept.get_mut(at) {
            Some((_, count)) => *count += 1,
            None => self.kept.push((tag, 1)),
        }
    }
}
