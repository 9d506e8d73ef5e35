//! Shares of the work of one audit among several jobs.

use std::ffi::OsString;
use std::path::{Component, Path};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::status::Status;

/// The share of one job: files whose hash is `index` modulo `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    of: u64,
}

impl Shard {
    fn new(index: u64, of: u64) -> Result<Self, String> {
        match index < of {
            true => Ok(Self { index, of }),
            false => Err(format!(
                "there is no shard {index} of {of}: shards count from 0, so the last one is {}",
                of.max(1) - 1
            )),
        }
    }

    /// Whether a file is in this share, by its path below the folder that was named: the first 8 bytes of the SHA-256 of
    /// the path, without `.` and with `/` between its parts, are a big-endian number, and that modulo `of` is the shard.
    pub(super) fn has(self, relative: &Path) -> bool {
        let mut hash = Sha256::new();
        let mut separator: &[u8] = b"";
        for part in relative.components().filter(|part| *part != Component::CurDir) {
            hash.update(separator);
            hash.update(part.as_os_str().as_encoded_bytes());
            separator = if part == Component::RootDir { b"" } else { b"/" };
        }
        let first = hash.finalize().first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        first.checked_rem(self.of) == Some(self.index)
    }
}

/// The value of `--shard`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// `I/N`.
    Fixed(Shard),
    /// `auto`: what the batch system says.
    Auto,
    /// `auto/N`: which one the batch system says, of N.
    AutoOf(u64),
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORMS: &str = "I/N with I from 0 to N-1, auto, or auto/N";
        let number = |text: &str| text.parse::<u64>().map_err(|_| format!("{text:?} isn't a number; write {FORMS}"));
        match text.split_once('/') {
            None if text == "auto" => Ok(Self::Auto),
            None => Err(FORMS.to_owned()),
            Some(("auto", of)) => match number(of)? {
                0 => Err(FORMS.to_owned()),
                of => Ok(Self::AutoOf(of)),
            },
            Some((_, of)) if number(of) == Ok(0) => Err(FORMS.to_owned()),
            Some((index, of)) => Ok(Self::Fixed(Shard::new(number(index)?, number(of)?)?)),
        }
    }
}

const SLURM: [&str; 4] =
    ["SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP"];
const AWS: [&str; 2] = ["AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"];
const KUBERNETES: &str = "JOB_COMPLETION_INDEX";

