//! What the bytes of a container are, field by field: names, kinds, values and what the values mean.

use std::ops::Range;

use crate::bytes::Copied;
use crate::codec::cipher;
use crate::container::Container;
use crate::index::{Chunk, State, Tag};
use crate::layout::{Layout, Part};
use crate::text::{escape, escape_bytes};
use crate::time::format_us;

/// What a field is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A name: the magic, a tag.
    Tag,
    /// A length or a count.
    Length,
    /// A CRC or a digest.
    Crc,
    /// A time, or where something is.
    Time,
    /// Flags, versions, reserved fields, ids.
    Flags,
    /// Text, JSON mostly.
    Text,
    /// Content.
    Data,
    /// Bytes that belong to no chunk.
    Lost,
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Header(Part),
    Chunk(Part),
    Payload(Part, Option<u64>),
    Cipher(&'static str),
    Ciphertext,
    Pair(u64),
    HalfPair,
    Text,
    Digest,
    Content,
    Closing,
    Lost,
}

/// A field and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// File offsets.
    pub range: Range<u64>,
    /// The chunk it belongs to.
    pub chunk: Option<Chunk>,
    what: What,
}

impl Field {
    /// What it is for.
    pub fn kind(&self) -> Kind {
        match &self.what {
            What::Header(part) | What::Chunk(part) | What::Payload(part, _) => match part {
                Part::Magic | Part::Tag | Part::Mark => Kind::Tag,
                Part::Length | Part::EntryCount => Kind::Length,
                Part::Crc => Kind::Crc,
                Part::Timestamp | Part::EntryPts | Part::EntryOffset => Kind::Time,
                Part::Version | Part::FileFlags | Part::Reserved | Part::ChunkFlags | Part::TrackId => Kind::Flags,
            },
            What::Cipher("magic" | "suite") => Kind::Tag,
            What::Cipher("suite length") => Kind::Length,
            What::Cipher("counter") => Kind::Time,
            What::Cipher("flags") => Kind::Flags,
            What::Cipher(_) | What::Digest | What::Closing => Kind::Crc,
            What::Pair(_) | What::HalfPair | What::Content | What::Ciphertext => Kind::Data,
            What::Text => Kind::Text,
            What::Lost => Kind::Lost,
        }
    }

    /// Whether it is one value, and not a stretch of content.
    pub fn is_value(&self) -> bool {
        !matches!(self.what, What::Content | What::Text | What::Ciphertext | What::Lost)
    }

    /// Its name: `length`, `entry 3 pts`.
    pub fn name(&self) -> String {
        let part = |part: &Part| match part {
            Part::Magic => "magic",
            Part::Version => "version",
            Part::FileFlags | Part::ChunkFlags => "flags",
            Part::Reserved => "reserved",
            Part::Timestamp => "timestamp",
            Part::Tag => "tag",
            Part::Length => "length",
            Part::Crc => "CRC",
            Part::Mark => "mark",
            Part::TrackId => "track id",
            Part::EntryCount => "entries",
            Part::EntryPts => "pts",
            Part::EntryOffset => "offset",
        };
        match &self.what {
            What::Header(p) | What::Chunk(p) | What::Payload(p, None) => part(p).to_owned(),
            What::Payload(p, Some(row)) => format!("entry {row} {}", part(p)),
            What::Cipher(name @ ("magic" | "flags")) => format!("cipher {name}"),
            What::Cipher(name) => (*name).to_owned(),
            What::Ciphertext => "ciphertext".to_owned(),
            What::Pair(pair) => format!("run {pair}"),
            What::HalfPair => "half a pair".to_owned(),
            What::Text => "text".to_owned(),
            What::Digest => "digest".to_owned(),
            What::Content => "content".to_owned(),
            What::Closing => "closing CRC".to_owned(),
            What::Lost => "no chunk".to_owned(),
        }
    }

    /// The file offset of a seek entry's block, or of whatever else the field leads to.
    pub fn leads_to(&self, container: &Container) -> Option<u64> {
        let What::Payload(Part::EntryPts | Part::EntryOffset, Some(row)) = self.what else { return None };
        match container.layout() {
            Layout::Transport => Some(container.index().block(container.entry_block(row)?)?.offset),
            Layout::Mux => {
                let entry = Self { range: self.entry_offset_range(container)?, ..self.clone() };
                let payload = entry.number(container)?;
                container.index().at_offset(payload).map(|chunk| chunk.offset)
            }
        }
    }

