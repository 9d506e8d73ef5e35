//! A look ahead from damaged bytes, to tell the file's own chunks from those of a container that stands in a payload.
//!
//! Both have right CRCs, and follow each other. But a container occurs whole: where META, SEEK, SAFE, VERI or TRAK come a
//! second time further on, or chunks go on after VERI, the first of them are somebody else's.

use super::crcs::Inner;
use super::places::{self, next_sign};
use crate::bytes::Bytes;
use crate::index::Tag;
use crate::layout::{ChunkHeader, Layout, is_container};

/// Tags that occur once in a container.
const SINGLE: [Tag; 5] = [Tag::META, Tag::SEEK, Tag::SAFE, Tag::VERI, Tag::TRAK];
/// How many bytes are searched, and read for CRCs, in one walk. What stands further on is not looked at.
const MOST_BYTES: u64 = 64 << 20;
/// How many chunks with such a tag, and how many runs of chunks, are told apart.
const MOST_KEPT: usize = 1 << 12;
/// How many times in one walk the first place of several is doubted.
const MOST_DOUBTS: usize = 1 << 12;
/// By how many bytes the end of a payload may have moved for a run of chunks there to be what follows it.
const MOST_MOVED: u64 = 1 << 10;
/// The same where nothing but the length speaks for it, which may lead there by chance.
const FEW_MOVED: u64 = 16;
/// How many chunks are followed to that place.
const MOST_HOPS: usize = 1 << 10;
/// How many more faults a chain must have than a later one not to be the file's own: a duplicate alone is only that.
const CLEARLY_WORSE: u32 = 2;

/// What is known of the payload that chunks may stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Payload {
    /// Where it ends, by a length that can't be trusted.
    pub(super) declared_end: Option<u64>,
    /// The header of a container comes before the chunks.
    pub(super) holds_header: bool,
}

/// What stands in the file after its first damage.
#[derive(Debug)]
pub(super) struct Ahead {
    looked: bool,
    budget: u64,
    doubts: usize,
    /// Where chunks begin that may be the file's own after others that are not, ascending.
    starts: Vec<u64>,
    /// Chunks with a tag that occurs once, ascending.
    singles: Vec<(u64, Tag)>,
    /// For each of them, what there is from it on.
    rest: Vec<Rest>,
    /// Where the last chunk begins that is not VERI.
    last_other: u64,
    /// Where runs of chunks break off, ascending.
    breaks: Vec<u64>,
    /// The run that leads to the end of the file.
    last_run: Option<u64>,
}

/// Chunks with a tag that occurs once, from one of them to the end.
#[derive(Debug, Clone, Copy, Default)]
struct Rest {
    /// How many of each tag.
    counts: [u32; SINGLE.len()],
    first_veri: Option<u64>,
}

impl Default for Ahead {
    fn default() -> Self {
        let (starts, singles, rest, breaks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (budget, last_run) = (MOST_BYTES, None);
        Self { looked: false, budget, doubts: 0, starts, singles, rest, last_other: 0, breaks, last_run }
    }
}

impl Ahead {
    /// The first chunk at or after the strong place `first` that is the file's own. `inner` tells what is known of a
    /// container, and `seen` which tags the chain had before.
    pub(super) fn own_chunk(
        &mut self,
        layout: Layout,
        bytes: Bytes<'_>,
        first: u64,
        payload: Payload,
        inner: impl FnMut(u64) -> Option<Inner>,
        seen: impl Fn(Tag) -> bool,
    ) -> u64 {
        if !self.looked {
            self.looked = true;
            self.look(layout, bytes, first, inner);
            self.sum_up();
        }
        let seen = SINGLE.map(seen);
        let mut faults = self.faults_from(layout, first, &seen);
        let Payload { declared_end: declared, holds_header } = payload;
        let fewer = |start: u64| faults.saturating_sub(self.faults_from(layout, start, &seen)) >= CLEARLY_WORSE;
        if let Some(own) = declared.and_then(|declared| self.run_about(first, declared, fewer)) {
            return own;
        }
        if !holds_header && faults < CLEARLY_WORSE || self.doubts == MOST_DOUBTS {
            return first;
        }
        let about = declared.and_then(|declared| chunk_about(layout, bytes, first, declared));
        let about = about.filter(|about| fewer(*about));
        self.doubts += 1;
        if let Some(own) = about {
            return own;
        }
        let later = self.starts.iter().copied().skip(self.starts.partition_point(|start| *start <= first));
        if !holds_header {
            // One run of chunks at a time: faults further on aren't a reason to give up what stands here.
            let mut own = first;
            for start in later {
                let without = self.faults_from(layout, start, &seen);
                if faults.saturating_sub(without) < CLEARLY_WORSE {
                    break;
                }
                (own, faults) = (start, without);
            }
            return own;
        }
        let ranked = std::iter::once(first).chain(later);
        let own = match declared {
            Some(end) => ranked.min_by_key(|start| (end.abs_diff(*start), *start)),
            None => ranked.min_by_key(|start| (self.faults_from(layout, *start, &seen), *start)),
        };
        own.unwrap_or(first)
    }

