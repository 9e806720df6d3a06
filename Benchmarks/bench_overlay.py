#!/usr/bin/env python3
"""Measures the overlay in its simulator, with the release build: make bench-overlay.

usage: bench_overlay.py [--plots DIRECTORY] [search|membership|speed|large|memory|plots ...]

search       10,000 peers: recall, and messages against the flood's, for rare, middling and common content
membership   crashes, loss, stalls, a new member, bytes a second
speed        virtual against real time, 1,000 peers
large        100,000 peers: how long, how much memory
memory       what 10,000 members cost one peer
plots        recall against messages, convergence against the fleet's size, as SVG

Seeds are fixed, and each line names its command. Exits with 1 when a bound is missed. OVERLAY_SIM names the binary.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SIMULATOR = Path(os.environ.get("OVERLAY_SIM", ROOT / ".build" / "release" / "overlay-sim"))
#: Enough crashes for a percentile: nine a run among 32, five among 1,000.
CRASH_SEEDS = {"crash-32": 40, "crash-1k": 20}
MIB = 2**20


@dataclass
class Line:
    what: str
    #: None: it is said, not demanded.
    holds: bool | None
    figure: str
    command: str


@dataclass
class Outcome:
    report: dict[str, Any]
    command: str
    seconds: float
    memory: int


def simulate(*arguments: str) -> Outcome:
    """Runs the simulator; its last line is JSON. Fails where an invariant did not hold."""
    before = time.monotonic()
    process = subprocess.Popen([SIMULATOR, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    command = f"overlay-sim {' '.join(arguments)}"
    report = json.loads(output.splitlines()[-1])
    if process.returncode != 0:
        raise SystemExit(f"{command}: exit code {process.returncode}: {report.get('violations')}")
    return Outcome(report, command, time.monotonic() - before, usage.ru_maxrss * 1024)


def run(scenario: str, seed: int = 1, *more: str) -> Outcome:
    return simulate("run", scenario, "--seed", str(seed), *more, "--json")


def search() -> Iterator[Line]:
    outcome = run("search-10k")
    for one in outcome.report["searches"]:
        flood, found, holders = one["flood"], one["search"], one["holders"]
        recall = found["files"] / flood["files"]
        share = found["messages"] / flood["messages"]
        # Each holder is asked and answers.
        floor = 2 * holders
        yield Line(
            f"{one['name']}, {holders} holders: recall of the flood's",
            recall >= 0.99,
            f"{recall:.4f}, at least 0.99",
            outcome.command,
        )
        yield Line(
            f"{one['name']}, {holders} holders: messages",
            share <= 0.1,
            f"{found['messages']:,} of the flood's {flood['messages']:,}: {share:.2%}, at most 10 %; floor {floor:,}; "
            f"again {one['again']['messages']:,}; for 10 files {one['limited']['messages']:,}",
            outcome.command,
        )


def p99(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]


def crash(scenario: str, bound: float, peers: str) -> Line:
    outcomes = [run(scenario, seed) for seed in range(1, CRASH_SEEDS[scenario] + 1)]
    times = [value for outcome in outcomes for value in outcome.report["fleet"]["crash_known_seconds"]]
    return Line(
        f"a crash known to all of {peers}, p99",
        p99(times) <= bound,
        f"{p99(times):.1f} s of {len(times)} crashes (median {sorted(times)[len(times) // 2]:.1f} s), at most {bound:g} s",
        f"{outcomes[0].command} (seeds 1 to {len(outcomes)})",
    )


def membership() -> Iterator[Line]:
    yield crash("crash-32", 10, "32")
    yield crash("crash-1k", 18, "1,000")
    loss = run("loss-32")
    false_deaths = loss.report["fleet"]["false_deaths"]
    yield Line("10 % loss, an hour: live peers declared dead", false_deaths == 0, f"{false_deaths}, none", loss.command)
    stall = run("stall-32")
    false_deaths = stall.report["fleet"]["false_deaths"]
    yield Line("8 of 32 stall, an hour: false deaths", false_deaths <= 1, f"{false_deaths}, at most 1", stall.command)
    join = run("join-10k")
    fleet = join.report["fleet"]
    known = fleet["join_known_seconds"][-1]
    yield Line("a new member known to 99.9 % of 10,000", known <= 10, f"{known:.1f} s, at most 10 s", join.command)
    each = fleet["bytes_per_second"] + fleet["summary_bytes_per_second"]
    yield Line(
        "sent by each of 10,000 peers",
        each <= 4096,
        f"{each:,.0f} bytes/s ({fleet['bytes_per_second']:,.0f} members, {fleet['summary_bytes_per_second']:,.0f} "
        "summaries), at most 4,096",
        join.command,
    )
    graph = fleet["graph"]
    yield Line(
        "neighbours of 10,000 peers",
        graph["degree_max"] <= 8 and graph["connected_at_end"] == 1,
        f"{graph['degree_max']} at most, all connected, {graph['hops_mean']:.2f} hops in the mean, "
        f"{graph['hops_max']} at most",
        join.command,
    )


def speed() -> list[Line]:
    outcome = run("steady-1k")
    ratio = outcome.report["fleet"]["simulated_seconds"] / outcome.seconds
    return [Line("1,000 peers: virtual to real time", ratio >= 50, f"{ratio:.0f} x, at least 50 x", outcome.command)]


def large() -> list[Line]:
    outcome = run("fleet-100k")
    fleet = outcome.report["fleet"]
    figure = (
        f"{fleet['simulated_seconds']:.0f} s in {outcome.seconds:.0f} s, {outcome.memory / MIB:,.0f} MiB; a start known to "
        f"99.9 % after {fleet['join_known_seconds'][-1]:.1f} s"
    )
    return [Line("100,000 peers", None, figure, outcome.command)]


def memory() -> list[Line]:
    outcome = simulate("memory", "--members", "10000", "--json")
    used = outcome.report["bytes"] / MIB
    return [Line("one peer's knowledge of 10,000", used <= 20, f"{used:.1f} MiB, at most 20 MB", outcome.command)]


def plots(directory: Path) -> list[Line]:
    directory.mkdir(parents=True, exist_ok=True)
    for kind in ("recall", "convergence"):
        subprocess.run([SIMULATOR, "plot", kind, directory / f"overlay-{kind}.svg"], check=True)
    return []


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--plots", type=Path, default=ROOT / ".build" / "plots")
    parser.add_argument("parts", nargs="*", metavar="PART")
    arguments = parser.parse_args()
    parts = {
        "search": search,
        "membership": membership,
        "speed": speed,
        "large": large,
        "memory": memory,
        "plots": lambda: plots(arguments.plots),
    }
    unknown = [part for part in arguments.parts if part not in parts]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(parts)}")
    missed = 0
    for part in arguments.parts or parts:
        for line in parts[part]():
            missed += line.holds is False
            verdict = {True: "holds", False: "MISSED", None: ""}[line.holds]
            print(f"{line.what:<58} {verdict:<7} {line.figure}\n    {line.command}", flush=True)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{missed} missed; {children.ru_utime:.0f} s of CPU", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
