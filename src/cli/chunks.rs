//! `chunks`: the chunk tree.

use std::sync::Arc;

use super::input::Input;
use super::output::Output;
use super::session::Session;
use super::status::Status;
use super::{open, settle};
use crate::report::chunks::write_text;
use h4mk::index::State;
use h4mk::report::{Chunks, json};

/// Arguments of `chunks`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  h4inspect chunks clip.h4mk
  h4inspect chunks --check --json clip.h4mk | jq '.chunks[] | select(.crc_ok | not)'")]
pub struct Args {
    /// Container to read; - is standard input
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub file: Input,
    /// Write JSON
    #[arg(long)]
    pub json: bool,
    /// Recompute every CRC
    #[arg(long)]
    pub check: bool,
}

/// Lists them.
pub fn run(args: &Args, session: &mut Session) -> anyhow::Result<()> {
    let container =
        if args.check { open::checked(&args.file, session)? } else { Arc::new(open::container(&args.file, session)?) };
    let is_whole =
        || container.walked().losses.is_empty() && container.index().iter().all(|chunk| chunk.state() == State::Intact);
    if args.check && !is_whole() {
        session.raise(Status::Findings);
    }
    let mut out = Output::stdout();
    if args.json {
        json::write_line(&mut out, json::DOCUMENT, &Chunks::new(&container))?;
    } else {
        write_text(&mut out, session.paint, &container)?;
    }
    settle::container(&container, session);
    out.finish()
}
