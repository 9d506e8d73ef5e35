//! What a name stands for.

use std::path::Path;
use std::sync::Arc;

#[cfg(unix)]
use super::descriptors as walk;
#[cfg(not(unix))]
use super::paths as walk;
use super::select::Selection;
use super::target::{Target, What, identity_of};
use crate::cli::input::Input;
use h4mk::source::{Source, SourceError};

/// What a name stands for: a folder for all containers in it and its folders, sorted, anything else for itself. A link
/// that is named is followed, whatever it leads to.
pub(in crate::cli) fn expand(input: Input, selection: &Arc<Selection>) -> Box<dyn Iterator<Item = Target> + Send> {
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
pub(in crate::cli) fn in_folder(
    folder: &Path,
    selection: &Arc<Selection>,
) -> impl Iterator<Item = Target> + Send + use<> {
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
