//! `unpack`: all blocks in order, or one chunk's payload.

mod lane;

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use lane::{Lane, Maker};

use super::input::Input;
use super::output::{Output, Target};
use super::session::{self, Session};
use super::status::Status;
use super::{block_output, integrity, messages, open, settle};
use h4mk::block::{BlockError, Form, Stage};
use h4mk::container::Container;
use h4mk::index::Chunk;
use h4mk::text::escape;
use h4mk::tracks::Fault;

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
    /// Write blocks as stored, not decoded
    #[arg(long)]
    pub raw: bool,
    /// Write only the payload of this chunk, counted from 0
    #[arg(long, value_name = "N", conflicts_with_all = ["track", "raw"], value_parser = block_output::ordinal)]
    pub chunk: Option<u64>,
    /// Write only the blocks of this track
    #[arg(long, value_name = "ID")]
    pub track: Option<String>,
    /// Leave out blocks that can't be decoded, each with a warning, instead of stopping at the first
    #[arg(long, conflicts_with_all = ["chunk", "raw"])]
    pub skip: bool,
    /// Threads that decode [default and maximum: one per processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
}

/// Unpacks.
pub fn run(args: &Args, session: &mut Session) -> anyhow::Result<()> {
    let mut out = Output::create(&args.out, args.force, [&args.file])?;
    out.refuse_terminal()?;
    out.widen();
    // Chunks are counted as `chunks` lists them; blocks are all that there are.
    let container = match args.chunk {
        Some(chunk) => {
            let container = open::container(&args.file, session)?;
            let chunk = container.index().chunk(chunk);
            Arc::new(open::sure_of(container, chunk, &args.file)?)
        }
        None => open::checked(&args.file, session)?,
    };
    integrity::require(&container, &args.file, session)?;
    if let Some(chunk) = args.chunk {
        let chunk = block_output::chunk(&container, &args.file, chunk, session)?;
        block_output::write(&mut out, container.payload(&chunk))?;
    } else {
        let blocks = chosen_blocks(&container, args, session)?;
        block_output::warn_losses(&container, &args.file, session);
        if !args.raw {
            block_output::warn_unread_meta(&container, &args.file, session);
        }
        let jobs = session::jobs(args.jobs).min(blocks.len()).max(1);
        let form = if args.raw { Form::Raw } else { Form::Decoded };
        let first = blocks.get(0).and_then(|block| container.index().block(block));
        let foreseen = args.raw || first.is_some_and(|chunk| container.decoded_len(&chunk).is_some());
        let reading = Reading { container: &container, blocks: &blocks, form, foreseen };
        write_blocks(&reading, args, jobs, &mut out, session)?;
    }
    settle::container(&container, session);
    out.finish()
}

/// Which blocks, in the order they are stored.
fn chosen_blocks(container: &Container, args: &Args, session: &mut Session) -> anyhow::Result<Selected> {
    let Some(id) = &args.track else { return Ok(Selected::All(container.index().blocks())) };
    let refuse = |why: String| Status::Findings.error(format!("{}: {why}", args.file));
    let shown = escape(id);
    let found = container.tracks().and_then(|tracks| Some((tracks, tracks.by_id(id)?)));
    let Some((tracks, track)) = found else {
        return Err(refuse(format!("there is no track \"{shown}\"; {}", container.known_tracks())));
    };
    if !tracks.indexed {
        let why = tracks.faults.iter().find_map(|fault| match fault {
            Fault::Index(why) => Some(why.as_str()),
            _ => None,
        });
        let why = why.unwrap_or("there is no index");
        return Err(refuse(format!("the index of track \"{shown}\" can't be read: {why}")));
    }
    if track.incomplete || tracks.nameless {
        let why =
            format!("the index of track \"{shown}\" can't be read completely: some of its blocks may be left out");
        block_output::warn_damaged(&args.file, &why, session);
    } else if track.blocks.is_empty() {
        messages::warn(&args.file, format_args!("track \"{shown}\" has no blocks"));
    }
    let mut blocks: Vec<u64> = track.blocks.iter().filter_map(|block| container.numbered(block.block)).collect();
    blocks.sort_unstable();
    Ok(Selected::Listed(blocks))
}

