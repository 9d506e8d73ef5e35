//! The digests over the whole: VERI, and the mux layout's closing CRC.

use super::Report;
use crate::container::Container;
use crate::crc::crc32;
use crate::finding::{Code, Finding};
use crate::index::Tag;
use crate::json::{Document, without_bom};
use crate::veri::{Status, Verification};

pub(super) fn check(report: &mut Report<'_>) {
    let verification = report.verification;
    veri(report, verification);
    closing(report);
}

fn veri(report: &mut Report<'_>, verification: &Verification) {
    let Some(chunk) = report.container.index().first(Tag::VERI) else { return };
    let readable = report.container.sidecar(Tag::VERI).is_some_and(|readable| readable.index == chunk.index);
    if readable {
        let payload = report.container.sidecar_payload(&chunk);
        let document = Document::parse(payload);
        // A raw digest may begin with any byte: what it is says the verification.
        let meant = matches!(without_bom(payload).get(0), Some(b'{' | b'['));
        let beyond_limit = meant && document.is_beyond_limit();
        let unread = beyond_limit || document.object().is_none() && meant && verification.status == Status::Malformed;
        if document.object().is_some() || unread {
            super::sidecars::document(report, &chunk, &document);
        }
        if unread {
            return;
        }
    }
    let code = match verification.status {
        Status::Mismatch => Code::VeriMismatch,
        Status::Malformed | Status::Unsupported if chunk.state.is_damaged() => return,
        Status::Malformed => Code::VeriMalformed,
        Status::Unsupported => Code::VeriUnsupported,
        Status::Verified | Status::Absent | Status::Unchecked => return,
    };
    let mut message = format!("VERI at {}: {}", chunk.offset, verification.info.trim_start_matches("VERI: "));
    if let (Code::VeriMismatch, Some(expected), Some(computed)) = (code, &verification.expected, &verification.computed)
    {
        message = format!("VERI at {}: stored {expected}, computed {computed}", chunk.offset);
    }
    let computed = verification.computed.clone().filter(|_| code == Code::VeriMismatch);
    report.push(Finding::on(code, &chunk, message).expecting_if(computed));
}

fn closing(report: &mut Report<'_>) {
    let container = report.container;
    let missing = |finding: &&mut Finding| finding.code == Code::ContainerCrcMissing;
    if let Some(finding) = report.findings.list_mut().iter_mut().find(missing) {
        let before = container.bytes().slice(0, finding.offset);
        let crc = before.map(crc32);
        finding.expected = crc.map(|crc| format!("{crc:08x}").into());
    }
    if let Some((at, stored, computed)) = wrong_closing(container) {
        let message = format!("closing CRC at {at}: stored {stored:08x}, computed {computed:08x}");
        report.push(Finding::at(Code::ContainerCrcMismatch, at, 4, message).expecting(format!("{computed:08x}")));
    }
}

/// Where the mux layout's closing CRC is, and what it is and should be, if those differ.
pub(super) fn wrong_closing(container: &Container) -> Option<(u64, u32, u32)> {
    let at = container.walked().closing_crc?;
    let (stored, computed) = container.layout().closing_crc(container.bytes(), at)?;
    (stored != computed).then_some((at, stored, computed))
}
