//! What a user does to the program: keys, pasted text, the mouse, a new window size. It comes from a terminal or from
//! text (`--keys`), and nothing behind this module can tell which.
//!
//! In the text each character is that key, and the rest have names in angle brackets:
//!
//! | written | is |
//! |---|---|
//! | `<Enter> <Esc> <Tab> <BackTab> <Space> <Backspace> <Del>` | those keys |
//! | `<Up> <Down> <Left> <Right> <PgUp> <PgDn> <Home> <End>` | those keys |
//! | `<C-x>` | Ctrl and a character |
//! | `<lt>` | the character `<`, also inside `<Paste:…>`; `<gt>` is `>` |
//! | `<Paste:text>` | text pasted at once |
//! | `<Click:col,row>` | the left button, columns and rows from 0 at the top left |
//! | `<Drag:col,row,col,row>` | the left button pressed at the first place and moved to the second |
//! | `<Wheel:col,row,±n>` | the wheel turned n notches, + towards the end |
//! | `<Resize:COLSxROWS>` | the window has a new size |

use std::fmt;
use std::ops::Deref;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Size};
use zeroize::Zeroizing;

/// The widest and highest screen that can be asked for without a terminal: drawing costs memory by the cell.
pub const MAX_SIDE: u16 = 1000;

/// One thing the user did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed (or repeats).
    Key(Key),
    /// Text came in at once (bracketed paste).
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
    /// The wheel was turned.
    Wheel {
        /// Where the pointer is.
        at: Position,
        /// Notches, positive towards the end.
        notches: i16,
    },
    /// The window has a new size.
    Resize(Size),
}

/// Pasted text. It may be a key: it is wiped when dropped, and `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Pasted(Zeroizing<String>);

impl From<String> for Pasted {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl Deref for Pasted {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pasted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pasted(…)")
    }
}

/// A key, with what the program tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A character as typed, Shift included.
    Char(char),
    /// Ctrl and a character, in lower case.
    Ctrl(char),
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Page up.
    PgUp,
    /// Page down.
    PgDn,
    /// Home.
    Home,
    /// End.
    End,
    /// Backspace.
    Backspace,
    /// Delete.
    Del,
}

/// The names of [`Key`]s that aren't characters, as written between `<` and `>`.
const NAMED: [(&str, Key); 17] = [
    ("Enter", Key::Enter),
    ("Esc", Key::Esc),
    ("Tab", Key::Tab),
    ("BackTab", Key::BackTab),
    ("Space", Key::Char(' ')),
    ("Up", Key::Up),
    ("Down", Key::Down),
    ("Left", Key::Left),
    ("Right", Key::Right),
    ("PgUp", Key::PgUp),
    ("PgDn", Key::PgDn),
    ("Home", Key::Home),
    ("End", Key::End),
    ("Backspace", Key::Backspace),
    ("Del", Key::Del),
    ("lt", Key::Char('<')),
    ("gt", Key::Char('>')),
];

impl Key {
    /// The key as people read it on a keyboard: `Ctrl-C`, `PgUp`, `Space`, `g`; arrows as such unless `ascii`.
    pub fn label(self, ascii: bool) -> String {
        match self {
            Self::Ctrl(c) => format!("Ctrl-{}", c.to_uppercase()),
            Self::BackTab => "Shift-Tab".into(),
            Self::Char(c) if c != ' ' => c.to_string(),
            Self::Up if !ascii => "↑".into(),
            Self::Down if !ascii => "↓".into(),
            Self::Left if !ascii => "←".into(),
            Self::Right if !ascii => "→".into(),
            key => NAMED.iter().find(|(_, k)| *k == key).map(|(name, _)| (*name).to_owned()).unwrap_or_default(),
        }
    }

    /// The key that a terminal means by this character of its input: control characters are Ctrl and a letter.
    fn from_typed(c: char) -> Self {
        match c {
            '\r' | '\n' => Self::Enter,
            '\t' => Self::Tab,
            '\x1b' => Self::Esc,
            '\x08' | '\x7f' => Self::Backspace,
            '\0' => Self::Ctrl(' '),
            '\x01'..='\x1a' => Self::Ctrl(char::from(c as u8 - 1 + b'a')),
            '\x1c'..='\x1f' => Self::Ctrl(char::from(c as u8 - 0x1c + b'4')),
            c => Self::Char(c),
        }
    }
}

