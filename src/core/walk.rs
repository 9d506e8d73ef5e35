//! The walk over a container's chunks: it never stops at a fault. A chunk with a wrong CRC is marked and passed; a
//! wrong length is repaired where the CRC proves the true one; after lost bytes the next chunk is found again by a
//! known tag with a right CRC.
//!
//! Two kinds of place steer it. A *strong* place holds a known tag, its chunk fits and its CRC is right. A *plausible*
//! one is the end, another container, a known tag, or a printable tag with a right CRC.

use std::collections::VecDeque;

use aho_corasick::AhoCorasick;

use super::bytes::{available, slice};
use super::crc::{self, RangeCrc};
use super::finding::{Code, Finding, Findings};
use super::flip;
use super::index::{Index, State, Tag};
use super::layout::{CHUNK_HEADER_LEN, ChunkHeader, Layout, MAGIC};

/// How much of each chunk the walk reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// Headers; payloads only where a header is in doubt.
    #[default]
    Headers,
    /// Every byte: all CRCs are recomputed.
    Checked,
}

/// Bytes after which nobody knows how many chunks there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// File offset of the first lost byte.
    pub offset: u64,
    /// How many.
    pub length: u64,
    /// CORE chunks before it: blocks with this index and later ones are numbered provisionally.
    pub block: u64,
}

/// How the chain of chunks ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Where the file ends, or (mux) with its closing CRC there.
    Clean,
    /// Mux: the file ends after a chunk, without a closing CRC.
    NoClosingCrc,
    /// Bytes that are no chunk follow, from this offset.
    Trailing(u64),
    /// Another container follows at this offset.
    Appended(u64),
    /// The file ends inside a chunk or a lost region.
    Damaged,
    /// More chunks than an index holds.
    Limit,
}

/// How far a walk has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There is more to walk.
    More,
    /// The rest is not whole, and may still be being written.
    Waiting,
    /// The end was reached.
    Done,
}

/// A walk in progress. It borrows nothing, so that the bytes may be mapped again while a file grows.
#[derive(Debug)]
pub struct Walker {
    layout: Layout,
    depth: Depth,
    pos: u64,
    index: Index,
    findings: Findings,
    losses: Vec<Loss>,
    ending: Option<Ending>,
    closing_crc: Option<u64>,
    after_damage: bool,
    strong: StrongPlaces,
    ranges: Option<RangeCrc>,
}

/// What a finished walk knows.
#[derive(Debug, Clone)]
pub struct Walked {
    /// The chunks.
    pub index: Index,
    /// Faults of the chain itself.
    pub findings: Findings,
    /// Where bytes were lost.
    pub losses: Vec<Loss>,
    /// How the chain ended.
    pub ending: Ending,
    /// Mux: file offset of the closing CRC.
    pub closing_crc: Option<u64>,
    /// Whether payloads were read.
    pub depth: Depth,
}

/// How many strong places a wrong length is tried with.
const LENGTH_CANDIDATES: usize = 32;
/// How many empty chunks in a row are followed to find what they lead to.
const EMPTY_CHAIN: usize = 64;

impl Walker {
    /// A walk from the first chunk on.
    pub fn new(layout: Layout, depth: Depth) -> Self {
        Self {
            layout,
            depth,
            pos: layout.file_header_len(),
            index: Index::default(),
            findings: Findings::default(),
            losses: Vec::new(),
            ending: None,
            closing_crc: None,
            after_damage: false,
            strong: StrongPlaces::default(),
            ranges: None,
        }
    }

    /// File offset up to which chunks are known.
    pub fn position(&self) -> u64 {
        self.pos
    }

    /// The chunks so far.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Walks on over at most `chunks` chunks. `last` says that `bytes` are all there will be: without it, a chunk that
    /// is not whole yet is waited for.
    pub fn advance(&mut self, bytes: &[u8], chunks: usize, last: bool) -> Step {
        for _ in 0..chunks {
            match self.step(bytes, last) {
                Step::More => {}
                end => return end,
            }
        }
        Step::More
    }

    /// What was found so far; `ending` says [`Ending::Clean`].
    pub fn snapshot(&self) -> Walked {
        Walked {
            index: self.index.clone(),
            findings: self.findings.clone(),
            losses: self.losses.clone(),
            ending: Ending::Clean,
            closing_crc: None,
            depth: self.depth,
        }
    }