    /// Where a run of chunks begins about where a payload was declared to end, if it is `better` than that from `first` on, or
    /// leads to the end of the file while chunks from `first` on break off before. So `first` stands in the payload.
    fn run_about(&self, first: u64, declared: u64, better: impl Fn(u64) -> bool) -> Option<u64> {
        let from = self.starts.partition_point(|start| *start <= first.max(declared.saturating_sub(MOST_MOVED)));
        let about = self.starts.iter().skip(from).take_while(|start| **start <= declared.saturating_add(MOST_MOVED));
        let near = about.copied().min_by_key(|start| start.abs_diff(declared))?;
        if first.abs_diff(declared) <= near.abs_diff(declared) {
            return None;
        }
        let breaks_off = || {
            let broken = self.breaks.get(self.breaks.partition_point(|at| *at <= first));
            broken.is_some_and(|broken| *broken < declared && near > *broken)
        };
        (better(near) || self.last_run == Some(near) && near.abs_diff(declared) <= FEW_MOVED && breaks_off())
            .then_some(near)
    }

    /// Whether a chunk with a known tag and a right CRC stands at or after `from`. False once too
    /// many bytes were looked at.
    pub(super) fn has_own_after(&mut self, layout: Layout, bytes: Bytes<'_>, from: u64) -> bool {
        next_strong(layout, bytes, from, &mut self.budget, &mut |_| None).is_some()
    }

    /// How many chunks with a tag that occurs once there are too many from `start` on, and whether any follow VERI.
    fn faults_from(&self, layout: Layout, start: u64, seen: &[bool; SINGLE.len()]) -> u32 {
        let from = self.singles.partition_point(|(at, _)| *at < start);
        let rest = self.rest.get(from).copied().unwrap_or_default();
        let too_many = rest.counts.iter().zip(seen).map(|(count, seen)| (count + u32::from(*seen)).saturating_sub(1));
        let follows = layout == Layout::Transport && rest.first_veri.is_some_and(|veri| self.last_other > veri);
        too_many.sum::<u32>() + u32::from(follows)
    }

    /// Sums up the chunks that were found from each of them to the end.
    fn sum_up(&mut self) {
        let mut rest = Rest::default();
        let sums = self.singles.iter().rev().map(|(at, tag)| {
            let kind = SINGLE.iter().position(|single| single == tag);
            if let Some(count) = kind.and_then(|kind| rest.counts.get_mut(kind)) {
                *count += 1;
            }
            if *tag == Tag::VERI {
                rest.first_veri = Some(*at);
            }
            rest
        });
        self.rest = sums.collect();
        self.rest.reverse();
    }

    /// Follows the chunks from the strong place `at` to the end of the file, over all that isn't one.
    fn look(&mut self, layout: Layout, bytes: Bytes<'_>, mut at: u64, mut inner: impl FnMut(u64) -> Option<Inner>) {
        while self.starts.len() + self.singles.len() <= MOST_KEPT {
            self.start(at);
            let broken = match self.follow(layout, bytes, at) {
                Stop::Broken(at) => Some(at),
                // Where chunks go on after a container, it stands in a payload.
                Stop::Ends(at) => container_after(layout, bytes, at).and_then(|at| match inner(at) {
                    Some(Inner::Ends(end)) => Some(end),
                    _ => None,
                }),
            };
            let Some(broken) = broken else {
                self.last_run = Some(at);
                return;
            };
            self.breaks.push(broken);
            let next = next_strong(layout, bytes, broken, &mut self.budget, &mut inner);
            let Some(next) = next else { return };
            at = next;
        }
    }

    fn start(&mut self, at: u64) {
        if self.starts.last() != Some(&at) {
            self.starts.push(at);
        }
    }

