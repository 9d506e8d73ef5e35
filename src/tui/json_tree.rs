//! What a container says in JSON and text, as one flat list: META, SAFE, the compatibility layer's manifest, tracks,
//! notes, extensions. A field's own fields follow it, so that a fold skips to its end, and a seek table stays what it
//! is: rows read from the file, as far as they are in sight.

mod read;

use std::ops::Range;

use h4mk::container::Container;
use h4mk::finding::Severity;
use h4mk::index::Chunk;
use h4mk::json::span;
use h4mk::layout::SeekEntry;
use h4mk::task::{Cancelled, Task};

/// Places of a search that are kept; more are counted.
const KEPT_HITS: usize = 1_000_000;

/// Entries searched between looks at the cancel flag.
const STRIDE: u64 = 4096;

/// What a field is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeKey {
    /// A document: its tag, or `manifest`.
    Document(String),
    /// A field of an object.
    Field(Box<str>),
    /// An element of an array.
    Element(u64),
    /// Not of the file: something that is said about it.
    None,
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeValue {
    /// So many fields.
    Object(u64),
    /// So many elements.
    Array(u64),
    /// Text, as the file has it.
    String(Box<str>),
    /// A number, as written.
    Number(Box<str>),
    /// true or false.
    Bool(bool),
    /// null.
    Null,
    /// A seek table, whose entries aren't nodes.
    SeekTable(u64),
    /// Bytes that could not be read as what they should be.
    Bytes(u64),
    /// What is wrong with the document.
    Note(Severity, String),
    /// More chunks than are shown.
    More(u64),
}

impl NodeValue {
    /// Its type in JSON's words, with the number of fields or elements; empty for what isn't a field.
    pub fn type_name(&self) -> String {
        match self {
            Self::Object(fields) => format!("object({fields})"),
            Self::Array(elements) | Self::SeekTable(elements) => format!("array({elements})"),
            Self::String(_) => "string".to_owned(),
            Self::Number(_) => "number".to_owned(),
            Self::Bool(_) => "bool".to_owned(),
            Self::Null => "null".to_owned(),
            Self::Bytes(_) => "bytes".to_owned(),
            Self::Note(..) | Self::More(_) => String::new(),
        }
    }

    /// The value of a field that has no fields of its own, as text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::String(text) | Self::Number(text) => Some(text),
            Self::Bool(true) => Some("true"),
            Self::Bool(false) => Some("false"),
            Self::Null => Some("null"),
            Self::Note(_, text) => Some(text),
            Self::Object(_) | Self::Array(_) | Self::SeekTable(_) | Self::Bytes(_) | Self::More(_) => None,
        }
    }
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is called.
    pub key: NodeKey,
    /// What it holds.
    pub content: NodeValue,
    /// How many fields it is inside of.
    pub depth: usize,
    /// What is wrong with it.
    pub flag: Option<Box<str>>,
    parent: Option<u32>,
    /// The node after its last field.
    end: u32,
    /// The bytes at fault in the file (notes only).
    bytes: Option<(u64, u64)>,
}

/// One document.
#[derive(Debug, Clone)]
pub struct Root {
    /// Its node.
    pub node: u32,
    /// The chunk it is stored in; `None` for the manifest, which is put together from several.
    pub chunk: Option<Chunk>,
    form: Encoding,
}

/// How a document's fields are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Json,
    BinaryMeta,
    Text,
    Manifest,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct JsonTree {
    nodes: Vec<Node>,
    roots: Vec<Root>,
    seek: Option<u32>,
}

/// A row that shows one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TreeRow {
    /// A field.
    Node(u32),
    /// An entry of the manifest's seek table, which is that field.
    Entry(u32, u64),
}

impl TreeRow {
    /// The field that the row is, or is in.
    pub fn node(self) -> u32 {
        match self {
            Self::Node(node) | Self::Entry(node, _) => node,
        }
    }

    /// The row as a search names it.
    pub fn place(self) -> (u32, Option<u64>) {
        match self {
            Self::Node(node) => (node, None),
            Self::Entry(node, entry) => (node, Some(entry)),
        }
    }
}

