//! What a host gives up before it runs foreign code, as far as the system knows how.
//!
//! On Linux: capabilities, the file system but what the loader reads (Landlock), and all system calls but those of a
//! program that computes (seccomp). On every Unix: memory, processes, files and processor time without end.

use std::path::Path;

/// What this system lacks to confine a library, for a warning; `None` where it has all of it. What is there but can't be
/// applied is no case for this: the library is then refused.
pub fn unconfined() -> Option<&'static str> {
    system::unconfined()
}

/// The steps of confinement, in their order.
pub(super) struct Confined {
    #[cfg(target_os = "linux")]
    filtered: bool,
}

#[cfg(target_os = "linux")]
impl Confined {
    /// Before there is a second thread: what is given up here, threads that are started later lack too.
    /// Root becomes nobody, unless it `stays` because only root may be able to read the library.
    pub(super) fn begin(library: &Path, memory: u64, stays: bool) -> Result<Self, String> {
        let why = |error: std::io::Error| error.to_string();
        let filtered = filter::AVAILABLE && system::has_seccomp();
        system::go_first();
        if system::has_landlock() {
            system::restrict_files(library)?;
        }
        // Without a filter a limit keeps it from starting processes, and there is none for root.
        let other = if stays { Ok(()) } else { system::leave_root() };
        if !filtered {
            other.map_err(why)?;
        }
        system::drop_capabilities().map_err(why)?;
        system::end_with_parent().map_err(why)?;
        limits::set(memory).map_err(why)?;
        if filtered {
            limits::processes(system::tasks().saturating_add(limits::THREADS)).map_err(why)?;
            filter::compute_only()?;
        }
        Ok(Self { filtered })
    }

    /// Once this process has all threads of its own.
    pub(super) fn started(&self) -> Result<(), String> {
        if self.filtered { Ok(()) } else { limits::processes(0).map_err(|error| error.to_string()) }
    }

    /// Once the library is loaded, which needed files.
    pub(super) fn loaded(&self) -> Result<(), String> {
        if self.filtered { filter::no_files() } else { Ok(()) }
    }
}

#[cfg(not(target_os = "linux"))]
impl Confined {
    pub(super) fn begin(_: &Path, memory: u64, _: bool) -> Result<Self, String> {
        #[cfg(unix)]
        limits::set(memory).map_err(|error: std::io::Error| error.to_string())?;
        _ = memory;
        Ok(Self {})
    }

    pub(super) fn started(&self) -> Result<(), String> {
        #[cfg(unix)]
        limits::processes(0).map_err(|error| error.to_string())?;
        Ok(())
    }

    pub(super) fn loaded(&self) -> Result<(), String> {
        Ok(())
    }
}

#[cfg(unix)]
mod limits {
    use std::io;

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use crate::codec::external::SERVICE;

    /// Threads that a library may start, if there is no filter to keep it from starting processes.
    #[cfg(target_os = "linux")]
    pub(super) const THREADS: u64 = 256;
    /// Open files, the host's own included.
    const FILES: u64 = 64;

    pub(super) fn set(memory: u64) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        let memory = super::system::half_of_memory().map_or(memory, |half| memory.min(half));
        let processors = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
        // A host is replaced after `SERVICE`; its last block may take some more.
        let seconds = SERVICE.as_secs().saturating_mul(2).saturating_mul(processors);
        for (resource, most) in [
            (Resource::Core, 0),
            (Resource::Fsize, 0),
            (Resource::Nofile, FILES),
            (Resource::Cpu, seconds),
            (Resource::Data, memory),
        ] {
            limit(resource, most)?;
        }
        // Some systems have no such limit.
        #[cfg(target_os = "linux")]
        limit(Resource::As, memory)?;
        Ok(())
    }

    /// Processes and threads of the user, those of other programs included. Means nothing to root.
    pub(super) fn processes(most: u64) -> io::Result<()> {
        limit(Resource::Nproc, most)
    }

    /// Never raises one.
    fn limit(resource: Resource, most: u64) -> io::Result<()> {
        let now = getrlimit(resource);
        let least = |now: Option<u64>| Some(now.map_or(most, |now| now.min(most)));
        Ok(setrlimit(resource, Rlimit { current: least(now.current), maximum: least(now.maximum) })?)
    }
}

