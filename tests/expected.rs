//! What a finding says would be right: what stood there before it was made wrong.

use h4inspect::core::container::Options;
use h4inspect::core::finding::{Code, Expected};
use h4inspect::core::secret::Secret;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::builder::*;
use crate::support::samples::Export;
use crate::support::{json_of, run, stdout_of};

/// What the findings of a code expect, in file order.
fn expected(bytes: &[u8], code: Code) -> Vec<Option<Value>> {
    let audit = audited_with(bytes, &Options::default());
    let value = |expected: &Expected| match expected {
        Expected::Number(number) => json!(number),
        Expected::Text(text) => json!(text),
    };
    of(&audit, code).iter().map(|finding| finding.expected.as_ref().map(value)).collect()
}

fn the(bytes: &[u8], code: Code) -> Value {
    match expected(bytes, code).as_slice() {
        [Some(value)] => value.clone(),
        other => panic!("{code}: {other:?}"),
    }
}

fn made(change: impl FnOnce(&mut Transport)) -> Vec<u8> {
    Transport::new(5).with(change).build()
}

#[test]
fn headers_and_chunks() {
    assert_eq!(the(b"RIFF", Code::NotH4mk), "H4MK");
    assert_eq!(the(b"H4MK\0\x01", Code::HeaderTruncated), 8);
    assert_eq!(the(b"H4MK\x01\0\0", Code::HeaderTruncated), 16);
    assert_eq!(the(&made(|t| t.version = 2), Code::VersionUnsupported), 1);
    assert_eq!(the(&made(|t| t.reserved = 7), Code::ReservedNonzero), 0);
    let mux = Mux::new(4).with(|m| (m.flags, m.reserved) = (1, 2));
    assert_eq!(expected(&mux.build(), Code::ReservedNonzero), [Some(json!(0)), Some(json!(0))]);
    for tag in [b"META", b"SEEK", b"SAFE", b"VERI"] {
        let name = std::str::from_utf8(tag).unwrap();
        assert_eq!(the(&made(|t| t.order.retain(|there| there != tag)), Code::ChunkMissing), name);
    }
    assert_eq!(the(&Mux::new(4).with(|m| m.trak = None).build(), Code::ChunkMissing), "TRAK");
    let bytes = made(|_| ());
    let meta = span(&bytes, b"META", 0).whole.start;
    assert_eq!(the(&flipped(&bytes, meta, 2), Code::ChunkTagRepaired), "META");
}

#[test]
fn a_flipped_bit_is_put_back_and_a_length_set_right() {
    for bytes in [made(|_| ()), Mux::new(4).build()] {
        for chunk in spans(&bytes) {
            let at = chunk.payload.start + chunk.payload.len() / 2;
            assert_eq!(the(&flipped(&bytes, at, 3), Code::ChunkCrcMismatch), bytes[at], "{chunk:?}");
            // The low byte of the length, whichever end it is at.
            let low = if bytes[4] == 0 { 7 } else { 8 };
            let damaged = flipped(&bytes, chunk.whole.start + low, 1);
            assert_eq!(the(&damaged, Code::ChunkLengthRepaired), chunk.payload.len(), "{chunk:?}");
        }
    }
    // More than one bit: what was there is not known.
    let bytes = made(|_| ());
    let start = span(&bytes, b"SAFE", 0).payload.start;
    let damaged = flipped(&flipped(&bytes, start + 1, 0), start + 9, 5);
    assert_eq!(expected(&damaged, Code::ChunkCrcMismatch), [None]);
}

#[test]
fn digests() {
    let bytes = made(|t| t.veri = Veri::Raw(vec![1; 32]));
    let prefix = Sha256::digest(&bytes[8..span(&bytes, b"VERI", 0).whole.start]);
    let hex: String = prefix.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(the(&bytes, Code::VeriMismatch), hex);
    let right = Mux::new(4).build();
    let body = &right[..right.len() - 4];
    let crc = format!("{:08x}", crc32fast::hash(body));
    let wrong = Mux::new(4).with(|m| m.closing = Some(vec![1, 2, 3, 4])).build();
    assert_eq!(the(&wrong, Code::ContainerCrcMismatch), crc);
    for left in 0..4 {
        assert_eq!(the(&right[..body.len() + left], Code::ContainerCrcMissing), crc, "{left}");
    }
}

