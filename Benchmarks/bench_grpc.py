#!/usr/bin/env python3
"""Measures our gRPC transport against the stock one, on this host: make bench-grpc.

usage: bench_grpc.py [one-stream|grpcio|generated|unary|memory|latency ...]

Each row is a figure, its bound, and what it was compared with in the same run: runs of the two take turns, and the
medians count. Exits with 1 when a bound is missed. ROUNDS sets how many turns (5). REFERENCE names the directory of
grpc_download.py (../shared/bench). Needs nginx and curl: .ci/setup bench.
"""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import ROOT, Row, free_port, print_table
from slow_readers import SlowReaders

PROGRAM = Path(os.environ.get("GRPC_BENCH", ROOT / ".build" / "bench-grpc" / "release" / "grpc-bench"))
REFERENCE = Path(os.environ.get("REFERENCE", ROOT / ".." / "shared" / "bench")).resolve()
TOOLS_PATH = f"{ROOT}/.build/tools/usr/sbin:{os.environ['PATH']}:/usr/sbin"
FILE_BYTES = 2 << 30
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SLOW_READERS = 1000
BULK_CLIENTS = 8
UNARY_CONNECTIONS = 64
KIB64 = 64 << 10
KIB256 = 256 << 10
MIB = 1 << 20
# As the stock transport has one of 16 MiB in this program.
WINDOW = ("--window-bytes", 8 << 20)


# --- Processes --------------------------------------------------------------------------------------------------------


@dataclass
class Server:
    """A server of either transport, with the port that it took."""

    transport: str
    process: subprocess.Popen[str]
    port: int

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.process.pid)

    def resident_megabytes(self) -> float:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise LookupError("VmRSS")


def cpu_seconds(pid: int) -> float:
    """Time on a processor of every thread that lives, in nanoseconds as the scheduler counts it."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


@contextmanager
def server(transport: str, file: Path) -> Iterator[Server]:
    process = subprocess.Popen(
        [PROGRAM, "serve", transport, "--file", file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield Server(transport, process, int(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()


@contextmanager
def servers(file: Path, *transports: str) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        yield [stack.enter_context(server(transport, file)) for transport in transports or ("nghttp2", "stock")]


def run(*arguments: object) -> str:
    command = [str(argument) for argument in arguments]
    environment = {**os.environ, "PATH": TOOLS_PATH}
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600, env=environment)
    return done.stdout


def client(command: str, target: Server, *options: object) -> dict[str, float]:
    return json.loads(run(PROGRAM, command, target.transport, "--port", target.port, *options))


@contextmanager
def big_file() -> Iterator[Path]:
    """2 GiB of bytes that do not repeat, in the page cache."""
    with tempfile.TemporaryDirectory(prefix="grpc-bench.", dir=os.environ.get("BENCH_DIRECTORY")) as directory:
        # Another user's workers read it.
        Path(directory).chmod(0o755)
        file = Path(directory) / "big.bin"
        with file.open("wb") as out:
            block = os.urandom(16 << 20)
            for _ in range(FILE_BYTES // len(block)):
                out.write(block)
        warm(file)
        yield file


def warm(file: Path) -> None:
    with file.open("rb", buffering=0) as source:
        buffer = bytearray(MIB)
        while source.readinto(buffer):
            pass


@contextmanager
def nginx(file: Path) -> Iterator[str]:
    """The reference: HTTP/1.1 with sendfile, one worker."""
    port = free_port()
    directory = file.parent
    configuration = directory / "nginx.conf"
    configuration.write_text(
        f"worker_processes 1; daemon off; pid {directory}/nginx.pid; error_log stderr crit;\n"
        "events {}\n"
        f"http {{ access_log off; sendfile on; client_body_temp_path {directory}/body;\n"
        f"proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;\n"
        f"uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;\n"
        f"server {{ listen 127.0.0.1:{port}; root {directory}; }} }}\n"
    )
    process = subprocess.Popen(
        ["nginx", "-p", directory, "-c", configuration], env={**os.environ, "PATH": TOOLS_PATH}
    )
    try:
        url = f"http://127.0.0.1:{port}/{file.name}"
        run("curl", "--silent", "--fail", "--retry", "20", "--retry-connrefused", "--retry-delay", "1",
            "--range", "0-0", "--output", "/dev/null", url)  # fmt: skip
        yield url
    finally:
        process.terminate()
        process.wait()


# --- The figures ------------------------------------------------------------------------------------------------------


@dataclass
class Samples:
    """What several runs gave, by name."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        self.values.setdefault(name, []).append(value)

    def median(self, name: str) -> float:
        return statistics.median(self.values[name])