#[cfg(target_os = "linux")]
mod system {
    #![expect(unsafe_code, reason = "system calls that say what the kernel has, which no crate asks for")]

    use std::io;
    use std::path::{Path, PathBuf};

    use landlock::{
        ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
        path_beneath_rules,
    };
    use rustix::process::{DumpableBehavior, Signal, set_dumpable_behavior, set_parent_process_death_signal};
    use rustix::process::{Gid, Uid};
    use rustix::thread::{
        CapabilitySet, CapabilitySets, set_capabilities, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
    };

    /// The user and the group that own nothing.
    const NOBODY: u32 = 65534;

    /// Where the system has libraries, with the loader's index of them.
    const LIBRARIES: [&str; 10] = [
        "/lib",
        "/lib32",
        "/lib64",
        "/usr/lib",
        "/usr/lib32",
        "/usr/lib64",
        "/usr/local/lib",
        "/nix/store",
        "/gnu/store",
        "/etc/ld.so.cache",
    ];
    /// Names looked at, and files allowed, beside the library.
    const BESIDE: (usize, usize) = (10_000, 256);

    pub(super) fn unconfined() -> Option<&'static str> {
        match (has_landlock(), super::filter::AVAILABLE && has_seccomp()) {
            (true, true) => None,
            (false, true) => Some("the kernel has no Landlock, so the library can read files while it is being loaded"),
            (true, false) => Some("the kernel has no seccomp filters, so the library can use the network"),
            (false, false) => {
                Some("the kernel has neither Landlock nor seccomp filters, so the library can do whatever its user can")
            }
        }
    }

    pub(super) fn has_landlock() -> bool {
        const VERSION: libc::c_uint = 1;
        // SAFETY: with this flag the call takes no attributes, and gives a number.
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0usize, VERSION) > 0 }
    }

    pub(super) fn has_seccomp() -> bool {
        let action: u32 = libc::SECCOMP_RET_ERRNO;
        // SAFETY: the pointer is to a live number, which is only read.
        let has = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0u32, &raw const action) };
        // Linux before 4.14 has filters and doesn't know the question.
        has == 0 || io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL)
    }

    /// When memory runs out, this process is the first to go.
    pub(super) fn go_first() {
        // Helps where the file exists.
        _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    }

    /// Does nothing for other users.
    pub(super) fn leave_root() -> io::Result<()> {
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
        set_thread_groups(&[])?;
        set_thread_res_gid(group, group, group)?;
        Ok(set_thread_res_uid(user, user, user)?)
    }

    /// Also keeps others of the same user from reading blocks here. Undone by a change of the user.
    pub(super) fn end_with_parent() -> io::Result<()> {
        set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
        Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
    }

    /// Files can be read that the loader needs, and nothing can be written, executed, connected to or signalled.
    pub(super) fn restrict_files(library: &Path) -> Result<(), String> {
        let system = LIBRARIES.iter().map(PathBuf::from).chain(configured());
        let all = system.chain([library.to_owned()]).chain(beside(library));
        let restrict = || {
            Ruleset::default()
                .handle_access(AccessFs::from_all(ABI::V5))?
                .handle_access(AccessNet::from_all(ABI::V4))?
                .scope(Scope::from_all(ABI::V6))?
                .create()?
                .add_rules(path_beneath_rules(all, AccessFs::ReadFile))?
                .restrict_self()
        };
        match restrict() {
            Ok(status) if status.ruleset != RulesetStatus::NotEnforced => Ok(()),
            Ok(_) => Err("Landlock does nothing".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Folders that the loader was told of.
    fn configured() -> Vec<PathBuf> {
        let folder = std::fs::read_dir("/etc/ld.so.conf.d").into_iter().flatten().filter_map(Result::ok);
        let files = folder.map(|entry| entry.path()).chain([PathBuf::from("/etc/ld.so.conf")]);
        let texts = files.filter_map(|file| std::fs::read_to_string(file).ok());
        let folders = |text: String| -> Vec<PathBuf> {
            text.lines().map(str::trim).filter(|line| line.starts_with('/')).map(PathBuf::from).collect()
        };
        texts.flat_map(folders).collect()
    }

    /// The shared libraries in the folder of this one: those that it needs may lie there.
    fn beside(library: &Path) -> Vec<PathBuf> {
        let Some(folder) = library.parent() else { return Vec::new() };
        let entries = std::fs::read_dir(folder).into_iter().flatten().take(BESIDE.0).filter_map(Result::ok);
        let shared = entries.map(|entry| entry.path()).filter(|path| {
            path.file_name().is_some_and(|name| {
                let name = name.to_string_lossy();
                name.ends_with(".so") || name.contains(".so.")
            })
        });
        shared.filter(|path| path.is_file()).take(BESIDE.1).collect()
    }

    pub(super) fn drop_capabilities() -> io::Result<()> {
        let none = CapabilitySet::empty();
        Ok(set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?)
    }

    /// Processes and threads that there are in all; 0 where that isn't known.
    pub(super) fn tasks() -> u64 {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        load.split_ascii_whitespace().nth(3).and_then(|tasks| tasks.split_once('/')?.1.parse().ok()).unwrap_or(0)
    }

    pub(super) fn half_of_memory() -> Option<u64> {
        let system = rustix::system::sysinfo();
        u64::try_from(u128::from(system.totalram) * u128::from(system.mem_unit) / 2).ok()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn unconfined() -> Option<&'static str> {
        Some("this system can't keep the library away from files and the network")
    }
}

/// Systems whose calls aren't known here.
#[cfg(all(target_os = "linux", not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))))]
mod filter {
    pub(super) const AVAILABLE: bool = false;

    pub(super) fn compute_only() -> Result<(), String> {
        Ok(())
    }

    pub(super) fn no_files() -> Result<(), String> {
        Ok(())
    }
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
mod filter {
    use std::collections::BTreeMap;

    use seccompiler::SeccompCmpArgLen::{Dword, Qword};
    use seccompiler::SeccompCmpOp::{Eq, MaskedEq};
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
        TargetArch,
    };

    pub(super) const AVAILABLE: bool = true;

    type Rules = BTreeMap<i64, Vec<SeccompRule>>;

    /// Calls of a program that computes, with its memory, threads, signals, clocks and open files.
    const COMPUTE: &[libc::c_long] = &[
        // Memory
        libc::SYS_brk,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_membarrier,
        // Threads; `clone` is below
        libc::SYS_clone3,
        libc::SYS_exit,
        libc::SYS_exit_group,
        libc::SYS_futex,
        libc::SYS_get_robust_list,
        libc::SYS_set_robust_list,
        libc::SYS_set_tid_address,
        libc::SYS_rseq,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_gettid,
        libc::SYS_getcpu,
        // Signals; `kill` and `tgkill` are below
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        // Clocks
        libc::SYS_clock_gettime,
        libc::SYS_clock_getres,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_gettimeofday,
        libc::SYS_times,
        libc::SYS_getrusage,
        // Who and where it is
        libc::SYS_getpid,
        libc::SYS_getppid,
        libc::SYS_getuid,
        libc::SYS_geteuid,
        libc::SYS_getgid,
        libc::SYS_getegid,
        libc::SYS_uname,
        libc::SYS_sysinfo,
        libc::SYS_getcwd,
        libc::SYS_getrandom,
        // Files that are open
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_pread64,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_lseek,
        libc::SYS_close,
        libc::SYS_dup,
        libc::SYS_fstat,
        libc::SYS_ppoll,
        libc::SYS_pselect6,
        libc::SYS_pipe2,
        libc::SYS_eventfd2,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_poll,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_select,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_time,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_arch_prctl,
    ];

    /// Calls that look for files by name; `open` and its like are below.
    const LOOK: &[libc::c_long] = &[
        libc::SYS_faccessat,
        libc::SYS_faccessat2,
        libc::SYS_readlinkat,
        libc::SYS_statfs,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_access,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_readlink,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_stat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_lstat,
    ];

    /// Calls that take a name or, with `AT_EMPTY_PATH`, an open file, and the place of their flags.
    const STAT: [(libc::c_long, u8); 2] = [(libc::SYS_newfstatat, 3), (libc::SYS_statx, 2)];

    /// Calls that open a file, and the place of their flags.
    const OPEN: &[(libc::c_long, u8)] = &[
        (libc::SYS_openat, 2),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_open, 1),
    ];

    /// From now on no sockets, processes, other programs, devices, or files but for reading. What is forbidden fails as
    /// if it weren't permitted; the program goes on.
    pub(super) fn compute_only() -> Result<(), String> {
        // The C library asks by `clone` then, whose flags a filter can see.
        let clone3 = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
        let clone3 = program(clone3, SeccompAction::Allow, errno(libc::ENOSYS))?;
        let allowed = program(allowed()?, errno(libc::EPERM), SeccompAction::Allow)?;
        seccompiler::apply_filter(&clone3).map_err(why)?;
        seccompiler::apply_filter(&allowed).map_err(why)
    }

    /// From now on no files by name, in all threads.
    pub(super) fn no_files() -> Result<(), String> {
        let mut rules: Rules =
            LOOK.iter().chain(OPEN.iter().map(|(call, _)| call)).map(|call| (*call, vec![])).collect();
        for (call, flags) in STAT {
            rules.insert(call, vec![rule(&[(flags, Dword, MaskedEq(libc::AT_EMPTY_PATH as u64), 0)])?]);
        }
        let files = program(rules, SeccompAction::Allow, errno(libc::EACCES))?;
        seccompiler::apply_filter_all_threads(&files).map_err(why)
    }

    fn allowed() -> Result<Rules, String> {
        let mut rules: Rules = COMPUTE.iter().chain(LOOK).map(|call| (*call, Vec::new())).collect();
        rules.extend(STAT.map(|(call, _)| (call, Vec::new())));
        let writes =
            libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC | libc::O_PATH | (libc::O_TMPFILE & !libc::O_DIRECTORY);
        for (call, flags) in OPEN {
            rules.insert(*call, vec![rule(&[(*flags, Dword, MaskedEq(writes as u64), 0)])?]);
        }
        // Threads, but not processes.
        let thread = (libc::CLONE_THREAD | libc::CLONE_VM | libc::CLONE_SIGHAND) as u64;
        rules.insert(libc::SYS_clone, vec![rule(&[(0, Qword, MaskedEq(thread), thread)])?]);
        // `abort` and `raise`.
        let own = u64::from(std::process::id());
        for call in [libc::SYS_kill, libc::SYS_tgkill] {
            rules.insert(call, vec![rule(&[(0, Dword, Eq, own)])?]);
        }
        // Asks for limits, and sets none.
        let ask = |who| rule(&[(0, Dword, Eq, who), (2, Qword, Eq, 0)]);
        rules.insert(libc::SYS_prlimit64, vec![ask(0)?, ask(own)?]);
        rules.insert(
            libc::SYS_fcntl,
            one_of(1, &[libc::F_DUPFD, libc::F_DUPFD_CLOEXEC, libc::F_GETFD, libc::F_SETFD, libc::F_GETFL])?,
        );
        let names = [libc::PR_SET_NAME, libc::PR_GET_NAME, libc::PR_SET_VMA, libc::PR_SET_NO_NEW_PRIVS];
        rules.insert(libc::SYS_prctl, one_of(0, &names)?);
        // Filters add up: one more takes away more.
        rules.insert(libc::SYS_seccomp, one_of(0, &[libc::SECCOMP_SET_MODE_FILTER as i32])?);
        Ok(rules)
    }

    fn one_of(argument: u8, values: &[libc::c_int]) -> Result<Vec<SeccompRule>, String> {
        values.iter().map(|value| rule(&[(argument, Dword, Eq, *value as u64)])).collect()
    }

    fn rule(conditions: &[(u8, SeccompCmpArgLen, SeccompCmpOp, u64)]) -> Result<SeccompRule, String> {
        let conditions = conditions.iter().map(|(argument, len, operator, value)| {
            SeccompCondition::new(*argument, len.clone(), operator.clone(), *value).map_err(why)
        });
        SeccompRule::new(conditions.collect::<Result<_, _>>()?).map_err(why)
    }

    fn program(rules: Rules, otherwise: SeccompAction, matching: SeccompAction) -> Result<BpfProgram, String> {
        let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(why)?;
        SeccompFilter::new(rules, otherwise, matching, arch).and_then(BpfProgram::try_from).map_err(why)
    }

    fn errno(number: libc::c_int) -> SeccompAction {
        SeccompAction::Errno(number as u32)
    }

    fn why(error: impl std::fmt::Display) -> String {
        error.to_string()
    }
}
