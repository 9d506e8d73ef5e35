//! Which files an audit is about: those named, those a list names, and the containers in folders.

use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::input::Input;
use crate::core::name::FileName;

/// A file to audit.
#[derive(Debug)]
pub(super) enum Target {
    /// Named by someone.
    Named(Input),
    /// Found in a folder; not to be opened unless it is a regular file.
    Found(PathBuf),
    /// Something that should be looked into and can't be.
    Lost(Lost),
}

/// What can't be looked into.
#[derive(Debug)]
pub(super) struct Lost {
    /// Its name.
    pub(super) name: FileName,
    /// Why not.
    pub(super) why: String,
}

/// Longer than any path, so that a list that is none does not fill the memory.
const LONGEST_LINE: u64 = 64 << 10;

/// What a name stands for: a folder for all containers in it and its folders, sorted, anything else for itself.
pub(super) fn expand(input: Input) -> Box<dyn Iterator<Item = Target> + Send> {
    match input {
        Input::Path(path) if path.is_dir() => Box::new(in_folder(&path).map(|found| match found {
            Ok(path) => Target::Found(path),
            Err(lost) => Target::Lost(lost),
        })),
        input => Box::new(std::iter::once(Target::Named(input))),
    }
}

/// All `*.h4mk`, hidden ones and those behind links too. A link back to where it stands leads to nothing new.
pub(super) fn in_folder(folder: &Path) -> impl Iterator<Item = Result<PathBuf, Lost>> + Send + use<> {
    let walk = WalkDir::new(folder).follow_links(true).sort_by(|a, b| a.file_name().cmp(b.file_name()));
    walk.into_iter().filter_map(|entry| match entry {
        Ok(entry) => {
            let is_file = !entry.file_type().is_dir() && is_container(entry.path());
            is_file.then(|| Ok(entry.into_path()))
        }
        Err(error) if error.loop_ancestor().is_some() => None,
        Err(error) => {
            let path = error.path().unwrap_or(Path::new(""));
            let concerns = is_container(path) || path.is_dir() || error.depth() == 0;
            let why = error.io_error().map_or_else(|| error.to_string(), io::Error::to_string);
            concerns.then(|| Err(Lost { name: path.into(), why }))
        }
    })
}

fn is_container(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("h4mk"))
}

/// The names in a list, one a line; blank lines don't count.
pub(super) fn listed(mut list: Box<dyn BufRead + Send>, name: String) -> impl Iterator<Item = Target> + Send {
    let mut ended = false;
    let lines = std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let mut line = Vec::new();
        let read = list.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        let whole = matches!(read, Ok(n) if (n as u64) < LONGEST_LINE);
        ended = !whole || line.is_empty();
        match read {
            Ok(0) => None,
            Ok(_) if whole => Some(Ok(line)),
            Ok(_) => Some(Err("a line is longer than any path".to_owned())),
            Err(error) => Some(Err(error.to_string())),
        }
    });
    lines.flat_map(move |line| match line {
        Ok(line) => match path_of(line) {
            Some(path) => expand(Input::Path(path)),
            None => Box::new(std::iter::empty()),
        },
        Err(why) => Box::new(std::iter::once(Target::Lost(Lost { name: name.clone().into(), why }))),
    })
}

fn path_of(mut line: Vec<u8>) -> Option<PathBuf> {
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
    if line.is_empty() {
        return None;
    }
    #[cfg(unix)]
    let name: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(line);
    #[cfg(not(unix))]
    let name = String::from_utf8_lossy(&line).into_owned();
    Some(name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(targets: impl Iterator<Item = Target>) -> Vec<String> {
        let name = |target| match target {
            Target::Named(input) => format!("named {input}"),
            Target::Found(path) => format!("found {}", path.display()),
            Target::Lost(Lost { name, why }) => format!("lost {name}: {why}"),
        };
        targets.map(name).collect()
    }

    fn list(text: &[u8]) -> Vec<String> {
        names(listed(Box::new(io::Cursor::new(text.to_vec())), "list".into()))
    }

    #[test]
    fn a_list_names_a_file_a_line() {
        assert_eq!(list(b"a\n\nb c\r\n-"), ["named a", "named b c", "named -"]);
        assert_eq!(list(b""), [""; 0]);
        assert_eq!(list(&[b'x'; 70_000]), ["lost list: a line is longer than any path"]);
    }

    #[test]
    fn folders_are_searched_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        };
        ["b/2.h4mk", "b/.hidden.h4mk", "a.H4MK", "c.txt", "b/1.h4mk", "z/.d/x.h4mk"].into_iter().for_each(make);
        #[cfg(unix)]
        std::os::unix::fs::symlink("..", dir.path().join("b/loop")).unwrap();
        let found = names(expand(Input::Path(dir.path().into())));
        let inside = ["a.H4MK", "b/.hidden.h4mk", "b/1.h4mk", "b/2.h4mk", "z/.d/x.h4mk"];
        assert_eq!(found, inside.map(|name| format!("found {}", dir.path().join(name).display())));
        let missing = names(expand(Input::Path(dir.path().join("none"))));
        assert!(missing[0].starts_with("named "), "{missing:?}");
    }
}
