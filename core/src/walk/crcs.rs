//! CRCs of places where a chunk may stand, and what they make of such a place.

use std::ops::Range;

use crc32fast::Hasher;

use crate::bytes::Bytes;
use crate::crc::{self, RangeCrc};
use crate::index::Tag;
use crate::layout::{CHUNK_HEADER_LEN, ChunkHeader, Layout, container_layout, is_container};

/// How many empty chunks in a row are followed to find what they lead to.
const EMPTY_CHAIN: usize = 64;

/// The CRC of everything from the file's first byte, which is read once however often it is asked for.
#[derive(Debug, Default)]
pub(super) struct WholeCrc {
    crc: Hasher,
    reached: u64,
}

impl WholeCrc {
    /// Mux: whether the four bytes at `at` are the CRC of all before them. `at` never goes back.
    pub(super) fn closes(&mut self, layout: Layout, bytes: Bytes<'_>, at: u64) -> bool {
        let Some(stored) = layout.stored_closing_crc(bytes, at) else { return false };
        bytes.range(self.reached..at).pieces().for_each(|piece| self.crc.update(&piece));
        self.reached = self.reached.max(at);
        self.crc.clone().finalize() == stored
    }
}

/// CRCs of chunks that may not be chunks. As long as all is well each payload is read by itself; once something was
/// wrong, lengths are not to be trusted and may lead over the same bytes again and again, so that all are taken from one
/// pass.
#[derive(Debug, Default)]
pub(super) struct Crcs {
    /// Where the walk is.
    pos: u64,
    doubted: bool,
    ranges: Option<RangeCrc>,
    /// Headers of empty chunks, one after the other, that are known to lead to something.
    proven: Range<u64>,
}

/// Payloads below this length are read where their CRC is asked for.
const SHORT: u32 = 1 << 10;

/// How far behind the walk a pass may have stopped to be carried on with, in place of a new one.
const CARRY_ON: u64 = 1 << 20;

impl Crcs {
    /// The walk is at `pos` and won't look at anything before it. Bytes between faults that are far apart are not read.
    pub(super) fn begin_at(&mut self, pos: u64) {
        self.pos = pos;
        let carries_on = |ranges: &RangeCrc| pos <= ranges.reached().saturating_add(CARRY_ON);
        if self.doubted && !self.ranges.as_ref().is_some_and(carries_on) {
            self.ranges = Some(RangeCrc::new(pos));
        }
    }

    fn range(&mut self, bytes: Bytes<'_>, start: u64, end: u64) -> u32 {
        self.doubted = true;
        let pos = self.pos;
        self.ranges.get_or_insert_with(|| RangeCrc::new(pos)).crc(bytes, start, end)
    }

    /// Whether the chunk is there whole and its CRC right.
    pub(super) fn is_right(&mut self, layout: Layout, bytes: Bytes<'_>, header: &ChunkHeader) -> bool {
        if self.ranges.is_some() {
            return self.fits(layout, bytes, header, header.len);
        }
        let right = layout.crc_is_right(bytes, header);
        self.doubted |= !right;
        right
    }

    /// Whether the chunk's CRC is right with that payload length.
    pub(super) fn fits(&mut self, layout: Layout, bytes: Bytes<'_>, header: &ChunkHeader, len: u32) -> bool {
        let Some(stored) = layout.stored_crc(bytes, header.offset, u64::from(len)) else { return false };
        let payload = header.payload();
        let end = payload + u64::from(len);
        if end > bytes.len() {
            return false;
        }
        let computed = match layout.covered_header(header, len) {
            // Joining two CRCs takes longer than so few bytes.
            Some(head) if len < SHORT => {
                self.doubted = true;
                let mut crc = Hasher::new();
                crc.update(&head);
                crc::crc_after(crc, bytes.range(payload..end))
            }
            Some(head) => crc::combine(crc::crc32(&head), self.range(bytes, payload, end), u64::from(len)),
            None => self.range(bytes, payload, end),
        };
        computed == stored
    }

