//! Every check there is, over one container: what an audit must say, and no fault twice.

mod blocks;
mod integrity;
mod protection;
mod repair;
mod seek;
mod sidecars;
mod structure;
mod tracks;
mod verify;

use std::cell::OnceCell;
use std::sync::Arc;

use super::container::{Container, Loader, Options};
use super::finding::{Code, Finding, Findings, Severity};
use super::hash::{Algorithm, Overlay};
use super::index::{Chunk, Tag};
use super::json::Document;
use super::layout::{HeadError, Layout};
use super::meta::Meta;
use super::source::{Change, Source};
use super::task::{Cancelled, Task};
use super::veri::{self, Status, Verification};
use super::walk::{Depth, Ending, Step};

pub use verify::{Verified, verify};

pub(crate) use repair::{Proof, Tries, has_alternatives, locate as locate_flip, restored};

/// What an audit concludes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Neither errors nor warnings.
    Ok,
    /// Warnings only.
    Suspect,
    /// At least one error.
    Damaged,
    /// Not a container, or not one that can be read.
    Unreadable,
}

impl Verdict {
    /// The name used in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Suspect => "suspect",
            Self::Damaged => "damaged",
            Self::Unreadable => "unreadable",
        }
    }
}

/// The result of an audit.
#[derive(Debug)]
#[non_exhaustive]
pub struct Audit {
    /// What it concludes.
    pub verdict: Verdict,
    /// False when a limit stopped a check.
    pub complete: bool,
    /// What was found, in file order.
    pub findings: Findings,
    /// The outcome of the verification.
    pub verification: Verification,
    /// The container as the audit read it: every CRC checked. `None` if the file isn't a container.
    pub container: Option<Arc<Container>>,
    /// What confirms repairs, if anything does.
    pub(crate) proof: Option<Proof>,
}

/// What the checks of one family see and add to.
struct Report<'a> {
    container: &'a Container,
    verification: &'a Verification,
    /// Tags that chunks with a tag that isn't the format's may have had.
    disguised: OnceCell<Vec<Tag>>,
    altered: OnceCell<bool>,
    findings: Findings,
    complete: bool,
}

impl Report<'_> {
    fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Bytes were lost, or cut off between two chunks: what is missing may have been in them.
    fn has_losses(&self) -> bool {
        let walked = self.container.walked();
        !walked.losses.is_empty() || walked.ending == Ending::NoClosingCrc
    }

    /// Mux: the file ends before its closing CRC, and whatever stood before that may be missing too.
    fn is_cut(&self) -> bool {
        match self.container.walked().ending {
            Ending::NoClosingCrc => true,
            Ending::Trailing(_) | Ending::Appended(_) => self.container.lacks_closing_crc(),
            Ending::Clean | Ending::Damaged | Ending::Limit => false,
        }
    }

    /// Something shows that the bytes are not all those that were written. Reads the file, once, where a closing CRC may
    /// show it.
    fn is_altered(&self) -> bool {
        let container = self.container;
        let closing = || container.lacks_closing_crc() || integrity::wrong_closing(container).is_some();
        let mismatch = self.verification.status == Status::Mismatch;
        *self.altered.get_or_init(|| self.has_losses() || mismatch || closing())
    }

    /// A chunk of that tag may have been here: bytes were lost, or a chunk with a tag that isn't the format's may have
    /// been one.
    fn may_have_lost(&self, tag: Tag) -> bool {
        let look = || {
            let index = self.container.index();
            let unknown = || index.totals().iter().filter(|total| !total.tag.is_known());
            let chunks = || unknown().flat_map(|total| index.of_total(total));
            Tag::KNOWN.into_iter().filter(|tag| chunks().any(|chunk| self.may_have_been(&chunk, *tag))).collect()
        };
        self.has_losses() || self.disguised.get_or_init(look).contains(&tag)
    }

    /// Whether the chunk, whose tag isn't the format's, may have had that one.
    fn may_have_been(&self, chunk: &Chunk, tag: Tag) -> bool {
        if chunk.state.is_damaged() {
            return true;
        }
        // In the mux layout the CRC covers the tag.
        if self.container.layout() == Layout::Mux {
            return false;
        }
        let near = chunk.tag.distance(tag) == 1;
        match self.verification.status {
            Status::Verified | Status::Mismatch if tag == Tag::VERI => false,
            Status::Verified => {
                let coverage = self.verification.coverage.as_ref();
                !coverage.is_some_and(|coverage| coverage.proves_tag(self.container, chunk, tag)) && near
            }
            // The digest disproves something, and the tag may be what it is.
            Status::Mismatch | Status::Unchecked => true,
            Status::Absent | Status::Malformed | Status::Unsupported if tag == Tag::VERI => {
                near && self.looks_like_digest(chunk) && self.has_damage()
            }
            Status::Absent | Status::Malformed | Status::Unsupported => near,
        }
    }

    /// A payload of the shape that VERI has. Had it been VERI of an undamaged file, its digest would match.
    fn looks_like_digest(&self, chunk: &Chunk) -> bool {
        chunk.len == 32 || Document::parse(self.container.payload(chunk)).object().is_some()
    }

    /// Chunks are damaged.
    fn has_damage(&self) -> bool {
        let found = |code| self.container.walked().findings.count(code) > 0;
        self.has_losses() || found(Code::ChunkCrcMismatch) || found(Code::ChunkLengthRepaired)
    }

    /// META can't be read, but there was one: what it said about everything else is not known.
    fn has_lost_meta(&self) -> bool {
        let there = self.container.index().first(Tag::META).is_some();
        let readable = |meta: &Meta| meta.binary.is_some() || meta.document.object().is_some();
        !self.container.meta().is_some_and(readable) && (there || self.may_have_lost(Tag::META))
    }
}

