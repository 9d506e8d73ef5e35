//! Blocks that the reference writer made, and what they should come to.

use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

/// A transport file of the corpus.
pub(super) struct Reference {
    /// The stored blocks in order.
    pub(super) blocks: Vec<Vec<u8>>,
    /// The file's object in expected.json.
    pub(super) expected: Value,
}

pub(super) fn load(name: &str) -> Reference {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus");
    let file = std::fs::read(corpus.join("reference").join(name)).unwrap();
    let all: Value = serde_json::from_slice(&std::fs::read(corpus.join("expected.json")).unwrap()).unwrap();
    let expected = all[name].clone();
    let chunks = expected["chunks"].as_array().unwrap().iter();
    let blocks = chunks.filter(|chunk| chunk["tag"] == "CORE").map(|chunk| {
        let [start, len] = ["payload_offset", "size"].map(|field| chunk[field].as_u64().unwrap() as usize);
        file[start..start + len].to_vec()
    });
    Reference { blocks: blocks.collect(), expected }
}

pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
