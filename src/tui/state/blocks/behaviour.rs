//! What happens to the list of blocks.

use std::sync::Arc;

use ratatui::layout::{Position, Rect};

use super::{lines, parse_filter, table};
use crate::tui::command::{Command, ListChange, Pane, View};
use crate::tui::rows::Motion;
use crate::tui::state::behaviour::{Behaviour, List};
use crate::tui::state::request::{Goal, JobKind, Request, Target};
use crate::tui::state::{Effect, Level, Running, Selection, State, moment};
use h4mk::container::Container;
use h4mk::explore::sorted_blocks::{Column, Filter, Order, SortedBlocks};
use h4mk::index::Chunk;
use h4mk::text::escape;
use h4mk::tracks::Tracks;

/// The view's behaviour.
pub(in crate::tui::state) struct BlocksView;

impl Behaviour for BlocksView {
    fn run(&self, state: &mut State, command: Command) -> Option<Vec<Effect>> {
        let container = state.container.clone()?;
        match command {
            Command::Move(Motion::Left | Motion::Right) => return None,
            Command::Move(motion) => self.step(state, motion),
            Command::NextMatch | Command::PreviousMatch if !state.blocks.filter.is_empty() => {
                let motion = if command == Command::NextMatch { Motion::Down } else { Motion::Up };
                self.step(state, motion);
            }
            Command::List(ListChange::NextTrack) => return Some(next_track(state)),
            Command::List(change) => relist(state, &container, change),
            Command::Open => {
                self.selects(state);
                state.show(View::Hex);
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    fn list<'a>(&self, state: &'a mut State) -> Option<List<'a>> {
        let (container, area) = (state.container.clone()?, rows_area(state));
        let len = state.blocks.len(&container);
        Some(List { window: &mut state.blocks.window, len, area })
    }

    fn selects(&self, state: &mut State) {
        let Some(container) = state.container.clone() else { return };
        let block = state.blocks.block(&container, state.blocks.window.cursor());
        if let Some(chunk) = block.and_then(|block| container.index().block(block)) {
            state.walk_to(Selection::of_chunk(&container, &chunk));
        }
    }

    fn follow(&self, state: &mut State) {
        let Some(container) = state.container.clone() else { return };
        let row = state.selection.block.and_then(|block| state.blocks.row(&container, block));
        if let Some(row) = row {
            self.jump(state, row);
        }
    }

    fn click(&self, state: &mut State, at: Position) -> Vec<Effect> {
        let heads = state.areas().and_then(|areas| areas.pane(Pane::View)).filter(|pane| pane.inner.contains(at));
        let rows = rows_area(state);
        let Some((pane, container)) = heads.filter(|_| at.y < rows.y).zip(state.container.clone()) else {
            return self.click_row(state, at);
        };
        let x = at.x - pane.inner.x;
        let cells = table(&container, pane.inner.width);
        if let Some(cell) = cells.iter().rfind(|cell| cell.x <= x) {
            let order = state.blocks.order;
            let descending = order.column == cell.column && !order.descending;
            state.blocks.order = Order { column: cell.column, descending };
        }
        Vec::new()
    }

    fn wants(&self, state: &mut State) -> Vec<Effect> {
        let Some(container) = state.container.clone() else { return Vec::new() };
        let mut effects = list_wanted(state, &container);
        effects.extend(measures_wanted(state, &container));
        effects
    }

    fn findable(&self) -> &'static str {
        "a block: 45  #45; or show: keyframes  damaged  >64KiB  <1MB  track=ID  all"
    }

    fn find(&self, state: &mut State, text: &str) -> Option<Result<Vec<Effect>, String>> {
        let found = match block_number(text) {
            Some(block) => go_to(state, block),
            None => set_filter(state, text),
        };
        Some(found.map(|()| Vec::new()))
    }
}

