//! The vendor's library, well-behaved and not: none of the bad ones takes the program down, or makes it wait for long.
#![cfg(unix)]

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use h4inspect::core::audit::audit;
use h4inspect::core::block::{BlockError, Stage};
use h4inspect::core::codec::engine::{Engine, EngineError, Engines};
use h4inspect::core::codec::external::{External, HOST_COMMAND, Library};
use h4inspect::core::container::{Container, Options};
use h4inspect::core::pack::TransportWriter;
use h4inspect::core::source::Source;
use h4inspect::core::task::Task;
use h4inspect::core::walk::Depth;

use crate::support::libraries::{assert_none_left, compile_library, is_in_a_process};

/// Inverts every byte.
const INVERT: &str = "size_t h4_decompress(const void *in, size_t n, void **out) {
    unsigned char *copy = malloc(n);
    for (size_t i = 0; i < n; i++) copy[i] = ~((const unsigned char *)in)[i];
    *out = copy;
    return n;
}";
const FREE: &str = "void h4_free(void *p) { free(p); }";
const PINS: &str = r#"const char *h4_engine_id(void) { return "tiny-core-1"; }
const unsigned char *h4_engine_fp(void) { static const unsigned char fp[32] = {0xab, 1}; return fp; }"#;

/// Builds a library from C, in a folder of its own that goes with the first value; `None` without a C compiler.
fn build(parts: &[&str]) -> Option<(tempfile::TempDir, PathBuf)> {
    let folder = tempfile::tempdir().unwrap();
    let (source, library) = (folder.path().join("core.c"), folder.path().join("libh4core.so"));
    let head =
        "#include <stddef.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n";
    std::fs::write(&source, [head, &parts.join("\n")].concat()).unwrap();
    compile_library(&source, &library).then_some((folder, library))
}

fn library(path: PathBuf) -> Library {
    Library { timeout: Duration::from_secs(20), ..Library::new(path, env!("CARGO_BIN_EXE_h4inspect")) }
}

/// What a library made of these parts answers for a block of four bytes.
fn answer(parts: &[&str]) -> Option<Result<Vec<u8>, EngineError>> {
    let (_folder, path) = build(parts)?;
    Some(External::new(library(path)).decode(b"\x00\x01\x02\x03", 1000))
}

fn failure(parts: &[&str]) -> Option<String> {
    answer(parts).map(|answer| match answer.unwrap_err() {
        EngineError::Failed(message) => message,
        other => panic!("{other:?}"),
    })
}

#[test]
fn a_library_decodes_from_any_thread() {
    let Some((_folder, path)) = build(&[INVERT, FREE]) else { return };
    let external = External::new(library(path));
    std::thread::scope(|scope| {
        for thread in 0..6u8 {
            let external = &external;
            scope.spawn(move || {
                for len in [0usize, 1, 70_000] {
                    let stored = vec![thread; len];
                    let decoded = external.decode(&stored, 1 << 20);
                    match len {
                        // By the ABI a length of 0 is failure.
                        0 => assert!(matches!(decoded, Err(EngineError::Malformed(_)))),
                        _ => assert_eq!(decoded.unwrap(), vec![!thread; len]),
                    }
                }
            });
        }
    });
}

