//! Living Cipher v3 (META `encryption.cipher` "living-cipher-v3"): compressed blocks under AES-256-GCM, with a key that a
//! ratchet changes for every message and a transcript that chains the messages, which anyone can check without a key.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::secret::{Secret, SecretError, derive, expand, extract};
use crate::text;

const MAGIC: &[u8] = b"H4LC3";
const SUITE: &[u8] = b"H4-LIVING-AESGCM-HKDF-SHA256-v3";
const CONTEXT: &str = "HarmonyØ4|LivingCipher|v3";
/// Flag of a header that ends with a public key.
const HAS_PUBLIC_KEY: u8 = 1;
const SHARED_SECRET_LEN: usize = 32;
/// Bytes of the authentication tag that ends a ciphertext.
const TAG_LEN: usize = 16;
/// SHA-256 of "temp": what the reference writer authenticates in place of VERI, which it can't know yet.
const VERI_STAND_IN: &str = "a6864eb339b0e1f6e00d75293a8840abf069a2c0fe82e6e53af6ac099793c1d5";

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

impl Context<'_> {
    fn authenticated(&self, header: &[u8]) -> Vec<u8> {
        let Self { engine_id, engine_fp, track_id, pts_us, block_index } = self;
        let text = format!("H4MK|{engine_id}|{engine_fp}|{VERI_STAND_IN}|{track_id}|{pts_us}|{block_index}");
        [text.as_bytes(), header].concat()
    }
}

type ChainKey = Zeroizing<[u8; 32]>;

/// Fails where the key can be no shared secret: it must have 32 bytes.
pub fn check_secret(shared_secret: &Secret) -> Result<(), SecretError> {
    match shared_secret.expose().len() {
        SHARED_SECRET_LEN => Ok(()),
        bytes => Err(SecretError::WrongLength { bytes, wanted: "exactly 32" }),
    }
}

/// The key of the chain before its first message.
fn first_chain_key(shared_secret: &Secret) -> Result<ChainKey, SecretError> {
    check_secret(shared_secret)?;
    let root: ChainKey = derive(shared_secret.expose(), &[CONTEXT.as_bytes(), b"|root"]);
    Ok(derive(root.as_slice(), &[CONTEXT.as_bytes(), b"|ck_send"]))
}

fn next_chain_key(chain_key: &ChainKey, counter: u64) -> ChainKey {
    derive(chain_key.as_slice(), &[SUITE, b"|ratchet|ck|", &counter.to_be_bytes()])
}

/// The cipher and nonce of the message that the chain has come to.
fn message_cipher(chain_key: &ChainKey, counter: u64) -> (Aes256Gcm, Nonce<aes_gcm::aead::consts::U12>) {
    let counter = counter.to_be_bytes();
    let key: Zeroizing<[u8; 32]> = expand(&extract(chain_key.as_slice()), &[SUITE, b"|ratchet|mk|", &counter]);
    let nonce: Zeroizing<[u8; 12]> = derive(key.as_slice(), &[b"nonce|", &counter]);
    (Aes256Gcm::new((&*key).into()), (*nonce).into())
}

/// Why a block does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It is no message of this cipher.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The ratchet would have to turn further than it was allowed to.
    #[error("message {counter} lies beyond the {limit} that the file can hold")]
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

/// Messages between two chain keys that are kept.
const SPACING: u64 = 64;
/// Chain keys added between two chances for other threads.
const TURN: usize = 64;

/// Opens the blocks of one shared secret in any order, from any thread. Reaching a message for the first time turns the
/// ratchet once for each message before it, about a million a second; after that, at most 64 times. A kept key for every
/// 64 messages makes that so.
pub struct Opener {
    limit: u64,
    /// The chain key before message `i` × [`SPACING`].
    #[expect(clippy::vec_box, reason = "a growing Vec would leave copies of the keys behind")]
    kept: Mutex<Vec<Box<ChainKey>>>,
}

impl Opener {
    /// `limit` is the number of messages that there can be: a counter from a damaged or hostile header, which could ask for
    /// years of work, is refused from there on. The secret must have 32 bytes.
    pub fn new(shared_secret: &Secret, limit: u64) -> Result<Self, SecretError> {
        let first = first_chain_key(shared_secret)?;
        Ok(Self { limit, kept: Mutex::new(vec![Box::new(first)]) })
    }

