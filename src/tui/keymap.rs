//! Which key does what, and where: one table. The footer's hints, the help and the command line's names are made from
//! it, so none of them can say something else.

use tui_input::InputRequest;

use super::keys::{Input, Key};
use super::rows::Motion;
use super::state::blocks::Listed;
use super::state::hex::HexCommand;
use super::state::timeline::Zoom;
use super::state::{Action, Command, PromptKind, State, View, moment};
use super::text::width;
use super::theme::{Glyphs, Role};
use super::wrap::wrap;

/// Where a key means what the table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// Whatever is on the screen.
    Always,
    /// In all panes.
    Browse,
    /// In the chunk tree.
    Tree,
    /// In one of the views.
    View(View),
    /// While a prompt waits.
    Prompt,
    /// While a long text is open.
    Popup,
    /// While the help is shown.
    Help,
    /// In all panes, where there is another file to compare with.
    Compared,
    /// In the list of differences.
    Diff,
}

impl Context {
    /// The heading of its part of the help.
    pub fn title(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::Browse => "Everywhere",
            Self::Tree => "Chunk tree",
            Self::View(view) => view.title(),
            Self::Prompt => "Prompt",
            Self::Popup => "Open text",
            Self::Help => "Help",
            Self::Compared => "With --diff",
            Self::Diff => "Diff",
        }
    }
}

/// Keys and what they do.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// Where.
    pub context: Context,
    /// Which keys; each does the same.
    pub keys: &'static [Key],
    /// What they do.
    pub command: Command,
    /// Its name on the command line, if it has one.
    pub name: &'static str,
    /// Two words at most for the footer; empty keeps it out.
    pub hint: &'static str,
    /// One line for the help.
    pub help: &'static str,
}

const fn bind(
    context: Context,
    keys: &'static [Key],
    command: Command,
    name: &'static str,
    hint: &'static str,
    help: &'static str,
) -> Binding {
    Binding { context, keys, command, name, hint, help }
}

use Command::{Ask, Edit, Hex, List, Move, Show};
use Context::{Always, Browse, Compared, Diff, Help, Popup, Prompt, Tree};
use Key::{Char, Ctrl};

const TIMELINE: Context = Context::View(View::Timeline);
const BLOCKS: Context = Context::View(View::Blocks);
const HEX: Context = Context::View(View::Hex);

