//! The compact index of a container's chunks: 24 bytes a chunk (28 for those that are no CORE), cheap to share while
//! it still grows.

use std::collections::HashMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::bytes::Bytes;
use super::text;

/// A chunk's four-byte name, as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub [u8; 4]);

impl Tag {
    /// A block.
    pub const CORE: Self = Self(*b"CORE");
    /// The seek table of a transport container.
    pub const SEEK: Self = Self(*b"SEEK");
    /// What the container is, as JSON.
    pub const META: Self = Self(*b"META");
    /// Safety declarations, as JSON.
    pub const SAFE: Self = Self(*b"SAFE");
    /// The digest.
    pub const VERI: Self = Self(*b"VERI");
    /// A mux container's track list.
    pub const TRAK: Self = Self(*b"TRAK");
    /// A mux track's seek table.
    pub const TSEK: Self = Self(*b"TSEK");
    /// Free text.
    pub const NOTE: Self = Self(*b"NOTE");

    /// Tags the format defines and the geometry extension's: the ones that count as evidence of a chunk.
    pub const KNOWN: [Self; 11] = [
        Self::CORE,
        Self::SEEK,
        Self::META,
        Self::SAFE,
        Self::VERI,
        Self::TRAK,
        Self::TSEK,
        Self::NOTE,
        Self(*b"GEOM"),
        Self(*b"TEMP"),
        Self(*b"GMET"),
    ];

    /// One of [`Self::KNOWN`].
    pub fn is_known(self) -> bool {
        Self::KNOWN.contains(&self)
    }

    /// Whether one of [`Self::KNOWN`] stands at `at`, or the beginning of one where the bytes end before its fourth.
    pub(crate) fn known_begins_at(bytes: Bytes<'_>, at: u64) -> bool {
        if let Some(tag) = bytes.array(at) {
            return Tag(tag).is_known();
        }
        let rest = bytes.head::<4>(at);
        Self::KNOWN.iter().any(|tag| tag.0.starts_with(&rest))
    }

    /// One of the geometry extension's tags, whose payload is JSON.
    pub fn is_extension(self) -> bool {
        matches!(&self.0, b"GEOM" | b"TEMP" | b"GMET")
    }

    /// How many bits differ.
    pub fn distance(self, other: Self) -> u32 {
        (u32::from_be_bytes(self.0) ^ u32::from_be_bytes(other.0)).count_ones()
    }

    /// The known tags that one flipped bit makes this one of: one at most, but for `TREK` and `TSAK`, which are as near to
    /// TRAK as to TSEK.
    pub fn neighbours(self) -> impl Iterator<Item = Self> {
        Self::KNOWN.into_iter().filter(move |known| self.distance(*known) == 1)
    }

    /// Known, printable or one bit from known: what may be meant as a tag.
    pub fn is_likely(self) -> bool {
        self.is_printable() || self.neighbours().next().is_some()
    }

    /// Four bytes in 0x20–0x7E.
    pub fn is_printable(self) -> bool {
        self.0.iter().all(|b| (0x20..=0x7e).contains(b))
    }
}

/// The tag as text; bytes outside printable ASCII as `\xNN`.
impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (true, Ok(tag)) = (self.is_printable(), std::str::from_utf8(&self.0)) {
            return f.pad(tag);
        }
        let escape = |b: u8| if (0x20..=0x7e).contains(&b) { (b as char).to_string() } else { format!("\\x{b:02x}") };
        f.pad(&text::escape(&self.0.map(escape).concat()))
    }
}

/// What is known about a chunk's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Its place in the chain is all that was looked at.
    Unchecked,
    /// Whole, CRC right.
    Intact,
    /// Its length field was wrong; with the true length (the one shown) its CRC is right.
    LengthRepaired,
    /// Its tag was one bit off; the true one is shown.
    TagRepaired,
    /// Whole, CRC wrong.
    CrcMismatch,
    /// Only its beginning is there.
    Truncated,
}

impl State {
    /// Present whole with a right CRC: its content can be relied on.
    pub fn is_intact(self) -> bool {
        matches!(self, Self::Intact | Self::LengthRepaired | Self::TagRepaired)
    }

    /// Known to be damaged beyond what was mended.
    pub fn is_damaged(self) -> bool {
        matches!(self, Self::CrcMismatch | Self::Truncated)
    }
}

/// One chunk, unpacked from the index. Only an index makes one, so that what it says was seen in a file.
///
/// ```
/// let container = h4mk::Container::open("../sample-data/demo.h4mk")?;
/// let chunk = container.index().block(30).expect("it has 300 blocks");
/// assert_eq!((chunk.tag(), chunk.block()), (h4mk::index::Tag::CORE, Some(30)));
/// assert_eq!(container.payload(&chunk).len(), chunk.len());
/// # Ok::<(), h4mk::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    pub(crate) index: u64,
    pub(crate) tag: Tag,
    pub(crate) offset: u64,
    pub(crate) payload_offset: u64,
    pub(crate) len: u64,
    pub(crate) end: u64,
    pub(crate) state: State,
    pub(crate) block: Option<u64>,
}

