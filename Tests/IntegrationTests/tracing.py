"""What a running daemon asks of the kernel: strace(1), attached to it for a while."""

import contextlib
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from peers import Peer
from waiting import until

#: Calls that take a path.
ON_PATHS = (
    "open,openat,openat2,creat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mkdir,mkdirat,unlink,unlinkat,"
    "truncate,chmod,fchmodat,utimensat"
)
#: Where a daemon may look that has nothing to do with files of users: the C library, resolver and kernel.
_SYSTEM = re.compile(r"^/(etc/(hosts|resolv|nsswitch|host\.conf|services|localtime|ssl)|usr/|lib|proc/|sys/|dev/null|run/)")


def _tracers(pid: int) -> set[str]:
    """The tracer of each thread, "0" for none."""
    statuses = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/status")]
    return {line.split()[1] for status in statuses for line in status.splitlines() if line.startswith("TracerPid:")}


@contextlib.contextmanager
def traced(peer: Peer, *options: str) -> Iterator[Path]:
    """Runs strace with `options` on the peer; the file has what it wrote."""
    log = peer.directory / "strace"
    command = ["strace", "-f", "-qq", "-o", str(log), "-p", str(peer.pid), "-e", "signal=none", *options]
    tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: _tracers(peer.pid) == {str(tracer.pid)}, "strace to be attached")
        yield log
    finally:
        tracer.send_signal(signal.SIGINT)
        _, errors = tracer.communicate(timeout=60)
        assert "Could not attach" not in errors, errors


def left_the_share(peer: Peer, log: Path) -> list[str]:
    """Calls on paths that succeeded and reached what is neither shared nor the daemon's own.

    For a log with `-y`: it shows what the kernel says a descriptor is, not what was asked for.
    """
    inside = (str(peer.shared), str(peer.state), str(peer.config_file), str(peer.socket))

    def is_allowed(path: str) -> bool:
        return path.startswith(inside) or _SYSTEM.match(path) is not None

    strays = []
    with log.open(errors="replace") as lines:
        for line in lines:
            if not (result := re.search(r"= (\d+)(?:<(.*?)>(?:\(deleted\))?)?$", line.rstrip())):
                continue
            # The opened file; directories that names are looked up in; names from the root of the file system.
            paths = [result[2]] if result[2] else []
            if " resumed>" not in line:
                paths += re.findall(r"\b\d+<(.*?)>", line[: result.start()])
                paths += re.findall(r'[(,] ?"(/[^"]*)"', line[: result.start()])
            if not all(is_allowed(path) for path in paths):
                strays.append(line.rstrip())
    return strays
