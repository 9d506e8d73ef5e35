//! The command line: arguments in, exit status out. One file a command, over what all of them share.

use std::ffi::OsString;

pub mod args;
pub mod audit;
pub mod block;
pub mod chunks;
pub mod color;
pub mod completions;
pub mod hex;
pub mod info;
pub mod input;
pub mod man;
pub mod manifest;
pub mod messages;
pub mod output;
pub mod pack;
pub mod render;
pub mod seek;
pub mod settings;
pub mod size;
pub mod status;
pub mod unpack;
pub mod verify;

use crate::core::codec::external;
use args::{Cli, Command};
use settings::Settings;
use status::Status;

/// What a command runs with: the settings, and the status it has come to so far.
#[derive(Debug)]
pub struct Session {
    /// Global options and environment.
    pub settings: Settings,
    status: Status,
}

impl Session {
    /// A session in which nothing has gone wrong yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, status: Status::Done }
    }

    /// Lets the run end with `status`, unless something weightier comes up. To be called before the output that could
    /// find its reader gone.
    pub fn raise(&mut self, status: Status) {
        self.status = self.status.and(status);
    }

    /// What the run has come to.
    pub fn status(&self) -> Status {
        self.status
    }
}

/// Runs the program: `args` begin with its name, `env` looks up an environment variable.
pub fn run(args: impl IntoIterator<Item = OsString>, env: impl Fn(&str) -> Option<OsString>) -> Status {
    let args: Vec<OsString> = args.into_iter().collect();
    // Not in the help: this is how the program runs the vendor's library apart from itself.
    if let [_, command, library] = args.as_slice()
        && command == external::HOST_COMMAND
    {
        return if external::host(library).is_ok() { Status::Done } else { Status::Unreadable };
    }
    match args::parse(args) {
        Ok(cli) => execute(cli, env),
        Err(error) => {
            // Help into a closed pipe is no failure.
            _ = error.print();
            if error.exit_code() == 0 { Status::Done } else { Status::Usage }
        }
    }
}

fn execute(cli: Cli, env: impl Fn(&str) -> Option<OsString>) -> Status {
    let (mut status, outcome) = match &cli.command {
        Some(Command::Completions(args)) => (Status::Done, completions::run(args)),
        Some(Command::Man) => (Status::Done, man::run()),
        _ => match Settings::resolve(&cli.global, env) {
            Ok(settings) => {
                let mut session = Session::new(settings);
                let outcome = dispatch(cli, &mut session);
                (session.status(), outcome)
            }
            Err(error) => (Status::Usage, Err(error)),
        },
    };
    if let Err(error) = outcome
        && !status::is_closed_pipe(&error)
    {
        messages::say(format_args!("{error:#}"));
        status = status.and(status::of(&error));
    }
    status
}

fn dispatch(_cli: Cli, _session: &mut Session) -> anyhow::Result<()> {
    Err(Status::Usage.error("this command needs the core"))
}
