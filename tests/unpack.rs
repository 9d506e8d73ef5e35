//! `unpack` of blocks that are too large for memory, and of many that are small.

use std::path::{Path, PathBuf};

use crate::support::run;

/// A container whose blocks decode to so many bytes (a multiple of 255), each of its own value.
fn of_blocks(folder: &Path, lens: &[usize]) -> PathBuf {
    let blocks: Vec<Vec<u8>> =
        lens.iter().zip(0..=u8::MAX).map(|(len, value)| [value, 255].repeat(len / 255)).collect();
    let chunks: Vec<(&[u8; 4], &[u8])> = blocks.iter().map(|block| (b"CORE", block.as_slice())).collect();
    let path = folder.join("blocks.h4mk");
    crate::support::write_container(&path, &chunks);
    path
}

#[test]
fn long_blocks_are_written_in_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let lens = [255, 255 * 270_000, 510, 0, 255];
    let file = of_blocks(folder.path(), &lens);
    for jobs in ["1", "3"] {
        let (status, stdout, stderr) = run(&["unpack", file.to_str().unwrap(), "--out", "-", "--jobs", jobs]);
        assert_eq!((status, stderr.as_str()), (0, ""));
        let mut rest = stdout.as_slice();
        for (len, value) in lens.iter().zip(0..) {
            let (block, after) = rest.split_at(*len);
            assert!(block == vec![value; *len], "{value}");
            rest = after;
        }
        assert!(rest.is_empty());
    }
}

#[test]
fn a_bad_block_among_small_ones_ends_it_after_those_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.h4mk");
    let blocks: Vec<Vec<u8>> = (0..2500u16).map(|at| if at == 1500 { vec![0; 3] } else { vec![at as u8, 3] }).collect();
    let chunks: Vec<(&[u8; 4], &[u8])> = blocks.iter().map(|block| (b"CORE", block.as_slice())).collect();
    crate::support::write_container(&path, &chunks);
    let expected: Vec<u8> = (0..1500u16).flat_map(|at| [at as u8; 3]).collect();
    for jobs in ["1", "2", "5"] {
        let (status, stdout, stderr) = run(&["unpack", path.to_str().unwrap(), "--out", "-", "--jobs", jobs]);
        assert_eq!((status, stderr.matches("block 1500").count()), (1, 1), "{stderr}");
        assert!(stdout == expected, "{}", stdout.len());
    }
}

/// Sixteen times 255 MiB would be decoded before anything is read.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_blocks_and_threads() {
    use std::io::Read;
    use std::process::{Command, Stdio};

    let folder = tempfile::tempdir().unwrap();
    let file = of_blocks(folder.path(), &[255 << 20; 16]);
    // In KiB of address space, of which each thread reserves a good deal that it does not use.
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"ulimit -v 1500000; exec "$@""#, "sh", env!("CARGO_BIN_EXE_h4inspect"), "unpack"]);
    shell.arg(file).args(["--out", "-", "--jobs", "8"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = shell.spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut start = vec![1; 1 << 20];
    stdout.read_exact(&mut start).unwrap();
    assert!(start.iter().all(|byte| *byte == 0));
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{:?}: {}", output.status, String::from_utf8_lossy(&output.stderr));
}
