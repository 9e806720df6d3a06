"""RFC 9113 sections 3 to 8 and RFC 7541 on the gRPC port: what a server must answer to frames that break a rule.

Each line of the tables is a MUST of the text, with the error that it names. Section 5.4.1 lets a server treat any error
of a stream as one of the connection, so where a stream error is due a GOAWAY with the same code is as good.
"""

import struct
from collections.abc import Callable
from typing import NamedTuple

import pytest
from hyperframe.frame import DataFrame, PingFrame, RstStreamFrame, SettingsFrame
from peers import Peer
from raw_http2 import (
    ACK,
    COMPRESSION_ERROR,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    GOAWAY,
    HEADERS,
    NO_ERROR,
    PADDED,
    PING,
    PREFACE,
    PRIORITIZED,
    PRIORITY,
    PROTOCOL_ERROR,
    PUSH_PROMISE,
    REFUSED_STREAM,
    RST_STREAM,
    SETTINGS,
    STREAM_CLOSED,
    WINDOW_UPDATE,
    Connection,
    Gone,
    fields,
    frame,
    get,
    indexing,
    integer,
    literal,
    post,
    setting,
    window_update,
)

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_STREAMS, INITIAL_WINDOW, MAX_FRAME = range(1, 6)
BODY = "This port speaks gRPC"


@pytest.fixture(scope="module")
def port(shared_factory) -> int:
    return shared_factory().ports["grpc"]


class Case(NamedTuple):
    name: str
    #: What is sent after the handshake, or does the sending.
    sent: bytes | Callable[[Connection], None]
    codes: tuple[int, ...]


def _open(stream: int = 1) -> bytes:
    """A request whose body is to come."""
    return frame(HEADERS, END_HEADERS, stream, post())


def _whole(stream: int = 1, block: bytes | None = None) -> bytes:
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, get() if block is None else block)


def _answered(then: bytes) -> Callable[[Connection], None]:
    """Sends `then` when stream 1 is closed on both sides."""

    def send(connection: Connection) -> None:
        connection.request(get())
        connection.end(1)
        connection.send(then)

    return send


def _given_up(then: bytes) -> Callable[[Connection], None]:
    """Sends `then` when stream 1 was reset by the client."""

    def send(connection: Connection) -> None:
        connection.send(_open() + frame(RST_STREAM, 0, 1, struct.pack(">I", 8)))
        connection.ping()
        connection.send(then)

    return send


