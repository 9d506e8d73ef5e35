//! What a salvage kept, mended, dropped and made anew.

use std::collections::BTreeMap;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::style::{Paint, Role, field};
use super::{as_object, count, size};
use h4mk::name::FileName;
use h4mk::salvage::{self, Mend, Report};
use h4mk::text;

/// A salvage of one file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Salvage {
    /// The source as it was named.
    pub file: String,
    /// `percent` where that isn't UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_encoding: Option<&'static str>,
    /// The output as it was named.
    pub out: String,
    /// `percent` where that isn't UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_encoding: Option<&'static str>,
    /// `transport` or `mux`.
    pub layout: &'static str,
    /// Nothing that the source's chunks held is missing.
    pub nothing_lost: bool,
    /// Size of the source.
    pub bytes: u64,
    /// Size of the output.
    pub bytes_written: u64,
    /// Bytes of what was dropped and is lost.
    pub bytes_lost: u64,
    /// CORE chunks found in the source, damaged ones included.
    pub blocks: u64,
    /// CORE chunks in the output, placeholders included.
    pub blocks_written: u64,
    /// Indices in the output of empty blocks, each in place of a lost one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub placeholders: Vec<u64>,
    /// Blocks that are not among those found, where bytes were lost or something names more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
    /// The first block of the output that may have had a higher index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisional_from: Option<u64>,
    /// Chunks copied as they are, by tag.
    #[serde(serialize_with = "as_object")]
    #[schemars(with = "BTreeMap<String, u64>")]
    pub kept: Vec<(String, u64)>,
    /// Chunks that were damaged and no longer are.
    pub mended: Vec<Mended>,
    /// What is not in the output.
    pub dropped: Vec<Dropped>,
    /// What was made anew.
    pub rebuilt: Vec<Rebuilt>,
    /// What else whoever uses the output should know.
    pub notes: Vec<String>,
    /// How many are not listed above, by list.
    #[serde(serialize_with = "as_object")]
    #[schemars(with = "BTreeMap<String, u64>")]
    pub omitted: Vec<(String, u64)>,
    #[serde(skip)]
    unexplained: bool,
}

/// Blocks of which nothing is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Missing {
    /// At least so many.
    pub blocks: u64,
    /// No more than that.
    pub exact: bool,
}

/// A chunk that was damaged and no longer is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Mended {
    /// Its tag.
    pub tag: String,
    /// File offset of its header in the source.
    pub offset: u64,
    /// Index of the block in the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
    /// What was wrong: `flip`, `length`, `tag` or `crc`.
    pub mend: &'static str,
    /// The flipped bit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flip: Option<Bit>,
}

/// A bit of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Bit {
    /// File offset of the byte.
    pub offset: u64,
    /// 0 is the least significant.
    pub bit: u8,
}

/// Something of the source that is not in the output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Dropped {
    /// The chunk's tag; absent for bytes that are no chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// File offset in the source.
    pub offset: u64,
    /// Bytes from there.
    pub length: u64,
    /// Index of the block in the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
    /// Why, in a word.
    pub reason: &'static str,
    /// Content is gone with it.
    pub lost: bool,
    #[serde(skip)]
    why: &'static str,
}

/// A chunk of the output that is no copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Rebuilt {
    /// Its tag.
    pub tag: String,
    /// File offset of the chunk it replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaces: Option<u64>,
    /// What it was made from, and what could not be.
    pub how: String,
    /// Something that the source's chunk said is gone.
    pub lost: bool,
}

impl Mended {
    fn new(mended: &salvage::Mended) -> Self {
        let flip = match mended.mend {
            Mend::Flip { offset, bit } => Some(Bit { offset, bit }),
            Mend::Length | Mend::Tag | Mend::Crc => None,
        };
        let (tag, mend) = (mended.tag.to_string(), mended.mend.name());
        Self { tag, offset: mended.offset, block: mended.block, mend, flip }
    }

    fn describe(&self) -> String {
        let what = match self.flip {
            Some(Bit { offset, bit }) => format!("bit {bit} of the byte at {offset} flipped back"),
            None => format!("its {} set right", self.mend),
        };
        format!("{}: {what}", place(Some(&self.tag), self.block, self.offset))
    }
}

