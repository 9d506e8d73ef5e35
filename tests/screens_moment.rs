//! A time that is asked for: what plays then is selected in every view, and the playhead stays where it was put.

use std::sync::Arc;

use h4inspect::core::container::{Container, Options};
use h4inspect::core::source::Source;
use h4inspect::core::task::Task;
use h4inspect::core::walk::Depth;
use h4inspect::tui::headless::Player;
use h4inspect::tui::input;
use h4inspect::tui::layout::strip_blocks;
use h4inspect::tui::screen;
use h4inspect::tui::state::timeline::playhead::playhead;
use h4inspect::tui::state::{Level, Polling, Setup};
use proptest::prelude::*;

use crate::builder::{Mux, Transport, noise};
use crate::support::sample;
use crate::support::screens::{DARK, played as played_at};

const SIZE: (u16, u16) = (120, 40);

fn demo() -> Vec<u8> {
    std::fs::read(sample("demo.h4mk")).unwrap()
}

fn played(bytes: &[u8], text: &str) -> Player {
    played_at(bytes.to_vec(), SIZE, DARK, text)
}

fn text(player: &Player) -> String {
    screen::text(&player.frame())
}

/// The selected block and the playhead's time.
fn at(player: &Player) -> (Option<u64>, Option<u64>) {
    (player.state().selection.block, player.state().selection.time_us)
}

fn title(player: &Player) -> String {
    let frame = text(player);
    let line = frame.lines().nth(2).unwrap();
    let title = line.rsplit('┌').next().unwrap_or_default();
    title.trim_end_matches(['─', '┐', ' ']).trim_start().to_owned()
}

fn said(player: &Player) -> (Level, String) {
    let message = player.state().message.clone().unwrap();
    (message.level, message.text)
}

/// The blocks that the column of the strip with the playhead stands for.
fn strip_head(player: &Player) -> std::ops::Range<u64> {
    let frame = text(player);
    let line = frame.lines().rev().nth(2).unwrap().chars().position(|c| c == '┃').unwrap();
    let blocks = player.state().container.as_ref().unwrap().index().blocks();
    strip_blocks(blocks, SIZE.0, line as u16)
}

#[test]
fn what_plays_is_selected_in_every_view() {
    for view in 1..=6 {
        for keys in [format!("{view}t7.5s<Enter>"), format!("t7.5s<Enter>{view}"), format!("t62.501%<Enter>{view}")] {
            let player = played(&demo(), &keys);
            assert_eq!(player.state().selection.block, Some(225), "{keys}");
            let title = title(&player);
            assert!(title.contains("block 225") && title.contains(", plays at"), "{keys}: {title}");
            assert!(title.contains(", decode from 210 (c)"), "{keys}: {title}");
            assert!(strip_head(&player).contains(&225), "{keys}");
            let container = player.state().container.clone().unwrap();
            let blocks = &player.state().blocks;
            assert_eq!(blocks.block(&container, blocks.window.cursor()), Some(225), "{keys}: Blocks");
            let chart = player.state().chart.clone().unwrap();
            let (lane, place) = chart.find(&container, 225).unwrap();
            let span = chart.lanes[lane].span(place).unwrap();
            assert!(span.contains(&playhead(player.state(), &chart).unwrap()), "{keys}: Timeline");
        }
    }
    let player = played(&demo(), "3t7.5s<Enter>");
    assert_eq!(
        (at(&player), title(&player).as_str()),
        ((Some(225), Some(7_500_000)), "Timeline · block 225, plays at 7.5 s, decode from 210 (c)")
    );
    for keys in ["4t#225<Enter>", ":#225<Enter>4"] {
        let player = played(&demo(), keys);
        assert_eq!(at(&player), (Some(225), Some(225 * 33_333)), "{keys}");
        assert_eq!(title(&player), "Blocks · block 225, plays at 00:00:07.499925, decode from 210 (c)", "{keys}");
    }
}

