use super::*;
use std::io::Write;
use tempfile::TempDir;

/// More than one page, whatever the system's is.
const LEN: usize = 100_000;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8 + 1).collect()
}

/// A file `name` of `len` bytes, none of which is zero.
fn file(folder: &TempDir, name: &str, len: usize) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, pattern(len)).unwrap();
    path
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[cfg(unix)]
fn cut(path: &Path, len: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(len).unwrap();
}

#[test]
fn source_is_shared_between_threads() {
    fn assert_shared<T: Send + Sync>() {}
    assert_shared::<Source>();
}

#[test]
fn a_regular_file_is_its_bytes() {
    let folder = folder();
    let path = file(&folder, "a.h4mk", LEN);
    for source in [Source::open(&path).unwrap(), Source::open_regular(&path).unwrap()] {
        assert_eq!(source.bytes().to_vec(), pattern(LEN));
        assert_eq!(source.len(), LEN as u64);
        assert!(!source.is_empty());
        assert_eq!(source.name(), path.to_str().unwrap());
        assert_eq!(source.path(), Some(&*path));
        assert_eq!(source.change(), None);
        assert_eq!(source.peek(4095), Some([pattern(LEN)[4095], pattern(LEN)[4096]]));
        assert_eq!(source.peek::<2>(LEN as u64 - 1), None);
        assert_eq!(source.peek::<2>(u64::MAX), None);
    }
}

#[test]
fn bytes_in_memory_have_a_name_and_never_change() {
    let source = Source::from_bytes("example", vec![1, 2, 3]);
    assert_eq!((source.name(), source.path(), source.bytes().to_vec()), ("example", None, vec![1, 2, 3]));
    assert_eq!(source.change(), None);
    assert_eq!(source.remap().unwrap().bytes().to_vec(), [1, 2, 3]);
}

#[test]
fn an_empty_file_can_grow() {
    let folder = folder();
    let path = file(&folder, "empty", 0);
    let source = Source::open(&path).unwrap();
    assert!(source.is_empty());
    assert_eq!(source.change(), None);
    append(&path, b"H4");
    assert_eq!(source.change(), Some(Change::Grown { from: 0, to: 2 }));
    assert_eq!(source.remap().unwrap().bytes().to_vec(), b"H4");
}

#[test]
fn what_cannot_be_opened_says_why() {
    let folder = folder();
    assert!(matches!(Source::open(&folder.path().join("missing")), Err(SourceError::NotFound)));
    assert!(matches!(Source::open(folder.path()), Err(SourceError::IsDirectory)));
    assert!(matches!(Source::open_regular(folder.path()), Err(SourceError::IsDirectory)));
}

#[test]
fn errors_and_changes_are_one_line() {
    let spool = SourceError::Spool { folder: "/tmp".into(), reason: io::ErrorKind::StorageFull.into() };
    assert_eq!(
        spool.to_string(),
        "no copy could be kept in /tmp: no storage space; make room there, or set TMPDIR to another folder"
    );
    assert_eq!(Change::Shrunk { from: 9, to: 5 }.to_string(), "shrank from 9 to 5 bytes");
    assert_eq!(Change::Cut { from: 9, at_most: 5 }.to_string(), "shrank from 9 bytes to at most 5");
    assert_eq!(Change::Unreadable { offset: 4096 }.to_string(), "could not be read from byte 4096 on");
}

#[test]
fn growth_is_noticed_and_mapped_again() {
    let folder = folder();
    let path = file(&folder, "growing", LEN);
    let source = Source::open(&path).unwrap();
    append(&path, b"more");
    assert_eq!(source.change(), Some(Change::Grown { from: LEN as u64, to: LEN as u64 + 4 }));
    assert_eq!(source.len(), LEN as u64);
    let longer = source.remap().unwrap();
    assert_eq!(longer.len(), LEN as u64 + 4);
    assert!(longer.bytes().to_vec().ends_with(b"more"));
    assert_eq!(longer.change(), None);
    assert_eq!(longer.name(), source.name());
}

