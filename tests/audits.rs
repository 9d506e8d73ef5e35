//! Audits of many files: order, formats, statuses, and files that can't be audited.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{assert_sarif, corpus, finished, h4inspect, json_of, run, sample, stdout_of, write_container};
use serde_json::{Value, json};

/// A folder with containers of every verdict, in folders of its own.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir_all(at("deep/er")).unwrap();
    fs::copy(sample("demo.h4mk"), at("deep/er/b-ok.h4mk")).unwrap();
    fs::copy(sample("damaged.h4mk"), at("a-damaged.h4mk")).unwrap();
    write_container(&at("deep/c-suspect.h4mk"), &[(b"CORE", &[1, 255, 1, 1]), (b"SEEK", &[0; 4])]);
    fs::write(at("z-unreadable.h4mk"), "").unwrap();
    fs::write(at("other.txt"), "not looked at").unwrap();
    dir
}

fn verdicts(audits: &Value) -> Vec<&str> {
    audits.as_array().unwrap().iter().map(|audit| audit["verdict"].as_str().unwrap()).collect()
}

fn path(dir: &Path) -> &str {
    dir.to_str().unwrap()
}

#[test]
fn results_are_in_input_order_whatever_the_threads_do() {
    let dir = folder();
    let folder = path(dir.path());
    let expected = ["damaged", "suspect", "ok", "unreadable"];
    for jobs in ["1", "2", "8"] {
        let audits = json_of(3, &["audit", folder, "--format", "json", "--jobs", jobs]);
        assert_eq!(verdicts(&audits), expected, "{jobs}");
        let twice = json_of(3, &["audit", &sample("demo.h4mk"), folder, "--format", "json", "--jobs", jobs]);
        assert_eq!(verdicts(&twice), [&["ok"][..], &expected].concat());
    }
    let text = String::from_utf8(run(&["audit", folder]).1).unwrap();
    assert_eq!(text.lines().last(), Some("4 files: 1 ok, 1 suspect, 1 damaged, 1 unreadable; 1 without VERI"));
}

#[test]
fn statuses_follow_what_is_to_fail() {
    let dir = folder();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (damaged, suspect, ok) = (at("a-damaged.h4mk"), at("deep/c-suspect.h4mk"), at("deep/er/b-ok.h4mk"));
    for (files, fail_on, status) in [
        (vec![&ok], "warning", 0),
        (vec![&ok, &suspect], "error", 0),
        (vec![&ok, &suspect], "warning", 1),
        (vec![&damaged], "error", 1),
        (vec![&damaged, &suspect], "never", 0),
        (vec![&damaged, &at("z-unreadable.h4mk")], "never", 3),
        (vec![&at("gone.h4mk"), &damaged], "error", 3),
    ] {
        for format in ["text", "json", "ndjson", "junit", "sarif"] {
            let mut args = vec!["audit", "--fail-on", fail_on, "--format", format];
            args.extend(files.iter().map(|file| file.as_str()));
            assert_eq!(run(&args).0, status, "{args:?}");
        }
    }
}

#[test]
fn a_limit_is_status_4_unless_there_is_worse() {
    let demo = sample("demo.h4mk");
    let audit = json_of(4, &["audit", &demo, "--max-block-size", "1000", "--format", "json"]);
    assert_eq!((&audit[0]["complete"], &audit[0]["verdict"]), (&json!(false), &json!("suspect")));
    assert_eq!(audit[0]["omitted"]["block-too-large"], 260);
    assert_eq!(run(&["audit", &demo, "--max-block-size", "1000", "--fail-on", "warning"]).0, 1);
    assert_eq!(run(&["audit", &demo, &sample("damaged.h4mk"), "--max-block-size", "1000"]).0, 1);
}

#[test]
fn lists_of_files_come_from_files_and_pipes() {
    let dir = folder();
    let list = format!("{}\n\n{}\r\nmissing.h4mk\n", sample("demo.h4mk"), path(dir.path()));
    let listed = dir.path().join("list");
    fs::write(&listed, &list).unwrap();
    let expected = ["ok", "damaged", "suspect", "ok", "unreadable", "unreadable"];
    let audits = json_of(3, &["audit", "--files-from", path(&listed), "--format", "json"]);
    assert_eq!(verdicts(&audits), expected);
    let mut command = h4inspect(&["audit", "--files-from", "-", "--format", "json"]);
    command.write_stdin(list);
    assert_eq!(serde_json::from_slice::<Value>(&finished(command).1).unwrap(), audits);
    let (status, _, stderr) = run(&["audit", "--files-from", "no-such-list"]);
    assert_eq!((status, stderr.lines().count()), (3, 1), "{stderr}");
}

