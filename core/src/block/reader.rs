//! One container's way from stored bytes to content: its keys and its engine, made once.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::{BlockError, Content, EngineKind, Pipeline, Reading, Stage};
use crate::bytes::{Bytes, available};
use crate::codec::cipher::{self, Header, OpenError, Opener};
use crate::codec::engine::{Engine, Windows};
use crate::codec::mask::Mask;
use crate::meta::Meta;
use crate::options::Options;
use crate::secret::SecretError;

/// What the writer authenticates for want of a name.
const UNKNOWN: &str = "unknown";

/// A stored block, and where it belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredBlock<'a> {
    /// Its bytes.
    pub(crate) stored: Bytes<'a>,
    /// Its index among the blocks that are there.
    pub(crate) block: u64,
    /// File offset of its chunk.
    pub(crate) offset: u64,
    /// Blocks before it may be lost.
    pub(crate) provisional: bool,
}

/// A block's number as its writer counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Number {
    number: u64,
    provisional: bool,
}

/// The keys and the engine that a container's blocks are read with.
pub(crate) struct Reader {
    pipeline: Pipeline,
    opener: Option<Result<Opener, SecretError>>,
    mask: Option<Result<Mask, SecretError>>,
    engine: Option<Arc<dyn Engine>>,
    engine_id: String,
    engine_fp: String,
    track_id: String,
    pts_us: u64,
    max_block_size: u64,
}

impl Reader {
    /// `messages` is how many messages of the cipher there can have been.
    pub(crate) fn new(pipeline: Pipeline, meta: Option<&Meta>, options: &Options, messages: u64) -> Self {
        let compression = meta.and_then(|meta| meta.compression.as_ref());
        let text = |text: Option<&String>| text.map_or(UNKNOWN, String::as_str).to_owned();
        let secret = options.shared_secret.as_deref().filter(|_| pipeline.is_living_cipher());
        let mask_key = options.mask_key.as_deref().filter(|_| pipeline.masked);
        let engine = match pipeline.engine {
            EngineKind::Stored => None,
            _ => options.engines.find(compression),
        };
        Self {
            opener: secret.and_then(|secret| Opener::with(secret, messages)),
            mask: mask_key.map(Mask::new),
            engine,
            engine_id: text(compression.and_then(|c| c.engine_id.as_ref())),
            engine_fp: text(compression.and_then(|c| c.fingerprint.as_ref())),
            track_id: text(meta.and_then(|meta| meta.track_id.as_ref())),
            pts_us: meta.and_then(|meta| meta.pts_us).unwrap_or(0),
            max_block_size: options.max_block_size,
            pipeline,
        }
    }

    /// What was done to blocks before they were stored.
    pub(crate) fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// Blocks are encrypted, and there is a secret to open them with.
    pub(crate) fn can_decrypt(&self) -> bool {
        matches!(self.opener, Some(Ok(_)))
    }

    /// Blocks are not encrypted, or there is a secret.
    pub(crate) fn reaches_compressed(&self) -> bool {
        self.pipeline.cipher.is_none() || self.can_decrypt()
    }

    /// Blocks are masked, and there is a key.
    pub(crate) fn can_unmask(&self) -> bool {
        matches!(self.mask, Some(Ok(_)))
    }

    /// There is something that decodes the blocks.
    pub(crate) fn has_engine(&self) -> bool {
        self.engine.is_some() || self.pipeline.engine == EngineKind::Stored
    }

    /// How the content of a block is had, with the keys and the engines there are. Whether they are right for it is only
    /// known once it is read.
    pub(crate) fn reading(&self, block: u64, offset: u64) -> Result<Reading, BlockError> {
        let opener = self.opener(block, offset)?;
        let engine = self.engine(block, offset)?;
        let mask = self.mask()?;
        Ok(match (opener, engine, mask) {
            (None, None, None) => Reading::Stored,
            (None, Some(_), None) if self.pipeline.is_plain_rle() => Reading::Runs,
            _ => Reading::Whole,
        })
    }

    /// What opens the block; `None` where it is not encrypted.
    fn opener(&self, block: u64, offset: u64) -> Result<Option<&Opener>, BlockError> {
        let Some(cipher) = &self.pipeline.cipher else { return Ok(None) };
        match &self.opener {
            Some(Ok(opener)) => Ok(Some(opener)),
            Some(Err(source)) => Err(BlockError::Key { what: "shared secret", source: *source }),
            None => Err(BlockError::Encrypted { block, offset, cipher: cipher.clone() }),
        }
    }

