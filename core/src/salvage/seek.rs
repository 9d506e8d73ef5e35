//! SEEK for the blocks that are left: entries whose block is kept keep their timestamp, and their offset is made anew
//! in the meaning it had. An entry of which it can't be told where its block is now is left out.

use std::sync::OnceLock;

use super::numbering::{Entries, Named, Numbering, Rhythm, guesses};
use super::plan::{OutputChunk, Plan};
use crate::block::{EngineKind, Pipeline};
use crate::container::Effort;
use crate::index::{Chunk, Index, State, Tag};
use crate::layout::{CHUNK_HEADER_LEN, SeekRows};
use crate::meta::Meta;
use crate::pack::seek_payload;
use crate::seek::{Basis, BlockStarts, Landing, Meaning, SeekTable, Starts};
use crate::task::{Cancelled, Task};

/// A table whose offsets are not computed yet.
pub(super) struct Table {
    /// Timestamp in µs and source index of the block, by ascending timestamp.
    entries: Vec<(u64, u64)>,
    meaning: (Meaning, Basis),
    /// What the entries were made from.
    pub(super) how: String,
    /// Entries are gone: their block is, or where it is can't be told.
    pub(super) lost: bool,
}

/// What to do about SEEK.
pub(super) enum Outcome {
    /// What offsets mean is not known, or need not be, and no block has moved.
    AsItIs,
    Anew(Table),
}

/// What there is to make a table from.
pub(super) struct Sources<'s> {
    /// SEEK, where it can be relied on.
    pub(super) chunk: Option<Chunk>,
    /// Its entries, where their meaning is known.
    pub(super) entries: Option<&'s Entries>,
    /// There is a SEEK chunk, or may have been one.
    pub(super) had_entries: bool,
    pub(super) meta: Option<&'s Meta>,
}

/// Decides the table from the source's, where there is a reliable one, or from META's gop and fps_hint.
pub(super) fn rebuild(plan: &Plan<'_>, sources: &Sources<'_>) -> Outcome {
    let container = plan.container;
    let &Sources { chunk: source, entries, had_entries, meta } = sources;
    let rhythm = Rhythm::of(meta);
    let same = source.is_some() && container.seek_chunk() == source;
    let Some(table) = container.seek_table().filter(|_| same) else {
        return Outcome::Anew(from_rhythm(plan, rhythm, usual_meaning(plan, meta), had_entries));
    };
    let declared = table.rows.declared();
    let truncated = declared > table.rows.len();
    let readable = !truncated && table.is_sorted();
    if table.rows.is_empty() && !truncated {
        return Outcome::Anew(Table {
            entries: Vec::new(),
            meaning: (Meaning::Index, Basis::Grid),
            how: "an empty table, as before".to_owned(),
            lost: false,
        });
    }
    let Some(entries) = entries else {
        let resolution = container.resolution(Effort::Full);
        if resolution.stream_untested && readable && table.rows.trailing() == 0 && plan.keeps_indices() {
            return Outcome::AsItIs;
        }
        let mut anew = from_rhythm(plan, rhythm, usual_meaning(plan, meta), true);
        anew.lost |= (anew.entries.len() as u64) < declared;
        return Outcome::Anew(anew);
    };
    if entries.ambiguous {
        return match readable && plan.moves_nothing() {
            true => Outcome::AsItIs,
            false => Outcome::Anew(Table {
                how: "no entries: the offsets fit several meanings, so the blocks they led to are unknown".to_owned(),
                ..from_rhythm(plan, None, None, true)
            }),
        };
    }
    let Landed { list: landed, lost, nowhere } = landings(plan, entries);
    let meaning = Some((entries.meaning, entries.basis));
    let follows = |(pts_us, block): &(u64, u64)| {
        let original = plan.original(*block);
        rhythm.zip(original).is_some_and(|(rhythm, original)| rhythm.has(*pts_us, original))
    };
    if (truncated || nowhere > 0) && landed.iter().all(follows) && rhythm.is_some() {
        let mut anew = from_rhythm(plan, rhythm, meaning, true);
        // What is there of a truncated table is where it was, and it says how many there were.
        anew.lost |= lost > 0 || truncated && anew.entries.len() as u64 != declared;
        return Outcome::Anew(anew);
    }
    let how = match (lost, nowhere) {
        (0, 0) => "the entries of the remaining blocks".to_owned(),
        (n, 0) => format!("the entries of the remaining blocks, without {n} whose block is lost or unknown"),
        (0, n) => format!("the entries of the remaining blocks, without {n} that lead to no known block"),
        (n, m) => {
            format!(
                "the entries of the remaining blocks, without {n} whose block is lost or unknown and {m} that lead to no known \
                 block"
            )
        }
    };
    let there = landed.len();
    let kept = kept(plan, landed);
    let lost = truncated || lost > 0 || nowhere > 0 || kept.len() < there;
    Outcome::Anew(Table { entries: kept, meaning: (entries.meaning, entries.basis), how, lost })
}

