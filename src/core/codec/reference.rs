//! Blocks that the reference writer made, and what they should come to. For tests where the corpus is at hand.

use std::path::PathBuf;

use serde_json::Value;
use sha2::{Digest, Sha256};

/// A transport file of the corpus.
pub(super) struct Reference {
    /// The stored blocks in order.
    pub(super) blocks: Vec<Vec<u8>>,
    /// The file's object in expected.json.
    pub(super) expected: Value,
}

/// `None` without the corpus.
pub(super) fn load(name: &str) -> Option<Reference> {
    let corpus = std::env::var_os("H4_CORPUS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    let file = std::fs::read(corpus.join("reference").join(name)).ok()?;
    let all: Value = serde_json::from_slice(&std::fs::read(corpus.join("expected.json")).ok()?).unwrap();
    let expected = all[name].clone();
    let chunks = expected["chunks"].as_array().unwrap().iter();
    let blocks = chunks.filter(|chunk| chunk["tag"] == "CORE").map(|chunk| {
        let [start, len] = ["payload_offset", "size"].map(|field| chunk[field].as_u64().unwrap() as usize);
        file[start..start + len].to_vec()
    });
    Some(Reference { blocks: blocks.collect(), expected })
}

pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
