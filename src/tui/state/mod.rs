//! Everything the screen shows, and how it changes. [`update`](update::update) is the only way to change it; nothing here
//! draws, does I/O or reads the file: what it needs of that comes as a report of a job.
//!
//! What each pane keeps (`blocks`, `tree`, …) knows no state; [`State`] holds all of it. Above it, in a folder of the
//! pane's, stand the questions that the views ask of a state and the pane's `behaviour`, its own part of the update.
//! Nothing but `update` knows all panes: a pane that selects something or shows another view leaves word of it
//! (`place::Moved`), and the update's last phase brings the others after.

mod action;
mod behaviour;
pub mod blocks;
mod checks;
pub mod command_line;
pub mod comparison;
mod copy;
mod description;
pub mod findings;
mod follow;
mod going;
pub mod help;
pub mod hex;
pub mod hints;
mod history;
mod input;
mod jobs;
mod knowledge;
pub mod manifest;
pub mod moment;
mod panes;
mod place;
pub mod popup;
mod prompt;
mod report;
pub mod request;
mod selection;
mod setup;
mod start;
pub mod summary;
pub mod timeline;
pub mod tree;
mod unlock;
pub mod update;

use std::sync::Arc;

use ratatui::layout::Size;

pub use super::command::{Command, Level, Pane, PromptKind, View};
pub use action::{Action, Effect};
pub use blocks::BlockList;
pub use comparison::Comparison;
pub use description::Description;
pub use history::History;
pub use jobs::{Job, JobId, Jobs, Running};
pub use place::Visit;
pub use popup::Popup;
pub use prompt::{Answers, Prompt};
pub use report::{Failure, Measure, Outcome, Report};
pub use request::{Following, JobKind, Request};
pub use selection::Selection;
pub use setup::{Polling, Setup};
pub use timeline::TimeWindow;

use super::keymap::Context;
use super::layout::Areas;
use super::rows::Window;
use super::theme::Theme;
use findings::FindingsPane;
use h4mk::audit::Audit;
use h4mk::block::Form;
use h4mk::container::{Container, Moment, Options};
use h4mk::explore::chart::Chart;
use h4mk::knowledge::{Knowledge, Tally};
use h4mk::source::Source;
use h4mk::veri::Verification;
use manifest::ManifestPane;
use place::Moved;
use summary::SummaryPane;
use tree::Tree;

/// One line about what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// How much it matters.
    pub level: Level,
    /// What happened; text from the file in it is escaped.
    pub text: String,
}

/// Everything the screen shows.
#[derive(Debug)]
pub struct State {
    /// The file.
    pub source: Arc<Source>,
    /// How it is read.
    pub options: Options,
    /// The file's name as the header has it, not escaped.
    pub name: String,
    /// The container, as far as it was walked; `None` before the first chunks are in.
    pub container: Option<Arc<Container>>,
    /// What the checks say, once they ran.
    pub audit: Option<Arc<Audit>>,
    /// What was found, by the audit or, before it, by the walk, and where. What CRCs came to is in the container.
    pub knowledge: Arc<Knowledge>,
    /// How many blocks each thing is known of.
    pub tally: Tally,
    /// How many chunks had been looked at when that was counted.
    tallied: u64,
    /// What VERI says, once it was recomputed, alone or by the audit.
    pub verification: Option<Verification>,
    /// How it looks.
    pub theme: Theme,
    /// The screen.
    pub size: Size,
    /// The pane that has the keys.
    pub focus: Pane,
    /// The view that is shown.
    pub view: View,
    /// What is selected.
    pub selection: Selection,
    /// The time that was asked for last, see [`moment::current`].
    pub moment: Option<Arc<Moment>>,
    /// A time was asked for, and not a block.
    pub timed: bool,
    /// Blocks as stored, or decoded.
    pub form: Form,
    /// Blocks along time, once they were looked at.
    pub chart: Option<Arc<Chart>>,
    /// What the Timeline view shows.
    pub timeline: TimeWindow,
    /// What the Blocks view shows.
    pub blocks: BlockList,
    /// How it differs from another file, where there is one.
    pub comparison: Option<Comparison>,
    /// What moved since the panes were put right.
    moved: Moved,
    /// Places before and after this one.
    pub history: History<Visit>,
    /// The chunk tree's folds.
    pub tree: Tree,
    /// The chunk tree's window.
    pub tree_window: Window,
    /// The Hex view.
    pub hex: hex::Hex,
    /// The prompt, while one waits.
    pub prompt: Option<Prompt>,
    /// What prompts were answered before.
    pub answers: Answers,
    /// A long text, while it is open over the panes.
    pub popup: Option<Popup>,
    /// What is said about the container in words, once that was put together.
    pub description: Option<Arc<Description>>,
    /// What the Summary view shows.
    pub summary: SummaryPane,
    /// What the Manifest view shows.
    pub manifest: ManifestPane,
    /// What the Audit view shows.
    pub findings: FindingsPane,
    /// The help's window, while it is shown.
    pub help: Option<Window>,
    /// What happened last.
    pub message: Option<Message>,
    /// Work in the background.
    pub jobs: Jobs,
    /// Whether files may be written.
    pub may_write: bool,
    /// When the file is looked at for what was added.
    pub polling: Polling,
    /// What goes on while the file is followed.
    pub followed: Option<Arc<Following>>,
    /// The file is no longer what is shown of it.
    pub changed: bool,
    /// Whether the program has the mouse.
    pub mouse: bool,
}

impl State {
    /// Where keys are looked up, the most particular first.
    pub fn contexts(&self) -> Vec<Context> {
        match (&self.help, &self.prompt) {
            (Some(_), _) => vec![Context::Help, Context::Always],
            (None, Some(_)) => vec![Context::Prompt, Context::Always],
            (None, None) if self.popup.is_some() => vec![Context::Popup, Context::Always],
            (None, None) => self.pane_contexts(),
        }
    }

    /// Where keys are looked up below overlays: what the help is about.
    pub fn pane_contexts(&self) -> Vec<Context> {
        let pane = match (&self.comparison, self.focus) {
            (Some(comparison), _) if comparison.shown => Context::Diff,
            (_, Pane::Tree) => Context::Tree,
            (_, Pane::View) => Context::View(self.view),
        };
        vec![pane, Context::Compared, Context::Browse, Context::Always]
    }

    /// Where everything stands; `None` when the screen is too small.
    pub fn areas(&self) -> Option<Areas> {
        Areas::of(self.size, self.focus)
    }

    /// The lines of content a pane shows; 0 while it is hidden.
    pub fn pane_height(&self, pane: Pane) -> u16 {
        self.areas().and_then(|areas| areas.pane(pane)).map_or(0, |area| area.inner.height)
    }

    /// Says what happened.
    pub fn say(&mut self, level: Level, text: impl Into<String>) {
        self.message = Some(Message { level, text: text.into() });
    }
}
