//! Which chunk of a kind that occurs once counts, and what happens to the others.

use super::plan::{Plan, Trust};
use super::report::{Reason, Report};
use crate::core::index::{Chunk, Tag};
use crate::core::json::Document;
use crate::core::meta::Meta;

/// Where a sidecar stands, and whether its chunk can be relied on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Slot {
    /// A chunk that is kept if what it says can be read.
    Reliable(Chunk),
    /// A chunk whose content is lost.
    Damaged(Chunk),
    /// There is none.
    Missing,
}

impl Slot {
    pub(super) fn chunk(&self) -> Option<&Chunk> {
        match self {
            Self::Reliable(chunk) | Self::Damaged(chunk) => Some(chunk),
            Self::Missing => None,
        }
    }

    /// Why what it says is not known.
    pub(super) fn fault(&self) -> &'static str {
        match self {
            Self::Reliable(_) => "it is no JSON object",
            Self::Damaged(_) => "it is damaged",
            Self::Missing => "there is none",
        }
    }
}

/// Decides which chunk of a tag counts, and drops the others.
pub(super) fn slot(plan: &mut Plan<'_>, tag: Tag, report: &mut Report) -> Slot {
    let mut slot = Slot::Missing;
    let index = plan.container.index();
    for chunk in index.with_tag(tag) {
        match (plan.trust(&chunk), slot) {
            (Trust::Damaged(_), Slot::Missing) => slot = Slot::Damaged(chunk),
            (Trust::Damaged(reason), _) => plan.drop(&chunk, reason, is_content(tag), report),
            (trust, Slot::Missing | Slot::Damaged(_)) => {
                if let Slot::Damaged(before) = slot {
                    let reason = damage(plan, &before);
                    plan.drop(&before, reason, is_content(tag), report);
                }
                if let Trust::Mended(mend) = trust {
                    plan.mend(&chunk, mend, report);
                }
                slot = Slot::Reliable(chunk);
            }
            (_, Slot::Reliable(first)) => {
                let lost = plan.payload(&chunk) != plan.payload(&first);
                plan.drop(&chunk, Reason::Duplicate, lost, report);
            }
        }
    }
    slot
}

/// A sidecar that is kept if it can be read, and that nobody misses. The chunk that is dropped, if it can't.
pub(super) fn object(plan: &mut Plan<'_>, tag: Tag, report: &mut Report) -> Option<Chunk> {
    let (chunk, reason) = match slot(plan, tag, report) {
        Slot::Missing => return None,
        Slot::Damaged(chunk) => (chunk, damage(plan, &chunk)),
        Slot::Reliable(chunk) => {
            let payload = plan.payload(&chunk);
            let binary = tag == Tag::META && Meta::parse(&payload).binary.is_some();
            if binary || is_object(&Document::parse(&payload)) {
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
