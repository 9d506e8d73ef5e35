//! Offsets and sums beyond 4 GiB, in files that are mostly holes.
#![cfg(unix)]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::builder::*;
use h4inspect::core::container::{Container, Effort, Options};
use h4inspect::core::finding::Code;
use h4inspect::core::layout::Layout;
use h4inspect::core::report::summary::SeekSummary;
use h4inspect::core::seek::Meaning;
use h4inspect::core::source::Source;
use h4inspect::core::task::Task;
use h4inspect::core::walk::{Depth, Walker};
use h4inspect::report::summary::Describe;

const GIB: u64 = 1 << 30;

/// A file of that length which takes no room; `None` where the file system has no holes.
fn sparse(len: u64, parts: &[(u64, &[u8])]) -> Option<tempfile::NamedTempFile> {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(len).ok()?;
    parts.iter().for_each(|(at, bytes)| write(file.as_file(), *at, bytes));
    use std::os::unix::fs::MetadataExt;
    (file.as_file().metadata().unwrap().blocks() < 1 << 12).then_some(file)
}

fn write(file: &File, at: u64, bytes: &[u8]) {
    file.write_all_at(bytes, at).unwrap();
}

fn header(tag: &[u8; 4], len: u32) -> Vec<u8> {
    chunk_with(tag, len, 0, &[])
}

#[test]
fn chunks_of_four_gib_chain_and_their_entries_land() {
    let most = u32::MAX;
    let (first, second) = (8u64, 8 + 12 + u64::from(most));
    let third = second + 12 + u64::from(most);
    let seek = chunk(b"SEEK", &table(&[(0, first), (1, second), (2, third)]));
    let end = third + 12 + 7;
    let parts: [(u64, &[u8]); 5] = [
        (0, b"H4MK\0\x01\0\0"),
        (first, &header(b"CORE", most)),
        (second, &header(b"CORE", most)),
        (third, &header(b"CORE", 7)),
        (end, &seek),
    ];
    let Some(file) = sparse(end + seek.len() as u64, &parts) else { return };
    let source = Arc::new(Source::open(file.path()).unwrap());
    let start = Instant::now();
    let container = Container::read(source, Options::default(), Depth::Headers, &Task::default()).unwrap();
    assert_eq!((container.index().len(), container.index().blocks()), (4, 3));
    assert_eq!(container.index().block(2).map(|chunk| chunk.offset()), Some(third));
    let resolution = container.resolution(Effort::Cheap);
    assert_eq!(resolution.best.map(|fit| (fit.meaning, fit.hits)), Some((Meaning::Chunk, 3)));
    assert_eq!(container.entry_block(2), Some(2));
    assert!(start.elapsed() < Duration::from_secs(5), "headers alone are read");
}

/// Blocks of 200 GiB in all, which would take a minute to read.
#[test]
fn a_lookup_reads_no_block_that_it_does_not_need() {
    let len = u32::MAX - 1;
    let places: Vec<u64> = (0..50).map(|block| 8 + block * (12 + u64::from(len))).collect();
    let header = header(b"CORE", len);
    let end = 8 + 50 * (12 + u64::from(len));
    let block_size = 1u64 << 40;
    for (meta, offsets) in [
        (r#"{"fps_hint":1.0,"gop":1}"#.to_owned(), places.clone()),
        (format!(r#"{{"fps_hint":1.0,"gop":1,"block_size":{block_size}}}"#), (0..50).map(|n| n * block_size).collect()),
    ] {
        let entries: Vec<(u64, u64)> = (0..).step_by(1_000_000).zip(offsets).collect();
        let sidecars = [chunk(b"SEEK", &table(&entries)), chunk(b"META", meta.as_bytes())].concat();
        let mut parts: Vec<(u64, &[u8])> = places.iter().map(|at| (*at, header.as_slice())).collect();
        parts.extend([(0, b"H4MK\0\x01\0\0".as_slice()), (end, &sidecars)]);
        let Some(file) = sparse(end + sidecars.len() as u64, &parts) else { return };
        let source = Arc::new(Source::open(file.path()).unwrap());
        let start = Instant::now();
        let container = Container::read(source, Options::default(), Depth::Headers, &Task::default()).unwrap();
        assert_eq!(container.seek(30_500_000, None).unwrap().block, Some(30));
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
}

#[test]
fn a_length_that_leads_into_a_hole_is_repaired() {
    let block = rle(4096, 5);
    let core = chunk(b"CORE", &block);
    let wrong = chunk_with(b"CORE", block.len() as u32 | 1 << 26, crc32fast::hash(&block), &block);
    let begin = [b"H4MK\0\x01\0\0".as_slice(), &wrong, &core].concat();
    let Some(file) = sparse(5 * GIB, &[(0, &begin), (5 * GIB - core.len() as u64, &core)]) else { return };
    let source = Source::open(file.path()).unwrap();
    let mut walker = Walker::new(Layout::Transport, Depth::Headers);
    // Two chunks: what follows them would mean a search of all of the hole.
    walker.advance(source.bytes(), 2, true);
    assert_eq!(walker.index().len(), 2);
    let walked = walker.finish();
    assert_eq!(walked.findings.count(Code::ChunkLengthRepaired), 1);
}

/// Mux tables hold offsets of 32 bits: what lies beyond is said, since no table can have it.
#[test]
fn keyframes_that_no_table_reaches_are_counted() {
    let far = 16 + 16 + u64::from(u32::MAX - 8);
    let core = mux_chunk(b"CORE", 40, b"H4TB\x01\0\0\0key");
    let long = [b"CORE".as_slice(), &0u32.to_le_bytes(), &(u32::MAX - 8).to_le_bytes(), b"H4TB\x01\0\0\0"].concat();
    let parts: [(u64, &[u8]); 3] = [(0, b"H4MK\x01"), (16, &long), (far, &core)];
    let Some(file) = sparse(far + core.len() as u64 + 4, &parts) else { return };
    let source = Arc::new(Source::open(file.path()).unwrap());
    let container = Container::read(source, Options::default(), Depth::Headers, &Task::default()).unwrap();
    assert_eq!(container.index().block(1).map(|chunk| chunk.offset()), Some(far));
    let summary = SeekSummary::of(&container, Effort::Cheap);
    assert_eq!(summary.out_of_reach, 1);
    assert_eq!(summary.describe(), "no entries; 1 keyframe beyond 4 GiB, out of reach of 32-bit offsets");
}
