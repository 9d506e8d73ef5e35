//! Work in the background, as the state sees it: one job of a kind at a time, and the newest replaces the one before.
//! What it takes to run one is in [`crate::tui::workers`].

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::comparison::Differences;
use super::moment::{Goal, Target};
use super::{Description, Followed};
use crate::tui::fields::Hits;
use h4mk::audit::Audit;
use h4mk::block::{BlockError, Form};
use h4mk::container::{Container, Moment, Options};
use h4mk::explore::extent::{Coding, Extent};
use h4mk::explore::find::{Elsewhere, Matches, Needle};
use h4mk::explore::listing::{Filter, Listing, Order};
use h4mk::explore::preview::Preview;
use h4mk::explore::profile::Profile;
use h4mk::index::Chunk;
use h4mk::knowledge::Knowledge;
use h4mk::source::Source;
use h4mk::task::Task;
use h4mk::veri::Verification;

/// The kinds of work. Each has one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobKind {
    /// The walk over the chunks.
    Index,
    /// The walk over what is added.
    Follow,
    /// Every check there is.
    Audit,
    /// VERI.
    Verify,
    /// A timestamp looked up.
    Seek,
    /// A block written to a file.
    Export,
    /// Blocks along time.
    Profile,
    /// Blocks filtered and sorted.
    List,
    /// Blocks that are shown, read.
    Measure,
    /// A block read for showing it: its runs counted, or all of it decoded.
    Decode,
    /// Blocks beside it, read before they are asked for.
    Ahead,
    /// Bytes searched for.
    Find,
    /// Content sampled for its preview.
    Preview,
    /// What is said about the container, put together.
    Describe,
    /// Fields searched.
    SearchFields,
    /// Two files compared.
    Diff,
}

impl JobKind {
    /// What is being done, for the progress line.
    pub fn title(self) -> &'static str {
        match self {
            Self::Index => "indexing",
            Self::Follow => "following",
            Self::Audit => "auditing",
            Self::Verify => "verifying",
            Self::Seek => "looking up",
            Self::Export => "exporting",
            Self::Profile => "measuring",
            Self::List => "listing",
            Self::Measure => "reading",
            Self::Decode => "decoding",
            Self::Ahead => "reading ahead",
            Self::Find => "searching",
            Self::Preview => "sampling",
            Self::Describe => "describing",
            Self::SearchFields => "searching",
            Self::Diff => "comparing",
        }
    }
}

/// Tells a job from an earlier one of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(u64);

/// What is to be done, with all it takes.
#[derive(Debug, Clone)]
pub enum Request {
    /// Walk the chunks.
    Index {
        /// The file.
        source: Arc<Source>,
        /// How it is read.
        options: Options,
    },
    /// Walk what is added to a file that is still being written.
    Follow {
        /// What goes on.
        loader: Followed,
        /// How often the file is looked at; once if `None`.
        every: Option<Duration>,
    },
    /// Open a file anew that is no longer what it was.
    Reopen(Arc<Source>),
    /// Run every check.
    Audit {
        /// The file.
        source: Arc<Source>,
        /// How it is read.
        options: Options,
    },
    /// Recompute VERI.
    Verify(Arc<Container>),
    /// Look a time up, and what to do with the answer.
    Seek(Arc<Container>, Target, Goal),
    /// Write a block to a file that does not exist yet.
    Export {
        /// The container.
        container: Arc<Container>,
        /// The block.
        block: u64,
        /// As stored or decoded.
        form: Form,
        /// Where to.
        path: PathBuf,
    },
    /// Look at every block along time.
    Profile(Arc<Container>),
    /// Filter and sort the blocks.
    List {
        /// The container.
        container: Arc<Container>,
        /// Which blocks.
        filter: Filter,
        /// Their order.
        order: Order,
        /// What was found at them.
        knowledge: Arc<Knowledge>,
    },
    /// Read these chunks for what is said of them.
    Measure(Arc<Container>, Vec<Chunk>),
    /// Read the block of a chunk for showing it.
    Decode(Arc<Container>, Chunk),
    /// Read these blocks, which may be shown next.
    Ahead(Arc<Container>, Vec<Chunk>),
    /// Search bytes.
    Find {
        /// The container.
        container: Arc<Container>,
        /// Where.
        extent: Extent,
        /// What.
        needle: Arc<Needle>,
        /// The position around which matches are kept.
        around: u64,
    },
    /// Search the content of the other blocks.
    FindFrom {
        /// The container.
        container: Arc<Container>,
        /// What.
        needle: Arc<Needle>,
        /// The block that was searched before.
        from: u64,
        /// Towards the last block, or towards the first.
        forward: bool,
    },
    /// Sample content.
    Preview(Arc<Container>, Extent),
    /// Put together what is said about the container; with an audit, what that found out too.
    Describe(Arc<Container>, Option<Arc<Audit>>),
    /// Search keys and values for a text.
    SearchFields {
        /// The container.
        container: Arc<Container>,
        /// The fields.
        description: Arc<Description>,
        /// The text.
        text: String,
    },
    /// Compare the file with another one.
    Diff {
        /// The file.
        source: Arc<Source>,
        /// The other one.
        other: Arc<Source>,
        /// How both are read.
        options: Options,
    },
}

