//! The Hex view's part of the update.

use super::views::Behaviour;

/// The view's behaviour.
pub(super) struct Hex;

impl Behaviour for Hex {}
