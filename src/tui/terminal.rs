//! The terminal itself: taken over at the start and given back whatever happens.

use std::io::{self, BufWriter, Stdout, Write, stdout};
use std::mem::ManuallyDrop;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use base64::Engine as _;
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{cursor, execute, queue, style};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use super::clip::Clip;
#[cfg(unix)]
use super::rescue;
use super::state::State;
use super::view;

/// Whether the terminal is taken over: it is given back once, by whoever comes first.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// What the main loop needs of a screen.
pub trait Surface {
    /// Draws the state, as one change that cannot be seen half done.
    fn draw(&mut self, state: &State) -> io::Result<()>;
    /// Takes the mouse or gives it back.
    fn capture_mouse(&mut self, on: bool) -> io::Result<()>;
    /// Puts text into the clipboard.
    fn copy(&mut self, clip: &Clip) -> io::Result<()>;
    /// Gives the terminal back for a while.
    fn release(&mut self) -> io::Result<()>;
    /// Takes the terminal over again, and forgets what is on it.
    fn retake(&mut self, mouse: bool) -> io::Result<()>;
}

/// The terminal on standard output. Dropping it gives the terminal back.
#[derive(Debug)]
pub struct Tty {
    /// Never dropped: that would show the cursor, which is done here, and panic where the terminal is gone.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<BufWriter<Stdout>>>>,
}

impl Tty {
    /// Takes the terminal over. From here on a panic gives it back before it is reported.
    pub fn take(mouse: bool) -> io::Result<Self> {
        // crossterm would drop attributes along with colours under NO_COLOR; the theme knows better.
        style::force_color_output(true);
        restore_on_panic();
        enter(mouse)?;
        let terminal = Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(1 << 16, stdout())));
        terminal.map(|terminal| Self { terminal: ManuallyDrop::new(terminal) }).inspect_err(|_| restore())
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        restore();
    }
}

impl Surface for Tty {
    fn draw(&mut self, state: &State) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| view::draw(state, frame))?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    fn capture_mouse(&mut self, on: bool) -> io::Result<()> {
        match on {
            true => execute!(self.terminal.backend_mut(), EnableMouseCapture),
            false => execute!(self.terminal.backend_mut(), DisableMouseCapture),
        }
    }

    fn copy(&mut self, clip: &Clip) -> io::Result<()> {
        // OSC 52: the terminal's own clipboard, which also works over ssh.
        let text = base64::engine::general_purpose::STANDARD.encode(clip.text());
        write!(self.terminal.backend_mut(), "\x1b]52;c;{text}\x07")?;
        io::Write::flush(self.terminal.backend_mut())
    }

    fn release(&mut self) -> io::Result<()> {
        restore();
        Ok(())
    }

    fn retake(&mut self, mouse: bool) -> io::Result<()> {
        // After a SIGSTOP the shell has changed the mode behind crossterm's back.
        _ = disable_raw_mode();
        enter(mouse)?;
        // Not `clear`, which asks the terminal for the cursor and waits for the thread that reads keys.
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }
}

fn enter(mouse: bool) -> io::Result<()> {
    #[cfg(unix)]
    {
        rescue::prepare();
        rescue::note(true);
    }
    TAKEN.store(true, Ordering::SeqCst);
    let enter = || {
        enable_raw_mode()?;
        execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
        if mouse { execute!(stdout(), EnableMouseCapture) } else { Ok(()) }
    };
    enter().inspect_err(|_| restore())
}

/// Gives the terminal back, if it is taken. Errors are ignored: there is nobody left to tell, as after a hang-up.
pub fn restore() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // First, since what follows waits where nobody reads the output.
        _ = disable_raw_mode();
        _ = execute!(
            stdout(),
            EndSynchronizedUpdate,
            DisableMouseCapture,
            DisableBracketedPaste,
            LeaveAlternateScreen,
            cursor::Show
        );
        #[cfg(unix)]
        rescue::note(false);
    }
}

/// A panic of this thread gives the terminal back and is then reported as before; one of a worker is reported as its
/// job's failure, and must not write over the screen.
fn restore_on_panic() {
    let main = thread::current().id();
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() == main {
            restore();
            report(info);
        } else if !TAKEN.load(Ordering::SeqCst) {
            report(info);
        }
    }));
}