/// How many chunks are walked between looks at the blocks: few enough that their bytes are still in a cache.
const STRIDE: usize = 16;
/// Files of this size and more are hashed on another thread.
const PARALLEL_BYTES: u64 = 1 << 20;

impl Container {
    /// Verifies the file against its VERI, or where it has none every CRC; see [`verify`] for a job that can be cancelled.
    pub fn verify(&self) -> Result<Verified, Cancelled> {
        verify(self, &Task::default())
    }

    /// Audits the file with the same options; see [`audit`] for a job that can be cancelled.
    ///
    /// ```
    /// use h4mk::{Code, Container, Verdict};
    ///
    /// let audit = Container::open("../sample-data/damaged.h4mk")?.audit()?;
    /// assert_eq!(audit.verdict, Verdict::Damaged);
    /// assert!(audit.findings.count(Code::ChunkCrcMismatch) > 0);
    /// # Ok::<(), h4mk::Error>(())
    /// ```
    pub fn audit(&self) -> Result<Audit, Cancelled> {
        audit(self.source(), self.options(), &Task::default())
    }
}

/// Audits a file. Progress counts each byte twice: once for CRCs and block structure, once for the digest.
pub fn audit(source: &Arc<Source>, options: &Options, task: &Task) -> Result<Audit, Cancelled> {
    task.set_total(source.len().saturating_mul(2));
    let mut planned = match Loader::new(source.clone(), options.clone(), Depth::Headers) {
        Ok(loader) => loader,
        Err(error) => return Ok(unreadable(source, &error)),
    };
    while planned.advance(1024) == Step::More {
        task.check()?;
    }
    let planned = planned.finish();
    // Where VERI will be found, unless damage makes the checked walk see other chunks than the plain one.
    let range = planned.layout().file_header_len()..planned.index().first(Tag::VERI).map_or(0, |chunk| chunk.offset);
    let survey = blocks::Survey::new(&planned);
    drop(planned);
    let whole = Overlay::default();
    let digest = || Algorithm::Sha256.digest(source.bytes(), &whole, std::iter::once(range.clone()), task);
    let (checked, digest) = std::thread::scope(|scope| {
        let hashing = (range.end >= PARALLEL_BYTES).then(|| std::thread::Builder::new().spawn_scoped(scope, digest));
        let checked = check(source, options, survey, task);
        match hashing {
            Some(Ok(hashing)) => (checked, hashing.join().unwrap_or(Err(Cancelled))),
            // One after the other, where the file is small or the system allows no more threads.
            Some(Err(_)) | None => (checked, digest()),
        }
    });
    let (container, mut survey) = checked?;
    let digest = digest?;
    let (container, repairs) = repair::repair(container, Tries::Each, task)?;
    if repairs.retagged || !survey.fits(&container) {
        survey = blocks::Survey::new(&container);
        survey.extend(source.bytes(), container.index());
    }
    let same = container.index().first(Tag::VERI).is_some_and(|chunk| chunk.offset == range.end);
    let verification = veri::verify(&container, same.then_some(digest.as_slice()), task)?;
    Ok(conclude(container, survey, &repairs, verification))
}

/// What an open container shows without a look at payloads that the walk did not need: faults of the chain of chunks, and
/// which are missing.
pub fn outline(container: &Container) -> Findings {
    let veri = container.index().first(Tag::VERI);
    let status = if veri.is_some() { Status::Unchecked } else { Status::Absent };
    let verification = Verification::plain(status, "VERI wasn't recomputed");
    let findings = container.walked().findings.clone();
    let mut report = Report {
        container,
        verification: &verification,
        disguised: OnceCell::new(),
        altered: OnceCell::new(),
        findings,
        complete: true,
    };
    structure::check(&mut report);
    report.findings.sort();
    report.findings
}

