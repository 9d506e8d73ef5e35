//! `unpack`: all blocks in order, or one chunk's payload.

use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread;

use super::input::Input;
use super::output::{Output, Target};
use super::status::Status;
use super::{Session, content, integrity, messages, open};
use crate::core::block::{BlockError, Form, Stage};
use crate::core::container::Container;

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
    #[arg(long, value_name = "N", conflicts_with_all = ["track", "raw"], value_parser = content::ordinal)]
    pub chunk: Option<u64>,
    /// Only the blocks of this track
    #[arg(long, value_name = "ID")]
    pub track: Option<String>,
    /// Leave out blocks that can't be decoded, each with a warning, instead of ending at the first
    #[arg(long, conflicts_with_all = ["chunk", "raw"])]
    pub skip: bool,
    /// Threads that decode [default: one a processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
}

/// Unpacks.
pub fn run(args: &Args, session: &mut Session) -> anyhow::Result<()> {
    let mut out = Output::create(&args.out, args.force, args.file.path())?;
    out.refuse_terminal()?;
    out.widen();
    let container = open::container(&args.file, session)?;
    integrity::require(&container, &args.file, session)?;
    if let Some(chunk) = args.chunk {
        let chunk = content::chunk(&container, &args.file, chunk, session)?;
        content::write(&mut out, container.payload(&chunk))?;
    } else {
        let blocks = chosen_blocks(&container, args)?;
        content::warn_losses(&container, &args.file, session);
        let jobs = args.jobs.map_or_else(super::processors, usize::from).min(blocks.len()).max(1);
        let form = if args.raw { Form::Raw } else { Form::Decoded };
        let mut is_masked = false;
        in_order(&container, &blocks, form, jobs, |answer| {
            let unpacked = match answer {
                Ok(unpacked) => unpacked,
                Err(refused) if args.skip && refused.is_skippable() => {
                    content::warn_damaged(&args.file, &refused.describe(), session);
                    return Ok(());
                }
                Err(refused) => return Err(refused.into_error(&args.file)),
            };
            if unpacked.stage == Stage::Masked && !std::mem::replace(&mut is_masked, true) {
                messages::warn(
                    &args.file,
                    format_args!("blocks are {}; {}", unpacked.stage.describe(), content::UNMASK),
                );
            }
            if let Some(damage) = &unpacked.damage {
                content::warn_damaged(&args.file, damage, session);
            }
            Ok(content::write(&mut out, &unpacked.bytes)?)
        })?;
    }
    open::settle(&container, session);
    out.finish()
}

/// Which blocks, in the order they are stored.
fn chosen_blocks(container: &Container, args: &Args) -> anyhow::Result<Blocks> {
    let Some(id) = &args.track else { return Ok(Blocks::All(container.index().blocks())) };
    let track = container.tracks().and_then(|tracks| tracks.by_id(id));
    let refuse = || {
        let known = container.known_tracks();
        Status::Findings.error(format!("{}: there is no track \"{id}\"; {known}", args.file))
    };
    let mut blocks: Vec<u64> = track.ok_or_else(refuse)?.blocks.iter().map(|block| block.block).collect();
    blocks.sort_unstable();
    Ok(Blocks::Listed(blocks))
}

enum Blocks {
    All(u64),
    Listed(Vec<u64>),
}

impl Blocks {
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

/// One block's bytes, and what is wrong with them.
struct Unpacked {
    bytes: Vec<u8>,
    stage: Stage,
    damage: Option<String>,
}

/// One block that can't be given, and what is wrong with it as stored.
struct Refused {
    error: BlockError,
    damage: Option<String>,
}

impl Refused {
    /// It is this block that can't be decoded, and not any of them.
    fn is_skippable(&self) -> bool {
        matches!(self.error, BlockError::Decrypt { .. } | BlockError::Decode { .. })
    }

    fn describe(&self) -> String {
        let why = self.damage.clone().unwrap_or_else(|| self.error.to_string());
        format!("left out: {why}")
    }

    fn into_error(self, file: &Input) -> anyhow::Error {
        let error = match &self.damage {
            Some(damage) => content::refusal_of_damaged(file, &self.error, damage),
            None => content::refusal(file, &self.error),
        };
        if !self.is_skippable() {
            return error;
        }
        let others = format!("{error:#}, --skip leaves it out, `block {file} N` gives any other");
        Status::Findings.error(others)
    }
}

type Answer = Result<Unpacked, Refused>;

/// Hands on the blocks in their order. Each of `jobs` threads reads every `jobs`-th block and waits until it is taken,
/// so that at most two blocks a thread are in memory; their room is used again.
fn in_order(
    container: &Container,
    blocks: &Blocks,
    form: Form,
    jobs: usize,
    mut take: impl FnMut(Result<&Unpacked, Refused>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    thread::scope(|scope| {
        let threads = (0..jobs).map(|first| {
            let (done, results) = mpsc::sync_channel(0);
            let (back, buffers) = mpsc::channel();
            let mine = (first..).step_by(jobs).map_while(|at| blocks.get(at));
            scope.spawn(move || read(container, mine, form, &done, &buffers));
            (results, back)
        });
        let threads: Vec<(Receiver<Answer>, Sender<Vec<u8>>)> = threads.collect();
        for (results, back) in threads.iter().cycle() {
            // A thread that ends has no block left, and then no other has one that comes later.
            let Ok(answer) = results.recv() else { break };
            match answer {
                Ok(unpacked) => {
                    take(Ok(&unpacked))?;
                    _ = back.send(unpacked.bytes);
                }
                Err(refused) => take(Err(refused))?,
            }
        }
        Ok(())
    })
}

fn read(
    container: &Container,
    blocks: impl Iterator<Item = u64>,
    form: Form,
    done: &SyncSender<Answer>,
    buffers: &Receiver<Vec<u8>>,
) {
    for block in blocks {
        let buffer = buffers.try_recv().unwrap_or_default();
        let answer = read_block(container, block, form, buffer);
        // Nobody takes it any more: writing failed, or a block before it did.
        if done.send(answer).is_err() {
            return;
        }
    }
}

fn read_block(container: &Container, index: u64, form: Form, mut bytes: Vec<u8>) -> Answer {
    let stored = container.block(index).map_err(|error| Refused { error, damage: None })?;
    let damage = stored.damage();
    let stage = match form {
        Form::Raw => {
            stored.bytes.clone_into(&mut bytes);
            Ok(Stage::Stored)
        }
        Form::Decoded => container.decode_into(&mut bytes, &stored),
    };
    match stage {
        Ok(stage) => Ok(Unpacked { bytes, stage, damage }),
        Err(error) => Err(Refused { error, damage }),
    }
}
