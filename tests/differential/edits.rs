//! Edits of a file that keep account of what became of each byte.

use std::ops::Range;

use super::bases::Base;
use super::random::Random;
use crate::builder::{Mux, Transport, noise};

/// One edit. Offsets are those of the file at that time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Edit {
    Flip {
        at: usize,
        bit: u8,
    },
    Burst {
        at: usize,
        bytes: Bytes,
    },
    Zero {
        at: usize,
        len: usize,
    },
    Insert {
        at: usize,
        bytes: Bytes,
    },
    Delete {
        at: usize,
        len: usize,
    },
    /// A whole chunk, written again at a place between chunks.
    Duplicate {
        chunk: Range<usize>,
        to: usize,
    },
    Swap {
        first: Range<usize>,
        second: Range<usize>,
    },
    Drop {
        chunk: Range<usize>,
    },
    Truncate {
        at: usize,
    },
    Append {
        bytes: Bytes,
    },
    /// The length field of the chunk that begins here.
    Length {
        chunk: Range<usize>,
        len: u32,
    },
    /// The tag of the chunk that begins here, and nothing else.
    Forge {
        chunk: Range<usize>,
        tag: [u8; 4],
    },
    /// The same with the CRC that a writer would have given it.
    Retag {
        chunk: Range<usize>,
        tag: [u8; 4],
    },
}

/// What is written in an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bytes {
    Noise(usize, u64),
    Zeros(usize),
    /// A container of two blocks.
    Transport,
    /// A container of two blocks in each track.
    Mux,
}

impl Bytes {
    pub(super) fn make(self) -> Vec<u8> {
        match self {
            Self::Noise(len, seed) => noise(len, seed),
            Self::Zeros(len) => vec![0; len],
            Self::Transport => Transport::new(2).build(),
            Self::Mux => Mux::new(2).build(),
        }
    }
}

/// Not a byte of the undamaged file.
pub(super) const NEW: u32 = u32::MAX;

/// A file that was edited.
#[derive(Debug, Clone)]
pub(super) struct Damaged {
    pub(super) bytes: Vec<u8>,
    /// Where each byte stood in the undamaged file, or [`NEW`].
    pub(super) origin: Vec<u32>,
    pub(super) edits: Vec<Edit>,
    /// A container was put where a chunk could begin: in a payload it would be content.
    pub(super) joins: bool,
    /// A transport file was cut between chunks, which leaves no trace.
    pub(super) cut_between: bool,
}

/// A chunk of the undamaged file that is still there, bit by bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) at: usize,
    pub(super) end: usize,
    /// Which chunk it is.
    pub(super) chunk: usize,
}

impl Damaged {
    pub(super) fn new(base: &Base) -> Self {
        let origin = (0..base.bytes.len() as u32).collect();
        Self { bytes: base.bytes.clone(), origin, edits: Vec::new(), joins: false, cut_between: false }
    }

    fn write(&mut self, at: usize, bytes: &[u8]) {
        for (at, byte) in (at..self.bytes.len()).zip(bytes) {
            if self.bytes[at] != *byte {
                (self.bytes[at], self.origin[at]) = (*byte, NEW);
            }
        }
    }

    fn insert(&mut self, at: usize, bytes: &[u8], origin: &[u32]) {
        self.bytes.splice(at..at, bytes.iter().copied());
        self.origin.splice(at..at, origin.iter().copied());
    }

    fn insert_new(&mut self, at: usize, bytes: &[u8]) {
        self.insert(at, bytes, &vec![NEW; bytes.len()]);
    }

    fn delete(&mut self, range: Range<usize>) {
        self.bytes.drain(range.clone());
        self.origin.drain(range);
    }

    pub(super) fn apply(&mut self, base: &Base, edit: Edit) {
        let length_at = if base.mux { 8 } else { 4 };
        if let Edit::Insert { at, bytes: Bytes::Transport | Bytes::Mux } = edit {
            let header = if base.mux { 16 } else { 8 };
            let payload = |chunk: &Found| chunk.at + 12 <= at && at < chunk.end - if base.mux { 4 } else { 0 };
            self.joins |= at <= header || !self.found(base).iter().any(payload);
        }
        if let Edit::Truncate { at } = edit {
            let between = at == 8 || self.found(base).iter().any(|chunk| chunk.end == at);
            self.cut_between |= !base.mux && between;
        }
        self.joins |= matches!(edit, Edit::Append { bytes: Bytes::Transport | Bytes::Mux });
        match edit.clone() {
            Edit::Flip { at, bit } => self.write(at, &[self.bytes[at] ^ 1 << bit]),
            Edit::Burst { at, bytes } => self.write(at, &bytes.make()),
            Edit::Zero { at, len } => self.write(at, &vec![0; len]),
            Edit::Insert { at, bytes } => self.insert_new(at, &bytes.make()),
            Edit::Delete { at, len } => self.delete(at..at + len),
            Edit::Duplicate { chunk, to } => {
                let (bytes, origin) = (self.bytes[chunk.clone()].to_vec(), self.origin[chunk].to_vec());
                self.insert(to, &bytes, &origin);
            }
            Edit::Swap { first, second } => {
                for bytes in [first.clone(), second.clone()] {
                    assert!(bytes.end <= self.bytes.len() && first.end <= second.start);
                }
                let later = (self.bytes[second.clone()].to_vec(), self.origin[second.clone()].to_vec());
                let earlier = (self.bytes[first.clone()].to_vec(), self.origin[first.clone()].to_vec());
                self.delete(second.clone());
                self.insert(second.start, &earlier.0, &earlier.1);
                self.delete(first.clone());
                self.insert(first.start, &later.0, &later.1);
            }
            Edit::Drop { chunk } => self.delete(chunk),
            Edit::Truncate { at } => self.delete(at..self.bytes.len()),
            Edit::Append { bytes } => self.insert_new(self.bytes.len(), &bytes.make()),
            Edit::Length { chunk, len } => {
                let field = if base.mux { len.to_le_bytes() } else { len.to_be_bytes() };
                self.write(chunk.start + length_at, &field);
            }
            Edit::Forge { chunk, tag } => self.write(chunk.start, &tag),
            Edit::Retag { chunk, tag } => {
                self.write(chunk.start, &tag);
                if base.mux {
                    let crc = crc32fast::hash(&self.bytes[chunk.start..chunk.end - 4]);
                    self.write(chunk.end - 4, &crc.to_le_bytes());
                }
            }
        }
        self.edits.push(edit);
    }

