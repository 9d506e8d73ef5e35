//! Hostile files cost memory in proportion to their size, and time too: each is audited under a counting allocator and a
//! clock.

#![allow(unsafe_code)] // a global allocator is unsafe by its nature

mod builder;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use builder::*;
use h4inspect::core::audit::{Verdict, audit};
use h4inspect::core::container::{Container, Options};
use h4inspect::core::source::Source;
use h4inspect::core::task::Task;
use h4inspect::core::walk::Depth;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all calls go to the system's allocator as they came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Memory that does not depend on the file: most of it is what the values of one JSON payload may take.
const FIXED: usize = 160 << 20;
/// What chunks take where all of them are empty and have a tag of their own, the densest there can be: twelve bytes each.
const PER_BYTE: usize = 32;

/// The most that was allocated at a time while `work` ran.
fn peak_of<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let result = work();
    (PEAK.load(Ordering::Relaxed).saturating_sub(before), result)
}

fn audit_within_bounds(name: &str, bytes: Vec<u8>) -> Verdict {
    let len = bytes.len();
    let source = Arc::new(Source::from_bytes("test", bytes));
    let start = Instant::now();
    let (peak, verdict) = peak_of(|| {
        let verdict = audit(&source, &Options::default(), &Task::default()).unwrap().verdict;
        Container::read(source.clone(), Options::default(), Depth::Headers, &Task::default()).ok();
        verdict
    });
    let elapsed = start.elapsed();
    if std::env::var_os("H4_MEASURE").is_some() {
        println!("{name:40} {len:>10} bytes {:>8.2} a byte {elapsed:>10.2?}", peak as f64 / len as f64);
    }
    assert!(peak <= PER_BYTE * len + FIXED, "{name}: {peak} bytes for a file of {len}");
    assert!(elapsed < Duration::from_secs(30), "{name}: {elapsed:?} for a file of {len}");
    verdict
}

const TRANSPORT: &[u8] = b"H4MK\0\x01\0\0";
const MUX: &[u8] = b"H4MK\x01\0\0\0\0\0\0\0\0\0\0\0";

/// A header and then a pattern over and over.
fn repeated(header: &[u8], pattern: impl Fn(usize) -> Vec<u8>, len: usize) -> Vec<u8> {
    let mut out = header.to_vec();
    (0..)
        .map(pattern)
        .take_while(|part| {
            out.extend(part);
            out.len() < len
        })
        .for_each(drop);
    out
}

