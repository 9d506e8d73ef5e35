//! Files that are still being written, cut at every byte: a busy writer is no damage.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use h4inspect::core::audit::audit;
use h4inspect::core::container::{Container, GrowError, Loader, Options};
use h4inspect::core::source::{Change, Source};
use h4inspect::core::task::Task;
use h4inspect::core::walk::{Depth, Step};

fn growing() -> Options {
    Options { growing: true, ..Options::default() }
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn walk(loader: &mut Loader) {
    while loader.advance(3) == Step::More {}
}

fn chunks(container: &Container) -> Vec<(String, u64, u64)> {
    container.index().iter().map(|chunk| (chunk.tag().to_string(), chunk.offset(), chunk.len())).collect()
}

fn small() -> Vec<u8> {
    let file = crate::support::screens::Transport::new()
        .block(3, 9)
        .block(0, 0)
        .block(5, 7)
        .chunk(b"next", b"of another time");
    file.seek(&[(0, 0)]).meta(r#"{"fps_hint":25.0}"#).chunk(b"VERI", &[7; 32]).bytes()
}

/// A mux file of a few chunks, with its closing CRC.
fn small_mux() -> Vec<u8> {
    let whole = crate::support::screens::tracks();
    let cut = Container::read(
        Arc::new(Source::from_bytes("x", whole.clone())),
        Options::default(),
        Depth::Headers,
        &Task::default(),
    );
    let end = cut.unwrap().index().chunk(5).unwrap().end() as usize;
    let crc = crc32fast::hash(&whole[..end]);
    [&whole[..end], &crc.to_le_bytes()].concat()
}

#[test]
fn no_cut_of_a_growing_file_is_damage_and_the_whole_is_read_as_if_opened_once() {
    for (bytes, header_len) in [(small(), 8), (small_mux(), 16)] {
        for depth in [Depth::Headers, Depth::Checked] {
            for step in [1, 5, 13] {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("growing.h4mk");
                fs::write(&path, &bytes[..header_len]).unwrap();
                let mut loader = Loader::new(Arc::new(Source::open(&path).unwrap()), growing(), depth).unwrap();
                walk(&mut loader);
                let mut seen = 0;
                for more in bytes[header_len..].chunks(step) {
                    append(&path, more);
                    assert!(loader.grow().unwrap());
                    walk(&mut loader);
                    let so_far = loader.snapshot();
                    assert!(so_far.walked().findings.list().is_empty(), "{:?}", so_far.walked().findings);
                    assert!(so_far.walked().losses.is_empty() && so_far.is_complete());
                    assert!(so_far.index().len() >= seen, "chunks that were there stay");
                    seen = so_far.index().len();
                }
                let whole = Container::read(
                    Arc::new(Source::open(&path).unwrap()),
                    Options::default(),
                    depth,
                    &Task::default(),
                );
                let (whole, followed) = (whole.unwrap(), loader.settle());
                assert_eq!(chunks(&followed), chunks(&whole));
                assert_eq!(followed.walked().ending, whole.walked().ending);
                assert_eq!(followed.walked().closing_crc, whole.walked().closing_crc);
                assert!(!followed.options().growing && followed.walked().findings.list().is_empty());
            }
        }
    }
}

#[test]
fn an_audit_of_a_growing_file_finds_nothing_missing() {
    let bytes = small();
    for end in 8..bytes.len() - 44 {
        let source = Arc::new(Source::from_bytes("x", bytes[..end].to_vec()));
        let audit = audit(&source, &growing(), &Task::default()).unwrap();
        let codes: Vec<_> = audit.findings.list().iter().map(|found| found.code.name()).collect();
        let wrong = ["unfinished", "chunk-missing", "chunk-truncated", "region-skipped", "trailing-bytes", "no-blocks"];
        assert!(!codes.iter().any(|code| wrong.contains(code)), "cut at {end}: {codes:?}");
    }
}

#[test]
fn nothing_new_costs_nothing_and_what_is_no_growth_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("growing.h4mk");
    let bytes = small();
    fs::write(&path, &bytes).unwrap();
    let open = || {
        let mut loader = Loader::new(Arc::new(Source::open(&path).unwrap()), growing(), Depth::Headers).unwrap();
        walk(&mut loader);
        loader
    };
    let mut loader = open();
    assert!(!loader.grow().unwrap());
    OpenOptions::new().write(true).open(&path).unwrap().set_len(40).unwrap();
    let shrunk = loader.grow();
    assert!(matches!(shrunk, Err(GrowError::Changed(Change::Shrunk { to: 40, .. }))), "{shrunk:?}");

    let mut loader = open();
    let other = folder.path().join("other");
    fs::write(&other, &bytes).unwrap();
    fs::rename(&other, &path).unwrap();
    assert!(matches!(loader.grow(), Err(GrowError::Changed(Change::Replaced))));

    let mut loader = open();
    let rewritten = crate::support::screens::regular().bytes();
    OpenOptions::new().write(true).open(&path).unwrap().write_all(&rewritten).unwrap();
    assert!(matches!(loader.grow(), Err(GrowError::Changed(Change::Modified))));
}

#[test]
fn damage_that_a_later_chunk_proves_is_found_while_following() {
    let mut bytes = crate::support::screens::Transport::new().block(3, 9).block(4, 9).block(5, 9).bytes();
    bytes[8 + 4] = 0xff;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("growing.h4mk");
    fs::write(&path, &bytes).unwrap();
    let mut loader = Loader::new(Arc::new(Source::open(&path).unwrap()), growing(), Depth::Headers).unwrap();
    walk(&mut loader);
    assert_eq!(loader.index().len(), 0, "a length beyond the end may be a chunk that is still being written");
    assert_eq!(loader.settle().index().blocks(), 3);
}

#[test]
fn a_look_at_the_file_shows_what_was_added() {
    use h4inspect::tui::headless::Player;
    use h4inspect::tui::input::parse;
    use h4inspect::tui::state::{Polling, Setup};

    let whole = crate::support::screens::regular().bytes();
    let ten_blocks = Container::read(
        Arc::new(Source::from_bytes("x", whole.clone())),
        Options::default(),
        Depth::Headers,
        &Task::default(),
    );
    let cut = ten_blocks.unwrap().index().block(10).unwrap().offset() as usize;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("growing.h4mk");
    fs::write(&path, &whole[..cut + 5]).unwrap();
    let mut player = Player::new(Setup {
        name: "growing.h4mk".into(),
        source: Arc::new(Source::open(&path).unwrap()),
        other: None,
        options: Options::default(),
        theme: crate::support::screens::DARK,
        size: (100, 30).into(),
        may_write: false,
        polling: Polling { at_once: true, every: None },
    });
    let first_line = |player: &Player| {
        let text = h4inspect::tui::screen::text(&player.frame());
        text.lines().next().unwrap_or_default().to_owned()
    };
    assert!(first_line(&player).contains("10 blocks"), "{}", first_line(&player));
    assert!(first_line(&player).ends_with("↻ following"), "{}", first_line(&player));

    append(&path, &whole[cut + 5..cut + 200]);
    player.play(parse("F").unwrap());
    assert_eq!(player.state().selection.block, Some(0), "the selection stays");
    let blocks = player.state().container.as_ref().unwrap().index().blocks();
    assert!((11..96).contains(&blocks), "{blocks}");

    player.play(parse(&format!(":#{}<Enter>", blocks - 1)).unwrap());
    append(&path, &whole[cut + 200..]);
    player.play(parse("F").unwrap());
    assert_eq!(player.state().selection.block, Some(95), "a cursor at the end stays there");
    assert!(player.state().container.as_ref().unwrap().meta().is_some());
    assert!(first_line(&player).contains("96 blocks"), "{}", first_line(&player));

    player.play(parse("<Esc>").unwrap());
    assert!(!first_line(&player).contains('↻') && player.state().followed.is_none());
    assert_eq!(player.state().container.as_ref().unwrap().index().blocks(), 96);
}

#[test]
fn a_file_that_shrank_is_read_anew() {
    use h4inspect::tui::headless::Player;
    use h4inspect::tui::input::parse;
    use h4inspect::tui::state::{Polling, Setup};

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("growing.h4mk");
    fs::write(&path, crate::support::screens::regular().bytes()).unwrap();
    let mut player = Player::new(Setup {
        name: "growing.h4mk".into(),
        source: Arc::new(Source::open(&path).unwrap()),
        other: None,
        options: Options::default(),
        theme: crate::support::screens::DARK,
        size: (100, 30).into(),
        may_write: false,
        polling: Polling { at_once: true, every: None },
    });
    let mut after = |keys: &str| {
        player.play(parse(keys).unwrap());
        let text = h4inspect::tui::screen::text(&player.frame());
        let said = player.state().message.as_ref().map_or("", |message| &message.text).to_owned();
        (text.lines().next().unwrap_or_default().to_owned(), said)
    };
    assert!(after(":#90<Enter>").0.ends_with("↻ following"));
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(5).unwrap();
    let (header, said) = after("F");
    assert!(said.contains("shrank from") && said.ends_with("; `F` reads it again"), "{said}");
    assert!(header.ends_with("! file changed"), "{header}");
    let (header, said) = after("F");
    assert!(said.ends_with("; `F` reads it again") && header.ends_with("! file changed"), "not whole yet: {said}");
    fs::remove_file(&path).unwrap();
    assert!(after("F").1.contains("no such file"));
    fs::write(&path, small()).unwrap();
    let (header, said) = after("F");
    assert_eq!(said, "the file was read again and is being followed");
    assert!(header.contains("3 blocks") && header.ends_with("↻ following"), "{header}");
    for view in ["1", "2", "3", "4", "5", "6", "<Tab>", "b", "F"] {
        assert!(after(view).0.contains("3 blocks"), "{view}");
    }
}

#[test]
fn following_needs_a_terminal() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_h4inspect"))
        .args(["sample-data/demo.h4mk", "--follow"])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--follow"));
}
