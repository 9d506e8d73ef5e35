//! Screens of the Blocks view.

use crate::support::screens::{
    DARK, NO_COLOR, Transport, draw_after_each, faulty, many, played, regular, screen, tracks,
};
use crate::support::with_snapshots;
use h4inspect::core::explore::sorted_blocks::Column;
use h4inspect::tui::headless::Player;
use h4inspect::tui::input;
use h4inspect::tui::screen::styles;
use h4inspect::tui::state::View;

fn block(keys: &str) -> Option<u64> {
    played(faulty(), (80, 24), DARK, keys).state().selection.block
}

#[test]
fn at_every_size() {
    with_snapshots(|| {
        for (cols, rows) in [(120, 40), (80, 24), (40, 12)] {
            insta::assert_snapshot!(format!("blocks-{cols}x{rows}"), screen(faulty(), (cols, rows), "a4:#30<Enter>"));
            insta::assert_snapshot!(format!("blocks-tracks-{cols}x{rows}"), screen(tracks(), (cols, rows), "4"));
        }
    });
}

#[test]
fn sorted_and_filtered() {
    with_snapshots(|| {
        insta::assert_snapshot!("blocks-sorted", screen(regular().bytes(), (120, 20), "4ssssS"));
        insta::assert_snapshot!("blocks-filtered", screen(faulty(), (80, 20), "4&>200 keyframes<Enter>"));
        insta::assert_snapshot!("blocks-none", screen(faulty(), (80, 20), "4&>1MB<Enter>"));
        insta::assert_snapshot!("blocks-empty", screen(Transport::new().meta("{}").bytes(), (80, 20), "4"));
    });
}

#[test]
fn damage_and_selection_have_styles_and_glyphs() {
    let styles = |theme| styles(&played(faulty(), (80, 20), theme, "a4:#31<Enter>").frame());
    with_snapshots(|| {
        insta::assert_snapshot!("blocks-styles", styles(DARK));
        insta::assert_snapshot!("blocks-styles-no-color", styles(NO_COLOR));
    });
}

#[test]
fn a_block_is_found_opened_and_followed() {
    assert_eq!(block("4D<Home>"), Some(30), "read, though nothing was audited");
    assert_eq!(block("4KG"), Some(72));
    assert_eq!(block("4K<Home>nn"), Some(24), "n walks through what was filtered");
    assert_eq!(block("4/smaller<Enter><Esc>/<lt>22<Enter><Home>n"), Some(25));
    assert_eq!(block("4S<Home>"), Some(95));
    let player = played(faulty(), (80, 24), DARK, "4:#40<Enter><Down><Enter>");
    assert_eq!((player.state().view, player.state().selection.block), (View::Hex, Some(41)));
    let player = played(faulty(), (80, 24), DARK, "4ssS:#12<Enter>");
    let container = player.state().container.clone().unwrap();
    let blocks = &player.state().blocks;
    assert_eq!(blocks.block(&container, blocks.window.cursor()), Some(12), "the list follows in its own order");
}

#[test]
fn every_column_in_sight_sorts_both_ways() {
    let stored = |player: &Player| {
        let container = player.state().container.clone().unwrap();
        let first = player.state().blocks.block(&container, 0).unwrap();
        container.index().block(first).unwrap().len()
    };
    let mut columns = Vec::new();
    for presses in 0..10 {
        let keys = format!("4{}", "s".repeat(presses));
        let ascending = played(tracks(), (120, 40), DARK, &keys);
        let descending = played(tracks(), (120, 40), DARK, &format!("{keys}S"));
        let order = ascending.state().blocks.shown_order();
        assert_eq!(order, ascending.state().blocks.order, "listed before the next key");
        columns.push(order.column);
        if order.column == Column::Stored {
            assert_eq!((stored(&ascending), stored(&descending)), (20, 408));
        }
    }
    columns.sort_unstable();
    columns.dedup();
    assert_eq!(columns.len(), 10);
}

#[test]
fn a_click_selects_opens_and_sorts() {
    let player = played(faulty(), (80, 24), DARK, "4<Click:40,5>");
    assert_eq!((player.state().selection.block, player.state().view), (Some(1), View::Blocks));
    let player = played(faulty(), (80, 24), DARK, "4<Click:40,5><Click:40,5>");
    assert_eq!(player.state().view, View::Hex);
    let player = played(faulty(), (80, 24), DARK, "4<Click:62,3>");
    assert_eq!(player.state().blocks.order.column, Column::Stored);
    let player = played(faulty(), (80, 24), DARK, "4<Click:62,3><Click:62,3>");
    assert!(player.state().blocks.order.descending);
}

#[test]
fn tracks_are_listed_apart() {
    let listed = |keys: &str| {
        let player = played(tracks(), (80, 24), DARK, keys);
        let container = player.state().container.clone().unwrap();
        (player.state().blocks.filter.track.clone(), player.state().blocks.len(&container))
    };
    assert_eq!(listed("4T"), (Some("1".to_owned()), 50));
    assert_eq!(listed("4TT"), (Some("2".to_owned()), 94));
    assert_eq!(listed("4TTTT"), (None, 150));
    assert_eq!(listed("4&track=7<Enter>"), (Some("7".to_owned()), 6));
    assert_eq!(listed("4&track=7<Enter>&<C-u>all<Enter>"), (None, 150));
    let unknown = played(tracks(), (80, 24), DARK, "4&track=x<Enter>");
    assert!(unknown.state().prompt.as_ref().unwrap().error.is_some());
}

#[test]
fn a_million_blocks_are_sorted_and_listed() {
    let mut player = played(many(1_000_000), (120, 40), DARK, "4");
    let mut play = |text: &str| {
        player.play(input::parse(text).unwrap());
        let start = std::time::Instant::now();
        _ = player.frame();
        // Unoptimised and on a busy machine; anything that looks at every block takes several times as long.
        assert!(start.elapsed().as_millis() < 500, "{text}: {:?}", start.elapsed());
        player.state().selection.block
    };
    assert_eq!(play("G"), Some(999_999));
    assert_eq!(play("S<Home>"), Some(999_999));
    assert_eq!(play("XK<End>"), Some(999_000));
}

mod any {
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn keys_at_any_size_draw(
            text in "4([jkgGsSKDTXanN]|&(keys|bad|>30|all)<Enter>|<(PgUp|PgDn|Home|End|Esc)>|<(Click|Wheel):[0-9]{1,2},[0-9]{1,2}(,-1)?>|<Resize:[0-9]{1,2}x[0-9]{1,2}>){0,25}",
            tracks in any::<bool>(),
            cols in 0u16..130,
            rows in 0u16..50,
        ) {
            let bytes = if tracks { super::tracks() } else { super::faulty() };
            super::draw_after_each(bytes, (cols, rows), &text);
        }
    }
}
