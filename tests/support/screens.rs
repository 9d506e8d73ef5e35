//! Containers made on the spot, and screens of them.

use std::sync::Arc;

use super::sound::assert_sound;
use h4inspect::core::container::Options;
use h4inspect::core::source::Source;
use h4inspect::tui::headless::Player;
use h4inspect::tui::input;
use h4inspect::tui::state::Setup;
use h4inspect::tui::theme::{Background, Depth, Theme};

/// A transport container under construction.
pub(crate) struct Transport(Vec<u8>);

impl Transport {
    pub(crate) fn new() -> Self {
        Self(b"H4MK\0\x01\0\0".to_vec())
    }

    pub(crate) fn chunk(mut self, tag: &[u8; 4], payload: &[u8]) -> Self {
        self.0.extend(tag);
        self.0.extend((payload.len() as u32).to_be_bytes());
        self.0.extend(crc32fast::hash(payload).to_be_bytes());
        self.0.extend(payload);
        self
    }

    /// A block of `pairs` runs, each of `run`.
    pub(crate) fn block(self, pairs: usize, run: u8) -> Self {
        self.chunk(b"CORE", &[pairs as u8, run].repeat(pairs))
    }

    /// SEEK entries: pts in µs, offset.
    pub(crate) fn seek(self, entries: &[(u64, u64)]) -> Self {
        let rows = entries.iter().flat_map(|(pts, offset)| [pts.to_be_bytes(), offset.to_be_bytes()].concat());
        let payload: Vec<u8> = (entries.len() as u32).to_be_bytes().into_iter().chain(rows).collect();
        self.chunk(b"SEEK", &payload)
    }

    pub(crate) fn meta(self, json: &str) -> Self {
        self.chunk(b"META", json.as_bytes()).chunk(b"SAFE", b"{}")
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0
    }
}

/// 96 blocks at 25 a second, a keyframe every 12; keyframes are large, and sizes rise and fall.
pub(crate) fn regular() -> Transport {
    let mut file = Transport::new();
    for n in 0..96usize {
        let pairs = if n % 12 == 0 { 120 } else { 8 + (n % 24) * 2 };
        file = file.block(pairs, 128);
    }
    let entries: Vec<(u64, u64)> = (0..8).map(|n| (n * 12 * 40_000, n * 12)).collect();
    file.seek(&entries).meta(r#"{"fps_hint":25.0,"gop":12,"title":"regular"}"#)
}

/// The regular one with a wrong block 30, an entry of another time and one that leads nowhere, and a keyframe missing.
pub(crate) fn faulty() -> Vec<u8> {
    let mut file = Transport::new();
    for n in 0..96usize {
        let pairs = if n % 12 == 0 { 120 } else { 8 + (n % 24) * 2 };
        file = file.block(pairs, 128);
    }
    let entries =
        [(0, 0), (480_000, 12), (960_000, 24), (1_440_000, 36), (2_300_000, 60), (2_880_000, 72), (3_360_000, 5000)];
    let mut bytes = file.seek(&entries).meta(r#"{"fps_hint":25.0,"title":"faulty"}"#).bytes();
    let at = (0..30usize).map(|n| 12 + 2 * if n % 12 == 0 { 120 } else { 8 + (n % 24) * 2 }).sum::<usize>();
    bytes[8 + at + 20] ^= 4;
    bytes
}

/// A mux container with a video track, an audio track and captions with a hole.
pub(crate) fn tracks() -> Vec<u8> {
    let mut file = b"H4MK\x01\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    let mut chunk = |tag: &[u8; 4], flags: u32, payload: &[u8]| {
        let start = file.len();
        file.extend(tag);
        file.extend(flags.to_le_bytes());
        file.extend((payload.len() as u32).to_le_bytes());
        file.extend(payload);
        let crc = crc32fast::hash(&file[start..]);
        file.extend(crc.to_le_bytes());
    };
    let trak = r#"{"tracks":[{"track_id":1,"name":"main","kind":"video","codec":"h4v"},{"track_id":2,"name":"english","kind":"audio","codec":"opus"},{"track_id":7,"kind":"captions"}]}"#;
    chunk(b"TRAK", 0, trak.as_bytes());
    let mut blocks: Vec<(u32, u16, u32, usize)> = Vec::new();
    for n in 0..50u32 {
        let kind = match n % 10 {
            0 => 0,
            n if n % 3 == 0 => 1,
            _ => 2,
        };
        blocks.push((n * 40, 1, kind, if kind == 0 { 400 } else { 60 + (n as usize % 7) * 9 }));
    }
    blocks.extend((0..94u32).map(|n| (n * 64 / 3, 2, 0, 30 + n as usize % 5)));
    blocks.extend([0u32, 200, 400, 600, 1600, 1800].map(|pts| (pts, 7, 0, 12)));
    blocks.sort();
    for (pts, track, kind, len) in blocks {
        let payload = [b"H4TB".as_slice(), &track.to_le_bytes(), &[0, 0], &vec![7; len]].concat();
        chunk(b"CORE", pts | kind << 28, &payload);
    }
    let crc = crc32fast::hash(&file);
    file.extend(crc.to_le_bytes());
    file
}

/// So many blocks of two bytes, and a keyframe every 1000.
pub(crate) fn many(blocks: u64) -> Vec<u8> {
    let mut file = Transport::new();
    let one = Transport::new().block(1, 9).bytes().split_off(8);
    file.0.reserve(one.len() * blocks as usize);
    (0..blocks).for_each(|_| file.0.extend(&one));
    let entries: Vec<(u64, u64)> = (0..blocks / 1000).map(|n| (n * 1000 * 40_000, n * 1000)).collect();
    file.seek(&entries).meta(r#"{"fps_hint":25.0,"gop":1000}"#).bytes()
}

pub(crate) const DARK: Theme = Theme { background: Background::Dark, depth: Depth::True, ascii: false };
pub(crate) const NO_COLOR: Theme = Theme { background: Background::Dark, depth: Depth::None, ascii: true };

/// The program after these keys.
pub(crate) fn played(bytes: Vec<u8>, (cols, rows): (u16, u16), theme: Theme, text: &str) -> Player {
    let mut player = Player::new(Setup {
        name: "sample.h4mk".into(),
        source: Arc::new(Source::from_bytes("sample.h4mk", bytes)),
        other: None,
        options: Options::default(),
        theme,
        size: (cols, rows).into(),
        may_write: false,
        polling: Default::default(),
    });
    player.play(input::parse(text).unwrap());
    player
}

/// The screen after these keys.
pub(crate) fn screen(bytes: Vec<u8>, size: (u16, u16), text: &str) -> String {
    h4inspect::tui::screen::text(&played(bytes, size, DARK, text).frame())
}

/// Plays a text of keys that may not parse, one by one, and draws after each.
pub(crate) fn draw_after_each(bytes: Vec<u8>, size: (u16, u16), text: &str) {
    let Ok(inputs) = input::parse(text) else { return };
    let mut player = played(bytes, size, DARK, "");
    for input in inputs {
        player.play([input]);
        sound(&player, text);
    }
}

/// Draws, and checks what holds of every screen.
pub(crate) fn sound(player: &Player, after: &str) {
    let (text, size) = (h4inspect::tui::screen::text(&player.frame()), player.state().size);
    assert_sound(&text, (size.width, size.height), &player.state().name, after);
}