impl Request {
    /// The slot the work belongs to.
    pub fn kind(&self) -> JobKind {
        match self {
            Self::Index { .. } => JobKind::Index,
            Self::Follow { .. } | Self::Reopen(_) => JobKind::Follow,
            Self::Audit { .. } => JobKind::Audit,
            Self::Verify(_) => JobKind::Verify,
            Self::Seek(..) => JobKind::Seek,
            Self::Export { .. } => JobKind::Export,
            Self::Profile(_) => JobKind::Profile,
            Self::List { .. } => JobKind::List,
            Self::Measure(..) => JobKind::Measure,
            Self::Decode(..) => JobKind::Decode,
            Self::Ahead(..) => JobKind::Ahead,
            Self::Find { .. } | Self::FindFrom { .. } => JobKind::Find,
            Self::Preview(..) => JobKind::Preview,
            Self::Describe(..) => JobKind::Describe,
            Self::SearchFields { .. } => JobKind::SearchFields,
            Self::Diff { .. } => JobKind::Diff,
        }
    }
}

/// Work to be done.
#[derive(Debug, Clone)]
pub struct Job {
    /// Which.
    pub id: JobId,
    /// What.
    pub request: Request,
    /// Its progress and its cancel flag.
    pub task: Arc<Task>,
}

/// What a job has to say: so far, or in the end.
#[derive(Debug, Clone)]
pub struct Report {
    /// Which job.
    pub id: JobId,
    /// What it found.
    pub outcome: Result<Outcome, Failure>,
    /// Whether it ended; an index also reports what it has so far.
    pub last: bool,
}

/// What a job found.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The container, as far as it was walked.
    Indexed(Arc<Container>),
    /// A followed file was looked at.
    Followed,
    /// A file was opened anew.
    Reopened(Arc<Source>),
    /// What the checks say.
    Audited(Arc<Audit>),
    /// What VERI says.
    Verified(Verification),
    /// What a time leads to; nothing where there is no such block.
    Sought(Option<Arc<Moment>>, Target, Goal),
    /// A file was written.
    Exported {
        /// Where.
        path: PathBuf,
        /// Its bytes.
        len: u64,
        /// What should be known about them, as sentences.
        caveats: Vec<String>,
    },
    /// Blocks along time.
    Profiled(Arc<Profile>),
    /// Blocks filtered and sorted.
    Listed(Arc<Listing>),
    /// What a chunk's bytes say.
    Measured(Chunk, Measure),
    /// All chunks asked for were measured.
    AllMeasured,
    /// A block was read for showing it.
    Decoded {
        /// Its chunk.
        chunk: Chunk,
        /// What its content is read from, or why it has none.
        coding: Result<Coding, BlockError>,
    },
    /// A block was read that may be shown next.
    ReadAhead {
        /// Its chunk.
        chunk: Chunk,
        /// What its content is read from, or why it has none.
        coding: Result<Coding, BlockError>,
    },
    /// All blocks asked for were read.
    AllReadAhead,
    /// The places of what was searched for.
    Found {
        /// Where it was searched.
        extent: Extent,
        /// The places.
        matches: Matches,
    },
    /// What other blocks hold of what was searched for.
    FoundFrom {
        /// The block that was searched before.
        from: u64,
        /// What was found.
        elsewhere: Elsewhere,
    },
    /// What content looks like.
    Previewed {
        /// Which content.
        extent: Extent,
        /// What it looks like.
        preview: Arc<Preview>,
    },
    /// What is said about the container.
    Described(Arc<Description>),
    /// Where a text occurs in the fields.
    FoundFields(Hits),
    /// What two files differ in.
    Compared {
        /// The first file as it was compared: every CRC is recomputed.
        container: Arc<Container>,
        /// What they differ in.
        differences: Arc<Differences>,
    },
}

/// What a block's bytes say beyond what the index and the container remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// Bytes it decodes to; `None` where that can't be told.
    pub decoded: Option<u64>,
}

impl Measure {
    /// Reads a chunk; the container remembers what its CRC came to.
    pub fn of(container: &Container, chunk: &Chunk) -> Self {
        _ = container.is_intact(chunk);
        Self { decoded: chunk.block.and_then(|_| container.decoded_len(chunk)) }
    }
}

/// Why a job has no outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It was cancelled: nobody waits for it.
    #[error("cancelled")]
    Cancelled,
    /// It failed, and says why.
    #[error("{0}")]
    Failed(String),
    /// It panicked: a defect of the program, not of the file.
    #[error("internal error: {0}")]
    Panicked(String),
}

/// A job that runs.
#[derive(Debug, Clone)]
pub struct Running {
    /// The job.
    pub job: Job,
    started: Duration,
}

/// The jobs that run.
#[derive(Debug, Clone, Default)]
pub struct Jobs {
    running: Vec<Running>,
    last_id: u64,
    now: Duration,
}