impl Chunk {
    /// Its ordinal in the file.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Its name.
    pub fn tag(&self) -> Tag {
        self.tag
    }

    /// File offset of its header.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// File offset of its payload.
    pub fn payload_offset(&self) -> u64 {
        self.payload_offset
    }

    /// Payload bytes that are there; of a damaged header not what it declares.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether no payload is there.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// File offset after its last byte.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// What the walk found out about it; [`Container::state`](crate::Container::state) knows what was found out since.
    pub fn state(&self) -> State {
        self.state
    }

    /// Its ordinal among CORE chunks, if it is one.
    pub fn block(&self) -> Option<u64> {
        self.block
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    offset: u64,
    len: u32,
    tag: Tag,
    /// CORE chunks before this one; its own block index if it is one.
    cores_before: u32,
    state: State,
    trailer: u8,
}

const HEADER_LEN: u64 = 12;
const PAGE: usize = 4096;

/// A vector in shared pages: cloning copies one pointer a page, pushing onto a clone copies at most one page.
#[derive(Debug, Clone)]
struct Paged<T> {
    pages: Vec<Arc<Vec<T>>>,
    len: usize,
}

impl<T> Default for Paged<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), len: 0 }
    }
}

impl<T: Copy> Paged<T> {
    fn push(&mut self, value: T) {
        if self.len.is_multiple_of(PAGE) {
            self.pages.push(Arc::new(Vec::new()));
        }
        if let Some(page) = self.pages.last_mut() {
            Arc::make_mut(page).push(value);
            self.len += 1;
        }
    }

    fn get(&self, at: usize) -> Option<T> {
        self.pages.get(at / PAGE)?.get(at % PAGE).copied()
    }

    fn partition_point(&self, before: impl Fn(&T) -> bool) -> usize {
        let page = self.pages.partition_point(|p| p.last().is_some_and(&before));
        self.pages.get(page).map_or(self.len, |p| page * PAGE + p.partition_point(before))
    }
}

/// All chunks of one tag.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TagTotal {
    /// The tag.
    pub tag: Tag,
    /// How many chunks have it.
    pub count: u64,
    /// Sum of their payloads.
    pub bytes: u64,
    /// Ordinal of the first of them.
    first: u32,
    /// Those of the others, if any: a million tags that occur once take no room for more. None of CORE, whose chunks are
    /// found by block index.
    later: Option<Box<Paged<u32>>>,
    lens: Lens,
}

/// How long the payloads of a tag are, so that nobody has to look at a million of them to know that all are usual.
#[derive(Debug, Clone, Copy)]
struct Lens {
    /// Of all but the last.
    shortest: u32,
    longest: u32,
    last: u32,
    any_odd: bool,
}

impl Lens {
    const NONE: Self = Self { shortest: u32::MAX, longest: 0, last: u32::MAX, any_odd: false };

    fn add(&mut self, len: u32) {
        self.shortest = self.shortest.min(self.last);
        self.longest = self.longest.max(len);
        self.last = len;
        self.any_odd |= len % 2 == 1;
    }
}

impl TagTotal {
    /// Every payload has an even length within that range; the last may be shorter.
    pub(crate) fn are_even_within(&self, range: &RangeInclusive<u64>) -> bool {
        let Lens { shortest, longest, any_odd, .. } = self.lens;
        !any_odd && u64::from(shortest) >= *range.start() && u64::from(longest) <= *range.end()
    }

    /// The ordinal among all chunks of the one that is `nth` among these; not of CORE.
    fn ordinal(&self, nth: u64) -> Option<u32> {
        match nth.checked_sub(1) {
            None => Some(self.first),
            Some(later) => self.later.as_ref()?.get(usize::try_from(later).ok()?),
        }
    }
}

/// The chunks of a container, in file order.
#[derive(Debug, Clone, Default)]
pub struct Index {
    entries: Paged<Entry>,
    blocks: u32,
    blocks_intact: u64,
    totals: Vec<TagTotal>,
    by_tag: HashMap<Tag, u32>,
    /// The tag of the last chunk and the place of its total: most chunks have the tag of the one before.
    last_tag: Option<(Tag, u32)>,
}

/// The most chunks an index holds; a container with more is not fully read.
pub const MAX_CHUNKS: u64 = u32::MAX as u64;

