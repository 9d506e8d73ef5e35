//! A file's bytes: mapped, or read from a pipe and spooled, and what happens when the file changes under us.
//!
//! A [`Source`] never changes its length: what a file gains later is seen by [`Source::remap`], and what it loses reads as
//! zeros instead of ending the program. [`Source::change`] tells when what was read is no longer what is there.

mod error;
mod far;
mod guard;
mod mapping;
#[cfg(unix)]
mod sigbus;
mod stream;

use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::bytes::Bytes;
use super::name::FileName;
pub use error::SourceError;
use far::Far;
pub use far::ReadAt;
pub use guard::without_reads;
use mapping::Mapping;
pub use stream::Stream;

/// The bytes of one file, pipe or buffer, shared between threads as `Arc<Source>`.
pub struct Source {
    name: FileName,
    /// None for standard input and for bytes in memory.
    path: Option<PathBuf>,
    content: Arc<Storage>,
    /// None for what is a copy and so cannot change.
    stamp: Option<Stamp>,
}

/// What happened to a file since its [`Source`] was opened; reads on from "the file".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// It became shorter, if only for a while; the bytes it lost read as zeros. Lengths in bytes.
    Shrunk {
        /// Length when it was opened.
        from: u64,
        /// Length now.
        to: u64,
    },
    /// It became shorter, and has grown again or is gone since: how short it was is only known as far as reading it
    /// failed. Lengths in bytes.
    Cut {
        /// Length when it was opened.
        from: u64,
        /// The most that it can have had left: where reading failed, which is told by the page.
        at_most: u64,
    },
    /// It became longer. Lengths in bytes.
    Grown {
        /// Length when it was opened.
        from: u64,
        /// Length now.
        to: u64,
    },
    /// Its path names another file now, or none.
    Replaced,
    /// It was written to and kept its length.
    Modified,
    /// Its time of modification is the same, the time of its last change isn't: it was written to by something that
    /// sets that time back, or its mode, owner or links are others now.
    Touched,
    /// It did not change, but the system could not read it: a failing disk or a lost network share.
    Unreadable {
        /// The bytes from this offset to the end read as zeros.
        offset: u64,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shrunk { from, to } => write!(f, "shrank from {from} to {to} bytes"),
            Self::Cut { from, at_most } => write!(f, "shrank from {from} bytes to at most {at_most}"),
            Self::Grown { from, to } => write!(f, "grew from {from} to {to} bytes"),
            Self::Replaced => f.write_str("was replaced or removed"),
            Self::Modified => f.write_str("was written to"),
            Self::Touched => f.write_str("was changed but kept its time of modification"),
            Self::Unreadable { offset } => write!(f, "could not be read from byte {offset} on"),
        }
    }
}

