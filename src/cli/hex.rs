//! `hex`: a hex dump of the file, a chunk or a block.

use super::input::Input;
use super::size;

/// Arguments of `hex`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  h4inspect hex clip.h4mk --length 256
  h4inspect hex clip.h4mk --block 30 | less
  h4inspect hex clip.h4mk --offset 0x1f40 --length 4KiB")]
pub struct Args {
    /// Container to read; - is standard input
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub file: Input,
    /// This block, decoded
    #[arg(long, value_name = "N", group = "part")]
    pub block: Option<u64>,
    /// The block as stored, not decoded
    #[arg(long, requires = "block")]
    pub raw: bool,
    /// This chunk, header and all
    #[arg(long, value_name = "N", group = "part")]
    pub chunk: Option<u64>,
    /// From this offset of the file on, decimal or 0x…
    #[arg(long, value_name = "OFFSET", group = "part", value_parser = size::parse)]
    pub offset: Option<u64>,
    /// At most this many bytes
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    pub length: Option<u64>,
}
