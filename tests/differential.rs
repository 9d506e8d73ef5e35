//! Known files with known edits: every chunk that no edit touched is found, nothing is reported that the edits don't
//! explain, all commands agree on every count, and what salvage writes holds each intact block and passes an audit.
//!
//! `H4_DIFFERENTIAL=20000 cargo test --test all differential::` tries that many files, `H4_DIFFERENTIAL_SEED` others;
//! `H4_DIFFERENTIAL_ONE` only the one with that number, and `H4_DIFFERENTIAL_KEEP` names a folder for those that fail.

mod bases;
mod edits;
mod oracle;
mod random;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::support::run;
use bases::Base;
use edits::{Damaged, Edit, Found};
use h4inspect::core::audit::{Audit, Verdict, audit, verify};
use h4inspect::core::container::{Container, Options};
use h4inspect::core::diff::diff;
use h4inspect::core::finding::{Finding, Severity};
use h4inspect::core::index::Tag;
use h4inspect::core::report::{Chunks, FileAudit, Info};
use h4inspect::core::salvage::{Report, SalvageError, Settings, salvage};
use h4inspect::core::source::Source;
use h4inspect::core::task::Task;
use h4inspect::core::walk::Depth;
use oracle::{Said, Truth};
use random::Random;

/// Files where nobody asks for more.
const FEW: u64 = 1000;
/// One file in so many is put to the program itself.
const COMMANDS_EVERY: u64 = 25;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name}: not a number")))
}

#[test]
fn the_files_are_undamaged() {
    for base in bases::all() {
        let mut faults = codes(&audited(&base.bytes));
        faults.dedup();
        assert_eq!(faults, base.faults, "{}", base.name);
        let found = Damaged::new(&base).found(&base);
        assert_eq!(found.len(), base.chunks.len(), "{}", base.name);
        assert!(wrong_with(&base, &Damaged::new(&base)).is_empty(), "{}", base.name);
    }
}

/// Kinds of answers that no program could get right, and how many there are at most among [`FEW`] files: SEEK under META's tag
/// before the real one is the first META, and what it doesn't say of blocks can't be known.
const KNOWN: [(&str, u64); 1] = [("loses", 1)];

#[test]
fn damage_is_said_and_nothing_else() {
    let bases = bases::all();
    let (files, seed) = (variable("H4_DIFFERENTIAL").unwrap_or(FEW), variable("H4_DIFFERENTIAL_SEED").unwrap_or(1));
    let mut failures: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let one = variable("H4_DIFFERENTIAL_ONE");
    for nth in one.map_or(0..files, |one| one..one + 1) {
        let mut random = Random(seed.wrapping_mul(1 << 32).wrapping_add(nth));
        let base = &bases[random.below(bases.len())];
        let mut file = Damaged::new(base);
        for _ in 0..[1, 1, 1, 2][random.below(4)] {
            let edit = file.random(base, &mut random);
            file.apply(base, edit);
            if file.bytes.len() < 8 {
                break;
            }
        }
        let mut wrong = wrong_with(base, &file);
        if nth % COMMANDS_EVERY == 0 {
            wrong.extend(wrong_commands(base, &file));
        }
        if let (Some(folder), false) = (std::env::var_os("H4_DIFFERENTIAL_KEEP"), wrong.is_empty()) {
            std::fs::write(Path::new(&folder).join(format!("{nth}.h4mk")), &file.bytes).unwrap();
        }
        for why in wrong {
            let kind = why.split(':').next().unwrap_or_default().to_owned();
            failures.entry(kind).or_default().push((format!("{nth}: {:?} {:?}", base.name, file.edits), why));
        }
    }
    // More of a kind than there are now, or another kind, fails.
    failures.retain(|kind, of_kind| {
        let what = kind.strip_prefix("salvage ").map(|what| what.trim_start_matches("--repair "));
        let most =
            KNOWN.iter().find(|(known, _)| what == Some(known)).map_or(0, |(_, most)| most * files.div_ceil(FEW));
        of_kind.len() as u64 > most
    });
    let mut text = String::new();
    for (kind, of_kind) in &failures {
        text += &format!("\n{kind}: {} of {files}\n", of_kind.len());
        let mut examples: Vec<_> = of_kind.iter().collect();
        examples.sort_by_key(|(repro, why)| repro.len() + why.len());
        let most = variable("H4_DIFFERENTIAL_EXAMPLES").unwrap_or(4) as usize;
        examples.iter().take(most).for_each(|(repro, why)| text += &format!("  {repro}\n    {why}\n"));
    }
    assert!(failures.is_empty(), "seed {seed}:{text}");
}