#[test]
fn one_key_goes_to_the_keyframe_and_back() {
    for view in 1..=6 {
        let there = played(&demo(), &format!("{view}t7.5s<Enter>c"));
        assert_eq!(at(&there), (Some(210), Some(7_500_000)), "the playhead stays");
        assert!(
            title(&there).contains("block 210")
                && title(&there).contains(", keyframe of block 225, which plays at 7.5 s (c)"),
            "{}",
            title(&there)
        );
        assert!(strip_head(&there).contains(&225));
        let back = played(&demo(), &format!("{view}t7.5s<Enter>cc"));
        assert_eq!(
            (at(&back), title(&back)),
            ((Some(225), Some(7_500_000)), title(&played(&demo(), &format!("{view}t7.5s<Enter>"))))
        );
        assert_eq!(
            at(&played(&demo(), &format!("{view}t7.5s<Enter>cb"))),
            (Some(225), Some(7_500_000)),
            "b goes back too"
        );
    }
    // Of any block, without a time that was asked for.
    assert_eq!(at(&played(&demo(), "4/225<Enter>c")).0, Some(210));
    assert_eq!(at(&played(&demo(), "4/225<Enter>cc")).0, Some(225));
    assert_eq!(said(&played(&demo(), ":#210<Enter>c")).1, "block 210 is a keyframe itself");
    assert_eq!(at(&played(&demo(), ":#225<Enter>:chain<Enter>")).0, Some(210));
    // It is named where it is of use.
    let footer = |keys: &str| text(&played(&demo(), keys)).lines().last().unwrap().contains("c keyframe/back");
    assert!(footer("3t7.5s<Enter>") && footer("4:#225<Enter>") && footer(":#225<Enter>c") && !footer("4:#210<Enter>"));
    let page = |pages: usize| text(&played(&demo(), &format!("4?{}", "<PgDn>".repeat(pages))));
    let help: String = (0..6).map(page).collect();
    assert!(help.contains("to the keyframe that the block is decoded from"), "{help}");
}

#[test]
fn a_block_that_is_gone_to_is_told_of_in_views_that_do_not_show_it() {
    for view in [1, 2, 6] {
        let player = played(&demo(), &format!("{view}:#225<Enter>"));
        let (level, message) = said(&player);
        assert!(level == Level::Info && message.starts_with("block 225, plays at 00:00:07.499925, "), "{message}");
        assert!(message.contains("not checked") && text(&player).contains("block 225, plays at"), "{message}");
    }
    assert!(said(&played(&demo(), "a:#225<Enter>")).1.contains(", right;"));
}

#[test]
fn moving_on_leaves_the_time_behind() {
    for keys in ["3t7.5s<Enter>l", "4t7.5s<Enter>j", "5t7.5s<Enter>]"] {
        let player = played(&demo(), keys);
        assert_eq!(at(&player), (Some(226), Some(226 * 33_333)), "{keys}");
        assert!(!title(&player).contains("plays at"), "{keys}: {}", title(&player));
    }
}

/// Stored as a coder does: B blocks after what they are made from.
fn reordered() -> Vec<u8> {
    let times =
        [(0, 0), (120, 1), (40, 2), (80, 2), (240, 1), (160, 2), (200, 2), (280, 0), (400, 1), (320, 2), (360, 2)];
    let blocks = times.iter().enumerate().map(|(n, (pts, kind))| (1, 500 + pts, *kind, noise(20, n as u64))).collect();
    Mux::new(0).with(|mux| mux.blocks = blocks).build()
}

#[test]
fn blocks_that_are_stored_out_of_order_play_in_order() {
    let playing = |ms: u32| {
        let player = played(&reordered(), &format!("3t{ms}ms<Enter>"));
        let frame = text(&player);
        let decode = frame.lines().find_map(|line| line.split_once("decode    ")).unwrap().1.to_owned();
        (player.state().selection.block.unwrap(), title(&player), decode)
    };
    for (ms, block, keyframe) in
        [(500, 0, 0), (545, 2, 0), (599, 3, 0), (620, 1, 0), (665, 5, 0), (785, 7, 7), (850, 9, 7)]
    {
        let (selected, title, decode) = playing(ms);
        assert_eq!(selected, block, "{ms}");
        match block == keyframe {
            true => assert!(title.contains(", a keyframe"), "{title}"),
            false => {
                assert!(title.contains(&format!("decode from {keyframe}")), "{title}");
                assert!(decode.contains(&format!("→ #{block} playing")), "{ms}: {decode}");
            }
        }
    }
}

