//! VERI: what it declares, and whether that is so.
//!
//! Three kinds occur: 32 raw bytes over all earlier chunks whole (`prefix`, what the reference writer writes), 32 raw
//! bytes over the payloads grouped by tag (`payloads`, what the reference reader checks), and a JSON object, which may say
//! what it covers.

mod declared;
mod decoded;

use std::collections::BTreeMap;
use std::ops::Range;

use super::container::Container;
use super::hash::{Algorithm, Hasher, Overlay, hex};
use super::index::{Chunk, Tag};
use super::layout::Layout;
use super::task::{Cancelled, Task};

pub use declared::{Declared, declared};

/// The outcome of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The digest was recomputed and is the same.
    Verified,
    /// It was recomputed and differs.
    Mismatch,
    /// There is no VERI chunk.
    Absent,
    /// The chunk holds no digest.
    Malformed,
    /// The digest can't be recomputed here: neither verified nor disproved.
    Unsupported,
    /// Nobody looked.
    Unchecked,
}

impl Status {
    /// The name used in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Mismatch => "mismatch",
            Self::Absent => "absent",
            Self::Malformed => "malformed",
            Self::Unsupported => "unsupported",
            Self::Unchecked => "unchecked",
        }
    }
}

/// The kind of VERI a digest matched as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// All earlier chunks, whole.
    Prefix,
    /// Payloads only, grouped by tag.
    Payloads,
    /// A JSON object.
    Json,
}

impl Scheme {
    /// The name used in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prefix => "prefix",
            Self::Payloads => "payloads",
            Self::Json => "json",
        }
    }
}

/// The bytes a digest may cover.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Coverage {
    /// From the end of the file header to the VERI chunk's header.
    Prefix,
    /// From the first byte of the file to the VERI chunk's header.
    WholePrefix,
    /// The payloads of CORE, SEEK, META and SAFE, grouped by tag in that order.
    Payloads,
    /// The payloads of all CORE chunks.
    CorePayloads,
    /// The payloads of all chunks but VERI, in file order.
    AllPayloads,
    /// All blocks as stored; in the mux layout without their H4TB headers.
    Blocks,
    /// The same for the blocks of one track of a mux container.
    TrackBlocks(u16),
    /// The same for one track of a transport container.
    NamedTrack(String),
    /// What all blocks decode to.
    DecodedBlocks,
}

impl Coverage {
    /// For people.
    pub fn describe(&self) -> String {
        match self {
            Self::Prefix => "every byte between the file header and VERI".to_owned(),
            Self::WholePrefix => "every byte before VERI, the file header included".to_owned(),
            Self::Payloads => "the payloads of CORE, SEEK, META and SAFE, in that order".to_owned(),
            Self::CorePayloads => "the payloads of all CORE chunks".to_owned(),
            Self::AllPayloads => "the payloads of all chunks but VERI".to_owned(),
            Self::Blocks => "the content of all blocks".to_owned(),
            Self::TrackBlocks(id) => format!("the content of track {id}'s blocks"),
            Self::NamedTrack(id) => format!("the stored blocks of track {}", super::text::escape(id)),
            Self::DecodedBlocks => "what all blocks decode to".to_owned(),
        }
    }
}

/// How much of a chunk a coverage takes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoveredPart {
    /// All of it, header included.
    Whole,
    /// Its payload, or what a mux container stores for a block in it.
    Content,
    /// Nothing.
    Nothing,
}

impl Coverage {
    /// How much of a chunk is covered.
    pub fn part_of(&self, container: &Container, chunk: &Chunk) -> CoveredPart {
        let content = |covered: bool| if covered { CoveredPart::Content } else { CoveredPart::Nothing };
        match self {
            Self::Prefix | Self::WholePrefix => {
                let veri = container.index().first(Tag::VERI).map_or(0, |veri| veri.offset);
                if chunk.end <= veri { CoveredPart::Whole } else { CoveredPart::Nothing }
            }
            Self::Payloads => content([Tag::CORE, Tag::SEEK, Tag::META, Tag::SAFE].contains(&chunk.tag)),
            Self::CorePayloads | Self::Blocks | Self::DecodedBlocks => content(chunk.tag == Tag::CORE),
            Self::AllPayloads => content(chunk.tag != Tag::VERI),
            Self::NamedTrack(id) => content(chunk.block.is_some_and(|block| is_of_track(container, block, id))),
            Self::TrackBlocks(id) => {
                content(chunk.tag == Tag::CORE && container.routed(chunk).is_some_and(|(track, _)| track == *id))
            }
        }
    }
}

