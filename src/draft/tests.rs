use std::fs;
use std::io::Write;

use super::*;

fn draft(path: &Path, force: bool, named: bool) -> Draft {
    let place = Destination::look(path).unwrap();
    let draft = if named { place.named_draft(force) } else { place.draft(force) };
    draft.unwrap()
}

fn write(path: &Path, force: bool, named: bool) -> io::Result<()> {
    let mut draft = draft(path, force, named);
    draft.write_all(b"new")?;
    draft.publish()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn places_are_what_they_hold() {
    let dir = tempfile::tempdir().unwrap();
    let found = |name: &str| Destination::look(&dir.path().join(name)).map(|place| place.found());
    fs::write(dir.path().join("file"), "x").unwrap();
    assert_eq!(found("nothing").unwrap(), Found::Nothing);
    assert_eq!(found("file").unwrap(), Found::File);
    for folder in ["", ".", "..", "./."] {
        assert_eq!(found(folder).unwrap(), Found::Folder, "{folder:?}");
    }
    for (path, why) in [
        ("no/such", "there is no such folder; create it first"),
        ("file/below", "a file is where its folder should be"),
        ("file/", "it isn't the name of a file"),
        ("nothing/", "it isn't the name of a file"),
        ("nothing/..", "it isn't the name of a file"),
    ] {
        assert_eq!(found(path).unwrap_err().to_string(), why, "{path}");
    }
    assert!(Destination::look(Path::new("")).is_err());
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    for named in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for force in [false, true] {
            let mut dropped = draft(&path, force, named);
            dropped.write_all(b"half").unwrap();
            assert!(!path.exists());
            drop(dropped);
            assert_eq!(names(dir.path()), [""; 0]);
            write(&path, force, named).unwrap();
            assert_eq!(names(dir.path()), ["file"]);
            assert_eq!(fs::read(&path).unwrap(), b"new");
            fs::remove_file(&path).unwrap();
        }
    }
}

