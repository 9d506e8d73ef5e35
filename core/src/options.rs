//! [`Options`]: what the user decided.

use std::sync::Arc;

use super::codec::engine::Engines;
use super::secret::Secret;
use super::seek::Meaning;

/// What the user decided about how a container is read.
#[derive(Debug, Clone)]
pub struct Options {
    /// What SEEK offsets mean; inferred where it is not given.
    pub meaning: Option<Meaning>,
    /// The most bytes a block may decode to.
    pub max_block_size: u64,
    /// Bytes of blocks that are kept after they were read through [`Container::block`] and [`Container::window`].
    ///
    /// [`Container::block`]: crate::container::Container::block
    /// [`Container::window`]: crate::container::Container::window
    pub cache_bytes: u64,
    /// What encrypted blocks are opened with: 32 bytes.
    pub shared_secret: Option<Arc<Secret>>,
    /// What masked blocks are unmasked with: 16 bytes or more.
    pub mask_key: Option<Arc<Secret>>,
    /// Decoders for blocks that are not the reference engine's.
    pub engines: Engines,
    /// The file may still be being written: what is not whole at its end is waited for and no fault.
    pub growing: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            meaning: None,
            max_block_size: 1 << 30,
            cache_bytes: 256 << 20,
            shared_secret: None,
            mask_key: None,
            engines: Engines::default(),
            growing: false,
        }
    }
}
