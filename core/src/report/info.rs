//! One screen on one container.

#[cfg(feature = "schema")]
use std::collections::BTreeMap;

#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::Serialize;

use super::fields::{as_object, is_false};
use super::summary::{Header, Outcome, SeekSummary, VeriSummary};
use crate::audit::Audit;
use crate::block::EngineKind;
use crate::container::{Container, Effort};
use crate::index::Tag;
use crate::layout::Layout;
use crate::meta::Meta;
use crate::name::Encoding;
use crate::timeline::{FrameSource, Span};
use crate::tracks::{Track, Tracks};

/// A summary of a container.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Info {
    /// Its name as given.
    pub file: String,
    /// `percent` where the name isn't UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_encoding: Option<Encoding>,
    /// Size of the file.
    pub bytes: u64,
    /// `transport` or `mux`.
    pub layout: Layout,
    /// The file header.
    pub header: Header,
    /// Chunks by tag, in order of first appearance.
    #[serde(serialize_with = "as_object")]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, TagInfo>"))]
    pub tags: Vec<(String, TagInfo)>,
    /// CORE chunks.
    pub blocks: u64,
    /// The tracks, if anything names any.
    pub tracks: Vec<TrackInfo>,
    /// When the first block is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_us: Option<u64>,
    /// From there to the end: with tracks to when the last block begins, else to when it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_us: Option<u64>,
    /// How that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_from: Option<DurationSource>,
    /// Why META can't be read: what it says is then unknown, and `null`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta_unreadable: Option<String>,
    /// From META, in blocks per second.
    #[serde(skip_serializing_if = "Said::is_nothing")]
    pub fps_hint: Said<f64>,
    /// From META, in blocks from one keyframe to the next.
    #[serde(skip_serializing_if = "Said::is_nothing")]
    pub gop: Said<u64>,
    /// From META: decoded bytes of every block but the last.
    #[serde(skip_serializing_if = "Said::is_nothing")]
    pub block_size: Said<u64>,
    /// META's version, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// META's title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// META's project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// How blocks are compressed, and by how much.
    pub compression: CompressionInfo,
    /// How blocks are protected against reading without a key.
    pub protection: Protection,
    /// SEEK in short.
    pub seek: SeekSummary,
    /// VERI in short.
    pub veri: VeriSummary,
    /// What an audit concluded, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<Outcome>,
}

/// A field of META.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(untagged)]
pub enum Said<T> {
    /// What it says.
    Value(T),
    /// META doesn't say it, or there is none.
    Nothing,
    /// META can't be read.
    Unknown,
}

impl<T> Said<T> {
    /// What META says; where it says nothing, whether it could be read decides what that means.
    fn of(value: Option<T>, is_unread: bool) -> Self {
        match value {
            Some(value) => Self::Value(value),
            None if is_unread => Self::Unknown,
            None => Self::Nothing,
        }
    }

    /// Not said, which is known.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// What is said.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Nothing | Self::Unknown => None,
        }
    }
}

/// How a duration is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum DurationSource {
    /// META's fps_hint.
    FpsHint,
    /// The older binary META.
    BinaryMeta,
    /// The spacing of SEEK entries.
    Seek,
    /// The timestamps of the tracks' blocks.
    Tracks,
}

/// The chunks of one tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct TagInfo {
    /// How many.
    pub count: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
}

/// One track.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct TrackInfo {
    /// Its id.
    pub id: String,
    /// Blocks name it, but META.tracks or TRAK does not.
    #[serde(skip_serializing_if = "is_false")]
    pub undeclared: bool,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `audio`, `video`, `captions`…
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Codec of its blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec: Option<String>,
    /// In Hz.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_rate: Option<u64>,
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u64>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Its blocks.
    pub blocks: u64,
    /// Their bytes as stored, without H4TB headers.
    pub bytes: u64,
    /// When its first block is shown, in µs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_us: Option<u64>,
    /// From there to when its last block begins, in µs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_us: Option<u64>,
    /// Bits per second, over that duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bitrate: Option<u64>,
    /// Its keyframes.
    pub keyframes: u64,
    /// From one keyframe to the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keyframe_interval_us: Option<Interval>,
    /// Entries of its seek table, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seek_entries: Option<u64>,
}

/// Distances in µs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Interval {
    /// The shortest.
    pub min: u64,
    /// The mean, rounded down.
    pub mean: u64,
    /// The longest.
    pub max: u64,
}

/// How blocks are compressed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct CompressionInfo {
    /// Name of the engine; `none` in the mux layout. `None` where META can't be read.
    pub engine: Option<String>,
    /// META does not name it.
    #[serde(skip_serializing_if = "is_false")]
    pub assumed: bool,
    /// Its blocks can't be decoded here.
    #[serde(skip_serializing_if = "is_false")]
    pub opaque: bool,
    /// The engine's build, from META.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_id: Option<String>,
    /// Its fingerprint, from META.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Bytes of all CORE payloads.
    pub stored_bytes: u64,
    /// What they decode to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decoded_bytes: Option<u64>,
    /// Decoded bytes divided by stored bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// How that is known: `decoded`, or `block_size`, which takes the last block for a whole one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio_from: Option<&'static str>,
}

/// How blocks are protected against reading without a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(JsonSchema))]
pub struct Protection {
    /// Blocks are XORed with a key stream. `None` where META can't be read.
    pub masked: Option<bool>,
    /// The cipher, if blocks are encrypted.
    #[serde(skip_serializing_if = "Said::is_nothing")]
    pub cipher: Said<String>,
}

impl Protection {
    fn of(container: &Container, unread: bool) -> Self {
        let pipeline = container.pipeline();
        let cipher = Said::of(pipeline.cipher.clone(), unread);
        Self { masked: (!unread).then_some(pipeline.masked), cipher }
    }
}

