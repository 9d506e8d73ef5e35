//! The library's file: opened once, compared with the digest that is demanded, and copied to where nobody can change it
//! before it is loaded.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use sha2::{Digest, Sha256};

use crate::hash::hex;

/// No library has more bytes.
const LEN_MAX: u64 = 1 << 30;
const READ_LEN: usize = 1 << 16;

/// What hosts load, the same for all hosts of a run.
pub(super) enum Image {
    /// A sealed copy in memory. A host gets it as its standard error.
    #[cfg(target_os = "linux")]
    Sealed(File),
    /// A copy in a file that only its owner can write, for systems without sealed files.
    Copied(tempfile::TempPath),
    /// The file itself, of which nothing is demanded.
    Unchecked,
}

impl Image {
    /// Fails where the file can't be read, isn't a regular file, or has another digest.
    pub(super) fn open(path: &Path, sha256: Option<&[u8; 32]>) -> Result<Self, String> {
        let why = |error: io::Error| error.to_string();
        let file = match open_regular(path) {
            // The loader says why.
            Err(error) if sha256.is_none() && error.kind() != io::ErrorKind::InvalidInput => {
                return Ok(Self::Unchecked);
            }
            file => file.map_err(why)?,
        };
        #[cfg(target_os = "linux")]
        if let Ok(memory) = sealable() {
            let mut memory = File::from(memory);
            copy(file, &mut memory, sha256)?;
            seal(&memory).map_err(why)?;
            return Ok(Self::Sealed(memory));
        }
        if sha256.is_none() {
            return Ok(Self::Unchecked);
        }
        let mut copied = tempfile::NamedTempFile::new().map_err(why)?;
        copy(file, &mut copied, sha256)?;
        Ok(Self::Copied(copied.into_temp_path()))
    }

    /// What the host is given as its standard error.
    pub(super) fn stderr(&self) -> io::Result<Stdio> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Sealed(file) => Ok(file.try_clone()?.into()),
            Self::Copied(_) | Self::Unchecked => Ok(Stdio::null()),
        }
    }

    pub(super) fn is_inherited(&self) -> bool {
        !matches!(self, Self::Copied(_) | Self::Unchecked)
    }

    /// What is loaded where nothing is inherited.
    pub(super) fn path(&self, library: &Path) -> PathBuf {
        match self {
            Self::Copied(copy) => copy.to_path_buf(),
            _ => super::absolute(library.to_owned()),
        }
    }
}

/// Compares the file's SHA-256 with the one demanded.
pub(super) fn check(path: &Path, sha256: &[u8; 32]) -> Result<(), String> {
    copy(open_regular(path).map_err(|error| error.to_string())?, &mut io::sink(), Some(sha256))
}

/// Doesn't wait for the other end of a FIFO.
fn open_regular(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it isn't a regular file"));
    }
    Ok(file)
}

/// Copies what is hashed and hashes what is copied: each byte is read once.
fn copy(file: File, to: &mut impl Write, sha256: Option<&[u8; 32]>) -> Result<(), String> {
    let mut file = file.take(LEN_MAX + 1);
    let mut bytes = vec![0; READ_LEN];
    let (mut hash, mut len) = (Sha256::new(), 0u64);
    loop {
        let read = match file.read(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(|error| error.to_string())?,
        };
        let Some(part) = bytes.get(..read).filter(|part| !part.is_empty()) else { break };
        len = len.saturating_add(read as u64);
        if len > LEN_MAX {
            return Err(format!("it has more than {LEN_MAX} bytes"));
        }
        if sha256.is_some() {
            hash.update(part);
        }
        to.write_all(part).map_err(|error| error.to_string())?;
    }
    let Some(wanted) = sha256 else { return Ok(()) };
    let found: [u8; 32] = hash.finalize().into();
    if found != *wanted {
        return Err(format!("its SHA-256 must be {}, but it is {}", hex(wanted), hex(&found)));
    }
    Ok(())
}

/// An empty file in memory, not executable by itself where the kernel knows that.
#[cfg(target_os = "linux")]
fn sealable() -> rustix::io::Result<std::os::fd::OwnedFd> {
    use rustix::fs::{MemfdFlags, memfd_create};
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    memfd_create("core library", flags | MemfdFlags::NOEXEC_SEAL).or_else(|_| memfd_create("core library", flags))
}

#[cfg(target_os = "linux")]
fn seal(file: &File) -> io::Result<()> {
    use rustix::fs::SealFlags;
    Ok(rustix::fs::fcntl_add_seals(file, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)?)
}
