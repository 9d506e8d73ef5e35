//! Repairs that CRCs point to and a digest confirms: flipped bits, wrong lengths, tags one bit off. They are located
//! and read through an [`Overlay`]; the file itself is never touched.

use super::Report;
use crate::container::Container;
use crate::finding::{Code, Flip};
use crate::flip::{self, FlippedBit};
use crate::hash::{Algorithm, Overlay};
use crate::index::{Chunk, State, Tag};
use crate::layout::{CHUNK_HEADER_LEN, Layout};
use crate::task::{Cancelled, Task};
use crate::veri::{self, Coverage, CoveredPart};

/// How many damaged chunks are looked at; with more, no single bits are to blame.
const MOST_DAMAGED: u64 = 10_000;
/// How many tags are tried to restore.
const MOST_TAGS: usize = 16;

/// What could be mended.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    /// The flipped bit of each chunk that one explains, by ordinal.
    pub(super) flips: Vec<(u64, Flip)>,
    /// Tags were restored.
    pub(super) retagged: bool,
    /// What confirms repairs, if anything does.
    pub(super) proof: Option<Proof>,
    overlay: Overlay,
}

impl Repairs {
    /// Adds what was located to the findings of the walk.
    pub(super) fn note(&self, report: &mut Report<'_>) {
        let index = report.container.index();
        let bytes = report.container.bytes();
        for finding in report.findings.list_mut() {
            let Some(chunk) = finding.chunk.and_then(|chunk| index.chunk(chunk)) else { continue };
            let flip =
                self.flips.iter().find(|(index, _)| finding.code == Code::ChunkCrcMismatch && *index == chunk.index);
            let Some((_, flip)) = flip else { continue };
            let certainty = if flip.confirmed { "confirmed by VERI" } else { "not confirmed" };
            finding.message += &format!("; bit {} of the byte at {} is flipped ({certainty})", flip.bit, flip.offset);
            (finding.flip, finding.focus) = (Some(*flip), Some(flip.offset..flip.offset + 1));
            let byte = bytes.get(flip.offset);
            finding.expected = byte.map(|byte| (byte ^ (1 << flip.bit)).into());
        }
    }
}

/// Which tags are tried to restore, where several chunks have one that is a bit from a known one. Each try costs a digest of
/// the whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tries {
    /// All of them together: enough for commands that mostly read headers.
    Together,
    /// All of them together, then each alone.
    Each,
}

/// A container of which every CRC was recomputed, with the tags that VERI proves. Flipped payload bits are left as they are
/// stored; only an audit reports them.
pub(crate) fn restored(container: Container, tries: Tries, task: &Task) -> Result<Container, Cancelled> {
    if !container.is_checked() || restorable(&container, tries).is_empty() {
        return Ok(container);
    }
    let (container, repairs) = repair(container, tries, task)?;
    Ok(if repairs.proof.is_some() { container.without_mends() } else { container })
}

/// Whether [`Tries::Each`] tries more than [`Tries::Together`] does.
pub(crate) fn has_alternatives(container: &Container) -> bool {
    restorable(container, Tries::Each).len() > 1
}

/// Locates repairs, and confirms them where the digest over the whole comes out right with all of them made. The
/// container comes back with confirmed ones taken into account.
pub(super) fn repair(container: Container, tries: Tries, task: &Task) -> Result<(Container, Repairs), Cancelled> {
    let mut repairs = Repairs::default();
    let index = container.index();
    let damaged = container.walked().findings.count(Code::ChunkCrcMismatch);
    let mended = container.walked().findings.count(Code::ChunkLengthRepaired);
    if damaged + mended > 0 && damaged <= MOST_DAMAGED {
        for chunk in index.iter() {
            match chunk.state {
                State::CrcMismatch => {
                    if let Some(flip) = locate(&container, &chunk) {
                        repairs.overlay.set(flip.offset, flip.before());
                        repairs.flips.push((chunk.index, flip));
                    }
                }
                State::LengthRepaired => {
                    let (offset, field) = container.layout().length_field(chunk.offset, chunk.len);
                    repairs.overlay.set_all(offset, &field);
                }
                _ => {}
            }
        }
    }
    let sets = restorable(&container, tries);
    if repairs.overlay.is_empty() && sets.is_empty() {
        return Ok((container, repairs));
    }
    // Where the digest is right without it, an unknown tag is what its writer meant.
    if let (Some(coverage), _) = verifies(&container, &repairs.overlay, &[], task)? {
        return confirmed(container, repairs, coverage, task);
    }
    for mut tags in sets {
        if verifies(&container, &repairs.overlay, &tags, task)?.0.is_none() {
            continue;
        }
        // Of several, those count without which it fails: a digest need not cover all of them.
        let mut at = 0;
        while tags.len() > 1 && at < tags.len() {
            let one = tags.remove(at);
            if verifies(&container, &repairs.overlay, &tags, task)?.0.is_none() {
                tags.insert(at, one);
                at += 1;
            }
        }
        let (Some(coverage), retagged) = verifies(&container, &repairs.overlay, &tags, task)? else { continue };
        tags.iter().for_each(|(chunk, tag)| repairs.overlay.set_all(chunk.offset, &tag.0));
        repairs.retagged = true;
        return confirmed(retagged, repairs, coverage, task);
    }
    Ok((container, repairs))
}

