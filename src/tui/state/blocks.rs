//! The list of blocks: which are listed, in which order, what was read of them, and the columns they are shown in.

pub(in crate::tui::state) mod behaviour;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::report::Measure;
use crate::tui::rows::Window;
use crate::tui::text::count_text;
use h4mk::container::Container;
use h4mk::explore::sorted_blocks::{Column, Filter, Order, SortedBlocks};
use h4mk::index::Chunk;
use h4mk::size;
use h4mk::text::escape;

/// What was read of blocks is forgotten beyond this many.
const REMEMBERED: usize = 10_000;

/// What the Blocks view shows.
#[derive(Debug, Default)]
pub struct BlockList {
    /// The rows in sight, and the one under the cursor.
    pub window: Window,
    /// The order asked for.
    pub order: Order,
    /// The blocks asked for.
    pub filter: Filter,
    /// What is listed; `None` for all blocks by index (or from the last to the first).
    sorted: Option<Arc<SortedBlocks>>,
    /// Without a sorted list: an order that is the file's own, or its mirror.
    natural: Order,
    /// What the last list was asked for.
    asked: Option<(Filter, Order, Arc<Container>)>,
    measures: BTreeMap<u64, Measure>,
    /// What `measures` are of.
    measured: Option<Arc<Container>>,
}

impl BlockList {
    /// The sorted list that is shown, where it is not all blocks by index.
    pub fn sorted(&self) -> Option<&SortedBlocks> {
        self.sorted.as_deref()
    }

    /// The order of what is shown, which may not be yet what was asked for.
    pub fn shown_order(&self) -> Order {
        match &self.sorted {
            Some(sorted) => sorted.order,
            None => self.natural,
        }
    }

    /// How many rows there are.
    pub fn len(&self, container: &Container) -> u64 {
        self.sorted.as_ref().map_or(container.index().blocks(), |sorted| sorted.len())
    }

    /// The block in a row.
    pub fn block(&self, container: &Container, row: u64) -> Option<u64> {
        match (&self.sorted, container.index().blocks()) {
            (Some(sorted), _) => sorted.block(row),
            (None, blocks) if self.natural.descending => blocks.checked_sub(row)?.checked_sub(1),
            (None, blocks) => Some(row).filter(|row| *row < blocks),
        }
    }

    /// The row of a block.
    pub fn row(&self, container: &Container, block: u64) -> Option<u64> {
        match &self.sorted {
            Some(sorted) => sorted.row(block),
            // From the last to the first, rows and blocks are each other's mirror.
            None => self.block(container, block),
        }
    }

    /// What was read of a block.
    pub fn measure(&self, block: u64) -> Option<Measure> {
        self.measures.get(&block).copied()
    }

    pub(super) fn measured(&mut self, chunk: &Chunk, measure: Measure) {
        let Some(block) = chunk.block() else { return };
        if self.measures.len() >= REMEMBERED {
            self.measures.clear();
        }
        self.measures.insert(block, measure);
    }

    /// Stays with what is shown.
    pub(super) fn give_up(&mut self) {
        (self.filter, self.order) = match &self.sorted {
            Some(sorted) => (sorted.filter.clone(), sorted.order),
            None => (Filter::default(), self.natural),
        };
        if let Some((filter, order, _)) = &mut self.asked {
            (*filter, *order) = (self.filter.clone(), self.order);
        }
    }

    /// The filter as it is typed; empty for none.
    pub(super) fn filter_text(&self) -> String {
        if self.filter.is_empty() { String::new() } else { self.filter.to_string() }
    }
}

/// Reads a filter: words that all must hold.
pub fn parse_filter(text: &str) -> Result<Filter, String> {
    let mut filter = Filter::default();
    // A track's id may hold spaces: it takes the rest of the line.
    let (words, track) = match text.split_once("track=") {
        Some((words, id)) => (words, Some(id.trim())),
        None => (text, None),
    };
    for word in words.split([' ', ',']).filter(|word| !word.is_empty()) {
        let size = |text: &str| size::parse(text).map_err(|error| format!("`{}`: {error}", escape(text)));
        match word {
            "all" => {}
            "keyframes" | "keyframe" | "keys" => filter.keyframes = true,
            "damaged" | "damage" | "bad" => filter.damaged = true,
            _ if word.starts_with('>') => filter.larger_than = Some(size(word.trim_start_matches('>'))?),
            _ if word.starts_with('<') => filter.smaller_than = Some(size(word.trim_start_matches('<'))?),
            _ => return Err(format!("`{}`: write keyframes, damaged, >SIZE, <SIZE, track=ID or all", escape(word))),
        }
    }
    filter.track = track.filter(|id| !id.is_empty()).map(str::to_owned);
    Ok(filter)
}

