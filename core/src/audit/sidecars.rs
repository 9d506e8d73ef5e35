//! META and SAFE as text: JSON that can't be read, or says impossible things.

use super::Report;
use crate::block::EngineKind;
use crate::finding::{Code, Finding};
use crate::index::{Chunk, Tag};
use crate::json::{Document, Scan};
use crate::text::escape;

pub(super) fn check(report: &mut Report<'_>) {
    let container = report.container;
    if let (Some(chunk), Some(meta)) = (container.meta_chunk(), container.meta()) {
        match meta.binary {
            Some(binary) => {
                let message = format!("META at {} is the older binary form: {binary}", chunk.offset);
                report.push(Finding::on(Code::MetaBinary, &chunk, message));
            }
            None => document(report, &chunk, &meta.document),
        }
        for (field, why) in &meta.invalid {
            let message = format!("META {}: {why}", escape(field));
            report.findings.add(Code::JsonFieldInvalid, || Finding::on(Code::JsonFieldInvalid, &chunk, message));
        }
        let assumed = container.pipeline().engine == EngineKind::Rle { assumed: true };
        if meta.document.object().is_some() && assumed {
            let what = if meta.compression.is_none() { "no compression object" } else { "no engine in /compression" };
            let message = format!("META has {what}: the reference engine is assumed");
            report.push(Finding::on(Code::EngineAssumed, &chunk, message));
        }
    }
    if let (Some(chunk), Some(safe)) = (container.safe_chunk(), container.safe()) {
        document(report, &chunk, safe);
    }
    if let Some(chunk) = container.sidecar(Tag::TRAK) {
        document(report, &chunk, &Scan::new(container.sidecar_payload(&chunk)).document);
    }
}

/// What is wrong with one JSON payload.
pub(super) fn document(report: &mut Report<'_>, chunk: &Chunk, document: &Document) {
    let tag: Tag = chunk.tag;
    if let Some(error) = &document.error {
        report.complete &= !error.beyond_limit;
        let code = if error.beyond_limit { Code::JsonLimit } else { Code::JsonInvalid };
        let at = chunk.payload_offset + error.offset;
        let message = format!("{tag} at {}: {}, at file offset {at}", chunk.offset, error.message);
        report.push(Finding::on(code, chunk, message).focused(at..at + 1));
    } else if document.object().is_none() {
        let message = format!("{tag} at {} is JSON, but not an object", chunk.offset);
        report.push(Finding::on(Code::JsonNotObject, chunk, message));
    }
    if document.bom {
        let message = format!("{tag} at {} begins with a byte order mark", chunk.offset);
        let mark = chunk.payload_offset..chunk.payload_offset + 3;
        report.push(Finding::on(Code::JsonBom, chunk, message).focused(mark));
    }
    if let Some(offset) = document.surrogate {
        let at = chunk.payload_offset + offset;
        let message =
            format!("{tag} at {}: half of a surrogate pair at {at}; the string is shown as written", chunk.offset);
        report.push(Finding::on(Code::JsonSurrogate, chunk, message).focused(at..at + 6));
    }
    for key in &document.duplicates {
        report.findings.add(Code::JsonDuplicateKey, || {
            Finding::on(Code::JsonDuplicateKey, chunk, format!("{tag} {} occurs more than once", escape(key)))
        });
    }
}
