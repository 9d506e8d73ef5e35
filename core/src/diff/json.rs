//! JSON documents, field by field.

use serde_json::{Number, Value};

use super::{DocumentDiff, FieldChange, Pair};
use crate::capped::Capped;
use crate::container::Container;
use crate::hash::hex;
use crate::index::Tag;
use crate::json::Document;

/// How many bytes are shown of a document that is no JSON.
const SHOWN: usize = 64;

/// Compares the documents of that tag; `None` where they are the same.
pub(super) fn compare(pair: Pair<&Container>, tag: Tag) -> Option<DocumentDiff> {
    let chunks = Pair::new(pair.before.sidecar(tag), pair.after.sidecar(tag));
    let payload = |container: &'_ Container, chunk| container.sidecar_payload(chunk).to_vec();
    let before = chunks.before.as_ref().map(|chunk| payload(pair.before, chunk));
    let after = chunks.after.as_ref().map(|chunk| payload(pair.after, chunk));
    if before == after {
        return None;
    }
    let read = |payload: Option<Vec<u8>>| payload.map(|bytes| value(&bytes));
    let mut fields = Capped::default();
    walk(&mut String::new(), read(before).as_ref(), read(after).as_ref(), &mut fields);
    let offset = |chunk: Option<crate::index::Chunk>| chunk.map(|chunk| chunk.offset);
    Some(DocumentDiff { tag, chunks: Pair::new(offset(chunks.before), offset(chunks.after)), fields })
}

/// The document, or where it isn't JSON its length and first bytes.
fn value(bytes: &[u8]) -> Value {
    Document::parse(bytes).value.unwrap_or_else(|| {
        let shown = hex(bytes.get(..SHOWN).unwrap_or(bytes));
        Value::String(format!("{} bytes that aren't JSON, beginning with {shown}", bytes.len()))
    })
}

/// Adds the differences below `pointer`.
fn walk(pointer: &mut String, before: Option<&Value>, after: Option<&Value>, fields: &mut Capped<FieldChange>) {
    let len = pointer.len();
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let added = new.keys().filter(|key| !old.contains_key(*key));
            for key in old.keys().chain(added) {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                walk(pointer, old.get(key), new.get(key), fields);
                pointer.truncate(len);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for at in 0..old.len().max(new.len()) {
                pointer.push_str(&format!("/{at}"));
                walk(pointer, old.get(at), new.get(at), fields);
                pointer.truncate(len);
            }
        }
        (Some(old), Some(new)) if is_same(old, new) => {}
        (None, None) => {}
        _ => {
            fields.add(|| FieldChange { pointer: pointer.clone(), values: Pair::new(before.cloned(), after.cloned()) })
        }
    }
}

/// The same value; numbers by what they are, however they are written.
fn is_same(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Number(old), Value::Number(new)) => old == new || number(old).is_some_and(|n| number(new) == Some(n)),
        _ => before == after,
    }
}

/// A number's sign, its digits without zeros at either end, and the power of ten of the last of them. `None` where the
/// exponent is beyond what can be calculated with.
fn number(number: &Number) -> Option<(bool, String, i64)> {
    let text = number.to_string();
    let (negative, text) = text.strip_prefix('-').map_or((false, text.as_str()), |rest| (true, rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some((false, String::new(), 0));
    }
    let dropped = digits.len() - digits.trim_end_matches('0').len();
    let shift = i64::try_from(dropped).ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let exponent = exponent.parse::<i64>().ok()?.checked_add(shift)?;
    Some((negative, significant.to_owned(), exponent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn parsed(text: &str) -> Value {
        Document::parse(text.as_bytes()).value.unwrap()
    }

    #[test]
    fn a_number_written_otherwise_is_the_same() {
        for (before, after) in [
            ("30.0", "30"),
            ("1e3", "1000"),
            ("1E+3", "1000.00"),
            ("0", "-0.0"),
            ("0e5", "0"),
            ("100e-2", "1"),
            ("-2.50", "-25e-1"),
            ("123456789012345678901234567890", "123456789012345678901234567890.0"),
            ("1e400", "10e399"),
            ("[30, {\"a\": 1.0}]", "[30.0, {\"a\": 1}]"),
        ] {
            assert_eq!(changes(parsed(before), parsed(after)), [], "{before} {after}");
        }
        for (before, after) in [
            ("30.0", "30.1"),
            ("1", "-1"),
            ("1", "\"1\""),
            ("9007199254740993", "9007199254740992"),
            ("1e400", "1e401"),
            ("1", "10"),
            ("0", "null"),
            ("0.1", "0.01"),
            ("1e99999999999999999999", "2e99999999999999999999"),
        ] {
            assert_eq!(changes(parsed(before), parsed(after)).len(), 1, "{before} {after}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_the_same_as_their_value_is(a in -4000i64..4000, b in -4000i64..4000, zeros in 0usize..5) {
            let more = |n: i64| if n == 0 { String::new() } else { "0".repeat(zeros) };
            let spelled = |n: i64| parsed(&format!("{n}{}e-{zeros}", more(n)));
            prop_assert_eq!(is_same(&spelled(a), &json!(b)), a == b);
            prop_assert_eq!(is_same(&parsed(&format!("{a}.{}", "0".repeat(zeros + 1))), &json!(b)), a == b);
        }
    }

    fn changes(before: Value, after: Value) -> Vec<(String, Option<Value>, Option<Value>)> {
        let mut fields = Capped::default();
        walk(&mut String::new(), Some(&before), Some(&after), &mut fields);
        fields.list().iter().map(|f| (f.pointer.clone(), f.values.before.clone(), f.values.after.clone())).collect()
    }

    #[test]
    fn fields_are_named_by_pointer() {
        let found =
            changes(json!({"a/b": {"~": 1}, "l": [1, 2], "gone": null}), json!({"l": [1, 3, 4], "a/b": {"~": 2}}));
        let expected = [
            ("/a~1b/~0", Some(json!(1)), Some(json!(2))),
            ("/l/1", Some(json!(2)), Some(json!(3))),
            ("/l/2", None, Some(json!(4))),
            ("/gone", Some(Value::Null), None),
        ];
        assert_eq!(found, expected.map(|(pointer, before, after)| (pointer.to_owned(), before, after)));
        assert_eq!(changes(json!({"a": 1, "b": 2}), json!({"b": 2, "a": 1})), []);
        assert_eq!(changes(json!([1]), json!({"0": 1})).len(), 1);
    }
}
