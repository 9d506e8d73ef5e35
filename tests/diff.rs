//! Differences: each kind of edit is found as what it is, the same both ways, and nothing differs from itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::containers::{audited, container, corpus, mux, mux_chunk, transport};
use h4inspect::core::container::Container;
use h4inspect::core::diff::{ComparedAs, Diff, DiffError, diff};
use h4inspect::core::index::Tag;
use h4inspect::core::pack::{TransportWriter, seek_payload};
use h4inspect::core::salvage::{Settings, salvage};
use h4inspect::core::task::Task;
use proptest::prelude::*;

fn opened(bytes: &[u8]) -> Arc<Container> {
    audited(bytes).container.unwrap()
}

fn differ(before: &[u8], after: &[u8]) -> Diff {
    diff(&opened(before), &opened(after), &Task::default()).unwrap()
}

const META: &str = r#"{"block_size":256,"fps_hint":25.0,"gop":2,"masked":false}"#;

/// A transport container of these stored blocks, a keyframe every second one.
fn of_blocks(blocks: &[Vec<u8>], meta: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = TransportWriter::new(&mut out).unwrap();
    blocks.iter().for_each(|block| _ = writer.block(block).unwrap());
    let rows: Vec<_> = (0..blocks.len() as u64).step_by(2).map(|block| (block * 40_000, block * 256)).collect();
    writer.chunk(*b"SEEK", &seek_payload(&rows)).unwrap();
    writer.chunk(*b"META", meta.as_bytes()).unwrap();
    writer.chunk(*b"SAFE", b"{}").unwrap();
    writer.finish().unwrap();
    out
}

/// A stored block that decodes to 256 bytes.
fn block(value: u8) -> Vec<u8> {
    vec![value, 200, value.wrapping_add(1), 56]
}

fn blocks(values: &[u8]) -> Vec<u8> {
    of_blocks(&values.iter().map(|value| block(*value)).collect::<Vec<_>>(), META)
}

/// Added, removed, changed, moved, retimed.
fn counts(found: &Diff) -> [u64; 5] {
    let blocks = &found.blocks;
    [blocks.added.count(), blocks.removed.count(), blocks.changed.count(), blocks.moved.count(), blocks.retimed.count()]
}

#[test]
fn nothing_differs_from_itself() {
    let made = [("transport".to_owned(), transport(9, 3)), ("mux".to_owned(), mux(13))];
    for (name, bytes) in corpus("reference").into_iter().chain(corpus("damaged")).chain(made) {
        if audited(&bytes).container.is_some() {
            let found = differ(&bytes, &bytes);
            assert!(found.is_same(), "{name}: {found:?}");
            assert_eq!(found.blocks.same, found.blocks.counts.before, "{name}");
        }
    }
}

#[test]
fn files_that_differ_have_a_difference() {
    let files = corpus("damaged");
    let readable: Vec<_> = files.iter().filter(|(_, bytes)| audited(bytes).container.is_some()).collect();
    for (name, before) in &readable {
        for (other, after) in &readable {
            assert_eq!(differ(before, after).is_same(), before == after, "{name} and {other}");
        }
    }
}

