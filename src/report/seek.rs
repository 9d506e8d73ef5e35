//! The answer to a timestamp, for people.

use std::io::{self, Write};

use super::count;
use super::style::{Paint, Role, field, one_line};
use h4mk::container::{Container, SeekAnswer};
use h4mk::layout::SeekEntry;
use h4mk::report::Seek;
use h4mk::text;
use h4mk::time::format_us;

/// Where decoding begins for a timestamp: what JSON says, and what only text does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What JSON says.
    pub seek: Seek,
    file: String,
    /// The entry's offset.
    offset: u64,
    entries: Option<u64>,
    passed_over: Option<SeekEntry>,
    chunk_offset: Option<u64>,
    stored_bytes: Option<u64>,
    /// What was lost before a block whose number is doubtful, or where the entry leads to.
    loss: Option<Loss>,
    /// The entry leads to where bytes were lost, or past them.
    lost: bool,
    /// Where the content ends, if the timestamp is past that.
    past_end_us: Option<u64>,
}

impl Answer {
    /// The answer, with the place in the file of the block it leads to.
    pub fn new(container: &Container, answer: &SeekAnswer) -> Self {
        let chunk = answer.block.and_then(|block| container.index().block(block));
        let entries = match &answer.track {
            _ if answer.scanned && answer.passed_over.is_none() => None,
            Some(id) => {
                let track = container.tracks().and_then(|tracks| tracks.by_id(id));
                track.and_then(|track| track.seek_table(container)).map(|table| table.rows.len())
            }
            None => container.seek_table().map(|table| table.rows.len()),
        };
        let is_doubtful = answer.provisional || answer.lost;
        Self {
            seek: Seek::new(container, answer),
            file: container.source().name().to_owned(),
            offset: answer.entry.offset,
            entries,
            passed_over: answer.passed_over,
            chunk_offset: chunk.map(|chunk| chunk.offset()),
            stored_bytes: chunk.map(|chunk| chunk.len()),
            loss: is_doubtful.then(|| Loss { bytes: lost_bytes(container) }),
            lost: answer.lost,
            past_end_us: container.span().map(|span| span.end_us).filter(|end_us| answer.pts_us > *end_us),
        }
    }

    /// The entry that answers.
    pub fn describe_entry(&self) -> String {
        let place = match self.entries {
            Some(_) if self.passed_over.is_some() => "not in the track's table".to_owned(),
            Some(n) => format!("{} of {n} (from 0)", self.seek.keyframe_entry_index),
            None => format!("keyframe {} of the track, which has no table", self.seek.keyframe_entry_index),
        };
        format!("{place}, at {} ({} us)", format_us(self.seek.keyframe_pts_us), self.seek.keyframe_pts_us)
    }

    /// What the track's table answers instead, and what is wrong with that.
    pub fn describe_passed_over(&self) -> Option<String> {
        let entry = self.passed_over?;
        let place = self.seek.keyframe_entry_index;
        Some(match entry.pts_us == self.seek.keyframe_pts_us {
            true => format!("entry {place} of the table leads to {} instead of this keyframe", entry.offset),
            false => {
                let at = format_us(entry.pts_us);
                format!("the table leaves out this keyframe: it would give entry {place}, at {at}")
            }
        })
    }

    /// The block it leads to.
    pub fn describe_keyframe(&self) -> String {
        let Some(block) = self.seek.block_index else {
            return match &self.loss {
                Some(loss) => {
                    let what = loss.bytes.as_ref().map(|bytes| format!("lost bytes ({bytes})"));
                    let what = what.as_deref().unwrap_or("missing blocks");
                    format!("unknown: its offset {} leads past {what}", self.offset)
                }
                None => format!("none: no block starts where offset {} leads", self.offset),
            };
        };
        let is_provisional = self.seek.provisional_from.is_some_and(|first| block >= first);
        let provisional = if is_provisional { " (provisional)" } else { "" };
        let place = self.chunk_offset.zip(self.stored_bytes);
        let place = place.map_or_else(String::new, |(at, bytes)| format!(", chunk at {at}, {bytes} bytes stored"));
        format!("block {block}{place}{provisional}")
    }

