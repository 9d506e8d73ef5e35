//! META and SAFE from a sibling: another container of the same writer and settings.

use super::plan::{Plan, Trust};
use super::report::Report;
use super::sidecars::{is_closed, reads};
use super::{SalvageError, Settings};
use crate::audit::Audit;
use crate::block::{EngineKind, Pipeline};
use crate::codec::{cipher, rle};
use crate::container::Container;
use crate::index::{Chunk, Tag};
use crate::layout::Layout;
use crate::meta::Meta;
use crate::text::escape;

/// Blocks that are measured to see whether a sibling's META fits.
const MEASURED: usize = 64;

/// A container whose META and SAFE stand in for those of another one. It may be damaged elsewhere.
#[derive(Debug, Clone)]
pub struct Sibling {
    name: String,
    layout: Layout,
    meta: Vec<u8>,
    safe: Option<Vec<u8>>,
}

/// Why nothing can be taken from a sibling.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SiblingError {
    /// Its META is missing, damaged, or not a JSON object.
    #[error("it has no readable META")]
    NoMeta,
    /// The layouts describe themselves in different words.
    #[error("it is a {theirs} container, but the damaged one is {ours}")]
    Layout {
        /// The sibling's layout.
        theirs: Layout,
        /// The damaged container's.
        ours: Layout,
    },
}

impl Sibling {
    /// Takes both from a container; `name` is what reports call it. Payloads that an audit mended are taken mended.
    pub fn of(container: &Container, name: impl Into<String>) -> Result<Self, SiblingError> {
        let first = |tag: Tag| {
            let chunks = container.index().with_tag(tag).filter(|chunk| container.is_readable(chunk));
            let mut payloads = chunks.map(|chunk| container.sidecar_payload(&chunk).to_vec());
            payloads.find(|payload| reads(tag, payload))
        };
        let (meta, safe) = (first(Tag::META).ok_or(SiblingError::NoMeta)?, first(Tag::SAFE));
        Ok(Self { name: name.into(), layout: container.layout(), meta, safe })
    }

    pub(super) fn name(&self) -> String {
        escape(&self.name).into_owned()
    }
}

/// What is taken from the sibling.
#[derive(Debug, Default)]
pub(super) struct Adopted {
    /// The damaged container, read with the sibling's META, where its own is lost, or with a later one of its own.
    pub(super) container: Option<Container>,
    pub(super) meta: Option<Vec<u8>>,
    pub(super) safe: Option<Vec<u8>>,
}

/// Decides what is taken from the sibling, and says what of it contradicts what is known here.
pub(super) fn adopt(
    audit: &Audit,
    container: &Container,
    settings: &Settings<'_>,
    report: &mut Report,
) -> Result<Adopted, SalvageError> {
    let mut plan = Plan::new(container, audit, settings);
    let mut adopted = Adopted { container: later_meta(&mut plan), ..Adopted::default() };
    let Some(sibling) = settings.sibling else { return Ok(adopted) };
    if sibling.layout != container.layout() {
        return Err(SiblingError::Layout { theirs: sibling.layout, ours: container.layout() }.into());
    }
    if is_lost(&mut plan, audit, Tag::META) {
        let meta = Meta::parse(&sibling.meta);
        report.notes.extend(
            contradictions(container, &meta)
                .into_iter()
                .map(|why| format!("the META of {} contradicts this file: {why}", sibling.name()).into()),
        );
        adopted.container = Some(container.with_sidecar(Tag::META, sibling.meta.clone()));
        adopted.meta = Some(sibling.meta.clone());
    }
    if is_lost(&mut plan, audit, Tag::SAFE) {
        adopted.safe.clone_from(&sibling.safe);
        if sibling.safe.is_none() {
            report.notes.push(format!("{} has no readable SAFE", sibling.name()).into());
        }
    }
    if adopted.meta.is_none() && adopted.safe.is_none() {
        report.notes.push(format!("nothing was taken from {}", sibling.name()).into());
    }
    Ok(adopted)
}

/// No chunk of that tag can be relied on and read.
fn is_lost(plan: &mut Plan<'_>, audit: &Audit, tag: Tag) -> bool {
    let container = plan.container;
    // Neither must be in a mux container, and one that its writer closed without them never had them.
    if container.layout() == Layout::Mux && container.index().first(tag).is_none() && is_closed(audit) {
        return false;
    }
    !container.index().with_tag(tag).any(|chunk| is_good(plan, &chunk))
}

fn is_good(plan: &mut Plan<'_>, chunk: &Chunk) -> bool {
    !matches!(plan.trust(chunk), Trust::Damaged(_)) && reads(chunk.tag, &plan.payload(chunk))
}

/// The container as the META that is kept describes it, where that is not the one that counts for readers: what that one
/// says can't be read.
fn later_meta(plan: &mut Plan<'_>) -> Option<Container> {
    let container = plan.container;
    let first = container.meta_chunk()?;
    container.index().with_tag(Tag::META).find(|chunk| chunk.index > first.index)?;
    if reads(Tag::META, &container.sidecar_payload(&first).read()) {
        return None;
    }
    let later = container.index().with_tag(Tag::META).find(|chunk| is_good(plan, chunk))?;
    Some(container.with_sidecar(Tag::META, plan.payload(&later).into_owned()))
}

/// Where a META that is not this container's is wrong about it.
fn contradictions(container: &Container, meta: &Meta) -> Vec<String> {
    if container.layout() == Layout::Mux {
        return Vec::new();
    }
    let mut found = Vec::new();
    let intact = || container.index().with_tag(Tag::CORE).filter(|chunk| container.is_intact(chunk) && chunk.len > 0);
    let is_message = intact().next().map(|chunk| cipher::counter(container.payload(&chunk)).is_some());
    let pipeline = Pipeline::of(Some(meta));
    match (is_message, pipeline.is_living_cipher(), pipeline.cipher.is_some()) {
        (Some(true), false, _) => {
            found.push("the blocks here are encrypted, but it names another cipher or none".to_owned())
        }
        (Some(false), true, _) => found.push("it says that blocks are encrypted, but those here are not".to_owned()),
        _ => {}
    }
    if let (Some(block_size), EngineKind::Rle { .. }, None) = (meta.block_size, &pipeline.engine, &pipeline.cipher) {
        let last = container.index().blocks().checked_sub(1);
        let mut sizes = intact().take(MEASURED).filter(|chunk| chunk.block != last).filter_map(|chunk| {
            let survey = rle::survey(&container.payload(&chunk).read());
            (!survey.odd).then_some((chunk.block?, survey.decoded_len))
        });
        if let Some((block, size)) = sizes.find(|(_, size)| *size != block_size) {
            found.push(format!("its block_size is {block_size}, but block {block} here decodes to {size} bytes"));
        }
    }
    let frame_us = meta.fps_hint.and_then(|_| meta.frame_us()).filter(|us| *us > 0);
    if let (Some(frame_us), Some(table)) = (frame_us, container.seek_table())
        && let Some(entry) = table.rows.iter().find(|entry| !entry.pts_us.is_multiple_of(frame_us))
    {
        let pts_us = entry.pts_us;
        found.push(format!("its fps_hint makes a block last {frame_us} µs, but SEEK here has an entry at {pts_us} µs"));
    }
    found
}