#[cfg(unix)]
#[test]
fn what_can_not_be_audited_is_a_result_and_not_a_stop() {
    let dir = folder();
    let at = |name: &str| dir.path().join(name);
    assert!(Command::new("mkfifo").arg(at("b-fifo.h4mk")).status().unwrap().success());
    std::os::unix::fs::symlink("nowhere", at("c-dangling.h4mk")).unwrap();
    std::os::unix::fs::symlink(".", at("deep/loop")).unwrap();
    let audits = json_of(3, &["audit", path(dir.path()), "--format", "json"]);
    assert_eq!(verdicts(&audits), ["damaged", "unreadable", "unreadable", "suspect", "ok", "unreadable"]);
    assert!(audits[1]["error"].as_str().unwrap().contains("FIFO"), "{audits}");
    assert_eq!(audits[1].get("bytes"), None);
}

#[test]
fn nothing_to_audit_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let (status, stdout, stderr) = run(&["audit", path(dir.path()), "--format", "json"]);
    assert_eq!((status, stdout.as_slice(), stderr.lines().count()), (0, &b"[]\n"[..], 1));
}

#[test]
fn ndjson_is_the_elements_of_json() {
    let dir = folder();
    let json = json_of(3, &["audit", path(dir.path()), "--format", "json"]);
    let lines = run(&["audit", path(dir.path()), "--format", "ndjson"]).1;
    let lines = lines.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    let lines: Vec<Value> = lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
    assert_eq!(Value::Array(lines), json);
}

#[test]
fn sarif_is_what_its_schema_says() {
    let dir = folder();
    for folder in [path(dir.path()), path(&corpus())] {
        let log = json_of(3, &["audit", folder, "missing.h4mk", "--format", "sarif"]);
        assert_sarif(&log);
        let run = &log["runs"][0];
        let findings = json_of(3, &["audit", folder, "missing.h4mk", "--format", "json"]);
        let findings = findings.as_array().unwrap().iter().flat_map(|audit| audit["findings"].as_array().unwrap());
        let codes: Vec<&Value> = findings.map(|finding| &finding["code"]).collect();
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.iter().map(|result| &result["ruleId"]).collect::<Vec<_>>(), codes);
        let mut seen = std::collections::HashSet::new();
        for result in results {
            // What GitHub's code scanning asks for besides.
            let place = &result["locations"][0]["physicalLocation"];
            assert!(place["region"]["startLine"] == 1 && place["region"]["byteOffset"].is_u64(), "{result}");
            let fingerprint = result["partialFingerprints"]["primaryLocationLineHash"].as_str().unwrap();
            assert!(seen.insert((place["artifactLocation"]["uri"].to_string(), fingerprint)), "{result}");
            let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
            assert_eq!(rule["id"], result["ruleId"]);
        }
        assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    }
}

#[test]
fn junit_is_what_the_schema_of_jenkins_says() {
    let dir = folder();
    fs::copy(sample("demo.h4mk"), dir.path().join("<&\"'\u{1b}>.h4mk")).unwrap();
    let more: [&[&str]; 3] = [&[], &["--fail-on", "warning"], &["--max-block-size", "1000", "missing.h4mk"]];
    for folder in [path(dir.path()), "sample-data", path(&corpus())] {
        for more in more {
            let args = [&["audit", folder, "--format", "junit"], more].concat();
            let xml = String::from_utf8(run(&args).1).unwrap();
            assert_eq!(crate::support::jenkins::faults(&xml), [""; 0], "{args:?}");
        }
    }
}

