//! What a salvage writes after any one damage: each SEEK entry and each row of a track's table leads to the block that had
//! that time, every intact block is there, and nothing is called whole that is not.

use crate::builder::{self, Mux, Offsets, Transport, chunk, chunk_with, codes, noise, spans};
use crate::support::containers::{audited, container};
use crate::support::samples::{Export, TrackBlock, tracks};
use h4inspect::core::audit::Audit;
use h4inspect::core::container::Options;
use h4inspect::core::finding::Severity;
use h4inspect::core::index::Tag;
use h4inspect::core::salvage::{Report, SalvageError, Settings, salvage};
use h4inspect::core::secret::Secret;
use h4inspect::core::seek::Meaning;
use h4inspect::core::task::Task;
use proptest::prelude::*;
use proptest::sample::Index as At;

fn salvaged(bytes: &[u8], settings: &Settings<'_>) -> Result<(Report, Vec<u8>), SalvageError> {
    let mut out = Vec::new();
    let report = salvage(&audited(bytes), settings, &mut out, &Task::default())?;
    Ok((report, out))
}

/// Payloads of all blocks.
fn blocks(audit: &Audit) -> Vec<Vec<u8>> {
    let container = container(audit);
    container.index().with_tag(Tag::CORE).map(|chunk| container.payload(&chunk).to_vec()).collect()
}

/// Timestamp of each seek entry, of SEEK or of a track, with the block it leads to.
fn entries(audit: &Audit) -> Vec<(String, u64, Option<Vec<u8>>)> {
    let container = container(audit);
    let payload = |block: u64| container.payload(&container.index().block(block).unwrap()).to_vec();
    let mut found = Vec::new();
    if let Some(table) = container.seek_table() {
        for (place, entry) in (0..).zip(table.rows.iter()) {
            found.push((String::new(), entry.pts_us, container.entry_block(place).map(payload)));
        }
    }
    for track in container.tracks().iter().flat_map(|tracks| &tracks.list) {
        for entry in track.seek_table(container).iter().flat_map(|table| table.rows.iter().collect::<Vec<_>>()) {
            found.push((track.id.clone(), entry.pts_us, track.entry_block(container, entry).map(payload)));
        }
    }
    found
}

/// Blocks that differ from each other, of one size or of several.
fn raw(count: usize, even: bool, seed: u8) -> Vec<Vec<u8>> {
    let block = |n: usize| -> Vec<u8> {
        let runs = if even { 8 } else { 4 + (n * 7 + usize::from(seed)) % 60 };
        (0..256).map(|i| ((i * runs / 256) * 5 + n * 31 + usize::from(seed)) as u8).collect()
    };
    (0..count).map(block).collect()
}

/// One kind of container, and how many blocks it has.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Plain(Offsets, bool),
    Masked,
    Encrypted,
    Tracks,
    Mux,
}

