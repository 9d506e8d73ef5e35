//! Which chunk of a kind that occurs once counts, and what happens to the others.

use super::plan::{Plan, Trust};
use super::report::{Reason, Report};
use crate::audit::Audit;
use crate::finding::Code;
use crate::index::{Chunk, Tag};
use crate::json::Document;
use crate::meta::Meta;

/// Where a sidecar stands, and whether its chunk can be relied on.
#[derive(Debug, Clone, Copy)]
pub(super) enum SidecarState {
    /// A chunk that is kept if what it says can be read.
    Reliable(Chunk),
    /// A chunk whose content is lost.
    Damaged(Chunk),
    /// There is none.
    Missing,
}

impl SidecarState {
    pub(super) fn chunk(&self) -> Option<&Chunk> {
        match self {
            Self::Reliable(chunk) | Self::Damaged(chunk) => Some(chunk),
            Self::Missing => None,
        }
    }

    /// Why what it says is not known.
    pub(super) fn fault(&self) -> &'static str {
        match self {
            Self::Reliable(_) => "it isn't a JSON object",
            Self::Damaged(_) => "it was damaged",
            Self::Missing => "it was missing",
        }
    }
}

/// How reliable a chunk is. The first of the most reliable ones counts.
#[derive(Debug, Clone, Copy)]
enum Worth {
    Damaged(Reason),
    Unreadable,
    Reliable,
}

/// Decides which chunk of a tag counts, and drops the others.
pub(super) fn slot(plan: &mut Plan<'_>, tag: Tag, report: &mut Report) -> SidecarState {
    let index = plan.container.index();
    let several = index.with_tag(tag).nth(1).is_some();
    let mut best: Option<(Chunk, Trust, Worth)> = None;
    for chunk in index.with_tag(tag) {
        let trust = plan.trust(&chunk);
        let worth = match trust {
            Trust::Damaged(reason) => Worth::Damaged(reason),
            Trust::Whole | Trust::Mended(_) if several && !reads(tag, &plan.payload(&chunk)) => Worth::Unreadable,
            Trust::Whole | Trust::Mended(_) => Worth::Reliable,
        };
        let Some((first, _, before)) = best else {
            best = Some((chunk, trust, worth));
            continue;
        };
        let (dropped, reason, lost) = match (before, worth) {
            (Worth::Damaged(reason), Worth::Unreadable | Worth::Reliable) => (first, reason, is_content(tag)),
            (Worth::Unreadable, Worth::Reliable) => (first, Reason::NotJson, is_content(tag)),
            (_, Worth::Damaged(reason)) => (chunk, reason, is_content(tag)),
            _ => (chunk, Reason::Duplicate, plan.payload(&chunk) != plan.payload(&first)),
        };
        plan.drop(&dropped, reason, lost, report);
        if dropped == first {
            best = Some((chunk, trust, worth));
        }
    }
    match best {
        None => SidecarState::Missing,
        Some((chunk, Trust::Damaged(_), _)) => SidecarState::Damaged(chunk),
        Some((chunk, trust, _)) => {
            if let Trust::Mended(mend) = trust {
                plan.mend(&chunk, mend, report);
            }
            SidecarState::Reliable(chunk)
        }
    }
}

/// A sidecar that is kept if it can be read, and that nobody misses. The chunk that is dropped, if it can't.
pub(super) fn object(plan: &mut Plan<'_>, tag: Tag, report: &mut Report) -> Option<Chunk> {
    let (chunk, reason) = match slot(plan, tag, report) {
        SidecarState::Missing => return None,
        SidecarState::Damaged(chunk) => (chunk, damage(plan, &chunk)),
        SidecarState::Reliable(chunk) => {
            if reads(tag, &plan.payload(&chunk)) {
                return None;
            }
            (chunk, Reason::NotJson)
        }
    };
    plan.drop(&chunk, reason, true, report);
    Some(chunk)
}

fn damage(plan: &mut Plan<'_>, chunk: &Chunk) -> Reason {
    match plan.trust(chunk) {
        Trust::Damaged(reason) => reason,
        Trust::Whole | Trust::Mended(_) => Reason::CrcMismatch,
    }
}

/// Whether a sidecar that must be a JSON object is one. META may have the older binary form.
pub(super) fn reads(tag: Tag, payload: &[u8]) -> bool {
    match tag {
        Tag::META => is_meta(&Meta::parse(payload)),
        Tag::SAFE | Tag::TRAK => is_object(&Document::parse(payload)),
        _ => true,
    }
}

pub(super) fn is_meta(meta: &Meta) -> bool {
    meta.binary.is_some() || is_object(&meta.document)
}

/// JSON that is an object, or may be one too deep to tell.
pub(super) fn is_object(document: &Document) -> bool {
    document.object().is_some() || document.error.as_ref().is_some_and(|error| error.beyond_limit)
}

/// What is lost with such a chunk can't be made anew from others. A second SEEK may have said something else.
fn is_content(tag: Tag) -> bool {
    tag != Tag::VERI
}

/// Copies, mends or drops all chunks of the tags for which `decided` is false: what they say is not looked into.
pub(super) fn others(plan: &mut Plan<'_>, decided: impl Fn(Tag) -> bool, report: &mut Report) {
    let index = plan.container.index();
    for chunk in index.totals().iter().filter(|total| !decided(total.tag)).flat_map(|total| index.of_total(total)) {
        if plan.is_closing(&chunk) {
            continue;
        }
        match plan.trust(&chunk) {
            Trust::Damaged(reason) => plan.drop(&chunk, reason, true, report),
            Trust::Mended(mend) => plan.mend(&chunk, mend, report),
            Trust::Whole if !chunk.tag.is_printable() && follows_empty(plan, &chunk) => {
                plan.drop(&chunk, Reason::Tag, true, report);
            }
            Trust::Whole => {}
        }
    }
}

/// How many dropped chunks are passed over to find the one before.
const MOST_DROPPED: usize = 16;

/// The chunk before it in the output has no payload: its CRC is then 0 and shows nothing, so that only what follows it tells
/// it from damage.
fn follows_empty(plan: &Plan<'_>, chunk: &Chunk) -> bool {
    let index = plan.container.index();
    let mut before = (0..chunk.index).rev().take(MOST_DROPPED).filter_map(|at| index.chunk(at));
    let before = before.find(|before| plan.keeps(before));
    before.is_some_and(|before| before.len == 0)
}

/// The closing CRC is there and right: the container is what its writer closed.
pub(super) fn is_closed(audit: &Audit) -> bool {
    let wrong = [Code::ContainerCrcMismatch, Code::ContainerCrcMissing];
    let walked = audit.container.as_deref().map(|container| container.walked());
    walked.is_some_and(|walked| walked.closing_crc.is_some() && walked.losses.is_empty())
        && wrong.iter().all(|code| audit.findings.count(*code) == 0)
}
