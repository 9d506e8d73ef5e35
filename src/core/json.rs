//! JSON payloads, read with everything a plain parser keeps quiet about: duplicate keys, a byte order mark, the byte
//! where it breaks off.

use std::cell::Cell;
use std::fmt;
use std::ops::Range;

use serde_json::{Map, Number, Value};

/// A JSON payload and what is wrong with it.
#[derive(Debug, Clone, Default)]
pub struct Document {
    /// The value, where it could be parsed.
    pub value: Option<Value>,
    /// Why it could not.
    pub error: Option<JsonError>,
    /// JSON Pointers of keys that occur more than once in their object. The last one counts.
    pub duplicates: Vec<String>,
    /// It begins with a byte order mark.
    pub bom: bool,
}

/// Where and why parsing stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at byte {offset}")]
pub struct JsonError {
    /// Offset in the payload.
    pub offset: u64,
    /// What the parser says, without its line and column.
    pub message: String,
    /// Nested deeper (128 levels) or of more values than is read: no fault of the text.
    pub beyond_limit: bool,
}

/// The byte order mark of UTF-8.
pub(crate) const BOM: &[u8] = b"\xef\xbb\xbf";
/// The one key of the map as which serde_json hands over a number with `arbitrary_precision`.
const NUMBER_KEY: &str = "$serde_json::private::Number";
/// The most values that are read of one payload. What a value takes in memory is many times its text; a text is not.
const MAX_VALUES: usize = 1 << 20;
/// How many duplicate keys are named, and how much of each path to one.
const MAX_DUPLICATES: usize = 1000;
const MAX_PATH: usize = 256;

impl Document {
    /// Parses a payload.
    pub fn parse(payload: &[u8]) -> Self {
        let text = payload.strip_prefix(BOM);
        let (bom, text) = (text.is_some(), text.unwrap_or(payload));
        let mut duplicates = Vec::new();
        let mut parser = serde_json::Deserializer::from_slice(text);
        let left = Cell::new(MAX_VALUES);
        let seed =
            Seed { text: text.as_ptr_range(), path: &mut String::new(), duplicates: &mut duplicates, left: &left };
        let parsed = serde::de::DeserializeSeed::deserialize(seed, &mut parser).and_then(|v| parser.end().map(|()| v));
        let (value, error) = match parsed {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(JsonError::new(&error, text, if bom { BOM.len() } else { 0 }))),
        };
        Self { value, error, duplicates, bom }
    }

    /// The value as an object.
    pub fn object(&self) -> Option<&Map<String, Value>> {
        self.value.as_ref()?.as_object()
    }
}

impl JsonError {
    fn new(error: &serde_json::Error, text: &[u8], before: usize) -> Self {
        let line_start = text
            .iter()
            .enumerate()
            .filter(|(_, b)| **b == b'\n')
            .map(|(at, _)| at + 1)
            .nth(error.line().saturating_sub(2))
            .filter(|_| error.line() > 1)
            .unwrap_or(0);
        let offset = (before + line_start + error.column().saturating_sub(1)) as u64;
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(said, _)| said);
        let (message, beyond_limit) = match message {
            TOO_MANY => (TOO_MANY, true),
            said if said.starts_with("recursion limit") => ("nested deeper than 128 levels, which is not read", true),
            said => (said, false),
        };
        Self { offset, message: super::text::escape(message).into_owned(), beyond_limit }
    }
}

const TOO_MANY: &str = "more values than the 1048576 that are read";

/// Builds a [`Value`] and notes duplicate keys on the way.
struct Seed<'a> {
    /// Where the text is in memory.
    text: Range<*const u8>,
    path: &'a mut String,
    duplicates: &'a mut Vec<String>,
    /// Values that may still be read.
    left: &'a Cell<usize>,
}

impl Seed<'_> {
    fn inside(&mut self, key: &str) -> (usize, Seed<'_>) {
        let before = self.path.len();
        if before < MAX_PATH {
            self.path.push('/');
            self.path.extend(key.chars().take(MAX_PATH).flat_map(|c| match c {
                '~' => ['~', '0'].into_iter().take(2),
                '/' => ['~', '1'].into_iter().take(2),
                c => [c, c].into_iter().take(1),
            }));
        }
        let seed = Seed { text: self.text.clone(), path: self.path, duplicates: self.duplicates, left: self.left };
        (before, seed)
    }
}

