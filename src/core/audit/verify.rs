//! Whether a file is what its VERI says, for whoever asks for that alone.

use super::{integrity, outline};
use crate::core::container::Container;
use crate::core::finding::Code;
use crate::core::task::{Cancelled, Task};
use crate::core::veri::{Status, Verification};

/// Findings that mean that a chunk is not there as it was written.
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
pub struct Verified {
    /// The outcome, the same as an audit's.
    pub verification: Verification,
    /// VERI was recomputed and is right; or there is none, and every CRC is right.
    pub valid: bool,
    /// The container with every CRC recomputed, where that had to be done.
    pub checked: Option<Container>,
}

/// Recomputes VERI; where there is none, every CRC. What doesn't verify as the headers show it is read again with all CRCs
/// and repairs: a length may hide chunks, and a tag may be one bit off.
pub fn verify(container: &Container, task: &Task) -> Result<Verified, Cancelled> {
    let mut verification = container.verify(task)?;
    let mut checked = None;
    if verification.status != Status::Verified && !container.is_checked() {
        let again = container.checked(task)?;
        verification = again.verify(task)?;
        checked = Some(again);
    }
    let valid = match verification.status {
        Status::Verified => true,
        Status::Absent => {
            let container = checked.as_ref().unwrap_or(container);
            let faults = faults(container);
            verification.info += &match faults {
                0 => format!("; the CRCs of all {} chunks are right", container.index().len()),
                1 => "; 1 fault among its chunks, which an audit names".to_owned(),
                n => format!("; {n} faults among its chunks, which an audit names"),
            };
            faults == 0
        }
        Status::Mismatch | Status::Malformed | Status::Unsupported | Status::Unchecked => false,
    };
    Ok(Verified { verification, valid, checked })
}

/// How many chunks and CRCs are not as they were written.
fn faults(container: &Container) -> u64 {
    let found = outline(container);
    let closing = integrity::wrong_closing(container).map_or(0, |_| 1);
    DAMAGE.iter().fold(closing, |sum, code| sum.saturating_add(found.count(*code)))
}
