//! The program: parse the command line, run it, exit with its status.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(unix)]
    survive_file_limits();
    h4inspect::cli::run(std::env::args_os(), |name| std::env::var_os(name)).into()
}

/// A file that would grow past the limit of the process (`ulimit -f`) becomes a failure to write, as on a full disk, and
/// does not end the program with what it was writing left behind. The signal is caught, not ignored: programs that are
/// started from here get it as usual.
#[cfg(unix)]
fn survive_file_limits() {
    // Without it, only the tidying up is lost.
    _ = signal_hook::flag::register(libc::SIGXFSZ, std::sync::Arc::default());
}
