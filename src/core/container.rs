//! [`Container`]: an H4MK file, open. The one door to everything the core knows about it.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value, json};

use super::block::{
    BlockError, Cache, Content, EngineKind, Form, LIVING_CIPHER, Pipeline, Place, Reader, Reading, Stage, Stored,
    Window,
};
use super::bytes::available;
use super::codec::cipher;
use super::codec::engine::Engines;
use super::codec::rle;
use super::hash::Overlay;
use super::index::{Chunk, Index, State, Tag};
use super::json::Document;
use super::layout::{self, ChunkHeader, FileHeader, HeadError, Layout, SeekEntry, SeekRows};
use super::meta::Meta;
use super::secret::Secret;
use super::seek::{Blocks, Fit, Landing, Meaning, Resolution, SeekTable, Starts};
use super::source::{Change, Source, SourceError};
use super::tail;
use super::task::{Cancelled, Task};
use super::time::Time;
use super::timeline::{FrameSource, Timeline};
use super::tracks::{Track, Tracks};
use super::veri::{self, Verification};
use super::walk::{Depth, FAR, Loss, Step, Walked, Walker};

/// What the user decided about how a container is read.
#[derive(Debug, Clone)]
pub struct Options {
    /// What SEEK offsets mean; inferred where it is not given.
    pub meaning: Option<Meaning>,
    /// The most bytes a block may decode to.
    pub max_block_size: u64,
    /// Bytes of blocks that are kept after they were read through [`Container::content`] and [`Container::window`].
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

/// Why a container can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is none.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// Opening was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Why a file can't be followed on.
#[derive(Debug, thiserror::Error)]
pub enum GrowError {
    /// What was walked is no longer what is there.
    #[error("the file {0}")]
    Changed(Change),
    /// It can't be opened again.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// Why a timestamp has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SeekError {
    /// There is no table to look it up in.
    #[error("there is no SEEK entry to answer with{0}")]
    NoTable(String),
    /// The timestamp needs a duration or frame rate that is not known.
    #[error("{0} needs the time of blocks, which is not known: META has no usable fps_hint")]
    NoTimeline(&'static str),
    /// There is no such track.
    #[error("there is no track \"{0}\"")]
    NoTrack(String),
    /// There is no such block.
    #[error(transparent)]
    Block(#[from] BlockError),
}

/// The answer to a timestamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeekAnswer {
    /// The timestamp asked for, in µs.
    pub pts_us: u64,
    /// Place of the entry as stored.
    pub entry_index: u64,
    /// The entry.
    pub entry: SeekEntry,
    /// The block it really is; `None` where the entry lands on none.
    pub block: Option<u64>,
    /// What its offset was taken to mean.
    pub meaning: Option<Meaning>,
    /// The timestamp is before the first entry, which answers all the same.
    pub before_first: bool,
    /// The track whose table answered.
    pub track: Option<String>,
    /// The answer was found by looking at all blocks of the track, which has no table.
    pub scanned: bool,
    /// Blocks to decode for what is shown at the timestamp, where the time of blocks is known.
    pub chain: Option<Vec<u64>>,
    /// Bytes were lost before the block: its index may be too low.
    pub provisional: bool,
}

/// A SEEK entry that is the keyframe of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyframe {
    /// Rank of the entry by pts.
    pub rank: u64,
    /// Its place as stored.
    pub place: u64,
    /// The entry.
    pub entry: SeekEntry,
}

/// How hard to look for an answer that may need payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Reads no more than [`CHEAP_BYTES`] of blocks.
    Cheap,
    /// Reads all that is needed.
    Full,
}

/// Bytes of the smallest chunk that holds an encrypted block: how many can stand where bytes were lost.
const ENCRYPTED_MIN: u64 = 106;
/// Messages that may be missing without a trace, taken out of the file as whole chunks. A counter beyond is refused: it
/// would cost more than the second that so many take.
const MISSING_MESSAGES: u64 = 1 << 20;

/// How many bytes of blocks are read where no payload should be: less than takes a noticeable time.
pub const CHEAP_BYTES: u64 = 16 << 20;

/// Reads a container chunk by chunk, so that it can be shown while it is still being read.
#[derive(Debug)]
pub struct Loader {
    source: Arc<Source>,
    options: Options,
    header: FileHeader,
    walker: Walker,
    ahead: OnceLock<Vec<Chunk>>,
    /// All that is whole was walked.
    waiting: bool,
}

