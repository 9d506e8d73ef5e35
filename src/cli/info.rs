//! `info`: one screen on one file.

use super::input::Input;
use super::output::Output;
use super::session::Session;
use super::{open, settle, status};
use crate::report::info::Glance;
use h4mk::finding::Severity;
use h4mk::report::json;

/// Arguments of `info`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  h4inspect info clip.h4mk
  h4inspect info --check --json clip.h4mk | jq .veri.status")]
pub struct Args {
    /// Container to read; - is standard input
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub file: Input,
    /// Write JSON
    #[arg(long)]
    pub json: bool,
    /// Read the payloads too, for VERI and the compression ratio
    #[arg(long)]
    pub check: bool,
}

/// Says it.
pub fn run(args: &Args, session: &mut Session) -> anyhow::Result<()> {
    let container = open::container(&args.file, session)?;
    let glance = if args.check {
        let audit = open::audit(container.source(), &args.file, session)?;
        session.raise(status::of_audit(audit.verdict, audit.findings.worst(), audit.complete, Some(Severity::Error)));
        Glance::new(audit.container.as_deref().unwrap_or(&container), Some(&audit))
    } else {
        Glance::new(&container, None)
    };
    let mut out = Output::stdout();
    if args.json {
        json::write_line(&mut out, json::DOCUMENT, &glance.info)?;
    } else {
        glance.write_text(&mut out, session.paint)?;
    }
    settle::container(&container, session);
    out.finish()
}