    /// Which rule led there.
    pub fn describe_rule(&self) -> String {
        let table = match (&self.seek.track, self.seek.scanned) {
            (Some(_), true) => "keyframe of the track",
            (Some(_), false) => "entry of the track's table",
            (None, _) => "SEEK entry",
        };
        let rule = match self.seek.before_first {
            true => format!("the first {table}: the time is before it"),
            false => format!("the last {table} at or before the time"),
        };
        match self.seek.meaning {
            Some(meaning) => {
                format!("{rule}; its offset {} is a {} ({})", self.offset, meaning.describe(), meaning.name())
            }
            None => rule,
        }
    }

    /// What to decode, with neighbouring blocks drawn together, and up to which block it is.
    pub fn describe_chain(&self) -> String {
        match self.seek.chain.as_deref() {
            None if self.lost => "unknown: the block to start from is unknown".to_owned(),
            None => "unknown: the times of blocks are unknown".to_owned(),
            Some([]) => "nothing: the time is before the first keyframe".to_owned(),
            Some([block]) => format!("block {block}"),
            Some(chain) => {
                let blocks = count(chain.len() as u64, "block");
                format!("blocks {} ({blocks}), to the last one at or before the time", ranges(chain))
            }
        }
    }

    /// Writes it for people.
    pub fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let file = paint.paint(Role::Heading, text::escape(&self.file));
        writeln!(out, "{file} at {} ({} us)", format_us(self.seek.pts_us), self.seek.pts_us)?;
        if let Some(end_us) = self.past_end_us {
            let end = format!("beyond the end, which is at {} ({end_us} us)", format_us(end_us));
            field(out, paint, "Time", paint.paint(Role::Warning, end))?;
        }
        if let Some(track) = &self.seek.track {
            field(out, paint, "Track", one_line(track, 60))?;
        }
        field(out, paint, "Entry", self.describe_entry())?;
        if let Some(passed_over) = self.describe_passed_over() {
            field(out, paint, "Table", paint.paint(Role::Warning, passed_over))?;
        }
        let role = if self.seek.block_index.is_some() { Role::Good } else { Role::Error };
        field(out, paint, "Keyframe", paint.paint(role, self.describe_keyframe()))?;
        field(out, paint, "Rule", self.describe_rule())?;
        field(out, paint, "Chain", self.describe_chain())?;
        if !self.seek.chain_damaged.is_empty() {
            let which = count(self.seek.chain_damaged.len() as u64, "block");
            let line = format!("{which} of the chain: {}", ranges(&self.seek.chain_damaged));
            field(out, paint, "Damaged", paint.paint(Role::Error, line))?;
        }
        if let (Some(first), Some(loss)) = (self.seek.provisional_from, &self.loss) {
            let why = match &loss.bytes {
                Some(bytes) => format!("bytes were lost before it ({bytes})"),
                None => "blocks are missing, but nothing says which".to_owned(),
            };
            let line = format!("provisional from block {first} on: {why}");
            field(out, paint, "Numbering", paint.paint(Role::Warning, line))?;
        }
        Ok(())
    }
}

/// What was lost: bytes, or blocks without a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Loss {
    bytes: Option<String>,
}

/// `202 bytes at 3828, with an unknown number of blocks in them`.
fn lost_bytes(container: &Container) -> Option<String> {
    let losses = &container.walked().losses;
    let bytes = count(losses.iter().map(|loss| loss.length).fold(0, u64::saturating_add), "byte");
    let place = match losses.len() {
        0 => return None,
        1 => format!("at {}", losses.first()?.offset),
        n => format!("in {n} places from {} on", losses.first()?.offset),
    };
    Some(format!("{bytes} {place}, with an unknown number of blocks in them"))
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
