//! The plan for a transport container: blocks, the sidecars every container must have, and VERI last.

use super::SalvageError;
use super::bond::{Bond, LeftOut};
use super::plan::{New, Place, Plan, Trust};
use super::report::{Mended, Reason, Report};
use super::seek::{self, Outcome};
use super::slot::{Slot, is_object, object, others, slot};
use super::tracks;
use super::write::Closing;
use crate::core::audit::Audit;
use crate::core::block::Pipeline;
use crate::core::codec::{cipher, rle};
use crate::core::container::Container;
use crate::core::index::{Chunk, Tag};
use crate::core::json::Document;
use crate::core::meta::Meta;
use crate::core::task::{Cancelled, Task};
use crate::core::veri::Status;

/// The sidecars, in the order in which the reference writer writes them after the blocks.
const SIDECARS: [Tag; 3] = [Tag::SEEK, Tag::META, Tag::SAFE];
/// What every message of the reference cipher begins with.
const CIPHER_MAGIC: &[u8] = b"H4LC3";
/// The reference compressor takes only multiples of this.
const BLOCK_GRAIN: u64 = 256;

pub(super) fn plan(
    plan: &mut Plan<'_>,
    audit: &Audit,
    report: &mut Report,
    task: &Task,
) -> Result<Closing, SalvageError> {
    let [seek, meta, safe] = SIDECARS.map(|tag| slot(plan, tag, report));
    let slots = [seek, meta, safe];
    let parsed = match &meta {
        Slot::Reliable(chunk) => Some(Meta::parse(&plan.payload(chunk))),
        _ => None,
    };
    let readable = parsed.filter(|meta| meta.binary.is_some() || is_object(&meta.document));
    if let Some(meta) = &readable {
        let original = original_blocks(plan.container, meta);
        plan.numbering.settle(plan.container.index().blocks(), original);
    }
    // META that is longer than what is read is kept, but says nothing.
    let said = readable.as_ref().filter(|meta| meta.binary.is_some() || meta.document.object().is_some());
    blocks(plan, audit, said, report, task)?;
    object(plan, Tag::TRAK, report);
    let decided = |tag: Tag| [Tag::CORE, Tag::VERI, Tag::TRAK].contains(&tag) || SIDECARS.contains(&tag);
    others(plan, decided, report);
    if readable.is_none() {
        let payload = evident_meta(plan, task)?;
        let how = format!("{}; written as {}", meta.fault(), String::from_utf8_lossy(&payload));
        put(plan, &slots, 1, payload, how, true, report);
        if plan.blocks() > 0 && !plan.chained {
            report
                .notes
                .push("META alone says whether blocks are masked: if they were, they now decode to noise".to_owned());
        }
    }
    if let (Some(parsed), Slot::Reliable(chunk)) = (&readable, &meta)
        && let Some(tables) = tracks::rebuild(plan, chunk, parsed)
    {
        put(plan, &slots, 1, tables.meta, tables.how, tables.lost, report);
    }
    let unreadable = |chunk: &Chunk| !is_object(&Document::parse(&plan.payload(chunk)));
    if !matches!(&safe, Slot::Reliable(chunk) if !unreadable(chunk)) {
        put(plan, &slots, 2, b"{}".to_vec(), format!("{}; written as {{}}", safe.fault()), true, report);
    }
    // Without what META says nobody knows what a SEEK that nothing has moved is about.
    let is_unread = readable.is_some() && said.is_none() && matches!(slots, [Slot::Reliable(_), ..]);
    if !(is_unread && plan.is_whole()) {
        seek_table(plan, &slots, readable.as_ref(), report, task)?;
    }
    let header = plan.container.header();
    if header.version != 1 || header.reserved != 0 {
        report.notes.push("the file header is written with version 1 and nothing reserved set".to_owned());
    }
    Ok(veri(plan, audit, report))
}

/// How many blocks there were, where something but the blocks' order tells: the older binary META, the index of tracks,
/// or the counter of the last encrypted block.
fn original_blocks(container: &Container, meta: &Meta) -> Option<u64> {
    if let Some(binary) = meta.binary {
        return Some(u64::from(binary.frame_count));
    }
    let counted = || {
        let last = container.index().block(container.index().blocks().checked_sub(1)?)?;
        let whole = Pipeline::of(Some(meta)).is_living_cipher() && container.is_intact(&last);
        let (header, _) = cipher::Header::parse(container.payload(&last)).ok().filter(|_| whole)?;
        header.counter.checked_add(1)
    };
    tracks::blocks_indexed(meta).or_else(counted)
}

