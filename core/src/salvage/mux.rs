//! The plan for a mux container: blocks, TRAK, a table for each track, and VERI where it still holds.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde_json::{Value, json};

use super::SalvageError;
use super::plan::{Insertion, New, Plan, Trust};
use super::report::{Reason, Report};
use super::seek::file_offsets;
use super::sibling::{Adopted, Sibling};
use super::sidecars::{SidecarState, is_closed, object, others, slot};
use super::write::{Closing, Unclosed};
use crate::audit::{Audit, locate_flip};
use crate::index::{Chunk, Tag};
use crate::json::Document;
use crate::layout::{CHUNK_HEADER_LEN, ChunkHeader, track_table};
use crate::text::count;
use crate::tracks::Kind;
use crate::veri::{Coverage, Status};
use crate::walk::Ending;

/// Bytes of the H4TB header before a block.
const ROUTE_LEN: u64 = 8;

pub(super) fn plan(
    plan: &mut Plan<'_>,
    audit: &Audit,
    adopted: &Adopted,
    report: &mut Report,
) -> Result<Closing, SalvageError> {
    let dropped = [Tag::META, Tag::SAFE].map(|tag| object(plan, tag, report));
    let (tracks, damaged) = blocks(plan, report);
    let decided = [Tag::META, Tag::SAFE, Tag::TRAK, Tag::CORE, Tag::TSEK, Tag::VERI];
    others(plan, |tag| decided.contains(&tag), report);
    let declared = declare(plan, audit, &tracks, report);
    adopt(plan, adopted, dropped, report);
    if plan.settings.placeholders {
        stand_ins(plan, &damaged, &tracks, &declared, report);
    }
    let tables = tables(plan, audit, &tracks, &declared, report);
    let whole = plan.is_whole() && !differ(plan, &tables);
    // Before the tables: it stands before the blocks, whose offsets depend on whether it stays.
    veri(plan, audit, whole, report);
    let unclosed = unclosed(plan, audit, &tables);
    write(plan, tables, report);
    let header = plan.container.header();
    if header.version != 1 || header.reserved != 0 || header.flags.is_some_and(|flags| flags != 0) {
        report.notes.push("the file header is written with version 1 and its reserved fields set to 0".into());
    }
    Ok(Closing::Crc(unclosed))
}

/// What is wrong with the closing CRC. A cut that takes only it comes after a table for each track.
fn unclosed(plan: &Plan<'_>, audit: &Audit, tables: &[Table]) -> Option<Unclosed> {
    let container = plan.container;
    if is_closed(audit) {
        return None;
    }
    let stored =
        container.walked().closing_crc.and_then(|at| container.layout().stored_closing_crc(container.bytes(), at));
    if let Some(stored) = stored {
        return Some(Unclosed::Stored(stored));
    }
    let index = container.index();
    let last = index.len().checked_sub(1).and_then(|last| index.chunk(last));
    let after_tables = last.is_some_and(|chunk| chunk.tag == Tag::TSEK)
        && tables.iter().all(|table| matches!(table.source, Some((_, true))));
    let cut = matches!(container.walked().ending, Ending::NoClosingCrc)
        || matches!(container.walked().ending, Ending::Trailing(at) if container.source().len() - at < 4);
    (!(after_tables && cut)).then_some(Unclosed::Missing)
}

/// Writes what was taken from a sibling: in the place of what was dropped, or where it normally stands.
fn adopt(plan: &mut Plan<'_>, adopted: &Adopted, dropped: [Option<Chunk>; 2], report: &mut Report) {
    let name = plan.settings.sibling.map(Sibling::name).unwrap_or_default();
    let after_trak = plan.container.index().first(Tag::TRAK).map_or(0, |trak| trak.index + 1);
    let sidecars = [(Tag::META, &adopted.meta), (Tag::SAFE, &adopted.safe)];
    for ((tag, payload), dropped) in sidecars.into_iter().zip(dropped) {
        let Some(payload) = payload.clone() else { continue };
        match dropped {
            Some(chunk) => plan.replace(&chunk, payload, format!("taken from {name}"), true, report),
            None => {
                let how = format!("it was missing; taken from {name}");
                plan.insert(after_trak, New::of(tag, payload), how, true, report);
            }
        }
    }
}

