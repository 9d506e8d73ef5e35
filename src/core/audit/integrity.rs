//! The digests over the whole: VERI, and the mux layout's closing CRC.

use super::Report;
use crate::core::finding::{Code, Finding};
use crate::core::index::Tag;
use crate::core::json::Document;
use crate::core::veri::{Status, Verification};

pub(super) fn check(report: &mut Report<'_>, verification: &Verification) {
    veri(report, verification);
    closing(report);
}

fn veri(report: &mut Report<'_>, verification: &Verification) {
    let Some(chunk) = report.container.index().first(Tag::VERI) else { return };
    let code = match verification.status {
        Status::Mismatch => Code::VeriMismatch,
        Status::Malformed if chunk.state.is_damaged() => return,
        Status::Malformed => {
            let payload = report.container.payload(&chunk);
            if payload.starts_with(b"{") || payload.starts_with(b"[") {
                let document = Document::parse(payload);
                super::sidecars::document(report, &chunk, &document);
                if document.object().is_none() {
                    return;
                }
            }
            Code::VeriMalformed
        }
        Status::Unsupported => Code::VeriUnsupported,
        Status::Verified | Status::Absent | Status::Unchecked => return,
    };
    let mut message = format!("VERI at {}: {}", chunk.offset, verification.info);
    if let (Code::VeriMismatch, Some(expected), Some(computed)) = (code, &verification.expected, &verification.computed)
    {
        message = format!("VERI at {} says {expected}, computed {computed}", chunk.offset);
    }
    report.push(Finding::on(code, &chunk, message));
}

fn closing(report: &mut Report<'_>) {
    let container = report.container;
    let Some(at) = container.walked().closing_crc else { return };
    let Some((stored, computed)) = container.layout().closing_crc(container.bytes(), at) else { return };
    if stored != computed {
        let message = format!("closing CRC at {at}: stored {stored:08x}, computed {computed:08x}");
        report.push(Finding::at(Code::ContainerCrcMismatch, at, 4, message));
    }
}
