//! What the background answers.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::comparison::Differences;
use super::description::Description;
use super::hex;
use super::jobs::JobId;
use super::manifest::TreeRow;
use super::manifest::entries::EntryPage;
use super::request::{Goal, Target};
use crate::tui::command::PromptKind;
use crate::tui::json_tree::Hits;
use h4mk::audit::Audit;
use h4mk::block::BlockError;
use h4mk::container::{Container, Moment};
use h4mk::explore::byte_view::{ByteSource, ByteView};
use h4mk::explore::chart::Chart;
use h4mk::explore::find::{Elsewhere, Matches};
use h4mk::explore::page::Page;
use h4mk::explore::preview::Preview;
use h4mk::explore::sorted_blocks::SortedBlocks;
use h4mk::index::Chunk;
use h4mk::source::Source;
use h4mk::veri::Verification;

/// What a job has to say: so far, or in the end.
#[derive(Debug, Clone)]
pub struct Report {
    /// Which job.
    pub id: JobId,
    /// What it found.
    pub outcome: Result<Outcome, Failure>,
    /// Whether it ended; an index also reports what it has so far.
    pub last: bool,
}

/// What a job found.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The container, as far as it was walked.
    Indexed(Arc<Container>),
    /// A followed file was looked at.
    Followed,
    /// A file was opened anew.
    Reopened(Arc<Source>),
    /// What the checks say.
    Audited(Arc<Audit>),
    /// What VERI says.
    Verified(Verification),
    /// What a time leads to; nothing where there is no such block.
    Sought(Option<Arc<Moment>>, Target, Goal),
    /// A file was written.
    Exported {
        /// Where.
        path: PathBuf,
        /// Its bytes.
        len: u64,
        /// What should be known about them, as sentences.
        caveats: Vec<String>,
    },
    /// Blocks along time.
    Charted(Arc<Chart>),
    /// Blocks filtered and sorted.
    Listed(Arc<SortedBlocks>),
    /// What a chunk's bytes say.
    Measured(Chunk, Measure),
    /// A block was read for showing it.
    Decoded {
        /// Its chunk.
        chunk: Chunk,
        /// What its content is read from, or why it has none.
        coding: Result<ByteSource, BlockError>,
    },
    /// A page of bytes was read.
    Read {
        /// What it is a page of.
        byte_view: ByteView,
        /// Its number.
        number: u64,
        /// The page.
        page: Arc<Page>,
    },
    /// Everything asked for was read.
    AllRead,
    /// Where the cursor goes in what is shown.
    Located {
        /// What is shown.
        byte_view: ByteView,
        /// The position; `None` where the goal leads to none.
        position: Option<u64>,
    },
    /// Bytes to be copied were read.
    ReadToCopy(Vec<u8>, hex::CopyForm),
    /// A page of entries of the seek table was read.
    Entries(u64, Arc<EntryPage>),
    /// Where a row of the manifest stands; `None` where it has no bytes of its own.
    FieldBytes(TreeRow, Option<Range<u64>>),
    /// The value of a field as the file has it, and whether it is copied as it is.
    FieldValue(Option<String>, bool),
    /// The container was read with a key.
    Unlocked {
        /// The container.
        container: Arc<Container>,
        /// What it was before.
        before: Arc<Container>,
        /// What kind of key it is.
        kind: PromptKind,
        /// A block that it was tried on, and whether it opens it; `None` where none could tell.
        tried: Option<(u64, bool)>,
    },
    /// The container was read in another way.
    Reread(Arc<Container>),
    /// A block was read that may be shown next.
    ReadAhead {
        /// Its chunk.
        chunk: Chunk,
        /// What its content is read from, or why it has none.
        coding: Result<ByteSource, BlockError>,
    },
    /// The places of what was searched for.
    Found {
        /// Where it was searched.
        byte_view: ByteView,
        /// The places.
        matches: Matches,
    },
    /// What other blocks hold of what was searched for.
    FoundFrom {
        /// The block that was searched before.
        from: u64,
        /// What was found.
        elsewhere: Elsewhere,
    },
    /// What content looks like.
    Previewed {
        /// Which content.
        byte_view: ByteView,
        /// What it looks like.
        preview: Arc<Preview>,
    },
    /// What is said about the container.
    Described(Arc<Description>),
    /// Where a text occurs in the fields.
    FoundFields(Hits),
    /// What two files differ in.
    Compared {
        /// The first file as it was compared: every CRC is recomputed.
        container: Arc<Container>,
        /// What they differ in.
        differences: Arc<Differences>,
    },
}

/// What a block's bytes say beyond what the index and the container remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    /// Bytes it decodes to; `None` where that can't be told.
    pub decoded: Option<u64>,
}

impl Measure {
    /// Reads a chunk; the container remembers what its CRC came to.
    pub fn of(container: &Container, chunk: &Chunk) -> Self {
        _ = container.is_intact(chunk);
        Self { decoded: chunk.block().and_then(|_| container.decoded_len(chunk)) }
    }
}

/// Why a job has no outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It was cancelled: nobody waits for it.
    #[error("cancelled")]
    Cancelled,
    /// It failed, and says why.
    #[error("{0}")]
    Failed(String),
    /// It panicked: a defect of the program, not of the file.
    #[error("internal error: {0}")]
    Panicked(String),
}
