"""Attacks on the gRPC port, up to 20,000 frames each: stopped at its bound, memory flat, others served meanwhile.

The bounds are those of docs/decisions/0039.
"""

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
import requests
from attacker import Attacker, call_times
from floods import FLOODS, FRAMES, INITIAL_WINDOW, MAXIMUM, MISMATCH, WATCH
from grpc_calls import unary_unary
from grpc_health.v1 import health_pb2
from hyperframe.frame import DataFrame, HeadersFrame, RstStreamFrame
from peers import Peer
from raw_http2 import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    HEADERS,
    PING,
    PREFACE,
    SETTINGS,
    Connection,
    Gone,
    call,
    frame,
    get,
    indexing,
    literal,
    message,
    setting,
    window_update,
)
from waiting import until

MEMORY = 32 << 20
CHECK = "/grpc.health.v1.Health/Check"


@pytest.fixture(scope="module")
def peer(shared_factory) -> Peer:
    peer = shared_factory.new("victim")
    with (peer.shared / "large.bin").open("wb") as file:
        file.truncate(1 << 30)
    peer.start().wait_for_files(1, hashed=False)
    # What every connection needs once is there before memory is measured.
    with Connection(peer.ports["grpc"]) as connection:
        connection.request(get())
        connection.end(1)
    healthy(peer)
    return peer


@pytest.fixture(scope="module", autouse=True)
def stalled(peer) -> Iterator[threading.Thread]:
    """A download whose reader opens the window a byte at a time, for as long as the other tests take."""
    result: list[object] = []

    def dribble() -> None:
        with Connection(peer.ports["grpc"], settings=setting(INITIAL_WINDOW, 0)) as connection:
            began = time.monotonic()
            connection.send(download(1))
            try:
                while not any(isinstance(f, RstStreamFrame) for f in connection.frames):
                    connection.send(window_update(1, 1))
                    assert connection.listen(1.0), "closed"
                    assert time.monotonic() - began < 100, "never given up"
                result.append((connection.reset(1), time.monotonic() - began))
                connection.request(get(), 3)
                result.append(connection.headers(3)[":status"])
            except (AssertionError, Gone) as error:
                result.append(error)

    thread = threading.Thread(target=dribble, daemon=True)
    thread.result = result  # type: ignore[attr-defined]
    thread.start()
    # And one that opens every window, and then reads nothing off its socket.
    with Connection(peer.ports["grpc"], settings=setting(INITIAL_WINDOW, MAXIMUM), receive_buffer=4096) as deaf:
        deaf.send(window_update(0, MAXIMUM - 65_535) + download(1))
        yield thread


def download(stream: int, path: bytes = b"large.bin") -> bytes:
    """The frames of one call of the seeds' DummyDownload."""
    request = b"\x0a" + bytes([len(path)]) + path
    return frame(HEADERS, END_HEADERS, stream, call("/FileTransfer/DummyDownload")) + frame(
        DATA, END_STREAM, stream, message(request)
    )


def healthy(peer: Peer) -> None:
    with grpc.insecure_channel(peer.grpc_target, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        check = unary_unary(channel, CHECK, health_pb2.HealthCheckResponse)
        assert check(health_pb2.HealthCheckRequest(), timeout=20).status == health_pb2.HealthCheckResponse.SERVING


def cut_off(peer: Peer) -> dict[str, float]:
    """How many clients were cut off, by reason."""
    text = requests.get(peer.metrics_url, timeout=20).text
    found = re.findall(r'^p2p_grpc_cut_off_total\{reason="([^"]+)"\} (\S+)$', text, re.M)
    return {reason: float(count) for reason, count in found}


def resident(peer: Peer, field: str = "VmRSS") -> int:
    status = Path(f"/proc/{peer.pid}/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+) kB", status, re.M)[1]) * 1024  # type: ignore[index]


@contextlib.contextmanager
def flat_memory(peer: Peer, limit: int = MEMORY) -> Iterator[None]:
    """The daemon's resident memory may rise by `limit` bytes at its highest."""
    # proc(5): 5 sets the high-water mark back.
    Path(f"/proc/{peer.pid}/clear_refs").write_text("5")
    before = resident(peer)
    yield
    rise = resident(peer, "VmHWM") - before
    assert rise <= limit, f"{rise / 2**20:.1f} MiB more"


# --- Floods: one connection, one kind of frame ---


@pytest.mark.parametrize("flood", FLOODS, ids=[flood.name for flood in FLOODS])
def test_a_flood_is_stopped_at_its_bound(peer, flood):
    before = cut_off(peer)
    with flat_memory(peer), Connection(peer.ports["grpc"]) as connection:
        connection.send(flood.sent())
        goaway = connection.goaway()
        assert flood.words in goaway.additional_data
        assert goaway.error_code == ENHANCE_YOUR_CALM
        connection.closed()
        assert sum(isinstance(f, flood.answers) for f in connection.frames) <= flood.bound or flood.answers is object
    until(lambda: cut_off(peer)[flood.reason] == before.get(flood.reason, 0) + 1, f"{flood.reason} to be counted")
    healthy(peer)


