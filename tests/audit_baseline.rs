//! The baseline of `audit`: it accepts what is known and nothing else.

use std::fs;
use std::path::Path;

use crate::support::trees::{folder, put, put_flipped, text};
use crate::support::{json_of, run, sample, write_container};
use serde_json::{Value, json};

/// The states of the results of a SARIF log, with codes and offsets.
fn states(log: &Value) -> Vec<(String, String, u64)> {
    let results = log["runs"][0]["results"].as_array().unwrap();
    let state = |result: &Value| {
        let state = result["baselineState"].as_str().unwrap().to_owned();
        let region = &result["locations"][0]["physicalLocation"]["region"];
        (state, result["ruleId"].as_str().unwrap().to_owned(), region["byteOffset"].as_u64().unwrap())
    };
    results.iter().map(state).collect()
}

#[test]
fn a_baseline_accepts_what_is_known_and_nothing_else() {
    let dir = folder();
    let (tree, known) = (dir.path().join("tree"), dir.path().join("known.json"));
    let known = text(&known);
    put(&tree, "a.h4mk", "damaged.h4mk");
    put(&tree, "b.h4mk", "demo.h4mk");
    let folder = text(&tree);
    let audit = |status: i32, more: &[&str]| {
        let args = [&["audit", folder, "--baseline", known], more].concat();
        let (ended, stdout, message) = run(&args);
        assert_eq!(ended, status, "{args:?}: {message}");
        String::from_utf8(stdout).unwrap()
    };
    assert_eq!(run(&["audit", folder, "--baseline", known]).0, 2);
    assert_eq!(run(&["audit", folder, "--update-baseline"]).0, 2);
    audit(0, &["--update-baseline"]);
    let first = fs::read_to_string(known).unwrap();
    let parsed: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(parsed["version"], 1);
    let count = parsed["findings"].as_array().unwrap().len();
    assert!(count > 3 && first.lines().filter(|line| line.contains("\"code\"")).count() == count, "{first}");

    for more in [&[][..], &["--fail-on", "warning"]] {
        audit(0, more);
    }
    let lines = audit(0, &[]);
    assert_eq!(lines.matches("in the baseline").count(), count + 1, "{lines}");
    assert!(lines.contains(&format!("; {count} findings in the baseline")), "{lines}");
    assert_eq!(audit(0, &["--quiet"]), "");
    assert!(!audit(0, &["--format", "junit"]).contains("<failure"));
    let audits: Value = serde_json::from_str(&audit(0, &["--format", "json"])).unwrap();
    assert_eq!(audits[0]["verdict"], "damaged");
    let marked = |audits: &Value| {
        let findings = audits.as_array().unwrap().iter().flat_map(|audit| audit["findings"].as_array().unwrap());
        findings.map(|finding| finding["baseline_state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(marked(&audits), vec!["unchanged"; count]);
    let log: Value = serde_json::from_str(&audit(0, &["--format", "sarif"])).unwrap();
    assert!(states(&log).iter().all(|(state, ..)| state == "unchanged"));

    // A name is the same without what says nothing.
    let odd = format!("{}/.//tree", text(dir.path()));
    assert_eq!(run(&["audit", &odd, "--baseline", known]).0, 0);
    // Updated again, it does not change.
    audit(0, &["--update-baseline"]);
    assert_eq!(fs::read_to_string(known).unwrap(), first);

    // What is new counts.
    put_flipped(&tree, "c.h4mk");
    let log: Value = serde_json::from_str(&audit(1, &["--format", "sarif"])).unwrap();
    let new = states(&log).into_iter().filter(|(state, ..)| state == "new").count();
    assert!(new > 0 && states(&log).len() == count + new);
    assert_eq!(audit(1, &["--format", "junit"]).matches("<failure").count(), 1);
    let quiet = audit(1, &["--quiet"]);
    assert!(quiet.contains("c.h4mk") && !quiet.contains("a.h4mk"), "{quiet}");

    // What is gone is absent, be it mended or removed with its file.
    put(&tree, "a.h4mk", "demo.h4mk");
    fs::remove_file(tree.join("c.h4mk")).unwrap();
    let log: Value = serde_json::from_str(&audit(0, &["--format", "sarif"])).unwrap();
    assert_eq!(states(&log).iter().filter(|(state, ..)| state == "absent").count(), count);
    crate::support::assert_sarif(&log);
    audit(0, &["--update-baseline"]);
    let parsed: Value = serde_json::from_str(&fs::read_to_string(known).unwrap()).unwrap();
    assert_eq!(parsed["findings"], json!([]));
}

#[test]
fn a_baseline_keeps_what_it_holds_of_other_files() {
    let dir = folder();
    let known = dir.path().join("known.json");
    let (a, b) = (put(dir.path(), "a.h4mk", "damaged.h4mk"), put_flipped(dir.path(), "b.h4mk"));
    let update = |paths: &[&str]| run(&[&["audit", "--update-baseline", "--baseline", text(&known)], paths].concat()).0;
    assert_eq!(update(&[text(&a)]), 0);
    assert_eq!(update(&[text(&b)]), 0);
    assert_eq!(run(&["audit", text(&a), text(&b), "--baseline", text(&known)]).0, 0);
    // Nor does it call them absent.
    let log = json_of(0, &["audit", text(&a), "--baseline", text(&known), "--format", "sarif"]);
    assert!(states(&log).iter().all(|(state, ..)| state == "unchanged"));
    fs::remove_file(&a).unwrap();
    assert_eq!(update(&[text(&b)]), 0);
    assert!(!fs::read_to_string(&known).unwrap().contains("a.h4mk"));
}

/// Names that are not UTF-8, and those that look like what such names are written as.
#[cfg(unix)]
#[test]
fn a_baseline_tells_all_names_apart() {
    use std::os::unix::ffi::OsStrExt;
    let dir = folder();
    let (tree, known) = (dir.path().join("tree"), dir.path().join("known.json"));
    let damaged = put_flipped(dir.path(), "damaged.h4mk");
    fs::create_dir(&tree).unwrap();
    let names: [&[u8]; 4] = [b"\xff.h4mk", b"\xfe.h4mk", b"%FF.h4mk", "\u{fffd}.h4mk".as_bytes()];
    let at = |name: &[u8]| tree.join(std::ffi::OsStr::from_bytes(name));
    let audit = |more: &[&str]| run(&[&["audit", text(&tree), "--baseline", text(&known)], more].concat());
    for (accepted, name) in names.iter().enumerate() {
        fs::copy(&damaged, at(name)).unwrap();
        assert_eq!(audit(&[]).0, if accepted == 0 { 2 } else { 1 }, "{name:?}");
        assert_eq!(audit(&["--update-baseline"]).0, 0);
        assert_eq!(audit(&[]).0, 0, "{name:?}");
    }
    fs::remove_file(at(names[0])).unwrap();
    let log: Value = serde_json::from_slice(&audit(&["--format", "sarif"]).1).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let absent: Vec<&Value> = results.iter().filter(|result| result["baselineState"] == "absent").collect();
    assert!(!absent.is_empty() && results.len() == absent.len() * 4, "{log}");
    for result in absent {
        let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.ends_with("/tree/%FF.h4mk"), "{uri}");
    }
}

#[test]
fn a_baseline_accepts_as_many_as_it_holds_at_a_place() {
    let dir = folder();
    let (file, known) = (dir.path().join("a.h4mk"), dir.path().join("known.json"));
    // Chunks that are missing are all missing at the end.
    let seek: (&[u8; 4], &[u8]) = (b"SEEK", &[0; 4]);
    write_container(&file, &[(b"CORE", &[1, 255, 1, 1]), (b"META", b"{}"), (b"SAFE", b"{}"), seek]);
    let audit = |more: &[&str]| {
        let args = ["audit", text(&file), "--fail-on", "warning", "--baseline", text(&known), "--format", "json"];
        run(&[&args, more].concat())
    };
    assert_eq!(audit(&["--update-baseline"]).0, 0);
    assert_eq!(audit(&[]).0, 0);
    let padding = b"{      }                ".as_slice();
    write_container(&file, &[(b"CORE", &[1, 255, 1, 1]), (b"META", padding), seek]);
    let (status, stdout, _) = audit(&[]);
    let audits: Value = serde_json::from_slice(&stdout).unwrap();
    let missing = audits[0]["findings"].as_array().unwrap().iter().filter(|finding| finding["code"] == "chunk-missing");
    let states: Vec<&str> = missing.map(|finding| finding["baseline_state"].as_str().unwrap()).collect();
    assert_eq!((status, states.iter().filter(|state| **state == "new").count() > 0), (1, true), "{audits}");
}

#[test]
fn a_baseline_of_too_many_findings_counts_the_rest() {
    let dir = folder();
    let known = dir.path().join("known.json");
    let demo = sample("demo.h4mk");
    let args = ["audit", &demo, "--max-block-size", "1000", "--fail-on", "warning", "--baseline", text(&known)];
    assert_eq!(run(&[&args[..], &["--update-baseline"]].concat()).0, 0);
    // Its limit is part of what was accepted.
    assert_eq!(run(&args).0, 0);
    let mut baseline: Value = serde_json::from_slice(&fs::read(&known).unwrap()).unwrap();
    assert_eq!(baseline["omitted"][0]["count"], 260);
    baseline["omitted"][0]["count"] = json!(259);
    fs::write(&known, baseline.to_string()).unwrap();
    assert_eq!(run(&args).0, 1);
}

#[test]
fn what_can_not_be_read_is_not_accepted_unseen() {
    let dir = folder();
    let known = dir.path().join("known.json");
    let other = dir.path().join("other.h4mk");
    fs::write(&other, "RIFF of some other kind").unwrap();
    let audit =
        |file: &Path, more: &[&str]| run(&[&["audit", text(file), "--baseline", text(&known)], more].concat()).0;
    // A finding says what this is, and can be accepted.
    assert_eq!(audit(&other, &["--update-baseline"]), 0);
    assert_eq!(audit(&other, &[]), 0);
    let missing = dir.path().join("missing.h4mk");
    assert_eq!(audit(&missing, &["--update-baseline"]), 3);
    assert_eq!(audit(&missing, &[]), 3);
}

#[test]
fn what_is_no_baseline_is_a_usage_error() {
    let dir = folder();
    let known = dir.path().join("known.json");
    let demo = sample("demo.h4mk");
    for content in
        ["", "{", "[]", "null", "{}", r#"{"version": 2, "findings": []}"#, r#"{"version": 1, "findings": [1]}"#]
    {
        fs::write(&known, content).unwrap();
        let (status, stdout, message) = run(&["audit", &demo, "--baseline", text(&known)]);
        assert_eq!((status, stdout.len(), message.lines().count()), (2, 0, 1), "{content}: {message}");
        assert!(message.contains("known.json"), "{message}");
        // What is something else is not replaced.
        let updated = run(&["audit", &demo, "--baseline", text(&known), "--update-baseline"]).0;
        assert_eq!((updated, content.is_empty()), if content.is_empty() { (0, true) } else { (2, false) });
    }
    assert_eq!(run(&["audit", &demo, "--baseline", text(dir.path())]).0, 2);
    let nowhere = dir.path().join("no/such/folder");
    assert_eq!(run(&["audit", &demo, "--baseline", text(&nowhere), "--update-baseline"]).0, 2);
}
