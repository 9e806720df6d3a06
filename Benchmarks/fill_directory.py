#!/usr/bin/env python3
"""Fills a directory's database with the rows of bench_directory.py, by SQL: millions of rows in minutes.

usage: fill_directory.py [--rows N] sqlite FILE
       fill_directory.py [--rows N] postgresql DIRECTORY

FILE is made; DIRECTORY is one of Tests/postgresql-server. The tables are made by the
daemon itself (PEER_BINARIES names the directory of the binaries). Peers are logged in for 30 days. What is not as a
daemon would leave it: the lists' versions, which searches do not read.
"""

import argparse
import contextlib
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from bench import factory
from bench_directory import FILES_PER_PEER, add_user, name_of, new_directory, say
from databases import Server, kept_server

LEASE_MILLISECONDS = 30 * 86_400_000


class Names:
    """Gives each name an id, in the order in which they come."""

    def __init__(self) -> None:
        #: Of the names that more than one peer has.
        self.shared: dict[str, int] = {}
        self.last = 0

    def of_peer(self, peer: int) -> tuple[list[tuple[int, str]], list[int]]:
        """The new names, and the ids of all files."""
        new, ids = [], []
        for number in range(FILES_PER_PEER):
            name = name_of(peer, number)
            known = self.shared.get(name)
            if known is None:
                self.last += 1
                known = self.last
                new.append((known, name))
                if number % 10 < 3:
                    self.shared[name] = known
            ids.append(known)
        # A list may name a shared file twice.
        return new, list(dict.fromkeys(ids))


def make_tables(store: str, copy: Path | None = None) -> None:
    """Lets the daemon make them, with one account, whose password the others get."""
    with factory() as peers:
        directory = new_directory(peers, "filler", store)
        directory.start()
        add_user(directory, "filler")
        directory.stop()
        if copy:
            file = directory.state / "directory.sqlite"
            with contextlib.closing(sqlite3.connect(file)) as made, contextlib.closing(sqlite3.connect(copy)) as empty:
                made.backup(empty)


# --- SQLite ---


@cache
def gram(three: bytes) -> str:
    return three.hex()


def words(name: str) -> str:
    """As GramText has them; for names in ASCII."""
    text = name.rpartition("/")[2].lower().encode() + b"\1\1"
    return " ".join(gram(text[start : start + 3]) for start in range(len(text) - 2))


def fill_sqlite(file: Path, peers: int) -> None:
    make_tables("sqlite", file)
    now = int(time.time() * 1000)
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA synchronous = OFF")
    database.execute("PRAGMA cache_size = -500000")
    names = Names()
    database.execute("BEGIN")
    for peer in range(peers):
        account = peer + 2
        new, ids = names.of_peer(peer)
        database.execute(
            "INSERT INTO account (id, name, password_hash, files) SELECT ?, ?, password_hash, ? FROM account WHERE id = 1",
            [account, f"peer-{peer}", len(ids)],
        )
        database.execute(
            "INSERT INTO lease (account_id, token, opened, expires, source) VALUES (?, ?, ?, ?, '127.0.0.1')",
            [account, os.urandom(32), now, now + LEASE_MILLISECONDS],
        )
        database.executemany("INSERT INTO name (id, filename) VALUES (?, ?)", new)
        database.executemany(
            "INSERT INTO name_text (rowid, grams) VALUES (?, ?)", ((number, words(name)) for number, name in new)
        )
        database.executemany(
            "INSERT INTO entry (name_id, account_id, size, sha256, url) VALUES (?, ?, ?, ?, '[]')",
            ((number, account, place, digest(peer, place)) for place, number in enumerate(ids)),
        )
        if peer % 10 == 9:
            database.execute("COMMIT")
            database.execute("BEGIN")
        progress(peer, peers)
    database.execute("COMMIT")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def digest(peer: int, number: int) -> bytes:
    return peer.to_bytes(16, "big") + number.to_bytes(16, "big")


# --- PostgreSQL ---

