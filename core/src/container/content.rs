//! Blocks: as stored, as decoded, or a window of either.

use std::ops::Range;
use std::sync::Arc;

use super::Container;
use crate::block::{BlockError, Content, Form, Reading, Stage, Stored, StoredBlock, Window};
use crate::bytes::Bytes;
use crate::codec::{cipher, rle};
use crate::index::Chunk;

impl Container {
    /// A block as stored, with its CRC recomputed.
    pub fn stored(&self, index: u64) -> Result<Stored<'_>, BlockError> {
        let chunk = self.block_chunk(index)?;
        let stored = Stored {
            chunk,
            bytes: self.stored_bytes(&chunk),
            stored_crc: self.stored_crc(&chunk),
            computed_crc: self.computed_crc(&chunk).unwrap_or_default(),
        };
        self.record(&chunk, stored.is_intact());
        Ok(stored)
    }

    fn block_chunk(&self, index: u64) -> Result<Chunk, BlockError> {
        let blocks = self.index().blocks();
        self.index().block(index).ok_or(BlockError::OutOfRange { index, blocks })
    }

    /// A CORE chunk's block; in the mux layout what follows its H4TB header.
    pub fn stored_bytes(&self, chunk: &Chunk) -> Bytes<'_> {
        self.bytes().range(self.content_range(chunk))
    }

    /// Where in the file these are.
    pub fn content_range(&self, chunk: &Chunk) -> Range<u64> {
        self.routed(chunk).map_or(chunk.payload_offset..chunk.payload_offset + chunk.len, |routed| routed.1)
    }

    pub(crate) fn place(&self, chunk: &Chunk) -> StoredBlock<'_> {
        StoredBlock {
            stored: self.stored_bytes(chunk),
            block: chunk.block.unwrap_or(0),
            offset: chunk.offset,
            provisional: chunk.block.is_some_and(|block| self.has_other_number(block)),
        }
    }

    /// A block's content: decrypted, decoded, and unmasked if there is a key. Fails where it can't be decoded.
    pub fn decode(&self, stored: &Stored<'_>) -> Result<Content, BlockError> {
        self.reader().content(&self.place(&stored.chunk))
    }

    /// As [`decode`](Self::decode), in place of what `content` held: for many blocks in a row, whose room is used again.
    pub fn decode_into(&self, content: &mut Vec<u8>, stored: &Stored<'_>) -> Result<Stage, BlockError> {
        let pipeline = self.pipeline();
        let plain = pipeline.is_plain_rle() && !pipeline.masked;
        if plain && rle::decode_into(content, &stored.bytes.read(), self.options.max_block_size).is_ok() {
            return Ok(Stage::Plain);
        }
        let decoded = self.decode(stored)?;
        *content = decoded.bytes;
        Ok(decoded.stage)
    }

    /// A block's bytes in the form asked for.
    pub fn block_bytes(&self, index: u64, form: Form) -> Result<(Stored<'_>, Content), BlockError> {
        let stored = self.stored(index)?;
        let content = match form {
            Form::Raw => Content { bytes: stored.bytes.to_vec(), stage: Stage::Stored, provisional: false },
            Form::Decoded => self.decode(&stored)?,
        };
        Ok((stored, content))
    }

    /// Why a block may not be the one that its number says, as a sentence; `None` where it is.
    pub fn doubt(&self, index: u64) -> Option<String> {
        self.has_other_number(index).then(|| match self.numbering().written(index) {
            Some(written) => {
                format!("block {index} was block {written} when it was written: blocks before it are lost")
            }
            None if self.walked.losses.is_empty() => {
                format!("block {index} is numbered provisionally: blocks are missing, but nothing says which")
            }
            None => format!("block {index} is numbered provisionally: bytes were lost before it"),
        })
    }

    /// A block may have had another number when it was written, or had one.
    fn has_other_number(&self, block: u64) -> bool {
        self.first_provisional().is_some_and(|first| block >= first) && self.numbering().written(block) != Some(block)
    }

    /// How a block's content is had with the keys and the engines there are, or why it can't be.
    pub fn reading(&self, index: u64) -> Result<Reading, BlockError> {
        let chunk = self.block_chunk(index)?;
        self.reader().reading(index, chunk.offset)
    }

    /// A block's content as from [`decode`](Self::decode), kept for the next time. Its CRC isn't looked at:
    /// [`stored`](Self::stored) does that.
    pub fn block(&self, index: u64) -> Result<Arc<Content>, BlockError> {
        let chunk = self.block_chunk(index)?;
        self.cache.content(index, || self.reader().content(&self.place(&chunk)))
    }

    /// Bytes `start..start + len` of a block in the last form that can be read: where it can't be decoded, what it was
    /// decrypted to, or what is stored, and why. Costs no more than the window where the engine can read parts, as the
    /// reference engine can, be the block ever so large. Its CRC is not looked at. Fails only where there is no such
    /// block.
    pub fn window(&self, index: u64, start: u64, len: usize) -> Result<Window, BlockError> {
        let chunk = self.block_chunk(index)?;
        let (reader, place) = (self.reader(), self.place(&chunk));
        let part = self.cache.part(index, || reader.part(&place, || self.block(index)));
        Ok(reader.window(place.stored, &part, start, len))
    }

    /// How many bytes a block decodes to, counted without decoding it; `None` where that can't be told.
    pub fn decoded_len(&self, chunk: &Chunk) -> Option<u64> {
        self.reader().decoded_len(&self.place(chunk))
    }

    /// The number that a block had when it was written, where that is certain: blocks before it may be lost, and only
    /// a cipher counts those.
    pub fn written_number(&self, block: u64) -> Option<u64> {
        let chunk = self.index().block(block)?;
        if self.pipeline().is_living_cipher() {
            return cipher::counter(self.payload(&chunk)).filter(|_| self.is_intact(&chunk));
        }
        (!self.has_other_number(block)).then_some(block)
    }
}
