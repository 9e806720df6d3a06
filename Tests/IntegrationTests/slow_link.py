"""A TCP link between two peers that lets through as many bytes as a test says."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class SlowLink:
    """Listens on `listen` and passes on to `target`; answers stop after `allow`ed bytes until more are allowed."""

    def __init__(self, listen: tuple[str, int], target: tuple[str, int], *, allow: int) -> None:
        self._target = target
        self._left = allow
        self._more = threading.Condition()
        self._open = True
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(listen)
        self.passed = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._more:
            self._open = False
            self._more.notify_all()
        self._end(self._listener, *self._sockets)

    def allow(self, count: int) -> None:
        with self._more:
            self._left += count
            self._more.notify_all()

    @staticmethod
    def _end(*sockets: socket.socket) -> None:
        for one in sockets:
            # Closing alone would wait for a thread that reads from it.
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while self._open:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target)
            except OSError:
                # The peer behind it is gone: its client sees the end of the connection.
                client.close()
                continue
            self._sockets += [client, server]
            threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, limited: bool) -> None:
        try:
            while data := source.recv(1 << 16):
                while limited and data:
                    with self._more:
                        self._more.wait_for(lambda: self._left > 0 or not self._open)
                        piece, data = data[: self._left], data[self._left :]
                        self._left -= len(piece)
                        self.passed += len(piece)
                        if not self._open:
                            return
                    sink.sendall(piece)
                sink.sendall(data)
        except OSError:
            pass
        finally:
            self._end(source, sink)
