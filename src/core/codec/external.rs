//! The vendor's shared library for closed engines, over its C ABI, in a child process.
//!
//! ```c
//! size_t h4_decompress(const void*, size_t, void** out);   // 0, or a null out, is failure
//! void h4_free(void*);
//! const char* h4_engine_id(void);                          // optional
//! const unsigned char* h4_engine_fp(void);                 // optional, 32 bytes
//! ```
//!
//! A library can lack a symbol, print, lie about a length, hang, or crash. So it is never loaded here: [`External`]
//! starts a host, which is this program again or any other that calls [`host`], and talks to it through pipes. What the
//! host sends is bounded in length and in time, and a host that died is started again for the next block.
#![expect(unsafe_code, reason = "a C library is called, and the host's standard streams are moved out of its way")]

use std::ffi::{CStr, OsStr, c_char, c_uchar, c_void};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::engine::{Engine, EngineError, is_reference};
use crate::core::hash::hex;
use crate::core::meta::Compression;
use crate::core::text::{escape, escape_bytes};

/// The argument that makes a program a host; the library's path follows. See [`host`].
pub const HOST_COMMAND: &str = "__core-host";

/// Hosts that run at the same time.
const HOSTS: usize = 2;
/// Hosts that failed one after the other before no more are started.
const STRIKES: u32 = 3;
/// Variables that hold keys, which are none of the library's business.
const KEY_VARIABLES: [&str; 2] = ["H4_SHARED_SECRET", "H4_MASK_KEY"];
/// Bytes of an engine id or a message that are taken from a host.
const TEXT_MAX: u64 = 4096;
const FINGERPRINT_LEN: usize = 32;

/// Where the vendor's library is, and what is demanded of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// The shared library.
    pub path: PathBuf,
    /// The program to start as the host: one that gives [`host`] the argument after [`HOST_COMMAND`]. `h4inspect` does.
    pub host: PathBuf,
    /// What `h4_engine_id` must say (HARMONY4_ENGINE_ID).
    pub engine_id: Option<String>,
    /// What `h4_engine_fp` must point to, in hex of either case (HARMONY4_ENGINE_FP).
    pub fingerprint: Option<String>,
    /// How long the library may take to load, and for one block.
    pub timeout: Duration,
}

impl Library {
    /// A library of which nothing is demanded but that it answers in 30 seconds.
    pub fn new(path: impl Into<PathBuf>, host: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            host: host.into(),
            engine_id: None,
            fingerprint: None,
            timeout: Duration::from_secs(30),
        }
    }
}

/// Decodes the blocks of every engine but the reference engine with the vendor's library. Nothing is started before the
/// first block. Any number of threads can share it; at most two blocks are decoded at the same time.
///
/// ```no_run
/// use std::sync::Arc;
/// use h4inspect::core::codec::engine::Engines;
/// use h4inspect::core::codec::external::{External, Library};
/// use h4inspect::core::container::Options;
///
/// let library = Library::new("/opt/vendor/libh4core.so", "/usr/bin/h4inspect");
/// let engines = Engines::default().with(Arc::new(External::new(library)));
/// let options = Options { engines, ..Options::default() };
/// ```
pub struct External {
    library: Library,
    pool: Mutex<Pool>,
    returned: Condvar,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Host>,
    busy: usize,
    strikes: u32,
    /// Why no host is started any more.
    refused: Option<String>,
}

impl External {
    /// Starts nothing yet.
    pub fn new(library: Library) -> Self {
        Self { library, pool: Mutex::default(), returned: Condvar::new() }
    }

    /// A host that is free, or a new one.
    fn take(&self) -> Result<Host, EngineError> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        while pool.busy >= HOSTS {
            pool = self.returned.wait(pool).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(reason) = &pool.refused {
            return Err(EngineError::Failed(reason.clone()));
        }
        pool.busy += 1;
        let idle = pool.idle.pop();
        drop(pool);
        match idle.map_or_else(|| Host::start(&self.library), Ok) {
            Ok(host) => Ok(host),
            Err(failure) => Err(self.give_up(None, failure)),
        }
    }

    /// Takes a host back. One that failed is not used again.
    fn put(&self, host: Host) {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.busy -= 1;
        pool.strikes = 0;
        pool.idle.push(host);
        self.returned.notify_one();
    }

