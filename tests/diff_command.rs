//! `diff` from the command line: what it says and how it ends.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{
    finished, h4inspect, json_of, run, sample, stderr_of, stdout_of, with_snapshots, write_container,
};
use serde_json::json;

/// The damaged sample's salvage, and the text of a comparison with it.
fn salvaged(folder: &Path) -> PathBuf {
    let out = folder.join("saved.h4mk");
    let args = ["salvage", &sample("damaged.h4mk"), "--out", out.to_str().unwrap()];
    assert_eq!(run(&args).0, 1);
    out
}

fn text(status: i32, args: &[&str], folder: &Path) -> String {
    let (ended, stdout, stderr) = run(args);
    assert_eq!((ended, stderr.as_str()), (status, ""), "{args:?}");
    String::from_utf8(stdout).unwrap().replace(folder.to_str().unwrap(), "FOLDER")
}

#[test]
fn a_damaged_file_and_what_was_saved_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let saved = salvaged(dir.path());
    let (damaged, saved) = (sample("damaged.h4mk"), saved.to_str().unwrap());
    with_snapshots(|| {
        insta::assert_snapshot!("diff-damaged", text(1, &["diff", &damaged, saved], dir.path()));
        insta::assert_snapshot!("diff-damaged-json", text(1, &["diff", &damaged, saved, "--json"], dir.path()));
        let mux = ["diff", &sample("tracks.h4mk"), &sample("mux.h4mk")];
        insta::assert_snapshot!("diff-layouts", text(1, &mux, dir.path()));
    });
    // Without a terminal, a file with another to compare it with says what `diff` says.
    let alone = text(1, &[&damaged, "--diff", saved], dir.path());
    assert_eq!(alone, text(1, &["diff", &damaged, saved], dir.path()));
}

#[test]
fn the_same_is_0_and_what_is_unreadable_3() {
    let demo = sample("demo.h4mk");
    assert_eq!(stdout_of(&["diff", &demo, &demo]), format!("{demo} -> {demo}: the same\n"));
    assert_eq!(json_of(0, &["diff", &demo, &demo, "--json"])["same"], json!(true));
    for args in
        [["diff", &demo, "sample-data/README.md"], ["diff", "no/such/file", &demo], [&demo, "--diff", "no/such"]]
    {
        stderr_of(3, &args);
    }
    stderr_of(2, &["diff", "-", "-"]);
    let mut command = h4inspect(&["diff", "-", &demo]);
    command.write_stdin(fs::read(&demo).unwrap());
    assert_eq!(finished(command).0, 0);
}

#[test]
fn each_kind_of_edit_has_its_sign() {
    let dir = tempfile::tempdir().unwrap();
    let (before, after) = (dir.path().join("a"), dir.path().join("b"));
    let block = |n: u8| [n, 200, n + 1, 56];
    let blocks = [1, 2, 3, 4, 5, 6, 7].map(block);
    let file = |path: &Path, order: &[usize], meta: &str, extra: &[(&[u8; 4], &[u8])]| {
        let mut chunks: Vec<(&[u8; 4], &[u8])> =
            order.iter().map(|block| (b"CORE", blocks[*block].as_slice())).collect();
        chunks.push((b"META", meta.as_bytes()));
        chunks.extend(extra);
        write_container(path, &chunks);
    };
    file(&before, &[0, 1, 2, 3, 4], r#"{"title":"old\u001b[31m","gone":1}"#, &[(b"NOTE", b"x")]);
    file(&after, &[0, 2, 3, 1, 4, 5, 6], r#"{"title":"new","come":[2]}"#, &[]);
    let (before, after) = (before.to_str().unwrap(), after.to_str().unwrap());
    let text = text(1, &["diff", before, after], dir.path());
    for line in [
        "> block 1 -> 3\n",
        "+ blocks 5-6 (2), 8 bytes stored\n",
        "~ /title: \"old\\u001b[31m\" -> \"new\"\n",
        "- /gone: 1\n",
        "+ /come: [2]\n",
        "- NOTE: 1 byte at ",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    let colored = run(&["diff", before, after, "--color", "always"]).1;
    assert!(String::from_utf8(colored).unwrap().contains("\x1b[32m+ blocks 5-6"));
    let found = json_of(1, &["diff", before, after, "--json"]);
    assert_eq!(found["blocks"]["moved"][0]["after"]["block"], json!(3));
    let fields = found["documents"][0]["fields"].as_array().unwrap();
    assert!(fields.contains(&json!({"pointer": "/gone", "before": 1})), "{fields:?}");
}
