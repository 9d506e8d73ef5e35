//! What `info` and `audit` both say: the file header, SEEK and VERI in short.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::schema;
use super::style::Role;
use super::{Word, count, is_false, kept};
use h4mk::audit::{Audit, Verdict};
use h4mk::container::{Container, Effort};
use h4mk::finding::Severity;
use h4mk::layout::{FileHeader, Layout};
use h4mk::seek::Meaning;
use h4mk::tracks::Track;
use h4mk::veri::{Status, Verification};

/// The file header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Header {
    /// Of the container format.
    pub version: u16,
    /// Mux only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<u8>,
    /// 0 is normal.
    pub reserved: u16,
    /// Mux only: when it was made, in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp_ms: Option<u64>,
}

impl From<&FileHeader> for Header {
    fn from(header: &FileHeader) -> Self {
        let FileHeader { version, flags, reserved, timestamp_ms, .. } = *header;
        Self { version, flags, reserved, timestamp_ms }
    }
}

/// SEEK: how many entries, and what their offsets mean.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeekSummary {
    /// Whole entries that are there; mux: in the tables of all tracks.
    pub entries: u64,
    /// What their offsets mean; `None` without entries, or where nothing fits.
    #[serde(deserialize_with = "kept::word")]
    pub meaning: Option<Word>,
    /// Meanings under which every entry leads to the start of a block.
    #[serde(deserialize_with = "kept::words")]
    pub fits: Vec<Word>,
    /// Others fit as well and lead to other blocks.
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
    /// Mux: keyframes beyond 4 GiB, which a table's offsets of 32 bits can't reach.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub out_of_reach: u64,
    /// The layout says what offsets mean.
    #[serde(skip)]
    pub by_layout: bool,
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

fn is_zero(n: &u64) -> bool {
    *n == 0
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
            meaning: resolution.best.map(|fit| fit.meaning.name()),
            fits: resolution.fits.iter().map(|meaning| meaning.name()).collect(),
            ambiguous: resolution.ambiguous,
            chosen: resolution.chosen && resolution.best.is_some(),
            unresolved: resolution.best.map_or(0, |fit| fit.misses),
            stream_untested: resolution.stream_untested && resolution.best.is_some(),
            track_tables,
            out_of_reach: 0,
            by_layout: false,
        }
    }

    fn of_mux<'a>(container: &'a Container, tables: impl Iterator<Item = &'a Track>) -> Self {
        let mut summary = Self { by_layout: true, ..Self::default() };
        for track in tables {
            let Some(table) = track.seek_table(container) else { continue };
            for entry in table.rows.iter() {
                summary.entries += 1;
                summary.unresolved += u64::from(track.entry_block(container, entry).is_none());
            }
        }
        if summary.entries > 0 {
            summary.meaning = Some(Meaning::Payload.name());
            summary.fits = (summary.unresolved == 0).then_some(Meaning::Payload.name()).into_iter().collect();
        }
        summary
    }

    /// Entries and what they mean, in one line.
    pub fn describe(&self) -> String {
        let mut tables = match self.track_tables {
            0 => String::new(),
            n => format!("; {}", count(n, "track table")),
        };
        if self.out_of_reach > 0 {
            let keyframes = count(self.out_of_reach, "keyframe");
            tables.push_str(&format!("; {keyframes} beyond 4 GiB, where 32-bit offsets can't reach"));
        }
        if self.entries == 0 {
            return format!("no entries{tables}");
        }
        let entries = if self.entries == 1 { "1 entry".to_owned() } else { format!("{} entries", self.entries) };
        let meaning = Meaning::ALL.into_iter().find(|meaning| Some(meaning.name()) == self.meaning);
        match meaning {
            Some(meaning) => format!("{entries}; an offset is a {} ({}){tables}", meaning.describe(), meaning.name()),
            None => format!("{entries}; what their offsets mean is not known{tables}"),
        }
    }

    /// How sure the meaning is, in one line; `None` without entries.
    pub fn certainty(&self) -> Option<String> {
        if self.entries == 0 {
            return None;
        }
        let others = || {
            let others = self.fits.iter().filter(|name| Some(**name) != self.meaning).copied();
            others.collect::<Vec<_>>().join(", ")
        };
        let misses = format!("{} of {} lead to no block", self.unresolved, self.entries);
        Some(match self.meaning {
            _ if self.by_layout && self.unresolved == 0 => "by the layout; every entry leads to a block".to_owned(),
            _ if self.by_layout => format!("by the layout, but {misses}"),
            None => "no entry leads to the start of a block under any meaning".to_owned(),
            Some(_) if self.chosen && self.unresolved > 0 => format!("as --meaning says, but {misses}"),
            Some(_) if self.chosen => "as --meaning says, and every entry leads to a block".to_owned(),
            Some(_) if self.unresolved > 0 => format!("the best guess: {misses}"),
            Some(_) if self.ambiguous => {
                format!("ambiguous: {} fit as well and lead to other blocks; choose with --meaning", others())
            }
            Some(_) if self.stream_untested => "every entry fits, but stream was not tried: sizes are unknown".into(),
            Some(_) if self.fits.len() > 1 => format!("every entry fits; {} would too, less well", others()),
            Some(_) => "certain: the only meaning under which every entry fits".to_owned(),
        })
    }
}

