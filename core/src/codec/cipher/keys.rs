//! The ratchet: blocks opened and sealed with the shared secret.

use std::sync::{Mutex, PoisonError};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use zeroize::Zeroizing;

use super::{
    Context, FIRST_TRANSCRIPT, HAS_PUBLIC_KEY, Header, MAGIC, OpenError, SUITE, Transcript, check_secret,
    extend_transcript,
};
use crate::secret::{Secret, SecretError, derive, expand, extract};

const CONTEXT: &str = "HarmonyØ4|LivingCipher|v3";
/// SHA-256 of "temp": what the reference writer authenticates in place of VERI, which it can't know yet.
const VERI_STAND_IN: &str = "a6864eb339b0e1f6e00d75293a8840abf069a2c0fe82e6e53af6ac099793c1d5";

impl Context<'_> {
    /// What is authenticated with a message.
    fn authenticated(&self, header: &[u8]) -> Vec<u8> {
        let Self { engine_id, engine_fp, track_id, pts_us, block_index } = self;
        let text = format!("H4MK|{engine_id}|{engine_fp}|{VERI_STAND_IN}|{track_id}|{pts_us}|{block_index}");
        [text.as_bytes(), header].concat()
    }
}

type ChainKey = Zeroizing<[u8; 32]>;

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
    /// One for that secret, see [`new`](Self::new). A library that is built without this cipher has none.
    pub fn with(shared_secret: &Secret, limit: u64) -> Option<Result<Self, SecretError>> {
        Some(Self::new(shared_secret, limit))
    }

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
    use super::super::{HeaderError, TAG_LEN, next_transcript};
    use super::*;
    use crate::codec::corpus::{self, Reference};
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
        let Reference { blocks, expected } = corpus::load("transport-encrypted.h4mk");
        assert_chained(&blocks);
        let secret = Secret::from_hex(expected["shared_secret_hex"].as_str().unwrap()).unwrap();
        let opener = Opener::new(&secret, blocks.len() as u64).unwrap();
        for (index, stored) in blocks.iter().enumerate().rev() {
            let compressed = opener.open(stored, &context(index as u64)).unwrap();
            let raw = rle::decode(&compressed, 1 << 20).unwrap();
            assert_eq!(corpus::sha256_hex(&raw), expected["plain_block_sha256"][index].as_str().unwrap());
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
