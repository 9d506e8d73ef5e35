//! Finds the one flipped bit that explains a CRC-32 mismatch, without looking at the bytes.
//!
//! A CRC is linear: stored XOR computed is what the flipped bit alone adds, which is a power of x modulo the IEEE
//! polynomial, and the exponent says where the bit stands. That polynomial is primitive, so every value has exactly one
//! exponent below 2^32 − 1 = 3·5·17·257·65537, found in microseconds by solving for each factor alone (Pohlig-Hellman).

use std::sync::OnceLock;

/// The IEEE polynomial without x^32; bit i is the coefficient of x^i (not reflected).
const POLYNOMIAL: u32 = 0x04c1_1db7;
/// How many values x^e has before it comes back to 1.
const ORDER: u32 = u32::MAX;
/// The prime factors of [`ORDER`].
const FACTORS: [u32; 5] = [3, 5, 17, 257, 65537];
/// x itself.
const X: u32 = 2;
/// Bits of the CRC field, which stand after the covered bytes.
const CRC_BITS: u64 = 32;
/// Most powers a table holds; beyond it, multiples of this are tried (65 of them for 65537).
const TABLE_MAX: u32 = 1024;

/// Where the flipped bit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlippedBit {
    /// In the stored CRC itself, whatever order its bytes are stored in.
    Crc {
        /// Bit of the u32's value; 0 is the least significant.
        bit: u8,
    },
    /// In the bytes that the CRC covers.
    Covered {
        /// Index in the covered bytes.
        byte: u64,
        /// Bit of that byte; 0 is the least significant.
        bit: u8,
    },
}

/// The only bit of `covered_len` bytes or of their CRC that, flipped, turns `computed` into `stored`. `None` when no
/// single bit does, when there is no mismatch, and from 2^29 − 4 bytes on, where any damage looks like a flip.
pub fn locate(stored: u32, computed: u32, covered_len: u64) -> Option<FlippedBit> {
    let bits = explained(covered_len).filter(|&bits| bits <= u64::from(ORDER))?;
    let exponent = u64::from(logarithm((stored ^ computed).reverse_bits())?);
    if exponent < CRC_BITS {
        return Some(FlippedBit::Crc { bit: (CRC_BITS - 1 - exponent) as u8 });
    }
    if exponent >= bits {
        return None;
    }
    let from_end = exponent - CRC_BITS;
    Some(FlippedBit::Covered { byte: covered_len - 1 - from_end / 8, bit: 7 - (from_end % 8) as u8 })
}

/// The probability that damage of another kind looks like one flipped bit of `covered_len` bytes or their CRC.
pub fn chance(covered_len: u64) -> f64 {
    ((8.0 * covered_len as f64 + CRC_BITS as f64) / f64::from(ORDER)).min(1.0)
}

/// How many single flips there are.
fn explained(covered_len: u64) -> Option<u64> {
    covered_len.checked_mul(8)?.checked_add(CRC_BITS)
}

/// The `e` below [`ORDER`] with x^e = `value`; `None` for 0, which isn't a power.
fn logarithm(value: u32) -> Option<u32> {
    static TABLES: OnceLock<[Subgroup; FACTORS.len()]> = OnceLock::new();
    let tables = TABLES.get_or_init(|| FACTORS.map(Subgroup::new));
    if value == 0 {
        return None;
    }
    // Chinese remainders: each factor's residue, times the number that is 1 modulo it and 0 modulo the others.
    let mut exponent = 0;
    for subgroup in tables {
        exponent += u64::from(subgroup.residue(value)?) * subgroup.lift % u64::from(ORDER);
    }
    Some((exponent % u64::from(ORDER)) as u32)
}

/// The powers of x that come back to 1 after a prime number of steps.
struct Subgroup {
    /// [`ORDER`] divided by that prime: raising to it leads from any value into this group.
    cofactor: u32,
    /// 1 modulo the prime, 0 modulo the other factors.
    lift: u64,
    /// (generator^i, i) sorted, for the first [`TABLE_MAX`] i at most.
    powers: Vec<(u32, u32)>,
    /// generator^−[`TABLE_MAX`]: one stride back towards the table.
    stride: u32,
    /// Strides that cover the group.
    strides: u32,
}

impl Subgroup {
    fn new(prime: u32) -> Self {
        let cofactor = ORDER / prime;
        let generator = power(X, cofactor);
        let len = prime.min(TABLE_MAX);
        let mut powers: Vec<_> =
            std::iter::successors(Some(1), |&value| Some(multiply(value, generator))).zip(0..len).collect();
        powers.sort_unstable();
        Self {
            cofactor,
            lift: u64::from(cofactor) * u64::from(inverse(cofactor, prime)),
            powers,
            stride: power(generator, prime - len % prime),
            strides: prime.div_ceil(len),
        }
    }

