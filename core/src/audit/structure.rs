//! The file header, and which chunks there are: reserved fields, tags, duplicates, order, what is missing.

use super::Report;
use crate::finding::{Code, Finding, Severity};
use crate::index::Tag;
use crate::layout::Layout;
use crate::text::{count, escape_bytes};
use crate::walk::Ending;

pub(super) fn check(report: &mut Report<'_>) {
    header(report);
    if report.container.header().version != 1 && report.container.index().is_empty() {
        return;
    }
    tags(report);
    duplicates(report);
    after_veri(report);
    // What a growing file lacks may still come.
    if !report.container.options().growing {
        missing(report);
        ending(report);
    }
}

fn header(report: &mut Report<'_>) {
    let header = *report.container.header();
    if header.version != 1 {
        let length = if header.layout == Layout::Mux { 1 } else { 2 };
        let message = format!("version {} at 4, but only version 1 is defined", header.version);
        report.push(Finding::at(Code::VersionUnsupported, 4, length, message).expecting(1u8));
    }
    if let Some(flags) = header.flags.filter(|flags| *flags != 0) {
        let message = format!("file header flags at 5 are {flags:#04x}, expected 0");
        report.push(Finding::at(Code::ReservedNonzero, 5, 1, message).expecting(0u8));
    }
    if header.reserved != 0 {
        let message = format!("reserved field at 6 is {:#06x}, expected 0", header.reserved);
        report.push(Finding::at(Code::ReservedNonzero, 6, 2, message).expecting(0u8));
    }
}

fn tags(report: &mut Report<'_>) {
    let container = report.container;
    let unknown = container.index().totals().iter().filter(|total| !total.tag.is_known());
    for chunk in unknown.flat_map(|total| container.index().of_total(total)) {
        if chunk.tag.is_printable() {
            report.findings.add(Code::ChunkUnknown, || {
                let message = format!("tag {} at {} is not defined by the format", chunk.tag, chunk.offset);
                Finding::on(Code::ChunkUnknown, &chunk, message)
            });
        } else {
            report.findings.add(Code::ChunkTagInvalid, || {
                let [a, b, c, d] = chunk.tag.0;
                let bytes = format!("{a:02x} {b:02x} {c:02x} {d:02x}");
                let message = format!("tag bytes {bytes} at {} are not printable ASCII", chunk.offset);
                Finding::on(Code::ChunkTagInvalid, &chunk, message).focused(chunk.offset..chunk.offset + 4)
            });
        }
    }
}

fn duplicates(report: &mut Report<'_>) {
    let container = report.container;
    for tag in [Tag::META, Tag::SAFE, Tag::SEEK, Tag::VERI, Tag::TRAK] {
        let mut chunks = container.index().with_tag(tag);
        let Some(first) = chunks.next() else { continue };
        for chunk in chunks {
            report.findings.add(Code::ChunkDuplicate, || {
                let message = format!("another {tag} at {}; the one at {} counts", chunk.offset, first.offset);
                Finding::on(Code::ChunkDuplicate, &chunk, message)
            });
        }
    }
}

fn after_veri(report: &mut Report<'_>) {
    let container = report.container;
    let Some(veri) = container.index().first(Tag::VERI).filter(|_| container.layout() == Layout::Transport) else {
        return;
    };
    let later = (veri.index + 1..container.index().len()).filter_map(|i| container.index().chunk(i));
    for chunk in later.filter(|chunk| chunk.tag != Tag::VERI) {
        report.findings.add(Code::ChunkAfterVeri, || {
            let message = format!("{} at {} follows VERI at {}", chunk.tag, chunk.offset, veri.offset);
            Finding::on(Code::ChunkAfterVeri, &chunk, message)
        });
    }
}

fn missing(report: &mut Report<'_>) {
    if report.has_losses() || report.is_cut() {
        return;
    }
    let container = report.container;
    let index = container.index();
    let absent = |tag: &Tag| index.first(*tag).is_none() && !report.may_have_lost(*tag);
    let expected: &[Tag] = match container.layout() {
        Layout::Transport => &[Tag::META, Tag::SEEK, Tag::SAFE, Tag::VERI],
        Layout::Mux => &[Tag::TRAK],
    };
    let missing: Vec<Tag> = expected.iter().copied().filter(absent).collect();
    let end = chain_end(report);
    if absent(&Tag::CORE) {
        report.push(Finding::at(Code::NoBlocks, 0, container.source().len(), "there is no CORE chunk"));
    }
    match container.layout() {
        Layout::Transport => {
            if missing.len() == expected.len() {
                let message = format!("META, SEEK, SAFE and VERI are all missing: the chain of chunks ends at {end}");
                report.push(Finding::at(Code::Unfinished, end, 0, message));
                return;
            }
            for tag in missing {
                let finding = Finding::at(Code::ChunkMissing, end, 0, format!("there is no {tag} chunk"));
                report.push(finding.expecting(tag.to_string()));
            }
        }
        Layout::Mux if !missing.is_empty() => {
            let severity = if index.blocks() > 0 { Severity::Error } else { Severity::Warning };
            let message = format!("there is no {} chunk", Tag::TRAK);
            let finding = Finding::at(Code::ChunkMissing, end, 0, message).expecting(Tag::TRAK.to_string());
            report.push(Finding { severity, ..finding });
        }
        Layout::Mux => {}
    }
}

/// Where the chain of chunks ends.
fn chain_end(report: &Report<'_>) -> u64 {
    let index = report.container.index();
    let last = index.len().checked_sub(1).and_then(|last| index.chunk(last));
    last.map_or(report.container.layout().file_header_len(), |chunk| chunk.end)
}

fn unclosed(at: u64) -> Finding {
    let message = format!("no closing CRC after the last chunk, which ends at {at}");
    Finding::at(Code::ContainerCrcMissing, at, 0, message)
}

fn ending(report: &mut Report<'_>) {
    let container = report.container;
    let len = container.source().len();
    match container.walked().ending {
        // Less than a closing CRC is what is left of one.
        Ending::Trailing(at) if len - at < container.layout().closing_len() && container.lacks_closing_crc() => {
            let message = format!("the file ends at {len}, {} into its closing CRC at {at}", count(len - at, "byte"));
            report.push(Finding::at(Code::ContainerCrcMissing, at, len - at, message));
        }
        Ending::Trailing(at) => {
            if container.lacks_closing_crc() {
                report.push(unclosed(at));
            }
            let begins = escape_bytes(&container.bytes().head::<8>(at));
            let message =
                format!("{} after the last chunk, at {at}, beginning with \"{begins}\"", count(len - at, "byte"));
            report.push(Finding::at(Code::TrailingBytes, at, len - at, message));
        }
        Ending::Appended(at) => {
            let is_lost = container.walked().losses.last().is_some_and(|loss| loss.offset + loss.length == at);
            if container.lacks_closing_crc() && !is_lost {
                report.push(unclosed(at));
            }
            let rest = count(len - at, "byte");
            let message = format!("another container begins at {at}; the {rest} from there on were not checked");
            report.push(Finding::at(Code::AppendedContainer, at, len - at, message));
        }
        Ending::NoClosingCrc => {
            let message = format!("the file ends after a chunk, at {len}, where its closing CRC should be");
            report.push(Finding::at(Code::ContainerCrcMissing, len, 0, message));
        }
        Ending::Clean | Ending::Damaged | Ending::Limit => {}
    }
}
