//! The file of `--baseline`.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::cli::output::{Output, Target};
use crate::cli::status::Status;
use crate::report::baseline::Baseline;
use h4mk::name::FileName;
use h4mk::source::{Source, SourceError};
use h4mk::text;

/// A baseline, and where it is written if it is to be updated.
pub(super) struct File {
    pub(super) found: Baseline,
    updated: Option<Output>,
}

/// Reads a baseline. One that can't be read, or can't be written where it is to be updated, is a usage error; where there
/// is none, an update begins one.
pub(super) fn open(path: &Path, update: bool) -> anyhow::Result<File> {
    let name = text::escape_bytes(path.as_os_str().as_encoded_bytes());
    let refuse = |why: String| Status::Usage.error(format!("--baseline {name}: {why}"));
    let mut found = match Source::open(path) {
        Ok(source) if update && source.is_empty() => Baseline::default(),
        Ok(source) => Baseline::parse(&source.bytes().to_vec()).map_err(|error| refuse(error.to_string()))?,
        Err(SourceError::NotFound) if update => Baseline::default(),
        Err(SourceError::NotFound) => return Err(refuse("no such file; --update-baseline creates it".to_owned())),
        Err(error) => return Err(refuse(error.to_string())),
    };
    if !update {
        return Ok(File { found, updated: None });
    }
    found.keep_found();
    let out = Output::create(&Target::Path(path.to_owned()), true, [])?;
    Ok(File { found, updated: Some(out) })
}

impl File {
    /// It is to be written anew.
    pub(super) fn updates(&self) -> bool {
        self.updated.is_some()
    }

    /// Writes it, if it is to be updated.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        let Some(mut out) = self.updated else { return Ok(()) };
        self.found.write_updated(&mut out, is_gone)?;
        out.finish()
    }
}

/// Whether a file that a baseline names is no longer there.
pub(super) fn is_gone(file: &FileName) -> bool {
    let gone = |error: std::io::Error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
    fs::symlink_metadata(file.to_path()).is_err_and(gone)
}