impl Choice {
    /// The share; `env` looks up an environment variable. Variables that are missing or make no sense are a usage error.
    pub(super) fn resolve(self, env: impl Fn(&str) -> Option<OsString>) -> anyhow::Result<Shard> {
        let given = match self {
            Self::Fixed(shard) => return Ok(shard),
            Self::Auto => None,
            Self::AutoOf(of) => Some(of),
        };
        let number = |name: &str| match env(name).filter(|value| !value.is_empty()) {
            None => Ok(None),
            Some(value) => match value.to_str().and_then(|value| value.trim().parse::<u64>().ok()) {
                Some(number) => Ok(Some(number)),
                None => Err(Status::Usage.error(format!("{name}: it isn't a number"))),
            },
        };
        let [id, count, min, step] = SLURM;
        let [aws_index, aws_size] = AWS;
        let (name, index, of) = if let Some(task) = number(id)? {
            let (first, step) = (number(min)?.unwrap_or(0), number(step)?.unwrap_or(1));
            let index = task.checked_sub(first).and_then(|nth| nth.checked_div(step));
            let index =
                index.ok_or_else(|| Status::Usage.error(format!("{id}: {task} is below the first task, {first}")))?;
            (id, index, number(count)?)
        } else if let Some(index) = number(aws_index)? {
            (aws_index, index, number(aws_size)?)
        } else if let Some(index) = number(KUBERNETES)? {
            (KUBERNETES, index, None)
        } else {
            let names = [id, aws_index, KUBERNETES].join(", ");
            return Err(Status::Usage.error(format!("--shard auto: none of {names} is set; give --shard I/N")));
        };
        let of = given.or(of).ok_or_else(|| {
            Status::Usage.error(format!(
                "--shard auto: {name} says which shard this is, but nothing says how many there are; give auto/N"
            ))
        })?;
        Shard::new(index, of).map_err(|why| Status::Usage.error(format!("{name}: {why}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::status;

    fn resolved(choice: &str, variables: &[(&str, &str)]) -> Result<(u64, u64), Status> {
        let env = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(*value));
        let shard = choice.parse::<Choice>().unwrap().resolve(env);
        shard.map(|shard| (shard.index, shard.of)).map_err(|error| status::of(&error))
    }

    #[test]
    fn each_path_is_in_one_shard_that_stays_the_same() {
        for of in 1..9 {
            for path in ["a.h4mk", "b/c.h4mk", "", "/x", "ä"] {
                assert_eq!(
                    (0..of).filter(|index| Shard { index: *index, of }.has(Path::new(path))).count(),
                    1,
                    "{path}"
                );
            }
        }
        // printf %s b/c.h4mk | sha256sum
        assert!(Shard { index: 0x16e4_30e8_c484_2404, of: u64::MAX }.has(Path::new("b/c.h4mk")));
        for same in ["./b/c.h4mk", "b//c.h4mk", "b/./c.h4mk"] {
            let of = u64::MAX;
            assert!(Shard { index: 0x16e4_30e8_c484_2404, of }.has(Path::new(same)), "{same}");
        }
    }

    #[test]
    fn shards_count_from_0() {
        assert_eq!(resolved("0/1", &[]), Ok((0, 1)));
        assert_eq!(resolved("2/3", &[]), Ok((2, 3)));
        for wrong in ["", "3/3", "0/0", "1", "-1/3", "a/b", "1/", "/3", "auto/", "auto/0", "auto/x", "Auto", "1/2/3"] {
            assert!(wrong.parse::<Choice>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn batch_systems_say_which_shard_a_job_is() {
        let slurm = [("SLURM_ARRAY_TASK_ID", "5"), ("SLURM_ARRAY_TASK_COUNT", "4")];
        let more = |name, value| [slurm.as_slice(), &[(name, value)]].concat();
        assert_eq!(resolved("auto", &more("SLURM_ARRAY_TASK_MIN", "3")), Ok((2, 4)));
        let stepped = [more("SLURM_ARRAY_TASK_MIN", "1"), vec![("SLURM_ARRAY_TASK_STEP", "2")]].concat();
        assert_eq!(resolved("auto", &stepped), Ok((2, 4)));
        assert_eq!(resolved("auto/6", &slurm), Ok((5, 6)));
        let aws = [("AWS_BATCH_JOB_ARRAY_INDEX", "1"), ("AWS_BATCH_JOB_ARRAY_SIZE", "3")];
        assert_eq!(resolved("auto", &aws), Ok((1, 3)));
        assert_eq!(resolved("auto/2", &aws[..1]), Ok((1, 2)));
        assert_eq!(resolved("auto/2", &[("JOB_COMPLETION_INDEX", "0")]), Ok((0, 2)));
        for (choice, variables) in [
            ("auto", vec![]),
            ("auto/3", vec![]),
            ("auto", slurm.to_vec()),
            ("auto", more("SLURM_ARRAY_TASK_MIN", "6")),
            ("auto", more("SLURM_ARRAY_TASK_MIN", "x")),
            ("auto", more("SLURM_ARRAY_TASK_STEP", "0")),
            ("auto", aws[..1].to_vec()),
            ("auto", vec![("JOB_COMPLETION_INDEX", "0")]),
            ("auto/2", vec![("JOB_COMPLETION_INDEX", "2")]),
            ("auto/2", vec![("JOB_COMPLETION_INDEX", "-1")]),
        ] {
            assert_eq!(resolved(choice, &variables), Err(Status::Usage), "{choice} {variables:?}");
        }
    }
}
