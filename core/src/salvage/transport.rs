//! The plan for a transport container: blocks, the sidecars every container must have, and VERI last.

use super::SalvageError;
use super::index_binding::{IndexBinding, LeftOut, numbered};
use super::note::{Note, Way};
use super::numbering::{Entries, Witness};
use super::plan::{Insertion, MOST_PLACEHOLDERS, New, Plan, Trust};
use super::report::{Mended, Reason, Report};
use super::seek::{self, Outcome, Sources};
use super::sibling::{Adopted, Sibling};
use super::sidecars::{SidecarState, is_meta, object, others, reads, slot};
use super::tracks;
use super::write::{Closing, digest};
use crate::audit::Audit;
use crate::block::Pipeline;
use crate::codec::{cipher, rle};
use crate::container::Container;
use crate::index::{Chunk, State, Tag};
use crate::meta::{BinaryMeta, Meta};
use crate::task::{Cancelled, Task};
use crate::veri::{Coverage, CoveredPart, Status};

/// The sidecars, in the order in which the reference writer writes them after the blocks.
const SIDECARS: [Tag; 3] = [Tag::SEEK, Tag::META, Tag::SAFE];
/// What every message of the reference cipher begins with.
const CIPHER_MAGIC: &[u8] = b"H4LC3";
/// The reference compressor takes only multiples of this.
const BLOCK_GRAIN: u64 = 256;

pub(super) fn plan(
    plan: &mut Plan<'_>,
    audit: &Audit,
    adopted: &Adopted,
    report: &mut Report,
    task: &Task,
) -> Result<Closing, SalvageError> {
    let veri = claim_veri(plan, report);
    let [seek, meta, safe] = SIDECARS.map(|tag| slot(plan, tag, report));
    let slots = [seek, meta, safe];
    plan.is_proven = is_proven(plan, audit, veri.as_ref(), task)?;
    let parsed = match (&adopted.meta, &meta) {
        (Some(payload), _) => Some(Meta::parse(payload)),
        (None, SidecarState::Reliable(chunk)) => Some(Meta::parse(&plan.payload(chunk))),
        _ => None,
    };
    let readable = parsed.filter(is_meta);
    let known = readable.as_ref().or(plan.container.meta());
    let reliable = if let SidecarState::Reliable(chunk) = seek { Some(chunk) } else { None };
    let entries = reliable.filter(|chunk| plan.container.seek_chunk() == Some(*chunk));
    let sealed = Sealed::of(plan, audit);
    let entries = entries.and_then(|_| Entries::read(plan.container, known, sealed.blocks));
    settle(plan, readable.as_ref().filter(|_| adopted.meta.is_none()), entries.as_ref(), sealed);
    if plan.numbering.is_adrift() {
        let note = "blocks are missing, but nothing says which: entries of SEEK and of track tables may be for other blocks, \
                    so they are left out";
        report.notes.push(note.into());
    }
    // META that is longer than what is read is kept, but says nothing.
    let said = readable.as_ref().filter(|meta| meta.binary.is_some() || meta.document.object().is_some());
    blocks(plan, audit, said, report, task)?;
    object(plan, Tag::TRAK, report);
    let decided = |tag: Tag| [Tag::CORE, Tag::VERI, Tag::TRAK].contains(&tag) || SIDECARS.contains(&tag);
    others(plan, decided, report);
    let settings = plan.settings;
    let name = settings.sibling.map(Sibling::name).unwrap_or_default();
    if readable.is_none() {
        let payload = evident_meta(plan, task)?;
        let how = format!("{}; written as {}", meta.fault(), String::from_utf8_lossy(&payload));
        let lost = !(sealed.sidecars && matches!(meta, SidecarState::Missing));
        put(plan, &slots, 1, payload, how, lost, report);
        if plan.blocks() > 0 && !plan.chained {
            report
                .notes
                .push("only META says whether blocks are masked: if they were, they now decode to noise".into());
        }
    } else if readable.as_ref().is_some_and(is_beyond_limits) && plan.blocks() < plan.container.index().blocks() {
        let note = "META is kept as it is, since it is too deep or too large to be read here: if it says that blocks are \
                    masked, those after a lost one now decode to noise";
        report.notes.push(note.into());
    }
    match (&readable, &meta, &adopted.meta) {
        (Some(parsed), _, Some(payload)) => {
            let how = format!("{}; taken from {name}", meta.fault());
            let tables = plan.container.meta_chunk().and_then(|chunk| tracks::rebuild(plan, &chunk, payload, parsed));
            if parsed.trak_b64().is_some() || parsed.seekm_b64().is_some() {
                report.notes.push(format!("the track tables in META describe the blocks of {name}").into());
            }
            let payload = tables.map_or_else(|| payload.clone(), |tables| tables.meta);
            put(plan, &slots, 1, payload, how, true, report);
        }
        (Some(parsed), SidecarState::Reliable(chunk), None) => {
            let payload = plan.payload(chunk).into_owned();
            // The container may be read with this one in the place of the first, which says nothing.
            let read = plan.container.meta_chunk().filter(|_| adopted.container.is_some()).unwrap_or(*chunk);
            if let Some(tables) = tracks::rebuild(plan, &read, &payload, parsed) {
                put(plan, &slots, 1, tables.meta, tables.how, tables.lost, report);
            } else if let Some(payload) = recounted(plan, &payload, parsed) {
                let how = "META as it was, with the number of remaining blocks and their duration".to_owned();
                put(plan, &slots, 1, payload, how, false, report);
            }
        }
        _ => {}
    }
    if !matches!(&safe, SidecarState::Reliable(chunk) if reads(Tag::SAFE, &plan.payload(chunk))) {
        let (payload, how) = match &adopted.safe {
            Some(payload) => (payload.clone(), format!("{}; taken from {name}", safe.fault())),
            None => (b"{}".to_vec(), format!("{}; written as {{}}", safe.fault())),
        };
        let lost = !(sealed.sidecars && matches!(safe, SidecarState::Missing));
        put(plan, &slots, 2, payload, how, lost, report);
    }
    let sources = Sources {
        chunk: reliable,
        entries: entries.as_ref(),
        had_entries: !(sealed.sidecars && matches!(seek, SidecarState::Missing)),
        meta: readable.as_ref(),
    };
    // Without what META says nobody knows what a SEEK that nothing has moved is about.
    let is_unread = readable.is_some() && said.is_none() && matches!(slots, [SidecarState::Reliable(_), ..]);
    if !(is_unread && plan.is_whole()) {
        seek_table(plan, &slots, &sources, report, task)?;
    }
    if !sealed.blocks {
        plan.contradiction = seek::contradiction(plan, &sources);
    }
    let header = plan.container.header();
    if header.version != 1 || header.reserved != 0 {
        report.notes.push("the file header is written with version 1 and its reserved fields set to 0".into());
    }
    Ok(close(plan, audit, veri, report))
}

