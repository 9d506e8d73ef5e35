//! Transport containers written byte for byte as the reference writer writes them: CORE chunks, SEEK, META, SAFE, and a
//! VERI that covers all of these.

use std::io::{self, Read, Write};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::codec::rle;
use super::crc::crc32;
use super::task::{Cancelled, Task};
use super::text;

/// Magic, version 1, nothing reserved.
const FILE_HEADER: [u8; 8] = *b"H4MK\x00\x01\x00\x00";
/// The reference compressor refuses raw blocks whose length is not a multiple of this.
const BLOCK_GRAIN: u64 = 256;
/// The largest block whose stored form always fits a chunk: at worst every byte becomes a pair.
const BLOCK_SIZE_MAX: u64 = (u32::MAX as u64 / 2) / BLOCK_GRAIN * BLOCK_GRAIN;
/// One block every 10,000 s, and one every µs: beyond these a frame isn't a whole number of µs that time can count.
const FPS_RANGE: std::ops::RangeInclusive<f64> = 1e-4..=1e6;

const DEFAULT_BLOCK_SIZE: u64 = 65536;
const DEFAULT_FPS: f64 = 30.0;
const DEFAULT_GOP: u64 = 30;
/// The SAFE chunk of the reference export pipeline.
const DEFAULT_SAFE: &str =
    r#"{"scope":"container+transport-only","no_video_synthesis":true,"no_pixel_semantics":true,"no_visual_ml":true}"#;

/// Why nothing, or no whole container, was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// The raw bytes could not be read.
    #[error("can't read the raw bytes: {0}")]
    Read(#[source] io::Error),
    /// The container could not be written.
    #[error("can't write the container: {0}")]
    Write(#[source] io::Error),
    /// A chunk's length is a 32-bit number.
    #[error("a payload of {len} bytes does not fit in a {} chunk: the limit is 4294967295 bytes", text::escape_bytes(.tag))]
    PayloadTooLarge {
        /// The chunk's tag.
        tag: [u8; 4],
        /// Length of the payload in bytes.
        len: u64,
    },
    /// So many blocks at so few a second that their time does not fit 64 bits.
    #[error("block {block} would begin after the largest possible timestamp")]
    TimeOverflow {
        /// Index of that block.
        block: u64,
    },
    /// See [`SettingsError`].
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The job was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Why a container can't be packed this way. All of these are the caller's to mend; nothing was read or written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The compressor works on whole grains only.
    #[error("block size {0} is not a multiple of 256, which the format's compressor requires")]
    BlockSizeUneven(u64),
    /// Zero, or too large for a 32-bit chunk length after compression.
    #[error("block size {0} is not between 256 and {BLOCK_SIZE_MAX}")]
    BlockSizeOutOfRange(u64),
    /// No frame duration in whole µs follows from it.
    #[error("{0} blocks per second is not between 0.0001 and 1000000")]
    FpsOutOfRange(f64),
    /// A keyframe every 0 blocks.
    #[error("a gop of 0 has no keyframes: the gop is the number of blocks from one keyframe to the next")]
    GopZero,
    /// META or SAFE is not a JSON object.
    #[error("{chunk} is not a JSON object: {reason}")]
    NotJsonObject {
        /// `META` or `SAFE`.
        chunk: &'static str,
        /// What the parser says, with line and column.
        reason: String,
    },
    /// META has the field, but not as something that can be packed by.
    #[error("META's {field} is {value}, not a {expected}")]
    MetaField {
        /// Name of the field.
        field: &'static str,
        /// Its JSON text, escaped and cut.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// An option and META disagree.
    #[error("{option} contradicts META, whose {field} is {meta}")]
    Contradiction {
        /// Name of META's field.
        field: &'static str,
        /// The option's value, with the name of what it sets.
        option: String,
        /// META's value.
        meta: String,
    },
}

/// How raw bytes are cut into blocks, timed and described.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Raw bytes a block: a multiple of 256. The last block is as long as what is left, padded with zeros to the next
    /// multiple of 256.
    pub block_size: u64,
    /// Blocks a second.
    pub fps: f64,
    /// Blocks from one keyframe, and SEEK entry, to the next.
    pub gop: u64,
    /// META as it is to be stored; by default the export pipeline's for these settings.
    pub meta: Option<Vec<u8>>,
    /// SAFE as it is to be stored; by default the export pipeline's.
    pub safe: Option<Vec<u8>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { block_size: DEFAULT_BLOCK_SIZE, fps: DEFAULT_FPS, gop: DEFAULT_GOP, meta: None, safe: None }
    }
}

