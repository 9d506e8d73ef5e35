//! Containers in payloads, and lengths that lead over chunks: what stands in a payload is never a chunk of the file, and
//! what stands after damage is.

use std::ops::Range;

use h4inspect::core::audit::Audit;
use h4inspect::core::container::Container;
use h4inspect::core::container::Options;
use h4inspect::core::finding::Severity;
use h4inspect::core::source::Source;
use h4inspect::core::task::Task;
use h4inspect::core::walk::Depth;

use crate::builder::*;
use crate::support::run;

/// META of blocks that nobody here decodes, so that no finding is about what they hold.
const OPAQUE: &[u8] = br#"{"compression":{"engine":"core","opaque":true}}"#;

/// Findings that say where damage is.
const PLACES: [&str; 10] = [
    "chunk-crc-mismatch",
    "chunk-length-repaired",
    "chunk-truncated",
    "region-skipped",
    "chunk-tag-repaired",
    "chunk-unknown",
    "chunk-tag-invalid",
    "veri-mismatch",
    "veri-unsupported",
    "container-crc-mismatch",
];

/// Offsets of the chunks that are whole and right.
fn intact(audit: &Audit) -> Vec<usize> {
    let container = audit.container.as_deref().unwrap();
    container.index().iter().filter(|chunk| container.is_intact(chunk)).map(|chunk| chunk.offset() as usize).collect()
}

/// What is wrong with an audit of a file that was damaged in `hit` alone.
fn wrong(clean: &[u8], damaged: &[u8], hit: &Range<usize>) -> Option<String> {
    let audit = audited(damaged);
    let apart = |span: &Span| span.whole.end <= hit.start || span.whole.start >= hit.end;
    let spans = spans(clean);
    let untouched: Vec<usize> = spans.iter().filter(|span| apart(span)).map(|span| span.whole.start).collect();
    let found = intact(&audit);
    let lost: Vec<_> = untouched.iter().filter(|offset| !found.contains(offset)).collect();
    let foreign: Vec<_> =
        found.iter().filter(|offset| !spans.iter().any(|span| span.whole.start == **offset)).collect();
    let findings = audit.findings.list().iter().filter(|finding| finding.severity != Severity::Info);
    let others: Vec<_> = findings.map(|finding| finding.code.name()).filter(|code| !PLACES.contains(code)).collect();
    let fine = lost.is_empty() && foreign.is_empty() && others.is_empty();
    (!fine).then(|| format!("{hit:?}: lost {lost:?}, foreign {foreign:?}, also {others:?}"))
}

/// Containers as payloads, of each layout, alone or between other bytes.
fn inner() -> Vec<(&'static str, Vec<u8>)> {
    let transport = Transport::new(5).build();
    let mux = Mux::new(3).build();
    let cut = transport[..transport.len() - 50].to_vec();
    vec![
        ("alone", transport.clone()),
        ("mux", mux.clone()),
        ("padded", [transport.clone(), vec![0; 100]].concat()),
        ("led", [noise(40, 3), transport.clone()].concat()),
        ("twice", [transport.clone(), transport].concat()),
        ("mux padded", [mux, noise(64, 5)].concat()),
        ("cut", [cut, noise(30, 9)].concat()),
    ]
}

fn outer(payload: &[u8]) -> [Vec<u8>; 2] {
    let transport = Transport::new(4).with(|t| {
        t.meta = OPAQUE.to_vec();
        t.seek = Some(table(&[]));
        t.blocks[1] = payload.to_vec();
    });
    [transport.build(), Mux::new(2).with(|mux| mux.blocks[1].3 = payload.to_vec()).build()]
}

