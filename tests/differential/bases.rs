//! The files that are damaged: every layout, table, protection and order, and the corpus's clean files.

use sha2::{Digest, Sha256};

use crate::builder::{Mux, Offsets, Span, Transport, Veri, chunk, meta, mux_chunk, rle, spans};
use crate::support::corpus;
use crate::support::samples::{Export, TrackBlock, tracks};
use h4inspect::core::secret::Secret;

/// An undamaged file, and what is known of it by construction.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) mux: bool,
    pub(super) chunks: Vec<Span>,
    /// Warnings and errors that its writer asked for.
    pub(super) faults: &'static [&'static str],
    /// Blocks that only make sense under the index they were written with.
    pub(super) bound: bool,
    /// What VERI covers is its chunks whole, by 32 bytes.
    pub(super) prefix: bool,
    /// Time of a SEEK entry to block, where a block every so many µs makes that plain.
    pub(super) frame_us: Option<u64>,
    /// META has a gop.
    pub(super) gop: bool,
}

impl Base {
    fn new(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        let (mux, chunks) = (bytes[4] == 1, spans(&bytes));
        let veri = chunks.iter().find(|span| span.tag == *b"VERI");
        let prefix = !mux
            && veri.is_some_and(|veri| bytes[veri.payload.clone()] == Sha256::digest(&bytes[8..veri.whole.start])[..]);
        let (name, frame_us) = (name.into(), None);
        let gop = bytes.windows(5).any(|bytes| bytes == br#""gop""#);
        Self { name, mux, chunks, bytes, faults: &[], bound: false, prefix, frame_us, gop }
    }

    fn faulty(self, faults: &'static [&'static str]) -> Self {
        Self { faults, ..self }
    }

    fn bound(self) -> Self {
        Self { bound: true, ..self }
    }
}

/// All of them.
pub(super) fn all() -> Vec<Base> {
    let mut bases = transport();
    bases.extend(mux());
    bases.extend(protected());
    for (folder, most) in [("reference", 50_000), ("damaged", 50_000)] {
        let folder = corpus().join(folder);
        let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let (clean, container) = (!path.to_str().unwrap().contains("/damaged/"), name.ends_with(".h4mk"));
            if container && (clean || name.contains("clean")) {
                let bytes = std::fs::read(&path).unwrap();
                if bytes.len() < most {
                    let bound = name.contains("masked") || name.contains("encrypted") || name.contains("cipher");
                    let faults: &[&str] = if name.contains("no-blocks") { &["no-blocks"] } else { &[] };
                    bases.push(Base { bound, ..Base::new(name, bytes).faulty(faults) });
                }
            }
        }
    }
    bases
}

