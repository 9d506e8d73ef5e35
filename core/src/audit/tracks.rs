//! Tracks: their index, their tables, and the blocks that claim to be theirs.

use super::Report;
use crate::finding::{Code, Finding};
use crate::index::{Chunk, Tag};
use crate::layout::{Layout, SeekEntry};
use crate::seek::SeekTable;
use crate::text::{count, escape};
use crate::tracks::{Fault, Kind, MAX_PTS_US, Oddity, Track, TrackBlock, Tracks};

pub(super) fn check(report: &mut Report<'_>) {
    if report.container.layout() == Layout::Mux {
        routing(report);
    }
    let Some(tracks) = report.container.tracks() else { return };
    faults(report, tracks);
    let excuses = Excuses::of(report, tracks);
    for track in &tracks.list {
        if report.container.layout() == Layout::Transport {
            contradictions(report, track);
        }
        let is_unsorted = order(report, tracks, track, &excuses);
        match track.seek_table(report.container) {
            Some(table) => self::table(report, tracks, track, &table, is_unsorted, &excuses),
            None => without_table(report, track, &excuses),
        }
    }
    undeclared(report, tracks);
    if report.container.layout() == Layout::Transport && tracks.indexed {
        unindexed(report, tracks);
    }
}

/// What explains that something of a track is missing, so that it isn't a fault of its own.
struct Excuses {
    /// Blocks were lost.
    blocks: bool,
    /// A table was lost, can't be read, or is another track's.
    tables: bool,
    /// Mux: some block is damaged, so that its header may be wrong.
    damaged: bool,
    /// SEEK has entries, and there is only one track.
    seek: bool,
}

impl Excuses {
    fn of(report: &Report<'_>, tracks: &Tracks) -> Self {
        let container = report.container;
        let index = container.index();
        let unread = |fault: &Fault| matches!(fault, Fault::Table(..) | Fault::SecondTable(..));
        Self {
            blocks: report.may_have_lost(Tag::CORE),
            tables: report.may_have_lost(Tag::TSEK)
                // They come last.
                || report.is_cut()
                || tracks.faults.iter().any(unread)
                || tracks.list.iter().any(|track| is_stray(tracks, track))
                || index.with_tag(Tag::TSEK).any(|chunk| !container.is_intact(&chunk)),
            damaged: container.layout() == Layout::Mux && index.blocks_intact() < index.blocks(),
            seek: tracks.list.len() == 1 && container.seek_table().is_some_and(|table| !table.rows.is_empty()),
        }
    }
}

/// Nothing but a table names that track.
fn is_stray(tracks: &Tracks, track: &Track) -> bool {
    tracks.declares && !track.declared && track.blocks.is_empty() && track.table.is_some()
}

/// The chunk a track's index or table was read from.
fn home(report: &Report<'_>) -> Option<Chunk> {
    match report.container.layout() {
        Layout::Transport => report.container.meta_chunk(),
        Layout::Mux => report.container.sidecar(Tag::TRAK),
    }
}

fn on(code: Code, chunk: Option<&Chunk>, message: String) -> Finding {
    chunk.map_or_else(|| Finding::at(code, 0, 0, message.clone()), |chunk| Finding::on(code, chunk, message.clone()))
}

fn faults(report: &mut Report<'_>, tracks: &Tracks) {
    let home = home(report);
    let lost = report.may_have_lost(Tag::CORE);
    for fault in &tracks.faults {
        let finding = match fault {
            Fault::Index(why) => on(Code::TrackIndexInvalid, home.as_ref(), why.clone()),
            Fault::Entry(why) => on(Code::TrackIndexInvalid, home.as_ref(), why.clone()),
            Fault::Text(oddity, why) => {
                report.complete &= *oddity != Oddity::Limit;
                let code = match oddity {
                    Oddity::Limit => Code::JsonLimit,
                    // Said once a chunk.
                    Oddity::Surrogate if report.findings.count(Code::JsonSurrogate) > 0 => continue,
                    Oddity::Surrogate => Code::JsonSurrogate,
                    Oddity::DuplicateKey => Code::JsonDuplicateKey,
                    Oddity::Bom => Code::JsonBom,
                };
                on(code, home.as_ref(), why.clone())
            }
            Fault::OutOfRange { .. } if lost => continue,
            Fault::OutOfRange { track, block } => {
                let blocks = report.container.index().blocks();
                let message = format!(
                    "track \"{}\" names block {block}, but the file has {}",
                    escape(track),
                    count(blocks, "block")
                );
                on(Code::TrackBlockOutOfRange, home.as_ref(), message)
            }
            Fault::Table(why, chunk) => on(Code::TrackSeekInvalid, chunk.as_ref().or(home.as_ref()), why.clone()),
            Fault::SecondTable(track, chunk) => {
                let message = format!("a second seek table for track \"{}\"; the first one counts", escape(track));
                on(Code::TrackSeekInvalid, chunk.as_ref().or(home.as_ref()), message)
            }
            Fault::Field(field, why) => on(Code::JsonFieldInvalid, home.as_ref(), format!("TRAK {field}: {why}")),
            Fault::Reserved(chunk, at, value) => reserved(chunk, chunk.payload_offset + at, u32::from(*value)),
        };
        report.push(finding);
    }
}