/// Where entries lead.
struct Landed {
    /// Timestamp and source index of the block.
    list: Vec<(u64, u64)>,
    /// Entries of blocks that are missing, or of which it can't be told where they are now.
    lost: u64,
    /// Entries that lead to no block there ever was.
    nowhere: u64,
}

fn landings(plan: &Plan<'_>, entries: &Entries) -> Landed {
    let container = plan.container;
    let blocks = container.starts(Effort::Full);
    let losses = &container.walked().losses;
    let mut landed = Landed { list: Vec::new(), lost: 0, nowhere: 0 };
    if have_moved(plan, &blocks, entries) {
        landed.lost = entries.list.len() as u64;
        return landed;
    }
    // What bytes were lost before an entry may have moved its block.
    let from = losses.first().map_or(u64::MAX, |loss| loss.offset);
    let shift = common_shift(&blocks, entries, &plan.numbering, from);
    for entry in &entries.list {
        let land = |offset: u64| blocks.landing(entries.meaning, entries.basis, offset);
        if let Some(original) = entry.original {
            match plan.numbering.found(original).filter(|found| *found < container.index().blocks()) {
                Some(found) => landed.list.push((entry.pts_us, found)),
                None if plan.numbering.total().is_some_and(|total| original >= total) => landed.nowhere += 1,
                None => landed.lost += 1,
            }
            continue;
        }
        let place = match shift {
            _ if plan.is_proven => compact(plan, entries.meaning, entry.offset),
            _ if entry.offset < from => land(entry.offset),
            Some(shift) => entry.offset.checked_add_signed(shift).map_or(Landing::Nowhere, land),
            None => Landing::Unknown,
        };
        // A position in a concatenation counts on all blocks before it.
        let certain = match entries.meaning {
            Meaning::Stored | Meaning::Stream => plan.numbering.first_uncertain().unwrap_or(u64::MAX),
            Meaning::Chunk | Meaning::Payload | Meaning::Index => u64::MAX,
        };
        match place {
            Landing::Block(found) if found >= certain => landed.lost += 1,
            Landing::Block(found) => landed.list.push((entry.pts_us, found)),
            Landing::Nowhere if losses.is_empty() => landed.nowhere += 1,
            Landing::Nowhere | Landing::Unknown => landed.lost += 1,
        }
    }
    landed
}

/// Offsets are all there is to go by, and time 0 leads to another block than the first; or some lead nowhere, though no bytes
/// are known to be lost: chunks were taken out or moved, or they mean something else, and where an entry leads it may lead by
/// chance.
fn have_moved(plan: &Plan<'_>, blocks: &BlockStarts<'_>, entries: &Entries) -> bool {
    let nothing_lost = plan.container.walked().losses.is_empty();
    let mut by_place = entries.list.iter().filter(|entry| entry.original.is_none());
    let land = |entry: &Named| blocks.landing(entries.meaning, entries.basis, entry.offset);
    let is_explained = |entry: &Named| !nothing_lost && land(entry) == Landing::Nowhere;
    !entries.sealed && by_place.any(|entry| is_astray(blocks, entries, entry) && !is_explained(entry))
}

/// An entry leads nowhere, or from time 0 to another block than the first.
fn is_astray(blocks: &BlockStarts<'_>, entries: &Entries, entry: &Named) -> bool {
    match blocks.landing(entries.meaning, entries.basis, entry.offset) {
        Landing::Block(block) => entry.pts_us == 0 && block > 0,
        Landing::Nowhere => true,
        Landing::Unknown => false,
    }
}

