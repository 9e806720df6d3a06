"""System calls of a running daemon that fail: strace lets the Nth of a kind fail on each thread."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from peers import Peer
from tracing import traced


@dataclass(frozen=True)
class Fault:
    """The `number`th of `calls` (separated by commas) of each thread fails with `error`."""

    calls: str
    error: str
    number: int


class Injection:
    """What strace wrote down."""

    def __init__(self, log: Path) -> None:
        self._log = log

    @property
    def count(self) -> int:
        """How many calls have failed."""
        return len(re.findall(r"\(INJECTED\)$", self._log.read_text(errors="replace"), re.MULTILINE))


@contextlib.contextmanager
def failing(peer: Peer, fault: Fault) -> Iterator[Injection]:
    """While it lasts, the peer's calls fail as `fault` says."""
    inject = f"inject={fault.calls}:error={fault.error}:when={fault.number}"
    with traced(peer, "-e", f"trace={fault.calls}", "-e", inject) as log:
        yield Injection(log)
