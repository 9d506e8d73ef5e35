//! Screens of sample-data: every kind of file there is, with and without its keys.

use std::fs;
use std::sync::Arc;

use crate::support::screens::DARK;
use crate::support::{sample, with_snapshots};
use h4inspect::core::codec::engine::{Engine, EngineError, Engines};
use h4inspect::core::container::Options;
use h4inspect::core::index::Tag;
use h4inspect::core::meta::Compression;
use h4inspect::core::secret::Secret;
use h4inspect::core::source::Source;
use h4inspect::tui::headless::Player;
use h4inspect::tui::state::{Level, Setup};
use h4inspect::tui::{input, screen};

/// The keys of the samples, in `sample-data/README.md` too.
const SHARED_SECRET: &str = "6834696e7370656374277320656e637279707465642073616d706c652066696c";
const MASK_KEY: &str = "6834696e73706563742773206d61736b";

fn key(hex: &str) -> Option<Arc<Secret>> {
    Some(Arc::new(Secret::from_hex(hex).unwrap()))
}

/// The program with a sample, after these keys.
fn played_with(options: Options, name: &str, text: &str) -> Player {
    let mut player = Player::new(Setup {
        name: name.to_owned(),
        source: Arc::new(Source::from_bytes(name, fs::read(sample(name)).unwrap())),
        options,
        theme: DARK,
        size: (100, 30).into(),
        other: None,
        may_write: false,
        polling: Default::default(),
    });
    player.play(input::parse(text).unwrap());
    player
}

fn played(name: &str, text: &str) -> Player {
    played_with(Options::default(), name, text)
}

fn shown(player: &Player) -> String {
    screen::text(&player.frame())
}

fn screen(name: &str, text: &str) -> String {
    shown(&played(name, text))
}

fn said(player: &Player) -> &str {
    player.state().message.as_ref().map_or("", |message| &message.text)
}

#[test]
fn every_sample_has_its_screen_in_every_view() {
    with_snapshots(|| {
        for name in ["demo", "damaged", "tracks", "mux", "encrypted", "masked", "opaque"] {
            let file = format!("{name}.h4mk");
            for (keys, view) in
                [("1", "summary"), ("2", "manifest"), ("3", "timeline"), ("4", "blocks"), ("5", "hex"), ("a6", "audit")]
            {
                insta::assert_snapshot!(format!("sample-{name}-{view}"), screen(&file, keys));
            }
        }
        let secret = Options { shared_secret: key(SHARED_SECRET), ..Options::default() };
        insta::assert_snapshot!("sample-encrypted-blocks-secret", shown(&played_with(secret, "encrypted.h4mk", "4")));
        let mask_key = Options { mask_key: key(MASK_KEY), ..Options::default() };
        insta::assert_snapshot!("sample-masked-hex-key", shown(&played_with(mask_key, "masked.h4mk", "5")));
    });
}

#[test]
fn tree_and_blocks_show_the_same_track() {
    let filtered = |keys: &str| {
        let player = played("mux.h4mk", keys);
        let state = player.state();
        let index = state.container.as_ref().unwrap().index();
        let group = index.totals().iter().position(|total| total.tag == Tag::CORE).unwrap();
        let of = (state.blocks.filter.track.clone(), state.tree.track().map(str::to_owned));
        (of, state.tree.total(index, group).0, index.blocks())
    };
    let (none, all, blocks) = filtered("4");
    assert_eq!((none, all), ((None, None), blocks));
    let (from_blocks, shown, _) = filtered("4T");
    assert!(from_blocks.0.is_some() && from_blocks.0 == from_blocks.1 && shown < blocks);
    assert_eq!(filtered("<BackTab>T").0, from_blocks);
    assert_eq!((filtered("<BackTab>TTTTTTTT").0.0, filtered("4TX").0), (filtered("4TTTTTTTT").0.0, (None, None)));
    with_snapshots(|| insta::assert_snapshot!("sample-mux-track", screen("mux.h4mk", "4<BackTab>T<Space>")));
}

#[test]
fn a_typed_secret_opens_encrypted_blocks() {
    let before = screen("encrypted.h4mk", "5");
    assert!(before.contains("encrypted: :secret decrypts it (living-cipher-v3)"), "{before}");
    let options = Options { shared_secret: key(SHARED_SECRET), ..Options::default() };
    let started_with = played_with(options, "encrypted.h4mk", "5");
    for ask in ["E", ":secret<Enter>"] {
        let typed = played("encrypted.h4mk", &format!("5{ask}{SHARED_SECRET}<Enter><Esc>"));
        assert_eq!(shown(&typed), shown(&started_with));
        let pasted = played("encrypted.h4mk", &format!("{ask}<Paste: {SHARED_SECRET}\n><Enter>5<Esc>"));
        assert_eq!(shown(&pasted), shown(&started_with));
    }
    let (first, container) = ("Hex: block 0 decoded", started_with.state().container.clone().unwrap());
    assert!(shown(&started_with).contains(first), "{}", shown(&started_with));
    assert_eq!(container.block(0).unwrap().len(), 4096);
}