impl Source {
    /// Opens whatever `path` names. Regular files and block devices are mapped. FIFOs (process substitutions too) and
    /// files that do not know their length, as in `/proc`, are read to their end and spooled; a FIFO that has a writer is
    /// waited for. Never hangs on one that has none.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        Self::open_kinds(path, |kind| match kind {
            Kind::Regular | Kind::Block | Kind::Fifo => Ok(()),
            other => Err(other.refusal()),
        })
    }

    /// Opens `path` if it is a regular file or a link to one; anything else is refused without being opened. For files
    /// that were found and not named: nobody meant a FIFO in a folder to be drained.
    pub fn open_regular(path: &Path) -> Result<Self, SourceError> {
        Self::open_kinds(path, |kind| match kind {
            Kind::Regular => Ok(()),
            other => Err(other.refusal()),
        })
    }

    fn open_kinds(path: &Path, admit: fn(Kind) -> Result<(), SourceError>) -> Result<Self, SourceError> {
        // Opening alone can rewind a tape or raise a modem's line, so look first; and look again at what was opened.
        admit(Kind::of(&fs::metadata(path)?))?;
        let file = open_at_once(path)?;
        let kind = Kind::of(&file.metadata()?);
        admit(kind)?;
        let (content, stamp) = match kind {
            Kind::Regular => read_regular(&file)?,
            Kind::Block => (read_block_device(&file)?, None),
            _ => (stream::spool_fifo(&file)?, None),
        };
        Ok(Self { name: path.into(), path: Some(path.to_owned()), content: Arc::new(content), stamp })
    }

    /// A regular file that is open already, under the path where it was found; anything else is refused. The path may
    /// be longer than the system takes: then a file that is replaced goes unnoticed, one that is written to does not.
    pub fn of_file(file: &File, path: PathBuf) -> Result<Self, SourceError> {
        let kind = Kind::of(&file.metadata()?);
        if kind != Kind::Regular {
            return Err(kind.refusal());
        }
        let (content, stamp) = read_regular(file)?;
        Ok(Self { name: path.as_path().into(), path: Some(path), content: Arc::new(content), stamp })
    }

    /// A handle for [`of_file`](Self::of_file): opening does not wait for a FIFO's writer, nor make a terminal the
    /// controlling one.
    pub fn handle(path: &Path) -> io::Result<File> {
        open_at_once(path)
    }

    /// Standard input to its end. A file redirected whole is mapped; all else is spooled, in bounded memory.
    pub fn stdin() -> Result<Self, SourceError> {
        let mut file = stdin_handle()?;
        let (content, stamp) = match stdin_kind(&file)? {
            // Shells can hand over a file that was read in part; what was read is not part of the input.
            Kind::Regular if file.stream_position()? == 0 => read_regular(&file)?,
            Kind::Block if file.stream_position()? == 0 => (read_block_device(&file)?, None),
            Kind::Regular | Kind::Block | Kind::Fifo | Kind::Socket => (stream::spool(stream::Patient(&file))?, None),
            other => return Err(other.refusal()),
        };
        Ok(Self { name: "-".into(), path: None, content: Arc::new(content), stamp })
    }

    /// Bytes that are in memory already.
    pub fn from_bytes(name: impl Into<FileName>, bytes: Vec<u8>) -> Self {
        Self { name: name.into(), path: None, content: Arc::new(Storage::Memory(bytes)), stamp: None }
    }

    /// Whatever can be read by ranges. Its length is asked for and its last byte is read now, nothing else before it is
    /// needed.
    pub fn from_reader(name: impl Into<FileName>, reader: impl ReadAt + 'static) -> Result<Self, SourceError> {
        let content = Arc::new(Storage::Far(Far::new(Box::new(reader))?));
        Ok(Self { name: name.into(), path: None, content, stamp: None })
    }

    /// The bytes as they were found at opening. While another process writes to a mapped file they may differ from read
    /// to read, and what the file has lost is zeros; [`change`](Self::change) tells. A system call that is given lost
    /// bytes fails with `EFAULT`: copy them first.
    pub fn bytes(&self) -> Bytes<'_> {
        guard::check();
        match &*self.content {
            Storage::Mapped(mapping) => mapping.bytes().into(),
            Storage::Memory(bytes) => bytes.into(),
            Storage::Far(far) => Bytes::far(far, far.len()),
        }
    }

    /// A copy of the bytes at `offset`; None if they are not all there. Costs a system call where [`bytes`](Self::bytes)
    /// costs nothing if the page was touched before, but much less than touching one that is far from all others: a page
    /// table for every 2 MiB, and readahead.
    pub fn peek<const N: usize>(&self, offset: u64) -> Option<[u8; N]> {
        let part = self.bytes().slice(offset, N as u64)?;
        if let Storage::Mapped(mapping) = &*self.content {
            let mut copy = [0; N];
            if mapping.read_at(&mut copy, offset) {
                return Some(copy);
            }
        }
        // What the file has lost is zeros, as in the mapping.
        part.array(0)
    }

    /// Length in bytes, fixed at opening.
    pub fn len(&self) -> u64 {
        match &*self.content {
            Storage::Mapped(mapping) => mapping.bytes().len() as u64,
            Storage::Memory(bytes) => bytes.len() as u64,
            Storage::Far(far) => far.len(),
        }
    }

    /// True if there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The path as given, with nothing escaped, or percent-encoded where it isn't UTF-8; `-` for standard input.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The same, with what is known of its encoding.
    pub fn file_name(&self) -> &FileName {
        &self.name
    }

    /// The path as given; None for standard input and bytes in memory.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What happened to the file since it was opened, as far as its length, modification time and identity show it.
    /// Always None for what was spooled or is in memory. Costs one `stat`.
    pub fn change(&self) -> Option<Change> {
        let lost = match &*self.content {
            Storage::Mapped(mapping) => mapping.lost_from(),
            Storage::Memory(_) => None,
            Storage::Far(far) => match far.change() {
                Some(Change::Unreadable { offset }) => Some(offset),
                change if self.stamp.is_none() => return change,
                _ => None,
            },
        };
        let Some(then) = &self.stamp else {
            return lost.map(|offset| Change::Unreadable { offset });
        };
        let now = match self.present_metadata() {
            Ok(metadata) => Some(Stamp::of(&metadata)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => None,
            // A folder that can no longer be searched says nothing about the file in it.
            Err(_) => Some(then.clone()),
        };
        let same = now.filter(|now| now.identity == then.identity);
        match (same, lost) {
            (Some(now), _) if now.len < then.len => Some(Change::Shrunk { from: then.len, to: now.len }),
            (Some(now), Some(offset)) if now == *then => Some(Change::Unreadable { offset }),
            (_, Some(offset)) => Some(Change::Cut { from: then.len, at_most: offset }),
            (None, None) => Some(Change::Replaced),
            (Some(now), None) if now.len > then.len => Some(Change::Grown { from: then.len, to: now.len }),
            (Some(now), None) if now.modified != then.modified => Some(Change::Modified),
            (Some(now), None) => (now != *then).then_some(Change::Touched),
        }
    }

    /// The same file at its present length. Fails with [`SourceError::Replaced`] if its path names another file now. What
    /// cannot change is shared and not read again.
    pub fn remap(&self) -> Result<Self, SourceError> {
        let Some(then) = &self.stamp else {
            return Ok(self.with(Arc::clone(&self.content), None));
        };
        let (content, stamp) = match &self.path {
            Some(path) => {
                let again = Self::open_regular(path)?;
                (again.content, again.stamp)
            }
            None => {
                let (content, stamp) = read_regular(&stdin_handle()?)?;
                (Arc::new(content), stamp)
            }
        };
        match stamp {
            Some(now) if now.identity == then.identity => Ok(self.with(content, Some(now))),
            _ => Err(SourceError::Replaced),
        }
    }

    fn with(&self, content: Arc<Storage>, stamp: Option<Stamp>) -> Self {
        Self { name: self.name.clone(), path: self.path.clone(), content, stamp }
    }

    /// Of the file where it was found. What has no path but can change is standard input.
    fn present_metadata(&self) -> io::Result<Metadata> {
        match &self.path {
            Some(path) => match (fs::metadata(path), &*self.content) {
                (Err(error), Storage::Mapped(mapping)) if error.kind() == io::ErrorKind::InvalidFilename => {
                    mapping.metadata()
                }
                (metadata, _) => metadata,
            },
            None => stdin_handle()?.metadata(),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Where the bytes are.
enum Storage {
    Mapped(Mapping),
    Memory(Vec<u8>),
    Far(Far),
}

/// What is compared to tell that a file changed.
#[derive(Clone, PartialEq, Eq)]
struct Stamp {
    len: u64,
    /// To the nanosecond where the file system keeps it; None where there is no such time.
    modified: Option<SystemTime>,
    /// Seconds and nanoseconds of the last change of any kind, which no program can set; None where there is no such time.
    changed: Option<(i64, i64)>,
    identity: Identity,
}

/// Device and inode.
#[cfg(unix)]
type Identity = (u64, u64);
/// Time of creation: handles have an index here too, but the standard library does not tell it.
#[cfg(not(unix))]
type Identity = Option<SystemTime>;

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let (identity, changed) = {
            use std::os::unix::fs::MetadataExt;
            ((metadata.dev(), metadata.ino()), Some((metadata.ctime(), metadata.ctime_nsec())))
        };
        #[cfg(not(unix))]
        let (identity, changed) = (metadata.created().ok(), None);
        Self { len: metadata.len(), modified: metadata.modified().ok(), changed, identity }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(unix), expect(dead_code, reason = "only Unix tells devices and sockets apart from files"))]
enum Kind {
    Regular,
    Directory,
    Fifo,
    Socket,
    Character,
    Block,
}

impl Kind {
    fn of(metadata: &Metadata) -> Self {
        let kind = metadata.file_type();
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileTypeExt;
            if kind.is_fifo() {
                return Self::Fifo;
            } else if kind.is_socket() {
                return Self::Socket;
            } else if kind.is_block_device() {
                return Self::Block;
            } else if kind.is_char_device() {
                return Self::Character;
            }
        }
        if kind.is_dir() { Self::Directory } else { Self::Regular }
    }

    /// Why something of this kind is not opened where it is not wanted.
    fn refusal(self) -> SourceError {
        match self {
            Self::Directory => SourceError::IsDirectory,
            Self::Fifo => SourceError::Fifo,
            Self::Socket => SourceError::Socket,
            Self::Regular | Self::Character | Self::Block => SourceError::Device,
        }
    }
}

