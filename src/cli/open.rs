//! Files and containers, opened as the settings say; errors name the file.

use super::input::Input;
use super::messages::Progress;
use super::session::Session;
use super::status::Status;
use anyhow::Context;
use h4mk::audit::{self, Audit};
use h4mk::container::{Container, Options};
use h4mk::index::Chunk;
use h4mk::source::{Source, SourceError};
use h4mk::task::Task;
use h4mk::walk::Depth;
use std::sync::Arc;

/// Opens a file, whatever is in it.
pub(super) fn source(file: &Input) -> anyhow::Result<Arc<Source>> {
    match raw_source(file) {
        Ok(source) => Ok(Arc::new(source)),
        Err(SourceError::IsDirectory) => {
            let others = format!("list its files with `h4inspect {file}`, check them with `h4inspect audit {file}`");
            Err(Status::Unreadable.error(format!("{file}: it is a folder, not a file; name a file in it, or {others}")))
        }
        Err(error) => Err(error).with_context(|| file.to_string()),
    }
}

/// Likewise, with an error that does not name the file.
pub(super) fn raw_source(file: &Input) -> Result<Source, SourceError> {
    match file {
        Input::Stdin => Source::stdin(),
        Input::Path(path) => Source::open(path),
    }
}

/// Opens a container by its headers, as long as nothing contradicts them.
pub(super) fn container(file: &Input, session: &Session) -> anyhow::Result<Container> {
    container_of(source(file)?, file, session)
}

/// Opens a container in a file that is open.
pub(super) fn container_of(source: Arc<Source>, file: &Input, session: &Session) -> anyhow::Result<Container> {
    walk(source, file, Depth::Doubted, session)
}

/// Opens a container and checks every chunk of it.
pub(super) fn checked(file: &Input, session: &Session) -> anyhow::Result<Arc<Container>> {
    Ok(Arc::new(walk(source(file)?, file, Depth::Checked, session)?))
}

/// Returns the container to consult about a chunk, or to establish that the chunk doesn't exist.
pub(super) fn sure_of(container: Container, chunk: Option<Chunk>, file: &Input) -> anyhow::Result<Container> {
    let task = Arc::new(Task::default());
    let _progress = Progress::start(format_args!("check {file}"), task.clone());
    container.sure_of(chunk, &task).with_context(|| file.to_string())
}

fn walk(source: Arc<Source>, file: &Input, depth: Depth, session: &Session) -> anyhow::Result<Container> {
    let task = Arc::new(Task::default());
    let _progress = Progress::start(format_args!("read {file}"), task.clone());
    Container::read(source, options(session), depth, &task).with_context(|| file.to_string())
}

/// What the settings say about reading.
pub(super) fn options(session: &Session) -> Options {
    session.options.clone()
}

/// Audits a file that is open.
pub(super) fn audit(source: &Arc<Source>, file: &Input, session: &Session) -> anyhow::Result<Audit> {
    let task = Arc::new(Task::default());
    let _progress = Progress::start(format_args!("check {file}"), task.clone());
    audit::audit(source, &options(session), &task).with_context(|| file.to_string())
}
