//! How what is known of a chunk looks: the same mark in every view.

use crate::tui::theme::{Glyphs, Role};
use h4mk::knowledge::Known;

/// The mark of what is known.
pub(super) fn look(known: Known, glyphs: &'static Glyphs) -> (&'static str, Role) {
    match known {
        Known::Wrong => (glyphs.damage, Role::Damage),
        Known::NextToLoss => (glyphs.lost, Role::Damage),
        Known::Mended | Known::Doubtful => (glyphs.warning, Role::Warning),
        Known::Unread => (glyphs.unknown, Role::Dim),
        Known::Right => (glyphs.good, Role::Good),
    }
}

/// The same where only what is not in order is marked.
pub(super) fn look_of_fault(known: Known, glyphs: &'static Glyphs) -> Option<(&'static str, Role)> {
    (known < Known::Unread).then(|| look(known, glyphs))
}
