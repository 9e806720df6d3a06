"""Transfers that are cut off: by kill -9 of the receiver, by the loss of the source, by Ctrl-C."""

import hashlib
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peers import P2PADM, Peer, PeerFactory, clean_environment
from slow_link import SlowLink
from waiting import until

SIZE = 12 << 20
#: What the link lets through before it stands still.
HALF = 6 << 20


@contextmanager
def behind_a_slow_link(factory: PeerFactory) -> Iterator[tuple[Peer, Peer, SlowLink, bytes]]:
    """A receiver, a source that says it is at 127.0.0.2, where only the links of this test are, and the file."""
    receiver = factory("receiver")
    source = factory.new("source", ip="127.0.0.2", friend_primary=receiver.url)
    data = source.share("dir/large.bin", SIZE)
    source.start().wait_for_files(1)
    receiver.keep_ports()
    rest, grpc = source.ports["rest"], source.ports["grpc"]
    with (
        SlowLink(("127.0.0.2", rest), ("127.0.0.1", rest), allow=1 << 40),
        SlowLink(("127.0.0.2", grpc), ("127.0.0.1", grpc), allow=HALF) as link,
    ):
        until(lambda: receiver.alive() == {source.url}, "them to know each other")
        yield receiver, source, link, data


def staged(peer: Peer) -> int:
    """Bytes in the staging area."""
    return sum(path.stat().st_size for path in (peer.shared / ".p2p-peer").glob("*"))


