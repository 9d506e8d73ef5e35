//! The differences as lines for people, neighbours of one kind drawn together. The text and the screen show the same.

use std::ops::Range;

use serde_json::Value;

use crate::report::style::{Role, one_line};
use crate::report::{count, size};
use h4mk::capped::Capped;
use h4mk::container::Container;
use h4mk::diff::{
    BlockDiff, BlockRef, Changed, ChunkDiff, ComparedAs, Diff, DocumentDiff, EntryChange, FieldChange, LOST_BYTES,
    Pair, REST, TableDiff,
};
use h4mk::index::Chunk;
use h4mk::layout::{CHUNK_HEADER_LEN, SeekEntry};
use h4mk::seek::Meaning;
use h4mk::text::escape;
use h4mk::time::format_us;
use h4mk::walk::Ending;

/// Columns of a value of a document.
const VALUE_COLUMNS: usize = 60;

/// What kind of line it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// What the lines after it are about.
    Heading,
    /// Only in the second container.
    Added,
    /// Only in the first.
    Removed,
    /// Another content in its place.
    Changed,
    /// The same, somewhere else.
    Moved,
    /// The same, at another time.
    Retimed,
    /// The same, but damaged in one of the two.
    Integrity,
    /// How many there are beyond those listed.
    More,
}

impl Mark {
    /// One character that says which it is, where there are no colours.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Heading => "",
            Self::Added => "+",
            Self::Removed => "-",
            Self::Changed => "~",
            Self::Moved => ">",
            Self::Retimed => "@",
            Self::Integrity => "!",
            Self::More => "…",
        }
    }

    /// Its colour in text.
    pub fn role(self) -> Role {
        match self {
            Self::Heading => Role::Heading,
            Self::Added => Role::Good,
            Self::Removed | Self::Integrity => Role::Error,
            Self::Changed => Role::Warning,
            Self::Moved | Self::Retimed => Role::Note,
            Self::More => Role::Label,
        }
    }
}

/// Where a difference is in the first container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineTarget {
    /// In a decoded block, at that offset.
    Decoded {
        /// The block.
        block: u64,
        /// Offset of the first byte that differs.
        at: u64,
    },
    /// Bytes of the file.
    Bytes(Range<u64>),
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What kind of difference.
    pub mark: Mark,
    /// What differs and how; text from the files is escaped.
    pub text: String,
    /// Where that is; `None` for what is only in the second container, and for headings.
    pub place: Option<LineTarget>,
}

/// The differences that were found between two containers.
pub fn lines(diff: &Diff, pair: Pair<&Container>) -> Vec<Line> {
    let mut lines = Lines { pair, list: Vec::new() };
    if !diff.header.is_empty() {
        lines.heading("Header".to_owned());
        for change in &diff.header {
            let (before, after) = (escape(&change.values.before), escape(&change.values.after));
            let place = header_place(change.field, pair.before).map(LineTarget::Bytes);
            lines.push(Mark::Changed, format!("{}: {before} -> {after}", change.field), place);
        }
    }
    lines.blocks(&diff.blocks);
    diff.documents.iter().for_each(|document| lines.document(document));
    diff.tables.iter().for_each(|table| lines.table(table));
    if !diff.chunks.is_empty() {
        lines.heading("Other chunks".to_owned());
        diff.chunks.list().iter().for_each(|chunk| lines.chunk(chunk));
        lines.more(diff.chunks.omitted());
    }
    lines.list
}

/// Where in the container what a field of the header says stands: it may be about bytes that are elsewhere.
fn header_place(field: &str, container: &Container) -> Option<Range<u64>> {
    let walked = container.walked();
    match field {
        LOST_BYTES => walked.losses.first().map(|loss| loss.offset..loss.offset.saturating_add(loss.length)),
        REST => match walked.ending {
            Ending::Trailing(at) | Ending::Appended(at) => Some(at..container.source().len()),
            _ => None,
        },
        _ => Some(0..container.layout().file_header_len()),
    }
}

/// `SEEK`, `table of track 1`.
pub(super) fn table_name(table: &TableDiff) -> String {
    match &table.track {
        Some(track) => format!("table of track {}", one_line(track, VALUE_COLUMNS)),
        None => "SEEK".to_owned(),
    }
}

/// Blocks of which the same can be said.
struct Run {
    mark: Mark,
    blocks: Pair<Option<Range<u64>>>,
    bytes: u64,
    /// By how much they are shown later or earlier: the least and the most.
    shift: Option<Shift>,
    what: String,
    place: Option<LineTarget>,
}

