"""h2load, nghttp2's load generator, against the gRPC port: no request fails."""

import re
import shutil
import subprocess

import pytest


def run(port: int, *arguments: str, path: str = "/") -> dict[str, int]:
    """What h2load says of its requests, by kind."""
    program = shutil.which("h2load")
    assert program, "h2load is missing: make setup"
    result = subprocess.run(
        [program, "-n", "2000", "-c", "10", "-m", "10", *arguments, f"http://127.0.0.1:{port}{path}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    line = re.search(r"^requests: (.*)$", result.stdout, re.M)
    assert line, result.stdout
    return {kind: int(count) for count, kind in re.findall(r"(\d+) (\w+)", line[1])}


@pytest.mark.parametrize("body", [None, 10_000, 300_000])
def test_plain_requests(shared_factory, tmp_path, body):
    peer = shared_factory.peers[0] if shared_factory.peers else shared_factory()
    arguments = []
    if body is not None:
        (tmp_path / "body").write_bytes(b"x" * body)
        arguments = ["-d", str(tmp_path / "body"), "-n", "500"]
    counts = run(peer.ports["grpc"], *arguments)
    total = counts["total"]
    assert total == (2000 if body is None else 500)
    assert counts["succeeded"] == counts["done"] == total
    assert counts["failed"] == counts["errored"] == counts["timeout"] == 0


def test_calls(shared_factory, tmp_path):
    """Unary calls of the health service, with the response read to its trailers."""
    peer = shared_factory.peers[0] if shared_factory.peers else shared_factory()
    (tmp_path / "message").write_bytes(b"\0\0\0\0\0")
    counts = run(
        peer.ports["grpc"],
        *("-d", str(tmp_path / "message"), "-H", "content-type: application/grpc", "-H", "te: trailers"),
        path="/grpc.health.v1.Health/Check",
    )
    assert counts["succeeded"] == counts["total"] == 2000
