//! What blocks hold, as far as it can be read: run lengths, the sizes they decode to, and what keeps them shut.

use std::sync::Arc;

use super::{Report, protection};
use crate::block::{BlockError, EngineKind, Reader, StoredBlock};
use crate::bytes::Bytes;
use crate::codec::engine::EngineError;
use crate::codec::rle;
use crate::container::Container;
use crate::finding::{Code, Finding, Findings};
use crate::index::{Chunk, Index, Tag};
use crate::layout::Layout;
use crate::seek::Starts;
use crate::text::{count, escape};

/// What was seen in the blocks while they were walked.
pub(super) struct Survey {
    reader: Arc<Reader>,
    transport: bool,
    max_block_size: u64,
    next: u64,
    sizes: Vec<Option<u64>>,
    findings: Findings,
    undecoded: Undecoded,
    protection: protection::Survey,
}

/// Blocks that the engine gave nothing for.
#[derive(Default)]
struct Undecoded {
    count: u64,
    first: Option<BlockError>,
    /// The engine can't be used at all.
    hopeless: bool,
}

impl Survey {
    /// For the blocks of a container whose META was read in advance.
    pub(super) fn new(planned: &Container) -> Self {
        let reader = planned.reader().clone();
        Self {
            protection: protection::Survey::new(reader.clone()),
            reader,
            transport: planned.layout() == Layout::Transport,
            max_block_size: planned.options().max_block_size,
            next: 0,
            sizes: Vec::new(),
            findings: Findings::default(),
            undecoded: Undecoded::default(),
        }
    }

    /// Whether it read blocks in the way that is right for the container, as it turned out to be.
    pub(super) fn fits(&self, container: &Container) -> bool {
        self.reader.pipeline() == container.reader().pipeline()
    }

    /// Looks into the blocks that were walked since the last call.
    pub(super) fn extend(&mut self, bytes: Bytes<'_>, index: &Index) {
        if !self.transport {
            return;
        }
        while let Some(chunk) = index.block(self.next) {
            self.next += 1;
            let stored = bytes.available(chunk.payload_offset, chunk.len);
            let compressed = self.protection.look(&chunk, stored);
            let size = compressed.and_then(|compressed| match self.reader.pipeline().engine {
                EngineKind::Rle { .. } => self.look(&chunk, &compressed),
                _ => self.measure(&chunk, stored),
            });
            self.sizes.push(size);
        }
    }

    /// Checks the runs of one block; its decoded size, where every byte of it is accounted for.
    fn look(&mut self, chunk: &Chunk, compressed: &[u8]) -> Option<u64> {
        let runs = rle::survey(compressed);
        let (block, at) = (chunk.block.unwrap_or(0), chunk.offset);
        // Where the runs are the stored bytes, a byte of them is a byte of the file.
        let in_file = self.reader.pipeline().is_plain_rle();
        let focused = |finding: Finding, place: std::ops::Range<u64>| match in_file {
            true => finding.focused(place),
            false => finding,
        };
        if runs.odd {
            self.findings.add(Code::BlockOddLength, || {
                let len = compressed.len();
                let message =
                    format!("block {block} at {at}: {len} bytes of (value, run) pairs, which is an odd number");
                focused(Finding::on(Code::BlockOddLength, chunk, message), chunk.end - 1..chunk.end)
            });
            return None;
        }
        if let Some(first) = runs.first_zero_run {
            self.findings.add(Code::BlockZeroRun, || {
                let place = chunk.payload_offset + first;
                let first = if in_file { place } else { first };
                let within = if in_file { "" } else { " of its decrypted bytes" };
                let zero_runs = count(runs.zero_runs, "run");
                let message = format!("block {block} at {at}: {zero_runs} of length 0, the first at {first}{within}");
                focused(Finding::on(Code::BlockZeroRun, chunk, message), place..place + 2)
            });
        }
        self.limit(chunk, runs.decoded_len);
        Some(runs.decoded_len)
    }

    fn limit(&mut self, chunk: &Chunk, decoded_len: u64) {
        if decoded_len <= self.max_block_size {
            return;
        }
        self.findings.add(Code::BlockTooLarge, || {
            let (block, at, limit) = (chunk.block.unwrap_or(0), chunk.offset, self.max_block_size);
            let message = format!("block {block} at {at} decodes to {decoded_len} bytes, over the limit of {limit}");
            Finding::on(Code::BlockTooLarge, chunk, message)
        });
    }

