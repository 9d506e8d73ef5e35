//! `audit`: every check there is, on files and folders.

use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use anyhow::Context;

use super::files::{self, Lost, Target};
use super::input::Input;
use super::messages::{self, Progress, Snapshot};
use super::output::Output;
use super::status::Status;
use super::{Session, open};
use crate::core::audit;
use crate::core::container::Options;
use crate::core::finding::Severity;
use crate::core::source::{Source, Stream};
use crate::core::task::Task;
use crate::report::audit::{FileAudit, Tally};
use crate::report::style::{Paint, Role};
use crate::report::{count, json, junit, sarif};

/// Arguments of `audit`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  h4inspect audit clip.h4mk
  h4inspect audit media/ --fail-on warning
  find . -name '*.h4mk' -mtime -1 | h4inspect audit --files-from - --format ndjson
  h4inspect audit media/ --format junit > audit.xml")]
pub struct Args {
    /// Containers, and folders to search for *.h4mk; - is standard input
    #[arg(value_name = "PATH", required_unless_present = "files_from", value_hint = clap::ValueHint::AnyPath)]
    pub paths: Vec<Input>,
    /// How to write the results
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Read more paths from this file, one a line; - is standard input
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub files_from: Option<Input>,
    /// Files audited at a time [default and most: one a processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Least severity that makes the exit status 1
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t)]
    pub fail_on: FailOn,
}

/// How an audit is reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "lower")]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One array.
    Json,
    /// One object a line, as soon as it is known.
    Ndjson,
    /// JUnit XML, a test case a file.
    Junit,
    /// SARIF 2.1.0.
    Sarif,
}

/// What an audit fails on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum FailOn {
    /// Errors.
    #[default]
    Error,
    /// Warnings and errors.
    Warning,
    /// No finding; files that can't be read still count.
    Never,
}

impl FailOn {
    fn least(self) -> Option<Severity> {
        match self {
            Self::Error => Some(Severity::Error),
            Self::Warning => Some(Severity::Warning),
            Self::Never => None,
        }
    }
}

/// Audits.
pub fn run(args: &Args, session: &mut Session) -> anyhow::Result<()> {
    let mut targets: Vec<Box<dyn Iterator<Item = Target> + Send>> = Vec::new();
    targets.extend(args.paths.iter().cloned().map(files::expand));
    if let Some(list) = &args.files_from {
        targets.push(Box::new(files::listed(open_list(list)?, list.to_string())));
    }
    let jobs = super::jobs(args.jobs);
    let work = Arc::new(Work::default());
    let _progress = Progress::watch({
        let work = Arc::clone(&work);
        move || work.snapshot()
    });
    let results = in_order(Box::new(targets.into_iter().flatten()), jobs, &open::options(session), &work);
    let mut writer = Writer::new(args, session.paint);
    let mut unmasked = Vec::new();
    for result in results {
        let FileAudit { verdict, complete, .. } = result;
        unmasked.extend(result.unmasked.then(|| result.file.clone()));
        session.raise(open::status_of(verdict, result.worst(), complete, args.fail_on.least()));
        writer.add(result)?;
    }
    if writer.tally.files() == 0 {
        messages::say(nothing(args));
    }
    writer.finish()?;
    if let [first, more @ ..] = unmasked.as_slice() {
        let files =
            if more.is_empty() { String::new() } else { format!(" and {}", count(more.len() as u64, "more file")) };
        let doubt = "masked; no check can tell whether the mask key is the right one: look at a block";
        messages::warn(format_args!("{first}{files}"), doubt);
    }
    Ok(())
}

/// Where there was nothing to audit.
fn nothing(args: &Args) -> String {
    let folders: Vec<String> = args.paths.iter().map(Input::to_string).collect();
    let folders = (!folders.is_empty()).then(|| format!("no *.h4mk file in {}", folders.join(", ")));
    let list = args.files_from.as_ref().map(|list| format!("no path in the list {list}"));
    let places: Vec<String> = folders.into_iter().chain(list).collect();
    format!("nothing to audit: {}", places.join(", "))
}

