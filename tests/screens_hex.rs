//! Screens of the Hex view, and the keys a user would play to get there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::with_snapshots;
use h4inspect::core::codec::rle;
use h4inspect::core::container::Options;
use h4inspect::core::source::Source;
use h4inspect::tui::headless::Player;
use h4inspect::tui::state::Setup;
use h4inspect::tui::theme::{Background, Depth, Theme};
use h4inspect::tui::{input, screen};
use proptest::prelude::*;
use ratatui::layout::Size;
use sha2::{Digest, Sha256};

fn push(file: &mut Vec<u8>, tag: &[u8; 4], payload: &[u8]) {
    file.extend(tag);
    file.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
    file.extend(crc32fast::hash(payload).to_be_bytes());
    file.extend(payload);
}

fn padded(text: &str) -> Vec<u8> {
    let mut raw = text.as_bytes().to_vec();
    raw.resize(raw.len().next_multiple_of(256), 0);
    raw
}

/// JSON, text, a gradient, noise; a keyframe every two blocks.
fn blocks() -> Vec<Vec<u8>> {
    let text = "The needle is here, and a second needle further on.\n\tTabs, accents (é) and \u{202e}escapes.\n";
    let json = "{\"scene\":7,\"title\":\"dusk \\u202e\",\"keys\":[1,2.5,true,null],\"camera\":{\"fov\":50}}";
    let gradient = (0..=255).flat_map(|value| [value; 4]).collect();
    let noise = (0u64..1024).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect();
    vec![padded(json), padded(text), gradient, noise]
}

