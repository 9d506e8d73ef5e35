//! Where results go: standard output, a file that appears whole or not at all, or a device.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Stdout, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::NamedTempFile;

use super::status::{Failure, Status};
use crate::core::text;

const BUFFER_BYTES: usize = 64 << 10;
/// What Linux allows a pipe without privileges, unless told otherwise.
#[cfg(target_os = "linux")]
const PIPE_BYTES: usize = 1 << 20;

/// The value of `--out`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `-`, and what commands without `--out` write to.
    Stdout,
    /// A file, device or FIFO.
    Path(PathBuf),
}

impl Target {
    /// The path, unless it is standard output.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Stdout => None,
            Self::Path(path) => Some(path),
        }
    }
}

impl From<OsString> for Target {
    fn from(argument: OsString) -> Self {
        if argument == OsStr::new("-") { Self::Stdout } else { Self::Path(argument.into()) }
    }
}

/// A place to write a result to. A file gets its name only in [`Output::finish`]; dropped before, it leaves nothing
/// behind.
#[derive(Debug)]
pub struct Output {
    name: String,
    sink: Sink,
}

#[derive(Debug)]
enum Sink {
    Stdout(BufWriter<Stdout>),
    /// A device or FIFO that was there already.
    Direct(BufWriter<File>),
    Beside(Box<Beside>),
}

/// A file in the making, in the folder where it will stand.
#[derive(Debug)]
struct Beside {
    file: BufWriter<NamedTempFile>,
    path: PathBuf,
    /// The permissions of the file it is to replace; without them it must not replace any.
    replaced: Option<Permissions>,
    force: bool,
}

impl Output {
    /// Standard output, buffered: a result that is shown as it comes has to [`flush`](Write::flush).
    pub fn stdout() -> Self {
        let stdout = BufWriter::with_capacity(BUFFER_BYTES, io::stdout());
        Self { name: "standard output".into(), sink: Sink::Stdout(stdout) }
    }

    /// Opens `target`. A file that exists needs `force`, and must be none of `inputs` even then; devices and FIFOs are
    /// written directly. Whatever is wrong with the target is a usage error.
    pub fn create<'a>(
        target: &Target,
        force: bool,
        inputs: impl IntoIterator<Item = &'a Path>,
    ) -> anyhow::Result<Self> {
        let Target::Path(path) = target else { return Ok(Self::stdout()) };
        let name = text::escape_bytes(path.as_os_str().as_encoded_bytes());
        let refuse = |why: &str| Err(Status::Usage.error(format!("{name}: {why}")));
        let as_usage = || Failure { status: Status::Usage, message: name.clone() };
        let sink = match fs::metadata(path) {
            Ok(_) if inputs.into_iter().any(|input| is_same_file(input, path)) => {
                return refuse("is the input; write to another file");
            }
            Ok(found) if found.is_dir() => return refuse("is a folder; name a file"),
            Ok(found) if !found.is_file() => {
                let device = OpenOptions::new().write(true).open(path).with_context(as_usage)?;
                Sink::Direct(BufWriter::with_capacity(BUFFER_BYTES, device))
            }
            Ok(_) if !force => return refuse("exists; --force replaces it"),
            Ok(found) => {
                // A link stays, and what it points to is replaced.
                let path = fs::canonicalize(path).with_context(as_usage)?;
                Sink::Beside(Beside::create(path, Some(found.permissions()), force).with_context(as_usage)?.into())
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Sink::Beside(Beside::create(path.clone(), None, force).with_context(as_usage)?.into())
            }
            Err(error) => return Err(error).with_context(as_usage),
        };
        Ok(Self { name, sink })
    }

    /// Refuses, as a usage error, to send bytes that are no text to a terminal.
    pub fn refuse_terminal(&self) -> anyhow::Result<()> {
        match &self.sink {
            Sink::Stdout(stdout) if stdout.get_ref().is_terminal() => {
                Err(Status::Usage
                    .error("the result is binary and standard output a terminal; use --out PATH or a pipe"))
            }
            _ => Ok(()),
        }
    }

    /// Makes standard output, if it is a pipe, as wide as is allowed, for results of many megabytes: both ends wait less.
    pub fn widen(&self) {
        #[cfg(target_os = "linux")]
        if let Sink::Stdout(stdout) = &self.sink {
            // What is no pipe, or may not be wider, stays as it is.
            _ = rustix::pipe::fcntl_setpipe_size(stdout.get_ref(), PIPE_BYTES);
        }
    }

    /// Writes what is buffered and gives a file its name.
    pub fn finish(mut self) -> anyhow::Result<()> {
        self.flush()?;
        let Sink::Beside(beside) = self.sink else { return Ok(()) };
        let name = self.name;
        beside.persist().map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Status::Usage.error(format!("{name}: exists; --force replaces it")),
            _ => anyhow::Error::new(error).context(name),
        })
    }

    fn writer(&mut self) -> &mut dyn Write {
        match &mut self.sink {
            Sink::Stdout(stdout) => stdout,
            Sink::Direct(file) => file,
            Sink::Beside(beside) => &mut beside.file,
        }
    }

    fn named(&self, error: io::Error) -> io::Error {
        if error.kind() == ErrorKind::Interrupted {
            return error;
        }
        io::Error::new(error.kind(), format!("{}: {error}", self.name))
    }
}

