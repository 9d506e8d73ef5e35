//! JSON payloads, read with everything a plain parser keeps quiet about: duplicate keys, a byte order mark, the byte
//! where it breaks off. What is longer than a tree in memory should be is read in rows, see `Scan`.

pub mod span;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer as _, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Deserializer, Map, Number, Value};

use super::bytes::{Bytes, Copied};

/// A JSON payload and what is wrong with it.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Document {
    /// The value, where it could be parsed. What is nested too deep is `null` in it.
    pub value: Option<Value>,
    /// Why it could not, or not all of it.
    pub error: Option<JsonError>,
    /// JSON Pointers of keys that occur more than once in their object. The last one counts.
    pub duplicates: Vec<String>,
    /// It begins with a byte order mark.
    pub bom: bool,
    /// Offset in the payload of the first escape that is half of a surrogate pair. Texts hold such an escape as it is
    /// written.
    pub surrogate: Option<u64>,
}

/// Where and why parsing stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at byte {offset}")]
pub struct JsonError {
    /// Offset in the payload.
    pub offset: u64,
    /// What the parser says, without its line and column.
    pub message: String,
    /// Nested deeper, or longer, or of more values than is read: no fault of the text.
    pub beyond_limit: bool,
    /// All that was wrong is that the text ended.
    is_at_end: bool,
}

/// The byte order mark of UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";
/// Arrays and objects inside one another that are read.
pub const MAX_LEVELS: usize = 128;
/// The longest text of which a tree is made.
pub const MAX_BYTES: u64 = 64 << 20;
/// The one key of the map as which serde_json hands over a number with `arbitrary_precision`.
const NUMBER_KEY: &str = "$serde_json::private::Number";
/// The most values of which a tree is made. What a value takes in memory is many times its text; a text is not.
const MAX_VALUES: usize = 1 << 21;
/// How many duplicate keys are named, and how much of each path to one.
const MAX_DUPLICATES: usize = 1000;
const MAX_PATH: usize = 256;

impl Document {
    /// Parses a payload: a copy of it, which nobody else writes to, and of a long one no more than its beginning.
    pub fn parse<'a>(payload: impl Into<Bytes<'a>>) -> Self {
        Self::parse_beside(payload.into(), 0)
    }

    /// The same, where that many bytes of the payload are tables, whose length has no limit.
    pub(crate) fn parse_beside(payload: Bytes<'_>, tables: u64) -> Self {
        let len = payload.len();
        let is_cut = len.saturating_sub(tables) > MAX_BYTES;
        let text = Text::new(if is_cut { payload.available(0, MAX_BYTES) } else { payload });
        let message = if is_cut {
            format!("{len} bytes, more than the limit of {MAX_BYTES}")
        } else {
            match text.read(MAX_VALUES, true) {
                Document { error: Some(error), .. } if error.message == TOO_MANY => error.message,
                document => return document,
            }
        };
        // What is no JSON at all is that, whatever its length.
        let mut document = text.read(usize::MAX, false);
        document.value = None;
        if document.error.as_ref().is_none_or(|error| error.beyond_limit || is_cut && error.is_at_end) {
            document.error = Some(JsonError { offset: 0, message, beyond_limit: true, is_at_end: false });
        }
        document
    }

    /// Parses a payload of any length and any number of values: for those who have to write it again.
    pub(crate) fn parse_whole<'a>(payload: impl Into<Bytes<'a>>) -> Self {
        Text::new(payload.into()).read(usize::MAX, true)
    }

    /// The value as an object.
    pub fn object(&self) -> Option<&Map<String, Value>> {
        self.value.as_ref()?.as_object()
    }

    /// It is more than is read: deeper, longer, or of more values. There may be a value all the same.
    pub fn is_beyond_limit(&self) -> bool {
        self.error.as_ref().is_some_and(|error| error.beyond_limit)
    }
}

/// A payload of any length, checked as a [`Document`] is but without a tree: its fields are given as text.
pub(crate) struct Scan {
    text: Text,
    /// What is wrong with it. Of the value only the kind is there: an object is empty.
    pub(crate) document: Document,
}

