//! `info`: one screen on one file.

use super::input::Input;

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
    /// Read the payloads too: VERI and the compression ratio
    #[arg(long)]
    pub check: bool,
}
