//! The commands on one file: what they say, what they write, how they end.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{
    corpus, corpus_files, finished, h4inspect, json_of, run, sample, stderr_of, stdout_of, with_snapshots,
    write_container,
};
use h4inspect::core::text::is_unsafe;
use serde_json::{Value, json};

/// Every command that reads a container, on `file`.
fn readers(file: &str) -> Vec<Vec<&str>> {
    vec![
        vec![file],
        vec!["info", file],
        vec!["info", file, "--json"],
        vec!["info", file, "--check"],
        vec!["chunks", file],
        vec!["chunks", file, "--json", "--check"],
        vec!["manifest", file],
        vec!["manifest", file, "--full"],
        vec!["seek", file, "0"],
        vec!["seek", file, "50%", "--json"],
        vec!["block", file, "0"],
        vec!["unpack", file, "--out", "-"],
        vec!["hex", file, "--length", "64"],
        vec!["verify", file],
        vec!["verify", file, "--json"],
        vec!["audit", file],
        vec!["audit", file, "--format", "json"],
        vec!["audit", file, "--format", "ndjson"],
        vec!["audit", file, "--format", "junit"],
        vec!["audit", file, "--format", "sarif"],
    ]
}

#[test]
fn text_is_for_people() {
    let (demo, damaged) = (sample("demo.h4mk"), sample("damaged.h4mk"));
    with_snapshots(|| {
        insta::assert_snapshot!("info-demo", stdout_of(&["info", &demo]));
        insta::assert_snapshot!("info-check-demo", stdout_of(&["info", &demo, "--check"]));
        insta::assert_snapshot!("chunks-damaged", text(1, &["chunks", &damaged, "--check"]));
        insta::assert_snapshot!("seek-demo", stdout_of(&["seek", &demo, "7.5s"]));
        insta::assert_snapshot!("verify-demo", stdout_of(&["verify", &demo]));
        insta::assert_snapshot!("verify-damaged", text(1, &["verify", &damaged]));
        insta::assert_snapshot!("audit-samples", text(1, &["audit", &demo, &damaged]));
        insta::assert_snapshot!("folder-samples", stdout_of(&["sample-data"]));
        insta::assert_snapshot!("hex-demo", stdout_of(&["hex", &demo, "--block", "90", "--length", "64"]));
    });
    assert_eq!(stdout_of(&[&demo]), stdout_of(&["info", &demo]));
}

#[test]
fn json_is_for_scripts() {
    let (demo, damaged) = (sample("demo.h4mk"), sample("damaged.h4mk"));
    with_snapshots(|| {
        insta::assert_snapshot!("info-demo-json", stdout_of(&["info", &demo, "--json"]));
        insta::assert_snapshot!("chunks-damaged-json", text(1, &["chunks", &damaged, "--json", "--check"]));
        insta::assert_snapshot!("manifest-demo", stdout_of(&["manifest", &demo]));
        insta::assert_snapshot!("seek-demo-json", stdout_of(&["seek", &demo, "7.5s", "--json"]));
        insta::assert_snapshot!("verify-demo-json", stdout_of(&["verify", &demo, "--json"]));
        insta::assert_snapshot!("audit-damaged-json", text(1, &["audit", &damaged, "--format", "json"]));
        let (status, junit, _) = run(&["audit", &damaged, "--format", "junit"]);
        assert_eq!(status, 1);
        insta::assert_snapshot!("audit-damaged-junit", String::from_utf8(junit).unwrap());
    });
}

fn text(status: i32, args: &[&str]) -> String {
    let (ended, stdout, stderr) = run(args);
    assert_eq!((ended, stderr.as_str()), (status, ""), "{args:?}");
    String::from_utf8(stdout).unwrap()
}

#[test]
fn colours_come_only_when_asked_for() {
    let demo = sample("demo.h4mk");
    let plain = stdout_of(&["info", &demo]);
    let coloured = stdout_of(&["info", &demo, "--color", "always"]);
    assert!(coloured.contains("\x1b["));
    let mut bare = coloured.clone();
    for sgr in ["1", "2", "32", "33", "1;31", "36", "0"] {
        bare = bare.replace(&format!("\x1b[{sgr}m"), "");
    }
    assert_eq!(bare, plain);
}