impl Settings {
    /// Settings from a META (its `block_size`, `fps_hint` and `gop`), from options, and by default: 65536 bytes, 30
    /// blocks a second, a keyframe every 30 blocks. META and an option may both be given if they agree.
    pub fn resolve(
        meta: Option<&[u8]>,
        safe: Option<&[u8]>,
        block_size: Option<u64>,
        fps: Option<f64>,
        gop: Option<u64>,
    ) -> Result<Self, SettingsError> {
        let fields = meta.map_or(Ok(Value::Null), |meta| json_object("META", meta))?;
        if let Some(safe) = safe {
            json_object("SAFE", safe)?;
        }
        let count = "whole number";
        let settings = Self {
            block_size: agreed(&fields, "block_size", Value::as_u64, count, ("block size", block_size))?
                .unwrap_or(DEFAULT_BLOCK_SIZE),
            fps: agreed(&fields, "fps_hint", Value::as_f64, "number", ("fps", fps))?.unwrap_or(DEFAULT_FPS),
            gop: agreed(&fields, "gop", Value::as_u64, count, ("gop", gop))?.unwrap_or(DEFAULT_GOP),
            meta: meta.map(<[u8]>::to_vec),
            safe: safe.map(<[u8]>::to_vec),
        };
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), SettingsError> {
        if !(BLOCK_GRAIN..=BLOCK_SIZE_MAX).contains(&self.block_size) {
            return Err(SettingsError::BlockSizeOutOfRange(self.block_size));
        }
        if !self.block_size.is_multiple_of(BLOCK_GRAIN) {
            return Err(SettingsError::BlockSizeUneven(self.block_size));
        }
        if !FPS_RANGE.contains(&self.fps) {
            return Err(SettingsError::FpsOutOfRange(self.fps));
        }
        if self.gop == 0 {
            return Err(SettingsError::GopZero);
        }
        Ok(())
    }

    /// What a block lasts, rounded down as the reference writer does.
    fn frame_us(&self) -> u64 {
        (1_000_000.0 / self.fps) as u64
    }

    fn meta_text(&self) -> Vec<u8> {
        let Self { block_size, fps, gop, .. } = self;
        // `{:?}` writes a float as the reference writer does: 30.0, 29.97.
        let default = || {
            format!(
                concat!(
                    r#"{{"project":"HarmonyØ4","domain":"video-transport","block_size":{},"fps_hint":{:?},"gop":{},"#,
                    r#""masked":false,"compression":{{"engine":"geometric-reference","engine_id":"unknown","#,
                    r#""fingerprint":"unknown","deterministic":true,"identity_safe":true,"opaque":false,"#,
                    r#""sealed":false}}}}"#
                ),
                block_size, fps, gop
            )
        };
        self.meta.clone().unwrap_or_else(|| default().into_bytes())
    }
}

fn json_object(chunk: &'static str, json: &[u8]) -> Result<Value, SettingsError> {
    match serde_json::from_slice(json) {
        Ok(object @ Value::Object(_)) => Ok(object),
        Ok(other) => Err(SettingsError::NotJsonObject { chunk, reason: format!("it is {}", shown(&other)) }),
        Err(error) => Err(SettingsError::NotJsonObject { chunk, reason: error.to_string() }),
    }
}

