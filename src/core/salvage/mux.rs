//! The plan for a mux container: blocks, TRAK, a table for each track, and VERI where it still holds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::SalvageError;
use super::plan::{New, Place, Plan, Trust};
use super::report::{Reason, Report};
use super::seek::file_offsets;
use super::slot::{Slot, object, others, slot};
use super::write::Closing;
use crate::core::audit::Audit;
use crate::core::index::{Chunk, Tag};
use crate::core::json::Document;
use crate::core::layout::{CHUNK_HEADER_LEN, ChunkHeader, track_table};
use crate::core::tracks::Kind;
use crate::core::veri::{Coverage, Status};

/// Bytes of the H4TB header before a block.
const ROUTE_LEN: u64 = 8;

pub(super) fn plan(plan: &mut Plan<'_>, audit: &Audit, report: &mut Report) -> Result<Closing, SalvageError> {
    for tag in [Tag::META, Tag::SAFE] {
        object(plan, tag, report);
    }
    let tracks = blocks(plan, report);
    let decided = [Tag::META, Tag::SAFE, Tag::TRAK, Tag::CORE, Tag::TSEK, Tag::VERI];
    others(plan, |tag| decided.contains(&tag), report);
    let declared = declare(plan, &tracks, report);
    let tables = tables(plan, &tracks, &declared, report);
    let whole = plan.is_whole() && !differ(plan, &tables);
    // Before the tables: it stands before the blocks, whose offsets depend on whether it stays.
    veri(plan, audit, whole, report);
    write(plan, tables, report);
    let header = plan.container.header();
    if header.version != 1 || header.reserved != 0 || header.flags.is_some_and(|flags| flags != 0) {
        report.notes.push("the file header is written with version 1 and nothing reserved set".to_owned());
    }
    Ok(Closing::Crc)
}

/// The keyframes of the blocks that are kept, of each track that has any block: pts in ms and source index.
type Keyframes = BTreeMap<u16, Vec<(u32, u64)>>;

fn blocks(plan: &mut Plan<'_>, report: &mut Report) -> Keyframes {
    let mut tracks = Keyframes::new();
    for chunk in plan.container.index().with_tag(Tag::CORE) {
        let trust = plan.trust(&chunk);
        if let Trust::Damaged(reason) = trust {
            plan.drop(&chunk, reason, true, report);
            continue;
        }
        let Some((track, pts_ms, kind)) = belongs(plan, &chunk) else {
            plan.drop(&chunk, Reason::Unrouted, true, report);
            continue;
        };
        let keyframes = tracks.entry(track).or_default();
        if kind == Kind::I {
            keyframes.extend(chunk.block.map(|block| (pts_ms, block)));
        }
        if let Trust::Mended(mend) = trust {
            plan.mend(&chunk, mend, report);
        }
    }
    tracks
}

/// Track, pts in ms and kind of a block.
fn belongs(plan: &Plan<'_>, chunk: &Chunk) -> Option<(u16, u32, Kind)> {
    let start = plan.payload_start(chunk, ROUTE_LEN);
    let route = plan.container.layout().route(&start, 0, start.len() as u64)?;
    let flags = Some(plan.flags(chunk));
    let (pts_ms, kind) = ChunkHeader { offset: chunk.offset, tag: chunk.tag, len: 0, flags }.timing()?;
    Some((route.track, pts_ms, kind))
}

/// Sees to it that TRAK declares every track that has blocks. The ids that are declared, in TRAK's order.
fn declare(plan: &mut Plan<'_>, tracks: &Keyframes, report: &mut Report) -> Vec<u16> {
    let slot = slot(plan, Tag::TRAK, report);
    let document = match &slot {
        Slot::Reliable(chunk) => Document::parse_whole(&plan.payload(chunk)).value,
        Slot::Damaged(_) | Slot::Missing => None,
    };
    let Some((chunk, mut document)) = slot.chunk().copied().zip(document.filter(|d| list(d).is_some())) else {
        let declared: Vec<u16> = tracks.keys().copied().collect();
        let list: Vec<Value> = declared.iter().map(|id| json!({ "track_id": id })).collect();
        let payload = json!({ "tracks": list }).to_string().into_bytes();
        let how = "TRAK with nothing but the ids that blocks name".to_owned();
        match slot.chunk() {
            Some(chunk) => plan.replace(chunk, payload, how, true, report),
            None if declared.is_empty() => {}
            None => plan.insert(0, New { tag: Tag::TRAK, payload }, how, report),
        }
        return declared;
    };
    let id = |track: &Value| u16::try_from(track.get("track_id")?.as_u64()?).ok();
    let mut declared: Vec<u16> = list(&document).into_iter().flatten().filter_map(id).collect();
    let more: Vec<u16> = tracks.keys().copied().filter(|id| !declared.contains(id)).collect();
    if more.is_empty() {
        return declared;
    }
    if let Some(Value::Array(list)) = document.get_mut("tracks") {
        list.extend(more.iter().map(|id| json!({ "track_id": id })));
    }
    let how = "TRAK as it was, with the ids that only blocks named".to_owned();
    plan.replace(&chunk, document.to_string().into_bytes(), how, false, report);
    declared.extend(more);
    declared
}