    /// The compressed block in a stored one.
    pub fn open(&self, stored: &[u8], context: &Context<'_>) -> Result<Vec<u8>, OpenError> {
        let (header, ciphertext) = Header::parse(stored)?;
        if header.counter >= self.limit {
            return Err(OpenError::CounterOutOfReach { counter: header.counter, limit: self.limit });
        }
        let (cipher, nonce) = message_cipher(&self.chain_key(header.counter), header.counter);
        let aad = context.authenticated(header.bytes);
        cipher.decrypt(&nonce, Payload { msg: ciphertext, aad: &aad }).map_err(|_| OpenError::AuthFailed)
    }

    /// The chain key before message `counter`.
    fn chain_key(&self, counter: u64) -> ChainKey {
        let start = counter - counter % SPACING;
        let kept = self.kept_chain_key(start);
        (start..counter).fold(kept, |key, passed| next_chain_key(&key, passed))
    }

    /// The chain key before message `start`, a multiple of [`SPACING`].
    fn kept_chain_key(&self, start: u64) -> ChainKey {
        loop {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(key) = kept.get((start / SPACING) as usize) {
                return ChainKey::clone(key);
            }
            for _ in 0..TURN {
                let next = kept.len() as u64 * SPACING;
                if next > start {
                    break;
                }
                let Some(last) = kept.last() else { break };
                let from = ChainKey::clone(last);
                let key = (next - SPACING..next).fold(from, |key, passed| next_chain_key(&key, passed));
                kept.push(Box::new(key));
            }
        }
    }
}

/// Seals compressed blocks in order, as the reference writer does.
pub struct Sealer {
    chain_key: ChainKey,
    counter: u64,
    transcript: Transcript,
}

/// AES-GCM takes no more than 64 GiB at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the block is too long to be encrypted")]
pub struct TooLong;

impl Sealer {
    /// The secret must have 32 bytes.
    pub fn new(shared_secret: &Secret) -> Result<Self, SecretError> {
        Ok(Self { chain_key: first_chain_key(shared_secret)?, counter: 0, transcript: FIRST_TRANSCRIPT })
    }

    /// The next stored block. The reference writer puts a public key into every 1024th.
    pub fn seal(
        &mut self,
        compressed: &[u8],
        context: &Context<'_>,
        public_key: Option<&[u8; 32]>,
    ) -> Result<Vec<u8>, TooLong> {
        let mut stored = [MAGIC, &[SUITE.len() as u8], SUITE, &self.counter.to_be_bytes(), &self.transcript].concat();
        stored.push(if public_key.is_some() { HAS_PUBLIC_KEY } else { 0 });
        stored.extend(public_key.into_iter().flatten());

        let (cipher, nonce) = message_cipher(&self.chain_key, self.counter);
        let payload = Payload { msg: compressed, aad: &context.authenticated(&stored) };
        let ciphertext = cipher.encrypt(&nonce, payload).map_err(|_| TooLong)?;
        self.transcript = extend_transcript(&self.transcript, &stored, &ciphertext);
        self.chain_key = next_chain_key(&self.chain_key, self.counter);
        self.counter += 1;
        stored.extend(ciphertext);
        Ok(stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::reference::{self, Reference};
    use crate::codec::rle;

    const PUBLIC_KEY: [u8; 32] = [0xab; 32];

    fn secret() -> Secret {
        Secret::from_hex(&"42".repeat(32)).unwrap()
    }

    fn context(block_index: u64) -> Context<'static> {
        Context { engine_id: "unknown", engine_fp: "unknown", track_id: "unknown", pts_us: 0, block_index }
    }

    /// Stored blocks whose plain text is their index.
    fn sealed(count: u64) -> Vec<Vec<u8>> {
        let mut sealer = Sealer::new(&secret()).unwrap();
        let seal = |index: u64| {
            let public_key = (index > 0 && index.is_multiple_of(1024)).then_some(&PUBLIC_KEY);
            sealer.seal(&index.to_be_bytes(), &context(index), public_key).unwrap()
        };
        (0..count).map(seal).collect()
    }

    fn assert_chained(blocks: &[Vec<u8>]) {
        let mut transcript = FIRST_TRANSCRIPT;
        for (index, stored) in blocks.iter().enumerate() {
            let (header, ciphertext) = Header::parse(stored).unwrap();
            assert_eq!((header.counter, header.previous), (index as u64, transcript));
            transcript = next_transcript(&header.previous, &header, ciphertext);
        }
    }

    #[test]
    fn blocks_of_the_reference_writer_chain_and_open() {
        let Reference { blocks, expected } = reference::load("transport-encrypted.h4mk");
        assert_chained(&blocks);
        let secret = Secret::from_hex(expected["shared_secret_hex"].as_str().unwrap()).unwrap();
        let opener = Opener::new(&secret, blocks.len() as u64).unwrap();
        for (index, stored) in blocks.iter().enumerate().rev() {
            let compressed = opener.open(stored, &context(index as u64)).unwrap();
            let raw = rle::decode(&compressed, 1 << 20).unwrap();
            assert_eq!(reference::sha256_hex(&raw), expected["plain_block_sha256"][index].as_str().unwrap());
        }
    }

    #[test]
    fn more_than_a_thousand_messages_open_in_any_order_on_any_thread() {
        const COUNT: u64 = 1200;
        let blocks = sealed(COUNT);
        assert_chained(&blocks);
        let opener = Opener::new(&secret(), COUNT).unwrap();
        let open_all = |stride: u64| {
            for index in (0..COUNT).map(|n| (n * stride + 1100) % COUNT) {
                let plain = opener.open(&blocks[index as usize], &context(index)).unwrap();
                assert_eq!(plain, index.to_be_bytes());
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| open_all(7));
            scope.spawn(|| open_all(COUNT - 1));
        });
    }

