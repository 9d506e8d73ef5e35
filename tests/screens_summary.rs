//! The Summary view, as it is drawn.

use crate::support::played::{SIZES, container, damaged, sample, styles, text};
use crate::support::with_snapshots;
use h4inspect::tui::theme::{Depth, Theme};

#[test]
fn a_container_in_order() {
    with_snapshots(|| {
        for size in SIZES {
            insta::assert_snapshot!(format!("summary-{}x{}", size.0, size.1), text(sample(), size, ""));
        }
        insta::assert_snapshot!("summary-audited", text(sample(), (120, 40), "a1"));
    });
}

#[test]
fn a_damaged_one() {
    with_snapshots(|| {
        for size in SIZES {
            insta::assert_snapshot!(format!("summary-damaged-{}x{}", size.0, size.1), text(damaged(), size, "a1"));
        }
        insta::assert_snapshot!("summary-styles", styles(damaged(), Theme::default(), (80, 24), "a1j"));
        let plain = Theme { depth: Depth::None, ..Theme::default() };
        insta::assert_snapshot!("summary-styles-no-color", styles(damaged(), plain, (80, 24), "a1j"));
    });
}

#[test]
fn what_is_not_searched_itself_leads_to_hex() {
    for view in ["1", "3", "6"] {
        let shown = text(sample(), (80, 24), &format!("{view}/0x05 05<Enter>"));
        assert!(shown.contains("Hex: block 5 decoded") && shown.contains("found in block 5"), "{shown}");
        let shown = text(sample(), (80, 24), &format!("{view}/needle<Enter>"));
        assert!(shown.contains("needle is in no decoded block"), "{shown}");
    }
}

#[test]
fn what_is_no_container() {
    with_snapshots(|| {
        insta::assert_snapshot!("summary-not-h4mk", text(b"RIFF....WAVE".to_vec(), (80, 24), "a1"));
        insta::assert_snapshot!("summary-no-blocks", text(b"H4MK\0\x01\0\0".to_vec(), (80, 24), "a1"));
    });
}

#[test]
fn text_from_the_file_stays_on_its_line() {
    let meta = serde_json::json!({
        "title": format!("\u{1b}[2J\u{202e}{}e{}", "日本".repeat(40), "\u{301}".repeat(500)),
        "project": "a\nb\tc\u{7}",
    });
    let bytes = container(
        meta.to_string().as_bytes(),
        &[(b"\x1b[2J", b"x"), ("é!".as_bytes().try_into().unwrap_or(b"\xff\xfe\x00\x01"), b"y")],
    );
    with_snapshots(|| {
        insta::assert_snapshot!("summary-escapes", text(bytes.clone(), (80, 40), ""));
        insta::assert_snapshot!("summary-opened", text(bytes, (60, 20), "jjjj<Space>"));
    });
}
