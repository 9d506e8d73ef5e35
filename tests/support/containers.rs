//! Containers made for tests, and those of the corpus.

use std::path::Path;
use std::sync::Arc;

use h4inspect::core::audit::{Audit, audit};
use h4inspect::core::container::{Container, Options};
use h4inspect::core::pack::{Settings, pack};
use h4inspect::core::source::Source;
use h4inspect::core::task::Task;

/// The audit of a file with these bytes.
pub(crate) fn audited(bytes: &[u8]) -> Audit {
    let source = Arc::new(Source::from_bytes("x", bytes.to_vec()));
    audit(&source, &Options::default(), &Task::default()).unwrap()
}

/// The container of an audit.
pub(crate) fn container(audit: &Audit) -> &Container {
    audit.container.as_deref().unwrap()
}

/// A transport container with a block of its own for each index, as the reference writer makes it.
pub(crate) fn transport(blocks: u8, gop: u64) -> Vec<u8> {
    let raw: Vec<u8> = (0..blocks).flat_map(|block| (0..=255u8).map(move |n| n / 16 + block)).collect();
    let mut out = Vec::new();
    let settings = Settings { block_size: 256, gop, ..Settings::default() };
    pack(&mut raw.as_slice(), &mut out, &settings, &Task::default()).unwrap();
    out
}

/// A chunk of a mux container, with its CRC.
pub(crate) fn mux_chunk(tag: &[u8; 4], flags: u32, payload: &[u8]) -> Vec<u8> {
    let mut chunk = [tag.as_slice(), &flags.to_le_bytes(), &(payload.len() as u32).to_le_bytes(), payload].concat();
    chunk.extend(crc32fast::hash(&chunk).to_le_bytes());
    chunk
}

/// A mux container of two tracks with a keyframe every third block.
pub(crate) fn mux(blocks: u32) -> Vec<u8> {
    let mut out = b"H4MK\x01\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    out.extend(mux_chunk(b"TRAK", 0, br#"{"tracks":[{"track_id":1,"name":"a"},{"track_id":2,"name":"b"}]}"#));
    out.extend(mux_chunk(b"META", 0, br#"{"title":"t"}"#));
    let mut tables = [Vec::new(), Vec::new()];
    for block in 0..blocks {
        let (track, pts) = (block % 2 + 1, block * 10);
        let kind = u32::from(block / 2 % 3 != 0);
        if kind == 0 {
            let row = [pts.to_le_bytes(), (out.len() as u32 + 12).to_le_bytes()].concat();
            tables[(track - 1) as usize].push(row);
        }
        let payload = format!("H4TB{}\0\0\0block {block}", track as u8 as char);
        out.extend(mux_chunk(b"CORE", kind << 28 | pts, payload.as_bytes()));
    }
    for (track, rows) in (1u16..).zip(tables) {
        let head = [b"H4TS".as_slice(), &track.to_le_bytes(), b"\0\0H4SK", &(rows.len() as u16).to_le_bytes(), b"\0\0"];
        out.extend(mux_chunk(b"TSEK", 0, &[head.concat(), rows.concat()].concat()));
    }
    out.extend(crc32fast::hash(&out).to_le_bytes());
    out
}

/// Names and bytes of a folder of the corpus.
pub(crate) fn corpus(kind: &str) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(super::corpus().join(kind)).unwrap();
    let containers =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension() == Some("h4mk".as_ref()));
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    containers.map(|path| (name(&path), std::fs::read(&path).unwrap())).collect()
}
