//! What the terminal sends: keys, pasted text, the mouse.
//!
//! The bytes are read here, since what is typed may be a key of protected blocks: crossterm's own reader keeps them in
//! buffers that nobody can wipe, and spins on a terminal that is gone.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use crossterm::event as cross;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use termina::Parser;
use termina::event::{self, KeyCode, KeyEventKind, Modifiers, MouseButton, MouseEventKind};
use zeroize::{Zeroize, Zeroizing};

use super::input::{Decoder, Input};

/// What brackets pasted text.
const PASTE_START: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";

const BUFFER_BYTES: usize = 4096;
/// What the parser gets at a time: so little that its buffer never moves, and can be written over where it is.
const PIECE_BYTES: usize = 64;
/// Room for pasted text that never moves while it is filled; longer text moves, and is wiped where it was.
const PASTE_BYTES: usize = 64 << 10;
/// The longest text that is taken; of longer text the rest is dropped. No prompt takes as much.
const MOST_PASTE_BYTES: usize = 8 << 20;

/// How long the rest of an escape sequence may take to come. Then it is none: Alt and a bracket begin one too.
const PATIENCE: Duration = Duration::from_millis(100);

/// The terminal on standard input.
pub(super) struct Keyboard {
    parser: Parser,
    decoder: Decoder,
    ready: VecDeque<Input>,
    /// What may be the beginning of pasted text.
    held: Zeroizing<Vec<u8>>,
    /// Pasted text that has not ended.
    paste: Option<Zeroizing<Vec<u8>>>,
    /// The parser got bytes since it was new.
    is_parsing: bool,
    last_read: Instant,
}

impl Keyboard {
    pub(super) fn new() -> Self {
        let held = Zeroizing::new(Vec::with_capacity(BUFFER_BYTES + PASTE_START.len()));
        let (parser, decoder) = (Parser::default(), Decoder::default());
        Self {
            parser,
            decoder,
            ready: VecDeque::new(),
            held,
            paste: None,
            is_parsing: false,
            last_read: Instant::now(),
        }
    }

    /// The next input, if it comes in time. Fails when the terminal is gone.
    pub(super) fn next(&mut self, timeout: Option<Duration>) -> io::Result<Option<Input>> {
        let terminal = io::stdin();
        self.next_from(terminal.as_fd(), timeout)
    }