enum Selected {
    All(u64),
    Listed(Vec<u64>),
}

impl Selected {
    fn len(&self) -> usize {
        match self {
            Self::All(blocks) => usize::try_from(*blocks).unwrap_or(usize::MAX),
            Self::Listed(blocks) => blocks.len(),
        }
    }

    fn get(&self, at: usize) -> Option<u64> {
        match self {
            Self::All(blocks) => Some(at as u64).filter(|block| block < blocks),
            Self::Listed(blocks) => blocks.get(at).copied(),
        }
    }
}

/// Stored bytes and blocks that a thread decodes at a time: handing one over costs as much as decoding some kilobytes.
const BATCH_BYTES: u64 = 128 << 10;
const BATCH_BLOCKS: usize = 1000;
/// Decoded bytes in memory that are not yet written, but for the batch that is written next.
const BUDGET: u64 = 256 << 20;
/// Room that is kept for later batches.
const SPARE_BYTES: usize = 64 << 20;
/// The longest block that is decoded whole where windows of it can be read.
const WHOLE_BYTES: u64 = 64 << 20;
/// Decoded bytes to a stored one, at most: a pair of two gives 255.
const MOST_DECODED: u64 = 128;

/// Blocks one after the other, with the content of those that are decoded.
#[derive(Default)]
struct Batch {
    /// Decoded blocks; what there is after them is of no meaning.
    bytes: Vec<u8>,
    /// How many bytes they are.
    len: usize,
    blocks: Vec<Unpacked>,
}

/// One block, and what is wrong with it.
struct Unpacked {
    content: BlockContent,
    stage: Stage,
    damage: Option<String>,
}

enum BlockContent {
    /// Nothing, for this reason.
    Refused(BlockError),
    /// This many bytes of the batch.
    Here(usize),
    /// What is stored of the block.
    Stored(Chunk),
    /// Too much to be decoded at once.
    Long(u64),
}

/// Which blocks make a batch, by their places.
struct Plan {
    blocks: Range<usize>,
    stored_len: u64,
}

/// What the blocks are read from, and how.
struct Reading<'a> {
    container: &'a Container,
    blocks: &'a Selected,
    form: Form,
    /// How much a block decodes to is known without decoding it.
    foreseen: bool,
}

