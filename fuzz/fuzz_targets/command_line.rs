//! Any command line ends with one of the statuses that are promised, and leaves no file that it wasn't told to write. An
//! input is arguments, a line feed, and the file `x.h4mk`. A byte of the arguments stands for a word that the program knows,
//! or begins one that it doesn't, see [`arguments`].
//!
//! Nothing outside a folder of its own is touched: names have no slash, standard input is empty, and options that start
//! programs or wait for terminals aren't among the words.
#![no_main]

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::{LazyLock, Once};

use h4inspect::cli::args::command;
use libfuzzer_sys::fuzz_target;
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout, stderr};

/// Begins a word of the input's own: its length follows, then its bytes.
const OWN: u8 = 0xff;
const FILE: &str = "x.h4mk";

/// Commands, options, their values, numbers, and names in the folder.
static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut words = BTreeSet::new();
    let program = command();
    for command in std::iter::once(&program).chain(program.get_subcommands()) {
        words.insert(command.get_name().to_owned());
        for argument in command.get_arguments() {
            let long = argument.get_long().filter(|name| !name.starts_with("core-") && *name != "follow");
            words.extend(long.map(|name| format!("--{name}")));
            words.extend(argument.get_possible_values().iter().map(|value| value.get_name().to_owned()));
        }
    }
    let others = [
        FILE, "y.h4mk", "z", ".", "..", "-", "--", "0", "1", "3", "7", "-1", "18446744073709551616", "0x10", "4KiB", "40ms", "1.5",
        "00:00:01", "1/2", "auto", "80x24", "1x1", "q", "*", "**", "!x", "crc-mismatch", "chunk-unknown", "", "\u{202e}",
    ];
    words.extend(others.map(str::to_owned));
    // x.h4mk first: most command lines are about it.
    std::iter::repeat_n(FILE.to_owned(), 8).chain(words).collect()
});

fn arguments(mut bytes: &[u8]) -> Vec<OsString> {
    let mut arguments = vec!["h4inspect".into()];
    while let [first, rest @ ..] = bytes {
        bytes = rest;
        if *first != OWN {
            arguments.push(WORDS[usize::from(*first) % WORDS.len()].clone().into());
            continue;
        }
        let Some((len, rest)) = bytes.split_first() else { break };
        let (own, rest) = rest.split_at(rest.len().min(usize::from(*len)));
        bytes = rest;
        // Not a way out of the folder, nor to another program.
        let outside = |own: &[u8]| own.contains(&b'/') || own.contains(&0) || own.windows(4).any(|part| part == b"core");
        if !outside(own) {
            arguments.push(OsStr::from_bytes(own).to_owned());
        }
    }
    arguments
}

/// Redirects the standard streams to /dev/null, but lets panics through to standard error. Returns the old standard error.
fn quiet() -> OwnedFd {
    static ONCE: Once = Once::new();
    let null = File::options().read(true).write(true).open("/dev/null").unwrap();
    ONCE.call_once(|| {
        dup2_stdin(&null).unwrap();
        dup2_stdout(&null).unwrap();
        let (shown, hook) = (stderr().try_clone_to_owned().unwrap(), std::panic::take_hook());
        std::panic::set_hook(Box::new(move |panic| {
            _ = dup2_stderr(&shown);
            hook(panic);
        }));
    });
    let shown = stderr().try_clone_to_owned().unwrap();
    dup2_stderr(&null).unwrap();
    shown
}

fuzz_target!(|input: &[u8]| {
    let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return };
    let (arguments, bytes) = (arguments(&input[..end]), &input[end + 1..]);
    let folder = tempfile::tempdir().unwrap();
    std::env::set_current_dir(folder.path()).unwrap();
    fs::write(FILE, bytes).unwrap();
    fs::write("y.h4mk", [bytes, b"more"].concat()).unwrap();

    let shown = quiet();
    let status = h4inspect::cli::run(arguments.clone(), |_| None, false);
    dup2_stderr(&shown).unwrap();

    // The file is what it was, unless it was to be replaced; all others have names that were asked for.
    let may_replace = arguments.iter().any(|argument| argument.as_bytes().starts_with(b"--for"));
    assert!(may_replace || fs::read(FILE).unwrap() == bytes, "{arguments:?} changed its input: {status:?}");
    for entry in fs::read_dir(folder.path()).unwrap() {
        let name = entry.unwrap().file_name();
        let asked = |argument: &OsString| argument.as_bytes().windows(name.len()).any(|part| part == name.as_bytes());
        let known = name == FILE || name == "y.h4mk" || arguments.iter().any(asked);
        assert!(known, "{arguments:?} leaves {name:?}: {status:?}");
    }
    std::env::set_current_dir("/").unwrap();
});