/// What SEEK says that can't be with the blocks there are. Nothing else tells that a chunk was taken out whole.
pub(super) fn contradiction(plan: &Plan<'_>, sources: &Sources<'_>) -> Option<String> {
    let container = plan.container;
    let table =
        container.seek_table().filter(|_| sources.chunk.is_some() && container.seek_chunk() == sources.chunk)?;
    let nothing_shows = "and nothing shows that all blocks are there: some may be missing without a trace";
    let Some(entries) = sources.entries else {
        let is_tried = !container.resolution(Effort::Full).stream_untested && !table.rows.is_empty();
        return is_tried
            .then(|| format!("the SEEK entries lead to no block, whatever their offsets mean, {nothing_shows}"));
    };
    let blocks = container.starts(Effort::Full);
    let mut astray = entries.list.iter().filter(|entry| is_astray(&blocks, entries, entry));
    let Named { pts_us, offset, .. } = astray.next()?;
    let more = match astray.count() {
        0 => String::new(),
        1 => ", and 1 other entry does not either".to_owned(),
        more => format!(", and {more} other entries do not either"),
    };
    let meaning = entries.meaning.name();
    Some(format!(
        "the SEEK entry at pts {pts_us} with offset {offset} ({meaning}) does not lead to its block{more}, {nothing_shows}"
    ))
}

/// Where a place in the file leads that the container had before bytes were put between its chunks.
fn compact(plan: &Plan<'_>, meaning: Meaning, offset: u64) -> Landing {
    let container = plan.container;
    let blocks = container.starts(Effort::Full);
    if !matches!(meaning, Meaning::Chunk | Meaning::Payload) {
        return blocks.landing(meaning, Basis::Sums, offset);
    }
    let mut at = offset;
    for loss in &container.walked().losses {
        // A payload's place is that of its chunk, moved on by the header.
        let begins = if meaning == Meaning::Payload { at.saturating_sub(CHUNK_HEADER_LEN) } else { at };
        if loss.offset > begins {
            break;
        }
        at = at.saturating_add(loss.length);
    }
    blocks.landing(meaning, Basis::Grid, at)
}

/// The distance by which the blocks of all entries from a place on have moved: none, if all of them lead to blocks or lost
/// bytes; else the only one under which all do.
fn common_shift(blocks: &BlockStarts<'_>, entries: &Entries, numbering: &Numbering, from: u64) -> Option<i64> {
    let land = |offset: u64| blocks.landing(entries.meaning, entries.basis, offset);
    let later = || entries.list.iter().filter(|entry| entry.original.is_none() && entry.offset >= from);
    let fits = |shift: i64| {
        let moved = |entry: &Named| entry.offset.checked_add_signed(shift).map_or(Landing::Nowhere, land);
        later().all(|entry| moved(entry) != Landing::Nowhere)
    };
    if fits(0) {
        return Some(0);
    }
    let first = later().next()?;
    let from = numbering.first_uncertain().unwrap_or(0);
    let tried = usize::try_from(guesses(later().count())?).unwrap_or(0);
    let starts = (from..blocks.index.blocks()).take(tried);
    let starts = starts.filter_map(|block| blocks.start(entries.meaning, entries.basis, block));
    let shifts = starts.filter_map(|start| i64::try_from(i128::from(start) - i128::from(first.offset)).ok());
    let mut fitting = shifts.filter(|shift| fits(*shift));
    fitting.next().filter(|_| fitting.next().is_none() && later().count() > 1)
}

/// Entries whose block is kept, one for each timestamp: the one that answered it.
fn kept(plan: &Plan<'_>, mut entries: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    entries.retain(|(_, block)| plan.new_index(*block).is_some());
    entries.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            earlier.1 = later.1;
        }
        same
    });
    entries
}

/// A keyframe every gop, as far as the index that blocks had is known; empty where META does not give the rhythm or
/// offsets can't be computed.
fn from_rhythm(
    plan: &Plan<'_>,
    rhythm: Option<Rhythm>,
    meaning: Option<(Meaning, Basis)>,
    replaces_entries: bool,
) -> Table {
    let Some((rhythm, meaning)) = rhythm.zip(meaning) else {
        let how = "an empty table: there is nothing to rebuild its entries from".to_owned();
        let meaning = (Meaning::Index, Basis::Grid);
        return Table { entries: Vec::new(), meaning, how, lost: replaces_entries };
    };
    let entry = |found: u64| {
        let original = plan.original(found).filter(|original| original.is_multiple_of(rhythm.gop))?;
        Some((original.checked_mul(rhythm.frame_us)?, found))
    };
    let entries = kept(plan, (0..plan.container.index().blocks()).filter_map(entry).collect());
    let how = "a keyframe every META gop, timed by META's fps_hint".to_owned();
    Table { entries, meaning, how, lost: replaces_entries && !plan.numbering.is_certain() }
}

