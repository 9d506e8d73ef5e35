//! Screens of samples for the snapshot tests: containers made in memory, keys played on them.

use std::sync::Arc;

use h4inspect::core::container::Options;
use h4inspect::core::source::Source;
use h4inspect::tui::headless::Player;
use h4inspect::tui::state::Setup;
use h4inspect::tui::theme::Theme;
use h4inspect::tui::{input, screen};
use ratatui::layout::Size;
use sha2::{Digest, Sha256};

/// The sizes that every view is looked at in.
pub(crate) const SIZES: [(u16, u16); 3] = [(120, 40), (80, 24), (40, 12)];

/// META of [`sample`].
pub(crate) const META: &str = r#"{"project":"HarmonyØ4","domain":"video-transport","title":"Tide tables, part 1","version":"2.1","block_size":256,"fps_hint":30.0,"gop":4,"masked":false,"compression":{"engine":"geometric-reference","engine_id":"h4core-geo-v1.2.3","fingerprint":"5a1c9f0e","deterministic":true,"opaque":false},"tags":["sea","harbour",null]}"#;

fn push(file: &mut Vec<u8>, tag: &[u8; 4], payload: &[u8]) {
    file.extend(tag);
    file.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
    file.extend(crc32fast::hash(payload).to_be_bytes());
    file.extend(payload);
}

/// A container of twelve blocks of 256 bytes with a keyframe every four, and these META and further chunks before VERI.
pub(crate) fn container(meta: &[u8], more: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut file = b"H4MK\0\x01\0\0".to_vec();
    (0..12u8).for_each(|n| push(&mut file, b"CORE", &[n, 200, n / 4, 56]));
    let mut seek = 3u32.to_be_bytes().to_vec();
    for n in [0u64, 4, 8] {
        seek.extend((n * 33_333).to_be_bytes());
        seek.extend((n * 256).to_be_bytes());
    }
    push(&mut file, b"SEEK", &seek);
    push(&mut file, b"META", meta);
    push(&mut file, b"SAFE", br#"{"scope":"demo","rating":{"region":"EU","age":6}}"#);
    more.iter().for_each(|(tag, payload)| push(&mut file, tag, payload));
    let digest = Sha256::digest(&file[8..]);
    push(&mut file, b"VERI", &digest);
    file
}

/// A container in order.
pub(crate) fn sample() -> Vec<u8> {
    container(META.as_bytes(), &[])
}

/// The sample with a flipped bit in block 2 and two bytes changed in block 5.
pub(crate) fn damaged() -> Vec<u8> {
    let mut file = sample();
    file[8 + 2 * 16 + 13] ^= 4;
    file[8 + 5 * 16 + 12] ^= 0x5a;
    file[8 + 5 * 16 + 15] ^= 0x3c;
    file
}

/// A program that shows these bytes, after these keys.
pub(crate) fn play(bytes: Vec<u8>, theme: Theme, (width, height): (u16, u16), text: &str) -> Player {
    let mut player = Player::new(Setup {
        source: Arc::new(Source::from_bytes("sample.h4mk", bytes)),
        options: Options::default(),
        name: "sample.h4mk".into(),
        theme,
        size: Size::new(width, height),
        may_write: false,
        polling: Default::default(),
        other: None,
    });
    player.play(input::parse(text).unwrap());
    player
}

/// The characters of that screen.
pub(crate) fn text(bytes: Vec<u8>, size: (u16, u16), keys: &str) -> String {
    screen::text(&play(bytes, Theme::default(), size, keys).frame())
}

/// The styled stretches of that screen.
pub(crate) fn styles(bytes: Vec<u8>, theme: Theme, size: (u16, u16), keys: &str) -> String {
    screen::styles(&play(bytes, theme, size, keys).frame())
}
