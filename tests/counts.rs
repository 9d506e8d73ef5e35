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
    if headers {
        let (chunks, blocks, _) = rows(&["chunks", "--json", name]);
        same("chunks", &chunks, &audit["chunks"]);
        same("chunks of blocks", &blocks, &audit["blocks"]);
        same("info", &json(&["info", "--json", name])["blocks"], &audit["blocks"]);
        same("manifest", &json(&["manifest", name])["blocks"], &audit["blocks"]);
    }
    wrong
}

/// The file with a length that leads from the nth chunk over all others before `end`.
fn swallowing(bytes: &[u8], spans: &[Span], nth: usize, end: usize) -> Vec<u8> {
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
fn a_block_whose_length_hides_others_is_what_it_was() {
    let blocks =
        [Transport { offsets: Offsets::Index, meta: meta(""), ..Transport::new(4) }.build(), Mux::new(3).build()];
    for bytes in blocks {
        let spans = spans(&bytes);
        let cores: Vec<usize> = (0..spans.len()).filter(|at| &spans[*at].tag == b"CORE").collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.h4mk");
        let name = path.to_str().unwrap();
        for (block, pair) in cores.windows(2).enumerate() {
            let block = block.to_string();
            let said = |bytes: &[u8]| {
                std::fs::write(&path, bytes).unwrap();
                let raw = run(&["block", name, "--raw", &block]).1;
                (raw, run(&["hex", name, "--block", &block]).1, run(&["hex", name, "--chunk", &pair[0].to_string()]).1)
            };
            let damaged = swallowing(&bytes, &spans, pair[0], spans[pair[1]].whole.end);
            let (whole, mended) = (said(&bytes), said(&damaged));
            assert!(!whole.0.is_empty());
            assert_eq!((&mended.0, &mended.1), (&whole.0, &whole.1), "block {block}");
            assert_eq!(
                mended.2.iter().filter(|byte| **byte == b'\n').count(),
                whole.2.iter().filter(|b| **b == b'\n').count()
            );
        }
    }
}
