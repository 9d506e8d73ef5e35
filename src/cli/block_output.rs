//! Blocks and chunks for the commands that give content. What is damaged is given all the same, with a warning.

use std::borrow::Cow;
use std::io::{self, Write};

use super::input::Input;
use super::messages;
use super::output::Output;
use super::session::Session;
use super::status::Status;
use crate::report::count;
use h4mk::block::{BlockError, Form, Stage, Stored, Window};
use h4mk::bytes::Bytes;
use h4mk::codec::engine::EngineError;
use h4mk::container::Container;
use h4mk::index::Chunk;

/// Bytes written at a time: less than the output's buffer, so that they are copied there. A system call given bytes that
/// a file has lost since would fail.
pub(super) const PIECE_BYTES: usize = 32 << 10;

/// Bytes decoded at a time: they stay in a core's own cache.
const WINDOW_BYTES: usize = 256 << 10;

/// What a user may do about blocks that come still masked.
pub(super) const UNMASK: &str = "the output is still masked; --mask-key-file unmasks it";

/// Writes bytes of a file.
pub(super) fn write<'a>(out: &mut Output, bytes: impl Into<Bytes<'a>>) -> io::Result<()> {
    bytes.into().pieces().try_for_each(|part| part.chunks(PIECE_BYTES).try_for_each(|piece| out.write_all(piece)))
}

/// A block's bytes.
pub(super) fn block<'a>(
    container: &'a Container,
    file: &Input,
    index: u64,
    form: Form,
    session: &mut Session,
) -> anyhow::Result<Cow<'a, [u8]>> {
    let stored = stored(container, file, index, session)?;
    match form {
        Form::Raw => Ok(stored.bytes.read()),
        Form::Decoded => {
            warn_unread_meta(container, file, session);
            let content = container.decode(&stored).map_err(|error| refusal(file, &error))?;
            warn_masked(file, index, content.stage);
            Ok(Cow::Owned(content.bytes))
        }
    }
}

/// Writes a block's content, window by window where its engine knows how to: no more of a block is in memory then than is
/// stored of it.
pub(super) fn write_decoded(
    out: &mut Output,
    container: &Container,
    file: &Input,
    index: u64,
    session: &mut Session,
) -> anyhow::Result<()> {
    let stored = stored(container, file, index, session)?;
    warn_unread_meta(container, file, session);
    let first = window(container, file, index, 0)?;
    if first.problem.is_some() || first.block_len > container.options().max_block_size {
        // For the error that this is; where it is none after all, for the content.
        let content = container.decode(&stored).map_err(|error| refusal(file, &error))?;
        warn_masked(file, index, content.stage);
        return Ok(write(out, &content.bytes)?);
    }
    warn_masked(file, index, first.stage);
    write_from(out, container, file, index, first)
}

/// Part of a block, from a position in it on.
pub(super) fn window(container: &Container, file: &Input, index: u64, start: u64) -> anyhow::Result<Window> {
    container.window(index, start, WINDOW_BYTES).map_err(|error| refusal(file, &error))
}

/// Writes a window of a block and all that follows it.
pub(super) fn write_from(
    out: &mut Output,
    container: &Container,
    file: &Input,
    index: u64,
    mut next: Window,
) -> anyhow::Result<()> {
    while !next.bytes.is_empty() {
        write(out, &next.bytes)?;
        next = window(container, file, index, next.start.saturating_add(next.bytes.len() as u64))?;
    }
    Ok(())
}

fn stored<'a>(container: &'a Container, file: &Input, index: u64, session: &mut Session) -> anyhow::Result<Stored<'a>> {
    let stored = container.stored(index).map_err(|error| refusal(file, &error))?;
    if let Some(damage) = stored.damage() {
        warn_damaged(file, &damage, session);
    }
    if let Some(doubt) = container.doubt(index) {
        messages::warn(file, doubt);
    }
    Ok(stored)
}

fn warn_masked(file: &Input, index: u64, stage: Stage) {
    if stage == Stage::Masked {
        messages::warn(file, format_args!("block {index} is {}; {UNMASK}", stage.describe()));
    }
}

/// The chunk with that ordinal.
pub(super) fn chunk(container: &Container, file: &Input, index: u64, session: &mut Session) -> anyhow::Result<Chunk> {
    let Some(chunk) = container.index().chunk(index) else {
        let range = match container.index().len() {
            0 => "there are no chunks".to_owned(),
            n => format!("0-{}", n - 1),
        };
        return Err(Status::Findings.error(format!("{file}: Chunk index {index} out of range ({range})")));
    };
    if !container.is_intact(&chunk) {
        let (tag, offset) = (chunk.tag(), chunk.offset());
        warn_damaged(file, &format!("chunk {index} ({tag}) at {offset} is cut off or its CRC is wrong"), session);
    }
    Ok(chunk)
}

/// The number of a block or chunk, as an argument.
pub(super) fn ordinal(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "write a number, counted from 0".to_owned())
}

/// Warns of blocks that may be missing among all of them.
pub(super) fn warn_losses(container: &Container, file: &Input, session: &mut Session) {
    const SHOWN: usize = 10;
    let losses = &container.walked().losses;
    for loss in losses.iter().take(SHOWN) {
        let (length, offset, block) = (loss.length, loss.offset, loss.block);
        let bytes = count(length, "byte");
        let lost = format!("{bytes} lost at {offset}, with whatever was there before block {block}");
        warn_damaged(file, &lost, session);
    }
    if let Some(more) = losses.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        warn_damaged(file, &format!("more bytes were lost, in {}", count(more as u64, "other place")), session);
    }
}

/// Warns of blocks that are decoded without the META that says how.
pub(super) fn warn_unread_meta(container: &Container, file: &Input, session: &mut Session) {
    let Some(why) = container.unread_pipeline() else { return };
    let unknown = match container.pipeline().cipher {
        Some(_) => "mask and engine",
        None => "mask, cipher and engine",
    };
    let taken = "the content is written as if it came from the reference engine, unmasked";
    let advice = "--raw writes blocks as stored, `salvage --meta-from OTHER` takes META from a similar file";
    warn_damaged(file, &format!("{why}, so {unknown} are unknown; {taken}. {advice}"), session);
}

/// Warns of content that is given although it is damaged.
pub(super) fn warn_damaged(file: &Input, damage: &str, session: &mut Session) {
    session.raise(Status::Findings);
    messages::warn(file, damage);
}

/// The error for a block that can't be decoded because it is damaged.
pub(super) fn refusal_of_damaged(file: &Input, error: &BlockError, damage: &str) -> anyhow::Error {
    match error {
        BlockError::Decrypt { .. } | BlockError::Decode { source: EngineError::Failed(_), .. } => {
            Status::Findings.error(format!("{file}: {damage}, so it can't be decoded; {RAW}"))
        }
        error => refusal(file, error),
    }
}

/// What gives a block that can't be decoded.
const RAW: &str = "--raw writes it as stored";

/// The error for a block that can't be written.
pub(super) fn refusal(file: &Input, error: &BlockError) -> anyhow::Error {
    let advice = match error {
        BlockError::Encrypted { .. } => format!("; --secret-file decrypts it, {RAW}"),
        BlockError::Opaque { .. } => format!("; --core-lib decodes it with the vendor's library, {RAW}"),
        BlockError::Decode { source: EngineError::TooLarge { .. }, .. } => {
            format!("; --max-block-size raises the limit, {RAW}")
        }
        BlockError::Decrypt { .. } | BlockError::Decode { .. } => format!("; {RAW}"),
        _ => String::new(),
    };
    Status::Findings.error(format!("{file}: {error}{advice}"))
}
