//! The Timeline view's part of the update.

use super::views::Behaviour;

/// The view's behaviour.
pub(super) struct Timeline;

impl Behaviour for Timeline {}
