//! The command line: every command, in the order the help shows them.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use super::input::Input;
use super::settings::GlobalArgs;
use super::{
    audit, block, chunks, completions, diff, explain, hex, info, manifest, pack, render, salvage, seek, unpack, verify,
};
use h4mk::text;

/// The program's name.
pub const NAME: &str = env!("CARGO_PKG_NAME");

/// What every `--help` ends with, and the manual too: title and text.
pub const SECTIONS: [(&str, &str); 2] = [("Exit status", EXIT_STATUS), ("Environment", ENVIRONMENT)];

const EXIT_STATUS: &str = "  0  done; nothing found at or above --fail-on
  1  findings, or the requested content is not available
  2  usage
  3  the file can't be read or isn't an H4MK container
  4  not fully verified: a limit stopped a check, or there is no VERI
When several apply, the first of 2, 3, 1, 4, 0 wins.";

const ENVIRONMENT: &str = "  H4_SHARED_SECRET          shared secret of encrypted blocks, in hex
  H4_MASK_KEY               master key of masked blocks, in hex
  HARMONY4_CORE_PATH        same as --core-lib
  HARMONY4_ENGINE_ID        engine id that the core library must have
  HARMONY4_ENGINE_FP        fingerprint that the core library must have, in hex
  HARMONY_MAX_BLOCK_SIZE    same as --max-block-size
  HARMONY_CACHE_MB          same as --cache-mb
  HARMONY_VERIFY_INTEGRITY  1: commands that output content verify VERI first
  H4INSPECT_THEME           dark or light: the terminal background; default: COLORFGBG
  NO_COLOR, CLICOLOR_FORCE  no colours; colours even in a pipe
An option overrides its variable.";

/// Inspector and auditor for H4MK media containers
///
/// Without a command, opens FILE in the terminal. If input or output isn't a terminal, prints what `info` prints, or
/// for a folder one line for each container.
#[derive(Debug, Clone, Parser)]
#[command(version, max_term_width = 100, subcommand_negates_reqs = true, arg_required_else_help = true)]
#[command(
    subcommand_help_heading = "Commands",
    override_usage = "h4inspect [OPTIONS] FILE\n       h4inspect [OPTIONS] COMMAND"
)]
#[command(after_help = "\
Examples:
  h4inspect clip.h4mk
  h4inspect clip.h4mk --diff other.h4mk
  h4inspect audit media/ --format ndjson
  h4inspect seek clip.h4mk 00:01:02.500")]
pub struct Cli {
    /// Container or folder to open; - is standard input, ./info is a file named like a command
    #[arg(required = true, value_hint = clap::ValueHint::AnyPath)]
    pub file: Option<Input>,
    /// Compare FILE with this container; without a terminal, print what `diff` prints
    #[arg(long, value_name = "OTHER", value_hint = clap::ValueHint::FilePath)]
    pub diff: Option<Input>,
    /// Follow FILE as it grows; only in the terminal
    #[arg(long)]
    pub follow: bool,
    /// What to do instead
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of all commands.
    #[command(flatten)]
    pub global: GlobalArgs,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Show layout, size, blocks, duration, compression, SEEK and VERI on one screen
    Info(info::Args),
    /// List the chunks with their offsets, lengths and CRCs
    Chunks(chunks::Args),
    /// Write the compatibility layer's manifest as JSON
    Manifest(manifest::Args),
    /// Find the keyframe at or before a time, and the block it leads to
    Seek(seek::Args),
    /// Write the bytes of one block
    Block(block::Args),
    /// Write all blocks in order, or one chunk's payload
    Unpack(unpack::Args),
    /// Dump the file, a chunk or a block as hex
    Hex(hex::Args),
    /// Recompute VERI and compare
    Verify(verify::Args),
    /// Run every check, on files and folders
    Audit(audit::Args),
    /// Compare two containers by content
    Diff(diff::Args),
    /// Save the intact parts of a damaged container to a new one
    Salvage(salvage::Args),
    /// Make a transport container from raw bytes
    Pack(pack::Args),
    /// Draw the screen without a terminal, after playing keys
    Render(render::Args),
    /// Explain what a finding means and what to do about it
    Explain(explain::Args),
    /// Write completions for a shell
    Completions(completions::Args),
    /// Write the manual page
    Man,
}

