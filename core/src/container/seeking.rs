//! From a timestamp to a block: what SEEK's offsets mean, when blocks are shown, and which of them are keyframes.

use super::Container;
use crate::block::{BlockError, EngineKind};
use crate::index::{Chunk, Tag};
use crate::layout::{Layout, SeekEntry, SeekRows};
use crate::meta::Meta;
use crate::numbering::{Found, Numbering};
use crate::seek::{Basis, BlockStarts, Fit, Landing, Meaning, Resolution, SeekTable, Starts};
use crate::text::escape;
use crate::time::Time;
use crate::timeline::{FrameSource, Span, Timeline};
use crate::tracks::{Track, TrackBlock};

/// Why a timestamp has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeekError {
    /// There is no table to look it up in.
    #[error("there is no SEEK entry to use{0}")]
    NoTable(String),
    /// The timestamp needs a duration or frame rate that is not known.
    #[error("{what} needs the times of blocks, which are not known: {why}")]
    NoTimeline {
        /// What needs it.
        what: &'static str,
        /// See [`Container::why_untimed`].
        why: String,
    },
    /// There is no such track.
    #[error("there is no track \"{id}\"; {known}")]
    NoTrack {
        /// What was asked for, escaped.
        id: String,
        /// Which there are, see [`Container::known_tracks`].
        known: String,
    },
    /// There is no such block.
    #[error(transparent)]
    Block(#[from] BlockError),
}

/// The answer to a timestamp.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
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
    /// The timestamp is before the first entry, which is used anyway.
    pub before_first: bool,
    /// The track whose table answered.
    pub track: Option<String>,
    /// The answer was found by looking at all blocks of the track: it has no table, or that leads elsewhere.
    pub scanned: bool,
    /// What the track's table answers instead: it leaves the keyframe out, or is wrong about it.
    pub passed_over: Option<SeekEntry>,
    /// Blocks to decode for what is shown at the timestamp, where the time of blocks is known.
    pub chain: Option<Vec<u64>>,
    /// Bytes were lost before the block, or before one of its chain: those indices may be too low.
    pub provisional: bool,
    /// The entry leads to where bytes were lost, or past them: which block is there can't be told.
    pub lost: bool,
}

/// A SEEK entry that is the keyframe of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keyframe {
    /// Rank of the entry by pts.
    pub rank: u64,
    /// Its place as stored.
    pub place: u64,
    /// The entry.
    pub entry: SeekEntry,
}

/// The blocks that SEEK's entries land on, and the ranks of these entries by pts.
#[derive(Debug)]
pub(super) enum Keyframes {
    /// Every so many blocks one, for as many entries as there are.
    Every { gop: u64, entries: u64 },
    /// Block and rank, ascending.
    Listed(Vec<(u64, u64)>),
}

impl Keyframes {
    fn rank(&self, block: u64) -> Option<u64> {
        match self {
            Self::Every { gop, entries } => {
                block.is_multiple_of(*gop).then(|| block.checked_div(*gop))?.filter(|rank| rank < entries)
            }
            Self::Listed(landed) => {
                let at = landed.partition_point(|(other, _)| *other < block);
                landed.get(at).filter(|(other, _)| *other == block).map(|(_, rank)| *rank)
            }
        }
    }
}

/// How hard to look for an answer that may need payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Reads no more than [`CHEAP_BYTES`] of blocks.
    Cheap,
    /// Reads all that is needed.
    Full,
}

/// How many bytes of blocks are read where no payload should be: less than takes a noticeable time.
pub const CHEAP_BYTES: u64 = 16 << 20;

impl Container {
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

    /// Index of the first block that may be numbered too low, since bytes were lost before it, or blocks without a trace.
    pub fn first_provisional(&self) -> Option<u64> {
        self.losses().first().map(|loss| loss.block)
    }

