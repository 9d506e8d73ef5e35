//! Times: content that starts late, how long it is wherever that is said, and blocks that were re-timed.

use crate::builder::{Mux, Transport, noise, table};
use crate::support::{json_of, run, stdout_of};
use serde_json::{Value, json};

/// Writes files and gives their paths.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// A mux container: blocks of one track from `start_ms` on, `step_ms` apart, a keyframe every five.
fn mux(track: u16, start_ms: u32, step_ms: u32, blocks: u32) -> Vec<(u16, u32, u32, Vec<u8>)> {
    let block = |n: u32| (track, start_ms + n * step_ms, u32::from(!n.is_multiple_of(5)), noise(20, n.into()));
    (0..blocks).map(block).collect()
}

fn mux_file(blocks: Vec<(u16, u32, u32, Vec<u8>)>) -> Vec<u8> {
    Mux::new(0).with(|m| m.blocks = blocks).build()
}

/// A transport container whose SEEK says that block 0 is at `start_us`.
fn late_transport(start_us: u64, meta: &str) -> Vec<u8> {
    let entries: Vec<_> = (0..10u64).step_by(2).map(|block| (start_us + block * 40_000, block * 256)).collect();
    let made = Transport::new(10).with(|t| (t.seek, t.meta) = (Some(table(&entries)), meta.as_bytes().to_vec()));
    made.build()
}

const SILENT: &str = r#"{"block_size":256,"compression":{"engine":"geometric-reference"}}"#;
const TIMED: &str = r#"{"block_size":256,"fps_hint":25,"gop":2,"compression":{"engine":"geometric-reference"}}"#;

fn span(info: &Value) -> [&Value; 2] {
    [&info["start_us"], &info["duration_us"]]
}

#[test]
fn the_duration_counts_from_the_start() {
    let folder = Folder::new();
    let mut both = mux(1, 10_000, 40, 50);
    both.extend(mux(2, 8_500, 20, 10));
    both.sort_by_key(|block| (block.1, block.0));
    for (name, bytes, [start, duration]) in [
        ("one", mux_file(mux(1, 10_000, 40, 50)), [10_000_000, 1_960_000]),
        ("two", mux_file(both), [8_500_000, 3_460_000]),
        ("at 0", mux_file(mux(1, 0, 40, 50)), [0, 1_960_000]),
        ("a block", mux_file(mux(1, 7, 40, 1)), [7_000, 0]),
        ("by SEEK", late_transport(5_000_000, SILENT), [5_000_000, 400_000]),
        ("by fps", late_transport(5_000_000, TIMED), [5_000_000, 400_000]),
        ("plain", late_transport(0, TIMED), [0, 400_000]),
    ] {
        let path = folder.file(&format!("{name}.h4mk"), &bytes);
        let info = json_of(0, &["info", &path, "--json"]);
        assert_eq!(span(&info), [&json!(start), &json!(duration)], "{name}");
        let text = stdout_of(&["info", &path]);
        assert_eq!(text.contains(" on, by "), start > 0, "{text}");
        for (share, at) in [("0%", start), ("50%", start + duration / 2), ("100%", start + duration)] {
            assert_eq!(json_of(0, &["seek", &path, share, "--json"])["pts_us"], json!(at), "{name} {share}");
        }
    }
}

#[test]
fn half_way_is_the_middle_of_the_content() {
    let folder = Folder::new();
    for bytes in [mux_file(mux(1, 10_000, 40, 10)), late_transport(5_000_000, SILENT), late_transport(5_000_000, TIMED)]
    {
        let path = folder.file("x.h4mk", &bytes);
        let chain = json_of(0, &["seek", &path, "50%", "--json"])["chain"].clone();
        let last = chain.as_array().unwrap().last().unwrap().as_u64().unwrap();
        assert!((4..=5).contains(&last), "{chain}");
        let before = json_of(0, &["seek", &path, "1000", "--json"]);
        assert_eq!(before["chain"], json!([]), "nothing plays before the start");
    }
}

#[test]
fn each_track_has_its_own_start_duration_and_rate() {
    let mut blocks = mux(1, 10_000, 40, 51);
    blocks.extend(mux(2, 0, 20, 101));
    blocks.sort_by_key(|block| (block.1, block.0));
    let folder = Folder::new();
    let path = folder.file("x.h4mk", &mux_file(blocks));
    let info = json_of(0, &["info", &path, "--json"]);
    let tracks = info["tracks"].as_array().unwrap();
    assert_eq!(span(&tracks[0]), [&json!(10_000_000), &json!(2_000_000)]);
    assert_eq!(span(&tracks[1]), [&json!(0), &json!(2_000_000)]);
    assert_eq!(tracks[0]["bitrate"], json!(51 * 20 * 8 / 2));
    assert_eq!(span(&info), [&json!(0), &json!(12_000_000)]);
}

