//! Living Cipher v3 (META `encryption.cipher` "living-cipher-v3"): compressed blocks under AES-256-GCM, with a key that a
//! ratchet changes for every message and a transcript that chains the messages, which anyone can check without a key.
//! Blocks are opened and sealed where the feature `cipher` is on.

#[cfg(not(feature = "cipher"))]
mod closed;
#[cfg(feature = "cipher")]
mod keys;

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::bytes::Bytes;
use crate::secret::{Secret, SecretError};
use crate::text;
#[cfg(not(feature = "cipher"))]
pub use closed::Opener;
#[cfg(feature = "cipher")]
pub use keys::{Opener, Sealer, TooLong};

const MAGIC: &[u8] = b"H4LC3";
const SUITE: &[u8] = b"H4-LIVING-AESGCM-HKDF-SHA256-v3";
/// Flag of a header that ends with a public key.
const HAS_PUBLIC_KEY: u8 = 1;
const SHARED_SECRET_LEN: usize = 32;
/// Bytes of the authentication tag that ends a ciphertext.
const TAG_LEN: usize = 16;
/// Bytes that tell whether a block begins with a header: the longest one, with a public key, and a tag.
const DECISIVE: u64 = (MAGIC.len() + 1 + SUITE.len() + 8 + 32 + 1 + 32 + TAG_LEN) as u64;
/// What the transcript of one message leads to, and what the header of the next one carries.
pub type Transcript = [u8; 32];
/// What the first message carries.
pub const FIRST_TRANSCRIPT: Transcript = [0; 32];

/// The clear part of a stored block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    bytes: &'a [u8],
    /// Number of the message: 0, 1, 2, … in a file made by one side.
    pub counter: u64,
    /// The transcript up to the message before.
    pub previous: Transcript,
    /// Bit 0: a public key follows. The others have no meaning yet.
    pub flags: u8,
    /// An X25519 key; it changes nothing in a file made by one side.
    pub public_key: Option<&'a [u8; 32]>,
}

/// Why a stored block has no cipher header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// It does not begin with the magic.
    #[error("the block does not begin with H4LC3")]
    Magic,
    /// Another cipher suite than the one there is.
    #[error("cipher suite \"{0}\" is not known")]
    Suite(String),
    /// It ends within the header, or the ciphertext is shorter than its tag.
    #[error("the block ends at byte {len}, inside its {field}")]
    Truncated {
        /// What is not whole.
        field: &'static str,
        /// Length of the stored block.
        len: usize,
    },
}

impl<'a> Header<'a> {
    /// The header and the ciphertext, with its tag, of a stored block.
    pub fn parse(stored: &'a [u8]) -> Result<(Self, &'a [u8]), HeaderError> {
        let mut rest = stored;
        let magic: &[u8; MAGIC.len()] = take(stored, &mut rest, "magic")?;
        if magic != MAGIC {
            return Err(HeaderError::Magic);
        }
        let &[suite_len] = take(stored, &mut rest, "suite length")?;
        let truncated = HeaderError::Truncated { field: "suite", len: stored.len() };
        let (suite, after) = rest.split_at_checked(usize::from(suite_len)).ok_or(truncated)?;
        if suite != SUITE {
            return Err(HeaderError::Suite(text::escape_bytes(suite)));
        }
        rest = after;
        let counter = u64::from_be_bytes(*take(stored, &mut rest, "counter")?);
        let previous = *take(stored, &mut rest, "previous transcript")?;
        let &[flags] = take(stored, &mut rest, "flags")?;
        let public_key = match flags & HAS_PUBLIC_KEY {
            0 => None,
            _ => Some(take(stored, &mut rest, "public key")?),
        };
        if rest.len() < TAG_LEN {
            return Err(HeaderError::Truncated { field: "ciphertext tag", len: stored.len() });
        }
        let bytes = stored.get(..stored.len() - rest.len()).unwrap_or_default();
        Ok((Self { bytes, counter, previous, flags, public_key }, rest))
    }

    /// The header as stored.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Every field's name and its byte range in the stored block, in order and without gaps.
    pub fn fields(&self) -> Vec<(&'static str, Range<usize>)> {
        let lens = [
            ("magic", MAGIC.len()),
            ("suite length", 1),
            ("suite", SUITE.len()),
            ("counter", 8),
            ("previous transcript", 32),
            ("flags", 1),
            ("public key", self.public_key.map_or(0, |key| key.len())),
        ];
        let mut end = 0;
        let fields = lens.into_iter().filter(|&(_, len)| len > 0).map(|(name, len)| {
            end += len;
            (name, end - len..end)
        });
        fields.collect()
    }
}

/// The number of the message that a stored block is; `None` where it isn't one. Reads no more than a header takes.
pub(crate) fn counter(stored: Bytes<'_>) -> Option<u64> {
    Some(Header::parse(&stored.available(0, DECISIVE).read()).ok()?.0.counter)
}

/// Takes a field off the front of `rest`, which is what is left of `stored`.
fn take<'a, const LEN: usize>(
    stored: &[u8],
    rest: &mut &'a [u8],
    field: &'static str,
) -> Result<&'a [u8; LEN], HeaderError> {
    let (taken, after) = rest.split_first_chunk().ok_or(HeaderError::Truncated { field, len: stored.len() })?;
    *rest = after;
    Ok(taken)
}

/// What the message after this one must carry. `previous` is this header's own when each block is checked against its
/// neighbour.
pub fn next_transcript(previous: &Transcript, header: &Header<'_>, ciphertext: &[u8]) -> Transcript {
    extend_transcript(previous, header.bytes, ciphertext)
}

fn extend_transcript(previous: &Transcript, header: &[u8], ciphertext: &[u8]) -> Transcript {
    let hash = Sha256::new().chain_update(previous).chain_update(Sha256::digest(header));
    hash.chain_update(Sha256::digest(ciphertext)).finalize().into()
}

/// Where a block belongs, as its writer saw it: authenticated with the block, so that a moved block does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context<'a> {
    /// META `compression.engine_id`, or "unknown".
    pub engine_id: &'a str,
    /// META `compression.fingerprint`, or "unknown".
    pub engine_fp: &'a str,
    /// META `track_id`, or "unknown".
    pub track_id: &'a str,
    /// META `pts_us`, or 0: the same for all blocks of a file.
    pub pts_us: u64,
    /// Ordinal among the CORE chunks that were written.
    pub block_index: u64,
}

/// Fails if the key can't be a shared secret: it must have 32 bytes.
pub fn check_secret(shared_secret: &Secret) -> Result<(), SecretError> {
    match shared_secret.expose().len() {
        SHARED_SECRET_LEN => Ok(()),
        bytes => Err(SecretError::WrongLength { bytes, wanted: "exactly 32" }),
    }
}

/// Why a block does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It isn't a message of this cipher.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The ratchet would have to turn further than it was allowed to.
    #[error("message {counter} is beyond the {limit} messages that the file can hold")]
    CounterOutOfReach {
        /// The header's counter.
        counter: u64,
        /// The first counter out of reach.
        limit: u64,
    },
    /// Wrong secret, or the header, the ciphertext or the block's place is not what was written.
    #[error("the secret does not open the block")]
    AuthFailed,
}
