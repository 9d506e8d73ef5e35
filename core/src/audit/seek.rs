//! The SEEK table: its shape, its order, and whether its entries lead to blocks.

use super::Report;
use crate::container::Effort;
use crate::finding::{Code, Finding};
use crate::index::{Chunk, Tag};
use crate::layout::{Layout, SeekEntry, SeekRows};
use crate::seek::{Basis, BlockStarts, Fit, Landing, Meaning, SeekTable};
use crate::text::{self, count_entries};

pub(super) fn check(report: &mut Report<'_>) {
    let container = report.container;
    let Some(chunk) = container.seek_chunk().filter(|_| container.layout() == Layout::Transport) else { return };
    let Some(table) = container.seek_table() else {
        let message =
            format!("SEEK at {}: {}, too few to hold its count", chunk.offset, text::count(chunk.len, "byte"));
        report.push(Finding::on(Code::SeekTruncated, &chunk, message).expecting(0u8));
        return;
    };
    shape(report, &chunk, &table.rows);
    let duplicates = order(report, &chunk, &table);
    let resolution = container.resolution(Effort::Full);
    let blocks = container.starts(Effort::Full);
    // Without META nobody knows the sizes of blocks; with a CORE chunk lost, not their numbers.
    let doubtful = report.has_lost_meta() || report.may_have_lost(Tag::CORE);
    if resolution.ambiguous && !doubtful {
        let fits: Vec<_> = resolution.fits.iter().map(|meaning| meaning.name()).collect();
        let message = format!("SEEK offsets fit as {}, and these lead to different blocks", fits.join(" and as "));
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
                unresolved_entry(
                    report,
                    &chunk,
                    place,
                    entry,
                    "no block starts there, whatever the offset means",
                    || None,
                );
            }
        }
        None => {}
    }
}

fn shape(report: &mut Report<'_>, chunk: &Chunk, rows: &SeekRows<'_>) {
    if rows.declared() > rows.len() {
        let message = format!(
            "SEEK at {}: its count says {}, but its {} hold {}",
            chunk.offset,
            count_entries(rows.declared()),
            text::count(chunk.len, "byte"),
            rows.len()
        );
        let finding = Finding::on(Code::SeekTruncated, chunk, message).focused(count_field(chunk));
        report.push(finding.expecting(rows.len()));
    } else if rows.trailing() > 0 {
        let message = format!(
            "SEEK at {}: {} after the {} that it counts",
            chunk.offset,
            text::count(rows.trailing(), "byte"),
            count_entries(rows.len())
        );
        let rest = chunk.end - rows.trailing()..chunk.end;
        report.push(Finding::on(Code::SeekTrailingBytes, chunk, message).focused(rest));
    }
}

/// How many others there are beside the one that is named.
fn and_more(others: usize, one: &str, several: &str) -> String {
    match others {
        0 => String::new(),
        1 => format!("; 1 more {one}"),
        _ => format!("; {others} more {several}"),
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
            let more = and_more(wrong.count(), "step back", "steps back");
            let message = format!("SEEK entry {place} has pts {} after {}{more}", entry.pts_us, before.pts_us);
            report.push(Finding::on(Code::SeekUnsorted, chunk, message).focused(row(chunk, place)));
        }
    }
    // A wrong timestamp that is out of order may well be that of another entry.
    let by_rank = |rank| if table.is_sorted() { table.place(rank) } else { Some(rank) };
    let entry = |rank| table.rows.get(by_rank(rank)?);
    let is_repeated = |rank: &u64| entry(rank - 1).map(|e| e.pts_us) == entry(*rank).map(|e| e.pts_us);
    let mut same = (1..table.rows.len()).filter(is_repeated);
    let Some((rank, entry)) = same.next().and_then(|rank| Some((rank, entry(rank)?))) else { return false };
    let more = and_more(same.count(), "repeat", "repeats");
    let place = by_rank(rank).unwrap_or(rank);
    let message = format!("SEEK entry {place} repeats pts {}{more}", entry.pts_us);
    report.push(Finding::on(Code::SeekDuplicatePts, chunk, message).focused(row(chunk, place)));
    true
}

