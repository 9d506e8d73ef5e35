//! The walk over a container's chunks: it never stops at a fault. A chunk with a wrong CRC is marked and passed; a
//! wrong length is repaired where the CRC proves the true one; after lost bytes the next chunk is found again by a
//! known tag with a right CRC.
//!
//! Two kinds of place steer it. A *strong* place holds a known tag, its chunk fits and its CRC is right. A *plausible*
//! one is the end, another container, a known tag, or a printable tag with a right CRC.

mod ahead;
mod crcs;
mod places;
mod retagged;

use ahead::{Ahead, Payload};
use crcs::{Crcs, Inner, WholeCrc};
use places::{ALL_CANDIDATES, MANY_CANDIDATES, Places};

use super::bytes::Bytes;
use super::finding::{Code, Finding, Findings};
use super::flip;
use super::index::{Index, State, Tag};
use super::layout::{CHUNK_HEADER_LEN, ChunkHeader, Layout, MAGIC, container_layout, is_container};
use super::source::Source;

/// How much of each chunk the walk reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// Headers; payloads only where a header is in doubt.
    #[default]
    Headers,
    /// Headers, and every byte as soon as something that costs little to see contradicts them: places and counts in SEEK,
    /// META and the index of tracks, or sizes of blocks. A container comes out as [`Self::Headers`] or [`Self::Checked`].
    Doubted,
    /// Every byte: all CRCs are recomputed.
    Checked,
}

/// Bytes after which nobody knows how many chunks there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
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
#[non_exhaustive]
pub enum Ending {
    /// Where the file ends, or (mux) with its closing CRC there.
    Clean,
    /// Mux: the file ends after a chunk, without a closing CRC.
    NoClosingCrc,
    /// Bytes that aren't a chunk follow, from this offset.
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
    places: Places,
    ahead: Ahead,
    /// Containers that begin before this offset stand in payloads.
    inner: u64,
    crcs: Crcs,
    whole: WholeCrc,
}

/// What a finished walk knows.
#[derive(Debug, Clone)]
#[non_exhaustive]
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

/// From what payload length on reading a header costs less than touching its page, which systems read ahead of.
pub const FAR: u32 = 128 << 10;

