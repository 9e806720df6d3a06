"""`p2padm put` and `p2padm files --peer`: a file from the caller's hands to a peer, and what a peer has."""

import array
import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest
import requests
from admin import AdminError
from peers import P2PADM, Peer, PeerFactory, clean_environment
from rest_only_peer import RESTOnlyPeer
from waiting import until


@pytest.fixture(scope="module")
def pair(shared_factory: PeerFactory) -> list[Peer]:
    return shared_factory.fleet(2, accept_uploads=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "mine.bin"
    file.write_bytes(os.urandom(3_000_001))
    return file


# --- Put ---


def test_a_file_arrives_whole_and_is_shared(pair, file):
    result = pair[0].adm("put", file, "peer2")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("mine.bin: 3,000,001 bytes in ")
    assert ", to peer2, which says: " in result.stdout
    assert (pair[1].shared / "mine.bin").read_bytes() == file.read_bytes()
    until(lambda: pair[0].adm("get", "mine.bin@peer2").returncode == 0, "the file to be fetched back")
    assert (pair[0].shared / "mine.bin").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537])
def test_sizes_around_a_chunk_under_another_name(pair, tmp_path, size):
    (tmp_path / "file").write_bytes(b"x" * size)
    name = f"in/año-{size}.txt"
    lines = pair[0].adm_json("put", tmp_path / "file", pair[1].url, "--as", name)
    last = lines[-1]["upload"]
    assert (last["state"], last["name"], last["peer"], last["size"]) == ("done", name, "peer2", size)
    assert (pair[1].shared / name).read_bytes() == b"x" * size


def test_a_peer_is_called_by_the_beginning_of_its_id(pair, file):
    identity = pair[1].status()["id"]
    assert pair[0].adm("put", file, identity[:12], "--as", "by-id").returncode == 0
    assert (pair[1].shared / "by-id").exists()


def test_a_file_that_is_there_is_never_replaced(pair, file):
    (pair[1].shared / "theirs").write_text("theirs")
    result = pair[0].adm("put", file, "peer2", "--as", "theirs")
    assert result.returncode == 74
    assert "peer2 does not keep it: " in result.stderr and "theirs" in result.stderr
    assert (pair[1].shared / "theirs").read_text() == "theirs"


def test_refusals_name_the_reason(peer_factory, file):
    one, two = peer_factory.fleet(2)
    closed = one.adm("put", file, "peer2")
    assert closed.returncode == 74 and "takes no uploads" in closed.stderr
    unknown = one.adm("put", file, "nobody")
    assert unknown.returncode == 64 and "no peer is known as nobody; known: peer2" in unknown.stderr
    name = one.adm("put", file, "peer2", "--as", "../up")
    assert name.returncode == 64 and "name" in name.stderr
    for path in ("/nowhere/x", "/", "/dev/null"):
        assert one.adm("put", path, "peer2").returncode == 66
    two.kill()
    gone = one.adm("put", file, "peer2")
    assert gone.returncode == 74 and "cannot connect" in gone.stderr.lower()


def test_a_peer_that_speaks_only_rest(peer, file):
    with RESTOnlyPeer("original", {"b.txt": b"b", "a.txt": b"aa"}) as other:
        requests.post(f"{peer.url}/register", json={"url": other.url}, timeout=20).raise_for_status()
        until(lambda: other.url in peer.alive(), "the other to be known")
        refused = peer.adm("put", file, other.url)
        assert refused.returncode == 74 and "REST" in refused.stderr
        files = [line["file"] for line in peer.adm_json("files", "--peer", other.url)]
        assert [(each["path"], each["size"]) for each in files] == [("a.txt", 2), ("b.txt", 1)]


def test_ctrl_c_leaves_nothing(peer_factory, tmp_path):
    one, two = peer_factory.fleet(2, accept_uploads=True)
    process = stopped_put(one, two, tmp_path / "large")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130 and "interrupted" in errors
    until(lambda: one.status()["transfers"]["active"] == 0, "the daemon to give it up")
    two.send(signal.SIGCONT)
    until(lambda: two.status()["transfers"]["active"] == 0, "the receiver to notice")
    assert [path for path in two.shared.rglob("*") if path.is_file()] == []


