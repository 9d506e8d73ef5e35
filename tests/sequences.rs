//! What a user would play to get an answer, key by key, on the samples: `render --keys` as scripts run it.

use crate::support::{sample, stdout_of};

/// The screen of a sample after these keys.
fn screen(name: &str, keys: &str) -> String {
    stdout_of(&["render", &sample(name), "--keys", keys])
}

/// Asserts that the screen shows each of these.
fn assert_shows(screen: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(screen.contains(wanted), "{wanted:?} is not on\n{screen}");
    }
}

/// The dump of a row as Hex and `hex` write it, from the offset to the last byte.
fn first_row(args: &[&str]) -> String {
    let dump = stdout_of(args);
    dump.lines().next().unwrap().split("  |").next().unwrap().to_owned()
}

#[test]
fn which_block_plays_at_a_time_and_its_first_bytes() {
    let demo = sample("demo.h4mk");
    let found = screen("demo.h4mk", "3t7.5s<Enter>");
    assert_shows(
        &found,
        &[
            "playhead  00:00:07.500000 · 7500000 us",
            "entry 7 at 6999930 us → #210",
            "16 blocks · #210 → #225 playing",
            "block 225 plays; c goes to keyframe 210, entry 7 at 6999930 us (offset is position in the decoded",
            "Timeline · block 225, plays at 7.5 s, decode from 210 (c)",
        ],
    );
    let keyframe = first_row(&["hex", &demo, "--block", "210", "--length", "16"]);
    assert_shows(&screen("demo.h4mk", "3t7.5s<Enter>c<Enter>"), &["Hex: block 210 decoded", &keyframe]);
    let playing = first_row(&["hex", &demo, "--block", "225", "--length", "16"]);
    assert_ne!(playing, keyframe);
    assert_shows(&screen("demo.h4mk", "3t7.5s<Enter><Enter>"), &["Hex: block 225 decoded", &playing]);
    assert_shows(&screen("demo.h4mk", "3t7.5s<Enter>cc<Enter>"), &["Hex: block 225 decoded", &playing]);
    let stored = first_row(&["hex", &demo, "--block", "225", "--raw", "--length", "16"]);
    assert_shows(&screen("demo.h4mk", "t7.5s<Enter>5r"), &["block 225 as stored", &stored]);
}

#[test]
fn every_form_of_a_time_leads_to_the_same_block() {
    let wanted = "block 225 plays; c goes to keyframe 210, entry 7 at 6999930 us";
    for time in ["7500000", "7500000us", "7500ms", "7.5s", "00:00:07.500", "#225"] {
        assert_shows(&screen("demo.h4mk", &format!("t{time}<Enter>")), &[wanted]);
    }
    assert_shows(&screen("demo.h4mk", "t50%<Enter>"), &["block 180 plays; a keyframe, entry 6 at 5999940 us (offset"]);
}

#[test]
fn a_string_in_a_decoded_block() {
    let found = screen("demo.h4mk", ":#275<Enter>5/here is the needle<Enter>");
    assert_shows(&found, &["Hex: block 275 decoded", "/here is the needle: match 1 of 1"]);
    let needle = "0x6865726520697320746865206e6565646c65";
    assert_shows(&screen("demo.h4mk", &format!(":#275<Enter>5/{needle}<Enter>")), &["match 1 of 1"]);
    let stored = screen("demo.h4mk", ":#275<Enter>5r/here is the needle<Enter>");
    assert_shows(&stored, &["block 275 as stored", "here is the needle is not here"]);
}

#[test]
fn what_is_wrong_with_the_damaged_sample() {
    let findings = screen("damaged.h4mk", "a6");
    assert_shows(
        &findings,
        &[
            "✗ damaged: 5 errors",
            "chunk-crc-mismatch        0xa08  block 5",
            "region-skipped            0xef4",
            "chunk-length-repaired    0x13d6  block 19",
            "veri-mismatch            0x1b9a  chunk 32",
            "means  A chunk's bytes do not match its CRC.",
            "do     Fetch the chunk again; do not trust its content.",
        ],
    );
    let flipped = screen("damaged.h4mk", "a6<Enter>");
    assert_shows(&flipped, &["file offset 0xa3c", "bit 3 flipped, likely: 0x31 now, 0x39 before"]);
    let lost = screen("damaged.h4mk", "a6jj<Enter>");
    assert_shows(&lost, &["file offset 0xef4", "ef4 no chunk  202 bytes"]);
    assert!(screen("damaged.h4mk", "a6jj<Enter>b").contains("┌ Audit "), "back leads to the findings");
}
