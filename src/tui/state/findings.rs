//! The Audit view's part of the update: findings in groups, and what is selected among them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ratatui::layout::{Position, Rect};

use super::views::Behaviour;
use super::{Command, Effect, JobKind, Level, PromptKind, Selection, State, View, popup, update};
use crate::report::audit::place;
use crate::report::count;
use crate::report::summary::Describe;
use crate::tui::keymap;
use crate::tui::rows::{Motion, Window};
use h4mk::audit::Verdict;
use h4mk::finding::{Code, Finding, Findings as List, Remedy, Severity};
use h4mk::knowledge::Known;
use h4mk::report::audit::Expected;
use h4mk::report::summary::Outcome;

/// The view's behaviour.
pub(super) struct Findings;

/// What findings are put into groups by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grouping {
    /// The worst first.
    #[default]
    Severity,
    /// What they are, the worst first.
    Code,
    /// Where they are.
    Chunk,
}

impl Grouping {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Severity => "severity",
            Self::Code => "code",
            Self::Chunk => "chunk",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Severity => Self::Code,
            Self::Code => Self::Chunk,
            Self::Chunk => Self::Severity,
        }
    }
}

/// What a group has in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shared {
    /// The severity.
    Severity(Severity),
    /// The severity and the code.
    Code(Severity, Code),
    /// The chunk; `None` for what concerns none.
    Chunk(Option<u64>),
}

/// A group of findings.
#[derive(Debug, Clone)]
pub struct Group {
    /// What they have in common.
    pub shared: Shared,
    /// The worst of them.
    pub worst: Severity,
    /// Their places in the list of findings, in file order.
    pub members: Vec<usize>,
    /// How many more there are than are listed.
    pub omitted: u64,
}

/// A row of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// The head of a group.
    Group(usize),
    /// A finding, by its place in the list of findings.
    Finding(usize),
}

/// What the view shows.
#[derive(Debug, Default)]
pub struct FindingsPane {
    /// What the findings are put into groups by.
    pub grouping: Grouping,
    groups: Vec<Group>,
    folded: BTreeSet<Shared>,
    rows: Vec<Row>,
    /// The cursor.
    pub window: Window,
}

/// The list has at least as many lines as it takes to say that it is empty.
const LEAST_ROWS: u64 = 4;

/// The parts of the pane, from top to bottom. What there is no room for has no lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// What the audit came to.
    pub outcome: Rect,
    /// The findings.
    pub list: Rect,
    /// About the selected finding.
    pub details: Rect,
    /// What VERI says.
    pub veri: Rect,
}

/// Divides the pane: a list of few rows leaves what it does not need to the details.
pub fn parts(inner: Rect, rows: u64) -> Parts {
    let (details, veri) = match inner.height {
        0..5 => (0, 0),
        5..9 => (2, 0),
        9..14 => (4, 1),
        14..22 => (6, 3),
        22..30 => (8, 6),
        _ => (10, 7),
    };
    let mut top = inner.y;
    let mut take = |height: u16| {
        let part = Rect { y: top, height, ..inner };
        top = top.saturating_add(height);
        part
    };
    let outcome = take(inner.height.min(1));
    let most = inner.height.saturating_sub(1 + details + veri);
    let list = if details > 0 { u16::try_from(rows.max(LEAST_ROWS)).unwrap_or(most).min(most) } else { most };
    Parts { outcome, list: take(list), details: take(details + (most - list)), veri: take(veri) }
}

impl FindingsPane {
    /// The groups.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// How many rows there are.
    pub fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// No row at all.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The row at a place.
    pub fn row(&self, at: u64) -> Option<Row> {
        self.rows.get(usize::try_from(at).ok()?).copied()
    }

    /// The row under the cursor.
    pub fn selected(&self) -> Option<Row> {
        self.row(self.window.cursor())
    }

    /// Whether a group shows its findings.
    pub fn is_open(&self, group: usize) -> bool {
        self.groups.get(group).is_some_and(|group| !self.folded.contains(&group.shared))
    }

    /// The group of a row.
    fn group_of(&self, row: Row) -> Option<usize> {
        match row {
            Row::Group(group) => Some(group),
            Row::Finding(finding) => self.groups.iter().position(|group| group.members.contains(&finding)),
        }
    }

    fn place(&self, row: Row) -> Option<u64> {
        self.rows.iter().position(|at| *at == row).map(|at| at as u64)
    }

    fn list(&mut self) {
        let open = |group: &usize| self.is_open(*group);
        let rows = |at: usize| {
            let members = self.groups.get(at).filter(|_| open(&at)).map_or(&[][..], |group| &group.members);
            std::iter::once(Row::Group(at)).chain(members.iter().map(|finding| Row::Finding(*finding)))
        };
        self.rows = (0..self.groups.len()).flat_map(rows).collect();
    }

