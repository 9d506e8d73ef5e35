//! `salvage` from the command line: its report, its statuses, and what it leaves behind.

use std::fs;
use std::path::Path;

use crate::support::{
    finished, h4inspect, json_of, run, sample, stderr_of, stdout_of, with_snapshots, write_container,
};
use serde_json::json;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

/// A report with the output's folder taken out.
fn report(status: i32, args: &[&str], folder: &Path) -> String {
    let (ended, stdout, stderr) = run(args);
    assert_eq!((ended, stderr.as_str()), (status, ""), "{args:?}");
    String::from_utf8(stdout).unwrap().replace(folder.to_str().unwrap(), "FOLDER")
}

#[test]
fn the_report_says_what_became_of_everything() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("saved.h4mk");
    let (damaged, out) = (sample("damaged.h4mk"), out.to_str().unwrap());
    with_snapshots(|| {
        insta::assert_snapshot!("salvage-damaged", report(1, &["salvage", &damaged, "--out", out], dir.path()));
        let repair = ["salvage", &damaged, "--out", out, "--force", "--repair", "--json"];
        insta::assert_snapshot!("salvage-damaged-json", report(1, &repair, dir.path()));
    });
    // Keyframes keep their times, which no longer fall on META's grid where blocks before them were lost.
    let audit = &json_of(0, &["audit", out, "--format", "json"])[0];
    assert_eq!(audit["verdict"], json!("suspect"));
    assert_eq!(audit["findings"].as_array().unwrap().len(), 1);
    assert_eq!(audit["findings"][0]["code"], json!("seek-gop-mismatch"));
    assert_eq!(names(dir.path()), ["saved.h4mk"]);
}

#[test]
fn a_sound_file_comes_out_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["demo.h4mk", "tracks.h4mk", "mux.h4mk", "encrypted.h4mk"] {
        let out = dir.path().join(name);
        let text = stdout_of(&["salvage", &sample(name), "--out", out.to_str().unwrap()]);
        assert!(text.contains("nothing was lost"), "{text}");
        assert_eq!(fs::read(&out).unwrap(), fs::read(sample(name)).unwrap(), "{name}");
    }
}

#[test]
fn a_confirmed_flip_is_mended_on_request() {
    let dir = tempfile::tempdir().unwrap();
    let (flipped, out) = (dir.path().join("flipped.h4mk"), dir.path().join("out.h4mk"));
    let mut bytes = fs::read(sample("demo.h4mk")).unwrap();
    bytes[5000] ^= 8;
    fs::write(&flipped, bytes).unwrap();
    let (flipped, out) = (flipped.to_str().unwrap(), out.to_str().unwrap());
    let dropped = json_of(1, &["salvage", flipped, "--out", out, "--json"]);
    assert_eq!((&dropped["nothing_lost"], &dropped["blocks_written"]), (&json!(false), &json!(359)));
    assert_eq!(dropped["dropped"][0]["reason"], json!("crc-mismatch"));
    assert!(dropped["notes"][0].as_str().unwrap().contains("--repair flips the bits back"), "{}", dropped["notes"]);
    let (_, text, _) = run(&["salvage", flipped, "--out", out, "--force"]);
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("its CRC is wrong because of one flipped bit, which --repair would mend"), "{text}");
    assert!(!text.contains("no repair is confirmed"), "{text}");
    let audit = &json_of(1, &["audit", flipped, "--format", "json"])[0]["findings"][0];
    assert!(audit["advice"].as_str().unwrap().starts_with("Salvage with --repair"), "{audit}");
    let (_, text, _) = run(&["salvage", flipped, "--out", out, "--force", "--repair"]);
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("  360 kept of the 360 found, 1 of them mended\n"), "{text}");
    let mended = json_of(0, &["salvage", flipped, "--out", out, "--json", "--repair", "--force"]);
    assert_eq!(mended["mended"][0]["flip"], json!({"offset": 5000, "bit": 3}));
    assert_eq!(fs::read(out).unwrap(), fs::read(sample("demo.h4mk")).unwrap());
}

