//! The track tables in a transport container's META, for the blocks that are left: `trak_b64`, the index, and
//! `seekm_b64`, a seek table for each track.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::plan::Plan;
use crate::container::Container;
use crate::index::Chunk;
use crate::meta::{Meta, track_id, whole};
use crate::tracks::{Fault, MAX_PTS_US, Track, Tracks, index_entries};

/// META with its tables made anew.
pub(super) struct Tables {
    pub(super) meta: Vec<u8>,
    pub(super) how: String,
    /// A table can't be made anew.
    pub(super) lost: bool,
}

/// How many blocks there were, where META's index names each of them, and how many there were at least: those found, and
/// those named beyond them.
pub(super) fn blocks_indexed(meta: &Meta, found: u64) -> (Option<u64>, u64) {
    let Some(Ok(entries)) = meta.trak_b64().map(index_entries) else { return (None, 0) };
    let mut named: Vec<u64> = entries.iter().filter_map(core_index).collect();
    named.sort_unstable();
    named.dedup();
    let count = named.len() as u64;
    let each = named.last() == count.checked_sub(1).as_ref();
    let beyond = named.iter().filter(|block| **block >= found).count() as u64;
    (each.then_some(count), if beyond > 0 { found.saturating_add(beyond) } else { 0 })
}

fn core_index(entry: &Value) -> Option<u64> {
    whole(entry.get("core_index")?)
}

