//! The fields of a file in either layout: of its header, of chunks, and of what payloads begin with.

use super::parts::{Part, PayloadParts, Placed, place};
use super::{Layout, mux, transport};
use crate::index::Tag;

impl Layout {
    /// The fields of the file header.
    pub fn file_parts(self) -> impl Iterator<Item = Placed> {
        let parts = match self {
            Self::Transport => transport::FILE_PARTS,
            Self::Mux => mux::FILE_PARTS,
        };
        place(parts, 0, None)
    }

    /// The fields of a chunk with that payload length, its CRC wherever it stands; file offsets.
    pub fn chunk_parts(self, offset: u64, len: u64) -> impl Iterator<Item = Placed> {
        let parts = match self {
            Self::Transport => transport::CHUNK_PARTS,
            Self::Mux => mux::CHUNK_PARTS,
        };
        let crc = Placed { part: Part::Crc, range: self.crc_field(offset, len), row: None };
        place(parts, offset, None).chain(std::iter::once(crc))
    }

    /// The fields inside a payload.
    pub fn payload_parts(self, tag: Tag, payload: &[u8]) -> PayloadParts {
        match self {
            Self::Transport => transport::payload_parts(tag),
            Self::Mux => mux::payload_parts(tag, payload),
        }
    }

    /// A field's value as a number; `None` beyond eight bytes.
    pub fn number(self, field: &[u8]) -> Option<u64> {
        let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        (field.len() <= 8).then(|| match self {
            Self::Transport => field.iter().fold(0, add),
            Self::Mux => field.iter().rev().fold(0, add),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    fn parts(placed: impl IntoIterator<Item = Placed>) -> Vec<(Part, Range<u64>)> {
        placed.into_iter().map(|placed| (placed.part, placed.range)).collect()
    }

    #[test]
    fn headers_have_no_gaps_and_their_declared_length() {
        for layout in [Layout::Transport, Layout::Mux] {
            let file = parts(layout.file_parts());
            assert_eq!(file.last().unwrap().1.end, layout.file_header_len());
            let mut chunk = parts(layout.chunk_parts(100, 5));
            chunk.sort_by_key(|(_, range)| range.start);
            let header = chunk.iter().filter(|(_, range)| range.end <= 112).count();
            assert_eq!(header, 3, "{chunk:?}");
            assert!(chunk[..3].windows(2).all(|pair| pair[0].1.end == pair[1].1.start));
            assert_eq!(chunk.iter().find(|(part, _)| *part == Part::Crc).unwrap().1, layout.crc_field(100, 5));
        }
    }

    #[test]
    fn rows_of_a_table_are_found_by_arithmetic() {
        let table = Layout::Transport.payload_parts(Tag::SEEK, &[]);
        let row = table.within(4 + 16 * 1_000_000..4 + 16 * 1_000_000 + 9, u64::MAX);
        assert_eq!(
            row.iter().map(|p| (p.part, p.row)).collect::<Vec<_>>(),
            [(Part::EntryCount, None), (Part::EntryPts, Some(1_000_000)), (Part::EntryOffset, Some(1_000_000))]
        );
        assert_eq!(parts(table.within(0..40, 18)), [(Part::EntryCount, 0..4), (Part::EntryPts, 4..12)], "cut short");
        let wrapped = Layout::Mux.payload_parts(Tag::TSEK, b"H4TS\x01\0\0\0H4SK\x01\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(wrapped.within(0..24, 24).len(), 8);
        let bare = Layout::Mux.payload_parts(Tag::TSEK, b"H4SK\x01\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(bare.within(0..20, 20).len(), 6);
        assert_eq!(Layout::Mux.payload_parts(Tag::CORE, b"H4TB\x01\0\0\0x").within(0..9, 9).len(), 3);
        assert_eq!(Layout::Mux.payload_parts(Tag::CORE, b"other").within(0..5, 5), []);
    }

    #[test]
    fn numbers_are_read_in_the_layout_s_order() {
        assert_eq!(Layout::Transport.number(&[1, 2]), Some(0x102));
        assert_eq!(Layout::Mux.number(&[1, 2]), Some(0x201));
        assert_eq!(Layout::Mux.number(&[0; 9]), None);
    }
}
