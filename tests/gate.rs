//! `audit` as a gate: nothing that should be looked at is passed over, whatever a tree, a list or a reader does, and
//! nothing is green that wasn't looked at.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{finished, h4inspect, json_of, run, sample, write_container};
use serde_json::{Value, json};

/// A folder that anyone may enter.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    #[cfg(unix)]
    set_mode(dir.path(), 0o755);
    dir
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Copies a sample, making the folders it is to stand in.
fn put(dir: &Path, name: &str, sample_name: &str) -> PathBuf {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::copy(sample(sample_name), &path).unwrap();
    path
}

/// A small container with a bit flipped in its only block.
fn put_flipped(dir: &Path, name: &str) -> PathBuf {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    write_container(&path, &[(b"CORE", &[1, 255, 1, 1]), (b"SEEK", &[0; 4])]);
    let mut bytes = fs::read(&path).unwrap();
    bytes[21] ^= 4;
    fs::write(&path, bytes).unwrap();
    path
}

/// Names of the results, without the folder, and their verdicts.
fn found(dir: &Path, audits: &Value) -> Vec<String> {
    let name = |audit: &Value| {
        let file = audit["file"].as_str().unwrap();
        let file = Path::new(file).strip_prefix(dir).map_or(file, |file| text(file));
        format!("{file} {}", audit["verdict"].as_str().unwrap())
    };
    audits.as_array().unwrap().iter().map(name).collect()
}

fn audited(status: i32, dir: &Path, more: &[&str]) -> Vec<String> {
    found(dir, &json_of(status, &[&["audit", text(dir), "--format", "json"], more].concat()))
}

