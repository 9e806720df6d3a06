#!/usr/bin/env python3
"""Measures what floods of the gRPC port cost others, on this host, with the release build: make bench-attacks.

usage: bench_attacks.py [ROUNDS]

One process floods a port without end, each flood of test_grpc_attacks in its turn, while another client makes small
calls to a daemon. In turn, the port is the daemon's own, and one that hangs up: the attacker takes a core of its own
either way, and what is compared is what the daemon adds. Exits with 1 when p99 more than doubles, or when the daemon's
memory grows by more than 32 MiB.
"""

import os
import re
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("PEER_BINARIES", str(ROOT / ".build" / "release"))
sys.path.insert(0, str(ROOT / "Tests" / "IntegrationTests"))

from attacker import Attacker, call_times, sink  # noqa: E402 (PEER_BINARIES first)
from floods import FLOODS  # noqa: E402
from peers import Peer, PeerFactory  # noqa: E402

CALLS = 2000


def p99(times: list[float]) -> float:
    return times[-(len(times) // 100) - 1] * 1e3


def resident(peer: Peer) -> float:
    """The highest so far, in MiB."""
    status = Path(f"/proc/{peer.pid}/status").read_text()
    return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.M)[1]) / 1024  # type: ignore[index]


def main(rounds: int) -> int:
    floods = [flood.sent() for flood in FLOODS]
    idle, attacked = [], []
    with tempfile.TemporaryDirectory(prefix="p2p-bench.") as directory:
        peers = PeerFactory(Path(directory))
        try:
            # A line for each flood is not what is measured.
            peer = peers("attacked", log_level="error")
            call_times(peer.grpc_target, CALLS)
            before = resident(peer)
            for _ in range(rounds):
                with sink() as port, Attacker(port, floods):
                    idle.append(p99(call_times(peer.grpc_target, CALLS)))
                with Attacker(peer.ports["grpc"], floods):
                    attacked.append(p99(call_times(peer.grpc_target, CALLS)))
            growth = resident(peer) - before
        finally:
            peers.close()
    ratio = statistics.median(attacked) / statistics.median(idle)
    print(f"p99 of a small call beside the attacker: {statistics.median(idle):.2f} ms ({listed(idle)})")
    print(f"p99 of a small call under attack:        {statistics.median(attacked):.2f} ms ({listed(attacked)})")
    print(f"ratio {ratio:.2f}, at most 2; memory {growth:+.1f} MiB, at most 32")
    return 0 if ratio <= 2 and growth <= 32 else 1


def listed(figures: list[float]) -> str:
    return ", ".join(f"{figure:.2f}" for figure in figures)


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
