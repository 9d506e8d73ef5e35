//! One count everywhere: what a length hides, and what a damaged tag takes away, is counted the same by every command.

use serde_json::Value;

use crate::builder::{Mux, Offsets, Span, Transport, Veri, flipped, meta, span, spans};
use crate::support::run;

/// What a command says as JSON, however it ends.
fn json(args: &[&str]) -> Value {
    serde_json::from_slice(&run(args).1).unwrap_or_else(|error| panic!("{args:?}: {error}"))
}

/// Commands that count chunks and blocks other than `audit`, which of them read payload, and what they say.
fn differences(bytes: &[u8], headers: bool) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.h4mk");
    std::fs::write(&path, bytes).unwrap();
    let name = path.to_str().unwrap();
    let audit = &json(&["audit", "--format", "json", name])[0];
    let mut wrong = Vec::new();
    let mut same = |command: &str, said: &Value, expected: &Value| {
        if said != expected {
            wrong.push(format!("{command} says {said}, audit {expected}"));
        }
    };
    let rows = |args: &[&str]| {
        let said = json(args);
        let rows = said["chunks"].as_array().unwrap().clone();
        let blocks = rows.iter().filter(|row| !row["block"].is_null()).count();
        let stored = rows.iter().filter(|row| !row["block"].is_null()).filter_map(|row| row["length"].as_u64()).sum();
        (Value::from(rows.len()), Value::from(blocks), stored)
    };
    let (chunks, blocks, stored): (_, _, u64) = rows(&["chunks", "--json", "--check", name]);
    same("chunks --check", &chunks, &audit["chunks"]);
    same("chunks --check of blocks", &blocks, &audit["blocks"]);
    same("info --check", &json(&["info", "--json", "--check", name])["blocks"], &audit["blocks"]);
    same("verify", &json(&["verify", "--json", name])["status"], &audit["veri"]["status"]);
    let out = folder.path().join("raw");
    run(&["unpack", "--raw", name, "--out", out.to_str().unwrap()]);
    let headers_len = if bytes[4] == 1 { 8 * audit["blocks"].as_u64().unwrap() } else { 0 };
    let unpacked = std::fs::metadata(&out).map_or(0, |meta| meta.len());
    same("unpack", &Value::from(unpacked), &Value::from(stored - headers_len));
    if walk_errors(audit) > 0 && damage(&["info", "--check", name]).is_none() {
        same("info --check of damage", &Value::Null, &audit["findings"]);
    }
    if headers {
        let (chunks, blocks, _) = rows(&["chunks", "--json", name]);
        same("chunks", &chunks, &audit["chunks"]);
        same("chunks of blocks", &blocks, &audit["blocks"]);
        same("info", &json(&["info", "--json", name])["blocks"], &audit["blocks"]);
        same("manifest", &json(&["manifest", name])["blocks"], &audit["blocks"]);
    }
    wrong
}

/// Errors in the chain of chunks that an audit found.
fn walk_errors(audit: &Value) -> usize {
    const OF_THE_WALK: [&str; 6] = [
        "chunk-truncated",
        "chunk-crc-mismatch",
        "chunk-length-repaired",
        "chunk-tag-repaired",
        "region-skipped",
        "container-crc-missing",
    ];
    let findings = audit["findings"].as_array().unwrap().iter();
    findings.filter(|finding| OF_THE_WALK.iter().any(|code| finding["code"] == *code)).count()
}

/// The line that `info` says damage in.
fn damage(args: &[&str]) -> Option<String> {
    let text = String::from_utf8(run(args).1).unwrap();
    text.lines().find_map(|line| line.trim().strip_prefix("Damage")).map(|line| line.trim().to_owned())
}

