//! Hex rows as `hexdump -C` draws them: offset, two groups of eight bytes, and the same bytes as ASCII.
//!
//! ```text
//! 00000000  48 34 4d 4b 00 01 00 00  43 4f 52 45 00 00 02 38  |H4MK....CORE...8|
//! ```
//!
//! The Hex view has columns of its own, which follow its width, and shares the digits and glyphs.

use std::io::{self, Write};

/// Bytes on a row.
pub const ROW_BYTES: usize = 16;

/// Rows are handed on in pieces of about this many bytes of text.
const BUFFER_BYTES: usize = 128 << 10;

/// Width of everything behind the offset: two blanks, 16 × three columns, the gap between the groups, a blank, the bars and
/// the ASCII column, and the line feed.
const BODY: usize = 2 + 3 * ROW_BYTES + 1 + 1 + (ROW_BYTES + 2) + 1;

/// A byte's two lower-case hex digits.
pub const fn hex_digits(byte: u8) -> [u8; 2] {
    const fn digit(nibble: u8) -> u8 {
        if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
    }
    [digit(byte >> 4), digit(byte & 0xf)]
}

/// What stands for a byte in the ASCII column: itself if it prints, else a dot.
pub const fn ascii_glyph(byte: u8) -> u8 {
    if matches!(byte, 0x20..=0x7e) { byte } else { b'.' }
}

/// The columns of a row, which depend on how many digits its offsets need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns {
    offset_digits: usize,
}

impl Columns {
    /// Columns for rows with offsets below `end`: eight digits, or as many as the largest offset needs.
    pub const fn for_end(end: u64) -> Self {
        let last = end.saturating_sub(1);
        let needed = (u64::BITS - last.leading_zeros()).div_ceil(4) as usize;
        Self { offset_digits: if needed < 8 { 8 } else { needed } }
    }

    /// Digits of the offset, which stands at column 0.
    pub const fn offset_digits(self) -> usize {
        self.offset_digits
    }

    /// Where the hex digits of a row's byte `place` (0…15) begin.
    pub const fn hex(self, place: usize) -> usize {
        self.offset_digits + 2 + 3 * place + place / 8
    }

    /// Where the ASCII glyph of a row's byte `place` (0…15) stands; the bars are one column outside the first and last.
    pub const fn ascii(self, place: usize) -> usize {
        self.hex(ROW_BYTES) + 1 + place
    }

    /// Columns of a full row.
    pub const fn width(self) -> usize {
        self.ascii(ROW_BYTES) + 1
    }

    /// Appends one row of up to 16 bytes with its line feed; a shorter row keeps its ASCII column in place.
    pub fn push_row(self, out: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
        let start = out.len();
        out.resize(start + self.offset_digits, b'0');
        fill_offset(out.split_at_mut(start).1, offset);
        match bytes.first_chunk::<ROW_BYTES>() {
            Some(bytes) => {
                let mut body = EMPTY_BODY;
                fill_body(&mut body, bytes);
                out.extend_from_slice(&body);
            }
            None => push_short_body(out, bytes),
        }
    }
}

/// What does not change from row to row: blanks, bars and the line feed.
const EMPTY_BODY: [u8; BODY] = {
    let mut body = [b' '; BODY];
    body[BODY - 1] = b'\n';
    body[BODY - 2] = b'|';
    body[BODY - 2 - ROW_BYTES - 1] = b'|';
    body
};

#[expect(clippy::indexing_slicing, reason = "computed by the compiler, which would refuse")]
static HEX: [[u8; 2]; 256] = {
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = hex_digits(byte as u8);
        byte += 1;
    }
    table
};

#[expect(clippy::indexing_slicing, reason = "a byte can't leave a table of 256")]
fn tabled_digits(byte: u8) -> [u8; 2] {
    HEX[usize::from(byte)]
}

fn fill_offset(digits: &mut [u8], mut offset: u64) {
    for pair in digits.rchunks_mut(2) {
        match (pair, tabled_digits(offset as u8)) {
            ([high, low], digits) => [*high, *low] = digits,
            ([low], [_, digit]) => *low = digit,
            _ => {}
        }
        offset >>= 8;
    }
}

/// Puts a full row's bytes into an [`EMPTY_BODY`]. Sizes are fixed throughout, so that it compiles to straight stores.
fn fill_body(body: &mut [u8; BODY], bytes: &[u8; ROW_BYTES]) {
    fill_group(&mut body[2..26], &bytes[..8]);
    fill_group(&mut body[27..51], &bytes[8..]);
    for (glyph, &byte) in body[53..69].iter_mut().zip(bytes) {
        *glyph = ascii_glyph(byte);
    }
}

