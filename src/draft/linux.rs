//! Places and drafts by descriptors: what was looked at is what is written to.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

use super::names::Guard;
use super::permissions::{self, Replaced};
use super::{Found, Identity, explain_folder, fresh_name, split};

/// Where a file is to stand.
#[derive(Debug)]
pub struct Destination {
    folder: Folder,
    name: OsString,
    found: Option<Replaced>,
    kind: Found,
}

/// The folder of a place.
#[derive(Debug)]
struct Folder {
    descriptor: OwnedFd,
    /// It can be synced: who may only write to a folder can't open it so.
    readable: bool,
}

impl Folder {
    fn open(path: &Path) -> io::Result<Self> {
        let open = |flags| rustix::fs::openat(CWD, path, flags | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        match open(OFlags::RDONLY) {
            Ok(descriptor) => Ok(Self { descriptor, readable: true }),
            Err(Errno::ACCESS) => Ok(Self { descriptor: open(OFlags::PATH)?, readable: false }),
            Err(error) => Err(error.into()),
        }
    }

    /// What stands under the name, and never what a link there leads to; nothing is done to it.
    fn look(&self, name: &OsStr) -> Result<Replaced, Errno> {
        self.look_with(name, OFlags::NOFOLLOW)
    }

    fn look_with(&self, name: &OsStr, flags: OFlags) -> Result<Replaced, Errno> {
        let found = rustix::fs::openat(self, name, OFlags::PATH | OFlags::CLOEXEC | flags, Mode::empty())?;
        let stat = rustix::fs::fstat(&found)?;
        Ok(Replaced { found, stat })
    }

    fn sync(&self) -> io::Result<()> {
        if self.readable { sync(self.as_fd()) } else { Ok(()) }
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// Some file systems have nothing to sync, and say so.
fn sync(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    match rustix::fs::fsync(descriptor) {
        Ok(()) | Err(Errno::INVAL | Errno::NOTSUP | Errno::NOSYS | Errno::ROFS) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn is_same(a: &Stat, b: &Stat) -> bool {
    (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)
}

fn is_stdout(found: &Stat) -> bool {
    rustix::fs::fstat(io::stdout()).is_ok_and(|stdout| is_same(&stdout, found))
}

fn changed() -> io::Error {
    io::Error::other("was replaced by something else just now; try again")
}

impl Destination {
    /// Looks at what `path` leads to. A link to a file stands for the file.
    pub fn look(path: &Path) -> io::Result<Self> {
        let (folder, name) = match split(path) {
            Ok(parts) => parts,
            Err(_) if path.is_dir() => (path, OsStr::new(".")),
            Err(error) => return Err(error),
        };
        let folder = Folder::open(folder).map_err(explain_folder)?;
        let found = match folder.look(name) {
            Ok(found) => found,
            Err(Errno::NOENT) => return Ok(Self { folder, name: name.to_owned(), found: None, kind: Found::Nothing }),
            Err(error) => return Err(explain_folder(error.into())),
        };
        let (found, is_link) = match found.file_type() {
            FileType::Symlink => match folder.look_with(name, OFlags::empty()) {
                Ok(found) => (found, true),
                Err(Errno::NOENT) => {
                    return Ok(Self { folder, name: name.to_owned(), found: None, kind: Found::DanglingLink });
                }
                Err(error) => return Err(error.into()),
            },
            _ => (found, false),
        };
        let kind = match found.file_type() {
            FileType::RegularFile => Found::File,
            FileType::Directory => Found::Folder,
            _ => Found::Special,
        };
        match kind {
            Found::File if is_link => Self::of_linked(path, &found),
            _ => Ok(Self { folder, name: name.to_owned(), found: Some(found), kind }),
        }
    }

    /// The place of the file that the link at `path` leads to.
    fn of_linked(path: &Path, linked: &Replaced) -> io::Result<Self> {
        let nameless = |_| io::Error::other("leads to a file that has no name any more");
        let path = fs::canonicalize(path).map_err(nameless)?;
        let (folder, name) = split(&path)?;
        let folder = Folder::open(folder)?;
        let found = folder.look(name)?;
        if !is_same(&found.stat, &linked.stat) {
            return Err(changed());
        }
        Ok(Self { folder, name: name.to_owned(), found: Some(found), kind: Found::File })
    }

    /// What it holds.
    pub fn found(&self) -> Found {
        self.kind
    }

    /// Which file it holds.
    pub fn identity(&self) -> Option<Identity> {
        let stat = &self.found.as_ref()?.stat;
        Some(Identity { device: stat.st_dev, inode: stat.st_ino })
    }

    /// Opens the device or FIFO that was found for writing. Waits for the reader of a FIFO.
    pub fn open(&self) -> io::Result<File> {
        let found = self.found.as_ref().ok_or(ErrorKind::NotFound)?;
        let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = match rustix::fs::open(own_path(found.found.as_fd()), flags, Mode::empty()) {
            // Without /proc.
            Err(Errno::NOENT) => rustix::fs::openat(&self.folder, &*self.name, flags, Mode::empty())?,
            // Pipes belong to who made them, and sockets can't be opened; standard output is open all the same.
            Err(Errno::ACCESS | Errno::NXIO) if is_stdout(&found.stat) => io::stdout().as_fd().try_clone_to_owned()?,
            opened => opened?,
        };
        if is_same(&rustix::fs::fstat(&opened)?, &found.stat) { Ok(opened.into()) } else { Err(changed()) }
    }

    /// Begins a file that is to stand here, and may replace one only with `force`.
    pub fn draft(self, force: bool) -> io::Result<Draft> {
        Draft::begin(self.folder, self.name, self.found, force, true).map_err(explain_folder)
    }
}

/// Tries fresh names until one isn't taken.
fn with_fresh_name<T>(mut attempt: impl FnMut(&str) -> io::Result<T>) -> io::Result<(String, T)> {
    const ATTEMPTS: usize = 100;
    let mut taken = io::Error::from(ErrorKind::AlreadyExists);
    for _ in 0..ATTEMPTS {
        let name = fresh_name();
        match attempt(&name) {
            Ok(made) => return Ok((name, made)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => taken = error,
            Err(error) => return Err(error),
        }
    }
    Err(taken)
}

/// A path to what is open.
fn own_path(descriptor: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", descriptor.as_raw_fd())
}

/// A file in the making, in the folder where it will stand. Dropped, it is gone.
#[derive(Debug)]
pub struct Draft {
    file: File,
    // Before the folder, so that it is removed while that is open.
    interim: Option<Interim>,
    folder: Folder,
    name: OsString,
    replaced: Option<Replaced>,
    /// The mode of any new file here, which one with a name gets when it is finished.
    usual: Option<Mode>,
    force: bool,
    /// Bytes written, and of these, those that are on their way to the disk.
    written: u64,
    underway: u64,
}

/// How much is written before the disk is told to begin.
const STRIDE_BYTES: u64 = 8 << 20;

/// The name of a file that isn't finished.
#[derive(Debug)]
struct Interim {
    name: String,
    // Before the folder, so that it ends while that is open.
    _guard: Guard,
    folder: OwnedFd,
}

impl Interim {
    fn new(name: String, folder: &Folder) -> io::Result<Self> {
        let folder = folder.descriptor.try_clone()?;
        let guard = Guard::new(folder.as_fd(), &name);
        Ok(Self { name, _guard: guard, folder })
    }

    /// The name is another file's now, or none.
    fn forget(mut self) {
        self.name.clear();
    }
}

impl Drop for Interim {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            _ = rustix::fs::unlinkat(&self.folder, self.name.as_str(), AtFlags::empty());
        }
    }
}

impl Draft {
    /// `nameless`: without a name, where the file system allows it.
    fn begin(
        folder: Folder,
        name: OsString,
        replaced: Option<Replaced>,
        force: bool,
        nameless: bool,
    ) -> io::Result<Self> {
        // Of a new file it is left to the umask and to the folder's default ACL, as for any.
        let mode = replaced.as_ref().map_or(Mode::from_raw_mode(0o666), |old| old.mode() & Mode::from_raw_mode(0o600));
        let unnamed = if nameless { open_unnamed(&folder, mode) } else { None };
        let (file, interim, usual) = match unnamed {
            Some(file) => (file, None, None),
            None => {
                let (file, interim) = open_named(&folder, mode)?;
                let given = Mode::from_raw_mode(rustix::fs::fstat(&file)?.st_mode & 0o777);
                rustix::fs::fchmod(&file, given & Mode::from_raw_mode(0o600))?;
                (file, Some(interim), Some(given))
            }
        };
        Ok(Self { file, interim, folder, name, replaced, usual, force, written: 0, underway: 0 })
    }

    /// What to write to.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Notes that so much was written. The disk begins with it at once and not in [`publish`](Self::publish), which would
    /// then wait for all of it.
    pub(super) fn note(&mut self, written: u64) {
        self.written += written;
        let fresh = self.written - self.underway;
        if let Some(len) = std::num::NonZeroU64::new(fresh).filter(|len| len.get() >= STRIDE_BYTES) {
            // What is dirty is written, and stays in memory until that is done: there is no more to this than a beginning.
            _ = rustix::fs::fadvise(&self.file, self.underway, Some(len), rustix::fs::Advice::DontNeed);
            self.underway = self.written;
        }
    }

    /// Gives the file its name once it is on the disk. Fails with [`ErrorKind::AlreadyExists`] where another file has it
    /// and must not be replaced.
    pub fn publish(mut self) -> io::Result<()> {
        if let Some(old) = &self.replaced {
            permissions::take_over(self.file.as_fd(), old)?;
        } else if let Some(usual) = self.usual {
            rustix::fs::fchmod(&self.file, usual)?;
        }
        sync(self.file.as_fd())?;
        match self.interim.take() {
            Some(interim) if self.force => self.rename(interim)?,
            Some(interim) => self.rename_to_free(interim)?,
            None => match self.link(&self.name) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists && self.force => {
                    if self.replaced.is_none() {
                        // It came after the look at the place.
                        let found = self.folder.look(&self.name).ok();
                        if let Some(found) = found.filter(|found| found.file_type() == FileType::RegularFile) {
                            permissions::take_over(self.file.as_fd(), &found)?;
                        }
                    }
                    let (name, ()) = with_fresh_name(|name| self.link(OsStr::new(name)))?;
                    let interim = Interim::new(name, &self.folder)?;
                    self.rename(interim)?;
                }
                linked => linked?,
            },
        }
        self.folder.sync()
    }

    fn link(&self, name: &OsStr) -> io::Result<()> {
        let own_path = own_path(self.file.as_fd());
        Ok(rustix::fs::linkat(CWD, own_path, &self.folder, name, AtFlags::SYMLINK_FOLLOW)?)
    }

    fn rename(&self, interim: Interim) -> io::Result<()> {
        self.check_is_ours(&interim)?;
        rustix::fs::renameat(&self.folder, interim.name.as_str(), &self.folder, &*self.name)?;
        interim.forget();
        Ok(())
    }

    fn rename_to_free(&self, interim: Interim) -> io::Result<()> {
        self.check_is_ours(&interim)?;
        let (from, to) = (interim.name.as_str(), &*self.name);
        match rustix::fs::renameat_with(&self.folder, from, &self.folder, to, RenameFlags::NOREPLACE) {
            Ok(()) => {
                interim.forget();
                Ok(())
            }
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                // The name is claimed with an empty file, which the rename replaces.
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
                rustix::fs::openat(&self.folder, to, flags, Mode::empty())?;
                self.rename(interim).inspect_err(|_| _ = rustix::fs::unlinkat(&self.folder, to, AtFlags::empty()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// In a folder that others may write to, they can put something else under the name.
    fn check_is_ours(&self, interim: &Interim) -> io::Result<()> {
        let ours = rustix::fs::fstat(&self.file)?;
        let named = rustix::fs::statat(&self.folder, interim.name.as_str(), AtFlags::SYMLINK_NOFOLLOW);
        match named {
            Ok(named) if is_same(&named, &ours) => Ok(()),
            _ => Err(io::Error::other("someone else took the half-written file away; nothing was written")),
        }
    }
}

/// A file without a name. `None` where the file system has none, and where it could not be given one later.
fn open_unnamed(folder: &Folder, mode: Mode) -> Option<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, c".", flags, mode).ok()?;
    let (open, named) = (rustix::fs::fstat(&file).ok()?, rustix::fs::stat(own_path(file.as_fd())).ok()?);
    is_same(&open, &named).then(|| file.into())
}

fn open_named(folder: &Folder, mode: Mode) -> io::Result<(File, Interim)> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = |name: &str| Ok(rustix::fs::openat(folder, name, flags, mode)?);
    let (name, file) = with_fresh_name(open)?;
    let interim = Interim::new(name, folder)?;
    Ok((file.into(), interim))
}

#[cfg(test)]
impl Destination {
    /// As [`draft`](Self::draft) where no file is without a name.
    pub(super) fn named_draft(self, force: bool) -> io::Result<Draft> {
        Draft::begin(self.folder, self.name, self.found, force, false)
    }
}