def ratio_row(what: str, ours: float, theirs: float, bound: float) -> Row:
    return Row(what, f"{ours / theirs:.2f} x", f">= {bound} x", ours >= bound * theirs)


def download(target: Server, samples: Samples, *options: object) -> None:
    """One run; its speed in GB/s as the transport's name, its server's seconds of processor a GB as NAME cpu."""
    begin = target.cpu_seconds()
    result = client("download", target, *options)
    gigabytes = result["bytes"] / 1e9
    if gigabytes < FILE_BYTES / 1e9:
        raise AssertionError(f"not all bytes arrived: {result}")
    samples.add(target.transport, gigabytes / result["seconds"])
    samples.add(f"{target.transport} cpu", (target.cpu_seconds() - begin) / gigabytes)


def one_stream(file: Path) -> list[Row]:
    samples = Samples()
    with servers(file) as (ours, stock), nginx(file) as url:
        for _ in range(ROUNDS):
            download(ours, samples, "--message-bytes", KIB256, *WINDOW)
            # 64 KiB serve it best of those that bench.File has.
            download(stock, samples, "--message-bytes", KIB64)
            seconds = run("curl", "--silent", "--fail", "--output", "/dev/null", "--write-out", "%{time_total}", url)
            samples.add("nginx", FILE_BYTES / 1e9 / float(seconds))
    speed, cpu = samples.median("nghttp2"), samples.median("nghttp2 cpu")
    stock_speed, nginx_speed = samples.median("stock"), samples.median("nginx")
    return [
        ratio_row(f"one stream, 2 GiB, {speed:.2f} GB/s; stock {stock_speed:.2f}", speed, stock_speed, 3.5),
        ratio_row(f"the same; nginx HTTP/1.1 sendfile to curl {nginx_speed:.2f} GB/s", speed, nginx_speed, 1.5),
        Row(
            f"server CPU of it; stock {samples.median('stock cpu'):.2f} s/GB",
            f"{cpu:.3f} s/GB",
            "<= 0.20",
            cpu <= 0.20,
        ),
    ]


def grpcio(file: Path) -> list[Row]:
    samples = Samples()
    script = REFERENCE / "grpc_download.py"
    if not script.exists():
        raise SystemExit(f"bench: {script} is missing: REFERENCE=DIRECTORY names where it is")
    with servers(file) as pair:
        for _ in range(ROUNDS):
            for target in pair:
                line = run(sys.executable, script, f"127.0.0.1:{target.port}", "/bench.File/KiB64", "big.bin", 1)
                words = line.split()
                if int(words[0]) < FILE_BYTES:
                    raise AssertionError(f"not all bytes arrived: {line}")
                samples.add(target.transport, int(words[0]) / 1e9 / float(words[4]))
    ours, stock = samples.median("nghttp2"), samples.median("stock")
    return [ratio_row(f"to grpcio's client, 64 KiB messages, {ours:.2f} GB/s; stock {stock:.2f}", ours, stock, 1.2)]


def generated(file: Path) -> list[Row]:
    samples = Samples()
    with servers(file) as pair:
        for _ in range(ROUNDS):
            for target in pair:
                download(target, samples, "--message-bytes", 0, "--bytes", FILE_BYTES, *WINDOW)
    ours, stock = samples.median("nghttp2"), samples.median("stock")
    return [ratio_row(f"generated service, 64 KiB messages, {ours:.2f} GB/s; stock {stock:.2f}", ours, stock, 2)]