fn open_list(list: &Input) -> anyhow::Result<Box<dyn BufRead + Send>> {
    Ok(match list {
        Input::Stdin if io::stdin().is_terminal() => {
            return Err(Status::Usage.error("standard input is a terminal; redirect a list of files to it"));
        }
        Input::Stdin => Box::new(BufReader::new(io::stdin())),
        Input::Path(path) => Box::new(BufReader::new(Stream::open(path).with_context(|| list.to_string())?)),
    })
}

/// What is being audited and how far that is, for the progress line.
#[derive(Debug, Default)]
struct Work(Mutex<WorkState>);

#[derive(Debug, Default)]
struct WorkState {
    finished: Tally,
    finished_bytes: u64,
    running: Vec<(String, Arc<Task>)>,
}

impl Work {
    fn begin(&self, name: &str) -> Arc<Task> {
        let task = Arc::new(Task::default());
        self.with(|state| state.running.push((name.to_owned(), Arc::clone(&task))));
        task
    }

    fn end(&self, task: &Arc<Task>, result: &FileAudit) {
        self.with(|state| {
            state.running.retain(|(_, running)| !Arc::ptr_eq(running, task));
            state.finished.add(result.verdict);
            state.finished_bytes += result.bytes.unwrap_or_default();
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut WorkState) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Audits count each byte twice, once for its CRC and once for the digest.
    fn snapshot(&self) -> Snapshot {
        self.with(|state| {
            let progress = || state.running.iter().map(|(_, task)| task.progress());
            let done = state.finished_bytes + progress().map(|(done, _)| done / 2).sum::<u64>();
            let name = state.running.first().map_or("", |(name, _)| name.as_str());
            match state.finished.files() {
                0 => Snapshot { label: format!("audit {name}"), done, total: progress().map(|(_, all)| all / 2).sum() },
                n => Snapshot { label: format!("audit {}, {name}", count(n, "file")), done, total: 0 },
            }
        })
    }
}

type Targets = Box<dyn Iterator<Item = Target> + Send>;

/// The results in the order of the targets, whichever thread is done first. Targets are looked for only so far ahead that
/// the threads have something to do. Where the system allows fewer threads, there are fewer; this one alone does it all
/// where there can't be two.
fn in_order(targets: Targets, jobs: usize, options: &Options, work: &Arc<Work>) -> Box<dyn Iterator<Item = FileAudit>> {
    match in_parallel(targets, jobs, options, work) {
        Ok(results) => Box::new(results),
        Err(targets) => {
            let (options, work) = (options.clone(), Arc::clone(work));
            Box::new(targets.map(move |target| audit_target(target, &options, &work)))
        }
    }
}

/// The targets come back if no threads can be had.
fn in_parallel(
    targets: Targets,
    jobs: usize,
    options: &Options,
    work: &Arc<Work>,
) -> Result<impl Iterator<Item = FileAudit> + use<>, Targets> {
    type Job = (Target, mpsc::Sender<FileAudit>);
    let (give, take) = mpsc::channel::<Job>();
    let take = Arc::new(Mutex::new(take));
    let start = |_: &usize| {
        let (take, options, work) = (Arc::clone(&take), options.clone(), Arc::clone(work));
        let thread = thread::Builder::new().name("audit".to_owned()).spawn(move || {
            loop {
                let job = take.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok((target, result)) = job else { return };
                // Nobody waits for it any more when standard output is closed.
                _ = result.send(audit_target(target, &options, &work));
            }
        });
        thread.is_ok()
    };
    let started = (0..jobs).take_while(start).count();
    if started == 0 {
        return Err(targets);
    }
    let (order, results) = mpsc::sync_channel(started * 2);
    // Shared, so that the targets are not lost with a thread that does not start.
    let shared = Arc::new(Mutex::new(Some(targets)));
    let targets = Arc::clone(&shared);
    let thread = thread::Builder::new().name("targets".to_owned()).spawn(move || {
        let targets = targets.lock().unwrap_or_else(PoisonError::into_inner).take();
        for target in targets.into_iter().flatten() {
            let (result, waiting) = mpsc::channel();
            if order.send(waiting).is_err() || give.send((target, result)).is_err() {
                return;
            }
        }
    });
    match (thread, shared) {
        (Err(_), shared) => Err(shared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .unwrap_or_else(|| Box::new(std::iter::empty()))),
        (Ok(_), _) => Ok(results.into_iter().filter_map(|waiting| waiting.recv().ok())),
    }
}

fn audit_target(target: Target, options: &Options, work: &Work) -> FileAudit {
    let (name, source) = match target {
        Target::Named(input) => {
            let name = input.path().map_or_else(|| "-".into(), Path::to_string_lossy).into_owned();
            (name, open::raw_source(&input))
        }
        Target::Found(path) => (path.to_string_lossy().into_owned(), Source::open_regular(&path)),
        Target::Lost(Lost { name, why }) => return FileAudit::unopened(name, why),
    };
    let task = work.begin(&name);
    let audited = panic::catch_unwind(AssertUnwindSafe(|| match source {
        Ok(source) => {
            let source = Arc::new(source);
            let audit = audit::audit(&source, options, &task).map_err(|error| error.to_string())?;
            Ok(FileAudit::new(name.clone(), source.len(), &audit))
        }
        Err(error) => Err(error.to_string()),
    }));
    let failed = |_| Err("the audit itself failed; please report this with the file".to_owned());
    let result = audited.unwrap_or_else(failed).unwrap_or_else(|why| FileAudit::unopened(name, why));
    work.end(&task, &result);
    result
}

/// Writes results in the format asked for: as they come where it allows that, else at the end.
struct Writer {
    out: Output,
    format: Format,
    fail_on: Option<Severity>,
    paint: Paint,
    tally: Tally,
    kept: Vec<FileAudit>,
}

impl Writer {
    fn new(args: &Args, paint: Paint) -> Self {
        let (format, fail_on) = (args.format, args.fail_on.least());
        Self { out: Output::stdout(), format, fail_on, paint, tally: Tally::default(), kept: Vec::new() }
    }

    fn add(&mut self, result: FileAudit) -> io::Result<()> {
        let is_first = self.tally.files() == 0;
        self.tally.add(result.verdict);
        match self.format {
            Format::Text => result.write_text(&mut self.out, self.paint)?,
            Format::Json => {
                self.out.write_all(if is_first { b"[\n" } else { b",\n" })?;
                json::write(&mut self.out, json::ONE_LINE, &result)?;
            }
            Format::Ndjson => json::write_line(&mut self.out, json::ONE_LINE, &result)?,
            Format::Junit | Format::Sarif => {
                self.kept.push(result);
                return Ok(());
            }
        }
        self.out.flush()
    }

    fn finish(mut self) -> anyhow::Result<()> {
        let out = &mut self.out;
        match self.format {
            Format::Text if self.tally.files() > 1 => {
                writeln!(out, "{}", self.paint.paint(Role::Heading, self.tally.describe()))?;
            }
            Format::Json => out.write_all(if self.tally.files() == 0 { b"[]\n" } else { b"\n]\n" })?,
            Format::Junit => junit::write(out, &self.kept, self.fail_on)?,
            Format::Sarif => sarif::write(out, &self.kept)?,
            Format::Text | Format::Ndjson => {}
        }
        self.out.finish()?;
        // Made for machines and mostly redirected: whoever reads the log should see how it went.
        if matches!(self.format, Format::Junit | Format::Sarif) {
            messages::say(self.tally.describe());
        }
        Ok(())
    }
}