/// VERI in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VeriSummary {
    /// What came of recomputing it.
    #[serde(serialize_with = "status_name", deserialize_with = "kept::status")]
    #[schemars(schema_with = "schema::statuses")]
    pub status: Status,
    /// The kind it matched as.
    #[serde(deserialize_with = "kept::word")]
    pub scheme: Option<Word>,
    /// The hash.
    pub algorithm: Option<String>,
}

impl VeriSummary {
    /// Nobody looked.
    pub const UNCHECKED: Self = Self { status: Status::Unchecked, scheme: None, algorithm: None };

    /// The role the outcome is coloured in.
    pub fn role(&self) -> Role {
        match self.status {
            Status::Verified => Role::Good,
            Status::Mismatch | Status::Malformed => Role::Error,
            Status::Absent | Status::Unsupported => Role::Warning,
            Status::Unchecked => Role::Label,
        }
    }

    /// `verified (sha256, prefix)`, `absent`.
    pub fn describe(&self) -> String {
        let details: Vec<&str> = self.algorithm.iter().map(String::as_str).chain(self.scheme).collect();
        match details.as_slice() {
            [] => self.status.name().to_owned(),
            details => format!("{} ({})", self.status.name(), details.join(", ")),
        }
    }
}

pub(super) fn status_name<S: Serializer>(status: &Status, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(status.name())
}

impl From<&Verification> for VeriSummary {
    fn from(verification: &Verification) -> Self {
        let scheme = verification.scheme.map(|scheme| scheme.name());
        Self { status: verification.status, scheme, algorithm: verification.algorithm.clone() }
    }
}

/// What an audit concludes, and from how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// What it concludes.
    #[serde(serialize_with = "verdict_name", deserialize_with = "kept::verdict")]
    #[schemars(schema_with = "schema::verdicts")]
    pub verdict: Verdict,
    /// No limit stopped a check.
    pub complete: bool,
    /// Errors, those beyond the listed ones included.
    pub errors: u64,
    /// Warnings, likewise.
    pub warnings: u64,
}

pub(super) fn verdict_name<S: Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(verdict.name())
}

impl Outcome {
    /// Of a file that could not be opened.
    pub(super) fn of_unopened() -> Self {
        Self { verdict: Verdict::Unreadable, complete: false, errors: 0, warnings: 0 }
    }

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

    /// `damaged: 2 errors, 1 warning`.
    pub fn describe(&self) -> String {
        let counts = [(self.errors, "error"), (self.warnings, "warning")];
        let mut parts: Vec<_> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, name)| count(*n, name)).collect();
        if !self.complete {
            parts.push("not all could be checked".to_owned());
        }
        let verdict = self.verdict.name();
        if parts.is_empty() { verdict.to_owned() } else { format!("{verdict}: {}", parts.join(", ")) }
    }

    /// The role it is coloured in.
    pub fn role(&self) -> Role {
        match self.verdict {
            Verdict::Ok => Role::Good,
            Verdict::Suspect => Role::Warning,
            Verdict::Damaged | Verdict::Unreadable => Role::Error,
        }
    }
}
