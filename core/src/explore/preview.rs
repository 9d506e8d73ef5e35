//! What content looks like without being played: text or JSON if it is that, how often each byte occurs, how random it is
//! along its length, and its runs.

use std::borrow::Cow;
use std::ops::Range;

use super::byte_view::ByteView;
use crate::container::Container;
use crate::task::{Cancelled, Task};
use crate::text::push_escaped;

/// Content up to this length is looked at whole; of more, evenly spaced samples are.
pub const WHOLE: u64 = 4 << 20;
/// Stretches along the content at most.
pub const SEGMENTS: u64 = 128;
/// Bytes of a stretch at least: below, entropy says little.
const SEGMENT_LEAST: u64 = 64;
/// Bytes of a sample, of content that is not looked at whole.
const SAMPLE: u64 = WHOLE / SEGMENTS;
/// Text up to this length is parsed.
const TEXT_BYTES: usize = 256 << 10;
/// Lines of text that are kept, and characters of each.
const LINES: usize = 500;
const LINE_CHARS: usize = 500;

/// What content looks like.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Preview {
    /// Its length in bytes.
    pub len: u64,
    /// Bytes of it that were looked at; all of them unless there are too many.
    pub looked_at: u64,
    /// Its text, if it is one.
    pub text: Option<Text>,
    /// How often each byte occurs in what was looked at.
    pub histogram: Box<[u64; 256]>,
    /// Entropy in bits a byte, 0 to 8, of even stretches along the content.
    pub entropy: Vec<f32>,
    /// Entropy in bits a byte of all that was looked at.
    pub overall: f32,
    /// Bytes that repeat.
    pub runs: Runs,
}

/// Content that is text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// It parses as JSON, and the lines are laid out anew.
    pub json: bool,
    /// Its lines, safe to show; not all of a long one.
    pub lines: Vec<String>,
    /// Zeros that follow it.
    pub padding: u64,
}

/// Runs of equal bytes; a sample's end ends a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Runs {
    /// How many, those of a single byte included.
    pub count: u64,
    /// Length of the longest.
    pub longest: u64,
    /// Its byte.
    pub value: u8,
    /// Its position.
    pub position: u64,
}

impl Preview {
    /// Looks at a byte view; progress is in bytes.
    pub fn new(container: &Container, byte_view: &ByteView, task: &Task) -> Result<Self, Cancelled> {
        let range = byte_view.range();
        Self::of(range, |start, len| byte_view.read(container, start, len), task)
    }

    fn of<'a>(range: Range<u64>, read: impl Fn(u64, usize) -> Cow<'a, [u8]>, task: &Task) -> Result<Self, Cancelled> {
        let len = range.end.saturating_sub(range.start);
        let segments = (len / SEGMENT_LEAST).clamp(u64::from(len > 0), SEGMENTS);
        task.set_total(len.min(WHOLE));
        let mut preview = Self {
            len,
            looked_at: 0,
            text: None,
            histogram: Box::new([0; 256]),
            entropy: Vec::new(),
            overall: 0.0,
            runs: Runs::default(),
        };
        let mut counter = RunCounter::default();
        let place = |segment: u64| u64::try_from(u128::from(len) * u128::from(segment) / u128::from(segments.max(1)));
        for segment in 0..segments {
            let (start, end) = (place(segment).unwrap_or(len), place(segment + 1).unwrap_or(len));
            let start = range.start.saturating_add(start);
            let wanted = if len <= WHOLE { end.saturating_sub(start - range.start) } else { SAMPLE };
            let bytes = read(start, usize::try_from(wanted).unwrap_or(usize::MAX));
            let mut histogram = [0; 256];
            count(&bytes, &mut histogram);
            preview.entropy.push(entropy(&histogram));
            preview.histogram.iter_mut().zip(histogram).for_each(|(sum, count)| *sum += count);
            if len > WHOLE {
                counter.end();
            }
            counter.add(&bytes, start);
            preview.looked_at += bytes.len() as u64;
            task.reach(preview.looked_at)?;
        }
        counter.end();
        preview.runs = counter.runs;
        preview.overall = entropy(&preview.histogram);
        if len <= TEXT_BYTES as u64 {
            preview.text = Text::of(read(range.start, TEXT_BYTES).into_owned());
        }
        Ok(preview)
    }

    /// The mean length of a run.
    pub fn mean_run(&self) -> f64 {
        self.looked_at as f64 / self.runs.count.max(1) as f64
    }
}