#[test]
fn a_duration_is_the_same_wherever_it_is_said() {
    let folder = Folder::new();
    let path = folder.file("clip.h4mk", &mux_file(mux(1, 10_000, 79_999, 2)));
    let exact = "1 min 19.999 s";
    assert!(stdout_of(&["info", &path]).contains(&format!("00:01:19.999000 ({exact}) from 00:00:10.000000 on")));
    let listed = stdout_of(&[folder.0.path().to_str().unwrap()]);
    assert!(listed.contains("00:01:19.999000"), "{listed}");
    for (keys, said) in [("1", format!("({exact})")), ("3", format!("all {exact}")), ("", format!("· {exact} ·"))] {
        let frame = stdout_of(&["render", &path, "--size", "160x40", "--keys", keys]);
        assert!(frame.contains(&said), "{said} in\n{frame}");
        assert!(!frame.contains("1 min 19 s"), "{frame}");
    }
    let zoomed = stdout_of(&["render", &path, "--size", "160x40", "--keys", "3t100%<Enter>+++"]);
    assert!(zoomed.contains(&format!("of {exact}")) && zoomed.contains("100.0%"), "{zoomed}");
    let moved = stdout_of(&["render", &path, "--keys", "3t50%<Enter>"]);
    assert!(moved.contains("50.0%") && moved.contains("00:00:10.000000 → "), "{moved}");
}

#[test]
fn what_has_no_time_says_why() {
    let folder = Folder::new();
    let no_rate = Transport::new(3).with(|t| (t.meta, t.seek) = (b"{}".to_vec(), Some(table(&[]))));
    let no_meta = no_rate.clone().with(|t| t.order.retain(|tag| tag != b"META"));
    let broken = no_rate.clone().with(|t| t.meta = b"{".to_vec());
    for (bytes, why) in [
        (no_rate.build(), "META has no usable fps_hint"),
        (no_meta.build(), "there is no META"),
        (broken.build(), "META at "),
        (mux_file(Vec::new()), "there are no blocks"),
    ] {
        let path = folder.file("x.h4mk", &bytes);
        let text = stdout_of(&["info", &path]);
        assert!(text.contains(&format!("Duration     unknown: {why}")), "{text}");
        let (status, _, refused) = run(&["seek", &path, "50%"]);
        assert!(status == 1 && refused.contains(why), "{refused}");
    }
}

/// Added, re-timed, and fields of META that changed, as `diff` says them.
fn differences(before: &str, after: &str) -> (u64, u64, u64) {
    let (_, stdout, _) = run(&["diff", before, after, "--json"]);
    let found: Value = serde_json::from_slice(&stdout).unwrap();
    let count = |list: &str| {
        let omitted = found["blocks"]["omitted"][list].as_u64().unwrap_or(0);
        found["blocks"][list].as_array().unwrap().len() as u64 + omitted
    };
    let documents = found["documents"].as_array().unwrap();
    let fields = documents.iter().map(|document| document["fields"].as_array().unwrap().len() as u64).sum();
    (count("added"), count("retimed"), fields)
}

#[test]
fn blocks_shown_at_another_time_are_counted() {
    let folder = Folder::new();
    let transport = |name: &str, fps: &str, blocks: std::ops::Range<usize>| {
        let made = Transport::new(14).with(|t| {
            t.blocks = t.blocks[blocks].to_vec();
            t.frame_us = (1_000_000.0 / fps.parse::<f64>().unwrap()) as u64;
            t.meta = format!(r#"{{"block_size":256,"fps_hint":{fps},"gop":2}}"#).into_bytes();
        });
        folder.file(name, &made.build())
    };
    let at_25 = transport("25", "25", 1..13);
    assert_eq!(differences(&at_25, &transport("30", "30", 1..13)), (0, 11, 1));
    assert_eq!(differences(&at_25, &transport("25.0", "25.0", 1..13)), (0, 0, 0));
    assert_eq!(differences(&at_25, &transport("25e0", "2.5e1", 1..13)), (0, 0, 0));
    assert_eq!(differences(&at_25, &transport("one more", "25", 0..13)), (1, 0, 0), "moved on, not re-timed");
    let late = |start_us| folder.file(&format!("late {start_us}"), &late_transport(start_us, TIMED));
    assert_eq!(differences(&late(0), &late(1_000_000)).1, 10);

    let muxed = |name: &str, start, step| folder.file(name, &mux_file(mux(1, start, step, 12)));
    let at_40 = muxed("40", 0, 40);
    assert_eq!(differences(&at_40, &muxed("33", 0, 33)), (0, 11, 0));
    assert_eq!(differences(&at_40, &muxed("later", 5, 40)), (0, 12, 0));
    assert_eq!(differences(&at_40, &muxed("same", 0, 40)), (0, 0, 0));
    let text = String::from_utf8(run(&["diff", &at_40, &muxed("33", 0, 33)]).1).unwrap();
    assert!(text.contains("@ blocks 1-11 (11): 7000 to 77000 us earlier"), "{text}");
}
