"""TLS of our gRPC transport: who is let in, who is not, and what is said of it. Certificates are openssl's."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import grpc
import interop
import interop_service
import pytest
from certificates import Authority, Identity
from grpc_calls import unary_unary


@pytest.fixture(scope="module")
def proto(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    return interop.messages(tmp_path_factory.mktemp("interop"))


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def authority(directory: Path) -> Authority:
    return Authority(directory, "authority")


@pytest.fixture(scope="module")
def stranger(directory: Path) -> Authority:
    return Authority(directory, "stranger")


@pytest.fixture(scope="module")
def identities(authority: Authority, stranger: Authority) -> SimpleNamespace:
    return SimpleNamespace(
        server=authority.issue("server"),
        client=authority.issue("client"),
        expired=authority.issue("expired", days=-1),
        elsewhere=authority.issue("elsewhere", "DNS:elsewhere.example"),
        foreign=stranger.issue("foreign"),
    )


# --- Our server ---


@pytest.fixture(scope="module", params=["ignored", "optional", "required"])
def server(request, identities, authority) -> Iterator[tuple[str, interop.Server]]:
    arguments = [*interop.server_arguments(identities.server), "--ca", authority.certificate]
    server = interop.Server(*arguments, "--clients", request.param)
    yield request.param, server
    server.stop()


def answers(port: int, proto: SimpleNamespace, authority: Authority, client: Identity | None = None) -> bool:
    with interop.channel(port, authority, client) as channel:
        call = unary_unary(channel, f"/{interop.SERVICE}/EmptyCall", proto.Empty)
        try:
            return call(proto.Empty(), timeout=20) == proto.Empty()
        except grpc.RpcError as error:
            assert error.code() is grpc.StatusCode.UNAVAILABLE
            return False


@pytest.mark.parametrize("client", ["none", "client", "foreign", "expired"])
def test_clients_certificates(server, proto, authority, identities, client):
    asked, server = server
    identity = None if client == "none" else getattr(identities, client)
    allowed = {
        "ignored": {"none", "client", "foreign", "expired"},
        "optional": {"none", "client"},
        "required": {"client"},
    }
    assert answers(server.port, proto, authority, identity) == (client in allowed[asked])


def test_a_client_that_trusts_another_authority_leaves(server, proto, stranger, identities):
    assert not answers(server[1].port, proto, stranger, identities.client)


@pytest.mark.parametrize("protocols", [[], ["http/1.1"], ["h2"], ["http/1.1", "h2"]])
def test_a_client_must_ask_for_http2(server, authority, identities, protocols):
    context = ssl.create_default_context(cafile=str(authority.certificate))
    context.load_cert_chain(identities.client.certificate, identities.client.key)
    context.set_alpn_protocols(protocols)
    with socket.create_connection(("127.0.0.1", server[1].port), timeout=20) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as client:
            # A server's SETTINGS come first, from whom speaks HTTP/2.
            assert (client.recv(9)[3:4] == b"\x04") == ("h2" in protocols)


def test_old_versions_of_tls_are_refused(server, authority):
    context = ssl.create_default_context(cafile=str(authority.certificate))
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", server[1].port), timeout=20) as plain:
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(plain, server_hostname="localhost")


def test_plaintext_is_not_answered(server, proto):
    assert not answers(server[1].port, proto, None)


# --- Our client ---


def refusal(port: int, *arguments: object) -> str:
    with pytest.raises(AssertionError) as raised:
        interop.run_case("empty_unary", port, *arguments)
    assert "unavailable" in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("certificate", ["foreign", "expired", "elsewhere"])
def test_a_server_must_prove_itself(proto, authority, identities, certificate):
    server = interop_service.Server(proto, getattr(identities, certificate))
    try:
        refusal(server.port, *interop.client_arguments(authority))
    finally:
        server.stop()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_certificate_names_an_address_or_a_name(proto, authority, identities, host):
    server = interop_service.Server(proto, identities.server)
    try:
        interop.run_case("empty_unary", server.port, "--host", host, *interop.client_arguments(authority))
    finally:
        server.stop()


@pytest.mark.parametrize("client", ["client", "foreign", None])
def test_a_server_asks_for_our_certificate(proto, authority, identities, client):
    server = interop_service.Server(proto, identities.server, clients=authority)
    arguments = interop.client_arguments(authority, getattr(identities, client) if client else None)
    try:
        if client == "client":
            interop.run_case("empty_unary", server.port, *arguments)
        else:
            refusal(server.port, *arguments)
    finally:
        server.stop()


def test_a_server_without_http2_is_refused(authority, identities):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identities.server.certificate, identities.server.key)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = listener.accept()
        with context.wrap_socket(client, server_side=True) as secured:
            secured.recv(1)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert "ALPN h2" in refusal(listener.getsockname()[1], *interop.client_arguments(authority))
    thread.join(20)
    listener.close()


def test_a_server_without_tls_is_refused(proto, authority):
    server = interop_service.Server(proto)
    try:
        refusal(server.port, *interop.client_arguments(authority))
    finally:
        server.stop()
