//! The program in a real pseudo-terminal: it opens, obeys keys, and gives the terminal back however it ends.
#![cfg(unix)]

use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long a screen may take to come, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    modes: String,
}

fn screen() -> vt100::Parser {
    vt100::Parser::new(30.try_into().unwrap(), 100.try_into().unwrap(), 0)
}

fn modes(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios())
}

impl Terminal {
    fn open(args: &[&str]) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_h4inspect"));
        command.args(args);
        command.cwd(Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data"));
        Self::run(command)
    }

    /// Runs a command in a terminal of its own.
    pub(crate) fn run(mut command: CommandBuilder) -> Self {
        let size = PtySize { rows: 30, cols: 100, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        let modes = modes(&*pair.master);
        let child = pair.slave.spawn_command(command).unwrap();
        let keys = pair.master.take_writer().unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (send, output) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut bytes) {
                if send.send(bytes[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { master: pair.master, child, keys, output, screen: screen(), modes }
    }

    /// What the screen shows.
    pub(crate) fn contents(&self) -> String {
        self.screen.screen().contents()
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits until the screen holds the text.
    pub(crate) fn expect(&mut self, text: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.screen.screen().contents().contains(text) {
            let left = until.saturating_duration_since(Instant::now());
            let bytes = self.output.recv_timeout(left);
            let bytes = bytes.unwrap_or_else(|_| panic!("no {text:?} on\n{}", self.screen.screen().contents()));
            self.screen.process(&bytes);
        }
    }

    /// Waits for the end, and checks that the terminal is as it was.
    fn ended(mut self) -> portable_pty::ExitStatus {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(200)) {
            self.screen.process(&bytes);
        }
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is left");
        assert!(!screen.hide_cursor(), "the cursor is back");
        assert!(!screen.bracketed_paste(), "paste is not bracketed any more");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is free");
        assert_eq!(self.modes, modes(&*self.master), "input is cooked and echoed as before");
        status
    }
}

#[test]
fn it_opens_jumps_and_leaves() {
    let mut terminal = Terminal::open(&["demo.h4mk"]);
    terminal.expect("360 blocks");
    terminal.press("t7.5s\r");
    terminal.expect("c goes to keyframe 210, entry 7 at 6999930 us");
    terminal.press("?");
    terminal.expect("jump to a time");
    terminal.press("?q");
    assert!(terminal.ended().success());
}

#[test]
fn a_file_that_is_being_written_is_followed_until_it_shrinks() {
    let whole = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/demo.h4mk")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.h4mk");
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let mut terminal = Terminal::open(&["--follow", path.to_str().unwrap()]);
    terminal.expect("following");
    terminal.expect(" blocks");
    assert!(!terminal.screen.screen().contents().contains("360 blocks"));
    let mut writer = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    writer.write_all(&whole[whole.len() / 2..]).unwrap();
    terminal.expect("360 blocks");
    writer.set_len(1000).unwrap();
    terminal.expect("the file shrank from");
    terminal.expect("file changed");
    terminal.press("q");
    assert!(terminal.ended().success());
}

#[test]
fn ctrl_c_leaves_from_anywhere() {
    let mut terminal = Terminal::open(&["damaged.h4mk"]);
    terminal.expect("damaged.h4mk");
    terminal.press(":\x03");
    assert!(terminal.ended().success());
}

#[test]
fn sigterm_leaves_the_terminal_as_it_was() {
    let mut terminal = Terminal::open(&["demo.h4mk"]);
    terminal.expect("demo.h4mk");
    let pid = terminal.child.process_id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let status = terminal.ended();
    assert!(status.signal().is_some(), "it ends as the signal demands: {status:?}");
}

#[test]
fn what_is_no_container_needs_no_screen() {
    let mut terminal = Terminal::open(&["README.md"]);
    terminal.expect("not an H4MK container");
    assert_eq!(terminal.ended().exit_code(), 3);
}
