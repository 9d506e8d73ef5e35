//! `unpack`: all blocks in order, or one chunk's payload.

use super::input::Input;
use super::output::Target;

/// Arguments of `unpack`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  h4inspect unpack clip.h4mk --out clip.raw
  h4inspect unpack clip.h4mk --chunk 9 --out - | jq .")]
pub struct Args {
    /// Container to read; - is standard input
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub file: Input,
    /// Where to write; - is standard output
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub out: Target,
    /// Replace PATH if it exists
    #[arg(long)]
    pub force: bool,
    /// Blocks as stored, not decoded
    #[arg(long)]
    pub raw: bool,
    /// Only the payload of this chunk, from 0
    #[arg(long, value_name = "N")]
    pub chunk: Option<u64>,
    /// Threads that decode [default: one a processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
}
