//! What must be said of a file whose undamaged bytes and edits are known. Written from the documents: it shares no code
//! with what it judges.

use std::collections::BTreeSet;
use std::ops::Range;

use sha2::{Digest, Sha256};

use super::bases::Base;
use super::edits::{Bytes, Damaged, Edit, Found, NEW};
use crate::builder::Span;

/// What is known of a damaged file.
pub(super) struct Truth<'a> {
    pub(super) base: &'a Base,
    pub(super) file: &'a Damaged,
    /// Chunks that no edit touched.
    pub(super) found: Vec<Found>,
    /// Bytes between them that the file header and the closing CRC don't explain.
    pub(super) areas: Vec<Range<usize>>,
    /// The magic is there, and the file header whole.
    pub(super) readable: bool,
    /// Which layout it is of can't be told for sure.
    pub(super) unclear: bool,
    /// Chunks are missing, doubled, moved or renamed, and nothing but what other chunks say shows it.
    pub(super) silent: bool,
    /// Mux: the closing CRC stands where the file ends.
    pub(super) closed: bool,
    /// Another container was put where a chunk could begin.
    pub(super) container: Option<usize>,
}

/// Faults of bytes: each has a place, and there is a reason for it.
const PLACED: [&str; 10] = [
    "chunk-truncated",
    "chunk-crc-mismatch",
    "chunk-length-repaired",
    "chunk-tag-repaired",
    "region-skipped",
    "trailing-bytes",
    "appended-container",
    "chunk-tag-invalid",
    "track-header-missing",
    "block-odd-length",
];
/// Those that say that something is there that isn't what was written.
const NOTICES: [&str; 7] = [
    "chunk-truncated",
    "chunk-crc-mismatch",
    "chunk-length-repaired",
    "chunk-tag-repaired",
    "region-skipped",
    "trailing-bytes",
    "appended-container",
];
const MEASURES: [&str; 3] = ["veri-mismatch", "veri-unsupported", "container-crc-mismatch"];
/// What a chunk that is gone, doubled or moved without a trace makes others say.
const ABOUT_CHUNKS: [&str; 7] = [
    "chunk-missing",
    "chunk-duplicate",
    "chunk-after-veri",
    "no-blocks",
    "unfinished",
    "chunk-unknown",
    "veri-malformed",
];

/// Tags that prove a chunk where its CRC is right.
const KNOWN: [&[u8; 4]; 11] =
    [b"CORE", b"SEEK", b"META", b"SAFE", b"VERI", b"TRAK", b"TSEK", b"NOTE", b"GEOM", b"TEMP", b"GMET"];

/// One finding as the test sees it.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) code: String,
    pub(super) info: bool,
    pub(super) range: Range<usize>,
    pub(super) flip: Option<(usize, u8)>,
}

impl<'a> Truth<'a> {
    pub(super) fn of(base: &'a Base, file: &'a Damaged) -> Self {
        let found = file.found(base);
        let header = if base.mux { 16 } else { 8 };
        let len = file.bytes.len();
        let whole_header = len >= header && file.origin[..header.min(len)].iter().copied().eq(0..header as u32);
        let closing = (base.bytes.len() - 4..base.bytes.len()).map(|at| at as u32);
        let closed = base.mux && len >= header + 4 && file.origin[len - 4..].iter().copied().eq(closing);
        let end = if closed { len - 4 } else { len };
        let mut areas = Vec::new();
        let mut at = if whole_header { header } else { header.min(len) };
        for chunk in &found {
            if at < chunk.at {
                areas.push(at..chunk.at);
            }
            at = chunk.end;
        }
        if at < end {
            areas.push(at..end);
        }
        let magic = file.bytes.starts_with(b"H4MK");
        let begins = |at: &usize| matches!(file.bytes.get(*at..*at + 6), Some(b"H4MK\0\x01" | b"H4MK\x01\0"));
        let container = (header..len).filter(|_| file.joins).find(|at| file.origin[*at] == NEW && begins(at));
        let mut truth = Self {
            base,
            file,
            found,
            areas,
            readable: magic && len >= header,
            unclear: magic
                && file.origin.iter().skip(4).take(2).copied().ne(4..6)
                && !matches!(file.edits.as_slice(), [Edit::Flip { .. }]),
            silent: false,
            closed,
            container,
        };
        truth.unclear |= truth.is_ruined();
        truth.silent = truth.container.is_some() || file.cut_between || truth.is_silent();
        truth
    }

