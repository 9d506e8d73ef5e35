//! A file can change at any moment while it is read: nothing panics, and an audit of one that was cut says so. An input is
//! two events of four bytes each, see [`happen`], and the file.
#![no_main]

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use h4inspect::core::audit::{Verdict, audit, verify};
use h4inspect::core::block::Form;
use h4inspect::core::container::{Container, Options};
use h4inspect::core::finding::Code;
use h4inspect::core::salvage::{SalvageError, Settings, salvage};
use h4inspect::core::source::Source;
use h4inspect::core::task::Task;
use h4inspect::core::walk::Depth;
use libfuzzer_sys::fuzz_target;

/// What another process does: a kind, a place in the file (of 65,536 parts), and a value.
fn happen(path: &Path, event: [u8; 4]) {
    let [kind, high, low, value] = event;
    let file = File::options().read(true).write(true).open(path).unwrap();
    let len = file.metadata().unwrap().len();
    let at = len * u64::from(u16::from_be_bytes([high, low])) >> 16;
    match kind % 6 {
        0 => file.set_len(at).unwrap(),
        1 => file.write_all_at(&[value], at.min(len.saturating_sub(1))).unwrap(),
        2 => file.write_all_at(&vec![value; (len - at) as usize], at).unwrap(),
        3 => File::options().append(true).open(path).unwrap().write_all(&[value; 20]).unwrap(),
        4 => {
            let other = path.with_extension("other");
            fs::copy(path, &other).unwrap();
            fs::rename(other, path).unwrap();
        }
        _ => {}
    }
}

/// All that a container is asked for.
fn ask(container: &Container) {
    let task = Task::default();
    for block in 0..container.index().blocks().min(16) {
        _ = container.block_bytes(block, Form::Decoded);
        _ = container.block_bytes(block, Form::Raw);
        _ = container.keyframe(block);
    }
    for pts_us in [0, 100_000, u64::MAX] {
        _ = container.seek(pts_us, None);
    }
    _ = container.manifest();
    _ = verify(container, &task);
}

fuzz_target!(|input: &[u8]| {
    let Some((events, bytes)) = input.split_at_checked(8) else { return };
    let [first, second] = [0, 4].map(|at| [events[at], events[at + 1], events[at + 2], events[at + 3]]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.h4mk");
    fs::write(&path, bytes).unwrap();
    let Ok(source) = Source::open(&path) else { return };
    let source = Arc::new(source);
    let options = Options { max_block_size: 1 << 20, ..Options::default() };

    let task = Task::default();
    let depth = if first[3] % 2 == 0 { Depth::Doubted } else { Depth::Checked };
    let opened = Container::read(source.clone(), options.clone(), depth, &task);
    happen(&path, first);
    opened.iter().for_each(ask);
    happen(&path, second);
    opened.iter().for_each(ask);

    let audit = audit(&source, &options, &task).unwrap();
    if fs::metadata(&path).unwrap().len() < bytes.len() as u64 {
        let said = audit.findings.count(Code::FileChanged) > 0 && !audit.complete;
        assert!(said && audit.verdict >= Verdict::Suspect, "{:?}", audit.findings.list());
    }
    match salvage(&audit, &Settings::default(), &mut Vec::new(), &task) {
        Ok(_) | Err(SalvageError::Changed(_) | SalvageError::Nothing | SalvageError::Unreadable(_)) => {}
        Err(error) => panic!("{error}"),
    }
});
