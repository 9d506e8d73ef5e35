//! What happens to the trees of the Manifest view.

use std::sync::Arc;

use ratatui::layout::Rect;

use super::entries::EntryPage;
use super::{TreeRow, list_area, pointer};
use crate::tui::clip::Clip;
use crate::tui::command::{Command, Level, Pane, View};
use crate::tui::json_tree::{Hits, JsonTree, NodeKey, NodeValue};
use crate::tui::rows::Motion;
use crate::tui::state::behaviour::{Behaviour, List};
use crate::tui::state::{Description, Effect, Request, Running, Selection, State, copy, popup};
use h4mk::text::escape;

/// Objects and arrays this long or longer are folded at first.
const OPEN_BELOW: u64 = 40;

/// The view's behaviour.
pub(in crate::tui::state) struct Manifest;

impl Behaviour for Manifest {
    fn run(&self, state: &mut State, command: Command) -> Option<Vec<Effect>> {
        let description = state.description.clone()?;
        let fields = &description.fields;
        let row = state.manifest.selected()?;
        match command {
            Command::Move(Motion::Left) => {
                let inside = match row {
                    TreeRow::Node(node) if state.manifest.is_open(node) && fields.can_open(node) => Some(node),
                    TreeRow::Node(node) => fields.parent(node),
                    TreeRow::Entry(seek, _) => Some(seek),
                };
                if let Some(node) = inside {
                    state.manifest.set_open(fields, node, false);
                    go_to(state, fields, TreeRow::Node(node));
                }
            }
            Command::Move(Motion::Right) => {
                state.manifest.set_open(fields, row.node(), true);
                self.refit(state);
            }
            Command::Move(motion) => self.step(state, motion),
            Command::Open => return Some(open(state, &description, row)),
            Command::Fold => {
                let inside = match row {
                    TreeRow::Node(node) if fields.can_open(node) => Some(node),
                    TreeRow::Node(node) => fields.parent(node),
                    TreeRow::Entry(seek, _) => Some(seek),
                };
                if let Some(node) = inside {
                    fold(state, fields, node);
                    go_to(state, fields, TreeRow::Node(node));
                }
            }
            Command::Bytes => return Some(show_bytes(state, &description, row)),
            Command::Copy => {
                let pointer = pointer(fields, row);
                let effects = copy::copied(state, &pointer);
                if pointer.is_empty() {
                    state.say(Level::Info, "copied the JSON Pointer of the whole document, which is empty");
                }
                return Some(effects);
            }
            Command::CopyValue | Command::CopyRaw => {
                let (container, raw) = (state.container.clone()?, command == Command::CopyRaw);
                let request = Request::FieldValue { container, description: description.clone(), row, raw };
                return Some(vec![Effect::Start(state.jobs.start(request))]);
            }
            Command::Close if state.manifest.hits.is_some() && !state.jobs.is_busy() => {
                state.manifest.hits = None;
                state.message = None;
            }
            Command::NextMatch => to_match(state, true, false),
            Command::PreviousMatch => to_match(state, false, false),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn refresh(&self, state: &mut State) -> Vec<Effect> {
        let Some(description) = state.description.clone() else { return Vec::new() };
        let known = state.manifest.described.as_ref();
        if known.is_some_and(|known| Arc::ptr_eq(known, &description)) {
            return Vec::new();
        }
        let fields = &description.fields;
        let same_shape = known.is_some_and(|known| known.fields.len() == fields.len());
        let pane = &mut state.manifest;
        if !same_shape {
            let is_short = |node: &u32| {
                fields.node(*node).is_some_and(|field| match field.content {
                    NodeValue::Object(len) | NodeValue::Array(len) => field.depth == 0 || len < OPEN_BELOW,
                    NodeValue::SeekTable(_) => false,
                    _ => field.depth == 0,
                })
            };
            let nodes = 0..u32::try_from(fields.len()).unwrap_or(u32::MAX);
            pane.open = nodes.filter(is_short).filter(|node| fields.can_open(*node)).collect();
            pane.hits = None;
        }
        pane.list(fields);
        pane.described = Some(description);
        self.refit(state);
        Vec::new()
    }

    fn follow(&self, state: &mut State) {
        let Some(description) = state.description.clone() else { return };
        let fields = &description.fields;
        let Some(chunk) = state.selection.chunk else { return };
        let of_chunk = |root: &&crate::tui::json_tree::Root| root.chunk.is_some_and(|c| c.index() == chunk);
        let Some(root) = fields.roots().iter().find(of_chunk) else { return };
        let here = state.manifest.selected().and_then(|row| fields.root(row.node()));
        if here.is_none_or(|here| here.node != root.node) {
            let at = state.manifest.place(fields, TreeRow::Node(root.node));
            self.jump(state, at);
        }
    }

    fn list<'a>(&self, state: &'a mut State) -> Option<List<'a>> {
        let area = state.areas().and_then(|areas| areas.view).map_or(Rect::default(), |pane| list_area(pane.inner));
        let len = state.manifest.len();
        Some(List { window: &mut state.manifest.window, len, area })
    }