/// A column of the table as it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// What it says.
    pub column: Column,
    /// Its first column on the screen, from the pane's.
    pub x: u16,
    /// How wide it is.
    pub width: u16,
}

/// Columns on the screen between two columns of the table.
const SPACE: u16 = 2;

/// The columns of the table that there is room for, in the order they are drawn in, and how wide they are.
pub fn table(container: &Container, width: u16) -> Vec<Cell> {
    let index = container.index();
    let digits = |n: u64| u16::try_from(count_text(n).len()).unwrap_or(u16::MAX);
    let tracks = container.tracks().filter(|tracks| tracks.indexed);
    let time = container.span().map(|span| h4mk::time::format_us(span.end_us).len());
    let track_columns = tracks.map_or(0, |tracks| {
        let longest = tracks.list.iter().map(|track| crate::tui::text::width(&escape(&track.id))).max().unwrap_or(0);
        longest.clamp(5, 12)
    });
    let stored = digits(container.source().len().min(u64::from(u32::MAX))).max(6);
    // In the order they are drawn in, with what is missed least last.
    let columns = [
        (Column::Index, digits(index.blocks()).max(5), 0),
        (Column::Track, track_columns as u16, 7),
        (Column::Kind, if tracks.is_some() { 4 } else { 0 }, 8),
        (Column::Keyframe, 3, 4),
        (Column::Pts, time.map_or(0, |len| len as u16), 3),
        (Column::Offset, (format!("{:#x}", container.source().len()).len() as u16).max(6), 9),
        (Column::Stored, stored, 1),
        (Column::Decoded, stored.max(9), 5),
        (Column::Ratio, 7, 6),
        (Column::Known, 9, 2),
    ];
    let mut by_need: Vec<_> = columns.iter().filter(|(_, width, _)| *width > 0).collect();
    by_need.sort_by_key(|(.., need)| *need);
    // One column for the cursor's glyph.
    let mut room = width.saturating_sub(1);
    let mut taken = Vec::new();
    for (column, width, _) in by_need {
        let needs = width + if taken.is_empty() { 0 } else { SPACE };
        if needs <= room {
            room -= needs;
            taken.push(*column);
        }
    }
    let mut x = 1;
    let mut cells = Vec::new();
    for (column, width, _) in columns.into_iter().filter(|(column, ..)| taken.contains(column)) {
        cells.push(Cell { column, x, width });
        x += width + SPACE;
    }
    cells
}

/// The lines of a pane: header, rows, totals. Below four lines there are only rows.
pub fn lines(height: u16) -> Range<u16> {
    if height < 4 { 0..height } else { 1..height - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::played;
    use proptest::prelude::*;

    #[test]
    fn filters_are_read_as_they_are_shown() {
        let filter = parse_filter("keys, >64KiB  <0x20000 damaged track=left ear").unwrap();
        let expected = Filter {
            keyframes: true,
            damaged: true,
            larger_than: Some(65_536),
            smaller_than: Some(131_072),
            track: Some("left ear".into()),
        };
        assert_eq!(filter, expected);
        assert_eq!(parse_filter(&filter.to_string()), Ok(filter));
        assert_eq!(parse_filter("all"), Ok(Filter::default()));
        assert_eq!(parse_filter(""), Ok(Filter::default()));
        for bad in ["large", ">", ">x", "<1.5"] {
            assert!(parse_filter(bad).is_err(), "{bad}");
        }
    }

    fn columns(width: u16) -> Vec<Column> {
        let container = played(80, 24, "").state().container.clone().unwrap();
        table(&container, width).iter().map(|cell| cell.column).collect()
    }

    #[test]
    fn columns_give_way_by_need() {
        use Column::*;
        assert_eq!(columns(90), [Index, Keyframe, Pts, Offset, Stored, Decoded, Ratio, Known]);
        assert_eq!(columns(52), [Index, Keyframe, Pts, Stored, Known]);
        assert_eq!(columns(26), [Index, Stored, Known]);
        assert_eq!(columns(6), [Index]);
        assert_eq!(columns(0), []);
    }

    proptest! {
        #[test]
        fn any_filter_is_read_or_refused(text in any::<String>()) {
            _ = parse_filter(&text);
        }

        #[test]
        fn columns_fit_and_stay_apart(width in 0u16..300) {
            let container = played(80, 24, "").state().container.clone().unwrap();
            let cells = table(&container, width);
            for pair in cells.windows(2) {
                prop_assert!(pair[0].x + pair[0].width + SPACE <= pair[1].x);
            }
            prop_assert!(cells.last().is_none_or(|cell| cell.x + cell.width <= width));
        }
    }
}