impl Dropped {
    fn new(dropped: &salvage::Dropped) -> Self {
        Self {
            tag: dropped.tag.map(|tag| tag.to_string()),
            offset: dropped.offset,
            length: dropped.length,
            block: dropped.block,
            reason: dropped.reason.name(),
            lost: dropped.lost,
            why: dropped.reason.describe(),
        }
    }

    fn describe(&self) -> String {
        let place = place(self.tag.as_deref(), self.block, self.offset);
        let harmless = if self.lost { "" } else { "; no content is lost with it" };
        format!("{place}, {}: {}{harmless}", count(self.length, "byte"), self.why)
    }
}

impl Rebuilt {
    fn describe(&self) -> String {
        let replaces = self.replaces.map(|offset| format!(", in place of the one at {offset}")).unwrap_or_default();
        let lost = if self.lost { "; not all that it said could be kept" } else { "" };
        format!("{}{replaces}: {}{lost}", self.tag, self.how)
    }
}

/// `block 5 at 2600`, `META at 5000`, `bytes at 3799`.
fn place(tag: Option<&str>, block: Option<u64>, offset: u64) -> String {
    match (block, tag) {
        (Some(block), _) => format!("block {block} at {offset}"),
        (None, tag) => format!("{} at {offset}", tag.unwrap_or("bytes")),
    }
}

impl Salvage {
    /// What a report says about a source and an output of these names.
    pub fn new(file: &FileName, out: &FileName, report: &Report) -> Self {
        let salvage::Missing { blocks, exact } = report.missing;
        let omitted = [
            ("placeholders", report.placeholders.omitted()),
            ("mended", report.mended.omitted()),
            ("dropped", report.dropped.omitted()),
        ];
        let rebuilt = report.rebuilt.iter().map(|rebuilt| Rebuilt {
            tag: rebuilt.tag.to_string(),
            replaces: rebuilt.replaces,
            how: rebuilt.how.clone(),
            lost: rebuilt.lost,
        });
        Self {
            file: file.to_string(),
            file_encoding: file.encoding(),
            out: out.to_string(),
            out_encoding: out.encoding(),
            layout: report.layout.name(),
            nothing_lost: report.nothing_lost(),
            bytes: report.bytes_before,
            bytes_written: report.bytes_after,
            bytes_lost: report.bytes_lost,
            blocks: report.blocks_before,
            blocks_written: report.blocks_after,
            placeholders: report.placeholders.list().to_vec(),
            missing: (blocks > 0 || !exact).then_some(Missing { blocks, exact }),
            provisional_from: report.provisional_from,
            kept: report.kept.iter().map(|(tag, n)| (tag.to_string(), *n)).collect(),
            mended: report.mended.list().iter().map(Mended::new).collect(),
            dropped: report.dropped.list().iter().map(Dropped::new).collect(),
            rebuilt: rebuilt.collect(),
            notes: report.notes.clone(),
            omitted: omitted.into_iter().filter(|(_, n)| *n > 0).map(|(list, n)| (list.to_owned(), n)).collect(),
            unexplained: report.unexplained,
        }
    }

    fn omitted(&self, list: &str) -> u64 {
        self.omitted.iter().find(|(name, _)| name == list).map_or(0, |(_, n)| *n)
    }

    /// Whether something was lost, in one line.
    pub fn describe(&self) -> String {
        if self.nothing_lost {
            return "nothing was lost".to_owned();
        }
        let Missing { blocks: missing, exact } = self.missing.unwrap_or(Missing { blocks: 0, exact: true });
        let lost = self.blocks.saturating_sub(self.blocks_kept()).saturating_add(missing);
        let bytes = count(self.bytes_lost, "byte");
        match (lost, exact, self.bytes_lost) {
            (0, true, 0) if self.unexplained => "something was lost or changed, and nothing says what".to_owned(),
            (0, false, 0) => "there may have been more blocks".to_owned(),
            (0, true, 0) => "no block was lost, but something of the other chunks".to_owned(),
            (0, true, _) => format!("no block was lost, but {bytes} of other chunks"),
            (0, false, _) => format!("{bytes} were lost, in which there may have been blocks"),
            (n, true, _) => {
                let all = count(self.blocks.saturating_add(missing), "block");
                let bytes = if self.bytes_lost > 0 { format!(", {bytes} in all") } else { String::new() };
                format!("{n} of {all} lost{bytes}")
            }
            (n, false, _) => format!("at least {} lost, {bytes} in all", count(n, "block")),
        }
    }

