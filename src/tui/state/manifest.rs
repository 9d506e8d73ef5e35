//! The Manifest view's part of the update.

use super::views::Behaviour;

/// The view's behaviour.
pub(super) struct Manifest;

impl Behaviour for Manifest {}
