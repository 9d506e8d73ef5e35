//! Opening a container with the chunks that an audit finds.

use std::sync::Arc;

use super::audit;
use super::container::{Container, Loader, OpenError, Options};
use super::index::Chunk;
use super::source::Source;
use super::task::{Cancelled, Task};
use super::walk::Depth;

impl Container {
    /// Opens a container: walks all its chunks, to the given depth. Where every CRC is recomputed, tags that VERI proves are
    /// restored. Progress is in bytes.
    pub fn open(source: Arc<Source>, options: Options, depth: Depth, task: &Task) -> Result<Self, OpenError> {
        Ok(Self::load(Loader::new(source, options, depth)?, task)?)
    }

    /// Likewise, from a loader. Work that is done already isn't done again.
    pub fn load(mut loader: Loader, task: &Task) -> Result<Self, Cancelled> {
        loader.run(task)?;
        audit::restored(loader.finish(), task)
    }

    /// The same file with every CRC recomputed.
    pub fn checked(&self, task: &Task) -> Result<Self, Cancelled> {
        Self::load(Loader::again(self), task)
    }

    /// The container to answer from about one of its chunks: this one or, where that chunk [may hide others](Self::may_hide),
    /// the [checked](Self::checked) one.
    pub fn sure_of(self, chunk: Option<Chunk>, task: &Task) -> Result<Self, Cancelled> {
        let hides = chunk.is_some_and(|chunk| self.may_hide(&chunk));
        if hides { self.checked(task) } else { Ok(self) }
    }
}
