//! How two containers differ, line by line for people.

mod lines;

use std::io::{self, Write};

pub use lines::{Line, LineTarget, Mark, lines};

use super::count;
use super::style::{Paint, Role};
use h4mk::diff::{Diff, Pair};
use h4mk::name::FileName;
use h4mk::text;

/// What differs, in one line.
pub fn describe(diff: &Diff) -> String {
    if diff.is_same() {
        return "the same".to_owned();
    }
    let blocks = &diff.blocks;
    let counts = [
        ("removed", blocks.removed.count()),
        ("added", blocks.added.count()),
        ("changed", blocks.changed.count()),
        ("moved", blocks.moved.count()),
        ("re-timed", blocks.retimed.count()),
        ("damaged in one of them", blocks.integrity.count()),
    ];
    let mut parts: Vec<String> = Vec::new();
    if !diff.header.is_empty() {
        parts.push("header".to_owned());
    }
    for (what, n) in counts.into_iter().filter(|(_, n)| *n > 0) {
        parts.push(format!("{} {what}", count(n, "block")));
    }
    parts.extend(diff.documents.iter().map(|document| document.tag.to_string()));
    parts.extend(diff.tables.iter().map(lines::table_name));
    if !diff.chunks.is_empty() {
        parts.push(count(diff.chunks.count(), "other chunk"));
    }
    format!("different: {}", parts.join(", "))
}

/// Writes it for people: what differs in one line, then each difference.
pub fn write_text(
    out: &mut dyn Write,
    paint: Paint,
    names: Pair<&FileName>,
    diff: &Diff,
    lines: &[Line],
) -> io::Result<()> {
    let names = format!("{} -> {}", text::escape(names.before.as_str()), text::escape(names.after.as_str()));
    let role = if diff.is_same() { Role::Good } else { Role::Warning };
    writeln!(out, "{}: {}", paint.paint(Role::Heading, names), paint.paint(role, describe(diff)))?;
    for line in lines {
        match line.mark {
            Mark::Heading => writeln!(out, "  {}", paint.paint(Role::Heading, &line.text))?,
            mark => writeln!(out, "    {}", paint.paint(mark.role(), format_args!("{} {}", mark.sign(), line.text)))?,
        }
    }
    Ok(())
}