/// The file with a length that leads from the nth chunk over all others before `end`.
pub(crate) fn swallowing(bytes: &[u8], spans: &[Span], nth: usize, end: usize) -> Vec<u8> {
    let (mut bytes, mux) = (bytes.to_vec(), bytes[4] == 1);
    let len = (end - spans[nth].payload.start - if mux { 4 } else { 0 }) as u32;
    let (at, field) = if mux { (8, len.to_le_bytes()) } else { (4, len.to_be_bytes()) };
    bytes[spans[nth].whole.start + at..][..4].copy_from_slice(&field);
    bytes
}

#[test]
fn chunks_that_a_length_hides_are_counted_by_all_commands() {
    let usual = Transport { offsets: Offsets::Index, meta: meta(""), ..Transport::new(3) }.build();
    let first =
        Transport::new(3).with(|t| t.order = [*b"META", *b"SEEK", *b"CORE", *b"SAFE", *b"VERI"].to_vec()).build();
    let mut wrong = Vec::new();
    for bytes in [usual, first, Mux::new(2).build()] {
        let spans = spans(&bytes);
        for nth in 0..spans.len() - 1 {
            for last in [nth + 1, spans.len() - 1] {
                let damaged = swallowing(&bytes, &spans, nth, spans[last].whole.end);
                // Blocks alone can be hidden so well that nothing in the headers shows it.
                let quiet = spans[nth + 1..=last].iter().all(|span| [*b"CORE", *b"NOTE"].contains(&span.tag));
                let differences = differences(&damaged, !quiet);
                wrong.extend(differences.iter().map(|why| format!("{} over {}: {why}", nth, last)));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn chunks_whose_tag_the_digest_restores_are_counted_by_all_commands() {
    for veri in [Veri::Prefix, Veri::Payloads] {
        let bytes = Transport { veri: veri.clone(), ..Transport::new(4) }.build();
        for tag in [b"CORE", b"META", b"SEEK", b"VERI"] {
            let damaged = flipped(&bytes, span(&bytes, tag, 0).whole.start + 2, 3);
            assert_eq!(differences(&damaged, true), [""; 0], "{veri:?} {}", String::from_utf8_lossy(tag));
        }
    }
}

#[test]
fn one_tag_among_several_odd_ones_is_restored_where_all_is_read() {
    let order = [*b"CORE", *b"SEEK", *b"META", *b"NOTD", *b"SAFE", *b"VERI"].to_vec();
    let bytes = Transport { order, ..Transport::new(4) }.build();
    let damaged = flipped(&bytes, span(&bytes, b"CORE", 1).whole.start + 2, 3);
    assert_eq!(differences(&damaged, false), [""; 0]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.h4mk");
    std::fs::write(&path, damaged).unwrap();
    let name = path.to_str().unwrap();
    let blocks = |args: &[&str]| json(args)["blocks"].as_u64();
    assert_eq!(blocks(&["info", "--json", "--check", name]), Some(4));
    assert_eq!(blocks(&["info", "--json", name]), Some(3), "each try costs a digest of the file");
}

#[test]
fn damage_of_every_kind_is_said_and_counted() {
    let mut wrong = Vec::new();
    for bytes in [Transport::new(4).build(), Mux::new(3).build()] {
        let spans = spans(&bytes);
        let block = span(&bytes, b"CORE", 1);
        let swallowed = spans.iter().position(|span| span.whole == block.whole).unwrap();
        let mut hole = bytes.clone();
        hole[block.whole.start..block.payload.start + 2].fill(0);
        let two = flipped(&bytes, span(&bytes, b"CORE", 2).payload.start, 3);
        let mut kinds = vec![
            ("1 wrong CRC", flipped(&bytes, block.payload.start + 1, 2)),
            ("2 wrong CRCs", flipped(&two, block.payload.start + 1, 2)),
            ("cut off", bytes[..block.payload.start + 3].to_vec()),
            ("lost at", hole),
            ("1 wrong length", swallowing(&bytes, &spans, swallowed, spans[swallowed + 1].whole.end)),
        ];
        match bytes[4] {
            1 => kinds.push(("no closing CRC", bytes[..bytes.len() - 4].to_vec())),
            _ => {
                let one = flipped(&bytes, span(&bytes, b"CORE", 1).whole.start + 2, 3);
                kinds.push(("2 wrong tags", flipped(&one, span(&bytes, b"META", 0).whole.start + 1, 1)));
                kinds.push(("1 wrong tag", one));
            }
        }
        for (words, damaged) in kinds {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.h4mk");
            std::fs::write(&path, damaged).unwrap();
            let name = path.to_str().unwrap();
            assert!(walk_errors(&json(&["audit", "--format", "json", name])[0]) > 0, "{words}");
            let said = damage(&["info", "--check", name]);
            let exact = |said: &String| {
                said.split([',', ';']).any(|part| part.trim() == words)
                    || words.ends_with("off") && said.contains(words)
                    || words.ends_with("at") && said.contains(words)
            };
            if !said.as_ref().is_some_and(exact) {
                wrong.push(format!("{words}: {said:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_block_whose_length_hides_others_is_what_it_was() {
    let blocks =
        [Transport { offsets: Offsets::Index, meta: meta(""), ..Transport::new(4) }.build(), Mux::new(3).build()];
    for bytes in blocks {
        let spans = spans(&bytes);
        let cores: Vec<usize> = (0..spans.len()).filter(|at| &spans[*at].tag == b"CORE").collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.h4mk");
        let name = path.to_str().unwrap();
        let ask = |bytes: &[u8], block: usize| {
            std::fs::write(&path, bytes).unwrap();
            let (block, chunk) = (block.to_string(), cores[block].to_string());
            let raw = run(&["block", name, "--raw", &block]).1;
            let chunk = run(&["hex", name, "--chunk", &chunk]).1;
            // The first row holds the header, where the length is.
            let rows: Vec<String> = String::from_utf8(chunk).unwrap().lines().skip(1).map(str::to_owned).collect();
            (raw, run(&["hex", name, "--block", &block]).1, rows)
        };
        for (block, pair) in cores.windows(2).enumerate() {
            let damaged = swallowing(&bytes, &spans, pair[0], spans[pair[1]].whole.end);
            for asked in [block, block + 1, cores.len() - 1] {
                let (whole, mended) = (ask(&bytes, asked), ask(&damaged, asked));
                assert!(!whole.0.is_empty() && !whole.2.is_empty());
                assert_eq!(mended, whole, "block {asked} where {block} hides the next");
            }
            std::fs::write(&path, damaged).unwrap();
            let last = (spans.len() - 1).to_string();
            let out = run(&["unpack", name, "--chunk", &last, "--out", "-"]).1;
            assert_eq!(out, bytes[spans[spans.len() - 1].payload.clone()], "chunk {last} where {block} hides the next");
        }
    }
}

#[test]
fn a_file_without_veri_says_in_plain_words_what_its_crcs_are() {
    let said = |bytes: &[u8]| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.h4mk");
        std::fs::write(&path, bytes).unwrap();
        json(&["verify", "--json", path.to_str().unwrap()])["info"].as_str().unwrap().to_owned()
    };
    let file = |tags: &[[u8; 4]], blocks| Transport { order: tags.to_vec(), ..Transport::new(blocks) }.build();
    assert_eq!(said(&file(&[], 0)), "there is no VERI chunk, nor any other chunk");
    assert_eq!(said(&file(&[*b"CORE"], 1)), "there is no VERI chunk; the CRC of its only chunk is right");
    let two = file(&[*b"CORE"], 2);
    assert_eq!(said(&two), "there is no VERI chunk; the CRCs of all 2 chunks are right");
    let one = flipped(&two, span(&two, b"CORE", 0).payload.start, 0);
    assert_eq!(said(&one), "there is no VERI chunk; its chunks have 1 fault, which an audit names");
    let both = flipped(&one, span(&two, b"CORE", 1).payload.start, 0);
    assert_eq!(said(&both), "there is no VERI chunk; its chunks have 2 faults, which an audit names");
}
