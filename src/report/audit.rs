//! Audits: one object a file, and how many files came to what.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::advice::advice;
use super::schema;
use super::style::{Paint, Role};
use super::summary::{Outcome, SeekSummary, VeriSummary, verdict_name};
use super::{Word, as_object, count, kept, size};
use h4mk::audit::{Audit, Verdict};
use h4mk::container::Effort;
use h4mk::finding::{self, Code, Severity};
use h4mk::name::FileName;
use h4mk::text;
use h4mk::veri;

/// What stands for a check that a limit stopped.
const LIMITS: [&str; 2] = ["block-too-large", "json-limit"];

/// What an audit of one file came to.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct FileAudit {
    /// Its name as given, or as it was found.
    pub file: String,
    /// `percent` where the name isn't UTF-8: its bytes are percent-encoded then.
    #[serde(default, deserialize_with = "kept::word", skip_serializing_if = "Option::is_none")]
    pub file_encoding: Option<Word>,
    /// Size of the file; absent where it could not be opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// `transport` or `mux`; `None` for what is no container.
    #[serde(deserialize_with = "kept::word")]
    pub layout: Option<Word>,
    /// What it concludes.
    #[serde(serialize_with = "verdict_name", deserialize_with = "kept::verdict")]
    #[schemars(schema_with = "schema::verdicts")]
    pub verdict: Verdict,
    /// False where a limit, or a file that can't be read, stopped a check.
    pub complete: bool,
    /// How many there are.
    pub chunks: u64,
    /// CORE chunks.
    pub blocks: u64,
    /// Those that are whole with a right CRC.
    pub blocks_intact: u64,
    /// SEEK in short.
    pub seek: SeekSummary,
    /// VERI in short.
    pub veri: VeriSummary,
    /// Findings beyond those listed, by code.
    #[serde(serialize_with = "as_object", deserialize_with = "kept::counts")]
    #[schemars(with = "BTreeMap<String, u64>")]
    pub omitted: Vec<(String, u64)>,
    /// What was found, in file order.
    pub findings: Vec<Finding>,
    /// Why it could not be read at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The file as a URI reference, for reports that place findings by one.
    #[serde(skip)]
    pub uri: String,
    /// The worst severity of findings beyond those listed that a baseline does not hold.
    #[serde(skip)]
    pub new_omitted: Option<Severity>,
    /// What is found becomes part of the baseline.
    #[serde(skip)]
    pub is_being_accepted: bool,
    /// The audit in short.
    #[serde(skip, default = "Outcome::of_unopened")]
    pub outcome: Outcome,
    /// Its blocks were unmasked with a key that nothing proves right.
    #[serde(skip)]
    pub unmasked: bool,
}

/// One fault or oddity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What kind.
    #[serde(serialize_with = "code_name", deserialize_with = "kept::code")]
    #[schemars(schema_with = "schema::codes")]
    pub code: Code,
    /// How bad.
    #[serde(serialize_with = "severity_name", deserialize_with = "kept::severity")]
    #[schemars(schema_with = "schema::severities")]
    pub severity: Severity,
    /// File offset; of a chunk's finding that of the chunk header.
    pub offset: u64,
    /// Bytes concerned.
    pub length: u64,
    /// Ordinal of the chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk: Option<u64>,
    /// Index of the block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
    /// What was expected and what was found.
    pub message: String,
    /// What to do about it, in the words of the command line.
    pub advice: String,
    /// What would be right, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
    /// The flipped bit that explains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flip: Option<Flip>,
    /// Whether a baseline holds it; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline_state: Option<BaselineState>,
}

/// What a finding is to a baseline, in SARIF's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BaselineState {
    /// The baseline does not hold it.
    New,
    /// The baseline holds it: it is accepted.
    Unchanged,
    /// The baseline holds it, and it is no longer found.
    Absent,
}

/// A number or a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Expected {
    /// A value: an offset, a length, a count, a timestamp.
    Number(u64),
    /// A tag, a digest or CRC in hex, a type.
    Text(String),
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(&text::escape(text)),
        }
    }
}

/// A single flipped bit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Flip {
    /// File offset of the byte.
    pub offset: u64,
    /// The bit; 0 is the least significant.
    pub bit: u8,
    /// The digest over the whole comes out right with the bit flipped back.
    pub confirmed: bool,
    /// The chance that other damage looks the same.
    pub chance: f64,
}

fn code_name<S: Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.name())
}

fn severity_name<S: Serializer>(severity: &Severity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(severity.name())
}

impl From<&finding::Finding> for Finding {
    fn from(finding: &finding::Finding) -> Self {
        let flip = |flip: finding::Flip| Flip {
            offset: flip.offset,
            bit: flip.bit,
            confirmed: flip.confirmed,
            chance: flip.chance,
        };
        Self {
            code: finding.code,
            severity: finding.severity,
            offset: finding.offset,
            length: finding.length,
            chunk: finding.chunk,
            block: finding.block,
            message: finding.message.clone(),
            advice: advice(finding),
            expected: finding.expected.clone().map(|expected| match expected {
                finding::Expected::Number(number) => Expected::Number(number),
                finding::Expected::Text(text) => Expected::Text(text),
            }),
            flip: finding.flip.map(flip),
            baseline_state: None,
        }
    }
}

