//! Verifies a file against its VERI, without the rest of an audit.

use super::{integrity, outline, repair};
use crate::container::Container;
use crate::finding::Code;
use crate::task::{Cancelled, Task};
use crate::veri::{Status, Verification};

/// Findings that mean a chunk isn't as it was written.
const DAMAGE: [Code; 6] = [
    Code::ChunkTruncated,
    Code::ChunkCrcMismatch,
    Code::ChunkLengthRepaired,
    Code::ChunkTagRepaired,
    Code::RegionSkipped,
    Code::ContainerCrcMissing,
];

/// The answer.
#[derive(Debug)]
#[non_exhaustive]
pub struct Verified {
    /// The outcome, the same as an audit's.
    pub verification: Verification,
    /// The digest in VERI matches; without VERI, every CRC does.
    pub valid: bool,
    /// Without VERI: the number of faults found in chunks and CRCs.
    pub faults: Option<u64>,
    /// The container with every CRC recomputed, where that had to be done.
    pub checked: Option<Container>,
}

/// Recomputes VERI; where there is none, every CRC. What doesn't verify as the headers show it is read again with all CRCs
/// and repairs: a length may hide chunks, and a tag may be one bit off.
pub fn verify(container: &Container, task: &Task) -> Result<Verified, Cancelled> {
    let mut verification = container.recompute_veri(task)?;
    let mut checked = None;
    let is_sure = container.is_checked() && !repair::has_alternatives(container);
    if verification.status != Status::Verified && !is_sure {
        let again = container.checked(task)?;
        verification = again.recompute_veri(task)?;
        checked = Some(again);
    }
    let is_absent = verification.status == Status::Absent;
    let faults = is_absent.then(|| faults(checked.as_ref().unwrap_or(container)));
    let valid = verification.status == Status::Verified || faults == Some(0);
    Ok(Verified { verification, valid, faults, checked })
}

/// Counts the faults in chunks and CRCs.
fn faults(container: &Container) -> u64 {
    let found = outline(container);
    let closing = u64::from(integrity::wrong_closing(container).is_some());
    DAMAGE.iter().fold(closing, |sum, code| sum.saturating_add(found.count(*code)))
}
