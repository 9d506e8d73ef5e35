//! Tracks: their index, their tables, and the blocks that claim to be theirs.

use super::Report;
use crate::core::finding::{Code, Finding};
use crate::core::index::{Chunk, Tag};
use crate::core::layout::Layout;
use crate::core::text::escape;
use crate::core::tracks::{Fault, Kind, Track, TrackBlock, Tracks};

pub(super) fn check(report: &mut Report<'_>) {
    if report.container.layout() == Layout::Mux {
        routing(report);
    }
    let Some(tracks) = report.container.tracks() else { return };
    faults(report, tracks);
    for track in &tracks.list {
        order(report, track);
        table(report, track);
    }
    undeclared(report, tracks);
    if report.container.layout() == Layout::Transport && tracks.indexed {
        unindexed(report, tracks);
    }
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
            Fault::OutOfRange { .. } if lost => continue,
            Fault::OutOfRange { track, block } => {
                let blocks = report.container.index().blocks();
                let message = format!("track \"{}\" names block {block}, there are {blocks}", escape(track));
                on(Code::TrackBlockOutOfRange, home.as_ref(), message)
            }
            Fault::Table(why, chunk) => on(Code::TrackSeekInvalid, chunk.as_ref().or(home.as_ref()), why.clone()),
            Fault::SecondTable(track, chunk) => {
                let message = format!("a second seek table for track \"{}\"; the first counts", escape(track));
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

/// Order and kinds of a track's blocks.
fn order(report: &mut Report<'_>, track: &Track) {
    let container = report.container;
    let id = escape(&track.id);
    let mux = container.layout() == Layout::Mux;
    let chunk = |block: u64| container.index().block(block);
    // In the mux layout a damaged chunk's own header says what it is.
    let trusted = |block: &&TrackBlock| !mux || chunk(block.block).is_none_or(|chunk| !chunk.state.is_damaged());
    let trusted: Vec<&TrackBlock> = track.blocks.iter().filter(trusted).collect();
    let damaged = mux && container.index().blocks_intact() < container.index().blocks();
    let pairs = trusted.iter().zip(trusted.iter().skip(1));
    let mut back = pairs.filter(|(before, block)| mux && before.pts_us > block.pts_us);
    if let Some((before, block, chunk)) = back.next().and_then(|(a, b)| Some((a, b, chunk(b.block)?))) {
        let more = and_more(back.count());
        let message = format!(
            "track {id}: the block at {} has pts {}, expected {} or later, which the one stored before it has{more}",
            chunk.offset, block.pts_us, before.pts_us
        );
        report.push(Finding::on(Code::TrackUnsorted, &chunk, message));
    }
    let mut reserved = trusted.iter().filter(|block| block.kind == Kind::Reserved);
    if let Some(chunk) = reserved.next().and_then(|block| chunk(block.block)) {
        let more = and_more(reserved.count());
        let message =
            format!("track {id}: the block at {} has kind 3, expected 0 (I), 1 (P) or 2 (B){more}", chunk.offset);
        report.push(Finding::on(Code::TrackKindReserved, &chunk, message).expecting("I, P or B"));
    }
    let first = trusted.iter().min_by_key(|block| block.pts_us).filter(|block| !block.keyframe && track.declared);
    if let Some(chunk) =
        first.filter(|_| !report.may_have_lost(Tag::CORE) && !damaged).and_then(|block| chunk(block.block))
    {
        let message = format!("track {id}: its first block, at {}, is no keyframe", chunk.offset);
        report.push(Finding::on(Code::TrackStartsWithoutKeyframe, &chunk, message));
    }
}

/// How many others there are beside the one that is placed.
fn and_more(others: usize) -> String {
    if others == 0 { String::new() } else { format!("; {others} more of its blocks") }
}

fn table(report: &mut Report<'_>, track: &Track) {
    let container = report.container;
    let id = escape(&track.id);
    let Some(table) = track.seek_table(container) else {
        let tables_lost = report.may_have_lost(Tag::TSEK)
            || report.container.tracks().is_some_and(|t| t.faults.iter().any(|f| matches!(f, Fault::Table(..))))
            || container.index().with_tag(Tag::TSEK).any(|chunk| !container.is_intact(&chunk));
        if track.declared && track.keyframes().next().is_some() && !tables_lost {
            let message = format!("track {id} has {} keyframes and no seek table", track.keyframes().count());
            report.push(on(Code::TrackSeekMissing, home(report).as_ref(), message));
        }
        return;
    };
    let chunk = track.table_chunk().or_else(|| home(report));
    let indexed = report.container.tracks().is_some_and(|tracks| tracks.indexed);
    let blocks_lost = report.may_have_lost(Tag::CORE);
    for (place, entry) in (0..).zip(table.rows.iter()) {
        let block = track.entry_block(container, entry);
        let named = block.and_then(|block| container.tracks()?.of_block(block));
        let right = match named {
            Some((owner, block)) => owner.id == track.id && block.keyframe && block.pts_us == entry.pts_us,
            None => block.is_some() && !indexed,
        };
        let excused =
            blocks_lost || block.and_then(|b| container.index().block(b)).is_some_and(|c| c.state.is_damaged());
        if right || excused {
            continue;
        }
        report.findings.add(Code::TrackSeekUnresolved, || {
            let why = match (block, named) {
                (None, _) => "no block starts there".to_owned(),
                (Some(block), None) => format!("block {block} is in no track"),
                (Some(block), Some((owner, at))) => {
                    format!("block {block} is a {} block of track {} at {} µs", at.kind, escape(&owner.id), at.pts_us)
                }
            };
            let message =
                format!("track {id}: seek entry {place} (pts {}) points to {}: {why}", entry.pts_us, entry.offset);
            let mut finding = on(Code::TrackSeekUnresolved, chunk.as_ref(), message);
            finding.focus = track.row(place);
            finding.expecting_if(track.keyframe_offset(container, entry.pts_us))
        });
    }
}

/// Mux: blocks of tracks that TRAK does not declare. Transport: index entries for ids that META does not list.
fn undeclared(report: &mut Report<'_>, tracks: &Tracks) {
    let container = report.container;
    let unreadable = container.layout() == Layout::Mux && tracks.list.iter().all(|track| !track.declared);
    if unreadable {
        return;
    }
    let trusted = |block: &TrackBlock| container.index().block(block.block).filter(|chunk| !chunk.state.is_damaged());
    for track in tracks.list.iter().filter(|track| !track.declared) {
        let Some(first) = track.blocks.iter().find_map(trusted) else { continue };
        let blocks = match track.blocks.len() {
            1 => "1 block is".to_owned(),
            blocks => format!("{blocks} blocks are"),
        };
        let message = format!("track {} is not declared, and {blocks} its", escape(&track.id));
        report.push(Finding::on(Code::TrackUnknown, &first, message));
    }
}

/// Transport: blocks that no index entry names.
fn unindexed(report: &mut Report<'_>, tracks: &Tracks) {
    let out_of_range = tracks.faults.iter().filter(|f| matches!(f, Fault::OutOfRange { .. })).count() as u64;
    let blocks = report.container.index().blocks();
    let missing = blocks.saturating_sub(tracks.blocks_named());
    let unreadable = tracks.faults.iter().any(|f| matches!(f, Fault::Index(_)));
    if missing <= out_of_range || unreadable || report.has_losses() {
        return;
    }
    let first = (0..blocks).find(|block| tracks.of_block(*block).is_none());
    let chunk = first.and_then(|block| report.container.index().block(block));
    let message =
        format!("{missing} of {blocks} blocks are in no track's index, the first is block {}", first.unwrap_or(0));
    report.push(on(Code::TrackBlockUnindexed, chunk.as_ref(), message));
}
