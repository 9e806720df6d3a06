"""Our gRPC client, run through gRPC's interoperability cases against grpcio (C-core), in plaintext and over TLS,
and through the HTTP/2 negative cases against a server on python-h2."""

from collections.abc import Iterator
from types import SimpleNamespace

import interop
import interop_service
import pytest
from certificates import Authority
from odd_server import OddServer
from relay import Relay
from waiting import until

CASES = [
    "empty_unary",
    "large_unary",
    "client_streaming",
    "server_streaming",
    "ping_pong",
    "empty_stream",
    "custom_metadata",
    "status_code_and_message",
    "special_status_message",
    "unimplemented_method",
    "unimplemented_service",
    "cancel_after_begin",
    "cancel_after_first_response",
    "timeout_on_sleeping_server",
    "server_compressed_unary",
    "server_compressed_streaming",
]


@pytest.fixture(scope="module")
def proto(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    return interop.messages(tmp_path_factory.mktemp("interop"))


@pytest.fixture(scope="module", params=["plaintext", "tls"])
def authority(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Authority | None:
    return Authority(tmp_path_factory.mktemp("ca"), "authority") if request.param == "tls" else None


@pytest.fixture(scope="module")
def server(proto: SimpleNamespace, authority: Authority | None) -> Iterator[interop_service.Server]:
    server = interop_service.Server(proto, authority.issue("server") if authority else None)
    yield server
    server.stop()


@pytest.mark.parametrize("case", CASES)
def test_case(server, authority, case):
    interop.run_case(case, server.port, *interop.client_arguments(authority))


def test_a_cancellation_reaches_the_server(server, authority):
    server.service.cancelled.clear()
    interop.run_case("cancel_after_first_response", server.port, *interop.client_arguments(authority))
    assert server.service.cancelled.wait(20)


# --- Against python-h2, which shows every frame ---


@pytest.mark.parametrize("case", ["client_compressed_unary", "client_compressed_streaming", "large_unary"])
def test_messages_on_the_wire(proto, case):
    with OddServer(case, proto) as server:
        relay = Relay(server.port)
        interop.run_case(case, relay.port)
        relay.close()
        assert server.errors == []
        encodings = {request.get("grpc-encoding") for request in server.requests}
        assert encodings == ({"gzip"} if "compressed" in case else {None})
        assert all("gzip" in request["grpc-accept-encoding"] for request in server.requests)
    if case == "client_compressed_streaming":
        # Two messages of 27,182 bytes, one of them compressed, and one of 45,904.
        assert 27182 + 45904 < relay.to_server < 27182 + 45904 + 10_000


@pytest.mark.parametrize("case", ["goaway", "rst_after_header", "rst_during_data", "rst_after_data", "ping"])
def test_negative_case(proto, case):
    with OddServer(case, proto) as server:
        interop.run_case(case, server.port)
        assert server.errors == []
        # After a GOAWAY the next call has a connection of its own.
        assert server.connections == (2 if case == "goaway" else 1)
        if case == "ping":
            assert server.pings_sent > 10
            until(lambda: server.pings_answered == server.pings_sent, "every ping to be answered")


def test_max_streams(proto):
    with OddServer("max_streams", proto) as server:
        interop.run_case("max_streams", server.port)
        assert server.errors == []
        assert (server.connections, server.most_streams, len(server.requests)) == (1, 1, 11)
