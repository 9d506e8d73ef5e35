//! `diff`: two containers compared by content.

use std::sync::Arc;

use super::input::Input;
use super::messages::Progress;
use super::output::Output;
use super::session::Session;
use super::status::Status;
use super::{open, settle};
use crate::report::diff::{lines, write_text};
use h4mk::diff::{Pair, diff};
use h4mk::report::{Comparison, json};
use h4mk::task::Task;

/// Arguments of `diff`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Marks: - only in A, + only in B, ~ changed, > moved, @ re-timed, ! damaged in one of them.

Examples:
  h4inspect diff old.h4mk new.h4mk
  h4inspect diff old.h4mk new.h4mk --json | jq '.blocks.changed[].before.block'
  curl -s https://example.com/clip.h4mk | h4inspect diff clip.h4mk -")]
pub struct Args {
    /// Container to start from; - is standard input
    #[arg(value_name = "A", value_hint = clap::ValueHint::FilePath)]
    pub before: Input,
    /// Container to compare it with; - is standard input
    #[arg(value_name = "B", value_hint = clap::ValueHint::FilePath)]
    pub after: Input,
    /// Write JSON
    #[arg(long)]
    pub json: bool,
}

/// Compares.
pub fn run(args: &Args, session: &mut Session) -> anyhow::Result<()> {
    let before = open::checked(&args.before, session)?;
    let after = open::checked(&args.after, session)?;
    let found = {
        let task = Arc::new(Task::default());
        let label = format!("compare {} and {}", args.before, args.after);
        let _progress = Progress::start(label, Arc::clone(&task));
        diff(&before, &after, &task).map_err(|error| {
            Status::NotFullyVerified.error(format_args!("{} and {}: {error}", args.before, args.after))
        })?
    };
    if !found.is_same() {
        session.raise(Status::Findings);
    }
    let names = Pair { before: before.source().file_name(), after: after.source().file_name() };
    let mut out = Output::stdout();
    if args.json {
        json::write_line(&mut out, json::DOCUMENT, &Comparison::new(names, &found))?;
    } else {
        let lines = lines(&found, Pair { before: &before, after: &after });
        write_text(&mut out, session.paint, names, &found, &lines)?;
    }
    settle::container(&before, session);
    settle::container(&after, session);
    out.finish()
}
