//! Finds bytes in a [`ByteView`], counts all places and keeps those around one.

use std::borrow::Cow;
use std::ops::Range;

use aho_corasick::{AhoCorasick, Input};

use super::byte_view::{ByteSourceError, ByteView};
use crate::container::Container;
use crate::task::{Cancelled, Task};

/// Matches that are kept; all are counted.
pub const KEPT: usize = 1 << 16;

/// Bytes that are searched at a time.
const PIECE: usize = 1 << 20;

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Needle {
    bytes: Vec<u8>,
    searcher: AhoCorasick,
}

/// Why a text isn't a needle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NeedleError {
    /// There is nothing to find.
    #[error("nothing to find")]
    Empty,
    /// Hex digits are missing, or something else stands among them.
    #[error("write bytes as pairs of hex digits, such as 0x48 34; \"0x…\" in quotes finds the text")]
    Hex,
    /// It can't be searched for.
    #[error("too long to search for")]
    TooLong,
}

impl Needle {
    /// Bytes to find.
    pub fn new(bytes: Vec<u8>) -> Result<Self, NeedleError> {
        if bytes.is_empty() {
            return Err(NeedleError::Empty);
        }
        let searcher = AhoCorasick::new([&bytes]).map_err(|_| NeedleError::TooLong)?;
        Ok(Self { bytes, searcher })
    }

    /// What a user types: `0x48 34` or `x:48 34` are bytes, anything else is text; in quotes, everything is.
    pub fn parse(text: &str) -> Result<Self, NeedleError> {
        let hex = ["0x", "0X", "x:"].iter().find_map(|prefix| text.trim_start().strip_prefix(prefix));
        let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        match hex {
            Some(digits) => Self::new(hex_bytes(digits).ok_or(NeedleError::Hex)?),
            None => Self::new(quoted.unwrap_or(text).as_bytes().to_vec()),
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where it stands in `bytes`; places may overlap.
    pub fn places<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let mut from = 0;
        std::iter::from_fn(move || {
            let found = self.searcher.find(Input::new(bytes).range(from.min(bytes.len())..))?;
            from = found.start() + 1;
            Some(found.start())
        })
    }
}

fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b' ' | b'_' | b',' | b':')).collect();
    let (pairs, rest) = digits.as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

/// The places of a needle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Matches {
    /// How many places are before the kept ones.
    pub skipped: u64,
    /// Positions of those that are kept, ascending.
    pub kept: Vec<u64>,
    /// How many there are in all.
    pub total: u64,
}

impl Matches {
    /// The ordinal of the match at exactly that position.
    pub fn ordinal_at(&self, position: u64) -> Option<u64> {
        let at = self.kept.binary_search(&position).ok()?;
        Some(self.skipped + at as u64)
    }

    /// The next match after `position`, or the one before it; `None` where there is no match at all. `range` is what was
    /// searched.
    pub fn step(&self, range: &Range<u64>, position: u64, forward: bool) -> Option<Next> {
        let (first, last) = (*self.kept.first()?, *self.kept.last()?);
        let all_before = self.skipped == 0;
        let all_after = self.skipped + self.kept.len() as u64 == self.total;
        let at = |position, wrapped| Next::At { position, wrapped };
        let around = |position, wrapped| Next::Around { position, wrapped };
        Some(if forward {
            let next = self.kept.partition_point(|place| *place <= position);
            match self.kept.get(next) {
                Some(place) if next > 0 || all_before => at(*place, false),
                None if all_after && all_before => at(first, true),
                None if all_after => around(range.start, true),
                _ => around(position, false),
            }
        } else {
            let next = self.kept.partition_point(|place| *place < position);
            match next.checked_sub(1).and_then(|before| self.kept.get(before)) {
                Some(place) if next < self.kept.len() || all_after => at(*place, false),
                None if all_before && all_after => at(last, true),
                None if all_before => around(range.end, true),
                _ => around(position, false),
            }
        })
    }
}

/// What a step between matches leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// To a match.
    At {
        /// Where it is.
        position: u64,
        /// The search went round an end.
        wrapped: bool,
    },
    /// To one that was not kept: search again around a position, and step from there.
    Around {
        /// The position.
        position: u64,
        /// The search went round an end.
        wrapped: bool,
    },
}

/// Searches all of the byte view. Of more than `keep` matches those around the position `around` are kept. Progress is in
/// searched bytes.
pub fn find(
    container: &Container,
    byte_view: &ByteView,
    needle: &Needle,
    around: u64,
    keep: usize,
    task: &Task,
) -> Result<Matches, Cancelled> {
    let range = byte_view.range();
    find_in(range, |start, len| byte_view.read(container, start, len), needle, around, keep, task)
}