    /// What was found. Before the end was reached, `ending` says [`Ending::Clean`].
    pub fn finish(self) -> Walked {
        let mut findings = self.findings;
        findings.sort();
        Walked {
            index: self.index,
            findings,
            losses: self.losses,
            ending: self.ending.unwrap_or(Ending::Clean),
            closing_crc: self.closing_crc,
            depth: self.depth,
        }
    }

    fn step(&mut self, bytes: &[u8], last: bool) -> Step {
        if self.ending.is_some() {
            return Step::Done;
        }
        let (at, len) = (self.pos, bytes.len() as u64);
        if at >= len {
            let ending = if self.layout.closing_len() > 0 { Ending::NoClosingCrc } else { Ending::Clean };
            return if last { self.end(ending) } else { Step::Waiting };
        }
        if let Some(ending) = self.closing(bytes, at) {
            return if last { self.end(ending) } else { Step::Waiting };
        }
        let Some(header) = self.layout.chunk_header(bytes, at).filter(|_| len - at >= self.layout.smallest_chunk())
        else {
            return if last { self.stump(bytes, at) } else { Step::Waiting };
        };
        let declared_end = self.layout.declared_end(&header);
        if !last && declared_end > len {
            return Step::Waiting;
        }
        if header.tag.is_known() {
            return self.known(bytes, &header);
        }
        if declared_end <= len && self.is_chunk(bytes, &header) {
            return self.accept(&header, header.len, State::Intact);
        }
        if let Some(mended) = self.mended_tag(bytes, &header) {
            self.mismatch(bytes, &header, header.len);
            return self.accept(&mended, header.len, State::CrcMismatch);
        }
        self.lost(bytes, at)
    }

    fn end(&mut self, ending: Ending) -> Step {
        self.ending = Some(ending);
        Step::Done
    }

    /// How the container ends at `at`, if it does.
    fn closing(&mut self, bytes: &[u8], at: u64) -> Option<Ending> {
        if is_container(bytes, at) {
            return Some(Ending::Appended(at));
        }
        if self.layout.closing_len() == 0 {
            return None;
        }
        let left = bytes.len() as u64 - at;
        let after = at + self.layout.closing_len();
        if left == self.layout.closing_len() {
            self.closing_crc = Some(at);
            return Some(Ending::Clean);
        }
        if is_container(bytes, after) {
            self.closing_crc = Some(at);
            return Some(Ending::Appended(after));
        }
        if left > self.layout.closing_len()
            && !self.is_plausible(bytes, at)
            && self.layout.closing_crc(bytes, at).is_some_and(|(stored, computed)| stored == computed)
        {
            self.closing_crc = Some(at);
            return Some(Ending::Trailing(after));
        }
        None
    }

    fn accept(&mut self, header: &ChunkHeader, len: u32, state: State) -> Step {
        if !self.index.push(header.tag, header.offset, len, self.layout.trailer_len(), state) {
            return self.end(Ending::Limit);
        }
        self.after_damage = state.is_damaged();
        self.pos = self.layout.end(header, u64::from(len));
        Step::More
    }

