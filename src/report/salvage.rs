//! What a salvage kept, mended, dropped and made anew, for people.

use std::io::{self, Write};

use super::style::{Paint, Role, field};
use super::summary::Describe;
use super::{count, size};
use h4mk::report::Salvage;
use h4mk::report::salvage::{Bit, Dropped, Mended, Missing, Rebuilt};
use h4mk::salvage::{Reason, Report};
use h4mk::text;

/// A salvage in words.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// What JSON says.
    pub salvage: &'a Salvage,
    /// Something is missing or was changed, and it can't be told what.
    unexplained: bool,
}

impl<'a> Words<'a> {
    /// Of a report, and of what JSON says of it.
    pub fn new(salvage: &'a Salvage, report: &Report) -> Self {
        Self { salvage, unexplained: report.unexplained }
    }

    fn omitted(&self, list: &str) -> u64 {
        self.salvage.omitted.iter().find(|(name, _)| name == list).map_or(0, |(_, n)| *n)
    }

    /// Whether something was lost, in one line.
    pub fn describe(&self) -> String {
        if self.salvage.nothing_lost {
            return "nothing was lost".to_owned();
        }
        let Missing { blocks: missing, exact } = self.salvage.missing.unwrap_or(Missing { blocks: 0, exact: true });
        let lost = self.salvage.blocks.saturating_sub(self.blocks_kept()).saturating_add(missing);
        let bytes = count(self.salvage.bytes_lost, "byte");
        match (lost, exact, self.salvage.bytes_lost) {
            (0, true, 0) if self.unexplained => "something was lost or changed, but nothing says what".to_owned(),
            (0, false, 0) => "there may have been more blocks".to_owned(),
            (0, true, 0) => "no block was lost, but part of another chunk was".to_owned(),
            (0, true, _) => format!("no block was lost, but {bytes} of other chunks were"),
            (0, false, _) => format!("{bytes} were lost, and may have held blocks"),
            (n, true, _) => {
                let all = count(self.salvage.blocks.saturating_add(missing), "block");
                let bytes = if self.salvage.bytes_lost > 0 { format!(", {bytes} in all") } else { String::new() };
                format!("{n} of {all} lost{bytes}")
            }
            (n, false, _) => format!("at least {} lost, {bytes} in all", count(n, "block")),
        }
    }

    fn placeholder_count(&self) -> u64 {
        (self.salvage.placeholders.len() as u64).saturating_add(self.omitted("placeholders"))
    }

    fn blocks_kept(&self) -> u64 {
        self.salvage.blocks_written.saturating_sub(self.placeholder_count())
    }

    /// How many blocks are kept, and of how many.
    fn describe_kept(&self) -> String {
        let mended = self.salvage.mended.iter().filter(|mended| mended.block.is_some()).count();
        let mended = match mended {
            _ if self.omitted("mended") > 0 => ", some of them mended".to_owned(),
            0 => String::new(),
            n => format!(", {n} of them mended"),
        };
        let missing = match self.salvage.missing {
            None => String::new(),
            Some(Missing { blocks, exact: true }) if self.salvage.bytes_lost > 0 => {
                format!("; {blocks} more were in the lost bytes")
            }
            Some(Missing { blocks: 1, exact: true }) => "; 1 more is missing".to_owned(),
            Some(Missing { blocks, exact: true }) => format!("; {blocks} more are missing"),
            Some(Missing { blocks: 0, .. }) if self.salvage.bytes_lost == 0 => "; there may have been more".to_owned(),
            Some(Missing { blocks: 0, .. }) => "; the lost bytes may have held more".to_owned(),
            Some(Missing { blocks, .. }) if self.salvage.bytes_lost > 0 => {
                format!("; at least {blocks} more were in the lost bytes")
            }
            Some(Missing { blocks, .. }) => format!("; at least {blocks} more are missing"),
        };
        format!("{} kept of the {} found{mended}{missing}", self.blocks_kept(), self.salvage.blocks)
    }

