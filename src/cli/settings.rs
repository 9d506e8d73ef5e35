//! The options every command has, and the environment variables that stand in for them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use super::color::ColorChoice;
use super::status::{Failure, Status};
use h4mk::codec::engine::Engines;
use h4mk::codec::external::{External, Library};
use h4mk::codec::{cipher, mask};
use h4mk::container::Options;
use h4mk::hash::unhex;
use h4mk::secret::{Secret, SecretError};
use h4mk::seek::Meaning;
use h4mk::size;
use h4mk::source::{SourceError, Stream};
use h4mk::text;

/// Blocks that would decode to more than this many bytes are not decoded, unless told otherwise.
pub const DEFAULT_MAX_BLOCK_SIZE: u64 = 1 << 30;
/// Bytes of decoded blocks kept, unless told otherwise.
pub const DEFAULT_CACHE_BYTES: u64 = 256 << 20;

/// Bytes of memory for the vendor's library itself, without the block.
const CORE_MEMORY: u64 = 1 << 30;

const SHARED_SECRET: &str = "H4_SHARED_SECRET";
const MASK_KEY: &str = "H4_MASK_KEY";

/// What SEEK offsets are taken to mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum MeaningChoice {
    /// What the entries themselves fit.
    #[default]
    Auto,
    /// A position in the decoded blocks, one after the other.
    Stream,
    /// A position in the stored CORE payloads, one after the other.
    Stored,
    /// The file offset of a CORE chunk's header.
    Chunk,
    /// The file offset of a CORE chunk's payload.
    Payload,
    /// A block index.
    Index,
}

/// Options that can stand before and after any command.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// What SEEK offsets mean: auto, stream, stored, chunk, payload or index [default: auto]
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "MEANING",
        value_enum,
        hide_possible_values = true
    )]
    pub meaning: Option<MeaningChoice>,

    /// Largest size that a block may decode to, e.g. 10MB, 512KiB [default: 1GiB]
    #[arg(long, global = true, hide_short_help = true, value_name = "SIZE", value_parser = size::parse)]
    pub max_block_size: Option<u64>,

    /// Mebibytes of decoded blocks to keep [default: 256]
    #[arg(long, global = true, hide_short_help = true, value_name = "MB")]
    pub cache_mb: Option<u32>,

    /// File with the shared secret of encrypted blocks, in hex
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub secret_file: Option<PathBuf>,

    /// File with the master key of masked blocks, in hex
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub mask_key_file: Option<PathBuf>,

    /// The vendor's library, for blocks of closed engines
    #[arg(long, global = true, hide_short_help = true, value_name = "LIBRARY", value_hint = clap::ValueHint::FilePath)]
    pub core_lib: Option<PathBuf>,

    /// SHA-256 that the library's file must have, in hex; checked before any of its code runs
    #[arg(long, global = true, hide_short_help = true, value_name = "HEX", value_parser = sha256)]
    pub core_sha256: Option<[u8; 32]>,

    /// Colour output: auto, always or never [default: auto]
    #[arg(long, global = true, hide_short_help = true, value_name = "WHEN", value_enum, hide_possible_values = true)]
    pub color: Option<ColorChoice>,
}

/// What the options and the environment come to.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How to read SEEK offsets.
    pub meaning: MeaningChoice,
    /// Largest decoded block, in bytes.
    pub max_block_size: u64,
    /// Bytes of decoded blocks to keep.
    pub cache_bytes: u64,
    /// Commands that give content verify VERI first (HARMONY_VERIFY_INTEGRITY).
    pub verify_integrity: bool,
    /// 32 bytes.
    pub shared_secret: Option<Arc<Secret>>,
    /// 16 bytes or more.
    pub mask_key: Option<Arc<Secret>>,
    /// Library for engines that are closed; this program is its host.
    pub core_library: Option<Library>,
    /// Whether to colour.
    pub color: ColorChoice,
}

impl Settings {
    /// Options first, then variables, then defaults. A variable that is empty counts as not set; one that makes no sense
    /// is a usage error, unless its option overrides it.
    pub fn resolve(args: &GlobalArgs, env: impl Fn(&str) -> Option<OsString>) -> anyhow::Result<Self> {
        let env = |name: &str| env(name).filter(|value| !value.is_empty());
        Ok(Self {
            meaning: args.meaning.unwrap_or_default(),
            max_block_size: match args.max_block_size {
                Some(bytes) => bytes,
                None => variable(&env, "HARMONY_MAX_BLOCK_SIZE", |text| size::parse(text).map_err(|e| e.to_string()))?
                    .unwrap_or(DEFAULT_MAX_BLOCK_SIZE),
            },
            cache_bytes: match args.cache_mb {
                Some(mebibytes) => Some(mebibytes),
                None => variable(&env, "HARMONY_CACHE_MB", |text| {
                    text.parse::<u32>().map_err(|_| "write a whole number of mebibytes".to_owned())
                })?,
            }
            .map_or(DEFAULT_CACHE_BYTES, |mebibytes| u64::from(mebibytes) << 20),
            verify_integrity: variable(&env, "HARMONY_VERIFY_INTEGRITY", parse_switch)?.unwrap_or(false),
            shared_secret: key(args.secret_file.as_deref(), &env, SHARED_SECRET, cipher::check_secret)?,
            mask_key: key(args.mask_key_file.as_deref(), &env, MASK_KEY, mask::check_key)?,
            core_library: core_library(args, &env)?,
            color: args.color.unwrap_or_default(),
        })
    }
}

