//! Writers of whole containers, for tests and for the files in `sample-data`: protected, opaque, of several tracks, mux.
//! What they write is compared with what the reference implementation wrote, byte for byte.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use h4inspect::core::codec::cipher::{Context, Sealer};
use h4inspect::core::codec::mask::Mask;
use h4inspect::core::codec::rle;
use h4inspect::core::pack::{TransportWriter, seek_payload};
use h4inspect::core::secret::Secret;

/// SAFE of the export pipeline.
pub(crate) const EXPORT_SAFE: &str =
    r#"{"scope":"container+transport-only","no_video_synthesis":true,"no_pixel_semantics":true,"no_visual_ml":true}"#;
/// META's description of the reference engine.
pub(crate) const REFERENCE: &str = r#"{"engine":"geometric-reference","engine_id":"unknown","fingerprint":"unknown","deterministic":true,"identity_safe":true,"opaque":false,"sealed":false}"#;

/// A transport container of one track.
pub(crate) struct Export<'a> {
    pub(crate) blocks: &'a [Vec<u8>],
    pub(crate) block_size: u64,
    pub(crate) fps: f64,
    pub(crate) gop: u64,
    pub(crate) mask_key: Option<&'a Secret>,
    pub(crate) shared_secret: Option<&'a Secret>,
    /// Blocks are stored as they are, and said to be the closed engine's.
    pub(crate) opaque: bool,
}

impl Export<'_> {
    /// Neither masked nor encrypted.
    pub(crate) fn plain(blocks: &[Vec<u8>], block_size: u64) -> Export<'_> {
        Export { blocks, block_size, fps: 30.0, gop: 4, mask_key: None, shared_secret: None, opaque: false }
    }

    /// Stored blocks in order.
    pub(crate) fn stored(&self) -> Vec<Vec<u8>> {
        let mask = self.mask_key.map(|key| Mask::new(key).unwrap());
        let mut sealer = self.shared_secret.map(|secret| Sealer::new(secret).unwrap());
        let store = |(block_index, raw): (u64, &Vec<u8>)| {
            let mut block = raw.clone();
            if let Some(mask) = &mask {
                mask.unmask_window(block_index, 0, &mut block);
            }
            if !self.opaque {
                block = rle::encode(&block);
            }
            if let Some(sealer) = &mut sealer {
                let public_key = (block_index > 0 && block_index.is_multiple_of(1024)).then_some(&[7; 32]);
                let unknown = "unknown";
                let (engine_id, engine_fp, track_id) = (unknown, unknown, unknown);
                let context = Context { engine_id, engine_fp, track_id, pts_us: 0, block_index };
                block = sealer.seal(&block, &context, public_key).unwrap();
            }
            block
        };
        (0..).zip(self.blocks).map(store).collect()
    }

    /// The file around stored blocks.
    pub(crate) fn wrap(&self, stored: &[Vec<u8>]) -> Vec<u8> {
        let Self { block_size, fps, gop, .. } = self;
        let frame_us = (1_000_000.0 / fps) as u64;
        let keyframes = (0..stored.len() as u64).filter(|block| block.is_multiple_of(*gop));
        let seek: Vec<_> = keyframes.map(|block| (block * frame_us, block * block_size)).collect();
        let compression = if self.opaque {
            let fingerprint = "ab".repeat(32);
            format!(
                r#"{{"engine":"core","engine_id":"h4core-geo-v1.2.3","fingerprint":"{fingerprint}","deterministic":true,"identity_safe":true,"opaque":true,"sealed":true}}"#
            )
        } else {
            REFERENCE.to_owned()
        };
        let (encrypted, encryption) = match self.shared_secret {
            Some(_) => (
                r#","encrypted":true"#,
                r#","encryption":{"cipher":"living-cipher-v3","mode":"compress-then-encrypt","context_binding":"container+track+timestamp+index","sealed":true}"#,
            ),
            None => ("", ""),
        };
        let masked = self.mask_key.is_some();
        let meta = format!(
            r#"{{"project":"HarmonyØ4","domain":"video-transport","block_size":{block_size},"fps_hint":{fps:?},"gop":{gop},"masked":{masked}{encrypted},"compression":{compression}{encryption}}}"#
        );
        transport(stored, &seek_payload(&seek), &meta, EXPORT_SAFE)
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        self.wrap(&self.stored())
    }
}

fn transport(stored: &[Vec<u8>], seek: &[u8], meta: &str, safe: &str) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = TransportWriter::new(&mut file).unwrap();
    stored.iter().for_each(|block| _ = writer.block(block).unwrap());
    for (tag, payload) in [(b"SEEK", seek), (b"META", meta.as_bytes()), (b"SAFE", safe.as_bytes())] {
        writer.chunk(*tag, payload).unwrap();
    }
    writer.finish().unwrap();
    file
}

