//! The program: parse the command line, run it, exit with its status.

use std::process::ExitCode;

fn main() -> ExitCode {
    h4inspect::cli::run(std::env::args_os(), |name| std::env::var_os(name)).into()
}
