//! What happens to the list of findings.

use ratatui::layout::Rect;

use super::words::{as_line, details, findings, selected};
use super::{FindingRow, parts};
use crate::tui::command::{Command, Level, View};
use crate::tui::rows::Motion;
use crate::tui::state::behaviour::{Behaviour, List};
use crate::tui::state::{Effect, Selection, State, copy, popup};
use h4mk::finding::Finding;

/// The view's behaviour.
pub(in crate::tui::state) struct Findings;

impl Behaviour for Findings {
    fn run(&self, state: &mut State, command: Command) -> Option<Vec<Effect>> {
        match command {
            Command::Group => {
                let row = state.findings.selected();
                let findings = findings(state).cloned();
                state.findings.grouping = state.findings.grouping.next();
                state.findings.regroup(findings.as_ref());
                let at =
                    row.filter(|row| matches!(row, FindingRow::Finding(_))).and_then(|row| state.findings.place(row));
                self.set_cursor(state, at.unwrap_or(0));
                let name = state.findings.grouping.name();
                state.say(Level::Info, format!("findings by {name}"));
                return Some(Vec::new());
            }
            Command::Copy => {
                let text = selected(state).map(as_line)?;
                return Some(copy::copied(state, &text));
            }
            Command::Open | Command::Fold | Command::Move(_) => {}
            _ => return None,
        }
        let row = state.findings.selected()?;
        match (command, row) {
            (Command::Move(Motion::Left), row) => {
                let group = state.findings.group_of(row)?;
                if state.findings.is_open(group) {
                    fold(state, group);
                }
            }
            (Command::Move(Motion::Right), FindingRow::Group(group)) => {
                if !state.findings.is_open(group) {
                    fold(state, group);
                }
            }
            (Command::Move(Motion::Right), FindingRow::Finding(_)) => {}
            (Command::Move(motion), _) => self.step(state, motion),
            (_, FindingRow::Group(group)) => fold(state, group),
            (Command::Fold, FindingRow::Finding(_)) => open_details(state),
            (_, FindingRow::Finding(_)) => {
                let selection = selected(state).cloned().and_then(|finding| place_of(state, &finding));
                match selection {
                    Some(selection) => {
                        state.select(selection);
                        state.show(View::Hex);
                    }
                    None => state.say(Level::Warning, "there is no container to show bytes of"),
                }
            }
        }
        Some(Vec::new())
    }

    fn list<'a>(&self, state: &'a mut State) -> Option<List<'a>> {
        let len = state.findings.len();
        let pane = state.areas().and_then(|areas| areas.view);
        let area = pane.map_or(Rect::default(), |pane| parts(pane.inner, len).list);
        Some(List { window: &mut state.findings.window, len, area })
    }

    fn selects(&self, state: &mut State) {
        let selection = selected(state).cloned().and_then(|finding| place_of(state, &finding));
        if let Some(selection) = selection.filter(|selection| *selection != state.selection) {
            state.walk_to(selection);
        }
    }

    fn refresh(&self, state: &mut State) -> Vec<Effect> {
        let findings = findings(state).cloned();
        let was_empty = state.findings.is_empty();
        state.findings.regroup(findings.as_ref());
        // The first finding, not the head of its group.
        let first = if was_empty && state.findings.len() > 1 { 1 } else { state.findings.window.cursor() };
        self.set_cursor(state, first);
        Vec::new()
    }

    fn follow(&self, state: &mut State) {
        let Some(chunk) = state.selection.chunk else { return };
        let is_here = |finding: &Finding| {
            finding.chunk == Some(chunk) || place_of(state, finding).is_some_and(|place| place == state.selection)
        };
        if selected(state).is_some_and(is_here) {
            return;
        }
        let at = findings(state).and_then(|list| list.list().iter().position(|found| found.chunk == Some(chunk)));
        if let Some(at) = at.and_then(|at| state.findings.place(FindingRow::Finding(at))) {
            self.set_cursor(state, at);
        }
    }
}

/// The place of a finding becomes what is selected: its bytes, its chunk, its block.
fn place_of(state: &State, finding: &Finding) -> Option<Selection> {
    let container = state.container.as_ref()?;
    let whole = finding.offset..finding.offset.saturating_add(finding.length.max(1));
    let bytes = finding.focus.clone().unwrap_or(whole);
    let bytes = bytes.start.min(state.source.len())..bytes.end.min(state.source.len());
    let chunk = finding.chunk.and_then(|chunk| container.index().chunk(chunk));
    let selection = match chunk {
        Some(chunk) => Selection::of_chunk(container, &chunk),
        None => Selection::of_bytes(container, bytes.clone()),
    };
    Some(Selection { bytes: Some(bytes).filter(|bytes| !bytes.is_empty()), ..selection })
}

