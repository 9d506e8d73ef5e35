//! Opening a container: with what the user decided, and with the chunks that an audit finds.

use std::path::Path;
use std::sync::Arc;

use super::audit::{self, Tries};
use super::codec::engine::Engine;
use super::container::{Container, Loader, OpenError, Options};
use super::error::Error;
use super::index::Chunk;
use super::secret::Secret;
use super::seek::Meaning;
use super::source::Source;
use super::task::{Cancelled, Task};
use super::walk::Depth;

/// The longest file that is read in full to find out that a chunk doesn't exist.
const MOST_READ: u64 = 4 << 30;

/// How a container is opened: made by [`Container::builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    options: Options,
    depth: Depth,
}

impl Builder {
    /// The secret that encrypted blocks are opened with: 32 bytes.
    pub fn shared_secret(mut self, secret: Secret) -> Self {
        self.options.shared_secret = Some(Arc::new(secret));
        self
    }

    /// The key that masked blocks are unmasked with: 16 bytes or more.
    pub fn mask_key(mut self, key: Secret) -> Self {
        self.options.mask_key = Some(Arc::new(key));
        self
    }

    /// Another decoder for blocks that aren't the reference engine's.
    pub fn engine(mut self, engine: impl Engine + 'static) -> Self {
        self.options.engines = self.options.engines.with(Arc::new(engine));
        self
    }

    /// The most bytes that a block may decode to; 1 GiB if it isn't said.
    pub fn max_block_size(mut self, bytes: u64) -> Self {
        self.options.max_block_size = bytes;
        self
    }

    /// What SEEK's offsets mean, which is inferred if it isn't said.
    pub fn meaning(mut self, meaning: Meaning) -> Self {
        self.options.meaning = Some(meaning);
        self
    }

    /// All options at once, in place of those that were set before.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Which CRCs are recomputed now: if it isn't said, those that the headers cast doubt on.
    pub fn depth(mut self, depth: Depth) -> Self {
        self.depth = depth;
        self
    }

    /// Opens the file at `path`.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Container, Error> {
        self.read(Source::open(path.as_ref())?)
    }

    /// Reads a container wherever its bytes are.
    pub fn read(self, source: impl Into<Arc<Source>>) -> Result<Container, Error> {
        Ok(Container::read(source.into(), self.options, self.depth, &Task::default())?)
    }
}

impl Container {
    /// Opens the file at `path`: its chunks, as far as their headers are consistent, and with every CRC where they aren't.
    ///
    /// ```
    /// let container = h4mk::Container::open("../sample-data/demo.h4mk")?;
    /// let answer = container.seek(7_500_000, None)?;
    /// assert_eq!(answer.block, Some(210));
    /// assert_eq!(container.block(210)?.len(), 1024);
    /// assert!(container.verify()?.valid);
    /// # Ok::<(), h4mk::Error>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::builder().open(path)
    }

    /// What is special about how a container is opened.
    ///
    /// ```
    /// use h4mk::{Container, Secret, Stage};
    ///
    /// let key = Secret::from_hex("6834696e73706563743273206d61736b")?;
    /// let container = Container::builder().mask_key(key).max_block_size(1 << 20).open("../sample-data/masked.h4mk")?;
    /// assert_eq!(container.block(0)?.stage, Stage::Plain);
    /// # Ok::<(), h4mk::Error>(())
    /// ```
    pub fn builder() -> Builder {
        Builder { options: Options::default(), depth: Depth::Doubted }
    }

    /// Reads a container: walks all its chunks, to the given depth. Where every CRC is recomputed, tags that VERI proves are
    /// restored; where that is done only because [headers are in doubt](Depth::Doubted), it costs few passes over the file and
    /// finds no single tag among several odd ones. Progress is in bytes.
    pub fn read(source: Arc<Source>, options: Options, depth: Depth, task: &Task) -> Result<Self, OpenError> {
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