#[test]
fn seek_entries_lead_to_the_block_of_their_time() {
    for offsets in Offsets::ALL {
        let right = Transport::new(12).with(|t| t.offsets = offsets).build();
        let seek = span(&right, b"SEEK", 0).payload;
        for (place, row) in right[seek.clone()][4..].chunks_exact(16).enumerate().skip(1) {
            let offset = u64::from_be_bytes(row[8..].try_into().unwrap());
            let mut rows = right[seek.clone()].to_vec();
            rows[4 + place * 16 + 8..][..8].copy_from_slice(&(offset + 1_000_003).to_be_bytes());
            let wrong = Transport::new(12).with(|t| (t.offsets, t.seek) = (offsets, Some(rows))).build();
            assert_eq!(the(&wrong, Code::SeekUnresolved), offset, "{offsets:?} {place}");
        }
    }
    let (a, b, c) = ((0, 0), (80_000, 512), (160_000, 1024));
    let with = |entries: &[(u64, u64)]| made(|t| t.seek = Some(table(entries)));
    assert_eq!(the(&with(&[a, (80_000, 513), c]), Code::SeekUnresolved), 512);
    // A wrong block, a wrong time, a missing entry.
    assert_eq!(the(&with(&[a, (40_000, 256), c]), Code::SeekGopMismatch), 512);
    assert_eq!(the(&with(&[a, (80_001, 512), c]), Code::SeekGopMismatch), 80_000);
    assert_eq!(the(&with(&[a, b]), Code::SeekGopMismatch), 3);
    // A time beyond the last block has none.
    assert_eq!(expected(&with(&[a, b, (u64::MAX, u64::MAX)]), Code::SeekUnresolved), [None]);
    let cut = made(|t| t.seek = Some(table(&[a, b, c])[..45].to_vec()));
    assert_eq!(the(&cut, Code::SeekTruncated), 2);
    assert_eq!(the(&made(|t| t.seek = Some(vec![0, 0])), Code::SeekTruncated), 0);
}

#[test]
fn blocks_and_tracks() {
    assert_eq!(the(&made(|t| t.blocks[1] = rle(512, 9)), Code::BlockSizeMismatch), 256);
    let mux = Mux::new(6).build();
    let table = span(&mux, b"TSEK", 0);
    let at = table.payload.start + 16 + 8 + 4;
    let mut rows = mux[table.payload.clone()].to_vec();
    let right = u32::from_le_bytes(mux[at..at + 4].try_into().unwrap());
    rows[16 + 8 + 4..][..4].copy_from_slice(&(right + 3).to_le_bytes());
    let mut wrong = mux.clone();
    wrong.splice(table.whole, mux_chunk(b"TSEK", 0, &rows));
    assert_eq!(the(&wrong, Code::TrackSeekUnresolved), right);
    assert_eq!(the(&Mux::new(4).with(|m| m.blocks[2].2 = 3).build(), Code::TrackKindReserved), "I, P or B");
}

#[test]
fn messages_of_the_cipher() {
    let raw: Vec<Vec<u8>> = (0..6).map(|block| vec![block; 256]).collect();
    let secret = Secret::from_hex(&"5a".repeat(32)).unwrap();
    let export = Export { shared_secret: Some(&secret), gop: 1_000_000, ..Export::plain(&raw, 256) };
    let stored = export.stored();
    let mut gap = stored.clone();
    gap.remove(3);
    assert_eq!(the(&export.wrap(&gap), Code::CipherCounterGap), 3);
    // The transcript stands after the magic, the suite with its length, and the counter.
    let at = 5 + 1 + usize::from(stored[2][5]) + 8;
    let right: String = stored[2][at..at + 32].iter().map(|byte| format!("{byte:02x}")).collect();
    let mut broken = stored.clone();
    broken[2][at] ^= 1;
    let said = expected(&export.wrap(&broken), Code::CipherTranscriptBroken);
    assert_eq!(said[0], Some(json!(right)));
    let mut first = stored;
    first[0][at] ^= 1;
    assert_eq!(expected(&export.wrap(&first), Code::CipherTranscriptBroken)[0], Some(json!("0".repeat(64))));
}

#[test]
fn it_is_in_every_output() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.h4mk");
    let wrong = made(|t| t.seek = Some(table(&[(0, 0), (80_000, 513), (160_000, 1024)])));
    std::fs::write(&path, wrong).unwrap();
    let file = path.to_str().unwrap();
    assert_eq!(json_of(1, &["audit", file, "--format", "json"])[0]["findings"][0]["expected"], 512);
    assert_eq!(json_of(1, &["audit", file, "--format", "ndjson"])["findings"][0]["expected"], 512);
    let sarif = json_of(1, &["audit", file, "--format", "sarif"]);
    assert_eq!(sarif["runs"][0]["results"][0]["properties"]["expected"], 512);
    for format in ["text", "junit"] {
        let text = String::from_utf8(run(&["audit", file, "--format", format]).1).unwrap();
        assert!(text.contains("expected: 512\n"), "{text}");
    }
    let screen = stdout_of(&["render", file, "--keys", "a6j"]);
    assert!(screen.contains(" right  512 "), "{screen}");
}

#[test]
fn advice_is_in_the_words_of_where_it_is_read() {
    for (name, option, key) in [
        ("encrypted", "Give the secret with --secret-file", "Press E and give the secret"),
        ("masked", "Give the key with --mask-key-file", "Press M and give the mask key"),
        ("opaque", "--core-lib", "Open the file again with --core-lib"),
    ] {
        let file = format!("sample-data/{name}.h4mk");
        let text = stdout_of(&["audit", &file]);
        assert!(text.contains(option) && !text.contains("Press"), "{text}");
        let advice = json_of(0, &["audit", &file, "--format", "json"])[0]["findings"][0]["advice"].clone();
        assert!(advice.as_str().unwrap().contains(option), "{advice}");
        let screen = stdout_of(&["render", &file, "--keys", "a6j", "--size", "160x40"]);
        assert!(screen.contains(key) && !screen.contains("-file"), "{screen}");
    }
}
