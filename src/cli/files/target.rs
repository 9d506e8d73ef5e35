//! A file to look into.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::path::PathBuf;

use crate::cli::input::Input;
use crate::cli::open;
use h4mk::source::{Source, SourceError};

/// A file to look into, under one of its names.
#[derive(Debug)]
pub(in crate::cli) struct Target {
    /// As it was given, or as it was found below what was given.
    pub(in crate::cli) name: PathBuf,
    /// Two targets of one identity are one file. `None` where that can't be known.
    pub(in crate::cli) identity: Option<Identity>,
    /// What is there.
    pub(in crate::cli) what: What,
}

/// What a target is.
#[derive(Debug)]
pub(in crate::cli) enum What {
    /// An open regular file.
    File(File),
    /// Something else that somebody named: to be opened when its turn comes.
    Named(Input),
    /// Something that should be looked into and can't be, and why.
    Lost(String),
}

/// Device and inode.
pub(in crate::cli) type Identity = (u64, u64);

impl Target {
    pub(super) fn lost(name: PathBuf, why: impl ToString) -> Self {
        Self { name, identity: None, what: What::Lost(why.to_string()) }
    }

    /// What was opened under that name, if it is a regular file.
    pub(super) fn opened(name: PathBuf, file: io::Result<File>) -> Self {
        let opened = file.and_then(|file| Ok((file.metadata()?, file)));
        match opened {
            Ok((metadata, file)) => Self { name, identity: identity_of(&metadata), what: What::File(file) },
            Err(error) => Self::lost(name, SourceError::from(error)),
        }
    }

    /// The bytes of what is there.
    pub(in crate::cli) fn open(self) -> Result<Source, String> {
        match self.what {
            What::File(file) => Source::of_file(&file, self.name).map_err(|error| error.to_string()),
            What::Named(input) => open::raw_source(&input).map_err(|error| error.to_string()),
            What::Lost(why) => Err(why),
        }
    }
}

#[cfg(unix)]
pub(super) fn identity_of(metadata: &Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

/// Handles have an index here too, but the standard library does not tell it.
#[cfg(not(unix))]
pub(super) fn identity_of(_: &Metadata) -> Option<Identity> {
    None
}

/// By its name: `.h4mk` alone is one too.
pub(super) fn is_container(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.last_chunk::<5>().is_some_and(|end| end.eq_ignore_ascii_case(b".h4mk"))
}