#: As NameGrams and IDWindow make them; for names in ASCII.
ELEMENTS = """
ARRAY(SELECT (id >> 16 << 26) | (50331648 + (get_byte(name, place) << 16) + (get_byte(name, place + 1) << 8)
    + get_byte(name, place + 2)) FROM generate_series(0, length(name) - 3) AS place)"""


def fill_postgresql(directory: Path, peers: int) -> None:
    with kept_server(directory) as server:
        fill_server(server, peers)


def fill_server(server: Server, peers: int) -> None:
    make_tables(server.url())
    now = int(time.time() * 1000)
    names = Names()
    entries = server.directory.with_suffix(".entries")
    server.execute("CREATE UNLOGGED TABLE filling (id bigint, filename text)")
    with entries.open("w") as rows:
        copy(server, "filling", new_names(names, peers, rows))
    say("names are there")
    server.execute(
        f"""
        INSERT INTO directory_account (name, password_hash, files)
            SELECT 'peer-' || number, password_hash, {FILES_PER_PEER}
            FROM directory_account, generate_series(0, {peers - 1}) AS number WHERE name = 'filler' ORDER BY number;
        INSERT INTO directory_lease (account_id, token, opened, expires, source)
            SELECT id, sha256(name::bytea), {now}, {now + LEASE_MILLISECONDS}, '127.0.0.1' FROM directory_account;
        DROP INDEX directory_name_grams, directory_entry_account, directory_entry_sha256;
        ALTER TABLE directory_entry DROP CONSTRAINT directory_entry_pkey;
        INSERT INTO directory_name (id, filename, elements) SELECT id, filename, {ELEMENTS} FROM (
            SELECT id, filename, convert_to(lower(regexp_replace(filename, '.*/', '')), 'UTF8') || '\\000\\000'::bytea
                AS name FROM filling) AS named ORDER BY id;
        DROP TABLE filling;
        SELECT setval('directory_name_id', {names.last});
        """
    )
    say("names are in their table")
    with entries.open() as rows:
        copy(server, "directory_entry (name_id, account_id, size, sha256, url)", iter(rows))
    entries.unlink()
    server.execute(
        """
        SET maintenance_work_mem = '1GB';
        CREATE INDEX directory_name_grams ON directory_name USING gin (elements pg_catalog.array_ops);
        ALTER TABLE directory_entry ADD PRIMARY KEY (name_id, account_id);
        CREATE INDEX directory_entry_account ON directory_entry (account_id, name_id);
        CREATE INDEX directory_entry_sha256 ON directory_entry (sha256, name_id, account_id)
            WHERE sha256 IS NOT NULL;
        VACUUM ANALYZE;
        """
    )


def new_names(names: Names, peers: int, entries) -> Iterator[str]:
    for peer in range(peers):
        new, ids = names.of_peer(peer)
        for place, number in enumerate(ids):
            # The account of the filler is 1.
            entries.write(f"{number}\t{peer + 2}\t{place}\t\\\\x{digest(peer, place).hex()}\t[]\n")
        yield "".join(f"{number}\t{name}\n" for number, name in new)
        progress(peer, peers)


def copy(server: Server, table: str, rows: Iterator[str]) -> None:
    command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", server.url(), "-c", f"COPY {table} FROM STDIN"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True, bufsize=1 << 20) as psql:
        assert psql.stdin
        for row in rows:
            psql.stdin.write(row)
    if psql.returncode:
        raise SystemExit(f"fill_directory: psql ended with {psql.returncode}")


def progress(peer: int, peers: int) -> None:
    if peer % 500 == 499:
        say(f"{peer + 1:,} of {peers:,} peers")


def main() -> None:
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("usage: ")[1].split("\n\n")[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("kind", choices=["sqlite", "postgresql"])
    parser.add_argument("path", type=Path)
    options = parser.parse_args()
    fill = fill_sqlite if options.kind == "sqlite" else fill_postgresql
    fill(options.path.resolve(), options.rows // FILES_PER_PEER)
    sys.stderr.flush()


if __name__ == "__main__":
    main()
