//! `completions`: what shells need to complete the command line.

use std::io::Write;

use clap_complete::Shell;

use super::args;
use super::output::Output;

/// Arguments of `completions`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  h4inspect completions bash > ~/.local/share/bash-completion/completions/h4inspect
  h4inspect completions fish > ~/.config/fish/completions/h4inspect.fish")]
pub struct Args {
    /// The shell to write for
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Writes the completions of a shell.
pub fn run(args: &Args) -> anyhow::Result<()> {
    // clap_complete panics where it can't write, so it gets memory.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::command(), args::NAME, &mut script);
    let mut out = Output::stdout();
    out.write_all(&script)?;
    out.finish()
}
