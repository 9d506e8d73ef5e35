//! The ways a point of a timeline is written by people, and timestamps written back for them.

use std::fmt::Write;

/// What every refusal ends with: all forms a [`Time`] can have.
pub const TIME_FORMS: &str = "1500000 or 1500000us, 1500ms, 1.5s, 00:01:02.500, 50%, #30 for a block";

const US_PER_MS: u64 = 1_000;
const US_PER_S: u64 = 1_000_000;
const S_PER_MIN: u64 = 60;
const S_PER_H: u64 = 3_600;
const S_PER_DAY: u64 = 86_400;

/// A point of a timeline as a user names it. The last two need a timeline to become microseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Time {
    /// A timestamp in µs.
    Us(u64),
    /// A share of the duration, 0…100, from the start of the content.
    Percent(f64),
    /// The presentation time of the block with this index.
    Block(u64),
}

/// Why a text is no [`Time`]; each message lists the forms that are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// Nothing but blanks.
    #[error("an empty time; write {TIME_FORMS}")]
    Empty,
    /// Timelines start at 0.
    #[error("a time can't be negative; write {TIME_FORMS}")]
    Negative,
    /// A fraction where the unit is whole: `1.5` could mean seconds or microseconds.
    #[error("a time without a unit, or in us, must be a whole number of microseconds; write {TIME_FORMS}")]
    FractionOfUs,
    /// Minutes or seconds of 60 or more behind a colon.
    #[error("minutes and seconds after a colon go up to 59; write {TIME_FORMS}")]
    ClockField,
    /// More than 100 %.
    #[error("a percentage is from 0% to 100%; write {TIME_FORMS}")]
    PercentRange,
    /// Past 2^64 − 1 microseconds or blocks.
    #[error("the time is beyond the largest possible one, {last} us; write {TIME_FORMS}", last = u64::MAX)]
    TooLarge,
    /// None of the forms.
    #[error("not a time; write {TIME_FORMS}")]
    Malformed,
}

impl Time {
    /// Reads one of the forms in [`TIME_FORMS`] (`mm:ss` is one too; the leading field of a clock may be any number).
    /// Decimal arithmetic is exact; digits below a microsecond are dropped, since a lookup asks for what is at or
    /// before the time.
    ///
    /// ```
    /// use h4mk::time::Time;
    /// assert_eq!(Time::parse("1.5s"), Ok(Time::Us(1_500_000)));
    /// assert_eq!(Time::parse("00:01:02.500"), Ok(Time::Us(62_500_000)));
    /// assert_eq!(Time::parse("#30"), Ok(Time::Block(30)));
    /// ```
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TimeError::Empty);
        }
        if let Some(rest) = text.strip_prefix(['-', '−']) {
            return Err(if rest.starts_with(|c: char| c.is_ascii_digit()) {
                TimeError::Negative
            } else {
                TimeError::Malformed
            });
        }
        if let Some(index) = text.strip_prefix('#') {
            return whole(index).map(Self::Block);
        }
        if let Some(share) = text.strip_suffix('%') {
            return percent(share).map(Self::Percent);
        }
        if text.contains(':') {
            return clock_us(text).map(Self::Us);
        }
        let us = if let Some(number) = text.strip_suffix("ms") {
            decimal(number, US_PER_MS)
        } else if let Some(number) = text.strip_suffix("us") {
            whole_us(number)
        } else if let Some(number) = text.strip_suffix('s') {
            decimal(number, US_PER_S)
        } else {
            whole_us(text)
        };
        us.map(Self::Us)
    }
}

impl std::str::FromStr for Time {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        Self::parse(text)
    }
}

/// A number of digits only.
fn whole(digits: &str) -> Result<u64, TimeError> {
    if !is_digits(digits) {
        return Err(TimeError::Malformed);
    }
    digits.parse().map_err(|_| TimeError::TooLarge)
}

fn whole_us(text: &str) -> Result<u64, TimeError> {
    match text.split_once('.') {
        Some((whole, fraction)) if is_digits(whole) && is_digits(fraction) => Err(TimeError::FractionOfUs),
        _ => whole(text),
    }
}

