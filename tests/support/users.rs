//! The program as a user without privileges, where the tests run as root; else as the user who runs them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

/// A folder that everyone may write to, with the program in it, and a user of its own.
pub(crate) struct Ground {
    folder: TempDir,
    /// None where users can't be changed.
    pub(crate) user: Option<u32>,
}

impl Ground {
    pub(crate) fn new() -> Self {
        static USERS: AtomicU32 = AtomicU32::new(0);
        let folder = tempfile::tempdir().unwrap();
        open_to_all(folder.path(), 0o777);
        let program = folder.path().join("h4inspect");
        let built = env!("CARGO_BIN_EXE_h4inspect");
        fs::hard_link(built, &program).or_else(|_| fs::copy(built, &program).map(drop)).unwrap();
        let is_root = rustix::process::geteuid().is_root();
        // Nobody else's, so that limits on a user's processes count this test's alone.
        let user = 200_000 + std::process::id() % 100_000 * 64 + USERS.fetch_add(1, Ordering::Relaxed) % 64;
        Self { folder, user: is_root.then_some(user) }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file that everyone may read.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        open_to_all(&path, 0o644);
        path
    }

    /// A copy of a sample.
    pub(crate) fn sample(&self, name: &str) -> PathBuf {
        self.file(name, &fs::read(super::sample(name)).unwrap())
    }

    /// A folder that everyone may write to.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir(&path).unwrap();
        open_to_all(&path, 0o777);
        path
    }

    /// The program, by the user of this ground, in its folder.
    pub(crate) fn command(&self) -> Command {
        self.command_of(&self.path("h4inspect"))
    }

    /// A shell that runs `script`, in which `$0` is the program.
    pub(crate) fn shell(&self, script: &str) -> Command {
        let mut command = self.command_of(Path::new("bash"));
        command.env("PATH", std::env::var_os("PATH").unwrap()).args(["-c", script]).arg(self.path("h4inspect"));
        command
    }

    fn command_of(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.folder.path());
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }
}

fn open_to_all(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
