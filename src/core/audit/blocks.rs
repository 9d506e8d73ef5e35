//! What blocks hold, as far as it can be read without keys: run lengths, and the sizes they decode to.

use super::Report;
use crate::core::block::{Engine, Pipeline};
use crate::core::bytes::available;
use crate::core::codec::rle;
use crate::core::container::{Container, Options};
use crate::core::finding::{Code, Finding, Findings};
use crate::core::index::{Chunk, Index, Tag};
use crate::core::layout::Layout;
use crate::core::seek::Starts;

/// What was seen in the blocks while they were walked.
pub(super) struct Survey {
    /// Blocks are run lengths, for all that is known.
    readable: bool,
    max_block_size: u64,
    next: u64,
    sizes: Vec<Option<u64>>,
    findings: Findings,
}

impl Survey {
    /// For the blocks of a container whose META was read in advance.
    pub(super) fn new(planned: &Container, options: &Options) -> Self {
        let transport = planned.layout() == Layout::Transport;
        Self {
            readable: transport && planned.pipeline().is_plain_rle(),
            max_block_size: options.max_block_size,
            next: 0,
            sizes: Vec::new(),
            findings: Findings::default(),
        }
    }

    /// Whether the blocks of `container` are read as it says.
    pub(super) fn suits(&self, container: &Container) -> bool {
        let transport = container.layout() == Layout::Transport;
        self.readable == (transport && container.pipeline().is_plain_rle())
    }

    /// Looks into the blocks that were walked since the last call.
    pub(super) fn extend(&mut self, bytes: &[u8], index: &Index) {
        if !self.readable {
            return;
        }
        while let Some(chunk) = index.block(self.next) {
            self.next += 1;
            let size =
                chunk.state.is_intact().then(|| self.look(&chunk, available(bytes, chunk.payload_offset, chunk.len)));
            self.sizes.push(size.flatten());
        }
    }

    /// Checks one block; its decoded size, where every byte of it is accounted for.
    fn look(&mut self, chunk: &Chunk, stored: &[u8]) -> Option<u64> {
        let runs = rle::survey(stored);
        let (block, at) = (chunk.block.unwrap_or(0), chunk.offset);
        if runs.odd {
            self.findings.add(Code::BlockOddLength, || {
                let message =
                    format!("block {block} at {at}: {} bytes of (value, run) pairs, an odd number", chunk.len);
                Finding::on(Code::BlockOddLength, chunk, message).focused(chunk.end - 1..chunk.end)
            });
            return None;
        }
        if let Some(first) = runs.first_zero_run {
            self.findings.add(Code::BlockZeroRun, || {
                let place = chunk.payload_offset + first;
                let message = format!("block {block} at {at}: {} runs of 0, the first at {place}", runs.zero_runs);
                Finding::on(Code::BlockZeroRun, chunk, message).focused(place..place + 2)
            });
        }
        if runs.decoded_len > self.max_block_size {
            self.findings.add(Code::BlockTooLarge, || {
                let message = format!(
                    "block {block} at {at} decodes to {} bytes, over the limit of {}",
                    runs.decoded_len, self.max_block_size
                );
                Finding::on(Code::BlockTooLarge, chunk, message)
            });
        }
        Some(runs.decoded_len)
    }
}

pub(super) fn check(report: &mut Report<'_>, survey: Survey) {
    let container = report.container;
    let pipeline = container.pipeline();
    notes(report, &pipeline);
    // Where META was lost, nobody knows what the blocks are: what looks wrong may be another engine's.
    let declared = container.meta().is_some() && !report.has_lost_meta();
    if survey.readable && declared {
        report.complete &= survey.findings.count(Code::BlockTooLarge) == 0;
        report.findings.merge(survey.findings);
        if let Some(block_size) = container.meta().and_then(|meta| meta.block_size) {
            sizes(report, &survey.sizes, block_size);
        }
    }
    let certain = container.first_provisional().unwrap_or(u64::MAX);
    let certain = usize::try_from(certain).unwrap_or(usize::MAX).min(survey.sizes.len());
    container.set_decoded_starts(survey.readable.then(|| Starts::new(survey.sizes.into_iter().take(certain))));
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
            let message = format!("block {block} at {at} decodes to {size} bytes, META's block_size is {block_size}");
            Finding::on(Code::BlockSizeMismatch, &chunk, message)
        });
    }
}

/// What keeps blocks from being read, once for the file.
fn notes(report: &mut Report<'_>, pipeline: &Pipeline) {
    let container = report.container;
    let blocks = container.index().blocks();
    let Some(first) = container.index().block(0) else { return };
    let mut note = |code, message| {
        let mut finding = Finding::at(code, first.offset, 0, message);
        (finding.chunk, finding.block) = (Some(first.index), first.block);
        report.push(finding);
    };
    if let Some(cipher) = &pipeline.cipher {
        let cipher = crate::core::text::escape(cipher);
        note(Code::BlockEncrypted, format!("{blocks} blocks are encrypted ({cipher}): CRCs checked, content not"));
    }
    if let Engine::Opaque { name } = &pipeline.engine {
        let name = crate::core::text::escape(name);
        note(Code::BlockOpaque, format!("{blocks} blocks of engine \"{name}\": CRCs checked, content not"));
    }
    if pipeline.masked {
        note(Code::BlockMasked, format!("{blocks} blocks are masked: CRCs and runs checked, content not"));
    }
}
