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
        Self::with(|command| command.args(args))
    }

    fn with(prepare: impl FnOnce(&mut CommandBuilder)) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_h4inspect"));
        prepare(&mut command);
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
    terminal.expect("go to a time");
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

/// The program on a terminal that nobody reads but the test, of which it is no session's: only what it is told itself ends
/// it.
struct Unread {
    child: std::process::Child,
    master: Option<Box<dyn MasterPty + Send>>,
    modes: String,
}

impl Unread {
    fn open(rows: u16, cols: u16, prepare: impl FnOnce(&mut std::process::Command)) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let slave = pair.master.tty_name().unwrap();
        let open = || std::fs::OpenOptions::new().read(true).write(true).open(&slave).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_h4inspect"));
        command.arg("demo.h4mk").current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data"));
        command.env_clear().env("TERM", "xterm-256color").env("LANG", "C.UTF-8");
        prepare(&mut command);
        let modes = modes(&*pair.master);
        let child = command.stdin(open()).stdout(open()).stderr(open()).spawn().unwrap();
        Self { child, master: Some(pair.master), modes }
    }

    fn modes(&self) -> String {
        modes(&**self.master.as_ref().unwrap())
    }

    /// Waits until it has taken the terminal over.
    fn taken(&self) {
        let until = Instant::now() + PATIENCE;
        while self.modes() == self.modes {
            assert!(Instant::now() < until, "it does not begin");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn signal(&self, name: &str) {
        let kill = std::process::Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
    }

    /// The signal that ended it.
    fn ended_by(&mut self) -> Option<i32> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return std::os::unix::process::ExitStatusExt::signal(&status);
            }
            if Instant::now() > until {
                self.child.kill().unwrap();
                panic!("it does not end");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn one_signal_ends_it_even_if_nobody_reads_its_output() {
    for (name, number) in [("-TERM", libc::SIGTERM), ("-HUP", libc::SIGHUP), ("-INT", libc::SIGINT)] {
        // A frame is longer than what a pseudo-terminal holds.
        let mut unread = Unread::open(300, 900, |_| ());
        unread.taken();
        std::thread::sleep(Duration::from_millis(700));
        unread.signal(name);
        assert_eq!(unread.ended_by(), Some(number));
        assert_eq!(unread.modes, unread.modes(), "input is cooked and echoed as before");
    }
}

#[test]
fn a_terminal_that_is_gone_ends_it_by_the_signal_of_that() {
    // While it waits for keys, while it is stuck in a write, and before it has drawn anything.
    for (rows, cols, wait) in [(30, 100, 700), (300, 900, 700), (30, 100, 0)] {
        let mut unread = Unread::open(rows, cols, |_| ());
        unread.taken();
        std::thread::sleep(Duration::from_millis(wait));
        unread.master = None;
        assert_eq!(unread.ended_by(), Some(libc::SIGHUP), "{rows} rows after {wait} ms");
    }
}

#[test]
fn an_abort_leaves_the_terminal_as_it_was() {
    let mut terminal = Terminal::open(&["demo.h4mk"]);
    terminal.expect("360 blocks");
    let pid = terminal.child.process_id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-ABRT", &pid]).status().unwrap().success());
    let status = terminal.ended();
    assert!(status.signal().is_some(), "{status:?}");
}

#[test]
fn a_window_of_another_size_is_drawn_anew() {
    let mut terminal = Terminal::open(&["demo.h4mk"]);
    terminal.expect("360 blocks");
    terminal.master.resize(PtySize { rows: 10, cols: 20, pixel_width: 0, pixel_height: 0 }).unwrap();
    terminal.expect("1 Summary  2  3  4");
    terminal.press("q");
    assert!(terminal.ended().success());
}

/// Whether the text is anywhere in the memory of a process.
#[cfg(target_os = "linux")]
fn remembers(pid: u32, text: &[u8]) -> bool {
    use std::os::unix::fs::FileExt;

    let memory = std::fs::File::open(format!("/proc/{pid}/mem")).unwrap();
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let writable = maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|rights| rights.starts_with("rw")));
    let ranges = writable.filter_map(|line| line.split(' ').next()?.split_once('-'));
    ranges.map(|range| (range.0.to_owned(), range.1.to_owned())).any(|(start, end)| {
        let [start, end] = [start, end].map(|at| u64::from_str_radix(&at, 16).unwrap());
        let mut bytes = vec![0; (end - start) as usize];
        let read = memory.read_at(&mut bytes, start).unwrap_or(0);
        bytes[..read].windows(text.len()).any(|window| window == text)
    })
}

#[cfg(target_os = "linux")]
#[test]
fn a_pasted_key_is_wiped_everywhere() {
    const SECRET: &str = "6834696e7370656374277320656e637279707465642073616d706c652066696c";
    // Pasted at once, and by a terminal that doesn't say that it is.
    for (start, end) in [("\x1b[200~", "\x1b[201~"), ("", "")] {
        let mut terminal = Terminal::open(&["encrypted.h4mk"]);
        terminal.expect("blocks");
        terminal.press("E");
        terminal.expect("shared secret");
        terminal.press(&format!("{start}{SECRET}{end}"));
        terminal.expect("••••••••••••••••");
        let pid = terminal.child.process_id().unwrap();
        assert!(remembers(pid, SECRET.as_bytes()), "the prompt has it, and the test can see it");
        terminal.press("\r");
        terminal.expect("opens block 0");
        std::thread::sleep(Duration::from_millis(500));
        assert!(!remembers(pid, &SECRET.as_bytes()[..32]), "the first half");
        assert!(!remembers(pid, &SECRET.as_bytes()[32..]), "the second half");
        terminal.press("q");
        assert!(terminal.ended().success());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn it_works_with_the_threads_it_gets() {
    use crate::support::users::Ground;

    let ground = Ground::new();
    let Some(user) = ground.user else { return it_opens_jumps_and_leaves() };
    ground.sample("demo.h4mk");
    for threads in 1..5 {
        let script = format!(r#"ulimit -u {threads}; exec "$0" "$1""#);
        let mut terminal = Terminal::with(|command| {
            let user = user.to_string();
            *command = CommandBuilder::new("setpriv");
            command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "bash", "-c", &script]);
            command.args([ground.path("h4inspect"), ground.path("demo.h4mk")]);
        });
        terminal.expect("360 blocks");
        terminal.press("t7.5s\r");
        terminal.expect("block 225, plays at 7.5 s, decode from 210");
        terminal.press("6a");
        terminal.expect("nothing was found");
        terminal.press("q");
        assert!(terminal.ended().success(), "{threads} threads");
    }
}
