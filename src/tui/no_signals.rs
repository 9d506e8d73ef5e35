//! Where there are no signals, none come.

use std::io;
use std::sync::mpsc::Sender;

use super::event::Event;

pub(super) const HANG_UP: i32 = 0;

pub(super) struct Watch;

impl Watch {
    pub(super) fn stop(&self) {}

    pub(super) fn needs_looks(&self) -> bool {
        false
    }

    pub(super) fn look(&mut self) {}
}

pub(super) fn is_hang_up(_: &io::Error) -> bool {
    false
}

/// There are no signals here.
pub(super) fn watch(_: Sender<Event>) -> io::Result<Watch> {
    Ok(Watch)
}

/// There is no job control here.
pub(super) fn stop_process() -> io::Result<()> {
    Ok(())
}
