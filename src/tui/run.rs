//! The program with a terminal: the only place with side effects. One thread waits for keys, one for signals, one for
//! each job, and all send into one channel; the main loop sleeps until something comes, and draws when it did.

use super::event::Event;
use super::signals;
use super::state::update::update;
use super::state::{Action, Effect, Setup, State};
use super::terminal::{Screen, Tty};
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
    fn run(&mut self, screen: &mut impl Screen, inbox: &Receiver<Event>, first: Vec<Effect>) -> io::Result<Ended> {
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

    fn handle(&mut self, screen: &mut impl Screen, event: Event) -> io::Result<Option<Ended>> {
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

    fn perform(&mut self, screen: &mut impl Screen, effects: Vec<Effect>) -> io::Result<Option<Ended>> {
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

    fn retake(&mut self, screen: &mut impl Screen) -> io::Result<()> {
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
struct Keyboard(super::keys::Decoder);

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
mod tests {
    use super::*;
    use crate::tui::clip::Clip;
    use crate::tui::testing::{sample, setup};
    use crate::tui::{headless, keys, screen};

    /// A screen that keeps what is asked of it.
    #[derive(Default)]
    struct Recorder {
        last: String,
        asked: Vec<String>,
    }

    impl Screen for Recorder {
        fn draw(&mut self, state: &State) -> io::Result<()> {
            self.last = screen::text(&headless::draw(state, state.size));
            Ok(())
        }

        fn capture_mouse(&mut self, on: bool) -> io::Result<()> {
            self.asked.push(format!("mouse {on}"));
            Ok(())
        }

        fn copy(&mut self, clip: &Clip) -> io::Result<()> {
            self.asked.push(format!("copy {}", clip.text()));
            Ok(())
        }

        fn release(&mut self) -> io::Result<()> {
            self.asked.push("release".into());
            Ok(())
        }

        fn retake(&mut self, _: bool) -> io::Result<()> {
            self.asked.push("retake".into());
            Ok(())
        }
    }

    fn program() -> (Program, Sender<Event>, Receiver<Event>, Vec<Effect>) {
        let (events, inbox) = mpsc::channel();
        let (state, effects) = State::new(setup(sample(), 80, 24));
        let (workers, signals) = (Workers::new(events.clone()), signals::Watch::none());
        (Program { state, workers, keyboard: None, signals, started: Instant::now() }, events, inbox, effects)
    }

    fn send(events: &Sender<Event>, text: &str) {
        for input in keys::parse(text).unwrap() {
            events.send(Event::Input(input)).unwrap();
        }
    }

    #[test]
    fn keys_and_jobs_end_in_frames() {
        let (mut program, events, inbox, first) = program();
        let mut screen = Recorder::default();
        assert_eq!(program.perform(&mut screen, first).unwrap(), None);
        while program.state.container.as_ref().is_none_or(|container| !container.is_complete()) {
            let event = program.wait(&inbox).unwrap();
            event.map(|event| program.handle(&mut screen, event).unwrap());
        }
        send(&events, ":#3<Enter><Tab>ymq");
        let ended = program.run(&mut screen, &inbox, Vec::new()).unwrap();
        assert_eq!(ended, Ended::Quit);
        assert!(screen.last.contains("sample.h4mk"), "{}", screen.last);
        assert_eq!(screen.asked, ["copy CORE chunk 3 at 0x38, 4 bytes", "mouse false"]);
    }

    #[test]
    fn signals_end_it_and_cancel_what_runs() {
        let (mut program, events, inbox, first) = program();
        let task = match &first[..] {
            [Effect::Start(job)] => job.task.clone(),
            other => panic!("{other:?}"),
        };
        events.send(Event::Terminate(15)).unwrap();
        let ended = program.run(&mut Recorder::default(), &inbox, Vec::new()).unwrap();
        assert_eq!((ended, task.check().is_err()), (Ended::Signal(15), true));
    }

    #[test]
    fn going_on_redraws_and_a_lost_keyboard_is_an_error() {
        let (mut program, events, inbox, _) = program();
        let mut screen = Recorder::default();
        events.send(Event::Continued).unwrap();
        events.send(Event::InputLost(io::Error::other("gone"))).unwrap();
        assert!(program.run(&mut screen, &inbox, Vec::new()).is_err());
        assert_eq!(screen.asked, ["retake"]);
    }
}