#[test]
fn before_the_first_and_after_the_last() {
    let early = played(&reordered(), "3t100ms<Enter>");
    assert_eq!(at(&early), (Some(0), Some(100_000)));
    assert!(title(&early).contains("block 0, the first: nothing plays at 100 ms yet"), "{}", title(&early));
    let late = played(&reordered(), "3t2s<Enter>");
    assert_eq!(at(&late), (Some(8), Some(2_000_000)), "the last to begin");
    assert!(title(&late).contains("block 8, the last one, at 2 s, decode from 7 (c)"), "{}", title(&late));
    let late = played(&demo(), "4t20s<Enter>");
    assert_eq!(at(&late), (Some(359), Some(20_000_000)));
    assert_eq!(title(&late), "Blocks · block 359, the last one, at 20 s, decode from 330 (c)");
    assert_eq!(at(&played(&demo(), "4t20s<Enter>cc")), (Some(359), Some(20_000_000)));
    assert_eq!(at(&played(&demo(), "4t100%<Enter>")).0, Some(359));
}

#[test]
fn the_playhead_stays_when_another_track_is_chosen() {
    let file = Mux::new(30).with(|mux| {
        mux.blocks.iter_mut().filter(|block| block.0 == 2).for_each(|block| block.1 += 7);
        mux.blocks.sort();
    });
    let file = file.build();
    let track = |player: &Player| {
        let container = player.state().container.clone().unwrap();
        let (track, block) = container.tracks().unwrap().of_block(player.state().selection.block.unwrap()).unwrap();
        (track.id.clone(), block.pts_us, player.state().selection.time_us)
    };
    let time = Some(315_000);
    let (first, second) = (("1".to_owned(), 300_000, time), ("2".to_owned(), 307_000, time));
    for (keys, expected) in [
        ("3t315ms<Enter>", &first),
        ("3t315ms<Enter>j", &second),
        ("3t315ms<Enter>jk", &first),
        ("3t315ms<Enter>jjjkjk", &first),
        ("4t315ms<Enter>T", &first),
        ("4t315ms<Enter>TT", &second),
        ("4t315ms<Enter>TTT", &second),
        ("t315ms<Enter>TT3", &second),
        ("<BackTab>t315ms<Enter>TT", &second),
        ("4TTt315ms<Enter>", &second),
        ("3jt315ms<Enter>1234561", &second),
    ] {
        assert_eq!(&track(&played(&file, keys)), expected, "{keys}");
    }
    let player = played(&file, "3t315ms<Enter>j");
    assert!(title(&player).contains("plays at 315 ms, decode from"), "{}", title(&player));
    assert!(text(&player).contains("playhead  00:00:00.315000"), "{}", text(&player));
    let keyframe = played(&file, "3t315ms<Enter>jc");
    assert_eq!(track(&keyframe).0, "2", "of the same track");
}

#[test]
fn numbers_after_a_loss_are_provisional() {
    let mut bytes = Transport::new(12).build();
    let lost = crate::builder::span(&bytes, b"CORE", 3).whole;
    bytes[lost].fill(0);
    let player = played(&bytes, "3t300ms<Enter>");
    assert_eq!(at(&player), (Some(7), Some(300_000)));
    assert!(title(&player).contains("block 7 (provisional), plays at 300 ms"), "{}", title(&player));
    let (level, message) = said(&player);
    assert!(level == Level::Warning && message.contains("provisional"), "{message}");
    assert!(!title(&played(&bytes, "3t50ms<Enter>")).contains("provisional"));
}