CONNECTION_ERRORS = [
    # 4.2 Frame size
    Case("4.2 DATA larger than SETTINGS_MAX_FRAME_SIZE", lambda c: _too_large(c, DATA), (FRAME_SIZE_ERROR,)),
    Case("4.2 HEADERS larger than SETTINGS_MAX_FRAME_SIZE", lambda c: _too_large(c, HEADERS), (FRAME_SIZE_ERROR,)),
    # 4.3 Field section compression
    Case("4.3 a field block that cannot be decoded", _whole(1, b"\xff\xff\xff\xff\xff\xff"), (COMPRESSION_ERROR,)),
    Case(
        "4.3 a field block that ends inside a field",
        frame(HEADERS, END_HEADERS | END_STREAM, 1, get() + b"\x00\x0aabc"),
        (COMPRESSION_ERROR,),
    ),
    Case(
        "4.3 another frame inside a field block",
        frame(HEADERS, END_STREAM, 1, get()) + frame(PRIORITY, 0, 1, b"\0\0\0\0\x0f"),
        (PROTOCOL_ERROR,),
    ),
    Case(
        "4.3 another stream's HEADERS inside a field block",
        frame(HEADERS, END_STREAM, 1, get()) + _whole(3),
        (PROTOCOL_ERROR,),
    ),
    Case(
        "5.5 an unknown frame inside a field block",
        frame(HEADERS, END_STREAM, 1, get()) + frame(0xBB, 0, 1, b"x"),
        (PROTOCOL_ERROR,),
    ),
    # 5.1 Stream states
    Case("5.1 DATA on an idle stream", frame(DATA, END_STREAM, 1, b"x"), (PROTOCOL_ERROR,)),
    Case("5.1 RST_STREAM on an idle stream", frame(RST_STREAM, 0, 1, b"\0\0\0\x08"), (PROTOCOL_ERROR,)),
    Case("5.1 WINDOW_UPDATE on an idle stream", window_update(1, 100), (PROTOCOL_ERROR,)),
    Case("5.1 CONTINUATION on an idle stream", frame(CONTINUATION, END_HEADERS, 1, get()), (PROTOCOL_ERROR,)),
    Case(
        "5.1 CONTINUATION on a half-closed stream",
        _whole() + frame(CONTINUATION, END_HEADERS, 1, get()),
        (PROTOCOL_ERROR, STREAM_CLOSED),
    ),
    Case("5.1 DATA after END_STREAM", _answered(frame(DATA, END_STREAM, 1, b"x")), (STREAM_CLOSED,)),
    Case("5.1 HEADERS after END_STREAM", _answered(_whole()), (STREAM_CLOSED,)),
    Case(
        "5.1 CONTINUATION on a closed stream",
        _answered(frame(CONTINUATION, END_HEADERS, 1, get())),
        (PROTOCOL_ERROR, STREAM_CLOSED),
    ),
    Case("5.1 DATA after RST_STREAM", _given_up(frame(DATA, END_STREAM, 1, b"x")), (STREAM_CLOSED,)),
    Case("5.1 HEADERS after RST_STREAM", _given_up(_whole()), (STREAM_CLOSED,)),
    Case(
        "5.1 CONTINUATION after RST_STREAM",
        _given_up(frame(CONTINUATION, END_HEADERS, 1, get())),
        (PROTOCOL_ERROR, STREAM_CLOSED),
    ),
    # 5.1.1 Stream identifiers
    Case("5.1.1 a stream of an even number", _whole(2), (PROTOCOL_ERROR,)),
    Case("5.1.1 a stream below one that was opened", _whole(5) + _whole(3), (PROTOCOL_ERROR,)),
    # 6.1 DATA
    Case("6.1 DATA on stream 0", frame(DATA, END_STREAM, 0, b"x"), (PROTOCOL_ERROR,)),
    Case(
        "6.1 as much padding as payload",
        _open() + frame(DATA, END_STREAM | PADDED, 1, b"\x05body"),
        (PROTOCOL_ERROR,),
    ),
    Case(
        "6.1 padded DATA without a byte",
        _open() + frame(DATA, END_STREAM | PADDED, 1),
        (FRAME_SIZE_ERROR, PROTOCOL_ERROR),
    ),
    # 6.2 HEADERS
    Case("6.2 HEADERS on stream 0", _whole(0), (PROTOCOL_ERROR,)),
    Case(
        "6.2 as much padding as payload",
        frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, bytes([len(get()) + 1]) + get()),
        (PROTOCOL_ERROR,),
    ),
    Case(
        "6.2 a priority that is cut off",
        frame(HEADERS, END_HEADERS | END_STREAM | PRIORITIZED, 1, b"\0\0\0"),
        (FRAME_SIZE_ERROR,),
    ),
    # 6.3 PRIORITY
    Case("6.3 PRIORITY on stream 0", frame(PRIORITY, 0, 0, b"\0\0\0\0\x0f"), (PROTOCOL_ERROR,)),
    # 6.4 RST_STREAM
    Case("6.4 RST_STREAM on stream 0", frame(RST_STREAM, 0, 0, b"\0\0\0\x08"), (PROTOCOL_ERROR,)),
    Case("6.4 RST_STREAM of 3 bytes", _open() + frame(RST_STREAM, 0, 1, b"\0\0\0"), (FRAME_SIZE_ERROR,)),
    Case("6.4 RST_STREAM of 5 bytes", _open() + frame(RST_STREAM, 0, 1, b"\0\0\0\0\0"), (FRAME_SIZE_ERROR,)),
    # 6.5 SETTINGS
    Case("6.5 an acknowledgement with a payload", frame(SETTINGS, ACK, 0, setting(3, 1)), (FRAME_SIZE_ERROR,)),
    Case("6.5 SETTINGS on a stream", frame(SETTINGS, 0, 1, setting(3, 1)), (PROTOCOL_ERROR,)),
    Case("6.5 SETTINGS of 5 bytes", frame(SETTINGS, 0, 0, b"\0\3\0\0\0"), (FRAME_SIZE_ERROR,)),
    Case("6.5.2 ENABLE_PUSH of 2", frame(SETTINGS, 0, 0, setting(ENABLE_PUSH, 2)), (PROTOCOL_ERROR,)),
    Case(
        "6.5.2 a window above the maximum",
        frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW, 1 << 31)),
        (FLOW_CONTROL_ERROR,),
    ),
    Case("6.5.2 frames below 16,384", frame(SETTINGS, 0, 0, setting(MAX_FRAME, 16_383)), (PROTOCOL_ERROR,)),
    Case("6.5.2 frames above 2^24-1", frame(SETTINGS, 0, 0, setting(MAX_FRAME, 1 << 24)), (PROTOCOL_ERROR,)),
    # 6.6, 8.4 PUSH_PROMISE
    Case(
        "8.4 a client's PUSH_PROMISE",
        _open() + frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + get()),
        (PROTOCOL_ERROR,),
    ),
    # 6.7 PING
    Case("6.7 PING on a stream", frame(PING, 0, 1, b"12345678"), (PROTOCOL_ERROR,)),
    Case("6.7 PING of 6 bytes", frame(PING, 0, 0, b"123456"), (FRAME_SIZE_ERROR,)),
    # 6.8 GOAWAY
    Case("6.8 GOAWAY on a stream", frame(GOAWAY, 0, 1, b"\0" * 8), (PROTOCOL_ERROR,)),
    Case("6.8 GOAWAY of 4 bytes", frame(GOAWAY, 0, 0, b"\0" * 4), (FRAME_SIZE_ERROR,)),
    # 6.9 WINDOW_UPDATE
    Case("6.9 an increment of 0 for the connection", window_update(0, 0), (PROTOCOL_ERROR,)),
    Case("6.9 WINDOW_UPDATE of 3 bytes", frame(WINDOW_UPDATE, 0, 0, b"\0\0\1"), (FRAME_SIZE_ERROR,)),
    Case(
        "6.9.1 the connection's window above the maximum",
        window_update(0, (1 << 31) - 1) + window_update(0, (1 << 31) - 1),
        (FLOW_CONTROL_ERROR,),
    ),
    Case(
        "6.9.2 a setting that lifts a stream's window above the maximum",
        _open() + window_update(1, (1 << 31) - 1 - 65_535) + frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW, 65_536)),
        (FLOW_CONTROL_ERROR,),
    ),
    # 6.10 CONTINUATION
    Case(
        "6.10 DATA inside a field block",
        frame(HEADERS, 0, 1, post()) + frame(CONTINUATION, 0, 1, fields(("x", "y"))) + frame(DATA, END_STREAM, 1, b"x"),
        (PROTOCOL_ERROR,),
    ),
    Case(
        "6.10 CONTINUATION on stream 0",
        frame(HEADERS, END_STREAM, 1, get()) + frame(CONTINUATION, END_HEADERS, 0, fields(("x", "y"))),
        (PROTOCOL_ERROR,),
    ),
    Case(
        "6.10 CONTINUATION after END_HEADERS",
        _open() + frame(CONTINUATION, END_HEADERS, 1, fields(("x", "y"))),
        (PROTOCOL_ERROR,),
    ),
    Case(
        "6.10 CONTINUATION after the end of the block",
        frame(HEADERS, 0, 1, post())
        + frame(CONTINUATION, END_HEADERS, 1, fields(("x", "y")))
        + frame(CONTINUATION, END_HEADERS, 1, fields(("x", "y"))),
        (PROTOCOL_ERROR,),
    ),
    Case(
        "6.10 CONTINUATION after DATA",
        _open() + frame(DATA, 0, 1, b"x") + frame(CONTINUATION, END_HEADERS, 1, fields(("x", "y"))),
        (PROTOCOL_ERROR,),
    ),
    # RFC 7541
    Case("HPACK 2.3.3 an index past the tables", _whole(1, get() + integer(70, 7, 0x80)), (COMPRESSION_ERROR,)),
    Case("HPACK 2.3.3 a name's index past the tables", _whole(1, get() + b"\x7e\x01x"), (COMPRESSION_ERROR,)),
    Case("HPACK 4.2 a table's size at the end of a block", _whole(1, get() + b"\x21"), (COMPRESSION_ERROR,)),
    Case("HPACK 5.1 an integer without end", _whole(1, get() + b"\xff" + b"\xff" * 12), (COMPRESSION_ERROR,)),
    Case(
        "HPACK 5.2 a string longer than the block",
        _whole(1, get() + b"\x00\x01x" + integer(1000, 7) + b"abc"),
        (COMPRESSION_ERROR,),
    ),
    Case("HPACK 5.2 Huffman padding of 8 bits", _whole(1, get() + b"\x00\x01x\x83\x1f\xff\xff"), (COMPRESSION_ERROR,)),
    Case("HPACK 5.2 Huffman padding of zeros", _whole(1, get() + b"\x00\x01x\x81\x18"), (COMPRESSION_ERROR,)),
    Case(
        "HPACK 5.2 EOS in a string",
        _whole(1, get() + b"\x00\x01x\x85\x1f\xff\xff\xff\xff"),
        (COMPRESSION_ERROR,),
    ),
    Case("HPACK 6.1 index 0", _whole(1, get() + b"\x80"), (COMPRESSION_ERROR,)),
    Case("HPACK 6.3 a table larger than was allowed", _whole(1, integer(4097, 5, 0x20) + get()), (COMPRESSION_ERROR,)),
]