#[test]
fn writing_in_place_is_noticed() {
    let folder = folder();
    let path = file(&folder, "written", LEN);
    let source = Source::open(&path).unwrap();
    File::options().write(true).open(&path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(source.change(), Some(Change::Modified));
}

#[cfg(unix)]
#[test]
fn writing_that_sets_the_time_of_modification_back_is_noticed() {
    let folder = folder();
    let path = file(&folder, "written", LEN);
    let source = Source::open(&path).unwrap();
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    // Times are kept in steps of some milliseconds.
    std::thread::sleep(std::time::Duration::from_millis(30));
    fs::write(&path, vec![9; LEN]).unwrap();
    File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    assert_eq!(source.change(), Some(Change::Touched));
}

/// Bytes of a stream that is kept: in a temporary file, where that can be.
#[cfg(unix)]
const STREAM_LEN: usize = if cfg!(feature = "spool") { 3_000_000 } else { 1 << 20 };

#[cfg(not(feature = "spool"))]
#[test]
fn what_is_too_long_to_keep_is_refused() {
    for len in [0, 1, 1 << 20] {
        let Storage::Memory(kept) = stream::spool(&*pattern(len)).unwrap() else { panic!("{len} bytes are mapped") };
        assert!(kept == pattern(len), "{len} bytes");
    }
    let error = stream::spool(&*pattern((1 << 20) + 1)).err().unwrap();
    assert!(error.to_string().starts_with("longer than the 1048576 bytes"), "{error}");
    assert!(matches!(stream::spool(std::io::repeat(0)), Err(SourceError::TooLongToKeep { .. })), "without end");
}

#[cfg(feature = "spool")]
#[test]
fn what_was_spooled_is_whole_on_both_sides_of_the_limit() {
    for len in [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_000_000] {
        let content = stream::spool(&*pattern(len)).unwrap();
        assert_eq!(matches!(content, Storage::Mapped(_)), len > 1 << 20);
        let source = Source { name: "spool".into(), path: None, content: Arc::new(content), stamp: None };
        assert!(source.bytes().to_vec() == pattern(len), "{len} bytes");
        assert_eq!(source.change(), None);
    }
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Command, Stdio};
    use std::thread;
    use std::time::{Duration, Instant};

    /// More than fit into several blocks of the fault handler's table.
    const MANY: usize = 300;

    fn fifo(folder: &TempDir) -> PathBuf {
        let path = folder.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    #[test]
    fn an_unreadable_file_is_refused() {
        let folder = folder();
        let path = file(&folder, "secret", 10);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        // The superuser may read everything.
        if File::open(&path).is_err() {
            assert!(matches!(Source::open(&path), Err(SourceError::PermissionDenied)));
        }
    }

    #[test]
    fn a_fifo_without_a_writer_is_not_waited_for() {
        let folder = folder();
        let path = fifo(&folder);
        let start = Instant::now();
        assert!(matches!(Source::open(&path), Err(SourceError::FifoWithoutWriter)));
        assert!(start.elapsed() < Duration::from_secs(5));
        assert!(matches!(Source::open_regular(&path), Err(SourceError::Fifo)));
    }

    #[test]
    fn a_fifo_with_a_writer_is_read_to_its_end() {
        let folder = folder();
        let path = fifo(&folder);
        let writer = thread::spawn({
            let path = path.clone();
            move || {
                let mut fifo = OpenOptions::new().write(true).open(path).unwrap();
                // Longer than the grace for a writer to appear: this one has appeared.
                thread::sleep(Duration::from_millis(300));
                for part in pattern(STREAM_LEN).chunks(700_000) {
                    fifo.write_all(part).unwrap();
                    thread::sleep(Duration::from_millis(5));
                }
            }
        });
        // The other end may take its time on a busy machine.
        let source = loop {
            match Source::open(&path) {
                Err(SourceError::FifoWithoutWriter) => thread::yield_now(),
                other => break other.unwrap(),
            }
        };
        writer.join().unwrap();
        assert!(source.bytes().to_vec() == pattern(STREAM_LEN));
        assert_eq!(source.path(), Some(&*path));
        assert_eq!(source.change(), None);
        assert_eq!(source.remap().unwrap().len(), STREAM_LEN as u64);
    }

    #[test]
    fn a_pipe_named_by_its_descriptor_is_read() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"process substitution").unwrap();
        drop(writer);
        let path = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));
        assert_eq!(Source::open(Path::new(&path)).unwrap().bytes().to_vec(), b"process substitution");
    }

    #[test]
    fn a_writer_that_writes_nothing_makes_an_empty_source() {
        let folder = folder();
        let path = fifo(&folder);
        // Opened for both, which does not wait for the other end.
        let both = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let writer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(300));
            drop(both);
        });
        assert!(Source::open(&path).unwrap().is_empty());
        writer.join().unwrap();
    }

    #[test]
    fn devices_and_sockets_are_refused() {
        let folder = folder();
        assert!(matches!(Source::open(Path::new("/dev/zero")), Err(SourceError::Device)));
        assert!(matches!(Source::open_regular(Path::new("/dev/zero")), Err(SourceError::Device)));
        let path = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(matches!(Source::open(&path), Err(SourceError::Socket)));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn files_without_a_length_are_read() {
        let source = Source::open(Path::new("/proc/self/status")).unwrap();
        assert!(source.bytes().to_vec().starts_with(b"Name:"));
        assert!(source.bytes().to_vec().ends_with(b"\n"));
        assert_eq!(source.change(), None);
        // Has a length, but cannot be mapped and is shorter than it says.
        if let Ok(source) = Source::open(Path::new("/sys/kernel/mm/transparent_hugepage/enabled")) {
            assert!(source.bytes().to_vec().ends_with(b"\n"));
        }
    }

    #[test]
    fn reading_survives_a_file_that_shrinks() {
        let folder = folder();
        let path = file(&folder, "cut", LEN);
        let source = Source::open(&path).unwrap();
        cut(&path, 5);
        assert_eq!(source.peek(4), Some([pattern(LEN)[4]]));
        assert_eq!(source.peek(5), Some([0; 3]));
        let bytes = source.bytes().to_vec();
        let (kept, lost) = bytes.split_at(5);
        assert_eq!(kept, &pattern(LEN)[..5]);
        assert!(lost.iter().all(|&byte| byte == 0));
        assert_eq!(source.change(), Some(Change::Shrunk { from: LEN as u64, to: 5 }));
        assert_eq!(source.remap().unwrap().bytes().to_vec(), kept);
    }

    #[test]
    fn a_file_that_shrank_for_a_while_is_noticed() {
        let folder = folder();
        let path = file(&folder, "cut", LEN);
        let source = Source::open(&path).unwrap();
        cut(&path, 0);
        assert_eq!(source.bytes().get(LEN as u64 - 1), Some(0));
        fs::write(&path, pattern(LEN)).unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let Some(Change::Cut { from, at_most }) = source.change() else { panic!("{:?}", source.change()) };
        assert_eq!(from, LEN as u64);
        assert!(at_most > 0 && at_most < LEN as u64);
        assert_eq!(source.bytes().get(0), Some(1), "what was not lost is the file's");
    }

    #[test]
    fn bytes_lost_from_an_unchanged_file_are_unreadable() {
        let folder = folder();
        let path = file(&folder, "failing", LEN);
        let mut source = Source::open(&path).unwrap();
        // A disk that fails for a moment, made from what a test can do.
        cut(&path, 0);
        assert_eq!(source.bytes().get(0), Some(0));
        cut(&path, LEN as u64);
        source.stamp = Some(Stamp::of(&fs::metadata(&path).unwrap()));
        assert_eq!(source.change(), Some(Change::Unreadable { offset: 0 }));
    }

    #[test]
    fn a_file_renamed_over_it_is_noticed_and_not_mixed_in() {
        let folder = folder();
        let path = file(&folder, "old", LEN);
        let source = Source::open(&path).unwrap();
        fs::rename(file(&folder, "new", LEN), &path).unwrap();
        assert_eq!(source.change(), Some(Change::Replaced));
        assert_eq!(source.bytes().to_vec(), pattern(LEN));
        assert!(matches!(source.remap(), Err(SourceError::Replaced)));
        fs::remove_file(&path).unwrap();
        assert_eq!(source.change(), Some(Change::Replaced));
        assert!(matches!(source.remap(), Err(SourceError::NotFound)));
    }

    #[test]
    fn threads_that_lose_the_same_bytes_at_once_all_go_on() {
        let folder = folder();
        let path = file(&folder, "cut", 4 << 20);
        let source = Arc::new(Source::open(&path).unwrap());
        cut(&path, 1);
        let barrier = Arc::new(std::sync::Barrier::new(4));
        let readers: Vec<_> = (0..4)
            .map(|reader| {
                let (source, barrier) = (Arc::clone(&source), Arc::clone(&barrier));
                thread::spawn(move || {
                    barrier.wait();
                    // Backwards, so that every page is lost on its own.
                    source
                        .bytes()
                        .to_vec()
                        .iter()
                        .rev()
                        .skip(reader * 5000)
                        .step_by(1000)
                        .map(|&byte| u64::from(byte))
                        .sum()
                })
            })
            .collect();
        for reader in readers {
            let sum: u64 = reader.join().unwrap();
            assert!(sum <= 1, "{sum}");
        }
        assert_eq!(source.change(), Some(Change::Shrunk { from: 4 << 20, to: 1 }));
    }

    #[test]
    fn many_mappings_are_all_guarded() {
        let folder = folder();
        let whole = file(&folder, "whole", 10_000);
        let sources: Vec<_> = (0..MANY)
            .map(|i| {
                let path = file(&folder, &i.to_string(), 10_000);
                (Source::open(&path).unwrap(), path)
            })
            .collect();
        let churn = thread::spawn(move || {
            for _ in 0..5000 {
                assert_eq!(Source::open(&whole).unwrap().bytes().to_vec()[9_999], pattern(10_000)[9_999]);
            }
        });
        for (source, path) in sources.iter().step_by(2) {
            cut(path, 0);
            assert_eq!(source.bytes().to_vec()[9_999], 0);
        }
        churn.join().unwrap();
        for (i, (source, _)) in sources.iter().enumerate() {
            let lost = i % 2 == 0;
            assert_eq!(source.change().is_some(), lost, "{i}");
            assert_eq!(source.bytes().to_vec()[9_999] == 0, lost, "{i}");
        }
    }

    /// Where the process that reads standard input leaves what it found.
    const STDIN_REPORT: &str = "H4_SOURCE_STDIN_REPORT";

    /// Runs this test in a process of its own with `stdin`, and returns its report.
    fn report_of_stdin(stdin: impl Into<Stdio>, feed: &[u8]) -> String {
        let folder = folder();
        let report = folder.path().join("report");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "source::tests::unix::standard_input_is_mapped_or_spooled"])
            .env(STDIN_REPORT, &report)
            .stdin(stdin)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        if let Some(mut pipe) = child.stdin.take() {
            pipe.write_all(feed).unwrap();
        }
        assert!(child.wait().unwrap().success());
        fs::read_to_string(report).unwrap()
    }

    fn report() -> String {
        match Source::stdin() {
            Ok(source) => {
                assert_eq!((source.name(), source.path(), source.change()), ("-", None, None));
                let again = source.remap().unwrap();
                assert!(again.bytes().to_vec() == source.bytes().to_vec());
                let sum: u64 = source.bytes().to_vec().iter().map(|&byte| u64::from(byte)).sum();
                let kind = if source.stamp.is_some() { "file" } else { "copy" };
                format!("{kind} {} {sum}", source.len())
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn standard_input_is_mapped_or_spooled() {
        if let Some(path) = std::env::var_os(STDIN_REPORT) {
            fs::write(path, report()).unwrap();
            return;
        }
        let folder = folder();
        let expect = |kind: &str, bytes: &[u8]| {
            format!("{kind} {} {}", bytes.len(), bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>())
        };
        let bytes = pattern(STREAM_LEN);
        assert_eq!(report_of_stdin(Stdio::piped(), &bytes), expect("copy", &bytes));
        assert_eq!(report_of_stdin(Stdio::piped(), b""), expect("copy", b""));

        let path = file(&folder, "in", LEN);
        assert_eq!(report_of_stdin(File::open(&path).unwrap(), b""), expect("file", &pattern(LEN)));
        let mut part = File::open(&path).unwrap();
        part.seek(SeekFrom::Start(10)).unwrap();
        assert_eq!(report_of_stdin(part, b""), expect("copy", &pattern(LEN)[10..]));

        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        (&ours).write_all(b"socket").unwrap();
        drop(ours);
        assert_eq!(report_of_stdin(std::os::fd::OwnedFd::from(theirs), b""), expect("copy", b"socket"));

        let refused = |path: &Path| report_of_stdin(File::open(path).unwrap(), b"");
        assert_eq!(refused(folder.path()), SourceError::IsDirectory.to_string());
        assert_eq!(refused(Path::new("/dev/zero")), SourceError::Device.to_string());
    }
}