    /// The numbers that blocks had when they were written, as far as cipher counters tell.
    fn counted(&self) -> &Numbering {
        self.counted.get_or_init(|| {
            const LOOKED_AT: u64 = 4;
            let index = self.index();
            let mut numbering = Numbering::new(self.losses(), index.blocks());
            if self.losses().is_empty() || !self.pipeline().is_living_cipher() {
                return numbering;
            }
            let counter = |block: u64| Some((block, self.counter(block)?));
            let starts: Vec<u64> = numbering.unsettled().collect();
            let ends = starts.iter().skip(1).copied().chain([index.blocks()]);
            let runs = starts.iter().zip(ends).map(|(start, end)| *start..end.min(start + LOOKED_AT));
            let counters: Vec<_> = runs.filter_map(|mut run| run.find_map(counter)).collect();
            numbering.settle(counters.into_iter());
            numbering
        })
    }

    /// The numbers that blocks had when they were written, as far as cipher counters or SEEK tell: an entry that leads to
    /// a place in the file says by its time which block was there.
    pub fn numbering(&self) -> &Numbering {
        self.numbering.get_or_init(|| {
            let mut numbering = self.counted().clone();
            let fit = || self.resolution(Effort::Cheap).best;
            let Some((fit, table)) = (!self.losses().is_empty()).then(fit).flatten().zip(self.seek_table()) else {
                return numbering;
            };
            let blocks = self.starts(Effort::Cheap);
            // Content may start late.
            let first = table.in_order().next();
            let lands_first = |e: &SeekEntry| blocks.landing(fit.meaning, fit.basis, e.offset) == Landing::Block(0);
            let start_us = first.filter(lands_first).map_or(0, |entry| entry.pts_us);
            let by_time = |entry: SeekEntry| {
                let frame_us = blocks.frame_us.filter(|us| *us > 0)?;
                let after = entry.pts_us.checked_sub(start_us)?;
                after.is_multiple_of(frame_us).then_some(after / frame_us)
            };
            let written = |rank: u64, entry: SeekEntry| match (blocks.frame_us, blocks.gop) {
                (Some(_), Some(gop)) => by_time(entry).filter(|block| block.is_multiple_of(gop)),
                (Some(_), None) => by_time(entry),
                (None, gop) => rank.checked_mul(gop?),
            };
            let landed = |(rank, entry): (u64, SeekEntry)| match blocks.landing(fit.meaning, fit.basis, entry.offset) {
                Landing::Block(block) => Some((block, written(rank, entry)?)),
                Landing::Nowhere | Landing::Unknown => None,
            };
            if matches!(fit.meaning, Meaning::Chunk | Meaning::Payload) {
                let first = self.first_provisional().unwrap_or(u64::MAX);
                let numbers: Vec<(u64, u64)> = (0..).zip(table.in_order()).filter_map(landed).collect();
                // Where META is wrong about blocks before any loss, it says nothing about those after one.
                if numbers.iter().all(|(found, written)| *found >= first || found == written) {
                    numbering.settle(numbers.into_iter().filter(|(found, _)| *found >= first));
                }
            }
            numbering
        })
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
    pub fn starts(&self, effort: Effort) -> BlockStarts<'_> {
        let mut blocks = BlockStarts::new(self.index(), self.losses(), self.source.len());
        let meta = self.meta();
        blocks.grid = meta.and_then(|meta| meta.block_size);
        blocks.gop = meta.and_then(|meta| meta.gop);
        blocks.numbering = (!self.losses().is_empty()).then(|| self.counted());
        // The older binary META only has an average.
        blocks.frame_us = meta.filter(|meta| meta.fps_hint.is_some()).and_then(Meta::frame_us);
        let stored = self.index().total(Tag::CORE).map_or(0, |total| total.bytes);
        let affordable = effort == Effort::Full || stored <= CHEAP_BYTES || self.decoded.get().is_some();
        blocks.decoded = if affordable { self.decoded_starts() } else { None };
        blocks
    }

