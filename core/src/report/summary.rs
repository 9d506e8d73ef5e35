//! What several answers say: the file header, SEEK and VERI in short, and what an audit came to.

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fields::{is_false, is_zero};
use crate::audit::{Audit, Verdict};
use crate::container::{Container, Effort};
use crate::finding::Severity;
use crate::layout::{FileHeader, Layout};
use crate::seek::Meaning;
use crate::tracks::Track;
use crate::veri::{Scheme, Status, Verification};

/// The file header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Header {
    /// Of the container format.
    pub version: u16,
    /// Mux only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<u8>,
    /// Normally 0.
    pub reserved: u16,
    /// Mux only: when it was made, in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp_ms: Option<u64>,
}

impl From<&FileHeader> for Header {
    fn from(header: &FileHeader) -> Self {
        let FileHeader { layout: _, version, flags, reserved, timestamp_ms } = *header;
        Self { version, flags, reserved, timestamp_ms }
    }
}

/// SEEK: how many entries, and what their offsets mean.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct SeekSummary {
    /// Complete entries; in mux, those in the tables of all tracks.
    pub entries: u64,
    /// What their offsets mean; `None` without entries, or where nothing fits.
    pub meaning: Option<Meaning>,
    /// Meanings under which every entry leads to the start of a block.
    pub fits: Vec<Meaning>,
    /// Other meanings fit as well and lead to other blocks.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ambiguous: bool,
    /// The user chose the meaning.
    #[serde(default, skip_serializing_if = "is_false")]
    pub chosen: bool,
    /// Entries that lead to no block.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unresolved: u64,
    /// `stream` could not be tried, since decoded sizes are not known.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stream_untested: bool,
    /// Tracks that have a table of their own.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub track_tables: u64,
    /// Mux: keyframes beyond 4 GiB, out of reach of a table's 32-bit offsets.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub out_of_reach: u64,
}

impl SeekSummary {
    /// What SEEK, or the tables of a mux container, come to.
    pub fn of(container: &Container, effort: Effort) -> Self {
        let with_table = |track: &&Track| track.table.is_some();
        let tables = || container.tracks().into_iter().flat_map(|tracks| &tracks.list).filter(with_table);
        let track_tables = tables().count() as u64;
        if container.layout() == Layout::Mux {
            return Self { track_tables, out_of_reach: out_of_reach(container), ..Self::of_mux(container, tables()) };
        }
        let resolution = container.resolution(effort);
        Self {
            entries: container.seek_table().map_or(0, |table| table.rows.len()),
            meaning: resolution.best.map(|fit| fit.meaning),
            fits: resolution.fits.clone(),
            ambiguous: resolution.ambiguous,
            chosen: resolution.chosen && resolution.best.is_some(),
            unresolved: resolution.best.map_or(0, |fit| fit.misses),
            stream_untested: resolution.stream_untested && resolution.best.is_some(),
            track_tables,
            out_of_reach: 0,
        }
    }

    fn of_mux<'a>(container: &'a Container, tables: impl Iterator<Item = &'a Track>) -> Self {
        let mut summary = Self::default();
        for track in tables {
            let Some(table) = track.seek_table(container) else { continue };
            for entry in table.rows.iter() {
                summary.entries += 1;
                summary.unresolved += u64::from(track.entry_block(container, entry).is_none());
            }
        }
        if summary.entries > 0 {
            summary.meaning = Some(Meaning::Payload);
            summary.fits = (summary.unresolved == 0).then_some(Meaning::Payload).into_iter().collect();
        }
        summary
    }
}

/// Keyframes whose payload begins beyond what 32 bits can say.
fn out_of_reach(container: &Container) -> u64 {
    if u32::try_from(container.source().len()).is_ok() {
        return 0;
    }
    let keyframes = container.tracks().into_iter().flat_map(|tracks| &tracks.list).flat_map(Track::keyframes);
    let offsets = keyframes.filter_map(|keyframe| container.index().block(keyframe.block));
    offsets.filter(|chunk| u32::try_from(chunk.payload_offset).is_err()).count() as u64
}

/// VERI in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct VeriSummary {
    /// The result of recomputing it.
    pub status: Status,
    /// The kind it matched as.
    pub scheme: Option<Scheme>,
    /// The hash.
    pub algorithm: Option<String>,
}

impl VeriSummary {
    /// Nobody looked.
    pub const UNCHECKED: Self = Self { status: Status::Unchecked, scheme: None, algorithm: None };
}

impl From<&Verification> for VeriSummary {
    fn from(verification: &Verification) -> Self {
        Self { status: verification.status, scheme: verification.scheme, algorithm: verification.algorithm.clone() }
    }
}

/// What an audit concludes, and from how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Outcome {
    /// What it concludes.
    pub verdict: Verdict,
    /// No limit stopped a check.
    pub complete: bool,
    /// Errors, including those that are not listed.
    pub errors: u64,
    /// Warnings, including those that are not listed.
    pub warnings: u64,
}

impl Outcome {
    /// Of a file that could not be opened.
    pub const UNOPENED: Self = Self { verdict: Verdict::Unreadable, complete: false, errors: 0, warnings: 0 };

    /// Of an audit.
    pub fn of(audit: &Audit) -> Self {
        let omitted = audit.findings.omitted();
        let total = |severity: Severity| {
            let listed = audit.findings.list().iter().filter(|finding| finding.severity == severity).count() as u64;
            listed + omitted.iter().filter(|(code, _)| code.severity() == severity).map(|(_, n)| n).sum::<u64>()
        };
        Self {
            verdict: audit.verdict,
            complete: audit.complete,
            errors: total(Severity::Error),
            warnings: total(Severity::Warning),
        }
    }
}