    #[test]
    fn nothing_opens_but_what_was_sealed_where_it_was_sealed() {
        let stored = sealed(3).swap_remove(2);
        let opener = Opener::new(&secret(), 3).unwrap();
        assert!(opener.open(&stored, &context(2)).is_ok());
        assert_eq!(opener.open(&stored, &context(1)), Err(OpenError::AuthFailed));
        let elsewhere = Context { track_id: "video", ..context(2) };
        assert_eq!(opener.open(&stored, &elsewhere), Err(OpenError::AuthFailed));
        let other = Opener::new(&Secret::from_hex(&"43".repeat(32)).unwrap(), 3).unwrap();
        assert_eq!(other.open(&stored, &context(2)), Err(OpenError::AuthFailed));
        for byte in 0..stored.len() {
            let mut damaged = stored.clone();
            damaged[byte] ^= 4;
            assert!(opener.open(&damaged, &context(2)).is_err(), "byte {byte}");
        }
    }

    #[test]
    fn a_counter_out_of_reach_costs_nothing() {
        let mut stored = sealed(1).swap_remove(0);
        stored[37..45].copy_from_slice(&u64::MAX.to_be_bytes());
        let refused = OpenError::CounterOutOfReach { counter: u64::MAX, limit: 10 };
        assert_eq!(Opener::new(&secret(), 10).unwrap().open(&stored, &context(0)), Err(refused));
    }

    #[test]
    fn a_secret_of_another_length_is_refused() {
        let short = Secret::from_hex(&"42".repeat(31)).unwrap();
        let wanted = Some(SecretError::WrongLength { bytes: 31, wanted: "exactly 32" });
        assert_eq!(Opener::new(&short, 1).err(), wanted);
        assert_eq!(Sealer::new(&short).err(), wanted);
    }

    #[test]
    fn header_fields_cover_the_header() {
        let blocks = sealed(1025);
        for (index, last) in [(0, "flags"), (1024, "public key")] {
            let (header, ciphertext) = Header::parse(&blocks[index]).unwrap();
            assert_eq!(header.public_key, (index == 1024).then_some(&PUBLIC_KEY));
            let fields = header.fields();
            assert!(fields.windows(2).all(|pair| pair[0].1.end == pair[1].1.start));
            assert_eq!(fields.last().map(|(name, range)| (*name, range.end)), Some((last, header.bytes().len())));
            assert_eq!([header.bytes(), ciphertext].concat(), blocks[index]);
            let (_, counter) = fields.iter().find(|(name, _)| *name == "counter").unwrap();
            assert_eq!(blocks[index][counter.clone()], (index as u64).to_be_bytes());
        }
    }

    #[test]
    fn what_is_no_header_is_refused_at_every_length() {
        let stored = sealed(1).swap_remove(0);
        for len in 0..78 + TAG_LEN {
            let error = Header::parse(&stored[..len]).unwrap_err();
            assert!(matches!(error, HeaderError::Truncated { len: at, .. } if at == len), "{len}: {error}");
        }
        let mut other = stored.clone();
        other[0] = b'X';
        assert_eq!(Header::parse(&other), Err(HeaderError::Magic));
        let mut other = stored;
        other[6] = 0x1b;
        let error = Header::parse(&other).unwrap_err().to_string();
        assert_eq!(error, r#"cipher suite "\x1b4-LIVING-AESGCM-HKDF-SHA256-v3" is not known"#);
    }
}
