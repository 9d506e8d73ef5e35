//! The host: a process that has nothing worth taking, confines itself, and only then loads the library.
#![expect(unsafe_code, reason = "a C library is called, and descriptors are closed that nobody here opened")]

use std::ffi::{CStr, OsStr, OsString, c_char, c_uchar, c_void};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};

use super::confine::Confined;
use super::image::Image;
use super::protocol::{DECODED, Reply, Request, TEXT_MAX, read_request, write_reply};
use super::{FINGERPRINT_LEN, Library};

/// What a host is told on its command line, after the library's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Setup {
    /// The library's bytes come as standard error.
    pub(super) image: ImageIs,
    /// Bytes.
    pub(super) memory: u64,
}

/// What of the library's file a host loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ImageIs {
    /// What came as standard error, and nothing else: its digest was checked.
    Pinned,
    /// What came as standard error, or the path: libraries beside it are found by the path only.
    Inherited,
    /// The path.
    Path,
}

impl Setup {
    pub(super) fn of(library: &Library, image: &Image) -> Self {
        let image = match (image.is_inherited(), library.sha256) {
            (true, Some(_)) => ImageIs::Pinned,
            (true, None) => ImageIs::Inherited,
            (false, _) => ImageIs::Path,
        };
        Self { image, memory: library.memory }
    }

    pub(super) fn args(self) -> [String; 2] {
        let image = match self.image {
            ImageIs::Pinned => "pinned",
            ImageIs::Inherited => "inherited",
            ImageIs::Path => "path",
        };
        [image.to_owned(), self.memory.to_string()]
    }

    /// What isn't said is as for [`Library::new`].
    fn parse(mut args: impl Iterator<Item = OsString>) -> Self {
        let image = match args.next().as_deref().and_then(OsStr::to_str) {
            Some("pinned") => ImageIs::Pinned,
            Some("inherited") => ImageIs::Inherited,
            _ => ImageIs::Path,
        };
        let memory = args.next().and_then(|memory| memory.to_str()?.parse().ok());
        Self { image, memory: memory.unwrap_or_else(|| Library::new("", "").memory) }
    }
}

/// Makes this process a host: confines it, loads the library and decodes what comes on standard input. The process ends
/// when that does. For a program that is to be its own host, the first thing to do, before there is another thread or an
/// open file:
///
/// ```no_run
/// use h4mk::codec::external::{HOST_COMMAND, host};
///
/// fn main() -> std::io::Result<()> {
///     let mut args = std::env::args_os().skip(1);
///     if args.next().is_some_and(|command| command == HOST_COMMAND) {
///         return host(args);
///     }
///     // … the program itself, with `std::env::current_exe()` as `Library::host`
///     Ok(())
/// }
/// ```
pub fn host(args: impl IntoIterator<Item = OsString>) -> io::Result<()> {
    let mut args = args.into_iter();
    let library = PathBuf::from(args.next().unwrap_or_default());
    let setup = Setup::parse(args);
    #[cfg(unix)]
    close_inherited();
    let Streams { input, mut out, image } = Streams::take(setup.image)?;
    match load(&library, setup, input, image.as_ref()) {
        Ok((core, requests)) => {
            Reply::Ready { engine_id: core.engine_id(), fingerprint: core.fingerprint() }.write(&mut out)?;
            requests.iter().try_for_each(|request| core.answer(&request, &mut out))
        }
        Err(reason) => Reply::Refused(reason.into_bytes()).write(&mut out),
    }
}

/// Nothing of the library runs before the process is confined, and nothing is opened any more once it is loaded.
fn load(
    library: &Path,
    setup: Setup,
    input: io::BufReader<File>,
    image: Option<&File>,
) -> Result<(Core, Receiver<Request>), String> {
    let cant = |why: String| format!("it can't be confined: {why}");
    let leads = leads_group();
    let confined = Confined::begin(library, setup.memory, setup.image == ImageIs::Path).map_err(cant)?;
    let requests = requests(input, leads).map_err(|error| error.to_string())?;
    confined.started().map_err(cant)?;
    let core = Core::load_image(library, setup.image, image)?;
    confined.loaded().map_err(cant)?;
    Ok((core, requests))
}