fn source(bytes: &[u8]) -> Arc<Source> {
    Arc::new(Source::from_bytes("x", bytes.to_vec()))
}

fn audited(bytes: &[u8]) -> Audit {
    audit(&source(bytes), &Options::default(), &Task::default()).unwrap()
}

fn opened(bytes: &[u8], depth: Depth) -> Container {
    Container::read(source(bytes), Options::default(), depth, &Task::default()).unwrap()
}

fn salvaged(audit: &Audit, repair: bool) -> Result<(Report, Vec<u8>), SalvageError> {
    let mut out = Vec::new();
    salvage(audit, &Settings { repair, ..Settings::default() }, &mut out, &Task::default()).map(|report| (report, out))
}

/// Codes of warnings and errors, in file order.
fn codes(audit: &Audit) -> Vec<&'static str> {
    let faults = audit.findings.list().iter().filter(|finding| finding.severity != Severity::Info);
    faults.map(|finding| finding.code.name()).collect()
}

/// All that is wrong with what the library says of a file.
fn wrong_with(base: &Base, file: &Damaged) -> Vec<String> {
    catch_unwind(AssertUnwindSafe(|| {
        let truth = Truth::of(base, file);
        let audit = audited(&file.bytes);
        if truth.unclear {
            return Vec::new();
        }
        if !truth.readable {
            let right = audit.verdict == Verdict::Unreadable && audit.container.is_none();
            return if right { Vec::new() } else { vec!["unreadable: it was read".to_owned()] };
        }
        let Some(container) = audit.container.as_deref() else { return vec!["unreadable: it can be read".to_owned()] };
        let mut wrong = wrong_chunks(&truth, container);
        wrong.extend(truth.judge(&said(&audit)));
        wrong.extend(disagreements(&truth, &audit, container));
        wrong.extend(wrong_salvage(&truth, &audit));
        wrong
    }))
    .unwrap_or_else(|_| vec!["panic: it panics".to_owned()])
}

fn said(audit: &Audit) -> Vec<Said> {
    let said = audit.findings.list().iter().map(|finding| Said {
        code: finding.code.name().to_owned(),
        info: finding.severity == Severity::Info,
        range: finding.offset as usize..(finding.offset + finding.length) as usize,
        flip: finding.flip.map(|flip| (flip.offset as usize, flip.bit)),
    });
    said.collect()
}

/// Untouched chunks are found whole, others are only called intact if their CRC is right, and nothing in a payload is one.
fn wrong_chunks(truth: &Truth<'_>, container: &Container) -> Vec<String> {
    let mut wrong = Vec::new();
    for found in &truth.found {
        let tag = truth.base.chunks[found.chunk].tag;
        let chunk = container.index().at_offset(found.at as u64);
        let right = chunk.is_some_and(|chunk| {
            (chunk.offset(), chunk.end(), chunk.tag().0) == (found.at as u64, found.end as u64, tag)
                && container.is_intact(&chunk)
        });
        if !right && !truth.may_swallow() && !truth.is_behind_container(found.at) && !truth.proves_nothing(found) {
            let tag = String::from_utf8_lossy(&tag);
            wrong.push(format!("not found: untouched {tag} at {}..{}, but {chunk:?}", found.at, found.end));
        }
    }
    let (trailer, origin) = (if truth.base.mux { 4 } else { 0 }, &truth.file.origin);
    for chunk in container.index().iter() {
        let (at, end) = (chunk.offset() as usize, chunk.end() as usize);
        if truth.found.iter().any(|found| found.at == at) {
            continue;
        }
        let mended = chunk.state().is_intact() && !truth.is_right(at, end);
        // With a length that is repaired a mux chunk's CRC is of another header than the stored one.
        if mended && !(truth.base.mux && chunk.len() + 12 + trailer == chunk.end() - chunk.offset()) {
            wrong.push(format!("called intact: {chunk:?}"));
        }
        let inner = origin.get(at..at + 4).is_some_and(|origin| {
            let start = origin[0] as usize;
            truth.base.chunks.iter().any(|span| {
                span.payload.contains(&start) && origin.iter().zip(start..).all(|(found, at)| *found as usize == at)
            })
        });
        let told = Tag::KNOWN.contains(&chunk.tag()) && !truth.is_behind_container(at) && !truth.ends_in_ruins();
        if inner && told {
            wrong.push(format!("from a payload: {chunk:?}"));
        }
    }
    wrong
}

