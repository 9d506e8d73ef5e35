//! Audits as JUnit XML, one test case a file, within what the XSD allows by which Jenkins checks reports (junit-10.xsd of
//! its xunit plugin).

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::audit::{FileAudit, Finding};
use super::style::Paint;
use super::xml::allowed;
use crate::core::finding::Severity;
use crate::core::text;

const SUITE: &str = "h4inspect audit";
const CLASS: &str = "h4inspect.audit";

/// Writes the audits. Findings from `fail_on` up are failures; files that can't be read, or not all of it, are errors.
pub fn write(out: &mut dyn Write, files: &[FileAudit], fail_on: Option<Severity>) -> io::Result<()> {
    let mut suite = TestSuite::new(SUITE);
    suite.add_test_cases(files.iter().map(|file| test_case(file, fail_on)));
    let mut report = Report::new("h4inspect");
    report.add_test_suite(suite);
    let xml = report.to_string().map_err(io::Error::other)?;
    // The one attribute it writes that the root may not have. It is the first of its name: the root's others are numbers
    // and the name above.
    out.write_all(xml.replacen(" skipped=\"0\"", "", 1).as_bytes())
}

fn test_case(file: &FileAudit, fail_on: Option<Severity>) -> TestCase {
    let failing = |finding: &&Finding| fail_on.is_some_and(|least| finding.severity <= least);
    let worst = file.findings.iter().filter(failing).min_by_key(|finding| finding.severity);
    let (kind, cause) = if file.layout.is_none() {
        (Some(NonSuccessKind::Error), file.findings.first().map_or("unreadable", |finding| finding.code.name()))
    } else if let Some(worst) = worst {
        (Some(NonSuccessKind::Failure), worst.code.name())
    } else if !file.complete {
        (Some(NonSuccessKind::Error), "not-fully-checked")
    } else {
        (None, "")
    };
    let mut status = kind.map_or_else(TestCaseStatus::success, TestCaseStatus::non_success);
    let mut details = Vec::new();
    // Writing to memory does not fail.
    _ = file.write_text(&mut details, Paint::PLAIN);
    let details = allowed(&String::from_utf8_lossy(&details)).into_owned();
    if kind.is_some() {
        status.set_message(allowed(&file.describe())).set_type(cause).set_description(details.as_str());
    }
    let mut case = TestCase::new(allowed(&text::escape(&file.file)), status);
    case.set_classname(CLASS);
    if kind.is_none() && !file.findings.is_empty() {
        case.set_system_out(details);
    }
    case
}
