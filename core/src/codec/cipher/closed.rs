//! What stands for the ratchet where the feature `cipher` is off.

use super::{Context, OpenError};
use crate::secret::{Secret, SecretError};

/// Can't be made: without the feature nothing opens blocks.
pub enum Opener {}

impl Opener {
    /// None, whatever the secret.
    pub fn with(_shared_secret: &Secret, _limit: u64) -> Option<Result<Self, SecretError>> {
        None
    }

    /// The compressed block in a stored one.
    pub fn open(&self, _stored: &[u8], _context: &Context<'_>) -> Result<Vec<u8>, OpenError> {
        match *self {}
    }
}