/// The table. Within a context the footer shows hints in this order.
pub const BINDINGS: &[Binding] = &[
    bind(Tree, &[Key::Enter], Command::Open, "", "open", "open the chunk in Hex; open or fold a group"),
    bind(Tree, &[Char('T')], List(Listed::NextTrack), "", "", "the next track's blocks only, in Blocks too"),
    bind(HEX, &[Char('r')], Command::Raw, "", "raw", "blocks as stored or decoded, the cursor on the same byte"),
    bind(
        TIMELINE,
        &[Char('+'), Char('=')],
        Command::Zoom(Zoom::In),
        "zoom-in",
        "zoom",
        "show half as much, around the playhead",
    ),
    bind(TIMELINE, &[Char('-')], Command::Zoom(Zoom::Out), "zoom-out", "", "show twice as much"),
    bind(TIMELINE, &[Char('0')], Command::Zoom(Zoom::Whole), "zoom-whole", "", "show all"),
    bind(TIMELINE, &[Char(']')], Command::Keyframe { back: false }, "", "keyframe", "next keyframe"),
    bind(TIMELINE, &[Char('[')], Command::Keyframe { back: true }, "", "", "keyframe before"),
    bind(
        TIMELINE,
        &[Char('n')],
        Command::NextMatch,
        "",
        "fault",
        "next damage, odd SEEK entry, irregular keyframe or gap",
    ),
    bind(TIMELINE, &[Char('N')], Command::PreviousMatch, "", "", "the one before"),
    bind(TIMELINE, &[Char('s')], Command::Scale, "scale", "scale", "bars linear or logarithmic"),
    bind(TIMELINE, &[Char('H')], Command::Pan { back: true }, "", "", "pan left; the playhead stays"),
    bind(TIMELINE, &[Char('L')], Command::Pan { back: false }, "", "", "pan right; the playhead stays"),
    bind(TIMELINE, &[Key::Left, Char('h')], Move(Motion::Left), "", "", "a block back"),
    bind(TIMELINE, &[Key::Right, Char('l')], Move(Motion::Right), "", "", "a block on"),
    bind(TIMELINE, &[Key::Up, Char('k')], Move(Motion::Up), "", "", "the track above, at the same time"),
    bind(TIMELINE, &[Key::Down, Char('j')], Move(Motion::Down), "", "", "the track below, at the same time"),
    bind(TIMELINE, &[Key::PgUp], Move(Motion::PageUp), "", "", "back by a tenth of what is shown"),
    bind(TIMELINE, &[Key::PgDn], Move(Motion::PageDown), "", "", "on by a tenth of what is shown"),
    bind(TIMELINE, &[Key::Enter], Command::Open, "", "", "the block's bytes in Hex"),
    bind(BLOCKS, &[Key::Enter], Command::Open, "", "open", "the block's bytes in Hex"),
    bind(BLOCKS, &[Char('s')], List(Listed::NextColumn), "sort", "sort", "order by the next column"),
    bind(BLOCKS, &[Char('S')], List(Listed::Reversed), "reverse", "", "the other way round"),
    bind(
        BLOCKS,
        &[Char('&')],
        Ask(PromptKind::Filter),
        "filter",
        "filter",
        "keyframes, damaged, >64KiB, <1MB, track=ID, all",
    ),
    bind(BLOCKS, &[Char('K')], List(Listed::Keyframes), "keyframes", "", "keyframes only, or not"),
    bind(
        BLOCKS,
        &[Char('D')],
        List(Listed::Damaged),
        "damaged",
        "",
        "blocks that are wrong, mended or next to a loss only, or not",
    ),
    bind(BLOCKS, &[Char('T')], List(Listed::NextTrack), "track", "", "the next track's blocks only"),
    bind(BLOCKS, &[Char('X')], List(Listed::All), "all", "", "all blocks, by index"),
    bind(
        HEX,
        &[Char('i')],
        Hex(HexCommand::Inspector),
        "inspector",
        "values",
        "fields and values at the cursor, shown or not",
    ),
    bind(
        HEX,
        &[Char('p')],
        Hex(HexCommand::Preview),
        "preview",
        "preview",
        "what the content looks like, shown or not",
    ),
    bind(HEX, &[Char('x')], Hex(HexCommand::Select), "select", "select", "select bytes from here on; Esc ends it"),
    bind(HEX, &[Char('w')], Hex(HexCommand::Whole), "whole", "whole file", "the whole file, or the chunk alone"),
    bind(HEX, &[Char('y')], Command::Copy, "", "", "copy the selected bytes as hex"),
    bind(HEX, &[Char('Y')], Hex(HexCommand::CopyText), "copy-text", "", "copy the selected bytes as text, escaped"),
    bind(HEX, &[Char('0')], Hex(HexCommand::RowStart), "", "", "to the start of the row"),
    bind(HEX, &[Char('$')], Hex(HexCommand::RowEnd), "", "", "to the end of the row"),
    bind(HEX, &[Char('.')], Hex(HexCommand::NextField), "", "", "to the next field; decoded, to the next run"),
    bind(HEX, &[Char(',')], Hex(HexCommand::PreviousField), "", "", "to the field or run before"),
    bind(HEX, &[Char(']')], Hex(HexCommand::NextChunk), "", "", "to the next chunk"),
    bind(HEX, &[Char('[')], Hex(HexCommand::PreviousChunk), "", "", "to the chunk before"),
    bind(HEX, &[Key::Enter], Command::Open, "", "", "to the block that the SEEK entry at the cursor leads to"),
    bind(Context::View(View::Summary), &[Key::Enter], Command::Open, "", "go there", "to what the line is about"),
    bind(Context::View(View::Summary), &[Char(' ')], Command::Fold, "", "whole text", "open the line's whole text"),
    bind(
        Context::View(View::Manifest),
        &[Key::Enter],
        Command::Open,
        "",
        "open",
        "open a long value; fold; to the block of a seek entry, or to where JSON breaks off",
    ),
    bind(Context::View(View::Manifest), &[Char('x')], Command::Bytes, "bytes", "bytes", "the field's bytes in Hex"),
    bind(Context::View(View::Manifest), &[Char('y')], Command::Copy, "", "pointer", "copy the field's JSON Pointer"),
    bind(
        Context::View(View::Manifest),
        &[Char('Y')],
        Command::CopyValue,
        "copy-value",
        "value",
        "copy the field's value, escaped",
    ),
    bind(
        Context::View(View::Audit),
        &[Key::Enter],
        Command::Open,
        "",
        "bytes",
        "the finding's bytes in Hex; fold a group",
    ),
    bind(
        Context::View(View::Audit),
        &[Char(' ')],
        Command::Fold,
        "",
        "details",
        "all there is to say about the finding; fold a group",
    ),
    bind(
        Context::View(View::Audit),
        &[Char('o')],
        Command::Group,
        "group",
        "group",
        "group findings by severity, by code, by chunk",
    ),
    bind(Diff, &[Key::Enter], Command::Open, "", "open", "the first bytes that differ, in Hex"),
    bind(Diff, &[Key::Esc], Command::Close, "", "close", "stop comparing; close the differences"),
    bind(Compared, &[Char('d')], Command::Compare, "diff", "diff", "how FILE differs from OTHER, shown or not"),
    bind(Browse, &[Char('?')], Command::Help, "help", "help", "this help"),
    bind(Browse, &[Char('q')], Command::Quit, "quit", "quit", "leave"),
    bind(Browse, &[Key::Tab], Command::NextPane, "", "pane", "next pane"),
    bind(Browse, &[Key::BackTab], Command::PreviousPane, "", "", "previous pane"),
    bind(
        Browse,
        &[Char('t')],
        Ask(PromptKind::Time),
        "time",
        "time",
        "jump to a time: select the block that plays then",
    ),
    bind(
        Browse,
        &[Char('c')],
        Command::Chain,
        "chain",
        "keyframe/back",
        "to the keyframe that the block is decoded from, and back",
    ),
    bind(
        Browse,
        &[Char('/')],
        Ask(PromptKind::Find),
        "find",
        "find",
        "find a block in Blocks, a field in Manifest, else text or bytes in Hex",
    ),
    bind(Browse, &[Char('n')], Command::NextMatch, "next", "", "next match"),
    bind(Browse, &[Char('N')], Command::PreviousMatch, "previous", "", "previous match"),
    bind(
        Browse,
        &[Char(':')],
        Ask(PromptKind::Command),
        "",
        "go to",
        "0x… in the file, +0x… in what Hex shows, #30, 50%, a command",
    ),
    bind(Browse, &[Char('a')], Command::Audit, "audit", "audit", "run every check"),
    bind(
        Browse,
        &[Char('F')],
        Command::Follow,
        "follow",
        "",
        "follow the file as it grows, or not; read one that was replaced anew",
    ),
    bind(Browse, &[Char('v')], Command::Verify, "verify", "verify", "recompute VERI"),
    bind(Browse, &[Char('T')], List(Listed::NextTrack), "", "", "the next track's blocks only, in Blocks"),
    bind(Browse, &[Char('1')], Show(View::Summary), "summary", "", "Summary: what the file is, worst findings first"),
    bind(Browse, &[Char('2')], Show(View::Manifest), "manifest", "", "Manifest: META, SAFE and the manifest as trees"),
    bind(
        Browse,
        &[Char('3')],
        Show(View::Timeline),
        "timeline",
        "",
        "Timeline: blocks, keyframes and SEEK against time",
    ),
    bind(Browse, &[Char('4')], Show(View::Blocks), "blocks", "", "Blocks: a row for each block"),
    bind(Browse, &[Char('5')], Show(View::Hex), "hex", "", "Hex: the bytes of the selected chunk or block"),
    bind(Browse, &[Char('6')], Show(View::Audit), "findings", "", "Audit: the findings, and what VERI says"),
    bind(Browse, &[Key::Up, Char('k')], Move(Motion::Up), "", "", "up"),
    bind(Browse, &[Key::Down, Char('j')], Move(Motion::Down), "", "", "down"),
    bind(Browse, &[Key::Left, Char('h')], Move(Motion::Left), "", "", "left; fold"),
    bind(Browse, &[Key::Right, Char('l')], Move(Motion::Right), "", "", "right; unfold"),
    bind(Browse, &[Key::PgUp], Move(Motion::PageUp), "", "", "a page up"),
    bind(Browse, &[Key::PgDn], Move(Motion::PageDown), "", "", "a page down"),
    bind(Browse, &[Key::Home, Char('g')], Move(Motion::Home), "first", "", "to the first"),
    bind(Browse, &[Key::End, Char('G')], Move(Motion::End), "last", "", "to the last"),
    bind(Browse, &[Key::Enter], Command::Open, "open", "", "open what is selected"),
    bind(Browse, &[Char(' ')], Command::Fold, "fold", "", "fold or unfold"),
    bind(Browse, &[Char('r')], Command::Raw, "raw", "", "blocks as stored or decoded"),
    bind(Browse, &[Char('y')], Command::Copy, "copy", "", "copy what is selected, escaped as it is shown"),
    bind(Browse, &[Ctrl('y')], Command::CopyRaw, "copy-raw", "", "copy its text raw: what a shell may obey too"),
    bind(Browse, &[Char('e')], Ask(PromptKind::Export), "export", "", "write the selected block to a file"),
    bind(Browse, &[Char('E')], Ask(PromptKind::Secret), "secret", "", "the secret of encrypted blocks; not shown"),
    bind(Browse, &[Char('M')], Ask(PromptKind::MaskKey), "mask-key", "", "the key of masked blocks; not shown"),
    bind(Browse, &[Char('b')], Command::Back, "back", "", "back to the place before"),
    bind(Browse, &[Char('f')], Command::Forward, "forward", "", "forward again"),
    bind(Browse, &[Char('m')], Command::Mouse, "mouse", "", "mouse on or off (off: the terminal selects text)"),
    bind(Browse, &[Key::Esc], Command::Close, "", "", "cancel a running job; close a message"),
    bind(Prompt, &[Key::Enter], Command::Submit, "", "accept", "accept"),
    bind(Prompt, &[Key::Esc], Command::Close, "", "cancel", "cancel"),
    bind(Prompt, &[Key::Tab], Command::Complete, "", "complete", "complete a command's name"),
    bind(Prompt, &[Key::Up], Command::Recall { earlier: true }, "", "earlier", "an earlier answer"),
    bind(Prompt, &[Key::Down], Command::Recall { earlier: false }, "", "", "a later answer"),
    bind(Prompt, &[Key::Left, Ctrl('b')], Edit(InputRequest::GoToPrevChar), "", "", "left"),
    bind(Prompt, &[Key::Right, Ctrl('f')], Edit(InputRequest::GoToNextChar), "", "", "right"),
    bind(Prompt, &[Key::Home, Ctrl('a')], Edit(InputRequest::GoToStart), "", "", "to the start"),
    bind(Prompt, &[Key::End, Ctrl('e')], Edit(InputRequest::GoToEnd), "", "", "to the end"),
    bind(Prompt, &[Key::Backspace, Ctrl('h')], Edit(InputRequest::DeletePrevChar), "", "", "delete before the cursor"),
    bind(Prompt, &[Key::Del, Ctrl('d')], Edit(InputRequest::DeleteNextChar), "", "", "delete under the cursor"),
    bind(Prompt, &[Ctrl('w')], Edit(InputRequest::DeletePrevWord), "", "", "delete the word before the cursor"),
    bind(Prompt, &[Ctrl('u')], Edit(InputRequest::DeleteFromStart), "", "", "delete to the start"),
    bind(Prompt, &[Ctrl('k')], Edit(InputRequest::DeleteTillEnd), "", "", "delete to the end"),
    bind(Prompt, &[Ctrl('y')], Edit(InputRequest::Yank), "", "", "insert what was deleted"),
    bind(Popup, &[Key::Esc, Char('q'), Key::Enter, Char(' ')], Command::Close, "", "close", "close the text"),
    bind(Popup, &[Char('y')], Command::Copy, "", "copy", "copy the whole text, escaped"),
    bind(Popup, &[Ctrl('y')], Command::CopyRaw, "", "", "copy it raw: what a shell may obey too"),
    bind(Popup, &[Key::Up, Char('k')], Move(Motion::Up), "", "", "up"),
    bind(Popup, &[Key::Down, Char('j')], Move(Motion::Down), "", "scroll", "down"),
    bind(Popup, &[Key::PgUp], Move(Motion::PageUp), "", "", "a page up"),
    bind(Popup, &[Key::PgDn], Move(Motion::PageDown), "", "", "a page down"),
    bind(Popup, &[Key::Home, Char('g')], Move(Motion::Home), "", "", "to the top"),
    bind(Popup, &[Key::End, Char('G')], Move(Motion::End), "", "", "to the end"),
    bind(Popup, &[Char('?')], Command::Help, "", "", "this help"),
    bind(Help, &[Key::Esc, Char('?'), Char('q'), Key::Enter], Command::Close, "", "close", "close the help"),
    bind(Help, &[Key::Up, Char('k')], Move(Motion::Up), "", "", "up"),
    bind(Help, &[Key::Down, Char('j')], Move(Motion::Down), "", "scroll", "down"),
    bind(Help, &[Key::PgUp], Move(Motion::PageUp), "", "", "a page up"),
    bind(Help, &[Key::PgDn, Char(' ')], Move(Motion::PageDown), "", "", "a page down"),
    bind(Help, &[Key::Home, Char('g')], Move(Motion::Home), "", "", "to the top"),
    bind(Help, &[Key::End, Char('G')], Move(Motion::End), "", "", "to the end"),
    bind(Always, &[Ctrl('c')], Command::Quit, "", "", "leave at once"),
    bind(Always, &[Ctrl('z')], Command::Suspend, "suspend", "", "suspend; `fg` in the shell resumes"),
];

