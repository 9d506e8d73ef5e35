//! The rows of the chunk tree: groups by tag, folded runs of a long group, and chunks. The tree keeps only what is open;
//! everything else is arithmetic over the index, so a frame costs what is open and visible, not what there is.

pub(in crate::tui::state) mod behaviour;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use h4mk::container::Container;
use h4mk::index::{Chunk, Index, Tag};

/// A group with more chunks than this is folded into runs.
const FOLD_ABOVE: u64 = 64;

/// The length of a run where the keyframe interval does not give a natural one.
const DEFAULT_RUN: u64 = 100;

/// One row of the tree. A group is named by the place of its tag among all tags, in order of first appearance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChunkRow {
    /// All chunks of a tag; where there is only one, that chunk.
    Group(usize),
    /// A run of consecutive members of a group.
    Run(usize, u64),
    /// A member of a group.
    Chunk(usize, u64),
}

/// What is open in the tree.
#[derive(Debug, Clone)]
pub struct Tree {
    /// Open groups, and their open runs.
    open: BTreeMap<usize, BTreeSet<u64>>,
    run_len: u64,
    only: Option<Only>,
}

/// The blocks of one track, in file order: the only ones that are shown.
#[derive(Debug, Clone)]
pub struct Only {
    track: String,
    of: Arc<Container>,
    blocks: Vec<u64>,
    bytes: u64,
}

impl Only {
    /// The blocks of the track with that id; none where there is no such track.
    pub fn of_track(container: &Arc<Container>, track: &str) -> Self {
        let found = container.tracks().and_then(|tracks| tracks.by_id(track));
        let index = container.index();
        let all = found.map_or(&[][..], |track| &track.blocks).iter().map(|block| block.block);
        let mut blocks: Vec<u64> = all.filter(|block| *block < index.blocks()).collect();
        blocks.sort_unstable();
        blocks.dedup();
        let bytes = blocks.iter().filter_map(|block| index.block(*block)).map(|chunk| chunk.len()).sum();
        Self { track: track.to_owned(), of: container.clone(), blocks, bytes }
    }

    /// Whether it is about that track of that container.
    pub fn is_of(&self, container: &Arc<Container>, track: &str) -> bool {
        self.track == track && Arc::ptr_eq(&self.of, container)
    }
}

impl Default for Tree {
    fn default() -> Self {
        Self { open: BTreeMap::new(), run_len: DEFAULT_RUN, only: None }
    }
}

/// A group and the index it is looked up in.
struct Group<'a> {
    count: u64,
    run_len: u64,
    open_runs: &'a BTreeSet<u64>,
}

impl Group<'_> {
    fn is_folded(&self) -> bool {
        self.count > FOLD_ABOVE
    }

    fn members(&self, run: u64) -> Range<u64> {
        let first = run.saturating_mul(self.run_len).min(self.count);
        first..first.saturating_add(self.run_len).min(self.count)
    }

    fn run_rows(&self, run: u64) -> u64 {
        let members = self.members(run);
        members.end - members.start
    }

    /// Rows below the head.
    fn rows(&self) -> u64 {
        if self.count < 2 {
            return 0;
        }
        if !self.is_folded() {
            return self.count;
        }
        self.count.div_ceil(self.run_len) + self.open_runs.iter().map(|run| self.run_rows(*run)).sum::<u64>()
    }

    /// The row at a place below the head.
    fn row(&self, group: usize, at: u64) -> ChunkRow {
        if !self.is_folded() {
            return ChunkRow::Chunk(group, at);
        }
        let mut shown = 0;
        for run in self.open_runs {
            let head = run + shown;
            let rows = self.run_rows(*run);
            if at <= head {
                break;
            }
            if at <= head + rows {
                return ChunkRow::Chunk(group, run * self.run_len + (at - head - 1));
            }
            shown += rows;
        }
        ChunkRow::Run(group, at - shown)
    }

    /// The place of a run below the head.
    fn place_of_run(&self, run: u64) -> u64 {
        run + self.open_runs.range(..run).map(|before| self.run_rows(*before)).sum::<u64>()
    }
}

impl Tree {
    /// Folds long groups into runs of this many chunks, the keyframe interval where it is known.
    pub fn set_run_len(&mut self, keyframe_interval: Option<u64>) {
        let run_len = keyframe_interval.filter(|gop| (2..=10_000).contains(gop)).unwrap_or(DEFAULT_RUN);
        if run_len != self.run_len {
            self.run_len = run_len;
            self.open.values_mut().for_each(BTreeSet::clear);
        }
    }

    /// The track whose blocks alone are shown.
    pub fn only(&self) -> Option<&Only> {
        self.only.as_ref()
    }

