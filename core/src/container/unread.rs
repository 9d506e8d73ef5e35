//! META that can't be read. It isn't an absent one: what it said of mask, cipher, engine and frame rate is unknown, and
//! what is read without it is a guess.

use std::fmt;

use super::Container;
use crate::index::{Chunk, State, Tag};
use crate::json::JsonError;
use crate::layout::Layout;

/// How many chunks of one tag are looked at for what META holds.
const MOST_LOOKED: usize = 16;

/// Why META can't be read, although there is one or was one. Displayed as a clause.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnreadMeta {
    /// Its chunk is cut off.
    Truncated(Chunk),
    /// Its CRC is wrong.
    Damaged(Chunk),
    /// It is intact, and its JSON can't be parsed, or not within the limits of the parser.
    Json(Chunk, JsonError),
    /// It is JSON, but not an object.
    NotAnObject(Chunk),
    /// There is a chunk whose tag may have been META's.
    Tag(Chunk),
    /// There is none, and bytes were lost that may have held it.
    Lost,
}

impl fmt::Display for UnreadMeta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated(chunk) => write!(f, "META at {} is cut off", chunk.offset),
            Self::Damaged(chunk) => write!(f, "META at {} has a wrong CRC", chunk.offset),
            Self::Json(chunk, error) => write!(f, "META at {} can't be parsed: {}", chunk.offset, error.message),
            Self::NotAnObject(chunk) => write!(f, "META at {} is not a JSON object", chunk.offset),
            Self::Tag(chunk) if chunk.tag.distance(Tag::META) == 1 => {
                write!(f, "there is no META, but the tag {} at {} is one bit off from it", chunk.tag, chunk.offset)
            }
            Self::Tag(chunk) => {
                write!(f, "there is no META, but {} at {} may be it: it holds JSON", chunk.tag, chunk.offset)
            }
            Self::Lost => f.write_str("META is missing, and bytes were lost that may have held it"),
        }
    }
}

impl Container {
    /// Why META can't be read; `None` where it can, or where there never was one.
    pub fn unread_meta(&self) -> Option<UnreadMeta> {
        self.unread_meta.get_or_init(|| self.find_unread_meta()).clone()
    }

    fn find_unread_meta(&self) -> Option<UnreadMeta> {
        if let Some((chunk, meta)) = self.meta_chunk().zip(self.meta()) {
            return match &meta.document.error {
                _ if meta.binary.is_some() || meta.document.object().is_some() => None,
                Some(error) => Some(UnreadMeta::Json(chunk, error.clone())),
                None => Some(UnreadMeta::NotAnObject(chunk)),
            };
        }
        if let Some(chunk) = self.index().first(Tag::META) {
            let is_cut = chunk.state == State::Truncated;
            return Some(if is_cut { UnreadMeta::Truncated(chunk) } else { UnreadMeta::Damaged(chunk) });
        }
        if !self.is_complete() {
            return None;
        }
        // What has META's tag wrong has its payload right: JSON, or the binary form. By more than a bit it is wrong only where
        // VERI may show that something is.
        let has_veri = self.index().first(Tag::VERI).is_some();
        let is_near = |tag: Tag| tag.distance(Tag::META) == 1;
        let may_be = |tag: Tag| is_near(tag) || has_veri && !tag.is_known() && !tag.is_extension();
        let unknown = self.index().totals().iter().filter(|total| may_be(total.tag));
        let mut close = unknown.flat_map(|total| self.index().of_total(total).take(MOST_LOOKED));
        let found = close.find(|chunk| match self.payload(chunk).get(0) {
            Some(b'{') => true,
            Some(0) => is_near(chunk.tag),
            _ => false,
        });
        match found {
            // In the mux layout the CRC covers the tag.
            Some(chunk) if self.layout() == Layout::Transport || chunk.state.is_damaged() => {
                Some(UnreadMeta::Tag(chunk))
            }
            _ => self.may_have_lost_meta().then_some(UnreadMeta::Lost),
        }
    }

    /// Bytes were lost, and not only behind VERI, where META never stands.
    fn may_have_lost_meta(&self) -> bool {
        let veri = self.index().first(Tag::VERI).map_or(u64::MAX, |veri| veri.offset);
        self.walked().losses.first().is_some_and(|loss| loss.offset < veri)
    }

    /// The same, where blocks can't be read for certain without META. Those of the mux layout are what is stored,
    /// whatever META says.
    pub fn unread_pipeline(&self) -> Option<UnreadMeta> {
        self.unread_meta().filter(|_| self.layout() == Layout::Transport)
    }
}
