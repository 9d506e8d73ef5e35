//! Whether output is coloured.

use std::ffi::OsString;

/// `--color`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// As the environment and the terminal say.
    #[default]
    Auto,
    /// Even into a pipe.
    Always,
    /// Not even on a terminal.
    Never,
}

/// The one decision on colour: `--color`, else `NO_COLOR` (any text turns it off), else `CLICOLOR_FORCE` (any text but
/// `0` turns it on), else whether the output is a terminal that is not `TERM=dumb`.
pub fn is_colored(choice: ColorChoice, env: impl Fn(&str) -> Option<OsString>, is_terminal: bool) -> bool {
    let set = |name| env(name).filter(|value| !value.is_empty());
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if set("NO_COLOR").is_some() => false,
        ColorChoice::Auto if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        ColorChoice::Auto => is_terminal && set("TERM").is_none_or(|term| term != "dumb"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(choice: ColorChoice, env: &[(&str, &str)], is_terminal: bool) -> bool {
        let env = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        is_colored(choice, env, is_terminal)
    }

    #[test]
    fn the_option_wins_over_the_environment_and_that_over_the_terminal() {
        use ColorChoice::{Always, Auto, Never};
        assert!(decide(Always, &[("NO_COLOR", "1")], false));
        assert!(!decide(Never, &[("CLICOLOR_FORCE", "1")], true));
        assert!(decide(Auto, &[], true));
        assert!(!decide(Auto, &[], false));
        assert!(!decide(Auto, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true));
        assert!(decide(Auto, &[("NO_COLOR", ""), ("CLICOLOR_FORCE", "1")], false));
        assert!(!decide(Auto, &[("CLICOLOR_FORCE", "0")], false));
        assert!(!decide(Auto, &[("TERM", "dumb")], true));
    }
}
