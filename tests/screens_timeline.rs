//! Screens of the Timeline view.

use crate::support::screens::{
    DARK, NO_COLOR, Transport, draw_after_each, faulty, many, played, regular, screen, tracks,
};
use crate::support::with_snapshots;

const SIZES: [(u16, u16); 3] = [(120, 40), (80, 24), (40, 12)];

#[test]
fn at_every_size() {
    with_snapshots(|| {
        for (cols, rows) in SIZES {
            insta::assert_snapshot!(
                format!("timeline-{cols}x{rows}"),
                screen(regular().bytes(), (cols, rows), "3t1.5s<Enter>")
            );
            insta::assert_snapshot!(format!("timeline-faulty-{cols}x{rows}"), screen(faulty(), (cols, rows), "a3"));
            insta::assert_snapshot!(format!("timeline-tracks-{cols}x{rows}"), screen(tracks(), (cols, rows), "3"));
        }
    });
}

#[test]
fn zooms_from_the_whole_to_single_blocks() {
    with_snapshots(|| {
        let some = screen(faulty(), (120, 40), "a3:#30<Enter>++");
        insta::assert_snapshot!("timeline-zoomed", some);
        let blocks = screen(regular().bytes(), (80, 24), "3:#36<Enter>+++++++++");
        insta::assert_snapshot!("timeline-blocks", blocks);
    });
}

#[test]
fn without_a_time_base_it_says_so() {
    let file = (1..40usize).fold(Transport::new(), |file, n| file.block(n, 9)).meta("{}").bytes();
    with_snapshots(|| insta::assert_snapshot!("timeline-by-index", screen(file, (80, 24), "3:#20<Enter>")));
}

#[test]
fn damage_and_selection_have_styles_and_glyphs() {
    let styles = |theme| h4inspect::tui::screen::styles(&played(faulty(), (80, 24), theme, "a3:#30<Enter>+").frame());
    with_snapshots(|| {
        insta::assert_snapshot!("timeline-styles", styles(DARK));
        insta::assert_snapshot!("timeline-styles-no-color", styles(NO_COLOR));
        let ascii = played(faulty(), (80, 24), NO_COLOR, "a3:#30<Enter>+").frame();
        insta::assert_snapshot!("timeline-ascii", h4inspect::tui::screen::text(&ascii));
    });
}

#[test]
fn faults_are_visited_in_turn() {
    let said = |keys: &str| {
        let player = played(faulty(), (120, 40), DARK, keys);
        (player.state().selection.block, player.state().message.clone().unwrap().text)
    };
    let first = said("a3n");
    assert_eq!(first.0, Some(30));
    assert!(first.1.starts_with("block 30, chunk-crc-mismatch: "), "{}", first.1);
    assert_eq!(said("a3nn").1, "entry 4 at 2300000 us leads to a block of another time");
    assert!(said("a3nnn").1.starts_with("keyframe 60 is not "), "{:?}", said("a3nnn"));
    assert!(said("a3<End>n").1.starts_with("nothing is wrong after"));
    assert_eq!(said("a3<End>NN").0, Some(60));
}

#[test]
fn keys_scrub_and_the_other_panes_follow() {
    let block = |keys: &str| played(regular().bytes(), (120, 40), DARK, keys).state().selection.block;
    assert_eq!(block("3lll"), Some(3));
    assert_eq!(block("3]]h"), Some(23));
    assert_eq!(block("3G["), Some(84));
    assert_eq!(block("3<PgDn>"), Some(9));
    assert_eq!(block("3<PgDn>++<PgUp>"), Some(6), "a tenth of what is shown");
    assert_eq!(block("3<End>l"), Some(95));
    assert_eq!(block("3<Click:118,10>"), Some(95));
    let player = played(regular().bytes(), (120, 40), DARK, "3]4");
    assert_eq!(player.state().blocks.window.cursor(), 12, "Blocks follows");
}

#[test]
fn lanes_change_at_the_same_time() {
    let at = |keys: &str| {
        let player = played(tracks(), (120, 40), DARK, keys);
        let container = player.state().container.clone().unwrap();
        let (track, block) = container.tracks().unwrap().of_block(player.state().selection.block.unwrap()).unwrap();
        (track.id.clone(), block.pts_us)
    };
    assert_eq!(at("3llll"), ("1".to_owned(), 160_000));
    assert_eq!(at("3llllj"), ("2".to_owned(), 149_000));
    assert_eq!(at("3lllljj"), ("7".to_owned(), 0));
    assert_eq!(at("3lllljjk"), ("2".to_owned(), 149_000), "and back: the time stays");
    assert_eq!(at("3lllljjkk"), ("1".to_owned(), 160_000));
    assert_eq!(at("3ljt1s<Enter>"), ("2".to_owned(), 981_000), "a timestamp is looked up in the lane's track");
    assert_eq!(at("3lj1t1s<Enter>"), ("1".to_owned(), 1_000_000), "elsewhere in the first");
}

