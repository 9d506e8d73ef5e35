//! Places and drafts by paths, with a temporary file beside the one in the making.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use super::{Found, Identity, explain_folder, fresh_name, split};

/// Where a file is to stand.
#[derive(Debug)]
pub struct Destination {
    path: PathBuf,
    found: Option<Metadata>,
    kind: Found,
}

impl Destination {
    /// Looks at what `path` leads to. A link to a file stands for the file.
    pub fn look(path: &Path) -> io::Result<Self> {
        if !path.is_dir() {
            let (folder, _) = split(path)?;
            fs::metadata(folder).map_err(explain_folder)?;
        }
        let kind = match fs::metadata(path) {
            Ok(found) if found.is_dir() => Found::Folder,
            Ok(found) if found.is_file() => Found::File,
            Ok(_) => Found::Special,
            Err(error) if error.kind() == ErrorKind::NotFound => match fs::symlink_metadata(path) {
                Ok(_) => Found::DanglingLink,
                Err(_) => Found::Nothing,
            },
            Err(error) => return Err(explain_folder(error)),
        };
        let path = if kind == Found::File { fs::canonicalize(path)? } else { path.to_owned() };
        let found = fs::metadata(&path).ok();
        Ok(Self { path, found, kind })
    }

    /// What it holds.
    pub fn found(&self) -> Found {
        self.kind
    }

    /// Which file it holds.
    pub fn identity(&self) -> Option<Identity> {
        Identity::of_path(&self.path)
    }

    /// Opens the device or FIFO that was found for writing. Waits for the reader of a FIFO.
    pub fn open(&self) -> io::Result<File> {
        OpenOptions::new().write(true).open(&self.path)
    }

    /// Begins a file that is to stand here, and may replace one only with `force`.
    pub fn draft(self, force: bool) -> io::Result<Draft> {
        Draft::begin(self, force).map_err(explain_folder)
    }

    #[cfg(test)]
    pub(super) fn named_draft(self, force: bool) -> io::Result<Draft> {
        self.draft(force)
    }
}

/// A file in the making, in the folder where it will stand. Dropped, it is gone.
#[derive(Debug)]
pub struct Draft {
    file: File,
    interim: TempPath,
    #[cfg(unix)]
    _guard: super::names::Guard,
    #[cfg(unix)]
    folder: File,
    path: PathBuf,
    replaced: Option<Metadata>,
    /// The permissions of any new file here, which it gets when it is finished.
    usual: fs::Permissions,
    force: bool,
}

impl Draft {
    fn begin(place: Destination, force: bool) -> io::Result<Self> {
        let (folder, _) = split(&place.path)?;
        let name = fresh_name();
        let mut builder = tempfile::Builder::new();
        builder.prefix(&name).suffix("").rand_bytes(0);
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, PermissionsExt};
            // Of a new file it is left to the umask, as for any.
            let mode = place.found.as_ref().map_or(0o666, |old| old.mode() & 0o600);
            builder.permissions(fs::Permissions::from_mode(mode));
        }
        // tempfile's errors name the temporary file, which is gone when they are read.
        let bare = |error: io::Error| io::Error::from(error.kind());
        let (file, interim) = builder.tempfile_in(folder).map(NamedTempFile::into_parts).map_err(bare)?;
        let usual = file.metadata()?.permissions();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.set_permissions(fs::Permissions::from_mode(usual.mode() & 0o600))?;
        }
        #[cfg(unix)]
        let folder = File::open(folder)?;
        Ok(Self {
            file,
            interim,
            #[cfg(unix)]
            _guard: super::names::Guard::new(std::os::fd::AsFd::as_fd(&folder), &name),
            #[cfg(unix)]
            folder,
            path: place.path,
            replaced: place.found,
            usual,
            force,
        })
    }

    /// What to write to.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Notes that so much was written.
    pub(super) fn note(&mut self, _written: u64) {}

    /// Gives the file its name once it is on the disk. Fails with [`ErrorKind::AlreadyExists`] where another file has it
    /// and must not be replaced.
    pub fn publish(self) -> io::Result<()> {
        if let Some(old) = &self.replaced {
            take_over(&self.file, old)?;
        } else {
            self.file.set_permissions(self.usual.clone())?;
        }
        self.file.sync_all()?;
        let named =
            if self.force { self.interim.persist(&self.path) } else { self.interim.persist_noclobber(&self.path) };
        named.map_err(|error| error.error)?;
        #[cfg(unix)]
        self.folder.sync_all()?;
        Ok(())
    }
}

/// Keeps the mode's rwx bits where owner and group are the same, and the owner's alone where they aren't.
#[cfg(unix)]
fn take_over(file: &File, old: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    _ = fchown(file, Some(old.uid()), Some(old.gid()));
    let now = file.metadata()?;
    let is_kept = (now.uid(), now.gid()) == (old.uid(), old.gid());
    let mode = old.mode() & if is_kept { 0o777 } else { 0o700 };
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn take_over(file: &File, old: &Metadata) -> io::Result<()> {
    file.set_permissions(old.permissions())
}

#[cfg(not(unix))]
impl Identity {
    /// Not told here.
    pub fn of_stdin() -> Option<Self> {
        None
    }

    /// A file by its canonical path, which is what there is.
    pub fn of_path(path: &Path) -> Option<Self> {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        fs::canonicalize(path).ok()?.hash(&mut hasher);
        Some(Self { device: 0, inode: hasher.finish() })
    }
}
