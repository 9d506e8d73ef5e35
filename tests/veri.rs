//! VERI as JSON: what it says that it covers is what is computed, and nothing else verifies.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::builder::{self, Mux, Transport, Veri, faults, flipped, rle, span};
use crate::support::samples::{self, Export};
use h4inspect::core::audit::audit;
use h4inspect::core::block::Form;
use h4inspect::core::codec::engine::{Engine, EngineError, Engines};
use h4inspect::core::container::{Container, Options};
use h4inspect::core::meta::Compression;
use h4inspect::core::secret::Secret;
use h4inspect::core::source::Source;
use h4inspect::core::task::Task;
use h4inspect::core::veri::{Coverage, Scheme, Status, Verification};
use h4inspect::core::walk::Depth;
use sha2::{Digest, Sha256};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest(parts: &[Vec<u8>]) -> String {
    hex(&Sha256::digest(parts.concat()))
}

fn opened(bytes: &[u8], options: &Options) -> Container {
    let source = Arc::new(Source::from_bytes("x", bytes.to_vec()));
    Container::read(source, options.clone(), Depth::Headers, &Task::default()).unwrap()
}

/// What `verify` finds out, which must be what an audit does.
fn verified_with(bytes: &[u8], options: &Options) -> Verification {
    let alone = opened(bytes, options).recompute_veri(&Task::default()).unwrap();
    let source = Arc::new(Source::from_bytes("x", bytes.to_vec()));
    let audit = audit(&source, options, &Task::default()).unwrap();
    assert_eq!(alone, audit.verification);
    assert!(audit.complete || alone.status != Status::Verified);
    let code = match alone.status {
        Status::Mismatch => Some("veri-mismatch"),
        Status::Unsupported => Some("veri-unsupported"),
        _ => None,
    };
    let said = builder::codes(&audit);
    let of_veri = |code: &&&str| code.starts_with("veri-");
    assert_eq!(said.iter().find(of_veri).copied(), code, "{alone:?}");
    alone
}

fn verified(bytes: &[u8]) -> Verification {
    verified_with(bytes, &Options::default())
}

fn status(bytes: &[u8]) -> Status {
    verified(bytes).status
}

/// A transport container with another VERI.
fn with_veri(file: &[u8], veri: &str) -> Vec<u8> {
    let old = span(file, b"VERI", 0);
    [&file[..old.whole.start], &builder::chunk(b"VERI", veri.as_bytes())].concat()
}

