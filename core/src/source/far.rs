//! Bytes that are read by ranges, since they can't be mapped: a user's own [`ReadAt`], a file larger than the address space.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Change;
use crate::bytes::Ranges;
use crate::recent::Recent;

/// What small reads are rounded to.
const PAGE: u64 = 64 << 10;
/// Bytes of pages that are kept.
const KEPT: u64 = 16 << 20;

/// Something that bytes can be read from at any offset: an object in a bucket, a file in an archive. Reads come from
/// several threads at once, and wait for their answer.
///
/// ```
/// use std::io;
/// use h4mk::source::{ReadAt, Source};
///
/// struct Zeros;
///
/// impl ReadAt for Zeros {
///     fn len(&self) -> io::Result<u64> {
///         Ok(1 << 40)
///     }
///
///     fn read_at(&self, _offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
///         buffer.fill(0);
///         Ok(buffer.len())
///     }
/// }
///
/// let source = Source::from_reader("zeros", Zeros)?;
/// assert_eq!(source.bytes().get(1 << 39), Some(0));
/// # Ok::<(), h4mk::source::SourceError>(())
/// ```
pub trait ReadAt: Send + Sync {
    /// Length in bytes. Asked once, when the last byte is read too; what the source gains later isn't seen.
    fn len(&self) -> io::Result<u64>;

    /// Reads bytes from `offset` on and says how many: fewer than `buffer` holds are asked for again, none at all are
    /// taken for the end. What can't be read reads as zeros, and [`Source::change`](super::Source::change) says so.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// What happened since it was opened, as far as that is known without reading.
    fn change(&self) -> Option<Change> {
        None
    }

    /// Nothing in it.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// A [`ReadAt`], its small reads cached.
pub(super) struct Far {
    reader: Box<dyn ReadAt>,
    len: u64,
    /// Where reading failed first; the length where it didn't.
    lost_from: AtomicU64,
    pages: Mutex<Recent<u64, Arc<[u8]>>>,
}

impl Far {
    pub(super) fn new(reader: Box<dyn ReadAt>) -> io::Result<Self> {
        let len = reader.len()?;
        // Whoever lies about the length would have all of it searched for what isn't there.
        if let Some(last) = len.checked_sub(1)
            && reader.read_at(last, &mut [0])? == 0
        {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("it ends before its {len} bytes")));
        }
        Ok(Self { reader, len, lost_from: AtomicU64::new(len), pages: Mutex::new(Recent::new(KEPT)) })
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// What happened to it, as [`Source::change`](super::Source::change) says it.
    pub(super) fn change(&self) -> Option<Change> {
        let lost = Some(self.lost_from.load(Ordering::Relaxed)).filter(|offset| *offset < self.len);
        self.reader.change().or(lost.map(|offset| Change::Unreadable { offset }))
    }

    /// Fills `buffer`, with zeros where nothing comes.
    fn read(&self, offset: u64, buffer: &mut [u8]) {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.reader.read_at(offset.saturating_add(filled as u64), rest) {
                // What says that it read more than there was room for has read no more than that.
                Ok(read) if read > 0 => filled += read.min(rest.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => {
                    rest.fill(0);
                    self.lost_from.fetch_min(offset.saturating_add(filled as u64), Ordering::Relaxed);
                    return;
                }
            }
        }
    }

    fn page(&self, number: u64) -> Arc<[u8]> {
        let pages = || self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = pages().get(number) {
            return page;
        }
        let start = number * PAGE;
        let mut bytes = vec![0; PAGE.min(self.len.saturating_sub(start)) as usize];
        self.read(start, &mut bytes);
        let page: Arc<[u8]> = bytes.into();
        pages().put(number, page.clone(), page.len() as u64);
        page
    }
}

impl Ranges for Far {
    fn fill(&self, offset: u64, buffer: &mut [u8]) {
        if buffer.len() as u64 > PAGE {
            return self.read(offset, buffer);
        }
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(filled as u64);
            let page = self.page(at / PAGE);
            let part = page.get((at % PAGE) as usize..).unwrap_or_default();
            if part.is_empty() {
                return rest.fill(0);
            }
            rest.iter_mut().zip(part).for_each(|(byte, part)| *byte = *part);
            filled += part.len().min(rest.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives at most so many bytes at a time, and none from an offset on.
    struct Slow {
        bytes: Vec<u8>,
        at_most: usize,
        fails_at: u64,
    }

    impl ReadAt for Slow {
        fn len(&self) -> io::Result<u64> {
            Ok(self.bytes.len() as u64)
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
            if offset >= self.fails_at {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let part = crate::bytes::available(&self.bytes, offset, self.at_most.min(buffer.len()) as u64);
            let part = &part[..part.len().min((self.fails_at - offset) as usize)];
            buffer[..part.len()].copy_from_slice(part);
            Ok(part.len())
        }
    }

    fn far(len: usize, at_most: usize, fails_at: u64) -> Far {
        let bytes = (0..len).map(|at| (at * 7) as u8 | 1).collect();
        let (reader, len) = (Box::new(Slow { bytes, at_most, fails_at }), len as u64);
        Far { reader, len, lost_from: AtomicU64::new(len), pages: Mutex::new(Recent::new(KEPT)) }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_part_is_read_through_pages_or_past_them(
            len in 1..300_000usize,
            at_most in 1000..100_000usize,
            parts in prop::collection::vec((0..300_000u64, 0..150_000u64), 1..8),
        ) {
            let far = far(len, at_most, u64::MAX);
            let bytes = crate::bytes::Bytes::far(&far, far.len());
            for (offset, len) in parts {
                let part = bytes.available(offset, len).to_vec();
                prop_assert!(part.iter().zip(offset..).all(|(byte, at)| *byte == (at * 7) as u8 | 1));
            }
            prop_assert_eq!(far.change(), None);
        }
    }

    #[test]
    fn what_cannot_be_read_is_zeros_and_said() {
        for len in [10, 100_000] {
            let far = far(200_000, 1 << 20, 70_000);
            let mut part = vec![9; len];
            far.fill(69_999, &mut part);
            assert_eq!((part[0], &part[1..]), ((69_999u64 * 7) as u8 | 1, &vec![0; len - 1][..]));
            assert_eq!(far.change(), Some(Change::Unreadable { offset: 70_000 }));
        }
    }

    #[test]
    fn a_length_that_is_a_lie_is_refused() {
        struct Short;
        impl ReadAt for Short {
            fn len(&self) -> io::Result<u64> {
                Ok(u64::MAX)
            }

            fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<usize> {
                Ok(0)
            }
        }
        let refused = Far::new(Box::new(Short)).err().unwrap();
        assert_eq!(refused.to_string(), "it ends before its 18446744073709551615 bytes");
    }
}