/// Decides on each block.
fn blocks(
    plan: &mut Plan<'_>,
    audit: &Audit,
    meta: Option<&Meta>,
    report: &mut Report,
    task: &Task,
) -> Result<(), Cancelled> {
    let pairs = meta.is_some_and(|meta| Pipeline::of(Some(meta)).is_plain_rle());
    let half_a_pair = |chunk: &Chunk| pairs && chunk.len % 2 == 1;
    let container = plan.container;
    let mut bond = Bond::of(plan, audit, meta, |chunk| !half_a_pair(chunk));
    plan.chained = matches!(bond, Bond::Chained(_));
    let mut left_out = LeftOut::default();
    for chunk in container.index().with_tag(Tag::CORE) {
        task.check()?;
        let trust = plan.trust(&chunk);
        let reason = match trust {
            Trust::Damaged(reason) => Some(reason),
            _ if half_a_pair(&chunk) && !plan.chained => Some(Reason::Undecodable),
            _ => bond.refuses(plan, &chunk),
        };
        match (reason, trust) {
            (Some(reason), _) => {
                left_out.count(plan, reason, &chunk);
                plan.drop(&chunk, reason, true, report);
            }
            (None, Trust::Mended(mend)) => plan.mend(&chunk, mend, report),
            (None, _) => {}
        }
    }
    report.notes.extend(left_out.notes(plan));
    Ok(())
}

/// Writes a new payload for a sidecar: in the place of its chunk, or before the sidecar that normally follows it.
fn put(
    plan: &mut Plan<'_>,
    slots: &[Slot; 3],
    at: usize,
    payload: Vec<u8>,
    how: String,
    lost: bool,
    report: &mut Report,
) {
    let Some(tag) = SIDECARS.get(at).copied() else { return };
    match slots.get(at).and_then(Slot::chunk) {
        Some(chunk) => plan.replace(chunk, payload, how, lost, report),
        None => plan.insert(before(plan, slots, at), New { tag, payload }, how, report),
    }
}

/// Ordinal of the chunk before which a sidecar that is missing belongs.
fn before(plan: &Plan<'_>, slots: &[Slot; 3], at: usize) -> u64 {
    let following = slots.get(at + 1..).into_iter().flatten().find_map(Slot::chunk);
    following.map_or(plan.container.index().len(), |chunk| chunk.index)
}

/// META where the source's is lost: as little as makes readers treat the blocks as what they evidently are.
fn evident_meta(plan: &Plan<'_>, task: &Task) -> Result<Vec<u8>, Cancelled> {
    let (mut pairs, mut messages) = (true, true);
    for chunk in plan.kept_blocks() {
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
    slots: &[Slot; 3],
    meta: Option<&Meta>,
    report: &mut Report,
    task: &Task,
) -> Result<(), Cancelled> {
    let [slot, ..] = slots;
    let reliable = if let Slot::Reliable(chunk) = slot { Some(*chunk) } else { None };
    let meta = meta.or(plan.container.meta());
    let damaged = matches!(slot, Slot::Damaged(_));
    let Outcome::Anew(table) = seek::rebuild(plan, reliable.as_ref(), damaged, meta) else { return Ok(()) };
    let place = match slot.chunk() {
        Some(chunk) => Place::Of(*chunk),
        None => Place::Before(before(plan, slots, 0)),
    };
    let undo = plan.reserve(&place, Tag::SEEK, table.len());
    let payload = table.payload(plan, meta.and_then(|meta| meta.block_size), task)?;
    let same = reliable.is_some_and(|chunk| *plan.payload(&chunk) == *payload);
    plan.release(&place, undo);
    if same {
        return Ok(());
    }
    put(plan, slots, 0, payload, table.how, table.lost, report);
    Ok(())
}

/// VERI as it was where nothing it covers has changed, else the digest of what is written.
fn veri(plan: &mut Plan<'_>, audit: &Audit, report: &mut Report) -> Closing {
    let container = plan.container;
    let whole = plan.is_whole();
    let mut chunks = container.index().with_tag(Tag::VERI);
    let Some(chunk) = chunks.next().or_else(|| nearly_veri(plan)) else {
        return Closing::Digest { replaces: None, disproved: false };
    };
    for later in chunks {
        plan.drop(&later, Reason::Duplicate, false, report);
    }
    let trust = plan.trust(&chunk);
    plan.supersede(&chunk);
    let last = chunk.index + 1 == container.index().len();
    let status = audit.verification.status;
    let holds = matches!(status, Status::Verified | Status::Unsupported) || plan.mends_flips();
    let damaged = matches!(trust, Trust::Damaged(_));
    if whole && last && holds && !damaged {
        match trust {
            Trust::Mended(mend) => {
                report.mended.push(Mended { tag: chunk.tag, offset: chunk.offset, block: None, mend })
            }
            Trust::Whole | Trust::Damaged(_) => report.keep(Tag::VERI),
        }
        return Closing::Veri(plan.payload(&chunk).into_owned());
    }
    Closing::Digest { replaces: Some(chunk), disproved: whole && !damaged && status == Status::Mismatch }
}

/// A last chunk that is VERI but for one bit of its tag: kept under that, it would be taken for the digest of all before
/// it once other damage is mended.
fn nearly_veri(plan: &Plan<'_>) -> Option<Chunk> {
    let index = plan.container.index();
    let chunk = index.chunk(index.len().checked_sub(1)?)?;
    (chunk.tag.distance(Tag::VERI) == 1 && chunk.len == 32 && plan.copies(&chunk)).then_some(chunk)
}
