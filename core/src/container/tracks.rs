//! The tracks of a container, and what their tables lead to in it.

use super::Container;
use crate::index::{Chunk, Tag};
use crate::json::{Scan, elements};
use crate::layout::{Layout, SeekEntry, SeekRows, track_table};
use crate::seek::SeekTable;
use crate::tracks::{Fault, Kind, TableBytes, Track, TrackBlock, Tracks};

impl Container {
    /// The tracks, where anything speaks of them. Looks at every block once.
    pub fn tracks(&self) -> Option<&Tracks> {
        self.tracks.get_or_init(|| Tracks::read(self)).as_ref()
    }
}

impl Tracks {
    /// Reads the tracks of a container; `None` where nothing speaks of tracks.
    fn read(container: &Container) -> Option<Self> {
        let tracks = match container.layout() {
            Layout::Transport => Self::transport(container)?,
            Layout::Mux => Self::mux(container),
        };
        (!tracks.list.is_empty() || !tracks.faults.is_empty()).then_some(tracks)
    }

    fn transport(container: &Container) -> Option<Self> {
        let meta = container.meta()?;
        let (trak, seekm) = (meta.trak_b64(), meta.seekm_b64());
        if trak.is_none() && seekm.is_none() {
            return None;
        }
        let mut tracks = Self { declares: true, ..Self::default() };
        for id in meta.tracks.iter().flatten() {
            let at = tracks.place(id);
            if let Some(track) = tracks.list.get_mut(at) {
                track.declared = true;
            }
        }
        if let Some(Err(why)) = trak.map(|text| tracks.add_index(text, container.index().blocks())) {
            tracks.declares = false;
            tracks.fault(Fault::Index(format!("META /trak_b64 {why}")));
        }
        if meta.tracks.is_none() {
            tracks.list.iter_mut().for_each(|track| track.declared = true);
        }
        if let Some(Err(why)) = seekm.map(|text| tracks.add_tables(text)) {
            tracks.fault(Fault::Table(format!("META /seekm_b64 {why}"), None));
        }
        if let Some(at) = meta.track_id.as_ref().and_then(|id| tracks.places.get(id))
            && let Some(track) = tracks.list.get_mut(*at)
        {
            track.declared = true;
        }
        Some(tracks)
    }

    fn mux(container: &Container) -> Self {
        let mut tracks = Self::default();
        if let Some(chunk) = container.sidecar(Tag::TRAK) {
            let scan = Scan::new(container.sidecar_payload(&chunk));
            let [list] = scan.fields(["tracks"]);
            tracks.declares = list.is_some_and(|list| elements(list.get(), |at, track| tracks.declare(at, track)));
            if scan.document.object().is_some() && !tracks.declares {
                tracks.fault(Fault::Index("TRAK has no \"tracks\" array".to_owned()));
            }
        }
        for chunk in container.index().with_tag(Tag::CORE) {
            let Some((id, block)) = container.routed(&chunk).map(|(id, _)| id).zip(mux_block(container, &chunk)) else {
                continue;
            };
            let at = tracks.place(&id.to_string());
            tracks.add(at, block);
        }
        tracks.indexed = true;
        // A table is read from the file's own bytes, so that one that was mended only in memory can't be.
        for chunk in container.index().with_tag(Tag::TSEK).filter(|chunk| container.is_intact(chunk)) {
            let payload = container.payload(&chunk);
            match track_table(payload) {
                Err(why) => tracks.fault(Fault::Table(format!("TSEK at {}: {why}", chunk.offset), Some(chunk))),
                Ok(table) => {
                    for (at, value) in table.reserved {
                        tracks.fault(Fault::Reserved(chunk, at, value));
                    }
                    let declared = table.rows.declared();
                    let end = chunk.payload_offset + chunk.len;
                    let rows = end - declared * 8..end;
                    let place = TableBytes::Stored(chunk, rows);
                    let at = tracks.place(&table.track.to_string());
                    tracks.set_table(at, place, declared, Some(chunk));
                }
            }
        }
        tracks
    }
}

/// What a mux CORE chunk's flags say: bits 0–27 pts in ms, 28–29 kind.
fn mux_block(container: &Container, chunk: &Chunk) -> Option<TrackBlock> {
    let (pts_ms, kind) = container.chunk_header(chunk)?.timing()?;
    Some(TrackBlock { block: chunk.block?, pts_us: u64::from(pts_ms) * 1000, kind, keyframe: kind == Kind::I })
}

impl Track {
    /// Its seek table, where it has one.
    pub fn seek_table<'a>(&'a self, container: &'a Container) -> Option<SeekTable<'a>> {
        let table = self.table.as_ref()?;
        let rows = match &table.place {
            TableBytes::Decoded(rows) => SeekRows::seekm(rows, table.declared),
            TableBytes::Stored(_, rows) => {
                SeekRows::mux(container.bytes().slice(rows.start, table.declared * 8)?, table.declared)
            }
        };
        Some(SeekTable::new(rows, &table.order))
    }

    /// The offset that an entry of its table for a keyframe of exactly that time should have; `None` where the track has no
    /// such keyframe. O(blocks of the track).
    pub fn keyframe_offset(&self, container: &Container, pts_us: u64) -> Option<u64> {
        let block = self.keyframes().find(|keyframe| keyframe.pts_us == pts_us)?.block;
        match &self.table.as_ref()?.place {
            TableBytes::Decoded(_) => Some(block),
            TableBytes::Stored(..) => container.index().block(block).map(|chunk| chunk.payload_offset),
        }
    }

    /// The block that an entry of its table names.
    pub fn entry_block(&self, container: &Container, entry: SeekEntry) -> Option<u64> {
        match &self.table.as_ref()?.place {
            TableBytes::Decoded(_) => Some(entry.offset).filter(|block| *block < container.index().blocks()),
            TableBytes::Stored(..) => {
                let before = entry.offset.checked_sub(1)?;
                container.index().at_offset(before).filter(|chunk| chunk.payload_offset == entry.offset)?.block
            }
        }
    }
}
