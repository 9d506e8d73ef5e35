//! The work behind a [`Job`]: what is done, and threads to do it on.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::command::PromptKind;
use super::event::Event;
use super::state::comparison::Differences;
use super::state::hex::locate;
use super::state::manifest::entries::EntryPage;
use super::state::request::{Following, Target};
use super::state::{Description, Failure, Job, JobKind, Measure, Outcome, Report, Request};
use crate::draft::{Destination, Found};
use crate::report::diff::{describe, lines};
use h4mk::audit;
use h4mk::block::{BlockError, Form, Stage};
use h4mk::container::{Container, Loader, Options};
use h4mk::diff::{DiffError, Pair, diff};
use h4mk::explore::byte_view::{ByteSource, ByteSourceError};
use h4mk::explore::chart::Chart;
use h4mk::explore::find;
use h4mk::explore::page::Page;
use h4mk::explore::preview::Preview;
use h4mk::explore::sorted_blocks::SortedBlocks;
use h4mk::index::Chunk;
use h4mk::report;
use h4mk::source::Source;
use h4mk::task::{Cancelled, Task};
use h4mk::walk::{Depth, Step};

/// Chunks walked between looks at the clock and the cancel flag.
const STRIDE: usize = 1024;

/// How long a walk shows nothing new.
const SNAPSHOT_EVERY: Duration = Duration::from_millis(50);

impl From<Cancelled> for Failure {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::Failed(error.to_string())
}

/// Does a job, to its end, and hands over what it has to say: several reports, of which the last says so.
pub fn perform(job: &Job, tell: &mut dyn FnMut(Report)) {
    let id = job.id;
    let mut so_far = |outcome| tell(Report { id, outcome: Ok(outcome), last: false });
    let work = AssertUnwindSafe(|| work(&job.request, &job.task, &mut so_far));
    let outcome = catch_unwind(work).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
        Err(Failure::Panicked(text.or_else(|| panic.downcast_ref().cloned()).unwrap_or_default()))
    });
    tell(Report { id, outcome, last: true });
}

