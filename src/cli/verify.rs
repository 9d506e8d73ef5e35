//! `verify`: VERI, computed again.

use super::input::Input;

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
