//! The list of findings: what they are put into groups by, and the rows that makes.

pub(in crate::tui::state) mod behaviour;
pub mod words;

use std::collections::BTreeSet;

use ratatui::layout::Rect;

use crate::tui::rows::Window;
use h4mk::finding::{Code, Finding, Findings as List, Severity};

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
pub enum FindingRow {
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
    rows: Vec<FindingRow>,
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
    pub fn row(&self, at: u64) -> Option<FindingRow> {
        self.rows.get(usize::try_from(at).ok()?).copied()
    }

    /// The row under the cursor.
    pub fn selected(&self) -> Option<FindingRow> {
        self.row(self.window.cursor())
    }

    /// Whether a group shows its findings.
    pub fn is_open(&self, group: usize) -> bool {
        self.groups.get(group).is_some_and(|group| !self.folded.contains(&group.shared))
    }

    /// The group of a row.
    fn group_of(&self, row: FindingRow) -> Option<usize> {
        match row {
            FindingRow::Group(group) => Some(group),
            FindingRow::Finding(finding) => self.groups.iter().position(|group| group.members.contains(&finding)),
        }
    }

    fn place(&self, row: FindingRow) -> Option<u64> {
        self.rows.iter().position(|at| *at == row).map(|at| at as u64)
    }

    fn list(&mut self) {
        let open = |group: &usize| self.is_open(*group);
        let rows = |at: usize| {
            let members = self.groups.get(at).filter(|_| open(&at)).map_or(&[][..], |group| &group.members);
            std::iter::once(FindingRow::Group(at)).chain(members.iter().map(|finding| FindingRow::Finding(*finding)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stack_up_to_the_pane() {
        for (height, rows) in (0..60).flat_map(|height| [0, 1, 7, u64::MAX].map(|rows| (height, rows))) {
            let inner = Rect { x: 1, y: 1, width: 40, height };
            let Parts { outcome, list, details, veri } = parts(inner, rows);
            assert_eq!(outcome.height + list.height + details.height + veri.height, height);
            assert!(height < 5 || list.height >= 2, "{height}");
        }
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
}