#[test]
fn what_is_no_container_is_one_clear_line_and_status_3() {
    let dir = tempfile::tempdir().unwrap();
    let make = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let missing = dir.path().join("missing.h4mk").to_str().unwrap().to_owned();
    let folder = dir.path().join("folder.h4mk").to_str().unwrap().to_owned();
    fs::create_dir(&folder).unwrap();
    let mut bad = vec![
        (missing, "no such file"),
        (folder, "a folder"),
        (make("empty.h4mk", b""), "the file is empty"),
        (make("short.h4mk", b"H4MK\0\x01"), "ends at offset 6"),
        (make("other.h4mk", b"RIFF\x24\0\0\0WAVE"), "offset 0 holds 52 49 46 46"),
    ];
    if cfg!(unix) {
        let fifo = dir.path().join("fifo.h4mk").to_str().unwrap().to_owned();
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        bad.push((fifo, "a FIFO without a writer"));
        bad.push(("/dev/zero".to_owned(), "a device"));
    }
    for (file, cause) in &bad {
        for args in readers(file).into_iter().filter(|args| args[0] != "audit") {
            let is_folder = *cause == "a folder";
            if is_folder && args.len() == 1 {
                continue;
            }
            let (status, _, stderr) = run(&args);
            assert_eq!(status, 3, "{args:?}: {stderr}");
            assert_eq!(stderr.lines().count(), 1, "{args:?}: {stderr}");
            assert!(stderr.contains(file.as_str()) && stderr.contains(cause), "{args:?}: {stderr}");
        }
        if *cause != "a folder" {
            let audit = json_of(3, &["audit", file, "--format", "json"]);
            assert_eq!((&audit[0]["verdict"], &audit[0]["layout"]), (&json!("unreadable"), &Value::Null), "{audit}");
            let said = audit[0]["error"].as_str().or(audit[0]["findings"][0]["message"].as_str()).unwrap();
            assert!(said.contains(cause), "{said}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret.h4mk");
    fs::copy(sample("demo.h4mk"), &path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&path).is_ok() {
        return; // root may read anything
    }
    assert!(stderr_of(3, &["info", path.to_str().unwrap()]).contains("permission denied"));
}

#[test]
fn standard_input_is_a_file_too() {
    let bytes = fs::read(sample("demo.h4mk")).unwrap();
    let piped = |args: &[&str]| {
        let mut command = h4inspect(args);
        command.write_stdin(bytes.clone());
        finished(command)
    };
    let (status, stdout, _) = piped(&["info", "-"]);
    let named = stdout_of(&["info", &sample("demo.h4mk")]).replace(&sample("demo.h4mk"), "-");
    assert_eq!((status, String::from_utf8(stdout).unwrap()), (0, named));
    let (status, stdout, _) = piped(&["audit", "-", "--format", "ndjson"]);
    let audit: Value = serde_json::from_slice(&stdout).unwrap();
    assert_eq!((status, &audit["file"], &audit["verdict"]), (0, &json!("-"), &json!("ok")));
}

#[test]
fn seek_knows_every_form_of_time() {
    let demo = sample("demo.h4mk");
    for time in ["7500000", "7500000us", "7500ms", "7.5s", "00:00:07.500", "#225"] {
        let answer = json_of(0, &["seek", &demo, time, "--json"]);
        assert_eq!((&answer["keyframe_entry_index"], &answer["block_index"]), (&json!(7), &json!(210)), "{time}");
        assert_eq!(answer["chain"], json!((210..=225).collect::<Vec<_>>()), "{time}");
    }
    assert_eq!(json_of(0, &["seek", &demo, "100%", "--json"])["block_index"], 330);
    let refused = stderr_of(1, &["seek", &demo, "#360"]);
    assert_eq!(refused, format!("h4inspect: {demo}: Block index 360 out of range (0-359)\n"));
    assert!(stderr_of(1, &["seek", &demo, "0", "--track", "x\x1b"]).contains("no track \"x\\x1b\""));
}

#[test]
fn a_meaning_that_is_chosen_is_used() {
    let answer = json_of(0, &["seek", &sample("demo.h4mk"), "1s", "--json", "--meaning", "index"]);
    assert_eq!((answer["meaning"].as_str(), &answer["block_index"]), (Some("index"), &Value::Null));
    let info = json_of(0, &["info", &sample("demo.h4mk"), "--json", "--meaning", "index"]);
    assert_eq!(info["seek"]["chosen"], true);
}

#[test]
fn blocks_are_given_decoded_and_raw() {
    let demo = sample("demo.h4mk");
    let (status, decoded, _) = run(&["block", &demo, "275"]);
    assert_eq!((status, decoded.len()), (0, 1024));
    assert!(String::from_utf8_lossy(&decoded).contains("here is the needle"));
    let (_, raw, _) = run(&["block", &demo, "275", "--raw"]);
    let mut again = Vec::new();
    h4inspect::core::codec::rle::decode_into(&mut again, &raw, 1 << 20).unwrap();
    assert_eq!(again, decoded);
    let refused = stderr_of(1, &["block", &demo, "360"]);
    assert_eq!(refused, format!("h4inspect: {demo}: Block index 360 out of range (0-359)\n"));
    let too_large = stderr_of(1, &["block", &demo, "0", "--max-block-size", "1000"]);
    assert!(too_large.contains("over the limit of 1000; --max-block-size raises the limit, --raw writes it as stored"));
    for (name, advice) in [
        ("encrypted", "; --secret-file decrypts it, --raw"),
        ("opaque", "; --core-lib decodes it with the vendor's library, --raw"),
    ] {
        assert!(stderr_of(1, &["block", &sample(&format!("{name}.h4mk")), "0"]).contains(advice), "{name}");
    }
    let no_container = stderr_of(3, &["info", "README.md"]);
    assert!(
        no_container
            .ends_with("(\"H4MK\"). Check that it is the right file: every H4MK container begins with this magic.\n")
    );
}

#[test]
fn a_protected_block_says_which_option_opens_it() {
    let refused = |name: &str| stderr_of(1, &["block", &sample(name), "0"]);
    assert!(refused("encrypted.h4mk").contains("--secret-file decrypts it"));
    assert!(refused("opaque.h4mk").contains("--core-lib decodes it with the vendor's library"));
    for args in [vec!["block", "sample-data/masked.h4mk", "0"], vec!["unpack", "sample-data/masked.h4mk", "--out", "-"]]
    {
        let (status, _, warning) = run(&args);
        assert_eq!(status, 0);
        assert!(
            warning.contains("masked: no key; the output is still masked; --mask-key-file unmasks it"),
            "{warning}"
        );
    }
}

#[test]
fn a_damaged_block_is_given_with_a_warning_and_status_1() {
    let damaged = sample("damaged.h4mk");
    for args in [&["block", &damaged, "5"][..], &["hex", &damaged, "--block", "5"], &["hex", &damaged, "--chunk", "5"]]
    {
        let (status, stdout, stderr) = run(args);
        assert_eq!(status, 1, "{args:?}");
        assert!(!stdout.is_empty() && stderr.contains("at 2568") && stderr.lines().count() == 1, "{args:?}: {stderr}");
    }
    let (status, stdout, stderr) = run(&["unpack", &damaged, "--out", "-"]);
    assert_eq!((status, stderr.lines().count()), (1, 3), "{stderr}");
    assert!(stderr.contains("202 bytes lost at 3828"), "{stderr}");
    let whole = 28 * 1024;
    assert!((whole..whole + 1024).contains(&stdout.len()), "{}", stdout.len());
    assert_eq!(run(&["block", &damaged, "6"]), (0, stdout[6 * 1024..7 * 1024].to_vec(), String::new()));
    let (status, _, stderr) = run(&["block", &damaged, "13"]);
    assert_eq!((status, stderr.contains("provisional")), (0, true), "{stderr}");
}

#[test]
fn unpack_gives_all_blocks_in_order_whatever_the_threads() {
    let demo = sample("demo.h4mk");
    let blocks: Vec<u8> = [0, 100, 359].iter().flat_map(|n| run(&["block", &demo, &n.to_string()]).1).collect();
    let all = run(&["unpack", &demo, "--out", "-", "--jobs", "1"]).1;
    assert_eq!(all.len(), 360 * 1024);
    let picked: Vec<u8> = [0, 100, 359].iter().flat_map(|n| all[n * 1024..(n + 1) * 1024].to_vec()).collect();
    assert_eq!(picked, blocks);
    for jobs in ["2", "3", "7", "400"] {
        assert_eq!(run(&["unpack", &demo, "--out", "-", "--jobs", jobs]).1, all, "{jobs}");
    }
    let meta = run(&["unpack", &demo, "--out", "-", "--chunk", "361"]).1;
    assert_eq!(meta, fs::read(sample("demo.meta.json")).unwrap());
    assert!(stderr_of(1, &["unpack", &demo, "--out", "-", "--chunk", "364"]).contains("out of range (0-363)"));
}

#[test]
fn tracks_are_unpacked_one_by_one() {
    let corpus = corpus();
    let file = corpus.join("reference/mux-three-tracks.h4mk");
    let file = file.to_str().unwrap();
    let info = json_of(0, &["info", file, "--json"]);
    for track in info["tracks"].as_array().unwrap() {
        let (status, bytes, _) = run(&["unpack", file, "--out", "-", "--track", track["id"].as_str().unwrap()]);
        assert_eq!((status, json!(bytes.len())), (0, track["bytes"].clone()));
    }
    assert!(stderr_of(1, &["unpack", file, "--out", "-", "--track", "8"]).contains("no track \"8\""));
}

#[test]
fn hex_shows_the_file_a_chunk_or_a_block() {
    let demo = sample("demo.h4mk");
    let whole = stdout_of(&["hex", &demo]);
    assert_eq!(whole.lines().count(), fs::metadata(&demo).unwrap().len().div_ceil(16) as usize);
    assert!(whole.starts_with("00000000  48 34 4d 4b 00 01 00 00  43 4f 52 45"));
    assert!(stdout_of(&["hex", &demo, "--chunk", "1"]).contains("|CORE"));
    assert!(stdout_of(&["hex", &demo, "--block", "0"]).starts_with("00000000  73 63 65 6e 65 20 30"));
    assert!(stdout_of(&["hex", &demo, "--block", "0", "--raw"]).starts_with("00000014  73 01 63 01"));
    assert_eq!(stdout_of(&["hex", &demo, "--offset", "0x10", "--length", "3"]).lines().count(), 1);
    assert!(stderr_of(1, &["hex", &demo, "--offset", "1GiB"]).contains("beyond the end"));
    let dir = tempfile::tempdir().unwrap();
    let other = dir.path().join("other");
    fs::write(&other, "no container").unwrap();
    let (status, stdout, _) = run(&["hex", other.to_str().unwrap()]);
    assert_eq!((status, String::from_utf8(stdout).unwrap().contains("|no container|")), (3, true));
}

#[test]
fn verify_says_valid_only_of_what_was_recomputed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.h4mk");
    let file = path.to_str().unwrap();
    let core = [1, 255, 2, 1];
    let of = |veri: Option<&[u8]>, status| {
        let mut chunks: Vec<(&[u8; 4], &[u8])> = vec![(b"CORE", &core), (b"META", b"{}")];
        chunks.extend(veri.map(|veri| (b"VERI", veri)));
        write_container(&path, &chunks);
        let verify = json_of(status, &["verify", file, "--json"]);
        (verify["status"].as_str().unwrap().to_owned(), verify["valid"].as_bool().unwrap())
    };
    assert_eq!(of(None, 4), ("absent".to_owned(), true));
    assert_eq!(of(Some(&[7; 32]), 1), ("mismatch".to_owned(), false));
    assert_eq!(of(Some(&[7; 31]), 1), ("malformed".to_owned(), false));
    let blake = format!(r#"{{"algorithm":"blake3","blake3":"{}"}}"#, "ab".repeat(32));
    assert_eq!(of(Some(blake.as_bytes()), 4), ("unsupported".to_owned(), false));
    write_container(&path, &[(b"CORE", &core), (b"META", b"{}")]);
    let mut bytes = fs::read(&path).unwrap();
    bytes[20] ^= 1;
    fs::write(&path, bytes).unwrap();
    let verify = json_of(1, &["verify", file, "--json"]);
    assert_eq!((verify["status"].as_str(), verify["valid"].as_bool()), (Some("absent"), Some(false)));
    assert_eq!(json_of(0, &["verify", &sample("demo.h4mk"), "--json"])["valid"], true);
}

#[test]
fn content_is_refused_where_integrity_is_demanded_and_not_given() {
    let damaged = sample("damaged.h4mk");
    let commands = [
        vec!["seek", &damaged, "0"],
        vec!["block", &damaged, "0"],
        vec!["unpack", &damaged, "--out", "-"],
        vec!["hex", &damaged],
    ];
    for args in commands {
        let mut command = h4inspect(&args);
        command.env("HARMONY_VERIFY_INTEGRITY", "1");
        let (status, stdout, stderr) = finished(command);
        assert_eq!((status, stdout.len()), (1, 0), "{args:?}");
        assert!(stderr.contains("HARMONY_VERIFY_INTEGRITY"), "{stderr}");
    }
    let demo = sample("demo.h4mk");
    let mut command = h4inspect(&["block", &demo, "0"]);
    command.env("HARMONY_VERIFY_INTEGRITY", "1");
    assert_eq!(finished(command).0, 0);
}

#[test]
fn output_files_appear_whole_and_replace_nothing_unasked() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out.bin");
    let path = out.to_str().unwrap();
    let (demo, damaged) = (sample("demo.h4mk"), sample("damaged.h4mk"));
    assert_eq!(stdout_of(&["block", &demo, "0", "--out", path]), "");
    assert_eq!(fs::read(&out).unwrap().len(), 1024);
    assert!(stderr_of(2, &["block", &demo, "1", "--out", path]).contains("--force"));
    stdout_of(&["unpack", &demo, "--out", path, "--force"]);
    assert_eq!(fs::read(&out).unwrap().len(), 360 * 1024);
    assert_eq!(run(&["block", &damaged, "5", "--out", path, "--force"]).0, 1);
    assert_eq!(fs::read(&out).unwrap().len(), 1024);
    // Usage wins over what is wrong with the content, and what fails leaves nothing behind.
    stderr_of(2, &["block", &demo, "999", "--out", path]);
    stderr_of(1, &["block", &demo, "999", "--out", dir.path().join("new").to_str().unwrap()]);
    assert!(stderr_of(2, &["unpack", &demo, "--out", &demo, "--force"]).contains("is the input"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let exe = assert_cmd::cargo::cargo_bin(env!("CARGO_PKG_NAME"));
    let demo = sample("demo.h4mk");
    for args in [&["hex", &demo][..], &["unpack", &demo, "--out", "-"], &["chunks", &demo, "--json"]] {
        let mut child = Command::new(&exe).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = [0; 8];
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut first).unwrap();
        drop(stdout);
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{args:?}");
    }
}

#[test]
fn pack_makes_what_the_reference_writer_makes() {
    let corpus = corpus();
    let dir = tempfile::tempdir().unwrap();
    for name in ["transport-basic.h4mk", "transport-rgb-frames.h4mk"] {
        let file = corpus.join("reference").join(name);
        let file = file.to_str().unwrap();
        let paths = ["raw", "meta", "safe", "again"].map(|part| dir.path().join(part).to_str().unwrap().to_owned());
        let [raw, meta, safe, again] = paths.each_ref().map(String::as_str);
        let chunk = |tag: &str| {
            let chunks = json_of(0, &["chunks", file, "--json"]);
            let chunk = chunks["chunks"].as_array().unwrap().iter().find(|chunk| chunk["tag"] == tag).unwrap();
            chunk["index"].to_string()
        };
        stdout_of(&["unpack", file, "--out", raw, "--force"]);
        stdout_of(&["unpack", file, "--chunk", &chunk("META"), "--out", meta, "--force"]);
        stdout_of(&["unpack", file, "--chunk", &chunk("SAFE"), "--out", safe, "--force"]);
        stdout_of(&["pack", raw, "--out", again, "--meta", meta, "--safe", safe, "--force"]);
        assert!(fs::read(again).unwrap() == fs::read(file).unwrap(), "{name}");
    }
}

#[test]
fn pack_pads_says_so_and_refuses_contradictions() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (raw, out, meta) = (at("raw"), at("out.h4mk"), at("meta.json"));
    fs::write(&raw, [9; 1000]).unwrap();
    fs::write(&meta, r#"{"block_size":512,"gop":2}"#).unwrap();
    let (status, _, stderr) = run(&["pack", &raw, "--out", &out, "--meta", &meta]);
    assert_eq!((status, stderr.lines().count()), (0, 1), "{stderr}");
    assert!(stderr.contains("24 zero bytes"), "{stderr}");
    assert_eq!(json_of(0, &["audit", &out, "--format", "json"])[0]["blocks"], 2);
    let mut command = h4inspect(&["pack", "-", "--out", "-", "--meta", &meta]);
    command.write_stdin([9; 1000]);
    assert_eq!(finished(command).1, fs::read(&out).unwrap());
    let contradiction = stderr_of(2, &["pack", &raw, "--out", "-", "--meta", &meta, "--block-size", "1KiB"]);
    assert!(contradiction.contains("contradicts META"), "{contradiction}");
    fs::write(&meta, "[]").unwrap();
    assert!(stderr_of(2, &["pack", &raw, "--out", "-", "--meta", &meta]).contains("not a JSON object"));
    assert!(stderr_of(3, &["pack", &at("none"), "--out", "-"]).contains("no such file"));
}

#[test]
fn several_manifests_are_one_a_line_and_an_unreadable_file_is_passed() {
    let (demo, damaged) = (sample("demo.h4mk"), sample("damaged.h4mk"));
    let (status, stdout, stderr) = run(&["manifest", &demo, "missing.h4mk", &damaged]);
    assert_eq!((status, stderr.lines().count()), (3, 1));
    let lines: Vec<Value> =
        stdout.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    assert_eq!(lines.iter().map(|manifest| manifest["blocks"].clone()).collect::<Vec<_>>(), [360, 29]);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&lines[0]), ["container", "project", "domain", "blocks", "seek", "compression", "safe"]);
    let full = json_of(0, &["manifest", &demo, "--full"]);
    assert_eq!(full["inspection"], json_of(0, &["info", &demo, "--json"]));
}

