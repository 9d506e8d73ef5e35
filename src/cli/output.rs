//! Where results go: standard output, a file that appears whole or not at all, or a device.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Stdout, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::input::Input;
use super::status::{Failure, Status};
use crate::draft::{self, Destination, Draft, Found, Identity};
use h4mk::text;

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
    Draft(Box<BufWriter<Draft>>),
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
        inputs: impl IntoIterator<Item = &'a Input>,
    ) -> anyhow::Result<Self> {
        let Target::Path(path) = target else { return Ok(Self::stdout()) };
        let name = text::escape_bytes(path.as_os_str().as_encoded_bytes());
        let refuse = |why: &str| Err(Status::Usage.error(format!("{name}: {why}")));
        let as_usage = || Failure { status: Status::Usage, message: name.clone() };
        let place = Destination::look(path).with_context(as_usage)?;
        let identity = place.identity();
        if identity.is_some() && inputs.into_iter().any(|input| identity_of(input) == identity) {
            return refuse("it is the input; write to another file");
        }
        let sink = match place.found() {
            Found::Folder => return refuse("it is a folder; name a file"),
            Found::DanglingLink => return refuse("it is a link to a file that doesn't exist; name that file"),
            Found::File if !force => return refuse("it exists; --force replaces it"),
            Found::Special => {
                let device = place.open().with_context(as_usage)?;
                Sink::Direct(BufWriter::with_capacity(BUFFER_BYTES, device))
            }
            Found::File | Found::Nothing => {
                draft::remove_names_on_signals();
                let draft = place.draft(force).with_context(as_usage)?;
                Sink::Draft(BufWriter::with_capacity(BUFFER_BYTES, draft).into())
            }
        };
        Ok(Self { name, sink })
    }

    /// Refuses, as a usage error, to send bytes that aren't text to a terminal.
    pub fn refuse_terminal(&self) -> anyhow::Result<()> {
        match &self.sink {
            Sink::Stdout(stdout) if stdout.get_ref().is_terminal() => Err(Status::Usage
                .error("the output is binary, but standard output is a terminal; use --out PATH or a pipe")),
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
        let name = self.name;
        let Sink::Draft(draft) = self.sink else { return Ok(()) };
        let draft = draft.into_inner().map_err(io::IntoInnerError::into_error);
        draft.and_then(Draft::publish).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Status::Usage.error(format!("{name}: it exists; --force replaces it")),
            _ => anyhow::Error::new(error).context(name),
        })
    }

    fn writer(&mut self) -> &mut dyn Write {
        match &mut self.sink {
            Sink::Stdout(stdout) => stdout,
            Sink::Direct(file) => file,
            Sink::Draft(draft) => draft,
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

/// Which file an input is, by whatever name.
fn identity_of(input: &Input) -> Option<Identity> {
    match input {
        Input::Stdin => Identity::of_stdin(),
        Input::Path(path) => Identity::of_path(path),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cli::status;

    fn create(path: &Path, force: bool, inputs: &[&Path]) -> anyhow::Result<Output> {
        let inputs: Vec<Input> = inputs.iter().map(|path| Input::Path((*path).into())).collect();
        Output::create(&Target::Path(path.into()), force, &inputs)
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
        assert!(refusal(write(&path, false, b"new")).ends_with("there: it exists; --force replaces it"));
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
        assert_eq!(error, format!("{}: there is no such folder; create it first", place.display()));
        refusal(create(Path::new(""), false, &[]));
    }

    #[cfg(unix)]
    mod unix {
        use super::*;
        use std::io::Read;
        use std::os::unix::fs::symlink;

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
        fn a_dangling_link_is_refused_at_once() {
            let dir = tempfile::tempdir().unwrap();
            let link = dir.path().join("link");
            symlink("nowhere", &link).unwrap();
            for force in [false, true] {
                assert!(refusal(create(&link, force, &[])).contains("a link to a file that doesn't exist"));
            }
            assert!(!link.exists());
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