    fn regroup(&mut self, findings: Option<&List>) {
        self.groups = findings.map_or_else(Vec::new, |findings| grouped(findings, self.grouping));
        self.list();
    }
}

fn grouped(findings: &List, grouping: Grouping) -> Vec<Group> {
    let shared = |finding: &Finding| match grouping {
        Grouping::Severity => Shared::Severity(finding.severity),
        Grouping::Code => Shared::Code(finding.severity, finding.code),
        Grouping::Chunk => Shared::Chunk(finding.chunk),
    };
    let mut groups: std::collections::BTreeMap<Shared, Group> = std::collections::BTreeMap::new();
    for (at, finding) in findings.list().iter().enumerate() {
        let shared = shared(finding);
        let new = || Group { shared, worst: finding.severity, members: Vec::new(), omitted: 0 };
        let group = groups.entry(shared).or_insert_with(new);
        group.worst = group.worst.min(finding.severity);
        group.members.push(at);
    }
    for (code, omitted) in findings.omitted() {
        let shared = match grouping {
            Grouping::Severity => Shared::Severity(code.severity()),
            Grouping::Code => Shared::Code(code.severity(), code),
            // Where they are is not known.
            Grouping::Chunk => continue,
        };
        if let Some(group) = groups.get_mut(&shared) {
            group.omitted = group.omitted.saturating_add(omitted);
        }
    }
    groups.into_values().collect()
}

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
        Row::Finding(at) => findings(state)?.list().get(at),
        Row::Group(_) => None,
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
        let now = usize::try_from(flip.offset).ok().and_then(|at| state.source.bytes().get(at).copied());
        let bytes = now.zip(1u8.checked_shl(u32::from(flip.bit)));
        let bytes = bytes.map(|(now, bit)| format!("; {now:#04x} now, {:#04x} before", now ^ bit));
        let proof = if flip.confirmed { "confirmed by the digest" } else { "not confirmed" };
        let chance = format!("other damage looks the same with probability {:.1e}", flip.chance);
        let flip = format!("bit {} of the byte at {}{}", flip.bit, flip.offset, bytes.unwrap_or_default());
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
        Remedy::ChooseMeaning => "when you open the file: with --meaning".into(),
        Remedy::RaiseBlockLimit => "Open the file again with a higher --max-block-size".into(),
    }
}

/// What the checks came to, in the words of the `audit` command; `None` before they ran.
pub fn outcome(state: &State) -> Option<(Verdict, String)> {
    let audit = state.audit.as_ref()?;
    Some((audit.verdict, Outcome::of(audit).describe()))
}

fn list_height(state: &State) -> u16 {
    state.areas().and_then(|areas| areas.view).map_or(0, |pane| parts(pane.inner, state.findings.len()).list.height)
}

fn set_cursor(state: &mut State, at: u64) {
    let height = list_height(state);
    let pane = &mut state.findings;
    pane.window.set_cursor(at, pane.len(), height);
}

