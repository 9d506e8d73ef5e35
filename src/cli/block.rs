//! `block`: the bytes of one block.

use super::input::Input;
use super::output::{Output, Target};
use super::session::Session;
use super::{block_output, integrity, open, settle};
use h4mk::block::Form;

/// Arguments of `block`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  h4inspect block clip.h4mk 30 --out block30.bin
  h4inspect block clip.h4mk 30 --raw | sha256sum")]
pub struct Args {
    /// Container to read; - is standard input
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub file: Input,
    /// Index of the block, from 0
    #[arg(value_parser = block_output::ordinal)]
    pub index: u64,
    /// Write the block as stored, not decoded
    #[arg(long)]
    pub raw: bool,
    /// Where to write; - is standard output
    #[arg(long, value_name = "PATH", default_value = "-", hide_default_value = true)]
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub out: Target,
    /// Replace PATH if it exists
    #[arg(long)]
    pub force: bool,
}

/// Writes it.
pub fn run(args: &Args, session: &mut Session) -> anyhow::Result<()> {
    let mut out = Output::create(&args.out, args.force, [&args.file])?;
    out.refuse_terminal()?;
    let container = open::container(&args.file, session)?;
    integrity::require(&container, &args.file, session)?;
    let chunk = container.index().block(args.index);
    let container = open::sure_of(container, chunk, &args.file)?;
    match args.raw {
        true => block_output::write(
            &mut out,
            &block_output::block(&container, &args.file, args.index, Form::Raw, session)?,
        )?,
        false => block_output::write_decoded(&mut out, &container, &args.file, args.index, session)?,
    }
    settle::container(&container, session);
    out.finish()
}
