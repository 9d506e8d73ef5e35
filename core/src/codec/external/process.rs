//! The host as its parent sees it: started without what it must not have, watched, and ended with all that it started.

use std::io;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::SERVICE;
use super::host::Setup;
use super::image::Image;
use super::protocol::{Reply, Request, write_request};
use super::{FINGERPRINT_LEN, HOST_COMMAND, Library};
use crate::codec::engine::EngineError;
use crate::hash::hex;
use crate::text::{escape, escape_bytes};
/// Stored bytes that give a block one more second.
const BYTES_A_SECOND: usize = 4 << 20;

/// What ends a host.
#[derive(Debug)]
pub(super) enum Failure {
    /// The library isn't the one that was asked for, or can't be used at all.
    Refused(String),
    /// The host is gone or has to go; the next one may do better.
    Lost(String),
}

/// A running host. A thread of its own starts it, and reads and writes its pipes, so that nothing can block who waits.
pub(super) struct Host {
    running: Mutex<Running>,
    requests: SyncSender<Request>,
    replies: Receiver<io::Result<Reply>>,
    busy: Mutex<Duration>,
    _closed: closed::Closed,
}

struct Running {
    child: Child,
    ended: Option<ExitStatus>,
}

impl Host {
    pub(super) fn start(library: &Library, image: &Image) -> Result<Self, Failure> {
        let refused = |error: io::Error| {
            let host = escape_bytes(library.host.as_os_str().as_encoded_bytes());
            Failure::Refused(format!("its host {host} did not start: {error}"))
        };
        let mut command = command(library, image).map_err(refused)?;
        let closed = closed::Closed::new();
        let (requests, inbox) = mpsc::sync_channel(1);
        let (outbox, replies) = mpsc::sync_channel(1);
        let (started, start) = mpsc::sync_channel(1);
        // Linux ends a host when the thread that started it ends. That must not be a thread that has other work.
        let keep = move || {
            let child = command.spawn().map(|mut child| (child.stdin.take(), child.stdout.take(), child));
            let pipes = match child {
                Ok((stdin, stdout, child)) => started.send(Ok(child)).ok().and(stdin.zip(stdout)),
                Err(error) => {
                    _ = started.send(Err(error));
                    return;
                }
            };
            if let Some((stdin, stdout)) = pipes {
                talk(stdin, stdout, &inbox, &outbox);
            }
            drop(outbox);
            while inbox.recv().is_ok() {}
        };
        std::thread::Builder::new().name("core library".to_owned()).spawn(keep).map_err(refused)?;
        let child = start.recv().map_err(|_| refused(io::ErrorKind::BrokenPipe.into()))?.map_err(refused)?;
        let running = Mutex::new(Running { child, ended: None });
        let host = Self { running, requests, replies, busy: Mutex::default(), _closed: closed };
        let timeout = library.load_timeout.min(library.timeout);
        let reply = match host.replies.recv_timeout(timeout) {
            // The next one would hang as well.
            Err(RecvTimeoutError::Timeout) => {
                return Err(Failure::Refused(format!(
                    "it did not answer within {timeout:?} while it was being loaded"
                )));
            }
            reply => host.taken(reply)?,
        };
        match reply {
            Reply::Ready { engine_id, fingerprint } => pinned(library, engine_id.as_deref(), fingerprint)?,
            Reply::Refused(reason) => return Err(Failure::Refused(escape_bytes(&reason))),
            _ => return Err(Failure::Refused("its host sent an unexpected answer".to_owned())),
        }
        Ok(host)
    }

    pub(super) fn decode(
        &self,
        stored: &[u8],
        limit: u64,
        timeout: Duration,
    ) -> Result<Result<Vec<u8>, EngineError>, Failure> {
        let begun = Instant::now();
        let request = Request { stored: stored.to_vec(), limit };
        if self.requests.send(request).is_err() {
            return Err(Failure::Lost(self.ending()));
        }
        let timeout = timeout.saturating_add(Duration::from_secs((stored.len() / BYTES_A_SECOND) as u64));
        let reply = match self.replies.recv_timeout(timeout) {
            Err(RecvTimeoutError::Timeout) => return Err(Failure::Lost(format!("did not answer within {timeout:?}"))),
            reply => self.taken(reply)?,
        };
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        *busy = busy.saturating_add(begun.elapsed());
        match reply {
            Reply::Decoded(bytes) => Ok(Ok(bytes)),
            Reply::TooLarge(decoded_len) => Ok(Err(EngineError::TooLarge { decoded_len, limit })),
            Reply::Malformed => Ok(Err(EngineError::Malformed("the library can't decode it".to_owned()))),
            Reply::Ready { .. } | Reply::Refused(_) => Err(Failure::Lost("sent an unexpected answer".to_owned())),
        }
    }

    /// Whether it has worked so long that another should take its place.
    pub(super) fn is_worn(&self) -> bool {
        *self.busy.lock().unwrap_or_else(PoisonError::into_inner) > SERVICE
    }

