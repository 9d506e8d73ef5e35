//! What can be asked for of the background, with all it takes.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::description::Description;
use super::{hex, manifest};
use crate::tui::command::PromptKind;
use h4mk::audit::Audit;
use h4mk::block::Form;
use h4mk::container::{Container, Loader, Options};
use h4mk::explore::byte_view::ByteView;
use h4mk::explore::find::Needle;
use h4mk::explore::sorted_blocks::{Filter, Order};
use h4mk::index::Chunk;
use h4mk::knowledge::Knowledge;
use h4mk::source::Source;

/// The kinds of work. Each has one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobKind {
    /// The walk over the chunks.
    Index,
    /// The walk over what is added.
    Follow,
    /// Every check there is.
    Audit,
    /// VERI.
    Verify,
    /// A timestamp looked up.
    Seek,
    /// A block written to a file.
    Export,
    /// Blocks along time.
    Chart,
    /// Blocks filtered and sorted.
    List,
    /// Blocks that are shown, read.
    Measure,
    /// A block read for showing it: its runs counted, or all of it decoded.
    Decode,
    /// Bytes read for showing them.
    Read,
    /// Where a byte is in what is shown.
    Locate,
    /// What is copied, read.
    Copy,
    /// Entries of the seek table read for showing them.
    Entries,
    /// Where a field stands in the file.
    Field,
    /// A key tried.
    Unlock,
    /// The container read anew with a key.
    Reread,
    /// Blocks beside it, read before they are asked for.
    Ahead,
    /// Bytes searched for.
    Find,
    /// Content sampled for its preview.
    Preview,
    /// What is said about the container, put together.
    Describe,
    /// Fields searched.
    SearchFields,
    /// Two files compared.
    Diff,
}

impl JobKind {
    /// What is read for what is shown: it comes and goes without being noticed, and nobody cancels it.
    pub fn is_reading(self) -> bool {
        matches!(
            self,
            Self::Ahead | Self::Read | Self::Locate | Self::Copy | Self::Entries | Self::Field | Self::Reread
        )
    }

    /// Whether it goes on until it is done or somebody stops it; the others come and go with what is shown.
    pub fn can_be_stopped(self) -> bool {
        let comes_and_goes = matches!(self, Self::Index | Self::Follow | Self::Chart | Self::Measure | Self::Describe);
        !comes_and_goes && !self.is_reading()
    }

    /// What a frame is put off for, though not for long.
    pub fn is_awaited(self) -> bool {
        matches!(
            self,
            Self::Read | Self::Locate | Self::Entries | Self::Field | Self::Decode | Self::Measure | Self::Seek
        )
    }

    /// What is being done, for the progress line.
    pub fn title(self) -> &'static str {
        match self {
            Self::Index => "indexing",
            Self::Follow => "following",
            Self::Audit => "auditing",
            Self::Verify => "verifying",
            Self::Seek => "looking up",
            Self::Export => "exporting",
            Self::Chart => "measuring",
            Self::List => "listing",
            Self::Measure => "reading",
            Self::Decode => "decoding",
            Self::Read | Self::Entries | Self::Copy | Self::Reread => "reading",
            Self::Locate | Self::Field => "looking up",
            Self::Unlock => "trying the key",
            Self::Ahead => "reading ahead",
            Self::Find => "searching",
            Self::Preview => "sampling",
            Self::Describe => "describing",
            Self::SearchFields => "searching",
            Self::Diff => "comparing",
        }
    }
}

/// What all looks at a followed file go on with.
#[derive(Debug)]
pub struct Following {
    /// The file as it was when it began.
    pub source: Arc<Source>,
    /// How it is read.
    pub options: Options,
    /// The walk, once it has begun.
    pub loader: Mutex<Option<Loader>>,
}

/// What is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A time in µs, in the track with that id or in the one that answers without.
    Time(u64, Option<String>),
    /// The time of a block.
    Block(u64),
}

/// What is done with the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Select what plays, and say so.
    Plays,
    /// The same without a word and without a trail: the time is the one that the playhead stands at.
    Follow,
    /// Select the keyframe.
    Keyframe,
}

