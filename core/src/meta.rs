//! META: what a container says about itself. Every field is optional and may have another type than expected; one that
//! has is ignored, and said to be.

use std::cell::RefCell;

use serde_json::Value;

use super::bytes::{Bytes, be_u32, be_u64};
use super::json::{Document, MAX_BYTES};
use crate::json::span;

/// A META payload, read.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Meta {
    /// The JSON document; empty for the binary form.
    pub document: Document,
    /// The older binary form.
    pub binary: Option<BinaryMeta>,
    /// Free text; readers default to "HarmonyØ4".
    pub project: Option<String>,
    /// Free text; readers default to "video-transport".
    pub domain: Option<String>,
    /// Title of the work.
    pub title: Option<String>,
    /// The writer's version of its own schema, as written.
    pub version: Option<String>,
    /// Decoded bytes of every block but the last.
    pub block_size: Option<u64>,
    /// Blocks a second.
    pub fps_hint: Option<f64>,
    /// A keyframe every so many blocks.
    pub gop: Option<u64>,
    /// Blocks are XORed with a key stream before compression.
    pub masked: Option<bool>,
    /// Blocks are encrypted after compression.
    pub encrypted: Option<bool>,
    /// How blocks are compressed.
    pub compression: Option<Compression>,
    /// `encryption.cipher`.
    pub cipher: Option<String>,
    /// Bound into encryption.
    pub track_id: Option<String>,
    /// Bound into encryption.
    pub pts_us: Option<u64>,
    /// Ids of the tracks of a multi-track transport container.
    pub tracks: Option<Vec<String>>,
    /// Fields that were ignored: JSON Pointer, and why.
    pub invalid: Vec<(String, String)>,
}

/// `compression` of META.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Compression {
    /// Name of the engine; `geometric-reference` is the one whose code is public.
    pub engine: Option<String>,
    /// Name of what it does; counts only where no engine is named.
    pub algorithm: Option<String>,
    /// The engine's build.
    pub engine_id: Option<String>,
    /// Its fingerprint, hex.
    pub fingerprint: Option<String>,
    /// Its format is closed.
    pub opaque: Option<bool>,
}

/// The older binary META: u64 duration, u32 frame count, big-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BinaryMeta {
    /// In µs.
    pub duration_us: u64,
    /// Frames, that is blocks.
    pub frame_count: u32,
}

impl BinaryMeta {
    /// Bytes of its fields; what follows them means nothing.
    pub(crate) const LEN: usize = 12;
}

impl std::fmt::Display for BinaryMeta {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "duration {} µs, {} frames", self.duration_us, self.frame_count)
    }
}

/// The most frames a second for which frames still differ in µs.
const MAX_FPS: f64 = 1_000_000.0;

const TRAK_B64: &str = "trak_b64";
const SEEKM_B64: &str = "seekm_b64";
/// Fields that grow with the number of blocks.
const TABLES: [&str; 2] = [TRAK_B64, SEEKM_B64];

/// How many bytes of a long payload are tables.
fn tables_len(payload: Bytes<'_>) -> u64 {
    if payload.len() <= MAX_BYTES {
        return 0;
    }
    let payload = payload.read();
    let spans = TABLES.iter().filter_map(|key| span::find(&payload, &format!("/{key}")));
    spans.map(|span| span.value.end - span.value.start).sum()
}

