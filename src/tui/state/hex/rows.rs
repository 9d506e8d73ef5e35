//! Bytes on rows.

use std::ops::Range;

use super::geometry::Columns;

/// The rows that bytes stand on: each begins at a multiple of the bytes on a row, whatever the first byte's position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    range: Range<u64>,
    bytes: u64,
}

impl Rows {
    /// The rows of what is shown.
    pub fn new(range: &Range<u64>, columns: &Columns) -> Self {
        Self { range: range.clone(), bytes: u64::from(columns.bytes.max(1)) }
    }

    fn first(&self) -> u64 {
        self.range.start / self.bytes
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        match self.range.is_empty() {
            true => 0,
            false => (self.range.end - 1) / self.bytes - self.first() + 1,
        }
    }

    /// The row of a position.
    pub fn of(&self, position: u64) -> u64 {
        (position / self.bytes).saturating_sub(self.first())
    }

    /// Where a row begins, be there a byte or not.
    pub fn start(&self, row: u64) -> u64 {
        self.first().saturating_add(row).saturating_mul(self.bytes)
    }

    /// The positions on a row that there are.
    pub fn positions(&self, row: u64) -> Range<u64> {
        let start = self.start(row);
        start.max(self.range.start)..start.saturating_add(self.bytes).min(self.range.end)
    }
}
