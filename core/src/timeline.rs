//! Blocks against time: from when to when content lasts, and for containers with one track when each block is shown.
#![forbid(unsafe_code)]

/// How the duration of a frame is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameSource {
    /// META's fps_hint.
    FpsHint,
    /// The older binary META: its duration divided by its frame count.
    BinaryMeta,
    /// Every SEEK entry's timestamp is the same multiple of its block's index.
    Seek,
}

impl FrameSource {
    /// For people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::FpsHint => "META's fps_hint",
            Self::BinaryMeta => "META's duration and frame count",
            Self::Seek => "the spacing of SEEK",
        }
    }
}

/// From when to when content lasts, in µs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// When the first block is shown.
    pub start_us: u64,
    /// When the last one ends; with tracks, when it begins, since no track says how long its last block lasts.
    pub end_us: u64,
}

impl Span {
    /// How long that is.
    pub fn duration_us(&self) -> u64 {
        self.end_us.saturating_sub(self.start_us)
    }

    /// The time at that share of the duration, 0…100.
    pub fn at_percent(&self, percent: f64) -> u64 {
        let within = (self.duration_us() as f64 * percent / 100.0) as u64;
        self.start_us.saturating_add(within.min(self.duration_us()))
    }

    /// Where in the duration a time is, in thousandths; more of a time behind the end.
    pub fn per_mille(&self, at_us: u64) -> u128 {
        let within = u128::from(at_us.saturating_sub(self.start_us)) * 1000;
        within.checked_div(u128::from(self.duration_us())).unwrap_or(0)
    }

    /// From the earliest to the latest of these times; `None` where there is none.
    pub fn over(times_us: impl Iterator<Item = u64>) -> Option<Self> {
        times_us.fold(None, |span, at| match span {
            None => Some(Self { start_us: at, end_us: at }),
            Some(Self { start_us, end_us }) => Some(Self { start_us: start_us.min(at), end_us: end_us.max(at) }),
        })
    }

    /// From the earliest start to the latest end.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { start_us: self.start_us.min(other.start_us), end_us: self.end_us.max(other.end_us) }
    }
}

/// A block every `frame_us`, from `start_us` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeline {
    /// When block 0 is shown, in µs. The format says 0; of a file whose SEEK says otherwise throughout, what it says.
    pub start_us: u64,
    /// Duration of a block in µs; at least 1.
    pub frame_us: u64,
    /// How that is known.
    pub source: FrameSource,
    /// How many blocks there are.
    pub blocks: u64,
}

impl Timeline {
    /// When a block is shown, in µs.
    pub fn pts_us(&self, block: u64) -> u64 {
        self.start_us.saturating_add(block.saturating_mul(self.frame_us))
    }

    /// The block that is shown at that time; the last one for any later time.
    pub fn block_at(&self, pts_us: u64) -> Option<u64> {
        let last = self.blocks.checked_sub(1)?;
        Some((pts_us.saturating_sub(self.start_us) / self.frame_us.max(1)).min(last))
    }

    /// From when the first block begins to when the last one ends.
    pub fn span(&self) -> Span {
        Span { start_us: self.start_us, end_us: self.pts_us(self.blocks) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_start_is_no_part_of_the_duration() {
        let timeline = Timeline { start_us: 10_000_000, frame_us: 40_000, source: FrameSource::FpsHint, blocks: 50 };
        let span = timeline.span();
        assert_eq!((span.start_us, span.end_us, span.duration_us()), (10_000_000, 12_000_000, 2_000_000));
        assert_eq!([0.0, 50.0, 100.0].map(|p| span.at_percent(p)), [10_000_000, 11_000_000, 12_000_000]);
        assert_eq!([0, 10_000_000, 11_000_000, u64::MAX].map(|us| timeline.block_at(us)), [0, 0, 25, 49].map(Some));
        let extreme = Timeline { start_us: u64::MAX, frame_us: u64::MAX, ..timeline };
        assert_eq!(
            (extreme.pts_us(7), extreme.span().duration_us(), extreme.span().at_percent(50.0)),
            (u64::MAX, 0, u64::MAX)
        );
    }

    #[test]
    fn a_span_is_over_all_times_whatever_their_order() {
        assert_eq!(Span::over([5, 3, 9].into_iter()), Some(Span { start_us: 3, end_us: 9 }));
        assert_eq!(Span::over(std::iter::empty()), None);
        let (a, b) = (Span { start_us: 3, end_us: 9 }, Span { start_us: 4, end_us: 12 });
        assert_eq!(a.and(b), Span { start_us: 3, end_us: 12 });
    }
}
