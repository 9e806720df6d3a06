"""Fixtures: daemons that a test starts, daemons that a file of tests shares, and stubs of the wire."""

import importlib
import itertools
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from databases import Server, postgresql_server
from grpc_tools import protoc
from peers import DAEMON, P2PADM, REPOSITORY, Peer, PeerFactory

PROTOS = REPOSITORY / "Sources" / "PeerWire" / "protos"
_factories: list[PeerFactory] = []
_databases = itertools.count(1)


def pytest_sessionstart(session: pytest.Session) -> None:
    for program in (DAEMON, P2PADM):
        if not program.exists():
            pytest.exit(f"{program} is not built: make test builds it", returncode=2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Shows what the daemons said where a test failed."""
    report = yield
    if report.failed:
        for factory in _factories:
            report.sections += factory.logs()
    return report


def _make_factory(directory: Path) -> Iterator[PeerFactory]:
    factory = PeerFactory(directory)
    _factories.append(factory)
    try:
        yield factory
        factory.close()
    finally:
        _factories.remove(factory)
        for peer in factory.peers:
            if peer.process:
                peer.kill()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def peer_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PeerFactory]:
    """Daemons of one test. The directory has a short path: that of a socket takes 107 bytes."""
    yield from _make_factory(tmp_path_factory.mktemp("p"))


@pytest.fixture(scope="module")
def shared_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PeerFactory]:
    """Daemons that all tests of a file use, and none of them changes."""
    yield from _make_factory(tmp_path_factory.mktemp("m"))


@pytest.fixture
def peer(peer_factory: PeerFactory) -> Peer:
    """A daemon of one test, without friends."""
    return peer_factory()


@pytest.fixture(scope="session")
def database_server() -> Iterator[Server]:
    """A PostgreSQL that all tests share; each makes databases of its own."""
    with postgresql_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> str:
    """`directory.store`: each kind, new and empty."""
    if request.param == "sqlite":
        return "sqlite"
    server: Server = request.getfixturevalue("database_server")
    return server.new_database(f"test_{next(_databases)}")


@pytest.fixture(scope="session")
def wire(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Message classes from the .proto files of PeerWire: `seed`, `seed_peer` and `peer`."""
    out = tmp_path_factory.mktemp("wire")
    names = ("seed/file_transfer.proto", "seed/peer_service.proto", "p2p/v1/peer.proto", "p2p/v1/trees.proto")
    protos = [PROTOS / name for name in names]
    arguments = ["protoc", f"-I{PROTOS}", f"--python_out={out}", *map(str, protos)]
    assert protoc.main(arguments) == 0
    sys.path.insert(0, str(out))
    return SimpleNamespace(
        seed=importlib.import_module("seed.file_transfer_pb2"),
        seed_peer=importlib.import_module("seed.peer_service_pb2"),
        peer=importlib.import_module("p2p.v1.peer_pb2"),
        trees=importlib.import_module("p2p.v1.trees_pb2"),
    )
