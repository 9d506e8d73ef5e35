//! Seek tables in place: rows are read from the table's own bytes when asked for, never copied.

use std::ops::Range;

use crate::bytes::{Bytes, be_u32, be_u64, le_u16, le_u32};
use crate::text::{self, count_entries};

/// One row of a seek table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeekEntry {
    /// Timestamp of the keyframe in µs.
    pub pts_us: u64,
    /// Where the keyframe is; what that means is not stated in the file.
    pub offset: u64,
}

/// How a row is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// SEEK: u64 pts in µs, u64 offset, big-endian.
    Transport,
    /// A track's table in META's seekm_b64: u64 pts in µs, u32 block index, big-endian.
    Seekm,
    /// TSEK: u32 pts in ms, u32 file offset of a payload, little-endian.
    Mux,
}

/// The rows of one table.
#[derive(Debug, Clone, Copy)]
pub struct SeekRows<'a> {
    rows: Bytes<'a>,
    declared: u64,
    shape: Shape,
}

impl Shape {
    fn row_len(self) -> u64 {
        match self {
            Self::Transport => 16,
            Self::Seekm => 12,
            Self::Mux => 8,
        }
    }
}

impl<'a> SeekRows<'a> {
    /// A transport SEEK payload: u32 count, then the rows. `None` without a whole count.
    pub fn transport(payload: impl Into<Bytes<'a>>) -> Option<Self> {
        let payload = payload.into();
        Some(Self { rows: payload.after(4), declared: u64::from(be_u32(payload, 0)?), shape: Shape::Transport })
    }

    /// The rows of one track in a SEEKM table.
    pub fn seekm(rows: impl Into<Bytes<'a>>, declared: u64) -> Self {
        Self { rows: rows.into(), declared, shape: Shape::Seekm }
    }

    /// The rows of a TSEK chunk.
    pub fn mux(rows: impl Into<Bytes<'a>>, declared: u64) -> Self {
        Self { rows: rows.into(), declared, shape: Shape::Mux }
    }

    /// Entries the table says it has.
    pub fn declared(&self) -> u64 {
        self.declared
    }

    /// Whole entries that are there.
    pub fn len(&self) -> u64 {
        self.declared.min(self.rows.len() / self.shape.row_len())
    }

    /// No entry at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes after the declared entries; 0 where entries are missing.
    pub fn trailing(&self) -> u64 {
        (self.rows.len()).saturating_sub(self.declared.saturating_mul(self.shape.row_len()))
    }

    /// Where the row at that place stands, from the first row on.
    pub fn range(&self, at: u64) -> Range<u64> {
        let start = at.saturating_mul(self.shape.row_len());
        start..start.saturating_add(self.shape.row_len())
    }

    /// The entry at that place.
    pub fn get(&self, at: u64) -> Option<SeekEntry> {
        if at >= self.len() {
            return None;
        }
        let (rows, at) = (self.rows, self.range(at).start);
        Some(match self.shape {
            Shape::Transport => {
                let row: [u8; 16] = rows.array(at)?;
                SeekEntry { pts_us: be_u64(&row, 0)?, offset: be_u64(&row, 8)? }
            }
            Shape::Seekm => {
                let row: [u8; 12] = rows.array(at)?;
                SeekEntry { pts_us: be_u64(&row, 0)?, offset: u64::from(be_u32(&row, 8)?) }
            }
            Shape::Mux => {
                let row: [u8; 8] = rows.array(at)?;
                SeekEntry { pts_us: u64::from(le_u32(&row, 0)?) * 1000, offset: u64::from(le_u32(&row, 4)?) }
            }
        })
    }

    /// All entries as stored.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = SeekEntry> + Clone + 'a {
        let rows = *self;
        (0..rows.len()).filter_map(move |at| rows.get(at))
    }
}

/// A TSEK payload, taken apart.
#[derive(Debug, Clone)]
pub struct TrackTable<'a> {
    /// Id of the track.
    pub track: u16,
    /// Reserved fields that are set: offset in the payload, and value.
    pub reserved: Vec<(u64, u16)>,
    /// The rows.
    pub rows: SeekRows<'a>,
}

/// Takes a TSEK payload apart: `H4TS`, u16 track, u16 reserved, then `H4SK`, u16 count, u16 reserved and the rows; or
/// as the written specification shows it, `H4SK`, u16 track, u16 reserved, u32 count and the rows.
pub fn track_table<'a>(payload: impl Into<Bytes<'a>>) -> Result<TrackTable<'a>, String> {
    let payload = payload.into();
    const SHORT: &str = "it ends inside its header";
    let reserved = |at: u64| le_u16(payload, at).filter(|value| *value != 0).map(|value| (at, value));
    let whole = |start: u64, count: u64| {
        let rows = SeekRows::mux(payload.slice(start, payload.len().saturating_sub(start)).ok_or(SHORT)?, count);
        match (rows.len() == count, rows.trailing()) {
            (false, _) => Err(format!("its count says {}, but it holds {}", count_entries(count), rows.len())),
            (true, 0) => Ok(rows),
            (true, more) => {
                Err(format!("{} after the {} that it counts", text::count(more, "byte"), count_entries(count)))
            }
        }
    };
    let track = le_u16(payload, 4).ok_or(SHORT)?;
    let (mark, inner) = (payload.head::<4>(0), payload.array::<4>(8));
    match (&*mark, inner.as_ref()) {
        (b"H4TS", Some(b"H4SK")) => Ok(TrackTable {
            track,
            reserved: [reserved(6), reserved(14)].into_iter().flatten().collect(),
            rows: whole(16, u64::from(le_u16(payload, 12).ok_or(SHORT)?))?,
        }),
        (b"H4SK", Some(_)) => Ok(TrackTable {
            track,
            reserved: reserved(6).into_iter().collect(),
            rows: whole(12, u64::from(le_u32(payload, 8).ok_or(SHORT)?))?,
        }),
        (b"H4TS", Some(_)) => Err("H4TS is not followed by H4SK".to_owned()),
        (b"H4TS" | b"H4SK", None) => Err(SHORT.to_owned()),
        _ => Err("it begins with neither H4TS nor H4SK".to_owned()),
    }
}
