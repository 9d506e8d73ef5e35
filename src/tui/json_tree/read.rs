//! Reading the fields of a container.

use std::collections::HashMap;

use super::{Encoding, JsonTree, Node, NodeKey, NodeValue, Root};
use h4mk::bytes::Bytes;
use h4mk::container::Container;
use h4mk::finding::Severity;
use h4mk::index::{Chunk, Tag};
use h4mk::json::Document;
use h4mk::meta::{BinaryMeta, Meta};
use h4mk::text::escape_bytes;
use h4mk::tracks::Fault;
use serde_json::Value;

/// Chunks of each tag that are shown; of more there is a count.
const SHOWN_PER_TAG: usize = 50;

impl JsonTree {
    /// Reads all that a container says.
    pub fn new(container: &Container) -> Self {
        let mut fields = Self::default();
        for tag in [Tag::META, Tag::SAFE] {
            fields.chunks(container, tag);
        }
        fields.manifest(container);
        for tag in Tag::KNOWN {
            match tag {
                Tag::TRAK | Tag::NOTE => fields.chunks(container, tag),
                Tag::VERI => fields.json_veri(container),
                tag if tag.is_extension() => fields.chunks(container, tag),
                _ => {}
            }
        }
        fields
    }

    /// All chunks of a tag, the first one that can be relied on flagged as such by the others.
    fn chunks(&mut self, container: &Container, tag: Tag) {
        let counts = container.sidecar(tag).map(|chunk| chunk.index());
        let index = container.index();
        let mut chunks: Vec<Chunk> = index.with_tag(tag).take(SHOWN_PER_TAG).collect();
        if chunks.is_empty() {
            // At the end of a file that is still being walked.
            chunks.extend(container.sidecar(tag));
        }
        for chunk in chunks {
            let mut notes = Vec::new();
            if !container.is_readable(&chunk) {
                let said = "its CRC is wrong: shown as it is, but not used".to_owned();
                notes.push(Note::about(Severity::Error, said, &chunk));
            } else if !container.is_intact(&chunk) {
                let said = "a flipped bit was located and confirmed: shown corrected".to_owned();
                notes.push(Note::about(Severity::Warning, said, &chunk));
            } else if counts.is_some_and(|first| first != chunk.index()) && (tag != Tag::NOTE && !tag.is_extension()) {
                let said = format!("another {tag} counts: the first reliable one");
                notes.push(Note::about(Severity::Warning, said, &chunk));
            }
            let payload = container.sidecar_payload(&chunk);
            match tag {
                Tag::NOTE => self.note(&chunk, payload, notes),
                Tag::META => self.meta(&chunk, &Meta::parse(payload), notes),
                _ => self.json(&chunk, &Document::parse(payload), &track_faults(container, tag), notes),
            }
        }
        let beyond = index.total(tag).map_or(0, |total| total.count).saturating_sub(SHOWN_PER_TAG as u64);
        if beyond > 0 {
            let root = self.document(tag.to_string(), None, Encoding::Text, NodeValue::More(beyond));
            self.close(root);
        }
    }

    fn meta(&mut self, chunk: &Chunk, meta: &Meta, mut notes: Vec<Note>) {
        let Some(BinaryMeta { duration_us, frame_count }) = meta.binary else {
            let invalid = meta.invalid.iter().map(|(pointer, why)| (pointer.clone(), format!("ignored: {why}")));
            return self.json(chunk, &meta.document, &invalid.collect(), notes);
        };
        let said = "the older binary form: it holds only the duration and the number of frames".to_owned();
        notes.push(Note::about(Severity::Warning, said, chunk));
        let root = self.document(Tag::META.to_string(), Some(*chunk), Encoding::BinaryMeta, NodeValue::Object(2));
        self.notes(root, notes);
        for (key, value) in [("duration_us", duration_us.to_string()), ("frame_count", frame_count.to_string())] {
            self.leaf(root, NodeKey::Field(key.into()), NodeValue::Number(value.into()));
        }
        self.close(root);
    }

    fn json(&mut self, chunk: &Chunk, document: &Document, invalid: &HashMap<String, String>, mut notes: Vec<Note>) {
        if let Some(error) = &document.error {
            let at = chunk.payload_offset().saturating_add(error.offset);
            let said = format!("{} at byte {}, file offset {at:#x}", error.message, error.offset);
            let severity = if error.beyond_limit { Severity::Warning } else { Severity::Error };
            notes.push(Note { severity, said, bytes: (at, at.saturating_add(1)) });
        }
        if let Some(offset) = document.surrogate {
            let at = chunk.payload_offset().saturating_add(offset);
            let said = format!("half of a surrogate pair at byte {offset}, file offset {at:#x}: shown as written");
            notes.push(Note { severity: Severity::Warning, said, bytes: (at, at.saturating_add(6)) });
        }
        if document.bom {
            let said = "begins with a byte order mark".to_owned();
            let bytes = (chunk.payload_offset(), chunk.payload_offset() + 3);
            notes.push(Note { severity: Severity::Warning, said, bytes });
        }
        if document.value.as_ref().is_some_and(|value| !value.is_object()) {
            notes.push(Note::about(Severity::Error, "is JSON, but not an object".to_owned(), chunk));
        }
        let mut flags = invalid.clone();
        for pointer in &document.duplicates {
            flags.entry(pointer.clone()).or_insert_with(|| "occurs more than once: the last one counts".to_owned());
        }
        let content = document.value.as_ref().map_or(NodeValue::Bytes(chunk.len()), content);
        let root = self.document(chunk.tag().to_string(), Some(*chunk), Encoding::Json, content);
        self.notes(root, notes);
        if let Some(value) = &document.value {
            let path = (!flags.is_empty()).then(String::new);
            self.children(root, value, &flags, path);
        }
        self.close(root);
    }