    fn next_from(&mut self, terminal: BorrowedFd<'_>, timeout: Option<Duration>) -> io::Result<Option<Input>> {
        let until = timeout.map(|timeout| Instant::now() + timeout);
        let mut buffer = Zeroizing::new([0; BUFFER_BYTES]);
        loop {
            if let Some(input) = self.ready.pop_front() {
                return Ok(Some(input));
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let is_waiting = self.is_parsing || !self.held.is_empty();
            let patience = is_waiting.then(|| PATIENCE.saturating_sub(self.last_read.elapsed()));
            let wait = [left, patience].into_iter().flatten().min();
            if !wait_readable(terminal, wait)? {
                if is_waiting && self.last_read.elapsed() >= PATIENCE {
                    self.settle();
                } else if left.is_some_and(|left| left.is_zero()) {
                    return Ok(None);
                }
                continue;
            }
            self.last_read = Instant::now();
            match rustix::io::read(terminal, buffer.as_mut_slice()) {
                Ok(0) => return Err(io::Error::from_raw_os_error(libc::EIO)),
                Ok(len) => self.take(buffer.get(..len).unwrap_or_default()),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
            buffer.zeroize();
        }
    }

    /// Takes bytes as they came.
    fn take(&mut self, bytes: &[u8]) {
        let held = std::mem::replace(&mut self.held, Zeroizing::new(Vec::with_capacity(BUFFER_BYTES * 2)));
        let joined = Zeroizing::new([held.as_slice(), bytes].concat());
        let mut rest = joined.as_slice();
        loop {
            match &mut self.paste {
                Some(paste) => {
                    // The end may have begun before.
                    let from = paste.len().saturating_sub(PASTE_END.len());
                    append(paste, rest);
                    let tail = paste.get(from..).unwrap_or_default();
                    let Some(end) = find(tail, PASTE_END).map(|at| from + at) else {
                        // Of what is too long only as much as may be the end.
                        if paste.len() > MOST_PASTE_BYTES {
                            let surplus = paste.len() - PASTE_END.len();
                            paste.drain(MOST_PASTE_BYTES - PASTE_END.len()..surplus);
                        }
                        return;
                    };
                    let after = paste.len() - end - PASTE_END.len();
                    let kept = paste.get(..end.min(MOST_PASTE_BYTES)).unwrap_or_default();
                    let text = String::from_utf8_lossy(kept).into_owned();
                    self.ready.push_back(Input::Paste(text.into()));
                    self.paste = None;
                    rest = rest.get(rest.len() - after..).unwrap_or_default();
                }
                None => match find(rest, PASTE_START) {
                    Some(start) => {
                        let (before, after) = rest.split_at(start);
                        self.parse(before);
                        self.paste = Some(Zeroizing::new(Vec::with_capacity(PASTE_BYTES)));
                        rest = after.get(PASTE_START.len()..).unwrap_or_default();
                    }
                    None => {
                        // A lone Esc is the key.
                        let is_beginning = |len: &usize| rest.ends_with(PASTE_START.get(..*len).unwrap_or_default());
                        let held = (2..PASTE_START.len()).rev().find(is_beginning).unwrap_or(0);
                        let (now, later) = rest.split_at(rest.len() - held);
                        self.parse(now);
                        self.held.extend_from_slice(later);
                        return;
                    }
                },
            }
        }
    }

    fn parse(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let is_full = bytes.len() == BUFFER_BYTES;
        let mut pieces = bytes.chunks(PIECE_BYTES).peekable();
        while let Some(piece) = pieces.next() {
            self.parser.parse(piece, is_full || pieces.peek().is_some());
            while let Some(event) = self.parser.pop() {
                self.ready.extend(translate(event).and_then(|event| self.decoder.decode(event)));
            }
        }
        self.is_parsing = true;
    }

    /// Nothing more came: what was begun is no sequence, and the parser's memory of what was typed is written over.
    fn settle(&mut self) {
        let held = std::mem::take(&mut *self.held);
        self.parse(&held);
        drop(Zeroizing::new(held));
        self.parser.parse(&[b'0'; PIECE_BYTES * 2], false);
        while self.parser.pop().is_some() {}
        self.parser = Parser::default();
        self.is_parsing = false;
    }
}

/// Where `wanted` stands first.
fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Appends without leaving a copy where the vector was.
fn append(to: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    if to.capacity() - to.len() < bytes.len() {
        let mut longer = Vec::with_capacity((to.len() + bytes.len()) * 2);
        longer.extend_from_slice(to);
        *to = Zeroizing::new(longer);
    }
    to.extend_from_slice(bytes);
}

/// Whether there is something to read, or the end of it, before the time is over.
fn wait_readable(terminal: BorrowedFd<'_>, timeout: Option<Duration>) -> io::Result<bool> {
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    let mut events = [PollFd::from_borrowed_fd(terminal, PollFlags::IN)];
    match rustix::event::poll(&mut events, timeout.as_ref()) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The event in the terms of crossterm, which the decoder takes on all systems.
fn translate(event: event::Event) -> Option<cross::Event> {
    match event {
        event::Event::Key(key) => {
            let kind = match key.kind {
                KeyEventKind::Press => cross::KeyEventKind::Press,
                KeyEventKind::Repeat => cross::KeyEventKind::Repeat,
                KeyEventKind::Release => cross::KeyEventKind::Release,
            };
            let code = match key.code {
                KeyCode::Char(c) => cross::KeyCode::Char(c),
                KeyCode::Enter => cross::KeyCode::Enter,
                KeyCode::Escape => cross::KeyCode::Esc,
                KeyCode::Tab => cross::KeyCode::Tab,
                KeyCode::BackTab => cross::KeyCode::BackTab,
                KeyCode::Up => cross::KeyCode::Up,
                KeyCode::Down => cross::KeyCode::Down,
                KeyCode::Left => cross::KeyCode::Left,
                KeyCode::Right => cross::KeyCode::Right,
                KeyCode::PageUp => cross::KeyCode::PageUp,
                KeyCode::PageDown => cross::KeyCode::PageDown,
                KeyCode::Home => cross::KeyCode::Home,
                KeyCode::End => cross::KeyCode::End,
                KeyCode::Backspace => cross::KeyCode::Backspace,
                KeyCode::Delete => cross::KeyCode::Delete,
                _ => return None,
            };
            Some(cross::Event::Key(cross::KeyEvent::new_with_kind(code, held(key.modifiers), kind)))
        }
        event::Event::Mouse(mouse) => {
            let button = |button| match button {
                MouseButton::Left => cross::MouseButton::Left,
                MouseButton::Right => cross::MouseButton::Right,
                MouseButton::Middle => cross::MouseButton::Middle,
            };
            let kind = match mouse.kind {
                MouseEventKind::Down(pressed) => cross::MouseEventKind::Down(button(pressed)),
                MouseEventKind::Drag(pressed) => cross::MouseEventKind::Drag(button(pressed)),
                MouseEventKind::ScrollUp => cross::MouseEventKind::ScrollUp,
                MouseEventKind::ScrollDown => cross::MouseEventKind::ScrollDown,
                _ => return None,
            };
            let (column, row, modifiers) = (mouse.column, mouse.row, held(mouse.modifiers));
            Some(cross::Event::Mouse(cross::MouseEvent { kind, column, row, modifiers }))
        }
        _ => None,
    }
}

fn held(modifiers: Modifiers) -> cross::KeyModifiers {
    [
        (Modifiers::SHIFT, cross::KeyModifiers::SHIFT),
        (Modifiers::CONTROL, cross::KeyModifiers::CONTROL),
        (Modifiers::ALT, cross::KeyModifiers::ALT),
    ]
    .into_iter()
    .filter(|(theirs, _)| modifiers.contains(*theirs))
    .fold(cross::KeyModifiers::NONE, |held, (_, ours)| held | ours)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::tui::input::{Key, parse};
    use ratatui::layout::Position;

    /// What comes of these reads, one after the other.
    fn typed(reads: &[&[u8]]) -> Vec<Input> {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut keyboard = Keyboard::new();
        let mut inputs = Vec::new();
        for read in reads {
            writer.write_all(read).unwrap();
            while let Some(input) = keyboard.next_from(reader.as_fd(), Some(Duration::from_millis(10))).unwrap() {
                inputs.push(input);
            }
        }
        drop(writer);
        let gone = keyboard.next_from(reader.as_fd(), None).unwrap_err();
        assert!(crate::tui::rescue::is_gone(&gone));
        inputs
    }

    fn pasted(text: &str) -> Input {
        Input::Paste(text.to_owned().into())
    }

    #[test]
    fn keys_and_the_mouse_are_what_the_terminal_says() {
        for (bytes, keys) in [
            ("q", "q"),
            ("Gé日", "Gé日"),
            ("\r\t\x7f\x1b[Z ", "<Enter><Tab><Backspace><BackTab><Space>"),
            ("\x1b[A\x1b[B\x1b[C\x1b[D", "<Up><Down><Right><Left>"),
            ("\x1bOA\x1bOH", "<Up><Home>"),
            ("\x1b[5~\x1b[6~\x1b[H\x1b[F\x1b[1~\x1b[4~\x1b[3~", "<PgUp><PgDn><Home><End><Home><End><Del>"),
            ("\x03\x1a\x19", "<C-c><C-z><C-y>"),
            ("\x1b", "<Esc>"),
            ("\x1b[I\x1b[O\x1bx", ""),
            ("\x1b[<0;4;3M", "<Click:3,2>"),
            ("\x1b[<64;4;3M\x1b[<65;4;3M", "<Wheel:3,2,-1><Wheel:3,2,1>"),
        ] {
            assert_eq!(typed(&[bytes.as_bytes()]), parse(keys).unwrap(), "{bytes:?}");
        }
        let drag = Input::Drag { from: Position { x: 0, y: 0 }, to: Position { x: 4, y: 1 } };
        assert_eq!(typed(&[b"\x1b[<0;1;1M\x1b[<32;5;2M\x1b[<0;5;2m"])[1], drag);
    }

    #[test]
    fn pasted_text_is_one_wherever_it_is_cut() {
        let all = b"a\x1b[200~one\x1b[201\ntwo\x1b[A\x1b[201~b\x1b[200~\x1b[201~c";
        let [a, b, c] = ['a', 'b', 'c'].map(|c| Input::Key(Key::Char(c)));
        let wanted = [a, pasted("one\x1b[201\ntwo\x1b[A"), b, pasted(""), c];
        assert_eq!(typed(&[all]), wanted);
        for cut in (0..=all.len()).filter(|cut| !matches!(cut, 2 | 30)) {
            let (first, second) = all.split_at(cut);
            assert_eq!(typed(&[first, second]), wanted, "{cut}");
        }
        let bytes: Vec<&[u8]> = all[7..25].chunks(1).collect();
        assert_eq!(typed(&[&[PASTE_START], bytes.as_slice(), &[PASTE_END]].concat()).len(), 1);
    }

    #[test]
    fn long_text_is_bounded_and_what_follows_is_not_lost() {
        let (reader, mut writer) = io::pipe().unwrap();
        let write = std::thread::spawn(move || {
            writer.write_all(PASTE_START).unwrap();
            (0..10).for_each(|_| writer.write_all(&vec![b'x'; 1 << 20]).unwrap());
            writer.write_all(b"\x1b[201~q").unwrap();
        });
        let mut keyboard = Keyboard::new();
        let Some(Input::Paste(text)) = keyboard.next_from(reader.as_fd(), None).unwrap() else { panic!() };
        assert!(text.len() <= MOST_PASTE_BYTES && text.bytes().all(|byte| byte == b'x'), "{}", text.len());
        assert_eq!(keyboard.next_from(reader.as_fd(), None).unwrap(), Some(Input::Key(Key::Char('q'))));
        write.join().unwrap();
    }

    #[test]
    fn long_text_is_bounded_wherever_it_is_cut() {
        for surplus in [0, 1, 5, 6, 7, 100] {
            let mut keyboard = Keyboard::new();
            keyboard.take(PASTE_START);
            keyboard.take(&vec![b'x'; MOST_PASTE_BYTES - 3]);
            keyboard.take(&vec![b'x'; surplus]);
            keyboard.take(b"xx\x1b[2");
            keyboard.take(b"01~q");
            let Some(Input::Paste(text)) = keyboard.ready.pop_front() else { panic!() };
            assert!((MOST_PASTE_BYTES - PASTE_END.len()..=MOST_PASTE_BYTES).contains(&text.len()), "{}", text.len());
            assert!(text.bytes().all(|byte| byte == b'x'));
            assert_eq!(keyboard.ready.pop_front(), Some(Input::Key(Key::Char('q'))));
        }
    }

    #[test]
    fn half_a_sequence_is_forgotten() {
        // Alt with ], P, [ and O begin sequences that never end.
        for begun in ["\x1b]", "\x1bP", "\x1b[", "\x1bO", "\x1b[20"] {
            let (reader, mut writer) = io::pipe().unwrap();
            let mut keyboard = Keyboard::new();
            writer.write_all(begun.as_bytes()).unwrap();
            assert_eq!(keyboard.next_from(reader.as_fd(), Some(PATIENCE * 3)).unwrap(), None, "{begun:?}");
            writer.write_all(b"q").unwrap();
            assert_eq!(
                keyboard.next_from(reader.as_fd(), None).unwrap(),
                Some(Input::Key(Key::Char('q'))),
                "{begun:?}"
            );
        }
    }
}
