//! What the tests of the program share.

pub(crate) mod containers;
pub(crate) mod jenkins;
#[cfg(unix)]
pub(crate) mod libraries;
pub(crate) mod played;
pub(crate) mod samples;
pub(crate) mod schemas;
pub(crate) mod screens;
pub(crate) mod sound;
pub(crate) mod trees;
#[cfg(unix)]
pub(crate) mod users;

use std::path::{Path, PathBuf};
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;

/// The program, in an environment that says nothing.
pub(crate) fn h4inspect(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin(env!("CARGO_PKG_NAME")).unwrap();
    command.args(args).env_clear();
    command
}

/// Runs `assertions` with snapshots kept in the `snapshots` folder beside `tests`, under their own names.
pub(crate) fn with_snapshots(assertions: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(assertions);
}

/// What the program writes to standard output; it must succeed.
pub(crate) fn stdout_of(args: &[&str]) -> String {
    let output = h4inspect(args).assert().success().get_output().clone();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap()
}

/// What the program writes to standard error; it must end with `status` and write nothing else.
pub(crate) fn stderr_of(status: i32, args: &[&str]) -> String {
    let output = h4inspect(args).assert().code(status).get_output().clone();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    String::from_utf8(output.stderr).unwrap()
}

/// A file of `sample-data`, as the project's tests and README name it.
pub(crate) fn sample(name: &str) -> String {
    format!("sample-data/{name}")
}

/// The corpus: files of the reference writer, damaged ones, and those that an earlier version got wrong.
pub(crate) fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// All containers of the corpus.
pub(crate) fn corpus_files() -> Vec<String> {
    let folders = ["reference", "damaged", "found"].map(|folder| corpus().join(folder)).into_iter();
    let files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let mut files: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "h4mk"))
        .map(|path| path.to_str().unwrap().to_owned())
        .collect();
    files.sort_unstable();
    files
}

/// Runs the program and says how it ended and what it wrote: status, standard output, standard error.
pub(crate) fn run(args: &[&str]) -> (i32, Vec<u8>, String) {
    finished(h4inspect(args))
}

/// Likewise, of a command that is prepared.
pub(crate) fn finished(mut command: Command) -> (i32, Vec<u8>, String) {
    let output = command.timeout(Duration::from_secs(60)).output().unwrap();
    let status = output.status.code().unwrap_or(-1);
    (status, output.stdout, String::from_utf8(output.stderr).unwrap())
}

/// Standard output as JSON; the program must end with `status`.
pub(crate) fn json_of(status: i32, args: &[&str]) -> Value {
    let (ended, stdout, stderr) = run(args);
    assert_eq!(ended, status, "{args:?}: {stderr}");
    serde_json::from_slice(&stdout).unwrap()
}

/// Writes a transport container with the chunks given, whatever they are.
pub(crate) fn write_container(path: &Path, chunks: &[(&[u8; 4], &[u8])]) {
    let mut bytes = b"H4MK\x00\x01\x00\x00".to_vec();
    for (tag, payload) in chunks {
        bytes.extend(h4inspect::core::pack::chunk_header(**tag, payload).unwrap());
        bytes.extend(*payload);
    }
    std::fs::write(path, bytes).unwrap();
}

/// Asserts that a log is SARIF as its schema says.
pub(crate) fn assert_sarif(log: &Value) {
    // A bracket without a partner is a regular expression to JavaScript only.
    let schema = include_str!("../schemas/sarif-2.1.0.json").replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(log).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
}