/// Where the rows stand, between the header and the totals.
fn rows_area(state: &State) -> Rect {
    let pane = state.areas().and_then(|areas| areas.pane(Pane::View)).map_or(Rect::default(), |pane| pane.inner);
    let lines = lines(pane.height);
    Rect { y: pane.y.saturating_add(lines.start), height: lines.end - lines.start, ..pane }
}

/// Lists what an answer to the filter prompt asks for.
pub(in crate::tui::state) fn set_filter(state: &mut State, text: &str) -> Result<(), String> {
    let filter = parse_filter(text)?;
    if let Some(id) = &filter.track {
        let tracks = state.container.as_ref().and_then(|container| container.tracks());
        if tracks.is_none_or(|tracks| tracks.by_id(id).is_none()) {
            return Err(format!("there is no track `{}`", escape(id)));
        }
    }
    state.blocks.filter = filter;
    state.show(View::Blocks);
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
        1 => "the only block is block 0".to_owned(),
        blocks => format!("blocks are numbered 0 to {}", blocks - 1),
    })?;
    state.select(Selection::of_chunk(&container, &chunk));
    if state.blocks.row(&container, block).is_none() {
        state.say(Level::Warning, format!("block {block} is selected, but it is not listed; `X` lists all"));
    }
    Ok(())
}

/// A sorted list was made.
pub(in crate::tui::state) fn listed(state: &mut State, sorted: Arc<SortedBlocks>) {
    let wanted = sorted.filter == state.blocks.filter && sorted.order == state.blocks.order;
    if wanted {
        state.blocks.sorted = Some(sorted);
        to_selection(state);
    }
}

/// Puts the cursor on the selected block, or where that is not listed, on the first row.
fn to_selection(state: &mut State) {
    let Some(container) = state.container.clone() else { return };
    let row = state.selection.block.and_then(|block| state.blocks.row(&container, block));
    BlocksView.jump(state, row.unwrap_or(0));
}

/// Whether an order is that of the file, or its mirror.
fn is_natural(container: &Container, order: Order) -> bool {
    match order.column {
        Column::Index | Column::Offset => true,
        Column::Pts => !container.tracks().is_some_and(|tracks| tracks.indexed) && container.timeline().is_some(),
        _ => false,
    }
}

/// The tracks whose blocks can be listed apart.
pub(in crate::tui::state) fn tracks(state: &State) -> Option<&Tracks> {
    state.container.as_ref()?.tracks().filter(|tracks| tracks.indexed)
}

/// Says that there are none.
pub(in crate::tui::state) fn no_tracks(state: &mut State) {
    state.say(Level::Warning, "the file has no tracks to list blocks of");
}

/// Changes what is listed.
pub(in crate::tui::state) fn relist(state: &mut State, container: &Container, change: ListChange) {
    let tracks = container.tracks().filter(|tracks| tracks.indexed);
    let width = state.areas().and_then(|areas| areas.pane(Pane::View)).map_or(0, |pane| pane.inner.width);
    let list = &mut state.blocks;
    match change {
        ListChange::NextColumn => {
            // Of the columns that are in sight.
            let cells = table(container, width);
            let at = cells.iter().position(|cell| cell.column == list.order.column);
            let next = at.map_or(0, |at| at + 1);
            let column = cells.get(next).or(cells.first()).map_or(Column::Index, |cell| cell.column);
            list.order = Order { column, descending: false };
        }
        ListChange::Reversed => list.order.descending = !list.order.descending,
        ListChange::Keyframes => list.filter.keyframes = !list.filter.keyframes,
        ListChange::Damaged => list.filter.damaged = !list.filter.damaged,
        ListChange::NextTrack => {
            let Some(tracks) = tracks else { return no_tracks(state) };
            let at = list.filter.track.as_ref().and_then(|id| tracks.list.iter().position(|track| track.id == *id));
            let next = tracks.list.get(at.map_or(0, |at| at + 1));
            list.filter.track = next.map(|track| track.id.clone());
        }
        ListChange::All => (list.filter, list.order) = (Filter::default(), Order::default()),
    }
}

