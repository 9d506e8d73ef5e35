//! Containers made for tests, byte by byte and with none of the crate's own code: what reads them can't share a mistake
//! with what wrote them.

#![allow(dead_code, unreachable_pub, missing_docs)] // each test binary uses its own part

use std::ops::Range;
use std::sync::Arc;

use h4inspect::core::audit::{Audit, Verdict, audit};
use h4inspect::core::container::Options;
use h4inspect::core::finding::{Code, Finding, Severity};
use h4inspect::core::index::{Chunk, Tag};
use h4inspect::core::layout;
use h4inspect::core::salvage::{self, SalvageError};
use h4inspect::core::source::Source;
use h4inspect::core::task::Task;
use h4inspect::core::walk::{Depth, Step, Walked, Walker};
use sha2::{Digest, Sha256};

/// A transport chunk with a right length and CRC.
pub fn chunk(tag: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    chunk_with(tag, payload.len() as u32, crc32fast::hash(payload), payload)
}

/// A transport chunk that says what it is told to.
pub fn chunk_with(tag: &[u8; 4], len: u32, crc: u32, payload: &[u8]) -> Vec<u8> {
    [tag.as_slice(), &len.to_be_bytes(), &crc.to_be_bytes(), payload].concat()
}

/// A mux chunk with a right length and CRC.
pub fn mux_chunk(tag: &[u8; 4], flags: u32, payload: &[u8]) -> Vec<u8> {
    let covered = [tag.as_slice(), &flags.to_le_bytes(), &(payload.len() as u32).to_le_bytes(), payload].concat();
    [covered.as_slice(), &crc32fast::hash(&covered).to_le_bytes()].concat()
}

/// Run lengths that decode to `len` bytes (a multiple of 256), never the same for two seeds.
pub fn rle(len: usize, seed: u8) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut left, mut value) = (len, seed);
    while left > 0 {
        let run = left.min(14 + usize::from(seed) % 20);
        out.extend([value, run as u8]);
        value = value.wrapping_mul(5).wrapping_add(seed | 1);
        left -= run;
    }
    out
}

/// Bytes without a pattern.
pub fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let step = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(step).take(len).collect()
}

/// What the offsets of SEEK are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offsets {
    Stream,
    Stored,
    Chunk,
    Payload,
    Index,
}

impl Offsets {
    pub const ALL: [Self; 5] = [Self::Stream, Self::Stored, Self::Chunk, Self::Payload, Self::Index];

    pub fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Stored => "stored",
            Self::Chunk => "chunk",
            Self::Payload => "payload",
            Self::Index => "index",
        }
    }
}

/// What VERI holds.
#[derive(Debug, Clone)]
pub enum Veri {
    /// SHA-256 of all earlier chunks whole.
    Prefix,
    /// SHA-256 of the payloads of CORE, SEEK, META and SAFE.
    Payloads,
    /// These bytes.
    Raw(Vec<u8>),
    /// No such chunk.
    Absent,
}

/// A transport container; its fields are the knobs.
#[derive(Debug, Clone)]
pub struct Transport {
    pub version: u16,
    pub reserved: u16,
    /// Stored blocks.
    pub blocks: Vec<Vec<u8>>,
    pub gop: u64,
    pub frame_us: u64,
    pub offsets: Offsets,
    /// In place of the table that `offsets` and `gop` give.
    pub seek: Option<Vec<u8>>,
    pub meta: Vec<u8>,
    pub safe: Vec<u8>,
    /// Chunks by tag, in file order; VERI, if any, comes where it stands here.
    pub order: Vec<[u8; 4]>,
    /// Payloads of tags that are none of the usual ones.
    pub other: Vec<u8>,
    pub veri: Veri,
    /// Bytes after the last chunk.
    pub tail: Vec<u8>,
}

/// `CORE` stands for all blocks.
pub const USUAL_ORDER: [[u8; 4]; 5] = [*b"CORE", *b"SEEK", *b"META", *b"SAFE", *b"VERI"];

