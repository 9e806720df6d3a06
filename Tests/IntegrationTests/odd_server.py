"""An HTTP/2 server on python-h2 that does odd things on purpose, and looks at every message's flag.

The cases are those of grpc/doc/negative-http2-interop-test-descriptions.md. It serves UnaryCall and
StreamingInputCall of grpc.testing.TestService, one connection after the other, each in a thread.
"""

import gzip
import socket
import struct
import threading
from collections.abc import Callable
from types import SimpleNamespace

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, PingAckReceived, RequestReceived, StreamEnded, StreamReset
from h2.settings import SettingCodes, Settings

_HEADERS = [(":status", "200"), ("content-type", "application/grpc")]


class Stream:
    """A request, and what is still to be sent of its answer."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers
        self.received = bytearray()
        self.answer = bytearray()
        self.trailers: list[tuple[str, str]] = []

    def messages(self) -> list[tuple[bool, bytes]]:
        """Whether each was compressed, and its bytes; an independent implementation undoes it."""
        found, rest = [], bytes(self.received)
        while rest:
            flag, length = struct.unpack_from(">BI", rest)
            body, rest = rest[5 : 5 + length], rest[5 + length :]
            assert len(body) == length and flag in (0, 1)
            found.append((flag == 1, gzip.decompress(body) if flag else body))
        return found


class Connection:
    """One client's connection."""

    def __init__(self, server: "OddServer", client: socket.socket) -> None:
        self.server = server
        self.client = client
        self.http2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.streams: dict[int, Stream] = {}
        self.pings_answered = 0

    def run(self) -> None:
        if self.server.case == "max_streams":
            # As if acknowledged: python-h2 holds its client to them from the first frame.
            self.http2.local_settings = Settings(False, {SettingCodes.MAX_CONCURRENT_STREAMS: 1})
        self.http2.initiate_connection()
        self.flush()
        try:
            while data := self.client.recv(65536):
                for event in self.http2.receive_data(data):
                    self.handle(event)
                self.send_answers()
                self.flush()
        except OSError:
            return
        finally:
            self.client.close()

    def flush(self) -> None:
        self.client.sendall(self.http2.data_to_send())

    def handle(self, event: Event) -> None:
        match event:
            case RequestReceived():
                self.streams[event.stream_id] = Stream(dict(event.headers))
                self.server.most_streams = max(self.server.most_streams, len(self.streams))
                self.ping()
            case DataReceived():
                if event.flow_controlled_length:
                    self.http2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                if stream := self.streams.get(event.stream_id):
                    stream.received += event.data
                self.ping()
            case StreamEnded():
                if event.stream_id in self.streams:
                    self.server.answer(self, event.stream_id)
            case StreamReset():
                self.streams.pop(event.stream_id, None)
            case PingAckReceived():
                self.server.pings_answered += 1

    def ping(self) -> None:
        if self.server.case == "ping":
            self.http2.ping(b"odd-ping")
            self.server.pings_sent += 1

    def reset(self, stream: int) -> None:
        self.http2.reset_stream(stream, ErrorCodes.NO_ERROR)
        self.streams.pop(stream, None)

    def send_answers(self) -> None:
        """As much of each answer as the windows allow, then its trailers."""
        for number, stream in list(self.streams.items()):
            while stream.answer:
                room = min(self.http2.local_flow_control_window(number), self.http2.max_outbound_frame_size)
                if room <= 0:
                    break
                piece = bytes(stream.answer[:room])
                del stream.answer[:room]
                self.http2.send_data(number, piece)
                self.ping()
            if not stream.answer and stream.trailers:
                if self.server.case == "goaway":
                    # Before the end of the answer, so that the client knows when its call returns.
                    self.client.sendall(self.http2.data_to_send())
                    self.client.sendall(_goaway(number))
                self.http2.send_headers(number, stream.trailers, end_stream=True)
                del self.streams[number]


def _goaway(last_stream: int) -> bytes:
    """As a frame: python-h2 would take the connection for closed once it has sent one."""
    return struct.pack(">I", 8)[1:] + bytes([7, 0]) + struct.pack(">III", 0, last_stream, 0)


class OddServer:
    """Listens on `port`; what it has seen is in its fields."""

    def __init__(self, case: str, proto: SimpleNamespace) -> None:
        self.case = case
        self.proto = proto
        self.connections = 0
        self.most_streams = 0
        self.pings_sent = 0
        self.pings_answered = 0
        self.requests: list[dict[str, str]] = []
        self.errors: list[Exception] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "OddServer":
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            Connection(self, client).run()
        except Exception as error:
            self.errors.append(error)

    def answer(self, connection: Connection, number: int) -> None:
        stream = connection.streams[number]
        self.requests.append(stream.headers)
        connection.http2.send_headers(number, _HEADERS)
        if self.case == "rst_after_header":
            connection.reset(number)
            return
        method: Callable[[Stream], bytes | tuple[str, str]]
        method = self._unary if stream.headers[":path"].endswith("/UnaryCall") else self._sum
        result = method(stream)
        if isinstance(result, tuple):
            stream.trailers = [("grpc-status", result[0]), ("grpc-message", result[1])]
            return
        whole = struct.pack(">BI", 0, len(result)) + result
        if self.case == "rst_during_data":
            connection.http2.send_data(number, whole[: len(whole) // 20])
            connection.reset(number)
        elif self.case == "rst_after_data":
            # A short message: all of it has left when the reset follows.
            result = self.proto.SimpleResponse(payload=self.proto.Payload(body=bytes(1000))).SerializeToString()
            connection.http2.send_data(number, struct.pack(">BI", 0, len(result)) + result)
            connection.reset(number)
        else:
            stream.answer += whole
            stream.trailers = [("grpc-status", "0")]

    def _unary(self, stream: Stream) -> bytes | tuple[str, str]:
        (compressed, body), = stream.messages()
        request = self.proto.SimpleRequest.FromString(body)
        if request.HasField("expect_compressed") and request.expect_compressed.value != compressed:
            return "3", "compressed or not, against what was said"
        payload = self.proto.Payload(body=bytes(request.response_size))
        return self.proto.SimpleResponse(payload=payload).SerializeToString()

    def _sum(self, stream: Stream) -> bytes | tuple[str, str]:
        size = 0
        for compressed, body in stream.messages():
            request = self.proto.StreamingInputCallRequest.FromString(body)
            if request.HasField("expect_compressed") and request.expect_compressed.value != compressed:
                return "3", "compressed or not, against what was said"
            size += len(request.payload.body)
        return self.proto.StreamingInputCallResponse(aggregated_payload_size=size).SerializeToString()