    /// Where the offset of the same seek entry stands.
    fn entry_offset_range(&self, container: &Container) -> Option<Range<u64>> {
        let beside = self.range.start.saturating_sub(8)..self.range.end.saturating_add(8);
        let of_row = |field: &Self| match (&self.what, &field.what) {
            (What::Payload(_, row), What::Payload(Part::EntryOffset, other)) => row == other,
            _ => false,
        };
        fields_in(container, beside).into_iter().find(of_row).map(|field| field.range)
    }

    fn bytes(&self, container: &Container) -> Copied {
        container.bytes().range(self.range.clone()).copied()
    }

    fn number(&self, container: &Container) -> Option<u64> {
        container.layout().number(&self.bytes(container))
    }

    /// Its value and what that means, in a few words. Safe to show.
    pub fn value(&self, container: &Container) -> String {
        let number = || self.number(container).unwrap_or_default();
        match &self.what {
            What::Header(part) => self.header_value(*part, number()),
            What::Chunk(part) => self.chunk_value(container, *part, number()),
            What::Payload(part, row) => self.payload_value(container, *part, *row, number()),
            What::Cipher(name) => self.cipher_value(container, name),
            What::Pair(_) => match *self.bytes(container) {
                [value, 0] => format!("0x{value:02x} 0 times: decodes to nothing"),
                [value, 1] => format!("0x{value:02x} once"),
                [value, run] => format!("0x{value:02x} {run} times"),
                _ => String::new(),
            },
            What::HalfPair => "its run is missing, so it decodes to nothing".to_owned(),
            What::Digest => "32 bytes: SHA-256".to_owned(),
            What::Closing => format!("0x{:08x}, over all bytes before it", number()),
            What::Text | What::Content | What::Ciphertext | What::Lost => {
                let len = self.range.end.saturating_sub(self.range.start);
                format!("{len} byte{}", if len == 1 { "" } else { "s" })
            }
        }
    }

    fn header_value(&self, part: Part, number: u64) -> String {
        match part {
            Part::Magic => "H4MK".to_owned(),
            Part::Version if number == 1 => "1".to_owned(),
            Part::Version => format!("{number}, expected 1"),
            Part::Timestamp if number == 0 => "0, not set".to_owned(),
            Part::Timestamp => format!("{number} ms since 1970"),
            _ => zero_is_normal(number),
        }
    }

    fn chunk_value(&self, container: &Container, part: Part, number: u64) -> String {
        let Some(chunk) = &self.chunk else { return String::new() };
        match part {
            Part::Tag => {
                let repaired = if chunk.state == State::TagRepaired { ", stored with one wrong bit" } else { "" };
                match chunk.block {
                    Some(block) => format!("{}, block {block}{repaired}", chunk.tag),
                    None => format!("{}{repaired}", chunk.tag),
                }
            }
            Part::Length if number == chunk.len => format!("{number} bytes"),
            Part::Length => format!("{number} bytes, but only {} are there", chunk.len),
            Part::ChunkFlags => match container.chunk_header(chunk).and_then(|header| header.timing()) {
                Some((ms, kind)) if chunk.block.is_some() => format!("{ms} ms, kind {kind}"),
                _ => zero_is_normal(number),
            },
            _ => format!("0x{number:08x}, {}", crc_state(container, chunk)),
        }
    }

    fn payload_value(&self, container: &Container, part: Part, row: Option<u64>, number: u64) -> String {
        let mux = container.layout() == Layout::Mux;
        match part {
            Part::Mark => escape_bytes(&self.bytes(container)),
            Part::EntryPts if mux => format!("{number} ms, {}", format_us(number.saturating_mul(1000))),
            Part::EntryPts => format!("{number} us, {}", format_us(number)),
            Part::EntryOffset if mux => match container.index().at_offset(number).and_then(|chunk| chunk.block) {
                Some(block) => format!("0x{number:x}, block {block}"),
                None => format!("0x{number:x}, in no block"),
            },
            Part::EntryOffset => match row.and_then(|row| container.entry_block(row)) {
                Some(block) => format!("{number}, block {block}"),
                None => format!("{number}, no block starts there"),
            },
            Part::Reserved => zero_is_normal(number),
            Part::TrackId => {
                let tracks = container.tracks();
                let name = tracks.and_then(|tracks| tracks.by_id(&number.to_string())?.name.clone());
                name.map_or(number.to_string(), |name| format!("{number}, {}", escape(&name)))
            }
            _ => number.to_string(),
        }
    }

