//! What is said about each code: by `explain`, in docs/findings.md and in SARIF's help.

use std::collections::BTreeMap;
use std::path::Path;

use h4inspect::core::finding::Code;
use h4inspect::report::explain::{self, Explanation};

use crate::support::{corpus_files, json_of, run, sample, stderr_of, stdout_of};

#[test]
fn every_code_is_explained() {
    let list = stdout_of(&["explain"]);
    assert_eq!(list.lines().count(), Code::ALL.len());
    for code in Code::ALL {
        let explained = stdout_of(&["explain", code.name()]);
        let Explanation { about, example, advice, .. } = Explanation::of(*code);
        for part in [code.name(), code.severity().name(), code.meaning(), example, &advice] {
            assert!(explained.contains(part), "{code}: {part}\n{explained}");
        }
        assert!(about.len() > 60 && about.trim_end_matches(')').ends_with('.') && example.len() > 20, "{code}");
        assert!(list.lines().any(|line| line.starts_with(code.name()) && line.ends_with(code.meaning())), "{code}");
    }
}

#[test]
fn an_unknown_code_is_answered_with_the_nearest() {
    for (given, meant) in [
        ("seek-unresolvd", "seek-unresolved"),
        ("crc-mismatch", "crc-mismatch"),
        ("SEEK-TRUNCATED", "did you mean"),
        ("veri_mismatch", "veri-mismatch"),
        ("", "did you mean"),
    ] {
        let error = stderr_of(2, &["explain", given]);
        let first = error.lines().next().unwrap();
        assert!(first.contains("isn't the code of a finding; did you mean `") && first.contains(meant), "{error}");
    }
}

/// `H4_UPDATE=1 cargo test explain` writes it anew.
#[test]
fn the_document_is_what_explain_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/findings.md");
    let document = explain::document();
    if std::env::var_os("H4_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &document).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == document, "docs/findings.md is out of date: H4_UPDATE=1 cargo test --test all explain::");
}

#[test]
fn help_in_sarif_is_the_same_text() {
    let log = json_of(0, &["audit", &sample("demo.h4mk"), "--format", "sarif"]);
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), Code::ALL.len());
    for rule in rules {
        let id = rule["id"].as_str().unwrap();
        let text = stdout_of(&["explain", id]);
        assert_eq!(rule["help"]["text"], text.as_str());
        assert!(rule["help"]["markdown"].as_str().unwrap().contains("What to do: "));
        let uri = rule["helpUri"].as_str().unwrap();
        if let Some(encoded) = uri.strip_prefix("data:text/plain;charset=utf-8,") {
            assert_eq!(decoded(encoded), text);
        } else {
            assert!(uri.starts_with("http") && uri.ends_with(&format!("/findings.md#{id}")), "{uri}");
        }
    }
}

fn decoded(encoded: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        let hex = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
        bytes.push(if byte == b'%' { hex(rest.next().unwrap()) << 4 | hex(rest.next().unwrap()) } else { byte });
    }
    String::from_utf8(bytes).unwrap()
}

/// The words of a message, without what differs from file to file: numbers, digests, quoted text.
fn shape(message: &str) -> String {
    let mut words = Vec::new();
    for word in message.split(' ') {
        let is_value = word.contains(|c: char| c.is_ascii_digit() || ['"', '…', '/', '\\'].contains(&c));
        words.push(if is_value { "#" } else { word.trim_end_matches(['s', ',', ';', ':']) });
    }
    words.join(" ")
}

/// Of codes that files at hand have, one message must have the form of the example.
#[test]
fn examples_are_messages_as_they_are() {
    let mut files = corpus_files();
    files.extend(["damaged.h4mk", "encrypted.h4mk", "masked.h4mk", "opaque.h4mk", "README.md"].map(sample));
    let args: Vec<&str> = ["audit", "--format", "json"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let audits: serde_json::Value = serde_json::from_slice(&run(&args).1).unwrap();
    let mut messages: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for finding in audits.as_array().unwrap().iter().flat_map(|audit| audit["findings"].as_array().unwrap()) {
        let code = finding["code"].as_str().unwrap().to_owned();
        messages.entry(code).or_default().push(finding["message"].as_str().unwrap().to_owned());
    }
    assert!(messages.len() > 30, "{}", messages.len());
    let mut wrong = Vec::new();
    for (code, messages) in messages {
        let example = Explanation::of(Code::from_name(&code).unwrap()).example;
        // What is left of a long message stands for the whole.
        let alike = |message: &String| shape(message).starts_with(&shape(example)) || shape(example) == shape(message);
        if !messages.iter().any(alike) {
            wrong.push(format!("{code}\n  example: {example}\n  found:   {}", messages[0]));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
