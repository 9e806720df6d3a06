"""A disk that is full, over quota or failing, and no descriptors left, at the Nth system call of a transfer.

The daemon lives; under the final names is the old content or the new; room comes back; the user reads which disk and which
file. P2P_FAULTS says up to which N (make disk-faults: 50); without it each kind of call fails twice, in one of the ways.
"""

import errno
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from faults import Fault, failing
from peers import Peer, PeerFactory
from waiting import until

NUMBERS = int(os.environ.get("P2P_FAULTS", "2"))
SIZE = (8 << 20) + 4321
PATH = "in/release.bin"
DATA = os.urandom(SIZE)
TREE = {f"many/{number % 3}/{number}.bin": os.urandom(4096 + number) for number in range(12)}
OLD = b"what was there before"

WRITING = ["pwrite64", "fallocate", "fdatasync", "fsync", "ftruncate", "renameat2,renameat", "mkdirat", "fchmod", "syncfs"]
READING = ["pread64", "preadv2", "sendfile", "fstat", "statx,newfstatat", "getdents64"]
#: Calls, and what they say.
KINDS = [
    *((calls, error) for calls in WRITING for error in ("ENOSPC", "EIO", "EDQUOT")),
    *((calls, "EIO") for calls in READING),
    # Not openat: libdispatch looks at /proc/TID/stat with it, and ends the process where it cannot (decision 56).
    *(("openat2", error) for error in ("EMFILE", "ENOSPC", "EIO", "EDQUOT")),
    ("unlinkat,unlink", "EIO"),
    ("accept4", "EMFILE"),
]
#: Into the shared directory, to a file of the caller, many small files, `put`; serve: calls of the source fail.
WAYS = ["get", "output", "tree", "upload", "serve"]
CELLS = [
    (way, *kind)
    for index, way in enumerate(WAYS)
    for kind in (KINDS if "P2P_FAULTS" in os.environ else KINDS[index :: len(WAYS)])
]
#: After these on the receiver nothing of the file may be left.
SPOILING = {"ENOSPC", "EIO", "EDQUOT"}


class Stage:
    """A receiver and a source, and the ways in which files go from one to the other."""

    def __init__(self, receiver: Peer, source: Peer, directory: Path) -> None:
        self.receiver, self.source = receiver, source
        self.outside = directory / "outside"
        self.outside.mkdir()
        self.file = directory / "file"
        self.file.write_bytes(DATA)

    def expected(self, way: str) -> dict[Path, bytes]:
        """What is to be where."""
        shared = self.receiver.shared
        match way:
            case "output":
                return {self.outside / "release.bin": DATA}
            case "upload":
                return {shared / "up" / "release.bin": DATA}
            case "tree":
                return {shared / path: data for path, data in TREE.items()}
            case _:
                return {shared / PATH: DATA}

    def found(self, way: str) -> list[bytes | None]:
        return [path.read_bytes() if path.exists() else None for path in self.expected(way)]

    def clear(self, way: str, old: bytes | None = None) -> None:
        """Removes what the last one left, but for `old`."""
        if way != "output":
            for directory in ("in", "up", "many"):
                shutil.rmtree(self.receiver.shared / directory, ignore_errors=True)
        for target in self.expected(way):
            target.unlink(missing_ok=True)
            if old is not None:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(old)

    def run(self, way: str) -> subprocess.CompletedProcess[str]:
        source = self.source.name
        match way:
            case "upload":
                return self.source.adm("put", self.file, self.receiver.name, "--as", "up/release.bin")
            case "tree":
                return self.receiver.adm("get", "--recursive", f"many@{source}", "--force")
            case "output":
                return self.receiver.adm("get", f"{PATH}@{source}", "--force", "--output", self.outside)
            case _:
                return self.receiver.adm("get", f"{PATH}@{source}", "--force")

    def left(self, way: str) -> list[str]:
        """Partial files."""
        place = self.outside if way == "output" else self.receiver.shared / ".p2p-peer"
        return [path.name for path in place.glob("*") if path not in self.expected(way)]


@pytest.fixture(scope="module")
def stage(shared_factory: PeerFactory) -> Stage:
    receiver, source = shared_factory.fleet(2, accept_uploads=True, log_level="info")
    for path, data in TREE.items() | {(PATH, DATA)}:
        source.share(path, data)
    source.wait_for_files(len(TREE) + 1)
    return Stage(receiver, source, shared_factory.directory)


def open_files(peer: Peer) -> Counter[str]:
    """What it has open beneath its shared directory."""
    links = [os.readlink(entry) for entry in Path(f"/proc/{peer.pid}/fd").iterdir()]
    return Counter(link for link in links if link.startswith(str(peer.shared)))


def fail_once(stage: Stage, way: str, victim: Peer, fault: Fault) -> int:
    """A transfer under `fault`, and one after it.

    Returns how many calls failed.
    """
    old = OLD if fault.number % 2 == 0 and way != "upload" else None
    stage.clear(way, old)
    expected, pid = list(stage.expected(way).values()), victim.pid
    with failing(victim, fault) as injection:
        result = stage.run(way)
    assert victim.status()["pid"] == pid
    found = stage.found(way)
    if result.returncode == 0:
        assert found == expected
    else:
        assert all(there in (old, wanted) for there, wanted in zip(found, expected, strict=True))
        words, places = os.strerror(getattr(errno, fault.error)), (str(victim.directory), str(stage.outside))
        if fault.calls in READING:
            # SQLite takes a page that it cannot read for a damaged one, and what cannot be looked at is no file.
            assert result.stderr.startswith(("p2padm: get", "p2padm: put"))
        else:
            assert words in result.stderr and any(place in result.stderr for place in places), result.stderr
        if fault.error in SPOILING and fault.calls in WRITING and victim is stage.receiver:
            assert not stage.left(way)
    # Nothing is in the way of the next one.
    stage.clear(way)
    again = stage.run(way)
    assert (again.returncode, again.stderr) == (0, "")
    assert stage.found(way) == expected
    until(lambda: not stage.left(way), "the staging area to be empty")
    return injection.count


@pytest.mark.parametrize(("way", "calls", "error"), CELLS, ids=str)
def test_a_call_fails(stage: Stage, way: str, calls: str, error: str) -> None:
    victim = stage.source if way == "serve" else stage.receiver
    before = open_files(victim)
    silent = 0
    for number in range(1, NUMBERS + 1):
        count = fail_once(stage, way, victim, Fault(calls, error, number))
        # Beyond the last call of its kind.
        silent = 0 if count else silent + 1
        if silent == 3:
            break
    until(lambda: open_files(victim) == before, "all files to be closed")