impl Command {
    /// All inputs it names.
    fn inputs(&self) -> Vec<&Input> {
        match self {
            Self::Info(args) => vec![&args.file],
            Self::Chunks(args) => vec![&args.file],
            Self::Manifest(args) => args.files.iter().collect(),
            Self::Seek(args) => vec![&args.file],
            Self::Block(args) => vec![&args.file],
            Self::Unpack(args) => vec![&args.file],
            Self::Hex(args) => vec![&args.file],
            Self::Verify(args) => vec![&args.file],
            Self::Audit(args) => args.paths.iter().chain(&args.files_from).collect(),
            Self::Diff(args) => vec![&args.before, &args.after],
            Self::Salvage(args) => vec![&args.file],
            Self::Pack(args) => [&args.raw].into_iter().chain(&args.meta).chain(&args.safe).collect(),
            Self::Render(args) => [&args.file].into_iter().chain(&args.diff).collect(),
            Self::Explain(_) | Self::Completions(_) | Self::Man => Vec::new(),
        }
    }
}

/// The whole command line as clap knows it, for parsing, completions and the manual.
pub fn command() -> clap::Command {
    let tail = SECTIONS.map(|(title, text)| format!("{title}:\n{text}")).join("\n\n");
    let with_tail = |command: clap::Command| {
        let examples = command.get_after_help().map(|examples| format!("{examples}\n\n")).unwrap_or_default();
        command.after_long_help(format!("{examples}{tail}"))
    };
    with_tail(Cli::command()).mut_subcommands(with_tail)
}

/// Parses the arguments, the program's name first; clap's errors include requests for help and version.
///
/// What an error repeats of the arguments can't steer the terminal it is written to.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let args: Vec<OsString> = args.into_iter().collect();
    let escaped: Vec<OsString> = args.iter().map(|arg| text::escape_bytes(arg.as_encoded_bytes()).into()).collect();
    match parse_as_given(args.iter().cloned()) {
        // clap styles its messages with escape sequences of its own, so an argument's can't be told from them afterwards.
        Err(error) if error.use_stderr() && escaped != args => Err(parse_as_given(escaped)
            .err()
            .unwrap_or_else(|| command().error(error.kind(), "an argument holds bytes that can't be shown"))),
        result => result,
    }
}

fn parse_as_given(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let args: Vec<OsString> = args.into_iter().collect();
    let mut command = command();
    let matches = command.try_get_matches_from_mut(&args).map_err(|error| mistyped(&args).unwrap_or(error))?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    if let (Some(_), Some(file)) = (&cli.command, &cli.file) {
        let message = format!("a command can't follow a file; write options, then the command, then the file {file}");
        return Err(command.error(ErrorKind::ArgumentConflict, message));
    }
    if cli.command.is_some() && cli.diff.is_some() {
        return Err(command
            .error(ErrorKind::ArgumentConflict, "--diff works only without a command; the command is `diff A B`"));
    }
    if cli.command.is_some() && cli.follow {
        return Err(command.error(ErrorKind::ArgumentConflict, "--follow works only without a command"));
    }
    let inputs = match &cli.command {
        Some(command) => command.inputs(),
        None => cli.file.iter().chain(&cli.diff).collect(),
    };
    if inputs.into_iter().filter(|input| **input == Input::Stdin).count() > 1 {
        return Err(command.error(ErrorKind::ArgumentConflict, "standard input (-) can be read only once"));
    }
    Ok(cli)
}

