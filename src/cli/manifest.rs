//! `manifest`: the compatibility layer's manifest.

use std::io::Write;

use serde_json::Value;

use super::input::Input;
use super::output::Output;
use super::session::Session;
use super::{messages, open, settle, status};
use h4mk::report::{FullManifest, json};

/// Arguments of `manifest`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  h4inspect manifest clip.h4mk
  h4inspect manifest *.h4mk | jq -r .project")]
pub struct Args {
    /// Containers to read; several give one line of JSON each; - is standard input
    #[arg(required = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub files: Vec<Input>,
    /// Add the output of `info --json`, as `inspection`
    #[arg(long)]
    pub full: bool,
}

/// Writes the manifests; a file that can't be read does not keep the others from being answered.
pub fn run(args: &Args, session: &mut Session) -> anyhow::Result<()> {
    let lines = if args.files.len() == 1 { json::DOCUMENT } else { json::ONE_LINE };
    let mut out = Output::stdout();
    for file in &args.files {
        match manifest(file, args.full, session) {
            Ok(manifest) => {
                json::write_line(&mut out, lines, &manifest)?;
                out.flush()?;
            }
            Err(error) => {
                messages::say(status::describe(&error));
                session.raise(status::of(&error));
            }
        }
    }
    out.finish()
}

fn manifest(file: &Input, full: bool, session: &mut Session) -> anyhow::Result<Value> {
    let container = open::container(file, session)?;
    let manifest = if full { serde_json::to_value(FullManifest::new(&container))? } else { container.manifest() };
    settle::container(&container, session);
    Ok(manifest)
}
