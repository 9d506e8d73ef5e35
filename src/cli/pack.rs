//! `pack`: a transport container from raw bytes.

use super::input::Input;
use super::output::Target;
use super::size;

/// Arguments of `pack`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  h4inspect pack frames.raw --out clip.h4mk --block-size 64KiB --fps 30 --gop 30
  h4inspect pack - --out clip.h4mk --meta meta.json --safe safe.json < frames.raw")]
pub struct Args {
    /// Bytes to pack; - is standard input
    #[arg(value_name = "RAW", value_hint = clap::ValueHint::FilePath)]
    pub raw: Input,
    /// Where to write; - is standard output
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub out: Target,
    /// Replace PATH if it exists
    #[arg(long)]
    pub force: bool,
    /// Bytes of a block, a multiple of 256 [default: META's]
    #[arg(long, value_name = "SIZE", value_parser = block_size)]
    pub block_size: Option<u64>,
    /// Blocks a second [default: META's]
    #[arg(long, value_parser = fps)]
    pub fps: Option<f64>,
    /// Blocks from keyframe to keyframe [default: META's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub gop: Option<u32>,
    /// Store this JSON file as META
    #[arg(long, value_name = "JSON-FILE", value_hint = clap::ValueHint::FilePath)]
    pub meta: Option<Input>,
    /// Store this JSON file as SAFE [default: the export pipeline's]
    #[arg(long, value_name = "JSON-FILE", value_hint = clap::ValueHint::FilePath)]
    pub safe: Option<Input>,
}

/// The reference compressor takes no block whose length is not a multiple of this.
const BLOCK_GRAIN_BYTES: u64 = 256;

fn block_size(text: &str) -> Result<u64, String> {
    let bytes = size::parse(text).map_err(|error| error.to_string())?;
    if bytes == 0 || !bytes.is_multiple_of(BLOCK_GRAIN_BYTES) {
        return Err(format!("a block is a multiple of {BLOCK_GRAIN_BYTES} bytes"));
    }
    Ok(bytes)
}

fn fps(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(fps) if fps.is_finite() && fps > 0.0 => Ok(fps),
        _ => Err("a rate is a number above 0, e.g. 29.97".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_multiples_of_256_and_rates_positive() {
        assert_eq!(block_size("64KiB"), Ok(65536));
        for text in ["0", "100", "1000B", "x"] {
            assert!(block_size(text).is_err(), "{text}");
        }
        assert_eq!(fps("29.97"), Ok(29.97));
        for text in ["0", "-1", "nan", "inf", "x"] {
            assert!(fps(text).is_err(), "{text}");
        }
    }
}