/// What is wrong with a text of keys, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("keys: {problem} at byte {offset}")]
pub struct KeysError {
    /// Where in the text, in bytes.
    pub offset: usize,
    /// What is wrong there.
    pub problem: KeysProblem,
}

/// What can be wrong with a text of keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysProblem {
    /// A `<` whose name never ends.
    #[error("`<` without `>` (write the character itself as `<lt>`)")]
    Unclosed,
    /// No key has that name.
    #[error("no key is named `<{0}>`")]
    UnknownName(String),
    /// The numbers after a mouse or size name are wrong.
    #[error("`<{name}>` must be `<{expected}>`")]
    Arguments {
        /// What was written.
        name: String,
        /// How it is written.
        expected: &'static str,
    },
    /// The size is larger than can be drawn.
    #[error("{0}")]
    Size(#[from] SizeError),
}

/// What is wrong with a size of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// It is not two numbers with an `x` between.
    #[error("write the size as COLSxROWS, such as 120x40")]
    Shape,
    /// It is larger than [`MAX_SIDE`].
    #[error("the largest size is {MAX_SIDE}x{MAX_SIDE}")]
    TooLarge,
}

/// Reads `COLSxROWS`, each side 0 to [`MAX_SIDE`].
pub fn parse_size(text: &str) -> Result<Size, SizeError> {
    let (cols, rows) = text.split_once(['x', 'X']).ok_or(SizeError::Shape)?;
    let side = |digits: &str| match digits {
        "" => Err(SizeError::Shape),
        d if !d.bytes().all(|b| b.is_ascii_digit()) => Err(SizeError::Shape),
        d => d.parse().ok().filter(|n| *n <= MAX_SIDE).ok_or(SizeError::TooLarge),
    };
    Ok(Size { width: side(cols)?, height: side(rows)? })
}

/// Reads a text of keys (see the [module](self)).
///
/// ```
/// use h4inspect::tui::input::{Input, Key, parse};
/// assert_eq!(parse("3<Enter>").unwrap(), [Input::Key(Key::Char('3')), Input::Key(Key::Enter)]);
/// assert_eq!(parse("q<Entre>").unwrap_err().to_string(), "keys: no key is named `<Entre>` at byte 1");
/// ```
pub fn parse(text: &str) -> Result<Vec<Input>, KeysError> {
    let mut inputs = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let offset = text.len() - rest.len();
        let fail = |problem| KeysError { offset, problem };
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        if c != '<' {
            inputs.push(Input::Key(Key::from_typed(c)));
        } else if let Some(after) = rest.strip_prefix("Paste:") {
            let (pasted, after) = pasted(after).ok_or_else(|| fail(KeysProblem::Unclosed))?;
            inputs.push(Input::Paste(pasted.into()));
            rest = after;
        } else {
            // `<C->>` is Ctrl and `>`: a name is never empty, so the first `>` may belong to it.
            let skip = if rest.starts_with("C->") { 3 } else { 0 };
            let end = rest.get(skip..).and_then(|r| r.find('>')).ok_or_else(|| fail(KeysProblem::Unclosed))? + skip;
            let (name, after) = rest.split_at(end);
            inputs.push(named(name).map_err(fail)?);
            rest = after.get(1..).unwrap_or_default();
        }
    }
    Ok(inputs)
}

/// Pasted text up to its `>`, and what follows.
fn pasted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut rest = text;
    loop {
        let c = rest.chars().next()?;
        if let Some(after) = rest.strip_prefix("<lt>") {
            out.push('<');
            rest = after;
        } else if let Some(after) = rest.strip_prefix("<gt>") {
            out.push('>');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('>') {
            return Some((out, after));
        } else {
            out.push(c);
            rest = rest.get(c.len_utf8()..)?;
        }
    }
}

