//! What ties a block to the index it was written with, and leaves it unreadable under another one.

use super::note::{Note, Way};
use super::plan::{MOST_PLACEHOLDERS, Plan, Trust};
use super::report::Reason;
use crate::audit::Audit;
use crate::block::{EngineKind, Pipeline};
use crate::codec::cipher::{FIRST_TRANSCRIPT, Header, Transcript, next_transcript};
use crate::codec::rle;
use crate::finding::Code;
use crate::index::{Chunk, Tag};
use crate::meta::Meta;
use crate::text::count;

/// How the blocks of a container depend on their index.
pub(super) enum IndexBinding {
    /// They don't.
    Free,
    /// Each is masked with a key made from it.
    Masked,
    /// They are messages of the Living Cipher, a chain from message 0 on.
    Chained(Chain),
}

impl IndexBinding {
    /// What META says, or, where it says nothing of a cipher, the header of the first block. `usable` is false of blocks
    /// that can be kept only if they are messages.
    pub(super) fn of(plan: &mut Plan<'_>, audit: &Audit, meta: Option<&Meta>, usable: impl Fn(&Chunk) -> bool) -> Self {
        let pipeline = Pipeline::of(meta);
        let silent = meta.is_none_or(|meta| meta.cipher.is_none() && meta.encrypted != Some(false));
        if pipeline.is_living_cipher() || silent && begins_with_message(plan, usable) {
            return Self::Chained(Chain::new(plan, audit));
        }
        if pipeline.masked { Self::Masked } else { Self::Free }
    }

    /// Why a whole block can't be kept, if it can't. Must be asked of every block that is not damaged, in order, once it
    /// is decided what becomes of those before it.
    pub(super) fn refuses(&mut self, plan: &Plan<'_>, chunk: &Chunk) -> Option<Reason> {
        match self {
            Self::Free => None,
            Self::Masked => {
                let block = chunk.block?;
                let stays = plan.original(block).is_some_and(|original| plan.reaches(block, original));
                (!stays).then_some(Reason::IndexMoved)
            }
            Self::Chained(chain) => chain.refuses(plan, chunk),
        }
    }
}

/// The first block that can be kept is a message.
fn begins_with_message(plan: &mut Plan<'_>, usable: impl Fn(&Chunk) -> bool) -> bool {
    for chunk in plan.container.index().with_tag(Tag::CORE).filter(|chunk| chunk.len > 0) {
        let damaged = matches!(plan.trust(&chunk), Trust::Damaged(_));
        let is_message = !damaged && Header::parse(&plan.payload(&chunk)).is_ok();
        if is_message || !damaged && usable(&chunk) {
            return is_message;
        }
    }
    false
}

/// The messages that are kept so far.
pub(super) struct Chain {
    /// Number of the next one.
    next: u64,
    /// What the next one carries, where the one before it is there.
    transcript: Option<Transcript>,
    /// The audit had the secret, and found blocks that it does not open, or that hold no whole runs.
    looks_inside: bool,
}

impl Chain {
    fn new(plan: &Plan<'_>, audit: &Audit) -> Self {
        let faulty = [Code::BlockAuthFailed, Code::BlockOddLength].iter().any(|code| audit.findings.count(*code) > 0);
        let mut cores = plan.container.index().with_tag(Tag::CORE);
        // A secret that opens nothing says nothing about the blocks.
        let looks_inside = faulty && cores.any(|chunk| is_sound(plan, &chunk));
        Self { next: 0, transcript: Some(FIRST_TRANSCRIPT), looks_inside }
    }

    fn refuses(&mut self, plan: &Plan<'_>, chunk: &Chunk) -> Option<Reason> {
        let stored = plan.payload(chunk);
        if stored.is_empty() {
            // A placeholder of an earlier salvage.
            (self.next, self.transcript) = (self.next.saturating_add(1), None);
            return None;
        }
        let Ok((header, ciphertext)) = Header::parse(&stored) else { return Some(Reason::Undecodable) };
        let follows = header.counter == self.next;
        let placed = || {
            let block = chunk.block.unwrap_or(0);
            plan.settings.placeholders
                && plan.numbering.original(block) == Some(header.counter)
                && plan.reaches(block, header.counter)
        };
        let breaks = follows && self.transcript.is_some_and(|transcript| transcript != header.previous);
        if breaks || !follows && !placed() {
            return Some(Reason::OutOfChain);
        }
        if self.looks_inside && !is_sound(plan, chunk) {
            return Some(Reason::Undecodable);
        }
        self.transcript = Some(next_transcript(&header.previous, &header, ciphertext));
        self.next = header.counter.saturating_add(1);
        None
    }
}

