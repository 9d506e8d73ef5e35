//! What a host and the program that started it say to each other.
//!
//! Numbers are little-endian u64. A request is the limit, a length, and as many bytes; a reply is one byte that says what
//! it is, a length, and as many bytes.

use std::io::{self, Read, Write};

use super::FINGERPRINT_LEN;

/// Bytes of an engine id or a message that are taken from a host.
pub(super) const TEXT_MAX: u64 = 4096;

pub(super) struct Request {
    pub(super) stored: Vec<u8>,
    pub(super) limit: u64,
}

/// What a host says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Ready { engine_id: Option<Vec<u8>>, fingerprint: Option<[u8; FINGERPRINT_LEN]> },
    Refused(Vec<u8>),
    Decoded(Vec<u8>),
    TooLarge(u64),
    Malformed,
}

const READY: u8 = b'R';
const REFUSED: u8 = b'N';
pub(super) const DECODED: u8 = b'D';
const TOO_LARGE: u8 = b'L';
const MALFORMED: u8 = b'M';

pub(super) fn write_request(out: &mut impl Write, stored: &[u8], limit: u64) -> io::Result<()> {
    out.write_all(&limit.to_le_bytes())?;
    out.write_all(&(stored.len() as u64).to_le_bytes())?;
    out.write_all(stored)?;
    out.flush()
}

/// `None` where the other side is gone.
pub(super) fn read_request(input: &mut impl Read) -> io::Result<Option<Request>> {
    let mut limit = [0; 8];
    match input.read_exact(&mut limit) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    }
    let len = read_u64(input)?;
    Ok(Some(Request { stored: read_bytes(input, len)?, limit: u64::from_le_bytes(limit) }))
}

fn read_u64(input: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    input.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// Grows with what really comes: a length alone allocates nothing.
fn read_bytes(input: &mut impl Read, len: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if input.take(len).read_to_end(&mut bytes)? as u64 != len {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

fn garbled(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

impl Reply {
    pub(super) fn read(input: &mut impl Read, limit: u64) -> io::Result<Self> {
        let mut kind = [0];
        input.read_exact(&mut kind)?;
        let len = read_u64(input)?;
        let [kind] = kind;
        if len > if kind == DECODED { limit } else { TEXT_MAX + 128 } {
            return Err(garbled("it is too long"));
        }
        let payload = read_bytes(input, len)?;
        match kind {
            READY => {
                let mut fields = payload.as_slice();
                let mut field = || {
                    let len = read_u64(&mut fields).ok()?;
                    read_bytes(&mut fields, len).ok().filter(|field| !field.is_empty())
                };
                let (engine_id, fingerprint) = (field(), field());
                Ok(Self::Ready { engine_id, fingerprint: fingerprint.and_then(|bytes| bytes.try_into().ok()) })
            }
            REFUSED => Ok(Self::Refused(payload)),
            DECODED => Ok(Self::Decoded(payload)),
            TOO_LARGE => Ok(Self::TooLarge(read_u64(&mut payload.as_slice())?)),
            MALFORMED => Ok(Self::Malformed),
            _ => Err(garbled("it is of an unknown kind")),
        }
    }

    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Ready { engine_id, fingerprint } => {
                let mut payload = Vec::new();
                for field in [engine_id.as_deref(), fingerprint.as_ref().map(|bytes| bytes.as_slice())] {
                    let field = field.unwrap_or_default();
                    payload.extend((field.len() as u64).to_le_bytes());
                    payload.extend(field);
                }
                write_reply(out, READY, &payload)
            }
            Self::Refused(reason) => write_reply(out, REFUSED, reason.get(..TEXT_MAX as usize).unwrap_or(reason)),
            Self::Decoded(bytes) => write_reply(out, DECODED, bytes),
            Self::TooLarge(len) => write_reply(out, TOO_LARGE, &len.to_le_bytes()),
            Self::Malformed => write_reply(out, MALFORMED, &[]),
        }
    }
}

pub(super) fn write_reply(out: &mut impl Write, kind: u8, payload: &[u8]) -> io::Result<()> {
    out.write_all(&[kind])?;
    out.write_all(&(payload.len() as u64).to_le_bytes())?;
    out.write_all(payload)?;
    out.flush()
}