impl Loader {
    /// Recognises the file.
    pub fn new(source: Arc<Source>, options: Options, depth: Depth) -> Result<Self, HeadError> {
        let header = layout::recognise(source.bytes())?;
        let walker = Walker::new(header.layout, depth);
        Ok(Self { source, options, header, walker, ahead: OnceLock::new(), waiting: false })
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
        step
    }

    /// Looks at the file once more; true if it was written to, so that there may be more to walk. Nothing that was walked
    /// is read again but the header of the last chunk. Costs one `stat` when nothing happened.
    pub fn grow(&mut self) -> Result<bool, GrowError> {
        match self.source.change() {
            None => return Ok(false),
            Some(Change::Grown { .. } | Change::Modified) => {}
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
        first.is_some_and(|chunk| chunk.tag.is_known() && layout.declared_end(&chunk) <= bytes.len() as u64)
    }

    /// `(bytes walked, bytes in all)`.
    pub fn progress(&self) -> (u64, u64) {
        (self.walker.position(), self.source.len())
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
            let ahead = || tail::sidecars(self.header.layout, self.source.bytes());
            container.ahead = self.ahead.get_or_init(ahead).clone();
        }
        container
    }

    /// The container.
    pub fn finish(self) -> Container {
        Container::new(self.source, self.options, self.header, self.walker.finish(), true)
    }
}

/// A JSON sidecar that may be relied on.
#[derive(Debug, Clone)]
struct Sidecar<T> {
    chunk: Chunk,
    value: T,
}

/// An open container.
#[derive(Debug)]
pub struct Container {
    source: Arc<Source>,
    options: Options,
    header: FileHeader,
    walked: Walked,
    complete: bool,
    /// Chunks at the end of the file, while the walk has not come to them.
    ahead: Vec<Chunk>,
    mended: HashMap<u64, Vec<u8>>,
    meta: OnceLock<Option<Sidecar<Meta>>>,
    safe: OnceLock<Option<Sidecar<Document>>>,
    seek: OnceLock<Option<Chunk>>,
    tracks: OnceLock<Option<Tracks>>,
    order: OnceLock<Option<Vec<u32>>>,
    decoded: OnceLock<Option<Starts>>,
    cheap: OnceLock<Resolution>,
    full: OnceLock<Resolution>,
    keyframes: OnceLock<Option<Vec<(u64, u64)>>>,
    timeline: OnceLock<Option<Timeline>>,
    reader: OnceLock<Arc<Reader>>,
    cache: Cache,
}

impl Container {
    fn new(source: Arc<Source>, options: Options, header: FileHeader, walked: Walked, complete: bool) -> Self {
        Self {
            cache: Cache::new(options.cache_bytes),
            reader: OnceLock::new(),
            source,
            options,
            header,
            walked,
            complete,
            ahead: Vec::new(),
            mended: HashMap::new(),
            meta: OnceLock::new(),
            safe: OnceLock::new(),
            seek: OnceLock::new(),
            tracks: OnceLock::new(),
            order: OnceLock::new(),
            decoded: OnceLock::new(),
            cheap: OnceLock::new(),
            full: OnceLock::new(),
            keyframes: OnceLock::new(),
            timeline: OnceLock::new(),
        }
    }

    /// Opens a container: walks all its chunks, to the given depth.
    pub fn open(source: Arc<Source>, options: Options, depth: Depth, task: &Task) -> Result<Self, OpenError> {
        let mut loader = Loader::new(source, options, depth)?;
        task.set_total(loader.progress().1);
        while loader.advance(1024) == Step::More {
            task.reach(loader.progress().0)?;
        }
        Ok(loader.finish())
    }

