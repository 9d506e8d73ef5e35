//! The entries of the manifest's seek table: read in pages, in the background, as far as they are in sight.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::sync::{Arc, Weak};

use lru::LruCache;

use h4mk::container::Container;
use h4mk::layout::SeekEntry;

/// Entries on a page.
const PAGE: u64 = 256;

/// Pages that are kept.
const KEPT: NonZeroUsize = NonZeroUsize::new(32).unwrap();

/// An entry of the seek table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// As stored.
    pub entry: SeekEntry,
    /// The block that it leads to.
    pub block: Option<u64>,
}

/// A page of entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryPage(Vec<Entry>);

impl EntryPage {
    /// The number of the page that an entry is on.
    pub fn number_of(place: u64) -> u64 {
        place / PAGE
    }

    /// Reads the page of that number.
    pub fn read(container: &Container, page: u64) -> Self {
        let rows = container.manifest_table().map(|table| table.rows);
        let first = page.saturating_mul(PAGE);
        let places = first..rows.map_or(first, |rows| rows.len()).clamp(first, first.saturating_add(PAGE));
        let read = |place: u64| Some(Entry { entry: rows?.get(place)?, block: block_of(container, place) });
        Self(places.map_while(read).collect())
    }
}

/// The block that an entry of the manifest's seek table leads to.
fn block_of(container: &Container, place: u64) -> Option<u64> {
    if container.seek_table().is_some_and(|table| !table.rows.is_empty()) {
        return container.entry_block(place);
    }
    let track = container.tracks()?.list.first()?;
    track.entry_block(container, track.seek_table(container)?.rows.get(place)?)
}

/// The pages that were read.
#[derive(Debug)]
pub struct Entries {
    pages: LruCache<u64, Arc<EntryPage>>,
    /// What they are of.
    of: Weak<Container>,
}

impl Default for Entries {
    fn default() -> Self {
        Self { pages: LruCache::new(KEPT), of: Weak::new() }
    }
}

impl Entries {
    /// An entry, where it was read.
    pub fn get(&self, place: u64) -> Option<Entry> {
        let page = self.pages.peek(&EntryPage::number_of(place))?;
        page.0.get(usize::try_from(place % PAGE).ok()?).copied()
    }

    /// The pages that have to be read to show these entries.
    pub(super) fn missing(&mut self, container: &Arc<Container>, places: RangeInclusive<u64>) -> Vec<u64> {
        if !std::ptr::eq(self.of.as_ptr(), Arc::as_ptr(container)) {
            self.pages.clear();
            self.of = Arc::downgrade(container);
        }
        let pages = EntryPage::number_of(*places.start())..=EntryPage::number_of(*places.end());
        pages.filter(|page| self.pages.get(page).is_none()).collect()
    }

    pub(super) fn keep(&mut self, page: u64, entries: Arc<EntryPage>) {
        self.pages.put(page, entries);
    }
}