fn count(bytes: &[u8], histogram: &mut [u64; 256]) {
    for byte in bytes {
        if let Some(count) = histogram.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
}

/// Shannon's, in bits a byte.
fn entropy(histogram: &[u64; 256]) -> f32 {
    let total: u64 = histogram.iter().sum();
    let bits = |count: &u64| {
        let share = *count as f64 / total as f64;
        -share * share.log2()
    };
    let sum: f64 = histogram.iter().filter(|count| **count > 0).map(bits).sum();
    // A sum of nothing is -0.
    (sum + 0.0) as f32
}

#[derive(Debug, Default)]
struct RunCounter {
    runs: Runs,
    /// Value, length and position of the run that goes on.
    open: Option<(u8, u64, u64)>,
}

impl RunCounter {
    fn add(&mut self, bytes: &[u8], start: u64) {
        let mut position = start;
        for run in bytes.chunk_by(|a, b| a == b) {
            let Some(&value) = run.first() else { continue };
            let len = run.len() as u64;
            match &mut self.open {
                Some((open, so_far, _)) if *open == value => *so_far += len,
                _ => {
                    self.end();
                    self.open = Some((value, len, position));
                }
            }
            position = position.saturating_add(len);
        }
    }

    fn end(&mut self) {
        let Some((value, len, position)) = self.open.take() else { return };
        self.runs.count += 1;
        if len > self.runs.longest {
            self.runs = Runs { longest: len, value, position, ..self.runs };
        }
    }
}

impl Text {
    /// Of a copy: whether it is a text has to be true afterwards, too.
    fn of(bytes: Vec<u8>) -> Option<Self> {
        let len = bytes.iter().rposition(|byte| *byte != 0)? + 1;
        let text = std::str::from_utf8(bytes.get(..len)?).ok()?;
        let padding = (bytes.len() - len) as u64;
        let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
        if !text.chars().all(plain) || text.trim().is_empty() {
            return None;
        }
        let structured = text.trim_start().starts_with(['{', '[']);
        let value = serde_json::from_str::<serde_json::Value>(text).ok().filter(|_| structured);
        let pretty = value.and_then(|value| serde_json::to_string_pretty(&value).ok());
        let json = pretty.is_some();
        let lines = pretty.as_deref().unwrap_or(text).lines().take(LINES).map(safe_line).collect();
        Some(Self { json, lines, padding })
    }
}

fn safe_line(line: &str) -> String {
    let mut safe = String::new();
    for c in line.chars().take(LINE_CHARS) {
        match c {
            '\t' => safe.push_str("    "),
            c => push_escaped(&mut safe, c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn preview(bytes: &[u8]) -> Preview {
        let read = |start: u64, len: usize| {
            let start = usize::try_from(start).unwrap();
            Cow::Borrowed(&bytes[start..bytes.len().min(start.saturating_add(len))])
        };
        Preview::of(0..bytes.len() as u64, read, &Task::default()).unwrap()
    }

    #[test]
    fn entropy_is_nothing_for_one_value_and_eight_bits_for_all() {
        let flat = preview(&[7; 1000]);
        assert_eq!((flat.overall, flat.runs), (0.0, Runs { count: 1, longest: 1000, value: 7, position: 0 }));
        let all: Vec<u8> = (0..=255).cycle().take(SEGMENTS as usize * 256).collect();
        let all = preview(&all);
        assert_eq!((all.overall, all.entropy.len()), (8.0, SEGMENTS as usize));
        assert!(all.entropy.iter().all(|bits| *bits == 8.0));
        assert_eq!((all.mean_run(), all.runs.longest), (1.0, 1));
    }

    #[test]
    fn nothing_is_nothing() {
        let empty = preview(&[]);
        assert_eq!((empty.len, empty.entropy.len(), empty.overall, empty.text), (0, 0, 0.0, None));
        assert_eq!(empty.runs, Runs::default());
    }

    #[test]
    fn text_is_text_and_json_is_laid_out() {
        let json = preview(b"{\"a\":[1],\"b\":\"\\u202e\"}\0\0\0").text.unwrap();
        assert!(json.json && json.padding == 3);
        assert_eq!(json.lines, ["{", "  \"a\": [", "    1", "  ],", "  \"b\": \"\\u{202e}\"", "}"]);
        let text = preview("zwei\r\n\tZeilen é".as_bytes()).text.unwrap();
        assert_eq!((text.json, text.lines), (false, vec!["zwei".into(), "    Zeilen é".into()]));
        for binary in [b"\x1b[31m".as_slice(), b"\xff", b"a\0b", b" \n"] {
            assert_eq!(preview(binary).text, None, "{binary:?}");
        }
    }

    #[test]
    fn long_content_is_sampled_and_says_so() {
        let bytes = vec![1; WHOLE as usize * 3 + 5];
        let long = preview(&bytes);
        assert_eq!((long.looked_at, long.entropy.len()), (WHOLE, SEGMENTS as usize));
        assert_eq!((long.len, long.runs.count, long.runs.longest), (bytes.len() as u64, SEGMENTS, SAMPLE));
    }

    proptest! {
        #[test]
        fn short_content_is_looked_at_whole(bytes in prop::collection::vec(0u8..4, 0..2000)) {
            let preview = preview(&bytes);
            prop_assert_eq!(preview.looked_at, bytes.len() as u64);
            prop_assert_eq!(preview.histogram.iter().sum::<u64>(), bytes.len() as u64);
            prop_assert_eq!(preview.runs.count, bytes.chunk_by(|a, b| a == b).count() as u64);
            prop_assert!(preview.entropy.iter().all(|bits| (0.0..=8.0).contains(bits)));
        }
    }
}
