//! What `audit` is given: lists of files, what is excluded, shards; and what it leaves out of its report.

use std::fs;
use std::path::Path;

use crate::support::trees::{audited, folder, found, put, put_flipped, text};
use crate::support::{finished, h4inspect, json_of, run, sample, write_container};
use serde_json::Value;

#[cfg(unix)]
#[test]
fn a_list_from_a_fifo_that_nobody_writes_is_not_waited_for() {
    let dir = folder();
    let fifo = dir.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let (status, _, message) = run(&["audit", "--files-from", text(&fifo)]);
    assert_eq!(status, 3, "{message}");
    let writer = std::thread::spawn({
        let fifo = fifo.clone();
        move || fs::write(fifo, sample("damaged.h4mk")).unwrap()
    });
    assert_eq!(run(&["audit", "--files-from", text(&fifo)]).0, 1);
    writer.join().unwrap();
    let (status, _, message) = run(&["audit", &sample("demo.h4mk"), "--baseline", text(&fifo)]);
    assert_eq!(status, 2, "{message}");
}

#[test]
fn lists_take_byte_order_marks_line_ends_and_nul() {
    let dir = folder();
    let list = dir.path().join("list");
    let (ok, damaged) = (sample("demo.h4mk"), sample("damaged.h4mk"));
    for (content, more) in [
        (format!("\u{feff}{ok}\r\n{damaged}\r\n"), &[][..]),
        (format!("{ok}\n\n{damaged}"), &[]),
        (format!("{ok}\0{damaged}\0"), &["--null"]),
        (format!("\u{feff}{ok}\0\0{damaged}"), &["--null"]),
    ] {
        fs::write(&list, &content).unwrap();
        let args = [&["audit", "--files-from", text(&list), "--format", "json"], more].concat();
        assert_eq!(found(Path::new(""), &json_of(1, &args)), [format!("{ok} ok"), format!("{damaged} damaged")]);
        let mut piped = h4inspect(&[&["audit", "--files-from", "-"], more].concat());
        piped.write_stdin(content);
        assert_eq!(finished(piped).0, 1);
    }
    // A list that is read the wrong way is not an empty one.
    fs::write(&list, format!("{ok}\0{ok}\0")).unwrap();
    let (status, stdout, _) = run(&["audit", "--files-from", text(&list)]);
    assert!(status == 3 && String::from_utf8(stdout).unwrap().contains("--null"));
    let utf16: Vec<u8> = format!("\u{feff}{ok}\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(&list, utf16).unwrap();
    assert_eq!(run(&["audit", "--files-from", text(&list)]).0, 3);
    assert_eq!(run(&["audit", &ok, "--null"]).0, 2);
}

#[cfg(unix)]
#[test]
fn names_that_end_in_nul_may_hold_all_else() {
    let dir = folder();
    put(dir.path(), "a\nb\r.h4mk", "damaged.h4mk");
    let name = dir.path().join("a\nb\r.h4mk");
    let mut piped = h4inspect(&["audit", "--files-from", "-", "--null", "--format", "json"]);
    piped.write_stdin(format!("{}\0", text(&name)));
    let (status, stdout, _) = finished(piped);
    let audits: Value = serde_json::from_slice(&stdout).unwrap();
    assert_eq!((status, audits[0]["file"].as_str()), (1, name.to_str()));
}

#[test]
fn what_is_excluded_does_not_count() {
    let dir = folder();
    let tree = dir.path();
    put(tree, "a.h4mk", "demo.h4mk");
    put(tree, "tmp/b.h4mk", "damaged.h4mk");
    put(tree, "x/tmp/c.h4mk", "damaged.h4mk");
    put(tree, "x/y/d.h4mk", "damaged.h4mk");
    let (a, d) = ("a.h4mk ok", "x/y/d.h4mk damaged");
    let [b, c] = ["tmp/b.h4mk damaged", "x/tmp/c.h4mk damaged"];
    assert_eq!(audited(1, tree, &[]), [a, b, c, d]);
    assert_eq!(audited(1, tree, &["--exclude", "tmp"]), [a, d]);
    assert_eq!(audited(1, tree, &["--exclude", "tmp/"]), [a, d]);
    assert_eq!(audited(1, tree, &["--exclude", "/tmp"]), [a, c, d]);
    assert_eq!(audited(1, tree, &["--exclude", "tmp/*"]), [a, c, d]);
    assert_eq!(audited(1, tree, &["--exclude", "**/tmp/*"]), [a, d]);
    assert_eq!(audited(1, tree, &["--exclude", "x/*/*.h4mk"]), [a, b]);
    assert_eq!(audited(0, tree, &["--exclude", "tmp", "--exclude", "d.*"]), [a]);
    assert_eq!(audited(0, tree, &["--exclude", "{b,c,d}.h4mk"]), [a]);
    assert_eq!(audited(1, tree, &["--exclude", &format!("{}/x/**", text(tree))]), [a, b]);
    // Names that are given, too: they often come from a shell's pattern or a list.
    let named = [text(&tree.join("a.h4mk")), text(&tree.join("tmp/b.h4mk"))].map(str::to_owned);
    assert_eq!(run(&["audit", &named[0], &named[1], "--exclude", "b.*"]).0, 0);
    for wrong in ["", "a[", "{a"] {
        assert_eq!(run(&["audit", text(tree), "--exclude", wrong]).0, 2, "{wrong}");
    }
}

#[test]
fn nothing_to_audit_fails_if_asked_to() {
    let dir = folder();
    let tree = text(dir.path());
    assert_eq!(run(&["audit", tree]).0, 0);
    for format in ["text", "json", "ndjson", "junit", "sarif"] {
        let (status, _, message) = run(&["audit", tree, "--fail-on-empty", "--format", format]);
        assert!(status == 1 && message.contains("nothing to audit"), "{format}: {message}");
    }
    put(dir.path(), "a.h4mk", "demo.h4mk");
    assert_eq!(run(&["audit", tree, "--fail-on-empty"]).0, 0);
    assert_eq!(run(&["audit", tree, "--fail-on-empty", "--exclude", "*"]).0, 1);
    assert_eq!(run(&["audit", "--files-from", "/dev/null", "--fail-on-empty"]).0, 1);
    // Another shard has it.
    let statuses = ["0/2", "1/2"].map(|shard| run(&["audit", tree, "--fail-on-empty", "--shard", shard]).0);
    assert_eq!(statuses, [0, 0]);
}

#[test]
fn quiet_leaves_out_what_is_ok() {
    let dir = folder();
    put(dir.path(), "a.h4mk", "demo.h4mk");
    put(dir.path(), "b.h4mk", "damaged.h4mk");
    write_container(&dir.path().join("c.h4mk"), &[(b"CORE", &[1, 255, 1, 1]), (b"SEEK", &[0; 4])]);
    fs::write(dir.path().join("d.h4mk"), "").unwrap();
    let left = ["b.h4mk damaged", "c.h4mk suspect", "d.h4mk unreadable"];
    assert_eq!(audited(3, dir.path(), &["--quiet"]), left);
    let folder = text(dir.path());
    let report = |format| String::from_utf8(run(&["audit", folder, "--quiet", "--format", format]).1).unwrap();
    let lines = report("text");
    assert!(!lines.contains("a.h4mk") && lines.contains("b.h4mk"), "{lines}");
    // All were audited, and that is said.
    assert_eq!(lines.lines().last(), Some("4 files: 1 ok, 1 suspect, 1 damaged, 1 unreadable; 1 without VERI"));
    assert_eq!(report("ndjson").lines().count(), 3);
    assert_eq!(report("junit").matches("<testcase").count(), 3);
    let fine = text(&dir.path().join("a.h4mk")).to_owned();
    for (format, nothing) in [("text", ""), ("json", "[]\n"), ("ndjson", "")] {
        let (status, stdout, message) = run(&["audit", &fine, &fine, "--quiet", "--format", format]);
        assert_eq!((status, String::from_utf8(stdout).unwrap(), message), (0, nothing.to_owned(), String::new()));
    }
    let limited = json_of(4, &["audit", &fine, "--quiet", "--format", "json", "--max-block-size", "1000"]);
    assert_eq!(limited[0]["complete"], false);
}

#[test]
fn shards_divide_the_files() {
    let dir = folder();
    for name in 0..40 {
        put_flipped(dir.path(), &format!("{}/{name}.h4mk", name % 3));
    }
    let all = audited(1, dir.path(), &[]);
    let mut shards: Vec<Vec<String>> = Vec::new();
    for index in 0..3 {
        let shard = format!("{index}/3");
        let found = audited(1, dir.path(), &["--shard", &shard]);
        let sorted = all.iter().filter(|name| found.contains(name)).cloned().collect::<Vec<_>>();
        assert_eq!(found, sorted, "{shard}");
        assert!(found.len() > 4, "{shard}: {found:?}");
        // The same wherever the folder is, and however it is named.
        let with_slash = format!("{}/./", text(dir.path()));
        let again = json_of(1, &["audit", &with_slash, "--format", "json", "--shard", &shard]);
        assert_eq!(again.as_array().unwrap().len(), found.len());
        shards.push(found);
    }
    let mut together = shards.concat();
    together.sort_unstable();
    let mut all = all;
    all.sort_unstable();
    assert_eq!(together, all);
    let of_job = |variables: &[(&str, &str)], choice: &str| {
        let mut command = h4inspect(&["audit", text(dir.path()), "--format", "json", "--shard", choice]);
        variables.iter().for_each(|(name, value)| _ = command.env(name, value));
        let (status, stdout, _) = finished(command);
        (status, serde_json::from_slice(&stdout).map_or(Vec::new(), |audits| found(dir.path(), &audits)))
    };
    let slurm = [("SLURM_ARRAY_TASK_ID", "11"), ("SLURM_ARRAY_TASK_COUNT", "3"), ("SLURM_ARRAY_TASK_MIN", "10")];
    assert_eq!(of_job(&slurm, "auto"), (1, shards[1].clone()));
    let aws = [("AWS_BATCH_JOB_ARRAY_INDEX", "2"), ("AWS_BATCH_JOB_ARRAY_SIZE", "3")];
    assert_eq!(of_job(&aws, "auto"), (1, shards[2].clone()));
    assert_eq!(of_job(&aws[..1], "auto/3"), (1, shards[2].clone()));
    assert_eq!(of_job(&[("JOB_COMPLETION_INDEX", "0")], "auto/3"), (1, shards[0].clone()));
    for wrong in ["3/3", "1", "0/0", "auto", "auto/3"] {
        assert_eq!(of_job(&[], wrong).0, 2, "{wrong}");
    }
}

#[test]
fn very_many_jobs_are_as_many_as_help() {
    for jobs in ["1", "20000", "65535"] {
        assert_eq!(run(&["audit", "sample-data", "--jobs", jobs]).0, 1, "{jobs}");
    }
}
