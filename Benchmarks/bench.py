#!/usr/bin/env python3
"""Measures what the README quotes, on this host, with the release build: make bench.

usage: bench.py [start|memory|size|search|grpc ...]

Each row is a figure, its bound, and where there is something to compare with, the ratio to it from the same run.
Exits with 1 when a bound is missed. PEER_BINARIES names the directory of the binaries; REFERENCE the one with
grpcio_server.py and grpc_download.py (../shared/bench).
"""

import http.client
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("PEER_BINARIES", str(ROOT / ".build" / "release"))
sys.path.insert(0, str(ROOT / "Tests" / "IntegrationTests"))

from peers import DAEMON, Peer, PeerFactory  # noqa: E402 (PEER_BINARIES first)
from waiting import until  # noqa: E402

REFERENCE = Path(os.environ.get("REFERENCE", ROOT / ".." / "shared" / "bench")).resolve()
FILES = 10_000
STARTS = 9
SEARCHES = 200
DOWNLOAD_BYTES = 1 << 30
ROUNDS = 3


@dataclass
class Row:
    """One line of the table."""

    what: str
    measured: str
    bound: str
    holds: bool


# --- What is measured on ----------------------------------------------------------------------------------------------


@contextmanager
def factory() -> Iterator[PeerFactory]:
    """Daemons that end with the measurement, in a directory that goes with it."""
    with tempfile.TemporaryDirectory(prefix="p2p-bench.") as directory:
        peers = PeerFactory(Path(directory))
        try:
            yield peers
        finally:
            peers.close()


def peer_with_files(peers: PeerFactory) -> Peer:
    """A peer that has hashed 10,000 files and is stopped: its catalog is warm."""
    peer = peers.new("bench", log_level="info", health_check_interval=30)
    for number in range(FILES):
        directory = peer.shared / f"directory-{number // 100:02}"
        directory.mkdir(exist_ok=True)
        (directory / f"some file of the fleet {number:05}.txt").write_bytes(number.to_bytes(4, "big") * 64)
    peer.start()
    until(lambda: peer.status()["catalog"]["hashed"] == FILES, "10,000 files to be hashed", 120)
    peer.stop()
    return peer


def milliseconds_until_ready(peer: Peer) -> float:
    """From the start of the process to READY=1 on its NOTIFY_SOCKET."""
    path = peer.directory / "notify"
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(20)
        begin = time.perf_counter()
        peer.launch(NOTIFY_SOCKET=str(path))
        while b"READY=1" not in manager.recv(65536).split(b"\n"):
            pass
        return (time.perf_counter() - begin) * 1000


def kibibytes(pid: int, file: str, key: str) -> int:
    for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1])
    raise LookupError(f"{key} in /proc/{pid}/{file}")


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def until_idle(peer: Peer) -> None:
    """Waits until the scan is over and the process has used no processor time for half a second."""
    until(lambda: peer.status()["catalog"]["state"] == "watching", "the scan to end", 60)
    last = (cpu_ticks(peer.pid), time.monotonic())

    def is_idle() -> bool:
        nonlocal last
        ticks = cpu_ticks(peer.pid)
        if ticks != last[0]:
            last = (ticks, time.monotonic())
        return time.monotonic() - last[1] > 0.5

    until(is_idle, "the daemon to be idle", 60)


# --- The figures ------------------------------------------------------------------------------------------------------


def start() -> list[Row]:
    with factory() as peers:
        peer = peer_with_files(peers)
        times = []
        for _ in range(STARTS):
            times.append(milliseconds_until_ready(peer))
            peer.stop()
    median = statistics.median(times)
    return [
        Row(
            f"start to READY, warm catalog of {FILES:,} files (median of {STARTS}, worst {max(times):.0f} ms)",
            f"{median:.0f} ms",
            "150 ms",
            median <= 150,
        )
    ]


def memory() -> list[Row]:
    with factory() as peers:
        peer = peer_with_files(peers).start()
        until_idle(peer)
        resident = kibibytes(peer.pid, "status", "VmRSS") * 1024 / 1e6
        proportional = kibibytes(peer.pid, "smaps_rollup", "Pss") * 1024 / 1e6
    return [
        Row(
            f"resident memory, idle with {FILES:,} files (PSS {proportional:.1f} MB)",
            f"{resident:.1f} MB",
            "36 MB",
            resident <= 36,
        )
    ]


def size() -> list[Row]:
    with tempfile.TemporaryDirectory() as directory:
        stripped = Path(directory) / "p2p-peer"
        subprocess.run(["strip", "-o", stripped, DAEMON], check=True)
        content = stripped.read_bytes()
    megabytes = len(content) / 1e6
    icu = content.count(b"icudt")
    return [
        Row("release binary, stripped", f"{megabytes:.1f} MB", "50 MB", megabytes <= 50),
        Row("ICU data in it", "yes" if icu else "none", "none", icu == 0),
    ]


