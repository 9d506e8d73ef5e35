//! Seek tables in place: rows are read from the table's own bytes when asked for, never copied.

use crate::core::bytes::{be_u32, be_u64};

/// One row of a seek table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeekEntry {
    /// Timestamp of the keyframe in µs.
    pub pts_us: u64,
    /// Where the keyframe is; what that means is not stated in the file.
    pub offset: u64,
}

/// The rows of one table.
#[derive(Debug, Clone, Copy)]
pub struct SeekRows<'a> {
    rows: &'a [u8],
    declared: u64,
}

const ROW: usize = 16;

impl<'a> SeekRows<'a> {
    /// A transport SEEK payload: u32 count, then u64 pts and u64 offset each, big-endian. `None` without a whole count.
    pub fn transport(payload: &'a [u8]) -> Option<Self> {
        Some(Self { rows: payload.get(4..)?, declared: u64::from(be_u32(payload, 0)?) })
    }

    /// Entries the table says it has.
    pub fn declared(&self) -> u64 {
        self.declared
    }

    /// Whole entries that are there.
    pub fn len(&self) -> u64 {
        self.declared.min((self.rows.len() / ROW) as u64)
    }

    /// No entry at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes after the declared entries; 0 where entries are missing.
    pub fn trailing(&self) -> u64 {
        (self.rows.len() as u64).saturating_sub(self.declared.saturating_mul(ROW as u64))
    }

    /// The entry at that place.
    pub fn get(&self, at: u64) -> Option<SeekEntry> {
        if at >= self.len() {
            return None;
        }
        let start = at.checked_mul(ROW as u64)?;
        Some(SeekEntry { pts_us: be_u64(self.rows, start)?, offset: be_u64(self.rows, start + 8)? })
    }

    /// All entries as stored.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = SeekEntry> + Clone + 'a {
        let rows = *self;
        (0..rows.len()).filter_map(move |at| rows.get(at))
    }
}
