"""A program on a pseudo-terminal, as its user has it: typed to, read, resized, interrupted."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

from waiting import DEADLINE


class Terminal:
    """Runs `arguments` as the foreground of a terminal of its own, which echoes and edits lines."""

    def __init__(self, arguments: list[str | Path], columns: int = 80, rows: int = 24, **environment: str) -> None:
        self.shown = ""
        self._position = 0
        self.side, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            arguments,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=environment,
            start_new_session=True,
            # The terminal whose Ctrl-C it gets.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(terminal)

    def type(self, keys: str) -> None:
        os.write(self.side, keys.encode())

    def answer(self, question: str, line: str) -> str:
        """Waits for a question, answers it, and returns what stood before it."""
        before = self.expect(question)
        self.type(line + "\n")
        return before

    def expect(self, text: str) -> str:
        """Waits until `text` is shown behind what was expected last; returns what stood before it."""
        deadline = time.monotonic() + DEADLINE
        while (found := self.shown.find(text, self._position)) < 0:
            assert time.monotonic() < deadline, f"waited in vain for {text!r}; shown:\n{self.shown}"
            assert self._read(deadline), f"ended without {text!r}; shown:\n{self.shown}"
        before = self.shown[self._position : found]
        self._position = found + len(text)
        return before

    def finish(self) -> int:
        """Reads to the end, and returns the exit code."""
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline and self._read(deadline):
            pass
        return self.process.wait(DEADLINE)

    def _read(self, deadline: float) -> bool:
        """False where the program has closed the terminal."""
        if not select.select([self.side], [], [], max(deadline - time.monotonic(), 0))[0]:
            return True
        try:
            data = os.read(self.side, 65536)
        except OSError:
            return False
        # An answer of the kernel's line discipline: NL becomes CR NL.
        self.shown += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        os.close(self.side)
