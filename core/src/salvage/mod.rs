//! A new valid container from what is intact in a damaged one.
//!
//! What a CRC proves is kept, under its true length and tag where those were repaired; what it disproves is dropped, or
//! mended where that is asked for and the digest over the whole confirms the repair. The output holds chunks in the
//! order of the source. What depends on the others is made anew: SEEK, track tables, VERI, and sidecars every container
//! must have. A container without a fault comes out byte for byte.
//!
//! What would make the output fail an audit though its CRC is right is not kept either: run lengths that end inside a
//! pair, mux blocks without a track, sidecars that are no JSON object.
//!
//! The index is part of some blocks' content. Messages of the Living Cipher authenticate it and carry the digest of all
//! messages before them, and the key of a mask is made from it: once a block is lost, what follows it is refused by every
//! reader, or unmasked into noise without a word. Such blocks are kept up to the first loss, and the report says where the
//! others can still be read. With [`Settings::placeholders`], an empty block takes the place of each lost one whose number
//! is known, and all others stay what they were.

mod index_binding;
mod mux;
mod note;
mod numbering;
mod plan;
mod report;
mod seek;
mod sibling;
mod sidecars;
mod tracks;
mod transport;
mod write;

use std::collections::HashMap;
use std::io::{self, Write};

pub use note::{Note, Way};
pub use report::{Dropped, Mend, Mended, Missing, Reason, Rebuilt, Report};
pub use sibling::{Sibling, SiblingError};

use super::audit::Audit;
use super::layout::Layout;
use super::pack::PackError;
use super::task::{Cancelled, Task};
use crate::capped::Capped;
use plan::{OutputChunk, Plan};

/// What is done about damage.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings<'s> {
    /// Flipped bits are mended where they are confirmed.
    pub repair: bool,
    /// An empty block is written for each lost one whose number is known: a CORE chunk without payload; in the mux layout
    /// with nothing but its H4TB header, where its track and time are known.
    pub placeholders: bool,
    /// Where META and SAFE are taken from if they are lost.
    pub sibling: Option<&'s Sibling>,
}

