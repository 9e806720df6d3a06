"""`peer.PeerService`, the gRPC service of the directory system, asked by grpcio as its own clients do."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
import requests
from grpc_calls import stream_unary, unary_stream, unary_unary
from namespaces import inside
from peers import Peer, PeerFactory
from waiting import until

CHUNK = 64 * 1024
PATIENCE = 30


class Client:
    """What the directory system's peers ask each other."""

    def __init__(self, peer: Peer, wire: SimpleNamespace) -> None:
        self.wire = wire.seed_peer
        self.channel = grpc.insecure_channel(peer.grpc_target)
        self.upload_call = stream_unary(self.channel, "/peer.PeerService/UploadFile", self.wire.UploadResponse)

    def list(self) -> Any:
        call = unary_unary(self.channel, "/peer.PeerService/ListFiles", self.wire.ListFilesResponse)
        return call(self.wire.Empty(), timeout=PATIENCE)

    def download(self, name: str) -> Iterator[bytes]:
        call = unary_stream(self.channel, "/peer.PeerService/DownloadFile", self.wire.Chunk)
        return (chunk.data for chunk in call(self.wire.DownloadRequest(filename=name), timeout=PATIENCE))

    def chunks(self, name: str, data: bytes) -> Iterator[Any]:
        """The name in the first chunk, which an empty file has, too."""
        for offset in range(0, max(len(data), 1), CHUNK):
            yield self.wire.UploadChunk(filename="" if offset else name, data=data[offset : offset + CHUNK])

    def upload(self, name: str, data: bytes) -> Any:
        return self.send(self.chunks(name, data))

    def send(self, chunks: Iterable[Any]) -> Any:
        return self.upload_call(iter(chunks), timeout=PATIENCE)

    def begin(self, name: str, data: bytes, end: threading.Event) -> Any:
        """An upload that has sent these bytes and does not end before `end`."""

        def chunks() -> Iterator[Any]:
            yield from self.chunks(name, data)
            end.wait(PATIENCE)

        return self.upload_call.future(chunks(), timeout=PATIENCE)


@pytest.fixture
def connect(wire) -> Iterator[Callable[[Peer], Client]]:
    clients: list[Client] = []

    def make(peer: Peer) -> Client:
        clients.append(Client(peer, wire))
        return clients[-1]

    yield make
    for client in clients:
        client.channel.close()


@pytest.fixture
def taking(peer_factory: PeerFactory) -> Peer:
    """A daemon that takes uploads."""
    return peer_factory("taker", accept_uploads=True, uploads={"free_bytes_min": 0})


def refused(client: Client, name: str, data: bytes = b"x") -> str:
    answer = client.upload(name, data)
    assert not answer.ok
    assert answer.message
    return answer.message


def partials(peer: Peer) -> list[Path]:
    return list((peer.shared / ".p2p-peer").glob("upload-*"))


def files(peer: Peer) -> set[str]:
    """What is to be seen under the shared directory."""
    paths = (path.relative_to(peer.shared) for path in peer.shared.rglob("*"))
    return {str(path) for path in paths if path.parts[0] != ".p2p-peer"}


# --- Listing and downloading ---


@pytest.fixture(scope="module")
def sharing(shared_factory: PeerFactory) -> tuple[Peer, dict[str, bytes]]:
    peer = shared_factory.new("seed-peer")
    sizes = {"empty.bin": 0, "chunk.bin": CHUNK, "big año.bin": 5_000_003}
    shared = {name: peer.share(name, size) for name, size in sizes.items()}
    shared["deep/nested.txt"] = peer.share("deep/nested.txt", b"nested")
    peer.start().wait_for_files(len(shared))
    return peer, shared


def test_files_are_listed(sharing, connect):
    peer, shared = sharing
    answer = connect(peer).list()
    assert {file.filename: file.size_bytes for file in answer.files} == {n: len(d) for n, d in shared.items()}
    assert not answer.truncated


def test_a_file_is_downloaded_in_chunks_of_64_kib(sharing, connect):
    peer, shared = sharing
    for name, data in shared.items():
        chunks = list(connect(peer).download(name))
        assert b"".join(chunks) == data
        assert all(len(chunk) == CHUNK for chunk in chunks[:-1])
    assert b"".join(connect(peer).download("nested.txt")) == b"nested"


@pytest.mark.parametrize("name", ["missing.bin", "../peer.json", "/etc/passwd", "", ".p2p-peer/x"])
def test_what_cannot_be_downloaded_is_an_error_with_a_message(sharing, connect, name):
    with pytest.raises(grpc.RpcError) as raised:
        list(connect(sharing[0]).download(name))
    assert raised.value.code() in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)
    if name == "missing.bin":
        assert raised.value.code() is grpc.StatusCode.NOT_FOUND
        assert name in raised.value.details() and "seed-peer" in raised.value.details()


