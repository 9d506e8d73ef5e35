//! `chunks`: the chunk tree.

use super::input::Input;

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
    /// Compute every CRC again
    #[arg(long)]
    pub check: bool,
}