impl Scan {
    /// Of a long payload all is copied only if it begins as JSON.
    pub(crate) fn new<'a>(payload: impl Into<Bytes<'a>>) -> Self {
        let payload = payload.into();
        let begin = Text::new(payload.available(0, MAX_BYTES));
        let document = begin.read(usize::MAX, false);
        if payload.len() <= MAX_BYTES || document.error.as_ref().is_some_and(|error| !error.is_at_end) {
            return Self { text: begin, document };
        }
        let text = Text::new(payload);
        let document = text.read(usize::MAX, false);
        Self { text, document }
    }

    /// The fields with these names, as [`fields`] gives them; none where the payload isn't JSON.
    pub(crate) fn fields<const N: usize>(&self, names: [&str; N]) -> [Option<&RawValue>; N] {
        let text = self.document.object().and_then(|_| std::str::from_utf8(&self.text.bytes).ok());
        text.and_then(|text| fields(text, names)).unwrap_or([None; N])
    }
}

/// The fields of an object with these names, as text: of a key that occurs more than once the last one, and none for a
/// `null`. `None` for what isn't an object.
pub(crate) fn fields<'a, const N: usize>(text: &'a str, names: [&str; N]) -> Option<[Option<&'a RawValue>; N]> {
    struct Named<'n, const N: usize>([&'n str; N]);
    impl<'de, const N: usize> Visitor<'de> for Named<'_, N> {
        type Value = [Option<&'de RawValue>; N];

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
            let mut found = [None; N];
            while let Some(key) = fields.next_key_seed(KeySeed)? {
                match self.0.iter().position(|name| *name == key).and_then(|at| found.get_mut(at)) {
                    Some(field) => *field = Some(fields.next_value()?),
                    None => _ = fields.next_value::<IgnoredAny>()?,
                }
            }
            Ok(found.map(|field: Option<&RawValue>| field.filter(|value| value.get() != "null")))
        }
    }
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let mut parser = Deserializer::from_str(text);
    parser.disable_recursion_limit();
    parser.deserialize_map(Named(names)).ok()
}

/// Gives each element of an array, and its place; false for what isn't an array.
pub(crate) fn elements<'a>(text: &'a str, each: impl FnMut(usize, &'a RawValue)) -> bool {
    struct Each<F>(F);
    impl<'de, F: FnMut(usize, &'de RawValue)> Visitor<'de> for Each<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
            let mut at = 0;
            while let Some(item) = items.next_element()? {
                (self.0)(at, item);
                at += 1;
            }
            Ok(())
        }
    }
    let mut parser = Deserializer::from_str(text);
    parser.disable_recursion_limit();
    text.starts_with('[') && parser.deserialize_seq(Each(each)).is_ok()
}

/// A value that is neither an array nor an object; those come empty.
pub(crate) fn scalar(raw: &RawValue) -> Value {
    match raw.get().as_bytes().first() {
        Some(b'[') => Value::Array(Vec::new()),
        Some(b'{') => Value::Object(Map::new()),
        _ => serde_json::from_str(raw.get()).unwrap_or_default(),
    }
}

/// A key or text as it stands in a payload, with its quotes.
pub(crate) fn string(raw: &[u8]) -> Option<String> {
    serde_json::from_slice(&Text::new(raw.into()).bytes).ok()
}

