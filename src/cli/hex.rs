//! `hex`: a hex dump of the file, a chunk or a block.

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::Context;

use super::input::Input;
use super::output::Output;
use super::session::Session;
use super::status::{self, Status};
use super::{block_output, integrity, open, settle};
use crate::hexdump::{self, Columns};
use h4mk::block::Form;
use h4mk::bytes::Bytes;
use h4mk::container::Container;
use h4mk::layout;
use h4mk::size;
use h4mk::source::Source;

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
    /// Dump this block, decoded
    #[arg(long, value_name = "N", group = "part", value_parser = block_output::ordinal)]
    pub block: Option<u64>,
    /// Dump the block as stored, not decoded
    #[arg(long, requires = "block")]
    pub raw: bool,
    /// Dump this chunk with its header
    #[arg(long, value_name = "N", group = "part", value_parser = block_output::ordinal)]
    pub chunk: Option<u64>,
    /// Start at this file offset, decimal or 0x…
    #[arg(long, value_name = "OFFSET", group = "part", value_parser = size::parse)]
    pub offset: Option<u64>,
    /// Dump at most this many bytes
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    pub length: Option<u64>,
}

/// Dumps. A file that isn't a container is dumped too, for whoever wants to know what it is instead; the status says so.
pub fn run(args: &Args, session: &mut Session) -> anyhow::Result<()> {
    let source = open::source(&args.file)?;
    let of_part = args.block.is_some() || args.chunk.is_some();
    let container = match opened(&source, of_part, args, session) {
        Ok(container) => container,
        Err(error) if of_part => return Err(error),
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
    let (start, part) = match (&container, args.block, args.chunk) {
        (Some(container), Some(block), _) => of_block(container, block, args, session)?,
        (Some(container), _, Some(chunk)) => {
            let chunk = block_output::chunk(container, &args.file, chunk, session)?;
            (chunk.offset(), Dumped::Stored(source.bytes().range(chunk.offset()..chunk.end())))
        }
        _ => (args.offset.unwrap_or(0), Dumped::Stored(of_file(source.bytes(), args)?)),
    };
    let bytes = match &part {
        Dumped::Stored(bytes) => *bytes,
        Dumped::Block(bytes) => bytes.into(),
    };
    let bytes = bytes.available(0, args.length.unwrap_or(u64::MAX));
    let mut out = Output::stdout();
    out.widen();
    let columns = Columns::for_end(start.saturating_add(bytes.len()));
    let mut at = start;
    for piece in bytes.pieces() {
        hexdump::dump(&mut out, columns, at, &piece)?;
        at = at.saturating_add(piece.len() as u64);
    }
    settle::source(&source, session);
    out.finish()
}

/// What is dumped.
enum Dumped<'a> {
    Stored(Bytes<'a>),
    Block(Cow<'a, [u8]>),
}

/// The container, where it takes one to know what is dumped or whether it may be; else only whether the file is one.
fn opened(source: &Arc<Source>, of_part: bool, args: &Args, session: &Session) -> anyhow::Result<Option<Container>> {
    if of_part || session.settings.verify_integrity {
        return open::container_of(source.clone(), &args.file, session).map(Some);
    }
    layout::recognise(source.bytes()).map(|_| None).with_context(|| args.file.to_string())
}

/// Offsets are the file's for bytes as stored, and count from 0 for decoded ones.
fn of_block<'a>(
    container: &'a Container,
    index: u64,
    args: &Args,
    session: &mut Session,
) -> anyhow::Result<(u64, Dumped<'a>)> {
    if !args.raw {
        return Ok((0, Dumped::Block(block_output::block(container, &args.file, index, Form::Decoded, session)?)));
    }
    let bytes = block_output::block(container, &args.file, index, Form::Raw, session)?;
    let start = container.index().block(index).map_or(0, |chunk| match container.routed(&chunk) {
        Some((_, content)) => content.start,
        None => chunk.payload_offset(),
    });
    Ok((start, Dumped::Block(bytes)))
}

fn of_file<'a>(bytes: Bytes<'a>, args: &Args) -> anyhow::Result<Bytes<'a>> {
    let len = bytes.len();
    let start = args.offset.unwrap_or(0);
    if start > len {
        let message = format!("{}: offset {start} is beyond the end at {len}", args.file);
        return Err(Status::Findings.error(message));
    }
    Ok(bytes.after(start))
}
