//! `audit`: every check there is, on files and folders.

mod baseline;
mod kept;
mod pool;

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;

use super::files::{self, Exclusion, Selection, Separator, Target};
use super::input::Input;
use super::messages::{self, Progress, Snapshot};
use super::output::Output;
use super::session::{self, Session};
use super::status::{self, Status};
use super::{open, shard};
use crate::report::audit::{Audited, Tally};
use crate::report::baseline::Baseline;
use crate::report::style::{Paint, Role};
use crate::report::{count, junit, sarif};
use h4mk::finding::Severity;
use h4mk::report::json;
use h4mk::source::Stream;
use h4mk::task::Task;

/// Arguments of `audit`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  h4inspect audit clip.h4mk
  h4inspect audit media/ --fail-on warning --exclude 'drafts/**'
  find . -name '*.h4mk' -mtime -1 -print0 | h4inspect audit --files-from - --null --format ndjson
  h4inspect audit media/ --format junit > audit.xml
  h4inspect audit media/ --baseline known.json --update-baseline    # accepts the current findings
  h4inspect audit media/ --shard 0/4    # the first of four jobs")]
pub struct Args {
    /// Containers, and folders to search for *.h4mk; - is standard input
    #[arg(value_name = "PATH", required_unless_present = "files_from", value_hint = clap::ValueHint::AnyPath)]
    pub paths: Vec<Input>,
    /// How to write the results
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Read more paths from this file, one per line; - is standard input
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub files_from: Option<Input>,
    /// Paths in that file end with a NUL byte, as `find -print0` writes them
    #[arg(long, requires = "files_from")]
    pub null: bool,
    /// Leave out files and folders with this name, or with this path if it has a /; repeatable
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<Exclusion>,
    /// Follow links to folders
    #[arg(long)]
    pub follow_links: bool,
    /// Audit only the share of the files for job I of N, from 0; auto: as the batch system says
    #[arg(long, value_name = "I/N|auto|auto/N")]
    pub shard: Option<shard::Choice>,
    /// Files audited at a time [default and maximum: one per processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Lowest severity that makes the exit status 1
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t)]
    pub fail_on: FailOn,
    /// Make the exit status 1 if there is nothing to audit
    #[arg(long)]
    pub fail_on_empty: bool,
    /// Write only what isn't ok
    #[arg(long)]
    pub quiet: bool,
    /// Accepted findings: they are marked and don't affect the exit status
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub baseline: Option<PathBuf>,
    /// Accept all findings: write them to the baseline
    #[arg(long, requires = "baseline")]
    pub update_baseline: bool,
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
    /// One object per line, as soon as it is known.
    Ndjson,
    /// JUnit XML, one test case per file.
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

