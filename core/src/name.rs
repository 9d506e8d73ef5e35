//! Names of files as text. A name needs not be UTF-8, and two of those must not become one.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::path::{Path, PathBuf};

/// How a name is written that isn't UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Its bytes are percent-encoded, as in URIs.
    Percent,
}

impl Encoding {
    /// The name used in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Percent => "percent",
        }
    }
}

/// The name of a file: as it is where that is UTF-8, else with its bytes percent-encoded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileName {
    text: String,
    percent: bool,
}

impl FileName {
    /// The name as text, not escaped yet for a terminal.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How the text is encoded where the name isn't UTF-8.
    pub fn encoding(&self) -> Option<Encoding> {
        self.percent.then_some(Encoding::Percent)
    }

    /// A name that was written down as [`as_str`](Self::as_str) and the [name](Encoding::name) of its
    /// [`encoding`](Self::encoding) give it.
    pub fn written(text: String, encoding: Option<&str>) -> Self {
        Self { text, percent: encoding == Some(Encoding::Percent.name()) }
    }

    /// The path it is the name of.
    pub fn to_path(&self) -> PathBuf {
        #[cfg(unix)]
        if self.percent {
            return <std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(decoded(&self.text)).into();
        }
        PathBuf::from(&self.text)
    }

    /// The name percent-encoded in any case, as URIs have it.
    pub fn percent_encoded(&self) -> Cow<'_, str> {
        if self.percent { Cow::Borrowed(&self.text) } else { Cow::Owned(percent_encoded(self.text.as_bytes())) }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<String> for FileName {
    fn from(text: String) -> Self {
        Self { text, percent: false }
    }
}

impl From<&str> for FileName {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<&Path> for FileName {
    fn from(path: &Path) -> Self {
        match path.to_str() {
            Some(text) => text.into(),
            None => Self { text: percent_encoded(path.as_os_str().as_encoded_bytes()), percent: true },
        }
    }
}

/// All bytes but `A`–`Z a`–`z 0`–`9 - . _ ~ /` as `%XX`.
pub fn percent_encoded(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(*byte)),
            byte => _ = write!(out, "%{byte:02X}"),
        }
    }
    out
}

#[cfg(unix)]
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_text_stay_as_they_are() {
        let name = FileName::from(Path::new("a b/Ø%.h4mk"));
        assert_eq!((name.as_str(), name.encoding()), ("a b/Ø%.h4mk", None));
        assert_eq!(name.percent_encoded(), "a%20b/%C3%98%25.h4mk");
    }

    #[cfg(unix)]
    #[test]
    fn of_other_names_each_byte_is_kept() {
        use std::os::unix::ffi::OsStrExt;
        let name = |bytes: &[u8]| FileName::from(Path::new(std::ffi::OsStr::from_bytes(bytes)));
        assert_eq!(
            (name(b"a%\xff.h4mk").as_str(), name(b"\xff").encoding()),
            ("a%25%FF.h4mk", Some(Encoding::Percent))
        );
        assert_eq!(name(b"d/\xfe").percent_encoded(), "d/%FE");
        for bytes in [b"a%\xff.h4mk".as_slice(), b"a%41\xff/%", b"%41", b"plain"] {
            let written = FileName::written(name(bytes).to_string(), name(bytes).encoding().map(Encoding::name));
            assert_eq!((written.to_path().as_os_str().as_bytes(), &written), (bytes, &name(bytes)));
        }
        assert_ne!(name(b"a\xff\\xfe"), name(b"a\\xff\xfe"));
    }
}
