//! Folders searched by paths, where the system has no directory descriptors.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::WalkDir;

use super::select::Selection;
use super::target::{Target, is_container};
use h4mk::source::{Source, SourceError};

/// The files in a folder and the folders in it.
pub(super) struct Walk(Box<dyn Iterator<Item = Target> + Send>);

impl Walk {
    pub(super) fn new(root: PathBuf, selection: Arc<Selection>) -> Self {
        let walk = WalkDir::new(&root).follow_links(selection.follow_links).sort_by_file_name().into_iter();
        let excluding = Arc::clone(&selection);
        let below = move |path: &Path| path.strip_prefix(&root).unwrap_or(path).to_owned();
        let relative = below.clone();
        let walk = walk.filter_entry(move |entry| {
            entry.depth() == 0 || !excluding.excludes(entry.path(), &relative(entry.path()))
        });
        Self(Box::new(walk.filter_map(move |entry| {
            let (path, why) = match entry {
                Ok(entry) if entry.file_type().is_dir() || !is_container(entry.file_name()) => return None,
                Ok(entry) if entry.path().is_dir() => {
                    (entry.into_path(), Some("it is a link to a folder; --follow-links follows it".to_owned()))
                }
                Ok(entry) => (entry.into_path(), None),
                Err(error) if error.loop_ancestor().is_some() => return None,
                Err(error) => {
                    let path = error.path().unwrap_or(Path::new("")).to_owned();
                    (path, Some(error.io_error().map_or_else(|| error.to_string(), ToString::to_string)))
                }
            };
            selection.takes(&below(&path)).then(|| match why {
                Some(why) => Target::lost(path, why),
                None => match Source::handle(&path) {
                    Ok(file) => Target::opened(path, Ok(file)),
                    Err(error) => Target::lost(path, SourceError::from(error)),
                },
            })
        })))
    }
}

impl Iterator for Walk {
    type Item = Target;

    fn next(&mut self) -> Option<Target> {
        self.0.next()
    }
}
