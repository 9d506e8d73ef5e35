//! One screen on one container, for people.

use std::io::{self, Write};

use super::damage::Damage;
use super::style::{Paint, Role, field, one_line};
use super::summary::{Describe, certainty};
use super::{count, size};
use h4mk::audit::Audit;
use h4mk::container::Container;
use h4mk::finding::Severity;
use h4mk::index::Tag;
use h4mk::layout::Layout;
use h4mk::report::Info;
use h4mk::report::info::{DurationSource, Interval, TrackInfo};
use h4mk::text;
use h4mk::time::{format_duration, format_us};
use h4mk::timeline::FrameSource;
use h4mk::veri::Status;

/// All that is said about a container at one glance: what JSON says, and what only text does.
#[derive(Debug, Clone)]
pub struct Glance {
    /// What JSON says.
    pub info: Info,
    /// Damage that headers show.
    pub damage: Option<Damage>,
    /// Why there is no duration.
    untimed: String,
}

impl Glance {
    /// What can be said without reading payloads; with an audit of the same container, what that found out.
    pub fn new(container: &Container, audit: Option<&Audit>) -> Self {
        Self { info: Info::new(container, audit), damage: Damage::of(container), untimed: container.why_untimed() }
    }

    fn unknown(&self) -> String {
        format!("unknown: {}", text::escape(self.info.meta_unreadable.as_deref().unwrap_or("META does not say")))
    }

    /// `transport, version 1`, and what else the header says that is not usual.
    pub fn describe_layout(&self) -> String {
        let mut line = format!("{}, version {}", self.info.layout, self.info.header.version);
        if let Some(ms) = self.info.header.timestamp_ms.filter(|ms| *ms > 0) {
            line.push_str(&format!(", created {ms} ms after 1970"));
        }
        if let Some(flags) = self.info.header.flags.filter(|flags| *flags != 0) {
            line.push_str(&format!(", flags {flags:#04x}"));
        }
        if self.info.header.reserved != 0 {
            line.push_str(&format!(", reserved {:#06x}", self.info.header.reserved));
        }
        line
    }

