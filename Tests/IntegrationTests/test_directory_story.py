"""SEED-API.md A from end to end: a client written to that document, a directory, and a peer that it talks to.

The client knows nothing of this project: requests and grpcio, and the paths, parameters and texts of the document.
"""

import json
import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import requests
from grpc_calls import stream_unary, unary_stream, unary_unary
from peers import Peer, PeerFactory
from test_directory import add_users
from waiting import until

PASSWORD = "sd1234"
CHUNK = 64 * 1024
PATIENCE = 30


class DocumentClient:
    """What the document calls a peer, without the part that serves."""

    def __init__(self, directory_url: str, name: str, wire: Any) -> None:
        self.base = directory_url
        self.name = name
        self.wire = wire

    # --- REST, at the directory ---

    def login(self, files: list[dict[str, Any]], password: str = PASSWORD) -> requests.Response:
        query = {"username": self.name, "password": password, "files_index": json.dumps(files)}
        return requests.post(f"{self.base}/login", params=query, timeout=PATIENCE)

    def get(self, call: str, **query: str) -> tuple[int, Any]:
        answer = requests.get(f"{self.base}/{call}", params=query, timeout=PATIENCE)
        assert answer.headers["content-type"].partition(";")[0] in ("application/json", "application/problem+json")
        return answer.status_code, answer.json()

    # --- gRPC, at another peer ---

    def list_files(self, channel: grpc.Channel) -> dict[str, int]:
        call = unary_unary(channel, "/peer.PeerService/ListFiles", self.wire.ListFilesResponse)
        return {file.filename: file.size_bytes for file in call(self.wire.Empty(), timeout=PATIENCE).files}

    def download(self, channel: grpc.Channel, name: str) -> list[bytes]:
        call = unary_stream(channel, "/peer.PeerService/DownloadFile", self.wire.Chunk)
        return [chunk.data for chunk in call(self.wire.DownloadRequest(filename=name), timeout=PATIENCE)]

    def upload(self, channel: grpc.Channel, name: str, data: bytes) -> Any:
        pieces = [data[offset : offset + CHUNK] for offset in range(0, len(data), CHUNK)]
        chunks = (
            self.wire.UploadChunk(filename="" if number else name, data=piece) for number, piece in enumerate(pieces)
        )
        return stream_unary(channel, "/peer.PeerService/UploadFile", self.wire.UploadResponse)(chunks, timeout=PATIENCE)


def original_peer(factory: PeerFactory, name: str, directory: Peer) -> Peer:
    """A daemon with a configuration file of that system, and leave to take uploads."""
    peer = factory.new(name)
    peer.write_configuration(
        name=None,
        peer_name=name,
        password=PASSWORD,
        auth_enabled=True,
        api_url=f"{directory.url}/login",
        accept_uploads=True,
        uploads={"free_bytes_min": 0},
        directory={"heartbeat_interval": 0.3},
    )
    return peer


