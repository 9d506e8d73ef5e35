//! `seek` in containers with one track: which blocks a time needs, and what lost bytes leave certain of that.

use serde_json::{Value, json};

use crate::builder::{Offsets, Transport, audited, faults, meta, span, spans, table};
use crate::support::{json_of, sample};

fn seek(bytes: &[u8], time: &str) -> Value {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    json_of(0, &["seek", file.path().to_str().unwrap(), time, "--json"])
}

/// The file with zeros in the place of a block's chunk.
fn without(bytes: &[u8], block: usize) -> Vec<u8> {
    let whole = span(bytes, b"CORE", block).whole;
    let mut bytes = bytes.to_vec();
    bytes[whole].fill(0);
    bytes
}

const FRAME_US: u64 = 40_000;

#[test]
fn places_in_the_file_settle_numbers_after_lost_bytes() {
    for offsets in [Offsets::Chunk, Offsets::Payload] {
        let file = Transport::new(12).with(|t| {
            (t.offsets, t.gop) = (offsets, 3);
            t.meta = meta(r#""block_size":256,"fps_hint":25.0,"gop":3"#);
        });
        let file = file.build();
        for lost in [1, 2, 4, 5, 7, 8] {
            let holed = without(&file, lost);
            for block in 0..12usize {
                let keyframe = block / 3 * 3;
                let found = |block: usize| block - usize::from(block > lost);
                let expected: Vec<_> = (keyframe..=block).filter(|block| *block != lost).map(found).collect();
                let answer = seek(&holed, &(block as u64 * FRAME_US).to_string());
                let what = format!("{} without block {lost}: block {block}: {answer}", offsets.name());
                let said = (&answer["block_index"], &answer["chain"], answer.get("provisional_from"));
                assert_eq!(said, (&json!(found(keyframe)), &json!(expected), None), "{what}");
            }
            assert_eq!(seek(&holed, "#10")["pts_us"], json!(11 * FRAME_US), "the last block by its time");
        }
        // No entry leads to what follows.
        let answer = seek(&without(&file, 10), &(11 * FRAME_US).to_string());
        assert_eq!((&answer["chain"], &answer["provisional_from"]), (&json!([9, 10]), &json!(10)), "{answer}");
    }
}

#[test]
fn cipher_counters_settle_numbers_after_lost_bytes() {
    let file = std::fs::read(sample("encrypted.h4mk")).unwrap();
    for lost in [1, 5, 7] {
        let holed = without(&file, lost);
        for (keyframe, time) in [(4u64, "133332"), (8, "266664")] {
            let found = keyframe - u64::from(keyframe > lost as u64);
            let answer = seek(&holed, time);
            assert_eq!((&answer["block_index"], &answer["chain"]), (&json!(found), &json!([found])), "{answer}");
            assert_eq!(answer.get("provisional"), None, "{answer}");
        }
    }
    // A keyframe that is lost is not there, however certain all others are.
    let answer = seek(&without(&file, 4), "133332");
    assert_eq!((answer.get("block_index"), answer.get("chain")), (None, None), "{answer}");
}

#[test]
fn nothing_settles_numbers_that_nothing_counts() {
    let holed = without(&Transport::new(12).build(), 5);
    let answer = seek(&holed, &(8 * FRAME_US).to_string());
    assert_eq!(answer.get("block_index"), None, "an offset into the decoded stream leads past the loss: {answer}");
}

#[test]
fn chains_begin_at_keyframes_and_end_at_the_time() {
    let file = Transport::new(7).build();
    for (time, chain) in [("0", &[0][..]), ("79999", &[0, 1]), ("80000", &[2]), ("120000", &[2, 3]), ("9s", &[6])] {
        assert_eq!(seek(&file, time)["chain"], json!(chain), "{time}");
    }
    // Before the first entry there is nothing to decode, also where the time of blocks is not known.
    let late = |fields: &str| {
        Transport::new(4).with(|t| (t.seek, t.meta) = (Some(table(&[(90, 0), (300, 512)])), meta(fields)))
    };
    for fields in [r#""block_size":256"#, r#""block_size":256,"fps_hint":25.0"#] {
        let file = late(fields).build();
        assert_eq!((&seek(&file, "0")["chain"], &seek(&file, "90")["chain"]), (&json!([]), &json!([0])), "{fields}");
        assert_eq!(seek(&file, "300")["chain"], json!([2]));
    }
}

#[test]
fn one_wrong_timestamp_is_one_finding() {
    let right: Vec<(u64, u64)> = (0..6).map(|rank| (rank * 2 * FRAME_US, rank * 512)).collect();
    for fields in [
        r#""block_size":256,"fps_hint":25.0,"gop":2"#,
        r#""block_size":256,"gop":2"#,
        r#""block_size":256,"fps_hint":25.0"#,
    ] {
        for at in 0..6 {
            for wrong in [0, 1, 70_000, 90_000, 1 << 40, u64::MAX] {
                let mut entries = right.clone();
                entries[at].0 = wrong;
                let file =
                    Transport::new(12).with(|t| (t.seek, t.meta) = (Some(table(&entries)), meta(fields))).build();
                let found = faults(&audited(&file));
                assert!(found.len() <= 1, "entry {at} at {wrong} with {fields}: {found:?}");
                assert!(entries.is_sorted() || found == ["seek-unsorted"], "entry {at} at {wrong}: {found:?}");
            }
        }
    }
    // Another fault is another finding.
    let mut entries = right;
    (entries[2].0, entries[4].0) = (0, entries[4].0 + 1);
    let file = Transport::new(12).with(|t| t.seek = Some(table(&entries))).build();
    assert_eq!(faults(&audited(&file)), ["seek-unsorted", "seek-gop-mismatch"]);
}

#[test]
fn entries_after_a_chunk_that_was_cut_out_are_moved_and_not_wrong() {
    for offsets in [Offsets::Chunk, Offsets::Payload] {
        let file = Transport::new(12).with(|t| {
            t.offsets = offsets;
            (0u8..)
                .zip(&mut t.blocks)
                .for_each(|(at, block)| *block = crate::builder::rle(256 * (1 + usize::from(at % 5)), at));
            t.meta = meta(r#""fps_hint":25.0,"gop":2"#);
        });
        let file = file.build();
        let cores: Vec<_> = spans(&file).into_iter().filter(|span| &span.tag == b"CORE").collect();
        for span in &cores[1..8] {
            let cut = [&file[..span.whole.start], &file[span.whole.end..]].concat();
            let found = faults(&audited(&cut));
            assert!(!found.contains(&"seek-unresolved"), "{}: {found:?}", offsets.name());
            assert!(found.contains(&"veri-mismatch"));
        }
    }
}

/// Offsets of the other meanings lead somewhere by chance once a chunk was taken out.
#[test]
fn a_chunk_that_was_cut_out_does_not_change_what_offsets_mean() {
    for offsets in [Offsets::Stored, Offsets::Chunk, Offsets::Payload] {
        for (first, step) in [(1, 1), (3, 2), (4, 1), (2, 3), (7, 5)] {
            let file = Transport::new(13).with(|t| {
                (t.offsets, t.gop, t.veri) = (offsets, 3, crate::builder::Veri::Absent);
                t.meta = meta(r#""block_size":512,"fps_hint":25.0,"gop":3"#);
                // Sizes that differ, of runs so short that offsets of different meanings meet.
                let sizes = (0..13).map(|at| first + step * at);
                t.blocks = sizes.map(|pairs| [7, 1].repeat(pairs - 1).into_iter().chain([9, 200]).collect()).collect();
            });
            let file = file.build();
            // From two entries on, the distance they are off by says something.
            for lost in 1..9 {
                let whole = span(&file, b"CORE", lost).whole;
                let answer = seek(&[&file[..whole.start], &file[whole.end..]].concat(), "0");
                let what = format!("{} without block {lost} of {first} + {step}n: {answer}", offsets.name());
                assert_eq!((&answer["meaning"], &answer["block_index"]), (&json!(offsets.name()), &json!(0)), "{what}");
            }
        }
    }
}

/// The gap itself leaves no trace in the file: no bytes are lost, and all CRCs are right.
#[test]
fn blocks_that_are_gone_without_a_trace_are_counted_all_the_same() {
    let file = std::fs::read(sample("encrypted.h4mk")).unwrap();
    let blocks = spans(&file).iter().filter(|span| &span.tag == b"CORE").count();
    let cut = |file: &[u8], lost: usize| {
        let whole = span(file, b"CORE", lost).whole;
        [&file[..whole.start], &file[whole.end..]].concat()
    };
    for lost in 0..blocks - 1 {
        let (holed, zeroed) = (cut(&file, lost), without(&file, lost));
        for (keyframe, time) in [(0, "0"), (4, "133332"), (8, "266664")].into_iter().filter(|(k, _)| *k < blocks) {
            let answer = seek(&holed, time);
            let found = json!(keyframe - usize::from(keyframe > lost));
            let expected = if keyframe == lost { None } else { Some(&found) };
            assert_eq!(answer.get("block_index"), expected, "without block {lost}: {answer}");
            assert_eq!(answer.get("provisional_from"), None, "{answer}");
            let seen = seek(&zeroed, time);
            assert_eq!((&answer["chain"], &answer["block_index"]), (&seen["chain"], &seen["block_index"]), "{answer}");
        }
    }
    let (first, second) = (1, 5);
    let twice = cut(&cut(&file, second), first);
    assert_eq!(seek(&twice, "266664")["block_index"], json!(6));
    assert_eq!(seek(&twice, "133332")["block_index"], json!(3));
}