    /// What stands in a payload can't be told from the file's own chunks: a container in it was edited, and so was
    /// something else, or another container was put into it. Or chunks were moved, and then some were lost.
    fn is_ruined(&self) -> bool {
        let bytes = &self.file.bytes;
        let magic = |at: usize| self.base.bytes[at..].starts_with(b"H4MK");
        let holds = |span: &&Span| span.payload.clone().any(magic);
        let mut edited = self
            .base
            .chunks
            .iter()
            .filter(holds)
            .filter(|span| !self.found.iter().any(|found| self.base.chunks[found.chunk].whole == span.whole));
        let puts = |edit: &Edit| matches!(edit, Edit::Insert { bytes: Bytes::Transport | Bytes::Mux, .. });
        let more = self.file.edits.len() > 1 || self.file.edits.iter().any(puts);
        // A container may seem to be appended where an edit put its beginning at a chunk's declared end.
        let ends = self.areas.iter().filter_map(|area| self.declared_end(area.start));
        let inserted = |end: usize| self.file.origin.get(end) == Some(&NEW);
        let seems = ends.filter(|end| *end < bytes.len()).any(|end| {
            let begins = |tag: &&[u8; 4]| bytes[end..].starts_with(*tag);
            begins(&b"H4MK") || inserted(end) && KNOWN.iter().any(begins)
        });
        // What comes twice, or after VERI, is taken for a container's in a payload once bytes are lost before it.
        let moved = |edit: &Edit| {
            use Edit::{Drop, Duplicate, Forge, Retag, Swap};
            matches!(edit, Duplicate { .. } | Swap { .. } | Drop { .. } | Forge { .. } | Retag { .. })
        };
        let moves = self.file.edits.len() > 1 && self.file.edits.iter().any(moved);
        let lost = moves && self.areas.iter().any(|area| !self.is_chain(area));
        let puts = self.file.joins || self.file.edits.iter().any(puts);
        edited.next().is_some() && more || seems || lost || puts && self.file.edits.len() > 1
    }

    /// Where the chunk ends whose header is at `at`, by its length.
    fn declared_end(&self, at: usize) -> Option<usize> {
        let (frame, field) = if self.base.mux { (16, 8) } else { (12, 4) };
        let field: [u8; 4] = self.file.bytes.get(at + field..at + field + 4)?.try_into().unwrap();
        let len = if self.base.mux { u32::from_le_bytes(field) } else { u32::from_be_bytes(field) };
        Some(at + frame + len as usize)
    }

    /// Nothing is whole but tables and digests of what isn't, and blocks that need those before them.
    pub(super) fn is_empty(&self) -> bool {
        let about = |found: &Found| [*b"SEEK", *b"VERI", *b"TSEK"].contains(&self.base.chunks[found.chunk].tag);
        self.base.bound || self.found.iter().all(about)
    }

    fn is_silent(&self) -> bool {
        self.file.edits.iter().any(|edit| match edit {
            Edit::Duplicate { .. }
            | Edit::Swap { .. }
            | Edit::Drop { .. }
            | Edit::Forge { .. }
            | Edit::Retag { .. } => true,
            // Too little is left to tell what it was.
            Edit::Truncate { .. } => !self.base.mux && self.areas.last().is_some_and(|area| area.len() < 12),
            // The beginning of one chunk and the end of another.
            Edit::Delete { .. } => self.areas.iter().any(|area| self.origins(area).1 > 1),
            _ => false,
        }) || self.file.edits.iter().any(|edit| matches!(edit, Edit::Delete { .. }))
            && self.found.windows(2).any(|pair| pair[0].end == pair[1].at && pair[1].chunk != pair[0].chunk + 1)
            || self.found.first().is_some_and(|first| first.at == self.header() && first.chunk != 0)
            || self.areas.iter().any(|area| self.is_renamed(area))
            || self.areas.iter().any(|area| self.is_chain(area))
            || self.trails()
            || self.areas.is_empty() && self.found.len() < self.base.chunks.len()
            || self.found.last().is_some_and(|last| {
                last.chunk + 1 < self.base.chunks.len() && !self.base.mux && last.end == self.file.bytes.len()
            })
    }

