//! Keys in memory: wiped when dropped, never printed, and errors that don't repeat them.

use std::fmt;
use std::io::{self, Read};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// A key that someone gave. `Debug` shows nothing of it, not even its length.
pub struct Secret(Zeroizing<Vec<u8>>);

/// Bytes of a SHA-256.
const HASH_LEN: usize = 32;

/// The longest key, in bytes. Longer text is refused and never cut: a key that is cut is another key.
pub const MAX_KEY_BYTES: usize = 2048;

/// Why a text isn't a key. None of these repeats a character of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// Nothing but white space.
    #[error("the key is empty")]
    Empty,
    /// The position is in characters from 1, white space around the key not counted.
    #[error("character {position} of the key is not a hexadecimal digit")]
    NotHex {
        /// Where it stands.
        position: usize,
    },
    /// Half a byte is missing or too much.
    #[error("the key has {digits} hexadecimal digits, which is an odd number")]
    OddLength {
        /// How many.
        digits: usize,
    },
    /// Longer than [`MAX_KEY_BYTES`].
    #[error("the key is longer than {MAX_KEY_BYTES} bytes, which is {} hexadecimal digits", MAX_KEY_BYTES * 2)]
    TooLong,
    /// A key, but not for this.
    #[error("the key has {bytes} bytes, expected {wanted}")]
    WrongLength {
        /// How many it has.
        bytes: usize,
        /// How many it should have.
        wanted: &'static str,
    },
}

impl Secret {
    /// A key as hexadecimal digits of either case; white space around them does not count.
    pub fn from_hex(text: &str) -> Result<Self, SecretError> {
        Self::from_digits(text.as_bytes())
    }

    /// The contents of a key file, which are as in [`from_hex`](Self::from_hex). They are wiped.
    pub fn from_file(contents: Vec<u8>) -> Result<Self, SecretError> {
        Self::from_digits(&Zeroizing::new(contents))
    }

