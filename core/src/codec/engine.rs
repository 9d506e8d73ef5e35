//! Engines: what turns a compressed block back into raw bytes. The reference engine is built in; others are added.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::Arc;

use super::rle::{self, RleError};
use crate::meta::Compression;

/// Name of the engine whose code is public.
pub const REFERENCE_ENGINE: &str = "geometric-reference";
/// What META calls its algorithm, without case and punctuation.
const REFERENCE_ALGORITHM: &str = "rledelta";

/// A decoder for the blocks of one kind of compression. Blocks come decrypted, and what it gives is still masked if the
/// container is: both are the caller's business.
///
/// ```
/// use std::sync::Arc;
/// use h4mk::codec::engine::{Engine, EngineError, Engines};
/// use h4mk::container::{Container, Options};
/// use h4mk::meta::Compression;
/// use h4mk::source::Source;
/// use h4mk::task::Task;
/// use h4mk::walk::Depth;
/// # use h4mk::pack::TransportWriter;
///
/// /// Stores every byte inverted.
/// struct Inverter;
///
/// impl Engine for Inverter {
///     fn name(&self) -> &str {
///         "inverter"
///     }
///
///     fn matches(&self, compression: &Compression) -> bool {
///         compression.engine.as_deref() == Some("inverter")
///     }
///
///     fn decoded_len(&self, stored: &[u8]) -> Option<u64> {
///         Some(stored.len() as u64)
///     }
///
///     fn decode(&self, stored: &[u8], limit: u64) -> Result<Vec<u8>, EngineError> {
///         EngineError::check_len(stored.len() as u64, limit)?;
///         Ok(stored.iter().map(|byte| !byte).collect())
///     }
/// }
///
/// # let mut file = Vec::new();
/// # let mut writer = TransportWriter::new(&mut file)?;
/// # writer.block(&[0xff, 0xfe])?;
/// # writer.chunk(*b"META", br#"{"compression":{"engine":"inverter","opaque":true}}"#)?;
/// # writer.finish()?;
/// let source = Arc::new(Source::from_bytes("clip.h4mk", file));
/// let options = Options { engines: Engines::default().with(Arc::new(Inverter)), ..Options::default() };
/// let container = Container::open(source, options, Depth::Headers, &Task::default())?;
/// assert_eq!(container.content(0)?.bytes, [0, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Engine: Send + Sync {
    /// What it is called in messages.
    fn name(&self) -> &str;

    /// Whether blocks that META describes so are its own. The reference engine's never get here: they are known.
    fn matches(&self, compression: &Compression) -> bool;

    /// How many bytes a block decodes to, where that can be told at less cost than decoding.
    fn decoded_len(&self, _stored: &[u8]) -> Option<u64> {
        None
    }

    /// Decodes a block to at most `limit` bytes. Must not allocate more than that: what is stored may be hostile.
    fn decode(&self, stored: &[u8], limit: u64) -> Result<Vec<u8>, EngineError>;

    /// A way to read parts of the block without decoding all of it, for blocks of any size; `None` where there is none.
    fn windows(&self, _stored: &[u8]) -> Option<Box<dyn Windows>> {
        None
    }
}

/// Reads parts of one block. Made once a block and kept.
pub trait Windows: Send + Sync {
    /// What the block decodes to, in bytes.
    fn decoded_len(&self) -> u64;

    /// Decoded bytes `start..start + len`, or fewer where the block ends before. `stored` is what the windows were made
    /// from.
    fn window(&self, stored: &[u8], start: u64, len: usize) -> Vec<u8>;

    /// Why the block as a whole does not decode, although windows of it can be read.
    fn fault(&self) -> Option<EngineError> {
        None
    }

    /// Bytes of memory that it holds.
    fn weight(&self) -> u64;
}

/// Why an engine gave no bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// Nothing was decoded.
    #[error("decodes to {decoded_len} bytes, over the limit of {limit}")]
    TooLarge {
        /// What it would decode to, in bytes.
        decoded_len: u64,
        /// The caller's limit, in bytes.
        limit: u64,
    },
    /// The stored bytes are none of this engine's, or damaged.
    #[error("{0}")]
    Malformed(String),
    /// The engine itself failed, or can't be used at all. Says nothing about the block.
    #[error("{0}")]
    Failed(String),
}

impl EngineError {
    /// Fails where a block would decode to more than the limit.
    pub fn check_len(decoded_len: u64, limit: u64) -> Result<(), Self> {
        if decoded_len > limit { Err(Self::TooLarge { decoded_len, limit }) } else { Ok(()) }
    }
}

impl From<RleError> for EngineError {
    fn from(error: RleError) -> Self {
        match error {
            RleError::TooLarge { decoded_len, limit } => Self::TooLarge { decoded_len, limit },
            RleError::OddLength { .. } => Self::Malformed(error.to_string()),
        }
    }
}

/// The engines there are: the reference engine, and those that were added.
#[derive(Clone, Default)]
pub struct Engines {
    added: Vec<Arc<dyn Engine>>,
}

impl Engines {
    /// Adds an engine. The first that matches decodes.
    #[must_use]
    pub fn with(mut self, engine: Arc<dyn Engine>) -> Self {
        self.added.push(engine);
        self
    }

