//! VERI for `verify`, and for the commands that give content when HARMONY_VERIFY_INTEGRITY is set.

use std::sync::Arc;

use anyhow::Context;

use super::input::Input;
use super::messages::{self, Progress};
use super::status::Status;
use super::{Session, open};
use crate::core::container::Container;
use crate::core::task::Task;
use crate::core::veri;
use crate::report::verify::Verify;

/// Recomputes VERI; where there is none, every CRC. What doesn't verify as the headers show it is audited, which knows what
/// they hide and which tags are restored. Also says what that means for the exit status.
pub(super) fn verify(container: &Container, file: &Input, session: &Session) -> anyhow::Result<(Verify, Status)> {
    let verification = {
        let task = Arc::new(Task::default());
        let _progress = Progress::start(format_args!("verify {file}"), task.clone());
        container.verify(&task).with_context(|| file.to_string())?
    };
    let verify = match verification.status {
        veri::Status::Verified => Verify::new(&verification),
        _ => Verify::of_audit(&open::audit(container.source(), file, session)?),
    };
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
    let (verify, status) = verify(container, file, session)?;
    match status {
        Status::Done => {}
        Status::NotFullyVerified => messages::warn(file, format_args!("not verified: {}", verify.info)),
        _ => {
            let why = format!("{file}: not what VERI says, and HARMONY_VERIFY_INTEGRITY is set: {}", verify.info);
            return Err(status.error(why));
        }
    }
    Ok(())
}
