//! The Audit view, as it is drawn.

use crate::support::played::{SIZES, container, damaged, play, sample, styles, text};
use crate::support::with_snapshots;
use h4inspect::tui::theme::{Background, Depth, Theme};

#[test]
fn before_and_after_an_audit() {
    with_snapshots(|| {
        insta::assert_snapshot!("audit-not-yet", text(sample(), (80, 24), "6"));
        insta::assert_snapshot!("audit-ok", text(sample(), (120, 40), "a6"));
        for size in SIZES {
            insta::assert_snapshot!(format!("audit-damaged-{}x{}", size.0, size.1), text(damaged(), size, "a6"));
        }
    });
}

#[test]
fn groups_and_details() {
    with_snapshots(|| {
        insta::assert_snapshot!("audit-by-code", text(damaged(), (100, 30), "a6o"));
        insta::assert_snapshot!("audit-by-chunk", text(damaged(), (100, 30), "a6oo<Down>"));
        insta::assert_snapshot!("audit-details", text(damaged(), (80, 24), "a6<Space>"));
    });
}

#[test]
fn styles_say_what_glyphs_say() {
    with_snapshots(|| {
        insta::assert_snapshot!("audit-styles", styles(damaged(), Theme::default(), (80, 24), "a6"));
        let plain = Theme { depth: Depth::None, ..Theme::default() };
        insta::assert_snapshot!("audit-styles-no-color", styles(damaged(), plain, (80, 24), "a6"));
        let ascii = Theme { ascii: true, depth: Depth::Ansi16, background: Background::Light };
        insta::assert_snapshot!(
            "audit-ascii",
            h4inspect::tui::screen::text(&play(damaged(), ascii, (80, 24), "a6").frame())
        );
    });
}

#[test]
fn veri_and_what_it_covers() {
    let mut after = sample();
    after.extend(
        [b"NOTE".as_slice(), &[0, 0, 0, 40], &crc32fast::hash(&[b'x'; 40]).to_be_bytes(), &[b'x'; 40]].concat(),
    );
    with_snapshots(|| {
        insta::assert_snapshot!("audit-veri-only", text(sample(), (120, 40), "v6"));
        insta::assert_snapshot!("audit-after-veri", text(after, (120, 40), "a6"));
        let mut payloads = container(b"{}", &[]);
        let digest = payload_digest(&payloads);
        let at = payloads.len() - 32;
        payloads.truncate(at);
        payloads.extend(digest);
        let crc = crc32fast::hash(&payloads[at..]).to_be_bytes();
        payloads[at - 4..at].copy_from_slice(&crc);
        insta::assert_snapshot!("audit-veri-payloads", text(payloads, (120, 40), "a6"));
    });
}

/// SHA-256 of the payloads of CORE, SEEK, META and SAFE, which stand in that order.
fn payload_digest(file: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    let mut at = 8;
    while &file[at..at + 4] != b"VERI" {
        let len = u32::from_be_bytes(file[at + 4..at + 8].try_into().unwrap()) as usize;
        hash.update(&file[at + 12..at + 12 + len]);
        at += 12 + len;
    }
    hash.finalize().to_vec()
}

#[test]
fn many_findings() {
    let mut bytes = b"H4MK\0\x01\0\0".to_vec();
    for n in 0..300u32 {
        bytes.extend([b"CORE".as_slice(), &[0, 0, 0, 4], &(n + 1).to_be_bytes(), &[1, 2, 3, 4]].concat());
    }
    with_snapshots(|| {
        insta::assert_snapshot!("audit-many", text(bytes.clone(), (100, 30), "a6"));
        insta::assert_snapshot!("audit-many-groups", text(bytes, (100, 30), "a6o<Left>"));
    });
}
