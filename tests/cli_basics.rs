//! The command line itself: help, usage errors, completions, the manual, closed pipes.

use std::process::{Command, Stdio};

use crate::support::{h4inspect, stderr_of, stdout_of, with_snapshots};

const COMMANDS: [&str; 16] = [
    "info",
    "chunks",
    "manifest",
    "seek",
    "block",
    "unpack",
    "hex",
    "verify",
    "audit",
    "diff",
    "salvage",
    "pack",
    "render",
    "explain",
    "completions",
    "man",
];

#[test]
fn help_says_what_there_is() {
    with_snapshots(|| {
        insta::assert_snapshot!("help", stdout_of(&["--help"]));
        for command in COMMANDS {
            insta::assert_snapshot!(format!("help-{command}"), stdout_of(&[command, "-h"]));
        }
    });
}

#[test]
fn long_help_of_every_command_ends_with_the_exit_statuses() {
    for command in COMMANDS {
        let help = stdout_of(&[command, "--help"]);
        assert!(help.contains("3  the file can't be read"), "{help}");
    }
}

#[test]
fn help_never_shows_a_key() {
    let key = "c0ffee".repeat(12);
    for args in [&["--help"][..], &["block", "--help"], &["man"], &["completions", "bash"], &["block"]] {
        let output = h4inspect(args).env("H4_SHARED_SECRET", &key).env("H4_MASK_KEY", &key).output().unwrap();
        for text in [output.stdout, output.stderr] {
            assert!(!String::from_utf8(text).unwrap().contains(&key));
        }
    }
}

#[test]
fn usage_errors_exit_2_and_name_the_cause() {
    for (args, cause) in [
        (&["info"][..], "FILE"),
        (&["seek", "a.h4mk", "later"], "00:01:02.500"),
        (&["hex", "a.h4mk", "--offset", "far"], "512KiB"),
        (&["info", "a.h4mk", "--max-block-size", "10XB"], "10MB"),
        (&["audit", "--format", "xml", "a.h4mk"], "ndjson"),
        (&["a.h4mk", "b.h4mk"], "`a.h4mk` is neither a command nor a file"),
        (&["info", "a.h4mk", "--sideways"], "--sideways"),
        (&["render", "a.h4mk", "--size", "0x0"], "120x40"),
        (&[], "Usage"),
    ] {
        let message = stderr_of(2, args);
        assert!(message.contains(cause), "{args:?}: {message}");
    }
}

#[test]
fn a_variable_that_makes_no_sense_is_a_usage_error() {
    let output = h4inspect(&["info", "a.h4mk"]).env("HARMONY_CACHE_MB", "lots").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message, "h4inspect: HARMONY_CACHE_MB=lots: write a whole number of mebibytes\n");
}

#[test]
fn completions_know_commands_and_options() {
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout_of(&["completions", shell]);
        for word in ["h4inspect", "manifest", "fail-on", "max-block-size"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

/// The completions are programs, which a shell must be able to read.
#[cfg(unix)]
#[test]
fn shells_accept_their_completions() {
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("script");
        std::fs::write(&path, stdout_of(&["completions", shell])).unwrap();
        if crate::shells::is_there(shell) {
            assert!(Command::new(shell).arg(check).arg(&path).status().unwrap().success(), "{shell}");
        }
    }
}

#[test]
fn the_manual_is_one_page_for_all_commands() {
    let page = stdout_of(&["man"]).replace(env!("CARGO_PKG_VERSION"), "VERSION");
    with_snapshots(|| insta::assert_snapshot!("man", page));
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let exe = assert_cmd::cargo::cargo_bin(env!("CARGO_PKG_NAME"));
    let mut child = Command::new(exe).arg("man").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let exe = assert_cmd::cargo::cargo_bin(env!("CARGO_PKG_NAME"));
    for asked in ["man", "--help", "--version", "help"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = Command::new(&exe).arg(asked).stdout(full).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{asked}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.starts_with("h4inspect: standard output: "), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}
