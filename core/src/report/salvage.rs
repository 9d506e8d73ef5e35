//! What a salvage kept, mended, dropped and made anew.

use std::borrow::Cow;
#[cfg(feature = "schema")]
use std::collections::BTreeMap;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;

use super::fields::as_object;
use crate::layout::Layout;
use crate::name::{Encoding, FileName};
use crate::salvage::{self, Mend, Reason, Report, Way};

/// A salvage of one file.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Salvage {
    /// The source as it was named.
    pub file: String,
    /// `percent` where that isn't UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_encoding: Option<Encoding>,
    /// The output as it was named.
    pub out: String,
    /// `percent` where that isn't UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_encoding: Option<Encoding>,
    /// `transport` or `mux`.
    pub layout: Layout,
    /// Nothing that the source's chunks held is missing.
    pub nothing_lost: bool,
    /// Size of the source.
    pub bytes: u64,
    /// Size of the output.
    pub bytes_written: u64,
    /// Bytes of what was dropped and is lost.
    pub bytes_lost: u64,
    /// CORE chunks found in the source, damaged ones included.
    pub blocks: u64,
    /// CORE chunks in the output, placeholders included.
    pub blocks_written: u64,
    /// Indices in the output of empty blocks, each in place of a lost one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub placeholders: Vec<u64>,
    /// Blocks that were not found, if bytes were lost or something names more blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
    /// The first block of the output that may have had a higher index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisional_from: Option<u64>,
    /// Chunks copied as they are, by tag.
    #[serde(serialize_with = "as_object")]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, u64>"))]
    pub kept: Vec<(String, u64)>,
    /// Chunks that were damaged and are repaired.
    pub mended: Vec<Mended>,
    /// What is not in the output.
    pub dropped: Vec<Dropped>,
    /// What was rebuilt.
    pub rebuilt: Vec<Rebuilt>,
    /// What else users of the output should know.
    pub notes: Vec<String>,
    /// How many are not listed above, by list.
    #[serde(serialize_with = "as_object")]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, u64>"))]
    pub omitted: Vec<(String, u64)>,
}

/// Blocks that are lost completely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Missing {
    /// At least this many.
    pub blocks: u64,
    /// It is exactly that many.
    pub exact: bool,
}

/// A chunk that was damaged and is repaired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Mended {
    /// Its tag.
    pub tag: String,
    /// File offset of its header in the source.
    pub offset: u64,
    /// Index of the block in the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
    /// What was wrong: `flip`, `length`, `tag` or `crc`.
    pub mend: &'static str,
    /// The flipped bit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flip: Option<Bit>,
}

/// A bit of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Bit {
    /// File offset of the byte.
    pub offset: u64,
    /// 0 is the least significant.
    pub bit: u8,
}

/// Something of the source that is not in the output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Dropped {
    /// The chunk's tag; absent for bytes that aren't a chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// File offset in the source.
    pub offset: u64,
    /// Bytes from there.
    pub length: u64,
    /// Index of the block in the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
    /// Why, in a word.
    pub reason: Reason,
    /// Content is gone with it.
    pub lost: bool,
}

/// A chunk of the output that isn't a copy of a source chunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Rebuilt {
    /// Its tag.
    pub tag: String,
    /// File offset of the chunk it replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<u64>,
    /// What it was made from, and what could not be.
    pub how: String,
    /// Some of the content of the source's chunk is lost.
    pub lost: bool,
}

impl Mended {
    fn new(mended: &salvage::Mended) -> Self {
        let flip = match mended.mend {
            Mend::Flip { offset, bit } => Some(Bit { offset, bit }),
            Mend::Length | Mend::Tag | Mend::Crc => None,
        };
        let (tag, mend) = (mended.tag.to_string(), mended.mend.name());
        Self { tag, offset: mended.offset, block: mended.block, mend, flip }
    }
}

impl Dropped {
    fn new(dropped: &salvage::Dropped) -> Self {
        Self {
            tag: dropped.tag.map(|tag| tag.to_string()),
            offset: dropped.offset,
            length: dropped.length,
            block: dropped.block,
            reason: dropped.reason,
            lost: dropped.lost,
        }
    }
}

impl Salvage {
    /// What a report says about a source and an output of these names. `how` says how a way is asked for.
    pub fn new(file: &FileName, out: &FileName, report: &Report, how: impl Fn(Way) -> Cow<'static, str>) -> Self {
        let salvage::Missing { blocks, exact } = report.missing;
        let omitted = [
            ("placeholders", report.placeholders.omitted()),
            ("mended", report.mended.omitted()),
            ("dropped", report.dropped.omitted()),
        ];
        let rebuilt = report.rebuilt.iter().map(|rebuilt| Rebuilt {
            tag: rebuilt.tag.to_string(),
            replaces: rebuilt.replaces,
            how: rebuilt.how.clone(),
            lost: rebuilt.lost,
        });
        Self {
            file: file.to_string(),
            file_encoding: file.encoding(),
            out: out.to_string(),
            out_encoding: out.encoding(),
            layout: report.layout,
            nothing_lost: report.nothing_lost(),
            bytes: report.bytes_before,
            bytes_written: report.bytes_after,
            bytes_lost: report.bytes_lost,
            blocks: report.blocks_before,
            blocks_written: report.blocks_after,
            placeholders: report.placeholders.list().to_vec(),
            missing: (blocks > 0 || !exact).then_some(Missing { blocks, exact }),
            provisional_from: report.provisional_from,
            kept: report.kept.iter().map(|(tag, n)| (tag.to_string(), *n)).collect(),
            mended: report.mended.list().iter().map(Mended::new).collect(),
            dropped: report.dropped.list().iter().map(Dropped::new).collect(),
            rebuilt: rebuilt.collect(),
            notes: report.notes.iter().map(|note| note.words(&how)).collect(),
            omitted: omitted.into_iter().filter(|(_, n)| *n > 0).map(|(list, n)| (list.to_owned(), n)).collect(),
        }
    }
}
