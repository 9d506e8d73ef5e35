//! All JSON output obeys the schemas in docs/schema, which are those of its shapes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::Value;

use crate::builder::{Mux, Transport, noise};
use crate::support::schemas as schema;
use crate::support::{corpus, corpus_files, run, sample};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/schema/v{}", schema::VERSION))
}

fn path(name: &str) -> PathBuf {
    folder().join(format!("{name}.schema.json"))
}

fn validators() -> BTreeMap<&'static str, Validator> {
    let kept = |name: &str| serde_json::from_slice(&std::fs::read(path(name)).unwrap()).unwrap();
    schema::all().into_iter().map(|(name, _)| (name, jsonschema::validator_for(&kept(name)).unwrap())).collect()
}

/// `H4_UPDATE=1 cargo test json_schemas` writes them anew. A field that went needs a new version.
#[test]
fn the_schemas_are_those_of_the_shapes() {
    if std::env::var_os("H4_UPDATE").is_some() {
        std::fs::create_dir_all(folder()).unwrap();
        for (name, schema) in schema::all() {
            std::fs::write(path(name), serde_json::to_string_pretty(&schema).unwrap() + "\n").unwrap();
        }
    }
    for (name, schema) in schema::all() {
        let kept: Value = serde_json::from_slice(&std::fs::read(path(name)).unwrap_or_default()).unwrap_or_default();
        assert!(kept == schema, "{name} is out of date: H4_UPDATE=1 cargo test --test all json_schemas::");
        assert!(schema["$id"].as_str().unwrap().ends_with(name) && schema["title"].is_string());
    }
    let there = std::fs::read_dir(folder()).unwrap().count();
    assert_eq!(there, schema::all().len(), "no schema is kept that nothing makes");
}

/// The commands that write JSON, as the command line says.
#[test]
fn every_command_with_json_has_a_schema() {
    let command = h4inspect::cli::args::command();
    let with_json =
        command.get_subcommands().filter(|command| command.get_opts().any(|o| o.get_long() == Some("json")));
    let names: BTreeSet<&str> = schema::all().iter().map(|(name, _)| *name).collect();
    let mut commands: Vec<&str> = with_json.map(clap::Command::get_name).collect();
    commands.extend(["audit", "manifest"]);
    assert!(commands.len() > 7);
    commands.iter().for_each(|command| assert!(names.contains(command), "{command}"));
}

#[test]
fn what_a_schema_does_not_name_is_noticed() {
    let validators = validators();
    let (_, out, _) = run(&["audit", &sample("damaged.h4mk"), "--format", "ndjson"]);
    let good: Value = serde_json::from_slice(&out).unwrap();
    let audit = &validators["audit-line"];
    assert!(audit.is_valid(&good));
    for (pointer, key, value) in [
        ("", "colour", Value::from(1)),
        ("", "verdict", "fine".into()),
        ("", "chunks", (-1).into()),
        ("/veri", "digest", "x".into()),
        ("/findings/0", "code", "no-such-code".into()),
        ("/findings/0", "expected", Value::Bool(true)),
        ("/findings/0/flip", "byte", 1.into()),
    ] {
        let mut bad = good.clone();
        bad.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}"))[key] = value;
        assert!(!audit.is_valid(&bad), "{pointer}/{key}");
    }
    let mut less = good.clone();
    less.as_object_mut().unwrap().remove("complete");
    assert!(!audit.is_valid(&less));
}

/// Containers that nobody means to make: cut, with flipped bits and strange values.
fn hostile(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut add = |bytes: &[u8]| {
        let path = folder.join(format!("{}.h4mk", files.len()));
        std::fs::write(&path, bytes).unwrap();
        files.push(path.to_str().unwrap().to_owned());
    };
    for bytes in [Transport::new(6).build(), Mux::new(5).build()] {
        for step in 1..13 {
            let at = bytes.len() * step / 13;
            add(&bytes[..at]);
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x40;
            add(&damaged);
            let junk = noise(40, step as u64);
            add(&[&bytes[..at], &junk, &bytes[at..]].concat());
        }
    }
    for meta in [
        r#"{"gop":-1,"fps_hint":1e-300,"block_size":1e300,"version":[1],"title":null,"tracks":[1]}"#,
        r#"{"gop":18446744073709551615,"fps_hint":1e6,"block_size":18446744073709551615,"version":1e400}"#,
        r#"{"compression":{"engine":"\uffff","opaque":true,"x":{}},"masked":true,"encryption":{"cipher":"x"}}"#,
        r#"{"tracks":["a","a",""],"track_id":7,"trak_b64":"!","seekm_b64":"AAAAAQ=="}"#,
        r#"{"compression":[],"encryption":7}"#,
        "[]",
        "\u{feff}{",
    ] {
        add(&Transport::new(3).with(|t| t.meta = meta.as_bytes().to_vec()).build());
        add(&Transport::new(3).with(|t| t.safe = meta.as_bytes().to_vec()).build());
    }
    files
}

#[test]
fn outputs_obey_their_schemas() {
    let made = tempfile::tempdir().unwrap();
    let mut files = corpus_files();
    let samples = std::fs::read_dir("sample-data").unwrap().map(|entry| entry.unwrap().path());
    files.extend(samples.map(|path| path.to_str().unwrap().to_owned()));
    files.push(corpus().join("README.md").to_str().unwrap().to_owned());
    files.extend(hostile(made.path()));
    assert!(files.len() > 120, "{}", files.len());
    let saved = made.path().join("saved");
    let validators = validators();
    let mut answers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut check = |name: &'static str, args: &[&str]| {
        let (status, out, _) = run(args);
        assert!((0..=4).contains(&status), "{args:?} ended with {status}");
        // Where there is no answer, there is no output.
        let Ok(value) = serde_json::from_slice::<Value>(&out) else {
            assert!(out.is_empty() && status != 0, "{args:?}");
            return;
        };
        *answers.entry(name).or_default() += 1;
        let faults = validators[name].iter_errors(&value).take(3);
        wrong.extend(faults.map(|fault| format!("{args:?}: {fault} at {}", fault.instance_path())));
    };
    for (file, next) in files.iter().zip(files.iter().cycle().skip(1)) {
        check("audit", &["audit", file, "--format", "json"]);
        check("audit-line", &["audit", file, "--format", "ndjson"]);
        check("info", &["info", file, "--json"]);
        check("info", &["info", file, "--json", "--check"]);
        check("chunks", &["chunks", file, "--json"]);
        check("chunks", &["chunks", file, "--json", "--check"]);
        check("manifest", &["manifest", file]);
        check("manifest-full", &["manifest", file, "--full"]);
        check("verify", &["verify", file, "--json"]);
        for time in ["0", "50%", "1h", "#1"] {
            check("seek", &["seek", file, time, "--json"]);
        }
        check("seek", &["seek", file, "0", "--json", "--track", "1"]);
        check("diff", &["diff", file, next, "--json"]);
        for more in [&[][..], &["--repair"]] {
            let out = saved.to_str().unwrap();
            check("salvage", &[&["salvage", file, "--out", out, "--force", "--json"], more].concat());
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
    for (name, count) in &answers {
        assert!(*count > 40, "{name}: {count} answers only");
    }
    assert_eq!(answers.len(), validators.len(), "{answers:?}");
}
