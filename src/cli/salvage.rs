//! `salvage`: a new valid container from what is intact.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use super::input::Input;
use super::messages::Progress;
use super::output::{Output, Target};
use super::session::Session;
use super::status::Status;
use super::{block_output, open};
use crate::report::advice::{advice, way};
use crate::report::salvage::Words;
use h4mk::audit::Verdict;
use h4mk::name::FileName;
use h4mk::report::{Salvage, json};
use h4mk::salvage::{SalvageError, Settings, Sibling, SiblingError, salvage};
use h4mk::task::Task;

/// Arguments of `salvage`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  h4inspect salvage broken.h4mk --out saved.h4mk
  h4inspect salvage broken.h4mk --repair --out saved.h4mk --json | jq .dropped
  h4inspect salvage masked.h4mk --out saved.h4mk --placeholders
  h4inspect salvage broken.h4mk --out saved.h4mk --meta-from episode-2.h4mk
  h4inspect salvage broken.h4mk --out saved.h4mk; h4inspect diff broken.h4mk saved.h4mk")]
pub struct Args {
    /// Container to read; - is standard input
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub file: Input,
    /// Where to write; - is standard output, with the report on standard error
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub out: Target,
    /// Replace PATH if it exists
    #[arg(long)]
    pub force: bool,
    /// Also mend flipped bits, where VERI confirms the repair
    #[arg(long)]
    pub repair: bool,
    /// Write an empty block for each lost block whose number is known, so all others keep their index, time and mask
    #[arg(long)]
    pub placeholders: bool,
    /// Where META or SAFE is lost, take it from this container of the same writer
    #[arg(long, value_name = "OTHER", value_hint = clap::ValueHint::FilePath)]
    pub meta_from: Option<Input>,
    /// Write the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Salvages.
pub fn run(args: &Args, session: &mut Session) -> anyhow::Result<()> {
    let inputs = [Some(&args.file), args.meta_from.as_ref()];
    let mut out = Output::create(&args.out, args.force, inputs.into_iter().flatten())?;
    out.refuse_terminal()?;
    let sibling = args.meta_from.as_ref().map(|other| sibling(other, session)).transpose()?;
    let source = open::source(&args.file)?;
    let audit = open::audit(&source, &args.file, session)?;
    if audit.verdict == Verdict::Unreadable {
        let first = audit.findings.list().first();
        let why = first.map_or_else(String::new, |first| format!("{}. {}", first.message, advice(first)));
        return Err(Status::Unreadable.error(format!("{}: {why}", args.file)));
    }
    let report = {
        let task = Arc::new(Task::default());
        let _progress = Progress::start(format_args!("salvage {}", args.file), Arc::clone(&task));
        let settings = Settings { repair: args.repair, placeholders: args.placeholders, sibling: sibling.as_ref() };
        salvage(&audit, &settings, &mut Copied(&mut out), &task).map_err(|error| named(error, args))?
    };
    if !report.nothing_lost() {
        session.raise(Status::Findings);
    }
    out.finish()?;
    let name = |path: Option<&Path>| path.map_or_else(|| "-".into(), FileName::from);
    let salvage = Salvage::new(&name(args.file.path()), &name(args.out.path()), &report, way);
    match &args.out {
        Target::Path(_) => {
            let mut out = Output::stdout();
            write_report(Words::new(&salvage, &report), args.json, session, &mut out)?;
            out.finish()
        }
        Target::Stdout => {
            // Whoever closed standard error does not want to hear it.
            _ = write_report(Words::new(&salvage, &report), args.json, session, &mut io::stderr().lock());
            Ok(())
        }
    }
}

fn write_report(salvage: Words<'_>, as_json: bool, session: &Session, out: &mut dyn Write) -> io::Result<()> {
    match as_json {
        true => json::write_line(out, json::DOCUMENT, salvage.salvage),
        false => salvage.write_text(out, session.paint),
    }
}

/// What META and SAFE are taken from.
fn sibling(other: &Input, session: &Session) -> anyhow::Result<Sibling> {
    let audit = open::audit(&open::source(other)?, other, session)?;
    let Some(container) = audit.container else {
        let why = audit.findings.list().first().map_or_else(String::new, |first| first.message.clone());
        return Err(Status::Unreadable.error(format!("{other}: {why}")));
    };
    Sibling::of(&container, other.to_string()).map_err(|error| refused(&error, other))
}

fn refused(error: &SiblingError, other: &Input) -> anyhow::Error {
    Status::Usage.error(format!("--meta-from {other}: {error}"))
}

fn named(error: SalvageError, args: &Args) -> anyhow::Error {
    let file = &args.file;
    match error {
        SalvageError::Sibling(error) => match &args.meta_from {
            Some(other) => refused(&error, other),
            None => Status::Usage.error(error),
        },
        // The output has named itself.
        SalvageError::Write(error) => error.into(),
        SalvageError::Unreadable(why) => Status::Unreadable.error(format!("{file}: {why}")),
        SalvageError::Changed(_) => Status::NotFullyVerified.error(format!("{file}: {error}")),
        SalvageError::Nothing => Status::Findings.error(format!("{file}: {error}; nothing was written")),
        _ => Status::Findings.error(format!("{file}: {error}")),
    }
}

/// Takes large pieces of the source by way of the output's buffer, see [`content::PIECE_BYTES`].
struct Copied<'a>(&'a mut Output);

impl Write for Copied<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes.get(..block_output::PIECE_BYTES).unwrap_or(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
