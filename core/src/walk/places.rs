//! Places in damaged bytes where a chunk may begin.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::crcs::{Crcs, Inner};
use crate::bytes::Bytes;
use crate::index::Tag;
use crate::layout::{Layout, MAGIC, is_container};

/// How many places the length of a chunk is tried with where its declared end is wrong for certain.
pub(super) const MANY_CANDIDATES: usize = 1024;
/// How many places are tried in one walk, all chunks together; half of them at most [`MANY_CANDIDATES`] at a time.
pub(super) const ALL_CANDIDATES: usize = 1 << 18;
/// How many chunks are followed in one walk, all chains together, for containers that turn out not to be any.
const CONTAINER_CHAINS: usize = 1 << 20;

/// Places where a chunk may begin, in file order, found by one scan that is never repeated. Containers inside of it are
/// stepped over: their chunks are not the file's own.
#[derive(Debug)]
pub(super) struct Places {
    found: VecDeque<Candidate>,
    /// Containers that were stepped over since the last strong place.
    containers: Vec<u64>,
    /// Headers of containers whose end isn't known: chunks may go on to be theirs.
    broken: VecDeque<u64>,
    /// Headers of all containers, the last [`MANY_CANDIDATES`] of them.
    headers: VecDeque<u64>,
    scanned: u64,
    /// Places that may still be tried for lengths.
    pub(super) left: usize,
    /// Chunks that may still be followed in containers.
    chains: usize,
}

/// A known tag, or the beginning of a container.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    at: u64,
    strong: bool,
}

impl Default for Places {
    fn default() -> Self {
        let (left, chains) = (ALL_CANDIDATES, CONTAINER_CHAINS);
        let (found, containers) = (VecDeque::new(), Vec::new());
        Self { found, containers, broken: VecDeque::new(), headers: VecDeque::new(), scanned: 0, left, chains }
    }
}

impl Places {
    /// Nothing before `from` will be asked for.
    pub(super) fn begin_at(&mut self, from: u64) {
        self.scanned = self.scanned.max(from);
    }

    /// Where the containers that begin at `at`, one after the other, end: the last of them may be damaged.
    pub(super) fn inner_end(&mut self, crcs: &mut Crcs, bytes: Bytes<'_>, mut at: u64) -> Option<Inner> {
        loop {
            match crcs.inner(bytes, at, &mut self.chains) {
                Some(Inner::Ends(end)) if is_container(bytes, end) => at = end,
                found => return found,
            }
        }
    }

    /// The header of a container whose end isn't known stands in that range.
    pub(super) fn broken_between(&self, range: Range<u64>) -> bool {
        let first = self.broken.partition_point(|at| *at < range.start);
        self.broken.get(first).is_some_and(|at| *at < range.end)
    }

    /// The first header of a container at or after `from`, among the bytes that were scanned.
    pub(super) fn header_after(&self, from: u64) -> Option<u64> {
        self.headers.get(self.headers.partition_point(|at| *at < from)).copied()
    }

    /// Scans again from `from` on.
    pub(super) fn forget(&mut self, from: u64) {
        self.found.clear();
        self.containers.clear();
        self.broken.clear();
        self.headers.clear();
        self.scanned = from;
    }

    /// The first strong place at or after `from`.
    pub(super) fn strong_after(&mut self, crcs: &mut Crcs, bytes: Bytes<'_>, layout: Layout, from: u64) -> Option<u64> {
        self.find(crcs, bytes, layout, from, |place| place.strong)
    }

    /// The same, or where there is none the first container.
    pub(super) fn after(&mut self, crcs: &mut Crcs, bytes: Bytes<'_>, layout: Layout, from: u64) -> Option<u64> {
        let strong = self.strong_after(crcs, bytes, layout, from);
        strong.or_else(|| self.containers.iter().copied().find(|at| *at >= from))
    }

