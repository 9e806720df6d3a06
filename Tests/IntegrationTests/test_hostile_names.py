"""A corpus of hostile names on every way in, and symbolic links that are swapped while files are reached through them.

strace shows what the kernel opened, made, renamed and removed: nothing outside. P2P_NAMES says how many names, P2P_SWAPS
how many swaps (make hostile-names: all, 100,000).
"""

import contextlib
import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import grpc
import pytest
import requests
from admin import AdminError
from exposed import SECRET, plant, raw_get, snapshot, spellings
from grpc_calls import stream_unary, unary_stream, unary_unary
from hostile_names import CORPUS
from peers import Peer
from rest_only_peer import RESTOnlyPeer
from rogue_peer import RoguePeer
from tracing import ON_PATHS, left_the_share, traced
from waiting import until

NAMES = CORPUS[:: max(1, len(CORPUS) // int(os.environ.get("P2P_NAMES", "12")))]
SWAPS = int(os.environ.get("P2P_SWAPS", "800"))
MARK = b"from elsewhere: "
#: What nobody may be told: the files beside the shared directory, and the system's.
FORBIDDEN = (SECRET, b"root:x:0:0", b"PATH=/")


@pytest.fixture
def exposed(peer_factory) -> Iterator[Peer]:
    """Its kernel calls on paths are traced; at the end none has led outside."""
    peer = peer_factory.new("exposed", accept_uploads=True, uploads={"free_bytes_min": 0}, log_level="info")
    plant(peer)
    peer.start().wait_for_files(1)
    outside = {path: data for path, data in contents(peer.directory).items() if not path.startswith("share/")}
    with traced(peer, "-y", "-s", "64", "-e", f"trace={ON_PATHS}") as log:
        yield peer
        pid = peer.status()["pid"]
    assert pid == peer.pid
    assert left_the_share(peer, log) == []
    now = {path: data for path, data in contents(peer.directory).items() if not path.startswith("share/")}
    assert now == outside


def contents(directory: Path) -> dict[str, bytes]:
    return {path: (directory / path).read_bytes() for path in snapshot(directory)}


class Doors:
    """Every way in that takes a name. Answers are bytes that came back."""

    def __init__(self, peer: Peer, wire: SimpleNamespace, channel: grpc.Channel) -> None:
        self.peer, self.wire, self.channel = peer, wire, channel

    def everywhere(self, name: str) -> Iterator[bytes]:
        for target in spellings(name):
            yield raw_get(self.peer, target)[1]
        for query in ("search?query=", "files?query=", "files?after=", "search?query=&fanout="):
            yield raw_get(self.peer, f"/{query}{quote(name, safe='')}".encode()[:60_000])[1]
        yield from self.over_grpc(name)
        yield from self.by_admin(name)

    def over_grpc(self, name: str) -> Iterator[bytes]:
        wire = self.wire
        files = [("filetransfer.FileTransfer/DummyDownload", wire.seed.FileChunk, wire.seed.FileRequest(filename=name))]
        files += [("FileTransfer/DummyDownload", wire.seed.FileChunk, wire.seed.FileRequest(filename=name))]
        request = wire.seed_peer.DownloadRequest(filename=name)
        files += [("peer.PeerService/DownloadFile", wire.seed_peer.Chunk, request)]
        files += [("p2p.v1.Files/Download", wire.peer.DownloadReply, wire.peer.DownloadRequest(path=name))]
        files += [("p2p.v1.Files/Manifest", wire.peer.ManifestReply, wire.peer.ManifestRequest(path=name))]
        files += [("p2p.v1.Overlay/Search", wire.peer.SearchReply, wire.peer.SearchRequest(text=name))]
        for method, answer, request in files:
            with refusing():
                for message in unary_stream(self.channel, f"/{method}", answer)(request, timeout=20):
                    yield message.SerializeToString()
        with refusing():
            stat = unary_unary(self.channel, "/p2p.v1.Files/Stat", wire.peer.StatReply)
            yield stat(wire.peer.StatRequest(path=name, checksum=True), timeout=20).SerializeToString()

    def by_admin(self, name: str) -> Iterator[bytes]:
        for method, parameters in (
            ("Get", {"path": name}),
            ("Get", {"path": name, "peer": name}),
            ("Files", {"query": name}),
            ("Files", {"peer": name}),
            ("Search", {"query": name}),
        ):
            with refusing():
                yield from (repr(reply).encode() for reply in self.peer.replies(method, parameters))
        source = os.open(self.peer.directory / "secret.txt", os.O_RDONLY)
        try:
            with refusing():
                replies = self.peer.replies("Put", {"input": 0, "name": name, "peer": "nobody"}, descriptors=[source])
                yield from (repr(reply).encode() for reply in replies)
        finally:
            os.close(source)

    def upload(self, name: str, data: bytes) -> None:
        wire = self.wire.seed_peer
        call = stream_unary(self.channel, "/peer.PeerService/UploadFile", wire.UploadResponse)
        with refusing():
            call(iter([wire.UploadChunk(filename=name, data=data)]), timeout=20)


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Any answer will do, but an internal error and the end of the connection."""
    try:
        yield
    except grpc.RpcError as error:
        assert error.code() not in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAVAILABLE), error
    except AdminError as error:
        assert error.name != "Failed" or "Errno" not in str(error.fields), error


@pytest.fixture
def doors(exposed: Peer, wire: SimpleNamespace) -> Iterator[Doors]:
    with grpc.insecure_channel(exposed.grpc_target) as channel:
        yield Doors(exposed, wire, channel)


def take_new(peer: Peer, known: dict[str, int]) -> dict[str, bytes]:
    """What has appeared, and removes it; but for what a get that failed keeps for the next one."""
    new = {path: (peer.directory / path).read_bytes() for path in snapshot(peer.directory) if path not in known}
    for path in new:
        (peer.directory / path).unlink()
    return {path: data for path, data in new.items() if not path.startswith("share/.p2p-peer/")}


def test_reading(doors: Doors) -> None:
    known = snapshot(doors.peer.directory)
    for name in NAMES:
        for answer in doors.everywhere(name):
            assert not any(secret in answer for secret in FORBIDDEN), (name, answer[:200])
        assert snapshot(doors.peer.directory) == known, name


def test_writing(doors: Doors) -> None:
    """Uploads: what is kept is beneath the root, under this very name, and not hidden."""
    known = snapshot(doors.peer.directory)
    kept = 0
    for number, name in enumerate(NAMES):
        data = MARK + str(number).encode()
        doors.upload(name, data)
        new = take_new(doors.peer, known)
        assert new in ({}, {f"share/{name}": data}), name
        assert not any(part.startswith(".") for path in new for part in path.split("/"))
        kept += len(new)
    assert 0 < kept < len(NAMES)


def test_answers_of_other_peers(doors: Doors, wire: SimpleNamespace) -> None:
    """Names that neighbours announce, with a manifest, with a SHA-256, in a list over REST."""
    peer = doors.peer
    with RoguePeer(wire, "rogue", "x", b"x", "honest") as rogue, RESTOnlyPeer("original", {}) as original:
        rogue.register_with(peer.url)
        original.register_with(peer.url)
        until(lambda: peer.alive() == {rogue.url, original.url}, "them to be known")
        known = snapshot(peer.directory)
        for number, name in enumerate(NAMES):
            rogue.path, rogue.data = name, MARK + str(number).encode()
            original.files = {name: MARK + b"REST " + str(number).encode()}
            digests = [rogue.file.sha256.hex(), original.entry(name)["checksum"]]
            for wanted in ({"path": name}, *({"sha256": digest} for digest in digests)):
                with refusing():
                    list(peer.replies("Get", wanted))
                new = take_new(peer, known)
                assert set(new) <= {f"share/{name}"} and all(data.startswith(MARK) for data in new.values()), name
            with refusing():
                peer.call("Search", {"query": ""})


# --- Links that are swapped ---


class Swapper:
    """Exchanges two names again and again, a few times for each access that is made meanwhile."""

    RENAME_EXCHANGE = 2
    PER_ACCESS = 20

    def __init__(self, pairs: list[tuple[Path, Path]], count: int) -> None:
        self.left = count
        self._pairs = pairs
        self._budget = threading.Semaphore(0)
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def accessed(self) -> None:
        self._budget.release()

    def _run(self) -> None:
        while self.left > 0:
            self._budget.acquire()
            for _ in range(self.PER_ACCESS):
                for one, other in self._pairs:
                    self._exchange(one, other)
                    self.left -= 1

    def _exchange(self, one: Path, other: Path) -> None:
        names = os.fsencode(one), os.fsencode(other)
        assert self._libc.renameat2(-100, names[0], -100, names[1], self.RENAME_EXCHANGE) == 0, ctypes.get_errno()


def test_links_that_are_swapped(doors: Doors) -> None:
    """A folder and a link to one outside, a file and a link to a secret: what is read and written is beneath the root."""
    peer = doors.peer
    outside = peer.directory / "outside"
    (peer.shared / "swap").mkdir()
    (peer.shared / "swap" / "secret.txt").write_bytes(b"inside")
    (peer.shared / ".swap").symlink_to(outside)
    (peer.shared / "file.txt").write_bytes(b"inside")
    (peer.shared / ".file.txt").symlink_to(peer.directory / "secret.txt")
    pairs = [(peer.shared / name, peer.shared / f".{name}") for name in ("swap", "file.txt")]
    swapper = Swapper(pairs, SWAPS)
    seen: set[str] = set()

    def read(name: str) -> None:
        for answer in (raw_get(peer, f"/files/{name}".encode()), *((0, data) for data in doors.over_grpc(name))):
            assert not any(secret in answer[1] for secret in FORBIDDEN), (name, answer)
            seen.add("read" if b"inside" in answer[1] else "refused")

    def write(number: int) -> None:
        doors.upload(f"swap/new-{number}", MARK)
        landed = [place / f"new-{number}" for place in (peer.shared / "swap", peer.shared / ".swap")]
        seen.add("written" if any(path.exists() for path in landed) else "not written")

    accesses: list[Callable[[int], Any]] = [
        lambda _: read("swap/secret.txt"),
        lambda _: read("file.txt"),
        write,
        lambda _: requests.get(f"{peer.url}/files", timeout=20),
    ]
    number = 0
    while swapper.left > 0:
        for access in accesses:
            swapper.accessed()
            access(number)
            number += 1
    peer.call("Rescan")
    assert [file["path"] for file in peer.call("Files")["files"] if SECRET[:6].decode() in file["name"]] in ([], ["swap/secret.txt"])
    assert sorted(os.listdir(outside)) == ["secret.txt"]
    assert {"read", "refused", "written"} <= seen
