//! Which field stands where in headers and tables: names and lengths, no values.

use std::ops::Range;

use super::{Layout, mux, transport};
use crate::index::Tag;

/// A field that the layouts define.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The file's first four bytes.
    Magic,
    /// Version of the format.
    Version,
    /// Mux: flags of the file.
    FileFlags,
    /// Reserved, 0 is normal.
    Reserved,
    /// Mux: when the file was made.
    Timestamp,
    /// A chunk's name.
    Tag,
    /// Mux: flags of a chunk; of a CORE chunk its time and kind.
    ChunkFlags,
    /// A chunk's payload length.
    Length,
    /// A chunk's CRC.
    Crc,
    /// The four bytes that begin a structure inside a payload: H4TB, H4TS, H4SK.
    Mark,
    /// Mux: id of a track.
    TrackId,
    /// Entries in a seek table.
    EntryCount,
    /// The timestamp of a seek entry.
    EntryPts,
    /// Where a seek entry leads.
    EntryOffset,
}

/// Fields in a row, each with its length in bytes.
pub(super) type Parts = &'static [(Part, u64)];

/// What a payload begins with, and the rows that follow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PayloadParts {
    head: Parts,
    row: Parts,
}

/// A field of a payload and where it is, from the payload's start on; of a table's row, which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The field.
    pub part: Part,
    /// Where in the payload.
    pub range: Range<u64>,
    /// Place of the row, in a table.
    pub row: Option<u64>,
}

/// Gives the fields their places, from `start` on.
fn place(parts: Parts, start: u64, row: Option<u64>) -> impl Iterator<Item = Placed> {
    parts.iter().scan(start, move |at, (part, len)| {
        let range = *at..at.saturating_add(*len);
        *at = range.end;
        Some(Placed { part: *part, range, row })
    })
}

impl PayloadParts {
    pub(super) const fn new(head: Parts, row: Parts) -> Self {
        Self { head, row }
    }

    fn len(parts: Parts) -> u64 {
        parts.iter().map(|(_, len)| len).sum()
    }

    /// The fields before the rows, and those of the rows that have bytes in `wanted`, as far as a payload of `len` bytes
    /// holds them whole. Costs what is wanted, whatever the table's length.
    pub fn within(&self, wanted: Range<u64>, len: u64) -> Vec<Placed> {
        let (head_len, row_len) = (Self::len(self.head), Self::len(self.row));
        let mut placed: Vec<_> = place(self.head, 0, None).collect();
        if row_len > 0 {
            let row_at = |offset: u64| offset.saturating_sub(head_len) / row_len;
            let rows = row_at(wanted.start)..row_at(wanted.end.min(len)).saturating_add(1);
            placed.extend(rows.flat_map(|row| place(self.row, head_len + row * row_len, Some(row))));
        }
        placed.retain(|placed| placed.range.end <= len);
        placed
    }
}

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