/// A finding as one line of the `audit` command says it.
fn as_line(finding: &Finding) -> String {
    format!(
        "{}: {} {}: {}",
        finding.severity,
        finding.code,
        place(finding.offset, finding.chunk, finding.block),
        finding.message
    )
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

/// Walking over findings selects their places without a trail in the history.
fn selects(state: &mut State) {
    let selection = selected(state).cloned().and_then(|finding| place_of(state, &finding));
    if let Some(selection) = selection.filter(|selection| *selection != state.selection) {
        state.selection = selection;
        update::follow_selection(state);
    }
}

fn fold(state: &mut State, group: usize) {
    let pane = &mut state.findings;
    let Some(shared) = pane.groups.get(group).map(|group| group.shared) else { return };
    if !pane.folded.remove(&shared) {
        pane.folded.insert(shared);
    }
    pane.list();
    let at = pane.place(Row::Group(group)).unwrap_or(0);
    set_cursor(state, at);
}

fn open_details(state: &mut State) {
    let Some(finding) = selected(state).cloned() else { return };
    let parts = details(state, &finding).into_iter().map(|(name, text)| format!("{name}\n  {text}"));
    let text = parts.collect::<Vec<_>>().join("\n");
    popup::open(state, &format!("{}: {}", finding.severity, finding.code), &text);
}

/// Shows a finding, by its place in the list of findings, in this view.
pub(super) fn show(state: &mut State, finding: usize) {
    update::show(state, View::Audit);
    let pane = &mut state.findings;
    if let Some(group) = pane.group_of(Row::Finding(finding)).and_then(|group| pane.groups.get(group)) {
        pane.folded.remove(&group.shared);
        pane.list();
    }
    if let Some(at) = state.findings.place(Row::Finding(finding)) {
        set_cursor(state, at);
        selects(state);
    }
}

impl Behaviour for Findings {
    fn run(&self, state: &mut State, command: Command) -> Option<Vec<Effect>> {
        match command {
            Command::Group => {
                let row = state.findings.selected();
                let findings = findings(state).cloned();
                state.findings.grouping = state.findings.grouping.next();
                state.findings.regroup(findings.as_ref());
                let at = row.filter(|row| matches!(row, Row::Finding(_))).and_then(|row| state.findings.place(row));
                set_cursor(state, at.unwrap_or(0));
                let name = state.findings.grouping.name();
                state.say(Level::Info, format!("findings by {name}"));
                return Some(Vec::new());
            }
            Command::Copy => {
                let text = selected(state).map(as_line)?;
                return Some(update::copied(state, &text));
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
            (Command::Move(Motion::Right), Row::Group(group)) => {
                if !state.findings.is_open(group) {
                    fold(state, group);
                }
            }
            (Command::Move(Motion::Right), Row::Finding(_)) => {}
            (Command::Move(motion), _) => {
                let (len, height) = (state.findings.len(), list_height(state));
                state.findings.window.step(motion, len, height);
                selects(state);
            }
            (_, Row::Group(group)) => fold(state, group),
            (Command::Fold, Row::Finding(_)) => open_details(state),
            (_, Row::Finding(_)) => {
                let selection = selected(state).cloned().and_then(|finding| place_of(state, &finding));
                match selection {
                    Some(selection) => {
                        update::select(state, selection);
                        update::show(state, View::Hex);
                    }
                    None => state.say(Level::Warning, "there is no container whose bytes could be shown"),
                }
            }
        }
        Some(Vec::new())
    }

    fn refresh(&self, state: &mut State) -> Vec<Effect> {
        let findings = findings(state).cloned();
        let was_empty = state.findings.is_empty();
        state.findings.regroup(findings.as_ref());
        // The first finding, not the head of its group.
        let first = if was_empty && state.findings.len() > 1 { 1 } else { state.findings.window.cursor() };
        set_cursor(state, first);
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
        if let Some(at) = at.and_then(|at| state.findings.place(Row::Finding(at))) {
            set_cursor(state, at);
        }
    }

    fn refit(&self, state: &mut State) {
        let cursor = state.findings.window.cursor();
        set_cursor(state, cursor);
    }

    fn click(&self, state: &mut State, at: Position) -> Vec<Effect> {
        let Some(list) =
            state.areas().and_then(|areas| areas.view).map(|pane| parts(pane.inner, state.findings.len()).list)
        else {
            return Vec::new();
        };
        let line = list.contains(at).then(|| at.y - list.y);
        let row = line.and_then(|line| state.findings.window.row_at(line, state.findings.len()));
        let Some(row) = row else { return Vec::new() };
        if row == state.findings.window.cursor() {
            // A second click on the same row opens it.
            return self.run(state, Command::Open).unwrap_or_default();
        }
        set_cursor(state, row);
        selects(state);
        Vec::new()
    }

    fn wheel(&self, state: &mut State, rows: i64) {
        let (len, height) = (state.findings.len(), list_height(state));
        state.findings.window.scroll(rows, len, height);
        selects(state);
    }
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
        "every check was made, and nothing was found"
    } else if state.container.as_ref().is_some_and(|container| container.is_complete()) {
        "not audited: a runs every check"
    } else {
        "being indexed; a runs every check"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::headless::Player;
    use crate::tui::testing::{bytes, damaged, played, played_with};
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
        for part in ["at 40, chunk 2, block 2; 16 bytes from 0x28", "0x03 now, 0x02 before", "not the ones its CRC"] {
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
    fn many_of_a_code_are_listed_up_to_the_limit() {
        let mut list = List::default();
        (0..130).for_each(|at| list.push(Finding::at(Code::ChunkCrcMismatch, at, 1, "x")));
        for grouping in [Grouping::Severity, Grouping::Code] {
            let groups = grouped(&list, grouping);
            assert_eq!((groups.len(), groups[0].members.len(), groups[0].omitted), (1, 100, 30));
        }
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

    #[test]
    fn parts_stack_up_to_the_pane() {
        for (height, rows) in (0..60).flat_map(|height| [0, 1, 7, u64::MAX].map(|rows| (height, rows))) {
            let inner = Rect { x: 1, y: 1, width: 40, height };
            let Parts { outcome, list, details, veri } = parts(inner, rows);
            assert_eq!(outcome.height + list.height + details.height + veri.height, height);
            assert!(height < 5 || list.height >= 2, "{height}");
        }
    }
}
