//! The program with a terminal: the only place with side effects. One thread waits for keys, one for signals, one for
//! each job, and all send into one channel; the main loop sleeps until something comes, and draws when it did.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::keys::{Decoder, Input};
use super::state::{Action, Effect, Report, Setup, State, update};
use super::terminal::{Screen, Tty};
use super::{keymap, workers};

/// While jobs run, how often their progress is drawn.
const TICK: Duration = Duration::from_millis(100);

/// What wakes the main loop.
#[derive(Debug)]
pub enum Event {
    /// The user did something.
    Input(Input),
    /// The keyboard is gone.
    InputLost(io::Error),
    /// A job has something to say.
    Report(Report),
    /// A signal asks to leave; its number.
    Terminate(i32),
    /// The shell's job control asks to stop.
    Suspend,
    /// The process was stopped and goes on.
    Continued,
}

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
    read_keys(events.clone())?;
    let mut program = Program { state, events, started: Instant::now() };
    program.state.size = size.into();
    let ended = program.run(&mut tty, &inbox, effects);
    drop(tty);
    signals.stop();
    ended
}

/// The main loop's data; generic over what it draws on.
struct Program {
    state: State,
    events: Sender<Event>,
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
            screen.draw(&self.state)?;
        }
    }

    /// Waits for an event; while jobs run, at most a tick.
    fn wait(&mut self, inbox: &Receiver<Event>) -> io::Result<Option<Event>> {
        let gone = || io::Error::other("all event threads ended");
        if self.state.jobs.running().is_empty() {
            return inbox.recv().map(Some).map_err(|_| gone());
        }
        let event = match inbox.recv_timeout(TICK) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Err(gone()),
        };
        update(&mut self.state, Action::Tick(self.started.elapsed()));
        Ok(event)
    }

    fn handle(&mut self, screen: &mut impl Screen, event: Event) -> io::Result<Option<Ended>> {
        let action = match event {
            Event::Input(input) => keymap::action(&self.state, input),
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
        };
        let effects = action.map(|action| update(&mut self.state, action)).unwrap_or_default();
        self.perform(screen, effects)
    }

    fn perform(&mut self, screen: &mut impl Screen, effects: Vec<Effect>) -> io::Result<Option<Ended>> {
        for effect in effects {
            match effect {
                Effect::Start(job) => {
                    let events = self.events.clone();
                    // Nobody listens only when the program has ended.
                    workers::spawn(job, move |report| _ = events.send(Event::Report(report)))?;
                }
                Effect::Copy(text) => screen.copy(&text)?,
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
        let mut decoder = Decoder::default();
        loop {
            let event = match crossterm::event::read() {
                Ok(event) => decoder.decode(event).map(Event::Input),
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

#[cfg(unix)]
mod signals {
    use std::io;
    use std::sync::mpsc::Sender;
    use std::thread;

    use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
    use signal_hook::iterator::{Handle, Signals};
    use signal_hook::low_level::emulate_default_handler;

    use super::Event;
    use crate::tui::terminal;

    /// Ends the watch.
    pub(super) struct Watch(Handle);

    impl Watch {
        pub(super) fn stop(self) {
            self.0.close();
        }
    }

    /// Sends signals as events. A second request to leave is obeyed at once: the main loop may hang on a terminal that
    /// takes no more output.
    pub(super) fn watch(events: Sender<Event>) -> io::Result<Watch> {
        let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT])?;
        let handle = signals.handle();
        let forward = move || {
            let mut asked = false;
            for signal in signals.forever() {
                let event = match signal {
                    SIGTSTP => Event::Suspend,
                    SIGCONT => Event::Continued,
                    signal if asked => {
                        terminal::restore();
                        _ = emulate_default_handler(signal);
                        continue;
                    }
                    signal => {
                        asked = true;
                        Event::Terminate(signal)
                    }
                };
                if events.send(event).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("signals".to_owned()).spawn(forward)?;
        Ok(Watch(handle))
    }

    /// Stops the process as Ctrl-Z does without us; returns when it goes on.
    pub(super) fn stop_process() -> io::Result<()> {
        emulate_default_handler(SIGTSTP)
    }
}

#[cfg(not(unix))]
mod signals {
    use std::io;
    use std::sync::mpsc::Sender;

    use super::Event;

    pub(super) struct Watch;

    impl Watch {
        pub(super) fn stop(self) {}
    }

    /// There are no signals here.
    pub(super) fn watch(_: Sender<Event>) -> io::Result<Watch> {
        Ok(Watch)
    }

    /// There is no job control here.
    pub(super) fn stop_process() -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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

        fn copy(&mut self, text: &str) -> io::Result<()> {
            self.asked.push(format!("copy {text}"));
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

    fn program() -> (Program, Receiver<Event>, Vec<Effect>) {
        let (events, inbox) = mpsc::channel();
        let (state, effects) = State::new(setup(sample(), 80, 24));
        (Program { state, events, started: Instant::now() }, inbox, effects)
    }

    fn send(program: &Program, text: &str) {
        for input in keys::parse(text).unwrap() {
            program.events.send(Event::Input(input)).unwrap();
        }
    }

    #[test]
    fn keys_and_jobs_end_in_frames() {
        let (mut program, inbox, first) = program();
        let mut screen = Recorder::default();
        assert_eq!(program.perform(&mut screen, first).unwrap(), None);
        while program.state.container.as_ref().is_none_or(|container| !container.is_complete()) {
            let event = program.wait(&inbox).unwrap();
            event.map(|event| program.handle(&mut screen, event).unwrap());
        }
        send(&program, ":#3<Enter><Tab>ymq");
        let ended = program.run(&mut screen, &inbox, Vec::new()).unwrap();
        assert_eq!(ended, Ended::Quit);
        assert!(screen.last.contains("sample.h4mk"), "{}", screen.last);
        assert_eq!(screen.asked, ["copy CORE chunk 3 at 0x38, 4 bytes", "mouse false"]);
    }

    #[test]
    fn signals_end_it_and_cancel_what_runs() {
        let (mut program, inbox, first) = program();
        let task = match &first[..] {
            [Effect::Start(job)] => job.task.clone(),
            other => panic!("{other:?}"),
        };
        program.events.send(Event::Terminate(15)).unwrap();
        let ended = program.run(&mut Recorder::default(), &inbox, Vec::new()).unwrap();
        assert_eq!((ended, task.check().is_err()), (Ended::Signal(15), true));
    }

    #[test]
    fn going_on_redraws_and_a_lost_keyboard_is_an_error() {
        let (mut program, inbox, _) = program();
        let mut screen = Recorder::default();
        program.events.send(Event::Continued).unwrap();
        program.events.send(Event::InputLost(io::Error::other("gone"))).unwrap();
        assert!(program.run(&mut screen, &inbox, Vec::new()).is_err());
        assert_eq!(screen.asked, ["retake"]);
    }
}