/// Where a text occurs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hits {
    /// The text.
    pub text: String,
    /// Nodes, and entries of the seek table, in the order they are shown in.
    pub places: Vec<(u32, Option<u64>)>,
    /// How many there are, more than are kept included.
    pub total: u64,
}

impl JsonTree {
    /// The field at a place of the list.
    pub fn node(&self, node: u32) -> Option<&Node> {
        self.nodes.get(node as usize)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Nothing is said at all.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The document of a field.
    pub fn root(&self, node: u32) -> Option<&Root> {
        let after = self.roots.partition_point(|root| root.node <= node);
        self.roots.get(after.checked_sub(1)?)
    }

    /// The documents.
    pub fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// The field that a field is in.
    pub fn parent(&self, node: u32) -> Option<u32> {
        self.node(node)?.parent
    }

    /// The manifest's seek table.
    pub fn seek(&self) -> Option<u32> {
        self.seek
    }

    /// Whether a field has fields of its own, or says something about its document.
    pub fn can_open(&self, node: u32) -> bool {
        self.node(node).is_some_and(|n| n.end > node + 1 || matches!(n.content, NodeValue::SeekTable(1..)))
    }

    /// The fields in sight, where `is_open` says which show theirs.
    pub fn rows(&self, is_open: impl Fn(u32) -> bool) -> Vec<u32> {
        let mut rows = Vec::new();
        let mut at = 0;
        while let Some(node) = self.node(at) {
            rows.push(at);
            at = if is_open(at) { at + 1 } else { node.end.max(at + 1) };
        }
        rows
    }

    /// The JSON Pointer of a field in its document.
    pub fn pointer(&self, node: u32) -> String {
        let mut parts = Vec::new();
        let mut at = Some(node);
        while let Some(node) = at.and_then(|at| self.node(at)) {
            match &node.key {
                NodeKey::Field(key) => parts.push(key.replace('~', "~0").replace('/', "~1")),
                NodeKey::Element(element) => parts.push(element.to_string()),
                NodeKey::Document(_) | NodeKey::None => {}
            }
            at = node.parent;
        }
        parts.iter().rev().fold(String::new(), |pointer, part| pointer + "/" + part)
    }

    /// The bytes of a field in the file, its key included; a field of the manifest is looked up where it came from.
    fn bytes(&self, container: &Container, node: u32) -> Option<Range<u64>> {
        let (root, found) = (self.root(node)?, self.node(node)?);
        if let Some((start, end)) = found.bytes {
            return Some(start..end);
        }
        let payload = |chunk: &Chunk| chunk.payload_offset()..chunk.payload_offset() + chunk.len();
        let pointer = self.pointer(node);
        match (root.form, &root.chunk) {
            (_, Some(chunk)) if pointer.is_empty() => Some(payload(chunk)),
            (Encoding::Json, Some(chunk)) => span(container, chunk, &pointer),
            (Encoding::BinaryMeta, Some(chunk)) => {
                let field = if pointer == "/duration_us" { 0..8 } else { 8..12 };
                Some(chunk.payload_offset() + field.start..chunk.payload_offset() + field.end)
            }
            (Encoding::Text, _) | (_, None) if root.form != Encoding::Manifest => None,
            _ => match pointer.split('/').nth(1)? {
                "seek" => container.manifest_table_chunk().map(|chunk| payload(&chunk)),
                "safe" => span(container, &container.safe_chunk()?, pointer.strip_prefix("/safe")?),
                _ => span(container, &container.meta_chunk()?, &pointer),
            },
        }
    }

    /// The bytes of a field's value in the file, without its key.
    fn value_bytes(&self, container: &Container, node: u32) -> Option<Range<u64>> {
        let root = self.root(node)?;
        let pointer = self.pointer(node);
        let (chunk, pointer) = match (root.form, root.chunk) {
            (Encoding::Json, Some(chunk)) => (chunk, pointer.as_str()),
            (Encoding::Manifest, _) if pointer.starts_with("/safe") => (container.safe_chunk()?, pointer.get(5..)?),
            (Encoding::Manifest, _) if pointer.starts_with("/compression") => {
                (container.meta_chunk()?, pointer.as_str())
            }
            _ => return None,
        };
        let found = span::find(&container.sidecar_payload(&chunk).read(), pointer)?.value;
        Some(chunk.payload_offset() + found.start..chunk.payload_offset() + found.end)
    }

    /// The bytes of an entry of the manifest's seek table; `None` where it is packed into META.
    fn entry_bytes(&self, container: &Container, entry: u64) -> Option<Range<u64>> {
        match container.seek_table().filter(|table| !table.rows.is_empty()) {
            Some(table) => {
                let (first, row) = (container.seek_chunk()?.payload_offset().checked_add(4)?, table.rows.range(entry));
                Some(first.checked_add(row.start)?..first.checked_add(row.end)?)
            }
            None => container.tracks()?.list.first()?.row(entry),
        }
    }

    /// The bytes of a row in the file.
    pub fn bytes_of_row(&self, container: &Container, row: TreeRow) -> Option<Range<u64>> {
        match row {
            TreeRow::Node(node) => self.bytes(container, node),
            TreeRow::Entry(_, entry) => self.entry_bytes(container, entry),
        }
    }

    /// The value of a row: of an object or an array, as the file has it.
    pub fn value_of_row(&self, container: &Container, row: TreeRow) -> Option<String> {
        let node = match row {
            TreeRow::Entry(_, at) => return Some(entry_text(container.manifest_table()?.rows.get(at)?)),
            TreeRow::Node(node) => node,
        };
        if let Some(text) = self.node(node)?.content.text() {
            return Some(text.to_owned());
        }
        let bytes = container.bytes().range(self.value_bytes(container, node)?).to_vec();
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The places where a text occurs in a key or a value; upper and lower case of ASCII letters are the same.
    pub fn search(&self, container: &Container, text: &str, task: &Task) -> Result<Hits, Cancelled> {
        let mut hits = Hits { text: text.to_owned(), ..Hits::default() };
        let mut hit = |place| {
            hits.total += 1;
            if hits.places.len() < KEPT_HITS {
                hits.places.push(place);
            }
        };
        let entries = container.manifest_table().map(|table| table.rows);
        task.set_total(self.nodes.len() as u64 + entries.map_or(0, |rows| rows.len()));
        for (at, node) in (0..).zip(&self.nodes) {
            let of_key = match &node.key {
                NodeKey::Document(key) => find(key, text).is_some(),
                NodeKey::Field(key) => find(key, text).is_some(),
                NodeKey::Element(_) | NodeKey::None => false,
            };
            if of_key || node.content.text().is_some_and(|value| find(value, text).is_some()) {
                hit((at, None));
            }
            if Some(at) == self.seek {
                for (entry, row) in (0..).zip(entries.iter().flat_map(|rows| rows.iter())) {
                    if find(&entry_text(row), text).is_some() {
                        hit((at, Some(entry)));
                    }
                    if entry % STRIDE == 0 {
                        task.advance(STRIDE)?;
                    }
                }
            }
            if u64::from(at) % STRIDE == 0 {
                task.check()?;
            }
        }
        Ok(hits)
    }
}

fn span(container: &Container, chunk: &Chunk, pointer: &str) -> Option<Range<u64>> {
    let found = span::find(&container.sidecar_payload(chunk).read(), pointer)?.whole();
    Some(chunk.payload_offset() + found.start..chunk.payload_offset() + found.end)
}

/// A row of the manifest's seek table, as its JSON would say it.
pub fn entry_text(entry: SeekEntry) -> String {
    format!("pts_us: {}, block_offset: {}", entry.pts_us, entry.offset)
}

/// Where a text occurs in another for the first time; upper and lower case of ASCII letters are the same.
pub fn find(text: &str, part: &str) -> Option<Range<usize>> {
    if part.is_empty() {
        return None;
    }
    let at = text.as_bytes().windows(part.len()).position(|window| window.eq_ignore_ascii_case(part.as_bytes()))?;
    Some(at..at + part.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::{container, container_with};

    fn keys(fields: &JsonTree, is_open: impl Fn(u32) -> bool) -> Vec<String> {
        let name = |node: u32| match &fields.node(node).unwrap().key {
            NodeKey::Document(name) => name.clone(),
            NodeKey::Field(key) => key.to_string(),
            NodeKey::Element(at) => at.to_string(),
            NodeKey::None => "note".to_owned(),
        };
        fields.rows(is_open).into_iter().map(name).collect()
    }

    fn at(fields: &JsonTree, document: &str, pointer: &str) -> u32 {
        let is_it = |node: &u32| {
            let root = fields.root(*node).unwrap();
            fields.pointer(*node) == pointer
                && fields.node(root.node).unwrap().key == NodeKey::Document(document.into())
        };
        (0..fields.len() as u32).find(is_it).unwrap_or_else(|| panic!("{document} {pointer}"))
    }

    fn bytes(container: &Container, fields: &JsonTree, document: &str, pointer: &str) -> String {
        let range = fields.bytes(container, at(fields, document, pointer)).unwrap();
        String::from_utf8(container.bytes().range(range).to_vec()).unwrap()
    }

    #[test]
    fn folds_skip_what_is_inside() {
        let fields = JsonTree::new(&container());
        assert_eq!(keys(&fields, |_| false), ["META", "SAFE", "manifest"]);
        let open = keys(&fields, |node| fields.node(node).unwrap().depth == 0);
        assert_eq!(open[..6], ["META", "block_size", "fps_hint", "gop", "compression", "SAFE"]);
        assert_eq!(keys(&fields, |_| true)[5], "engine");
    }

    #[test]
    fn fields_lead_to_their_bytes_and_the_manifest_s_to_where_they_came_from() {
        let container = container();
        let fields = JsonTree::new(&container);
        assert_eq!(bytes(&container, &fields, "META", "/gop"), r#""gop":4"#);
        let engine = r#""engine":"geometric-reference""#;
        assert_eq!(bytes(&container, &fields, "META", "/compression/engine"), engine);
        assert_eq!(bytes(&container, &fields, "manifest", "/compression/engine"), engine);
        assert_eq!(bytes(&container, &fields, "manifest", "/safe/scope"), r#""scope":"test""#);
        assert_eq!(fields.bytes(&container, at(&fields, "manifest", "/project")), None, "a default");
        let seek = fields.seek().unwrap();
        let table = fields.bytes(&container, seek).unwrap();
        assert_eq!(table.end - table.start, 36);
        assert_eq!(fields.node(seek).unwrap().content, NodeValue::SeekTable(2));
    }

    #[test]
    fn faults_are_flagged_in_place() {
        let container = container_with(br#"{"gop":0,"a":{"b":1,"b":2}}"#);
        let fields = JsonTree::new(&container);
        let flag = |pointer| fields.node(at(&fields, "META", pointer)).unwrap().flag.clone().unwrap_or_default();
        assert!(flag("/gop").starts_with("ignored: expected a whole number, 1 or more"), "{}", flag("/gop"));
        assert_eq!((&*flag("/a/b"), &*flag("/a")), ("occurs more than once: the last one counts", ""));
        let broken = container_with(b"{\"gop\":}");
        let fields = JsonTree::new(&broken);
        assert_eq!(keys(&fields, |_| true)[..2], ["META", "note"]);
        assert_eq!(broken.bytes().get(fields.bytes(&broken, 1).unwrap().start), Some(b'}'));
        let binary = container_with(&[0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 3]);
        let fields = JsonTree::new(&binary);
        assert_eq!(keys(&fields, |_| true)[..4], ["META", "note", "duration_us", "frame_count"]);
        let frame_count = fields.bytes(&binary, 3).unwrap();
        assert_eq!(frame_count.end - frame_count.start, 4);
    }

    #[test]
    fn keys_values_and_entries_are_searched() {
        let container = container();
        let fields = JsonTree::new(&container);
        let hits = |text| fields.search(&container, text, &Task::default()).unwrap();
        assert_eq!(hits("GOP").places, [(at(&fields, "META", "/gop"), None)]);
        assert_eq!(hits("geometric").total, 2, "META and the manifest");
        assert_eq!(hits("133332").places, [(fields.seek().unwrap(), Some(1))]);
        assert_eq!(hits("").total, 0);
    }
}
