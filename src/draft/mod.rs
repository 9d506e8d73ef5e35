//! A file that appears whole or not at all, and what stands in its place before.
//!
//! A [`Destination`] is looked at once: its folder stays open, and so does what was found in it. A [`Draft`] is written in that
//! folder, without a name where the file system allows it, and gets its name in [`Draft::publish`]. Whoever kills the
//! program before leaves nothing behind, and nobody can put another file in its place.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(unix)]
mod names;
#[cfg(target_os = "linux")]
mod permissions;
#[cfg(not(target_os = "linux"))]
mod portable;
#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind, Write};
use std::path::Path;

#[cfg(target_os = "linux")]
pub use linux::{Destination, Draft};
#[cfg(not(target_os = "linux"))]
pub use portable::{Destination, Draft};

/// What a place holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing: a file can be made.
    Nothing,
    /// A regular file, or a link to one.
    File,
    /// A folder, or a link to one.
    Folder,
    /// A link to nothing.
    DanglingLink,
    /// A device, FIFO or socket, or a link to one.
    Special,
}

/// Which file something is, by whatever name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
}

#[cfg(unix)]
impl Identity {
    /// Of what `path` leads to; `None` if it isn't there, and for terminals and other character devices, which aren't
    /// used up by being written to.
    pub fn of_path(path: &Path) -> Option<Self> {
        Self::of(&std::fs::metadata(path).ok()?)
    }

    /// Of standard input, as [`of_path`](Self::of_path).
    pub fn of_stdin() -> Option<Self> {
        use std::os::fd::AsFd;
        let stdin = io::stdin().as_fd().try_clone_to_owned().ok()?;
        Self::of(&std::fs::File::from(stdin).metadata().ok()?)
    }

    fn of(found: &std::fs::Metadata) -> Option<Self> {
        use std::os::unix::fs::{FileTypeExt, MetadataExt};
        let identity = Self { device: found.dev(), inode: found.ino() };
        (!found.file_type().is_char_device()).then_some(identity)
    }
}

/// Ends signals' habit of leaving half-written files that have a name: SIGINT, SIGTERM and SIGHUP remove them first,
/// unless they are ignored. For programs that don't catch these signals themselves; those call [`remove_names`].
#[cfg(unix)]
pub fn remove_names_on_signals() {
    names::remove_on_signals();
}

/// There are no signals here.
#[cfg(not(unix))]
pub fn remove_names_on_signals() {}

/// Removes the half-written files that have a name, for a program that is about to end. Can be called from a signal
/// handler.
#[cfg(unix)]
pub fn remove_names() {
    names::remove_all();
}

/// Files are removed when their drafts are dropped.
#[cfg(not(unix))]
pub fn remove_names() {}

/// A name that nobody else has chosen.
fn fresh_name() -> String {
    use std::hash::{BuildHasher, RandomState};
    // The standard library's own randomness; a name that is taken all the same is found out and not used.
    format!(".h4inspect-{:016x}.part", RandomState::new().hash_one(std::process::id()))
}

/// The path's last name and its folder. A path that ends in a slash names a folder.
fn split(path: &Path) -> io::Result<(&Path, &std::ffi::OsStr)> {
    let bytes = path.as_os_str().as_encoded_bytes();
    let names_folder = bytes.ends_with(b"/") || bytes.ends_with(b"/.");
    let name = path.file_name().filter(|_| !names_folder);
    let name = name.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "it isn't the name of a file"))?;
    Ok((path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")), name))
}

/// What is wrong with the folder that a file is to be made in.
fn explain_folder(error: io::Error) -> io::Error {
    let kind = error.kind();
    match kind {
        ErrorKind::NotFound => io::Error::new(kind, "there is no such folder; create it first"),
        ErrorKind::NotADirectory => io::Error::new(kind, "a file is where its folder should be"),
        ErrorKind::PermissionDenied => io::Error::new(kind, "permission denied; its folder can't be written to"),
        _ => error,
    }
}

/// Errors are the system's, without a name: nobody has chosen that of a file in the making.
impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file().write(bytes)?;
        self.note(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
