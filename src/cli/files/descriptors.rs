//! Folders searched by directory descriptors: no path is too long, no tree too deep, and nothing that is moved or
//! replaced meanwhile leads out of the tree.

use std::collections::HashSet;
use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::vec;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fstat, openat, statat};
use rustix::io::Errno;

use super::select::Selection;
use super::target::{Identity, Target, is_container};
use h4mk::source::SourceError;

/// So many folders stay open, from the one being read upwards, besides the first: however deep a tree is.
const OPEN_FOLDERS: usize = 8;

/// The files in a folder and the folders in it.
pub(super) struct Walk {
    selection: Arc<Selection>,
    /// Length of the first folder's name.
    root_len: usize,
    /// The name of the folder being read.
    path: PathBuf,
    /// From the first folder to the one being read.
    folders: Vec<Folder>,
    /// Folders entered, kept where links are followed: no link leads into them again.
    entered: HashSet<Identity>,
    /// The first folder could not be entered.
    failed: Option<Target>,
}

/// A folder that was entered and not finished.
struct Folder {
    /// Closed while many others below it are read.
    handle: Option<OwnedFd>,
    identity: Identity,
    /// In the folder above.
    name: CString,
    by_link: bool,
    /// It, or a folder above it, was entered by a link.
    linked: bool,
    /// Length of the path to it.
    path_len: usize,
    rest: vec::IntoIter<(CString, FileType)>,
}

impl Walk {
    pub(super) fn new(root: PathBuf, selection: Arc<Selection>) -> Self {
        let opened = open_folder(CWD, root.as_os_str(), Links::Follow);
        Self::in_opened(opened, root, selection)
    }

    fn in_opened(opened: Result<OwnedFd, Errno>, root: PathBuf, selection: Arc<Selection>) -> Self {
        let (root_len, path) = (root.as_os_str().len(), root.clone());
        let (folders, entered) = (Vec::new(), HashSet::new());
        let mut walk = Self { selection, root_len, path, folders, entered, failed: None };
        match opened.and_then(|handle| walk.enter(handle, CString::default(), false)) {
            Ok(incomplete) => walk.failed = incomplete,
            Err(error) => walk.failed = walk.selection.takes(&root).then(|| Target::lost(root, said(error))),
        }
        walk
    }

