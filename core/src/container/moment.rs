//! From a time or a block to what plays then, and to the keyframe that it is decoded from.

use super::{Container, SeekAnswer, SeekError};
use crate::tracks::Track;

/// The block that stands for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plays {
    /// It plays then.
    Now(u64),
    /// Nothing plays yet: it is the first to.
    First(u64),
    /// It is the last one, and began before; where its end is known, it is over.
    Last(u64),
}

impl Plays {
    /// The block.
    pub fn block(self) -> u64 {
        match self {
            Self::Now(block) | Self::First(block) | Self::Last(block) => block,
        }
    }
}

/// A time, and what it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Moment {
    /// The time in µs; `None` of a block that has none.
    pub pts_us: Option<u64>,
    /// The track it is a time of, where there are several.
    pub track: Option<String>,
    /// What plays; `None` where nothing says when blocks play.
    pub plays: Option<Plays>,
    /// The block that decoding begins with; `None` where no keyframe leads there.
    pub keyframe: Option<u64>,
    /// How the keyframe was found, or why it was not.
    pub seek: Result<SeekAnswer, SeekError>,
    /// Bytes were lost before one of the blocks: its number may be too low.
    pub provisional: bool,
}

impl Moment {
    /// The block that stands for the time: what plays or, where that is unknown, the keyframe.
    pub fn block(&self) -> Option<u64> {
        self.plays.map(Plays::block).or(self.keyframe)
    }
}

impl Container {
    /// What plays at a time in µs: in that track, else in the one that [`seek`](Self::seek) answers for.
    pub fn moment(&self, pts_us: u64, track: Option<&str>) -> Moment {
        let seek = self.seek(pts_us, track);
        let indexed = self.tracks().filter(|tracks| tracks.indexed);
        let of_answer = || seek.as_ref().ok().and_then(|answer| answer.track.as_deref());
        let of_keyframe = || {
            let block = seek.as_ref().ok()?.block?;
            Some(indexed?.of_block(block)?.0.id.as_str())
        };
        let first = || indexed.and_then(|tracks| tracks.list.iter().find(|track| !track.blocks.is_empty()));
        let id = track.or_else(of_answer).or_else(of_keyframe).or_else(|| first().map(|track| track.id.as_str()));
        let plays = match indexed {
            Some(tracks) => id.and_then(|id| tracks.by_id(id)).and_then(|track| track.plays(pts_us)),
            None => self.plays(pts_us),
        };
        let answer = seek.as_ref().ok();
        let chained = answer.and_then(|answer| answer.chain.as_ref()?.first().copied());
        // Blocks of one track are decoded in their order: a keyframe after the block leads nowhere near it.
        let leads = |keyframe: &u64| indexed.is_some() || plays.is_none_or(|plays| *keyframe <= plays.block());
        let keyframe = chained.or_else(|| answer?.block).filter(leads);
        let provisional = answer.is_some_and(|answer| answer.provisional)
            || plays.is_some_and(|plays| self.is_provisional(plays.block()));
        Moment { pts_us: Some(pts_us), track: id.map(str::to_owned), plays, keyframe, seek, provisional }
    }

    /// The same for the time of a block, which is the one that plays. `None` where there is no such block.
    pub fn moment_of_block(&self, block: u64) -> Option<Moment> {
        self.index().block(block)?;
        let indexed = self.tracks().filter(|tracks| tracks.indexed);
        let track = indexed.and_then(|tracks| tracks.of_block(block)).map(|(track, _)| track.id.clone());
        let plays = Some(Plays::Now(block));
        let Some(pts_us) = self.pts_us(block) else {
            let keyframe = (0..=block).rev().filter(|_| indexed.is_none()).find(|block| self.is_keyframe(*block));
            let seek = Err(SeekError::NoTimeline { what: "this block", why: self.why_untimed() });
            let provisional = self.is_provisional(block);
            return Some(Moment { pts_us: None, track, plays, keyframe, seek, provisional });
        };
        let moment = self.moment(pts_us, track.as_deref());
        let keyframe = if self.is_keyframe(block) { Some(block) } else { moment.keyframe };
        let provisional = moment.provisional || self.is_provisional(block);
        Some(Moment { track, plays, keyframe, provisional, ..moment })
    }

    fn plays(&self, pts_us: u64) -> Option<Plays> {
        let timeline = self.timeline()?;
        let block = timeline.block_at(pts_us).or_else(|| (timeline.blocks > 0).then_some(0))?;
        Some(match timeline.pts_us(block) {
            start if pts_us < start => Plays::First(block),
            start if pts_us.saturating_sub(start) >= timeline.frame_us => Plays::Last(block),
            _ => Plays::Now(block),
        })
    }
}

impl Track {
    /// What plays at a time: of the blocks that have begun the one that began last, however they are stored. How long
    /// the last one lasts is not known.
    fn plays(&self, pts_us: u64) -> Option<Plays> {
        let key = |block: &&crate::tracks::TrackBlock| (block.pts_us, block.block);
        let begun = self.blocks.iter().filter(|block| block.pts_us <= pts_us).max_by_key(key);
        let Some(begun) = begun else {
            return self.blocks.iter().min_by_key(key).map(|first| Plays::First(first.block));
        };
        let is_last = begun.pts_us < pts_us && self.span().is_some_and(|span| span.end_us == begun.pts_us);
        Some(if is_last { Plays::Last(begun.block) } else { Plays::Now(begun.block) })
    }
}
