//! The program with a terminal: the only place with side effects. One thread waits for keys, one for signals, one for
//! each job, and all send into one channel; the main loop sleeps until something comes, and draws when it did.

use super::event::Event;
use super::signals;
use super::state::update::update;
use super::state::{Action, Effect, Setup, State};
use super::terminal::{Surface, Tty};
#[cfg(unix)]
use super::typed::Keyboard;
use super::workers::Workers;
use crate::draft;
use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// While jobs run, how often their progress is drawn.
const TICK: Duration = Duration::from_millis(100);

/// How long a frame is put off for the bytes that it shows: where they are near, nobody sees that they are missing.
const PATIENCE: Duration = Duration::from_millis(4);

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The user left.
    Quit,
    /// A signal asked to; its number.
    Signal(i32),
}

/// Runs the program on the terminal of standard output, and gives it back.
pub fn run(setup: Setup) -> io::Result<Ended> {
    let (events, inbox) = mpsc::channel();
    let signals = signals::watch(events.clone())?;
    let (state, effects) = State::new(setup);
    let mut tty = Tty::take(state.mouse)?;
    let size = crossterm::terminal::size()?;
    let keyboard = read_keys(events.clone()).err().map(|_| Keyboard::new());
    let workers = Workers::new(events);
    let mut program = Program { state, workers, keyboard, signals, started: Instant::now() };
    program.state.size = size.into();
    let ended = program.run(&mut tty, &inbox, effects);
    drop(tty);
    draft::remove_names();
    program.signals.stop();
    match ended {
        Err(error) if signals::is_hang_up(&error) => Ok(Ended::Signal(signals::HANG_UP)),
        ended => ended,
    }
}

/// The main loop's data; generic over what it draws on.
struct Program {
    state: State,
    workers: Workers,
    /// Where no thread can be had to wait for keys: they are asked for in between.
    keyboard: Option<Keyboard>,
    signals: signals::Watch,
    started: Instant,
}

impl Program {
    fn run(&mut self, screen: &mut impl Surface, inbox: &Receiver<Event>, first: Vec<Effect>) -> io::Result<Ended> {
        if let Some(ended) = self.perform(screen, first)? {
            return Ok(ended);
        }
        screen.draw(&self.state)?;
        loop {
            // Whatever came while a frame was drawn is taken in before the next.
            let mut event = self.wait(inbox)?;
            while let Some(next) = event {
                if let Some(ended) = self.handle(screen, next)? {
                    return Ok(ended);
                }
                event = inbox.try_recv().ok();
            }
            self.workers.start_waiting();
            let deadline = Instant::now() + PATIENCE;
            while Instant::now() < deadline
                && self.state.jobs.running().iter().any(|running| running.job.request.kind().is_awaited())
                && let Ok(event) = inbox.recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                if let Some(ended) = self.handle(screen, event)? {
                    return Ok(ended);
                }
            }
            screen.draw(&self.state)?;
        }
    }

    /// Waits for an event; while jobs run, at most a tick.
    fn wait(&mut self, inbox: &Receiver<Event>) -> io::Result<Option<Event>> {
        let gone = || io::Error::other("all event threads ended");
        if self.keyboard.is_none() && !self.signals.needs_looks() && self.state.jobs.running().is_empty() {
            return inbox.recv().map(Some).map_err(|_| gone());
        }
        self.signals.look();
        let timeout = match &mut self.keyboard {
            Some(keyboard) => {
                if let Some(input) = keyboard.next(Some(TICK))? {
                    return Ok(Some(Event::Input(input)));
                }
                Duration::ZERO
            }
            None => TICK,
        };
        let event = match inbox.recv_timeout(timeout) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Err(gone()),
        };
        update(&mut self.state, Action::Tick(self.started.elapsed()));
        Ok(event)
    }

    fn handle(&mut self, screen: &mut impl Surface, event: Event) -> io::Result<Option<Ended>> {
        let action = match event {
            Event::Input(input) => self.state.action(input),
            Event::Report(report) => Some(Action::Report(report)),
            Event::InputLost(error) => return Err(error),
            Event::Terminate(signal) => {
                self.state.jobs.cancel_all();
                return Ok(Some(Ended::Signal(signal)));
            }
            Event::Suspend => return self.perform(screen, vec![Effect::Suspend]),
            Event::Continued => {
                self.retake(screen)?;
                None
            }
            Event::Resized => crossterm::terminal::size().ok().map(|size| Action::Resize(size.into())),
        };
        let effects = action.map(|action| update(&mut self.state, action)).unwrap_or_default();
        self.perform(screen, effects)
    }

    fn perform(&mut self, screen: &mut impl Surface, effects: Vec<Effect>) -> io::Result<Option<Ended>> {
        for effect in effects {
            match effect {
                Effect::Start(job) => self.workers.start(job),
                Effect::Copy(clip) => screen.copy(&clip)?,
                Effect::CaptureMouse(on) => screen.capture_mouse(on)?,
                Effect::Suspend => {
                    screen.release()?;
                    signals::stop_process()?;
                    self.retake(screen)?;
                }
                Effect::Quit => return Ok(Some(Ended::Quit)),
            }
        }
        Ok(None)
    }

    fn retake(&mut self, screen: &mut impl Surface) -> io::Result<()> {
        screen.retake(self.state.mouse)?;
        if let Ok(size) = crossterm::terminal::size() {
            let effects = update(&mut self.state, Action::Resize(size.into()));
            self.perform(screen, effects)?;
        }
        Ok(())
    }
}

/// Reads keys for ever: a blocked read cannot be ended, so the thread ends with the process.
fn read_keys(events: Sender<Event>) -> io::Result<()> {
    let read = move || {
        let mut keyboard = Keyboard::new();
        loop {
            let event = match keyboard.next(None) {
                Ok(input) => input.map(Event::Input),
                Err(error) => Some(Event::InputLost(error)),
            };
            let last = matches!(event, Some(Event::InputLost(_)));
            if event.is_some_and(|event| events.send(event).is_err()) || last {
                return;
            }
        }
    };
    thread::Builder::new().name("keys".to_owned()).spawn(read).map(drop)
}

/// The keyboard as crossterm reads it, where a terminal is more than bytes.
#[cfg(not(unix))]
#[derive(Default)]
struct Keyboard(super::input::Decoder);

#[cfg(not(unix))]
impl Keyboard {
    fn new() -> Self {
        Self::default()
    }

    /// The next input, if it comes in time.
    fn next(&mut self, timeout: Option<Duration>) -> io::Result<Option<Input>> {
        if timeout.is_none_or(|timeout| crossterm::event::poll(timeout).unwrap_or(true)) {
            return Ok(self.0.decode(crossterm::event::read()?));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