    /// Of a document, its chunk; of a seek entry, the block that it leads to.
    fn selects(&self, state: &mut State) {
        let Some(description) = state.description.clone() else { return };
        let Some((container, row)) = state.container.clone().zip(state.manifest.selected()) else { return };
        let chunk = match row {
            TreeRow::Entry(_, entry) => match state.manifest.entries.get(entry) {
                Some(entry) => entry.block.and_then(|block| container.index().block(block)),
                None => return wait_for(state, entry, false),
            },
            TreeRow::Node(node) => description.fields.root(node).and_then(|root| root.chunk),
        };
        if let Some(chunk) = chunk.filter(|chunk| state.selection.chunk != Some(chunk.index())) {
            state.walk_to(Selection::of_chunk(&container, &chunk));
        }
    }

    /// Opens or folds what can be.
    fn clicked_again(&self, state: &mut State) -> Vec<Effect> {
        let Some((description, row)) = state.description.clone().zip(state.manifest.selected()) else {
            return Vec::new();
        };
        let can_open = description.fields.can_open(row.node());
        can_open.then(|| self.run(state, Command::Fold)).flatten().unwrap_or_default()
    }

    fn wheel(&self, state: &mut State, rows: i64) {
        if let Some(mut list) = self.list(state) {
            list.scroll(rows);
        }
        if state.focus == Pane::View {
            self.selects(state);
        }
    }

    /// The entries in sight, and the one that something waits for.
    fn wants(&self, state: &mut State) -> Vec<Effect> {
        let Some(container) = state.container.clone() else { return Vec::new() };
        let height = self.list(state).map_or(0, |list| list.area.height);
        let pane = &state.manifest;
        let rows = pane.window.visible(pane.len(), height);
        let entry = |row: u64| match pane.row(row)? {
            TreeRow::Entry(_, entry) => Some(entry),
            TreeRow::Node(_) => None,
        };
        // They stand together.
        let (first, last) = (rows.clone().find_map(entry), rows.rev().find_map(entry));
        let waited_for = pane.waiting.as_ref().map(|waiting| waiting.entry);
        let in_sight = first.zip(last).map(|(first, last)| first..=last);
        let ranges = in_sight.into_iter().chain(waited_for.map(|entry| entry..=entry));
        let mut pages: Vec<u64> = ranges.flat_map(|range| state.manifest.entries.missing(&container, range)).collect();
        pages.dedup();
        let is_asked = |running: &Running| match &running.job.request {
            Request::Entries { container: of, pages: asked } => {
                Arc::ptr_eq(of, &container) && pages.iter().all(|page| asked.contains(page))
            }
            _ => false,
        };
        if pages.is_empty() || state.jobs.running().iter().any(is_asked) {
            return Vec::new();
        }
        vec![Effect::Start(state.jobs.start(Request::Entries { container, pages }))]
    }

