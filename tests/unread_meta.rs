//! META that can't be read, in all the ways there are: it isn't an absent one, and nothing that it would say is taken for
//! known.

use crate::builder::{Mux, Transport, chunk, flipped, span};
use crate::support::{h4inspect, json_of, run};
use h4inspect::core::audit::Verdict;
use serde_json::Value;

/// Files without a META that can be read, and what is said of it.
fn unread() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let whole = Transport::new(4);
    let bytes = whole.build();
    let at = span(&bytes, b"META", 0);
    let with = |meta: &[u8]| whole.clone().with(|t| t.meta = meta.to_vec()).build();
    let long = format!("{{\"masked\":false,\"a\":[{}0]}}", "0,".repeat(1 << 21));
    let mut burst = bytes.clone();
    burst[at.payload.start + 2..at.payload.start + 9].fill(0xee);
    let mut zeroed = bytes.clone();
    zeroed[at.whole.start - 5..at.whole.end].fill(0);
    // A digest over the whole would prove which bit it is.
    let mut tag = whole.clone().with(|t| t.order.retain(|tag| tag != b"VERI")).build();
    tag[at.whole.start] ^= 4;
    let mut bits = bytes.clone();
    bits[at.whole.start + 2..at.whole.start + 4].copy_from_slice(b"WB");
    let last = whole.clone().with(|t| t.order = vec![*b"CORE", *b"SEEK", *b"META"]).build();
    vec![
        ("a flipped bit", flipped(&bytes, at.payload.start + 3, 1), "has a wrong CRC"),
        ("its CRC", flipped(&bytes, at.whole.start + 9, 1), "has a wrong CRC"),
        ("a burst", burst, "has a wrong CRC"),
        ("cut off", last[..last.len() - 9].to_vec(), "is cut off"),
        ("cut before it", bytes[..at.whole.start - 3].to_vec(), "META is missing"),
        ("cut in a block", bytes[..span(&bytes, b"CORE", 2).payload.end - 3].to_vec(), "META is missing"),
        ("zeroed", zeroed, "META is missing"),
        ("its tag", tag, "one bit off from it"),
        ("bits of its tag", bits, "may be it"),
        ("no JSON", with(b"{\"masked\":true"), "can't be parsed"),
        ("empty", with(b""), "can't be parsed"),
        ("text", with(b"masked"), "can't be parsed"),
        ("an array", with(b"[{\"masked\":true}]"), "is not a JSON object"),
        ("null", with(b"null"), "is not a JSON object"),
        ("too long", with(long.as_bytes()), "can't be parsed"),
    ]
}

#[test]
fn content_without_meta_comes_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (file, out) = (path("x.h4mk"), path("out"));
    for (name, bytes, why) in unread() {
        std::fs::write(&file, bytes).unwrap();
        for args in [
            vec!["block", &file, "0", "--out", &out, "--force"],
            vec!["unpack", &file, "--out", &out, "--force"],
            vec!["hex", &file, "--block", "0"],
        ] {
            let (status, _, said) = run(&args);
            let says = ["META", why, "mask, cipher and engine are unknown", "--raw", "--meta-from"];
            assert!(status == 1 && says.iter().all(|word| said.contains(word)), "{name}: {args:?} {status} {said}");
        }
        // What is stored is what it is.
        let (status, _, said) = run(&["block", &file, "0", "--raw", "--out", &out, "--force"]);
        assert!(status == 0 && said.is_empty(), "{name}: {said}");
    }
}

#[test]
fn info_knows_nothing_that_only_meta_says() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.h4mk").to_str().unwrap().to_owned();
    for (name, bytes, why) in unread() {
        std::fs::write(&file, bytes).unwrap();
        let info = json_of(0, &["info", &file, "--json"]);
        for pointer in
            ["/protection/masked", "/protection/cipher", "/compression/engine", "/fps_hint", "/gop", "/block_size"]
        {
            assert_eq!(info.pointer(pointer), Some(&Value::Null), "{name}: {pointer}");
        }
        assert!(info["meta_unreadable"].as_str().unwrap().contains(why), "{name}: {info}");
        assert!(info["compression"].get("ratio").is_none() && info["compression"].get("assumed").is_none(), "{name}");
        let text = String::from_utf8(run(&["info", &file]).1).unwrap();
        for line in ["Timing       unknown: ", "Compression  unknown: ", "Protection   unknown: "] {
            assert!(text.lines().any(|said| said.contains(line) && said.contains(why)), "{name}: {line} in\n{text}");
        }
        let frame = String::from_utf8(run(&["render", &file, "--keys", "1", "--size", "160x60"]).1).unwrap();
        assert!(frame.contains("Protection   unknown: "), "{name}: {frame}");
    }
}