    /// The first known tag or container at or after `from`.
    pub(super) fn any_after(&mut self, crcs: &mut Crcs, bytes: Bytes<'_>, layout: Layout, from: u64) -> Option<u64> {
        self.find(crcs, bytes, layout, from, |_| true)
    }

    /// Calls may go back, but not before the last place that was dropped.
    fn find(
        &mut self,
        crcs: &mut Crcs,
        bytes: Bytes<'_>,
        layout: Layout,
        from: u64,
        wanted: impl Fn(&Candidate) -> bool,
    ) -> Option<u64> {
        let first = self.found.partition_point(|place| place.at < from);
        if let Some(place) = self.found.range(first..).find(|place| wanted(place)) {
            return Some(place.at);
        }
        while let Some(place) = self.scan(crcs, bytes, layout) {
            if self.found.len() > 2 * MANY_CANDIDATES {
                self.found.pop_front();
            }
            self.found.push_back(place);
            if place.at >= from && wanted(&place) {
                return Some(place.at);
            }
        }
        None
    }

    /// Scans on to the next place.
    fn scan(&mut self, crcs: &mut Crcs, bytes: Bytes<'_>, layout: Layout) -> Option<Candidate> {
        let len = bytes.len();
        while self.scanned < len {
            let Some((at, sign)) = next_sign(bytes, self.scanned) else {
                self.scanned = len;
                return None;
            };
            self.scanned = at + 1;
            if sign == Sign::Magic {
                if self.headers.len() == MANY_CANDIDATES {
                    self.headers.pop_front();
                }
                self.headers.push_back(at);
                match crcs.inner(bytes, at, &mut self.chains) {
                    Some(Inner::Ends(end)) => {
                        self.scanned = end;
                        self.containers.push(at);
                        return Some(Candidate { at, strong: false });
                    }
                    // Its chunks aren't the file's own either.
                    Some(Inner::Breaks(end)) => self.scanned = end,
                    None => {}
                }
                if self.broken.len() == MANY_CANDIDATES {
                    self.broken.pop_front();
                }
                self.broken.push_back(at);
                continue;
            }
            let Some(header) = layout.chunk_header(bytes, at) else { continue };
            let strong = layout.declared_end(&header) <= len && crcs.is_strong(layout, bytes, &header);
            if strong {
                self.scanned = layout.declared_end(&header).max(at + 1);
                self.containers.clear();
            }
            return Some(Candidate { at, strong });
        }
        None
    }
}

/// What a scan stops at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// A known tag.
    Tag,
    /// The magic of a container.
    Magic,
}

/// Bytes that are searched first, and at most at a time: signs that are close to each other shall not cost a long read each.
const FIRST_PIECE: u64 = 4 << 10;
const LAST_PIECE: u64 = 1 << 20;

/// The next known tag or magic at or after `from`.
pub(super) fn next_sign(bytes: Bytes<'_>, from: u64) -> Option<(u64, Sign)> {
    static PATTERNS: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    // All are of one length, so that it makes no difference which kind of match is asked for but to the speed: only
    // this kind is searched for with vector instructions.
    let patterns = || {
        let patterns = Tag::KNOWN.iter().map(|tag| tag.0).chain([MAGIC]);
        AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(patterns).ok()
    };
    let patterns = PATTERNS.get_or_init(patterns).as_ref()?;
    let (mut at, mut len) = (from, FIRST_PIECE);
    loop {
        let piece = bytes.available(at, len).read();
        if let Some(hit) = patterns.find(&*piece) {
            let sign = if hit.pattern().as_usize() == Tag::KNOWN.len() { Sign::Magic } else { Sign::Tag };
            return Some((at + hit.start() as u64, sign));
        }
        if at + piece.len() as u64 == bytes.len() {
            return None;
        }
        // What begins in the last bytes of a piece is whole in the next one.
        at += piece.len() as u64 - (MAGIC.len() as u64 - 1);
        len = (2 * len).min(LAST_PIECE);
    }
}
