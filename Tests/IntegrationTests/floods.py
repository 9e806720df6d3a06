"""Floods of one kind of frame on one connection, and the bound at which each is stopped (docs/decisions/0039)."""

import struct
from collections.abc import Callable
from typing import NamedTuple

from hyperframe.frame import PingFrame, RstStreamFrame, SettingsFrame
from raw_http2 import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PADDED,
    PING,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    call,
    fields,
    frame,
    get,
    indexing,
    literal,
    post,
    setting,
    window_update,
)

FRAMES = 20_000
INITIAL_WINDOW = 4
WATCH = "/grpc.health.v1.Health/Watch"


def _requests(block: bytes, then: Callable[[int], bytes], flags: int = END_HEADERS, count: int = FRAMES) -> bytes:
    """So many streams, each with the same header fields and then what `then` makes for it."""
    return b"".join(frame(HEADERS, flags, n, block) + then(n) for n in range(1, 2 * count, 2))


MISMATCH = post("/", ("content-length", "1"))
NO_PATH = fields((":method", "GET"), (":scheme", "http"))
MAXIMUM = (1 << 31) - 1


class Flood(NamedTuple):
    name: str
    sent: Callable[[], bytes]
    #: The metric's label, and words of the GOAWAY's debug data.
    reason: str
    words: bytes
    #: Kind and number of the frames that the server may send back until it stops.
    answers: type = object
    bound: int = 0


FLOODS = [
    Flood("PING", lambda: frame(PING, 0, 0, b"12345678") * FRAMES, "ping-flood", b"too_many_pings", PingFrame, 230),
    Flood("answers to no PING", lambda: frame(PING, ACK, 0, b"12345678") * FRAMES, "ping-flood", b"too_many_pings"),
    Flood("SETTINGS", lambda: frame(SETTINGS) * FRAMES, "settings-flood", b"SETTINGS", SettingsFrame, 60),
    Flood(
        "SETTINGS that change windows",
        lambda: b"".join(frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW, n)) for n in range(FRAMES)),
        "settings-flood",
        b"SETTINGS",
        SettingsFrame,
        60,
    ),
    Flood(
        "empty DATA",
        lambda: frame(HEADERS, END_HEADERS, 1, post()) + frame(DATA, 0, 1) * FRAMES,
        "empty-data-flood",
        b"without data",
    ),
    Flood(
        "DATA of padding",
        lambda: frame(HEADERS, END_HEADERS, 1, post()) + frame(DATA, PADDED, 1, b"\x07" + b"\0" * 7) * FRAMES,
        "empty-data-flood",
        b"without data",
    ),
    Flood(
        "PRIORITY",
        lambda: b"".join(frame(PRIORITY, 0, 2 * n + 1, struct.pack(">IB", 2 * n + 3, n % 256)) for n in range(FRAMES)),
        "other-frame-flood",
        b"PRIORITY",
    ),
    Flood(
        "PRIORITY_UPDATE",
        lambda: frame(HEADERS, END_HEADERS, 1, post()) + frame(0x10, 0, 0, b"\0\0\0\1u=1") * FRAMES,
        "other-frame-flood",
        b"unknown",
    ),
    Flood("frames of an unknown type", lambda: frame(0xBB, 0, 1, b"x") * FRAMES, "other-frame-flood", b"unknown"),
    Flood(
        "WINDOW_UPDATE",
        lambda: window_update(0, 1) * FRAMES,
        "window-update-flood",
        b"WINDOW_UPDATE",
    ),
    Flood(
        "rapid reset",
        lambda: _requests(call(WATCH), lambda n: frame(RST_STREAM, 0, n, b"\0\0\0\x08")),
        "reset-flood",
        b"RST_STREAM",
    ),
    Flood(
        "resets provoked by window overflow",
        lambda: _requests(post(), lambda n: window_update(n, MAXIMUM)),
        "provoked-resets",
        b"reset",
        RstStreamFrame,
        120,
    ),
    Flood(
        "resets provoked by a request without a path",
        lambda: _requests(NO_PATH, lambda n: b"", END_HEADERS | END_STREAM),
        "provoked-resets",
        b"reset",
        RstStreamFrame,
        120,
    ),
    Flood(
        "CONTINUATION",
        lambda: frame(HEADERS, END_STREAM, 1, get()) + frame(CONTINUATION, 0, 1) * FRAMES,
        "continuation-flood",
        b"CONTINUATION",
    ),
    Flood(
        "a field block of 120 KiB",
        lambda: (
            frame(HEADERS, END_STREAM, 1, literal(b"x", b"y" * 16_370))
            + frame(CONTINUATION, 0, 1, literal(b"x", b"y" * 16_370)) * 7
        ),
        "header-block-too-large",
        b"block",
    ),
    Flood(
        "15,000 references to an entry of 4 KB, on 50 streams with a window of zero",
        lambda: (
            frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW, 0))
            + frame(HEADERS, END_HEADERS, 1, post() + indexing(b"a", b"b" * 4000))
            + b"".join(frame(HEADERS, END_HEADERS, n, post() + b"\xbe" * 15_000) for n in range(3, 102, 2))
        ),
        "header-list-too-large",
        b"section",
    ),
    Flood(
        "15,000 cookies of a byte",
        lambda: (
            frame(HEADERS, END_HEADERS, 1, post() + indexing(b"cookie", b"c"))
            + frame(HEADERS, END_HEADERS, 3, post() + b"\xbe" * 15_000)
        ),
        "header-list-too-large",
        b"section",
    ),
]
