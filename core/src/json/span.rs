//! Where in a payload a field of a JSON document stands. A [`Value`](serde_json::Value) forgets that; here the text is
//! scanned again along a JSON Pointer, past everything else without building it.

use std::ops::Range;

/// The bytes of a field, as offsets in the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The key with its quotes; `None` for an element of an array and for the document itself.
    pub key: Option<Range<u64>>,
    /// The value.
    pub value: Range<u64>,
}

impl Span {
    /// The field whole: from the key, where it has one, to the end of the value.
    pub fn whole(&self) -> Range<u64> {
        self.key.as_ref().map_or(self.value.start, |key| key.start)..self.value.end
    }
}

/// Where the field of a JSON Pointer stands; of a key that occurs more than once, the last one, which counts. `None`
/// where the text is not JSON up to there, or has no such field. A byte order mark before the text is passed over.
pub fn find(payload: &[u8], pointer: &str) -> Option<Span> {
    let mut scanner = Scanner { text: payload, at: if payload.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 } };
    scanner.blank();
    let mut span = Span { key: None, value: scanner.value()? };
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        scanner.at = usize::try_from(span.value.start).ok()?;
        span = match scanner.peek()? {
            b'{' => scanner.field(&token)?,
            b'[' => scanner.element(token.parse().ok()?)?,
            _ => return None,
        };
    }
    Some(span)
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Passes over a string.
    fn string(&mut self) -> Option<Range<u64>> {
        let start = self.at;
        if !self.take(b'"') {
            return None;
        }
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(start as u64..self.at as u64)
    }

    /// Passes over a value of any depth, without recursion.
    fn value(&mut self) -> Option<Range<u64>> {
        let start = self.at;
        let mut depth = 0usize;
        loop {
            match self.peek()? {
                b'"' => _ = self.string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' if depth > 0 => self.at += 1,
                b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' => return None,
                _ => {
                    let is_bare = |b: u8| !matches!(b, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' | b'}' | b']');
                    while self.peek().is_some_and(is_bare) {
                        self.at += 1;
                    }
                }
            }
            if depth == 0 {
                return Some(start as u64..self.at as u64);
            }
        }
    }

    /// The last field of that name in the object at hand.
    fn field(&mut self, name: &str) -> Option<Span> {
        let mut found = None;
        self.at += 1;
        loop {
            self.blank();
            if self.take(b'}') {
                return found;
            }
            let key = self.string()?;
            let raw = crate::bytes::slice(self.text, key.start, key.end - key.start)?;
            let is_it = super::string(raw).is_some_and(|key| key == name);
            self.blank();
            if !self.take(b':') {
                return None;
            }
            self.blank();
            let value = self.value()?;
            if is_it {
                found = Some(Span { key: Some(key), value });
            }
            self.blank();
            self.take(b',');
        }
    }

    /// The element at that place of the array at hand.
    fn element(&mut self, place: u64) -> Option<Span> {
        self.at += 1;
        for at in 0.. {
            self.blank();
            if self.take(b']') {
                return None;
            }
            let value = self.value()?;
            if at == place {
                return Some(Span { key: None, value });
            }
            self.blank();
            self.take(b',');
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn text<'a>(payload: &'a [u8], range: &Range<u64>) -> &'a str {
        std::str::from_utf8(&payload[range.start as usize..range.end as usize]).unwrap()
    }

    #[test]
    fn fields_are_found_where_they_stand() {
        let payload = br#" {"a" : [1, {"b/c": "x\"}", "d": -1.5e3}, []], "gop":30, "gop" : 15 }"#;
        let at = |pointer: &str| find(payload, pointer).map(|span| text(payload, &span.whole()).to_owned());
        assert_eq!(at("/a/0").as_deref(), Some("1"));
        assert_eq!(at("/a/1/b~1c").as_deref(), Some(r#""b/c": "x\"}""#));
        assert_eq!(at("/a/1/d").as_deref(), Some(r#""d": -1.5e3"#));
        assert_eq!(at("/gop").as_deref(), Some(r#""gop" : 15"#), "the last one counts");
        assert_eq!(at("").unwrap().len(), payload.len() - 1);
        assert_eq!((at("/a/3"), at("/a/x"), at("/none"), at("/gop/0")), (None, None, None, None));
        assert_eq!(find(b"\xef\xbb\xbf{\"k\":1}", "/k").unwrap().value, 8..9);
        assert_eq!(find(br#"{"\ud800":1}"#, r"/\ud800").unwrap().value, 10..11);
    }

    fn check(payload: &[u8], value: &Value, pointer: &str) {
        let span = find(payload, pointer).unwrap_or_else(|| panic!("{pointer}"));
        assert_eq!(&serde_json::from_str::<Value>(text(payload, &span.value)).unwrap(), value);
        match value {
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(at, item)| check(payload, item, &format!("{pointer}/{at}")));
            }
            Value::Object(fields) => fields.iter().for_each(|(key, field)| {
                check(payload, field, &format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")));
            }),
            _ => {}
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec(("[a-c/~\"\\\\é]{0,3}", inner), 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect()))
            ]
        })
    }

    proptest! {
        #[test]
        fn every_field_of_any_document_is_found(value in value(), pretty in any::<bool>()) {
            let payload = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) };
            check(&payload.unwrap(), &value, "");
        }

        #[test]
        fn any_bytes_are_scanned(payload in "[\\[\\]{}:,\"a0 \\\\]{0,60}", pointer in "(/[a0~]{0,2}){0,3}") {
            if let Some(span) = find(payload.as_bytes(), &pointer) {
                prop_assert!(span.whole().end <= payload.len() as u64);
            }
        }
    }
}