def _too_large(connection: Connection, kind: int) -> None:
    size = connection.settings[MAX_FRAME] + 1
    connection.send(_open() + frame(kind, END_STREAM, 1 if kind == DATA else 3, b"x" * 100, length=size))


def _field(name: bytes, value: bytes) -> bytes:
    return get() + literal(name, value)


STREAM_ERRORS = [
    Case("5.1 DATA on a half-closed stream", _whole() + frame(DATA, END_STREAM, 1, b"x"), (STREAM_CLOSED,)),
    Case("5.1 HEADERS on a half-closed stream", _whole() + _whole(), (STREAM_CLOSED,)),
    Case("6.3 PRIORITY of 4 bytes", _open() + frame(PRIORITY, 0, 1, b"\0\0\0\0"), (FRAME_SIZE_ERROR,)),
    Case("6.9 an increment of 0 for a stream", _open() + window_update(1, 0), (PROTOCOL_ERROR,)),
    Case(
        "6.9.1 a stream's window above the maximum",
        _open() + window_update(1, (1 << 31) - 1) + window_update(1, (1 << 31) - 1),
        (FLOW_CONTROL_ERROR,),
    ),
    # 8.1 Messages
    Case(
        "8.1 trailers that do not end the stream",
        _open() + frame(HEADERS, END_HEADERS, 1, fields(("x", "y"))),
        (PROTOCOL_ERROR,),
    ),
    Case(
        "8.1 pseudo-fields in trailers",
        _open() + frame(HEADERS, END_HEADERS | END_STREAM, 1, fields((":method", "GET"))),
        (PROTOCOL_ERROR,),
    ),
    Case(
        "8.1.1 less than content-length",
        frame(HEADERS, END_HEADERS, 1, post("/", ("content-length", "4"))) + frame(DATA, END_STREAM, 1, b"abc"),
        (PROTOCOL_ERROR,),
    ),
    Case(
        "8.1.1 more than content-length",
        frame(HEADERS, END_HEADERS, 1, post("/", ("content-length", "4")))
        + frame(DATA, 0, 1, b"abc")
        + frame(DATA, END_STREAM, 1, b"de"),
        (PROTOCOL_ERROR,),
    ),
    Case("8.1.1 a content-length without a body", _whole(1, post("/", ("content-length", "4"))), (PROTOCOL_ERROR,)),
    Case(
        "8.1.1 a content-length that is no number",
        frame(HEADERS, END_HEADERS, 1, post("/", ("content-length", "+3"))) + frame(DATA, END_STREAM, 1, b"abc"),
        (PROTOCOL_ERROR,),
    ),
    # 8.2 Fields
    Case("8.2.1 a name with a capital", _whole(1, _field(b"X-Test", b"y")), (PROTOCOL_ERROR,)),
    Case("8.2.1 an empty name", _whole(1, _field(b"", b"y")), (PROTOCOL_ERROR,)),
    *[
        Case(
            f"8.2.1 a name with {bytes([octet])!r}",
            _whole(1, _field(b"a" + bytes([octet]) + b"b", b"y")),
            (PROTOCOL_ERROR,),
        )
        for octet in (0x00, 0x0A, 0x20, 0x3A, 0x7F, 0xE9)
    ],
    *[
        Case(
            f"8.2.1 a value with {bytes([octet])!r}",
            _whole(1, _field(b"x", b"a" + bytes([octet]) + b"b")),
            (PROTOCOL_ERROR,),
        )
        for octet in (0x00, 0x0A, 0x0D)
    ],
    *[
        Case(f"8.2.1 the value {value!r}", _whole(1, _field(b"x", value)), (PROTOCOL_ERROR,))
        for value in (b" a", b"a ", b"\ta", b"a\t")
    ],
    *[
        Case(f"8.2.2 {name}: {value}", _whole(1, get("/", (name, value))), (PROTOCOL_ERROR,))
        for name, value in (
            ("connection", "keep-alive"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("te", "gzip"),
            ("te", "trailers, deflate"),
        )
    ],
    # 8.3 Control data
    Case("8.3 an unknown pseudo-field", _whole(1, get("/", (":test", "x"))), (PROTOCOL_ERROR,)),
    Case("8.3 a response's pseudo-field", _whole(1, get("/", (":status", "200"))), (PROTOCOL_ERROR,)),
    Case(
        "8.3 a pseudo-field after others",
        _whole(1, fields((":method", "GET"), (":scheme", "http"), ("x", "y"), (":path", "/"))),
        (PROTOCOL_ERROR,),
    ),
    *[
        Case(f"8.3.1 {name} twice", _whole(1, fields((name, value)) + get()), (PROTOCOL_ERROR,))
        for name, value in ((":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "peer"))
    ],
    Case("8.3.1 no :method", _whole(1, fields((":scheme", "http"), (":path", "/"))), (PROTOCOL_ERROR,)),
    Case("8.3.1 no :scheme", _whole(1, fields((":method", "GET"), (":path", "/"))), (PROTOCOL_ERROR,)),
    Case("8.3.1 no :path", _whole(1, fields((":method", "GET"), (":scheme", "http"))), (PROTOCOL_ERROR,)),
    Case("8.3.1 an empty :path", _whole(1, get("")), (PROTOCOL_ERROR,)),
    Case("8.3.1 a :path that does not begin with /", _whole(1, get("x")), (PROTOCOL_ERROR,)),
    # 8.5 CONNECT
    Case(
        "8.5 CONNECT with :scheme and :path",
        _whole(1, fields((":method", "CONNECT"), (":scheme", "http"), (":path", "/"), (":authority", "peer:1"))),
        (PROTOCOL_ERROR,),
    ),
    Case("8.5 CONNECT without :authority", _whole(1, fields((":method", "CONNECT"))), (PROTOCOL_ERROR,)),
    Case(
        "RFC 8441 :protocol without its setting",
        _whole(
            1,
            fields(
                (":method", "CONNECT"),
                (":scheme", "http"),
                (":path", "/"),
                (":authority", "peer"),
                (":protocol", "websocket"),
            ),
        ),
        (PROTOCOL_ERROR,),
    ),
]

#: What must be taken, and let the connection live.
TOLERATED = [
    Case("4.1 a frame of an unknown type", frame(0xBB, 0, 0, b"12345678"), ()),
    Case("4.1 an unknown frame on a stream that is idle", frame(0xBB, 0xFF, 7, b"x"), ()),
    Case("4.1 flags that mean nothing", frame(SETTINGS, 0xFE) + frame(PRIORITY, 0xFF, 1, b"\0\0\0\0\x0f"), ()),
    Case("4.1 the reserved bit of a stream's number", frame(PING, 0, 1 << 31, b"12345678"), ()),
    Case("5.1 PRIORITY on an idle stream", frame(PRIORITY, 0, 9, b"\0\0\0\0\x0f"), ()),
    Case("5.1 PRIORITY on a closed stream", _answered(frame(PRIORITY, 0, 1, b"\0\0\0\0\x0f")), ()),
    Case("5.1 WINDOW_UPDATE on a closed stream", _answered(window_update(1, 1)), ()),
    Case("5.1 RST_STREAM on a closed stream", _answered(frame(RST_STREAM, 0, 1, b"\0\0\0\x08")), ()),
    Case("6.5.2 a setting that is unknown", frame(SETTINGS, 0, 0, setting(0xFF, 1)), ()),
    Case("6.5.2 no header table", frame(SETTINGS, 0, 0, setting(HEADER_TABLE_SIZE, 0)), ()),
    Case("6.7 an answer to no PING", frame(PING, ACK, 0, b"12345678"), ()),
    Case("6.9 WINDOW_UPDATE with the reserved bit", frame(WINDOW_UPDATE, 0, 0, b"\x80\0\0\1"), ()),
]

#: Requests in every lawful form: all are answered with 200.
LAWFUL = [
    Case("one HEADERS frame", _whole(), ()),
    Case("a body", _open() + frame(DATA, 0, 1, b"abc") + frame(DATA, END_STREAM, 1, b"de"), ()),
    Case("an empty last DATA", _open() + frame(DATA, 0, 1, b"abc") + frame(DATA, END_STREAM, 1), ()),
    Case("padded DATA", _open() + frame(DATA, END_STREAM | PADDED, 1, b"\x04x\0\0\0\0"), ()),
    Case("padding alone", _open() + frame(DATA, END_STREAM | PADDED, 1, b"\x04\0\0\0\0"), ()),
    Case("DATA of 16,384 bytes", _open() + frame(DATA, END_STREAM, 1, b"x" * 16_384), ()),
    Case(
        "padded HEADERS with a priority",
        frame(
            HEADERS,
            END_HEADERS | END_STREAM | PADDED | PRIORITIZED,
            1,
            b"\x03" + b"\0\0\0\0\x0f" + get() + b"\0\0\0",
        ),
        (),
    ),
    Case(
        "eight CONTINUATION frames",
        frame(HEADERS, END_STREAM, 1, get())
        + b"".join(frame(CONTINUATION, END_HEADERS if n == 7 else 0, 1, fields((f"x{n}", "y"))) for n in range(8)),
        (),
    ),
    Case("trailers", _open() + frame(HEADERS, END_HEADERS | END_STREAM, 1, fields(("x", "y"))), ()),
    Case(
        "content-length that fits",
        frame(HEADERS, END_HEADERS, 1, post("/", ("content-length", "3")))
        + frame(DATA, 0, 1, b"a")
        + frame(DATA, END_STREAM, 1, b"bc"),
        (),
    ),
    Case("te: trailers", _whole(1, get("/", ("te", "trailers"))), ()),
    Case("cookies in pieces", _whole(1, get("/", *[("cookie", f"c{n}=1") for n in range(50)])), ()),
    Case("a field of octets above 127", _whole(1, get("/", ("x", "\xe9\xff"))), ()),
    Case("a table of another size, twice", _whole(1, b"\x20" + integer(4096, 5, 0x20) + get()), ()),
    Case("Huffman padding of 7 bits and less", _whole(1, get() + b"\x00\x01x\x81\x1f"), ()),
    Case("streams that are skipped", _whole(7), ()),
]


def ids(cases: list[Case]) -> list[str]:
    return [case.name for case in cases]


def play(connection: Connection, case: Case) -> None:
    if callable(case.sent):
        case.sent(connection)
    else:
        connection.send(case.sent)


@pytest.mark.parametrize("case", CONNECTION_ERRORS, ids=ids(CONNECTION_ERRORS))
def test_connection_errors(port, case):
    with Connection(port) as connection:
        play(connection, case)
        assert connection.goaway().error_code in case.codes
        connection.closed()


@pytest.mark.parametrize("case", STREAM_ERRORS, ids=ids(STREAM_ERRORS))
def test_stream_errors(port, case):
    with Connection(port) as connection:
        play(connection, case)
        end = connection.until(
            lambda f: isinstance(f, RstStreamFrame) or (f.type == GOAWAY and f.error_code != NO_ERROR), "an error"
        )
        assert end.error_code in case.codes
        if isinstance(end, RstStreamFrame):
            assert end.stream_id == 1
            # The others go on.
            connection.request(get(), 3)
            assert connection.end(3)[0][":status"] == "200"


@pytest.mark.parametrize("case", TOLERATED, ids=ids(TOLERATED))
def test_what_is_tolerated(port, case):
    with Connection(port) as connection:
        play(connection, case)
        connection.request(get(), 11)
        assert connection.end(11)[0][":status"] == "200"
        connection.ping()


@pytest.mark.parametrize("case", LAWFUL, ids=ids(LAWFUL))
def test_requests_in_every_lawful_form(port, case):
    stream = 7 if "skipped" in case.name else 1
    with Connection(port) as connection:
        play(connection, case)
        headers, body = connection.end(stream)
        assert headers[":status"] == "200"
        assert body.decode().startswith(BODY)
        connection.ping()


# --- 3.4 The connection preface ---


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/1.1\r\nHost: peer\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", b"\x16\x03\x01"]
)
def test_a_preface_that_is_none_ends_the_connection(port, sent):
    with Connection(port, handshake=False) as connection:
        connection.send(sent + b"\0" * 24)
        connection.closed()


def test_the_first_frame_is_settings_on_both_sides(port):
    with Connection(port, handshake=False) as connection:
        connection.send(PREFACE + frame(PING, 0, 0, b"12345678"))
        assert connection.goaway().error_code == PROTOCOL_ERROR
        assert isinstance(connection.frames[0], SettingsFrame)
        connection.closed()


# --- 5.1.2, 6.5.3, 6.7 ---


def test_more_streams_than_are_allowed(port):
    """5.1.2: a stream error, REFUSED_STREAM or PROTOCOL_ERROR; or the connection's."""
    with Connection(port, handshake=False) as connection:
        connection.send(PREFACE + frame(SETTINGS))
        announced = connection.until(lambda f: isinstance(f, SettingsFrame) and f.settings, "the server's SETTINGS")
        connection.send(frame(SETTINGS, ACK))
        limit = announced.settings[MAX_STREAMS]
        connection.send(b"".join(_open(2 * n + 1) for n in range(limit + 1)))
        end = connection.until(
            lambda f: isinstance(f, RstStreamFrame) or (f.type == GOAWAY and f.error_code != NO_ERROR), "a refusal"
        )
        assert end.error_code in (REFUSED_STREAM, PROTOCOL_ERROR)
        assert not isinstance(end, RstStreamFrame) or end.stream_id == 2 * limit + 1


def test_settings_are_acknowledged_each(port):
    with Connection(port) as connection:
        connection.send(frame(SETTINGS) * 3)
        connection.ping()
        assert sum(isinstance(f, SettingsFrame) and "ACK" in f.flags for f in connection.frames) == 3


def test_a_ping_comes_back_as_it_was(port):
    with Connection(port) as connection:
        connection.send(frame(PING, 0, 0, b"\0\1\2\3\xff\xfe\xfd\xfc"))
        answer = connection.until(lambda f: isinstance(f, PingFrame), "the answer")
        assert "ACK" in answer.flags and answer.opaque_data == b"\0\1\2\3\xff\xfe\xfd\xfc"


# --- 6.9 Flow control ---


def _data(connection: Connection) -> bytes:
    connection.ping()
    return b"".join(f.data for f in connection.frames if isinstance(f, DataFrame))


def test_a_window_of_one_byte_gets_one_byte(port):
    with Connection(port, settings=setting(INITIAL_WINDOW, 1)) as connection:
        connection.request(get())
        assert len(_data(connection)) == 1
        connection.send(window_update(1, 3))
        assert len(_data(connection)) == 4
        connection.send(window_update(1, 10_000))
        assert connection.end(1)[1].decode().startswith(BODY)


def test_the_last_of_several_windows_counts(port):
    with Connection(port, settings=setting(INITIAL_WINDOW, 100) + setting(INITIAL_WINDOW, 2)) as connection:
        connection.request(get())
        assert len(_data(connection)) == 2


def test_a_setting_moves_the_windows_of_open_streams(port):
    with Connection(port, settings=setting(INITIAL_WINDOW, 0)) as connection:
        connection.request(get())
        assert connection.headers(1)[":status"] == "200"
        assert _data(connection) == b""
        connection.send(frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW, 5)))
        assert len(_data(connection)) == 5