impl Coverage {
    /// Whether a digest of this coverage that verifies shows that a chunk, whose tag is another, never had the tag
    /// `tag`: its tag is covered, or its payload would have been.
    pub(crate) fn proves_tag(&self, container: &Container, chunk: &Chunk, tag: Tag) -> bool {
        self.part_of(container, chunk) == CoveredPart::Whole
            || chunk.len > 0
                && self.part_of(container, &Chunk { tag, ..*chunk }) != CoveredPart::Nothing
                && self.part_of(container, chunk) == CoveredPart::Nothing
    }
}

/// A verification and how it was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verification {
    /// The outcome.
    pub status: Status,
    /// The kind of VERI it matched as.
    pub scheme: Option<Scheme>,
    /// The hash, where it is known.
    pub algorithm: Option<String>,
    /// The digest in VERI, hex.
    pub expected: Option<String>,
    /// The digest that was recomputed, hex: the matching one, or the one of the first coverage tried.
    pub computed: Option<String>,
    /// The bytes that `computed` is the digest of.
    pub computed_over: Option<Coverage>,
    /// The coverage under which the digest is right.
    pub coverage: Option<Coverage>,
    /// False where a limit, or a key or engine that is not there, kept the digest from being recomputed.
    pub complete: bool,
    /// One line for people.
    pub info: String,
}

impl Verification {
    /// A status that needed no hashing.
    pub(crate) fn plain(status: Status, info: impl Into<String>) -> Self {
        Self {
            status,
            scheme: None,
            algorithm: None,
            expected: None,
            computed: None,
            computed_over: None,
            coverage: None,
            complete: true,
            info: info.into(),
        }
    }
}

impl Container {
    /// Recomputes the digest in VERI, over the chunks as they were walked. [`Container::verify`] looks again where they
    /// may be others.
    pub fn recompute_veri(&self, task: &Task) -> Result<Verification, Cancelled> {
        task.set_total(self.index().first(Tag::VERI).map_or(0, |chunk| chunk.offset));
        verify(self, None, task)
    }
}

/// Recomputes the digest over what VERI says that it covers, or over all that makes sense, the likeliest first. `prefix`
/// is the SHA-256 of the bytes before VERI, where the caller has it already.
pub fn verify(container: &Container, prefix: Option<&[u8]>, task: &Task) -> Result<Verification, Cancelled> {
    verify_through(container, &Overlay::default(), prefix, task)
}

