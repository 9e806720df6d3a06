"""Sources that lie: the download ends right from the others, or fails and names the culprit."""

import os

import pytest
from peers import Peer
from rogue_peer import RoguePeer
from waiting import until

PATH = "dir/large.bin"
DATA = os.urandom((8 << 20) + 12_345)
LIARS = ["wrong", "short", "endless", "shuffled", "another"]


@pytest.fixture
def receiver(peer_factory) -> Peer:
    return peer_factory("receiver")


def meet(receiver: Peer, rogue: RoguePeer, *others: Peer) -> None:
    rogue.register_with(receiver.url)
    urls = {rogue.url, *(other.url for other in others)}
    until(lambda: urls <= receiver.alive(), "them to know each other")


@pytest.mark.parametrize("manner", [*LIARS, "silent", "old", "honest"])
def test_beside_an_honest_source(receiver, peer_factory, wire, manner):
    honest = peer_factory.new("honest", friend_primary=receiver.url)
    honest.share(PATH, DATA)
    honest.start().wait_for_files(1)
    with RoguePeer(wire, "rogue", PATH, DATA, manner) as rogue:
        meet(receiver, rogue, honest)
        receiver.adm_json("get", PATH)
        assert rogue.pieces_asked > 0, "it was a source, too"
    assert (receiver.shared / PATH).read_bytes() == DATA
    assert not list((receiver.shared / ".p2p-peer").iterdir())


@pytest.mark.parametrize("manner", [*LIARS, "old"])
def test_alone(receiver, wire, manner):
    with RoguePeer(wire, "rogue", PATH, DATA, manner) as rogue:
        meet(receiver, rogue)
        result = receiver.adm("get", PATH)
    if manner in ("endless", "old"):
        # What was asked for was right; the rest is cut off.
        assert result.returncode == 0, result.stderr
        assert (receiver.shared / PATH).read_bytes() == DATA
    else:
        assert result.returncode == 74
        assert "rogue" in result.stderr
        assert not (receiver.shared / PATH).exists()


def test_a_client_that_nobody_here_wrote_reads_the_manifest(receiver, wire):
    """What the daemon says of a file's pieces, read through grpcio and compared with hashlib."""
    import hashlib

    import grpc
    from grpc_calls import unary_stream

    receiver.share("large.bin", DATA)
    receiver.share("empty.bin", b"")
    receiver.wait_for_files(2)
    with grpc.insecure_channel(receiver.grpc_target) as channel:
        call = unary_stream(channel, "/p2p.v1.Files/Manifest", wire.peer.ManifestReply)
        for _ in range(2):
            pages = list(call(wire.peer.ManifestRequest(path="large.bin"), timeout=20))
            assert {page.size for page in pages} == {len(DATA)}
            pieces = [DATA[start : start + (1 << 20)] for start in range(0, len(DATA), 1 << 20)]
            assert b"".join(page.digests for page in pages) == b"".join(hashlib.sha256(p).digest() for p in pieces)
        empty = list(call(wire.peer.ManifestRequest(path="empty.bin"), timeout=20))
        assert [(page.size, page.digests) for page in empty] == [(0, b"")]
        with pytest.raises(grpc.RpcError) as raised:
            list(call(wire.peer.ManifestRequest(path="../etc/passwd"), timeout=20))
        assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
