//! The mask that the export pipeline lays over raw blocks before it compresses them (META `masked`).

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::secret::{Derivation, Secret, SecretError, expand, extract};

/// What a block's key is derived with; its index follows in decimal.
const KEY_INFO: &str = "HarmonyØ4|Mask|v1|";
const MASTER_KEY_MIN: usize = 16;
/// Bytes of keystream from one hash.
const STEP: usize = 32;

/// Fails if the key can't be a master key: it must have at least 16 bytes.
pub fn check_key(master_key: &Secret) -> Result<(), SecretError> {
    match master_key.expose().len() {
        MASTER_KEY_MIN.. => Ok(()),
        bytes => Err(SecretError::WrongLength { bytes, wanted: "at least 16" }),
    }
}

/// A master key, ready to mask and unmask any part of any block.
pub struct Mask {
    master: Derivation,
}

impl Mask {
    /// The key must have at least 16 bytes.
    pub fn new(master_key: &Secret) -> Result<Self, SecretError> {
        check_key(master_key)?;
        Ok(Self { master: extract(master_key.expose()) })
    }

    /// Unmasks a window of a decoded block, in place; `offset` is that of the window's first byte in the block. Masking
    /// is the same. The keystream ends after 128 GiB of a block: what lies beyond stays as it is.
    pub fn unmask_window(&self, block_index: u64, offset: u64, window: &mut [u8]) {
        let index = block_index.to_string();
        let key: Zeroizing<[u8; 32]> = expand(&self.master, &[KEY_INFO.as_bytes(), index.as_bytes()]);
        let skipped = (offset % STEP as u64) as usize;
        let (head, steps) = window.split_at_mut(window.len().min((STEP - skipped) % STEP));
        let mut counter = offset / STEP as u64;
        if !head.is_empty() {
            mask_step(&key, counter, skipped, head);
            counter += 1;
        }
        for (step, bytes) in steps.chunks_mut(STEP).enumerate() {
            mask_step(&key, counter + step as u64, 0, bytes);
        }
    }
}

fn mask_step(key: &[u8; 32], counter: u64, skipped: usize, bytes: &mut [u8]) {
    let Ok(counter) = u32::try_from(counter) else { return };
    let keystream = Sha256::new().chain_update(key).chain_update(counter.to_be_bytes()).finalize();
    for (byte, mask) in bytes.iter_mut().zip(keystream.iter().skip(skipped)) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::corpus::{self, Reference};
    use proptest::prelude::*;

    fn mask() -> Mask {
        Mask::new(&Secret::from_hex(&"5a".repeat(16)).unwrap()).unwrap()
    }

    #[test]
    fn blocks_of_the_reference_writer_are_unmasked() {
        let Reference { blocks, expected } = corpus::load("transport-masked.h4mk");
        let mask = Mask::new(&Secret::from_hex(expected["master_key_hex"].as_str().unwrap()).unwrap()).unwrap();
        for (index, stored) in blocks.iter().enumerate() {
            let mut raw = crate::codec::rle::decode(stored, 1 << 20).unwrap();
            mask.unmask_window(index as u64, 0, &mut raw);
            assert_eq!(corpus::sha256_hex(&raw), expected["plain_block_sha256"][index].as_str().unwrap());
        }
    }

    #[test]
    fn a_short_master_key_is_refused() {
        let error = Mask::new(&Secret::from_hex(&"00".repeat(15)).unwrap()).err();
        assert_eq!(error, Some(SecretError::WrongLength { bytes: 15, wanted: "at least 16" }));
    }

    #[test]
    fn the_keystream_ends_where_its_counter_does() {
        let end = (1 << 32) * STEP as u64;
        let mut window = [0; 64];
        mask().unmask_window(0, end - 32, &mut window);
        assert_ne!(window[..32], [0; 32]);
        assert_eq!(window[32..], [0; 32]);
        mask().unmask_window(0, u64::MAX, &mut window);
    }

    proptest! {
        #[test]
        fn a_window_is_unmasked_as_the_whole_is(index: u64, start in 0..200usize, len in 0..200usize) {
            let mut whole = [7; 400];
            mask().unmask_window(index, 0, &mut whole);
            let mut window = vec![7; len];
            mask().unmask_window(index, start as u64, &mut window);
            prop_assert_eq!(&window, &whole[start..start + len]);
            mask().unmask_window(index, start as u64, &mut window);
            prop_assert_eq!(window, vec![7; len]);
        }
    }
}