#[test]
fn a_typed_mask_key_unmasks_what_was_decoded() {
    let before = screen("masked.h4mk", "5");
    assert!(before.contains("masked: no key; :mask-key unmasks it"), "{before}");
    let options = Options { mask_key: key(MASK_KEY), ..Options::default() };
    let after = screen("masked.h4mk", &format!("5M{MASK_KEY}<Enter><Esc>"));
    assert_eq!(after, shown(&played_with(options, "masked.h4mk", "5")));
    assert!(after.contains("block 0 decoded") && !after.contains("no key"), "{after}");
}

#[test]
fn the_secret_counts_for_all_that_is_done_with_blocks() {
    let unlocked = |keys: &str| played("encrypted.h4mk", &format!("5E{SHARED_SECRET}<Enter>{keys}"));
    let bytes = unlocked("").state().container.clone().unwrap().block(0).unwrap();
    let hex: Vec<String> = bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(unlocked("xllly").copied(), Some(&*hex.join(" ")));
    let found = unlocked(&format!("G/0x{}<Enter>", hex.join("")));
    assert_eq!((found.state().selection.block, said(&found)), (Some(1), "found in block 1"), "all begin alike");
    let preview = shown(&unlocked("p"));
    assert!(preview.contains("preview of block 0 decoded"), "{preview}");
    let codes = |player: &Player| {
        let audit = player.state().audit.clone().unwrap();
        audit.findings.list().iter().map(|finding| finding.code.to_string()).collect::<Vec<_>>()
    };
    assert!(codes(&played("encrypted.h4mk", "a")).contains(&"block-encrypted".to_owned()));
    let audited_before = played("encrypted.h4mk", &format!("aE{SHARED_SECRET}<Enter>"));
    assert!(codes(&audited_before).is_empty() && codes(&unlocked("a")).is_empty());
}

/// Turns the bytes of one block round.
struct Backwards(Vec<u8>);

impl Engine for Backwards {
    fn name(&self) -> &str {
        "backwards"
    }

    fn matches(&self, _: &Compression) -> bool {
        true
    }

    fn decode(&self, stored: &[u8], _: u64) -> Result<Vec<u8>, EngineError> {
        match stored {
            stored if stored == self.0 => Ok(stored.iter().rev().copied().collect()),
            _ => Err(EngineError::Malformed("not mine".to_owned())),
        }
    }
}

#[test]
fn an_added_engine_decodes_or_says_why_it_does_not() {
    let stored = fs::read(sample("opaque.h4mk")).unwrap();
    let block = stored.get(20..116).unwrap().to_vec();
    let last = block.last().map(|byte| format!("{byte:02x}"));
    let engines = Engines::default().with(Arc::new(Backwards(block)));
    let played =
        |name: &str, keys: &str| played_with(Options { engines: engines.clone(), ..Options::default() }, name, keys);
    let screen = shown(&played("opaque.h4mk", "5"));
    assert!(screen.contains("Hex: block 0 decoded"), "{screen}");
    assert_eq!(played("opaque.h4mk", "5y").copied(), last.as_deref());
    let odd = shown(&played("opaque.h4mk", "5]"));
    assert!(odd.contains("not decoded: not mine"), "{odd}");
}

#[test]
fn a_wrong_key_leaves_its_prompt_open_and_is_not_taken() {
    let wrong = "ab".repeat(32);
    let player = played("encrypted.h4mk", &format!("5E{wrong}<Enter>"));
    let prompt = player.state().prompt.as_ref().unwrap();
    let why = "this shared secret does not open block 0, which is intact";
    assert_eq!((prompt.error.as_deref(), prompt.input.value()), (Some(why), ""));
    assert!(player.state().options.shared_secret.is_none() && player.state().audit.is_none());
    // What is typed next is the next try, and no keys: `a` would audit.
    let typed = played("encrypted.h4mk", &format!("5E{wrong}<Enter>aa"));
    assert!(typed.state().audit.is_none() && typed.state().prompt.is_some());
    let again = played("encrypted.h4mk", &format!("5E{wrong}<Enter>{SHARED_SECRET}<Enter>"));
    assert!(again.state().prompt.is_none() && shown(&again).contains("block 0 decoded"));
    // A right one that was given before stays.
    let kept = played("encrypted.h4mk", &format!("5E{SHARED_SECRET}<Enter>E{wrong}<Enter><Esc>"));
    assert!(shown(&kept).contains("block 0 decoded"), "{}", shown(&kept));
    let options = Options { shared_secret: key(&wrong), ..Options::default() };
    let screen = shown(&played_with(options, "encrypted.h4mk", "5"));
    assert!(screen.contains("not decrypted: the secret does not open the block"), "{screen}");
}

#[test]
fn what_a_key_opens_is_shown_decoded() {
    for before in ["5r", "r5", "5rr", "r"] {
        let screen = screen("encrypted.h4mk", &format!("{before}E{SHARED_SECRET}<Enter>5"));
        assert!(screen.contains("block 0 decoded"), "{before}: {screen}");
        let screen = self::screen("masked.h4mk", &format!("{before}M{MASK_KEY}<Enter>5"));
        assert!(screen.contains("block 0 decoded"), "{before}: {screen}");
    }
}