impl Transport {
    /// `count` blocks that decode to 256 bytes each, a keyframe every two.
    pub fn new(count: usize) -> Self {
        Self {
            version: 1,
            reserved: 0,
            blocks: (0..count).map(|block| rle(256, 3 + (7 * block % 250) as u8)).collect(),
            gop: 2,
            frame_us: 40_000,
            offsets: Offsets::Stream,
            seek: None,
            meta: meta(r#""block_size":256,"fps_hint":25.0,"gop":2"#),
            safe: br#"{"scope":"test"}"#.to_vec(),
            order: USUAL_ORDER.to_vec(),
            other: b"payload of another tag".to_vec(),
            veri: Veri::Prefix,
            tail: Vec::new(),
        }
    }

    /// Changes knobs in place.
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The file.
    pub fn build(&self) -> Vec<u8> {
        let mut out = [b"H4MK".as_slice(), &self.version.to_be_bytes(), &self.reserved.to_be_bytes()].concat();
        // The table's size does not depend on what it says, so that its entries can say where later blocks are.
        let seek_len = self.seek_payload(&[]).len();
        let mut cores = Vec::new();
        let mut at = out.len();
        for tag in &self.order {
            match tag {
                b"CORE" => self.blocks.iter().for_each(|block| {
                    cores.push(at as u64);
                    at += 12 + block.len();
                }),
                b"SEEK" => at += 12 + seek_len,
                b"META" => at += 12 + self.meta.len(),
                b"SAFE" => at += 12 + self.safe.len(),
                b"VERI" => at += 12 + 32,
                _ => at += 12 + self.other.len(),
            }
        }
        let seek = self.seek_payload(&cores);
        for tag in &self.order {
            match tag {
                b"CORE" => self.blocks.iter().for_each(|block| out.extend(chunk(tag, block))),
                b"SEEK" => out.extend(chunk(tag, &seek)),
                b"META" => out.extend(chunk(tag, &self.meta)),
                b"SAFE" => out.extend(chunk(tag, &self.safe)),
                b"VERI" => {
                    let digest = match &self.veri {
                        Veri::Prefix => Sha256::digest(&out[8..]).to_vec(),
                        Veri::Payloads => {
                            let mut hash = Sha256::new();
                            self.blocks.iter().for_each(|block| hash.update(block));
                            [&seek, &self.meta, &self.safe].into_iter().for_each(|payload| hash.update(payload));
                            hash.finalize().to_vec()
                        }
                        Veri::Raw(bytes) => bytes.clone(),
                        Veri::Absent => continue,
                    };
                    out.extend(chunk(tag, &digest));
                }
                _ => out.extend(chunk(tag, &self.other)),
            }
        }
        out.extend(&self.tail);
        out
    }

    fn seek_payload(&self, cores: &[u64]) -> Vec<u8> {
        if let Some(payload) = &self.seek {
            return payload.clone();
        }
        let keyframes = (0..self.blocks.len() as u64).step_by(self.gop.max(1) as usize);
        let entry = |block: u64| {
            let before = &self.blocks[..block as usize];
            let stored: usize = before.iter().map(Vec::len).sum();
            let decoded: u64 =
                before.iter().flat_map(|block| block.chunks_exact(2)).map(|pair| u64::from(pair[1])).sum();
            let core = cores.get(block as usize).copied().unwrap_or(0);
            let offset = match self.offsets {
                Offsets::Stream => decoded,
                Offsets::Stored => stored as u64,
                Offsets::Chunk => core,
                Offsets::Payload => core + 12,
                Offsets::Index => block,
            };
            (block * self.frame_us, offset)
        };
        table(&keyframes.map(entry).collect::<Vec<_>>())
    }
}

/// A META payload with `fields` besides the usual ones.
pub fn meta(fields: &str) -> Vec<u8> {
    let engine = r#""compression":{"engine":"geometric-reference"}"#;
    let comma = if fields.is_empty() { "" } else { "," };
    format!(r#"{{"project":"test",{engine}{comma}{fields}}}"#).into_bytes()
}

/// A SEEK payload.
pub fn table(entries: &[(u64, u64)]) -> Vec<u8> {
    let mut out = (entries.len() as u32).to_be_bytes().to_vec();
    entries.iter().for_each(|(pts, offset)| out.extend([pts.to_be_bytes(), offset.to_be_bytes()].concat()));
    out
}

/// A mux container of two tracks; its fields are the knobs.
#[derive(Debug, Clone)]
pub struct Mux {
    pub version: u8,
    pub flags: u8,
    pub reserved: u16,
    pub timestamp: u64,
    pub trak: Option<Vec<u8>>,
    pub meta: Vec<u8>,
    pub safe: Vec<u8>,
    pub veri: Option<Vec<u8>>,
    pub note: Vec<u8>,
    /// Track, pts in ms, kind (0 I, 1 P, 2 B), content.
    pub blocks: Vec<(u16, u32, u32, Vec<u8>)>,
    /// In place of the right closing CRC.
    pub closing: Option<Vec<u8>>,
    pub tail: Vec<u8>,
}

impl Mux {
    /// Two tracks, a keyframe every other block.
    pub fn new(per_track: usize) -> Self {
        let block = |i: usize| {
            let (track, nth) = (i % 2, i / 2);
            let kind = u32::from(!nth.is_multiple_of(2));
            (track as u16 + 1, nth as u32 * 20, kind, noise(9 + i % 5, i as u64 + 1))
        };
        let trak = br#"{"tracks":[{"track_id":1,"name":"a","kind":"audio","codec":"x","sample_rate":48000,"channels":2},{"track_id":2,"name":"b","kind":"audio","codec":"x","sample_rate":48000,"channels":2}]}"#;
        Self {
            version: 1,
            flags: 0,
            reserved: 0,
            timestamp: 0,
            trak: Some(trak.to_vec()),
            meta: br#"{"project":"test"}"#.to_vec(),
            safe: br#"{"scope":"test"}"#.to_vec(),
            veri: None,
            note: b"a note".to_vec(),
            blocks: (0..2 * per_track).map(block).collect(),
            closing: None,
            tail: Vec::new(),
        }
    }

    /// Changes knobs in place.
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The file.
    pub fn build(&self) -> Vec<u8> {
        let mut out = [b"H4MK".as_slice(), &[self.version, self.flags], &self.reserved.to_le_bytes()].concat();
        out.extend(self.timestamp.to_le_bytes());
        if let Some(trak) = &self.trak {
            out.extend(mux_chunk(b"TRAK", 0, trak));
        }
        out.extend(mux_chunk(b"META", 0, &self.meta));
        out.extend(mux_chunk(b"SAFE", 0, &self.safe));
        let mut content = Sha256::new();
        self.blocks.iter().for_each(|block| content.update(&block.3));
        let digest: String = content.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let veri = self.veri.clone().unwrap_or_else(|| format!(r#"{{"sha256":"{digest}"}}"#).into_bytes());
        out.extend(mux_chunk(b"VERI", 0, &veri));
        out.extend(mux_chunk(b"NOTE", 0, &self.note));
        let mut keyframes: std::collections::BTreeMap<u16, Vec<(u32, u32)>> = Default::default();
        for (track, pts_ms, kind, content) in &self.blocks {
            let keys = keyframes.entry(*track).or_default();
            if *kind == 0 {
                keys.push((*pts_ms, out.len() as u32 + 12));
            }
            let payload = [b"H4TB".as_slice(), &track.to_le_bytes(), &[0, 0], content].concat();
            out.extend(mux_chunk(b"CORE", pts_ms | kind << 28, &payload));
        }
        for (track, keys) in keyframes {
            let mut payload = [b"H4TS".as_slice(), &track.to_le_bytes(), &[0, 0], b"H4SK"].concat();
            payload.extend((keys.len() as u16).to_le_bytes());
            payload.extend([0, 0]);
            keys.iter().for_each(|(pts, offset)| payload.extend([pts.to_le_bytes(), offset.to_le_bytes()].concat()));
            out.extend(mux_chunk(b"TSEK", 0, &payload));
        }
        let closing = self.closing.clone().unwrap_or_else(|| crc32fast::hash(&out).to_le_bytes().to_vec());
        out.extend(closing);
        out.extend(&self.tail);
        out
    }
}

/// A chunk of an undamaged file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub tag: [u8; 4],
    pub payload: Range<usize>,
    /// Header, payload and what follows it.
    pub whole: Range<usize>,
}

/// Where the chunks of an undamaged file are.
pub fn spans(bytes: &[u8]) -> Vec<Span> {
    let mux = bytes[4] == 1;
    let (mut at, end, trailer) = if mux { (16, bytes.len() - 4, 4) } else { (8, bytes.len(), 0) };
    let mut spans = Vec::new();
    while at < end {
        let field = if mux { &bytes[at + 8..at + 12] } else { &bytes[at + 4..at + 8] };
        let field: [u8; 4] = field.try_into().unwrap();
        let len = if mux { u32::from_le_bytes(field) } else { u32::from_be_bytes(field) } as usize;
        let payload = at + 12..at + 12 + len;
        let whole = at..payload.end + trailer;
        at = whole.end;
        spans.push(Span { tag: bytes[whole.start..whole.start + 4].try_into().unwrap(), payload, whole });
    }
    spans
}

/// The nth chunk of that tag in an undamaged file.
pub fn span(bytes: &[u8], tag: &[u8; 4], nth: usize) -> Span {
    spans(bytes).into_iter().filter(|span| span.tag == *tag).nth(nth).unwrap()
}

/// `bytes` with one bit the other way.
pub fn flipped(bytes: &[u8], offset: usize, bit: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[offset] ^= 1 << bit;
    bytes
}

/// The audit of a file, which every kind of walk sees alike, and which is salvaged on the way, as far as that can be.
pub fn audited(bytes: &[u8]) -> Audit {
    assert_eq!(headers(bytes, 0), headers(bytes, u32::MAX));
    let audit = audited_with(bytes, &Options::default());
    // Large ones would take minutes.
    for repair in [false, true].into_iter().filter(|_| bytes.len() < 1 << 20) {
        if let Some(wrong) = wrongly_salvaged(&audit, repair) {
            panic!("salvaged, with repair {repair}: {wrong}");
        }
    }
    audit
}

/// What is wrong with a salvage of a file that is damaged further, near its second chunk and at its end; `None` for one of
/// fewer than three chunks, which isn't tried.
pub fn wrongly_salvaged_if_damaged(bytes: &[u8]) -> Option<Vec<String>> {
    let audit = audited_with(bytes, &Options::default());
    let chunks = audit.container.iter().flat_map(|container| container.index().iter().skip(1).take(2));
    let places: Vec<usize> = chunks.map(|chunk| chunk.offset() as usize).collect();
    let [second, third] = places[..] else { return None };
    let (before, after) = (&bytes[..second], &bytes[third..]);
    let damaged = [
        ("bytes before the second chunk", [before, &[0; 4], &bytes[second..]].concat()),
        ("no second chunk", [before, after].concat()),
        ("zeros for the second chunk", [before, &vec![0; third - second], after].concat()),
        ("the second chunk twice", [&bytes[..third], &bytes[second..]].concat()),
        ("the last bytes gone", bytes[..bytes.len() - 7].to_vec()),
    ];
    let wrong = |(what, bytes): (&str, Vec<u8>)| {
        let wrong = wrongly_salvaged(&audited_with(&bytes, &Options::default()), false)?;
        Some(format!("{what}: {wrong}"))
    };
    Some(damaged.into_iter().filter_map(wrong).collect())
}

/// What is wrong with a salvage of a file: what it writes is a container without errors, and salvaged again is itself.
pub fn wrongly_salvaged(audit: &Audit, repair: bool) -> Option<String> {
    let settings = salvage::Settings { repair, ..salvage::Settings::default() };
    let salvaged = |audit: &Audit| {
        let mut out = Vec::new();
        match salvage::salvage(audit, &settings, &mut out, &Task::default()) {
            Ok(report) => Some((report, out)),
            Err(SalvageError::Unreadable(why)) => {
                assert_eq!(audit.verdict, Verdict::Unreadable, "{why}");
                None
            }
            Err(SalvageError::Nothing) => {
                let container = audit.container.as_ref().unwrap();
                // Tables and digests of what is gone are nothing to keep.
                let content = |chunk: &Chunk| ![Tag::VERI, Tag::SEEK, Tag::TSEK].contains(&chunk.tag());
                let kept = container.index().iter().find(|chunk| content(chunk) && container.is_intact(chunk));
                assert_eq!(kept, None, "this is refused, and could be kept");
                None
            }
            Err(error) => panic!("{error}"),
        }
    };
    let (report, out) = salvaged(audit)?;
    let after = audited_with(&out, &Options::default());
    let errors: Vec<_> = after.findings.list().iter().filter(|f| f.severity == Severity::Error).collect();
    let blocks = after.container.as_ref().map_or(0, |container| container.index().blocks());
    let Some((again, same)) = salvaged(&after) else { return Some("what was written holds nothing".to_owned()) };
    let found = format!("{:?}\n{report:?}", audit.findings.list());
    if !errors.is_empty() {
        return Some(format!("it has {errors:?}\n{found}"));
    }
    if (report.bytes_after, report.blocks_after) != (out.len() as u64, blocks) {
        return Some(format!("{} bytes, {blocks} blocks\n{found}", out.len()));
    }
    (same != out || !again.nothing_lost()).then(|| format!("a second salvage changes it: {again:?}\n{found}"))
}

/// All that a walk over headers finds, where chunks from `far` payload bytes on are far apart.
fn headers(bytes: &[u8], far: u32) -> Option<String> {
    let layout = layout::recognise(bytes).ok()?.layout;
    let source = Source::from_bytes("test", bytes.to_vec());
    let mut walker = Walker::new(layout, Depth::Headers);
    while walker.walk(&source, far, 7, true) == Step::More {}
    let Walked { index, findings, losses, ending, closing_crc, .. } = walker.finish();
    let chunks: Vec<_> = index.iter().collect();
    Some(format!("{chunks:?} {:?} {losses:?} {ending:?} {closing_crc:?}", findings.list()))
}

/// The same with options.
pub fn audited_with(bytes: &[u8], options: &Options) -> Audit {
    audit(&Arc::new(Source::from_bytes("test", bytes.to_vec())), options, &Task::default()).unwrap()
}

/// Codes in file order.
pub fn codes(audit: &Audit) -> Vec<&'static str> {
    audit.findings.list().iter().map(|finding| finding.code.name()).collect()
}

/// Codes in file order without mere information.
pub fn faults(audit: &Audit) -> Vec<&'static str> {
    let faults = audit.findings.list().iter().filter(|finding| finding.severity != Severity::Info);
    faults.map(|finding| finding.code.name()).collect()
}

/// The findings of one code.
pub fn of(audit: &Audit, code: Code) -> Vec<&Finding> {
    audit.findings.list().iter().filter(|finding| finding.code == code).collect()
}

/// CORE chunks whole with a right CRC.
pub fn blocks_intact(audit: &Audit) -> u64 {
    audit.container.as_ref().map_or(0, |container| container.index().blocks_intact())
}

/// The name of what SEEK offsets were taken to mean.
pub fn meaning(audit: &Audit) -> Option<&'static str> {
    let container = audit.container.as_ref()?;
    let resolution = container.resolution(h4inspect::core::container::Effort::Full);
    resolution.best.map(|fit| fit.meaning.name())
}
