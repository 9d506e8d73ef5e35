//! How the file differs from another one, and the list of the differences.

pub(in crate::tui::state) mod behaviour;

use std::sync::Arc;

use crate::report::diff::Line;
use crate::tui::rows::Window;
use h4mk::source::Source;

/// What two files differ in.
#[derive(Debug, Clone)]
pub struct Differences {
    /// In one line.
    pub summary: String,
    /// No difference at all.
    pub same: bool,
    /// One by one.
    pub lines: Vec<Line>,
}

/// Whether the differences are known.
#[derive(Debug, Clone, Default)]
pub enum Progress {
    /// Nobody has asked.
    #[default]
    Waiting,
    /// They are being looked for.
    Comparing,
    /// They are known.
    Found(Arc<Differences>),
    /// They are not, and why; asked for once more, they are looked for again.
    Failed(String),
}

/// The Diff view's state.
#[derive(Debug)]
pub struct Comparison {
    /// The other file.
    pub other: Arc<Source>,
    /// Its name, not escaped.
    pub name: String,
    /// Whether the view is shown.
    pub shown: bool,
    /// What is known.
    pub progress: Progress,
    /// The lines in sight, and the one under the cursor.
    pub window: Window,
}

impl Comparison {
    /// A comparison that is shown and waits for the index.
    pub fn new(other: Arc<Source>, name: String) -> Self {
        Self { other, name, shown: true, progress: Progress::default(), window: Window::default() }
    }

    /// The lines, as far as they are known.
    pub fn lines(&self) -> &[Line] {
        match &self.progress {
            Progress::Found(differences) => &differences.lines,
            _ => &[],
        }
    }

    fn len(&self) -> u64 {
        self.lines().len() as u64
    }

    fn line(&self) -> Option<&Line> {
        self.lines().get(usize::try_from(self.window.cursor()).ok()?)
    }

    /// There is no answer, and why.
    pub(super) fn fail(&mut self, why: impl Into<String>) {
        self.progress = Progress::Failed(why.into());
    }
}