/// Commands that read all payload count the same, and so do those that read headers.
fn disagreements(truth: &Truth<'_>, audit: &Audit, container: &Container) -> Vec<String> {
    let (mut wrong, bytes) = (Vec::new(), &truth.file.bytes);
    let mut same = |what: &str, found: Value, expected: &Value| {
        if found != *expected {
            wrong.push(format!("{what}: {found}, audit {expected}"));
        }
    };
    let said = serde_json::to_value(FileAudit::new(&"x".into(), bytes.len() as u64, audit, |_| "".into())).unwrap();
    let (headers, checked) = (opened(bytes, Depth::Doubted), opened(bytes, Depth::Checked));
    let plain = serde_json::to_value(Info::new(&headers, None)).unwrap();
    let info = serde_json::to_value(Info::new(container, Some(audit))).unwrap();
    let chunks = serde_json::to_value(Chunks::new(&checked)).unwrap();
    let outline = serde_json::to_value(Chunks::new(&headers)).unwrap();
    let rows = chunks["chunks"].as_array().unwrap();
    let cores = |value: &Value| -> Value {
        value["chunks"].as_array().unwrap().iter().filter(|row| !row["block"].is_null()).count().into()
    };
    same("info --check blocks", info["blocks"].clone(), &said["blocks"]);
    same("info --check seek", info["seek"].clone(), &said["seek"]);
    same("info --check veri", info["veri"].clone(), &said["veri"]);
    for opened in [&headers, &checked] {
        let verified = verify(opened, &Task::default()).unwrap();
        same("verify", verified.verification.status.name().into(), &said["veri"]["status"]);
    }
    same("chunks --check", rows.len().into(), &said["chunks"]);
    same("chunks --check blocks", cores(&chunks), &said["blocks"]);
    let intact = rows.iter().filter(|row| !row["block"].is_null() && row["crc_ok"] == true).count();
    same("chunks --check intact", intact.into(), &said["blocks_intact"]);
    if !truth.hides_quietly() {
        same("info blocks", plain["blocks"].clone(), &said["blocks"]);
        same("info tags", plain["tags"].clone(), &info["tags"]);
        // A sidecar whose flipped bit the digest confirms is read by those that compute it.
        let mended = |finding: &Finding| finding.block.is_none() && finding.flip.is_some_and(|flip| flip.confirmed);
        if !audit.findings.list().iter().any(mended) {
            same("info tracks", plain["tracks"].clone(), &info["tracks"]);
            // How much a damaged block decodes to isn't known, nor where SEEK's entries after it lead.
            if !info["duration_us"].is_null() {
                same("info duration", plain["duration_us"].clone(), &info["duration_us"]);
            }
        }
        same("manifest blocks", headers.manifest()["blocks"].clone(), &said["blocks"]);
        same("chunks", outline["chunks"].as_array().unwrap().len().into(), &said["chunks"]);
    }
    let difference = diff(&checked, &checked, &Task::default()).unwrap();
    if !difference.is_same() {
        wrong.push("diff: of a file with itself".to_owned());
    }
    wrong
}

/// Warnings that what salvage writes may carry: it edits no META, and blocks that are gone stay gone.
const LEFT: [&str; 7] = [
    "seek-gop-mismatch",
    "no-blocks",
    "block-size-mismatch",
    "json-field-invalid",
    "track-block-unindexed",
    "track-starts-without-keyframe",
    "chunk-missing",
];