/// Errors keep their kind and say what could not be written.
impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer().write(bytes).map_err(|error| self.named(error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer().flush().map_err(|error| self.named(error))
    }
}

impl Beside {
    fn create(path: PathBuf, replaced: Option<Permissions>, force: bool) -> io::Result<Self> {
        if path.file_name().is_none() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "not the name of a file"));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".h4inspect-").suffix(".part");
        // tempfile's own 0600 would stay with the file; this leaves it to the umask, as for any new file.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = BufWriter::with_capacity(BUFFER_BYTES, builder.tempfile_in(folder).map_err(unnamed)?);
        Ok(Self { file, path, replaced, force })
    }

    fn persist(self) -> io::Result<()> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        if let Some(permissions) = self.replaced {
            file.as_file().set_permissions(permissions)?;
        }
        let persisted = if self.force { file.persist(self.path) } else { file.persist_noclobber(self.path) };
        persisted.map(|_| ()).map_err(|error| error.error)
    }
}

/// What is wrong with the folder, without the name that nobody has chosen.
fn unnamed(error: io::Error) -> io::Error {
    let kind = error.kind();
    match kind {
        ErrorKind::NotFound => io::Error::new(kind, "there is no such folder; make it first"),
        ErrorKind::NotADirectory => io::Error::new(kind, "a file stands where its folder should be"),
        ErrorKind::PermissionDenied => io::Error::new(kind, "permission denied; its folder can't be written to"),
        _ => match error.get_ref().and_then(|named| named.source()) {
            Some(bare) => io::Error::new(kind, bare.to_string()),
            None => error,
        },
    }
}

