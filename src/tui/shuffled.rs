//! Jobs whose answers come in any order: the last screen is what it would have been had each come at once.

use std::collections::VecDeque;
use std::sync::Arc;

use proptest::prelude::*;

use super::headless::{self, Player};
use super::input::{self, Input};
use super::state::update::update;
use super::state::{Action, Effect, Job, Report, State};
use super::testing::{bytes, setup};
use super::{screen, workers};
use h4mk::source::Source;

/// A program whose jobs are done when the test says so.
struct Shuffled {
    state: State,
    copied: Option<String>,
    ended: bool,
    /// Jobs that were not begun.
    jobs: Vec<Job>,
    /// What jobs that were done still have to say, each in its own order.
    reports: Vec<VecDeque<Report>>,
}

impl Shuffled {
    /// A program that shows a file, indexed.
    fn new(source: Arc<Source>) -> Self {
        let (state, effects) = State::new(setup(source, 100, 30));
        let mut shuffled = Self { state, copied: None, ended: false, jobs: Vec::new(), reports: Vec::new() };
        shuffled.take(effects);
        shuffled.settle();
        shuffled
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Start(job) => self.jobs.push(job),
                Effect::Copy(clip) => self.copied = Some(clip.text().to_owned()),
                Effect::Quit => self.ended = true,
                Effect::CaptureMouse(_) | Effect::Suspend => {}
            }
        }
    }

    fn play(&mut self, input: Input) {
        if let Some(action) = self.state.action(input).filter(|_| !self.ended) {
            let effects = update(&mut self.state, action);
            self.take(effects);
        }
        // Whatever is missing is drawn as such.
        _ = headless::draw(&self.state, self.state.size);
    }

    /// Does a job that waits, or tells what one has found; `choice` says which.
    fn go_on(&mut self, choice: usize) {
        let all = self.jobs.len() + self.reports.len();
        let Some(at) = choice.checked_rem(all) else { return };
        if at < self.jobs.len() {
            let job = self.jobs.remove(at);
            let mut reports = VecDeque::new();
            workers::perform(&job, &mut |report| reports.push_back(report));
            self.reports.push(reports);
            return;
        }
        let at = at - self.jobs.len();
        if let Some(report) = self.reports[at].pop_front() {
            let effects = update(&mut self.state, Action::Report(report));
            self.take(effects);
        }
        self.reports.retain(|reports| !reports.is_empty());
    }

    fn settle(&mut self) {
        while !(self.jobs.is_empty() && self.reports.is_empty()) {
            self.go_on(0);
        }
    }
}

fn text(state: &State) -> String {
    screen::text(&headless::draw(state, state.size))
}

/// Keys whose answer is waited for here: a search or a look-up moves nobody who went on while it ran.
fn awaited(keys: &str) -> bool {
    keys.contains('/')
        || ["a", "t0.2s<Enter>", "c", ":#3<Enter>", "x", "y", "Y", "n", "N", "s", "K", "<Enter>"].contains(&keys)
}

/// Keys that are typed in one go.
fn any_keys() -> impl Strategy<Value = Vec<&'static str>> {
    let keys = vec![
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "j",
        "k",
        "l",
        "h",
        "g",
        "G",
        "<PgDn>",
        "r",
        "w",
        ".",
        ",",
        "]",
        "[",
        "<Enter>",
        "<Tab>",
        "<Space>",
        "x",
        "y",
        "Y",
        "n",
        "N",
        "i",
        "p",
        "c",
        ":#3<Enter>",
        ":0x18<Enter>",
        ":+4<Enter>",
        "t0.2s<Enter>",
        "5/0x03 03<Enter>",
        "5/CORE<Enter>",
        "2/gop<Enter>",
        "2/seek<Enter>",
        "<Right>",
        "<Left>",
        "s",
        "K",
        "b",
        "f",
    ];
    prop::collection::vec(prop::sample::select(keys), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn answers_in_any_order_lead_to_the_same_screen(
        keys in any_keys(),
        large in any::<bool>(),
        choices in prop::collection::vec((0usize..6, 0usize..100), 12),
    ) {
        let bytes = if large { std::fs::read("sample-data/demo.h4mk").unwrap() } else { bytes() };
        let source = Arc::new(Source::from_bytes("folder/sample.h4mk", bytes));
        let mut expected = Player::new(setup(source.clone(), 100, 30));
        let mut shuffled = Shuffled::new(source);
        // What is known of blocks depends on what was read of them in passing: here all of it is known.
        for (key, (steps, choice)) in ["a"].into_iter().chain(keys).zip([(0, 0)].into_iter().chain(choices)) {
            for input in input::parse(key).unwrap() {
                expected.play([input.clone()]);
                shuffled.play(input);
            }
            (0..steps).for_each(|step| shuffled.go_on(choice + step));
            if awaited(key) {
                shuffled.settle();
            }
        }
        shuffled.settle();
        prop_assert_eq!(shuffled.copied.as_deref(), expected.copied());
        // What was said last is what came last.
        let mut expected = expected.into_state();
        (shuffled.state.message, expected.message) = (None, None);
        prop_assert_eq!(text(&shuffled.state), text(&expected));
    }
}