/// What META's field and the option say, where they do not contradict each other.
fn agreed<T: PartialEq + Copy + std::fmt::Display>(
    meta: &Value,
    field: &'static str,
    read: impl Fn(&Value) -> Option<T>,
    expected: &'static str,
    (name, option): (&str, Option<T>),
) -> Result<Option<T>, SettingsError> {
    let Some(value) = meta.get(field).filter(|value| !value.is_null()) else { return Ok(option) };
    let said = read(value).ok_or_else(|| SettingsError::MetaField { field, value: shown(value), expected })?;
    match option {
        Some(option) if option != said => {
            Err(SettingsError::Contradiction { field, option: format!("{name} {option}"), meta: shown(value) })
        }
        _ => Ok(Some(said)),
    }
}

/// JSON text of a value for one line of an error.
fn shown(value: &Value) -> String {
    const MAX_CHARS: usize = 40;
    let json = value.to_string();
    let cut: String = json.chars().take(MAX_CHARS).collect();
    let more = if cut.len() < json.len() { "…" } else { "" };
    format!("{}{more}", text::escape(&cut))
}

/// What was packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Packed {
    /// CORE chunks written.
    pub blocks: u64,
    /// Raw bytes read.
    pub raw_bytes: u64,
    /// Zeros added to the last block: less than 256.
    pub padding: u64,
    /// The container.
    pub closed: Closed,
}

/// Packs `raw`, to its end, into `out`, one block in memory at a time. `task` counts raw bytes. Writes are small: give a
/// buffered `out`.
pub fn pack(raw: &mut dyn Read, out: &mut dyn Write, settings: &Settings, task: &Task) -> Result<Packed, PackError> {
    settings.check()?;
    let mut writer = TransportWriter::new(out)?;
    let mut seek = Vec::new();
    let (mut block, mut stored) = (Vec::new(), Vec::new());
    let (mut raw_bytes, mut padding) = (0, 0);
    loop {
        block.clear();
        let len = raw.take(settings.block_size).read_to_end(&mut block).map_err(PackError::Read)? as u64;
        if len == 0 {
            break;
        }
        padding = len.next_multiple_of(BLOCK_GRAIN) - len;
        block.resize(block.len() + padding as usize, 0);
        rle::encode_into(&mut stored, &block);
        let index = writer.block(&stored)?;
        if index.is_multiple_of(settings.gop) {
            let pts_us = index.checked_mul(settings.frame_us()).ok_or(PackError::TimeOverflow { block: index })?;
            seek.push((pts_us, raw_bytes));
        }
        raw_bytes += len;
        task.advance(len)?;
        if len < settings.block_size {
            break;
        }
    }
    writer.chunk(*b"SEEK", &seek_payload(&seek))?;
    writer.chunk(*b"META", &settings.meta_text())?;
    writer.chunk(*b"SAFE", settings.safe.as_deref().unwrap_or(DEFAULT_SAFE.as_bytes()))?;
    let blocks = writer.blocks;
    Ok(Packed { blocks, raw_bytes, padding, closed: writer.finish()? })
}

/// The 12 bytes before a transport chunk's payload: tag, big-endian length, CRC-32 of the payload.
pub fn chunk_header(tag: [u8; 4], payload: &[u8]) -> Result<[u8; 12], PackError> {
    let len = payload.len() as u64;
    let stored_len = u32::try_from(len).map_err(|_| PackError::PayloadTooLarge { tag, len })?;
    let mut header = [0; 12];
    let fields = [tag, stored_len.to_be_bytes(), crc32(payload).to_be_bytes()];
    header.copy_from_slice(fields.as_flattened());
    Ok(header)
}

/// A SEEK payload of (pts in µs, offset) entries, which should ascend.
pub fn seek_payload(entries: &[(u64, u64)]) -> Vec<u8> {
    // More entries than the count can say make a payload that no chunk takes.
    let mut payload = (entries.len() as u32).to_be_bytes().to_vec();
    payload.reserve_exact(entries.len() * 16);
    for (pts_us, offset) in entries {
        payload.extend(pts_us.to_be_bytes());
        payload.extend(offset.to_be_bytes());
    }
    payload
}

