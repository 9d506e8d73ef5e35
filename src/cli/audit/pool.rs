//! Many files audited at a time, and their results in the order of the files.

use std::collections::HashSet;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use super::Work;
use super::kept::Kept;
use crate::cli::files::{Identity, Target};
use crate::report::audit::Audited;
use h4mk::audit;
use h4mk::container::Options;
use h4mk::name::FileName;

/// Those that are open: two that wait, and one with its mapping.
const FILES_PER_JOB: usize = 5;
/// Folders on the way, spools, standard streams.
const OTHER_FILES: usize = 24;

/// How many files may be open for audits.
fn files_allowed() -> usize {
    #[cfg(unix)]
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    let limit = None::<u64>;
    let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    limit.saturating_sub(OTHER_FILES)
}

/// The results in the order of the targets, whichever thread is done first. Targets are looked for only so far ahead that
/// the threads have something to do. Each file is read once, under its first name; under others it has the same result.
pub(super) fn results(
    targets: Targets,
    jobs: usize,
    options: &Options,
    work: &Arc<Work>,
) -> Box<dyn Iterator<Item = Audited>> {
    let jobs = jobs.min(files_allowed() / FILES_PER_JOB).max(1);
    let auditor = Auditor { options: options.clone(), work: Arc::clone(work) };
    let (order, results) = mpsc::sync_channel(jobs * 2);
    let targets = Arc::new(Mutex::new(Queue { targets, seen: HashSet::new() }));
    let started = thread::Builder::new().name("targets".to_owned()).spawn({
        let (targets, auditor) = (Arc::clone(&targets), auditor.clone());
        move || {
            let mut pool = Pool::new(auditor, jobs);
            let mut targets = targets.lock().unwrap_or_else(PoisonError::into_inner);
            let search = AssertUnwindSafe(|| {
                // A send fails when nobody wants results any more.
                for next in targets.by_ref() {
                    if order.send(pool.give(next)).is_err() {
                        return;
                    }
                }
            });
            if panic::catch_unwind(search).is_err() {
                let why = "the search for files failed because of a bug; please report it".to_owned();
                _ = order.send(Expected::known(&"audit".into(), why));
            }
        }
    });
    let mut kept = Kept::new();
    match started {
        Ok(_) => Box::new(results.into_iter().map(move |expected| expected.wait(&mut kept))),
        // As few threads as this do as well.
        Err(_) => Box::new(std::iter::from_fn(move || {
            let next = targets.lock().unwrap_or_else(PoisonError::into_inner).next()?;
            Some(next.by(|target| Answer::Known(Box::new(auditor.audit(target)))).wait(&mut kept))
        })),
    }
}

type Targets = Box<dyn Iterator<Item = Target> + Send>;

/// What is to be audited.
struct Queue {
    targets: Targets,
    /// Files that were given out before.
    seen: HashSet<Identity>,
}

impl Iterator for Queue {
    type Item = Next;

    fn next(&mut self) -> Option<Next> {
        let target = self.targets.next()?;
        let (name, identity) = (target.name.clone(), target.identity);
        let is_new = identity.is_none_or(|identity| self.seen.insert(identity));
        Some(Next { name, identity, target: is_new.then_some(target) })
    }
}

/// The next target, unless it is another name of a file that had its turn.
struct Next {
    name: PathBuf,
    identity: Option<Identity>,
    target: Option<Target>,
}

impl Next {
    fn by(self, audit: impl FnOnce(Target) -> Answer) -> Expected {
        let answer = self.target.map_or(Answer::Again, audit);
        Expected { name: FileName::from(self.name.as_path()), identity: self.identity, answer }
    }
}

/// A result that is on its way.
struct Expected {
    name: FileName,
    identity: Option<Identity>,
    answer: Answer,
}

enum Answer {
    Coming(mpsc::Receiver<Audited>),
    Known(Box<Audited>),
    /// That of the same file under its first name.
    Again,
}

impl Expected {
    /// What can't be looked into.
    fn known(name: &FileName, why: String) -> Self {
        let result = Audited::unopened(name, why);
        Self { name: name.clone(), identity: None, answer: Answer::Known(Box::new(result)) }
    }

    fn wait(self, kept: &mut Kept) -> Audited {
        let Self { name, identity, answer } = self;
        let result = match (answer, identity) {
            (Answer::Known(result), _) => *result,
            (Answer::Coming(result), _) => result.recv().unwrap_or_else(|_| failed(&name)),
            (Answer::Again, Some(identity)) => {
                return kept.again(identity, &name).unwrap_or_else(|error| {
                    let why = format!("read under another name, but the result could not be kept: {error}");
                    Audited::unopened(&name, why)
                });
            }
            (Answer::Again, None) => failed(&name),
        };
        if let Some(identity) = identity {
            // Where it can't be, other names of this file say so.
            _ = kept.keep(identity, &result);
        }
        result
    }
}

/// Threads that audit, started as there is work for them.
struct Pool {
    auditor: Auditor,
    jobs: usize,
    started: usize,
    give: mpsc::Sender<Job>,
    take: Arc<Mutex<mpsc::Receiver<Job>>>,
}

type Job = (Target, mpsc::Sender<Audited>);

impl Pool {
    fn new(auditor: Auditor, jobs: usize) -> Self {
        let (give, take) = mpsc::channel();
        Self { auditor, jobs, started: 0, give, take: Arc::new(Mutex::new(take)) }
    }

    fn give(&mut self, next: Next) -> Expected {
        next.by(|target| {
            if self.started < self.jobs {
                match self.start() {
                    Ok(()) => self.started += 1,
                    // As many as the system allows will do, and if that is none, this one does.
                    Err(_) => self.jobs = self.started,
                }
            }
            if self.started == 0 {
                return Answer::Known(Box::new(self.auditor.audit(target)));
            }
            let (result, coming) = mpsc::channel();
            // It can't fail while there is a thread, and without one the result fails to come.
            _ = self.give.send((target, result));
            Answer::Coming(coming)
        })
    }

    fn start(&self) -> std::io::Result<()> {
        let (take, auditor) = (Arc::clone(&self.take), self.auditor.clone());
        let thread = thread::Builder::new().name("audit".to_owned()).spawn(move || {
            loop {
                let job = take.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok((target, result)) = job else { return };
                // Nobody waits for it any more when standard output is closed.
                _ = result.send(auditor.audit(target));
            }
        });
        thread.map(|_| ())
    }
}

#[derive(Clone)]
struct Auditor {
    options: Options,
    work: Arc<Work>,
}

impl Auditor {
    fn audit(&self, target: Target) -> Audited {
        let name = FileName::from(target.name.as_path());
        let task = self.work.begin(name.as_str());
        let audited = panic::catch_unwind(AssertUnwindSafe(|| {
            let source = Arc::new(target.open()?);
            let audit = audit::audit(&source, &self.options, &task).map_err(|error| error.to_string())?;
            Ok(Audited::new(&name, source.len(), &audit))
        }));
        let opened = audited.unwrap_or_else(|_| Ok(failed(&name)));
        let result = opened.unwrap_or_else(|why| Audited::unopened(&name, why));
        self.work.end(&task, &result);
        result
    }
}

fn failed(name: &FileName) -> Audited {
    Audited::unopened(name, "the audit failed because of a bug; please report it with the file".to_owned())
}