/// How far blocks are re-timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shift {
    later: bool,
    least_us: u64,
    most_us: u64,
}

impl Shift {
    fn of(blocks: &Pair<BlockRef>) -> Option<Self> {
        let (old, new) = blocks.before.pts_us.zip(blocks.after.pts_us).filter(|(old, new)| old != new)?;
        let us = old.abs_diff(new);
        Some(Self { later: new > old, least_us: us, most_us: us })
    }

    /// In the same direction, as when the rate is another one.
    fn joins(self, other: Self) -> bool {
        self.later == other.later
    }

    fn and(self, other: Self) -> Self {
        let (least_us, most_us) = (self.least_us.min(other.least_us), self.most_us.max(other.most_us));
        Self { least_us, most_us, ..self }
    }

    fn describe(self) -> String {
        let direction = if self.later { "later" } else { "earlier" };
        match self.least_us == self.most_us {
            true => format!(": {} us {direction}", self.least_us),
            false => format!(": {} to {} us {direction}", self.least_us, self.most_us),
        }
    }
}

impl Run {
    /// Takes in a block that follows, if the same can be said of it.
    fn extend(&mut self, other: &Self) -> bool {
        let follows = |run: &Option<Range<u64>>, next: &Option<Range<u64>>| match (run, next) {
            (None, None) => true,
            (Some(run), Some(next)) => run.end == next.start,
            _ => false,
        };
        let shifted = match (self.shift, other.shift) {
            (Some(run), Some(next)) => run.joins(next),
            (run, next) => run == next,
        };
        let joins = self.what == other.what
            && shifted
            && follows(&self.blocks.before, &other.blocks.before)
            && follows(&self.blocks.after, &other.blocks.after);
        if joins {
            let join = |run: &mut Option<Range<u64>>, next: &Option<Range<u64>>| {
                run.iter_mut().zip(next).for_each(|(run, next)| run.end = next.end);
            };
            join(&mut self.blocks.before, &other.blocks.before);
            join(&mut self.blocks.after, &other.blocks.after);
            self.bytes = self.bytes.saturating_add(other.bytes);
            self.shift = self.shift.zip(other.shift).map(|(run, next)| run.and(next));
        }
        joins
    }

    fn describe(&self) -> String {
        let range = |range: &Range<u64>| match range.end - range.start {
            1 => range.start.to_string(),
            _ => format!("{}-{}", range.start, range.end - 1),
        };
        let (numbers, blocks) = match (&self.blocks.before, &self.blocks.after) {
            (Some(old), Some(new)) if old != new => (format!("{} -> {}", range(old), range(new)), old.clone()),
            (Some(blocks), _) | (None, Some(blocks)) => (range(blocks), blocks.clone()),
            (None, None) => (String::new(), 0..0),
        };
        let many = blocks.end - blocks.start;
        let name = if many == 1 { "block" } else { "blocks" };
        let how_many = if many == 1 { String::new() } else { format!(" ({many})") };
        let bytes = match self.mark {
            Mark::Added | Mark::Removed => format!(", {} stored", size(self.bytes)),
            _ => String::new(),
        };
        let shift = self.shift.map_or_else(String::new, Shift::describe);
        format!("{name} {numbers}{how_many}{bytes}{shift}{}", self.what)
    }
}

struct Lines<'a> {
    pair: Pair<&'a Container>,
    list: Vec<Line>,
}

