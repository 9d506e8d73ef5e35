//! What headers alone show of damage, in a few words.

use std::collections::BTreeSet;

use super::count;
use super::style::Role;
use h4mk::audit;
use h4mk::container::Container;
use h4mk::finding::{Code, Finding, Findings, Severity};

/// Damage that needs no audit to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The worst of it.
    pub severity: Severity,
    words: String,
}

impl Damage {
    /// What the walk over a container has seen; `None` where that is nothing.
    pub fn of(container: &Container) -> Option<Self> {
        let findings = audit::outline(container);
        let (mut parts, mut severity) = (Vec::new(), None);
        for code in SEEN {
            let mut of_code = findings.list().iter().filter(|finding| finding.code == code).peekable();
            let Some(first) = of_code.peek().copied() else { continue };
            severity = severity.into_iter().chain(of_code.clone().map(|finding| finding.severity)).min();
            parts.extend(match code {
                Code::RegionSkipped => lost(container, &findings),
                Code::ChunkMissing => of_code.map(bare).collect(),
                _ => vec![words(container, first, findings.count(code))],
            });
        }
        Some(Self { severity: severity?, words: parts.join(", ") })
    }

    /// `202 bytes lost at 3828, 1 wrong length`.
    pub fn describe(&self) -> &str {
        &self.words
    }

    /// The colour it is shown in.
    pub fn role(&self) -> Role {
        self.severity.into()
    }
}

/// The faults that count, in the order in which they are named. The rest shows in what else is said of the file.
const SEEN: [Code; 11] = [
    Code::RegionSkipped,
    Code::ChunkTruncated,
    Code::ChunkLengthRepaired,
    Code::ChunkTagRepaired,
    Code::ChunkCrcMismatch,
    Code::Unfinished,
    Code::ChunkMissing,
    Code::ContainerCrcMissing,
    Code::TrailingBytes,
    Code::AppendedContainer,
    Code::ChunkDuplicate,
];

fn words(container: &Container, first: &Finding, n: u64) -> String {
    match first.code {
        Code::ChunkTruncated if n == 1 => format!("a chunk cut off at {}", first.offset),
        Code::ChunkTruncated => format!("{n} chunks cut off, the first at {}", first.offset),
        Code::ChunkLengthRepaired => count(n, "wrong length"),
        Code::ChunkTagRepaired => count(n, "wrong tag"),
        Code::ChunkCrcMismatch if container.is_checked() => count(n, "wrong CRC"),
        // Only those that the walk had a doubt about were looked at.
        Code::ChunkCrcMismatch => format!("at least {}", count(n, "wrong CRC")),
        Code::ContainerCrcMissing => "no closing CRC".to_owned(),
        Code::TrailingBytes => format!("{} after the last chunk", count(first.length, "byte")),
        Code::AppendedContainer => format!("another container from {} on", first.offset),
        Code::ChunkDuplicate => count(n, "duplicate chunk"),
        _ => first.message.clone(),
    }
}

/// `there is no VERI chunk`, without what is always the same.
fn bare(finding: &Finding) -> String {
    finding.message.trim_start_matches("there is ").to_owned()
}

/// Bytes that belong to no chunk; those of a chunk that is cut off are said with it.
fn lost(container: &Container, findings: &Findings) -> Vec<String> {
    let cut = findings.list().iter().filter(|finding| finding.code == Code::ChunkTruncated);
    let cut: BTreeSet<u64> = cut.map(|finding| finding.offset).collect();
    let begins_chunk = |at: u64| container.index().at_offset(at).is_some_and(|chunk| chunk.offset() == at);
    let losses = container.walked().losses.iter();
    let regions: Vec<_> = losses.filter(|loss| !cut.contains(&loss.offset) && !begins_chunk(loss.offset)).collect();
    let bytes = count(regions.iter().map(|loss| loss.length).fold(0, u64::saturating_add), "byte");
    match regions.as_slice() {
        [] => Vec::new(),
        [one] => vec![format!("{bytes} lost at {}", one.offset)],
        [first, ..] => vec![format!("{bytes} lost in {} places, the first at {}", regions.len(), first.offset)],
    }
}
