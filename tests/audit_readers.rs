//! `audit` whose reports nobody reads, or of very many files: it is not green for that, and does not grow.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader};
#[cfg(target_os = "linux")]
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::sample;
#[cfg(target_os = "linux")]
use crate::support::trees::put_flipped;
use crate::support::trees::{folder, text};
#[cfg(target_os = "linux")]
use serde_json::Value;

/// Runs an audit in text whose reader leaves after a line, while there is much more to write.
fn left_alone(files: &[&str], more: &[&str]) -> Option<i32> {
    let list = files.join("\n");
    let dir = folder();
    fs::write(dir.path().join("list"), list).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_h4inspect"))
        .args(["audit", "--files-from", text(&dir.path().join("list"))])
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::with_capacity(64, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.is_empty());
    child.wait().unwrap().code()
}

#[test]
fn a_reader_that_leaves_does_not_make_a_gate_green() {
    let (ok, damaged) = (sample("demo.h4mk"), sample("damaged.h4mk"));
    let many = vec![ok.as_str(); 3000];
    let with = |last: &'static str| [&many[..], &[last]].concat();
    assert_eq!(left_alone(&many, &[]), Some(0));
    assert_eq!(left_alone(&[&many[..], &[damaged.as_str()]].concat(), &[]), Some(1));
    assert_eq!(left_alone(&[&many[..], &[damaged.as_str()]].concat(), &["--format", "ndjson"]), Some(1));
    assert_eq!(left_alone(&[&many[..], &[damaged.as_str()]].concat(), &["--format", "json"]), Some(1));
    assert_eq!(left_alone(&[&many[..], &[damaged.as_str()]].concat(), &["--format", "junit"]), Some(1));
    assert_eq!(left_alone(&vec![damaged.as_str(); 3000], &["--format", "sarif"]), Some(1));
    assert_eq!(left_alone(&with("missing.h4mk"), &[]), Some(3));
    assert_eq!(left_alone(&[&[damaged.as_str()], &many[..]].concat(), &[]), Some(1));
}

#[test]
fn a_closed_standard_output_is_a_failure_of_every_command() {
    let (demo, dir) = (sample("demo.h4mk"), folder());
    let out = dir.path().join("out");
    let out = text(&out);
    let commands: [&[&str]; 21] = [
        &[&demo],
        &["sample-data"],
        &["info", &demo],
        &["info", &demo, "--json"],
        &["chunks", &demo],
        &["manifest", &demo],
        &["seek", &demo, "1s"],
        &["block", &demo, "0"],
        &["unpack", &demo, "--out", "-"],
        &["unpack", &demo, "--out", out],
        &["hex", &demo],
        &["verify", &demo],
        &["audit", &demo],
        &["audit", &demo, "--format", "sarif", "--quiet"],
        &["diff", &demo, &demo],
        &["salvage", &demo, "--out", out],
        &["render", &demo],
        &["completions", "bash"],
        &["man"],
        &["--help"],
        &["--version"],
    ];
    for (how, wanted) in [(r#"exec "$@" >&-"#, 3), (r#"exec "$@" 1</dev/null"#, 3), (r#"exec "$@" >/dev/null"#, 0)] {
        for command in commands {
            let mut shell = Command::new("sh");
            shell.args(["-c", how, "sh", env!("CARGO_BIN_EXE_h4inspect")]).args(command).env_clear();
            let output = shell.stdin(Stdio::null()).output().unwrap();
            let message = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(wanted), "{how} {command:?}: {message}");
            assert_eq!(message.contains("standard output"), wanted == 3, "{how} {command:?}: {message}");
            _ = fs::remove_file(out);
        }
    }
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"exec "$@" >&-"#, "sh", env!("CARGO_BIN_EXE_h4inspect"), "audit", "--nonsense"]);
    assert_eq!(shell.stderr(Stdio::null()).status().unwrap().code(), Some(2));
}

/// Audits the same file under so many names and returns the report, with the most memory that took, in KiB.
#[cfg(target_os = "linux")]
fn measured(dir: &Path, names: usize, format: &str) -> (String, u64) {
    let (list, report) = (dir.join("list"), dir.join("report"));
    let damaged = put_flipped(dir, "damaged.h4mk");
    fs::write(&list, format!("{}\n", text(&damaged)).repeat(names)).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_h4inspect"))
        .args(["audit", "--jobs", "1", "--files-from", text(&list), "--format", format])
        .env("MALLOC_ARENA_MAX", "1")
        .stdout(fs::File::create(&report).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    let ended = loop {
        let found = fs::read_to_string(&status).unwrap_or_default();
        let peak = found.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
        most = most.max(peak.unwrap_or(0));
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    };
    assert_eq!(ended.code(), Some(1), "{format}");
    (fs::read_to_string(report).unwrap(), most)
}

#[cfg(target_os = "linux")]
#[test]
fn reports_of_very_many_files_need_little_memory() {
    let dir = folder();
    for format in ["junit", "sarif", "json"] {
        let (_, few) = measured(dir.path(), 100, format);
        let (report, many) = measured(dir.path(), 20_000, format);
        assert!(many < few + (6 << 10), "{format}: {few} KiB for 100 files, {many} KiB for 20000");
        match format {
            "junit" => {
                assert!(report.contains(r#"tests="20000" failures="20000" errors="0""#), "{}", &report[..500]);
                assert_eq!(report.matches("<testcase ").count(), 20_000);
                assert_eq!(crate::support::jenkins::faults(&report), [""; 0]);
            }
            "sarif" => {
                let log: Value = serde_json::from_str(&report).unwrap();
                assert!(log["runs"][0]["results"].as_array().unwrap().len() >= 20_000);
            }
            _ => assert_eq!(serde_json::from_str::<Vec<Value>>(&report).unwrap().len(), 20_000),
        }
    }
}