fn reserved(chunk: &Chunk, at: u64, value: u32) -> Finding {
    let message = format!("{} at {}: reserved field at {at} is {value:#06x}, expected 0", chunk.tag, chunk.offset);
    Finding::on(Code::ReservedNonzero, chunk, message).focused(at..at + 2).expecting(0u8)
}

/// Mux: what CORE chunks say about themselves.
fn routing(report: &mut Report<'_>) {
    let container = report.container;
    for chunk in container.index().with_tag(Tag::CORE).filter(|chunk| container.is_readable(chunk)) {
        let header = container.chunk_header(&chunk);
        if let Some(bits) = header.map(|header| header.reserved_flags()).filter(|bits| *bits != 0) {
            report.findings.add(Code::ReservedNonzero, || {
                let message = format!("CORE at {}: bits 30-31 of its flags are {bits:#04b}, expected 0", chunk.offset);
                let flags = chunk.offset + 4..chunk.offset + 8;
                Finding::on(Code::ReservedNonzero, &chunk, message).focused(flags).expecting(0u8)
            });
        }
        match container.layout().route(container.bytes(), chunk.payload_offset, chunk.len) {
            None => report.findings.add(Code::TrackHeaderMissing, || {
                let message = format!("CORE at {} does not begin with a whole H4TB header", chunk.offset);
                let header = chunk.payload_offset..chunk.payload_offset + chunk.len.min(8);
                Finding::on(Code::TrackHeaderMissing, &chunk, message).focused(header).expecting("H4TB")
            }),
            Some(route) if route.reserved != 0 => report
                .findings
                .add(Code::ReservedNonzero, || reserved(&chunk, chunk.payload_offset + 6, u32::from(route.reserved))),
            Some(_) => {}
        }
    }
}

/// Entries of the index whose kind and keyframe flag can't both be right.
fn contradictions(report: &mut Report<'_>, track: &Track) {
    let home = home(report);
    for block in track.blocks.iter().filter(|block| contradicts_itself(block)) {
        report.findings.add(Code::TrackEntryInconsistent, || {
            let TrackBlock { block, kind, keyframe, .. } = block;
            let id = escape(&track.id);
            let message =
                format!("META /trak_b64: block {block} of track {id} has kind {kind} but keyframe {keyframe}");
            on(Code::TrackEntryInconsistent, home.as_ref(), message)
        });
    }
}

fn contradicts_itself(block: &TrackBlock) -> bool {
    block.kind != Kind::Reserved && block.keyframe != (block.kind == Kind::I)
}