/// The meaning the reference writer gives offsets, as far as decoded sizes can be known.
fn usual_meaning(plan: &Plan<'_>, meta: Option<&Meta>) -> Option<(Meaning, Basis)> {
    if meta.is_some_and(|meta| meta.block_size.is_some()) {
        return Some((Meaning::Stream, Basis::Grid));
    }
    let readable = Pipeline::of(meta).is_plain_rle() && plan.kept_blocks().all(|chunk| chunk.len % 2 == 0);
    readable.then_some((Meaning::Stream, Basis::Sums))
}

impl Table {
    /// Length of the payload.
    pub(super) fn len(&self) -> usize {
        4 + 16 * self.entries.len()
    }

    /// Sees to it that whoever reads the output finds every entry's block: in the meaning that offsets had, or where they
    /// would be taken for something else in the output, in the first one in which they aren't. False where there is none.
    /// The plan must already hold a table of this length where this one goes, since offsets may depend on it.
    pub(super) fn settle(&mut self, plan: &Plan<'_>, meta: Option<&Meta>, task: &Task) -> Result<bool, Cancelled> {
        let grid = meta.and_then(|meta| meta.block_size);
        let had = self.meaning;
        let sums = plan.container.reader().reaches_compressed() && grid.is_none();
        let others = [
            Some((Meaning::Stream, Basis::Grid)).filter(|_| grid.is_some()),
            Some((Meaning::Stream, Basis::Sums)).filter(|_| sums),
            Some((Meaning::Payload, Basis::Grid)),
            Some((Meaning::Chunk, Basis::Grid)),
            Some((Meaning::Stored, Basis::Grid)),
            Some((Meaning::Index, Basis::Grid)),
        ];
        let output = Output::of(plan, meta, sums || had.1 == Basis::Sums, task)?;
        for meaning in std::iter::once(had).chain(others.into_iter().flatten()) {
            self.meaning = meaning;
            let payload = self.payload(plan, grid, task)?;
            if self.is_read_right(plan, &output, &payload) {
                return Ok(true);
            }
        }
        self.meaning = had;
        Ok(false)
    }

    fn is_read_right(&self, plan: &Plan<'_>, output: &Output, payload: &[u8]) -> bool {
        let order = OnceLock::new();
        let Some(rows) = SeekRows::transport(payload) else { return false };
        let table = SeekTable::new(rows, &order);
        if table.rows.is_empty() {
            return self.entries.is_empty();
        }
        let blocks = output.blocks();
        let leads = |chosen: Option<Meaning>| {
            let Some(fit) = blocks.resolve(&table, chosen).best else { return false };
            table.rows.len() == self.entries.len() as u64
                && self.entries.iter().zip(table.rows.iter()).all(|((_, block), row)| {
                    let landing = blocks.landing(fit.meaning, fit.basis, row.offset);
                    plan.new_index(*block).is_some_and(|new| landing == Landing::Block(new))
                })
        };
        leads(None) && plan.container.options().meaning.is_none_or(|chosen| leads(Some(chosen)))
    }

    /// The payload, for the output as it is planned. The plan must already hold a table of this length where this one
    /// goes, since offsets may depend on it.
    pub(super) fn payload(&self, plan: &Plan<'_>, grid: Option<u64>, task: &Task) -> Result<Vec<u8>, Cancelled> {
        let mut targets: Vec<u64> = self.entries.iter().map(|(_, block)| *block).collect();
        targets.sort_unstable();
        targets.dedup();
        let starts = match self.meaning {
            (Meaning::Index, _) => targets.iter().filter_map(|block| plan.new_index(*block)).collect(),
            (Meaning::Stream, Basis::Grid) => {
                let start = |block: &u64| plan.new_index(*block)?.checked_mul(grid?);
                targets.iter().filter_map(start).collect()
            }
            (Meaning::Stream, Basis::Sums) => {
                positions(plan, &targets, task, |chunk| plan.decoded_len(chunk).unwrap_or(0))?
            }
            (Meaning::Stored, _) => positions(plan, &targets, task, |chunk| chunk.len)?,
            (Meaning::Chunk, _) => file_offsets(plan, &targets, 0),
            (Meaning::Payload, _) => file_offsets(plan, &targets, CHUNK_HEADER_LEN),
        };
        let start = |block: &u64| starts.get(targets.binary_search(block).ok()?).copied();
        let rows: Vec<(u64, u64)> =
            self.entries.iter().filter_map(|(pts_us, block)| Some((*pts_us, start(block)?))).collect();
        Ok(seek_payload(&rows))
    }
}

