//! JSON Schemas of all JSON output, made from its shapes.
//!
//! They are kept in docs/schema/vN. An addition keeps N; a field that goes or changes its meaning raises it.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

use super::audit::FileAudit;
use super::chunks::Chunks;
use super::diff::Comparison;
use super::info::Info;
use super::salvage::Salvage;
use super::seek::Seek;
use super::verify::Verify;
use h4mk::audit::Verdict;
use h4mk::finding::{Code, Severity};
use h4mk::veri::Status;

/// The version of all of them.
pub const VERSION: u32 = 1;

/// Every schema, by the command whose output it describes: `audit-line` is a line of NDJSON, `manifest-full` that of
/// `manifest --full`.
pub fn all() -> Vec<(&'static str, Value)> {
    let schemas = [
        ("audit", of::<Vec<FileAudit>>()),
        ("audit-line", of::<FileAudit>()),
        ("chunks", of::<Chunks<'_>>()),
        ("diff", of::<Comparison<'_>>()),
        ("info", of::<Info>()),
        ("manifest", of::<Manifest>()),
        ("manifest-full", of::<FullManifest>()),
        ("salvage", of::<Salvage>()),
        ("seek", of::<Seek>()),
        ("verify", of::<Verify>()),
    ];
    schemas.map(|(name, schema)| (name, named(name, schema))).into()
}

fn of<T: JsonSchema>() -> Schema {
    let closed = RecursiveTransform(close as fn(&mut Schema));
    let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(closed);
    settings.into_generator().into_root_schema_for::<T>()
}

/// Nothing is in an object that its schema does not name.
fn close(schema: &mut Schema) {
    if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
        schema.insert("additionalProperties".to_owned(), false.into());
    }
}

fn named(name: &str, mut schema: Schema) -> Value {
    schema.insert("$id".to_owned(), format!("urn:h4inspect:schema:v{VERSION}:{name}").into());
    schema.insert("title".to_owned(), format!("h4inspect {name}").into());
    schema.to_value()
}

/// The compatibility layer's manifest. Its keys are fixed; what is in META and SAFE is the writer's.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "a shape only: the core makes the manifest")]
struct Manifest {
    /// Always `H4MK`.
    container: String,
    /// META's project.
    project: String,
    /// META's domain.
    domain: String,
    /// CORE chunks.
    blocks: u64,
    /// The seek table.
    seek: Vec<ManifestEntry>,
    /// META's compression.
    compression: Map<String, Value>,
    /// SAFE.
    safe: Map<String, Value>,
}

/// The manifest with what `info --json` says.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "a shape only: the command puts the two together")]
struct FullManifest {
    #[schemars(flatten)]
    manifest: Manifest,
    /// What `info --json` says.
    inspection: Info,
}

/// An entry of the seek table.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "a shape only: the core makes the manifest")]
struct ManifestEntry {
    /// When the keyframe is shown, in µs.
    pts_us: u64,
    /// Its offset as stored.
    block_offset: u64,
}

pub(super) fn codes(_: &mut SchemaGenerator) -> Schema {
    one_of(Code::ALL.iter().map(|code| code.name()))
}

pub(super) fn severities(_: &mut SchemaGenerator) -> Schema {
    one_of([Severity::Error, Severity::Warning, Severity::Info].map(Severity::name))
}

pub(super) fn verdicts(_: &mut SchemaGenerator) -> Schema {
    one_of([Verdict::Ok, Verdict::Suspect, Verdict::Damaged, Verdict::Unreadable].map(Verdict::name))
}

pub(super) fn statuses(_: &mut SchemaGenerator) -> Schema {
    let statuses =
        [Status::Verified, Status::Mismatch, Status::Absent, Status::Malformed, Status::Unsupported, Status::Unchecked];
    one_of(statuses.map(Status::name))
}

fn one_of(names: impl IntoIterator<Item = &'static str>) -> Schema {
    let names: Vec<&str> = names.into_iter().collect();
    json_schema!({ "type": "string", "enum": names })
}
