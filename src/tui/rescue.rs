//! Giving the terminal back without a lock, a buffer or a wait: from the thread that gets the signals, while the main loop
//! is stuck in a write that nobody reads, and from the handler of SIGABRT, where memory has run out.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::termios::{OptionalActions, QueueSelector, Termios};

/// The end of a synchronized update, the mouse and bracketed paste off, the main screen, the cursor: what
/// [`restore`](super::terminal::restore) writes.
const SEQUENCES: &[u8] =
    b"\x1b[?2026l\x1b[?1006l\x1b[?1015l\x1b[?1003l\x1b[?1002l\x1b[?1000l\x1b[?2004l\x1b[?1049l\x1b[?25h";
const ABORTED: &[u8] = b"h4inspect: aborted, most likely out of memory\n";

static TERMINAL: OnceLock<Rescue> = OnceLock::new();
/// Whether the terminal is not, or may not be, as it was.
static TAKEN: AtomicBool = AtomicBool::new(false);

#[derive(Debug)]
struct Rescue {
    /// As they were before the program.
    modes: Termios,
    /// Opened anew, so that writes which don't wait are this descriptor's own: the shell shares standard output.
    output: File,
}

/// Remembers how the terminal is, before it is taken over for the first time. Where it can't be asked or opened, there is
/// no rescue but the usual way.
pub(super) fn prepare() {
    if TERMINAL.get().is_none()
        && let Ok(rescue) = Rescue::new()
        && TERMINAL.set(rescue).is_ok()
    {
        let abort = || {
            if TAKEN.load(Ordering::SeqCst) {
                now();
                _ = rustix::io::write(rustix::stdio::stderr(), ABORTED);
            }
            _ = signal_hook::low_level::emulate_default_handler(libc::SIGABRT);
        };
        // SAFETY: `now` and `write` are system calls and atomic loads alone, which a handler may do, and the end by the signal
        // is made for handlers. Where it can't be set, only the rescue from an abort is lost.
        _ = unsafe { signal_hook::low_level::register(libc::SIGABRT, abort) };
    }
}

impl Rescue {
    fn new() -> io::Result<Self> {
        let stdout = rustix::stdio::stdout();
        let modes = rustix::termios::tcgetattr(stdout)?;
        let open = |path: &str| {
            let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
            File::options().write(true).custom_flags(flags).open(path)
        };
        let name = rustix::termios::ttyname(stdout, Vec::new())?;
        let output = open(&name.to_string_lossy()).or_else(|_| open("/dev/tty"))?;
        Ok(Self { modes, output })
    }
}

/// The terminal is about to be taken over, or was given back.
pub(super) fn note(taken: bool) {
    TAKEN.store(taken, Ordering::SeqCst);
}

/// Gives the terminal back as far as that is possible at once. Safe in a signal handler.
pub(super) fn now() {
    if let Some(rescue) = TERMINAL.get().filter(|_| TAKEN.load(Ordering::SeqCst)) {
        _ = rustix::termios::tcsetattr(&rescue.output, OptionalActions::Now, &rescue.modes);
        _ = rustix::io::write(&rescue.output, SEQUENCES);
    }
}

/// Drops the output that nobody reads, so that whoever waits for room goes on.
pub(super) fn drop_output() {
    if let Some(rescue) = TERMINAL.get() {
        _ = rustix::termios::tcflush(&rescue.output, QueueSelector::OFlush);
    }
}

/// Waits until `signals` can be read, the terminal is gone or the time is over, and tells whether it is gone.
pub(super) fn wait(signals: BorrowedFd<'_>, timeout: Option<&Timespec>) -> bool {
    let mut events = vec![PollFd::from_borrowed_fd(signals, PollFlags::IN)];
    // No event is asked for: that it is gone is told unasked.
    events.extend(TERMINAL.get().map(|rescue| PollFd::from_borrowed_fd(rescue.output.as_fd(), PollFlags::empty())));
    match rustix::event::poll(&mut events, timeout) {
        Ok(_) => events.get(1).is_some_and(|terminal| !terminal.revents().is_empty()),
        Err(Errno::INTR) => false,
        // There is nothing better to wait for.
        Err(_) => true,
    }
}

/// Whether an error means that the terminal is gone.
pub(super) fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EIO | libc::ENXIO | libc::ENODEV))
}