    fn findable(&self) -> &'static str {
        "text in keys and values"
    }

    fn find(&self, state: &mut State, text: &str) -> Option<Result<Vec<Effect>, String>> {
        let Some((container, description)) = state.container.clone().zip(state.description.clone()) else {
            return Some(Err("the file is not indexed yet".to_owned()));
        };
        let request = Request::SearchFields { container, description, text: text.to_owned() };
        Some(Ok(vec![Effect::Start(state.jobs.start(request))]))
    }
}

/// What the search found.
pub(in crate::tui::state) fn found(state: &mut State, hits: Hits) {
    let (total, text) = (hits.total, escape(&hits.text).into_owned());
    state.manifest.hits = Some(hits);
    match total {
        0 => state.say(Level::Warning, format!("\"{text}\" is in no key and no value")),
        _ => to_match(state, true, true),
    }
}

/// To the next match or the one before, round the ends; `here` accepts the row under the cursor.
fn to_match(state: &mut State, forward: bool, here: bool) {
    let Some(description) = state.description.clone() else { return };
    let Some((hits, row)) = state.manifest.hits.as_ref().zip(state.manifest.selected()) else {
        return state.say(Level::Warning, "nothing to search for yet: / searches keys and values");
    };
    let (places, place) = (&hits.places, row.place());
    let Some(last) = places.len().checked_sub(1) else {
        return state.say(Level::Warning, "nothing was found");
    };
    let at = match forward {
        true => places.partition_point(|hit| if here { *hit < place } else { *hit <= place }),
        false => places.partition_point(|hit| *hit < place).checked_sub(1).unwrap_or(usize::MAX),
    };
    let (at, wrapped) = match at {
        at if at <= last => (at, ""),
        _ if forward => (0, ", continued from the start"),
        _ => (last, ", continued from the end"),
    };
    let Some((node, entry)) = places.get(at).copied() else { return };
    let text = format!("match {} of {}{wrapped}", at + 1, hits.total);
    let row = entry.map_or(TreeRow::Node(node), |entry| TreeRow::Entry(node, entry));
    state.manifest.reveal(&description.fields, row);
    go_to(state, &description.fields, row);
    state.say(Level::Info, text);
}

fn go_to(state: &mut State, fields: &JsonTree, row: TreeRow) {
    let at = state.manifest.place(fields, row);
    Manifest.jump(state, at);
    Manifest.selects(state);
}

/// What is to be done with the block that an entry leads to, once that is read.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) entry: u64,
    /// It is opened, and not only selected.
    opens: bool,
    /// What was selected then: whoever selected something else since is left there.
    selection: Selection,
}

fn wait_for(state: &mut State, entry: u64, opens: bool) {
    let opens = opens || state.manifest.waiting.as_ref().is_some_and(|before| before.opens && before.entry == entry);
    state.manifest.waiting = Some(Waiting { entry, opens, selection: state.selection.clone() });
}

/// Entries of the seek table were read.
pub(in crate::tui::state) fn read(state: &mut State, page: u64, entries: Arc<EntryPage>) {
    state.manifest.entries.keep(page, entries);
    let is_read = |waiting: &Waiting| EntryPage::number_of(waiting.entry) == page;
    let Some(waiting) = state.manifest.waiting.take_if(|waiting| is_read(waiting)) else { return };
    let is_here = matches!(state.manifest.selected(), Some(TreeRow::Entry(_, entry)) if entry == waiting.entry);
    if waiting.selection != state.selection || !is_here || state.manifest.entries.get(waiting.entry).is_none() {
        return;
    }
    match waiting.opens {
        true if state.view == View::Manifest => open_entry(state, waiting.entry),
        true => {}
        false => Manifest.selects(state),
    }
}

