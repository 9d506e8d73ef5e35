//! The state before the first key.

use std::sync::Arc;

use super::findings::FindingsPane;
use super::manifest::ManifestPane;
use super::place::Moved;
use super::summary::SummaryPane;
use super::tree::Tree;
use super::{
    Answers, BlockList, Comparison, Effect, History, Jobs, Pane, Request, Selection, Setup, State, TimeWindow, View,
    follow, hex,
};
use crate::tui::rows::Window;
use h4mk::block::Form;
use h4mk::knowledge::Tally;

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
            chart: None,
            timeline: TimeWindow::default(),
            blocks: BlockList::default(),
            comparison: setup.other.map(|(other, name)| Comparison::new(other, name)),
            moved: Moved::default(),
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
}
