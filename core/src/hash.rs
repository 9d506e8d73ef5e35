//! SHA-2 digests over parts of a file, in steps that report progress and can be cancelled.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use sha2::{Digest, Sha256, Sha384, Sha512};

use super::bytes::Bytes;
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

/// Bytes that are read as if they were others: repairs that were located but not made.
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    patches: BTreeMap<u64, u8>,
}

impl Overlay {
    /// Reads `value` at that file offset.
    pub fn set(&mut self, offset: u64, value: u8) {
        self.patches.insert(offset, value);
    }

    /// Reads `values` from that file offset on.
    pub fn set_all(&mut self, offset: u64, values: &[u8]) {
        (offset..).zip(values).for_each(|(offset, value)| self.set(offset, *value));
    }

    /// The same with the bytes of `range` read as they are.
    pub(crate) fn without(&self, range: Range<u64>) -> Self {
        let outside = self.patches.iter().filter(|(offset, _)| !range.contains(offset));
        Self { patches: outside.map(|(offset, value)| (*offset, *value)).collect() }
    }

    /// Nothing is read as anything else.
    pub fn is_empty(&self) -> bool {
        self.patches.is_empty()
    }

    /// `part`, which stands at `offset`, as it is to be read.
    pub fn apply<'a>(&self, offset: u64, part: impl Into<Cow<'a, [u8]>>) -> Cow<'a, [u8]> {
        let mut part = part.into();
        for (at, value) in self.patches.range(offset..offset.saturating_add(part.len() as u64)) {
            if let Some(byte) = part.to_mut().get_mut((at - offset) as usize) {
                *byte = *value;
            }
        }
        part
    }
}

impl Algorithm {
    /// All there are, the format's own first.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

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

    /// The algorithm that makes digests of that many bytes.
    pub fn from_digest_len(len: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.digest_len() == len)
    }

    /// A digest to be made bit by bit.
    pub fn hasher(self) -> Hasher {
        match self {
            Self::Sha256 => Hasher::Sha256(Sha256::new()),
            Self::Sha384 => Hasher::Sha384(Sha384::new()),
            Self::Sha512 => Hasher::Sha512(Sha512::new()),
        }
    }

    /// The digest of no bytes.
    pub fn digest_of_nothing(self) -> Vec<u8> {
        self.hasher().finish()
    }

    /// The digest of the concatenation of `ranges` of `bytes`, seen through `overlay`.
    pub fn digest(
        self,
        bytes: Bytes<'_>,
        overlay: &Overlay,
        ranges: impl Iterator<Item = Range<u64>>,
        task: &Task,
    ) -> Result<Vec<u8>, Cancelled> {
        let mut hasher = self.hasher();
        for range in ranges {
            hasher.update_range(bytes, overlay, range, task)?;
        }
        Ok(hasher.finish())
    }
}

/// A digest in the making.
#[derive(Debug, Clone)]
pub enum Hasher {
    /// SHA-256.
    Sha256(Sha256),
    /// SHA-384.
    Sha384(Sha384),
    /// SHA-512.
    Sha512(Sha512),
}

impl Hasher {
    /// Takes in more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha384(hash) => hash.update(bytes),
            Self::Sha512(hash) => hash.update(bytes),
        }
    }

    /// Takes in what there is of a range of `bytes`, seen through `overlay`.
    pub fn update_range(
        &mut self,
        bytes: Bytes<'_>,
        overlay: &Overlay,
        range: Range<u64>,
        task: &Task,
    ) -> Result<(), Cancelled> {
        let mut at = range.start;
        while at < range.end {
            let part = bytes.available(at, STEP.min(range.end - at)).read();
            if part.is_empty() {
                break;
            }
            let len = part.len() as u64;
            self.update(&overlay.apply(at, part));
            at += len;
            task.advance(len)?;
        }
        task.check()
    }

    /// The digest.
    pub fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha256(hash) => hash.finalize().to_vec(),
            Self::Sha384(hash) => hash.finalize().to_vec(),
            Self::Sha512(hash) => hash.finalize().to_vec(),
        }
    }
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
        let digest = Algorithm::Sha256
            .digest(b"xabxcx".into(), &Overlay::default(), [1..3, 4..5].into_iter(), &Task::default())
            .unwrap();
        assert_eq!(hex(&digest), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(unhex(&hex(&digest)), Some(digest));
        assert_eq!((unhex("abc"), unhex("zz")), (None, None));
        assert_eq!(Algorithm::from_name("SHA-256"), Some(Algorithm::Sha256));
    }

    #[test]
    fn an_overlay_is_read_instead() {
        let mut overlay = Overlay::default();
        overlay.set_all(1, b"ab");
        let digest = |bytes: &[u8; 4], overlay| {
            Algorithm::Sha256.digest(bytes.into(), overlay, std::iter::once(0..4), &Task::default())
        };
        assert_eq!(digest(b"x..y", &overlay), digest(b"xaby", &Overlay::default()));
    }

    #[test]
    fn a_cancelled_job_stops() {
        let task = Task::default();
        task.cancel();
        assert_eq!(
            Algorithm::Sha256.digest(b"abc".into(), &Overlay::default(), std::iter::once(0..3), &task),
            Err(Cancelled)
        );
    }
}
