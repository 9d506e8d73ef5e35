//! What is read by ranges is the same as what is mapped, and a reader that fails or lies is noticed.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use h4mk::audit::audit;
use h4mk::explore::fields::fields_in;
use h4mk::salvage::{SalvageError, Settings, salvage};
use h4mk::{Code, Container, Depth, Options, ReadAt, Source, Task, Verdict};

/// Bytes that come slowly, and not all of them.
struct Reader {
    bytes: Vec<u8>,
    /// What it says that there are.
    len: u64,
    /// The most that a read gives.
    at_most: usize,
    /// From here on, reads fail once it is broken.
    fails_at: u64,
    is_broken: Arc<AtomicBool>,
}

impl ReadAt for Reader {
    fn len(&self) -> io::Result<u64> {
        Ok(self.len)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let fails_at = if self.is_broken.load(Ordering::Relaxed) { self.fails_at } else { u64::MAX };
        if offset >= fails_at {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let start = self.bytes.len().min(offset as usize);
        let end = self.bytes.len().min(start + self.at_most.min(buffer.len())).min(fails_at as usize);
        buffer[..end - start].copy_from_slice(&self.bytes[start..end]);
        Ok(end - start)
    }
}

fn whole(bytes: Vec<u8>) -> Reader {
    Reader { len: bytes.len() as u64, bytes, at_most: 777, fails_at: u64::MAX, is_broken: Arc::default() }
}

fn far(reader: Reader) -> Arc<Source> {
    Arc::new(Source::from_reader("x", reader).unwrap())
}

fn files() -> Vec<PathBuf> {
    fn below(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "h4mk") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus"), &mut found);
    below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-data"), &mut found);
    found.sort();
    assert!(found.len() > 60, "{}", found.len());
    found
}

/// Everything that can be asked of a file, as text.
fn answers(source: &Arc<Source>) -> String {
    let mut said = String::new();
    let audited = audit(source, &Options::default(), &Task::default()).unwrap();
    let (findings, verification) = (&audited.findings, &audited.verification);
    writeln!(said, "{:?} {} {findings:#?} {verification:#?}", audited.verdict, audited.complete).unwrap();
    let mut saved = Vec::new();
    let settings = Settings { repair: true, placeholders: true, sibling: None };
    match salvage(&audited, &settings, &mut saved, &Task::default()) {
        Ok(report) => writeln!(said, "{:?} {:?} {:?}", report.mended, report.dropped, report.rebuilt).unwrap(),
        Err(error) => writeln!(said, "{error}").unwrap(),
    }
    writeln!(said, "{}", crc32fast::hash(&saved)).unwrap();
    let container = match Container::read(source.clone(), Options::default(), Depth::Doubted, &Task::default()) {
        Ok(container) => container,
        Err(error) => return said + &error.to_string(),
    };
    let index = container.index();
    writeln!(said, "{:?}", index.iter().collect::<Vec<_>>()).unwrap();
    writeln!(said, "{} {:?}", container.manifest(), container.timeline()).unwrap();
    for track in container.tracks().iter().flat_map(|tracks| &tracks.list) {
        writeln!(said, "{track:?} {:?}", container.seek(700_000, Some(&track.id))).unwrap();
    }
    for pts_us in [0, 40_000, 1_000_000, u64::MAX] {
        writeln!(said, "{:?} {:?}", container.seek(pts_us, None), container.moment(pts_us, None)).unwrap();
    }
    for block in container.blocks().take(300) {
        writeln!(said, "{block:?}").unwrap();
    }
    for block in 0..index.blocks().min(300) {
        writeln!(said, "{:?} {:?}", container.block(block), container.window(block, 100, 300)).unwrap();
    }
    let end = source.len().min(50_000);
    for field in fields_in(&container, 0..end) {
        writeln!(said, "{:?} {}", field.range, field.value(&container)).unwrap();
    }
    said
}

#[test]
fn a_file_is_the_same_wherever_it_is_read_from() {
    for path in files() {
        let bytes = std::fs::read(&path).unwrap();
        let near = answers(&Arc::new(Source::from_bytes("x", bytes.clone())));
        let far = answers(&far(whole(bytes)));
        let differs = near.lines().zip(far.lines()).find(|(near, far)| near != far);
        assert!(near == far, "{}: {differs:?}", path.display());
    }
}

#[test]
fn a_reader_that_fails_half_way_is_said_to_have() {
    let mut halved = 0;
    for path in files() {
        let bytes = std::fs::read(&path).unwrap();
        let half = bytes.len() as u64 / 2;
        if half == 0 {
            continue;
        }
        halved += 1;
        let is_broken = Arc::new(AtomicBool::new(false));
        let source = far(Reader { fails_at: half, is_broken: is_broken.clone(), ..whole(bytes) });
        is_broken.store(true, Ordering::Relaxed);
        let audited = audit(&source, &Options::default(), &Task::default()).unwrap();
        assert!(audited.findings.count(Code::FileChanged) == 1 && !audited.complete, "{}", path.display());
        let settings = Settings { repair: true, placeholders: false, sibling: None };
        let refused = salvage(&audited, &settings, &mut io::sink(), &Task::default());
        assert!(
            matches!(refused, Err(SalvageError::Changed(_) | SalvageError::Unreadable(_) | SalvageError::Nothing)),
            "{}: {refused:?}",
            path.display()
        );
        _ = answers(&source);
    }
    assert!(halved > 60, "{halved} files have two bytes or more");
}

#[test]
fn a_reader_that_lies_about_its_length_is_said_to_have() {
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-data/demo.h4mk")).unwrap();
    for len in [bytes.len() as u64 + 1, 1 << 30, u64::MAX] {
        let refused = Source::from_reader("x", Reader { len, ..whole(bytes.clone()) }).unwrap_err().to_string();
        assert_eq!(refused, format!("it ends before its {len} bytes"));
    }
    let shorter = far(Reader { len: bytes.len() as u64 - 1, ..whole(bytes) });
    let audited = audit(&shorter, &Options::default(), &Task::default()).unwrap();
    assert_eq!(audited.verdict, Verdict::Damaged, "the rest isn't there for anyone");
}
