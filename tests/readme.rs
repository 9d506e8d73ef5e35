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

#[test]
fn the_audit_it_shows_is_what_the_program_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let mut shown = readme.lines().skip_while(|line| *line != "$ h4inspect audit sample-data/damaged.h4mk | head -4");
    shown.next().unwrap();
    let said = crate::support::run(&["audit", "sample-data/damaged.h4mk"]).1;
    let said = String::from_utf8(said).unwrap();
    assert_eq!(shown.take(4).collect::<Vec<_>>(), said.lines().take(4).collect::<Vec<_>>());
}
