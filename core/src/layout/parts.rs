//! Which field stands where in headers and tables: names and lengths, no values.

use std::ops::Range;

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
pub(super) fn place(parts: Parts, start: u64, row: Option<u64>) -> impl Iterator<Item = Placed> {
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
