use proptest::prelude::*;

use super::geometry::{Columns, Panel};
use super::rows::Rows;
use super::shown::shown;
use crate::tui::headless::{Player, draw};
use crate::tui::state::update::update;
use crate::tui::state::{Action, Effect, Job, JobKind, Level, State, View};
use crate::tui::testing::{finish, played, sample, setup, type_keys};
use crate::tui::{input, screen, workers};
use h4mk::block::Form;
use h4mk::source::Source;

fn cursor(player: &Player) -> u64 {
    player.state().hex.cursor()
}

fn decoded(player: &Player) -> bool {
    shown(player.state()).unwrap().is_decoded()
}

fn said(player: &Player) -> &str {
    player.state().message.as_ref().map_or("", |message| &message.text)
}

#[test]
fn the_cursor_moves_by_byte_row_page_and_to_the_ends() {
    // Eight bytes on a row, 256 in the block, 14 rows on the screen.
    let at = |text: &str| cursor(&played(80, 24, &format!("5{text}")));
    assert_eq!([at("l"), at("ll<Left>"), at("h"), at("j"), at("jk"), at("k")], [1, 1, 0, 8, 0, 0]);
    assert_eq!([at("<PgDn>"), at("<PgDn><PgUp>"), at("G"), at("Gg"), at("Gj")], [96, 0, 255, 0, 255]);
    assert_eq!([at("jll$"), at("jll0")], [15, 8]);
}

#[test]
fn a_form_is_changed_without_leaving_the_byte() {
    let player = played(80, 24, ":#1<Enter>5Gr");
    // Block 1 is (1, 255), (1, 1) at 0x24: its last byte comes from the second pair.
    assert_eq!((cursor(&player), decoded(&player)), (0x26, false));
    let player = played(80, 24, ":#1<Enter>5Grr");
    assert_eq!((cursor(&player), decoded(&player)), (255, true));
    let player = played(80, 24, "5r:0x27<Enter>r");
    assert_eq!((cursor(&player), decoded(&player), player.state().selection.block), (255, true, Some(1)));
}

#[test]
fn an_offset_shows_the_whole_file_and_keeps_its_byte() {
    let player = played(80, 24, ":0x1c<Enter>");
    let state = player.state();
    assert_eq!((state.view, cursor(&player), state.hex.whole), (View::Hex, 0x1c, true));
    assert_eq!(state.hex.pointed, Some(0x1c..0x1d));
    let player = played(80, 24, ":0x1c<Enter>G:0x1c<Enter>");
    assert_eq!(cursor(&player), 0x1c, "again, from elsewhere");
    let player = played(80, 24, ":0x1c<Enter>w");
    assert_eq!((cursor(&player), player.state().hex.whole), (0, false), "the header of a decoded block is not in it");
    let player = played(80, 24, ":0x1c<Enter>:#2<Enter>");
    assert_eq!((cursor(&player), decoded(&player)), (0, true));
}

#[test]
fn an_offset_within_what_is_shown() {
    assert_eq!(cursor(&played(80, 24, ":#1<Enter>5:+0x20<Enter>")), 0x20);
    assert_eq!(cursor(&played(80, 24, ":#1<Enter>5r:+4<Enter>")), 0x18 + 4);
    let player = played(80, 24, ":#1<Enter>5:+256<Enter>");
    assert_eq!(player.state().prompt.as_ref().unwrap().error.as_deref(), Some("the bytes in Hex end at +0x100"));
    // Of a block that is still to be read it is seen later.
    let player = played(80, 24, ":#1<Enter>:+256<Enter>");
    assert_eq!((cursor(&player), said(&player)), (255, "the bytes in Hex end at +0x100"));
}

