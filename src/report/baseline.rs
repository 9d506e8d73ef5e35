//! Baselines: findings that are known and accepted. A JSON file with a version, a finding a line in the order of files
//! and places, so that a change of it can be read.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use super::audit::{self, Audited, is_accepted};
use h4mk::finding::{Code, Severity};
use h4mk::name::FileName;
use h4mk::report::audit::{BaselineState, FileAudit, Finding};
use h4mk::report::json;

const VERSION: u64 = 1;

/// Why a file isn't a baseline.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// It is of another version of the format.
    #[error("the baseline has version {0}, but this program reads version {VERSION}")]
    Version(u64),
    /// It is something else.
    #[error("it isn't a baseline: {0}")]
    Json(#[from] serde_json::Error),
}

#[derive(Deserialize)]
struct Head {
    version: u64,
}

#[derive(Default, Serialize, Deserialize)]
struct Document {
    version: u64,
    findings: Vec<Entry>,
    /// Findings beyond those that audits list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    omitted: Vec<Omitted>,
}

/// A finding that is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its file, as named to the audit, without `.` in it.
    pub file: String,
    /// `percent` where that name isn't UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_encoding: Option<String>,
    /// What kind.
    pub code: String,
    /// Where.
    pub offset: u64,
    /// What was said of it: tells those of one kind and place apart as far as it can.
    pub message: String,
}

#[derive(Serialize, Deserialize)]
struct Omitted {
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file_encoding: Option<String>,
    code: String,
    count: u64,
}

/// A file, and how its name is encoded.
type Name = (String, Option<String>);

/// What is accepted of one file.
#[derive(Default)]
struct Accepted {
    findings: HashMap<(String, u64), Vec<Known>>,
    omitted: BTreeMap<String, u64>,
    audited: bool,
}

struct Known {
    message: String,
    seen: bool,
}

/// The lines of one file.
type Entries = (Vec<Entry>, Vec<Omitted>);

/// The findings that are accepted, and those of this audit.
#[derive(Default)]
pub struct Baseline {
    files: HashMap<Name, Accepted>,
    /// Of the files audited; kept if the baseline is to be updated.
    audited: Option<BTreeMap<Name, Entries>>,
}