    /// The exponent of `value` modulo the prime.
    fn residue(&self, value: u32) -> Option<u32> {
        let mut member = power(value, self.cofactor);
        for stride in 0..self.strides {
            if let Ok(found) = self.powers.binary_search_by_key(&member, |&(power, _)| power) {
                return self.powers.get(found).map(|&(_, exponent)| stride * TABLE_MAX + exponent);
            }
            member = multiply(member, self.stride);
        }
        None
    }
}

/// a × b modulo the polynomial.
fn multiply(a: u32, b: u32) -> u32 {
    (0..32).rev().fold(0, |product: u32, bit| {
        let carried = (product << 1) ^ (POLYNOMIAL & (product >> 31).wrapping_neg());
        carried ^ (a & (b >> bit & 1).wrapping_neg())
    })
}

/// base^exponent modulo the polynomial.
fn power(base: u32, exponent: u32) -> u32 {
    let mut result = 1;
    let mut square = base;
    let mut rest = exponent;
    while rest > 0 {
        if rest & 1 == 1 {
            result = multiply(result, square);
        }
        square = multiply(square, square);
        rest >>= 1;
    }
    result
}

/// a^−1 modulo a prime, as a^(prime − 2).
fn inverse(a: u32, prime: u32) -> u32 {
    let (a, modulus) = (u64::from(a % prime), u64::from(prime));
    (0..prime - 2).fold(1, |inverse, _| inverse * a % modulus) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crc::{combine, crc32};

    fn noise(len: usize, seed: u64) -> Vec<u8> {
        let mut state = seed;
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .take(len)
        .collect()
    }

    #[test]
    fn logarithms_undo_powers() {
        for exponent in (0..ORDER).step_by(2_000_003).chain(0..300).chain(ORDER - 300..ORDER) {
            assert_eq!(logarithm(power(X, exponent)), Some(exponent));
        }
        assert_eq!(logarithm(0), None);
    }

    #[test]
    fn every_flip_in_the_covered_bytes_and_in_the_crc_is_located() {
        for len in [0, 1, 2, 5, 31, 256] {
            let mut bytes = noise(len, len as u64);
            let stored = crc32(&bytes);
            for byte in 0..len {
                for bit in 0..8 {
                    bytes[byte] ^= 1 << bit;
                    let place = Some(FlippedBit::Covered { byte: byte as u64, bit });
                    assert_eq!(locate(stored, crc32(&bytes), len as u64), place);
                    bytes[byte] ^= 1 << bit;
                }
            }
            for bit in 0..32 {
                assert_eq!(locate(stored ^ 1 << bit, stored, len as u64), Some(FlippedBit::Crc { bit }));
            }
        }
    }

    #[test]
    fn flips_of_several_kilobytes_are_located() {
        let mut bytes = noise(6000, 1);
        let stored = crc32(&bytes);
        for index in 0..1000 {
            let (byte, bit) = (index * 6, (index % 8) as u8);
            bytes[byte] ^= 1 << bit;
            assert_eq!(locate(stored, crc32(&bytes), 6000), Some(FlippedBit::Covered { byte: byte as u64, bit }));
            bytes[byte] ^= 1 << bit;
        }
    }

    #[test]
    fn other_damage_is_no_flip() {
        let bytes = noise(2000, 7);
        let stored = crc32(&bytes);
        assert_eq!(locate(stored, stored, 2000), None);
        let located = (0..2000 - 8).step_by(9).filter(|&start| {
            let mut damaged = bytes.clone();
            damaged[start..start + 8].iter_mut().for_each(|byte| *byte = !*byte);
            locate(stored, crc32(&damaged), 2000).is_some()
        });
        assert_eq!(located.count(), 0);
        assert_eq!(locate(0x1234_5678, 0, 0), None);
    }

    #[test]
    fn a_flip_far_before_the_end_is_located_up_to_the_last_unique_length() {
        let zeros = |len: u64| {
            // The CRC of zeros, doubled up.
            let (mut crc, mut part, mut part_len) = (0, crc32(&[0]), 1);
            let mut rest = len;
            while rest > 0 {
                if rest & 1 == 1 {
                    crc = combine(crc, part, part_len);
                }
                part = combine(part, part, part_len);
                part_len *= 2;
                rest >>= 1;
            }
            crc
        };
        for len in [70_000, 500_000_000, (1 << 29) - 5] {
            let intact = combine(crc32(&[0]), zeros(len - 1), len - 1);
            let flipped = combine(crc32(&[0x10]), zeros(len - 1), len - 1);
            assert_eq!(locate(intact, flipped, len), Some(FlippedBit::Covered { byte: 0, bit: 4 }), "{len}");
        }
        for len in [(1 << 29) - 4, 1 << 29, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(locate(1, 0, len), None, "{len}");
        }
    }

    #[test]
    fn chance_grows_with_the_covered_bytes() {
        assert_eq!(chance(0), 32.0 / 4_294_967_295.0);
        assert_eq!(chance(580), (8.0 * 580.0 + 32.0) / 4_294_967_295.0);
        assert_eq!(chance(u64::MAX), 1.0);
    }
}
