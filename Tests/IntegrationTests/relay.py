"""A TCP relay that counts: what a message weighs on the wire, whoever sent it."""

import socket
import threading


class Relay:
    """Connects whoever comes to `port` with a server, and counts the bytes of each direction."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.to_server = 0
        self.to_client = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            for source, sink, name in ((client, server, "to_server"), (server, client, "to_client")):
                threading.Thread(target=self._copy, args=(source, sink, name), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket, name: str) -> None:
        try:
            while data := source.recv(65536):
                setattr(self, name, getattr(self, name) + len(data))
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            # One side has gone: so has what it was about to say.
            source.close()
            sink.close()

    def close(self) -> None:
        self._listener.close()
