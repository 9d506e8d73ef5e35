//! The papers beside the code are current.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Names of the dependencies in the `Cargo.toml` of either package, of all its tables. The core is no foreign crate.
fn dependencies() -> BTreeSet<String> {
    let mut inside = false;
    let mut names = BTreeSet::new();
    for line in [read("Cargo.toml"), read("core/Cargo.toml")].iter().flat_map(|file| file.lines()) {
        if let Some(table) = line.strip_prefix('[') {
            inside = table.ends_with("dependencies]");
        } else if let Some((name, _)) = line.split_once(" = ").filter(|(name, _)| inside && !name.starts_with('#')) {
            names.insert(name.trim_end_matches(".workspace").to_owned());
        }
    }
    names.remove("h4mk");
    names
}

#[test]
fn every_dependency_has_its_row_and_every_row_its_dependency() {
    let listed: BTreeSet<String> = read("docs/dependencies.md")
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| ")?.split_once(" |")?.0.to_owned()))
        .filter(|name| name != "crate")
        .collect();
    let dependencies = dependencies();
    assert!(dependencies.len() > 30, "{dependencies:?}");
    assert_eq!(dependencies.difference(&listed).collect::<Vec<_>>(), [""; 0], "without a row");
    assert_eq!(listed.difference(&dependencies).collect::<Vec<_>>(), [""; 0], "rows of nothing");
}

/// What the core brings into a program that embeds it, with its default features: few crates, and none of a program's own.
#[test]
fn the_core_stays_small_and_knows_no_program() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "-p", "h4mk", "-e", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    // What was listed before ends with (*), a path with (path), a macro with (proc-macro).
    let packages = String::from_utf8(tree.stdout).unwrap();
    let packages: BTreeSet<(&str, &str)> = packages
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.next()?))
        })
        .collect();
    let names: BTreeSet<&str> = packages.iter().map(|(name, _)| *name).collect();
    assert!(names.contains("h4mk") && names.contains("serde_json"), "{names:?}");
    assert!(packages.len() <= 45, "{} packages: {packages:?}", packages.len());
    for program in ["anyhow", "clap", "crossterm", "ratatui"] {
        assert!(!names.contains(program), "{program}");
    }
}
