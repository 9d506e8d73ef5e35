//! `seek`: the keyframe at or before a time, and the block it really is.

use super::input::Input;
use crate::core::time::Time;

/// Arguments of `seek`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
TIME is 1500000 or 1500000us, 1500ms, 1.5s, 00:01:02.500, 50%, or #30 for a block.

Examples:
  h4inspect seek clip.h4mk 7.5s
  h4inspect seek clip.h4mk 50% --json | jq .block_index")]
pub struct Args {
    /// Container to read; - is standard input
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub file: Input,
    /// Where to seek to
    #[arg(allow_negative_numbers = true)]
    pub time: Time,
    /// Write JSON
    #[arg(long)]
    pub json: bool,
}