/// Why there is no output, or only a part of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SalvageError {
    /// META or SAFE can't be taken from the sibling.
    #[error(transparent)]
    Sibling(#[from] SiblingError),
    /// The source isn't a container.
    #[error("{0}")]
    Unreadable(String),
    /// No chunk can be relied on.
    #[error("there is no intact chunk to save")]
    Nothing,
    /// The source changed since it was audited.
    #[error("{0}: what was written can't be relied on")]
    Changed(String),
    /// The output could not be written.
    #[error("can't write the container: {0}")]
    Write(#[from] io::Error),
    /// A chunk that was made anew does not fit one.
    #[error(transparent)]
    TooLarge(PackError),
    /// The job was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl From<PackError> for SalvageError {
    fn from(error: PackError) -> Self {
        match error {
            PackError::Write(error) => Self::Write(error),
            PackError::Cancelled(cancelled) => Self::Cancelled(cancelled),
            other => Self::TooLarge(other),
        }
    }
}

/// Writes what is intact in an audited container to `out`, front to back. Memory is bounded by the damage and by one mended
/// chunk; for encrypted blocks with placeholders, and where SEEK is made anew, a few bytes a block. Writes are small: give
/// a buffered `out`.
///
/// On an error, what was written so far isn't a container.
pub fn salvage(
    audit: &Audit,
    settings: &Settings<'_>,
    out: &mut dyn Write,
    task: &Task,
) -> Result<Report, SalvageError> {
    let Some(container) = audit.container.as_deref() else {
        let why = audit.findings.list().first().map_or_else(String::new, |finding| finding.message.clone());
        return Err(SalvageError::Unreadable(why));
    };
    task.set_total(container.source().len());
    let mut report = empty_report(audit, container.layout());
    let adopting = sibling::adopt(audit, container, settings, &mut report)?;
    let container = adopting.container.as_ref().unwrap_or(container);
    let mut plan = Plan::new(container, audit, settings);
    let located = audit.findings.list().iter().filter(|finding| finding.flip.is_some()).count();
    if settings.repair && located > 0 && !plan.mends_flips() {
        let note = "flipped bits were located but not mended: VERI does not verify with them flipped back";
        report.notes.push(note.into());
    }
    if plan.could_mend_flips() {
        report.notes.push(mendable(audit));
    }
    let closing = match container.layout() {
        Layout::Transport => transport::plan(&mut plan, audit, &adopting, &mut report, task)?,
        Layout::Mux => mux::plan(&mut plan, audit, &adopting, &mut report)?,
    };
    plan.report_regions(&mut report);
    if !plan.parts().any(|part| matches!(part, OutputChunk::Copy(_))) {
        return Err(SalvageError::Nothing);
    }
    report.blocks_after = plan.blocks();
    report.missing = plan.missing();
    let uncertain = plan.first_uncertain();
    report.provisional_from =
        uncertain.and_then(|first| (first..container.index().blocks()).find_map(|block| plan.new_index(block)));
    foresee(&plan, &mut report);
    report.bytes_after = write::write(&plan, closing, &mut report, out, task)?;
    if let Some(why) = plan.contradiction.take().filter(|_| report.nothing_lost()) {
        report.doubt(why);
    }
    match container.source().change() {
        Some(change) => Err(SalvageError::Changed(change.to_string())),
        None => Ok(report),
    }
}

/// What an audit of the output says of its placeholders.
fn foresee(plan: &Plan<'_>, report: &mut Report) {
    let count = report.placeholders.count();
    if count == 0 {
        return;
    }
    let pipeline = plan.container.pipeline();
    let what = if plan.chained || pipeline.cipher.is_some() {
        "an audit of the output reports cipher-header-invalid, an error, for each"
    } else if plan.container.layout() == Layout::Transport
        && matches!(pipeline.engine, super::block::EngineKind::Rle { .. })
        && plan.container.meta().is_some_and(|meta| meta.block_size.is_some())
    {
        "an audit of the output reports block-size-mismatch, a warning, for each"
    } else {
        "an audit of the output does not mention that they are empty"
    };
    let who = if count == 1 {
        "1 placeholder stands for a lost block and holds nothing".to_owned()
    } else {
        format!("{count} placeholders stand for lost blocks and hold nothing")
    };
    let note = format!(
        "{who}: {what}. No seek entry leads there, which the audit may report as seek-gop-mismatch or track-seek-incomplete"
    );
    report.notes.push(note.into());
}

/// Repairs that were not asked for.
fn mendable(audit: &Audit) -> Note {
    let flips = || audit.findings.list().iter().filter(|finding| finding.flip.is_some_and(|flip| flip.confirmed));
    let blocks = flips().filter(|finding| finding.block.is_some()).count();
    let which = match (flips().count(), blocks) {
        (1, 1) => "a block".to_owned(),
        (1, _) => "a chunk".to_owned(),
        (n, blocks) if n == blocks => format!("{n} blocks"),
        (n, _) => format!("{n} chunks"),
    };
    let flips = " flips the bits back, which VERI confirms";
    Note::from(format!("{which} could be mended: ")).way(Way::Repair).then(flips)
}

fn empty_report(audit: &Audit, layout: Layout) -> Report {
    let container = audit.container.as_deref();
    Report {
        layout,
        bytes_before: container.map_or(0, |c| c.source().len()),
        bytes_after: 0,
        blocks_before: container.map_or(0, |c| c.index().blocks()),
        blocks_after: 0,
        kept: Vec::new(),
        mended: Capped::default(),
        dropped: Capped::default(),
        rebuilt: Vec::new(),
        bytes_lost: 0,
        placeholders: Capped::default(),
        missing: Missing { blocks: 0, exact: true },
        provisional_from: None,
        notes: Vec::new(),
        unexplained: false,
        lossless: true,
        kept_at: HashMap::new(),
    }
}