/// A container that was closed with VERI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// Length of the file.
    pub bytes: u64,
    /// The SHA-256 that VERI holds.
    pub digest: [u8; 32],
}

/// Writes a transport container front to back, hashing what it writes. Without [`finish`](Self::finish) there is no
/// VERI.
pub struct TransportWriter<W> {
    out: W,
    hash: Sha256,
    bytes: u64,
    blocks: u64,
}

impl<W: Write> TransportWriter<W> {
    /// Writes the file header.
    pub fn new(mut out: W) -> Result<Self, PackError> {
        out.write_all(&FILE_HEADER).map_err(PackError::Write)?;
        Ok(Self { out, hash: Sha256::new(), bytes: FILE_HEADER.len() as u64, blocks: 0 })
    }

    /// Writes a chunk and says at what offset its header stands.
    pub fn chunk(&mut self, tag: [u8; 4], payload: &[u8]) -> Result<u64, PackError> {
        let offset = self.bytes;
        for part in [&chunk_header(tag, payload)?, payload] {
            self.out.write_all(part).map_err(PackError::Write)?;
            self.hash.update(part);
            self.bytes += part.len() as u64;
        }
        Ok(offset)
    }

    /// Writes a stored block as a CORE chunk and says its block index.
    pub fn block(&mut self, stored: &[u8]) -> Result<u64, PackError> {
        self.chunk(*b"CORE", stored)?;
        self.blocks += 1;
        Ok(self.blocks - 1)
    }