    /// Decodes one block of an engine that was added; its decoded size.
    fn measure(&mut self, chunk: &Chunk, stored: Bytes<'_>) -> Option<u64> {
        if !self.reader.has_engine() || self.undecoded.hopeless {
            self.undecoded.count += u64::from(self.undecoded.hopeless);
            return None;
        }
        let place = StoredBlock { stored, block: chunk.block.unwrap_or(0), offset: chunk.offset, provisional: false };
        match self.reader.content(&place) {
            Ok(content) => Some(content.bytes.len() as u64),
            Err(BlockError::Decode { source: EngineError::TooLarge { decoded_len, .. }, .. }) => {
                self.limit(chunk, decoded_len);
                None
            }
            Err(error) => {
                let failed = matches!(error, BlockError::Decode { source: EngineError::Failed(_), .. });
                self.undecoded.hopeless = failed && self.sizes.iter().all(Option::is_none);
                self.undecoded.count += 1;
                self.undecoded.first.get_or_insert(error);
                None
            }
        }
    }
}

pub(super) fn check(report: &mut Report<'_>, survey: Survey) {
    let container = report.container;
    notes(report, &survey);
    protection::check(report, &survey.protection);
    // Where META was lost, nobody knows what the blocks are: what looks wrong may be another engine's.
    let fits = survey.transport && survey.fits(container);
    if fits && container.meta().is_some() && !report.has_lost_meta() {
        report.complete &= survey.findings.count(Code::BlockTooLarge) == 0;
        report.findings.merge(survey.findings);
        if let Some(block_size) = container.meta().and_then(|meta| meta.block_size) {
            sizes(report, &survey.sizes, block_size);
        }
    }
    let certain = container.first_provisional().unwrap_or(u64::MAX);
    let certain = usize::try_from(certain).unwrap_or(usize::MAX).min(survey.sizes.len());
    let known = fits && survey.reader.reaches_compressed() && survey.reader.has_engine();
    container.set_decoded_starts(known.then(|| Starts::new(survey.sizes.into_iter().take(certain))));
}

fn sizes(report: &mut Report<'_>, sizes: &[Option<u64>], block_size: u64) {
    let container = report.container;
    let covered = container.index().first(Tag::VERI).map_or(u64::MAX, |veri| veri.index);
    for (block, size) in (0u64..).zip(sizes) {
        let Some(size) = size.filter(|size| *size != block_size) else { continue };
        let Some(chunk) = container.index().block(block) else { continue };
        let next = container.index().block(block + 1);
        let is_last = next.is_none_or(|next| chunk.index < covered && next.index > covered);
        if is_last && size < block_size {
            continue;
        }
        report.findings.add(Code::BlockSizeMismatch, || {
            let at = chunk.offset;
            let message =
                format!("block {block} at {at} decodes to {size} bytes, but META's block_size is {block_size}");
            Finding::on(Code::BlockSizeMismatch, &chunk, message).expecting(block_size)
        });
    }
}

/// What keeps blocks from being read, once for the file.
fn notes(report: &mut Report<'_>, survey: &Survey) {
    let container = report.container;
    let (reader, blocks) = (container.reader(), container.index().blocks());
    let pipeline = reader.pipeline();
    let Some(first) = container.index().block(0) else { return };
    // A library that was given and gives nothing leaves content unchecked that was to be checked.
    report.complete &= survey.undecoded.first.is_none();
    let mut note = |code, message| {
        let mut finding = Finding::at(code, first.offset, 0, message);
        (finding.chunk, finding.block) = (Some(first.index), first.block);
        report.push(finding);
    };
    if let Some(cipher) = pipeline.cipher.as_deref().filter(|_| !reader.can_decrypt()) {
        let cipher = escape(cipher);
        note(
            Code::BlockEncrypted,
            format!("{} ({cipher}): CRCs checked, content not checked", count(blocks, "encrypted block")),
        );
    }
    if let EngineKind::Opaque { name } = &pipeline.engine {
        let name = escape(name);
        if !reader.has_engine() {
            note(
                Code::BlockOpaque,
                format!("{} of engine \"{name}\": CRCs checked, content not checked", count(blocks, "block")),
            );
        } else if let Some(error) = &survey.undecoded.first {
            let (failed, all) = (survey.undecoded.count, count(blocks, "block"));
            note(Code::BlockOpaque, format!("{failed} of {all} of engine \"{name}\" failed: {error}"));
        }
    }
    if pipeline.masked && !reader.can_unmask() {
        note(
            Code::BlockMasked,
            format!("{}: CRCs and runs checked, content not checked", count(blocks, "masked block")),
        );
    }
}