fn open_entry(state: &mut State, place: u64) {
    let Some(entry) = state.manifest.entries.get(place) else { return wait_for(state, place, true) };
    let Some(container) = state.container.clone() else { return };
    match entry.block.and_then(|block| container.index().block(block)) {
        Some(chunk) => {
            state.select(Selection::of_chunk(&container, &chunk));
            state.show(View::Hex);
        }
        None => state.say(Level::Warning, format!("entry {place} leads to no block")),
    }
}

/// Has the bytes of a row found, to be shown in Hex.
fn show_bytes(state: &mut State, description: &Arc<Description>, row: TreeRow) -> Vec<Effect> {
    let Some(container) = state.container.clone() else { return Vec::new() };
    let request = Request::FieldBytes { container, description: description.clone(), row };
    vec![Effect::Start(state.jobs.start(request))]
}

/// The bytes of a row were found. Whoever went elsewhere meanwhile is left there.
pub(in crate::tui::state) fn found_bytes(state: &mut State, row: TreeRow, bytes: Option<std::ops::Range<u64>>) {
    if state.view != View::Manifest || state.manifest.selected() != Some(row) {
        return;
    }
    match state.container.clone().zip(bytes) {
        Some((container, bytes)) => {
            let selection = Selection::of_bytes(&container, bytes);
            state.select(selection);
            state.show(View::Hex);
        }
        None => state.say(Level::Warning, "it has no bytes of its own: it is a default, or derived from the chunks"),
    }
}

/// The value of a row was read, to be copied.
pub(in crate::tui::state) fn found_value(state: &mut State, value: Option<String>, raw: bool) -> Vec<Effect> {
    match value {
        Some(text) if raw => copy::copied_raw(state, text),
        Some(text) => {
            let clip = Clip::shown(&text);
            state.say(Level::Info, format!("copied a value of {} bytes", clip.text().len()));
            vec![Effect::Copy(clip)]
        }
        None => {
            state.say(Level::Warning, "there is no value to copy here");
            Vec::new()
        }
    }
}

fn open(state: &mut State, description: &Arc<Description>, row: TreeRow) -> Vec<Effect> {
    let fields = &description.fields;
    let node = match row {
        TreeRow::Entry(_, entry) => {
            open_entry(state, entry);
            return Vec::new();
        }
        TreeRow::Node(node) => node,
    };
    let Some(field) = fields.node(node) else { return Vec::new() };
    match &field.content {
        NodeValue::Note(..) => return show_bytes(state, description, row),
        _ if fields.can_open(node) => fold(state, fields, node),
        content => match content.text() {
            Some(text) => popup::behaviour::open(state, &title(fields, row), text),
            None => state.say(Level::Info, "there is nothing in it"),
        },
    }
    Vec::new()
}

/// The document and the place in it, as far as text.
fn title(fields: &JsonTree, row: TreeRow) -> String {
    let root = fields.root(row.node()).and_then(|root| fields.node(root.node));
    let name = match root.map(|root| &root.key) {
        Some(NodeKey::Document(name)) => name.as_str(),
        _ => "",
    };
    format!("{name} {}", pointer(fields, row))
}