    fn placeholder_count(&self) -> u64 {
        (self.placeholders.len() as u64).saturating_add(self.omitted("placeholders"))
    }

    fn blocks_kept(&self) -> u64 {
        self.blocks_written.saturating_sub(self.placeholder_count())
    }

    /// How many blocks are kept, and of how many.
    fn describe_kept(&self) -> String {
        let mended = self.mended.iter().filter(|mended| mended.block.is_some()).count();
        let mended = match mended {
            _ if self.omitted("mended") > 0 => ", some of them mended".to_owned(),
            0 => String::new(),
            n => format!(", {n} of them mended"),
        };
        let missing = match self.missing {
            None => String::new(),
            Some(Missing { blocks, exact: true }) if self.bytes_lost > 0 => {
                format!("; {blocks} more stood in the lost bytes")
            }
            Some(Missing { blocks: 1, exact: true }) => "; 1 more is missing".to_owned(),
            Some(Missing { blocks, exact: true }) => format!("; {blocks} more are missing"),
            Some(Missing { blocks: 0, .. }) if self.bytes_lost == 0 => "; there may have been more".to_owned(),
            Some(Missing { blocks: 0, .. }) => "; the lost bytes may have held more".to_owned(),
            Some(Missing { blocks, .. }) if self.bytes_lost > 0 => {
                format!("; at least {blocks} more stood in the lost bytes")
            }
            Some(Missing { blocks, .. }) => format!("; at least {blocks} more are missing"),
        };
        format!("{} kept of the {} found{mended}{missing}", self.blocks_kept(), self.blocks)
    }

    /// Writes it for people.
    pub fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let names = format!("{} -> {}", text::escape(&self.file), text::escape(&self.out));
        let role = if self.nothing_lost { Role::Good } else { Role::Error };
        writeln!(out, "{}: {}", paint.paint(Role::Heading, names), paint.paint(role, self.describe()))?;
        field(out, paint, "Layout", self.layout)?;
        field(out, paint, "Size", format_args!("{}, was {}", size(self.bytes_written), size(self.bytes)))?;
        field(out, paint, "Blocks", self.describe_kept())?;
        if !self.placeholders.is_empty() {
            let numbers = ranges(&self.placeholders);
            let more = self.omitted("placeholders");
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let line = format!("{}: {numbers}{more}", count(self.placeholder_count(), "empty block"));
            field(out, paint, "Placeholders", paint.paint(Role::Warning, line))?;
        }
        let kept: Vec<String> = self.kept.iter().map(|(tag, n)| format!("{tag} {n}")).collect();
        field(out, paint, "Unchanged", if kept.is_empty() { "nothing".to_owned() } else { kept.join(", ") })?;
        let mended = self.mended.iter().map(|mended| (Role::Good, mended.describe()));
        list(out, paint, "Mended", mended, self.omitted("mended"))?;
        let of = |lost: bool| if lost { Role::Error } else { Role::Warning };
        let dropped = self.dropped.iter().map(|dropped| (of(dropped.lost), dropped.describe()));
        list(out, paint, "Dropped", dropped, self.omitted("dropped"))?;
        let of = |lost: bool| if lost { Role::Error } else { Role::Note };
        let rebuilt = self.rebuilt.iter().map(|rebuilt| (of(rebuilt.lost), rebuilt.describe()));
        list(out, paint, "Rebuilt", rebuilt, 0)?;
        if let Some(first) = self.provisional_from {
            let why = "an unknown number of blocks was lost before it";
            let line = format!("provisional from block {first} on: {why}");
            list(out, paint, "Numbering", [(Role::Warning, line)].into_iter(), 0)?;
        }
        list(out, paint, "Notes", self.notes.iter().map(|note| (Role::Note, note.clone())), 0)
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
