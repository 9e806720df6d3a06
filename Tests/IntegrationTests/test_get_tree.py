"""`p2padm get --recursive DIR@PEER` and `get PATTERN@PEER`: many files of one peer in few calls."""

import hashlib
import os
from pathlib import Path

import pytest
from peers import Peer, PeerFactory
from rogue_peer import RoguePeer
from waiting import until

#: Sizes around the bounds of a bundle: of a file, of the bytes together.
SIZES = [0, 1, 4096, (256 << 10) - 1, 256 << 10, (256 << 10) + 1, (1 << 20) + 1]


@pytest.fixture
def pair(peer_factory: PeerFactory) -> tuple[Peer, Peer]:
    one, two = peer_factory.fleet(2)
    return one, two


def fill(peer: Peer, count: int) -> dict[str, bytes]:
    """Files in folders; those beneath `tree/`."""
    files = {f"tree/d{number % 7}/año {number}.txt": os.urandom(number % 5000) for number in range(count)}
    files |= {f"tree/sizes/{size}": os.urandom(size) for size in SIZES}
    for path, data in files.items():
        peer.share(path, data)
    peer.share("treehouse/not-beneath.txt", b"other")
    peer.share("top.txt", b"top")
    peer.wait_for_files(len(files) + 2)
    return files


def tree(peer: Peer, directory: str) -> dict[str, bytes]:
    root = peer.shared / directory
    return {str(path.relative_to(peer.shared)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_directory_comes_with_all_in_it(pair):
    one, two = pair
    files = fill(two, 600)
    os.utime(two.shared / "tree/sizes/4096", ns=(1_234_567_891_123_456_789, 1_234_567_891_123_456_789))
    two.call("Rescan")
    two.wait_for_files(len(files) + 2)
    result = one.adm("get", "--recursive", "tree/@peer2")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"tree/@peer2: {len(files)} files, ")
    assert tree(one, "") == files
    assert (one.shared / "tree/sizes/4096").stat().st_mtime_ns == 1_234_567_891_123_456_789
    one.wait_for_files(len(files))
    assert list((one.shared / ".p2p-peer").iterdir()) == []


def test_what_is_there_is_not_fetched_again_and_not_replaced(pair):
    one, two = pair
    files = fill(two, 20)
    (changed, *_), gone = files, "tree/sizes/1"
    assert one.adm("get", "-r", "tree@peer2").returncode == 0
    one.wait_for_files(len(files))
    (one.shared / changed).write_bytes(b"mine")
    (one.shared / gone).unlink()
    until(lambda: one.status()["catalog"]["files"] == len(files) - 1, "the removal to be noticed")
    one.wait_for_files(len(files) - 1)
    result = one.adm("get", "--recursive", "tree@peer2")
    assert result.returncode == 74
    assert f"tree@peer2: 1 file, 1 B in " in result.stdout and f"{len(files) - 2} more were here already" in result.stdout
    assert f"{changed}: another file has that name here; --force replaces it" in result.stderr
    assert f"1 file of {len(files)} did not come" in result.stderr
    assert tree(one, "") == files | {changed: b"mine"}
    last = one.adm_json("get", "--recursive", "tree@peer2", "--force")[-1]["tree"]
    assert (last["state"], last["files"], last["done"], last["failed"]) == ("done", len(files), len(files), 0)
    assert tree(one, "") == files


def test_all_and_patterns(pair):
    one, two = pair
    for path in ("a.log", "b.txt", "logs/a.log", "logs/b.log", "logs/old/a.log", "logs/[x].log"):
        two.share(path, path.encode())
    two.wait_for_files(6)

    def get(*arguments: str) -> set[str]:
        result = one.adm("get", *arguments)
        assert result.returncode == 0, result.stderr
        came = set(tree(one, ""))
        for path in came:
            (one.shared / path).unlink()
        until(lambda: one.status()["catalog"]["files"] == 0, "the removal to be noticed")
        return came

    assert get("*.log@peer2") == {"a.log"}
    assert get("logs/*.log@peer2") == {"logs/a.log", "logs/b.log", "logs/[x].log"}
    assert get("logs/?.log@peer2") == {"logs/a.log", "logs/b.log"}
    assert get("*/old/*@peer2") == {"logs/old/a.log"}
    assert get(r"logs/\[*@peer2") == {"logs/[x].log"}
    assert len(get("--recursive", ".@peer2")) == 6


def test_what_cannot_be_is_said(pair):
    one, two = pair
    two.share("file.txt", b"x")
    two.wait_for_files(1)
    for arguments, code, words in (
        (["--recursive", "tree"], 64, "which peer's?"),
        (["--recursive", "sha256:" + "0" * 64], 64, "DIR@PEER"),
        (["--recursive", "tree@peer2", "--output", "."], 64, "--output"),
        (["--recursive", "tree@nobody"], 64, "no peer is known as nobody"),
        (["--recursive", "../tree@peer2"], 64, "directory"),
        (["--recursive", "nowhere@peer2"], 74, "does not share a file in nowhere"),
        (["nowhere/*@peer2"], 74, "does not share a file in nowhere"),
    ):
        result = one.adm("get", *arguments)
        assert (result.returncode, len(result.stderr.splitlines())) == (code, 1), result.stderr
        assert words in result.stderr


def test_a_peer_that_lies(peer_factory, wire):
    """Other bytes than listed, names that lead out, files that it then does not give: named, and the rest comes."""
    receiver = peer_factory("receiver")
    good = {f"in/{number}": os.urandom(100) for number in range(10)}
    listed = good | {"../out": b"x", "/out": b"x", ".p2p-peer/in": b"x", "in/wrong": b"right", "in/never": b"x"}
    listed |= {"in/cut\0": b"x", "in/.hidden": b"x", "elsewhere/x": b"x"}
    with RoguePeer(wire, "rogue", "x", b"x", "honest") as rogue:
        rogue.tree = listed
        rogue.sent = {**listed, "in/wrong": b"wrong"}
        del rogue.sent["in/never"]
        rogue.register_with(receiver.url)
        until(lambda: receiver.alive() == {rogue.url}, "it to be known")
        result = receiver.adm("get", "--recursive", "in@rogue")
        assert result.returncode == 74
        assert "in/wrong: rogue sent other bytes than it has listed" in result.stderr
        assert "in/never: no such file" in result.stderr and "in/cut" in result.stderr
        assert "in/.hidden: files of such a name are not shared here" in result.stderr
        assert tree(receiver, "") == good
        assert receiver.adm("get", "--recursive", ".@rogue", "--force").returncode == 74
        assert tree(receiver, "") == good | {"elsewhere/x": b"x"}
    assert not (receiver.directory / "out").exists() and not Path("/out").exists()


def test_a_peer_of_an_older_version(peer_factory, wire):
    receiver = peer_factory("receiver")
    with RoguePeer(wire, "rogue", "x", b"x", "old") as rogue:
        rogue.register_with(receiver.url)
        until(lambda: receiver.alive() == {rogue.url}, "it to be known")
        result = receiver.adm("get", "--recursive", "in@rogue")
        assert result.returncode == 74 and "too old" in result.stderr
