//! Salvage: what is intact is kept, what comes out passes an audit, and nothing is called whole that is not.

use crate::builder::{Mux, Offsets, Transport, Veri, flipped, span, spans, table, wrongly_salvaged};
use crate::support::containers::{audited, container, corpus, mux, mux_chunk, transport};
use h4inspect::core::audit::{Audit, Verdict};
use h4inspect::core::container::Effort;
use h4inspect::core::finding::{Code, Severity};
use h4inspect::core::index::Tag;
use h4inspect::core::pack::TransportWriter;
use h4inspect::core::salvage::{Mend, Reason, Report, SalvageError, Settings, salvage};
use h4inspect::core::task::Task;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

fn salvaged(bytes: &[u8], repair: bool) -> Result<(Report, Vec<u8>), SalvageError> {
    let mut out = Vec::new();
    let report = salvage(&audited(bytes), &Settings { repair, ..Settings::default() }, &mut out, &Task::default())?;
    assert_eq!(report.bytes_after, out.len() as u64);
    Ok((report, out))
}

fn codes(audit: &Audit) -> Vec<&'static str> {
    let listed = audit.findings.list().iter().filter(|f| f.severity != Severity::Info);
    listed.map(|f| f.code.name()).collect()
}

/// The payloads of the blocks that are whole, in order.
fn intact_blocks(audit: &Audit) -> Vec<Vec<u8>> {
    let container = container(audit);
    let cores = container.index().with_tag(Tag::CORE).filter(|chunk| container.is_intact(chunk));
    cores.map(|chunk| container.payload(&chunk).to_vec()).collect()
}

#[test]
fn an_undamaged_container_comes_out_byte_for_byte() {
    let made = [("transport".to_owned(), transport(9, 3)), ("mux".to_owned(), mux(13))];
    for (name, bytes) in corpus("reference").into_iter().chain(made) {
        for repair in [false, true] {
            let (report, out) = salvaged(&bytes, repair).unwrap();
            assert!(out == bytes, "{name} differs: {report:?}");
            assert!(report.nothing_lost() && report.rebuilt.is_empty() && report.dropped.is_empty(), "{name}");
            assert_eq!(report.kept_count(), container(&audited(&bytes)).index().len(), "{name}");
        }
    }
}

/// Warnings that an output may carry, and why no salvage can take them away.
const WARNINGS: [(&str, &str); 6] = [
    ("seek-gop-mismatch", "blocks were lost, those that are left keep their time"),
    ("no-blocks", "there were none"),
    ("block-size-mismatch", "the writer's own: the block is whole"),
    ("json-field-invalid", "the writer's own: META is not edited"),
    ("track-block-unindexed", "the index named another block"),
    ("track-starts-without-keyframe", "the track has no keyframe before"),
];

#[test]
fn every_damaged_file_is_salvaged_or_says_why_not() {
    for (name, bytes) in corpus("damaged") {
        for repair in [false, true] {
            let (report, out) = match salvaged(&bytes, repair) {
                Ok(done) => done,
                Err(SalvageError::Unreadable(why)) => {
                    assert_eq!(audited(&bytes).verdict, Verdict::Unreadable, "{name}: {why}");
                    continue;
                }
                Err(SalvageError::Nothing) => {
                    assert!(container(&audited(&bytes)).index().is_empty(), "{name}");
                    continue;
                }
                Err(error) => panic!("{name}: {error}"),
            };
            let after = audited(&out);
            assert!(after.verdict <= Verdict::Suspect, "{name}: {:?}", codes(&after));
            for code in codes(&after) {
                assert!(WARNINGS.iter().any(|(known, _)| *known == code), "{name}: {code}");
            }
            let mut unreadable = report.dropped.list().iter().filter(|d| matches!(d.reason, Reason::Undecodable));
            if unreadable.next().is_none() && report.mended.is_empty() {
                assert_eq!(intact_blocks(&after), intact_blocks(&audited(&bytes)), "{name}");
            }
        }
    }
    for (name, bytes) in corpus("damaged").into_iter().chain(corpus("found")) {
        for repair in [false, true] {
            if let Some(wrong) = wrongly_salvaged(&audited(&bytes), repair) {
                panic!("{name}, with repair {repair}: {wrong}");
            }
        }
    }
}

