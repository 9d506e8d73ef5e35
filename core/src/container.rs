//! [`Container`]: an H4MK file, open. The one door to everything the core knows about it.

mod blocks;
mod content;
mod doubt;
mod loader;
mod looked;
mod manifest;
mod moment;
mod seeking;
mod traceless;
mod tracks;
mod unread;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::block::{Cache, EngineKind, LIVING_CIPHER, Pipeline, Reader};
use super::bytes::Bytes;
use super::codec::cipher;
use super::hash::Overlay;
use super::index::{Chunk, Index, State, Tag};
use super::json::Document;
use super::layout::{ChunkHeader, FileHeader, HeadError, Layout};
use super::meta::Meta;
use super::numbering::Numbering;
use super::seek::{Resolution, Starts};
use super::source::Source;
use super::task::{Cancelled, Task};
use super::timeline::{Span, Timeline};
use super::tracks::Tracks;
use super::walk::{Depth, Loss, Walked};

pub use super::options::Options;
pub use blocks::{Block, Blocks};
pub use loader::{GrowError, Loader};
pub(crate) use looked::Looked;
pub use moment::{Moment, Plays};
use seeking::Keyframes;
pub use seeking::{CHEAP_BYTES, Effort, Keyframe, SeekAnswer, SeekError};
pub use unread::UnreadMeta;