    fn give_up(&self, host: Option<Host>, failure: Failure) -> EngineError {
        drop(host);
        let path = escape_bytes(self.library.path.as_os_str().as_encoded_bytes());
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.busy -= 1;
        pool.strikes += 1;
        let message = match failure {
            Failure::Refused(reason) => {
                pool.refused = Some(format!("the library {path} can't be used: {reason}"));
                pool.refused.clone().unwrap_or_default()
            }
            Failure::Lost(what) if pool.strikes >= STRIKES => {
                let message = format!("the library {path} {what}; {STRIKES} times on end, so it is not tried again");
                pool.refused = Some(message.clone());
                message
            }
            Failure::Lost(what) => format!("the library {path} {what}"),
        };
        self.returned.notify_all();
        EngineError::Failed(message)
    }
}

impl Engine for External {
    fn name(&self) -> &str {
        "core library"
    }

    fn matches(&self, compression: &Compression) -> bool {
        !is_reference(compression)
    }

    fn decode(&self, stored: &[u8], limit: u64) -> Result<Vec<u8>, EngineError> {
        let host = self.take()?;
        match host.decode(stored, limit, self.library.timeout) {
            Ok(answer) => {
                self.put(host);
                answer
            }
            Err(failure) => Err(self.give_up(Some(host), failure)),
        }
    }
}

/// What ends a host.
#[derive(Debug)]
enum Failure {
    /// The library is not the one that was asked for, or none.
    Refused(String),
    /// The host is gone or has to go; the next one may do better.
    Lost(String),
}

/// A running host. A thread of its own reads and writes its pipes, so that nothing can block who waits.
struct Host {
    child: Mutex<Child>,
    requests: SyncSender<Request>,
    replies: Receiver<io::Result<Reply>>,
}

struct Request {
    stored: Vec<u8>,
    limit: u64,
}

/// What a host says.
#[derive(Debug, PartialEq, Eq)]
enum Reply {
    Ready { engine_id: Option<Vec<u8>>, fingerprint: Option<[u8; FINGERPRINT_LEN]> },
    Refused(Vec<u8>),
    Decoded(Vec<u8>),
    TooLarge(u64),
    Malformed,
}

