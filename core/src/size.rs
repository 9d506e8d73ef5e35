//! Sizes and file offsets as they are typed.

/// Why a text isn't a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SizeError {
    /// No number, a fraction, or a unit that isn't one.
    #[error("not a size; write 4096, 0x1000, 10MB (millions) or 512KiB, 512K (1024s)")]
    Malformed,
    /// Past 2^64 − 1 bytes.
    #[error("too large for 64 bits")]
    TooLarge,
}

/// Reads a number of bytes: decimal, `0x…`, or decimal with a unit. `kB MB GB TB` count in thousands, `KiB MiB GiB TiB`
/// and the bare letters `K M G T` in 1024s, as GNU's tools do; case does not matter.
pub fn parse(text: &str) -> Result<u64, SizeError> {
    let text = text.trim();
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        if hex.is_empty() || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(SizeError::Malformed);
        }
        return u64::from_str_radix(hex, 16).map_err(|_| SizeError::TooLarge);
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(SizeError::Malformed);
    }
    let unit_bytes: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        _ => return Err(SizeError::Malformed),
    };
    let number: u64 = number.parse().map_err(|_| SizeError::TooLarge)?;
    number.checked_mul(unit_bytes).ok_or(SizeError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_are_exact() {
        for (text, bytes) in [
            ("123", 123),
            ("0x1F", 31),
            ("10MB", 10_000_000),
            ("512KiB", 524_288),
            ("512 kib", 524_288),
            ("1G", 1 << 30),
            ("1GB", 1_000_000_000),
            ("2T", 2 << 40),
            ("7b", 7),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "MB", "-1", "+1", "1.5MB", "10XB", "0x", "0x+1", "1 2", "10M5", "٣"] {
            assert_eq!(parse(text), Err(SizeError::Malformed), "{text}");
        }
        for text in ["18446744073709551616", "99999999T", "0x10000000000000000"] {
            assert_eq!(parse(text), Err(SizeError::TooLarge), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_number_of_bytes_reads_back(bytes: u64) {
            prop_assert_eq!(parse(&bytes.to_string()), Ok(bytes));
            prop_assert_eq!(parse(&format!("{bytes:#x}")), Ok(bytes));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            _ = parse(&text);
        }
    }
}
