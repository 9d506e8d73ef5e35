//! What a VERI chunk says: a digest, its algorithm, and what it covers.

use serde_json::{Map, Value};

use super::Coverage;
use crate::container::Container;
use crate::hash::{Algorithm, Overlay, unhex};
use crate::index::{State, Tag};
use crate::json::{Document, without_bom};
use crate::layout::Layout;

/// What a VERI chunk declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declared {
    /// There is none.
    Absent,
    /// It holds no digest.
    Malformed {
        /// It is JSON, or meant to be.
        json: bool,
        /// Why.
        why: String,
    },
    /// It is JSON beyond what is read; why.
    BeyondLimit(String),
    /// JSON that names an algorithm that can't be computed here.
    OtherAlgorithm {
        /// The algorithm's name as declared.
        name: String,
        /// The digest as written, where it is a text.
        digest: Option<String>,
    },
    /// A digest that can be compared.
    Digest {
        /// Raw bytes or JSON.
        json: bool,
        /// The algorithm; SHA-256 for raw bytes.
        algorithm: Algorithm,
        /// The digest.
        digest: Vec<u8>,
        /// What a JSON object says it covers, as written; any value that is not a text as JSON.
        covers: Option<String>,
    },
}

/// Keys under which a digest is looked for, after the one named as the algorithm.
const DIGEST_KEYS: [&str; 5] = ["sha256", "digest", "hash", "value", "hex"];
/// Keys under which a coverage is declared.
const COVERAGE_KEYS: [&str; 4] = ["covers", "coverage", "scope", "over"];
/// How the names of hashes begin: a key like these names an algorithm.
const HASH_FAMILIES: [&str; 12] =
    ["sha", "blake", "md", "crc", "xxh", "ripemd", "keccak", "sm3", "tiger", "whirlpool", "streebog", "murmur"];

/// What the container's first VERI chunk declares.
pub fn declared(container: &Container, overlay: &Overlay) -> Declared {
    let Some(chunk) = container.index().first(Tag::VERI) else { return Declared::Absent };
    if chunk.state == State::Truncated {
        return Declared::Malformed { json: false, why: format!("the chunk at {} is cut off", chunk.offset) };
    }
    parse(&overlay.apply(chunk.payload_offset, container.payload(&chunk).read()))
}

fn parse(payload: &[u8]) -> Declared {
    let document = Document::parse(payload);
    if let Some(error) = document.error.as_ref().filter(|error| error.beyond_limit) {
        return Declared::BeyondLimit(error.to_string());
    }
    if let Some(object) = document.object() {
        return of_object(object);
    }
    if payload.len() == 32 {
        let (json, algorithm) = (false, Algorithm::Sha256);
        return Declared::Digest { json, algorithm, digest: payload.to_vec(), covers: None };
    }
    let json = document.value.is_some() || without_bom(payload.into()).starts_with(b"{");
    let why = match document.error {
        Some(error) if json => format!("its JSON can't be parsed: {error}"),
        _ => format!("{} bytes, which is neither a 32-byte digest nor a JSON object", payload.len()),
    };
    Declared::Malformed { json, why }
}

fn of_object(object: &Map<String, Value>) -> Declared {
    let malformed = |why: String| Declared::Malformed { json: true, why };
    let field = |key: &str| object.get(key).filter(|value| !value.is_null());
    let named = field("algorithm").map(text_of);
    let like = |name: &String| object.keys().find(|key| plain(key) == plain(name)).cloned();
    // Without a name, the key of the digest may be one.
    let hash_key = || object.keys().find(|key| Algorithm::from_name(key).is_some() || is_hash_name(key)).cloned();
    let own = match &named {
        Some(name) => like(name),
        None => field("sha256").map(|_| "sha256".to_owned()).or_else(hash_key),
    };
    let keys = own.iter().map(String::as_str).filter(|key| *key != "algorithm").chain(DIGEST_KEYS);
    let mut values = keys.filter_map(|key| Some((key, field(key)?)));
    let first = values.clone().next();
    let text = values.find_map(|(key, value)| Some((key, value.as_str()?.trim())));
    let Some((first_key, _)) = first else { return malformed("a JSON object without a digest".to_owned()) };
    let name = named.or_else(|| {
        (Algorithm::from_name(first_key).is_some() || is_hash_name(first_key)).then(|| first_key.to_owned())
    });
    let algorithm = name.as_deref().map(Algorithm::from_name);
    if let (Some(None), Some(name)) = (algorithm, &name) {
        return Declared::OtherAlgorithm { name: name.clone(), digest: text.map(|(_, text)| text.to_owned()) };
    }
    let Some((_, text)) = text else { return malformed("the digest in its JSON is not a string".to_owned()) };
    let Some(digest) = unhex(text).filter(|digest| !digest.is_empty()) else {
        return malformed("the digest in its JSON is not hexadecimal".to_owned());
    };
    let fits = algorithm.flatten().or_else(|| Algorithm::from_digest_len(digest.len()));
    let Some(algorithm) = fits.filter(|algorithm| algorithm.digest_len() == digest.len()) else {
        let name = algorithm.flatten().map_or("that of any algorithm known here", Algorithm::name);
        return malformed(format!("a digest of {} bytes is not {name}", digest.len()));
    };
    let covers = COVERAGE_KEYS.iter().find_map(|key| field(key)).map(text_of);
    Declared::Digest { json: true, algorithm, digest, covers }
}

