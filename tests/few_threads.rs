//! Where the system allows few threads, or none but the first, all still gets done; and asking for many costs nothing.
#![cfg(target_os = "linux")]

use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::support::containers::transport;
use crate::support::users::Ground;

/// How long a command may take that waits for nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a command line in which at most `threads` threads may run; `None` is no limit.
fn run(ground: &Ground, threads: Option<usize>, args: &str) -> Output {
    // Where the user can't be changed, the limit counts all they run.
    let others = if ground.user.is_some() { 0 } else { threads_of_user() };
    let limit = threads.map_or_else(|| "unlimited".to_owned(), |threads| (others + threads).to_string());
    let mut command = ground.shell(&format!(r#"ulimit -u {limit}; exec "$0" {args}"#));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id().to_string();
    let (done, is_done) = mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        let hangs = is_done.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout);
        _ = hangs.then(|| Command::new("kill").args(["-KILL", &id]).status());
    });
    let output = child.wait_with_output().unwrap();
    drop(done);
    watch.join().unwrap();
    output
}

fn threads_of_user() -> usize {
    let user = rustix::process::getuid().as_raw().to_string();
    let threads = Command::new("ps").args(["-L", "-U", &user, "-o", "lwp="]).output().unwrap();
    String::from_utf8(threads.stdout).unwrap().lines().count()
}

#[test]
fn every_command_does_its_work_with_the_threads_it_gets() {
    let ground = Ground::new();
    // Long enough to be hashed on a thread of its own.
    let raw: Vec<u8> = (0..3_000_000u32).flat_map(|n| n.wrapping_mul(n).to_le_bytes()).collect();
    ground.file("raw", &raw);
    let packed = run(&ground, None, "pack raw --out big.h4mk --block-size 64KiB");
    assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
    ground.sample("demo.h4mk");
    ground.sample("damaged.h4mk");
    ground.file("small.h4mk", &transport(20, 4));
    ground.file("list", b"big.h4mk\ndemo.h4mk\nsmall.h4mk\n");
    for args in [
        "unpack big.h4mk --out -",
        "unpack demo.h4mk --out - --jobs 7",
        "unpack small.h4mk --out - --raw",
        "unpack damaged.h4mk --out - --skip",
        "audit big.h4mk demo.h4mk damaged.h4mk small.h4mk --format ndjson",
        "audit --files-from list --format json --jobs 3",
        "audit . --format sarif",
        "verify big.h4mk",
        "info big.h4mk --check",
        "diff demo.h4mk damaged.h4mk",
        "salvage damaged.h4mk --out -",
        "render demo.h4mk --keys 6a",
    ] {
        let wanted = run(&ground, None, args);
        for threads in 1..5 {
            let got = run(&ground, Some(threads), args);
            let said = String::from_utf8_lossy(&got.stderr);
            assert_eq!(got.status, wanted.status, "{args} on {threads}: {said}");
            assert!(got.stdout == wanted.stdout, "{args} on {threads}");
            assert!(!said.contains("panicked"), "{args} on {threads}: {said}");
        }
    }
}

#[test]
fn more_jobs_than_processors_are_no_slower() {
    let ground = Ground::new();
    for n in 0..300u16 {
        ground.file(&format!("{n}.h4mk"), &transport(10, 4));
    }
    ground.sample("demo.h4mk");
    let time = |args: &str| {
        let started = Instant::now();
        let output = run(&ground, None, args);
        assert!(output.status.success(), "{args}: {}", String::from_utf8_lossy(&output.stderr));
        (started.elapsed(), output.stdout)
    };
    for command in ["audit . --format ndjson", "unpack demo.h4mk --out -"] {
        let (few, wanted) = time(&format!("{command} --jobs 2"));
        for jobs in [5_000, 20_000, 65_535] {
            let (many, got) = time(&format!("{command} --jobs {jobs}"));
            assert!(got == wanted, "{command} {jobs}");
            assert!(many < few * 4 + Duration::from_secs(2), "{command}: {jobs} jobs took {many:?}, 2 took {few:?}");
        }
    }
}