#[test]
fn what_that_schema_does_not_allow_is_noticed() {
    let suite = |attributes: &str, cases: &str| {
        let suite = format!(r#"<testsuite name="s" tests="1" failures="0" errors="0"{attributes}>{cases}</testsuite>"#);
        crate::support::jenkins::faults(&format!("<testsuites>{suite}</testsuites>")).len()
    };
    let case = r#"<testcase name="a"><failure message="m">text</failure><system-out>o</system-out></testcase>"#;
    assert_eq!(suite(r#" time="1,000.25""#, case), 0);
    assert_eq!(suite(r#" time="1e3""#, case), 1);
    assert_eq!(suite(r#" disabled="0""#, case), 1);
    assert_eq!(suite("", r#"<testcase classname="c"/>"#), 1);
    assert_eq!(suite("", r#"<testcase name="a">text</testcase>"#), 1);
    assert_eq!(suite("", r#"<failure/>"#), 1);
    assert_eq!(crate::support::jenkins::faults(r#"<testsuites skipped="0"/>"#).len(), 1);
    assert_eq!(crate::support::jenkins::faults("<testsuites>").len(), 1);
    assert_eq!(crate::support::jenkins::faults("").len(), 1);
    for text in ["\u{fffe}", "\u{ffff}", "\u{1}", "\u{b}", "&#1;", "&#xFFFF;", "&#xd800;"] {
        let case = format!(r#"<testcase name="a"><system-out>{text}</system-out></testcase>"#);
        assert!(suite("", &case) > 0, "{text:?}");
    }
}

/// Characters of which XML 1.0 allows some: each kind of control, format and noncharacter, and their neighbours.
const ODD: &str = "\u{1}\u{8}\u{b}\u{1f}\u{7f}\u{85}\u{9f}\u{202e}\u{d7ff}\u{e000}\u{fdd0}\u{fffd}\u{fffe}\u{ffff}\u{10000}\u{1fffe}\u{1ffff}\u{10ffff}";

#[test]
fn xml_and_json_are_well_formed_whatever_a_text_holds() {
    let dir = tempfile::tempdir().unwrap();
    let text: String =
        ODD.chars().map(|c| if c < ' ' { format!("\\u{:04x}", c as u32) } else { c.to_string() }).collect();
    let file = |name: &str, meta: String| write_container(&dir.path().join(name), &[(b"META", meta.as_bytes())]);
    file("key.h4mk", format!(r#"{{"{text}":1,"{text}":2}}"#));
    file("engine.h4mk", format!(r#"{{"compression":{{"engine":"{text}","opaque":true}}}}"#));
    file("field.h4mk", format!(r#"{{"gop":"{text}"}}"#));
    file("invalid.h4mk", format!(r#"{{"gop":{ODD}"#));
    file("track.h4mk", format!(r#"{{"tracks":["{text}"],"track_id":"{text}","trak_b64":"{text}"}}"#));
    let blocks: [(&[u8; 4], &[u8]); 2] =
        [(b"CORE", &[1, 255, 1, 1]), (b"META", br#"{"compression":{"engine":"\uffff"}}"#)];
    write_container(&dir.path().join("blocks.h4mk"), &blocks);
    fs::write(dir.path().join(format!("{}.h4mk", ODD)), "").unwrap();
    let folder = path(dir.path());
    let (status, xml, _) = run(&["audit", folder, "--format", "junit"]);
    let xml = String::from_utf8(xml).unwrap();
    assert_eq!((status, crate::support::jenkins::faults(&xml)), (3, vec![]));
    assert!(xml.contains("\\u{fffe}\\u{ffff}"), "{xml}");
    assert_eq!(quick_junit::Report::deserialize_from_str(&xml).unwrap().tests, 7);
    json_of(3, &["audit", folder, "--format", "json"]);
    json_of(3, &["audit", folder, "--format", "sarif"]);
    for file in fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()) {
        for keys in ["1", "2", "3", "4", "5", "a6<Space>"] {
            let (status, svg, _) = run(&["render", path(&file), "--keys", keys, "--format", "svg"]);
            let svg = String::from_utf8(svg).unwrap();
            assert_eq!(
                (status == 3, crate::support::jenkins::forbidden(&svg)),
                (svg.is_empty(), vec![]),
                "{file:?} {keys}"
            );
        }
    }
}

#[cfg(target_os = "linux")] // Elsewhere file systems refuse such names.
#[test]
fn names_that_are_not_utf_8_are_percent_encoded_and_stay_apart() {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let names: [&[u8]; 4] = [b"a\xff.h4mk", b"a\xfe.h4mk", b"b %\xff\\xfe.h4mk", b"b %\\xff\xfe.h4mk"];
    let encoded = ["a%FE.h4mk", "a%FF.h4mk", "b%20%25%5Cxff%FE.h4mk", "b%20%25%FF%5Cxfe.h4mk"];
    for name in names {
        fs::copy(sample("demo.h4mk"), dir.path().join(std::ffi::OsStr::from_bytes(name))).unwrap();
    }
    let folder = format!("{}/", path(dir.path()));
    let audits = json_of(0, &["audit", &folder, "--format", "json"]);
    let mut files: Vec<&str> = audits.as_array().unwrap().iter().map(|a| a["file"].as_str().unwrap()).collect();
    files.sort_unstable();
    assert_eq!(files, encoded.map(|name| folder.clone() + name));
    assert!(audits.as_array().unwrap().iter().all(|audit| audit["file_encoding"] == "percent"));
    let text = stdout_of(&["audit", &folder]);
    let (_, xml, _) = run(&["audit", &folder, "--format", "junit"]);
    let report = quick_junit::Report::deserialize_from_str(&String::from_utf8(xml).unwrap()).unwrap();
    let cases: Vec<&str> = report.test_suites[0].test_cases.iter().map(|case| case.name.as_str()).collect();
    for name in encoded {
        assert!(
            text.contains(&format!("{folder}{name}: ok")) && cases.contains(&(folder.clone() + name).as_str()),
            "{name}"
        );
    }
    // In the folder itself: relative, and the damaged ones leave results.
    for name in names {
        fs::copy(sample("damaged.h4mk"), dir.path().join(std::ffi::OsStr::from_bytes(name))).unwrap();
    }
    let mut command = h4inspect(&["audit", ".", "--format", "sarif"]);
    command.current_dir(dir.path());
    let log: Value = serde_json::from_slice(&finished(command).1).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let uri = |result: &Value| result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].clone();
    let uris: std::collections::BTreeSet<String> =
        results.iter().map(|r| uri(r).as_str().unwrap().to_owned()).collect();
    assert_eq!(uris.into_iter().collect::<Vec<_>>(), encoded);
    // Other commands too.
    let file = dir.path().join(std::ffi::OsStr::from_bytes(names[0]));
    for command in ["info", "chunks"] {
        let mut run = h4inspect(&[command, "--json"]);
        let output: Value = serde_json::from_slice(
            &finished({
                run.arg(&file);
                run
            })
            .1,
        )
        .unwrap();
        assert_eq!(
            (&output["file"], &output["file_encoding"]),
            (&json!(folder.clone() + "a%FF.h4mk"), &json!("percent"))
        );
    }
}

#[test]
fn junit_counts_what_fails_and_what_can_not_be_read() {
    let dir = folder();
    fs::copy(sample("demo.h4mk"), dir.path().join("<&\"'\u{1b}>.h4mk")).unwrap();
    let report = |more: &[&str]| {
        let args = [&["audit", path(dir.path()), "--format", "junit"], more].concat();
        quick_junit::Report::deserialize_from_str(&String::from_utf8(run(&args).1).unwrap()).unwrap()
    };
    let lenient = report(&[]);
    assert_eq!((lenient.tests, lenient.failures, lenient.errors), (5, 1, 1));
    assert_eq!(lenient.test_suites.len(), 1);
    let names: Vec<&str> = lenient.test_suites[0].test_cases.iter().map(|case| case.name.as_str()).collect();
    assert!(names.iter().any(|name| name.ends_with("<&\"'\\x1b>.h4mk")), "{names:?}");
    assert!(lenient.test_suites[0].test_cases.iter().all(|case| case.classname.is_some()));
    assert_eq!(report(&["--fail-on", "warning"]).failures, 2);
}

#[test]
fn one_file_gets_no_tally() {
    assert_eq!(stdout_of(&["audit", &sample("demo.h4mk")]).lines().count(), 2);
}

#[test]
fn reports_for_machines_leave_a_line_in_the_log() {
    let dir = folder();
    for format in ["junit", "sarif"] {
        let (_, _, log) = run(&["audit", path(dir.path()), "--format", format]);
        assert_eq!(log, "h4inspect: 4 files: 1 ok, 1 suspect, 1 damaged, 1 unreadable; 1 without VERI\n");
    }
    assert_eq!(run(&["audit", path(dir.path()), "--format", "json"]).2, "");
}

#[test]
fn where_there_is_nothing_to_audit_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("list.txt");
    fs::write(&list, "\n").unwrap();
    let (status, _, folder) = run(&["audit", path(dir.path())]);
    assert_eq!((status, folder), (0, format!("h4inspect: nothing to audit: no *.h4mk file in {}\n", path(dir.path()))));
    let (status, _, listed) = run(&["audit", "--files-from", path(&list)]);
    assert_eq!((status, listed), (0, format!("h4inspect: nothing to audit: no path in the list {}\n", path(&list))));
}

#[test]
fn a_mask_key_that_nothing_proves_right_is_not_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    fs::write(&key, "00112233445566778899aabbccddeeff").unwrap();
    let audit = |name: &str| run(&["audit", &sample(name), "--mask-key-file", path(&key)]);
    let (status, _, doubt) = audit("masked.h4mk");
    assert_eq!((status, doubt.lines().count()), (0, 1), "{doubt}");
    assert!(doubt.contains("masked.h4mk: masked; no check can tell"), "{doubt}");
    assert_eq!(audit("demo.h4mk").2, "");
    assert_eq!(run(&["audit", &sample("masked.h4mk")]).2, "");
}
