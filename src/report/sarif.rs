//! Audits as SARIF 2.1.0: findings are results at byte ranges, codes are rules.
//!
//! GitHub's code scanning shows a result only where its region has a line, and takes results of one rule and line for the
//! same unless they bring fingerprints of their own. So every region is in line 1 besides its bytes, which SARIF reads
//! independently of lines (2.1.0, 3.30.4), and every result has a fingerprint.

use std::io::{self, Write};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::audit::{Expected, FileAudit, Finding, Flip};
use super::explain::Explanation;
use super::json;
use crate::core::finding::{Code, Severity};

const SCHEMA: &str = "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json";

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
struct Run<'a> {
    tool: Tool,
    invocations: [Invocation<'a>; 1],
    results: Vec<Outcome<'a>>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Text<'static>,
    full_description: Text<'static>,
    help_uri: String,
    help: Help,
    default_configuration: Configuration,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Serialize)]
struct Text<'a> {
    text: &'a str,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'a> {
    execution_successful: bool,
    tool_execution_notifications: Vec<Notification<'a>>,
}

#[derive(Serialize)]
struct Notification<'a> {
    level: &'static str,
    message: Text<'a>,
    locations: [Location; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text<'a>,
    locations: [Location; 1],
    partial_fingerprints: Fingerprints,
    #[serde(skip_serializing_if = "Properties::is_empty")]
    properties: Properties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    byte_offset: u64,
    byte_length: u64,
}

/// Under the one name that GitHub reads.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fingerprints {
    primary_location_line_hash: String,
}

impl Fingerprints {
    /// The same as long as the file has this fault at this place.
    fn of(finding: &Finding) -> Self {
        let hash = Sha256::new().chain_update(finding.code.name()).chain_update(finding.offset.to_be_bytes());
        let digest = hash.chain_update(&finding.message).finalize();
        let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { primary_location_line_hash: hex + ":1" }
    }
}

#[derive(Serialize)]
struct Properties<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    chunk: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'a Expected>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flip: Option<Flip>,
}

impl Properties<'_> {
    fn is_empty(&self) -> bool {
        self.chunk.is_none() && self.block.is_none() && self.expected.is_none() && self.flip.is_none()
    }
}

/// Writes the audits as one run.
pub fn write(out: &mut dyn Write, files: &[FileAudit]) -> io::Result<()> {
    let rules = Code::ALL.iter().map(|code| Rule {
        id: code.name(),
        short_description: Text { text: code.meaning() },
        full_description: Text { text: code.meaning() },
        help_uri: Explanation::of(*code).uri(),
        help: Help { text: Explanation::of(*code).text(), markdown: Explanation::of(*code).markdown() },
        default_configuration: Configuration { level: level(code.severity()) },
    });
    let driver =
        Driver { name: env!("CARGO_PKG_NAME"), semantic_version: env!("CARGO_PKG_VERSION"), rules: rules.collect() };
    let unopened = files.iter().filter_map(|file| {
        let location = Location::new(file, None);
        Some(Notification { level: "error", message: Text { text: file.error.as_deref()? }, locations: [location] })
    });
    let notifications: Vec<Notification<'_>> = unopened.collect();
    let invocation =
        Invocation { execution_successful: notifications.is_empty(), tool_execution_notifications: notifications };
    let results = files.iter().flat_map(|file| file.findings.iter().map(|finding| Outcome::new(file, finding)));
    let run = Run { tool: Tool { driver }, invocations: [invocation], results: results.collect() };
    json::write_line(out, json::Lines(4), &Log { schema: SCHEMA, version: "2.1.0", runs: [run] })
}

impl<'a> Outcome<'a> {
    fn new(file: &FileAudit, finding: &'a Finding) -> Self {
        Self {
            rule_id: finding.code.name(),
            rule_index: Code::ALL.iter().position(|code| *code == finding.code).unwrap_or_default(),
            level: level(finding.severity),
            message: Text { text: &finding.message },
            locations: [Location::new(file, Some(finding))],
            partial_fingerprints: Fingerprints::of(finding),
            properties: Properties {
                chunk: finding.chunk,
                block: finding.block,
                expected: finding.expected.as_ref(),
                flip: finding.flip,
            },
        }
    }
}

impl Location {
    fn new(file: &FileAudit, finding: Option<&Finding>) -> Self {
        let region =
            finding.map(|finding| Region { start_line: 1, byte_offset: finding.offset, byte_length: finding.length });
        let artifact_location = ArtifactLocation { uri: file.uri.clone() };
        Self { physical_location: PhysicalLocation { artifact_location, region } }
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}