#[test]
fn walking_through_the_file_selects_the_chunks() {
    let player = played(80, 24, ":0x8<Enter>jj");
    assert_eq!(player.state().selection.block, Some(1));
    let player = played(80, 24, "5]]");
    assert_eq!((player.state().selection.block, cursor(&player)), (Some(2), 0));
    assert_eq!(said(&played(80, 24, "5[")), "this is the first chunk");
    let player = played(80, 24, "5<BackTab><Right><Down><Down>");
    assert_eq!((player.state().selection.block, cursor(&player)), (Some(1), 0), "the tree moves the view");
}

#[test]
fn fields_are_walked_and_entries_lead_to_their_blocks() {
    let player = played(80, 24, ":0x8<Enter>.");
    assert_eq!(cursor(&player), 0xc, "from the tag to the length");
    assert_eq!(cursor(&played(80, 24, ":0x8<Enter>...l,")), 0x14);
    assert_eq!(cursor(&played(80, 24, ":0x8<Enter>...,")), 0x10);
    assert_eq!(said(&played(80, 24, ":0x0<Enter>,")), "this is the first field here");
    // Decoded, from run to run.
    assert_eq!((cursor(&played(80, 24, "5.")), cursor(&played(80, 24, "5.,"))), (255, 0));
    let player = played(80, 24, "5]]]]]]]].......<Enter>");
    assert_eq!(player.state().selection.block, Some(4), "{}", said(&player));
}

#[test]
fn bytes_are_selected_and_copied() {
    let player = played(80, 24, ":0x0<Enter>xlll");
    assert_eq!(player.state().hex.selected(), Some(0..4));
    assert_eq!(played(80, 24, ":0x0<Enter>xllly").copied(), Some("48 34 4d 4b"));
    assert_eq!(played(80, 24, ":0x0<Enter>xlllY").copied(), Some("H4MK"));
    assert_eq!(played(80, 24, ":0x4<Enter>xlY").copied(), Some("\\x00\\x01"), "as it is shown");
    let raw = played(80, 24, ":0x4<Enter>xl<C-y>");
    assert_eq!(raw.copied(), Some("\0\u{1}"));
    let said = raw.state().message.clone().unwrap();
    assert!(said.text.starts_with("copied raw, with 2 control or invisible characters"), "{said:?}");
    assert_eq!(played(80, 24, ":0x3<Enter>xhhhy").copied(), Some("48 34 4d 4b"), "backwards");
    assert_eq!(played(80, 24, ":0x0<Enter>y").copied(), Some("48"));
    let player = played(80, 24, ":0x0<Enter>xl<Esc>l");
    assert_eq!((player.state().hex.selected(), cursor(&player)), (None, 2));
}

#[test]
fn the_mouse_points_selects_and_scrolls() {
    // The pane's content begins at column 27, row 3; the ruler is its first row, the digits its eleventh column.
    assert_eq!(cursor(&played(80, 24, "5<Click:40,5>")), 9);
    assert_eq!(cursor(&played(80, 24, "5<Click:62,4>")), 0, "as text");
    assert_eq!(cursor(&played(80, 24, "5<Click:69,4>")), 7, "as text");
    assert_eq!(cursor(&played(80, 24, "5jl<Click:28,4>")), 9, "on an offset: nothing");
    let player = played(80, 24, "5<Drag:37,4,40,5>");
    assert_eq!(player.state().hex.selected(), Some(0..10));
    let player = played(80, 24, "5l<Wheel:40,8,2>");
    assert_eq!((cursor(&player), player.state().hex.window().top()), (6 * 8 + 1, 6));
}

#[test]
fn a_search_goes_from_match_to_match_and_round_the_end() {
    let at = |text: &str| cursor(&played(80, 24, &format!(":0x0<Enter>{text}")));
    assert_eq!(at("/CORE<Enter>"), 0x8);
    assert_eq!([at("/CORE<Enter>n"), at("/CORE<Enter>nN"), at("/0x43 4f<Enter>nn")], [0x18, 0x8, 0x28]);
    let player = played(80, 24, ":0x0<Enter>/CORE<Enter>N");
    assert_eq!((cursor(&player), said(&player)), (0x78, "continued from the end"));
    let player = played(80, 24, ":0x0<Enter>G/CORE<Enter>");
    assert_eq!((cursor(&player), said(&player)), (0x8, "continued from the start"));
    assert_eq!(player.state().selection.block, Some(0), "what is found is selected");
}

