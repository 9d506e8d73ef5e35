//! `--placeholders` and `--meta-from`, and what counts as lost.

use std::fs;
use std::sync::Arc;

use crate::builder::{self, Mux, Offsets, Transport, chunk, spans};
use crate::support::containers::{audited, container};
use crate::support::samples::Export;
use crate::support::{json_of, run, sample, stderr_of};
use h4inspect::core::audit::{Audit, Verdict, audit};
use h4inspect::core::container::Options;
use h4inspect::core::finding::{Code, Severity};
use h4inspect::core::index::Tag;
use h4inspect::core::salvage::{Reason, Report, SalvageError, Settings, Sibling, SiblingError, salvage};
use h4inspect::core::secret::Secret;
use h4inspect::core::source::Source;
use h4inspect::core::task::Task;
use serde_json::json;
use sha2::{Digest, Sha256};

const SECRET: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";
const MASK_KEY: &str = "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3";
const PLACEHOLDERS: Settings<'_> = Settings { repair: false, placeholders: true, sibling: None };

fn keys() -> Options {
    let key = |hex: &str| Some(Arc::new(Secret::from_hex(hex).unwrap()));
    Options { shared_secret: key(SECRET), mask_key: key(MASK_KEY), ..Options::default() }
}

fn salvaged(bytes: &[u8], settings: &Settings<'_>) -> (Report, Vec<u8>) {
    let mut out = Vec::new();
    let report = salvage(&audited(bytes), settings, &mut out, &Task::default()).unwrap();
    (report, out)
}

fn opened(bytes: &[u8]) -> Audit {
    audit(&Arc::new(Source::from_bytes("x", bytes.to_vec())), &keys(), &Task::default()).unwrap()
}

fn raw(blocks: usize) -> Vec<Vec<u8>> {
    (0..blocks).map(|block| (0..256).map(|n| (n / 8 + block * 3) as u8).collect()).collect()
}

/// The content of each block, read with the keys; `None` where it is a placeholder.
fn contents(bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
    let audit = opened(bytes);
    let container = container(&audit);
    let cores = container.index().with_tag(Tag::CORE);
    cores.map(|c| (!c.is_empty()).then(|| container.block(c.block().unwrap()).unwrap().bytes.clone())).collect()
}

/// Bytes of each chunk in turn that make its CRC wrong.
fn noisy(clean: &[u8], place: usize) -> Vec<u8> {
    let mut bytes = clean.to_vec();
    bytes[place..place + 4].iter_mut().for_each(|byte| *byte = !*byte);
    bytes
}

