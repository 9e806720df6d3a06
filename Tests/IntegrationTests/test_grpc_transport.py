"""Our gRPC transport beyond the interoperability cases: Unix sockets, and header fields that grpcio would not send."""

import socket
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import grpc
import interop
import pytest
from grpc_calls import unary_unary
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    Event,
    PingReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)


HEADERS = 1


@pytest.fixture(scope="module")
def proto(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    return interop.messages(tmp_path_factory.mktemp("interop"))


@pytest.fixture(scope="module")
def server() -> Iterator[interop.Server]:
    server = interop.Server()
    yield server
    server.stop()


# --- Unix sockets ---


@pytest.fixture
def unix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("u") / "grpc.sock"
    # One that a server left behind when it was killed.
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    server = interop.Server("--unix", path)
    yield path
    server.stop()


def test_a_unix_socket_is_served_to_grpcio(unix, proto):
    with grpc.insecure_channel(f"unix:{unix}") as channel:
        call = unary_unary(channel, f"/{interop.SERVICE}/EmptyCall", proto.Empty)
        assert call(proto.Empty(), timeout=20) == proto.Empty()


def test_our_client_uses_a_unix_socket(unix):
    interop.run_case("large_unary", 0, "--unix", unix)


# --- Header fields ---


def call(port: int, *extra: tuple[str, str], body: bytes = b"\0\0\0\0\0") -> dict[str, str]:
    """Calls EmptyCall with further fields. Returns all fields of the answer."""
    http2 = H2Connection(H2Configuration(header_encoding="utf-8"))
    http2.initiate_connection()
    answer: dict[str, str] = {}
    with socket.create_connection(("127.0.0.1", port), timeout=20) as server:
        fields = [(":method", "POST"), (":scheme", "http"), (":path", f"/{interop.SERVICE}/EmptyCall")]
        fields += [(":authority", "test"), ("te", "trailers"), ("content-type", "application/grpc"), *extra]
        http2.send_headers(1, fields)
        http2.send_data(1, body, end_stream=True)
        server.sendall(http2.data_to_send())
        while True:
            data = server.recv(65536)
            assert data, f"the server closed the connection after {answer}"
            for event in http2.receive_data(data):
                match event:
                    case ResponseReceived() | TrailersReceived():
                        answer |= dict(event.headers)
                    case StreamEnded():
                        return answer
                    case StreamReset() | ConnectionTerminated():
                        raise AssertionError(f"{event} after {answer}")


@pytest.mark.parametrize("timeout", ["1S", "10000000S", "99999999S", "99999999H", "99999999u"])
def test_timeouts_of_eight_digits_are_kept(server, timeout):
    assert call(server.port, ("grpc-timeout", timeout))["grpc-status"] == "0"


@pytest.mark.parametrize("timeout", ["-1S", "+1S", "S", "1", "1s", "100000000S", "9223372036854775807H", "1.5S"])
def test_a_malformed_timeout_is_refused_and_harmless(server, timeout):
    answer = call(server.port, ("grpc-timeout", timeout))
    assert (answer["grpc-status"], timeout in answer["grpc-message"]) == ("13", True)
    assert call(server.port)["grpc-status"] == "0"


def test_an_unknown_encoding_names_those_that_are_known(server):
    answer = call(server.port, ("grpc-encoding", "br"))
    assert answer["grpc-status"] == "12"
    assert "gzip" in answer["grpc-accept-encoding"].split(",")


@pytest.mark.parametrize("flag", [1, 2, 255])
def test_a_flag_without_an_encoding_is_internal(server, flag):
    assert call(server.port, body=struct.pack(">BI", flag, 1) + b"x")["grpc-status"] == "13"


@pytest.mark.parametrize("body", [b"x", b"\x1f\x8b\x08", b"\x1f\x8b" + bytes(30)])
def test_what_is_no_gzip_is_internal(server, body):
    message = struct.pack(">BI", 1, len(body)) + body
    assert call(server.port, ("grpc-encoding", "gzip"), body=message)["grpc-status"] == "13"


@pytest.mark.parametrize("value", ["q6ur", "q6ur,q6ur", "q6s=", "q6s", "q6s=, q6ur"])
def test_binary_metadata_padded_unpadded_and_joined(server, value):
    answer = call(server.port, ("x-grpc-test-echo-trailing-bin", value))
    assert answer["x-grpc-test-echo-trailing-bin"] == value.split(",")[-1].strip(" =")


# --- Keepalive, idleness, age (gRFC A8 and A9) ---


class RawClient:
    """A client that sends frames one by one, and sees those that come."""

    def __init__(self, port: int) -> None:
        self.http2 = H2Connection(H2Configuration(header_encoding="utf-8"))
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.http2.initiate_connection()
        self.flush()

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def flush(self) -> None:
        self.socket.sendall(self.http2.data_to_send())

    def events(self) -> Iterator[Event]:
        """Until the server closes the connection."""
        while data := self.socket.recv(65536):
            yield from self.http2.receive_data(data)

    def until(self, kind: type[Event]) -> Event:
        return next(event for event in self.events() if isinstance(event, kind))

    def open_call(self, method: str = "FullDuplexCall") -> None:
        fields = [(":method", "POST"), (":scheme", "http"), (":path", f"/{interop.SERVICE}/{method}")]
        fields += [(":authority", "test"), ("te", "trailers"), ("content-type", "application/grpc")]
        self.http2.send_headers(1, fields)
        self.flush()


@pytest.fixture
def serve() -> Iterator[object]:
    servers: list[interop.Server] = []

    def start(*arguments: object) -> interop.Server:
        servers.append(interop.Server(*arguments))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def goaway(client: RawClient) -> tuple[int, bytes | None]:
    """The last GOAWAY before the server closes the connection."""
    ends = [event for event in client.events() if isinstance(event, ConnectionTerminated)]
    return ends[-1].error_code, ends[-1].additional_data


def test_too_many_pings_end_a_connection(serve):
    with RawClient(serve("--pings", 60_000).port) as client:
        client.open_call()
        client.until(RemoteSettingsChanged)
        for _ in range(4):
            client.http2.ping(b"too many")
        client.flush()
        assert goaway(client) == (11, b"too_many_pings")


def test_pings_at_the_permitted_pace_are_answered(serve):
    port = serve("--pings", 0).port
    with RawClient(port) as client:
        client.open_call()
        for _ in range(20):
            client.http2.ping(b"in order")
        client.flush()
        answers = 0
        for event in client.events():
            answers += type(event).__name__ == "PingAckReceived"
            if answers == 20:
                break


def test_a_client_that_is_gone_is_noticed(serve):
    with RawClient(serve("--keepalive", 100).port) as client:
        client.open_call()
        # It reads, but never answers: python-h2's answer stays where it is.
        pings = sum(isinstance(event, PingReceived) for event in client.events())
        assert pings == 1


def test_a_client_that_answers_stays(serve):
    with RawClient(serve("--keepalive", 100).port) as client:
        pings = 0
        for event in client.events():
            client.flush()
            pings += isinstance(event, PingReceived)
            if pings == 3:
                break
        assert pings == 3


def test_an_idle_connection_is_ended_in_order(serve):
    with RawClient(serve("--idle", 100).port) as client:
        assert goaway(client)[0] == 0


def test_an_old_connection_is_ended_when_its_calls_are(serve):
    with RawClient(serve("--age", 100).port) as client:
        client.open_call()
        assert client.until(ConnectionTerminated).error_code == 0
        # Its notice came; the call goes on until we end it.
        # DATA without a byte that ends stream 1, as a frame: python-h2 takes the connection for closed.
        client.socket.sendall(bytes([0, 0, 0, 0, 1, 0, 0, 0, 1]))
        kinds = []
        while header := client.socket.recv(9, socket.MSG_WAITALL):
            kinds.append(header[3])
            client.socket.recv(int.from_bytes(header[:3]), socket.MSG_WAITALL)
        assert HEADERS in kinds


def test_calls_of_an_old_connection_have_their_grace(serve):
    with RawClient(serve("--age", 100, "--grace", 100).port) as client:
        client.open_call()
        # Without an end of the call, the server closes the connection.
        assert goaway(client)[0] == 0


def test_our_client_notices_that_a_server_is_gone(proto):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        # The kernel takes the connection in, and nobody reads.
        interop.run_case("failing_call", silent.getsockname()[1], "--keepalive", 200)


def test_our_client_is_told_that_it_asks_too_often(proto):
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.http2.max_ping_strikes", 1)])
    port = server.add_insecure_port("127.0.0.1:0")
    release = threading.Event()

    def wait(_: bytes, context: grpc.ServicerContext) -> bytes:
        release.wait(20)
        return b""

    handler = {"UnaryCall": grpc.unary_unary_rpc_method_handler(wait)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(interop.SERVICE, handler),))
    server.start()
    interop.run_case("failing_call", port, "--keepalive", 100)
    release.set()
    server.stop(None).wait()