#[test]
fn a_track_without_blocks_is_no_dead_end() {
    let blocks = (0..6u32).map(|n| (if n % 2 == 0 { 1 } else { 3 }, n * 20, 0, vec![7; 9])).collect();
    let file = crate::builder::Mux::new(0).with(|mux| mux.blocks = blocks).build();
    let block = |keys: &str| played(file.clone(), (120, 40), DARK, keys).state().selection.block;
    assert_eq!(
        (block("3t85ms<Enter>"), block("3t85ms<Enter>jj"), block("3t85ms<Enter>jjkk")),
        (Some(4), Some(3), Some(4))
    );
}

#[test]
fn the_ends_of_time_and_tiny_screens_are_drawn() {
    let file = |fps: &str, entries: &[(u64, u64)]| {
        let blocks = (0..5).fold(Transport::new(), |file, _| file.block(1, 9));
        blocks.seek(entries).meta(&format!(r#"{{"fps_hint":{fps}}}"#)).bytes()
    };
    let files = [
        file("0", &[(0, 0)]),
        file("1e-300", &[(0, 0), (u64::MAX, 1)]),
        file("1e-9", &[(u64::MAX, u64::MAX)]),
        file("1000000", &[]),
        Transport::new().block(1, 9).meta(r#"{"fps_hint":25}"#).bytes(),
        Transport::new().meta("{}").bytes(),
        tracks(),
    ];
    for bytes in files {
        for (cols, rows) in [(1, 1), (20, 6), (21, 7), (40, 10), (69, 9), (300, 100)] {
            for keys in ["3", "3++++++]n", "3G-H", "3t50%<Enter>L", "3sj<Right>+N"] {
                crate::support::screens::sound(&played(bytes.clone(), (cols, rows), DARK, keys), keys);
            }
        }
    }
}

#[test]
fn a_million_blocks_are_drawn_without_looking_at_each() {
    let mut player = played(many(1_000_000), (200, 60), DARK, "3");
    let chart = player.state().chart.clone().unwrap();
    assert_eq!((chart.lanes[0].len(), chart.lanes[0].keyframes()), (1_000_000, 1000));
    for keys in ["t50%<Enter>", "+", "++++++", "]", "<PgDn>"] {
        player.play(h4inspect::tui::input::parse(keys).unwrap());
        let start = std::time::Instant::now();
        _ = player.frame();
        // Unoptimised and on a busy machine; looking at every block takes several times as long.
        assert!(start.elapsed().as_millis() < 500, "{keys}: {:?}", start.elapsed());
    }
}

mod any {
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn keys_at_any_size_draw(
            text in "3([-+=0hjklHLgGnNs\\[\\]t5]|<(PgUp|PgDn|Home|End|Enter|Esc)>|<(Click|Wheel):[0-9]{1,2},[0-9]{1,2}(,-1)?>|<Resize:[0-9]{1,2}x[0-9]{1,2}>){0,25}",
            tracks in any::<bool>(),
            cols in 0u16..130,
            rows in 0u16..50,
        ) {
            let bytes = if tracks { super::tracks() } else { super::faulty() };
            super::draw_after_each(bytes, (cols, rows), &text);
        }
    }
}

/// What `gaps` says of a track whose blocks have these timestamps in ms, as stored.
fn time_faults(times: &[u32]) -> String {
    let block = |(at, pts_ms): (usize, &u32)| (1, *pts_ms, u32::from(at != 0), vec![7; 9]);
    let file =
        crate::builder::Mux::new(0).with(|mux| mux.blocks = times.iter().enumerate().map(block).collect()).build();
    let screen = screen(file, (120, 40), "a3");
    let line = screen.lines().find_map(|line| line.split_once("gaps ")).unwrap().1;
    line.trim_end_matches('│').trim().to_owned()
}

#[test]
fn gaps_overlaps_and_blocks_out_of_order_are_told_apart() {
    assert_eq!(time_faults(&[0, 40, 80, 120]), "✓ none");
    assert_eq!(time_faults(&[0, 40, 80, 160, 200]), "░ 1, longest 40 ms from 00:00:00.120000");
    assert_eq!(time_faults(&[0, 40, 80, 90, 120, 160]), "! 1 overlaps the block before");
    assert_eq!(time_faults(&[0, 40, 40, 80, 80, 120, 160]), "! 2 overlap the block before");
    assert_eq!(time_faults(&[0, 80, 40, 120]), "! 1 stored out of order");
}
