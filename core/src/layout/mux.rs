//! Little-endian: file header magic, u8 version, u8 flags, u16 reserved, u64 timestamp; chunk tag, u32 flags, u32
//! length, payload, u32 CRC of header and payload; a u32 CRC of all before it closes the file.

use std::ops::Range;

use super::parts::{Part, Parts, PayloadParts};
use super::{CHUNK_HEADER_LEN, ChunkHeader, FileHeader, Layout};
use crate::bytes::{Bytes, le_u16, le_u32, le_u64};
use crate::crc::crc32;
use crate::index::Tag;
use crate::kind::Kind;

pub(super) const FILE_HEADER_LEN: u64 = 16;
pub(super) const FILE_PARTS: Parts =
    &[(Part::Magic, 4), (Part::Version, 1), (Part::FileFlags, 1), (Part::Reserved, 2), (Part::Timestamp, 8)];
/// Without the CRC, which stands after the payload.
pub(super) const CHUNK_PARTS: Parts = &[(Part::Tag, 4), (Part::ChunkFlags, 4), (Part::Length, 4)];
const ROUTE_PARTS: Parts = &[(Part::Mark, 4), (Part::TrackId, 2), (Part::Reserved, 2)];
const WRAPPED_TABLE_PARTS: Parts = &[
    (Part::Mark, 4),
    (Part::TrackId, 2),
    (Part::Reserved, 2),
    (Part::Mark, 4),
    (Part::EntryCount, 2),
    (Part::Reserved, 2),
];
const BARE_TABLE_PARTS: Parts = &[(Part::Mark, 4), (Part::TrackId, 2), (Part::Reserved, 2), (Part::EntryCount, 4)];
const ROW_PARTS: Parts = &[(Part::EntryPts, 4), (Part::EntryOffset, 4)];

pub(super) fn payload_parts(tag: Tag, payload: &[u8]) -> PayloadParts {
    match (tag, payload.first_chunk()) {
        (Tag::CORE, Some(b"H4TB")) => PayloadParts::new(ROUTE_PARTS, &[]),
        (Tag::TSEK, Some(b"H4TS")) => PayloadParts::new(WRAPPED_TABLE_PARTS, ROW_PARTS),
        (Tag::TSEK, Some(b"H4SK")) => PayloadParts::new(BARE_TABLE_PARTS, ROW_PARTS),
        _ => PayloadParts::default(),
    }
}

pub(super) fn file_header(bytes: Bytes<'_>) -> Option<FileHeader> {
    Some(FileHeader {
        layout: Layout::Mux,
        version: u16::from(bytes.get(4)?),
        flags: Some(bytes.get(5)?),
        reserved: le_u16(bytes, 6)?,
        timestamp_ms: Some(le_u64(bytes, 8)?),
    })
}

pub(super) fn chunk_header(header: &[u8; 12], offset: u64) -> ChunkHeader {
    let [t0, t1, t2, t3, f0, f1, f2, f3, l0, l1, l2, l3] = *header;
    ChunkHeader {
        offset,
        tag: Tag([t0, t1, t2, t3]),
        len: u32::from_le_bytes([l0, l1, l2, l3]),
        flags: Some(u32::from_le_bytes([f0, f1, f2, f3])),
    }
}

/// The header as it stands in the file, with another length.
pub(super) fn header_bytes(header: &ChunkHeader, len: u32) -> [u8; 12] {
    let [t0, t1, t2, t3] = header.tag.0;
    let [f0, f1, f2, f3] = header.flags.unwrap_or(0).to_le_bytes();
    let [l0, l1, l2, l3] = len.to_le_bytes();
    [t0, t1, t2, t3, f0, f1, f2, f3, l0, l1, l2, l3]
}

pub(super) fn crc_field(offset: u64, len: u64) -> Range<u64> {
    let start = offset.saturating_add(CHUNK_HEADER_LEN).saturating_add(len);
    start..start.saturating_add(4)
}

/// The CRC stored at `at` and that of everything before it.
pub(super) fn closing_crc(bytes: Bytes<'_>, at: u64) -> Option<(u32, u32)> {
    Some((le_u32(bytes, at)?, crc32(bytes.slice(0, at)?)))
}

/// Bits 0–27 of a CORE chunk's flags are its pts in ms, 28–29 its kind.
pub(super) fn timing(flags: u32) -> (u32, Kind) {
    let kind = match flags >> 28 & 3 {
        0 => Kind::I,
        1 => Kind::P,
        2 => Kind::B,
        _ => Kind::Reserved,
    };
    (flags & 0x0fff_ffff, kind)
}

/// `H4TB`, u16 track id, u16 reserved: what a CORE payload begins with.
pub(super) fn route(bytes: Bytes<'_>, payload: u64, len: u64) -> Option<super::Route> {
    let header: [u8; 8] = bytes.available(payload, len).array(0)?;
    let [b'H', b'4', b'T', b'B', id @ .., r0, r1] = header else { return None };
    Some(super::Route {
        track: u16::from_le_bytes(id),
        reserved: u16::from_le_bytes([r0, r1]),
        content: payload.saturating_add(8)..payload.saturating_add(len),
    })
}
