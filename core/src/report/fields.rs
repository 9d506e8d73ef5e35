//! Fields that JSON has in a form of its own, or not at all.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Serializes pairs as an object whose keys keep their order.
pub(super) fn as_object<S: Serializer, V: Serialize>(pairs: &[(String, V)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(key, value)| (key, value)))
}

/// Reads back counts that [`as_object`] wrote.
pub(super) fn counts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, u64)>, D::Error> {
    let counts = serde_json::Map::deserialize(deserializer)?;
    Ok(counts.into_iter().filter_map(|(key, count)| Some((key, count.as_u64()?))).collect())
}

/// For fields that are said only where they are true.
pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}

/// For counts that are said only where there is something to count.
pub(super) fn is_zero(n: &u64) -> bool {
    *n == 0
}