impl Settings {
    /// How the core is to read a container. Containers that are opened with the same options share the library's hosts.
    pub fn options(&self) -> Options {
        // The block, and what it decodes to.
        let memory = self.max_block_size.saturating_mul(2).saturating_add(CORE_MEMORY);
        let external =
            |library: &Library| Engines::default().with(Arc::new(External::new(Library { memory, ..library.clone() })));
        Options {
            meaning: match self.meaning {
                MeaningChoice::Auto => None,
                MeaningChoice::Stream => Some(Meaning::Stream),
                MeaningChoice::Stored => Some(Meaning::Stored),
                MeaningChoice::Chunk => Some(Meaning::Chunk),
                MeaningChoice::Payload => Some(Meaning::Payload),
                MeaningChoice::Index => Some(Meaning::Index),
            },
            max_block_size: self.max_block_size,
            cache_bytes: self.cache_bytes,
            shared_secret: self.shared_secret.clone(),
            mask_key: self.mask_key.clone(),
            engines: self.core_library.as_ref().map_or_else(Engines::default, external),
            growing: false,
        }
    }
}

/// The vendor's library, pinned to the id and the fingerprint that the environment demands, and to the digest that the
/// command line does. A wrong digest is a usage error, whether or not there is something to decode.
fn core_library(args: &GlobalArgs, env: &impl Fn(&str) -> Option<OsString>) -> anyhow::Result<Option<Library>> {
    let Some(path) = args.core_lib.clone().or_else(|| env("HARMONY4_CORE_PATH").map(PathBuf::from)) else {
        return match args.core_sha256 {
            Some(_) => {
                Err(Status::Usage
                    .error("--core-sha256 needs a library: give one with --core-lib or HARMONY4_CORE_PATH"))
            }
            None => Ok(None),
        };
    };
    let host = std::env::current_exe().context("this program's own path, which the core library needs")?;
    let pin = |name| env(name).map(|value| value.to_string_lossy().trim().to_owned());
    let (engine_id, fingerprint) = (pin("HARMONY4_ENGINE_ID"), pin("HARMONY4_ENGINE_FP"));
    let library = Library { engine_id, fingerprint, sha256: args.core_sha256, ..Library::new(path, host) };
    if let Err(reason) = library.check() {
        let path = text::escape_bytes(library.path.as_os_str().as_encoded_bytes());
        return Err(Status::Usage.error(format!("{path}: {reason}")));
    }
    Ok(Some(library))
}

fn sha256(text: &str) -> Result<[u8; 32], String> {
    let digest = unhex(text).and_then(|bytes| bytes.try_into().ok());
    digest.ok_or_else(|| "write 64 hexadecimal digits".to_owned())
}

fn parse_switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("write 1 or 0".into()),
    }
}