fn list(document: &Value) -> Option<&Vec<Value>> {
    document.get("tracks")?.as_array()
}

/// One track's table.
struct Table {
    place: Place,
    track: u16,
    /// Pts in ms and source index of the block.
    rows: Vec<(u32, u64)>,
    /// The chunk it replaces, and whether that could be read.
    source: Option<(Chunk, bool)>,
    /// In the form of the written specification, with a 32-bit count.
    bare: bool,
    how: &'static str,
}

const FROM_BLOCKS: &str = "the keyframes that the blocks themselves name";
const FROM_TABLE: &str = "the entries of the blocks that are left, at their new offsets";

/// A table for every declared track with keyframes, whose rows lead to blocks.
fn tables(plan: &mut Plan<'_>, tracks: &Keyframes, declared: &[u16], report: &mut Report) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    let mut unreadable = Vec::new();
    let mut done = BTreeSet::new();
    for chunk in plan.container.index().with_tag(Tag::TSEK) {
        let trust = plan.trust(&chunk);
        let payload = plan.payload(&chunk);
        let parsed = (!matches!(trust, Trust::Damaged(_))).then(|| track_table(&payload).ok()).flatten();
        let Some(parsed) = parsed else {
            unreadable.push(chunk);
            continue;
        };
        if !done.insert(parsed.track) {
            plan.drop(&chunk, Reason::Duplicate, false, report);
            continue;
        }
        if let Trust::Mended(mend) = trust {
            plan.mend(&chunk, mend, report);
        }
        let keyframes = tracks.get(&parsed.track).map_or([].as_slice(), Vec::as_slice);
        let rows = parsed.rows.iter().map(|entry| (entry.pts_us / 1000, entry.offset));
        let (rows, how) = match led(plan, rows, keyframes) {
            Some(rows) => (rows, FROM_TABLE),
            None => (keyframes.to_vec(), FROM_BLOCKS),
        };
        let bare = payload.starts_with(b"H4SK");
        let (place, source) = (Place::Of(chunk), Some((chunk, true)));
        tables.push(Table { place, track: parsed.track, rows, source, bare, how });
    }
    let mut unreadable = unreadable.into_iter();
    for track in declared.iter().filter(|track| !done.contains(track)) {
        let rows = tracks.get(track).cloned().unwrap_or_default();
        let (place, source) = match unreadable.next() {
            Some(chunk) => (Place::Of(chunk), Some((chunk, false))),
            None if !rows.is_empty() => (Place::Before(plan.container.index().len()), None),
            None => continue,
        };
        let bare = rows.len() > usize::from(u16::MAX);
        tables.push(Table { place, track: *track, rows, source, bare, how: FROM_BLOCKS });
    }
    for chunk in unreadable {
        plan.drop(&chunk, Reason::Unreadable, false, report);
    }
    tables
}

/// The rows of a table whose blocks are kept; `None` where a row leads to none and no damage explains that.
fn led(plan: &Plan<'_>, rows: impl Iterator<Item = (u64, u64)>, keyframes: &[(u32, u64)]) -> Option<Vec<(u32, u64)>> {
    let container = plan.container;
    let losses = &container.walked().losses;
    let mut kept = Vec::new();
    for (pts_ms, offset) in rows {
        let chunk = container.index().at_offset(offset).filter(|chunk| chunk.payload_offset == offset);
        let Some(block) = chunk.and_then(|chunk| chunk.block) else {
            let lost = losses.iter().any(|loss| (loss.offset..loss.offset + loss.length).contains(&offset));
            if lost {
                continue;
            }
            return None;
        };
        if plan.new_index(block).is_none() {
            continue;
        }
        let row = (u32::try_from(pts_ms).ok()?, block);
        let at = keyframes.binary_search_by_key(&block, |(_, block)| *block).ok()?;
        if keyframes.get(at) != Some(&row) {
            return None;
        }
        kept.push(row);
    }
    Some(kept)
}

