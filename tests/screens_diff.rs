//! Screens of the Diff view.

use std::sync::Arc;

use crate::support::screens::{DARK, NO_COLOR, Transport, faulty, played, regular};
use crate::support::with_snapshots;
use h4inspect::core::block::Form;
use h4inspect::core::container::Options;
use h4inspect::core::source::Source;
use h4inspect::tui::headless::Player;
use h4inspect::tui::input;
use h4inspect::tui::screen::{styles, text};
use h4inspect::tui::state::{Setup, View};
use h4inspect::tui::theme::Theme;

/// The regular one with its first blocks in another order, one with other bytes, one too many, and another META.
fn edited() -> Vec<u8> {
    let mut file = Transport::new();
    for n in [1, 0, 2].into_iter().chain(3..96usize) {
        let pairs = if n % 12 == 0 { 120 } else { 8 + (n % 24) * 2 };
        file = file.block(pairs, if n == 40 { 127 } else { 128 });
        if n == 50 {
            file = file.block(100, 3);
        }
    }
    let entries: Vec<(u64, u64)> = (0..7).map(|n| (n * 12 * 40_000, n * 12)).collect();
    file.seek(&entries).meta(r#"{"fps_hint":50.0,"gop":12,"title":"edited\u001b[2J"}"#).bytes()
}

fn compared(before: Vec<u8>, after: Vec<u8>, (cols, rows): (u16, u16), theme: Theme, keys: &str) -> Player {
    let source = |name: &str, bytes| Arc::new(Source::from_bytes(name, bytes));
    let mut player = Player::new(Setup {
        name: "sample.h4mk".into(),
        source: source("sample.h4mk", before),
        other: Some((source("other.h4mk", after), "other\u{1b}.h4mk".into())),
        options: Options::default(),
        theme,
        size: (cols, rows).into(),
        may_write: false,
        polling: Default::default(),
    });
    player.play(input::parse(keys).unwrap());
    player
}

fn edit(size: (u16, u16), keys: &str) -> Player {
    compared(regular().bytes(), edited(), size, DARK, keys)
}

#[test]
fn at_every_size() {
    with_snapshots(|| {
        for (cols, rows) in [(120, 40), (80, 24), (40, 12)] {
            insta::assert_snapshot!(format!("diff-{cols}x{rows}"), text(&edit((cols, rows), "j").frame()));
        }
        insta::assert_snapshot!("diff-same-80x24", { text(&compared(faulty(), faulty(), (80, 24), DARK, "").frame()) });
        let player = compared(regular().bytes(), edited(), (80, 24), NO_COLOR, "jj");
        insta::assert_snapshot!("diff-styles-no-color", styles(&player.frame()));
        insta::assert_snapshot!("diff-opened-80x24", text(&edit((80, 24), "jjj<Enter>").frame()));
    });
}

#[test]
fn a_row_leads_to_the_bytes_that_differ() {
    let player = edit((120, 40), "<End>");
    let comparison = player.state().comparison.as_ref().unwrap();
    let changed = comparison.lines().iter().position(|line| line.text.starts_with("block 40")).unwrap();
    let keys = format!("{}<Enter>", "j".repeat(changed));
    let player = edit((120, 40), &keys);
    let state = player.state();
    assert_eq!((state.view, state.selection.block, state.form), (View::Hex, Some(40), Form::Decoded));
    assert!(!state.comparison.as_ref().unwrap().shown);
    assert!(state.message.as_ref().unwrap().text.starts_with("block 40"));
}

#[test]
fn lost_bytes_lead_to_where_they_were() {
    let mut holed = regular().bytes();
    holed[8 + 252..8 + 252 + 32].fill(0);
    let player = compared(holed, regular().bytes(), (120, 40), DARK, "");
    let lines = player.state().comparison.as_ref().unwrap().lines().to_vec();
    let lost = lines.iter().position(|line| line.text.starts_with("lost bytes")).unwrap();
    let mut player = player;
    player.play(input::parse(&format!("<Home>{}<Enter>", "j".repeat(lost))).unwrap());
    let state = player.state();
    let loss = state.container.as_ref().unwrap().walked().losses[0];
    assert_eq!((state.view, state.hex.cursor()), (View::Hex, loss.offset));
    assert!(loss.offset > 8);
}

#[test]
fn keys_show_hide_and_leave_it() {
    let shown = |keys: &str| edit((80, 24), keys).state().comparison.as_ref().unwrap().shown;
    assert!(shown(""));
    assert!(!shown("d") && shown("dd") && !shown("<Esc>") && !shown("4") && !shown("<Tab>"));
    assert!(shown("?<Esc>"), "the help lies above it");
    assert!(shown("j<Wheel:40,10,2><Click:40,5>"));
    assert!(!shown(":diff<Enter>"));
    for keys in ["d", ":diff<Enter>"] {
        let alone = played(faulty(), (80, 24), DARK, keys);
        assert!(alone.state().message.as_ref().unwrap().text.contains("--diff OTHER"), "{keys}");
    }
}

#[test]
fn what_is_no_container_is_said() {
    let player = compared(faulty(), b"nothing".to_vec(), (80, 24), DARK, "");
    let frame = text(&player.frame());
    assert!(frame.contains("other.h4mk"), "{frame}");
}

mod any {
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn keys_at_any_size_draw(
            text in "([djkgG45at?]|<(Enter|Esc|Tab|PgUp|PgDn|Home|End)>|<(Click|Wheel):[0-9]{1,2},[0-9]{1,2}(,-1)?>|<Resize:[0-9]{1,2}x[0-9]{1,2}>){0,20}",
            cols in 0u16..130,
            rows in 0u16..50,
        ) {
            let Ok(inputs) = h4inspect::tui::input::parse(&text) else { return Ok(()) };
            let mut player = super::edit((cols, rows), "");
            for input in inputs {
                player.play([input]);
                crate::support::screens::sound(&player, &text);
            }
        }
    }
}