#[test]
fn what_a_library_prints_and_reads_is_not_the_conversation() {
    let noisy = "__attribute__((constructor)) static void hello(void) { printf(\"loaded\\n\"); fflush(stdout); }
    size_t h4_decompress(const void *in, size_t n, void **out) {
        char line[10];
        printf(\"decoding\\n\"); fflush(stdout); write(1, \"R\", 1); fprintf(stderr, \"oh\\n\");
        if (read(0, line, 10) > 0) return 0;
        *out = malloc(n); memcpy(*out, in, n); return n;
    }";
    let Some(decoded) = answer(&[noisy, FREE]) else { return };
    assert_eq!(decoded.unwrap(), [0, 1, 2, 3]);
}

#[test]
fn a_library_that_lacks_a_symbol_or_is_none_is_refused_once() {
    let Some(message) = failure(&[INVERT]) else { return };
    assert!(message.contains("can't be used") && message.contains("h4_free"), "{message}");
    let Some(message) = failure(&[FREE]) else { return };
    assert!(message.contains("h4_decompress"), "{message}");
    let external = External::new(library("/no/such/\u{1b}[1mlibrary.so".into()));
    let first = external.decode(&[1], 10).unwrap_err();
    assert!(!first.to_string().contains('\u{1b}'), "{first}");
    assert_eq!(external.decode(&[1], 10), Err(first));
    let nowhere = External::new(Library::new("/lib/x.so", "/no/such/program"));
    assert!(nowhere.decode(&[1], 10).unwrap_err().to_string().contains("/no/such/program did not start"));
    // A program that is no host.
    let no_host = External::new(Library::new("/lib/x.so", "/bin/true"));
    assert!(matches!(no_host.decode(&[1], 10), Err(EngineError::Failed(_))));
}

#[test]
fn a_library_that_fails_is_believed() {
    let zero = "size_t h4_decompress(const void *in, size_t n, void **out) { *out = malloc(1); return 0; }";
    let null = "size_t h4_decompress(const void *in, size_t n, void **out) { *out = NULL; return 9; }";
    let silent = "size_t h4_decompress(const void *in, size_t n, void **out) { return 9; }";
    for failing in [zero, null, silent] {
        let Some(answer) = answer(&[failing, FREE]) else { return };
        assert!(matches!(answer, Err(EngineError::Malformed(_))), "{answer:?}");
    }
}

#[test]
fn a_library_that_lies_about_a_length_gains_nothing() {
    let huge = "size_t h4_decompress(const void *in, size_t n, void **out) { *out = malloc(4); return (size_t)-1; }";
    let Some(answer) = answer(&[huge, FREE]) else { return };
    assert_eq!(answer, Err(EngineError::TooLarge { decoded_len: u64::MAX, limit: 1000 }));

    let beyond = "size_t h4_decompress(const void *in, size_t n, void **out) { *out = malloc(4); return 1u << 30; }";
    let Some((_folder, path)) = build(&[beyond, FREE]) else { return };
    let answer = External::new(library(path)).decode(&[1, 2], 1 << 30);
    assert!(matches!(answer, Err(EngineError::Failed(_))), "{:?}", answer.map(|bytes| bytes.len()));
}

#[test]
fn a_library_that_crashes_is_started_again_but_not_for_ever() {
    let touchy = "size_t h4_decompress(const void *in, size_t n, void **out) {
        if (((const char *)in)[0] == 'x') abort();
        *out = malloc(n); memcpy(*out, in, n); return n;
    }";
    let Some((_folder, path)) = build(&[touchy, FREE]) else { return };
    let external = External::new(library(path));
    let decode = |stored: &[u8]| external.decode(stored, 100);
    for _ in 0..5 {
        assert!(matches!(decode(b"x"), Err(EngineError::Failed(message)) if message.contains("died (signal: 6")));
        assert_eq!(decode(b"ok").unwrap(), b"ok");
    }
    for _ in 0..3 {
        assert!(decode(b"x").is_err());
    }
    let given_up = decode(b"ok").unwrap_err().to_string();
    assert!(given_up.contains("3 times in a row"), "{given_up}");

    let constructor = "__attribute__((constructor)) static void crash(void) { abort(); }";
    let Some(message) = failure(&[constructor, INVERT, FREE]) else { return };
    assert!(message.contains("died"), "{message}");
}

#[test]
fn a_library_that_hangs_is_stopped_and_leaves_no_process() {
    let hanging = "size_t h4_decompress(const void *in, size_t n, void **out) { for (;;) sleep(1); }";
    let loading = "__attribute__((constructor)) static void hang(void) { for (;;) sleep(1); }";
    for parts in [&[hanging, FREE][..], &[loading, INVERT, FREE]] {
        let Some((_folder, path)) = build(parts) else { return };
        let begun = Instant::now();
        let library = Library { timeout: Duration::from_millis(300), ..library(path.clone()) };
        // More than a pipe holds.
        let answer = External::new(library).decode(&vec![1; 1 << 20], 1 << 20);
        assert!(matches!(answer, Err(EngineError::Failed(message)) if message.contains("did not answer within 300ms")));
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert!(!is_in_a_process(&path));
    }
}

/// Leaves a process behind that holds none of the pipes.
const FORK: &str = "static void leave(void) {
    if (fork() == 0) { for (int fd = 0; fd < 256; fd++) close(fd); for (;;) sleep(1); }
}";

#[test]
fn what_a_library_starts_ends_with_its_host() {
    let idle = "size_t h4_decompress(const void *in, size_t n, void **out) {
        leave(); *out = malloc(n); memcpy(*out, in, n); return n;
    }";
    let crashing = "size_t h4_decompress(const void *in, size_t n, void **out) { leave(); abort(); }";
    for (decompress, works) in [(idle, true), (crashing, false)] {
        let Some((_folder, path)) = build(&[FORK, decompress, FREE]) else { return };
        let external = External::new(library(path.clone()));
        assert_eq!(external.decode(&[1], 10).is_ok(), works);
        drop(external);
        assert_none_left(&path);
    }
}

