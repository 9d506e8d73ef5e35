//! The README says what the program does now.

use std::path::Path;

/// The command that the README names for its picture.
const PICTURE: [&str; 8] =
    ["render", "sample-data/demo.h4mk", "--size", "110x34", "--keys", "at7.5s<Enter>3", "--format", "svg"];

#[test]
fn the_picture_is_what_the_program_draws() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let mut command = PICTURE.map(str::to_owned);
    command[5] = format!("'{}'", command[5]);
    assert!(readme.contains(&command.join(" ")), "the README names the command of its picture");
    assert!(readme.contains("(snapshots/screen.snap.svg)"));
    crate::support::with_snapshots(|| {
        insta::assert_binary_snapshot!("screen.svg", crate::support::stdout_of(&PICTURE).into_bytes());
    });
}