#[test]
fn a_search_is_about_what_is_shown() {
    let player = played(80, 24, "5/CORE<Enter>");
    assert_eq!(said(&player), "CORE is in no decoded block; `w` and `n` search the file as stored");
    let player = played(80, 24, "5r/META<Enter>");
    assert_eq!(said(&player), "META is not here; `w` and `n` search the file as stored");
    assert_eq!(said(&played(80, 24, ":0x0<Enter>/none<Enter>")), "none is not in the file as stored");
    let player = played(80, 24, "5/CORE<Enter>wn");
    assert!(player.state().hex.whole);
    assert_eq!(cursor(&player), 0x18, "the next one from the block shown");
    let player = played(80, 24, "5/0x4<Enter>");
    assert!(player.state().prompt.as_ref().unwrap().error.as_ref().unwrap().contains("pairs of hex digits"));
    let player = played(80, 24, "5n");
    assert_eq!(player.state().message.as_ref().unwrap().level, Level::Warning);
    assert!(played(80, 24, "5/CORE<Enter><Esc>").state().hex.search.is_none());
}

#[test]
fn a_search_goes_on_through_decoded_blocks() {
    // Block n is 256 times n.
    let player = played(80, 24, "5/0x03 03<Enter>");
    assert_eq!((player.state().selection.block, cursor(&player), said(&player)), (Some(3), 0, "found in block 3"));
    assert!(screen::text(&player.frame()).contains("match 1 of 255"));
    let player = played(80, 24, "5/0x03 03<Enter>G:#5<Enter>n");
    let past = "continued from the first block: found in block 3";
    assert_eq!((player.state().selection.block, cursor(&player), said(&player)), (Some(3), 0, past));
    let player = played(80, 24, "5/0x03 03<Enter>:#5<Enter>N");
    assert_eq!((player.state().selection.block, cursor(&player)), (Some(3), 254), "going back, the last one");
    let player = played(80, 24, "5/0x03 03<Enter>N");
    assert_eq!(said(&player), "not in any other block; continued from the end");
    assert_eq!((player.state().selection.block, cursor(&player)), (Some(3), 254));
    assert_eq!(played(80, 24, "5/0x03 03<Enter>b").state().selection.block, Some(0), "back to where it began");
}

#[test]
fn a_search_through_blocks_is_stopped_and_moves_nobody_who_went_on() {
    let started = |then: &str| {
        let mut state = played(80, 24, "5").into_state();
        let jobs = play(&mut state, "/0x03<Enter>");
        perform(&mut state, &jobs[0]);
        let job = state.jobs.running().iter().find(|r| r.job.request.kind() == JobKind::Find).unwrap().job.clone();
        _ = play(&mut state, then);
        perform(&mut state, &job);
        (job.task.check().is_err(), state.selection.block, state.view)
    };
    assert_eq!(started(""), (false, Some(3), View::Hex));
    assert_eq!(started("<Esc>"), (true, Some(0), View::Hex));
    assert_eq!(started("]"), (false, Some(1), View::Hex));
    assert_eq!(started("1"), (false, Some(0), View::Summary));
}

#[test]
fn the_panel_is_toggled() {
    let panel = |rows, text: &str| played(80, rows, &format!("5{text}")).state().hex.panel;
    assert_eq!(panel(24, "i"), Panel::Inspector);
    assert_eq!(panel(24, "ii"), Panel::Hidden);
    assert_eq!(panel(50, "i"), Panel::Hidden, "it was shown unasked");
    assert_eq!((panel(24, "p"), panel(24, "pp")), (Panel::Preview, Panel::Auto));
    let player = played(80, 24, "5p");
    let shown = shown(player.state()).unwrap();
    assert_eq!(player.state().hex.preview(&shown.content()).unwrap().len, 256);
}