fn made(kind: Kind, count: usize, gop: u64, even: bool, order: u8, seed: u8) -> Vec<u8> {
    let secret = Secret::from_hex(&"5a".repeat(32)).unwrap();
    let key = Secret::from_hex(&"c3".repeat(16)).unwrap();
    let raw = raw(count, even, seed);
    match kind {
        Kind::Plain(offsets, timed) => {
            let mut made = Transport::new(count);
            if !even {
                made.blocks = raw.iter().map(|block| h4inspect::core::codec::rle::encode(block)).collect();
            }
            (made.gop, made.offsets) = (gop, offsets);
            let rhythm = format!(r#""block_size":256,"fps_hint":25.0,"gop":{gop}"#);
            made.meta = builder::meta(if timed { &rhythm } else { "" });
            made.order = match order % 4 {
                0 => builder::USUAL_ORDER.to_vec(),
                1 => [*b"META", *b"CORE", *b"SEEK", *b"SAFE", *b"VERI"].to_vec(),
                2 => [*b"SEEK", *b"META", *b"SAFE", *b"CORE", *b"VERI"].to_vec(),
                _ => [*b"GEOM", *b"CORE", *b"META", *b"SEEK", *b"SAFE", *b"VERI"].to_vec(),
            };
            made.build()
        }
        Kind::Masked => Export { mask_key: Some(&key), gop, ..Export::plain(&raw, 256) }.write(),
        Kind::Encrypted => Export { shared_secret: Some(&secret), gop, ..Export::plain(&raw, 256) }.write(),
        Kind::Tracks => {
            let block = |(n, raw): (usize, Vec<u8>)| TrackBlock {
                track: ["a", "v"][n % 2].to_owned(),
                pts_us: n as u64 * 1000,
                kind: if ((n / 2) as u64).is_multiple_of(gop) { 'I' } else { 'P' },
                raw,
            };
            tracks("t", &raw.into_iter().enumerate().map(block).collect::<Vec<_>>())
        }
        Kind::Mux => Mux::new(count.div_ceil(2)).build(),
    }
}

#[derive(Debug, Clone)]
enum Damage {
    /// Bytes inside one chunk's payload.
    Noise(At),
    /// A chunk with its header.
    Zeroed(At),
    /// A chunk is taken out without a trace.
    Deleted(At),
    /// Bytes are put before a chunk.
    Junk(At, usize, u64),
    /// The file ends there.
    Cut(At),
    /// All is zero from there on.
    ZeroTail(At),
    /// A length field is wrong.
    Length(At, u8),
    /// A tag is wrong.
    Tag(At),
    /// Bytes are taken out of a chunk.
    Shortened(At, usize),
    /// A chunk moves to the end of the file.
    Moved(At),
    /// Something follows the file.
    Appended(bool),
    Flip(At, u8),
}

impl Damage {
    fn hit(&self, clean: &[u8]) -> Vec<u8> {
        let (mut bytes, mux) = (clean.to_vec(), clean[4] == 1);
        let spans = spans(clean);
        let first = if mux { 16 } else { 8 };
        let place = |at: &At| first + at.index(clean.len() - first);
        match self {
            Self::Noise(at) => {
                let payload = at.get(&spans).payload.clone();
                bytes[payload].iter_mut().skip(2).step_by(3).for_each(|byte| *byte = !*byte);
            }
            Self::Zeroed(at) => bytes[at.get(&spans).whole.clone()].fill(0),
            Self::Deleted(at) => _ = bytes.drain(at.get(&spans).whole.clone()),
            Self::Junk(at, len, seed) => {
                let start = at.get(&spans).whole.start;
                bytes.splice(start..start, noise(*len, *seed));
            }
            Self::Cut(at) => bytes.truncate(place(at)),
            Self::ZeroTail(at) => bytes[place(at)..].fill(0),
            Self::Length(at, bit) => {
                let field = at.get(&spans).whole.start + if mux { 8 } else { 4 };
                bytes[field + usize::from(bit / 8 % 4)] ^= 1 << (bit % 8);
            }
            Self::Tag(at) => bytes[at.get(&spans).whole.start..][..4].fill(0xee),
            Self::Shortened(at, len) => {
                let payload = at.get(&spans).payload.clone();
                let len = (*len).min(payload.len());
                bytes.drain(payload.start..payload.start + len);
            }
            Self::Moved(at) => {
                let whole = at.get(&spans).whole.clone();
                let chunk: Vec<u8> = bytes.drain(whole).collect();
                let end = if mux { bytes.len() - 4 } else { bytes.len() };
                bytes.splice(end..end, chunk);
            }
            Self::Appended(true) => bytes.extend(clean),
            Self::Appended(false) => bytes.extend([7; 20]),
            Self::Flip(at, bit) => bytes[place(at)] ^= 1 << (bit % 8),
        }
        bytes
    }
}

fn kinds() -> impl Strategy<Value = Kind> {
    let offsets =
        prop::sample::select(vec![Offsets::Stream, Offsets::Stored, Offsets::Chunk, Offsets::Payload, Offsets::Index]);
    prop_oneof![
        5 => (offsets, prop::bool::weighted(0.8)).prop_map(|(offsets, timed)| Kind::Plain(offsets, timed)),
        1 => Just(Kind::Masked),
        1 => Just(Kind::Encrypted),
        1 => Just(Kind::Tracks),
        2 => Just(Kind::Mux),
    ]
}

fn damages() -> impl Strategy<Value = Damage> {
    let at = any::<At>;
    prop_oneof![
        at().prop_map(Damage::Noise),
        at().prop_map(Damage::Zeroed),
        at().prop_map(Damage::Deleted),
        (at(), 1..40usize, any::<u64>()).prop_map(|(at, len, seed)| Damage::Junk(at, len, seed)),
        at().prop_map(Damage::Cut),
        at().prop_map(Damage::ZeroTail),
        (at(), 0..32u8).prop_map(|(at, bit)| Damage::Length(at, bit)),
        at().prop_map(Damage::Tag),
        (at(), 1..30usize).prop_map(|(at, len)| Damage::Shortened(at, len)),
        at().prop_map(Damage::Moved),
        any::<bool>().prop_map(Damage::Appended),
        (at(), 0..8u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
    ]
}

/// A block may be missing without anything that says so; then blocks behind it have the time of others, and no reader
/// can know. So it is where the count that SEEK and META give is no other one, and for moved blocks.
fn is_beyond_telling(kind: Kind, damage: &Damage, clean: &[u8]) -> bool {
    let spans = spans(clean);
    let at = match damage {
        Damage::Deleted(at) | Damage::Moved(at) => at.get(&spans),
        // The next chunk then ends just where the cut one should, and is taken for its content.
        Damage::Shortened(at, len)
            if spans.windows(2).any(|pair| pair[0].whole == at.get(&spans).whole && pair[1].whole.len() == *len) =>
        {
            at.get(&spans)
        }
        _ => return false,
    };
    at.tag == *b"CORE" && matches!(kind, Kind::Plain(..) | Kind::Masked | Kind::Tracks)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]
    #[test]
    fn every_entry_leads_to_the_block_of_its_time(
        kind in kinds(), count in 2..12usize, gop in 1..4u64, even in any::<bool>(), order in any::<u8>(),
        seed in 0..40u8, damage in damages(), repair in any::<bool>(), placeholders in any::<bool>(),
    ) {
        let clean = made(kind, count, gop, even, order, seed);
        let before = audited(&clean);
        prop_assert!(before.findings.list().iter().all(|f| f.severity == Severity::Info), "{:?}", codes(&before));
        let bytes = damage.hit(&clean);
        let settings = Settings { repair, placeholders, sibling: None };
        let Ok((report, out)) = salvaged(&bytes, &settings) else { return Ok(()) };
        let after = audited(&out);
        let (had, has) = (blocks(&before), blocks(&after));

        // Intact blocks are there, in order: all but those that are bound to an index they can't have.
        let kept: Vec<&Vec<u8>> = has.iter().filter(|block| had.contains(block)).collect();
        let source = audited(&bytes);
        let found = container(&source);
        let intact: Vec<Vec<u8>> = found.index().with_tag(Tag::CORE)
            .filter(|chunk| found.is_intact(chunk)).map(|chunk| found.payload(&chunk).to_vec()).collect();
        if !matches!(kind, Kind::Masked | Kind::Encrypted) {
            let mut left = kept.iter();
            for block in &intact {
                prop_assert!(left.any(|kept| *kept == block), "a block is gone or out of order: {report:?}");
            }
        }

        // No error but those that a placeholder is.
        let allowed = |code: &&str| placeholders && matches!(kind, Kind::Encrypted) && *code == "cipher-header-invalid";
        let errors: Vec<&str> = after.findings.list().iter()
            .filter(|f| f.severity == Severity::Error).map(|f| f.code.name()).filter(|code| !allowed(code)).collect();
        prop_assert!(errors.is_empty(), "{errors:?}\n{report:?}");

        // Each entry leads to the block that had its time.
        if !is_beyond_telling(kind, &damage, &clean) {
            let mut right = entries(&before);
            if matches!(kind, Kind::Plain(..)) {
                // In a small file offsets may look like another meaning's.
                let keyframes = (0..).zip(&had).step_by(gop as usize);
                right = keyframes.map(|(n, block)| (String::new(), n * 40_000u64, Some(block.clone()))).collect();
            }
            let seek = |audit: &Audit| container(audit).seek_chunk().map(|chunk| container(audit).payload(&chunk).to_vec());
            // Without META nobody knows what offsets count; the table is what it was, and so are the blocks.
            let untouched = seek(&after) == seek(&before) && has == had;
            for (track, pts_us, block) in entries(&after) {
                let known = right.iter().any(|(t, pts, b)| *t == track && *pts == pts_us && *b == block);
                let untimed = right.iter().all(|(t, pts, _)| *t != track || *pts != pts_us);
                let rebuilt = untimed && block.as_ref().is_some_and(|block| had.contains(block));
                prop_assert!(known || rebuilt || untouched, "an entry at {pts_us} leads elsewhere\n{report:?}");
            }
        }

        // A second salvage has nothing to do.
        let (second, again) = salvaged(&out, &settings).unwrap();
        prop_assert!(again == out, "a second salvage changes it: {second:?}\nafter {report:?}");
        prop_assert!(second.nothing_lost(), "{second:?}\nafter {report:?}");

        // What is called whole is.
        if report.nothing_lost() {
            prop_assert_eq!(&has, &had, "{:?}", report);
            let sidecars = |audit: &Audit| -> Vec<Option<Vec<u8>>> {
                let container = container(audit);
                [Tag::META, Tag::SAFE].map(|tag| container.sidecar(tag).map(|c| container.payload(&c).to_vec())).to_vec()
            };
            prop_assert_eq!(sidecars(&after), sidecars(&before), "{:?}", report);
        }
    }
}

#[test]
fn chunks_between_blocks_are_moved_around_for_every_meaning() {
    for offsets in Offsets::ALL {
        for at in 0..6 {
            for between in [
                chunk(b"VERI", &[7; 32]),
                chunk(b"META", b"{}"),
                chunk(b"NOTE", b"n"),
                chunk_with(b"NOTE", 3, 0, b"bad"),
            ] {
                let clean = Transport::new(6).with(|made| made.offsets = offsets).build();
                let place = spans(&clean)[at].whole.start;
                let bytes = [&clean[..place], &between, &clean[place..]].concat();
                let (report, out) = salvaged(&bytes, &Settings::default()).unwrap();
                let after = audited(&out);
                let errors = after.findings.list().iter().filter(|f| f.severity == Severity::Error).count();
                assert_eq!(errors, 0, "{offsets:?} {at}: {:?}\n{report:?}", codes(&after));
                let (right, got) = (entries(&audited(&clean)), entries(&after));
                assert!(got.iter().all(|entry| right.contains(entry)), "{offsets:?} {at}: {report:?}");
            }
        }
    }
}

/// Each entry under the meaning that was given for the source, and under the one that the output shows by itself.
#[test]
fn a_meaning_that_was_given_is_the_output_s_too() {
    for (offsets, meaning) in Offsets::ALL.into_iter().zip(Meaning::ALL) {
        assert_eq!(offsets.name(), meaning.name());
        let clean = Transport::new(7).with(|made| made.offsets = offsets).build();
        let before = blocks(&audited(&clean));
        let core = spans(&clean)[1].clone();
        let moved = [&clean[..core.whole.start], &chunk(b"VERI", &[7; 32]), &clean[core.whole.start..]].concat();
        let mut noisy = clean.clone();
        noisy[core.payload].iter_mut().skip(1).for_each(|byte| *byte = !*byte);
        for (bytes, blocks) in [(moved, vec![0u64, 2, 4, 6]), (noisy, vec![0, 1, 3, 5])] {
            let options = Options { meaning: Some(meaning), ..Options::default() };
            let mut out = Vec::new();
            let report =
                salvage(&builder::audited_with(&bytes, &options), &Settings::default(), &mut out, &Task::default());
            for read in [options, Options::default()] {
                let after = builder::audited_with(&out, &read);
                let table = container(&after).seek_table().unwrap();
                let landed: Vec<Option<u64>> =
                    (0..table.rows.len()).map(|at| container(&after).entry_block(at)).collect();
                assert_eq!(landed, blocks.iter().copied().map(Some).collect::<Vec<_>>(), "{meaning:?}: {report:?}");
                let payload =
                    |at: u64| container(&after).payload(&container(&after).index().block(at).unwrap()).to_vec();
                for (row, block) in table.rows.iter().zip(&blocks) {
                    assert_eq!(payload(*block), before[(row.pts_us / 40_000) as usize], "{meaning:?}");
                }
            }
        }
    }
}