/// What a digest that is right says was never there.
#[derive(Debug, Clone, Copy)]
struct Sealed {
    /// It covers all blocks: none is missing.
    blocks: bool,
    /// It would cover META, SEEK and SAFE: one that is not there never was.
    sidecars: bool,
}

impl Sealed {
    fn of(plan: &Plan<'_>, audit: &Audit) -> Self {
        if plan.is_proven {
            return Self { blocks: true, sidecars: true };
        }
        let container = plan.container;
        let index = container.index();
        let last = index.blocks().checked_sub(1).and_then(|last| index.block(last));
        let coverage = audit.verification.coverage.as_ref().filter(|_| audit.verification.status == Status::Verified);
        let covers = |coverage: &Coverage, chunk: &Chunk| coverage.part_of(container, chunk) != CoveredPart::Nothing;
        let blocks = match &last {
            Some(chunk) => coverage.is_some_and(|coverage| covers(coverage, chunk)) || plan.proves(chunk),
            None => coverage.is_some(),
        };
        let ends = index.len().checked_sub(1).and_then(|last| index.chunk(last)).is_some_and(|c| c.tag == Tag::VERI);
        let sidecars = match coverage {
            Some(Coverage::Prefix | Coverage::WholePrefix) => ends && container.walked().losses.is_empty(),
            Some(Coverage::Payloads | Coverage::AllPayloads) => true,
            _ => false,
        };
        Self { blocks, sidecars }
    }
}

/// Finds out which index blocks had.
fn settle(plan: &mut Plan<'_>, meta: Option<&Meta>, entries: Option<&Entries>, sealed: Sealed) {
    let container = plan.container;
    let found = container.index().blocks();
    if plan.is_proven {
        return plan.numbering.settle_whole();
    }
    let binary = meta.and_then(|meta| meta.binary).map(|binary| u64::from(binary.frame_count));
    let (indexed, named) = meta.map_or((None, 0), |meta| tracks::blocks_indexed(meta, found));
    let (counted, counted_least) = meta.map_or((None, 0), |meta| counted(container, meta));
    let witness =
        Witness { exact: binary.or(indexed).or(counted), least: named.max(counted_least), sealed: sealed.blocks };
    plan.numbering.settle(container, entries, witness);
}

