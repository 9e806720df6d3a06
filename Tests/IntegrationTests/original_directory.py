"""A stand-in for the original's directory, written to SEED-API.md A."""

import contextlib
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


class OriginalDirectory:
    """Takes logins with whole lists in the query, and knows nothing of `/v1/`."""

    def __init__(self, accounts: dict[str, str], *, port: int = 0) -> None:
        self.accounts = accounts
        #: Each login that was taken: when, by whom, with what.
        self.logins: list[tuple[float, str, list[dict[str, Any]]]] = []
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self._connections: list[socket.socket] = []
        directory = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                directory._answer(self, "GET")

            def do_POST(self) -> None:
                directory._answer(self, "POST")

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def process_request(self, request: Any, client_address: Any) -> None:
                directory._connections.append(request)
                super().process_request(request, client_address)

        self._server = Server(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def names(self, peer: str) -> list[str]:
        return sorted(entry["filename"] for entry in self.lists.get(peer, []))

    def _answer(self, request: BaseHTTPRequestHandler, method: str) -> None:
        target = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(target.query).items()}
        request.rfile.read(int(request.headers.get("content-length", 0)))
        code, document = self._document(method, target.path, query)
        body = json.dumps(document).encode()
        request.send_response(code)
        request.send_header("content-type", "application/json")
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _document(self, method: str, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        match method, path:
            case "POST", "/login":
                return self._log_in(query)
            case "GET", "/ver_archivos":
                files = [{"peer": peer} | entry for peer, entries in self.lists.items() for entry in entries]
                return 200, {"archivos": files}
        return 404, {"detail": "Not Found"}

    def _log_in(self, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        name = query.get("username", "")
        if self.accounts.get(name) != query.get("password"):
            return 401, {"detail": "Usuario o contraseña incorrectos"}
        try:
            entries = json.loads(query["files_index"])
            assert all(isinstance(entry["filename"], str) and "url" in entry for entry in entries)
        except (ValueError, KeyError, AssertionError):
            return 400, {"detail": "Formato inválido en files_index"}
        self.lists[name] = entries
        self.logins.append((time.monotonic(), name, entries))
        return 200, {"status": "OK", "token": "simulado"}
