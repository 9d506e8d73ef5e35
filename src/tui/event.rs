//! What wakes the main loop.

use std::io;

use super::input::Input;
use super::state::Report;

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
    /// The window has another size.
    Resized,
}