impl Index {
    /// Adds the chunk after all others. `trailer` is the length of what follows the payload (mux: the CRC).
    /// False when [`MAX_CHUNKS`] are in.
    pub(crate) fn push(&mut self, tag: Tag, offset: u64, len: u32, trailer: u8, state: State) -> bool {
        if self.len() >= MAX_CHUNKS {
            return false;
        }
        let ordinal = self.entries.len as u32;
        self.entries.push(Entry { offset, len, tag, cores_before: self.blocks, state, trailer });
        if tag == Tag::CORE {
            self.blocks += 1;
            self.blocks_intact += u64::from(state.is_intact());
        }
        let at = match self.last_tag {
            Some((last, at)) if last == tag => at,
            _ => *self.by_tag.entry(tag).or_insert_with(|| {
                self.totals.push(TagTotal { tag, count: 0, bytes: 0, first: ordinal, later: None, lens: Lens::NONE });
                self.totals.len() as u32 - 1
            }),
        };
        self.last_tag = Some((tag, at));
        if let Some(total) = self.totals.get_mut(at as usize) {
            total.count += 1;
            total.bytes = total.bytes.saturating_add(u64::from(len));
            total.lens.add(len);
            if tag != Tag::CORE && total.count > 1 {
                total.later.get_or_insert_default().push(ordinal);
            }
        }
        true
    }

    /// How many chunks there are.
    pub fn len(&self) -> u64 {
        self.entries.len as u64
    }

    /// No chunk at all.
    pub fn is_empty(&self) -> bool {
        self.entries.len == 0
    }

    /// The same chunks, some under another tag.
    pub(crate) fn retagged(&self, tags: &[(u64, Tag)]) -> Self {
        let mut index = Self::default();
        for (at, entry) in (0..).zip((0..self.entries.len).filter_map(|at| self.entries.get(at))) {
            let new = tags.iter().find(|(chunk, _)| *chunk == at);
            let (tag, state) = match (new, entry.state) {
                (None, state) => (entry.tag, state),
                (Some((_, tag)), State::Intact) => (*tag, State::TagRepaired),
                (Some((_, tag)), state) => (*tag, state),
            };
            index.push(tag, entry.offset, entry.len, entry.trailer, state);
        }
        index
    }

    /// How many CORE chunks there are, damaged ones included.
    pub fn blocks(&self) -> u64 {
        u64::from(self.blocks)
    }

    /// How many CORE chunks are known to be whole with a right CRC.
    pub fn blocks_intact(&self) -> u64 {
        self.blocks_intact
    }

    /// The chunk with that ordinal.
    pub fn chunk(&self, index: u64) -> Option<Chunk> {
        let entry = self.entries.get(usize::try_from(index).ok()?)?;
        let payload_offset = entry.offset + HEADER_LEN;
        let len = u64::from(entry.len);
        Some(Chunk {
            index,
            tag: entry.tag,
            offset: entry.offset,
            payload_offset,
            len,
            end: payload_offset + len + u64::from(entry.trailer),
            state: entry.state,
            block: (entry.tag == Tag::CORE).then_some(u64::from(entry.cores_before)),
        })
    }

    /// The CORE chunk of that block. O(log chunks).
    pub fn block(&self, block: u64) -> Option<Chunk> {
        if block >= self.blocks() {
            return None;
        }
        let after = self.entries.partition_point(|entry| u64::from(entry.cores_before) <= block);
        self.chunk(after.checked_sub(1)? as u64)
    }

    /// How many CORE chunks stand before that chunk.
    pub fn blocks_before(&self, chunk: &Chunk) -> u64 {
        usize::try_from(chunk.index).ok().and_then(|at| self.entries.get(at)).map_or(0, |e| u64::from(e.cores_before))
    }

    /// The chunk whose bytes, header included, hold that file offset. O(log chunks).
    pub fn at_offset(&self, offset: u64) -> Option<Chunk> {
        let after = self.entries.partition_point(|entry| entry.offset <= offset);
        self.chunk(after.checked_sub(1)? as u64).filter(|chunk| offset < chunk.end)
    }

    /// The first chunk that begins at that file offset or after it. O(log chunks).
    pub fn from_offset(&self, offset: u64) -> Option<Chunk> {
        self.chunk(self.entries.partition_point(|entry| entry.offset < offset) as u64)
    }

    /// The first chunk with that tag.
    pub fn first(&self, tag: Tag) -> Option<Chunk> {
        self.nth(tag, 0)
    }

    /// The chunk with that tag and ordinal among those that have it. O(log chunks).
    pub fn nth(&self, tag: Tag, nth: u64) -> Option<Chunk> {
        if tag == Tag::CORE {
            return self.block(nth);
        }
        self.chunk(u64::from(self.total(tag)?.ordinal(nth)?))
    }