#[test]
fn a_command_of_the_view_typed_elsewhere_shows_it() {
    let player = played(80, 24, ":preview<Enter>");
    assert_eq!((player.state().view, player.state().hex.panel), (View::Hex, Panel::Preview));
}

#[test]
fn a_resize_keeps_the_cursor_in_sight() {
    let mut player = Player::new(setup(sample(), 120, 40));
    player.play(input::parse(":#1<Enter>5G<Resize:40x12>").unwrap());
    let window = player.state().hex.window();
    assert_eq!((cursor(&player), window.cursor(), player.state().form), (255, 31, Form::Decoded));
    assert!(window.visible(32, 4).contains(&31));
}

/// Plays keys; the work they start.
fn play(state: &mut State, text: &str) -> Vec<Job> {
    let effects = type_keys(state, text).into_iter();
    effects.filter_map(|effect| if let Effect::Start(job) = effect { Some(job) } else { None }).collect()
}

/// What work is about, but for the bytes in sight and where the cursor goes in them.
fn kinds(jobs: &[Job]) -> Vec<JobKind> {
    let kinds = jobs.iter().map(|job| job.request.kind());
    kinds.filter(|kind| !matches!(kind, JobKind::Read | JobKind::Locate)).collect()
}

fn perform(state: &mut State, job: &Job) {
    let mut reports = Vec::new();
    workers::perform(job, &mut |report| reports.push(report));
    for report in reports {
        update(state, Action::Report(report));
    }
}

/// Blocks whose runs are not counted at once.
fn large_blocks(count: usize) -> std::sync::Arc<Source> {
    let payload = [7, 255].repeat(600_000);
    let mut file = b"H4MK\0\x01\0\0".to_vec();
    for _ in 0..count {
        file.extend(b"CORE");
        file.extend((payload.len() as u32).to_be_bytes());
        file.extend(crc32fast::hash(&payload).to_be_bytes());
        file.extend(&payload);
    }
    std::sync::Arc::new(Source::from_bytes("x", file))
}

#[test]
fn blocks_beside_the_one_that_is_shown_are_read_ahead() {
    let mut player = Player::new(setup(large_blocks(6), 80, 24));
    player.play(input::parse("5:#2<Enter>").unwrap());
    let mut state = player.into_state();
    // What a step starts, and which block is shown at once.
    let mut step = |key: &str| {
        let jobs = play(&mut state, key);
        let at = shown(&state).map(|shown| shown.chunk.and_then(|chunk| chunk.block())).ok().flatten();
        jobs.iter().for_each(|job| perform(&mut state, job));
        (kinds(&jobs), at)
    };
    assert_eq!(step("]"), (vec![JobKind::Ahead], Some(3)), "2 is kept, 4 is read");
    assert_eq!(step("["), (vec![JobKind::Ahead], Some(2)));
    assert_eq!(step("rr"), (vec![], Some(2)));
    assert_eq!(step("["), (vec![JobKind::Ahead], Some(1)));
    assert_eq!(step("["), (vec![], Some(0)), "there is none before it, and 1 is kept");
    assert_eq!(step(":#4<Enter>"), (vec![JobKind::Seek, JobKind::Decode], None), "not beside it");
}