def test_a_file_that_changes_while_it_is_sent_is_not_kept(peer_factory, tmp_path):
    one, two = peer_factory.fleet(2, accept_uploads=True)
    process = stopped_put(one, two, tmp_path / "large")
    with (tmp_path / "large").open("ab") as file:
        file.write(b"more")
    two.send(signal.SIGCONT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 74 and "changed while it was sent" in errors
    until(lambda: two.status()["transfers"]["active"] == 0, "the receiver to notice")
    assert [path for path in two.shared.rglob("*") if path.is_file()] == []


def stopped_put(one: Peer, two: Peer, file: Path) -> subprocess.Popen[str]:
    """A put that has begun and cannot go on, because the receiver's process is stopped."""
    with file.open("wb") as sparse:
        sparse.truncate(64 << 20)
    two.send(signal.SIGSTOP)
    process = subprocess.Popen(
        [P2PADM, "put", file, "peer2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(P2PADM_SOCKET=str(one.socket)),
    )
    until(lambda: one.status()["transfers"]["active"] == 1, "the upload to begin")
    return process


# --- The interface ---


def put(asked: Peer, descriptors: list[int], **parameters: object) -> str:
    """The name of the error that a raw call is answered with."""
    call = {"method": "org.p2ppeer.Admin.Put", "parameters": parameters, "more": True}
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(asked.socket))
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        connection.sendmsg([json.dumps(call).encode() + b"\0"], rights)
        with connection.makefile("rb") as replies:
            while True:
                reply = b"".join(iter(lambda: replies.read(1).rstrip(b"\0"), b""))
                if not json.loads(reply).get("continues"):
                    return json.loads(reply).get("error", "")


def test_only_a_regular_file_that_is_open_for_reading_is_sent(pair, file):
    good = {"input": 0, "name": "raw", "peer": "peer2"}
    invalid = "org.p2ppeer.Admin.InvalidArgument"
    assert put(pair[0], [], **good) == invalid
    reader, writer = os.pipe()
    write_only = os.open(file, os.O_WRONLY)
    directory = os.open("/", os.O_RDONLY)
    read_only = os.open(file, os.O_RDONLY)
    try:
        for descriptor in (reader, writer, write_only, directory):
            assert put(pair[0], [descriptor], **good) == invalid
        assert put(pair[0], [read_only], **good | {"input": 1}) == invalid
        assert put(pair[0], [read_only], **good | {"input": -1}) == invalid
        assert put(pair[0], [read_only], **good | {"name": "/etc/passwd"}) == invalid
        assert put(pair[0], [read_only], **good) == ""
        assert (pair[1].shared / "raw").read_bytes() == file.read_bytes()
    finally:
        for descriptor in (reader, writer, write_only, directory, read_only):
            os.close(descriptor)


def test_put_needs_more(pair):
    with pytest.raises(AdminError, match="ExpectedMore"):
        pair[0].call("Put", {"input": 0, "name": "a", "peer": "peer2"})


# --- Files of a peer ---


def test_files_of_a_peer_in_pages(peer_factory):
    one, two = peer_factory.fleet(2)
    for number in range(1203):
        (two.shared / f"f-{number:04}").write_bytes(b"x")
    two.adm("rescan")
    two.wait_for_files(1203, hashed=False)
    paths = [f"f-{number:04}" for number in range(1203)]
    assert [line["file"]["path"] for line in one.adm_json("files", "--peer", "peer2")] == paths
    assert [line["file"]["path"] for line in one.adm_json("files", "F-110", "--peer", "peer2")] == paths[1100:1110]
    page = one.call("Files", {"peer": two.url, "limit": 2, "after": "f-0010"})
    assert ([file["path"] for file in page["files"]], page["continues"]) == (["f-0011", "f-0012"], True)
    page = one.call("Files", {"peer": two.url, "after": "f-1201"})
    assert ([file["path"] for file in page["files"]], page["continues"]) == (["f-1202"], False)
    two.kill()
    lost = one.adm("files", "--peer", "peer2")
    assert lost.returncode == 1 and "peer2 cannot be asked" in lost.stderr
