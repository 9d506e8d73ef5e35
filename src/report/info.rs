//! One screen on one container.

use std::collections::BTreeMap;
use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::damage::Damage;
use super::style::{Paint, Role, field, one_line};
use super::summary::{Header, Outcome, SeekSummary, VeriSummary};
use super::{as_object, count, is_false, size};
use h4mk::audit::Audit;
use h4mk::block::EngineKind;
use h4mk::container::{Container, Effort};
use h4mk::finding::Severity;
use h4mk::index::Tag;
use h4mk::meta::Meta;
use h4mk::text;
use h4mk::time::{format_duration, format_us};
use h4mk::timeline::{FrameSource, Span};
use h4mk::tracks::{Track, Tracks};
use h4mk::veri::Status;

/// All that is said about a container at one glance.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Info {
    /// Its name as given.
    pub file: String,
    /// `percent` where the name isn't UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_encoding: Option<&'static str>,
    /// Size of the file.
    pub bytes: u64,
    /// `transport` or `mux`.
    pub layout: &'static str,
    /// The file header.
    pub header: Header,
    /// Chunks by tag, in order of first appearance.
    #[serde(serialize_with = "as_object")]
    #[schemars(with = "BTreeMap<String, TagInfo>")]
    pub tags: Vec<(String, TagInfo)>,
    /// CORE chunks.
    pub blocks: u64,
    /// The tracks, where anything speaks of them.
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
    /// META's, blocks a second.
    #[serde(skip_serializing_if = "Said::is_nothing")]
    pub fps_hint: Said<f64>,
    /// META's, blocks from keyframe to keyframe.
    #[serde(skip_serializing_if = "Said::is_nothing")]
    pub gop: Said<u64>,
    /// META's, decoded bytes of every block but the last.
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
    /// What keeps blocks from being read without a key.
    pub protection: Protection,
    /// SEEK in short.
    pub seek: SeekSummary,
    /// VERI in short.
    pub veri: VeriSummary,
    /// What an audit concluded, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<Outcome>,
    /// Damage that headers show.
    #[serde(skip)]
    pub damage: Option<Damage>,
    /// Why there is no duration.
    #[serde(skip)]
    untimed: String,
}

/// A field of META.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TagInfo {
    /// How many.
    pub count: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
}

/// One track.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
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
    /// Bits a second, over that duration.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Interval {
    /// The shortest.
    pub min: u64,
    /// The mean, rounded down.
    pub mean: u64,
    /// The longest.
    pub max: u64,
}

/// How blocks are compressed.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CompressionInfo {
    /// Name of the engine; `none` in the mux layout. `None` where META can't be read.
    pub engine: Option<String>,
    /// META does not name it.
    #[serde(skip_serializing_if = "is_false")]
    pub assumed: bool,
    /// Its blocks can't be decoded here.
    #[serde(skip_serializing_if = "is_false")]
    pub opaque: bool,
    /// The engine's build, by META.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_id: Option<String>,
    /// Its fingerprint, by META.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Bytes of all CORE payloads.
    pub stored_bytes: u64,
    /// What they decode to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decoded_bytes: Option<u64>,
    /// Decoded bytes by stored bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
    /// How that is known: `decoded`, or `block_size`, which takes the last block for a whole one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio_from: Option<&'static str>,
}

/// What keeps blocks from being read without a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Protection {
    /// Blocks are XORed with a key stream. `None` where META can't be read.
    pub masked: Option<bool>,
    /// The cipher, where blocks are encrypted.
    #[serde(skip_serializing_if = "Said::is_nothing")]
    pub cipher: Said<String>,
}

impl Protection {
    fn of(container: &Container, unread: bool) -> Self {
        let pipeline = container.pipeline();
        let cipher = match &pipeline.cipher {
            Some(cipher) => Said::Value(cipher.clone()),
            None if unread => Said::Unknown,
            None => Said::Nothing,
        };
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
        let said = |value: Option<u64>| match value {
            Some(value) => Said::Value(value),
            None if meta_unreadable.is_some() => Said::Unknown,
            None => Said::Nothing,
        };
        let verification = audit.map(|audit| &audit.verification);
        Self {
            file: container.source().name().to_owned(),
            file_encoding: container.source().file_name().encoding(),
            bytes: container.source().len(),
            layout: container.layout().name(),
            header: container.header().into(),
            tags: tags.map(|t| (t.tag.to_string(), TagInfo { count: t.count, bytes: t.bytes })).collect(),
            blocks: container.index().blocks(),
            tracks: container.tracks().map_or_else(Vec::new, |tracks| all_tracks(container, tracks)),
            start_us: span.map(|span| span.start_us),
            duration_us: span.map(|span| span.duration_us()),
            duration_from,
            fps_hint: match meta.fps_hint {
                Some(fps) => Said::Value(fps),
                None if meta_unreadable.is_some() => Said::Unknown,
                None => Said::Nothing,
            },
            gop: said(meta.gop),
            block_size: said(meta.block_size),
            version: meta.version.clone(),
            title: meta.title.clone(),
            project: meta.project.clone(),
            compression: CompressionInfo::new(container, meta, audit.is_some()),
            protection: Protection::of(container, container.unread_pipeline().is_some()),
            seek: SeekSummary::of(container, if audit.is_some() { Effort::Full } else { Effort::Cheap }),
            veri: verification.map_or(VeriSummary::UNCHECKED, VeriSummary::from),
            audit: audit.map(Outcome::of),
            damage: Damage::of(container),
            untimed: container.why_untimed(),
            meta_unreadable,
        }
    }

