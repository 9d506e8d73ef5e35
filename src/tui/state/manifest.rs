//! The trees of the Manifest view: what is open in them, and which row the cursor is on.

pub(in crate::tui::state) mod behaviour;
pub mod entries;

use std::collections::BTreeSet;
use std::sync::Arc;

use ratatui::layout::Rect;

use super::description::Description;
pub use crate::tui::json_tree::TreeRow;
use crate::tui::json_tree::{Hits, JsonTree, NodeValue};
use crate::tui::rows::Window;
use behaviour::Waiting;
use entries::Entries;

/// What the view shows.
#[derive(Debug, Default)]
pub struct ManifestPane {
    open: BTreeSet<u32>,
    /// The fields in sight; the entries of the seek table are not listed, only counted.
    rows: Vec<u32>,
    /// The place of the open seek table in the rows, and its entries.
    seek: Option<(u64, u64)>,
    /// The cursor.
    pub window: Window,
    /// Where the text that was searched for occurs.
    pub hits: Option<Hits>,
    /// The description the rows were made from.
    described: Option<Arc<Description>>,
    /// The entries of the seek table that were read.
    pub entries: Entries,
    /// What waits for one of them.
    waiting: Option<Waiting>,
}

impl ManifestPane {
    /// How many rows there are.
    pub fn len(&self) -> u64 {
        self.rows.len() as u64 + self.seek.map_or(0, |(_, entries)| entries)
    }

    /// No row at all.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The row at a place.
    pub fn row(&self, at: u64) -> Option<TreeRow> {
        let node = |at: u64| self.rows.get(usize::try_from(at).ok()?).copied();
        match self.seek {
            Some((seek, entries)) if at > seek => match at - seek - 1 {
                entry if entry < entries => Some(TreeRow::Entry(node(seek)?, entry)),
                after => node(seek.checked_add(1)?.checked_add(after - entries)?).map(TreeRow::Node),
            },
            _ => node(at).map(TreeRow::Node),
        }
    }

    /// The row under the cursor.
    pub fn selected(&self) -> Option<TreeRow> {
        self.row(self.window.cursor())
    }

    /// Whether a field shows what is inside.
    pub fn is_open(&self, node: u32) -> bool {
        self.open.contains(&node)
    }

    /// Whether the search found something on a row.
    pub fn is_hit(&self, row: TreeRow) -> bool {
        self.hits.as_ref().is_some_and(|hits| hits.places.binary_search(&row.place()).is_ok())
    }

    /// The match under the cursor or the one before it, counted from 1; 0 before the first.
    pub fn hit_number(&self) -> Option<usize> {
        let (hits, row) = (self.hits.as_ref()?, self.selected()?);
        Some(hits.places.partition_point(|place| *place <= row.place()))
    }

    /// The place of a row, or of the fold that hides it.
    fn place(&self, fields: &JsonTree, row: TreeRow) -> u64 {
        let mut node = row.node();
        let at = loop {
            match (self.rows.binary_search(&node), fields.parent(node)) {
                (Ok(at), _) => break at as u64,
                (Err(_), Some(parent)) => node = parent,
                (Err(_), None) => break 0,
            }
        };
        match (row, self.seek) {
            (TreeRow::Entry(seek, entry), Some((place, entries))) if node == seek && at == place => {
                at.saturating_add(1).saturating_add(entry.min(entries.saturating_sub(1)))
            }
            (_, Some((place, entries))) if at > place => at.saturating_add(entries),
            _ => at,
        }
    }

    fn list(&mut self, fields: &JsonTree) {
        self.rows = fields.rows(|node| self.open.contains(&node));
        let seek = fields.seek().filter(|seek| self.open.contains(seek));
        self.seek = seek.and_then(|seek| {
            let at = self.rows.binary_search(&seek).ok()? as u64;
            match fields.node(seek)?.content {
                NodeValue::SeekTable(entries) => Some((at, entries)),
                _ => None,
            }
        });
    }

    fn set_open(&mut self, fields: &JsonTree, node: u32, open: bool) {
        if fields.can_open(node) {
            if open {
                self.open.insert(node)
            } else {
                self.open.remove(&node)
            };
            self.list(fields);
        }
    }

    /// Opens all that hides a row.
    fn reveal(&mut self, fields: &JsonTree, row: TreeRow) {
        let mut inside = match row {
            TreeRow::Node(node) => fields.parent(node),
            TreeRow::Entry(seek, _) => Some(seek),
        };
        while let Some(node) = inside {
            self.open.insert(node);
            inside = fields.parent(node);
        }
        self.list(fields);
    }
}

/// The list's part of the pane; the line below it says where the cursor is.
pub fn list_area(inner: Rect) -> Rect {
    Rect { height: inner.height.saturating_sub(u16::from(inner.height > 2)), ..inner }
}

/// The JSON Pointer of a row in its document.
pub fn pointer(fields: &JsonTree, row: TreeRow) -> String {
    match row {
        TreeRow::Node(node) => fields.pointer(node),
        TreeRow::Entry(node, entry) => format!("{}/{entry}", fields.pointer(node)),
    }
}