    /// A known tag stands here: a chunk began here, whatever became of it.
    fn known(&mut self, bytes: &[u8], header: &ChunkHeader) -> Step {
        let len = bytes.len() as u64;
        let declared_end = self.layout.declared_end(header);
        let fits = declared_end <= len;
        let plausible_end = fits && self.is_plausible(bytes, declared_end);
        if self.depth == Depth::Headers && plausible_end {
            return self.accept(header, header.len, State::Unchecked);
        }
        if fits && self.layout.crc_is_right(bytes, header) {
            return self.accept(header, header.len, State::Intact);
        }
        if let Some(true_len) = self.true_length(bytes, header) {
            self.add(Code::ChunkLengthRepaired, header, true_len, |h| {
                format!("{} at {}: length field says {}, the CRC is right with {true_len}", h.tag, h.offset, h.len)
            });
            return self.accept(header, true_len, State::LengthRepaired);
        }
        if plausible_end {
            self.mismatch(bytes, header, header.len);
            return self.accept(header, header.len, State::CrcMismatch);
        }
        let next = self.strong.after(bytes, self.layout, header.offset + 1);
        let payload = header.payload();
        match next {
            Some(next) if next < payload => self.lost(bytes, header.offset),
            Some(next) if fits && next > declared_end => {
                self.mismatch(bytes, header, header.len);
                self.accept(header, header.len, State::CrcMismatch)
            }
            Some(next) => {
                let there = clamp_u32(next - payload);
                self.add(if fits { Code::ChunkCrcMismatch } else { Code::ChunkTruncated }, header, there, |h| {
                    format!(
                        "{} at {}: length field says {}, but the next chunk begins after {there} bytes, at {next}",
                        h.tag, h.offset, h.len
                    )
                });
                self.cut(header, there, next)
            }
            None if fits => {
                self.mismatch(bytes, header, header.len);
                self.accept(header, header.len, State::CrcMismatch)
            }
            None => {
                let there = clamp_u32(len - payload);
                self.add(Code::ChunkTruncated, header, there, |h| {
                    format!(
                        "{} at {}: length field says {}, the file ends at {len} after {there} of them",
                        h.tag, h.offset, h.len
                    )
                });
                self.cut(header, there, len);
                self.end(Ending::Damaged)
            }
        }
    }

    /// Takes a chunk of which only the first `there` payload bytes are left; the walk goes on at `next`.
    fn cut(&mut self, header: &ChunkHeader, there: u32, next: u64) -> Step {
        if !self.index.push(header.tag, header.offset, there, 0, State::Truncated) {
            return self.end(Ending::Limit);
        }
        self.losses.push(Loss { offset: header.offset, length: next - header.offset, block: self.index.blocks() });
        self.after_damage = true;
        self.pos = next;
        Step::More
    }

    /// Fewer bytes are left than a chunk takes.
    fn stump(&mut self, bytes: &[u8], at: u64) -> Step {
        let left = bytes.len() as u64 - at;
        let begins = available(bytes, at, 4);
        if !Tag::KNOWN.iter().any(|tag| tag.0.starts_with(begins)) {
            return self.lost(bytes, at);
        }
        let chunk = self.index.len();
        let name = super::text::escape_bytes(begins);
        self.findings.add(Code::ChunkTruncated, || {
            let message = format!("a chunk begins with \"{name}\" at {at}, the file ends {left} bytes later");
            let mut finding = Finding::at(Code::ChunkTruncated, at, left, message);
            finding.chunk = Some(chunk);
            finding
        });
        self.losses.push(Loss { offset: at, length: left, block: self.index.blocks() });
        self.pos = bytes.len() as u64;
        self.end(Ending::Damaged)
    }

    /// No chunk stands here: goes on at the next one that can be proven.
    fn lost(&mut self, bytes: &[u8], at: u64) -> Step {
        let len = bytes.len() as u64;
        let next = self.strong.after(bytes, self.layout, at + 1);
        if next.is_none() && !self.after_damage {
            return self.end(Ending::Trailing(at));
        }
        let to = next.unwrap_or(len.saturating_sub(self.layout.closing_len()).max(at));
        let length = to - at;
        self.findings.add(Code::RegionSkipped, || {
            let then = match next {
                Some(next) => format!("the next chunk with a right CRC begins at {next}"),
                None => "no chunk with a right CRC follows".to_owned(),
            };
            Finding::at(Code::RegionSkipped, at, length, format!("{length} bytes at {at} belong to no chunk; {then}"))
        });
        self.losses.push(Loss { offset: at, length, block: self.index.blocks() });
        self.after_damage = true;
        self.pos = to;
        if next.is_some() { Step::More } else { self.end(Ending::Damaged) }
    }

    fn mismatch(&mut self, bytes: &[u8], header: &ChunkHeader, len: u32) {
        let stored = self.layout.stored_crc(bytes, header.offset, u64::from(len)).unwrap_or_default();
        let computed = self.layout.computed_crc(bytes, header, len).unwrap_or_default();
        self.add(Code::ChunkCrcMismatch, header, len, |h| {
            format!("{} at {}: stored CRC {stored:08x}, computed {computed:08x}", h.tag, h.offset)
        });
    }

