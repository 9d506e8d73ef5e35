//! Values of closed sets, which JSON has by their names.

#[cfg(feature = "schema")]
use std::borrow::Cow;

#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::audit::Verdict;
#[cfg(feature = "diff")]
use crate::diff::ComparedAs;
use crate::finding::{Code, Severity};
use crate::layout::Layout;
use crate::name::Encoding;
use crate::salvage::Reason;
use crate::seek::Meaning;
use crate::tracks::Kind;
use crate::veri::{Scheme, Status};

/// Writes values by their names.
macro_rules! written {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }
    )*};
}

/// Reads values back by their names.
macro_rules! read {
    ($($type:ty, $what:literal: $all:expr;)*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = String::deserialize(deserializer)?;
                let found = $all.iter().copied().find(|known: &Self| known.name() == name);
                found.ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&name), &$what))
            }
        }
    )*};
}

/// In schemas, sets that may grow with the format are any string, and the others list their names.
#[cfg(feature = "schema")]
macro_rules! described {
    ($($type:ty: $schema:expr;)*) => {$(
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )*};
}

#[cfg(feature = "diff")]
written!(ComparedAs);
written!(Code, Encoding, Kind, Layout, Meaning, Reason, Scheme, Severity, Status, Verdict);

const LAYOUTS: [Layout; 2] = [Layout::Transport, Layout::Mux];
const SCHEMES: [Scheme; 3] = [Scheme::Prefix, Scheme::Payloads, Scheme::Json];
const SEVERITIES: [Severity; 3] = [Severity::Error, Severity::Warning, Severity::Info];
const STATUSES: [Status; 6] =
    [Status::Verified, Status::Mismatch, Status::Absent, Status::Malformed, Status::Unsupported, Status::Unchecked];
const VERDICTS: [Verdict; 4] = [Verdict::Ok, Verdict::Suspect, Verdict::Damaged, Verdict::Unreadable];

read! {
    Code, "a finding's code": Code::ALL;
    Encoding, "an encoding of names": [Encoding::Percent];
    Layout, "a layout": LAYOUTS;
    Meaning, "a meaning of offsets": Meaning::ALL;
    Scheme, "a scheme of VERI": SCHEMES;
    Severity, "a severity": SEVERITIES;
    Status, "a status of VERI": STATUSES;
    Verdict, "a verdict": VERDICTS;
}

#[cfg(feature = "schema")]
described! {
    Code: one_of(Code::ALL.iter().map(|code| code.name()));
    Encoding: any();
    Kind: any();
    Layout: any();
    Meaning: any();
    Reason: any();
    Scheme: any();
    Severity: one_of(SEVERITIES.map(Severity::name));
    Status: one_of(STATUSES.map(Status::name));
    Verdict: one_of(VERDICTS.map(Verdict::name));
}

#[cfg(all(feature = "diff", feature = "schema"))]
described! {
    ComparedAs: any();
}

#[cfg(feature = "schema")]
fn any() -> Schema {
    json_schema!({ "type": "string" })
}

#[cfg(feature = "schema")]
fn one_of(names: impl IntoIterator<Item = &'static str>) -> Schema {
    let names: Vec<&str> = names.into_iter().collect();
    json_schema!({ "type": "string", "enum": names })
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use serde::de::DeserializeOwned;

    use super::*;

    fn read_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(all: &[T]) {
        for value in all {
            let json = serde_json::to_string(value).unwrap();
            assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value, "{json}");
        }
        let error = serde_json::from_str::<T>("\"no such name\"").unwrap_err();
        assert!(error.to_string().contains("no such name"), "{error}");
    }

    #[test]
    fn names_are_read_back_as_what_they_were() {
        read_back(Code::ALL);
        read_back(&[Encoding::Percent]);
        read_back(&LAYOUTS);
        read_back(&Meaning::ALL);
        read_back(&SCHEMES);
        read_back(&SEVERITIES);
        read_back(&STATUSES);
        read_back(&VERDICTS);
    }
}
