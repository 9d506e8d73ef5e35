//! Audits as JUnit XML, one test case a file, within what the XSD allows by which Jenkins checks reports (junit-10.xsd of
//! its xunit plugin).
//!
//! The counts stand before the cases they count, so cases are kept until the end, in a temporary file where they are
//! many.

use std::io::{self, Seek, Write};

use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use tempfile::SpooledTempFile;

use super::audit::Audited;
use super::style::Paint;
use super::xml::allowed;
use h4mk::finding::Severity;
use h4mk::report::audit::Finding;
use h4mk::text;

const REPORT: &str = "h4inspect";
const SUITE: &str = "h4inspect audit";
const CLASS: &str = "h4inspect.audit";

/// Cases of more bytes go to a temporary file.
const MEMORY_LEN: usize = 1 << 20;

/// A report in the making.
pub struct Report {
    fail_on: Option<Severity>,
    cases: quick_xml::Writer<SpooledTempFile>,
    tests: u64,
    failures: u64,
    errors: u64,
}

impl Report {
    /// An empty report. Findings from `fail_on` up are failures, unless a baseline holds them; files that can't be read,
    /// or not all of it, are errors.
    pub fn new(fail_on: Option<Severity>) -> Self {
        let cases = quick_xml::Writer::new(SpooledTempFile::new(MEMORY_LEN));
        Self { fail_on, cases, tests: 0, failures: 0, errors: 0 }
    }

    /// Adds a case.
    pub fn add(&mut self, audited: &Audited) -> io::Result<()> {
        let problem = Problem::of(audited, self.fail_on);
        self.tests += 1;
        match &problem {
            Some(Problem { element: FAILURE, .. }) => self.failures += 1,
            Some(_) => self.errors += 1,
            None => {}
        }
        let name = text::escape(&audited.file.file);
        let name = allowed(&name);
        let case = BytesStart::new("testcase").with_attributes([("name", name.as_ref()), ("classname", CLASS)]);
        let mut details = Vec::new();
        audited.write_text(&mut details, Paint::PLAIN)?;
        let details = String::from_utf8_lossy(&details);
        let details = allowed(&details);
        let inside = match problem {
            Some(Problem { element, cause }) => {
                let message = audited.describe();
                BytesStart::new(element).with_attributes([("message", allowed(&message).as_ref()), ("type", cause)])
            }
            None if !audited.file.findings.is_empty() => BytesStart::new("system-out"),
            None => return self.line(2, Event::Empty(case)),
        };
        self.line(2, Event::Start(case))?;
        let end = inside.to_end().into_owned();
        self.line(3, Event::Start(inside))?;
        self.cases.write_event(Event::Text(BytesText::new(&details)))?;
        self.cases.write_event(Event::End(end))?;
        self.line(2, Event::End(BytesEnd::new("testcase")))
    }

    /// Writes it all.
    pub fn finish(self, out: &mut dyn Write) -> io::Result<()> {
        let [tests, failures, errors] = [self.tests, self.failures, self.errors].map(|count| count.to_string());
        let [tests, failures, errors] = [("tests", &tests), ("failures", &failures), ("errors", &errors)];
        let no_skipped = ("skipped", &"0".to_owned());
        let counted = |element, name, counts: &[(&str, &String)]| {
            let counts = counts.iter().map(|(name, count)| (*name, count.as_str()));
            Event::Start(BytesStart::new(element).with_attributes([("name", name)]).with_attributes(counts))
        };
        let mut xml = quick_xml::Writer::new(&mut *out);
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        xml.get_mut().write_all(b"\n")?;
        // The schema does not know the root to have skipped any.
        xml.write_event(counted("testsuites", REPORT, &[tests, failures, errors]))?;
        xml.get_mut().write_all(b"\n    ")?;
        xml.write_event(counted("testsuite", SUITE, &[tests, no_skipped, errors, failures]))?;
        let mut cases = self.cases.into_inner();
        cases.rewind()?;
        io::copy(&mut cases, out)?;
        out.write_all(b"\n    </testsuite>\n</testsuites>\n")
    }

    /// Writes an event on a new line, so many levels deep.
    fn line(&mut self, depth: usize, event: Event<'_>) -> io::Result<()> {
        let out = self.cases.get_mut();
        out.write_all(b"\n")?;
        (0..depth).try_for_each(|_| out.write_all(b"    "))?;
        self.cases.write_event(event)
    }
}

const FAILURE: &str = "failure";
const ERROR: &str = "error";

/// Why a case isn't a success.
struct Problem {
    element: &'static str,
    cause: &'static str,
}

impl Problem {
    fn of(audited: &Audited, fail_on: Option<Severity>) -> Option<Self> {
        let failing = |severity: Severity| fail_on.is_some_and(|least| severity <= least);
        let counts = |finding: &&Finding| failing(finding.severity) && !audited.accepts(finding);
        let worst = audited.file.findings.iter().filter(counts).min_by_key(|finding| finding.severity);
        if audited.is_unreadable() {
            let cause = audited.file.findings.first().map_or("unreadable", |finding| finding.code.name());
            Some(Self { element: ERROR, cause })
        } else if let Some(worst) = worst {
            Some(Self { element: FAILURE, cause: worst.code.name() })
        } else if audited.worst().is_some_and(failing) {
            Some(Self { element: FAILURE, cause: "more-findings" })
        } else if audited.is_incomplete() {
            Some(Self { element: ERROR, cause: "not-fully-checked" })
        } else {
            None
        }
    }
}