impl Lines<'_> {
    fn push(&mut self, mark: Mark, text: String, place: Option<LineTarget>) {
        self.list.push(Line { mark, text, place });
    }

    fn heading(&mut self, text: String) {
        self.push(Mark::Heading, text, None);
    }

    fn more(&mut self, omitted: u64) {
        if omitted > 0 {
            self.push(Mark::More, format!("and {omitted} more"), None);
        }
    }

    fn blocks(&mut self, blocks: &BlockDiff) {
        if blocks.is_same() {
            return;
        }
        let Pair { before, after } = blocks.counts;
        self.heading(format!("Blocks: {before} before, {after} after, {} the same", blocks.same));
        let single = |block: &BlockRef| block.block..block.block.saturating_add(1);
        let start = |block: &BlockRef| Some(LineTarget::Decoded { block: block.block, at: 0 });
        let lone = |mark, block: &BlockRef| {
            let is_removed = mark == Mark::Removed;
            let (old, new) = if is_removed { (Some(single(block)), None) } else { (None, Some(single(block))) };
            let place = start(block).filter(|_| is_removed);
            let blocks = Pair { before: old, after: new };
            Run { mark, blocks, bytes: block.len, shift: None, what: String::new(), place }
        };
        let pair = |mark, blocks: &Pair<BlockRef>, what: String, place| {
            let numbers = Pair { before: Some(single(&blocks.before)), after: Some(single(&blocks.after)) };
            Run { mark, blocks: numbers, bytes: 0, shift: None, what, place }
        };
        self.runs(&blocks.removed, |block| lone(Mark::Removed, block));
        self.runs(&blocks.added, |block| lone(Mark::Added, block));
        let container = self.pair.before;
        self.runs(&blocks.changed, |changed| {
            pair(Mark::Changed, &changed.blocks, describe_change(changed), changed_place(container, changed))
        });
        self.runs(&blocks.moved, |moved| pair(Mark::Moved, moved, String::new(), start(&moved.before)));
        self.runs(&blocks.retimed, |blocks| {
            let run = pair(Mark::Retimed, blocks, describe_retiming(blocks), start(&blocks.before));
            Run { shift: Shift::of(blocks), ..run }
        });
        self.runs(&blocks.integrity, |blocks| {
            let what = if blocks.before.intact { ": same bytes, CRC now wrong" } else { ": same bytes, CRC now right" };
            let header = blocks.before.offset..blocks.before.offset.saturating_add(CHUNK_HEADER_LEN);
            pair(Mark::Integrity, blocks, what.to_owned(), Some(LineTarget::Bytes(header)))
        });
    }

    fn runs<T>(&mut self, list: &Capped<T>, run: impl Fn(&T) -> Run) {
        let mut open: Option<Run> = None;
        for next in list.list().iter().map(run) {
            if open.as_mut().is_some_and(|open| open.extend(&next)) {
                continue;
            }
            self.close(open.replace(next));
        }
        self.close(open);
        self.more(list.omitted());
    }

    fn close(&mut self, run: Option<Run>) {
        if let Some(run) = run {
            self.push(run.mark, run.describe(), run.place);
        }
    }

    /// The first byte in which two payloads differ; the first chunk's header where none does.
    fn first_difference(&self, before: Option<u64>, after: Option<u64>) -> Option<LineTarget> {
        let chunk =
            |container: &Container, offset: Option<u64>| -> Option<Chunk> { container.index().at_offset(offset?) };
        let old = chunk(self.pair.before, before)?;
        let header = LineTarget::Bytes(old.offset()..old.payload_offset().max(old.offset().saturating_add(1)));
        let Some(new) = chunk(self.pair.after, after) else { return Some(header) };
        let (old_bytes, new_bytes) = (self.pair.before.payload(&old), self.pair.after.payload(&new));
        let at = old_bytes.first_difference(new_bytes).filter(|at| *at < old_bytes.len());
        let byte = |at: u64| old.payload_offset().saturating_add(at);
        Some(at.map_or(header, |at| LineTarget::Bytes(byte(at)..byte(at).saturating_add(1))))
    }

    fn document(&mut self, document: &DocumentDiff) {
        self.heading(document.tag.to_string());
        let place = self.first_difference(document.chunks.before, document.chunks.after);
        if document.fields.is_empty() {
            let text = "the same fields, written differently: order, spaces, escapes, numbers, or a repeated key";
            self.push(Mark::Changed, text.to_owned(), place.clone());
        }
        for field in document.fields.list() {
            let (mark, text) = describe_field(field);
            self.push(mark, text, place.clone());
        }
        self.more(document.fields.omitted());
    }

    fn table(&mut self, table: &TableDiff) {
        let name = table_name(table);
        self.heading(name.replacen("table", "Table", 1));
        let chunk = |container: &Container| match &table.track {
            None => container.seek_chunk(),
            Some(id) => container.tracks().and_then(|tracks| tracks.by_id(id)).and_then(|track| track.table_chunk()),
        };
        let offsets = [self.pair.before, self.pair.after].map(|container| chunk(container).map(|chunk| chunk.offset()));
        let [before, after] = offsets;
        let place = self.first_difference(before, after);
        match (table.present.before, table.present.after) {
            (true, false) => {
                return self.push(Mark::Removed, format!("the table: {}", entries(table.removed.count())), place);
            }
            (false, true) => {
                return self.push(Mark::Added, format!("the table: {}", entries(table.added.count())), None);
            }
            _ => {}
        }
        if table.meanings.before != table.meanings.after {
            let meaning = |meaning: Option<Meaning>| meaning.map_or("unknown", Meaning::describe);
            let (old, new) = (meaning(table.meanings.before), meaning(table.meanings.after));
            self.push(Mark::Changed, format!("meaning of offsets: {old} -> {new}"), place.clone());
        }
        for entry in table.removed.list() {
            self.push(Mark::Removed, describe_entry(entry), place.clone());
        }
        self.more(table.removed.omitted());
        for entry in table.added.list() {
            self.push(Mark::Added, describe_entry(entry), None);
        }
        self.more(table.added.omitted());
        // Entries that lead where they led before differ for one reason: something else moved.
        for changes in table.changed.list().chunk_by(|a, b| a.same_block && b.same_block) {
            match changes {
                [first, .., last] => {
                    let times = format!("{} to {}", time(&first.entries.before), time(&last.entries.before));
                    let n = entries(changes.len() as u64);
                    let text = format!("{n} from {times}: different offsets, same content");
                    self.push(Mark::Moved, text, place.clone());
                }
                [change] => {
                    let mark = if change.same_block { Mark::Moved } else { Mark::Changed };
                    self.push(mark, describe_entry_change(change), place.clone());
                }
                [] => {}
            }
        }
        self.more(table.changed.omitted());
    }

    fn chunk(&mut self, chunk: &ChunkDiff) {
        let nth = if chunk.nth > 0 { format!(" (number {})", chunk.nth.saturating_add(1)) } else { String::new() };
        let place = |(offset, len): (u64, u64)| format!("{} at {offset}", count(len, "byte"));
        let (mark, what) = match (chunk.chunks.before, chunk.chunks.after) {
            (Some(old), Some(new)) => (Mark::Changed, format!("{} -> {}", place(old), place(new))),
            (Some(old), None) => (Mark::Removed, place(old)),
            (None, Some(new)) => (Mark::Added, place(new)),
            (None, None) => return,
        };
        let offset = |place: Option<(u64, u64)>| place.map(|(offset, _)| offset);
        let at = self.first_difference(offset(chunk.chunks.before), offset(chunk.chunks.after));
        self.push(mark, format!("{}{nth}: {what}", chunk.tag), at);
    }
}