    /// Chunks that are whole, in file order.
    pub(super) fn found(&self, base: &Base) -> Vec<Found> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.bytes.len() {
            let start = self.origin[at] as usize;
            let is_whole = |whole: &Range<usize>| {
                whole.start == start
                    && self.origin.get(at..at + whole.len()).is_some_and(|origin| {
                        origin.iter().zip(whole.clone()).all(|(found, expected)| *found as usize == expected)
                    })
            };
            // Chunks are in order and none is empty.
            let chunk = base.chunks.partition_point(|span| span.whole.start < start);
            match base.chunks.get(chunk).filter(|span| is_whole(&span.whole)) {
                Some(span) => {
                    let end = at + span.whole.len();
                    found.push(Found { at, end, chunk });
                    at = end;
                }
                None => at += 1,
            }
        }
        found
    }

    /// Any edit of it.
    pub(super) fn random(&self, base: &Base, random: &mut Random) -> Edit {
        let found = self.found(base);
        let header = if base.mux { 16 } else { 8 };
        let len = self.bytes.len();
        let near_header = |random: &mut Random| match found.get(random.below(found.len().max(1))) {
            Some(chunk) if random.below(2) == 0 => chunk.at + random.below((chunk.end - chunk.at).min(20)),
            _ => random.below(len),
        };
        let pick = |random: &mut Random| {
            let chunk = found[random.below(found.len())];
            chunk.at..chunk.end
        };
        let boundary = |random: &mut Random| match random.below(found.len() + 1) {
            0 => header,
            nth => found[nth - 1].end,
        };
        let which = random.below(if found.is_empty() { 8 } else { 14 });
        match which {
            0 | 1 => Edit::Flip { at: near_header(random), bit: random.below(8) as u8 },
            2 => {
                let bytes = Bytes::Noise(1 + random.below(60), random.next() >> 48);
                Edit::Burst { at: near_header(random), bytes }
            }
            3 => Edit::Zero { at: near_header(random), len: random.few(300) },
            4 => {
                let at = if random.below(3) == 0 { boundary(random) } else { near_header(random).max(header) };
                let bytes = match random.below(12) {
                    0 => Bytes::Transport,
                    1 => Bytes::Mux,
                    2 | 3 => Bytes::Zeros(random.few(50)),
                    _ => Bytes::Noise(1 + random.below(40), random.next() >> 48),
                };
                Edit::Insert { at: at.min(len), bytes }
            }
            5 => {
                let at = near_header(random).max(header).min(len - 1);
                Edit::Delete { at, len: random.few(200).min(len - at) }
            }
            6 => {
                let cut =
                    if random.below(4) == 0 { boundary(random) } else { header + random.below((len - header).max(1)) };
                Edit::Truncate { at: cut.min(len) }
            }
            7 => Edit::Append {
                bytes: match random.below(4) {
                    0 => Bytes::Transport,
                    1 => Bytes::Mux,
                    2 => Bytes::Zeros(1 + random.below(50)),
                    _ => Bytes::Noise(1 + random.below(50), random.next() >> 48),
                },
            },
            8 => Edit::Duplicate { chunk: pick(random), to: boundary(random) },
            9 if found.len() > 1 => {
                let first = random.below(found.len() - 1);
                let second = first + 1 + random.below(found.len() - first - 1);
                Edit::Swap { first: found[first].at..found[first].end, second: found[second].at..found[second].end }
            }
            9 | 10 => Edit::Drop { chunk: pick(random) },
            11 => {
                let nth = random.below(found.len());
                let chunk = found[nth];
                let frame = if base.mux { 16 } else { 12 };
                let own = chunk.end - chunk.at - frame;
                let len = match random.below(4) {
                    0 => random.below(own + 1),
                    1 => own + 1 + random.below(100),
                    2 => 0x7fff_ffff - random.below(100),
                    _ => found[nth + random.below(found.len() - nth)].end - chunk.at - frame,
                };
                Edit::Length { chunk: chunk.at..chunk.end, len: len as u32 }
            }
            12 => {
                let chunk = pick(random);
                let mut tag: [u8; 4] = self.bytes[chunk.start..chunk.start + 4].try_into().unwrap();
                match random.below(3) {
                    0 => tag[random.below(4)] ^= 1 << random.below(8),
                    1 => tag = *b"ABCD",
                    _ => tag = *TAGS[random.below(TAGS.len())],
                }
                Edit::Forge { chunk, tag }
            }
            _ => {
                let tag = if random.below(2) == 0 { *b"ABCD" } else { *TAGS[random.below(TAGS.len())] };
                Edit::Retag { chunk: pick(random), tag }
            }
        }
    }
}

const TAGS: [&[u8; 4]; 9] = [b"CORE", b"SEEK", b"META", b"SAFE", b"VERI", b"TRAK", b"TSEK", b"NOTE", b"GEOM"];
