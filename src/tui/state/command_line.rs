//! What is typed after `:`.

use crate::tui::command::Command;
use crate::tui::keymap;

/// A line that was understood.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Line {
    /// To this offset in the file.
    Offset(u64),
    /// To this offset in what Hex shows: a chunk, or a decoded block.
    Within(u64),
    /// To this block.
    Block(u64),
    /// To this part of the file, 0 to 100.
    Percent(f64),
    /// What a key would do.
    Command(Command),
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It looks like a number and is none.
    #[error("`{0}` isn't an offset (0x1f40, 8000, +0x20), a block (#30) or a percentage (50%)")]
    Number(String),
    /// No command has that name.
    #[error("no command is named `{0}`; Tab completes, ? lists them")]
    Name(String),
}

/// Reads a line: `0x…` or digits, the same after `+` for an offset in what Hex shows, `#block`, `n%`, or a command's name, which may be cut as long as it is the only one that
/// begins so.
pub fn parse(line: &str) -> Result<Line, LineError> {
    let line = line.trim();
    let number = || LineError::Number(line.to_owned());
    if let Some(hex) = line.strip_prefix("0x").or_else(|| line.strip_prefix("0X")) {
        let digits = hex.replace('_', "");
        let is_hex = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
        return is_hex.then(|| u64::from_str_radix(&digits, 16).ok()).flatten().map(Line::Offset).ok_or_else(number);
    }
    if let Some(within) = line.strip_prefix('+') {
        return match parse(within) {
            Ok(Line::Offset(offset)) if !within.starts_with([' ', '+']) => Ok(Line::Within(offset)),
            _ => Err(number()),
        };
    }
    if let Some(block) = line.strip_prefix('#') {
        return digits(block).map(Line::Block).ok_or_else(number);
    }
    if let Some(percent) = line.strip_suffix('%') {
        let value = percent.trim().parse::<f64>().ok().filter(|p| (0.0..=100.0).contains(p));
        return value.map(Line::Percent).ok_or_else(number);
    }
    if line.starts_with(|c: char| c.is_ascii_digit()) {
        return digits(line).map(Line::Offset).ok_or_else(number);
    }
    let mut named = keymap::command_names().filter(|(name, _)| name.starts_with(line));
    let exact = keymap::command_names().find(|(name, _)| *name == line);
    match (exact, named.next(), named.next()) {
        (Some((_, command)), ..) | (None, Some((_, command)), None) if !line.is_empty() => Ok(Line::Command(command)),
        _ => Err(LineError::Name(line.to_owned())),
    }
}

fn digits(text: &str) -> Option<u64> {
    let digits = text.trim().replace('_', "");
    (digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok()).flatten()
}

/// The longest text that all command names beginning so have in common; `None` when there is nothing to add.
pub fn complete(start: &str) -> Option<String> {
    let mut names = keymap::command_names().map(|(name, _)| name).filter(|name| name.starts_with(start));
    let first = names.next()?;
    let common = names.fold(first.len(), |len, name| {
        let same = name.bytes().zip(first.bytes()).take_while(|(a, b)| a == b).count();
        len.min(same)
    });
    first.get(..common).filter(|c| c.len() > start.len()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_blocks_percent_and_names() {
        assert_eq!(parse("0x1f_40"), Ok(Line::Offset(0x1f40)));
        assert_eq!(parse(" 8000 "), Ok(Line::Offset(8000)));
        assert_eq!((parse("+0x10"), parse("+16")), (Ok(Line::Within(16)), Ok(Line::Within(16))));
        assert_eq!(parse("#30"), Ok(Line::Block(30)));
        assert_eq!(parse("12.5%"), Ok(Line::Percent(12.5)));
        assert_eq!(parse("audit"), Ok(Line::Command(Command::Audit)));
        assert_eq!(parse("aud"), Ok(Line::Command(Command::Audit)));
        for bad in ["0x", "0x+1", "+", "++1", "+#3", "#", "#-1", "101%", "NaN%", "12x", "99999999999999999999"] {
            assert!(matches!(parse(bad), Err(LineError::Number(_))), "{bad}");
        }
        for bad in ["", "f", "frobnicate"] {
            assert!(matches!(parse(bad), Err(LineError::Name(_))), "{bad}");
        }
    }

    #[test]
    fn names_are_completed_as_far_as_they_are_certain() {
        assert_eq!(complete("ver").as_deref(), Some("verify"));
        assert_eq!(complete("verify"), None);
        assert_eq!(complete("zz"), None);
    }

    proptest! {
        #[test]
        fn any_line_is_read_or_refused(line in any::<String>()) {
            _ = parse(&line);
            _ = complete(&line);
        }
    }
}
