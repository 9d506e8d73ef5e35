//! Big-endian: file header magic, u16 version, u16 reserved; chunk tag, u32 length, u32 CRC of the payload, payload.

use std::ops::Range;

use super::parts::{Part, Parts, PayloadParts};
use super::{ChunkHeader, FileHeader, Layout};
use crate::bytes::{Bytes, be_u16};
use crate::index::Tag;

pub(super) const FILE_HEADER_LEN: u64 = 8;
pub(super) const FILE_PARTS: Parts = &[(Part::Magic, 4), (Part::Version, 2), (Part::Reserved, 2)];
/// Without the CRC, which stands last.
pub(super) const CHUNK_PARTS: Parts = &[(Part::Tag, 4), (Part::Length, 4)];
const SEEK_PARTS: PayloadParts =
    PayloadParts::new(&[(Part::EntryCount, 4)], &[(Part::EntryPts, 8), (Part::EntryOffset, 8)]);

pub(super) fn payload_parts(tag: Tag) -> PayloadParts {
    if tag == Tag::SEEK { SEEK_PARTS } else { PayloadParts::default() }
}

pub(super) fn file_header(bytes: Bytes<'_>) -> Option<FileHeader> {
    Some(FileHeader {
        layout: Layout::Transport,
        version: be_u16(bytes, 4)?,
        flags: None,
        reserved: be_u16(bytes, 6)?,
        timestamp_ms: None,
    })
}

pub(super) fn chunk_header(header: &[u8; 12], offset: u64) -> ChunkHeader {
    let [t0, t1, t2, t3, l0, l1, l2, l3, ..] = *header;
    ChunkHeader { offset, tag: Tag([t0, t1, t2, t3]), len: u32::from_be_bytes([l0, l1, l2, l3]), flags: None }
}

pub(super) fn crc_field(offset: u64) -> Range<u64> {
    offset.saturating_add(8)..offset.saturating_add(12)
}
