//! What a command runs with.

use super::settings::Settings;
use super::status::Status;
use crate::report::style::Paint;
use h4mk::container::Options;

/// What a command runs with: the settings, and the status it has come to so far.
#[derive(Debug)]
pub struct Session {
    /// Global options and environment.
    pub settings: Settings,
    /// What they say about reading containers; one for the run, so that all containers share what is expensive.
    pub options: Options,
    /// How text results are coloured.
    pub paint: Paint,
    status: Status,
}

impl Session {
    /// A session in which nothing has gone wrong yet.
    pub fn new(settings: Settings, paint: Paint) -> Self {
        let options = settings.options();
        Self { settings, options, paint, status: Status::Done }
    }

    /// Lets the run end with `status`, unless something weightier comes up. To be called before the output that could
    /// find its reader gone.
    pub fn raise(&mut self, status: Status) {
        self.status = self.status.and(status);
    }

    /// What the run has come to.
    pub fn status(&self) -> Status {
        self.status
    }
}

/// How many threads work at a time: as many as were asked for, but no more than there are processors, which more would only
/// hold up.
pub(super) fn jobs(asked: Option<u16>) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    asked.map_or(processors, |asked| usize::from(asked).min(processors))
}
