//! Where findings are, in an order in which the panes can look them up.

use std::ops::Range;

use crate::core::audit::Audit;
use crate::core::container::Container;
use crate::core::finding::Severity;
use crate::core::index::Tag;

#[derive(Debug, Clone, Copy)]
struct Mark {
    chunk: u64,
    tag: Tag,
    severity: Severity,
}

/// The findings' places: as many as findings are listed, whatever the size of the file.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    chunks: Vec<Mark>,
    blocks: Vec<(u64, Severity)>,
}

impl Marks {
    /// The places of the audit's findings, or of those that the walk made.
    pub fn new(container: &Container, audit: Option<&Audit>) -> Self {
        let findings = audit.map_or(&container.walked().findings, |audit| &audit.findings);
        let index = container.index();
        let mut marks = Self::default();
        for finding in findings.list().iter().filter(|finding| finding.severity != Severity::Info) {
            let severity = finding.severity;
            marks.blocks.extend(finding.block.map(|block| (block, severity)));
            let chunk = finding.chunk.and_then(|chunk| index.chunk(chunk));
            marks.chunks.extend(chunk.map(|c| Mark { chunk: c.index, tag: c.tag, severity }));
        }
        // Lost bytes stand before the next block; after the last one, at it.
        let last = index.blocks().saturating_sub(1);
        // A walk in progress counts what it has not seen as lost.
        let losses = container.walked().losses.iter().filter(|_| container.is_complete());
        marks.blocks.extend(losses.map(|loss| (loss.block.min(last), Severity::Error)));
        marks.chunks.sort_by_key(|mark| mark.chunk);
        marks.blocks.sort_by_key(|(block, _)| *block);
        marks
    }

    /// The worst finding at chunks of that tag among these ordinals, of those that count.
    pub fn worst_of_chunks(&self, tag: Tag, chunks: Range<u64>, counts: impl Fn(u64) -> bool) -> Option<Severity> {
        let first = self.chunks.partition_point(|mark| mark.chunk < chunks.start);
        let inside = self.chunks.iter().skip(first).take_while(|mark| mark.chunk < chunks.end);
        inside.filter(|mark| mark.tag == tag && counts(mark.chunk)).map(|mark| mark.severity).min()
    }

    /// The blocks that an error was found at, ascending.
    pub fn faulty_blocks(&self) -> Vec<u64> {
        let errors = self.blocks.iter().filter(|(_, severity)| *severity == Severity::Error);
        let mut blocks: Vec<u64> = errors.map(|(block, _)| *block).collect();
        blocks.dedup();
        blocks
    }

    /// The blocks that something was found at, ascending, with how bad it is.
    pub fn of_blocks(&self) -> &[(u64, Severity)] {
        &self.blocks
    }

    /// The worst finding at these blocks.
    pub fn worst_of_blocks(&self, blocks: Range<u64>) -> Option<Severity> {
        let first = self.blocks.partition_point(|(block, _)| *block < blocks.start);
        let inside = self.blocks.iter().skip(first).take_while(|(block, _)| *block < blocks.end);
        inside.map(|(_, severity)| *severity).min()
    }
}
