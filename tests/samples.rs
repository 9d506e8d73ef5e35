//! The sample writers against the reference implementation's files, and the files in `sample-data` against the writers.

use std::path::PathBuf;
use std::sync::Arc;

use crate::support::samples::{Export, MuxBlock, TrackBlock};
use h4inspect::core::audit::audit;
use h4inspect::core::container::{Container, Options};
use h4inspect::core::finding::Severity;
use h4inspect::core::index::Tag;
use h4inspect::core::secret::Secret;
use h4inspect::core::source::Source;
use h4inspect::core::task::Task;
use h4inspect::core::walk::Depth;
use serde_json::Value;

/// The secret of encrypted.h4mk and the key of masked.h4mk, in `sample-data/README.md` too.
const SHARED_SECRET: &str = "6834696e7370656374277320656e637279707465642073616d706c652066696c";
const MASK_KEY: &str = "6834696e73706563742773206d61736b";

/// A reference file, opened with its keys, and what it should be.
fn reference(name: &str) -> (Container, Vec<u8>) {
    let corpus = crate::support::corpus();
    let expected: Value = serde_json::from_slice(&std::fs::read(corpus.join("expected.json")).unwrap()).unwrap();
    let bytes = std::fs::read(corpus.join("reference").join(name)).unwrap();
    let key = |field: &str| expected[name][field].as_str().map(|hex| Arc::new(Secret::from_hex(hex).unwrap()));
    let (shared_secret, mask_key) = (key("shared_secret_hex"), key("master_key_hex"));
    let options = Options { shared_secret, mask_key, ..Options::default() };
    let source = Arc::new(Source::from_bytes(name, bytes.clone()));
    (Container::read(source, options, Depth::Headers, &Task::default()).unwrap(), bytes)
}

fn blocks(container: &Container) -> Vec<Vec<u8>> {
    (0..container.index().blocks()).map(|block| container.block(block).unwrap().bytes.clone()).collect()
}

#[test]
fn protected_containers_are_written_as_the_reference_writes_them() {
    for name in ["transport-basic.h4mk", "transport-masked.h4mk"] {
        let (container, bytes) = reference(name);
        let (blocks, meta) = (blocks(&container), container.meta().unwrap());
        let export = Export {
            fps: meta.fps_hint.unwrap(),
            gop: meta.gop.unwrap(),
            mask_key: container.options().mask_key.as_deref(),
            ..Export::plain(&blocks, meta.block_size.unwrap())
        };
        assert!(export.write() == bytes, "{name}");
    }
    let (container, bytes) = reference("transport-encrypted.h4mk");
    let blocks = blocks(&container);
    let export = Export {
        fps: 24.0,
        shared_secret: container.options().shared_secret.as_deref(),
        ..Export::plain(&blocks, 4096)
    };
    // The export pipeline puts META's fields in another order; all else is the same.
    let blocks_end = container.seek_chunk().unwrap().end() as usize;
    assert!(export.write()[..blocks_end] == bytes[..blocks_end]);
}

#[test]
fn containers_of_several_tracks_are_written_as_the_reference_writes_them() {
    let (container, bytes) = reference("transport-tracks.h4mk");
    let tracks = container.tracks().unwrap();
    let block = |(index, raw): (u64, Vec<u8>)| {
        let (track, block) = tracks.of_block(index).unwrap();
        let kind = block.kind.name().chars().next().unwrap();
        TrackBlock { track: track.id.clone(), pts_us: block.pts_us, kind, raw }
    };
    let blocks: Vec<_> = (0..).zip(blocks(&container)).map(block).collect();
    assert!(crate::support::samples::tracks("Three tracks", &blocks) == bytes);

    for name in ["mux-three-tracks.h4mk", "mux-demo.h4mk"] {
        let (container, bytes) = reference(name);
        let sidecars = container.index().iter().filter(|chunk| ![Tag::CORE, Tag::TSEK].contains(&chunk.tag()));
        let sidecars: Vec<_> = sidecars.map(|chunk| (chunk.tag().0, container.payload(&chunk).to_vec())).collect();
        let sidecars: Vec<_> = sidecars.iter().map(|(tag, payload)| (*tag, payload.as_slice())).collect();
        let blocks: Vec<_> = container.index().with_tag(Tag::CORE).map(|chunk| mux_block(&container, &chunk)).collect();
        let tracks: Vec<u16> = container.tracks().unwrap().list.iter().map(|track| track.id.parse().unwrap()).collect();
        assert!(crate::support::samples::mux(&sidecars, &tracks, &blocks) == bytes, "{name}");
    }
}

fn mux_block(container: &Container, chunk: &h4inspect::core::index::Chunk) -> MuxBlock {
    let flags = container.chunk_header(chunk).unwrap().flags.unwrap();
    let (track, content) = container.routed(chunk).unwrap();
    let opaque = container.bytes().range(content).to_vec();
    MuxBlock { track, pts_ms: flags & 0x0fff_ffff, kind: flags >> 28, opaque }
}

