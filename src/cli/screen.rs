//! A file in the TUI.

use std::ffi::OsString;

use anyhow::Context;
use ratatui::layout::Size;

use super::color::ColorChoice;
use super::input::Input;
use super::{Session, open};
use crate::core::layout;
use crate::tui::run::{self, Ended};
use crate::tui::state::Setup;
use crate::tui::theme::{self, Theme};

/// What the TUI shows a file with; fails where the file is no container, which needs no screen to say.
pub(super) fn setup(file: &Input, session: &Session, theme: Theme, size: Size) -> anyhow::Result<Setup> {
    let source = open::source(file)?;
    layout::recognise(source.bytes()).with_context(|| file.to_string())?;
    let name = file
        .path()
        .and_then(|path| path.file_name())
        .map_or_else(|| file.to_string(), |name| name.to_string_lossy().into_owned());
    Ok(Setup { source, options: session.options.clone(), name, theme, size, may_write: false })
}

/// Runs the TUI on the terminal.
pub(super) fn run(file: &Input, session: &Session, env: &impl Fn(&str) -> Option<OsString>) -> anyhow::Result<()> {
    let choice = match session.settings.color {
        ColorChoice::Auto => theme::ColorChoice::Auto,
        ColorChoice::Always => theme::ColorChoice::Always,
        ColorChoice::Never => theme::ColorChoice::Never,
    };
    let theme = Theme::from_env(choice, |name| Some(env(name)?.to_string_lossy().into_owned()));
    let setup = setup(file, session, theme, Size::default())?;
    match run::run(Setup { may_write: true, ..setup }).context("the terminal")? {
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