/// `digits[.digits]` of a unit that is `unit_us` (a power of ten) microseconds long, in microseconds.
fn decimal(text: &str, unit_us: u64) -> Result<u64, TimeError> {
    let (integer, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if !is_digits(fraction) {
        return Err(TimeError::Malformed);
    }
    let (mut below, mut place) = (0, unit_us);
    for digit in fraction.bytes() {
        place /= 10;
        below += u64::from(digit - b'0') * place;
    }
    let above = whole(integer)?.checked_mul(unit_us);
    above.and_then(|us| us.checked_add(below)).ok_or(TimeError::TooLarge)
}

fn percent(text: &str) -> Result<f64, TimeError> {
    if !text.split('.').all(is_digits) {
        return Err(TimeError::Malformed);
    }
    let share: f64 = text.parse().map_err(|_| TimeError::Malformed)?;
    if share > 100.0 { Err(TimeError::PercentRange) } else { Ok(share) }
}

/// `[hours:]minutes:seconds[.fraction]` in microseconds.
fn clock_us(text: &str) -> Result<u64, TimeError> {
    let mut fields = text.rsplitn(3, ':');
    let (seconds, minutes, hours) = (fields.next(), fields.next(), fields.next());
    let seconds_us = decimal(seconds.unwrap_or_default(), US_PER_S)?;
    let minutes = whole(minutes.unwrap_or_default())?;
    let hours = hours.map(whole).transpose()?;
    if seconds_us >= S_PER_MIN * US_PER_S || (hours.is_some() && minutes >= 60) {
        return Err(TimeError::ClockField);
    }
    let minutes = hours.unwrap_or(0).checked_mul(60).and_then(|of_hours| of_hours.checked_add(minutes));
    let us = minutes.and_then(|minutes| minutes.checked_mul(S_PER_MIN * US_PER_S));
    us.and_then(|us| us.checked_add(seconds_us)).ok_or(TimeError::TooLarge)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// `hh:mm:ss.ffffff`, exact; hours take as many digits as they need. [`Time::parse`] reads it back.
pub fn format_us(us: u64) -> String {
    let (s, fraction) = (us / US_PER_S, us % US_PER_S);
    format!("{:02}:{:02}:{:02}.{fraction:06}", s / S_PER_H, s / S_PER_MIN % 60, s % S_PER_MIN)
}

/// A duration for people, exact: `417 us`, `33.333 ms`, `10.5 s`, `1 min 19.999 s`, `1 h 02 min`, `3 d 04 h 00 min 07 s`.
/// Units that are 0 at its end are left out, and nothing is rounded or dropped.
pub fn format_duration(us: u64) -> String {
    let s = us / US_PER_S;
    if us < US_PER_MS {
        return format!("{us} us");
    }
    if s == 0 {
        return format!("{} ms", decimal_text(us, US_PER_MS));
    }
    let units = [(s / S_PER_DAY, "d"), (s / S_PER_H % 24, "h"), (s / S_PER_MIN % 60, "min")];
    let mut text = String::new();
    for (at, (n, unit)) in units.into_iter().enumerate() {
        let rest_us = [S_PER_DAY, S_PER_H, S_PER_MIN].get(at).map_or(0, |unit_s| us % (unit_s * US_PER_S));
        match (text.is_empty(), n) {
            (true, 0) => continue,
            (true, _) => _ = write!(text, "{n} {unit}"),
            (false, _) => _ = write!(text, " {n:02} {unit}"),
        }
        if rest_us == 0 {
            return text;
        }
    }
    let seconds = decimal_text(us % (S_PER_MIN * US_PER_S), US_PER_S);
    match text.is_empty() {
        true => format!("{seconds} s"),
        false => format!("{text} {}{seconds} s", if s % S_PER_MIN < 10 { "0" } else { "" }),
    }
}

/// `n` as a decimal number of a unit that is `unit` (a power of ten) of it, without trailing zeros.
fn decimal_text(n: u64, unit: u64) -> String {
    let mut text = (n / unit).to_string();
    let width = unit.ilog10() as usize;
    let fraction = format!("{:0width$}", n % unit);
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        _ = write!(text, ".{fraction}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_form_is_read() {
        for (text, time) in [
            ("0", Time::Us(0)),
            ("1500000", Time::Us(1_500_000)),
            ("1500000us", Time::Us(1_500_000)),
            ("1500ms", Time::Us(1_500_000)),
            ("1.5s", Time::Us(1_500_000)),
            (" 0.25ms ", Time::Us(250)),
            ("00:01:02.500", Time::Us(62_500_000)),
            ("90:07", Time::Us(5_407_000_000)),
            ("100:00:00", Time::Us(360_000_000_000)),
            ("50%", Time::Percent(50.0)),
            ("33.25%", Time::Percent(33.25)),
            ("100%", Time::Percent(100.0)),
            ("#30", Time::Block(30)),
            ("18446744073709551615", Time::Us(u64::MAX)),
        ] {
            assert_eq!(Time::parse(text), Ok(time), "{text}");
        }
    }

    #[test]
    fn decimals_are_exact_and_cut_below_a_microsecond() {
        assert_eq!(Time::parse("0.1s"), Ok(Time::Us(100_000)));
        assert_eq!(Time::parse("0.033333s"), Ok(Time::Us(33_333)));
        assert_eq!(Time::parse("1.4999999999s"), Ok(Time::Us(1_499_999)));
        assert_eq!(Time::parse("18446744073709.551615s"), Ok(Time::Us(u64::MAX)));
        assert_eq!(Time::parse("18446744073709551.6159ms"), Ok(Time::Us(u64::MAX)));
        assert_eq!(Time::parse("18446744073709.551616s"), Err(TimeError::TooLarge));
    }

    #[test]
    fn what_is_no_time_is_refused_for_its_reason() {
        for (text, error) in [
            ("", TimeError::Empty),
            ("  ", TimeError::Empty),
            ("-5", TimeError::Negative),
            ("-1.5s", TimeError::Negative),
            ("1.5", TimeError::FractionOfUs),
            ("1.5us", TimeError::FractionOfUs),
            ("1:75", TimeError::ClockField),
            ("1:60:00", TimeError::ClockField),
            ("100.1%", TimeError::PercentRange),
            ("18446744073709551616", TimeError::TooLarge),
            ("99999999999999999999s", TimeError::TooLarge),
            ("9999999999999999999:00:00", TimeError::TooLarge),
            ("#18446744073709551616", TimeError::TooLarge),
            ("later", TimeError::Malformed),
            ("s", TimeError::Malformed),
            ("1.s", TimeError::Malformed),
            (".5s", TimeError::Malformed),
            ("+1s", TimeError::Malformed),
            ("1e3s", TimeError::Malformed),
            ("1.2.3s", TimeError::Malformed),
            ("1:2:3:4", TimeError::Malformed),
            (":30", TimeError::Malformed),
            ("1:", TimeError::Malformed),
            ("#", TimeError::Malformed),
            ("#-1", TimeError::Malformed),
            ("%", TimeError::Malformed),
            ("nan%", TimeError::Malformed),
            ("--5", TimeError::Malformed),
            ("٣", TimeError::Malformed),
        ] {
            assert_eq!(Time::parse(text), Err(error), "{text}");
            assert!(error.to_string().ends_with(TIME_FORMS));
        }
    }

    #[test]
    fn timestamps_and_durations_are_written_for_people() {
        assert_eq!(format_us(62_500_000), "00:01:02.500000");
        assert_eq!(format_us(u64::MAX), "5124095576:01:49.551615");
        for (us, text) in [
            (0, "0 us"),
            (417, "417 us"),
            (33_333, "33.333 ms"),
            (40_000, "40 ms"),
            (999_999, "999.999 ms"),
            (1_000_000, "1 s"),
            (10_500_999, "10.500999 s"),
            (59_999_999, "59.999999 s"),
            (60_000_000, "1 min"),
            (79_999_000, "1 min 19.999 s"),
            (125_000_000, "2 min 05 s"),
            (120_000_001, "2 min 00.000001 s"),
            (3_600_000_000, "1 h"),
            (3_660_000_000, "1 h 01 min"),
            (3_725_000_000, "1 h 02 min 05 s"),
            (273_600_000_000, "3 d 04 h"),
            (259_205_000_000, "3 d 00 h 00 min 05 s"),
            (u64::MAX, "213503982 d 08 h 01 min 49.551615 s"),
        ] {
            assert_eq!(format_duration(us), text);
        }
    }

    proptest! {
        #[test]
        fn a_written_timestamp_reads_back(us: u64) {
            prop_assert_eq!(Time::parse(&format_us(us)), Ok(Time::Us(us)));
            prop_assert_eq!(Time::parse(&us.to_string()), Ok(Time::Us(us)));
            let in_seconds = format!("{}.{:06}s", us / 1_000_000, us % 1_000_000);
            prop_assert_eq!(Time::parse(&in_seconds), Ok(Time::Us(us)));
        }

        #[test]
        fn a_duration_says_all_of_it(us: u64, short in 0u64..200_000_000_000) {
            for us in [us, short] {
                let text = format_duration(us);
                let mut parts = text.split(' ');
                let mut said = 0u64;
                while let (Some(number), Some(unit)) = (parts.next(), parts.next()) {
                    let unit_us = match unit {
                        "us" => 1,
                        "ms" => US_PER_MS,
                        "s" => US_PER_S,
                        "min" => S_PER_MIN * US_PER_S,
                        "h" => S_PER_H * US_PER_S,
                        _ => S_PER_DAY * US_PER_S,
                    };
                    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
                    let below: u64 = format!("{fraction:0<6}").parse().unwrap();
                    said += whole.parse::<u64>().unwrap() * unit_us + below * unit_us / 1_000_000;
                }
                prop_assert_eq!(said, us, "{}", text);
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC*|[0-9:.#%smu-]{0,30}") {
            _ = Time::parse(&text);
        }
    }
}
