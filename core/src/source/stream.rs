//! What can be read only once, read to its end and kept.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::{Kind, SourceError, Storage};

/// What is longer goes to a temporary file that has no name, or is refused.
const MEMORY_LEN: usize = 1 << 20;
#[cfg(feature = "spool")]
const BUFFER_LEN: usize = 128 << 10;

/// How long a FIFO may be without a writer: time for someone to start both of its ends.
const GRACE: Duration = Duration::from_secs(2);

/// Reads to the end, in bounded memory.
#[cfg(feature = "spool")]
pub(super) fn spool(mut reader: impl Read) -> Result<Storage, SourceError> {
    use std::io::Write;

    use tempfile::{SpooledData, SpooledTempFile};

    use super::mapping::Mapping;

    let full = |reason| SourceError::Spool { folder: std::env::temp_dir(), reason };
    let mut spool = SpooledTempFile::new(MEMORY_LEN);
    let mut buffer = vec![0; BUFFER_LEN];
    let mut len = 0;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                spool.write_all(buffer.get(..read).unwrap_or_default()).map_err(full)?;
                len += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    match spool.into_inner() {
        SpooledData::InMemory(bytes) => Ok(Storage::Memory(bytes.into_inner())),
        SpooledData::OnDisk(file) => Mapping::new(&file, len).map(Storage::Mapped).map_err(full),
    }
}

/// Reads to the end, into memory only; what is too long for that is refused.
#[cfg(not(feature = "spool"))]
pub(super) fn spool(reader: impl Read) -> Result<Storage, SourceError> {
    let mut bytes = Vec::new();
    reader.take(MEMORY_LEN as u64 + 1).read_to_end(&mut bytes)?;
    match bytes.len() {
        0..=MEMORY_LEN => Ok(Storage::Memory(bytes)),
        _ => Err(SourceError::TooLongToKeep { most: MEMORY_LEN }),
    }
}

/// Reads a FIFO that was opened without waiting for its writer.
pub(super) fn spool_fifo(fifo: &File) -> Result<Storage, SourceError> {
    let mut first = [0; 4096];
    let read = first_read(fifo, &mut first)?;
    spool(first.get(..read).unwrap_or_default().chain(Patient(fifo)))
}

/// The first bytes, or none if a writer is there and has not written yet.
fn first_read(mut fifo: &File, buffer: &mut [u8]) -> Result<usize, SourceError> {
    let deadline = Instant::now() + GRACE;
    loop {
        match fifo.read(buffer) {
            Ok(0) if is_pipe(fifo) => return Ok(0),
            Ok(0) if Instant::now() >= deadline => return Err(SourceError::FifoWithoutWriter),
            Ok(0) => thread::sleep(Duration::from_millis(5)),
            Ok(read) => return Ok(read),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether it is a pipe without a name, as shells make for process substitutions: once its writers are gone, no others
/// come.
#[cfg(target_os = "linux")]
fn is_pipe(fifo: &File) -> bool {
    use std::os::fd::AsRawFd;
    const PIPEFS_MAGIC: u64 = 0x5049_5045;
    // SAFETY: All zeros is a value of this struct of numbers.
    let mut system: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: The descriptor is kept open by `fifo`, and the struct outlives the call.
    let told = unsafe { libc::fstatfs(fifo.as_raw_fd(), &raw mut system) };
    told == 0 && system.f_type as u64 == PIPEFS_MAGIC
}

/// Not told here.
#[cfg(not(target_os = "linux"))]
fn is_pipe(_fifo: &File) -> bool {
    false
}

/// A named file that is read once, from its beginning: a list of names, a key. A FIFO that has a writer is waited for
/// however long that takes to write.
#[derive(Debug)]
pub struct Stream {
    file: File,
    /// A FIFO, whose writer is waited for with the first read.
    is_fresh_fifo: bool,
}

impl Stream {
    /// Opens whatever `path` names but a folder. Reading it doesn't hang on a FIFO that has no writer, but fails.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let file = super::open_at_once(path)?;
        match Kind::of(&file.metadata()?) {
            Kind::Directory => Err(SourceError::IsDirectory),
            kind => Ok(Self { file, is_fresh_fifo: kind == Kind::Fifo }),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_fresh_fifo {
            let first = first_read(&self.file, buffer).map_err(|error| match error {
                SourceError::Io { source } => source,
                error => io::Error::new(io::ErrorKind::NotConnected, error.to_string()),
            })?;
            self.is_fresh_fifo = false;
            if first > 0 {
                return Ok(first);
            }
        }
        Patient(&self.file).read(buffer)
    }
}

/// Waits for bytes even if the file was opened not to.
pub(super) struct Patient<'a>(pub(super) &'a File);

impl Read for Patient<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => wait_readable(self.0)?,
                other => return other,
            }
        }
    }
}

/// Returns when a read has something to tell: bytes, the end, or an error. Also when a signal came.
#[cfg(unix)]
fn wait_readable(file: &File) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let mut poll = libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: One entry, which outlives the call, with a descriptor that `file` keeps open.
    match unsafe { libc::poll(&raw mut poll, 1, -1) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Nothing is opened without waiting here.
#[cfg(not(unix))]
fn wait_readable(_file: &File) -> io::Result<()> {
    Err(io::ErrorKind::WouldBlock.into())
}