impl Baseline {
    /// Reads one.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        // First, since what else another version holds is not known.
        let Head { version } = serde_json::from_slice(bytes)?;
        if version != VERSION {
            return Err(ParseError::Version(version));
        }
        let document: Document = serde_json::from_slice(bytes)?;
        let mut files: HashMap<Name, Accepted> = HashMap::new();
        for Entry { file, file_encoding, code, offset, message } in document.findings {
            let known = files.entry((file, file_encoding)).or_default().findings.entry((code, offset)).or_default();
            known.push(Known { message, seen: false });
        }
        for Omitted { file, file_encoding, code, count } in document.omitted {
            *files.entry((file, file_encoding)).or_default().omitted.entry(code).or_default() += count;
        }
        Ok(Self { files, audited: None })
    }

    /// Keeps what is found from now on for [`write_updated`](Self::write_updated).
    pub fn keep_found(&mut self) {
        self.audited = Some(BTreeMap::new());
    }

    /// Marks the findings of a file as accepted or new. Of several that share code and place, as many are accepted as
    /// the baseline holds there.
    pub fn mark(&mut self, audited: &mut Audited) {
        let Audited { file, new_omitted, is_being_accepted, .. } = audited;
        let name = (clean(&file.file), file.file_encoding.map(|encoding| encoding.name().to_owned()));
        if file.error.is_some() {
            self.files.get_mut(&name).into_iter().for_each(Accepted::see_all);
            return;
        }
        if let Some(found) = &mut self.audited {
            *is_being_accepted = true;
            found.insert(name.clone(), entries_of(&name, file));
        }
        for finding in &mut file.findings {
            finding.baseline_state = Some(BaselineState::New);
        }
        let mut accepted = self.files.get_mut(&name);
        let mut free: HashMap<(&str, u64), Vec<&mut Known>> = HashMap::new();
        if let Some(accepted) = accepted.as_mut() {
            accepted.audited = true;
            for ((code, offset), known) in &mut accepted.findings {
                free.insert((code.as_str(), *offset), known.iter_mut().collect());
            }
        }
        // Those that say the same first, so that it is the others that are left over.
        for same_message in [true, false] {
            for finding in &mut file.findings {
                let Some(known) = free.get_mut(&(finding.code.name(), finding.offset)) else { continue };
                let fits = |known: &&mut Known| !same_message || known.message == finding.message;
                let can_be = !is_accepted(finding) && finding.code != Code::FileChanged;
                let Some(at) = known.iter().position(fits).filter(|_| can_be) else { continue };
                known.swap_remove(at).seen = true;
                finding.baseline_state = Some(BaselineState::Unchanged);
            }
        }
        drop(free);
        let omitted = file.omitted.iter().filter(|(code, count)| {
            let accepted = accepted.as_ref().and_then(|accepted| accepted.omitted.get(code));
            accepted.is_none_or(|accepted| accepted < count)
        });
        let severity_of = |code: &str| {
            let listed = file.findings.iter().filter(|finding| finding.code.name() == code);
            listed.map(|finding| finding.severity).chain(Code::from_name(code).map(Code::severity)).min()
        };
        *new_omitted = omitted.filter_map(|(code, _)| severity_of(code)).min().filter(|_| !*is_being_accepted);
        // Which of too many are listed depends on the others: those that are not may still be there.
        if let Some(accepted) = accepted {
            for ((code, _), known) in &mut accepted.findings {
                if file.omitted.iter().any(|(omitted, _)| omitted == code) {
                    known.iter_mut().for_each(|known| known.seen = true);
                }
            }
        }
    }

    /// Accepted findings that were not found in the files audited, or whose file `is_gone`, in the order of files and
    /// places.
    pub fn absent(&self, is_gone: impl Fn(&FileName) -> bool) -> Vec<Entry> {
        let files = self.files.iter().filter(|(file, accepted)| accepted.audited || is_gone(&file_name(file)));
        let mut absent: Vec<Entry> = files
            .flat_map(|(file, accepted)| {
                accepted.findings.iter().flat_map(move |((code, offset), known)| {
                    known.iter().filter(|known| !known.seen).map(move |known| Entry {
                        file: file.0.clone(),
                        file_encoding: file.1.clone(),
                        code: code.clone(),
                        offset: *offset,
                        message: known.message.clone(),
                    })
                })
            })
            .collect();
        absent.sort_by(Entry::order);
        absent
    }

    /// Writes the baseline that accepts what was found. What it holds of other files stays, unless `is_gone` says that
    /// they are no longer there.
    pub fn write_updated(self, out: &mut dyn Write, is_gone: impl Fn(&FileName) -> bool) -> io::Result<()> {
        let mut audited = self.audited.unwrap_or_default();
        for (file, accepted) in self.files {
            if audited.contains_key(&file) || is_gone(&file_name(&file)) {
                continue;
            }
            let (name, encoding) = &file;
            let entry = |code: &str, offset, message| Entry {
                file: name.clone(),
                file_encoding: encoding.clone(),
                code: code.to_owned(),
                offset,
                message,
            };
            let findings = accepted.findings.into_iter().flat_map(|((code, offset), known)| {
                known.into_iter().map(|known| entry(&code, offset, known.message)).collect::<Vec<_>>()
            });
            let findings = findings.collect();
            let omitted = accepted.omitted.into_iter().map(|(code, count)| Omitted {
                file: name.clone(),
                file_encoding: encoding.clone(),
                code,
                count,
            });
            let omitted = omitted.collect();
            audited.insert(file, (findings, omitted));
        }
        let mut document = Document { version: VERSION, ..Document::default() };
        for (mut findings, omitted) in audited.into_values() {
            findings.sort_by(Entry::order);
            document.findings.extend(findings);
            document.omitted.extend(omitted);
        }
        json::write_line(out, json::DOCUMENT, &document)
    }
}

impl Accepted {
    /// Of a file that could not be looked at, everything may still be there.
    fn see_all(&mut self) {
        self.findings.values_mut().flatten().for_each(|known| known.seen = true);
    }
}

impl Entry {
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let file = (&self.file, &self.file_encoding).cmp(&(&other.file, &other.file_encoding));
        let place = || (self.offset, &self.code, &self.message).cmp(&(other.offset, &other.code, &other.message));
        file.then_with(place)
    }

    /// Its file as a URI reference.
    pub fn uri(&self) -> String {
        audit::uri(&FileName::written(self.file.clone(), self.file_encoding.as_deref()))
    }

    /// The severity of its code; the worst if this program does not know it.
    pub fn severity(&self) -> Severity {
        Code::from_name(&self.code).map_or(Severity::Error, Code::severity)
    }
}

fn entries_of(name: &Name, file: &FileAudit) -> Entries {
    let lasting = file.findings.iter().filter(|finding| finding.code != Code::FileChanged);
    let entry = |finding: &Finding| Entry {
        file: name.0.clone(),
        file_encoding: name.1.clone(),
        code: finding.code.name().to_owned(),
        offset: finding.offset,
        message: finding.message.clone(),
    };
    let omitted = file.omitted.iter().map(|(code, count)| Omitted {
        file: name.0.clone(),
        file_encoding: name.1.clone(),
        code: code.clone(),
        count: *count,
    });
    (lasting.map(entry).collect(), omitted.collect())
}

fn file_name((file, encoding): &Name) -> FileName {
    FileName::written(file.clone(), encoding.as_deref())
}

/// A file's name in a baseline: `./a//b` and `a/b` are one.
fn clean(name: &str) -> String {
    let parts = Path::new(name).components().filter(|part| *part != Component::CurDir);
    let clean: std::path::PathBuf = parts.collect();
    if cfg!(windows) { clean.to_string_lossy().replace('\\', "/") } else { clean.to_string_lossy().into_owned() }
}
