//! Work in the background, as the state sees it: one job of a kind at a time, and the newest replaces the one before.
//! What it takes to run one is in [`crate::tui::workers`].

use std::sync::Arc;
use std::time::Duration;

use super::request::{JobKind, Request};
use h4mk::task::Task;

/// Tells a job from an earlier one of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(u64);

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
        self.running.iter().any(|running| running.job.request.kind().can_be_stopped())
    }

    /// Cancels the job that was started last and that the user may cancel; says of which kind it was.
    pub fn cancel_newest(&mut self) -> Option<JobKind> {
        let kinds = self.running.iter().rev().map(|running| running.job.request.kind());
        let kind = kinds.into_iter().find(|kind| kind.can_be_stopped())?;
        self.cancel(kind);
        Some(kind)
    }

    /// Cancels all jobs but those of one kind.
    pub fn cancel_all_but(&mut self, kept: JobKind) {
        self.running.retain(|running| {
            let keep = running.job.request.kind() == kept;
            if !keep {
                running.job.task.cancel();
            }
            keep
        });
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
            !matches!(kind, JobKind::Index | JobKind::Follow | JobKind::Describe) && !kind.is_reading()
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
    use h4mk::container::Options;
    use h4mk::source::Source;

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