    fn cipher_value(&self, container: &Container, name: &str) -> String {
        let bytes = self.bytes(container);
        match name {
            "magic" | "suite" => escape_bytes(&bytes),
            "counter" => {
                let counter = (*bytes).try_into().map(u64::from_be_bytes).unwrap_or_default();
                format!("message {counter}")
            }
            "suite length" => bytes.first().map(u8::to_string).unwrap_or_default(),
            "flags" => match bytes.first() {
                Some(flags) if flags & 1 == 1 => format!("0x{flags:02x}, a public key follows"),
                Some(flags) => format!("0x{flags:02x}"),
                None => String::new(),
            },
            "previous transcript" if bytes.iter().all(|byte| *byte == 0) => "zeros: the first message".to_owned(),
            _ => format!("{} bytes", bytes.len()),
        }
    }
}

fn zero_is_normal(number: u64) -> String {
    if number == 0 { "0".to_owned() } else { format!("0x{number:x}, expected 0") }
}

fn crc_state(container: &Container, chunk: &Chunk) -> &'static str {
    match container.state(chunk) {
        State::Truncated => "the chunk is cut off",
        State::CrcMismatch => "wrong",
        State::Unchecked => "not checked",
        State::Intact | State::LengthRepaired | State::TagRepaired => "matches",
    }
}

/// The field at a file offset; `None` past the end of the file.
pub fn field_at(container: &Container, offset: u64) -> Option<Field> {
    fields_in(container, offset..offset.checked_add(1)?).into_iter().find(|field| field.range.contains(&offset))
}

/// The fields that have bytes in `wanted`, in file order and without gaps. Costs what is wanted, not what there is.
pub fn fields_in(container: &Container, wanted: Range<u64>) -> Vec<Field> {
    let wanted = wanted.start..wanted.end.min(container.source().len());
    let overlaps = |range: &Range<u64>| range.start < wanted.end && range.end > wanted.start;
    let header = container.layout().file_parts();
    let header = header.map(|placed| Field { range: placed.range, chunk: None, what: What::Header(placed.part) });
    let mut fields: Vec<Field> = header.filter(|field| overlaps(&field.range)).collect();
    let mut at = wanted.start.max(container.layout().file_header_len());
    while at < wanted.end {
        let chunk = container.index().at_offset(at);
        match chunk {
            Some(chunk) => {
                fields.extend(of_chunk(container, &chunk, &wanted).into_iter().filter(|field| overlaps(&field.range)));
                at = chunk.end;
            }
            None => {
                let gap = gap_at(container, at);
                let end = gap.end;
                fields.extend(between_chunks(container, gap));
                at = end;
            }
        }
    }
    fields.retain(|field| overlaps(&field.range));
    fields
}

/// The bytes between two chunks, or before or after them all, that hold an offset which is in no chunk.
fn gap_at(container: &Container, offset: u64) -> Range<u64> {
    let index = container.index();
    let next = index.from_offset(offset);
    let before = next.map_or(index.len(), |chunk| chunk.index).checked_sub(1).and_then(|before| index.chunk(before));
    let start = before.map_or(container.layout().file_header_len(), |chunk| chunk.end);
    start..next.map_or(container.source().len(), |chunk| chunk.offset)
}

/// Bytes that are in no chunk: lost ones, and the CRC that closes a mux container.
fn between_chunks(container: &Container, Range { start, end }: Range<u64>) -> Vec<Field> {
    let field = |range, what| Field { range, chunk: None, what };
    match container.walked().closing_crc.filter(|at| (start..end).contains(at)) {
        Some(at) => {
            let closed = at.saturating_add(container.layout().closing_len()).min(end);
            let around = [start..at, at..closed, closed..end].into_iter().zip([What::Lost, What::Closing, What::Lost]);
            around.filter(|(range, _)| !range.is_empty()).map(|(range, what)| field(range, what)).collect()
        }
        None => vec![field(start..end, What::Lost)],
    }
}