    fn add(&mut self, code: Code, header: &ChunkHeader, len: u32, message: impl FnOnce(&ChunkHeader) -> String) {
        let (chunk, block) = (self.index.len(), self.index.blocks());
        let length = match code {
            Code::ChunkTruncated => CHUNK_HEADER_LEN + u64::from(len),
            _ => self.layout.end(header, u64::from(len)) - header.offset,
        };
        self.findings.add(code, || {
            let mut finding = Finding::at(code, header.offset, length, message(header));
            finding.chunk = Some(chunk);
            finding.block = (header.tag == Tag::CORE).then_some(block);
            finding
        });
    }

    /// The payload length under which the chunk's CRC is right, tried at the next strong places and at the end.
    fn true_length(&mut self, bytes: &[u8], header: &ChunkHeader) -> Option<u32> {
        let len = bytes.len() as u64;
        let mut from = self.layout.end(header, 0);
        for _ in 0..LENGTH_CANDIDATES {
            let Some(place) = self.strong.after(bytes, self.layout, from) else { break };
            if let Some(found) = self.fitting_length(bytes, header, place) {
                return Some(found);
            }
            from = place + 1;
        }
        let ends = [len.saturating_sub(self.layout.closing_len()), len];
        ends.into_iter().find_map(|end| self.fitting_length(bytes, header, end))
    }

    /// The payload length of a chunk that ends at `end`, if it is not the declared one and makes the CRC right.
    fn fitting_length(&mut self, bytes: &[u8], header: &ChunkHeader, end: u64) -> Option<u32> {
        let len = u32::try_from(end.checked_sub(self.layout.end(header, 0))?).ok()?;
        (len != header.len && self.crc_fits(bytes, header, len)).then_some(len)
    }

    /// Whether the chunk's CRC is right with another payload length. Cheap for any length: one pass serves all.
    fn crc_fits(&mut self, bytes: &[u8], header: &ChunkHeader, len: u32) -> bool {
        let Some(stored) = self.layout.stored_crc(bytes, header.offset, u64::from(len)) else { return false };
        let payload = header.payload();
        let ranges = self.ranges.get_or_insert_with(|| RangeCrc::new(payload));
        let mut computed = ranges.crc(bytes, payload, payload + u64::from(len));
        if let Some(head) = self.layout.covered_header(header, len) {
            computed = crc::combine(crc::crc32(&head), computed, u64::from(len));
        }
        computed == stored
    }

    /// Mux: a header whose tag one flipped bit turned into an unknown one, mended. (In the transport layout the CRC
    /// does not cover the tag.)
    fn mended_tag(&mut self, bytes: &[u8], header: &ChunkHeader) -> Option<ChunkHeader> {
        self.layout.covered_header(header, header.len)?;
        let end = self.layout.declared_end(header);
        if end > bytes.len() as u64 || !self.is_plausible(bytes, end) {
            return None;
        }
        let stored = self.layout.stored_crc(bytes, header.offset, u64::from(header.len))?;
        let computed = self.layout.computed_crc(bytes, header, header.len)?;
        let covered = self.layout.covered_len(u64::from(header.len));
        let Some(flip::Place::Covered { byte, bit }) = flip::locate(stored, computed, covered) else { return None };
        let mut tag = header.tag;
        *tag.0.get_mut(usize::try_from(byte).ok()?)? ^= 1 << bit;
        tag.is_known().then_some(ChunkHeader { tag, ..*header })
    }

    /// A chunk whose tag proves nothing: its CRC must be right, and if it is empty, something must follow it.
    fn is_chunk(&self, bytes: &[u8], header: &ChunkHeader) -> bool {
        is_chunk(self.layout, bytes, header)
    }

    fn is_plausible(&self, bytes: &[u8], at: u64) -> bool {
        is_plausible(self.layout, bytes, at)
    }
}

