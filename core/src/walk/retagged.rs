//! What a walk found, with tags that turned out to be others.

use super::{Loss, Walked};
use crate::finding::{Code, Finding};
use crate::index::{Index, Tag};

impl Walked {
    /// The same with some chunks, given by ordinal, under another tag, and a finding for each.
    pub(crate) fn retagged(&self, tags: &[(u64, Tag)]) -> Self {
        let index = self.index.retagged(tags);
        let mut findings = self.findings.clone();
        for finding in findings.list_mut() {
            if let Some(chunk) = finding.chunk.and_then(|chunk| index.chunk(chunk)) {
                finding.block = chunk.block;
            }
        }
        for (at, _) in tags {
            let Some((chunk, stored)) = index.chunk(*at).zip(self.index.chunk(*at)) else { continue };
            let message = format!(
                "tag {} at {} is one bit off from {tag}, and VERI verifies with {tag}",
                stored.tag,
                chunk.offset,
                tag = chunk.tag
            );
            let finding = Finding::on(Code::ChunkTagRepaired, &chunk, message);
            let field = chunk.offset..chunk.offset + 4;
            findings.push(finding.focused(field).expecting(chunk.tag.to_string()));
        }
        findings.sort();
        let losses = renumbered(&self.losses, &index);
        Self { index, findings, losses, ending: self.ending, closing_crc: self.closing_crc, depth: self.depth }
    }
}

/// The losses, with the number of the blocks that stand before each.
fn renumbered(losses: &[Loss], index: &Index) -> Vec<Loss> {
    let mut losses = losses.to_vec();
    let mut cores = index.with_tag(Tag::CORE).peekable();
    let mut before = 0;
    for loss in &mut losses {
        // A block that was cut off begins where its loss does, and counts.
        while cores.next_if(|chunk| chunk.offset <= loss.offset).is_some() {
            before += 1;
        }
        loss.block = before;
    }
    losses
}