    /// Writes it for people.
    pub fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let names = format!("{} -> {}", text::escape(&self.salvage.file), text::escape(&self.salvage.out));
        let role = if self.salvage.nothing_lost { Role::Good } else { Role::Error };
        writeln!(out, "{}: {}", paint.paint(Role::Heading, names), paint.paint(role, self.describe()))?;
        field(out, paint, "Layout", self.salvage.layout)?;
        field(
            out,
            paint,
            "Size",
            format_args!("{}, before {}", size(self.salvage.bytes_written), size(self.salvage.bytes)),
        )?;
        field(out, paint, "Blocks", self.describe_kept())?;
        if !self.salvage.placeholders.is_empty() {
            let numbers = ranges(&self.salvage.placeholders);
            let more = self.omitted("placeholders");
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let line = format!("{}: {numbers}{more}", count(self.placeholder_count(), "empty block"));
            field(out, paint, "Placeholders", paint.paint(Role::Warning, line))?;
        }
        let kept: Vec<String> = self.salvage.kept.iter().map(|(tag, n)| format!("{tag} {n}")).collect();
        field(out, paint, "Unchanged", if kept.is_empty() { "nothing".to_owned() } else { kept.join(", ") })?;
        let mended = self.salvage.mended.iter().map(|mended| (Role::Good, mended.describe()));
        list(out, paint, "Mended", mended, self.omitted("mended"))?;
        let of = |lost: bool| if lost { Role::Error } else { Role::Warning };
        let dropped = self.salvage.dropped.iter().map(|dropped| (of(dropped.lost), dropped.describe()));
        list(out, paint, "Dropped", dropped, self.omitted("dropped"))?;
        let of = |lost: bool| if lost { Role::Error } else { Role::Note };
        let rebuilt = self.salvage.rebuilt.iter().map(|rebuilt| (of(rebuilt.lost), rebuilt.describe()));
        list(out, paint, "Rebuilt", rebuilt, 0)?;
        if let Some(first) = self.salvage.provisional_from {
            let why = "an unknown number of blocks was lost before it";
            let line = format!("provisional from block {first} on: {why}");
            list(out, paint, "Numbering", [(Role::Warning, line)].into_iter(), 0)?;
        }
        list(out, paint, "Notes", self.salvage.notes.iter().map(|note| (Role::Note, note.clone())), 0)
    }
}

impl Describe for Mended {
    fn describe(&self) -> String {
        let what = match self.flip {
            Some(Bit { offset, bit }) => format!("bit {bit} of the byte at {offset} was flipped back"),
            None => format!("its {} was corrected", self.mend),
        };
        format!("{}: {what}", place(Some(&self.tag), self.block, self.offset))
    }
}

impl Describe for Dropped {
    fn describe(&self) -> String {
        let place = place(self.tag.as_deref(), self.block, self.offset);
        let harmless = if self.lost { "" } else { "; no content was lost with it" };
        format!("{place}, {}: {}{harmless}", count(self.length, "byte"), why(self.reason))
    }
}

impl Describe for Rebuilt {
    fn describe(&self) -> String {
        let replaces = self.replaces.map(|offset| format!(", replacing the one at {offset}")).unwrap_or_default();
        let lost = if self.lost { "; some of its content was lost" } else { "" };
        format!("{}{replaces}: {}{lost}", self.tag, self.how)
    }
}

/// Why something of the source is not in the output.
fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::Mendable => "its CRC is wrong because of one flipped bit, which --repair would mend",
        reason => reason.describe(),
    }
}

/// `block 5 at 2600`, `META at 5000`, `bytes at 3799`.
fn place(tag: Option<&str>, block: Option<u64>, offset: u64) -> String {
    match (block, tag) {
        (Some(block), _) => format!("block {block} at {offset}"),
        (None, tag) => format!("{} at {offset}", tag.unwrap_or("bytes")),
    }
}

/// `3, 7-9`: numbers that ascend.
fn ranges(numbers: &[u64]) -> String {
    let runs = numbers.chunk_by(|a, b| a.checked_add(1) == Some(*b));
    let shown = runs.filter_map(|run| match run {
        [one] => Some(one.to_string()),
        run => Some(format!("{}-{}", run.first()?, run.last()?)),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Entries under one name, each on a line of its own.
fn list(
    out: &mut dyn Write,
    paint: Paint,
    label: &str,
    entries: impl Iterator<Item = (Role, String)>,
    omitted: u64,
) -> io::Result<()> {
    let more = (omitted > 0).then(|| (Role::Label, format!("and {omitted} more")));
    let mut label = label;
    for (role, entry) in entries.chain(more) {
        field(out, paint, label, paint.paint(role, text::escape(&entry)))?;
        label = "";
    }
    Ok(())
}
