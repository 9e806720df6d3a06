#!/usr/bin/env python3
"""Measures `p2padm get` of one large file against what else moves files, on this host: make bench-transfer.

usage: bench_transfer.py [one-source|two-sources ...]

Every round fetches the same 2 GiB, which are in the page cache, once with each program, in an order that changes from
round to round, into the same file system. Each copy is removed, and what is unwritten of it waited for, before the
next begins. What `get` gives is proved by its SHA-256, and on the disk (fdatasync) before it has its name; what the
others give is neither, unless the row says so. Exits with 1 where a bound is missed. Needs rsync, curl, aria2c and
nginx: .ci/setup bench. BENCH_DIRECTORY names the directory.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import ROOT, Row, cpu_ticks, free_port, print_table
from bench_grpc import Samples, nginx, run, warm
from peers import Peer, PeerFactory
from waiting import until

FILE_BYTES = int(os.environ.get("BENCH_BYTES", 2 << 30))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
NAME = "big.bin"


@contextmanager
def workplace(sources: int) -> Iterator[tuple[Path, Peer, list[Peer], str]]:
    """A directory, a receiver, its sources, which share one file, and the SHA-256 of it."""
    with (
        tempfile.TemporaryDirectory(prefix="p2p-transfer.", dir=os.environ.get("BENCH_DIRECTORY")) as directory,
        ExitStack() as stack,
    ):
        # nginx's workers are another user's.
        Path(directory).chmod(0o755)
        peers = PeerFactory(Path(directory))
        stack.callback(peers.close)
        receiver = peers.new("receiver", log_level="info", health_check_interval=2).start()
        others = [
            peers.new(f"source{number}", friend_primary=receiver.url, log_level="info", health_check_interval=2)
            for number in range(sources)
        ]
        first = others[0].shared / NAME
        digest = write(first)
        for other in others[1:]:
            os.link(first, other.shared / NAME)
        for other in others:
            other.start()
        for other in others:
            until(lambda: other.status()["catalog"]["hashed"] == 1, "the file to be hashed", 120)
        until(lambda: len(receiver.alive()) == sources, "them to know each other")
        warm(first)
        yield Path(directory), receiver, others, digest


def write(file: Path) -> str:
    """2 GiB of bytes that do not repeat; their SHA-256."""
    hasher = hashlib.sha256()
    with file.open("wb") as out:
        for _ in range(FILE_BYTES >> 24):
            block = os.urandom(1 << 24)
            hasher.update(block)
            out.write(block)
    os.sync()
    return hasher.hexdigest()


@contextmanager
def rsync_daemon(directory: Path, file: Path) -> Iterator[str]:
    port = free_port()
    configuration = directory / "rsyncd.conf"
    configuration.write_text(
        f"port = {port}\naddress = 127.0.0.1\nuse chroot = false\nuid = 0\ngid = 0\n[files]\npath = {file.parent}\n"
        if os.geteuid() == 0
        else f"port = {port}\naddress = 127.0.0.1\nuse chroot = false\n[files]\npath = {file.parent}\n"
    )
    daemon = subprocess.Popen(["rsync", "--daemon", "--no-detach", f"--config={configuration}"])
    try:
        url = f"rsync://127.0.0.1:{port}/files/{file.name}"
        until(lambda: subprocess.run(["rsync", url], capture_output=True).returncode == 0, "rsync's daemon")
        yield url
    finally:
        daemon.terminate()
        daemon.wait()


def seconds(work: Callable[[], object], copy: Path) -> float:
    """How long `work` takes; what it made is removed, and nothing of it is still to be written."""
    begin = time.perf_counter()
    work()
    taken = time.perf_counter() - begin
    if copy.stat().st_size != FILE_BYTES:
        raise AssertionError(f"{copy} has {copy.stat().st_size} bytes")
    copy.unlink()
    os.sync()
    return taken


def get(receiver: Peer) -> None:
    result = receiver.adm("get", NAME, timeout=300)
    if result.returncode != 0:
        raise AssertionError(result.stderr)


def forget(receiver: Peer) -> None:
    """The copy is gone: it is no source of the next round, and no name that is taken."""
    until(lambda: receiver.status()["catalog"]["files"] == 0, "the removal to be noticed")


def one_source() -> list[Row]:
    samples = Samples()
    with workplace(1) as (directory, receiver, sources, digest):
        original = sources[0].shared / NAME
        copy = directory / "copy.bin"
        sums = directory / "sums"
        sums.write_text(f"{digest}  {copy}\n")
        with rsync_daemon(directory, original) as rsync, nginx(original) as url:
            curl = ["curl", "--silent", "--fail", "--output", copy, url]

            def curl_and_sum() -> None:
                run(*curl)
                run("sha256sum", "--check", "--quiet", sums)

            ways: dict[str, tuple[Callable[[], object], Path]] = {
                "get": (lambda: get(receiver), receiver.shared / NAME),
                "rsync": (lambda: run("rsync", "--whole-file", rsync, copy), copy),
                "rsync --fsync": (lambda: run("rsync", "--whole-file", "--fsync", rsync, copy), copy),
                "curl, sha256sum": (curl_and_sum, copy),
                "aria2c": (
                    lambda: run(
                        "aria2c", "--quiet", f"--checksum=sha-256={digest}", "--max-connection-per-server=4",
                        "--split=4", "--allow-overwrite=true", f"--dir={directory}", "--out=copy.bin", url
                    ),
                    copy,
                ),
            }  # fmt: skip
            measure(ways, samples, receiver, sources)
    return rows(samples, f"get of {FILE_BYTES >> 20} MiB from one peer") + [
        ratio(samples, "get", "rsync", 1.0),
        ratio(samples, "get", "rsync --fsync", 1.0),
        ratio(samples, "get", "curl, sha256sum", 0.3),
        ratio(samples, "get", "aria2c", 0.2),
    ]


def two_sources() -> list[Row]:
    samples = Samples()
    with workplace(2) as (_, receiver, sources, _):
        measure({"get": (lambda: get(receiver), receiver.shared / NAME)}, samples, receiver, sources)
    return rows(samples, f"get of {FILE_BYTES >> 20} MiB from two peers of this host")


def measure(
    ways: dict[str, tuple[Callable[[], object], Path]], samples: Samples, receiver: Peer, sources: list[Peer]
) -> None:
    names = list(ways)
    for number in range(ROUNDS):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            ticks = [cpu_ticks(receiver.pid), sum(cpu_ticks(source.pid) for source in sources)]
            samples.add(name, seconds(*ways[name]))
            if name == "get":
                now = [cpu_ticks(receiver.pid), sum(cpu_ticks(source.pid) for source in sources)]
                for side, before, after in zip(("receiver", "sources"), ticks, now, strict=True):
                    samples.add(f"{side} cpu", (after - before) / os.sysconf("SC_CLK_TCK"))
                forget(receiver)
        print(
            f"round {number + 1}: " + ", ".join(f"{name} {samples.values[name][-1]:.2f} s" for name in names),
            file=sys.stderr,
            flush=True,
        )


def rows(samples: Samples, what: str) -> list[Row]:
    taken = samples.median("get")
    cpu = f"processor: receiver {samples.median('receiver cpu'):.2f} s, source {samples.median('sources cpu'):.2f} s"
    return [Row(f"{what}; {cpu}", f"{taken:.2f} s", "", True)]


def ratio(samples: Samples, ours: str, theirs: str, bound: float) -> Row:
    value = samples.median(ours) / samples.median(theirs)
    return Row(f"against {theirs}, {samples.median(theirs):.2f} s", f"{value:.2f} x", f"<= {bound} x", value <= bound)


MEASUREMENTS = {"one-source": one_source, "two-sources": two_sources}


def main() -> None:
    names = sys.argv[1:] or list(MEASUREMENTS)
    if unknown := set(names) - set(MEASUREMENTS):
        raise SystemExit(f"bench: unknown: {', '.join(sorted(unknown))}; known: {', '.join(MEASUREMENTS)}")
    tools = f"{ROOT}/.build/tools/usr/sbin:{os.environ['PATH']}:/usr/sbin"
    for program in ("rsync", "curl", "aria2c", "nginx"):
        if not shutil.which(program, path=tools):
            raise SystemExit(f"bench: {program} is missing: .ci/setup bench")
    print(f"load {os.getloadavg()[0]:.2f}, {os.cpu_count()} processors, medians of {ROUNDS}", flush=True)
    print_table([row for name in names for row in MEASUREMENTS[name]()])


if __name__ == "__main__":
    main()