def unary(file: Path) -> list[Row]:
    samples = Samples()
    with servers(file) as pair:
        for _ in range(ROUNDS):
            for target in pair:
                result = client("unary", target, "--connections", UNARY_CONNECTIONS)
                samples.add(target.transport, result["calls"] / result["seconds"])
    ours, stock = samples.median("nghttp2"), samples.median("stock")
    return [ratio_row(f"unary calls, 64 connections, {ours:,.0f} a second; stock {stock:,.0f}", ours, stock, 1.5)]


def memory(file: Path) -> list[Row]:
    rows = []
    for frame_bytes in (MIB, 16 << 10):
        with server("nghttp2", file) as target:
            idle = target.resident_megabytes()
            path = f"/bench.File/{'KiB1024' if frame_bytes == MIB else 'KiB64'}"
            megabytes = asyncio.run(slow_downloads(target, path, frame_bytes))
        rows.append(
            Row(
                f"resident, {SLOW_READERS:,} slow downloads in {frame_bytes >> 10} KiB frames; idle {idle:.0f} MB",
                f"{megabytes:.0f} MB",
                "<= 150 MB",
                megabytes <= 150,
            )
        )
    return rows


async def slow_downloads(target: Server, path: str, frame_bytes: int) -> float:
    """The most that the server holds while each of the clients reads a few KiB a second."""
    async with SlowReaders(target.port, path, frame_bytes, SLOW_READERS) as readers:
        most = 0.0
        until = time.monotonic() + 15
        while time.monotonic() < until:
            await readers.read_a_little()
            most = max(most, target.resident_megabytes())
        if readers.ended:
            raise AssertionError(f"{readers.ended} of {SLOW_READERS} slow downloads ended")
    return most


def latency(file: Path) -> list[Row]:
    samples = Samples()
    with server("nghttp2", file) as target:
        for _ in range(ROUNDS):
            samples.add("idle", quiet_unary(target)["p99_us"])
            with bulk_clients(target):
                samples.add("busy", quiet_unary(target)["p99_us"])
    idle, busy = samples.median("idle"), samples.median("busy")
    return [
        Row(
            f"p99 of a unary call beside {BULK_CLIENTS} downloads, {busy:.0f} us; idle {idle:.0f}",
            f"{busy / idle:.2f} x",
            "<= 3 x",
            busy <= 3 * idle,
        )
    ]


def quiet_unary(target: Server) -> dict[str, float]:
    return client("unary", target, "--connections", 1, "--calls", 5000, "--warm-up", 500)


@contextmanager
def bulk_clients(target: Server) -> Iterator[None]:
    """Clients in processes of their own that download without end."""
    command = [PROGRAM, "download", target.transport, "--port", str(target.port), "--endless"]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(BULK_CLIENTS)]
    try:
        time.sleep(1)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


MEASUREMENTS: dict[str, Callable[[Path], list[Row]]] = {
    "one-stream": one_stream,
    "grpcio": grpcio,
    "generated": generated,
    "unary": unary,
    "memory": memory,
    "latency": latency,
}


def main() -> None:
    names = sys.argv[1:] or list(MEASUREMENTS)
    if unknown := set(names) - set(MEASUREMENTS):
        raise SystemExit(f"bench: unknown: {', '.join(sorted(unknown))}; known: {', '.join(MEASUREMENTS)}")
    if not PROGRAM.exists():
        raise SystemExit(f"bench: {PROGRAM} is not built: make bench-grpc")
    if not shutil.which("nginx", path=TOOLS_PATH):
        raise SystemExit("bench: nginx is missing: .ci/setup bench")
    rows: list[Row] = []
    print(f"load {os.getloadavg()[0]:.2f}, {os.cpu_count()} processors, medians of {ROUNDS}", flush=True)
    with big_file() as file:
        for name in names:
            print(f"bench: measuring {name}", file=sys.stderr, flush=True)
            measured = MEASUREMENTS[name](file)
            # Known at once, whatever happens to the rest.
            for row in measured:
                print(f"bench: {row.what}: {row.measured}, {row.bound}", file=sys.stderr, flush=True)
            rows += measured
    print_table(rows)


if __name__ == "__main__":
    main()