fn unresolved(report: &mut Report<'_>, chunk: &Chunk, table: &SeekTable<'_>, blocks: &BlockStarts<'_>, fit: &Fit) {
    let nowhere = |entry: &SeekEntry| {
        let landing = blocks.landing(fit.meaning, fit.basis, entry.offset);
        landing == Landing::Nowhere && !blocks.may_have_moved(fit.meaning, entry.offset)
    };
    let astray = (0..).zip(table.rows.iter()).filter(|(_, entry)| nowhere(entry));
    let Some((first, _)) = astray.clone().next() else { return };
    // A chunk was cut out without a trace: what comes after it stands elsewhere by its length.
    let later = (first..table.rows.len()).filter_map(|place| Some(table.rows.get(place)?.offset));
    if later.clone().count() > 1 && blocks.common_shift(fit, later).is_some() && report.is_altered() {
        return;
    }
    for (place, entry) in astray {
        let how = match (fit.meaning, fit.basis) {
            (Meaning::Stream, Basis::Grid) => "no block of META's block_size starts there",
            (Meaning::Stream, Basis::Sums) => "no decoded block starts there",
            (Meaning::Stored, _) => "no stored block starts there",
            (Meaning::Chunk, _) => "no CORE chunk starts there",
            (Meaning::Payload, _) => "no CORE payload starts there",
            (Meaning::Index, _) => "there is no such block",
        };
        let right = || blocks.right_offset(fit, table.is_sorted().then_some(place), entry.pts_us);
        unresolved_entry(report, chunk, place, entry, &format!("as a {}, {how}", fit.meaning.describe()), right);
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

/// An entry, its rank or place, and the block it leads to.
type RankedEntry = (u64, SeekEntry, u64);

/// Rows in the order of the table that are not where META's gop and fps_hint put them, but for those of which only the
/// time is wrong, and not between those of the right rows around it: that the table is unsorted says so already.
fn off_as_stored(rows: &[RankedEntry], blocks: &BlockStarts<'_>) -> Vec<RankedEntry> {
    let is_right = |(place, entry, block): &RankedEntry| blocks.agrees(*place, *entry, *block);
    // The time of the next right row, from each row on.
    let mut next = None;
    let mut after: Vec<Option<u64>> = Vec::with_capacity(rows.len());
    for row in rows.iter().rev() {
        after.push(next);
        next = if is_right(row) { Some(row.1.pts_us) } else { next };
    }
    let mut last = None;
    let mut off = Vec::new();
    for (row, after) in rows.iter().zip(after.into_iter().rev()) {
        let (place, entry, block) = *row;
        if is_right(row) {
            last = Some(entry.pts_us);
            continue;
        }
        let is_there = blocks.gop.is_none_or(|gop| place.checked_mul(gop) == Some(block));
        let is_early = last.is_some_and(|last| last > entry.pts_us);
        let is_late = after.is_some_and(|after| after < entry.pts_us);
        if !(is_there && (is_early || is_late)) {
            off.push(*row);
        }
    }
    off
}

/// Whether entries are where META's gop and fps_hint put them.
fn gop(report: &mut Report<'_>, chunk: &Chunk, table: &SeekTable<'_>, blocks: &BlockStarts<'_>, fit: &Fit) {
    let landed = |(rank, entry): (u64, SeekEntry)| -> Option<RankedEntry> {
        match blocks.landing(fit.meaning, fit.basis, entry.offset) {
            Landing::Block(block) => Some((rank, entry, block)),
            Landing::Nowhere | Landing::Unknown => None,
        }
    };
    let is_off = |(rank, entry, block): &RankedEntry| !blocks.agrees(*rank, *entry, *block);
    let mut by_time = (0..).zip(table.in_order()).filter_map(landed).filter(is_off);
    let mut first = by_time.next();
    let mut count = by_time.count() + usize::from(first.is_some());
    if count > 0 && !table.is_sorted() {
        // One wrong timestamp makes all entries change places: as they are stored, only that one may be off.
        let stored: Vec<RankedEntry> = (0..).zip(table.rows.iter()).filter_map(landed).collect();
        let off = off_as_stored(&stored, blocks);
        if off.len() < count {
            (first, count) = (off.first().copied(), off.len());
        }
    }
    if let Some((rank, entry, block)) = first {
        let place = table.place(rank).unwrap_or(rank);
        let by_gop = blocks.gop.map(|gop| (gop, rank.saturating_mul(gop))).filter(|(_, keyframe)| *keyframe != block);
        // Where the keyframe is wrong, the entry leads elsewhere; where its time is, that is all there is to mend.
        let keyframe = by_gop.and_then(|(_, keyframe)| blocks.start(fit.meaning, fit.basis, keyframe));
        let by_gop = by_gop.map(|(gop, keyframe)| format!("by META's gop of {gop} it should be block {keyframe}"));
        let by_fps = blocks.frame_us.map(|us| block.saturating_mul(us)).filter(|pts| *pts != entry.pts_us);
        let right = if by_gop.is_some() { keyframe } else { by_fps };
        let by_fps = by_fps.map(|pts| format!("by META's fps_hint block {block} is at pts {pts}"));
        let expected: Vec<String> = by_gop.into_iter().chain(by_fps).collect();
        let entries = if count == 1 { "1 entry differs".to_owned() } else { format!("{count} entries differ") };
        let message = format!(
            "SEEK entry {place} (pts {}) leads to block {block}; {}; {entries}",
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
        let message = format!(
            "SEEK has {}, but by META's gop of {gop} there should be {expected} for {}",
            count_entries(table.rows.len()),
            text::count(covered, "block")
        );
        let finding = Finding::on(Code::SeekGopMismatch, chunk, message).focused(count_field(chunk));
        report.push(finding.expecting(expected));
    }
}