/// A payload after its byte order mark, where it has one.
pub(crate) fn without_bom(payload: Bytes<'_>) -> Bytes<'_> {
    payload.after(if payload.starts_with(BOM) { BOM.len() as u64 } else { 0 })
}

/// A payload without a byte order mark, in which halves of surrogate pairs are plain text: `\ud800` becomes `\\ud800`.
struct Text {
    /// Strings are checked here before they are taken out, so it has to be a copy.
    bytes: Copied,
    bom: bool,
    /// Where a byte was added, ascending.
    added: Vec<usize>,
}

impl Text {
    fn new(payload: Bytes<'_>) -> Self {
        let without = without_bom(payload);
        let bom = without.len() < payload.len();
        let copy = without.copied();
        let text = &*copy;
        let (mut bytes, mut added, mut copied) = (Vec::new(), Vec::new(), 0);
        let mut at = 0;
        let after = |at: usize| text.get(at..).unwrap_or_default();
        while let Some(next) = after(at).iter().position(|byte| *byte == b'\\') {
            at += next;
            let is_high = |code: &u16| (0xd800..0xdc00).contains(code);
            let is_low = |code: &u16| (0xdc00..0xe000).contains(code);
            let escape = escaped(after(at));
            if escape.filter(is_high).and_then(|_| escaped(after(at + 6))).filter(is_low).is_some() {
                at += 12;
            } else if escape.is_some_and(|code| is_high(&code) || is_low(&code)) {
                bytes.extend_from_slice(text.get(copied..at).unwrap_or_default());
                added.push(bytes.len());
                bytes.push(b'\\');
                copied = at;
                at += 6;
            } else {
                at += 2;
            }
        }
        if added.is_empty() {
            return Self { bytes: copy, bom, added };
        }
        bytes.extend_from_slice(text.get(copied..).unwrap_or_default());
        Self { bytes: Copied::from_vec(bytes), bom, added }
    }

    /// The offset in the payload of what is at `at` here.
    fn offset(&self, at: usize) -> u64 {
        let added = self.added.partition_point(|added| *added < at);
        (at - added + if self.bom { BOM.len() } else { 0 }) as u64
    }

    /// Parses all of it. Without a tree only the kind of value is kept.
    fn read(&self, most_values: usize, is_tree: bool) -> Document {
        let mut parser = Deserializer::from_slice(&self.bytes);
        parser.disable_recursion_limit();
        let text = self.bytes.as_ptr_range();
        let mut state =
            State { text, path: Vec::new(), duplicates: Vec::new(), left: most_values, is_tree, is_too_deep: false };
        let parsed = Seed(&mut state).deserialize(&mut parser).and_then(|value| parser.end().map(|()| value));
        let (value, error) = match parsed {
            Ok(value) => (Some(value), state.is_too_deep.then(|| self.too_deep())),
            Err(error) => (None, Some(self.error(&error))),
        };
        let surrogate = self.added.first().map(|at| self.offset(*at));
        Document { value, error, duplicates: state.duplicates, bom: self.bom, surrogate }
    }

    fn error(&self, error: &serde_json::Error) -> JsonError {
        let line_start = self
            .bytes
            .iter()
            .enumerate()
            .filter(|(_, b)| **b == b'\n')
            .map(|(at, _)| at + 1)
            .nth(error.line().saturating_sub(2))
            .filter(|_| error.line() > 1)
            .unwrap_or(0);
        let offset = self.offset(line_start + error.column().saturating_sub(1));
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(said, _)| said);
        let message = super::text::escape(message).into_owned();
        JsonError { offset, message, beyond_limit: false, is_at_end: error.is_eof() }
    }

    fn too_deep(&self) -> JsonError {
        let (mut levels, mut is_string, mut at) = (0, false, 0);
        while let Some(byte) = self.bytes.get(at) {
            match byte {
                b'\\' if is_string => at += 1,
                b'"' => is_string = !is_string,
                b'[' | b'{' if !is_string && levels == MAX_LEVELS => break,
                b'[' | b'{' if !is_string => levels += 1,
                b']' | b'}' if !is_string => levels -= 1,
                _ => {}
            }
            at += 1;
        }
        let message = format!("nested deeper than the limit of {MAX_LEVELS} levels");
        JsonError { offset: self.offset(at), message, beyond_limit: true, is_at_end: false }
    }
}

/// The code unit of a `\uXXXX` that stands here.
fn escaped(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u16::from_str_radix(digits, 16).ok()
}

const TOO_MANY: &str = "more values than the limit of 2097152";

/// A step on the way to a value.
enum Step<'de> {
    Key(Cow<'de, str>),
    Element(usize),
}

/// How far a text was read, and what was noticed.
struct State<'de> {
    /// Where the text is in memory.
    text: Range<*const u8>,
    /// To the value that is read; as long as arrays and objects are open.
    path: Vec<Step<'de>>,
    duplicates: Vec<String>,
    /// Values that may still be read.
    left: usize,
    is_tree: bool,
    is_too_deep: bool,
}

