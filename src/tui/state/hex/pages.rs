//! The pages that the Hex view was given, and those it waits for. Nothing here waits for a file: what isn't there yet is
//! shown as such.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use lru::LruCache;

use super::Hex;
use super::asked::ByteViewId;
use super::shown::Shown;
use h4mk::explore::byte_view::ByteView;
use h4mk::explore::page::{Page, Spelled};

/// Pages that are kept: some screens' worth.
const KEPT: NonZeroUsize = NonZeroUsize::new(32).unwrap();

/// What a page is of, and its number.
type PageKey = (ByteViewId, u64);

/// The page that the byte at this position is on isn't there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Missing(pub(super) u64);

/// The pages.
#[derive(Debug)]
pub(super) struct Pages {
    /// With what was known when they were asked for.
    kept: LruCache<PageKey, (Arc<Page>, u64)>,
    /// Grows with what is known: a page that was read before may say less.
    known: u64,
    asked: Option<Asked>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    about: ByteViewId,
    numbers: Vec<u64>,
    known: u64,
}

impl Default for Pages {
    fn default() -> Self {
        Self { kept: LruCache::new(KEPT), known: 0, asked: None }
    }
}

impl Pages {
    fn get(&self, byte_view: &ByteView, number: u64) -> Option<&Arc<Page>> {
        self.kept.peek(&(ByteViewId::of_pages(byte_view), number)).map(|(page, _)| page)
    }

    /// Where a byte comes from, where the page that it is on was read.
    pub(super) fn file_offset(&self, byte_view: &ByteView, position: u64) -> Option<Option<u64>> {
        self.get(byte_view, Page::number_of(position)).map(|page| page.file_offset(position))
    }

    /// More is known of the file: what is shown is read once more.
    pub(super) fn outdate(&mut self) {
        self.known += 1;
    }

    /// Those of these pages that have to be asked for; none where that was done, be it in vain. What is being read
    /// (`is_reading`) is finished first, however much more is known by now.
    pub(super) fn ask(&mut self, shown: &Shown, numbers: &[u64], is_reading: bool) -> Option<(ByteView, Vec<u64>)> {
        let (about, known) = (ByteViewId::of_pages(&shown.byte_view), self.known);
        let mut is_missing =
            |number: &u64| self.kept.get(&(about.clone(), *number)).is_none_or(|(_, then)| *then != known);
        let missing: Vec<u64> = numbers.iter().copied().filter(|number| is_missing(number)).collect();
        let asked = self.asked.as_ref().filter(|asked| asked.about == about && (is_reading || asked.known == known));
        if asked.is_some_and(|asked| missing.iter().all(|number| asked.numbers.contains(number))) || missing.is_empty()
        {
            return None;
        }
        self.asked = Some(Asked { about, numbers: missing.clone(), known });
        Some((whole(shown), missing))
    }

    /// A page was read.
    pub(super) fn keep(&mut self, byte_view: &ByteView, number: u64, page: Arc<Page>) {
        let about = ByteViewId::of_pages(byte_view);
        let asked = self.asked.as_ref().filter(|asked| asked.about == about);
        let known = asked.map_or(0, |asked| asked.known);
        self.kept.put((about, number), (page, known));
    }

    /// Bytes are read in another way now.
    pub(super) fn forget(&mut self) {
        self.kept.clear();
        self.asked = None;
    }
}

/// The byte view that pages are read from: of the file, all of it.
fn whole(shown: &Shown) -> ByteView {
    match &shown.byte_view {
        ByteView::Stored(_) => ByteView::Stored(0..shown.container.source().len()),
        decoded => decoded.clone(),
    }
}

impl Hex {
    /// The page that a position is on, where it was read.
    pub fn page(&self, shown: &Shown, position: u64) -> Option<&Page> {
        self.pages.get(&shown.byte_view, Page::number_of(position)).map(|page| &**page)
    }

    /// The same for what can't go on without it.
    pub(super) fn page_at(&self, shown: &Shown, position: u64) -> Result<Arc<Page>, Missing> {
        self.pages.get(&shown.byte_view, Page::number_of(position)).cloned().ok_or(Missing(position))
    }

    /// The bytes among these positions that were read, in runs without gaps, each with its first position.
    pub fn runs(&self, shown: &Shown, positions: Range<u64>) -> Vec<(u64, Vec<u8>)> {
        let mut runs: Vec<(u64, Vec<u8>)> = Vec::new();
        for page in self.pages_of(shown, &positions) {
            let start = page.positions().start.max(positions.start);
            let bytes = page.bytes(start..positions.end);
            match runs.last_mut() {
                Some((first, before)) if *first + before.len() as u64 == start => before.extend_from_slice(bytes),
                _ if bytes.is_empty() => {}
                _ => runs.push((start, bytes.to_vec())),
            }
        }
        runs
    }

    /// The field that the byte at a position is in, or was made from.
    pub fn field(&self, shown: &Shown, position: u64) -> Option<&Spelled> {
        self.page(shown, position)?.field(position)
    }

    /// The fields that bytes among these positions are, in order.
    pub fn fields(&self, shown: &Shown, positions: &Range<u64>) -> Vec<&Spelled> {
        let mut fields: Vec<&Spelled> = Vec::new();
        for page in self.pages_of(shown, positions) {
            let seen = |spelled: &&Spelled| {
                let of = page.positions_of(&spelled.field.range);
                of.is_some_and(|of| of.start < positions.end && of.end > positions.start)
            };
            // What reaches over the end of a page is on the next one too.
            let last = fields.last().map_or(0, |last| last.field.range.end);
            fields.extend(page.fields().iter().filter(seen).filter(|spelled| spelled.field.range.start >= last));
        }
        fields
    }

    /// The positions on the pages that were read of these, that a byte of the file is or makes.
    pub fn positions_of(&self, shown: &Shown, offset: u64, positions: &Range<u64>) -> Option<Range<u64>> {
        let byte = offset..offset.checked_add(1)?;
        self.pages_of(shown, positions).find_map(|page| page.positions_of(&byte))
    }

    fn pages_of(&self, shown: &Shown, positions: &Range<u64>) -> impl Iterator<Item = &Page> {
        let last = positions.end.saturating_sub(1).max(positions.start);
        let numbers = Page::number_of(positions.start)..=Page::number_of(last);
        let pages: Vec<&Page> =
            numbers.filter_map(|number| self.pages.get(&shown.byte_view, number)).map(|page| &**page).collect();
        pages.into_iter()
    }
}
