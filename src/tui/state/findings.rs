//! The Findings view's part of the update.

use super::views::Behaviour;

/// The view's behaviour.
pub(super) struct Findings;

impl Behaviour for Findings {}