/// Audits; `env` looks up an environment variable.
pub fn run(args: &Args, session: &mut Session, env: impl Fn(&str) -> Option<OsString>) -> anyhow::Result<()> {
    let shard = args.shard.map(|shard| shard.resolve(env)).transpose()?;
    let selection = Arc::new(Selection::new(args.exclude.clone(), shard, args.follow_links));
    let mut baseline = args.baseline.as_deref().map(|file| baseline::open(file, args.update_baseline)).transpose()?;
    let mut targets: Vec<Box<dyn Iterator<Item = Target> + Send>> = Vec::new();
    let selected = Arc::clone(&selection);
    targets.push(Box::new(args.paths.clone().into_iter().flat_map(move |path| files::expand(path, &selected))));
    if let Some(list) = &args.files_from {
        let separator = if args.null { Separator::Null } else { Separator::Line };
        let name = list.path().unwrap_or(Path::new("-")).to_owned();
        targets.push(Box::new(files::listed(open_list(list)?, name, separator, Arc::clone(&selection))));
    }
    let jobs = session::jobs(args.jobs);
    let work = Arc::new(Work::default());
    let _progress = Progress::watch({
        let work = Arc::clone(&work);
        move || work.snapshot()
    });
    let results = pool::results(Box::new(targets.into_iter().flatten()), jobs, &open::options(session), &work);
    let mut writer = Writer::new(args, session.paint);
    let mut doubt = Doubt::default();
    for mut result in results {
        if let Some(baseline) = &mut baseline {
            baseline.found.mark(&mut result);
        }
        doubt.add(&result);
        let fails = status::fails(result.worst(), args.fail_on.least());
        session.raise(match (result.is_unreadable(), fails, result.is_incomplete()) {
            (true, ..) => Status::Unreadable,
            (_, true, _) => Status::Findings,
            (_, _, true) => Status::NotFullyVerified,
            _ => Status::Done,
        });
        writer.add(&result)?;
        // Nobody reads it: what else is found could only make it worse.
        if writer.reader_is_gone
            && session.status() >= Status::Findings
            && baseline.as_ref().is_none_or(|b| !b.updates())
        {
            return Ok(());
        }
    }
    if !selection.has_found() && writer.tally.files() == 0 {
        messages::say(nothing(args));
        session.raise(if args.fail_on_empty { Status::Findings } else { Status::Done });
    }
    writer.finish(baseline.as_ref().map(|baseline| &baseline.found))?;
    doubt.say();
    baseline.map_or(Ok(()), baseline::File::finish)
}