/// What a key means in these contexts, the first that knows it.
pub fn command(contexts: &[Context], key: Key) -> Option<Command> {
    contexts
        .iter()
        .find_map(|context| BINDINGS.iter().find(|b| b.context == *context && b.keys.contains(&key)))
        .map(|binding| binding.command)
}

/// The action that an input means in this state, if any.
pub fn action(state: &State, input: Input) -> Option<Action> {
    match input {
        Input::Key(key) => match command(&state.contexts(), key) {
            Some(command) => Some(Action::Do(command)),
            None => match key {
                Char(c) if state.prompt.is_some() && state.help.is_none() => Some(Action::Type(c)),
                _ => None,
            },
        },
        Input::Paste(text) => Some(Action::Paste(text)),
        Input::Resize(size) => Some(Action::Resize(size)),
        Input::Click(at) => state.mouse.then_some(Action::Click(at)),
        Input::Drag { from, to } => state.mouse.then_some(Action::Drag { from, to }),
        Input::Wheel { at, notches } => state.mouse.then_some(Action::Wheel { at, notches }),
    }
}

/// The key that does this, as read on the keyboard.
pub fn key_of(command: Command, ascii: bool) -> Option<String> {
    BINDINGS.iter().find(|binding| binding.command == command)?.keys.first().map(|key| key.label(ascii))
}