impl Reading<'_> {
    /// The batch that begins with the block at that place, and where the one after it begins.
    fn plan(&self, start: usize) -> Option<(Plan, usize)> {
        let stored_len = |at| Some(self.container.index().block(self.blocks.get(at)?).map_or(0, |chunk| chunk.len()));
        let mut plan = Plan { blocks: start..start + 1, stored_len: stored_len(start)? };
        let most = if self.foreseen { BATCH_BLOCKS } else { 1 };
        while plan.blocks.len() < most
            && let Some(len) = stored_len(plan.blocks.end)
            && plan.stored_len.saturating_add(len) <= BATCH_BYTES
        {
            plan.stored_len += len;
            plan.blocks.end += 1;
        }
        let next = plan.blocks.end;
        Some((plan, next))
    }

    /// Bytes of memory that the batch may take. Counted only for a block that is large, and so alone.
    fn need(&self, plan: &Plan) -> u64 {
        let most = plan.stored_len.saturating_mul(MOST_DECODED);
        match self.form {
            Form::Raw => 0,
            Form::Decoded if !self.foreseen => WHOLE_BYTES,
            Form::Decoded if most <= BATCH_BYTES * MOST_DECODED => most,
            Form::Decoded => {
                let block = self.blocks.get(plan.blocks.start).and_then(|block| self.container.index().block(block));
                block.map(|chunk| self.decoded_len(&chunk)).filter(|len| *len <= WHOLE_BYTES).unwrap_or(0)
            }
        }
    }

    /// How much a block decodes to, or no less. One that is encrypted would have to be decrypted to be exact.
    fn decoded_len(&self, chunk: &Chunk) -> u64 {
        let most = chunk.len().saturating_mul(MOST_DECODED);
        if self.container.pipeline().cipher.is_some() && most <= WHOLE_BYTES {
            return most;
        }
        self.container.decoded_len(chunk).unwrap_or(0)
    }

    fn read(&self, blocks: Range<usize>, room: Vec<u8>, scratch: &mut Vec<u8>) -> Batch {
        let mut batch = Batch { bytes: room, ..Batch::default() };
        for index in blocks.filter_map(|at| self.blocks.get(at)) {
            if let Err(error) = self.read_block(index, &mut batch, scratch) {
                let damage = self.container.stored(index).ok().and_then(|stored| stored.damage());
                batch.blocks.push(Unpacked { content: BlockContent::Refused(error), stage: Stage::Stored, damage });
            }
        }
        batch
    }

    fn read_block(&self, index: u64, batch: &mut Batch, scratch: &mut Vec<u8>) -> Result<(), BlockError> {
        let stored = self.container.stored(index)?;
        let (content, stage) = match self.form {
            Form::Raw => (BlockContent::Stored(stored.chunk), Stage::Stored),
            Form::Decoded if self.is_long(&stored.chunk) => (BlockContent::Long(index), Stage::Plain),
            Form::Decoded => {
                // Most large blocks are alone in their batch, and are not copied.
                let into = if batch.len == 0 { &mut batch.bytes } else { &mut *scratch };
                let stage = self.container.decode_into(into, &stored)?;
                let len = into.len();
                if batch.len > 0 {
                    batch.bytes.truncate(batch.len);
                    batch.bytes.extend_from_slice(scratch);
                }
                batch.len += len;
                (BlockContent::Here(len), stage)
            }
        };
        batch.blocks.push(Unpacked { content, stage, damage: stored.damage() });
        Ok(())
    }

    fn is_long(&self, chunk: &Chunk) -> bool {
        let limit = self.container.options().max_block_size;
        let may_be = chunk.len().saturating_mul(MOST_DECODED) > WHOLE_BYTES;
        may_be && (WHOLE_BYTES + 1..=limit).contains(&self.decoded_len(chunk))
    }
}

/// Writes the blocks in their order. Each of `jobs` threads decodes a batch at a time; where the system allows fewer, fewer
/// do, and this one alone where there are none.
fn write_blocks(
    reading: &Reading<'_>,
    args: &Args,
    jobs: usize,
    out: &mut Output,
    session: &mut Session,
) -> anyhow::Result<()> {
    let lane = Lane::new(jobs, BUDGET);
    let spare = Spare::default();
    let make = |maker: Maker<'_, Batch>| {
        let mut scratch = Vec::new();
        while let Some((mut turn, plan)) = maker.begin(|start| reading.plan(start)) {
            if !maker.reserve(&mut turn, reading.need(&plan)) {
                return;
            }
            let batch = reading.read(plan.blocks, spare.get(), &mut scratch);
            let len = batch.bytes.capacity() as u64;
            maker.finish(turn, batch, len);
        }
    };
    let mut writer = Writer { reading, file: &args.file, out, session, skip: args.skip, is_masked: false };
    let mut write = |batch: Batch| {
        writer.write(&batch)?;
        spare.put(batch.bytes);
        Ok(())
    };
    thread::scope(|scope| {
        let start = |_: &usize| {
            let maker = lane.join();
            thread::Builder::new().name("unpack".to_owned()).spawn_scoped(scope, || make(maker)).is_ok()
        };
        if (0..jobs).take_while(start).count() > 0 {
            return lane.take_all(write);
        }
        let (mut at, mut scratch) = (0, Vec::new());
        while let Some((plan, next)) = reading.plan(at) {
            write(reading.read(plan.blocks, spare.get(), &mut scratch))?;
            at = next;
        }
        Ok(())
    })
}

