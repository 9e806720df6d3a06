"""Paths that want out of the shared directory, by every way in: nothing outside is ever read or written.

A secret lies beside and above the shared directory; wherever its bytes turn up, the test has failed.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
from admin import AdminError
from exposed import SECRET, plant, raw_get, snapshot, spellings
from grpc_calls import unary_stream, unary_unary
from peers import Peer, PeerFactory
from rest_only_peer import RESTOnlyPeer
from waiting import until

#: Ways out that are no file here: each is asked for as it stands.
OUTWARD = [
    "..",
    "../secret.txt",
    "../../secret.txt",
    "dir/../../secret.txt",
    "./../secret.txt",
    "dir/..",
    ".",
    "../share/../secret.txt",
    "/etc/passwd",
    "//etc/passwd",
    "/",
    "dir//inside.txt",
    "dir/",
    "/dir/inside.txt",
    "..\\secret.txt",
    "dir\\..\\..\\secret.txt",
    "..%2fsecret.txt",
    "%2e%2e/secret.txt",
    "%2e%2e%2fsecret.txt",
    "%252e%252e%252fsecret.txt",
    "..%c0%afsecret.txt",
    "secret.txt\0.pdf",
    "\0",
    "",
    "dir/\0",
    "a" * 300,
    "a/" * 3000 + "b",
    ".../secret.txt",
    "~/secret.txt",
    "dir/./inside.txt",
    ".p2p-peer",
    ".p2p-peer/x",
    "/proc/self/environ",
    "file:///etc/passwd",
]
#: Things beneath the root that are no shared file.
PLANTED = [
    "link-out.txt",
    "link-absolute.txt",
    "link-dir/secret.txt",
    "link-inside.txt",
    "link-loop",
    "fifo",
    "socket",
    "dir",
    "device",
    "link-fifo",
]


@pytest.fixture(scope="module")
def exposed(shared_factory: PeerFactory) -> Iterator[Peer]:
    peer = shared_factory.new("exposed")
    plant(peer)
    yield peer.start()


@pytest.fixture(scope="module")
def channel(exposed: Peer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(exposed.grpc_target) as channel:
        yield channel


@pytest.fixture(scope="module", autouse=True)
def device(exposed: Peer) -> bool:
    """A device that would never end, where the system lets us make one."""
    try:
        os.mknod(exposed.shared / "device", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    except OSError:
        return False
    return True


def only_where_there(path: str, exposed: Peer) -> None:
    if path == "device" and not (exposed.shared / "device").exists():
        pytest.skip("a device can be made by root alone")


# --- REST ---


@pytest.mark.parametrize("path", OUTWARD + PLANTED, ids=lambda path: ascii(path[:24]))
def test_rest(exposed, path):
    only_where_there(path, exposed)
    for target in spellings(path):
        status, body = raw_get(exposed, target)
        assert SECRET not in body and b"root:" not in body, target
        if status == 200:
            # A server may tidy a path up; what it then serves is what is shared.
            assert body == b"inside" or target.rstrip(b"/") == b"/files", (target, body)
        else:
            assert 400 <= status < 500, (target, status)


def test_the_rest_port_as_a_whole(exposed):
    for target in (
        b"/../secret.txt",
        b"/%2e%2e/secret.txt",
        b"/files/../../secret.txt",
        b"/files/..%2f..%2fetc/passwd",
        b"http://x/../secret.txt",
        b"//etc/passwd",
        b"/files?name=../secret.txt",
        b"/./files/../secret.txt",
        b"*",
    ):
        status, body = raw_get(exposed, target)
        assert SECRET not in body and b"root:" not in body, target
        assert status < 500, target


# --- gRPC ---


def refused(call: object) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as raised:
        for message in call:  # type: ignore[attr-defined]
            data = message.data
            pytest.fail(f"answered with {data[:100]!r}")
    return raised.value.code()


@pytest.mark.parametrize("path", OUTWARD + PLANTED, ids=lambda path: ascii(path[:24]))
def test_grpc(exposed, channel, wire: SimpleNamespace, path):
    only_where_there(path, exposed)
    allowed = {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT}
    for service in ("filetransfer.FileTransfer", "FileTransfer"):
        download = unary_stream(channel, f"/{service}/DummyDownload", wire.seed.FileChunk)
        assert refused(download(wire.seed.FileRequest(filename=path), timeout=20)) in allowed
    download = unary_stream(channel, "/p2p.v1.Files/Download", wire.peer.DownloadReply)
    assert refused(download(wire.peer.DownloadRequest(path=path), timeout=20)) in allowed
    call = unary_unary(channel, "/p2p.v1.Files/Stat", wire.peer.StatReply)
    with pytest.raises(grpc.RpcError) as raised:
        call(wire.peer.StatRequest(path=path, checksum=True), timeout=20)
    assert raised.value.code() in allowed


# --- Admin ---


@pytest.mark.parametrize("path", OUTWARD, ids=lambda path: ascii(path[:24]))
@pytest.mark.parametrize("to_descriptor", [False, True])
def test_admin_get(exposed, tmp_path, path, to_descriptor):
    before = snapshot(exposed.directory)
    with (tmp_path / "output").open("w+b") as output:
        parameters = {"path": path} | ({"output": 0} if to_descriptor else {})
        with pytest.raises(AdminError) as raised:
            list(exposed.replies("Get", parameters, descriptors=[output.fileno()] if to_descriptor else None))
    assert raised.value.name in ("InvalidArgument", "NotFound", "InvalidParameter")
    assert (tmp_path / "output").read_bytes() == b""
    assert snapshot(exposed.directory) == before


def test_admin_output_takes_regular_files_alone(exposed):
    """A descriptor that is a pipe, a socket or only for reading is refused before anything is asked."""
    reading, writing = os.pipe()
    secret = os.open(exposed.directory / "secret.txt", os.O_RDONLY)
    try:
        for descriptor in (reading, writing, secret):
            with pytest.raises(AdminError) as raised:
                list(exposed.replies("Get", {"path": "a", "output": 0}, descriptors=[descriptor]))
            assert raised.value.name == "InvalidArgument"
            assert raised.value.fields["field"] == "output"
    finally:
        for descriptor in (reading, writing, secret):
            os.close(descriptor)


@pytest.mark.parametrize(
    "name",
    [
        "../planted.txt",
        "/tmp/planted-by-a-peer.txt",
        "dir/../../planted.txt",
        ".p2p-peer/planted",
        "a/../../planted.txt",
    ],
)
def test_a_neighbour_with_such_names_plants_nothing(peer_factory, name):
    """A list of files from elsewhere is not believed: its names lead nowhere."""
    peer = peer_factory()
    with RESTOnlyPeer("evil", {name: b"planted", "good.txt": b"good"}) as evil:
        evil.register_with(peer.url)
        until(lambda: peer.alive() == {evil.url}, "it to be listed")
        result = peer.adm("get", name)
        assert result.returncode in (1, 64, 74)
        digest = "sha256:" + evil.entry(name)["checksum"]
        result = peer.adm("get", f"{digest}")
        assert result.returncode != 0
        output = peer.directory / "output"
        output.mkdir()
        peer.adm("get", digest, "--output", output)
        assert not list(peer.directory.rglob("planted*")) or list(output.rglob("planted*"))
        assert not Path("/tmp/planted-by-a-peer.txt").exists()
        assert peer.adm("get", "good.txt").returncode == 0


# --- What is not a file is not listed, and holds nothing up ---


def test_only_what_is_shared_is_listed(exposed):
    until(lambda: exposed.status()["catalog"]["hashed"] >= 1, "the scan")
    exposed.call("Rescan")
    assert [file["path"] for file in exposed.call("Files")["files"]] == ["dir/inside.txt"]
    assert exposed.search("", ttl=0)[0][exposed.url] == ["dir/inside.txt"]
    assert exposed.search("secret", ttl=0)[0][exposed.url] == []
