//! Tracks of both layouts: what is said of an index or a table that is wrong, and only of that; and which blocks a time
//! in a track needs.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::builder::{
    Mux, Transport, Veri, audited, faults, meta, mux_chunk, of, rle, spans, wrongly_salvaged_if_damaged,
};
use crate::support::{json_of, run};
use h4inspect::core::audit::Audit;
use h4inspect::core::finding::{Code, Severity};
use h4inspect::core::salvage::{Report, Settings, salvage};
use h4inspect::core::task::Task;
use h4inspect::core::tracks::Kind;

/// A transport container of several tracks; its fields are the knobs.
struct Tracks {
    blocks: usize,
    /// Entries of the index, one a block.
    trak: Vec<Value>,
    /// Tables: id, and rows of pts and block.
    seekm: Vec<(String, Vec<(u64, u32)>)>,
    /// META fields besides the two.
    fields: String,
    /// In place of the index.
    trak_text: Option<String>,
}

impl Tracks {
    /// Two tracks of alternating blocks, a keyframe every third block of each, 10 µs apart.
    fn new(per_track: u64) -> Self {
        let ids = ["a", "v"];
        let entry = |block: u64| {
            let (track, nth) = (ids[block as usize % 2], block / 2);
            let kind = if nth % 3 == 0 { "I" } else { "P" };
            json!({"track_id": track, "pts_us": nth * 10, "kind": kind, "keyframe": kind == "I", "core_index": block})
        };
        let rows = |id: &str| {
            let own = (0..2 * per_track).filter(|block| ids[*block as usize % 2] == id && block / 2 % 3 == 0);
            own.map(|block| (block / 2 * 10, block as u32)).collect()
        };
        Self {
            blocks: 2 * per_track as usize,
            trak: (0..2 * per_track).map(entry).collect(),
            seekm: ids.map(|id| (id.to_owned(), rows(id))).to_vec(),
            fields: r#","tracks":["a","v"]"#.to_owned(),
            trak_text: None,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn build(&self) -> Vec<u8> {
        let mut seekm = (self.seekm.len() as u32).to_be_bytes().to_vec();
        for (id, rows) in &self.seekm {
            seekm.extend((id.len() as u16).to_be_bytes());
            seekm.extend(id.as_bytes());
            seekm.extend((rows.len() as u32).to_be_bytes());
            rows.iter().for_each(|(pts, block)| {
                seekm.extend(pts.to_be_bytes());
                seekm.extend(block.to_be_bytes());
            });
        }
        let text = self.trak_text.clone().unwrap_or_else(|| json!({ "trak": self.trak }).to_string());
        let (trak, seekm) = (BASE64_STANDARD.encode(text), BASE64_STANDARD.encode(seekm));
        let payload = meta(&format!(r#""trak_b64":"{trak}","seekm_b64":"{seekm}"{}"#, self.fields));
        let blocks: Vec<_> = (0..self.blocks).map(|block| rle(256, (3 + 7 * block % 250) as u8)).collect();
        Transport::new(0).with(|t| (t.blocks, t.meta, t.seek) = (blocks, payload, Some(vec![0; 4]))).build()
    }
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

fn seek(bytes: &[u8], time: &str, track: &str) -> Value {
    json_of(0, &["seek", file(bytes).path().to_str().unwrap(), time, "--track", track, "--json"])
}

type Change = fn(&mut Tracks);

#[test]
fn each_fault_of_an_index_or_a_table_is_one_finding() {
    let cases: &[(&str, Change, &[&str])] = &[
        ("none", |_| (), &[]),
        (
            "a number as an id",
            |t| {
                t.fields = r#","tracks":["a",7]"#.to_owned();
                t.trak.iter_mut().filter(|e| e["track_id"] == "v").for_each(|e| e["track_id"] = json!(7));
                t.seekm[1].0 = "7".to_owned();
            },
            &[],
        ),
        ("null is absent", |t| t.trak.iter_mut().for_each(|e| e["keyframe"] = Value::Null), &[]),
        ("whole float", |t| t.trak[4]["pts_us"] = json!(20.0), &[]),
        ("P that is a keyframe", |t| t.trak[2]["keyframe"] = json!(true), &["track-entry-inconsistent"]),
        ("I that is none", |t| t.trak[6]["keyframe"] = json!(false), &["track-entry-inconsistent"]),
        ("the first I is none", |t| t.trak[0]["keyframe"] = json!(false), &["track-entry-inconsistent"]),
        ("negative pts", |t| t.trak[4]["pts_us"] = json!(-20), &["track-index-invalid"]),
        ("negative pts of a keyframe", |t| t.trak[6]["pts_us"] = json!(-20), &["track-index-invalid"]),
        ("negative pts of the first", |t| t.trak[0]["pts_us"] = json!(-1), &["track-index-invalid"]),
        ("half a microsecond", |t| t.trak[0]["pts_us"] = json!(0.5), &["track-index-invalid"]),
        ("negative as a signed number", |t| t.trak[0]["pts_us"] = json!(u64::MAX), &["track-index-invalid"]),
        ("no id", |t| t.trak[6]["track_id"] = Value::Null, &["track-index-invalid"]),
        ("no block", |t| t.trak[0]["core_index"] = json!("0"), &["track-index-invalid"]),
        ("no entry", |t| t.trak[0] = json!(5), &["track-index-invalid"]),
        ("an odd flag", |t| t.trak[0]["keyframe"] = json!(1), &["track-index-invalid"]),
        ("two bad entries", |t| (t.trak[0], t.trak[7]) = (json!([]), json!({})), &["track-index-invalid"; 2]),
        ("out of range", |t| t.trak[5]["core_index"] = json!(99), &["track-block-out-of-range"]),
        ("a keyframe out of range", |t| t.trak[6]["core_index"] = json!(99), &["track-block-out-of-range"]),
        ("the first out of range", |t| t.trak[0]["core_index"] = json!(99), &["track-block-out-of-range"]),
        ("wrong and in range", |t| t.trak[6]["core_index"] = json!(5), &["track-index-invalid"]),
        ("an entry twice", |t| t.trak.insert(7, t.trak[3].clone()), &["track-index-invalid"]),
        ("an entry three times", |t| t.trak.extend(vec![t.trak[3].clone(); 2]), &["track-index-invalid"; 2]),
        (
            "two entries for a block",
            |t| {
                t.trak.push(t.trak[3].clone());
                t.trak[18]["track_id"] = json!("a");
            },
            &["track-index-invalid"],
        ),
        ("a kind that is none", |t| t.trak[2]["kind"] = json!("X"), &["track-kind-reserved"]),
        ("no list", |t| t.trak_text = Some(r#"{"trak":{}}"#.to_owned()), &["track-index-invalid"]),
        ("no JSON", |t| t.trak_text = Some("{".to_owned()), &["track-index-invalid"]),
        ("a table out of order", |t| t.seekm[0].1.swap(0, 1), &["track-unsorted"]),
        ("both out of order", |t| t.seekm.iter_mut().for_each(|table| table.1.swap(0, 1)), &["track-unsorted"; 2]),
        ("a wrong block", |t| t.seekm[0].1[1].1 = 5, &["track-seek-unresolved"]),
        ("no keyframe", |t| t.seekm[0].1[1].1 = 8, &["track-seek-unresolved"]),
        ("a wrong last block", |t| t.seekm[0].1[2].1 += 2, &["track-seek-unresolved"]),
        ("a wrong pts", |t| t.seekm[0].1[1].0 = 31, &["track-seek-unresolved"]),
        ("a wrong pts out of order", |t| t.seekm[0].1[1].0 = 3100, &["track-seek-unresolved"]),
        ("a negative pts", |t| t.seekm[0].1[1].0 = u64::MAX, &["track-seek-invalid"]),
        (
            "all by one, with nothing lost",
            |t| t.seekm[0].1.iter_mut().for_each(|r| r.1 += 1),
            &["track-seek-unresolved"; 3],
        ),
        ("a row left out", |t| _ = t.seekm[0].1.remove(1), &["track-seek-incomplete"]),
        ("the last left out", |t| _ = t.seekm[0].1.pop(), &["track-seek-incomplete"]),
        ("all left out", |t| t.seekm[0].1.clear(), &["track-seek-incomplete"]),
        (
            "left out and wrong",
            |t| {
                t.seekm[0].1.remove(0);
                t.seekm[1].1[0].1 = 3;
            },
            &["track-seek-incomplete", "track-seek-unresolved"],
        ),
        ("no table", |t| _ = t.seekm.pop(), &["track-seek-missing"]),
        ("a table of nobody", |t| t.seekm.push(("x".to_owned(), vec![(0, 0)])), &["track-unknown"]),
        ("a table under a wrong id", |t| t.seekm[1].0 = "w".to_owned(), &["track-unknown"]),
        (
            "of META's own",
            |t| {
                t.seekm.push(("x".to_owned(), Vec::new()));
                t.fields.push_str(r#","track_id":"x""#);
            },
            &[],
        ),
        ("of TRAK's", |t| t.fields.clear(), &[]),
        (
            "of nobody without a list",
            |t| {
                t.fields.clear();
                t.seekm.push(("x".to_owned(), vec![(0, 0)]));
            },
            &["track-unknown"],
        ),
        (
            "of a track that an unreadable index may declare",
            |t| {
                (t.fields, t.trak_text) = (String::new(), Some("{".to_owned()));
            },
            &["track-index-invalid"],
        ),
        ("blocks of nobody", |t| t.fields = r#","tracks":["a"]"#.to_owned(), &["track-unknown"]),
        ("a second table", |t| t.seekm[1].0 = "a".to_owned(), &["track-seek-invalid"]),
        (
            "twice the same key",
            |t| {
                t.trak_text =
                    Some(json!({ "trak": t.trak }).to_string().replacen(r#""kind""#, r#""kind":"B","kind""#, 1));
            },
            &["json-duplicate-key"],
        ),
        (
            "half a pair",
            |t| {
                t.trak_text =
                    Some(json!({ "trak": t.trak }).to_string().replacen('{', r#"{"note":"\ud800","\udc00":1,"#, 1));
            },
            &["json-surrogate"],
        ),
        (
            "too deep",
            |t| {
                let deep = format!(r#"{{"note":{}{},"#, "[".repeat(128), "]".repeat(128));
                t.trak_text = Some(json!({ "trak": t.trak }).to_string().replacen('{', &deep, 1));
            },
            &["json-limit"],
        ),
    ];
    let mut wrong = Vec::new();
    for (name, change, expected) in cases {
        let file = Tracks::new(9).with(*change).build();
        let audit = audited(&file);
        let mut found = faults(&audit);
        found.sort_unstable();
        if found != *expected || audit.complete == expected.contains(&"json-limit") {
            wrong.push(format!("{name}: {:#?}", audit.findings.list()));
        }
        let (report, _) = salvaged(&audit);
        let had_errors = audit.findings.list().iter().any(|f| f.severity == Severity::Error);
        if had_errors && report.rebuilt.is_empty() {
            wrong.push(format!("{name}: salvage rebuilds nothing, {report:?}"));
        }
        if file.len() < 1 << 20 {
            let salvaged = wrongly_salvaged_if_damaged(&file).expect("each has three chunks");
            wrong.extend(salvaged.into_iter().map(|why| format!("{name}, {why}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn salvaged(audit: &Audit) -> (Report, Vec<u8>) {
    let mut out = Vec::new();
    let report = salvage(audit, &Settings::default(), &mut out, &Task::default()).unwrap();
    (report, out)
}

/// An entry whose kind and keyframe flag contradict each other is what the track's table says, and no keyframe without.
#[test]
fn salvage_settles_entries_that_contradict_themselves() {
    let cases: [(usize, bool, bool); 4] = [(2, true, false), (6, false, true), (0, false, true), (10, true, false)];
    for (block, flag, keyframe) in cases {
        let file = Tracks::new(9).with(|t| t.trak[block]["keyframe"] = json!(flag)).build();
        let (report, out) = salvaged(&audited(&file));
        assert!(!report.nothing_lost());
        let after = audited(&out);
        let tracks = after.container.as_ref().unwrap().tracks().unwrap();
        let (_, entry) = tracks.of_block(block as u64).unwrap();
        assert_eq!((entry.keyframe, entry.kind == Kind::I), (keyframe, keyframe), "block {block}");
    }
}

/// Each entry of an index is in the output, or its loss is said; only a plain repeat is none.
#[test]
fn salvage_says_which_entries_of_an_index_are_gone() {
    let lossy: [Change; 7] = [
        |t| t.trak[4]["pts_us"] = json!(-20),
        |t| t.trak[4]["track_id"] = Value::Null,
        |t| t.trak[4]["core_index"] = json!("4"),
        |t| t.trak[4] = json!(7),
        |t| t.trak[4]["core_index"] = json!(99),
        |t| t.trak[4]["core_index"] = json!(2),
        |t| {
            t.trak.push(t.trak[4].clone());
            t.trak[18]["pts_us"] = json!(5);
        },
    ];
    for (at, change) in lossy.iter().enumerate() {
        let (report, _) = salvaged(&audited(&Tracks::new(9).with(change).build()));
        assert!(!report.nothing_lost() && report.rebuilt.iter().any(|rebuilt| rebuilt.lost), "{at}: {report:?}");
    }
    let (clean, repeated) = (Tracks::new(9), Tracks::new(9).with(|t| t.trak.push(t.trak[4].clone())));
    let (report, out) = salvaged(&audited(&repeated.build()));
    assert!(report.nothing_lost() && out == clean.build(), "{report:?}");
    assert!(report.rebuilt.iter().any(|rebuilt| rebuilt.how.contains("several entries for one block")), "{report:?}");
}

/// Of two entries for a block the first counts, and whoever reads the track reads the block once.
#[test]
fn each_block_is_read_once_however_often_an_index_names_it() {
    let clean = Tracks::new(9).build();
    let dir = tempfile::tempdir().unwrap();
    let unpacked = |bytes: &[u8], track: &str| {
        let (source, out) = (file(bytes), dir.path().join("out"));
        let args = ["unpack", source.path().to_str().unwrap(), "--track", track, "--force", "--out"];
        run(&[&args[..], &[out.to_str().unwrap()]].concat());
        std::fs::read(&out).unwrap()
    };
    for track in ["v", "a"] {
        let repeated = Tracks::new(9).with(|t| {
            let mut again = t.trak[5].clone();
            again["track_id"] = json!(track);
            t.trak.push(again);
        });
        let bytes = repeated.build();
        let said = of(&audited(&bytes), Code::TrackIndexInvalid).first().unwrap().message.clone();
        assert!(said.contains("entry 18") && said.contains("block 5") && said.contains("entry 5"), "{said}");
        for read in ["v", "a"] {
            assert_eq!(unpacked(&bytes, read), unpacked(&clean, read), "track {read}");
        }
        assert_eq!(seek(&bytes, "50", "v")["chain"], json!([7, 9, 11]));
        assert_eq!(seek(&bytes, "20", "v")["chain"], json!([1, 3, 5]));
    }
}

/// Tables follow the blocks also where the META that holds them is the second one.
#[test]
fn tables_are_those_of_the_meta_that_is_kept() {
    let clean = Tracks::new(9).build();
    let at = spans(&clean).into_iter().find(|span| &span.tag == b"META").unwrap().whole.start;
    let bytes = [&clean[..at], &crate::builder::chunk(b"META", b"{"), &clean[at..]].concat();
    assert_eq!(wrongly_salvaged_if_damaged(&bytes), Some(Vec::new()));
    let second = spans(&bytes)[1].whole.clone();
    let (report, out) = salvaged(&audited(&[&bytes[..second.start], &bytes[second.end..]].concat()));
    let after = audited(&out);
    let tracks = after.container.as_ref().unwrap().tracks().map(|tracks| tracks.list.len());
    assert_eq!(tracks, Some(2), "{report:?}");
}

#[test]
fn tables_of_mux_tracks_are_checked_likewise() {
    let file = Mux::new(12).build();
    let found = spans(&file);
    let tables: Vec<_> = found.iter().filter(|span| &span.tag == b"TSEK").map(|span| span.payload.clone()).collect();
    // Makes a file anew with the first table changed.
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut payload = file[tables[0].clone()].to_vec();
        change(&mut payload);
        let (start, end) = (tables[0].start - 12, tables[0].end + 4);
        let mut out = [&file[..start], &mux_chunk(b"TSEK", 0, &payload), &file[end..file.len() - 4]].concat();
        out.extend(crc32fast::hash(&out).to_le_bytes());
        faults(&audited(&out)).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let row = |at: usize| 16 + at * 8;
    assert_eq!(changed(&|_| ()), [""; 0]);
    assert_eq!(changed(&|p| p[row(0)..row(2)].rotate_left(8)), ["track-unsorted"]);
    assert_eq!(changed(&|p| p[row(1) + 4] ^= 1), ["track-seek-unresolved"]);
    assert_eq!(changed(&|p| p[row(5) + 4] ^= 1), ["track-seek-unresolved"], "the last one by itself");
    assert_eq!(changed(&|p| p[row(1)] ^= 0x80), ["track-seek-unresolved"]);
    assert_eq!(changed(&|p| p[4] = 9), ["track-unknown"], "of no track, and the other's is not missing beside");
    let fewer = |p: &mut Vec<u8>| {
        p.drain(row(2)..row(4));
        p[12] -= 2;
    };
    assert_eq!(changed(&fewer), ["track-seek-incomplete"]);
    let without_trak = Mux::new(12).with(|mux| mux.trak = Some(b"?".to_vec())).build();
    assert_eq!(faults(&audited(&without_trak)), ["json-invalid"]);
}

#[test]
fn one_bad_entry_of_trak_is_one_finding() {
    for (bad, code) in [
        (r#"{"name":"b"}"#, "json-field-invalid"),
        (r#"{"track_id":"2"}"#, "json-field-invalid"),
        (r#"{"track_id":70000}"#, "json-field-invalid"),
        ("7", "json-field-invalid"),
        (r#"{"track_id":9}"#, "track-unknown"),
        (r#"{"track_id":2,"name":"\ud800"}"#, "json-surrogate"),
        (r#"{"track_id":2,"name":5}"#, "json-field-invalid"),
    ] {
        let trak = format!(r#"{{"tracks":[{{"track_id":1}},{bad}]}}"#);
        let file = Mux::new(4).with(|mux| mux.trak = Some(trak.into_bytes())).build();
        assert_eq!(faults(&audited(&file)), [code], "{bad}");
    }
    let none = Mux::new(4).with(|mux| mux.trak = Some(br#"{"tracks":[]}"#.to_vec())).build();
    assert_eq!(faults(&audited(&none)), ["track-unknown"; 2]);
}

#[test]
fn a_cut_mux_file_is_cut_and_nothing_else() {
    let file = Mux::new(6).build();
    let measured = ["veri-mismatch", "veri-unsupported", "container-crc-mismatch"];
    for end in 17..file.len() {
        let audit = audited(&file[..end]);
        let found: Vec<_> = faults(&audit).into_iter().filter(|code| !measured.contains(code)).collect();
        let cut = ["chunk-truncated", "container-crc-missing", "trailing-bytes", "region-skipped"];
        assert!(found.iter().all(|code| cut.contains(code)) && !found.is_empty(), "cut at {end}: {found:?}");
    }
}

#[test]
fn entries_that_a_lost_chunk_has_moved_are_no_faults_of_their_own() {
    let file = Mux::new(12).with(|mux| mux.veri = Some(b"{}".to_vec())).build();
    let cores: Vec<_> = spans(&file).into_iter().filter(|span| &span.tag == b"CORE").collect();
    for span in &cores[1..20] {
        let lost = [&file[..span.whole.start], &file[span.whole.end..]].concat();
        let found = faults(&audited(&lost)).into_iter().filter(|code| code.starts_with("track")).collect::<Vec<_>>();
        assert_eq!(found, [""; 0], "without the chunk at {}", span.whole.start);
        let mut closed = lost[..lost.len() - 4].to_vec();
        closed.extend(crc32fast::hash(&closed).to_le_bytes());
        let found = of(&audited(&closed), Code::TrackSeekUnresolved).len();
        assert!(found > 0, "nothing says that anything was lost at {}", span.whole.start);
    }
}

#[test]
fn chains_of_tracks_follow_the_blocks() {
    let plain = Tracks::new(9).build();
    let answer = seek(&plain, "50", "v");
    assert_eq!((&answer["block_index"], &answer["chain"]), (&json!(7), &json!([7, 9, 11])));
    // However the index lists them.
    let listed = Tracks::new(9).with(|t| t.trak.reverse()).build();
    assert_eq!(seek(&listed, "50", "v"), answer);
    let sparse = Tracks::new(9).with(|t| t.seekm[1].1.truncate(1)).build();
    let followed = seek(&sparse, "50", "v");
    assert_eq!((&followed["block_index"], &followed["chain"]), (&answer["block_index"], &answer["chain"]));
    assert_eq!((&followed["keyframe_pts_us"], &followed["keyframe_entry_index"]), (&json!(30), &json!(0)));
    assert_eq!((&followed["meaning"], &followed["scanned"]), (&Value::Null, &json!(true)));
    let path = file(&sparse);
    let (status, text, said) = run(&["seek", path.path().to_str().unwrap(), "50", "--track", "v"]);
    assert_eq!(status, 0);
    assert!(
        String::from_utf8(text).unwrap().contains("leaves out this keyframe") && said.contains("entry 0"),
        "{said}"
    );
    // A row that leads elsewhere is passed over likewise.
    let astray = Tracks::new(9).with(|t| t.seekm[1].1[1].1 = 8).build();
    assert_eq!(seek(&astray, "50", "v")["chain"], answer["chain"]);
    let late = Tracks::new(9)
        .with(|t| t.trak.iter_mut().for_each(|e| e["pts_us"] = json!(e["pts_us"].as_u64().unwrap() + 100)))
        .build();
    let early = seek(&late, "50", "v");
    assert_eq!((&early["chain"], &early["before_first"], &early["block_index"]), (&json!([]), &json!(true), &json!(1)));
    // Without an index the keyframe's own time needs no more than it.
    let blind = Tracks::new(9).with(|t| t.trak_text = Some("{".to_owned())).build();
    assert_eq!(seek(&blind, "30", "v")["chain"], json!([7]));
    assert_eq!(seek(&blind, "40", "v").get("chain"), None);
}

/// An index that names every block there is and one more knows of a block that is gone, but not where it was.
#[test]
fn numbers_are_provisional_where_an_index_names_more_blocks_than_there_are() {
    let file = Tracks::new(9).build();
    for lost in [0, 4, 9, 17] {
        let whole = crate::builder::span(&file, b"CORE", lost).whole;
        let answer = seek(&[&file[..whole.start], &file[whole.end..]].concat(), "50", "v");
        assert_eq!(answer["provisional_from"], json!(0), "without block {lost}: {answer}");
    }
    // One entry that is off is no sign of that.
    for block in [18, 99] {
        let slip = Tracks::new(9).with(|t| t.trak[5]["core_index"] = json!(block)).build();
        assert_eq!(seek(&slip, "50", "v").get("provisional_from"), None);
    }
    assert_eq!(seek(&file, "50", "v").get("provisional_from"), None);
}

#[test]
fn an_index_that_cannot_be_read_unpacks_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let out_arg = out.to_str().unwrap();
    for text in ["{", "[]", r#"{"trak":5}"#, ""] {
        let path = file(&Tracks::new(3).with(|t| t.trak_text = Some(text.to_owned())).build());
        for raw in [&["--raw"][..], &[]] {
            let args = [&["unpack", path.path().to_str().unwrap(), "--track", "v", "--out", out_arg], raw].concat();
            let (status, _, said) = run(&args);
            assert!(status == 1 && said.contains("can't be read") && !out.exists(), "{text}: {status} {said}");
        }
    }
    let path = file(&Tracks::new(3).with(|t| t.trak[3]["pts_us"] = json!(-1)).build());
    let (status, _, said) = run(&["unpack", path.path().to_str().unwrap(), "--track", "v", "--out", out_arg]);
    assert!(status == 1 && said.contains("some of its blocks may be left out"), "{said}");
    assert_eq!(std::fs::metadata(&out).unwrap().len(), 2 * 256);
}

#[test]
fn times_that_nothing_gives_are_refused_for_their_reason() {
    let empty = Mux::new(0).build();
    let (status, _, said) = run(&["seek", file(&empty).path().to_str().unwrap(), "50%"]);
    assert!(status == 1 && said.contains("there are no blocks") && !said.contains("fps_hint"), "{said}");
}

/// A healthy file of 175,000 blocks in two tracks: no limit of the program is a fault of the file.
#[test]
fn a_long_index_is_read_whole() {
    const PER_TRACK: u64 = 87_500;
    let file = file(&Tracks::new(PER_TRACK).build());
    let path = file.path().to_str().unwrap();
    let audit = json_of(0, &["audit", path, "--format", "json"]);
    assert_eq!((&audit[0]["verdict"], &audit[0]["complete"]), (&json!("ok"), &json!(true)), "{}", audit[0]["findings"]);
    let info = json_of(0, &["info", path, "--json"]);
    let tracks: Vec<_> = info["tracks"].as_array().unwrap().iter().map(|track| &track["blocks"]).collect();
    assert_eq!(tracks, [&json!(PER_TRACK), &json!(PER_TRACK)], "{}", info["tracks"]);
    let out = tempfile::tempdir().unwrap();
    let salvaged = out.path().join("out.h4mk");
    let (status, ..) = run(&["salvage", path, "--out", salvaged.to_str().unwrap()]);
    assert!(status == 0 && std::fs::read(path).unwrap() == std::fs::read(salvaged).unwrap());
}

/// What is beyond a limit is kept as it is, and the output is as good as the source.
#[test]
fn salvage_keeps_what_is_beyond_a_limit() {
    let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
    let long = "x".repeat(65 << 20);
    let odd = |t: &mut Transport| t.blocks.iter_mut().for_each(|block| block.push(7));
    let transport = |change: &dyn Fn(&mut Transport)| Transport::new(4).with(|t| change(t)).build();
    let veri = |text: &str| Veri::Raw(format!(r#"{{"sha256":"{}","x":{text}}}"#, "ab".repeat(32)).into_bytes());
    let files = [
        ("deep META", transport(&|t| t.meta = meta(&format!(r#""block_size":256,"deep":{deep}"#)))),
        ("deep SAFE", transport(&|t| t.safe = format!(r#"{{"deep":{deep}}}"#).into_bytes())),
        ("deep VERI", transport(&|t| t.veri = veri(&deep))),
        (
            "long META",
            transport(&|t| {
                t.meta = format!(r#"{{"compression":{{"engine":"core"}},"long":"{long}"}}"#).into_bytes();
                odd(t);
            }),
        ),
        ("long SAFE", transport(&|t| t.safe = format!(r#"{{"long":"{long}"}}"#).into_bytes())),
        (
            "deep TRAK",
            Mux::new(4)
                .with(|m| {
                    m.trak = Some(
                        format!(r#"{{"x":{deep},"tracks":[{{"track_id":1,"note":{deep}}},{{"track_id":2}}]}}"#)
                            .into_bytes(),
                    );
                })
                .build(),
        ),
        ("deep mux META", Mux::new(4).with(|m| m.meta = format!(r#"{{"x":{deep}}}"#).into_bytes()).build()),
        (
            "deep mux VERI",
            Mux::new(4)
                .with(|m| m.veri = Some(format!(r#"{{"sha256":"{}","x":{deep}}}"#, "ab".repeat(32)).into_bytes()))
                .build(),
        ),
    ];
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let audit = audited(&bytes);
        let found = faults(&audit);
        let expected: &[&str] =
            if name == "deep TRAK" { &["json-limit", "json-field-invalid"] } else { &["json-limit"] };
        assert_eq!((found.as_slice(), audit.complete), (expected, false), "{name}");
        if name.ends_with("VERI") {
            assert_eq!(audit.verification.status.name(), "unsupported", "{name}");
        }
        let (source, out) = (file(&bytes), dir.path().join("out.h4mk"));
        let (status, text, said) =
            run(&["salvage", source.path().to_str().unwrap(), "--force", "--out", out.to_str().unwrap()]);
        assert!(
            status == 0 && std::fs::read(&out).unwrap() == bytes,
            "{name}: {status} {}{said}",
            String::from_utf8_lossy(&text)
        );
    }
}