/// Whether both are one file, by whatever name; false if either is not there.
fn is_same_file(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let identity = |path| fs::metadata(path).map(|found| (found.dev(), found.ino()));
        matches!((identity(a), identity(b)), (Ok(a), Ok(b)) if a == b)
    }
    #[cfg(not(unix))]
    matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::status;

    fn create(path: &Path, force: bool, inputs: &[&Path]) -> anyhow::Result<Output> {
        Output::create(&Target::Path(path.into()), force, inputs.iter().copied())
    }

    fn write(path: &Path, force: bool, bytes: &[u8]) -> anyhow::Result<()> {
        let mut out = create(path, force, &[])?;
        out.write_all(bytes)?;
        out.finish()
    }

    fn refusal(result: anyhow::Result<impl std::fmt::Debug>) -> String {
        let error = result.unwrap_err();
        assert_eq!(status::of(&error), Status::Usage);
        format!("{error:#}")
    }

    #[test]
    fn a_file_appears_when_it_is_finished_and_not_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new.bin");
        let mut out = create(&path, false, &[]).unwrap();
        out.write_all(b"abc").unwrap();
        assert!(!path.exists());
        out.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"abc");

        let mut dropped = create(&dir.path().join("dropped"), false, &[]).unwrap();
        dropped.write_all(b"abc").unwrap();
        drop(dropped);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_exists_is_replaced_only_by_force() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("there");
        fs::write(&path, "old").unwrap();
        assert!(refusal(write(&path, false, b"new")).ends_with("there: exists; --force replaces it"));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        write(&path, true, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_file_that_appears_meanwhile_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("raced");
        let out = create(&path, false, &[]).unwrap();
        fs::write(&path, "other").unwrap();
        assert!(refusal(out.finish()).contains("exists"));
        assert_eq!(fs::read(&path).unwrap(), b"other");
    }

    #[test]
    fn the_input_is_never_replaced_by_whatever_name() {
        let dir = tempfile::tempdir().unwrap();
        let input = dir.path().join("input");
        let link = dir.path().join("link");
        fs::write(&input, "old").unwrap();
        fs::hard_link(&input, &link).unwrap();
        for name in [&input, &link, &dir.path().join("./input")] {
            assert!(refusal(create(name, true, &[&input])).contains("is the input"));
        }
    }

    #[test]
    fn folders_and_places_that_are_not_there_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(refusal(create(dir.path(), true, &[])).contains("is a folder"));
        let place = dir.path().join("no/such/folder");
        let error = refusal(create(&place, false, &[]));
        assert_eq!(error, format!("{}: there is no such folder; make it first", place.display()));
        refusal(create(Path::new(""), false, &[]));
    }

    #[cfg(unix)]
    mod unix {
        use super::*;
        use std::io::Read;
        use std::os::unix::fs::{PermissionsExt, symlink};

        fn mode(path: &Path) -> u32 {
            fs::metadata(path).unwrap().permissions().mode() & 0o777
        }

        #[test]
        fn permissions_are_those_of_any_file_or_of_the_one_replaced() {
            let dir = tempfile::tempdir().unwrap();
            let (usual, ours) = (dir.path().join("usual"), dir.path().join("ours"));
            File::create(&usual).unwrap();
            write(&ours, false, b"x").unwrap();
            assert_eq!(mode(&ours), mode(&usual));
            fs::set_permissions(&ours, Permissions::from_mode(0o640)).unwrap();
            write(&ours, true, b"y").unwrap();
            assert_eq!(mode(&ours), 0o640);
        }

        #[test]
        fn a_link_stays_and_its_file_is_replaced() {
            let dir = tempfile::tempdir().unwrap();
            let (file, link) = (dir.path().join("file"), dir.path().join("link"));
            fs::write(&file, "old").unwrap();
            symlink("file", &link).unwrap();
            write(&link, true, b"new").unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(fs::read(&file).unwrap(), b"new");
        }

        #[test]
        fn a_dangling_link_is_a_file_that_exists() {
            let dir = tempfile::tempdir().unwrap();
            let link = dir.path().join("link");
            symlink("nowhere", &link).unwrap();
            assert!(refusal(write(&link, false, b"new")).contains("exists"));
            write(&link, true, b"new").unwrap();
            assert_eq!(fs::read(&link).unwrap(), b"new");
        }

        #[test]
        fn devices_and_fifos_are_written_directly() {
            write(Path::new("/dev/null"), false, b"gone").unwrap();
            let dir = tempfile::tempdir().unwrap();
            let fifo = dir.path().join("fifo");
            assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
            let reader = std::thread::spawn({
                let fifo = fifo.clone();
                move || {
                    let mut read = Vec::new();
                    File::open(fifo).unwrap().read_to_end(&mut read).unwrap();
                    read
                }
            });
            write(&fifo, false, b"through").unwrap();
            assert_eq!(reader.join().unwrap(), b"through");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        }
    }
}
