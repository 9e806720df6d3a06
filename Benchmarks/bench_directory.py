#!/usr/bin/env python3
"""Measures the directory on this host, with the release build: make bench-directory.

usage: bench_directory.py [--rows N] [--database FILE] [--server DIRECTORY] [--seconds N]
                          [heartbeats|login|sqlite|postgresql|failover ...]

heartbeats   a second, without a change, beside a FastAPI server's logins (FASTAPI_PYTHON has it installed)
login        a peer with 100,000 files, on SQLite and on PostgreSQL
sqlite       who-has, substring and memory with --rows (1,000,000; the figure asked for is 10,000,000) filled by REST,
             1,000 a peer, or with a copy of --database, a directory.sqlite whose leases still run
postgresql   the same rows in a PostgreSQL that is started for it, or in that of --server, a directory of
             Tests/postgresql-server that fill_directory.py has filled
failover     three directories on one PostgreSQL, one killed every 10 s, under load for --seconds (120)

Exits with 1 when a bound is missed. PEER_BINARIES names the directory of the binaries.
"""

import argparse
import concurrent.futures
import contextlib
import functools
import http.client
import json
import os
import random
import re
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from bench import ROOT, Row, factory, free_port, kibibytes, print_table
from databases import kept_server, postgresql_server
from peers import DAEMON, Peer, PeerFactory
from waiting import until

HERE = Path(__file__).resolve().parent
PASSWORD = "sd1234"
LEASE_SECONDS = 86_400
FILES_PER_PEER = 1000
HEARTBEAT_PEERS = 100
LOAD_CONNECTIONS = 32
LOAD_SECONDS = 8
ROUNDS = 3
QUERIES = 2000
LARGE_LIST = 100_000
LARGE_LOGINS = 20
CLIENTS = 8
KILL_SECONDS = 10.0
#: The script's 64 MB are for tests, not for millions of rows; a quarter of a host's memory is what PostgreSQL's manual names.
LARGE_SERVER = "shared_buffers = 4GB"
PREWARM = """
CREATE EXTENSION IF NOT EXISTS pg_prewarm;
SELECT pg_prewarm(oid) FROM pg_class WHERE relname LIKE 'directory%' AND relkind IN ('r', 'i');
"""


# --- A directory and its clients --------------------------------------------------------------------------------------


def new_directory(peers: PeerFactory, name: str, store: str | None = None) -> Peer:
    role: dict[str, Any] = {"serve": True, "lease": LEASE_SECONDS, "heartbeat_interval": 30}
    if store:
        role["store"] = store
    return peers.new(name, directory=role, log_level="notice", health_check_interval=30)


