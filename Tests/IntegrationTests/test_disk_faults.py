"""A disk that is full, over quota or failing, and no descriptors left, at the Nth system call of a transfer.

The daemon lives; under the final name is the old content or the new; room comes back; the user reads which disk and which
file. P2P_FAULTS says up to which N (make disk-faults: 50); here each kind of call fails at its first and second time.
"""

import errno
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults import Fault, failing
from peers import Peer, PeerFactory
from waiting import until

NUMBERS = int(os.environ.get("P2P_FAULTS", "2"))
SIZE = (8 << 20) + 4321
PATH = "in/release.bin"
DATA = os.urandom(SIZE)
OLD = b"what was there before"

WRITING = ["pwrite64", "fallocate", "fdatasync", "fsync", "ftruncate", "renameat2,renameat", "mkdirat", "fchmod"]
READING = ["pread64", "preadv2", "sendfile", "fstat", "statx,newfstatat", "getdents64"]
#: Calls, and what they say.
KINDS = [
    *((calls, error) for calls in WRITING for error in ("ENOSPC", "EIO", "EDQUOT")),
    *((calls, "EIO") for calls in READING),
    *((calls, error) for calls in ("openat2", "openat") for error in ("EMFILE", "ENOSPC", "EIO", "EDQUOT")),
    ("unlinkat,unlink", "EIO"),
    ("accept4", "EMFILE"),
]
#: After these on the receiver nothing of the file may be left.
SPOILING = {"ENOSPC", "EIO", "EDQUOT"}


class Stage:
    """A receiver and a source, and the ways in which a file goes from one to the other."""

    def __init__(self, receiver: Peer, source: Peer, directory: Path) -> None:
        self.receiver, self.source = receiver, source
        self.outside = directory / "outside"
        self.outside.mkdir()
        self.file = directory / "file"
        self.file.write_bytes(DATA)

    def target(self, way: str) -> Path:
        """Where the file is to be."""
        places = {"output": self.outside / "release.bin", "upload": self.receiver.shared / "up" / "release.bin"}
        return places.get(way, self.receiver.shared / PATH)

    def clear(self, way: str, old: bytes | None) -> None:
        """Removes what the last one left, but for `old`."""
        target = self.target(way)
        if way == "output":
            target.unlink(missing_ok=True)
        else:
            shutil.rmtree(target.parent, ignore_errors=True)
        if old is not None:
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(old)

    def run(self, way: str) -> subprocess.CompletedProcess[str]:
        if way == "upload":
            return self.source.adm("put", self.file, self.receiver.name, "--as", "up/release.bin")
        output = ["--output", self.outside] if way == "output" else []
        return self.receiver.adm("get", f"{PATH}@{self.source.name}", "--force", *output)

    def left(self, way: str) -> list[str]:
        """Partial files."""
        places = [self.outside] if way == "output" else [self.receiver.shared / ".p2p-peer"]
        return [path.name for place in places for path in place.glob("*") if path != self.target(way)]


@pytest.fixture(scope="module")
def stage(shared_factory: PeerFactory) -> Iterator[Stage]:
    receiver, source = shared_factory.fleet(2, accept_uploads=True, log_level="info")
    source.share(PATH, DATA)
    source.wait_for_files(1)
    return Stage(receiver, source, shared_factory.directory)


def open_files(peer: Peer) -> Counter[str]:
    """What it has open beneath its shared directory."""
    links = [os.readlink(entry) for entry in Path(f"/proc/{peer.pid}/fd").iterdir()]
    return Counter(link for link in links if link.startswith(str(peer.shared)))


def fail_once(stage: Stage, way: str, victim: Peer, fault: Fault) -> int:
    """One transfer under `fault`, and one after it.

    Returns how many calls failed.
    """
    old = OLD if fault.number % 2 == 0 and way != "upload" else None
    stage.clear(way, old)
    target, pid = stage.target(way), victim.pid
    with failing(victim, fault) as injection:
        result = stage.run(way)
    assert victim.status()["pid"] == pid
    there = target.read_bytes() if target.exists() else None
    if result.returncode == 0:
        assert there == DATA
    else:
        assert there in (old, DATA)
        words, places = os.strerror(getattr(errno, fault.error)), (str(victim.directory), str(stage.outside))
        assert words in result.stderr and any(place in result.stderr for place in places), result.stderr
    if result.returncode != 0 and fault.error in SPOILING and victim is stage.receiver and fault.calls in WRITING:
        assert not stage.left(way)
    # Nothing is in the way of the next one.
    stage.clear(way, None)
    again = stage.run(way)
    assert (again.returncode, again.stderr) == (0, "")
    assert target.read_bytes() == DATA
    until(lambda: not stage.left(way), "the staging area to be empty")
    return injection.count


@pytest.mark.parametrize(("calls", "error"), KINDS, ids=str)
@pytest.mark.parametrize("way", ["get", "output", "upload", "serve"])
def test_a_call_fails(stage: Stage, way: str, calls: str, error: str) -> None:
    victim = stage.source if way == "serve" else stage.receiver
    before = open_files(victim)
    silent = 0
    for number in range(1, NUMBERS + 1):
        fault = Fault(calls, error, number)
        count = fail_once(stage, way, victim, fault)
        # Beyond the last call of its kind.
        silent = 0 if count else silent + 1
        if silent == 3:
            break
    until(lambda: open_files(victim) == before, "all files to be closed")
