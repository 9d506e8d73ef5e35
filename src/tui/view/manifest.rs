//! The Manifest view: documents as trees of key, type and value, and a line that says where the cursor is.

use ratatui::buffer::Buffer;
use ratatui::text::Span;

use super::painter::Painter;
use super::summary::severity_look;
use crate::tui::json_tree::{JsonTree, NodeKey, NodeValue, entry_text, find};
use crate::tui::layout::PaneArea;
use crate::tui::state::manifest::{TreeRow, list_area, pointer};
use crate::tui::state::{JobKind, Pane, State};
use crate::tui::text::{Align, Keep, count_text, fit, from_file, width};
use crate::tui::theme::Role;

/// Columns of a type where there is room for one.
const TYPE_COLUMNS: usize = 12;

/// The fewest columns in which types have a column of their own.
const TYPES_FROM: usize = 50;

pub(super) fn draw(state: &State, buffer: &mut Buffer, pane: PaneArea) {
    let mut painter = Painter::new(state, buffer);
    let list = list_area(pane.inner);
    let Some(description) = &state.description else {
        let text = match state.jobs.is_running(JobKind::Index) || state.jobs.is_running(JobKind::Describe) {
            true => " the file is still being read",
            false => " there is no container to describe",
        };
        return painter.line(pane.inner, 0, vec![painter.span(Role::Dim, text)]);
    };
    let fields = &description.fields;
    let trees = &state.manifest;
    let columns = usize::from(list.width).saturating_sub(1);
    let visible = trees.window.visible(trees.len(), list.height);
    let rows: Vec<(u64, TreeRow)> = visible.filter_map(|at| Some((at, trees.row(at)?))).collect();
    let keys = rows.iter().map(|(_, row)| key_columns(fields, *row, columns)).max().unwrap_or(0).min(columns * 2 / 5);
    for (y, (at, row)) in (0..).zip(rows) {
        let selected = at == trees.window.cursor();
        let mut spans = vec![painter.span(Role::Text, if selected { painter.glyphs.selected } else { " " })];
        spans.extend(row_spans(state, fields, &painter, row, keys, columns));
        painter.line(list, y, spans);
        if selected {
            let focused = state.focus == Pane::View;
            painter.tint(list, y, if focused { Role::Selection } else { Role::SelectionElsewhere });
        }
    }
    if list.height < pane.inner.height {
        let spans = where_spans(state, fields, &painter, usize::from(pane.inner.width));
        painter.line(pane.inner, list.height, spans);
    }
    painter.scroll_bar(
        PaneArea { scroll_bar: ratatui::layout::Rect { height: list.height, ..pane.scroll_bar }, ..pane },
        &trees.window,
        trees.len(),
    );
}

/// Columns before the key: two a level, no more than a third of the pane, however deep.
fn indent(depth: usize, columns: usize) -> usize {
    depth.saturating_mul(2).min(columns / 3)
}

fn key(fields: &JsonTree, row: TreeRow) -> (usize, String, Role) {
    let depth = |node: u32| fields.node(node).map_or(0, |node| node.depth);
    match row {
        TreeRow::Entry(node, entry) => (depth(node) + 1, entry.to_string(), Role::Dim),
        TreeRow::Node(node) => match fields.node(node).map(|node| &node.key) {
            Some(NodeKey::Document(name)) => (0, name.clone(), Role::Title),
            Some(NodeKey::Field(key)) => (depth(node), key.to_string(), Role::JsonKey),
            Some(NodeKey::Element(at)) => (depth(node), at.to_string(), Role::Dim),
            Some(NodeKey::None) | None => (depth(node), String::new(), Role::Text),
        },
    }
}

/// The columns that indent, fold glyph and key take; none for what has no key.
fn key_columns(fields: &JsonTree, row: TreeRow, columns: usize) -> usize {
    let (depth, key, _) = key(fields, row);
    // Keys that are longer are cut anyway.
    let key = from_file(&key, columns, Keep::Start, "");
    if key.is_empty() { 0 } else { indent(depth, columns) + 2 + width(&key) }
}

