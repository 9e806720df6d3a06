"""A `p2padm get` that runs while the test does something to it."""

import json
import threading

from waiting import until

from fleet.peer import DEADLINE, Peer

#: Bytes. So much has arrived when a transfer counts as flowing.
_FLOWING = 1 << 20
#: A transfer that was cut off is asked for again; each attempt continues where the last one was.
_ATTEMPTS = 5


class Get:
    """`p2padm get WHAT` on a host; `progress` is what it said last."""

    def __init__(self, peer: Peer, what: str, *options: str) -> None:
        self._peer = peer
        self._command = ("p2padm", "get", what, *options, "--json")
        self.attempts = 0
        self.progress: dict[str, object] = {}
        self._errors: list[str] = []
        self._begin()

    def _begin(self) -> None:
        self.attempts += 1
        self._process = self._peer.host.start(*self._command)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self._process.stdout as output, self._process.stderr as errors:
            for line in output:
                said = json.loads(line)
                self.progress = said.get("progress", self.progress)
            self._errors.append(errors.read().strip())

    def wait_until_flowing(self) -> None:
        until(lambda: self._process.poll() is None and self.progress.get("received", 0) > _FLOWING, "bytes", DEADLINE)

    def has_all(self, size: int) -> bool:
        """Whether all bytes of the file have arrived."""
        return self.progress["received"] >= size

    def finish(self) -> None:
        """Waits for the end, and asks again where it was cut off."""
        while self._wait() != 0:
            assert self.attempts < _ATTEMPTS, self._errors
            self._begin()
        assert self.progress["state"] == "done"

    def end(self) -> None:
        """Gives the transfer up."""
        self._process.terminate()
        self._wait()

    def told(self) -> str:
        """How it went, for the table."""
        resumed = self.progress["resumed"]
        return f"{self.attempts} x p2padm get, the last continued at {resumed / 1e6:.1f} MB"

    def _wait(self) -> int:
        code = self._process.wait(timeout=DEADLINE)
        self._reader.join()
        return code