def test_resets_provoked_by_content_length_are_counted_too(peer):
    """Group by group: of streams that wait for their reset there are no more than of open ones."""
    before = cut_off(peer)
    with flat_memory(peer), Connection(peer.ports["grpc"]) as connection:
        with pytest.raises(Gone):
            for first in range(1, 2 * FRAMES, 102):
                *streams, last = range(first, first + 102, 2)
                connection.send(
                    b"".join(
                        frame(HEADERS, END_HEADERS, n, MISMATCH) + frame(DATA, END_STREAM, n, b"ab") for n in streams
                    )
                )
                # Not by PING: those have a bound of their own, which only answers lift.
                connection.request(get(), last)
                connection.end(last)
        assert connection.goaway().error_code == ENHANCE_YOUR_CALM
        assert sum(isinstance(f, RstStreamFrame) for f in connection.frames) <= 250
    until(lambda: cut_off(peer)["provoked-resets"] == before["provoked-resets"] + 1, "it to be counted")


def test_a_flood_whose_answers_are_not_read(peer):
    """The queue of answers is bounded as well as their number."""
    with flat_memory(peer):
        sockets = []
        for _ in range(20):
            one = socket.create_connection(("127.0.0.1", peer.ports["grpc"]))
            sockets.append(one)
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError, ConnectionError):
                one.send(PREFACE + frame(SETTINGS) + (frame(PING, 0, 0, b"12345678") + frame(SETTINGS)) * FRAMES)
        healthy(peer)
        for one in sockets:
            one.close()


def test_the_log_says_once_what_happened_often(peer):
    lines = [line for line in peer.log().splitlines() if "a gRPC client was cut off" in line]
    assert lines and "client=127.0.0.1" in lines[0] and "reason=" in lines[0]
    # One in ten seconds, and the floods above took less than a minute and a half.
    assert len(lines) < 10 < sum(cut_off(peer).values())


# --- Field sections ---


@pytest.mark.parametrize(
    "what, block",
    [
        ("129 fields", b"".join(literal(b"x", b"y") for _ in range(125))),
        ("129 cookies", indexing(b"cookie", b"c=1") + b"\xbe" * 124),
        ("65 KiB", b"".join(literal(b"x", b"y" * 8000) for _ in range(9))),
        ("65 KiB by reference", indexing(b"x", b"y" * 4000) + b"\xbe" * 16),
    ],
)
def test_a_section_over_its_bounds_is_answered(peer, what, block):
    with flat_memory(peer), Connection(peer.ports["grpc"]) as connection:
        pieces = [block[n : n + 16_000] for n in range(0, len(block), 16_000)]

        def ask(stream: int, head: bytes) -> dict[str, str]:
            connection.send(frame(HEADERS, END_STREAM, stream, head))
            for number, piece in enumerate(pieces, 1):
                connection.send(frame(CONTINUATION, END_HEADERS if number == len(pieces) else 0, stream, piece))
            return connection.end(stream)[0]

        assert ask(1, get())[":status"] == "431"
        status = ask(3, call(CHECK))
        assert (status[":status"], status["grpc-status"]) == ("200", "8")
        # The connection goes on, and so does its table.
        connection.request(get(), 5)
        assert connection.end(5)[0][":status"] == "200"


def test_a_section_at_its_bounds_is_taken(peer):
    with Connection(peer.ports["grpc"]) as connection:
        connection.request(get() + b"".join(literal(b"cookie", b"y") for _ in range(124)))
        assert connection.end(1)[0][":status"] == "200"
        connection.request(get() + indexing(b"x", b"y" * 4000) + b"\xbe" * 15, 3)
        assert connection.end(3)[0][":status"] == "200"


def test_what_all_sections_hold_is_bounded(peer):
    """Each list below the bounds of one, on as many streams as are allowed, and none of them ever done."""
    with flat_memory(peer), Connection(peer.ports["grpc"], settings=setting(INITIAL_WINDOW, 0)) as connection:
        connection.send(frame(HEADERS, END_HEADERS, 1, call(WATCH) + indexing(b"x", b"y" * 4000)))
        for stream in range(3, 201, 2):
            connection.send(frame(HEADERS, END_HEADERS, stream, call(WATCH) + b"\xbe" * 14))
        connection.ping()
        refused = {f.stream_id for f in connection.frames if isinstance(f, RstStreamFrame)}
        # 1 MiB is 18 of them.
        assert 75 <= len(refused) <= 85
        assert {f.error_code for f in connection.frames if isinstance(f, RstStreamFrame)} == {ENHANCE_YOUR_CALM}


# --- Connections that do nothing, or nothing useful ---