/// Order and kinds of a track's blocks; true if the order is wrong.
fn order(report: &mut Report<'_>, tracks: &Tracks, track: &Track, excuses: &Excuses) -> bool {
    let container = report.container;
    let id = escape(&track.id);
    let mux = container.layout() == Layout::Mux;
    let chunk = |block: u64| container.index().block(block);
    // In the mux layout a damaged chunk's own header says what it is.
    let trusted = |block: &&TrackBlock| !mux || chunk(block.block).is_none_or(|chunk| !chunk.state.is_damaged());
    let trusted: Vec<&TrackBlock> = track.blocks.iter().filter(trusted).collect();
    let pairs = trusted.iter().zip(trusted.iter().skip(1));
    let mut back = pairs.filter(|(before, block)| mux && before.pts_us > block.pts_us);
    let first = back.next().and_then(|(a, b)| Some((a, b, chunk(b.block)?)));
    if let Some((before, block, chunk)) = &first {
        let more = and_more(back.count());
        let message = format!(
            "track {id}: the block at {} has pts {}, expected at least {}, the pts of the block stored before it{more}",
            chunk.offset, block.pts_us, before.pts_us
        );
        report.push(Finding::on(Code::TrackUnsorted, chunk, message));
    }
    let is_unsorted = first.is_some();
    let mut reserved = trusted.iter().filter(|block| block.kind == Kind::Reserved);
    if let Some(chunk) = reserved.next().and_then(|block| chunk(block.block)) {
        let more = and_more(reserved.count());
        let expected = if mux { "kind 3, expected 0 (I), 1 (P) or 2 (B)" } else { "a kind that isn't I, P or B" };
        let message = format!("track {id}: the block at {} has {expected}{more}", chunk.offset);
        report.push(Finding::on(Code::TrackKindReserved, &chunk, message).expecting("I, P or B"));
    }
    let is_known = !excuses.blocks && !excuses.damaged && !track.incomplete && !tracks.nameless;
    let first = trusted.iter().min_by_key(|block| block.pts_us).filter(|_| is_known && track.declared);
    let first = first.filter(|block| !block.keyframe && !contradicts_itself(block));
    // Its table names a keyframe that was there.
    let is_lost = |block: &&&TrackBlock| {
        let table = track.seek_table(container);
        table.is_some_and(|table| table.in_order().next().is_some_and(|entry| entry.pts_us <= block.pts_us))
    };
    let first = first.filter(|block| !is_lost(block));
    if let Some(chunk) = first.and_then(|block| chunk(block.block)) {
        let message = format!("track {id}: its first block, at {}, isn't a keyframe", chunk.offset);
        report.push(Finding::on(Code::TrackStartsWithoutKeyframe, &chunk, message));
    }
    is_unsorted
}

/// How many others there are beside the one that is placed.
fn and_more(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => "; the same goes for 1 more of its blocks".to_owned(),
        _ => format!("; the same goes for {others} more of its blocks"),
    }
}

fn without_table(report: &mut Report<'_>, track: &Track, excuses: &Excuses) {
    let keyframes = track.keyframes().count();
    if !track.declared || keyframes == 0 || excuses.tables || excuses.seek {
        return;
    }
    let message = format!("track {} has {} but no seek table", escape(&track.id), count(keyframes as u64, "keyframe"));
    report.push(on(Code::TrackSeekMissing, home(report).as_ref(), message));
}

/// An entry of a track's table, and its place there.
#[derive(Clone, Copy)]
struct TableRow {
    place: u64,
    entry: SeekEntry,
    block: Option<u64>,
}

fn table(
    report: &mut Report<'_>,
    tracks: &Tracks,
    track: &Track,
    table: &SeekTable<'_>,
    is_unsorted: bool,
    excuses: &Excuses,
) {
    if is_stray(tracks, track) {
        return;
    }
    let container = report.container;
    let chunk = track.table_chunk().or_else(|| home(report));
    // What an entry may lead to: by time.
    let mut keyframes: Vec<(u64, u64)> = track
        .blocks
        .iter()
        .filter(|block| block.keyframe || block.kind == Kind::I)
        .map(|block| (block.pts_us, block.block))
        .collect();
    keyframes.sort_unstable();
    let rows = (0..).zip(table.rows.iter());
    let rows = rows.map(|(place, entry)| TableRow { place, entry, block: track.entry_block(container, entry) });
    let is_right = |row: &TableRow| match row.block {
        Some(block) => !tracks.indexed || keyframes.binary_search(&(row.entry.pts_us, block)).is_ok(),
        None => false,
    };
    let is_impossible = |row: &TableRow| row.entry.pts_us > MAX_PTS_US;
    for TableRow { place, entry, .. } in rows.clone().filter(is_impossible) {
        report.findings.add(Code::TrackSeekInvalid, || {
            let pts = entry.pts_us.cast_signed();
            let message = format!("track {}: seek entry {place} has the negative pts {pts}", escape(&track.id));
            on(Code::TrackSeekInvalid, chunk.as_ref(), message)
        });
    }
    let wrong: Vec<TableRow> = rows.clone().filter(|row| !is_right(row) && !is_impossible(row)).collect();
    let excused = |row: &&TableRow| match row.block {
        _ if excuses.blocks => true,
        // A block that is in no track is a finding of its own.
        Some(block) if tracks.of_block(block).is_none() => true,
        Some(block) => container.index().block(block).is_some_and(|chunk| chunk.state.is_damaged()),
        None => tracks.out_of_range > 0,
    };
    let faults: Vec<&TableRow> = wrong.iter().filter(|row| !excused(row)).collect();
    if let Some(first) = faults.first()
        && !(has_moved(report, tracks, track, &keyframes, rows.clone().skip(first.place as usize))
            && report.is_altered())
    {
        for row in &faults {
            unresolved(report, tracks, track, row, chunk.as_ref());
        }
    }
    if !is_unsorted {
        let right = rows.clone().filter(|row| !is_impossible(row) && (excuses.blocks || is_right(row)));
        sorted(report, track, right, chunk.as_ref());
    }
    if tracks.indexed && !track.incomplete && !tracks.nameless {
        complete(report, track, rows, wrong.len(), chunk.as_ref());
    }
}