/// Why a container can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It is none.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// Opening was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Bytes of the smallest chunk that holds an encrypted block: how many can stand where bytes were lost.
const ENCRYPTED_MIN: u64 = 106;
/// Messages that may be missing without a trace, taken out of the file as whole chunks. A counter beyond is refused: it
/// would cost more than the second that so many take.
const MISSING_MESSAGES: u64 = 1 << 20;

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
    unread_meta: OnceLock<Option<UnreadMeta>>,
    seek: OnceLock<Option<Chunk>>,
    tracks: OnceLock<Option<Tracks>>,
    order: OnceLock<Option<Vec<u32>>>,
    decoded: OnceLock<Option<Starts>>,
    cheap: OnceLock<Resolution>,
    full: OnceLock<Resolution>,
    keyframes: OnceLock<Option<Keyframes>>,
    timeline: OnceLock<Option<Timeline>>,
    span: OnceLock<Option<Span>>,
    gaps: OnceLock<Vec<Loss>>,
    counted: OnceLock<Numbering>,
    numbering: OnceLock<Numbering>,
    looked: OnceLock<Looked>,
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
            unread_meta: OnceLock::new(),
            seek: OnceLock::new(),
            tracks: OnceLock::new(),
            order: OnceLock::new(),
            decoded: OnceLock::new(),
            cheap: OnceLock::new(),
            full: OnceLock::new(),
            keyframes: OnceLock::new(),
            timeline: OnceLock::new(),
            span: OnceLock::new(),
            gaps: OnceLock::new(),
            counted: OnceLock::new(),
            numbering: OnceLock::new(),
            looked: OnceLock::new(),
        }
    }

    /// The file.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// All bytes of the file.
    pub fn bytes(&self) -> Bytes<'_> {
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
    pub fn payload(&self, chunk: &Chunk) -> Bytes<'_> {
        self.bytes().available(chunk.payload_offset, chunk.len)
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
        match self.state(chunk) {
            State::Unchecked => {
                let intact = self.stored_crc(chunk).is_some_and(|crc| self.computed_crc(chunk) == Some(crc));
                self.record(chunk, intact);
                intact
            }
            state => state.is_intact(),
        }
    }

    fn record(&self, chunk: &Chunk, intact: bool) {
        let looked = self.looked.get().filter(|_| chunk.state == State::Unchecked && self.is_indexed(chunk));
        if let Some(looked) = looked {
            looked.record(self.index(), chunk, if intact { State::Intact } else { State::CrcMismatch });
        }
    }

    /// What is known of a chunk's CRC: from the walk, or recomputed since by [`is_intact`](Self::is_intact), where that is
    /// [remembered](Self::remember).
    pub fn state(&self, chunk: &Chunk) -> State {
        match (chunk.state, self.looked.get()) {
            (State::Unchecked, Some(looked)) if self.is_indexed(chunk) => looked.state(self.index(), chunk),
            (state, _) => state,
        }
    }

    /// A chunk at the end of a file that is still being walked has no place in the index yet.
    fn is_indexed(&self, chunk: &Chunk) -> bool {
        self.index().chunk(chunk.index).is_some_and(|own| own.offset == chunk.offset)
    }

    /// Remembers from now on which CRCs were recomputed, and what they came to. Costs a look at the index, and the CRCs of
    /// the chunks that everything else is read from.
    pub fn remember(&self) {
        _ = self.looked();
    }

    /// What CRCs came to.
    pub(crate) fn looked(&self) -> &Looked {
        if let Some(looked) = self.looked.get() {
            return looked;
        }
        _ = self.looked.set(Looked::new(self.index()));
        for tag in [Tag::META, Tag::SAFE, Tag::SEEK, Tag::TRAK] {
            _ = self.sidecar(tag);
        }
        for chunk in self.index().with_tag(Tag::TSEK) {
            _ = self.is_intact(&chunk);
        }
        self.looked.get_or_init(|| Looked::new(self.index()))
    }

    /// How many chunks have been looked at.
    pub fn looked_at(&self) -> u64 {
        self.looked().count()
    }

    /// Recomputes the CRC of every chunk that nobody has looked at. The task is only asked whether to go on.
    pub fn look_at_all(&self, task: &Task) -> Result<(), Cancelled> {
        self.remember();
        for chunk in self.index().iter() {
            task.check()?;
            _ = self.is_intact(&chunk);
        }
        Ok(())
    }

    /// Remembers what another reading of the same file has looked at, as far as its chunks are this one's too.
    pub fn adopt(&self, before: &Self) {
        let (mine, others) = (self.index(), before.index());
        let last = others.len().checked_sub(1).and_then(|last| others.chunk(last));
        let same =
            |chunk: Chunk| mine.chunk(chunk.index).is_some_and(|own| Chunk { state: chunk.state, ..own } == chunk);
        if !self.is_checked() && before.looked.get().is_some() && last.is_some_and(same) {
            self.looked().adopt(before.looked());
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

    /// The payload of a sidecar, mended where its damage was located and confirmed.
    pub fn sidecar_payload(&self, chunk: &Chunk) -> Bytes<'_> {
        self.mended.get(&chunk.index).map_or_else(|| self.payload(chunk), Into::into)
    }

    /// Reads damaged sidecars through `overlay`, where that is proven to be what they were.
    pub(crate) fn mend(&mut self, overlay: &Overlay, is_proven: impl Fn(&Self, &Chunk) -> bool) {
        let damaged = |chunk: &Chunk| chunk.tag != Tag::CORE && chunk.state == State::CrcMismatch;
        let mend =
            |chunk: Chunk| (chunk.index, overlay.apply(chunk.payload_offset, self.payload(&chunk).read()).into_owned());
        let proven = self.index().iter().filter(|chunk| damaged(chunk) && is_proven(self, chunk));
        self.mended = proven.map(mend).collect();
    }

    /// The same container read with other options, such as a key that was given later. Nothing is walked again.
    pub fn with_options(&self, options: Options) -> Self {
        let again = Self::new(self.source.clone(), options, self.header, self.walked.clone(), self.complete);
        let again = Self { mended: self.mended.clone(), ..again };
        again.adopt(self);
        again
    }

    /// The same container, read with `payload` in place of its sidecar of that tag, which is damaged or missing.
    pub(crate) fn with_sidecar(&self, tag: Tag, payload: Vec<u8>) -> Self {
        let mut other = self.with_options(self.options.clone());
        let at = self.index().first(tag).unwrap_or(Chunk {
            index: u64::MAX,
            tag,
            offset: self.source.len(),
            payload_offset: self.source.len(),
            len: 0,
            end: self.source.len(),
            state: State::Intact,
            block: None,
        });
        if at.index == u64::MAX {
            other.ahead.push(at);
        }
        other.mended.insert(at.index, payload);
        other
    }

    /// The same container with some chunks under another tag, and a finding for each.
    pub(crate) fn retagged(&self, tags: &[(u64, Tag)]) -> Self {
        let walked = self.walked.retagged(tags);
        Self::new(self.source.clone(), self.options.clone(), self.header, walked, self.complete)
    }

    /// Mux: the file has no closing CRC after the last chunk.
    pub(crate) fn lacks_closing_crc(&self) -> bool {
        self.layout().closing_len() > 0 && self.walked.closing_crc.is_none()
    }

    /// The same container without what [`mend`](Self::mend) took into account: every sidecar is read as it is stored.
    pub(crate) fn without_mends(&self) -> Self {
        Self::new(self.source.clone(), self.options.clone(), self.header, self.walked.clone(), self.complete)
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

    /// Whether blocks are masked, and there is a key to unmask them with.
    pub fn can_unmask(&self) -> bool {
        self.reader().can_unmask()
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
        let mut shown = || intact.next().is_some_and(|chunk| cipher::counter(self.payload(&chunk)).is_some());
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
}