/// The chunks of the output, as a reader will find them.
struct Output {
    index: Index,
    file_len: u64,
    /// Where decoded blocks start, where META's grid does not say it.
    decoded: Option<Starts>,
    grid: Option<u64>,
    gop: Option<u64>,
    frame_us: Option<u64>,
}

impl Output {
    /// With `sums`, decoded blocks are measured, if they are run lengths.
    fn of(plan: &Plan<'_>, meta: Option<&Meta>, sums: bool, task: &Task) -> Result<Self, Cancelled> {
        let layout = plan.container.layout();
        let mut index = Index::default();
        let mut at = layout.file_header_len();
        let mut add = |tag: Tag, len: u64| {
            index.push(tag, at, u32::try_from(len).unwrap_or(u32::MAX), layout.trailer_len(), State::Intact);
            at = at.saturating_add(layout.smallest_chunk()).saturating_add(len);
        };
        for part in plan.parts() {
            match part {
                OutputChunk::Copy(chunk) => add(chunk.tag, chunk.len),
                OutputChunk::Empty => add(Tag::CORE, 0),
                OutputChunk::New(new) => add(new.tag, new.payload.len() as u64),
            }
        }
        let grid = meta.and_then(|meta| meta.block_size);
        let reader = plan.container.reader();
        let mut decoded = None;
        let rle = matches!(reader.pipeline().engine, EngineKind::Rle { .. });
        if sums && rle && reader.reaches_compressed() {
            let mut sizes = Vec::new();
            for part in plan.parts() {
                task.check()?;
                match part {
                    OutputChunk::Copy(chunk) if chunk.tag == Tag::CORE => sizes.push(plan.decoded_len(&chunk)),
                    OutputChunk::Empty => sizes.push(Some(0)),
                    _ => {}
                }
            }
            decoded = Some(Starts::new(sizes.into_iter()));
        }
        let frame_us = meta.filter(|meta| meta.fps_hint.is_some()).and_then(Meta::frame_us);
        Ok(Self { index, file_len: at, decoded, grid, gop: meta.and_then(|meta| meta.gop), frame_us })
    }

    fn blocks(&self) -> BlockStarts<'_> {
        let mut blocks = BlockStarts::new(&self.index, &[], self.file_len);
        (blocks.grid, blocks.decoded) = (self.grid, self.decoded.as_ref());
        (blocks.gop, blocks.frame_us) = (self.gop, self.frame_us);
        blocks
    }
}

/// Where blocks start in the concatenation of all kept ones. `targets` are source indices, ascending.
fn positions(
    plan: &Plan<'_>,
    targets: &[u64],
    task: &Task,
    size: impl Fn(&Chunk) -> u64,
) -> Result<Vec<u64>, Cancelled> {
    let mut starts = Vec::with_capacity(targets.len());
    let mut at = 0u64;
    // Placeholders take no room in it.
    for chunk in plan.kept_blocks() {
        if starts.len() == targets.len() {
            break;
        }
        task.check()?;
        if targets.get(starts.len()) == chunk.block.as_ref() {
            starts.push(at);
        }
        at = at.saturating_add(size(&chunk));
    }
    Ok(starts)
}

/// Where the chunks of blocks will stand in the output, or that many bytes `into` them. `targets` are source indices,
/// ascending.
pub(super) fn file_offsets(plan: &Plan<'_>, targets: &[u64], into: u64) -> Vec<u64> {
    let mut starts = Vec::with_capacity(targets.len());
    let layout = plan.container.layout();
    let mut at = layout.file_header_len();
    for part in plan.parts() {
        let len = match part {
            OutputChunk::Copy(chunk) => {
                if chunk.tag == Tag::CORE && targets.get(starts.len()) == chunk.block.as_ref() {
                    starts.push(at.saturating_add(into));
                }
                chunk.len
            }
            OutputChunk::Empty => 0,
            OutputChunk::New(new) => new.payload.len() as u64,
        };
        at = at.saturating_add(layout.smallest_chunk()).saturating_add(len);
    }
    starts
}
