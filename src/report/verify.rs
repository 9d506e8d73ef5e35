//! VERI, recomputed.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::style::{Paint, Role, field};
use super::summary::{VeriSummary, status_name};
use super::{count, schema};
use h4mk::audit::Verified;
use h4mk::container::Container;
use h4mk::text;
use h4mk::veri::Status;

/// Whether a container is what VERI says. The first three fields are the compatibility layer's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Verify {
    /// VERI was recomputed and is right; or there is none, and every chunk's CRC is right.
    pub valid: bool,
    /// The hash.
    pub hash_algorithm: Option<String>,
    /// How that was found out, in one line.
    pub info: String,
    /// What came of recomputing it.
    #[serde(serialize_with = "status_name")]
    #[schemars(schema_with = "schema::statuses")]
    pub status: Status,
    /// The kind of VERI it matched as.
    pub scheme: Option<&'static str>,
    /// The digest in VERI, hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The digest of the bytes as they are, hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub computed: Option<String>,
}

impl Verify {
    /// From the answer of the core about a container.
    pub fn new(verified: &Verified, container: &Container) -> Self {
        let verification = &verified.verification;
        Self {
            valid: verified.valid,
            hash_algorithm: verification.algorithm.clone(),
            info: info(verified, container),
            status: verification.status,
            scheme: verification.scheme.map(|scheme| scheme.name()),
            expected: verification.expected.clone(),
            computed: verification.computed.clone(),
        }
    }

    /// Writes it for people.
    pub fn write_text(&self, out: &mut dyn Write, paint: Paint, file: &str) -> io::Result<()> {
        let Self { status, scheme, .. } = *self;
        let summary = VeriSummary { status, scheme, algorithm: self.hash_algorithm.clone() };
        let outcome = paint.paint(summary.role(), summary.describe());
        writeln!(out, "{}: {outcome}", paint.paint(Role::Heading, text::escape(file)))?;
        field(out, paint, "", text::escape(&self.info))?;
        if let Some(expected) = &self.expected {
            field(out, paint, "Expected", expected)?;
        }
        if let Some(computed) = &self.computed {
            field(out, paint, "Computed", computed)?;
        }
        if self.status == Status::Mismatch {
            field(out, paint, "", "audit says which chunks are damaged, if their CRCs show it")?;
        }
        Ok(())
    }
}

/// How it was found out, in one line.
pub fn info(verified: &Verified, container: &Container) -> String {
    let info = &verified.verification.info;
    let chunks = verified.checked.as_ref().unwrap_or(container).index().len();
    match (verified.faults, chunks) {
        (None, _) => info.clone(),
        (Some(0), 0) => format!("{info}, nor any other chunk"),
        (Some(0), 1) => format!("{info}; the CRC of its only chunk is right"),
        (Some(0), chunks) => format!("{info}; the CRCs of all {} are right", count(chunks, "chunk")),
        (Some(faults), _) => format!("{info}; {} among its chunks, which an audit names", count(faults, "fault")),
    }
}