#[test]
fn blocks_that_are_gone_are_counted_where_seek_tells() {
    let corpus = crate::support::corpus();
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out.h4mk");
    let salvaged = |name: &str| {
        let file = corpus.join("damaged").join(name);
        let args = ["salvage", file.to_str().unwrap(), "--out", out.to_str().unwrap(), "--force"];
        let missing = json_of(1, &[&args[..], &["--json"]].concat())["missing"].clone();
        (String::from_utf8(run(&args).1).unwrap(), missing)
    };
    let (hole, missing) = salvaged("hole-zeroed.h4mk");
    assert!(hole.contains("at least 3 blocks lost, 102 bytes in all"), "{hole}");
    assert!(hole.contains("4 kept of the 4 found; at least 3 more were in the lost bytes"), "{hole}");
    assert_eq!(missing, json!({"blocks": 3, "exact": false}));
    let (cut, missing) = salvaged("cut-in-payload.h4mk");
    assert!(cut.contains("4 kept of the 5 found; the lost bytes may have held more"), "{cut}");
    assert_eq!(missing, json!({"blocks": 0, "exact": false}));
    let (flip, missing) = salvaged("bitflip-core.h4mk");
    assert!(flip.contains("1 of 7 blocks lost, 34 bytes in all"), "{flip}");
    assert_eq!(missing, json!(null));
}

#[test]
fn tables_that_advice_sends_to_salvage_come_out_right() {
    let corpus = crate::support::corpus();
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out.h4mk");
    let out = out.to_str().unwrap();
    for name in ["seek-off-grid", "seek-count-huge", "mux-tsek-wrong"] {
        let file = corpus.join("damaged").join(name).with_extension("h4mk");
        let file = file.to_str().unwrap();
        let advice = json_of(1, &["audit", file, "--format", "json"])[0]["findings"][0]["advice"].clone();
        assert!(advice.as_str().unwrap().contains("with salvage"), "{advice}");
        run(&["salvage", file, "--out", out, "--force"]);
        assert_eq!(json_of(0, &["audit", out, "--format", "json"])[0]["verdict"], json!("ok"), "{name}");
    }
}

#[test]
fn what_exists_is_not_replaced_and_the_input_never() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("there");
    fs::write(&out, "old").unwrap();
    let out = out.to_str().unwrap();
    let message = stderr_of(2, &["salvage", &sample("damaged.h4mk"), "--out", out]);
    assert!(message.ends_with("there: it exists; --force replaces it\n"), "{message}");
    assert_eq!(fs::read(out).unwrap(), b"old");
    let copy = dir.path().join("copy.h4mk");
    fs::copy(sample("damaged.h4mk"), &copy).unwrap();
    let copy = copy.to_str().unwrap();
    assert!(stderr_of(2, &["salvage", copy, "--out", copy, "--force"]).contains("is the input"));
}

#[test]
fn what_can_not_be_saved_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out.h4mk");
    let out = out.to_str().unwrap();
    let empty = dir.path().join("empty.h4mk");
    write_container(&empty, &[]);
    let message = stderr_of(1, &["salvage", empty.to_str().unwrap(), "--out", out]);
    assert!(message.ends_with("there is no intact chunk to save; nothing was written\n"), "{message}");
    assert!(stderr_of(3, &["salvage", "sample-data/README.md", "--out", out]).contains("H4MK"));
    stderr_of(3, &["salvage", "no/such/file", "--out", out]);
    assert_eq!(names(dir.path()), ["empty.h4mk"]);
}

#[test]
fn into_a_pipe_the_report_goes_to_standard_error() {
    let mut command = h4inspect(&["salvage", "-", "--out", "-"]);
    command.write_stdin(fs::read(sample("demo.h4mk")).unwrap());
    let (status, stdout, stderr) = finished(command);
    assert_eq!((status, stdout), (0, fs::read(sample("demo.h4mk")).unwrap()));
    assert!(stderr.starts_with("- -> -: nothing was lost\n"), "{stderr}");
}