/// The coverage under which VERI verifies with all repairs made and these tags restored, and the container that has them.
fn verifies(
    container: &Container,
    overlay: &Overlay,
    tags: &[(Chunk, Tag)],
    task: &Task,
) -> Result<(Option<Coverage>, Container), Cancelled> {
    let mut overlay = overlay.clone();
    tags.iter().for_each(|(chunk, tag)| overlay.set_all(chunk.offset, &tag.0));
    let tags: Vec<_> = tags.iter().map(|(chunk, tag)| (chunk.index, *tag)).collect();
    let retagged = container.retagged(&tags);
    let verification = veri::verify_through(&retagged, &overlay, None, task)?;
    Ok((verification.coverage, retagged))
}

/// A digest of that coverage came out right with all repairs made, and so confirms those that it covers. (A mux
/// container's closing CRC confirms nothing: it is the chunk CRC's polynomial again, and agrees with every wrong guess.)
#[derive(Debug, Clone)]
pub(crate) struct Proof {
    coverage: Coverage,
    /// It doesn't come out right without the repair of VERI's own payload.
    of_veri: bool,
}

impl Proof {
    /// Whether it proves the byte of a chunk at that file offset. Where a digest proves all that the CRC covers, it proves
    /// that the stored CRC is what was hit.
    pub(crate) fn covers(&self, container: &Container, chunk: &Chunk, offset: u64) -> bool {
        let layout = container.layout();
        let crc = layout == Layout::Transport && layout.crc_field(chunk.offset, chunk.len).contains(&offset);
        let payload = chunk.payload_offset..chunk.payload_offset + chunk.len;
        let content = match self.coverage {
            Coverage::Blocks | Coverage::TrackBlocks(_) | Coverage::DecodedBlocks => {
                container.routed(chunk).map(|(_, content)| content)
            }
            _ => None,
        };
        let covered = content.unwrap_or(payload).contains(&offset);
        match self.coverage.part_of(container, chunk) {
            CoveredPart::Whole => true,
            CoveredPart::Content => crc || covered,
            CoveredPart::Nothing => chunk.tag == Tag::VERI && self.of_veri && (crc || covered),
        }
    }
}

/// Repairs are confirmed where what came out right covers them.
fn confirmed(
    mut container: Container,
    mut repairs: Repairs,
    coverage: Coverage,
    task: &Task,
) -> Result<(Container, Repairs), Cancelled> {
    let proof = Proof { of_veri: needs_mended_veri(&container, &repairs, task)?, coverage };
    for (index, flip) in &mut repairs.flips {
        let chunk = container.index().chunk(*index);
        flip.confirmed = chunk.is_some_and(|chunk| proof.covers(&container, &chunk, flip.offset));
    }
    container.mend(&repairs.overlay, |container, chunk| proof.covers(container, chunk, chunk.payload_offset));
    repairs.proof = Some(proof);
    Ok((container, repairs))
}

/// Whether VERI's payload is damaged, and the digest wrong as it stands. A bit elsewhere in its JSON proves nothing.
fn needs_mended_veri(container: &Container, repairs: &Repairs, task: &Task) -> Result<bool, Cancelled> {
    let damaged = container.index().first(Tag::VERI).filter(|veri| veri.state == State::CrcMismatch);
    let Some(veri) = damaged else { return Ok(false) };
    let payload = veri.payload_offset..veri.payload_offset + veri.len;
    let others = repairs.overlay.without(payload);
    // Where its CRC field was hit, the digest is right as it stands, and is all there is.
    let raw = veri.len == Algorithm::Sha256.digest_len() as u64;
    Ok(raw || veri::verify_through(container, &others, None, task)?.coverage.is_none())
}

/// The flipped bit that explains a chunk's CRC.
pub(crate) fn locate(container: &Container, chunk: &Chunk) -> Option<Flip> {
    let layout = container.layout();
    let (stored, computed) = (container.stored_crc(chunk)?, container.computed_crc(chunk)?);
    let covered = layout.covered_len(chunk.len);
    let (offset, bit) = match flip::locate(stored, computed, covered)? {
        FlippedBit::Crc { bit } => layout.crc_bit(chunk.offset, chunk.len, bit),
        FlippedBit::Covered { byte, bit } => (chunk.payload_offset + chunk.len - covered + byte, bit),
    };
    let (length, field) = layout.length_field(chunk.offset, chunk.len);
    let header = chunk.offset..chunk.offset + CHUNK_HEADER_LEN;
    if header.contains(&offset) && (length..length + field.len() as u64).contains(&offset) {
        return None;
    }
    let byte = container.bytes().get(offset)?;
    Some(Flip { offset, byte, bit, confirmed: false, chance: flip::chance(covered) })
}

/// Chunks whose tag is one bit from a known one, with that tag, in the sets that are tried. Only where no CRC covers tags.
fn restorable(container: &Container, tries: Tries) -> Vec<Vec<(Chunk, Tag)>> {
    if container.layout() != Layout::Transport {
        return Vec::new();
    }
    let index = container.index();
    let odd = index.totals().iter().filter(|total| total.tag.neighbours().next().is_some());
    let all: Vec<(Chunk, Tag)> = odd
        .flat_map(|total| index.of_total(total))
        .flat_map(|chunk| chunk.tag.neighbours().map(move |tag| (chunk, tag)))
        .take(MOST_TAGS + 1)
        .collect();
    match all.len() {
        0 => Vec::new(),
        n if n > MOST_TAGS => Vec::new(),
        n if n == 1 || tries == Tries::Together => vec![all],
        _ => std::iter::once(all.clone()).chain(all.into_iter().map(|one| vec![one])).collect(),
    }
}
