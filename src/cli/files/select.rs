//! Which of the files that are found count: exclusions, and the share of one job among several.

use std::path::Path;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use globset::{Candidate, GlobBuilder, GlobMatcher};

use crate::cli::input::Input;
use crate::cli::shard::Shard;

/// A pattern of names that are left out.
///
/// `*` and `?` stop at `/`, `**` does not. Without a `/` a pattern is about the name of a file or folder, wherever it is;
/// with one, about the path below the folder that was named, or the path as it is reported. A `/` at its end is no part
/// of it.
#[derive(Debug, Clone)]
pub struct Exclusion {
    /// As given, and without the `/` at its start, which anchors it to the folder that was named.
    globs: Vec<GlobMatcher>,
    has_slash: bool,
}

impl FromStr for Exclusion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pattern = text.trim_start_matches("./").trim_end_matches('/');
        if pattern.is_empty() {
            return Err("the pattern is empty".to_owned());
        }
        let anchored = pattern.strip_prefix('/');
        let globs = [Some(pattern), anchored].into_iter().flatten().map(|pattern| {
            let glob = GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build();
            glob.map(|glob| glob.compile_matcher()).map_err(|error| error.kind().to_string())
        });
        Ok(Self { globs: globs.collect::<Result<_, _>>()?, has_slash: pattern.contains('/') })
    }
}

impl Exclusion {
    fn matches(&self, path: &Candidate<'_>) -> bool {
        self.globs.iter().any(|glob| glob.is_match_candidate(path))
    }
}

/// What counts among what is found.
#[derive(Debug, Default)]
pub(in crate::cli) struct Selection {
    exclusions: Vec<Exclusion>,
    shard: Option<Shard>,
    /// Links to folders lead on.
    pub(super) follow_links: bool,
    found: AtomicBool,
}

impl Selection {
    pub(in crate::cli) fn new(exclusions: Vec<Exclusion>, shard: Option<Shard>, follow_links: bool) -> Self {
        Self { exclusions, shard, follow_links, found: AtomicBool::new(false) }
    }

    /// Something was found that is not excluded, be it another shard's.
    pub(in crate::cli) fn has_found(&self) -> bool {
        self.found.load(Ordering::Relaxed)
    }

    /// Whether what has this name is left out; `relative` is its path below the folder that was named.
    pub(super) fn excludes(&self, name: &Path, relative: &Path) -> bool {
        if self.exclusions.is_empty() {
            return false;
        }
        let last = Candidate::new(relative.file_name().unwrap_or(relative.as_os_str()));
        let (relative, name) = (Candidate::new(relative), Candidate::new(name.strip_prefix("./").unwrap_or(name)));
        self.exclusions.iter().any(|exclusion| match exclusion.has_slash {
            false => exclusion.matches(&last),
            true => exclusion.matches(&relative) || exclusion.matches(&name),
        })
    }

    /// Whether what is not excluded belongs to this shard. `relative` is its path below the folder that was named, and
    /// of what was named itself its name.
    pub(super) fn takes(&self, relative: &Path) -> bool {
        self.found.store(true, Ordering::Relaxed);
        self.shard.is_none_or(|shard| shard.has(relative))
    }

    pub(super) fn takes_named(&self, input: &Input) -> bool {
        let name = input.path().unwrap_or(Path::new("-"));
        !self.excludes(name, name) && self.takes(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excludes(pattern: &str, name: &str, relative: &str) -> bool {
        let exclusions = vec![pattern.parse().unwrap()];
        Selection::new(exclusions, None, false).excludes(Path::new(name), Path::new(relative))
    }

    #[test]
    fn a_pattern_without_a_slash_is_about_a_name() {
        for (pattern, excluded) in [("*.h4mk", true), ("b*", true), ("b.h4mk", true), ("a", false), ("*b", false)] {
            assert_eq!(excludes(pattern, "m/a/b.h4mk", "a/b.h4mk"), excluded, "{pattern}");
        }
        assert!(excludes("{a,b}.h4m[k-l]", "b.h4mk", "b.h4mk"));
        assert!(excludes("tmp/", "m/x/tmp", "x/tmp"));
        assert!(excludes(r"\*.h4mk", "*.h4mk", "*.h4mk") && !excludes(r"\*.h4mk", "b.h4mk", "b.h4mk"));
    }

    #[test]
    fn a_pattern_with_a_slash_is_about_a_path() {
        for pattern in ["a/b.h4mk", "a/*", "m/a/*", "./m/**", "**/a/*", "/a/b.h4mk", "m/**/b.h4mk"] {
            assert!(excludes(pattern, "m/a/b.h4mk", "a/b.h4mk"), "{pattern}");
            assert!(excludes(pattern, "./m/a/b.h4mk", "a/b.h4mk"), "{pattern}");
        }
        for pattern in ["m/*", "/b.h4mk", "b/*", "*/m/a/*"] {
            assert!(!excludes(pattern, "m/a/b.h4mk", "a/b.h4mk"), "{pattern}");
        }
        assert!(excludes("/x/m/*", "/x/m/b.h4mk", "b.h4mk"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in ["", "/", "a[", "{a", "[z-a]"] {
            assert!(pattern.parse::<Exclusion>().is_err(), "{pattern}");
        }
    }
}