class Client:
    """A kept connection to a directory. `headers` go with every request."""

    def __init__(self, port: int, token: str | None = None, timeout: float = 60) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self.token = token

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The status and the JSON of the answer."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        self.connection.request(method, path, data, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content else None

    def right(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = self.ask(method, path, body)
        if status != 200:
            raise AssertionError(f"{method} {path[:100]}: {status} {answer}")
        return answer

    def log_in(self, name: str) -> None:
        self.token = self.right("POST", "/v1/directory/login", {"username": name, "password": PASSWORD})["token"]

    def close(self) -> None:
        self.connection.close()


def add_user(directory: Peer, name: str) -> None:
    directory.call("AddUser", {"name": name, "password": PASSWORD})


def logged_in(directory: Peer, name: str) -> Client:
    add_user(directory, name)
    client = Client(directory.ports["rest"])
    client.log_in(name)
    return client


def name_of(peer: int, number: int) -> str:
    """Three of ten files are also with others; one is with everybody."""
    if number == 0:
        return "README.md"
    chance = mixed(peer * FILES_PER_PEER + number)
    if number % 10 < 3:
        shared = chance % 20_000
        return f"shared/{word(shared)}-{shared}.bin"
    return f"data/{word(chance % 5000)}-{word((chance >> 32) % 5000)}-{peer}-{number}.parquet"


def mixed(number: int) -> int:
    """64 bits that look random: the finalizer of splitmix64, which costs a tenth of a new Random."""
    number = (number + 1) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    number = (number ^ number >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return number ^ number >> 31


@functools.cache
def word(number: int) -> str:
    """One of 5,000, of 3 to 8 letters."""
    chance = random.Random(number % 5000)
    return "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=3 + number % 6))


def fill(directory: Peer, peers: int) -> float:
    """Logs `peers` in, each with 1,000 files; two at a time. Seconds."""

    def add(peer: int) -> None:
        client = logged_in(directory, f"peer-{peer}")
        files = [
            {"filename": name_of(peer, number), "size": number, "sha256": f"{peer:032x}{number:032x}", "url": []}
            for number in range(FILES_PER_PEER)
        ]
        client.right("PUT", "/v1/directory/index", files)
        client.close()

    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done, _ in enumerate(pool.map(add, range(peers)), start=1):
            if done % 250 == 0:
                say(f"{done:,} of {peers:,} peers after {time.monotonic() - begin:.0f} s")
    return time.monotonic() - begin


def say(text: str) -> None:
    print(f"bench-directory: {text}", file=sys.stderr, flush=True)


def milliseconds(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return (time.perf_counter() - begin) * 1000


# --- Heartbeats -------------------------------------------------------------------------------------------------------


def heartbeats(_: argparse.Namespace) -> list[Row]:
    files = json.dumps([{"filename": f"informe {number}.pdf", "url": []} for number in range(10)])
    logins = [
        "/login?"
        + urlencode({"username": f"Peer{number}", "password": PASSWORD, "files_index": files}, quote_via=quote)
        for number in range(1, HEARTBEAT_PEERS + 1)
    ]
    with factory() as peers, fastapi_server() as theirs:
        directory = new_directory(peers, "directory").start()
        for number in range(1, HEARTBEAT_PEERS + 1):
            client = logged_in(directory, f"Peer{number}")
            client.right("PUT", "/v1/directory/index", files.encode())
            client.close()
        queries = [f"{path}\t" for path in logins]
        ours = directory.ports["rest"]
        # Passwords are proved once, then both sides have what they keep.
        load(ours, queries, seconds=2)
        load(theirs, queries, seconds=2)
        rates: dict[str, list[float]] = {"beat": [], "login": [], "theirs": []}
        for _ in range(ROUNDS):
            # The logins of the round before have ended their tokens.
            beats = [f"/v1/directory/heartbeat\t{token}" for token in log_all_in(ours)]
            rates["beat"].append(load(ours, beats))
            rates["theirs"].append(load(theirs, queries))
            rates["login"].append(load(ours, queries))
    beat, login, reference = (statistics.median(rates[key]) for key in ("beat", "login", "theirs"))
    return [
        Row(
            f"heartbeats without a change, SQLite, two cores shared with the load (median of {ROUNDS})",
            f"{beat:,.0f}/s",
            "5,000/s",
            beat >= 5000,
        ),
        Row(
            f"beside logins with the same 10 files at FastAPI, in memory, {reference:,.0f}/s",
            f"{beat / reference:.1f} x",
            ">= 10 x",
            beat >= 10 * reference,
        ),
        Row(
            f"the original's login as a heartbeat here, 10 files in the query, {login:,.0f}/s",
            f"{login / reference:.1f} x",
            "-",
            True,
        ),
    ]


def log_all_in(port: int) -> list[str]:
    tokens = []
    client = Client(port)
    for number in range(1, HEARTBEAT_PEERS + 1):
        client.token = None
        client.log_in(f"Peer{number}")
        tokens.append(str(client.token))
    client.close()
    return tokens


@contextlib.contextmanager
def fastapi_server() -> Iterator[int]:
    """Its port. uvicorn with uvloop and httptools, one process, no access log."""
    python = os.environ.get("FASTAPI_PYTHON", str(ROOT / ".build" / "fastapi" / "bin" / "python"))
    port = free_port()
    server = subprocess.Popen(
        [
            python,
            "-m",
            "uvicorn",
            "fastapi_directory:app",
            "--port",
            str(port),
            "--no-access-log",
            "--log-level",
            "warning",
        ],
        cwd=HERE,
        env=os.environ | {"DIRECTORY_ACCOUNTS": str(HEARTBEAT_PEERS), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    try:
        until(lambda: socket.create_connection(("127.0.0.1", port), 1).close() is None, "uvicorn to answer")
        yield port
    finally:
        server.terminate()
        server.wait()


def load(port: int, requests: list[str], seconds: int = LOAD_SECONDS) -> float:
    """Answers a second that wrk gets to `requests`, one after the other on each of its connections."""
    with tempfile.NamedTemporaryFile("w", prefix="p2p-bench.") as file:
        file.write("\n".join(requests) + "\n")
        file.flush()
        report = subprocess.run(
            [
                "wrk",
                "-t1",
                f"-c{LOAD_CONNECTIONS}",
                f"-d{seconds}s",
                "-s",
                HERE / "rotate.lua",
                f"http://127.0.0.1:{port}",
            ],
            env=os.environ | {"REQUESTS": file.name},
            check=True,
            capture_output=True,
            text=True,
            timeout=seconds + 60,
        ).stdout
    rate = re.search(r"Requests/sec:\s*([\d.]+)", report)
    if not rate or "Non-2xx" in report or "Socket errors" in report:
        raise AssertionError(f"not every request was answered with 200:\n{report}")
    return float(rate[1])


# --- A large list -----------------------------------------------------------------------------------------------------


def login(options: argparse.Namespace) -> list[Row]:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(
            kept_server(options.server) if options.server else postgresql_server(LARGE_SERVER)
        )
        return large_login("SQLite", "sqlite") + large_login("PostgreSQL", server.url())


def large_login(kind: str, store: str) -> list[Row]:
    # Names of their own, whatever the database has.
    run = random.randrange(1 << 32)
    files = [{"filename": f"{word(n)}/{word(n * 7 + 1)}-{run}-{n}.bin", "size": n, "url": []} for n in range(LARGE_LIST)]
    body = json.dumps(files).encode()
    with factory() as peers:
        directory = new_directory(peers, "directory", store).start()
        name = f"large-{run}"
        add_user(directory, name)
        client = Client(directory.ports["rest"])

        def whole() -> None:
            client.log_in(name)
            client.right("PUT", "/v1/directory/index", body)

        first = milliseconds(whole) / 1000
        version = client.right("PUT", "/v1/directory/index", body)["index"]["version"]
        form = {"username": name, "password": PASSWORD, "index": version}

        def again() -> None:
            if not client.right("POST", "/v1/directory/login", form)["index"]["current"]:
                raise AssertionError("the directory asks for a list that it has")

        times = sorted(milliseconds(again) for _ in range(LARGE_LOGINS))
        same_bytes = statistics.median(milliseconds(whole) for _ in range(LARGE_LOGINS))
        client.close()
        directory.call("RemoveUser", {"name": name})
    return [
        Row(
            f"{kind}: login of a peer with {LARGE_LIST:,} files, first time ({len(body) / 1e6:.1f} MB)",
            f"{first:.2f} s",
            "5 s",
            first <= 5,
        ),
        Row(
            f"{kind}: without changes, by version (worst of {LARGE_LOGINS}; the same {len(body) / 1e6:.1f} MB again:"
            f" {same_bytes:.0f} ms)",
            f"{times[-1]:.1f} ms",
            "20 ms",
            times[-1] <= 20,
        ),
    ]


# --- Millions of rows -------------------------------------------------------------------------------------------------


def sqlite(options: argparse.Namespace) -> list[Row]:
    with factory() as peers:
        directory = new_directory(peers, "directory")
        if options.database:
            directory.state.mkdir()
            file = directory.state / "directory.sqlite"
            say(f"copying {options.database}")
            subprocess.run(["cp", "--reflink=auto", options.database, file], check=True)
            names = names_in(file)
        else:
            fill(directory.start(), options.rows // FILES_PER_PEER)
            directory.stop()
            names = sampled_names(options.rows // FILES_PER_PEER)
        directory.start()
        rows = queries(directory, names, "SQLite", exact_bound=5)
        rows.append(memory(directory))
    return rows


def postgresql(options: argparse.Namespace) -> list[Row]:
    with contextlib.ExitStack() as stack:
        peers = stack.enter_context(factory())
        if options.server:
            server = stack.enter_context(kept_server(options.server))
            say("reading its tables, so that no disk is measured")
            server.execute(PREWARM)
            directory = new_directory(peers, "directory", server.url()).start()
            count = directory.status()["directory"]["files"] // FILES_PER_PEER
        else:
            server = stack.enter_context(postgresql_server(LARGE_SERVER))
            directory = new_directory(peers, "directory", server.url()).start()
            count = options.rows // FILES_PER_PEER
            fill(directory, count)
            directory.restart()
        rows = queries(directory, sampled_names(count), "PostgreSQL", exact_bound=10)
        rows.append(memory(directory))
    return rows


def sampled_names(peers: int) -> list[str]:
    chance = random.Random(1)
    return [name_of(chance.randrange(peers), chance.randrange(1, FILES_PER_PEER)) for _ in range(QUERIES)]


def names_in(file: Path) -> list[str]:
    """Of entries at random, so that names are as likely as they are frequent."""
    chance = random.Random(1)
    query = (
        "SELECT filename FROM entry JOIN name ON id = name_id WHERE account_id = ? ORDER BY name_id LIMIT 1 OFFSET ?"
    )
    with contextlib.closing(sqlite3.connect(file)) as database:
        accounts = database.execute("SELECT id, files FROM account WHERE files > 1").fetchall()
        found = []
        for account, files in chance.choices(accounts, k=QUERIES):
            # The first is with everybody.
            found.append(database.execute(query, [account, chance.randrange(1, files)]).fetchone()[0])
    return found


def queries(directory: Peer, names: list[str], store: str, exact_bound: float) -> list[Row]:
    client = Client(directory.ports["rest"])
    chance = random.Random(2)
    held = client.right("GET", "/status")["directory"]
    shape = f"{store}, {held['files']:,} rows of {held['peers']:,} peers"
    exact, parts = [], []
    idle = sorted(milliseconds(lambda: client.right("GET", "/health")) for _ in range(QUERIES))
    # The first round is a warm-up: what a cold disk takes is not the directory's.
    for measured in (False, True):
        for name in names[: QUERIES if measured else QUERIES // 4]:
            begin = time.perf_counter()
            answer = client.right("GET", f"/buscar_archivos?filename={quote(name)}")
            elapsed = (time.perf_counter() - begin) * 1000
            if answer["archivo"] != name or not answer["disponible_en"]:
                raise AssertionError(f"{name} was not found: {answer}")
            if measured:
                exact.append(elapsed)
        for name in names[: QUERIES if measured else QUERIES // 4]:
            stem = name.partition("/")[2]
            start = chance.randrange(len(stem) - 3)
            part = stem[start : start + chance.randint(3, 10)]
            begin = time.perf_counter()
            answer = client.right("GET", f"/v1/directory/files?contains={quote(part)}&limit=50")
            elapsed = (time.perf_counter() - begin) * 1000
            # A page may end early where a search has had its time; it then says where to go on.
            if any(part.lower() not in file["filename"].lower() for file in answer["files"]):
                raise AssertionError(f"{part} is not in {answer}")
            if not answer["files"] and "next" not in answer:
                raise AssertionError(f"{part} was not found, but is in {name}")
            if measured:
                parts.append((elapsed, len(answer["files"]) < 50 and "next" in answer))
    client.close()
    exact.sort()
    times = sorted(elapsed for elapsed, _ in parts)
    early = sum(is_early for _, is_early in parts)
    rows = []
    for what, sample, bound in (
        (
            f"who-has by exact name, p99 of {QUERIES:,} (median {statistics.median(exact):.2f} ms,"
            f" p99 of /health beside it {idle[int(QUERIES * 0.99)]:.2f} ms); {shape}",
            exact,
            exact_bound,
        ),
        (
            f"substring of 3 to 10 letters, first 50, p99 of {QUERIES:,} (median {statistics.median(times):.2f} ms,"
            f" {early} pages cut short)",
            times,
            20.0,
        ),
    ):
        p99 = sample[int(len(sample) * 0.99)]
        rows.append(Row(what, f"{p99:.2f} ms", f"{bound:g} ms", p99 <= bound))
    return rows


def memory(directory: Peer) -> Row:
    resident, peak = (kibibytes(directory.pid, "status", key) * 1024 / 1e6 for key in ("VmRSS", "VmHWM"))
    own = kibibytes(directory.pid, "status", "RssAnon") * 1024 / 1e6
    what = f"resident memory after that (anonymous {own:.1f} MB, highest {peak:.1f} MB)"
    return Row(what, f"{resident:.1f} MB", "150 MB", resident <= 150)


# --- Directories that die ---------------------------------------------------------------------------------------------


@dataclass
class Tally:
    """What the clients of a fleet of directories have seen."""

    requests: int = 0
    retried: int = 0
    failed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    slowest: float = 0


class FleetClient:
    """One peer of directories that share a store: any of them is asked, the next one once where that fails."""

    def __init__(self, number: int, ports: list[int], tally: Tally, lock: threading.Lock) -> None:
        self.name = f"Peer{number}"
        self.ports = ports
        self.chance = random.Random(number)
        self.tally, self.lock = tally, lock
        self.clients: dict[int, Client] = {}
        self.token = ""
        #: Of the list that was acknowledged last.
        self.generation = 0

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        first = self.chance.randrange(len(self.ports))
        begin = time.monotonic()
        reasons = []
        status, answer = 0, None
        for attempt in range(2):
            port = self.ports[(first + attempt) % len(self.ports)]
            try:
                client = self.clients.setdefault(port, Client(port, timeout=20))
                client.token = self.token
                status, answer = client.ask(method, path, body)
            except (OSError, http.client.HTTPException) as error:
                self.clients.pop(port).close()
                status = 0
                reasons.append(f"{error!r}")
            if 0 < status < 500:
                break
            if status:
                reasons.append(f"{status} {answer}")
        with self.lock:
            self.tally.requests += 1
            self.tally.retried += bool(reasons)
            self.tally.slowest = max(self.tally.slowest, time.monotonic() - begin)
            if len(reasons) == 2:
                self.tally.failed.append(f"{method} {path}: {'; '.join(reasons)}")
        return (0, None) if len(reasons) == 2 else (status, answer)

    def expect(self, is_right: bool, what: str, status: int, answer: Any) -> None:
        # One that failed is counted as that.
        if status and not is_right:
            with self.lock:
                self.tally.wrong.append(f"{what}: {status} {answer}")

    def log_in(self) -> None:
        status, answer = self.ask("POST", "/v1/directory/login", {"username": self.name, "password": PASSWORD})
        self.expect(status == 200, "login", status, answer)
        if status == 200:
            self.token = answer["token"]

    def send_list(self) -> None:
        """A list whose names tell its generation: what is found then must be of this one."""
        generation = self.generation + 1
        files = [{"filename": f"informes/{self.name} file {n} of {generation}", "url": []} for n in range(20)]
        status, answer = self.ask("PUT", "/v1/directory/index", files)
        self.expect(status == 200 and answer["index"]["files"] == 20, "list", status, answer)
        # One that failed twice may be stored or not: it is sent until it is known to be.
        self.generation = generation
        if status != 200:
            self.send_list()

    def heartbeat(self) -> None:
        status, answer = self.ask("POST", "/v1/directory/heartbeat")
        self.expect(status == 200 and answer["ok"], "heartbeat", status, answer)

    def find(self) -> None:
        name = f"informes/{self.name} file {self.chance.randrange(20)} of {self.generation}"
        status, answer = self.ask("GET", f"/buscar_archivos?filename={quote(name)}")
        is_right = status == 200 and [at["peer"] for at in answer["disponible_en"]] == [self.name]
        self.expect(is_right, f"who has {name}", status, answer)

    def find_old(self) -> None:
        """What was taken off the list is not found."""
        name = f"informes/{self.name} file 0 of {self.generation - 1}"
        status, answer = self.ask("GET", f"/buscar_archivos?filename={quote(name)}")
        self.expect(status == 404, f"who has {name}", status, answer)

    def search(self) -> None:
        part = f"{self.name} FILE"
        path = f"/v1/directory/files?contains={quote(part)}&limit=100"
        names: set[str] = set()
        after = ""
        # A search that takes long ends its page early, and says where to go on.
        while True:
            status, answer = self.ask("GET", path + after)
            if status != 200:
                self.expect(False, f"search {part}", status, answer)
                return
            names |= {file["filename"] for file in answer["files"]}
            if "next" not in answer:
                break
            after = f"&after={quote(answer['next'])}"
        wanted = {f"informes/{self.name} file {number} of {self.generation}" for number in range(20)}
        self.expect(names == wanted, f"search {part}", status, sorted(names ^ wanted))

    def run(self, end: float) -> None:
        self.log_in()
        self.send_list()
        steps = [self.heartbeat, self.find, self.find_old, self.search, self.send_list, self.log_in]
        while time.monotonic() < end:
            self.chance.choices(steps, [40, 30, 10, 10, 8, 2])[0]()
        for client in self.clients.values():
            client.close()


def failover(options: argparse.Namespace) -> list[Row]:
    tally, lock = Tally(), threading.Lock()
    kills = 0
    with postgresql_server(LARGE_SERVER) as server, factory() as peers:
        fleet = [new_directory(peers, f"directory{number}", server.url()) for number in range(3)]
        # All three make the schema at once, or find it made.
        for directory in fleet:
            directory.launch()
        for directory in fleet:
            status = until(directory._answering, f"{directory.name} to answer")
            directory.ports, directory.url = status["ports"], status["url"]
            directory.keep_ports()
        ports = [directory.ports["rest"] for directory in fleet]
        for number in range(CLIENTS):
            add_user(fleet[0], f"Peer{number}")
        end = time.monotonic() + options.seconds
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            clients = [FleetClient(number, ports, tally, lock) for number in range(CLIENTS)]
            runs = [pool.submit(client.run, end) for client in clients]
            while time.monotonic() + KILL_SECONDS < end and not any(run.done() for run in runs):
                time.sleep(KILL_SECONDS)
                victim = fleet[kills % len(fleet)]
                victim.kill()
                victim.start()
                kills += 1
            for run in runs:
                run.result()
    for fault in (tally.failed + tally.wrong)[:10]:
        say(fault[:400])
    what = (
        f"three directories on one PostgreSQL, {kills} killed in {options.seconds} s"
        f" ({tally.requests:,} requests, {tally.retried:,} retried, slowest {tally.slowest * 1000:.0f} ms)"
    )
    return [
        Row(f"{what}: wrong answers", f"{len(tally.wrong)}", "0", not tally.wrong),
        Row("requests that failed at two of them", f"{len(tally.failed)}", "0", not tally.failed),
    ]


# --- The table --------------------------------------------------------------------------------------------------------

MEASUREMENTS: dict[str, Callable[[argparse.Namespace], list[Row]]] = {
    "heartbeats": heartbeats,
    "login": login,
    "sqlite": sqlite,
    "postgresql": postgresql,
    "failover": failover,
}


def main() -> None:
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("usage: ")[1].split("\n\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--database", type=Path)
    parser.add_argument("--server", type=Path)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    names = options.names or list(MEASUREMENTS)
    if unknown := set(names) - set(MEASUREMENTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(MEASUREMENTS)}")
    if options.rows < FILES_PER_PEER:
        parser.error(f"--rows: at least {FILES_PER_PEER}, which is one peer's")
    if not DAEMON.exists():
        raise SystemExit(f"bench-directory: {DAEMON} is not built: make build")
    rows: list[Row] = []
    for name in names:
        say(f"measuring {name} (load average {os.getloadavg()[0]:.1f})")
        rows += MEASUREMENTS[name](options)
    print_table(rows)


if __name__ == "__main__":
    main()