fn work(request: &Request, task: &Task, so_far: &mut dyn FnMut(Outcome)) -> Result<Outcome, Failure> {
    match request {
        Request::Index { source, options } => index(source, options, task, so_far),
        Request::Follow { following, every } => follow(following, *every, task, so_far),
        Request::Reopen(source) => {
            let path = source
                .path()
                .ok_or_else(|| Failure::Failed("a source without a path can't be read again".to_owned()))?;
            let again = Source::open_regular(path).map_err(failed)?;
            Ok(Outcome::Reopened(Arc::new(again)))
        }
        Request::Audit { source, options } => {
            let audit = audit::audit(source, options, task)?;
            audit.container.iter().for_each(|container| container.prepare());
            Ok(Outcome::Audited(Arc::new(audit)))
        }
        Request::Verify(container) => verify(container, task, so_far),
        Request::Seek(container, target, goal) => {
            let moment = match target {
                Target::Time(pts_us, track) => Some(container.moment(*pts_us, track.as_deref())),
                Target::Block(block) => container.moment_of_block(*block),
            };
            Ok(Outcome::Sought(moment.map(Arc::new), target.clone(), *goal))
        }
        Request::Export { container, block, form, path } => export(container, *block, *form, path),
        Request::Chart(container) => Ok(Outcome::Charted(Arc::new(Chart::new(container, task)?))),
        Request::List { container, filter, order, knowledge } => {
            let sorted = SortedBlocks::new(container, filter.clone(), *order, knowledge, task)?;
            Ok(Outcome::Listed(Arc::new(sorted)))
        }
        Request::Measure(container, chunks) => {
            for chunk in chunks {
                task.advance(1)?;
                let measure = Measure::of(container, chunk);
                // All measures are of the container that it replaces.
                if let Some(whole) = unhidden(container, chunk, task)? {
                    return Ok(whole);
                }
                so_far(Outcome::Measured(*chunk, measure));
            }
            Ok(Outcome::AllRead)
        }
        Request::Decode(container, chunk) => {
            let decoded = Outcome::Decoded { chunk: *chunk, coding: coding(container, chunk, task)? };
            let Some(whole) = unhidden(container, chunk, task)? else { return Ok(decoded) };
            so_far(decoded);
            Ok(whole)
        }
        Request::Read { container, byte_view, numbers } => {
            for number in numbers {
                task.check()?;
                let page = Arc::new(Page::read(container, byte_view, *number));
                so_far(Outcome::Read { byte_view: byte_view.clone(), number: *number, page });
            }
            Ok(Outcome::AllRead)
        }
        Request::Locate { container, goal, byte_view } => {
            Ok(Outcome::Located { byte_view: byte_view.clone(), position: locate(container, goal, byte_view) })
        }
        Request::ReadToCopy { container, byte_view, range, form } => {
            let len = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
            Ok(Outcome::ReadToCopy(byte_view.read(container, range.start, len).into_owned(), *form))
        }
        Request::Entries { container, pages } => {
            for page in pages {
                task.check()?;
                so_far(Outcome::Entries(*page, Arc::new(EntryPage::read(container, *page))));
            }
            Ok(Outcome::AllRead)
        }
        Request::FieldBytes { container, description, row } => {
            Ok(Outcome::FieldBytes(*row, description.fields.bytes_of_row(container, *row)))
        }
        Request::FieldValue { container, description, row, raw } => {
            Ok(Outcome::FieldValue(description.fields.value_of_row(container, *row), *raw))
        }
        Request::Unlock { container, options, kind } => {
            let again = prepared(container.with_options(options.clone()));
            let tried = if *kind == PromptKind::Secret { try_secret(&again) } else { None };
            Ok(Outcome::Unlocked { container: Arc::new(again), before: container.clone(), kind: *kind, tried })
        }
        Request::Reread(container, options) => {
            Ok(Outcome::Reread(Arc::new(prepared(container.with_options(options.clone())))))
        }
        Request::Ahead(container, chunks) => {
            for chunk in chunks {
                so_far(Outcome::ReadAhead { chunk: *chunk, coding: coding(container, chunk, task)? });
                if let Some(whole) = unhidden(container, chunk, task)? {
                    return Ok(whole);
                }
            }
            Ok(Outcome::AllRead)
        }
        Request::Find { container, byte_view, needle, around } => {
            let matches = find::find(container, byte_view, needle, *around, find::KEPT, task)?;
            Ok(Outcome::Found { byte_view: byte_view.clone(), matches })
        }
        Request::FindFrom { container, needle, from, forward } => {
            let elsewhere = find::find_from(container, needle, *from, *forward, find::KEPT, task)?;
            Ok(Outcome::FoundFrom { from: *from, elsewhere })
        }
        Request::Preview(container, byte_view) => {
            let preview = Arc::new(Preview::new(container, byte_view, task)?);
            Ok(Outcome::Previewed { byte_view: byte_view.clone(), preview })
        }
        Request::Describe(container, audit) => {
            Ok(Outcome::Described(Arc::new(Description::new(container, audit.as_deref()))))
        }
        Request::SearchFields { container, description, text } => {
            Ok(Outcome::FoundFields(description.fields.search(container, text, task)?))
        }
        Request::Diff { source, other, options } => compare([source, other], options, task),
    }
}

/// Recomputes the digest and, since all bytes are read for that, the CRCs beside it.
fn verify(container: &Container, task: &Task, so_far: &mut dyn FnMut(Outcome)) -> Result<Outcome, Failure> {
    let beside = task.part();
    let (looked, verified) = thread::scope(|scope| {
        let looking = scope.spawn(|| container.look_at_all(&beside));
        let verified = audit::verify(container, task);
        (looking.join(), verified)
    });
    match looked {
        Ok(looked) => looked?,
        Err(panic) => std::panic::resume_unwind(panic),
    }
    let verified = verified?;
    let info = report::verify::info(&verified, container);
    if let Some(checked) = verified.checked {
        so_far(Outcome::Indexed(Arc::new(prepared(checked))));
    }
    let mut verification = verified.verification;
    verification.info = info;
    Ok(Outcome::Verified(verification))
}

