//! Which files a command is about: those named, those a list names, and the containers in folders.

#[cfg(unix)]
mod descriptors;
#[cfg(unix)]
use descriptors as walk;
mod list;
mod select;
#[cfg(not(unix))]
#[path = "files/paths.rs"]
mod walk;

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::input::Input;
use h4mk::source::{Source, SourceError};

pub(super) use list::{Separator, listed};
pub(super) use select::Exclusion;
pub(super) use select::Selection;

/// A file to look into, under one of its names.
#[derive(Debug)]
pub(super) struct Target {
    /// As it was given, or as it was found below what was given.
    pub(super) name: PathBuf,
    /// Two targets of one identity are one file. `None` where that can't be known.
    pub(super) identity: Option<Identity>,
    /// What is there.
    pub(super) what: What,
}

/// What a target is.
#[derive(Debug)]
pub(super) enum What {
    /// An open regular file.
    File(File),
    /// Something else that somebody named: to be opened when its turn comes.
    Named(Input),
    /// Something that should be looked into and can't be, and why.
    Lost(String),
}

/// Device and inode.
pub(super) type Identity = (u64, u64);

impl Target {
    fn lost(name: PathBuf, why: impl ToString) -> Self {
        Self { name, identity: None, what: What::Lost(why.to_string()) }
    }

    /// What was opened under that name, if it is a regular file.
    fn opened(name: PathBuf, file: io::Result<File>) -> Self {
        let opened = file.and_then(|file| Ok((file.metadata()?, file)));
        match opened {
            Ok((metadata, file)) => Self { name, identity: identity_of(&metadata), what: What::File(file) },
            Err(error) => Self::lost(name, SourceError::from(error)),
        }
    }

    /// The bytes of what is there.
    pub(super) fn open(self) -> Result<Source, String> {
        match self.what {
            What::File(file) => Source::of_file(&file, self.name).map_err(|error| error.to_string()),
            What::Named(input) => super::open::raw_source(&input).map_err(|error| error.to_string()),
            What::Lost(why) => Err(why),
        }
    }
}

/// What a name stands for: a folder for all containers in it and its folders, sorted, anything else for itself. A link
/// that is named is followed, whatever it leads to.
pub(super) fn expand(input: Input, selection: &Arc<Selection>) -> Box<dyn Iterator<Item = Target> + Send> {
    match input {
        Input::Path(path) if path.is_dir() => Box::new(in_folder(&path, selection)),
        #[cfg(unix)]
        Input::Path(path) if walk::is_far(&path) => walk::expand_far(path, selection),
        input => Box::new(selection.takes_named(&input).then(|| named(input)).into_iter()),
    }
}

/// All `*.h4mk` in a folder and the folders in it, hidden ones too, in the order of their names.
///
/// Links to files count as files. Links to folders are followed only if the selection says so, and only into folders
/// that were not searched yet. What can't be entered is a target that is [lost](What::Lost).
pub(super) fn in_folder(folder: &Path, selection: &Arc<Selection>) -> impl Iterator<Item = Target> + Send + use<> {
    walk::Walk::new(folder.to_owned(), Arc::clone(selection))
}

fn named(input: Input) -> Target {
    let name = input.path().unwrap_or(Path::new("-")).to_owned();
    let found = input.path().and_then(|path| std::fs::metadata(path).ok());
    match found {
        Some(metadata) if metadata.is_file() => match Source::handle(&name) {
            Ok(file) => Target::opened(name, Ok(file)),
            Err(error) => Target::lost(name, SourceError::from(error)),
        },
        found => Target { name, identity: found.as_ref().and_then(identity_of), what: What::Named(input) },
    }
}

#[cfg(unix)]
fn identity_of(metadata: &Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

/// Handles have an index here too, but the standard library does not tell it.
#[cfg(not(unix))]
fn identity_of(_: &Metadata) -> Option<Identity> {
    None
}

/// By its name: `.h4mk` alone is one too.
fn is_container(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.last_chunk::<5>().is_some_and(|end| end.eq_ignore_ascii_case(b".h4mk"))
}

#[cfg(test)]
mod tests;
