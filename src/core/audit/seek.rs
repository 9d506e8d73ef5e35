//! The SEEK table: its shape, its order, and whether its entries lead to blocks.

use super::Report;
use crate::core::container::Effort;
use crate::core::finding::{Code, Finding};
use crate::core::index::{Chunk, Tag};
use crate::core::layout::{Layout, SeekEntry, SeekRows};
use crate::core::seek::{Basis, Blocks, Fit, Landing, Meaning, SeekTable};

pub(super) fn check(report: &mut Report<'_>) {
    let container = report.container;
    let Some(chunk) = container.seek_chunk().filter(|_| container.layout() == Layout::Transport) else { return };
    let Some(table) = container.seek_table() else {
        let message = format!("SEEK at {}: {} bytes, less than its count takes", chunk.offset, chunk.len);
        report.push(Finding::on(Code::SeekTruncated, &chunk, message).expecting(0u8));
        return;
    };
    shape(report, &chunk, &table.rows);
    let duplicates = order(report, &chunk, &table);
    let resolution = container.resolution(Effort::Full);
    let blocks = container.blocks(Effort::Full);
    // Without META nobody knows the sizes of blocks; with a CORE chunk lost, not their numbers.
    let doubtful = report.has_lost_meta() || report.may_have_lost(Tag::CORE);
    if resolution.ambiguous && !doubtful {
        let fits: Vec<_> = resolution.fits.iter().map(|meaning| meaning.name()).collect();
        let message = format!("SEEK offsets fit as {}, which lead to different blocks", fits.join(" and as "));
        report.push(Finding::on(Code::SeekAmbiguous, &chunk, message));
    }
    match resolution.best {
        Some(fit) => {
            if !report.has_lost_meta() && (report.has_losses() || !doubtful) {
                unresolved(report, &chunk, &table, &blocks, &fit);
            }
            if !duplicates && !doubtful {
                gop(report, &chunk, &table, &blocks, &fit);
            }
        }
        None if !table.rows.is_empty() && !resolution.stream_untested && !resolution.undecided && !doubtful => {
            for (place, entry) in (0..).zip(table.rows.iter()) {
                unresolved_entry(report, &chunk, place, entry, "no block starts there under any meaning", || None);
            }
        }
        None => {}
    }
}

fn shape(report: &mut Report<'_>, chunk: &Chunk, rows: &SeekRows<'_>) {
    if rows.declared() > rows.len() {
        let message = format!(
            "SEEK at {}: count says {} entries, {} bytes hold {}",
            chunk.offset,
            rows.declared(),
            chunk.len,
            rows.len()
        );
        let finding = Finding::on(Code::SeekTruncated, chunk, message).focused(count_field(chunk));
        report.push(finding.expecting(rows.len()));
    } else if rows.trailing() > 0 {
        let message = format!(
            "SEEK at {}: {} bytes after the {} entries its count says",
            chunk.offset,
            rows.trailing(),
            rows.len()
        );
        let rest = chunk.end - rows.trailing()..chunk.end;
        report.push(Finding::on(Code::SeekTrailingBytes, chunk, message).focused(rest));
    }
}

fn count_field(chunk: &Chunk) -> std::ops::Range<u64> {
    chunk.payload_offset..chunk.payload_offset + 4
}

fn row(chunk: &Chunk, place: u64) -> std::ops::Range<u64> {
    let start = chunk.payload_offset + 4 + place * 16;
    start..start + 16
}

/// Checks the order of timestamps; true if some are the same.
fn order(report: &mut Report<'_>, chunk: &Chunk, table: &SeekTable<'_>) -> bool {
    if !table.is_sorted() {
        let pairs = table.rows.iter().zip(table.rows.iter().skip(1));
        let mut wrong = (1..).zip(pairs).filter(|(_, (a, b))| a.pts_us > b.pts_us);
        if let Some((place, (before, entry))) = wrong.next() {
            let more = wrong.count();
            let message =
                format!("SEEK entry {place} has pts {} after {}; {more} more steps back", entry.pts_us, before.pts_us);
            report.push(Finding::on(Code::SeekUnsorted, chunk, message).focused(row(chunk, place)));
        }
    }
    let pairs = table.in_order().zip(table.in_order().skip(1));
    let mut same = (1..).zip(pairs).filter(|(_, (a, b))| a.pts_us == b.pts_us);
    let Some((rank, (entry, _))) = same.next() else { return false };
    let more = same.count();
    let place = table.place(rank).unwrap_or(rank);
    let message = format!("SEEK entry {place} repeats pts {}; {more} more repeats", entry.pts_us);
    report.push(Finding::on(Code::SeekDuplicatePts, chunk, message).focused(row(chunk, place)));
    true
}

