//! Names of half-written files, where a signal handler finds them.
#![allow(unsafe_code)]

use std::ffi::{CString, c_int};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, Ordering};

/// How many there can be at a time; more are removed by nothing but their drafts.
const SLOTS: usize = 16;

static NAMES: [AtomicPtr<Name>; SLOTS] = [const { AtomicPtr::new(ptr::null_mut()) }; SLOTS];

struct Name {
    folder: RawFd,
    name: CString,
}

/// A name that is removed when a signal ends the program, until this is dropped.
#[derive(Debug)]
pub(super) struct Guard(Option<usize>);

impl Guard {
    /// `folder` has to stay open as long as the guard is there.
    pub(super) fn new(folder: BorrowedFd<'_>, name: &str) -> Self {
        let Ok(name) = CString::new(name) else { return Self(None) };
        // Never freed, since a handler may just be looking at it. There is one for each file that is written.
        let entry = ptr::from_mut(Box::leak(Box::new(Name { folder: folder.as_raw_fd(), name })));
        let free = |slot: &AtomicPtr<Name>| {
            slot.compare_exchange(ptr::null_mut(), entry, Ordering::SeqCst, Ordering::SeqCst).is_ok()
        };
        Self(NAMES.iter().position(free))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(slot) = self.0.and_then(|slot| NAMES.get(slot)) {
            slot.store(ptr::null_mut(), Ordering::SeqCst);
        }
    }
}

/// Safe in a signal handler: nothing but atomic loads and `unlinkat`.
pub(super) fn remove_all() {
    for slot in &NAMES {
        let entry = slot.swap(ptr::null_mut(), Ordering::SeqCst);
        // SAFETY: Entries are leaked, so what was stored lives for ever; nobody changes it.
        if let Some(entry) = unsafe { entry.as_ref() } {
            // SAFETY: A string that ends in 0. A descriptor that was closed meanwhile is an error.
            _ = unsafe { libc::unlinkat(entry.folder, entry.name.as_ptr(), 0) };
        }
    }
}

pub(super) fn remove_on_signals() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP].into_iter().filter(|signal| !is_ignored(*signal)) {
            let end = move || {
                remove_all();
                _ = signal_hook::low_level::emulate_default_handler(signal);
            };
            // SAFETY: `remove_all` and `emulate_default_handler` are safe in a signal handler. Where the handler can't be
            // set, only the tidying up is lost.
            _ = unsafe { signal_hook::low_level::register(signal, end) };
        }
    });
}

/// Whether the program was started with the signal ignored, as by `nohup`: then it stays so.
fn is_ignored(signal: c_int) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: Only asks; `action` has room for the answer, and zeroed it is an action too.
    let action = unsafe {
        _ = libc::sigaction(signal, ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}
