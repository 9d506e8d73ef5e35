//! Any keys can be played on any bytes, on a screen of any size.
#![no_main]

use std::sync::Arc;

use h4inspect::core::container::Options;
use h4inspect::core::source::Source;
use h4inspect::tui::headless::Player;
use h4inspect::tui::keys;
use h4inspect::tui::state::{Polling, Setup};
use h4inspect::tui::theme::Theme;
use libfuzzer_sys::fuzz_target;
use ratatui::layout::Size;

fuzz_target!(|input: (u8, u8, &str, &[u8])| {
    let (columns, rows, text, bytes) = input;
    let Ok(keys) = keys::parse(text) else { return };
    let mut player = Player::new(Setup {
        source: Arc::new(Source::from_bytes("fuzz", bytes.to_vec())),
        options: Options { max_block_size: 1 << 20, ..Options::default() },
        name: "fuzz".to_owned(),
        theme: Theme::default(),
        size: Size::new(u16::from(columns), u16::from(rows)),
        may_write: false,
        other: None,
        polling: Polling::default(),
    });
    player.play(keys);
    player.frame();
});