#[test]
fn a_large_block_is_counted_in_the_background() {
    let (mut state, effects) = State::new(setup(large_blocks(1), 80, 24));
    for effect in effects {
        let Effect::Start(job) = effect else { panic!("{effect:?}") };
        perform(&mut state, &job);
    }
    let text = |state: &State| screen::text(&draw(state, state.size));
    let jobs = play(&mut state, "5");
    assert_eq!(kinds(&jobs), [JobKind::Decode]);
    assert!(text(&state).contains("Counting what block 0 decodes to: 0%"), "{}", text(&state));
    assert!(play(&mut state, "jG").is_empty(), "asked for once");
    assert!(play(&mut state, "<Esc>").is_empty() && jobs[0].task.check().is_err());
    assert!(text(&state).contains("decodes to was stopped"), "{}", text(&state));
    perform(&mut state, &jobs[0]);
    assert!(shown(&state).is_err(), "too late");
    let jobs = play(&mut state, "rr");
    assert_eq!(kinds(&jobs), [JobKind::Decode]);
    jobs.iter().for_each(|job| perform(&mut state, job));
    assert_eq!(shown(&state).unwrap().range, 0..600_000 * 255);
}

#[test]
fn a_search_from_elsewhere_leaves_no_work_undone() {
    let mut state = Player::new(setup(large_blocks(1), 80, 24)).into_state();
    let jobs = play(&mut state, "/needle<Enter>");
    assert_eq!(kinds(&jobs), [JobKind::Decode]);
    assert_eq!((state.view, state.hex.search.as_ref().unwrap().begins), (View::Hex, true));
    perform(&mut state, &jobs[0]);
    assert!(state.jobs.is_running(JobKind::Find), "as soon as there are bytes");
    let mut state = Player::new(setup(large_blocks(1), 80, 24)).into_state();
    assert!(play(&mut state, "/0x4<Enter>").is_empty() && state.view == View::Summary);
}

proptest! {
    #[test]
    fn every_position_is_on_its_row(start in 0u64..100, len in 1u64..100, width in 10u16..100, at in any::<prop::sample::Index>()) {
        let range = start..start + len;
        let rows = Rows::new(&range, &Columns::fit(width, range.end));
        let position = start + at.index(usize::try_from(len).unwrap()) as u64;
        let row = rows.of(position);
        prop_assert!(row < rows.count() && rows.positions(row).contains(&position));
        let all: u64 = (0..rows.count()).map(|row| rows.positions(row)).map(|p| p.end - p.start).sum();
        prop_assert_eq!(all, len);
    }
}

#[test]
fn keys_typed_while_a_search_goes_on_go_on_from_its_match() {
    let mut state = played(80, 24, "5").into_state();
    let mut effects = type_keys(&mut state, "/0x03<Enter>");
    effects.extend(type_keys(&mut state, "nj"));
    assert_eq!(state.hex.waiting(), 2, "for what the search finds");
    finish(&mut state, effects);
    assert_eq!((state.selection.block, state.hex.cursor(), state.hex.waiting()), (Some(3), 9, 0));
}

#[test]
fn keys_typed_after_a_stopped_search_wait_for_nothing() {
    let mut state = played(80, 24, "5").into_state();
    let mut effects = type_keys(&mut state, "/0x03<Enter>");
    for keys in ["<Esc>", "]", "n", "l"] {
        effects.extend(type_keys(&mut state, keys));
    }
    finish(&mut state, effects);
    assert_eq!(state.hex.waiting(), 0);
}

#[test]
fn a_page_that_is_being_read_is_finished_however_much_is_learned_meanwhile() {
    let mut state = Player::new(setup(large_blocks(2), 80, 24)).into_state();
    let jobs = play(&mut state, ":0x8<Enter>");
    let reads: Vec<&Job> = jobs.iter().filter(|job| job.request.kind() == JobKind::Read).collect();
    let [read] = &reads[..] else { panic!("{:?}", jobs.iter().map(|job| job.request.kind()).collect::<Vec<_>>()) };
    let others: Vec<Job> = jobs.iter().filter(|job| job.request.kind() == JobKind::Measure).cloned().collect();
    others.iter().for_each(|job| perform(&mut state, job));
    assert!(read.task.check().is_ok(), "what was learned cancels nothing");
}