    pub(super) fn header(&self) -> usize {
        if self.base.mux { 16 } else { 8 }
    }

    /// Bytes of an area that stood in the undamaged file, and in how many chunks.
    fn origins(&self, area: &Range<usize>) -> (usize, usize) {
        let bytes: Vec<u32> = self.file.origin[area.clone()].iter().copied().filter(|origin| *origin != NEW).collect();
        let chunk = |at: u32| self.base.chunks.partition_point(|span| span.whole.end <= at as usize);
        (bytes.len(), bytes.iter().map(|at| chunk(*at)).collect::<BTreeSet<_>>().len())
    }

    /// Transport: a chunk in it of which neither CRC nor payload was touched.
    fn is_renamed(&self, area: &Range<usize>) -> bool {
        let rest = |span: &Span| span.whole.start + 8..span.whole.end;
        let there = |span: &Span| {
            let found = |at: &usize| self.file.origin[*at] as usize == rest(span).start;
            area.clone().find(found).is_some_and(|at| {
                let origin = self.file.origin[at..].iter().map(|at| *at as usize);
                at >= area.start + 8 && origin.take(rest(span).len()).eq(rest(span))
            })
        };
        !self.base.mux && self.base.chunks.iter().any(there)
    }

    /// Nothing that follows the last whole chunk looks like one, so that it is no more than trailing bytes.
    fn trails(&self) -> bool {
        let end = self.file.bytes.len() - if self.closed { 4 } else { 0 };
        let Some(area) = self.areas.last().filter(|area| area.end == end) else { return false };
        // So little may be what is left of a closing CRC.
        if self.base.mux && self.declared_end(area.start).is_some_and(|at| end.saturating_sub(4) <= at && at < end) {
            return true;
        }
        let begins = &self.file.bytes[area.start..(area.start + 4).min(area.end)];
        let veri = self.found.iter().any(|found| self.base.chunks[found.chunk].tag == *b"VERI");
        (self.base.mux || veri || area.len() < 12) && !KNOWN.iter().any(|tag| tag.starts_with(begins))
    }

    /// Only one byte of the file is another.
    pub(super) fn only_flip(&self) -> Option<(usize, u8)> {
        match self.file.edits.as_slice() {
            [Edit::Flip { at, bit }] => Some((*at, *bit)),
            _ => None,
        }
    }

    /// A chunk may end here: the next one begins, or the file ends.
    fn may_end(&self, end: usize) -> bool {
        let len = self.file.bytes.len();
        end == len
            || self.closed && end == len - 4
            || self.found.iter().any(|found| found.at == end)
            || self.areas.iter().any(|area| area.start == end)
    }

    /// Mux: the last chunk was made shorter, so that its length leads into the closing CRC or over it.
    fn covers_closing(&self) -> bool {
        let len = self.file.bytes.len();
        let last = self.areas.last().filter(|area| area.end + 4 == len);
        last.and_then(|area| self.declared_end(area.start)).is_some_and(|end| len - 4 < end && end <= len)
    }

    /// Untouched chunks that the length of the one before leads over, to a place where it may end.
    fn hidden(&self) -> Vec<&Found> {
        let over = |area: &Range<usize>| {
            let end = self.declared_end(area.start)?;
            (end > area.end && self.may_end(end)).then_some(area.end..end)
        };
        let over: Vec<_> = self.areas.iter().filter_map(over).collect();
        self.found.iter().filter(|found| over.iter().any(|over| over.contains(&found.at))).collect()
    }