#[test]
fn a_container_in_a_payload_is_never_the_file_s_own() {
    let mut all = Vec::new();
    for (kind, payload) in inner() {
        for clean in outer(&payload) {
            let layout = if clean[4] == 1 { "mux" } else { "transport" };
            let block = span(&clean, b"CORE", 1).whole;
            for len in [4, 13, 24, 40, 90] {
                for start in (block.start..block.end - len).step_by(5) {
                    let hit = start..start + len;
                    for (how, bytes) in [("zeros", vec![0; len]), ("noise", noise(len, start as u64))] {
                        let mut damaged = clean.clone();
                        damaged[hit.clone()].copy_from_slice(&bytes);
                        let why = wrong(&clean, &damaged, &hit);
                        all.extend(why.map(|why| format!("{layout}, {kind}, {how} in block {block:?} at {why}")));
                    }
                }
            }
        }
    }
    assert!(
        all.is_empty(),
        "{} are wrong: {:#?}",
        all.len(),
        &all.iter().step_by(all.len().div_ceil(12)).collect::<Vec<_>>()
    );
}

/// Payloads with chunks in them that have no end of their own: they lead on to what follows the payload, or nowhere.
fn endless() -> Vec<(&'static str, Vec<u8>)> {
    let whole = Transport::new(3);
    let without = |tags: &[&[u8; 4]]| whole.clone().with(|t| t.order.retain(|tag| !tags.contains(&tag))).build();
    let cores = without(&[b"SEEK", b"META", b"SAFE", b"VERI"]);
    let bare = cores[8..].to_vec();
    vec![
        ("blocks", cores),
        ("no VERI", without(&[b"VERI"])),
        ("the end of one", whole.build()[8..].to_vec()),
        ("chunks", bare.clone()),
        ("a chunk and noise", [&bare[..44], &noise(200, 7)].concat()),
    ]
}

/// A length that is wrong by any amount is known by the CRC; where bytes were put in or taken out, the next chunk is the one
/// whose chain leads to the end of the file.
#[test]
fn chunks_in_a_payload_whose_end_has_moved_are_not_the_file_s_own() {
    let mut all = Vec::new();
    for (kind, payload) in endless() {
        let [clean, _] = outer(&payload);
        let spans = spans(&clean);
        let at = spans.iter().position(|span| span.payload.len() == payload.len()).unwrap();
        let block = spans[at].clone();
        let mut check = |how: String, damaged: &[u8], moved: i64, own: bool| {
            let audit = audited_with(damaged, &Options::default());
            let after = spans[at + 1..].iter().map(|span| (span.whole.start as i64 + moved) as usize);
            let before = spans[..at + usize::from(own)].iter().map(|span| span.whole.start);
            let (found, right) = (intact(&audit), before.chain(after).collect::<Vec<_>>());
            if found != right {
                all.push(format!("{kind}, {how}: {found:?}, not {right:?}"));
            }
        };
        for by in [-50, -20, -13, -3, -1, 1, 3, 5, 12, 30, 1000, 1 << 20] {
            let Ok(len) = u32::try_from(payload.len() as i64 + by) else { continue };
            let mut damaged = clean.clone();
            damaged[block.whole.start + 4..][..4].copy_from_slice(&len.to_be_bytes());
            check(format!("its length off by {by}"), &damaged, 0, true);
        }
        // Blocks that lead to the end are the file's own, for all that is known.
        let places = if ["blocks", "chunks"].contains(&kind) { 0 } else { 3 };
        for place in [block.payload.start + 50, (block.payload.start + block.payload.end) / 2, block.payload.end - 5]
            .into_iter()
            .take(places)
        {
            for n in [1, 2, 3, 9] {
                let (before, after) = (&clean[..place], &clean[place..]);
                check(format!("{n} put in at {place}"), &[before, &noise(n, 3), after].concat(), n as i64, false);
                let gone = n.min(block.payload.end - place);
                check(format!("{n} taken out at {place}"), &[before, &after[gone..]].concat(), -(gone as i64), false);
            }
        }
    }
    assert!(all.is_empty(), "{} are wrong: {:#?}", all.len(), &all[..all.len().min(12)]);
}