/// The same, for the bytes seen through `overlay`.
pub(crate) fn verify_through(
    container: &Container,
    overlay: &Overlay,
    prefix: Option<&[u8]>,
    task: &Task,
) -> Result<Verification, Cancelled> {
    let (json, algorithm, digest, covers) = match declared(container, overlay) {
        Declared::Absent => return Ok(Verification::plain(Status::Absent, "there is no VERI chunk")),
        Declared::Malformed { json, why } => {
            let scheme = json.then_some(Scheme::Json);
            return Ok(Verification { scheme, ..Verification::plain(Status::Malformed, format!("VERI: {why}")) });
        }
        Declared::BeyondLimit(why) => {
            let plain = Verification::plain(Status::Unsupported, format!("VERI: {why}"));
            return Ok(Verification { scheme: Some(Scheme::Json), complete: false, ..plain });
        }
        Declared::OtherAlgorithm { name, digest } => {
            let name = super::text::escape(&name).into_owned();
            let info = format!("VERI: the algorithm {name} is not supported here");
            return Ok(Verification {
                scheme: Some(Scheme::Json),
                algorithm: Some(name),
                expected: digest,
                ..Verification::plain(Status::Unsupported, info)
            });
        }
        Declared::Digest { json, algorithm, digest, covers } => (json, algorithm, digest, covers),
    };
    let answer = Verification {
        scheme: json.then_some(Scheme::Json),
        algorithm: Some(algorithm.name().to_owned()),
        expected: Some(hex(&digest)),
        ..Verification::plain(Status::Unsupported, "")
    };
    if container.index().blocks() > 0 && digest == algorithm.digest_of_nothing() {
        let info = "the digest in VERI is the digest of zero bytes, which verifies nothing".to_owned();
        return Ok(Verification { status: Status::Mismatch, info, ..answer });
    }
    let declared = covers.as_deref().map(|text| Coverage::declared(container, text));
    let trials = match &declared {
        Some(None) => {
            let covers = super::text::escape(covers.as_deref().unwrap_or_default()).into_owned();
            let info = format!("VERI: the coverage \"{covers}\" is not supported here");
            return Ok(Verification { info, ..answer });
        }
        Some(Some(coverage)) => vec![Trial::One(coverage.clone())],
        None => trials(container, json),
    };
    let mut search = Search { container, overlay, algorithm, prefix, digest: &digest, answer, task };
    for trial in trials {
        if search.tries(trial)? {
            return Ok(search.answer);
        }
    }
    let mut answer = search.answer;
    let computed = &answer.computed_over;
    (answer.status, answer.info) = match (declared, computed) {
        _ if !answer.info.is_empty() => (answer.status, answer.info),
        (Some(_), Some(coverage)) => {
            let unmasked = *coverage == Coverage::DecodedBlocks && container.pipeline().masked;
            let key = if unmasked { ", or the mask key is for another file" } else { "" };
            (Status::Mismatch, format!("{} of {} does not match VERI{key}", algorithm.name(), coverage.describe()))
        }
        (None, _) if json => (
            Status::Unsupported,
            "VERI: it does not say what its digest covers, and the digest matches nothing that was tried".to_owned(),
        ),
        _ => (
            Status::Mismatch,
            "the digest in VERI matches under no scheme: the content is not what it was computed from".to_owned(),
        ),
    };
    Ok(answer)
}

/// What is hashed in one pass over the file.
enum Trial {
    One(Coverage),
    /// The blocks of each track of a mux container, apart.
    EachTrack,
}

/// What a digest may cover that does not say it: as many passes over the file, however many tracks there are.
fn trials(container: &Container, json: bool) -> Vec<Trial> {
    let one = |list: &[Coverage]| list.iter().cloned().map(Trial::One).collect::<Vec<_>>();
    if !json {
        return one(&[Coverage::Prefix, Coverage::Payloads]);
    }
    let mut all = one(&[Coverage::Prefix]);
    if container.layout() == Layout::Mux {
        all.extend([Trial::One(Coverage::Blocks), Trial::EachTrack]);
    }
    all.extend(one(&[Coverage::Payloads, Coverage::CorePayloads, Coverage::AllPayloads, Coverage::WholePrefix]));
    all
}

/// A digest that is looked for.
struct Search<'a> {
    container: &'a Container,
    overlay: &'a Overlay,
    algorithm: Algorithm,
    prefix: Option<&'a [u8]>,
    digest: &'a [u8],
    answer: Verification,
    task: &'a Task,
}