fn wrong_salvage(truth: &Truth<'_>, audit: &Audit) -> Vec<String> {
    let mut wrong = Vec::new();
    for repair in [false, true] {
        let name = if repair { "salvage --repair" } else { "salvage" };
        let (report, out) = match salvaged(audit, repair) {
            Ok(done) => done,
            Err(SalvageError::Nothing) if truth.is_empty() || truth.container.is_some() => continue,
            Err(error) => {
                wrong.push(format!("{name} fails: {error}"));
                continue;
            }
        };
        let container = audit.container.as_deref().unwrap();
        if report.blocks_before != container.index().blocks() {
            wrong.push(format!("{name} counts: {} blocks, audit {}", report.blocks_before, container.index().blocks()));
        }
        let after = audited(&out);
        let Some(written) = after.container.as_deref() else {
            wrong.push(format!("{name} output: can't be read"));
            continue;
        };
        let before = codes(audit);
        let left = |code: &&str| LEFT.contains(code) || before.contains(code);
        let bad: Vec<_> = codes(&after).into_iter().filter(|code| !left(code)).collect();
        if !bad.is_empty() || after.verdict > Verdict::Suspect {
            wrong.push(format!("{name} output: {bad:?}, of {:?}", before));
        }
        if report.blocks_after != written.index().blocks() {
            wrong.push(format!("{name} counts: {} written, {} there", report.blocks_after, written.index().blocks()));
        }
        wrong.extend(wrong_blocks(truth, written, &report, name));
        match salvaged(&after, repair) {
            Ok((again, same)) => {
                if same != out {
                    wrong.push(format!("{name} again: another file, {:?}", again.rebuilt));
                }
            }
            Err(error) => wrong.push(format!("{name} again: {error}")),
        }
    }
    wrong
}

/// Each block that is whole is in the output, and nothing that never was one.
fn wrong_blocks(truth: &Truth<'_>, written: &Container, report: &Report, name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let read = written.index().with_tag(Tag::CORE).map(|chunk| written.payload(&chunk).read());
    let read: Vec<_> = read.collect();
    let blocks: Vec<&[u8]> = read.iter().map(|block| &**block).collect();
    let base = truth.base;
    let payload = |chunk: usize| &base.bytes[base.chunks[chunk].payload.clone()];
    let cores = |chunk: &usize| base.chunks[*chunk].tag == *b"CORE";
    let told = |found: &&Found| !truth.is_behind_container(found.at) && !truth.proves_nothing(found);
    let whole = truth.found.iter().filter(told).map(|found| found.chunk);
    if !base.bound && !truth.may_swallow() {
        let mut left = blocks.iter();
        for block in whole.filter(cores) {
            if !left.any(|written| *written == payload(block)) {
                wrong.push(format!("{name} loses: block in chunk {block}"));
                break;
            }
        }
    }
    let originals: BTreeSet<&[u8]> = (0..base.chunks.len()).filter(cores).map(payload).collect();
    let renames = |edit: &Edit| matches!(edit, Edit::Forge { .. } | Edit::Retag { .. });
    let renames = truth.file.edits.iter().any(renames) || truth.areas.iter().any(|area| truth.is_chain(area));
    if let (Some(odd), false) = (blocks.iter().position(|block| !originals.contains(block)), renames) {
        wrong.push(format!("{name} invents: block {odd} of the output, {} bytes", blocks[odd].len()));
    }
    if let (Some(frame_us), Some(table)) = (base.frame_us, written.seek_table()) {
        let expected: Vec<_> = (0..base.chunks.len()).filter(cores).map(payload).collect();
        for entry in table.rows.iter().filter(|_| !truth.silent) {
            let block = written.seek(entry.pts_us, None).ok().and_then(|answer| answer.block);
            let found = block.and_then(|block| blocks.get(block as usize));
            if found != expected.get((entry.pts_us / frame_us) as usize) {
                wrong.push(format!("{name} seek: {} µs leads to {block:?}", entry.pts_us));
                break;
            }
        }
    }
    let gone = originals.iter().any(|original| !blocks.contains(original));
    if gone && report.nothing_lost() && !truth.silent && !base.bound && truth.container.is_none() {
        wrong.push(format!("{name} says nothing was lost: a block is not in the output"));
    }
    wrong
}