impl<'de> serde::de::DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.left.set(self.left.get().checked_sub(1).ok_or_else(|| serde::de::Error::custom(TOO_MANY))?);
        deserializer.deserialize_any(self)
    }
}

/// A key, and whether it is not in the text but the parser's own.
struct Key {
    name: String,
    is_number: bool,
}

/// Reads a [`Key`]; holds where the text is in memory.
struct KeySeed(Range<*const u8>);

impl<'de> serde::de::DeserializeSeed<'de> for KeySeed {
    type Value = Key;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> serde::de::Visitor<'de> for KeySeed {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Key, E> {
        let is_number = name == NUMBER_KEY && !self.0.contains(&name.as_ptr());
        Ok(Key { name: name.to_owned(), is_number })
    }

    fn visit_str<E>(self, name: &str) -> Result<Key, E> {
        Ok(Key { name: name.to_owned(), is_number: false })
    }
}

impl<'de> serde::de::Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        loop {
            let (before, seed) = self.inside(&array.len().to_string());
            let Some(item) = items.next_element_seed(seed)? else { break };
            self.path.truncate(before);
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(mut self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(Key { name: key, is_number }) = fields.next_key_seed(KeySeed(self.text.clone()))? {
            if is_number {
                let digits: String = fields.next_value()?;
                return Ok(digits.parse::<Number>().map_or(Value::String(digits), Value::Number));
            }
            let (before, seed) = self.inside(&key);
            let value = fields.next_value_seed(seed)?;
            if object.insert(key, value).is_some() && self.duplicates.len() < MAX_DUPLICATES {
                self.duplicates.push(self.path.clone());
            }
            self.path.truncate(before);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn faults_are_placed() {
        let broken = Document::parse(b"{\"project\":\"x\",\n\"gop\":}");
        assert_eq!(broken.error.map(|e| e.offset), Some(22));
        let doubled = Document::parse(br#"{"a":{"b/c":1,"b/c":2},"l":[{"k":1,"k":1}]}"#);
        assert_eq!(doubled.duplicates, ["/a/b~1c", "/l/0/k"]);
        assert!(doubled.value.is_some());
        assert!(Document::parse(b"\xef\xbb\xbf{}").bom);
        assert!(Document::parse("[".repeat(5000).as_bytes()).error.unwrap().beyond_limit);
        assert!(Document::parse(b"{} x").error.is_some());
    }

    #[test]
    fn numbers_stay_as_written() {
        let text = r#"{"big":123456789012345678901234567890,"e":1e+400,"f":30.0,"n":-0}"#;
        assert_eq!(Document::parse(text.as_bytes()).value.unwrap().to_string(), text);
    }

    #[test]
    fn keys_that_look_like_the_parsers_own_are_keys() {
        for text in [r#"{"$serde_json::private::Number":"1"}"#, r#"{"\u0024serde_json::private::Number":1}"#] {
            assert_eq!(Document::parse(text.as_bytes()).object().map(Map::len), Some(1), "{text}");
        }
    }

    #[test]
    fn what_takes_much_memory_is_not_read() {
        let many = format!("[{}0]", "0,".repeat(MAX_VALUES));
        assert!(Document::parse(many.as_bytes()).error.unwrap().beyond_limit);
        let long = format!(r#"{{"{}":{{{}"a":1}}}}"#, "k".repeat(1 << 16), r#""a":1,"#.repeat(2000));
        let document = Document::parse(long.as_bytes());
        assert_eq!(document.duplicates.len(), MAX_DUPLICATES);
        assert!(document.duplicates.iter().all(|path| path.len() <= 3 * MAX_PATH));
    }

    proptest! {
        #[test]
        fn it_parses_what_serde_json_parses(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let plain: Result<Value, _> = serde_json::from_slice(&bytes);
            prop_assert_eq!(Document::parse(&bytes).value, plain.ok());
        }

        #[test]
        fn it_reads_what_serde_json_writes(text in "[\\[\\]{}:,\"a-c0-9 .eE+-]{0,40}") {
            let plain: Result<Value, _> = serde_json::from_str(&text);
            prop_assert_eq!(Document::parse(text.as_bytes()).value, plain.ok());
        }
    }
}
