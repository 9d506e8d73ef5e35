//! `audit`: every check there is, on files and folders.

use super::input::Input;

/// Arguments of `audit`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  h4inspect audit clip.h4mk
  h4inspect audit media/ --fail-on warning
  find . -name '*.h4mk' -newer last | h4inspect audit --files-from - --format ndjson")]
pub struct Args {
    /// Containers, and folders to search for *.h4mk; - is standard input
    #[arg(value_name = "PATH", required_unless_present = "files_from", value_hint = clap::ValueHint::AnyPath)]
    pub paths: Vec<Input>,
    /// How to write the results
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Read more paths from this file, one a line; - is standard input
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub files_from: Option<Input>,
    /// Files audited at a time [default: one a processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Least severity that makes the exit status 1
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t)]
    pub fail_on: FailOn,
}

/// How an audit is reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "lower")]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One array.
    Json,
    /// One object a line, as soon as it is known.
    Ndjson,
}

/// What an audit fails on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum FailOn {
    /// Errors.
    #[default]
    Error,
    /// Warnings and errors.
    Warning,
    /// No finding; files that can't be read still count.
    Never,
}
