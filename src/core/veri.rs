//! VERI: what it declares, and whether that is so.
//!
//! Three kinds occur: 32 raw bytes over all earlier chunks whole (`prefix`, what the reference writer writes), 32 raw
//! bytes over the payloads grouped by tag (`payloads`, what the reference reader checks), and a JSON object whose
//! coverage is not specified.

use std::ops::Range;

use serde_json::Value;

use super::container::Container;
use super::hash::{Algorithm, Overlay, hex, unhex};
use super::index::{Chunk, State, Tag};
use super::json::Document;
use super::layout::Layout;
use super::task::{Cancelled, Task};

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
    /// What a mux container stores for all blocks, without their H4TB headers.
    Blocks,
    /// The same for the blocks of one track.
    TrackBlocks(u16),
}

impl Coverage {
    /// For people.
    pub fn describe(&self) -> String {
        match self {
            Self::Prefix => "every byte from the file header to VERI".to_owned(),
            Self::WholePrefix => "every byte before VERI, the file header included".to_owned(),
            Self::Payloads => "the payloads of CORE, SEEK, META and SAFE, in that order".to_owned(),
            Self::CorePayloads => "the payloads of all CORE chunks".to_owned(),
            Self::AllPayloads => "the payloads of all chunks but VERI".to_owned(),
            Self::Blocks => "the content of all blocks".to_owned(),
            Self::TrackBlocks(id) => format!("the content of track {id}'s blocks"),
        }
    }
}

/// How much of a chunk a coverage takes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it, header included.
    Whole,
    /// Its payload, or what a mux container stores for a block in it.
    Content,
    /// Nothing.
    Nothing,
}

impl Coverage {
    /// How much of a chunk is covered.
    pub fn part_of(&self, container: &Container, chunk: &Chunk) -> Part {
        let content = |covered: bool| if covered { Part::Content } else { Part::Nothing };
        match self {
            Self::Prefix | Self::WholePrefix => {
                let veri = container.index().first(Tag::VERI).map_or(0, |veri| veri.offset);
                if chunk.end <= veri { Part::Whole } else { Part::Nothing }
            }
            Self::Payloads => content([Tag::CORE, Tag::SEEK, Tag::META, Tag::SAFE].contains(&chunk.tag)),
            Self::CorePayloads => content(chunk.tag == Tag::CORE),
            Self::AllPayloads => content(chunk.tag != Tag::VERI),
            Self::Blocks => content(chunk.tag == Tag::CORE && container.routed(chunk).is_some()),
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
        self.part_of(container, chunk) == Part::Whole
            || chunk.len > 0
                && self.part_of(container, &Chunk { tag, ..*chunk }) != Part::Nothing
                && self.part_of(container, chunk) == Part::Nothing
    }
}

/// What a VERI chunk declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declared {
    /// There is none.
    Absent,
    /// It holds no digest; why.
    Malformed(String),
    /// A digest.
    Digest {
        /// Raw bytes or JSON.
        json: bool,
        /// The algorithm's name as declared; `sha256` for raw bytes.
        algorithm: String,
        /// The digest.
        digest: Vec<u8>,
        /// What a JSON object says it covers.
        covers: Option<String>,
    },
}

/// A verification and how it was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// The bytes that were hashed.
    pub coverage: Option<Coverage>,
    /// One line for people.
    pub info: String,
}

impl Verification {
    /// A status that needed no hashing.
    pub(crate) fn plain(status: Status, info: impl Into<String>) -> Self {
        let info = info.into();
        Self { status, scheme: None, algorithm: None, expected: None, computed: None, coverage: None, info }
    }
}

/// Keys under which a digest is looked for, after the one named as the algorithm.
const DIGEST_KEYS: [&str; 5] = ["sha256", "digest", "hash", "value", "hex"];
/// Keys under which a coverage is declared.
const COVERAGE_KEYS: [&str; 4] = ["covers", "coverage", "scope", "over"];

/// What the container's first VERI chunk declares.
pub fn declared(container: &Container, overlay: &Overlay) -> Declared {
    let Some(chunk) = container.index().first(Tag::VERI) else { return Declared::Absent };
    if chunk.state == State::Truncated {
        return Declared::Malformed(format!("the VERI chunk at {} is cut off", chunk.offset));
    }
    parse(&overlay.apply(chunk.payload_offset, container.payload(&chunk)))
}

fn parse(payload: &[u8]) -> Declared {
    let document = Document::parse(payload);
    if document.object().is_none() {
        if payload.len() == 32 {
            let (json, covers) = (false, None);
            return Declared::Digest { json, algorithm: "sha256".to_owned(), digest: payload.to_vec(), covers };
        }
        return Declared::Malformed(match document.error {
            Some(error) if payload.starts_with(b"{") => format!("its JSON can't be parsed: {error}"),
            _ => format!("{} bytes, neither 32 nor a JSON object", payload.len()),
        });
    }
    let text = |key: &str| document.object().and_then(|object| object.get(key)).and_then(Value::as_str);
    let named = text("algorithm").map(str::to_owned);
    let keys = named.iter().map(String::as_str).chain(DIGEST_KEYS);
    let Some((key, value)) = keys.filter_map(|key| Some((key, text(key)?))).next() else {
        return Declared::Malformed("a JSON object without a digest".to_owned());
    };
    let algorithm =
        named.clone().unwrap_or_else(|| Algorithm::from_name(key).map_or("sha256", Algorithm::name).to_owned());
    let Some(digest) = unhex(value.trim()).filter(|digest| !digest.is_empty()) else {
        return Declared::Malformed("the digest in its JSON is not hexadecimal".to_owned());
    };
    let expected = Algorithm::from_name(&algorithm).map(Algorithm::digest_len);
    if expected.is_some_and(|len| len != digest.len()) {
        return Declared::Malformed(format!("a digest of {} bytes is no {algorithm}", digest.len()));
    }
    let covers = COVERAGE_KEYS.iter().find_map(|key| text(key)).map(str::to_owned);
    Declared::Digest { json: true, algorithm, digest, covers }
}

