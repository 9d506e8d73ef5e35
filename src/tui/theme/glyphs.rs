//! The marks on the screen.

use ratatui::symbols::border;

/// The characters that things are drawn with. Each is one column wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    /// Stands for text that was cut.
    pub ellipsis: &'static str,
    /// An open fold.
    pub open: &'static str,
    /// A closed fold.
    pub closed: &'static str,
    /// Stands for a character that is not shown.
    pub hidden: &'static str,
    /// The selected row.
    pub selected: &'static str,
    /// Checked and right.
    pub good: &'static str,
    /// Damage.
    pub damage: &'static str,
    /// A warning.
    pub warning: &'static str,
    /// An information.
    pub info: &'static str,
    /// A file that is followed.
    pub following: &'static str,
    /// Not checked.
    pub unknown: &'static str,
    /// A keyframe.
    pub keyframe: &'static str,
    /// A block that isn't a keyframe.
    pub block: &'static str,
    /// A SEEK entry.
    pub seek: &'static str,
    /// The selected time.
    pub playhead: &'static str,
    /// Bytes that are lost.
    pub lost: &'static str,
    /// The empty part of a bar or a scroll bar.
    pub track: &'static str,
    /// The full part of a scroll bar.
    pub thumb: &'static str,
    /// Bars that grow upwards, from nearly nothing to full.
    pub bars: [&'static str; 8],
    /// A horizontal line.
    pub line: &'static str,
    /// Between parts of a line.
    pub separator: &'static str,
    /// Leads to.
    pub arrow: &'static str,
    /// Ordered from the least.
    pub ascending: &'static str,
    /// Ordered from the greatest.
    pub descending: &'static str,
    /// What must be decoded.
    pub chain: &'static str,
    /// Times, as in ×30.
    pub times: &'static str,
    /// A digit of a byte that is still being read.
    pub dot: &'static str,
    /// A byte 0 among text.
    pub byte_zero: &'static str,
    /// An ASCII control byte among text.
    pub byte_control: &'static str,
    /// A byte from 0x80 to 0xFE among text.
    pub byte_high: &'static str,
    /// A byte 0xFF among text.
    pub byte_ones: &'static str,
    /// The frame of a pane.
    pub border: border::Set<'static>,
}

pub(super) const UNICODE: Glyphs = Glyphs {
    ellipsis: "…",
    hidden: "•",
    open: "▾",
    closed: "▸",
    selected: "▌",
    good: "✓",
    damage: "✗",
    warning: "!",
    info: "i",
    following: "↻",
    unknown: "·",
    keyframe: "◆",
    block: "─",
    seek: "▲",
    playhead: "┃",
    lost: "░",
    track: "│",
    thumb: "█",
    bars: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    line: "─",
    separator: "·",
    arrow: "→",
    ascending: "↑",
    descending: "↓",
    chain: "═",
    times: "×",
    dot: "·",
    byte_zero: "⋄",
    byte_control: "•",
    byte_high: "×",
    byte_ones: "■",
    border: border::PLAIN,
};

pub(super) const ASCII: Glyphs = Glyphs {
    ellipsis: "~",
    hidden: "*",
    open: "-",
    closed: "+",
    selected: ">",
    good: "=",
    damage: "X",
    warning: "!",
    info: "i",
    following: "@",
    unknown: ".",
    keyframe: "K",
    block: "-",
    seek: "^",
    playhead: "|",
    lost: "?",
    track: "|",
    thumb: "#",
    bars: ["_", ".", ":", "-", "=", "+", "*", "#"],
    line: "-",
    separator: "|",
    arrow: ">",
    ascending: "^",
    descending: "v",
    chain: "=",
    times: "x",
    dot: ".",
    byte_zero: ".",
    byte_control: "^",
    byte_high: "~",
    byte_ones: "#",
    border: border::Set {
        top_left: "+",
        top_right: "+",
        bottom_left: "+",
        bottom_right: "+",
        vertical_left: "|",
        vertical_right: "|",
        horizontal_top: "-",
        horizontal_bottom: "-",
    },
};