    /// That track's id.
    pub fn track(&self) -> Option<&str> {
        self.only.as_ref().map(|only| only.track.as_str())
    }

    /// Shows the blocks of one track only, or all. Runs are folded where they mean other blocks than before.
    pub fn show_only(&mut self, only: Option<Only>) {
        if self.track() != only.as_ref().map(|only| only.track.as_str()) {
            self.open.values_mut().for_each(BTreeSet::clear);
        }
        self.only = only;
    }

    fn only_of(&self, tag: Tag) -> Option<&Only> {
        self.only.as_ref().filter(|_| tag == Tag::CORE)
    }

    /// How many chunks of a group are shown, and their payload bytes.
    pub fn total(&self, index: &Index, group: usize) -> (u64, u64) {
        let Some(total) = index.totals().get(group) else { return (0, 0) };
        self.only_of(total.tag).map_or((total.count, total.bytes), |only| (only.blocks.len() as u64, only.bytes))
    }

    fn count(&self, index: &Index, group: usize) -> u64 {
        self.total(index, group).0
    }

    /// The chunk of a tag that is shown at a place among those that are.
    pub fn nth(&self, index: &Index, tag: Tag, member: u64) -> Option<Chunk> {
        match self.only_of(tag) {
            Some(only) => index.block(*only.blocks.get(usize::try_from(member).ok()?)?),
            None => index.nth(tag, member),
        }
    }

    /// The place of a chunk among those of its tag that are shown; `None` where it is not.
    pub fn rank(&self, index: &Index, chunk: &Chunk) -> Option<u64> {
        match self.only_of(chunk.tag()) {
            Some(only) => only.blocks.binary_search(&chunk.block()?).ok().map(|at| at as u64),
            None => Some(index.rank(chunk)),
        }
    }