fn row_spans(
    state: &State,
    fields: &JsonTree,
    painter: &Painter<'_>,
    row: TreeRow,
    keys: usize,
    columns: usize,
) -> Vec<Span<'static>> {
    let glyphs = painter.glyphs;
    let (depth, name, role) = key(fields, row);
    let indent = indent(depth, columns).min(keys);
    let fold = match row {
        TreeRow::Node(node) if fields.can_open(node) && state.manifest.is_open(node) => glyphs.open,
        TreeRow::Node(node) if fields.can_open(node) => glyphs.closed,
        _ => " ",
    };
    let needle = state.manifest.hits.as_ref().filter(|_| state.manifest.is_hit(row)).map(|hits| hits.text.as_str());
    let current = Some(row) == state.manifest.selected();
    let marked = |text: String, role| mark(painter, text, role, needle, current);
    let mut spans = vec![painter.span(Role::Dim, format!("{:indent$}{fold} ", ""))];

    let node = match row {
        TreeRow::Node(node) => fields.node(node),
        TreeRow::Entry(..) => None,
    };
    if let Some(NodeValue::Note(severity, said)) = node.map(|node| &node.content) {
        let (role, glyph) = severity_look(*severity, glyphs);
        spans.push(painter.span(role, format!("{glyph} {}", from_file(said, columns, Keep::Start, glyphs.ellipsis))));
        return spans;
    }
    let room = keys.saturating_sub(indent + 2);
    let shown = from_file(&name, room, Keep::Start, glyphs.ellipsis);
    let pad = room.saturating_sub(width(&shown)) + 2;
    spans.extend(marked(shown, role));
    spans.push(painter.span(Role::Text, " ".repeat(pad)));
    let mut left = columns.saturating_sub(keys + 2);

    let type_name = match (row, node) {
        (TreeRow::Entry(..), _) => "object(2)".to_owned(),
        (_, Some(node)) => node.content.type_name(),
        _ => String::new(),
    };
    let has_value = matches!(row, TreeRow::Entry(..)) || node.is_some_and(|node| node.content.text().is_some());
    if columns >= TYPES_FROM {
        let wide = TYPE_COLUMNS.max(width(&type_name));
        spans.push(painter.span(Role::Dim, format!("{} ", fit(&type_name, wide, Align::Left, ""))));
        left = left.saturating_sub(wide + 1);
    } else if !has_value {
        spans.push(painter.span(Role::Dim, format!("{type_name} ")));
        left = left.saturating_sub(width(&type_name) + 1);
    }

    let flag = node.and_then(|node| node.flag.as_deref());
    let flag =
        flag.map(|flag| format!("  {} {}", glyphs.warning, from_file(flag, columns, Keep::Start, glyphs.ellipsis)));
    let for_value = left.saturating_sub(flag.as_ref().map_or(0, |flag| width(flag))).max(left.min(12));
    spans.extend(value_spans(state, fields, painter, row, for_value, &marked));
    spans.extend(flag.map(|flag| painter.span(Role::Warning, flag)));
    spans
}