fn entries(n: u64) -> String {
    if n == 1 { "1 entry".to_owned() } else { format!("{n} entries") }
}

fn time(entry: &SeekEntry) -> String {
    format!("{} ({} us)", format_us(entry.pts_us), entry.pts_us)
}

fn describe_entry(entry: &SeekEntry) -> String {
    format!("entry at {}, offset {}", time(entry), entry.offset)
}

fn describe_entry_change(change: &EntryChange) -> String {
    let Pair { before, after } = &change.entries;
    let block = |block: Option<u64>| block.map_or_else(|| "no block".to_owned(), |block| format!("block {block}"));
    let leads = match (change.blocks.before, change.blocks.after) {
        (old, new) if old == new => format!("leads to {}", block(old)),
        (old, new) => format!("led to {}, now to {}", block(old), block(new)),
    };
    let content = if change.same_block { ", same content" } else { "" };
    format!("entry at {}: offset {} -> {}, {leads}{content}", time(before), before.offset, after.offset)
}

fn describe_range(range: &Range<u64>) -> String {
    match range.end.saturating_sub(range.start) {
        0 => format!("nothing at {}", range.start),
        1 => format!("byte {}", range.start),
        _ => format!("bytes {}-{}", range.start, range.end.saturating_sub(1)),
    }
}

fn describe_change(changed: &Changed) -> String {
    let form = changed.form.name();
    let Pair { before, after } = changed.lens;
    let ranges = changed.ranges.list();
    let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else {
        return format!(": different bytes, {form}");
    };
    if before != after {
        let (old, new) = (describe_range(&first.before), describe_range(&first.after));
        return format!(": {form}, {old} of {before} -> {new} of {after}");
    }
    match changed.ranges.count() {
        1 => format!(": {form}, {} of {before}", describe_range(&first.before)),
        n => {
            let all = describe_range(&(first.before.start..last.before.end));
            format!(": {form}, {n} places in {all} of {before}")
        }
    }
}

fn changed_place(container: &Container, changed: &Changed) -> Option<LineTarget> {
    let range = changed.ranges.list().first().map_or(0..0, |pair| pair.before.clone());
    let last = changed.lens.before.saturating_sub(1);
    let block = changed.blocks.before.block;
    if changed.form == ComparedAs::Decoded {
        return Some(LineTarget::Decoded { block, at: range.start.min(last) });
    }
    let chunk = container.index().block(block)?;
    let content = container.routed(&chunk).map_or(chunk.payload_offset(), |(_, content)| content.start);
    let start = content.saturating_add(range.start.min(last));
    let end = content.saturating_add(range.end).max(start.saturating_add(1));
    Some(LineTarget::Bytes(start..end))
}