/// The keyframes of the blocks that are kept, of each track that has any block: pts in ms and source index.
type Keyframes = BTreeMap<u16, Vec<(u32, u64)>>;

/// Decides on each block. The keyframes of those that are kept, and the chunks of those that are damaged.
fn blocks(plan: &mut Plan<'_>, report: &mut Report) -> (Keyframes, Vec<Chunk>) {
    let (mut tracks, mut damaged) = (Keyframes::new(), Vec::new());
    for chunk in plan.container.index().with_tag(Tag::CORE) {
        let trust = plan.trust(&chunk);
        if let Trust::Damaged(reason) = trust {
            plan.drop(&chunk, reason, true, report);
            damaged.push(chunk);
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
    (tracks, damaged)
}

/// Writes a placeholder for each damaged block whose track and time are known: a table names them, or its own header does
/// and nothing contradicts it.
fn stand_ins(plan: &mut Plan<'_>, damaged: &[Chunk], tracks: &Keyframes, declared: &[u16], report: &mut Report) {
    let mut named: HashMap<u64, (u16, u32)> = HashMap::new();
    for chunk in plan.container.index().with_tag(Tag::TSEK) {
        let payload = plan.container.payload(&chunk);
        if let Some(table) = track_table(payload).ok().filter(|_| plan.container.is_intact(&chunk)) {
            let rows = table.rows.iter().filter_map(|row| Some((row.offset, u32::try_from(row.pts_us / 1000).ok()?)));
            named.extend(rows.map(|(offset, pts_ms)| (offset, (table.track, pts_ms))));
        }
    }
    let declared: BTreeSet<u16> = declared.iter().copied().collect();
    for chunk in damaged {
        let by_table = named.get(&chunk.payload_offset).map(|(track, pts_ms)| (*track, *pts_ms, Kind::I));
        let by_header = || {
            let (track, pts_ms, kind) = belongs(plan, chunk)?;
            let known = tracks.contains_key(&track) || declared.contains(&track);
            (known && kind != Kind::Reserved && is_plausible(plan, chunk, pts_ms)).then_some((track, pts_ms, kind))
        };
        let Some((track, pts_ms, kind)) = by_table.or_else(by_header) else { continue };
        let kind = match kind {
            Kind::I => 0,
            Kind::P => 1,
            Kind::B | Kind::Reserved => 2,
        };
        let payload = [b"H4TB".as_slice(), &track.to_le_bytes(), &[0, 0]].concat();
        plan.stand_in(chunk, pts_ms | kind << 28, payload, report);
    }
}

/// What the header of a damaged block says of its time is between what those beside it say, nothing reserved in it is
/// set, and the bit that explains the damage, if one does, is not in it.
fn is_plausible(plan: &Plan<'_>, chunk: &Chunk, pts_ms: u32) -> bool {
    let container = plan.container;
    let header = chunk.offset..chunk.payload_offset + ROUTE_LEN;
    let hit = locate_flip(container, chunk).is_some_and(|flip| header.contains(&flip.offset));
    let route = container.layout().route(container.bytes(), chunk.payload_offset, chunk.len);
    let reserved = container.chunk_header(chunk).is_none_or(|header| header.reserved_flags() != 0)
        || route.is_none_or(|route| route.reserved != 0);
    let time = |block: Option<u64>| {
        let chunk = container.index().block(block?).filter(|chunk| !chunk.state.is_damaged())?;
        belongs(plan, &chunk).map(|(_, pts_ms, _)| pts_ms)
    };
    let block = chunk.block.unwrap_or(0);
    let before = time(block.checked_sub(1)).unwrap_or(0);
    let after = time(block.checked_add(1)).unwrap_or(u32::MAX);
    !hit && !reserved && (before..=after).contains(&pts_ms)
}

/// Track, pts in ms and kind of a block.
fn belongs(plan: &Plan<'_>, chunk: &Chunk) -> Option<(u16, u32, Kind)> {
    let start = plan.payload_start(chunk, ROUTE_LEN);
    let route = plan.container.layout().route((&start).into(), 0, start.len() as u64)?;
    let flags = Some(plan.flags(chunk));
    let (pts_ms, kind) = ChunkHeader { offset: chunk.offset, tag: chunk.tag, len: 0, flags }.timing()?;
    Some((route.track, pts_ms, kind))
}

/// Sees to it that TRAK declares every track that has blocks and, where it is made anew, every track that has a table. The
/// ids that are declared, in TRAK's order.
fn declare(plan: &mut Plan<'_>, audit: &Audit, tracks: &Keyframes, report: &mut Report) -> Vec<u16> {
    let slot = slot(plan, Tag::TRAK, report);
    let document = match &slot {
        SidecarState::Reliable(chunk) => {
            let payload = plan.payload(chunk);
            let document = Document::parse_whole(&payload).value;
            let says_tracks = document.as_ref().is_some_and(|document| list(document).is_some());
            if !says_tracks && Document::parse(&payload).is_beyond_limit() {
                // Too deep to be read here, and kept as it is.
                return named(plan, tracks);
            }
            document
        }
        SidecarState::Damaged(_) | SidecarState::Missing => None,
    };
    let Some((chunk, mut document)) = slot.chunk().copied().zip(document.filter(|d| list(d).is_some())) else {
        let declared = named(plan, tracks);
        let list: Vec<Value> = declared.iter().map(|id| json!({ "track_id": id })).collect();
        let payload = json!({ "tracks": list }).to_string().into_bytes();
        let how = "TRAK with only the ids that blocks and tables name".to_owned();
        match slot.chunk() {
            Some(chunk) => plan.replace(chunk, payload, how, true, report),
            None if declared.is_empty() => {}
            None => plan.insert(0, New::of(Tag::TRAK, payload), how, !is_closed(audit), report),
        }
        return declared;
    };
    let id = |track: &Value| u16::try_from(track.get("track_id")?.as_u64()?).ok();
    let mut declared: Vec<u16> = list(&document).into_iter().flatten().filter_map(id).collect();
    let known: BTreeSet<u16> = declared.iter().copied().collect();
    let more: Vec<u16> = tracks.keys().copied().filter(|id| !known.contains(id)).collect();
    if more.is_empty() {
        return declared;
    }
    if let Some(Value::Array(list)) = document.get_mut("tracks") {
        list.extend(more.iter().map(|id| json!({ "track_id": id })));
    }
    let how = "TRAK as it was, plus the ids that only blocks named".to_owned();
    plan.replace(&chunk, document.to_string().into_bytes(), how, false, report);
    declared.extend(more);
    declared
}

/// The ids that blocks and tables name.
fn named(plan: &mut Plan<'_>, tracks: &Keyframes) -> Vec<u16> {
    let mut ids: BTreeSet<u16> = tracks.keys().copied().collect();
    for chunk in plan.container.index().with_tag(Tag::TSEK) {
        let payload = reliable(plan, &chunk);
        let table = payload.as_deref().and_then(|payload| track_table(payload).ok());
        ids.extend(table.map(|table| table.track));
    }
    ids.into_iter().collect()
}

fn list(document: &Value) -> Option<&Vec<Value>> {
    document.get("tracks")?.as_array()
}

/// One track's table.
struct Table {
    place: Insertion,
    track: u16,
    /// Pts in ms and source index of the block.
    rows: Vec<(u32, u64)>,
    /// The chunk it replaces, and whether that could be read.
    source: Option<(Chunk, bool)>,
    /// In the form of the written specification, with a 32-bit count.
    bare: bool,
    how: &'static str,
    /// Rows are gone: no block is where and when they say.
    lost: bool,
}

const FROM_BLOCKS: &str = "the keyframes that the blocks themselves declare";
const FROM_TABLE: &str = "the entries of the remaining blocks, at their new offsets";

/// A table for every declared track with keyframes, whose rows lead to blocks.
fn tables(plan: &mut Plan<'_>, audit: &Audit, tracks: &Keyframes, declared: &[u16], report: &mut Report) -> Vec<Table> {
    let mut missing = 0;
    let mut firsts: HashMap<u16, Chunk> = HashMap::new();
    let mut tables: Vec<Table> = Vec::new();
    let mut unreadable = Vec::new();
    let mut done = BTreeSet::new();
    let known: BTreeSet<u16> = declared.iter().copied().collect();
    for chunk in plan.container.index().with_tag(Tag::TSEK) {
        let payload = reliable(plan, &chunk);
        let table = payload.as_deref().and_then(|payload| Some((payload, track_table(payload).ok()?)));
        let Some((payload, parsed)) = table else {
            unreadable.push(chunk);
            continue;
        };
        if !known.contains(&parsed.track) {
            plan.drop(&chunk, Reason::Undeclared, true, report);
            continue;
        }
        if let Some(first) = firsts.get(&parsed.track) {
            let lost = *plan.payload(first) != *payload;
            plan.drop(&chunk, Reason::Duplicate, lost, report);
            continue;
        }
        firsts.insert(parsed.track, chunk);
        done.insert(parsed.track);
        if let Trust::Mended(mend) = plan.trust(&chunk) {
            plan.mend(&chunk, mend, report);
        }
        let keyframes = tracks.get(&parsed.track).map_or([].as_slice(), Vec::as_slice);
        let times = || parsed.rows.iter().map(|entry| (entry.pts_us / 1000, entry.offset));
        let led = led(plan, times(), keyframes);
        missing += led.missing;
        if let Some((pts_ms, offset)) = led.astray
            && plan.contradiction.is_none()
            && !covers(audit, parsed.track)
        {
            plan.contradiction = Some(format!(
                "the seek table of track {} leads to offset {offset} for {pts_ms} ms, but no keyframe of that time is there, and \
                 nothing shows that all blocks are there: some may be missing without a trace",
                parsed.track
            ));
        }
        let (rows, how, lost) = match led.rows {
            Some(rows) => (rows, FROM_TABLE, led.lost > 0),
            None => {
                // A row at a time at which the track has no keyframe names one that is not there.
                let known: BTreeSet<u64> = keyframes.iter().map(|(pts_ms, _)| u64::from(*pts_ms)).collect();
                let astray = times().filter(|(pts_ms, _)| !known.contains(pts_ms)).count() as u64;
                let astray = astray.saturating_sub(led.lost);
                missing += if is_closed(audit) { 0 } else { astray };
                (worth_seeking(plan, keyframes), FROM_BLOCKS, led.lost + astray > 0)
            }
        };
        let bare = payload.starts_with(b"H4SK");
        let (place, source) = (Insertion::Of(chunk), Some((chunk, true)));
        tables.push(Table { place, track: parsed.track, rows, source, bare, how, lost });
    }
    let mut unreadable = unreadable.into_iter();
    for track in declared.iter().filter(|track| !done.contains(track)) {
        let rows = tracks.get(track).map(|keyframes| worth_seeking(plan, keyframes)).unwrap_or_default();
        let (place, source) = match unreadable.next() {
            Some(chunk) => (Insertion::Of(chunk), Some((chunk, false))),
            None if !rows.is_empty() => (Insertion::Before(plan.container.index().len()), None),
            None => continue,
        };
        let bare = rows.len() > usize::from(u16::MAX);
        tables.push(Table { place, track: *track, rows, source, bare, how: FROM_BLOCKS, lost: false });
    }
    for chunk in unreadable {
        plan.drop(&chunk, Reason::Unreadable, false, report);
    }
    plan.numbering.note_missing(missing);
    tables
}

/// A digest that is right covers all blocks of a track.
fn covers(audit: &Audit, track: u16) -> bool {
    match audit.verification.coverage.as_ref().filter(|_| audit.verification.status == Status::Verified) {
        Some(Coverage::TrackBlocks(id)) => *id == track,
        coverage => coverage.is_some(),
    }
}

/// The payload of a chunk that is whole or mended.
fn reliable<'c>(plan: &mut Plan<'c>, chunk: &Chunk) -> Option<Cow<'c, [u8]>> {
    // What mends it is known only then.
    let trust = plan.trust(chunk);
    (!matches!(trust, Trust::Damaged(_))).then(|| plan.payload(chunk))
}

