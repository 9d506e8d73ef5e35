//! Conformance to the corpus: what the reference implementation wrote and sees, and what an
//! audit must say about damaged files.

use std::path::PathBuf;
use std::sync::Arc;

use h4inspect::core::audit::{Audit, audit};
use h4inspect::core::block::{BlockError, Form, Stage};
use h4inspect::core::container::{Container, Options};
use h4inspect::core::finding::Severity;
use h4inspect::core::hash::{Algorithm, Overlay, hex};
use h4inspect::core::secret::Secret;
use h4inspect::core::source::Source;
use h4inspect::core::task::Task;
use h4inspect::core::walk::Depth;
use serde_json::Value;

use crate::support::corpus;

fn json(path: PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn audited(path: &std::path::Path) -> Audit {
    let source = Arc::new(Source::open(path).unwrap());
    audit(&source, &Options::default(), &Task::default()).unwrap()
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

#[test]
fn damaged_files_get_the_findings_they_must() {
    let corpus = corpus();
    let cases = json(corpus.join("damaged/cases.json"));
    let mut wrong = Vec::new();
    for (name, case) in cases.as_object().unwrap() {
        let audit = audited(&corpus.join("damaged").join(name));
        wrong.extend(differences(&audit, case).into_iter().map(|why| format!("{name}: {why}")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// How an audit differs from what a case demands.
fn differences(audit: &Audit, case: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut must = |right: bool, what: String| {
        if !right {
            wrong.push(what);
        }
    };
    let found: Vec<&str> = audit.findings.list().iter().map(|f| f.code.name()).collect();
    let listed = audit.findings.list();
    let any = strings(&case["verdict_any"]);
    let verdict = audit.verdict.name();
    must(any.contains(&verdict) || any.is_empty() && case["verdict"] == verdict, format!("verdict {verdict}"));
    let demanded = strings(&case["must"]);
    demanded.iter().for_each(|code| must(found.contains(code), format!("lacks {code}")));
    strings(&case["must_not"]).iter().for_each(|code| must(!found.contains(code), format!("has {code}")));
    if case["any_extra"] != true {
        let allowed = strings(&case["any_of"]);
        for finding in listed.iter().filter(|f| f.severity != Severity::Info) {
            let name = finding.code.name();
            must(demanded.contains(&name) || allowed.contains(&name), format!("also {name}: {}", finding.message));
        }
    }
    let any_of = strings(&case["any_of"]);
    must(any_of.is_empty() || any_of.iter().any(|code| found.contains(code)), format!("none of {any_of:?}"));
    for (code, offset) in case["at"].as_object().into_iter().flatten() {
        let at: Vec<u64> = listed.iter().filter(|f| f.code.name() == code).map(|f| f.offset).collect();
        must(at.contains(&offset.as_u64().unwrap()), format!("{code} at {at:?}, not {offset}"));
    }
    for (code, count) in case["count"].as_object().into_iter().flatten() {
        let got = found.iter().filter(|found| *found == code).count();
        must(count == got, format!("{got} × {code}, not {count}"));
    }
    if let Some(flip) = case["flip"].as_object() {
        let right = listed.iter().filter_map(|f| f.flip).any(|f| flip["offset"] == f.offset && flip["bit"] == f.bit);
        must(right, format!("no flip at {flip:?}"));
    }
    must(case["no_flip"] != true || listed.iter().all(|f| f.flip.is_none()), "a flip".to_owned());
    let container = audit.container.as_deref();
    let intact = container.map_or(0, |c| c.index().blocks_intact());
    must(case["blocks_intact"].is_null() || case["blocks_intact"] == intact, format!("{intact} blocks intact"));
    must(case["blocks_intact_min"].as_u64().is_none_or(|min| intact >= min), format!("only {intact} blocks intact"));
    if let Some(container) = container {
        let meaning = container.resolution(h4inspect::core::container::Effort::Full).best.map(|f| f.meaning.name());
        must(
            case["seek_meaning"].is_null() || case["seek_meaning"].as_str() == meaning,
            format!("meaning {meaning:?}"),
        );
        let entries = container.seek_table().map_or(0, |table| table.rows.len());
        must(case["seek_entries"].is_null() || case["seek_entries"] == entries, format!("{entries} entries"));
    }
    let status = audit.verification.status.name();
    let scheme = audit.verification.scheme.map(|scheme| scheme.name());
    must(case["veri_status"].is_null() || case["veri_status"] == status, format!("VERI {status}"));
    must(case["veri_not"].is_null() || case["veri_not"] != status, format!("VERI {status}"));
    must(case["veri_scheme"].is_null() || case["veri_scheme"].as_str() == scheme, format!("scheme {scheme:?}"));
    wrong
}

const READABLE: [&str; 6] = ["basic", "gop30", "real-mp4", "rgb-frames", "tiny", "no-blocks"];

#[test]
fn reference_files_are_seen_as_they_were_written() {
    let corpus = corpus();
    let expected = json(corpus.join("expected.json"));
    for kind in READABLE {
        let name = format!("transport-{kind}.h4mk");
        let (path, expected) = (corpus.join("reference").join(&name), &expected[&name]);
        let source = Arc::new(Source::open(&path).unwrap());
        let container = Container::read(source, Options::default(), Depth::Headers, &Task::default()).unwrap();
        assert_eq!(expected["layout"], container.layout().name());
        let chunks: Vec<Value> = container
            .index()
            .iter()
            .map(|chunk| {
                let crc32 = format!("{:08x}", container.stored_crc(&chunk).unwrap());
                let tag = chunk.tag().to_string();
                serde_json::json!({"tag": tag, "payload_offset": chunk.payload_offset(), "size": chunk.len(), "crc32": crc32})
            })
            .collect();
        assert_eq!(expected["chunks"], Value::Array(chunks), "{name}");
        let seek: Vec<Value> = container
            .seek_table()
            .map(|table| table.rows.iter().map(|e| serde_json::json!([e.pts_us, e.offset])).collect())
            .unwrap_or_default();
        assert_eq!(expected["seek"], Value::Array(seek), "{name}");
        let blocks = (0..container.index().blocks()).map(|i| container.block_bytes(i, Form::Decoded).unwrap().1.bytes);
        let digests: Vec<Value> = blocks.map(|block| hex(&sha256(&block)).into()).collect();
        assert_eq!(expected["decoded_block_sha256"], Value::Array(digests), "{name}");

        let audit = audited(&path);
        let warnings = audit.findings.list().iter().filter(|f| f.severity != Severity::Info);
        let warnings: Vec<_> = warnings.map(|f| f.code.name()).collect();
        let expected: &[&str] = if kind == "no-blocks" { &["no-blocks"] } else { &[] };
        assert_eq!(warnings, expected, "{name}");
        assert_eq!(audit.verification.status.name(), "verified", "{name}");
        assert_eq!(audit.verification.scheme.map(|s| s.name()), Some("prefix"), "{name}");
    }
}

#[test]
fn tracks_are_seen_as_they_were_written() {
    let corpus = corpus();
    let expected = json(corpus.join("expected.json"));
    for name in ["transport-tracks.h4mk", "mux-demo.h4mk", "mux-three-tracks.h4mk"] {
        let (path, expected) = (corpus.join("reference").join(name), &expected[name]);
        let source = Arc::new(Source::open(&path).unwrap());
        let container = Container::read(source, Options::default(), Depth::Headers, &Task::default()).unwrap();
        let tracks = container.tracks().unwrap();
        for (id, rows) in expected["seekm"].as_object().into_iter().flatten() {
            let table = tracks.by_id(id).unwrap().seek_table(&container).unwrap();
            let got: Vec<Value> = table.rows.iter().map(|e| serde_json::json!([e.pts_us, e.offset])).collect();
            assert_eq!(*rows, Value::Array(got), "{name} {id}");
        }
        for (block, core) in (0..).zip(expected["core"].as_array().into_iter().flatten()) {
            let chunk = container.index().block(block).unwrap();
            let (track, info) = tracks.of_block(block).unwrap();
            let opaque = container.stored(block).unwrap().bytes.len();
            let got = serde_json::json!({"chunk_index": chunk.payload_offset(), "track_id": track.id.parse::<u64>().unwrap(),
                "pts_ms": info.pts_us / 1000, "blk": info.kind.name(), "opaque_bytes": opaque});
            assert_eq!(*core, got, "{name} block {block}");
        }
        let chain = |id: &str, pts_us| {
            let blocks = container.seek(pts_us, Some(id)).unwrap().chain.unwrap();
            let payload = |block: &u64| Value::from(container.index().block(*block).unwrap().payload_offset());
            Value::Array(blocks.iter().map(payload).collect())
        };
        for (id, offsets) in expected["chains"].as_object().into_iter().flatten() {
            assert_eq!(*offsets, chain(id, 1_234_000), "{name} {id}");
        }
        if expected["chain_track1_t100"].is_array() {
            assert_eq!(expected["chain_track1_t100"], chain("1", 100_000), "{name}");
        }
        let audit = audited(&path);
        let warnings = audit.findings.list().iter().filter(|f| f.severity != Severity::Info);
        assert_eq!(warnings.map(|f| f.message.as_str()).collect::<Vec<_>>(), [""; 0], "{name}");
    }
}

/// Options with the keys that belong to a file of the corpus.
fn keys(expected: &Value) -> Options {
    let key = |name: &str| expected[name].as_str().map(|hex| Arc::new(Secret::from_hex(hex).unwrap()));
    Options { shared_secret: key("shared_secret_hex"), mask_key: key("master_key_hex"), ..Options::default() }
}

#[test]
fn protected_blocks_come_to_what_their_writer_was_given() {
    let corpus = corpus();
    let expected = json(corpus.join("expected.json"));
    for (name, note) in [("transport-encrypted.h4mk", "block-encrypted"), ("transport-masked.h4mk", "block-masked")] {
        let (path, expected) = (corpus.join("reference").join(name), &expected[name]);
        let open = |options| {
            let source = Arc::new(Source::open(&path).unwrap());
            Container::read(source, options, Depth::Headers, &Task::default()).unwrap()
        };
        let container = open(keys(expected));
        for block in (0..container.index().blocks()).rev() {
            let (stored, content) = container.block_bytes(block, Form::Decoded).unwrap();
            assert_eq!(content.stage, Stage::Plain);
            assert_eq!(expected["plain_block_sha256"][block as usize], hex(&sha256(&content)), "{name} block {block}");
            assert_eq!(container.decoded_len(&stored.chunk), Some(content.len() as u64));
            let window = container.window(block, 100, 1000).unwrap();
            assert_eq!(window.bytes, content[100..content.len().min(1100)], "{name} block {block}");
            assert_eq!((window.stage, window.block_len), (Stage::Plain, content.len() as u64));
        }
        let closed = open(Options::default());
        match closed.block_bytes(0, Form::Decoded) {
            Ok((_, content)) => assert_eq!(content.stage, Stage::Masked),
            Err(error) => assert!(matches!(error, BlockError::Encrypted { block: 0, .. }), "{error}"),
        }

        let source = Arc::new(Source::open(&path).unwrap());
        let codes = |options: &Options| -> Vec<_> {
            let audit = audit(&source, options, &Task::default()).unwrap();
            audit.findings.list().iter().map(|finding| finding.code.name()).collect()
        };
        assert_eq!(codes(&Options::default()), [note], "{name}");
        assert_eq!(codes(&keys(expected)), [""; 0], "{name}");
    }
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    let whole = 0..bytes.len() as u64;
    Algorithm::Sha256.digest(bytes.into(), &Overlay::default(), std::iter::once(whole), &Task::default()).unwrap()
}
