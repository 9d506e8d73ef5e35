//! A folder where there is no terminal to open it in: a line a container, from headers alone.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use super::files::{self, Lost};
use super::output::Output;
use super::status::Status;
use super::{Session, open};
use crate::core::container::Container;
use crate::core::finding::Severity;
use crate::core::source::Source;
use crate::core::task::Task;
use crate::core::text;
use crate::core::time::format_us;
use crate::core::walk::Depth;
use crate::report::info::Info;
use crate::report::style::Role;
use crate::report::{count, size};

/// Lists the containers of a folder.
pub(super) fn run(folder: &Path, session: &mut Session) -> anyhow::Result<()> {
    let mut out = Output::stdout();
    let mut files = 0;
    for found in files::in_folder(folder) {
        files += 1;
        let (name, line) = match found {
            Ok(path) => (path.to_string_lossy().into_owned(), describe(&path, session)),
            Err(Lost { name, why }) => (name, Err(why)),
        };
        let file = session.paint.paint(Role::Heading, text::escape(&name));
        match line {
            Ok(line) => writeln!(out, "{file}: {line}")?,
            Err(why) => {
                session.raise(Status::Unreadable);
                writeln!(out, "{file}: {}", session.paint.paint(Role::Error, text::escape(&why)))?;
            }
        }
    }
    writeln!(out, "{}; only headers were read, `audit` checks the rest", count(files, "file"))?;
    out.finish()
}

fn describe(path: &Path, session: &Session) -> Result<String, String> {
    let source = Source::open_regular(path).map_err(|error| error.to_string())?;
    let container = Container::open(Arc::new(source), open::options(session), Depth::Doubted, &Task::default());
    let info = Info::new(&container.map_err(|error| error.to_string())?, None);
    let duration = info.duration_us.map_or_else(|| "duration unknown".to_owned(), format_us);
    let line = format!("{}, {}, {}, {duration}", info.layout, size(info.bytes), count(info.blocks, "block"));
    let Some(damage) = &info.damage else { return Ok(line) };
    let kind = if damage.severity == Severity::Error { "damaged" } else { "doubtful" };
    let words = format!("{kind}: {}", text::escape(damage.describe()));
    Ok(format!("{line}; {}", session.paint.paint(damage.role(), words)))
}
