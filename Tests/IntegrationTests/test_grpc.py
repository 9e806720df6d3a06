"""The gRPC port, asked by grpcio (C-core): the seeds' service, health, reflection, and what peers say to each other."""

import hashlib
import os
import time
from collections.abc import Iterator
from types import SimpleNamespace

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_calls import stream_stream, stream_unary, unary_stream, unary_unary
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from peers import Peer, PeerFactory
from waiting import until

CHUNK = 64 * 1024
SEED_SERVICES = ("filetransfer.FileTransfer", "FileTransfer")
SIZES = {"empty.bin": 0, "one.bin": 1, "chunk.bin": CHUNK, "chunk+1.bin": CHUNK + 1, "big año.bin": 5_000_003}


@pytest.fixture(scope="module")
def sharing(shared_factory: PeerFactory) -> tuple[Peer, dict[str, bytes]]:
    peer = shared_factory.new("seed-peer")
    files = {name: peer.share(name, size) for name, size in SIZES.items()}
    files["deep/er/nested.txt"] = peer.share("deep/er/nested.txt", b"nested")
    peer.start().wait_for_files(len(files))
    return peer, files


@pytest.fixture(scope="module")
def channel(sharing: tuple[Peer, dict[str, bytes]]) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(sharing[0].grpc_target) as channel:
        yield channel


def status_of(call: object) -> tuple[grpc.StatusCode, str]:
    """The status that ends a call, whose answers are read to the end."""
    with pytest.raises(grpc.RpcError) as raised:
        list(call() if callable(call) else call)  # type: ignore[call-overload]
    return raised.value.code(), raised.value.details()


# --- The seeds' FileTransfer ---


@pytest.mark.parametrize("service", SEED_SERVICES)
@pytest.mark.parametrize("name", SIZES)
def test_dummy_download_sends_the_file_in_numbered_chunks(sharing, channel, wire, service, name):
    download = unary_stream(channel, f"/{service}/DummyDownload", wire.seed.FileChunk)
    chunks = list(download(wire.seed.FileRequest(filename=name), timeout=20))
    assert b"".join(chunk.data for chunk in chunks) == sharing[1][name]
    assert [chunk.seq for chunk in chunks] == list(range(1, len(chunks) + 1))
    assert all(len(chunk.data) == CHUNK for chunk in chunks[:-1])
    assert len(chunks) == -(-SIZES[name] // CHUNK)


@pytest.mark.parametrize("service", SEED_SERVICES)
def test_dummy_download_finds_a_nested_file_by_path_and_by_name(sharing, channel, wire, service):
    download = unary_stream(channel, f"/{service}/DummyDownload", wire.seed.FileChunk)
    for name in ("deep/er/nested.txt", "nested.txt"):
        assert b"".join(c.data for c in download(wire.seed.FileRequest(filename=name), timeout=20)) == b"nested"


@pytest.mark.parametrize("service", SEED_SERVICES)
def test_dummy_download_of_a_missing_file_names_the_peer(channel, wire, service):
    download = unary_stream(channel, f"/{service}/DummyDownload", wire.seed.FileChunk)
    code, text = status_of(download(wire.seed.FileRequest(filename="missing.bin"), timeout=20))
    assert code is grpc.StatusCode.NOT_FOUND
    assert "seed-peer" in text


@pytest.mark.parametrize("service", SEED_SERVICES)
@pytest.mark.parametrize("sizes", [[], [0], [CHUNK] * 40, [1, CHUNK, 1 << 20]])
def test_dummy_upload_counts(channel, wire, service, sizes):
    upload = stream_unary(channel, f"/{service}/DummyUpload", wire.seed.UploadStatus)
    chunks = (wire.seed.FileChunk(data=os.urandom(size), seq=n) for n, size in enumerate(sizes, 1))
    answer = upload(chunks, timeout=20)
    assert (answer.received_bytes, answer.chunks) == (sum(sizes), len(sizes))


def test_past_the_rate_is_resource_exhausted(peer_factory, wire):
    peer = peer_factory(rate_limit={"requests_per_minute": 0, "downloads_per_minute": 2})
    peer.share("a.bin", b"a")
    peer.wait_for_files(1)
    with grpc.insecure_channel(peer.grpc_target) as channel:
        download = unary_stream(channel, "/FileTransfer/DummyDownload", wire.seed.FileChunk)
        codes = []
        for _ in range(6):
            try:
                list(download(wire.seed.FileRequest(filename="a.bin"), timeout=20))
                codes.append(grpc.StatusCode.OK)
            except grpc.RpcError as error:
                codes.append(error.code())
    assert codes[0] is grpc.StatusCode.OK
    assert codes[-1] is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert set(codes) == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}


# --- What every gRPC server answers ---


