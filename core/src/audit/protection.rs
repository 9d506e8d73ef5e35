//! Encrypted blocks: their headers, the chain of their transcripts, which needs no key, and whether the secret opens
//! them.

use std::borrow::Cow;
use std::sync::Arc;

use super::Report;
use crate::block::{Reader, StoredBlock};
use crate::bytes::Bytes;
use crate::codec::cipher::{FIRST_TRANSCRIPT, Header, Transcript, next_transcript};
use crate::container::Container;
use crate::finding::{Code, Finding};
use crate::hash::hex;
use crate::index::Chunk;

/// Misplaced messages that are remembered, so that the hole each of them left isn't a second finding.
const MISPLACED_KEPT: usize = 64;

/// What a block showed while it was walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Its chunk is damaged, which is said elsewhere.
    Damaged,
    /// Intact, and without a cipher header.
    NoHeader,
    Message {
        counter: u64,
        /// It carries the transcript of the block stored before it; `None` where that one can't be read.
        chained: Option<bool>,
        /// The secret opens it; `None` without a secret.
        opens: Option<bool>,
    },
}

/// What was seen in encrypted blocks while they were walked.
pub(super) struct Survey {
    reader: Arc<Reader>,
    seen: Vec<Seen>,
    /// What the next block should carry.
    transcript: Option<Transcript>,
}

impl Survey {
    pub(super) fn new(reader: Arc<Reader>) -> Self {
        Self { reader, seen: Vec::new(), transcript: Some(FIRST_TRANSCRIPT) }
    }

    /// Looks at the next block, which must be called for every one in order. What it was encrypted from, if that is known:
    /// of blocks that are not encrypted, what is stored.
    pub(super) fn look<'a>(&mut self, chunk: &Chunk, stored: Bytes<'a>) -> Option<Cow<'a, [u8]>> {
        if self.reader.pipeline().cipher.is_none() {
            return chunk.state.is_intact().then(|| stored.read());
        }
        if !self.reader.pipeline().is_living_cipher() {
            return None;
        }
        let expected = self.transcript.take();
        let bytes = stored.read();
        let parsed = Header::parse(&bytes).ok().filter(|_| chunk.state.is_intact());
        let Some((header, ciphertext)) = parsed else {
            self.seen.push(if chunk.state.is_intact() { Seen::NoHeader } else { Seen::Damaged });
            return None;
        };
        self.transcript = Some(next_transcript(&header.previous, &header, ciphertext));
        let place = StoredBlock { stored, block: chunk.block.unwrap_or(0), offset: chunk.offset, provisional: false };
        let decrypted = self.reader.can_decrypt().then(|| self.reader.decrypt(&place).ok());
        self.seen.push(Seen::Message {
            counter: header.counter,
            chained: expected.map(|expected| expected == header.previous),
            opens: decrypted.as_ref().map(Option::is_some),
        });
        decrypted.flatten()
    }

    fn counter(&self, block: usize) -> Option<u64> {
        match self.seen.get(block)? {
            Seen::Message { counter, .. } => Some(*counter),
            _ => None,
        }
    }

    /// The secret was tried on this block in vain.
    fn stays_shut(&self, block: usize) -> bool {
        matches!(self.seen.get(block), Some(Seen::Message { opens: Some(false), .. }))
    }

    /// The secret opens at least one block: it is the right one.
    fn secret_is_right(&self) -> bool {
        self.seen.iter().any(|seen| matches!(seen, Seen::Message { opens: Some(true), .. }))
    }
}

pub(super) fn check(report: &mut Report<'_>, survey: &Survey) {
    if survey.seen.is_empty() {
        return;
    }
    headers(report, survey);
    let misplaced = chain(report, survey);
    opening(report, survey, &misplaced);
}

fn on_block(container: &Container, code: Code, block: usize, message: impl FnOnce(&Chunk) -> String) -> Finding {
    match container.index().block(block as u64) {
        Some(chunk) => Finding::on(code, &chunk, message(&chunk)),
        None => Finding::at(code, 0, 0, String::new()),
    }
}

fn headers(report: &mut Report<'_>, survey: &Survey) {
    let container = report.container;
    let without = || (0..).zip(&survey.seen).filter(|(_, seen)| **seen == Seen::NoHeader).map(|(block, _)| block);
    let all = survey.seen.iter().all(|seen| !matches!(seen, Seen::Message { .. }));
    let count = without().count();
    for block in without().take(if all { 1 } else { usize::MAX }) {
        report.findings.add(Code::CipherHeaderInvalid, || {
            on_block(container, Code::CipherHeaderInvalid, block, |chunk| {
                let why = Header::parse(&container.payload(chunk).read()).err().map(|error| error.to_string());
                let others =
                    if all && count > 1 { format!("; the same holds for all {count} blocks") } else { String::new() };
                format!("block {block} at {} has no cipher header: {}{others}", chunk.offset, why.unwrap_or_default())
            })
        });
    }
}

