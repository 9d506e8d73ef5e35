//! The program: parse the command line, run it, exit with its status.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

fn main() -> ExitCode {
    #[cfg(unix)]
    survive_file_limits();
    let closed = STDOUT_IS_CLOSED.load(Ordering::Relaxed);
    h4inspect::cli::run(std::env::args_os(), |name| std::env::var_os(name), closed).into()
}

/// Standard output was closed, or open for reading only, when the program began.
static STDOUT_IS_CLOSED: AtomicBool = AtomicBool::new(false);

#[cfg(unix)]
ctor::declarative::ctor! {
    /// Runs before `main`, since the runtime opens /dev/null in the place of a closed descriptor, and takes the failure to
    /// write to one that is not open for writing for success.
    #[ctor(unsafe)]
    fn look_at_stdout() {
        use rustix::fs::{OFlags, fcntl_getfl};
        let mode = fcntl_getfl(rustix::stdio::stdout()).map(|flags| flags & OFlags::RWMODE);
        let closed = mode.is_err() || mode == Ok(OFlags::RDONLY);
        STDOUT_IS_CLOSED.store(closed, Ordering::Relaxed);
    }
}

/// A file that would grow past the limit of the process (`ulimit -f`) becomes a failure to write, as on a full disk, and
/// does not end the program with what it was writing left behind. The signal is caught, not ignored: programs that are
/// started from here get it as usual.
#[cfg(unix)]
fn survive_file_limits() {
    // Without it, only the tidying up is lost.
    _ = signal_hook::flag::register(libc::SIGXFSZ, std::sync::Arc::default());
}
