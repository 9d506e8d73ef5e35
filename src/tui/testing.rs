//! A small container and a program that shows it, for the tests of this module.

use std::sync::Arc;

use ratatui::layout::Size;
use sha2::{Digest, Sha256};

use super::headless::Player;
use super::input;
use super::state::update::update;
use super::state::{Action, Effect, Polling, Setup, State};
use super::theme::{self, Background, Theme};
use super::workers;
use h4mk::container::{Container, Options};
use h4mk::source::Source;
use h4mk::task::Task;
use h4mk::walk::Depth;

#[path = "../../tests/support/sound.rs"]
mod sound;
pub(crate) use sound::assert_sound;

fn push(file: &mut Vec<u8>, tag: &[u8; 4], payload: &[u8]) {
    file.extend(tag);
    file.extend((payload.len() as u32).to_be_bytes());
    file.extend(crc32fast::hash(payload).to_be_bytes());
    file.extend(payload);
}

pub(crate) const META: &[u8] =
    br#"{"block_size":256,"fps_hint":30.0,"gop":4,"compression":{"engine":"geometric-reference"}}"#;

/// Eight blocks of 256 bytes, block n all n, a keyframe every four, 30 pictures a second; META, SAFE and VERI.
pub(crate) fn bytes() -> Vec<u8> {
    bytes_with(META)
}

/// The same with another META.
pub(crate) fn bytes_with(meta: &[u8]) -> Vec<u8> {
    let mut file = b"H4MK\0\x01\0\0".to_vec();
    (0..8).for_each(|n| push(&mut file, b"CORE", &[n, 255, n, 1]));
    let mut seek = 2u32.to_be_bytes().to_vec();
    for (pts_us, offset) in [(0u64, 0u64), (4 * 33_333, 4 * 256)] {
        seek.extend(pts_us.to_be_bytes());
        seek.extend(offset.to_be_bytes());
    }
    push(&mut file, b"SEEK", &seek);
    push(&mut file, b"META", meta);
    push(&mut file, b"SAFE", br#"{"scope":"test"}"#);
    let digest = Sha256::digest(&file[8..]);
    push(&mut file, b"VERI", &digest);
    file
}

pub(crate) fn sample() -> Arc<Source> {
    Arc::new(Source::from_bytes("folder/sample.h4mk", bytes()))
}

/// The sample with another META.
pub(crate) fn sample_with(meta: &[u8]) -> Arc<Source> {
    Arc::new(Source::from_bytes("sample.h4mk", bytes_with(meta)))
}

/// The sample, opened.
pub(crate) fn container() -> Arc<Container> {
    container_with(META)
}

/// The sample with another META, opened.
pub(crate) fn container_with(meta: &[u8]) -> Arc<Container> {
    let (options, task) = (Options::default(), Task::default());
    Arc::new(Container::read(sample_with(meta), options, Depth::Headers, &task).unwrap())
}

/// The sample with a flipped bit in block 2.
pub(crate) fn damaged() -> Arc<Source> {
    let mut bytes = bytes();
    bytes[8 + 2 * 16 + 12] ^= 1;
    Arc::new(Source::from_bytes("damaged.h4mk", bytes))
}

pub(crate) fn setup(source: Arc<Source>, cols: u16, rows: u16) -> Setup {
    Setup {
        name: "sample.h4mk".into(),
        source,
        other: None,
        options: Options::default(),
        theme: Theme { background: Background::Dark, depth: theme::Depth::True, ascii: false },
        size: Size::new(cols, rows),
        may_write: false,
        polling: Polling::default(),
    }
}

/// The sample after these keys.
pub(crate) fn played(cols: u16, rows: u16, text: &str) -> Player {
    let mut player = Player::new(setup(sample(), cols, rows));
    player.play(input::parse(text).unwrap());
    player
}

/// A container at 80x24 after these keys.
pub(crate) fn played_with(source: Arc<Source>, text: &str) -> Player {
    let mut player = Player::new(setup(source, 80, 24));
    player.play(input::parse(text).unwrap());
    player
}

/// Does all the work there is, and what follows from it.
pub(crate) fn finish(state: &mut State, effects: Vec<Effect>) {
    let mut left = effects;
    while let Some(effect) = left.pop() {
        let Effect::Start(job) = effect else { panic!("{effect:?}") };
        let mut reports = Vec::new();
        workers::perform(&job, &mut |report| reports.push(report));
        reports.into_iter().for_each(|report| left.extend(update(state, Action::Report(report))));
    }
}

/// Plays keys and leaves the work they start undone.
pub(crate) fn type_keys(state: &mut State, text: &str) -> Vec<Effect> {
    let inputs = input::parse(text).unwrap().into_iter();
    inputs.flat_map(|input| state.action(input).map(|action| update(state, action)).unwrap_or_default()).collect()
}
