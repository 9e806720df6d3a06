"""A neighbour that speaks only REST: a stand-in for the original program, written to SEED-API.md."""

import contextlib
import hashlib
import json
import socket
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import requests


class RESTOnlyPeer:
    """Serves files from memory; counts what it is asked."""

    def __init__(self, name: str, files: dict[str, bytes], *, port: int = 0, tells_checksums: bool = True) -> None:
        self.name = name
        self.files = files
        self.tells_checksums = tells_checksums
        self.asked: Counter[str] = Counter()
        self.known: set[str] = set()
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                peer._answer(self, "GET")

            def do_POST(self) -> None:
                peer._answer(self, "POST")

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def process_request(self, request: Any, client_address: Any) -> None:
                peer._connections.append(request)
                super().process_request(request, client_address)

        self._connections: list[socket.socket] = []
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
        self.stop()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        # Kept-alive connections would go on answering.
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def register_with(self, url: str) -> dict[str, Any]:
        answer = requests.post(f"{url}/register", json={"url": self.url}, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def _answer(self, request: BaseHTTPRequestHandler, method: str) -> None:
        path = urlsplit(request.path).path
        body = request.rfile.read(int(request.headers.get("content-length", 0)))
        self.asked[f"{method} {'/files/NAME' if path.startswith('/files/') else path}"] += 1
        if path.startswith("/files/") and (data := self.files.get(unquote(path.removeprefix("/files/")))) is not None:
            self._send(request, 200, data, "application/octet-stream")
            return
        answer = self._document(method, path, body)
        text = json.dumps(answer or {"detail": "Not Found"}).encode()
        self._send(request, 404 if answer is None else 200, text, "application/json")

    def _document(self, method: str, path: str, body: bytes) -> dict[str, Any] | None:
        match method, path:
            case "GET", "/health":
                return {"status": "ok", "peer": self.name, "url": self.url, "stats": {"total_peers": len(self.known)}}
            case "POST", "/register":
                self.known.add(json.loads(body)["url"])
                return {"ok": True, "peers": sorted(self.known)}
            case "GET", "/files":
                return {"peer": self.name, "base": self.url, "files": [self.entry(name) for name in self.files]}
            case "GET", "/search":
                return {"query": "", "ttl": 0, "fanout_used": 0, "results": []}
        return None

    def entry(self, name: str) -> dict[str, Any]:
        data = self.files[name]
        entry = {
            "name": name,
            "size": len(data),
            "type": name.rpartition(".")[2],
            "rest_url": f"{self.url}/files/{name}",
            "grpc": "grpc://127.0.0.1:1",
        }
        return entry | ({"checksum": hashlib.sha256(data).hexdigest()} if self.tells_checksums else {})

    @staticmethod
    def _send(request: BaseHTTPRequestHandler, code: int, body: bytes, kind: str) -> None:
        request.send_response(code)
        request.send_header("content-type", kind)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