/// Blocks with something to look at: bars of bytes that move from block to block, and a line of text in each.
fn scene(blocks: u32, block_size: usize) -> Vec<Vec<u8>> {
    let bar = |block: u32, at: usize| ((at / 64) as u32 + block) as u8 & 0x0f;
    let paint = |block: u32| -> Vec<u8> {
        let mut raw: Vec<u8> = (0..block_size).map(|at| bar(block, at) << 4).collect();
        let text = format!("block {block} of the sample");
        raw[..text.len()].copy_from_slice(text.as_bytes());
        raw
    };
    (0..blocks).map(paint).collect()
}

fn sample(name: &str) -> Vec<u8> {
    let secret = |hex| Secret::from_hex(hex).unwrap();
    match name {
        "encrypted" => {
            let blocks = scene(12, 4096);
            Export { shared_secret: Some(&secret(SHARED_SECRET)), ..Export::plain(&blocks, 4096) }.write()
        }
        "masked" => {
            let blocks = scene(8, 1024);
            Export { mask_key: Some(&secret(MASK_KEY)), ..Export::plain(&blocks, 1024) }.write()
        }
        "opaque" => {
            // Nothing but the vendor's library could tell that these are no compressed blocks.
            let blocks: Vec<_> =
                scene(6, 1024).iter().map(|raw| raw[..96].iter().map(|b| b ^ 0xa5).collect()).collect();
            Export { opaque: true, ..Export::plain(&blocks, 1024) }.write()
        }
        "tracks" => crate::support::samples::tracks("Sample of three tracks", &track_scene()),
        _ => mux_scene(),
    }
}

fn track_scene() -> Vec<TrackBlock> {
    let mut blocks = Vec::new();
    for (track, step_us, count, pattern) in
        [("audio", 21_333, 30, "IPPPPP"), ("subtitles", 500_000, 2, "I"), ("video", 33_333, 20, "IBBPBBPBBP")]
    {
        for (index, raw) in (0u64..).zip(scene(count, 256)) {
            let kind = pattern.chars().cycle().nth(index as usize).unwrap();
            blocks.push(TrackBlock { track: track.to_owned(), pts_us: index * step_us, kind, raw });
        }
    }
    blocks.sort_by(|a, b| (a.pts_us, &a.track).cmp(&(b.pts_us, &b.track)));
    blocks
}

fn mux_scene() -> Vec<u8> {
    let trak = r#"{"tracks": [{"track_id": 1, "name": "main", "kind": "audio", "codec": "h4core", "sample_rate": 48000, "channels": 2, "note": ""}, {"track_id": 2, "name": "captions", "kind": "captions", "codec": "text", "sample_rate": 0, "channels": 0, "note": "UTF-8"}]}"#;
    let meta = r#"{"title": "Sample of the mux layout", "duration_ms": 2000}"#;
    let sidecars: [([u8; 4], &[u8]); 4] = [
        (*b"TRAK", trak.as_bytes()),
        (*b"META", meta.as_bytes()),
        (*b"SAFE", br#"{"clearance":"public"}"#),
        (*b"NOTE", "Two tracks, written by h4inspect's tests.\n".as_bytes()),
    ];
    let audio = (0u32..).zip(scene(100, 64));
    let audio = audio.map(|(at, opaque)| {
        let kind = match at % 10 {
            0 => 0,
            5 => 1,
            _ => 2,
        };
        MuxBlock { track: 1, pts_ms: at * 20, kind, opaque }
    });
    let captions =
        (0..4).map(|at| MuxBlock { track: 2, pts_ms: at * 500, kind: 0, opaque: format!("caption {at}").into_bytes() });
    crate::support::samples::mux(&sidecars, &[1, 2], &audio.chain(captions).collect::<Vec<_>>())
}

/// `H4_WRITE_SAMPLES=1` writes the files anew.
#[test]
fn sample_data_is_what_the_writers_write() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("sample-data");
    for name in ["encrypted", "masked", "opaque", "tracks", "mux"] {
        let (path, bytes) = (folder.join(name).with_extension("h4mk"), sample(name));
        assert!(bytes.len() < 20_000, "{name}: {}", bytes.len());
        if std::env::var_os("H4_WRITE_SAMPLES").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        assert!(std::fs::read(&path).unwrap() == bytes, "{} is not what its writer writes", path.display());

        let key = |hex| Some(Arc::new(Secret::from_hex(hex).unwrap()));
        let keys = Options { shared_secret: key(SHARED_SECRET), mask_key: key(MASK_KEY), ..Options::default() };
        for options in [Options::default(), keys] {
            let source = Arc::new(Source::from_bytes(name, bytes.clone()));
            let audit = audit(&source, &options, &Task::default()).unwrap();
            let faults = audit.findings.list().iter().filter(|finding| finding.severity != Severity::Info);
            assert_eq!(faults.map(|fault| fault.message.as_str()).collect::<Vec<_>>(), [""; 0], "{name}");
            assert_eq!(audit.verification.status.name(), if name == "mux" { "absent" } else { "verified" }, "{name}");
        }
    }
}