impl Finding {
    /// A baseline holds it.
    pub fn is_accepted(&self) -> bool {
        self.baseline_state == Some(BaselineState::Unchanged)
    }

    /// `at 76, chunk 2, block 2`.
    pub fn place(&self) -> String {
        let chunk = self.chunk.map(|chunk| format!(", chunk {chunk}"));
        let block = self.block.map(|block| format!(", block {block}"));
        format!("at {}{}{}", self.offset, chunk.unwrap_or_default(), block.unwrap_or_default())
    }
}

impl FileAudit {
    /// What an audit found in the file of that name.
    pub fn new(file: &FileName, bytes: u64, audit: &Audit) -> Self {
        let container = audit.container.as_deref();
        let index = container.map(|container| container.index());
        let omitted = audit.findings.omitted();
        Self {
            file: file.to_string(),
            file_encoding: file.encoding(),
            uri: uri(file),
            bytes: Some(bytes),
            layout: container.map(|container| container.layout().name()),
            verdict: audit.verdict,
            complete: audit.complete,
            chunks: index.map_or(0, |index| index.len()),
            blocks: index.map_or(0, |index| index.blocks()),
            blocks_intact: index.map_or(0, |index| index.blocks_intact()),
            seek: container.map(|container| SeekSummary::of(container, Effort::Full)).unwrap_or_default(),
            veri: (&audit.verification).into(),
            omitted: omitted.iter().map(|(code, n)| (code.name().to_owned(), *n)).collect(),
            findings: audit.findings.list().iter().map(Finding::from).collect(),
            error: None,
            new_omitted: None,
            is_being_accepted: false,
            outcome: Outcome::of(audit),
            unmasked: container.is_some_and(|container| container.can_unmask()),
        }
    }

    /// A file that could not be opened.
    pub fn unopened(file: &FileName, error: String) -> Self {
        Self {
            file: file.to_string(),
            file_encoding: file.encoding(),
            uri: uri(file),
            bytes: None,
            layout: None,
            verdict: Verdict::Unreadable,
            complete: false,
            chunks: 0,
            blocks: 0,
            blocks_intact: 0,
            seek: SeekSummary::default(),
            veri: VeriSummary::UNCHECKED,
            omitted: Vec::new(),
            findings: Vec::new(),
            error: Some(error),
            new_omitted: None,
            is_being_accepted: false,
            outcome: Outcome::of_unopened(),
            unmasked: false,
        }
    }

    /// A baseline holds the finding, or will when it is updated.
    pub fn accepts(&self, finding: &Finding) -> bool {
        finding.is_accepted() || self.is_being_accepted && finding.code != Code::FileChanged
    }

    /// The same of another name of the file.
    #[must_use]
    pub fn renamed(self, file: &FileName) -> Self {
        Self { file: file.to_string(), file_encoding: file.encoding(), uri: uri(file), ..self }
    }

    /// The worst severity of any finding that no baseline holds.
    pub fn worst(&self) -> Option<Severity> {
        let new = self.findings.iter().filter(|finding| !self.accepts(finding)).map(|finding| finding.severity);
        new.chain(self.new_omitted).min()
    }

    /// It can't be read, and no baseline says that this is known.
    pub fn is_unreadable(&self) -> bool {
        self.verdict == Verdict::Unreadable && (self.error.is_some() || self.worst().is_some())
    }

    /// A limit stopped a check, and no baseline says that this is known.
    pub fn is_incomplete(&self) -> bool {
        let limits = || self.findings.iter().filter(|finding| LIMITS.contains(&finding.code.name()));
        let others = self.findings.iter().any(|finding| matches!(finding.code, Code::FileChanged | Code::BlockOpaque));
        let accepted =
            limits().next().is_some() && limits().all(|finding| self.accepts(finding)) && self.new_omitted.is_none();
        !self.complete && (others || !accepted)
    }

    /// Nothing is wrong with it beyond what a baseline holds.
    pub fn is_fine(&self) -> bool {
        !self.is_unreadable() && !self.is_incomplete() && self.worst().is_none_or(|worst| worst == Severity::Info)
    }

    /// The verdict, and what it rests on.
    pub fn describe(&self) -> String {
        match &self.error {
            Some(error) => format!("{}: {}", self.verdict.name(), text::escape(error)),
            None => self.outcome.describe(),
        }
    }

    /// What kind of file it is, in one line.
    fn describe_file(&self) -> Option<String> {
        let layout = self.layout?;
        let blocks = match self.blocks - self.blocks_intact {
            0 => count(self.blocks, "block"),
            _ => format!("{} ({} intact)", count(self.blocks, "block"), self.blocks_intact),
        };
        let bytes = size(self.bytes.unwrap_or_default());
        let chunks = count(self.chunks, "chunk");
        Some(format!("{bytes}, {layout}, {chunks}, {blocks}, VERI {}", self.veri.describe()))
    }

