//! Someone who prepares what the program writes over, swaps it, kills it, or gives it what never ends.
#![cfg(unix)]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::users::Ground;

/// How long a command may take that is not to wait for anything.
const AT_ONCE: Duration = Duration::from_secs(30);

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Waits for the end, which must come; standard input stays open.
fn ended(mut child: Child) -> Output {
    let until = Instant::now() + AT_ONCE;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > until {
            child.kill().unwrap();
            panic!("it hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let stdin = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    output
}

fn spawned(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn run(command: &mut Command) -> (i32, String) {
    let output = ended(spawned(command));
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stderr).unwrap())
}

/// All that write a file, but for `--out`.
fn writers(ground: &Ground) -> [Vec<String>; 4] {
    ground.sample("demo.h4mk");
    ground.sample("damaged.h4mk");
    ground.file("raw", &[7; 4096]);
    ["unpack demo.h4mk", "block demo.h4mk 3", "salvage demo.h4mk", "pack raw --block-size 256"]
        .map(|line| line.split(' ').map(str::to_owned).collect())
}

#[test]
fn a_file_that_someone_prepared_lends_no_rights() {
    let ground = Ground::new();
    for line in writers(&ground) {
        for old in [0o4755, 0o2755, 0o6777, 0o1777, 0o640] {
            // Their own file, replaced by whoever runs the tests.
            let theirs = ground.file("clip.raw", b"old");
            std::os::unix::fs::chown(&theirs, ground.user, ground.user).unwrap();
            set_mode(&theirs, old);
            let mut command = Command::new(ground.path("h4inspect"));
            command.current_dir(ground.path("")).args(&line).args(["--out", "clip.raw", "--force"]);
            let (status, said) = run(&mut command);
            assert_eq!(status, 0, "{line:?}: {said}");
            assert_eq!(mode(&theirs), old & 0o777, "{line:?}");
            fs::remove_file(&theirs).unwrap();
        }
    }
}

#[test]
fn another_s_file_is_replaced_by_one_that_is_no_more_open() {
    let ground = Ground::new();
    let folder = ground.folder("shared");
    for line in writers(&ground) {
        for old in [0o4755, 0o2775, 0o640, 0o604, 0o660, 0o600] {
            let target = folder.join("clip.raw");
            fs::write(&target, "old").unwrap();
            set_mode(&target, old);
            let (status, said) = run(ground.command().args(&line).arg("--out").arg(&target).arg("--force"));
            assert_eq!(status, 0, "{line:?}: {said}");
            let now = fs::metadata(&target).unwrap();
            assert_eq!(now.mode() & 0o7777 & !(old & 0o777), 0, "{line:?}: {:o} after {old:o}", now.mode());
            if let Some(user) = ground.user {
                assert_eq!((now.uid(), now.gid()), (user, user), "their own, not root's");
                assert_eq!(now.mode() & 0o070 >> 3 & !(now.mode() & 0o007), 0, "a group that had nothing");
            }
            fs::remove_file(&target).unwrap();
        }
    }
}

/// `pack` from a pipe that has given some bytes and is still open.
fn half_written(ground: &Ground, out: &Path, force: bool) -> Child {
    let mut command = ground.command();
    command.args(["pack", "-", "--block-size", "256", "--out"]).arg(out).args(force.then_some("--force"));
    let mut child = spawned(&mut command);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&[7; 4 << 20]).unwrap();
    child.stdin = Some(stdin);
    // What is written is taken in when as much has left the pipe again.
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none());
    child
}

#[test]
fn whoever_kills_it_finds_nothing_half_written() {
    let ground = Ground::new();
    for (force, there) in [(false, false), (true, false), (true, true)] {
        // What whoever started the tests ignores is ignored by the program too.
        let signals = [("INT", 2), ("TERM", 15), ("HUP", 1), ("QUIT", 3), ("KILL", 9)];
        for (signal, _) in signals.into_iter().filter(|(_, number)| !is_ignored(*number)) {
            let folder = ground.folder("out");
            let target = folder.join("clip.h4mk");
            if there {
                fs::write(&target, "old").unwrap();
                set_mode(&target, 0o600);
                std::os::unix::fs::chown(&target, ground.user, ground.user).unwrap();
            }
            let before = names(&folder);
            let mut child = half_written(&ground, &target, force);
            if cfg!(target_os = "linux") {
                assert_eq!(names(&folder), before, "it has no name while it is written");
            }
            let kill = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
            assert!(kill.success());
            let status = child.wait().unwrap();
            assert!(status.signal().is_some(), "{signal}: {status:?}");
            assert_eq!(names(&folder), before, "{signal}");
            if there {
                assert_eq!(fs::read(&target).unwrap(), b"old");
            }
            fs::remove_dir_all(&folder).unwrap();
        }
    }
}