#[test]
fn confirmed_flips_are_mended_on_request() {
    let files = corpus("damaged");
    let file = |name: &str| files.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.clone()).unwrap();
    let clean = file("veri-payloads-scheme.h4mk");
    // The damaged transport files are all made from one that differs from this one only in VERI.
    let blocks = clean[..clean.len() - 44].to_vec();
    for name in ["bitflip-core", "crc-field-flipped", "two-chunks-hit", "length-past-eof"] {
        let (report, out) = salvaged(&file(&format!("{name}.h4mk")), true).unwrap();
        assert!(report.nothing_lost() && report.rebuilt.is_empty(), "{name}: {report:?}");
        assert_eq!(out[..out.len() - 44], blocks, "{name}");
        assert_eq!(audited(&out).verdict, Verdict::Ok, "{name}");
    }
    // Nothing confirms this one: the closing CRC would agree with any guess.
    let (report, _) = salvaged(&file("mux-bitflip.h4mk"), true).unwrap();
    assert_eq!((report.blocks_before, report.blocks_after, report.nothing_lost()), (7, 6, false));
    let (report, _) = salvaged(&file("bitflip-core.h4mk"), false).unwrap();
    assert_eq!((report.blocks_before, report.blocks_after, report.nothing_lost()), (7, 6, false));
}

#[test]
fn each_flipped_bit_of_a_chunk_is_mended_or_its_chunk_is_dropped() {
    let clean = transport(3, 2);
    for offset in 8..clean.len() {
        let mut bytes = clean.clone();
        bytes[offset] ^= 1 << (offset % 8);
        let (report, out) = salvaged(&bytes, true).unwrap();
        assert!(audited(&out).verdict <= Verdict::Suspect, "{offset}: {:?}", codes(&audited(&out)));
        assert_eq!(report.nothing_lost(), out == clean, "{offset}: {report:?}");
        assert!(!report.mended.is_empty() || !report.rebuilt.is_empty() || out == clean, "{offset}");
    }
}

#[test]
fn entries_keep_their_time_and_follow_their_block() {
    let clean = transport(9, 3);
    let mut bytes = clean.clone();
    let first = container(&audited(&clean)).index().block(1).unwrap();
    bytes[first.payload_offset() as usize..][..4].fill(0xee);
    let (report, out) = salvaged(&bytes, false).unwrap();
    assert_eq!((report.blocks_after, report.provisional_from), (8, None));
    let (before, after) = (audited(&clean), audited(&out));
    let rows = |audit: &Audit| {
        let container = container(audit);
        let meaning = container.resolution(Effort::Full).best.unwrap().meaning.name();
        let block = |place| {
            container.payload(&container.index().block(container.entry_block(place).unwrap()).unwrap()).to_vec()
        };
        let rows = container.seek_table().unwrap().rows;
        (meaning, (0..).zip(rows.iter()).map(|(at, e)| (e.pts_us, block(at))).collect::<Vec<_>>())
    };
    assert_eq!(rows(&before), rows(&after));
}

#[test]
fn what_was_lost_with_a_region_leaves_provisional_numbers() {
    let mut bytes = transport(9, 3);
    let index = container(&audited(&bytes)).index().clone();
    let (from, to) = (index.block(3).unwrap().offset() as usize, index.block(5).unwrap().offset() as usize);
    bytes[from..to].fill(0);
    let (report, out) = salvaged(&bytes, true).unwrap();
    assert_eq!((report.blocks_after, report.provisional_from, report.bytes_lost), (7, Some(3), (to - from) as u64));
    let after = audited(&out);
    assert_eq!(container(&after).seek_table().unwrap().rows.len(), 1, "{:?}", codes(&after));
}