    /// Chunks that a length leads over are payload as far as anyone can tell, unless its CRC proves another length.
    pub(super) fn may_swallow(&self) -> bool {
        let hidden = self.hidden();
        let alone = matches!(self.file.edits.as_slice(), [Edit::Length { .. } | Edit::Flip { .. }]);
        // A length is only tried at known tags.
        let told = alone && hidden.first().is_some_and(|first| KNOWN.contains(&&self.base.chunks[first.chunk].tag));
        let over = |area: &Range<usize>| {
            let end = self.declared_end(area.start);
            self.origins(area).1 > 1 && end.is_some_and(|end| end >= area.end && self.may_end(end))
        };
        // Where it ends just beside a chunk, and other damage comes before that, the end of the payload may have moved.
        let beside = |area: &Range<usize>| {
            let end = self.declared_end(area.start).unwrap_or(0);
            let behind = self.areas.iter().any(|other| other.start > area.end && other.start < end);
            behind && self.found.iter().any(|found| found.at > area.end && found.at.abs_diff(end) <= 16)
        };
        !told && (!hidden.is_empty() || !alone && self.areas.iter().any(|area| over(area) || beside(area)))
    }

    /// A length leads over whole blocks, and nothing that costs little to read knows of them.
    pub(super) fn hides_quietly(&self) -> bool {
        let hidden = self.hidden();
        let core = |found: &Found| self.base.chunks[found.chunk].tag == *b"CORE";
        if hidden.is_empty() || !hidden.iter().all(|found| core(found)) {
            return false;
        }
        let cores = || (0..self.base.chunks.len()).filter(|chunk| self.base.chunks[*chunk].tag == *b"CORE");
        let (before, after) = (cores().count(), cores().count() - hidden.len());
        let tables = self.touches(b"SEEK") || self.touches(b"META");
        // By META's gop of two.
        let counted = self.base.gop && after.div_ceil(2) < before.div_ceil(2);
        self.base.frame_us.is_none() || tables || !counted
    }