/// A text as it is, any other value as JSON.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A name without case, `-`, `_` and blanks.
fn plain(name: &str) -> String {
    let kept = name.chars().filter(|c| !matches!(c, '-' | '_') && !c.is_whitespace());
    kept.flat_map(char::to_lowercase).collect()
}

fn is_hash_name(key: &str) -> bool {
    let plain = plain(key);
    HASH_FAMILIES.iter().any(|family| {
        plain.strip_prefix(family).is_some_and(|rest| rest.chars().any(|c| c.is_ascii_digit()) || rest.is_empty())
    }) && !DIGEST_KEYS.contains(&plain.as_str())
}

impl Coverage {
    /// The coverage that VERI declares in these words; `None` where it is none that is known.
    pub fn declared(container: &Container, text: &str) -> Option<Self> {
        match plain(text).as_str() {
            "prefix" => return Some(Self::Prefix),
            "payloads" => return Some(Self::Payloads),
            "storedblocks" => return Some(Self::Blocks),
            "decodedblocks" => return Some(Self::DecodedBlocks),
            _ => {}
        }
        let id = text.trim().get(..5).filter(|word| word.eq_ignore_ascii_case("track")).and(text.trim().get(5..))?;
        let id = id.trim_start_matches(|c: char| matches!(c, '-' | '_') || c.is_whitespace());
        match container.layout() {
            Layout::Mux => id.parse().ok().map(Self::TrackBlocks),
            Layout::Transport => {
                let known = container.tracks().is_some_and(|tracks| tracks.indexed && tracks.by_id(id).is_some());
                known.then(|| Self::NamedTrack(id.to_owned()))
            }
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
        let covering = |value: &str| match digest(&format!(r#"{{"sha256":"{hex}","covers":{value}}}"#)) {
            Declared::Digest { json: true, algorithm: Algorithm::Sha256, covers, .. } => covers,
            other => panic!("{other:?}"),
        };
        assert_eq!(covering("\"payloads\"").as_deref(), Some("payloads"));
        assert_eq!(covering("[\"CORE\"]").as_deref(), Some("[\"CORE\"]"));
        assert_eq!(covering("null"), None);
        let scope = format!(r#"{{"algorithm":"SHA-256","digest":"{hex}","scope":"prefix"}}"#);
        assert!(matches!(digest(&scope), Declared::Digest { covers: Some(_), .. }));
    }

    #[test]
    fn the_digest_is_found_under_its_algorithm_or_a_usual_key() {
        let of = |len: usize| "ab".repeat(len);
        for (text, algorithm) in [
            (format!(r#"{{"algorithm":"sha512","sha512":"{}","digest":"00"}}"#, of(64)), Algorithm::Sha512),
            (format!(r#"{{"algorithm":"SHA-512","sha512":"{}"}}"#, of(64)), Algorithm::Sha512),
            (format!(r#"{{"sha-384":"{}"}}"#, of(48)), Algorithm::Sha384),
            (format!(r#"{{"digest":"{}"}}"#, of(48)), Algorithm::Sha384),
            (format!(r#"{{"value":"  {}  "}}"#, of(32).to_uppercase()), Algorithm::Sha256),
            (format!(r#"{{"hex":"{}","sha256":null}}"#, of(32)), Algorithm::Sha256),
            (format!(r#"{{"algorithm":null,"hash":"{}"}}"#, of(32)), Algorithm::Sha256),
        ] {
            let declared = digest(&text);
            assert!(matches!(declared, Declared::Digest { algorithm: found, .. } if found == algorithm), "{text}");
        }
    }

    #[test]
    fn an_unknown_algorithm_is_not_malformed_whatever_its_digest() {
        for text in [
            r#"{"algorithm":"blake3","digest":"q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k="}"#,
            r#"{"algorithm":"blake3","blake3":"abcd"}"#,
            r#"{"algorithm":"blake3","sha256":"zz"}"#,
            r#"{"algorithm":"blake3","digest":5}"#,
            r#"{"algorithm":"","digest":""}"#,
            r#"{"algorithm":{"name":"x"},"digest":"abcd"}"#,
            r#"{"algorithm":"sha3-256","value":"é"}"#,
            r#"{"blake3":"abcd"}"#,
            r#"{"md5":"d41d8cd98f00b204e9800998ecf8427e"}"#,
        ] {
            assert!(matches!(digest(text), Declared::OtherAlgorithm { .. }), "{text}");
        }
    }

    #[test]
    fn what_holds_no_digest_is_malformed() {
        for text in [
            "",
            "short",
            "{}",
            "{",
            r#"{"sha256":"xyz"}"#,
            r#"{"sha256":"abcd"}"#,
            r#"{"sha256":5}"#,
            r#"{"digest":"abcd"}"#,
            r#"{"sha256":null}"#,
            r#"{"algorithm":"sha256"}"#,
            r#"{"algorithm":"blake3"}"#,
            r#"{"shape":"abcd"}"#,
            "[1]",
        ] {
            assert!(matches!(digest(text), Declared::Malformed { .. }), "{text}");
        }
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        assert!(matches!(digest(&deep), Declared::BeyondLimit(_)));
        let hex = "ab".repeat(32);
        assert!(matches!(digest(&format!(r#"{{"sha256":"{hex}","x":{deep}}}"#)), Declared::BeyondLimit(_)));
    }
}