/// What this process was given: the pipes to the other side, and the library. What the library prints goes nowhere, and
/// what it reads is empty: on Unix; elsewhere a library that prints spoils the answer, which is then refused.
struct Streams {
    input: io::BufReader<File>,
    out: io::BufWriter<File>,
    image: Option<File>,
}

impl Streams {
    #[cfg(unix)]
    fn take(image: ImageIs) -> io::Result<Self> {
        use std::os::fd::AsFd;
        let copy = |stream: std::os::fd::BorrowedFd<'_>| stream.try_clone_to_owned().map(File::from);
        let (input, out) = (copy(io::stdin().as_fd())?, copy(io::stdout().as_fd())?);
        let image = (image != ImageIs::Path).then(|| copy(io::stderr().as_fd())).transpose()?;
        let null = File::options().read(true).write(true).open("/dev/null")?;
        rustix::stdio::dup2_stdin(&null)?;
        rustix::stdio::dup2_stdout(&null)?;
        rustix::stdio::dup2_stderr(&null)?;
        Ok(Self { input: io::BufReader::new(input), out: io::BufWriter::new(out), image })
    }

    #[cfg(windows)]
    fn take(_: ImageIs) -> io::Result<Self> {
        use std::os::windows::io::AsHandle;
        let (input, out) =
            (io::stdin().as_handle().try_clone_to_owned()?, io::stdout().as_handle().try_clone_to_owned()?);
        Ok(Self { input: io::BufReader::new(input.into()), out: io::BufWriter::new(out.into()), image: None })
    }
}

/// Closes all but the standard streams: whoever started this program may have left something open.
#[cfg(unix)]
fn close_inherited() {
    #[cfg(target_os = "linux")]
    // SAFETY: a system call without pointers. Nothing in this process has opened a descriptor yet.
    if unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) } == 0 {
        return;
    }
    let names = std::fs::read_dir("/dev/fd").into_iter().flatten().filter_map(Result::ok);
    let open: Vec<i32> = names.filter_map(|name| name.file_name().to_str()?.parse().ok()).collect();
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        // SAFETY: as above; the listing's own descriptor is closed already, which is no harm.
        unsafe { libc::close(descriptor) };
    }
}

/// Requests as they come. Whatever the library is doing, the process ends with the input: nobody waits for it then.
fn requests(mut input: io::BufReader<File>, leads: bool) -> io::Result<Receiver<Request>> {
    let (outbox, inbox) = mpsc::sync_channel(1);
    let read = move || {
        while let Ok(Some(request)) = read_request(&mut input) {
            if outbox.send(request).is_err() {
                return;
            }
        }
        end(leads);
    };
    std::thread::Builder::new().spawn(read)?;
    Ok(inbox)
}

/// Whether the host was given a process group of its own.
fn leads_group() -> bool {
    #[cfg(unix)]
    {
        rustix::process::getpgrp() == rustix::process::getpid()
    }
    #[cfg(not(unix))]
    false
}

/// Ends this host, and its group if it `leads` one. What the library wants done at the end of a process is not done: it
/// could hang.
fn end(leads: bool) -> ! {
    #[cfg(unix)]
    {
        use rustix::process::{Signal, getpid, kill_process_group};
        if leads {
            // A filter forbids it where nothing can have been started.
            _ = kill_process_group(getpid(), Signal::KILL);
        }
        // SAFETY: it takes no pointer and doesn't return.
        unsafe { libc::_exit(0) }
    }
    #[cfg(not(unix))]
    {
        _ = leads;
        std::process::exit(0)
    }
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
    /// An error names the library, not the descriptor it was loaded through.
    fn load_image(library: &Path, is: ImageIs, image: Option<&File>) -> Result<Self, String> {
        #[cfg(target_os = "linux")]
        if let Some(image) = image {
            let inherited = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(image));
            let reason = match Self::load(inherited.as_ref()) {
                Err(reason) if is == ImageIs::Pinned => reason,
                // A library that isn't found is one more reason to look beside the path.
                Err(reason) => match Self::load(library.as_os_str()) {
                    Err(_) => reason,
                    core => return core,
                },
                core => return core,
            };
            return Err(reason.replace(&inherited, &library.to_string_lossy()));
        }
        _ = (is, image);
        Self::load(library.as_os_str())
    }

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
