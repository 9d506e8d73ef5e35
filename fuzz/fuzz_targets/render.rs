//! Any keys can be played on any bytes, on a screen of any size. An input is a byte of columns, one of rows, keys as
//! `--keys` has them, a line feed, and the file.
#![no_main]

use std::sync::Arc;

use h4inspect::core::container::Options;
use h4inspect::core::source::Source;
use h4inspect::tui::headless::Player;
use h4inspect::tui::input;
use h4inspect::tui::state::{Polling, Setup};
use h4inspect::tui::theme::Theme;
use libfuzzer_sys::fuzz_target;
use ratatui::layout::Size;

fuzz_target!(|input: &[u8]| {
    let [columns, rows, rest @ ..] = input else { return };
    let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { return };
    let (text, bytes) = (&rest[..end], &rest[end + 1..]);
    let Some(keys) = str::from_utf8(text).ok().and_then(|text| input::parse(text).ok()) else { return };
    let mut player = Player::new(Setup {
        source: Arc::new(Source::from_bytes("fuzz", bytes.to_vec())),
        options: Options { max_block_size: 1 << 20, ..Options::default() },
        name: "fuzz".to_owned(),
        theme: Theme::default(),
        size: Size::new(u16::from(*columns), u16::from(*rows)),
        may_write: false,
        other: None,
        polling: Polling::default(),
    });
    player.play(keys);
    player.frame();
});