impl Info {
    /// What can be said without reading payloads; with an audit of the same container, what that found out.
    pub fn new(container: &Container, audit: Option<&Audit>) -> Self {
        let empty = Meta::default();
        let meta = container.meta().unwrap_or(&empty);
        let tags = container.index().totals().iter();
        let (span, duration_from) = duration(container).unzip();
        let meta_unreadable = container.unread_meta().map(|why| why.to_string());
        let is_unread = meta_unreadable.is_some();
        let verification = audit.map(|audit| &audit.verification);
        Self {
            file: container.source().name().to_owned(),
            file_encoding: container.source().file_name().encoding(),
            bytes: container.source().len(),
            layout: container.layout(),
            header: container.header().into(),
            tags: tags.map(|t| (t.tag.to_string(), TagInfo { count: t.count, bytes: t.bytes })).collect(),
            blocks: container.index().blocks(),
            tracks: container.tracks().map_or_else(Vec::new, |tracks| all_tracks(container, tracks)),
            start_us: span.map(|span| span.start_us),
            duration_us: span.map(|span| span.duration_us()),
            duration_from,
            fps_hint: Said::of(meta.fps_hint, is_unread),
            gop: Said::of(meta.gop, is_unread),
            block_size: Said::of(meta.block_size, is_unread),
            version: meta.version.clone(),
            title: meta.title.clone(),
            project: meta.project.clone(),
            compression: CompressionInfo::new(container, meta, audit.is_some()),
            protection: Protection::of(container, container.unread_pipeline().is_some()),
            seek: SeekSummary::of(container, if audit.is_some() { Effort::Full } else { Effort::Cheap }),
            veri: verification.map_or(VeriSummary::UNCHECKED, VeriSummary::from),
            audit: audit.map(Outcome::of),
            meta_unreadable,
        }
    }
}

/// From when to when content lasts, and how that is known.
fn duration(container: &Container) -> Option<(Span, DurationSource)> {
    if container.tracks().is_some_and(|tracks| tracks.indexed) {
        return Some((container.span()?, DurationSource::Tracks));
    }
    let timeline = container.timeline()?;
    let source = match timeline.source {
        FrameSource::FpsHint => DurationSource::FpsHint,
        FrameSource::BinaryMeta => DurationSource::BinaryMeta,
        FrameSource::Seek => DurationSource::Seek,
    };
    Some((container.span()?, source))
}

fn all_tracks(container: &Container, tracks: &Tracks) -> Vec<TrackInfo> {
    tracks.list.iter().map(|track| TrackInfo::new(container, track)).collect()
}

impl TrackInfo {
    fn new(container: &Container, track: &Track) -> Self {
        let stored = |block: u64| Some(container.stored_bytes(&container.index().block(block)?).len());
        let bytes = track.blocks.iter().filter_map(|block| stored(block.block)).fold(0, u64::saturating_add);
        let span = track.span();
        let duration_us = span.map(|span| span.duration_us());
        let bits_us = u128::from(bytes) * 8 * 1_000_000;
        let bitrate = duration_us.and_then(|us| bits_us.checked_div(u128::from(us)));
        let interval = |(min, mean, max)| Interval { min, mean, max };
        Self {
            id: track.id.clone(),
            undeclared: !track.declared,
            name: track.name.clone(),
            kind: track.kind.clone(),
            codec: track.codec.clone(),
            sample_rate: track.sample_rate,
            channels: track.channels,
            note: track.note.clone().filter(|note| !note.is_empty()),
            blocks: track.blocks.len() as u64,
            bytes,
            start_us: span.map(|span| span.start_us),
            duration_us,
            bitrate: bitrate.and_then(|bits| bits.try_into().ok()),
            keyframes: track.keyframes().count() as u64,
            keyframe_interval_us: track.keyframe_interval_us().map(interval),
            seek_entries: track.seek_table(container).map(|table| table.rows.len()),
        }
    }
}

impl CompressionInfo {
    fn new(container: &Container, meta: &Meta, measured: bool) -> Self {
        let index = container.index();
        let stored_bytes = index.total(Tag::CORE).map_or(0, |total| total.bytes);
        let engine = &container.pipeline().engine;
        let has_layer = *engine != EngineKind::Stored;
        let sum =
            || index.with_tag(Tag::CORE).try_fold(0u64, |sum, chunk| sum.checked_add(container.decoded_len(&chunk)?));
        let decoded_bytes = (measured && has_layer).then(sum).flatten().filter(|_| index.blocks() > 0);
        let by_block_size = meta.block_size.filter(|_| has_layer).and_then(|size| size.checked_mul(index.blocks()));
        let (raw, from) = match (decoded_bytes, by_block_size) {
            (Some(bytes), _) => (Some(bytes), Some("decoded")),
            (None, Some(bytes)) => (Some(bytes), Some("block_size")),
            (None, None) => (None, None),
        };
        let known = container.unread_pipeline().is_none();
        let (raw, decoded_bytes) = (raw.filter(|_| known), decoded_bytes.filter(|_| known));
        let ratio = raw.filter(|_| stored_bytes > 0).map(|raw| four_decimals(raw as f64 / stored_bytes as f64));
        let declared = meta.compression.as_ref();
        Self {
            engine: known.then(|| engine.name().to_owned()),
            assumed: known && *engine == EngineKind::Rle { assumed: true },
            opaque: matches!(engine, EngineKind::Opaque { .. }),
            engine_id: declared.and_then(|compression| compression.engine_id.clone()),
            fingerprint: declared.and_then(|compression| compression.fingerprint.clone()),
            stored_bytes,
            decoded_bytes,
            ratio,
            ratio_from: ratio.and(from),
        }
    }
}

fn four_decimals(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}