/// What is to be done, with all it takes.
#[derive(Debug, Clone)]
pub enum Request {
    /// Walk the chunks.
    Index {
        /// The file.
        source: Arc<Source>,
        /// How it is read.
        options: Options,
    },
    /// Walk what is added to a file that is still being written.
    Follow {
        /// What goes on.
        following: Arc<Following>,
        /// How often the file is looked at; once if `None`.
        every: Option<Duration>,
    },
    /// Open a file anew that is no longer what it was.
    Reopen(Arc<Source>),
    /// Run every check.
    Audit {
        /// The file.
        source: Arc<Source>,
        /// How it is read.
        options: Options,
    },
    /// Recompute VERI.
    Verify(Arc<Container>),
    /// Look a time up, and what to do with the answer.
    Seek(Arc<Container>, Target, Goal),
    /// Write a block to a file that does not exist yet.
    Export {
        /// The container.
        container: Arc<Container>,
        /// The block.
        block: u64,
        /// As stored or decoded.
        form: Form,
        /// Where to.
        path: PathBuf,
    },
    /// Look at every block along time.
    Chart(Arc<Container>),
    /// Filter and sort the blocks.
    List {
        /// The container.
        container: Arc<Container>,
        /// Which blocks.
        filter: Filter,
        /// Their order.
        order: Order,
        /// What was found at them.
        knowledge: Arc<Knowledge>,
    },
    /// Read these chunks for what is said of them.
    Measure(Arc<Container>, Vec<Chunk>),
    /// Read the block of a chunk for showing it.
    Decode(Arc<Container>, Chunk),
    /// Read pages of bytes.
    Read {
        /// The container.
        container: Arc<Container>,
        /// What they are pages of.
        byte_view: ByteView,
        /// Their numbers.
        numbers: Vec<u64>,
    },
    /// Find where in what is shown the cursor goes.
    Locate {
        /// The container.
        container: Arc<Container>,
        /// Where to.
        goal: hex::Goal,
        /// What is shown.
        byte_view: ByteView,
    },
    /// Read bytes that are to be copied.
    ReadToCopy {
        /// The container.
        container: Arc<Container>,
        /// Where they are.
        byte_view: ByteView,
        /// Their positions.
        range: Range<u64>,
        /// As what they are copied.
        form: hex::CopyForm,
    },
    /// Read entries of the manifest's seek table.
    Entries {
        /// The container.
        container: Arc<Container>,
        /// The numbers of their pages.
        pages: Vec<u64>,
    },
    /// Find where a field stands in the file.
    FieldBytes {
        /// The container.
        container: Arc<Container>,
        /// The fields.
        description: Arc<Description>,
        /// Which.
        row: manifest::TreeRow,
    },
    /// Read the value of a field as the file has it.
    FieldValue {
        /// The container.
        container: Arc<Container>,
        /// The fields.
        description: Arc<Description>,
        /// Which.
        row: manifest::TreeRow,
        /// It is copied as it is.
        raw: bool,
    },
    /// Read the container with a key, and try that on a block.
    Unlock {
        /// The container.
        container: Arc<Container>,
        /// How it is read with the key.
        options: Options,
        /// What kind of key it is.
        kind: PromptKind,
    },
    /// Read the container in another way; nothing is walked again.
    Reread(Arc<Container>, Options),
    /// Read these blocks, which may be shown next.
    Ahead(Arc<Container>, Vec<Chunk>),
    /// Search bytes.
    Find {
        /// The container.
        container: Arc<Container>,
        /// Where.
        byte_view: ByteView,
        /// What.
        needle: Arc<Needle>,
        /// The position around which matches are kept.
        around: u64,
    },
    /// Search the content of the other blocks.
    FindFrom {
        /// The container.
        container: Arc<Container>,
        /// What.
        needle: Arc<Needle>,
        /// The block that was searched before.
        from: u64,
        /// Towards the last block, or towards the first.
        forward: bool,
    },
    /// Sample content.
    Preview(Arc<Container>, ByteView),
    /// Put together what is said about the container; with an audit, what that found out too.
    Describe(Arc<Container>, Option<Arc<Audit>>),
    /// Search keys and values for a text.
    SearchFields {
        /// The container.
        container: Arc<Container>,
        /// The fields.
        description: Arc<Description>,
        /// The text.
        text: String,
    },
    /// Compare the file with another one.
    Diff {
        /// The file.
        source: Arc<Source>,
        /// The other one.
        other: Arc<Source>,
        /// How both are read.
        options: Options,
    },
}

impl Request {
    /// The slot the work belongs to.
    pub fn kind(&self) -> JobKind {
        match self {
            Self::Index { .. } => JobKind::Index,
            Self::Follow { .. } | Self::Reopen(_) => JobKind::Follow,
            Self::Audit { .. } => JobKind::Audit,
            Self::Verify(_) => JobKind::Verify,
            Self::Seek(..) => JobKind::Seek,
            Self::Export { .. } => JobKind::Export,
            Self::Chart(_) => JobKind::Chart,
            Self::List { .. } => JobKind::List,
            Self::Measure(..) => JobKind::Measure,
            Self::Decode(..) => JobKind::Decode,
            Self::Read { .. } => JobKind::Read,
            Self::Locate { .. } => JobKind::Locate,
            Self::ReadToCopy { .. } | Self::FieldValue { .. } => JobKind::Copy,
            Self::Entries { .. } => JobKind::Entries,
            Self::FieldBytes { .. } => JobKind::Field,
            Self::Unlock { .. } => JobKind::Unlock,
            Self::Reread(..) => JobKind::Reread,
            Self::Ahead(..) => JobKind::Ahead,
            Self::Find { .. } | Self::FindFrom { .. } => JobKind::Find,
            Self::Preview(..) => JobKind::Preview,
            Self::Describe(..) => JobKind::Describe,
            Self::SearchFields { .. } => JobKind::SearchFields,
            Self::Diff { .. } => JobKind::Diff,
        }
    }
}
