//! Files that shrink, grow, are replaced or written to while they are audited: that is a finding, never a crash, and the
//! moment is no matter of luck. An engine that the audit calls for every block changes the file at a block of its own.
#![cfg(unix)]

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use crate::support::libraries::compile_library;
use crate::support::{run, sample};
use h4inspect::core::audit::{Audit, Verdict, audit};
use h4inspect::core::codec::engine::{Engine, EngineError, Engines};
use h4inspect::core::container::Options;
use h4inspect::core::finding::{Code, Severity};
use h4inspect::core::meta::Compression;
use h4inspect::core::pack::{TransportWriter, seek_payload};
use h4inspect::core::salvage::{SalvageError, Settings, salvage};
use h4inspect::core::source::Source;
use h4inspect::core::task::Task;
use serde_json::json;

const BLOCKS: usize = 60;
/// More than a page for each block, so that a cut takes whole pages from under the audit.
const BLOCK_BYTES: usize = 10_000;

/// What happens to the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Cut(u64),
    Append,
    Replace,
    Remove,
    Touch,
}

impl Event {
    fn happen(self, path: &Path) {
        let open = |options: &mut OpenOptions| options.open(path).unwrap();
        match self {
            Self::Cut(len) => open(File::options().write(true)).set_len(len).unwrap(),
            Self::Append => open(File::options().append(true)).write_all(b"more").unwrap(),
            Self::Replace => {
                let other = path.with_extension("other");
                fs::copy(path, &other).unwrap();
                fs::rename(other, path).unwrap();
            }
            Self::Remove => fs::remove_file(path).unwrap(),
            Self::Touch => open(File::options().write(true)).set_modified(SystemTime::UNIX_EPOCH).unwrap(),
        }
    }

    /// What was read is still what the file held.
    fn is_harmless(self) -> bool {
        !matches!(self, Self::Cut(_))
    }
}

/// Copies blocks, and lets the event happen at one of them.
struct Meddler {
    path: PathBuf,
    event: Event,
    calls: AtomicU32,
    at: u32,
}

impl Engine for Meddler {
    fn name(&self) -> &str {
        "meddler"
    }

    fn matches(&self, _compression: &Compression) -> bool {
        true
    }

    fn decode(&self, stored: &[u8], _limit: u64) -> Result<Vec<u8>, EngineError> {
        if self.calls.fetch_add(1, Ordering::Relaxed) == self.at {
            self.event.happen(&self.path);
        }
        Ok(stored.to_vec())
    }
}