/// Killed while it writes, it leaves nothing: neither under the final name nor under another.
#[cfg(target_os = "linux")]
#[test]
fn a_killed_salvage_leaves_no_half_file() {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    let dir = tempfile::tempdir().unwrap();
    let (large, out) = (dir.path().join("large.h4mk"), dir.path().join("out.h4mk"));
    let payload = vec![7; 8 << 20];
    let blocks: Vec<(&[u8; 4], &[u8])> = (0..4).map(|_| (b"CORE", payload.as_slice())).collect();
    write_container(&large, &blocks);
    // What the system counts as written by the process.
    let written = |id: u32| {
        let counts = fs::read_to_string(format!("/proc/{id}/io")).unwrap_or_default();
        let written = counts.lines().find_map(|line| line.strip_prefix("wchar: "));
        written.map_or(0, |bytes| bytes.parse::<u64>().unwrap())
    };
    let salvage = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_h4inspect"));
        command.args(["salvage", large.to_str().unwrap(), "--out", out.to_str().unwrap()]).stdout(Stdio::null());
        command
    };
    salvage().status().unwrap();
    let whole = fs::metadata(&out).unwrap().len();
    fs::remove_file(&out).unwrap();
    for least in [1, 4 << 20, 16 << 20] {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            assert!(Instant::now() < until, "it is never caught while it writes");
            let mut child = salvage().spawn().unwrap();
            while written(child.id()) < least && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            child.kill().unwrap();
            let ended = child.wait().unwrap();
            if out.exists() {
                // It was faster than this test.
                assert_eq!(fs::metadata(&out).unwrap().len(), whole);
                fs::remove_file(&out).unwrap();
            } else if ended.code().is_none() {
                assert_eq!(names(dir.path()), ["large.h4mk"]);
                break;
            }
        }
    }
}

#[test]
fn a_repair_that_nothing_confirms_is_said_not_to_be_made() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("saved.h4mk");
    let (damaged, out) = (sample("damaged.h4mk"), out.to_str().unwrap());
    let (_, text, _) = run(&["salvage", &damaged, "--out", out, "--repair"]);
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("flipped bits were located but not mended"), "{text}");
    let (_, text, _) = run(&["salvage", &damaged, "--out", out, "--force"]);
    assert!(!String::from_utf8(text).unwrap().contains("flipped bits"));
}

/// The commands that the report of a protected file names do what it says.
#[test]
fn what_is_left_out_of_a_protected_file_can_be_had_from_the_source() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (key, damaged, out) = (at("key"), at("damaged.h4mk"), at("saved.h4mk"));
    let secret = "6834696e7370656374277320656e637279707465642073616d706c652066696c";
    let mask_key = "6834696e73706563742773206d61736b";
    for (name, key_hex, option, lost) in
        [("encrypted.h4mk", secret, "--secret-file", 4), ("masked.h4mk", mask_key, "--mask-key-file", 2)]
    {
        let clean = fs::read(sample(name)).unwrap();
        let chunks = json_of(0, &["chunks", &sample(name), "--json"]);
        let begins = chunks["chunks"][lost]["payload_offset"].as_u64().unwrap() as usize;
        let mut bytes = clean.clone();
        bytes[begins + 100..begins + 104].iter_mut().for_each(|byte| *byte = !*byte);
        fs::write(&damaged, bytes).unwrap();
        fs::write(&key, key_hex).unwrap();
        let report = json_of(1, &["salvage", &damaged, "--out", &out, "--force", "--json"]);
        assert_eq!(report["blocks_written"], json!(lost), "{report}");
        let command = format!("`block SOURCE INDEX {option} PATH`");
        assert!(report["notes"][0].as_str().unwrap().contains(&command), "{report}");
        let audit = &json_of(0, &["audit", &out, option, &key, "--format", "json"])[0];
        assert_eq!(audit["verdict"], json!("ok"), "{audit}");
        for block in lost + 1..report["blocks"].as_u64().unwrap() as usize {
            let read = |file: &str| run(&["block", file, &block.to_string(), option, &key]);
            assert_eq!(read(&damaged), read(&sample(name)), "{name}, block {block}");
            assert_eq!(read(&damaged).0, 0);
        }
    }
}