#[test]
fn a_seek_count_of_4_billion_and_lengths_past_the_end_are_harmless() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.h4mk");
    let file = path.to_str().unwrap();
    let seek = [&[0xff; 4][..], &[0; 16]].concat();
    write_container(&path, &[(b"CORE", &[1, 255, 1, 1]), (b"SEEK", &seek), (b"META", b"not json")]);
    for args in readers(file) {
        let (status, _, stderr) = run(&args);
        assert!([0, 1, 4].contains(&status), "{args:?}: {status} {stderr}");
    }
    assert_eq!(json_of(0, &["info", file, "--json"])["seek"]["entries"], 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes[12..16].fill(0xff);
    fs::write(&path, bytes).unwrap();
    for args in readers(file) {
        assert!([0, 1, 4].contains(&run(&args).0), "{args:?}");
    }
}

/// A container whose every text tries to steer the terminal.
fn hostile(path: &Path) {
    let meta = json!({"title": "\u{1b}]0;owned\u{7}\u{202e}x", "project": "\u{9b}31m", "version": "\u{2066}1",
        "fps_hint": "\u{1b}[2J", "encryption": {"cipher": "\u{1b}c"}, "encrypted": true,
        "compression": {"engine": "\u{1b}[1m", "opaque": true, "engine_id": "\u{200f}"},
        "tracks": ["\u{1b}t\u{202e}"], "seekm_b64": "\u{1b}"});
    let meta = meta.to_string().into_bytes();
    let veri = br#"{"algorithm":"\u001b[5m","digest":"abcd","covers":"\u202e"}"#;
    write_container(
        path,
        &[(b"CORE", &[1, 2]), (b"\x1b[2J", b"x"), (b"META", &meta), (b"VERI", veri), (b"\xff\xfe\x9b\x07", b"")],
    );
}

