//! The command line: arguments in, exit status out. One file a command, over what all of them share.

use crate::report::style::Paint;
use args::{Cli, Command};
use h4mk::codec::external;
use input::Input;
use session::Session;
use settings::Settings;
use status::Status;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};

pub mod args;

pub mod audit;

pub mod block;

pub mod chunks;

pub mod color;

pub mod completions;

mod block_output;

pub mod diff;

pub mod explain;

mod files;

mod folder;

pub mod hex;

pub mod info;

pub mod input;

mod integrity;

pub mod man;

pub mod manifest;

pub mod messages;

mod open;

pub mod output;

pub mod pack;

pub mod render;

pub mod salvage;

mod screen;

pub mod seek;

pub mod session;
pub mod settings;

mod settle;

pub mod shard;

pub mod status;

pub mod unpack;

pub mod verify;

/// Runs the program: `args` begin with its name, `env` looks up an environment variable. Where standard output is closed,
/// there is nothing that could be done.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    env: impl Fn(&str) -> Option<OsString>,
    stdout_is_closed: bool,
) -> Status {
    let args: Vec<OsString> = args.into_iter().collect();
    // Not in the help: this is how the program runs the vendor's library apart from itself.
    if let [_, command, rest @ ..] = args.as_slice()
        && command == external::HOST_COMMAND
        && !rest.is_empty()
    {
        return if external::host(rest.iter().cloned()).is_ok() { Status::Done } else { Status::Unreadable };
    }
    match args::parse(args) {
        Err(error) if error.use_stderr() => {
            // Whoever closed standard error does not want to hear it.
            _ = error.print();
            Status::Usage
        }
        Ok(cli) => execute(cli, env, stdout_is_closed),
        Err(_) if stdout_is_closed => say_closed(),
        Err(error) => {
            let printed = error.print().and_then(|()| io::stdout().flush());
            match printed {
                Err(failure) if failure.kind() != io::ErrorKind::BrokenPipe => {
                    messages::warn("standard output", failure);
                    Status::Unreadable
                }
                // Help into a closed pipe is no failure.
                _ => Status::Done,
            }
        }
    }
}

/// Refuses to work for nobody.
fn say_closed() -> Status {
    messages::warn("standard output", "it is closed, so nothing can be written to it");
    Status::Unreadable
}

fn execute(cli: Cli, env: impl Fn(&str) -> Option<OsString>, stdout_is_closed: bool) -> Status {
    let (mut status, outcome) = match &cli.command {
        Some(Command::Completions(_) | Command::Man) if stdout_is_closed => return say_closed(),
        Some(Command::Completions(shell)) => (Status::Done, completions::run(shell, &args::command())),
        Some(Command::Man) => (Status::Done, man::run()),
        _ => match Settings::resolve(&cli.global, &env) {
            Ok(_) if stdout_is_closed => return say_closed(),
            Ok(settings) => {
                if let Some(lack) = settings.core_library.as_ref().and_then(|_| external::unconfined()) {
                    messages::warn("core library", lack);
                }
                let colored = color::is_colored(settings.color, &env, io::stdout().is_terminal());
                let mut session = Session::new(settings, Paint { colored });
                let outcome = dispatch(cli, &mut session, &env);
                (session.status(), outcome)
            }
            Err(error) => (Status::Usage, Err(error)),
        },
    };
    if let Err(error) = outcome
        && !status::is_closed_pipe(&error)
    {
        messages::say(status::describe(&error));
        status = status.and(status::of(&error));
    }
    status
}

fn dispatch(cli: Cli, session: &mut Session, env: &impl Fn(&str) -> Option<OsString>) -> anyhow::Result<()> {
    let (other, follow) = (cli.diff, cli.follow);
    match (cli.command, cli.file) {
        (Some(Command::Info(args)), _) => info::run(&args, session),
        (Some(Command::Chunks(args)), _) => chunks::run(&args, session),
        (Some(Command::Manifest(args)), _) => manifest::run(&args, session),
        (Some(Command::Seek(args)), _) => seek::run(&args, session),
        (Some(Command::Block(args)), _) => block::run(&args, session),
        (Some(Command::Unpack(args)), _) => unpack::run(&args, session),
        (Some(Command::Hex(args)), _) => hex::run(&args, session),
        (Some(Command::Verify(args)), _) => verify::run(&args, session),
        (Some(Command::Audit(args)), _) => audit::run(&args, session, env),
        (Some(Command::Diff(args)), _) => diff::run(&args, session),
        (Some(Command::Salvage(args)), _) => salvage::run(&args, session),
        (Some(Command::Pack(args)), _) => pack::run(&args, session),
        (Some(Command::Explain(args)), _) => explain::run(&args, session),
        (Some(Command::Completions(shell)), _) => completions::run(&shell, &args::command()),
        (Some(Command::Man), _) => man::run(),
        (Some(Command::Render(args)), _) => render::run(&args, session),
        (None, Some(file)) => view(file, other, follow, session, env),
        (None, None) => Ok(()),
    }
}

/// A file without a command: in the TUI where there is a terminal, else what `info` says, or of two files `diff`.
fn view(
    file: Input,
    other: Option<Input>,
    follow: bool,
    session: &mut Session,
    env: &impl Fn(&str) -> Option<OsString>,
) -> anyhow::Result<()> {
    if io::stdin().is_terminal() && io::stdout().is_terminal() && file.path().is_some_and(|path| !path.is_dir()) {
        return screen::run(&file, other.as_ref(), follow, session, env);
    }
    if follow {
        return Err(Status::Usage.error("--follow shows a file in the terminal: input and output must be a terminal"));
    }
    if let Some(other) = other {
        return diff::run(&diff::Args { before: file, after: other, json: false }, session);
    }
    match file.path().filter(|path| path.is_dir()) {
        Some(folder) => folder::run(folder, session),
        None => info::run(&info::Args { file, json: false, check: false }, session),
    }
}