#[test]
fn only_force_replaces_what_came_meanwhile() {
    for named in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let (gentle, forced) = (draft(&path, false, named), draft(&path, true, named));
        fs::write(&path, "other").unwrap();
        assert_eq!(gentle.publish().unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"other");
        forced.publish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
        assert_eq!(names(dir.path()), ["file"]);
    }
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_new_file_has_the_mode_of_any() {
        for named in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("usual"), "").unwrap();
            write(&dir.path().join("ours"), false, named).unwrap();
            assert_eq!(mode(&dir.path().join("ours")), mode(&dir.path().join("usual")));
        }
    }

    #[test]
    fn a_replaced_file_keeps_rwx_bits_and_lends_no_rights() {
        for named in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("file");
            for old in [0o4755, 0o2755, 0o6711, 0o1777, 0o7777, 0o640, 0o600, 0o444, 0o000] {
                fs::write(&path, "old").unwrap();
                set_mode(&path, old);
                write(&path, true, named).unwrap();
                assert_eq!(mode(&path), old & 0o777, "{old:o}");
                fs::remove_file(&path).unwrap();
            }
        }
    }

    #[test]
    fn what_is_being_written_is_no_more_open_than_what_it_replaces() {
        for named in [false, true] {
            for old in [0o600, 0o400, 0o666, 0o755, 0o4755, 0o000] {
                let dir = tempfile::tempdir().unwrap();
                let path = dir.path().join("file");
                fs::write(&path, "old").unwrap();
                set_mode(&path, old);
                let mut draft = draft(&path, true, named);
                draft.write_all(b"secret").unwrap();
                let now = draft.file().metadata().unwrap().mode() & 0o7777;
                assert_eq!(now & !(old & 0o600), 0, "{now:o} beside {old:o}");
            }
        }
    }

    #[test]
    fn what_has_a_name_while_it_is_written_is_its_owner_s_alone() {
        let dir = tempfile::tempdir().unwrap();
        let _draft = draft(&dir.path().join("file"), false, true);
        assert_eq!(mode(&dir.path().join(&names(dir.path())[0])), 0o600);
    }

    #[test]
    fn links_to_files_stay_and_dangling_ones_are_seen() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link, dangling) = (dir.path().join("file"), dir.path().join("link"), dir.path().join("dangling"));
        fs::write(&file, "old").unwrap();
        symlink("file", &link).unwrap();
        symlink("nowhere", &dangling).unwrap();
        assert_eq!(Destination::look(&dangling).unwrap().found(), Found::DanglingLink);
        write(&link, true, false).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        symlink("loop", dir.path().join("loop")).unwrap();
        assert!(Destination::look(&dir.path().join("loop")).is_err());
    }

    #[test]
    fn a_place_is_its_folder_and_not_a_path_that_changes() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, moved) = (dir.path().join("folder"), dir.path().join("moved"));
        fs::create_dir(&folder).unwrap();
        let draft = draft(&folder.join("file"), false, false);
        fs::rename(&folder, &moved).unwrap();
        fs::create_dir(&folder).unwrap();
        let published = draft.publish();
        assert_eq!(names(&folder), [""; 0], "another folder under the old path gets nothing");
        if cfg!(target_os = "linux") {
            published.unwrap();
            assert_eq!(names(&moved), ["file"]);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_half_written_file_that_someone_swapped_is_found_out() {
        for force in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("file");
            let draft = draft(&path, force, true);
            let interim = dir.path().join(&names(dir.path())[0]);
            fs::remove_file(&interim).unwrap();
            fs::write(&interim, "theirs").unwrap();
            let why = draft.publish().unwrap_err().to_string();
            assert!(why.contains("someone else") && !why.contains(".h4inspect-"), "{why}");
            assert!(!path.exists());
        }
    }

    #[cfg(target_os = "linux")]
    mod acls {
        use rustix::fs::XattrFlags;

        use super::*;

        const ACCESS: &str = "system.posix_acl_access";

        /// Owner, user 1234, group, mask, others.
        fn acl(permissions: [u16; 5]) -> Vec<u8> {
            let tags: [(u16, u32); 5] = [(1, u32::MAX), (2, 1234), (4, u32::MAX), (16, u32::MAX), (32, u32::MAX)];
            let entries = tags.into_iter().zip(permissions).flat_map(|((tag, id), permissions)| {
                let id = id.to_le_bytes();
                [tag.to_le_bytes(), permissions.to_le_bytes(), [id[0], id[1]], [id[2], id[3]]].concat()
            });
            2u32.to_le_bytes().into_iter().chain(entries).collect()
        }

        fn get(path: &Path) -> Option<Vec<u8>> {
            let mut bytes = vec![0; 4096];
            let len = rustix::fs::getxattr(path, ACCESS, bytes.as_mut_slice()).ok()?;
            bytes.truncate(len);
            Some(bytes)
        }

        #[test]
        fn an_acl_is_kept_whole() {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("file");
            fs::write(&path, "old").unwrap();
            let acl = acl([6, 4, 0, 4, 0]);
            rustix::fs::setxattr(&path, ACCESS, &acl, XattrFlags::empty()).unwrap();
            let before = mode(&path);
            write(&path, true, false).unwrap();
            assert_eq!((get(&path), mode(&path)), (Some(acl), before));
        }

        #[test]
        fn the_folder_s_default_acl_lets_nobody_at_a_file_that_had_none() {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("file");
            fs::write(&path, "old").unwrap();
            set_mode(&path, 0o640);
            let open = acl([7, 7, 7, 7, 7]);
            rustix::fs::setxattr(dir.path(), "system.posix_acl_default", &open, XattrFlags::empty()).unwrap();
            let fresh = dir.path().join("fresh");
            fs::write(&fresh, "").unwrap();
            assert!(get(&fresh).is_some(), "the folder hands it down");
            for named in [false, true] {
                write(&path, true, named).unwrap();
                assert_eq!((get(&path), mode(&path)), (None, 0o640));
            }
            write(&dir.path().join("new"), false, false).unwrap();
            assert_eq!(get(&dir.path().join("new")), get(&fresh), "a new file is as any");
        }
    }

    /// What the child of the next test does: it makes a file with a name and waits to be killed.
    #[test]
    fn signals_remove_what_has_a_name() {
        const FOLDER: &str = "H4INSPECT_TEST_DRAFT_FOLDER";
        if let Some(folder) = std::env::var_os(FOLDER) {
            remove_names_on_signals();
            let path = Path::new(&folder).join("file");
            let mut draft = draft(&path, false, true);
            draft.write_all(b"half").unwrap();
            println!("ready");
            std::thread::sleep(Duration::from_secs(60));
            draft.publish().unwrap();
            return;
        }
        // A signal that whoever started the tests ignores is ignored by the child too, as it should be.
        let ignored = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = ignored
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))
            .map_or(0, |mask| u64::from_str_radix(mask.trim(), 16).unwrap());
        for (signal, _) in [("INT", 2), ("TERM", 15), ("HUP", 1)].iter().filter(|(_, n)| ignored >> (n - 1) & 1 == 0) {
            let dir = tempfile::tempdir().unwrap();
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "draft::tests::unix::signals_remove_what_has_a_name", "--nocapture"])
                .env(FOLDER, dir.path())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            let until = Instant::now() + Duration::from_secs(30);
            while names(dir.path()).is_empty() {
                assert!(Instant::now() < until && child.try_wait().unwrap().is_none());
                std::thread::sleep(Duration::from_millis(5));
            }
            // The name is there just before the handler knows of it.
            std::thread::sleep(Duration::from_millis(200));
            let kill = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
            assert!(kill.unwrap().success());
            let status = child.wait().unwrap();
            assert!(std::os::unix::process::ExitStatusExt::signal(&status).is_some(), "{status:?}");
            assert_eq!(names(dir.path()), [""; 0], "{signal}");
        }
    }
}
