//! The samples are what their README says, and can be made again.

use std::fs;
use std::process::Command;

use crate::support::{h4inspect, sample, stdout_of};

/// Runs the commands of sample-data/README.md as they stand there, in an empty folder beside copies of their inputs.
#[cfg(unix)]
#[test]
fn the_recipes_make_the_samples() {
    let Ok(awk) = Command::new("awk").arg("BEGIN { exit }").status() else {
        eprintln!("no awk here");
        return;
    };
    assert!(awk.success());
    let dir = tempfile::tempdir().unwrap();
    for input in ["demo.awk", "demo.meta.json"] {
        fs::copy(sample(input), dir.path().join(input)).unwrap();
    }
    let readme = fs::read_to_string(sample("README.md")).unwrap();
    let recipe: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    assert!(!recipe.is_empty());
    let exe = assert_cmd::cargo::cargo_bin(env!("CARGO_PKG_NAME"));
    let path = format!("{}:{}", exe.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let script = recipe.join("\n");
    let made = Command::new("sh").args(["-e", "-c", &script]).current_dir(&dir).env("PATH", path).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for name in ["demo.h4mk", "damaged.h4mk"] {
        assert!(fs::read(dir.path().join(name)).unwrap() == fs::read(sample(name)).unwrap(), "{name}");
    }
}

#[test]
fn the_demo_packs_again_to_itself() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let demo = sample("demo.h4mk");
    stdout_of(&["unpack", &demo, "--out", &at("raw")]);
    stdout_of(&["pack", &at("raw"), "--out", &at("again"), "--meta", &sample("demo.meta.json")]);
    assert!(fs::read(at("again")).unwrap() == fs::read(&demo).unwrap());
}

#[test]
fn the_samples_are_small() {
    let bytes: u64 = fs::read_dir("sample-data").unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes < 1 << 20, "{bytes}");
    h4inspect(&["audit", &sample("demo.h4mk")]).assert().success();
}