@pytest.mark.parametrize("path", ["/no.Such/Method", "/filetransfer.FileTransfer/NoSuch"])
def test_what_is_not_there_is_unimplemented(channel, wire, path):
    code, _ = status_of(unary_stream(channel, path, wire.seed.FileChunk)(wire.seed.FileRequest(), timeout=20))
    assert code is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("service", ["", "p2p.v1.Files", "p2p.v1.Overlay", *SEED_SERVICES])
def test_health_check_serves(channel, service):
    check = unary_unary(channel, "/grpc.health.v1.Health/Check", health_pb2.HealthCheckResponse)
    answer = check(health_pb2.HealthCheckRequest(service=service), timeout=20)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_health_of_an_unknown_service_is_not_found(channel):
    check = unary_unary(channel, "/grpc.health.v1.Health/Check", health_pb2.HealthCheckResponse)
    with pytest.raises(grpc.RpcError) as raised:
        check(health_pb2.HealthCheckRequest(service="no.Such"), timeout=20)
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND


def test_health_watch_says_the_state_and_stays(channel):
    watch = unary_stream(channel, "/grpc.health.v1.Health/Watch", health_pb2.HealthCheckResponse)
    answers = watch(health_pb2.HealthCheckRequest(), timeout=20)
    assert next(answers).status == health_pb2.HealthCheckResponse.SERVING
    answers.cancel()
    assert answers.code() is grpc.StatusCode.CANCELLED


def test_health_watch_of_an_unknown_service_stays_too(channel):
    watch = unary_stream(channel, "/grpc.health.v1.Health/Watch", health_pb2.HealthCheckResponse)
    answers = watch(health_pb2.HealthCheckRequest(service="no.Such"), timeout=20)
    assert next(answers).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    answers.cancel()