def begin_get(peer: Peer, *arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [P2PADM, "get", "dir/large.bin", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(P2PADM_SOCKET=str(peer.socket)),
    )


def test_the_daemon_restarts_and_the_get_goes_on(peer_factory, tmp_path):
    """Killed and started again while p2padm waits; the file goes where the caller said."""
    with behind_a_slow_link(peer_factory) as (receiver, _, link, data):
        command = begin_get(receiver, "--json", "--output", tmp_path)
        part = tmp_path / ".large.bin.p2p-part"
        until(lambda: part.stat().st_size >= HALF // 2, "half of it to arrive")
        receiver.kill()
        link.allow(1 << 40)
        receiver.start()
        output, told = command.communicate(timeout=60)
        assert command.returncode == 0, told
        assert told == "p2padm: the daemon restarted; continuing\n"
        assert json.loads(output.splitlines()[-1])["result"]["resumed"] > 0
        assert (tmp_path / "large.bin").read_bytes() == data


def test_kill_9_of_the_receiver(peer_factory):
    with behind_a_slow_link(peer_factory) as (receiver, source, link, data):
        command = begin_get(receiver)
        until(lambda: staged(receiver) >= HALF // 2, "half of it to arrive")
        target = receiver.shared / "dir/large.bin"
        assert not target.exists()
        receiver.kill()
        _, told = command.communicate(timeout=40)
        assert command.returncode == 74
        assert "resumes" in told and "restarted" not in told
        assert not target.exists()
        assert staged(receiver) > 0

        link.allow(1 << 40)
        receiver.start()
        until(lambda: receiver.alive() == {source.url}, "them to know each other again")
        lines = receiver.adm_json("get", "dir/large.bin")
        result = lines[-1]["result"]
        assert result["resumed"] > 0
        assert result["sha256"] == hashlib.sha256(data).hexdigest()
        assert target.read_bytes() == data
        assert staged(receiver) == 0


def test_ctrl_c_and_again(peer_factory, tmp_path):
    with behind_a_slow_link(peer_factory) as (receiver, _, link, data):
        command = begin_get(receiver, "--output", tmp_path)
        part = tmp_path / ".large.bin.p2p-part"
        until(lambda: part.stat().st_size >= HALF // 2, "half of it to arrive")
        command.send_signal(signal.SIGINT)
        _, told = command.communicate(timeout=20)
        assert command.returncode == 130
        assert "resumes" in told
        until(lambda: receiver.status()["transfers"]["active"] == 0, "the daemon to give it up")
        assert not (tmp_path / "large.bin").exists()
        link.allow(1 << 40)
        lines = receiver.adm_json("get", "dir/large.bin", "--output", tmp_path)
        assert lines[-1]["result"]["resumed"] > 0
        assert (tmp_path / "large.bin").read_bytes() == data


def test_the_source_comes_back_while_it_is_fetched(peer_factory):
    """The only source restarts in the middle; the get waits for it, and goes on."""
    with behind_a_slow_link(peer_factory) as (receiver, source, link, data):
        source.keep_ports()
        command = begin_get(receiver)
        until(lambda: staged(receiver) >= HALF // 2, "half of it to arrive")
        source.kill()
        source.start()
        link.allow(1 << 40)
        _, told = command.communicate(timeout=60)
        assert command.returncode == 0, told
        assert (receiver.shared / "dir/large.bin").read_bytes() == data


def test_a_source_that_is_gone_ends_the_get(peer_factory):
    with behind_a_slow_link(peer_factory) as (receiver, source, link, _):
        command = begin_get(receiver)
        until(lambda: staged(receiver) >= HALF // 2, "half of it to arrive")
        source.kill()
        link.allow(1 << 40)
        begin = time.monotonic()
        _, told = command.communicate(timeout=60)
        assert 10 < time.monotonic() - begin < 30, "it waits as long as a restart takes, and no longer"
        assert command.returncode == 74
        assert len(told.splitlines()) == 1 and "resumes" in told
        assert not (receiver.shared / "dir/large.bin").exists()


def test_what_one_source_left_is_ended_by_another(peer_factory):
    with behind_a_slow_link(peer_factory) as (receiver, source, link, data):
        command = begin_get(receiver)
        until(lambda: staged(receiver) >= HALF // 2, "half of it to arrive")
        source.kill()
        link.allow(1 << 40)
        command.send_signal(signal.SIGINT)
        command.communicate(timeout=60)
        other = peer_factory.new("other", friend_primary=receiver.url)
        other.share("dir/large.bin", data)
        other.start().wait_for_files(1)
        until(lambda: other.url in receiver.alive(), "the other to be known")
        lines = receiver.adm_json("get", "dir/large.bin")
        assert lines[-1]["result"]["resumed"] > 0
        assert (receiver.shared / "dir/large.bin").read_bytes() == data


def test_a_file_that_changes_is_never_mixed(peer_factory):
    """The source has another content in the middle of the transfer: the old one never ends as a success."""
    with behind_a_slow_link(peer_factory) as (receiver, source, link, data):
        command = begin_get(receiver)
        until(lambda: staged(receiver) >= HALF // 2, "half of it to arrive")
        changed = bytes(reversed(data))
        with (source.shared / "dir/large.bin").open("r+b") as file:
            file.write(changed)
        link.allow(1 << 40)
        command.communicate(timeout=60)
        target = receiver.shared / "dir/large.bin"
        if command.returncode == 0:
            # What was on the way already may have been the old content, whole.
            assert target.read_bytes() == data
        else:
            assert not target.exists()


def test_a_transfer_is_listed_and_cancelled(peer_factory):
    with behind_a_slow_link(peer_factory) as (receiver, source, link, data):
        assert receiver.adm("transfers").stdout == "no transfers\n"
        command = begin_get(receiver)
        until(lambda: staged(receiver) >= HALF // 2, "half of it to arrive")
        lines = receiver.adm_json("transfers")
        transfer = lines[0]["transfer"]
        assert (len(lines), transfer["progress"]["path"]) == (1, "dir/large.bin")
        assert transfer["progress"]["size"] == SIZE and transfer["progress"]["source"] == source.name
        table = receiver.adm("transfers").stdout.splitlines()
        assert table[0].split() == ["ID", "STATE", "DONE", "SIZE", "SPEED", "FROM", "PATH"]
        assert table[1].split()[:2] == [str(transfer["id"]), "receiving"]
        none = receiver.adm("transfers", "--cancel", transfer["id"] + 1)
        assert none.returncode != 0 and "no transfer with the id" in none.stderr
        assert receiver.adm("transfers", "--cancel", transfer["id"]).returncode == 0
        _, told = command.communicate(timeout=20)
        assert command.returncode == 74 and "cancelled" in told
        assert receiver.adm_json("transfers") == []
        link.allow(1 << 40)
        assert receiver.adm_json("get", "dir/large.bin")[-1]["result"]["resumed"] > 0
        assert (receiver.shared / "dir/large.bin").read_bytes() == data
