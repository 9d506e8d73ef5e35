//! The lines of the Summary view, and what each leads to.

pub(in crate::tui::state) mod behaviour;
mod lines;

use crate::tui::command::View;
use crate::tui::rows::Window;
use h4mk::finding::Severity;
use h4mk::index::Tag;

/// How a value is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A fact.
    Plain,
    /// Something said about the fact above.
    Remark,
    /// As it should be.
    Good,
    /// A finding, or what comes to the same.
    Found(Severity),
}

/// Where a line leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Nowhere.
    None,
    /// To a view.
    View(View),
    /// To the first chunk of a tag.
    Tag(Tag),
    /// To a finding, by its place in the list.
    Finding(usize),
    /// To the first block of a track, by the track's place.
    Track(usize),
}

/// A line of the view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The name of a group of lines.
    Heading(&'static str),
    /// A fact: label, value as the file has it, how to take it, where it leads.
    Fact(String, String, Tone, Link),
    /// Between two groups.
    Blank,
}

/// What the view shows.
#[derive(Debug, Default)]
pub struct SummaryPane {
    /// The lines.
    pub lines: Vec<Line>,
    /// The cursor.
    pub window: Window,
}

impl SummaryPane {
    /// The line under the cursor.
    pub fn selected(&self) -> Option<&Line> {
        self.lines.get(usize::try_from(self.window.cursor()).ok()?)
    }

    /// The label of the line under the cursor, or of the one that it adds to.
    fn label(&self) -> &str {
        let upwards = (0..=self.window.cursor()).rev().filter_map(|at| self.lines.get(usize::try_from(at).ok()?));
        let mut labels = upwards.filter_map(|line| match line {
            Line::Fact(label, ..) if !label.is_empty() => Some(label.as_str()),
            _ => None,
        });
        labels.next().unwrap_or_default()
    }

    fn len(&self) -> u64 {
        self.lines.len() as u64
    }

    fn is_fact(&self, at: u64) -> bool {
        usize::try_from(at).is_ok_and(|at| matches!(self.lines.get(at), Some(Line::Fact(..))))
    }

    /// The fact nearest to a line, looked for first in the direction given.
    fn nearest(&self, at: u64, down: bool) -> Option<u64> {
        let after = (at..self.len()).find(|at| self.is_fact(*at));
        let before = (0..self.len().min(at.saturating_add(1))).rev().find(|at| self.is_fact(*at));
        if down { after.or(before) } else { before.or(after) }
    }
}
