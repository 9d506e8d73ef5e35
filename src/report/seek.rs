//! The answer to a timestamp.

use std::io::{self, Write};

use serde::Serialize;

use super::style::{Paint, Role, field, one_line};
use super::{count, is_false};
use crate::core::container::{Container, SeekAnswer};
use crate::core::seek::Meaning;
use crate::core::text;
use crate::core::time::format_us;

/// Where decoding begins for a timestamp.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seek {
    /// The timestamp asked for.
    pub pts_us: u64,
    /// Place of the entry that answers, as stored; among the track's keyframes where it has no table.
    pub keyframe_entry_index: u64,
    /// The entry's timestamp.
    pub keyframe_pts_us: u64,
    /// The block the entry leads to; absent where it leads to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_index: Option<u64>,
    /// What the entry's offset was taken to mean.
    pub meaning: Option<&'static str>,
    /// The track whose table, or blocks, answered; absent where SEEK did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub track: Option<String>,
    /// Blocks to decode for what is shown at the timestamp.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<Vec<u64>>,
    /// The track has no table; its blocks were searched.
    #[serde(skip_serializing_if = "is_false")]
    pub scanned: bool,
    /// The timestamp is before the first entry, which answers all the same.
    #[serde(skip_serializing_if = "is_false")]
    pub before_first: bool,
    /// Bytes were lost before the block, whose index may be too low.
    #[serde(skip_serializing_if = "is_false")]
    pub provisional: bool,
    #[serde(skip)]
    detail: Detail,
}

/// What only the text says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Detail {
    file: String,
    meaning: Option<Meaning>,
    offset: u64,
    entries: Option<u64>,
    chunk_offset: Option<u64>,
    stored_bytes: Option<u64>,
    /// Where the content ends, if the timestamp is past that.
    past_end_us: Option<u64>,
}

impl Seek {
    /// The answer, with the place in the file of the block it leads to.
    pub fn new(container: &Container, answer: SeekAnswer) -> Self {
        let chunk = answer.block.and_then(|block| container.index().block(block));
        let entries = match &answer.track {
            _ if answer.scanned => None,
            Some(id) => {
                let track = container.tracks().and_then(|tracks| tracks.by_id(id));
                track.and_then(|track| track.seek_table(container)).map(|table| table.rows.len())
            }
            None => container.seek_table().map(|table| table.rows.len()),
        };
        Self {
            pts_us: answer.pts_us,
            keyframe_entry_index: answer.entry_index,
            keyframe_pts_us: answer.entry.pts_us,
            block_index: answer.block,
            meaning: answer.meaning.map(Meaning::name),
            track: answer.track,
            chain: answer.chain,
            scanned: answer.scanned,
            before_first: answer.before_first,
            provisional: answer.provisional,
            detail: Detail {
                file: container.source().name().to_owned(),
                meaning: answer.meaning,
                offset: answer.entry.offset,
                entries,
                chunk_offset: chunk.map(|chunk| chunk.offset),
                stored_bytes: chunk.map(|chunk| chunk.len),
                past_end_us: container.duration_us().filter(|end_us| answer.pts_us > *end_us),
            },
        }
    }

    /// The entry that answers.
    pub fn describe_entry(&self) -> String {
        let place = match self.detail.entries {
            Some(n) => format!("{} of {n} (from 0)", self.keyframe_entry_index),
            None => format!("keyframe {} of the track, which has no table", self.keyframe_entry_index),
        };
        format!("{place}, at {} ({} us)", format_us(self.keyframe_pts_us), self.keyframe_pts_us)
    }

    /// The block it leads to.
    pub fn describe_keyframe(&self) -> String {
        let Some(block) = self.block_index else {
            return format!("none: offset {} leads to the start of no block", self.detail.offset);
        };
        let provisional = if self.provisional { " (provisional: bytes were lost before it)" } else { "" };
        let place = self.detail.chunk_offset.zip(self.detail.stored_bytes);
        let place = place.map_or_else(String::new, |(at, bytes)| format!(", chunk at {at}, {bytes} bytes stored"));
        format!("block {block}{place}{provisional}")
    }

    /// Which rule led there.
    pub fn describe_rule(&self) -> String {
        let table = match (&self.track, self.scanned) {
            (Some(_), true) => "keyframe of the track",
            (Some(_), false) => "entry of the track's table",
            (None, _) => "SEEK entry",
        };
        let rule = match self.before_first {
            true => format!("the first {table}: the time is before it"),
            false => format!("the last {table} at or before the time"),
        };
        match self.detail.meaning {
            Some(meaning) => {
                format!("{rule}; its offset {} is a {} ({})", self.detail.offset, meaning.describe(), meaning.name())
            }
            None => rule,
        }
    }

    /// What to decode, with neighbouring blocks drawn together, and up to which block it is.
    pub fn describe_chain(&self) -> String {
        match self.chain.as_deref() {
            None => "unknown: the time of blocks is not known".to_owned(),
            Some([]) => "nothing: the time is before the first keyframe".to_owned(),
            Some([block]) => format!("block {block}"),
            Some(chain) => {
                let blocks = count(chain.len() as u64, "block");
                format!("blocks {} ({blocks}), to the last at or before the time", ranges(chain))
            }
        }
    }

    /// Writes it for people.
    pub fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let file = paint.paint(Role::Heading, text::escape(&self.detail.file));
        writeln!(out, "{file} at {} ({} us)", format_us(self.pts_us), self.pts_us)?;
        if let Some(end_us) = self.detail.past_end_us {
            let end = format!("past the end, which is at {} ({end_us} us)", format_us(end_us));
            field(out, paint, "Time", paint.paint(Role::Warning, end))?;
        }
        if let Some(track) = &self.track {
            field(out, paint, "Track", one_line(track, 60))?;
        }
        field(out, paint, "Entry", self.describe_entry())?;
        let role = if self.block_index.is_some() { Role::Good } else { Role::Error };
        field(out, paint, "Keyframe", paint.paint(role, self.describe_keyframe()))?;
        field(out, paint, "Rule", self.describe_rule())?;
        field(out, paint, "Chain", self.describe_chain())
    }
}

/// `0-4, 6, 8-9`; cut where it grows too long for a line.
fn ranges(blocks: &[u64]) -> String {
    const SHOWN: usize = 12;
    let runs: Vec<&[u64]> = blocks.chunk_by(|a, b| a.checked_add(1) == Some(*b)).collect();
    let run = |run: &&[u64]| match **run {
        [first, .., last] => format!("{first}-{last}"),
        [one] => one.to_string(),
        [] => String::new(),
    };
    let mut shown: Vec<String> = runs.iter().take(SHOWN).map(run).collect();
    if runs.len() > SHOWN {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_drawn_together() {
        assert_eq!(ranges(&[0, 1, 2, 4, 6, 7]), "0-2, 4, 6-7");
        assert_eq!(ranges(&[5, 3, 4]), "5, 3-4");
        assert_eq!(ranges(&[u64::MAX, 0]), format!("{}, 0", u64::MAX));
        assert!(ranges(&(0..100).map(|n| n * 2).collect::<Vec<_>>()).ends_with("22, …"));
    }
}
