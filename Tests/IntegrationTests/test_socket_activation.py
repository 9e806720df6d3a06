"""Sockets that the service manager made: who gets which, and that no client notices a restart."""

import contextlib
import http.client
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from admin import AdminError
from grpc_calls import unary_unary
from peers import DAEMON, P2PADM, Peer, clean_environment, unprivileged
from waiting import until

import admin

ACTIVATED = Path(__file__).with_name("activated.py")
RESTARTS = 50


def tcp_listener() -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.setblocking(False)
    return listener


def unix_listener(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(64)
    return listener


class Unit:
    """The socket units' part of a service manager: holds the sockets and passes them at each start."""

    def __init__(self, peer: Peer, sockets: list[tuple[str, socket.socket]]) -> None:
        self.peer = peer
        self.sockets = sockets

    def launch(self) -> None:
        self.peer.write_configuration()
        passed = ",".join(f"{name}={listener.fileno()}" for name, listener in self.sockets)
        with self.peer.stderr.open("ab") as log:
            self.peer.process = subprocess.Popen(
                [sys.executable, str(ACTIVATED), passed, str(DAEMON), "--config", str(self.peer.config_file)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.peer.directory,
                env=clean_environment(),
                pass_fds=[listener.fileno() for _, listener in self.sockets],
            )

    def start(self) -> Peer:
        self.launch()
        status = until(self.peer._answering, "the daemon to answer")
        self.peer.ports, self.peer.url = status["ports"], status["url"]
        return self.peer


def ports_of(sockets: list[tuple[str, socket.socket]]) -> list[int]:
    return [listener.getsockname()[1] for _, listener in sockets]


@pytest.fixture
def public() -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(tcp_listener()) for _ in range(3)]


def test_named_sockets_are_served_instead_of_the_configured_ports(peer_factory, public):
    names = ["metrics", "rest", "grpc"]
    unit = Unit(peer_factory.new(), list(zip(names, public, strict=True)))
    peer = unit.start()
    assert [peer.ports[name] for name in names] == ports_of(unit.sockets)
    assert peer.adm("status").returncode == 0, "no admin socket was passed, so it makes its own"


def test_sockets_of_one_unit_are_told_apart_by_their_ports(peer_factory, public):
    rest, metrics, grpc_port = (listener.getsockname()[1] for listener in public)
    peer = peer_factory.new(rest_port=rest, grpc_port=grpc_port, metrics_port=metrics)
    Unit(peer, [("public", public[0]), ("public", public[1]), ("p2p-peer.socket", public[2])]).start()
    assert peer.ports == {"rest": rest, "grpc": grpc_port, "metrics": metrics}


def test_a_port_that_was_not_passed_is_bound(peer_factory, public):
    peer = Unit(peer_factory.new(), [("grpc", public[0])]).start()
    assert peer.ports["grpc"] == public[0].getsockname()[1]
    assert _health(peer.ports["rest"]) == 200


def test_every_socket_that_cannot_be_placed_is_told(peer_factory, public, tmp_path):
    with unix_listener(tmp_path / "s") as local, socket.socket() as unbound:
        peer = peer_factory.new(rest_port=public[0].getsockname()[1] ^ 1)
        sockets = [("web", public[0]), ("public", public[1]), ("grpc", local), ("metrics", unbound)]
        sockets += [("admin", public[2]), ("rest", public[0]), ("rest", public[1])]
        Unit(peer, sockets).launch()
        assert peer.wait() == 78
        lines = peer.log().splitlines()
    assert len(lines) == 6, lines
    for line, words in zip(
        lines,
        [
            ("web", "none of rest, grpc, metrics, admin, read, public"),
            (f"port {public[1].getsockname()[1]} is none", "rest_port"),
            ("grpc", "listening TCP socket"),
            ("metrics", "listening TCP socket"),
            ("admin", "listening local stream socket"),
            ("rest", "passed already"),
        ],
        strict=True,
    ):
        assert all(word in line for word in words), line


def test_admin_and_read_sockets(peer_factory, tmp_path):
    """The kernel says who connects; the daemon, what may be asked where. It makes no socket of its own."""
    peer = peer_factory.new()
    own, peer.socket = peer.socket, peer.directory / "a.sock"
    read = peer.directory / "r.sock"
    with unix_listener(peer.socket) as admin_listener, unix_listener(read) as read_listener:
        Unit(peer, [("read", read_listener), ("admin", admin_listener)]).start()
        assert not own.exists()
        assert admin.call(read, "Status")["pid"] == peer.pid
        with pytest.raises(AdminError) as refused:
            admin.call(read, "Rescan")
        assert refused.value.name == "PermissionDenied" and refused.value.fields["group"] == "p2p-admin"
        peer.call("Rescan")
        result = peer.adm("reload", "--socket", read)
        assert result.returncode == 77 and "usermod -aG p2p-admin" in result.stderr
        assert peer.stop() == 0
        assert peer.socket.exists() and read.exists(), "they belong to the socket units"
        # Asked while nobody serves: the kernel queues the call.
        waiting = subprocess.Popen(
            [P2PADM, "status", "--socket", read], stdout=subprocess.PIPE, text=True, env=clean_environment()
        )
        Unit(peer, [("read", read_listener), ("admin", admin_listener)]).start()
        output, _ = waiting.communicate(timeout=20)
        assert waiting.returncode == 0 and peer.name in output


def test_who_lacks_the_group_is_told_it(peer_factory):
    peer = peer_factory()
    options = unprivileged()
    if not options:
        pytest.skip("needs root, to ask as somebody else")
    peer.directory.chmod(0o755)
    for parent in peer.directory.parents:
        if parent.is_relative_to("/tmp/pytest-of-root"):
            parent.chmod(0o755)
    peer.socket.chmod(0o600)
    result = peer.adm("status", **options)
    assert result.returncode == 77
    assert "p2p-admin" in result.stderr and "p2p-read" in result.stderr and "usermod -aG" in result.stderr


# --- Restarts under load ---


def _health(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/health", headers={"Connection": "close"})
        return connection.getresponse().status
    finally:
        connection.close()


def _metrics(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().status
    finally:
        connection.close()


class Load:
    """Clients that each open one new connection after the other, until told to stop."""

    def __init__(self, calls: dict[str, Callable[[], object]]) -> None:
        self.answered: Counter[str] = Counter()
        self.failures: list[str] = []
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=item, daemon=True) for item in calls.items()]

    def _call(self, name: str, call: Callable[[], object]) -> None:
        while not self._ending.is_set():
            try:
                call()
                self.answered[name] += 1
            except Exception as error:  # noqa: BLE001: whatever a client meets counts
                self.failures.append(f"{name}: {error!r}")

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(60)


def test_restarts_under_load_refuse_nobody(peer_factory, public):
    names = ["rest", "grpc", "metrics"]
    unit = Unit(peer_factory.new(log_level="info"), list(zip(names, public, strict=True)))
    rest, grpc_port, metrics = ports_of(unit.sockets)
    peer = unit.start()

    def check() -> None:
        # Channels to one address share connections, unless told not to.
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
        with grpc.insecure_channel(f"127.0.0.1:{grpc_port}", options=options) as channel:
            unary_unary(channel, "/grpc.health.v1.Health/Check", _Empty)(_Empty(), timeout=30)

    calls = {f"rest {i}": lambda: _health(rest) for i in range(2)}
    calls |= {"metrics": lambda: _metrics(metrics), "grpc 1": check, "grpc 2": check}
    with Load(calls) as load:
        for turn in range(RESTARTS):
            before = load.answered.copy()
            until(lambda: all(load.answered[name] > before[name] for name in calls), f"answers in turn {turn}", 60)
            assert peer.stop() == 0
            unit.start()
    assert not load.failures, (len(load.failures), Counter(load.failures).most_common(5), load.answered)


class _Empty:
    """A message without fields that is worth sending, whatever answers it."""

    def SerializeToString(self) -> bytes:  # noqa: N802: the name that protobuf gave it
        return b""

    @staticmethod
    def FromString(_: bytes) -> "_Empty":  # noqa: N802
        return _Empty()
