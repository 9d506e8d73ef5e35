//! Masked and encrypted containers: read with and without keys, whole and in windows, and audited when something is wrong.

use std::sync::Arc;

use crate::support::samples::Export;
use h4inspect::core::audit::{Audit, audit};
use h4inspect::core::block::{BlockError, Form, Stage};
use h4inspect::core::codec::cipher::{Context, Sealer};
use h4inspect::core::container::{Container, Options};
use h4inspect::core::secret::Secret;
use h4inspect::core::source::Source;
use h4inspect::core::task::Task;
use h4inspect::core::walk::Depth;

const SECRET: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee5a";
const MASK_KEY: &str = "dec0de0123456789abcdef0011223344";

fn key(hex: &str) -> Option<Arc<Secret>> {
    Some(Arc::new(Secret::from_hex(hex).unwrap()))
}

fn with_secret(hex: &str) -> Options {
    Options { shared_secret: key(hex), ..Options::default() }
}

/// Blocks of one 256-byte run each.
fn raw(blocks: usize) -> Vec<Vec<u8>> {
    (0..blocks).map(|block| vec![block as u8; 256]).collect()
}

/// An encrypted container whose stored blocks were changed before it was closed: every CRC and VERI are right.
fn encrypted(blocks: usize, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    let (raw, secret) = (raw(blocks), Secret::from_hex(SECRET).unwrap());
    let export = Export { shared_secret: Some(&secret), gop: 1_000_000, ..Export::plain(&raw, 256) };
    let mut stored = export.stored();
    change(&mut stored);
    export.wrap(&stored)
}

fn open(bytes: &[u8], options: Options) -> Container {
    let source = Arc::new(Source::from_bytes("test.h4mk", bytes.to_vec()));
    Container::read(source, options, Depth::Headers, &Task::default()).unwrap()
}

fn audited(bytes: &[u8], options: &Options) -> Audit {
    let source = Arc::new(Source::from_bytes("test.h4mk", bytes.to_vec()));
    audit(&source, options, &Task::default()).unwrap()
}

/// Codes and blocks of all findings but the note that blocks are encrypted.
fn found(bytes: &[u8], options: &Options) -> Vec<(&'static str, u64)> {
    let audit = audited(bytes, options);
    let found = audit.findings.list().iter().map(|finding| (finding.code.name(), finding.block.unwrap_or(u64::MAX)));
    found.filter(|(code, _)| *code != "block-encrypted").collect()
}

