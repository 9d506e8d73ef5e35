//! Text for XML, which allows fewer characters than Unicode has.

use std::borrow::Cow;

use h4mk::text::push_escaped;

/// The text with the characters that XML 1.0 does not allow shown escaped. Markup is left to who writes the XML.
pub fn allowed(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_allowed) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_allowed(c) { out.push(c) } else { push_escaped(&mut out, c) }
    }
    Cow::Owned(out)
}

/// XML 1.0's production Char.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_is_allowed_afterwards() {
        for c in '\0'..=char::MAX {
            let text = c.to_string();
            let shown = allowed(&text);
            assert!(shown.chars().all(is_allowed), "{:x}", c as u32);
            assert_eq!(shown == text, is_allowed(c), "{:x}", c as u32);
        }
        assert_eq!(allowed("a\u{fffe}\u{ffff}\u{1}\n\u{1fffe}"), "a\\u{fffe}\\u{ffff}\\x01\n\u{1fffe}");
    }
}
