//! What there is to say about findings, and about the checks that find them.

use std::borrow::Cow;

use super::FindingRow;
use crate::report::audit::place;
use crate::report::count;
use crate::report::summary::Describe;
use crate::tui::command::{Command, PromptKind};
use crate::tui::keymap;
use crate::tui::state::{JobKind, State};
use h4mk::audit::Verdict;
use h4mk::finding::{Finding, Findings as List, Remedy};
use h4mk::knowledge::Known;
use h4mk::report::audit::Expected;
use h4mk::report::summary::Outcome;

/// The findings of the audit or, before it, of the walk.
pub fn findings(state: &State) -> Option<&List> {
    match (&state.audit, &state.container) {
        (Some(audit), _) => Some(&audit.findings),
        (None, Some(container)) => Some(&container.walked().findings),
        (None, None) => None,
    }
}

/// The finding under the cursor.
pub fn selected(state: &State) -> Option<&Finding> {
    match state.findings.selected()? {
        FindingRow::Finding(at) => findings(state)?.list().get(at),
        FindingRow::Group(_) => None,
    }
}

/// What there is to say about a finding: a heading and a text of each kind.
pub fn details(state: &State, finding: &Finding) -> Vec<(&'static str, String)> {
    let length = if finding.length > 0 { format!("{} from ", count(finding.length, "byte")) } else { String::new() };
    let mut details = vec![
        ("where", format!("{}; {length}{:#x}", place(finding.offset, finding.chunk, finding.block), finding.offset)),
        ("found", finding.message.clone()),
    ];
    if let Some(flip) = &finding.flip {
        let bytes = format!("; {:#04x} now, {:#04x} before", flip.byte, flip.before());
        let proof = if flip.confirmed { "confirmed by VERI" } else { "not confirmed" };
        let chance = format!("other damage looks the same with probability {:.1e}", flip.chance);
        let flip = format!("bit {} of the byte at {}{}", flip.bit, flip.offset, bytes);
        details.push(("flip", format!("{flip}; {proof}; {chance}")));
    }
    if let Some(expected) = &finding.expected {
        details.push(("right", Expected::from(expected).to_string()));
    }
    let advice = finding.advice().words(|remedy| on_the_screen(remedy, state.theme.ascii));
    details.extend([("means", finding.code.meaning().to_owned()), ("do", advice)]);
    details
}

/// How a remedy is asked for here: by a key where there is one.
fn on_the_screen(remedy: Remedy, ascii: bool) -> Cow<'static, str> {
    let key = |prompt, what| {
        let key = keymap::key_of(Command::Ask(prompt), ascii).unwrap_or_default();
        Cow::Owned(format!("Press {key} and give the {what}"))
    };
    match remedy {
        Remedy::Salvage => "with h4inspect salvage".into(),
        Remedy::Mend => "with h4inspect salvage --repair".into(),
        Remedy::GiveSecret => key(PromptKind::Secret, "secret"),
        Remedy::GiveMaskKey => key(PromptKind::MaskKey, "mask key"),
        Remedy::AddEngine => "Open the file again with --core-lib and the vendor's library".into(),
        Remedy::ChooseMeaning => "with --meaning when you open the file".into(),
        Remedy::RaiseBlockLimit => "Open the file again with a higher --max-block-size".into(),
    }
}

/// What the checks came to, in the words of the `audit` command; `None` before they ran.
pub fn outcome(state: &State) -> Option<(Verdict, String)> {
    let audit = state.audit.as_ref()?;
    Some((audit.verdict, Outcome::of(audit).describe()))
}

/// A finding as one line of the `audit` command says it.
pub(super) fn as_line(finding: &Finding) -> String {
    let place = place(finding.offset, finding.chunk, finding.block);
    format!("{}: {} {place}: {}", finding.severity, finding.code, finding.message)
}

/// What may be done where nothing was found yet.
pub fn invitation(state: &State) -> String {
    let wrong = state.tally.of(Known::Wrong);
    let known = match (state.audit.is_some(), wrong) {
        (true, _) | (false, 0) => String::new(),
        (false, _) => format!("{} known to be wrong; ", count(wrong, "block")),
    };
    format!("{known}{}", next_step(state))
}

fn next_step(state: &State) -> &'static str {
    if state.jobs.is_running(JobKind::Audit) {
        "every check is running"
    } else if state.audit.is_some() {
        "every check was run, and nothing was found"
    } else if state.container.as_ref().is_some_and(|container| container.is_complete()) {
        "not audited: a runs every check"
    } else {
        "being indexed; a runs every check"
    }
}
