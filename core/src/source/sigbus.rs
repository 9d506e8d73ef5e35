//! Survives the signal that comes with reading a mapped page which the file no longer has.
//!
//! The handler looks for the address among the ranges that are guarded, lays zeros over the rest of that range, notes from
//! where on, and lets the read go on. A fault anywhere else is handed back to whoever was there before.
//!
//! Everything the handler touches is an atomic or was set before the handler was installed, and it calls nothing but
//! `mmap`, `sigaction` and `raise`, which on Linux and macOS are no more than system calls. All orderings are the strongest
//! one: nothing here is hot, and it keeps the reasoning short.
#![allow(unsafe_code)]

use std::io;
use std::ops::Range;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use libc::{c_int, c_void, siginfo_t};

/// Guards a mapping from its creation to its drop.
pub(super) struct Guard {
    slot: &'static Slot,
}

impl Guard {
    /// Guards `range`, which must begin at a page's start. Nothing may read it before, and the guard must be dropped before
    /// the range is unmapped.
    pub(super) fn new(range: Range<*const u8>) -> io::Result<Self> {
        install()?;
        let slot = SLOTS.claim();
        slot.start.store(range.start.addr(), SeqCst);
        slot.end.store(range.end.addr(), SeqCst);
        slot.lost_from.store(NOTHING_LOST, SeqCst);
        slot.version.fetch_add(1, SeqCst);
        Ok(Self { slot })
    }

    /// Offset into the range from which on it was replaced by zeros.
    pub(super) fn lost_from(&self) -> Option<u64> {
        Some(self.slot.lost_from.load(SeqCst)).filter(|&offset| offset != NOTHING_LOST).map(|offset| offset as u64)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.slot.version.fetch_add(1, SeqCst);
        self.slot.taken.store(false, SeqCst);
    }
}

/// Linux's BUS_MCEERR_AO, which isn't sent elsewhere.
const MEMORY_FAILED_ELSEWHERE: c_int = 5;

const NOTHING_LOST: usize = usize::MAX;

/// One guarded range.
struct Slot {
    /// Belongs to a [`Guard`].
    taken: AtomicBool,
    /// Odd while `start` and `end` are those of a live mapping. Never the same again after they have changed.
    version: AtomicUsize,
    start: AtomicUsize,
    end: AtomicUsize,
    lost_from: AtomicUsize,
}

impl Slot {
    const fn free() -> Self {
        Self {
            taken: AtomicBool::new(false),
            version: AtomicUsize::new(0),
            start: AtomicUsize::new(0),
            end: AtomicUsize::new(0),
            lost_from: AtomicUsize::new(NOTHING_LOST),
        }
    }

    /// The range if it is live and did not change while it was read. One that does change cannot be the one looked for:
    /// a mapping that is being read is neither being made nor dropped.
    fn live(&self) -> Option<Range<usize>> {
        let version = self.version.load(SeqCst);
        let range = self.start.load(SeqCst)..self.end.load(SeqCst);
        (version % 2 == 1 && self.version.load(SeqCst) == version).then_some(range)
    }
}

/// Some slots, and more when they are all taken. Blocks are never freed: the handler may be walking them.
struct Block {
    slots: [Slot; 64],
    next: OnceLock<Box<Block>>,
}

static SLOTS: Block = Block::free();

impl Block {
    const fn free() -> Self {
        Self { slots: [const { Slot::free() }; 64], next: OnceLock::new() }
    }

