//! The compatibility layer's manifest, which [`Container::manifest`] makes, with what is known of the container besides.

use serde::Serialize;
use serde_json::Value;

use super::info::Info;
use crate::container::Container;

/// The manifest with what is known of the container at one glance.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FullManifest {
    /// The manifest.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(with = "shape::Manifest"))]
    pub manifest: Value,
    /// A summary of the container.
    pub inspection: Info,
}

impl FullManifest {
    /// Both of a container.
    pub fn new(container: &Container) -> Self {
        Self { manifest: container.manifest(), inspection: Info::new(container, None) }
    }
}

/// What the container's value looks like.
#[cfg(feature = "schema")]
pub(super) mod shape {
    use schemars::JsonSchema;
    use serde_json::{Map, Value};

    /// The compatibility layer's manifest. Its keys are fixed; what is in META and SAFE is the writer's.
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "a shape only: the container makes the manifest")]
    pub(crate) struct Manifest {
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

    /// An entry of the seek table.
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "a shape only: the container makes the manifest")]
    pub(crate) struct ManifestEntry {
        /// When the keyframe is shown, in µs.
        pts_us: u64,
        /// Its offset as stored.
        block_offset: u64,
    }
}