def test_a_window_may_become_negative(port):
    with Connection(port, settings=setting(INITIAL_WINDOW, 3)) as connection:
        connection.request(get())
        assert len(_data(connection)) == 3
        connection.send(frame(SETTINGS, 0, 0, setting(INITIAL_WINDOW, 1)))
        connection.send(window_update(1, 2))
        assert len(_data(connection)) == 3
        connection.send(window_update(1, 1))
        assert len(_data(connection)) == 4


def test_a_body_larger_than_the_windows_is_taken_as_they_grow(port):
    """The server's own WINDOW_UPDATEs: 900,000 bytes through a window that is smaller."""
    with Connection(port) as connection:
        connection.send(_open())
        credit = {0: connection.window, 1: connection.settings[INITIAL_WINDOW]}
        assert credit[1] < 900_000
        counted = 0
        sent = 0
        while sent < 900_000:
            for update in connection.frames[counted:]:
                if update.type == WINDOW_UPDATE:
                    credit[update.stream_id] += update.window_increment
            counted = len(connection.frames)
            size = min(16_384, 900_000 - sent, *credit.values())
            if size <= 0:
                connection.until(lambda f: f.type == WINDOW_UPDATE and f not in connection.frames[:counted], "credit")
                continue
            connection.send(frame(DATA, 0, 1, b"x" * size))
            sent += size
            credit = {stream: left - size for stream, left in credit.items()}
        connection.send(frame(DATA, END_STREAM, 1))
        assert connection.end(1)[0][":status"] == "200"