impl Host {
    fn start(library: &Library) -> Result<Self, Failure> {
        let mut command = Command::new(&library.host);
        command.arg(HOST_COMMAND).arg(&library.path);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        KEY_VARIABLES.iter().for_each(|name| _ = command.env_remove(name));
        // What the library starts is in the host's group, and ends with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let refused = |error: io::Error| {
            let host = escape_bytes(library.host.as_os_str().as_encoded_bytes());
            Failure::Refused(format!("its host {host} does not start: {error}"))
        };
        let mut child = command.spawn().map_err(refused)?;
        let (requests, inbox) = mpsc::sync_channel(1);
        let (outbox, replies) = mpsc::sync_channel(1);
        if let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) {
            let talk = move || talk(stdin, stdout, &inbox, &outbox);
            std::thread::Builder::new().name("core library".to_owned()).spawn(talk).map_err(refused)?;
        }
        let host = Self { child: Mutex::new(child), requests, replies };
        match host.reply(library.timeout)? {
            Reply::Ready { engine_id, fingerprint } => pinned(library, engine_id.as_deref(), fingerprint)?,
            Reply::Refused(reason) => return Err(Failure::Refused(escape_bytes(&reason))),
            _ => return Err(Failure::Refused("its host answers what was not asked".to_owned())),
        }
        Ok(host)
    }

    fn decode(&self, stored: &[u8], limit: u64, timeout: Duration) -> Result<Result<Vec<u8>, EngineError>, Failure> {
        let request = Request { stored: stored.to_vec(), limit };
        if self.requests.send(request).is_err() {
            return Err(Failure::Lost(self.ending()));
        }
        match self.reply(timeout)? {
            Reply::Decoded(bytes) => Ok(Ok(bytes)),
            Reply::TooLarge(decoded_len) => Ok(Err(EngineError::TooLarge { decoded_len, limit })),
            Reply::Malformed => Ok(Err(EngineError::Malformed("the library does not decode it".to_owned()))),
            Reply::Ready { .. } | Reply::Refused(_) => Err(Failure::Lost("answers what was not asked".to_owned())),
        }
    }

    fn reply(&self, timeout: Duration) -> Result<Reply, Failure> {
        match self.replies.recv_timeout(timeout) {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                Err(Failure::Lost(format!("garbles its answer: {error}")))
            }
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Err(Failure::Lost(self.ending())),
            Err(RecvTimeoutError::Timeout) => Err(Failure::Lost(format!("did not answer in {timeout:?}"))),
        }
    }

    /// How the host ended, now that its pipes are closed.
    fn ending(&self) -> String {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let mut status = None;
        for _ in 0..50 {
            status = child.try_wait().ok().flatten();
            if status.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        match status {
            Some(status) => {
                end_group(&child);
                format!("died ({status})")
            }
            None => "closed its pipes".to_owned(),
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        // One that has died took its group with it, and its number may be another's by now.
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        end_group(child);
        // Nothing can be done about a process that can't be killed.
        _ = child.kill();
        _ = child.wait();
    }
}

/// Ends what the library started in the host's process group, and the host if it still runs.
#[cfg(unix)]
fn end_group(host: &Child) {
    if let Ok(group) = libc::pid_t::try_from(host.id()) {
        // SAFETY: a system call without pointers. The group is the host's own since it was started, and its number is
        // not given to another before the host is waited for, or right after.
        unsafe { libc::killpg(group, libc::SIGKILL) };
    }
}

/// There are no process groups.
#[cfg(not(unix))]
fn end_group(_: &Child) {}

/// Ends this host and what the library started, if the host was given a process group of its own.
fn end_own_group() {
    #[cfg(unix)]
    // SAFETY: system calls without pointers; 0 is the group of this process.
    unsafe {
        if libc::getpgrp() == libc::getpid() {
            libc::killpg(0, libc::SIGKILL);
        }
    }
}

fn pinned(
    library: &Library,
    engine_id: Option<&[u8]>,
    fingerprint: Option<[u8; FINGERPRINT_LEN]>,
) -> Result<(), Failure> {
    if let Some(wanted) = &library.engine_id
        && engine_id != Some(wanted.as_bytes())
    {
        let found = engine_id.map_or("it has none".to_owned(), |id| format!("it is \"{}\"", escape_bytes(id)));
        return Err(Failure::Refused(format!("its engine id must be \"{}\", {found}", escape(wanted))));
    }
    let found = fingerprint.map(|bytes| hex(&bytes));
    if let Some(wanted) = &library.fingerprint
        && found.as_deref() != Some(wanted.to_ascii_lowercase().as_str())
    {
        let found = found.map_or("it has none".to_owned(), |hex| format!("it is {hex}"));
        return Err(Failure::Refused(format!("its fingerprint must be {}, {found}", escape(wanted))));
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
    if replies.send(Reply::read(&mut stdout, 0)).is_err() {
        return;
    }
    for Request { stored, limit } in requests {
        let answer = write_request(&mut stdin, &stored, limit).and_then(|()| Reply::read(&mut stdout, limit));
        let over = answer.is_err();
        if replies.send(answer).is_err() || over {
            return;
        }
    }
}

// The protocol. Numbers are little-endian u64. A request is the limit, a length, and as many bytes; a reply is one byte
// that says what it is, a length, and as many bytes.

const READY: u8 = b'R';
const REFUSED: u8 = b'N';
const DECODED: u8 = b'D';
const TOO_LARGE: u8 = b'L';
const MALFORMED: u8 = b'M';

fn write_request(out: &mut impl Write, stored: &[u8], limit: u64) -> io::Result<()> {
    out.write_all(&limit.to_le_bytes())?;
    out.write_all(&(stored.len() as u64).to_le_bytes())?;
    out.write_all(stored)?;
    out.flush()
}

/// `None` where the other side is gone.
fn read_request(input: &mut impl Read) -> io::Result<Option<Request>> {
    let mut limit = [0; 8];
    match input.read_exact(&mut limit) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    }
    let len = read_u64(input)?;
    Ok(Some(Request { stored: read_bytes(input, len)?, limit: u64::from_le_bytes(limit) }))
}

fn read_u64(input: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    input.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// Grows with what really comes: a length alone allocates nothing.
fn read_bytes(input: &mut impl Read, len: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if input.take(len).read_to_end(&mut bytes)? as u64 != len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

fn garbled(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

impl Reply {
    fn read(input: &mut impl Read, limit: u64) -> io::Result<Self> {
        let mut kind = [0];
        input.read_exact(&mut kind)?;
        let len = read_u64(input)?;
        let [kind] = kind;
        if len > if kind == DECODED { limit } else { TEXT_MAX + 128 } {
            return Err(garbled("it is longer than it may be"));
        }
        let payload = read_bytes(input, len)?;
        match kind {
            READY => {
                let mut fields = payload.as_slice();
                let mut field = || {
                    let len = read_u64(&mut fields).ok()?;
                    read_bytes(&mut fields, len).ok().filter(|field| !field.is_empty())
                };
                let (engine_id, fingerprint) = (field(), field());
                Ok(Self::Ready { engine_id, fingerprint: fingerprint.and_then(|bytes| bytes.try_into().ok()) })
            }
            REFUSED => Ok(Self::Refused(payload)),
            DECODED => Ok(Self::Decoded(payload)),
            TOO_LARGE => Ok(Self::TooLarge(read_u64(&mut payload.as_slice())?)),
            MALFORMED => Ok(Self::Malformed),
            _ => Err(garbled("it is none of those there are")),
        }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Ready { engine_id, fingerprint } => {
                let mut payload = Vec::new();
                for field in [engine_id.as_deref(), fingerprint.as_ref().map(|bytes| bytes.as_slice())] {
                    let field = field.unwrap_or_default();
                    payload.extend((field.len() as u64).to_le_bytes());
                    payload.extend(field);
                }
                write_reply(out, READY, &payload)
            }
            Self::Refused(reason) => write_reply(out, REFUSED, reason.get(..TEXT_MAX as usize).unwrap_or(reason)),
            Self::Decoded(bytes) => write_reply(out, DECODED, bytes),
            Self::TooLarge(len) => write_reply(out, TOO_LARGE, &len.to_le_bytes()),
            Self::Malformed => write_reply(out, MALFORMED, &[]),
        }
    }
}

fn write_reply(out: &mut impl Write, kind: u8, payload: &[u8]) -> io::Result<()> {
    out.write_all(&[kind])?;
    out.write_all(&(payload.len() as u64).to_le_bytes())?;
    out.write_all(payload)?;
    out.flush()
}

/// Makes this process a host: loads the library and decodes what comes on standard input. The process ends when that
/// does. For a program that is to be its own host, the first thing to do:
///
/// ```no_run
/// use h4inspect::core::codec::external::{HOST_COMMAND, host};
///
/// fn main() -> std::io::Result<()> {
///     let mut args = std::env::args_os().skip(1);
///     if let (Some(command), Some(library)) = (args.next(), args.next()) {
///         if command == HOST_COMMAND {
///             return host(&library);
///         }
///     }
///     // … the program itself, with `std::env::current_exe()` as `Library::host`
///     Ok(())
/// }
/// ```
pub fn host(library: &OsStr) -> io::Result<()> {
    let (input, mut out) = streams()?;
    let requests = requests(input)?;
    let core = match Core::load(library) {
        Ok(core) => core,
        Err(reason) => return Reply::Refused(reason.into_bytes()).write(&mut out),
    };
    Reply::Ready { engine_id: core.engine_id(), fingerprint: core.fingerprint() }.write(&mut out)?;
    requests.iter().try_for_each(|request| core.answer(&request, &mut out))
}

/// The pipes to the other side. What the library prints goes nowhere, and what it reads is empty: on Unix; elsewhere a
/// library that prints spoils the answer, which is then refused.
fn streams() -> io::Result<(io::BufReader<File>, io::BufWriter<File>)> {
    let (stdin, stdout) = (io::stdin(), io::stdout());
    #[cfg(unix)]
    let (input, out) = {
        use std::os::fd::AsFd;
        (stdin.as_fd().try_clone_to_owned()?, stdout.as_fd().try_clone_to_owned()?)
    };
    #[cfg(windows)]
    let (input, out) = {
        use std::os::windows::io::AsHandle;
        (stdin.as_handle().try_clone_to_owned()?, stdout.as_handle().try_clone_to_owned()?)
    };
    #[cfg(unix)]
    {
        use std::os::fd::AsRawFd;
        let null = File::options().read(true).write(true).open("/dev/null")?;
        // SAFETY: all three descriptors are open, and nothing here uses the standard streams from now on. A core file
        // would hold the block and help nobody; failing to prevent it harms nothing.
        unsafe {
            let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
            if libc::dup2(null.as_raw_fd(), 0) < 0 || libc::dup2(null.as_raw_fd(), 1) < 0 {
                return Err(io::Error::last_os_error());
            }
        }
    }
    Ok((io::BufReader::new(input.into()), io::BufWriter::new(out.into())))
}

/// Requests as they come. Whatever the library is doing, the process ends with the input: nobody waits for it then.
fn requests(mut input: io::BufReader<File>) -> io::Result<Receiver<Request>> {
    let (outbox, inbox) = mpsc::sync_channel(1);
    let read = move || {
        while let Ok(Some(request)) = read_request(&mut input) {
            if outbox.send(request).is_err() {
                return;
            }
        }
        end_own_group();
        std::process::exit(0);
    };
    std::thread::Builder::new().spawn(read)?;
    Ok(inbox)
}

type Decompress = unsafe extern "C" fn(*const c_void, usize, *mut *mut c_void) -> usize;
type Free = unsafe extern "C" fn(*mut c_void);
type EngineId = unsafe extern "C" fn() -> *const c_char;
type EngineFp = unsafe extern "C" fn() -> *const c_uchar;

/// The vendor's library, loaded into the host.
struct Core {
    decompress: Decompress,
    free: Free,
    library: libloading::Library,
}

impl Core {
    fn load(path: &OsStr) -> Result<Self, String> {
        let why = |error: libloading::Error| match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        // SAFETY: the library's initialisers run here. They may do anything; that is why this process is another one.
        let library = unsafe { libloading::Library::new(path) }.map_err(why)?;
        // SAFETY: the types are those of the ABI; a library with others under these names breaks this process only.
        let (decompress, free) = unsafe {
            let decompress = *library.get::<Decompress>("h4_decompress").map_err(why)?;
            (decompress, *library.get::<Free>("h4_free").map_err(why)?)
        };
        Ok(Self { decompress, free, library })
    }

    fn engine_id(&self) -> Option<Vec<u8>> {
        // SAFETY: by the ABI the symbol is this function, and what it gives is null or a string that ends with a zero
        // and outlives the call.
        let id = unsafe {
            let id = self.library.get::<EngineId>("h4_engine_id").ok()?();
            if id.is_null() {
                return None;
            }
            CStr::from_ptr(id).to_bytes()
        };
        Some(id.get(..TEXT_MAX as usize).unwrap_or(id).to_vec())
    }

    fn fingerprint(&self) -> Option<[u8; FINGERPRINT_LEN]> {
        // SAFETY: by the ABI the symbol is this function, and what it gives is null or 32 bytes that outlive the call.
        unsafe {
            let fingerprint = self.library.get::<EngineFp>("h4_engine_fp").ok()?();
            fingerprint.cast::<[u8; FINGERPRINT_LEN]>().as_ref().copied()
        }
    }

    /// Decodes one block, and answers from the library's own buffer.
    fn answer(&self, request: &Request, out: &mut impl Write) -> io::Result<()> {
        let mut decoded = std::ptr::null_mut();
        // SAFETY: the pointers are those of live values, and the length is that of the stored bytes.
        let len = unsafe { (self.decompress)(request.stored.as_ptr().cast(), request.stored.len(), &raw mut decoded) };
        if len == 0 || decoded.is_null() {
            return Reply::Malformed.write(out);
        }
        let written = if len as u64 > request.limit {
            Reply::TooLarge(len as u64).write(out)
        } else {
            // SAFETY: by the ABI there are `len` bytes, and they stay until they are freed below. If the library lies,
            // this process dies of it or sends what it should not have, and the other side takes no more than the limit.
            write_reply(out, DECODED, unsafe { std::slice::from_raw_parts(decoded.cast(), len) })
        };
        // SAFETY: the library gave the buffer, and nothing refers to it any more.
        unsafe { (self.free)(decoded) };
        written
    }
}
