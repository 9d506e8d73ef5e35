//! What is known of a block is the same in every view, whatever was looked at before.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use h4inspect::core::container::{Container, Options};
use h4inspect::core::index::{State, Tag};
use h4inspect::core::report::Chunks;
use h4inspect::core::source::Source;
use h4inspect::tui::headless::Player;
use h4inspect::tui::input;
use h4inspect::tui::layout::strip_blocks;
use h4inspect::tui::state::Setup;
use ratatui::buffer::Buffer;

use crate::support::screens::DARK;

/// Every container of the corpus and of the samples.
fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["tests/corpus/reference", "tests/corpus/damaged", "tests/corpus/found", "sample-data"];
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let entries = std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        files.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "h4mk")));
    }
    files.sort();
    assert!(files.len() > 70, "{}", files.len());
    files
}

/// A screen so large that all blocks of most files are in sight at once.
const SIZE: (u16, u16) = (150, 60);

fn open(path: &Path) -> Player {
    Player::new(Setup {
        name: "x.h4mk".into(),
        source: Arc::new(Source::from_bytes("x.h4mk", std::fs::read(path).unwrap())),
        other: None,
        options: Options::default(),
        theme: DARK,
        size: SIZE.into(),
        may_write: false,
        polling: Default::default(),
    })
}

fn play(player: &mut Player, text: &str) {
    player.play(input::parse(text).unwrap());
}

fn lines(frame: &Buffer) -> Vec<Vec<char>> {
    let area = frame.area;
    let cell = |x, y| frame.cell((x, y)).map_or(' ', |cell| cell.symbol().chars().next().unwrap_or(' '));
    (0..area.height).map(|y| (0..area.width).map(|x| cell(x, y)).collect()).collect()
}

/// A frame as text, drawn once.
struct Screen(Vec<Vec<char>>);

impl Screen {
    fn of(player: &Player) -> Self {
        Self(lines(&player.frame()))
    }

    fn texts(&self) -> impl DoubleEndedIterator<Item = String> + '_ {
        self.0.iter().map(|line| line.iter().collect())
    }

    /// What a line says behind a name.
    fn said(&self, name: &str) -> String {
        self.texts()
            .filter_map(|text| text.split_once(name).map(|(_, rest)| rest.to_owned()))
            .next()
            .unwrap_or_default()
    }

    /// The mark in a row of the chunk tree: the last column before its frame or scroll bar.
    fn tree_marks(&self) -> BTreeMap<u64, char> {
        let width = self.0[2].iter().position(|c| *c == '┐').unwrap();
        let row = |line: &Vec<char>| {
            let text: String = line[1..width].iter().collect();
            let number = text.trim_start_matches(['▌', ' ']).strip_prefix('#')?;
            Some((number.split(' ').next()?.parse().ok()?, line[width - 1]))
        };
        self.0.iter().filter_map(row).collect()
    }

    /// The marks in the column of the Blocks view that says what is known.
    fn block_marks(&self) -> BTreeMap<u64, char> {
        let column = self.0[3].windows(5).rposition(|w| w == ['s', 't', 'a', 't', 'e']).unwrap();
        let left = self.0[2].iter().rposition(|c| *c == '┌').unwrap();
        let row = |line: &Vec<char>| {
            let text: String = line[left + 1..].iter().collect();
            let number = text.trim_start_matches(['▌', ' ']).split(' ').next()?.replace(',', "");
            Some((number.parse().ok()?, line[column]))
        };
        self.0[4..self.0.len() - 6].iter().filter_map(row).collect()
    }

    /// The marks of the strip, where a column shows one block.
    fn strip_marks(&self, blocks: u64) -> BTreeMap<u64, char> {
        let line = &self.0[self.0.len() - 3];
        let shown = (0..SIZE.0).map(|column| (strip_blocks(blocks, SIZE.0, column), line[usize::from(column)]));
        shown.filter(|(range, _)| range.end - range.start == 1).map(|(range, mark)| (range.start, mark)).collect()
    }
}

/// The one mark among these words, such as `✓ right`.
fn mark_in(text: &str) -> Option<char> {
    let words = ["✓ right", "✗ wrong", "░ next to a loss", "! mended", "! doubtful", "· not checked"];
    let found: Vec<char> =
        words.iter().filter(|word| text.contains(*word)).filter_map(|word| word.chars().next()).collect();
    assert!(found.len() <= 1, "{found:?} in {text}");
    found.first().copied()
}

/// A mark where something is wrong; views that show what is wrong alone show no other.
fn fault(mark: char) -> Option<char> {
    ['✗', '░', '!'].contains(&mark).then_some(mark)
}

/// Asserts that two views say the same of the blocks that both show.
fn assert_same(a: &BTreeMap<u64, char>, b: &BTreeMap<u64, char>, where_: &str) {
    for (block, mark) in a {
        if let Some(other) = b.get(block) {
            assert_eq!(mark, other, "block {block} in {where_}");
        }
    }
}

fn faults(marks: &BTreeMap<u64, char>) -> BTreeMap<u64, char> {
    marks.iter().map(|(block, mark)| (*block, fault(*mark).unwrap_or(' '))).collect()
}