/// What stands between `<` and `>`.
fn named(name: &str) -> Result<Input, KeysProblem> {
    if let Some((_, key)) = NAMED.iter().find(|(n, _)| *n == name) {
        return Ok(Input::Key(*key));
    }
    if let Some(Some(c)) = name.strip_prefix("C-").map(single_char) {
        return Ok(Input::Key(Key::Ctrl(c.to_ascii_lowercase())));
    }
    let (kind, arguments) = name.split_once(':').ok_or_else(|| KeysProblem::UnknownName(name.to_owned()))?;
    let wrong = |expected| KeysProblem::Arguments { name: name.to_owned(), expected };
    match kind {
        "Click" => match numbers::<u16, 2>(arguments) {
            Some([x, y]) => Ok(Input::Click(Position { x, y })),
            None => Err(wrong("Click:col,row")),
        },
        "Drag" => match numbers::<u16, 4>(arguments) {
            Some([x0, y0, x, y]) => Ok(Input::Drag { from: Position { x: x0, y: y0 }, to: Position { x, y } }),
            None => Err(wrong("Drag:col,row,col,row")),
        },
        "Wheel" => match numbers::<i32, 3>(arguments).map(|[x, y, n]| (x.try_into(), y.try_into(), n.try_into())) {
            Some((Ok(x), Ok(y), Ok(notches))) => Ok(Input::Wheel { at: Position { x, y }, notches }),
            _ => Err(wrong("Wheel:col,row,±n")),
        },
        "Resize" => Ok(Input::Resize(parse_size(arguments)?)),
        _ => Err(KeysProblem::UnknownName(name.to_owned())),
    }
}

fn single_char(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

fn numbers<T: std::str::FromStr + Copy + Default, const N: usize>(text: &str) -> Option<[T; N]> {
    let mut values = [T::default(); N];
    let mut parts = text.split(',');
    for value in &mut values {
        *value = parts.next()?.trim().parse().ok()?;
    }
    parts.next().is_none().then_some(values)
}

/// Turns a terminal's events into [`Input`]s. Remembers where the button was pressed, for drags.
#[derive(Debug, Default)]
pub struct Decoder {
    pressed: Position,
}

impl Decoder {
    /// The input that the event means, if any. Key releases (Windows reports them) mean nothing.
    pub fn decode(&mut self, event: Event) -> Option<Input> {
        match event {
            Event::Key(key) => decode_key(key).map(Input::Key),
            Event::Paste(text) => Some(Input::Paste(text.into())),
            Event::Mouse(mouse) => self.decode_mouse(mouse),
            Event::Resize(width, height) => Some(Input::Resize(Size { width, height })),
            Event::FocusGained | Event::FocusLost => None,
        }
    }

    fn decode_mouse(&mut self, mouse: MouseEvent) -> Option<Input> {
        let at = Position { x: mouse.column, y: mouse.row };
        match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                self.pressed = at;
                Some(Input::Click(at))
            }
            MouseEventKind::Drag(MouseButton::Left) => Some(Input::Drag { from: self.pressed, to: at }),
            MouseEventKind::ScrollUp => Some(Input::Wheel { at, notches: -1 }),
            MouseEventKind::ScrollDown => Some(Input::Wheel { at, notches: 1 }),
            _ => None,
        }
    }
}