def test_reflection_lists_and_describes(channel):
    database = ProtoReflectionDescriptorDatabase(channel)
    services = set(database.get_services())
    assert services >= {
        "p2p.v1.Files",
        "p2p.v1.Overlay",
        "filetransfer.FileTransfer",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    pool = DescriptorPool(database)
    for name in services - {"FileTransfer"}:
        assert pool.FindServiceByName(name).methods
    download = pool.FindServiceByName("filetransfer.FileTransfer").FindMethodByName("DummyDownload")
    assert download.server_streaming and download.input_type.fields_by_name["filename"].number == 1


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_both_reflections_answer_each_question(channel, version):
    question = reflection_pb2.ServerReflectionRequest
    questions = [
        question(list_services=""),
        question(file_containing_symbol="p2p.v1.SearchRequest"),
        question(file_by_filename="p2p/v1/peer.proto"),
        question(file_containing_symbol="no.Such"),
    ]
    path = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
    info = stream_stream(channel, path, reflection_pb2.ServerReflectionResponse)
    answers = list(info(iter(questions), timeout=20))
    kinds = [answer.WhichOneof("message_response") for answer in answers]
    assert kinds == ["list_services_response", "file_descriptor_response", "file_descriptor_response", "error_response"]
    assert [answer.original_request for answer in answers] == questions
    assert answers[-1].error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


# --- Files: between peers ---


def stat(channel: grpc.Channel, wire: SimpleNamespace, **request: object):
    call = unary_unary(channel, "/p2p.v1.Files/Stat", wire.peer.StatReply)
    return call(wire.peer.StatRequest(**request), timeout=20).file


def read(channel: grpc.Channel, wire: SimpleNamespace, **request: object) -> tuple[bytes, list[int]]:
    call = unary_stream(channel, "/p2p.v1.Files/Download", wire.peer.DownloadReply)
    replies = list(call(wire.peer.DownloadRequest(**request), timeout=20))
    return b"".join(reply.data for reply in replies), [reply.offset for reply in replies]


def test_stat_by_path_and_by_checksum(sharing, channel, wire):
    name = "big año.bin"
    data = sharing[1][name]
    digest = hashlib.sha256(data).digest()
    for request in ({"path": name}, {"sha256": digest}, {"path": name, "checksum": True}):
        file = stat(channel, wire, **request)
        assert (file.path, file.size, file.sha256) == (name, len(data), digest)
        on_disk = (sharing[0].shared / name).stat()
        assert file.modified == on_disk.st_mtime_ns


@pytest.mark.parametrize(
    "request_, code",
    [
        ({"path": "missing"}, grpc.StatusCode.NOT_FOUND),
        ({"sha256": b"\0" * 32}, grpc.StatusCode.NOT_FOUND),
        ({"sha256": b"short"}, grpc.StatusCode.INVALID_ARGUMENT),
        ({}, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_stat_of_what_is_not_there(channel, wire, request_, code):
    with pytest.raises(grpc.RpcError) as raised:
        stat(channel, wire, **request_)
    assert raised.value.code() is code


@pytest.mark.parametrize(
    "offset, length",
    [
        (0, 0),
        (0, 1),
        (1, 0),
        (CHUNK - 1, 2),
        (1_000_000, 3_000_000),
        (5_000_002, 0),
        (5_000_003, 0),
        (4_999_999, 1_000_000),
    ],
)
def test_download_of_a_range(sharing, channel, wire, offset, length):
    data = sharing[1]["big año.bin"]
    wanted = data[offset : offset + length] if length else data[offset:]
    received, offsets = read(channel, wire, path="big año.bin", offset=offset, length=length)
    assert received == wanted
    assert not offsets or offsets[0] == offset
    assert offsets == sorted(offsets)


def test_download_by_checksum(sharing, channel, wire):
    data = sharing[1]["chunk+1.bin"]
    assert read(channel, wire, sha256=hashlib.sha256(data).digest())[0] == data


@pytest.mark.parametrize(
    "request_, code",
    [
        ({"path": "big año.bin", "offset": 5_000_004}, grpc.StatusCode.OUT_OF_RANGE),
        ({"path": "big año.bin", "offset": -1}, grpc.StatusCode.OUT_OF_RANGE),
        ({"path": "missing"}, grpc.StatusCode.NOT_FOUND),
    ],
)
def test_download_refuses(channel, wire, request_, code):
    call = unary_stream(channel, "/p2p.v1.Files/Download", wire.peer.DownloadReply)
    assert status_of(call(wire.peer.DownloadRequest(**request_), timeout=20))[0] is code


# --- Overlay: a neighbour asks ---


def ask(wire: SimpleNamespace, **fields: object):
    return wire.peer.SearchRequest(
        **(
            {
                "query_id": os.urandom(16),
                "text": "chunk",
                "fanout": 3,
                "ttl": 0,
                "origin": "http://127.0.0.1:1",
                "asker": "http://127.0.0.1:1",
                "timeout_ms": 5000,
            }
            | fields
        )
    )


def test_a_neighbour_is_answered_once(sharing, channel, wire):
    search = unary_stream(channel, "/p2p.v1.Overlay/Search", wire.peer.SearchReply)
    request = ask(wire)
    first = list(search(request, timeout=20))
    assert [reply.WhichOneof("kind") for reply in first] == ["answer", "end"]
    answer = first[0].answer
    assert sorted(file.path for file in answer.files) == ["chunk+1.bin", "chunk.bin"]
    assert (answer.peer.url, answer.peer.name) == (sharing[0].url, "seed-peer")
    assert answer.peer.id.hex() == sharing[0].status()["id"]
    assert not first[1].end.duplicate
    again = list(search(request, timeout=20))
    assert [reply.WhichOneof("kind") for reply in again] == ["end"]
    assert again[0].end.duplicate


def test_a_neighbours_limit_is_kept_and_told(channel, wire):
    search = unary_stream(channel, "/p2p.v1.Overlay/Search", wire.peer.SearchReply)
    replies = list(search(ask(wire, text="", limit=2), timeout=20))
    assert len(replies[0].answer.files) == 2
    assert replies[0].answer.truncated


@pytest.mark.parametrize("fields", [{"query_id": b"short"}, {"origin": "nonsense"}, {"asker": ""}])
def test_a_malformed_question_is_refused(channel, wire, fields):
    search = unary_stream(channel, "/p2p.v1.Overlay/Search", wire.peer.SearchReply)
    assert status_of(search(ask(wire, **fields), timeout=20))[0] is grpc.StatusCode.INVALID_ARGUMENT


# --- Deadlines, cancellation, bytes that are no message ---


def test_a_deadline_ends_a_call_that_waits(channel):
    watch = unary_stream(channel, "/grpc.health.v1.Health/Watch", health_pb2.HealthCheckResponse)
    begin = time.monotonic()
    code, _ = status_of(watch(health_pb2.HealthCheckRequest(), timeout=0.3))
    assert code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - begin < 5


def test_a_cancelled_download_ends_at_the_peer(peer_factory, wire):
    peer = peer_factory()
    with (peer.shared / "large.bin").open("wb") as file:
        file.truncate(256 << 20)
    peer.wait_for_files(1, hashed=False)
    with grpc.insecure_channel(peer.grpc_target) as channel:
        download = unary_stream(channel, "/FileTransfer/DummyDownload", wire.seed.FileChunk)
        chunks = download(wire.seed.FileRequest(filename="large.bin"), timeout=60)
        next(chunks)
        until(lambda: peer.status()["transfers"]["active"] == 1, "the transfer to be counted as active")
        chunks.cancel()
        until(lambda: peer.status()["transfers"]["active"] == 0, "the transfer to end")


def test_bytes_that_are_no_message_are_refused(channel):
    call = channel.unary_stream("/p2p.v1.Files/Download")
    code, _ = status_of(call(b"\xff\xff\xff", timeout=20))
    assert code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL)
    # And the connection goes on.
    check = unary_unary(channel, "/grpc.health.v1.Health/Check", health_pb2.HealthCheckResponse)
    assert check(health_pb2.HealthCheckRequest(), timeout=20).status == health_pb2.HealthCheckResponse.SERVING