    /// Writes VERI over all the chunks so far, and flushes.
    pub fn finish(mut self) -> Result<Closed, PackError> {
        let digest: [u8; 32] = self.hash.finalize_reset().into();
        self.chunk(*b"VERI", &digest)?;
        self.out.flush().map_err(PackError::Write)?;
        Ok(Closed { bytes: self.bytes, digest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// (tag, payload) of an intact transport file.
    fn chunks(file: &[u8]) -> Vec<(&[u8], &[u8])> {
        let mut rest = &file[FILE_HEADER.len()..];
        std::iter::from_fn(|| {
            let (header, after) = rest.split_at_checked(12)?;
            let (payload, after) = after.split_at(u32::from_be_bytes(header[4..8].try_into().unwrap()) as usize);
            rest = after;
            Some((&header[..4], payload))
        })
        .collect()
    }

    fn packed(raw: &[u8], settings: &Settings) -> (Packed, Vec<u8>) {
        let mut out = Vec::new();
        let packed = pack(&mut &raw[..], &mut out, settings, &Task::default()).unwrap();
        (packed, out)
    }

    fn repacked(name: &str) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus");
        let file = std::fs::read(corpus.join("reference").join(name)).unwrap();
        let payload = |wanted: &[u8]| chunks(&file).iter().find(|(tag, _)| *tag == wanted).unwrap().1.to_vec();
        let (meta, safe) = (payload(b"META"), payload(b"SAFE"));
        let blocks = chunks(&file).into_iter().filter(|(tag, _)| *tag == b"CORE");
        let raw: Vec<u8> = blocks.flat_map(|(_, stored)| rle::decode(stored, 1 << 20).unwrap()).collect();

        let settings = Settings::resolve(Some(&meta), Some(&safe), None, None, None).unwrap();
        assert!(packed(&raw, &settings).1 == file, "{name} differs");
        let by_default = Settings { meta: None, safe: None, ..settings };
        assert!(packed(&raw, &by_default).1 == file, "{name} differs with the default META and SAFE");
    }

    #[test]
    fn reference_files_are_made_again_byte_for_byte() {
        for name in ["basic", "gop30", "real-mp4", "rgb-frames"] {
            repacked(&format!("transport-{name}.h4mk"));
        }
    }

    #[test]
    fn the_last_block_is_padded_to_the_grain() {
        let settings = Settings { block_size: 512, gop: 2, ..Settings::default() };
        let raw = vec![9; 512 * 2 + 300];
        let (packed, file) = packed(&raw, &settings);
        assert_eq!((packed.blocks, packed.raw_bytes, packed.padding), (3, 1324, 212));
        assert_eq!(packed.closed.bytes, file.len() as u64);
        let chunks = chunks(&file);
        assert_eq!(rle::decode(chunks[2].1, 512).unwrap(), [vec![9; 300], vec![0; 212]].concat());
        assert_eq!(chunks[3], (&b"SEEK"[..], &seek_payload(&[(0, 0), (66666, 1024)])[..]));
        let veri_start = file.len() - 12 - 32;
        assert_eq!(file[veri_start + 12..], Sha256::digest(&file[8..veri_start])[..]);
        assert_eq!(file[veri_start + 12..], packed.closed.digest);
    }

    #[test]
    fn no_raw_bytes_make_a_container_without_blocks() {
        let (packed, file) = packed(&[], &Settings::default());
        assert_eq!((packed.blocks, packed.padding), (0, 0));
        let tags: Vec<_> = chunks(&file).iter().map(|(tag, _)| *tag).collect();
        assert_eq!(tags, [b"SEEK", b"META", b"SAFE", b"VERI"]);
    }

    #[test]
    fn settings_come_from_options_then_meta_then_defaults() {
        let resolve = |meta: Option<&str>, block_size, fps, gop| {
            Settings::resolve(meta.map(str::as_bytes), None, block_size, fps, gop).map(|s| (s.block_size, s.fps, s.gop))
        };
        assert_eq!(resolve(None, None, None, None), Ok((65536, 30.0, 30)));
        assert_eq!(resolve(None, Some(256), Some(29.97), Some(1)), Ok((256, 29.97, 1)));
        let meta = Some(r#"{"block_size":1024,"fps_hint":24,"gop":null}"#);
        assert_eq!(resolve(meta, None, None, None), Ok((1024, 24.0, 30)));
        assert_eq!(resolve(meta, Some(1024), Some(24.0), Some(7)), Ok((1024, 24.0, 7)));
        let message = |meta, block_size, fps, gop| resolve(meta, block_size, fps, gop).unwrap_err().to_string();
        assert_eq!(message(meta, Some(512), None, None), "block size 512 contradicts META, whose block_size is 1024");
        assert_eq!(message(meta, None, Some(29.97), None), "fps 29.97 contradicts META, whose fps_hint is 24");
        assert_eq!(
            message(Some(r#"{"gop":"\u202e"}"#), None, None, None),
            r#"META's gop is "\u{202e}", not a whole number"#
        );
        assert_eq!(message(Some("[1]"), None, None, None), "META is not a JSON object: it is [1]");
        assert!(message(Some("{"), None, None, None).contains("line 1 column 1"));
    }

    #[test]
    fn settings_that_make_no_container_are_refused() {
        let refused = |change: fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            let mut out = Vec::new();
            let error = pack(&mut io::empty(), &mut out, &settings, &Task::default()).unwrap_err();
            assert_eq!(out, b"");
            matches!(error, PackError::Settings(_))
        };
        assert!(refused(|s| s.block_size = 0));
        assert!(refused(|s| s.block_size = 1000));
        assert!(refused(|s| s.block_size = 1 << 31));
        assert!(refused(|s| s.gop = 0));
        assert!(refused(|s| s.fps = 0.0));
        assert!(refused(|s| s.fps = -30.0));
        assert!(refused(|s| s.fps = f64::NAN));
        assert!(refused(|s| s.fps = 1e-5));
        assert!(refused(|s| s.fps = 1e7));
    }

    #[test]
    fn a_cancelled_job_stops() {
        let task = Task::default();
        task.cancel();
        let error = pack(&mut &[0; 512][..], &mut io::sink(), &Settings::default(), &task).unwrap_err();
        assert!(matches!(error, PackError::Cancelled(_)));
    }
}
