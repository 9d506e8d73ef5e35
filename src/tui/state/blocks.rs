//! The Blocks view's part of the update: which blocks are listed, in which order, and what was read of them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use ratatui::layout::Position;

use super::moment::{self, Goal, Target};
use super::update::{follow_selection, select, show};
use super::views::Behaviour;
use super::{Command, Effect, JobKind, Level, Measure, Pane, Request, Selection, State, View};
use crate::tui::rows::{Motion, Window};
use h4mk::container::Container;
use h4mk::explore::listing::{Column, Filter, Listing, Order};
use h4mk::index::Chunk;
use h4mk::size;
use h4mk::text::escape;
use h4mk::tracks::Tracks;

/// Blocks up to this size are read at once when they come into sight, as long as all of them together are no more than
/// [`READ_AT_ONCE`]; others are read in the background.
const SMALL_BLOCK: u64 = 64 << 10;

/// Bytes that are read between two frames at most.
const READ_AT_ONCE: u64 = 1 << 20;

/// What was read of blocks is forgotten beyond this many.
const REMEMBERED: usize = 10_000;

/// What a key changes about the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Listed {
    /// Ordered by the next column.
    NextColumn,
    /// The other way round.
    Reversed,
    /// Keyframes only, or not only.
    Keyframes,
    /// Damaged ones only, or not only.
    Damaged,
    /// Those of the next track only; after the last, of all.
    NextTrack,
    /// All, by index.
    All,
}

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
    listing: Option<Arc<Listing>>,
    /// Without a listing: an order that is the file's own, or its mirror.
    natural: Order,
    /// What the last listing was asked for.
    asked: Option<(Filter, Order, Arc<Container>)>,
    measures: BTreeMap<u64, Measure>,
    /// What `measures` are of.
    measured: Option<Arc<Container>>,
    /// Blocks that are being read.
    pending: Vec<u64>,
}

impl BlockList {
    /// The listing that is shown, where it is not all blocks by index.
    pub fn listing(&self) -> Option<&Listing> {
        self.listing.as_deref()
    }

    /// The order of what is shown, which may not be yet what was asked for.
    pub fn shown_order(&self) -> Order {
        match &self.listing {
            Some(listing) => listing.order,
            None => self.natural,
        }
    }

    /// How many rows there are.
    pub fn len(&self, container: &Container) -> u64 {
        self.listing.as_ref().map_or(container.index().blocks(), |listing| listing.len())
    }

    /// The block in a row.
    pub fn block(&self, container: &Container, row: u64) -> Option<u64> {
        match (&self.listing, container.index().blocks()) {
            (Some(listing), _) => listing.block(row),
            (None, blocks) if self.natural.descending => blocks.checked_sub(row)?.checked_sub(1),
            (None, blocks) => Some(row).filter(|row| *row < blocks),
        }
    }

    /// The row of a block.
    pub fn row(&self, container: &Container, block: u64) -> Option<u64> {
        match &self.listing {
            Some(listing) => listing.row(block),
            // From the last to the first, rows and blocks are each other's mirror.
            None => self.block(container, block),
        }
    }

    /// What was read of a block.
    pub fn measure(&self, block: u64) -> Option<Measure> {
        self.measures.get(&block).copied()
    }

    pub(super) fn measured(&mut self, chunk: &Chunk, measure: Measure) {
        let Some(block) = chunk.block else { return };
        if self.measures.len() >= REMEMBERED {
            self.measures.clear();
        }
        self.measures.insert(block, measure);
    }