    fn group<'a>(&'a self, index: &Index, group: usize) -> Option<Group<'a>> {
        let count = self.count(index, group);
        Some(Group { count, run_len: self.run_len, open_runs: self.open.get(&group)? })
    }

    /// The open groups, with the rows below their heads.
    fn open_groups<'a>(&'a self, index: &'a Index) -> impl Iterator<Item = (usize, Group<'a>)> {
        self.open.keys().filter_map(|group| Some((*group, self.group(index, *group)?)))
    }

    /// Number of rows.
    pub fn len(&self, index: &Index) -> u64 {
        index.totals().len() as u64 + self.open_groups(index).map(|(_, group)| group.rows()).sum::<u64>()
    }

    /// The row at a place of the list.
    pub fn row(&self, index: &Index, at: u64) -> Option<ChunkRow> {
        let mut shown = 0;
        for (number, group) in self.open_groups(index) {
            let head = number as u64 + shown;
            let rows = group.rows();
            if at <= head {
                break;
            }
            if at <= head + rows {
                return Some(group.row(number, at - head - 1));
            }
            shown += rows;
        }
        let group = usize::try_from(at - shown).ok()?;
        (group < index.totals().len()).then_some(ChunkRow::Group(group))
    }

    /// The place of a row in the list; that of the fold which hides it, when it is hidden.
    pub fn place(&self, index: &Index, row: ChunkRow) -> u64 {
        let (ChunkRow::Group(number) | ChunkRow::Run(number, _) | ChunkRow::Chunk(number, _)) = row;
        let before = self.open_groups(index).take_while(|(group, _)| *group < number);
        let head = number as u64 + before.map(|(_, group)| group.rows()).sum::<u64>();
        let Some(group) = self.group(index, number) else { return head };
        match row {
            ChunkRow::Group(_) => head,
            ChunkRow::Run(_, run) => head + 1 + group.place_of_run(run),
            ChunkRow::Chunk(_, member) if !group.is_folded() => head + 1 + member,
            ChunkRow::Chunk(_, member) => {
                let run = member / self.run_len;
                let within = if group.open_runs.contains(&run) { 1 + member % self.run_len } else { 0 };
                head + 1 + group.place_of_run(run) + within
            }
        }
    }

    /// The row of a chunk.
    pub fn row_of(&self, index: &Index, chunk: &Chunk) -> Option<ChunkRow> {
        let group = index.totals().iter().position(|total| total.tag == chunk.tag())?;
        let (alone, rank) = (self.count(index, group) == 1, self.rank(index, chunk)?);
        Some(if alone { ChunkRow::Group(group) } else { ChunkRow::Chunk(group, rank) })
    }

    /// The tag of a row.
    pub fn tag(index: &Index, row: ChunkRow) -> Option<Tag> {
        let (ChunkRow::Group(group) | ChunkRow::Run(group, _) | ChunkRow::Chunk(group, _)) = row;
        index.totals().get(group).map(|total| total.tag)
    }

    /// The members of its tag that a row stands for.
    pub fn members(&self, index: &Index, row: ChunkRow) -> Range<u64> {
        let (ChunkRow::Group(group) | ChunkRow::Run(group, _) | ChunkRow::Chunk(group, _)) = row;
        let count = self.count(index, group);
        match row {
            ChunkRow::Group(_) => 0..count,
            ChunkRow::Run(_, run) => Group { count, run_len: self.run_len, open_runs: &BTreeSet::new() }.members(run),
            ChunkRow::Chunk(_, member) => member..member.saturating_add(1).min(count),
        }
    }

    /// The chunk that a row stands for; of a group or a run, the first.
    pub fn chunk(&self, index: &Index, row: ChunkRow) -> Option<Chunk> {
        self.nth(index, Self::tag(index, row)?, self.members(index, row).start)
    }

    /// The row that folds this one away; a group's is itself.
    pub fn parent(&self, index: &Index, row: ChunkRow) -> ChunkRow {
        match row {
            ChunkRow::Chunk(group, member) if self.count(index, group) > FOLD_ABOVE => {
                ChunkRow::Run(group, member / self.run_len)
            }
            ChunkRow::Chunk(group, _) | ChunkRow::Run(group, _) | ChunkRow::Group(group) => ChunkRow::Group(group),
        }
    }

    /// Whether a row is open; `None` where there is nothing to open.
    pub fn is_open(&self, index: &Index, row: ChunkRow) -> Option<bool> {
        match row {
            ChunkRow::Group(group) if self.count(index, group) > 1 => Some(self.open.contains_key(&group)),
            ChunkRow::Run(group, run) => Some(self.open.get(&group).is_some_and(|runs| runs.contains(&run))),
            ChunkRow::Group(_) | ChunkRow::Chunk(..) => None,
        }
    }

    /// Opens or folds a row that can be. A group that is folded forgets its open runs.
    pub fn set_open(&mut self, index: &Index, row: ChunkRow, open: bool) {
        if self.is_open(index, row).is_none() {
            return;
        }
        match (row, open) {
            (ChunkRow::Group(group), true) => _ = self.open.entry(group).or_default(),
            (ChunkRow::Group(group), false) => _ = self.open.remove(&group),
            (ChunkRow::Run(group, run), true) => _ = self.open.entry(group).or_default().insert(run),
            (ChunkRow::Run(group, run), false) => _ = self.open.get_mut(&group).map(|runs| runs.remove(&run)),
            (ChunkRow::Chunk(..), _) => {}
        }
    }

    /// Opens what hides a row.
    pub fn reveal(&mut self, index: &Index, row: ChunkRow) {
        let parent = self.parent(index, row);
        if parent != row {
            self.reveal(index, parent);
            self.set_open(index, parent, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The index of a transport file of chunks without payload.
    fn index(tags: impl IntoIterator<Item = (Tag, usize)>) -> Index {
        let mut file = b"H4MK\0\x01\0\0".to_vec();
        for tag in tags.into_iter().flat_map(|(tag, count)| std::iter::repeat_n(tag, count)) {
            file.extend(tag.0);
            file.extend([0; 8]);
        }
        open(file).index().clone()
    }

    fn open(file: Vec<u8>) -> Container {
        let source = Arc::new(h4mk::source::Source::from_bytes("x", file));
        Container::read(source, Default::default(), h4mk::walk::Depth::Headers, &Default::default()).unwrap()
    }

    fn rows(tree: &Tree, index: &Index) -> Vec<ChunkRow> {
        (0..tree.len(index)).map(|at| tree.row(index, at).unwrap()).collect()
    }

    #[test]
    fn groups_open_to_their_chunks() {
        let index = index([(Tag::CORE, 2), (Tag::NOTE, 1), (Tag::CORE, 1), (Tag::META, 1)]);
        let mut tree = Tree::default();
        assert_eq!(rows(&tree, &index), [ChunkRow::Group(0), ChunkRow::Group(1), ChunkRow::Group(2)]);
        let third = tree.row_of(&index, &index.chunk(3).unwrap()).unwrap();
        assert_eq!((third, tree.place(&index, third)), (ChunkRow::Chunk(0, 2), 0), "hidden: its group's place");
        tree.reveal(&index, third);
        assert_eq!((tree.len(&index), tree.place(&index, third)), (6, 3));
        assert_eq!(tree.chunk(&index, third).unwrap().index(), 3);
        assert_eq!(tree.row(&index, 6), None);
        let meta = tree.row_of(&index, &index.chunk(4).unwrap()).unwrap();
        assert_eq!((meta, tree.is_open(&index, meta)), (ChunkRow::Group(2), None), "alone: the group is the chunk");
    }

    #[test]
    fn a_million_chunks_fold_into_runs() {
        let index = index([(Tag::CORE, 1_000_000), (Tag::SEEK, 1)]);
        let mut tree = Tree::default();
        tree.set_run_len(Some(30));
        tree.set_open(&index, ChunkRow::Group(0), true);
        assert_eq!(tree.len(&index), 2 + 33_334);
        let row = tree.row_of(&index, &index.chunk(500_000).unwrap()).unwrap();
        tree.reveal(&index, row);
        assert_eq!(tree.len(&index), 2 + 33_334 + 30);
        assert_eq!(tree.row(&index, tree.place(&index, row)), Some(row));
        assert_eq!(tree.members(&index, ChunkRow::Run(0, 33_333)), 999_990..1_000_000, "the last run is shorter");
        assert_eq!(tree.row(&index, tree.len(&index) - 1), Some(ChunkRow::Group(1)));
    }

    /// A mux file of so many blocks, every third of track 2 and the others of track 1.
    fn tracks(blocks: u32) -> Arc<Container> {
        let mut file = b"H4MK\x01\0\0\0\0\0\0\0\0\0\0\0".to_vec();
        for block in 0..blocks {
            let start = file.len();
            let payload = [b"H4TB", &[if block % 3 == 0 { 2 } else { 1 }, 0, 0, 0][..], &[9; 4]].concat();
            file.extend(b"CORE");
            file.extend(block.to_le_bytes());
            file.extend((payload.len() as u32).to_le_bytes());
            file.extend(payload);
            let crc = crc32fast::hash(&file[start..]);
            file.extend(crc.to_le_bytes());
        }
        let crc = crc32fast::hash(&file);
        file.extend(crc.to_le_bytes());
        Arc::new(open(file))
    }

    #[test]
    fn only_one_track_s_blocks_are_shown() {
        let container = tracks(900);
        let index = container.index();
        let mut tree = Tree::default();
        tree.set_open(index, ChunkRow::Group(0), true);
        tree.set_open(index, ChunkRow::Run(0, 8), true);
        tree.show_only(Some(Only::of_track(&container, "2")));
        assert_eq!((tree.total(index, 0).0, tree.len(index)), (300, 1 + 3), "runs are others now, and folded");
        let chunk = index.block(450).unwrap();
        let row = tree.row_of(index, &chunk).unwrap();
        assert_eq!(row, ChunkRow::Chunk(0, 150));
        tree.reveal(index, row);
        assert_eq!((tree.len(index), tree.row(index, tree.place(index, row))), (1 + 3 + 100, Some(row)));
        assert_eq!((tree.chunk(index, row), tree.row_of(index, &index.block(451).unwrap())), (Some(chunk), None));
        assert_eq!(tree.total(index, 0).1, 300 * chunk.len());
        tree.show_only(Some(Only::of_track(&container, "7")));
        assert_eq!((tree.len(index), tree.chunk(index, ChunkRow::Group(0))), (1, None));
        tree.show_only(None);
        assert_eq!(tree.total(index, 0).0, 900);
    }

    proptest! {
        #[test]
        fn rows_and_places_are_inverse(
            chunks in prop::collection::vec((0u8..4, 1usize..90), 0..12),
            gop in 0u64..40,
            folds in prop::collection::vec((0usize..4, prop::option::of(0u64..8), any::<bool>()), 0..12),
        ) {
            let index = index(chunks.into_iter().map(|(tag, count)| (Tag([b'A' + tag; 4]), count)));
            let mut tree = Tree::default();
            tree.set_run_len(Some(gop));
            for (group, run, open) in folds {
                tree.set_open(&index, run.map_or(ChunkRow::Group(group), |run| ChunkRow::Run(group, run)), open);
            }
            for (at, row) in (0..).zip(rows(&tree, &index)) {
                prop_assert_eq!(tree.place(&index, row), at);
            }
            for chunk in index.iter() {
                let row = tree.row_of(&index, &chunk).unwrap();
                prop_assert_eq!(tree.chunk(&index, row), Some(chunk));
                let shown = tree.row(&index, tree.place(&index, row)).unwrap();
                let parent = tree.parent(&index, row);
                prop_assert!([row, parent, tree.parent(&index, parent)].contains(&shown));
                tree.reveal(&index, row);
                prop_assert_eq!(tree.row(&index, tree.place(&index, row)), Some(row));
            }
        }
    }
}