#[test]
fn a_name_that_is_only_the_extension_is_a_container() {
    let dir = folder();
    put(dir.path(), ".h4mk", "damaged.h4mk");
    put(dir.path(), "a/.H4MK", "demo.h4mk");
    put(dir.path(), "h4mk", "demo.h4mk");
    put(dir.path(), "x.h4mk.txt", "demo.h4mk");
    assert_eq!(audited(1, dir.path(), &[]), [".h4mk damaged", "a/.H4MK ok"]);
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::os::unix::fs::symlink;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    const NOBODY: u32 = 65534;

    /// Runs the program as a user who is not root; root may enter everything.
    fn as_nobody(dir: &Path, args: &[&str]) -> (i32, Value) {
        let program = dir.join("h4inspect");
        // By another process: a program that one of this one's threads has open for writing can't be started.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_h4inspect")).arg(&program).status().unwrap();
        assert!(copied.success());
        let mut command = Command::new(&program);
        command.args(args).env_clear().current_dir("/");
        if rustix::process::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let output = command.output().unwrap();
        (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
    }

    #[test]
    fn a_folder_that_can_not_be_entered_is_unreadable() {
        let dir = folder();
        let tree = dir.path().join("tree");
        // Neither read nor entered; entered and not read; read and not entered.
        let modes = [("b", 0o000), ("c", 0o311), ("d", 0o444)];
        for (name, mode) in modes {
            put(&tree, &format!("{name}/x.h4mk"), "demo.h4mk");
            put(&tree, &format!("{name}/y/z.h4mk"), "demo.h4mk");
            set_mode(&tree.join(name), mode);
        }
        put(&tree, "a.h4mk", "demo.h4mk");
        put(&tree, "e/secret.h4mk", "demo.h4mk");
        set_mode(&tree.join("e/secret.h4mk"), 0);
        let (status, audits) = as_nobody(dir.path(), &["audit", text(&tree), "--format", "json"]);
        let expected = [
            "a.h4mk ok",
            "b unreadable",
            "c unreadable",
            "d/x.h4mk unreadable",
            "d/y unreadable",
            "e/secret.h4mk unreadable",
        ];
        assert_eq!((status, found(&tree, &audits)), (3, expected.map(str::to_owned).to_vec()));
        for audit in audits.as_array().unwrap().iter().skip(1) {
            assert!(audit["error"].as_str().unwrap().contains("permission denied"), "{audit}");
        }
        // The folder itself, named.
        for (name, _) in modes.iter().take(2) {
            let named = tree.join(name);
            let (status, audits) = as_nobody(dir.path(), &["audit", text(&named), "--format", "json", "--quiet"]);
            assert_eq!((status, audits[0]["file"].as_str()), (3, named.to_str()), "{name}");
        }
        // What is left out is not missed.
        let but = ["--exclude", "[b-d]", "--exclude", "secret*"];
        let (status, _) = as_nobody(dir.path(), &[&["audit", text(&tree), "--format", "json"], &but[..]].concat());
        assert_eq!(status, 0);
        modes.iter().for_each(|(name, _)| set_mode(&tree.join(name), 0o755));
    }

    /// Makes folders in folders, `depth` of them, with a container in every `step`-th; the deepest is returned.
    fn deep(root: &Path, depth: usize, step: usize) -> usize {
        use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, mkdirat, open, openat};
        let container = put(root, "first.h4mk", "demo.h4mk");
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let mut at = open(root, flags, Mode::empty()).unwrap();
        let mut made = 1;
        for level in 1..=depth {
            mkdirat(&at, "subfolder", Mode::RWXU).unwrap();
            at = openat(&at, "subfolder", flags, Mode::empty()).unwrap();
            if level % step == 0 {
                linkat(CWD, &container, &at, "x.h4mk", AtFlags::empty()).unwrap();
                made += 1;
            }
        }
        made
    }

    #[test]
    fn no_tree_is_too_deep() {
        let dir = folder();
        let made = deep(dir.path(), 3000, 100);
        fs::create_dir(dir.path().join("z")).unwrap();
        put(dir.path(), "z/damaged.h4mk", "damaged.h4mk");
        // The paths are seven times as long as the system takes, and few descriptors are allowed.
        let mut shell = Command::new("sh");
        shell.args(["-c", r#"ulimit -n 40; exec "$@""#, "sh", env!("CARGO_BIN_EXE_h4inspect"), "audit"]);
        let output = shell.args([text(dir.path()), "--format", "json", "--jobs", "2"]).output().unwrap();
        let audits: Value = serde_json::from_slice(&output.stdout).unwrap();
        // Such names can be given, too: of a file, and of a folder.
        let names = audits.as_array().unwrap().iter().map(|audit| audit["file"].as_str().unwrap());
        let file = names.max_by_key(|name| name.len()).unwrap();
        let list = format!("{file}\n{}\n", text(Path::new(file).parent().unwrap()));
        let mut given = h4inspect(&["audit", "--files-from", "-", "--format", "json"]);
        given.write_stdin(list);
        let (status, stdout, _) = finished(given);
        assert!(Command::new("rm").arg("-rf").arg(dir.path()).status().unwrap().success());
        let given: Value = serde_json::from_slice(&stdout).unwrap();
        assert_eq!((status, given[0]["verdict"].as_str(), given[1]["file"].as_str()), (0, Some("ok"), Some(file)));
        let audits = audits.as_array().unwrap();
        let ok = audits.iter().filter(|audit| audit["verdict"] == "ok").count();
        assert_eq!((output.status.code(), ok, audits.len()), (Some(1), made, made + 1));
        assert!(audits.iter().any(|audit| audit["file"].as_str().unwrap().len() > 30_000));
        assert!(audits.last().unwrap()["file"].as_str().unwrap().ends_with("z/damaged.h4mk"));
    }

    #[test]
    fn links_to_folders_are_followed_only_if_asked_for() {
        let dir = folder();
        let (tree, outside) = (dir.path().join("tree"), dir.path().join("outside"));
        put(&outside, "far.h4mk", "damaged.h4mk");
        put(&tree, "a/near.h4mk", "demo.h4mk");
        symlink(&outside, tree.join("b")).unwrap();
        symlink("..", tree.join("a/loop")).unwrap();
        symlink("nowhere", tree.join("c")).unwrap();
        symlink("d", tree.join("d")).unwrap();
        assert_eq!(audited(0, &tree, &[]), ["a/near.h4mk ok"]);
        assert_eq!(audited(1, &tree, &["--follow-links"]), ["a/near.h4mk ok", "b/far.h4mk damaged"]);
        assert_eq!(audited(0, &tree, &["--follow-links", "--exclude", "b"]), ["a/near.h4mk ok"]);
        // One that is named is meant.
        assert_eq!(audited(1, &tree.join("b"), &[]), ["far.h4mk damaged"]);
        // One that is called like a container was found, and not looked into.
        symlink(&outside, tree.join("e.h4mk")).unwrap();
        assert_eq!(audited(3, &tree, &[]), ["a/near.h4mk ok", "e.h4mk unreadable"]);
        assert_eq!(audited(1, &tree, &["--follow-links"]).len(), 2);
    }

    #[test]
    fn links_do_not_multiply_paths() {
        let dir = folder();
        for level in 0..24 {
            let at = dir.path().join(format!("{level:02}"));
            fs::create_dir(&at).unwrap();
            ["left", "right"].iter().for_each(|name| symlink(format!("../{:02}", level + 1), at.join(name)).unwrap());
        }
        put(dir.path(), "24/end.h4mk", "damaged.h4mk");
        assert_eq!(audited(1, dir.path(), &[]), ["24/end.h4mk damaged"]);
        let followed = audited(1, dir.path(), &["--follow-links"]);
        assert!(followed.contains(&"24/end.h4mk damaged".to_owned()) && followed.len() <= 2, "{followed:?}");
        let start = dir.path().join("00");
        assert_eq!(audited(1, &start, &["--follow-links"]).len(), 1);
    }

    #[test]
    fn a_chain_of_links_is_followed_to_its_end_and_back() {
        let dir = folder();
        for level in 0..60 {
            let at = dir.path().join(format!("{level:02}"));
            put(&at, "z.h4mk", "demo.h4mk");
            symlink(format!("../{:02}", level + 1), at.join("next")).unwrap();
        }
        fs::create_dir(dir.path().join("60")).unwrap();
        let found = audited(0, &dir.path().join("00"), &["--follow-links"]);
        assert_eq!(found.len(), 60);
        assert_eq!((found[0].matches("next").count(), found[59].as_str()), (59, "z.h4mk ok"));
    }

    #[test]
    fn every_name_of_a_file_gets_its_result() {
        let dir = folder();
        let at = |name: &str| dir.path().join(name);
        put(dir.path(), "a/1.h4mk", "damaged.h4mk");
        fs::hard_link(at("a/1.h4mk"), at("a/2.h4mk")).unwrap();
        symlink("a/1.h4mk", at("b.h4mk")).unwrap();
        symlink("b.h4mk", at("c.h4mk")).unwrap();
        symlink("nowhere", at("d.h4mk")).unwrap();
        symlink("e.h4mk", at("e.h4mk")).unwrap();
        let expected = ["a/1.h4mk", "a/2.h4mk", "b.h4mk", "c.h4mk"].map(|name| format!("{name} damaged"));
        let expected = [&expected[..], &["d.h4mk unreadable".to_owned(), "e.h4mk unreadable".to_owned()]].concat();
        assert_eq!(audited(3, dir.path(), &[]), expected);
        let (one, dir_name) = (at("a/1.h4mk"), text(dir.path()));
        let audits = json_of(3, &["audit", text(&one), dir_name, text(&one), dir_name, "--format", "json"]);
        let one_of_them = ["a/1.h4mk damaged".to_owned()];
        assert_eq!(found(dir.path(), &audits), [&one_of_them, &expected[..], &one_of_them, &expected[..]].concat());
        let audits = audits.as_array().unwrap();
        let same = |audit: &Value| {
            Value::Object({
                let mut fields = audit.as_object().unwrap().clone();
                fields.remove("file");
                fields
            })
        };
        assert!(
            audits.iter().filter(|audit| audit["verdict"] == "damaged").all(|audit| same(audit) == same(&audits[0]))
        );
        // Text, too, says of all what it says of the first.
        let text_of = String::from_utf8(run(&["audit", text(&one), text(&at("c.h4mk"))]).1).unwrap();
        let lines: Vec<&str> = text_of.lines().collect();
        let half = (lines.len() - 1) / 2;
        assert_eq!(lines[1..half], lines[half + 1..half * 2]);
        assert!(lines[half].contains("c.h4mk") && lines[half].contains("damaged"), "{}", lines[half]);
    }

    #[test]
    fn a_file_is_read_once_whatever_its_names() {
        let dir = folder();
        let (fifo, link) = (dir.path().join("fifo"), dir.path().join("link"));
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        symlink("fifo", &link).unwrap();
        let writer = std::thread::spawn({
            let fifo = fifo.clone();
            move || fs::write(fifo, fs::read(sample("demo.h4mk")).unwrap()).unwrap()
        });
        // A FIFO that was read has no writer any more.
        let audits = json_of(0, &["audit", text(&fifo), text(&link), text(&fifo), "--format", "json"]);
        writer.join().unwrap();
        assert_eq!(found(dir.path(), &audits), ["fifo ok", "link ok", "fifo ok"]);
    }

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
        for (how, wanted) in [(r#"exec "$@" >&-"#, 3), (r#"exec "$@" 1</dev/null"#, 3), (r#"exec "$@" >/dev/null"#, 0)]
        {
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

    #[test]
    fn a_list_from_a_fifo_that_nobody_writes_is_not_waited_for() {
        let dir = folder();
        let fifo = dir.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
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
            let peak =
                found.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
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

/// The states of the results of a SARIF log, with codes and offsets.
fn states(log: &Value) -> Vec<(String, String, u64)> {
    let results = log["runs"][0]["results"].as_array().unwrap();
    let state = |result: &Value| {
        let state = result["baselineState"].as_str().unwrap().to_owned();
        let region = &result["locations"][0]["physicalLocation"]["region"];
        (state, result["ruleId"].as_str().unwrap().to_owned(), region["byteOffset"].as_u64().unwrap())
    };
    results.iter().map(state).collect()
}

#[test]
fn a_baseline_accepts_what_is_known_and_nothing_else() {
    let dir = folder();
    let (tree, known) = (dir.path().join("tree"), dir.path().join("known.json"));
    let known = text(&known);
    put(&tree, "a.h4mk", "damaged.h4mk");
    put(&tree, "b.h4mk", "demo.h4mk");
    let folder = text(&tree);
    let audit = |status: i32, more: &[&str]| {
        let args = [&["audit", folder, "--baseline", known], more].concat();
        let (ended, stdout, message) = run(&args);
        assert_eq!(ended, status, "{args:?}: {message}");
        String::from_utf8(stdout).unwrap()
    };
    assert_eq!(run(&["audit", folder, "--baseline", known]).0, 2);
    assert_eq!(run(&["audit", folder, "--update-baseline"]).0, 2);
    audit(0, &["--update-baseline"]);
    let first = fs::read_to_string(known).unwrap();
    let parsed: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(parsed["version"], 1);
    let count = parsed["findings"].as_array().unwrap().len();
    assert!(count > 3 && first.lines().filter(|line| line.contains("\"code\"")).count() == count, "{first}");

    for more in [&[][..], &["--fail-on", "warning"]] {
        audit(0, more);
    }
    let lines = audit(0, &[]);
    assert_eq!(lines.matches("in the baseline").count(), count + 1, "{lines}");
    assert!(lines.contains(&format!("; {count} findings in the baseline")), "{lines}");
    assert_eq!(audit(0, &["--quiet"]), "");
    assert!(!audit(0, &["--format", "junit"]).contains("<failure"));
    let audits: Value = serde_json::from_str(&audit(0, &["--format", "json"])).unwrap();
    assert_eq!(audits[0]["verdict"], "damaged");
    let marked = |audits: &Value| {
        let findings = audits.as_array().unwrap().iter().flat_map(|audit| audit["findings"].as_array().unwrap());
        findings.map(|finding| finding["baseline_state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(marked(&audits), vec!["unchanged"; count]);
    let log: Value = serde_json::from_str(&audit(0, &["--format", "sarif"])).unwrap();
    assert!(states(&log).iter().all(|(state, ..)| state == "unchanged"));

    // A name is the same without what says nothing.
    let odd = format!("{}/.//tree", text(dir.path()));
    assert_eq!(run(&["audit", &odd, "--baseline", known]).0, 0);
    // Updated again, it does not change.
    audit(0, &["--update-baseline"]);
    assert_eq!(fs::read_to_string(known).unwrap(), first);

    // What is new counts.
    put_flipped(&tree, "c.h4mk");
    let log: Value = serde_json::from_str(&audit(1, &["--format", "sarif"])).unwrap();
    let new = states(&log).into_iter().filter(|(state, ..)| state == "new").count();
    assert!(new > 0 && states(&log).len() == count + new);
    assert_eq!(audit(1, &["--format", "junit"]).matches("<failure").count(), 1);
    let quiet = audit(1, &["--quiet"]);
    assert!(quiet.contains("c.h4mk") && !quiet.contains("a.h4mk"), "{quiet}");

    // What is gone is absent, be it mended or removed with its file.
    put(&tree, "a.h4mk", "demo.h4mk");
    fs::remove_file(tree.join("c.h4mk")).unwrap();
    let log: Value = serde_json::from_str(&audit(0, &["--format", "sarif"])).unwrap();
    assert_eq!(states(&log).iter().filter(|(state, ..)| state == "absent").count(), count);
    crate::support::assert_sarif(&log);
    audit(0, &["--update-baseline"]);
    let parsed: Value = serde_json::from_str(&fs::read_to_string(known).unwrap()).unwrap();
    assert_eq!(parsed["findings"], json!([]));
}

#[test]
fn a_baseline_keeps_what_it_holds_of_other_files() {
    let dir = folder();
    let known = dir.path().join("known.json");
    let (a, b) = (put(dir.path(), "a.h4mk", "damaged.h4mk"), put_flipped(dir.path(), "b.h4mk"));
    let update = |paths: &[&str]| run(&[&["audit", "--update-baseline", "--baseline", text(&known)], paths].concat()).0;
    assert_eq!(update(&[text(&a)]), 0);
    assert_eq!(update(&[text(&b)]), 0);
    assert_eq!(run(&["audit", text(&a), text(&b), "--baseline", text(&known)]).0, 0);
    // Nor does it call them absent.
    let log = json_of(0, &["audit", text(&a), "--baseline", text(&known), "--format", "sarif"]);
    assert!(states(&log).iter().all(|(state, ..)| state == "unchanged"));
    fs::remove_file(&a).unwrap();
    assert_eq!(update(&[text(&b)]), 0);
    assert!(!fs::read_to_string(&known).unwrap().contains("a.h4mk"));
}

/// Names that are not UTF-8, and those that look like what such names are written as.
#[cfg(unix)]
#[test]
fn a_baseline_tells_all_names_apart() {
    use std::os::unix::ffi::OsStrExt;
    let dir = folder();
    let (tree, known) = (dir.path().join("tree"), dir.path().join("known.json"));
    let damaged = put_flipped(dir.path(), "damaged.h4mk");
    fs::create_dir(&tree).unwrap();
    let names: [&[u8]; 4] = [b"\xff.h4mk", b"\xfe.h4mk", b"%FF.h4mk", "\u{fffd}.h4mk".as_bytes()];
    let at = |name: &[u8]| tree.join(std::ffi::OsStr::from_bytes(name));
    let audit = |more: &[&str]| run(&[&["audit", text(&tree), "--baseline", text(&known)], more].concat());
    for (accepted, name) in names.iter().enumerate() {
        fs::copy(&damaged, at(name)).unwrap();
        assert_eq!(audit(&[]).0, if accepted == 0 { 2 } else { 1 }, "{name:?}");
        assert_eq!(audit(&["--update-baseline"]).0, 0);
        assert_eq!(audit(&[]).0, 0, "{name:?}");
    }
    fs::remove_file(at(names[0])).unwrap();
    let log: Value = serde_json::from_slice(&audit(&["--format", "sarif"]).1).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let absent: Vec<&Value> = results.iter().filter(|result| result["baselineState"] == "absent").collect();
    assert!(!absent.is_empty() && results.len() == absent.len() * 4, "{log}");
    for result in absent {
        let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.ends_with("/tree/%FF.h4mk"), "{uri}");
    }
}

#[test]
fn a_baseline_accepts_as_many_as_it_holds_at_a_place() {
    let dir = folder();
    let (file, known) = (dir.path().join("a.h4mk"), dir.path().join("known.json"));
    // Chunks that are missing are all missing at the end.
    let seek: (&[u8; 4], &[u8]) = (b"SEEK", &[0; 4]);
    write_container(&file, &[(b"CORE", &[1, 255, 1, 1]), (b"META", b"{}"), (b"SAFE", b"{}"), seek]);
    let audit = |more: &[&str]| {
        let args = ["audit", text(&file), "--fail-on", "warning", "--baseline", text(&known), "--format", "json"];
        run(&[&args, more].concat())
    };
    assert_eq!(audit(&["--update-baseline"]).0, 0);
    assert_eq!(audit(&[]).0, 0);
    let padding = b"{      }                ".as_slice();
    write_container(&file, &[(b"CORE", &[1, 255, 1, 1]), (b"META", padding), seek]);
    let (status, stdout, _) = audit(&[]);
    let audits: Value = serde_json::from_slice(&stdout).unwrap();
    let missing = audits[0]["findings"].as_array().unwrap().iter().filter(|finding| finding["code"] == "chunk-missing");
    let states: Vec<&str> = missing.map(|finding| finding["baseline_state"].as_str().unwrap()).collect();
    assert_eq!((status, states.iter().filter(|state| **state == "new").count() > 0), (1, true), "{audits}");
}

#[test]
fn a_baseline_of_too_many_findings_counts_the_rest() {
    let dir = folder();
    let known = dir.path().join("known.json");
    let demo = sample("demo.h4mk");
    let args = ["audit", &demo, "--max-block-size", "1000", "--fail-on", "warning", "--baseline", text(&known)];
    assert_eq!(run(&[&args[..], &["--update-baseline"]].concat()).0, 0);
    // Its limit is part of what was accepted.
    assert_eq!(run(&args).0, 0);
    let mut baseline: Value = serde_json::from_slice(&fs::read(&known).unwrap()).unwrap();
    assert_eq!(baseline["omitted"][0]["count"], 260);
    baseline["omitted"][0]["count"] = json!(259);
    fs::write(&known, baseline.to_string()).unwrap();
    assert_eq!(run(&args).0, 1);
}

#[test]
fn what_can_not_be_read_is_not_accepted_unseen() {
    let dir = folder();
    let known = dir.path().join("known.json");
    let other = dir.path().join("other.h4mk");
    fs::write(&other, "RIFF of some other kind").unwrap();
    let audit =
        |file: &Path, more: &[&str]| run(&[&["audit", text(file), "--baseline", text(&known)], more].concat()).0;
    // A finding says what this is, and can be accepted.
    assert_eq!(audit(&other, &["--update-baseline"]), 0);
    assert_eq!(audit(&other, &[]), 0);
    let missing = dir.path().join("missing.h4mk");
    assert_eq!(audit(&missing, &["--update-baseline"]), 3);
    assert_eq!(audit(&missing, &[]), 3);
}

#[test]
fn what_is_no_baseline_is_a_usage_error() {
    let dir = folder();
    let known = dir.path().join("known.json");
    let demo = sample("demo.h4mk");
    for content in
        ["", "{", "[]", "null", "{}", r#"{"version": 2, "findings": []}"#, r#"{"version": 1, "findings": [1]}"#]
    {
        fs::write(&known, content).unwrap();
        let (status, stdout, message) = run(&["audit", &demo, "--baseline", text(&known)]);
        assert_eq!((status, stdout.len(), message.lines().count()), (2, 0, 1), "{content}: {message}");
        assert!(message.contains("known.json"), "{message}");
        // What is something else is not replaced.
        let updated = run(&["audit", &demo, "--baseline", text(&known), "--update-baseline"]).0;
        assert_eq!((updated, content.is_empty()), if content.is_empty() { (0, true) } else { (2, false) });
    }
    assert_eq!(run(&["audit", &demo, "--baseline", text(dir.path())]).0, 2);
    let nowhere = dir.path().join("no/such/folder");
    assert_eq!(run(&["audit", &demo, "--baseline", text(&nowhere), "--update-baseline"]).0, 2);
}