/// What a search through the content of blocks found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// The content of the first block on the way that holds the needle, and the places in it.
    pub found: Option<(ByteView, Matches)>,
    /// Blocks on the way whose content can't be had.
    pub unread: u64,
}

/// Searches the content of the blocks after block `from`, or going back of those before it, and round the end up to it;
/// ends at the first block that holds the needle, whose matches nearest to where the search enters it are kept. One
/// block at a time is in memory. Progress is in blocks.
pub fn find_from(
    container: &Container,
    needle: &Needle,
    from: u64,
    forward: bool,
    keep: usize,
    task: &Task,
) -> Result<Elsewhere, Cancelled> {
    let blocks = container.index().blocks();
    let others = blocks.saturating_sub(1);
    task.set_total(others);
    let mut elsewhere = Elsewhere::default();
    for step in 1..=others {
        let on = if forward { step } else { blocks - step };
        let block = from.saturating_add(on) % blocks;
        let Some(chunk) = container.index().block(block) else { continue };
        let part = task.part();
        match container.coding(block, &part) {
            Ok(coding) => {
                let content = ByteView::Decoded { chunk, coding };
                let around = if forward { 0 } else { u64::MAX };
                let matches = find(container, &content, needle, around, keep, &part)?;
                if matches.total > 0 {
                    elsewhere.found = Some((content, matches));
                    break;
                }
            }
            Err(ByteSourceError::Cancelled(cancelled)) => return Err(cancelled),
            Err(ByteSourceError::Block(_)) => elsewhere.unread += 1,
        }
        task.advance(1)?;
    }
    Ok(elsewhere)
}