/// Makes the tables in META, whose chunk and payload are given, anew; `None` where they are right as they are.
pub(super) fn rebuild(plan: &Plan<'_>, chunk: &Chunk, payload: &[u8], meta: &Meta) -> Option<Tables> {
    let container = plan.container;
    let tracks = container.tracks().filter(|_| container.meta_chunk().as_ref() == Some(chunk))?;
    let moved = |original: u64| {
        let found = plan.numbering.found(original).filter(|found| *found < container.index().blocks())?;
        plan.new_index(found)
    };
    let old_entries = meta.trak_b64().map(index_entries);
    let named = Keyframes::of(container, tracks);
    let kept = old_entries.as_ref().and_then(|old| old.as_ref().ok()).map(|old| Kept::of(old, plan, &named));
    let (repeats, entries_lost) = kept.as_ref().map_or((0, false), |kept| (kept.repeats, kept.lost));
    let entries = kept.map(|kept| kept.entries);
    // Where META has no list, the entries that are left declare their tracks.
    let stays = |track: &&Track| meta.tracks.is_some() || meta.track_id.as_ref() == Some(&track.id);
    let listed = tracks.list.iter().filter(|track| track.declared).filter(stays);
    let mut declared: Vec<String> = listed.map(|track| track.id.clone()).collect();
    let mut undeclared = 0;
    let mut ids: HashSet<String> = declared.iter().cloned().collect();
    for entry in entries.iter().flatten() {
        if ids.insert(entry.track.clone()) {
            declared.push(entry.track.clone());
            undeclared += 1;
        }
    }

    let broken = tracks.faults.iter().any(|fault| matches!(fault, Fault::Table(..)));
    // Without an index nothing says that a track isn't there: a table declares it.
    let with_table = || tracks.list.iter().filter(|track| track.table.is_some() && !broken);
    for track in with_table().filter(|_| entries.is_none()) {
        if ids.insert(track.id.clone()) {
            declared.push(track.id.clone());
            undeclared += 1;
        }
    }
    let of_nobody = with_table().any(|track| !ids.contains(&track.id));
    let mut keyframes: HashMap<&str, Vec<(u64, u64)>> = HashMap::new();
    let is_there = |entry: &&Entry| !plan.is_placeholder(entry.block);
    for entry in entries.iter().flatten().filter(|entry| entry.keyframe).filter(is_there) {
        keyframes.entry(&entry.track).or_default().push((entry.pts_us, entry.block));
    }
    keyframes.values_mut().for_each(|table| table.sort_unstable());
    let mut tables: Vec<(&str, Vec<(u64, u64)>)> = Vec::new();
    let known = with_table().filter(|track| ids.contains(&track.id));
    let mut rows_lost = false;
    for track in known {
        let table = track.seek_table(container)?;
        let own = keyframes.get(track.id.as_str()).map_or([].as_slice(), Vec::as_slice);
        let rows = || table.in_order().map(|entry| (entry.pts_us, moved(entry.offset)));
        let wrong = |(pts_us, block): (u64, Option<u64>)| {
            entries.is_some() && block.is_some_and(|block| own.binary_search(&(pts_us, block)).is_err())
        };
        // Where a row leads to another block than its time's, the index says where it should.
        if rows().any(wrong) {
            rows_lost |= rows().any(|(pts_us, _)| own.binary_search_by_key(&pts_us, |(pts_us, _)| *pts_us).is_err());
            tables.push((&track.id, own.to_vec()));
            continue;
        }
        rows_lost |= rows().any(|(_, block)| block.is_none());
        tables.push((&track.id, rows().filter_map(|(pts_us, block)| Some((pts_us, block?))).collect()));
    }
    let with_rows: HashSet<&str> = tables.iter().map(|(id, _)| *id).collect();
    for id in &declared {
        if let Some(table) = keyframes.get(id.as_str()).filter(|_| !with_rows.contains(id.as_str())) {
            tables.push((id, table.clone()));
        }
    }

    let seekm = (!tables.is_empty()).then(|| STANDARD.encode(seekm(&tables)));
    let seekm_is_gone = seekm.is_none();
    let same_entries = match (&old_entries, &entries) {
        (Some(Ok(old)), Some(new)) => old.iter().eq(new.iter().map(|entry| &entry.value)),
        (None, None) => true,
        _ => false,
    };
    let same_tables = match (&seekm, meta.seekm_b64()) {
        (Some(new), Some(old)) => !broken && STANDARD.decode(old.trim()) == STANDARD.decode(new),
        (None, None) => true,
        _ => false,
    };
    if same_entries && same_tables && undeclared == 0 {
        return None;
    }
    let settled = entries.iter().flatten().any(|entry| entry.settled);
    let no_index = entries.is_none();
    let trak = entries.map(|entries| {
        let list = entries.into_iter().map(|entry| entry.value).collect();
        STANDARD.encode(serde_json::json!({ "trak": Value::Array(list) }).to_string())
    });
    let lost = matches!(old_entries, Some(Err(_)))
        || entries_lost
        || rows_lost
        || settled
        || of_nobody
        || meta.seekm_b64().is_some() && seekm.is_none();
    let mut edit = Edit { payload: payload.to_vec(), document: meta.document.value.clone()? };
    if !same_entries {
        edit.set("trak_b64", meta.trak_b64(), trak);
    }
    if !same_tables {
        edit.set("seekm_b64", meta.seekm_b64(), seekm);
    }
    if undeclared > 0 && (meta.tracks.is_some() || no_index) {
        edit.replace("tracks", Some(declared.into_iter().map(Value::String).collect()));
    }
    let unreadable = matches!(old_entries, Some(Err(_))) || meta.seekm_b64().is_some() && seekm_is_gone;
    let mut how = if unreadable {
        "META as it was, without the track tables that can't be parsed"
    } else if settled {
        "META as it was, with the track tables of the remaining blocks; entries whose kind and keyframe flag \
         contradict each other count as keyframes where the track's seek table says so"
    } else {
        "META as it was, with the track tables of the remaining blocks"
    }
    .to_owned();
    if repeats > 0 {
        how.push_str(&format!("; only the first of several entries for one block is kept ({repeats} left out)"));
    }
    Some(Tables { meta: edit.payload, how, lost })
}

/// What is kept of the index.
#[derive(Default)]
struct Kept {
    entries: Vec<Entry>,
    /// Entries for blocks that earlier ones name.
    repeats: u64,
    /// An entry is gone: its block is, or it can't be read, or it says something else of its block than the one that is
    /// kept.
    lost: bool,
}

impl Kept {
    fn of(old: &[Value], plan: &Plan<'_>, named: &Keyframes<'_>) -> Self {
        let mut kept = Self::default();
        let mut firsts: HashMap<u64, &Value> = HashMap::new();
        for value in old {
            let Some(entry) = moved_entry(value, named, |block| plan.placed(block)) else {
                kept.lost = true;
                continue;
            };
            if let Some(first) = firsts.get(&entry.block) {
                kept.repeats += 1;
                kept.lost |= *first != value;
                continue;
            }
            firsts.insert(entry.block, value);
            kept.entries.push(entry);
        }
        kept
    }
}

/// What the tables of tracks call keyframes: timestamps and block indices as stored.
struct Keyframes<'a>(HashMap<&'a str, HashSet<(u64, u64)>>);

