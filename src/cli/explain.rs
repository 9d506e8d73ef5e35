//! `explain`: what a finding means and what to do.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command};

use super::output::Output;
use super::session::Session;
use crate::report::explain::{self, Explanation};
use h4mk::finding::Code;
use h4mk::text;

/// Arguments of `explain`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  h4inspect explain seek-unresolved
  h4inspect explain | grep ^veri")]
pub struct Args {
    /// Code of a finding, as in `audit`; without it, all codes are listed
    #[arg(value_parser = Codes, hide_possible_values = true)]
    pub code: Option<Code>,
}

/// Writes the explanation, or the list.
pub fn run(args: &Args, session: &Session) -> anyhow::Result<()> {
    let mut out = Output::stdout();
    match args.code {
        Some(code) => Explanation::of(code).write_text(&mut out, session.paint)?,
        None => explain::write_list(&mut out, session.paint)?,
    }
    out.finish()
}

/// Reads a code. An unknown one is answered with the nearest, not with all sixty.
#[derive(Debug, Clone)]
struct Codes;

impl TypedValueParser for Codes {
    type Value = Code;

    fn parse_ref(&self, command: &Command, _: Option<&Arg>, value: &OsStr) -> Result<Code, clap::Error> {
        let given = value.to_string_lossy();
        Code::from_name(&given).ok_or_else(|| {
            let likeness = |code: &&Code| strsim::jaro_winkler(code.name(), &given);
            let nearest = Code::ALL.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
            let meant = nearest.map(|code| format!("; did you mean `{code}`?")).unwrap_or_default();
            let message = format!("`{}` isn't the code of a finding{meant}", text::escape(&given));
            command.clone().error(ErrorKind::InvalidValue, message)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Code::ALL.iter().map(|code| PossibleValue::new(code.name()).help(code.meaning()))))
    }
}
