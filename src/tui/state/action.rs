//! What can happen to the state, and what the program must then do about the world.

use std::time::Duration;

use ratatui::layout::{Position, Size};

use super::jobs::Job;
use super::report::Report;
use crate::tui::clip::Clip;
use crate::tui::command::Command;
use crate::tui::input::Pasted;

/// Something that happened.
#[derive(Debug)]
pub enum Action {
    /// A key, or a command's name, asked for this.
    Do(Command),
    /// A character was typed into the prompt.
    Type(char),
    /// Text was pasted.
    Paste(Pasted),
    /// The left button was pressed.
    Click(Position),
    /// The left button was moved while down.
    Drag {
        /// Where it was pressed.
        from: Position,
        /// Where it is now.
        to: Position,
    },
    /// The wheel was turned; positive towards the end.
    Wheel {
        /// Where the pointer is.
        at: Position,
        /// Notches.
        notches: i16,
    },
    /// The screen has a new size.
    Resize(Size),
    /// A job ended.
    Report(Report),
    /// Time passes while jobs run: the clock, from the program's start.
    Tick(Duration),
}

/// What the program must do about the world: nothing in the state does I/O.
#[derive(Debug)]
pub enum Effect {
    /// Work in the background; its end comes as [`Action::Report`].
    Start(Job),
    /// Put text into the clipboard.
    Copy(Clip),
    /// Take the mouse or give it back.
    CaptureMouse(bool),
    /// Stop the process until it is continued.
    Suspend,
    /// Leave.
    Quit,
}