/// The same of the commands themselves.
fn wrong_commands(base: &Base, file: &Damaged) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.h4mk");
    std::fs::write(&path, &file.bytes).unwrap();
    let (name, truth) = (path.to_str().unwrap(), Truth::of(base, file));
    let json = |args: &[&str]| -> (i32, Value) {
        let (status, out, _) = run(args);
        (status, serde_json::from_slice(&out).unwrap_or(Value::Null))
    };
    let (status, audit) = json(&["audit", "--format", "json", name]);
    let audit = &audit[0];
    let mut wrong = Vec::new();
    let mut must = |right: bool, what: &str, found: String| {
        if !right {
            wrong.push(format!("command {what}: {found}"));
        }
    };
    let expected = match audit["verdict"].as_str() {
        Some("unreadable") => 3,
        Some("damaged") => 1,
        _ if audit["complete"] == false => 4,
        _ => 0,
    };
    must(status == expected, "audit", format!("ends with {status}, {}", audit["verdict"]));
    if truth.unclear {
        return wrong;
    }
    if !truth.readable {
        for command in ["info", "chunks", "manifest", "verify"] {
            let (status, _, _) = run(&[command, name]);
            must(status == 3, command, format!("ends with {status}"));
        }
        return wrong;
    }
    // What a length hides is only known by every CRC, unless something counts it.
    let agrees = |args: &&&[&str]| args.contains(&"--check") || !truth.hides_quietly();
    let info = [&["info", "--json", name][..], &["info", "--json", "--check", name], &["manifest", name]];
    for args in info.iter().filter(agrees) {
        let (_, said) = json(args);
        let found = format!("{}, audit {}", said["blocks"], audit["blocks"]);
        must(said["blocks"] == audit["blocks"], &args[..args.len() - 1].join(" "), found);
    }
    let chunks = [&["chunks", "--json", name][..], &["chunks", "--json", "--check", name]];
    for args in chunks.iter().filter(agrees) {
        let (_, said) = json(args);
        let rows = said["chunks"].as_array().unwrap();
        let counts = [rows.len(), rows.iter().filter(|row| !row["block"].is_null()).count()];
        let right = audit["chunks"] == counts[0] && audit["blocks"] == counts[1];
        let found = format!("{counts:?}, audit {} and {}", audit["chunks"], audit["blocks"]);
        must(right, &args[..args.len() - 1].join(" "), found);
    }
    let (_, verify) = json(&["verify", "--json", name]);
    must(
        verify["status"] == audit["veri"]["status"],
        "verify",
        format!("{}, audit {}", verify["status"], audit["veri"]["status"]),
    );
    let (status, _, _) = run(&["diff", name, name]);
    must(status == 0, "diff", format!("of a file with itself ends with {status}"));
    let (_, rows) = json(&["chunks", "--json", "--check", name]);
    let stored: u64 = rows["chunks"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|row| !row["block"].is_null())
        .filter_map(|row| row["length"].as_u64())
        .sum();
    let blocks = audit["blocks"].as_u64().unwrap_or(0);
    let out = folder.path().join("raw");
    let (status, _, said) = run(&["unpack", "--raw", name, "--out", out.to_str().unwrap()]);
    let unpacked = std::fs::metadata(&out).map(|meta| meta.len()).ok();
    let headers = if base.mux { 8 * blocks } else { 0 };
    // A block of no track has no header to leave out.
    let tagged = |edit: &Edit| matches!(edit, Edit::Forge { .. } | Edit::Retag { .. });
    let damaged = audit["blocks_intact"] != audit["blocks"] || base.mux && file.edits.iter().any(tagged);
    must(
        damaged || unpacked == Some(stored - headers) || blocks == 0,
        "unpack",
        format!("{unpacked:?} bytes of {} ({status}) {said}", stored - headers),
    );
    let out = folder.path().join("salvaged");
    let (status, salvage) = json(&["salvage", "--json", name, "--out", out.to_str().unwrap()]);
    must(
        salvage.is_null() || salvage["blocks"] == audit["blocks"],
        "salvage",
        format!("{}, audit {}", salvage["blocks"], audit["blocks"]),
    );
    must(status == 0 || status == 1, "salvage", format!("ends with {status}"));
    wrong
}