fn fold(state: &mut State, fields: &JsonTree, node: u32) {
    let is_open = state.manifest.is_open(node);
    state.manifest.set_open(fields, node, !is_open);
    Manifest.refit(state);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::headless::Player;
    use crate::tui::testing::{played, played_with, sample_with};

    fn selected(player: &Player) -> String {
        let state = player.state();
        let fields = &state.description.as_ref().unwrap().fields;
        title(fields, state.manifest.selected().unwrap())
    }

    #[test]
    fn the_trees_open_fold_and_follow() {
        assert_eq!(selected(&played(80, 24, "2jjj")), "META /gop");
        assert_eq!(selected(&played(80, 24, "2jjj<Left>")), "META ");
        assert_eq!(selected(&played(80, 24, "2<Space>j")), "SAFE ");
        let player = played(80, 24, "2<Left>jjjjj");
        assert_eq!(selected(&player), "manifest /project");
        assert_eq!(selected(&played(80, 24, "2<Tab>jj<Tab>")), "META ", "the tree's selection is followed");
        assert_eq!(played(80, 24, "2<Left>j").state().selection.chunk, Some(10), "and leads the other way too");
    }

    #[test]
    fn seek_entries_are_rows_of_their_own() {
        let player = played(80, 24, "2/seek<Enter><Right>jj");
        assert_eq!(selected(&player), "manifest /seek/1");
        assert_eq!(player.state().selection.block, Some(4));
        let bytes = played(80, 24, "2/seek<Enter><Right>jjx");
        assert_eq!((bytes.state().view, bytes.state().selection.bytes.clone()), (View::Hex, Some(168..184)));
        assert_eq!(selected(&played(80, 24, "2/seek<Enter><Right>jjj")), "manifest /compression");
        assert_eq!(selected(&played(80, 24, "2/seek<Enter><Right>jj<Left>")), "manifest /seek");
    }

    #[test]
    fn matches_are_walked_round_the_ends() {
        let player = played(80, 24, "2/ENGINE<Enter>");
        assert_eq!(selected(&player), "META /compression/engine");
        assert_eq!(player.state().manifest.hits.as_ref().unwrap().total, 2);
        assert_eq!(selected(&played(80, 24, "2/engine<Enter>n")), "manifest /compression/engine");
        let round = played(80, 24, "2/engine<Enter>nn");
        assert_eq!(selected(&round), "META /compression/engine");
        assert_eq!(round.state().message.as_ref().unwrap().text, "match 1 of 2, continued from the start");
        assert_eq!(selected(&played(80, 24, "2/engine<Enter>N")), "manifest /compression/engine");
        let folded = played(80, 24, "2<Left>/gop<Enter>");
        assert_eq!(selected(&folded), "META /gop", "what hides a match is opened");
        assert!(played(80, 24, "2/engine<Enter><Esc>").state().manifest.hits.is_none());
        let nothing = played(80, 24, "2/zz<Enter>n");
        assert_eq!(nothing.state().message.as_ref().unwrap().text, "nothing was found");
    }

    #[test]
    fn pointers_values_and_bytes_are_one_key_away() {
        assert_eq!(played(80, 24, "2/engine<Enter>y").copied(), Some("/compression/engine"));
        assert_eq!(played(80, 24, "2/engine<Enter>Y").copied(), Some("geometric-reference"));
        assert_eq!(played(80, 24, "2jjjjY").copied(), Some(r#"{"engine":"geometric-reference"}"#));
        let player = played(80, 24, "2jjjx");
        let range = player.state().selection.bytes.clone().unwrap();
        let bytes = player.state().source.bytes().range(range).to_vec();
        assert_eq!(bytes, br#""gop":4"#);
        let made_up = played(80, 24, "2/project<Enter>x");
        assert_eq!(made_up.state().view, View::Manifest);
    }

    #[test]
    fn long_values_open_and_broken_json_leads_to_where_it_breaks() {
        let long = played_with(sample_with(format!(r#"{{"title":"{}"}}"#, "x".repeat(65536)).as_bytes()), "2j<Enter>G");
        let popup = long.state().popup.as_ref().unwrap();
        assert_eq!(popup.lines().iter().map(String::len).sum::<usize>(), 65536);
        let broken = played_with(sample_with(b"{\"gop\":}"), "2j<Enter>");
        let at = broken.state().selection.bytes.clone().unwrap().start;
        assert_eq!(broken.state().source.bytes().get(at), Some(b'}'));
    }

    #[test]
    fn clicks_and_the_wheel_move_the_cursor() {
        assert_eq!(selected(&played(80, 24, "2<Click:40,6>")), "META /gop");
        assert_eq!(selected(&played(80, 24, "2<Click:40,8><Click:40,7>")), "META /compression");
        assert_eq!(played(80, 24, "2<Click:40,7><Click:40,7>").state().manifest.len(), 17);
    }
}