fn fold(state: &mut State, group: usize) {
    let pane = &mut state.findings;
    let Some(shared) = pane.groups.get(group).map(|group| group.shared) else { return };
    if !pane.folded.remove(&shared) {
        pane.folded.insert(shared);
    }
    pane.list();
    let at = pane.place(FindingRow::Group(group)).unwrap_or(0);
    Findings.set_cursor(state, at);
}

fn open_details(state: &mut State) {
    let Some(finding) = selected(state).cloned() else { return };
    let parts = details(state, &finding).into_iter().map(|(name, text)| format!("{name}\n  {text}"));
    let text = parts.collect::<Vec<_>>().join("\n");
    popup::behaviour::open(state, &format!("{}: {}", finding.severity, finding.code), &text);
}

/// Shows a finding, by its place in the list of findings, in this view.
pub(in crate::tui::state) fn show(state: &mut State, finding: usize) {
    state.show(View::Audit);
    let pane = &mut state.findings;
    if let Some(group) = pane.group_of(FindingRow::Finding(finding)).and_then(|group| pane.groups.get(group)) {
        pane.folded.remove(&group.shared);
        pane.list();
    }
    if let Some(at) = state.findings.place(FindingRow::Finding(finding)) {
        Findings.set_cursor(state, at);
        Findings.selects(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::headless::Player;
    use crate::tui::state::findings::Shared;
    use crate::tui::testing::{bytes, damaged, played, played_with};
    use h4mk::finding::{Code, Severity};
    use std::sync::Arc;

    fn code(player: &Player) -> Option<Code> {
        selected(player.state()).map(|finding| finding.code)
    }

    #[test]
    fn findings_lead_to_their_bytes() {
        let player = played_with(damaged(), "a6");
        assert_eq!(code(&player), Some(Code::ChunkCrcMismatch));
        let hex = played_with(damaged(), "a6<Enter>");
        let flipped = 8 + 2 * 16 + 12;
        let selection = &hex.state().selection;
        assert_eq!(
            (hex.state().view, selection.chunk, selection.bytes.clone()),
            (View::Hex, Some(2), Some(flipped..flipped + 1))
        );
        assert_eq!(code(&played_with(damaged(), "a6j")), Some(Code::VeriMismatch));
        assert_eq!(played_with(damaged(), "a6j").state().selection.chunk, Some(11), "walking selects");
        assert_eq!(code(&played_with(damaged(), "a6j:#2<Enter>")), Some(Code::ChunkCrcMismatch), "and follows");
    }

    #[test]
    fn groups_are_cycled_folded_and_counted() {
        let heads = |text: &str| {
            let player = played_with(damaged(), text);
            let groups = player.state().findings.groups();
            (groups.iter().map(|group| group.shared).collect::<Vec<_>>(), player.state().findings.len())
        };
        assert_eq!(heads("a6"), (vec![Shared::Severity(Severity::Error)], 3));
        assert_eq!(heads("a6o").1, 4);
        assert_eq!(heads("a6oo").0, [Shared::Chunk(Some(2)), Shared::Chunk(Some(11))]);
        assert_eq!(heads("a6<Left>").1, 1);
        assert_eq!(heads("a6<Left><Enter>").1, 3);
        assert_eq!(code(&played_with(damaged(), "a6jo")), Some(Code::VeriMismatch), "the finding stays selected");
    }

    #[test]
    fn a_finding_is_told_whole() {
        let player = played_with(damaged(), "a6<Space>");
        let text = player.state().popup.as_ref().unwrap().lines().join("\n");
        for part in ["at 40, chunk 2, block 2; 16 bytes from 0x28", "0x03 now, 0x02 before", "do not match its CRC"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn what_is_copied_is_the_finding() {
        let copied = |keys: &str| played_with(damaged(), keys).copied().map(str::to_owned);
        let first = copied("a6y").unwrap();
        assert!(first.starts_with("error: chunk-crc-mismatch at 40, chunk 2, block 2: "), "{first}");
        assert!(copied("a6jy").unwrap().starts_with("error: veri-mismatch "));
        assert!(copied("a6ky").unwrap().starts_with("CORE chunk "), "the head of a group is no finding");
    }

    #[test]
    fn the_walk_s_findings_come_before_the_audit_s() {
        assert!(played(80, 24, "6").state().findings.is_empty());
        let cut = Arc::new(h4mk::source::Source::from_bytes("cut.h4mk", bytes()[..60].to_vec()));
        let player = played_with(cut, "6");
        assert!(player.state().audit.is_none());
        assert_eq!(code(&player), Some(Code::ChunkTruncated));
        let no_container = Arc::new(h4mk::source::Source::from_bytes("x", b"RIFF....".to_vec()));
        assert_eq!(code(&played_with(no_container, "a6")), Some(Code::NotH4mk));
    }
}