def test_the_document_from_end_to_end(peer_factory: PeerFactory, store: str, wire: SimpleNamespace, tmp_path: Path):
    role = {"serve": True, "store": store, "lease": 6, "heartbeat_interval": 0.3}
    directory = peer_factory("directory", directory=role)
    add_users(directory, "Peer1", "Peer2")
    other = original_peer(peer_factory, "Peer2", directory)
    data = other.share("informe año.bin", 3 * CHUNK + 17)
    other.start()
    client = DocumentClient(directory.url, "Peer1", wire.seed_peer)
    own = [{"filename": "uno.txt", "url": []}, {"filename": "uno.txt", "url": []}]

    # It logs in, and is refused where it should be.
    refused = client.login(own, password="another")
    assert (refused.status_code, refused.json()["detail"]) == (401, "Usuario o contraseña incorrectos")
    nobody = DocumentClient(directory.url, "Peer9", wire.seed_peer).login(own)
    assert (nobody.status_code, nobody.json()["detail"]) == (401, refused.json()["detail"])
    malformed = requests.post(
        f"{directory.url}/login?username=Peer1&password={PASSWORD}&files_index=%5B1%5D", timeout=PATIENCE
    )
    assert (malformed.status_code, malformed.json()["detail"]) == (400, "Formato inválido en files_index")
    assert client.get("buscar_archivos", filename="uno.txt")[0] == 404

    def log_in() -> str:
        answer = client.login(own)
        assert answer.status_code == 200
        assert set(answer.json()) == {"status", "token"}
        assert answer.json()["status"] == "OK"
        assert re.fullmatch(r"\S+", answer.json()["token"])
        return answer.json()["token"]

    log_in()

    # It is listed and indexed, beside the peer that logged in by itself; a file that came twice is there once.
    def active(*names: str) -> bool:
        log_in()
        return client.get("peers_activos") == (200, {"peers": list(names)})

    until(lambda: active("Peer1", "Peer2"), "both peers to be active")

    def listed(name: str) -> list[dict[str, Any]]:
        log_in()
        status, answer = client.get("ver_archivos")
        assert status == 200
        assert set(answer) == {"archivos"}
        return [file for file in answer["archivos"] if file["filename"] == name]

    until(lambda: listed("informe año.bin"), "Peer2's file to be listed")
    link = f"{other.url}/files/informe%20a%C3%B1o.bin"
    assert listed("informe año.bin") == [{"peer": "Peer2", "filename": "informe año.bin", "url": link}]
    assert listed("uno.txt") == [{"peer": "Peer1", "filename": "uno.txt", "url": []}]

    # It searches.
    assert client.get("buscar_archivos", filename="uno.txt") == (
        200,
        {"archivo": "uno.txt", "disponible_en": [{"peer": "Peer1", "url": []}]},
    )
    status, found = client.get("buscar_archivos", filename="informe año.bin")
    assert (status, found["archivo"]) == (200, "informe año.bin")
    (holder,) = found["disponible_en"]
    assert (holder["peer"], holder["url"]) == ("Peer2", link)
    missing = (404, "Archivo no encontrado en ningún peer activo")
    for name in ("nada.bin", "informe"):
        status, answer = client.get("buscar_archivos", filename=name)
        assert (status, answer["detail"]) == missing

    # It downloads from where the answer leads, uploads, and lists.
    target = holder.get("grpc", f"grpc://{other.grpc_target}").removeprefix("grpc://")
    with grpc.insecure_channel(target) as channel:
        chunks = client.download(channel, "informe año.bin")
        assert [len(chunk) for chunk in chunks] == [CHUNK, CHUNK, CHUNK, 17]
        assert b"".join(chunks) == data
        assert requests.get(link, timeout=PATIENCE).content == data
        sent = os.urandom(2 * CHUNK + 1)
        answer = client.upload(channel, "subido.bin", sent)
        assert answer.ok, answer.message
        assert (other.shared / "subido.bin").read_bytes() == sent
        again = client.upload(channel, "subido.bin", b"another")
        assert not again.ok and again.message
        assert client.list_files(channel) == {"informe año.bin": len(data), "subido.bin": len(sent)}
        assert b"".join(client.download(channel, "subido.bin")) == sent
    until(lambda: listed("subido.bin"), "the upload to be in Peer2's list")

    # Nobody else logs in for it: it drops out, its files with it, and the log says so.
    until(
        lambda: client.get("peers_activos") == (200, {"peers": ["Peer2"]}),
        "Peer1 to drop out after its lease",
    )
    status, answer = client.get("buscar_archivos", filename="uno.txt")
    assert (status, answer["detail"]) == missing
    assert {file["peer"] for file in client.get("ver_archivos")[1]["archivos"]} == {"Peer2"}
    until(lambda: "Peer 'Peer1' se ha desconectado por inactividad" in directory.log(), "the log to say so")
    assert "Peer 'Peer2' se ha" not in directory.log()

    # It is back with its next login, as the document's peers come back.
    log_in()
    assert client.get("peers_activos") == (200, {"peers": ["Peer1", "Peer2"]})
    assert client.get("buscar_archivos", filename="uno.txt")[0] == 200
    for peer in (directory, other):
        assert PASSWORD not in peer.log()