    /// Stays with what is shown.
    pub(super) fn give_up(&mut self) {
        (self.filter, self.order) = match &self.listing {
            Some(listing) => (listing.filter.clone(), listing.order),
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

/// Whether an order is that of the file, or its mirror.
fn is_natural(container: &Container, order: Order) -> bool {
    match order.column {
        Column::Index | Column::Offset => true,
        Column::Pts => !container.tracks().is_some_and(|tracks| tracks.indexed) && container.timeline().is_some(),
        _ => false,
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
            _ => return Err(format!("`{}`: not keyframes, damaged, >SIZE, <SIZE, track=ID, all", escape(word))),
        }
    }
    filter.track = track.filter(|id| !id.is_empty()).map(str::to_owned);
    Ok(filter)
}

/// Lists what an answer to the filter prompt asks for.
pub(super) fn set_filter(state: &mut State, text: &str) -> Result<(), String> {
    let filter = parse_filter(text)?;
    if let Some(id) = &filter.track {
        let tracks = state.container.as_ref().and_then(|container| container.tracks());
        if tracks.is_none_or(|tracks| tracks.by_id(id).is_none()) {
            return Err(format!("there is no track `{}`", escape(id)));
        }
    }
    state.blocks.filter = filter;
    show(state, View::Blocks);
    Ok(())
}

/// Reads a block's number: `45` or `#45`.
fn block_number(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.strip_prefix('#').unwrap_or(text);
    (digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// Goes to a block in the list.
fn go_to(state: &mut State, block: u64) -> Result<(), String> {
    let container = state.container.clone().ok_or("the file is not indexed yet")?;
    let blocks = container.index().blocks();
    let chunk = container.index().block(block).ok_or_else(|| match blocks {
        0 => "there are no blocks".to_owned(),
        blocks => format!("blocks are 0 to {}", blocks - 1),
    })?;
    select(state, Selection::of_chunk(&container, &chunk));
    if state.blocks.row(&container, block).is_none() {
        state.say(Level::Warning, format!("block {block} is selected, and not among those listed; `X` lists all"));
    }
    Ok(())
}

/// A listing was made.
pub(super) fn listed(state: &mut State, listing: Arc<Listing>) {
    let wanted = listing.filter == state.blocks.filter && listing.order == state.blocks.order;
    if wanted {
        state.blocks.listing = Some(listing);
        to_selection(state);
    }
}

/// Puts the cursor on the selected block, or where that is not listed, on the first row.
fn to_selection(state: &mut State) {
    let Some(container) = state.container.clone() else { return };
    let (len, height) = (state.blocks.len(&container), rows_height(state));
    let row = state.selection.block.and_then(|block| state.blocks.row(&container, block));
    state.blocks.window.jump(row.unwrap_or(0), len, height);
}

/// The lines of a pane: header, rows, totals. Below four lines there are only rows.
pub fn lines(height: u16) -> Range<u16> {
    if height < 4 { 0..height } else { 1..height - 1 }
}

fn rows_height(state: &State) -> u16 {
    let lines = lines(state.pane_height(Pane::View));
    lines.end - lines.start
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
    let digits = |n: u64| u16::try_from(crate::tui::view::count_text(n).len()).unwrap_or(u16::MAX);
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

/// The view's behaviour.
pub(super) struct Blocks;

impl Behaviour for Blocks {
    fn run(&self, state: &mut State, command: Command) -> Option<Vec<Effect>> {
        let container = state.container.clone()?;
        let (len, height) = (state.blocks.len(&container), rows_height(state));
        match command {
            Command::Move(Motion::Left | Motion::Right) => return None,
            Command::Move(motion) => {
                state.blocks.window.step(motion, len, height);
                select_row(state, &container);
            }
            Command::NextMatch | Command::PreviousMatch if !state.blocks.filter.is_empty() => {
                let motion = if command == Command::NextMatch { Motion::Down } else { Motion::Up };
                state.blocks.window.step(motion, len, height);
                select_row(state, &container);
            }
            Command::List(Listed::NextTrack) => return Some(next_track(state)),
            Command::List(change) => relist(state, &container, change),
            Command::Open => {
                select_row(state, &container);
                show(state, View::Hex);
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    fn follow(&self, state: &mut State) {
        let Some(container) = state.container.clone() else { return };
        let row = state.selection.block.and_then(|block| state.blocks.row(&container, block));
        if let Some(row) = row {
            let (len, height) = (state.blocks.len(&container), rows_height(state));
            state.blocks.window.jump(row, len, height);
        }
    }

    fn refit(&self, state: &mut State) {
        let Some(container) = state.container.clone() else { return };
        let (len, height) = (state.blocks.len(&container), rows_height(state));
        state.blocks.window.set_cursor(state.blocks.window.cursor(), len, height);
    }

    fn click(&self, state: &mut State, at: Position) -> Vec<Effect> {
        let Some(container) = state.container.clone() else { return Vec::new() };
        let Some(pane) = state.areas().and_then(|areas| areas.pane(Pane::View)) else { return Vec::new() };
        let Some(line) = pane.line_at(at) else { return Vec::new() };
        let lines = lines(pane.inner.height);
        if line < lines.start {
            let x = at.x - pane.inner.x;
            let cells = table(&container, pane.inner.width);
            if let Some(cell) = cells.iter().rfind(|cell| cell.x <= x) {
                let order = state.blocks.order;
                let descending = order.column == cell.column && !order.descending;
                state.blocks.order = Order { column: cell.column, descending };
            }
        } else if lines.contains(&line)
            && let Some(row) = state.blocks.window.row_at(line - lines.start, state.blocks.len(&container))
        {
            let again = row == state.blocks.window.cursor();
            state.blocks.window.set_cursor(row, state.blocks.len(&container), lines.end - lines.start);
            select_row(state, &container);
            if again {
                show(state, View::Hex);
            }
        }
        Vec::new()
    }

    fn wheel(&self, state: &mut State, rows: i64) {
        let Some(container) = state.container.clone() else { return };
        let (len, height) = (state.blocks.len(&container), rows_height(state));
        state.blocks.window.scroll(rows, len, height);
        select_row(state, &container);
    }

    fn wants(&self, state: &mut State) -> Vec<Effect> {
        let Some(container) = state.container.clone() else { return Vec::new() };
        let mut effects = list_wanted(state, &container);
        effects.extend(measures_wanted(state, &container));
        effects
    }

    fn findable(&self) -> &'static str {
        "a block: 45  #45; or which: keyframes  damaged  >64KiB  <1MB  track=ID  all"
    }

    fn find(&self, state: &mut State, text: &str) -> Result<Vec<Effect>, String> {
        match block_number(text) {
            Some(block) => go_to(state, block)?,
            None => set_filter(state, text)?,
        }
        Ok(Vec::new())
    }
}

/// The block under the cursor becomes what is selected. Walking over rows leaves no trail in the history.
fn select_row(state: &mut State, container: &Container) {
    let block = state.blocks.block(container, state.blocks.window.cursor());
    if let Some(chunk) = block.and_then(|block| container.index().block(block)) {
        state.selection = Selection::of_chunk(container, &chunk);
        follow_selection(state);
    }
}

/// The tracks whose blocks can be listed apart.
pub(super) fn tracks(state: &State) -> Option<&Tracks> {
    state.container.as_ref()?.tracks().filter(|tracks| tracks.indexed)
}

/// Says that there are none.
pub(super) fn no_tracks(state: &mut State) {
    state.say(Level::Warning, "the file has no tracks whose blocks could be listed apart");
}

/// Changes what is listed.
pub(super) fn relist(state: &mut State, container: &Container, change: Listed) {
    let tracks = container.tracks().filter(|tracks| tracks.indexed);
    let width = state.areas().and_then(|areas| areas.pane(Pane::View)).map_or(0, |pane| pane.inner.width);
    let list = &mut state.blocks;
    match change {
        Listed::NextColumn => {
            // Of the columns that are in sight.
            let cells = table(container, width);
            let at = cells.iter().position(|cell| cell.column == list.order.column);
            let next = at.map_or(0, |at| at + 1);
            let column = cells.get(next).or(cells.first()).map_or(Column::Index, |cell| cell.column);
            list.order = Order { column, descending: false };
        }
        Listed::Reversed => list.order.descending = !list.order.descending,
        Listed::Keyframes => list.filter.keyframes = !list.filter.keyframes,
        Listed::Damaged => list.filter.damaged = !list.filter.damaged,
        Listed::NextTrack => {
            let Some(tracks) = tracks else { return no_tracks(state) };
            let at = list.filter.track.as_ref().and_then(|id| tracks.list.iter().position(|track| track.id == *id));
            let next = tracks.list.get(at.map_or(0, |at| at + 1));
            list.filter.track = next.map(|track| track.id.clone());
        }
        Listed::All => (list.filter, list.order) = (Filter::default(), Order::default()),
    }
}

/// Lists the blocks of the next track, and selects the one that plays where the playhead stands.
pub(super) fn next_track(state: &mut State) -> Vec<Effect> {
    let Some(container) = state.container.clone() else { return Vec::new() };
    relist(state, &container, Listed::NextTrack);
    match (state.blocks.filter.track.clone(), state.selection.time_us) {
        (Some(track), Some(at)) => {
            vec![moment::seek(state, &container, Target::Time(at, Some(track)), Goal::Follow)]
        }
        _ => Vec::new(),
    }
}

/// The job that lists what was asked for, where that is not what is shown.
fn list_wanted(state: &mut State, container: &Arc<Container>) -> Vec<Effect> {
    let list = &mut state.blocks;
    if list.filter.is_empty() && is_natural(container, list.order) {
        list.asked = None;
        state.jobs.cancel(JobKind::List);
        if list.listing.take().is_some() || list.natural != list.order {
            list.natural = list.order;
            to_selection(state);
        }
        return Vec::new();
    }
    let same = |asked: &(Filter, Order, Arc<Container>)| asked.0 == list.filter && asked.1 == list.order;
    let asked = list.asked.as_ref().filter(|asked| same(asked));
    let current = asked.is_some_and(|asked| Arc::ptr_eq(&asked.2, container));
    // While more and more of the file is walked, a listing of less of it is finished first.
    if current || (asked.is_some() && state.jobs.is_running(JobKind::List)) {
        return Vec::new();
    }
    list.asked = Some((list.filter.clone(), list.order, container.clone()));
    let request = Request::List {
        container: container.clone(),
        filter: list.filter.clone(),
        order: list.order,
        knowledge: state.knowledge.clone(),
    };
    vec![Effect::Start(state.jobs.start(request))]
}

/// Reads the blocks in sight: small ones at once, large ones in the background.
fn measures_wanted(state: &mut State, container: &Arc<Container>) -> Vec<Effect> {
    let height = rows_height(state);
    let list = &mut state.blocks;
    if !list.measured.as_ref().is_some_and(|of| Arc::ptr_eq(of, container)) {
        list.measures.clear();
        list.pending.clear();
        list.measured = Some(container.clone());
    }
    let visible = list.window.visible(list.len(container), height);
    let mut room = READ_AT_ONCE;
    let mut rest = Vec::new();
    for block in visible.filter_map(|row| list.block(container, row)).collect::<Vec<_>>() {
        let Some(chunk) = container.index().block(block).filter(|_| list.measure(block).is_none()) else { continue };
        // What a wrong CRC means a worker finds out: the length may hide other blocks.
        if chunk.len <= SMALL_BLOCK.min(room) && !container.is_doubted(&chunk) {
            room -= chunk.len;
            list.measured(&chunk, Measure::of(container, &chunk));
        } else {
            rest.push(chunk);
        }
    }
    if rest.is_empty() || rest.iter().filter_map(|chunk| chunk.block).all(|block| list.pending.contains(&block)) {
        return Vec::new();
    }
    list.pending = rest.iter().filter_map(|chunk| chunk.block).collect();
    vec![Effect::Start(state.jobs.start(Request::Measure(container.clone(), rest)))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::headless::Player;
    use crate::tui::state::{Action, update};
    use crate::tui::testing::{played, setup};
    use h4mk::source::Source;
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

    #[test]
    fn a_number_leads_to_its_block() {
        let at = |keys: &str| {
            let player = played(80, 24, keys);
            let error = player.state().prompt.as_ref().and_then(|prompt| prompt.error.clone());
            (player.state().selection.block, error)
        };
        assert_eq!(at("4/5<Enter>"), (Some(5), None));
        assert_eq!(at("4/#6<Enter>"), (Some(6), None));
        assert_eq!(at("4/8<Enter>"), (Some(0), Some("blocks are 0 to 7".to_owned())));
        assert!(at("4/text<Enter>").1.is_some());
        let filtered = played(80, 24, "4K/5<Enter>");
        assert!(filtered.state().message.as_ref().unwrap().text.contains("not among those listed"));
        for bad in ["", "#", "1x", "99999999999999999999"] {
            assert_eq!(block_number(bad), None, "{bad}");
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

    #[test]
    fn large_blocks_are_read_in_the_background() {
        let pairs = [7u8, 255].repeat(100_000);
        let mut file = b"H4MK\0\x01\0\0CORE".to_vec();
        file.extend((pairs.len() as u32).to_be_bytes());
        file.extend(crc32fast::hash(&pairs).to_be_bytes());
        file.extend(pairs);
        let setup = setup(Arc::new(Source::from_bytes("x", file)), 80, 24);
        let mut state = Player::new(setup).into_state();
        let effects = update(&mut state, Action::Do(Command::Show(View::Blocks)));
        assert_eq!(state.blocks.measure(0), None, "not before a frame");
        assert!(matches!(&effects[..], [Effect::Start(job)] if job.request.kind() == JobKind::Measure));
        assert!(update(&mut state, Action::Do(Command::Help)).is_empty(), "asked once");
        let [Effect::Start(job)] = &effects[..] else { panic!("{effects:?}") };
        crate::tui::workers::perform(job, &mut |report| _ = update(&mut state, Action::Report(report)));
        assert_eq!(state.blocks.measure(0), Some(Measure { decoded: Some(25_500_000) }));
    }

    #[test]
    fn a_stopped_sort_leaves_what_was_shown() {
        let mut state = played(80, 24, "4ss").into_state();
        let shown = state.blocks.shown_order();
        let effects = update(&mut state, Action::Do(Command::List(Listed::NextColumn)));
        assert!(matches!(&effects[..], [Effect::Start(job)] if job.request.kind() == JobKind::List));
        assert!(update(&mut state, Action::Do(Command::Close)).is_empty());
        assert_eq!((state.blocks.order, state.blocks.shown_order()), (shown, shown));
        let again = update(&mut state, Action::Do(Command::List(Listed::NextColumn)));
        assert_eq!(again.len(), 1, "and can be asked for again");
    }

    #[test]
    fn orders_of_the_file_need_no_job() {
        let mut state = played(80, 24, "4").into_state();
        for (change, first) in [(Listed::Reversed, 7), (Listed::Reversed, 0)] {
            assert!(update(&mut state, Action::Do(Command::List(change))).is_empty());
            let container = state.container.clone().unwrap();
            assert_eq!(state.blocks.block(&container, 0), Some(first));
        }
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