    /// All chunks with that tag, in file order.
    pub fn with_tag(&self, tag: Tag) -> impl Iterator<Item = Chunk> + '_ {
        self.total(tag).into_iter().flat_map(|total| self.of_total(total))
    }

    /// The chunks that one of the totals counts, in file order.
    pub fn of_total<'a>(&'a self, total: &'a TagTotal) -> impl Iterator<Item = Chunk> + 'a {
        let is_core = total.tag == Tag::CORE;
        let cores = is_core.then(|| self.iter().filter(|chunk| chunk.block.is_some()));
        let others = if is_core { 0 } else { total.count };
        let other = |nth| self.chunk(u64::from(total.ordinal(nth)?));
        cores.into_iter().flatten().chain((0..others).filter_map(other))
    }

    /// The ordinal of `chunk` among those of its tag. O(log chunks).
    pub fn rank(&self, chunk: &Chunk) -> u64 {
        chunk.block.unwrap_or_else(|| {
            let total = self.by_tag.get(&chunk.tag).and_then(|at| self.totals.get(*at as usize));
            let before = |ordinal: &u32| u64::from(*ordinal) < chunk.index;
            let later = |t: &TagTotal| t.later.as_ref().map_or(0, |later| later.partition_point(before));
            total.map_or(0, |total| u64::from(before(&total.first)) + later(total) as u64)
        })
    }

    /// Counts and sizes by tag, in order of first appearance.
    pub fn totals(&self) -> &[TagTotal] {
        &self.totals
    }

    /// Count and size of one tag.
    pub fn total(&self, tag: Tag) -> Option<&TagTotal> {
        self.totals.get(*self.by_tag.get(&tag)? as usize)
    }

    /// All chunks, in file order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Chunk> + '_ {
        (0..self.len()).filter_map(|i| self.chunk(i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_entry_is_compact() {
        assert_eq!(size_of::<Entry>(), 24);
    }

    #[test]
    fn a_tag_one_bit_off_leads_back() {
        let mut ambiguous = Vec::new();
        for known in Tag::KNOWN {
            assert_eq!(known.neighbours().count(), 0);
            for bit in 0..32 {
                let off = Tag((u32::from_be_bytes(known.0) ^ 1 << bit).to_be_bytes());
                assert!(off.neighbours().any(|tag| tag == known) && !off.is_known() && off.is_likely());
                if off.neighbours().count() > 1 {
                    ambiguous.push(off.to_string());
                }
            }
        }
        assert_eq!(ambiguous, ["TREK", "TSAK", "TSAK", "TREK"]);
        assert!(!Tag([0; 4]).is_likely());
    }

    proptest! {
        #[test]
        fn lengths_are_even_within_a_range_and_the_last_may_be_shorter(
            lens in prop::collection::vec(prop_oneof![6 => (2u32..6).prop_map(|half| 2 * half), 1 => 0u32..30], 1..6),
            (start, end) in (0u64..12, 0u64..32),
        ) {
            let mut index = Index::default();
            for (at, len) in lens.iter().enumerate() {
                prop_assert!(index.push(Tag::CORE, 100 * at as u64, *len, 0, State::Intact));
            }
            let (_, before) = lens.split_last().unwrap();
            let are = lens.iter().all(|len| len % 2 == 0 && u64::from(*len) <= end)
                && before.iter().all(|len| u64::from(*len) >= start);
            prop_assert_eq!(index.totals()[0].are_even_within(&(start..=end)), are);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn chunks_are_found_by_every_key(tags in prop::collection::vec((0usize..4, 0u32..50), 4000..4300)) {
            let mut index = Index::default();
            let (mut offset, mut expected) = (8u64, Vec::new());
            for (i, (tag, len)) in tags.iter().enumerate() {
                let tag = [Tag::CORE, Tag::META, Tag::CORE, Tag(*b"GEOM")][*tag];
                let shared = (i % 512 == 0).then(|| index.clone());
                prop_assert!(index.push(tag, offset, *len, 0, State::Intact));
                prop_assert_eq!(shared.map_or(i as u64, |shared| shared.len()), i as u64);
                expected.push((tag, offset));
                offset += 12 + u64::from(*len);
            }
            let mut ranks: HashMap<Tag, u64> = HashMap::new();
            for (i, (tag, offset)) in expected.iter().enumerate() {
                let chunk = index.chunk(i as u64).unwrap();
                let rank = ranks.entry(*tag).or_default();
                prop_assert_eq!((chunk.tag, chunk.offset), (*tag, *offset));
                prop_assert_eq!(index.nth(*tag, *rank), Some(chunk));
                prop_assert_eq!(index.rank(&chunk), *rank);
                prop_assert_eq!(index.at_offset(chunk.end - 1), Some(chunk));
                *rank += 1;
            }
            prop_assert_eq!(index.at_offset(offset), None);
            prop_assert_eq!(index.from_offset(9), index.chunk(1));
            prop_assert_eq!(index.from_offset(offset), None);
            prop_assert_eq!(index.blocks(), ranks.get(&Tag::CORE).copied().unwrap_or(0));
        }
    }
}
