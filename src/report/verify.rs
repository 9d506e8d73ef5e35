//! VERI, recomputed.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::count;
use super::schema;
use super::style::{Paint, Role, field};
use super::summary::{VeriSummary, status_name};
use crate::core::audit::Audit;
use crate::core::finding::Code;
use crate::core::text;
use crate::core::veri::{Status, Verification};

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

/// Findings that mean that a chunk is not there as it was written.
const DAMAGE: [Code; 7] = [
    Code::ChunkTruncated,
    Code::ChunkCrcMismatch,
    Code::ChunkLengthRepaired,
    Code::ChunkTagRepaired,
    Code::RegionSkipped,
    Code::ContainerCrcMismatch,
    Code::ContainerCrcMissing,
];

impl Verify {
    /// From a verification that found VERI.
    pub fn new(verification: &Verification) -> Self {
        Self {
            valid: verification.status == Status::Verified,
            hash_algorithm: verification.algorithm.clone(),
            info: verification.info.clone(),
            status: verification.status,
            scheme: verification.scheme.map(|scheme| scheme.name()),
            expected: verification.expected.clone(),
            computed: verification.computed.clone(),
        }
    }

    /// From an audit: without VERI the CRCs of the chunks are what there is to go by.
    pub fn of_audit(audit: &Audit) -> Self {
        let verify = Self::new(&audit.verification);
        if audit.verification.status != Status::Absent {
            return verify;
        }
        let damaged: u64 = DAMAGE.iter().map(|code| audit.findings.count(*code)).sum();
        let chunks = audit.container.as_ref().map_or(0, |container| container.index().len());
        let crcs = match damaged {
            0 => format!("the CRCs of all {} are right", count(chunks, "chunk")),
            n => format!("{} among its chunks; audit names them", count(n, "fault")),
        };
        Self { valid: damaged == 0, info: format!("{}; {crcs}", verify.info), ..verify }
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