/// The id of a track: text, or a number as it is written.
pub(crate) fn track_id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl Meta {
    /// Reads a META payload.
    pub fn parse<'a>(payload: impl Into<Bytes<'a>>) -> Self {
        let payload = payload.into();
        if let (Some(0), Some(duration_us), Some(frame_count)) =
            (payload.get(0), be_u64(payload, 0), be_u32(payload, 8))
        {
            let binary = Some(BinaryMeta { duration_us, frame_count });
            return Self { binary, ..Self::default() };
        }
        let document = Document::parse_beside(payload, tables_len(payload));
        let Some(Value::Object(object)) = &document.value else { return Self { document, ..Self::default() } };
        let invalid = RefCell::default();
        let fields = Fields { object, prefix: "", invalid: &invalid };
        let mut meta = Self {
            project: fields.text("project"),
            domain: fields.text("domain"),
            title: fields.text("title"),
            version: fields.version("version"),
            block_size: fields.positive("block_size"),
            fps_hint: fields.fps("fps_hint"),
            gop: fields.positive("gop"),
            masked: fields.flag("masked"),
            encrypted: fields.flag("encrypted"),
            track_id: fields.id("track_id"),
            pts_us: fields.whole("pts_us"),
            tracks: fields.ids("tracks"),
            ..Self::default()
        };
        TABLES.iter().for_each(|key| _ = fields.read(key, "a string", Value::as_str));
        if let Some(object) = fields.object("compression") {
            let fields = Fields { object, prefix: "/compression", invalid: &invalid };
            meta.compression = Some(Compression {
                engine: fields.text("engine"),
                algorithm: fields.text("algorithm"),
                engine_id: fields.text("engine_id"),
                fingerprint: fields.text("fingerprint"),
                opaque: fields.flag("opaque"),
            });
        }
        if let Some(object) = fields.object("encryption") {
            meta.cipher = Fields { object, prefix: "/encryption", invalid: &invalid }.text("cipher");
        }
        Self { invalid: invalid.into_inner(), document, ..meta }
    }

    /// Base64 of the track index.
    pub fn trak_b64(&self) -> Option<&str> {
        self.document.object()?.get(TRAK_B64)?.as_str()
    }

    /// Base64 of the tracks' seek tables.
    pub fn seekm_b64(&self) -> Option<&str> {
        self.document.object()?.get(SEEKM_B64)?.as_str()
    }

    /// Duration of one frame in µs, as the reference writer rounds it: floor(1 000 000 / fps).
    pub fn frame_us(&self) -> Option<u64> {
        if let Some(fps) = self.fps_hint {
            return Some((1_000_000.0 / fps).floor() as u64);
        }
        self.binary?.duration_us.checked_div(u64::from(self.binary?.frame_count))
    }
}

/// Reads fields by type, and notes those that have another.
struct Fields<'a> {
    object: &'a serde_json::Map<String, Value>,
    prefix: &'a str,
    invalid: &'a RefCell<Vec<(String, String)>>,
}

impl<'a> Fields<'a> {
    fn read<T>(&self, key: &str, expected: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Option<T> {
        let value = self.object.get(key).filter(|value| !value.is_null())?;
        let read = read(value);
        if read.is_none() {
            let mut found = value.to_string();
            if let Some((cut, _)) = found.char_indices().nth(40) {
                found.truncate(cut);
                found.push('…');
            }
            let found = super::text::escape(&found).into_owned();
            self.invalid
                .borrow_mut()
                .push((format!("{}/{key}", self.prefix), format!("expected {expected}, found {found}")));
        }
        read
    }

    fn text(&self, key: &str) -> Option<String> {
        self.read(key, "a string", |v| v.as_str().map(str::to_owned))
    }

    fn id(&self, key: &str) -> Option<String> {
        self.read(key, "a string or number", track_id)
    }

    fn ids(&self, key: &str) -> Option<Vec<String>> {
        self.read(key, "an array of strings", |v| v.as_array()?.iter().map(track_id).collect())
    }

    fn version(&self, key: &str) -> Option<String> {
        self.read(key, "a string or number", track_id)
    }

    fn flag(&self, key: &str) -> Option<bool> {
        self.read(key, "true or false", Value::as_bool)
    }

    fn whole(&self, key: &str) -> Option<u64> {
        self.read(key, "a whole number, 0 or more", whole)
    }

    fn positive(&self, key: &str) -> Option<u64> {
        self.read(key, "a whole number, 1 or more", |v| whole(v).filter(|n| *n > 0))
    }

    fn fps(&self, key: &str) -> Option<f64> {
        let valid = |fps: &f64| *fps > 0.0 && *fps <= MAX_FPS && 1_000_000.0 / *fps < u64::MAX as f64;
        self.read(key, "a number above 0 and up to 1000000", |v| v.as_f64().filter(valid))
    }

    fn object(&self, key: &str) -> Option<&'a serde_json::Map<String, Value>> {
        self.read(key, "an object", Value::as_object)
    }
}