/// A variable's value, or a usage error that names the variable and shows what it holds.
fn variable<T>(
    env: &impl Fn(&str) -> Option<OsString>,
    name: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> anyhow::Result<Option<T>> {
    let Some(value) = env(name) else { return Ok(None) };
    let value = value.to_string_lossy();
    match parse(value.trim()) {
        Ok(value) => Ok(Some(value)),
        Err(reason) => Err(Status::Usage.error(format!("{name}={}: {reason}", text::escape(&value)))),
    }
}

/// A key from its file, else from its variable; errors name the place, never the content.
fn key(
    file: Option<&Path>,
    env: &impl Fn(&str) -> Option<OsString>,
    name: &str,
    check: impl Fn(&Secret) -> Result<(), SecretError>,
) -> anyhow::Result<Option<Arc<Secret>>> {
    let (place, key) = match (file, env(name)) {
        (Some(path), _) => {
            let place = text::escape_bytes(path.as_os_str().as_encoded_bytes());
            let as_usage = || Failure { status: Status::Usage, message: place.clone() };
            let file = Stream::open(path).with_context(as_usage)?;
            let key = Secret::read(file).map_err(SourceError::from).with_context(as_usage)?;
            (place, key)
        }
        (None, Some(value)) => (name.to_owned(), Secret::from_file(value.into_encoded_bytes())),
        (None, None) => return Ok(None),
    };
    let key = key.and_then(|key| check(&key).map(|()| key));
    key.map(|key| Some(Arc::new(key))).map_err(|reason| Status::Usage.error(format!("{place}: {reason}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::status;
    use std::io::Write;

    fn resolve(args: &GlobalArgs, env: &[(&str, &str)]) -> anyhow::Result<Settings> {
        Settings::resolve(args, |name| env.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value)))
    }

    fn refusal(args: &GlobalArgs, env: &[(&str, &str)]) -> String {
        let error = resolve(args, env).unwrap_err();
        assert_eq!(status::of(&error), Status::Usage);
        format!("{error:#}")
    }

    #[test]
    fn options_win_over_variables_and_those_over_defaults() {
        let none = GlobalArgs::default();
        let defaults = resolve(&none, &[("HARMONY_CACHE_MB", "")]).unwrap();
        assert_eq!(defaults.max_block_size, 1 << 30);
        assert_eq!(defaults.cache_bytes, 256 << 20);
        assert!(!defaults.verify_integrity);
        let env = [
            ("HARMONY_MAX_BLOCK_SIZE", "10MB"),
            ("HARMONY_CACHE_MB", "2048"),
            ("HARMONY_VERIFY_INTEGRITY", "1"),
            ("HARMONY4_CORE_PATH", "/lib/h4.so"),
        ];
        let from_env = resolve(&none, &env).unwrap();
        assert_eq!(from_env.max_block_size, 10_000_000);
        assert_eq!(from_env.cache_bytes, 2048 << 20);
        assert!(from_env.verify_integrity);
        assert_eq!(from_env.core_library.map(|library| library.path), Some("/lib/h4.so".into()));
        let args = GlobalArgs { max_block_size: Some(1), cache_mb: Some(3), ..none };
        let both = resolve(&args, &[("HARMONY_MAX_BLOCK_SIZE", "much"), ("HARMONY_CACHE_MB", "9")]).unwrap();
        assert_eq!((both.max_block_size, both.cache_bytes), (1, 3 << 20));
    }

    #[test]
    fn a_variable_that_makes_no_sense_is_a_usage_error_that_names_it() {
        let none = GlobalArgs::default();
        for (name, value) in
            [("HARMONY_MAX_BLOCK_SIZE", "much"), ("HARMONY_CACHE_MB", "-1"), ("HARMONY_VERIFY_INTEGRITY", "2")]
        {
            let message = refusal(&none, &[(name, value)]);
            assert!(message.starts_with(&format!("{name}={value}: ")), "{message}");
        }
    }

    #[test]
    fn keys_are_read_checked_and_never_shown() {
        let none = GlobalArgs::default();
        let settings = resolve(&none, &[(SHARED_SECRET, &"aB".repeat(32)), (MASK_KEY, &"01".repeat(16))]).unwrap();
        assert_eq!(settings.shared_secret.as_ref().unwrap().expose(), [0xab; 32]);
        assert!(!format!("{settings:?} {:?}", settings.options()).contains("171"));
        for (name, hex) in [(SHARED_SECRET, "abab"), (SHARED_SECRET, "zzzz"), (MASK_KEY, "abc"), (MASK_KEY, "abab")] {
            let message = refusal(&none, &[(name, hex)]);
            assert!(message.starts_with(name) && !message.contains(hex), "{message}");
        }
    }

    #[test]
    fn a_key_that_is_too_long_is_refused_wherever_it_comes_from() {
        let none = GlobalArgs::default();
        let long = "5a".repeat(2049);
        for name in [SHARED_SECRET, MASK_KEY] {
            let message = refusal(&none, &[(name, &long)]);
            assert!(message.starts_with(name) && !message.contains("5a5a"), "{message}");
        }
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{long}").unwrap();
        let path = || Some(file.path().to_owned());
        for args in [
            GlobalArgs { mask_key_file: path(), ..none.clone() },
            GlobalArgs { secret_file: path(), ..none.clone() },
            GlobalArgs { mask_key_file: Some("/dev/zero".into()), ..none.clone() },
        ] {
            let message = refusal(&args, &[]);
            assert!(message.contains("longer than 2048 bytes"), "{message}");
        }
        assert!(resolve(&none, &[(MASK_KEY, &long[2..])]).is_ok());
    }

    #[test]
    fn the_library_is_pinned_by_the_environment_alone() {
        let env = [("HARMONY4_CORE_PATH", "/lib/h4.so"), ("HARMONY4_ENGINE_ID", "id"), ("HARMONY4_ENGINE_FP", " AB ")];
        let args = GlobalArgs { core_lib: Some("/opt/h4.so".into()), ..GlobalArgs::default() };
        let library = resolve(&args, &env).unwrap().core_library.unwrap();
        assert_eq!(library.path, PathBuf::from("/opt/h4.so"));
        assert_eq!((library.engine_id.as_deref(), library.fingerprint.as_deref()), (Some("id"), Some("AB")));
        assert_eq!(resolve(&GlobalArgs::default(), &env[1..]).unwrap().core_library, None);
    }

    #[test]
    fn a_key_file_wins_over_the_variable() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{}", "07".repeat(16)).unwrap();
        let args = GlobalArgs { mask_key_file: Some(file.path().into()), ..GlobalArgs::default() };
        assert_eq!(resolve(&args, &[(MASK_KEY, "junk")]).unwrap().mask_key.unwrap().expose(), [7; 16]);
        let args = GlobalArgs { mask_key_file: Some("/no/such/key".into()), ..GlobalArgs::default() };
        assert!(refusal(&args, &[]).starts_with("/no/such/key: "));
    }
}
