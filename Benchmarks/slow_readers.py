"""Downloads that are read a little at a time, each on a connection of its own, by raw sockets: what a library would buffer
here would not wait at the server."""

import asyncio
import struct
from types import TracebackType
from typing import Self

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
WINDOW_BYTES = 64 << 20
DATA, HEADERS, SETTINGS, WINDOW_UPDATE = 0, 1, 4, 8
END_STREAM, END_HEADERS = 1, 4
INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = 4, 5


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name: str, value: str) -> bytes:
    """A field without indexing and without Huffman coding (RFC 7541, 6.2.2); both texts are short."""
    return b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def request(path: str, frame_bytes: int) -> bytes:
    """A connection's opening and one call on it, with windows that never stop the server."""
    settings = struct.pack(">HIHI", INITIAL_WINDOW_SIZE, WINDOW_BYTES, MAX_FRAME_SIZE, frame_bytes)
    fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "localhost", "te": "trailers"}
    headers = b"".join(literal(*item) for item in {**fields, "content-type": "application/grpc"}.items())
    return (
        PREFACE
        + frame(SETTINGS, 0, 0, settings)
        + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", WINDOW_BYTES))
        + frame(HEADERS, END_HEADERS, 1, headers)
        + frame(DATA, END_STREAM, 1, b"\0\0\0\0\0")
    )


class SlowReaders:
    """So many downloads, all begun when the block is entered."""

    def __init__(self, port: int, path: str, frame_bytes: int, count: int) -> None:
        self.port = port
        self.request = request(path, frame_bytes)
        self.count = count
        self.ended = 0
        self.readers: list[asyncio.StreamReader] = []
        self.writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        for _ in range(self.count):
            # The reader's own buffer stays small: what is not read waits in the socket, and then at the server.
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=4096)
            writer.write(self.request)
            self.readers.append(reader)
            self.writers.append(writer)
        return self

    async def read_a_little(self) -> None:
        for reader in self.readers:
            if not await reader.read(4096):
                self.ended += 1
        await asyncio.sleep(0.5)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self.writers:
            writer.transport.abort()
