"""A file that is cut off or replaced while it is served: an error or the whole of it, and never a crash."""

import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from grpc_calls import unary_stream
from peers import Peer

#: Six messages: most of them are still at the peer when the reader has the first.
SIZE = 6 << 20
WORKERS = 4
TIMES = 1000
#: What the peer may say of a file that is no longer what it was.
STATUSES = {grpc.StatusCode.ABORTED, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
PATTERN = os.urandom(SIZE)


@pytest.fixture(scope="module")
def peer(shared_factory) -> Peer:
    peer = shared_factory.new("cutter")
    for number in range(WORKERS):
        peer.share(f"{number}.bin", PATTERN)
    peer.start().wait_for_files(WORKERS)
    return peer


def download(channel: grpc.Channel, wire, name: str):
    call = unary_stream(channel, "/p2p.v1.Files/Download", wire.peer.DownloadReply)
    return call(wire.peer.DownloadRequest(path=name), timeout=60)


def serve_and_cut(peer: Peer, wire, number: int, seed: int) -> dict[str, int]:
    """One file, over and over: asked for, changed when a part of it has come, and read to its end."""
    randomness = random.Random(f"{seed}/{number}")
    path = peer.shared / f"{number}.bin"
    outcomes = {"whole": 0, "refused": 0}
    options = [
        ("grpc.use_local_subchannel_pool", 1),
        # A window that leaves most of the file at the peer.
        ("grpc.http2.lookahead_bytes", 65_536),
        ("grpc.http2.bdp_probe", 0),
    ]
    with grpc.insecure_channel(peer.grpc_target, options) as channel:
        for _ in range(TIMES // WORKERS):
            replies = download(channel, wire, path.name)
            received = b""
            change = randomness.choice([cut, cut, cut, cut_and_restore, replace, leave])
            at = randomness.randrange(1, 4)
            try:
                for count, reply in enumerate(replies):
                    received += reply.data
                    if count + 1 == at:
                        change(path, randomness)
            except grpc.RpcError as error:
                assert error.code() in STATUSES, error
                outcomes["refused"] += 1
            else:
                # OK says: all of it.
                assert received == PATTERN, f"success with {len(received)} bytes after {change.__name__}"
                outcomes["whole"] += 1
            restore(path)
    return outcomes


def restore(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(PATTERN)


def cut(path: Path, randomness: random.Random) -> None:
    os.truncate(path, randomness.choice([0, 1, SIZE // 2, SIZE - 1, randomness.randrange(SIZE)]))


def cut_and_restore(path: Path, randomness: random.Random) -> None:
    """For a moment a part is missing: between what was planned and what is read."""
    cut(path, randomness)
    restore(path)


def leave(path: Path, randomness: random.Random) -> None:
    """What a success looks like."""


def replace(path: Path, randomness: random.Random) -> None:
    """The new file is shorter; the one that is open stays whole, and is nobody's any more."""
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(PATTERN[: randomness.randrange(SIZE)])
    new.rename(path)


def test_a_file_that_changes_a_thousand_times_while_it_is_served(peer, wire):
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    with ThreadPoolExecutor(WORKERS) as pool:
        outcomes = list(pool.map(lambda number: serve_and_cut(peer, wire, number, seed), range(WORKERS)))
    totals = {kind: sum(outcome[kind] for outcome in outcomes) for kind in outcomes[0]}
    print(totals)
    assert sum(totals.values()) == TIMES
    # Most were caught in the middle, and those that were left alone came through.
    assert totals["refused"] >= TIMES // 3 and totals["whole"] >= TIMES // 20
    # The daemon is the same one, and serves.
    with grpc.insecure_channel(peer.grpc_target) as channel:
        for number in range(WORKERS):
            assert b"".join(reply.data for reply in download(channel, wire, f"{number}.bin")) == PATTERN


def test_a_file_that_shrinks_while_its_reader_is_away(peer, wire):
    """Everything is planned and nothing is written yet: the reader has opened no window."""
    path = peer.shared / "0.bin"
    with grpc.insecure_channel(peer.grpc_target, [("grpc.http2.lookahead_bytes", 0)]) as channel:
        replies = download(channel, wire, path.name)
        received = next(replies).data
        os.truncate(path, 300_000)
        with pytest.raises(grpc.RpcError) as raised:
            for reply in replies:
                received += reply.data
        assert raised.value.code() in STATUSES
        assert PATTERN.startswith(received)
    restore(path)