impl State<'_> {
    fn duplicate(&mut self) {
        if self.duplicates.len() >= MAX_DUPLICATES {
            return;
        }
        let mut pointer = String::new();
        for step in &self.path {
            if pointer.len() >= MAX_PATH {
                break;
            }
            pointer.push('/');
            match step {
                Step::Key(key) => pointer.extend(key.chars().take(MAX_PATH).flat_map(|c| match c {
                    '~' => ['~', '0'].into_iter().take(2),
                    '/' => ['~', '1'].into_iter().take(2),
                    c => [c, c].into_iter().take(1),
                })),
                Step::Element(at) => pointer.push_str(&at.to_string()),
            }
        }
        self.duplicates.push(pointer);
    }
}

/// Keys of an object of which no tree is made.
#[derive(Default)]
struct Keys<'de> {
    few: Vec<Cow<'de, str>>,
    many: HashSet<Cow<'de, str>>,
}

impl<'de> Keys<'de> {
    const FEW: usize = 16;

    /// False if it was there.
    fn insert(&mut self, key: Cow<'de, str>) -> bool {
        if self.few.contains(&key) || self.many.contains(&key) {
            return false;
        }
        match self.few.len() < Self::FEW {
            true => self.few.push(key),
            false => _ = self.many.insert(key),
        }
        true
    }
}

/// Builds a [`Value`] and notes duplicate keys on the way.
struct Seed<'s, 'de>(&'s mut State<'de>);

impl<'de> DeserializeSeed<'de> for Seed<'_, 'de> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.0.left = self.0.left.checked_sub(1).ok_or_else(|| D::Error::custom(TOO_MANY))?;
        deserializer.deserialize_any(self)
    }
}

/// Reads a key, out of the text where that is as it is meant.
struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

