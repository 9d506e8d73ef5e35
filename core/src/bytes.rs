//! [`Bytes`]: a part of a file that is read when its bytes are asked for, and numbers read out of it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// Bytes that are handed out at a time where a range is read piece by piece.
const PIECE: u64 = 1 << 20;

/// Bytes that can only be read range by range. A read never fails: what can't be read is zeros, and the owner of the
/// bytes knows that it is.
pub(crate) trait Ranges: Send + Sync {
    /// Fills `buffer` with the bytes from `offset` on.
    fn fill(&self, offset: u64, buffer: &mut [u8]);
}

/// A part of a file, or bytes in memory. A handle: making one or a part of one reads nothing, and it copies like a number.
///
/// Another process may write to the file at any time, so two reads of one byte may differ. What is read once may be
/// [borrowed](Self::read); what is checked first and used afterwards has to be [copied](Self::copied).
#[derive(Clone, Copy)]
pub struct Bytes<'a> {
    store: Store<'a>,
    /// Of what is far: where the part begins, and its length. What is held is cut itself.
    start: u64,
    len: u64,
}

#[derive(Clone, Copy)]
enum Store<'a> {
    Held(&'a [u8]),
    Far(&'a dyn Ranges),
}

impl<'a> Bytes<'a> {
    pub(crate) fn far(ranges: &'a dyn Ranges, len: u64) -> Self {
        Self { store: Store::Far(ranges), start: 0, len }
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What there is of `len` bytes from `offset` on.
    #[must_use]
    pub fn available(self, offset: u64, len: u64) -> Self {
        let start = offset.min(self.len);
        let len = len.min(self.len - start);
        match self.store {
            Store::Held(bytes) => available(bytes, start, len).into(),
            Store::Far(_) => Self { start: self.start.saturating_add(start), len, ..self },
        }
    }

    /// `len` bytes from `offset` on, or `None` where they are not all there.
    pub fn slice(self, offset: u64, len: u64) -> Option<Self> {
        let end = offset.checked_add(len)?;
        (end <= self.len).then(|| self.available(offset, len))
    }

    /// What there is of a range.
    #[must_use]
    pub fn range(self, range: Range<u64>) -> Self {
        self.available(range.start, range.end.saturating_sub(range.start))
    }

    /// All from `offset` on.
    #[must_use]
    pub fn after(self, offset: u64) -> Self {
        self.available(offset, u64::MAX)
    }

    /// All of them at once: borrowed where they are in memory or mapped, else read. For bytes that are looked at once.
    pub fn read(self) -> Cow<'a, [u8]> {
        match self.store {
            Store::Held(bytes) => Cow::Borrowed(bytes),
            Store::Far(_) => Cow::Owned(self.to_vec()),
        }
    }

    /// A copy, which nobody else writes to.
    pub fn to_vec(self) -> Vec<u8> {
        match self.store {
            Store::Held(bytes) => bytes.to_vec(),
            Store::Far(ranges) => {
                let mut copy = vec![0; usize::try_from(self.len).unwrap_or(usize::MAX)];
                ranges.fill(self.start, &mut copy);
                copy
            }
        }
    }

    /// The same, as what may be checked first and used afterwards.
    pub fn copied(self) -> Copied {
        Copied(self.to_vec())
    }

    /// The byte there.
    pub fn get(self, offset: u64) -> Option<u8> {
        self.array(offset).map(|[byte]| byte)
    }

    /// `N` bytes from `offset` on; `None` where they are not all there.
    pub fn array<const N: usize>(self, offset: u64) -> Option<[u8; N]> {
        match self.store {
            Store::Held(bytes) => bytes.get(usize::try_from(offset).ok()?..)?.first_chunk().copied(),
            Store::Far(ranges) => {
                let part = self.slice(offset, N as u64)?;
                let mut array = [0; N];
                ranges.fill(part.start, &mut array);
                Some(array)
            }
        }
    }

    /// What there is of `N` bytes from `offset` on, for a look at what something begins with.
    pub(crate) fn head<const N: usize>(self, offset: u64) -> Head<N> {
        if let Some(bytes) = self.array(offset) {
            return Head { bytes, len: N };
        }
        let (there, mut bytes) = (self.available(offset, N as u64).read(), [0; N]);
        bytes.iter_mut().zip(&*there).for_each(|(byte, there)| *byte = *there);
        Head { bytes, len: there.len() }
    }

    /// Whether these are the same as the others.
    pub fn are(self, others: Bytes<'_>) -> bool {
        self.len == others.len && self.pieces().zip(others.pieces()).all(|(piece, other)| piece == other)
    }

    /// The first place at which they aren't what the others are; where one ends before the other that is its end.
    pub fn first_difference(self, others: Bytes<'_>) -> Option<u64> {
        let mut at = 0;
        for (piece, other) in self.pieces().zip(others.pieces()) {
            if let Some(place) = piece.iter().zip(&*other).position(|(a, b)| a != b) {
                return Some(at + place as u64);
            }
            at += piece.len().min(other.len()) as u64;
        }
        (self.len != others.len).then_some(at)
    }

    /// They begin with these.
    pub fn starts_with(self, begin: &[u8]) -> bool {
        self.slice(0, begin.len() as u64).is_some_and(|part| *part.read() == *begin)
    }

    /// All of them in order, in pieces of at most 1 MiB, so that no more is in memory at a time.
    pub fn pieces(self) -> impl Iterator<Item = Cow<'a, [u8]>> {
        let mut rest = self;
        std::iter::from_fn(move || {
            let piece = rest.available(0, PIECE);
            rest = rest.after(PIECE);
            (!piece.is_empty()).then(|| piece.read())
        })
    }
}

