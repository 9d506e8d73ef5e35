//! Audits: one object a file.

use std::borrow::Cow;
#[cfg(feature = "schema")]
use std::collections::BTreeMap;
use std::fmt;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::fields::{as_object, counts};
use super::summary::{SeekSummary, VeriSummary};
use crate::audit::{Audit, Verdict};
use crate::container::Effort;
use crate::finding::{self, Code, Remedy, Severity};
use crate::layout::Layout;
use crate::name::{Encoding, FileName};
use crate::text;

/// The result of the audit of one file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct FileAudit {
    /// Its name as given, or as it was found.
    pub file: String,
    /// `percent` where the name isn't UTF-8: its bytes are percent-encoded then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_encoding: Option<Encoding>,
    /// Size of the file; absent if it could not be opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// `transport` or `mux`; `None` for what isn't a container.
    pub layout: Option<Layout>,
    /// What it concludes.
    pub verdict: Verdict,
    /// False if a limit, or a file that can't be read, stopped a check.
    pub complete: bool,
    /// How many there are.
    pub chunks: u64,
    /// CORE chunks.
    pub blocks: u64,
    /// Those that are complete and have a right CRC.
    pub blocks_intact: u64,
    /// SEEK in short.
    pub seek: SeekSummary,
    /// VERI in short.
    pub veri: VeriSummary,
    /// Findings beyond those listed, by code.
    #[serde(serialize_with = "as_object", deserialize_with = "counts")]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, u64>"))]
    pub omitted: Vec<(String, u64)>,
    /// What was found, in file order.
    pub findings: Vec<Finding>,
    /// Why it could not be read at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One fault or oddity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Finding {
    /// What kind.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// File offset; of a chunk's finding that of the chunk header.
    pub offset: u64,
    /// Bytes concerned.
    pub length: u64,
    /// Ordinal of the chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk: Option<u64>,
    /// Index of the block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
    /// What was expected and what was found.
    pub message: String,
    /// What to do about it.
    pub advice: String,
    /// What would be right, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
    /// The flipped bit that explains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flip: Option<Flip>,
    /// Whether a baseline holds it; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline_state: Option<BaselineState>,
}

/// What a finding is to a baseline, in SARIF's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum BaselineState {
    /// It is not in the baseline.
    New,
    /// It is in the baseline, so it is accepted.
    Unchanged,
    /// It is in the baseline, but is no longer found.
    Absent,
}

/// A number or a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(untagged)]
pub enum Expected {
    /// A value: an offset, a length, a count, a timestamp.
    Number(u64),
    /// A tag, a digest or CRC in hex, a type.
    Text(String),
}

impl From<&finding::Expected> for Expected {
    fn from(expected: &finding::Expected) -> Self {
        match expected {
            finding::Expected::Number(number) => Self::Number(*number),
            finding::Expected::Text(text) => Self::Text(text.clone()),
        }
    }
}

/// Text is [escaped](text::escape).
impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(&text::escape(text)),
        }
    }
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

/// A single flipped bit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Flip {
    /// File offset of the byte.
    pub offset: u64,
    /// The bit; 0 is the least significant.
    pub bit: u8,
    /// VERI verifies with the bit flipped back.
    pub confirmed: bool,
    /// The chance that other damage looks the same.
    pub chance: f64,
}

impl Finding {
    /// A finding of an audit. `how` says how a remedy is asked for, see [`Advice::words`](finding::Advice::words).
    pub fn new(finding: &finding::Finding, how: impl Fn(Remedy) -> Cow<'static, str>) -> Self {
        let flip = |flip: finding::Flip| Flip {
            offset: flip.offset,
            bit: flip.bit,
            confirmed: flip.confirmed,
            chance: flip.chance,
        };
        Self {
            code: finding.code,
            severity: finding.severity,
            offset: finding.offset,
            length: finding.length,
            chunk: finding.chunk,
            block: finding.block,
            message: finding.message.clone(),
            advice: finding.advice().words(how),
            expected: finding.expected.as_ref().map(Expected::from),
            flip: finding.flip.map(flip),
            baseline_state: None,
        }
    }
}

impl FileAudit {
    /// What an audit found in the file of that name. `how` says how a remedy is asked for, see
    /// [`Advice::words`](finding::Advice::words).
    pub fn new(file: &FileName, bytes: u64, audit: &Audit, how: impl Fn(Remedy) -> Cow<'static, str>) -> Self {
        let container = audit.container.as_deref();
        let index = container.map(|container| container.index());
        let omitted = audit.findings.omitted();
        Self {
            file: file.to_string(),
            file_encoding: file.encoding(),
            bytes: Some(bytes),
            layout: container.map(|container| container.layout()),
            verdict: audit.verdict,
            complete: audit.complete,
            chunks: index.map_or(0, |index| index.len()),
            blocks: index.map_or(0, |index| index.blocks()),
            blocks_intact: index.map_or(0, |index| index.blocks_intact()),
            seek: container.map(|container| SeekSummary::of(container, Effort::Full)).unwrap_or_default(),
            veri: (&audit.verification).into(),
            omitted: omitted.iter().map(|(code, n)| (code.name().to_owned(), *n)).collect(),
            findings: audit.findings.list().iter().map(|finding| Finding::new(finding, &how)).collect(),
            error: None,
        }
    }

    /// A file that could not be opened.
    pub fn unopened(file: &FileName, error: String) -> Self {
        Self {
            file: file.to_string(),
            file_encoding: file.encoding(),
            bytes: None,
            layout: None,
            verdict: Verdict::Unreadable,
            complete: false,
            chunks: 0,
            blocks: 0,
            blocks_intact: 0,
            seek: SeekSummary::default(),
            veri: VeriSummary::UNCHECKED,
            omitted: Vec::new(),
            findings: Vec::new(),
            error: Some(error),
        }
    }
}