#[test]
fn what_a_library_starts_ends_with_the_program() {
    let forking = "size_t h4_decompress(const void *in, size_t n, void **out) { leave(); for (;;) sleep(1); }";
    let Some((_folder, path)) = build(&[FORK, forking, FREE]) else { return };
    let mut host = Command::new(env!("CARGO_BIN_EXE_h4inspect"));
    host.arg(HOST_COMMAND).arg(&path).stdin(Stdio::piped()).stdout(Stdio::null()).process_group(0);
    let mut host = host.spawn().unwrap();
    let mut stdin = host.stdin.take().unwrap();
    stdin.write_all(&[[100, 0, 0, 0, 0, 0, 0, 0], [0; 8]].concat()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    drop(stdin);
    host.wait().unwrap();
    assert_none_left(&path);
}

#[test]
fn a_host_ends_with_its_input_whatever_the_library_does() {
    let hanging = "size_t h4_decompress(const void *in, size_t n, void **out) { for (;;) sleep(1); }";
    let Some((_folder, path)) = build(&[hanging, FREE]) else { return };
    let mut host = Command::new(env!("CARGO_BIN_EXE_h4inspect"));
    host.arg(HOST_COMMAND).arg(path).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut host = host.spawn().unwrap();
    let mut stdin = host.stdin.take().unwrap();
    stdin.write_all(&[[100, 0, 0, 0, 0, 0, 0, 0], [0; 8]].concat()).unwrap();
    drop(stdin);
    assert!(host.wait().unwrap().success());
}

#[test]
fn pins_must_be_the_librarys() {
    let Some((_folder, path)) = build(&[INVERT, FREE, PINS]) else { return };
    let Some((_bare_folder, bare)) = build(&[INVERT, FREE]) else { return };
    let fp = format!("AB01{}", "00".repeat(30));
    let decode = |path: &PathBuf, engine_id: Option<&str>, fingerprint: Option<&str>| {
        let pinned = Library {
            engine_id: engine_id.map(str::to_owned),
            fingerprint: fingerprint.map(str::to_owned),
            ..library(path.clone())
        };
        External::new(pinned).decode(&[1], 10).map_err(|error| error.to_string())
    };
    assert_eq!(decode(&path, Some("tiny-core-1"), Some(&fp)), Ok(vec![!1]));
    let refused = |answer: Result<Vec<u8>, String>, why: &str| {
        let message = answer.unwrap_err();
        assert!(message.contains("can't be used") && message.contains(why), "{message}");
    };
    refused(decode(&path, Some("tiny-core-2"), None), "it is \"tiny-core-1\"");
    refused(decode(&path, None, Some("ab02")), "it is ab01");
    refused(decode(&bare, Some("tiny-core-1"), None), "it has none");
    refused(decode(&bare, None, Some(&fp)), "it has none");
}

/// A container of a closed engine, whose blocks are inverted bytes.
fn container(options: Options, blocks: &[&[u8]]) -> (Arc<Source>, Container) {
    let mut file = Vec::new();
    let mut writer = TransportWriter::new(&mut file).unwrap();
    blocks.iter().for_each(|block| _ = writer.block(&block.iter().map(|byte| !byte).collect::<Vec<_>>()).unwrap());
    writer.chunk(*b"SEEK", &[0; 4]).unwrap();
    writer.chunk(*b"META", br#"{"block_size":4,"compression":{"engine":"core","opaque":true}}"#).unwrap();
    writer.chunk(*b"SAFE", b"{}").unwrap();
    writer.finish().unwrap();
    let source = Arc::new(Source::from_bytes("clip.h4mk", file));
    let container = Container::read(source.clone(), options, Depth::Headers, &Task::default()).unwrap();
    (source, container)
}

#[test]
fn a_container_of_a_closed_engine_is_read_and_audited_with_its_library() {
    let Some((_folder, path)) = build(&[INVERT, FREE]) else { return };
    let engines = Engines::default().with(Arc::new(External::new(library(path))));
    let options = Options { engines, ..Options::default() };
    let (source, opened) = container(options.clone(), &[b"abcd", b"efg", b"hij"]);
    let content = opened.block(0).unwrap();
    assert_eq!((content.bytes.as_slice(), content.stage), (&b"abcd"[..], Stage::Plain));
    let window = opened.window(1, 1, 9).unwrap();
    assert_eq!((window.bytes.as_slice(), window.block_len, window.problem), (&b"fg"[..], 3, None));
    let codes = |options| {
        let audit = audit(&source, &options, &Task::default()).unwrap();
        audit.findings.list().iter().map(|finding| (finding.code.name(), finding.block)).collect::<Vec<_>>()
    };
    assert_eq!(codes(options), [("block-size-mismatch", Some(1))]);
    assert_eq!(codes(Options::default()), [("block-opaque", Some(0))]);
}

#[test]
fn a_container_is_still_shown_raw_when_its_library_fails() {
    let Some((_folder, path)) = build(&["size_t h4_decompress() { abort(); }", FREE]) else { return };
    let engines = Engines::default().with(Arc::new(External::new(library(path))));
    let options = Options { engines, ..Options::default() };
    let (source, container) = container(options.clone(), &[b"abcd".as_slice(); 40]);
    let window = container.window(7, 0, 2).unwrap();
    assert_eq!((window.bytes, window.stage), (vec![!b'a', !b'b'], Stage::Stored));
    assert!(matches!(window.problem, Some(BlockError::Decode { block: 7, .. })));
    let audit = audit(&source, &options, &Task::default()).unwrap();
    let [finding] = audit.findings.list() else { panic!("{:?}", audit.findings) };
    assert_eq!(finding.code.name(), "block-opaque");
    assert!(finding.message.starts_with("40 of 40 blocks"), "{}", finding.message);
}
