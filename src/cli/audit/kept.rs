//! Results kept for other names of the same file.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use serde::{Deserialize, Serialize};
use tempfile::SpooledTempFile;

use crate::cli::files::Identity;
use crate::report::audit::Audited;
use h4mk::name::FileName;
use h4mk::report::FileAudit;
use h4mk::report::summary::Outcome;

/// Results of more bytes go to a temporary file.
const MEMORY_LEN: usize = 4 << 20;
/// Results that are kept as they are.
const RECENT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);

/// The result of every file, by its identity: a line of JSON each, beyond a few bytes of memory.
pub(super) struct Kept {
    places: HashMap<Identity, u64>,
    lines: SpooledTempFile,
    len: u64,
    recent: LruCache<Identity, Arc<Line<FileAudit>>>,
}

#[derive(Serialize, Deserialize)]
struct Line<R> {
    result: R,
    outcome: Outcome,
    unmasked: bool,
}

impl Kept {
    pub(super) fn new() -> Self {
        let lines = SpooledTempFile::new(MEMORY_LEN);
        Self { places: HashMap::new(), lines, len: 0, recent: LruCache::new(RECENT) }
    }

    /// Keeps the result of the file with that identity.
    pub(super) fn keep(&mut self, identity: Identity, result: &Audited) -> io::Result<()> {
        let Audited { file, outcome, unmasked, .. } = result;
        let mut line = serde_json::to_vec(&Line { result: file, outcome: *outcome, unmasked: *unmasked })?;
        line.push(b'\n');
        self.lines.seek(SeekFrom::Start(self.len))?;
        self.lines.write_all(&line)?;
        self.places.insert(identity, self.len);
        self.len += line.len() as u64;
        Ok(())
    }

    /// The result of the file with that identity, under another name.
    pub(super) fn again(&mut self, identity: Identity, name: &FileName) -> io::Result<Audited> {
        let line = match self.recent.get(&identity) {
            Some(line) => Arc::clone(line),
            None => {
                let line = Arc::new(self.read(identity)?);
                self.recent.put(identity, Arc::clone(&line));
                line
            }
        };
        Ok(Audited::of(name, line.result.clone(), line.outcome, line.unmasked))
    }

    fn read(&mut self, identity: Identity) -> io::Result<Line<FileAudit>> {
        let place = self.places.get(&identity).ok_or(io::ErrorKind::NotFound)?;
        self.lines.seek(SeekFrom::Start(*place))?;
        let mut line = Vec::new();
        BufReader::new(&mut self.lines).read_until(b'\n', &mut line)?;
        Ok(serde_json::from_slice(&line)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::style::Paint;
    use h4mk::audit;
    use h4mk::container::Options;
    use h4mk::source::Source;
    use h4mk::task::Task;

    #[test]
    fn a_result_is_the_same_under_another_name() {
        let folders = ["sample-data", "tests/corpus/damaged", "tests/corpus/found"].into_iter();
        let files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
        let mut kept = Kept::new();
        let mut results = Vec::new();
        for (path, number) in
            files.filter(|path| path.extension().is_some_and(|extension| extension == "h4mk")).zip(0..)
        {
            let source = Arc::new(Source::open(&path).unwrap());
            let audit = audit::audit(&source, &Options::default(), &Task::default()).unwrap();
            let mut result = Audited::new(&"first".into(), source.len(), &audit);
            // Nothing the files here give by themselves.
            result.file.omitted.push(("chunk-crc-mismatch".to_owned(), u64::MAX));
            kept.keep((1, number), &result).unwrap();
            results.push(Audited::of(&"second".into(), result.file, result.outcome, result.unmasked));
        }
        assert!(results.len() > 50);
        let text = |result: &Audited| {
            let mut text = Vec::new();
            result.write_text(&mut text, Paint::PLAIN).unwrap();
            String::from_utf8(text).unwrap()
        };
        for (result, number) in results.iter().zip(0..) {
            let again = kept.again((1, number), &"second".into()).unwrap();
            let json = |result: &Audited| serde_json::to_string(&result.file).unwrap();
            assert_eq!((json(&again), text(&again), &again.uri), (json(result), text(result), &result.uri));
            assert_eq!((again.outcome, again.unmasked), (result.outcome, result.unmasked));
        }
        assert!(kept.again((2, 0), &"unknown".into()).is_err());
    }
}
