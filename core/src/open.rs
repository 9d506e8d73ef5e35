//! Opening a container with the chunks that an audit finds.
#![forbid(unsafe_code)]

use std::sync::Arc;

use super::audit::{self, Tries};
use super::container::{Container, Loader, OpenError, Options};
use super::index::Chunk;
use super::source::Source;
use super::task::{Cancelled, Task};
use super::walk::Depth;

/// The longest file that is read whole to say that there is no such chunk.
const MOST_READ: u64 = 4 << 30;

impl Container {
    /// Opens a container: walks all its chunks, to the given depth. Where every CRC is recomputed, tags that VERI proves are
    /// restored; where that is done only because [headers are in doubt](Depth::Doubted), it costs few passes over the file and
    /// finds no single tag among several odd ones. Progress is in bytes.
    pub fn open(source: Arc<Source>, options: Options, depth: Depth, task: &Task) -> Result<Self, OpenError> {
        Ok(Self::load(Loader::new(source, options, depth)?, task)?)
    }

    /// The same from a loader, which goes on from where it is.
    pub fn load(mut loader: Loader, task: &Task) -> Result<Self, Cancelled> {
        loader.run(task)?;
        let tries = if loader.depth() == Depth::Checked { Tries::Each } else { Tries::Together };
        audit::restored(loader.finish(), tries, task)
    }

    /// The same file with every CRC recomputed.
    pub fn checked(&self, task: &Task) -> Result<Self, Cancelled> {
        Self::load(Loader::again(self), task)
    }

    /// The container to answer from about one of its chunks: this one or, where that chunk or one shortly before it
    /// [may hide others](Self::may_hide), the [checked](Self::checked) one. `None` is a chunk that wasn't found, which any
    /// other may hide; a file that takes long to read isn't read for that.
    pub fn sure_of(self, chunk: Option<Chunk>, task: &Task) -> Result<Self, Cancelled> {
        let is_doubted = match chunk {
            Some(chunk) => self.may_hide(&chunk) || self.may_be_hidden(&chunk),
            None if self.options().growing || self.source().len() > MOST_READ => false,
            None => !self.is_checked() || audit::has_alternatives(&self),
        };
        if is_doubted { self.checked(task) } else { Ok(self) }
    }
}