def test_a_goaway_lets_what_is_under_way_end(port):
    """6.8: what its sender had asked for is answered, then the connection ends."""
    with Connection(port) as connection:
        connection.send(_open() + frame(GOAWAY, 0, 0, b"\0" * 8 + b"bye"))
        connection.ping()
        connection.send(frame(DATA, END_STREAM, 1, b"x"))
        assert connection.end(1)[0][":status"] == "200"
        connection.closed()


# --- RFC 7541: the dynamic table ---


def test_the_dynamic_table_lasts_from_block_to_block(port):
    with Connection(port) as connection:
        connection.request(
            fields((":method", "GET"), (":scheme", "http"))
            + indexing(b":path", b"/nothing")
            + indexing(b":authority", b"peer")
        )
        assert connection.end(1)[0][":status"] == "404"
        # 62 is the newest entry, :authority; 63 the :path before it.
        connection.request(fields((":method", "GET"), (":scheme", "http")) + b"\xbf\xbe", 3)
        assert connection.end(3)[0][":status"] == "404"
        # A new entry moves them on.
        connection.request(fields((":method", "GET"), (":scheme", "http")) + b"\xbf\xbe" + indexing(b"x", b"y"), 5)
        assert connection.end(5)[0][":status"] == "404"
        connection.request(fields((":method", "GET"), (":scheme", "http")) + b"\xc0\xbf", 7)
        assert connection.end(7)[0][":status"] == "404"