impl Jobs {
    /// Enters a new job and cancels the one of its kind that runs.
    pub fn start(&mut self, request: Request) -> Job {
        self.cancel(request.kind());
        self.last_id += 1;
        let job = Job { id: JobId(self.last_id), request, task: Arc::new(Task::default()) };
        self.running.push(Running { job: job.clone(), started: self.now });
        job
    }

    /// Whether the job is the current one of its kind.
    pub fn is_current(&self, id: JobId) -> bool {
        self.running.iter().any(|running| running.job.id == id)
    }

    /// Takes a job off the list; `None` when it was replaced or cancelled, and its report comes too late.
    pub fn finish(&mut self, id: JobId) -> Option<Job> {
        let at = self.running.iter().position(|running| running.job.id == id)?;
        Some(self.running.remove(at).job)
    }

    /// Cancels the job of this kind, if one runs.
    pub fn cancel(&mut self, kind: JobKind) -> bool {
        let before = self.running.len();
        self.running.retain(|running| {
            let keep = running.job.request.kind() != kind;
            if !keep {
                running.job.task.cancel();
            }
            keep
        });
        self.running.len() < before
    }

    /// Whether a job runs that the user may cancel.
    pub fn can_cancel(&self) -> bool {
        let quiet = |kind| matches!(kind, JobKind::Index | JobKind::Follow | JobKind::Ahead);
        self.running.iter().any(|running| !quiet(running.job.request.kind()))
    }

    /// Cancels the job that was started last and that the user may cancel; says of which kind it was.
    pub fn cancel_newest(&mut self) -> Option<JobKind> {
        let quiet = |kind: &JobKind| {
            use JobKind::{Ahead, Describe, Follow, Index, Measure, Profile};
            matches!(kind, Index | Follow | Profile | Measure | Describe | Ahead)
        };
        let kind = self.running.iter().rev().map(|r| r.job.request.kind()).find(|kind| !quiet(kind))?;
        self.cancel(kind);
        Some(kind)
    }

    /// Cancels all jobs.
    pub fn cancel_all(&mut self) {
        self.running.drain(..).for_each(|running| running.job.task.cancel());
    }

    /// The jobs that run, the newest last.
    pub fn running(&self) -> &[Running] {
        &self.running
    }

    /// Whether a job of this kind runs.
    pub fn is_running(&self, kind: JobKind) -> bool {
        self.running.iter().any(|running| running.job.request.kind() == kind)
    }

    /// Whether a job runs that the user may cancel.
    pub fn is_busy(&self) -> bool {
        self.running.iter().any(|running| {
            let kind = running.job.request.kind();
            !matches!(kind, JobKind::Index | JobKind::Follow | JobKind::Describe | JobKind::Ahead)
        })
    }

    /// Sets the clock.
    pub fn tick(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    /// What is done, what there is to do, and how much a second so far (`None` before there is a figure worth showing).
    pub fn progress(&self, running: &Running) -> (u64, u64, Option<u64>) {
        let (done, total) = running.job.task.progress();
        let millis = self.now.saturating_sub(running.started).as_millis();
        let rate = (millis >= 200).then(|| u64::try_from(u128::from(done) * 1000 / millis).unwrap_or(u64::MAX));
        (done, total, rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Arc<Source> {
        Arc::new(Source::from_bytes("x.h4mk", b"H4MK\0\x01\0\0".to_vec()))
    }

    fn audit() -> Request {
        Request::Audit { source: source(), options: Options::default() }
    }

    fn index() -> Request {
        Request::Index { source: source(), options: Options::default() }
    }

    #[test]
    fn the_newest_of_a_kind_replaces_the_one_before() {
        let mut jobs = Jobs::default();
        let first = jobs.start(audit());
        let other = jobs.start(index());
        let second = jobs.start(audit());
        assert!(first.task.check().is_err() && second.task.check().is_ok() && other.task.check().is_ok());
        assert!(!jobs.is_current(first.id) && jobs.finish(first.id).is_none(), "too late");
        assert!(jobs.finish(second.id).is_some());
        assert!(!jobs.is_running(JobKind::Audit) && jobs.is_running(JobKind::Index));
    }

    #[test]
    fn cancelling_leaves_the_index_alone() {
        let mut jobs = Jobs::default();
        let index = jobs.start(index());
        let audit = jobs.start(audit());
        assert!(jobs.can_cancel());
        assert_eq!(jobs.cancel_newest(), Some(JobKind::Audit));
        assert!(!jobs.can_cancel());
        assert_eq!(jobs.cancel_newest(), None);
        assert!(audit.task.check().is_err() && index.task.check().is_ok());
        jobs.cancel_all();
        assert!(index.task.check().is_err() && jobs.running().is_empty());
    }

    #[test]
    fn the_rate_is_done_over_time() {
        let mut jobs = Jobs::default();
        jobs.tick(Duration::from_secs(5));
        let job = jobs.start(audit());
        job.task.set_total(1000);
        assert_eq!(jobs.progress(&jobs.running()[0]), (0, 1000, None));
        job.task.reach(500).unwrap();
        jobs.tick(Duration::from_secs(7));
        assert_eq!(jobs.progress(&jobs.running()[0]), (500, 1000, Some(250)));
    }
}