/// The whole chain, where the length of this chunk may hide others.
fn unhidden(container: &Container, chunk: &Chunk, task: &Task) -> Result<Option<Outcome>, Cancelled> {
    if !container.may_hide(chunk) {
        return Ok(None);
    }
    Ok(Some(Outcome::Indexed(Arc::new(prepared(container.checked(task)?)))))
}

/// What a block's content is read from. Its CRC is recomputed first: nothing is shown of it that nobody has checked.
fn coding(container: &Container, chunk: &Chunk, task: &Task) -> Result<Result<ByteSource, BlockError>, Cancelled> {
    _ = container.is_intact(chunk);
    match container.coding(chunk.block().unwrap_or_default(), task) {
        Ok(coding) => Ok(Ok(coding)),
        Err(ByteSourceError::Block(why)) => Ok(Err(why)),
        Err(ByteSourceError::Cancelled(cancelled)) => Err(cancelled),
    }
}

/// Compares two files, both read alike: what only one of them was checked for would be a difference.
fn compare(sources: [&Arc<Source>; 2], options: &Options, task: &Task) -> Result<Outcome, Failure> {
    let open = |source: &Arc<Source>| {
        let opened = Container::read(source.clone(), options.clone(), Depth::Checked, task);
        task.check()?;
        opened.map_err(|error| Failure::Failed(format!("{}: {error}", source.name())))
    };
    let [before, after] = sources;
    let (before, after) = (open(before)?, open(after)?);
    task.reach(0)?;
    let found = diff(&before, &after, task).map_err(|error| match error {
        DiffError::Cancelled(cancelled) => cancelled.into(),
        error => failed(error),
    })?;
    let lines = lines(&found, Pair { before: &before, after: &after });
    before.prepare();
    let differences = Differences { summary: describe(&found), same: found.is_same(), lines };
    Ok(Outcome::Compared { container: Arc::new(before), differences: Arc::new(differences) })
}

fn index(
    source: &Arc<Source>,
    options: &Options,
    task: &Task,
    so_far: &mut dyn FnMut(Outcome),
) -> Result<Outcome, Failure> {
    let mut loader = Loader::new(source.clone(), options.clone(), Depth::Doubted).map_err(failed)?;
    walk(&mut loader, task, so_far)?;
    Ok(Outcome::Indexed(Arc::new(prepared(Container::load(loader, task)?))))
}

/// Walks what is added to a file, each time it is looked at.
fn follow(
    following: &Following,
    every: Option<Duration>,
    task: &Task,
    so_far: &mut dyn FnMut(Outcome),
) -> Result<Outcome, Failure> {
    let mut slot = following.loader.lock().unwrap_or_else(PoisonError::into_inner);
    let begin = || Loader::new(following.source.clone(), following.options.clone(), Depth::Headers);
    let loader = match &mut *slot {
        Some(loader) => loader,
        none => none.insert(begin().map_err(failed)?),
    };
    let mut is_new = true;
    loop {
        is_new |= loader.grow().map_err(failed)?;
        if is_new {
            walk(loader, task, so_far)?;
            is_new = false;
            so_far(Outcome::Indexed(Arc::new(prepared(loader.snapshot()))));
        }
        match every {
            Some(every) => thread::sleep(every),
            None => return Ok(Outcome::Followed),
        }
        task.check()?;
    }
}

