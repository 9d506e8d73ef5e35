//! JSON Schemas of all JSON output. They are kept in docs/schema/vN, N being the version of the shapes.

use serde_json::Value;

pub(crate) use h4inspect::core::report::VERSION;

/// Every schema, by the command whose output it describes: `audit-line` is a line of NDJSON, `manifest-full` that of
/// `manifest --full`.
pub(crate) fn all() -> Vec<(&'static str, Value)> {
    let schemas = h4inspect::core::report::schema::all().into_iter();
    let named = schemas.map(|(name, mut schema)| {
        schema.insert("$id".to_owned(), format!("urn:h4inspect:schema:v{VERSION}:{name}").into());
        schema.insert("title".to_owned(), format!("h4inspect {name}").into());
        (name, schema.to_value())
    });
    named.collect()
}
