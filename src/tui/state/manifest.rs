//! The Manifest view's part of the update: what is open in the trees, where the cursor is, what was searched for.

use std::collections::BTreeSet;
use std::sync::Arc;

use ratatui::layout::{Position, Rect};

use super::views::Behaviour;
use super::{Command, Description, Effect, Level, Pane, Request, Selection, State, View, popup, update};
use crate::tui::clip::Clip;
use crate::tui::fields::{Content, Fields, Hits, Key, entry_text};
use crate::tui::rows::{Motion, Window};
use h4mk::layout::SeekEntry;
use h4mk::text::escape;

/// Objects and arrays this long or longer are folded at first.
const OPEN_BELOW: u64 = 40;

/// The view's behaviour.
pub(super) struct Manifest;

/// A row of the trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    /// A field.
    Node(u32),
    /// An entry of the manifest's seek table.
    Entry(u32, u64),
}

impl Row {
    /// The field that the row is, or is in.
    pub fn node(self) -> u32 {
        match self {
            Self::Node(node) | Self::Entry(node, _) => node,
        }
    }

    /// The row as a search names it.
    fn place(self) -> (u32, Option<u64>) {
        match self {
            Self::Node(node) => (node, None),
            Self::Entry(node, entry) => (node, Some(entry)),
        }
    }
}

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
    pub fn row(&self, at: u64) -> Option<Row> {
        let node = |at: u64| self.rows.get(usize::try_from(at).ok()?).copied();
        match self.seek {
            Some((seek, entries)) if at > seek => match at - seek - 1 {
                entry if entry < entries => Some(Row::Entry(node(seek)?, entry)),
                after => node(seek.checked_add(1)?.checked_add(after - entries)?).map(Row::Node),
            },
            _ => node(at).map(Row::Node),
        }
    }

    /// The row under the cursor.
    pub fn selected(&self) -> Option<Row> {
        self.row(self.window.cursor())
    }

    /// Whether a field shows what is inside.
    pub fn is_open(&self, node: u32) -> bool {
        self.open.contains(&node)
    }

    /// Whether the search found something on a row.
    pub fn is_hit(&self, row: Row) -> bool {
        self.hits.as_ref().is_some_and(|hits| hits.places.binary_search(&row.place()).is_ok())
    }

    /// The match under the cursor or the one before it, counted from 1; 0 before the first.
    pub fn hit_number(&self) -> Option<usize> {
        let (hits, row) = (self.hits.as_ref()?, self.selected()?);
        Some(hits.places.partition_point(|place| *place <= row.place()))
    }

    /// The place of a row, or of the fold that hides it.
    fn place(&self, fields: &Fields, row: Row) -> u64 {
        let mut node = row.node();
        let at = loop {
            match (self.rows.binary_search(&node), fields.parent(node)) {
                (Ok(at), _) => break at as u64,
                (Err(_), Some(parent)) => node = parent,
                (Err(_), None) => break 0,
            }
        };
        match (row, self.seek) {
            (Row::Entry(seek, entry), Some((place, entries))) if node == seek && at == place => {
                at.saturating_add(1).saturating_add(entry.min(entries.saturating_sub(1)))
            }
            (_, Some((place, entries))) if at > place => at.saturating_add(entries),
            _ => at,
        }
    }

    fn list(&mut self, fields: &Fields) {
        self.rows = fields.rows(|node| self.open.contains(&node));
        let seek = fields.seek().filter(|seek| self.open.contains(seek));
        self.seek = seek.and_then(|seek| {
            let at = self.rows.binary_search(&seek).ok()? as u64;
            match fields.node(seek)?.content {
                Content::SeekTable(entries) => Some((at, entries)),
                _ => None,
            }
        });
    }

    fn set_open(&mut self, fields: &Fields, node: u32, open: bool) {
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
    fn reveal(&mut self, fields: &Fields, row: Row) {
        let mut inside = match row {
            Row::Node(node) => fields.parent(node),
            Row::Entry(seek, _) => Some(seek),
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

fn height(state: &State) -> u16 {
    state.areas().and_then(|areas| areas.view).map_or(0, |pane| list_area(pane.inner).height)
}

/// A row of the seek table.
pub fn entry(state: &State, entry: u64) -> Option<SeekEntry> {
    state.container.as_ref()?.manifest_table()?.rows.get(entry)
}

/// The JSON Pointer of a row in its document.
pub fn pointer(fields: &Fields, row: Row) -> String {
    match row {
        Row::Node(node) => fields.pointer(node),
        Row::Entry(node, entry) => format!("{}/{entry}", fields.pointer(node)),
    }
}

/// What the search found.
pub(super) fn found(state: &mut State, hits: Hits) {
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
        return state.say(Level::Warning, "nothing was searched for here: / searches keys and values");
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
        _ if forward => (0, ", from the start again"),
        _ => (last, ", from the end again"),
    };
    let Some((node, entry)) = places.get(at).copied() else { return };
    let text = format!("match {} of {}{wrapped}", at + 1, hits.total);
    let row = entry.map_or(Row::Node(node), |entry| Row::Entry(node, entry));
    state.manifest.reveal(&description.fields, row);
    go_to(state, &description.fields, row);
    state.say(Level::Info, text);
}

fn go_to(state: &mut State, fields: &Fields, row: Row) {
    let height = height(state);
    let pane = &mut state.manifest;
    let at = pane.place(fields, row);
    pane.window.jump(at, pane.len(), height);
    selects(state, fields);
}

/// The chunk of the document under the cursor becomes what is selected; of a seek entry, the block it leads to. Walking
/// over rows leaves no trail in the history.
fn selects(state: &mut State, fields: &Fields) {
    let Some((container, row)) = state.container.clone().zip(state.manifest.selected()) else { return };
    let chunk = match row {
        Row::Entry(_, entry) => entry_block(state, entry).and_then(|block| container.index().block(block)),
        Row::Node(node) => fields.root(node).and_then(|root| root.chunk),
    };
    if let Some(chunk) = chunk.filter(|chunk| state.selection.chunk != Some(chunk.index)) {
        state.selection = Selection::of_chunk(&container, &chunk);
        update::follow_selection(state);
    }
}

/// The block that an entry of the manifest's seek table leads to.
pub fn entry_block(state: &State, entry: u64) -> Option<u64> {
    let container = state.container.as_ref()?;
    if container.seek_table().is_some_and(|table| !table.rows.is_empty()) {
        return container.entry_block(entry);
    }
    let track = container.tracks()?.list.first()?;
    track.entry_block(container, track.seek_table(container)?.rows.get(entry)?)
}

/// The bytes of a row in the file.
fn bytes(state: &State, fields: &Fields, row: Row) -> Option<std::ops::Range<u64>> {
    let container = state.container.as_ref()?;
    match row {
        Row::Node(node) => fields.bytes(container, node),
        Row::Entry(_, entry) => fields.entry_bytes(container, entry),
    }
}

fn show_bytes(state: &mut State, fields: &Fields, row: Row) {
    match state.container.clone().zip(bytes(state, fields, row)) {
        Some((container, bytes)) => {
            let selection = Selection::of_bytes(&container, bytes);
            update::select(state, selection);
            update::show(state, View::Hex);
        }
        None => state.say(Level::Warning, "it has no bytes of its own: a default, or counted from the chunks"),
    }
}

fn open(state: &mut State, fields: &Fields, row: Row) {
    let node = match row {
        Row::Entry(_, entry) => {
            match entry_block(state, entry) {
                Some(block) => {
                    let chunk = state.container.clone().and_then(|c| Some((c.index().block(block)?, c)));
                    if let Some((chunk, container)) = chunk {
                        update::select(state, Selection::of_chunk(&container, &chunk));
                        update::show(state, View::Hex);
                    }
                }
                None => state.say(Level::Warning, format!("entry {entry} leads to no block")),
            }
            return;
        }
        Row::Node(node) => node,
    };
    let Some(field) = fields.node(node) else { return };
    match &field.content {
        Content::Note(..) => show_bytes(state, fields, row),
        _ if fields.can_open(node) => fold(state, fields, node),
        content => match content.text() {
            Some(text) => popup::open(state, &title(fields, row), text),
            None => state.say(Level::Info, "there is nothing in it"),
        },
    }
}

/// The document and the place in it, as far as text.
fn title(fields: &Fields, row: Row) -> String {
    let root = fields.root(row.node()).and_then(|root| fields.node(root.node));
    let name = match root.map(|root| &root.key) {
        Some(Key::Document(name)) => name.as_str(),
        _ => "",
    };
    format!("{name} {}", pointer(fields, row))
}

fn fold(state: &mut State, fields: &Fields, node: u32) {
    let is_open = state.manifest.is_open(node);
    state.manifest.set_open(fields, node, !is_open);
    refit(state);
}

fn refit(state: &mut State) {
    let height = height(state);
    let pane = &mut state.manifest;
    pane.window.set_cursor(pane.window.cursor(), pane.len(), height);
}

fn value(state: &State, fields: &Fields, row: Row) -> Option<String> {
    match row {
        Row::Entry(_, at) => Some(entry_text(entry(state, at)?)),
        Row::Node(node) => match fields.node(node)?.content.text() {
            Some(text) => Some(text.to_owned()),
            // An object or array as the file has it.
            None => {
                let range = fields.value_bytes(state.container.as_ref()?, node)?;
                let bytes = state.container.as_ref()?.bytes().range(range).to_vec();
                Some(String::from_utf8_lossy(&bytes).into_owned())
            }
        },
    }
}

impl Behaviour for Manifest {
    fn run(&self, state: &mut State, command: Command) -> Option<Vec<Effect>> {
        let description = state.description.clone()?;
        let fields = &description.fields;
        let row = state.manifest.selected()?;
        match command {
            Command::Move(Motion::Left) => {
                let inside = match row {
                    Row::Node(node) if state.manifest.is_open(node) && fields.can_open(node) => Some(node),
                    Row::Node(node) => fields.parent(node),
                    Row::Entry(seek, _) => Some(seek),
                };
                if let Some(node) = inside {
                    state.manifest.set_open(fields, node, false);
                    go_to(state, fields, Row::Node(node));
                }
            }
            Command::Move(Motion::Right) => {
                state.manifest.set_open(fields, row.node(), true);
                refit(state);
            }
            Command::Move(motion) => {
                let (len, height) = (state.manifest.len(), height(state));
                state.manifest.window.step(motion, len, height);
                selects(state, fields);
            }
            Command::Open => open(state, fields, row),
            Command::Fold => {
                let inside = match row {
                    Row::Node(node) if fields.can_open(node) => Some(node),
                    Row::Node(node) => fields.parent(node),
                    Row::Entry(seek, _) => Some(seek),
                };
                if let Some(node) = inside {
                    fold(state, fields, node);
                    go_to(state, fields, Row::Node(node));
                }
            }
            Command::Bytes => show_bytes(state, fields, row),
            Command::Copy => {
                let pointer = pointer(fields, row);
                let effects = update::copied(state, &pointer);
                if pointer.is_empty() {
                    state.say(Level::Info, "copied: the whole document, whose JSON Pointer is empty");
                }
                return Some(effects);
            }
            Command::CopyValue | Command::CopyRaw => match value(state, fields, row) {
                Some(text) if command == Command::CopyRaw => return Some(update::copied_raw(state, text)),
                Some(text) => {
                    let clip = Clip::shown(&text);
                    state.say(Level::Info, format!("copied a value of {} bytes", clip.text().len()));
                    return Some(vec![Effect::Copy(clip)]);
                }
                None => state.say(Level::Warning, "there is no value to copy here"),
            },
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
                    Content::Object(len) | Content::Array(len) => field.depth == 0 || len < OPEN_BELOW,
                    Content::SeekTable(_) => false,
                    _ => field.depth == 0,
                })
            };
            let nodes = 0..u32::try_from(fields.len()).unwrap_or(u32::MAX);
            pane.open = nodes.filter(is_short).filter(|node| fields.can_open(*node)).collect();
            pane.hits = None;
        }
        pane.list(fields);
        pane.described = Some(description);
        refit(state);
        Vec::new()
    }

    fn follow(&self, state: &mut State) {
        let Some(description) = state.description.clone() else { return };
        let fields = &description.fields;
        let Some(chunk) = state.selection.chunk else { return };
        let of_chunk = |root: &&crate::tui::fields::Root| root.chunk.is_some_and(|c| c.index == chunk);
        let Some(root) = fields.roots().iter().find(of_chunk) else { return };
        let here = state.manifest.selected().and_then(|row| fields.root(row.node()));
        if here.is_none_or(|here| here.node != root.node) {
            let (height, at) = (height(state), state.manifest.place(fields, Row::Node(root.node)));
            let pane = &mut state.manifest;
            pane.window.jump(at, pane.len(), height);
        }
    }

    fn refit(&self, state: &mut State) {
        refit(state);
    }

    fn click(&self, state: &mut State, at: Position) -> Vec<Effect> {
        let Some((description, pane)) = state.description.clone().zip(state.areas().and_then(|areas| areas.view))
        else {
            return Vec::new();
        };
        let list = list_area(pane.inner);
        let line = list.contains(at).then(|| at.y - list.y);
        let row = line.and_then(|line| state.manifest.window.row_at(line, state.manifest.len()));
        let Some(row) = row else { return Vec::new() };
        if row == state.manifest.window.cursor() {
            // A second click on the same row opens or folds it.
            let command = state.manifest.selected().filter(|row| description.fields.can_open(row.node()));
            return command.and_then(|_| self.run(state, Command::Fold)).unwrap_or_default();
        }
        let len = state.manifest.len();
        state.manifest.window.set_cursor(row, len, list.height);
        selects(state, &description.fields);
        Vec::new()
    }

    fn wheel(&self, state: &mut State, rows: i64) {
        let (len, height) = (state.manifest.len(), height(state));
        state.manifest.window.scroll(rows, len, height);
        if let Some(description) = state.description.clone().filter(|_| state.focus == Pane::View) {
            selects(state, &description.fields);
        }
    }

    fn findable(&self) -> &'static str {
        "text in keys and values"
    }

    fn find(&self, state: &mut State, text: &str) -> Result<Vec<Effect>, String> {
        let (container, description) = (state.container.clone(), state.description.clone());
        let (container, description) = container.zip(description).ok_or("the file is not indexed yet")?;
        let request = Request::SearchFields { container, description, text: text.to_owned() };
        Ok(vec![Effect::Start(state.jobs.start(request))])
    }
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
        assert_eq!(round.state().message.as_ref().unwrap().text, "match 1 of 2, from the start again");
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