    /// Begins to read a folder; what is returned says that not all of it could be.
    fn enter(&mut self, handle: OwnedFd, name: CString, by_link: bool) -> Result<Option<Target>, Errno> {
        let identity = identity_of(&fstat(&handle)?);
        let linked = by_link || self.folders.last().is_some_and(|above| above.linked);
        if self.selection.follow_links && !self.entered.insert(identity) && linked {
            return Ok(None);
        }
        let mut entries = Vec::new();
        // Not by `Dir::read_from`, which needs to search the folder and not only to read it.
        let read = handle.try_clone().map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO));
        let read = read.and_then(Dir::new).and_then(|listing| {
            listing.into_iter().try_for_each(|entry| {
                let entry = entry?;
                if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                    entries.push((entry.file_name().to_owned(), entry.file_type()));
                }
                Ok(())
            })
        });
        entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        if !name.is_empty() {
            self.path.push(OsStr::from_bytes(name.to_bytes()));
        }
        let path_len = self.path.as_os_str().len();
        let folder =
            Folder { handle: Some(handle), identity, name, by_link, linked, path_len, rest: entries.into_iter() };
        self.folders.push(folder);
        if let Some(above) = self.folders.len().checked_sub(OPEN_FOLDERS + 1).filter(|above| *above > 0)
            && let Some(above) = self.folders.get_mut(above)
        {
            above.handle = None;
        }
        let incomplete = read.err().map(|error| Target::lost(self.path.clone(), said(error)));
        Ok(incomplete.filter(|_| self.takes(&self.path)))
    }

    /// Goes back to the folder above the one that is finished.
    fn leave(&mut self) -> Option<Target> {
        let finished = self.folders.pop()?;
        let above = self.folders.last_mut()?;
        truncate(&mut self.path, above.path_len);
        if above.handle.is_some() {
            return None;
        }
        // A link's `..` is elsewhere.
        let back = finished.handle.filter(|_| !finished.by_link);
        let back = back.and_then(|handle| openat(handle, c"..", FOLDER | OFlags::NOFOLLOW, Mode::empty()).ok());
        above.handle = back.filter(|handle| fstat(handle).is_ok_and(|stat| identity_of(&stat) == above.identity));
        if above.handle.is_some() || self.descend() {
            return None;
        }
        self.folders.last_mut()?.rest = Vec::new().into_iter();
        self.takes(&self.path)
            .then(|| Target::lost(self.path.clone(), "it was moved or replaced while it was being searched; run again"))
    }

    /// Opens the last folder again, from the nearest one above it that is open, and those on the way that are to be.
    fn descend(&mut self) -> bool {
        let last = self.folders.len().saturating_sub(1);
        let Some(open) = self.folders.iter().rposition(|folder| folder.handle.is_some()) else { return false };
        for at in open + 1..=last {
            let (above, below) = self.folders.split_at_mut(at);
            let (Some(above), Some(folder)) = (above.last_mut(), below.first_mut()) else { return false };
            let Some(handle) = above.handle.as_ref() else { return false };
            let links = if folder.by_link { Links::Follow } else { Links::Refuse };
            let Ok(opened) = open_folder(handle, &folder.name, links) else { return false };
            if !fstat(&opened).is_ok_and(|stat| identity_of(&stat) == folder.identity) {
                return false;
            }
            folder.handle = Some(opened);
            if at > 1 && at + OPEN_FOLDERS <= last {
                above.handle = None;
            }
        }
        true
    }

    /// What an entry of the folder being read comes to; entering it changes which that is.
    fn visit(&mut self, name: CString, kind: FileType) -> Option<Target> {
        let file_name = OsStr::from_bytes(name.to_bytes());
        let named_so = is_container(file_name);
        let can_be_folder = match kind {
            FileType::Directory | FileType::Unknown => true,
            FileType::Symlink => self.selection.follow_links,
            _ => false,
        };
        if !named_so && !can_be_folder {
            return None;
        }
        let path = self.path.join(file_name);
        if self.selection.excludes(&path, relative(&path, self.root_len)) {
            return None;
        }
        let handle = self.folders.last()?.handle.as_ref()?;
        let (kind, by_link) = match kind_of(handle, &name, kind) {
            Ok(found) => found,
            // A link that leads nowhere isn't a folder, nor is what is gone.
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) if !named_so => return None,
            Err(error) => return self.lost(path, said(error)),
        };
        match kind {
            FileType::Directory if by_link && !self.selection.follow_links => {
                let why = "it is a link to a folder; --follow-links follows it";
                named_so.then(|| self.lost(path, why)).flatten()
            }
            FileType::Directory => {
                let links = if by_link { Links::Follow } else { Links::Refuse };
                match open_folder(handle, &name, links).and_then(|handle| self.enter(handle, name, by_link)) {
                    Ok(incomplete) => incomplete,
                    Err(Errno::LOOP | Errno::NOTDIR) if !by_link => {
                        self.lost(path, "it was replaced while its folder was being searched; run again")
                    }
                    Err(error) => self.lost(path, said(error)),
                }
            }
            _ if !named_so => None,
            FileType::RegularFile => {
                if !self.takes(&path) {
                    return None;
                }
                let opened = openat(handle, &name, FILE, Mode::empty()).map(File::from);
                Some(Target::opened(path, opened.map_err(io::Error::from)))
            }
            FileType::Fifo => self.lost(path, SourceError::Fifo),
            FileType::Socket => self.lost(path, SourceError::Socket),
            _ => self.lost(path, SourceError::Device),
        }
    }

    fn takes(&self, path: &Path) -> bool {
        let relative = relative(path, self.root_len);
        self.selection.takes(if relative.as_os_str().is_empty() { path } else { relative })
    }

    fn lost(&self, path: PathBuf, why: impl ToString) -> Option<Target> {
        self.takes(&path).then(|| Target::lost(path, why))
    }
}

