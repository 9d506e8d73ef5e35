//! Pages: stretches of bytes that are read once, with all that is said of them, so that showing them takes no read.

use std::ops::Range;

use crate::container::Container;
use crate::explore::byte_view::{ByteSource, ByteView};
use crate::explore::fields::{Field, field_at, fields_in};

/// Positions on a page.
pub const PAGE_LEN: u64 = 4096;

/// A field, spelled out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelled {
    /// The field.
    pub field: Field,
    /// Its value and what that means, safe to show.
    pub value: String,
    /// The file offset that it leads to, where it leads anywhere.
    pub leads_to: Option<u64>,
}

/// A page of a byte view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    positions: Range<u64>,
    bytes: Vec<u8>,
    origin: Origin,
    /// Those that the bytes are or were made from, by file offset.
    fields: Vec<Spelled>,
}

/// Where its bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    /// From the file as they are: the first position of the byte view stands there.
    Stored(u64),
    /// From pairs: which positions each makes, and its file offset. The first and the last may reach beyond the page.
    Pairs(Vec<(Range<u64>, u64)>),
    /// From the whole block.
    Block,
}

impl Page {
    /// The number of the page that a position is on.
    pub fn number_of(position: u64) -> u64 {
        position / PAGE_LEN
    }

    /// Reads the page of that number; it is empty where the byte view has none.
    pub fn read(container: &Container, byte_view: &ByteView, number: u64) -> Self {
        let (range, start) = (byte_view.range(), number.saturating_mul(PAGE_LEN));
        let start = start.clamp(range.start, range.end);
        let end = number.saturating_add(1).saturating_mul(PAGE_LEN).clamp(start, range.end);
        let bytes = byte_view.read(container, start, (end - start) as usize).into_owned();
        let origin = match byte_view {
            ByteView::Stored(_) => Origin::Stored(0),
            ByteView::Decoded { coding: ByteSource::Plain(content), .. } => Origin::Stored(content.start),
            ByteView::Decoded { chunk, coding: ByteSource::Rle(steps) } => {
                let content = container.content_range(chunk).start;
                let mut pairs = steps.pairs(container.stored_bytes(chunk), start..end);
                pairs.iter_mut().for_each(|(_, at)| *at = at.saturating_add(content));
                Origin::Pairs(pairs)
            }
            ByteView::Decoded { coding: ByteSource::Content(_), .. } => Origin::Block,
        };
        let fields = match &origin {
            Origin::Stored(first) => fields_in(container, first.saturating_add(start)..first.saturating_add(end)),
            Origin::Pairs(pairs) => pairs.iter().filter_map(|(_, at)| field_at(container, *at)).collect(),
            Origin::Block => Vec::new(),
        };
        let spell =
            |field: Field| Spelled { value: field.value(container), leads_to: field.leads_to(container), field };
        Self { positions: start..end, bytes, origin, fields: fields.into_iter().map(spell).collect() }
    }

    /// Its positions.
    pub fn positions(&self) -> Range<u64> {
        self.positions.clone()
    }

    /// The bytes at these positions, as far as they are on the page.
    pub fn bytes(&self, positions: Range<u64>) -> &[u8] {
        let at = |position: u64| position.clamp(self.positions.start, self.positions.end) - self.positions.start;
        self.bytes.get(at(positions.start) as usize..at(positions.end) as usize).unwrap_or_default()
    }

    /// Where the byte at a position on the page comes from, as [`ByteView::file_offset`] says it.
    pub fn file_offset(&self, position: u64) -> Option<u64> {
        if !self.positions.contains(&position) {
            return None;
        }
        match &self.origin {
            Origin::Stored(first) => first.checked_add(position),
            Origin::Pairs(_) => self.pair_of(position).map(|(_, at)| *at),
            Origin::Block => None,
        }
    }

    /// The positions that the bytes of a field, or of a pair, make; they may reach beyond the page.
    pub fn positions_of(&self, field: &Range<u64>) -> Option<Range<u64>> {
        match &self.origin {
            Origin::Stored(first) => Some(field.start.saturating_sub(*first)..field.end.checked_sub(*first)?),
            Origin::Pairs(pairs) => {
                let at = pairs.partition_point(|(_, at)| at.saturating_add(2) <= field.start);
                let (positions, _) = pairs.get(at).filter(|(_, at)| *at < field.end)?;
                Some(positions.clone())
            }
            Origin::Block => None,
        }
    }

    /// The field that the byte at a position on the page is in, or was made from.
    pub fn field(&self, position: u64) -> Option<&Spelled> {
        let offset = self.file_offset(position)?;
        let at = self.fields.partition_point(|spelled| spelled.field.range.end <= offset);
        self.fields.get(at).filter(|spelled| spelled.field.range.contains(&offset))
    }

    /// The fields that its bytes are; where they are decoded, the pairs that they were made from.
    pub fn fields(&self) -> &[Spelled] {
        &self.fields
    }

    fn pair_of(&self, position: u64) -> Option<&(Range<u64>, u64)> {
        let Origin::Pairs(pairs) = &self.origin else { return None };
        let at = pairs.partition_point(|(positions, _)| positions.end <= position);
        pairs.get(at).filter(|(positions, _)| positions.contains(&position))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::container::Options;
    use crate::source::Source;
    use crate::task::Task;
    use crate::walk::Depth;
    use proptest::prelude::*;

    fn container(payload: &[u8]) -> Container {
        let crc = crc32fast::hash(payload).to_be_bytes();
        let len = (payload.len() as u32).to_be_bytes();
        let bytes = [b"H4MK\0\x01\0\0CORE".as_slice(), &len, &crc, payload].concat();
        let source = Arc::new(Source::from_bytes("x", bytes));
        Container::read(source, Options::default(), Depth::Headers, &Task::default()).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn a_page_says_what_the_view_and_the_fields_say(
            runs in prop::collection::vec((any::<u8>(), prop_oneof![Just(0u8), Just(1), any::<u8>()]), 1..400),
            odd in any::<bool>(),
        ) {
            let mut payload: Vec<u8> = runs.iter().flat_map(|(value, run)| [*value, *run]).collect();
            payload.extend(odd.then_some(9));
            let container = container(&payload);
            let chunk = container.index().chunk(0).unwrap();
            let coding = container.coding(0, &Task::default()).unwrap();
            let stored = ByteView::Stored(0..container.source().len());
            for byte_view in [stored, ByteView::Decoded { chunk, coding }] {
                let range = byte_view.range();
                for number in 0..=Page::number_of(range.end) {
                    let page = Page::read(&container, &byte_view, number);
                    for position in page.positions().step_by(7) {
                        prop_assert_eq!(Page::number_of(position), number);
                        prop_assert_eq!(page.bytes(position..position + 1), &*byte_view.read(&container, position, 1));
                        let offset = byte_view.file_offset(&container, position);
                        prop_assert_eq!(page.file_offset(position), offset);
                        let field = field_at(&container, offset.unwrap()).unwrap();
                        let spelled = page.field(position).unwrap();
                        prop_assert_eq!(&spelled.field, &field);
                        let positions = page.positions_of(&field.range).unwrap();
                        prop_assert!(positions.contains(&position));
                        let first = byte_view.position_of(&container, field.range.start);
                        prop_assert_eq!(Some(positions.start), first);
                    }
                }
                prop_assert!(Page::read(&container, &byte_view, u64::MAX).positions().is_empty());
            }
        }
    }
}
