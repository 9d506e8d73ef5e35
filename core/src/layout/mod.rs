//! The two binary layouts that share the magic `H4MK`, behind one type. Only the modules in here know byte order and
//! header shapes.

mod mux;
mod part_tables;
mod parts;
mod seek_rows;
mod transport;

use std::fmt;
use std::ops::Range;

use super::bytes::Bytes;
use super::crc::crc_after;
use super::index::Tag;
use super::kind::Kind;

pub use parts::{Part, PayloadParts, Placed};
pub use seek_rows::{SeekEntry, SeekRows, TrackTable, track_table};

/// The first four bytes of every container.
pub const MAGIC: [u8; 4] = *b"H4MK";
/// Bytes of a chunk's header, in both layouts.
pub const CHUNK_HEADER_LEN: u64 = 12;

/// How a container's bytes are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Big-endian, written by the video export pipeline.
    Transport,
    /// Little-endian, written by the multi-track muxer; closes with a CRC over the file.
    Mux,
}

/// The file header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileHeader {
    /// The layout the rest is read in.
    pub layout: Layout,
    /// 1 in every container that is understood.
    pub version: u16,
    /// Mux only; 0 is normal.
    pub flags: Option<u8>,
    /// Normally 0.
    pub reserved: u16,
    /// Mux only: when it was made, in Unix milliseconds; usually 0.
    pub timestamp_ms: Option<u64>,
}

/// Why a file's beginning isn't a container's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// The magic is missing.
    #[error("{}", not_h4mk(*first, *len))]
    NotH4mk {
        /// The first bytes, as far as there are any.
        first: [u8; 4],
        /// How many of them there are.
        len: usize,
    },
    /// The file ends inside the file header.
    #[error("the file ends at offset {len}, inside the {header_len}-byte file header")]
    Truncated {
        /// Size of the file.
        len: u64,
        /// Size of the header it begins.
        header_len: u64,
    },
}

fn not_h4mk(first: [u8; 4], len: usize) -> String {
    let found = first.iter().take(len).map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ");
    match len {
        0 => "not an H4MK container: the file is empty".to_owned(),
        _ => format!("not an H4MK container: offset 0 holds {found}, expected 48 34 4d 4b (\"H4MK\")"),
    }
}

/// A chunk header as stored, nothing in it trusted yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChunkHeader {
    /// File offset of the header.
    pub offset: u64,
    /// Its tag.
    pub tag: Tag,
    /// Declared payload length.
    pub len: u32,
    /// Mux only.
    pub flags: Option<u32>,
}

impl ChunkHeader {
    /// File offset of the payload.
    pub fn payload(&self) -> u64 {
        self.offset.saturating_add(CHUNK_HEADER_LEN)
    }

    /// Mux: timestamp in ms and kind of a CORE chunk, from its flags.
    pub fn timing(&self) -> Option<(u32, Kind)> {
        self.flags.map(mux::timing)
    }

    /// Mux: bits 30 and 31 of the flags, which are reserved.
    pub fn reserved_flags(&self) -> u32 {
        self.flags.map_or(0, |flags| flags >> 30)
    }
}

/// Where the bytes of a block are, and whose they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Id of the track, as in TRAK.
    pub track: u16,
    /// Normally 0.
    pub reserved: u16,
    /// The block itself: file offsets.
    pub content: Range<u64>,
}

/// What a file's first bytes say: the layout and the file header.
///
/// The layouts differ in the two bytes after the magic. Where those are neither's, the first chunk decides: it is read
/// in the layout in which its tag and CRC are right.
pub fn recognise<'a>(bytes: impl Into<Bytes<'a>>) -> Result<FileHeader, HeadError> {
    let bytes = bytes.into();
    let head = bytes.head::<4>(0);
    if *head != MAGIC {
        let first = std::array::from_fn(|i| head.get(i).copied().unwrap_or(0));
        return Err(HeadError::NotH4mk { first, len: head.len() });
    }
    let layout = match bytes.array(4) {
        None | Some([0, 1]) => Layout::Transport,
        Some([1, 0]) => Layout::Mux,
        Some([high, _]) => {
            let proven = |layout: &Layout| {
                let header = layout.chunk_header(bytes, layout.file_header_len());
                header.is_some_and(|h| h.tag.is_known() && layout.crc_is_right(bytes, &h))
            };
            let guess = if high == 0 { Layout::Transport } else { Layout::Mux };
            [Layout::Transport, Layout::Mux].into_iter().find(proven).unwrap_or(guess)
        }
    };
    let header = match layout {
        Layout::Transport => transport::file_header(bytes),
        Layout::Mux => mux::file_header(bytes),
    };
    header.ok_or(HeadError::Truncated { len: bytes.len(), header_len: layout.file_header_len() })
}

