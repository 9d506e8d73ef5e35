//! [`Error`]: anything that can go wrong, in one type.

use super::block::BlockError;
use super::codec::engine::EngineError;
use super::container::{GrowError, OpenError, SeekError};
#[cfg(feature = "diff")]
use super::diff::DiffError;
use super::explore::byte_view::ByteSourceError;
use super::explore::find::NeedleError;
use super::json::JsonError;
use super::layout::HeadError;
use super::pack::{PackError, SettingsError};
use super::salvage::{SalvageError, SiblingError};
use super::secret::SecretError;
use super::size::SizeError;
use super::source::SourceError;
use super::task::Cancelled;
use super::time::TimeError;

/// What every fallible function of this crate gives can be turned into this with `?`. Each reads as one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The source can't be opened or read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// They aren't a container.
    #[error(transparent)]
    NotH4mk(#[from] HeadError),
    /// A block can't be had.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// A timestamp has no answer.
    #[error(transparent)]
    Seek(#[from] SeekError),
    /// An engine gave no bytes.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A file can't be followed any longer.
    #[error(transparent)]
    Grow(#[from] GrowError),
    /// A key can't be one.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A payload isn't JSON that can be read.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Nothing could be saved, or not written.
    #[error(transparent)]
    Salvage(#[from] SalvageError),
    /// A file that should lend its META can't.
    #[error(transparent)]
    Sibling(#[from] SiblingError),
    /// Two containers can't be compared.
    #[cfg(feature = "diff")]
    #[error(transparent)]
    Diff(#[from] DiffError),
    /// A container can't be written.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// It isn't said clearly how a container is to be written.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A text isn't a time.
    #[error(transparent)]
    Time(#[from] TimeError),
    /// A text isn't a size.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// A text can't be searched for.
    #[error(transparent)]
    Needle(#[from] NeedleError),
    /// The job was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl Error {
    /// Where in the file it is, where it is at one place.
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::NotH4mk(_) => Some(0),
            Self::Block(error) | Self::Seek(SeekError::Block(error)) => error.offset(),
            _ => None,
        }
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Head(error) => error.into(),
            OpenError::Cancelled(error) => error.into(),
        }
    }
}

impl From<ByteSourceError> for Error {
    fn from(error: ByteSourceError) -> Self {
        match error {
            ByteSourceError::Block(error) => error.into(),
            ByteSourceError::Cancelled(error) => error.into(),
        }
    }
}