fn container(blocks: &[Vec<u8>], meta: &str) -> Vec<u8> {
    let mut file = b"H4MK\0\x01\0\0".to_vec();
    blocks.iter().for_each(|block| push(&mut file, b"CORE", block));
    let mut seek = 2u32.to_be_bytes().to_vec();
    for (pts_us, block) in [(0u64, 0u64), (80_000, 2)] {
        seek.extend(pts_us.to_be_bytes());
        seek.extend(block.to_be_bytes());
    }
    push(&mut file, b"SEEK", &seek);
    push(&mut file, b"META", meta.as_bytes());
    push(&mut file, b"SAFE", br#"{"scope":"sample"}"#);
    let digest = Sha256::digest(&file[8..]);
    push(&mut file, b"VERI", &digest);
    file
}

const META: &str = r#"{"project":"Sample","fps_hint":25.0,"gop":2,"compression":{"engine":"geometric-reference"}}"#;

fn sample() -> Vec<u8> {
    let stored: Vec<_> = blocks().iter().map(|block| rle::encode(block)).collect();
    container(&stored, META)
}

/// The sample with a bit flipped in block 1.
fn damaged() -> Vec<u8> {
    let mut file = sample();
    let block_1 = 8 + 12 + rle::encode(&blocks()[0]).len() + 12;
    file[block_1 + 6] ^= 0x20;
    file
}

/// Two tracks of a mux container, and the seek table of the first.
fn mux() -> Vec<u8> {
    let mut file = b"H4MK\x01\0\0\0".to_vec();
    file.extend([0; 8]);
    let push = |file: &mut Vec<u8>, tag: &[u8; 4], flags: u32, payload: &[u8]| {
        let start = file.len();
        file.extend(tag);
        file.extend(flags.to_le_bytes());
        file.extend(u32::try_from(payload.len()).unwrap().to_le_bytes());
        file.extend(payload);
        let crc = crc32fast::hash(&file[start..]).to_le_bytes();
        file.extend(crc);
    };
    push(&mut file, b"TRAK", 0, br#"{"tracks":[{"track_id":1,"name":"lead"},{"track_id":2,"name":"bass"}]}"#);
    let first = u32::try_from(file.len() + 12).unwrap();
    push(&mut file, b"CORE", 0, b"H4TB\x01\0\0\0opaque one");
    push(&mut file, b"CORE", 1 << 28 | 20, b"H4TB\x02\0\0\0opaque two");
    let table = [b"H4TS\x01\0\0\0H4SK\x01\0\0\0\0\0\0\0".as_slice(), &first.to_le_bytes()].concat();
    push(&mut file, b"TSEK", 0, &table);
    let crc = crc32fast::hash(&file).to_le_bytes();
    file.extend(crc);
    file
}

fn theme(depth: Depth, ascii: bool) -> Theme {
    Theme { background: Background::Dark, depth, ascii }
}

fn player(bytes: Vec<u8>, cols: u16, rows: u16, theme: Theme) -> Player {
    Player::new(Setup {
        source: Arc::new(Source::from_bytes("sample.h4mk", bytes)),
        other: None,
        options: Options::default(),
        name: "sample.h4mk".to_owned(),
        theme,
        size: Size::new(cols, rows),
        may_write: false,
        polling: Default::default(),
    })
}

fn played(bytes: Vec<u8>, (cols, rows): (u16, u16), text: &str) -> Player {
    let mut player = player(bytes, cols, rows, theme(Depth::True, false));
    player.play(input::parse(text).unwrap());
    player
}

fn text_of(bytes: Vec<u8>, size: (u16, u16), keys: &str) -> String {
    screen::text(&played(bytes, size, keys).frame())
}

const SIZES: [(u16, u16); 3] = [(120, 40), (80, 24), (40, 12)];

fn snapshots_of(name: &str, bytes: &[u8], keys: &str) {
    with_snapshots(|| {
        for (cols, rows) in SIZES {
            let text = text_of(bytes.to_vec(), (cols, rows), keys);
            insta::assert_snapshot!(format!("hex-{name}-{cols}x{rows}"), text);
        }
    });
}

#[test]
fn a_block_decoded_and_as_stored() {
    snapshots_of("decoded", &sample(), "5");
    snapshots_of("stored", &sample(), "5r");
}

#[test]
fn a_seek_table_and_the_whole_file() {
    snapshots_of("seek", &sample(), "5]]]]..");
    snapshots_of("whole", &sample(), ":0x0<Enter>");
}

#[test]
fn a_mux_container_has_other_fields() {
    with_snapshots(|| {
        insta::assert_snapshot!("hex-mux-stored-120x40", text_of(mux(), (120, 40), "5]r...."));
        insta::assert_snapshot!("hex-mux-table-120x40", text_of(mux(), (120, 40), "5]]].........."));
        insta::assert_snapshot!("hex-mux-decoded-80x24", text_of(mux(), (80, 24), "5]"));
    });
    let led = played(mux(), (80, 24), "5]]]..........<Enter>");
    assert_eq!(led.state().selection.block, Some(0), "{:?}", led.state().message);
    assert!(text_of(mux(), (80, 24), ":100%<Enter>").contains("closing CRC: 0x"));
}

#[test]
fn the_block_that_plays_at_a_time_and_its_first_bytes() {
    let text = text_of(sample(), (80, 24), "t0.1s<Enter>5");
    assert!(text.contains("Hex: block 2 decoded") && text.contains("00000000  00 00 00 00 01 01 01 01"), "{text}");
}

#[test]
fn previews() {
    snapshots_of("preview-json", &sample(), "5p");
    snapshots_of("preview-bytes", &sample(), "5]]p");
    with_snapshots(|| insta::assert_snapshot!("hex-wide-200x60", text_of(sample(), (200, 60), ":0x0<Enter>")));
}

#[test]
fn values_at_the_cursor_on_a_small_screen() {
    snapshots_of("values", &sample(), "5ril");
}

#[test]
fn matches_and_a_selection() {
    snapshots_of("match", &sample(), "5]/needle<Enter>");
    with_snapshots(|| {
        let styled = |keys: &str, theme: Theme| {
            let mut player = player(sample(), 80, 24, theme);
            player.play(input::parse(keys).unwrap());
            screen::styles(&player.frame())
        };
        let full = theme(Depth::True, false);
        insta::assert_snapshot!("hex-match-styles", styled("5]/needle<Enter>", full));
        insta::assert_snapshot!("hex-selection-styles", styled("5]xjll", full));
        insta::assert_snapshot!("hex-selection-no-colour-styles", styled("5]xjll", theme(Depth::None, false)));
        insta::assert_snapshot!("hex-match-16-colour-styles", styled("5]/needle<Enter>", theme(Depth::Ansi16, true)));
    });
}

#[test]
fn a_flipped_bit_where_it_stands() {
    let keys = "a5r]......";
    snapshots_of("flip", &damaged(), keys);
    with_snapshots(|| {
        insta::assert_snapshot!("hex-flip-styles", screen::styles(&played(damaged(), (80, 24), "a5r]").frame()));
        insta::assert_snapshot!("hex-flip-decoded-80x24", text_of(damaged(), (80, 24), "a5]..."));
        let mut plain = player(damaged(), 80, 24, theme(Depth::None, true));
        plain.play(input::parse(keys).unwrap());
        insta::assert_snapshot!("hex-flip-ascii", screen::text(&plain.frame()));
        plain.play(input::parse("<Home>").unwrap());
        insta::assert_snapshot!("hex-flip-no-colour-styles", screen::styles(&plain.frame()));
    });
    assert!(text_of(damaged(), (120, 40), keys).contains("bit 5 flipped"));
}

#[test]
fn a_string_in_a_decoded_block() {
    let player = played(sample(), (80, 24), ":#1<Enter>5/needle<Enter>n");
    let text = screen::text(&player.frame());
    assert!(text.contains("/needle: match 2 of 2"), "{text}");
    assert_eq!(player.state().hex.cursor(), 33);
    let mut player = played(sample(), (80, 24), ":#1<Enter>5/needle<Enter>xlllll");
    player.play(input::parse("Y").unwrap());
    assert_eq!(player.copied(), Some("needle"));
}

#[test]
fn an_offset_and_the_field_that_stands_there() {
    let text = text_of(sample(), (80, 24), ":0xb5<Enter>");
    assert!(text.contains("length: 172 bytes · block 1"), "{text}");
    let text = text_of(sample(), (80, 24), ":0xb60<Enter>");
    assert!(text.contains("run "), "{text}");
}

/// Pairs of (0, 255): two million of them decode to half a gigabyte, and each of `blocks` blocks to as much.
fn bomb() -> Vec<u8> {
    let mut payload = [0, 255].repeat(8 << 20);
    payload.extend([b'!', 1]);
    container(&[payload], META)
}

#[test]
fn a_block_of_gigabytes_opens_and_scrolls_at_once() {
    let mut player = played(bomb(), (120, 40), "5");
    let started = Instant::now();
    for keys in ["G", "<PgUp>", "g", ":+0x7f000000<Enter>", "r", "r", "G"] {
        player.play(input::parse(keys).unwrap());
        _ = player.frame();
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let len = 255u64 * (8 << 20) + 1;
    assert_eq!(player.state().hex.cursor(), len - 1);
    let text = screen::text(&player.frame());
    assert!(text.contains("block 0 decoded · block offset 0x7f800000 · 2,139,095,041 B"), "{text}");
    player.play(input::parse("p").unwrap());
    let text = screen::text(&player.frame());
    assert!(text.contains("by samples: 4 MiB of 2.0 GiB"), "{text}");
}

#[test]
fn what_can_not_be_decoded_is_shown_as_stored_and_says_why() {
    let opaque = container(&[vec![1; 300]], r#"{"compression":{"engine":"core","opaque":true}}"#);
    let encrypted = container(&[vec![1; 300]], r#"{"encryption":{"cipher":"living-cipher-v3"}}"#);
    let odd = container(&[vec![7, 200, 9]], META);
    let nothing = container(&[Vec::new()], META);
    with_snapshots(|| {
        for (name, bytes) in [("opaque", opaque), ("encrypted", encrypted), ("odd", odd), ("nothing", nothing)] {
            insta::assert_snapshot!(format!("hex-{name}-80x24"), text_of(bytes, (80, 24), "5"));
        }
    });
}

#[test]
fn the_reference_s_own_files() {
    let folder = crate::support::corpus();
    let bytes = std::fs::read(folder.join("reference/transport-encrypted.h4mk")).unwrap();
    let text = text_of(bytes, (120, 40), "5....");
    assert!(text.contains("suite length: 31") && text.contains("counter"), "{text}");
    let bytes = std::fs::read(folder.join("reference/mux-demo.h4mk")).unwrap();
    let text = text_of(bytes, (120, 40), ":0x10<Enter>");
    assert!(text.contains("timestamp") || text.contains("tag"), "{text}");
}

/// Any keys that mean something here, and sizes down to nothing.
fn any_keys() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        4 => prop::sample::select(vec!["h", "j", "k", "l", "g", "G", "<PgUp>", "<PgDn>", "0", "$", ".", ",", "]", "["]),
        2 => prop::sample::select(vec!["r", "w", "x", "y", "Y", "i", "p", "n", "N", "<Esc>", "<Enter>", "a", "b", "f"]),
        1 => prop::sample::select(vec!["/e<Enter>", "/0x00<Enter>", ":0x20<Enter>", ":+9<Enter>", ":50%<Enter>", ":#1<Enter>"]),
        1 => prop::sample::select(vec!["<Click:45,6>", "<Drag:40,5,60,9>", "<Wheel:40,6,2>", "<Wheel:40,6,-9>", "<Tab>"]),
        1 => prop::sample::select(vec!["<Resize:120x40>", "<Resize:40x12>", "<Resize:20x6>", "<Resize:1x1>", "<Resize:200x60>"]),
    ];
    prop::collection::vec(key, 0..25).prop_map(|keys| format!("5{}", keys.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_keys_at_any_size_draw(keys in any_keys(), cols in 0u16..220, rows in 0u16..60, which in 0usize..4) {
        let bytes = match which {
            0 => sample(),
            1 => damaged(),
            2 => container(&[Vec::new(), vec![1]], META),
            _ => container(&[], "{}"),
        };
        let mut player = player(bytes, cols, rows, theme(Depth::True, false));
        for input in input::parse(&keys).unwrap() {
            player.play([input]);
            crate::support::screens::sound(&player, &keys);
        }
    }
}

#[test]
fn blocks_that_the_length_of_a_shown_one_hides_are_found() {
    use crate::builder::{Mux, Offsets, Transport, meta, spans};
    let transport = Transport { offsets: Offsets::Index, meta: meta(""), ..Transport::new(4) }.build();
    for bytes in [transport, Mux::new(3).build()] {
        let spans = spans(&bytes);
        let cores: Vec<usize> = (0..spans.len()).filter(|at| &spans[*at].tag == b"CORE").collect();
        let blocks = |bytes: &[u8], keys: &str| {
            let player = played(bytes.to_vec(), (80, 24), keys);
            player.state().container.as_ref().map(|container| container.index().blocks() as usize)
        };
        let mut quiet = 0;
        for (block, pair) in cores.windows(2).enumerate() {
            let damaged = crate::counts::swallowing(&bytes, &spans, pair[0], spans[pair[1]].whole.end);
            quiet += usize::from(blocks(&damaged, "") == Some(cores.len() - 1));
            for keys in [format!("5:#{block}<Enter>"), format!("5r:#{block}<Enter>"), "4".to_owned()] {
                assert_eq!(blocks(&damaged, &keys), Some(cores.len()), "{keys} where {block} hides the next");
            }
        }
        assert!(quiet > 0, "nothing else shows it");
    }
}
