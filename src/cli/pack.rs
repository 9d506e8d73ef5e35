//! `pack`: a transport container from raw bytes.

use std::io::{self, IsTerminal, Read, StdinLock};
use std::sync::Arc;

use anyhow::Context;

use super::input::Input;
use super::messages::{self, Progress};
use super::output::{Output, Target};
use super::session::Session;
use super::status::Status;
use super::{open, settle};
use h4mk::pack::{self, PackError, Settings, SettingsError};
use h4mk::size;
use h4mk::source::{Source, SourceError};
use h4mk::task::Task;

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
    /// Size of a block, a multiple of 256 [default: META's]
    #[arg(long, value_name = "SIZE", value_parser = block_size)]
    pub block_size: Option<u64>,
    /// Blocks per second [default: META's]
    #[arg(long, value_parser = fps)]
    pub fps: Option<f64>,
    /// Blocks from one keyframe to the next [default: META's]
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
        return Err(format!("the size of a block must be a multiple of {BLOCK_GRAIN_BYTES} bytes"));
    }
    Ok(bytes)
}

fn fps(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(fps) if fps.is_finite() && fps > 0.0 => Ok(fps),
        _ => Err("the rate must be a number above 0, e.g. 29.97".into()),
    }
}

/// Packs.
pub fn run(args: &Args, session: &mut Session) -> anyhow::Result<()> {
    let inputs = [Some(&args.raw), args.meta.as_ref(), args.safe.as_ref()];
    let mut out = Output::create(&args.out, args.force, inputs.into_iter().flatten())?;
    out.refuse_terminal()?;
    let read = |file: &Input| Ok::<_, anyhow::Error>(open::source(file)?.bytes().to_vec());
    let meta = args.meta.as_ref().map(read).transpose()?;
    let safe = args.safe.as_ref().map(read).transpose()?;
    let gop = args.gop.map(u64::from);
    let settings = Settings::resolve(meta.as_deref(), safe.as_deref(), args.block_size, args.fps, gop);
    let settings = settings.map_err(|error| refused(&error, args))?;

    let mut raw = Raw::open(&args.raw)?;
    let task = Arc::new(Task::new(raw.len()));
    let packed = {
        let _progress = Progress::start(format_args!("pack {}", args.raw), Arc::clone(&task));
        pack::pack(&mut raw, &mut out, &settings, &task).map_err(|error| named(error, &args.raw))?
    };
    if packed.padding > 0 {
        let added = crate::report::count(packed.padding, "zero byte");
        messages::warn(&args.raw, format_args!("{added} added to make the last block a multiple of 256"));
    }
    if let Raw::Source { source, .. } = &raw {
        settle::source(source, session);
    }
    out.finish()
}

/// Settings that can't be packed by, with the file that they are from.
fn refused(error: &SettingsError, args: &Args) -> anyhow::Error {
    let file = match error {
        SettingsError::NotJsonObject { chunk: "SAFE", .. } => &args.safe,
        SettingsError::NotJsonObject { .. } | SettingsError::MetaField { .. } | SettingsError::Contradiction { .. } => {
            &args.meta
        }
        _ => &None,
    };
    match file {
        Some(file) => Status::Usage.error(format!("{file}: {error}")),
        None => Status::Usage.error(error),
    }
}

/// Raw bytes as a stream.
enum Raw {
    /// Standard input, as it comes.
    Stdin(StdinLock<'static>),
    /// A file that is open, and how far it was read.
    Source { source: Arc<Source>, at: u64 },
}

impl Raw {
    fn open(file: &Input) -> anyhow::Result<Self> {
        match file {
            Input::Stdin if io::stdin().is_terminal() => Err(SourceError::Terminal).with_context(|| file.to_string()),
            Input::Stdin => Ok(Self::Stdin(io::stdin().lock())),
            Input::Path(_) => Ok(Self::Source { source: open::source(file)?, at: 0 }),
        }
    }

    /// Length in bytes; 0 where that is not known.
    fn len(&self) -> u64 {
        match self {
            Self::Stdin(_) => 0,
            Self::Source { source, .. } => source.len(),
        }
    }
}

impl Read for Raw {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stdin(stdin) => stdin.read(buffer),
            Self::Source { source, at } => {
                let read = source.bytes().available(*at, buffer.len() as u64).read().as_ref().read(buffer)?;
                *at += read as u64;
                Ok(read)
            }
        }
    }
}

fn named(error: PackError, raw: &Input) -> anyhow::Error {
    match error {
        PackError::Read(error) => anyhow::Error::new(error).context(raw.to_string()),
        // The output has named itself.
        PackError::Write(error) => error.into(),
        PackError::Settings(error) => Status::Usage.error(error),
        error => Status::Findings.error(format!("{raw}: {error}")),
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
