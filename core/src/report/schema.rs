//! JSON Schemas of the shapes.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};

use super::audit::FileAudit;
use super::chunks::Chunks;
#[cfg(feature = "diff")]
use super::diff::Comparison;
use super::info::Info;
use super::manifest::FullManifest;
use super::manifest::shape::Manifest;
use super::salvage::Salvage;
use super::seek::Seek;
use super::verify::Verify;

/// The schema of every answer, by its name. `audit` is a list of files, each of which is an `audit-line`.
pub fn all() -> Vec<(&'static str, Schema)> {
    let schemas = [
        ("audit", of::<Vec<FileAudit>>()),
        ("audit-line", of::<FileAudit>()),
        ("chunks", of::<Chunks<'_>>()),
        #[cfg(feature = "diff")]
        ("diff", of::<Comparison<'_>>()),
        ("info", of::<Info>()),
        ("manifest", of::<Manifest>()),
        ("manifest-full", of::<FullManifest>()),
        ("salvage", of::<Salvage>()),
        ("seek", of::<Seek>()),
        ("verify", of::<Verify>()),
    ];
    schemas.into()
}

/// The schema of one shape, as it is written.
pub fn of<T: JsonSchema>() -> Schema {
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