def test_what_is_slow_is_cut_off_after_ten_seconds(peer):
    """Nothing at all, half a preface, no SETTINGS; half a frame; a field block that never ends."""
    before = cut_off(peer)
    head = frame(HEADERS, END_STREAM, 1, get())
    slow = [
        ("nothing", False, b""),
        ("half a preface", False, PREFACE[:12]),
        ("no SETTINGS", False, PREFACE),
        ("half of SETTINGS", False, PREFACE + frame(SETTINGS)[:6]),
        ("half a head", True, head[:4]),
        ("half a field block", True, head[:30]),
        ("a block without its end", True, head),
        ("half a PING", True, frame(PING, 0, 0, b"12345678")[:12]),
    ]

    def wait(case: tuple[str, bool, bytes]) -> tuple[str, float]:
        with Connection(peer.ports["grpc"], handshake=case[1]) as connection:
            began = time.monotonic()
            connection.send(case[2])
            assert connection.goaway(20).error_code == ENHANCE_YOUR_CALM, case
            connection.closed()
            return case[0], time.monotonic() - began

    def drip(_: object) -> tuple[str, float]:
        """A byte a second, and a CONTINUATION now and then."""
        with Connection(peer.ports["grpc"]) as connection:
            began = time.monotonic()
            rest = head + frame(CONTINUATION, 0, 1) * 8
            while True:
                connection.send(rest[:1])
                rest = rest[1:]
                if not connection.listen(1.0):
                    break
            assert connection.goaway().error_code == ENHANCE_YOUR_CALM
            return "drip", time.monotonic() - began

    with ThreadPoolExecutor(len(slow) + 1) as pool:
        dripping = pool.submit(drip, None)
        times = [*pool.map(wait, slow), dripping.result()]
    assert all(9.5 < seconds < 20 for _, seconds in times), times
    after = cut_off(peer)
    assert after["slow-start"] - before.get("slow-start", 0) == 4
    assert after["slow-headers"] - before.get("slow-headers", 0) == 5


def test_a_thousand_idle_connections(peer):
    with flat_memory(peer), contextlib.ExitStack() as stack:
        connections = []
        for _ in range(1000):
            connection = stack.enter_context(Connection(peer.ports["grpc"], handshake=False))
            connection.send(PREFACE + frame(SETTINGS) + frame(SETTINGS, ACK))
            connections.append(connection)
        for connection in connections:
            connection.ping()
        healthy(peer)


def test_streams_that_are_opened_and_never_read(peer):
    """As many downloads of 1 GiB as a connection may have, on 20 connections, with windows of zero and of 64 KiB."""
    with flat_memory(peer), contextlib.ExitStack() as stack:
        for number in range(20):
            window = 0 if number % 2 else 65_535
            connection = stack.enter_context(
                Connection(peer.ports["grpc"], settings=setting(INITIAL_WINDOW, window), receive_buffer=4096)
            )
            connection.send(b"".join(download(stream) for stream in range(1, 200, 2)))
        healthy(peer)
    until(lambda: peer.status()["transfers"]["active"] <= 2, "the downloads to end with their connections")


def test_streams_of_one_connection_are_served_alike(peer):
    """Two downloads go on at one pace, and a small call is answered between their frames."""
    with Connection(peer.ports["grpc"], settings=setting(INITIAL_WINDOW, MAXIMUM)) as connection:
        connection.send(window_update(0, MAXIMUM - 65_535))
        connection.send(download(1) + download(3))

        def got(stream: int) -> int:
            return sum(len(f.data) for f in connection.frames if isinstance(f, DataFrame) and f.stream_id == stream)

        connection.until(lambda f: got(1) + got(3) > 16 << 20, "16 MiB", 60)
        assert 0.8 < got(1) / got(3) < 1.25
        before = got(1) + got(3)
        connection.send(frame(HEADERS, END_HEADERS, 5, call(CHECK)) + frame(DATA, END_STREAM, 5, message(b"")))
        trailers, body = connection.end(5, 60)
        assert trailers["grpc-status"] == "0" and body == message(b"\x08\x01")
        # What was on its way in buffers comes first, and a turn of the downloads with each step of the call.
        at = next(n for n, f in enumerate(connection.frames) if f.stream_id == 5 and isinstance(f, HeadersFrame))
        waited = sum(len(f.data) for f in connection.frames[:at] if isinstance(f, DataFrame)) - before
        assert waited < 16 << 20


# --- Others ---


def test_others_are_served_while_all_floods_go_on(peer):
    """How fast, `make bench-attacks` says; here every call of theirs is answered."""
    floods = sum(cut_off(peer).values())
    with flat_memory(peer), Attacker(peer.ports["grpc"], [flood.sent() for flood in FLOODS]):
        times = call_times(peer.grpc_target, 200)
    assert sum(cut_off(peer).values()) >= floods + 5
    assert times[-1] < 10


def test_a_stalled_stream_is_given_up_whatever_its_reader_says(peer, stalled):
    """Begun before the first test of this file."""
    stalled.join(100)
    (code, seconds), status = stalled.result
    assert code == ENHANCE_YOUR_CALM
    assert 60 <= seconds < 90
    # The connection's other streams go on.
    assert status == "200"
    assert cut_off(peer)["stalled-stream"] == 1
    until(lambda: cut_off(peer)["stalled-connection"] == 1, "the connection that is not read to be closed")
