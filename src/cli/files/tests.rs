use std::path::Path;
use std::sync::Arc;

use super::target::What;
use super::*;
use crate::cli::input::Input;

fn names(dir: &Path, targets: impl Iterator<Item = Target>) -> Vec<String> {
    targets.map(|target| name(dir, target)).collect()
}

fn name(dir: &Path, target: Target) -> String {
    let kind = match target.what {
        What::Named(_) => "named".to_owned(),
        What::File(_) => "file".to_owned(),
        What::Lost(why) => format!("lost ({why})"),
    };
    format!("{} {kind}", target.name.strip_prefix(dir).unwrap_or(&target.name).display())
}

fn make(dir: &Path, name: &str) {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, "x").unwrap();
}

#[test]
fn folders_are_searched_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let names_of = |path: &Path| names(dir.path(), expand(Input::Path(path.to_owned()), &Arc::default()));
    for name in ["b/2.h4mk", "b/.hidden.h4mk", "a.H4MK", "c.txt", "b/1.h4mk", "z/.d/x.h4mk", "y/.h4mk"] {
        make(dir.path(), name);
    }
    let inside = ["a.H4MK", "b/.hidden.h4mk", "b/1.h4mk", "b/2.h4mk", "y/.h4mk", "z/.d/x.h4mk"];
    assert_eq!(names_of(dir.path()), inside.map(|name| format!("{name} file")));
    assert_eq!(names_of(&dir.path().join("none")), ["none named"]);
    assert_eq!(names_of(&dir.path().join("c.txt")), ["c.txt file"]);
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::fs::{remove_dir_all, rename};
    use std::os::unix::fs::symlink;

    #[test]
    fn a_folder_that_becomes_a_link_does_not_lead_out_of_the_tree() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        ["tree/a.h4mk", "tree/b/in.h4mk", "tree/c.h4mk", "outside/secret.h4mk"]
            .iter()
            .for_each(|name| make(dir.path(), name));
        let mut walk = in_folder(&tree, &Arc::default());
        assert_eq!(name(&tree, walk.next().unwrap()), "a.h4mk file");
        remove_dir_all(tree.join("b")).unwrap();
        symlink("../outside", tree.join("b")).unwrap();
        let replaced = "b lost (it was replaced while its folder was being searched; run again)";
        assert_eq!(names(&tree, walk), [replaced, "c.h4mk file"]);
    }

    #[test]
    fn a_folder_that_is_gone_is_said_to_be() {
        let dir = tempfile::tempdir().unwrap();
        ["a.h4mk", "b/x.h4mk", "c.h4mk", "d.h4mk"].iter().for_each(|name| make(dir.path(), name));
        let mut walk = in_folder(dir.path(), &Arc::default());
        walk.next();
        remove_dir_all(dir.path().join("b")).unwrap();
        std::fs::remove_file(dir.path().join("c.h4mk")).unwrap();
        let gone = "lost (no such file; check the path)";
        assert_eq!(names(dir.path(), walk), [format!("b {gone}"), format!("c.h4mk {gone}"), "d.h4mk file".to_owned()]);
    }

    /// The way back from a deep folder is by its `..`, or by the names that led there.
    #[test]
    fn folders_that_move_are_not_the_way_back() {
        for replaced in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let tree = dir.path().join("tree");
            let path_to = |level: usize| format!("d/{}", "d/".repeat(level));
            (0..20).for_each(|level| make(&tree, &format!("{}z.h4mk", path_to(level))));
            make(&tree, &format!("{}a.h4mk", path_to(19)));
            make(dir.path(), "outside/z.h4mk");
            let mut walk = in_folder(&tree, &Arc::default());
            assert!(name(&tree, walk.next().unwrap()).ends_with("a.h4mk file"));
            // Half of the tree moves away, with the walk in it.
            rename(tree.join(path_to(4)), dir.path().join("outside/moved")).unwrap();
            if replaced {
                // And what is below stands elsewhere too.
                rename(tree.join("d/d"), dir.path().join("outside/other")).unwrap();
                symlink("../../outside", tree.join("d/d")).unwrap();
            }
            let rest = names(&tree, walk);
            let lost: Vec<&String> = rest.iter().filter(|name| name.contains("lost")).collect();
            let files = rest.iter().filter(|name| name.ends_with("z.h4mk file")).count();
            assert_eq!(rest.len(), 20, "{rest:?}");
            assert_eq!((lost.len(), files), if replaced { (3, 17) } else { (0, 20) }, "{rest:?}");
            assert!(lost.iter().all(|name| name.contains("moved or replaced")), "{lost:?}");
        }
    }

    #[test]
    fn few_folders_stay_open() {
        let dir = tempfile::tempdir().unwrap();
        (0..60).for_each(|level| make(dir.path(), &format!("{}x.h4mk", "d/".repeat(level))));
        let open = || std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        let before = open();
        let mut most = 0;
        for _target in in_folder(dir.path(), &Arc::default()) {
            most = most.max(open() - before.min(open()));
        }
        // Other tests open files meanwhile.
        assert!(most < 40, "{most}");
    }
}
