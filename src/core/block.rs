//! A block on its way from stored bytes to content: stored → decrypted → decoded → unmasked.

use super::codec::rle;
use super::index::Chunk;
use super::meta::{Compression, Meta};

/// Name of the engine whose code is public.
pub const REFERENCE_ENGINE: &str = "geometric-reference";

/// How blocks are compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// The reference engine: run lengths.
    Rle {
        /// META does not say so, it is assumed.
        assumed: bool,
    },
    /// A closed engine, or one that is not known here.
    Opaque {
        /// Its name as declared.
        name: String,
    },
    /// No compression layer (mux).
    Stored,
}

/// What was done to blocks before they were stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// Name of the cipher, where blocks are encrypted.
    pub cipher: Option<String>,
    /// How they are compressed.
    pub engine: Engine,
    /// They were masked before compression.
    pub masked: bool,
}

impl Pipeline {
    /// The pipeline META describes; `None` for META that is lost or was never written.
    pub fn of(meta: Option<&Meta>) -> Self {
        let Some(meta) = meta else {
            return Self { cipher: None, engine: Engine::Rle { assumed: true }, masked: false };
        };
        let encrypted = meta.encrypted == Some(true) || meta.cipher.is_some();
        let cipher = encrypted.then(|| meta.cipher.clone().unwrap_or_else(|| "unknown cipher".to_owned()));
        Self { cipher, engine: Engine::of(meta.compression.as_ref()), masked: meta.masked == Some(true) }
    }

    /// Blocks can be read as run lengths as they are stored.
    pub fn is_plain_rle(&self) -> bool {
        self.cipher.is_none() && matches!(self.engine, Engine::Rle { .. })
    }
}

impl Engine {
    fn of(compression: Option<&Compression>) -> Self {
        let Some(compression) = compression else { return Self::Rle { assumed: true } };
        let opaque = compression.opaque == Some(true);
        match compression.engine.as_deref() {
            Some(REFERENCE_ENGINE) if !opaque => Self::Rle { assumed: false },
            None if !opaque => Self::Rle { assumed: true },
            name => Self::Opaque { name: name.unwrap_or("unnamed").to_owned() },
        }
    }

    /// The engine's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Rle { .. } => REFERENCE_ENGINE,
            Self::Opaque { name } => name,
            Self::Stored => "none",
        }
    }
}

/// Which bytes of a block are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// As stored.
    Raw,
    /// As far up the pipeline as it can be read.
    #[default]
    Decoded,
}

/// A block as stored, and whether it can be relied on.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// Its chunk.
    pub chunk: Chunk,
    /// Its bytes; without the H4TB header in the mux layout.
    pub bytes: &'a [u8],
    /// The CRC in the file; `None` where it is cut off.
    pub stored_crc: Option<u32>,
    /// The CRC of the bytes.
    pub computed_crc: u32,
}

impl Stored<'_> {
    /// The chunk is whole and its CRC right.
    pub fn is_intact(&self) -> bool {
        self.stored_crc == Some(self.computed_crc) && !self.chunk.state.is_damaged()
    }
}

/// Why a block can't be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// There is no such block.
    #[error("Block index {index} out of range ({})", range(*blocks))]
    OutOfRange {
        /// The index asked for.
        index: u64,
        /// How many blocks there are.
        blocks: u64,
    },
    /// The engine is closed.
    #[error(
        "block {block} at {offset} can't be decoded: engine \"{engine}\" is not known here; --raw gives it as stored"
    )]
    Opaque {
        /// Block index.
        block: u64,
        /// File offset of its chunk.
        offset: u64,
        /// Name of the engine.
        engine: String,
    },
    /// The block is encrypted.
    #[error("block {block} at {offset} is encrypted ({cipher}); --raw gives it as stored")]
    Encrypted {
        /// Block index.
        block: u64,
        /// File offset of its chunk.
        offset: u64,
        /// Name of the cipher.
        cipher: String,
    },
    /// Its run lengths can't be decoded.
    #[error("block {block} at {offset} can't be decoded: {source}")]
    Rle {
        /// Block index.
        block: u64,
        /// File offset of its chunk.
        offset: u64,
        /// Why.
        source: rle::RleError,
    },
}

fn range(blocks: u64) -> String {
    match blocks {
        0 => "there are none".to_owned(),
        n => format!("0-{}", n - 1),
    }
}
