//! The manifest that the compatibility layer gives a player.

use serde_json::{Map, Value, json};

use super::Container;
use crate::index::Chunk;
use crate::seek::SeekTable;

impl Container {
    /// The compatibility layer's manifest.
    pub fn manifest(&self) -> Value {
        self.manifest_with(self.manifest_table().map_or_else(Vec::new, |table| {
            table.rows.iter().map(|e| json!({"pts_us": e.pts_us, "block_offset": e.offset})).collect()
        }))
    }

    /// The manifest without the entries of `seek`, which are those of [`manifest_table`](Self::manifest_table): for whoever
    /// does not want millions of them at once.
    pub fn manifest_outline(&self) -> Value {
        self.manifest_with(Vec::new())
    }

    /// The table that is the manifest's `seek`: SEEK if it has entries, else the first track's.
    pub fn manifest_table(&self) -> Option<SeekTable<'_>> {
        let first = || self.tracks().and_then(|tracks| tracks.list.first()?.seek_table(self));
        self.seek_table().filter(|table| !table.rows.is_empty()).or_else(first)
    }

    /// The chunk that holds [`manifest_table`](Self::manifest_table); `None` where a track's table is packed into META.
    pub fn manifest_table_chunk(&self) -> Option<Chunk> {
        match self.seek_table() {
            Some(table) if !table.rows.is_empty() => self.seek_chunk(),
            _ => self.tracks()?.list.first()?.table_chunk(),
        }
    }

    fn manifest_with(&self, entries: Vec<Value>) -> Value {
        let meta = self.meta();
        let text = |field: Option<&String>, default: &str| field.map_or(default, String::as_str).to_owned();
        let object = |value: Option<&Value>| {
            value.filter(|value| value.is_object()).cloned().unwrap_or_else(|| Value::Object(Map::new()))
        };
        let compression = meta.and_then(|meta| meta.document.object()?.get("compression"));
        let compression = compression.filter(|value| !value.is_null());
        json!({
            "container": "H4MK",
            "project": text(meta.and_then(|meta| meta.project.as_ref()), "HarmonyØ4"),
            "domain": text(meta.and_then(|meta| meta.domain.as_ref()), "video-transport"),
            "blocks": self.index().blocks(),
            "seek": entries,
            "compression": object(compression),
            "safe": object(self.safe().and_then(|safe| safe.value.as_ref())),
        })
    }
}
