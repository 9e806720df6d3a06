"""PostgreSQL servers of our own, each in a temporary directory and gone afterwards."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "postgresql-server"


@dataclass(frozen=True)
class Server:
    """Who may connect to the socket may do everything."""

    directory: Path

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self.directory}"

    def new_database(self, name: str) -> str:
        """Its URL."""
        self.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def execute(self, sql: str, database: str = "postgres") -> str:
        """What psql prints of it, without headings."""
        return self._run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", self.url(database)], sql)

    @contextlib.contextmanager
    def session(self, database: str) -> Iterator["Session"]:
        """A connection that keeps its transaction from one statement to the next."""
        command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", self.url(database)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as psql:
            yield Session(psql)
            assert psql.stdin
            psql.stdin.close()

    def _run(self, command: list[str], text: str) -> str:
        result = subprocess.run(command, input=text, capture_output=True, text=True, timeout=3600)
        assert result.returncode == 0, f"{command[0]}: {result.stderr}"
        return result.stdout.strip()


@dataclass(frozen=True)
class Session:
    psql: subprocess.Popen[str]

    def execute(self, sql: str) -> None:
        """Returns when it has been executed."""
        assert self.psql.stdin and self.psql.stdout
        self.psql.stdin.write(f"{sql}\n\\echo done\n")
        self.psql.stdin.flush()
        line = self.psql.stdout.readline()
        assert line == "done\n", f"{sql}: {line}"


@contextlib.contextmanager
def postgresql_server(settings: str = "") -> Iterator[Server]:
    """One that listens on a Unix socket alone.

    `settings` are lines of postgresql.conf.
    """
    directory = Path(tempfile.mkdtemp(prefix="p2p-pg.", dir="/tmp"))
    # The server may run as another user.
    directory.chmod(0o755)
    try:
        environment = os.environ | ({"POSTGRESQL_SERVER_OPTIONS": settings} if settings else {})
        subprocess.run([SCRIPT, "start", directory], check=True, env=environment)
        try:
            yield Server(directory)
        finally:
            subprocess.run([SCRIPT, "stop", directory], check=True)
    finally:
        shutil.rmtree(directory)


@contextlib.contextmanager
def kept_server(directory: Path) -> Iterator[Server]:
    """One whose data stay; it is started where it does not run."""
    runs = (directory / "data" / "postmaster.pid").exists()
    if not runs:
        subprocess.run([SCRIPT, "start", directory], check=True)
    try:
        yield Server(directory.resolve())
    finally:
        if not runs:
            subprocess.run([SCRIPT, "stop", directory], check=True)