    /// Reads a key file to its end. What is much longer than a key is refused before it is read whole: it may be a device
    /// that never ends.
    pub fn read(file: impl Read) -> io::Result<Result<Self, SecretError>> {
        // Digits, and as much white space. One allocation: a vector that grows leaves copies behind.
        const MOST: usize = MAX_KEY_BYTES * 4;
        let mut contents = Zeroizing::new(Vec::with_capacity(MOST + 1));
        let mut buffer = Zeroizing::new([0; 512]);
        let mut file = file.take(MOST as u64 + 1);
        loop {
            match file.read(buffer.as_mut_slice()) {
                Ok(0) => break,
                Ok(len) => contents.extend_from_slice(buffer.get(..len).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(if contents.len() > MOST { Err(SecretError::TooLong) } else { Self::from_digits(&contents) })
    }

    fn from_digits(text: &[u8]) -> Result<Self, SecretError> {
        let digits = text.trim_ascii();
        if digits.is_empty() {
            return Err(SecretError::Empty);
        }
        if let Some(index) = digits.iter().position(|digit| !digit.is_ascii_hexdigit()) {
            return Err(SecretError::NotHex { position: index + 1 });
        }
        let (pairs, []) = digits.as_chunks::<2>() else {
            return Err(SecretError::OddLength { digits: digits.len() });
        };
        if pairs.len() > MAX_KEY_BYTES {
            return Err(SecretError::TooLong);
        }
        let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or(0) as u8;
        let mut bytes = Zeroizing::new(Vec::with_capacity(pairs.len()));
        bytes.extend(pairs.iter().map(|&[high, low]| value(high) << 4 | value(low)));
        Ok(Self(bytes))
    }

    /// The key's bytes, which nothing should keep a copy of.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// HKDF-SHA256 (RFC 5869) without salt, for at most 32 bytes; `info` in parts.
#[cfg(feature = "cipher")]
pub(crate) fn derive<const LEN: usize>(key: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; LEN]> {
    expand(&extract(key), info)
}

/// A key from which others are derived.
pub(crate) type Derivation = Hmac<Sha256>;

/// HKDF's first half, for deriving more than once from one key.
pub(crate) fn extract(key: &[u8]) -> Derivation {
    let mut pseudorandom_key = keyed(&[0; HASH_LEN]).chain_update(key).finalize().into_bytes();
    let derivation = keyed(&pseudorandom_key);
    pseudorandom_key.as_mut_slice().zeroize();
    derivation
}

/// HKDF's second half. What is no longer than a hash is one HMAC of `info` and the number 1.
pub(crate) fn expand<const LEN: usize>(derivation: &Derivation, info: &[&[u8]]) -> Zeroizing<[u8; LEN]> {
    const { assert!(LEN <= HASH_LEN, "more than one HMAC gives") };
    let mac = info.iter().fold(derivation.clone(), |mac, part| mac.chain_update(part));
    let mut hash = mac.chain_update([1]).finalize().into_bytes();
    let mut derived = Zeroizing::new([0; LEN]);
    derived.iter_mut().zip(&hash).for_each(|(to, from)| *to = *from);
    hash.as_mut_slice().zeroize();
    derived
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    match Hmac::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes keys of any length"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_make_a_key() {
        assert_eq!(Secret::from_hex(" 00fFa5\n").unwrap().expose(), [0x00, 0xff, 0xa5]);
        assert_eq!(Secret::from_file(b"\r\n0102\r\n".to_vec()).unwrap().expose(), [1, 2]);
    }

    #[test]
    fn what_is_no_key_is_said_without_repeating_it() {
        let error = |text: &str| Secret::from_hex(text).unwrap_err();
        assert_eq!(error(" \n"), SecretError::Empty);
        assert_eq!(error("abc"), SecretError::OddLength { digits: 3 });
        assert_eq!(error("  12zz"), SecretError::NotHex { position: 3 });
        assert_eq!(error("12 34"), SecretError::NotHex { position: 3 });
        assert_eq!(error("pässword").to_string(), "character 1 of the key is not a hexadecimal digit");
        assert_eq!(Secret::from_file(vec![0xff, 0x30]).unwrap_err(), SecretError::NotHex { position: 1 });
    }

    #[test]
    fn a_key_is_read_whole_or_refused() {
        let read = |text: &str| Secret::read(text.as_bytes()).unwrap();
        for bytes in [1, 255, 256, 257, 1024, MAX_KEY_BYTES] {
            let text = "5a".repeat(bytes);
            assert_eq!(read(&format!(" \n{text}\r\n")).unwrap().expose(), vec![0x5a; bytes]);
            assert_eq!(Secret::from_hex(&text).unwrap().expose().len(), bytes);
        }
        for bytes in [MAX_KEY_BYTES + 1, MAX_KEY_BYTES * 2, MAX_KEY_BYTES * 3, 100_000] {
            let text = "5a".repeat(bytes);
            assert_eq!(Secret::from_hex(&text).unwrap_err(), SecretError::TooLong);
            assert_eq!(read(&text).unwrap_err(), SecretError::TooLong);
        }
        assert_eq!(Secret::read(std::io::repeat(b'0')).unwrap().unwrap_err(), SecretError::TooLong);
        assert_eq!(read(&format!("12{}", " ".repeat(MAX_KEY_BYTES * 4))).unwrap_err(), SecretError::TooLong);
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::from_hex("c0ffee").unwrap()), "Secret(…)");
    }

    #[test]
    fn derivation_is_rfc_5869() {
        // Test case 3: no salt, no info. What is shorter is the beginning.
        let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d";
        let expected = Secret::from_hex(expected).unwrap();
        let derivation = extract(&[0x0b; 22]);
        assert_eq!(expand::<32>(&derivation, &[]).as_slice(), expected.expose());
        assert_eq!(expand::<12>(&derivation, &[]).as_slice(), &expected.expose()[..12]);
        // Info in parts is one.
        let parts = expand::<32>(&derivation, &[b"mask", b"", b"|1"]);
        assert_eq!(parts, expand::<32>(&derivation, &[b"mask|1"]));
        assert_ne!(parts, expand::<32>(&derivation, &[b"mask|2"]));
    }
}
