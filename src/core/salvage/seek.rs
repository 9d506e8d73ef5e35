//! SEEK for the blocks that are left: entries whose block is kept keep their timestamp, and their offset is made anew
//! in the meaning it had.

use super::plan::{Part, Plan};
use crate::core::block::Pipeline;
use crate::core::container::Effort;
use crate::core::index::{Chunk, Tag};
use crate::core::layout::CHUNK_HEADER_LEN;
use crate::core::meta::Meta;
use crate::core::pack::seek_payload;
use crate::core::seek::{Basis, Landing, Meaning, SeekTable};
use crate::core::task::{Cancelled, Task};

/// A table whose offsets are not computed yet.
pub(super) struct Table {
    /// Timestamp in µs and source index of the block, by ascending timestamp.
    entries: Vec<(u64, u64)>,
    meaning: (Meaning, Basis),
    /// What the entries were made from.
    pub(super) how: String,
    /// Entries of kept blocks are gone.
    pub(super) lost: bool,
}

/// What to do about SEEK.
pub(super) enum Outcome {
    /// What offsets mean is not known, and no block has moved.
    AsItIs,
    Anew(Table),
}

/// When each block is shown and which are keyframes, as META gives it.
#[derive(Clone, Copy)]
struct Rhythm {
    frame_us: u64,
    gop: u64,
}

impl Rhythm {
    fn of(meta: Option<&Meta>) -> Option<Self> {
        let (frame_us, gop) = (meta?.frame_us()?, meta?.gop?);
        (frame_us > 0).then_some(Self { frame_us, gop })
    }

    fn has(self, pts_us: u64, original: u64) -> bool {
        original.is_multiple_of(self.gop) && original.checked_mul(self.frame_us) == Some(pts_us)
    }
}

/// Decides the table from the source's, where there is a reliable one, or from META's gop and fps_hint.
pub(super) fn rebuild(plan: &Plan<'_>, source: Option<&Chunk>, damaged: bool, meta: Option<&Meta>) -> Outcome {
    let container = plan.container;
    let rhythm = Rhythm::of(meta);
    let same = source.is_some() && container.seek_chunk().as_ref() == source;
    let Some(table) = container.seek_table().filter(|_| same) else {
        return Outcome::Anew(from_rhythm(plan, rhythm, usual_meaning(plan, meta), damaged || source.is_some()));
    };
    let truncated = table.rows.declared() > table.rows.len();
    if table.rows.is_empty() && !truncated {
        return Outcome::Anew(Table {
            entries: Vec::new(),
            meaning: (Meaning::Index, Basis::Grid),
            how: "an empty table, as it was".to_owned(),
            lost: false,
        });
    }
    let resolution = container.resolution(Effort::Full);
    let Some(fit) = resolution.best else {
        let readable = !truncated && table.rows.trailing() == 0 && table.is_sorted();
        if resolution.stream_untested && readable && plan.keeps_indices() {
            return Outcome::AsItIs;
        }
        return Outcome::Anew(from_rhythm(plan, rhythm, usual_meaning(plan, meta), true));
    };
    let (landed, nowhere) = landings(plan, &table, &fit);
    let meaning = Some((fit.meaning, fit.basis));
    let follows = |(pts_us, block): &(u64, u64)| {
        let original = plan.original(*block);
        rhythm.zip(original).is_some_and(|(rhythm, original)| rhythm.has(*pts_us, original))
    };
    if (truncated || nowhere > 0) && landed.iter().all(follows) && rhythm.is_some() {
        return Outcome::Anew(from_rhythm(plan, rhythm, meaning, true));
    }
    let how = match nowhere {
        0 => "the entries of the blocks that are left".to_owned(),
        n => format!("the entries of the blocks that are left, without {n} that lead to no known block"),
    };
    Outcome::Anew(Table {
        entries: kept(plan, landed),
        meaning: (fit.meaning, fit.basis),
        how,
        lost: truncated || nowhere > 0,
    })
}

/// Timestamp and block of each entry that leads to one, and how many do not.
fn landings(plan: &Plan<'_>, table: &SeekTable<'_>, fit: &crate::core::seek::Fit) -> (Vec<(u64, u64)>, u64) {
    let blocks = plan.container.blocks(Effort::Full);
    let landing = |offset: u64| blocks.landing(fit.meaning, fit.basis, offset);
    let missed = table.rows.iter().map(|entry| entry.offset).filter(|offset| landing(*offset) == Landing::Nowhere);
    let lost = !plan.container.walked().losses.is_empty();
    let shift = if lost { blocks.common_shift(fit, missed).unwrap_or(0) } else { 0 };
    let mut landed = Vec::new();
    let mut nowhere = 0;
    for entry in table.in_order() {
        let moved = || entry.offset.checked_add_signed(shift).map_or(Landing::Nowhere, landing);
        let place = match landing(entry.offset) {
            Landing::Nowhere => moved(),
            place => place,
        };
        match place {
            Landing::Block(block) => landed.push((entry.pts_us, block)),
            Landing::Nowhere | Landing::Unknown => nowhere += 1,
        }
    }
    (landed, nowhere)
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
        let how = "an empty table: what would give its entries is not known".to_owned();
        let meaning = (Meaning::Index, Basis::Grid);
        return Table { entries: Vec::new(), meaning, how, lost: replaces_entries };
    };
    let entry = |found: u64| {
        let original = plan.original(found).filter(|original| original.is_multiple_of(rhythm.gop))?;
        Some((original.checked_mul(rhythm.frame_us)?, found))
    };
    let entries = kept(plan, (0..plan.container.index().blocks()).filter_map(entry).collect());
    let how = "a keyframe every gop of META, at the rate of its fps_hint".to_owned();
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

/// Where blocks start in the concatenation of all kept ones. `targets` are source indices, ascending.
fn positions(
    plan: &Plan<'_>,
    targets: &[u64],
    task: &Task,
    size: impl Fn(&Chunk) -> u64,
) -> Result<Vec<u64>, Cancelled> {
    let mut starts = Vec::with_capacity(targets.len());
    let mut at = 0u64;
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
            Part::Copy(chunk) => {
                if chunk.tag == Tag::CORE && targets.get(starts.len()) == chunk.block.as_ref() {
                    starts.push(at.saturating_add(into));
                }
                chunk.len
            }
            Part::New(new) => new.payload.len() as u64,
        };
        at = at.saturating_add(layout.smallest_chunk()).saturating_add(len);
    }
    starts
}
