"""Our gRPC server, driven by grpcio (C-core) through gRPC's interoperability cases, in plaintext and over TLS.

The cases are those of grpc/doc/interop-test-descriptions.md. grpcio does not say of a message whether it was
compressed, so those cases look at the bytes on the wire, and at what the server says of what it received.
"""

import os
import queue
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import grpc
import interop
import pytest
from certificates import Authority
from grpc_calls import stream_stream, stream_unary, unary_stream, unary_unary
from relay import Relay

SIZES = [(27182, 31415), (8, 9), (1828, 2653), (45904, 58979)]


@pytest.fixture(scope="module")
def proto(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    return interop.messages(tmp_path_factory.mktemp("interop"))


@pytest.fixture(scope="module", params=["plaintext", "tls"])
def authority(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Authority | None:
    return Authority(tmp_path_factory.mktemp("ca"), "authority") if request.param == "tls" else None


@pytest.fixture(scope="module")
def server(authority: Authority | None) -> Iterator[interop.Server]:
    server = interop.Server(*interop.server_arguments(authority.issue("server") if authority else None))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def channel(server: interop.Server, authority: Authority | None) -> Iterator[grpc.Channel]:
    with interop.channel(server.port, authority) as channel:
        yield channel


@pytest.fixture
def relay(server: interop.Server) -> Iterator[Relay]:
    relay = Relay(server.port)
    yield relay
    relay.close()


def path(method: str) -> str:
    return f"/{interop.SERVICE}/{method}"


class Calls:
    """The methods of the service on a channel."""

    def __init__(self, channel: grpc.Channel, proto: SimpleNamespace) -> None:
        self.empty = unary_unary(channel, path("EmptyCall"), proto.Empty)
        self.unary = unary_unary(channel, path("UnaryCall"), proto.SimpleResponse)
        self.input = stream_unary(channel, path("StreamingInputCall"), proto.StreamingInputCallResponse)
        self.output = unary_stream(channel, path("StreamingOutputCall"), proto.StreamingOutputCallResponse)
        self.duplex = stream_stream(channel, path("FullDuplexCall"), proto.StreamingOutputCallResponse)
        self.half_duplex = stream_stream(channel, path("HalfDuplexCall"), proto.StreamingOutputCallResponse)


@pytest.fixture
def calls(channel: grpc.Channel, proto: SimpleNamespace) -> Calls:
    return Calls(channel, proto)


def large(proto: SimpleNamespace, **fields: Any) -> Any:
    return proto.SimpleRequest(response_size=314159, payload=proto.Payload(body=bytes(271828)), **fields)


def output(proto: SimpleNamespace, *sizes: int, payload: int = 0, **fields: Any) -> Any:
    parameters = [proto.ResponseParameters(size=size) for size in sizes]
    return proto.StreamingOutputCallRequest(
        response_parameters=parameters, payload=proto.Payload(body=bytes(payload)), **fields
    )


def input_part(proto: SimpleNamespace, body: bytes, **fields: Any) -> Any:
    return proto.StreamingInputCallRequest(payload=proto.Payload(body=body), **fields)


def sizes(answers: Any) -> list[int]:
    return [len(answer.payload.body) for answer in answers]


class Requests:
    """An iterator of requests that a test feeds while the call goes on."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Any] = queue.Queue()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._queue.get, None)

    def send(self, request: Any) -> None:
        self._queue.put(request)

    def end(self) -> None:
        self._queue.put(None)


def failure(call: Any) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as raised:
        call()
    return raised.value


# --- Messages ---


def test_empty_unary(calls, proto):
    assert calls.empty(proto.Empty(), timeout=20) == proto.Empty()


def test_large_unary(calls, proto):
    assert sizes([calls.unary(large(proto), timeout=20)]) == [314159]


def test_client_streaming(calls, proto):
    parts = (input_part(proto, bytes(size)) for size, _ in SIZES)
    assert calls.input(parts, timeout=20).aggregated_payload_size == 74922


def test_server_streaming(calls, proto):
    wanted = [size for _, size in SIZES]
    assert sizes(calls.output(output(proto, *wanted), timeout=20)) == wanted


def test_ping_pong(calls, proto):
    requests = Requests()
    answers = calls.duplex(iter(requests), timeout=20)
    for payload, wanted in SIZES:
        requests.send(output(proto, wanted, payload=payload))
        assert len(next(answers).payload.body) == wanted
    requests.end()
    assert list(answers) == []


def test_half_duplex(calls, proto):
    requests = [output(proto, wanted, payload=payload) for payload, wanted in SIZES]
    assert sizes(calls.half_duplex(iter(requests), timeout=20)) == [wanted for _, wanted in SIZES]


def test_empty_stream(calls):
    assert list(calls.duplex(iter([]), timeout=20)) == []


# --- Metadata and status ---

ECHO = [("x-grpc-test-echo-initial", "test_initial_metadata_value")]
TRAILER = ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")


def test_custom_metadata(calls, proto):
    _, call = calls.unary.with_call(large(proto), metadata=[*ECHO, TRAILER], timeout=20)
    assert set(ECHO) <= set(call.initial_metadata())
    assert TRAILER in call.trailing_metadata()
    stream = calls.duplex(iter([output(proto, 314159, payload=271828)]), metadata=[*ECHO, TRAILER], timeout=20)
    assert sizes(stream) == [314159]
    assert set(ECHO) <= set(stream.initial_metadata())
    assert TRAILER in stream.trailing_metadata()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 255])
def test_binary_metadata_of_any_length(calls, proto, count):
    values = [bytes(range(count)), b"\xff" * count]
    metadata = [(TRAILER[0], value) for value in values]
    _, call = calls.unary.with_call(proto.SimpleRequest(), metadata=metadata, timeout=20)
    assert [value for key, value in call.trailing_metadata() if key == TRAILER[0]] == values


def test_status_code_and_message(calls, proto):
    status = proto.EchoStatus(code=2, message="test status message")
    for call in (
        lambda: calls.unary(proto.SimpleRequest(response_status=status), timeout=20),
        lambda: list(calls.duplex(iter([output(proto, response_status=status)]), timeout=20)),
    ):
        error = failure(call)
        assert (error.code(), error.details()) == (grpc.StatusCode.UNKNOWN, "test status message")


def test_special_status_message(calls, proto):
    text = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
    status = proto.EchoStatus(code=2, message=text)
    error = failure(lambda: calls.unary(proto.SimpleRequest(response_status=status), timeout=20))
    assert (error.code(), error.details()) == (grpc.StatusCode.UNKNOWN, text)


@pytest.mark.parametrize("service", [interop.SERVICE, "grpc.testing.UnimplementedService"])
def test_unimplemented(channel, proto, service):
    """unimplemented_method and unimplemented_service."""
    call = unary_unary(channel, f"/{service}/UnimplementedCall", proto.Empty)
    assert failure(lambda: call(proto.Empty(), timeout=20)).code() is grpc.StatusCode.UNIMPLEMENTED


# --- Calls that are given up ---


def test_cancel_after_begin(calls):
    requests = Requests()
    call = calls.input.future(iter(requests), timeout=20)
    call.cancel()
    assert call.code() is grpc.StatusCode.CANCELLED
    requests.end()


def test_cancel_after_first_response(calls, proto):
    requests = Requests()
    requests.send(output(proto, 31415, payload=27182))
    answers = calls.duplex(iter(requests), timeout=20)
    assert len(next(answers).payload.body) == 31415
    answers.cancel()
    assert failure(lambda: next(answers)).code() is grpc.StatusCode.CANCELLED
    requests.end()


def test_timeout_on_sleeping_server(calls, proto):
    requests = Requests()
    requests.send(output(proto, payload=27182))
    answers = calls.duplex(iter(requests), timeout=0.001)
    assert failure(lambda: next(answers)).code() is grpc.StatusCode.DEADLINE_EXCEEDED
    requests.end()


# --- Compression ---


def test_client_compressed_unary(calls, proto):
    expected, unexpected = (large(proto, expect_compressed=proto.BoolValue(value=value)) for value in (True, False))
    gzip = {"compression": grpc.Compression.Gzip, "timeout": 20}
    # Whether the server looks at all.
    assert failure(lambda: calls.unary(expected, timeout=20)).code() is grpc.StatusCode.INVALID_ARGUMENT
    assert failure(lambda: calls.unary(unexpected, **gzip)).code() is grpc.StatusCode.INVALID_ARGUMENT
    assert sizes([calls.unary(expected, **gzip)]) == [314159]
    assert sizes([calls.unary(unexpected, timeout=20)]) == [314159]


def test_client_compressed_streaming(calls, proto):
    yes, no = proto.BoolValue(value=True), proto.BoolValue(value=False)
    probe = [input_part(proto, bytes(27182), expect_compressed=yes)]
    assert failure(lambda: calls.input(iter(probe), timeout=20)).code() is grpc.StatusCode.INVALID_ARGUMENT
    # C-core sends a message as it is where gzip would not make it smaller.
    parts = [
        input_part(proto, bytes(27182), expect_compressed=yes),
        input_part(proto, os.urandom(45904), expect_compressed=no),
    ]
    answer = calls.input(iter(parts), compression=grpc.Compression.Gzip, timeout=20)
    assert answer.aggregated_payload_size == 73086


def test_an_unknown_encoding_is_unimplemented(calls, proto):
    call = failure(
        lambda: calls.unary(large(proto), compression=grpc.Compression.Deflate, timeout=20)
    )
    assert call.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "deflate" in call.details()


@pytest.mark.parametrize("compressed", [True, False])
def test_server_compressed_unary(relay, authority, proto, compressed):
    with interop.channel(relay.port, authority) as channel:
        request = proto.SimpleRequest(response_size=314159, response_compressed=proto.BoolValue(value=compressed))
        assert sizes([Calls(channel, proto).unary(request, timeout=20)]) == [314159]
    assert (relay.to_client < 20_000) == compressed


def test_server_compressed_streaming(relay, authority, proto):
    request = output(proto, 31415, 92653)
    request.response_parameters[0].compressed.value = True
    request.response_parameters[1].compressed.value = False
    with interop.channel(relay.port, authority) as channel:
        assert sizes(Calls(channel, proto).output(request, timeout=20)) == [31415, 92653]
    assert 92653 < relay.to_client < 92653 + 20_000


def test_a_client_that_takes_no_gzip_gets_none(relay, authority, proto):
    # Bits of the accepted encodings: identity alone.
    with interop.channel(relay.port, authority, compression_enabled_algorithms_bitset=1) as channel:
        request = proto.SimpleRequest(response_size=314159, response_compressed=proto.BoolValue(value=True))
        assert sizes([Calls(channel, proto).unary(request, timeout=20)]) == [314159]
    assert relay.to_client > 314159


def test_a_message_that_grows_past_the_limit_is_refused(calls, proto):
    """4 MiB is the limit; 16 MiB of zeros are 16 KiB of gzip."""
    request = proto.SimpleRequest(payload=proto.Payload(body=bytes(16 << 20)))
    error = failure(lambda: calls.unary(request, compression=grpc.Compression.Gzip, timeout=20))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    # And the connection goes on.
    assert calls.empty(proto.Empty(), timeout=20) == proto.Empty()


# --- A server that ends in order ---


def test_a_drained_server_finishes_its_calls(authority, proto):
    server = interop.Server(*interop.server_arguments(authority.issue("drained") if authority else None))
    with interop.channel(server.port, authority, enable_retries=0) as channel:
        calls = Calls(channel, proto)
        requests = [Requests() for _ in range(5)]
        answers = [calls.duplex(iter(each), timeout=20) for each in requests]
        for each, answer in zip(requests, answers, strict=True):
            each.send(output(proto, 10))
            assert len(next(answer).payload.body) == 10
        server.terminate()
        # Refused, and not on a new connection either; those under way are served to their end.
        error = failure(lambda: [calls.empty(proto.Empty(), timeout=20) for _ in range(10_000)])
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert server.process.poll() is None
        for each, answer in zip(requests, answers, strict=True):
            each.send(output(proto, 300_000, 300_000))
            each.end()
            assert sizes(answer) == [300_000, 300_000]
        server.stop()
