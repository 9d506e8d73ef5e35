//! CRC-32 (IEEE, zlib's): of bytes, of joined parts, and of any range without reading the range again.

use crc32fast::Hasher;

use super::bytes::Bytes;

/// CRC-32 of `bytes`, which are read in pieces.
pub fn crc32<'a>(bytes: impl Into<Bytes<'a>>) -> u32 {
    crc_after(Hasher::new(), bytes.into())
}

/// CRC-32 of what `hasher` has taken in and `bytes` after it.
pub(crate) fn crc_after(mut hasher: Hasher, bytes: Bytes<'_>) -> u32 {
    bytes.pieces().for_each(|piece| hasher.update(&piece));
    hasher.finalize()
}

/// CRC-32 of two parts joined, from the CRC of each; `len_b` is the length of the second in bytes. One multiplication for
/// each byte of the length that isn't 0, where crc32fast takes one for each bit: a walk over small damaged chunks spends
/// half of its time here.
pub fn combine(a: u32, b: u32, len_b: u64) -> u32 {
    let digits = POWERS.iter().zip(len_b.to_le_bytes()).filter(|(_, digit)| *digit != 0);
    digits.filter_map(|(powers, digit)| powers.get(usize::from(digit))).fold(a, |crc, power| multiply(crc, *power)) ^ b
}

/// The CRC's polynomial without its highest term; bit 31 is the coefficient of x^0, here and in what follows.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// What a CRC is multiplied by for the bytes that follow it: `POWERS[place][digit]` for `digit * 256^place` bytes.
#[expect(clippy::indexing_slicing, reason = "computed while compiling, where an index out of range is an error")]
static POWERS: [[u32; 256]; 8] = {
    let mut powers = [[1 << 31; 256]; 8];
    // x^8: one byte.
    let (mut one, mut place) = (1 << 23, 0);
    while place < powers.len() {
        let mut digit = 1;
        while digit < powers[place].len() {
            powers[place][digit] = multiply(powers[place][digit - 1], one);
            digit += 1;
        }
        one = multiply(powers[place][digit - 1], one);
        place += 1;
    }
    powers
};

/// The product of two polynomials, modulo the CRC's: four terms of `a` at a time, from the highest on.
#[expect(clippy::indexing_slicing, reason = "four bits are within 16 entries")]
const fn multiply(a: u32, b: u32) -> u32 {
    let (x, x2, x3) = (times_x(b), times_x(times_x(b)), times_x(times_x(times_x(b))));
    let low = [0, x3, x2, x2 ^ x3, x, x ^ x3, x ^ x2, x ^ x2 ^ x3];
    let (mut product, mut shift) = (0, 0);
    while shift < 32 {
        let terms = (a >> shift & 0xf) as usize;
        let multiple = low[terms & 7] ^ (b & (terms as u32 >> 3).wrapping_neg());
        product = product >> 4 ^ FOUR_OUT[(product & 0xf) as usize] ^ multiple;
        shift += 4;
    }
    product
}

const fn times_x(a: u32) -> u32 {
    a >> 1 ^ POLYNOMIAL & (a & 1).wrapping_neg()
}

/// What the four highest terms of a polynomial come to once it was multiplied by x^4.
#[expect(clippy::indexing_slicing, reason = "computed while compiling, where an index out of range is an error")]
static FOUR_OUT: [u32; 16] = {
    let (mut out, mut terms) = ([0; 16], 0);
    while terms < 16 {
        out[terms as usize] = times_x(times_x(times_x(times_x(terms))));
        terms += 1;
    }
    out
};

/// Bytes between checkpoints, as long as there are few of them.
const FIRST_SPACING: u64 = 4 << 10;
/// 1 MiB of checkpoints; when there would be more, every other one is dropped.
const MAX_CHECKPOINTS: usize = 1 << 18;

/// CRCs of any ranges of the same bytes, for trying many lengths of a damaged chunk. Keeps the CRC from `base` to sparse
/// checkpoints, extended as far as a range needs: all the ranges together cost one pass, and each of them a checkpoint's
/// spacing (4 KiB up to 1 GiB of bytes, doubling from there).
#[derive(Debug, Clone)]
pub struct RangeCrc {
    base: u64,
    spacing: u64,
    max_checkpoints: usize,
    /// Entry `i` is the CRC of `base..base + i * spacing`.
    checkpoints: Vec<u32>,
    /// Where the last range began and where it ended, each with the CRC from `base` to there: the next is often near.
    last: [(u64, u32); 2],
}

impl RangeCrc {
    /// Ranges are expected at and after the offset `base`; those that begin before are read directly.
    pub fn new(base: u64) -> Self {
        let last = [(base, 0); 2];
        Self { base, spacing: FIRST_SPACING, max_checkpoints: MAX_CHECKPOINTS, checkpoints: vec![0], last }
    }