    /// The file.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// All bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        self.source.bytes()
    }

    /// What the user decided.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The file header.
    pub fn header(&self) -> &FileHeader {
        &self.header
    }

    /// How the bytes are laid out.
    pub fn layout(&self) -> Layout {
        self.header.layout
    }

    /// The chunks.
    pub fn index(&self) -> &Index {
        &self.walked.index
    }

    /// How the walk over the chunks went.
    pub fn walked(&self) -> &Walked {
        &self.walked
    }

    /// Whether the whole file was walked, or of a growing one all that is whole; a snapshot of a walk in progress is not
    /// complete.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Every CRC was recomputed.
    pub fn is_checked(&self) -> bool {
        self.walked.depth == Depth::Checked
    }

    /// The payload bytes of a chunk that are there.
    pub fn payload(&self, chunk: &Chunk) -> &[u8] {
        available(self.bytes(), chunk.payload_offset, chunk.len)
    }

    /// The chunk's header as stored.
    pub fn chunk_header(&self, chunk: &Chunk) -> Option<ChunkHeader> {
        self.layout().chunk_header(self.bytes(), chunk.offset)
    }

    /// The CRC stored for a chunk; `None` where it is cut off.
    pub fn stored_crc(&self, chunk: &Chunk) -> Option<u32> {
        let truncated = chunk.state == State::Truncated && self.layout().trailer_len() > 0;
        (!truncated).then(|| self.layout().stored_crc(self.bytes(), chunk.offset, chunk.len))?
    }

    /// The CRC of a chunk's bytes as they are.
    pub fn computed_crc(&self, chunk: &Chunk) -> Option<u32> {
        let header = self.chunk_header(chunk)?;
        self.layout().computed_crc(self.bytes(), &header, u32::try_from(chunk.len).ok()?)
    }

    /// Whether a chunk is whole with a right CRC; recomputed where nobody has looked yet.
    pub fn is_intact(&self, chunk: &Chunk) -> bool {
        match chunk.state {
            State::Unchecked => self.stored_crc(chunk).is_some_and(|crc| self.computed_crc(chunk) == Some(crc)),
            state => state.is_intact(),
        }
    }

    /// The first chunk of that tag that can be relied on: intact, or mended.
    pub fn sidecar(&self, tag: Tag) -> Option<Chunk> {
        let ahead = self.ahead.iter().copied().filter(|chunk| chunk.tag == tag);
        self.index().with_tag(tag).chain(ahead).find(|chunk| self.is_readable(chunk))
    }

    /// Whether a sidecar's content can be relied on: intact, or mended.
    pub fn is_readable(&self, chunk: &Chunk) -> bool {
        self.is_intact(chunk) || self.mended.contains_key(&chunk.index)
    }

    /// The tracks, where anything speaks of them. Looks at every block once.
    pub fn tracks(&self) -> Option<&Tracks> {
        self.tracks.get_or_init(|| Tracks::read(self)).as_ref()
    }

    /// The payload of a sidecar, mended where its damage was located and confirmed.
    pub fn sidecar_payload(&self, chunk: &Chunk) -> &[u8] {
        self.mended.get(&chunk.index).map_or_else(|| self.payload(chunk), Vec::as_slice)
    }

    /// Reads damaged sidecars through `overlay`, where that is proven to be what they were.
    pub(crate) fn mend(&mut self, overlay: &Overlay, is_proven: impl Fn(&Self, &Chunk) -> bool) {
        let damaged = |chunk: &Chunk| chunk.tag != Tag::CORE && chunk.state == State::CrcMismatch;
        let mend = |chunk: Chunk| (chunk.index, overlay.apply(chunk.payload_offset, self.payload(&chunk)).into_owned());
        let proven = self.index().iter().filter(|chunk| damaged(chunk) && is_proven(self, chunk));
        self.mended = proven.map(mend).collect();
    }

    /// The same container read with other options, such as a key that was given later. Nothing is walked again.
    pub fn with_options(&self, options: Options) -> Self {
        let again = Self::new(self.source.clone(), options, self.header, self.walked.clone(), self.complete);
        Self { mended: self.mended.clone(), ..again }
    }

    /// The same container with some chunks under another tag.
    pub(crate) fn retagged(&self, tags: &[(u64, Tag)]) -> Self {
        let walked = Walked { index: self.index().retagged(tags), ..self.walked.clone() };
        Self::new(self.source.clone(), self.options.clone(), self.header, walked, self.complete)
    }

    fn meta_sidecar(&self) -> Option<&Sidecar<Meta>> {
        let read = |chunk: Chunk| Sidecar { chunk, value: Meta::parse(self.sidecar_payload(&chunk)) };
        self.meta.get_or_init(|| self.sidecar(Tag::META).map(read)).as_ref()
    }

    /// META, if it is there and can be relied on.
    pub fn meta(&self) -> Option<&Meta> {
        self.meta_sidecar().map(|sidecar| &sidecar.value)
    }

    /// The chunk META was read from.
    pub fn meta_chunk(&self) -> Option<Chunk> {
        self.meta_sidecar().map(|sidecar| sidecar.chunk)
    }

    fn safe_sidecar(&self) -> Option<&Sidecar<Document>> {
        let read = |chunk: Chunk| Sidecar { chunk, value: Document::parse(self.sidecar_payload(&chunk)) };
        self.safe.get_or_init(|| self.sidecar(Tag::SAFE).map(read)).as_ref()
    }

    /// SAFE, if it is there and can be relied on.
    pub fn safe(&self) -> Option<&Document> {
        self.safe_sidecar().map(|sidecar| &sidecar.value)
    }

    /// The chunk SAFE was read from.
    pub fn safe_chunk(&self) -> Option<Chunk> {
        self.safe_sidecar().map(|sidecar| sidecar.chunk)
    }

    /// What was done to blocks before they were stored.
    pub fn pipeline(&self) -> &Pipeline {
        self.reader().pipeline()
    }

    /// The keys and the engine that blocks are read with.
    pub(crate) fn reader(&self) -> &Arc<Reader> {
        self.reader.get_or_init(|| {
            let pipeline = match self.layout() {
                Layout::Transport => self.transport_pipeline(),
                Layout::Mux => Pipeline { cipher: None, engine: EngineKind::Stored, masked: false },
            };
            let lost: u64 = self.walked.losses.iter().map(|loss| loss.length / ENCRYPTED_MIN).sum();
            let messages = self.index().blocks().saturating_add(lost).saturating_add(MISSING_MESSAGES);
            Arc::new(Reader::new(pipeline, self.meta(), &self.options, messages))
        })
    }

    /// What META describes; where it says nothing of a cipher, or is not there, a cipher header shows one.
    fn transport_pipeline(&self) -> Pipeline {
        let meta = self.meta();
        let mut pipeline = Pipeline::of(meta);
        let silent = meta.is_none_or(|meta| meta.cipher.is_none() && meta.encrypted != Some(false));
        let mut intact = self.index().with_tag(Tag::CORE).filter(|chunk| !chunk.state.is_damaged());
        let mut shown = || intact.next().is_some_and(|chunk| cipher::Header::parse(self.payload(&chunk)).is_ok());
        if silent && shown() {
            pipeline.cipher = Some(LIVING_CIPHER.to_owned());
        }
        pipeline
    }

    /// Mux: which track a CORE chunk belongs to, and where its block is.
    pub fn routed(&self, chunk: &Chunk) -> Option<(u16, Range<u64>)> {
        let route = self.layout().route(self.bytes(), chunk.payload_offset, chunk.len)?;
        Some((route.track, route.content))
    }

    /// Mux: ids of the tracks that CORE chunks name, ascending.
    pub fn routed_tracks(&self) -> Vec<u16> {
        let cores = self.index().with_tag(Tag::CORE);
        let ids: std::collections::BTreeSet<u16> = cores.filter_map(|c| self.routed(&c).map(|r| r.0)).collect();
        ids.into_iter().collect()
    }

    /// The chunk SEEK is read from.
    pub fn seek_chunk(&self) -> Option<Chunk> {
        *self.seek.get_or_init(|| match self.layout() {
            Layout::Transport => self.sidecar(Tag::SEEK),
            Layout::Mux => None,
        })
    }

    /// The SEEK table, if it can be relied on.
    pub fn seek_table(&self) -> Option<SeekTable<'_>> {
        let rows = SeekRows::transport(self.sidecar_payload(&self.seek_chunk()?))?;
        Some(SeekTable::new(rows, &self.order))
    }

    /// Index of the first block that may be numbered too low, since bytes were lost before it.
    pub fn first_provisional(&self) -> Option<u64> {
        self.walked.losses.first().map(|loss| loss.block)
    }

    /// Where decoded blocks start, from their own run lengths. Reads every block.
    fn decoded_starts(&self) -> Option<&Starts> {
        let certain = self.first_provisional().unwrap_or(u64::MAX);
        let size = |chunk: Chunk| {
            let usable = chunk.block.is_some_and(|b| b < certain) && !chunk.state.is_damaged();
            usable.then(|| self.decoded_len(&chunk)).flatten()
        };
        let countable = matches!(self.pipeline().engine, EngineKind::Rle { .. }) && self.reader().reaches_compressed();
        let sum = || countable.then(|| Starts::new(self.index().with_tag(Tag::CORE).map(size)));
        self.decoded.get_or_init(sum).as_ref()
    }

    /// Decoded sizes that were added up while the blocks were checked.
    pub(crate) fn set_decoded_starts(&self, starts: Option<Starts>) {
        let _ = self.decoded.set(starts);
    }

    /// All that is known about where blocks start.
    pub fn blocks(&self, effort: Effort) -> Blocks<'_> {
        let mut blocks = Blocks::new(self.index(), &self.walked.losses, self.source.len());
        let meta = self.meta();
        blocks.grid = meta.and_then(|meta| meta.block_size);
        blocks.gop = meta.and_then(|meta| meta.gop);
        // The older binary META only has an average.
        blocks.frame_us = meta.filter(|meta| meta.fps_hint.is_some()).and_then(Meta::frame_us);
        let stored = self.index().total(Tag::CORE).map_or(0, |total| total.bytes);
        let affordable = effort == Effort::Full || stored <= CHEAP_BYTES || self.decoded.get().is_some();
        blocks.decoded = if affordable { self.decoded_starts() } else { None };
        blocks
    }

    /// What the offsets of SEEK mean.
    pub fn resolution(&self, effort: Effort) -> &Resolution {
        let resolve = || match self.seek_table() {
            Some(table) => self.blocks(effort).resolve(&table, self.options.meaning),
            None => Resolution::default(),
        };
        match effort {
            Effort::Cheap => self.cheap.get_or_init(resolve),
            Effort::Full => self.full.get_or_init(resolve),
        }
    }

    /// When blocks are shown, where that is known.
    pub fn timeline(&self) -> Option<Timeline> {
        *self.timeline.get_or_init(|| self.find_timeline())
    }

    fn find_timeline(&self) -> Option<Timeline> {
        let blocks = self.index().blocks();
        let meta = self.meta();
        let source = match meta {
            Some(meta) if meta.fps_hint.is_some() => FrameSource::FpsHint,
            _ => FrameSource::BinaryMeta,
        };
        if let Some(frame_us) = meta.and_then(Meta::frame_us).filter(|us| *us > 0) {
            return Some(Timeline { frame_us, source, blocks });
        }
        let frame_us = self.frame_from_seek()?;
        Some(Timeline { frame_us, source: FrameSource::Seek, blocks })
    }

    /// The duration of a frame under which every SEEK entry has its block's time.
    fn frame_from_seek(&self) -> Option<u64> {
        let (fit, table) = (self.resolution(Effort::Cheap).best.filter(|fit| fit.misses == 0)?, self.seek_table()?);
        let blocks = self.blocks(Effort::Cheap);
        let mut frame = None;
        for entry in table.rows.iter() {
            match blocks.landing(fit.meaning, fit.basis, entry.offset) {
                Landing::Block(0) if entry.pts_us == 0 => {}
                Landing::Block(block) if block > 0 && entry.pts_us % block == 0 => {
                    let us = entry.pts_us / block;
                    if us == 0 || *frame.get_or_insert(us) != us {
                        return None;
                    }
                }
                _ => return None,
            }
        }
        frame
    }

    /// A TIME as µs.
    pub fn time_us(&self, time: Time) -> Result<u64, SeekError> {
        match time {
            Time::Us(us) => Ok(us),
            Time::Percent(percent) => {
                let duration = self.duration_us().ok_or(SeekError::NoTimeline("a percentage"))?;
                Ok((duration as f64 * percent / 100.0) as u64)
            }
            Time::Block(block) => {
                self.block(block)?;
                self.pts_us(block).ok_or(SeekError::NoTimeline("a block number"))
            }
        }
    }

    /// When a block is shown, in µs: by the track index, or by the frame rate.
    pub fn pts_us(&self, block: u64) -> Option<u64> {
        match self.tracks().filter(|tracks| tracks.indexed) {
            Some(tracks) => tracks.of_block(block).map(|(_, block)| block.pts_us),
            None => self.timeline().map(|timeline| timeline.pts_us(block)),
        }
    }

    /// When the last block ends, in µs; with tracks, when it begins, since more is not stored.
    pub fn duration_us(&self) -> Option<u64> {
        match self.tracks().filter(|tracks| tracks.indexed) {
            Some(tracks) => tracks.last_pts_us(),
            None => self.timeline().map(|timeline| timeline.duration_us()),
        }
    }

    /// The entry that answers a timestamp, and the block it really is: from the track asked for, else from SEEK if it
    /// has entries, else from the first track.
    pub fn seek(&self, pts_us: u64, track: Option<&str>) -> Result<SeekAnswer, SeekError> {
        if let Some(id) = track {
            let found = self.tracks().and_then(|tracks| tracks.by_id(id));
            let escaped = || super::text::escape(id).into_owned();
            return self.seek_track(found.ok_or_else(|| SeekError::NoTrack(escaped()))?, pts_us);
        }
        if self.seek_table().is_none_or(|table| table.rows.is_empty())
            && let Some(first) = self.tracks().and_then(|tracks| tracks.list.first())
        {
            return self.seek_track(first, pts_us);
        }
        self.seek_in_table(pts_us)
    }

    fn seek_in_table(&self, pts_us: u64) -> Result<SeekAnswer, SeekError> {
        let why = || match (self.index().total(Tag::SEEK), self.seek_chunk()) {
            (None, _) => ": the container has no SEEK chunk".to_owned(),
            (Some(_), None) => ": its SEEK chunk is damaged".to_owned(),
            _ => ": SEEK is empty".to_owned(),
        };
        let table = self.seek_table().ok_or_else(|| SeekError::NoTable(why()))?;
        let (entry_index, entry) = table.at(pts_us).ok_or_else(|| SeekError::NoTable(why()))?;
        let fit = self.resolution(Effort::Full).best;
        let block = fit.and_then(|fit| self.landed(&fit, entry, Effort::Full));
        let before_first = pts_us < entry.pts_us;
        let chain = block.zip(self.timeline()).map(|(keyframe, timeline)| match timeline.block_at(pts_us) {
            Some(last) if !before_first => (keyframe..=last.max(keyframe)).collect(),
            _ => Vec::new(),
        });
        Ok(SeekAnswer {
            pts_us,
            entry_index,
            entry,
            block,
            meaning: fit.map(|fit| fit.meaning),
            before_first,
            track: None,
            scanned: false,
            chain,
            provisional: self.is_provisional(block),
        })
    }

    fn is_provisional(&self, block: Option<u64>) -> bool {
        block.zip(self.first_provisional()).is_some_and(|(block, first)| block >= first)
    }

    /// The answer from a track's own table, or from its blocks where it has none.
    fn seek_track(&self, track: &Track, pts_us: u64) -> Result<SeekAnswer, SeekError> {
        let answer = |entry_index, entry: SeekEntry, block, meaning, scanned| SeekAnswer {
            pts_us,
            entry_index,
            entry,
            block,
            meaning,
            before_first: pts_us < entry.pts_us,
            track: Some(track.id.clone()),
            scanned,
            chain: (!track.blocks.is_empty()).then(|| track.chain(pts_us)),
            provisional: self.is_provisional(block),
        };
        if let Some((place, entry)) = track.seek_table(self).and_then(|table| table.at(pts_us)) {
            let meaning = if self.layout() == Layout::Mux { Meaning::Payload } else { Meaning::Index };
            return Ok(answer(place, entry, track.entry_block(self, entry), Some(meaning), false));
        }
        let keyframes = || (0..).zip(track.keyframes());
        let last =
            keyframes().filter(|(_, block)| block.pts_us <= pts_us).max_by_key(|(at, block)| (block.pts_us, *at));
        let found = last.or_else(|| keyframes().min_by_key(|(at, block)| (block.pts_us, *at)));
        let why = || format!(": track \"{}\" has neither a table nor a keyframe", super::text::escape(&track.id));
        let (at, keyframe) = found.ok_or_else(|| SeekError::NoTable(why()))?;
        let entry = SeekEntry { pts_us: keyframe.pts_us, offset: keyframe.block };
        Ok(answer(at, entry, Some(keyframe.block), None, true))
    }

    fn landed(&self, fit: &Fit, entry: SeekEntry, effort: Effort) -> Option<u64> {
        match self.blocks(effort).landing(fit.meaning, fit.basis, entry.offset) {
            Landing::Block(block) => Some(block),
            Landing::Nowhere | Landing::Unknown => None,
        }
    }

    /// The block that the SEEK entry at a place as stored lands on.
    pub fn entry_block(&self, place: u64) -> Option<u64> {
        let fit = self.resolution(Effort::Cheap).best?;
        self.landed(&fit, self.seek_table()?.rows.get(place)?, Effort::Cheap)
    }

    /// The SEEK entry that lands on a block. O(log entries), after one look at all of them.
    pub fn keyframe(&self, block: u64) -> Option<Keyframe> {
        let (table, fit) = (self.seek_table()?, self.resolution(Effort::Cheap).best?);
        let keyframe = |rank: u64| {
            let place = table.place(rank)?;
            Some(Keyframe { rank, place, entry: table.rows.get(place)? })
        };
        let gop = self.meta().and_then(|meta| meta.gop).filter(|_| fit.agreement == table.rows.len());
        if let Some(gop) = gop {
            return keyframe(block / gop).filter(|_| block.is_multiple_of(gop));
        }
        let by_block = self.keyframes.get_or_init(|| {
            let blocks = self.blocks(Effort::Cheap);
            let landed = |(rank, entry): (usize, SeekEntry)| match blocks.landing(fit.meaning, fit.basis, entry.offset)
            {
                Landing::Block(block) => Some((block, rank as u64)),
                _ => None,
            };
            let mut landed: Vec<(u64, u64)> = table.in_order().enumerate().filter_map(landed).collect();
            landed.sort_unstable();
            Some(landed)
        });
        let by_block = by_block.as_ref()?;
        let at = by_block.partition_point(|(landed, _)| *landed < block);
        let (_, rank) = by_block.get(at).filter(|(landed, _)| *landed == block)?;
        keyframe(*rank)
    }

    /// Whether decoding can begin at a block: the track index says so, or a SEEK entry lands on it.
    pub fn is_keyframe(&self, block: u64) -> bool {
        match self.tracks().filter(|tracks| tracks.indexed) {
            Some(tracks) => tracks.of_block(block).is_some_and(|(_, block)| block.keyframe),
            None => self.keyframe(block).is_some(),
        }
    }

    /// A block as stored, with its CRC recomputed.
    pub fn block(&self, index: u64) -> Result<Stored<'_>, BlockError> {
        let chunk = self.block_chunk(index)?;
        Ok(Stored {
            chunk,
            bytes: self.stored_bytes(&chunk),
            stored_crc: self.stored_crc(&chunk),
            computed_crc: self.computed_crc(&chunk).unwrap_or_default(),
        })
    }

    fn block_chunk(&self, index: u64) -> Result<Chunk, BlockError> {
        let blocks = self.index().blocks();
        self.index().block(index).ok_or(BlockError::OutOfRange { index, blocks })
    }

    /// A CORE chunk's block; in the mux layout what follows its H4TB header.
    pub(crate) fn stored_bytes(&self, chunk: &Chunk) -> &[u8] {
        let content = self.routed(chunk).map_or(chunk.payload_offset..chunk.payload_offset + chunk.len, |r| r.1);
        available(self.bytes(), content.start, content.end - content.start)
    }

    fn place(&self, chunk: &Chunk) -> Place<'_> {
        Place {
            stored: self.stored_bytes(chunk),
            block: chunk.block.unwrap_or(0),
            offset: chunk.offset,
            provisional: self.is_provisional(chunk.block),
        }
    }

    /// A block's content: decrypted, decoded, and unmasked if there is a key. Fails where it can't be decoded.
    pub fn decode(&self, stored: &Stored<'_>) -> Result<Content, BlockError> {
        self.reader().content(&self.place(&stored.chunk))
    }

    /// As [`decode`](Self::decode), in place of what `content` held: for many blocks in a row, whose room is used again.
    pub fn decode_into(&self, content: &mut Vec<u8>, stored: &Stored<'_>) -> Result<Stage, BlockError> {
        let pipeline = self.pipeline();
        let plain = pipeline.is_plain_rle() && !pipeline.masked;
        if plain && rle::decode_into(content, stored.bytes, self.options.max_block_size).is_ok() {
            return Ok(Stage::Plain);
        }
        let decoded = self.decode(stored)?;
        *content = decoded.bytes;
        Ok(decoded.stage)
    }

    /// A block's bytes in the form asked for.
    pub fn block_bytes(&self, index: u64, form: Form) -> Result<(Stored<'_>, Content), BlockError> {
        let stored = self.block(index)?;
        let content = match form {
            Form::Raw => Content { bytes: stored.bytes.to_vec(), stage: Stage::Stored, provisional: false },
            Form::Decoded => self.decode(&stored)?,
        };
        Ok((stored, content))
    }

    /// How a block's content is had with the keys and the engines there are, or why it can't be.
    pub fn reading(&self, index: u64) -> Result<Reading, BlockError> {
        let chunk = self.block_chunk(index)?;
        self.reader().reading(&self.place(&chunk))
    }

    /// A block's content as from [`decode`](Self::decode), kept for the next time. Its CRC is not looked at.
    pub fn content(&self, index: u64) -> Result<Arc<Content>, BlockError> {
        let chunk = self.block_chunk(index)?;
        self.cache.content(index, || self.reader().content(&self.place(&chunk)))
    }

    /// Bytes `start..start + len` of a block in the last form that can be read: where it can't be decoded, what it was
    /// decrypted to, or what is stored, and why. Costs no more than the window where the engine can read parts, as the
    /// reference engine can, be the block ever so large. Its CRC is not looked at. Fails only where there is no such
    /// block.
    pub fn window(&self, index: u64, start: u64, len: usize) -> Result<Window, BlockError> {
        let chunk = self.block_chunk(index)?;
        let (reader, place) = (self.reader(), self.place(&chunk));
        let part = self.cache.part(index, || reader.part(&place, || self.content(index)));
        Ok(reader.window(place.stored, &part, start, len))
    }

    /// How many bytes a block decodes to, counted without decoding it; `None` where that can't be told.
    pub fn decoded_len(&self, chunk: &Chunk) -> Option<u64> {
        self.reader().decoded_len(&self.place(chunk))
    }

    /// The number that a block had when it was written, where that is certain: blocks before it may be lost, and only
    /// a cipher counts those.
    pub fn written_number(&self, block: u64) -> Option<u64> {
        let chunk = self.index().block(block)?;
        if self.pipeline().is_living_cipher() {
            let header = cipher::Header::parse(self.payload(&chunk)).ok().filter(|_| self.is_intact(&chunk));
            return header.map(|(header, _)| header.counter);
        }
        (!self.is_provisional(Some(block))).then_some(block)
    }

    /// The compatibility layer's manifest.
    pub fn manifest(&self) -> Value {
        self.manifest_with(self.manifest_table().map_or_else(Vec::new, |table| {
            table.rows.iter().map(|e| json!({"pts_us": e.pts_us, "block_offset": e.offset})).collect()
        }))
    }

    /// The manifest without the entries of `seek`, which are those of [`manifest_table`](Self::manifest_table): for whoever
    /// does not want millions of them at once.
    pub fn manifest_outline(&self) -> Value {
        self.manifest_with(Vec::new())
    }

    /// The table that is the manifest's `seek`: SEEK if it has entries, else the first track's.
    pub fn manifest_table(&self) -> Option<SeekTable<'_>> {
        let first = || self.tracks().and_then(|tracks| tracks.list.first()?.seek_table(self));
        self.seek_table().filter(|table| !table.rows.is_empty()).or_else(first)
    }

    /// The chunk that holds [`manifest_table`](Self::manifest_table); `None` where a track's table is packed into META.
    pub fn manifest_table_chunk(&self) -> Option<Chunk> {
        match self.seek_table() {
            Some(table) if !table.rows.is_empty() => self.seek_chunk(),
            _ => self.tracks()?.list.first()?.table_chunk(),
        }
    }

    fn manifest_with(&self, entries: Vec<Value>) -> Value {
        let meta = self.meta();
        let text = |field: Option<&String>, default: &str| field.map_or(default, String::as_str).to_owned();
        let object = |value: Option<&Value>| value.cloned().unwrap_or_else(|| Value::Object(Map::new()));
        let compression = meta.and_then(|meta| meta.document.object()?.get("compression"));
        json!({
            "container": "H4MK",
            "project": text(meta.and_then(|meta| meta.project.as_ref()), "HarmonyØ4"),
            "domain": text(meta.and_then(|meta| meta.domain.as_ref()), "video-transport"),
            "blocks": self.index().blocks(),
            "seek": entries,
            "compression": object(compression),
            "safe": object(self.safe().and_then(|safe| safe.value.as_ref())),
        })
    }

    /// Recomputes the digest in VERI.
    pub fn verify(&self, task: &Task) -> Result<Verification, Cancelled> {
        task.set_total(self.index().first(Tag::VERI).map_or(0, |chunk| chunk.offset));
        veri::verify(self, None, task)
    }
}