#[test]
fn meta_with_something_too_deep_in_it_is_known_but_for_that() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.h4mk").to_str().unwrap().to_owned();
    let deep = format!(r#""deep":{}{},"gop":2,"masked":false"#, "[".repeat(200), "]".repeat(200));
    std::fs::write(&file, Transport::new(3).with(|t| t.meta = crate::builder::meta(&deep)).build()).unwrap();
    let info = json_of(0, &["info", &file, "--json"]);
    assert_eq!((&info["gop"], info.get("meta_unreadable")), (&Value::from(2), None), "{info}");
    let (status, _, said) = run(&["block", &file, "0", "--out", "-"]);
    assert!(status == 0 && said.is_empty(), "{said}");
}

#[test]
fn an_absent_meta_and_one_that_says_little_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.h4mk").to_str().unwrap().to_owned();
    let absent = Transport::new(3).with(|t| t.order.retain(|tag| tag != b"META"));
    let behind = absent.clone().with(|t| t.tail = [chunk(b"CORE", &[7, 0, 7]), vec![1; 30]].concat());
    let silent = Transport::new(3).with(|t| t.meta = b"{}".to_vec());
    let binary = Transport::new(3).with(|t| t.meta = [[0; 8].as_slice(), &5u32.to_be_bytes()].concat());
    let mut restored = Transport::new(3).with(|t| t.meta = b"{}".to_vec()).build();
    let tag = span(&restored, b"META", 0).whole.start;
    restored[tag] ^= 4;
    let other = Transport::new(3).with(|t| t.order = vec![*b"CORE", *b"SEEK", *b"NETA", *b"SAFE", *b"VERI"]);
    for (name, bytes) in [
        ("absent", absent.build()),
        ("damage behind VERI", behind.build()),
        ("silent", silent.build()),
        ("binary", binary.build()),
        ("a tag that the digest restores", restored),
        ("another tag, and no JSON", other.build()),
    ] {
        std::fs::write(&file, bytes).unwrap();
        let info = json_of(0, &["info", &file, "--json"]);
        assert_eq!(info["protection"], serde_json::json!({"masked": false}), "{name}");
        assert!(info.get("meta_unreadable").is_none() && info.get("fps_hint").is_none(), "{name}: {info}");
        let (_, _, said) = run(&["block", &file, "0", "--out", "-"]);
        assert!(!said.contains("unknown"), "{name}: {said}");
    }
}

#[test]
fn a_mux_block_is_what_is_stored_whatever_meta_says() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.h4mk").to_str().unwrap().to_owned();
    let bytes = Mux::new(3).build();
    let at = span(&bytes, b"META", 0);
    std::fs::write(&file, flipped(&bytes, at.payload.start + 3, 1)).unwrap();
    let info = json_of(0, &["info", &file, "--json"]);
    assert_eq!((&info["protection"]["masked"], &info["fps_hint"]), (&Value::Bool(false), &Value::Null));
    h4inspect(&["block", &file, "0"]).assert().code(0);
}

#[test]
fn blocks_of_another_algorithm_are_not_decoded_as_run_lengths() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (file, out) = (path("x.h4mk"), path("out"));
    for (compression, reference, assumed) in [
        (r#"{"algorithm":"zstd"}"#, false, false),
        (r#"{"algorithm":"RLE"}"#, false, false),
        (r#"{"algorithm":"","ratio":2}"#, false, false),
        (r#"{"opaque":true}"#, false, false),
        (r#"{"algorithm":"RLE+delta"}"#, true, true),
        (r#"{"algorithm":"rle-delta","ratio":3.5}"#, true, true),
        (r#"{"algorithm":null}"#, true, true),
        (r#"{}"#, true, true),
        (r#"{"engine":"geometric-reference","algorithm":"RLE+delta"}"#, true, false),
        (r#"{"engine":"core","algorithm":"RLE+delta"}"#, false, false),
    ] {
        let meta = format!(r#"{{"block_size":256,"fps_hint":25.0,"gop":2,"compression":{compression}}}"#);
        let bytes = Transport::new(4).with(|t| t.meta = meta.into_bytes()).build();
        let audit = crate::builder::audited(&bytes);
        let codes = crate::builder::codes(&audit);
        assert_eq!(codes.contains(&"block-opaque"), !reference, "{compression}: {codes:?}");
        assert_eq!(codes.contains(&"engine-assumed"), assumed, "{compression}: {codes:?}");
        assert_eq!(audit.verdict, Verdict::Ok, "{compression}: {codes:?}");
        std::fs::write(&file, bytes).unwrap();
        let (status, ..) = run(&["block", &file, "0", "--out", &out, "--force"]);
        assert_eq!(status, i32::from(!reference), "{compression}");
        let info = json_of(0, &["info", &file, "--json"]);
        assert_eq!(info["compression"]["opaque"] == true, !reference, "{compression}");
        assert_eq!(info["compression"]["assumed"] == true, assumed, "{compression}");
    }
}