    fn note(&mut self, chunk: &Chunk, payload: Bytes<'_>, mut notes: Vec<Note>) {
        let text = String::from_utf8(payload.to_vec()).unwrap_or_else(|error| {
            notes.push(Note::about(
                Severity::Warning,
                "is not all UTF-8: the other bytes are escaped".to_owned(),
                chunk,
            ));
            escape_bytes(error.as_bytes())
        });
        let root = self.document(chunk.tag().to_string(), Some(*chunk), Encoding::Text, NodeValue::String(text.into()));
        self.notes(root, notes);
        self.close(root);
    }

    fn json_veri(&mut self, container: &Container) {
        let chunk = container.sidecar(Tag::VERI);
        let document = chunk.as_ref().map(|chunk| Document::parse(container.sidecar_payload(chunk)));
        if let Some((chunk, document)) = chunk.zip(document).filter(|(_, document)| document.object().is_some()) {
            self.json(&chunk, &document, &HashMap::new(), Vec::new());
        }
    }

    fn manifest(&mut self, container: &Container) {
        let outline = container.manifest_outline();
        let root = self.document("manifest".to_owned(), None, Encoding::Manifest, content(&outline));
        for (key, value) in outline.as_object().into_iter().flatten() {
            let node = self.open(root, NodeKey::Field(key.as_str().into()), content(value));
            if key == "seek" {
                let entries = container.manifest_table().map_or(0, |table| table.rows.len());
                self.seek = Some(node);
                if let Some(seek) = self.nodes.get_mut(node as usize) {
                    seek.content = NodeValue::SeekTable(entries);
                }
            } else {
                self.children(node, value, &HashMap::new(), None);
            }
            self.close(node);
        }
        self.close(root);
    }

    fn document(&mut self, name: String, chunk: Option<Chunk>, form: Encoding, content: NodeValue) -> u32 {
        let node = self.push(None, NodeKey::Document(name), content, None);
        self.roots.push(Root { node, chunk, form });
        node
    }

    fn notes(&mut self, root: u32, notes: Vec<Note>) {
        for Note { severity, said, bytes } in notes {
            self.push(Some(root), NodeKey::None, NodeValue::Note(severity, said), Some(bytes));
        }
    }

    /// The fields of a value, each followed by its own. JSON is read no deeper than 128 levels, and so is this.
    fn children(&mut self, parent: u32, value: &Value, flags: &HashMap<String, String>, path: Option<String>) {
        let fields = value.as_object().into_iter().flatten();
        let fields = fields.map(|(key, value)| (NodeKey::Field(key.as_str().into()), value));
        let elements = (0..).zip(value.as_array().into_iter().flatten());
        for (key, value) in fields.chain(elements.map(|(at, value)| (NodeKey::Element(at), value))) {
            let path = path.as_ref().map(|path| match &key {
                NodeKey::Field(key) => format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")),
                NodeKey::Element(at) => format!("{path}/{at}"),
                NodeKey::Document(_) | NodeKey::None => path.clone(),
            });
            let node = self.open(parent, key, content(value));
            if let (Some(flag), Some(node)) =
                (path.as_ref().and_then(|path| flags.get(path)), self.nodes.get_mut(node as usize))
            {
                node.flag = Some(flag.as_str().into());
            }
            self.children(node, value, flags, path);
            self.close(node);
        }
    }

    fn leaf(&mut self, parent: u32, key: NodeKey, content: NodeValue) {
        let node = self.open(parent, key, content);
        self.close(node);
    }

    fn open(&mut self, parent: u32, key: NodeKey, content: NodeValue) -> u32 {
        self.push(Some(parent), key, content, None)
    }

    fn push(&mut self, parent: Option<u32>, key: NodeKey, content: NodeValue, bytes: Option<(u64, u64)>) -> u32 {
        // A node takes more memory than the shortest field takes bytes in a chunk of at most 4 GiB.
        let at = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let depth = parent.and_then(|parent| self.node(parent)).map_or(0, |parent| parent.depth + 1);
        self.nodes.push(Node { key, content, depth, flag: None, parent, end: at.saturating_add(1), bytes });
        at
    }

    fn close(&mut self, node: u32) {
        let end = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.end = end;
        }
    }
}

/// What is wrong with a document, and which bytes of the file show it.
struct Note {
    severity: Severity,
    said: String,
    bytes: (u64, u64),
}

impl Note {
    fn about(severity: Severity, said: String, chunk: &Chunk) -> Self {
        Self { severity, said, bytes: (chunk.offset(), chunk.end()) }
    }
}

/// The fields of TRAK that can't be used, and why.
fn track_faults(container: &Container, tag: Tag) -> HashMap<String, String> {
    let tracks = container.tracks().filter(|_| tag == Tag::TRAK);
    let fields = tracks.into_iter().flat_map(|tracks| &tracks.faults).filter_map(|fault| match fault {
        Fault::Field(pointer, why) => Some((pointer.clone(), format!("ignored: {why}"))),
        _ => None,
    });
    fields.collect()
}

fn content(value: &Value) -> NodeValue {
    match value {
        Value::Null => NodeValue::Null,
        Value::Bool(value) => NodeValue::Bool(*value),
        Value::Number(number) => NodeValue::Number(number.to_string().into()),
        Value::String(text) => NodeValue::String(text.as_str().into()),
        Value::Array(elements) => NodeValue::Array(elements.len() as u64),
        Value::Object(fields) => NodeValue::Object(fields.len() as u64),
    }
}
