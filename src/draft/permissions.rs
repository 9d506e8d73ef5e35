//! Owner, group, mode and ACL of a file that is replaced, as far as the new one may have them. What can't be kept whole is
//! left out: nobody gets at the new file who couldn't get at the old one.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Gid, Mode, Stat, Uid, XattrFlags};
use rustix::io::Errno;

const ACCESS_ACL: &str = "system.posix_acl_access";
/// The most that Linux keeps in an extended attribute.
const ACL_BYTES: usize = 64 << 10;

/// A file that is there, opened without access to its bytes.
#[derive(Debug)]
pub(super) struct Replaced {
    pub(super) found: OwnedFd,
    pub(super) stat: Stat,
}

impl Replaced {
    pub(super) fn file_type(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }

    pub(super) fn mode(&self) -> Mode {
        Mode::from_raw_mode(self.stat.st_mode)
    }
}

/// Gives `file` what `old` has. Setuid, setgid and sticky bits are never taken over: they would lend the caller's rights to
/// what the old file's owner prepared.
pub(super) fn take_over(file: BorrowedFd<'_>, old: &Replaced) -> io::Result<()> {
    let (owner, group) = (old.stat.st_uid, old.stat.st_gid);
    let is_kept = || rustix::fs::fstat(file).map(|now| (now.st_uid == owner, now.st_gid == group));
    if is_kept()? != (true, true)
        && rustix::fs::fchown(file, Some(Uid::from_raw(owner)), Some(Gid::from_raw(group))).is_err()
    {
        // Anyone may give a file of theirs to a group of theirs.
        _ = rustix::fs::fchown(file, None, Some(Gid::from_raw(group)));
    }
    let kept = is_kept()?;
    let is_acl_kept = match acl(old) {
        Acl::None => remove_acl(file),
        Acl::Entries(entries) => {
            kept == (true, true) && rustix::fs::fsetxattr(file, ACCESS_ACL, &entries, XattrFlags::empty()).is_ok()
        }
        Acl::Unknown => false,
    };
    if !is_acl_kept {
        remove_acl(file);
    }
    let mode = allowed(old.stat.st_mode & 0o777, kept, is_acl_kept);
    Ok(rustix::fs::fchmod(file, Mode::from_raw_mode(mode))?)
}

/// `mode`, without what would let in someone it kept out while owner and group were the old ones. `kept`: the owner is the
/// same, and the group is.
fn allowed(mode: u32, kept: (bool, bool), is_acl_kept: bool) -> u32 {
    let everyone = |bits: u32| bits << 6 | bits << 3 | bits;
    let (owner, group, others) = (mode >> 6 & 7, mode >> 3 & 7, mode & 7);
    let mut allowed = mode;
    if !kept.0 {
        // The old owner is one of the group or the others now.
        allowed &= 0o700 | everyone(owner);
    }
    if !kept.1 {
        // The old group are among the others, and others in the group.
        allowed &= 0o700 | everyone(group & others);
    }
    // With an ACL the bits of the group are no more than a mask of what its entries say.
    if is_acl_kept { allowed } else { allowed & 0o700 }
}

enum Acl {
    /// The mode says all.
    None,
    Entries(Vec<u8>),
    /// It can't be read.
    Unknown,
}

fn acl(old: &Replaced) -> Acl {
    let mut entries = vec![0; ACL_BYTES];
    // What was opened without access to it is asked by its path.
    let path = format!("/proc/self/fd/{}", old.found.as_raw_fd());
    match rustix::fs::getxattr(path, ACCESS_ACL, entries.as_mut_slice()) {
        Ok(len) => {
            entries.truncate(len);
            Acl::Entries(entries)
        }
        Err(Errno::NODATA | Errno::NOTSUP) => Acl::None,
        Err(_) => Acl::Unknown,
    }
}

/// Removes what the folder's default ACL has left; false where that is not possible.
fn remove_acl(file: BorrowedFd<'_>) -> bool {
    matches!(rustix::fs::fremovexattr(file, ACCESS_ACL), Ok(()) | Err(Errno::NODATA | Errno::NOTSUP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gets_in_who_was_kept_out() {
        let all = (true, true);
        assert_eq!(allowed(0o640, all, true), 0o640);
        assert_eq!(allowed(0o664, all, false), 0o600);
        assert_eq!(allowed(0o664, (false, true), true), 0o664);
        assert_eq!(allowed(0o664, (true, false), true), 0o644);
        assert_eq!(allowed(0o640, (true, false), true), 0o600);
        assert_eq!(allowed(0o604, (true, false), true), 0o600, "the old group had nothing");
        assert_eq!(allowed(0o077, (false, true), true), 0, "the old owner had nothing");
        for mode in 0..0o1000 {
            for (kept, acl) in [(all, true), ((false, true), true), ((true, false), true), ((false, false), false)] {
                assert_eq!(allowed(mode, kept, acl) & !mode, 0);
            }
        }
    }
}