/// One block of a transport container of several tracks.
pub(crate) struct TrackBlock {
    pub(crate) track: String,
    pub(crate) pts_us: u64,
    pub(crate) kind: char,
    pub(crate) raw: Vec<u8>,
}

/// A transport container of several tracks, their index and tables in META.
pub(crate) fn tracks(title: &str, blocks: &[TrackBlock]) -> Vec<u8> {
    let mut ids: Vec<&str> = blocks.iter().map(|block| block.track.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut seekm = (ids.len() as u32).to_be_bytes().to_vec();
    for id in &ids {
        let own = (0u32..).zip(blocks).filter(|(_, block)| block.track == *id && block.kind == 'I');
        let mut entries: Vec<(u64, u32)> = own.map(|(index, block)| (block.pts_us, index)).collect();
        entries.sort_unstable();
        seekm.extend((id.len() as u16).to_be_bytes());
        seekm.extend(id.as_bytes());
        seekm.extend((entries.len() as u32).to_be_bytes());
        for (pts_us, index) in entries {
            seekm.extend(pts_us.to_be_bytes());
            seekm.extend(index.to_be_bytes());
        }
    }
    let row = |(index, block): (usize, &TrackBlock)| {
        let TrackBlock { track, pts_us, kind, .. } = block;
        let keyframe = *kind == 'I';
        format!(
            r#"{{"track_id":"{track}","pts_us":{pts_us},"kind":"{kind}","keyframe":{keyframe},"core_index":{index}}}"#
        )
    };
    let rows: Vec<String> = blocks.iter().enumerate().map(row).collect();
    let trak = BASE64_STANDARD.encode(format!(r#"{{"trak":[{}]}}"#, rows.join(",")));
    let (seekm, ids) = (BASE64_STANDARD.encode(seekm), serde_json::to_string(&ids).unwrap());
    let meta = format!(
        r#"{{"project":"HarmonyØ4","version":"1.0","title":"{title}","domain":"video-transport","tracks":{ids},"seekm_b64":"{seekm}","trak_b64":"{trak}","compression":{REFERENCE}}}"#
    );
    let stored: Vec<_> = blocks.iter().map(|block| rle::encode(&block.raw)).collect();
    transport(&stored, &[0; 4], &meta, r#"{"policy":"transport_only"}"#)
}

/// One block of a mux container.
pub(crate) struct MuxBlock {
    pub(crate) track: u16,
    pub(crate) pts_ms: u32,
    /// 0 I, 1 P, 2 B.
    pub(crate) kind: u32,
    pub(crate) opaque: Vec<u8>,
}

/// A mux container. Sidecars are written in the order given, blocks by (pts, track), then a table for each of `tracks`.
pub(crate) fn mux(sidecars: &[([u8; 4], &[u8])], tracks: &[u16], blocks: &[MuxBlock]) -> Vec<u8> {
    let mut file = b"H4MK\x01\0\0\0".to_vec();
    file.extend([0; 8]);
    let mut chunk = |tag: &[u8; 4], flags: u32, payload: &[u8]| {
        let at = file.len();
        file.extend(tag);
        file.extend(flags.to_le_bytes());
        file.extend((payload.len() as u32).to_le_bytes());
        file.extend(payload);
        let crc = crc32fast::hash(&file[at..]);
        file.extend(crc.to_le_bytes());
        at as u32 + 12
    };
    sidecars.iter().for_each(|(tag, payload)| _ = chunk(tag, 0, payload));
    let mut sorted: Vec<&MuxBlock> = blocks.iter().collect();
    sorted.sort_by_key(|block| (block.pts_ms, block.track));
    let mut tables: BTreeMap<u16, Vec<u8>> = tracks.iter().map(|track| (*track, Vec::new())).collect();
    for MuxBlock { track, pts_ms, kind, opaque } in sorted {
        let payload = [b"H4TB", &track.to_le_bytes()[..], &[0; 2], opaque].concat();
        let at = chunk(b"CORE", pts_ms | kind << 28, &payload);
        let table = tables.entry(*track).or_default();
        if *kind == 0 {
            table.extend(pts_ms.to_le_bytes());
            table.extend(at.to_le_bytes());
        }
    }
    for (track, rows) in tables {
        let count = ((rows.len() / 8) as u16).to_le_bytes();
        chunk(b"TSEK", 0, &[b"H4TS", &track.to_le_bytes()[..], &[0; 2], b"H4SK", &count, &[0; 2], &rows].concat());
    }
    let crc = crc32fast::hash(&file);
    file.extend(crc.to_le_bytes());
    file
}