/// Checks counters and transcripts; gives the blocks whose own counter is wrong.
fn chain(report: &mut Report<'_>, survey: &Survey) -> Vec<usize> {
    let container = report.container;
    let after_loss: Vec<u64> = container.walked().losses.iter().map(|loss| loss.block).collect();
    let is_after_loss = |block: usize| after_loss.binary_search(&(block as u64)).is_ok();
    let right = survey.secret_is_right();
    let (mut expected, mut neighbour) = (Some(0u64), true);
    let mut misplaced = Vec::new();
    let mut misplaced_counters = Vec::new();
    for (block, seen) in survey.seen.iter().enumerate() {
        if is_after_loss(block) {
            (expected, neighbour) = (None, false);
        }
        let &Seen::Message { counter, chained, .. } = seen else {
            (expected, neighbour) = (expected.map(|counter| counter.saturating_add(1)), false);
            continue;
        };
        let wanted = expected.unwrap_or(counter);
        expected = Some(counter.saturating_add(1));
        if counter == wanted {
            // A block that does not open is the one that was changed, and said to be.
            let explained = right && (survey.stays_shut(block) || block > 0 && survey.stays_shut(block - 1));
            if neighbour && chained == Some(false) && !explained {
                report.findings.add(Code::CipherTranscriptBroken, || {
                    on_block(container, Code::CipherTranscriptBroken, block, |chunk| broken(block, chunk))
                        .expecting_if(transcript(container, block).map(|right| hex(&right)))
                });
            }
            neighbour = true;
            continue;
        }
        let next = survey.counter(block + 1).filter(|_| !is_after_loss(block + 1));
        let alone = next == wanted.checked_add(1);
        if alone || next == Some(wanted) {
            misplaced.push(block);
            if misplaced_counters.len() < MISPLACED_KEPT {
                misplaced_counters.push(counter);
            }
            // The others count on as if this one were not there, or were right.
            (expected, neighbour) = (next, false);
        } else {
            neighbour = true;
            let missing = counter.saturating_sub(wanted);
            let found = |missing: u64| misplaced_counters.contains(&missing);
            if missing > 0 && missing <= MISPLACED_KEPT as u64 && (wanted..counter).all(found) {
                continue;
            }
        }
        report.findings.add(Code::CipherCounterGap, || {
            on_block(container, Code::CipherCounterGap, block, |chunk| gap(block, chunk, counter, wanted))
                .expecting(wanted)
        });
    }
    misplaced
}

/// The transcript that a block should carry.
fn transcript(container: &Container, block: usize) -> Option<Transcript> {
    let Some(before) = block.checked_sub(1) else { return Some(FIRST_TRANSCRIPT) };
    let before = container.index().block(before as u64)?;
    let payload = container.payload(&before).read();
    let (header, ciphertext) = Header::parse(&payload).ok()?;
    Some(next_transcript(&header.previous, &header, ciphertext))
}

fn broken(block: usize, chunk: &Chunk) -> String {
    let offset = chunk.offset;
    match block {
        0 => format!("block 0 at {offset} carries a transcript, expected 32 zero bytes as in every first block"),
        _ => format!("block {block} at {offset} does not carry the transcript of block {}", block - 1),
    }
}

fn gap(block: usize, chunk: &Chunk, counter: u64, wanted: u64) -> String {
    let offset = chunk.offset;
    match counter.checked_sub(wanted) {
        Some(missing) => {
            format!("block {block} at {offset} is message {counter}, expected {wanted}: {missing} missing before it")
        }
        None => format!("block {block} at {offset} is message {counter}, expected {wanted}"),
    }
}

/// Blocks that the secret does not open. If it opens none, it is the wrong one, which is one fault.
fn opening(report: &mut Report<'_>, survey: &Survey, misplaced: &[usize]) {
    let container = report.container;
    let shut = || (0..survey.seen.len()).filter(|block| survey.stays_shut(*block));
    let right = survey.secret_is_right();
    let tried = shut().count();
    let independent = shut().filter(|block| !right || misplaced.binary_search(block).is_err());
    for block in independent.take(if right { usize::MAX } else { 1 }) {
        report.findings.add(Code::BlockAuthFailed, || {
            on_block(container, Code::BlockAuthFailed, block, |chunk| {
                let offset = chunk.offset;
                if right {
                    return format!("block {block} at {offset} does not open with the secret that opens other blocks");
                }
                format!(
                    "block {block} at {offset} does not open, nor does any of the {tried} blocks tried: the secret is for \
                     another file, or META's engine_id, fingerprint, track_id or pts_us has changed"
                )
            })
        });
    }
}
