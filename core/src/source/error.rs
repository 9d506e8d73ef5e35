//! Why a source can't be opened or read.

use std::io;
use std::path::PathBuf;

/// Why a file could not be opened. Each reads as one line after the file's name, with what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The path names nothing.
    #[error("no such file; check the path")]
    NotFound,
    /// The file, or a folder on the way to it, may not be read.
    #[error("permission denied; make it readable for this user")]
    PermissionDenied,
    /// The path names a folder.
    #[error("a folder, not a file; name a file in it")]
    IsDirectory,
    /// A FIFO without a writer, which would have to be waited for without end.
    #[error("a FIFO without a writer; start its writer first")]
    FifoWithoutWriter,
    /// A FIFO where only regular files are read.
    #[error("a FIFO, not a file; name it itself to read from it")]
    Fifo,
    /// A device, which may never end.
    #[error("a device, not a file; copy what it holds into a file first")]
    Device,
    /// A socket's place in the file system.
    #[error("a socket, not a file; pipe its bytes to standard input instead")]
    Socket,
    /// Standard input comes from a keyboard.
    #[error("standard input is a terminal; redirect a file to it, or name the file")]
    Terminal,
    /// The file to be mapped again is no longer at its path.
    #[error("another file has taken its place; open it again")]
    Replaced,
    /// What can be read only once could not be kept.
    #[error("no copy could be kept in {}: {reason}; make room there, or set TMPDIR to another folder", folder.display())]
    Spool {
        /// The folder for temporary files.
        folder: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// What can be read only once is longer than what is kept of it in memory, and this build of the library makes no
    /// temporary files: its feature `spool` is off.
    #[error("longer than the {most} bytes that are kept of what can be read only once; copy it into a file first")]
    TooLongToKeep {
        /// The most that is kept.
        most: usize,
    },
    /// Anything else the system says.
    #[error(transparent)]
    Io {
        /// What it says.
        source: io::Error,
    },
}

impl From<io::Error> for SourceError {
    fn from(source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::PermissionDenied => Self::PermissionDenied,
            io::ErrorKind::IsADirectory => Self::IsDirectory,
            _ => Self::Io { source },
        }
    }
}