#[test]
fn what_is_not_known_is_said() {
    let no_seek = Transport::new(8).with(|file| file.order = vec![*b"CORE", *b"META", *b"SAFE", *b"VERI"]).build();
    let player = played(&no_seek, "4t100ms<Enter>");
    assert_eq!(
        (at(&player), title(&player).as_str()),
        ((Some(2), Some(100_000)), "Blocks · block 2, plays at 100 ms, no keyframe leads there")
    );
    assert!(said(&player).1.contains("no SEEK"), "{}", said(&player).1);
    assert_eq!(at(&played(&no_seek, "4t100ms<Enter>c")).0, Some(2), "there is nowhere to go");
    // Nothing says when blocks play, but where the keyframe is.
    let untimed = Transport::new(8).with(|file| {
        file.meta = br#"{"block_size":256}"#.to_vec();
        file.seek = Some(crate::builder::table(&[(0, 0), (70, 512), (100, 1280)]));
    });
    let untimed = untimed.build();
    let player = played(&untimed, "4t90us<Enter>");
    assert_eq!(player.state().selection.block, Some(2));
    assert!(title(&player).contains("block times are unknown"), "{}", title(&player));
    assert_eq!(at(&played(&untimed, "4:#4<Enter>c")).0, Some(2));
    assert_eq!(at(&played(&untimed, "4:#4<Enter>cc")).0, Some(4));
}

#[test]
fn following_keeps_the_time_that_was_asked_for() {
    let whole = Transport::new(20).with(|file| file.order = vec![*b"META", *b"SEEK", *b"SAFE", *b"CORE"]).build();
    let ends: Vec<usize> = (0..20).map(|nth| crate::builder::span(&whole, b"CORE", nth).whole.end).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("growing.h4mk");
    std::fs::write(&path, &whole[..ends[9]]).unwrap();
    let mut player = Player::new(Setup {
        name: "x".into(),
        source: Arc::new(Source::open(&path).unwrap()),
        other: None,
        options: Options::default(),
        theme: DARK,
        size: SIZE.into(),
        may_write: false,
        polling: Polling { at_once: true, every: None },
    });
    let mut play = |text: &str, blocks: usize| {
        std::fs::write(&path, &whole[..ends[blocks - 1]]).unwrap();
        player.play(input::parse(text).unwrap());
        (at(&player), player.state().container.as_ref().unwrap().index().blocks())
    };
    assert_eq!(play("t370ms<Enter>", 10), ((Some(9), Some(370_000)), 10), "in the last block");
    assert_eq!(play("F", 12), ((Some(9), Some(370_000)), 12), "it stays");
    assert_eq!(play("t610ms<Enter>", 12), ((Some(11), Some(610_000)), 12), "after the end");
    assert_eq!(play("F", 14), ((Some(13), Some(610_000)), 14), "still after it");
    assert_eq!(play("F", 18), ((Some(15), Some(610_000)), 18), "what plays there is written now");
    assert_eq!(play("F", 20), ((Some(15), Some(610_000)), 20));
    assert_eq!(play("4GF", 20), ((Some(19), Some(19 * 40_000)), 20), "a cursor at the end follows it");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_block_is_the_last_that_began(
        blocks in prop::collection::vec((1u16..4, 0u32..2000, 0u32..3), 1..40),
        at_ms in 0u32..2200,
        lane in 0usize..3,
    ) {
        let stored: Vec<_> = blocks.iter().enumerate().map(|(n, (track, pts, kind))| (*track, *pts, *kind, noise(5, n as u64))).collect();
        let bytes = Mux::new(0).with(|mux| mux.blocks = stored).build();
        let source = Arc::new(Source::from_bytes("x", bytes.clone()));
        let container = Container::read(source, Options::default(), Depth::Headers, &Task::default()).unwrap();
        let tracks: Vec<String> = container.tracks().unwrap().list.iter().map(|track| track.id.clone()).collect();
        let id = tracks[lane % tracks.len()].clone();
        let of_track = || (0u64..).zip(&blocks).filter(|(_, block)| block.0.to_string() == id);
        let begun = of_track().filter(|(_, block)| block.1 <= at_ms).max_by_key(|(n, block)| (block.1, *n));
        let first = of_track().min_by_key(|(n, block)| (block.1, *n));
        let expected = begun.or(first).map(|(n, _)| n);
        let moment = container.moment(u64::from(at_ms) * 1000, Some(&id));
        prop_assert_eq!(moment.plays.map(|plays| plays.block()), expected);
        if expected.is_some() {
            let presses = "T".repeat(1 + tracks.iter().position(|track| *track == id).unwrap());
            let player = played(&bytes, &format!("4{presses}t{at_ms}ms<Enter>"));
            prop_assert_eq!(at(&player), (expected, Some(u64::from(at_ms) * 1000)));
        }
    }
}