def search() -> list[Row]:
    with factory() as peers:
        fleet = peers.fleet(4, log_level="info", health_check_interval=5)
        for number, peer in enumerate(fleet):
            for copy in range(25):
                peer.share(f"report-{number}-{copy}.txt", 100)
            peer.wait_for_files(25)
        connection = http.client.HTTPConnection("127.0.0.1", fleet[0].ports["rest"], timeout=10)
        times = []
        for _ in range(SEARCHES):
            begin = time.perf_counter()
            connection.request("GET", "/search?query=report-3-7&fanout=3&ttl=3")
            body = connection.getresponse().read()
            times.append((time.perf_counter() - begin) * 1000)
            if body.count(b'"name":"report-3-7.txt"') != 1:
                raise AssertionError(f"a search did not find what is there: {body!r}")
        connection.close()
    times.sort()
    median, p99 = statistics.median(times), times[int(len(times) * 0.99)]
    return [
        Row(
            f"/search through four peers (median of {SEARCHES}, p99 {p99:.2f} ms)",
            f"{median:.2f} ms",
            "5 ms",
            median <= 5,
        )
    ]


def grpc() -> list[Row]:
    scripts = [REFERENCE / "grpcio_server.py", REFERENCE / "grpc_download.py"]
    for script in scripts:
        if not script.exists():
            raise SystemExit(f"bench: {script} is missing: REFERENCE=DIRECTORY names where it is")
    with factory() as peers:
        peer = peers.new("bench", log_level="info", health_check_interval=30)
        file = peer.shared / "big.bin"
        with file.open("wb") as out:
            block = os.urandom(16 << 20)
            for _ in range(DOWNLOAD_BYTES // len(block)):
                out.write(block)
        peer.start().wait_for_files(1)
        port = free_port()
        server = subprocess.Popen([sys.executable, scripts[0], file, str(port)])
        try:
            until(lambda: socket.create_connection(("127.0.0.1", port), 1).close() is None, "grpcio's server")
            ours, theirs = [], []
            for _ in range(ROUNDS):
                ours.append(download_seconds(scripts[1], peer.ports["grpc"]))
                theirs.append(download_seconds(scripts[1], port))
        finally:
            server.kill()
            server.wait()
    speeds = [DOWNLOAD_BYTES / statistics.median(times) / 1e9 for times in (ours, theirs)]
    ratio = speeds[0] / speeds[1]
    return [
        Row(
            f"gRPC download of 1 GiB to grpcio's client, {speeds[0]:.2f} GB/s;"
            f" from grpcio's server {speeds[1]:.2f} GB/s (medians of {ROUNDS}, in turns)",
            f"{ratio:.2f} x",
            ">= 1.2 x",
            ratio >= 1.2,
        )
    ]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def download_seconds(script: Path, port: int) -> float:
    """One run of the client in a process of its own; its line is "BYTES bytes N messages SECONDS s ..."."""
    line = subprocess.run(
        [sys.executable, script, f"127.0.0.1:{port}", "/filetransfer.FileTransfer/DummyDownload", "big.bin", "1"],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    ).stdout
    words = line.split()
    # Chunks carry a few bytes besides the file's.
    if int(words[0]) < DOWNLOAD_BYTES:
        raise AssertionError(f"not the whole file arrived: {line}")
    return float(words[4])


MEASUREMENTS: dict[str, Callable[[], list[Row]]] = {
    "start": start,
    "memory": memory,
    "size": size,
    "search": search,
    "grpc": grpc,
}


def print_table(rows: list[Row]) -> NoReturn:
    """Prints what was measured, and ends the program: with 1 where a bound is missed."""
    width = min(max(len(row.what) for row in rows), max(shutil.get_terminal_size((140, 24)).columns - 32, 40))
    print(f"{'WHAT':{width}}  {'MEASURED':>10}  {'BOUND':>9}")
    for row in rows:
        print(f"{row.what:{width}}  {row.measured:>10}  {row.bound:>9}  {'ok' if row.holds else 'MISSED'}")
    sys.exit(0 if all(row.holds for row in rows) else 1)


def main() -> None:
    names = sys.argv[1:] or list(MEASUREMENTS)
    if unknown := set(names) - set(MEASUREMENTS):
        raise SystemExit(f"bench: unknown: {', '.join(sorted(unknown))}; known: {', '.join(MEASUREMENTS)}")
    if not DAEMON.exists():
        raise SystemExit(f"bench: {DAEMON} is not built: make build")
    rows: list[Row] = []
    for name in names:
        print(f"bench: measuring {name}", file=sys.stderr, flush=True)
        rows += MEASUREMENTS[name]()
    print_table(rows)


if __name__ == "__main__":
    main()
