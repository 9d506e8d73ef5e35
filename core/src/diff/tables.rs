//! Seek tables, entry by entry: SEEK, and those of tracks.

use std::collections::HashSet;

use super::blocks::Counterparts;
use super::{EntryChange, Pair, TableDiff};
use crate::capped::Capped;
use crate::container::{Container, Effort};
use crate::layout::{Layout, SeekEntry};
use crate::seek::{Meaning, SeekTable};
use crate::tracks::Track;

/// A table of one container, and how its entries lead to blocks.
#[derive(Clone, Copy)]
struct Side<'a> {
    container: &'a Container,
    /// `None` for SEEK.
    track: Option<&'a Track>,
}

impl<'a> Side<'a> {
    fn of(container: &'a Container, id: Option<&str>) -> Option<Self> {
        match id {
            None => container.seek_chunk().map(|_| Self { container, track: None }),
            Some(id) => {
                let track = container.tracks()?.by_id(id).filter(|track| track.table.is_some())?;
                Some(Self { container, track: Some(track) })
            }
        }
    }

    fn table(&self) -> Option<SeekTable<'a>> {
        match self.track {
            Some(track) => track.seek_table(self.container),
            None => self.container.seek_table(),
        }
    }

    fn meaning(&self) -> Option<Meaning> {
        match (self.track, self.container.layout()) {
            (Some(_), Layout::Mux) => Some(Meaning::Payload),
            (Some(_), Layout::Transport) => Some(Meaning::Index),
            (None, _) => self.container.resolution(Effort::Full).best.map(|fit| fit.meaning),
        }
    }

    /// The block that an entry with that rank by pts leads to.
    fn block(&self, table: &SeekTable<'_>, rank: u64, entry: SeekEntry) -> Option<u64> {
        match self.track {
            Some(track) => track.entry_block(self.container, entry),
            None => self.container.entry_block(table.place(rank)?),
        }
    }

    /// Entries by ascending timestamp, with their rank.
    fn next(table: Option<&SeekTable<'_>>, rank: u64) -> Option<SeekEntry> {
        let table = table?;
        table.rows.get(table.place(rank)?)
    }
}

/// Compares the tables of each name.
pub(super) fn compare(pair: Pair<&Container>, counterparts: &Counterparts) -> Vec<TableDiff> {
    let mut names: Vec<Option<&str>> = vec![None];
    let mut seen = HashSet::new();
    for container in [pair.before, pair.after] {
        let tracks = container.tracks().map_or([].as_slice(), |tracks| &tracks.list);
        let tabled = tracks.iter().filter(|track| track.table.is_some()).map(|track| track.id.as_str());
        names.extend(tabled.filter(|id| seen.insert(*id)).map(Some));
    }
    let sides = |id: Option<&str>| Pair::new(Side::of(pair.before, id), Side::of(pair.after, id));
    names.into_iter().filter_map(|id| table(id, sides(id), counterparts)).collect()
}

fn table(id: Option<&str>, sides: Pair<Option<Side<'_>>>, counterparts: &Counterparts) -> Option<TableDiff> {
    let tables = Pair::new(sides.before.and_then(|side| side.table()), sides.after.and_then(|side| side.table()));
    let meaning = |side: Option<Side<'_>>| side.and_then(|side| side.meaning());
    let mut found = TableDiff {
        track: id.map(str::to_owned),
        present: Pair::new(tables.before.is_some(), tables.after.is_some()),
        meanings: Pair::new(meaning(sides.before), meaning(sides.after)),
        added: Capped::default(),
        removed: Capped::default(),
        changed: Capped::default(),
    };
    let mut ranks = Pair::new(0, 0);
    loop {
        let entries =
            Pair::new(Side::next(tables.before.as_ref(), ranks.before), Side::next(tables.after.as_ref(), ranks.after));
        match (entries.before, entries.after) {
            (None, None) => break,
            (Some(old), new) if new.is_none_or(|new| old.pts_us < new.pts_us) => {
                found.removed.push(old);
                ranks.before += 1;
            }
            (old, Some(new)) if old.is_none_or(|old| new.pts_us < old.pts_us) => {
                found.added.push(new);
                ranks.after += 1;
            }
            (Some(old), Some(new)) => {
                if old.offset != new.offset {
                    let block = |side: Option<Side<'_>>, table: &Option<SeekTable<'_>>, rank, entry| {
                        side.zip(table.as_ref()).and_then(|(side, table)| side.block(table, rank, entry))
                    };
                    let blocks = Pair::new(
                        block(sides.before, &tables.before, ranks.before, old),
                        block(sides.after, &tables.after, ranks.after, new),
                    );
                    let same_block =
                        blocks.before.zip(blocks.after).is_some_and(|(old, new)| counterparts.are(old, new));
                    found.changed.push(EntryChange { entries: Pair::new(old, new), blocks, same_block });
                }
                ranks = Pair::new(ranks.before + 1, ranks.after + 1);
            }
            (Some(_), None) | (None, Some(_)) => break,
        }
    }
    let both = found.present.before && found.present.after;
    let meanings = both && found.meanings.before != found.meanings.after;
    let presence = found.present.before != found.present.after;
    let entries = !found.added.is_empty() || !found.removed.is_empty() || !found.changed.is_empty();
    (presence || meanings || entries).then_some(found)
}
