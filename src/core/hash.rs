//! SHA-2 digests over parts of a file, in steps that report progress and can be cancelled.

use std::ops::Range;

use sha2::{Digest, Sha256, Sha384, Sha512};

use super::bytes::available;
use super::task::{Cancelled, Task};

/// A hash that can be recomputed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-256, the format's own.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

const STEP: u64 = 1 << 20;

impl Algorithm {
    /// The algorithm of that name, in any spelling: `sha256`, `SHA-256`.
    pub fn from_name(name: &str) -> Option<Self> {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        match plain.to_ascii_lowercase().as_str() {
            "sha256" => Some(Self::Sha256),
            "sha384" => Some(Self::Sha384),
            "sha512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// `sha256` and so on.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// Bytes of a digest.
    pub fn digest_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The digest of the concatenation of `ranges` of `bytes`.
    pub fn digest(
        self,
        bytes: &[u8],
        ranges: impl Iterator<Item = Range<u64>>,
        task: &Task,
    ) -> Result<Vec<u8>, Cancelled> {
        match self {
            Self::Sha256 => digest::<Sha256>(bytes, ranges, task),
            Self::Sha384 => digest::<Sha384>(bytes, ranges, task),
            Self::Sha512 => digest::<Sha512>(bytes, ranges, task),
        }
    }
}

fn digest<D: Digest>(
    bytes: &[u8],
    ranges: impl Iterator<Item = Range<u64>>,
    task: &Task,
) -> Result<Vec<u8>, Cancelled> {
    let mut hash = D::new();
    for range in ranges {
        let mut at = range.start;
        while at < range.end {
            let part = available(bytes, at, STEP.min(range.end - at));
            if part.is_empty() {
                break;
            }
            hash.update(part);
            at += part.len() as u64;
            task.advance(part.len() as u64)?;
        }
    }
    Ok(hash.finalize().to_vec())
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Bytes from hex digits of either case.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| Some(c.to_digit(16)? as u8)).collect();
    let digits = digits.filter(|d| d.len().is_multiple_of(2))?;
    let (pairs, _) = digits.as_chunks::<2>();
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_hashed_as_one() {
        let digest = Algorithm::Sha256.digest(b"xabxcx", [1..3, 4..5].into_iter(), &Task::default()).unwrap();
        assert_eq!(hex(&digest), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(unhex(&hex(&digest)), Some(digest));
        assert_eq!((unhex("abc"), unhex("zz")), (None, None));
        assert_eq!(Algorithm::from_name("SHA-256"), Some(Algorithm::Sha256));
    }

    #[test]
    fn a_cancelled_job_stops() {
        let task = Task::default();
        task.cancel();
        assert_eq!(Algorithm::Sha256.digest(b"abc", std::iter::once(0..3), &task), Err(Cancelled));
    }
}
