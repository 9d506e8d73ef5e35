//! What goes out beside JSON, whose shapes are the core's ([`h4mk::report`]): the text that says the same to people, JUnit,
//! SARIF, and baselines of findings. Numbers that text and JSON show come from one place.

pub mod advice;
pub mod audit;
pub mod baseline;
pub mod chunks;
pub mod damage;
pub mod diff;
pub mod explain;
pub mod info;
pub mod junit;
pub mod salvage;
pub mod sarif;
pub mod seek;
pub mod style;
pub mod summary;
pub mod verify;
pub mod xml;

/// `1 block`, `2 blocks`.
pub fn count(n: u64, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

/// `438 bytes`, `4.8 KiB (4946 bytes)`.
pub fn size(bytes: u64) -> String {
    if bytes < 1024 {
        return count(bytes, "byte");
    }
    format!("{} ({bytes} bytes)", short_size(bytes))
}

/// `438 B`, `4.8 KiB`: sizes have binary units wherever they are shown.
pub fn short_size(bytes: u64) -> String {
    humansize::format_size(bytes, humansize::BINARY.decimal_places(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_and_exact() {
        assert_eq!((size(0), size(1), size(999)), ("0 bytes".into(), "1 byte".into(), "999 bytes".into()));
        assert_eq!(size(4946), "4.8 KiB (4946 bytes)");
        assert!(size(u64::MAX).ends_with("(18446744073709551615 bytes)"));
    }
}