    /// What is wrong with these findings.
    pub(super) fn judge(&self, said: &[Said]) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.may_swallow() {
            return wrong;
        }
        let faults = || said.iter().filter(|said| !said.info);
        for said in faults() {
            if let Some(why) = self.unexplained(said) {
                wrong.push(format!("{}: {why} ({:?})", said.code, said.range));
            }
        }
        for area in &self.areas {
            let near =
                |said: &&Said| said.range.start <= area.end && area.start <= said.range.end.max(said.range.start);
            // Four bytes at the end of a mux file are its closing CRC.
            let closing = self.base.mux && area.end == self.file.bytes.len() && area.len() <= 4;
            let notice = |code: &str| NOTICES.contains(&code) || closing && code.starts_with("container-crc");
            let notices = faults().filter(near).filter(|said| notice(&said.code)).count();
            if notices == 0 && !self.is_chain(area) && !self.is_behind_container(area.start) {
                let codes: Vec<_> = said.iter().map(|said| said.code.as_str()).collect();
                wrong.push(format!("unnoticed: {area:?} is not what was written, and only {codes:?} is said"));
            }
            let (_, chunks) = self.origins(area);
            if notices > chunks.max(1) + 1 {
                wrong.push(format!("too much: {notices} findings about {area:?}, which held {chunks} chunks"));
            }
        }
        wrong.extend(self.measures(said));
        wrong.extend(self.missing(said));
        wrong.extend(self.flip(said));
        wrong
    }

    /// The file ends in a chunk that another edit damaged: what is left of its payload may be anything.
    pub(super) fn ends_in_ruins(&self) -> bool {
        let cut = self.file.edits.iter().any(|edit| matches!(edit, Edit::Truncate { .. }));
        cut && self.file.edits.len() > 1 && self.areas.last().is_some_and(|area| area.end == self.file.bytes.len())
    }

    /// An area that is whole chunks, as far as anyone can tell: tags anew, CRCs right.
    pub(super) fn is_chain(&self, area: &Range<usize>) -> bool {
        let bytes = &self.file.bytes;
        let mut at = area.start;
        while at < area.end {
            let Some(header) = bytes.get(at..at + 12) else { return false };
            let field: [u8; 4] = if self.base.mux { &header[8..12] } else { &header[4..8] }.try_into().unwrap();
            let len = if self.base.mux { u32::from_le_bytes(field) } else { u32::from_be_bytes(field) } as usize;
            let end = at + 12 + len + if self.base.mux { 4 } else { 0 };
            if end > area.end || !self.is_right(at, end) {
                return false;
            }
            at = end;
        }
        true
    }

    /// The CRC of these bytes, a chunk of the undamaged length, is right.
    pub(super) fn is_right(&self, at: usize, end: usize) -> bool {
        let bytes = &self.file.bytes;
        if self.base.mux {
            end <= bytes.len() && crc32fast::hash(&bytes[at..end - 4]).to_le_bytes() == bytes[end - 4..end]
        } else {
            end <= bytes.len() && crc32fast::hash(&bytes[at + 12..end]).to_be_bytes() == bytes[at + 8..at + 12]
        }
    }

    pub(super) fn is_behind_container(&self, at: usize) -> bool {
        self.container.is_some_and(|container| container <= at)
    }

    /// After lost bytes a chunk is only known by a known tag, and an empty one of a transport file only by what it leads
    /// to; nor does such a chunk say that the one before it ends there.
    pub(super) fn proves_nothing(&self, found: &Found) -> bool {
        let alone = |found: &Found| {
            let span = &self.base.chunks[found.chunk];
            !KNOWN.contains(&&span.tag) || !self.base.mux && span.payload.is_empty()
        };
        if !alone(found) {
            return false;
        }
        let touched = |at: usize| self.areas.iter().any(|area| area.start == at || area.end == at);
        let chain = || self.found.iter().filter(|other| alone(other));
        let (mut from, mut to) = (found.at, found.end);
        chain().rev().for_each(|other| from = if other.end == from { other.at } else { from });
        chain().for_each(|other| to = if other.at == to { other.end } else { to });
        touched(from) || touched(to)
    }

    fn unexplained(&self, said: &Said) -> Option<String> {
        let code = said.code.as_str();
        let by_writer = self.base.faults.contains(&code);
        if by_writer && !PLACED.contains(&code) || MEASURES.contains(&code) {
            return None;
        }
        if PLACED.contains(&code) {
            if self.silent && code == "block-odd-length" {
                return None;
            }
            let over = |chunk: &&Found| said.range.start < chunk.end && chunk.at < said.range.end;
            let over = self.found.iter().filter(|chunk| !self.proves_nothing(chunk)).find(over)?;
            if code == "appended-container" || self.may_swallow() || self.is_behind_container(over.at) {
                return None;
            }
            let span = &self.base.chunks[over.chunk];
            let tag = String::from_utf8_lossy(&span.tag);
            return Some(format!("over an untouched {tag} at {}..{}", over.at, over.end));
        }
        let header_edited = self.file.origin.iter().take(8).copied().ne(0..8);
        match code {
            "version-unsupported" => (!header_edited).then(|| "the version was not touched".to_owned()),
            "reserved-nonzero" => (!header_edited && !self.silent).then(|| "no reserved field was touched".to_owned()),
            "container-crc-missing" => {
                let cut = matches!(self.file.edits.as_slice(), [Edit::Truncate { .. } | Edit::Delete { .. }]);
                let inside = self.areas.last().is_some_and(|area| area.end == self.file.bytes.len());
                match self.base.mux && !self.closed {
                    true if cut && inside && self.file.bytes.len() - self.areas.last()?.start >= 16 => {
                        Some("beside the chunk that was cut".to_owned())
                    }
                    true => None,
                    false => {
                        let appended = self.file.bytes[said.range.start..].starts_with(b"H4MK");
                        let explained = self.trails() || self.covers_closing() || appended;
                        (!explained).then(|| "the closing CRC was not touched".to_owned())
                    }
                }
            }
            _ if ABOUT_CHUNKS.contains(&code) => {
                let veri = code == "veri-malformed" && self.touches(b"VERI");
                (!self.silent && !veri).then(|| "no chunk is missing, doubled or moved without a trace".to_owned())
            }
            _ => (!self.silent).then(|| "a consequence of damage that has a finding of its own".to_owned()),
        }
    }

    fn touches(&self, tag: &[u8; 4]) -> bool {
        let whole = |nth: usize| self.found.iter().any(|found| found.chunk == nth);
        self.base.chunks.iter().enumerate().any(|(nth, span)| span.tag == *tag && !whole(nth))
    }

    /// Digests are reported whenever what they cover differs.
    fn measures(&self, said: &[Said]) -> Vec<String> {
        let has = |code: &str| said.iter().any(|said| said.code == code);
        let mut wrong = Vec::new();
        let veri = |found: &&Found| self.base.chunks[found.chunk].tag == *b"VERI";
        let mut veris = self.found.iter().filter(veri);
        if let (true, Some(veri), None) = (self.base.prefix && !self.touches(b"VERI"), veris.next(), veris.next()) {
            let header = self.header();
            let right =
                Sha256::digest(&self.file.bytes[header..veri.at])[..] == self.file.bytes[veri.at + 12..veri.end];
            let retagged = self.file.edits.iter().any(|edit| matches!(edit, Edit::Forge { .. } | Edit::Retag { .. }));
            let unclear = retagged || has("chunk-tag-repaired") || self.is_behind_container(veri.at);
            if right == has("veri-mismatch") && !unclear {
                wrong.push(format!("veri-mismatch: the digest is right: {right}"));
            }
        }
        let cut = said.iter().any(|said| said.code == "chunk-truncated" && said.range.end == self.file.bytes.len());
        // Bytes between the last chunk and the closing CRC are trailing ones.
        let trails = has("trailing-bytes") && has("container-crc-missing");
        if self.closed
            && self.container.is_none()
            && !cut
            && !trails
            && !self.covers_closing()
            && !has("appended-container")
        {
            let at = self.file.bytes.len() - 4;
            let right = crc32fast::hash(&self.file.bytes[..at]).to_le_bytes() == self.file.bytes[at..];
            if right == has("container-crc-mismatch") {
                wrong.push(format!("container-crc-mismatch: the closing CRC is right: {right}"));
            }
        }
        wrong
    }

    /// A chunk that was taken out whole is missed, where nothing else is wrong.
    fn missing(&self, said: &[Said]) -> Vec<String> {
        if !self.areas.is_empty() || self.container.is_some() {
            return Vec::new();
        }
        let is_there = |tag: &[u8; 4]| self.found.iter().any(|found| self.base.chunks[found.chunk].tag == *tag);
        let count = |code: &str| said.iter().filter(|said| said.code == code).count();
        let tags: &[&[u8; 4]] = if self.base.mux { &[b"TRAK"] } else { &[b"META", b"SEEK", b"SAFE", b"VERI"] };
        let missing = tags.iter().filter(|tag| !is_there(tag)).count();
        let missing = if !self.base.mux && missing == 4 { 0 } else { missing };
        let expected = if self.base.mux && !self.closed { 0 } else { missing };
        // It may have been what a chunk of another tag is.
        let unknown = self.found.iter().any(|found| !KNOWN.contains(&&self.base.chunks[found.chunk].tag));
        match count("chunk-missing") {
            found if found == expected || found < expected && unknown && !self.base.mux => Vec::new(),
            found => vec![format!("chunk-missing: {found} times, {missing} are missing")],
        }
    }

    /// One flipped bit of a chunk is named, or the field that it was in restored.
    fn flip(&self, said: &[Said]) -> Vec<String> {
        let Some((at, bit)) = self.only_flip() else { return Vec::new() };
        let Some(span) = self.base.chunks.iter().find(|span| span.whole.contains(&at)) else { return Vec::new() };
        let length = if self.base.mux { 8..12 } else { 4..8 };
        let veri = self.base.chunks.iter().find(|span| span.tag == *b"VERI");
        let covered = self.base.prefix && veri.is_some_and(|veri| span.whole.end <= veri.whole.start);
        let expected = match at - span.whole.start {
            within if length.contains(&within) => "chunk-length-repaired",
            0..4 if covered && span.tag == *b"CORE" => "chunk-tag-repaired",
            0..4 if !self.base.mux => return Vec::new(),
            _ => "chunk-crc-mismatch",
        };
        if span.payload.is_empty() && !self.base.mux {
            return Vec::new();
        }
        let placed: Vec<_> = said.iter().filter(|said| PLACED.contains(&said.code.as_str())).collect();
        let right = placed.len() == 1
            && placed[0].code == expected
            && placed[0].range.start == span.whole.start
            && (expected != "chunk-crc-mismatch" || placed[0].flip == Some((at, bit)));
        match right {
            true => Vec::new(),
            false => vec![format!("flip: expected {expected} alone and its place; {placed:?}")],
        }
    }
}
