//! `salvage`: a new valid container from what is intact.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use super::input::Input;
use super::messages::Progress;
use super::output::{Output, Target};
use super::status::Status;
use super::{Session, content, open};
use crate::core::audit::Verdict;
use crate::core::salvage::{SalvageError, salvage};
use crate::core::task::Task;
use crate::report::json;
use crate::report::salvage::Salvage;

/// Arguments of `salvage`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  h4inspect salvage broken.h4mk --out saved.h4mk
  h4inspect salvage broken.h4mk --repair --out saved.h4mk --json | jq .dropped
  h4inspect salvage broken.h4mk --out saved.h4mk; h4inspect diff broken.h4mk saved.h4mk")]
pub struct Args {
    /// Container to read; - is standard input
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub file: Input,
    /// Where to write; - is standard output, and then the report goes to standard error
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub out: Target,
    /// Replace PATH if it exists
    #[arg(long)]
    pub force: bool,
    /// Mend flipped bits too, where VERI or the closing CRC confirms the repair
    #[arg(long)]
    pub repair: bool,
    /// Report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Salvages.
pub fn run(args: &Args, session: &mut Session) -> anyhow::Result<()> {
    let mut out = Output::create(&args.out, args.force, [&args.file])?;
    out.refuse_terminal()?;
    let source = open::source(&args.file)?;
    let audit = open::audit(&source, &args.file, session)?;
    if audit.verdict == Verdict::Unreadable {
        let first = audit.findings.list().first();
        let why = first.map_or_else(String::new, |first| format!("{}. {}", first.message, first.advice()));
        return Err(Status::Unreadable.error(format!("{}: {why}", args.file)));
    }
    let report = {
        let task = Arc::new(Task::default());
        let _progress = Progress::start(format_args!("salvage {}", args.file), Arc::clone(&task));
        salvage(&audit, args.repair, &mut Copied(&mut out), &task).map_err(|error| named(error, &args.file))?
    };
    if !report.nothing_lost() {
        session.raise(Status::Findings);
    }
    out.finish()?;
    let name = |path: Option<&Path>| path.map_or_else(|| "-".into(), Path::to_string_lossy).into_owned();
    let salvage = Salvage::new(name(args.file.path()), name(args.out.path()), &report);
    match &args.out {
        Target::Path(_) => {
            let mut out = Output::stdout();
            write_report(&salvage, args.json, session, &mut out)?;
            out.finish()
        }
        Target::Stdout => {
            // Whoever closed standard error does not want to hear it.
            _ = write_report(&salvage, args.json, session, &mut io::stderr().lock());
            Ok(())
        }
    }
}

fn write_report(salvage: &Salvage, as_json: bool, session: &Session, out: &mut dyn Write) -> io::Result<()> {
    match as_json {
        true => json::write_line(out, json::DOCUMENT, salvage),
        false => salvage.write_text(out, session.paint),
    }
}

fn named(error: SalvageError, file: &Input) -> anyhow::Error {
    match error {
        // The output has named itself.
        SalvageError::Write(error) => error.into(),
        SalvageError::Unreadable(why) => Status::Unreadable.error(format!("{file}: {why}")),
        SalvageError::Changed(_) => Status::NotFullyVerified.error(format!("{file}: {error}")),
        SalvageError::Nothing => Status::Findings.error(format!("{file}: {error}; nothing was written")),
        SalvageError::TooLarge(_) | SalvageError::Cancelled(_) => Status::Findings.error(format!("{file}: {error}")),
    }
}

/// Takes large pieces of the source by way of the output's buffer, see [`content::PIECE_BYTES`].
struct Copied<'a>(&'a mut Output);

impl Write for Copied<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes.get(..content::PIECE_BYTES).unwrap_or(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