    /// `CORE 8, SEEK 1`: the commonest tags, and how many more there are.
    pub fn describe_tags(&self) -> String {
        const SHOWN: usize = 10;
        let mut parts: Vec<_> =
            self.info.tags.iter().take(SHOWN).map(|(tag, t)| format!("{tag} {}", t.count)).collect();
        if let Some(more) = self.info.tags.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            parts.push(format!("and {more} more tags"));
        }
        if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
    }

    /// How long it is, from when if that is not 0, and how that is known.
    pub fn describe_duration(&self) -> String {
        let source = match self.info.duration_from {
            Some(DurationSource::FpsHint) => FrameSource::FpsHint.describe(),
            Some(DurationSource::BinaryMeta) => FrameSource::BinaryMeta.describe(),
            Some(DurationSource::Seek) => FrameSource::Seek.describe(),
            Some(DurationSource::Tracks) | None => "the last timestamp of the tracks",
        };
        match self.info.duration_us {
            Some(us) => format!("{} ({}){} by {source}", format_us(us), format_duration(us), from(self.info.start_us)),
            None => format!("unknown: {}", text::escape(&self.untimed)),
        }
    }

    /// `30 blocks a second, a keyframe every 30 blocks`.
    pub fn describe_timing(&self) -> String {
        let fps = self.info.fps_hint.value().map(|fps| format!("{fps} blocks per second"));
        let gop = self.info.gop.value().map(|gop| format!("a keyframe every {}", count(*gop, "block")));
        let parts: Vec<String> = fps.into_iter().chain(gop).collect();
        match parts.is_empty() {
            true if self.info.meta_unreadable.is_some() => self.unknown(),
            true => "META has neither fps_hint nor gop".to_owned(),
            false => parts.join(", "),
        }
    }

    /// The engine and the ratio.
    pub fn describe_compression(&self) -> String {
        let compression = &self.info.compression;
        if self.info.layout == Layout::Mux {
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
            _ => "ratio unknown".to_owned(),
        };
        format!("{engine}{note}, {ratio}")
    }

    /// `none`, or what there is.
    pub fn describe_protection(&self) -> String {
        let cipher = self.info.protection.cipher.value().map(|cipher| format!("encrypted ({})", one_line(cipher, 40)));
        let masked = self.info.protection.masked.filter(|masked| *masked).map(|_| "masked".to_owned());
        let unknown = self.info.protection.masked.is_none().then(|| match cipher {
            Some(_) => format!("mask {}", self.unknown()),
            None => self.unknown(),
        });
        let parts: Vec<String> = masked.into_iter().chain(cipher.clone()).chain(unknown).collect();
        if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
    }

    /// `verified (sha256, prefix)`, `unchecked`.
    pub fn describe_veri(&self) -> String {
        let has_chunk = self.info.tags.iter().any(|(tag, _)| *tag == Tag::VERI.to_string());
        match self.info.veri.status {
            Status::Unchecked if !has_chunk => "absent".to_owned(),
            Status::Unchecked => "unchecked; verify or --check recomputes it".to_owned(),
            _ => self.info.veri.describe(),
        }
    }

    /// Writes it for people.
    pub fn write_text(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        writeln!(out, "{}", paint.paint(Role::Heading, text::escape(&self.info.file)))?;
        if let Some(title) = &self.info.title {
            field(out, paint, "Title", one_line(title, 100))?;
        }
        if let Some(project) = &self.info.project {
            field(out, paint, "Project", one_line(project, 100))?;
        }
        field(out, paint, "Layout", self.describe_layout())?;
        field(out, paint, "Size", size(self.info.bytes))?;
        if let Some(damage) = &self.damage {
            let line = format!("{}; `h4inspect audit` lists everything", text::escape(damage.describe()));
            let label = if damage.severity == Severity::Error { "Damage" } else { "Doubt" };
            field(out, paint, label, paint.paint(damage.role(), line))?;
        }
        field(out, paint, "Chunks", self.describe_tags())?;
        field(
            out,
            paint,
            "Blocks",
            format_args!("{}, {} stored", self.info.blocks, size(self.info.compression.stored_bytes)),
        )?;
        if let Some(bytes) = self.info.compression.decoded_bytes {
            field(out, paint, "Decoded", size(bytes))?;
        }
        field(out, paint, "Duration", self.describe_duration())?;
        field(out, paint, "Timing", self.describe_timing())?;
        if let Some(bytes) = self.info.block_size.value() {
            field(out, paint, "Block size", size(*bytes))?;
        }
        field(out, paint, "Compression", self.describe_compression())?;
        field(out, paint, "Protection", self.describe_protection())?;
        field(out, paint, "SEEK", self.info.seek.describe())?;
        if let Some(certainty) = certainty(&self.info.seek, self.info.layout) {
            field(out, paint, "", paint.paint(Role::Label, certainty))?;
        }
        field(out, paint, "VERI", paint.paint(self.info.veri.status.into(), self.describe_veri()))?;
        if let Some(version) = &self.info.version {
            field(out, paint, "Version", format_args!("{} (META's)", one_line(version, 60)))?;
        }
        if let Some(audit) = &self.info.audit {
            field(out, paint, "Audit", paint.paint(audit.verdict.into(), audit.describe()))?;
        }
        self.write_tracks(out, paint)
    }

    fn write_tracks(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        const SHOWN: usize = 20;
        for track in self.info.tracks.iter().take(SHOWN) {
            let id = paint.paint(Role::Heading, one_line(&track.id, 40));
            let line = format!("{id}  {}", track.describe());
            field(out, paint, "Track", line.trim_end())?;
            field(out, paint, "", describe_blocks(track))?;
        }
        match self.info.tracks.len().checked_sub(SHOWN) {
            Some(more) if more > 0 => field(out, paint, "", format_args!("and {more} more tracks")),
            _ => Ok(()),
        }
    }
}

/// ` from 00:00:10.000000 on`, where content does not begin at 0.
fn from(start_us: Option<u64>) -> String {
    start_us.filter(|us| *us > 0).map_or_else(String::new, |us| format!(" from {} on,", format_us(us)))
}

/// What it is: name, kind, codec, sound format, note.
impl Describe for TrackInfo {
    fn describe(&self) -> String {
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
}

/// The blocks of a track, how long it is, its rate and keyframes.
pub fn describe_blocks(track: &TrackInfo) -> String {
    let interval = track.keyframe_interval_us.map(|Interval { min, mean, max }| match min == max {
        true => format!(" every {}", format_duration(mean)),
        false => {
            let [min, mean, max] = [min, mean, max].map(format_duration);
            format!(" every {mean} ({min} to {max})")
        }
    });
    let parts = [
        Some(format!("{}, {}", count(track.blocks, "block"), size(track.bytes))),
        track.duration_us.map(|us| format!("{}{}", format_duration(us), from(track.start_us).trim_end_matches(','))),
        track.bitrate.map(|bits| format!("{:.1} kbit/s", bits as f64 / 1000.0)),
        Some(format!("{}{}", count(track.keyframes, "keyframe"), interval.unwrap_or_default())),
        track.seek_entries.map(|n| format!("table of {n}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