/// Lists the blocks of the next track, and selects the one that plays where the playhead stands.
pub(in crate::tui::state) fn next_track(state: &mut State) -> Vec<Effect> {
    let Some(container) = state.container.clone() else { return Vec::new() };
    relist(state, &container, ListChange::NextTrack);
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
        if list.sorted.take().is_some() || list.natural != list.order {
            list.natural = list.order;
            to_selection(state);
        }
        return Vec::new();
    }
    let same = |asked: &(Filter, Order, Arc<Container>)| asked.0 == list.filter && asked.1 == list.order;
    let asked = list.asked.as_ref().filter(|asked| same(asked));
    let current = asked.is_some_and(|asked| Arc::ptr_eq(&asked.2, container));
    // While more and more of the file is walked, a sorted list of less of it is finished first.
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

/// Has the blocks in sight read.
fn measures_wanted(state: &mut State, container: &Arc<Container>) -> Vec<Effect> {
    let height = rows_area(state).height;
    let list = &mut state.blocks;
    if !list.measured.as_ref().is_some_and(|of| Arc::ptr_eq(of, container)) {
        list.measures.clear();
        list.measured = Some(container.clone());
    }
    let visible = list.window.visible(list.len(container), height);
    let blocks = visible.filter_map(|row| list.block(container, row)).filter(|block| list.measure(*block).is_none());
    let rest: Vec<Chunk> = blocks.filter_map(|block| container.index().block(block)).collect();
    let is_asked = |running: &Running| match &running.job.request {
        Request::Measure(of, asked) => Arc::ptr_eq(of, container) && rest.iter().all(|chunk| asked.contains(chunk)),
        _ => false,
    };
    if rest.is_empty() || state.jobs.running().iter().any(is_asked) {
        return Vec::new();
    }
    vec![Effect::Start(state.jobs.start(Request::Measure(container.clone(), rest)))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::headless::Player;
    use crate::tui::state::update::update;
    use crate::tui::state::{Action, Measure};
    use crate::tui::testing::{played, setup};
    use h4mk::source::Source;

    #[test]
    fn a_number_leads_to_its_block() {
        let at = |keys: &str| {
            let player = played(80, 24, keys);
            let error = player.state().prompt.as_ref().and_then(|prompt| prompt.error.clone());
            (player.state().selection.block, error)
        };
        assert_eq!(at("4/5<Enter>"), (Some(5), None));
        assert_eq!(at("4/#6<Enter>"), (Some(6), None));
        assert_eq!(at("4/8<Enter>"), (Some(0), Some("blocks are numbered 0 to 7".to_owned())));
        assert!(at("4/text<Enter>").1.is_some());
        let filtered = played(80, 24, "4K/5<Enter>");
        assert!(filtered.state().message.as_ref().unwrap().text.contains("is not listed"));
        for bad in ["", "#", "1x", "99999999999999999999"] {
            assert_eq!(block_number(bad), None, "{bad}");
        }
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
        let effects = update(&mut state, Action::Do(Command::List(ListChange::NextColumn)));
        assert!(matches!(&effects[..], [Effect::Start(job)] if job.request.kind() == JobKind::List));
        assert!(update(&mut state, Action::Do(Command::Close)).is_empty());
        assert_eq!((state.blocks.order, state.blocks.shown_order()), (shown, shown));
        let again = update(&mut state, Action::Do(Command::List(ListChange::NextColumn)));
        assert_eq!(again.len(), 1, "and can be asked for again");
    }

    #[test]
    fn orders_of_the_file_need_no_job() {
        let mut state = played(80, 24, "4").into_state();
        for (change, first) in [(ListChange::Reversed, 7), (ListChange::Reversed, 0)] {
            assert!(update(&mut state, Action::Do(Command::List(change))).is_empty());
            let container = state.container.clone().unwrap();
            assert_eq!(state.blocks.block(&container, 0), Some(first));
        }
    }
}
