//! Audits as SARIF 2.1.0: findings are results at byte ranges, codes are rules.
//!
//! GitHub's code scanning shows a result only where its region has a line, and takes results of one rule and line for the
//! same unless they bring fingerprints of their own. So every region is in line 1 besides its bytes, which SARIF reads
//! independently of lines (2.1.0, 3.30.4), and every result has a fingerprint.

use std::io::{self, Seek, Write};

use serde::Serialize;
use sha2::{Digest, Sha256};
use tempfile::SpooledTempFile;

use super::audit::Audited;
use super::baseline::Entry;
use super::explain::Explanation;
use h4mk::finding::{Code, Severity};
use h4mk::report::audit::{BaselineState, Expected, Finding, Flip};
use h4mk::report::json;

const SCHEMA: &str = "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json";

/// How deep members get lines of their own.
const LINES: json::Lines = json::Lines(4);
/// Notifications of more bytes go to a temporary file.
const MEMORY_LEN: usize = 1 << 20;

/// A log in the making: one run, written as its results come. What could not be read at all stands at its end.
#[derive(Debug)]
pub struct Log {
    results: u64,
    notifications: u64,
    kept_notifications: SpooledTempFile,
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
struct Notification<'a> {
    level: &'static str,
    message: Text<'a>,
    locations: [Location; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    rule_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: Text<'a>,
    locations: [Location; 1],
    partial_fingerprints: Fingerprints,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_state: Option<BaselineState>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    byte_length: Option<u64>,
}

/// Under the one name that GitHub reads.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fingerprints {
    primary_location_line_hash: String,
}

impl Fingerprints {
    /// The same as long as the file has this fault at this place.
    fn of(code: &str, offset: u64, message: &str) -> Self {
        let hash = Sha256::new().chain_update(code).chain_update(offset.to_be_bytes());
        let digest = hash.chain_update(message).finalize();
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

impl Log {
    /// Begins to write.
    pub fn begin(out: &mut dyn Write) -> io::Result<Self> {
        let rules = Code::ALL.iter().map(|code| Rule {
            id: code.name(),
            short_description: Text { text: code.meaning() },
            full_description: Text { text: code.meaning() },
            help_uri: Explanation::of(*code).uri(),
            help: Help { text: Explanation::of(*code).text(), markdown: Explanation::of(*code).markdown() },
            default_configuration: Configuration { level: level(code.severity()) },
        });
        let (name, semantic_version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        let driver = Driver { name, semantic_version, rules: rules.collect() };
        write!(
            out,
            "{{\n  \"$schema\": \"{SCHEMA}\",\n  \"version\": \"2.1.0\",\n  \"runs\": [\n    {{\n      \"tool\": "
        )?;
        json::write_at(out, LINES, 3, &Tool { driver })?;
        out.write_all(b",\n      \"results\": [")?;
        Ok(Self { results: 0, notifications: 0, kept_notifications: SpooledTempFile::new(MEMORY_LEN) })
    }

    /// Writes what was found in a file.
    pub fn add(&mut self, out: &mut dyn Write, audited: &Audited) -> io::Result<()> {
        for finding in &audited.file.findings {
            self.result(out, &Outcome::new(audited, finding))?;
        }
        if let Some(error) = &audited.file.error {
            let location = Location::new(&audited.uri, None);
            let notification = Notification { level: "error", message: Text { text: error }, locations: [location] };
            member(&mut self.kept_notifications, 5, self.notifications, &notification)?;
            self.notifications += 1;
        }
        Ok(())
    }

    /// Writes a finding that a baseline holds, and that is no longer there.
    pub fn add_absent(&mut self, out: &mut dyn Write, entry: &Entry) -> io::Result<()> {
        self.result(out, &Outcome::absent(entry))
    }

    /// Writes the rest.
    pub fn finish(mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(if self.results == 0 { b"]" } else { b"\n      ]" })?;
        let successful = self.notifications == 0;
        write!(out, ",\n      \"invocations\": [\n        {{\n          \"executionSuccessful\": {successful},")?;
        out.write_all(b"\n          \"toolExecutionNotifications\": [")?;
        self.kept_notifications.rewind()?;
        io::copy(&mut self.kept_notifications, out)?;
        out.write_all(if successful { b"]" } else { b"\n          ]" })?;
        out.write_all(b"\n        }\n      ]\n    }\n  ]\n}\n")
    }

    fn result(&mut self, out: &mut dyn Write, outcome: &Outcome<'_>) -> io::Result<()> {
        member(out, 4, self.results, outcome)?;
        self.results += 1;
        Ok(())
    }
}

/// Writes a member of an array that has `before` already, on a line of its own.
fn member(out: &mut dyn Write, depth: usize, before: u64, value: &impl Serialize) -> io::Result<()> {
    out.write_all(if before == 0 { b"\n" } else { b",\n" })?;
    (0..depth).try_for_each(|_| out.write_all(b"  "))?;
    json::write_at(out, LINES, depth, value)
}

impl<'a> Outcome<'a> {
    fn new(audited: &Audited, finding: &'a Finding) -> Self {
        Self {
            rule_id: finding.code.name(),
            rule_index: rule_index(finding.code.name()),
            level: level(finding.severity),
            message: Text { text: &finding.message },
            locations: [Location::new(&audited.uri, Some((finding.offset, Some(finding.length))))],
            partial_fingerprints: Fingerprints::of(finding.code.name(), finding.offset, &finding.message),
            baseline_state: finding.baseline_state,
            properties: Properties {
                chunk: finding.chunk,
                block: finding.block,
                expected: finding.expected.as_ref(),
                flip: finding.flip,
            },
        }
    }

    fn absent(entry: &'a Entry) -> Self {
        Self {
            rule_id: &entry.code,
            rule_index: rule_index(&entry.code),
            level: level(entry.severity()),
            message: Text { text: &entry.message },
            locations: [Location::new(&entry.uri(), Some((entry.offset, None)))],
            partial_fingerprints: Fingerprints::of(&entry.code, entry.offset, &entry.message),
            baseline_state: Some(BaselineState::Absent),
            properties: Properties { chunk: None, block: None, expected: None, flip: None },
        }
    }
}

/// A baseline can hold codes of another version.
fn rule_index(code: &str) -> Option<usize> {
    Code::ALL.iter().position(|known| known.name() == code)
}

impl Location {
    fn new(uri: &str, bytes: Option<(u64, Option<u64>)>) -> Self {
        let region = bytes.map(|(byte_offset, byte_length)| Region { start_line: 1, byte_offset, byte_length });
        let artifact_location = ArtifactLocation { uri: uri.to_owned() };
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