/// A whole number, also where it is written as `30.0`.
pub(crate) fn whole(value: &Value) -> Option<u64> {
    let exact = |f: &f64| *f >= 0.0 && f.fract() == 0.0 && *f <= (1u64 << 53) as f64;
    value.as_u64().or_else(|| value.as_f64().filter(exact).map(|f| f as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_wrong_type_are_ignored_and_named() {
        let meta =
            Meta::parse(br#"{"project":7,"fps_hint":"thirty","gop":-3,"block_size":1e+300,"compression":"zip"}"#);
        let mut names: Vec<_> = meta.invalid.iter().map(|(field, _)| field.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["/block_size", "/compression", "/fps_hint", "/gop", "/project"]);
        assert_eq!((meta.gop, meta.block_size, meta.frame_us()), (None, None, None));
    }

    #[test]
    fn null_is_absent_and_a_number_is_an_id() {
        let keys = [
            "project",
            "block_size",
            "fps_hint",
            "gop",
            "masked",
            "compression",
            "encryption",
            "track_id",
            "tracks",
            "seekm_b64",
            "trak_b64",
            "pts_us",
        ];
        let nulls: Vec<String> = keys.iter().map(|key| format!(r#""{key}":null"#)).collect();
        let meta = Meta::parse(format!("{{{}}}", nulls.join(",")).as_bytes());
        assert_eq!(meta.invalid, []);
        assert!(
            meta.project.is_none() && meta.tracks.is_none() && meta.compression.is_none() && meta.trak_b64().is_none()
        );
        let meta = Meta::parse(br#"{"track_id":7,"tracks":[1,"b",20.50],"trak_b64":"e30="}"#);
        assert_eq!(meta.track_id.as_deref(), Some("7"));
        assert_eq!(meta.tracks.as_deref(), Some(["1", "b", "20.50"].map(str::to_owned).as_slice()));
        assert_eq!((meta.trak_b64(), meta.seekm_b64()), (Some("e30="), None));
        assert_eq!(Meta::parse(br#"{"track_id":[],"trak_b64":5}"#).invalid.len(), 2);
    }

    #[test]
    fn tables_may_be_longer_than_all_else() {
        let long = "A".repeat(MAX_BYTES as usize);
        let meta = Meta::parse(format!(r#"{{"gop":3,"trak_b64":"{long}"}}"#).as_bytes());
        assert_eq!((meta.gop, meta.trak_b64().map(str::len), meta.document.error), (Some(3), Some(long.len()), None));
        let meta = Meta::parse(format!(r#"{{"gop":3,"title":"{long}"}}"#).as_bytes());
        assert!(meta.gop.is_none() && meta.document.is_beyond_limit());
    }

    #[test]
    fn frames_last_as_long_as_the_reference_writer_says() {
        let frame = |fps: &str| Meta::parse(format!(r#"{{"fps_hint":{fps}}}"#).as_bytes()).frame_us();
        assert_eq!(
            (frame("30.0"), frame("29.97"), frame("60"), frame("0.5")),
            (Some(33333), Some(33366), Some(16666), Some(2_000_000))
        );
        assert_eq!((frame("0"), frame("-1"), frame("1e-300"), frame("2e6")), (None, None, None, None));
    }

    #[test]
    fn the_binary_form_is_read() {
        let payload = [0, 0, 0, 0, 0, 0x0f, 0x42, 0x40, 0, 0, 0, 30];
        let meta = Meta::parse(&payload);
        assert_eq!(meta.binary, Some(BinaryMeta { duration_us: 1_000_000, frame_count: 30 }));
        assert_eq!(meta.frame_us(), Some(33333));
    }
}