/// The names that the command line knows.
pub fn command_names() -> impl Iterator<Item = (&'static str, Command)> {
    BINDINGS.iter().filter(|binding| !binding.name.is_empty()).map(|binding| (binding.name, binding.command))
}

/// The hints for what has the keys, the most particular first: the key as read on the keyboard, and what it does.
pub fn hints(state: &State) -> Vec<(String, &'static str)> {
    let contexts = state.contexts();
    let of = |context: &Context| {
        let context = *context;
        BINDINGS.iter().filter(move |b| b.context == context && !b.hint.is_empty())
    };
    let first_key = |b: &Binding| b.keys.first().map(|key| key.label(state.theme.ascii)).unwrap_or_default();
    contexts.iter().flat_map(of).filter(|b| is_offered(b, state)).map(|b| (first_key(b), b.hint)).collect()
}

/// Whether a key does more now than say why it does nothing.
fn is_offered(binding: &Binding, state: &State) -> bool {
    match binding.command {
        Command::Compare => state.comparison.is_some(),
        Command::Chain => leads_to_keyframe(state),
        _ => true,
    }
}

/// Whether a key goes to another block that decoding begins with, or back from there.
fn leads_to_keyframe(state: &State) -> bool {
    match moment::current(state) {
        Some(moment) => moment.keyframe.is_some() && moment.keyframe != moment.block(),
        None => {
            let container = state.container.as_ref();
            container.zip(state.selection.block).is_some_and(|(container, block)| !container.is_keyframe(block))
        }
    }
}

