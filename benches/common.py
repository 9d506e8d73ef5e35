"""What `compare` and `table` share: containers written chunk by chunk, and clocks. Standard library only."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNS = 5
# Limits, keys and colours of whoever runs this would change what is measured.
ENV = {name: value for name, value in os.environ.items() if not name.startswith(("H4", "HARMONY", "CLICOLOR"))}
ENV.update(LC_ALL="C.UTF-8", TERM="xterm-256color")


def build():
    """Builds the program; returns its path and cargo's target directory."""
    cargo = ["cargo", "build", "--profile", "dist", "--locked"]
    subprocess.run(cargo, cwd=ROOT, check=True)
    about = subprocess.run(
        ["cargo", "metadata", "--no-deps", "--locked", "--format-version", "1"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    target = Path(json.loads(about.stdout)["target_directory"])
    return target / "dist" / "h4inspect", target


@contextlib.contextmanager
def workplace(room_bytes):
    """A folder in TMPDIR with that much room, removed at the end, also when the script is told to end early."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="h4inspect-bench-") as folder:
        free = shutil.disk_usage(folder).free
        if free < room_bytes:
            room = f"{free / 1e9:.1f} GB free where {room_bytes / 1e9:.0f} GB are needed"
            raise SystemExit(f"{folder}: {room}; set TMPDIR to another place")
        yield Path(folder)


def transport_chunk(tag, payload):
    """A chunk of the transport layout."""
    return struct.pack(">4sII", tag, len(payload), zlib.crc32(payload)) + payload


def mux_chunk(tag, flags, payload):
    """A chunk of the mux layout."""
    covered = struct.pack("<4sII", tag, flags, len(payload)) + payload
    return covered + struct.pack("<I", zlib.crc32(covered))


def seek_payload(entries):
    """A SEEK payload of (pts in µs, offset) pairs."""
    return struct.pack(">I", len(entries)) + b"".join(struct.pack(">QQ", *entry) for entry in entries)


def compact(value):
    """JSON without spaces."""
    return json.dumps(value, separators=(",", ":")).encode()


class Transport:
    """A transport container being written: its chunks, then `finish`."""

    def __init__(self, file):
        self.file, self.hash = file, hashlib.sha256()
        file.write(b"H4MK\x00\x01\x00\x00")

    def write(self, chunks):
        """Whole chunks."""
        self.hash.update(chunks)
        self.file.write(chunks)

    def finish(self, seek, meta, safe=b"{}"):
        """SEEK, META, SAFE, and the VERI that covers all of it."""
        self.write(transport_chunk(b"SEEK", seek_payload(seek)))
        self.write(transport_chunk(b"META", compact(meta)))
        self.write(transport_chunk(b"SAFE", safe))
        self.file.write(transport_chunk(b"VERI", self.hash.digest()))


def seconds(command, status=0, **how):
    """How long a command takes whose output is thrown away; any other end than `status` is an error."""
    how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **how}
    start = time.perf_counter()
    ended = subprocess.run([str(part) for part in command], env=ENV, check=False, **how).returncode
    elapsed = time.perf_counter() - start
    if ended != status:
        raise SystemExit(f"{' '.join(map(str, command))}: ended with {ended}, not {status}")
    return elapsed


def piped(command):
    """The same command, its output through a pipe."""
    return ["sh", "-c", '"$@" | cat >/dev/null', "sh", *command]


def medians(*commands, runs=RUNS):
    """The median of each command's time. They take turns, so that what else the machine does falls on all of them;
    one round before the first fills the page cache."""
    rounds = [[seconds(command) for command in commands] for _ in range(runs + 1)][1:]
    return [statistics.median(times) for times in zip(*rounds)]