# --- Uploads that are kept ---


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1, 5_000_003])
def test_an_upload_is_there_and_found_at_once(taking, connect, size):
    data = os.urandom(size)
    client = connect(taking)
    answer = client.upload("año nuevo.bin", data)
    assert answer.ok, answer.message
    assert (taking.shared / "año nuevo.bin").read_bytes() == data
    listed = requests.get(f"{taking.url}/files", timeout=PATIENCE).json()["files"]
    assert [(f["name"], f["size"], f["checksum"]) for f in listed] == [
        ("año nuevo.bin", size, hashlib.sha256(data).hexdigest())
    ]
    assert b"".join(client.download("año nuevo.bin")) == data
    assert partials(taking) == []


def test_an_upload_into_a_folder(taking, connect):
    assert connect(taking).upload("new/folder/a.txt", b"a").ok
    assert (taking.shared / "new/folder/a.txt").read_bytes() == b"a"


def test_a_client_may_name_the_file_in_every_chunk(taking, connect):
    client = connect(taking)
    chunk = client.wire.UploadChunk
    assert client.send([chunk(filename="a.txt", data=b"one"), chunk(filename="a.txt", data=b"two")]).ok
    assert (taking.shared / "a.txt").read_bytes() == b"onetwo"


def test_an_upload_is_logged_and_counted(taking, connect):
    assert connect(taking).upload("a.txt", b"abc").ok
    assert "upload done" in taking.log()
    metrics = requests.get(taking.metrics_url, timeout=PATIENCE).text
    assert 'p2p_transfers_total{direction="received",result="ok"} 1' in metrics
    assert 'p2p_transfer_bytes_total{direction="received"} 3' in metrics


def test_100_uploads_at_once(taking, connect):
    contents = {f"{number}.bin": os.urandom(200_000 + number) for number in range(100)}
    client = connect(taking)
    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(client.upload, contents.keys(), contents.values()))
    assert all(answer.ok for answer in answers), {answer.message for answer in answers}
    for name, data in contents.items():
        assert (taking.shared / name).read_bytes() == data
    assert partials(taking) == []


def test_of_many_uploads_under_one_name_one_is_kept(taking, connect):
    client = connect(taking)
    contents = [os.urandom(300_000) for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda data: client.upload("same.bin", data), contents))
    winners = [data for data, answer in zip(contents, answers, strict=True) if answer.ok]
    assert len(winners) == 1
    assert (taking.shared / "same.bin").read_bytes() == winners[0]
    assert partials(taking) == []


# --- Uploads that are refused ---


def test_uploads_are_refused_by_default_and_taken_after_a_reload(peer_factory, connect):
    peer = peer_factory("guarded")
    client = connect(peer)
    assert "guarded takes no uploads" in refused(client, "a.txt", os.urandom(3_000_000))
    peer.write_configuration(accept_uploads=True)
    assert peer.call("Reload")["changed"] == ["accept_uploads"]
    assert client.upload("a.txt", b"a").ok
    assert files(peer) == {"a.txt"}


def test_nothing_is_replaced(taking, connect):
    client = connect(taking)
    assert client.upload("a.txt", b"old").ok
    assert "a.txt: exists already" in refused(client, "a.txt", b"new")
    taking.share("later.txt", b"old")
    assert "exists already" in refused(client, "later.txt", b"new")
    (taking.shared / "folder").mkdir()
    assert "exists already" in refused(client, "folder")
    assert (taking.shared / "a.txt").read_bytes() == (taking.shared / "later.txt").read_bytes() == b"old"
    assert partials(taking) == []


def test_hostile_names_are_refused(taking, connect, tmp_path):
    client = connect(taking)
    (taking.shared / "link").symlink_to(tmp_path)
    (taking.shared / "file").write_bytes(b"")
    before = files(taking)
    for name in (
        "../a.txt", "a/../../b", "/etc/cron.d/a", ".bashrc", "a/.hidden/b", ".p2p-peer/" + "0" * 64, ".p2p-peer",
        "a//b", "a/", ".", "..", "a\0b", "a\nb", "x" * 256, "d/" * 2100 + "a", "link/a", "file/a", "a.part", "a.txt~",
    ):  # fmt: skip
        refused(client, name)
    assert files(taking) == before
    assert list(tmp_path.iterdir()) == []
    assert partials(taking) == []


