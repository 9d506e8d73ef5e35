//! The vendor's shared library for closed engines, over its C ABI, in a child process.
//!
//! ```c
//! size_t h4_decompress(const void*, size_t, void** out);   // 0, or a null out, is failure
//! void h4_free(void*);
//! const char* h4_engine_id(void);                          // optional
//! const unsigned char* h4_engine_fp(void);                 // optional, 32 bytes
//! ```
//!
//! A library can lack a symbol, print, lie about a length, hang, crash, or be hostile. So it is never loaded here:
//! [`External`] starts a host, which is this program again or any other that calls [`host`], and talks to it through
//! pipes. What the host sends is bounded in length and in time, and a host that died is started again for the next block.
//! The host confines itself before it loads the library: see [`unconfined`] for what the system lacks for that.

mod confine;
mod host;
mod image;
mod process;
mod protocol;

use std::path::PathBuf;
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::engine::{Engine, EngineError, is_reference};
use crate::meta::Compression;
use crate::text::escape_bytes;
use image::Image;
use process::{Failure, Host};

pub use confine::unconfined;
pub use host::host;

/// The argument that makes a program a host. See [`host`].
pub const HOST_COMMAND: &str = "__core-host";

/// Hosts that run at the same time.
const HOSTS: usize = 2;
/// Hosts that failed one after the other before no more are started.
const STRIKES: u32 = 3;
/// A host that has worked as long is replaced, so that a limit on its processor time can hold.
const SERVICE: Duration = Duration::from_secs(600);
const FINGERPRINT_LEN: usize = 32;

/// Where the vendor's library is, and what is demanded of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// The shared library. Where it is relative, it is so to the current folder: no other folder is searched.
    pub path: PathBuf,
    /// The program to start as the host: one that gives [`host`] the arguments after [`HOST_COMMAND`]. `h4inspect` does.
    pub host: PathBuf,
    /// What `h4_engine_id` must say (HARMONY4_ENGINE_ID).
    pub engine_id: Option<String>,
    /// What `h4_engine_fp` must point to, in hex of either case (HARMONY4_ENGINE_FP).
    pub fingerprint: Option<String>,
    /// SHA-256 that the file must have (`--core-sha256`). It is checked before any of the library's code runs, on the
    /// very bytes that are loaded.
    pub sha256: Option<[u8; 32]>,
    /// How long the library may take to load, if that is less than `timeout`.
    pub load_timeout: Duration,
    /// How long it may take for one block; large blocks get a second more for each 4 MiB stored.
    pub timeout: Duration,
    /// Bytes of memory that a host may use, at most half of what the machine has.
    pub memory: u64,
}

impl Library {
    /// A library of which nothing is demanded but that it loads in 5 seconds, decodes a small block in 10, and needs
    /// no more than 3 GiB.
    pub fn new(path: impl Into<PathBuf>, host: impl Into<PathBuf>) -> Self {
        Self {
            path: absolute(path.into()),
            host: host.into(),
            engine_id: None,
            fingerprint: None,
            sha256: None,
            load_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            memory: 3 << 30,
        }
    }

    /// Compares the file with the SHA-256 that it must have, if any, without loading it: a wrong one can be refused
    /// before there is a block to decode. Hosts check again what they load.
    pub fn check(&self) -> Result<(), String> {
        self.sha256.as_ref().map_or(Ok(()), |sha256| image::check(&self.path, sha256))
    }
}

/// A path without a slash would be searched for in the system's folders. One that can't be made absolute, because the
/// current folder is gone, still gets its slash.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or_else(|_| PathBuf::from(".").join(path))
}

/// Decodes the blocks of every engine but the reference engine with the vendor's library. Nothing is started before the
/// first block. Any number of threads can share it; at most two blocks are decoded at the same time.
///
/// ```no_run
/// use std::sync::Arc;
/// use h4mk::codec::engine::Engines;
/// use h4mk::codec::external::{External, Library};
/// use h4mk::container::Options;
///
/// let library = Library::new("/opt/vendor/libh4core.so", "/usr/bin/h4inspect");
/// let engines = Engines::default().with(Arc::new(External::new(library)));
/// let options = Options { engines, ..Options::default() };
/// ```
pub struct External {
    library: Library,
    image: OnceLock<Result<Image, String>>,
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
        Self { library, image: OnceLock::new(), pool: Mutex::default(), returned: Condvar::new() }
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
        match idle.map_or_else(|| self.start(), Ok) {
            Ok(host) => Ok(host),
            Err(failure) => Err(self.give_up(None, failure)),
        }
    }

    fn start(&self) -> Result<Host, Failure> {
        match self.image.get_or_init(|| Image::open(&self.library.path, self.library.sha256.as_ref())) {
            Ok(image) => Host::start(&self.library, image),
            Err(reason) => Err(Failure::Refused(reason.clone())),
        }
    }

    /// Takes a host back. One that failed is not used again.
    fn put(&self, host: Host) {
        let host = Some(host).filter(|host| !host.is_worn());
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.busy -= 1;
        pool.strikes = 0;
        pool.idle.extend(host);
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
                let message =
                    format!("the library {path} {what}; it failed {STRIKES} times in a row, so it is not tried again");
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