#[test]
fn two_holes_lose_nothing_between_them() {
    let mut all = Vec::new();
    for clean in [Transport::new(12).build(), Mux::new(6).build()] {
        let starts: Vec<usize> = spans(&clean).iter().skip(2).map(|span| span.whole.start).collect();
        for (first, second) in starts.iter().zip(starts.iter().skip(3)) {
            let mut damaged = clean.clone();
            damaged[*first..first + 14].fill(0);
            damaged[*second..second + 14].fill(0);
            let found = intact(&audited(&damaged));
            let between: Vec<_> = starts.iter().filter(|at| *at > first && *at < second).collect();
            all.extend(between.iter().filter(|at| !found.contains(at)).map(|at| format!("{first} {second}: {at}")));
        }
    }
    assert!(all.is_empty(), "{all:#?}");
}

/// A length that leads over later chunks hides them from whoever reads headers; what counts blocks shows it.
#[test]
fn all_commands_count_the_blocks_that_a_length_swallowed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.h4mk");
    let file = path.to_str().unwrap();
    for (clean, field) in [(Transport::new(7).build(), 4), (Mux::new(4).build(), 8)] {
        let mux = clean[4] == 1;
        let blocks = spans(&clean).iter().filter(|span| span.tag == *b"CORE").count();
        // In mux, tables are what knows places: a keyframe must be among the hidden.
        for (block, over) in [(1, 1), (1, 2), (2, 2)] {
            let (span, last) = (span(&clean, b"CORE", block), span(&clean, b"CORE", block + over));
            let mut damaged = clean.clone();
            let len = (last.payload.end - span.payload.start) as u32;
            let len = if mux { len.to_le_bytes() } else { len.to_be_bytes() };
            damaged[span.whole.start + field..][..4].copy_from_slice(&len);
            let hidden = (block + 1..=block + over).any(|block| !mux || clean_is_keyframe(block));
            if !hidden {
                continue;
            }
            std::fs::write(&path, &damaged).unwrap();
            let counts = |args: &[&str], pointer: &str| {
                let json: serde_json::Value = serde_json::from_slice(&run(args).1).unwrap();
                json.pointer(pointer).and_then(serde_json::Value::as_u64)
            };
            let expected = Some(blocks as u64);
            assert_eq!(counts(&["audit", file, "--format", "json"], "/0/blocks"), expected);
            assert_eq!(counts(&["info", file, "--json"], "/blocks"), expected, "{mux} {block} {over}");
            assert_eq!(counts(&["info", file, "--check", "--json"], "/blocks"), expected);
            assert_eq!(counts(&["manifest", file], "/blocks"), expected);
            let (_, listed, _) = run(&["chunks", file, "--json"]);
            assert_eq!(String::from_utf8(listed).unwrap().matches("\"CORE\"").count(), blocks);
            let wanted = &clean[span_of(&clean, blocks - 1)];
            let (status, bytes, said) = run(&["block", file, &(blocks - 1).to_string(), "--raw"]);
            assert!(status == 0 && wanted.ends_with(&bytes) && !bytes.is_empty(), "{status} {said}");
        }
    }
}

/// In [`Mux`], two tracks take turns and every other block of each is a keyframe.
fn clean_is_keyframe(block: usize) -> bool {
    block % 4 < 2
}

fn span_of(bytes: &[u8], block: usize) -> Range<usize> {
    span(bytes, b"CORE", block).payload
}

#[test]
fn headers_that_nothing_contradicts_are_all_that_is_read() {
    for bytes in [Transport::new(7).build(), Mux::new(4).build()] {
        let source = std::sync::Arc::new(Source::from_bytes("x", bytes));
        let container = Container::read(source, Options::default(), Depth::Doubted, &Task::default()).unwrap();
        assert!(!container.is_checked());
    }
}

#[test]
fn zeros_from_inside_a_header_to_the_end_are_one_region() {
    let clean = Transport::new(5).build();
    for block in 1..5 {
        let start = span(&clean, b"CORE", block).whole.start;
        for within in 0..12 {
            let mut damaged = clean.clone();
            damaged[start + within..].fill(0);
            let audit = audited(&damaged);
            let found: Vec<_> = audit.findings.list().iter().map(|finding| finding.code.name()).collect();
            let starts: Vec<u64> = audit.findings.list().iter().map(|finding| finding.offset).collect();
            if within <= 4 || found == ["region-skipped"] {
                assert_eq!((found, starts), (vec!["region-skipped"], vec![start as u64]), "{block} {within}");
            }
            assert_eq!(intact(&audit).len(), block);
            assert!(
                !audit.findings.list().iter().any(|f| f.message.contains("stored CRC 00000000, computed 00000000"))
            );
        }
    }
}