impl<'a> Keyframes<'a> {
    fn of(container: &Container, tracks: &'a Tracks) -> Self {
        let table = |track: &'a Track| {
            let table = track.seek_table(container)?;
            Some((track.id.as_str(), table.in_order().map(|entry| (entry.pts_us, entry.offset)).collect()))
        };
        Self(tracks.list.iter().filter_map(table).collect())
    }

    fn contain(&self, track: &str, pts_us: u64, block: u64) -> bool {
        self.0.get(track).is_some_and(|table| table.contains(&(pts_us, block)))
    }
}

/// An entry of the index, under its new block index.
struct Entry {
    track: String,
    pts_us: u64,
    block: u64,
    keyframe: bool,
    /// Its kind and keyframe flag contradicted each other.
    settled: bool,
    value: Value,
}

/// An entry as the index has it, but for its block index; `None` where its block is gone, or it can't be read. One that
/// contradicts itself is a keyframe if `named` says so. Else it is taken for none: a chain that begins too early
/// decodes, one that begins too late doesn't.
fn moved_entry(entry: &Value, named: &Keyframes<'_>, moved: impl Fn(u64) -> Option<u64>) -> Option<Entry> {
    let track = track_id(entry.get("track_id")?)?;
    let pts_us = whole(entry.get("pts_us")?).filter(|pts_us| *pts_us <= MAX_PTS_US)?;
    let original = core_index(entry)?;
    let block = moved(original)?;
    let mut value = entry.clone();
    *value.get_mut("core_index")? = Value::from(block);
    let kind = match entry.get("kind").and_then(Value::as_str) {
        Some(kind @ ("I" | "P" | "B")) => Some(kind),
        _ => None,
    };
    let is_i = kind == Some("I");
    let flag = match entry.get("keyframe") {
        None | Some(Value::Null) => None,
        Some(Value::Bool(flag)) => Some(*flag),
        Some(_) => {
            *value.get_mut("keyframe")? = Value::from(is_i);
            None
        }
    };
    let settled = kind.is_some() && flag.is_some_and(|flag| flag != is_i);
    let keyframe = if settled { named.contain(&track, pts_us, original) } else { flag.unwrap_or(is_i) };
    if settled {
        *value.get_mut("keyframe")? = Value::from(keyframe);
        if keyframe != is_i {
            *value.get_mut("kind")? = Value::from(if keyframe { "I" } else { "P" });
        }
    }
    Some(Entry { track, pts_us, block, keyframe, settled, value })
}

/// Tables as META holds them: u32 track count; per track u16 id length, id, u32 entry count, entries of u64 pts and u32
/// block index; big-endian.
fn seekm(tables: &[(&str, Vec<(u64, u64)>)]) -> Vec<u8> {
    let mut out = (tables.len() as u32).to_be_bytes().to_vec();
    for (id, rows) in tables {
        out.extend((id.len() as u16).to_be_bytes());
        out.extend(id.as_bytes());
        out.extend((rows.len() as u32).to_be_bytes());
        for (pts_us, block) in rows {
            out.extend(pts_us.to_be_bytes());
            out.extend((*block as u32).to_be_bytes());
        }
    }
    out
}

/// A JSON object of which single fields change: as little of its text as can be.
struct Edit {
    payload: Vec<u8>,
    document: Value,
}

impl Edit {
    /// Sets or removes a text field.
    fn set(&mut self, key: &str, old: Option<&str>, new: Option<String>) {
        if let (Some(old), Some(new)) = (old, &new) {
            let literal = format!("\"{old}\"");
            let mut places = memchr_all(&self.payload, literal.as_bytes());
            if let (Some(at), None) = (places.next(), places.next()) {
                let after = at + literal.len();
                drop(places);
                self.payload.splice(at..after, format!("\"{new}\"").into_bytes());
                if let Some(value) = self.document.get_mut(key) {
                    *value = Value::String(new.clone());
                }
                return;
            }
        }
        self.replace(key, new.map(Value::String));
    }

    /// Sets or removes a field, and writes the whole object again.
    fn replace(&mut self, key: &str, new: Option<Value>) {
        if let Some(object) = self.document.as_object_mut() {
            match new {
                Some(value) => _ = object.insert(key.to_owned(), value),
                None => _ = object.shift_remove(key),
            }
        }
        self.payload = self.document.to_string().into_bytes();
    }
}

/// Where `needle` stands in `bytes`.
fn memchr_all<'a>(bytes: &'a [u8], needle: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    bytes.windows(needle.len().max(1)).enumerate().filter(move |(_, window)| *window == needle).map(|(at, _)| at)
}