/// Recomputes the digest under every coverage that makes sense, the likeliest first. `prefix` is the SHA-256 of the
/// bytes before VERI, where the caller has it already.
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
    let (json, name, digest, covers) = match declared(container, overlay) {
        Declared::Absent => return Ok(Verification::plain(Status::Absent, "there is no VERI chunk")),
        Declared::Malformed(why) => return Ok(Verification::plain(Status::Malformed, format!("VERI: {why}"))),
        Declared::Digest { json, algorithm, digest, covers } => (json, algorithm, digest, covers),
    };
    let shown = super::text::escape(&name).into_owned();
    let mut answer = Verification {
        algorithm: Some(shown.clone()),
        expected: Some(hex(&digest)),
        ..Verification::plain(Status::Unsupported, "")
    };
    let Some(algorithm) = Algorithm::from_name(&name) else {
        answer.info = format!("VERI names the algorithm {shown}, which is not computed here");
        return Ok(answer);
    };
    answer.algorithm = Some(algorithm.name().to_owned());
    for coverage in coverages(container, json) {
        let known = prefix.filter(|_| coverage == Coverage::Prefix && algorithm == Algorithm::Sha256);
        let computed = match known {
            Some(digest) => digest.to_vec(),
            None => algorithm.digest(container.bytes(), overlay, ranges(container, &coverage).into_iter(), task)?,
        };
        if answer.computed.is_none() || computed == digest {
            answer.computed = Some(hex(&computed));
        }
        if computed == digest {
            answer.status = Status::Verified;
            answer.scheme = Some(match coverage {
                _ if json => Scheme::Json,
                Coverage::Payloads => Scheme::Payloads,
                _ => Scheme::Prefix,
            });
            answer.info = format!("{} of {} is as VERI says", algorithm.name(), coverage.describe());
            answer.coverage = Some(coverage);
            return Ok(answer);
        }
    }
    if json && covers.is_none() {
        answer.info = "VERI does not say what its digest covers, and it matches nothing that was tried".to_owned();
    } else {
        answer.status = Status::Mismatch;
        answer.info = "the digest in VERI matches under no scheme: the content is not what it was made from".to_owned();
    }
    Ok(answer)
}

fn coverages(container: &Container, json: bool) -> Vec<Coverage> {
    if !json {
        return vec![Coverage::Prefix, Coverage::Payloads];
    }
    let mut all = vec![Coverage::Prefix];
    if container.layout() == Layout::Mux {
        all.push(Coverage::Blocks);
        all.extend(container.routed_tracks().into_iter().map(Coverage::TrackBlocks));
    }
    all.extend([Coverage::Payloads, Coverage::CorePayloads, Coverage::AllPayloads, Coverage::WholePrefix]);
    all
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
        Coverage::CorePayloads => index.with_tag(Tag::CORE).map(payload).collect(),
        Coverage::AllPayloads => index.iter().filter(|chunk| chunk.tag != Tag::VERI).map(payload).collect(),
        Coverage::Blocks => {
            index.with_tag(Tag::CORE).filter_map(|chunk| container.routed(&chunk).map(|r| r.1)).collect()
        }
        Coverage::TrackBlocks(id) => {
            let of_track = |chunk: Chunk| container.routed(&chunk).filter(|(track, _)| track == id).map(|r| r.1);
            index.with_tag(Tag::CORE).filter_map(of_track).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(payload: &str) -> Declared {
        parse(payload.as_bytes())
    }

    #[test]
    fn every_kind_is_recognised() {
        assert!(matches!(parse(&[7; 32]), Declared::Digest { json: false, .. }));
        let hex = "ab".repeat(32);
        let declared = digest(&format!(r#"{{"algorithm":"SHA-256","digest":"{hex}","covers":"payloads"}}"#));
        assert!(matches!(declared, Declared::Digest { json: true, covers: Some(_), .. }));
        let blake = digest(&format!(r#"{{"algorithm":"blake3","blake3":"{hex}"}}"#));
        assert!(matches!(blake, Declared::Digest { algorithm, .. } if algorithm == "blake3"));
    }

    #[test]
    fn what_holds_no_digest_is_malformed() {
        for payload in ["", "short", "{}", r#"{"sha256":"xyz"}"#, r#"{"sha256":"abcd"}"#, r#"{"sha256":5}"#, "[1]"] {
            assert!(matches!(digest(payload), Declared::Malformed(_)), "{payload}");
        }
    }
}