def test_entries_leave_a_table_that_shrinks(port):
    with Connection(port) as connection:
        connection.request(get() + indexing(b"x", b"y"))
        connection.end(1)
        connection.request(b"\x20" + get() + b"\xbe", 3)
        assert connection.goaway().error_code == COMPRESSION_ERROR


# --- Answers to what is no gRPC ---


@pytest.mark.parametrize(
    "method, path, type_, status",
    [
        ("GET", "/", "", "200"),
        ("HEAD", "/", "", "200"),
        ("POST", "/", "", "200"),
        ("POST", "/", "text/plain", "200"),
        ("GET", "/p2p.v1.Files/Stat", "", "404"),
        ("POST", "/p2p.v1.Files/Stat", "", "415"),
        ("POST", "/p2p.v1.Files/Stat", "application/json", "415"),
        ("PUT", "/", "", "405"),
        ("DELETE", "/p2p.v1.Files/Stat", "application/grpc", "405"),
    ],
)
def test_a_plain_request_is_told_what_this_port_is(port, method, path, type_, status):
    block = fields((":method", method), (":scheme", "http"), (":path", path), (":authority", "peer"))
    if type_:
        block += fields(("content-type", type_))
    with Connection(port) as connection:
        connection.request(block)
        headers, body = connection.end(1)
        assert headers[":status"] == status
        assert headers["content-type"] == "text/plain"
        assert len(body) == (0 if method == "HEAD" else int(headers["content-length"]))
        assert method == "HEAD" or body.decode().startswith(BODY)
        assert ("allow" in headers) == (status == "405")


def test_connect_is_refused_by_a_status(port):
    with Connection(port) as connection:
        connection.request(fields((":method", "CONNECT"), (":authority", "peer:1")), flags=0)
        connection.send(frame(DATA, END_STREAM, 1, b"x"))
        assert connection.end(1)[0][":status"] == "405"


def test_a_connection_that_was_closed_early_is_no_matter(port, shared_factory):
    """Half a frame, half a preface, nothing at all: and the next client is served."""
    for sent in (b"", PREFACE[:10], PREFACE, PREFACE + frame(SETTINGS)[:5], PREFACE + frame(SETTINGS) + _open()[:20]):
        with Connection(port, handshake=False) as connection:
            connection.send(sent)
    peer: Peer = shared_factory.peers[0]
    with Connection(peer.ports["grpc"]) as connection:
        connection.request(get())
        assert connection.end(1)[0][":status"] == "200"


def test_goaway_is_told_before_the_end(port):
    """5.4.1: GOAWAY with the last stream that was taken, then the close."""
    with Connection(port) as connection:
        connection.request(get(), 5)
        connection.end(5)
        connection.send(frame(DATA, 0, 0, b"x"))
        assert connection.goaway().last_stream_id == 5
        with pytest.raises(Gone):
            connection.ping()