/// Walks all there is, and shows what is walked from time to time.
fn walk(loader: &mut Loader, task: &Task, so_far: &mut dyn FnMut(Outcome)) -> Result<(), Failure> {
    task.set_total(loader.progress().1);
    // The first snapshot comes at once: it knows what the end of the file says.
    let mut next = Instant::now();
    while loader.advance(STRIDE) == Step::More {
        task.reach(loader.progress().0)?;
        if Instant::now() >= next {
            let started = Instant::now();
            so_far(Outcome::Indexed(Arc::new(prepared(loader.snapshot()))));
            // Most of the time goes on with the walk, however long a snapshot takes.
            next = Instant::now() + SNAPSHOT_EVERY.max(started.elapsed() * 4);
        }
    }
    Ok(())
}

/// The container, with what every frame asks for found already: no frame reads the file.
fn prepared(container: Container) -> Container {
    container.prepare();
    container
}

/// Blocks among which an intact one is looked for to try a secret on.
const TRIED_BLOCKS: u64 = 64;

/// An intact block, and whether the secret opens it; `None` where none stands among the first.
fn try_secret(container: &Container) -> Option<(u64, bool)> {
    let index = container.index();
    let mut first = (0..index.blocks().min(TRIED_BLOCKS)).filter_map(|block| index.block(block));
    let intact = first.find(|chunk| container.is_intact(chunk))?.block()?;
    let window = container.window(intact, 0, 1).ok()?;
    Some((intact, !matches!(window.problem, Some(BlockError::Decrypt { .. }))))
}

/// Writes a block beside its path and renames it; a file that exists is left alone.
fn export(container: &Container, block: u64, form: Form, path: &Path) -> Result<Outcome, Failure> {
    let at_path = |why: &dyn std::fmt::Display| failed(format_args!("{}: {why}", path.display()));
    let (stored, content) = container.block_bytes(block, form).map_err(failed)?;
    let masked = (content.stage == Stage::Masked).then(|| {
        format!("block {block} is {}; the file is still masked, :mask-key unmasks it", content.stage.describe())
    });
    let caveats = [stored.damage(), masked, container.doubt(block)].into_iter().flatten().collect();
    let write = || {
        let place = Destination::look(path)?;
        if place.found() != Found::Nothing {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        let mut draft = place.draft(false)?;
        draft.write_all(&content)?;
        draft.publish()
    };
    match write() {
        Ok(()) => Ok(Outcome::Exported { path: PathBuf::from(path), len: content.len() as u64, caveats }),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(at_path(&"it exists, so nothing was written; press `e` and give another name"))
        }
        Err(error) => Err(at_path(&error)),
    }
}

/// Threads of a kind of job. A job that was replaced ends as soon as it is asked whether to go on; while it waits for a
/// file that doesn't answer it isn't, and its thread is left to wait.
const THREADS_OF_A_KIND: usize = 3;

/// Does jobs, each on a thread of its own that ends with it. Of a kind whose threads all wait for a file, the newest job
/// waits too, and the ones that it replaced are dropped. Where the system allows no more threads, jobs wait for one that
/// ends, and where it allows none, they are done between two frames.
#[derive(Debug)]
pub struct Workers {
    events: Sender<Event>,
    /// Threads at work.
    busy: Arc<Mutex<HashMap<JobKind, usize>>>,
    waiting: VecDeque<Arc<Job>>,
}

impl Workers {
    /// What jobs have to say goes into `events`.
    pub fn new(events: Sender<Event>) -> Self {
        Self { events, busy: Arc::default(), waiting: VecDeque::new() }
    }

    /// Does a job, after those that wait.
    pub fn start(&mut self, job: Job) {
        self.waiting.push_back(Arc::new(job));
        self.start_waiting();
    }

    /// Does what waits, as far as there are threads for it.
    pub fn start_waiting(&mut self) {
        for job in std::mem::take(&mut self.waiting) {
            // Whoever replaced it has forgotten it.
            if job.task.check().is_ok() && !self.begin(&job) {
                self.waiting.push_back(job);
            }
        }
    }