    /// What it takes of that to follow offsets that have this meaning.
    fn blocks_for(&self, fit: &Fit, effort: Effort) -> BlockStarts<'_> {
        self.starts(if fit.basis == Basis::Sums { effort } else { Effort::Cheap })
    }

    /// What the offsets of SEEK mean. Blocks are read only where that may change the answer.
    pub fn resolution(&self, effort: Effort) -> &Resolution {
        let resolve = || match self.seek_table() {
            Some(table) => self.starts(effort).resolve(&table, self.options.meaning),
            None => Resolution::default(),
        };
        match effort {
            Effort::Cheap => self.cheap.get_or_init(resolve),
            Effort::Full => Some(self.resolution(Effort::Cheap))
                .filter(|cheap| cheap.is_settled())
                .unwrap_or_else(|| self.full.get_or_init(resolve)),
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
            let start_us = self.start_from_seek(frame_us).unwrap_or(0);
            return Some(Timeline { start_us, frame_us, source, blocks });
        }
        let (start_us, frame_us) = self.line_from_seek()?;
        Some(Timeline { start_us, frame_us, source: FrameSource::Seek, blocks })
    }

    /// The blocks that SEEK's entries lead to, each with its pts; `None` where one leads to none, or nobody knows.
    fn landed_entries(&self) -> Option<impl Iterator<Item = Option<(u64, u64)>> + '_> {
        let (fit, table) = (self.resolution(Effort::Cheap).best.filter(|fit| fit.misses == 0)?, self.seek_table()?);
        let blocks = self.starts(Effort::Cheap);
        Some((0..table.rows.len()).map(move |row| {
            let entry = table.rows.get(row)?;
            match blocks.landing(fit.meaning, fit.basis, entry.offset) {
                Landing::Block(block) => Some((block, entry.pts_us)),
                Landing::Nowhere | Landing::Unknown => None,
            }
        }))
    }

    /// When block 0 is shown, where SEEK says that it isn't at 0 and every entry agrees with that.
    fn start_from_seek(&self, frame_us: u64) -> Option<u64> {
        if self.seek_table()?.in_order().next()?.pts_us == 0 {
            return Some(0);
        }
        let (mut start, mut has_first) = (None, false);
        for landed in self.landed_entries()? {
            let (block, pts_us) = landed?;
            let from = pts_us.checked_sub(block.checked_mul(frame_us)?)?;
            if *start.get_or_insert(from) != from {
                return None;
            }
            has_first |= block == 0;
        }
        start.filter(|_| has_first)
    }

    /// When block 0 is shown, and the duration of a frame under which every SEEK entry has its block's time. Where one
    /// block is all there is to go by, the first one is shown at 0.
    fn line_from_seek(&self) -> Option<(u64, u64)> {
        let (mut first, mut line) = (None, None);
        for landed in self.landed_entries()? {
            let at = landed?;
            let &mut from = first.get_or_insert(at);
            if at.0 != from.0 && line.is_none() {
                line = Some(line_through(from, at)?);
            }
            let fits = |(start, frame): (u64, u64)| at.0.checked_mul(frame)?.checked_add(start);
            let expected = if at.0 == from.0 { Some(from.1) } else { line.and_then(fits) };
            if expected != Some(at.1) {
                return None;
            }
        }
        line.or_else(|| line_through((0, 0), first?))
    }

    /// A TIME as µs.
    pub fn time_us(&self, time: Time) -> Result<u64, SeekError> {
        match time {
            Time::Us(us) => Ok(us),
            Time::Percent(percent) => Ok(self.span().ok_or_else(|| self.untimed("a percentage"))?.at_percent(percent)),
            Time::Block(block) => {
                self.stored(block)?;
                self.pts_us(block).ok_or_else(|| self.untimed("a block number"))
            }
        }
    }

    fn untimed(&self, what: &'static str) -> SeekError {
        SeekError::NoTimeline { what, why: self.why_untimed() }
    }

    /// Why it is not known when blocks are shown.
    pub fn why_untimed(&self) -> String {
        match self.unread_meta() {
            _ if self.index().blocks() == 0 => "there are no blocks".to_owned(),
            Some(why) if self.layout() == Layout::Transport => why.to_string(),
            _ if self.layout() == Layout::Mux => "no block says which track it belongs to".to_owned(),
            _ if self.tracks().is_some_and(|tracks| tracks.indexed) => "no track index names it".to_owned(),
            _ if self.meta().is_none() => "there is no META".to_owned(),
            _ => "META has no usable fps_hint".to_owned(),
        }
    }

    /// When a block is shown, in µs: by the track index, or by the frame rate.
    pub fn pts_us(&self, block: u64) -> Option<u64> {
        match self.tracks().filter(|tracks| tracks.indexed) {
            Some(tracks) => tracks.of_block(self.number(block)).map(|(_, block)| block.pts_us),
            None => self.timeline().map(|timeline| timeline.pts_us(self.number(block))),
        }
    }

    /// The number that a block had when it was written; where that is not settled, its own.
    fn number(&self, block: u64) -> u64 {
        match self.layout() {
            Layout::Transport => self.numbering().written(block).unwrap_or(block),
            Layout::Mux => block,
        }
    }

    /// The block that had that number when it was written, as indices of tracks name it: `None` where it was among lost
    /// bytes, and the one that has it now where that can't be told.
    pub fn numbered(&self, number: u64) -> Option<u64> {
        if self.layout() == Layout::Mux || self.losses().is_empty() {
            return Some(number);
        }
        match self.numbering().found(number) {
            Found::At(found) => Some(found),
            Found::Lost => None,
            Found::Unknown => Some(number),
        }
    }

    /// From when to when content lasts, where that is known.
    pub fn span(&self) -> Option<Span> {
        *self.span.get_or_init(|| match self.tracks().filter(|tracks| tracks.indexed) {
            Some(tracks) => tracks.span(),
            None => self.timeline().map(|timeline| timeline.span()),
        })
    }

    /// How long content lasts, in µs.
    pub fn duration_us(&self) -> Option<u64> {
        self.span().map(|span| span.duration_us())
    }

    /// The entry that answers a timestamp, and the block it really is: from the track asked for, else from SEEK if it
    /// has entries, else from the first track.
    pub fn seek(&self, pts_us: u64, track: Option<&str>) -> Result<SeekAnswer, SeekError> {
        if let Some(id) = track {
            let found = self.tracks().and_then(|tracks| tracks.by_id(id));
            let refuse = || SeekError::NoTrack { id: escape(id).into_owned(), known: self.known_tracks() };
            return self.seek_track(found.ok_or_else(refuse)?, pts_us);
        }
        if self.seek_table().is_none_or(|table| table.rows.is_empty())
            && let Some(first) = self.tracks().and_then(|tracks| tracks.list.first())
        {
            return self.seek_track(first, pts_us);
        }
        self.seek_in_table(pts_us)
    }

    /// `the tracks are "audio", "video"`: the ids of the tracks, escaped, for a caller that named another one.
    pub fn known_tracks(&self) -> String {
        const SHOWN: usize = 10;
        let list = self.tracks().map_or(&[][..], |tracks| &tracks.list);
        let mut ids: Vec<String> = list.iter().take(SHOWN).map(|track| format!("\"{}\"", escape(&track.id))).collect();
        if list.len() > SHOWN {
            ids.push(format!("and {} more", list.len() - SHOWN));
        }
        match ids.len() {
            0 => "there are no tracks".to_owned(),
            1 => format!("the only track is {}", ids.concat()),
            _ => format!("the tracks are {}", ids.join(", ")),
        }
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
        let landing = fit.map(|fit| self.landing(&fit, entry, Effort::Full));
        let block = match landing {
            Some(Landing::Block(block)) => Some(block),
            _ => None,
        };
        let before_first = pts_us < entry.pts_us;
        let next = || table.next_after(entry_index).and_then(|next| self.landed(&fit?, next, Effort::Full));
        let chain = match block {
            _ if before_first => Some(Vec::new()),
            Some(keyframe) if pts_us == entry.pts_us => Some(vec![keyframe]),
            Some(keyframe) => self.chain_by_time(keyframe, pts_us - entry.pts_us, next()),
            None => None,
        };
        Ok(SeekAnswer {
            pts_us,
            entry_index,
            entry,
            block,
            meaning: fit.map(|fit| fit.meaning),
            before_first,
            track: None,
            scanned: false,
            passed_over: None,
            provisional: self.has_provisional(block, chain.as_deref()),
            lost: self.first_provisional().is_some() && landing == Some(Landing::Unknown),
            chain,
        })
    }

    /// The blocks from a keyframe to the one that is shown so much later, and before the keyframe after that.
    fn chain_by_time(&self, keyframe: u64, later_us: u64, next: Option<u64>) -> Option<Vec<u64>> {
        let timeline = self.timeline()?;
        let steps = later_us / timeline.frame_us.max(1);
        let end = next.filter(|next| *next > keyframe).unwrap_or(timeline.blocks).max(keyframe);
        let numbering = self.numbering();
        let first = numbering.at_least(keyframe);
        // Where blocks are missing, later ones are shown later.
        let is_due = |block: &u64| numbering.at_least(*block).saturating_sub(first) <= steps;
        Some(std::iter::once(keyframe).chain((keyframe + 1..end).take_while(is_due)).collect())
    }

    /// A block's index is not known to be the one it had when it was written, nor which it had.
    pub(super) fn is_provisional(&self, block: u64) -> bool {
        self.first_provisional().is_some_and(|first| block >= first) && self.numbering().written(block).is_none()
    }

    fn has_provisional(&self, block: Option<u64>, chain: Option<&[u64]>) -> bool {
        block.iter().chain(chain.into_iter().flatten()).any(|block| self.is_provisional(*block))
    }

    /// The answer from a track's own table, or from its blocks where it has none. Where both are known the blocks decide.
    fn seek_track(&self, track: &Track, pts_us: u64) -> Result<SeekAnswer, SeekError> {
        let place = |block: u64| self.numbered(block);
        let answer = |entry_index, entry: SeekEntry, block: Option<u64>, meaning, chain: Option<Vec<u64>>| {
            let found = block.and_then(place);
            let chain = chain.map(|chain| chain.into_iter().filter_map(place).collect::<Vec<_>>());
            SeekAnswer {
                pts_us,
                entry_index,
                entry,
                block: found,
                meaning,
                before_first: pts_us < entry.pts_us,
                track: Some(track.id.clone()),
                scanned: false,
                passed_over: None,
                provisional: self.has_provisional(found, chain.as_deref()),
                lost: self.first_provisional().is_some() && found.is_none(),
                chain,
            }
        };
        let keyframe = track.keyframe_at(pts_us);
        let from_table = track.seek_table(self).and_then(|table| table.at(pts_us));
        let meaning = if self.layout() == Layout::Mux { Meaning::Payload } else { Meaning::Index };
        if let Some((place, entry)) = from_table {
            let block = track.entry_block(self, entry);
            let is_early = pts_us < entry.pts_us;
            let chain = match (track.blocks.is_empty(), block) {
                _ if is_early => Some(Vec::new()),
                (true, Some(block)) if pts_us == entry.pts_us => Some(vec![block]),
                (true, _) => None,
                (false, block) => block.map(|block| track.chain_from(block, pts_us)),
            };
            if self.is_trusted(track, keyframe, pts_us, entry, block) {
                return Ok(answer(place, entry, block, Some(meaning), chain));
            }
            if let Some(right) = keyframe.or_else(|| track.first_keyframe()) {
                let chain = track.chain(pts_us);
                let entry_of = SeekEntry { pts_us: right.pts_us, offset: right.block };
                let found = answer(place, entry_of, Some(right.block), None, Some(chain));
                return Ok(SeekAnswer { scanned: true, passed_over: Some(entry), ..found });
            }
            return Ok(answer(place, entry, block, Some(meaning), chain));
        }
        let why = || format!(": track \"{}\" has neither a table nor a keyframe", escape(&track.id));
        let keyframe = keyframe.or_else(|| track.first_keyframe()).ok_or_else(|| SeekError::NoTable(why()))?;
        let at = track.keyframes().take_while(|block| block.block != keyframe.block).count() as u64;
        let entry = SeekEntry { pts_us: keyframe.pts_us, offset: keyframe.block };
        let found = answer(at, entry, Some(keyframe.block), None, Some(track.chain(pts_us)));
        Ok(SeekAnswer { scanned: true, ..found })
    }

    /// Whether an entry of a track's table is the answer to a time, going by what is known of its blocks.
    fn is_trusted(
        &self,
        track: &Track,
        keyframe: Option<&TrackBlock>,
        pts_us: u64,
        entry: SeekEntry,
        block: Option<u64>,
    ) -> bool {
        let Some(tracks) = self.tracks().filter(|tracks| tracks.indexed && !track.blocks.is_empty()) else {
            return true;
        };
        let named = block.and_then(|block| tracks.of_block(block));
        match (keyframe, named) {
            (None, _) if pts_us < entry.pts_us => true,
            (Some(keyframe), Some((owner, block))) if entry.pts_us == keyframe.pts_us => {
                owner.id == track.id && block.keyframe && block.pts_us == entry.pts_us
            }
            // The index has lost the block that the entry means.
            (keyframe, None) => {
                let is_later = keyframe.is_none_or(|keyframe| keyframe.pts_us < entry.pts_us);
                block.is_some() && is_later && (track.incomplete || tracks.nameless)
            }
            _ => false,
        }
    }

    fn landing(&self, fit: &Fit, entry: SeekEntry, effort: Effort) -> Landing {
        self.blocks_for(fit, effort).landing(fit.meaning, fit.basis, entry.offset)
    }

    fn landed(&self, fit: &Fit, entry: SeekEntry, effort: Effort) -> Option<u64> {
        match self.landing(fit, entry, effort) {
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
        let (rank, table) = (self.keyframes()?.rank(block)?, self.seek_table()?);
        let place = table.place(rank)?;
        Some(Keyframe { rank, place, entry: table.rows.get(place)? })
    }

    /// Which blocks SEEK's entries land on, once all of them were looked at.
    fn keyframes(&self) -> Option<&Keyframes> {
        let find = || {
            let (table, fit) = (self.seek_table()?, self.resolution(Effort::Cheap).best?);
            let entries = table.rows.len();
            if let Some(gop) = self.meta().and_then(|meta| meta.gop).filter(|_| fit.agreement == entries) {
                return Some(Keyframes::Every { gop, entries });
            }
            let blocks = self.starts(Effort::Cheap);
            let landed = |(rank, entry): (u64, SeekEntry)| match blocks.landing(fit.meaning, fit.basis, entry.offset) {
                Landing::Block(block) => Some((block, rank)),
                Landing::Nowhere | Landing::Unknown => None,
            };
            let mut landed: Vec<(u64, u64)> = (0..).zip(table.in_order()).filter_map(landed).collect();
            landed.sort_unstable();
            Some(Keyframes::Listed(landed))
        };
        self.keyframes.get_or_init(find).as_ref()
    }

    /// Whether decoding can begin at a block: the track index says so, or a SEEK entry lands on it.
    pub fn is_keyframe(&self, block: u64) -> bool {
        match self.tracks().filter(|tracks| tracks.indexed) {
            Some(tracks) => tracks.of_block(block).is_some_and(|(_, block)| block.keyframe),
            None => self.keyframes().is_some_and(|keyframes| keyframes.rank(block).is_some()),
        }
    }

    /// Finds now what later answers are made of. Then these read no more of the file: [`state`](Self::state),
    /// [`pipeline`](Self::pipeline), [`reading`](Self::reading), [`meta`](Self::meta), [`safe`](Self::safe),
    /// [`tracks`](Self::tracks), [`timeline`](Self::timeline), [`span`](Self::span), [`pts_us`](Self::pts_us),
    /// [`is_keyframe`](Self::is_keyframe), [`unread_meta`](Self::unread_meta), and with [`Effort::Cheap`] [`starts`](Self::starts) and
    /// [`resolution`](Self::resolution).
    pub fn prepare(&self) {
        self.remember();
        _ = (self.pipeline(), self.safe(), self.tracks(), self.numbering(), self.timeline(), self.span());
        _ = (self.resolution(Effort::Cheap), self.starts(Effort::Cheap), self.is_keyframe(0), self.unread_meta());
    }
}

/// The start and the frame, both whole, under which two blocks have these times: `(block, pts_us)`.
fn line_through(a: (u64, u64), b: (u64, u64)) -> Option<(u64, u64)> {
    let (low, high) = if a.0 < b.0 { (a, b) } else { (b, a) };
    let (blocks, us) = (high.0.checked_sub(low.0)?, high.1.checked_sub(low.1)?);
    let frame = us.checked_div(blocks).filter(|frame| *frame > 0 && us.is_multiple_of(blocks))?;
    Some((low.1.checked_sub(low.0.checked_mul(frame)?)?, frame))
}