/// Opens for reading; a FIFO without a writer does not hold it up, a terminal does not become the controlling one.
fn open_at_once(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK | libc::O_NOCTTY);
    options.open(path)
}

/// A second handle to standard input; the position is shared with the first.
#[cfg(unix)]
fn stdin_handle() -> io::Result<File> {
    use std::os::fd::AsFd;
    io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

/// A second handle to standard input; the position is shared with the first.
#[cfg(windows)]
fn stdin_handle() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    io::stdin().as_handle().try_clone_to_owned().map(File::from)
}

/// There are no handles here.
#[cfg(not(any(unix, windows)))]
fn stdin_handle() -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// What standard input is. Elsewhere than on Unix a pipe has no metadata to ask for, so all are read alike.
fn stdin_kind(file: &File) -> Result<Kind, SourceError> {
    if io::IsTerminal::is_terminal(file) {
        return Err(SourceError::Terminal);
    }
    if cfg!(unix) { Ok(Kind::of(&file.metadata()?)) } else { Ok(Kind::Fifo) }
}

fn read_regular(file: &File) -> Result<(Storage, Option<Stamp>), SourceError> {
    let mut stamp = Stamp::of(&file.metadata()?);
    if stamp.len == 0 {
        let mut first = [0];
        match (&*file).read_exact(&mut first) {
            Ok(()) => stamp = Stamp::of(&file.metadata()?),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Ok((Storage::Memory(Vec::new()), Some(stamp)));
            }
            Err(error) => return Err(error.into()),
        }
        // Still no length, but bytes: a file made up as it is read. One with a length now has just grown.
        if stamp.len == 0 {
            return Ok((stream::spool(first.chain(file))?, None));
        }
    }
    Ok((map_or_spool(file, stamp.len)?, Some(stamp)))
}

fn read_block_device(mut file: &File) -> Result<Storage, SourceError> {
    match file.seek(SeekFrom::End(0))? {
        // Some systems do not tell a device's size this way.
        0 => Ok(stream::spool(file)?),
        len => map_or_spool(file, len),
    }
}

/// Maps `len` bytes, more than none, or reads them where the file system cannot map.
fn map_or_spool(mut file: &File, len: u64) -> Result<Storage, SourceError> {
    match Mapping::new(file, len) {
        Ok(mapping) => Ok(Storage::Mapped(mapping)),
        // It is larger than the address space, and so would be the mapping of a copy.
        Err(error) if matches!(error.kind(), io::ErrorKind::OutOfMemory | io::ErrorKind::FileTooLarge) => {
            Ok(Storage::Far(Far::new(Box::new(mapping::Positioned::new(file, len)?))?))
        }
        Err(_) => {
            file.rewind()?;
            stream::spool(file)
        }
    }
}

#[cfg(test)]
mod tests;
