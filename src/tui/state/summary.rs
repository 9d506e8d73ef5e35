//! The Summary view's part of the update.

use super::views::Behaviour;

/// The view's behaviour.
pub(super) struct Summary;

impl Behaviour for Summary {}
