//! Lists of names, as `find` and version control write them.

use std::io::{BufRead, Read};
use std::path::PathBuf;
use std::sync::Arc;

use super::expand::expand;
use super::select::Selection;
use super::target::Target;
use crate::cli::input::Input;

/// Longer than any path, so that a list that is none does not fill the memory.
const LONGEST_NAME: u64 = 64 << 10;
const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";
const UTF16_BOMS: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// What ends a name in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Separator {
    /// A line feed, or a carriage return and a line feed.
    Line,
    /// A NUL byte; names may hold any other.
    Null,
}

/// What the names in a list stand for. Empty names don't count, nor does a byte order mark at the start. What can't be
/// read of the list itself is a target that is lost, under the list's name.
pub(in crate::cli) fn listed(
    list: Box<dyn BufRead + Send>,
    name: PathBuf,
    separator: Separator,
    selection: Arc<Selection>,
) -> impl Iterator<Item = Target> + Send {
    names(list, separator).flat_map(move |found| match found {
        Ok(path) => expand(Input::Path(path), &selection),
        Err(why) => Box::new(std::iter::once(Target::lost(name.clone(), why))),
    })
}

fn names(
    mut list: Box<dyn BufRead + Send>,
    separator: Separator,
) -> impl Iterator<Item = Result<PathBuf, String>> + Send {
    let end = if separator == Separator::Null { b'\0' } else { b'\n' };
    let (mut is_first, mut ended) = (true, false);
    let read_name = move || {
        if ended {
            return None;
        }
        let mut name = Vec::new();
        let read = list.by_ref().take(LONGEST_NAME).read_until(end, &mut name);
        let whole = matches!(read, Ok(n) if (n as u64) < LONGEST_NAME);
        ended = !whole || name.is_empty();
        match read {
            Ok(0) => return None,
            Ok(_) if !whole => {
                return Some(Err("a name in it is longer than any path; is this a list of names?".to_owned()));
            }
            Ok(_) => {}
            Err(error) => return Some(Err(error.to_string())),
        }
        if std::mem::take(&mut is_first) {
            if UTF16_BOMS.iter().any(|bom| name.starts_with(bom)) {
                ended = true;
                return Some(Err("the list is UTF-16; save it as UTF-8".to_owned()));
            }
            if name.starts_with(UTF8_BOM) {
                name.drain(..UTF8_BOM.len());
            }
        }
        if name.last() == Some(&end) {
            name.pop();
            if separator == Separator::Line && name.last() == Some(&b'\r') {
                name.pop();
            }
        }
        if separator == Separator::Line && name.contains(&b'\0') {
            ended = true;
            return Some(Err("the list holds NUL bytes; read it with --null".to_owned()));
        }
        Some(Ok(name))
    };
    let is_blank = |name: &Result<Vec<u8>, String>| name.as_ref().is_ok_and(Vec::is_empty);
    std::iter::from_fn(read_name).filter(move |name| !is_blank(name)).map(|name| name.map(path_of))
}

fn path_of(name: Vec<u8>) -> PathBuf {
    #[cfg(unix)]
    let name: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(name);
    #[cfg(not(unix))]
    let name = String::from_utf8_lossy(&name).into_owned();
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], separator: Separator) -> Vec<String> {
        let list = Box::new(std::io::Cursor::new(text.to_vec()));
        names(list, separator)
            .map(|name| name.map_or_else(|why| why, |path| path.to_str().unwrap().to_owned()))
            .collect()
    }

    #[test]
    fn a_list_has_a_name_a_line() {
        for list in ["a\n\nb c\n-", "a\r\n\r\nb c\r\n-\r\n", "\u{feff}a\r\nb c\n-\n", "\u{feff}\r\na\nb c\n-"] {
            assert_eq!(read(list.as_bytes(), Separator::Line), ["a", "b c", "-"], "{list:?}");
        }
        assert_eq!(read(b"a\rb\n", Separator::Line), ["a\rb"]);
        assert_eq!(read("a\n\u{feff}b".as_bytes(), Separator::Line), ["a", "\u{feff}b"]);
        assert_eq!(read(b"", Separator::Line), [""; 0]);
        assert_eq!(read("\u{feff}".as_bytes(), Separator::Line), [""; 0]);
    }

    #[test]
    fn a_name_that_ends_in_nul_may_hold_all_else() {
        assert_eq!(read(b"a\nb\r\0\0c\r\n\0d", Separator::Null), ["a\nb\r", "c\r\n", "d"]);
        assert_eq!(read("\u{feff}a\0b\0".as_bytes(), Separator::Null), ["a", "b"]);
    }

    #[test]
    fn what_is_no_list_says_so_once() {
        for separator in [Separator::Line, Separator::Null] {
            let long = read(&vec![b'x'; 200_000], separator);
            assert!(long.len() == 1 && long[0].contains("longer than any path"), "{long:?}");
        }
        assert!(read(b"a\0b\0", Separator::Line)[0].contains("--null"));
        for utf16 in [b"\xff\xfea\0\n\0", b"\xfe\xff\0a\0\n"] {
            let names = read(utf16, Separator::Line);
            assert!(names.len() == 1 && names[0].contains("UTF-16"), "{names:?}");
        }
    }
}