#[test]
fn protected_blocks_stay_readable_around_each_lost_one() {
    let raw = raw(7);
    let (secret, key) = (Secret::from_hex(SECRET).unwrap(), Secret::from_hex(MASK_KEY).unwrap());
    for (encrypted, masked) in [(true, false), (false, true), (true, true)] {
        // With an entry for each block SEEK counts them, so that a hole is known to be one block.
        for gop in [1, 3] {
            let export = Export {
                shared_secret: encrypted.then_some(&secret),
                mask_key: masked.then_some(&key),
                gop,
                ..Export::plain(&raw, 256)
            };
            let clean = export.write();
            let cores: Vec<_> = spans(&clean).into_iter().filter(|span| span.tag == *b"CORE").collect();
            for (lost, core) in cores.iter().enumerate() {
                let mut hole = clean.clone();
                hole[core.whole.clone()].fill(0);
                let cut = [&clean[..core.whole.start], &clean[core.whole.end..]].concat();
                for (damage, bytes) in [("noise", noisy(&clean, core.payload.start + 12)), ("hole", hole), ("cut", cut)]
                {
                    let name = format!("{encrypted} {masked} gop {gop}: {damage} at {lost}");
                    // What nothing counts has no known number: a hole at the end, or one among masked blocks.
                    let counted = match damage {
                        "noise" => true,
                        "hole" => gop == 1 || encrypted && lost + 1 < raw.len(),
                        _ => encrypted && lost + 1 < raw.len(),
                    };
                    if !counted {
                        continue;
                    }
                    let (report, out) = salvaged(&bytes, &PLACEHOLDERS);
                    let mut expected: Vec<_> = raw.iter().cloned().map(Some).collect();
                    expected[lost] = None;
                    // A hole before the last SEEK entry is counted even where it is the last block.
                    assert_eq!(contents(&out), expected, "{name}: {report:?}");
                    assert_eq!(report.placeholders.list(), [lost as u64], "{name}");
                    assert!(!report.nothing_lost(), "{name}");
                    assert!(
                        report.notes.iter().any(|note| note.to_string().contains("an audit of the output ")),
                        "{name}"
                    );
                    let allowed = [Code::CipherHeaderInvalid];
                    let after = opened(&out);
                    let errors = after.findings.list().iter().filter(|f| f.severity == Severity::Error);
                    assert!(errors.map(|f| f.code).all(|code| encrypted && allowed.contains(&code)), "{name}");
                    for settings in [PLACEHOLDERS, Settings::default()] {
                        let (again, same) = salvaged(&out, &settings);
                        assert!(same == out && again.nothing_lost(), "{name}: {again:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn several_lost_blocks_get_a_placeholder_each() {
    let raw = raw(9);
    let key = Secret::from_hex(MASK_KEY).unwrap();
    let clean = Export { mask_key: Some(&key), gop: 4, ..Export::plain(&raw, 256) }.write();
    let cores: Vec<_> = spans(&clean).into_iter().filter(|span| span.tag == *b"CORE").collect();
    for lost in [vec![0, 1], vec![3, 5, 8], vec![8], (0..8).collect()] {
        let bytes =
            lost.iter().fold(clean.clone(), |bytes, block: &usize| noisy(&bytes, cores[*block].payload.start + 4));
        let (report, out) = salvaged(&bytes, &PLACEHOLDERS);
        let expected: Vec<_> = (0..).zip(&raw).map(|(n, raw)| (!lost.contains(&n)).then(|| raw.clone())).collect();
        assert_eq!(contents(&out), expected, "{lost:?}: {report:?}");
        let audit = opened(&out);
        let container = container(&audit);
        for entry in container.seek_table().unwrap().rows.iter() {
            let block = entry.pts_us / 33_333;
            assert!(block.is_multiple_of(4) && !lost.contains(&(block as usize)), "{lost:?}: {report:?}");
            assert_eq!(entry.offset, block * 256);
        }
    }
}

#[test]
fn mux_placeholders_keep_track_and_time() {
    let clean = Mux::new(6).build();
    let before = audited(&clean);
    let index = container(&before).index();
    for chunk in index.with_tag(Tag::CORE) {
        let bytes = noisy(&clean, chunk.payload_offset() as usize + 9);
        let (report, out) = salvaged(&bytes, &PLACEHOLDERS);
        let after = audited(&out);
        let block = chunk.block().unwrap();
        assert_eq!(report.placeholders.list(), [block], "{report:?}");
        assert_eq!(container(&after).index().block(block).unwrap().len(), 8);
        let at = |audit: &Audit| {
            let container = container(audit);
            let owner = |block: u64| container.tracks().unwrap().of_block(block).map(|(t, b)| (t.id.clone(), *b));
            (0..container.index().blocks()).map(owner).collect::<Vec<_>>()
        };
        assert_eq!(at(&after), at(&before), "block {block}");
        assert!(after.verdict <= Verdict::Suspect, "{:?}", builder::codes(&after));
        let (again, same) = salvaged(&out, &Settings::default());
        assert!(same == out && again.nothing_lost());
    }
    // Neither track nor time can be relied on.
    for field in [0..4, 4..6] {
        let chunk = index.block(3).unwrap();
        let mut bytes = clean.clone();
        bytes[chunk.payload_offset() as usize..][field].fill(0xee);
        let (report, _) = salvaged(&bytes, &PLACEHOLDERS);
        assert!(report.placeholders.is_empty(), "{report:?}");
    }
}

/// An index of 2^64 − 1 costs nothing.
#[test]
fn forged_numbers_make_no_placeholders() {
    let forged = [(0, 0), (40_000, u64::MAX - 1), (80_000, 1 << 40)];
    let file = Transport::new(4).with(|made| {
        made.meta = builder::meta("");
        made.seek = Some(builder::table(&forged));
        made.veri = builder::Veri::Absent;
    });
    let bytes = noisy(&file.build(), 24);
    let (report, out) = salvaged(&bytes, &PLACEHOLDERS);
    assert!(out.len() < 2 * bytes.len() && !report.nothing_lost(), "{report:?}");
    let meta = [&[0; 6][..], &[1, 0], &u32::MAX.to_be_bytes()].concat();
    let bytes = noisy(&Transport::new(4).with(|made| made.meta = meta).build(), 24);
    let (report, out) = salvaged(&bytes, &PLACEHOLDERS);
    assert!(out.len() < 2 * bytes.len() && !report.nothing_lost(), "{report:?}");
}

fn sibling_of(bytes: &[u8]) -> Sibling {
    Sibling::of(container(&audited(bytes)), "other").unwrap()
}

#[test]
fn a_sibling_gives_what_is_lost_and_nothing_else() {
    let clean = Transport::new(6).with(|made| made.offsets = Offsets::Payload).build();
    let of = |tag: &[u8; 4]| builder::span(&clean, tag, 0);
    let other = Transport::new(9).build();
    let (same, damaged_elsewhere) = (sibling_of(&clean), sibling_of(&noisy(&other, 24)));
    for sibling in [&same, &damaged_elsewhere] {
        let settings = Settings { sibling: Some(sibling), ..Settings::default() };
        let (report, out) = salvaged(&clean, &settings);
        assert!(out == clean && report.nothing_lost() && report.notes == ["nothing was taken from other".into()]);
        for tag in [b"META", b"SAFE"] {
            let mut zeroed = clean.clone();
            zeroed[of(tag).whole].fill(0);
            let mut deleted = clean.clone();
            deleted.drain(of(tag).whole);
            let not_json = [&clean[..of(tag).whole.start], &chunk(tag, b"[]"), &clean[of(tag).whole.end..]].concat();
            for bytes in [noisy(&clean, of(tag).payload.start), zeroed, deleted, not_json] {
                let (report, out) = salvaged(&bytes, &settings);
                // The digest over all confirms it, for it is what was there.
                assert!(out == clean && report.nothing_lost(), "{report:?}");
                assert!(report.rebuilt.iter().any(|rebuilt| rebuilt.how.ends_with("taken from other")), "{report:?}");
            }
        }
    }
    let masked = Export { mask_key: Some(&Secret::from_hex(MASK_KEY).unwrap()), ..Export::plain(&raw(6), 256) }.write();
    let bytes = noisy(&masked, builder::span(&masked, b"META", 0).payload.start);
    let sibling = sibling_of(&masked);
    let (report, out) = salvaged(&bytes, &Settings { sibling: Some(&sibling), ..Settings::default() });
    assert!(out == masked, "{report:?}");
}

/// One sidecar or several that say nothing, before the one that does or without it.
#[test]
fn the_first_sidecar_that_can_be_read_counts() {
    let files = [Transport::new(4).build(), Mux::new(4).build()];
    for (clean, is_mux) in files.iter().zip([false, true]) {
        let made = |tag: &[u8; 4], payload: &[u8]| match is_mux {
            true => builder::mux_chunk(tag, 0, payload),
            false => chunk(tag, payload),
        };
        for tag in [b"META", b"SAFE"] {
            let span = builder::span(clean, tag, 0);
            let (before, own, after) =
                (&clean[..span.whole.start], &clean[span.whole.clone()], &clean[span.whole.end..]);
            let payload = |bytes: &[u8]| {
                let after = audited(bytes);
                assert!(after.verdict <= Verdict::Suspect, "{:?}", builder::codes(&after));
                let container = container(&after);
                let all: Vec<_> =
                    container.index().with_tag(Tag(*tag)).map(|c| container.payload(&c).to_vec()).collect();
                assert!(all.len() <= 1, "{all:?}");
                all.into_iter().next()
            };
            let kept = Some(clean[span.payload.clone()].to_vec());
            for bad in [&b"{\"a\":"[..], b"[]", b"", b"\xff\xfe"] {
                let bad = made(tag, bad);
                for bytes in [
                    [before, &bad, own, after].concat(),
                    [before, &bad, &bad, own, after].concat(),
                    [before, &bad, own, &bad, after].concat(),
                ] {
                    let (report, out) = salvaged(&bytes, &Settings::default());
                    assert_eq!(payload(&out), kept, "{report:?}");
                    assert!(
                        report.dropped.list().iter().any(|dropped| dropped.reason == Reason::NotJson),
                        "{report:?}"
                    );
                    assert!(!report.nothing_lost() || out == *clean, "{report:?}");
                    // What can be read is not taken from elsewhere, and a sibling may be damaged likewise.
                    let settings = Settings { sibling: Some(&sibling_of(&bytes)), ..Settings::default() };
                    assert_eq!(payload(&salvaged(&bytes, &settings).1), kept);
                }
                for bytes in [[before, &bad, after].concat(), [before, &bad, &bad, after].concat()] {
                    let settings = Settings { sibling: Some(&sibling_of(clean)), ..Settings::default() };
                    let (report, out) = salvaged(&bytes, &settings);
                    assert_eq!(payload(&out), kept, "{report:?}");
                }
            }
        }
    }
}

#[test]
fn a_sibling_that_differs_is_taken_with_a_warning_and_proves_nothing() {
    let clean = Transport::new(6).build();
    let bytes = noisy(&clean, builder::span(&clean, b"META", 0).payload.start);
    let contradictions = [
        (r#""block_size":512,"fps_hint":25.0,"gop":2"#, "block_size is 512"),
        (r#""block_size":256,"fps_hint":24.0,"gop":2"#, "fps_hint makes a block last 41666"),
        (r#""block_size":256,"encryption":{"cipher":"living-cipher-v3"}"#, "says that blocks are encrypted"),
    ];
    for (fields, why) in contradictions {
        let other = sibling_of(&Transport::new(3).with(|made| made.meta = builder::meta(fields)).build());
        let (report, out) = salvaged(&bytes, &Settings { sibling: Some(&other), ..Settings::default() });
        assert!(report.notes.iter().any(|note| note.to_string().contains(why)), "{why}: {report:?}");
        assert!(!report.nothing_lost());
        let after = audited(&out);
        let meta = container(&after).index().first(Tag::META).unwrap();
        assert_eq!(container(&after).payload(&meta).to_vec(), builder::meta(fields));
    }
    let mux = audited(&Mux::new(3).build());
    let other = Sibling::of(container(&mux), "mux").unwrap();
    let refused = salvage(
        &audited(&bytes),
        &Settings { sibling: Some(&other), ..Settings::default() },
        &mut Vec::new(),
        &Task::default(),
    );
    assert!(matches!(refused, Err(SalvageError::Sibling(SiblingError::Layout { .. }))), "{refused:?}");
    assert_eq!(Sibling::of(container(&audited(&bytes)), "x").unwrap_err(), SiblingError::NoMeta);
}

#[test]
fn a_mux_sibling_gives_its_sidecars_too() {
    let clean = Mux::new(4).build();
    let sibling = sibling_of(&clean);
    for tag in [b"META", b"SAFE"] {
        let span = builder::span(&clean, tag, 0);
        let deleted = [&clean[..span.whole.start], &clean[span.whole.end..]].concat();
        for bytes in [noisy(&clean, span.payload.start), deleted] {
            let (report, out) = salvaged(&bytes, &Settings { sibling: Some(&sibling), ..Settings::default() });
            let after = audited(&out);
            let chunk = container(&after).index().first(Tag(*tag)).unwrap();
            assert_eq!(container(&after).payload(&chunk).to_vec(), &clean[span.payload.clone()], "{report:?}");
            assert!(after.verdict <= Verdict::Suspect, "{:?}", builder::codes(&after));
        }
    }
    // A container that its writer closed without them never had them.
    let bare = Mux::new(4).with(|made| made.safe = b"{}".to_vec()).build();
    let span = builder::span(&bare, b"META", 0);
    let mut without = [&bare[..span.whole.start], &bare[span.whole.end..bare.len() - 4]].concat();
    without.extend(crc32fast::hash(&without).to_le_bytes());
    let tables = salvaged(&without, &Settings::default()).1;
    let (report, out) = salvaged(&tables, &Settings { sibling: Some(&sibling), ..Settings::default() });
    assert!(out == tables, "{report:?}");
}

/// What is right in every chunk, and yet not all there is.
#[test]
fn what_is_lost_without_a_wrong_crc_is_said() {
    let clean = Transport::new(6).build();
    let spans_of = |bytes: &[u8], tag: &[u8; 4]| builder::span(bytes, tag, 0);
    let without = |tag: &[u8; 4]| {
        let span = spans_of(&clean, tag);
        [&clean[..span.whole.start], &clean[span.whole.end..]].concat()
    };
    let from = |tag: &[u8; 4]| spans_of(&clean, tag).whole.start;
    let seek =
        |entries: &[(u64, u64)]| Transport::new(6).with(|made| made.seek = Some(builder::table(entries))).build();
    let mut truncated = builder::table(&[(0, 0), (80_000, 512)]);
    truncated[3] = 9;
    let mut second_seek = Transport::new(6);
    second_seek.order.insert(2, *b"SEEK");
    let other_seek = {
        let (at, end) = (from(b"META"), from(b"VERI"));
        let mut bytes = [&clean[..at], &chunk(b"SEEK", &builder::table(&[(0, 256)])), &clean[at..end]].concat();
        bytes.extend(chunk(b"VERI", &Sha256::digest(&bytes[8..])));
        bytes
    };
    let lost: Vec<(&str, Vec<u8>)> = vec![
        ("META taken out", without(b"META")),
        ("SAFE taken out", without(b"SAFE")),
        ("a block taken out", without(b"CORE")),
        ("cut before META", clean[..from(b"META")].to_vec()),
        ("cut after the blocks", clean[..from(b"SEEK")].to_vec()),
        ("cut inside the blocks", clean[..builder::span(&clean, b"CORE", 3).whole.start].to_vec()),
        ("a few bytes of the next chunk", clean[..from(b"SEEK") + 5].to_vec()),
        ("SEEK names a later block", seek(&[(0, 0), (80_000, 512), (160_000, 1024), (240_000, 1536)])),
        ("SEEK says that it had more", Transport::new(6).with(|made| made.seek = Some(truncated)).build()),
        ("another container", [clean.as_slice(), &clean].concat()),
        ("a second SEEK that differs", other_seek),
    ];
    for (name, bytes) in lost {
        let (report, _) = salvaged(&bytes, &Settings::default());
        assert!(!report.nothing_lost(), "{name}: {report:?}");
    }
    let zeros = |from: usize| {
        let mut bytes = clean.clone();
        bytes[from..].fill(0);
        bytes
    };
    for from in (builder::span(&clean, b"CORE", 1).whole.start..spans_of(&clean, b"VERI").whole.start).step_by(3) {
        let (report, _) = salvaged(&zeros(from), &Settings::default());
        assert!(!report.nothing_lost(), "zeros from {from}: {report:?}");
    }
    let kept: Vec<(&str, Vec<u8>)> = vec![
        ("a copy of a chunk", second_seek.build()),
        ("VERI taken out", without(b"VERI")),
        ("bytes after a closed container", [clean.as_slice(), &[0; 40]].concat()),
        ("a writer without SAFE", {
            let mut made = Transport::new(6);
            made.order.retain(|tag| tag != b"SAFE");
            made.build()
        }),
    ];
    for (name, bytes) in kept {
        let (report, _) = salvaged(&bytes, &Settings::default());
        assert!(report.nothing_lost(), "{name}: {report:?}");
    }
}

#[test]
fn a_mux_container_that_lost_chunks_without_a_trace_is_not_called_whole() {
    let clean = Mux::new(6).build();
    for span in spans(&clean) {
        let bytes = [&clean[..span.whole.start], &clean[span.whole.end..]].concat();
        let (report, _) = salvaged(&bytes, &Settings::default());
        // A table is made again from the blocks, which the closing CRC confirms.
        assert_eq!(report.nothing_lost(), span.tag == *b"TSEK", "{span:?}: {report:?}");
        if span.tag == *b"TRAK" {
            continue;
        }
        let (report, _) = salvaged(&clean[..span.whole.start], &Settings::default());
        assert!(!report.nothing_lost(), "cut before {span:?}: {report:?}");
        let mut zeros = clean.clone();
        zeros[span.whole.start..].fill(0);
        let (report, _) = salvaged(&zeros, &Settings::default());
        assert!(!report.nothing_lost(), "zeros from {span:?}: {report:?}");
    }
    // Only what closes it is gone.
    let (report, out) = salvaged(&clean[..clean.len() - 4], &Settings::default());
    assert!(out == clean && report.nothing_lost(), "{report:?}");
    let (report, out) = salvaged(&builder::flipped(&clean, clean.len() - 2, 3), &Settings::default());
    assert!(out == clean && report.nothing_lost(), "{report:?}");
}

/// META too deep to be read is none of the damage.
#[test]
fn json_beyond_the_limits_is_kept_as_it_is() {
    let deep = format!(r#"{{"masked":true,"x":{}{}}}"#, "[".repeat(300), "]".repeat(300)).into_bytes();
    for tag in [b"META", b"SAFE"] {
        let clean = Transport::new(5)
            .with(|made| *(if tag == b"META" { &mut made.meta } else { &mut made.safe }) = deep.clone())
            .build();
        let (report, out) = salvaged(&clean, &Settings::default());
        assert!(out == clean && report.nothing_lost(), "{report:?}");
        let (report, out) = salvaged(&noisy(&clean, 24), &Settings::default());
        assert_eq!(out[builder::span(&out, tag, 0).payload], deep, "{report:?}");
    }
    let clean = Mux::new(3).with(|made| (made.meta, made.trak) = (deep.clone(), Some(deep.clone()))).build();
    let (report, out) = salvaged(&clean, &Settings::default());
    assert!(out == clean && report.nothing_lost(), "{report:?}");
}

#[test]
fn the_command_takes_both_options_and_refuses_what_it_must() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let clean = fs::read(sample("masked.h4mk")).unwrap();
    let block = builder::span(&clean, b"CORE", 4);
    let (damaged, out) = (at("damaged.h4mk"), at("out.h4mk"));
    fs::write(&damaged, noisy(&clean, block.payload.start + 100)).unwrap();
    let report = json_of(1, &["salvage", &damaged, "--out", &out, "--placeholders", "--json"]);
    assert_eq!((&report["placeholders"], &report["blocks_written"]), (&json!([4]), &report["blocks"]));
    let (_, text, _) = run(&["salvage", &damaged, "--out", &out, "--placeholders", "--force"]);
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("Placeholders 1 empty block: 4") && text.contains("7 kept of the 8 found"), "{text}");

    fs::write(&damaged, noisy(&clean, builder::span(&clean, b"META", 0).payload.start)).unwrap();
    let salvage =
        |other: &str| ["salvage", &damaged, "--out", &out, "--force", "--meta-from", other].map(str::to_owned);
    let run_with = |other: &str| {
        let args = salvage(other);
        run(&args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let (status, text, _) = run_with(&sample("masked.h4mk"));
    assert_eq!(status, 0, "{}", String::from_utf8_lossy(&text));
    assert!(String::from_utf8(text).unwrap().contains("taken from "));
    assert_eq!(fs::read(&out).unwrap(), clean);
    fs::remove_file(&out).unwrap();
    let (status, _, why) = run_with(&damaged);
    assert!(status == 2 && why.contains("has no readable META"), "{status} {why}");
    let (status, _, why) = run_with(&sample("mux.h4mk"));
    assert!(status == 2 && why.contains("mux container"), "{status} {why}");
    let (status, _, why) = run_with("sample-data/README.md");
    assert!(status == 3 && why.contains("H4MK"), "{status} {why}");
    let (status, ..) = run_with(&at("not-there"));
    assert_eq!(status, 3);
    assert!(!std::path::Path::new(&out).exists());
    // The sibling is an input, too.
    let copy = at("copy.h4mk");
    fs::copy(sample("masked.h4mk"), &copy).unwrap();
    let why = stderr_of(2, &["salvage", &damaged, "--out", &copy, "--force", "--meta-from", &copy]);
    assert!(why.contains("is the input"), "{why}");
}
