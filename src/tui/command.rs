//! What can be asked for, and the names of what it is asked of: views, panes, prompts. The words that the key map, the
//! layout, the state and the views have in common; it knows none of them.

use tui_input::InputRequest;

use super::rows::Motion;

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
    List(ListChange),
    /// Show or hide how the file differs from another one.
    Compare,
    /// Something that only the Hex view does.
    Hex(HexCommand),
}

/// The six views.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum View {
    /// What the file is.
    #[default]
    Summary,
    /// META, SAFE and the manifest.
    Manifest,
    /// Blocks against time.
    Timeline,
    /// A row for each block.
    Blocks,
    /// Bytes.
    Hex,
    /// Findings.
    Audit,
}

impl View {
    /// All, in the order of their keys.
    pub const ALL: [Self; 6] = [Self::Summary, Self::Manifest, Self::Timeline, Self::Blocks, Self::Hex, Self::Audit];

    /// Its name on the screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Summary => "Summary",
            Self::Manifest => "Manifest",
            Self::Timeline => "Timeline",
            Self::Blocks => "Blocks",
            Self::Hex => "Hex",
            Self::Audit => "Audit",
        }
    }

    /// The key that shows it.
    pub fn number(self) -> usize {
        Self::ALL.iter().position(|view| *view == self).map_or(0, |at| at + 1)
    }
}

/// What can have the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    /// The chunk tree.
    Tree,
    /// The current view.
    #[default]
    View,
}

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something was done.
    Info,
    /// Something was found right.
    Good,
    /// Something could not be done.
    Warning,
    /// Something is wrong.
    Error,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PromptKind {
    /// A time, in any TIME form.
    Time,
    /// An offset, a block, a percentage or a command's name.
    Command,
    /// Text or bytes to find.
    Find,
    /// The path of a file to write the selected block to.
    Export,
    /// Which blocks are listed.
    Filter,
    /// The shared secret of encrypted blocks. Not shown.
    Secret,
    /// The key of masked blocks. Not shown.
    MaskKey,
}

impl PromptKind {
    /// What stands before the answer.
    pub fn label(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Command => ":",
            Self::Find => "/",
            Self::Export => "write block to",
            Self::Filter => "show blocks",
            Self::Secret => "shared secret",
            Self::MaskKey => "mask key",
        }
    }

    /// What an answer looks like, shown while there is none.
    pub fn example(self) -> &'static str {
        match self {
            Self::Time => "1500000  1500ms  1.5s  00:01:02.5  50%  #30",
            Self::Command => "0x1f40  +0x20  #30  50%  audit  help",
            Self::Find => "text",
            Self::Export => "name of a file that does not exist yet",
            Self::Filter => "keyframes  damaged  >64KiB  <1MB  track=ID  all",
            Self::Secret => "64 hexadecimal digits, which are not shown",
            Self::MaskKey => "32 hexadecimal digits or more, which are not shown",
        }
    }

    /// Whether the answer is a key: neither shown nor remembered, and wiped.
    pub fn is_hidden(self) -> bool {
        matches!(self, Self::Secret | Self::MaskKey)
    }
}

/// How much of the Timeline's axis is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Zoom {
    /// Half as much.
    In,
    /// Twice as much.
    Out,
    /// All.
    Whole,
}

/// What a key changes about the list of blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListChange {
    /// Ordered by the next column.
    NextColumn,
    /// The other way round.
    Reversed,
    /// Keyframes only, or not only.
    Keyframes,
    /// Damaged ones only, or not only.
    Damaged,
    /// Those of the next track only; after the last, of all.
    NextTrack,
    /// All, by index.
    All,
}

/// What only the Hex view does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HexCommand {
    /// Select bytes from the cursor on, or stop.
    Select,
    /// Show the whole file, or the chunk alone.
    Whole,
    /// Show or hide fields and values.
    Inspector,
    /// Show or hide the preview.
    Preview,
    /// Copy the selected bytes as text.
    CopyText,
    /// To the start of the row.
    RowStart,
    /// To the end of the row.
    RowEnd,
    /// To the next field.
    NextField,
    /// To the field before.
    PreviousField,
    /// To the next chunk.
    NextChunk,
    /// To the chunk before.
    PreviousChunk,
}
