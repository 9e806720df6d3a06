"""A hundred clients at once search and download, by REST and gRPC, and each gets what it asked for."""

from concurrent.futures import ThreadPoolExecutor

import grpc
import requests
from grpc_calls import unary_stream

CLIENTS = 100
SIZES = [1000, 65_536, 300_001, 2 << 20]


def test_a_hundred_clients(peer_factory, wire):
    one, two = peer_factory.fleet(2)
    files = {f"report-{size}.bin": one.share(f"report-{size}.bin", size) for size in SIZES}
    two.share("report-elsewhere.bin", 10)
    one.wait_for_files(len(SIZES))
    two.wait_for_files(1)

    def client(number: int) -> int:
        """One client's errands; returns the bytes that it got."""
        received = 0
        with (
            requests.Session() as session,
            grpc.insecure_channel(one.grpc_target, [("grpc.use_local_subchannel_pool", 1)]) as channel,
        ):
            download = unary_stream(channel, "/filetransfer.FileTransfer/DummyDownload", wire.seed.FileChunk)
            for turn in range(3):
                name = f"report-{SIZES[(number + turn) % len(SIZES)]}.bin"
                found = session.get(
                    f"{one.url}/search", params={"query": "report", "fanout": 3, "ttl": 3}, timeout=60
                ).json()
                assert {result["peer"] for result in found["results"]} == {one.url, two.url}
                assert sum(len(result["files"]) for result in found["results"]) == len(SIZES) + 1
                if number % 2:
                    data = session.get(f"{one.url}/files/{name}", timeout=60).content
                else:
                    data = b"".join(chunk.data for chunk in download(wire.seed.FileRequest(filename=name), timeout=60))
                assert data == files[name]
                received += len(data)
        return received

    with ThreadPoolExecutor(CLIENTS) as pool:
        received = sum(pool.map(client, range(CLIENTS)))
    transfers = one.status()["transfers"]
    assert (transfers["active"], transfers["failed"]) == (0, 0)
    assert transfers["bytes_sent"] >= received


def test_a_hundred_administrators(peer_factory):
    peer = peer_factory()
    peer.share("a.txt", b"a")
    peer.wait_for_files(1)

    def ask(_: int) -> str:
        return peer.search("a")[0][peer.url][0]

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert set(pool.map(ask, range(CLIENTS))) == {"a.txt"}