#[test]
fn what_is_no_key_is_refused_without_repeating_it() {
    for (typed, why) in [
        ("c0ffeebabe", "the key has 5 bytes, expected exactly 32"),
        ("c0ffeebab", "the key has 9 hexadecimal digits, which is an odd number"),
        ("c0ffeebabesecret", "character 11 of the key is not a hexadecimal digit"),
    ] {
        let player = played("encrypted.h4mk", &format!("5E{typed}<Enter>"));
        let prompt = player.state().prompt.as_ref().unwrap();
        assert_eq!(prompt.error.as_deref(), Some(why));
        let all = format!("{}{:?}", shown(&player), player.state());
        assert!(!all.contains("c0ffee"), "{all}");
        let emptied = played("encrypted.h4mk", &format!("5E{typed}<Enter>{SHARED_SECRET}<Enter>"));
        assert!(shown(&emptied).contains("block 0 decoded"), "what was refused is gone");
    }
    let short = played("masked.h4mk", "Mabcd<Enter>");
    assert_eq!(
        short.state().prompt.as_ref().unwrap().error.as_deref(),
        Some("the key has 2 bytes, expected at least 16")
    );
}

#[test]
fn keys_are_seen_nowhere() {
    let half = SHARED_SECRET.get(..32).unwrap();
    for keys in [
        format!("5E{half}"),
        format!("5E<Paste:{half}>"),
        format!("5E{half}<Esc>E<Up>"),
        format!("5E{SHARED_SECRET}<Enter>E<Up>"),
        format!("5E{SHARED_SECRET}<C-u><C-y>"),
        format!("5E{SHARED_SECRET}<Enter>a6"),
    ] {
        let player = played("encrypted.h4mk", &keys);
        let all = format!("{}{:?}{:#?}", shown(&player), player.state(), player.state());
        assert!(!all.contains("6834696e") && !all.contains("104, 52, 105, 110"), "{keys}");
    }
    let typing = screen("encrypted.h4mk", "5Ec0ffee");
    assert!(typing.contains(" shared secret ••••••"), "{typing}");
    let options = Options { shared_secret: key(SHARED_SECRET), mask_key: key(MASK_KEY), ..Options::default() };
    assert!(!format!("{options:?}").contains("6834"));
}

#[test]
fn keys_are_asked_for_where_they_are_of_use() {
    let warned = |name: &str, keys: &str| {
        let player = played(name, keys);
        assert!(player.state().prompt.is_none());
        let message = player.state().message.as_ref().unwrap();
        assert_eq!(message.level, Level::Warning);
        message.text.clone()
    };
    assert_eq!(warned("tracks.h4mk", "E"), "the blocks are not encrypted");
    assert_eq!(warned("mux.h4mk", ":mask-key<Enter>"), "the blocks are not masked");
    let help =
        |name: &str| (0..8).map(|pages| screen(name, &format!("?{}", "<PgDn>".repeat(pages)))).collect::<String>();
    let (secret, mask_key) = ("the secret of encrypted blocks", "the key of masked blocks");
    assert!(help("encrypted.h4mk").contains(secret) && !help("encrypted.h4mk").contains(mask_key));
    assert!(help("masked.h4mk").contains(mask_key) && !help("masked.h4mk").contains(secret));
    assert!(!help("tracks.h4mk").contains(secret) && help("tracks.h4mk").contains("export"));
}

#[test]
fn each_block_has_one_mark_and_nothing_is_cut() {
    for columns in [80, 120, 200] {
        let text = screen("damaged.h4mk", &format!("<Resize:{columns}x40>4"));
        assert!(text.contains("! length ") && text.contains("░ at loss ") && text.contains("✗ CRC "), "{text}");
    }
}

#[test]
fn what_opens_a_block_is_in_sight_on_a_small_screen() {
    let text = screen("encrypted.h4mk", "<Resize:80x24>5");
    assert!(text.contains("! encrypted: :secret decrypts it (living-cipher-v3)"), "{text}");
    assert!(screen("opaque.h4mk", "<Resize:80x24>5").contains("is unknown here"));
    assert!(screen("demo.h4mk", "<Resize:80x24>").contains("not audited: a runs every check"));
}

#[test]
fn keys_that_find_nothing_say_why() {
    assert!(said(&played("demo.h4mk", "T")).contains("no tracks"));
    assert!(said(&played("demo.h4mk", "<Tab>T")).contains("no tracks"));
    assert!(said(&played("demo.h4mk", "4T")).contains("no tracks"));
    assert!(said(&played("demo.h4mk", "d")).contains("--diff OTHER"));
    let tracks = played("tracks.h4mk", "T");
    assert_eq!(tracks.state().view, h4inspect::tui::state::View::Blocks);
    assert!(tracks.state().blocks.filter.track.is_some());
}