    /// A chunk whose tag proves nothing: its CRC must be right, and if it is empty, something must follow it.
    pub(super) fn is_chunk(&mut self, layout: Layout, bytes: Bytes<'_>, header: &ChunkHeader) -> bool {
        if !self.is_right(layout, bytes, header) {
            return false;
        }
        if header.len > 0 || layout.covered_header(header, 0).is_some() {
            return true;
        }
        let start = header.offset;
        if self.proven.contains(&start) && (start - self.proven.start).is_multiple_of(CHUNK_HEADER_LEN) {
            return true;
        }
        // The CRC of nothing is 0, so an empty chunk's CRC proves nothing: follow the chain to something that does.
        let mut header = *header;
        let mut leads = true;
        for _ in 0..EMPTY_CHAIN {
            if !header.tag.is_likely() {
                return false;
            }
            let next = layout.declared_end(&header);
            if next == bytes.len() || is_container(bytes, next) {
                break;
            }
            leads = match layout.chunk_header(bytes, next) {
                Some(following) if following.tag.is_known() => true,
                Some(following) if !self.is_right(layout, bytes, &following) => false,
                Some(following) if following.len == 0 => {
                    header = following;
                    continue;
                }
                Some(following) => following.tag.is_likely(),
                None => Tag::known_begins_at(bytes, next),
            };
            break;
        }
        if leads {
            self.proven = start..header.payload();
        }
        leads
    }

    pub(super) fn is_plausible(&mut self, layout: Layout, bytes: Bytes<'_>, at: u64) -> bool {
        let len = bytes.len();
        if at == len || at + layout.closing_len() == len {
            return true;
        }
        // A known tag, which nearly every chunk is followed by, first.
        if Tag::known_begins_at(bytes, at) {
            return true;
        }
        if is_container(bytes, at) || layout.closing_len() > 0 && is_container(bytes, at + layout.closing_len()) {
            return true;
        }
        let Some(header) = layout.chunk_header(bytes, at) else { return false };
        header.tag.is_likely() && self.is_chunk(layout, bytes, &header)
    }

    /// The chunk is whole and its CRC right; an empty one must lead to a plausible place.
    pub(super) fn is_strong(&mut self, layout: Layout, bytes: Bytes<'_>, header: &ChunkHeader) -> bool {
        self.fits(layout, bytes, header, header.len)
            && (header.len > 0 || self.is_plausible(layout, bytes, layout.declared_end(header)))
    }

    /// What is known of the container that begins at `at`. Takes from `budget` what was followed in vain.
    pub(super) fn inner(&mut self, bytes: Bytes<'_>, at: u64, budget: &mut usize) -> Option<Inner> {
        let layout = container_layout(bytes, at)?;
        let mut pos = at + layout.file_header_len();
        let mut followed = 0;
        let mut found = None;
        while followed < *budget {
            let header = layout.chunk_header(bytes, pos);
            match header.filter(|h| h.tag.is_printable() && self.fits(layout, bytes, h, h.len)) {
                Some(chunk) => {
                    followed += 1;
                    pos = layout.declared_end(&chunk);
                    if chunk.tag == Tag::VERI && layout == Layout::Transport {
                        return Some(Inner::Ends(pos));
                    }
                }
                None => {
                    let stored = layout.stored_closing_crc(bytes, pos);
                    if stored.is_some_and(|stored| followed > 0 && self.range(bytes, at, pos) == stored) {
                        return Some(Inner::Ends(pos + layout.closing_len()));
                    }
                    found = (followed > 0).then_some(Inner::Breaks(pos));
                    break;
                }
            }
        }
        *budget -= followed.min(*budget);
        found
    }
}

/// How far a container reaches that stands where one isn't part of the file's own chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inner {
    /// It is undamaged and ends here: a transport one by its VERI, a mux one by its closing CRC.
    Ends(u64),
    /// Its chunks follow each other up to here, and what comes next isn't one.
    Breaks(u64),
}
