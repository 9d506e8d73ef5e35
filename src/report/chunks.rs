//! The chunks of a container for people, one a line.

use std::io::{self, Write};

use super::style::{Paint, Role, one_line};
use super::{count, size};
use h4mk::container::Container;
use h4mk::index::State;
use h4mk::report::Chunks;
use h4mk::report::chunks::Row;
use h4mk::text;
use h4mk::time::format_us;

/// Writes the chunks of a container: a line a chunk, and one for every stretch of lost bytes.
pub fn write_text(out: &mut dyn Write, paint: Paint, container: &Container) -> io::Result<()> {
    let listed = Chunks::new(container);
    let index = container.index();
    let chunks = count(index.len(), "chunk");
    let summary = format!("{chunks}, {}, {}, version {}", size(listed.bytes), listed.layout, listed.header.version);
    writeln!(out, "{}  {summary}", paint.paint(Role::Heading, text::escape(listed.file)))?;
    let digits = |n: u64, least: usize| n.to_string().len().max(least);
    let columns = Columns {
        index: digits(index.len(), 1),
        offset: digits(listed.bytes, 6),
        length: digits(index.totals().iter().map(|total| total.bytes).max().unwrap_or(0), 6),
        block: digits(index.blocks(), 5),
    };
    let heading = format!(
        "{:>index$}  {:<4}  {:>offset$}  {:>length$}  {:<8}  {:<5}  {:>block$}  {:<15}  {}",
        "#",
        "TAG",
        "OFFSET",
        "LENGTH",
        "CRC32",
        "CHECK",
        "BLOCK",
        "TIME",
        "TRACK",
        index = columns.index,
        offset = columns.offset,
        length = columns.length,
        block = columns.block
    );
    writeln!(out, "{}", paint.paint(Role::Label, heading.trim_end()))?;
    let mut losses = container.walked().losses.iter().peekable();
    for chunk in index.iter() {
        while let Some(loss) = losses.next_if(|loss| loss.offset < chunk.offset()) {
            write_loss(out, paint, columns, loss.offset, loss.length)?;
        }
        write_row(out, paint, columns, &listed.chunks.row(&chunk), container.state(&chunk))?;
    }
    losses.try_for_each(|loss| write_loss(out, paint, columns, loss.offset, loss.length))
}

fn write_row(out: &mut dyn Write, paint: Paint, columns: Columns, row: &Row<'_>, state: State) -> io::Result<()> {
    let (check, role) = match state {
        State::Unchecked => ("", Role::Label),
        State::Intact => ("ok", Role::Good),
        State::LengthRepaired => ("len", Role::Warning),
        State::TagRepaired => ("tag", Role::Warning),
        State::CrcMismatch => ("WRONG", Role::Error),
        State::Truncated => ("CUT", Role::Error),
    };
    let number = |n: Option<u64>| n.map_or_else(String::new, |n| n.to_string());
    let line = format!(
        "{:>index$}  {:<4}  {:>offset$}  {:>length$}  {:<8}  {}  {:>block$}  {:<15}  {}{}",
        row.index,
        row.tag,
        row.offset,
        row.length,
        row.crc32.as_deref().unwrap_or("-"),
        paint.paint(role, format_args!("{check:<5}")),
        number(row.block),
        row.pts_us.map_or_else(String::new, format_us),
        row.track.map_or_else(Default::default, |track| one_line(track, 40)),
        row.kind.map_or_else(String::new, |kind| format!(" {kind}")),
        index = columns.index,
        offset = columns.offset,
        length = columns.length,
        block = columns.block
    );
    writeln!(out, "{}", line.trim_end())
}

#[derive(Debug, Clone, Copy)]
struct Columns {
    index: usize,
    offset: usize,
    length: usize,
    block: usize,
}

fn write_loss(out: &mut dyn Write, paint: Paint, columns: Columns, offset: u64, length: u64) -> io::Result<()> {
    let Columns { index, offset: offsets, length: lengths, .. } = columns;
    let lost = format!("{:>index$}  {:<4}  {offset:>offsets$}  {length:>lengths$}  lost bytes", "-", "-");
    writeln!(out, "{}", paint.paint(Role::Error, lost))
}
