//! A file mapped into memory, guarded against shrinking.
#![allow(unsafe_code)]

use std::fs::{File, Metadata};
use std::io;

use memmap2::{Mmap, MmapOptions};

use super::ReadAt;
#[cfg(unix)]
use super::sigbus;

/// The first bytes of a file, mapped read-only.
pub(super) struct Mapping {
    // Before `map`, because fields are dropped in this order: the range is forgotten before another can take its place.
    #[cfg(unix)]
    guard: sigbus::Guard,
    map: Mmap,
    file: File,
}

impl Mapping {
    /// Maps the first `len` bytes, which must be more than none.
    pub(super) fn new(file: &File, len: u64) -> io::Result<Self> {
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
        // SAFETY: The map is read-only and private to this type, its length is fixed. What it cannot exclude is that
        // another process writes to the file: bytes may then differ from one read to the next. They are plain u8, valid
        // whatever they are, and all that is concluded from them is checked against the length of the slice, which does
        // not change. Pages that are no longer in the file are the guard's business; elsewhere than on Unix a mapped
        // file cannot be cut.
        let map = unsafe { MmapOptions::new().len(len).map(file) }?;
        Ok(Self {
            #[cfg(unix)]
            guard: sigbus::Guard::new(map.as_ptr_range())?,
            map,
            file: file.try_clone()?,
        })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Of the file that is mapped, wherever it is now.
    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// Fills `part` with the file's bytes at `offset`; false if it could not be read, or not all of it.
    pub(super) fn read_at(&self, part: &mut [u8], offset: u64) -> bool {
        read_at(&self.file, part, offset).is_ok_and(|read| read == part.len())
    }

    /// The offset from which on bytes were found missing, and are zeros since; None if all that was read was there.
    pub(super) fn lost_from(&self) -> Option<u64> {
        #[cfg(unix)]
        return self.guard.lost_from();
        #[cfg(not(unix))]
        None
    }
}

/// Reads at `offset` without moving the file's position, as many bytes as come at once.
fn read_at(file: &File, part: &mut [u8], offset: u64) -> io::Result<usize> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_at(file, part, offset);
    #[cfg(windows)]
    return std::os::windows::fs::FileExt::seek_read(file, part, offset);
    #[cfg(not(any(unix, windows)))]
    {
        _ = (file, part, offset);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A file that can't be mapped, read where it is asked for.
pub(super) struct Positioned {
    file: File,
    len: u64,
}

impl Positioned {
    pub(super) fn new(file: &File, len: u64) -> io::Result<Self> {
        Ok(Self { file: file.try_clone()?, len })
    }
}

impl ReadAt for Positioned {
    fn len(&self) -> io::Result<u64> {
        Ok(self.len)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        read_at(&self.file, buffer, offset)
    }
}