fn decode_key(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let held = event.modifiers;
    let (ctrl, alt) = (held.contains(KeyModifiers::CONTROL), held.contains(KeyModifiers::ALT));
    Some(match event.code {
        // AltGr arrives as Ctrl and Alt together, and the character is the one it makes.
        KeyCode::Char(c) if ctrl == alt && !ctrl => Key::Char(c),
        KeyCode::Char(c) if ctrl && alt => Key::Char(c),
        KeyCode::Char(c) if ctrl => Key::Ctrl(c.to_ascii_lowercase()),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab if held.contains(KeyModifiers::SHIFT) => Key::BackTab,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PgUp,
        KeyCode::PageDown => Key::PgDn,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Del,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(text: &str) -> Vec<Input> {
        parse(text).unwrap()
    }

    fn key(key: Key) -> Input {
        Input::Key(key)
    }

    #[test]
    fn characters_are_keys_and_names_are_the_rest() {
        assert_eq!(keys("3t1").len(), 3);
        assert_eq!(keys("G"), [key(Key::Char('G'))]);
        assert_eq!(keys("<lt>x>"), [key(Key::Char('<')), key(Key::Char('x')), key(Key::Char('>'))]);
        assert_eq!(keys("<C-c><C-Z><C->>"), [key(Key::Ctrl('c')), key(Key::Ctrl('z')), key(Key::Ctrl('>'))]);
        assert_eq!(
            keys("日\n\t\x1b\x03"),
            ["日"; 1]
                .iter()
                .flat_map(|s| s.chars())
                .map(|c| key(Key::Char(c)))
                .chain([Key::Enter, Key::Tab, Key::Esc, Key::Ctrl('c')].map(key))
                .collect::<Vec<_>>()
        );
        for (name, expected) in NAMED {
            assert_eq!(keys(&format!("<{name}>")), [key(expected)], "{name}");
        }
    }

    #[test]
    fn pasted_text_keeps_its_spaces_and_brackets() {
        assert_eq!(keys("<Paste:a <b<gt><lt>>c"), [Input::Paste("a <b><".to_owned().into()), key(Key::Char('c'))]);
        assert_eq!(keys("<Paste:>"), [Input::Paste(String::new().into())]);
    }

    #[test]
    fn the_mouse_and_the_size() {
        let at = |x, y| Position { x, y };
        assert_eq!(keys("<Click:3,4>"), [Input::Click(at(3, 4))]);
        assert_eq!(keys("<Drag:1,2,3,4>"), [Input::Drag { from: at(1, 2), to: at(3, 4) }]);
        assert_eq!(keys("<Wheel:0,9,-3><Wheel:0,9,+2>").len(), 2);
        assert_eq!(keys("<Wheel:0,9,-3>"), [Input::Wheel { at: at(0, 9), notches: -3 }]);
        assert_eq!(keys("<Resize:80x24>"), [Input::Resize(Size::new(80, 24))]);
        assert_eq!(keys("<Resize:0x0>"), [Input::Resize(Size::new(0, 0))]);
    }

    #[test]
    fn errors_say_what_and_where() {
        let error = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(error("é<Foo>"), "keys: no key is named `<Foo>` at byte 2");
        assert_eq!(error("ab<"), "keys: `<` without `>` (write the character itself as `<lt>`) at byte 2");
        assert_eq!(error("<Paste:x"), "keys: `<` without `>` (write the character itself as `<lt>`) at byte 0");
        assert_eq!(error("<Click:1>"), "keys: `<Click:1>` must be `<Click:col,row>` at byte 0");
        assert_eq!(error("<Click:1,-1>"), "keys: `<Click:1,-1>` must be `<Click:col,row>` at byte 0");
        assert_eq!(error("<Wheel:0,0,40000>"), "keys: `<Wheel:0,0,40000>` must be `<Wheel:col,row,±n>` at byte 0");
        assert_eq!(error("<Resize:80>"), "keys: write the size as COLSxROWS, such as 120x40 at byte 0");
        assert_eq!(error("<Resize:65535x65535>"), "keys: the largest size is 1000x1000 at byte 0");
        assert_eq!(parse_size("+8x9"), Err(SizeError::Shape));
    }

    #[test]
    fn a_terminal_s_events_are_the_same_inputs() {
        let mut decoder = Decoder::default();
        let mut press = |code, held| decoder.decode(Event::Key(KeyEvent::new(code, held)));
        assert_eq!(press(KeyCode::Char('G'), KeyModifiers::SHIFT), Some(key(Key::Char('G'))));
        assert_eq!(press(KeyCode::Char('C'), KeyModifiers::CONTROL), Some(key(Key::Ctrl('c'))));
        assert_eq!(press(KeyCode::Char('@'), KeyModifiers::CONTROL | KeyModifiers::ALT), Some(key(Key::Char('@'))));
        assert_eq!(press(KeyCode::Char('x'), KeyModifiers::ALT), None);
        assert_eq!(press(KeyCode::Tab, KeyModifiers::SHIFT), Some(key(Key::BackTab)));
        let released = KeyEvent::new_with_kind(KeyCode::Enter, KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(decoder.decode(Event::Key(released)), None);

        let mut mouse = |kind, column, row| {
            decoder.decode(Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }))
        };
        mouse(MouseEventKind::Down(MouseButton::Left), 2, 3);
        assert_eq!(mouse(MouseEventKind::Drag(MouseButton::Left), 5, 6).unwrap(), keys("<Drag:2,3,5,6>")[0]);
        assert_eq!(mouse(MouseEventKind::ScrollDown, 1, 1).unwrap(), keys("<Wheel:1,1,1>")[0]);
        assert_eq!(mouse(MouseEventKind::Moved, 1, 1), None);
    }

    proptest! {
        #[test]
        fn any_text_is_keys_or_an_error_inside_it(text in any::<String>()) {
            if let Err(error) = parse(&text) {
                prop_assert!(error.offset < text.len() && text.is_char_boundary(error.offset));
            }
        }

        #[test]
        fn text_that_looks_like_keys_does_not_panic(text in "(<(Click|Drag|Wheel|Resize|Paste|C-|Enter)[:0-9,x<>lt-]{0,12}>?|[a-z<>]){0,8}") {
            _ = parse(&text);
        }
    }
}