    /// Begins a job; false where it has to wait.
    fn begin(&self, job: &Arc<Job>) -> bool {
        let busy = || self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let of_its_kind = busy().get(&job.request.kind()).copied().unwrap_or(0);
        if of_its_kind >= THREADS_OF_A_KIND {
            return false;
        }
        if spawn(job, &self.busy, self.events.clone()).is_ok() {
            return true;
        }
        if busy().values().sum::<usize>() > 0 {
            return false;
        }
        let events = &self.events;
        let mut tell = |report| _ = events.send(Event::Report(report));
        match &job.request {
            // It would never end.
            Request::Follow { every: Some(_), .. } => {
                let why = "the system allows no more threads, so the file can't be followed".to_owned();
                tell(Report { id: job.id, outcome: Err(Failure::Failed(why)), last: true });
            }
            _ => perform(job, &mut tell),
        }
        true
    }
}

fn spawn(job: &Arc<Job>, busy: &Arc<Mutex<HashMap<JobKind, usize>>>, events: Sender<Event>) -> io::Result<()> {
    let kind = job.request.kind();
    let count = move |busy: &Mutex<HashMap<JobKind, usize>>, change: fn(usize) -> usize| {
        let mut busy = busy.lock().unwrap_or_else(PoisonError::into_inner);
        let threads = busy.entry(kind).or_default();
        *threads = change(*threads);
    };
    let (job, theirs) = (Arc::clone(job), Arc::clone(busy));
    count(busy, |threads| threads + 1);
    let work = move || {
        let mut last = None;
        perform(&job, &mut |report| match report.last {
            true => last = Some(report),
            // Nobody listens only when the program has ended.
            false => _ = events.send(Event::Report(report)),
        });
        // Before the end is told: whoever waits for a thread then tries again.
        count(&theirs, |threads| threads.saturating_sub(1));
        if let Some(report) = last {
            _ = events.send(Event::Report(report));
        }
    };
    let started = thread::Builder::new().name(kind.title().to_owned()).spawn(work).map(drop);
    started.inspect_err(|_| count(busy, |threads| threads.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::state::Jobs;

    fn reports(request: Request) -> Vec<Report> {
        let job = Jobs::default().start(request);
        let mut reports = Vec::new();
        perform(&job, &mut |report| reports.push(report));
        assert!(reports.last().unwrap().last && reports.iter().filter(|r| r.last).count() == 1);
        reports
    }

    fn container() -> Arc<Container> {
        let source = crate::tui::testing::sample();
        let request = Request::Index { source, options: Options::default() };
        match reports(request).pop().unwrap().outcome {
            Ok(Outcome::Indexed(container)) => container,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_that_is_no_container_fails_with_its_reason() {
        let source = Arc::new(Source::from_bytes("x", b"RIFF".to_vec()));
        let outcome = reports(Request::Index { source, options: Options::default() }).pop().unwrap().outcome;
        assert!(matches!(outcome, Err(Failure::Failed(_))), "{outcome:?}");
    }

    #[test]
    fn a_cancelled_job_says_so() {
        let mut jobs = Jobs::default();
        let job = jobs.start(Request::Verify(container()));
        jobs.cancel_all();
        let mut outcome = None;
        perform(&job, &mut |report| outcome = Some(report.outcome));
        assert!(matches!(outcome, Some(Err(Failure::Cancelled))), "{outcome:?}");
    }

    #[test]
    fn a_block_is_exported_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("block.bin");
        let export = || Request::Export { container: container(), block: 1, form: Form::Decoded, path: path.clone() };
        let outcome = reports(export()).pop().unwrap().outcome;
        assert!(matches!(outcome, Ok(Outcome::Exported { len: 256, .. })), "{outcome:?}");
        assert_eq!(std::fs::read(&path).unwrap(), [1; 256]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
            let other = tempfile::tempdir().unwrap();
            let new = other.path().join("new");
            std::fs::write(&new, b"").unwrap();
            assert_eq!(mode(&path), mode(&new), "as any new file");
        }
        let again = reports(export()).pop().unwrap().outcome;
        assert!(
            matches!(&again, Err(Failure::Failed(why)) if why.ends_with("press `e` and give another name")),
            "{again:?}"
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
