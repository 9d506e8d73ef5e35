//! Completions in the shells themselves, each in a pseudo-terminal: what is on the line after Tab.
#![cfg(unix)]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use portable_pty::CommandBuilder;

use crate::support::stdout_of;
use crate::terminal::Terminal;

/// A shell, how it is started without anyone's settings, and how it takes the completions.
struct Shell {
    name: &'static str,
    start: &'static [&'static str],
    script: &'static str,
    set_up: &'static str,
}

const SHELLS: [Shell; 3] = [
    Shell {
        name: "bash",
        start: &["--norc", "--noprofile", "-i"],
        script: "completion",
        set_up: "source ../completion; bind 'set bell-style none'; bind 'set show-all-if-ambiguous on'; PS1='ready> '",
    },
    Shell {
        name: "zsh",
        start: &["-f", "-i"],
        script: "_h4inspect",
        set_up: "fpath=($PWD/.. $fpath); autoload -U compinit; compinit -u -D; setopt no_beep; PS1='ready> '",
    },
    Shell {
        name: "fish",
        start: &["--no-config", "--interactive"],
        script: "completion",
        set_up: "source ../completion; function fish_prompt; echo -n 'ready> '; end",
    },
];

/// What is typed before Tab, and what the line then is. The folder holds `only one.h4mk` and nothing else.
const COMPLETED: [(&str, &str); 16] = [
    ("h4inspect inf", "h4inspect info "),
    ("h4inspect on", "h4inspect only\\ one.h4mk "),
    ("h4inspect info ", "h4inspect info only\\ one.h4mk "),
    ("h4inspect info on", "h4inspect info only\\ one.h4mk "),
    ("h4inspect info --json ", "h4inspect info --json only\\ one.h4mk "),
    ("h4inspect audit on", "h4inspect audit only\\ one.h4mk "),
    ("h4inspect audit --form", "h4inspect audit --format"),
    ("h4inspect audit --format nd", "h4inspect audit --format ndjson "),
    ("h4inspect audit --format=nd", "h4inspect audit --format=ndjson "),
    ("h4inspect audit --files-from ", "h4inspect audit --files-from only\\ one.h4mk "),
    ("h4inspect audit a.h4mk --fail", "h4inspect audit a.h4mk --fail-on"),
    ("h4inspect --meaning ind", "h4inspect --meaning index "),
    ("h4inspect --meaning index inf", "h4inspect --meaning index info "),
    ("h4inspect a.h4mk --fol", "h4inspect a.h4mk --follow "),
    ("h4inspect completions fi", "h4inspect completions fish "),
    ("h4inspect explain seek-unre", "h4inspect explain seek-unresolved "),
];

/// What is typed before Tab, what is then offered, and what isn't.
const OFFERED: [(&str, &[&str], &[&str]); 4] = [
    ("h4inspect ", &["salvage", "manifest", "only"], &["--diff"]),
    ("h4inspect audit --", &["--files-from", "--fail-on", "--meaning"], &["salvage", "--diff", "one.h4mk"]),
    ("h4inspect a.h4mk --", &["--diff", "--follow"], &["salvage", "--files-from"]),
    ("h4inspect audit --fail-on ", &["warning", "never"], &["salvage", "--meaning"]),
];

/// Whether a shell is installed. Where it isn't, that is said past the test harness, and is a failure where all tests must
/// run.
pub(crate) fn is_there(shell: &str) -> bool {
    let found = Command::new(shell).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        let message = format!("SKIPPED: completions in {shell}, which isn't installed");
        assert!(std::env::var_os("H4_REQUIRE_ALL").is_none_or(|all| all != "1"), "{message}: apt-get install {shell}");
        std::io::stderr().write_all(format!("{message}\n").as_bytes()).unwrap();
    }
    found
}

fn ready(shell: &Shell, folder: &Path) -> Terminal {
    let inside = folder.join("inside");
    fs::create_dir_all(&inside).unwrap();
    fs::write(inside.join("only one.h4mk"), "").unwrap();
    fs::write(folder.join(shell.script), stdout_of(&["completions", shell.name])).unwrap();
    let mut command = CommandBuilder::new(shell.name);
    command.args(shell.start);
    command.cwd(inside);
    command.env("HOME", folder);
    command.env("XDG_DATA_HOME", folder);
    let mut terminal = Terminal::run(command);
    terminal.press(&format!("{}\r", shell.set_up));
    terminal.expect("\nready> ");
    terminal
}

/// Types a line and Tab, on a fresh prompt at the top of the screen.
fn tab(terminal: &mut Terminal, line: &str, number: usize) {
    // Words that the screen can't have before the command has run.
    terminal.press(&format!("\x03\x15clear; printf 'case-%s-\\n' {number}\r"));
    terminal.expect(&format!("case-{number}-\nready>"));
    terminal.press(line);
    terminal.expect(&format!("ready> {}", line.trim_end()));
    terminal.press("\t");
}

fn completes_lines(shell: &Shell) {
    if !is_there(shell.name) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = ready(shell, folder.path());
    for (number, (typed, line)) in COMPLETED.iter().enumerate() {
        tab(&mut terminal, typed, number);
        terminal.expect(&format!("ready> {}", line.trim_end()));
    }
    for (number, (typed, offered, others)) in OFFERED.iter().enumerate() {
        tab(&mut terminal, typed, 100 + number);
        // Some show a list only when it is asked for twice.
        terminal.press("\t");
        offered.iter().for_each(|word| terminal.expect(word));
        let screen = terminal.contents();
        let list = screen.split(typed.trim_end()).nth(1).unwrap();
        for word in *others {
            assert!(!list.contains(word), "{}: {word} after {typed:?}\n{screen}", shell.name);
        }
    }
    terminal.press("\x03\x15exit\r");
}

#[test]
fn bash_completes_lines() {
    completes_lines(&SHELLS[0]);
}

#[test]
fn zsh_completes_lines() {
    completes_lines(&SHELLS[1]);
}

#[test]
fn fish_completes_lines() {
    completes_lines(&SHELLS[2]);
}
