//! JSON as it is written everywhere: valid, with what steers a terminal escaped, and broken into lines only as deep as
//! that helps reading.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter};

use crate::text::is_unsafe;

/// Levels of objects and arrays whose members get lines of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lines(pub usize);

/// All on one line.
pub const ONE_LINE: Lines = Lines(0);
/// A field a line, and the members of arrays and objects in it: a table gets a row a line.
pub const DOCUMENT: Lines = Lines(2);

/// Writes a value, without a line feed at its end.
pub fn write(out: &mut dyn Write, lines: Lines, value: &impl Serialize) -> io::Result<()> {
    write_at(out, lines, 0, value)
}

/// Likewise, of a value in so many objects and arrays that are written by hand.
pub fn write_at(out: &mut dyn Write, lines: Lines, depth: usize, value: &impl Serialize) -> io::Result<()> {
    let formatter = Broken { lines, depth, has_value: false };
    value.serialize(&mut Serializer::with_formatter(out, formatter)).map_err(io::Error::from)
}

/// Writes a value and a line feed.
pub fn write_line(out: &mut dyn Write, lines: Lines, value: &impl Serialize) -> io::Result<()> {
    write(out, lines, value)?;
    out.write_all(b"\n")
}

struct Broken {
    lines: Lines,
    depth: usize,
    has_value: bool,
}

impl Broken {
    fn begin<W: Write + ?Sized>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.has_value = false;
        out.write_all(bracket)
    }

    fn end<W: Write + ?Sized>(&mut self, out: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if self.has_value && self.depth < self.lines.0 {
            self.break_line(out)?;
        }
        self.has_value = true;
        out.write_all(bracket)
    }

    fn member<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if !first {
            out.write_all(b",")?;
        }
        if self.depth <= self.lines.0 { self.break_line(out) } else { Ok(()) }
    }

    fn break_line<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| out.write_all(b"  "))
    }
}

impl Formatter for Broken {
    fn begin_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"[")
    }

    fn end_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"]")
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.member(out, first)
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, _out: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn begin_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"{")
    }

    fn end_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"}")
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.member(out, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(if self.depth <= self.lines.0 { b": " } else { b":" })
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, _out: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    /// JSON asks for C0 to be escaped only; DEL, C1, bidirectional and other format characters are escaped here too.
    fn write_string_fragment<W: Write + ?Sized>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_unsafe(*c)) {
            let (safe, after) = rest.split_at(at);
            out.write_all(safe.as_bytes())?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = after.strip_prefix(c).unwrap_or_default();
        }
        out.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: Write + ?Sized>(&mut self, out: &mut W, escape: CharEscape) -> io::Result<()> {
        CompactFormatter.write_char_escape(out, escape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn written(lines: Lines, value: &Value) -> String {
        let mut out = Vec::new();
        write(&mut out, lines, value).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn tables_get_a_row_a_line() {
        let value = json!({"a": 1, "rows": [{"x": [1, 2]}, {}], "none": [], "o": {"k": {}}});
        assert_eq!(written(ONE_LINE, &value), value.to_string());
        let lines = r#"{
  "a": 1,
  "rows": [
    {"x":[1,2]},
    {}
  ],
  "none": [],
  "o": {
    "k": {}
  }
}"#;
        assert_eq!(written(DOCUMENT, &value), lines);
        assert_eq!(written(DOCUMENT, &json!([])), "[]");
    }

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        let value = json!("a\x1b\u{7f}\u{9b}\u{202e}\u{e0001}Ø");
        assert_eq!(written(ONE_LINE, &value), r#""a\u001b\u007f\u009b\u202e\udb40\udc01Ø""#);
    }

    proptest! {
        #[test]
        fn it_reads_back(text: String, depth in 0usize..4) {
            let value = json!({ text.clone(): [text.clone(), {"k": [null, text]}] });
            prop_assert_eq!(serde_json::from_str::<Value>(&written(Lines(depth), &value)).unwrap(), value);
        }
    }
}