#[test]
fn lost_sidecars_are_written_with_what_is_evident() {
    let clean = transport(5, 2);
    let index = container(&audited(&clean)).index().clone();
    let hit = |tag: Tag| {
        let chunk = index.first(tag).unwrap();
        let mut bytes = clean.clone();
        bytes[chunk.payload_offset() as usize + 1..][..3].fill(0xee);
        salvaged(&bytes, true).unwrap()
    };
    // What META says is enough to write SEEK again, and VERI confirms it.
    let (report, out) = hit(Tag::SEEK);
    assert!(out == clean && report.nothing_lost(), "{report:?}");
    for tag in [Tag::META, Tag::SAFE] {
        let (report, out) = hit(tag);
        let after = audited(&out);
        assert_eq!((report.nothing_lost(), after.verdict), (false, Verdict::Ok), "{tag}: {:?}", codes(&after));
        assert_eq!(container(&after).payload(&container(&after).index().first(tag).unwrap()).to_vec(), b"{}");
    }
    let (report, out) = hit(Tag::VERI);
    assert!(out == clean && report.nothing_lost());
}

#[test]
fn blocks_that_are_no_run_lengths_are_not_declared_as_such() {
    let write = |blocks: [&[u8]; 2]| {
        let mut out = Vec::new();
        let mut writer = TransportWriter::new(&mut out).unwrap();
        blocks.iter().for_each(|block| _ = writer.block(block).unwrap());
        writer.finish().unwrap();
        let (_, out) = salvaged(&out, false).unwrap();
        let after = audited(&out);
        assert_eq!(after.verdict, Verdict::Ok, "{:?}", codes(&after));
        let container = container(&after);
        String::from_utf8(container.payload(&container.index().first(Tag::META).unwrap()).to_vec()).unwrap()
    };
    assert_eq!(write([&[7, 255, 7, 1], &[7, 128, 8, 128]]), "{}");
    assert_eq!(write([b"abc", b"de"]), r#"{"compression":{"opaque":true}}"#);
}

#[test]
fn an_unfinished_file_is_finished() {
    let clean = transport(4, 2);
    let end = container(&audited(&clean)).index().first(Tag::SEEK).unwrap().offset() as usize;
    let (report, out) = salvaged(&clean[..end], false).unwrap();
    // A writer that is not done looks like a cut: META and SAFE may have been there.
    assert_eq!((audited(&out).verdict, report.nothing_lost()), (Verdict::Ok, false));
    assert!(codes(&audited(&clean[..end])).contains(&Code::Unfinished.name()));
}

#[test]
fn a_digest_under_a_damaged_tag_is_not_kept_beside_the_new_one() {
    let clean = transport(9, 3);
    let index = container(&audited(&clean)).index().clone();
    let mut bytes = clean.clone();
    bytes[index.first(Tag::VERI).unwrap().offset() as usize] ^= 1;
    bytes[index.first(Tag::SEEK).unwrap().offset() as usize..][..12].fill(0);
    let (report, out) = salvaged(&bytes, false).unwrap();
    assert!(out == clean, "{report:?}");
}

#[test]
fn what_follows_the_container_is_left_out() {
    let clean = transport(4, 2);
    let (report, out) = salvaged(&[clean.as_slice(), b"garbage"].concat(), false).unwrap();
    assert!(out == clean && report.nothing_lost());
    assert_eq!(report.dropped.list()[0].reason, Reason::Trailing);
    let (report, out) = salvaged(&[clean.as_slice(), &clean].concat(), false).unwrap();
    assert!(out == clean && !report.nothing_lost());
    assert_eq!(report.dropped.list()[0].reason, Reason::Appended);
}

#[test]
fn a_disproved_digest_is_not_passed_over() {
    let clean = transport(4, 2);
    let at = clean.len() - 32;
    let veri = crc32fast::hash(&[9; 32]).to_be_bytes();
    let bytes = [&clean[..at - 4], &veri, &[9; 32]].concat();
    let (report, out) = salvaged(&bytes, false).unwrap();
    assert!(out == clean && !report.nothing_lost());
    assert_eq!(report.rebuilt[0].tag, Tag::VERI);
}

#[test]
fn tables_of_tracks_follow_their_blocks() {
    let clean = mux(13);
    let audit = audited(&clean);
    assert_eq!(codes(&audit), [""; 0]);
    let index = container(&audit).index();
    for chunk in index.iter() {
        let mut bytes = clean.clone();
        bytes[chunk.payload_offset() as usize + 5..][..3].fill(0xee);
        let (report, out) = salvaged(&bytes, false).unwrap();
        let after = audited(&out);
        assert!(
            after.verdict == Verdict::Ok || codes(&after) == ["track-starts-without-keyframe"],
            "{:?}",
            codes(&after)
        );
        match chunk.tag() {
            Tag::CORE => assert_eq!((report.blocks_after, report.nothing_lost()), (12, false)),
            Tag::TSEK => assert!(out == clean && report.nothing_lost(), "{report:?}"),
            _ => assert!(!report.nothing_lost()),
        }
    }
}

/// In mux files VERI stands before the blocks, whose offsets depend on whether it is kept.
#[test]
fn tables_of_tracks_count_on_what_becomes_of_veri() {
    let clean = mux(13);
    let at = container(&audited(&clean)).index().block(0).unwrap().offset() as usize;
    let digest = format!(r#"{{"sha256":"{}"}}"#, "0".repeat(64));
    for (veri, damaged) in [(digest.as_bytes(), false), (digest.as_bytes(), true), (b"[]", true)] {
        let mut veri = mux_chunk(b"VERI", 0, veri);
        veri[13] ^= u8::from(damaged);
        let mut bytes = [&clean[..at], &veri, &clean[at..clean.len() - 4]].concat();
        let crc = crc32fast::hash(&bytes).to_le_bytes();
        bytes.extend(crc);
        let (report, out) = salvaged(&bytes, false).unwrap();
        let after = audited(&out);
        let (known, rows) = (codes(&after), |audit: &Audit| container(audit).tracks().unwrap().list.len());
        assert!(known.iter().all(|code| *code == "veri-unsupported"), "{known:?}\n{report:?}");
        assert_eq!(rows(&after), rows(&audited(&clean)));
    }
}

#[test]
fn the_index_of_tracks_follows_its_blocks() {
    let files = corpus("reference");
    let Some((_, clean)) = files.iter().find(|(name, _)| name == "transport-tracks.h4mk") else {
        panic!("it isn't there")
    };
    let audit = audited(clean);
    let index = container(&audit).index();
    let blocks = container(&audit).tracks().unwrap().list.iter().map(|track| track.blocks.len()).sum::<usize>();
    assert_eq!(blocks, 94);
    // One block by its CRC, and a run of blocks with their headers: the index still names all of them.
    let hole = index.block(20).unwrap().offset() as usize..index.block(25).unwrap().offset() as usize;
    let payload = index.block(3).unwrap().payload_offset() as usize;
    for (damage, lost) in [(payload..payload + 5, 1), (hole, 5)] {
        let mut bytes = clean.clone();
        bytes[damage].fill(0);
        let (report, out) = salvaged(&bytes, false).unwrap();
        assert_eq!((report.blocks_after, report.provisional_from), (94 - lost, None), "{report:?}");
        let after = audited(&out);
        assert!(after.verdict <= Verdict::Ok, "{:?}", codes(&after));
        let time = |audit: &Audit| -> Vec<(Vec<u8>, u64)> {
            let container = container(audit);
            let cores = container.index().with_tag(Tag::CORE).filter(|chunk| container.is_intact(chunk));
            cores.map(|c| (container.payload(&c).to_vec(), container.pts_us(c.block().unwrap()).unwrap())).collect()
        };
        let before = time(&audit);
        assert!(time(&after).iter().all(|block| before.contains(block)));
    }
}

/// Each chunk of each small sample in turn, by its CRC alone and as a hole.
#[test]
fn no_lost_chunk_leaves_an_error_behind() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let samples = files.filter(|path| path.extension() == Some("h4mk".as_ref()));
    let small =
        samples.map(|path| (path.clone(), std::fs::read(path).unwrap())).filter(|(_, bytes)| bytes.len() < 20_000);
    let mut names = Vec::new();
    for (path, clean) in small {
        for chunk in container(&audited(&clean)).index().iter() {
            let payload = chunk.payload_offset() as usize..chunk.end() as usize;
            let mut noise = clean.clone();
            noise[payload].iter_mut().step_by(3).for_each(|byte| *byte = !*byte);
            let mut hole = clean.clone();
            hole[chunk.offset() as usize..chunk.end() as usize].fill(0);
            for bytes in [noise, hole] {
                let (report, out) = salvaged(&bytes, false).unwrap();
                let after = audited(&out);
                let name = path.display();
                assert!(after.verdict <= Verdict::Suspect, "{name}, {chunk:?}: {:?}\n{report:?}", codes(&after));
                let (again, same) = salvaged(&out, false).unwrap();
                assert!(same == out && again.nothing_lost(), "{name}, {chunk:?}: {again:?}");
            }
        }
        names.push(path);
    }
    assert_eq!(names.len(), 6, "{names:?}");
}

/// TRAK belongs into mux files; where it stands in others, an audit looks into it too.
#[test]
fn a_sidecar_of_the_other_layout_is_kept_if_it_is_an_object() {
    for (trak, kept) in [(b"garbage".as_slice(), 0), (b"[]", 0), (b"{}", 1)] {
        let mut bytes = Vec::new();
        let mut writer = TransportWriter::new(&mut bytes).unwrap();
        writer.chunk(*b"TRAK", trak).unwrap();
        writer.block(&[7, 255, 7, 1]).unwrap();
        writer.finish().unwrap();
        let (report, out) = salvaged(&bytes, false).unwrap();
        let after = audited(&out);
        assert_eq!(after.verdict, Verdict::Ok, "{:?}\n{report:?}", codes(&after));
        assert_eq!(container(&after).index().with_tag(Tag::TRAK).count(), kept);
    }
}

#[test]
fn a_binary_meta_is_that_of_the_blocks_that_are_left() {
    let durations = [0, 2, 10, 1_000_001, u64::from(u32::MAX) * 1_000_000, u64::MAX >> 8];
    for duration in durations {
        let meta = [duration.to_be_bytes().as_slice(), &3u32.to_be_bytes()].concat();
        let bytes = Transport { meta, ..Transport::new(3) }.build();
        let (_, out) = salvaged(&flipped(&bytes, span(&bytes, b"CORE", 1).payload.start + 1, 3), false).unwrap();
        let left = u64::try_from(u128::from(duration) * 2 / 3).unwrap();
        let expected = [left.to_be_bytes().as_slice(), &2u32.to_be_bytes()].concat();
        assert_eq!(out[span(&out, b"META", 0).payload], expected, "{duration}");
    }
}

#[test]
fn a_cancelled_job_stops() {
    let task = Task::default();
    let audit = audited(&transport(4, 2));
    task.cancel();
    assert!(matches!(salvage(&audit, &Settings::default(), &mut Vec::new(), &task), Err(SalvageError::Cancelled(_))));
}

#[test]
fn mends_are_named() {
    let mut bytes = transport(4, 2);
    let offset = container(&audited(&bytes)).index().block(2).unwrap().offset();
    bytes[offset as usize + 6] ^= 0x40;
    let (report, _) = salvaged(&bytes, false).unwrap();
    assert_eq!(report.mended.list().iter().map(|m| (m.offset, m.mend)).collect::<Vec<_>>(), [(offset, Mend::Length)]);
}

/// Damage of a kind that happens.
#[derive(Debug, Clone)]
enum Damage {
    Flip(usize, u8),
    Burst(usize, Vec<u8>),
    Cut(usize),
    Remove(usize, usize),
}

impl Damage {
    fn hit(&self, bytes: &mut Vec<u8>) {
        // The file header stays: without it there is no container.
        let at = |place: usize| 16 + place % (bytes.len() - 16).max(1);
        match self {
            Self::Flip(place, bit) => {
                let place = at(*place);
                bytes.get_mut(place).into_iter().for_each(|byte| *byte ^= 1 << bit);
            }
            Self::Burst(place, burst) => {
                let place = at(*place);
                bytes.iter_mut().skip(place).zip(burst).for_each(|(byte, new)| *byte = *new);
            }
            Self::Cut(place) => bytes.truncate(at(*place)),
            Self::Remove(place, len) => {
                let place = at(*place).min(bytes.len());
                let end = (place + len).min(bytes.len());
                bytes.drain(place..end);
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        (any::<usize>(), 0..8u8).prop_map(|(place, bit)| Damage::Flip(place, bit)),
        (any::<usize>(), prop::collection::vec(any::<u8>(), 1..80))
            .prop_map(|(place, burst)| Damage::Burst(place, burst)),
        any::<usize>().prop_map(Damage::Cut),
        (any::<usize>(), 1..60usize).prop_map(|(place, len)| Damage::Remove(place, len)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn whatever_is_intact_comes_out_and_passes_an_audit(
        is_mux in any::<bool>(), repair in any::<bool>(), damage in prop::collection::vec(damage(), 1..4)
    ) {
        let mut bytes = if is_mux { mux(13) } else { transport(9, 3) };
        damage.iter().for_each(|damage| damage.hit(&mut bytes));
        let before = audited(&bytes);
        match salvaged(&bytes, repair) {
            Ok((report, out)) => {
                let after = audited(&out);
                prop_assert!(after.verdict <= Verdict::Suspect, "{:?}\n{report:?}", after.findings.list());
                let kept = intact_blocks(&after);
                let mut left = kept.iter();
                for block in intact_blocks(&before) {
                    prop_assert!(left.any(|kept| *kept == block), "a block is gone or out of order");
                }
                prop_assert_eq!(kept.len() as u64, report.blocks_after);
                prop_assert!(!report.nothing_lost() || report.dropped.list().iter().all(|dropped| !dropped.lost));
                let (_, again) = salvaged(&out, repair).unwrap();
                prop_assert!(again == out, "a second salvage changes the output");
            }
            Err(SalvageError::Nothing) => prop_assert!(intact_blocks(&before).is_empty()),
            Err(error) => prop_assert!(false, "{error}"),
        }
    }
}

/// A digest after everything confirms what any flipped bit was, whatever the chunk that it is in is read for.
#[test]
fn a_confirmed_flip_is_mended_in_every_chunk() {
    let plain = Mux::new(4).with(|mux| mux.veri = Some(b"{}".to_vec())).build();
    let mut file = plain[..plain.len() - 4].to_vec();
    let veri = span(&file, b"VERI", 0).whole;
    file.drain(veri.clone());
    let moved = veri.len() as u32;
    let chunks = spans(&[&file[..], &[0; 4]].concat());
    for table in chunks.iter().filter(|span| &span.tag == b"TSEK") {
        let mut payload = file[table.payload.clone()].to_vec();
        for row in payload[16..].chunks_exact_mut(8) {
            let offset = u32::from_le_bytes(row[4..].try_into().unwrap()) - moved;
            row[4..].copy_from_slice(&offset.to_le_bytes());
        }
        file.splice(table.whole.clone(), mux_chunk(b"TSEK", 0, &payload));
    }
    let digest = Sha256::digest(&file[16..]).to_vec();
    file.extend(mux_chunk(b"VERI", 0, &digest));
    file.extend(crc32fast::hash(&file).to_le_bytes());
    let mut wrong = Vec::new();
    for file in [file, Transport::new(4).build()] {
        assert_eq!(codes(&audited(&file)), Vec::<&str>::new());
        for span in spans(&file).iter().filter(|span| &span.tag != b"VERI") {
            for at in span.payload.clone() {
                let (report, out) = salvaged(&flipped(&file, at, (at % 8) as u8), true).unwrap();
                if out != file || !report.nothing_lost() {
                    wrong.push(format!(
                        "{} of {}: {report:?}",
                        at - span.payload.start,
                        String::from_utf8_lossy(&span.tag)
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} places, such as {:#?}", wrong.len(), &wrong[..wrong.len().min(3)]);
}

/// No bytes are lost, all CRCs are right, and yet tables lead where no block is.
#[test]
fn tables_that_lead_nowhere_leave_a_doubt() {
    let cut = |file: &[u8], at: usize| {
        let whole = span(file, b"CORE", at).whole;
        [&file[..whole.start], &file[whole.end..]].concat()
    };
    for offsets in [Offsets::Stored, Offsets::Chunk, Offsets::Payload] {
        for fields in
            [r#""block_size":256,"fps_hint":25.0,"gop":2"#, r#""fps_hint":25.0,"gop":2"#, r#""block_size":256"#, ""]
        {
            let made = Transport::new(12).with(|t| {
                (t.offsets, t.veri) = (offsets, Veri::Absent);
                (1u8..).zip(&mut t.blocks).for_each(|(at, block)| *block = [at, 1].repeat(256 / usize::from(at)));
                (1u8..).zip(&mut t.blocks).for_each(|(at, block)| block.extend([9, (256 % u16::from(at)) as u8]));
                t.meta = crate::builder::meta(fields);
            });
            let file = made.build();
            assert!(salvaged(&file, false).unwrap().0.nothing_lost(), "{} with {fields}", offsets.name());
            for lost in 0..10 {
                let (report, _) = salvaged(&cut(&file, lost), false).unwrap();
                assert!(!report.nothing_lost(), "{} with {fields} without block {lost}: {report:?}", offsets.name());
            }
            // Where a digest covers the blocks, it is the table that is wrong.
            let table = file[span(&file, b"SEEK", 0).payload].to_vec();
            let sealed = made.clone().with(|t| {
                (t.seek, t.veri) = (Some(table.clone()), Veri::Prefix);
                t.blocks.remove(3);
            });
            assert!(!salvaged(&sealed.build(), false).unwrap().0.unexplained, "{} with {fields}", offsets.name());
        }
    }
    let file = Mux::new(12).with(|mux| mux.veri = Some(b"{}".to_vec())).build();
    for lost in 0..20 {
        let cut = cut(&file, lost);
        let mut closed = cut[..cut.len() - 4].to_vec();
        closed.extend(crc32fast::hash(&closed).to_le_bytes());
        let (report, _) = salvaged(&closed, false).unwrap();
        assert!(!report.nothing_lost(), "without block {lost}: {report:?}");
    }
    // A table that is only out of order, or repeats itself, leads where it should.
    let rows: Vec<(u64, u64)> = (0..4).map(|rank| (rank * 80_000, rank * 512)).collect();
    for order in [[1, 0, 2, 3], [0, 1, 1, 3]] {
        let seek = table(&order.map(|at| rows[at]));
        let file = Transport::new(8).with(|t| (t.seek, t.veri) = (Some(seek), Veri::Absent)).build();
        assert!(!salvaged(&file, false).unwrap().0.unexplained, "{order:?}");
    }
}

/// SEEK counts in META's block_size; where META is lost, nobody knows that, though a digest could confirm what it was.
#[test]
fn offsets_by_the_block_size_of_a_lost_meta_are_made_anew() {
    let file = Transport::new(6).with(|t| t.blocks[2].truncate(8)).build();
    let meta = span(&file, b"META", 0);
    for at in meta.payload.clone().step_by(3) {
        for repair in [false, true] {
            let wrong = wrongly_salvaged(&audited(&flipped(&file, at, 1)), repair);
            assert_eq!(wrong, None, "at {at}, with repair {repair}");
        }
    }
}
