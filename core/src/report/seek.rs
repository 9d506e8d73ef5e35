//! The answer to a timestamp.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;

use super::fields::is_false;
use crate::container::{Container, SeekAnswer};
use crate::seek::Meaning;

/// Where decoding begins for a timestamp.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Seek {
    /// The timestamp asked for.
    pub pts_us: u64,
    /// Place of the entry that was used, as stored; if the track has no table, its place among the track's keyframes.
    pub keyframe_entry_index: u64,
    /// The entry's timestamp.
    pub keyframe_pts_us: u64,
    /// The block the entry leads to; absent if it leads to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_index: Option<u64>,
    /// What the entry's offset was taken to mean.
    pub meaning: Option<Meaning>,
    /// The track whose table or blocks were used; absent if SEEK was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track: Option<String>,
    /// Blocks to decode for what is shown at the timestamp.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<Vec<u64>>,
    /// The track has no table, or one that leads elsewhere; its blocks were searched.
    #[serde(skip_serializing_if = "is_false")]
    pub scanned: bool,
    /// The timestamp is before the first entry, which is used anyway.
    #[serde(skip_serializing_if = "is_false")]
    pub before_first: bool,
    /// Bytes were lost before the block or one of the chain, whose indices may be too low.
    #[serde(skip_serializing_if = "is_false")]
    pub provisional: bool,
    /// The first block whose index may be too low, if the answer names it or a later one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisional_from: Option<u64>,
    /// Blocks of the chain that are known to be damaged; payloads are not read to find more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chain_damaged: Vec<u64>,
}

impl Seek {
    /// What a container answered.
    pub fn new(container: &Container, answer: &SeekAnswer) -> Self {
        Self {
            pts_us: answer.pts_us,
            keyframe_entry_index: answer.entry_index,
            keyframe_pts_us: answer.entry.pts_us,
            block_index: answer.block,
            meaning: answer.meaning,
            track: answer.track.clone(),
            chain: answer.chain.clone(),
            scanned: answer.scanned,
            before_first: answer.before_first,
            provisional: answer.provisional,
            provisional_from: container.first_provisional().filter(|_| answer.provisional),
            chain_damaged: damaged(container, answer.chain.as_deref().unwrap_or_default()),
        }
    }
}

/// Those of a chain that the walk over headers has found damaged.
fn damaged(container: &Container, chain: &[u64]) -> Vec<u64> {
    let walked = container.walked();
    if walked.findings.list().is_empty() {
        return Vec::new();
    }
    let is_damaged = |block: &u64| walked.index.block(*block).is_some_and(|chunk| chunk.state.is_damaged());
    chain.iter().copied().filter(is_damaged).collect()
}
