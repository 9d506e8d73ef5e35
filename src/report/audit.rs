//! Audits: what each file came to, what a baseline makes of that, and how many files came to what.

use std::io::{self, Write};

use super::advice::on_the_command_line;
use super::style::{Paint, Role};
use super::summary::Describe;
use super::{count, size};
use h4mk::audit::{Audit, Verdict};
use h4mk::finding::{Code, Severity};
use h4mk::name::FileName;
use h4mk::report::FileAudit;
use h4mk::report::audit::{BaselineState, Finding};
use h4mk::report::summary::Outcome;
use h4mk::text;
use h4mk::veri;

/// What stands for a check that a limit stopped.
const LIMITS: [&str; 2] = ["block-too-large", "json-limit"];

/// The result of the audit of one file.
#[derive(Debug, Clone)]
pub struct Audited {
    /// What JSON says.
    pub file: FileAudit,
    /// The file as a URI reference, for reports that place findings by one.
    pub uri: String,
    /// The worst severity of findings beyond those listed that a baseline does not hold.
    pub new_omitted: Option<Severity>,
    /// What is found becomes part of the baseline.
    pub is_being_accepted: bool,
    /// The audit in short.
    pub outcome: Outcome,
    /// Its blocks were unmasked with a key that nothing proves right.
    pub unmasked: bool,
}

/// Whether a baseline holds a finding.
pub fn is_accepted(finding: &Finding) -> bool {
    finding.baseline_state == Some(BaselineState::Unchanged)
}

/// `at 76, chunk 2, block 2`.
pub fn place(offset: u64, chunk: Option<u64>, block: Option<u64>) -> String {
    let chunk = chunk.map(|chunk| format!(", chunk {chunk}"));
    let block = block.map(|block| format!(", block {block}"));
    format!("at {offset}{}{}", chunk.unwrap_or_default(), block.unwrap_or_default())
}

impl Audited {
    /// What an audit found in the file of that name.
    pub fn new(file: &FileName, bytes: u64, audit: &Audit) -> Self {
        let unmasked = audit.container.as_deref().is_some_and(|container| container.can_unmask());
        let said = FileAudit::new(file, bytes, audit, on_the_command_line);
        Self::of(file, said, Outcome::of(audit), unmasked)
    }

    /// A file that could not be opened.
    pub fn unopened(file: &FileName, error: String) -> Self {
        Self::of(file, FileAudit::unopened(file, error), Outcome::UNOPENED, false)
    }

    /// What was found in a file before, under that name of it.
    pub fn of(name: &FileName, file: FileAudit, outcome: Outcome, unmasked: bool) -> Self {
        let file = FileAudit { file: name.to_string(), file_encoding: name.encoding(), ..file };
        Self { file, uri: uri(name), new_omitted: None, is_being_accepted: false, outcome, unmasked }
    }

    /// A baseline holds the finding, or will when it is updated.
    pub fn accepts(&self, finding: &Finding) -> bool {
        is_accepted(finding) || self.is_being_accepted && finding.code != Code::FileChanged
    }

    /// The worst severity of any finding that no baseline holds.
    pub fn worst(&self) -> Option<Severity> {
        let new = self.file.findings.iter().filter(|finding| !self.accepts(finding)).map(|finding| finding.severity);
        new.chain(self.new_omitted).min()
    }

    /// It can't be read, and no baseline says that this is known.
    pub fn is_unreadable(&self) -> bool {
        self.file.verdict == Verdict::Unreadable && (self.file.error.is_some() || self.worst().is_some())
    }

    /// A limit stopped a check, and no baseline says that this is known.
    pub fn is_incomplete(&self) -> bool {
        let limits = || self.file.findings.iter().filter(|finding| LIMITS.contains(&finding.code.name()));
        let others =
            self.file.findings.iter().any(|finding| matches!(finding.code, Code::FileChanged | Code::BlockOpaque));
        let accepted =
            limits().next().is_some() && limits().all(|finding| self.accepts(finding)) && self.new_omitted.is_none();
        !self.file.complete && (others || !accepted)
    }

    /// Nothing is wrong with it beyond what a baseline holds.
    pub fn is_fine(&self) -> bool {
        !self.is_unreadable() && !self.is_incomplete() && self.worst().is_none_or(|worst| worst == Severity::Info)
    }

    /// The verdict, and what it rests on.
    pub fn describe(&self) -> String {
        match &self.file.error {
            Some(error) => format!("{}: {}", self.file.verdict.name(), text::escape(error)),
            None => self.outcome.describe(),
        }
    }

    /// What kind of file it is, in one line.
    fn describe_file(&self) -> Option<String> {
        let layout = self.file.layout?;
        let blocks = match self.file.blocks - self.file.blocks_intact {
            0 => count(self.file.blocks, "block"),
            _ => format!("{} ({} intact)", count(self.file.blocks, "block"), self.file.blocks_intact),
        };
        let bytes = size(self.file.bytes.unwrap_or_default());
        let chunks = count(self.file.chunks, "chunk");
        Some(format!("{bytes}, {layout}, {chunks}, {blocks}, VERI {}", self.file.veri.describe()))
    }

    /// Writes it for people: the worst first.
    pub fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let file = paint.paint(Role::Heading, text::escape(&self.file.file));
        writeln!(out, "{file}: {}", paint.paint(self.outcome.verdict.into(), self.describe()))?;
        if let Some(line) = self.describe_file() {
            writeln!(out, "  {}", paint.paint(Role::Label, line))?;
        }
        let mut worst_first: Vec<&Finding> = self.file.findings.iter().collect();
        worst_first.sort_by_key(|finding| finding.severity);
        for finding in worst_first {
            let severity = paint.paint(finding.severity.into(), finding.severity);
            let accepted = if is_accepted(finding) { ", in the baseline" } else { "" };
            let place = format!("{}{accepted}", place(finding.offset, finding.chunk, finding.block));
            writeln!(out, "  {severity:<7}  {}  {}", finding.code, paint.paint(Role::Label, place))?;
            writeln!(out, "           {}", text::escape(&finding.message))?;
            if let Some(expected) = &finding.expected {
                writeln!(out, "           expected: {expected}")?;
            }
            if let Some(flip) = finding.flip.filter(|flip| !flip.confirmed) {
                writeln!(
                    out,
                    "           the chance that other damage looks like one flipped bit is {:.1e}",
                    flip.chance
                )?;
            }
            writeln!(out, "           {}", paint.paint(Role::Label, format_args!("-> {}", finding.advice)))?;
        }
        for (code, n) in &self.file.omitted {
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
    pub fn add(&mut self, audited: &Audited) {
        let file = &audited.file;
        let count = match file.verdict {
            Verdict::Ok => &mut self.ok,
            Verdict::Suspect => &mut self.suspect,
            Verdict::Damaged => &mut self.damaged,
            Verdict::Unreadable => &mut self.unreadable,
        };
        *count += 1;
        self.incomplete += u64::from(!file.complete && file.verdict != Verdict::Unreadable);
        self.without_veri += u64::from(file.veri.status == veri::Status::Absent);
        self.accepted += file.findings.iter().filter(|finding| is_accepted(finding)).count() as u64;
        self.fine += u64::from(audited.is_fine());
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