/// Where there was nothing to audit.
fn nothing(args: &Args) -> String {
    let folders: Vec<String> = args.paths.iter().map(Input::to_string).collect();
    let folders = (!folders.is_empty()).then(|| format!("no *.h4mk file in {}", folders.join(", ")));
    let list = args.files_from.as_ref().map(|list| format!("no path in the list {list}"));
    let places: Vec<String> = folders.into_iter().chain(list).collect();
    let rest = if args.exclude.is_empty() { "" } else { " that --exclude does not leave out" };
    format!("nothing to audit: {}{rest}", places.join(", "))
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

/// Masked files whose key nothing proves right.
#[derive(Default)]
struct Doubt {
    first: Option<String>,
    more: u64,
}

impl Doubt {
    fn add(&mut self, result: &Audited) {
        match &self.first {
            _ if !result.unmasked => {}
            None => self.first = Some(result.file.file.clone()),
            Some(_) => self.more += 1,
        }
    }

    fn say(self) {
        let Some(first) = self.first else { return };
        let files = if self.more == 0 { String::new() } else { format!(" and {}", count(self.more, "more file")) };
        let doubt = "masked; no check can tell whether the mask key is right: look at a block";
        messages::warn(format_args!("{first}{files}"), doubt);
    }
}

/// What is being audited and how far that is, for the progress line.
#[derive(Debug, Default)]
struct Work(Mutex<WorkState>);

#[derive(Debug, Default)]
struct WorkState {
    finished: u64,
    finished_bytes: u64,
    running: Vec<(String, Arc<Task>)>,
}

impl Work {
    fn begin(&self, name: &str) -> Arc<Task> {
        let task = Arc::new(Task::default());
        self.with(|state| state.running.push((name.to_owned(), Arc::clone(&task))));
        task
    }

    fn end(&self, task: &Arc<Task>, result: &Audited) {
        self.with(|state| {
            state.running.retain(|(_, running)| !Arc::ptr_eq(running, task));
            state.finished += 1;
            state.finished_bytes += result.file.bytes.unwrap_or_default();
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
            match state.finished {
                0 => Snapshot { label: format!("audit {name}"), done, total: progress().map(|(_, all)| all / 2).sum() },
                n => Snapshot { label: format!("audit {}, {name}", count(n, "file")), done, total: 0 },
            }
        })
    }
}

/// Writes results in the format asked for, as they come. A reader that leaves isn't a failure.
struct Writer {
    out: Output,
    format: OutputFormat,
    paint: Paint,
    quiet: bool,
    tally: Tally,
    written: u64,
    reader_is_gone: bool,
}

enum OutputFormat {
    Text,
    Json,
    Ndjson,
    Junit(junit::Report),
    /// Begun with the first result, so that what goes wrong before leaves no half of a log.
    Sarif(Option<sarif::Log>),
}

impl Writer {
    fn new(args: &Args, paint: Paint) -> Self {
        let format = match args.format {
            Format::Text => OutputFormat::Text,
            Format::Json => OutputFormat::Json,
            Format::Ndjson => OutputFormat::Ndjson,
            Format::Junit => OutputFormat::Junit(junit::Report::new(args.fail_on.least())),
            Format::Sarif => OutputFormat::Sarif(None),
        };
        let (quiet, tally) = (args.quiet, Tally::default());
        Self { out: Output::stdout(), format, paint, quiet, tally, written: 0, reader_is_gone: false }
    }

    fn add(&mut self, result: &Audited) -> anyhow::Result<()> {
        self.tally.add(result);
        if self.reader_is_gone || self.quiet && result.is_fine() {
            return Ok(());
        }
        let written = self.write(result).map_err(anyhow::Error::from);
        self.written += 1;
        self.unless_gone(written)
    }

    fn write(&mut self, result: &Audited) -> io::Result<()> {
        let out = &mut self.out;
        match &mut self.format {
            OutputFormat::Text => result.write_text(out, self.paint)?,
            OutputFormat::Json => {
                out.write_all(if self.written == 0 { b"[\n" } else { b",\n" })?;
                json::write(out, json::ONE_LINE, &result.file)?;
            }
            OutputFormat::Ndjson => json::write_line(out, json::ONE_LINE, &result.file)?,
            OutputFormat::Junit(report) => return report.add(result),
            OutputFormat::Sarif(log) => {
                return match log {
                    Some(log) => log.add(out, result),
                    None => log.insert(sarif::Log::begin(out)?).add(out, result),
                };
            }
        }
        self.out.flush()
    }

    fn finish(self, baseline: Option<&Baseline>) -> anyhow::Result<()> {
        let is_for_machines = matches!(self.format, OutputFormat::Junit(_) | OutputFormat::Sarif(_));
        let quiet = self.quiet && self.tally.is_fine();
        let tally = self.tally;
        if !self.reader_is_gone
            && let Err(error) = self.end(baseline, quiet)
            && !status::is_closed_pipe(&error)
        {
            return Err(error);
        }
        // Made for machines and mostly redirected: whoever reads the log should see how it went.
        if is_for_machines && !quiet {
            messages::say(tally.describe());
        }
        Ok(())
    }

    fn end(mut self, baseline: Option<&Baseline>, quiet: bool) -> anyhow::Result<()> {
        let out = &mut self.out;
        match self.format {
            OutputFormat::Text if self.tally.files() > 1 && !quiet => {
                writeln!(out, "{}", self.paint.paint(Role::Heading, self.tally.describe()))?;
            }
            OutputFormat::Json => out.write_all(if self.written == 0 { b"[]\n" } else { b"\n]\n" })?,
            OutputFormat::Junit(report) => report.finish(out)?,
            OutputFormat::Sarif(log) => {
                let mut log = log.map_or_else(|| sarif::Log::begin(out), Ok)?;
                for entry in baseline.into_iter().flat_map(|baseline| baseline.absent(baseline::is_gone)) {
                    log.add_absent(out, &entry)?;
                }
                log.finish(out)?;
            }
            OutputFormat::Text | OutputFormat::Ndjson => {}
        }
        self.out.finish()
    }

    fn unless_gone(&mut self, written: anyhow::Result<()>) -> anyhow::Result<()> {
        match written {
            Err(error) if status::is_closed_pipe(&error) => {
                self.reader_is_gone = true;
                Ok(())
            }
            written => written,
        }
    }
}
