use std::sync::Arc;

use super::update;
use crate::tui::state::tree::ChunkRow;
use crate::tui::state::{Action, Effect, Failure, Level, Report, Setup, State, View};
use crate::tui::testing::{damaged, played, setup};
use crate::tui::{headless::Player, input};
use h4mk::audit::Verdict;

fn message(player: &Player) -> (Level, &str) {
    let message = player.state().message.as_ref().unwrap();
    (message.level, &message.text)
}

#[test]
fn a_timestamp_selects_what_plays_and_keeps_the_playhead() {
    let player = played(80, 24, "t0.2s<Enter>");
    let state = player.state();
    assert_eq!((state.selection.block, state.selection.time_us), (Some(6), Some(200_000)));
    assert_eq!(
        message(&player).1.split(": ").nth(1),
        Some("block 6 plays; c goes to keyframe 4, entry 1 at 133332 us (offset is position in the decoded stream)")
    );
    let row = state.tree.row(state.container.as_ref().unwrap().index(), state.tree_window.cursor());
    assert_eq!(row, Some(ChunkRow::Chunk(0, 6)), "the tree follows");
}

#[test]
fn an_offset_leads_to_its_chunk_in_hex() {
    let state = played(80, 24, ":0x1c<Enter>");
    let state = state.state();
    assert_eq!((state.view, state.selection.chunk, state.selection.bytes.clone()), (View::Hex, Some(1), Some(28..29)));
    let beyond = played(80, 24, ":0x1000<Enter>");
    let prompt = beyond.state().prompt.as_ref().unwrap();
    assert_eq!(prompt.error.as_deref(), Some("the file ends at 0x165"));
}

#[test]
fn places_are_found_again() {
    let at = |text| {
        let player = played(80, 24, text);
        (player.state().view, player.state().selection.block)
    };
    assert_eq!(at(":#5<Enter>4:#7<Enter>"), (View::Blocks, Some(7)));
    assert_eq!(at(":#5<Enter>4:#7<Enter>b"), (View::Blocks, Some(5)));
    assert_eq!(at(":#5<Enter>4:#7<Enter>bb"), (View::Summary, Some(5)));
    assert_eq!(at(":#5<Enter>4:#7<Enter>bbb"), (View::Summary, Some(0)));
    assert_eq!(at(":#5<Enter>4:#7<Enter>bbbff"), (View::Blocks, Some(5)));
}

#[test]
fn the_tree_walks_opens_and_folds() {
    let cursor = |text: &str| {
        let player = played(80, 24, &format!("<Tab>{text}"));
        let state = player.state();
        (state.tree_window.cursor(), state.selection.chunk, state.view)
    };
    assert_eq!(cursor("j"), (1, Some(8), View::Summary));
    assert_eq!(cursor("<Space>jj"), (2, Some(1), View::Summary));
    assert_eq!(cursor("ljjj<Left>"), (0, Some(0), View::Summary), "left folds and goes to the fold");
    assert_eq!(cursor("l<Down><Enter>"), (1, Some(0), View::Hex), "enter opens a chunk");
    assert_eq!(cursor("<Click:3,5>"), (2, Some(9), View::Summary));
    assert_eq!(cursor("<Click:3,3><Click:3,4>"), (1, Some(0), View::Summary), "a second click opens");
    assert_eq!(cursor("m<Click:3,5>"), (0, Some(0), View::Summary), "no mouse");
}

#[test]
fn the_strip_scrubs_and_tabs_switch() {
    let player = played(80, 24, "<Click:45,21><Drag:45,21,75,20><Click:30,1>");
    assert_eq!((player.state().selection.block, player.state().view), (Some(7), View::Timeline));
}

#[test]
fn audit_and_veri_are_done_before_the_next_key() {
    assert_eq!(message(&played(80, 24, "a")), (Level::Good, "ok: 0 findings"));
    let mut player = Player::new(setup(damaged(), 80, 24));
    player.play(input::parse("av").unwrap());
    let (level, text) = message(&player);
    assert_eq!((level, text.split(':').next()), (Level::Error, Some("VERI mismatch")));
    let audit = player.state().audit.as_ref().unwrap();
    assert_eq!(audit.verdict, Verdict::Damaged);
}

