"""HTTP/2 frame by frame over a socket: what a client that keeps to the rules would not send."""

import contextlib
import select
import socket
import struct
import time
from types import TracebackType
from typing import Self

import hpack
from hyperframe.frame import (
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

# Frame types and flags: RFC 9113, section 6.
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, PADDED, PRIORITIZED, ACK = 0x1, 0x4, 0x8, 0x20, 0x1

# Error codes: section 7.
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT = range(5)
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR = range(5, 10)
ENHANCE_YOUR_CALM = 0xB

#: Seconds. A loaded machine must get there.
DEADLINE = 15.0


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"", *, length: int | None = None) -> bytes:
    """One frame. `length` says something else than the payload's own."""
    size = len(payload) if length is None else length
    return size.to_bytes(3, "big") + struct.pack(">BBI", kind, flags, stream) + payload


def setting(identifier: int, value: int) -> bytes:
    return struct.pack(">HI", identifier, value)


def window_update(stream: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def literal(name: bytes, value: bytes) -> bytes:
    """A field that is not indexed and not compressed (RFC 7541, section 6.2.2)."""
    return b"\x00" + _string(name) + _string(value)


def indexing(name: bytes, value: bytes) -> bytes:
    """A field that enters the dynamic table (section 6.2.1)."""
    return b"\x40" + _string(name) + _string(value)


def _string(text: bytes) -> bytes:
    return integer(len(text), 7) + text


def integer(value: int, bits: int, first: int = 0) -> bytes:
    """Section 5.1."""
    top = (1 << bits) - 1
    if value < top:
        return bytes([first | value])
    out, value = [first | top], value - top
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def fields(*pairs: tuple[str, str]) -> bytes:
    return b"".join(literal(name.encode(), value.encode("latin-1")) for name, value in pairs)


def get(path: str = "/", *more: tuple[str, str]) -> bytes:
    return fields((":method", "GET"), (":scheme", "http"), (":path", path), (":authority", "peer"), *more)


def post(path: str = "/", *more: tuple[str, str]) -> bytes:
    return fields((":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "peer"), *more)


def call(path: str, *more: tuple[str, str]) -> bytes:
    """The request headers of a gRPC call."""
    return post(path, ("content-type", "application/grpc"), ("te", "trailers"), *more)


def message(payload: bytes) -> bytes:
    return struct.pack(">BI", 0, len(payload)) + payload


class Gone(Exception):
    """The server has closed the connection."""


class Connection:
    """A socket, and the frames that came on it."""

    def __init__(self, port: int, *, settings: bytes = b"", handshake: bool = True, receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(("127.0.0.1", port))
        self.frames: list[Frame] = []
        self.decoder = hpack.Decoder()
        self._input = b""
        #: The server's SETTINGS.
        self.settings: dict[int, int] = {}
        #: How much the connection's window was opened at the start.
        self.window = 65_535
        if handshake:
            self.send(PREFACE + frame(SETTINGS, 0, 0, settings))
            self.until(lambda f: isinstance(f, SettingsFrame) and "ACK" in f.flags, "the acknowledgement of SETTINGS")
            self.send(frame(SETTINGS, ACK))
            self.ping()
            for one in self.frames:
                if isinstance(one, SettingsFrame):
                    self.settings |= one.settings
                elif isinstance(one, WindowUpdateFrame):
                    self.window += one.window_increment
            self.frames.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Sends, reading meanwhile, so that neither side waits for the other.

        Bytes that a server no longer takes are no fault of a test.
        """
        view = memoryview(data)
        # Not select(): a test with a thousand connections has descriptors that it does not know.
        ready = select.poll()
        ready.register(self.socket, select.POLLIN | select.POLLOUT)
        with contextlib.suppress(ConnectionError):
            while view:
                events = dict(ready.poll(DEADLINE * 1000)).get(self.socket.fileno(), 0)
                assert events, "the server neither takes nor gives"
                if events & ~select.POLLOUT and not self._fill():
                    return
                if events & select.POLLOUT:
                    view = view[self.socket.send(view[: 1 << 16]) :]

    def _fill(self) -> bool:
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionError:
            data = b""
        self._input += data
        self._parse()
        return bool(data)

    def _parse(self) -> None:
        offset = 0
        while len(self._input) - offset >= 9:
            one, length = Frame.parse_frame_header(memoryview(self._input)[offset : offset + 9])
            if len(self._input) - offset < 9 + length:
                break
            one.parse_body(memoryview(self._input)[offset + 9 : offset + 9 + length])
            if isinstance(one, HeadersFrame):
                # In their order, once: the table of the decoder depends on it.
                one.decoded = dict(self.decoder.decode(one.data))
            self.frames.append(one)
            offset += 9 + length
        self._input = self._input[offset:]

    def _readable(self, seconds: float) -> bool:
        """Whether something comes in time. Not by select(), which knows 1024 descriptors."""
        ready = select.poll()
        ready.register(self.socket, select.POLLIN)
        return bool(ready.poll(seconds * 1000))

    def until(self, wanted, what: str, seconds: float = DEADLINE):
        """The first frame that is `wanted`, of those that came and are to come."""
        deadline, seen = time.monotonic() + seconds, 0
        while True:
            for one in self.frames[seen:]:
                if wanted(one):
                    return one
            seen = len(self.frames)
            left = deadline - time.monotonic()
            if left <= 0 or not self._readable(left):
                raise AssertionError(f"waited {seconds:g} s in vain for {what}; came: {self.frames[-20:]}")
            if not self._fill() and not self.frames[seen:]:
                raise Gone(f"closed before {what}; came: {self.frames[-20:]}")

    def request(self, block: bytes, stream: int = 1, flags: int = END_STREAM) -> None:
        self.send(frame(HEADERS, END_HEADERS | flags, stream, block))

    def headers(self, stream: int) -> dict[str, str]:
        return self.until(
            lambda f: isinstance(f, HeadersFrame) and f.stream_id == stream, f"headers on {stream}"
        ).decoded

    def end(self, stream: int, seconds: float = DEADLINE) -> tuple[dict[str, str], bytes]:
        """The answer on a stream up to its end: the headers, trailers among them, and the body."""
        last = self.until(
            lambda f: f.stream_id == stream and ("END_STREAM" in f.flags or isinstance(f, RstStreamFrame)),
            f"the end of {stream}",
            seconds,
        )
        assert not isinstance(last, RstStreamFrame), f"stream {stream} was reset: {last}"
        found: dict[str, str] = {}
        body = b""
        for one in self.frames:
            if one.stream_id == stream and isinstance(one, HeadersFrame):
                found |= one.decoded
            elif one.stream_id == stream and isinstance(one, DataFrame):
                body += one.data
        return found, body

    def reset(self, stream: int) -> int:
        """The error code of the RST_STREAM."""
        return self.until(
            lambda f: isinstance(f, RstStreamFrame) and f.stream_id == stream, f"a reset of {stream}"
        ).error_code

    def goaway(self, seconds: float = DEADLINE) -> GoAwayFrame:
        return self.until(
            lambda f: isinstance(f, GoAwayFrame) and f.error_code != NO_ERROR, "a GOAWAY with an error", seconds
        )

    def listen(self, seconds: float) -> bool:
        """Takes what comes for so long. False when the server has closed the connection."""
        deadline = time.monotonic() + seconds
        while self._readable(max(0.0, deadline - time.monotonic())):
            if not self._fill():
                return False
        return True

    def closed(self, seconds: float = DEADLINE) -> None:
        """Waits until the server has closed the connection."""
        if self.listen(seconds):
            raise AssertionError(f"still open after {seconds:g} s; came: {self.frames[-20:]}")

    def ping(self, payload: bytes = b"are you?") -> None:
        """Waits until the server has taken all that was sent, and answers."""
        self.send(frame(PING, 0, 0, payload))
        self.until(lambda f: f.type == PING and "ACK" in f.flags and f.opaque_data == payload, "the answer to a PING")
        self.frames = [f for f in self.frames if f.type != PING]