    fn unknown(&self) -> String {
        format!("unknown: {}", text::escape(self.meta_unreadable.as_deref().unwrap_or("META does not say")))
    }

    /// `transport, version 1`, and what else the header says that is not usual.
    pub fn describe_layout(&self) -> String {
        let mut line = format!("{}, version {}", self.layout, self.header.version);
        if let Some(ms) = self.header.timestamp_ms.filter(|ms| *ms > 0) {
            line.push_str(&format!(", made {ms} ms after 1970"));
        }
        if let Some(flags) = self.header.flags.filter(|flags| *flags != 0) {
            line.push_str(&format!(", flags {flags:#04x}"));
        }
        if self.header.reserved != 0 {
            line.push_str(&format!(", reserved {:#06x}", self.header.reserved));
        }
        line
    }

    /// `CORE 8, SEEK 1`: the commonest tags, and how many more there are.
    pub fn describe_tags(&self) -> String {
        const SHOWN: usize = 10;
        let mut parts: Vec<_> = self.tags.iter().take(SHOWN).map(|(tag, t)| format!("{tag} {}", t.count)).collect();
        if let Some(more) = self.tags.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            parts.push(format!("and {more} more tags"));
        }
        if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
    }

    /// How long it is, from when if that is not 0, and how that is known.
    pub fn describe_duration(&self) -> String {
        let source = match self.duration_from {
            Some(DurationSource::FpsHint) => FrameSource::FpsHint.describe(),
            Some(DurationSource::BinaryMeta) => FrameSource::BinaryMeta.describe(),
            Some(DurationSource::Seek) => FrameSource::Seek.describe(),
            Some(DurationSource::Tracks) | None => "the last timestamp of the tracks",
        };
        match self.duration_us {
            Some(us) => format!("{} ({}){} by {source}", format_us(us), format_duration(us), from(self.start_us)),
            None => format!("unknown: {}", text::escape(&self.untimed)),
        }
    }

    /// `30 blocks a second, a keyframe every 30 blocks`.
    pub fn describe_timing(&self) -> String {
        let fps = self.fps_hint.value().map(|fps| format!("{fps} blocks a second"));
        let gop = self.gop.value().map(|gop| format!("a keyframe every {}", count(*gop, "block")));
        let parts: Vec<String> = fps.into_iter().chain(gop).collect();
        match parts.is_empty() {
            true if self.meta_unreadable.is_some() => self.unknown(),
            true => "META has neither fps_hint nor gop".to_owned(),
            false => parts.join(", "),
        }
    }

    /// The engine and the ratio.
    pub fn describe_compression(&self) -> String {
        let compression = &self.compression;
        if self.layout == "mux" {
            return "none".to_owned();
        }
        let Some(engine) = compression.engine.as_ref().map(|engine| one_line(engine, 40)) else {
            return self.unknown();
        };
        let note = match (compression.assumed, compression.opaque) {
            (true, _) => " (assumed)",
            (_, true) => " (opaque)",
            _ => "",
        };
        let ratio = match (compression.ratio, compression.ratio_from) {
            (Some(ratio), Some("decoded")) => format!("{ratio:.2} : 1"),
            (Some(ratio), _) => format!("at most {ratio:.2} : 1 by META's block_size"),
            _ => "ratio not known".to_owned(),
        };
        format!("{engine}{note}, {ratio}")
    }

    /// `none`, or what there is.
    pub fn describe_protection(&self) -> String {
        let cipher = self.protection.cipher.value().map(|cipher| format!("encrypted ({})", one_line(cipher, 40)));
        let masked = self.protection.masked.filter(|masked| *masked).map(|_| "masked".to_owned());
        let unknown = self.protection.masked.is_none().then(|| match cipher {
            Some(_) => format!("mask {}", self.unknown()),
            None => self.unknown(),
        });
        let parts: Vec<String> = masked.into_iter().chain(cipher.clone()).chain(unknown).collect();
        if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
    }

    /// `verified (sha256, prefix)`, `unchecked`.
    pub fn describe_veri(&self) -> String {
        let has_chunk = self.tags.iter().any(|(tag, _)| *tag == Tag::VERI.to_string());
        match self.veri.status {
            Status::Unchecked if !has_chunk => "absent".to_owned(),
            Status::Unchecked => "unchecked; verify or --check computes it".to_owned(),
            _ => self.veri.describe(),
        }
    }

    /// Writes it for people.
    pub fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        writeln!(out, "{}", paint.paint(Role::Heading, text::escape(&self.file)))?;
        if let Some(title) = &self.title {
            field(out, paint, "Title", one_line(title, 100))?;
        }
        if let Some(project) = &self.project {
            field(out, paint, "Project", one_line(project, 100))?;
        }
        field(out, paint, "Layout", self.describe_layout())?;
        field(out, paint, "Size", size(self.bytes))?;
        if let Some(damage) = &self.damage {
            let line = format!("{}; `h4inspect audit` says all", text::escape(damage.describe()));
            let label = if damage.severity == Severity::Error { "Damage" } else { "Doubt" };
            field(out, paint, label, paint.paint(damage.role(), line))?;
        }
        field(out, paint, "Chunks", self.describe_tags())?;
        field(out, paint, "Blocks", format_args!("{}, {} stored", self.blocks, size(self.compression.stored_bytes)))?;
        if let Some(bytes) = self.compression.decoded_bytes {
            field(out, paint, "Decoded", size(bytes))?;
        }
        field(out, paint, "Duration", self.describe_duration())?;
        field(out, paint, "Timing", self.describe_timing())?;
        if let Some(bytes) = self.block_size.value() {
            field(out, paint, "Block size", size(*bytes))?;
        }
        field(out, paint, "Compression", self.describe_compression())?;
        field(out, paint, "Protection", self.describe_protection())?;
        field(out, paint, "SEEK", self.seek.describe())?;
        if let Some(certainty) = self.seek.certainty() {
            field(out, paint, "", paint.paint(Role::Label, certainty))?;
        }
        field(out, paint, "VERI", paint.paint(self.veri.role(), self.describe_veri()))?;
        if let Some(version) = &self.version {
            field(out, paint, "Version", format_args!("{} (META's)", one_line(version, 60)))?;
        }
        if let Some(audit) = &self.audit {
            field(out, paint, "Audit", paint.paint(audit.role(), audit.describe()))?;
        }
        self.write_tracks(out, paint)
    }

    fn write_tracks(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        const SHOWN: usize = 20;
        for track in self.tracks.iter().take(SHOWN) {
            let id = paint.paint(Role::Heading, one_line(&track.id, 40));
            let line = format!("{id}  {}", track.describe());
            field(out, paint, "Track", line.trim_end())?;
            field(out, paint, "", track.describe_blocks())?;
        }
        match self.tracks.len().checked_sub(SHOWN) {
            Some(more) if more > 0 => field(out, paint, "", format_args!("and {more} more tracks")),
            _ => Ok(()),
        }
    }
}