impl Search<'_> {
    /// Whether the search is over: the digest was found, or can't be recomputed.
    fn tries(&mut self, trial: Trial) -> Result<bool, Cancelled> {
        let Self { container, overlay, algorithm, task, .. } = *self;
        let coverage = match trial {
            Trial::EachTrack => {
                let digests = track_digests(container, overlay, algorithm, task)?;
                let found = digests.into_iter().find(|(_, computed)| computed == self.digest);
                return Ok(found.is_some_and(|(id, computed)| self.takes(&computed, Coverage::TrackBlocks(id))));
            }
            Trial::One(coverage) => coverage,
        };
        let known = self.prefix.filter(|_| coverage == Coverage::Prefix && algorithm == Algorithm::Sha256);
        let computed = match (known, &coverage) {
            (Some(digest), _) => digest.to_vec(),
            (None, Coverage::DecodedBlocks) => match decoded::digest(container, overlay, algorithm, task)? {
                Ok(computed) => computed,
                Err(obstacle) => {
                    self.answer.status = if obstacle.is_damage { Status::Mismatch } else { Status::Unsupported };
                    self.answer.complete = obstacle.is_damage;
                    self.answer.info = format!("VERI: it covers {}, but {}", coverage.describe(), obstacle.why);
                    return Ok(true);
                }
            },
            (None, _) => {
                algorithm.digest(container.bytes(), overlay, ranges(container, &coverage).into_iter(), task)?
            }
        };
        let over = self.takes(&computed, coverage.clone());
        // What META would have said of the blocks may be what makes the difference.
        if !over && let (Coverage::DecodedBlocks, Some(why)) = (coverage, container.unread_pipeline()) {
            self.answer.complete = false;
            self.answer.info =
                format!("VERI: it covers what all blocks decode to, but how they are decoded is unknown: {why}");
        }
        Ok(over)
    }

    /// Notes a digest; whether it is the one.
    fn takes(&mut self, computed: &[u8], coverage: Coverage) -> bool {
        let answer = &mut self.answer;
        let found = computed == self.digest;
        if answer.computed.is_none() || found {
            answer.computed = Some(hex(computed));
            answer.computed_over = Some(coverage.clone());
        }
        if found {
            answer.status = Status::Verified;
            answer.info = format!("{} of {} matches VERI", self.algorithm.name(), coverage.describe());
            answer.scheme = answer.scheme.or(Some(match coverage {
                Coverage::Payloads => Scheme::Payloads,
                _ => Scheme::Prefix,
            }));
            answer.coverage = Some(coverage);
        }
        found
    }
}

/// The digests of the blocks of each track of a mux container, by track: one pass over all of them.
fn track_digests(
    container: &Container,
    overlay: &Overlay,
    algorithm: Algorithm,
    task: &Task,
) -> Result<BTreeMap<u16, Vec<u8>>, Cancelled> {
    let mut hashers: BTreeMap<u16, Hasher> = BTreeMap::new();
    for chunk in container.index().with_tag(Tag::CORE) {
        let Some((track, content)) = container.routed(&chunk) else { continue };
        let hasher = hashers.entry(track).or_insert_with(|| algorithm.hasher());
        hasher.update_range(container.bytes(), overlay, content, task)?;
    }
    Ok(hashers.into_iter().map(|(track, hasher)| (track, hasher.finish())).collect())
}

/// The track of a transport container that a block belongs to has that id.
fn is_of_track(container: &Container, block: u64, id: &str) -> bool {
    container.tracks().and_then(|tracks| tracks.of_block(block)).is_some_and(|(track, _)| track.id == id)
}

/// The ranges of the file that a coverage takes in, in order.
pub fn ranges(container: &Container, coverage: &Coverage) -> Vec<Range<u64>> {
    let index = container.index();
    let veri = index.first(Tag::VERI).map_or(0, |chunk| chunk.offset);
    let payload = |chunk: Chunk| chunk.payload_offset..chunk.payload_offset + chunk.len;
    match coverage {
        Coverage::Prefix => std::iter::once(container.layout().file_header_len()..veri).collect(),
        Coverage::WholePrefix => std::iter::once(0..veri).collect(),
        Coverage::Payloads => {
            let tags = [Tag::CORE, Tag::SEEK, Tag::META, Tag::SAFE];
            tags.into_iter().flat_map(|tag| index.with_tag(tag).map(payload)).collect()
        }
        // Decoded blocks are in no range of the file; what is stored of them is.
        Coverage::CorePayloads | Coverage::DecodedBlocks => index.with_tag(Tag::CORE).map(payload).collect(),
        Coverage::AllPayloads => index.iter().filter(|chunk| chunk.tag != Tag::VERI).map(payload).collect(),
        Coverage::Blocks => {
            let content = |chunk| container.routed(&chunk).map_or_else(|| payload(chunk), |(_, content)| content);
            index.with_tag(Tag::CORE).map(content).collect()
        }
        Coverage::NamedTrack(id) => {
            let of_track = |chunk: &Chunk| chunk.block.is_some_and(|block| is_of_track(container, block, id));
            index.with_tag(Tag::CORE).filter(of_track).map(payload).collect()
        }
        Coverage::TrackBlocks(id) => {
            let of_track = |chunk: Chunk| container.routed(&chunk).filter(|(track, _)| track == id).map(|r| r.1);
            index.with_tag(Tag::CORE).filter_map(of_track).collect()
        }
    }
}