/// Puts the tables into the plan, with the offsets that blocks will have.
fn write(plan: &mut Plan<'_>, mut tables: Vec<Table>, report: &mut Report) {
    let (mut offsets, mut beyond) = (settle(plan, &tables), 0);
    if offsets.values().any(|offset| u32::try_from(*offset).is_err()) {
        for table in &mut tables {
            let before = table.rows.len();
            table.rows.retain(|(_, block)| offsets.get(block).is_some_and(|offset| u32::try_from(*offset).is_ok()));
            beyond += before - table.rows.len();
        }
        offsets = settle(plan, &tables);
    }
    if beyond > 0 {
        report.notes.push(format!("{beyond} keyframes beyond 4 GiB are in no table: its offsets have 32 bits"));
    }
    for table in tables {
        let payload = table.payload(&offsets);
        match table.source {
            _ if table.is_as_it_was(plan, &payload) => {}
            Some((chunk, _)) => plan.replace(&chunk, payload, table.how.to_owned(), false, report),
            None => {
                plan.insert(plan.container.index().len(), New { tag: Tag::TSEK, payload }, table.how.to_owned(), report)
            }
        }
    }
}

/// Some table will not be the source's, as far as is decided what becomes of other chunks.
fn differ(plan: &mut Plan<'_>, tables: &[Table]) -> bool {
    let offsets = settle(plan, tables);
    !tables.iter().all(|table| table.is_as_it_was(plan, &table.payload(&offsets)))
}

/// Where the payload of each block in a table will stand, with all tables in place.
fn settle(plan: &mut Plan<'_>, tables: &[Table]) -> BTreeMap<u64, u64> {
    let undo: Vec<_> = tables
        .iter()
        .map(|table| plan.reserve(&table.place, Tag::TSEK, table.payload(&BTreeMap::new()).len()))
        .collect();
    let mut targets: Vec<u64> = tables.iter().flat_map(|table| table.rows.iter().map(|(_, block)| *block)).collect();
    targets.sort_unstable();
    targets.dedup();
    let offsets = file_offsets(plan, &targets, CHUNK_HEADER_LEN);
    for (table, before) in tables.iter().zip(undo) {
        plan.release(&table.place, before);
    }
    targets.into_iter().zip(offsets).collect()
}

impl Table {
    /// The source has this payload in its place.
    fn is_as_it_was(&self, plan: &Plan<'_>, payload: &[u8]) -> bool {
        matches!(self.source, Some((chunk, true)) if *plan.payload(&chunk) == *payload)
    }

    /// `H4TS`, track, and `H4SK` with a 16-bit count; or `H4SK`, track, and a 32-bit one.
    fn payload(&self, offsets: &BTreeMap<u64, u64>) -> Vec<u8> {
        let track = self.track.to_le_bytes();
        let mut out = match u16::try_from(self.rows.len()) {
            Ok(count) if !self.bare => [b"H4TS", &track[..], &[0, 0], b"H4SK", &count.to_le_bytes(), &[0, 0]].concat(),
            _ => [b"H4SK", &track[..], &[0, 0], &(self.rows.len() as u32).to_le_bytes()].concat(),
        };
        for (pts_ms, block) in &self.rows {
            let offset = offsets.get(block).and_then(|offset| u32::try_from(*offset).ok()).unwrap_or(0);
            out.extend(pts_ms.to_le_bytes());
            out.extend(offset.to_le_bytes());
        }
        out
    }
}

/// Keeps VERI where nothing it covers has changed: what else it would have to cover is not specified.
/// `whole` if the output is the source with nothing but mended bytes.
fn veri(plan: &mut Plan<'_>, audit: &Audit, whole: bool, report: &mut Report) {
    let chunk = match slot(plan, Tag::VERI, report) {
        Slot::Missing => return,
        Slot::Damaged(chunk) => {
            let reason = plan.mismatch(&chunk);
            return plan.drop(&chunk, reason, true, report);
        }
        Slot::Reliable(chunk) => chunk,
    };
    let verification = &audit.verification;
    let holds = match verification.status {
        Status::Verified => whole || verification.coverage.as_ref().is_some_and(|coverage| covers_kept(plan, coverage)),
        Status::Unsupported => whole,
        _ => whole && plan.mends_flips(),
    };
    if !holds {
        plan.drop(&chunk, Reason::StaleDigest, true, report);
    }
}

/// All blocks that a digest covers are in the output as they are in the source.
fn covers_kept(plan: &Plan<'_>, coverage: &Coverage) -> bool {
    let mut cores = plan.container.index().with_tag(Tag::CORE);
    match coverage {
        Coverage::CorePayloads | Coverage::Blocks | Coverage::DecodedBlocks => cores.all(|chunk| plan.keeps(&chunk)),
        Coverage::TrackBlocks(id) => {
            let of_track = |chunk: &Chunk| belongs(plan, chunk).is_none_or(|(track, ..)| track == *id);
            cores.filter(of_track).all(|chunk| plan.keeps(&chunk))
        }
        _ => false,
    }
}
