//! Results read back that this program wrote: its own words, as the types they were.

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer};

use super::audit::Expected;
use h4mk::audit::Verdict;
use h4mk::finding::{Code, Severity};
use h4mk::layout::Layout;
use h4mk::seek::Meaning;
use h4mk::veri::{Scheme, Status};

/// The one of `all` that is named so.
fn by_name<'de, D: Deserializer<'de>, T: Copy>(
    deserializer: D,
    all: &[T],
    name: impl Fn(T) -> &'static str,
    kind: &'static str,
) -> Result<T, D::Error> {
    let found = String::deserialize(deserializer)?;
    let known = all.iter().copied().find(|known| name(*known) == found);
    known.ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&found), &kind))
}

pub(super) fn verdict<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Verdict, D::Error> {
    let all = [Verdict::Ok, Verdict::Suspect, Verdict::Damaged, Verdict::Unreadable];
    by_name(deserializer, &all, Verdict::name, "a verdict")
}

pub(super) fn severity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Severity, D::Error> {
    by_name(deserializer, &[Severity::Error, Severity::Warning, Severity::Info], Severity::name, "a severity")
}

pub(super) fn code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
    by_name(deserializer, Code::ALL, Code::name, "a finding's code")
}

pub(super) fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Status, D::Error> {
    use Status::{Absent, Malformed, Mismatch, Unchecked, Unsupported, Verified};
    let all = [Verified, Mismatch, Absent, Malformed, Unsupported, Unchecked];
    by_name(deserializer, &all, Status::name, "a status of VERI")
}

/// A layout, a meaning of SEEK's offsets, a scheme of VERI, or the encoding of a name.
pub(super) fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'static str>, D::Error> {
    Option::<Word>::deserialize(deserializer).map(|word| word.map(|word| word.0))
}

pub(super) fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<&'static str>, D::Error> {
    Ok(Vec::<Word>::deserialize(deserializer)?.into_iter().map(|word| word.0).collect())
}

pub(super) fn counts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, u64)>, D::Error> {
    let counts = serde_json::Map::deserialize(deserializer)?;
    Ok(counts.into_iter().filter_map(|(code, count)| Some((code, count.as_u64()?))).collect())
}

/// By way of a value: an untagged enum can't tell numbers that keep all their digits.
impl<'de> Deserialize<'de> for Expected {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Self::Text(text)),
            other => other.as_u64().map(Self::Number).ok_or_else(|| D::Error::custom("neither a number nor a text")),
        }
    }
}

struct Word(&'static str);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let layouts = [Layout::Transport, Layout::Mux].map(Layout::name).into_iter();
        let schemes = [Scheme::Prefix, Scheme::Payloads, Scheme::Json].map(Scheme::name);
        let all: Vec<&'static str> =
            layouts.chain(Meaning::ALL.map(Meaning::name)).chain(schemes).chain(["percent"]).collect();
        by_name(deserializer, &all, |word| word, "a word of the format").map(Self)
    }
}