fn unresolved(report: &mut Report<'_>, tracks: &Tracks, track: &Track, row: &TableRow, chunk: Option<&Chunk>) {
    let TableRow { place, entry, block } = *row;
    report.findings.add(Code::TrackSeekUnresolved, || {
        let why = match block.map(|block| (block, tracks.of_block(block))) {
            None if track.table_chunk().is_some() => "where no block starts".to_owned(),
            None => "which does not exist".to_owned(),
            Some((block, None)) => format!("block {block}, which is in no track"),
            Some((block, Some((owner, _)))) if owner.id != track.id => {
                format!("block {block}, which belongs to track {}", escape(&owner.id))
            }
            Some((block, Some((_, at)))) if !at.keyframe => {
                format!("block {block}, which has kind {} and isn't a keyframe", at.kind)
            }
            Some((block, Some((_, at)))) => format!("block {block}, a keyframe at pts {}", at.pts_us),
        };
        let id = escape(&track.id);
        let place = match track.table_chunk() {
            Some(_) => format!("{place} (pts {}) leads to offset {}, ", entry.pts_us, entry.offset),
            None if block.is_none() => format!("{place} (pts {}) leads to block {}, ", entry.pts_us, entry.offset),
            None => format!("{place} (pts {}) leads to ", entry.pts_us),
        };
        let mut finding = on(Code::TrackSeekUnresolved, chunk, format!("track {id}: seek entry {place}{why}"));
        finding.focus = track.row(row.place);
        finding.expecting_if(track.keyframe_offset(report.container, entry.pts_us))
    });
}

/// All of these entries are off by one common amount from the keyframe of their time, but for those whose keyframe was
/// lost.
fn has_moved(
    report: &Report<'_>,
    tracks: &Tracks,
    track: &Track,
    keyframes: &[(u64, u64)],
    rows: impl Iterator<Item = TableRow>,
) -> bool {
    // In the transport layout the index names keyframes that are lost as well.
    let may_be_lost = track.table_chunk().is_some() || tracks.out_of_range > 0;
    let index = report.container.index();
    let distance = |row: TableRow| {
        let at = keyframes.partition_point(|(pts_us, _)| *pts_us < row.entry.pts_us);
        let (_, block) = keyframes.get(at).filter(|(pts_us, _)| *pts_us == row.entry.pts_us)?;
        let right = match track.table_chunk() {
            Some(_) => index.block(*block)?.payload_offset,
            None => *block,
        };
        Some(i128::from(right) - i128::from(row.entry.offset))
    };
    let mut common = None;
    rows.map(distance).all(|distance| match distance {
        Some(distance) => distance != 0 && *common.get_or_insert(distance) == distance,
        None => may_be_lost,
    })
}

