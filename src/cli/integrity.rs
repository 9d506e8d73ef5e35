//! VERI for `verify`, and for the commands that give content when HARMONY_VERIFY_INTEGRITY is set.

use std::sync::Arc;

use anyhow::Context;

use super::input::Input;
use super::messages::{self, Progress};
use super::session::Session;
use super::status::Status;
use h4mk::audit;
use h4mk::container::Container;
use h4mk::report::Verify;
use h4mk::task::Task;
use h4mk::veri;

/// Whether a file is what VERI says, and what that means for the exit status.
pub(super) fn verify(container: &Container, file: &Input) -> anyhow::Result<(Verify, Status)> {
    let task = Arc::new(Task::default());
    let _progress = Progress::start(format_args!("verify {file}"), task.clone());
    let verified = audit::verify(container, &task).with_context(|| file.to_string())?;
    let verify = Verify::new(&verified, container);
    let status = match (verify.status, verify.valid) {
        (veri::Status::Verified, _) => Status::Done,
        (veri::Status::Absent, true) | (veri::Status::Unsupported, _) => Status::NotFullyVerified,
        _ => Status::Findings,
    };
    Ok((verify, status))
}

/// With HARMONY_VERIFY_INTEGRITY: refuses a file that is not what its VERI says, and warns of one that can't be verified.
pub(super) fn require(container: &Container, file: &Input, session: &Session) -> anyhow::Result<()> {
    if !session.settings.verify_integrity {
        return Ok(());
    }
    let (verify, status) = verify(container, file)?;
    match status {
        Status::Done => {}
        Status::NotFullyVerified => messages::warn(file, format_args!("not verified: {}", verify.info)),
        _ => {
            let why = format!("{file}: does not match its VERI, and HARMONY_VERIFY_INTEGRITY is set: {}", verify.info);
            return Err(status.error(why));
        }
    }
    Ok(())
}
