//! A vendor's library that attacks: it reaches nothing, and leaves nothing behind. As the tests' user, and where that is
//! root, as one without privileges too.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use h4inspect::core::codec::engine::{Engine, EngineError};
use h4inspect::core::codec::external::{External, Library};
use h4inspect::core::hash::hex;
use sha2::{Digest, Sha256};

use crate::support::libraries::{assert_none_left, compile, compile_library};
use crate::support::write_container;

const NOBODY: u32 = 65534;
const OPAQUE: &[u8] = br#"{"compression":{"engine":"core","opaque":true}}"#;

/// The tests' user (`None`), and one without privileges if that is root.
fn users() -> Vec<Option<u32>> {
    let is_root = rustix::process::geteuid().is_root();
    [None].into_iter().chain(is_root.then_some(Some(NOBODY))).collect()
}

/// A folder that every user may enter and write to, with the program, a container of a closed engine, and files that an
/// attack could want.
struct Place {
    folder: tempfile::TempDir,
    program: PathBuf,
    container: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (program, container) = (folder.path().join("h4inspect"), folder.path().join("clip.h4mk"));
        fs::copy(env!("CARGO_BIN_EXE_h4inspect"), &program).unwrap();
        write_container(&container, &[(b"CORE", b"abcd"), (b"SEEK", &[0; 4]), (b"META", OPAQUE), (b"SAFE", b"{}")]);
        fs::write(folder.path().join("victim"), "victim").unwrap();
        fs::write(folder.path().join("leak"), "leaked").unwrap();
        for name in ["", "victim", "clip.h4mk"] {
            let mode = fs::Permissions::from_mode(if name.is_empty() { 0o777 } else { 0o666 });
            fs::set_permissions(folder.path().join(name), mode).unwrap();
        }
        Self { folder, program, container }
    }

    /// The program as a user, with keys in its environment.
    fn command(&self, user: Option<u32>, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(self.folder.path()).env_clear();
        command.env("H4_SHARED_SECRET", "5e".repeat(32)).env("H4_MASK_KEY", "a5".repeat(16));
        command.env("HARMONY4_ENGINE_ID", "").env("HARMONY_MAX_BLOCK_SIZE", "1MiB").stdin(Stdio::null());
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        command
    }

    fn block(&self, user: Option<u32>, library: &Path) -> Output {
        let args = ["block", "clip.h4mk", "0", "--core-lib", library.to_str().unwrap()];
        self.command(user, &args).output().unwrap()
    }

    /// Compiles an attack as a library that makes it `when` (0: while it is loaded, 1: in a block), or as a program.
    fn attack(&self, what: &str, when: Option<u8>) -> Option<PathBuf> {
        let (source, built) =
            (self.folder.path().join("attack.c"), self.folder.path().join(format!("{what}-{when:?}.so")));
        fs::write(&source, include_str!("hostile_library.c")).unwrap();
        let folder = self.folder.path().to_str().unwrap();
        let name = self.folder.path().file_name().unwrap().to_str().unwrap();
        let defines = [
            format!("-DWHAT={what}"),
            format!("-DFOLDER=\"{folder}\""),
            format!("-DNAME=\"{name}\""),
            format!("-DCONTAINER=\"{}\"", self.container.display()),
            format!("-DLEAK=\"{folder}/leak\""),
            format!("-DLIFE={}", if when.is_some() { 60 } else { 1 }),
            when.map_or("-DALONE".to_owned(), |when| format!("-DWHEN={when}")),
        ];
        let mut args: Vec<&str> = defines.iter().map(String::as_str).collect();
        args.extend(["-w", "-pthread", "-o", built.to_str().unwrap(), source.to_str().unwrap()]);
        args.extend(when.map_or(&[][..], |_| &["-shared", "-fPIC"]));
        compile(&args).then_some(built)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn an_attack_achieves_nothing_in_a_host_and_something_outside() {
    for what in ["secrets", "descriptors", "files", "writes", "network", "processes", "executes", "memory"] {
        let place = Place::new();
        let Some(alone) = place.attack(what, None) else { return };
        let control = Command::new(alone).env("H4_SHARED_SECRET", "5e").output().unwrap();
        assert!(!text(&control.stdout).contains("harmless"), "{what} is no attack");
        fs::write(place.folder.path().join("victim"), "victim").unwrap();
        for when in [0, 1] {
            let library = place.attack(what, Some(when)).unwrap();
            for user in users() {
                let output = place.block(user, &library);
                let seen = (text(&output.stdout), text(&output.stderr));
                assert_eq!(seen, ("harmless\n".to_owned(), String::new()), "{what}, {when}, {user:?}");
                assert_none_left(&library);
            }
        }
        let mut left: Vec<_> =
            fs::read_dir(place.folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        left.retain(|name| !name.to_str().unwrap().ends_with(".so"));
        left.sort_unstable();
        assert_eq!(left, ["attack.c", "clip.h4mk", "h4inspect", "leak", "victim"], "{what}");
        assert_eq!(fs::read(place.folder.path().join("victim")).unwrap(), b"victim");
    }
}

#[test]
fn descriptors_that_the_program_was_given_end_before_the_library() {
    let place = Place::new();
    for when in [0, 1] {
        let Some(library) = place.attack("descriptors", Some(when)) else { return };
        for user in users() {
            let mut shell = Command::new("/bin/sh");
            let line = "exec 7<leak 9<leak; exec ./h4inspect block clip.h4mk 0 --core-lib \"$0\"";
            shell.args(["-c", line]).arg(&library).current_dir(place.folder.path()).env_clear();
            if let Some(user) = user {
                shell.uid(user).gid(user);
            }
            assert_eq!(text(&shell.output().unwrap().stdout), "harmless\n", "{when}, {user:?}");
        }
    }
}

#[test]
fn threads_are_few() {
    let place = Place::new();
    let Some(library) = place.attack("threads", Some(1)) else { return };
    for user in users() {
        let output = place.block(user, &library);
        assert_eq!(text(&output.stdout), "harmless\n", "{user:?}: {}", text(&output.stderr));
        assert_none_left(&library);
    }
}

#[test]
fn a_library_that_never_ends_costs_seconds_and_is_named() {
    for (what, when) in [("sleeps", 0), ("spins", 0), ("spins", 1)] {
        let place = Place::new();
        let Some(library) = place.attack(what, Some(when)) else { return };
        for user in users() {
            let begun = Instant::now();
            let args = ["audit", "clip.h4mk", "--format", "json", "--core-lib", library.to_str().unwrap()];
            let output = place.command(user, &args).output().unwrap();
            assert!(begun.elapsed() < Duration::from_secs(if when == 0 { 9 } else { 18 }), "{what}, {when}");
            let audit = text(&output.stdout);
            assert!(audit.contains("block-opaque") && audit.contains("did not answer within"), "{audit}");
            assert_none_left(&library);
        }
    }
}

/// Runs the program with a library that never ends, and waits until its host runs.
fn caught_in_a_block(place: &Place, user: Option<u32>, library: &Path) -> std::process::Child {
    let args = ["block", "clip.h4mk", "0", "--core-lib", library.to_str().unwrap()];
    let child = place.command(user, &args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    let host = || {
        let mut lines = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok().map(|line| text(&line)));
        lines.any(|line| line.contains("__core-host") && line.contains(library.to_str().unwrap()))
    };
    while !host() {
        assert!(begun.elapsed() < Duration::from_secs(10), "there is no host");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(200));
    child
}

#[test]
fn a_host_ends_with_a_program_that_is_killed() {
    let place = Place::new();
    for what in ["sleeps", "spins"] {
        for when in [0, 1] {
            let Some(library) = place.attack(what, Some(when)) else { return };
            for user in users() {
                let mut child = caught_in_a_block(&place, user, &library);
                child.kill().unwrap();
                child.wait().unwrap();
                let begun = Instant::now();
                assert_none_left(&library);
                assert!(begun.elapsed() < Duration::from_secs(2), "{what}, {when}, {user:?}");
            }
        }
    }
}

#[test]
fn while_a_host_runs_its_parent_is_closed_to_others_of_its_user() {
    let place = Place::new();
    let Some(library) = place.attack("sleeps", Some(1)) else { return };
    // Root may look into everything.
    let user = users().pop().flatten();
    let mut child = caught_in_a_block(&place, user, &library);
    for name in ["environ", "mem", "maps"] {
        let mut look = Command::new("/bin/cat");
        look.arg(format!("/proc/{}/{name}", child.id()));
        if let Some(user) = user {
            look.uid(user).gid(user);
        }
        let looked = look.output().unwrap();
        assert!(!looked.status.success() && looked.stdout.is_empty(), "{name}: {}", text(&looked.stdout));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_none_left(&library);
}

/// Answers with `name`; a block that begins with `x` ends the host.
fn answering(folder: &Path, library: &str, name: &str) -> Option<PathBuf> {
    let (source, library) = (folder.join("answer.c"), folder.join(library));
    let code = format!(
        "#include <stdlib.h>\n#include <string.h>\n
        size_t h4_decompress(const void *in, size_t n, void **out) {{
            if (*(const char *)in == 'x') abort();
            *out = strdup({name:?}); return strlen(*out);
        }}
        void h4_free(void *p) {{ free(p); }}"
    );
    fs::write(&source, code).unwrap();
    compile_library(&source, &library).then_some(library)
}

fn sha256(path: &Path) -> String {
    hex(&Sha256::digest(fs::read(path).unwrap()))
}

#[test]
fn a_pinned_file_is_the_one_that_runs() {
    let place = Place::new();
    let Some(good) = answering(place.folder.path(), "good.so", "good") else { return };
    let spinning = place.attack("spins", Some(0)).unwrap();
    for user in users() {
        let run = |args: &[&str]| {
            let output = place.command(user, &[&["block", "clip.h4mk", "0"], args].concat()).output().unwrap();
            (output.status.code(), text(&output.stdout), text(&output.stderr))
        };
        let digest = sha256(&good);
        let wrong = sha256(&spinning);
        let good_path = good.to_str().unwrap();
        for digest in [&digest, &digest.to_uppercase()] {
            assert_eq!(
                run(&["--core-lib", "good.so", "--core-sha256", digest]),
                (Some(0), "good".into(), String::new())
            );
        }
        let begun = Instant::now();
        let (status, stdout, stderr) = run(&["--core-lib", "spins-Some(0).so", "--core-sha256", &digest]);
        assert_eq!((status, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.contains(&digest) && stderr.contains(&wrong) && stderr.contains("spins"), "{stderr}");
        assert!(begun.elapsed() < Duration::from_secs(3), "its code ran");
        for (lib, digest) in [
            (good_path, &digest[..63]),
            (good_path, ""),
            (good_path, &"g".repeat(64)),
            ("/dev/null", &digest),
            (place.folder.path().to_str().unwrap(), &digest),
            ("missing.so", &digest),
            ("", &digest),
        ] {
            let (status, stdout, stderr) = run(&["--core-lib", lib, "--core-sha256", digest]);
            assert_eq!((status, stdout.as_str()), (Some(2), ""), "{lib}, {digest}: {stderr}");
        }
        assert_eq!(run(&["--core-sha256", &digest]).0, Some(2));
    }
}

#[test]
fn a_file_that_is_swapped_is_refused_or_not_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("good.so"), folder.path().join("bad.so"));
    for pinned in [true, false] {
        let Some(_) = answering(folder.path(), "good.so", "good") else { return };
        answering(folder.path(), "bad.so", "bad").unwrap();
        let digest = Sha256::digest(fs::read(&good).unwrap()).into();
        let library =
            Library { sha256: pinned.then_some(digest), ..Library::new(&good, env!("CARGO_BIN_EXE_h4inspect")) };
        library.check().unwrap();
        let external = External::new(library.clone());
        assert_eq!(external.decode(b"a", 10).unwrap(), b"good");
        fs::rename(&bad, &good).unwrap();
        assert!(external.decode(b"x", 10).is_err());
        // The next host loads what the first one did.
        assert_eq!(external.decode(b"a", 10).unwrap(), b"good");
        // A file that was swapped after the check and before the first block.
        match External::new(library).decode(b"a", 10) {
            Ok(bytes) => assert!(!pinned && bytes == b"bad"),
            Err(EngineError::Failed(reason)) => assert!(pinned && reason.contains("SHA-256"), "{reason}"),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_bare_name_is_a_file_of_the_current_folder() {
    let place = Place::new();
    let Some(_) = answering(place.folder.path(), "ok.so", "here") else { return };
    let elsewhere = place.folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o755)).unwrap();
    answering(&elsewhere, "there.so", "there").unwrap();
    for user in users() {
        for (name, found) in [("ok.so", "here"), ("there.so", ""), ("libm.so.6", "")] {
            for variable in [false, true] {
                let mut args = vec!["block", "clip.h4mk", "0"];
                if !variable {
                    args.extend(["--core-lib", name]);
                }
                let mut command = place.command(user, &args);
                command.env("LD_LIBRARY_PATH", &elsewhere);
                if variable {
                    command.env("HARMONY4_CORE_PATH", name);
                }
                let output = command.output().unwrap();
                assert_eq!(text(&output.stdout), found, "{name}: {}", text(&output.stderr));
                assert_eq!(output.status.success(), !found.is_empty());
                assert!(!found.is_empty() || text(&output.stderr).contains("No such file"), "{}", text(&output.stderr));
            }
        }
    }
}

#[test]
fn a_library_finds_others_beside_it_and_uses_threads() {
    let place = Place::new();
    let folder = place.folder.path();
    let (part, source, library) = (folder.join("libpart.so.1"), folder.join("whole.c"), folder.join("libwhole.so"));
    fs::write(&source, "int part(void) { return 'p'; }").unwrap();
    if !compile_library(&source, &part) {
        return;
    }
    let code = "#include <pthread.h>\n#include <stdlib.h>\n#include <math.h>\nint part(void);
        static void *work(void *byte) { *(char *)byte = part(); return NULL; }
        size_t h4_decompress(const void *in, size_t n, void **out) {
            pthread_t thread;
            *out = calloc(1, 1);
            if (pthread_create(&thread, NULL, work, *out)) return 0;
            pthread_join(thread, NULL);
            return 1;
        }
        void h4_free(void *p) { free(p); }";
    fs::write(&source, code).unwrap();
    let paths = [&source, &part].map(|path| path.to_str().unwrap());
    let output = library.to_str().unwrap();
    compile(&["-shared", "-fPIC", "-pthread", "-w", "-o", output, paths[0], paths[1], "-lm", "-Wl,-rpath,$ORIGIN"]);
    for user in users() {
        let output = place.block(user, &library);
        assert_eq!(text(&output.stdout), "p", "{user:?}: {}", text(&output.stderr));
    }
}

/// Starts the program where the kernel seems to lack Landlock (1), seccomp (2) or both (3).
const LAUNCHER: &str = r#"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv) {
    int lacks = atoi(argv[1]);
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 444, lacks & 1 ? 2 : 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, lacks & 2 ? 1 : 0, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) return 99;
    execv(argv[2], argv + 2);
    return 98;
}"#;

#[test]
fn what_the_kernel_lacks_is_said_once_and_the_rest_holds() {
    let place = Place::new();
    let (source, launcher) = (place.folder.path().join("launcher.c"), place.folder.path().join("launcher"));
    fs::File::create(&source).unwrap().write_all(LAUNCHER.as_bytes()).unwrap();
    if !compile(&["-w", "-o", launcher.to_str().unwrap(), source.to_str().unwrap()]) {
        return;
    }
    let processes = place.attack("processes", Some(1)).unwrap();
    let secrets = place.attack("secrets", Some(1)).unwrap();
    let said = [("1", "no Landlock"), ("2", "no seccomp filters"), ("3", "neither Landlock nor seccomp filters")];
    for (lacks, warning) in said {
        for user in users() {
            for library in [&processes, &secrets] {
                let mut command = Command::new(&launcher);
                command.arg(lacks).arg(&place.program).args(["block", "clip.h4mk", "0", "--core-lib"]).arg(library);
                command.current_dir(place.folder.path()).env_clear().env("H4_SHARED_SECRET", "5e".repeat(32));
                if let Some(user) = user {
                    command.uid(user).gid(user);
                }
                let output = command.output().unwrap();
                let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
                assert_eq!(stderr.lines().count(), 1, "{stderr}");
                assert!(stderr.contains("core library") && stderr.contains(warning), "{stderr}");
                let harms = |line: &&str| match line.strip_prefix("reads /proc/").or(line.strip_prefix("opens /proc/"))
                {
                    Some(path) => !path.starts_with("self/") && !path.ends_with("/cmdline"),
                    None => line.starts_with("has ") || ["forks", "clones", "spawns", "runs a shell"].contains(line),
                };
                assert_eq!(stdout.lines().find(harms), None, "{lacks}, {user:?}: {stdout}");
                assert!(!stdout.is_empty());
                assert_none_left(library);
            }
        }
    }
}
