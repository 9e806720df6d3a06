"""Short connections to a peer's public ports, one after the other, and what became of each."""

import collections
import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Self

from fleet.peer import PORTS, Peer

#: Seconds. A connection that waits out a restart gets its answer when the daemon is back.
_ANSWER_DEADLINE = 15.0
#: Seconds between two connections of one client: some hundred a second, as much as the tests' two cores leave.
_PAUSE = 0.005
_CLIENTS_A_PORT = 2
_GET = b"GET %s HTTP/1.1\r\nHost: peer\r\nConnection: close\r\n\r\n"
#: The connection preface of HTTP/2 with an empty SETTINGS frame (RFC 9113, section 3.4).
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
#: What is said on a port, and how the answer begins; a gRPC server's first frame is SETTINGS (type 4).
_TALK = {
    "REST": (_GET % b"/health", lambda answer: answer.startswith(b"HTTP/1.1 200")),
    "gRPC": (_PREFACE, lambda answer: answer[3:4] == b"\x04"),
    "metrics": (_GET % b"/metrics", lambda answer: answer.startswith(b"HTTP/1.1 200")),
}


class ConnectionLoad:
    """Clients that connect, ask, take the beginning of the answer and go, until the load is ended.

    `outcomes` counts per (port, outcome): "answered", "refused" (the kernel said that nobody listens), "cut" (closed
    or reset without an answer), "timed out".
    """

    def __init__(self, peer: Peer) -> None:
        self._address = peer.host.address
        self._end = threading.Event()
        self._lock = threading.Lock()
        self.outcomes: collections.Counter[tuple[str, str]] = collections.Counter()
        self._clients = [
            threading.Thread(target=self._connect_again_and_again, args=(name,))
            for name in PORTS
            for _ in range(_CLIENTS_A_PORT)
        ]

    def __enter__(self) -> Self:
        for client in self._clients:
            client.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        for client in self._clients:
            client.join()

    def total(self, outcome: str) -> int:
        return sum(count for (_, name), count in self.outcomes.items() if name == outcome)

    def _connect_again_and_again(self, name: str) -> None:
        while not self._end.wait(_PAUSE):
            outcome = self._connect_once(name)
            with self._lock:
                self.outcomes[name, outcome] += 1

    def _connect_once(self, name: str) -> str:
        question, is_answer = _TALK[name]
        with contextlib.closing(socket.socket()) as client:
            client.settimeout(_ANSWER_DEADLINE)
            # Closed by a reset: thousands of connections would otherwise hold all local ports in TIME_WAIT.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            try:
                client.connect((self._address, PORTS[name]))
                client.sendall(question)
                return "answered" if is_answer(client.recv(4096)) else "cut"
            except ConnectionRefusedError:
                return "refused"
            except TimeoutError:
                return "timed out"
            except OSError:
                return "cut"
