//! [`Loader`]: reads a container chunk by chunk, and goes on where a file grows.

use std::sync::{Arc, OnceLock};

use super::{Container, Options};
use crate::index::{Chunk, Index, State};
use crate::layout::{self, FileHeader, HeadError};
use crate::sidecars_at_end;
use crate::source::{Change, Source, SourceError};
use crate::task::{Cancelled, Task};
use crate::walk::{Depth, FAR, Loss, Step, Walker};

/// Why a file can't be followed on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrowError {
    /// What was walked is no longer what is there.
    #[error("the file {0}")]
    Changed(Change),
    /// It can't be opened again.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Reads a container chunk by chunk, so that it can be shown while it is still being read.
#[derive(Debug)]
pub struct Loader {
    source: Arc<Source>,
    options: Options,
    header: FileHeader,
    depth: Depth,
    walker: Walker,
    ahead: OnceLock<Vec<Chunk>>,
    /// What the headers say is looked at once the walk is done.
    doubts: bool,
    /// All that is whole was walked.
    waiting: bool,
}

impl Loader {
    /// Recognises the file.
    pub fn new(source: Arc<Source>, options: Options, depth: Depth) -> Result<Self, HeadError> {
        let header = layout::recognise(source.bytes())?;
        let doubts = depth == Depth::Doubted && !options.growing;
        let walker = Walker::new(header.layout, if depth == Depth::Doubted { Depth::Headers } else { depth });
        Ok(Self { source, options, header, depth, walker, ahead: OnceLock::new(), doubts, waiting: false })
    }

    /// Reads an open container anew, with all CRCs.
    pub(crate) fn again(container: &Container) -> Self {
        let (source, options, header) = (container.source.clone(), container.options.clone(), container.header);
        let depth = Depth::Checked;
        let walker = Walker::new(header.layout, depth);
        Self { source, options, header, depth, walker, ahead: OnceLock::new(), doubts: false, waiting: false }
    }

    /// Reads all there is. Progress is in bytes.
    pub(crate) fn run(&mut self, task: &Task) -> Result<(), Cancelled> {
        task.set_total(self.progress().1);
        while self.advance(1024) == Step::More {
            task.reach(self.progress().0)?;
        }
        Ok(())
    }

    /// Reads on over at most `chunks` chunks. Of a growing file, [`Step::Waiting`] says that nothing more is whole.
    pub fn advance(&mut self, chunks: usize) -> Step {
        let last = !self.options.growing;
        let step = if self.header.version != 1 && self.walker.index().is_empty() && !self.chains() {
            if last { Step::Done } else { Step::Waiting }
        } else {
            self.walker.walk(&self.source, FAR, chunks, last)
        };
        self.waiting = step == Step::Waiting;
        if step == Step::Done && std::mem::take(&mut self.doubts) && self.is_contradicted() {
            self.walker = Walker::new(self.header.layout, Depth::Checked);
            return Step::More;
        }
        step
    }

    fn is_contradicted(&self) -> bool {
        let walked = self.walker.snapshot();
        Container::new(self.source.clone(), self.options.clone(), self.header, walked, true).is_contradicted()
    }

    /// Looks at the file once more; true if it was written to, so that there may be more to walk. Nothing that was walked
    /// is read again but the header of the last chunk. Costs one `stat` when nothing happened.
    pub fn grow(&mut self) -> Result<bool, GrowError> {
        match self.source.change() {
            None => return Ok(false),
            Some(Change::Grown { .. } | Change::Modified | Change::Touched) => {}
            Some(change) => return Err(GrowError::Changed(change)),
        }
        let (from, source) = (self.source.len(), self.source.remap()?);
        if source.len() < from {
            return Err(GrowError::Changed(Change::Shrunk { from, to: source.len() }));
        }
        let layout = self.header.layout;
        let index = self.walker.index();
        let is_still_there = |chunk: Chunk| {
            let there = layout.chunk_header(source.bytes(), chunk.offset);
            // The tag and length of a damaged chunk need not be those in its header.
            there.is_some_and(|header| {
                !matches!(chunk.state, State::Intact | State::Unchecked)
                    || (header.tag, u64::from(header.len)) == (chunk.tag, chunk.len)
            })
        };
        let last = index.len().checked_sub(1).and_then(|last| index.chunk(last));
        let header = layout::recognise(source.bytes());
        if header.is_ok_and(|header| header == self.header) && last.is_none_or(is_still_there) {
            self.source = Arc::new(source);
            return Ok(true);
        }
        Err(GrowError::Changed(Change::Modified))
    }

    /// The container once nothing more is waited for: what is not whole is cut off.
    pub fn settle(mut self) -> Container {
        self.options.growing = false;
        while self.advance(1024) == Step::More {}
        self.finish()
    }

    /// Whether a chunk stands where the first one should.
    fn chains(&self) -> bool {
        let (layout, bytes) = (self.header.layout, self.source.bytes());
        let first = layout.chunk_header(bytes, layout.file_header_len());
        first.is_some_and(|chunk| chunk.tag.is_known() && layout.declared_end(&chunk) <= bytes.len())
    }

    /// `(bytes walked, bytes in all)`.
    pub fn progress(&self) -> (u64, u64) {
        (self.walker.position(), self.source.len())
    }

    /// The depth that was asked for.
    pub(crate) fn depth(&self) -> Depth {
        self.depth
    }

    /// The chunks so far.
    pub fn index(&self) -> &Index {
        self.walker.index()
    }

    /// The container as far as it was read, and what its end says.
    pub fn snapshot(&self) -> Container {
        let mut walked = self.walker.snapshot();
        if self.waiting {
            return Container::new(self.source.clone(), self.options.clone(), self.header, walked, true);
        }
        // What was not walked yet is as unknown as what was lost.
        let (offset, len) = self.progress();
        walked.losses.push(Loss { offset, length: len.saturating_sub(offset), block: walked.index.blocks() });
        let mut container = Container::new(self.source.clone(), self.options.clone(), self.header, walked, false);
        // The end of a growing file would have to be searched each time.
        if !self.options.growing {
            let ahead = || sidecars_at_end::sidecars(self.header.layout, self.source.bytes());
            container.ahead = self.ahead.get_or_init(ahead).clone();
        }
        container
    }

    /// The container.
    pub fn finish(self) -> Container {
        Container::new(self.source, self.options, self.header, self.walker.finish(), true)
    }
}
