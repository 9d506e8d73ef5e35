//! Vendor's libraries, built from C, and what is left of them.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Compiles C with the arguments given. Without a compiler it says so, past the capture of the tests' output, and gives
/// `false`; with H4_REQUIRE_ALL=1 it fails.
pub(crate) fn compile(args: &[&str]) -> bool {
    match Command::new("cc").args(args).output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            true
        }
        Err(error) => {
            assert!(std::env::var_os("H4_REQUIRE_ALL").is_none_or(|all| all != "1"), "no C compiler: {error}");
            let test = std::thread::current().name().unwrap_or_default().to_owned();
            std::io::stderr().write_all(format!("SKIPPED {test}: no C compiler: {error}\n").as_bytes()).unwrap();
            false
        }
    }
}

/// Compiles a library.
pub(crate) fn compile_library(source: &Path, library: &Path) -> bool {
    compile(&["-shared", "-fPIC", "-w", "-o", library.to_str().unwrap(), source.to_str().unwrap()])
}

/// Some process has the path in its command line, as hosts have and what they fork; known on Linux only.
pub(crate) fn is_in_a_process(path: &Path) -> bool {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().filter_map(|entry| entry.ok());
    let mut lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.any(|line| String::from_utf8_lossy(&line).contains(path.to_str().unwrap()))
}

/// Waits for processes that were killed to be gone.
pub(crate) fn assert_none_left(path: &Path) {
    let begun = Instant::now();
    while is_in_a_process(path) {
        assert!(begun.elapsed() < Duration::from_secs(10), "a process is left");
        std::thread::sleep(Duration::from_millis(5));
    }
}
