//! The Blocks view's part of the update.

use super::views::Behaviour;

/// The view's behaviour.
pub(super) struct Blocks;

impl Behaviour for Blocks {}
