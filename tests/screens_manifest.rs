//! The Manifest view, as it is drawn.

use crate::support::played::{SIZES, container, sample, styles, text};
use crate::support::with_snapshots;
use h4inspect::tui::theme::{Depth, Theme};

#[test]
fn trees_at_every_size() {
    with_snapshots(|| {
        for size in SIZES {
            insta::assert_snapshot!(format!("manifest-{}x{}", size.0, size.1), text(sample(), size, "2jjj"));
        }
        insta::assert_snapshot!("manifest-seek", text(sample(), (120, 40), "2/seek<Enter><Right>jj"));
    });
}

#[test]
fn a_search_marks_and_counts_its_matches() {
    with_snapshots(|| {
        let keys = "2/geometric<Enter>";
        insta::assert_snapshot!("manifest-search", text(sample(), (80, 24), keys));
        insta::assert_snapshot!("manifest-search-styles", styles(sample(), Theme::default(), (80, 24), keys));
        let plain = Theme { depth: Depth::None, ..Theme::default() };
        insta::assert_snapshot!("manifest-search-no-color", styles(sample(), plain, (80, 24), keys));
    });
}

#[test]
fn faults_are_said_in_place() {
    with_snapshots(|| {
        let wrong = br#"{"gop":0,"fps_hint":"thirty","title":1,"a":{"b":1,"b":2},"block_size":256}"#;
        insta::assert_snapshot!("manifest-invalid", text(container(wrong, &[]), (100, 30), "2"));
        let broken = b"{\"project\":\"x\",\n\"gop\":}";
        insta::assert_snapshot!("manifest-broken", text(container(broken, &[]), (80, 24), "2j"));
        insta::assert_snapshot!("manifest-bom", text(container(b"\xef\xbb\xbf[1,2]", &[]), (80, 24), "2j"));
        let binary = [0, 0, 0, 0, 0, 0x0f, 0x42, 0x40, 0, 0, 0, 30];
        insta::assert_snapshot!("manifest-binary", text(container(&binary, &[]), (80, 24), "2"));
        let mut damaged = sample();
        let at = damaged.windows(4).position(|tag| tag == b"META").unwrap();
        damaged[at + 30] ^= 1;
        damaged[at + 60] ^= 2;
        insta::assert_snapshot!("manifest-damaged", text(damaged, (100, 30), "2"));
    });
}

#[test]
fn other_chunks_that_say_something() {
    let more: [(&[u8; 4], &[u8]); 4] = [
        (b"NOTE", b"mixed at night\nlevels are low"),
        (b"GEOM", br#"{"width":16,"height":16}"#),
        (b"META", br#"{"project":"second"}"#),
        (b"TEMP", b"\xff\x00not json"),
    ];
    with_snapshots(|| {
        insta::assert_snapshot!("manifest-more", text(container(b"{}", &more), (100, 40), "2"));
    });
}

#[test]
fn long_and_deep_and_hostile_values() {
    let title = "long ".repeat(13_108);
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let meta = format!(
        r#"{{"title":"{title}","esc\u001b[31m":"\u202e\u0007x","wide":"{}","marks":"a{}","deep":{deep}}}"#,
        "日本語".repeat(60),
        "\u{301}".repeat(3000),
    );
    let bytes = container(meta.as_bytes(), &[]);
    with_snapshots(|| {
        insta::assert_snapshot!("manifest-hostile", text(bytes.clone(), (80, 24), "2"));
        insta::assert_snapshot!("manifest-opened", text(bytes.clone(), (80, 24), "2j<Enter>"));
        insta::assert_snapshot!("manifest-deep", text(bytes, (80, 24), "2jjjjj<Down><PgDn><PgDn><PgDn>"));
    });
}

#[test]
fn a_long_seek_table_is_not_listed() {
    let mut file = b"H4MK\0\x01\0\0".to_vec();
    let entries = 100_000u64;
    let mut seek = u32::try_from(entries).unwrap().to_be_bytes().to_vec();
    for n in 0..entries {
        seek.extend((n * 40_000).to_be_bytes());
        seek.extend(n.to_be_bytes());
    }
    for (tag, payload) in [(b"SEEK", seek.as_slice()), (b"META", b"{}")] {
        file.extend(tag);
        file.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
        file.extend(crc32fast::hash(payload).to_be_bytes());
        file.extend(payload);
    }
    let shown = text(file, (80, 24), "2/seek<Enter><Right>j/3999960000<Enter>");
    assert!(shown.contains("/seek/99999 · object(2) · match 1 of 1"), "{shown}");
}

/// What a file may say to break a screen.
fn hostile() -> Vec<u8> {
    let meta = format!(
        r#"{{"title":"{}","esc\u001b[31m":"\u202e\u0007x","wide":"{}","marks":"a{}","deep":{}1{},"gop":"x","gop":0}}"#,
        "x".repeat(5000),
        "日本語".repeat(60),
        "\u{301}".repeat(3000),
        "[".repeat(60),
        "]".repeat(60),
    );
    let mut bytes = container(meta.as_bytes(), &[(b"\x1b]0;", b"{}"), (b"NOTE", "\u{202e}\u{301}日\n".as_bytes())]);
    bytes[8 + 3 * 16 + 13] ^= 1;
    bytes
}

#[test]
fn nothing_breaks_a_row() {
    for view in ["1", "2", "6", "2j<Enter>", "2/日<Enter>", "a6<Space>"] {
        for size in [(120, 40), (80, 24), (71, 21), (41, 12)] {
            let frame = crate::support::played::play(hostile(), Theme::default(), size, &format!("a{view}")).frame();
            let right = size.0 - 1;
            let body = 3..size.1 - if size.1 >= 20 { 6 } else { 4 };
            let edges: Vec<&str> = body.map(|y| frame[(right, y)].symbol()).collect();
            assert!(edges.iter().all(|edge| ["│", "█"].contains(edge)), "{view} {size:?} {edges:?}");
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]
    #[test]
    fn any_keys_at_any_size_draw(
        keys in "[126a]([a-pr-zA-Z0-9?:/]|<(Enter|Esc|Tab|Up|Down|Left|Right|PgUp|PgDn|Home|End|Space)>|<Click:[0-9]{1,2},[0-9]{1,2}>|<Wheel:[0-9],[0-9],-?[0-9]>|<Resize:[0-9]{1,2}x[0-9]{1,2}>){0,30}",
        cols in 0u16..130,
        rows in 0u16..50,
    ) {
        crate::support::screens::sound(&crate::support::played::play(hostile(), Theme::default(), (cols, rows), &keys), &keys);
    }
}
