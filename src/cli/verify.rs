//! `verify`: VERI, computed again.

use super::input::Input;
use super::output::Output;
use super::session::Session;
use super::{integrity, open, settle};
use crate::report::verify::write_text;
use h4mk::report::json;

/// Arguments of `verify`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  h4inspect verify clip.h4mk && echo unchanged
  h4inspect verify --json clip.h4mk | jq -r .computed")]
pub struct Args {
    /// Container to read; - is standard input
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub file: Input,
    /// Write JSON
    #[arg(long)]
    pub json: bool,
}

/// Verifies.
pub fn run(args: &Args, session: &mut Session) -> anyhow::Result<()> {
    let container = open::container(&args.file, session)?;
    let (verify, status) = integrity::verify(&container, &args.file)?;
    session.raise(status);
    let mut out = Output::stdout();
    if args.json {
        json::write_line(&mut out, json::DOCUMENT, &verify)?;
    } else {
        write_text(&mut out, session.paint, container.source().name(), &verify)?;
    }
    settle::container(&container, session);
    out.finish()
}
