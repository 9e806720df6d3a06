"""A stand-in for the metadata service of an EC2 instance, version 2, on the loopback address."""

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

TOKEN = "AQAEANVtPcNkYmVzdC10b2tlbg=="
PREFIX = "/latest/meta-data/"


class InstanceMetadata:
    """Answers as the service does: a token by PUT, everything else with the token alone.

    `answers` are the attributes by path; a number is a status, and `stuck` names a path (or "token") whose answer
    begins and never ends.
    """

    def __init__(self, answers: dict[str, str | int | bytes], *, token: str | int = TOKEN, stuck: str = "") -> None:
        self.answers = answers
        self.token = token
        self.stuck = stuck
        self.asked: Counter[str] = Counter()
        self._released = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                service._give_token(self)

            def do_GET(self) -> None:
                service._give_attribute(self)

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _give_token(self, request: BaseHTTPRequestHandler) -> None:
        self.asked["token"] += 1
        if request.path != "/latest/api/token" or not request.headers.get("X-aws-ec2-metadata-token-ttl-seconds"):
            self._answer(request, "token", 400)
        else:
            self._answer(request, "token", self.token)

    def _give_attribute(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.removeprefix(PREFIX)
        self.asked[path] += 1
        if request.headers.get("X-aws-ec2-metadata-token") != self.token:
            self._answer(request, path, 401)
        else:
            self._answer(request, path, self.answers.get(path, 404))

    def _answer(self, request: BaseHTTPRequestHandler, path: str, answer: str | int | bytes) -> None:
        if isinstance(answer, int):
            request.send_response(answer)
            request.send_header("content-length", "0")
            request.end_headers()
            return
        body = answer.encode() if isinstance(answer, str) else answer
        request.send_response(200)
        request.send_header("content-type", "text/plain")
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        if path == self.stuck:
            request.wfile.write(body[:1])
            request.wfile.flush()
            self._released.wait()
            request.close_connection = True
        else:
            request.wfile.write(body)