#[test]
fn a_command_line_does_what_keys_do() {
    assert_eq!(message(&played(80, 24, ":aud<Tab><Enter>")), (Level::Good, "ok: 0 findings"));
    assert_eq!(played(80, 24, ":bl<Enter>").state().view, View::Blocks);
    assert!(played(80, 24, ":help<Enter>").state().help.is_some());
    assert_eq!(played(80, 24, "t1<Esc>q4").state().view, View::Summary, "nothing is played after leaving");
}

#[test]
fn overlays_take_the_keys_and_ctrl_c_always_leaves() {
    for before in ["", "?", "t", ":x"] {
        let player = played(80, 24, &format!("{before}<C-c>4"));
        assert_eq!(player.state().view, View::Summary);
    }
    assert_eq!(played(80, 24, "?4q").state().view, View::Summary);
    assert!(played(80, 24, "?4q").state().help.is_none());
}

#[test]
fn reports_of_replaced_jobs_are_ignored() {
    let (mut state, effects) = State::new(setup(damaged(), 80, 24));
    let [Effect::Start(first)] = &effects[..] else { panic!("{effects:?}") };
    let request = first.request.clone();
    state.jobs.start(request);
    let late = Report { id: first.id, outcome: Err(Failure::Failed("late".into())), last: true };
    update(&mut state, Action::Report(late));
    assert_eq!(state.message, None);
}

#[test]
fn a_block_is_exported_where_files_may_be_written() {
    assert_eq!(message(&played(80, 24, "e")), (Level::Warning, "no file is written from here"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b");
    let mut player = Player::new(Setup { may_write: true, ..setup(damaged(), 80, 24) });
    player.play(input::parse(&format!(":#1<Enter>re<C-u><Paste:{}><Enter>", path.display())).unwrap());
    assert_eq!(message(&player).0, Level::Good);
    assert_eq!(std::fs::read(path).unwrap(), [1, 255, 1, 1]);
}

#[test]
fn an_exported_block_is_called_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let export = |source, name: &str| {
        let path = folder.path().join(name);
        let mut player = Player::new(Setup { may_write: true, ..setup(source, 80, 24) });
        player.play(input::parse(&format!(":#2<Enter>e<C-u><Paste:{}><Enter>", path.display())).unwrap());
        assert!(path.exists(), "{:?}", player.state().message);
        player.state().message.clone().unwrap()
    };
    let said = export(damaged(), "damaged");
    assert!(said.text.starts_with("block 2 at 40 has a wrong CRC: stored "), "{said:?}");
    assert!(said.level == Level::Warning && said.text.contains("; wrote "), "{said:?}");
    let masked = br#"{"masked":true,"compression":{"engine":"geometric-reference"}}"#;
    let said = export(crate::tui::testing::sample_with(masked), "masked");
    assert!(
        said.text.starts_with("block 2 is masked: no key; the file is still masked, :mask-key unmasks it; wrote"),
        "{said:?}"
    );
    let mut lost = crate::tui::testing::bytes();
    lost[8 + 16..8 + 32].fill(0);
    let said = export(Arc::new(h4mk::source::Source::from_bytes("x", lost)), "provisional");
    assert!(said.text.starts_with("block 2 is numbered provisionally: bytes were lost before it; wrote"), "{said:?}");
}

#[test]
fn copying_gives_the_text_away() {
    for key in ["y", "<C-y>"] {
        let player = played(80, 24, &format!(":#1<Enter><Tab>{key}"));
        assert_eq!(player.copied(), Some("CORE chunk 1 at 0x18, 4 bytes"));
    }
}

#[test]
fn a_time_that_nobody_knows_is_refused_without_a_look_at_the_file() {
    let mut bytes = crate::tui::testing::bytes();
    let meta = bytes.windows(4).position(|tag| tag == b"META").unwrap();
    bytes[meta..meta + 4].copy_from_slice(b"NETA");
    let source = std::sync::Arc::new(h4mk::source::Source::from_bytes("x", bytes));
    for keys in ["t1s<Enter>", "t50%<Enter>", "t#1<Enter>", ":#1<Enter>c"] {
        let player = crate::tui::testing::played_with(source.clone(), keys);
        assert!(player.state().prompt.as_ref().is_none_or(|prompt| prompt.error.is_some()), "{keys}");
    }
}
