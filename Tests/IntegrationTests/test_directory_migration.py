"""A directory's database that the first version wrote, opened by this one."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import requests
from databases import Server
from peers import Peer, PeerFactory
from test_directory import PASSWORD, add_users
from waiting import until

FIXTURES = Path(__file__).parent / "fixtures"
#: What Peer1 was given when it logged in there.
TOKENS = {
    "sqlite": "0c46db4fa30d76ac90429486bb9208a568573049c7a92f64d71f8665e954f1df",
    "postgresql": "339999f243a6d9ab85dcc2158018c9ed57a32855ab0d2786b9d7d1f25bb295dd",
}
VERSION = "0766941c416697f165d71f8f2ba887fa5e9f44dfbc6c2ab1c70919c7b9dade1c"


def fill_sqlite(peer: Peer) -> None:
    peer.state.mkdir()
    with contextlib.closing(sqlite3.connect(peer.state / "directory.sqlite")) as database:
        database.executescript((FIXTURES / "directory-1.sqlite.sql").read_text())


def found(directory: Peer, **query: str) -> set[tuple[str, str]]:
    answer = requests.get(f"{directory.url}/v1/directory/files", params=query, timeout=20)
    assert answer.status_code == 200, answer.text
    assert "next" not in answer.json()
    return {(file["peer"], file["filename"]) for file in answer.json()["files"]}


def check(directory: Peer, kind: str) -> None:
    """Accounts, leases and lists are as they were, and can be changed."""
    users = [line["user"] for line in directory.adm_json("user", "list")]
    assert [(user["name"], user["disabled"], user["logged_in"]) for user in users] == [
        ("Peer1", False, True),
        ("Peer2", False, True),
        ("Peer3", True, False),
    ]
    assert requests.get(f"{directory.url}/peers_activos", timeout=20).json() == {"peers": ["Peer1", "Peer2"]}
    report = {("Peer1", "docs/Informe ñ.pdf"), ("Peer2", "docs/Informe ñ.pdf")}
    assert found(directory) == report | {("Peer1", "a b~c.txt"), ("Peer1", "漢字.txt")}
    for part, names in {
        "INFORME": {"docs/Informe ñ.pdf"},
        "ñ.": {"docs/Informe ñ.pdf"},
        "~": {"a b~c.txt"},
        "b": {"a b~c.txt"},
        "漢": {"漢字.txt"},
        "字.t": {"漢字.txt"},
        "txt": {"a b~c.txt", "漢字.txt"},
        "away": set(),
    }.items():
        assert {name for _, name in found(directory, contains=part)} == names, part
    assert found(directory, sha256="ab" * 32) == {("Peer1", "docs/Informe ñ.pdf")}
    assert found(directory, name="docs/Informe ñ.pdf") == report

    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {TOKENS[kind]}"
    base = f"{directory.url}/v1/directory"
    kept = session.post(f"{base}/heartbeat", params={"index": VERSION}, timeout=20)
    assert kept.status_code == 200, kept.text
    assert kept.json()["index"] == {"current": True, "version": VERSION, "files": 3}
    delta: dict[str, Any] = {"base": VERSION, "changed": [{"filename": "new~x.bin"}], "removed": ["漢字.txt"]}
    assert session.post(f"{base}/heartbeat", json=delta, timeout=20).json()["index"]["files"] == 3
    assert found(directory, contains="~") == {("Peer1", "a b~c.txt"), ("Peer1", "new~x.bin")}
    assert found(directory, contains="漢字") == set()
    # Disabled as it was; its list is back with it.
    login = {"username": "Peer3", "password": PASSWORD}
    assert requests.post(f"{base}/login", json=login, timeout=20).status_code == 401
    assert directory.adm("user", "enable", "Peer3").returncode == 0
    assert requests.post(f"{base}/login", json=login, timeout=20).status_code == 200
    assert found(directory, contains="AWAY") == {("Peer3", "away.bin")}
    add_users(directory, "Peer4")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_database_of_the_first_version(peer_factory: PeerFactory, database_server: Server, kind: str):
    url = "sqlite"
    if kind == "postgresql":
        url = database_server.new_database("first_version")
        database_server.execute((FIXTURES / "directory-1.postgresql.sql").read_text(), "first_version")
    directory = peer_factory.new(directory={"serve": True, "store": url, "lease": 3600, "heartbeat_interval": 30})
    if kind == "sqlite":
        fill_sqlite(directory)
    directory.start()
    check(directory, kind)
    # And once more, with nothing to migrate.
    directory.keep_ports()
    directory.restart()
    assert found(directory, contains="~") == {("Peer1", "a b~c.txt"), ("Peer1", "new~x.bin")}


def test_of_two_processes_one_migrates_and_the_other_waits(peer_factory: PeerFactory, database_server: Server):
    name = "two_processes"
    url = database_server.new_database(name)
    database_server.execute((FIXTURES / "directory-1.postgresql.sql").read_text(), name)
    role = {"serve": True, "store": url, "lease": 3600, "heartbeat_interval": 30}
    directories = [peer_factory.new(directory=role) for _ in range(2)]

    def count(condition: str) -> int:
        query = "SELECT count(*) FROM pg_locks JOIN pg_database AS d ON d.oid = database"
        return int(database_server.execute(f"{query} WHERE datname = '{name}' AND {condition};"))

    advisory = "locktype = 'advisory'"
    with database_server.session(name) as holder:
        # Who migrates gets as far as the table that is locked here, and holds the advisory lock meanwhile.
        holder.execute("BEGIN; LOCK TABLE directory_name IN ACCESS SHARE MODE;")
        for directory in directories:
            directory.launch()
        until(lambda: count(f"{advisory} AND granted") == 1, "one of them to hold the lock")
        until(lambda: count(f"{advisory} AND NOT granted") == 1, "the other to wait for it")
        until(lambda: count("locktype = 'relation' AND NOT granted") == 1, "the first to be at work")
        assert database_server.execute("SELECT version FROM directory_schema", name) == "1"
        holder.execute("ROLLBACK;")
    for directory in directories:
        status = until(directory._answering, f"{directory.name} to answer")
        directory.ports, directory.url = status["ports"], status["url"]
    assert database_server.execute("SELECT count(*), max(version) FROM directory_schema", name) == "1|2"
    check(directories[0], "postgresql")
    assert found(directories[1], contains="~") == {("Peer1", "a b~c.txt"), ("Peer1", "new~x.bin")}
