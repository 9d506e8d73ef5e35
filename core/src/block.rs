//! A block on its way from stored bytes to content: stored → decrypted → decoded → unmasked.

mod cache;
mod reader;

use std::ops::Deref;

use super::bytes::Bytes;
use super::codec::cipher;
use super::codec::engine::{self, EngineError};
use super::index::Chunk;
use super::meta::{Compression, Meta};
use super::secret::SecretError;
use super::text::count;

pub use super::codec::engine::REFERENCE_ENGINE;
pub(crate) use cache::Cache;
pub(crate) use reader::{Reader, StoredBlock};

/// The cipher whose blocks can be read: what META's `encryption.cipher` calls it.
pub const LIVING_CIPHER: &str = "living-cipher-v3";

/// How blocks are compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineKind {
    /// The reference engine: run lengths.
    Rle {
        /// META does not say so, it is assumed.
        assumed: bool,
    },
    /// A closed engine, or any other that is not the reference engine. Whether there is a decoder for it is another
    /// matter.
    Opaque {
        /// Its name as declared; where there is none, that of its algorithm.
        name: String,
    },
    /// No compression layer (mux).
    Stored,
}

/// What was done to blocks before they were stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pipeline {
    /// Name of the cipher, where blocks are encrypted.
    pub cipher: Option<String>,
    /// How they are compressed.
    pub engine: EngineKind,
    /// They were masked before compression.
    pub masked: bool,
}

impl Pipeline {
    /// The pipeline META describes; `None` for META that is lost or was never written.
    pub fn of(meta: Option<&Meta>) -> Self {
        let Some(meta) = meta else {
            return Self { cipher: None, engine: EngineKind::Rle { assumed: true }, masked: false };
        };
        let encrypted = meta.encrypted == Some(true) || meta.cipher.is_some();
        let cipher = encrypted.then(|| meta.cipher.clone().unwrap_or_else(|| "unknown cipher".to_owned()));
        Self { cipher, engine: EngineKind::of(meta.compression.as_ref()), masked: meta.masked == Some(true) }
    }

    /// Blocks are encrypted with the cipher that can be read here.
    pub fn is_living_cipher(&self) -> bool {
        self.cipher.as_deref() == Some(LIVING_CIPHER)
    }

    /// Blocks can be read as run lengths as they are stored.
    pub fn is_plain_rle(&self) -> bool {
        self.cipher.is_none() && matches!(self.engine, EngineKind::Rle { .. })
    }
}

impl EngineKind {
    fn of(compression: Option<&Compression>) -> Self {
        let Some(compression) = compression else { return Self::Rle { assumed: true } };
        if engine::is_reference(compression) {
            return Self::Rle { assumed: compression.engine.is_none() };
        }
        let named = compression.engine.as_ref().or(compression.algorithm.as_ref());
        Self::Opaque { name: named.cloned().unwrap_or_else(|| "unnamed".to_owned()) }
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

/// How the content of a block is had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// It is what is stored.
    Stored,
    /// From the run lengths that are stored, in any part. Still masked where the blocks are: no key was given.
    Runs,
    /// By reading the block as a whole: it is decrypted, unmasked, or decoded by an engine of another kind.
    Whole,
}

/// A block as stored, and whether it can be relied on.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Stored<'a> {
    /// Its chunk.
    pub chunk: Chunk,
    /// Its bytes; without the H4TB header in the mux layout.
    pub bytes: Bytes<'a>,
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

    /// What is wrong with it, as a sentence; `None` where it is intact.
    pub fn damage(&self) -> Option<String> {
        if self.is_intact() {
            return None;
        }
        let (block, offset) = (self.chunk.block.unwrap_or_default(), self.chunk.offset);
        Some(match self.stored_crc {
            Some(crc) if crc != self.computed_crc => {
                let computed = self.computed_crc;
                format!("block {block} at {offset} has a wrong CRC: stored {crc:08x}, computed {computed:08x}")
            }
            _ => format!("block {block} at {offset} is cut off after {}", count(self.bytes.len(), "byte")),
        })
    }
}

/// How far up the pipeline bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// As stored.
    Stored,
    /// Decrypted, still compressed.
    Decrypted,
    /// Decoded, still masked: no key was given.
    Masked,
    /// What the writer was given.
    Plain,
}

impl Stage {
    /// What to say beside the bytes.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Stored => "as stored",
            Self::Decrypted => "decrypted, still compressed",
            Self::Masked => "masked: no key",
            Self::Plain => "decoded",
        }
    }
}

/// A block's bytes, and what was undone to get them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Content {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What they are.
    pub stage: Stage,
    /// They were unmasked as the block of a number that is not certain, since blocks before it may be lost.
    pub provisional: bool,
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Part of a block, for showing it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Window {
    /// The bytes; fewer than were asked for where the block ends before.
    pub bytes: Vec<u8>,
    /// Where in the block they begin.
    pub start: u64,
    /// Length of the block in the form shown.
    pub block_len: u64,
    /// The form shown: the last one that can be read.
    pub stage: Stage,
    /// As in [`Content`].
    pub provisional: bool,
    /// What keeps the block from being read further, or as a whole.
    pub problem: Option<BlockError>,
}

/// Why a block can't be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
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
    #[error("block {block} at {offset} can't be decoded: engine \"{engine}\" is unknown here")]
    Opaque {
        /// Block index.
        block: u64,
        /// File offset of its chunk.
        offset: u64,
        /// Name of the engine.
        engine: String,
    },
    /// The block is encrypted.
    #[error("block {block} at {offset} is encrypted ({cipher})")]
    Encrypted {
        /// Block index.
        block: u64,
        /// File offset of its chunk.
        offset: u64,
        /// Name of the cipher.
        cipher: String,
    },
    /// The secret, or the block, is not what it should be.
    #[error("block {block} at {offset} can't be decrypted: {source}")]
    Decrypt {
        /// Block index.
        block: u64,
        /// File offset of its chunk.
        offset: u64,
        /// Why.
        source: cipher::OpenError,
    },
    /// Its engine gives no bytes for it.
    #[error("block {block} at {offset} can't be decoded: {source}")]
    Decode {
        /// Block index.
        block: u64,
        /// File offset of its chunk.
        offset: u64,
        /// Why.
        source: EngineError,
    },
    /// A key that was given can't be one.
    #[error("the {what} can't be used: {source}")]
    Key {
        /// Which.
        what: &'static str,
        /// Why.
        source: SecretError,
    },
}

impl BlockError {
    /// File offset of the chunk that it is about.
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Opaque { offset, .. }
            | Self::Encrypted { offset, .. }
            | Self::Decrypt { offset, .. }
            | Self::Decode { offset, .. } => Some(*offset),
            Self::OutOfRange { .. } | Self::Key { .. } => None,
        }
    }
}

fn range(blocks: u64) -> String {
    match blocks {
        0 => "there are no blocks".to_owned(),
        n => format!("0-{}", n - 1),
    }
}