    fn claim(&'static self) -> &'static Slot {
        let mut block = self;
        loop {
            let free = |slot: &&Slot| slot.taken.compare_exchange(false, true, SeqCst, SeqCst).is_ok();
            if let Some(slot) = block.slots.iter().find(free) {
                return slot;
            }
            block = block.next.get_or_init(|| Box::new(Self::free()));
        }
    }

    /// The slot and the range that `address` is in. Safe in a signal handler: `OnceLock::get` is one atomic load.
    fn find(&'static self, address: usize) -> Option<(&'static Slot, Range<usize>)> {
        let mut block = Some(self);
        while let Some(Self { slots, next }) = block {
            for slot in slots {
                if let Some(range) = slot.live().filter(|range| range.contains(&address)) {
                    return Some((slot, range));
                }
            }
            block = next.get().map(|next| &**next);
        }
        None
    }
}

/// What the handler has to know, set before it is installed.
struct Host {
    previous: libc::sigaction,
    page_len: usize,
}

static HOST: OnceLock<Host> = OnceLock::new();

/// Installs the handler, once. The error is kept as its number, for whoever asks again.
fn install() -> io::Result<()> {
    static INSTALLED: OnceLock<Result<(), Option<i32>>> = OnceLock::new();
    let installed = INSTALLED.get_or_init(|| try_install().map_err(|error| error.raw_os_error()));
    installed.map_err(|code| code.map_or_else(|| io::ErrorKind::Unsupported.into(), io::Error::from_raw_os_error))
}

fn try_install() -> io::Result<()> {
    // SAFETY: Asks for a number.
    let page_len = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    let page_len = usize::try_from(page_len).map_err(|_| io::Error::last_os_error())?;
    // SAFETY: All zeros are a valid `sigaction`: the default action with no flags.
    let mut previous: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: As above.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: Only writes what is there now to `previous`.
    if unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut previous) } != 0 {
        return Err(io::Error::last_os_error());
    }
    HOST.get_or_init(|| Host { previous, page_len });
    let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = on_sigbus;
    action.sa_sigaction = handler as *const () as libc::sighandler_t;
    // On the alternate stack, because stack overflows, which the standard library reports, can come as SIGBUS too.
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    // SAFETY: `action` is complete, and the handler keeps to what handlers may do (see the module).
    if unsafe { libc::sigaction(libc::SIGBUS, &raw const action, ptr::null_mut()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

extern "C" fn on_sigbus(_signal: c_int, info: *mut siginfo_t, _context: *mut c_void) {
    // SAFETY: With SA_SIGINFO the system passes a valid `info`; the address in it is set for faults.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr().addr()) };
    // Memory failed somewhere, and nobody was reading it: whoever does will get a signal of their own.
    if code == MEMORY_FAILED_ELSEWHERE {
        return;
    }
    // The codes of faults, BUS_ADRALN to Linux's BUS_MCEERR_AR; others mean that the signal was sent.
    let is_fault = (1..=4).contains(&code);
    if !(is_fault && lay_zeros(address)) {
        pass_on(is_fault);
    }
}

/// Replaces the page of `address` and those after it, to the end of the guarded range; false if it is in none.
fn lay_zeros(address: usize) -> bool {
    let (Some(host), Some((slot, range))) = (HOST.get(), SLOTS.find(address)) else {
        return false;
    };
    // The range begins at a page's start, so the page does not begin before it.
    let page = address - address % host.page_len;
    // Noted first: whoever sees the zeros must find the note as well.
    slot.lost_from.fetch_min(page - range.start, SeqCst);
    // SAFETY: The pages belong to a live mapping, which is being read right now, so nothing else has been mapped there; it
    // is unmapped as a whole later, whatever it consists of. The bytes change under a shared slice, as its owner allows
    // for. `errno` stays untouched on success, and on failure the program is about to end.
    let zeros = unsafe {
        libc::mmap(
            ptr::with_exposed_provenance_mut(page),
            range.end - page,
            libc::PROT_READ,
            libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_FIXED,
            -1,
            0,
        )
    };
    zeros != libc::MAP_FAILED
}

/// Leaves the signal to the action that was there before. A fault comes again by itself when its instruction is retried,
/// with all its details; a signal that was sent must be sent again.
fn pass_on(is_fault: bool) {
    let Some(host) = HOST.get() else { return };
    // SAFETY: `previous` came from `sigaction`; both calls are allowed in handlers.
    unsafe {
        libc::sigaction(libc::SIGBUS, &raw const host.previous, ptr::null_mut());
        if !is_fault {
            libc::raise(libc::SIGBUS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};

    /// Set in the process that is meant to die.
    const VICTIM: &str = "H4_SIGBUS_VICTIM";

    fn cut_file() -> (std::fs::File, memmap2::Mmap) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[7; 100_000]).unwrap();
        // SAFETY: What happens when the file is cut is the point.
        let map = unsafe { memmap2::Mmap::map(&file) }.unwrap();
        file.set_len(0).unwrap();
        (file, map)
    }

    fn signal_of(test: &str) -> Option<i32> {
        let name = format!("{}::{test}", module_path!().split_once("::").unwrap().1);
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &name, "--nocapture"])
            .env(VICTIM, "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .signal()
    }

    #[test]
    fn a_fault_outside_the_guarded_ranges_still_kills() {
        if std::env::var_os(VICTIM).is_none() {
            assert_eq!(signal_of("a_fault_outside_the_guarded_ranges_still_kills"), Some(libc::SIGBUS));
            return;
        }
        let (_guarded_file, guarded) = cut_file();
        let _guard = Guard::new(guarded.as_ptr_range()).unwrap();
        assert_eq!(guarded[50_000], 0);
        let (_file, unguarded) = cut_file();
        assert_eq!(std::hint::black_box(&unguarded)[50_000], 0);
    }

    #[test]
    fn a_fault_in_a_range_no_longer_guarded_still_kills() {
        if std::env::var_os(VICTIM).is_none() {
            assert_eq!(signal_of("a_fault_in_a_range_no_longer_guarded_still_kills"), Some(libc::SIGBUS));
            return;
        }
        let (_file, map) = cut_file();
        drop(Guard::new(map.as_ptr_range()).unwrap());
        assert_eq!(std::hint::black_box(&map)[50_000], 0);
    }

    #[test]
    fn a_signal_that_was_sent_still_kills() {
        if std::env::var_os(VICTIM).is_none() {
            assert_eq!(signal_of("a_signal_that_was_sent_still_kills"), Some(libc::SIGBUS));
            return;
        }
        let (_file, map) = cut_file();
        let _guard = Guard::new(map.as_ptr_range()).unwrap();
        // The standard library's own handler lets the first one go and only then restores the default.
        for _ in 0..2 {
            // SAFETY: Sends a signal to this thread.
            unsafe { libc::raise(libc::SIGBUS) };
        }
    }

    #[test]
    fn zeros_begin_at_the_first_lost_page() {
        let (_file, map) = cut_file();
        let guard = Guard::new(map.as_ptr_range()).unwrap();
        assert_eq!(guard.lost_from(), None);
        let page_len = HOST.get().unwrap().page_len;
        assert_eq!(map[page_len * 3 + 5], 0);
        assert_eq!(guard.lost_from(), Some(page_len as u64 * 3));
        assert_eq!(map[99_999], 0);
        assert_eq!(guard.lost_from(), Some(page_len as u64 * 3));
        assert_eq!(map[0], 0);
        assert_eq!(guard.lost_from(), Some(0));
    }
}
