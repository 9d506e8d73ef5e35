//! Blocks against time, for containers with one track.

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

/// A block every `frame_us`, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeline {
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
        block.saturating_mul(self.frame_us)
    }

    /// The block that is shown at that time; the last one for any later time.
    pub fn block_at(&self, pts_us: u64) -> Option<u64> {
        let last = self.blocks.checked_sub(1)?;
        Some((pts_us / self.frame_us.max(1)).min(last))
    }

    /// When the last block ends, in µs.
    pub fn duration_us(&self) -> u64 {
        self.pts_us(self.blocks)
    }
}