#[test]
fn no_text_of_a_file_reaches_the_terminal_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("\u{1b}[31m\u{202e}.h4mk");
    hostile(&path);
    for file in [path, corpus().join("damaged/meta-escapes.h4mk")] {
        let file = file.to_str().unwrap();
        for args in readers(file).into_iter().filter(|args| !["block", "unpack"].contains(&args[0])) {
            let (_, stdout, stderr) = run(&args);
            let stdout = String::from_utf8(stdout).unwrap();
            let raw = |text: &str| text.chars().find(|c| *c != '\n' && is_unsafe(*c));
            assert_eq!((raw(&stdout), raw(&stderr)), (None, None), "{args:?}:\n{stdout:?}\n{stderr:?}");
        }
    }
}

/// The fields INTERFACE promises, in their order, and what else there may be.
#[test]
fn json_has_the_shape_that_is_promised() {
    let promised = |value: &Value, fields: &[&str], what: &str| {
        let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        let places: Vec<_> = fields.iter().map(|field| keys.iter().position(|key| key == field)).collect();
        let present: Vec<_> = places.iter().flatten().collect();
        assert!(present.is_sorted(), "{what}: {keys:?}");
        places.iter().zip(fields).filter(|(place, _)| place.is_none()).map(|(_, f)| (*f).to_owned()).collect::<Vec<_>>()
    };
    for file in corpus_files().iter().chain(&[sample("demo.h4mk"), sample("damaged.h4mk")]) {
        let (status, stdout, _) = run(&["audit", file, "--format", "ndjson"]);
        let audit: Value = serde_json::from_slice(&stdout).unwrap();
        let fields = [
            "file",
            "bytes",
            "layout",
            "verdict",
            "complete",
            "chunks",
            "blocks",
            "blocks_intact",
            "seek",
            "veri",
            "omitted",
            "findings",
        ];
        assert_eq!(promised(&audit, &fields, file), [""; 0]);
        assert_eq!(promised(&audit["seek"], &["entries", "meaning", "fits"], file), [""; 0]);
        assert_eq!(promised(&audit["veri"], &["status", "scheme", "algorithm"], file), [""; 0]);
        for finding in audit["findings"].as_array().unwrap() {
            let fields = ["code", "severity", "offset", "length", "chunk", "block", "message", "flip"];
            let missing = promised(finding, &fields, file);
            assert!(missing.iter().all(|field| ["chunk", "block", "flip"].contains(&field.as_str())), "{finding}");
        }
        let verdict = audit["verdict"].as_str().unwrap();
        let expected = match verdict {
            "unreadable" => 3,
            "damaged" => 1,
            _ if audit["complete"] == false => 4,
            _ => 0,
        };
        assert_eq!(status, expected, "{file}: {verdict}");
        if status == 3 {
            continue;
        }
        let info = json_of(0, &["info", file, "--json"]);
        let fields = [
            "file",
            "bytes",
            "layout",
            "header",
            "tags",
            "blocks",
            "tracks",
            "duration_us",
            "fps_hint",
            "gop",
            "block_size",
            "version",
            "compression",
            "protection",
            "seek",
            "veri",
        ];
        let missing = promised(&info, &fields, file);
        let optional = ["duration_us", "fps_hint", "gop", "block_size", "version"];
        assert!(missing.iter().all(|field| optional.contains(&field.as_str())), "{file}: {missing:?}");
        assert_eq!(info["veri"]["status"], "unchecked", "{file}");
        let chunks = json_of(0, &["chunks", file, "--json"]);
        assert_eq!(promised(&chunks, &["file", "bytes", "layout", "header", "chunks"], file), [""; 0]);
        for chunk in chunks["chunks"].as_array().unwrap() {
            let fields = [
                "index",
                "tag",
                "offset",
                "payload_offset",
                "length",
                "crc32",
                "block",
                "track",
                "pts_us",
                "kind",
                "flags",
            ];
            let missing = promised(chunk, &fields, file);
            assert!(
                !missing.iter().any(|f| ["index", "tag", "offset", "payload_offset", "length"].contains(&f.as_str()))
            );
            assert!(chunk["crc32"].as_str().is_none_or(|crc| crc.len() == 8), "{chunk}");
        }
    }
}