/// Rows of the keyframes that hold something: no table that is made anew leads to a placeholder of an earlier salvage.
fn worth_seeking(plan: &Plan<'_>, keyframes: &[(u32, u64)]) -> Vec<(u32, u64)> {
    let mut rows = sorted(keyframes);
    rows.retain(|(_, block)| plan.container.index().block(*block).is_some_and(|chunk| chunk.len > ROUTE_LEN));
    rows
}

/// Rows as players search them: by time.
fn sorted(rows: &[(u32, u64)]) -> Vec<(u32, u64)> {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|(pts_ms, _)| *pts_ms);
    rows
}

/// Where the rows of a table lead.
struct Led {
    /// Those whose blocks are kept; `None` where a row leads to no keyframe at its time, and no damage explains that.
    rows: Option<Vec<(u32, u64)>>,
    /// Rows whose block is lost.
    lost: u64,
    /// Those of them whose block is not among those found.
    missing: u64,
    /// Time in ms and offset of the first row that leads to no keyframe at its time, which no damage explains.
    astray: Option<(u64, u64)>,
}

fn led(plan: &Plan<'_>, rows: impl Iterator<Item = (u64, u64)>, keyframes: &[(u32, u64)]) -> Led {
    let container = plan.container;
    let losses = &container.walked().losses;
    let mut led = Led { rows: None, lost: 0, missing: 0, astray: None };
    let mut kept = Vec::new();
    let times: HashSet<u64> = keyframes.iter().map(|(pts_ms, _)| u64::from(*pts_ms)).collect();
    for (pts_ms, offset) in rows {
        let chunk = container.index().at_offset(offset).filter(|chunk| chunk.payload_offset == offset);
        let Some(block) = chunk.and_then(|chunk| chunk.block) else {
            let after = losses.partition_point(|loss| loss.offset <= offset);
            let before = after.checked_sub(1).and_then(|at| losses.get(at));
            // A keyframe at its time isn't lost, but was moved by what was put in before it.
            let lost = !times.contains(&pts_ms) && before.is_some_and(|loss| offset - loss.offset < loss.length);
            (led.lost, led.missing) = (led.lost + u64::from(lost), led.missing + u64::from(lost));
            led.astray = led.astray.or_else(|| (!lost).then_some((pts_ms, offset)));
            continue;
        };
        if plan.new_index(block).is_none() {
            led.lost += 1;
            continue;
        }
        let row = u32::try_from(pts_ms).ok().map(|pts_ms| (pts_ms, block));
        let at = keyframes.binary_search_by_key(&block, |(_, block)| *block).ok();
        let right = row.is_some() && at.and_then(|at| keyframes.get(at)) == row.as_ref();
        led.astray = led.astray.or_else(|| (!right).then_some((pts_ms, offset)));
        kept.extend(row);
    }
    led.rows = led.astray.is_none().then(|| sorted(&kept));
    led
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
        let keyframes = count(beyond as u64, "keyframe");
        let note = format!("{keyframes} beyond 4 GiB left out of the seek tables: their offsets have 32 bits");
        report.notes.push(note.into());
    }
    for table in tables {
        let payload = table.payload(&offsets);
        match table.source {
            _ if table.is_as_it_was(plan, &payload) => {}
            Some((chunk, _)) => plan.replace(&chunk, payload, table.how.to_owned(), table.lost, report),
            None => {
                let (at, new) = (plan.container.index().len(), New::of(Tag::TSEK, payload));
                plan.insert(at, new, table.how.to_owned(), false, report);
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
        SidecarState::Missing => return,
        SidecarState::Damaged(chunk) => {
            let reason = plan.mismatch(&chunk);
            return plan.drop(&chunk, reason, true, report);
        }
        SidecarState::Reliable(chunk) => chunk,
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
