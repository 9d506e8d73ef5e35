//! What goes to standard error: warnings, errors, and one line of progress while somebody watches.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::report::short_size;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use h4mk::task::Task;
use h4mk::text;

/// Time between two drawings of the progress line, and before the first: what is done sooner needs none.
const TICK: Duration = Duration::from_millis(200);
const ERASE_LINE: &str = "\r\x1b[K";
const FALLBACK_COLUMNS: u16 = 80;

/// A progress line is on the screen, and a message has to take its place.
static LINE_IS_DRAWN: AtomicBool = AtomicBool::new(false);

/// `h4inspect: SUBJECT: message`, where the subject is the file or variable concerned.
pub fn warn(subject: impl Display, message: impl Display) {
    say(format_args!("{subject}: {message}"));
}

/// `h4inspect: message`.
pub fn say(message: impl Display) {
    let message = message.to_string();
    let mut stderr = io::stderr().lock();
    let erase = if LINE_IS_DRAWN.swap(false, Ordering::Relaxed) { ERASE_LINE } else { "" };
    // Whoever closed standard error does not want to hear it.
    _ = writeln!(stderr, "{erase}h4inspect: {}", text::escape(&message));
}

/// Shows a task's progress on standard error, if that is a terminal, until it is dropped.
#[derive(Debug)]
#[must_use = "dropping it ends the display"]
pub struct Progress(Option<(mpsc::Sender<()>, JoinHandle<()>)>);

/// How far something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// A verb and a file.
    pub label: String,
    /// Bytes done.
    pub done: u64,
    /// Bytes in all; 0 where that is not known.
    pub total: u64,
}

impl Progress {
    /// Begins to show `task`, which counts in bytes, as `label` (a verb and a file).
    pub fn start(label: impl Display, task: Arc<Task>) -> Self {
        let label = label.to_string();
        Self::watch(move || {
            let (done, total) = task.progress();
            Snapshot { label: label.clone(), done, total }
        })
    }

    /// Begins to show what `look` sees.
    pub fn watch(look: impl Fn() -> Snapshot + Send + 'static) -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if is_dumb || !io::stderr().is_terminal() {
            return Self(None);
        }
        let (stop, stopped) = mpsc::channel();
        let draw = move || {
            let start = Instant::now();
            while stopped.recv_timeout(TICK) == Err(mpsc::RecvTimeoutError::Timeout) {
                let columns = crossterm::terminal::size().map_or(FALLBACK_COLUMNS, |(columns, _)| columns);
                let Snapshot { label, done, total } = look();
                let label = text::escape(&label);
                let line = progress_line(&label, done, total, start.elapsed(), columns.saturating_sub(1).into());
                LINE_IS_DRAWN.store(true, Ordering::Relaxed);
                _ = write!(io::stderr().lock(), "{ERASE_LINE}{line}");
            }
            if LINE_IS_DRAWN.swap(false, Ordering::Relaxed) {
                _ = write!(io::stderr().lock(), "{ERASE_LINE}");
            }
        };
        // Without a thread to spare the work still gets done, only unseen.
        Self(std::thread::Builder::new().name("progress".into()).spawn(draw).ok().map(|thread| (stop, thread)))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            drop(stop);
            _ = thread.join();
        }
    }
}

/// ` 45 %  1.2 GiB of 2.6 GiB  830 MiB/s  audit a.h4mk`, cut to `columns`. A total of 0 is one that is not known.
fn progress_line(label: &str, done: u64, total: u64, elapsed: Duration, columns: usize) -> String {
    let rate = (u128::from(done) * 1000 / elapsed.as_millis().max(1)).try_into().unwrap_or(u64::MAX);
    let rate = short_size(rate);
    let line = if total == 0 {
        format!("{}  {rate}/s  {label}", short_size(done))
    } else {
        let percent = u128::from(done.min(total)) * 100 / u128::from(total);
        let (done, total) = (short_size(done), short_size(total));
        format!("{percent:3} %  {done} of {total}  {rate}/s  {label}")
    };
    cut(line, columns)
}

/// The leading graphemes that fit `columns`.
fn cut(mut line: String, columns: usize) -> String {
    let mut used = 0;
    let end = line.grapheme_indices(true).find_map(|(at, grapheme)| {
        used += grapheme.width();
        (used > columns).then_some(at)
    });
    line.truncate(end.unwrap_or(line.len()));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_share_amount_rate_and_what_it_is() {
        let line = |done, total, columns| progress_line("audit a.h4mk", done, total, Duration::from_secs(2), columns);
        assert_eq!(line(500 << 20, 2000 << 20, 80), " 25 %  500 MiB of 2.0 GiB  250 MiB/s  audit a.h4mk");
        assert_eq!(line(3 << 10, 0, 80), "3 KiB  1.5 KiB/s  audit a.h4mk");
        assert_eq!(line(7, 5, 12), "100 %  7 B o");
    }

    #[test]
    fn the_extremes_are_counted_too() {
        let line = progress_line("", u64::MAX, u64::MAX, Duration::ZERO, 200);
        assert!(line.starts_with("100 %"), "{line}");
    }

    #[test]
    fn a_cut_never_splits_a_wide_character() {
        assert_eq!(cut("ab日本".into(), 5), "ab日");
        assert_eq!(cut("e\u{301}x".into(), 1), "e\u{301}");
        assert_eq!(cut("abc".into(), 3), "abc");
        assert_eq!(cut("abc".into(), 0), "");
    }
}
