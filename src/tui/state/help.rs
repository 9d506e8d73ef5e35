//! The help: every binding that is of use, the pane's own first, and what the marks on the screen mean.

use super::State;
use crate::tui::command::{Command, PromptKind};
use crate::tui::keymap::{BINDINGS, Binding, Context};
use crate::tui::text::width;
use crate::tui::theme::{Glyphs, Role};
use crate::tui::wrap::wrap;

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
        (glyphs.unknown, Role::Dim, "not checked: its CRC was not recomputed"),
        (glyphs.damage, Role::Damage, "wrong: a CRC error or another error; in Hex, on that row"),
        (glyphs.warning, Role::Warning, "a warning, or mended; in Hex, on that row"),
        (glyphs.track, Role::Good, "green, beside a chunk while Audit is shown: covered by VERI"),
        (glyphs.keyframe, Role::Keyframe, "a keyframe"),
        (glyphs.seek, Role::SeekEntry, "a SEEK entry"),
        (glyphs.playhead, Role::Playhead, "the selected block or time"),
        (glyphs.chain, Role::Strong, "Timeline: what is decoded to play the selected time"),
        (glyphs.lost, Role::Damage, "next to a loss: bytes were lost next to it"),
        (glyphs.lost, Role::Warning, "Timeline: a gap without blocks"),
        (glyphs.following, Role::Text, "the file is being followed as it grows"),
        (glyphs.selected, Role::Text, "the selected row"),
        (glyphs.arrow, Role::Title, "Hex: the row that a finding or an offset led to"),
        (glyphs.byte_zero, Role::ByteZero, "Hex, as text: byte 00"),
        (glyphs.byte_control, Role::ByteControl, "Hex, as text: control byte, 01-1f or 7f"),
        (glyphs.byte_high, Role::ByteHigh, "Hex, as text: byte 80-fe"),
        (glyphs.byte_ones, Role::ByteOnes, "Hex, as text: byte ff"),
        (glyphs.ellipsis, Role::Text, "text was cut off; in Blocks, still being read"),
    ]
}

/// Whether a binding is of use with what the state shows: keys can only be given for blocks that take them.
fn is_of_use(binding: &Binding, state: &State) -> bool {
    match binding.command {
        Command::Ask(PromptKind::Secret) => state.takes_secret(),
        Command::Ask(PromptKind::MaskKey) => state.takes_mask_key(),
        _ => true,
    }
}

/// The help: the contexts of the pane with the keys first, then the others.
pub fn help(state: &State) -> Vec<HelpLine> {
    let mut order = state.pane_contexts();
    order.retain(|context| *context != Context::Compared || state.comparison.is_some());
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

    #[test]
    fn hints_and_help_come_from_the_table() {
        let player = crate::tui::testing::played(80, 24, "5<Tab>");
        let hints = crate::tui::state::hints::hints(player.state());
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
            player.play(crate::tui::input::parse("<Tab>").unwrap());
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
