//! docs/interface.md says what scripts and users may rely on, and is made from the code that keeps it.

use std::fmt::Write;
use std::path::Path;

use h4inspect::cli::args::SECTIONS;
use h4inspect::core::finding::Code;
use h4inspect::core::report::schema;
use h4inspect::tui::keymap;

const HEAD: &str = "\
# What scripts and users may rely on

Names on this page don't change: exit statuses, environment variables, fields of JSON, codes of findings, keys. A release that
has to change one says so in CHANGELOG.md. Everything else, such as the wording of messages, may change at any time.

Results go to standard output; progress, warnings and errors go to standard error. Text from files (tags, names, META, paths)
is never written raw: whatever could control a terminal or reorder a line is escaped, in JSON too.
";

const JSON: &str = "\
`--json` and `--format json` write one JSON value, `--format ndjson` one `audit-line` per file. Each has a JSON Schema. Fields
may be added, but none is renamed, removed or given another type. Absent fields are left out unless the schema says `null`.
Offsets and lengths are in bytes. Offsets are file offsets; for a finding about a chunk it is the offset of the chunk header.
A file name that isn't UTF-8 is percent-encoded, with `\"file_encoding\": \"percent\"` beside it.
";

/// `H4_UPDATE=1 cargo test interface` writes it anew.
#[test]
fn the_document_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/interface.md");
    let document = document();
    if std::env::var_os("H4_UPDATE").is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == document, "docs/interface.md is out of date: H4_UPDATE=1 cargo test --test all interface::");
}

fn document() -> String {
    let mut text = HEAD.to_owned();
    for (title, lines) in SECTIONS {
        write!(text, "\n## {title}\n\n```text\n{lines}\n```\n").unwrap();
    }
    write!(text, "\n## JSON\n\n{JSON}").unwrap();
    text += "\n| schema | fields |\n|---|---|\n";
    for (name, schema) in schema::all() {
        let fields = match schema.get("properties").and_then(|properties| properties.as_object()) {
            Some(properties) => properties.keys().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" "),
            None => "a list of `audit-line`".to_owned(),
        };
        writeln!(text, "| [{name}](schema/v1/{name}.schema.json) | {fields} |").unwrap();
    }
    text +=
        "\n## Findings\n\n[findings.md](findings.md) explains each.\n\n| code | severity | meaning |\n|---|---|---|\n";
    for code in Code::ALL {
        writeln!(text, "| `{code}` | {} | {} |", code.severity(), code.meaning()).unwrap();
    }
    text += "\n## Keys\n\nType `:` and a name to run a command.\n";
    for (title, bindings) in keymap::on_paper() {
        write!(text, "\n### {title}\n\n| keys | name | what they do |\n|---|---|---|\n").unwrap();
        for [keys, name, help] in bindings {
            let keys =
                keys.split(' ').map(|key| format!("`{}`", key.replace('|', "\\|"))).collect::<Vec<_>>().join(" ");
            let name = if name.is_empty() { name } else { format!("`{name}`") };
            writeln!(text, "| {keys} | {name} | {} |", help.replace('|', "\\|")).unwrap();
        }
    }
    text
}