/// Asks the views that read nothing themselves; returns what they all say.
fn ask(player: &mut Player, name: &str) -> BTreeMap<u64, char> {
    let Some(container) = player.state().container.clone() else { return BTreeMap::new() };
    let index = container.index();
    let group = index.totals().iter().position(|total| total.tag == Tag::CORE).unwrap_or(0);
    play(player, &format!("1<BackTab><Home>{}l", "j".repeat(group)));
    let screen = Screen::of(player);
    let tree = screen.tree_marks();
    assert_same(&faults(&tree), &faults(&screen.strip_marks(index.blocks())), &format!("{name}: tree and strip"));
    if index.blocks() > 0 {
        let (counted, all) = (screen.said("State "), tree.len() as u64 == index.blocks());
        for (mark, word) in [('✓', "right"), ('✗', "wrong"), ('░', "next to a loss"), ('·', "not checked")] {
            let count = tree.values().filter(|shown| **shown == mark).count();
            let said = counted.contains(&format!("{count} {word}"));
            assert!(!all || count == 0 || said, "{name}: {count} {word} in the tree, and in Summary {counted}");
        }
    }
    tree
}

/// Asks the views that read what they show, one block after the other.
fn ask_readers(player: &mut Player, name: &str) {
    let Some(container) = player.state().container.clone().filter(|container| container.index().blocks() > 0) else {
        return;
    };
    play(player, "4X<Home>");
    let listed = Screen::of(player).block_marks();
    let blocks = container.index().blocks();
    assert!(listed.len() as u64 >= blocks.min(40), "{name}: {listed:?}");
    assert!(!listed.values().any(|mark| *mark == '·'), "{name}: Blocks has read what it shows: {listed:?}");
    let some = listed.iter().filter(|(block, mark)| **block < 2 || fault(**mark).is_some()).take(8);
    for (block, mark) in some {
        play(player, &format!(":#{block}<Enter>3"));
        let timeline = Screen::of(player).said("block     #");
        assert_eq!(mark_in(&timeline), Some(*mark), "{name}: block {block} in Blocks and Timeline: {timeline}");
        play(player, "5");
        let status = Screen::of(player).texts().rfind(|line| mark_in(line).is_some()).unwrap_or_default();
        assert_eq!(mark_in(&status), Some(*mark), "{name}: block {block} in Blocks and Hex: {status}");
    }
    play(player, "4");
    let screen = Screen::of(player);
    assert_same(&screen.block_marks(), &listed, &format!("{name}: Blocks before and after blocks were opened"));
    assert_same(&screen.tree_marks(), &listed, &format!("{name}: tree and Blocks"));
    assert_same(&faults(&screen.strip_marks(blocks)), &faults(&listed), &format!("{name}: strip and Blocks"));
    // Nothing is called right that was not checked.
    let checked = player.state().audit.as_ref().is_some_and(|audit| audit.complete);
    play(player, "3");
    let timeline: String = Screen::of(player).texts().collect();
    for claim in ["✓ each leads to its block", "✓ regular", "✓ none"] {
        assert!(checked || !timeline.contains(claim), "{name}: {claim}");
    }
    for key in ["n", "N"] {
        play(player, key);
        let message = player.state().message.clone().map(|message| message.text).unwrap_or_default();
        assert!(checked || !message.starts_with("nothing is wrong"), "{name}: {message}");
    }
}

/// What is true of a block by itself.
fn is_intact(container: &Container, block: u64) -> bool {
    let chunk = container.index().block(block).unwrap();
    container.stored_crc(&chunk).is_some_and(|crc| container.computed_crc(&chunk) == Some(crc))
}

/// Asserts that the `chunks` command says the same of this container.
fn assert_chunks_agree(container: &Container, marks: &BTreeMap<u64, char>, name: &str) {
    let chunks = serde_json::to_value(Chunks::new(container)).unwrap();
    for row in chunks["chunks"].as_array().unwrap() {
        let Some(mark) = row["block"].as_u64().and_then(|block| marks.get(&block)) else { continue };
        match (row["crc_ok"].as_bool(), mark) {
            (Some(false), mark) => assert_eq!(*mark, '✗', "{name}: {row}"),
            (Some(true), mark) => assert_ne!(*mark, '·', "{name}: {row}"),
            (None, mark) => assert_ne!(*mark, '✓', "{name}: {row}"),
        }
    }
}

/// Plays keys on every file, then asks every view; returns which marks were seen.
fn asked_after(before: &str) -> BTreeSet<char> {
    let mut seen = BTreeSet::new();
    for path in files() {
        let name = format!("{} after {before:?}", path.file_name().unwrap().to_string_lossy());
        let mut player = open(&path);
        play(&mut player, before);
        let marks = ask(&mut player, &name);
        let container = player.state().container.clone();
        for (block, mark) in &marks {
            let container = container.as_ref().unwrap();
            let by_the_walk = container.index().block(*block).unwrap().state() != State::Unchecked;
            assert!(*mark != '✓' || is_intact(container, *block), "{name}: block {block} is not right");
            match before {
                "" => assert!(*mark != '✓' || by_the_walk, "{name}: nobody has looked at block {block}"),
                "a" | "v" => assert!(*mark != '·', "{name}: block {block} was looked at"),
                _ => {}
            }
        }
        if let Some(container) = &container {
            assert_chunks_agree(container, &marks, &name);
        }
        seen.extend(marks.into_values());
        ask_readers(&mut player, &name);
    }
    seen
}

#[test]
fn no_two_views_give_two_answers_before_anything_is_checked() {
    assert!(asked_after("").is_superset(&['·', '✗', '░', '!'].into()));
}

#[test]
fn no_two_views_give_two_answers_after_an_audit() {
    assert!(asked_after("a").is_superset(&['✓', '✗', '░', '!'].into()));
}

#[test]
fn no_two_views_give_two_answers_after_veri_was_recomputed() {
    assert!(asked_after("v").is_superset(&['✓', '✗', '░', '!'].into()));
}

#[test]
fn no_two_views_give_two_answers_after_blocks_were_opened() {
    assert!(asked_after("5]]").is_superset(&['✓', '·', '✗', '░'].into()));
}