fn find_in<'a>(
    range: Range<u64>,
    read: impl Fn(u64, usize) -> Cow<'a, [u8]>,
    needle: &Needle,
    around: u64,
    keep: usize,
    task: &Task,
) -> Result<Matches, Cancelled> {
    task.set_total(range.end.saturating_sub(range.start));
    let half = (keep / 2).max(1);
    let mut before = std::collections::VecDeque::new();
    let mut after = Vec::new();
    let mut total = 0u64;
    let mut passed = 0u64;
    let mut start = range.start;
    while start < range.end {
        let piece = read(start, PIECE + needle.bytes.len() - 1);
        for place in needle.places(&piece).take_while(|place| *place < PIECE) {
            let position = start + place as u64;
            total += 1;
            if position < around {
                passed += 1;
                before.push_back(position);
                if before.len() > half {
                    before.pop_front();
                }
            } else if after.len() < half {
                after.push(position);
            }
        }
        start = start.saturating_add(PIECE as u64);
        task.reach(start.min(range.end) - range.start)?;
    }
    let skipped = passed - before.len() as u64;
    Ok(Matches { skipped, kept: before.into_iter().chain(after).collect(), total })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn search(bytes: &[u8], needle: &[u8], around: u64, keep: usize) -> Matches {
        let needle = Needle::new(needle.to_vec()).unwrap();
        let read = |start: u64, len: usize| {
            let start = usize::try_from(start).unwrap();
            Cow::Borrowed(&bytes[start..bytes.len().min(start + len)])
        };
        find_in(0..bytes.len() as u64, read, &needle, around, keep, &Task::default()).unwrap()
    }

    #[test]
    fn needles_are_text_or_bytes() {
        let bytes = |text: &str| Needle::parse(text).map(|needle| needle.bytes);
        assert_eq!(bytes("H4"), Ok(b"H4".to_vec()));
        assert_eq!(bytes("0x48 34"), Ok(b"H4".to_vec()));
        assert_eq!(bytes("0x4834"), Ok(b"H4".to_vec()));
        assert_eq!(bytes("x:48:34"), Ok(b"H4".to_vec()));
        assert_eq!(bytes("\"0x\""), Ok(b"0x".to_vec()));
        assert_eq!(bytes(" ä"), Ok(" ä".as_bytes().to_vec()), "a space is text");
        assert_eq!(bytes("0x483"), Err(NeedleError::Hex));
        assert_eq!(bytes("0xzz"), Err(NeedleError::Hex));
        assert_eq!((bytes("0x"), bytes("\"\"")), (Err(NeedleError::Empty), Err(NeedleError::Empty)));
    }

    #[test]
    fn matches_overlap_and_cross_pieces() {
        assert_eq!(search(b"aaaa", b"aa", 0, 10).kept, [0, 1, 2]);
        let mut bytes = vec![0; 2 * PIECE + 5];
        bytes[PIECE - 1..PIECE + 2].copy_from_slice(b"abc");
        bytes[2 * PIECE + 2..].copy_from_slice(b"abc");
        assert_eq!(search(&bytes, b"abc", 0, 10).kept, [PIECE as u64 - 1, 2 * PIECE as u64 + 2]);
    }

    #[test]
    fn a_cancelled_search_ends() {
        let task = Task::default();
        task.cancel();
        let needle = Needle::new(vec![0]).unwrap();
        let found = find_in(0..u64::MAX, |_, len| Cow::Owned(vec![1; len]), &needle, 0, 1, &task);
        assert_eq!(found, Err(Cancelled));
    }

    #[test]
    fn steps_go_round_the_end_and_say_so() {
        let matches = search(b"x..x..x", b"x", 0, 10);
        let step = |position, forward| match matches.step(&(0..7), position, forward) {
            Some(Next::At { position, wrapped }) => (position, wrapped),
            other => panic!("{other:?}"),
        };
        assert_eq!((step(0, true), step(6, true)), ((3, false), (0, true)));
        assert_eq!((step(5, false), step(0, false)), ((3, false), (6, true)));
        assert_eq!(Matches::default().step(&(0..7), 5, false), None);
    }

    #[test]
    fn what_is_not_kept_is_searched_again() {
        let matches = search(&[b'x'; 100], b"x", 50, 10);
        assert_eq!((matches.total, matches.skipped, matches.kept.clone()), (100, 45, (45..55).collect()));
        assert_eq!(matches.ordinal_at(50), Some(50));
        let step = |matches: &Matches, position, forward| matches.step(&(0..100), position, forward);
        let around = |position, wrapped| Some(Next::Around { position, wrapped });
        assert_eq!((step(&matches, 54, true), step(&matches, 45, false)), (around(54, false), around(45, false)));
        assert_eq!((step(&matches, 0, true), step(&matches, 99, false)), (around(0, false), around(99, false)));
        let at_end = search(&[b'x'; 100], b"x", 99, 10);
        assert_eq!(step(&at_end, 99, true), around(0, true));
        let at_start = search(&[b'x'; 100], b"x", 0, 10);
        assert_eq!(step(&at_start, 0, false), around(100, true));
    }

    /// Blocks of three bytes each.
    fn container(bytes: &[u8]) -> Container {
        use crate::{container::Options, source::Source, walk::Depth};
        let mut file = b"H4MK\0\x01\0\0".to_vec();
        for byte in bytes {
            let payload = [*byte, 3];
            file.extend(b"CORE\0\0\0\x02");
            file.extend(crc32fast::hash(&payload).to_be_bytes());
            file.extend(payload);
        }
        let source = std::sync::Arc::new(Source::from_bytes("x", file));
        Container::read(source, Options::default(), Depth::Headers, &Task::default()).unwrap()
    }

    #[test]
    fn a_search_goes_on_through_the_other_blocks_and_round_the_end() {
        let container = container(b"abcab");
        let found = |needle: &[u8], from, forward| {
            let needle = Needle::new(needle.to_vec()).unwrap();
            let elsewhere = find_from(&container, &needle, from, forward, KEPT, &Task::default()).unwrap();
            elsewhere.found.map(|(content, matches)| match content {
                ByteView::Decoded { chunk, .. } => (chunk.block.unwrap(), matches.kept),
                ByteView::Stored(_) => panic!("stored bytes"),
            })
        };
        assert_eq!(found(b"aa", 0, true), Some((3, vec![0, 1])));
        assert_eq!(found(b"aa", 3, true), Some((0, vec![0, 1])));
        assert_eq!(found(b"b", 3, false), Some((1, vec![0, 1, 2])));
        assert_eq!(found(b"b", 0, false), Some((4, vec![0, 1, 2])));
        assert_eq!(found(b"c", 2, true), None, "the block itself is no other");
        assert_eq!(found(b"ab", 0, true), None, "no match crosses blocks");
    }

    #[test]
    fn a_search_through_blocks_is_cancelled() {
        let task = Task::default();
        task.cancel();
        let needle = Needle::new(vec![b'z']).unwrap();
        assert_eq!(find_from(&container(b"ab"), &needle, 0, true, KEPT, &task), Err(Cancelled));
    }

    proptest! {
        #[test]
        fn every_place_is_found(bytes in prop::collection::vec(0u8..3, 0..200), needle in prop::collection::vec(0u8..3, 1..4)) {
            let expected: Vec<u64> = bytes.windows(needle.len()).zip(0..).filter(|(w, _)| *w == needle).map(|(_, at)| at).collect();
            let found = search(&bytes, &needle, 0, 1000);
            prop_assert_eq!(found.total, expected.len() as u64);
            prop_assert_eq!(found.kept, expected);
        }
    }
}
