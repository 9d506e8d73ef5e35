//! The end of a container, read before anything else: META, SEEK, SAFE and VERI stand last in the transport layout, so
//! a few reads there give the manifest of a file whose chunks are still being walked.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, MatchKind};

use super::bytes::Bytes;
use super::index::{Chunk, State, Tag};
use super::layout::Layout;

/// How much of the end is searched: more each time, as long as the chain does not reach a block.
const WINDOWS: [u64; 4] = [64 << 10, 1 << 20, 16 << 20, 256 << 20];

/// The chunks after the last block that chain to the end of the file, in file order: known tags, right CRCs. Their
/// ordinals are not known yet and count from the end of the numbers down.
pub(super) fn sidecars(layout: Layout, bytes: Bytes<'_>) -> Vec<Chunk> {
    if layout != Layout::Transport {
        return Vec::new();
    }
    let tags = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(Tag::KNOWN.map(|tag| tag.0));
    let Ok(tags) = tags else { return Vec::new() };
    let len = bytes.len();
    let mut chain = Vec::new();
    for window in WINDOWS {
        let (found, reached_block) = chain_in(layout, bytes, len.saturating_sub(window), &tags);
        chain = found;
        if reached_block || window >= len {
            break;
        }
    }
    chain
}

/// The chain of chunks that begin at `from` or later, and whether a block stands before it.
fn chain_in(layout: Layout, bytes: Bytes<'_>, from: u64, tags: &AhoCorasick) -> (Vec<Chunk>, bool) {
    let len = bytes.len();
    let Some(window) = bytes.slice(from, len - from) else { return (Vec::new(), false) };
    let window = window.read();
    let headers = tags.find_iter(&*window).filter_map(|hit| layout.chunk_header(bytes, from + hit.start() as u64));
    let by_end: HashMap<u64, _> = headers.map(|header| (layout.declared_end(&header), header)).collect();
    let mut chain = Vec::new();
    let mut end = len;
    while let Some(header) = by_end.get(&end) {
        if header.tag == Tag::CORE || !layout.crc_is_right(bytes, header) {
            chain.reverse();
            return (chain, header.tag == Tag::CORE);
        }
        chain.push(Chunk {
            index: u64::MAX - chain.len() as u64,
            tag: header.tag,
            offset: header.offset,
            payload_offset: header.payload(),
            len: u64::from(header.len),
            end,
            state: State::Intact,
            block: None,
        });
        end = header.offset;
    }
    chain.reverse();
    (chain, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::container::{Loader, Options};
    use crate::pack::TransportWriter;
    use crate::source::Source;
    use crate::walk::Depth;

    fn tags(bytes: &[u8]) -> Vec<String> {
        sidecars(Layout::Transport, bytes.into()).iter().map(|chunk| chunk.tag.to_string()).collect()
    }

    #[test]
    fn sidecars_are_found_from_the_end() {
        let mut file = Vec::new();
        let mut writer = TransportWriter::new(&mut file).unwrap();
        for _ in 0..3 {
            writer.block(&[b'C', 3].repeat(100)).unwrap();
        }
        writer.chunk(*b"SEEK", &vec![0; 200_000]).unwrap();
        writer.chunk(*b"META", b"{\"a\":\"CORE META\"}").unwrap();
        writer.finish().unwrap();
        assert_eq!(tags(&file), ["SEEK", "META", "VERI"]);
        let source = Arc::new(Source::from_bytes("x", file.clone()));
        let mut loader = Loader::new(source, Options::default(), Depth::Headers).unwrap();
        assert!(loader.snapshot().meta().is_some_and(|meta| meta.document.object().is_some()));
        loader.advance(2);
        let (early, whole) = (loader.snapshot(), loader.finish());
        assert_eq!((early.index().blocks(), early.is_complete(), whole.is_complete()), (2, false, true));
        file.pop();
        assert_eq!(tags(&file), [""; 0]);
    }
}
