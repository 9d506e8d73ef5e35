//! `audit` on trees: nothing that should be looked at is passed over, however deep it lies, whoever may enter, and under
//! whatever name.

use crate::support::trees::{audited, folder, put};

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
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::process::CommandExt;
    use std::path::Path;
    use std::process::Command;

    use crate::support::trees::{audited, folder, found, put, set_mode, text};
    use crate::support::{finished, h4inspect, json_of, run, sample};
    use serde_json::Value;

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
}
