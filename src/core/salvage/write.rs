//! The planned chunks as bytes.

use std::io::{self, Write};

use super::SalvageError;
use super::plan::{Part, Plan};
use super::report::{Mend, Mended, Rebuilt, Report};
use crate::core::index::{Chunk, State, Tag};
use crate::core::layout::{CHUNK_HEADER_LEN, Layout, MAGIC};
use crate::core::pack::TransportWriter;
use crate::core::task::Task;

/// How the output ends.
pub(super) enum Closing {
    /// Transport: a VERI chunk over all before it.
    Digest {
        /// The source's.
        replaces: Option<Chunk>,
        /// What it says is not true of what the source's chunks hold, and no damage explains that.
        disproved: bool,
    },
    /// Transport: the source's VERI chunk.
    Veri(Vec<u8>),
    /// Mux: a CRC over all before it.
    Crc,
}

/// Writes the output, and says how long it is.
pub(super) fn write(
    plan: &Plan<'_>,
    closing: Closing,
    report: &mut Report,
    out: &mut dyn Write,
    task: &Task,
) -> Result<u64, SalvageError> {
    match plan.container.layout() {
        Layout::Transport => {
            let mut writer = TransportWriter::new(&mut *out)?;
            each(plan, report, task, |tag, _, payload| Ok(writer.chunk(tag.0, payload).map(drop)?))?;
            match closing {
                Closing::Veri(payload) => {
                    let end = writer.chunk(Tag::VERI.0, &payload)? + CHUNK_HEADER_LEN + payload.len() as u64;
                    out.flush()?;
                    Ok(end)
                }
                Closing::Digest { replaces, disproved } => {
                    let closed = writer.finish()?;
                    note_digest(plan, replaces.as_ref(), disproved, &closed.digest, report);
                    Ok(closed.bytes)
                }
                Closing::Crc => Ok(writer.finish()?.bytes),
            }
        }
        Layout::Mux => {
            let mut writer = MuxWriter::new(out, plan.container.header().timestamp_ms.unwrap_or(0))?;
            each(plan, report, task, |tag, flags, payload| Ok(writer.chunk(tag, flags, payload)?))?;
            Ok(writer.finish()?)
        }
    }
}

/// Says what became of VERI. Where the new digest is the old one, it confirms all that was rebuilt.
fn note_digest(plan: &Plan<'_>, replaces: Option<&Chunk>, disproved: bool, digest: &[u8], report: &mut Report) {
    if let Some(chunk) = replaces.filter(|chunk| *plan.payload(chunk) == *digest) {
        let mend = match chunk.state {
            State::LengthRepaired => Mend::Length,
            State::TagRepaired => Mend::Tag,
            State::CrcMismatch => Mend::Crc,
            _ if chunk.tag != Tag::VERI => Mend::Tag,
            State::Intact | State::Unchecked | State::Truncated => return report.keep(Tag::VERI),
        };
        report.mended.push(Mended { tag: Tag::VERI, offset: chunk.offset, block: None, mend });
        return;
    }
    let mut how = "the SHA-256 of all that is written before it".to_owned();
    if disproved {
        how += ", which vouches for what is written: VERI did not match what the source's chunks hold";
    }
    report.rebuild(Rebuilt { tag: Tag::VERI, replaces: replaces.map(|chunk| chunk.offset), how, lost: disproved });
}

fn each(
    plan: &Plan<'_>,
    report: &mut Report,
    task: &Task,
    mut write: impl FnMut(Tag, u32, &[u8]) -> Result<(), SalvageError>,
) -> Result<(), SalvageError> {
    for part in plan.parts() {
        match part {
            Part::Copy(chunk) => {
                write(chunk.tag, plan.flags(&chunk), &plan.payload(&chunk))?;
                if plan.copies(&chunk) {
                    report.keep(chunk.tag);
                }
                task.advance(chunk.end.saturating_sub(chunk.offset))?;
            }
            Part::New(new) => write(new.tag, 0, &new.payload)?,
        }
    }
    Ok(())
}

/// Writes a mux container front to back.
struct MuxWriter<'w> {
    out: &'w mut dyn Write,
    crc: crc32fast::Hasher,
    bytes: u64,
}

impl<'w> MuxWriter<'w> {
    fn new(out: &'w mut dyn Write, timestamp_ms: u64) -> io::Result<Self> {
        let mut writer = Self { out, crc: crc32fast::Hasher::new(), bytes: 0 };
        writer.put(&MAGIC)?;
        writer.put(&[1, 0, 0, 0])?;
        writer.put(&timestamp_ms.to_le_bytes())?;
        Ok(writer)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.crc.update(bytes);
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        self.out.write_all(bytes)
    }

    fn chunk(&mut self, tag: Tag, flags: u32, payload: &[u8]) -> io::Result<()> {
        let len = u32::try_from(payload.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        let header = [tag.0, flags.to_le_bytes(), len.to_le_bytes()];
        let mut crc = crc32fast::Hasher::new();
        for part in [header.as_flattened(), payload] {
            crc.update(part);
            self.put(part)?;
        }
        self.put(&crc.finalize().to_le_bytes())
    }

    /// Closes the container, and says how long it is.
    fn finish(mut self) -> io::Result<u64> {
        let crc = self.crc.clone().finalize();
        self.put(&crc.to_le_bytes())?;
        self.out.flush()?;
        Ok(self.bytes)
    }
}
