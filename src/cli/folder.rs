//! Lists the containers in a folder, one per line, where there is no terminal to open it in. Reads headers, and payload only
//! where headers contradict each other.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use super::files::{self, Target};
use super::open;
use super::output::Output;
use super::session::Session;
use super::status::Status;
use crate::report::info::Glance;
use crate::report::style::Role;
use crate::report::{count, size};
use h4mk::container::Container;
use h4mk::finding::Severity;
use h4mk::name::FileName;
use h4mk::task::Task;
use h4mk::text;
use h4mk::time::format_us;
use h4mk::walk::Depth;

/// Lists the containers of a folder.
pub(super) fn run(folder: &Path, session: &mut Session) -> anyhow::Result<()> {
    let mut out = Output::stdout();
    let mut files = 0;
    for found in files::in_folder(folder, &Arc::default()) {
        files += 1;
        let name = FileName::from(found.name.as_path());
        let line = describe(found, session);
        let file = session.paint.paint(Role::Heading, text::escape(name.as_str()));
        match line {
            Ok(line) => writeln!(out, "{file}: {line}")?,
            Err(why) => {
                session.raise(Status::Unreadable);
                writeln!(out, "{file}: {}", session.paint.paint(Role::Error, text::escape(&why)))?;
            }
        }
    }
    let read = "payloads were read only where headers contradict each other; `audit` checks everything";
    writeln!(out, "{}; {read}", count(files, "file"))?;
    out.finish()
}

fn describe(found: Target, session: &Session) -> Result<String, String> {
    let source = Arc::new(found.open()?);
    let container = Container::read(source, open::options(session), Depth::Doubted, &Task::default());
    let Glance { info, damage, .. } = Glance::new(&container.map_err(|error| error.to_string())?, None);
    let duration = info.duration_us.map_or_else(|| "duration unknown".to_owned(), format_us);
    let line = format!("{}, {}, {}, {duration}", info.layout, size(info.bytes), count(info.blocks, "block"));
    let Some(damage) = damage else { return Ok(line) };
    let kind = if damage.severity == Severity::Error { "damaged" } else { "doubtful" };
    let words = format!("{kind}: {}", text::escape(damage.describe()));
    Ok(format!("{line}; {}", session.paint.paint(damage.role(), words)))
}