/// How many blocks the counter of the last encrypted one says there were: exactly so many, unless bytes were lost after
/// it, and at least so many.
fn counted(container: &Container, meta: &Meta) -> (Option<u64>, u64) {
    let last = || {
        let last = container.index().block(container.index().blocks().checked_sub(1)?)?;
        let whole = Pipeline::of(Some(meta)).is_living_cipher() && container.is_intact(&last);
        let counter = cipher::counter(container.payload(&last)).filter(|_| whole)?;
        counter.checked_add(1).filter(|count| *count <= last.index.saturating_add(MOST_PLACEHOLDERS))
    };
    let Some(count) = last() else { return (None, 0) };
    let after = container.walked().losses.last().is_some_and(|loss| loss.block >= container.index().blocks());
    ((!after).then_some(count), count)
}

/// Decides on each block.
fn blocks(
    plan: &mut Plan<'_>,
    audit: &Audit,
    meta: Option<&Meta>,
    report: &mut Report,
    task: &Task,
) -> Result<(), Cancelled> {
    let pairs = meta.is_some_and(|meta| Pipeline::of(Some(meta)).is_plain_rle() && !is_beyond_limits(meta));
    let half_a_pair = |chunk: &Chunk| pairs && chunk.len % 2 == 1;
    let container = plan.container;
    let placeholders = plan.settings.placeholders;
    let mut bond = IndexBinding::of(plan, audit, meta, |chunk| !half_a_pair(chunk));
    plan.chained = matches!(bond, IndexBinding::Chained(_));
    if plan.chained && placeholders {
        let numbers = numbered(plan);
        plan.numbering.count(numbers);
    }
    let mut left_out = LeftOut::default();
    let mut last = None;
    for chunk in container.index().with_tag(Tag::CORE) {
        task.check()?;
        let block = chunk.block.unwrap_or(0);
        let trust = plan.trust(&chunk);
        let reason = match trust {
            Trust::Damaged(reason) => Some(reason),
            _ if half_a_pair(&chunk) && !plan.chained => Some(Reason::Undecodable),
            _ => bond.refuses(plan, &chunk),
        };
        if let Some(original) = plan.numbering.original(block).filter(|_| reason.is_none() && placeholders) {
            plan.pad(chunk.index, block, original, report);
        }
        match (reason, trust) {
            (Some(reason), _) => {
                left_out.count(plan, reason, &chunk);
                plan.drop(&chunk, reason, true, report);
            }
            (None, Trust::Mended(mend)) => plan.mend(&chunk, mend, report),
            (None, _) => {}
        }
        last = Some(chunk);
    }
    if plan.chained && !placeholders && plan.blocks() < container.index().blocks() {
        let kept = plan.kept_blocks().filter_map(|chunk| Some((chunk.block?, plan.new_index(chunk.block?)?)));
        let kept = kept.collect();
        plan.numbering.count(kept);
    }
    if let Some(last) = last.filter(|_| placeholders)
        && let Some(total) = end_of_numbers(plan)
    {
        let found = container.index().blocks();
        if plan.reaches(found, total) || total < plan.next_index(found) {
            // What follows an empty chunk must show that it is one.
            let index = container.index();
            let known = (last.index + 1..index.len()).find(|at| index.chunk(*at).is_some_and(|c| c.tag.is_known()));
            plan.pad(known.unwrap_or(index.len()), found, total, report);
        } else {
            report.notes.push(
                format!("no placeholders follow the last block: up to block {total} there would be too many").into(),
            );
        }
    }
    report.notes.extend(left_out.notes(plan));
    Ok(())
}