/// Whether the tests were started with the signal ignored, as a shell does with jobs in the background.
fn is_ignored(signal: u32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() >> (signal - 1) & 1 == 1)
}

#[test]
fn what_is_started_with_a_signal_ignored_still_ignores_it() {
    let ground = Ground::new();
    let out = ground.path("clip.h4mk");
    let script = r#"trap "" HUP; exec "$0" pack - --block-size 256 --out "$1" --force"#;
    let mut child = spawned(ground.shell(script).arg(&out));
    child.stdin.as_mut().unwrap().write_all(&[7; 1 << 20]).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(Command::new("kill").args(["-HUP", &child.id().to_string()]).status().unwrap().success());
    std::thread::sleep(Duration::from_millis(100));
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert!(out.exists());
}

#[test]
fn a_dangling_link_is_refused_before_any_work() {
    let ground = Ground::new();
    let link = ground.path("link");
    symlink("nowhere", &link).unwrap();
    for force in [None, Some("--force")] {
        // Nothing comes from standard input, and it isn't waited for.
        for line in [["pack", "-"], ["unpack", "-"], ["salvage", "-"]] {
            let (status, said) = run(ground.command().args(line).arg("--out").arg(&link).args(force));
            assert_eq!(status, 2, "{line:?}: {said}");
            assert!(said.contains("link: it is a link to a file that doesn't exist"), "{said}");
        }
    }
    assert!(!ground.path("nowhere").exists() && fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn the_input_is_never_written_over_by_whatever_name() {
    let ground = Ground::new();
    let input = ground.sample("demo.h4mk");
    let bytes = fs::read(&input).unwrap();
    fs::hard_link(&input, ground.path("hard")).unwrap();
    symlink("demo.h4mk", ground.path("soft")).unwrap();
    std::os::unix::fs::chown(&input, ground.user, ground.user).unwrap();
    let inputs = ["-", "/dev/stdin", "/dev/fd/0", "demo.h4mk", "hard", "soft"];
    let outs = ["demo.h4mk", "./demo.h4mk", "hard", "soft", "/dev/stdin", "/proc/self/fd/0"];
    for input_name in inputs {
        for out in outs.into_iter().filter(|out| cfg!(target_os = "linux") || !out.starts_with("/proc")) {
            for line in ["unpack", "salvage", "block 3", "pack --block-size 256"] {
                let mut words = line.split(' ');
                let mut command = ground.command();
                command.arg(words.next().unwrap()).arg(input_name).args(words).args(["--out", out, "--force"]);
                let child = command.stdin(fs::File::open(&input).unwrap()).stderr(Stdio::piped()).spawn().unwrap();
                let output = ended(child);
                let said = String::from_utf8(output.stderr).unwrap();
                assert_eq!(output.status.code(), Some(2), "{line} {input_name} to {out}: {said}");
                assert!(said.contains("is the input"), "{line} {input_name} to {out}: {said}");
            }
        }
    }
    assert!(fs::read(&input).unwrap() == bytes);
}

#[test]
fn another_file_than_the_one_on_standard_input_is_replaced() {
    let ground = Ground::new();
    let input = ground.sample("demo.h4mk");
    let out = ground.file("out", b"old");
    let mut command = ground.command();
    command.args(["unpack", "-", "--out", "out", "--force"]).stdin(fs::File::open(&input).unwrap());
    assert!(command.status().unwrap().success());
    assert!(fs::metadata(&out).unwrap().len() > 1000);
    // What isn't read is no input.
    command = ground.command();
    command.args(["unpack", "demo.h4mk", "--out", "out", "--force"]).stdin(fs::File::open(&out).unwrap());
    assert!(command.status().unwrap().success());
}

#[test]
fn devices_and_fifos_are_written_directly() {
    let ground = Ground::new();
    ground.sample("demo.h4mk");
    for out in ["/dev/null", "/dev/stdout", "/dev/fd/1"] {
        let output = ended(spawned(ground.command().args(["block", "demo.h4mk", "3", "--out", out])));
        assert!(output.status.success(), "{out}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout.is_empty(), out == "/dev/null");
    }
    let fifo = ground.path("fifo");
    assert!(Command::new("mkfifo").args(["-m", "666"]).arg(&fifo).status().unwrap().success());
    let child = spawned(ground.command().args(["unpack", "demo.h4mk", "--out", "fifo"]));
    let mut read = Vec::new();
    fs::File::open(&fifo).unwrap().read_to_end(&mut read).unwrap();
    assert!(ended(child).status.success() && read.len() > 1000);
}

#[test]
fn messages_name_no_file_that_is_gone() {
    let ground = Ground::new();
    let folder = ground.folder("out");
    writers(&ground);
    let target = folder.join("clip");
    for (script, cause) in [
        (r#"ulimit -f 4; exec "$0" unpack demo.h4mk --out out/clip"#, "large"),
        (r#"ulimit -f 4; exec "$0" salvage demo.h4mk --out out/clip --force"#, "large"),
        (r#"exec "$0" unpack demo.h4mk --out closed/clip"#, "closed/clip: permission denied"),
    ] {
        let closed = ground.path("closed");
        _ = fs::create_dir(&closed);
        set_mode(&closed, 0o555);
        let (status, said) = run(&mut ground.shell(script));
        if ground.user.is_some() || !script.contains("closed") {
            assert!(status > 0 && said.contains(cause), "{script}: {status} {said}");
        }
        assert!(!said.contains(".h4inspect-") && !said.contains(".part"), "{said}");
        assert!(!target.exists() && names(&folder).is_empty());
    }
}

#[test]
fn a_fifo_that_nobody_writes_to_is_no_reason_to_hang() {
    let ground = Ground::new();
    ground.sample("demo.h4mk");
    assert!(Command::new("mkfifo").args(["-m", "666"]).arg(ground.path("fifo")).status().unwrap().success());
    for (line, wanted) in [
        ("info demo.h4mk --secret-file fifo", 2),
        ("info demo.h4mk --mask-key-file fifo", 2),
        ("audit --files-from fifo", 3),
        ("info fifo", 3),
    ] {
        let output = ended(spawned(ground.command().args(line.split(' '))));
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(wanted), "{line}: {said}");
        assert!(said.contains("fifo") && said.contains("a FIFO without a writer"), "{line}: {said}");
    }
}

#[test]
fn lists_and_keys_from_slow_writers_are_waited_for() {
    let ground = Ground::new();
    ground.sample("demo.h4mk");
    ground.sample("masked.h4mk");
    assert!(Command::new("mkfifo").args(["-m", "666"]).arg(ground.path("fifo")).status().unwrap().success());
    for (script, wanted) in [
        (r#"exec "$0" audit --files-from <(sleep 3; echo demo.h4mk)"#, "demo.h4mk"),
        (r#"exec "$0" audit --files-from <(echo demo.h4mk; sleep 3; echo masked.h4mk)"#, "masked.h4mk"),
        (r#"(sleep 0.7; exec 9>fifo; sleep 2.5; echo demo.h4mk >&9) & exec "$0" audit --files-from fifo"#, "demo.h4mk"),
        (r#"echo demo.h4mk | "$0" audit --files-from -"#, "demo.h4mk"),
        (r#"echo demo.h4mk | "$0" audit --files-from /dev/stdin"#, "demo.h4mk"),
        (r#"exec "$0" info masked.h4mk --mask-key-file <(sleep 3; printf '%032d' 0)"#, "masked"),
        (r#"printf '%032d' 0 | "$0" info masked.h4mk --mask-key-file /dev/stdin"#, "masked"),
    ] {
        let output = ended(spawned(&mut ground.shell(script)));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(0), "{script}: {said}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(wanted), "{script}: {said}");
    }
    // A writer that is gone before it is looked for has written nothing, which is an empty list.
    let (status, said) = run(&mut ground.shell(r#"exec "$0" audit --files-from <(true)"#));
    assert!(said.contains("nothing to audit") && !said.contains("nobody"), "{status}: {said}");
}

#[test]
fn a_key_that_is_too_long_is_refused_and_not_cut() {
    let ground = Ground::new();
    ground.sample("masked.h4mk");
    let key = |bytes: usize| "5a".repeat(bytes);
    let unpack = |out: &str| {
        let mut command = ground.command();
        command.args(["unpack", "masked.h4mk", "--out", out]);
        command
    };
    let file = |name: &str, text: &str| -> PathBuf { ground.file(name, text.as_bytes()) };
    let limit = file("limit", &format!("{}\n", key(2048)));
    assert_eq!(run(unpack("a").arg("--mask-key-file").arg(&limit)).0, 0);
    assert_eq!(run(unpack("b").env("H4_MASK_KEY", key(2048))).0, 0);
    assert_eq!(fs::read(ground.path("a")).unwrap(), fs::read(ground.path("b")).unwrap());
    for bytes in [2049, 2050, 3000, 4096, 100_000] {
        let long = file("long", &key(bytes));
        for (option, variable) in [("--mask-key-file", "H4_MASK_KEY"), ("--secret-file", "H4_SHARED_SECRET")] {
            let mut commands = vec![unpack("c")];
            commands[0].arg(option).arg(&long);
            // Linux allows no longer variables.
            if bytes < 60_000 {
                commands.push(unpack("c"));
                commands[1].env(variable, key(bytes));
            }
            for mut command in commands {
                let (status, said) = run(&mut command);
                assert_eq!(status, 2, "{bytes}: {said}");
                assert!(said.contains("longer than 2048 bytes") && !said.contains("5a5a"), "{said}");
            }
        }
    }
    assert!(!ground.path("c").exists());
}
