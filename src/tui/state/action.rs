//! What can happen to the state, and what the program must then do about the world.

use std::time::Duration;

use ratatui::layout::{Position, Size};
use tui_input::InputRequest;

use super::View;
use super::blocks::Listed;
use super::hex::HexCommand;
use super::jobs::{Job, Report};
use super::prompt::PromptKind;
use super::timeline::Zoom;
use crate::tui::clip::Clip;
use crate::tui::keys::Pasted;
use crate::tui::rows::Motion;

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

/// What a key or a command's name can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// Leave the program.
    Quit,
    /// Stop the process, as the shell's job control does.
    Suspend,
    /// Show or hide the help.
    Help,
    /// Close what is on top: help, prompt, a running job, a message.
    Close,
    /// Give the keys to the next pane.
    NextPane,
    /// Give the keys to the pane before.
    PreviousPane,
    /// Show a view and give it the keys.
    Show(View),
    /// Move in the pane.
    Move(Motion),
    /// Open what is selected.
    Open,
    /// Fold or unfold what is selected.
    Fold,
    /// Ask for something.
    Ask(PromptKind),
    /// Answer the prompt.
    Submit,
    /// Complete a command's name in the prompt.
    Complete,
    /// Bring back an earlier (or, going back, a later) answer to this kind of prompt.
    Recall {
        /// Towards earlier ones.
        earlier: bool,
    },
    /// Edit the prompt's text.
    Edit(InputRequest),
    /// To the next match.
    NextMatch,
    /// To the match before.
    PreviousMatch,
    /// Give the mouse to the program or back to the terminal.
    Mouse,
    /// Blocks as stored or decoded.
    Raw,
    /// Recompute VERI.
    Verify,
    /// Follow the file as it grows, or stop that.
    Follow,
    /// Run every check.
    Audit,
    /// Copy what is selected, as it is shown.
    Copy,
    /// Copy the text of what is selected as it is in the file.
    CopyRaw,
    /// Copy the value of the selected field.
    CopyValue,
    /// Show the bytes of what is selected.
    Bytes,
    /// Put the list into other groups.
    Group,
    /// To the place before.
    Back,
    /// To the place after, having gone back.
    Forward,
    /// Timeline: show less or more of it.
    Zoom(Zoom),
    /// Timeline: move what is shown and leave the playhead where it is.
    Pan {
        /// Towards the start.
        back: bool,
    },
    /// Timeline: to the next keyframe.
    Keyframe {
        /// To the one before.
        back: bool,
    },
    /// To the keyframe that the selected block is decoded from, or back from there.
    Chain,
    /// Timeline: bars by size or by its logarithm.
    Scale,
    /// Blocks: list others, or in another order.
    List(Listed),
    /// Show or hide how the file differs from another one.
    Compare,
    /// Something that only the Hex view does.
    Hex(HexCommand),
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
