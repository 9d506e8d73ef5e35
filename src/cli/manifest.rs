//! `manifest`: the compatibility layer's manifest.

use super::input::Input;

/// Arguments of `manifest`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  h4inspect manifest clip.h4mk
  h4inspect manifest *.h4mk | jq -r .project")]
pub struct Args {
    /// Containers to read, one JSON a line if there are several; - is standard input
    #[arg(required = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub files: Vec<Input>,
    /// Add what `info --json` says, as `inspection`
    #[arg(long)]
    pub full: bool,
}
