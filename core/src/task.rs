//! A long job's hand-rail: progress that others read, a cancel flag that others set.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared by a job and whoever waits for it. All fields are independent counters, so relaxed ordering is enough.
#[derive(Debug, Default)]
pub struct Task {
    cancelled: Arc<AtomicBool>,
    done: AtomicU64,
    total: AtomicU64,
}

/// The job was cancelled before it had an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

impl Task {
    /// A job of `total` bytes (or whatever unit it counts in).
    pub fn new(total: u64) -> Self {
        let task = Self::default();
        task.set_total(total);
        task
    }

    /// A part of the job with a progress of its own, which is cancelled with the whole.
    pub fn part(&self) -> Self {
        Self { cancelled: Arc::clone(&self.cancelled), ..Self::default() }
    }

    /// Sets how much there is to do.
    pub fn set_total(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    /// Adds to what is done; fails when the job was cancelled, so that a loop can use `?`.
    pub fn advance(&self, by: u64) -> Result<(), Cancelled> {
        self.done.fetch_add(by, Ordering::Relaxed);
        self.check()
    }

    /// Sets what is done; fails when the job was cancelled.
    pub fn reach(&self, done: u64) -> Result<(), Cancelled> {
        self.done.store(done, Ordering::Relaxed);
        self.check()
    }

    /// Fails when the job was cancelled.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.cancelled.load(Ordering::Relaxed) { Err(Cancelled) } else { Ok(()) }
    }

    /// Asks the job to stop.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// `(done, total)` in the job's unit.
    pub fn progress(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }
}
