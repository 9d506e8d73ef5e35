//! What `info` and `audit` both say, in words: SEEK and VERI in short, and what an audit came to.

use super::count;
use super::style::Role;
use h4mk::audit::Verdict;
use h4mk::layout::Layout;
use h4mk::report::summary::{Outcome, SeekSummary, VeriSummary};
use h4mk::seek::Meaning;
use h4mk::veri::Status;

/// A part of an answer that is said in one line.
pub trait Describe {
    /// The line.
    fn describe(&self) -> String;
}

/// Entries and what they mean.
impl Describe for SeekSummary {
    fn describe(&self) -> String {
        let mut tables = match self.track_tables {
            0 => String::new(),
            n => format!("; {}", count(n, "track table")),
        };
        if self.out_of_reach > 0 {
            let keyframes = count(self.out_of_reach, "keyframe");
            tables.push_str(&format!("; {keyframes} beyond 4 GiB, out of reach of 32-bit offsets"));
        }
        if self.entries == 0 {
            return format!("no entries{tables}");
        }
        let entries = if self.entries == 1 { "1 entry".to_owned() } else { format!("{} entries", self.entries) };
        match self.meaning {
            Some(meaning) => format!("{entries}; an offset is a {} ({}){tables}", meaning.describe(), meaning.name()),
            None => format!("{entries}; the meaning of their offsets is unknown{tables}"),
        }
    }
}

/// How sure the meaning of SEEK's offsets is in a container of that layout, in one line; `None` without entries.
pub fn certainty(seek: &SeekSummary, layout: Layout) -> Option<String> {
    if seek.entries == 0 {
        return None;
    }
    let others = || {
        let others = seek.fits.iter().filter(|meaning| Some(**meaning) != seek.meaning).copied().map(Meaning::name);
        others.collect::<Vec<_>>().join(", ")
    };
    let misses = format!("{} of {} lead to no block", seek.unresolved, seek.entries);
    Some(match (layout, seek.meaning) {
        (Layout::Mux, _) if seek.unresolved == 0 => "by the layout; every entry leads to a block".to_owned(),
        (Layout::Mux, _) => format!("by the layout, but {misses}"),
        (_, None) => "no entry leads to a block under any meaning".to_owned(),
        (_, Some(_)) if seek.chosen && seek.unresolved > 0 => format!("as --meaning says, but {misses}"),
        (_, Some(_)) if seek.chosen => "as --meaning says, and every entry leads to a block".to_owned(),
        (_, Some(_)) if seek.unresolved > 0 => format!("the best guess: {misses}"),
        (_, Some(_)) if seek.ambiguous => {
            format!("ambiguous: {} would fit too and lead to other blocks; choose with --meaning", others())
        }
        (_, Some(_)) if seek.stream_untested => "every entry fits, but stream was not tried: sizes are unknown".into(),
        (_, Some(_)) if seek.fits.len() > 1 => format!("every entry fits; {} would fit less well", others()),
        (_, Some(_)) => "certain: the only meaning under which every entry fits".to_owned(),
    })
}

/// `verified (sha256, prefix)`, `absent`.
impl Describe for VeriSummary {
    fn describe(&self) -> String {
        let scheme = self.scheme.map(|scheme| scheme.name());
        let details: Vec<&str> = self.algorithm.iter().map(String::as_str).chain(scheme).collect();
        match details.as_slice() {
            [] => self.status.name().to_owned(),
            details => format!("{} ({})", self.status.name(), details.join(", ")),
        }
    }
}

impl From<Status> for Role {
    fn from(status: Status) -> Self {
        match status {
            Status::Verified => Self::Good,
            Status::Mismatch | Status::Malformed => Self::Error,
            Status::Absent | Status::Unsupported => Self::Warning,
            Status::Unchecked => Self::Label,
        }
    }
}

/// `damaged: 2 errors, 1 warning`.
impl Describe for Outcome {
    fn describe(&self) -> String {
        let counts = [(self.errors, "error"), (self.warnings, "warning")];
        let mut parts: Vec<_> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, name)| count(*n, name)).collect();
        if !self.complete {
            parts.push("not everything could be checked".to_owned());
        }
        let verdict = self.verdict.name();
        if parts.is_empty() { verdict.to_owned() } else { format!("{verdict}: {}", parts.join(", ")) }
    }
}

impl From<Verdict> for Role {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Ok => Self::Good,
            Verdict::Suspect => Self::Warning,
            Verdict::Damaged | Verdict::Unreadable => Self::Error,
        }
    }
}