/// What was meant, where more follows a file, or what is neither a command nor a file.
fn mistyped(args: &[OsString]) -> Option<clap::Error> {
    let (first, more) = args.get(1..)?.split_first()?;
    let first = first.to_str().filter(|first| !first.starts_with('-') && !more.is_empty())?;
    let mut command = command();
    if command.find_subcommand(first).is_some() {
        return None;
    }
    if std::path::Path::new(first).exists() {
        let another = more.first().is_some_and(|next| !next.as_encoded_bytes().starts_with(b"-"));
        let message =
            "only one file can be opened at a time; `h4inspect diff A B` and `h4inspect A --diff B` compare two";
        return another.then(|| command.error(ErrorKind::UnknownArgument, message));
    }
    let names = command.get_subcommands().map(|command| command.get_name().to_owned());
    let likeness = |name: &String| strsim::jaro_winkler(name, first);
    let nearest = names.max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|name| likeness(name) > 0.7);
    let meant = nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
    let message = format!("`{first}` is neither a command nor a file{meant}");
    Some(command.error(ErrorKind::InvalidSubcommand, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::settings::MeaningChoice;
    use h4mk::time::Time;

    fn parsed(line: &str) -> Result<Cli, ErrorKind> {
        let args = [NAME].into_iter().chain(line.split_whitespace());
        parse(args.map(OsString::from)).map_err(|error| error.kind())
    }

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn a_file_alone_is_opened_whatever_its_name() {
        for (line, file) in [("clip.h4mk", "clip.h4mk"), ("./info", "./info"), ("-", "-"), ("infos", "infos")] {
            let cli = parsed(line).unwrap();
            assert_eq!(cli.file, Some(Input::from(OsString::from(file))));
            assert!(cli.command.is_none());
        }
    }

    #[test]
    fn a_mistyped_command_is_named_with_the_one_it_is_like() {
        let said = |line: &str| {
            let args = [NAME].into_iter().chain(line.split_whitespace());
            parse(args.map(OsString::from)).unwrap_err().to_string()
        };
        assert!(said("inof a").contains("`inof` is neither a command nor a file; did you mean `info`?"));
        assert!(said("adit --jobs 3 a").contains("did you mean `audit`?"));
        assert!(said("zzz a").contains("`zzz` is neither a command nor a file\n"));
        assert!(said("Cargo.toml a").contains("`h4inspect diff A B`"), "a file");
        assert!(said("--jsno a").contains("unexpected argument '--jsno'"));
        assert!(said("info --jsno a").contains("unexpected argument '--jsno'"));
    }

    #[test]
    fn global_options_stand_before_and_after_the_command() {
        for line in ["--meaning index info a", "info --meaning index a", "info a --meaning index", "--meaning index a"]
        {
            assert_eq!(parsed(line).unwrap().global.meaning, Some(MeaningChoice::Index), "{line}");
        }
    }

    #[test]
    fn times_of_every_form_reach_the_command() {
        for (text, time) in [("1.5s", Time::Us(1_500_000)), ("50%", Time::Percent(50.0)), ("#30", Time::Block(30))] {
            let Some(Command::Seek(args)) = parsed(&format!("seek a {text}")).unwrap().command else { panic!() };
            assert_eq!(args.time, time);
        }
    }

    #[test]
    fn errors_repeat_no_control_characters() {
        let osc = "\u{1b}]0;title\u{7}\u{1b}[31m\u{9b}1m\u{202e}";
        for line in [
            vec!["block", "a", osc],
            vec!["seek", "a", osc],
            vec!["a", osc],
            vec!["info", "a", &format!("--{osc}")],
            vec!["--meaning", osc, "a"],
            vec!["render", "a", "--keys", &format!("<{osc}>")],
            vec![osc, "info", "a"],
        ] {
            let args = [NAME].iter().chain(&line).map(OsString::from);
            let message = parse(args).unwrap_err().render().ansi().to_string();
            let shown = message.replace("\u{1b}[0m", "").replace("\u{1b}[1m", "").replace("\u{1b}[4m", "");
            assert!(!shown.contains(osc) && !shown.contains('\u{7}') && !shown.contains('\u{202e}'), "{shown:?}");
            assert!(!shown.contains("\u{1b}]"), "{shown:?}");
        }
        let file = parse([NAME, osc].map(OsString::from)).unwrap().file;
        assert_eq!(file, Some(Input::from(OsString::from(osc))), "what is no error is taken as it is");
    }

    #[test]
    fn keys_may_begin_with_any_character() {
        for keys in ["-", "-+3", "-q", "=1"] {
            let Some(Command::Render(_)) = parsed(&format!("render a --keys {keys}")).unwrap().command else {
                panic!()
            };
        }
    }

    #[test]
    fn contradictions_are_refused() {
        for (line, kind) in [
            ("", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
            ("--color never", ErrorKind::MissingRequiredArgument),
            ("a.h4mk info b.h4mk", ErrorKind::ArgumentConflict),
            ("hex a --block 1 --offset 2", ErrorKind::ArgumentConflict),
            ("hex a --raw", ErrorKind::MissingRequiredArgument),
            ("unpack a", ErrorKind::MissingRequiredArgument),
            ("audit", ErrorKind::MissingRequiredArgument),
            ("manifest - -", ErrorKind::ArgumentConflict),
            ("audit - --files-from -", ErrorKind::ArgumentConflict),
            ("pack - --out x --meta -", ErrorKind::ArgumentConflict),
            ("diff - -", ErrorKind::ArgumentConflict),
            ("- --diff -", ErrorKind::ArgumentConflict),
            ("--diff a info b", ErrorKind::ArgumentConflict),
            ("--follow info a", ErrorKind::ArgumentConflict),
            ("--diff a", ErrorKind::MissingRequiredArgument),
            ("diff a", ErrorKind::MissingRequiredArgument),
            ("salvage a", ErrorKind::MissingRequiredArgument),
            ("seek a -5", ErrorKind::ValueValidation),
            ("unpack a --out b --jobs 0", ErrorKind::ValueValidation),
            ("info a --cache-mb lots", ErrorKind::ValueValidation),
            ("info a --meaning byte", ErrorKind::InvalidValue),
            ("info a b", ErrorKind::UnknownArgument),
        ] {
            assert_eq!(parsed(line).unwrap_err(), kind, "{line}");
        }
    }
}
