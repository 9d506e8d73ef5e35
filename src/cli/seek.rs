//! `seek`: the keyframe at or before a time, and the block it really is.

use super::input::Input;
use super::output::Output;
use super::session::Session;
use super::status::Status;
use super::{integrity, messages, open, settle};
use crate::report::seek::Answer;
use h4mk::container::SeekError;
use h4mk::report::json;
use h4mk::text;
use h4mk::time::Time;

/// Arguments of `seek`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
TIME is 1500000 or 1500000us, 1500ms, 1.5s, 00:01:02.500, 50%, or #30 for a block.

Examples:
  h4inspect seek clip.h4mk 7.5s
  h4inspect seek clip.h4mk 50% --json | jq .block_index")]
pub struct Args {
    /// Container to read; - is standard input
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub file: Input,
    /// Time to seek to
    #[arg(allow_negative_numbers = true)]
    pub time: Time,
    /// Use this track's seek table, or its blocks if it has none [default: SEEK, else the first track]
    #[arg(long, value_name = "ID")]
    pub track: Option<String>,
    /// Write JSON
    #[arg(long)]
    pub json: bool,
}

/// Answers.
pub fn run(args: &Args, session: &mut Session) -> anyhow::Result<()> {
    let container = open::container(&args.file, session)?;
    integrity::require(&container, &args.file, session)?;
    let refuse = |error: SeekError| Status::Findings.error(format!("{}: {error}", args.file));
    let pts_us = container.time_us(args.time).map_err(refuse)?;
    let answer = container.seek(pts_us, args.track.as_deref()).map_err(refuse)?;
    let answer = Answer::new(&container, &answer);
    let mut out = Output::stdout();
    if let Some(passed_over) = answer.describe_passed_over() {
        let track = text::escape(answer.seek.track.as_deref().unwrap_or_default());
        messages::warn(&args.file, format_args!("track \"{track}\": {passed_over}"));
    }
    if args.json {
        json::write_line(&mut out, json::ONE_LINE, &answer.seek)?;
    } else {
        answer.write_text(&mut out, session.paint)?;
    }
    settle::container(&container, session);
    out.finish()
}