def test_a_broken_protocol_is_an_error(taking, connect):
    client = connect(taking)
    chunk = client.wire.UploadChunk
    for chunks in (
        [],
        [chunk(data=b"a")],
        [chunk(data=b"a"), chunk(filename="late.txt", data=b"b")],
        [chunk(filename="one.txt", data=b"a"), chunk(filename="two.txt", data=b"b")],
    ):
        with pytest.raises(grpc.RpcError) as raised:
            client.send(chunks)
        assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert files(taking) == set()
    assert partials(taking) == []


def test_the_largest_file_is_bounded_while_it_comes(peer_factory, connect):
    peer = peer_factory(accept_uploads=True, uploads={"file_bytes_max": 1_000_000, "free_bytes_min": 0})
    client = connect(peer)
    assert client.upload("fits.bin", bytes(1_000_000)).ok
    never_ends = (client.wire.UploadChunk(filename="endless.bin", data=bytes(CHUNK)) for _ in iter(int, 1))
    answer = client.send(never_ends)
    assert not answer.ok and "larger than 1000000 bytes" in answer.message
    assert files(peer) == {"fits.bin"}
    assert partials(peer) == []


def test_uploads_leave_room_on_the_disk(peer_factory, connect):
    peer = peer_factory(accept_uploads=True, uploads={"free_bytes_min": 1_000_000_000_000_000})
    message = refused(connect(peer), "a.txt")
    assert "full" in message and str(peer.shared) in message


def test_a_full_disk_is_named_and_the_room_comes_back(peer_factory, connect):
    peer = peer_factory.new(accept_uploads=True, uploads={"free_bytes_min": 0})
    peer.prefix = inside("--mount", f"mount -t tmpfs -o size=4m tmpfs '{peer.shared}'")
    client = connect(peer.start())
    message = refused(client, "big.bin", bytes(6_000_000))
    assert f"the disk of {peer.shared} is full" in message and "No space left" in message
    assert client.upload("small.bin", bytes(3_000_000)).ok, "the room has come back"
    assert "upload failed" in peer.log()


def test_uploads_are_held_to_the_rate(peer_factory, connect):
    peer = peer_factory(
        accept_uploads=True, uploads={"free_bytes_min": 0},
        rate_limit={"requests_per_minute": 2, "downloads_per_minute": 1},
    )  # fmt: skip
    client = connect(peer)
    assert client.upload("1", b"").ok and client.upload("2", b"").ok
    with pytest.raises(grpc.RpcError) as raised:
        client.upload("3", b"")
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert files(peer) == {"1", "2"}


# --- Uploads that do not end ---


def test_a_cancelled_upload_leaves_nothing(taking, connect):
    client = connect(taking)
    end = threading.Event()
    call = client.begin("half.bin", os.urandom(2_000_000), end)
    until(lambda: partials(taking) and partials(taking)[0].stat().st_size > 0, "the upload to be under way")
    call.cancel()
    until(lambda: not partials(taking), "the partial file to be gone")
    end.set()
    assert files(taking) == set()
    until(lambda: taking.status()["transfers"]["failed"] == 1, "the upload to be counted as failed")
    assert client.upload("half.bin", b"whole").ok


def test_a_killed_daemon_leaves_nothing_under_the_name_and_cleans_up(taking, connect):
    end = threading.Event()
    call = connect(taking).begin("half.bin", os.urandom(2_000_000), end)
    until(lambda: partials(taking) and partials(taking)[0].stat().st_size > 0, "the upload to be under way")
    taking.kill()
    assert files(taking) == set()
    assert partials(taking)
    with pytest.raises(grpc.RpcError):
        call.result()
    end.set()
    taking.start()
    until(lambda: not partials(taking), "the leftover to be removed")
    assert files(taking) == set()
    assert connect(taking).upload("half.bin", b"whole").ok


def test_what_was_acknowledged_survives_a_kill(taking, connect):
    client = connect(taking)
    contents = {f"{number}.bin": os.urandom(100_000) for number in range(10)}
    for name, data in contents.items():
        assert client.upload(name, data).ok
    taking.kill()
    assert {name: (taking.shared / name).read_bytes() for name in contents} == contents


def test_a_stopping_daemon_does_not_keep_half_a_file(taking, connect):
    end = threading.Event()
    call = connect(taking).begin("half.bin", os.urandom(2_000_000), end)
    until(lambda: partials(taking) and partials(taking)[0].stat().st_size > 0, "the upload to be under way")
    assert taking.stop() == 0
    end.set()
    with pytest.raises(grpc.RpcError):
        call.result()
    assert files(taking) == set()
    assert partials(taking) == []