/// ` from 00:00:10.000000 on`, where content does not begin at 0.
fn from(start_us: Option<u64>) -> String {
    start_us.filter(|us| *us > 0).map_or_else(String::new, |us| format!(" from {} on,", format_us(us)))
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
        let stored = |block: u64| {
            let chunk = container.index().block(block)?;
            Some(container.routed(&chunk).map_or(chunk.len, |(_, content)| content.end - content.start))
        };
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

    /// What it is: name, kind, codec, sound format, note.
    pub fn describe(&self) -> String {
        let quoted = |text: &String| format!("\"{}\"", one_line(text, 40));
        let plain = |text: &String| one_line(text, 40).into_owned();
        let parts = [
            self.name.as_ref().map(quoted),
            self.kind.as_ref().map(plain),
            self.codec.as_ref().map(plain),
            self.sample_rate.filter(|hz| *hz > 0).map(|hz| format!("{hz} Hz")),
            self.channels.filter(|n| *n > 0).map(|n| count(n, "channel")),
            self.note.as_ref().map(quoted),
            self.undeclared.then(|| "not declared".to_owned()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Its blocks, how long it is, its rate and keyframes.
    pub fn describe_blocks(&self) -> String {
        let interval = self.keyframe_interval_us.map(|Interval { min, mean, max }| match min == max {
            true => format!(" every {}", format_duration(mean)),
            false => {
                let [min, mean, max] = [min, mean, max].map(format_duration);
                format!(" every {mean} ({min} to {max})")
            }
        });
        let parts = [
            Some(format!("{}, {}", count(self.blocks, "block"), size(self.bytes))),
            self.duration_us.map(|us| format!("{}{}", format_duration(us), from(self.start_us).trim_end_matches(','))),
            self.bitrate.map(|bits| format!("{:.1} kbit/s", bits as f64 / 1000.0)),
            Some(format!("{}{}", count(self.keyframes, "keyframe"), interval.unwrap_or_default())),
            self.seek_entries.map(|n| format!("table of {n}")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
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