/// A container of a closed engine.
fn write_container(path: &Path) -> u64 {
    let mut writer = TransportWriter::new(File::create(path).unwrap()).unwrap();
    for block in 0..BLOCKS {
        writer.block(&vec![block as u8; BLOCK_BYTES]).unwrap();
    }
    let meta = format!(r#"{{"block_size":{BLOCK_BYTES},"compression":{{"engine":"core","opaque":true}}}}"#);
    writer.chunk(*b"SEEK", &seek_payload(&[])).unwrap();
    writer.chunk(*b"META", meta.as_bytes()).unwrap();
    writer.chunk(*b"SAFE", b"{}").unwrap();
    writer.finish().unwrap();
    fs::metadata(path).unwrap().len()
}

/// The events, of a file of that length.
fn events(len: u64) -> Vec<Event> {
    let cuts = [0, 1, 7, 8, len / 100, len / 2, len - len / 100, len - 1].map(Event::Cut);
    [Event::Append, Event::Replace, Event::Remove, Event::Touch].into_iter().chain(cuts).collect()
}

fn assert_noticed(audit: &Audit, event: Event, name: &str) {
    let listed = audit.findings.list();
    let changes: Vec<_> = listed.iter().filter(|finding| finding.code == Code::FileChanged).collect();
    let [change] = changes[..] else { panic!("{name}: {listed:?}") };
    assert_eq!((change.severity, audit.complete), (Severity::Warning, false), "{name}");
    if event.is_harmless() {
        assert_eq!((audit.verdict, listed.len()), (Verdict::Suspect, 1), "{name}: {listed:?}");
    }
}

#[test]
fn what_happens_at_any_block_of_an_audit_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("moving.h4mk");
    let len = write_container(&path);
    for event in events(len) {
        for at in [0, 20, BLOCKS as u32 - 1] {
            let name = format!("{event:?} at block {at}");
            write_container(&path);
            let meddler = Meddler { path: path.clone(), event, calls: AtomicU32::new(0), at };
            let options = Options { engines: Engines::default().with(Arc::new(meddler)), ..Options::default() };
            let source = Arc::new(Source::open(&path).unwrap());
            let audit = audit(&source, &options, &Task::default()).unwrap();
            assert_noticed(&audit, event, &name);
            let mut out = Vec::new();
            match salvage(&audit, &Settings { repair: true, ..Default::default() }, &mut out, &Task::default()) {
                Err(SalvageError::Changed(_) | SalvageError::Nothing | SalvageError::Unreadable(_)) => {}
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}

#[test]
fn what_happens_between_opening_and_auditing_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("moving.h4mk");
    for name in ["demo.h4mk", "mux.h4mk", "encrypted.h4mk"] {
        let clean = fs::read(sample(name)).unwrap();
        for event in events(clean.len() as u64) {
            fs::write(&path, &clean).unwrap();
            let source = Arc::new(Source::open(&path).unwrap());
            event.happen(&path);
            let audit = audit(&source, &Options::default(), &Task::default()).unwrap();
            let change = audit.findings.list().iter().find(|finding| finding.code == Code::FileChanged);
            assert!(change.is_some_and(|change| change.severity == Severity::Warning), "{name}, {event:?}");
            assert!(!audit.complete, "{name}, {event:?}");
            assert!(audit.verdict >= Verdict::Suspect, "{name}, {event:?}");
        }
    }
}

/// The program calls a library for each block, which waits at one of them while `change` is made.
fn audit_while(folder: &Path, path: &Path, change: &dyn Fn()) -> Option<(i32, serde_json::Value)> {
    let (source, library) = (folder.join("core.c"), folder.join("libwaiting.so"));
    let code = "#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n
        size_t h4_decompress(const void *in, size_t n, void **out) {
            static int calls;
            if (calls++ == 20) sleep(4);
            *out = malloc(n); memcpy(*out, in, n); return n;
        }
        void h4_free(void *p) { free(p); }";
    fs::write(&source, code).unwrap();
    if !compile_library(&source, &library) {
        return None;
    }
    let (path, library) = (path.to_str().unwrap(), library.to_str().unwrap());
    let (status, stdout, stderr) = std::thread::scope(|scope| {
        let audit = scope.spawn(|| run(&["audit", path, "--core-lib", library, "--format", "json"]));
        std::thread::sleep(Duration::from_secs(2));
        change();
        audit.join().unwrap()
    });
    assert_eq!(stderr, "");
    Some((status, serde_json::from_slice(&stdout).unwrap()))
}

#[test]
fn the_program_says_so_and_ends_with_its_status() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("moving.h4mk");
    let other = path.with_extension("other");
    let cut = |len| fs::File::options().write(true).open(&path).unwrap().set_len(len).unwrap();
    let append = || fs::File::options().append(true).open(&path).unwrap().write_all(b"more").unwrap();
    let changes: [(i32, &str, &str, &dyn Fn()); 6] = [
        (0, "ok", "", &|| ()),
        (4, "suspect", "append", &append),
        (4, "suspect", "replace", &|| fs::rename(&other, &path).unwrap()),
        (4, "suspect", "remove", &|| fs::remove_file(&path).unwrap()),
        // What is gone reads as zeros, which is damage too.
        (1, "damaged", "cut", &|| cut(300_000)),
        (1, "damaged", "empty", &|| cut(0)),
    ];
    for (status, verdict, name, change) in changes {
        write_container(&path);
        fs::copy(&path, &other).unwrap();
        let Some((ended, audits)) = audit_while(folder.path(), &path, change) else { return };
        let audit = &audits[0];
        assert_eq!((ended, &audit["verdict"]), (status, &json!(verdict)), "{name}: {audit}");
        assert_eq!(audit["complete"], json!(name.is_empty()), "{name}");
        let codes = audit["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap());
        assert_eq!(codes.filter(|code| *code == "file-changed").count(), usize::from(!name.is_empty()), "{name}");
    }
}