/// The fields of a chunk that have bytes in `wanted`, and perhaps some more.
fn of_chunk(container: &Container, chunk: &Chunk, wanted: &Range<u64>) -> Vec<Field> {
    let layout = container.layout();
    let field = |range: Range<u64>, what| Field { range, chunk: Some(*chunk), what };
    let mut fields: Vec<Field> = layout
        .chunk_parts(chunk.offset, chunk.len)
        .map(|placed| field(placed.range, What::Chunk(placed.part)))
        .collect();
    fields.retain(|field| field.range.end <= chunk.end);

    let base = chunk.payload_offset;
    let payload = container.payload(chunk);
    let within = wanted.start.saturating_sub(base)..wanted.end.saturating_sub(base).min(chunk.len);
    let mut parts: Vec<Field> = Vec::new();
    let parts_in_payload = layout.payload_parts(chunk.tag, &payload.head::<4>(0)).within(within.clone(), chunk.len);
    let placed = parts_in_payload.into_iter().map(|placed| (placed.range, What::Payload(placed.part, placed.row)));
    parts.extend(placed.map(|(range, what)| field(base + range.start..base + range.end, what)));
    if chunk.block.is_some() && layout == Layout::Transport {
        parts.extend(block_fields(container, chunk, &within));
    }
    if chunk.tag == Tag::VERI && chunk.len == 32 {
        parts.push(field(base..base + 32, What::Digest));
    }
    // What is left of the payload is content.
    let rest = match chunk.tag {
        Tag::META | Tag::SAFE | Tag::TRAK | Tag::NOTE | Tag::VERI => What::Text,
        tag if tag.is_extension() => What::Text,
        _ => What::Content,
    };
    let mut at = base;
    let mut gaps = Vec::new();
    for part in &parts {
        if part.range.start > at {
            gaps.push(field(at..part.range.start, rest.clone()));
        }
        at = at.max(part.range.end);
    }
    let end = base.saturating_add(chunk.len);
    if at < end {
        gaps.push(field(at..end, rest));
    }
    fields.extend(parts);
    fields.extend(gaps);
    fields.sort_by_key(|field| field.range.start);
    fields
}

