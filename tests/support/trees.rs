//! Trees of containers for `audit`, and what it says of them.

use std::fs;
use std::path::{Path, PathBuf};

use super::{json_of, sample, write_container};
use serde_json::Value;

/// A folder that anyone may enter.
pub(crate) fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    #[cfg(unix)]
    set_mode(dir.path(), 0o755);
    dir
}

#[cfg(unix)]
pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Copies a sample, making the folders it is to stand in.
pub(crate) fn put(dir: &Path, name: &str, sample_name: &str) -> PathBuf {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::copy(sample(sample_name), &path).unwrap();
    path
}

/// A small container with a bit flipped in its only block.
pub(crate) fn put_flipped(dir: &Path, name: &str) -> PathBuf {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    write_container(&path, &[(b"CORE", &[1, 255, 1, 1]), (b"SEEK", &[0; 4])]);
    let mut bytes = fs::read(&path).unwrap();
    bytes[21] ^= 4;
    fs::write(&path, bytes).unwrap();
    path
}

/// Names of the results, without the folder, and their verdicts.
pub(crate) fn found(dir: &Path, audits: &Value) -> Vec<String> {
    let name = |audit: &Value| {
        let file = audit["file"].as_str().unwrap();
        let file = Path::new(file).strip_prefix(dir).map_or(file, |file| text(file));
        format!("{file} {}", audit["verdict"].as_str().unwrap())
    };
    audits.as_array().unwrap().iter().map(name).collect()
}

pub(crate) fn audited(status: i32, dir: &Path, more: &[&str]) -> Vec<String> {
    found(dir, &json_of(status, &[&["audit", text(dir), "--format", "json"], more].concat()))
}