/// The blocks that are messages, with the number each names, as far as they are in order: the most that are.
pub(super) fn numbered(plan: &mut Plan<'_>) -> Vec<(u64, u64)> {
    let container = plan.container;
    let mut messages: Vec<(u64, u64)> = Vec::new();
    for chunk in container.index().with_tag(Tag::CORE) {
        let Some(block) = chunk.block.filter(|_| !matches!(plan.trust(&chunk), Trust::Damaged(_))) else { continue };
        if let Ok((header, _)) = Header::parse(&plan.payload(&chunk))
            && header.counter <= block.saturating_add(MOST_PLACEHOLDERS)
        {
            messages.push((block, header.counter));
        }
    }
    if messages.is_sorted_by(|a, b| a.1 < b.1) {
        return messages;
    }
    ascending(&messages)
}

/// The longest part of `messages` in which numbers ascend.
fn ascending(messages: &[(u64, u64)]) -> Vec<(u64, u64)> {
    // The last of the best part of each length, and which message is before each.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(messages.len());
    let number = |at: usize| messages.get(at).map_or(0, |(_, number)| *number);
    for at in 0..messages.len() {
        let len = ends.partition_point(|end| number(*end) < number(at));
        before.push(len.checked_sub(1).and_then(|len| ends.get(len)).copied());
        match ends.get_mut(len) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let last = ends.last().copied();
    let mut part: Vec<(u64, u64)> =
        std::iter::successors(last, |at| *before.get(*at)?).filter_map(|at| messages.get(at).copied()).collect();
    part.reverse();
    part
}

/// The secret opens the block, and whole runs are in it where there should be runs.
fn is_sound(plan: &Plan<'_>, chunk: &Chunk) -> bool {
    let (reader, stored) = (plan.container.reader(), plan.payload(chunk));
    if !reader.can_decrypt() {
        return false;
    }
    let runs = matches!(reader.pipeline().engine, EngineKind::Rle { .. });
    reader.decrypt(&plan.place(chunk, &stored)).is_ok_and(|compressed| !runs || !rle::survey(&compressed).odd)
}

/// The blocks that are whole and left out for their index alone.
#[derive(Default)]
pub(super) struct LeftOut {
    messages: u64,
    /// Masked, with the index in the source that they were written with.
    masked: u64,
    /// Masked, and found under another index than they were written with.
    masked_moved: u64,
    /// Masked, and nobody knows how many blocks were lost before them.
    masked_unknown: u64,
    first: Option<u64>,
}

impl LeftOut {
    pub(super) fn count(&mut self, plan: &Plan<'_>, reason: Reason, chunk: &Chunk) {
        let original = chunk.block.and_then(|block| plan.numbering.original(block));
        match reason {
            Reason::OutOfChain => self.messages += 1,
            Reason::IndexMoved if original.is_some() && original == chunk.block => self.masked += 1,
            Reason::IndexMoved if original.is_some() => self.masked_moved += 1,
            Reason::IndexMoved => self.masked_unknown += 1,
            _ => return,
        }
        self.first = self.first.or(chunk.block);
    }

    /// Why they are left out, and how they can be had.
    pub(super) fn notes(&self, plan: &Plan<'_>) -> Vec<Note> {
        let Some(first) = self.first else { return Vec::new() };
        let mut notes: Vec<Note> = Vec::new();
        let left_out = |what: &str, n: u64| format!("{} left out, from block {first} of the source on", count(n, what));
        if self.messages > 0 {
            let why = format!(
                "{}: each carries its number and a digest of all blocks before it, so readers refuse it once one of those is \
                 lost. The source still has them; ",
                left_out("encrypted block", self.messages)
            );
            notes.push(Note::from(why).way(Way::ReadEncrypted).then(" reads each of them under its index there"));
        }
        if self.masked > 0 {
            let why = format!(
                "{}: under the lower index they would get, they would be unmasked with the wrong key. The source still has them; ",
                left_out("masked block", self.masked)
            );
            notes.push(Note::from(why).way(Way::ReadMasked).then(" reads each of them under its index there"));
        }
        if self.masked_moved > 0 {
            notes.push(Note::from(format!(
                "{}: blocks were lost before them, and their mask depends on the index they had",
                left_out("masked block", self.masked_moved)
            )));
        }
        if self.masked_unknown > 0 {
            notes.push(Note::from(format!(
                "{}: an unknown number of blocks was lost before them, and their mask depends on the index they had",
                left_out("masked block", self.masked_unknown)
            )));
        }
        if !plan.settings.placeholders && self.messages + self.masked + self.masked_moved > 0 {
            let keeps = " keeps them: it writes an empty block for each lost one, so they keep their index";
            notes.push(Note::from(Way::Placeholders).then(keeps));
        }
        if plan.could_mend_flips() {
            notes.push(Note::from("if ").way(Way::Repair).then(" mends the blocks before them, they are kept too"));
        }
        notes
    }
}
