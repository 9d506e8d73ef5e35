//! The planned chunks as bytes.

use std::io::{self, Write};

use super::SalvageError;
use super::plan::{OutputChunk, Plan};
use super::report::{Mend, Mended, Rebuilt, Report};
use crate::index::{Chunk, State, Tag};
use crate::layout::{CHUNK_HEADER_LEN, Layout, MAGIC};
use crate::pack::TransportWriter;
use crate::task::Task;

/// How the output ends.
pub(super) enum Closing {
    /// Transport: a VERI chunk over all before it.
    Digest {
        /// The source's.
        replaces: Option<Chunk>,
        /// It is whole, and what it says is not true of what the source's chunks hold.
        disproved: bool,
    },
    /// Transport: the source's VERI chunk.
    Veri(Vec<u8>),
    /// Mux: a CRC over all before it. What is wrong with the source's, if anything is.
    Crc(Option<Unclosed>),
}

/// What is wrong with the closing CRC of the source.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unclosed {
    /// It is this, and not what it should be.
    Stored(u32),
    /// There is none.
    Missing,
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
                Closing::Crc(_) => Ok(writer.finish()?.bytes),
            }
        }
        Layout::Mux => {
            let mut writer = MuxWriter::new(out, plan.container.header().timestamp_ms.unwrap_or(0))?;
            each(plan, report, task, |tag, flags, payload| Ok(writer.chunk(tag, flags, payload)?))?;
            let (bytes, crc) = writer.finish()?;
            if let Closing::Crc(unclosed) = &closing {
                note_closing(unclosed.as_ref(), crc, report);
            }
            Ok(bytes)
        }
    }
}

/// Says what became of VERI. Where the new digest is the old one, it confirms all that was rebuilt.
fn note_digest(plan: &Plan<'_>, replaces: Option<&Chunk>, disproved: bool, digest: &[u8], report: &mut Report) {
    if let Some(chunk) = replaces.filter(|chunk| *plan.payload(chunk) == *digest) {
        report.prove();
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
    let how = "the SHA-256 of every byte between the file header and it".to_owned();
    let replaced = replaces.map(|chunk| chunk.offset);
    report.rebuild(Rebuilt { tag: Tag::VERI, replaces: replaced, how, lost: false });
    if disproved && report.nothing_lost() {
        report.doubt(
            "VERI matches neither what the source's chunks hold nor what is written: something was changed or is \
             missing, and nothing says what; the new VERI vouches only for what is written"
                .to_owned(),
        );
    }
}

/// The digest that VERI would hold over the output as it is planned.
pub(super) fn digest(plan: &Plan<'_>, task: &Task) -> Result<[u8; 32], SalvageError> {
    let mut sink = io::sink();
    let mut writer = TransportWriter::new(&mut sink)?;
    for part in plan.parts() {
        task.check()?;
        match part {
            OutputChunk::Copy(chunk) => _ = writer.chunk(chunk.tag.0, &plan.payload(&chunk))?,
            OutputChunk::New(new) => _ = writer.chunk(new.tag.0, &new.payload)?,
            OutputChunk::Empty => _ = writer.chunk(Tag::CORE.0, &[])?,
        }
    }
    Ok(writer.finish()?.digest)
}

/// Mux: says so where the closing CRC is not that of what is written, and nothing that is known to be lost explains it.
fn note_closing(unclosed: Option<&Unclosed>, crc: u32, report: &mut Report) {
    match unclosed {
        // It agrees with bits that were flipped wrongly, too.
        Some(Unclosed::Stored(stored)) if *stored == crc && report.mended.is_empty() => report.prove(),
        Some(Unclosed::Stored(stored)) if (stored ^ crc).count_ones() <= 1 => {}
        Some(why) if report.nothing_lost() => {
            let what = match why {
                Unclosed::Stored(_) => "the closing CRC does not match what the source's chunks hold",
                Unclosed::Missing => "the closing CRC is missing, and what was before it may be missing too",
            };
            report.doubt(format!("{what}: something was changed or is missing, and nothing says what"));
        }
        _ => {}
    }
}

fn each(
    plan: &Plan<'_>,
    report: &mut Report,
    task: &Task,
    mut write: impl FnMut(Tag, u32, &[u8]) -> Result<(), SalvageError>,
) -> Result<(), SalvageError> {
    for part in plan.parts() {
        match part {
            OutputChunk::Copy(chunk) => {
                write(chunk.tag, plan.flags(&chunk), &plan.payload(&chunk))?;
                if plan.copies(&chunk) {
                    report.keep(chunk.tag);
                }
                task.advance(chunk.end.saturating_sub(chunk.offset))?;
            }
            OutputChunk::New(new) => write(new.tag, new.flags, &new.payload)?,
            OutputChunk::Empty => write(Tag::CORE, 0, &[])?,
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

    /// Closes the container, and says how long it is and what it is closed with.
    fn finish(mut self) -> io::Result<(u64, u32)> {
        let crc = self.crc.clone().finalize();
        self.put(&crc.to_le_bytes())?;
        self.out.flush()?;
        Ok((self.bytes, crc))
    }
}
