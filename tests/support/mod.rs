//! What the tests of the program share.
#![allow(dead_code, clippy::unwrap_used, reason = "each test crate uses its part, and a test may panic")]

pub(crate) mod played;

use assert_cmd::Command;

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