/// Players search a table by halves.
fn sorted(report: &mut Report<'_>, track: &Track, rows: impl Iterator<Item = TableRow> + Clone, chunk: Option<&Chunk>) {
    let pairs = rows.clone().zip(rows.skip(1));
    let mut back = pairs.filter(|(before, row)| before.entry.pts_us > row.entry.pts_us);
    let Some((before, row)) = back.next() else { return };
    let more = match back.count() {
        0 => String::new(),
        1 => "; 1 more step back".to_owned(),
        more => format!("; {more} more steps back"),
    };
    let (id, place) = (escape(&track.id), row.place);
    let (pts, last) = (row.entry.pts_us, before.entry.pts_us);
    let message = format!("track {id}: seek entry {place} has pts {pts} after {last}{more}");
    let mut finding = on(Code::TrackUnsorted, chunk, message);
    finding.focus = track.row(place);
    report.push(finding);
}

/// Whether a table leaves out keyframes, but for those that entries with another fault were meant for.
fn complete(
    report: &mut Report<'_>,
    track: &Track,
    rows: impl Iterator<Item = TableRow> + Clone,
    faults: usize,
    chunk: Option<&Chunk>,
) {
    let index = report.container.index();
    let mut times: Vec<u64> = rows.clone().map(|row| row.entry.pts_us).collect();
    let mut blocks: Vec<u64> = rows.filter_map(|row| row.block).collect();
    times.sort_unstable();
    blocks.sort_unstable();
    let in_reach = |chunk: &Chunk| track.table_chunk().is_none() || u32::try_from(chunk.payload_offset).is_ok();
    let is_sure = |block: &&TrackBlock| {
        let chunk = index.block(block.block);
        !contradicts_itself(block) && chunk.is_some_and(|chunk| !chunk.state.is_damaged() && in_reach(&chunk))
    };
    let is_left_out = |block: &&TrackBlock| {
        times.binary_search(&block.pts_us).is_err() && blocks.binary_search(&block.block).is_err()
    };
    let mut left_out = track.keyframes().filter(is_sure).filter(is_left_out);
    let Some(first) = left_out.next() else { return };
    let count = 1 + left_out.count();
    if count <= faults {
        return;
    }
    let (all, id) = (track.keyframes().count(), escape(&track.id));
    let TrackBlock { block, pts_us, .. } = first;
    let message = format!(
        "track {id}: its seek table leaves out {count} of its {all} keyframes; the first is block {block} at pts {pts_us}"
    );
    report.push(on(Code::TrackSeekIncomplete, chunk, message));
}

/// Mux: blocks and tables of tracks that TRAK does not declare. Transport: those for ids that META does not list.
fn undeclared(report: &mut Report<'_>, tracks: &Tracks) {
    let container = report.container;
    if !tracks.declares {
        return;
    }
    let trusted = |block: &TrackBlock| container.index().block(block.block).filter(|chunk| !chunk.state.is_damaged());
    let mut unknown = Vec::new();
    for track in tracks.list.iter().filter(|track| !track.declared) {
        let id = escape(&track.id);
        if let Some(first) = track.blocks.iter().find_map(trusted) {
            let blocks = match track.blocks.len() {
                1 => "1 block belongs".to_owned(),
                blocks => format!("{blocks} blocks belong"),
            };
            let message = format!("track {id} is not declared, but {blocks} to it");
            unknown.push(Finding::on(Code::TrackUnknown, &first, message));
        } else if is_stray(tracks, track) {
            let message = format!("track {id} is not declared, but has a seek table");
            let chunk = track.table_chunk().or_else(|| home(report));
            unknown.push(on(Code::TrackUnknown, chunk.as_ref(), message));
        }
    }
    // Entries that can't be read may have declared as many.
    if unknown.len() as u64 > tracks.unreadable {
        unknown.into_iter().for_each(|finding| report.push(finding));
    }
}

/// Transport: blocks that no index entry names.
fn unindexed(report: &mut Report<'_>, tracks: &Tracks) {
    let blocks = report.container.index().blocks();
    let missing = blocks.saturating_sub(tracks.blocks_named());
    let misnamed = tracks.out_of_range.saturating_add(tracks.unreadable).saturating_add(tracks.repeated);
    if missing <= misnamed || report.has_losses() {
        return;
    }
    let first = (0..blocks).find(|block| tracks.of_block(*block).is_none());
    let chunk = first.and_then(|block| report.container.index().block(block));
    let message = format!(
        "no track index entry names {missing} of {}; the first is block {}",
        count(blocks, "block"),
        first.unwrap_or(0)
    );
    report.push(on(Code::TrackBlockUnindexed, chunk.as_ref(), message));
}
