"""Running a program, and saying all about it where it fails."""

import subprocess
from collections.abc import Sequence

#: Seconds. A command on a host takes milliseconds; an installation on a loaded machine some seconds.
TIMEOUT = 120.0


class CommandError(AssertionError):
    """A program ended with another exit code than 0."""


def run(
    command: Sequence[str], *, check: bool = True, timeout: float = TIMEOUT, **options: object
) -> subprocess.CompletedProcess[str]:
    """Runs `command` and returns its exit code and output.

    Raises CommandError, with the output, where `check` and the exit code is not 0; subprocess.TimeoutExpired.
    """
    options.setdefault("stdin", subprocess.DEVNULL)
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout, **options)
    if check and result.returncode:
        raise CommandError(f"{' '.join(command)}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return result