    /// The engine of the blocks that META describes so. The reference engine is assumed where META names neither an
    /// engine nor another algorithm.
    pub fn find(&self, compression: Option<&Compression>) -> Option<Arc<dyn Engine>> {
        match compression {
            Some(compression) if !is_reference(compression) => {
                self.added.iter().find(|engine| engine.matches(compression)).cloned()
            }
            _ => Some(Arc::new(Reference)),
        }
    }
}

impl fmt::Debug for Engines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.added.iter().map(|engine| engine.name())).finish()
    }
}

/// The reference engine made these blocks. It is assumed where no engine is named, unless the algorithm is another one.
pub(crate) fn is_reference(compression: &Compression) -> bool {
    let named = match (&compression.engine, &compression.algorithm) {
        (Some(engine), _) => engine == REFERENCE_ENGINE,
        (None, Some(algorithm)) => is_reference_algorithm(algorithm),
        (None, None) => true,
    };
    named && compression.opaque != Some(true)
}

/// `RLE+delta`, in any spelling.
fn is_reference_algorithm(name: &str) -> bool {
    let plain = name.chars().filter(|c| !matches!(c, '+' | '-' | '_' | '/') && !c.is_whitespace());
    plain.flat_map(char::to_lowercase).eq(REFERENCE_ALGORITHM.chars())
}

/// The engine whose code is public: run lengths.
#[derive(Debug, Clone, Copy)]
pub struct Reference;

impl Engine for Reference {
    fn name(&self) -> &str {
        REFERENCE_ENGINE
    }

    fn matches(&self, compression: &Compression) -> bool {
        is_reference(compression)
    }

    fn decoded_len(&self, stored: &[u8]) -> Option<u64> {
        Some(rle::decoded_len(stored))
    }

    fn decode(&self, stored: &[u8], limit: u64) -> Result<Vec<u8>, EngineError> {
        Ok(rle::decode(stored, limit)?)
    }

    fn windows(&self, stored: &[u8]) -> Option<Box<dyn Windows>> {
        Some(Box::new(Runs { steps: rle::Steps::new(stored), len: stored.len() as u64 }))
    }
}

/// Windows of run lengths. Of a block of odd length, the whole pairs.
struct Runs {
    steps: rle::Steps,
    len: u64,
}

impl Windows for Runs {
    fn decoded_len(&self) -> u64 {
        self.steps.decoded_len()
    }

    fn window(&self, stored: &[u8], start: u64, len: usize) -> Vec<u8> {
        self.steps.window(stored, start, len)
    }

    fn fault(&self) -> Option<EngineError> {
        (!self.len.is_multiple_of(2)).then(|| RleError::OddLength { len: self.len }.into())
    }

    fn weight(&self) -> u64 {
        self.steps.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Any(&'static str);

    impl Engine for Any {
        fn name(&self) -> &str {
            self.0
        }

        fn matches(&self, _: &Compression) -> bool {
            true
        }

        fn decode(&self, _: &[u8], _: u64) -> Result<Vec<u8>, EngineError> {
            Ok(self.0.into())
        }
    }

    fn named(engine: Option<&str>, opaque: Option<bool>) -> Compression {
        Compression { engine: engine.map(str::to_owned), opaque, ..Compression::default() }
    }

    #[test]
    fn the_first_engine_that_matches_decodes_and_none_replaces_the_reference() {
        let engines = Engines::default().with(Arc::new(Any("first"))).with(Arc::new(Any("second")));
        let found = |compression: Option<Compression>| engines.find(compression.as_ref()).unwrap().name().to_owned();
        assert_eq!(found(Some(named(Some("core"), None))), "first");
        assert_eq!(found(Some(named(Some(REFERENCE_ENGINE), Some(true)))), "first");
        assert_eq!(found(Some(named(Some(REFERENCE_ENGINE), Some(false)))), REFERENCE_ENGINE);
        assert_eq!(found(Some(named(None, None))), REFERENCE_ENGINE);
        assert_eq!(found(None), REFERENCE_ENGINE);
        assert_eq!(format!("{engines:?}"), r#"["first", "second"]"#);
        assert!(Engines::default().find(Some(&named(Some("core"), None))).is_none());
    }

    #[test]
    fn without_an_engine_only_the_reference_algorithm_is_assumed_to_be_the_reference_engine() {
        let by = |engine: Option<&str>, algorithm: &str| Compression {
            algorithm: Some(algorithm.to_owned()),
            ..named(engine, None)
        };
        for algorithm in ["RLE+delta", "rle-delta", "Rle_Delta", "RLE + delta"] {
            assert!(is_reference(&by(None, algorithm)), "{algorithm}");
        }
        for algorithm in ["zstd", "RLE", "", "delta", "RLE+delta2", "lz4"] {
            assert!(!is_reference(&by(None, algorithm)), "{algorithm}");
        }
        assert!(is_reference(&by(Some(REFERENCE_ENGINE), "zstd")), "an engine that is named counts");
        assert!(!is_reference(&by(Some("core"), "RLE+delta")));
    }

    #[test]
    fn windows_of_an_odd_block_show_its_whole_pairs() {
        let windows = Reference.windows(&[7, 3, 9]).unwrap();
        assert_eq!(windows.window(&[7, 3, 9], 1, 10), [7, 7]);
        assert_eq!(windows.fault(), Reference.decode(&[7, 3, 9], 10).err());
        assert!(matches!(windows.fault(), Some(EngineError::Malformed(_))));
    }
}