/// What the payload of a transport block is made of, as it is stored.
fn block_fields(container: &Container, chunk: &Chunk, within: &Range<u64>) -> Vec<Field> {
    let base = chunk.payload_offset;
    let field =
        |range: Range<u64>, what| Field { range: base + range.start..base + range.end, chunk: Some(*chunk), what };
    let pipeline = container.pipeline();
    if pipeline.cipher.is_some() {
        let payload = container.payload(chunk).read();
        let Ok((header, _)) = cipher::Header::parse(&payload) else { return Vec::new() };
        let named = header.fields().into_iter();
        let mut fields: Vec<Field> =
            named.map(|(name, range)| field(range.start as u64..range.end as u64, What::Cipher(name))).collect();
        fields.push(field(header.bytes().len() as u64..chunk.len, What::Ciphertext));
        return fields;
    }
    if !pipeline.is_plain_rle() || within.is_empty() {
        return Vec::new();
    }
    let pairs = within.start / 2..within.end.div_ceil(2);
    let pair = |pair: u64| match pair * 2 + 2 <= chunk.len {
        true => field(pair * 2..pair * 2 + 2, What::Pair(pair)),
        false => field(pair * 2..chunk.len, What::HalfPair),
    };
    pairs.map(pair).filter(|field| !field.range.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::container::Options;
    use crate::source::Source;
    use crate::task::Task;
    use crate::walk::Depth;
    use proptest::prelude::*;

    fn open(bytes: Vec<u8>) -> Option<Container> {
        let source = Arc::new(Source::from_bytes("x", bytes));
        Container::read(source, Options::default(), Depth::Checked, &Task::default()).ok()
    }

    fn transport(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let mut file = b"H4MK\0\x01\0\0".to_vec();
        for (tag, payload) in chunks {
            file.extend(*tag);
            file.extend((payload.len() as u32).to_be_bytes());
            file.extend(crc32fast::hash(payload).to_be_bytes());
            file.extend(*payload);
        }
        file
    }

    fn mux(chunks: &[(&[u8; 4], u32, &[u8])]) -> Vec<u8> {
        let mut file = b"H4MK\x01\0\0\0".to_vec();
        file.extend([0; 8]);
        for (tag, flags, payload) in chunks {
            let start = file.len();
            file.extend(*tag);
            file.extend(flags.to_le_bytes());
            file.extend((payload.len() as u32).to_le_bytes());
            file.extend(*payload);
            file.extend(crc32fast::hash(&file[start..]).to_le_bytes());
        }
        file.extend(crc32fast::hash(&file).to_le_bytes());
        file
    }

    fn said(container: &Container, offset: u64) -> String {
        let field = field_at(container, offset).unwrap();
        format!("{} = {}", field.name(), field.value(container))
    }

    #[test]
    fn a_transport_container_field_by_field() {
        let seek = [&1u32.to_be_bytes()[..], &0u64.to_be_bytes(), &0u64.to_be_bytes()].concat();
        let file = transport(&[(b"CORE", &[7, 255, 7, 1, 3]), (b"SEEK", &seek), (b"META", b"{}"), (b"VERI", &[0; 32])]);
        let container = open(file).unwrap();
        assert_eq!(said(&container, 0), "magic = H4MK");
        assert_eq!(said(&container, 5), "version = 1");
        assert_eq!(said(&container, 8), "tag = CORE, block 0");
        assert_eq!(said(&container, 14), "length = 5 bytes");
        assert!(said(&container, 16).ends_with(", matches"));
        assert_eq!(said(&container, 21), "run 0 = 0x07 255 times");
        assert_eq!(said(&container, 22), "run 1 = 0x07 once");
        assert_eq!(said(&container, 24), "half a pair = its run is missing, so it decodes to nothing");
        assert_eq!(said(&container, 25 + 12), "entries = 1");
        assert_eq!(said(&container, 25 + 16), "entry 0 pts = 0 us, 00:00:00.000000");
        let offset = field_at(&container, 25 + 24).unwrap();
        assert_eq!((offset.name().as_str(), offset.leads_to(&container)), ("entry 0 offset", Some(8)));
        let meta = container.index().first(Tag::META).unwrap();
        assert_eq!(said(&container, meta.payload_offset), "text = 2 bytes");
        let veri = container.index().first(Tag::VERI).unwrap();
        assert_eq!(said(&container, veri.payload_offset + 31), "digest = 32 bytes: SHA-256");
        assert_eq!(field_at(&container, container.source().len()), None);
    }

    #[test]
    fn a_mux_container_field_by_field() {
        let core = mux(&[(b"CORE", 1 << 28 | 40, b"H4TB\x02\0\0\0data")]);
        let end = core.len() as u64;
        let container = open(core).unwrap();
        assert_eq!(said(&container, 8), "timestamp = 0, not set");
        assert_eq!(said(&container, 20), "flags = 40 ms, kind P");
        assert_eq!(said(&container, 24), "length = 12 bytes");
        assert_eq!((said(&container, 28), said(&container, 32)), ("mark = H4TB".into(), "track id = 2".into()));
        assert_eq!(said(&container, 36), "content = 4 bytes");
        assert!(said(&container, 40).starts_with("CRC = 0x") && said(&container, 40).ends_with("matches"));
        let closing = said(&container, end - 1);
        assert!(closing.starts_with("closing CRC = 0x"), "{closing}");
    }

    fn any_file() -> impl Strategy<Value = Vec<u8>> {
        let seek = [&2u32.to_be_bytes()[..], &[0; 40]].concat();
        let good = transport(&[(b"CORE", &[7, 255, 7, 1, 3]), (b"SEEK", &seek), (b"META", b"{\"a\":1}")]);
        let table = b"H4TS\x01\0\0\0H4SK\x01\0\0\0\0\0\0\0\x10\0\0\0";
        let muxed = mux(&[(b"CORE", 5, b"H4TB\x01\0\0\0x"), (b"TSEK", 0, table)]);
        let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
        (prop::sample::select(vec![good, muxed]), damage, any::<prop::sample::Index>()).prop_map(
            |(mut file, damage, cut)| {
                for (at, value) in damage {
                    let at = at.index(file.len());
                    file[at] = value;
                }
                file.truncate(file.len() - cut.index(8));
                file
            },
        )
    }

    proptest! {
        #[test]
        fn fields_cover_every_byte_once(file in any_file(), start in 0u64..100, len in 0u64..100) {
            let end = file.len() as u64;
            let Some(container) = open(file) else { return Ok(()) };
            let fields = fields_in(&container, 0..u64::MAX);
            prop_assert_eq!(fields.first().unwrap().range.start, 0);
            prop_assert_eq!(fields.last().unwrap().range.end, end);
            prop_assert!(fields.windows(2).all(|pair| pair[0].range.end == pair[1].range.start), "{fields:?}");
            for field in fields_in(&container, start..start + len) {
                _ = (field.name(), field.value(&container), field.leads_to(&container), field.kind());
                let whole = field_at(&container, field.range.start.max(start)).unwrap();
                prop_assert_eq!(whole.name(), field.name());
            }
        }
    }
}