/// Index after the last block there is known to have been, where the number of every block is known.
fn end_of_numbers(plan: &mut Plan<'_>) -> Option<u64> {
    let container = plan.container;
    let found = container.index().blocks();
    if !plan.chained {
        let certain = plan.numbering.is_certain();
        let total = plan.numbering.total().filter(|total| *total >= found);
        let last = || plan.numbering.original(found.checked_sub(1)?)?.checked_add(1);
        return if certain { total.or_else(last) } else { None };
    }
    // Damaged blocks after the last message that is kept, up to where bytes were lost.
    let last = (0..found).rev().find(|block| plan.numbering.original(*block).is_some())?;
    let mut end = plan.numbering.original(last)?.checked_add(1)?;
    for block in last + 1..found {
        let loss = container.walked().losses.partition_point(|loss| loss.block <= last);
        if container.walked().losses.get(loss).is_some_and(|loss| loss.block <= block) {
            break;
        }
        let chunk = container.index().block(block)?;
        end += u64::from(matches!(plan.trust(&chunk), Trust::Damaged(_)));
    }
    Some(plan.numbering.total().map_or(end, |total| total.max(end)))
}

/// What META says is in it, but not read here.
fn is_beyond_limits(meta: &Meta) -> bool {
    meta.binary.is_none() && meta.document.object().is_none()
}

/// The older binary META of the blocks that are left, each of which takes as long as before; `None` where it counts no more
/// than those.
fn recounted(plan: &Plan<'_>, payload: &[u8], meta: &Meta) -> Option<Vec<u8>> {
    let BinaryMeta { duration_us, frame_count } = meta.binary?;
    let blocks = u32::try_from(plan.blocks()).ok().filter(|blocks| *blocks < frame_count)?;
    let left = u128::from(duration_us) * u128::from(blocks) / u128::from(frame_count);
    let duration_us = u64::try_from(left).ok()?;
    let rest = payload.get(BinaryMeta::LEN..)?;
    Some([&duration_us.to_be_bytes()[..], &blocks.to_be_bytes(), rest].concat())
}

/// Writes a new payload for a sidecar: in the place of its chunk, or before the sidecar that normally follows it.
fn put(
    plan: &mut Plan<'_>,
    slots: &[SidecarState; 3],
    at: usize,
    payload: Vec<u8>,
    how: String,
    lost: bool,
    report: &mut Report,
) {
    let Some(tag) = SIDECARS.get(at).copied() else { return };
    match slots.get(at).and_then(SidecarState::chunk) {
        Some(chunk) => plan.replace(chunk, payload, how, lost, report),
        None => plan.insert(before(plan, slots, at), New::of(tag, payload), how, lost, report),
    }
}

/// Ordinal of the chunk before which a sidecar that is missing belongs.
fn before(plan: &Plan<'_>, slots: &[SidecarState; 3], at: usize) -> u64 {
    let following = slots.get(at + 1..).into_iter().flatten().find_map(SidecarState::chunk);
    following.map_or(plan.container.index().len(), |chunk| chunk.index)
}

/// META where the source's is lost: as little as makes readers treat the blocks as what they evidently are.
fn evident_meta(plan: &Plan<'_>, task: &Task) -> Result<Vec<u8>, Cancelled> {
    let (mut pairs, mut messages) = (true, true);
    for chunk in plan.kept_blocks().filter(|chunk| chunk.len > 0) {
        task.check()?;
        let stored = plan.payload(&chunk);
        messages &= stored.starts_with(CIPHER_MAGIC);
        if pairs {
            let survey = rle::survey(&stored);
            pairs = !survey.odd && survey.zero_runs == 0 && survey.decoded_len.is_multiple_of(BLOCK_GRAIN);
        }
        if !pairs && !messages {
            break;
        }
    }
    let meta = match (pairs, messages) {
        (true, _) => "{}",
        (false, true) => r#"{"encrypted":true,"encryption":{"cipher":"living-cipher-v3"}}"#,
        (false, false) => r#"{"compression":{"opaque":true}}"#,
    };
    Ok(meta.as_bytes().to_vec())
}

/// Writes SEEK anew, unless that gives what is there.
fn seek_table(
    plan: &mut Plan<'_>,
    slots: &[SidecarState; 3],
    sources: &Sources<'_>,
    report: &mut Report,
    task: &Task,
) -> Result<(), Cancelled> {
    let [slot, ..] = slots;
    let meta = sources.meta.or(plan.container.meta());
    let Outcome::Anew(mut table) = seek::rebuild(plan, &Sources { meta, ..*sources }) else { return Ok(()) };
    let place = match slot.chunk() {
        Some(chunk) => Insertion::Of(*chunk),
        None => Insertion::Before(before(plan, slots, 0)),
    };
    let undo = plan.reserve(&place, Tag::SEEK, table.len());
    // A META that could be mended and isn't kept says nothing to whoever reads the output.
    let grid = sources.meta.and_then(|meta| meta.block_size);
    let mut payload = table.payload(plan, grid, task)?;
    let same = |plan: &Plan<'_>, payload: &[u8]| sources.chunk.is_some_and(|chunk| *plan.payload(&chunk) == *payload);
    if !same(plan, &payload) || !plan.moves_nothing_but(&place) {
        if !table.settle(plan, sources.meta, task)? {
            let why = ": without that, its offsets look like something else";
            report.notes.push(Note::from("read the output's SEEK with ").way(Way::SameMeaning).then(why));
        }
        payload = table.payload(plan, grid, task)?;
    }
    plan.release(&place, undo);
    if same(plan, &payload) {
        return Ok(());
    }
    put(plan, slots, 0, payload, table.how, table.lost, report);
    Ok(())
}