fn clamp_u32(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// A container of a known version begins here.
fn is_container(bytes: &[u8], at: u64) -> bool {
    available(bytes, at, 4) == MAGIC && matches!(available(bytes, at.saturating_add(4), 2), [0, 1] | [1, 0])
}

fn is_plausible(layout: Layout, bytes: &[u8], at: u64) -> bool {
    let len = bytes.len() as u64;
    if at == len || at + layout.closing_len() == len {
        return true;
    }
    if is_container(bytes, at) || layout.closing_len() > 0 && is_container(bytes, at + layout.closing_len()) {
        return true;
    }
    let begins = available(bytes, at, 4);
    if Tag::KNOWN.iter().any(|tag| tag.0.starts_with(begins)) {
        return true;
    }
    let Some(header) = layout.chunk_header(bytes, at) else { return false };
    header.tag.is_printable() && is_chunk(layout, bytes, &header)
}

fn is_chunk(layout: Layout, bytes: &[u8], header: &ChunkHeader) -> bool {
    if !layout.crc_is_right(bytes, header) {
        return false;
    }
    if header.len > 0 || layout.covered_header(header, 0).is_some() {
        return true;
    }
    // The CRC of nothing is 0, so an empty chunk's CRC proves nothing: follow the chain to something that does.
    let mut header = *header;
    for _ in 0..EMPTY_CHAIN {
        if !header.tag.is_printable() {
            return false;
        }
        let next = layout.declared_end(&header);
        if next == bytes.len() as u64 || is_container(bytes, next) {
            return true;
        }
        match layout.chunk_header(bytes, next) {
            Some(following) if following.tag.is_known() => return true,
            Some(following) if !layout.crc_is_right(bytes, &following) => return false,
            Some(following) if following.len > 0 => return following.tag.is_printable(),
            Some(following) => header = following,
            None => return Tag::KNOWN.iter().any(|tag| tag.0.starts_with(available(bytes, next, 4))),
        }
    }
    true
}

/// Strong places in file order, found by one scan that is never repeated.
#[derive(Debug, Default)]
struct StrongPlaces {
    tags: Option<AhoCorasick>,
    found: VecDeque<u64>,
    scanned: u64,
    crcs: Option<RangeCrc>,
}

impl StrongPlaces {
    /// The first strong place at or after `from`. Calls may go back, but not before the last place that was dropped.
    fn after(&mut self, bytes: &[u8], layout: Layout, from: u64) -> Option<u64> {
        if let Some(place) = self.found.iter().copied().find(|place| *place >= from) {
            return Some(place);
        }
        self.scanned = self.scanned.max(from);
        while let Some(place) = self.scan(bytes, layout) {
            while self.found.len() > 2 * LENGTH_CANDIDATES {
                self.found.pop_front();
            }
            self.found.push_back(place);
            if place >= from {
                return Some(place);
            }
        }
        None
    }

    /// Scans on to the next strong place.
    fn scan(&mut self, bytes: &[u8], layout: Layout) -> Option<u64> {
        let tags = match &mut self.tags {
            Some(tags) => tags,
            none => none.insert(AhoCorasick::new(Tag::KNOWN.map(|tag| tag.0)).ok()?),
        };
        let len = bytes.len() as u64;
        while self.scanned < len {
            let rest = slice(bytes, self.scanned, len - self.scanned)?;
            let Some(hit) = tags.find(rest) else {
                self.scanned = len;
                return None;
            };
            let at = self.scanned + hit.start() as u64;
            self.scanned = at + 1;
            let Some(header) = layout.chunk_header(bytes, at) else { continue };
            if layout.declared_end(&header) > len {
                continue;
            }
            let crcs = self.crcs.get_or_insert_with(|| RangeCrc::new(at));
            if self::is_strong(layout, bytes, &header, crcs) {
                self.scanned = layout.declared_end(&header).max(at + 1);
                return Some(at);
            }
        }
        None
    }
}

/// The chunk is whole and its CRC right; an empty one must lead to a plausible place.
fn is_strong(layout: Layout, bytes: &[u8], header: &ChunkHeader, crcs: &mut RangeCrc) -> bool {
    let payload = header.payload();
    let len = u64::from(header.len);
    let mut computed = crcs.crc(bytes, payload, payload + len);
    if let Some(head) = layout.covered_header(header, header.len) {
        computed = crc::combine(crc::crc32(&head), computed, len);
    }
    layout.stored_crc(bytes, header.offset, len) == Some(computed)
        && (len > 0 || is_plausible(layout, bytes, layout.declared_end(header)))
}
