//! Each code that concerns transport containers without tracks: a file that has the fault, and one that is as near to it
//! as a file without the fault can be.

use crate::builder::*;
use h4inspect::core::container::Options;
use h4inspect::core::finding::Code;
use h4inspect::core::seek::Meaning;

/// A file by what was done to it, and what must be said of it, in file order.
struct Case {
    name: &'static str,
    bytes: Vec<u8>,
    faults: &'static [&'static str],
}

fn case(name: &'static str, bytes: Vec<u8>, faults: &'static [&'static str]) -> Case {
    Case { name, bytes, faults }
}

/// A file with knobs turned, and its VERI made to match.
fn made(name: &'static str, change: impl FnOnce(&mut Transport), faults: &'static [&'static str]) -> Case {
    case(name, Transport::new(5).with(change).build(), faults)
}

/// A file with META fields besides the engine.
fn with_meta(name: &'static str, fields: &str, faults: &'static [&'static str]) -> Case {
    let payload = meta(fields);
    made(name, |t| t.meta = payload, faults)
}

fn with_meta_text(name: &'static str, text: &str, faults: &'static [&'static str]) -> Case {
    let payload = text.as_bytes().to_vec();
    made(name, |t| t.meta = payload, faults)
}

/// Checks the findings of each case, and its salvage once it is damaged further. How many have too few chunks for that.
fn check(cases: Vec<Case>) -> usize {
    let (mut wrong, mut skipped) = (Vec::new(), 0);
    for case in cases {
        let found = faults(&audited(&case.bytes));
        if found != case.faults {
            wrong.push(format!("{}: {found:?}, not {:?}", case.name, case.faults));
        }
        match wrongly_salvaged_if_damaged(&case.bytes) {
            Some(salvaged) => wrong.extend(salvaged.into_iter().map(|why| format!("{}, {why}", case.name))),
            None => skipped += 1,
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    skipped
}

#[test]
fn file_headers() {
    let two = Transport::new(2).with(|t| t.version = 2);
    let audit = audited(&two.build());
    assert_eq!((codes(&audit), blocks_intact(&audit)), (vec!["version-unsupported"], 2));
    let skipped = check(vec![
        case("empty", vec![], &["not-h4mk"]),
        case("other magic", b"RIFF\0\x01\0\0".to_vec(), &["not-h4mk"]),
        case("half a magic", b"H4M".to_vec(), &["not-h4mk"]),
        case("magic alone", b"H4MK".to_vec(), &["header-truncated"]),
        case("7 bytes", b"H4MK\0\x01\0".to_vec(), &["header-truncated"]),
        case("header alone", b"H4MK\0\x01\0\0".to_vec(), &["no-blocks", "unfinished"]),
        case("version 9 and nothing", b"H4MK\0\x09\0\0".to_vec(), &["version-unsupported"]),
        made("reserved", |t| t.reserved = 0x0300, &["reserved-nonzero"]),
        made("well", |_| (), &[]),
    ]);
    assert_eq!(skipped, 7);
}

#[test]
fn which_chunks_there_are() {
    let mut cases = vec![
        made("no META", |t| t.order.retain(|tag| tag != b"META"), &["chunk-missing"]),
        made("no SEEK", |t| t.order.retain(|tag| tag != b"SEEK"), &["chunk-missing"]),
        made("no SAFE", |t| t.order.retain(|tag| tag != b"SAFE"), &["chunk-missing"]),
        made("no VERI", |t| t.order.retain(|tag| tag != b"VERI"), &["chunk-missing"]),
        made("blocks alone", |t| t.order.truncate(1), &["unfinished"]),
        made("two METAs", |t| t.order.insert(2, *b"META"), &["chunk-duplicate"]),
        made("two SAFEs", |t| t.order.insert(1, *b"SAFE"), &["chunk-duplicate"]),
        made("two SEEKs", |t| t.order.insert(1, *b"SEEK"), &["chunk-duplicate"]),
        made("two VERIs", |t| t.order.push(*b"VERI"), &["chunk-duplicate"]),
        made("META before blocks", |t| t.order.rotate_left(2), &["chunk-after-veri"; 6]),
        made("other order", |t| t.order.swap(0, 3), &[]),
        made("unknown tags", |t| t.order.splice(1..1, [*b"abcd", *b"GEOM", *b"TEMP", *b"GMET"]).for_each(drop), &[]),
        made("no ASCII", |t| t.order.insert(1, [0xc3, 0x28, 0, 7]), &["chunk-tag-invalid"]),
        made("no ASCII after VERI", |t| t.order.push([0xff; 4]), &["chunk-tag-invalid", "chunk-after-veri"]),
        made("empty blocks", |t| (t.blocks, t.meta) = (vec![vec![]; 5], meta("")), &[]),
        made("no blocks", |t| t.blocks.clear(), &["no-blocks"]),
        made("trailing", |t| t.tail = b"trailing".to_vec(), &["trailing-bytes"]),
        made("a tag begins", |t| t.tail = b"CORE\0\0".to_vec(), &["chunk-truncated"]),
        made("the tag of a container", |t| t.tail = b"H4MK\0\x01\0\0".to_vec(), &["appended-container"]),
        made("one more block", |t| t.tail = chunk(b"CORE", &rle(256, 9)), &["chunk-after-veri"]),
    ];
    // Twelve zeros look like an empty chunk with a right CRC.
    cases.push(made("zeros", |t| t.tail = vec![0; 48], &["trailing-bytes"]));
    check(cases);
    let unknown = Transport::new(1).with(|t| t.order.insert(1, *b"abcd"));
    assert_eq!(codes(&audited(&unknown.build())), ["chunk-unknown"]);
}

#[test]
fn duplicates_count_the_first_that_is_whole() {
    let bytes = Transport::new(5).with(|t| t.order.insert(1, *b"SEEK")).build();
    let first = span(&bytes, b"SEEK", 0);
    let audit = audited(&flipped(&flipped(&bytes, first.payload.start + 9, 1), first.payload.start + 20, 1));
    assert_eq!(faults(&audit), ["chunk-crc-mismatch", "chunk-duplicate", "veri-mismatch"]);
    assert_eq!(meaning(&audit), Some("stream"));
}

#[test]
fn json_payloads() {
    let invalid = |text: &str| with_meta_text("invalid", text, &["json-invalid"]);
    let nested = |depth: usize| format!(r#"{{"a":{}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
    let skipped = check(vec![
        invalid("{"),
        invalid(""),
        invalid(r#"{"project":"x"} x"#),
        invalid("{\"project\":\"\u{1}\"}"),
        invalid("{'project':1}"),
        made("no UTF-8", |t| t.meta = b"{\"project\":\"\xff\xfe\"}".to_vec(), &["json-invalid"]),
        made("UTF-16", |t| t.meta = b"\xff\xfe{\0}\0".to_vec(), &["json-invalid"]),
        with_meta_text("too deep", &nested(128), &["json-limit"]),
        with_meta_text("far too deep", &nested(100_000), &["json-limit"]),
        with_meta_text("deep and broken", &"[".repeat(200), &["json-invalid"]),
        with_meta_text("deep", &nested(127), &[]),
        with_meta("half a pair", r#""title":"a\ud800b","note":"\udc00""#, &["json-surrogate"]),
        with_meta("half a pair as a key", r#""\ud800\ud800":1"#, &["json-surrogate"]),
        with_meta("a pair", r#""title":"\ud83d\ude00""#, &[]),
        made("SAFE with half a pair", |t| t.safe = br#"{"a":["\udfff"]}"#.to_vec(), &["json-surrogate"]),
        made(
            "SAFE too deep",
            |t| t.safe = format!("[{}]", "[".repeat(200) + &"]".repeat(200)).into_bytes(),
            &["json-limit"],
        ),
        with_meta_text("array", "[1]", &["json-not-object"]),
        with_meta_text("null", "null", &["json-not-object"]),
        with_meta_text("BOM", "\u{feff}{}", &["json-bom"]),
        with_meta_text("BOM and array", "\u{feff}[]", &["json-not-object", "json-bom"]),
        with_meta_text("twice", r#"{"a":1,"a":1}"#, &["json-duplicate-key"]),
        with_meta_text("not twice", r#"{"a":1,"A":{"a":1}}"#, &[]),
        with_meta_text("a key of the parser's own", r#"{"$serde_json::private::Number":"1"}"#, &[]),
        with_meta_text("and another", r#"{"$serde_json::private::Number":1,"$serde_json::private::RawValue":{}}"#, &[]),
        with_meta("null fields", r#""gop":null,"fps_hint":null,"block_size":null"#, &[]),
        with_meta("gop 0", r#""gop":0"#, &["json-field-invalid"]),
        with_meta("types", r#""gop":"2","fps_hint":"x","masked":1,"tracks":{}"#, &["json-field-invalid"; 4]),
        with_meta("negative", r#""block_size":-1,"fps_hint":-25"#, &["json-field-invalid"; 2]),
        with_meta("whole floats", r#""block_size":256.0,"gop":2.0"#, &[]),
        made("SAFE", |t| t.safe = b"{]".to_vec(), &["json-invalid"]),
        made("SAFE array", |t| t.safe = b"[]".to_vec(), &["json-not-object"]),
        made("binary META", |t| t.meta = [[0; 8].as_slice(), &5u32.to_be_bytes()].concat(), &["meta-binary"]),
        made("short binary", |t| t.meta = vec![0; 11], &["json-invalid"]),
    ]);
    assert_eq!(skipped, 0);
    let plain = Transport::new(1).with(|t| t.meta = b"{}".to_vec());
    assert_eq!(codes(&audited(&plain.build())), ["engine-assumed"]);
}

fn seek(name: &'static str, entries: &[(u64, u64)], faults: &'static [&'static str]) -> Case {
    let payload = table(entries);
    made(name, |t| t.seek = Some(payload), faults)
}

/// Where keyframes 0, 2 and 4 of [`Transport::new`] with five blocks are.
const RIGHT: [(u64, u64); 3] = [(0, 0), (80_000, 512), (160_000, 1024)];

#[test]
fn seek_tables() {
    let raw = |name, payload: Vec<u8>, faults| made(name, move |t| t.seek = Some(payload), faults);
    let [a, b, c] = RIGHT;
    let huge = [&u32::MAX.to_be_bytes(), &table(&RIGHT)[4..]].concat();
    let skipped = check(vec![
        seek("right", &RIGHT, &[]),
        seek("empty", &[], &[]),
        raw("no count", vec![0, 0], &["seek-truncated"]),
        raw("no payload", vec![], &["seek-truncated"]),
        raw("count of 4 billion", huge, &["seek-truncated"]),
        raw("half an entry", table(&RIGHT)[..45].to_vec(), &["seek-truncated"]),
        raw("more than its count", [table(&RIGHT), vec![7; 5]].concat(), &["seek-trailing-bytes"]),
        seek("unsorted", &[b, a, c], &["seek-unsorted"]),
        seek("a pts twice", &[a, b, b, c], &["seek-duplicate-pts"]),
        seek("off by one", &[a, (80_000, 513), c], &["seek-unresolved"]),
        seek("past the end", &[a, b, (160_000, 1536)], &["seek-unresolved"]),
        seek("an entry missing", &[a, b], &["seek-gop-mismatch"]),
        seek("not a keyframe", &[a, (40_000, 256), c], &["seek-gop-mismatch"]),
        seek("a wrong time", &[a, (80_001, 512), c], &["seek-gop-mismatch"]),
        seek("nowhere", &[(0, 7), (80_000, 1_000_000_007)], &["seek-unresolved"; 2]),
        seek("largest numbers", &[a, b, (u64::MAX, u64::MAX)], &["seek-unresolved"]),
    ]);
    assert_eq!(skipped, 0);
}

#[test]
fn a_keyframe_off_meta_s_grid_is_told_by_block_and_by_time() {
    let message = |entries: &[(u64, u64)]| {
        let bytes = Transport::new(5).with(|t| t.seek = Some(table(entries))).build();
        let audit = audited(&bytes);
        let finding = audit.findings.list().iter().find(|finding| finding.code == Code::SeekGopMismatch).unwrap();
        finding.message.clone()
    };
    let (a, b, c) = ((0, 0), (80_000, 512), (160_000, 1024));
    let by_gop = "by META's gop of 2 it should be block 2";
    let by_fps = "by META's fps_hint block 1 is at pts 40000";
    let start = |pts: u64, block: u64| format!("SEEK entry 1 (pts {pts}) leads to block {block}; ");
    assert_eq!(message(&[a, (40_000, 256), c]), start(40_000, 1) + by_gop + "; 1 entry differs");
    assert_eq!(message(&[a, (80_000, 256), c]), start(80_000, 1) + by_gop + ", and " + by_fps + "; 1 entry differs");
    let late = message(&[a, (b.0 + 1, b.1), c]);
    assert_eq!(late, start(80_001, 2) + "by META's fps_hint block 2 is at pts 80000; 1 entry differs");
}

#[test]
fn each_meaning_of_offsets_is_found() {
    for offsets in Offsets::ALL {
        for count in [1, 2, 5, 40] {
            for fields in [r#""block_size":256,"fps_hint":25.0,"gop":2"#, r#""fps_hint":25.0,"gop":2"#, ""] {
                let bytes = Transport::new(count).with(|t| (t.offsets, t.meta) = (offsets, meta(fields))).build();
                let audit = audited(&bytes);
                assert_eq!(faults(&audit), [""; 0], "{offsets:?} {count} {fields}");
                let found = meaning(&audit).unwrap();
                let one = count <= 2 && !matches!(offsets, Offsets::Chunk | Offsets::Payload);
                assert!(found == offsets.name() || one, "{offsets:?} {count} {fields}: {found}");
            }
        }
    }
    // Damage to a block leaves the meaning as it was.
    for offsets in Offsets::ALL {
        let bytes = Transport::new(8).with(|t| (t.offsets, t.veri) = (offsets, Veri::Absent)).build();
        for nth in 0..8 {
            let core = span(&bytes, b"CORE", nth);
            let mut damaged = bytes.clone();
            damaged[core.payload.start..core.payload.start + 8].fill(0x55);
            let audit = audited(&damaged);
            assert_eq!(
                (faults(&audit), meaning(&audit)),
                (vec!["chunk-crc-mismatch", "chunk-missing"], Some(offsets.name()))
            );
        }
    }
}

#[test]
fn meanings_that_fit_alike_are_said_and_the_user_decides() {
    // Blocks that are stored in as many bytes as they are decoded to.
    let alike = Transport::new(4).with(|t| {
        t.blocks = vec![vec![1, 2], vec![3, 2], vec![4, 2], vec![5, 2]];
        t.meta = meta("");
        t.seek = Some(table(&[(0, 0), (10, 2)]));
    });
    assert_eq!(codes(&audited(&alike.build())), ["seek-ambiguous"]);
    let chosen = Options { meaning: Some(Meaning::Index), ..Options::default() };
    let audit = audited_with(&alike.build(), &chosen);
    assert_eq!((codes(&audit), meaning(&audit)), (vec![], Some("index")));
    let wrong = Options { meaning: Some(Meaning::Chunk), ..Options::default() };
    assert_eq!(faults(&audited_with(&alike.build(), &wrong)), ["seek-unresolved"; 2]);
}

#[test]
fn blocks() {
    let second = |name, block: Vec<u8>, faults| made(name, move |t| t.blocks[1] = block, faults);
    let bomb = made("over the limit", |t| t.blocks[1] = [7, 255].repeat(64), &[]);
    let limited = Options { max_block_size: 1000, ..Options::default() };
    let audit = audited_with(&bomb.bytes, &limited);
    assert!(faults(&audit).contains(&"block-too-large") && !audit.complete);
    let skipped = check(vec![
        second("odd", rle(256, 9)[1..].to_vec(), &["block-odd-length"]),
        second("run 0", [rle(256, 9), vec![5, 0]].concat(), &["block-zero-run"]),
        second("shorter", rle(128, 9), &["block-size-mismatch"]),
        second("longer", rle(512, 9), &["block-size-mismatch"]),
        made("shorter at the end", |t| t.blocks[4] = rle(128, 9), &[]),
        made("longer at the end", |t| t.blocks[4] = rle(512, 9), &["block-size-mismatch"]),
    ]);
    assert_eq!(skipped, 0);
}

#[test]
fn what_cannot_be_read_is_said_once_and_its_blocks_left_alone() {
    let odd = |t: &mut Transport| t.blocks[1] = noise(77, 3);
    let with = |text: &str| {
        let text = text.as_bytes().to_vec();
        Transport::new(5).with(odd).with(|t| t.meta = text).build()
    };
    let opaque = with(r#"{"compression":{"engine":"core","opaque":true}}"#);
    let cases = [(opaque.clone(), "block-opaque"), (with(r#"{"compression":{"engine":"lz9"}}"#), "block-opaque")];
    for (bytes, code) in cases {
        let audit = audited(&bytes);
        assert_eq!(codes(&audit).iter().filter(|found| **found == code).count(), 1);
        assert!(!faults(&audit).contains(&"block-odd-length") && !faults(&audit).contains(&"block-zero-run"));
    }
    let masked = Transport::new(5).with(|t| t.meta = meta(r#""masked":true"#));
    assert_eq!(codes(&audited(&masked.build())), ["block-masked"]);
    // Neither is known any more when META is damaged; nor is what it said.
    let start = span(&opaque, b"META", 0).payload.start;
    for damaged in [flipped(&opaque, start + 5, 1), flipped(&flipped(&opaque, start + 5, 1), start + 9, 2)] {
        let audit = audited(&damaged);
        assert_eq!(faults(&audit), ["chunk-crc-mismatch", "veri-mismatch"]);
    }
    let unparsed = with("{broken");
    assert_eq!(faults(&audited(&unparsed)), ["json-invalid"]);
}

#[test]
fn verification_chunks() {
    let hex = |byte: &str, len: usize| byte.repeat(len);
    let raw = |name, text: String, faults| made(name, move |t| t.veri = Veri::Raw(text.into_bytes()), faults);
    let digest = |bytes: &[u8]| -> String {
        use sha2::Digest;
        sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let without = Transport::new(5).with(|t| t.veri = Veri::Absent).build();
    let (prefix, whole) = (digest(&without[8..]), digest(&without));
    let skipped = check(vec![
        made("payloads", |t| t.veri = Veri::Payloads, &[]),
        made("31 bytes", |t| t.veri = Veri::Raw(vec![1; 31]), &["veri-malformed"]),
        made("empty", |t| t.veri = Veri::Raw(vec![]), &["veri-malformed"]),
        made("another digest", |t| t.veri = Veri::Raw(vec![1; 32]), &["veri-mismatch"]),
        made("a digest that begins like JSON", |t| t.veri = Veri::Raw(vec![b'{'; 32]), &["veri-mismatch"]),
        raw("JSON of the prefix", format!(r#"{{"sha256":"{prefix}"}}"#), &[]),
        raw("JSON of the file so far", format!(r#"{{"algorithm":"SHA-256","value":"{}"}}"#, whole.to_uppercase()), &[]),
        raw("JSON twice", format!(r#"{{"sha256":"{prefix}","sha256":"{prefix}"}}"#), &["json-duplicate-key"]),
        raw("JSON after a BOM", format!("\u{feff}{{\"sha256\":\"{prefix}\"}}"), &["json-bom"]),
        raw("JSON of anything", format!(r#"{{"sha256":"{}"}}"#, hex("ab", 32)), &["veri-unsupported"]),
        raw("JSON of something", format!(r#"{{"sha256":"{}","covers":"prefix"}}"#, hex("ab", 32)), &["veri-mismatch"]),
        raw("an algorithm", format!(r#"{{"algorithm":"blake3","blake3":"{}"}}"#, hex("ab", 32)), &["veri-unsupported"]),
        raw("too short", r#"{"sha256":"abcd"}"#.to_owned(), &["veri-malformed"]),
        raw("no digest", r#"{"covers":"all"}"#.to_owned(), &["veri-malformed"]),
        raw("no hex", r#"{"sha256":"zz"}"#.to_owned(), &["veri-malformed"]),
        raw("broken", r#"{"sha256":"#.to_owned(), &["json-invalid"]),
        raw("array", "[1,2]".to_owned(), &["json-not-object"]),
        raw("a name that goes on", format!(r#"{{"algorithm":"x","x":"{}"}}"#, hex("0", 2)), &["veri-unsupported"]),
    ]);
    assert_eq!(skipped, 0);
}

#[test]
fn an_unknown_tag_that_the_digest_does_not_need_restored_is_left_alone() {
    // CORD is one bit from CORE.
    let near = |change: fn(&mut Transport)| codes(&audited(&Transport::new(3).with(change).build()));
    assert_eq!(near(|t| t.order.insert(1, *b"CORD")), ["chunk-unknown"]);
    let payloads = near(|t| (t.veri, t.order) = (Veri::Payloads, [&[*b"GEOL"], &USUAL_ORDER[..]].concat()));
    assert_eq!(payloads, ["chunk-unknown"]);
    assert_eq!(near(|t| t.order.push(*b"SAFD")), ["chunk-unknown", "chunk-after-veri"]);
    // Beside one that is restored.
    let bytes = Transport::new(3).with(|t| t.order.splice(1..1, [*b"CORD"]).for_each(drop)).build();
    let damaged = flipped(&bytes, span(&bytes, b"META", 0).whole.start, 4);
    let audit = audited(&damaged);
    assert_eq!(codes(&audit), ["chunk-unknown", "chunk-tag-repaired", "veri-mismatch"]);
    assert_eq!(of(&audit, Code::ChunkTagRepaired)[0].offset, span(&bytes, b"META", 0).whole.start as u64);
}

#[test]
fn beyond_a_hundred_findings_of_a_code_the_rest_is_counted() {
    let bytes = Transport::new(150).build();
    let mut damaged = bytes.clone();
    spans(&bytes).iter().filter(|s| s.tag == *b"CORE").for_each(|core| damaged[core.payload.start] ^= 1);
    let audit = audited(&damaged);
    assert_eq!(of(&audit, Code::ChunkCrcMismatch).len(), 100);
    assert_eq!(audit.findings.omitted()[&Code::ChunkCrcMismatch], 50);
    assert!(of(&audit, Code::ChunkCrcMismatch).iter().all(|finding| finding.flip.unwrap().confirmed));
}

/// A container that follows another is no closing CRC.
#[test]
fn a_closing_crc_is_missed_whatever_follows() {
    let mux = Mux::new(3).build();
    let open = &mux[..mux.len() - 4];
    for (what, tail) in [("mux", mux.clone()), ("transport", Transport::new(2).build()), ("noise", noise(40, 1))] {
        let found = faults(&audited(&[open, &tail].concat()));
        assert!(found.contains(&"container-crc-missing"), "{what}: {found:?}");
        let closed = faults(&audited(&[&mux[..], &tail].concat()));
        assert!(!closed.contains(&"container-crc-missing"), "{what}: {closed:?}");
    }
}