/// A sample with the byte at `at` inverted.
fn broken(folder: &Path, name: &str, at: usize) -> String {
    let path = folder.join(name);
    let mut bytes = fs::read(sample(name)).unwrap();
    bytes[at] ^= 0xff;
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A file that holds `hex`.
fn key_file(folder: &Path, name: &str, hex: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, hex).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn info_and_folders_say_what_headers_show_of_damage() {
    let damage = |file: &str| {
        let text = stdout_of(&["info", file]);
        text.lines().find_map(|line| line.trim().strip_prefix("Damage")).map(|line| line.trim().to_owned())
    };
    let all = "; `h4inspect audit` lists everything";
    let found = "202 bytes lost at 3828, 1 wrong length, at least 1 wrong CRC";
    assert_eq!(damage(&sample("damaged.h4mk")), Some(format!("{found}{all}")));
    assert_eq!(damage(&sample("demo.h4mk")), None);
    let listed = stdout_of(&["sample-data"]);
    let marked: Vec<&str> = listed.lines().filter(|line| line.contains("damaged: ")).collect();
    assert_eq!(marked.len(), 1, "{listed}");
    assert!(marked[0].ends_with(&format!("; damaged: {found}")), "{listed}");
    let corpus = corpus();
    for (name, words) in [
        ("length-past-eof", "1 wrong length"),
        ("hole-zeroed", "102 bytes lost at 76"),
        ("cut-in-payload", "a chunk cut off at 144"),
    ] {
        let file = corpus.join("damaged").join(name).with_extension("h4mk");
        assert_eq!(damage(file.to_str().unwrap()), Some(format!("{words}{all}")), "{name}");
    }
}

#[test]
fn seek_says_where_blocks_are_numbered_provisionally_and_why() {
    let damaged = sample("damaged.h4mk");
    let half = json_of(0, &["seek", &damaged, "0.5s", "--json"]);
    assert_eq!((&half["block_index"], &half["chain"]), (&json!(10), &json!([10, 11, 12, 13, 14, 15])));
    assert_eq!((&half["provisional"], &half["provisional_from"]), (&json!(true), &json!(13)));
    assert_eq!(half["chain_damaged"], json!([12]));
    let text = stdout_of(&["seek", &damaged, "0.5s"]);
    assert!(text.contains("provisional from block 13 on: bytes were lost before it (202 bytes at 3828"), "{text}");
    let past = stdout_of(&["seek", &damaged, "0.7s"]);
    assert!(past.contains("its offset 20480 leads past lost bytes (202 bytes at 3828"), "{past}");
    assert!(!past.contains("the time of blocks"), "{past}");
    let before = json_of(0, &["seek", &damaged, "0", "--json"]);
    assert_eq!((before.get("provisional"), before.get("chain_damaged")), (None, None));
}

#[test]
fn unpack_names_a_wrong_crc_and_leaves_such_blocks_out_on_request() {
    let dir = tempfile::tempdir().unwrap();
    let file = broken(dir.path(), "encrypted.h4mk", 400);
    let secret = "6834696e7370656374277320656e637279707465642073616d706c652066696c";
    let secret = key_file(dir.path(), "secret", secret);
    let out = dir.path().join("out.raw");
    let unpack = ["unpack", &file, "--secret-file", &secret, "--out", out.to_str().unwrap()];
    let refused = stderr_of(1, &unpack);
    assert!(refused.contains("block 1 at 284 has a wrong CRC") && !refused.contains("secret does not"), "{refused}");
    assert!(!out.exists());
    let (status, _, warned) = run(&[&unpack[..], &["--skip"]].concat());
    assert_eq!((status, warned.lines().count()), (1, 1), "{warned}");
    assert!(warned.contains("left out: block 1 at 284"), "{warned}");
    let mut whole = h4inspect(&["unpack", &sample("encrypted.h4mk"), "--secret-file", &secret, "--out", "-"]);
    whole.env_remove("H4_SHARED_SECRET");
    let whole = finished(whole).1;
    assert_eq!(fs::read(&out).unwrap(), [&whole[..4096], &whole[8192..]].concat());
    // Without the secret no block can be given, and none is left out.
    assert!(stderr_of(1, &["unpack", &file, "--skip", "--out", "-"]).contains("--secret-file"));
}

#[test]
fn errors_say_what_there_is_instead() {
    let dir = tempfile::tempdir().unwrap();
    let (demo, tracks) = (sample("demo.h4mk"), sample("tracks.h4mk"));
    let bad = key_file(dir.path(), "bad.json", "[]");
    let folder = dir.path().to_str().unwrap();
    let nowhere = format!("{folder}/no/x");
    let there = r#"the tracks are "audio", "subtitles", "video""#;
    for (status, args, wanted) in [
        (2, vec!["unpack", &demo, "--out", &nowhere], "no/x: there is no such folder"),
        (2, vec!["info", &demo, "--secret-file", "nosuch"], "nosuch: no such file; check the path"),
        (3, vec!["audit", "--files-from", "nosuch"], "nosuch: no such file; check the path"),
        (1, vec!["seek", &tracks, "1s", "--track", "vidoe"], there),
        (1, vec!["unpack", &tracks, "--out", "-", "--track", "vidoe"], there),
        (2, vec!["pack", &demo, "--out", "-", "--meta", &bad], "bad.json: META is not a JSON object"),
        (2, vec!["render", &demo, "--keys", "<Foo>"], "<PgUp>"),
        (3, vec!["info", folder], "`h4inspect audit "),
    ] {
        let (ended, _, error) = run(&args);
        assert_eq!(ended, status, "{args:?}: {error}");
        assert!(error.contains(wanted) && !error.contains("os error") && !error.contains(".part"), "{error}");
    }
}