#[inline(always)]
fn fill_group(cells: &mut [u8], bytes: &[u8]) {
    for ([high, low, _], &byte) in cells.as_chunks_mut::<3>().0.iter_mut().zip(bytes) {
        [*high, *low] = tabled_digits(byte);
    }
}

fn push_short_body(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(b"  ");
    for place in 0..ROW_BYTES {
        out.extend_from_slice(&bytes.get(place).map_or(*b"  ", |&byte| tabled_digits(byte)));
        out.extend_from_slice(if place == 7 { b"  " } else { b" " });
    }
    out.extend_from_slice(b" |");
    out.extend(bytes.iter().map(|&byte| ascii_glyph(byte)));
    out.extend_from_slice(b"|\n");
}

/// Writes `bytes` as rows, the first of which begins at `offset`; offsets past 2^64 − 1 wrap.
pub fn dump(out: &mut impl Write, columns: Columns, mut offset: u64, bytes: &[u8]) -> io::Result<()> {
    let row_text = columns.width() + 1;
    let rows_at_once = (BUFFER_BYTES / row_text).min(bytes.len() / ROW_BYTES);
    let empty_row = [&vec![b'0'; columns.offset_digits], EMPTY_BODY.as_slice()].concat();
    let mut text = empty_row.repeat(rows_at_once);
    let (full_rows, rest) = bytes.as_chunks::<ROW_BYTES>();
    for rows in full_rows.chunks(rows_at_once.max(1)) {
        for (row_text, row) in text.chunks_exact_mut(row_text).zip(rows) {
            if let Some((digits, body)) = row_text.split_last_chunk_mut() {
                fill_offset(digits, offset);
                fill_body(body, row);
            }
            offset = offset.wrapping_add(ROW_BYTES as u64);
        }
        out.write_all(text.get(..rows.len() * row_text).unwrap_or_default())?;
    }
    if rest.is_empty() {
        return Ok(());
    }
    text.clear();
    columns.push_row(&mut text, offset, rest);
    out.write_all(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dumped(offset: u64, bytes: &[u8]) -> String {
        let mut out = Vec::new();
        dump(&mut out, Columns::for_end(offset.saturating_add(bytes.len() as u64)), offset, bytes).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rows_are_those_of_hexdump() {
        assert_eq!(
            dumped(0, b"H4MK\0\x01\0\0CORE\0\0\x028\x7f~\x80"),
            "00000000  48 34 4d 4b 00 01 00 00  43 4f 52 45 00 00 02 38  |H4MK....CORE...8|\n\
             00000010  7f 7e 80                                          |.~.|\n"
        );
        assert_eq!(dumped(5, b""), "");
    }

    #[test]
    fn offsets_widen_when_they_must() {
        assert_eq!(Columns::for_end(0).offset_digits(), 8);
        assert_eq!(Columns::for_end(1 << 32).offset_digits(), 8);
        assert_eq!(Columns::for_end((1 << 32) + 1).offset_digits(), 9);
        assert_eq!(Columns::for_end(u64::MAX).offset_digits(), 16);
        assert!(dumped(0x1_2345_6780, b"x").starts_with("123456780  78 "));
    }

    proptest! {
        #[test]
        fn every_byte_stands_where_the_columns_say(
            start in prop_oneof![Just(0), any::<u32>().prop_map(u64::from), Just(u64::MAX - 9000)],
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let columns = Columns::for_end(start + bytes.len() as u64);
            let text = dumped(start, &bytes);
            prop_assert_eq!(text.lines().count(), bytes.len().div_ceil(ROW_BYTES));
            for (row, line) in text.lines().enumerate() {
                let line = line.as_bytes();
                let offset = format!("{:0width$x}", start + (row * ROW_BYTES) as u64, width = columns.offset_digits());
                prop_assert_eq!(&line[..columns.offset_digits()], offset.as_bytes());
                let of_row = &bytes[row * ROW_BYTES..bytes.len().min((row + 1) * ROW_BYTES)];
                prop_assert_eq!(line.len(), columns.width() - (ROW_BYTES - of_row.len()));
                for (place, &byte) in of_row.iter().enumerate() {
                    let hex = columns.hex(place);
                    let digits = format!("{byte:02x}");
                    prop_assert_eq!(&line[hex..hex + 2], digits.as_bytes());
                    prop_assert_eq!(line[columns.ascii(place)], ascii_glyph(byte));
                }
            }
        }
    }
}