/// How many places the length of a chunk is tried with whose declared end is plausible: enough for a length that leads
/// to a later chunk.
const FEW_CANDIDATES: usize = 32;
/// The same once [`ALL_CANDIDATES`] are used up: what matters is the next chunk.
const LEAST_CANDIDATES: usize = 2;

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
            places: Places::default(),
            ahead: Ahead::default(),
            inner: 0,
            crcs: Crcs::default(),
            whole: WholeCrc::default(),
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
    pub fn advance(&mut self, bytes: Bytes<'_>, chunks: usize, last: bool) -> Step {
        for _ in 0..chunks {
            match self.step(bytes, last) {
                Step::More => {}
                end => return end,
            }
        }
        Step::More
    }

    /// The same over a source, touching no page of a mapping for a chunk whose payload is `far` bytes or longer if it can
    /// do without.
    pub fn walk(&mut self, source: &Source, far: u32, chunks: usize, last: bool) -> Step {
        let mut left = chunks;
        loop {
            left -= self.hop(source, far, left);
            if left == 0 {
                return Step::More;
            }
            match self.step(source.bytes(), last) {
                Step::More => left -= 1,
                end => return end,
            }
        }
    }

    /// Takes whole chunks as long as known tags follow each other, and says how many they were.
    fn hop(&mut self, source: &Source, far: u32, chunks: usize) -> usize {
        if self.depth == Depth::Checked || self.ending.is_some() {
            return 0;
        }
        let mut header = self.layout.chunk_header(source.bytes(), self.pos);
        for hopped in 0..chunks {
            let Some(chunk) = header.filter(|chunk| chunk.len >= far && self.is_plain(chunk)) else { return hopped };
            let end = self.layout.declared_end(&chunk);
            header = source.peek(end).map(|next| self.layout.parse_header(&next, end));
            let follows = header.is_some_and(|next| next.tag.is_known());
            if !follows || self.accept(&chunk, chunk.len, State::Unchecked) != Step::More {
                return hopped;
            }
        }
        chunks
    }

    /// No other container begins here, or after four bytes that could be a closing CRC.
    fn is_plain(&self, header: &ChunkHeader) -> bool {
        let magic = (self.layout.closing_len() > 0).then(|| u32::from_le_bytes(MAGIC));
        header.tag.is_known() && (header.flags.is_none() || header.flags != magic)
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

    fn step(&mut self, bytes: Bytes<'_>, last: bool) -> Step {
        if self.ending.is_some() {
            return Step::Done;
        }
        let (at, len) = (self.pos, bytes.len());
        if at >= len {
            let ending = if self.layout.closing_len() > 0 { Ending::NoClosingCrc } else { Ending::Clean };
            return if last { self.end(ending) } else { Step::Waiting };
        }
        self.crcs.begin_at(at);
        self.closing_crc = None;
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
        if !last && self.layout.chunk_header(bytes, declared_end).is_none() {
            return self.newest(bytes, &header);
        }
        if header.tag.is_known() {
            return self.known(bytes, &header, last);
        }
        if declared_end <= len && self.crcs.is_chunk(self.layout, bytes, &header) {
            return self.accept(&header, header.len, State::Intact);
        }
        if let Some(mended) = self.mended_tag(bytes, &header) {
            self.mismatch(bytes, &header, header.len);
            return self.accept(&mended, header.len, State::CrcMismatch);
        }
        if header.tag.is_likely() {
            return self.unknown(bytes, &header, last);
        }
        self.lost(bytes, at, last)
    }

    fn end(&mut self, ending: Ending) -> Step {
        self.ending = Some(ending);
        Step::Done
    }

    /// How the container ends at `at`, if it does.
    fn closing(&mut self, bytes: Bytes<'_>, at: u64) -> Option<Ending> {
        if at < self.inner {
            return None;
        }
        if is_container(bytes, at) {
            return Some(Ending::Appended(at));
        }
        if self.layout.closing_len() == 0 {
            return None;
        }
        let left = bytes.len() - at;
        let after = at + self.layout.closing_len();
        if left == self.layout.closing_len() {
            // Four bytes of a chunk that was cut off aren't a closing CRC.
            let cut = bytes.array(at).is_some_and(|tag| Tag(tag).is_known());
            if cut && !self.whole.closes(self.layout, bytes, at) {
                return None;
            }
            self.closing_crc = Some(at);
            return Some(Ending::Clean);
        }
        if is_container(bytes, after) {
            self.closing_crc = Some(at);
            return Some(Ending::Appended(after));
        }
        if left > self.layout.closing_len()
            && !self.is_plausible(bytes, at)
            && self.whole.closes(self.layout, bytes, at)
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

    /// The last chunk of a file that may still grow: nothing after it says that it ends here, so its CRC must. It is read
    /// again each time, for its bytes may change until then.
    fn newest(&mut self, bytes: Bytes<'_>, header: &ChunkHeader) -> Step {
        let proves = header.len > 0 || self.layout.covered_header(header, 0).is_some();
        if !proves || !self.layout.crc_is_right(bytes, header) {
            return Step::Waiting;
        }
        let plain = self.depth != Depth::Checked && header.tag.is_known();
        self.accept(header, header.len, if plain { State::Unchecked } else { State::Intact })
    }

    /// A known tag stands here: a chunk began here, whatever became of it.
    fn known(&mut self, bytes: Bytes<'_>, header: &ChunkHeader, last: bool) -> Step {
        let len = bytes.len();
        let declared_end = self.layout.declared_end(header);
        let fits = declared_end <= len;
        if self.depth != Depth::Checked && fits && self.is_plausible(bytes, declared_end) {
            return self.accept(header, header.len, State::Unchecked);
        }
        // The CRC of nothing proves nothing: a zeroed header looks like that of an empty chunk.
        let proves = header.len > 0 || self.layout.covered_header(header, 0).is_some();
        if fits && self.crcs.is_right(self.layout, bytes, header) && (proves || self.is_plausible(bytes, declared_end))
        {
            return self.accept(header, header.len, State::Intact);
        }
        if let Some(step) = self.proven_end(bytes, header) {
            return step;
        }
        // An empty chunk with the CRC of nothing that leads nowhere is what zeros leave of a header.
        if !proves && self.crcs.is_right(self.layout, bytes, header) {
            return self.lost(bytes, header.offset, last);
        }
        let next = self.next_chunk(bytes, header.offset + 1, Some(declared_end), last);
        let payload = header.payload();
        match next {
            Some(next) if next < payload => self.lost(bytes, header.offset, last),
            Some(next) if fits && next > declared_end && proves => {
                self.mismatch(bytes, header, header.len);
                self.accept(header, header.len, State::CrcMismatch)
            }
            Some(next) => self.cut_before(bytes, header, next),
            None if !last => {
                self.places.forget(header.offset + 1);
                Step::Waiting
            }
            None if fits => {
                self.mismatch(bytes, header, header.len);
                self.accept(header, header.len, State::CrcMismatch)
            }
            None => {
                let there = clamp_u32(len - payload);
                self.note(Code::ChunkTruncated, header, len, |h| {
                    format!(
                        "{} at {}: its length field says {} bytes, but the file ends at {len} after {there} of them",
                        h.tag, h.offset, h.len
                    )
                });
                self.cut(header, there, len);
                self.end(Ending::Damaged)
            }
        }
    }

    /// A tag stands here that proves nothing by itself, and the CRC is wrong: only an end that can be trusted makes it
    /// a chunk.
    fn unknown(&mut self, bytes: Bytes<'_>, header: &ChunkHeader, last: bool) -> Step {
        match self.proven_end(bytes, header) {
            Some(step) => step,
            None => self.lost(bytes, header.offset, last),
        }
    }

    /// Takes a chunk whose CRC is wrong, if another length makes it right or the declared end can be trusted.
    fn proven_end(&mut self, bytes: Bytes<'_>, header: &ChunkHeader) -> Option<Step> {
        self.places.begin_at(header.offset + 1);
        let declared_end = self.layout.declared_end(header);
        let plausible_end = declared_end <= bytes.len()
            && self.is_plausible(bytes, declared_end)
            && !self.is_inner(bytes, declared_end);
        if let Some(true_len) = self.true_length(bytes, header, plausible_end) {
            self.add(Code::ChunkLengthRepaired, header, true_len, |h| {
                format!(
                    "{} at {}: its length field says {}, but its CRC is right with {true_len}",
                    h.tag, h.offset, h.len
                )
            });
            return Some(self.accept(header, true_len, State::LengthRepaired));
        }
        // The length is trusted, whatever the payload holds: it may be a container.
        plausible_end.then(|| {
            self.mismatch(bytes, header, header.len);
            self.accept(header, header.len, State::CrcMismatch)
        })
    }

    /// A container begins here, or after a closing CRC, and chunks of this one follow it: it stands in a payload whose
    /// chunk has lost its length.
    fn is_inner(&mut self, bytes: Bytes<'_>, at: u64) -> bool {
        let Some(start) = ahead::container_after(self.layout, bytes, at) else { return false };
        let end = match self.places.inner_end(&mut self.crcs, bytes, start) {
            Some(Inner::Ends(end)) => end,
            // After VERI nothing of a transport container is expected.
            _ if self.layout == Layout::Transport && self.index.first(Tag::VERI).is_some() => return false,
            Some(Inner::Breaks(end)) => end,
            None => start,
        };
        let follows = !ahead::ends(self.layout, bytes, end) && self.ahead.has_own_after(self.layout, bytes, end);
        if follows {
            self.inner = self.inner.max(start.saturating_add(1));
        }
        follows
    }

    /// Where the next chunk of the file begins, in damaged bytes at or after `from`. `declared` is where one should, by a
    /// length that can't be trusted.
    fn next_chunk(&mut self, bytes: Bytes<'_>, from: u64, declared: Option<u64>, last: bool) -> Option<u64> {
        let next = self.places.after(&mut self.crcs, bytes, self.layout, from)?;
        if !last {
            return Some(next);
        }
        let seen = |tag: Tag| self.index.first(tag).is_some();
        let broken = self.places.broken_between(from..next);
        let (places, crcs) = (&mut self.places, &mut self.crcs);
        let inner = |at| places.inner_end(crcs, bytes, at);
        let declared_end = declared.filter(|declared| *declared <= bytes.len());
        let payload = Payload { declared_end, holds_header: broken };
        Some(self.ahead.own_chunk(self.layout, bytes, next, payload, inner, seen))
    }

    /// Takes of a chunk with a wrong length what stands before the next one.
    fn cut_before(&mut self, bytes: Bytes<'_>, header: &ChunkHeader, next: u64) -> Step {
        let fits = self.layout.declared_end(header) <= bytes.len();
        let there = clamp_u32(next - header.payload());
        self.note(if fits { Code::ChunkCrcMismatch } else { Code::ChunkTruncated }, header, next, |h| {
            let what = if is_container(bytes, next) { "another container" } else { "the next chunk" };
            format!(
                "{} at {}: its length field says {}, but {what} begins after {there} bytes, at {next}",
                h.tag, h.offset, h.len
            )
        });
        self.cut(header, there, next)
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
    fn stump(&mut self, bytes: Bytes<'_>, at: u64) -> Step {
        let left = bytes.len() - at;
        if !Tag::known_begins_at(bytes, at) {
            return self.lost(bytes, at, true);
        }
        let name = super::text::escape_bytes(&bytes.head::<4>(at));
        let message = format!(
            "a chunk begins with \"{name}\" at {at}, but the file ends {} later",
            super::text::count(left, "byte")
        );
        self.findings.push(Finding::at(Code::ChunkTruncated, at, left, message));
        self.losses.push(Loss { offset: at, length: left, block: self.index.blocks() });
        self.pos = bytes.len();
        self.end(Ending::Damaged)
    }

    /// No chunk stands here: goes on at the next one that can be proven.
    fn lost(&mut self, bytes: Bytes<'_>, at: u64, last: bool) -> Step {
        let len = bytes.len();
        self.places.begin_at(at + 1);
        let next = self.next_chunk(bytes, at + 1, None, last);
        if next.is_none() && !last {
            // Chunks that were not whole may be by the next time.
            self.places.forget(at + 1);
            return Step::Waiting;
        }
        // Mux: less than a closing CRC is what is left of one.
        let stump = len - at < self.layout.closing_len();
        if next.is_none() && (stump || !self.after_damage && !self.held_chunks(bytes, at)) {
            return self.end(Ending::Trailing(at));
        }
        let to = next.unwrap_or(len.saturating_sub(self.layout.closing_len()).max(at));
        let length = to - at;
        self.findings.add(Code::RegionSkipped, || {
            let then = match next {
                Some(next) if is_container(bytes, next) => format!("another container begins at {next}"),
                Some(next) => format!("the next chunk with a right CRC begins at {next}"),
                None => "no chunk with a right CRC follows".to_owned(),
            };
            Finding::at(Code::RegionSkipped, at, length, format!("{length} bytes at {at} belong to no chunk; {then}"))
        });
        self.losses.push(Loss { offset: at, length, block: self.index.blocks() });
        self.after_damage = true;
        self.pos = to;
        if next.is_some() {
            return Step::More;
        }
        self.closing_crc =
            (to + self.layout.closing_len() == len).then_some(to).filter(|_| self.layout.closing_len() > 0);
        self.end(Ending::Damaged)
    }

    /// Whether the rest of the file, which begins no chunk, is what became of some: the writer of a transport container
    /// ends it with VERI, and a tag of the format isn't junk.
    fn held_chunks(&self, bytes: Bytes<'_>, at: u64) -> bool {
        let room = bytes.len() - at >= CHUNK_HEADER_LEN;
        let tagged = self.layout.chunk_header(bytes, at).is_some_and(|header| header.tag.is_known());
        tagged || room && self.layout == Layout::Transport && self.index.first(Tag::VERI).is_none()
    }

    fn mismatch(&mut self, bytes: Bytes<'_>, header: &ChunkHeader, len: u32) {
        let layout = self.layout;
        self.add(Code::ChunkCrcMismatch, header, len, |h| {
            let stored = layout.stored_crc(bytes, h.offset, u64::from(len)).unwrap_or_default();
            let computed = layout.computed_crc(bytes, h, len).unwrap_or_default();
            format!("{} at {}: stored CRC {stored:08x}, computed {computed:08x}", h.tag, h.offset)
        });
    }

    /// Adds a finding about a chunk with `len` payload bytes.
    fn add(&mut self, code: Code, header: &ChunkHeader, len: u32, message: impl FnOnce(&ChunkHeader) -> String) {
        self.note(code, header, self.layout.end(header, u64::from(len)), message);
    }

    /// Adds a finding about a chunk that ends at `end`.
    fn note(&mut self, code: Code, header: &ChunkHeader, end: u64, message: impl FnOnce(&ChunkHeader) -> String) {
        let (chunk, block) = (self.index.len(), self.index.blocks());
        let true_len = (code == Code::ChunkLengthRepaired).then(|| end - self.layout.end(header, 0));
        self.findings.add(code, || {
            let mut finding = Finding::at(code, header.offset, end - header.offset, message(header));
            finding.chunk = Some(chunk);
            finding.block = (header.tag == Tag::CORE).then_some(block);
            finding.expecting_if(true_len)
        });
    }

    /// The payload length under which the chunk's CRC is right, tried at the next places where a chunk may begin, at the
    /// end, and where one flipped bit of the length leads to a plausible place.
    fn true_length(&mut self, bytes: Bytes<'_>, header: &ChunkHeader, plausible_end: bool) -> Option<u32> {
        let len = bytes.len();
        let left = self.places.left;
        let candidates = match left {
            0 => LEAST_CANDIDATES,
            _ if !plausible_end && left > ALL_CANDIDATES / 2 => MANY_CANDIDATES,
            _ => FEW_CANDIDATES,
        };
        let mut from = self.layout.end(header, 0);
        for _ in 0..candidates {
            let Some(place) = self.places.any_after(&mut self.crcs, bytes, self.layout, from) else { break };
            self.places.left = self.places.left.saturating_sub(1);
            let closing = if is_container(bytes, place) { self.layout.closing_len() } else { 0 };
            if let Some(found) = self.fitting_length(bytes, header, place.saturating_sub(closing)) {
                return Some(found);
            }
            from = place + 1;
        }
        if let Some(found) = self.length_before_end_of_chain(bytes, header, candidates) {
            return Some(found);
        }
        let closed = Some(len.saturating_sub(self.layout.closing_len())).filter(|end| *end < len);
        if let Some(found) = closed.into_iter().chain([len]).find_map(|end| self.fitting_length(bytes, header, end)) {
            return Some(found);
        }
        if plausible_end || left == 0 {
            return None;
        }
        let ends = (0..u32::BITS).map(|bit| self.layout.end(header, u64::from(header.len ^ 1 << bit)));
        let mut ends: Vec<u64> = ends.filter(|end| *end <= len).collect();
        ends.sort_unstable();
        ends.retain(|end| self.crcs.is_plausible(self.layout, bytes, *end));
        ends.into_iter().find_map(|end| self.fitting_length(bytes, header, end))
    }

    /// Transport: a container in the payload that has no VERI has no end of its own. Its chunks lead on to the file's, and
    /// the payload ends before one of them.
    fn length_before_end_of_chain(&mut self, bytes: Bytes<'_>, header: &ChunkHeader, mut left: usize) -> Option<u32> {
        if self.layout == Layout::Mux {
            return None;
        }
        let mut start = header.payload();
        while let Some(container) = self.places.header_after(start) {
            start = container + 1;
            let inner = container_layout(bytes, container).filter(|layout| *layout == self.layout);
            let mut at = inner.map(|layout| container + layout.file_header_len());
            while let Some(chunk) = at.and_then(|at| self.layout.chunk_header(bytes, at)) {
                if !chunk.tag.is_printable() || !self.crcs.fits(self.layout, bytes, &chunk, chunk.len) {
                    break;
                }
                left = left.checked_sub(1)?;
                self.places.left = self.places.left.saturating_sub(1);
                let end = self.layout.declared_end(&chunk);
                if let Some(found) = self.fitting_length(bytes, header, end) {
                    return Some(found);
                }
                at = Some(end);
            }
        }
        None
    }

    /// The payload length of a chunk that ends at `end`, if it is not the declared one and makes the CRC right.
    fn fitting_length(&mut self, bytes: Bytes<'_>, header: &ChunkHeader, end: u64) -> Option<u32> {
        let len = u32::try_from(end.checked_sub(self.layout.end(header, 0))?).ok()?;
        (len != header.len && self.crcs.fits(self.layout, bytes, header, len)).then_some(len)
    }

    /// Mux: a header whose tag one flipped bit turned into an unknown one, mended. (In the transport layout the CRC
    /// does not cover the tag.)
    fn mended_tag(&mut self, bytes: Bytes<'_>, header: &ChunkHeader) -> Option<ChunkHeader> {
        self.layout.covered_header(header, header.len)?;
        let end = self.layout.declared_end(header);
        if end > bytes.len() || !self.is_plausible(bytes, end) {
            return None;
        }
        let stored = self.layout.stored_crc(bytes, header.offset, u64::from(header.len))?;
        let computed = self.layout.computed_crc(bytes, header, header.len)?;
        let covered = self.layout.covered_len(u64::from(header.len));
        let Some(flip::FlippedBit::Covered { byte, bit }) = flip::locate(stored, computed, covered) else {
            return None;
        };
        let mut tag = header.tag;
        *tag.0.get_mut(usize::try_from(byte).ok()?)? ^= 1 << bit;
        tag.is_known().then_some(ChunkHeader { tag, ..*header })
    }

    fn is_plausible(&mut self, bytes: Bytes<'_>, at: u64) -> bool {
        self.crcs.is_plausible(self.layout, bytes, at)
    }
}

fn clamp_u32(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