fn unresolved(report: &mut Report<'_>, chunk: &Chunk, table: &SeekTable<'_>, blocks: &Blocks<'_>, fit: &Fit) {
    let nowhere = |entry: &SeekEntry| {
        let landing = blocks.landing(fit.meaning, fit.basis, entry.offset);
        landing == Landing::Nowhere && !blocks.may_have_moved(fit.meaning, entry.offset)
    };
    for (place, entry) in (0..).zip(table.rows.iter()).filter(|(_, entry)| nowhere(entry)) {
        let how = match (fit.meaning, fit.basis) {
            (Meaning::Stream, Basis::Grid) => "no block starts there in META's grid of block_size",
            (Meaning::Stream, Basis::Sums) => "no decoded block starts there",
            (Meaning::Stored, _) => "no stored block starts there",
            (Meaning::Chunk, _) => "no CORE chunk starts there",
            (Meaning::Payload, _) => "no CORE payload starts there",
            (Meaning::Index, _) => "there is no such block",
        };
        let right = || blocks.right_offset(fit, table.is_sorted().then_some(place), entry.pts_us);
        unresolved_entry(report, chunk, place, entry, &format!("as {}, {how}", fit.meaning.describe()), right);
    }
}

/// `right` says where the entry should lead, if that is known.
fn unresolved_entry(
    report: &mut Report<'_>,
    chunk: &Chunk,
    place: u64,
    entry: SeekEntry,
    why: &str,
    right: impl FnOnce() -> Option<u64>,
) {
    report.findings.add(Code::SeekUnresolved, || {
        let message = format!("SEEK entry {place} (pts {}) has offset {}: {why}", entry.pts_us, entry.offset);
        Finding::on(Code::SeekUnresolved, chunk, message).focused(row(chunk, place)).expecting_if(right())
    });
}

/// Whether entries are where META's gop and fps_hint put them.
fn gop(report: &mut Report<'_>, chunk: &Chunk, table: &SeekTable<'_>, blocks: &Blocks<'_>, fit: &Fit) {
    let mut first = None;
    let mut count = 0u64;
    for (rank, entry) in (0..).zip(table.in_order()) {
        let Landing::Block(block) = blocks.landing(fit.meaning, fit.basis, entry.offset) else { continue };
        if !blocks.agrees(rank, entry, block) {
            count += 1;
            first.get_or_insert((rank, entry, block));
        }
    }
    if let Some((rank, entry, block)) = first {
        let place = table.place(rank).unwrap_or(rank);
        let by_gop = blocks.gop.map(|gop| (gop, rank.saturating_mul(gop))).filter(|(_, keyframe)| *keyframe != block);
        // Where the keyframe is wrong, the entry leads elsewhere; where its time is, that is all there is to mend.
        let keyframe = by_gop.and_then(|(_, keyframe)| blocks.start(fit.meaning, fit.basis, keyframe));
        let by_gop = by_gop.map(|(gop, keyframe)| format!("with META's gop of {gop} it would be block {keyframe}"));
        let by_fps = blocks.frame_us.map(|us| block.saturating_mul(us)).filter(|pts| *pts != entry.pts_us);
        let right = if by_gop.is_some() { keyframe } else { by_fps };
        let by_fps = by_fps.map(|pts| format!("with its fps_hint block {block} is at pts {pts}"));
        let expected: Vec<String> = by_gop.into_iter().chain(by_fps).collect();
        let entries = if count == 1 { "1 entry differs".to_owned() } else { format!("{count} entries differ") };
        let message = format!(
            "SEEK entry {place} is block {block} at pts {}; {}; {entries}",
            entry.pts_us,
            expected.join(", and ")
        );
        let finding = Finding::on(Code::SeekGopMismatch, chunk, message).focused(row(chunk, place));
        report.push(finding.expecting_if(right));
        return;
    }
    let Some(gop) = blocks.gop.filter(|_| table.rows.declared() == table.rows.len() && !table.rows.is_empty()) else {
        return;
    };
    // A block after VERI belongs to nothing that SEEK could know of.
    let covered = blocks.index.first(Tag::VERI).map_or(blocks.index.blocks(), |veri| blocks.index.blocks_before(&veri));
    let expected = covered.div_ceil(gop);
    if expected > table.rows.len() {
        let message =
            format!("SEEK has {} entries, META's gop of {gop} gives {expected} for {covered} blocks", table.rows.len());
        let finding = Finding::on(Code::SeekGopMismatch, chunk, message).focused(count_field(chunk));
        report.push(finding.expecting(expected));
    }
}