fn value_spans(
    state: &State,
    fields: &JsonTree,
    painter: &Painter<'_>,
    row: TreeRow,
    room: usize,
    marked: &dyn Fn(String, Role) -> Vec<Span<'static>>,
) -> Vec<Span<'static>> {
    let ellipsis = painter.glyphs.ellipsis;
    let cut = |text: &str| from_file(text, room, Keep::Start, ellipsis);
    let node = match row {
        TreeRow::Entry(_, at) => {
            let Some(entry) = state.manifest.entries.get(at) else {
                return vec![painter.span(Role::Dim, ellipsis)];
            };
            let text = entry_text(entry.entry);
            let block = entry.block.map_or("no block".to_owned(), |block| format!("block {block}"));
            let mut spans = marked(cut(&text), Role::JsonNumber);
            spans.push(painter.span(Role::Dim, format!("  {} {block}", painter.glyphs.arrow)));
            return spans;
        }
        TreeRow::Node(node) => node,
    };
    let Some(field) = fields.node(node) else { return Vec::new() };
    match &field.content {
        NodeValue::String(text) => {
            let shown = from_file(text, room.saturating_sub(2), Keep::Start, ellipsis);
            let quote = || painter.span(Role::JsonString, "\"");
            std::iter::once(quote()).chain(marked(shown, Role::JsonString)).chain([quote()]).collect()
        }
        NodeValue::Number(number) => marked(cut(number), Role::JsonNumber),
        content @ (NodeValue::Bool(_) | NodeValue::Null) => {
            marked(content.text().unwrap_or_default().to_owned(), Role::JsonLiteral)
        }
        NodeValue::More(chunks) => vec![painter.span(Role::Dim, format!("{} more chunks", count_text(*chunks)))],
        NodeValue::Object(_)
        | NodeValue::Array(_)
        | NodeValue::SeekTable(_)
        | NodeValue::Bytes(_)
        | NodeValue::Note(..) => {
            let of_chunk = fields.root(node).filter(|root| root.node == node).map(|root| match &root.chunk {
                Some(chunk) => {
                    format!("chunk {} at {:#x}, {} bytes", chunk.index(), chunk.offset(), count_text(chunk.len()))
                }
                None => "from the compatibility layer".to_owned(),
            });
            vec![painter.span(Role::Dim, of_chunk.unwrap_or_default())]
        }
    }
}

/// A text with what was searched for marked in it, where it can be seen.
fn mark(painter: &Painter<'_>, text: String, role: Role, needle: Option<&str>, current: bool) -> Vec<Span<'static>> {
    let hit = if current { Role::MatchCurrent } else { Role::Match };
    let mut spans = Vec::new();
    let mut rest = text.as_str();
    while let Some(found) = needle.and_then(|needle| find(rest, needle)) {
        let parts = rest.get(..found.start).zip(rest.get(found.clone())).zip(rest.get(found.end..));
        let Some(((before, inside), after)) = parts else { break };
        spans.push(painter.span(role, before));
        spans.push(painter.span(hit, inside));
        rest = after;
    }
    spans.push(painter.span(role, rest));
    spans
}

/// Where the cursor is: document and JSON Pointer, type, and which match of how many.
fn where_spans(state: &State, fields: &JsonTree, painter: &Painter<'_>, columns: usize) -> Vec<Span<'static>> {
    let Some(row) = state.manifest.selected() else { return Vec::new() };
    let glyphs = painter.glyphs;
    let root = fields.root(row.node()).and_then(|root| fields.node(root.node));
    let document = match root.map(|root| &root.key) {
        Some(NodeKey::Document(name)) => name.clone(),
        _ => String::new(),
    };
    let matches = match (&state.manifest.hits, state.manifest.hit_number()) {
        (Some(hits), Some(number)) if state.manifest.is_hit(row) => {
            format!("match {number} of {}", count_text(hits.total))
        }
        (Some(hits), _) if hits.total == 1 => "1 match".to_owned(),
        (Some(hits), _) => format!("{} matches", count_text(hits.total)),
        (None, _) => String::new(),
    };
    let kind = match row {
        TreeRow::Entry(..) => "object(2)".to_owned(),
        TreeRow::Node(node) => fields.node(node).map_or_else(String::new, |node| match &node.content {
            NodeValue::String(text) => format!("string, {} bytes", count_text(text.len() as u64)),
            content => content.type_name(),
        }),
    };
    let kind = if kind.is_empty() { kind } else { format!(" {} {kind}", glyphs.separator) };
    let right = if matches.is_empty() { matches } else { format!(" {} {matches}", glyphs.separator) };
    let room = columns.saturating_sub(width(&document) + width(&kind) + width(&right) + 3);
    let pointer = from_file(&pointer(fields, row), room, Keep::End, glyphs.ellipsis);
    vec![
        painter.span(Role::Dim, format!(" {document} ")),
        painter.span(Role::Strong, pointer),
        painter.span(Role::Dim, kind),
        painter.span(Role::Text, right),
    ]
}
