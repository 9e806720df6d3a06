"""The daemon as a service: what it tells systemd, how it starts, reloads, drains and ends."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import requests
from grpc_calls import unary_stream
from peers import Peer
from waiting import until


class Manager:
    """The service manager's end of NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.messages: list[dict[str, str]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self) -> None:
        while True:
            try:
                text = self._socket.recv(65536).decode()
            except OSError:
                return
            self.messages.append(dict(line.split("=", 1) for line in text.splitlines()))

    def close(self) -> None:
        self._socket.close()

    def count(self, key: str, value: str = "1") -> int:
        return sum(message.get(key) == value for message in self.messages)

    def statuses(self) -> list[str]:
        return [message["STATUS"] for message in self.messages if "STATUS" in message]


@pytest.fixture
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    manager = Manager(tmp_path_factory.mktemp("n") / "notify")
    yield manager
    manager.close()


# --- sd_notify ---


def test_ready_once_the_ports_answer(peer_factory, manager):
    peer = peer_factory.new()
    peer.share("a.txt", b"a")
    peer.launch(NOTIFY_SOCKET=str(manager.path))
    until(lambda: manager.count("READY"), "READY=1")
    # No waiting from here on: READY has promised it.
    status = peer.status()
    assert requests.get(f"{status['url']}/health", timeout=5).status_code == 200
    with socket.create_connection(("127.0.0.1", status["ports"]["grpc"]), timeout=5):
        pass
    until(lambda: any("1 file" in text for text in manager.statuses()), "STATUS= to tell the files")


def test_reload_by_sighup(peer_factory, manager):
    peer = peer_factory.new(search_ttl=3)
    peer.launch(NOTIFY_SOCKET=str(manager.path))
    until(lambda: manager.count("READY") == 1, "READY=1")
    peer.url = peer.status()["url"]
    peer.write_configuration(search_ttl=5)
    peer.send(signal.SIGHUP)
    until(lambda: manager.count("READY") == 2, "READY=1 again")
    assert manager.count("RELOADING") == 1
    reloading = next(message for message in manager.messages if "RELOADING" in message)
    assert 0 < int(reloading["MONOTONIC_USEC"]) <= time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6
    assert requests.get(f"{peer.url}/status", timeout=5).json()["config"]["search_ttl"] == 5

    peer.config_file.write_text("{nonsense")
    peer.send(signal.SIGHUP)
    until(lambda: manager.count("READY") == 3, "READY=1 after the refusal")
    assert requests.get(f"{peer.url}/status", timeout=5).json()["config"]["search_ttl"] == 5
    assert "peer.json:1" in peer.log()


def test_stopping(peer_factory, manager):
    peer = peer_factory.new()
    peer.launch(NOTIFY_SOCKET=str(manager.path))
    until(lambda: manager.count("READY"), "READY=1")
    assert peer.stop() == 0
    until(lambda: manager.count("STOPPING"), "STOPPING=1")


def test_the_watchdog_is_fed(peer_factory, manager):
    peer = peer_factory.new()
    peer.launch(NOTIFY_SOCKET=str(manager.path), WATCHDOG_USEC="900000")
    until(lambda: manager.count("WATCHDOG") >= 3, "WATCHDOG=1 three times", 5)


def test_the_watchdog_is_fed_on_an_address_of_its_own(peer_factory, manager):
    """The self-check goes to the address that is bound, which need not be the loopback's first."""
    peer = peer_factory.new(bind_address="127.0.0.3", ip="127.0.0.3")
    peer.launch(NOTIFY_SOCKET=str(manager.path), WATCHDOG_USEC="900000")
    until(lambda: manager.count("WATCHDOG") >= 3, "WATCHDOG=1 three times", 5)


def test_the_watchdog_is_not_fed_without_being_asked(peer_factory, manager):
    peer = peer_factory.new()
    peer.launch(NOTIFY_SOCKET=str(manager.path))
    until(lambda: manager.count("READY"), "READY=1")
    assert peer.stop() == 0
    assert manager.count("WATCHDOG") == 0


# --- The end ---


def test_sigterm_and_sigint_end_with_0(peer_factory):
    for number in (signal.SIGTERM, signal.SIGINT):
        peer = peer_factory()
        begin = time.monotonic()
        peer.send(number)
        assert peer.wait() == 0
        assert time.monotonic() - begin < 3, "nothing was under way"
        assert not peer.socket.exists()


def test_a_start_after_kill_9_takes_the_socket_over(peer):
    peer.kill()
    assert peer.socket.exists()
    peer.start()
    assert peer.adm("status").returncode == 0


