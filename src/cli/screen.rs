//! A file in the TUI.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ratatui::layout::Size;

use super::color::ColorChoice;
use super::input::Input;
use super::open;
use super::session::Session;
use crate::tui::run::{self, Ended};
use crate::tui::state::{Polling, Setup};
use crate::tui::theme::{self, Theme};
use h4mk::layout;
use h4mk::name::FileName;
use h4mk::source::Source;

/// What the TUI shows a file with, and what it is compared with; fails if one of them isn't a container, which needs no
/// screen to say.
pub(super) fn setup(
    file: &Input,
    other: Option<&Input>,
    session: &Session,
    theme: Theme,
    size: Size,
) -> anyhow::Result<Setup> {
    let source = recognised(file)?;
    let other = other.map(|other| Ok::<_, anyhow::Error>((recognised(other)?, short_name(other)))).transpose()?;
    let options = session.options.clone();
    let (name, polling) = (short_name(file), Polling::default());
    Ok(Setup { source, other, options, name, theme, size, may_write: false, polling })
}

fn recognised(file: &Input) -> anyhow::Result<Arc<Source>> {
    let source = open::source(file)?;
    layout::recognise(source.bytes()).with_context(|| file.to_string())?;
    Ok(source)
}

/// The name without its folder.
fn short_name(file: &Input) -> String {
    let name = file.path().and_then(|path| path.file_name());
    name.map_or_else(|| file.to_string(), |name| FileName::from(Path::new(name)).to_string())
}

/// How often a followed file is looked at.
const POLL_EVERY: Duration = Duration::from_millis(250);

/// Runs the TUI on the terminal.
pub(super) fn run(
    file: &Input,
    other: Option<&Input>,
    follow: bool,
    session: &Session,
    env: &impl Fn(&str) -> Option<OsString>,
) -> anyhow::Result<()> {
    let choice = match session.settings.color {
        ColorChoice::Auto => theme::ColorChoice::Auto,
        ColorChoice::Always => theme::ColorChoice::Always,
        ColorChoice::Never => theme::ColorChoice::Never,
    };
    let theme = Theme::from_env(choice, |name| Some(env(name)?.to_string_lossy().into_owned()));
    let setup = setup(file, other, session, theme, Size::default())?;
    let polling = Polling { at_once: follow, every: Some(POLL_EVERY) };
    match run::run(Setup { may_write: true, polling, ..setup }).context("the terminal")? {
        Ended::Quit => Ok(()),
        Ended::Signal(signal) => end_as(signal),
    }
}

/// Ends as the signal would have ended the program, now that the terminal is as it was before.
#[cfg(unix)]
fn end_as(signal: i32) -> anyhow::Result<()> {
    signal_hook::low_level::emulate_default_handler(signal).context("the signal that asked to leave")
}

#[cfg(not(unix))]
fn end_as(_signal: i32) -> anyhow::Result<()> {
    Ok(())
}
