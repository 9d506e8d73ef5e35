//! What Jenkins takes for a JUnit report: the elements and attributes of `junit-10.xsd`, the schema of its xunit plugin
//! (github.com/jenkinsci/xunit-plugin, `types/model/xsd`), except those for tests that were run again.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// An element, and all that may be in it; every child may occur any number of times, in any order.
struct Element {
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    children: &'static [&'static str],
    text: bool,
}

const ELEMENTS: [Element; 10] = [
    Element {
        name: "testsuites",
        required: &[],
        optional: &["name", "time", "tests", "failures", "errors"],
        children: &["testsuite"],
        text: false,
    },
    Element {
        name: "testsuite",
        required: &["name", "tests", "failures", "errors"],
        optional: &["group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"],
        children: &["testsuite", "properties", "testcase", "system-out", "system-err"],
        text: false,
    },
    Element { name: "properties", required: &[], optional: &[], children: &["property"], text: false },
    Element { name: "property", required: &["name", "value"], optional: &[], children: &[], text: false },
    Element {
        name: "testcase",
        required: &["name"],
        optional: &["time", "classname", "group"],
        children: &["skipped", "error", "failure", "system-out", "system-err"],
        text: false,
    },
    Element { name: "failure", required: &[], optional: &["type", "message"], children: &[], text: true },
    Element { name: "error", required: &[], optional: &["type", "message"], children: &[], text: true },
    Element { name: "skipped", required: &[], optional: &["type", "message"], children: &[], text: true },
    Element { name: "system-out", required: &[], optional: &[], children: &[], text: true },
    Element { name: "system-err", required: &[], optional: &[], children: &[], text: true },
];

/// What the schema does not allow, a line each.
pub(crate) fn faults(xml: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    let mut faults = forbidden(xml);
    let mut open: Vec<Option<&Element>> = Vec::new();
    let mut roots = 0;
    loop {
        match reader.read_event() {
            Ok(Event::Eof) => break,
            Ok(Event::Start(start)) => {
                let element = enter(&start, &open, &mut roots, &mut faults);
                open.push(element);
            }
            Ok(Event::Empty(start)) => _ = enter(&start, &open, &mut roots, &mut faults),
            Ok(Event::End(_)) => _ = open.pop(),
            Ok(Event::Text(text)) if text.iter().any(|byte| !byte.is_ascii_whitespace()) => {
                text_in(&open, &mut faults);
            }
            Ok(Event::CData(_)) => text_in(&open, &mut faults),
            Ok(_) => {}
            Err(error) => {
                faults.push(format!("at {}: {error}", reader.error_position()));
                break;
            }
        }
    }
    faults.extend((!open.is_empty()).then(|| "it ends inside an element".to_owned()));
    faults.extend((roots != 1).then(|| format!("{roots} roots")));
    faults
}

/// Characters that XML 1.0 does not allow, as they are or by reference. The parser takes them.
pub(crate) fn forbidden(xml: &str) -> Vec<String> {
    let references = xml.split("&#").skip(1).filter_map(|rest| {
        let (digits, _) = rest.split_once(';')?;
        let number = match digits.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => digits.parse().ok()?,
        };
        Some(number)
    });
    let allowed = |c: u32| matches!(c, 9 | 10 | 13 | 0x20..=0xd7ff | 0xe000..=0xfffd | 0x1_0000..=0x10_ffff);
    let all = xml.chars().map(|c| c as u32).chain(references);
    all.filter(|c| !allowed(*c)).map(|c| format!("character {c:#x}")).collect()
}

fn enter(
    start: &BytesStart<'_>,
    open: &[Option<&Element>],
    roots: &mut usize,
    faults: &mut Vec<String>,
) -> Option<&'static Element> {
    let name = String::from_utf8(start.name().as_ref().to_vec()).unwrap();
    match open.last() {
        None => *roots += usize::from(name == "testsuites" || name == "testsuite"),
        Some(Some(parent)) if !parent.children.contains(&name.as_str()) => {
            faults.push(format!("{name} in {}", parent.name));
        }
        Some(_) => {}
    }
    let Some(element) = ELEMENTS.iter().find(|element| element.name == name) else {
        faults.push(format!("element {name}"));
        return None;
    };
    let mut there = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.unwrap();
        let key = String::from_utf8(attribute.key.as_ref().to_vec()).unwrap();
        if !element.required.contains(&key.as_str()) && !element.optional.contains(&key.as_str()) {
            faults.push(format!("attribute {key} of {name}"));
        }
        if key == "time" && name != "testcase" && !is_time(&attribute.value) {
            faults.push(format!("time {} of {name}", String::from_utf8_lossy(&attribute.value)));
        }
        there.push(key);
    }
    let missing = element.required.iter().filter(|required| !there.iter().any(|key| key == *required));
    faults.extend(missing.map(|required| format!("{name} without {required}")));
    Some(element)
}

/// Digits, perhaps in groups with commas, and perhaps a fraction.
fn is_time(value: &[u8]) -> bool {
    let (whole, fraction) = match value.iter().position(|byte| *byte == b'.') {
        Some(point) => (&value[..point], &value[point + 1..]),
        None => (value, &[][..]),
    };
    whole.iter().all(|byte| byte.is_ascii_digit() || *byte == b',') && fraction.iter().all(u8::is_ascii_digit)
}

fn text_in(open: &[Option<&Element>], faults: &mut Vec<String>) {
    if let Some(Some(element)) = open.last()
        && !element.text
    {
        faults.push(format!("text in {}", element.name));
    }
}