impl Iterator for Walk {
    type Item = Target;

    fn next(&mut self) -> Option<Target> {
        if let Some(failed) = self.failed.take() {
            return Some(failed);
        }
        loop {
            let found = match self.folders.last_mut()?.rest.next() {
                Some((name, kind)) => self.visit(name, kind),
                None => self.leave(),
            };
            if found.is_some() {
                return found;
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Links {
    Follow,
    Refuse,
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// What became a FIFO since it was looked at does not hold this up, a terminal does not become the controlling one.
const FILE: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

fn open_folder(above: impl AsFd, name: impl rustix::path::Arg, links: Links) -> Result<OwnedFd, Errno> {
    let flags = if links == Links::Refuse { FOLDER | OFlags::NOFOLLOW } else { FOLDER };
    openat(above, name, flags, Mode::empty())
}

/// The system takes no path of so many bytes.
const FAR: usize = 4096;

/// Whether a path is too long to be opened at once.
pub(super) fn is_far(path: &Path) -> bool {
    path.as_os_str().len() >= FAR
}

/// What a name stands for that is too long to be opened at once.
pub(super) fn expand_far(path: PathBuf, selection: &Arc<Selection>) -> Box<dyn Iterator<Item = Target> + Send> {
    let target = match open_far(&path) {
        Ok(file) => match fstat(&file).map(|stat| FileType::from_raw_mode(stat.st_mode)) {
            Ok(FileType::Directory) => return Box::new(Walk::in_opened(Ok(file), path, Arc::clone(selection))),
            _ => Target::opened(path, Ok(file.into())),
        },
        Err(error) => Target::lost(path, said(error)),
    };
    let taken = !selection.excludes(&target.name, &target.name) && selection.takes(&target.name);
    Box::new(taken.then_some(target).into_iter())
}

/// Opens a path a part at a time.
fn open_far(path: &Path) -> Result<OwnedFd, Errno> {
    let mut rest = path.as_os_str().as_bytes();
    let mut at: Option<OwnedFd> = None;
    while rest.len() >= FAR {
        let end =
            rest.get(..FAR).and_then(|part| part.iter().rposition(|byte| *byte == b'/')).ok_or(Errno::NAMETOOLONG)?;
        let (part, after) = rest.split_at(end.max(1));
        let after = after.iter().position(|byte| *byte != b'/').and_then(|start| after.get(start..)).unwrap_or(b".");
        let above = at.as_ref().map_or(CWD, AsFd::as_fd);
        at = Some(openat(above, part, FOLDER, Mode::empty())?);
        rest = after;
    }
    openat(at.as_ref().map_or(CWD, AsFd::as_fd), rest, FILE, Mode::empty())
}

/// What an entry is, and whether a link leads to it.
fn kind_of(folder: &OwnedFd, name: &CStr, listed: FileType) -> Result<(FileType, bool), Errno> {
    let look = |flags| statat(folder, name, flags).map(|stat| FileType::from_raw_mode(stat.st_mode));
    // Some file systems don't list kinds.
    let kind = if listed == FileType::Unknown { look(AtFlags::SYMLINK_NOFOLLOW)? } else { listed };
    if kind == FileType::Symlink { Ok((look(AtFlags::empty())?, true)) } else { Ok((kind, false)) }
}

#[allow(clippy::unnecessary_cast, reason = "systems differ in the types of both")]
fn identity_of(stat: &Stat) -> Identity {
    (stat.st_dev as u64, stat.st_ino as u64)
}

/// The error as it is said of files.
fn said(error: Errno) -> SourceError {
    io::Error::from(error).into()
}

/// A path without the first folder it is in.
fn relative(path: &Path, root_len: usize) -> &Path {
    let below = path.as_os_str().as_bytes().get(root_len..).unwrap_or_default();
    Path::new(OsStr::from_bytes(below.strip_prefix(b"/").unwrap_or(below)))
}

fn truncate(path: &mut PathBuf, len: usize) {
    let mut bytes = std::mem::take(path).into_os_string().into_encoded_bytes();
    bytes.truncate(len);
    *path = <std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes).into();
}