impl<'de> Visitor<'de> for Seed<'_, 'de> {
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
        Ok(if self.0.is_tree { Value::String(value.to_owned()) } else { Value::Null })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let Self(state) = self;
        if state.path.len() >= MAX_LEVELS {
            state.is_too_deep = true;
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Value::Null);
        }
        let mut array = Vec::new();
        for at in 0.. {
            state.path.push(Step::Element(at));
            let Some(item) = items.next_element_seed(Seed(state))? else { break };
            state.path.pop();
            if state.is_tree {
                array.push(item);
            }
        }
        state.path.pop();
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let Self(state) = self;
        let (mut object, mut keys) = (Map::new(), Keys::default());
        while let Some(key) = fields.next_key_seed(KeySeed)? {
            // The parser's own key doesn't stand in the text.
            if key == NUMBER_KEY && matches!(key, Cow::Borrowed(key) if !state.text.contains(&key.as_ptr())) {
                let digits: String = fields.next_value()?;
                return Ok(digits.parse::<Number>().map_or(Value::String(digits), Value::Number));
            }
            if state.path.len() >= MAX_LEVELS {
                state.is_too_deep = true;
                _ = fields.next_value::<IgnoredAny>()?;
                while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                return Ok(Value::Null);
            }
            state.path.push(Step::Key(key.clone()));
            let value = fields.next_value_seed(Seed(state))?;
            let is_new = match state.is_tree {
                true => object.insert(key.into_owned(), value).is_none(),
                false => keys.insert(key),
            };
            if !is_new {
                state.duplicate();
            }
            state.path.pop();
        }
        // What is too deep without being of any use is too deep all the same.
        state.is_too_deep |= state.path.len() >= MAX_LEVELS;
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
        assert!(!Document::parse("[".repeat(5000).as_bytes()).is_beyond_limit(), "it breaks off, however deep");
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
        let broken = many.trim_end_matches(']');
        assert!(!Document::parse(broken.as_bytes()).is_beyond_limit(), "it breaks off, however many values it has");
        let long = format!(r#"{{"{}":{{{}"a":1}}}}"#, "k".repeat(1 << 16), r#""a":1,"#.repeat(2000));
        let document = Document::parse(long.as_bytes());
        assert_eq!(document.duplicates.len(), MAX_DUPLICATES);
        assert!(document.duplicates.iter().all(|path| path.len() <= 3 * MAX_PATH));
    }

    #[test]
    fn levels_are_counted_and_what_is_below_them_is_left_out() {
        let nested = |levels: usize| {
            let (open, close) = (r#"{"k":["#.repeat(levels / 2), "]}".repeat(levels / 2));
            let odd = levels % 2 == 1;
            format!(r#"{{"a":1,"b":{open}{}{close},"c":{{"d":2}}}}"#, if odd { "{}" } else { "0" })
        };
        for levels in [0, 1, 2, 126, 127] {
            assert!(Document::parse(nested(levels).as_bytes()).error.is_none(), "{levels}");
        }
        for levels in [128, 129, 130, 5000] {
            let text = nested(levels);
            let document = Document::parse(text.as_bytes());
            assert!(document.is_beyond_limit(), "{levels}");
            let offset = document.error.unwrap().offset as usize;
            assert_eq!(text[..offset].matches(['[', '{']).count(), MAX_LEVELS);
            assert!(text[offset..].starts_with(['[', '{']));
            let object = document.value.unwrap();
            assert_eq!((&object["a"], &object["c"]["d"]), (&Value::from(1), &Value::from(2)));
        }
        assert!(!Document::parse(format!("{}x", nested(300)).as_bytes()).is_beyond_limit());
    }

    #[test]
    fn half_a_surrogate_pair_costs_only_its_text() {
        let halves = [
            (r"\\ud800", r"\ud800"),
            (r"\uD800", r"\uD800"),
            (r"\udc00x", r"\udc00x"),
            (r"a\ud800\ud800", r"a\ud800\ud800"),
            (r"\udfff\ud800\u0041", r"\udfff\ud800A"),
            (r"\ud83d\ude00\ud83d", "\u{1f600}\\ud83d"),
            (r"\ud800\n", "\\ud800\n"),
        ];
        for (text, expected) in halves {
            let payload = format!(r#"{{"{text}":1,"t":"{text}","gop":30}}"#);
            let document = Document::parse(payload.as_bytes());
            assert_eq!(document.error, None, "{payload}");
            let object = document.value.unwrap();
            assert_eq!((&object["t"], &object[expected]), (&Value::from(expected), &Value::from(1)), "{payload}");
            let first = document.surrogate.map(|at| payload[at as usize..].starts_with(r"\u"));
            assert_eq!(first, (text != r"\\ud800").then_some(true), "{payload}");
        }
        let broken = r#"{"a":"\ud800\ud801","b":}"#;
        assert_eq!(Document::parse(broken.as_bytes()).error.unwrap().offset as usize, broken.find('}').unwrap());
        assert_eq!(Document::parse(r#""\ud83d\ude00""#.as_bytes()).surrogate, None);
    }

    #[test]
    fn what_is_longer_than_the_limit_is_not_read_but_for_tables() {
        let text = format!(r#"{{"a":1,"t":"{}"}}"#, "x".repeat(MAX_BYTES as usize));
        assert!(Document::parse(text.as_bytes()).is_beyond_limit());
        assert!(Document::parse_beside(text.as_bytes().into(), MAX_BYTES).error.is_none());
    }

    #[test]
    fn rows_are_given_as_text() {
        let payload = br#" {"rows": 1, "n": null, "rows": [{"id": 7, "x": [[]]}, 5, "s"]} "#;
        let scan = Scan::new(payload);
        assert_eq!(scan.document.duplicates, ["/rows"]);
        let [rows, absent] = scan.fields(["rows", "n"]);
        assert!(absent.is_none());
        let mut seen = Vec::new();
        let is_array = elements(rows.unwrap().get(), |at, row| {
            seen.push((at, fields(row.get(), ["id", "x"]).map(|[id, x]| (id.map(scalar), x.map(scalar)))));
        });
        assert!(is_array);
        let first = (Some(Value::from(7)), Some(Value::Array(Vec::new())));
        assert_eq!(seen, [(0, Some(first)), (1, None), (2, None)]);
        assert!(!elements("{}", |_, _| ()));
    }

    proptest! {
        #[test]
        fn it_parses_what_serde_json_parses(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let plain: Result<Value, _> = serde_json::from_slice(&bytes);
            prop_assert_eq!(&Document::parse(&bytes).value, &plain.ok());
            prop_assert_eq!(Scan::new(&bytes).document.error, Document::parse(&bytes).error);
        }

        #[test]
        fn it_reads_what_serde_json_writes(text in "[\\[\\]{}:,\"a-c0-9 .eE+-]{0,40}") {
            let plain: Result<Value, _> = serde_json::from_str(&text);
            prop_assert_eq!(Document::parse(text.as_bytes()).value, plain.ok());
        }
    }
}