/// The digest that closes the source.
struct Claimed {
    chunk: Chunk,
    trust: Trust,
}

/// Takes VERI out of the plan, and drops others: wherever it stood, the output's is its last chunk.
fn claim_veri(plan: &mut Plan<'_>, report: &mut Report) -> Option<Claimed> {
    let mut chunks = plan.container.index().with_tag(Tag::VERI);
    let chunk = chunks.next().or_else(|| nearly_veri(plan))?;
    for later in chunks {
        let lost = plan.payload(&later) != plan.payload(&chunk);
        plan.drop(&later, Reason::Duplicate, lost, report);
    }
    let trust = plan.trust(&chunk);
    plan.take_closing(&chunk);
    Some(Claimed { chunk, trust })
}

/// Bytes were lost, and the digest shows that none of them belonged to a chunk: it is that of all chunks there are, or
/// it is one of their payloads and right.
fn is_proven(plan: &Plan<'_>, audit: &Audit, veri: Option<&Claimed>, task: &Task) -> Result<bool, SalvageError> {
    let container = plan.container;
    let index = container.index();
    let begins = |offset: u64| index.at_offset(offset).is_some_and(|chunk| chunk.offset == offset);
    let damaged = |chunk: &Chunk| matches!(chunk.state, State::CrcMismatch | State::Truncated);
    let between = container.walked().losses.iter().all(|loss| !begins(loss.offset));
    if container.walked().losses.is_empty() || !between || !plan.moves_nothing() || index.iter().any(|c| damaged(&c)) {
        return Ok(false);
    }
    let Some(Claimed { chunk, trust }) = veri else { return Ok(false) };
    let verification = &audit.verification;
    if verification.status == Status::Verified
        && matches!(verification.coverage, Some(Coverage::Payloads | Coverage::AllPayloads))
    {
        return Ok(true);
    }
    if chunk.index + 1 != index.len() || matches!(trust, Trust::Damaged(_)) || chunk.len != 32 {
        return Ok(false);
    }
    Ok(digest(plan, task)?.as_slice() == &*plan.payload(chunk))
}

/// VERI as it was where nothing it covers has changed, else the digest of what is written.
fn close(plan: &Plan<'_>, audit: &Audit, veri: Option<Claimed>, report: &mut Report) -> Closing {
    let Some(Claimed { chunk, trust }) = veri else {
        return Closing::Digest { replaces: None, disproved: false };
    };
    let container = plan.container;
    let last = chunk.index + 1 == container.index().len();
    let status = audit.verification.status;
    let holds = matches!(status, Status::Verified | Status::Unsupported) || plan.mends_flips();
    let damaged = matches!(trust, Trust::Damaged(_));
    if plan.is_whole() && last && holds && !damaged {
        match trust {
            Trust::Mended(mend) => {
                report.mended.push(Mended { tag: chunk.tag, offset: chunk.offset, block: None, mend })
            }
            Trust::Whole | Trust::Damaged(_) => report.keep(Tag::VERI),
        }
        return Closing::Veri(plan.payload(&chunk).into_owned());
    }
    Closing::Digest { replaces: Some(chunk), disproved: !damaged && !plan.is_proven && status == Status::Mismatch }
}

/// A last chunk that is VERI but for one bit of its tag: kept under that, it would be taken for the digest of all before
/// it once other damage is mended.
fn nearly_veri(plan: &Plan<'_>) -> Option<Chunk> {
    let index = plan.container.index();
    let chunk = index.chunk(index.len().checked_sub(1)?)?;
    (chunk.tag.distance(Tag::VERI) == 1 && chunk.len == 32 && plan.container.is_intact(&chunk)).then_some(chunk)
}
