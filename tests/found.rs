//! Faults of an earlier version, one file each, and what is right: the steps in `corpus/found/cases.json`.

use std::path::Path;

use serde_json::Value;

use crate::support::{corpus, run};

/// Cases, of which each step runs the program on the case's file: `{F}` in its arguments is the file, `{D}` its folder,
/// `{O}` a file that it may write.
#[test]
fn faults_of_an_earlier_version_are_mended() {
    let folder = corpus().join("found");
    let cases: Value = serde_json::from_slice(&std::fs::read(folder.join("cases.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for (name, case) in cases.as_object().unwrap() {
        let made = tempfile::tempdir().unwrap();
        let (file, out) = (folder.join(case["file"].as_str().unwrap()), made.path().join("out"));
        for step in case["steps"].as_array().unwrap() {
            wrong.extend(differences(step, &file, &out).into_iter().map(|why| format!("{name}: {why}")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// How a run differs from what a step demands.
fn differences(step: &Value, file: &Path, out: &Path) -> Vec<String> {
    let places = [("{F}", file), ("{D}", file.parent().unwrap()), ("{O}", out)];
    let filled =
        |arg: &str| places.iter().fold(arg.to_owned(), |arg, (name, path)| arg.replace(name, path.to_str().unwrap()));
    let args: Vec<String> = texts(&step["run"]).into_iter().map(filled).collect();
    let (status, stdout, stderr) = run(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let stdout = String::from_utf8(stdout).unwrap();
    let said = format!("{stdout}{stderr}");
    let mut wrong = Vec::new();
    let mut must = |right: bool, why: String| {
        if !right {
            wrong.push(format!("{} {why}\n{said}", args[0]));
        }
    };
    let exits: Vec<i64> = step["exit"].as_array().map_or_else(
        || step["exit"].as_i64().into_iter().collect(),
        |list| list.iter().filter_map(Value::as_i64).collect(),
    );
    must(exits.is_empty() || exits.contains(&i64::from(status)), format!("ends with {status}, not {exits:?}"));
    texts(&step["has"]).into_iter().for_each(|text| must(said.contains(text), format!("lacks {text:?}")));
    texts(&step["hasnt"]).into_iter().for_each(|text| must(!said.contains(text), format!("has {text:?}")));
    if step["xml"] == true {
        must(crate::support::jenkins::faults(&stdout).is_empty(), "isn't a JUnit report".to_owned());
    }
    match step["size"].as_i64() {
        Some(-1) => must(!out.exists(), "leaves a file".to_owned()),
        Some(size) => must(
            std::fs::metadata(out).is_ok_and(|meta| i64::try_from(meta.len()).ok() == Some(size)),
            format!("does not write {size} bytes"),
        ),
        None => {}
    }
    let Ok(json) = serde_json::from_str::<Value>(&stdout) else {
        must(
            ["codes", "not_codes", "only_codes", "unconfirmed", "json"].iter().all(|key| step[key].is_null()),
            "prints no JSON".to_owned(),
        );
        return wrong;
    };
    for demand in step["json"].as_array().into_iter().flatten() {
        let pointer = format!("/{}", demand[0].as_str().unwrap().replace('.', "/"));
        let got = json.pointer(&pointer).unwrap_or(&Value::Null);
        must(*got == demand[1], format!("says {got} at {pointer}, not {}", demand[1]));
    }
    let findings: Vec<&Value> = json[0]["findings"].as_array().into_iter().flatten().collect();
    let codes: Vec<&str> = findings.iter().filter_map(|finding| finding["code"].as_str()).collect();
    texts(&step["codes"]).into_iter().for_each(|code| must(codes.contains(&code), format!("lacks {code}")));
    texts(&step["not_codes"]).into_iter().for_each(|code| must(!codes.contains(&code), format!("has {code}")));
    if step["only_codes"].is_array() {
        let mut faults: Vec<&str> =
            findings.iter().filter(|f| f["severity"] != "info").filter_map(|f| f["code"].as_str()).collect();
        faults.sort_unstable();
        faults.dedup();
        must(faults == texts(&step["only_codes"]), format!("has {faults:?}"));
    }
    must(
        step["unconfirmed"] != true || findings.iter().all(|f| f["flip"]["confirmed"] != true),
        "confirms a flip".to_owned(),
    );
    wrong
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}