    /// Hops over chunks that lead to each other.
    fn follow(&mut self, layout: Layout, bytes: Bytes<'_>, mut at: u64) -> Stop {
        let len = bytes.len();
        while !ends(layout, bytes, at) {
            let header = layout.chunk_header(bytes, at);
            let Some(header) = header.filter(|h| h.tag.is_known() || proves_itself(layout, bytes, h, &mut self.budget))
            else {
                return Stop::Broken(at);
            };
            if SINGLE.contains(&header.tag) && self.singles.len() < MOST_KEPT {
                self.singles.push((at, header.tag));
            }
            let next = layout.declared_end(&header);
            let leads = next <= len && leads_on(layout, bytes, &header, &mut self.budget);
            if header.tag != Tag::VERI {
                self.last_other = at;
            } else if layout == Layout::Transport && leads && !ends(layout, bytes, next) {
                self.start(next);
            }
            if !leads {
                return Stop::Broken(header.payload());
            }
            at = next;
        }
        Stop::Ends(at)
    }
}

/// Where chunks stop leading to each other.
enum Stop {
    /// What comes next isn't a chunk.
    Broken(u64),
    /// As the container ends.
    Ends(u64),
}

/// The chunk nearest to where one was declared, among `first` and those that follow it. The chunks of a container without VERI
/// lead on to the file's own without a break.
fn chunk_about(layout: Layout, bytes: Bytes<'_>, first: u64, declared: u64) -> Option<u64> {
    let next = |at: &u64| Some(layout.declared_end(&layout.chunk_header(bytes, *at)?));
    let chain = std::iter::successors(Some(first), next).take(MOST_HOPS);
    let last = declared.saturating_add(MOST_MOVED).min(bytes.len());
    let about = chain.take_while(|at| *at < last).filter(|at| at.abs_diff(declared) <= MOST_MOVED);
    about.min_by_key(|at| at.abs_diff(declared))
}

/// Where another container begins, at the end of one.
pub(super) fn container_after(layout: Layout, bytes: Bytes<'_>, at: u64) -> Option<u64> {
    [at, at.saturating_add(layout.closing_len())].into_iter().find(|start| is_container(bytes, *start))
}

/// The container ends here: with the file, a closing CRC, or another container.
pub(super) fn ends(layout: Layout, bytes: Bytes<'_>, at: u64) -> bool {
    let after = at.saturating_add(layout.closing_len());
    at >= bytes.len() || after == bytes.len() || container_after(layout, bytes, at).is_some()
}

fn begins_with_tag(bytes: Bytes<'_>, at: u64) -> bool {
    bytes.array(at).is_some_and(|tag| Tag(tag).is_known())
}

/// The next known tag at or after `from` whose chunk is whole and has a right CRC, and isn't in a container.
fn next_strong(
    layout: Layout,
    bytes: Bytes<'_>,
    mut from: u64,
    budget: &mut u64,
    inner: &mut impl FnMut(u64) -> Option<Inner>,
) -> Option<u64> {
    loop {
        let (at, sign) = next_sign(bytes, from)?;
        *budget = budget.checked_sub(at - from + 1)?;
        from = at + 1;
        if sign == places::Sign::Magic {
            from = inner(at).map_or(from, |(Inner::Ends(end) | Inner::Breaks(end))| end.max(from));
            continue;
        }
        let Some(header) = layout.chunk_header(bytes, at) else { continue };
        if layout.declared_end(&header) > bytes.len() {
            continue;
        }
        *budget = budget.checked_sub(u64::from(header.len))?;
        // The CRC of nothing proves nothing: something must follow.
        if layout.crc_is_right(bytes, &header) && (header.len > 0 || leads_on(layout, bytes, &header, budget)) {
            return Some(at);
        }
    }
}

/// Another chunk or an end follows.
fn leads_on(layout: Layout, bytes: Bytes<'_>, header: &ChunkHeader, budget: &mut u64) -> bool {
    let next = layout.declared_end(header);
    let following = || layout.chunk_header(bytes, next);
    ends(layout, bytes, next)
        || begins_with_tag(bytes, next)
        || following().is_some_and(|following| proves_itself(layout, bytes, &following, budget))
}

/// A chunk with a tag that proves nothing, and a CRC that does.
fn proves_itself(layout: Layout, bytes: Bytes<'_>, header: &ChunkHeader, budget: &mut u64) -> bool {
    let fits = header.tag.is_likely() && header.len > 0 && layout.declared_end(header) <= bytes.len();
    let left = budget.checked_sub(u64::from(header.len)).filter(|_| fits);
    *budget = left.unwrap_or(*budget);
    left.is_some() && layout.crc_is_right(bytes, header)
}