def _slow_rest(peer: Peer, name: str, *, closes: bool = True) -> tuple[socket.socket, bytes]:
    """A download whose reader has taken the head and does not read on."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    connection.settimeout(20)
    connection.connect(("127.0.0.1", peer.ports["rest"]))
    close = "Connection: close\r\n" if closes else ""
    connection.sendall(f"GET /files/{name} HTTP/1.1\r\nHost: x\r\n{close}\r\n".encode())
    return connection, connection.recv(1000)


@pytest.mark.parametrize("turn", range(3))
@pytest.mark.parametrize("closes", [True, False])
def test_sigterm_lets_a_slow_rest_download_end(peer, closes, turn):
    """To its last byte: those that the daemon has written may still be on their way. A race, so it is run again."""
    data = peer.share("large.bin", 32 << 20)
    peer.wait_for_files(1, hashed=False)
    connection, begun = _slow_rest(peer, "large.bin", closes=closes)
    with connection:
        peer.send(signal.SIGTERM)
        until(lambda: not _accepts(peer.ports["rest"]), "new connections to be refused")
        assert peer.process and peer.process.poll() is None, "it ended while somebody was reading"
        received = begun + b"".join(iter(lambda: connection.recv(1 << 20), b""))
    body = received.partition(b"\r\n\r\n")[2]
    assert len(body) == len(data)
    assert body == data
    assert peer.wait() == 0


def test_sigterm_lets_a_slow_grpc_download_end(peer, wire):
    data = peer.share("large.bin", 32 << 20)
    peer.wait_for_files(1)
    with grpc.insecure_channel(peer.grpc_target) as channel:
        download = unary_stream(channel, "/FileTransfer/DummyDownload", wire.seed.FileChunk)
        chunks = download(wire.seed.FileRequest(filename="large.bin"), timeout=60)
        received = [next(chunks).data]
        peer.send(signal.SIGTERM)
        until(lambda: not _accepts(peer.ports["grpc"]), "new connections to be refused")
        received += [chunk.data for chunk in chunks]
    assert b"".join(received) == data
    assert peer.wait() == 0


def test_a_reader_that_never_reads_does_not_hold_the_end_up_for_ever(peer):
    peer.share("large.bin", 32 << 20)
    peer.wait_for_files(1)
    connection, _ = _slow_rest(peer, "large.bin")
    with connection:
        begin = time.monotonic()
        peer.send(signal.SIGTERM)
        assert peer.wait(15) == 0
        assert time.monotonic() - begin < 12


def test_an_idle_connection_does_not_hold_the_end_up(peer):
    with (
        socket.create_connection(("127.0.0.1", peer.ports["rest"])),
        socket.create_connection(("127.0.0.1", peer.ports["grpc"])),
        socket.create_connection(("127.0.0.1", peer.ports["metrics"])),
        requests.Session() as session,
    ):
        assert session.get(f"{peer.url}/health", timeout=5).status_code == 200
        begin = time.monotonic()
        peer.send(signal.SIGTERM)
        assert peer.wait() == 0
        assert time.monotonic() - begin < 5


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


# --- One instance ---


def test_a_second_instance_on_the_same_state_is_refused(peer_factory):
    first = peer_factory()
    second = peer_factory.new(state_dir=str(first.state))
    second.launch()
    assert second.wait() == 69
    lines = second.log().splitlines()
    assert len(lines) == 1
    assert str(first.pid) in lines[0] and str(first.state) in lines[0]
    assert first.adm("status").returncode == 0


def test_a_second_instance_on_the_same_admin_socket_is_refused(peer_factory):
    first = peer_factory()
    second = peer_factory.new(admin_socket=str(first.socket))
    second.launch()
    assert second.wait() == 69
    assert len(second.log().splitlines()) == 1 and str(first.socket) in second.log()
    assert first.adm("status").returncode == 0


def test_the_identity_survives_a_restart(peer):
    before = peer.status()["id"]
    peer.restart()
    assert peer.status()["id"] == before


# --- The log ---


def test_lines_on_stderr_can_be_read(peer):
    assert peer.log()
    for line in peer.log().splitlines():
        assert (
            line[:2] == "20"
            and line[10] == "T"
            and line.split()[1] in ("trace", "debug", "info", "notice", "warning", "error", "critical")
        ), line


def test_nothing_is_said_twice_a_second_when_nothing_happens(peer_factory):
    """At the default level an idle pair of peers is silent, however often it checks its neighbours."""
    pair = peer_factory.fleet(2, log_level="info", health_check_interval=0.05)
    quiet = [peer.log() for peer in pair]
    stop_after = time.monotonic() + 1
    until(lambda: time.monotonic() > stop_after, "twenty checks")
    for before, peer in zip(quiet, pair, strict=True):
        assert len(peer.log().splitlines()) - len(before.splitlines()) <= 2, peer.log()


def test_a_journal_gets_fields(peer_factory):
    """Where stderr is said to be the journal's, nothing is written to it as text."""
    peer = peer_factory.new()
    peer.write_configuration()
    peer.stderr.touch()
    info = peer.stderr.stat()
    if not Path("/run/systemd/journal/socket").exists():
        pytest.skip("no journal on this host")
    peer.start(JOURNAL_STREAM=f"{info.st_dev}:{info.st_ino}")
    assert peer.log() == ""


def test_memory_and_descriptors_do_not_leak_by_requests(peer):
    """Each request closes what it opened."""
    peer.share("a.txt", b"a")
    peer.wait_for_files(1)

    def open_files() -> int:
        return len(os.listdir(f"/proc/{peer.pid}/fd"))

    def use() -> None:
        for _ in range(30):
            requests.get(f"{peer.url}/files/a.txt", timeout=5)
            requests.get(f"{peer.url}/search", params={"query": "a"}, timeout=5)
            peer.status()

    use()
    before = open_files()
    use()
    until(lambda: open_files() <= before + 2, "the descriptors to be closed")
