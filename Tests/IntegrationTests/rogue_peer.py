"""A peer that speaks p2p.v1 through grpcio, and lies about the file that it is said to have."""

import hashlib
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace, TracebackType
from typing import Any, Self

import grpc
from rest_only_peer import RESTOnlyPeer

PIECE = 1 << 20


class RoguePeer(RESTOnlyPeer):
    """Announces `data` as `path`, with its true SHA-256; what it sends depends on its manner.

    honest; wrong: one bit of each piece is another; short: half of what was asked for; endless: zeros without end
    after it; shuffled: the piece before the one that was asked for; another: the bytes and the manifest of another
    file of this size; silent: nothing; old: no manifest, as a version that does not know the call.
    """

    def __init__(self, wire: SimpleNamespace, name: str, path: str, data: bytes, manner: str) -> None:
        super().__init__(name, {})
        self.wire, self.trees = wire.peer, wire.trees
        self.path, self.data, self.manner = path, data, manner
        self.other = bytes(byte ^ 0xFF for byte in data[:PIECE]) + data[PIECE:] if manner == "another" else data
        self.identity = os.urandom(32)
        self.pieces_asked = 0
        #: What p2p.v1.Trees lists, and what it then gives; "old" knows no such service.
        self.tree: dict[str, bytes] = {}
        self.sent: dict[str, bytes] = {}
        self._stopped = threading.Event()
        self._grpc = grpc.server(ThreadPoolExecutor(8))
        self.grpc_port = self._grpc.add_insecure_port("127.0.0.1:0")
        calls = {
            "Overlay": {"Search": self._handler(self._search, self.wire.SearchRequest)},
            "Files": {
                "Download": self._handler(self._download, self.wire.DownloadRequest),
                "Manifest": self._handler(self._manifest, self.wire.ManifestRequest),
                "Stat": grpc.unary_unary_rpc_method_handler(
                    self._stat,
                    request_deserializer=self.wire.StatRequest.FromString,
                    response_serializer=lambda reply: reply.SerializeToString(),
                ),
            },
        }
        if manner != "old":
            calls["Trees"] = {
                "List": self._handler(self._list, self.trees.ListRequest),
                "Bundle": self._handler(self._bundle, self.trees.BundleRequest),
            }
        for service, methods in calls.items():
            handler = grpc.method_handlers_generic_handler(f"p2p.v1.{service}", methods)
            self._grpc.add_generic_rpc_handlers((handler,))

    @staticmethod
    def _handler(call: Any, request: Any) -> grpc.RpcMethodHandler:
        return grpc.unary_stream_rpc_method_handler(
            call, request_deserializer=request.FromString, response_serializer=lambda reply: reply.SerializeToString()
        )

    def __enter__(self) -> Self:
        self._grpc.start()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._grpc.stop(None).wait()
        super().__exit__(kind, error, trace)

    def _document(self, method: str, path: str, body: bytes) -> dict[str, Any] | None:
        document = super()._document(method, path, body)
        if path in ("/health", "/register") and document:
            document |= {
                "id": self.identity.hex(),
                "name": self.name,
                "version": "0.9.0",
                "grpc": f"127.0.0.1:{self.grpc_port}",
            }
        return document

    # --- p2p.v1 ---

    def _search(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        wire = self.wire
        me = wire.Address(
            url=self.url, id=self.identity, name=self.name, grpc=f"127.0.0.1:{self.grpc_port}", version="0.9.0"
        )
        files = [self.file] if request.text.lower() in self.path.rpartition("/")[2].lower() else []
        yield wire.SearchReply(answer=wire.Answer(peer=me, files=files))
        yield wire.SearchReply(end=wire.End())

    def _stat(self, request: Any, context: grpc.ServicerContext) -> Any:
        file = self.file
        if file.sha256 != request.sha256 and file.path != request.path:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such file")
        return self.wire.StatReply(file=file)

    @property
    def file(self) -> Any:
        digest = hashlib.sha256(self.data).digest()
        return self.wire.File(path=self.path, size=len(self.data), modified=1, sha256=digest)

    def _list(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """All, whatever the directory is."""
        for path, data in self.tree.items():
            digest = hashlib.sha256(data).digest()
            yield self.trees.ListReply(files=[self.wire.File(path=path, size=len(data), modified=1, sha256=digest)])

    def _bundle(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        for index, path in enumerate(request.paths):
            if path in self.sent:
                file = self.trees.BundledFile(index=index, data=self.sent[path])
            else:
                file = self.trees.BundledFile(index=index, refusal="no such file")
            yield self.trees.BundleReply(files=[file, self.trees.BundledFile(index=1 << 30, data=b"of nobody")])

    def _manifest(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        if self.manner == "old":
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
        pieces = [self.other[start : start + PIECE] for start in range(0, len(self.other), PIECE)]
        digests = b"".join(hashlib.sha256(piece).digest() for piece in pieces)
        yield self.wire.ManifestReply(size=len(self.data), first_piece=0, digests=digests)

    def _download(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        self.pieces_asked += 1
        offset = request.offset
        end = offset + request.length if request.length else len(self.data)
        if self.manner == "silent":
            while context.is_active() and not self._stopped.wait(0.05):
                pass
            return
        if self.manner == "short":
            end = offset + (end - offset) // 2
        while offset < end:
            count = min(PIECE, end - offset)
            yield self.wire.DownloadReply(offset=offset, data=self._bytes(offset, count))
            offset += count
        while self.manner == "endless" and context.is_active() and not self._stopped.is_set():
            yield self.wire.DownloadReply(offset=offset, data=bytes(PIECE))
            offset += PIECE

    def _bytes(self, offset: int, count: int) -> bytes:
        if self.manner == "shuffled":
            offset = (offset - PIECE) % len(self.data)
            return (self.data + self.data)[offset : offset + count]
        data = self.other[offset : offset + count]
        return bytes([data[0] ^ 1]) + data[1:] if self.manner == "wrong" else data
