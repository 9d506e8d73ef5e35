//! JSON documents, field by field.

use serde_json::Value;

use super::{DocumentDiff, FieldChange, Pair};
use crate::core::container::Container;
use crate::core::hash::hex;
use crate::core::index::Tag;
use crate::core::json::Document;
use crate::core::listed::Listed;

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
    let mut fields = Listed::default();
    walk(&mut String::new(), read(before).as_ref(), read(after).as_ref(), &mut fields);
    let offset = |chunk: Option<crate::core::index::Chunk>| chunk.map(|chunk| chunk.offset);
    Some(DocumentDiff { tag, chunks: Pair::new(offset(chunks.before), offset(chunks.after)), fields })
}

/// The document, or where it is no JSON its length and first bytes.
fn value(bytes: &[u8]) -> Value {
    Document::parse(bytes).value.unwrap_or_else(|| {
        let shown = hex(bytes.get(..SHOWN).unwrap_or(bytes));
        Value::String(format!("{} bytes that are no JSON, beginning {shown}", bytes.len()))
    })
}

/// Adds the differences below `pointer`.
fn walk(pointer: &mut String, before: Option<&Value>, after: Option<&Value>, fields: &mut Listed<FieldChange>) {
    if before == after {
        return;
    }
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
        _ => {
            fields.add(|| FieldChange { pointer: pointer.clone(), values: Pair::new(before.cloned(), after.cloned()) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn changes(before: Value, after: Value) -> Vec<(String, Option<Value>, Option<Value>)> {
        let mut fields = Listed::default();
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
