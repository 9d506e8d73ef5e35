//! Signals, as events of the main loop.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::backend::{Handle, SignalDelivery};
use signal_hook::iterator::exfiltrator::SignalOnly;
use signal_hook::low_level::emulate_default_handler;

use super::event::Event;
use super::rescue;
use crate::draft;

/// The signal of a terminal that is gone.
pub(super) const HANG_UP: i32 = SIGHUP;

/// How long the main loop may take to leave when it is asked to.
const GRACE: Duration = Duration::from_millis(400);
/// And then, with the output dropped that it may have waited to write.
const LAST_GRACE: Duration = Duration::from_millis(400);
const STEP: Duration = Duration::from_millis(20);

type Delivery = SignalDelivery<UnixStream, SignalOnly>;

/// Signals as they come.
pub(super) struct Watch {
    handle: Handle,
    /// Where no thread can be had for them: the main loop looks.
    unattended: Option<(Delivery, Sender<Event>)>,
}

impl Watch {
    /// Of no signals.
    #[cfg(test)]
    pub(super) fn none() -> Self {
        let (read, write) = UnixStream::pair().unwrap();
        let delivery = Delivery::with_pipe::<[i32; 0], i32, _>(read, write, SignalOnly, []).unwrap();
        Self { handle: delivery.handle(), unattended: None }
    }

    /// Ends the watch.
    pub(super) fn stop(&self) {
        self.handle.close();
    }

    /// Whether signals come only through [`look`](Self::look).
    pub(super) fn needs_looks(&self) -> bool {
        self.unattended.is_some()
    }

    /// Forwards what has come, where no thread does.
    pub(super) fn look(&mut self) {
        if let Some((delivery, events)) = &mut self.unattended {
            let is_gone = rescue::wait(delivery.get_read().as_fd(), Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
            for event in delivery.pending().map(event).chain(is_gone.then_some(Event::Terminate(HANG_UP))) {
                _ = events.send(event);
            }
        }
    }
}

/// Sends signals as events, and the loss of the terminal as that of its signal. Whoever asks to leave is obeyed in any
/// case: the main loop may hang on a terminal that takes no more output, or on anything else.
pub(super) fn watch(events: Sender<Event>) -> io::Result<Watch> {
    rescue::prepare();
    let (read, write) = UnixStream::pair()?;
    let signals = [SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH];
    let delivery = SignalDelivery::with_pipe(read, write, SignalOnly, signals)?;
    let handle = delivery.handle();
    // Shared, so that it isn't lost with a thread that doesn't start.
    let shared = Arc::new(Mutex::new(Some((delivery, events))));
    let take = |shared: &Mutex<Option<_>>| shared.lock().unwrap_or_else(PoisonError::into_inner).take();
    let theirs = Arc::clone(&shared);
    let forward = move || {
        if let Some((delivery, events)) = take(&theirs) {
            forward(delivery, &events);
        }
    };
    let unattended = match thread::Builder::new().name("signals".to_owned()).spawn(forward) {
        Ok(_) => None,
        Err(_) => take(&shared),
    };
    Ok(Watch { handle, unattended })
}

fn event(signal: i32) -> Event {
    match signal {
        SIGTSTP => Event::Suspend,
        SIGCONT => Event::Continued,
        SIGWINCH => Event::Resized,
        signal => Event::Terminate(signal),
    }
}

fn forward(mut delivery: Delivery, events: &Sender<Event>) {
    let handle = delivery.handle();
    while !handle.is_closed() {
        let is_gone = rescue::wait(delivery.get_read().as_fd(), None);
        let pending: Vec<Event> = delivery.pending().map(event).collect();
        for event in pending.into_iter().chain(is_gone.then_some(Event::Terminate(HANG_UP))) {
            let leave = match event {
                Event::Terminate(signal) => Some(signal),
                _ => None,
            };
            _ = events.send(event);
            if let Some(signal) = leave {
                return end(&delivery, signal);
            }
        }
    }
}

/// Sees to it that the program ends with the signal.
fn end(delivery: &Delivery, signal: i32) {
    let handle = delivery.handle();
    let wait = |time: Duration, meanwhile: fn()| {
        let until = Instant::now() + time;
        while !handle.is_closed() && Instant::now() < until {
            meanwhile();
            thread::sleep(STEP);
        }
    };
    wait(GRACE, || ());
    wait(LAST_GRACE, rescue::drop_output);
    if !handle.is_closed() {
        rescue::now();
        draft::remove_names();
        _ = emulate_default_handler(signal);
    }
}

/// Whether the error is that the terminal is gone.
pub(super) fn is_hang_up(error: &io::Error) -> bool {
    rescue::is_gone(error)
}

/// Stops the process as Ctrl-Z does without us; returns when it goes on.
pub(super) fn stop_process() -> io::Result<()> {
    emulate_default_handler(SIGTSTP)
}