#[test]
fn an_unknown_tag_hides_only_what_it_may_have_been() {
    let faults_of = |bytes: Vec<u8>| faults(&audited(&bytes));
    let without = |tag: &[u8; 4], other: &[u8; 4], veri: Veri| {
        Transport::new(4).with(|t| {
            t.order = USUAL_ORDER.iter().map(|known| if known == tag { *other } else { *known }).collect();
            t.veri = veri;
        })
    };
    // The digest over whole chunks proves every tag before it.
    for other in [b"SEEJ", b"XYZW", b"\x01\x02\x03\x04"] {
        let found = faults_of(without(b"SEEK", other, Veri::Prefix).build());
        assert!(found.contains(&"chunk-missing"), "{found:?}");
    }
    // Without VERI only a tag one bit away may be the one that is missing.
    let found = |tag, other| faults_of(without(tag, other, Veri::Absent).build());
    assert_eq!(found(b"SAFE", b"SAFD").iter().filter(|code| **code == "chunk-missing").count(), 1);
    assert_eq!(found(b"SAFE", b"SAXX").iter().filter(|code| **code == "chunk-missing").count(), 2);
    // A digest that matches nothing proves nothing.
    assert!(!faults_of(without(b"SAFE", b"QQQQ", Veri::Raw(vec![7; 32])).build()).contains(&"chunk-missing"));
    // What may be VERI with a flipped bit would verify, in a file that is right otherwise.
    let like_veri = |damaged: bool| {
        let mut bytes = Transport::new(4).with(|t| t.order[4] = *b"VERH").with(|t| t.other = vec![9; 32]).build();
        let at = span(&bytes, b"CORE", 2).payload.start;
        bytes[at] ^= u8::from(damaged);
        faults_of(bytes).contains(&"chunk-missing")
    };
    assert_eq!((like_veri(false), like_veri(true)), (true, false));
    // In mux the CRC covers the tag.
    let renamed = |right: bool| {
        let mut bytes = Mux::new(2).with(|mux| mux.trak = None).build();
        bytes.splice(16..16, mux_chunk(b"TRAC", 0, br#"{"tracks":[]}"#));
        bytes[40] ^= u8::from(!right) * 3;
        faults_of(bytes).contains(&"chunk-missing")
    };
    assert_eq!((renamed(true), renamed(false)), (true, false));
}

#[test]
fn bytes_cut_out_of_an_inner_container_or_put_in_leave_the_outer_chunks() {
    let mut all = Vec::new();
    for (kind, payload) in inner() {
        for clean in outer(&payload) {
            let layout = if clean[4] == 1 { "mux" } else { "transport" };
            let block = span(&clean, b"CORE", 1);
            for len in [1, 5, 37] {
                for at in (block.payload.start + 24..block.payload.end - len).step_by(11) {
                    let mut damaged = clean.clone();
                    damaged.drain(at..at + len);
                    let audit = audited(&damaged);
                    let found = intact(&audit);
                    let outer =
                        spans(&clean).into_iter().filter(|span| span.tag != block.tag || span.whole != block.whole);
                    let moved =
                        outer.map(|span| if span.whole.start > at { span.whole.start - len } else { span.whole.start });
                    let lost: Vec<usize> = moved.filter(|at| !found.contains(at)).collect();
                    let chunks = audit.container.as_deref().unwrap().index().len();
                    if !lost.is_empty() || chunks > spans(&clean).len() as u64 {
                        all.push(format!(
                            "{layout}, {kind}, {len} cut at {at} of {block:?}: lost {lost:?}, {chunks} chunks"
                        ));
                    }
                }
            }
        }
    }
    assert!(
        all.is_empty(),
        "{} are wrong: {:#?}",
        all.len(),
        &all.iter().step_by(all.len().div_ceil(12)).collect::<Vec<_>>()
    );
}