/// The layout of the container of a known version that begins here.
pub(crate) fn container_layout(bytes: Bytes<'_>, at: u64) -> Option<Layout> {
    match bytes.head::<6>(at).strip_prefix(&MAGIC)? {
        [0, 1] => Some(Layout::Transport),
        [1, 0] => Some(Layout::Mux),
        _ => None,
    }
}

/// A container of a known version begins here.
pub(crate) fn is_container(bytes: Bytes<'_>, at: u64) -> bool {
    container_layout(bytes, at).is_some()
}

impl Layout {
    /// `transport` or `mux`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Transport => "transport",
            Self::Mux => "mux",
        }
    }

    /// Bytes before the first chunk.
    pub fn file_header_len(self) -> u64 {
        match self {
            Self::Transport => transport::FILE_HEADER_LEN,
            Self::Mux => mux::FILE_HEADER_LEN,
        }
    }

    /// Bytes of a chunk after its payload.
    pub fn trailer_len(self) -> u8 {
        match self {
            Self::Transport => 0,
            Self::Mux => 4,
        }
    }

    /// Bytes that close the file after its last chunk.
    pub fn closing_len(self) -> u64 {
        match self {
            Self::Transport => 0,
            Self::Mux => 4,
        }
    }

    /// The least bytes a chunk takes.
    pub fn smallest_chunk(self) -> u64 {
        CHUNK_HEADER_LEN + u64::from(self.trailer_len())
    }

    /// The chunk header at `offset`; `None` when fewer than 12 bytes are left.
    pub fn chunk_header(self, bytes: Bytes<'_>, offset: u64) -> Option<ChunkHeader> {
        Some(self.parse_header(&bytes.array(offset)?, offset))
    }

    /// The same from the header's own bytes, which stand at `offset`.
    pub fn parse_header(self, header: &[u8; CHUNK_HEADER_LEN as usize], offset: u64) -> ChunkHeader {
        match self {
            Self::Transport => transport::chunk_header(header, offset),
            Self::Mux => mux::chunk_header(header, offset),
        }
    }

    /// File offset after a chunk with that payload length.
    pub fn end(self, header: &ChunkHeader, len: u64) -> u64 {
        header.payload().saturating_add(len).saturating_add(u64::from(self.trailer_len()))
    }

    /// File offset after the chunk, by its declared length.
    pub fn declared_end(self, header: &ChunkHeader) -> u64 {
        self.end(header, u64::from(header.len))
    }

    /// Where the CRC of a chunk of that payload length is stored, and its bytes.
    pub fn crc_field(self, offset: u64, len: u64) -> Range<u64> {
        match self {
            Self::Transport => transport::crc_field(offset),
            Self::Mux => mux::crc_field(offset, len),
        }
    }

    /// Where a chunk's length is stored, and the bytes for `len`.
    pub fn length_field(self, offset: u64, len: u64) -> (u64, [u8; 4]) {
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        match self {
            Self::Transport => (offset.saturating_add(4), len.to_be_bytes()),
            Self::Mux => (offset.saturating_add(8), len.to_le_bytes()),
        }
    }

    /// File offset of the byte, and the bit in it, that hold that bit of a chunk's CRC.
    pub fn crc_bit(self, offset: u64, len: u64, bit: u8) -> (u64, u8) {
        let field = self.crc_field(offset, len).start;
        let byte = match self {
            Self::Transport => 3u64.saturating_sub(u64::from(bit / 8)),
            Self::Mux => u64::from(bit / 8),
        };
        (field.saturating_add(byte), bit % 8)
    }

    /// The CRC stored for a chunk of that payload length; `None` where the file ends before it.
    pub fn stored_crc(self, bytes: Bytes<'_>, offset: u64, len: u64) -> Option<u32> {
        let field = self.crc_field(offset, len);
        let field: [u8; 4] = bytes.array(field.start)?;
        Some(match self {
            Self::Transport => u32::from_be_bytes(field),
            Self::Mux => u32::from_le_bytes(field),
        })
    }

    /// The bytes that a chunk's CRC covers besides its payload: what stands before it.
    pub fn covered_header(self, header: &ChunkHeader, len: u32) -> Option<[u8; 12]> {
        match self {
            Self::Transport => None,
            Self::Mux => Some(mux::header_bytes(header, len)),
        }
    }

    /// The CRC of the chunk's bytes, with `len` for its payload length; `None` where the file ends before it.
    pub fn computed_crc(self, bytes: Bytes<'_>, header: &ChunkHeader, len: u32) -> Option<u32> {
        let payload = bytes.slice(header.payload(), u64::from(len))?;
        let mut crc = crc32fast::Hasher::new();
        if let Some(head) = self.covered_header(header, len) {
            crc.update(&head);
        }
        Some(crc_after(crc, payload))
    }

    /// Whether the chunk is there whole and its CRC right.
    pub fn crc_is_right(self, bytes: Bytes<'_>, header: &ChunkHeader) -> bool {
        let stored = self.stored_crc(bytes, header.offset, u64::from(header.len));
        stored.is_some() && stored == self.computed_crc(bytes, header, header.len)
    }

    /// Mux: what the H4TB header of a CORE payload says; `None` in the transport layout and where there is none.
    pub fn route(self, bytes: Bytes<'_>, payload: u64, len: u64) -> Option<Route> {
        match self {
            Self::Transport => None,
            Self::Mux => mux::route(bytes, payload, len),
        }
    }

    /// Mux: the u32 stored at `at` and the CRC of everything before it, which it must be to close the container.
    pub fn closing_crc(self, bytes: Bytes<'_>, at: u64) -> Option<(u32, u32)> {
        match self {
            Self::Transport => None,
            Self::Mux => mux::closing_crc(bytes, at),
        }
    }

    /// Mux: the u32 at `at`, which may be a closing CRC.
    pub fn stored_closing_crc(self, bytes: Bytes<'_>, at: u64) -> Option<u32> {
        match self {
            Self::Transport => None,
            Self::Mux => super::bytes::le_u32(bytes, at),
        }
    }

    /// How many bytes a chunk's CRC covers.
    pub fn covered_len(self, len: u64) -> u64 {
        match self {
            Self::Transport => len,
            Self::Mux => len.saturating_add(CHUNK_HEADER_LEN),
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layouts_are_told_apart() {
        let layout = |bytes: &[u8]| recognise(bytes).map(|h| (h.layout, h.version, h.reserved));
        assert_eq!(layout(b"H4MK\0\x01\0\0"), Ok((Layout::Transport, 1, 0)));
        assert_eq!(layout(b"H4MK\0\x02\0\x07"), Ok((Layout::Transport, 2, 7)));
        assert_eq!(layout(b"H4MK\x01\0\0\0\0\0\0\0\0\0\0\0"), Ok((Layout::Mux, 1, 0)));
        assert_eq!(layout(b"H4MK\0\x01\0"), Err(HeadError::Truncated { len: 7, header_len: 8 }));
        assert_eq!(layout(b"H4MK\x01\0\0\0\0"), Err(HeadError::Truncated { len: 9, header_len: 16 }));
        assert!(matches!(layout(b"H4M"), Err(HeadError::NotH4mk { len: 3, .. })));
        assert!(matches!(layout(b""), Err(HeadError::NotH4mk { len: 0, .. })));
    }

    #[test]
    fn a_damaged_version_does_not_change_the_layout_that_the_first_chunk_proves() {
        let chunk = b"CORE\0\0\0\x02\x2d\x5e\x44\x7aab";
        let header = recognise(&[b"H4MK\x01\x01\0\0".as_slice(), chunk].concat()).unwrap();
        let crc = crc32fast::hash(b"ab").to_be_bytes();
        let right = [b"H4MK\x01\x01\0\0CORE\0\0\0\x02".as_slice(), &crc, b"ab"].concat();
        assert_eq!(header.layout, Layout::Mux);
        assert_eq!(recognise(&right).unwrap().layout, Layout::Transport);
    }
}