fn json(digest: &str, covers: &str) -> String {
    format!(r#"{{"sha256":"{digest}","covers":"{covers}"}}"#)
}

fn prefix_of(file: &[u8], from: usize) -> String {
    hex(&Sha256::digest(&file[from..span(file, b"VERI", 0).whole.start]))
}

#[test]
fn every_known_coverage_is_computed_as_it_is_declared() {
    let transport = Transport::new(5);
    let file = transport.build();
    let payload = |tag: &[u8; 4]| file[span(&file, tag, 0).payload].to_vec();
    let payloads = [transport.blocks.concat(), payload(b"SEEK"), payload(b"META"), payload(b"SAFE")];
    let decoded: Vec<u8> = transport.blocks.concat().chunks(2).flat_map(|p| vec![p[0]; p[1].into()]).collect();
    let right = [
        ("prefix", prefix_of(&file, 8)),
        ("payloads", digest(&payloads)),
        ("stored blocks", digest(&transport.blocks)),
        ("decoded blocks", digest(&[decoded])),
    ];
    for (name, digest) in &right {
        for (other, wrong) in &right {
            let expected = if name == other { Status::Verified } else { Status::Mismatch };
            let found = verified(&with_veri(&file, &json(wrong, name)));
            assert_eq!((found.status, found.scheme), (expected, Some(Scheme::Json)), "{name} by {other}");
        }
        let [upper, joined, dashed] = [name.to_uppercase(), name.replace(' ', "_"), name.replace(' ', "--")];
        for spelled in [upper, joined, dashed, format!(" {name}")] {
            assert_eq!(status(&with_veri(&file, &json(digest, &spelled))), Status::Verified, "{spelled}");
        }
        for key in ["covers", "coverage", "scope", "over"] {
            let veri = format!(r#"{{"algorithm":"SHA-256","digest":"{digest}","{key}":"{name}"}}"#);
            assert_eq!(status(&with_veri(&file, &veri)), Status::Verified, "{key}");
        }
    }
}

#[test]
fn a_coverage_that_is_not_known_is_unsupported_even_where_the_digest_fits_something() {
    let file = Transport::new(3).build();
    let right = prefix_of(&file, 8);
    for covers in ["\"everything\"", "\"\"", "\"track x\"", "\"prefix and more\"", "[\"prefix\"]", "{}", "1", "true"] {
        let veri = format!(r#"{{"sha256":"{right}","covers":{covers}}}"#);
        let found = verified(&with_veri(&file, &veri));
        assert_eq!((found.status, found.scheme), (Status::Unsupported, Some(Scheme::Json)), "{covers}");
    }
    let silent = |digest: &str| with_veri(&file, &format!(r#"{{"sha256":"{digest}","covers":null}}"#));
    assert_eq!(verified(&silent(&right)).coverage, Some(Coverage::Prefix));
    assert_eq!(verified(&silent(&prefix_of(&file, 0))).coverage, Some(Coverage::WholePrefix));
    assert_eq!(status(&silent(&"ab".repeat(32))), Status::Unsupported);
}

#[test]
fn an_algorithm_that_is_not_known_is_unsupported() {
    let file = Transport::new(3).build();
    for veri in [
        r#"{"algorithm":"blake3","digest":"q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k="}"#,
        r#"{"algorithm":"blake3","digest":"ab"}"#,
        r#"{"algorithm":"whatever","hash":[1,2]}"#,
        r#"{"blake2b":"é"}"#,
    ] {
        let found = verified(&with_veri(&file, veri));
        assert_eq!((found.status, found.scheme), (Status::Unsupported, Some(Scheme::Json)), "{veri}");
    }
    let sha512 = hex(&sha2::Sha512::digest(&file[8..span(&file, b"VERI", 0).whole.start]));
    let veri = format!(r#"{{"algorithm":"sha-512","sha512":"{sha512}"}}"#);
    assert_eq!(verified(&with_veri(&file, &veri)).algorithm.as_deref(), Some("sha512"));
}

#[test]
fn tracks_are_told_apart() {
    let mux = Mux::new(4);
    let of = |track: u16| digest(&mux.blocks.iter().filter(|b| b.0 == track).map(|b| b.3.clone()).collect::<Vec<_>>());
    let all = digest(&mux.blocks.iter().map(|b| b.3.clone()).collect::<Vec<_>>());
    let file = |veri: String| mux.clone().with(|m| m.veri = Some(veri.into_bytes())).build();
    for (covers, digest, expected) in [
        ("track 1", of(1), Status::Verified),
        ("Track-2", of(2), Status::Verified),
        ("track_02", of(2), Status::Verified),
        ("track 1", of(2), Status::Mismatch),
        ("track 7", of(1), Status::Mismatch),
        ("stored blocks", all.clone(), Status::Verified),
        ("decoded blocks", all.clone(), Status::Verified),
        ("decoded blocks", of(1), Status::Mismatch),
    ] {
        assert_eq!(status(&file(json(&digest, covers))), expected, "{covers}");
    }
    let silent = |digest: &str| verified(&file(format!(r#"{{"sha256":"{digest}"}}"#))).coverage;
    assert_eq!([&of(2), &all].map(|digest| silent(digest)), [Some(Coverage::TrackBlocks(2)), Some(Coverage::Blocks)]);

    let block = |track: &str, value| samples::TrackBlock {
        track: track.to_owned(),
        pts_us: u64::from(value) * 1000,
        kind: 'I',
        raw: vec![value; 256],
    };
    let file = samples::tracks("t", &[block("v", 1), block("a-1", 2), block("v", 3)]);
    let stored: Vec<_> = (0..3).map(|b| opened(&file, &Options::default()).stored(b).unwrap().bytes.to_vec()).collect();
    let of_v = digest(&[stored[0].clone(), stored[2].clone()]);
    assert_eq!(status(&with_veri(&file, &json(&of_v, "track v"))), Status::Verified);
    assert_eq!(status(&with_veri(&file, &json(&of_v, "track a-1"))), Status::Mismatch);
    assert_eq!(status(&with_veri(&file, &json(&of_v, "track w"))), Status::Unsupported);
}

#[test]
fn a_digest_of_no_bytes_verifies_nothing() {
    let nothing = digest(&[]);
    let silent = format!(r#"{{"sha256":"{nothing}"}}"#);
    let file = Transport::new(3).build();
    let empty = Transport::new(0).with(|t| t.blocks = vec![vec![]; 3]).build();
    let after = Transport::new(2).with(|t| {
        t.order.rotate_right(1);
        t.veri = Veri::Raw(Sha256::digest([]).to_vec());
    });
    assert_eq!(status(&after.build()), Status::Mismatch, "a VERI before everything");
    for file in [&file, &empty] {
        assert_eq!(status(&with_veri(file, &silent)), Status::Mismatch);
        for covers in ["prefix", "stored blocks", "decoded blocks", "track 1", "whatever"] {
            assert_eq!(status(&with_veri(file, &json(&nothing, covers))), Status::Mismatch, "{covers}");
        }
    }
    let mux = |covers: &str| {
        let made = Mux::new(2).with(|m| {
            m.blocks.iter_mut().filter(|block| block.0 == 2).for_each(|block| block.3.clear());
            m.veri = Some(if covers.is_empty() { silent.clone() } else { json(&nothing, covers) }.into_bytes());
        });
        status(&made.build())
    };
    assert_eq!(["", "track 2", "track 9", "stored blocks"].map(mux), [Status::Mismatch; 4]);
    let none = Transport::new(0).build();
    assert_eq!(status(&with_veri(&none, &json(&nothing, "stored blocks"))), Status::Verified);
    assert_eq!(status(&with_veri(&none, &json(&nothing, "decoded blocks"))), Status::Verified);
}

const SECRET: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee5a";
const OTHER: &str = "0000000000000000000000000000000000000000000000000000000000000001";

#[test]
fn decoded_blocks_are_read_as_far_as_the_keys_go() {
    let raw: Vec<Vec<u8>> = (0..6u8).map(|block| vec![block; 512]).collect();
    let [secret, other] = [SECRET, OTHER].map(|hex| Arc::new(Secret::from_hex(hex).unwrap()));
    let plain = Export::plain(&raw, 512);
    let masked = Export { mask_key: Some(&secret), ..Export::plain(&raw, 512) };
    let encrypted = Export { shared_secret: Some(&secret), ..Export::plain(&raw, 512) };
    let both =
        Export { mask_key: Some(&secret), ..Export { shared_secret: Some(&secret), ..Export::plain(&raw, 512) } };
    let none = Options::default();
    let unmasking = Options { mask_key: Some(secret.clone()), ..Options::default() };
    let opening = Options { shared_secret: Some(secret.clone()), ..Options::default() };
    let doing_both = Options { mask_key: Some(secret.clone()), ..opening.clone() };
    let wrong_secret = Options { shared_secret: Some(other.clone()), ..Options::default() };
    let wrong_mask = Options { mask_key: Some(other), ..Options::default() };
    for (name, export, options, expected) in [
        ("plain", &plain, &none, Status::Verified),
        ("masked", &masked, &none, Status::Unsupported),
        ("masked, key", &masked, &unmasking, Status::Verified),
        ("masked, other key", &masked, &wrong_mask, Status::Mismatch),
        ("encrypted", &encrypted, &none, Status::Unsupported),
        ("encrypted, key", &encrypted, &opening, Status::Verified),
        ("encrypted, other key", &encrypted, &wrong_secret, Status::Unsupported),
        ("both", &both, &none, Status::Unsupported),
        ("both, one key", &both, &opening, Status::Unsupported),
        ("both, both keys", &both, &doing_both, Status::Verified),
    ] {
        let file = with_veri(&export.write(), &json(&digest(&raw), "decoded blocks"));
        let found = verified_with(&file, options);
        assert_eq!((found.status, found.complete), (expected, expected != Status::Unsupported), "{name}: {found:?}");
        let wrong = with_veri(&export.write(), &json(&digest(&raw[1..]), "decoded blocks"));
        let expected = if expected == Status::Verified { Status::Mismatch } else { expected };
        assert_eq!(verified_with(&wrong, options).status, expected, "{name}");
    }
}

/// Blocks without anything to read them in parts.
struct Inverter;

impl Engine for Inverter {
    fn name(&self) -> &'static str {
        "inverter"
    }

    fn matches(&self, compression: &Compression) -> bool {
        compression.engine.as_deref() == Some("core")
    }

    fn decode(&self, stored: &[u8], limit: u64) -> Result<Vec<u8>, EngineError> {
        EngineError::check_len(stored.len() as u64, limit)?;
        Ok(stored.iter().map(|byte| !byte).collect())
    }
}

#[test]
fn decoded_blocks_need_an_engine_and_keep_to_the_limit() {
    let raw: Vec<Vec<u8>> = (0..4u8).map(|block| vec![block; 512]).collect();
    let opaque = Export { opaque: true, ..Export::plain(&raw, 512) }.write();
    let inverted: Vec<Vec<u8>> = raw.iter().map(|block| block.iter().map(|byte| !byte).collect()).collect();
    let file = with_veri(&opaque, &json(&digest(&inverted), "decoded blocks"));
    let engines = Engines::default().with(Arc::new(Inverter));
    for (options, expected) in [
        (Options::default(), Status::Unsupported),
        (Options { engines: engines.clone(), ..Options::default() }, Status::Verified),
        (Options { engines, max_block_size: 511, ..Options::default() }, Status::Unsupported),
    ] {
        let found = verified_with(&file, &options);
        assert_eq!((found.status, found.complete), (expected, expected == Status::Verified));
    }
    let plain = with_veri(&Export::plain(&raw, 512).write(), &json(&digest(&raw), "decoded blocks"));
    let limited = |max_block_size| verified_with(&plain, &Options { max_block_size, ..Options::default() });
    assert_eq!([511, 512].map(|limit| limited(limit).status), [Status::Unsupported, Status::Verified]);
}

#[test]
fn long_blocks_are_decoded_in_windows() {
    let stored = [7u8, 255].repeat(40_000);
    let transport = Transport::new(1).with(|t| (t.blocks, t.meta) = (vec![stored; 3], builder::meta("")));
    let expected = hex(&Sha256::digest(vec![7u8; 3 * 255 * 40_000]));
    let file = with_veri(&transport.build(), &json(&expected, "decoded blocks"));
    let task = Task::default();
    assert_eq!(opened(&file, &Options::default()).recompute_veri(&task).unwrap().status, Status::Verified);
    assert_eq!(task.progress().0, 3 * 80_000, "progress counts stored bytes");
    task.cancel();
    assert!(opened(&file, &Options::default()).recompute_veri(&task).is_err());
}

#[test]
fn blocks_that_do_not_decode_are_not_what_was_digested() {
    let odd = Transport::new(3).with(|t| t.blocks[1].push(1));
    assert_eq!(
        status(&with_veri(&odd.build(), &json(&digest(&[]).replace('e', "f"), "decoded blocks"))),
        Status::Mismatch
    );
    // Without META, nobody knows that they are run lengths, unless the digest says so.
    let clean = Transport::new(3).with(|t| t.meta = b"{".to_vec());
    let container = opened(&clean.build(), &Options::default());
    let content: Vec<_> = (0..3).map(|b| container.block_bytes(b, Form::Decoded).unwrap().1.bytes).collect();
    let of = |digest: &str| status(&with_veri(&clean.build(), &json(digest, "decoded blocks")));
    assert_eq!((of(&digest(&content)), of(&digest(&content[1..]))), (Status::Verified, Status::Unsupported));
}

#[test]
fn a_damaged_veri_counts_by_what_it_says_and_a_cut_one_says_nothing() {
    let file = Transport::new(3).build();
    for file in [file.clone(), with_veri(&file, &format!(r#"{{"sha256":"{}"}}"#, prefix_of(&file, 8)))] {
        let veri = span(&file, b"VERI", 0);
        let damaged = flipped(&file, veri.whole.start + 9, 3);
        let audit = builder::audited(&damaged);
        assert_eq!((audit.verification.status, faults(&audit)), (Status::Verified, vec!["chunk-crc-mismatch"]));
        let wrong = builder::audited(&flipped(&damaged, veri.payload.start + 20, 0));
        assert!(wrong.verification.status != Status::Verified);
        for cut in [1, veri.payload.len() - 1] {
            let audit = builder::audited(&file[..file.len() - cut]);
            assert_eq!((audit.verification.status, faults(&audit)), (Status::Malformed, vec!["chunk-truncated"]));
        }
    }
}

#[test]
fn as_many_tracks_as_there_can_be_take_one_pass() {
    let veri = format!(r#"{{"sha256":"{}"}}"#, "ab".repeat(32));
    let made = Mux::new(0).with(|m| {
        m.blocks = (0..32_000u16).map(|track| (track, 0, 0, builder::noise(64, track.into()))).collect();
        m.veri = Some(veri.into_bytes());
    });
    let container = opened(&made.build(), &Options::default());
    let started = Instant::now();
    assert_eq!(container.recompute_veri(&Task::default()).unwrap().status, Status::Unsupported);
    // A pass for each track would look at a thousand million chunks.
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    let digest = hex(&Sha256::digest(builder::noise(64, 31_999)));
    let made = made.with(|m| m.veri = Some(format!(r#"{{"sha256":"{digest}"}}"#).into_bytes()));
    let found = opened(&made.build(), &Options::default()).recompute_veri(&Task::default()).unwrap();
    assert_eq!(found.coverage, Some(Coverage::TrackBlocks(31_999)));
}

#[test]
fn the_command_ends_as_the_verdict_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.h4mk");
    let file = Transport::new(3).with(|t| t.blocks = vec![rle(256, 3), rle(256, 9)]).build();
    let right = prefix_of(&file, 8);
    let other = r#"{"algorithm":"blake3","digest":"q83v"}"#.to_owned();
    for (veri, ends, said) in [
        (json(&right, "prefix"), 0, "verified"),
        (json(&right, "payloads"), 1, "mismatch"),
        (json(&right, "the moon"), 4, "unsupported"),
        (other, 4, "unsupported"),
        ("{".to_owned(), 1, "malformed"),
    ] {
        std::fs::write(&path, with_veri(&file, &veri)).unwrap();
        let found = crate::support::json_of(ends, &["verify", path.to_str().unwrap(), "--json"]);
        assert_eq!((found["status"].as_str(), found["scheme"].as_str()), (Some(said), Some("json")), "{veri}");
    }
}
