//! `hex`: a hex dump of the file, a chunk or a block.

use std::borrow::Cow;

use super::input::Input;
use super::output::Output;
use super::session::Session;
use super::status::{self, Status};
use super::{content, integrity, open, settle};
use crate::hexdump::{self, Columns};
use h4mk::block::Form;
use h4mk::container::Container;
use h4mk::size;

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
    #[arg(long, value_name = "N", group = "part", value_parser = content::ordinal)]
    pub block: Option<u64>,
    /// The block as stored, not decoded
    #[arg(long, requires = "block")]
    pub raw: bool,
    /// This chunk, header and all
    #[arg(long, value_name = "N", group = "part", value_parser = content::ordinal)]
    pub chunk: Option<u64>,
    /// From this offset of the file on, decimal or 0x…
    #[arg(long, value_name = "OFFSET", group = "part", value_parser = size::parse)]
    pub offset: Option<u64>,
    /// At most this many bytes
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    pub length: Option<u64>,
}

/// Dumps. A file that is no container is dumped too, for whoever wants to know what it is instead; the status says so.
pub fn run(args: &Args, session: &mut Session) -> anyhow::Result<()> {
    let source = open::source(&args.file)?;
    let container = match open::container_of(source.clone(), &args.file, session) {
        Ok(container) => Some(container),
        Err(error) if args.block.is_some() || args.chunk.is_some() => return Err(error),
        Err(error) => {
            super::messages::say(status::describe(&error));
            session.raise(status::of(&error));
            None
        }
    };
    let sure_of_part = |container: Container| {
        integrity::require(&container, &args.file, session)?;
        let index = container.index();
        let part = args.block.map(|block| index.block(block));
        match part.or_else(|| args.chunk.map(|chunk| index.chunk(chunk))) {
            Some(part) => open::sure_of(container, part, &args.file),
            None => Ok(container),
        }
    };
    let container = container.map(sure_of_part).transpose()?;
    let (start, bytes) = match (&container, args.block, args.chunk) {
        (Some(container), Some(block), _) => of_block(container, block, args, session)?,
        (Some(container), _, Some(chunk)) => {
            let chunk = content::chunk(container, &args.file, chunk, session)?;
            (chunk.offset, Cow::Borrowed(slice(source.bytes(), chunk.offset, chunk.end)))
        }
        _ => (args.offset.unwrap_or(0), Cow::Borrowed(of_file(source.bytes(), args)?)),
    };
    let length = args.length.and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
    let bytes = bytes.get(..length).unwrap_or(&bytes);
    let mut out = Output::stdout();
    out.widen();
    hexdump::dump(&mut out, Columns::for_end(start.saturating_add(bytes.len() as u64)), start, bytes)?;
    settle::source(&source, session);
    out.finish()
}

/// Offsets are the file's for bytes as stored, and count from 0 for decoded ones.
fn of_block<'a>(
    container: &'a Container,
    index: u64,
    args: &Args,
    session: &mut Session,
) -> anyhow::Result<(u64, Cow<'a, [u8]>)> {
    if !args.raw {
        return Ok((0, content::block(container, &args.file, index, Form::Decoded, session)?));
    }
    let bytes = content::block(container, &args.file, index, Form::Raw, session)?;
    let start = container.index().block(index).map_or(0, |chunk| match container.routed(&chunk) {
        Some((_, content)) => content.start,
        None => chunk.payload_offset,
    });
    Ok((start, bytes))
}

fn of_file<'a>(bytes: &'a [u8], args: &Args) -> anyhow::Result<&'a [u8]> {
    let len = bytes.len() as u64;
    let start = args.offset.unwrap_or(0);
    if start > len {
        let message = format!("{}: offset {start} is past its end at {len}", args.file);
        return Err(Status::Findings.error(message));
    }
    Ok(slice(bytes, start, len))
}

/// The bytes from one file offset to another, as far as they are there.
fn slice(bytes: &[u8], start: u64, end: u64) -> &[u8] {
    let place = |offset: u64| usize::try_from(offset).map_or(bytes.len(), |offset| offset.min(bytes.len()));
    bytes.get(place(start)..place(end)).unwrap_or_default()
}