fn hostile(len: usize) -> Vec<(&'static str, Vec<u8>)> {
    let ending = |at: usize| len.saturating_sub(4096 + at) as u32;
    let fits = |i: usize| ((noise(4, i as u64)[0] as usize) << 10) % len;
    let tag = |i: usize| {
        [b'a' + (i / 17576 % 26) as u8, b'a' + (i / 676 % 26) as u8, b'a' + (i / 26 % 26) as u8, b'a' + (i % 26) as u8]
    };
    let meta_of = |text: String| [TRANSPORT, &chunk(b"META", text.as_bytes())].concat();
    let seek_of =
        |entries: Vec<(u64, u64)>| [TRANSPORT, &chunk(b"CORE", b"ab"), &chunk(b"SEEK", &table(&entries))].concat();
    let junk = |i: usize| [chunk(b"CORE", &[]), vec![i as u8; 1]].concat();
    let far = |i: usize| [chunk_with(b"CORE", ending(i * 25), 7, &[]), chunk(b"CORE", b"x")].concat();
    let far_unknown = |i: usize| [chunk(b"CORE", b"x"), chunk_with(b"XXXX", ending(i * 25), 7, &[])].concat();
    let empty_then_far =
        |i: usize| [chunk(b"CORE", b"x"), chunk(b"XXXX", &[]), chunk_with(b"YYYY", ending(i * 37), 7, &[])].concat();
    let damaged = |i: usize| chunk_with(b"CORE", 40, i as u32, &noise(40, i as u64));
    let lengths = |i: usize| chunk_with(b"CORE", 40 + (i % 200) as u32 * 4, crc32fast::hash(&[9; 40]), &[9; 40]);
    let mux_far = |i: usize| {
        [b"CORE\0\0\0\0".as_slice(), &(ending(i * 33)).to_le_bytes(), &mux_chunk(b"CORE", 1, b"H4TB\0\0\0\0")].concat()
    };
    let mux_junk = |i: usize| [mux_chunk(b"NOTE", 1, b"x"), noise(9, i as u64)].concat();
    let nested = |i: usize| [TRANSPORT, &chunk_with(b"CORE", ending(i * 20), 0, &[])].concat();
    let containers = |_| [TRANSPORT, &chunk(b"CORE", b"x"), &chunk(b"NOTE", b"y")].concat();
    vec![
        ("tags with lengths past the end", repeated(TRANSPORT, |i| chunk_with(b"CORE", u32::MAX, i as u32, &[]), len)),
        ("tags with lengths that fit", repeated(TRANSPORT, |i| chunk_with(b"CORE", fits(i) as u32, 1, &[]), len)),
        ("tags alone", repeated(TRANSPORT, |i| if i % 7 == 0 { vec![0] } else { b"CORE".to_vec() }, len)),
        ("empty chunks", repeated(TRANSPORT, |_| chunk(b"CORE", &[]), len)),
        ("empty chunks of many tags", repeated(TRANSPORT, |i| chunk(&tag(i), &[]), len)),
        ("a lost byte after every chunk", repeated(TRANSPORT, junk, len)),
        ("far ends before near chunks", repeated(TRANSPORT, far, len)),
        ("unknown chunks with far ends", repeated(TRANSPORT, far_unknown, len)),
        ("empty chunks before far ends", repeated(TRANSPORT, empty_then_far, len)),
        ("damaged chunks in a row", repeated(TRANSPORT, damaged, len)),
        ("wrong lengths in a row", repeated(TRANSPORT, lengths, len)),
        ("containers that end nowhere", repeated(TRANSPORT, containers, len)),
        ("containers in containers", repeated(TRANSPORT, nested, len)),
        ("mux: tags with lengths past the end", repeated(MUX, |_| b"CORE\0\0\0\0\xff\xff\xff\xff".to_vec(), len)),
        ("mux: far ends before near chunks", repeated(MUX, mux_far, len)),
        ("mux: junk after every chunk", repeated(MUX, mux_junk, len)),
        ("mux: empty chunks", repeated(MUX, |_| mux_chunk(b"NOTE", 0, &[]), len)),
        ("META of many arrays", meta_of(format!("[{}[]]", "[],".repeat(len / 3)))),
        ("META of many keys", meta_of(format!("{{{}\"a\":0}}", "\"a\":0,".repeat(len / 6)))),
        (
            "META of many different keys",
            meta_of(format!("{{{}\"a\":0}}", (0..len / 10).map(|i| format!("\"{i}\":0,")).collect::<String>())),
        ),
        ("META of one number", meta_of("9".repeat(len))),
        ("META of one text", meta_of(format!(r#"{{"project":"{}"}}"#, "\\u0000".repeat(len / 6)))),
        ("META nested", meta_of("[".repeat(len))),
        ("unsorted SEEK", seek_of((0..len as u64 / 16).rev().map(|i| (i, i)).collect())),
        ("SEEK of one time", seek_of(vec![(7, 2); len / 16])),
        (
            "SEEK past lost bytes",
            [repeated(TRANSPORT, junk, len / 2), chunk(b"SEEK", &table(&vec![(7, len as u64); len / 32]))].concat(),
        ),
        ("a bomb", [TRANSPORT, &chunk(b"CORE", &vec![0xff; len])].concat()),
        ("zeros", [TRANSPORT, &vec![0; len]].concat()),
        ("noise", [TRANSPORT, &noise(len, 3)].concat()),
    ]
}

/// One test, since all share the counts.
#[test]
fn memory_and_time_are_bounded() {
    let len = std::env::var("H4_MEASURE").ok().and_then(|len| len.parse().ok()).unwrap_or(1 << 16);
    for (name, bytes) in hostile(len) {
        assert!(audit_within_bounds(name, bytes) > Verdict::Ok, "{name}");
    }
    let part = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        (0usize..11, prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(tag, payload)| chunk(TAGS[tag], &payload)),
        (0usize..11, any::<u32>(), any::<u32>()).prop_map(|(tag, len, crc)| chunk_with(TAGS[tag], len, crc, &[])),
        (0usize..11, 0u32..500, any::<u32>()).prop_map(|(tag, len, crc)| chunk_with(TAGS[tag], len, crc, &[])),
        (0usize..11, any::<u32>(), prop::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(tag, flags, payload)| mux_chunk(TAGS[tag], flags, &payload)),
        Just(Transport::new(2).build()),
        Just(Mux::new(1).build()),
        prop::collection::vec((any::<u64>(), any::<u64>()), 0..5).prop_map(|entries| chunk(b"SEEK", &table(&entries))),
        "[\\[\\]{}:,\"a-c0-9 ]{0,40}".prop_map(|text| chunk(b"META", text.as_bytes())),
    ];
    let header = prop_oneof![
        Just(TRANSPORT.to_vec()),
        Just(MUX.to_vec()),
        any::<[u8; 12]>().prop_map(|rest| [b"H4MK", &rest[..]].concat())
    ];
    let files = (header, prop::collection::vec(part, 0..30));
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) };
    let within_bounds = |(header, parts): (Vec<u8>, Vec<Vec<u8>>)| {
        audit_within_bounds("mixture", [header, parts.concat()].concat());
        Ok(())
    };
    TestRunner::new(config).run(&files, within_bounds).unwrap();
}

const TAGS: [&[u8; 4]; 11] =
    [b"CORE", b"SEEK", b"META", b"SAFE", b"VERI", b"TRAK", b"TSEK", b"NOTE", b"GEOM", b"abcd", b"\xff\0\xfe\x01"];
