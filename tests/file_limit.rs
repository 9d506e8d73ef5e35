//! A result that outgrows the process's limit on files fails as on a full disk, and leaves nothing behind.
#![cfg(unix)]

use std::process::Command;

use crate::support::sample;

#[test]
fn a_file_over_the_limit_is_a_failure_that_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    for (command, file) in [("unpack", "demo.h4mk"), ("salvage", "damaged.h4mk")] {
        let mut shell = Command::new("sh");
        shell.args(["-c", r#"ulimit -f 4; exec "$@""#, "sh", env!("CARGO_BIN_EXE_h4inspect"), command, &sample(file)]);
        let output = shell.arg("--out").arg(&out).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().is_some_and(|code| code > 0), "{command}: {:?}", output.status);
        assert!(message.contains("large"), "{command}: {message}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{command}");
    }
}