    /// What decodes the block; `None` where it is not compressed.
    fn engine(&self, block: u64, offset: u64) -> Result<Option<&dyn Engine>, BlockError> {
        match (&self.pipeline.engine, &self.engine) {
            (EngineKind::Stored, _) => Ok(None),
            (_, Some(engine)) => Ok(Some(&**engine)),
            (kind, None) => Err(BlockError::Opaque { block, offset, engine: kind.name().to_owned() }),
        }
    }

    /// What unmasks blocks; `None` where they are not masked, or there is no key.
    fn mask(&self) -> Result<Option<&Mask>, BlockError> {
        match &self.mask {
            Some(Ok(mask)) => Ok(Some(mask)),
            Some(Err(source)) => Err(BlockError::Key { what: "mask key", source: *source }),
            None => Ok(None),
        }
    }

    /// The block as the engine left it.
    pub(crate) fn decrypt<'a>(&self, place: &StoredBlock<'a>) -> Result<Cow<'a, [u8]>, BlockError> {
        let &StoredBlock { stored, block, offset, .. } = place;
        let Some(opener) = self.opener(block, offset)? else { return Ok(stored.read()) };
        let failed = |source: OpenError| BlockError::Decrypt { block, offset, source };
        let stored = stored.read();
        let (header, _) = Header::parse(&stored).map_err(|error| failed(error.into()))?;
        let context = cipher::Context {
            engine_id: &self.engine_id,
            engine_fp: &self.engine_fp,
            track_id: &self.track_id,
            pts_us: self.pts_us,
            block_index: header.counter,
        };
        opener.open(&stored, &context).map(Cow::Owned).map_err(failed)
    }

    /// How many bytes the block decodes to, counted without decoding it.
    pub(crate) fn decoded_len(&self, place: &StoredBlock<'_>) -> Option<u64> {
        if self.pipeline.engine == EngineKind::Stored {
            return Some(place.stored.len());
        }
        let engine = self.engine.as_ref()?;
        match self.pipeline.cipher {
            None => engine.decoded_len(place.stored),
            Some(_) => engine.decoded_len((&self.decrypt(place).ok()?).into()),
        }
    }

    /// The whole block, as far up as it can be read; still masked where no key was given.
    pub(crate) fn content(&self, place: &StoredBlock<'_>) -> Result<Content, BlockError> {
        let engine = |compressed: Cow<'_, [u8]>| match self.engine(place.block, place.offset)? {
            None => Ok(compressed.into_owned()),
            Some(engine) => {
                let decoded = engine.decode(&compressed, self.max_block_size);
                decoded.map_err(|source| BlockError::Decode { block: place.block, offset: place.offset, source })
            }
        };
        self.content_through(place, engine)
    }

    /// The same, decoded by `decode` in place of the engine.
    pub(crate) fn content_through(
        &self,
        place: &StoredBlock<'_>,
        decode: impl FnOnce(Cow<'_, [u8]>) -> Result<Vec<u8>, BlockError>,
    ) -> Result<Content, BlockError> {
        let mut bytes = decode(self.decrypt(place)?)?;
        let number = self.number(place);
        let stage = self.unmask(number, 0, &mut bytes)?;
        Ok(Content { bytes, stage, provisional: self.pipeline.masked && number.provisional })
    }

    /// What windows of the block are read from. Decodes it only where its engine knows no other way.
    pub(crate) fn part(
        &self,
        place: &StoredBlock<'_>,
        content: impl FnOnce() -> Result<Arc<Content>, BlockError>,
    ) -> PreparedBlock {
        let decrypted = match &self.pipeline.cipher {
            None => None,
            Some(_) => match self.decrypt(place) {
                Ok(bytes) => Some(bytes.into_owned()),
                Err(problem) => return PreparedBlock::unread(None, problem),
            },
        };
        let number = self.number(place);
        let engine = match self.engine(place.block, place.offset) {
            Ok(Some(engine)) => engine,
            Ok(None) => return PreparedBlock { decrypted: None, number, form: PreparedForm::Stored, problem: None },
            Err(problem) => return PreparedBlock::unread(decrypted, problem),
        };
        let compressed = decrypted.as_ref().map_or(place.stored, Bytes::from);
        match engine.windows(compressed) {
            Some(windows) => {
                let (block, offset) = (place.block, place.offset);
                let problem = windows.fault().map(|source| BlockError::Decode { block, offset, source });
                PreparedBlock { decrypted, number, form: PreparedForm::Windows(windows), problem }
            }
            None => match content() {
                Ok(content) => {
                    PreparedBlock { decrypted: None, number, form: PreparedForm::Whole(content), problem: None }
                }
                Err(problem) => PreparedBlock::unread(decrypted, problem),
            },
        }
    }

    /// Part of a block: bytes, length of the block in that form, and what form it is.
    pub(crate) fn window(&self, stored: Bytes<'_>, part: &PreparedBlock, start: u64, len: usize) -> super::Window {
        let compressed = part.decrypted.as_ref().map_or(stored, Bytes::from);
        let problem = part.problem.clone();
        let plain = |bytes: Vec<u8>, block_len, stage| super::Window {
            bytes,
            start,
            block_len,
            stage,
            provisional: self.pipeline.masked && part.number.provisional,
            problem: problem.clone(),
        };
        match &part.form {
            PreparedForm::Unread => {
                let stage = if part.decrypted.is_some() { Stage::Decrypted } else { Stage::Stored };
                let bytes = compressed.available(start, len as u64).to_vec();
                super::Window { provisional: false, ..plain(bytes, compressed.len(), stage) }
            }
            PreparedForm::Stored => plain(stored.available(start, len as u64).to_vec(), stored.len(), Stage::Plain),
            PreparedForm::Whole(content) => {
                let bytes = available(&content.bytes, start, len as u64).to_vec();
                plain(bytes, content.bytes.len() as u64, content.stage)
            }
            PreparedForm::Windows(windows) => {
                let mut bytes = windows.window(compressed, start, len);
                match self.unmask(part.number, start, &mut bytes) {
                    Ok(stage) => plain(bytes, windows.decoded_len(), stage),
                    Err(key) => {
                        super::Window { problem: Some(key), ..plain(bytes, windows.decoded_len(), Stage::Masked) }
                    }
                }
            }
        }
    }

    fn unmask(&self, number: Number, start: u64, bytes: &mut [u8]) -> Result<Stage, BlockError> {
        match self.mask()? {
            Some(mask) => mask.unmask_window(number.number, start, bytes),
            None if self.pipeline.masked => return Ok(Stage::Masked),
            None => {}
        }
        Ok(Stage::Plain)
    }

    /// The number the writer gave the block: the cipher counts too, and it counts blocks that are lost.
    fn number(&self, place: &StoredBlock<'_>) -> Number {
        let counter = if self.pipeline.is_living_cipher() { cipher::counter(place.stored) } else { None };
        match counter {
            Some(number) => Number { number, provisional: false },
            None => Number { number: place.block, provisional: place.provisional },
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("pipeline", &self.pipeline).finish_non_exhaustive()
    }
}

/// A block, prepared for windows.
pub(crate) struct PreparedBlock {
    /// Where the stored bytes are not the compressed ones.
    decrypted: Option<Vec<u8>>,
    number: Number,
    form: PreparedForm,
    problem: Option<BlockError>,
}

enum PreparedForm {
    /// No further than it was decrypted.
    Unread,
    /// Stored bytes are the content.
    Stored,
    /// Decoded window by window.
    Windows(Box<dyn Windows>),
    /// Decoded whole.
    Whole(Arc<Content>),
}

impl PreparedBlock {
    fn unread(decrypted: Option<Vec<u8>>, problem: BlockError) -> Self {
        let number = Number { number: 0, provisional: false };
        Self { decrypted, number, form: PreparedForm::Unread, problem: Some(problem) }
    }

    /// Bytes of memory that it holds.
    pub(crate) fn weight(&self) -> u64 {
        let decoded = match &self.form {
            PreparedForm::Unread | PreparedForm::Stored => 0,
            PreparedForm::Windows(windows) => windows.weight(),
            PreparedForm::Whole(content) => content.bytes.len() as u64,
        };
        self.decrypted.as_ref().map_or(0, |bytes| bytes.len() as u64).saturating_add(decoded)
    }
}