fn without_key(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<(&'static str, u64)> {
    found(&encrypted(12, change), &Options::default())
}

const COUNTER: std::ops::Range<usize> = 37..45;

#[test]
fn an_untouched_chain_has_no_findings_with_or_without_the_secret() {
    let bytes = encrypted(12, |_| {});
    assert_eq!(found(&bytes, &Options::default()), []);
    let audit = audited(&bytes, &with_secret(SECRET));
    assert_eq!(audit.findings.list(), []);
}

#[test]
fn missing_blocks_are_a_gap_and_nothing_else() {
    assert_eq!(without_key(|stored| _ = stored.remove(5)), [("cipher-counter-gap", 5)]);
    assert_eq!(without_key(|stored| _ = stored.drain(5..8)), [("cipher-counter-gap", 5)]);
    assert_eq!(without_key(|stored| _ = stored.drain(..2)), [("cipher-counter-gap", 0)]);
    // At the end nothing shows that there was more.
    assert_eq!(without_key(|stored| stored.truncate(5)), []);
    let bytes = encrypted(12, |stored| _ = stored.remove(5));
    assert_eq!(found(&bytes, &with_secret(SECRET)), [("cipher-counter-gap", 5)]);
}

#[test]
fn blocks_out_of_place_are_one_gap() {
    assert_eq!(without_key(|stored| stored.insert(5, stored[2].clone())), [("cipher-counter-gap", 5)]);
    assert_eq!(without_key(|stored| stored.insert(5, stored[4].clone())), [("cipher-counter-gap", 5)]);
    assert_eq!(without_key(|stored| stored.push(stored[4].clone())), [("cipher-counter-gap", 12)]);
    assert_eq!(without_key(|stored| stored.swap(5, 6)), [("cipher-counter-gap", 5)]);
}

#[test]
fn a_changed_counter_is_a_gap_at_that_block_alone() {
    for counter in [0u64, 4, 7, 1000, u64::MAX] {
        let change = |stored: &mut Vec<Vec<u8>>| stored[5][COUNTER].copy_from_slice(&counter.to_be_bytes());
        assert_eq!(without_key(change), [("cipher-counter-gap", 5)], "{counter}");
        assert_eq!(found(&encrypted(12, change), &with_secret(SECRET)), [("cipher-counter-gap", 5)], "{counter}");
    }
}

#[test]
fn a_changed_block_breaks_the_chain_after_it_and_does_not_open() {
    let change = |stored: &mut Vec<Vec<u8>>| *stored[5].last_mut().unwrap() ^= 1;
    assert_eq!(without_key(change), [("cipher-transcript-broken", 6)]);
    assert_eq!(found(&encrypted(12, change), &with_secret(SECRET)), [("block-auth-failed", 5)]);
    // Where both were changed, one of the two is to blame, and only the secret tells.
    let previous = |stored: &mut Vec<Vec<u8>>| stored[0][50] ^= 1;
    assert_eq!(without_key(previous), [("cipher-transcript-broken", 0), ("cipher-transcript-broken", 1)]);
    let last = |stored: &mut Vec<Vec<u8>>| *stored[11].last_mut().unwrap() ^= 1;
    assert_eq!(without_key(last), []);
    assert_eq!(found(&encrypted(12, last), &with_secret(SECRET)), [("block-auth-failed", 11)]);
}

#[test]
fn a_block_without_a_cipher_header_is_that_alone() {
    assert_eq!(without_key(|stored| stored[5].truncate(20)), [("cipher-header-invalid", 5)]);
    assert_eq!(without_key(|stored| stored[5].clear()), [("cipher-header-invalid", 5)]);
    assert_eq!(without_key(|stored| stored[5][0] = b'X'), [("cipher-header-invalid", 5)]);
    assert_eq!(without_key(|stored| stored[5][10] ^= 1), [("cipher-header-invalid", 5)]);
    let all = without_key(|stored| stored.iter_mut().for_each(|block| block[0] = b'X'));
    assert_eq!(all, [("cipher-header-invalid", 0)]);
}

#[test]
fn damage_that_a_crc_shows_is_not_reported_again() {
    let mut bytes = encrypted(12, |_| {});
    let container = open(&bytes, Options::default());
    let (from, to) = (container.index().block(4).unwrap(), container.index().block(7).unwrap());
    bytes[from.payload_offset() as usize + 40] ^= 0xff;
    for options in [Options::default(), with_secret(SECRET)] {
        let codes = found(&bytes, &options);
        assert_eq!(codes.iter().map(|(code, _)| *code).collect::<Vec<_>>(), ["chunk-crc-mismatch", "veri-mismatch"]);
    }
    bytes[from.offset() as usize..to.offset() as usize].fill(0);
    for options in [Options::default(), with_secret(SECRET)] {
        let codes = found(&bytes, &options);
        assert!(codes.iter().all(|(code, _)| !code.starts_with("cipher") && !code.starts_with("block")), "{codes:?}");
    }
    let container = open(&bytes, with_secret(SECRET));
    assert_eq!(container.index().blocks(), 9);
    assert_eq!(container.written_number(4), Some(7));
    assert_eq!(container.block(4).unwrap().bytes, [7; 256]);
}

#[test]
fn blocks_after_lost_bytes_are_unmasked_by_the_number_they_were_written_with_where_the_cipher_tells() {
    let (raw, secret, mask) = (raw(12), Secret::from_hex(SECRET).unwrap(), Secret::from_hex(MASK_KEY).unwrap());
    for encrypted in [true, false] {
        let shared_secret = encrypted.then_some(&secret);
        let mut bytes = Export { shared_secret, mask_key: Some(&mask), ..Export::plain(&raw, 256) }.write();
        let options = Options { mask_key: key(MASK_KEY), ..with_secret(SECRET) };
        let container = open(&bytes, options.clone());
        assert_eq!(container.block(11).unwrap().bytes, [11; 256]);
        let lost = container.index().block(3).unwrap();
        bytes[lost.offset() as usize..lost.end() as usize].fill(0);
        let container = open(&bytes, options);
        let content = container.block(10).unwrap();
        assert_eq!((content.bytes == [11; 256], content.provisional), (encrypted, !encrypted));
        assert_eq!(container.written_number(10), encrypted.then_some(11));
    }
}

#[test]
fn a_wrong_secret_is_one_finding() {
    let bytes = encrypted(300, |_| {});
    let audit = audited(&bytes, &with_secret(&SECRET.replace("5a", "5b")));
    let [finding] = audit.findings.list() else { panic!("{:?}", audit.findings) };
    assert_eq!((finding.code.name(), finding.block), ("block-auth-failed", Some(0)));
    assert!(finding.message.contains("any of the 300"), "{}", finding.message);
}

#[test]
fn more_than_a_thousand_blocks_open_in_any_order() {
    let bytes = encrypted(1100, |_| {});
    let container = open(&bytes, with_secret(SECRET));
    for block in (0..1100).rev().step_by(37) {
        assert_eq!(container.block(block).unwrap().bytes, [block as u8; 256]);
    }
    assert_eq!(audited(&bytes, &with_secret(SECRET)).findings.list(), []);
}

#[test]
fn what_is_wrong_inside_an_encrypted_block_shows_with_the_secret() {
    let change = |stored: &mut Vec<Vec<u8>>| {
        let mut sealer = Sealer::new(&Secret::from_hex(SECRET).unwrap()).unwrap();
        let payloads: [&[u8]; 5] = [&[1, 255, 1, 1], &[1, 255, 1], &[1, 255, 2, 0, 1, 1], &[1, 9], &[3, 255, 3, 1]];
        for (index, (stored, payload)) in (0..).zip(stored.iter_mut().zip(payloads)) {
            let unknown = "unknown";
            let context =
                Context { engine_id: unknown, engine_fp: unknown, track_id: unknown, pts_us: 0, block_index: index };
            *stored = sealer.seal(payload, &context, None).unwrap();
        }
        stored.truncate(5);
    };
    let bytes = encrypted(6, change);
    assert_eq!(found(&bytes, &Options::default()), []);
    let inside = [("block-odd-length", 1), ("block-zero-run", 2), ("block-size-mismatch", 3)];
    assert_eq!(found(&bytes, &with_secret(SECRET)), inside);
    let small = Options { max_block_size: 200, ..with_secret(SECRET) };
    assert!(found(&bytes, &small).contains(&("block-too-large", 0)));
}

#[test]
fn a_chain_is_checked_even_where_meta_is_lost() {
    let mut bytes = encrypted(12, |stored| _ = stored.remove(5));
    let meta = open(&bytes, Options::default()).meta_chunk().unwrap();
    for byte in [3, 50, 90] {
        bytes[meta.payload_offset() as usize + byte] ^= 0x41;
    }
    let codes = found(&bytes, &Options::default());
    assert!(codes.contains(&("cipher-counter-gap", 5)), "{codes:?}");
    assert_eq!(open(&bytes, with_secret(SECRET)).block(0).unwrap().bytes, [0; 256]);
}

#[test]
fn a_key_can_be_given_later() {
    let bytes = encrypted(3, |_| {});
    let container = open(&bytes, Options::default());
    assert!(matches!(container.block(1), Err(BlockError::Encrypted { block: 1, .. })));
    assert_eq!(container.with_options(with_secret(SECRET)).block(1).unwrap().bytes, [1; 256]);
}

#[test]
fn offsets_into_the_decoded_stream_are_found_with_the_secret_alone() {
    let (raw, secret) = (raw(12), Secret::from_hex(SECRET).unwrap());
    let mut bytes = Vec::new();
    let mut writer = h4inspect::core::pack::TransportWriter::new(&mut bytes).unwrap();
    let export = Export { shared_secret: Some(&secret), ..Export::plain(&raw, 256) };
    export.stored().iter().for_each(|block| _ = writer.block(block).unwrap());
    writer.chunk(*b"SEEK", &h4inspect::core::pack::seek_payload(&[(0, 0), (100, 1024), (200, 2560)])).unwrap();
    writer.chunk(*b"META", br#"{"encryption":{"cipher":"living-cipher-v3"}}"#).unwrap();
    writer.finish().unwrap();
    let keyframe = |options| open(&bytes, options).seek(250, None).unwrap().block;
    assert_eq!(keyframe(with_secret(SECRET)), Some(10));
    assert_eq!(keyframe(Options::default()), None);
}

#[test]
fn windows_are_slices_of_the_content_at_every_stage() {
    let (raw, secret, mask) = (raw(3), Secret::from_hex(SECRET).unwrap(), Secret::from_hex(MASK_KEY).unwrap());
    let file = |shared_secret, mask_key| Export { shared_secret, mask_key, ..Export::plain(&raw, 256) }.write();
    let keys = Options { mask_key: key(MASK_KEY), ..with_secret(SECRET) };
    let no_mask_key = with_secret(SECRET);
    for (bytes, options, stage) in [
        (file(None, None), Options::default(), Stage::Plain),
        (file(Some(&secret), Some(&mask)), keys, Stage::Plain),
        (file(None, Some(&mask)), Options::default(), Stage::Masked),
        (file(Some(&secret), Some(&mask)), no_mask_key, Stage::Masked),
    ] {
        let container = open(&bytes, options);
        for block in 0..3 {
            let (_, content) = container.block_bytes(block, Form::Decoded).unwrap();
            assert_eq!(content.stage, stage);
            for (start, len) in [(0, 256), (0, 1000), (31, 2), (200, 100), (256, 1), (u64::MAX, 1), (5, 0)] {
                let window = container.window(block, start, len).unwrap();
                let from = start.min(256) as usize;
                assert_eq!(window.bytes, content[from..(from + len).min(256)], "{start} {len}");
                assert_eq!((window.stage, window.block_len, window.problem), (stage, 256, None));
            }
        }
        assert!(matches!(container.window(3, 0, 1), Err(BlockError::OutOfRange { index: 3, blocks: 3 })));
    }
    let bytes = file(Some(&secret), None);
    for (options, wrong) in [(Options::default(), false), (with_secret(&SECRET.replace("5a", "5b")), true)] {
        let container = open(&bytes, options);
        let window = container.window(1, 0, 5).unwrap();
        assert_eq!((window.bytes.as_slice(), window.stage), (&b"H4LC3"[..], Stage::Stored));
        assert_eq!(matches!(window.problem, Some(BlockError::Decrypt { block: 1, .. })), wrong);
        assert!(container.block(1).is_err());
    }
}

#[test]
fn a_window_of_a_block_over_the_limit_costs_no_more_than_any_other() {
    let mut file = Vec::new();
    let mut writer = h4inspect::core::pack::TransportWriter::new(&mut file).unwrap();
    let stored: Vec<u8> = (0..2_000_000u32).flat_map(|pair| [pair as u8, 255]).collect();
    writer.block(&stored).unwrap();
    writer.finish().unwrap();
    let container = open(&file, Options { max_block_size: 1 << 20, cache_bytes: 1 << 20, ..Options::default() });
    assert!(matches!(container.block(0), Err(BlockError::Decode { .. })));
    let timed = |windows: &mut dyn FnMut()| {
        let begun = std::time::Instant::now();
        windows();
        begun.elapsed()
    };
    // The first window reads the whole block once.
    let first = timed(&mut || _ = container.window(0, 0, 1).unwrap());
    let others = timed(&mut || {
        for pair in (0..2_000_000u64).step_by(20_011) {
            let window = container.window(0, pair * 255 + 254, 2).unwrap();
            assert_eq!(window.bytes, [pair as u8, pair as u8 + 1][..].to_vec());
            assert_eq!(window.block_len, 2_000_000 * 255);
        }
    });
    assert!(others < 20 * first, "{others:?} for 100 windows, {first:?} for the first");
}

#[test]
fn no_key_is_in_anything_that_is_said() {
    let mut said = Vec::new();
    let bytes = encrypted(4, |stored| *stored[2].last_mut().unwrap() ^= 1);
    for secret in [SECRET, &SECRET.replace("5a", "5b"), "c0ffee00"] {
        let options = Options { mask_key: key(MASK_KEY), ..with_secret(secret) };
        said.push(format!("{options:?}"));
        let container = open(&bytes, options.clone());
        for block in 0..4 {
            said.push(format!("{:?}", container.block(block).map_err(|error| (error.to_string(), error))));
            said.push(format!("{:?}", container.window(block, 0, 20)));
        }
        said.push(format!("{container:?}"));
        said.push(format!("{:?}", audited(&bytes, &options)));
    }
    let short = open(&bytes, with_secret("c0ffee00")).block(0).unwrap_err().to_string();
    assert_eq!(short, "the shared secret can't be used: the key has 4 bytes, expected exactly 32");
    for text in said {
        let text = text.to_lowercase();
        for leak in ["c0ffee", "c0, ff, ee", "192, 255, 238", "dec0de", "222, 192, 222"] {
            assert!(!text.contains(leak), "{leak} in {text}");
        }
    }
}