/// Walks with all CRCs and looks into each block while its bytes are warm.
fn check(
    source: &Arc<Source>,
    options: &Options,
    mut survey: blocks::Survey,
    task: &Task,
) -> Result<(Container, blocks::Survey), Cancelled> {
    let Ok(mut loader) = Loader::new(source.clone(), options.clone(), Depth::Checked) else { return Err(Cancelled) };
    let mut reached = 0;
    loop {
        let step = loader.advance(STRIDE);
        survey.extend(source.bytes(), loader.index());
        let walked = loader.progress().0;
        task.advance(walked.saturating_sub(reached))?;
        reached = walked;
        if step != Step::More {
            return Ok((loader.finish(), survey));
        }
    }
}

fn conclude(
    container: Container,
    survey: blocks::Survey,
    repairs: &repair::Repairs,
    verification: Verification,
) -> Audit {
    let mut report = Report {
        findings: container.walked().findings.clone(),
        complete: container.walked().ending != Ending::Limit && verification.complete,
        container: &container,
        verification: &verification,
        disguised: OnceCell::new(),
        altered: OnceCell::new(),
    };
    repairs.note(&mut report);
    structure::check(&mut report);
    sidecars::check(&mut report);
    blocks::check(&mut report, survey);
    seek::check(&mut report);
    tracks::check(&mut report);
    integrity::check(&mut report);
    let Report { mut findings, mut complete, .. } = report;
    complete &= changed(container.source(), container.options().growing, &mut findings);
    findings.sort();
    let verdict = match findings.worst() {
        Some(Severity::Error) => Verdict::Damaged,
        Some(Severity::Warning) => Verdict::Suspect,
        Some(Severity::Info) | None => Verdict::Ok,
    };
    Audit {
        verdict,
        complete,
        findings,
        verification,
        container: Some(Arc::new(container)),
        proof: repairs.proof.clone(),
    }
}

impl From<&HeadError> for Code {
    fn from(error: &HeadError) -> Self {
        match error {
            HeadError::NotH4mk { .. } => Self::NotH4mk,
            HeadError::Truncated { .. } => Self::HeaderTruncated,
        }
    }
}

impl From<&HeadError> for Finding {
    fn from(error: &HeadError) -> Self {
        let len = match error {
            HeadError::NotH4mk { len, .. } => *len as u64,
            HeadError::Truncated { len, .. } => *len,
        };
        let finding = Self::at(Code::from(error), 0, len, error.to_string());
        match error {
            HeadError::NotH4mk { .. } => finding.expecting("H4MK"),
            HeadError::Truncated { header_len, .. } => finding.expecting(*header_len),
        }
    }
}

fn unreadable(source: &Source, error: &HeadError) -> Audit {
    let mut findings = Findings::default();
    findings.push(Finding::from(error));
    let complete = changed(source, false, &mut findings);
    let verification = Verification::plain(Status::Unchecked, "the file isn't a container that can be read");
    Audit { verdict: Verdict::Unreadable, complete, findings, verification, container: None, proof: None }
}

/// Notes a file that changed under the audit; false if it did. For a growing file that isn't a change.
fn changed(source: &Source, growing: bool, findings: &mut Findings) -> bool {
    let expected =
        |change: &Change| growing && matches!(change, Change::Grown { .. } | Change::Modified | Change::Touched);
    let Some(change) = source.change().filter(|change| !expected(change)) else { return true };
    findings.push(Finding::at(Code::FileChanged, 0, source.len(), change.to_string()));
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audited(bytes: Vec<u8>) -> Audit {
        audit(&Arc::new(Source::from_bytes("x", bytes)), &Options::default(), &Task::default()).unwrap()
    }

    fn codes(audit: &Audit) -> Vec<&'static str> {
        audit.findings.list().iter().map(|f| f.code.name()).collect()
    }

    #[test]
    fn what_is_no_container_is_unreadable() {
        assert_eq!(codes(&audited(Vec::new())), ["not-h4mk"]);
        assert_eq!(codes(&audited(b"H4MK\0\x01".to_vec())), ["header-truncated"]);
        assert_eq!(audited(b"RIFF".to_vec()).verdict, Verdict::Unreadable);
    }

    #[test]
    fn the_outline_needs_no_payload() {
        let outlined = |bytes: &[u8]| {
            let source = Arc::new(Source::from_bytes("x", bytes.to_vec()));
            let container = Container::read(source, Options::default(), Depth::Headers, &Task::default()).unwrap();
            outline(&container).list().iter().map(|f| f.code.name()).collect::<Vec<_>>()
        };
        assert_eq!(outlined(b"H4MK\0\x01\0\0"), ["no-blocks", "unfinished"]);
        assert_eq!(outlined(b"H4MK\0\x01\0\0CORE\0\0\0\x05\0\0\0\0\x01"), ["chunk-truncated"]);
    }

    #[test]
    fn an_empty_container_is_unfinished() {
        let audit = audited(b"H4MK\0\x01\0\0".to_vec());
        assert_eq!(codes(&audit), ["no-blocks", "unfinished"]);
        assert_eq!(audit.verdict, Verdict::Damaged);
    }
}
