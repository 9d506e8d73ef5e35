//! The program without a terminal: plays keys through the same `update` and draws the last frame. Effects are done at
//! once, so that what a key starts is finished before the next one is played, and the same keys give the same frame.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Size;

use super::input::Input;
use super::state::update::update;
use super::state::{Action, Effect, Setup, State};
use super::{view, workers};

/// A program that is played with.
#[derive(Debug)]
pub struct Player {
    state: State,
    copied: Option<String>,
    ended: bool,
}

impl Player {
    /// Starts the program and finishes its index.
    pub fn new(setup: Setup) -> Self {
        let (state, effects) = State::new(setup);
        let mut player = Self { state, copied: None, ended: false };
        player.perform(effects);
        player
    }

    /// Plays inputs, until one of them leaves the program.
    pub fn play(&mut self, inputs: impl IntoIterator<Item = Input>) {
        for input in inputs {
            if self.ended {
                return;
            }
            if let Some(action) = self.state.action(input) {
                let effects = update(&mut self.state, action);
                self.perform(effects);
            }
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        let mut queue = std::collections::VecDeque::from(effects);
        while let Some(effect) = queue.pop_front() {
            match effect {
                Effect::Start(job) => {
                    let state = &mut self.state;
                    workers::perform(&job, &mut |report| queue.extend(update(state, Action::Report(report))));
                }
                Effect::Copy(clip) => self.copied = Some(clip.text().to_owned()),
                Effect::Quit => self.ended = true,
                // There is neither a mouse nor a shell to go back to.
                Effect::CaptureMouse(_) | Effect::Suspend => {}
            }
        }
    }

    /// The state.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The state, to go on with it otherwise.
    pub fn into_state(self) -> State {
        self.state
    }

    /// What was copied last.
    pub fn copied(&self) -> Option<&str> {
        self.copied.as_deref()
    }

    /// The frame now.
    pub fn frame(&self) -> Buffer {
        draw(&self.state, self.state.size)
    }
}

/// Draws the state onto a screen of that size.
pub fn draw(state: &State, size: Size) -> Buffer {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(size.width, size.height));
    let Ok(frame) = terminal.draw(|frame| view::draw(state, frame));
    frame.buffer.clone()
}