    /// Writes it for people: the worst first.
    pub fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let file = paint.paint(Role::Heading, text::escape(&self.file));
        writeln!(out, "{file}: {}", paint.paint(self.outcome.role(), self.describe()))?;
        if let Some(line) = self.describe_file() {
            writeln!(out, "  {}", paint.paint(Role::Label, line))?;
        }
        let mut worst_first: Vec<&Finding> = self.findings.iter().collect();
        worst_first.sort_by_key(|finding| finding.severity);
        for finding in worst_first {
            let severity = paint.paint(finding.severity.into(), finding.severity);
            let accepted = if finding.is_accepted() { ", in the baseline" } else { "" };
            let place = format!("{}{accepted}", finding.place());
            writeln!(out, "  {severity:<7}  {}  {}", finding.code, paint.paint(Role::Label, place))?;
            writeln!(out, "           {}", text::escape(&finding.message))?;
            if let Some(expected) = &finding.expected {
                writeln!(out, "           expected: {expected}")?;
            }
            if let Some(flip) = finding.flip.filter(|flip| !flip.confirmed) {
                writeln!(
                    out,
                    "           other damage looks like one flipped bit with a chance of {:.1e}",
                    flip.chance
                )?;
            }
            writeln!(out, "           {}", paint.paint(Role::Label, format_args!("-> {}", finding.advice)))?;
        }
        for (code, n) in &self.omitted {
            writeln!(out, "  and {n} more {code}")?;
        }
        Ok(())
    }
}

/// A path as a URI reference: relative without `.` in it, absolute as a `file:` URI. What is neither a letter, a digit nor
/// one of `-._~/` is percent-encoded, colons too, so that no first part looks like a scheme.
pub(super) fn uri(file: &FileName) -> String {
    let encoded = file.percent_encoded();
    // A backslash is no separator elsewhere.
    let separated = if cfg!(windows) { encoded.replace("%5C", "/").into() } else { encoded };
    if separated.starts_with('/') {
        return format!("file://{separated}");
    }
    let parts: Vec<&str> = separated.split('/').filter(|part| !["", "."].contains(part)).collect();
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

/// How many files came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    ok: u64,
    suspect: u64,
    damaged: u64,
    unreadable: u64,
    incomplete: u64,
    without_veri: u64,
    accepted: u64,
    fine: u64,
}

impl Tally {
    /// Counts a file.
    pub fn add(&mut self, file: &FileAudit) {
        let count = match file.verdict {
            Verdict::Ok => &mut self.ok,
            Verdict::Suspect => &mut self.suspect,
            Verdict::Damaged => &mut self.damaged,
            Verdict::Unreadable => &mut self.unreadable,
        };
        *count += 1;
        self.incomplete += u64::from(!file.complete && file.verdict != Verdict::Unreadable);
        self.without_veri += u64::from(file.veri.status == veri::Status::Absent);
        self.accepted += file.findings.iter().filter(|finding| finding.is_accepted()).count() as u64;
        self.fine += u64::from(file.is_fine());
    }

    /// All files.
    pub fn files(&self) -> u64 {
        self.ok + self.suspect + self.damaged + self.unreadable
    }

    /// Nothing is wrong with any, beyond what a baseline holds.
    pub fn is_fine(&self) -> bool {
        self.fine == self.files()
    }

    /// `37 files: 2 ok, 1 suspect, 30 damaged, 4 unreadable; 1 not completely checked, 5 without VERI`.
    pub fn describe(&self) -> String {
        let Self { ok, suspect, damaged, unreadable, .. } = self;
        let verdicts = format!("{ok} ok, {suspect} suspect, {damaged} damaged, {unreadable} unreadable");
        let more = [
            (self.incomplete, "not completely checked".to_owned()),
            (self.without_veri, "without VERI".to_owned()),
            (self.accepted, format!("finding{} in the baseline", if self.accepted == 1 { "" } else { "s" })),
        ];
        let more: Vec<String> = more.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        let more = if more.is_empty() { String::new() } else { format!("; {}", more.join(", ")) };
        format!("{}: {verdicts}{more}", count(self.files(), "file"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn paths_become_uris() {
        for (path, expected) in [
            ("clip.h4mk", "clip.h4mk"),
            ("./clip.h4mk", "clip.h4mk"),
            ("././/a/./b.h4mk", "a/b.h4mk"),
            (".hidden", ".hidden"),
            ("../up.h4mk", "../up.h4mk"),
            (".", "."),
            ("./", "."),
            ("-", "-"),
            ("a b/Ø%.h4mk", "a%20b/%C3%98%25.h4mk"),
            ("c:d#?[]@!$&'()*+,;=.h4mk", "c%3Ad%23%3F%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D.h4mk"),
            ("\u{ffff}\u{1b}~_", "%EF%BF%BF%1B~_"),
            ("/x/c:d#?.h4mk", "file:///x/c%3Ad%23%3F.h4mk"),
        ] {
            assert_eq!(uri(&FileName::from(Path::new(path))), expected);
        }
    }
}
