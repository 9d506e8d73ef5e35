//! Bit rates.

use std::ops::Range;

use h4mk::explore::chart::Lane;

/// Bits a second of these blocks: their stored bytes over the time from the first of them to the one after the last.
pub(super) fn rate(lane: &Lane, places: &Range<u64>) -> u64 {
    let first = lane.position(places.start);
    let end = lane.position(places.end).or_else(|| Some(lane.span(places.end.checked_sub(1)?)?.end));
    let Some((first, end)) = first.zip(end).filter(|_| !places.is_empty()) else { return 0 };
    let bits = u128::from(lane.bytes(places)) * 8 * 1_000_000;
    u64::try_from(bits / u128::from(end.saturating_sub(first).max(1))).unwrap_or(u64::MAX)
}

/// Bits a second for people, in at most 11 columns up to 1000 Tbit/s.
pub(super) fn rate_text(bits: u64) -> String {
    let (mut value, mut unit) = (bits as f64, "bit/s");
    for larger in ["kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"] {
        if value < 1000.0 {
            break;
        }
        (value, unit) = (value / 1000.0, larger);
    }
    match value {
        _ if bits < 1000 => format!("{bits} {unit}"),
        0.0..100.0 => format!("{value:.1} {unit}"),
        _ => format!("{value:.0} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_units() {
        let rates = [0, 999, 1000, 12_345_678, 123_456_789_000].map(rate_text);
        assert_eq!(rates, ["0 bit/s", "999 bit/s", "1.0 kbit/s", "12.3 Mbit/s", "123 Gbit/s"]);
    }
}