impl Default for Bytes<'_> {
    fn default() -> Self {
        (&[]).into()
    }
}

impl<'a> From<&'a [u8]> for Bytes<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self { store: Store::Held(bytes), start: 0, len: bytes.len() as u64 }
    }
}

impl<'a> From<&'a Vec<u8>> for Bytes<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        bytes.as_slice().into()
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Bytes<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        bytes.as_slice().into()
    }
}

impl<'a> From<&'a Cow<'_, [u8]>> for Bytes<'a> {
    fn from(bytes: &'a Cow<'_, [u8]>) -> Self {
        (&**bytes).into()
    }
}

impl fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bytes").field("len", &self.len).finish_non_exhaustive()
    }
}

/// Bytes that are this program's own: nobody writes to them after they were checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied(Vec<u8>);

impl Copied {
    /// Bytes that are in memory already.
    pub fn from_vec(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl std::ops::Deref for Copied {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// Up to `N` bytes, copied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> std::ops::Deref for Head<N> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// `len` bytes from `offset`, or `None` where they are not all there.
pub(crate) fn slice(bytes: &[u8], offset: u64, len: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    bytes.get(start..start.checked_add(usize::try_from(len).ok()?)?)
}

/// The part of `len` bytes from `offset` that is there.
pub(crate) fn available(bytes: &[u8], offset: u64, len: u64) -> &[u8] {
    let clamp = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    bytes.get(clamp(offset)..clamp(offset.saturating_add(len))).unwrap_or_default()
}

macro_rules! readers {
    ($($name:ident $type:ty, $from:ident;)*) => { $(
        pub(crate) fn $name<'a>(bytes: impl Into<Bytes<'a>>, offset: u64) -> Option<$type> {
            bytes.into().array(offset).map(<$type>::$from)
        }
    )* };
}

readers! {
    be_u16 u16, from_be_bytes;
    be_u32 u32, from_be_bytes;
    be_u64 u64, from_be_bytes;
    le_u16 u16, from_le_bytes;
    le_u32 u32, from_le_bytes;
    le_u64 u64, from_le_bytes;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Remote(Vec<u8>);

    impl Ranges for Remote {
        fn fill(&self, offset: u64, buffer: &mut [u8]) {
            buffer.copy_from_slice(slice(&self.0, offset, buffer.len() as u64).unwrap());
        }
    }

    proptest! {
        #[test]
        fn parts_are_the_same_wherever_the_bytes_are(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            cuts in prop::collection::vec((0..220u64, 0..220u64), 0..4),
            at in 0..220u64,
        ) {
            let remote = Remote(bytes.clone());
            let (mut far, mut held) = (Bytes::far(&remote, bytes.len() as u64), Bytes::from(&bytes));
            let mut plain = bytes.as_slice();
            for (offset, len) in cuts {
                prop_assert_eq!(far.slice(offset, len).map(Bytes::to_vec), slice(plain, offset, len).map(<[u8]>::to_vec));
                (far, held, plain) = (far.available(offset, len), held.available(offset, len), available(plain, offset, len));
            }
            for part in [far, held] {
                prop_assert_eq!(&*part.read(), plain);
                prop_assert_eq!(part.pieces().flat_map(Cow::into_owned).collect::<Vec<_>>(), plain);
                prop_assert_eq!(&*part.after(at).copied(), available(plain, at, u64::MAX));
                prop_assert_eq!(part.array::<4>(at).map(Vec::from), slice(plain, at, 4).map(Vec::from));
                prop_assert_eq!(&*part.head::<4>(at), available(plain, at, 4));
                prop_assert_eq!(be_u16(part, at), be_u16(plain, at));
                prop_assert!(part.starts_with(available(plain, 0, at)));
            }
        }
    }

    #[test]
    fn no_offset_overflows() {
        let remote = Remote(vec![1, 2, 3]);
        for part in [Bytes::far(&remote, 3), Bytes::from(&remote.0)] {
            assert!(part.available(u64::MAX, u64::MAX).is_empty() && part.slice(u64::MAX, 2).is_none());
            assert_eq!(part.after(1).available(1, u64::MAX).to_vec(), [3]);
        }
    }
}