/// What is said of them but for the time.
fn describe_retiming(blocks: &Pair<BlockRef>) -> String {
    let Pair { before, after } = blocks;
    let mut parts = Vec::new();
    if before.track != after.track {
        let track = |block: &BlockRef| one_line(block.track.as_deref().unwrap_or("none"), VALUE_COLUMNS).into_owned();
        parts.push(format!("track {} -> {}", track(before), track(after)));
    }
    if let (Some(old), Some(new)) = (before.kind, after.kind)
        && old != new
    {
        parts.push(format!("kind {old} -> {new}"));
    }
    match (parts.is_empty(), Shift::of(blocks)) {
        (true, _) => String::new(),
        (false, Some(_)) => format!(", {}", parts.join(", ")),
        (false, None) => format!(": {}", parts.join(", ")),
    }
}

fn describe_field(field: &FieldChange) -> (Mark, String) {
    let name = match field.pointer.as_str() {
        "" => "the whole document".into(),
        pointer => one_line(pointer, VALUE_COLUMNS),
    };
    let json = |value: &Value| value.to_string();
    match (&field.values.before, &field.values.after) {
        (Some(old), Some(new)) => (Mark::Changed, format!("{name}: {}", describe_values(&json(old), &json(new)))),
        (Some(old), None) => (Mark::Removed, format!("{name}: {}", one_line(&json(old), VALUE_COLUMNS))),
        (None, Some(new)) => (Mark::Added, format!("{name}: {}", one_line(&json(new), VALUE_COLUMNS))),
        (None, None) => (Mark::Changed, name.into_owned()),
    }
}

/// `old -> new`, and where values are too long for that to show a difference, where it begins.
fn describe_values(old: &str, new: &str) -> String {
    let (before, after) = (one_line(old, VALUE_COLUMNS), one_line(new, VALUE_COLUMNS));
    if before != after {
        return format!("{before} -> {after}");
    }
    let same = old.chars().zip(new.chars()).take_while(|(a, b)| a == b).count();
    let from = |text: &str| text.chars().skip(same).collect::<String>();
    let (old, new) = (from(old), from(new));
    let (old, new) = (one_line(&old, VALUE_COLUMNS), one_line(&new, VALUE_COLUMNS));
    format!("from character {same}: {old} -> {new}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(before: Option<u64>, after: Option<u64>, what: &str) -> Run {
        let single = |block: Option<u64>| block.map(|block| block..block + 1);
        let blocks = Pair { before: single(before), after: single(after) };
        let mark = if before.is_some() { Mark::Changed } else { Mark::Added };
        Run { mark, blocks, bytes: 10, shift: None, what: what.to_owned(), place: None }
    }

    fn drawn(runs: Vec<Run>) -> Vec<String> {
        let mut list: Vec<Run> = Vec::new();
        for next in runs {
            if !list.last_mut().is_some_and(|open| open.extend(&next)) {
                list.push(next);
            }
        }
        list.iter().map(Run::describe).collect()
    }

    #[test]
    fn neighbours_of_which_the_same_is_said_are_drawn_together() {
        let added = drawn([3, 4, 6].map(|block| run(None, Some(block), "")).into());
        assert_eq!(added, ["blocks 3-4 (2), 20 bytes stored", "block 6, 10 bytes stored"]);
        let moved =
            drawn(vec![run(Some(1), Some(5), ": x"), run(Some(2), Some(6), ": x"), run(Some(3), Some(9), ": x")]);
        assert_eq!(moved, ["blocks 1-2 -> 5-6 (2): x", "block 3 -> 9: x"]);
        assert_eq!(drawn(vec![run(Some(1), Some(1), ": x"), run(Some(2), Some(2), ": y")]).len(), 2);
    }

    #[test]
    fn values_that_begin_alike_are_told_apart() {
        assert_eq!(describe_values("1", "2"), "1 -> 2");
        let long = |end: &str| format!("\"{}{end}\"", "x".repeat(100));
        assert_eq!(describe_values(&long("a"), &long("b")), "from character 101: a\" -> b\"");
        assert_eq!(describe_values("\"\u{202e}\"", "1"), "\"\\u{202e}\" -> 1");
    }
}
