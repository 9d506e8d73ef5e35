//! Salvage of blocks that can be read only under the index they were written with: what is kept still opens, and nothing is
//! kept that would be refused, or read as noise.

use std::sync::Arc;

use crate::support::containers::{container, corpus};
use crate::support::samples::Export;
use h4inspect::core::audit::{Audit, Verdict, audit};
use h4inspect::core::codec::cipher::{Context, Sealer};
use h4inspect::core::container::Options;
use h4inspect::core::finding::Severity;
use h4inspect::core::index::Tag;
use h4inspect::core::pack::{TransportWriter, seek_payload};
use h4inspect::core::salvage::{Reason, Report, Settings, salvage};
use h4inspect::core::secret::Secret;
use h4inspect::core::source::Source;
use h4inspect::core::task::Task;

const BLOCKS: usize = 7;
const SECRET: [u8; 32] = [0x5a; 32];
const MASK_KEY: [u8; 16] = [0xc3; 16];

fn keys() -> Options {
    let key = |bytes: &[u8]| Some(Arc::new(Secret::from_hex(&hex(bytes)).unwrap()));
    Options { shared_secret: key(&SECRET), mask_key: key(&MASK_KEY), ..Options::default() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn raw(blocks: usize) -> Vec<Vec<u8>> {
    (0..blocks).map(|block| (0..256).map(|n| (n / 8 + block * 3) as u8).collect()).collect()
}

/// A protected container whose stored blocks were changed before it was closed: every CRC and VERI are right.
fn protected(encrypted: bool, masked: bool, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    let (raw, keys) = (raw(BLOCKS), keys());
    let export = Export {
        shared_secret: keys.shared_secret.as_deref().filter(|_| encrypted),
        mask_key: keys.mask_key.as_deref().filter(|_| masked),
        gop: 2,
        ..Export::plain(&raw, 256)
    };
    let mut stored = export.stored();
    change(&mut stored);
    export.wrap(&stored)
}

fn audited(bytes: &[u8], options: &Options) -> Audit {
    audit(&Arc::new(Source::from_bytes("x", bytes.to_vec())), options, &Task::default()).unwrap()
}

/// Salvages with or without keys, and checks what must hold of every output: no error with or without keys, the
/// original content under the original index, and nothing more to salvage.
fn salvaged(name: &str, bytes: &[u8], repair: bool, with_keys: bool) -> (Report, Vec<u8>) {
    let options = if with_keys { keys() } else { Options::default() };
    let mut out = Vec::new();
    let report =
        salvage(&audited(bytes, &options), &Settings { repair, ..Settings::default() }, &mut out, &Task::default())
            .unwrap();
    for checked_with in [&options, &Options::default()] {
        let after = audited(&out, checked_with);
        let errors: Vec<_> = after.findings.list().iter().filter(|f| f.severity == Severity::Error).collect();
        assert!(errors.is_empty() && after.verdict <= Verdict::Suspect, "{name}: {errors:?}\n{report:?}");
        let mut again = Vec::new();
        let second =
            salvage(&after, &Settings { repair, ..Settings::default() }, &mut again, &Task::default()).unwrap();
        assert!(again == out && second.nothing_lost(), "{name}: {second:?}");
    }
    let read = audited(&out, &keys());
    assert_eq!(container(&read).index().blocks(), report.blocks_after, "{name}");
    (report, out)
}

/// The content of every block, read with the keys.
fn contents(bytes: &[u8]) -> Vec<Vec<u8>> {
    let audit = audited(bytes, &keys());
    let container = container(&audit);
    (0..container.index().blocks()).map(|block| container.block(block).unwrap().bytes.clone()).collect()
}

fn reasons(report: &Report) -> Vec<(Option<u64>, Reason)> {
    report.dropped.list().iter().map(|dropped| (dropped.block, dropped.reason)).collect()
}

const PROTECTIONS: [(&str, bool, bool); 3] =
    [("encrypted", true, false), ("masked", false, true), ("masked and encrypted", true, true)];

#[test]
fn every_block_before_the_first_loss_is_kept_under_its_index_and_none_after_it() {
    for (name, encrypted, masked) in PROTECTIONS {
        let clean = protected(encrypted, masked, |_| {});
        assert_eq!(contents(&clean), raw(BLOCKS), "{name}");
        let audit = audited(&clean, &keys());
        for lost in 0..BLOCKS {
            let chunk = container(&audit).index().block(lost as u64).unwrap();
            let (payload, end) = (chunk.payload_offset() as usize, chunk.end() as usize);
            let mut noise = clean.clone();
            noise[payload + 20..payload + 24].iter_mut().for_each(|byte| *byte = !*byte);
            let mut hole = clean.clone();
            hole[chunk.offset() as usize..end].fill(0);
            let cut = [&clean[..chunk.offset() as usize], &clean[end..]].concat();
            for (damage, bytes) in [("noise", noise), ("hole", hole), ("cut", cut)] {
                for with_keys in [false, true] {
                    let name = format!("{name}, {damage} at block {lost}, keys: {with_keys}");
                    // Without a trace that a block is missing, only the chain tells.
                    if damage == "cut" && !encrypted {
                        continue;
                    }
                    let (report, out) = salvaged(&name, &bytes, false, with_keys);
                    let lasts = lost == BLOCKS - 1;
                    assert_eq!(contents(&out), raw(BLOCKS)[..lost], "{name}: {report:?}");
                    assert_eq!(report.provisional_from, None, "{name}");
                    assert_eq!(report.notes.is_empty(), lasts, "{name}: {:?}", report.notes);
                    let own = if encrypted { Reason::OutOfChain } else { Reason::IndexMoved };
                    let dropped_for_it = reasons(&report).iter().filter(|(_, reason)| *reason == own).count();
                    assert_eq!(dropped_for_it, BLOCKS - 1 - lost, "{name}: {report:?}");
                    assert!(!report.nothing_lost() || damage == "cut" && lasts, "{name}");
                }
            }
        }
    }
}

#[test]
fn a_confirmed_flip_keeps_all_of_them_on_request() {
    for (name, encrypted, masked) in PROTECTIONS {
        let clean = protected(encrypted, masked, |_| {});
        let chunk = container(&audited(&clean, &keys())).index().block(2).unwrap();
        let mut bytes = clean.clone();
        bytes[chunk.payload_offset() as usize + 30] ^= 4;
        let (report, out) = salvaged(name, &bytes, true, false);
        assert!(out == clean && report.nothing_lost() && report.notes.is_empty(), "{name}: {report:?}");
        let (report, _) = salvaged(name, &bytes, false, false);
        assert!(
            report.notes.iter().any(|note| note.to_string().contains("a salvage with repairs")),
            "{name}: {report:?}"
        );
    }
}

/// What is salvaged from an encrypted file whose CRCs and VERI are right: how many blocks, and why others are not.
fn tampered(
    name: &str,
    with_keys: bool,
    change: impl FnOnce(&mut Vec<Vec<u8>>),
) -> (usize, Vec<(Option<u64>, Reason)>) {
    let (report, out) = salvaged(name, &protected(true, false, change), false, with_keys);
    let readable = contents(&out);
    assert_eq!(readable, raw(BLOCKS)[..readable.len()], "{name}");
    (readable.len(), reasons(&report))
}

#[test]
fn a_broken_chain_is_kept_as_far_as_it_holds() {
    use Reason::{OutOfChain, Undecodable};
    let out_of_chain = |blocks: std::ops::Range<u64>| blocks.map(|block| (Some(block), OutOfChain)).collect::<Vec<_>>();
    let none = |stored: &mut Vec<Vec<u8>>| stored[3].truncate(20);
    for with_keys in [false, true] {
        let (kept, why) = tampered("no header", with_keys, none);
        assert_eq!((kept, why[0], &why[1..]), (3, (Some(3), Undecodable), &out_of_chain(4..7)[..]));
        let (kept, why) = tampered("first transcript", with_keys, |stored| stored[0][50] ^= 1);
        assert_eq!((kept, why), (0, out_of_chain(0..7)));
        let (kept, why) = tampered("exchanged", with_keys, |stored| stored.swap(3, 4));
        assert_eq!((kept, why), (4, [out_of_chain(3..4), out_of_chain(5..7)].concat()));
        // What never belonged there does not hide what follows it.
        let (kept, why) = tampered("twice", with_keys, |stored| stored.insert(4, stored[1].clone()));
        assert_eq!((kept, why), (7, out_of_chain(4..5)));
        let (kept, why) = tampered("none is left", with_keys, |stored| _ = stored.drain(..1));
        assert_eq!((kept, why), (0, out_of_chain(0..6)));
    }
    let flip = |stored: &mut Vec<Vec<u8>>| *stored[6].last_mut().unwrap() ^= 1;
    let (kept, why) = tampered("the last block, with the secret", true, flip);
    assert_eq!((kept, why), (6, vec![(Some(6), Undecodable)]));
    let flip = |stored: &mut Vec<Vec<u8>>| *stored[3].last_mut().unwrap() ^= 1;
    let (kept, why) = tampered("a block in the middle, with the secret", true, flip);
    assert_eq!((kept, why[0], &why[1..]), (3, (Some(3), Undecodable), &out_of_chain(4..7)[..]));
}

/// META does not speak of a cipher, and messages of other engines need not be of even length.
#[test]
fn a_chain_that_only_its_headers_show_is_one_whatever_its_lengths() {
    let keys = keys();
    let mut sealer = Sealer::new(keys.shared_secret.as_deref().unwrap()).unwrap();
    let unknown = "unknown";
    let message = |block_index: u64| {
        let (engine_id, engine_fp, track_id) = (unknown, unknown, unknown);
        let context = Context { engine_id, engine_fp, track_id, pts_us: 0, block_index };
        sealer.seal(&vec![7; 3 + block_index as usize], &context, None).unwrap()
    };
    let messages: Vec<Vec<u8>> = (0..BLOCKS as u64).map(message).collect();
    let file = |messages: &[Vec<u8>]| {
        let mut bytes = Vec::new();
        let mut writer = TransportWriter::new(&mut bytes).unwrap();
        messages.iter().for_each(|message| _ = writer.block(message).unwrap());
        writer.chunk(*b"SEEK", &seek_payload(&[])).unwrap();
        writer.chunk(*b"META", b"{}").unwrap();
        writer.chunk(*b"SAFE", b"{}").unwrap();
        writer.finish().unwrap();
        bytes
    };
    for lost in 0..BLOCKS {
        let left = [&messages[..lost], &messages[lost + 1..]].concat();
        let (report, out) = salvaged("headers alone", &file(&left), false, false);
        assert!(out == file(&messages[..lost]), "without {lost}: {report:?}");
    }
}

/// Where META is lost, what the blocks begin with still says that they are a chain.
#[test]
fn a_chain_is_kept_whole_where_meta_is_lost_too() {
    let clean = protected(true, false, |_| {});
    let audit = audited(&clean, &keys());
    let meta = container(&audit).index().first(Tag::META).unwrap();
    let mut bytes = clean.clone();
    bytes[meta.payload_offset() as usize + 3..][..5].fill(0xee);
    let (report, out) = salvaged("META lost", &bytes, false, false);
    assert_eq!((report.blocks_after, contents(&out)), (7, raw(BLOCKS)));
    let lost = container(&audit).index().block(4).unwrap();
    bytes[lost.payload_offset() as usize..][..5].fill(0xee);
    let (report, out) = salvaged("META and a block lost", &bytes, false, false);
    assert_eq!((report.blocks_after, contents(&out)), (4, raw(BLOCKS)[..4].to_vec()));
}

#[test]
fn the_secret_counts_offsets_into_decoded_blocks() {
    let (raw, keys) = (raw(BLOCKS), keys());
    let export = Export { shared_secret: keys.shared_secret.as_deref(), ..Export::plain(&raw, 256) };
    let mut bytes = Vec::new();
    let mut writer = TransportWriter::new(&mut bytes).unwrap();
    export.stored().iter().for_each(|block| _ = writer.block(block).unwrap());
    writer.chunk(*b"SEEK", &seek_payload(&[(0, 0), (100, 512), (200, 1280)])).unwrap();
    writer.chunk(*b"META", br#"{"encryption":{"cipher":"living-cipher-v3"}}"#).unwrap();
    writer.chunk(*b"SAFE", b"{}").unwrap();
    writer.finish().unwrap();
    let (report, out) = salvaged("clean", &bytes, false, true);
    assert!(out == bytes, "{report:?}");
}

#[test]
fn files_of_the_reference_writer_are_kept_up_to_the_loss() {
    let files = corpus("reference");
    for name in ["transport-encrypted.h4mk", "transport-masked.h4mk"] {
        let Some((_, clean)) = files.iter().find(|(known, _)| known == name) else { panic!("{name} isn't there") };
        let audit = audited(clean, &Options::default());
        let index = container(&audit).index();
        let stored = |index: &h4inspect::core::index::Index, bytes: &[u8]| -> Vec<Vec<u8>> {
            let cores = index.with_tag(Tag::CORE);
            cores.map(|c| bytes[c.payload_offset() as usize..c.end() as usize].to_vec()).collect()
        };
        for lost in 0..index.blocks() {
            let chunk = index.block(lost).unwrap();
            let mut bytes = clean.clone();
            bytes[chunk.offset() as usize..chunk.end() as usize].fill(0);
            let mut out = Vec::new();
            let before = audited(&bytes, &Options::default());
            salvage(&before, &Settings::default(), &mut out, &Task::default()).unwrap();
            let after = audited(&out, &Options::default());
            assert!(after.verdict <= Verdict::Suspect, "{name}: {:?}", after.findings.list());
            let kept = stored(container(&after).index(), &out);
            assert_eq!(kept, stored(index, clean)[..lost as usize], "{name} without block {lost}");
        }
    }
}