/// Buffers to be used again: that spares the page faults of fresh ones, which cost more than decoding does.
#[derive(Default)]
struct Spare {
    buffers: Mutex<Vec<Vec<u8>>>,
}

impl Spare {
    fn buffers(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// With whatever is in it.
    fn get(&self) -> Vec<u8> {
        self.buffers().pop().unwrap_or_default()
    }

    fn put(&self, buffer: Vec<u8>) {
        let mut buffers = self.buffers();
        let bytes: usize = buffers.iter().chain([&buffer]).map(Vec::capacity).sum();
        if bytes <= SPARE_BYTES && buffer.capacity() > 0 {
            buffers.push(buffer);
        }
    }
}

struct Writer<'a> {
    reading: &'a Reading<'a>,
    file: &'a Input,
    out: &'a mut Output,
    session: &'a mut Session,
    /// Blocks that can't be decoded are left out.
    skip: bool,
    /// It was said that blocks are masked.
    is_masked: bool,
}

impl Writer<'_> {
    fn write(&mut self, batch: &Batch) -> anyhow::Result<()> {
        let mut bytes = batch.bytes.as_slice();
        for block in &batch.blocks {
            match &block.content {
                BlockContent::Here(len) => {
                    let (content, rest) = bytes.split_at_checked(*len).unwrap_or_default();
                    bytes = rest;
                    self.warn(block, block.stage);
                    block_output::write(self.out, content)?;
                }
                BlockContent::Stored(chunk) => {
                    self.warn(block, block.stage);
                    block_output::write(self.out, self.reading.container.stored_bytes(chunk))?;
                }
                BlockContent::Long(index) => self.write_long(block, *index)?,
                BlockContent::Refused(error) => self.refuse(block, error)?,
            }
        }
        Ok(())
    }

    /// Leaves the block out, or ends with the reason.
    fn refuse(&mut self, block: &Unpacked, error: &BlockError) -> anyhow::Result<()> {
        // It is this block that can't be decoded, and not any of them.
        let alone = matches!(error, BlockError::Decrypt { .. } | BlockError::Decode { .. });
        if alone && self.skip {
            let why = block.damage.clone().unwrap_or_else(|| error.to_string());
            block_output::warn_damaged(self.file, &format!("left out: {why}"), self.session);
            return Ok(());
        }
        let refusal = match &block.damage {
            Some(damage) => block_output::refusal_of_damaged(self.file, error, damage),
            None => block_output::refusal(self.file, error),
        };
        let file = self.file;
        let others = || {
            Status::Findings
                .error(format!("{refusal:#}, --skip leaves it out, `block {file} N` writes any other block"))
        };
        Err(if alone { others() } else { refusal })
    }

    /// Window by window, but for a block that can't be read so.
    fn write_long(&mut self, block: &Unpacked, index: u64) -> anyhow::Result<()> {
        let container = self.reading.container;
        let refuse = |error| block_output::refusal(self.file, &error);
        let first = block_output::window(container, self.file, index, 0)?;
        if first.problem.is_some() {
            let stored = container.stored(index).map_err(refuse)?;
            let decoded = match container.decode(&stored) {
                Ok(decoded) => decoded,
                Err(error) => return self.refuse(block, &error),
            };
            self.warn(block, decoded.stage);
            return Ok(block_output::write(self.out, &decoded.bytes)?);
        }
        self.warn(block, first.stage);
        block_output::write_from(self.out, container, self.file, index, first)
    }

    fn warn(&mut self, block: &Unpacked, stage: Stage) {
        if stage == Stage::Masked && !std::mem::replace(&mut self.is_masked, true) {
            messages::warn(self.file, format_args!("blocks are {}; {}", stage.describe(), block_output::UNMASK));
        }
        if let Some(damage) = &block.damage {
            block_output::warn_damaged(self.file, damage, self.session);
        }
    }
}