    /// CRC-32 of `bytes[start..end]`, cut at the end of `bytes`; 0 for an empty range. `bytes` must be the same at every
    /// call.
    pub fn crc(&mut self, bytes: Bytes<'_>, start: u64, end: u64) -> u32 {
        let end = end.min(bytes.len());
        let len = end.saturating_sub(start);
        if start < self.base || len < 2 * self.spacing {
            return crc32(bytes.range(start..end));
        }
        let [began, ended] = self.last;
        let before = self.crc_from_base(bytes, start, began);
        let through = self.crc_from_base(bytes, end, ended);
        self.last = [(start, before), (end, through)];
        // Joining is linear: what came before, shifted over the range, drops out again.
        combine(before, 0, len) ^ through
    }

    /// File offset up to which the pass has come.
    pub fn reached(&self) -> u64 {
        self.base + (self.checkpoints.len() as u64 - 1) * self.spacing
    }

    /// CRC of `base..end`; `end` is not before `base`. `known` is another place and the CRC up to there.
    fn crc_from_base(&mut self, bytes: Bytes<'_>, end: u64, known: (u64, u32)) -> u32 {
        self.extend_to(bytes, end);
        let index = ((end - self.base) / self.spacing).min(self.checkpoints.len() as u64 - 1);
        let checkpoint = self.checkpoints.get(index as usize).copied().unwrap_or(0);
        let place = self.base + index * self.spacing;
        let (from, crc) = if (place..=end).contains(&known.0) { known } else { (place, checkpoint) };
        crc_after(Hasher::new_with_initial(crc), bytes.range(from..end))
    }

    /// Adds the checkpoints up to `end`.
    fn extend_to(&mut self, bytes: Bytes<'_>, end: u64) {
        while let Some(&last) = self.checkpoints.last() {
            let start = self.base + (self.checkpoints.len() as u64 - 1) * self.spacing;
            let next = start.saturating_add(self.spacing);
            if next > end {
                return;
            }
            self.checkpoints.push(crc_after(Hasher::new_with_initial(last), bytes.range(start..next)));
            if self.checkpoints.len() > self.max_checkpoints {
                let mut index = 0;
                self.checkpoints.retain(|_| {
                    index += 1;
                    index % 2 == 1
                });
                self.spacing *= 2;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn the_check_value_of_the_polynomial() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn ranges_outside_the_bytes_are_cut() {
        let bytes = vec![7; 20_000];
        let mut crcs = RangeCrc::new(10);
        assert_eq!(crcs.crc((&bytes).into(), 100, u64::MAX), crc32(&bytes[100..]));
        assert_eq!(crcs.crc((&bytes).into(), 100, 50), 0);
        assert_eq!(crcs.crc((&bytes).into(), 30_000, u64::MAX), 0);
        assert_eq!(RangeCrc::new(u64::MAX).crc((&bytes).into(), 0, 20_000), crc32(&bytes));
    }

    #[test]
    fn checkpoints_stay_few() {
        let bytes: Vec<u8> = (0..100_000u32).map(|n| (n.wrapping_mul(n) >> 3) as u8).collect();
        let mut crcs = RangeCrc { spacing: 16, max_checkpoints: 8, ..RangeCrc::new(3) };
        for end in (0..bytes.len()).step_by(777) {
            assert_eq!(crcs.crc((&bytes).into(), 3, end as u64), crc32(bytes.get(3..end).unwrap_or_default()), "{end}");
            assert!(crcs.checkpoints.len() <= 8);
        }
    }

    proptest! {
        #[test]
        fn any_length_shifts_as_crc32fast_has_it(a: u32, b: u32, bits in 0..64u32, len: u64) {
            let len = (len >> bits).max(1);
            let mut joined = Hasher::new_with_initial(a);
            joined.combine(&Hasher::new_with_initial_len(b, len));
            prop_assert_eq!(combine(a, b, len), joined.finalize(), "{}", len);
        }

        #[test]
        fn joined_parts_have_the_crc_of_the_whole(a in vec(any::<u8>(), 0..300), b in vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(combine(crc32(&a), crc32(&b), b.len() as u64), crc32(&[a, b].concat()));
        }

        #[test]
        fn any_range_has_the_crc_of_its_bytes(
            bytes in vec(any::<u8>(), 0..3000),
            base in 0..500u64,
            ranges in vec((0..3200u64, 0..3200u64), 1..20),
        ) {
            let mut crcs = RangeCrc { spacing: 32, max_checkpoints: 16, ..RangeCrc::new(base) };
            for (start, end) in ranges {
                let direct = crc32(Bytes::from(&bytes).range(start..end));
                prop_assert_eq!(crcs.crc((&bytes).into(), start, end), direct, "{}..{}", start, end);
            }
        }
    }
}