/// A line of the help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HelpLine {
    /// The heading of a context.
    Heading(&'static str),
    /// Keys, what they do, and the command's name (or nothing).
    Keys(String, String, &'static str),
    /// A mark, its look, and what it means.
    Mark(&'static str, Role, String),
    /// What found no room on the line before, and the command's name (or nothing).
    More(String, &'static str),
    /// Between two headings.
    Blank,
}

/// The columns of the keys in the help.
pub const KEY_COLUMNS: usize = 18;

/// What the marks on the screen mean.
fn marks(glyphs: &Glyphs) -> [(&'static str, Role, &'static str); 19] {
    [
        (glyphs.good, Role::Good, "checked and right"),
        (glyphs.unknown, Role::Dim, "not looked at: nobody has recomputed its CRC"),
        (glyphs.damage, Role::Damage, "wrong: a CRC, or an error was found; in Hex, on that row"),
        (glyphs.warning, Role::Warning, "a warning, or mended; in Hex, about that row"),
        (glyphs.track, Role::Good, "green, beside a chunk while Audit is shown: under VERI"),
        (glyphs.keyframe, Role::Keyframe, "a keyframe"),
        (glyphs.seek, Role::SeekEntry, "a SEEK entry"),
        (glyphs.playhead, Role::Playhead, "the selected block or time"),
        (glyphs.chain, Role::Strong, "Timeline: what is decoded to play the selected time"),
        (glyphs.lost, Role::Damage, "next to a loss: bytes were lost beside it"),
        (glyphs.lost, Role::Warning, "Timeline: a gap, where no block is"),
        (glyphs.following, Role::Text, "the file is followed as it grows"),
        (glyphs.selected, Role::Text, "the selected row"),
        (glyphs.arrow, Role::Title, "Hex: on the row that a finding or an offset led to"),
        (glyphs.byte_zero, Role::ByteZero, "Hex, as text: a byte 00"),
        (glyphs.byte_control, Role::ByteControl, "Hex, as text: a control byte, 01-1f or 7f"),
        (glyphs.byte_high, Role::ByteHigh, "Hex, as text: a byte 80-fe"),
        (glyphs.byte_ones, Role::ByteOnes, "Hex, as text: a byte ff"),
        (glyphs.ellipsis, Role::Text, "text that was cut; in Blocks, still being read"),
    ]
}

/// Whether a binding is of use with what the state shows: keys can only be given for blocks that take them.
fn is_of_use(binding: &Binding, state: &State) -> bool {
    match binding.command {
        Ask(PromptKind::Secret) => state.takes_secret(),
        Ask(PromptKind::MaskKey) => state.takes_mask_key(),
        _ => true,
    }
}

/// The help: the contexts of the pane with the keys first, then the others.
pub fn help(state: &State) -> Vec<HelpLine> {
    let mut order = state.pane_contexts();
    order.retain(|context| *context != Compared || state.comparison.is_some());
    let first = order.len();
    for binding in BINDINGS {
        if !order.contains(&binding.context) {
            order.push(binding.context);
        }
    }
    let columns = state.areas().map_or(0, |areas| areas.overlay.inner.width);
    let room = usize::from(columns).saturating_sub(KEY_COLUMNS);
    let mut lines = Vec::new();
    for (at, context) in order.into_iter().enumerate() {
        if at == first {
            lines.extend(legend(state, room));
        }
        let mut bindings = BINDINGS.iter().filter(|b| b.context == context && is_of_use(b, state)).peekable();
        if bindings.peek().is_none() {
            continue;
        }
        if !lines.is_empty() {
            lines.push(HelpLine::Blank);
        }
        lines.push(HelpLine::Heading(context.title()));
        for binding in bindings {
            let keys: Vec<_> = binding.keys.iter().map(|key| key.label(state.theme.ascii)).collect();
            let (first, more) = wrapped(binding.help, binding.name, room);
            let name = if more.is_empty() { binding.name } else { "" };
            lines.push(HelpLine::Keys(keys.join(" "), first, name));
            lines.extend(more);
        }
    }
    lines
}

/// What the marks mean, as lines of the help.
fn legend(state: &State, columns: usize) -> Vec<HelpLine> {
    let mut lines = vec![HelpLine::Blank, HelpLine::Heading("Marks")];
    for (glyph, role, text) in marks(state.theme.glyphs()) {
        let (first, more) = wrapped(text, "", columns);
        lines.push(HelpLine::Mark(glyph, role, first));
        lines.extend(more);
    }
    lines
}

/// A text on as many lines as it takes, with the command's name on the last.
fn wrapped(text: &str, name: &'static str, columns: usize) -> (String, Vec<HelpLine>) {
    let mut lines = wrap(text, columns.max(1));
    let taken = lines.last().map_or(0, |line| width(line));
    // Two spaces and the colon.
    if !name.is_empty() && taken + 3 + width(name) > columns {
        lines.push(String::new());
    }
    let last = lines.len().saturating_sub(1);
    let mut lines = lines.into_iter();
    let first = lines.next().unwrap_or_default();
    let more = (1..).zip(lines).map(|(at, line)| HelpLine::More(line, if at == last { name } else { "" }));
    (first, more.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn no_key_means_two_things_in_one_context() {
        let mut seen = HashMap::new();
        for binding in BINDINGS {
            for key in binding.keys {
                let earlier = seen.insert((binding.context, *key), binding.command);
                assert_eq!(earlier, None, "{key:?} in {:?}", binding.context);
            }
        }
    }

    /// The keys of INTERFACE.md, with what they do in every pane.
    const PROMISED: &[(&str, Command)] = &[
        ("?", Command::Help),
        ("q", Command::Quit),
        ("<Tab>", Command::NextPane),
        ("<BackTab>", Command::PreviousPane),
        ("1", Show(View::Summary)),
        ("2", Show(View::Manifest)),
        ("3", Show(View::Timeline)),
        ("4", Show(View::Blocks)),
        ("5", Show(View::Hex)),
        ("6", Show(View::Audit)),
        ("h<Left>", Move(Motion::Left)),
        ("j<Down>", Move(Motion::Down)),
        ("k<Up>", Move(Motion::Up)),
        ("l<Right>", Move(Motion::Right)),
        ("<PgUp>", Move(Motion::PageUp)),
        ("<PgDn>", Move(Motion::PageDown)),
        ("<Home>g", Move(Motion::Home)),
        ("<End>G", Move(Motion::End)),
        ("<Enter>", Command::Open),
        ("<Space>", Command::Fold),
        ("t", Ask(PromptKind::Time)),
        (":", Ask(PromptKind::Command)),
        ("/", Ask(PromptKind::Find)),
        ("n", Command::NextMatch),
        ("N", Command::PreviousMatch),
        ("F", Command::Follow),
        ("m", Command::Mouse),
        ("r", Command::Raw),
        ("v", Command::Verify),
        ("a", Command::Audit),
        ("e", Ask(PromptKind::Export)),
        ("y", Command::Copy),
        ("b", Command::Back),
        ("f", Command::Forward),
        ("<Esc>", Command::Close),
        ("<C-c>", Command::Quit),
        ("<C-z>", Command::Suspend),
    ];

    #[test]
    fn promised_keys_mean_the_same_in_every_pane() {
        let panes = View::ALL.map(Context::View).into_iter().chain([Tree]);
        for pane in panes {
            for (keys, expected) in PROMISED {
                for input in crate::tui::keys::parse(keys).unwrap() {
                    let crate::tui::keys::Input::Key(key) = input else { panic!("{keys}") };
                    assert_eq!(command(&[pane, Browse, Always], key), Some(*expected), "{key:?} in {pane:?}");
                }
            }
        }
    }

    #[test]
    fn always_is_always() {
        for context in [Prompt, Help, Browse, Tree] {
            for binding in BINDINGS.iter().filter(|b| b.context == Always) {
                assert_eq!(command(&[context, Always], binding.keys[0]), Some(binding.command));
            }
        }
    }

    #[test]
    fn names_are_unique_and_typed_easily() {
        let mut seen = HashMap::new();
        for (name, command) in command_names() {
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{name}");
            assert_eq!(seen.insert(name, command), None, "{name}");
        }
    }

    #[test]
    fn hints_and_help_come_from_the_table() {
        let player = crate::tui::testing::played(80, 24, "5<Tab>");
        let hints = hints(player.state());
        assert_eq!(hints[0], ("Enter".into(), "open"));
        assert!(hints.contains(&("Tab".into(), "pane")) && hints.contains(&("/".into(), "find")));
        assert!(!hints.iter().any(|(key, _)| key == "d"), "there is nothing to compare with");
        let help = help(player.state());
        assert_eq!(help[0], HelpLine::Heading("Chunk tree"));
        assert!(help.contains(&HelpLine::Keys("↑ k".into(), "up".into(), "")));
        let keys = help.iter().filter(|line| matches!(line, HelpLine::Keys(..))).count();
        assert_eq!(keys, BINDINGS.len() - 2, "neither key is of use with a file that takes none");
    }
    #[test]
    fn no_line_of_the_help_is_cut_and_every_text_is_there() {
        for (cols, ascii) in [(80, false), (80, true), (120, true)] {
            let mut player = crate::tui::testing::played(cols, 24, "");
            player.play(crate::tui::keys::parse("<Tab>").unwrap());
            let mut state = player.into_state();
            state.theme.ascii = ascii;
            let columns = usize::from(state.areas().unwrap().overlay.inner.width);
            let mut texts: Vec<String> = Vec::new();
            for line in help(&state) {
                let named = |name: &str| if name.is_empty() { 0 } else { 3 + width(name) };
                let taken = match &line {
                    HelpLine::Keys(keys, text, name) => {
                        assert!(width(keys) < KEY_COLUMNS, "{keys}");
                        KEY_COLUMNS + width(text) + named(name)
                    }
                    HelpLine::More(text, name) => KEY_COLUMNS + width(text) + named(name),
                    HelpLine::Mark(_, _, text) => KEY_COLUMNS + width(text),
                    HelpLine::Heading(_) | HelpLine::Blank => 0,
                };
                assert!(taken <= columns, "{line:?}");
                match line {
                    HelpLine::Keys(_, text, _) | HelpLine::Mark(_, _, text) => texts.push(text),
                    HelpLine::More(text, _) => texts.last_mut().unwrap().push_str(&format!(" {text}")),
                    HelpLine::Heading(_) | HelpLine::Blank => {}
                }
            }
            for binding in BINDINGS.iter().filter(|binding| is_of_use(binding, &state)) {
                assert!(texts.iter().any(|text| text.trim_end() == binding.help), "{}", binding.help);
            }
            for (glyph, role, _) in marks(state.theme.glyphs()) {
                assert!(
                    help(&state)
                        .iter()
                        .any(|line| matches!(line, HelpLine::Mark(g, r, _) if (*g, *r) == (glyph, role)))
                );
            }
        }
    }
}
