//! What the program's exit says, and the errors that know which status they are.

use std::fmt::Display;
use std::process::ExitCode;

use crate::report::advice::advice;
use h4mk::audit::Verdict;
use h4mk::container::OpenError;
use h4mk::finding::{Finding, Severity};
use h4mk::layout::HeadError;

/// The exit statuses, from the one that gives way to all others to the one that wins over them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Done; nothing found at or above `--fail-on`.
    #[default]
    Done,
    /// A limit stopped a check, or there was nothing to verify against.
    NotFullyVerified,
    /// Findings, or the content can't give what was asked.
    Findings,
    /// The file can't be read or isn't an H4MK container.
    Unreadable,
    /// The command line or an environment variable makes no sense.
    Usage,
}

impl Status {
    /// The number the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Unreadable => 3,
            Self::NotFullyVerified => 4,
        }
    }

    /// The status of a run in which both came up: the first of 2, 3, 1, 4, 0.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.max(other)
    }

    /// An error of this status; `message` is what the user reads.
    pub fn error(self, message: impl Display) -> anyhow::Error {
        anyhow::Error::new(Failure { status: self, message: message.to_string() })
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}

/// An error that ends a command with a status of its own. As a context it gives its status to the error it explains.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The exit status it means.
    pub status: Status,
    /// What the user reads, without the file's name.
    pub message: String,
}

/// The status an error ends the program with: that of the [`Failure`] in it, else 3, since what else fails is reading
/// and writing.
pub fn of(error: &anyhow::Error) -> Status {
    error.downcast_ref::<Failure>().map_or(Status::Unreadable, |failure| failure.status)
}

/// The status an audit comes to where findings from `fail_on` up count.
pub fn of_audit(verdict: Verdict, worst: Option<Severity>, complete: bool, fail_on: Option<Severity>) -> Status {
    if verdict == Verdict::Unreadable {
        return Status::Unreadable;
    }
    let found = if fails(worst, fail_on) { Status::Findings } else { Status::Done };
    found.and(if complete { Status::Done } else { Status::NotFullyVerified })
}

/// Whether findings, of which `worst` is the worst, make the status 1.
pub fn fails(worst: Option<Severity>, fail_on: Option<Severity>) -> bool {
    worst.zip(fail_on).is_some_and(|(worst, least)| worst <= least)
}

/// The error in one line: the file, what is wrong and, where a finding's code has advice for it, what to do.
pub fn describe(error: &anyhow::Error) -> String {
    let head = error.chain().find_map(|cause| match cause.downcast_ref::<OpenError>() {
        Some(OpenError::Head(head)) => Some(head),
        _ => cause.downcast_ref::<HeadError>(),
    });
    match head {
        Some(head) => format!("{error:#}. {}", advice(&Finding::from(head))),
        None => format!("{error:#}"),
    }
}

/// Whether the error is that nobody reads our output any more, as after `| head`.
pub fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;
    use std::io;

    #[test]
    fn the_first_of_2_3_1_4_0_wins() {
        let by_rank = [Status::Usage, Status::Unreadable, Status::Findings, Status::NotFullyVerified, Status::Done];
        assert_eq!(by_rank.map(Status::code), [2, 3, 1, 4, 0]);
        for (rank, winner) in by_rank.iter().enumerate() {
            for loser in &by_rank[rank..] {
                assert_eq!(winner.and(*loser), *winner);
                assert_eq!(loser.and(*winner), *winner);
            }
        }
    }

    #[test]
    fn errors_know_their_status() {
        assert_eq!(of(&Status::Findings.error("block 9 out of range")), Status::Findings);
        let explained = Err::<(), _>(io::Error::other("disk full"))
            .context(Failure { status: Status::Usage, message: "out.bin".into() })
            .unwrap_err();
        assert_eq!(of(&explained), Status::Usage);
        assert_eq!(format!("{explained:#}"), "out.bin: disk full");
        assert_eq!(of(&anyhow::anyhow!("anything")), Status::Unreadable);
    }

    #[test]
    fn what_is_no_container_comes_with_the_finding_s_advice() {
        for cut in [b"RIFF".as_slice(), b"H4MK\0\x01"] {
            let head = h4mk::layout::recognise(cut).unwrap_err();
            let wanted = format!("a.h4mk: {head}. {}", advice(&Finding::from(&head)));
            let bare = Err::<(), _>(head).context("a.h4mk").unwrap_err();
            let opened = Err::<(), _>(OpenError::Head(head)).context("a.h4mk").unwrap_err();
            assert_eq!((describe(&bare), describe(&opened)), (wanted.clone(), wanted));
        }
        assert_eq!(describe(&anyhow::anyhow!("anything")), "anything");
    }

    #[test]
    fn a_closed_pipe_is_seen_through_its_context() {
        let error = anyhow::Error::new(io::Error::from(io::ErrorKind::BrokenPipe)).context("standard output");
        assert!(is_closed_pipe(&error));
        assert!(!is_closed_pipe(&anyhow::anyhow!("broken pipe")));
    }
}