    fn taken(&self, reply: Result<io::Result<Reply>, RecvTimeoutError>) -> Result<Reply, Failure> {
        match reply {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                Err(Failure::Lost(format!("sent a garbled answer: {error}")))
            }
            Ok(Err(_)) | Err(_) => Err(Failure::Lost(self.ending())),
        }
    }

    /// How the host ended, now that its pipes are closed.
    fn ending(&self) -> String {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..50 {
            if has_ended(&mut running.child) {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let closed = !has_ended(&mut running.child);
        match running.end() {
            Some(status) if !closed => format!("died ({status})"),
            _ => "closed its pipes".to_owned(),
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.running.get_mut().unwrap_or_else(PoisonError::into_inner).end();
    }
}

impl Running {
    /// Ends the host and its group, once, and says how it ended. The group goes first: as long as nobody has waited for
    /// the host, its number can't be another's.
    fn end(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            end_group(&self.child);
            // Nothing can be done about a process that can't be killed.
            _ = self.child.kill();
            self.ended = self.child.wait().ok();
        }
        self.ended
    }
}

/// An empty environment but for what the library is told about itself; no secret is on the command line either.
fn command(library: &Library, image: &Image) -> io::Result<Command> {
    let mut command = Command::new(&library.host);
    command.arg(HOST_COMMAND).arg(image.path(&library.path)).args(Setup::of(library, image).args());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(image.stderr()?);
    command.env_clear().env("HARMONY4_CORE_PATH", &library.path);
    let pins = [("HARMONY4_ENGINE_ID", &library.engine_id), ("HARMONY4_ENGINE_FP", &library.fingerprint)];
    for (name, pin) in pins {
        pin.iter().for_each(|pin| _ = command.env(name, pin));
    }
    // Windows starts nothing without these.
    #[cfg(windows)]
    for name in ["SystemRoot", "SystemDrive"] {
        std::env::var_os(name).iter().for_each(|value| _ = command.env(name, value));
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    Ok(command)
}

/// Whether the host has ended. On Unix it isn't waited for, and keeps its number.
fn has_ended(host: &mut Child) -> bool {
    #[cfg(unix)]
    {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        pid(host).is_some_and(|pid| !matches!(waitid(WaitId::Pid(pid), look), Ok(None)))
    }
    #[cfg(not(unix))]
    {
        !matches!(host.try_wait(), Ok(None))
    }
}

#[cfg(unix)]
fn pid(host: &Child) -> Option<rustix::process::Pid> {
    i32::try_from(host.id()).ok().and_then(rustix::process::Pid::from_raw)
}

/// Ends what the library started in the host's process group, and the host.
#[cfg(unix)]
fn end_group(host: &Child) {
    if let Some(group) = pid(host) {
        _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

/// There are no process groups.
#[cfg(not(unix))]
fn end_group(_: &Child) {}

fn pinned(
    library: &Library,
    engine_id: Option<&[u8]>,
    fingerprint: Option<[u8; FINGERPRINT_LEN]>,
) -> Result<(), Failure> {
    if let Some(wanted) = &library.engine_id
        && engine_id != Some(wanted.as_bytes())
    {
        let found = engine_id.map_or("it has none".to_owned(), |id| format!("it is \"{}\"", escape_bytes(id)));
        return Err(Failure::Refused(format!("its engine id must be \"{}\", but {found}", escape(wanted))));
    }
    let found = fingerprint.map(|bytes| hex(&bytes));
    if let Some(wanted) = &library.fingerprint
        && found.as_deref() != Some(wanted.to_ascii_lowercase().as_str())
    {
        let found = found.map_or("it has none".to_owned(), |hex| format!("it is {hex}"));
        return Err(Failure::Refused(format!("its fingerprint must be {}, but {found}", escape(wanted))));
    }
    Ok(())
}

/// Passes requests on to a host and its replies back, until either side is gone.
fn talk(
    mut stdin: ChildStdin,
    mut stdout: ChildStdout,
    requests: &Receiver<Request>,
    replies: &SyncSender<io::Result<Reply>>,
) {
    let ready = Reply::read(&mut stdout, 0);
    let mut over = ready.is_err();
    if replies.send(ready).is_err() || over {
        return;
    }
    for Request { stored, limit } in requests {
        let answer = write_request(&mut stdin, &stored, limit).and_then(|()| Reply::read(&mut stdout, limit));
        over = answer.is_err();
        if replies.send(answer).is_err() || over {
            return;
        }
    }
}

/// While a host runs, nobody else may look into this process, which may hold keys: not at its environment, not at its
/// memory.
#[cfg(target_os = "linux")]
mod closed {
    use std::sync::{Mutex, PoisonError};

    use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};

    /// Hosts, and what the process was before the first.
    static HOSTS: Mutex<(usize, Option<DumpableBehavior>)> = Mutex::new((0, None));

    pub(super) struct Closed(());

    impl Closed {
        pub(super) fn new() -> Self {
            let mut hosts = HOSTS.lock().unwrap_or_else(PoisonError::into_inner);
            if hosts.0 == 0 {
                hosts.1 = dumpable_behavior().ok();
                // It can't fail: the value is one that every kernel knows.
                _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
            }
            hosts.0 += 1;
            Self(())
        }
    }

    impl Drop for Closed {
        fn drop(&mut self) {
            let mut hosts = HOSTS.lock().unwrap_or_else(PoisonError::into_inner);
            hosts.0 = hosts.0.saturating_sub(1);
            if hosts.0 == 0 && matches!(hosts.1, Some(DumpableBehavior::Dumpable)) {
                _ = set_dumpable_behavior(DumpableBehavior::Dumpable);
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod closed {
    pub(super) struct Closed(());

    impl Closed {
        pub(super) fn new() -> Self {
            Self(())
        }
    }
}