fn transport() -> Vec<Base> {
    let mut bases = Vec::new();
    let described = [r#""block_size":256,"fps_hint":25.0,"gop":2"#, r#""fps_hint":25.0,"gop":2"#, ""];
    for offsets in Offsets::ALL {
        for (which, fields) in described.iter().enumerate() {
            let file = Transport { offsets, meta: meta(fields), ..Transport::new(7) };
            let base = Base::new(format!("transport {} {which}", offsets.name()), file.build());
            bases.push(Base { frame_us: Some(40_000), ..base });
        }
    }
    type Order = (&'static str, &'static [&'static [u8; 4]], &'static [&'static str]);
    let orders: [Order; 7] = [
        ("meta first", &[b"META", b"SEEK", b"CORE", b"SAFE", b"VERI"], &[]),
        ("seek last but one", &[b"SAFE", b"META", b"CORE", b"SEEK", b"VERI"], &[]),
        ("unknown between", &[b"CORE", b"GEOM", b"SEEK", b"META", b"SAFE", b"VERI"], &[]),
        ("unknown tags", &[b"zzzz", b"CORE", b"SEEK", b"ABCD", b"META", b"SAFE", b"XXXX", b"VERI"], &[]),
        ("unknown after veri", &[b"CORE", b"SEEK", b"META", b"SAFE", b"VERI", b"TEMP"], &["chunk-after-veri"]),
        ("veri between", &[b"META", b"SEEK", b"VERI", b"CORE", b"SAFE"], &["chunk-after-veri"]),
        ("no safe", &[b"CORE", b"SEEK", b"META", b"VERI"], &["chunk-missing"]),
    ];
    for (name, order, faults) in orders {
        let file = Transport { order: order.iter().map(|tag| **tag).collect(), ..Transport::new(6) };
        let base = Base::new(format!("transport, {name}"), file.build()).faulty(faults);
        bases.push(Base { frame_us: Some(40_000), ..base });
    }
    bases.push(Base::new(
        "transport, digest of payloads",
        Transport { veri: Veri::Payloads, ..Transport::new(5) }.build(),
    ));
    let none = Transport::new(5).with(|t| t.order.retain(|tag| tag != b"VERI")).build();
    for (name, covers) in [("undeclared", ""), ("declared", r#","covers":"prefix""#)] {
        let digest: String = Sha256::digest(&none[8..]).iter().map(|byte| format!("{byte:02x}")).collect();
        let veri = format!(r#"{{"sha256":"{digest}"{covers}}}"#);
        bases.push(Base::new(
            format!("transport, JSON digest, {name}"),
            [&none[..], &chunk(b"VERI", veri.as_bytes())].concat(),
        ));
    }
    let unknown = chunk(b"VERI", br#"{"algorithm":"blake3","digest":"00"}"#);
    bases.push(Base::new("transport, unknown digest", [&none[..], &unknown].concat()).faulty(&["veri-unsupported"]));
    bases.push(Base::new("transport, no digest", none).faulty(&["chunk-missing"]));
    for count in [0, 1, 2, 40] {
        let faults: &[&str] = if count == 0 { &["no-blocks"] } else { &[] };
        bases.push(Base::new(format!("transport of {count}"), Transport::new(count).build()).faulty(faults));
    }
    let sizes = Transport::new(6).with(|t| {
        t.blocks = (0..6).map(|block| rle(256 * (1 + block % 3), 20 + block as u8)).collect();
        t.meta = meta(r#""fps_hint":25.0,"gop":2"#);
    });
    bases.push(Base::new("transport, uneven blocks", sizes.build()));
    let empty = Transport::new(6).with(|t| {
        t.blocks[2].clear();
        t.blocks[3].clear();
        t.meta = meta(r#""fps_hint":25.0,"gop":2"#);
        t.offsets = Offsets::Index;
    });
    bases.push(Base::new("transport, empty blocks", empty.build()));
    for (name, inner) in [("transport", Transport::new(4).build()), ("mux", Mux::new(3).build())] {
        for at in [0, 2, 4] {
            let file = Transport::new(5).with(|t| {
                // RLE is pairs, and no container may look like a run of 0.
                t.blocks[at] = inner.iter().flat_map(|byte| [*byte, 1]).collect();
                t.meta = br#"{"compression":{"engine":"core","opaque":true},"gop":2,"fps_hint":25.0}"#.to_vec();
                t.blocks[at].splice(20..20, inner.iter().copied());
                t.offsets = Offsets::Index;
            });
            bases.push(Base::new(format!("transport, {name} in block {at}"), file.build()));
        }
    }
    bases.push(Base::new("transport, several tracks", of_tracks()));
    bases
}

fn of_tracks() -> Vec<u8> {
    let block = |n: usize| TrackBlock {
        track: ["video", "sound"][n % 2].to_owned(),
        pts_us: n as u64 / 2 * 40_000,
        kind: if (n / 2).is_multiple_of(3) { 'I' } else { 'P' },
        raw: (0..=255u8).map(|byte| byte / 16 + n as u8).collect(),
    };
    tracks("test", &(0..10).map(block).collect::<Vec<_>>())
}

fn mux() -> Vec<Base> {
    let mut bases = Vec::new();
    for count in [1, 3, 8] {
        bases.push(Base::new(format!("mux of {count}"), Mux::new(count).build()));
    }
    let track = Mux::new(4).with(|m| {
        let of_track = m.blocks.iter().filter(|block| block.0 == 1).flat_map(|block| block.3.clone());
        let digest = Sha256::digest(of_track.collect::<Vec<u8>>());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        m.veri = Some(format!(r#"{{"sha256":"{hex}","covers":"track 1"}}"#).into_bytes());
    });
    bases.push(Base::new("mux, digest of a track", track.build()));
    let plain = Mux::new(4);
    let closed = |parts: &[&[u8]]| {
        let whole = parts.concat();
        [&whole[..], &crc32fast::hash(&whole).to_le_bytes()].concat()
    };
    let bytes = plain.build();
    let body = &bytes[..bytes.len() - 4];
    let (other, geom) = (mux_chunk(b"ABCD", 5, b"another tag"), mux_chunk(b"GEOM", 0, br#"{"a":1}"#));
    bases.push(Base::new("mux, unknown tags at the end", closed(&[body, &other, &geom])));
    let spans = spans(&bytes);
    let without = |tag: &[u8; 4]| {
        let kept = spans.iter().filter(|span| span.tag != *tag).map(|span| &bytes[span.whole.clone()]);
        // Tables name offsets, so what goes must stand behind them.
        closed(&[&bytes[..16], &kept.collect::<Vec<_>>().concat()])
    };
    bases.push(Base::new("mux without tables", without(b"TSEK")).faulty(&["track-seek-missing"]));
    for (name, inner) in [("transport", Transport::new(4).build()), ("mux", Mux::new(3).build())] {
        for at in [0, 3, 7] {
            let file = Mux::new(4).with(|m| m.blocks[at].3 = [&[7; 5], &inner[..], &[9; 3]].concat());
            bases.push(Base::new(format!("mux, {name} in block {at}"), file.build()));
        }
    }
    bases
}

fn protected() -> Vec<Base> {
    let raw: Vec<Vec<u8>> = (0..7u8).map(|block| (0..=255u8).map(|byte| byte / 16 + block * 3).collect()).collect();
    let secret = Secret::from_hex(&"5a".repeat(32)).unwrap();
    let encrypted = Export { shared_secret: Some(&secret), ..Export::plain(&raw, 256) }.write();
    let masked = Export { mask_key: Some(&secret), ..Export::plain(&raw, 256) }.write();
    let opaque = Export { opaque: true, ..Export::plain(&raw, 256) }.write();
    vec![
        Base::new("transport, encrypted", encrypted).bound(),
        Base::new("transport, masked", masked).bound(),
        Base::new("transport, opaque", opaque),
    ]
}