#[test]
fn blocks_are_added_removed_changed_and_moved() {
    let before = blocks(&[1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(counts(&differ(&before, &blocks(&[1, 2, 3, 99, 4, 5, 6, 7, 8])))[..4], [1, 0, 0, 0]);
    assert_eq!(counts(&differ(&before, &blocks(&[1, 2, 4, 5, 6, 7, 8])))[..4], [0, 1, 0, 0]);
    assert_eq!(counts(&differ(&before, &blocks(&[1, 2, 3, 99, 5, 6, 7, 8])))[..4], [0, 0, 1, 0]);
    let moved = differ(&before, &blocks(&[1, 3, 4, 5, 6, 2, 7, 8]));
    assert_eq!(counts(&moved)[..4], [0, 0, 0, 1]);
    let pair = &moved.blocks.moved.list()[0];
    assert_eq!((pair.before.block, pair.after.block), (1, 5));
    assert_eq!(moved.blocks.same, 7);
}

#[test]
fn a_changed_block_says_which_bytes() {
    let before = blocks(&[1, 2, 3]);
    let mut changed: Vec<_> = [1, 2, 3].map(block).to_vec();
    changed[1] = vec![2, 100, 9, 1, 2, 99, 3, 56];
    let found = differ(&before, &of_blocks(&changed, META));
    let change = &found.blocks.changed.list()[0];
    assert_eq!(
        (change.blocks.before.block, change.form, change.lens.before, change.lens.after),
        (1, ComparedAs::Decoded, 256, 256)
    );
    let ranges: Vec<_> = change.ranges.list().iter().map(|range| range.before.clone()).collect();
    assert!(ranges.len() == 1 && ranges[0] == (100..101), "{ranges:?}");

    let opaque = r#"{"block_size":256,"compression":{"opaque":true}}"#;
    let files = [[1, 2, 3], [1, 9, 3]].map(|values| of_blocks(&values.map(block), opaque));
    let found = differ(&files[0], &files[1]);
    let change = &found.blocks.changed.list()[0];
    assert_eq!((change.form, change.lens.before, change.ranges.count()), (ComparedAs::Stored, 4, 1));
    // The same bytes in other runs are told apart as they are stored.
    changed[1] = vec![2, 199, 2, 1, 3, 56];
    assert_eq!(differ(&before, &of_blocks(&changed, META)).blocks.changed.list()[0].form, ComparedAs::Stored);
}

#[test]
fn fields_and_entries_are_named() {
    let values: Vec<_> = [1, 2, 3, 4].map(block).to_vec();
    let found = differ(&of_blocks(&values, META), &of_blocks(&values, &META.replace("25.0", "50.0")));
    assert_eq!(found.documents.len(), 1);
    let field = &found.documents[0].fields.list()[0];
    assert_eq!((found.documents[0].tag, field.pointer.as_str()), (Tag::META, "/fps_hint"));
    assert_eq!(field.values.after.as_ref().unwrap().to_string(), "50.0");
    assert_eq!((found.tables.len(), counts(&found)), (0, [0, 0, 0, 0, 3]));
    // VERI covers META, and so differs with it.
    assert_eq!(found.chunks.list().iter().map(|chunk| chunk.tag).collect::<Vec<_>>(), [Tag::VERI]);

    let mut rows = of_blocks(&values, META);
    let at = container(&audited(&rows)).index().first(Tag::SEEK).unwrap().payload_offset() as usize;
    rows[at + 4 + 16 + 7] += 1;
    let crc = crc32fast::hash(&rows[at..at + 36]).to_be_bytes();
    rows[at - 4..at].copy_from_slice(&crc);
    let found = differ(&of_blocks(&values, META), &rows);
    assert_eq!((found.tables[0].added.count(), found.tables[0].removed.count()), (1, 1));
    assert!(found.blocks.is_same(), "by the frame rate, every block is shown when it was");
}

#[test]
fn offsets_that_follow_their_block_are_said_to() {
    let found = differ(&blocks(&[1, 2, 3, 4, 5, 6]), &blocks(&[9, 9, 1, 2, 3, 4, 5, 6]));
    assert_eq!(counts(&found), [2, 0, 0, 0, 0]);
    assert!(found.tables[0].changed.is_empty());
    let files = corpus("damaged");
    let file = |name: &str| files.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.clone());
    let (Some(chunk), Some(payload)) = (file("seek-meaning-chunk.h4mk"), file("seek-meaning-payload.h4mk")) else {
        return;
    };
    let found = differ(&chunk, &payload);
    let table = &found.tables[0];
    assert_ne!(table.meanings.before, table.meanings.after);
    assert!(table.changed.count() == 3 && table.changed.list().iter().all(|change| change.same_block));
}

#[test]
fn damage_alone_is_a_difference_of_integrity() {
    let clean = transport(4, 2);
    let mut bytes = clean.clone();
    let at = container(&audited(&clean)).index().block(2).unwrap().offset() as usize;
    bytes[at + 11] ^= 1;
    let found = differ(&clean, &bytes);
    assert_eq!((counts(&found), found.blocks.integrity.count(), found.is_same()), ([0; 5], 1, false));
}

#[test]
fn layouts_are_compared_by_content() {
    let audit = audited(&mux(13));
    let mux = container(&audit);
    let content = |block| mux.stored(block).unwrap().bytes.to_vec();
    let stored: Vec<_> = (0..13).map(content).collect();
    let found = differ(&of_blocks(&stored, META), &crate::support::containers::mux(13));
    assert_eq!((found.header[0].field, found.blocks.same), ("layout", 13));
    assert_eq!(counts(&found)[..4], [0; 4]);
}

#[test]
fn a_salvaged_file_lacks_what_was_dropped() {
    let clean = mux(13);
    let mut bytes = clean.clone();
    let at = container(&audited(&clean)).index().block(4).unwrap().payload_offset() as usize;
    bytes[at + 9..at + 12].fill(0xee);
    let mut out = Vec::new();
    salvage(&audited(&bytes), &Settings::default(), &mut out, &Task::default()).unwrap();
    let found = differ(&clean, &out);
    assert_eq!(counts(&found), [0, 1, 0, 0, 0]);
    assert!(found.tables.iter().flat_map(|table| table.changed.list()).all(|change| change.same_block));
}

/// Were a track looked for among all of them, this would take minutes.
#[test]
fn time_does_not_grow_with_the_square_of_the_tracks() {
    const TRACKS: u16 = 30_000;
    let of_tables = |pts_ms: u32| {
        let mut out = b"H4MK\x01\0\0\0\0\0\0\0\0\0\0\0".to_vec();
        for track in 0..TRACKS {
            let [low, high] = track.to_le_bytes();
            let row = [pts_ms.to_le_bytes(), [0; 4]].concat();
            let head = [b'H', b'4', b'T', b'S', low, high, 0, 0, b'H', b'4', b'S', b'K', 1, 0, 0, 0];
            out.extend(mux_chunk(b"TSEK", 0, &[&head, row.as_slice()].concat()));
        }
        out
    };
    let begun = Instant::now();
    let found = differ(&of_tables(1), &of_tables(2));
    assert_eq!((found.tables.len(), found.chunks.count()), (usize::from(TRACKS), 0));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_cancelled_job_stops() {
    let (container, task) = (opened(&transport(4, 2)), Task::default());
    task.cancel();
    assert!(matches!(diff(&container, &container, &task), Err(DiffError::Cancelled(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn both_ways_count_the_same(
        before in prop::collection::vec(0..12u8, 0..30), after in prop::collection::vec(0..12u8, 0..30)
    ) {
        let (there, back) = (differ(&blocks(&before), &blocks(&after)), differ(&blocks(&after), &blocks(&before)));
        let [added, removed, rest @ ..] = counts(&there);
        let [back_added, back_removed, back_rest @ ..] = counts(&back);
        prop_assert_eq!((added, removed, rest), (back_removed, back_added, back_rest));
        let found = &there.blocks;
        let accounted = found.same + found.changed.count() + found.moved.count();
        prop_assert_eq!(accounted + removed, before.len() as u64);
        prop_assert_eq!(accounted + added, after.len() as u64);
        prop_assert_eq!(there.is_same(), before == after);
    }
}
