//! Everything the screen shows, and how it changes. [`update`] is the only way to change it; nothing here draws or does
//! I/O, and reading the container's mapped bytes is all it asks of the world.

mod action;
pub mod blocks;
pub mod command_line;
pub mod comparison;
mod description;
pub mod findings;
mod follow;
pub mod hex;
mod history;
mod jobs;
pub mod manifest;
pub mod moment;
mod popup;
mod prompt;
mod selection;
pub mod summary;
pub mod timeline;
pub mod tree;
mod unlock;
mod update;
mod views;

use std::sync::Arc;

use ratatui::layout::Size;

pub use action::{Action, Command, Effect};
pub use blocks::BlockList;
pub use comparison::Comparison;
pub use description::Description;
pub use follow::{Followed, Polling};
pub use history::History;
pub use jobs::{Failure, Job, JobId, JobKind, Jobs, Measure, Outcome, Report, Request, Running};
pub use popup::Popup;
pub use prompt::{Answers, Prompt, PromptKind};
pub use selection::Selection;
pub use timeline::TimeWindow;
pub use update::update;

use super::keymap::Context;
use super::layout::Areas;
use super::rows::Window;
use super::theme::Theme;
use findings::FindingsPane;
use h4mk::audit::Audit;
use h4mk::block::Form;
use h4mk::container::{Container, Moment, Options};
use h4mk::explore::profile::Profile;
use h4mk::knowledge::{Knowledge, Tally};
use h4mk::source::Source;
use h4mk::veri::Verification;
use manifest::ManifestPane;
use summary::SummaryPane;
use tree::Tree;

/// The six views.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum View {
    /// What the file is.
    #[default]
    Summary,
    /// META, SAFE and the manifest.
    Manifest,
    /// Blocks against time.
    Timeline,
    /// A row for each block.
    Blocks,
    /// Bytes.
    Hex,
    /// Findings.
    Audit,
}

impl View {
    /// All, in the order of their keys.
    pub const ALL: [Self; 6] = [Self::Summary, Self::Manifest, Self::Timeline, Self::Blocks, Self::Hex, Self::Audit];

    /// Its name on the screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Summary => "Summary",
            Self::Manifest => "Manifest",
            Self::Timeline => "Timeline",
            Self::Blocks => "Blocks",
            Self::Hex => "Hex",
            Self::Audit => "Audit",
        }
    }

    /// The key that shows it.
    pub fn number(self) -> usize {
        Self::ALL.iter().position(|view| *view == self).map_or(0, |at| at + 1)
    }
}

/// What can have the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    /// The chunk tree.
    Tree,
    /// The current view.
    #[default]
    View,
}

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something was done.
    Info,
    /// Something was found right.
    Good,
    /// Something could not be done.
    Warning,
    /// Something is wrong.
    Error,
}

/// One line about what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// How much it matters.
    pub level: Level,
    /// What happened; text from the file in it is escaped.
    pub text: String,
}

/// A place to come back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The view shown.
    pub view: View,
    /// What was selected.
    pub selection: Selection,
}

/// How the program starts.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The file.
    pub source: Arc<Source>,
    /// The file it is compared with, and that one's name.
    pub other: Option<(Arc<Source>, String)>,
    /// How both are read.
    pub options: Options,
    /// The name in the header, which need not be the whole path.
    pub name: String,
    /// How it looks.
    pub theme: Theme,
    /// The screen.
    pub size: Size,
    /// Whether files may be written: not by keys that nobody typed.
    pub may_write: bool,
    /// When the file is looked at for what was added.
    pub polling: Polling,
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
    pub profile: Option<Arc<Profile>>,
    /// What the Timeline view shows.
    pub timeline: TimeWindow,
    /// What the Blocks view shows.
    pub blocks: BlockList,
    /// How it differs from another file, where there is one.
    pub comparison: Option<Comparison>,
    /// Places before and after this one.
    pub history: History<Place>,
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
    pub followed: Option<Followed>,
    /// The file is no longer what is shown of it.
    pub changed: bool,
    /// Whether the program has the mouse.
    pub mouse: bool,
}

impl State {
    /// The state before the first key, and what must be done first: the index.
    pub fn new(setup: Setup) -> (Self, Vec<Effect>) {
        let mut state = Self {
            source: setup.source,
            options: setup.options,
            name: setup.name,
            container: None,
            audit: None,
            knowledge: Arc::default(),
            tally: Tally::default(),
            tallied: 0,
            verification: None,
            theme: setup.theme,
            size: setup.size,
            focus: Pane::default(),
            view: View::default(),
            selection: Selection::default(),
            moment: None,
            timed: false,
            form: Form::Decoded,
            profile: None,
            timeline: TimeWindow::default(),
            blocks: BlockList::default(),
            comparison: setup.other.map(|(other, name)| Comparison::new(other, name)),
            history: History::default(),
            tree: Tree::default(),
            tree_window: Window::default(),
            hex: hex::Hex::default(),
            prompt: None,
            answers: Answers::default(),
            popup: None,
            description: None,
            summary: SummaryPane::default(),
            manifest: ManifestPane::default(),
            findings: FindingsPane::default(),
            help: None,
            message: None,
            jobs: Jobs::default(),
            may_write: setup.may_write,
            polling: setup.polling,
            followed: None,
            changed: false,
            mouse: true,
        };
        if state.polling.at_once {
            let effects = follow::start(&mut state);
            return (state, effects);
        }
        let request = Request::Index { source: state.source.clone(), options: state.options.clone() };
        let index = state.jobs.start(request);
        (state, vec![Effect::Start(index)])
    }

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

    /// The place the user is at.
    pub fn place(&self) -> Place {
        Place { view: self.view, selection: self.selection.clone() }
    }

    /// Says what happened.
    pub fn say(&mut self, level: Level, text: impl Into<String>) {
        self.message = Some(Message { level, text: text.into() });
    }
}
